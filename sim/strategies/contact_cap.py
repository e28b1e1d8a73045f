"""The cap on contact pressure that stratification and institutions share."""

from __future__ import annotations

import math

from sim.levers import Levers

UNCAPPED = 4.0  # quarterly pressure that hardly anybody reaches: where the cap comes down from


def capped(levers: Levers, maturity: float, cap: float) -> None:
    """Cap the pressure: from `UNCAPPED` down to `cap` as the rule takes hold, on the log scale."""
    if maturity > 0:
        levers.cap_pressure(math.exp(math.log(UNCAPPED) + maturity * (math.log(cap) - math.log(UNCAPPED))))
