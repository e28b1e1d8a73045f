"""Sensitivity indices of designs made for them: Sobol' (saltelli), Morris, and from given data for sampled designs.

A design that lacks one point is refused: the estimators need every point, and one missing number makes the library
return zeros without a word. Where levers and uncertainties are crossed, indices of the uncertainties are those of the
mean over lever settings (and the other way round).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.analysis.study import Array, Factor, Outcome, Study
from sim.designs import DESIGNS, UNKNOWN, Design, Morris
from sim.errors import BadInput
from sim.measures.intervals import CONFIDENCE, t_quantile

SEED = 20260  # of bootstrap intervals: the same table every time
RESAMPLES, FEWEST = 200, 20
MOST_WORK = 2_000_000  # points times resamples of indices of given data

LEAST_GIVEN = 64  # points below which indices of given data say nothing
LEAST_TOLD = 0.05  # share of the variance; an interval that is narrower is narrow enough, however small the share
ROUNDED = 0.005  # half a percent: an estimate outside 0..1 by no more is at its end
TOO_FEW = "too few samples"
NAMED = 5  # missing points told by number
COLUMNS = ("arm", "kpi", "method", "over", "parameter", "with", "index", "value", "conf", "note")


@dataclass(frozen=True)
class Part:
    """One design of a sweep: over all parameters, or over levers or uncertainties of a crossed sweep."""

    over: str  # all, levers, uncertainties
    design: str
    told: Mapping[str, Any]

    @property
    def kind(self) -> Design:
        """The design itself."""
        return DESIGNS.get(self.design, UNKNOWN)

    @property
    def mean_over(self) -> str:
        """What its indices are averaged over: "" for a design over everything."""
        return {"levers": "uncertainties", "uncertainties": "levers"}.get(self.over, "")


def parts(design: Mapping[str, Any]) -> list[Part]:
    """The designs that made the points, as the manifest tells them."""
    if isinstance(design.get("design"), str):
        return [Part("all", str(design["design"]), design)]
    inner = design.get("designs", design)
    return [
        Part(name, str(inner[name].get("design", "")), inner[name])
        for name in ("all", "levers", "uncertainties")
        if isinstance(inner.get(name), Mapping)
    ]


@dataclass(frozen=True)
class Indices:
    """Indices of one outcome over one design: columns of values by parameter, and half-widths of their intervals.

    `values` has S1 and ST for Sobol', mu, mu_star and sigma for Morris, S1 for given data; `conf` half their 95 %
    intervals. `pairs` are second-order Sobol' indices: (a, b) to value and half-width. `too_few` masks the values that
    the samples are too few for: a share outside 0..1, and any whose interval is as wide as itself.
    """

    method: str  # sobol, morris, given data
    over: str
    mean_over: str
    paths: list[str]
    values: dict[str, Array]
    conf: dict[str, Array]
    pairs: dict[tuple[str, str], tuple[float, float]]

    def too_few(self, index: str) -> NDArray[np.bool_]:
        """Which values of an index say nothing."""
        values = self.values[index]
        if not values.any():
            return np.zeros(len(values), dtype=bool)
        if self.method == "morris":
            if index != "mu_star":
                return self.too_few("mu_star")
            return thin(values, self.conf[index], float(np.nanmax(values)), share=False)
        return thin(values, self.conf[index])

    @property
    def total(self) -> Array:
        """What to sort by: ST, mu_star or S1."""
        return next(self.values[key] for key in ("ST", "mu_star", "S1") if key in self.values)


def thin(values: Any, half: Any, scale: float = 1.0, *, share: bool = True) -> NDArray[np.bool_]:
    """Which estimates say nothing: shares outside 0..1, and those whose interval is as wide as the estimate.

    An interval narrower than `LEAST_TOLD` of the scale is narrow enough, also around an estimate near 0.
    """
    values, half = np.asarray(values, dtype=float), np.asarray(half, dtype=float)
    with np.errstate(invalid="ignore"):
        told = 2.0 * half < np.maximum(np.abs(values), LEAST_TOLD * scale)
        if share:
            told &= (values >= -ROUNDED) & (values <= 1.0 + ROUNDED)
    return ~told


def refusal(study: Study, outcomes: Sequence[Outcome]) -> str:
    """Why indices of a design made for them cannot be computed; "" if they can, or if there is none."""
    made = [part for part in parts(study.manifest.get("design") or {}) if part.kind.complete]
    lost = study.lacking(outcomes) if made else []
    if not lost:
        return ""
    named = ", ".join(map(str, lost[:NAMED])) + (", ..." if len(lost) > NAMED else "")
    many = f"{len(lost):,} of {len(study.points):,} points lack" if len(lost) > 1 else "1 point lacks"
    return (
        f"{many} a result (point {named}), and indices of a {made[0].design} design need every one; "
        "run the same sweep with --resume to complete it"
    )


def indices(study: Study, outcome: Outcome, *, pairs: bool = True) -> Iterator[Indices]:
    """Indices of an outcome, design by design; `BadInput` for a saltelli or morris design that is not complete.

    Without `pairs` there are no second-order indices, whose intervals take most of the time.
    """
    why = refusal(study, [outcome])
    if why:
        raise BadInput.at(str(study.sweep.path), why)
    for part in parts(study.manifest.get("design") or {}):
        if part.kind.estimator and (part.told.get("rows") is not None or not part.kind.complete):
            found = ESTIMATORS[part.kind.estimator](study, part, outcome, pairs)
            if found is not None:
                yield found


def _in_order(study: Study, part: Part, outcome: Outcome) -> Array:
    """The outcome in the order of the design's sample, averaged over whatever it is crossed with."""
    y = outcome.common if np.isfinite(outcome.common).all() else outcome.mean
    column = {"levers": "lever", "uncertainties": "world"}.get(part.over, "point")
    means: pd.Series = pd.Series(y).groupby(study.points[column].to_numpy()).mean()
    rows = np.asarray(part.told["rows"], dtype=np.int64)
    return np.asarray(means.reindex(rows), dtype=np.float64)


