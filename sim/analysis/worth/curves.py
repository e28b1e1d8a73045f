"""What each assumption does by itself to what each arm is worth, found from one set of worlds.

The regression of Strong & Oakley: the worth of an arm less the reference's is a smooth curve of one assumption, fitted
over the worlds, and all the other assumptions are its noise. A curve is a slope and a bend (a natural cubic spline), so
that NumPy does in one product what a smoother would do parameter by parameter. Three things are added for few worlds
and many assumptions:

- other assumptions that clearly matter, and what two of them do together, are found one after the other and their
  effect is taken off first, which leaves less noise; not off an assumption that goes along with them in the worlds,
  since knowing it tells of them too;
- slope and bend are shrunk by what chance alone would have given them, so that the spread of a curve is unbiased
  (a fitted curve of no effect still moves, and a maximum over arms would be paid for it);
- an assumption counts as clear if its curve is stronger than the strongest of all in 95 of 100 shuffles of the worlds
  (Westfall and Young), arms and assumptions being shuffled together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis.study import Array

CHANCE = 0.05  # of even one assumption that does nothing being called clear
SHUFFLES = 200
GRID = 64  # places on a curve, at most
SLOPE_ONLY, FEW = 32, 200  # worlds below which a curve is a line, below which it has three parts and not five
KNOTS = {False: (0.05, 0.35, 0.65, 0.95), True: (0.025, 0.215, 0.405, 0.595, 0.785, 0.975)}  # quantiles
MOST_COLUMNS = 0.25  # columns of the joint model, of the worlds
TOGETHER = 3.5  # standard errors of a rank correlation, beyond which two assumptions go together
PRODUCT = -1  # owner of what two assumptions do together
FLAT = 1e-9  # relative: a column or a spread below that is none


@dataclass(frozen=True)
class Curves:
    """Curves of p assumptions over a arms (the reference left out, which is 0 everywhere), on a grid of m places.

    `x` (p, m) are values of the assumption in its unit, in order and equally likely (places of a choice), `levels` what
    the places of a choice stand for; `basis` (p, m, k), `slopes` (p, k, a) and `spread` (p, a, a), the covariance of a
    slope between arms; `mean` (a,) and `mean_spread` (a, a). `p` is the chance of a curve so strong if no assumption
    did anything. `residual` (worlds, a) is what the clear ones together do not explain, `freedom` its degrees.
    """

    names: list[str]
    levels: dict[str, list[object]]
    x: Array
    basis: Array
    slopes: Array
    spread: Array
    mean: Array
    mean_spread: Array
    p: Array
    residual: Array
    freedom: int

    @property
    def clear(self) -> np.ndarray:
        """Which assumptions are told from chance, bool (p,)."""
        return self.p <= CHANCE

    def curve(self, j: int) -> Array:
        """Worth of each arm less the reference's at each place, (m, a + 1), the reference first."""
        return _with_reference(self.mean + self.basis[j] @ self.slopes[j])

    def draws(self, j: int, count: int, rng: np.random.Generator) -> Array:
        """The same as it may be, (count, m, a + 1): coefficients drawn from their normal law (Strong & Oakley)."""
        k, a = self.slopes.shape[1:]
        slopes = self.slopes[j] + rng.standard_normal((count, k, a)) @ root(self.spread[j]).T
        means = self.mean + rng.standard_normal((count, 1, a)) @ root(self.mean_spread).T
        return _with_reference(means + self.basis[j] @ slopes)


def curves_of(inputs: pd.DataFrame, gaps: Array, luck: Array, rng: np.random.Generator) -> Curves:
    """Curves of every column of `inputs` (worlds x assumptions) for `gaps` (worlds x arms less the reference).

    `luck` (a, a) is the covariance of the luck that all worlds share, which the means carry.
    """
    n, a = gaps.shape
    raw, levels = _numbers(inputs)
    basis = _bases(raw, n)
    centred = gaps - gaps.mean(axis=0)
    null = _null(basis, centred, rng)
    joint, owner, p = _chosen(basis, centred, null)
    weights = np.linalg.lstsq(joint, centred, rcond=None)[0]
    residual = centred - joint @ weights
    freedom = max(n - 1 - joint.shape[1], 1)
    # everything clear off, then back on what goes with the assumption itself
    k = basis.shape[2]
    together = _together(raw)
    outcomes = np.repeat(residual[None], len(basis), axis=0)
    for i in np.unique(owner[owner != PRODUCT]):
        part = joint[:, owner == i] @ weights[owner == i]
        outcomes[together[:, i] | (np.arange(len(basis)) == i)] += part
    slopes = basis.transpose(0, 2, 1) @ outcomes
    rest = outcomes - basis @ slopes
    own = _own(basis)
    taken = np.array(
        [np.count_nonzero((owner == PRODUCT) | ((owner != j) & ~together[j, owner])) for j in range(len(p))]
    )
    left = np.maximum(n - 1 - own - taken, 1)
    spread = rest.transpose(0, 2, 1) @ rest / left[:, None, None]
    spread *= ((n - 1) / np.maximum(n - 1 - taken, 1))[:, None, None]  # what is taken off is not at right angles
    slopes = np.stack([_shrunk(slope, noise) for slope, noise in zip(slopes, spread, strict=True)]) if a else slopes
    order = np.argsort(raw, axis=0, kind="stable").T
    rows = order[:, np.arange(n) if n <= GRID else ((np.arange(GRID) + 0.5) * n / GRID).astype(int)]
    places = np.arange(len(basis))[:, None]
    grid = basis[places, rows]
    return Curves(
        [str(name) for name in inputs.columns],
        levels,
        raw[rows, places],
        grid - grid.mean(axis=1, keepdims=True) if k else grid,
        slopes,
        spread,
        gaps.mean(axis=0),
        residual.T @ residual / freedom / n + luck,
        p,
        residual,
        freedom,
    )


