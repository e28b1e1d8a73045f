"""pyABC's sequential Monte Carlo, in one process, its database in a folder that is gone afterwards."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sim.calibration.prior import Prior, generator, lucks, theta_of
from sim.calibration.problem import Floats, Problem
from sim.calibration.terms import Found, Inference, systematic
from sim.errors import BadInput

POPULATIONS = 12
LEAST_RATE = 0.02  # accepted among tried: below, the next population would take too long


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """No warning and no log of a library that tells of every population."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def by_pyabc(part: Problem, settings: Inference, seen: Floats, prior: Prior, trial: int) -> Found:
    """Draws by pyABC; `BadInput` where it is missing, or where an earlier stage hands over draws for a prior."""
    try:
        with _silence():
            import pyabc
    except ImportError:
        raise BadInput.at("pyabc", "is not installed; pip install 'rapport-sim[smc]'") from None
    if prior.carried is not None:
        raise BadInput.at("method", "smc has no stages; regression has, or one stage")
    names = [f"u{i}" for i in range(len(part.free))]
    places = [f"s{i}" for i in range(len(seen))]
    root = np.linalg.cholesky(np.linalg.pinv(np.atleast_2d(part.covariance), hermitian=True)).T
    luck = lucks(settings.seed, "luck", trial, 1 << 20, 150)
    asked = [0]

    def model(given: Any) -> dict[str, float]:
        unit = np.array([[given[name] for name in names]], float)
        key = luck[asked[0] % len(luck)][None]
        asked[0] += 1
        made = np.asarray(part.simulate(theta_of(part.free, unit), key), float)[0]
        return dict(zip(places, made.tolist(), strict=True))

    def distance(one: Any, other: Any) -> float:
        gap = np.array([float(one[name]) - float(other[name]) for name in places])
        return float(np.sqrt(((root @ gap) ** 2).sum()))

    before = np.random.get_state()  # noqa: NPY002
    key = generator(settings.seed, "keep", trial, 3).integers(0, 2**32)
    with tempfile.TemporaryDirectory(prefix="rapport-") as folder, _silence():
        np.random.seed(int(key))  # noqa: NPY002 - pyABC draws from this one
        try:
            asks = pyabc.ABCSMC(
                model,
                pyabc.Distribution(**{name: pyabc.RV("uniform", 0.0, 1.0) for name in names}),
                distance,
                population_size=max(100, settings.samples // 5),
                sampler=pyabc.SingleCoreSampler(),
            )
            asks.new(f"sqlite:///{Path(folder) / 'abc.db'}", dict(zip(places, seen.tolist(), strict=True)))
            history = asks.run(max_nr_populations=POPULATIONS, min_acceptance_rate=LEAST_RATE)
            frame, weights = history.get_distribution(m=0)
            last = int(history.max_t) + 1
        finally:
            np.random.set_state(before)  # noqa: NPY002
    unit = frame[names].to_numpy(float)
    weights = np.asarray(weights, float) / float(np.sum(weights))
    rows = systematic(weights, settings.draws, generator(settings.seed, "keep", trial, 4))
    ess = float(1.0 / (weights**2).sum())
    return Found(np.clip(unit[rows], 0.0, 1.0), ess, asked[0], facts={"populations": last})
