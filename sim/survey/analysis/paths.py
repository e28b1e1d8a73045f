"""What leads to what: a structural model of constructs, with direct, indirect and total effects.

Constructs are factors behind their items, so that effects are not weakened by how badly something is measured. An
effect here is one only if the arrows are right; the answers of one day cannot say whether they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.survey.analysis.confirmatory import fitted, measured
from sim.survey.analysis.correlations import Z
from sim.survey.analysis.gauges import judged
from sim.survey.analysis.moments import Kind
from sim.survey.analysis.structure import Fit, Model, jacobian
from sim.survey.analysis.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

    from sim.survey.instrument import Instrument

Path = tuple[str, str]  # from, to

# Names that are known, in the order of the satisfaction chain (Fornell and others 1996; Oliver 1999)
SERVED: Final = (
    *("tangibles", "reliability", "responsiveness", "assurance", "empathy", "eservice", "app"),
    *("image", "imag", "expectations", "expe", "quality", "qual", "value", "val"),
)
SATISFACTION: Final = ("satisfaction", "sat")
TRUST: Final = ("trust",)
LOYALTY: Final = ("loyalty", "loy")
LEAVING: Final = ("switching", "leaving")
IMAGE: Final = ("image", "imag")  # leads to loyalty too (the European customer satisfaction index)


def _empty() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


@dataclass(frozen=True)
class Structure:
    """A structural model, everything standardised.

    `effects` has a row a pair of constructs that one leads to the other: the direct, indirect and total effect, each
    with its 95 % interval (delta method). `explained` has R squared of each construct that something leads to. `fit`
    is one row of indices. Where `problem` says why there is no solution, all are empty.
    """

    effects: pd.DataFrame = field(default_factory=_empty)
    explained: pd.DataFrame = field(default_factory=_empty)
    fit: pd.DataFrame = field(default_factory=_empty)
    problem: str = ""
    notes: tuple[str, ...] = ()


def usual(constructs: Iterable[str]) -> tuple[Path, ...]:
    """The satisfaction chain among constructs whose names are known: service, satisfaction, trust, loyalty, leaving."""
    names = list(constructs)
    here = [[name for name in names if name in stage] for stage in (SERVED, SATISFACTION, TRUST, LOYALTY, LEAVING)]
    served, satisfied, trusting, loyal, leaving = here
    if not satisfied:
        return ()
    chain = [
        *((a, b) for b in satisfied for a in served),
        *((a, b) for b in trusting for a in satisfied),
        *((a, b) for b in loyal for a in [*satisfied, *trusting, *(name for name in served if name in IMAGE)]),
        *((a, b) for b in leaving for a in (loyal or [*satisfied, *trusting])),
    ]
    return tuple(chain)


def chain(instrument: Instrument, constructs: Iterable[str]) -> tuple[Path, ...]:
    """What leads to what among constructs: as the instrument says (`follows`), else the usual chain."""
    names = list(constructs)
    if not any(construct.follows for construct in instrument.constructs.values()):
        return usual(names)
    return tuple((a, b) for b in names for a in instrument.constructs[b].follows if a in names)


def outcomes(constructs: Iterable[str], paths: Sequence[Path] | None = None) -> dict[str, list[str]]:
    """Constructs that others lead to, each with all that lead to it along `paths` (None: the usual chain)."""
    names = list(constructs)
    arrows = usual(names) if paths is None else paths
    found: dict[str, list[str]] = {}
    for name in names:
        behind: set[str] = set()
        ahead = {name}
        while ahead := {a for a, b in arrows if b in ahead and a in names} - behind:
            behind |= ahead
        if behind - {name}:
            found[name] = [other for other in names if other in behind and other != name]
    return found


@one_thread()
def structural(
    answers: pd.DataFrame,
    constructs: Mapping[str, Sequence[str]],
    paths: Sequence[Path],
    weights: np.ndarray | None = None,
    kind: Kind | None = None,
) -> Structure:
    """The structural model of constructs (items by name) that `paths` lead through; answers turned, NaN = none."""
    import pandas as pd

    meant = [name for name in constructs if any(name in path for path in paths)]
    of = measured(answers, {name: constructs[name] for name in meant}, weights, kind)
    names = list(of.constructs)
    kept = [path for path in dict.fromkeys(paths) if path[0] in names and path[1] in names]
    if of.moments is None or not kept:
        return Structure(problem=of.problem or "no path is left between constructs with items enough", notes=of.notes)
    arrows = tuple((names.index(cause), names.index(effect)) for cause, effect in kept)
    if circle := _circle(arrows, names):
        return Structure(problem=f"paths go in a circle: {circle}", notes=of.notes)
    first = [at for at in range(len(names)) if all(effect != at for _, effect in arrows)]
    together = tuple((a, b) for i, a in enumerate(first) for b in first[i + 1 :])
    model = Model(of.belongs, len(names), arrows, together)
    solution, told = fitted(of, model)
    if solution.problem:
        return Structure(problem=solution.problem, notes=(*of.notes, *told))
    latent = solution.model.latent(solution.at)
    paths_at = slice(len(of.items), len(of.items) + len(arrows))
    direct = _matrix(arrows, solution.standard[paths_at], len(names))
    explained = [
        {"construct": names[at], "r2": float(direct[at] @ latent[at])} for at in range(len(names)) if at not in first
    ]
    return Structure(
        _effects(solution, arrows, names, paths_at),
        pd.DataFrame(explained),
        pd.DataFrame([solution.indices]),
        notes=(judged(solution.indices), *of.notes, *told),
    )


def _matrix(arrows: tuple[tuple[int, int], ...], values: np.ndarray, size: int) -> np.ndarray:
    """Direct effects, float64 (to, from)."""
    out = np.zeros((size, size))
    for value, (cause, effect) in zip(values, arrows, strict=True):
        out[effect, cause] = value
    return out


def _effects(solution: Fit, arrows: tuple[tuple[int, int], ...], names: list[str], at: slice) -> pd.DataFrame:
    """Direct, indirect and total effects with intervals, a row a pair that is connected."""
    import pandas as pd

    size = len(names)
    values, errors = solution.standard[at], solution.errors[at, at]

    def all_of(paths: np.ndarray) -> np.ndarray:
        direct = _matrix(arrows, paths, size)
        total = np.linalg.inv(np.eye(size) - direct) - np.eye(size)
        return np.concatenate([direct.ravel(), (total - direct).ravel(), total.ravel()])

    effects = all_of(values).reshape(3, size, size)
    slopes = jacobian(all_of, values)
    half = Z * np.sqrt(np.einsum("ij,jk,ik->i", slopes, errors, slopes)).reshape(3, size, size)
    reached = all_of(np.ones(len(values))).reshape(3, size, size) != 0
    rows = []
    for effect, cause in zip(*np.nonzero(reached[2]), strict=True):
        row: dict[str, object] = {"from": names[int(cause)], "to": names[int(effect)]}
        for i, kind in enumerate(("direct", "indirect", "total")):
            there = bool(reached[i, effect, cause])
            value, wide = effects[i, effect, cause], half[i, effect, cause]
            row[kind] = float(value) if there else 0.0
            row[f"{kind}_low"] = float(value - wide) if there else np.nan
            row[f"{kind}_high"] = float(value + wide) if there else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def _circle(arrows: tuple[tuple[int, int], ...], names: list[str]) -> str:
    """The constructs that lead to themselves, in words; nothing where none does."""
    left = set(range(len(names)))
    while free := {at for at in left if not any(effect == at and cause in left for cause, effect in arrows)}:
        left -= free
    return ", ".join(names[at] for at in sorted(left))
