"""What the studies share: numbers by their assumptions, keyed luck, counts by quantile, and a problem made of a law."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.channel_settings import Channels
from sim.agents.manager_settings import Managers
from sim.assumptions import described, with_words
from sim.behaviour.settings import Model
from sim.calibration.prior import evenly
from sim.calibration.problem import Floats, Free, Scale, Target
from sim.errors import BadInput

MODEL, MANAGERS = Model.model_validate({}), Managers.model_validate({})
SECTIONS: dict[str, Any] = {"model": MODEL, "managers": MANAGERS, "channels": Channels.model_validate({})}
OUTER = (0.05, 0.95)  # ends of a central 90 %
EDGE = 1e-12  # a probability's distance from 0 and 1
SKEW, HALF = 6.0, 0.5  # Cornish-Fisher's second term; rounding


def free(path: str, scale: Scale = "linear", low: float | None = None, high: float | None = None) -> Free:
    """A number of the model with its default and plausible range; `low` or `high` narrow the range.

    KeyError where the path is no number of `model`, `managers` or `channels`.
    """
    first, *rest = path.split(".")
    holder: Any = SECTIONS[first]
    facts: dict[str, Any] | None = None
    about = ""
    for name in rest:
        if isinstance(holder, dict):  # an entry of a table has the table's range
            holder = holder[name]
            continue
        field = with_words(type(holder)).get(name)
        if field is None:
            raise KeyError(path)
        facts, about = described(field), field.description or ""
        holder = getattr(holder, name)
    if facts is None:
        raise KeyError(path)
    bottom, top = facts["plausible"]
    return Free(
        path,
        float(bottom if low is None else low),
        float(top if high is None else high),
        float(holder),
        facts["unit"],
        facts["source"],
        scale,
        about=about,
    )


def nuisance(name: str, low: float, high: float, value: float, unit: str, about: str, scale: Scale = "linear") -> Free:
    """A number that the data need and the model does not have."""
    return Free(name, low, high, value, unit, "none: of the data alone", scale, nuisance=True, about=about)


def uniforms(luck: NDArray[np.int64], draws: int, purpose: int) -> Floats:
    """Uniforms (n, draws) in (0, 1), keyed by luck and purpose: equal luck, equal row."""
    return np.clip(evenly(luck, draws, purpose), EDGE, 1.0 - EDGE)


def normals(luck: NDArray[np.int64], draws: int, purpose: int) -> Floats:
    """The same, standard normal."""
    from scipy.special import ndtri

    return np.asarray(ndtri(uniforms(luck, draws, purpose)))


def binomial(trials: Any, chance: Floats, z: Floats) -> Floats:
    """Counts at the normal quantile z, by the binomial's mean, variance and skewness (Cornish-Fisher).

    A smooth function of `chance` for given luck up to rounding; the largest error is a count or so.
    """
    n = np.asarray(trials, np.float64)
    p = np.clip(chance, 0.0, 1.0)
    count = n * p + np.sqrt(n * p * (1.0 - p)) * z + (1.0 - 2.0 * p) * (z * z - 1.0) / SKEW
    return np.clip(np.floor(count + HALF), 0.0, n)


def poisson(mean: Floats, z: Floats) -> Floats:
    """Poisson counts at the normal quantile z, as `binomial`."""
    return np.maximum(np.floor(mean + np.sqrt(mean) * z + (z * z - 1.0) / SKEW + HALF), 0.0)


def told(draws: Floats, digits: int = 2) -> str:
    """Mean and central 90 % of draws (n,), in words."""
    low, high = np.quantile(draws, OUTER)
    return f"{draws.mean():.{digits}f} (90 %: {low:.{digits}f} to {high:.{digits}f})"


@dataclass(frozen=True)
class Law:
    """A problem given by a law: `law(theta, z)` makes statistics (n, m) of numbers (n, k) and normal luck (n, draws).

    `likelihood(theta, seen)` is the log likelihood (n,) of statistics (m,) as that law makes them, by the used ones.
    """

    name: str
    free: Sequence[Free]
    targets: Sequence[Target]
    covariance: Floats
    law: Callable[[Floats, Floats], Floats]
    draws: int
    purpose: int
    likelihood: Callable[[Floats, Floats], Floats]

    def simulate(self, theta: Floats, luck: NDArray[np.int64]) -> Floats:
        """Statistics of one made-up data set a row (`sim.calibration.problem.Problem`)."""
        return self.law(np.atleast_2d(np.asarray(theta, np.float64)), normals(luck, self.draws, self.purpose))

    def log_likelihood(self, theta: Floats, seen: Floats | None = None) -> Floats:
        """Log likelihood (n,) of statistics (m,), by default of what was observed; those not used are not looked at."""
        return self.likelihood(np.atleast_2d(np.asarray(theta, np.float64)), self.observed if seen is None else seen)

    @property
    def observed(self) -> Floats:
        """What was seen, (m,)."""
        return np.array([target.value for target in self.targets])


def normal_likelihood(
    targets: Sequence[Target],
    covariance: Floats,
    expected: Callable[[Floats], Floats],
    times: Callable[[Floats], Floats] | None = None,
) -> Callable[[Floats, Floats], Floats]:
    """Log likelihood (n,) of the used targets that err normally about `expected(theta)` (n, used).

    `times(theta)` (n, used) is how many times their stated standard errors they err by; once, if it is not given.
    """
    used = np.array([target.used for target in targets])
    weight = np.linalg.pinv(covariance[np.ix_(used, used)], hermitian=True)

    def of_data(theta: Floats, seen: Floats) -> Floats:
        off = expected(theta) - seen[used]
        wide = 0.0
        if times is not None:
            size = times(theta)
            off, wide = off / size, np.log(size).sum(axis=1)
        return np.asarray(-0.5 * np.einsum("ni,ij,nj->n", off, weight, off, optimize=True) - wide)

    return of_data


def table(folder: str | Path, file: str, **how: Any) -> Any:
    """A file of the data as a DataFrame; BadInput with its name where it is not there."""
    import pandas as pd

    path = Path(folder) / file
    if not path.is_file():
        raise BadInput.at(str(path), "no such file; --data or SIM_DATA_DIR names the folder of the public data sets")
    return pd.read_csv(path, **how)
