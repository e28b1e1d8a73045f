"""A calibration problem: free numbers with priors, targets with their sampling noise, and how data come of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scale = Literal["linear", "log", "logit"]


@dataclass(frozen=True)
class Free:
    """A number to be found: `path` as `--set` writes it, its prior (even on `scale` between `low` and `high`).

    `value` is what the scenario has now; `unit` and `source` are those of its assumption. A nuisance number of the
    data alone, no number of the model, has `nuisance` set and a name instead of a path.
    """

    path: str
    low: float
    high: float
    value: float
    unit: str = ""
    source: str = ""
    scale: Scale = "linear"
    nuisance: bool = False
    about: str = ""


@dataclass(frozen=True)
class Target:
    """A statistic of the data: what was seen, its standard error, and whether the fit uses it or only the check."""

    name: str
    value: float
    error: float
    unit: str = ""
    used: bool = True
    about: str = ""


class Problem(Protocol):
    """What inference asks: all arrays float64; rows are trials, columns are free numbers or targets in their order.

    A problem that knows its likelihood has ``log_likelihood(theta, seen=None) -> (n,)`` beside: of statistics (m,) as
    `simulate` makes them (by default of what was observed), by the targets that it uses; those not used may be NaN.
    """

    @property
    def name(self) -> str: ...

    @property
    def free(self) -> Sequence[Free]: ...

    @property
    def targets(self) -> Sequence[Target]: ...

    @property
    def covariance(self) -> Floats:
        """Of the targets' sampling noise, (m, m)."""

    def simulate(self, theta: Floats, luck: NDArray[np.int64]) -> Floats:
        """Statistics (n, m) of one made-up data set a row, as large as the real one, its noise included.

        `theta` is (n, k); `luck` (n,) keys the draws, so that equal luck is equal noise whatever theta.
        """


@dataclass(frozen=True)
class Learned:
    """What a shipped study says beside its fit: sentences for the page, and whether a default should change."""

    data: str
    fitted: str
    learned: str
    defaults: str
    facts: Sequence[tuple[str, Any]] = ()
