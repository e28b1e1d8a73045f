"""What an optimisation found as tables: all candidates, the front, the confirmed, the winner against the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.experiments.optimise.archive import Archive, Candidate, Standing
from sim.experiments.optimise.confirm import Confirmed
from sim.experiments.optimise.space import Space
from sim.scenario.optimise import Optimise

if TYPE_CHECKING:
    import pandas as pd

Interval = tuple[float, float, float, int]  # mean, lower and upper end of the 95 % interval, seeds


def interval(values: Sequence[float]) -> Interval:
    """Mean of differences, one a seed, with Student's t interval; NaN where there is none."""
    from sim.measures.compare import paired
    from sim.measures.intervals import half_width

    row = np.array([values], dtype=float).reshape(1, -1)
    if not row.size:
        return np.nan, np.nan, np.nan, 0
    seeds, mean, variance, _ = paired(row, np.zeros_like(row))
    half = float(half_width(variance, seeds)[0])
    return float(mean[0]), float(mean[0]) - half, float(mean[0]) + half, int(seeds[0])


def estimate(candidate: Candidate, kpi: str, seeds: Sequence[int]) -> Interval:
    """A candidate's paired difference to the reference over those of the seeds that it has lived."""
    return interval([candidate.differences[seed][kpi] for seed in seeds if seed in candidate.differences])


def candidates_table(o: Optimise, space: Space, archive: Archive, standing: Standing) -> pd.DataFrame:
    """A row a candidate that the search proposed: what it is, and its paired differences on the search's seeds.

    `rank` 0 is the front; it is empty for a candidate that failed. Columns ``share.<strategy>`` are parts of the
    budget, then a column a path; ``<kpi>``, ``<kpi>_low`` and ``<kpi>_high`` a figure with its 95 % interval.
    """
    import pandas as pd

    from sim.experiments.optimise.scores import ranks

    rank = ranks(standing.gains, standing.violation)
    front = set(standing.front.tolist())
    rows = []
    for one in archive.searched:
        row: dict[str, Any] = {
            "candidate": one.number,
            "name": one.name,
            "generation": (one.generation or 0) + 1,
            "seeds": int(standing.seeds[one.number]),
            "status": "failed" if one.failed else "ok",
            "within_limits": bool(not one.failed and standing.violation[one.number] <= 0),
            "rank": np.nan if one.failed else int(rank[one.number]),
            "front": one.number in front,
            **{f"share.{name}": one.shares.get(name, np.nan) for name in space.members},
            **one.point.values,
        }
        for kpi in archive.kpis:
            row[kpi], row[f"{kpi}_low"], row[f"{kpi}_high"], _ = estimate(one, kpi, list(o.seeds.all))
        rows.append(row)
    return pd.DataFrame(rows)


def confirmed_table(
    o: Optimise, space: Space, archive: Archive, found: Confirmed, units: Mapping[str, str]
) -> pd.DataFrame:
    """A row a confirmed candidate and figure: what the search said, what fresh seeds say, and the optimism between.

    `optimism` is search less confirmed, turned so that above 0 the search flattered (of a figure that is only limited:
    as it stands). `role` is "best" or "baseline".
    """
    import pandas as pd

    signs = {one.kpi: one.sign for one in o.objectives}
    members = {one.number for one in found.members}
    rows = []
    for one in found.everybody:
        for kpi in archive.kpis:
            search, search_low, search_high, search_seeds = estimate(one, kpi, list(o.seeds.all))
            fresh, low, high, seeds = estimate(one, kpi, list(o.confirm.choosing))
            rows.append(
                {
                    "candidate": one.number,
                    "name": one.name or f"candidate {one.number}",
                    "role": "best" if one.number in members else "baseline",
                    "front": one.number in found.front,
                    "winner": found.winner is not None and one.number == found.winner.number,
                    "status": "failed" if one.failed else "ok",
                    "kpi": kpi,
                    "unit": units.get(kpi, ""),
                    "search": search,
                    "search_low": search_low,
                    "search_high": search_high,
                    "search_seeds": search_seeds,
                    "confirmed": fresh,
                    "confirmed_low": low,
                    "confirmed_high": high,
                    "confirmed_seeds": seeds,
                    "optimism": signs.get(kpi, 1.0) * (search - fresh) + 0.0,
                    **{f"share.{name}": one.shares.get(name, np.nan) for name in space.members},
                }
            )
    return pd.DataFrame(rows, columns=[*CONFIRMED_COLUMNS, *(f"share.{name}" for name in space.members)])


def winner_table(o: Optimise, archive: Archive, found: Confirmed, units: Mapping[str, str]) -> pd.DataFrame:
    """A row a baseline and figure: the winner less the baseline, paired, on seeds that have not chosen the winner.

    The first rows are the winner less the reference arm. `probability_better` is as in comparison.csv.
    """
    import pandas as pd
    from scipy.special import stdtr

    if found.winner is None:
        return pd.DataFrame({name: [] for name in WINNER_COLUMNS})
    signs = {one.kpi: one.sign for one in o.objectives}
    winner, seeds = found.winner, list(o.confirm.comparing)
    rows = []
    for other in (None, *(one for one in found.baselines if one.number != winner.number)):
        for kpi in archive.kpis:
            both = [
                seed for seed in seeds if seed in winner.differences and (other is None or seed in other.differences)
            ]
            gaps = [winner.differences[seed][kpi] - (other.differences[seed][kpi] if other else 0.0) for seed in both]
            mean, low, high, count = interval(gaps)
            sign = signs.get(kpi, np.nan)
            error = np.std(gaps, ddof=1) / np.sqrt(count) if count > 1 else np.nan
            if mean == 0.0 and error == 0.0:
                better = 0.5
            else:
                with np.errstate(divide="ignore", invalid="ignore"):
                    better = float(stdtr(max(count - 1, 1), sign * np.float64(mean) / error))
            rows.append(
                (
                    winner.number,
                    other.name if other else archive.arms[0],
                    kpi,
                    units.get(kpi, ""),
                    mean,
                    low,
                    high,
                    better,
                    count,
                )
            )
    return pd.DataFrame(rows, columns=list(WINNER_COLUMNS))


CONFIRMED_COLUMNS = (
    "candidate",
    "name",
    "role",
    "front",
    "winner",
    "status",
    "kpi",
    "unit",
    "search",
    "search_low",
    "search_high",
    "search_seeds",
    "confirmed",
    "confirmed_low",
    "confirmed_high",
    "confirmed_seeds",
    "optimism",
)
WINNER_COLUMNS = (
    "winner",
    "against",
    "kpi",
    "unit",
    "difference",
    "ci_low",
    "ci_high",
    "probability_better",
    "seeds",
)
