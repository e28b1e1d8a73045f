"""Whether items measure what the instrument says: the confirmatory factor model, its fit, and validity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from sim.survey.analysis.correlations import Z
from sim.survey.analysis.gauges import judged
from sim.survey.analysis.moments import Kind, Moments, correlate, usable
from sim.survey.analysis.structure import Fit, Model, fit
from sim.survey.analysis.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

LOADINGS = ["construct", "item", "loading", "se", "low", "high"]
FACTORS = ["x", "y", "r", "se", "low", "high", "htmt", "distinct"]
SHEETS = 5  # an item; below, a factor model is said to be shaky (Bentler and Chou 1987)
CONSTRUCTS = ["construct", "items", "composite_reliability", "ave"]


def _empty(columns: Sequence[str] = ()) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns=list(columns))


@dataclass(frozen=True)
class FactorModel:
    """A confirmatory factor model of an instrument's constructs, everything standardised.

    `loadings` has a row an item, with standard error and 95 % interval. `factors` has a row a pair of constructs: the
    correlation of the factors, HTMT, and whether they are `distinct` (Fornell and Larcker: each one's average variance
    extracted above the squared correlation). `constructs` has composite reliability and average variance extracted
    (`ave`). `fit` is one row of indices. Where `problem` says why there is no solution, all of them are empty.
    """

    loadings: pd.DataFrame = field(default_factory=lambda: _empty(LOADINGS))
    factors: pd.DataFrame = field(default_factory=lambda: _empty(FACTORS))
    constructs: pd.DataFrame = field(default_factory=lambda: _empty(CONSTRUCTS))
    fit: pd.DataFrame = field(default_factory=_empty)
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """Constructs that a model can have, as items in their order, with the correlations of those items."""

    constructs: dict[str, list[str]]
    moments: Moments | None
    notes: tuple[str, ...]
    problem: str = ""

    @property
    def items(self) -> list[str]:
        """All items, construct by construct."""
        return [code for codes in self.constructs.values() for code in codes]

    @property
    def belongs(self) -> np.ndarray:
        """The place of each item's construct, int (items,)."""
        return np.repeat(np.arange(len(self.constructs)), [len(codes) for codes in self.constructs.values()])


def measured(
    answers: pd.DataFrame,
    constructs: Mapping[str, Sequence[str]],
    weights: np.ndarray | None = None,
    kind: Kind | None = None,
    fewest: int = 2,
) -> Measured:
    """Items of the constructs that have `fewest` usable ones or more, their correlations, and what was left out."""
    asked = [code for codes in constructs.values() for code in codes if code in answers]
    kept, notes = usable(answers[asked])
    there = {name: [code for code in codes if code in kept] for name, codes in constructs.items()}
    single = [name for name, codes in there.items() if len(codes) < fewest]
    if single:
        notes.append(f"left out, as a factor needs at least {fewest} items that vary: {', '.join(single)}")
    there = {name: codes for name, codes in there.items() if len(codes) >= fewest}
    pairs = [name for name, codes in there.items() if len(codes) == 2]
    if pairs:
        notes.append(f"two items alone do not pin a factor down, only its ties to others do: {', '.join(pairs)}")
    items = [code for codes in there.values() for code in codes]
    if not items:
        return Measured(there, None, tuple(notes), "no construct has items enough")
    answered = answers[items].notna().any(axis=1).to_numpy()
    if answered.sum() <= len(items):
        few = f"{int(answered.sum())} sheets are too few for a model of {len(items)} items"
        return Measured(there, None, tuple(notes), few)
    w = None if weights is None else np.asarray(weights, np.float64)[answered]
    moments = correlate(answers.loc[answered, items], w, kind)
    if moments.n < SHEETS * len(items):
        notes.append(f"{moments.n:.0f} sheets for {len(items)} items, fewer than {SHEETS} each: much of it may be luck")
    said = "polychoric correlations of steps" if moments.kind == "polychoric" else "answers taken as continuous"
    how = "weighted least squares" if moments.kind == "polychoric" else "maximum likelihood"
    notes += [f"{said}, {how}, errors that hold for answers that are not normal", *moments.notes]
    if w is not None and np.ptp(w) > 0:
        notes.append(f"design weights: {int(answered.sum())} sheets tell as much as {moments.n:.0f} equal ones")
    return Measured(there, moments, tuple(notes))


