"""Banks to start from: tiers, shares of customers, and the law of AUM within each tier.

``bank_b`` is a mid-size bank (SPEC 1.1, default); ``cmb_2021`` follows the annual report of a large one (SPEC 1.1,
DECISIONS 8).
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.population.laws import LogNormal, Pareto
from sim.population.tier_presets import PRESET_TIERS
from sim.tiers import Tier


@dataclass(frozen=True)
class Preset:
    """One bank: name, one line about it, its tiers, shares of customers by tier, laws of AUM by tier."""

    name: str
    about: str
    tiers: tuple[Tier, ...]
    shares: dict[str, float]
    laws: dict[str, LogNormal | Pareto]


PRESETS = {
    "bank_b": Preset(
        "bank_b",
        "mid-size bank: 92.5 % of customers below CNY 50 k, AUM of CNY 40 k a customer [derived, SPEC 1.1]",
        PRESET_TIERS["bank_b"],
        {"mass": 0.925, "affluent": 0.056, "wealth": 0.0184, "private": 0.0006},
        {
            "mass": LogNormal(7.933, 2.2),
            "affluent": Pareto(0.736),
            "wealth": Pareto(1.684),
            "private": Pareto(1.987),
        },
    ),
    "cmb_2021": Preset(
        "cmb_2021",
        "large joint-stock bank as of 2021: 2.12 % of customers hold 82 % of AUM [F1, DECISIONS 8]",
        PRESET_TIERS["cmb_2021"],
        {"mass": 0.925, "affluent": 0.0538, "wealth": 0.0205, "private": 0.0007},
        {
            "mass": LogNormal(6.80, 2.2),
            "affluent": Pareto(0.736),
            "wealth": Pareto(1.04),
            "private": Pareto(1.47),
        },
    ),
}