def above_best(curve: Array) -> Array:
    """Curves (..., m, arms) less that of the arm which is best on average, so that dominance leaves exactly 0."""
    best = curve.mean(axis=-2, keepdims=True).argmax(axis=-1, keepdims=True)
    return curve - np.take_along_axis(curve, best, axis=-1)


def root(matrix: Array) -> Array:
    """A square root of a covariance, symmetric, whatever its rank."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def _with_reference(values: Array) -> Array:
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)


def _numbers(inputs: pd.DataFrame) -> tuple[Array, dict[str, list[object]]]:
    """Columns as numbers, worlds x assumptions; of choices the place, and what each place stands for."""
    columns, levels = [], {}
    for name in inputs.columns:
        column = inputs[name]
        if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            codes, known = pd.factorize(column, sort=True)
            levels[str(name)] = list(known)
            columns.append(codes.astype(float))
        else:
            columns.append(column.to_numpy(dtype=float))
    return np.stack(columns, axis=1) if columns else np.empty((len(inputs), 0)), levels


def _bases(raw: Array, n: int) -> Array:
    """Orthonormal columns of a natural cubic spline for every assumption, the slope first: (p, n, k); 0 where none."""
    quantiles = (0.0, 1.0) if n < SLOPE_ONLY else KNOTS[n >= FEW]
    k = len(quantiles) - 1
    found = np.zeros((raw.shape[1], n, k))
    for j, x in enumerate(raw.T):
        size = np.ptp(x)
        if not size > FLAT * np.abs(x).max():
            continue
        u = (x - x.min()) / size
        levels = np.unique(u)
        knots = levels if len(levels) <= k + 1 else np.unique(np.quantile(u, quantiles))
        columns = _natural(u, knots)
        columns = columns - columns.mean(axis=0)
        q, r = np.linalg.qr(columns)
        keep = np.abs(np.diag(r)) > FLAT * np.abs(r).max()
        found[j, :, : q.shape[1]] = q * keep
    return found


def _natural(u: Array, knots: Array) -> Array:
    """A natural cubic spline's columns without the constant: u itself, then the bends, (n, knots - 1)."""
    if len(knots) < 3:
        return u[:, None]
    cubes = np.maximum(u[:, None] - knots, 0.0) ** 3
    ends = (cubes[:, :-1] - cubes[:, -1:]) / (knots[-1] - knots[:-1])
    return np.concatenate([u[:, None], ends[:, :-1] - ends[:, -1:]], axis=1)


def _shares(basis: Array, outcomes: Array) -> Array:
    """Of the variance of the arm that each assumption explains best: by its slope and by its whole curve, (2, p, sets).

    `outcomes` (n, sets, a) are centred.
    """
    n, sets, a = outcomes.shape
    k = basis.shape[2]
    size = np.maximum((outcomes**2).sum(axis=0), np.finfo(float).tiny)
    rows = basis.transpose(0, 2, 1).reshape(-1, n)
    squares = (rows @ outcomes.reshape(n, -1)).reshape(-1, k, sets, a) ** 2 / size
    return np.stack([squares[:, 0].max(axis=-1), squares.sum(axis=1).max(axis=-1)])


def _strength(shares: Array, own: np.ndarray, freedom: int) -> Array:
    """How unlikely curves are that explain so much, by the F law, the less of slope and whole curve: as shares[0].

    Small is strong. `own` are the columns of each curve.
    """
    from scipy.special import fdtrc

    found = np.ones(shares.shape[1:])
    for share, parts in ((shares[0], np.minimum(own, 1)), (shares[1], own)):
        share = np.minimum(share, 1.0 - FLAT)
        some, left = np.maximum(parts, 1)[:, None], np.maximum(freedom - parts, 1)[:, None]
        found = np.minimum(
            found, np.where(parts[:, None] > 0, fdtrc(some, left, share / some * left / (1.0 - share)), 1.0)
        )
    return found


