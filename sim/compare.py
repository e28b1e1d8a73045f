"""Arms against a reference, seed by seed: paired differences with intervals.

Arms of a scenario share their luck, so the difference on one seed is far steadier than either value; `variance_ratio`
says how much (2.0: the pairing saved half the seeds). Key figures come in as a table and are not computed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput, Mistake
from sim.results import Run
from sim.tables import COMPARISON_COLUMNS, REQUIRED_TABLES, dtype_of

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
ROUNDING = 1e-14  # relative: means over other weights differ by this much when nothing differs
SAME_IN_A_FAMILY = ("tiers", "months", "currency", "discount_rate")


def compare(kpis: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Every other arm minus the reference, by KPI: the columns of comparison.csv.

    `kpis` has arm, seed, kpi, unit, value and better ("higher", "lower" or ""). Seeds that both arms have (and whose
    values are not NaN) are paired, `seeds` counts them. The interval is Student's t at 95 % over the differences.

    `probability_better` is the posterior probability, under a flat prior, that the mean difference is on the better
    side: Student's t with seeds - 1 degrees of freedom at mean / (sd / sqrt(seeds)). It is NaN for a KPI without a
    better side; when all differences are equal it is 1 or 0, and 0.5 for none at all (a relative 1e-14 is rounding).
    `variance_ratio` is (var(arm) + var(reference)) / var(difference): infinite when only the difference is constant,
    NaN when all are. With one seed, or an infinite difference, all but the difference is NaN.

    Left out: KPIs the reference does not have (it has no roi, for one). Empty with one arm or without the reference.
    """
    import pandas as pd

    arms, kpi_names = kpis["arm"].unique().tolist(), kpis["kpi"].unique().tolist()
    empty = pd.DataFrame({column: [] for column in COMPARISON_COLUMNS})
    empty = empty.astype({column: dtype_of(column).replace("text", "object") for column in COMPARISON_COLUMNS})
    if reference not in arms or len(arms) < 2:
        return empty
    first = kpis.drop_duplicates("kpi")
    sides = first["better"].map({"higher": 1.0, "lower": -1.0}).to_numpy(dtype=float)  # NaN: no better side
    units = first["unit"].to_numpy(dtype=object)

    seeds = np.unique(kpis["seed"].to_numpy())
    place = (
        pd.Index(arms, dtype=object).get_indexer(pd.Index(kpis["arm"], dtype=object)),
        pd.Index(kpi_names, dtype=object).get_indexer(pd.Index(kpis["kpi"], dtype=object)),
        np.searchsorted(seeds, kpis["seed"].to_numpy()),
    )
    values = np.full((len(arms), len(kpi_names), len(seeds)), np.nan)
    values[place] = kpis["value"].to_numpy(dtype=float)

    base = values[arms.index(reference)]
    rows = []
    for number, arm in enumerate(arms):
        if arm == reference:
            continue
        figures = _paired(values[number], base, sides)
        table = pd.DataFrame({"arm": arm, "reference": reference, "kpi": kpi_names, "unit": units, **figures})
        rows.append(table[table["seeds"] > 0])
    return pd.concat(rows, ignore_index=True)[list(COMPARISON_COLUMNS)]


def _paired(arm: np.ndarray, base: np.ndarray, sides: np.ndarray) -> dict[str, np.ndarray]:
    """The figures of one arm from its values and the reference's, both (KPIs, seeds) with NaN for none."""
    from scipy.special import stdtr, stdtrit

    with np.errstate(invalid="ignore", divide="ignore"):
        difference = _minus(arm, base)
        both = ~np.isnan(difference)
        n = both.sum(axis=1)
        mean = np.where(both, difference, 0.0).sum(axis=1) / n
        variance = _variance(difference, both)
        error = np.sqrt(variance / n)
        half = error * stdtrit(np.maximum(n - 1, 1), 0.5 + CONFIDENCE / 2)
        t = np.where(mean == 0.0, 0.0, sides * mean / error)  # infinite when all differences are equal
        better = np.where(np.isnan(error) | np.isnan(sides), np.nan, stdtr(np.maximum(n - 1, 1), t))
        ratio = (_variance(arm, both) + _variance(base, both)) / variance
    return {
        "difference": mean, "ci_low": mean - half, "ci_high": mean + half, "probability_better": better,
        "seeds": n.astype(np.int64), "variance_ratio": ratio,
    }  # fmt: skip


