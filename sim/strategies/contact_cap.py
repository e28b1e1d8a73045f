"""The cap on contact pressure that stratification and institutions share."""

from __future__ import annotations

import math

from sim.levers import Levers


def capped(levers: Levers, maturity: float, cap: float, uncapped: float) -> None:
    """Cap the pressure: from `uncapped` down to `cap` as the rule takes hold, on the log scale."""
    if maturity > 0:
        levers.cap_pressure(math.exp(math.log(uncapped) + maturity * (math.log(cap) - math.log(uncapped))))
