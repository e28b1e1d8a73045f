"""How items go together, and how surely: correlations with the covariance of their errors.

Every model of factors starts here. Errors come from each sheet's influence on each correlation, so that they hold for
answers that are not normal, with design weights, and where answers are missing (pairs of answers that are both there).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["Pearson", "polychoric"]

MOST_STEPS: Final = 7  # points up to which an answer is taken for steps of something continuous
MOST_CATEGORIES: Final = 11  # points up to which a polychoric correlation is worth its tables
FEWEST_PAIRS: Final = 10  # sheets that answer both items, fewer say nothing of how they go together
SINGULAR: Final = 1e-4  # smallest eigenvalue of correlations that leave something to fit
_FAR: Final = 8.0  # SD; no answer lies beyond
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(20)
_STEPS: Final = 50  # of scoring, at most
EDGE: Final = 0.995  # the largest polychoric correlation; items that reach it are one


@dataclass(frozen=True)
class Moments:
    """Correlations of items.

    `correlation` is float64 (items, items), `pairs` the places of its upper triangle as two int arrays (q,), `errors`
    the covariance of those q correlations' errors, float64 (q, q), `n` the effective number of sheets (Kish's, and of
    pairs that are both answered), `notes` what was left out, in sentences.
    """

    items: tuple[str, ...]
    correlation: np.ndarray
    errors: np.ndarray
    n: float
    kind: Kind
    notes: tuple[str, ...] = ()

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the upper triangle, in the order of `errors`."""
        return np.triu_indices(len(self.items), 1)


def effective(weights: np.ndarray) -> float:
    """Kish's effective number of sheets: (sum of weights)^2 / sum of squared weights; 0 for none."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def steps(answers: pd.DataFrame) -> bool:
    """Whether most items are answered on few enough points to be steps of something continuous underneath."""
    points = answers.nunique().to_numpy()
    return bool(points.size and points.max() <= MOST_CATEGORIES and (points <= MOST_STEPS).mean() > 0.5)


def usable(answers: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Items that a correlation can be had of, and in sentences why the others are left out."""
    notes = []
    varied = answers.nunique() > 1
    flat = [str(code) for code in answers.columns[~varied]]
    if flat:
        notes.append(f"left out, as everybody gives the same answer or none: {', '.join(flat)}")
    kept = answers.loc[:, varied]
    while kept.shape[1] > 1:
        there = kept.notna().to_numpy(np.float64)
        lost = there.T @ there < min(FEWEST_PAIRS, len(kept))
        lost |= ~np.isfinite(pearson(kept.to_numpy(np.float64), np.ones(len(kept))))
        if not lost.any():
            break
        worst = str(kept.columns[lost.sum(axis=0).argmax()])
        notes.append(f"left out, as too few sheets answer it together with another item, or all alike: {worst}")
        kept = kept.drop(columns=worst)
    return kept, notes


def correlate(answers: pd.DataFrame, weights: np.ndarray | None = None, kind: Kind | None = None) -> Moments:
    """Correlations of items (turned, NaN = no answer) with their errors; `kind` None chooses by the number of points.

    Items must vary and be answered together by some sheets: `usable` sees to it.
    """
    x = answers.to_numpy(np.float64)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    kind = kind or ("polychoric" if steps(answers) else "Pearson")
    r, influence = _polychoric(x, w) if kind == "polychoric" else _pearson(x, w)
    p = x.shape[1]
    correlation = np.eye(p)
    rows, columns = np.triu_indices(p, 1)
    correlation[rows, columns] = correlation[columns, rows] = r
    influence *= (w / w.sum())[:, None]
    there = ~np.isnan(x)
    joint = (there * w[:, None]).T @ there
    share = float(joint[rows, columns].mean() / w.sum()) if rows.size else 1.0
    notes = []
    if share < 1:
        notes.append(f"answers are missing: pairs of answers that are both there, {share:.0%} of them, were used")
    correlation, mended = proper(correlation)
    if mended:
        notes.append("correlations contradicted one another (too few sheets, or gaps) and were mended slightly")
    return Moments(
        tuple(map(str, answers.columns)), correlation, influence.T @ influence, effective(w) * share, kind, tuple(notes)
    )


def proper(correlation: np.ndarray, least: float = 1e-6) -> tuple[np.ndarray, bool]:
    """The correlation matrix with eigenvalues of at least `least`, and whether it had to be mended."""
    values, vectors = np.linalg.eigh(correlation)
    if values[0] >= least:
        return correlation, False
    mended = (vectors * np.maximum(values, least)) @ vectors.T
    sd = np.sqrt(np.diag(mended))
    return mended / np.outer(sd, sd), bool(values[0] < -least)


