"""What the model says a problem costs: the paired difference of an arm that answers it, else a part of the books.

An arm answers a problem if it does what the diagnosed arm does and, beside it, follows the problem's strategy and no
other. Its difference in value (cash and customer equity) over the run is what leaving the problem costs, so far as that
strategy can mend it, after what it spends. Where a run has no such arm, a part of its books stands instead, which is no
difference between two banks: it says how much money the problem touches, not what would come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.measures.cubes import MONTHS, ratio
from sim.measures.intervals import half_width
from sim.survey.diagnosis.of_run import MADE, _only, has_managers, scenario_of, strategies_of
from sim.survey.diagnosis.problems import BY_ARM, PROBLEMS, TOUCHED, UNKNOWN, Cost, Problem

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run

COST_COLUMNS: Final = Cost._fields


def costs(run: Run, arm: str) -> pd.DataFrame:
    """What each problem costs a year, a row a problem, columns `COST_COLUMNS`."""
    import pandas as pd

    return pd.DataFrame([_cost(run, arm, problem) for problem in PROBLEMS], columns=list(COST_COLUMNS))


def answering(run: Run, arm: str, strategy: str) -> str | None:
    """The arm that does what this one does and follows one strategy more; None where there is none, or it has it."""
    scenario = scenario_of(run)
    own = strategies_of(scenario, arm)
    if strategy in own:
        return None
    for other in run.arms:
        theirs = strategies_of(scenario, other)
        if strategy in theirs and {name: one for name, one in theirs.items() if name != strategy} == own:
            return other
    return None


def _cost(run: Run, arm: str, problem: Problem) -> Cost:
    years = run.manifest["months"] / MONTHS
    currency = f"{run.manifest['currency']} a year"
    other = answering(run, arm, problem.strategy)
    if other is not None:
        found = _paired(run, arm, other)
        value = found.get("value", (np.nan,) * 3)
        cash = found["npv"]
        what = "value (cash and customer equity)" if np.isfinite(value[0]) else "cash: in less than a year no equity"
        main = value if np.isfinite(value[0]) else cash
        seeds = len(set(run.seeds))
        return Cost(
            problem.name,
            BY_ARM,
            other,
            main[0] / years,
            main[1] / years,
            main[2] / years,
            cash[0] / years,
            cash[1] / years,
            cash[2] / years,
            currency,
            seeds,
            f"paired difference of arm {other} to {arm} in {what} over {run.manifest['months']} months, a year of them",
        )
    for values, about in _TOUCHED.get(problem.name, _nothing)(run, arm):
        seen = values[np.isfinite(values)]
        if seen.size:
            mean = float(seen.mean())
            half = float(half_width(seen.var(ddof=1), seen.size)) if seen.size > 1 else np.nan
            ends = mean - half, mean + half
            return Cost(problem.name, TOUCHED, "", mean, *ends, np.nan, np.nan, np.nan, currency, int(seen.size), about)
    has = problem.strategy in strategies_of(scenario_of(run), arm)
    why = (
        f"{arm} follows {problem.strategy} already; what is left of the problem has no price in this run"
        if has
        else "the bank has no named managers"
        if problem.name == "staff" and not has_managers(run, arm)
        else f"no arm of the run adds {problem.strategy} alone to {arm}; run one to know"
    )
    return Cost(problem.name, UNKNOWN, "", np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, currency, 0, why)


def _paired(run: Run, arm: str, other: str) -> dict[str, tuple[float, float, float]]:
    """Differences of one arm to another by key figure of money, with their intervals, over the whole run."""
    from sim.measures.compare import compare
    from sim.measures.kpis import run_kpis

    tables = {name: table[table["arm"].isin([arm, other])] for name, table in run.tables.items()}
    kpis = run_kpis(
        tables,
        tiers=run.tiers,
        arms=[arm, other],
        discount_rate=run.manifest["discount_rate"],
        currency=run.manifest["currency"],
        reference=arm,
    )
    table = compare(kpis[kpis["kpi"].isin(["value", "npv"])], arm).set_index("kpi")
    return {
        str(kpi): (float(row["difference"]), float(row["ci_low"]), float(row["ci_high"]))
        for kpi, row in table.iterrows()
    }


Touched = Iterator[tuple[np.ndarray, str]]  # a value a seed, and what it is


def _nothing(run: Run, arm: str) -> Touched:
    return iter(())


def _leavers(run: Run, arm: str) -> Touched:
    c = _only(run, arm)
    earned = ratio(c.flow("revenue").sum(axis=1), c.years("aum").sum(axis=1))
    exited = c.yearly(c.bank("aum_exited")[:, 1:].sum(axis=1))
    yield exited * earned, "a year's revenue of the AUM that went with customers who closed or went dormant in a year"


def _unanswered(run: Run, arm: str) -> Touched:
    if run.reach is None:
        return
    c, own = _only(run, arm), run.reach[(run.reach["arm"] == arm) & run.reach["end"].isin(MADE)]
    counted: Any = own.groupby("seed")["customers"].sum()
    answered: Any = own[own["end"] == "answered"].groupby("seed")["customers"].sum()
    share = 1.0 - ratio(*(one.reindex(c.seed).fillna(0.0).to_numpy(float) for one in (answered, counted)))
    spent = c.yearly(c.bank("cost_messages")[:, 1:].sum(axis=1))
    yield spent * share, "what contacts of campaigns cost, times the share of contacts that nobody answered"


def _books(run: Run, arm: str) -> Touched:
    c = _only(run, arm)
    events = run.managers[(run.managers["arm"] == arm) & (run.managers["event"] == "left")]
    if events.empty or not has_managers(run, arm):
        return
    sums: Any = events.groupby("seed")[["exits_before", "exits_after"]].sum().reindex(c.seed).fillna(0.0)
    lost = c.yearly((sums["exits_after"] - sums["exits_before"]).to_numpy(float))
    managed = [tier for tier in c.tiers if (c.bank(f"managed[{tier}]")[:, -1] > 0).any()]
    places = [c.tiers.index(tier) for tier in managed] or list(range(len(c.tiers)))
    each = ratio(c.flow("revenue")[:, places].sum(axis=1), c.years("active")[:, places].sum(axis=1))
    yield (
        lost * each,
        (
            "a year's revenue of the customers lost in the three months after a manager left, beyond those lost in the "
            "three months before, at what customers of tiers with managers bring"
        ),
    )


_TOUCHED = {"structure": _leavers, "tools": _unanswered, "staff": _books}
