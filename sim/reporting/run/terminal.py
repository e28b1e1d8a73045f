"""The summary that a terminal shows at the end of a run: plain text, at most 100 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from rich.cells import cell_len

from sim.measures.catalogue import label, short_label
from sim.measures.evidence import FEW, NONE, ROUGH, Evidence, evidence_of
from sim.phrases import labelled, named
from sim.reporting.figures import units
from sim.reporting.names import labels_of
from sim.reporting.run.key_figures import Cell, KeyFigures, difference_texts, unit_of
from sim.reporting.run.precision_notes import COMPARED, RULE, precision_note, precision_rows
from sim.reporting.run.verdicts import SAVES, UNCLEAR, Column, Verdict, columns, verdicts

if TYPE_CHECKING:
    from sim.store.run_reading import Run

WIDTH = 100
SHOWN = (
    "retention",
    "attrition_annual",
    "returns_annual",
    "closure_annual",
    "retention_12m",
    "dormant_share",
    "customers_end",
    "aum_end",
    "net_new_money_annual",
    "revenue_annual",
    "cost_annual",
    "profit_annual",
    "npv",
    "customer_equity",
    "value",
    "clv",
    "products",
    "satisfaction",
    "nps",
    "contacts_per_customer",
    "manager_utilisation",
)
SURE = "*"
BY_VALUE = (
    "value clearly below does not pay, cash clearly above pays within the horizon, value alone clearly above pays later"
)
BY_CASH = "less than a year, so cash alone decides: clearly above pays within the horizon, clearly below does not pay"


def summary_table(
    source: Run | pd.DataFrame,
    comparison: pd.DataFrame | None = None,
    precision: pd.DataFrame | None = None,
    *,
    width: int = WIDTH,
    evidence: Evidence = NONE,
) -> str:
    """Key figures as text: by bank and tier for one arm, else a row an arm with its differences to the reference.

    `source` is a stored run or its summary table. With several arms and `precision`, how sure the differences are
    stands below. `evidence` is what a summary table rests on; a stored run has its own. Ends without a newline.
    """
    if not isinstance(source, pd.DataFrame):
        comparison = source.comparison if len(source.arms) > 1 and comparison is None else comparison
        with labelled(labels_of(source.manifest)):
            told = summary_table(source.summary, comparison, precision, width=width, evidence=evidence_of(source))
            believed = beliefs_table(source, KeyFigures(source.summary, comparison), width)
            return f"{told}\n\n{believed}" if believed else told
    summary = source
    figures = KeyFigures(summary, comparison, evidence)
    if len(figures.arms) == 1:
        return _by_tier(figures, summary, width)
    sure = _how_sure(precision, width, evidence) if precision is not None else ""
    parts = (_by_arm(figures, width), sure, verdict_table(figures, width))
    return "\n\n".join(part for part in parts if part)


def _how_sure(precision: pd.DataFrame, width: int, evidence: Evidence) -> str:
    """A row an arm: half-width, seeds for half of it and corrected p, of as many KPIs as there is room for."""
    head, body, starts = precision_rows(precision, evidence)
    ends = [*starts[1:], len(head[0])] if starts else []
    names = units.shortened([named(row[0]) for row in body], 24)
    body = [[name, *row[1:]] for name, row in zip(names, body, strict=True)]
    for end in reversed(ends):
        text = aligned([row[:end] for row in head], [row[:end] for row in body])
        if widest(text) <= width or end == ends[0]:
            notes = [FEW] if any(ROUGH in line for line in text) else []
            return "\n".join([*text, "", *precision_note(precision), *notes])
    return ""


def verdict_table(figures: KeyFigures, width: int = WIDTH) -> str:
    """Which arm pays: a line an arm, what decides, and what the columns are; "" without a comparison."""
    found = verdicts(figures)
    if not found:
        return ""
    currency = next((one.npv.unit for one in found if one.npv), "")
    arms = [named(one.arm) for one in found]
    longest = max(map(cell_len, arms))
    for words, most, gap, left_out in (  # what gives way, in this order, until the lines fit
        (_long, 32, 2, ()),
        *(
            (_short_word, most, gap, left_out)
            for most, left_out in (
                (32, ()),
                (32, ("profit",)),
                (32, ("profit", "attrition")),
                (22, ("profit", "attrition")),
                (22, ("profit", "attrition", "payback")),
                (22, ("profit", "attrition", "payback", "aum")),
                (14, ("profit", "attrition", "payback", "aum")),
                (14, ("profit", "attrition", "payback", "aum", "npv")),
                (12, ("profit", "attrition", "payback", "aum", "npv", "roi")),
                (8, ("profit", "attrition", "payback", "aum", "npv", "roi", "cost")),
            )
            for gap in (2, 1)
        ),
    ):
        every = columns(found, currency)
        kept = left_out if any(column.key == "retention" for column in every) else {*left_out} - {"attrition"}
        shown = [column for column in every if column.key not in kept]
        head = [["arm", *(column.name for column in shown), "verdict"], ["", *(column.unit for column in shown), ""]]
        names = units.shortened(arms, most) if longest > most else arms
        body = [
            [name, *(_marked(column, one, found) for column in shown), words(one)]
            for name, one in zip(names, found, strict=True)
        ]
        text = aligned(head, body, left=(0, len(shown) + 1), apart=gap)
        if widest(text) <= width:
            break
    return "\n".join(["Which arm pays", *text, "", *_verdict_notes(found, figures.arms[0], width, shown)])


def _marked(column: Column, one: Verdict, found: Sequence[Verdict]) -> str:
    """A cell with a star where it is sure, and room for one where another cell of the column has it."""
    room = " " if any(column.sure(other) for other in found) else ""
    return column.write(one) + (SURE if column.sure(one) else room)


def _long(one: Verdict) -> str:
    return f"{UNCLEAR}: {one.more_seeds:,} more seeds would tell" if one.more_seeds else one.word


def _short_word(one: Verdict) -> str:
    return f"not clear, +{one.more_seeds:,}" if one.more_seeds else one.word


def _verdict_notes(found: Sequence[Verdict], reference: str, width: int, shown: Sequence[Column]) -> list[str]:
    seeds = max((one.npv.seeds for one in found if one.npv), default=0)
    (reference,) = units.shortened([named(reference)], 32)
    notes = [f"differences to {reference}, same seeds"]
    by_cash = any(one.by_cash for one in found)
    if seeds > 1:
        notes += [
            f"{units.PLUS_MINUS} half width of the 95 % interval (paired t, {seeds} seeds)",
            f"clear ({SURE}): {RULE}",
            BY_CASH if by_cash else BY_VALUE,
        ]
        if any(one.more_seeds for one in found):
            notes.append("not clear, +n: about n more seeds would tell")
        if any(one.word == UNCLEAR and one.more_seeds is None for one in found):
            notes.append("not clear without a number: nearer to nothing than 1,000 more seeds could tell")
    else:
        notes.append("one seed: no interval, so no verdict")
    texts = {column.key: [column.write(one) for one in found] for column in shown}
    meanings = {
        "retention": "retained: customers of month 0 active at the end",
        "cost": "cost: all that is spent more, discounted",
        "roi": "ROI: value without cost, over cost, less 1",
        "npv": "cash: NPV to the horizon",
        "value": "value: cash and customer equity at the horizon",
        "p": f"p: of {'cash' if by_cash else 'value'}",
    }
    notes += [meaning for key, meaning in meanings.items() if key in texts]
    if SAVES in texts.get("roi", []):
        notes.append(f"{SAVES}: spends less than {reference}, so there is no return on money spent")
    if "none" in texts.get("payback", []):
        notes.append("payback none: not reached within these months, in a seed or more")
    if any(ROUGH in text for column in texts.values() for text in column):
        notes.append(FEW)
    return units.wrapped("; ".join(notes), width)


def beliefs_table(run: Run, figures: KeyFigures, width: int) -> str:
    """What arms come to over the worlds of beliefs; "" for a run without any."""
    if getattr(run, "beliefs", None) is None:
        return ""
    from sim.reporting.run.beliefs import under_beliefs  # imports the analysis of sweeps

    found = under_beliefs(run, figures)
    if found is None:
        return ""
    of = f"of {found.worlds}"
    all_columns = [
        ("arm", "", [named(row.arm) for row in found.rows]),
        ("luck", "", [row.luck for row in found.rows]),
        ("pays in", of, [row.pays for row in found.rows]),
        ("best in", of, [row.best for row in found.rows]),
        ("expected", found.unit, [row.expected for row in found.rows]),
        ("5 to 95 %", "of worlds", [row.span for row in found.rows]),
        ("as assumed", "", [row.assumed for row in found.rows]),
        ("regret", "at most", [row.regret for row in found.rows]),
    ]
    text: list[str] = []
    for left_out, most in (((), 32), (("as assumed",), 32), (("as assumed", "luck"), 24), (("as assumed", "luck"), 12)):
        shown = [column for column in all_columns if column[0] not in left_out]
        names = units.shortened(shown[0][2], most)
        body = [list(row) for row in zip(names, *(column[2] for column in shown[1:]), strict=True)]
        head = [[column[0] for column in shown], [column[1] for column in shown]]
        text = aligned(head, body, left=tuple(i for i, column in enumerate(shown) if column[0] in ("arm", "luck")))
        if widest(text) <= width:
            break
    sentences = [found.setting + ".", found.overview, *found.turns, *found.knowing, *found.pilots]
    told = [line for sentence in sentences for line in units.wrapped(sentence.replace(units.GAP, " "), width)]
    notes = "; ".join(note for note in found.notes if note.partition(":")[0] not in left_out)
    return "\n".join(["Under other beliefs", *text, "", *units.wrapped(notes, width), "", *told])


def attribution_table(table: pd.DataFrame) -> str:
    """attribution.csv as text: a block a KPI, a line a member, the whole below; the values add up to it."""
    blocks = []
    for kpi, own in table.groupby("kpi", sort=False):
        whole = float(own["whole"].iloc[0])
        look = units.display(str(kpi), str(own["unit"].iloc[0]), [*own["value"], whole], difference=True)
        half = (own["ci_high"] - own["value"]).to_numpy(dtype=float)
        numbers = own[["value", "alone", "last", "synergy"]].to_numpy(dtype=float)
        body = []
        for member, spread, (share, *others) in zip(own["member"].astype(str), half, numbers, strict=True):
            value, ends = look.write(float(share), float(spread), sign=True)
            parts = [look.write(float(part), sign=True)[0] for part in others]
            body.append([member, f"{value} {units.PLUS_MINUS}{ends}" if ends else value, *parts])
        body.append(["the whole", look.write(whole, sign=True)[0], "", "", ""])
        head = [[label(str(kpi)), "value", "alone", "last", "synergy"], [look.unit, "", "", "", ""]]
        blocks.append("\n".join(aligned(head, body)))
    seeds = int(table["seeds"].max())
    note = (
        f"value: Shapley value, the mean contribution over all orders of joining, {units.PLUS_MINUS} half width of its "
        f"95 % interval over {seeds} seeds; alone: the member less nothing; last: the bundle less the bundle without "
        "it; synergy: value less alone"
    )
    return "\n\n".join([*blocks, "\n".join(units.wrapped(note, WIDTH))])


def _by_tier(figures: KeyFigures, summary: pd.DataFrame, width: int) -> str:
    arm = figures.arms[0]
    names = summary["kpi"].astype(str)
    tiers = list(dict.fromkeys(names[names.str.startswith("customers_end[")].str[len("customers_end[") : -1]))
    heads = [named(tier, "tier") for tier in tiers]
    rows = [row for group in figures.by_tier(arm, tiers).values() for row in group if row.kpi in SHOWN]
    rows.sort(key=lambda row: SHOWN.index(row.kpi))
    for spread in (len(tiers) + 1, 1, 0):  # intervals for all, for the bank alone, for none
        body = [
            [row.label, row.unit, *(_cell(cell, place < spread) for place, cell in enumerate(row.cells))]
            for row in rows
        ]
        text = aligned([["", "", "bank", *heads]], body)
        if widest(text) <= width:
            break
    shown = len(tiers)
    while widest(text) > width and shown > 0:  # many tiers: those from the top down that fit
        shown -= 1
        kept = [[*row[:3], *row[3 + len(tiers) - shown :]] for row in body]
        text = aligned([["", "", "bank", *heads[len(tiers) - shown :]]], kept)
    seeds = int(summary["seeds"].max())
    notes = []
    if seeds > 1 and spread:
        notes.append(f"{units.PLUS_MINUS} half width of the 95 % interval over {seeds} seeds")
    elif seeds <= 1:
        notes.append("one seed, so no intervals but that of customer value (delta method)")
    if shown < len(tiers):
        notes.append(f"{len(tiers) - shown} lower tiers in summary.csv")
    there = tiers[len(tiers) - shown :]
    keys = [(arm, kpi) for row in rows for kpi in (row.kpi, *(f"{row.kpi}[{tier}]" for tier in there))]
    marks = _marks(figures, keys, width)
    return "\n".join([*text, "", "; ".join(notes), *marks]).rstrip()


def _marks(figures: KeyFigures, keys: Sequence[tuple[str, str]], width: int) -> list[str]:
    """What the marks behind figures mean, as far as there are any."""
    return [line for sentence in figures.evidence.words(keys) for line in units.wrapped(sentence, width)]


def _cell(cell: Cell, spread: bool) -> str:
    if not cell.half or not spread:
        return cell.text
    return f"{cell.text} {units.PLUS_MINUS}{cell.half}"


def _by_arm(figures: KeyFigures, width: int) -> str:
    kpis = [kpi for kpi in COMPARED if figures.said(kpi)]
    while kpis:
        head, unit_line, columns = ["arm"], [""], [units.shortened([*map(named, figures.arms)], 24)]
        for kpi in kpis:
            found = [figures.of(arm, kpi) for arm in figures.arms]
            gaps = [figures.gap(arm, kpi) for arm in figures.arms]
            look = units.display(kpi, unit_of(found), [one.value for one in found if one])
            apart = units.Display(look.divisor, look.most_decimals, look.unit, look.least_decimals)
            values = [look.write(one.value, one.half)[0] + one.mark if one else units.MISSING for one in found]
            levels = [one.value if one else 0.0 for one in found]
            changes = [_change(difference_texts(gap, apart, level)) for gap, level in zip(gaps, levels, strict=True)]
            head += [short_label(kpi), ""]
            unit_line += [look.unit, ""]
            columns += [values, changes]
        body = [list(row) for row in zip(*columns, strict=True)]
        text = aligned([head, unit_line], body, tight=range(2, 2 * len(kpis) + 1, 2))
        if widest(text) <= width or len(kpis) == 1:
            break
        kpis = kpis[:-1]
    (reference,) = units.shortened([named(figures.arms[0])], 32)
    notes = f"in brackets: difference to {reference}, same seeds"
    if any(SURE in line for line in text[3:]):
        notes += f"; {SURE} clear: {RULE}"
    marks = _marks(figures, [(arm, kpi) for arm in figures.arms for kpi in kpis], width)
    return "\n".join([*text, "", *units.wrapped(notes, width), *marks])


def _change(texts: tuple[str, str, str, bool]) -> str:
    text, _, _, sure = texts
    return f"({text}){SURE if sure else ' '}" if text else ""


def aligned(
    head: Sequence[Sequence[str]],
    body: Sequence[Sequence[str]],
    tight: Sequence[int] = (),
    left: Sequence[int] | None = None,
    apart: int = 2,
) -> list[str]:
    """Lines with words to the left and numbers to the right; columns of `tight` stand close to the one before.

    `left` are the columns of words: the first, or the first two where the first has no name; `apart` is the gap.
    """
    rows = [[text.replace(units.GAP, " ") for text in row] for row in [*head, *body]]
    widths = [max(cell_len(row[place]) for row in rows) for place in range(len(rows[0]))]
    words = left if left is not None else (0, 1) if head[0][1] == "" else (0,)

    def line(row: Sequence[str]) -> str:
        parts = []
        for place, (text, wide) in enumerate(zip(row, widths, strict=True)):
            room = " " * (wide - cell_len(text))
            gap = "" if place == 0 else " " if place in tight else " " * apart
            parts.append(gap + (text + room if place in words else room + text))
        return "".join(parts).rstrip()

    lines = [line(row) for row in rows]
    lines.insert(len(head), "-" * widest(lines))
    return lines


def widest(lines: Sequence[str]) -> int:
    return max(map(cell_len, lines))