@one_thread()
def factor_model(
    answers: pd.DataFrame,
    constructs: Mapping[str, Sequence[str]],
    weights: np.ndarray | None = None,
    kind: Kind | None = None,
) -> FactorModel:
    """The confirmatory factor model: each item on its construct alone, factors free to correlate.

    `answers` are turned (`Sheets.answers`), NaN = none, a row a sheet; `constructs` name the items of each construct;
    `kind` of correlations, None: polychoric where most items have 7 points or fewer.
    """
    import pandas as pd

    of = measured(answers, constructs, weights, kind)
    if of.moments is None:
        return FactorModel(problem=of.problem, notes=of.notes)
    names = list(of.constructs)
    together = tuple(zip(*map(lambda at: map(int, at), np.triu_indices(len(names), 1)), strict=True))
    solution, told = fitted(of, Model(of.belongs, len(names), together=together))
    if solution.problem:
        return FactorModel(problem=solution.problem, notes=(*of.notes, *told))
    loadings = estimates(solution, 0, len(of.items), "loading")
    loadings.insert(0, "item", of.items)
    loadings.insert(0, "construct", [names[at] for at in of.belongs])
    wrong = loadings.loc[loadings["loading"] < 0, "item"]
    notes = [judged(solution.indices), *of.notes, *told]
    if len(wrong):
        notes.append(f"negative loading, so perhaps not turned as it should be: {', '.join(wrong)}")
    by = loadings.groupby("construct", sort=False)["loading"]
    ave = by.agg(lambda own: float((own**2).mean()))
    total = by.sum() ** 2
    reliable = total / (total + by.agg(lambda own: float((1 - own**2).sum())))
    made = pd.DataFrame({"items": by.size(), "composite_reliability": reliable, "ave": ave}).reset_index()
    factors = estimates(solution, len(of.items), len(together), "r")
    factors.insert(0, "y", [names[b] for _, b in together])
    factors.insert(0, "x", [names[a] for a, _ in together])
    factors["htmt"] = [_htmt(of, a, b) for a, b in together]
    factors["distinct"] = [
        bool(min(ave[x], ave[y]) > r**2) for x, y, r in zip(factors["x"], factors["y"], factors["r"], strict=True)
    ]
    return FactorModel(loadings, factors, made, pd.DataFrame([solution.indices]), notes=tuple(notes))


def fitted(of: Measured, model: Model) -> tuple[Fit, tuple[str, ...]]:
    """The model fitted to what was measured, and what had to be done for a solution, in sentences.

    Two items are too few to tell their loadings apart where their factor has little to do with others: where nothing
    of one's own would be left, the two get one loading in common.
    """
    assert of.moments is not None
    names = list(of.constructs)
    while True:
        solution = fit(model, of.moments, of.items, names)
        pairs = {int(of.belongs[item]) for item in solution.edge if len(of.constructs[names[of.belongs[item]]]) == 2}
        if not pairs - model.tied:
            break
        model = replace(model, tied=model.tied | pairs)
    tied = [names[at] for at in sorted(model.tied)]
    said = f"two items get one loading in common, as they cannot be told apart otherwise: {', '.join(tied)}"
    return solution, (said,) if tied else ()


def estimates(solution: Fit, first: int, count: int, name: str) -> pd.DataFrame:
    """Standardised parameters from a place on: the estimate under `name`, se, and the 95 % interval low and high.

    Intervals are by Fisher's z, since loadings and factors' correlations are correlations and stay between -1 and 1.
    """
    import pandas as pd

    places = slice(first, first + count)
    value, se = solution.standard[places], np.sqrt(np.diag(solution.errors)[places])
    centre, half = np.arctanh(value), Z * se / (1 - value**2)
    return pd.DataFrame({name: value, "se": se, "low": np.tanh(centre - half), "high": np.tanh(centre + half)})


def _htmt(of: Measured, a: int, b: int) -> float:
    """Heterotrait-monotrait ratio: correlations between two constructs' items over those within each."""
    assert of.moments is not None
    r = np.abs(of.moments.correlation)
    mine, other = np.flatnonzero(of.belongs == a), np.flatnonzero(of.belongs == b)
    within = [r[np.ix_(own, own)][np.triu_indices(len(own), 1)].mean() for own in (mine, other)]
    return float(r[np.ix_(mine, other)].mean() / np.sqrt(within[0] * within[1]))