def _problem(part: Part) -> dict[str, Any]:
    told = part.told["problem"]
    return {**told, "names": list(told["names"]), "bounds": [list(pair) for pair in told["bounds"]]}


def _sobol(study: Study, part: Part, outcome: Outcome, pairs: bool) -> Indices:
    from_salib = _analyser("sobol")
    problem, y = _problem(part), _in_order(study, part, outcome)
    count = len(problem["names"])
    second = len(y) % (2 * count + 2) == 0 and bool(part.told.get("second_order", len(y) % (count + 2) != 0))
    if not np.ptp(y) > 0:
        return _nothing(part, problem, "sobol", ("S1", "ST"))
    if second and not pairs:  # SALib's rows of a base sample: A, A with a column of B each, B with one of A each, B
        y = y.reshape(-1, 2 * count + 2)[:, [*range(count + 1), 2 * count + 1]].ravel()
        second = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = from_salib.analyze(
            problem, y, calc_second_order=second, num_resamples=RESAMPLES, conf_level=CONFIDENCE, seed=SEED
        )
    names = problem["names"]
    both = (
        {
            (names[a], names[b]): (float(found["S2"][a, b]), float(found["S2_conf"][a, b]))
            for a in range(count)
            for b in range(a + 1, count)
        }
        if second
        else {}
    )
    return Indices(
        "sobol",
        part.over,
        part.mean_over,
        names,
        {key: np.asarray(found[key]) for key in ("S1", "ST")},
        {key: np.asarray(found[f"{key}_conf"]) for key in ("S1", "ST")},
        both,
    )


