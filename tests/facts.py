"""Stylised facts of the baseline (SPEC 9.1): measured over seeds, held against the SPEC's tolerances, written down.

    python -m tests.facts                       the whole table, into docs/validation.md
    python -m tests.facts --customers 20000 --seeds 2 --out quick.md

No parameter and no tolerance is changed here: what misses is named with its figure, and a figure that an assumption
was calibrated to elsewhere is marked as fitted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import facts_customers as customers
from . import facts_managers as managers
from .banks import scenario
from .facts_statistics import Interval

OUT = Path(__file__).parent.parent / "docs" / "validation.md"
ANY = (-np.inf, np.inf)
PANEL = 30_000
MONTHS, BURN_IN = 60, 24
DESK_MONTHS = 24


@dataclass(frozen=True)
class Size:
    """How large the banks are; the SPEC's tolerances are meant for the default."""

    customers: int = 200_000

    @property
    def large(self) -> int:
        """Customers of the bank whose managers are counted: five times as many, upper tiers one row a customer."""
        return 5 * self.customers


# --- experiments: what is lived once a seed, and which facts are read off it ----------------------------------------


def baseline(size: Size, seed: int) -> dict[str, customers.Figures]:
    """Defaults, nothing changed."""
    s = scenario(size.customers, months=MONTHS, burn_in=BURN_IN, record={"panel": min(PANEL, size.customers)})
    run = customers.run(s, seed)
    return {name: getattr(customers, name)(run) for name in ("v1", "v2", "v3", "v4", "v7", "v8", "v10", "v15")}


def calls(size: Size, seed: int) -> dict[str, customers.Figures]:
    """Everybody is phoned every month, always answers and is always offered a product; nobody buys unasked."""
    n = size.customers // 10
    silent = {"campaign": dict.fromkeys(("mass", "affluent", "wealth", "private"), 0.0)}
    s = scenario(
        n, months=36, record={"panel": n},
        model={"products": {"loss": 0.0, "own_share": 0.0}, "contacts": {"push": 1.0}},
        channels={"phone": {"reach": 1.0, "campaign": dict.fromkeys(("mass", "affluent", "wealth", "private"), 1.0)},
                  "messaging": silent, "app": silent},
    )  # fmt: skip
    return {"v12": customers.v12(customers.run(s, seed))}


def departures(size: Size, seed: int) -> dict[str, customers.Figures]:
    """A bank five times as large, its upper tiers one to one, so that there are managers enough to count."""
    figures = managers.departures(size.large, size.customers, MONTHS, BURN_IN, seed)
    return {"v13": figures, "v3": figures}


