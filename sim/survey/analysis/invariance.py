"""Whether groups, or waves, understand the questions alike, so that their scores may be compared.

Three models of all groups at once, each asking more: the same items on the same factors (configural), the same loadings
(metric: relations may be compared), the same intercepts too (scalar: means may be compared). Maximum likelihood with
means. A step holds where CFI falls by no more than .01 (Cheung and Rensvold 2002); chi-square differences stand beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.stats import chi2 as chi_squared

from sim.survey.analysis.correlations import Z
from sim.survey.analysis.gauges import gauges
from sim.survey.analysis.misfit import normal
from sim.survey.analysis.moments import FEWEST_PAIRS, SINGULAR, effective, pearson, proper
from sim.survey.analysis.scoring import Evaluate, scored
from sim.survey.analysis.structure import LOOSE
from sim.survey.analysis.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

Level = Literal["configural", "metric", "scalar"]
LEVELS: Final[tuple[Level, ...]] = ("configural", "metric", "scalar")
FALL: Final = 0.01  # of CFI that a step may cost
FEWEST: Final = 2  # items of a factor
SHEETS: Final = 2  # of a group, for every item


def _empty() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


@dataclass(frozen=True)
class Invariance:
    """Measurement invariance.

    `levels` has a row a model (configural, metric, scalar): its fit, what the step to it costs (d_chi2, d_df, d_p,
    d_cfi), and whether it `holds` (so do all before it). `means` has a row a construct and group but the first: the
    difference of the factor's mean from the first group's in its standard deviations, with se and 95 % interval, under
    the scalar model; they mean something where that holds. `items` has a row an item: what chi-square would gain, at
    `df`, from letting groups differ in its intercept. Where `problem` says why there is nothing, all are empty.
    """

    groups: tuple[str, ...] = ()
    levels: pd.DataFrame = field(default_factory=_empty)
    means: pd.DataFrame = field(default_factory=_empty)
    items: pd.DataFrame = field(default_factory=_empty)
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Group:
    """Covariances (p, p) and means (p,) of a group's items in pooled standard deviations, and its number of sheets."""

    name: str
    n: float
    covariance: np.ndarray
    mean: np.ndarray


@one_thread()
def invariance(
    answers: pd.DataFrame,
    constructs: Mapping[str, Sequence[str]],
    groups: pd.Series,
    weights: np.ndarray | None = None,
) -> Invariance:
    """Measurement invariance of constructs (items by name) between groups (a word a sheet) of turned answers."""
    import pandas as pd

    notes: list[str] = []
    x = answers[[code for codes in constructs.values() for code in codes if code in answers]]
    w = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    labels = groups.to_numpy()
    names = [name for name in pd.unique(labels) if pd.notna(name)]
    names = (
        sorted(names) if all(isinstance(name, int | float | np.number) for name in names) else sorted(names, key=str)
    )
    chosen = {name: labels == name for name in names}
    needed = SHEETS * x.shape[1]
    small = [str(name) for name, rows in chosen.items() if x[rows].notna().any(axis=1).sum() < needed]
    if small:
        notes.append(f"left out, as fewer than {SHEETS} sheets an item, {needed} in all: {', '.join(small)}")
    chosen = {name: rows for name, rows in chosen.items() if str(name) not in small}
    if len(chosen) < 2:
        return Invariance(problem="fewer than two groups with sheets enough", notes=tuple(notes))
    flat = [code for code in map(str, x) if any(x.loc[rows, code].nunique() < 2 for rows in chosen.values())]
    if flat:
        notes.append(f"left out, as a whole group gives the same answer or none: {', '.join(flat)}")
    kept = {name: [code for code in codes if code in x and code not in flat] for name, codes in constructs.items()}
    single = [name for name, codes in kept.items() if len(codes) < FEWEST]
    if single:
        notes.append(f"left out, as a factor needs at least {FEWEST} items that vary: {', '.join(single)}")
    kept = {name: codes for name, codes in kept.items() if len(codes) >= FEWEST}
    items = [code for codes in kept.values() for code in codes]
    if len(items) < 3:
        return Invariance(problem="no constructs with items enough", notes=tuple(notes))
    spread = x[items].std().to_numpy()
    centre = x[items].mean().to_numpy()
    if x[items].isna().to_numpy().any():
        notes.append("answers are missing: pairs of answers that are both there were used")
    shared = [x.loc[rows, items] for rows in chosen.values()]
    if not all(np.isfinite(one.corr(min_periods=FEWEST_PAIRS)).all(axis=None) for one in shared):
        return Invariance(problem="in a group, too few answer two of the items together", notes=tuple(notes))
    each = [
        _group(str(name), (x.loc[rows, items].to_numpy() - centre) / spread, w[rows]) for name, rows in chosen.items()
    ]
    if any(np.linalg.eigvalsh(one.covariance)[0] < SINGULAR for one in each):
        return Invariance(problem="items are (nearly) sums of one another in a group", notes=tuple(notes))
    notes.append("answers taken as continuous and normal, maximum likelihood; steps are judged by the fall of CFI")
    model = _Model(np.repeat(np.arange(len(kept)), [len(codes) for codes in kept.values()]), tuple(each), tuple(kept))
    return _climbed(model, items, notes)


