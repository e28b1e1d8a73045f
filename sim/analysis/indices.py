"""Sensitivity indices of designs made for them: Sobol' (saltelli), Morris, and from given data for sampled designs.

A design that lacks one point is refused: the estimators need every point, and one missing number makes the library
return zeros without a word. Where levers and uncertainties are crossed, indices of the uncertainties are those of the
mean over lever settings (and the other way round).
"""

from __future__ import annotations

import importlib
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.analysis.study import Array, Factor, Outcome, Study
from sim.designs import DESIGNS, Design, Morris
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
Shares = dict[str, Array]  # by index, a value a parameter
Pairs = dict[tuple[str, str], tuple[float, float]]
COLUMNS = ("arm", "kpi", "method", "over", "parameter", "with", "index", "value", "conf", "note")


@dataclass(frozen=True)
class Part:
    """One design of a sweep: over all parameters, or over levers or uncertainties of a crossed sweep."""

    over: str  # all, levers, uncertainties
    design: str
    told: Mapping[str, Any]

    @property
    def kind(self) -> type[Design]:
        """The design itself."""
        return DESIGNS.get(self.design, Design)

    @property
    def mean_over(self) -> str:
        """What its indices are averaged over: "" for a design over everything."""
        return {"levers": "uncertainties", "uncertainties": "levers"}.get(self.over, "")

    @property
    def column(self) -> str:
        """The column of a sweep's points that numbers its settings."""
        return {"levers": "lever", "uncertainties": "world"}.get(self.over, "point")

    def indices(self, paths: list[str], values: Shares, conf: Shares, pairs: Pairs | None = None) -> Indices:
        """What its estimator found."""
        return Indices(self.kind.estimator, self.over, self.mean_over, paths, values, conf, pairs or {})


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
    values: Shares
    conf: Shares
    pairs: Pairs

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
    means: pd.Series = pd.Series(y).groupby(study.points[part.column].to_numpy()).mean()
    rows = np.asarray(part.told["rows"], dtype=np.int64)
    return np.asarray(means.reindex(rows), dtype=np.float64)


def _problem(part: Part) -> dict[str, Any]:
    told = part.told["problem"]
    return {**told, "names": list(told["names"]), "bounds": [list(pair) for pair in told["bounds"]]}


def _sobol(study: Study, part: Part, outcome: Outcome, pairs: bool) -> Indices:
    analyse = _analyser("sobol")
    problem, y = _problem(part), _in_order(study, part, outcome)
    names, count = problem["names"], len(problem["names"])
    second = len(y) % (2 * count + 2) == 0 and bool(part.told.get("second_order", len(y) % (count + 2) != 0))
    if not np.ptp(y) > 0:
        return _nothing(part, names, ("S1", "ST"))
    if second and not pairs:  # SALib's rows of a base sample: A, A with a column of B each, B with one of A each, B
        y = y.reshape(-1, 2 * count + 2)[:, [*range(count + 1), 2 * count + 1]].ravel()
        second = False
    found = analyse(problem, y, calc_second_order=second)
    both = itertools.combinations(range(count), 2) if second else ()
    return part.indices(
        names,
        {key: np.asarray(found[key]) for key in ("S1", "ST")},
        {key: np.asarray(found[f"{key}_conf"]) for key in ("S1", "ST")},
        {(names[a], names[b]): (float(found["S2"][a, b]), float(found["S2_conf"][a, b])) for a, b in both},
    )


