"""Arms against a reference, seed by seed: paired differences with intervals.

Arms of a scenario share their luck, so the difference on one seed is far steadier than either value; `variance_ratio`
says how much (2.0: the pairing saved half the seeds). Key figures come in as a table and are not computed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput, Mistake
from sim.measures.intervals import half_width
from sim.store.differing import BOOK_FILES, differing_keys, in_words
from sim.store.run_reading import Run
from sim.store.tables import COMPARISON_COLUMNS, REQUIRED_TABLES, dtype_of

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-14  # relative: means over other weights differ by this much when nothing differs
LONGEST_MARK = 14  # letters of a run's name before those of its arms
# Of scenarios that are compared this may differ and the bank is the same; a book is known by its digest.
NOT_THE_BANK = ("name", "about", "arms", "seeds", "sweep", "optimise", "record", *BOOK_FILES)
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

    tables = [
        pd.DataFrame({"arm": one.arm, "reference": reference, "kpi": one.kpis, "unit": one.units, **one.comparison()})
        for one in differences(kpis, reference)
    ]
    kept = [table[table["seeds"] > 0] for table in tables]
    if not kept:
        return empty(COMPARISON_COLUMNS)
    return pd.concat(kept, ignore_index=True)[list(COMPARISON_COLUMNS)]


def empty(columns: Sequence[str]) -> pd.DataFrame:
    """A table without rows, its columns in their types."""
    import pandas as pd

    table = pd.DataFrame({column: [] for column in columns})
    return table.astype({column: dtype_of(column).replace("text", "object") for column in columns})


@dataclass(frozen=True)
class Differences:
    """One arm less the reference, seed by seed, for many KPIs; every array has one entry a KPI.

    `seeds` counts the pairs; `mean` and `variance` are of the differences, `variances` (2, KPIs) those of arm and
    reference over the same seeds. A variance of fewer than two seeds is NaN, that of equal values exactly 0.
    """

    arm: str
    kpis: list[str]
    units: np.ndarray
    sides: np.ndarray  # 1: higher is better, -1: lower, NaN: neither
    seeds: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    variances: np.ndarray

    @property
    def freedom(self) -> np.ndarray:
        """Degrees of freedom, at least 1 so that what is NaN anyway needs no care."""
        return np.maximum(self.seeds - 1, 1)

    @property
    def error(self) -> np.ndarray:
        """Standard error of the mean difference."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sqrt(self.variance / self.seeds)

    @property
    def half_width(self) -> np.ndarray:
        """Half the 95 % interval of the mean difference."""
        return half_width(self.variance, self.seeds)

    @property
    def t(self) -> np.ndarray:
        """Mean over standard error; 0 for no difference at all, infinite when all differences are equal otherwise."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.mean == 0.0, 0.0, self.mean / self.error)

    def comparison(self) -> dict[str, np.ndarray]:
        """The figures of comparison.csv."""
        from scipy.special import stdtr

        half = self.half_width
        with np.errstate(invalid="ignore", divide="ignore"):
            unknown = np.isnan(self.error) | np.isnan(self.sides)
            better = np.where(unknown, np.nan, stdtr(self.freedom, np.nan_to_num(self.sides) * self.t))
            ratio = self.variances.sum(axis=0) / self.variance
        return {
            "difference": self.mean,
            "ci_low": self.mean - half,
            "ci_high": self.mean + half,
            "probability_better": better,
            "seeds": self.seeds,
            "variance_ratio": ratio,
        }


def differences(kpis: pd.DataFrame, reference: str) -> list[Differences]:
    """Every arm but the reference against it, in order of appearance; none without the reference. `kpis` as above."""
    import pandas as pd

    arms, names = kpis["arm"].unique().tolist(), kpis["kpi"].unique().tolist()
    if reference not in arms:
        return []
    first = kpis.drop_duplicates("kpi")
    sides = first["better"].map({"higher": 1.0, "lower": -1.0}).to_numpy(dtype=float)
    units = first["unit"].to_numpy(dtype=object)
    seeds = np.unique(kpis["seed"].to_numpy())
    place = (
        pd.Index(arms, dtype=object).get_indexer(pd.Index(kpis["arm"], dtype=object)),
        pd.Index(names, dtype=object).get_indexer(pd.Index(kpis["kpi"], dtype=object)),
        np.searchsorted(seeds, kpis["seed"].to_numpy()),
    )
    values = np.full((len(arms), len(names), len(seeds)), np.nan)
    values[place] = kpis["value"].to_numpy(dtype=float)
    base = values[arms.index(reference)]
    return [
        Differences(arm, names, units, sides, *paired(values[number], base))
        for number, arm in enumerate(arms)
        if arm != reference
    ]


def paired(arm: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs, mean difference, its variance over seeds, and both own variances; inputs (KPIs, seeds), NaN for none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = _minus(arm, base)
        both = ~np.isnan(difference)
        n = both.sum(axis=1)
        mean = np.where(both, difference, 0.0).sum(axis=1) / n
        own = np.stack([_variance(arm, both), _variance(base, both)])
        return n.astype(np.int64), mean, _variance(difference, both), own


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
    run/arm (see `marks_of`).
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
    """The arm's name where it is unique, else with its run before it: by name, by folder, or by number."""
    once = Counter(arm for _, arm in chosen)
    marks = marks_of([run for run, _ in chosen])
    return [arm if once[arm] == 1 else f"{marks[run.path]}/{arm}" for run, arm in chosen]


def marks_of(runs: Sequence[Run]) -> dict[Path, str]:
    """A short word for every run, by its path: the scenario's name, else the folder's, else run1, run2, ...

    Names are taken only if they tell all runs apart and leave room for arms beside them.
    """
    paths = list(dict.fromkeys(run.path for run in runs))
    names = {run.path: str(run.manifest["name"]) for run in runs}
    for words in ([names[path] for path in paths], [path.resolve().name for path in paths]):
        if len(set(words)) == len(paths) and max(map(len, words)) <= LONGEST_MARK:
            return dict(zip(paths, words, strict=True))
    return {path: f"run{place}" for place, path in enumerate(paths, 1)}


def remarks(runs: Sequence[Run]) -> list[str]:
    """What somebody who compares these runs should know, a line each: numbered runs, other banks, other code."""
    first, lines = runs[0], []
    marks = marks_of(runs)
    if any(mark == f"run{place}" for place, mark in enumerate(marks.values(), 1)) and len(marks) > 1:
        lines.append("; ".join(f"{mark} is {path}" for path, mark in marks.items()))
    for run in runs[1:]:
        found = differing_keys(run.scenario_text, first.scenario_text, but=NOT_THE_BANK)
        mine, theirs = (one.manifest.get("book", {}).get("sha256") for one in (run, first))
        what = [*([in_words(found)] if found else []), *(["its book holds other customers"] if mine != theirs else [])]
        if what:
            lines.append(
                f"{run.path}: another bank than {first.path}: {'; '.join(what)}; differences between their arms are "
                "of the banks too, not of the strategies alone"
            )
        was, now = (str(one.manifest.get("code_version", "")) for one in (first, run))
        if was != now:
            remark = f"made by code version {now}, {first.path} by {was}; differences may be of the code"
            lines.append(f"{run.path}: {remark}")
    return lines