def capacity(size: Size, seed: int) -> dict[str, customers.Figures]:
    """The same large bank from the same first day under five sizes of wealth books, and under a doubled norm."""
    return {"v20": managers.capacity(size.large, size.customers * 3 // 5, DESK_MONTHS, seed)}


EXPERIMENTS = (baseline, calls, departures, capacity)


# --- facts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """One fact: its claim, how it is measured, the tolerance of each figure (others are shown without verdict).

    `shown` are figures without a tolerance worth a row. `fitted` names figures that an assumption was calibrated to,
    and that assumption: such a figure says that the fit worked, and nothing about the model. `note` is what is known
    about why it misses, or what stands behind it where it holds.
    """

    name: str
    claim: str
    how: str
    tolerances: dict[str, tuple[float, float]]
    style: str = ".3f"
    fitted: dict[str, str] = field(default_factory=dict)
    shown: Sequence[str] = field(default_factory=tuple)
    note: str = ""


def _falls() -> dict[str, tuple[float, float]]:
    bands = (24, 36, 48, 60, 120)
    return {f"hazard from month {first} over the band before": (-np.inf, 1.0) for first in bands}


def _spans(what: str) -> list[str]:
    return [f"span {span:g}: {what}" for span in managers.SPANS]


FACTS = (
    Fact(
        "V1", "AUM is concentrated",
        "weighted Lorenz curve of AUM over open customers at month 0",
        {"top 2 %": (0.60, 1.0), "top 20 %": (0.90, 1.0), "Gini": (0.85, 0.95)},
    ),
    Fact(
        "V2", "the pyramid is stable without strategies",
        "relative change of each tier's share of customers from month 0 to month 36 (tolerances: DECISIONS 2)",
        {"mass": (-0.1, 0.1), "affluent": (-0.1, 0.1), "wealth": (-0.1, 0.1), "private": (-0.2, 0.2)},
        style="+.1%", shown=["affluent, active only"],
    ),
    Fact(
        "V3", "attrition falls with the tier",
        "active customers who closed or went dormant, per active customer-year, 60 months",
        {"mass less affluent": (0.0, 1.0), "affluent less wealth": (0.0, 1.0), "wealth less private": (0.0, 1.0)},
        style=".2%",
        shown=["wealth less private, the large bank",
               *(f"{tier} a year" for tier in ("mass", "affluent", "wealth", "private"))],
        note="The private tier is about 130 customers with two managers and five to ten exits a year; one departure of "
        "a manager decides its rate, so five seeds cannot settle its order with wealth. The same difference on a bank "
        "five times as large was added after that was seen; it has no part in the verdict.",
    ),
    Fact(
        "V4", "new customers leave soonest",
        "mass customers by completed months of tenure (cohorts.parquet): product of 1 - hazard over months 0-11, and "
        "0-2; hazards by band of tenure (12-23, 24-35, 36-47, 48-59, 60-119, 120 and more), each over the band before",
        {"first year": (0.18, 0.26), "of it in the first quarter": (0.40, 1.0), **_falls()},
    ),
    Fact(
        "V7", "more products, less leaving",
        "logistic regression on panel rows: leaving within 12 months on products, tier, log AUM, age, app, tenure",
        {"odds ratio per product": (0.60, 0.85)}, shown=["the same without other covariates"],
    ),
    Fact(
        "V8", "inactivity precedes the exit",
        "panel rows with twelve active months behind them: logistic regression of leaving next month on months without "
        "a transaction; transactions of the last 3 months before an exit against months 12-10 before",
        {"odds ratio per inactive month of the last 12": (1.3, 1.7), "fall of activity": (0.30, 1.0)},
        shown=[*(f"odds ratio per inactive month of the last {window}" for window in (6, 3)),
               "activity below that of customers who stay"],
        fitted={"fall of activity": "model.feelings.transactions_slope"},
        note="The odds ratio per inactive month of twelve follows from engagement as SPEC 2.3 and DECISIONS 16 have it "
        "(log hazard -0.55 per SD, monthly memory 0.9): it forgets half in seven months, so a silent month a year ago "
        "says little. A side simulation of that process alone gave 1.09 to 1.13 for transactions from Poisson to "
        "exponential rates and log slopes 1.0 to 1.5 (1.17 for Poisson and 0.7), and 1.20 with a log hazard of -0.9. "
        "The 1.5 of F17 seems to need a lasting difference between customers, which engagement without a mean of its "
        "own does not have. Shorter windows were looked at after the miss (1, 2, 3, 6 months); of those shown "
        "three months reach the tolerance and six do not, and neither is a test of it. The fall of "
        "activity was 0.26 (0.24 to 0.28), a miss, before the log slope "
        "of transactions was raised from 1.0 to 1.3 for it.",
    ),
    Fact(
        "V10", "disappointment weighs more than delight",
        "piecewise regression on raw satisfaction in the panel: S_t - (1 - rho) S_t-1, over the tenure anchor, on d+ "
        "and d-, with d = (E_t - E_t-1) / gamma",
        {"ratio of slopes": (1.5, 2.5)}, shown=["gain", "loss"],
    ),
    Fact(
        "V12", "each further call sells less",
        "one phone offer a month in campaigns of six months, nobody buys unasked: success of the k-th offer in the "
        "panel, log-linear fit",
        {"ratio per attempt": (0.75, 0.87)}, shown=[f"attempt {k}" for k in range(1, 6)],
    ),
    Fact(
        "V13", "a departing manager costs customers",
        "bank five times as large, upper tiers one to one: exits of the book in the three months after `left` "
        "(managers.parquet) over what books that kept their manager lose; AUM whose owners closed within six months",
        {"all departures": (1.3, 2.0), "unplanned, to no rival": (1.3, 2.0),
         "unplanned less planned": (0.0, np.inf), "wealth less affluent": (0.0, np.inf),
         "AUM closed in six months after a departure to a rival, wealth": (0.05, 0.25),
         "AUM closed in six months after a departure to a rival, private": (0.05, 0.25)},
        fitted={"all departures": "managers.to_rival"},
        shown=["planned, to no rival", "to a rival", "all departures, over six months",
               "all departures, affluent", "all departures, wealth",
               "all departures, private", "the same in quiet books, wealth", "the same in quiet books, private"],
        note="With half of all departures to a rival, as first assumed, the figure over all departures was 2.42 (2.25 "
        "to 2.60), a miss: customers who follow (SPEC 4.3) come on top of the unsettled book. The untested share of "
        "departures to a rival was then lowered from 0.5 to 0.15, and its plausible range widened down to 0.05, to "
        "meet this bound. Departures to no rival stay about or below 2. Other crossings are the small number of "
        "departures.",
    ),
    Fact(
        "V15", "the dormant are many, and most exits are silent",
        "dormant over all customers in every month; closures of active mass customers over all their exits",
        {"dormant share, lowest month": (0.35, 0.50), "dormant share, highest month": (0.35, 0.50),
         "closures among mass exits": (0.0, 1 / 3)},
    ),
    Fact(
        "V20", "managers saturate",
        "the large bank from one first day, 24 months, same luck, wealth books of 200, 350, 500, 800: hours of planned "
        "contacts over client hours H; net new money over that without managers, per manager-year, and what one more "
        "customer in a book adds; service quality under a doubled contact norm",
        {**{name: (0.0, 1.0) for name in _spans("contacts a manager-month over H / tau")},
         "what one more customer adds falls about 350": (0.0, np.inf),
         "what one more customer adds falls about 500": (0.0, np.inf),
         "quality lost by a doubled contact norm": (0.0, np.inf)},
        style=",.3f",
        shown=[*_spans("utilisation"), *_spans("contacts a customer-month"), *_spans("quality"),
               *_spans("net new money a customer-year, over no managers"), *_spans("gain a manager-year"),
               "utilisation under a doubled contact norm"],
        note="Look at the sign of the net new money too: where utilisation passes 1 (books of 500 and more), a named "
        "manager costs the wealth tier more money than no manager at all; below it, it brings some.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One figure of a fact over the seeds, and the verdict on it (empty where there is no tolerance)."""

    fact: Fact
    what: str
    interval: Interval
    tolerance: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        return self.interval.against(*self.tolerance) if self.tolerance is not None else ""


def judge(fact: Fact, seeds: Sequence[customers.Figures]) -> list[Finding]:
    """Every figure of a fact: mean, interval over seeds, tolerance, verdict."""
    out = []
    for what in (*fact.tolerances, *fact.shown):
        values = np.array([figures[what] for figures in seeds], float)
        out.append(Finding(fact, what, Interval.of(values), fact.tolerances.get(what)))
    return out


def holds(findings: Sequence[Finding]) -> str:
    """Verdict on a whole fact: the worst of its figures."""
    verdicts = [finding.verdict for finding in findings]
    return next((word for word in ("misses", "unclear") if word in verdicts), "holds")


# --- the page --------------------------------------------------------------------------------------------------------


def _number(value: float, style: str) -> str:
    if np.isnan(value):
        return "not measured"
    if np.isinf(value):
        return "?"
    if style.endswith("%"):
        return format(value, style).replace("%", " %")
    return f"{value:,.0f}" if abs(value) >= 1000 else format(value, style)


def _bounds(tolerance: tuple[float, float] | None, style: str) -> str:
    if tolerance is None:
        return ""
    low, high = tolerance
    if low == 0.0 and high >= 1.0 and not np.isinf(high) and style.endswith("%"):
        return "above 0"
    if np.isinf(high):
        return f"above {low:g}"
    if np.isinf(low):
        return f"at most {high:g}"
    return f"{_number(low, style)} to {_number(high, style)}"


def page(size: Size, seeds: Sequence[int], found: dict[str, list[Finding]]) -> str:
    """docs/validation.md."""
    lines = [
        "# Does the baseline behave like a bank?",
        "",
        f"Stylised facts of SPEC 9.1 on Bank B: {size.customers:,} customers one to one, {BURN_IN} months of burn-in, "
        f"{MONTHS} measured months, seeds {seeds[0]} to {seeds[-1]}; V12, V13 and V20 are experiments of their own.",
        "A figure is the mean over seeds with its 95 % interval (Student's t). *holds*: the whole interval lies within "
        "the tolerance; *misses*: the whole interval lies outside; *unclear*: it crosses a bound.",
        "Written by `python -m tests.facts`, which changes no parameter and no tolerance.",
        "",
        "*fitted*: an assumption without a source was calibrated to this very figure (SPEC 9.3 asks for that), on "
        "seeds 1 to 5, so it is no evidence for the model: "
        + "; ".join(f"{fact.name} {what}: `{path}`" for fact in FACTS for what, path in fact.fitted.items())
        + ". The notes below say what each was before.",
        "",
        "| fact | measured | figure (95 % interval) | tolerance | verdict |",
        "|---|---|---|---|---|",
    ]
    for fact in FACTS:
        findings = found[fact.name]
        lines.append(f"| **{fact.name}** {fact.claim} | {fact.how} | | | **{holds(findings)}** |")
        for one in findings:
            i = one.interval
            figure = _number(i.mean, fact.style)
            span = f"{_number(i.low, fact.style)} to {_number(i.high, fact.style)}"
            bounds = _bounds(one.tolerance, fact.style)
            verdict = f"{one.verdict}, fitted" if one.what in fact.fitted else one.verdict
            lines.append(f"| | {one.what} | {figure} ({span}) | {bounds} | {verdict} |")
    lines += ["", "## What misses or is unclear, and why", ""]
    missed = [fact for fact in FACTS if holds(found[fact.name]) != "holds"]
    for fact in missed:
        figures = "; ".join(
            f"{one.what}: {_number(one.interval.mean, fact.style)}, tolerance {_bounds(one.tolerance, fact.style)}"
            for one in found[fact.name] if one.verdict in ("misses", "unclear")
        )  # fmt: skip
        lines += [f"**{fact.name}** ({figures}). {fact.note or 'Not yet explained.'}", ""]
    if not missed:
        lines += ["Nothing.", ""]
    lines += ["## What holds, with a word to it", ""]
    for fact in FACTS:
        if fact not in missed and fact.note:
            lines += [f"**{fact.name}**. {fact.note}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _task(job: tuple[int, Size, int]) -> dict[str, customers.Figures]:
    number, size, seed = job
    return EXPERIMENTS[number](size, seed)


def measure(size: Size, seeds: Sequence[int], workers: int = 2) -> dict[str, list[Finding]]:
    """Live every experiment once a seed and judge every fact."""
    jobs = [(number, size, seed) for number in range(len(EXPERIMENTS)) for seed in seeds]
    by_fact: dict[str, dict[int, customers.Figures]] = {fact.name: {seed: {} for seed in seeds} for fact in FACTS}
    with ProcessPoolExecutor(max_workers=workers) as pool:
        for done, figures in enumerate(pool.map(_task, jobs), 1):
            number, _, seed = jobs[done - 1]
            print(f"{done}/{len(jobs)} {EXPERIMENTS[number].__name__}, seed {seed}", file=sys.stderr)
            for name, values in figures.items():
                by_fact[name.upper()][seed].update(values)
    return {fact.name: judge(fact, list(by_fact[fact.name].values())) for fact in FACTS}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write the page, say what holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.facts", description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=Size.customers, help="customers of the baseline")
    parser.add_argument("--seeds", type=int, default=5, help="so many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed; others than 1 to 5 were never fitted to")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=OUT, help="the page to write")
    asked = parser.parse_args(argv)
    size, seeds = Size(asked.customers), range(asked.first, asked.first + asked.seeds)
    found = measure(size, seeds, asked.workers)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(page(size, seeds, found), encoding="utf-8")
    for fact in FACTS:
        print(f"{fact.name:4} {holds(found[fact.name]):8} {fact.claim}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