def pearson(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Weighted correlations of columns over rows where both are there, float64 (items, items)."""
    rows, columns = np.triu_indices(x.shape[1], 1)
    out = np.eye(x.shape[1])
    out[rows, columns] = out[columns, rows] = _pearson(x, w)[0]
    return out


def _pearson(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations (q,) and every sheet's influence on them (sheets, q)."""
    rows, columns = np.triu_indices(x.shape[1], 1)
    there = ~np.isnan(x)
    filled = np.where(there, x, 0.0)
    both = there[:, rows] & there[:, columns]
    mass = w @ both
    shared = np.where(both, w[:, None], 0.0) / np.where(mass > 0, mass, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = []
        for at in (rows, columns):
            centred = filled[:, at] - (shared * filled[:, at]).sum(axis=0)
            z.append(centred / np.sqrt((shared * centred**2).sum(axis=0)))
        r = (shared * z[0] * z[1]).sum(axis=0)
        influence = np.where(both, z[0] * z[1] - r * (z[0] ** 2 + z[1] ** 2) / 2, 0.0) * (w.sum() / mass)
    return r, influence


# --- polychoric: steps of two normal answers underneath ----------------------------------------------------------


def _together(h: np.ndarray, k: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """P(X < h, Y < k) of a standard bivariate normal; the arrays broadcast."""
    angle = np.arcsin(rho)
    out = np.zeros(np.broadcast(h, k, rho).shape)
    for node, weight in zip(_NODES, _NODE_WEIGHTS, strict=True):
        theta = angle * (node + 1) / 2
        out += weight * np.exp(-(h * h + k * k - 2 * h * k * np.sin(theta)) / (2 * np.cos(theta) ** 2))
    return ndtr(h) * ndtr(k) + out * angle / (4 * np.pi)


def _polychoric(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations (q,) in two steps, cuts from each item and then each pair's likelihood, and sheets' influence."""
    n, p = x.shape
    codes = np.full((n, p), -1)
    for j in range(p):
        there = ~np.isnan(x[:, j])
        codes[there, j] = np.unique(x[there, j], return_inverse=True)[1]
    points = int(codes.max()) + 1
    chosen = codes[:, :, None] == np.arange(points)  # sheets, items, points
    mass = np.einsum("n,nij->ij", w, chosen)
    below = np.cumsum(mass, axis=1) / mass.sum(axis=1, keepdims=True)  # items, points
    inner = below[:, :-1]
    cuts = np.clip(ndtri(np.clip(inner, 0.0, 1.0)), -_FAR, _FAR)
    edges = np.concatenate([np.full((p, 1), -_FAR), cuts, np.full((p, 1), _FAR)], axis=1)
    rows, columns = np.triu_indices(p, 1)
    flat = chosen.reshape(n, p * points).astype(np.float64)
    tables = ((flat * w[:, None]).T @ flat).reshape(p, points, p, points)[rows, :, columns, :]
    total = tables.sum(axis=(1, 2))
    shares = tables / total[:, None, None]
    h, k = edges[rows][:, :, None], edges[columns][:, None, :]
    rho = np.clip(pearson(x, w)[rows, columns], -0.9, 0.9)
    for _ in range(_STEPS):
        cells, slopes = _cells(h, k, rho)
        score = (shares * slopes / cells).sum(axis=(1, 2))
        step = score / np.maximum((slopes**2 / cells).sum(axis=(1, 2)), 1e-12)
        after = np.clip(rho + np.clip(step, -0.2, 0.2), -EDGE, EDGE)
        moved = np.abs(after - rho).max()
        rho = after
        if moved < 1e-9:
            break
    cells, slopes = _cells(h, k, rho)
    information = np.maximum((slopes**2 / cells).sum(axis=(1, 2)), 1e-12)
    direct = slopes / cells / information[:, None, None]  # q, points, points
    whole = w.sum()
    padded = np.zeros((rows.size, points + 1, points + 1))  # the last place: no answer
    padded[:, :points, :points] = direct * (whole / total)[:, None, None]
    density = np.exp(-(cuts**2) / 2) / np.sqrt(2 * np.pi)
    # a sheet's influence on a cut: (1 where its answer is below it, less the share that is) / density
    stray = (np.arange(points)[:, None] <= np.arange(points - 1)) - inner[:, None, :]  # items, points, cuts
    stray = np.where(density[:, None, :] > 1e-12, stray / np.maximum(density, 1e-12)[:, None, :], 0.0)
    stray *= (whole / mass.sum(axis=1))[:, None, None]
    turned = direct.swapaxes(1, 2)
    first = _through_cuts(h, k, rho, direct)
    second = _through_cuts(k.swapaxes(1, 2), h.swapaxes(1, 2), rho, turned)
    padded[:, :points, :] -= np.einsum("qm,qam->qa", first, stray[rows])[:, :, None]
    padded[:, :, :points] -= np.einsum("qm,qam->qa", second, stray[columns])[:, None, :]
    return rho, padded[np.arange(rows.size), codes[:, rows], codes[:, columns]]


def _cells(h: np.ndarray, k: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the cells between edges, and their slopes in the correlation, float64 (q, points, points)."""
    r = rho[:, None, None]
    corner = _together(h, k, r)
    left = 1 - r * r
    density = np.exp(-(h * h + k * k - 2 * r * h * k) / (2 * left)) / (2 * np.pi * np.sqrt(left))
    cells, slopes = (np.diff(np.diff(one, axis=1), axis=2) for one in (corner, density))
    return np.maximum(cells, 1e-12), slopes


def _through_cuts(h: np.ndarray, k: np.ndarray, rho: np.ndarray, direct: np.ndarray) -> np.ndarray:
    """How far a correlation falls per unit that each inner cut of its first item moves, float64 (q, cuts)."""
    cut = h[:, 1:-1]
    r = rho[:, None, None]
    beyond = ndtr((k - r * cut) / np.sqrt(1 - r * r))
    slices = np.exp(-(cut**2) / 2) / np.sqrt(2 * np.pi) * np.diff(beyond, axis=2)  # q, cuts, points of the other
    return (slices * (direct[:, :-1] - direct[:, 1:])).sum(axis=2)