def _own(basis: Array) -> np.ndarray:
    """How many columns each assumption has, (p,)."""
    return np.count_nonzero(np.abs(basis).sum(axis=1) > 0, axis=1)


def _null(basis: Array, outcomes: Array, rng: np.random.Generator) -> Array:
    """The strongest curve of each shuffle of the worlds, (shuffles,)."""
    n, a = outcomes.shape
    if not len(basis) or not a:
        return np.ones(SHUFFLES)
    shuffled = np.stack([outcomes[rng.permutation(n)] for _ in range(SHUFFLES)], axis=1)
    shares, own = _shares(basis, shuffled), _own(basis)
    kinds = np.unique(own)  # of curves with as many columns the one that explains most is strongest
    most = np.stack([shares[:, own == kind].max(axis=1) for kind in kinds], axis=1)
    return _strength(most, kinds, n - 1).min(axis=0)


def _chosen(basis: Array, outcomes: Array, null: Array) -> tuple[Array, np.ndarray, Array]:
    """What clearly matters, strongest first, as columns of a joint model (n, c) with their owners; chances of all.

    Two assumptions that are in may act together: the product of their slopes competes with those that are not in yet,
    since in a design of few worlds a product may look like a third assumption. Its owner is `PRODUCT`.
    """
    n, a = outcomes.shape
    own, p = _own(basis), np.ones(len(basis))
    joint, owner = np.zeros((n, 0)), np.zeros(0, dtype=int)
    products: list[Array] = []
    residual, size = outcomes, (outcomes**2).sum(axis=0)
    while len(basis) and a:
        left = np.where((residual**2).sum(axis=0) > FLAT * size, residual, 0.0)[:, None, :]
        freedom = n - 1 - len(owner)
        strength = _strength(_shares(basis, left), own, freedom)[:, 0]
        inside = np.isin(np.arange(len(basis)), owner)
        p[~inside] = (1 + (null <= strength[~inside, None]).sum(axis=1)) / (1 + len(null))
        offered = np.zeros((len(products), n, 1))
        for place, column in enumerate(products):
            offered[place, :, 0] = column
        paired = _strength(_shares(offered, left), np.ones(len(products), dtype=int), freedom)[:, 0]
        strength = np.concatenate([np.where(inside, 2.0, strength), paired])
        best = int(np.argmin(strength))
        single = best < len(basis)
        columns = basis[best][:, : own[best]] if single else offered[best - len(basis)]
        if (1 + (null <= strength[best]).sum()) / (1 + len(null)) > CHANCE or strength[best] > 1.0:
            break
        if len(owner) + columns.shape[1] > MOST_COLUMNS * n:
            break
        if single:
            products += [_centred(basis[best][:, 0] * basis[j][:, 0]) for j in np.unique(owner[owner != PRODUCT])]
        else:
            products.pop(best - len(basis))
        joint = np.concatenate([joint, columns], axis=1)
        owner = np.append(owner, np.full(columns.shape[1], best if single else PRODUCT))
        residual = outcomes - joint @ np.linalg.lstsq(joint, outcomes, rcond=None)[0]
    return joint, owner, p


def _centred(column: Array) -> Array:
    """A column without its mean, of length 1; 0 where it does not move."""
    column = column - column.mean()
    length = float(np.sqrt((column**2).sum()))
    return column / length if length > FLAT else column * 0.0


def _together(raw: Array) -> np.ndarray:
    """Pairs of assumptions that go together in the worlds, bool (p, p), none with itself."""
    n, p = raw.shape
    ranks = pd.DataFrame(raw).rank().to_numpy()
    ranks = ranks - ranks.mean(axis=0)
    length = np.sqrt((ranks**2).sum(axis=0))
    ranks = ranks / np.where(length > 0, length, 1.0)
    return (np.abs(ranks.T @ ranks) * np.sqrt(n - 1) > TOGETHER) & ~np.eye(p, dtype=bool)


def _shrunk(slopes: Array, noise: Array) -> Array:
    """Slope (first row) and bend (the others) by what is left of each beyond chance, the same for every arm."""
    inverse = np.linalg.pinv(noise, hermitian=True)
    rank = max(int(np.linalg.matrix_rank(noise, hermitian=True)), 1)
    out = slopes.copy()
    for part in (slice(0, 1), slice(1, None)):
        block = slopes[part]
        columns = np.count_nonzero(np.abs(block).sum(axis=1))
        strength = float(np.einsum("ka,ab,kb->", block, inverse, block))
        expected = columns * rank
        if not np.any(noise):
            continue  # nothing is left to chance
        out[part] = block * np.sqrt(max(1.0 - expected / strength, 0.0)) if strength > 0 else 0.0
    return out