def _morris(study: Study, part: Part, outcome: Outcome, pairs: bool) -> Indices:
    analyse = _analyser("morris")
    problem, y = _problem(part), _in_order(study, part, outcome)
    levels = int(part.told.get("levels") or part.told.get("num_levels") or Morris.default_levels)
    found = analyse(problem, np.asarray(part.told["X"], dtype=float), y, num_levels=levels)
    values = {key: np.asarray(found[key], dtype=float) for key in ("mu", "mu_star", "sigma")}
    effects = max(len(y) // (len(problem["names"]) + 1), 1)  # of each parameter, one a trajectory
    wide = float(t_quantile(effects)) * values["sigma"]
    conf = {
        "mu": wide / np.sqrt(effects) if effects > 1 else np.full(len(wide), np.nan),
        "mu_star": np.asarray(found["mu_star_conf"], dtype=float),
        "sigma": wide / np.sqrt(2.0 * (effects - 1)) if effects > 1 else np.full(len(wide), np.nan),
    }
    return part.indices(problem["names"], values, conf)


def _given(study: Study, part: Part, outcome: Outcome, pairs: bool) -> Indices | None:
    """First-order indices by RBD-FAST of a sampled design's numbers, over the points that are known."""
    factors = [factor for factor in _of(study, part) if factor.numeric and factor.levels is None]
    known = outcome.known
    keys = study.points[part.column].to_numpy()[known]
    first = pd.Series(np.flatnonzero(known)).groupby(keys).first()
    y = pd.Series(outcome.mean[known]).groupby(keys).mean().to_numpy()
    if not factors or len(y) < LEAST_GIVEN:
        return None
    rows = first.to_numpy()
    names = [factor.path for factor in factors]
    if not np.ptp(y) > 0:
        return _nothing(part, names, ("S1",))
    bounds = [[float(factor.x[rows].min()), float(factor.x[rows].max())] for factor in factors]
    found = _analyser("rbd_fast")(
        {"num_vars": len(factors), "names": names, "bounds": bounds},
        np.stack([factor.x[rows] for factor in factors], axis=1),
        y,
        num_resamples=max(FEWEST, min(RESAMPLES, MOST_WORK // len(y))),
    )
    values, conf = (np.asarray(found[key], dtype=float) for key in ("S1", "S1_conf"))
    return part.indices(names, {"S1": values}, {"S1": conf})


ESTIMATORS = {"sobol": _sobol, "morris": _morris, "given data": _given}


def _of(study: Study, part: Part) -> list[Factor]:
    """The factors that a design varies."""
    told = part.told.get("parameters")
    if told:
        return [factor for factor in study.factors if factor.path in told]
    return {"levers": study.levers, "uncertainties": study.uncertainties}.get(part.over, study.factors)


def _nothing(part: Part, names: list[str], keys: Sequence[str]) -> Indices:
    """Indices of an outcome that is the same everywhere: none."""
    none = dict.fromkeys(keys, np.zeros(len(names)))
    return part.indices(names, none, none)


def _analyser(name: str) -> Callable[..., Any]:
    """What a module of SALib.analyze, an optional package, makes of a problem and its outcomes, without warnings."""
    try:
        analyze = importlib.import_module(f"SALib.analyze.{name}").analyze
    except ImportError:
        raise BadInput.at("SALib", "is not installed; pip install -e '.[analysis]'") from None

    def analyse(*given: Any, **more: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return analyze(*given, **{"num_resamples": RESAMPLES, **more}, conf_level=CONFIDENCE, seed=SEED)

    return analyse


def indices_table(arm: str, kpi: str, found: Sequence[Indices]) -> pd.DataFrame:
    """indices.csv: a row an index and parameter (or pair of them)."""
    rows: list[tuple[Any, ...]] = []
    for one in found:
        told: list[tuple[Any, ...]] = []
        for index, values in one.values.items():
            half = one.conf.get(index, np.full(len(values), np.nan))
            for path, value, conf, few in zip(one.paths, values, half, one.too_few(index), strict=True):
                told.append((path, "", index, value, conf, few))
        told += [(a, b, "S2", value, conf, thin(value, conf).item()) for (a, b), (value, conf) in one.pairs.items()]
        rows += [(arm, kpi, one.method, one.over, *row, TOO_FEW if few else "") for *row, few in told]
    return pd.DataFrame(rows, columns=list(COLUMNS))