def _minus(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a - b, and 0 where only rounding tells them apart: else a t statistic would make a finding of it."""
    difference = a - b
    alike = np.isfinite(difference) & (np.abs(difference) <= ROUNDING * np.maximum(np.abs(a), np.abs(b)))
    return np.where(alike, 0.0, difference)


def _variance(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Sample variance along seeds of what is counted, exactly 0 when all are equal; NaN for fewer than two."""
    n = counted.sum(axis=1)
    first = np.take_along_axis(values, counted.argmax(axis=1)[:, None], axis=1)
    shifted = np.where(counted, _minus(values, first), 0.0)
    centred = np.where(counted, shifted - (shifted.sum(axis=1) / n)[:, None], 0.0)
    return np.where(n > 1, (centred**2).sum(axis=1) / (n - 1), np.nan)


def join(runs: Sequence[Run]) -> Run:
    """Stored runs as one in memory, all arms side by side; `BadInput` names every way in which they do not fit.

    They must have the same seeds, tiers, months, currency and discount rate. An arm that lived the same in an earlier
    run under the same name (equal digest, as references do) is kept once; other arms that share a name are called
    run/arm.
    """
    first = runs[0]
    mistakes = [mistake for run in runs[1:] for mistake in _misfits(first, run)]
    if mistakes:
        raise BadInput(mistakes)
    chosen: list[tuple[Run, str]] = []
    for run in runs:
        digests = run.manifest.get("arm_digests", {})
        known = {(arm, other.manifest.get("arm_digests", {}).get(arm)) for other, arm in chosen}
        chosen += [(run, arm) for arm in run.arms if arm not in digests or (arm, digests[arm]) not in known]
    labels = _labels(chosen)

    import pandas as pd

    tables = {}
    for name in REQUIRED_TABLES:
        parts = [
            getattr(run, name).loc[lambda table, arm=arm: table["arm"] == arm].assign(arm=label)
            for (run, arm), label in zip(chosen, labels, strict=True)
        ]
        filled = [part for part in parts if len(part)]
        tables[name] = pd.concat(filled, ignore_index=True) if filled else parts[0]
    manifest: dict[str, Any] = {**first.manifest, "arms": labels, "tables": list(REQUIRED_TABLES)}
    return replace(first, manifest=manifest, **tables)


def _misfits(first: Run, run: Run) -> list[Mistake]:
    found = []
    if set(run.seeds) != set(first.seeds):
        found.append(
            f"seeds {_short(run.seeds)}, but {first.path} has {_short(first.seeds)}; compare runs of the same seeds"
        )
    for key in SAME_IN_A_FAMILY:
        mine, wanted = run.manifest[key], first.manifest[key]
        if mine != wanted:
            found.append(f"{key} {mine}, but {first.path} has {wanted}; compare runs of the same bank and length")
    return [Mistake(str(run.path), 0, 0, "", message) for message in found]


def _short(seeds: Sequence[int]) -> str:
    ordered = sorted(seeds)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]}..{ordered[-1]}"
    return ", ".join(map(str, ordered[:6])) + (", ..." if len(ordered) > 6 else "")


def _labels(chosen: Sequence[tuple[Run, str]]) -> list[str]:
    """The arm's name where it is unique, else with the scenario's name, else with the run's id before it."""
    plain = [arm for _, arm in chosen]
    named = [f"{run.manifest['name']}/{arm}" for run, arm in chosen]
    exact = [f"{run.manifest['run_id']}/{arm}" for run, arm in chosen]
    once, once_named = Counter(plain), Counter(named)
    return [
        arm if once[arm] == 1 else name if once_named[name] == 1 else full
        for arm, name, full in zip(plain, named, exact, strict=True)
    ]
