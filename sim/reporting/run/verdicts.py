"""Which arm pays, how surely, in one word, one sentence and one row of numbers an arm.

The word is decided by the paired difference of net present value, and by nothing else: sure and above zero "pays", sure
and below "does not pay", otherwise "not clear yet", with about how many further seeds would make it sure if the mean
and spread of the differences stay what they are. What is sure is decided in `sim.measures.precision` and nowhere
else, so no word, star or bold number stands beside an adjusted p that speaks against it. Numbers are those of
summary.csv and comparison.csv; kept customers are the difference of attrition turned round, per 100,000 active
customers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sim.measures.intervals import t_quantile
from sim.measures.precision import CHANCE
from sim.phrases import quoted
from sim.reporting.figures import units
from sim.reporting.run.key_figures import Figure, KeyFigures

PER = 100_000  # customers that the sentence speaks of
MOST_SEEDS = 1_000  # more of them would tell differences too small to matter
PAYS, PAYS_NOT, UNCLEAR, NOTHING, ONE_SEED = "pays", "does not pay", "not clear yet", "no difference", "one seed"


@dataclass(frozen=True)
class Verdict:
    """What an arm comes to against the reference: differences (with intervals), money, and the word that follows.

    `cost_annual` is strategy cost a year beyond the reference's, and no other cost; `roi` and `payback` (months,
    infinite where one seed or more does not reach it) are means over seeds; `more_seeds` is None where the word is
    clear, or where 1,000 would not tell.
    """

    arm: str
    word: str
    more_seeds: int | None
    attrition: Figure | None
    aum: Figure | None  # relative: a share of the reference's AUM
    profit: Figure | None
    npv: Figure | None
    cost_annual: float
    roi: float
    payback: float

    @property
    def kept(self) -> Figure | None:
        """Active customers kept a year per 100,000 beyond the reference."""
        return _times(self.attrition, -PER)

    @property
    def words(self) -> str:
        """The word, and what would make it clear."""
        if self.word != UNCLEAR:
            return self.word
        if self.more_seeds is None:
            return f"{UNCLEAR}: nearer to nothing than {MOST_SEEDS:,} more seeds could tell"
        return f"{UNCLEAR}: about {self.more_seeds:,} more seed{'s' if self.more_seeds > 1 else ''} would tell"


def verdicts(figures: KeyFigures) -> list[Verdict]:
    """One verdict for every arm but the reference, in their order; none without a comparison."""
    reference = figures.arms[0]
    years = _ratio(figures.of(reference, "revenue"), figures.of(reference, "revenue_annual"))
    start = figures.of(reference, "aum_end")
    found = []
    for arm in figures.arms[1:]:
        npv = figures.gap(arm, "npv")
        word, more = judge(npv)
        spent = figures.gap(arm, "strategy_cost")
        level = start.value if start is not None and start.value > 0 else math.nan
        roi, payback = figures.of(arm, "roi"), figures.of(arm, "payback_months")
        found.append(
            Verdict(
                arm=arm,
                word=word,
                more_seeds=more,
                attrition=figures.gap(arm, "attrition_annual"),
                aum=_times(figures.gap(arm, "aum_end"), 1 / level),
                profit=figures.gap(arm, "profit_annual"),
                npv=npv,
                cost_annual=spent.value / years if spent is not None else math.nan,
                roi=roi.value if roi is not None else math.nan,
                payback=payback.value if payback is not None else math.nan,
            )
        )
    return found


def judge(npv: Figure | None) -> tuple[str, int | None]:
    """The word for a difference of net present value, and the further seeds that would make it clear."""
    if npv is None or math.isnan(npv.value):
        return ONE_SEED, None
    if npv.value == 0 and not npv.half > 0:
        return NOTHING, None
    if npv.seeds < 2 or math.isnan(npv.half):
        return ONE_SEED, None
    if npv.sure:
        return (PAYS if npv.value > 0 else PAYS_NOT), None
    return UNCLEAR, seeds_to_tell(npv.value, npv.half, npv.seeds, npv.level)


def seeds_to_tell(difference: float, half: float, seeds: int, level: float = CHANCE) -> int | None:
    """Further seeds after which a mean and spread like these have a p below `level`; None beyond `MOST_SEEDS`.

    `level` is 0.05 over the number of tests: by Holm's correction that is enough whatever the other tests say, and
    less may be, so the number is more often too large than too small.
    """
    from scipy.special import stdtrit

    level = CHANCE if math.isnan(level) else level
    sd = half * math.sqrt(seeds) / float(t_quantile(seeds))
    counts = np.arange(seeds + 1, seeds + MOST_SEEDS + 1)
    enough = stdtrit(counts - 1, 1.0 - level / 2) * sd / np.sqrt(counts) < abs(difference)
    return int(counts[int(np.argmax(enough))]) - seeds if enough.any() else None


def sentence(one: Verdict, reference: str, currency: str) -> str:
    """The verdict in one plain sentence with its uncertainty."""
    name = quoted(one.arm)
    parts = [part for part in (_customers(one, reference), _profit(one, currency)) if part]
    text = f"{name} {' and '.join(parts)}" if parts else f"{name} has nothing to compare"
    if one.npv is not None and not math.isnan(one.npv.value):
        text += f"; NPV {_money_with_interval(one.npv, currency)}"
    return f"{text} (one seed: chance is not ruled out)." if parts and one.word == ONE_SEED else f"{text}."


def _customers(one: Verdict, reference: str) -> str:
    kept = one.kept
    if kept is None or math.isnan(kept.value):
        return ""
    per = f"a year per {PER:,}"
    if kept.value == 0 and not kept.half > 0:
        return f"keeps as many customers{kept.mark} as {quoted(reference)}"
    count, low, high = (units.number(abs(value)) for value in (kept.value, kept.low, kept.high))
    if math.isnan(kept.half):
        return f"{'keeps' if kept.value > 0 else 'loses'} {count}{kept.mark} more customers {per}"
    if kept.sure and kept.value > 0:
        return f"keeps {count}{kept.mark} more customers {per} (95{units.GAP}% interval {low} to {high})"
    if kept.sure:
        return f"loses {count}{kept.mark} more customers {per} (95{units.GAP}% interval {high} to {low})"
    span = " to ".join(units.number(value, sign=True) for value in (kept.low, kept.high)) + kept.mark
    return f"keeps no clear number of customers more or fewer ({span} {per}, p {units.p_text(kept.p)})"


def _profit(one: Verdict, currency: str) -> str:
    profit = one.profit
    if profit is None or math.isnan(profit.value) or (profit.value == 0 and not profit.half > 0):
        return ""
    if profit.sure or math.isnan(profit.half):
        verb = "raises" if profit.value > 0 else "lowers"
        return f"{verb} profit by {units.money(abs(profit.value), currency)} a year"
    return f"changes profit by no clear amount ({_interval(profit, currency)} a year, p {units.p_text(profit.p)})"


def _money_with_interval(figure: Figure, currency: str) -> str:
    """ "CNY -12.0 m (-15.2 to -8.8)": one scale for all three, that of the largest."""
    if math.isnan(figure.half) or not figure.half > 1e-9 * abs(figure.value):
        return units.money(figure.value, currency, sign=True)
    value, low, high, word = _scaled(figure)
    return f"{units.GAP.join(filter(None, (currency, value, word)))} ({low} to {high})"


def _interval(figure: Figure, currency: str) -> str:
    _, low, high, word = _scaled(figure)
    return f"{units.GAP.join((currency, low))} to {units.GAP.join(filter(None, (high, word)))}"


def _scaled(figure: Figure) -> tuple[str, str, str, str]:
    divisor, word = units.scale(max(abs(figure.low), abs(figure.high)))
    look = units.Display(divisor, 2, word)
    return (*look.write_difference(figure.value, figure.low, figure.high), word)


def _times(figure: Figure | None, factor: float) -> Figure | None:
    """The figure in another measure; a negative factor turns the interval round."""
    if figure is None or math.isnan(factor):
        return None
    low, high = sorted((figure.low * factor, figure.high * factor))
    return replace(figure, value=figure.value * factor, low=low, high=high)


def _ratio(top: Figure | None, bottom: Figure | None) -> float:
    return top.value / bottom.value if top is not None and bottom is not None and bottom.value else math.nan


# ------------------------------------------------------------------------------------------------- a row of numbers


@dataclass(frozen=True)
class Column:
    """A column of the verdict table: its name, its unit, its text for a verdict, and whether that is sure."""

    name: str
    unit: str
    write: Callable[[Verdict], str]
    key: str
    sure: Callable[[Verdict], bool] = lambda one: False


def columns(found: list[Verdict], currency: str) -> list[Column]:
    """Columns of the verdict table but the arm and the word; one unit and one number of decimals a column.

    Every difference has half its interval behind it where there is one.
    """
    points = _decimals([one.attrition for one in found], 100.0, most=3)
    share = max(_decimals([one.aum for one in found], 100.0, most=2), 1)
    profit, profit_word = _scale([one.profit.value for one in found if one.profit])
    npv, npv_word = _scale([one.npv.value for one in found if one.npv])
    cost, cost_word = _scale([one.cost_annual for one in found])
    profits = _decimals([one.profit for one in found], 1 / profit, most=2)
    worths = _decimals([one.npv for one in found], 1 / npv, most=2)

    def with_half(figure: Figure | None, factor: float, decimals: int) -> str:
        if figure is None or math.isnan(figure.value):
            return units.MISSING
        text = units.number(figure.value * factor, decimals, sign=True) + figure.mark
        if figure.half > 1e-9 * abs(figure.value):
            text += f" {units.PLUS_MINUS}{units.half_text(figure.half * factor, decimals)}"
        return text

    def is_sure(figure: Figure | None) -> bool:
        return figure is not None and figure.sure

    profit_unit, cost_unit = f"{profit_word}/year".strip(), f"cost {cost_word}/y".replace(" /", "/")
    return [
        Column(
            "attrition",
            "pp/year",
            lambda one: with_half(one.attrition, 100.0, points),
            "attrition",
            lambda one: is_sure(one.attrition),
        ),
        Column("AUM", "%", lambda one: with_half(one.aum, 100.0, share), "aum", lambda one: is_sure(one.aum)),
        Column(
            "profit",
            profit_unit,
            lambda one: with_half(one.profit, 1 / profit, profits),
            "profit",
            lambda one: is_sure(one.profit),
        ),
        Column("strategy", cost_unit, lambda one: _cost(one, cost), "cost"),
        Column("ROI", "", lambda one: units.number(one.roi, 2, sign=True), "roi"),
        Column("payback", "months", _payback, "payback"),
        Column(
            "NPV",
            f"{currency} {npv_word}".strip(),
            lambda one: with_half(one.npv, 1 / npv, worths),
            "npv",
            lambda one: is_sure(one.npv),
        ),
        Column("p", "of NPV", lambda one: units.p_text(one.npv.p if one.npv else math.nan), "p"),
    ]


def _cost(one: Verdict, divisor: float) -> str:
    value = one.cost_annual / divisor
    return units.number(value, 0 if value == 0 else min(units.significant(value, 2), 2))


def _payback(one: Verdict) -> str:
    return "none" if math.isinf(one.payback) else units.number(one.payback)


def _scale(values: list[float]) -> tuple[float, str]:
    return units.scale(max((abs(value) for value in values if math.isfinite(value)), default=0.0))


def _decimals(found: list[Figure | None], factor: float, most: int) -> int:
    """Decimals for a column: the first digit of its median half width, or three digits of its largest value."""
    halves = [one.half * factor for one in found if one is not None and one.half > 0]
    values = [abs(one.value * factor) for one in found if one is not None and math.isfinite(one.value)]
    wanted = units.significant(max(values, default=0.0), 3, most=most)
    if halves:
        wanted = min(units.significant(float(np.median(halves)), 1, most=most), wanted + 1)
    return wanted