def _morris(study: Study, part: Part, outcome: Outcome, pairs: bool) -> Indices:
    from_salib = _analyser("morris")
    problem, y = _problem(part), _in_order(study, part, outcome)
    levels = int(part.told.get("levels") or part.told.get("num_levels") or Morris.default_levels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = from_salib.analyze(
            problem,
            np.asarray(part.told["X"], dtype=float),
            y,
            num_levels=levels,
            num_resamples=RESAMPLES,
            conf_level=CONFIDENCE,
            seed=SEED,
        )
    values = {key: np.asarray(found[key], dtype=float) for key in ("mu", "mu_star", "sigma")}
    effects = max(len(y) // (len(problem["names"]) + 1), 1)  # of each parameter, one a trajectory
    wide = float(t_quantile(effects)) * values["sigma"]
    conf = {
        "mu": wide / np.sqrt(effects) if effects > 1 else np.full(len(wide), np.nan),
        "mu_star": np.asarray(found["mu_star_conf"], dtype=float),
        "sigma": wide / np.sqrt(2.0 * (effects - 1)) if effects > 1 else np.full(len(wide), np.nan),
    }
    return Indices("morris", part.over, part.mean_over, problem["names"], values, conf, {})


def _given(study: Study, part: Part, outcome: Outcome, pairs: bool) -> Indices | None:
    """First-order indices by RBD-FAST of a sampled design's numbers, over the points that are known."""
    factors = [factor for factor in _of(study, part) if factor.numeric and factor.levels is None]
    column = {"levers": "lever", "uncertainties": "world"}.get(part.over, "point")
    known = outcome.known
    keys = study.points[column].to_numpy()[known]
    first = pd.Series(np.flatnonzero(known)).groupby(keys).first()
    y = pd.Series(outcome.mean[known]).groupby(keys).mean().to_numpy()
    if not factors or len(y) < LEAST_GIVEN:
        return None
    rows = first.to_numpy()
    problem: dict[str, Any] = {
        "num_vars": len(factors),
        "names": [factor.path for factor in factors],
        "bounds": [[float(factor.x[rows].min()), float(factor.x[rows].max())] for factor in factors],
    }
    if not np.ptp(y) > 0:
        return _nothing(part, problem, "given data", ("S1",))
    from_salib = _analyser("rbd_fast")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = from_salib.analyze(
            problem,
            np.stack([factor.x[rows] for factor in factors], axis=1),
            y,
            num_resamples=max(FEWEST, min(RESAMPLES, MOST_WORK // len(y))),
            conf_level=CONFIDENCE,
            seed=SEED,
        )
    return Indices(
        "given data",
        part.over,
        part.mean_over,
        list(problem["names"]),
        {"S1": np.asarray(found["S1"], dtype=float)},
        {"S1": np.asarray(found["S1_conf"], dtype=float)},
        {},
    )


ESTIMATORS: dict[str, Callable[[Study, Part, Outcome, bool], Indices | None]] = {
    "sobol": _sobol,
    "morris": _morris,
    "given data": _given,
}


def _of(study: Study, part: Part) -> list[Factor]:
    """The factors that a design varies."""
    told = part.told.get("parameters")
    if told:
        return [factor for factor in study.factors if factor.path in told]
    return {"levers": study.levers, "uncertainties": study.uncertainties}.get(part.over, study.factors)


def _nothing(part: Part, problem: Mapping[str, Any], method: str, keys: Sequence[str]) -> Indices:
    """Indices of an outcome that is the same everywhere: none."""
    none = np.zeros(len(problem["names"]))
    return Indices(
        method,
        part.over,
        part.mean_over,
        list(problem["names"]),
        {key: none for key in keys},
        {key: none for key in keys},
        {},
    )


def _analyser(name: str) -> Any:
    """A module of SALib.analyze, an optional package."""
    import importlib

    try:
        return importlib.import_module(f"SALib.analyze.{name}")
    except ImportError:
        raise BadInput.at("SALib", "is not installed; pip install -e '.[analysis]'") from None


def indices_table(arm: str, kpi: str, found: Sequence[Indices]) -> pd.DataFrame:
    """indices.csv: a row an index and parameter (or pair of them)."""
    rows: list[dict[str, Any]] = []
    for one in found:
        told = {"arm": arm, "kpi": kpi, "method": one.method, "over": one.over}
        for index, values in one.values.items():
            half = one.conf.get(index, np.full(len(values), np.nan))
            for path, value, conf, few in zip(one.paths, values, half, one.too_few(index), strict=True):
                rows.append(
                    {
                        **told,
                        "parameter": path,
                        "with": "",
                        "index": index,
                        "value": value,
                        "conf": conf,
                        "note": TOO_FEW if few else "",
                    }
                )
        for (a, b), (value, conf) in one.pairs.items():
            rows.append(
                {
                    **told,
                    "parameter": a,
                    "with": b,
                    "index": "S2",
                    "value": value,
                    "conf": conf,
                    "note": TOO_FEW if thin(value, conf).item() else "",
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))
