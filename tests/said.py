"""Reads what a run says (page, terminal, titles of figures, marks) and holds every claim against the tables.

The grammar is closed: a sentence that names an arm, has a number in it or uses a word of judgement must match one of
the patterns of `said_titles`, `said_verdicts` and `said_alone`, each of which comes with its check, or stand among the
fixed explanations. So a new sentence without a check fails. What is sure is worked out here anew, from comparison.csv
alone and by other means than the program's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from sim.measures.catalogue import HEADLINES, SAME_TEST
from sim.measures.evidence import customers_per_row

MOST_SHOWN = 7  # arms besides the reference that figures with a line an arm have colours for
NUMBER = r"[+-]?(?:[A-Z]{3} )?[+-]?[\d,]*\.?\d+(?: (?:tn|bn|m|k))?"
SCALE = {"tn": 1e12, "bn": 1e9, "m": 1e6, "k": 1e3, None: 1.0}


def plain(text: str) -> str:
    """The text with the minus sign and the space of a keyboard, on one line."""
    return " ".join(text.replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ").split())


def is_about(text: str, value: float, factor: float = 1.0) -> bool:
    """Whether a written number is the value, rounded as it is written."""
    number = r"(?:[A-Z]{3} )?([+-]?[\d,]*\.?\d+)(?: (tn|bn|m|k))?(?: points| %| SD)?"
    found = re.fullmatch(number, text.strip().removesuffix("~"))
    assert found, f"not a number: {text!r}"
    scale = SCALE[found[2]]
    decimals = len(found[1].partition(".")[2])
    return abs(float(found[1].replace(",", "")) * scale - value * factor) <= 0.50001 * 10.0**-decimals * scale


class Truth:
    """comparison.csv as a judge reads it."""

    def __init__(self, comparison: pd.DataFrame, arms: list[str]):
        self.arms, self.reference = arms[1:], arms[0]
        self.rows = {(str(row.arm), str(row.kpi)): row for row in comparison.itertuples()}
        raw = {}
        for key, row in self.rows.items():
            half = (row.ci_high - row.ci_low) / 2
            if key[1] not in HEADLINES or not half >= 0:
                continue
            if half == 0:
                if row.difference == 0:
                    raw[key] = 1.0
                continue
            error = half / student.ppf(0.975, row.seeds - 1)
            raw[key] = 2 * student.sf(abs(row.difference) / error, row.seeds - 1)
        self.tests = len(raw)
        self.adjusted: dict[tuple[str, str], float] = {}
        least = 0.0
        for place, (key, p) in enumerate(sorted(raw.items(), key=lambda item: item[1])):
            least = max(least, min(1.0, p * (len(raw) - place)))
            self.adjusted[key] = least

    def value(self, arm: str, kpi: str) -> float:
        row = self.rows.get((arm, kpi))
        return row.difference if row is not None else math.nan

    def ends(self, arm: str, kpi: str) -> tuple[float, float]:
        row = self.rows[arm, kpi]
        return row.ci_low, row.ci_high

    def p(self, arm: str, kpi: str) -> float:
        return self.adjusted.get((arm, SAME_TEST.get(kpi, kpi)), math.nan)

    def sure(self, arm: str, kpi: str) -> int:
        """1 or -1 for a difference that is surely above or below zero, else 0."""
        row = self.rows.get((arm, kpi))
        if row is None or (kpi not in HEADLINES and kpi not in SAME_TEST) or row.difference == 0:
            return 0
        same = row.seeds >= 2 and row.ci_low == row.ci_high
        return int(np.sign(row.difference)) if same or self.p(arm, kpi) < 0.05 else 0

    def decides(self, arm: str) -> str:
        """The figure whose difference decides: value, or cash where that is all that is known."""
        return "npv" if math.isnan(self.value(arm, "value")) else "value"

    def word(self, arm: str) -> str:
        """The verdict that the rule gives."""
        decides = self.decides(arm)
        row = self.rows.get((arm, decides))
        if row is None or math.isnan(row.difference):
            return "one seed"
        both = [self.rows[arm, kpi] for kpi in ("npv", decides) if not math.isnan(self.value(arm, kpi))]
        if all(one.difference == 0 and not one.ci_high > one.ci_low for one in both):
            return "no difference"
        if row.seeds < 2 or math.isnan(row.ci_low):
            return "one seed"
        if self.sure(arm, decides) < 0:
            return "does not pay"
        if self.sure(arm, "npv") > 0:
            return "pays within the horizon"
        return "pays later" if self.sure(arm, decides) > 0 else "not clear"

    def more_seeds(self, arm: str) -> int | None:
        row = self.rows[arm, self.decides(arm)]
        sd = (row.ci_high - row.ci_low) / 2 / student.ppf(0.975, row.seeds - 1) * math.sqrt(row.seeds)
        for n in range(row.seeds + 1, row.seeds + 1001):
            if 2 * student.sf(abs(row.difference) / (sd / math.sqrt(n)), n - 1) < 0.05 / self.tests:
                return n - row.seeds
        return None


def p_is(text: str, p: float) -> None:
    """A written p is the p, and on the same side of 0.05."""
    if text == "\N{EN DASH}":
        assert math.isnan(p)
    elif text[0] in "<>":
        assert p < float(text[1:]) if text[0] == "<" else p > float(text[1:])
    else:
        assert is_about(text, p)
        assert (float(text) < 0.05) == (p < 0.05)


# ------------------------------------------------------------------------------------------------- sentences

ARM = r"“(?P<arm>[^”]+)”"
Check = Callable[["Reader", "re.Match[str]"], None]
GRAMMAR: list[tuple[re.Pattern[str], Check]] = []
JUDGING = re.compile(
    r"\b(clear\w*|sure\w*|signific\w+|pays?|wins?|winner|best|worst|better|worse|most|least|highest|lowest|furthest|"
    r"rais\w+|lower\w*|keeps?|loses?|more|fewer|gains?|beats?|differs?|dominat\w+)\b",
    re.IGNORECASE,
)


def pattern(regex: str) -> Callable[[Check], Check]:
    """Declares a sentence with its check."""

    def declare(check: Check) -> Check:
        GRAMMAR.append((re.compile(regex), check))
        return check

    return declare


class Reader:
    """The tables of a run, and the reading of what is said of them."""

    def __init__(self, run: Any, summary: pd.DataFrame, comparison: pd.DataFrame | None):
        self.run, self.seeds = run, len(pd.unique(run.monthly["seed"]))
        self.arms = [str(arm) for arm in pd.unique(run.monthly["arm"])]
        self.tiers = [str(tier) for tier in pd.unique(run.monthly["tier"])]
        self.months = int(run.monthly["month"].max())
        self.levels = {(row.arm, row.kpi): row for row in summary.itertuples()}
        self.truth = Truth(comparison, self.arms) if comparison is not None else None
        self.read = 0

    def events(self, arm: str, tier: str | None = None) -> float:
        """Simulated rows that left in this arm while active, all seeds and months."""
        rows = dict(zip(self.tiers, customers_per_row(self.run), strict=True))
        table = self.run.monthly[(self.run.monthly["arm"] == arm) & (self.run.monthly["month"] > 0)]
        lost = (table["closed"] - table["closed_dormant"] + table["went_dormant"]).groupby(table["tier"]).sum()
        return float(sum(lost[one] / rows[one] for one in self.tiers if tier in (None, one)))

    def gone(self, arm: str) -> float:
        """Simulated rows of month 0 that are not active at the end, all seeds."""
        rows = dict(zip(self.tiers, customers_per_row(self.run), strict=True))
        table = self.run.bank[(self.run.bank["arm"] == arm) & (self.run.bank["month"] == self.months)]
        lost = {tier: table[f"active_month_0[{tier}]"] - table[f"kept_month_0[{tier}]"] for tier in self.tiers}
        return float(sum(lost[tier].sum() / rows[tier] for tier in self.tiers))

    def mark_of_kept(self, arm: str) -> str:
        """What must stand behind a retention, or a difference of it to the reference."""
        return "~" if min(self.gone(arm), self.gone(self.arms[0])) < 30 else ""

    def mark(self, arm: str, tier: str | None = None) -> str:
        """What must stand behind an attrition."""
        return "~" if self.events(arm, tier) < 30 else ""

    def mark_of_gap(self, arm: str, tier: str | None = None) -> str:
        """What must stand behind a difference of attrition."""
        return self.mark(arm, tier) or self.mark(self.arms[0], tier)

    def arm(self, spoken: str) -> str:
        return next(arm for arm in self.arms if arm.replace("_", " ") == spoken)

    @property
    def shown(self) -> list[str]:
        return self.truth.arms[:MOST_SHOWN]

    def sentence(self, text: str) -> None:
        """Holds one sentence against the tables; fails for one that claims something and is not known."""
        text = plain(text)
        for regex, check in GRAMMAR:
            found = regex.fullmatch(text)
            if found:
                check(self, found)
                self.read += 1
                return
        if any(re.fullmatch(fixed, text) for fixed in FIXED):
            return
        names = "|".join(re.escape(arm.replace("_", " ")) for arm in self.arms)
        claims = JUDGING.search(text) or re.search(r"\d|[“”]", text) or re.search(rf"\b({names})\b", text)
        assert not claims, f"a sentence that nobody checks: {text!r}"

    def total(self, column: str, month: slice | int, tier: str | None = None) -> pd.DataFrame:
        """Of a column of monthly: arm x seed, summed over tiers and the months asked for."""
        table = self.run.monthly if tier is None else self.run.monthly[self.run.monthly["tier"] == tier]
        months = sorted(table["month"].unique())[month]
        return table[table["month"].isin(np.atleast_1d(months))].groupby(["arm", "seed"])[column].sum().unstack()

    def apart(self, table: pd.DataFrame) -> dict[str, float]:
        """Mean difference to the reference of an arm x seed table."""
        gaps = (table - table.loc[self.arms[0]]).mean(axis=1)
        return {arm: float(gaps[arm]) for arm in self.arms[1:]}


# Explanations: what a word or mark means, never what an arm does. Each is here word for word, or with its blanks.
FIXED = [
    r"Against .+, on the same bank with the same luck; value is cash to the horizon and what the customers there are "
    r"worth\.",
    r"An arm does not pay if its difference in value is clear and below zero, else pays within the horizon if cash "
    r"alone is clear and above, else pays later if value is, and is not clear otherwise\.",
    r"Against .+, on the same bank with the same luck; in less than a year .+, so cash alone decides: an arm pays "
    r"within the horizon if its difference in net present value is clear and above zero, does not pay if it is clear "
    r"and below, and is not clear otherwise\.",
    r"Against .+, on the same bank with the same luck\.",
    r"Clear, here and in bold everywhere on this page: p below 0\.05 by Holm's step-down correction over all headline "
    r"figures of all arms\.",
    r"There is one seed, so there is no interval and no verdict\.|There is one seed, so nothing here says how much is "
    r"chance\.|With one seed nothing can be said about chance; run more seeds\.",
    r"Which arm pays: differences to .+?(?:, ± half the 95 % interval over \d+ seeds; bold where it is clear)?",
    r"Cost: all that an arm spends more, on strategies, managers and channels, discounted\.",
    r"Steps that add up to the difference to .+, CNY(?: \w+)? of month 0(?:, means over seeds)?; none of them is "
    r"tested",
    r"ROI: difference of value without that cost, over it, less 1(?:; saves: it spends less than the reference, so "
    r"there is no return on money spent)?\.",
    r"Precision of the differences to .+|What happens under .+, against which the other arms are held:",
    r"Precision of every difference, and the seeds it would take to halve it",
    r"Differences are taken seed by seed against .+\.|By tier: .+|The bank and its tiers under .+",
    r"The bank, arm by arm(?:, arms \d+ to \d+ of \d+ beside the reference)?; second line: "
    r"difference to .+?(?: and its 95 % interval, bold where it is clear; figures "
    r"that are no headline figures are for looking and never bold)?",
    r"Means over seeds, ± half the width of the 95 % interval of the mean \(Student's t\)\.",
    r"What older customers and those of low digital affinity get from each arm, against the others, per 10,000 "
    r"customers of the group at month 0: .+",
    r"The first number is the gap(?: with half its own 95 % interval)?; below it what both get\.",
    r"Gaps are for looking: they are no headline figures, so none is called clear\.",
    r"A Gini coefficient of coverage is 0 if service reaches all alike and 1 if one customer gets it all\.",
    r"Every seed is lived once in each arm, so a difference is taken seed by seed and the interval is Student's t over "
    r"those \d+ differences: chance that both arms share cancels\.",
    r"It is right if the seeds' differences are roughly normal, .+ not enough to be called clear where many are looked "
    r"at\.",
    r"The p-values are two-sided; the adjusted ones by Holm's step-down correction over the headline figures of all "
    r"arms, so that the chance of even one false finding among them stays below 5 % where the adjusted p is below "
    r"0\.05 \(bold\): that is what is called clear\.",
    r"Some rates of few customers have an interval that reaches below zero\.",
    r"Not shown: .+ \(.+\)\.",
    r"What the strategies are set to, \d+ numbers and choices",
    r"By tier, age and app: .+",
    r"Where wishes for a contact ended under .+, in percent of wishes; unserved: those nobody spoke to, a year, and "
    r"the AUM of these customers in a mean month",
]