def _group(name: str, x: np.ndarray, w: np.ndarray) -> _Group:
    there = ~np.isnan(x)
    mass = w @ there
    filled = np.where(there, x, 0.0)
    mean = w @ filled / mass
    sd = np.sqrt(w @ np.where(there, (filled - mean) ** 2, 0.0) / mass)
    correlation, _ = proper(pearson(x, w))
    return _Group(name, effective(w) * float(there.mean()), correlation * np.outer(sd, sd), mean)


@dataclass(frozen=True)
class _Model:
    """One factor an item, in several groups.

    A group's own numbers are, in this order: loadings (p,), covariances of factors (lower triangle with diagonal),
    unique variances (p,), intercepts (p,), means of factors (k,). `places` says which parameter each is.
    """

    belongs: np.ndarray
    groups: tuple[_Group, ...]
    factors: tuple[str, ...]

    @property
    def triangle(self) -> tuple[np.ndarray, np.ndarray]:
        """Places of factors' covariances."""
        return np.tril_indices(len(self.factors))

    def places(self, level: Level) -> list[np.ndarray]:
        """For each group the parameter behind each of its own numbers, -1 where it is fixed: variance 1, mean 0."""
        p, k = len(self.belongs), len(self.factors)
        diagonal = self.triangle[0] == self.triangle[1]
        out: list[np.ndarray] = []
        count = 0
        for at in range(len(self.groups)):
            shared = [level != "configural", False, False, level == "scalar", False]
            fixed = [
                np.zeros(p, bool),
                diagonal if at == 0 or level == "configural" else np.zeros_like(diagonal),
                np.zeros(p, bool),
                np.zeros(p, bool),
                np.full(k, at == 0 or level != "scalar"),
            ]
            own = []
            for block, (same, still) in enumerate(zip(shared, fixed, strict=True)):
                if same and at:
                    own.append(np.split(out[0], self._ends)[block])
                    continue
                places = np.where(still, -1, count + np.cumsum(~still) - 1)
                count += int((~still).sum())
                own.append(places)
            out.append(np.concatenate(own))
        return out

    @property
    def _ends(self) -> np.ndarray:
        p, k = len(self.belongs), len(self.factors)
        return np.cumsum([p, k * (k + 1) // 2, p, p])

    def split(self, own: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """A group's own numbers as loadings, covariances of factors (k, k), unique variances, intercepts, means."""
        loadings, low, unique, intercepts, means = np.split(own, self._ends)
        latent = np.zeros((len(self.factors),) * 2)
        latent[self.triangle] = latent[self.triangle[::-1]] = low
        return loadings, latent, unique, intercepts, means

    def fixed(self) -> np.ndarray:
        """A group's own numbers where they are fixed."""
        p, k = len(self.belongs), len(self.factors)
        low = (self.triangle[0] == self.triangle[1]).astype(np.float64)
        return np.concatenate([np.zeros(p), low, np.zeros(2 * p), np.zeros(k)])

    def start(self, places: list[np.ndarray]) -> np.ndarray:
        """Where the search begins: middling loadings, the groups' own means."""
        out = np.zeros(max(int(one.max()) for one in places) + 1)
        for group, own in reversed(list(zip(self.groups, places, strict=True))):
            low = np.where(self.triangle[0] == self.triangle[1], 1.0, 0.3)
            variance = np.diag(group.covariance)
            numbers = [0.7 * np.sqrt(variance), low, 0.5 * variance, group.mean, np.zeros(len(self.factors))]
            out[own[own >= 0]] = np.concatenate(numbers)[own >= 0]
        return out

    def likelihood(self, group: _Group, own: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Misfit of a group per sheet at its own numbers, half its negative gradient, half its expected curvature."""
        loadings, latent, unique, intercepts, means = self.split(own)
        p, k = len(loadings), len(means)
        onto = np.zeros((p, k))
        items = np.arange(p)
        onto[items, self.belongs] = loadings
        sigma = onto @ latent @ onto.T + np.diag(unique)
        try:
            root = np.linalg.cholesky(sigma)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros(len(own)), np.eye(len(own))
        inverse = np.linalg.inv(sigma)
        off = group.mean - intercepts - onto @ means
        seen = group.covariance + np.outer(off, off)
        misfit = 2 * np.log(np.diag(root)).sum() - np.linalg.slogdet(group.covariance)[1]
        misfit += float((inverse * seen).sum()) - p
        one, (a, b) = np.eye(p), self.triangle
        still = np.zeros((p, p + k))  # intercepts and means move no covariance
        x = np.concatenate([one, onto[:, a], one, still], axis=1)
        y = np.concatenate([(onto @ latent)[:, self.belongs], onto[:, b] / (1 + (a == b)), one / 2, still], axis=1)
        moved = np.concatenate([one * means[self.belongs], np.zeros((p, len(a) + p)), one, onto], axis=1)
        gradient, curvature = normal(inverse, seen - sigma, x, y)
        pulled = inverse @ moved
        return float(misfit), gradient + off @ pulled, curvature + moved.T @ pulled

    def numbers(self, at: np.ndarray, own: np.ndarray) -> np.ndarray:
        """A group's own numbers from the parameters."""
        return np.where(own >= 0, at[own], self.fixed())

    def evaluate(self, places: list[np.ndarray]) -> Evaluate:
        """What the search asks: misfit and its slopes over all groups, each by its share of the sheets."""
        whole = sum(group.n for group in self.groups)

        def evaluate(at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            total, gradient, curvature = 0.0, np.zeros(len(at)), np.zeros((len(at), len(at)))
            for group, own in zip(self.groups, places, strict=True):
                misfit, slope, bend = self.likelihood(group, self.numbers(at, own))
                share, free = group.n / whole, own >= 0
                total += share * misfit
                np.add.at(gradient, own[free], share * slope[free])
                np.add.at(curvature, np.ix_(own[free], own[free]), share * bend[np.ix_(free, free)])
            return total, gradient, curvature

        return evaluate

    def impossible(self, at: np.ndarray, places: list[np.ndarray], items: list[str]) -> str:
        """Why a solution cannot be, in words; nothing if it can."""
        for group, own in zip(self.groups, places, strict=True):
            _, latent, unique, _, _ = self.split(self.numbers(at, own))
            if (unique < LOOSE).any():
                return f"Heywood case in {group.name}: nothing of its own is left of {items[int(unique.argmin())]}"
            if np.linalg.eigvalsh(latent)[0] < LOOSE:
                return f"factors cannot be told apart in {group.name}"
        return ""


def _climbed(model: _Model, items: list[str], notes: list[str]) -> Invariance:
    """The three models one after the other, as far as they have solutions."""
    import pandas as pd

    p, groups = len(items), len(model.groups)
    n = sum(group.n for group in model.groups)
    base = sum(group.n * _alone(group.covariance) for group in model.groups)
    moments = groups * (p * (p + 1) // 2 + p)
    rows: list[dict[str, object]] = []
    holds = True
    names = tuple(group.name for group in model.groups)
    means, freed = _empty(), _empty()
    for level in LEVELS:
        places = model.places(level)
        evaluate = model.evaluate(places)
        start = model.start(places)
        df = moments - len(start)
        with np.errstate(all="ignore"):
            try:
                if df < 0:
                    return Invariance(names, problem="more is to be fitted than the items tell", notes=tuple(notes))
                at, settled = scored(evaluate, start)
            except np.linalg.LinAlgError:
                at, settled = start, False
        problem = model.impossible(at, places, items) if settled else "the search for the best fit did not settle"
        if problem:
            if not rows:
                return Invariance(names, problem=f"{level} model: {problem}", notes=tuple(notes))
            notes.append(f"no {level} model: {problem}")
            break
        row: dict[str, object] = {"level": level, "n": n}
        row |= gauges(n * evaluate(at)[0], df, base, groups * p * (p - 1) // 2, n, groups)
        row |= _cost(row, rows[-1] if rows else None)
        holds = holds and (not rows or float(str(row["d_cfi"])) >= -FALL)
        rows.append(row | {"holds": holds})
        if level == "scalar":
            means = _means(model, at, places, evaluate(at)[2], n)
            freed = _freed(model, at, places, items, n)
    return Invariance(names, pd.DataFrame(rows), means, freed, notes=tuple(notes))


def _alone(covariance: np.ndarray) -> float:
    """Misfit per sheet of items that have nothing in common."""
    return float(np.log(np.diag(covariance)).sum() - np.linalg.slogdet(covariance)[1])


def _cost(row: dict[str, object], before: dict[str, object] | None) -> dict[str, float]:
    """What a step costs."""
    names = ("chi2", "df", "cfi", "rmsea")
    if before is None:
        return dict.fromkeys(("d_chi2", "d_df", "d_p", "d_cfi", "d_rmsea"), np.nan)
    chi2, df, cfi, rmsea = (float(str(row[name])) - float(str(before[name])) for name in names)
    return {"d_chi2": chi2, "d_df": df, "d_p": float(chi_squared.sf(chi2, df)), "d_cfi": cfi, "d_rmsea": rmsea}


def _means(model: _Model, at: np.ndarray, places: list[np.ndarray], curvature: np.ndarray, n: float) -> pd.DataFrame:
    """Differences of factors' means from the first group's, in its standard deviations."""
    import pandas as pd

    se = np.sqrt(np.diag(np.linalg.inv(curvature)) / n)
    rows = []
    for group, own in zip(model.groups[1:], places[1:], strict=True):
        for name, place in zip(model.factors, np.split(own, model._ends)[-1], strict=True):
            value, half = float(at[place]), Z * float(se[place])
            row = {"construct": name, "group": group.name, "difference": value, "se": float(se[place])}
            rows.append(row | {"low": value - half, "high": value + half})
    return pd.DataFrame(rows)


def _freed(model: _Model, at: np.ndarray, places: list[np.ndarray], items: list[str], n: float) -> pd.DataFrame:
    """Score tests of each item's intercept: what chi-square gains if groups may differ in it."""
    import pandas as pd

    p, groups = len(items), len(model.groups)
    size = len(at)
    gradient = np.zeros(size + (groups - 1) * p)
    curvature = np.zeros((len(gradient),) * 2)
    first = model._ends[2]
    for g, (group, own) in enumerate(zip(model.groups, places, strict=True)):
        _, slope, bend = model.likelihood(group, model.numbers(at, own))
        free = own >= 0
        spread = np.zeros((len(own), len(gradient)))  # own numbers in terms of parameters and freed intercepts
        spread[np.flatnonzero(free), own[free]] = 1.0
        if g:
            spread[first + np.arange(p), size + (g - 1) * p + np.arange(p)] = 1.0
        gradient += group.n * slope @ spread
        curvature += group.n * spread.T @ bend @ spread
    rows = []
    known = np.linalg.inv(curvature[:size, :size])
    for i, item in enumerate(items):
        extra = size + np.arange(groups - 1) * p + i
        cross = curvature[np.ix_(extra, np.arange(size))]
        left = curvature[np.ix_(extra, extra)] - cross @ known @ cross.T
        gain = float(gradient[extra] @ np.linalg.solve(left, gradient[extra]))
        rows.append({"item": item, "gain": gain, "df": groups - 1, "p": float(chi_squared.sf(gain, groups - 1))})
    return pd.DataFrame(rows).sort_values("gain", ascending=False, ignore_index=True)
