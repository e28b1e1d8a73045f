"""The answer in plain words: what happened under the reference, and what each arm changed, with their uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.measures.catalogue import label
from sim.phrases import listed, quoted
from sim.reporting.figures import Board, units
from sim.reporting.figures.board import mean_of, ratio_base
from sim.reporting.run.key_figures import Figure, KeyFigures, difference_texts

CARDS = ("retention", "attrition_annual", "customers_end", "aum_end", "profit_annual", "nps")  # in large type


@dataclass(frozen=True)
class Headline:
    """A number in large type: label, value, and its unit and a remark under it."""

    label: str
    value: str
    remark: str


def headlines(figures: KeyFigures, board: Board) -> list[Headline]:
    """The numbers of the reference arm that a board asks for first."""
    cards = []
    starts = _starts(board)
    for kpi in CARDS:
        figure = figures.of(board.reference, kpi)
        if figure is None or math.isnan(figure.value):
            continue
        look = units.display(kpi, figure.unit, [figure.value])
        text, half = look.write(figure.value, figure.half)
        remark = f"{units.PLUS_MINUS} {half}" if half else "one seed" if len(board.seeds) == 1 else ""
        if kpi in starts and starts[kpi] > 0:
            remark = f"{units.percent(figure.value / starts[kpi] - 1, sign=True)} over {board.span_words}"
        unit = "" if kpi == "customers_end" else look.unit
        cards.append(Headline(label(kpi), text + figure.mark, ", ".join(part for part in (unit, remark) if part)))
    return cards


def _starts(board: Board) -> dict[str, float]:
    """Customers and AUM of the reference arm in month 0, mean over seeds."""
    return {
        "customers_end": mean_of(board.total("customers")[0, :, 0]),
        "aum_end": mean_of(board.total("aum")[0, :, 0]),
    }


def answer(figures: KeyFigures, board: Board) -> list[str]:
    """What happens under the reference in sentences, the most important first."""
    return [sentence for sentence in _reference(figures, board) if sentence]


def _reference(figures: KeyFigures, board: Board) -> list[str]:
    arm = board.reference
    who = "the bank" if board.one_arm else f"the bank under {quoted(arm)}"
    lost, shut = figures.of(arm, "attrition_annual"), _closed_while_active(board)
    few_shut, few_quiet = board.few(board.closed_active[0]), board.few(board.cube("went_dormant")[0])
    sentences = []
    stay, money = figures.of(arm, "retention"), figures.of(arm, "retention[aum]")
    if stay is not None and math.isfinite(stay.value):
        text = f"Of its active customers of month 0 {who} has {_with_interval('retention', stay)} at the end"
        if money is not None and math.isfinite(money.value):
            text += f", with {_with_interval('retention[aum]', money)} of what they held then"
        sentences.append(text + ".")
    if lost is not None and math.isfinite(lost.value):
        rate = _with_interval("attrition_annual", lost)
        text = f"Over {board.span_words}, {who} loses {rate} of its active customers a year"
        if math.isfinite(shut):
            quiet = units.percent(lost.value - shut)
            text += f": {units.percent(shut)}{few_shut} close, {quiet}{few_quiet} go dormant without a word"
        back = figures.of(arm, "returns_annual")
        if back is not None and math.isfinite(back.value):
            text += f"; {_with_interval('returns_annual', back)} come back from dormancy"
        sentences.append(text + ".")
    else:
        sentences.append(f"{who.capitalize()} has no active customers to lose.")
    sentences.append(_growth(figures, board))
    profit = figures.of(arm, "profit_annual")
    if profit is not None and math.isfinite(profit.value):
        revenue = _of(figures, arm, "revenue_annual", " on revenue of ")
        cost = _of(figures, arm, "cost_annual", " and cost of ")
        sentences.append(f"Profit is {_with_interval('profit_annual', profit)} a year{revenue}{cost}.")
    score = figures.of(arm, "nps")
    if score is not None and math.isfinite(score.value):
        sentences.append(f"The net promoter score ends at {_with_interval('nps', score)}.")
    return sentences


def _closed_while_active(board: Board) -> float:
    """Closures of active customers per active customer-year, reference arm, mean over seeds."""
    customer_years = board.total("active")[0, :, :-1].sum(axis=1) / 12
    return mean_of(board.closed_active[0].sum(axis=(1, 2)) / ratio_base(customer_years))


def _growth(figures: KeyFigures, board: Board) -> str:
    parts = []
    starts = _starts(board)
    for kpi, noun in (("customers_end", "customers go"), ("aum_end", "AUM goes")):
        end, start = figures.of(board.reference, kpi), starts[kpi]
        if end is None or not math.isfinite(end.value) or start <= 0:
            continue
        shown = (lambda value: units.money(value, board.currency)) if kpi == "aum_end" else units.short
        a_year = (end.value / start) ** (12 / board.months) - 1 if end.value > 0 else math.nan
        yearly = f", {units.percent(a_year, sign=True)} a year" if board.months > 12 else ""
        parts.append(
            f"{noun} from {shown(start)} to {shown(end.value)} "
            f"({units.percent(end.value / start - 1, sign=True)}{yearly})"
        )
    if not parts:
        return ""
    text = "; ".join(parts)
    fresh = figures.of(board.reference, "net_new_money_annual")
    if fresh is not None and math.isfinite(fresh.value):
        text += f", with net new money of {_with_interval('net_new_money_annual', fresh)} a year"
    return text[0].upper() + text[1:] + "."


def _of(figures: KeyFigures, arm: str, kpi: str, before: str) -> str:
    figure = figures.of(arm, kpi)
    if figure is None or not math.isfinite(figure.value):
        return ""
    look = units.display(kpi, figure.unit, [figure.value])
    return before + _join(look.write(figure.value)[0], look.unit)


def _with_interval(kpi: str, figure: Figure) -> str:
    """A value with its unit, and its 95 % interval in brackets if there is one."""
    look = units.display(kpi, figure.unit, [figure.value])
    text, half = look.write(figure.value, figure.half)
    shown = _join(text, look.unit) + figure.mark
    if not half:
        return shown
    decimals = len(text.partition(".")[2])
    low, high = (units.number(end / look.divisor, decimals) for end in (figure.low, figure.high))
    return f"{shown} (95{units.GAP}% interval {low} to {high})"


def _join(text: str, unit: str) -> str:
    """The value with its unit in reading order: "CNY 310 m", "14.2 %", "5.1"; "a year" is left to the sentence."""
    unit = unit.removesuffix(" a year")
    if unit[:3].isupper() and unit[:3].isalpha():
        head, _, word = unit.partition(" ")
        return units.GAP.join(part for part in (head, text, word) if part)
    return text if unit in ("", "points") else f"{text}{units.GAP}{unit}"


def changes(figures: KeyFigures, board: Board, arm: str) -> str:
    """What an arm changes besides attrition and profit: what is sure, then what is not; "" if there is nothing."""
    sure: list[str] = []
    unsure: list[str] = []
    alone: list[str] = []  # of one seed, which tells nothing of chance
    for kpi, noun in (("customers_end", "customers at the end"), ("aum_end", "AUM at the end"), ("nps", "NPS")):
        gap = figures.gap(arm, kpi)
        if gap is None or math.isnan(gap.value):
            continue
        look = units.display(kpi, gap.unit, [gap.value], difference=True)
        level = figures.of(arm, kpi)
        text, low, high, certain = difference_texts(gap, look, level.value if level is not None else 0.0)
        if text == "0" and not low:
            continue
        shown = _join(text, look.unit.removeprefix("customers")) + (f"{units.GAP}points" * (look.unit == "points"))
        if low:
            shown += f" ({low} to {high})"
        (sure if certain else unsure if low else alone).append(f"{noun} {shown}")
    parts = [f"Also {listed(sure)}."] if sure else []
    parts += [f"Not clear: {listed(unsure)}."] if unsure else []
    parts += [f"In this one seed: {listed(alone)}."] if alone else []
    return " ".join([*parts, _return(figures, arm, board).strip()]).strip()


def _return(figures: KeyFigures, arm: str, board: Board) -> str:
    """What the arm costs and returns, where that can be said."""
    parts = []
    cost, kept = figures.of(arm, "cost_per_saved_customer"), figures.gap(arm, "retention")
    if cost is not None and math.isfinite(cost.value) and kept is not None and kept.sure and kept.value > 0:
        look = units.display("cost_per_saved_customer", cost.unit, [cost.value])
        parts.append(f"cost per customer retained {_join(look.write(cost.value)[0], look.unit)}{cost.mark}")
    roi = figures.of(arm, "roi")
    if roi is not None and math.isfinite(roi.value):
        parts.append(
            f"every {board.currency}{units.GAP}1 that it costs more changes value by "
            f"{units.number(roi.value, 2, sign=True)}, that cost included"
        )
    over = "With one seed" if len(board.seeds) == 1 else "Mean over seeds"
    return f" {over}: {'; '.join(parts)}." if parts else ""
