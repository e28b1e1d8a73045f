"""Which arm pays, how surely, in a word, a sentence and a row of numbers an arm.

The word is decided by the paired differences of cash NPV and of value (`sim.measures.money`), and by nothing else:
value surely below the reference's "does not pay"; else cash surely above "pays within the horizon"; else value surely
above "pays later"; otherwise "not clear", with about how many further seeds would make it sure if mean and spread of
the differences stay what they are. Where value is not known (less than a year) cash alone decides. What is sure is
decided in `sim.measures.precision` and nowhere else, so no word, star or bold number stands beside an adjusted p that
speaks against it. Numbers are those of summary.csv and comparison.csv.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.measures.intervals import t_quantile
from sim.measures.precision import CHANCE
from sim.phrases import quoted
from sim.reporting.figures import units
from sim.reporting.run.key_figures import Figure, KeyFigures

if TYPE_CHECKING:
    import pandas as pd

PER = 100_000  # customers that the sentence speaks of
MOST_SEEDS = 1_000  # more of them would tell differences too small to matter
PAYS, LATER, PAYS_NOT, UNCLEAR = "pays within the horizon", "pays later", "does not pay", "not clear"
NOTHING, ONE_SEED = "no difference", "one seed"
SAVES = "saves"  # in the place of a return on money spent


@dataclass(frozen=True)
class Verdict:
    """What an arm comes to against the reference: differences (with intervals), money, and the word that follows.

    `cost` is all that it spends more, discounted; `roi` and `payback` (months, infinite where one seed or more does not
    reach it) are means over seeds; `more_seeds` is None where the word is clear, or where 1,000 would not tell.
    `retention` is None in runs of earlier editions, `value` where it is not known: cash decides then.
    """

    arm: str
    word: str
    more_seeds: int | None
    retention: Figure | None
    attrition: Figure | None
    aum: Figure | None  # relative: a share of the reference's AUM
    profit: Figure | None
    cost: Figure | None
    npv: Figure | None
    value: Figure | None
    roi: float
    payback: float

    @property
    def kept(self) -> Figure | None:
        """Active customers of month 0 retained per 100,000 beyond the reference."""
        return _times(self.retention, PER)

    @property
    def decides(self) -> Figure | None:
        """What decides whether it pays: the difference of value, or of cash where that is all that is known."""
        return self.value if _known(self.value) else self.npv

    @property
    def by_cash(self) -> bool:
        """True if cash alone decides."""
        return not _known(self.value) and _known(self.npv)

    @property
    def words(self) -> str:
        """The word, and what would make it clear."""
        if self.word != UNCLEAR:
            return self.word
        if self.more_seeds is None:
            return f"{UNCLEAR}: nearer to nothing than {MOST_SEEDS:,} more seeds could tell"
        return f"{UNCLEAR}: about {self.more_seeds:,} more seed{'s' if self.more_seeds > 1 else ''} would tell"


def _known(figure: Figure | None) -> bool:
    return figure is not None and not math.isnan(figure.value)


def verdicts(figures: KeyFigures) -> list[Verdict]:
    """One verdict for every arm but the reference, in their order; none without a comparison."""
    start = figures.of(figures.arms[0], "aum_end")
    level = start.value if start is not None and start.value > 0 else math.nan
    found = []
    for arm in figures.arms[1:]:
        npv, value = figures.gap(arm, "npv"), figures.gap(arm, "value")
        word, more = judge(npv, value)
        roi, payback = figures.of(arm, "roi"), figures.of(arm, "payback_months")
        found.append(
            Verdict(
                arm=arm,
                word=word,
                more_seeds=more,
                retention=figures.gap(arm, "retention"),
                attrition=figures.gap(arm, "attrition_annual"),
                aum=_times(figures.gap(arm, "aum_end"), 1 / level),
                profit=figures.gap(arm, "profit_annual"),
                cost=figures.gap(arm, "cost_discounted"),
                npv=npv,
                value=value,
                roi=roi.value if roi is not None else math.nan,
                payback=payback.value if payback is not None else math.nan,
            )
        )
    return found


def verdict_rows(summary: pd.DataFrame, comparison: pd.DataFrame) -> list[dict[str, Any]]:
    """A row an arm for machines: arm, verdict, what decides it ("value" or "cash"), seeds that would make it clear."""
    return [
        {
            "arm": one.arm,
            "verdict": one.word,
            "decided_by": "cash" if one.by_cash else "value",
            "more_seeds": one.more_seeds,
        }
        for one in verdicts(KeyFigures(summary, comparison))
    ]


def judge(npv: Figure | None, value: Figure | None) -> tuple[str, int | None]:
    """The word for differences of cash and of value, and the further seeds that would make it clear."""
    decides = value if _known(value) else npv
    if decides is None or math.isnan(decides.value):
        return ONE_SEED, None
    if all(one is None or (one.value == 0 and not one.half > 0) for one in (npv, decides)):
        return NOTHING, None
    if decides.seeds < 2 or math.isnan(decides.half):
        return ONE_SEED, None
    if decides.sure and decides.value < 0:
        return PAYS_NOT, None
    if npv is not None and npv.sure and npv.value > 0:
        return PAYS, None
    if decides.sure and decides.value > 0:
        return LATER, None
    return UNCLEAR, seeds_to_tell(decides.value, decides.half, decides.seeds, decides.level)


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
    money = [("value", one.value), ("of it cash" if _known(one.value) else "cash NPV", one.npv)]
    said = [f"{what} {_money_with_interval(figure, currency)}" for what, figure in money if _known(figure) and figure]
    text += f"; {', '.join(said)}" if said else ""
    return f"{text} (one seed: chance is not ruled out)." if parts and one.word == ONE_SEED else f"{text}."


def _customers(one: Verdict, reference: str) -> str:
    kept = one.kept
    if kept is None or math.isnan(kept.value):
        return ""
    per = f"of {PER:,} customers to the end"
    if kept.value == 0 and not kept.half > 0:
        return f"keeps as many customers{kept.mark} as {quoted(reference)}"
    count, low, high = (units.number(abs(value)) for value in (kept.value, kept.low, kept.high))
    if math.isnan(kept.half):
        return f"{'keeps' if kept.value > 0 else 'loses'} {count}{kept.mark} more {per}"
    if kept.sure and kept.value > 0:
        return f"keeps {count}{kept.mark} more {per} (95{units.GAP}% interval {low} to {high})"
    if kept.sure:
        return f"loses {count}{kept.mark} more {per} (95{units.GAP}% interval {high} to {low})"
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

    Every difference has half its interval behind it where there is one. What no arm has is left out.
    """
    points = _decimals([one.attrition for one in found], 100.0, most=3)
    shares = _decimals([one.retention for one in found], 100.0, most=3)
    share = max(_decimals([one.aum for one in found], 100.0, most=2), 1)
    profit, profit_word = _scale([one.profit.value for one in found if one.profit])
    worth, word = _scale([figure.value for one in found for figure in (one.npv, one.value) if figure])
    cost, cost_word = _scale([one.cost.value for one in found if one.cost])
    profits = _decimals([one.profit for one in found], 1 / profit, most=2)
    worths = max(_decimals(own, 1 / worth, most=2) for own in zip(*((x.npv, x.value) for x in found), strict=True))
    money = f"{currency} {word}".strip()

    def with_half(figure: Figure | None, factor: float, decimals: int) -> str:
        if figure is None or math.isnan(figure.value):
            return units.MISSING
        text = units.number(figure.value * factor, decimals, sign=True) + figure.mark
        if figure.half > 1e-9 * abs(figure.value):
            text += f" {units.PLUS_MINUS}{units.half_text(figure.half * factor, decimals)}"
        return text

    def differences(key: str, name: str, unit: str, factor: float, decimals: int) -> Column:
        def of(one: Verdict) -> Figure | None:
            figure: Figure | None = getattr(one, key)
            return figure

        return Column(
            name,
            unit,
            lambda one: with_half(of(one), factor, decimals),
            key,
            lambda one: bool((figure := of(one)) and figure.sure),
        )

    every = [
        differences("retention", "retained", "pp", 100.0, shares),
        differences("attrition", "attrition", "pp/year", 100.0, points),
        differences("npv", "cash", money, 1 / worth, worths),
        differences("value", "value", money, 1 / worth, worths),
        Column("p", "", lambda one: units.p_text(one.decides.p if one.decides else math.nan), "p"),
        Column("cost", f"{currency} {cost_word}".strip(), lambda one: _cost(one, cost), "cost"),
        Column("ROI", "", _roi, "roi"),
        Column("payback", "months", _payback, "payback"),
        differences("aum", "AUM", "%", 100.0, share),
        differences("profit", "profit", f"{profit_word}/year".strip(), 1 / profit, profits),
    ]
    absent = {key for key in ("retention", "value") if not any(_known(getattr(one, key)) for one in found)}
    return [column for column in every if column.key not in absent]


def _cost(one: Verdict, divisor: float) -> str:
    value = one.cost.value / divisor if one.cost is not None else math.nan
    return units.number(value, 0 if value == 0 else min(units.significant(value, 2), 2))


def _roi(one: Verdict) -> str:
    """The return; of an arm that spends less than the reference that it does, since nothing was spent to return on."""
    saves = math.isnan(one.roi) and one.cost is not None and one.cost.value < 0
    return SAVES if saves else units.number(one.roi, 2, sign=True)


def _payback(one: Verdict) -> str:
    return "none" if math.isinf(one.payback) else units.number(one.payback)


def _scale(values: list[float]) -> tuple[float, str]:
    return units.scale(max((abs(value) for value in values if math.isfinite(value)), default=0.0))


def _decimals(found: Sequence[Figure | None], factor: float, most: int) -> int:
    """Decimals for a column: the first digit of its median half width, or three digits of its largest value."""
    halves = [one.half * factor for one in found if one is not None and one.half > 0]
    values = [abs(one.value * factor) for one in found if one is not None and math.isfinite(one.value)]
    wanted = units.significant(max(values, default=0.0), 3, most=most)
    if halves:
        wanted = min(units.significant(float(np.median(halves)), 1, most=most), wanted + 1)
    return wanted
