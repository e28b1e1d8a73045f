"""Levers: the small tables that strategies turn, neutral by default, combined by rule.

Hazard ratios and other ratios are kept as logarithms and added, log odds are added, costs are added, so the order of
strategies changes nothing. The kernel reads levers for free; a strategy never writes to a customer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.codes import CHANNELS


@dataclass
class Levers:
    """All levers of one month; `tiers` is the number of tiers. Neutral is zero everywhere (one for ratios)."""

    tiers: int
    log_hazard: np.ndarray = field(init=False)  # by tier: log hazard ratio of leaving and going dormant
    log_close: np.ndarray = field(init=False)  # by tier: on closing alone
    log_dormant: np.ndarray = field(init=False)  # by tier: on going dormant alone
    log_return: float = field(init=False)  # reactivation
    quality: np.ndarray = field(init=False)  # by tier: shift of service quality, SD
    log_quality_sd: float = field(init=False)
    log_failure: float = field(init=False)
    resolution: float = field(init=False)  # log odds
    push: float = field(init=False)  # log odds
    log_conversion: np.ndarray = field(init=False)  # by tier
    adoption: float = field(init=False)  # log odds
    campaign: np.ndarray = field(init=False)  # (tier, channel): added chance a month
    log_hours: float = field(init=False)  # manager client hours
    log_manager_exit: float = field(init=False)
    coverage: np.ndarray = field(init=False)  # by tier: log odds of a named manager

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to neutral, at the start of every month."""
        for name in ("log_hazard", "log_close", "log_dormant", "quality", "log_conversion", "coverage"):
            setattr(self, name, np.zeros(self.tiers))
        self.campaign = np.zeros((self.tiers, len(CHANNELS)))
        for name in ("log_return", "log_quality_sd", "log_failure", "resolution", "push", "adoption", "log_hours",
                     "log_manager_exit"):  # fmt: skip
            setattr(self, name, 0.0)


def shifted(share: float, log_odds: float) -> float:
    """A share moved on the logit scale; 0 and 1 stay what they are."""
    if share <= 0.0 or share >= 1.0 or log_odds == 0.0:
        return share
    return float(1.0 / (1.0 + (1.0 / share - 1.0) * np.exp(-log_odds)))
