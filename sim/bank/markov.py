"""Markov mode: tiers change by a matrix once a period instead of by what customers own (CONTRACT 3)."""

from __future__ import annotations

import numpy as np

from sim.agents.customer import Customers
from sim.behaviour.settings import Model
from sim.codes import CLOSED, DRAW_MARKOV
from sim.kernel.inputs import Rates
from sim.kernel.month import count_chunk
from sim.kernel.numerics import uniforms
from sim.kernel.tallies import STOCKS
from sim.kernel.tallies import Tally as T
from sim.population.synthetic import Source


def is_due(settings: Model, month: int) -> bool:
    """Whether customers move by the matrix at the end of `month`."""
    transitions = settings.transitions
    return transitions.mode == "markov" and month % transitions.period_months == 0


def move_by_matrix(
    customers: Customers,
    tally: np.ndarray,
    source: Source,
    settings: Model,
    rates: Rates,
    *,
    seed: int,
    month: int,
) -> np.ndarray:
    """Move every open customer by the matrix; returns the month's tally, int64 (tiers, TALLIES), with the moves.

    A mover's AUM is drawn anew from its new tier, and its wealth follows. Writes to the columns of `customers`;
    `tally` stays as it is.
    """
    c = customers
    tiers = tally.shape[0]
    matrix = np.asarray(settings.transitions.matrix, np.float64)
    rows = np.flatnonzero(c.state != CLOSED)
    u = uniforms(seed, DRAW_MARKOV, month, c.uid[rows])
    old = c.tier[rows].astype(np.int64)
    new = np.minimum((u[0][:, None] >= np.cumsum(matrix, axis=1)[old]).sum(axis=1), tiers - 1)
    moves = new != old
    rows, old, new = rows[moves], old[moves], new[moves]
    aum = source.draw_aum(u[1][moves], new).astype(np.float32).astype(np.float64)  # as the column holds it
    fen, fen_before = _fen(aum), _fen(c.aum[rows])
    held = np.where(c.reduced[rows] != 0, rates.dormant_share, np.float32(1.0))
    share = held / (1.0 + np.exp(-c.wallet[rows].astype(np.float64)))
    shift = np.log(np.maximum(aum, 1e-2)) - np.log(share) - c.log_wealth[rows]
    c.log_wealth[rows] += shift
    c.wealth_mean[rows] += shift
    for name in ("aum", "aum_2"):
        getattr(c, name)[rows] = aum
    c.tier[rows] = new
    felt = settings.leaving.tier_change_months
    c.tier_change[rows] = np.where(new > old, felt, -felt)
    c.below[rows] = 0

    weight = c.weight[rows].astype(np.int64)
    moved = tally.copy()
    for column, at, amount in (
        (T.UPGRADED, old[new > old], weight[new > old]),
        (T.DOWNGRADED, old[new < old], weight[new < old]),
        (T.MOVED_IN, new, weight),
        (T.NEW_MONEY, old, weight * (fen - fen_before)),
        (T.AUM_MOVED, new, weight * fen),
        (T.AUM_MOVED, old, -weight * fen),
    ):
        np.add.at(moved[:, column], at, amount)
    stock = np.zeros_like(tally)
    count_chunk(c.arrays, 0, len(c), month, rates, stock)
    moved[:, STOCKS] = stock[:, STOCKS]
    return moved


def _fen(money: np.ndarray) -> np.ndarray:
    return np.floor(money.astype(np.float64) * 100.0 + 0.5).astype(np.int64)
