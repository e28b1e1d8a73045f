"""The list of strategies: name in a scenario -> class. One file, one strategy; `plugins` adds a user's own."""

from __future__ import annotations

from sim.strategies.base import Bank, Strategy, first_line
from sim.strategies.digital_thinking import DigitalThinking
from sim.strategies.fintech import Fintech
from sim.strategies.human_resources import HumanResources
from sim.strategies.institutional import Institutional
from sim.strategies.personalised_service import PersonalisedService
from sim.strategies.plugins import Plugin, load_plugins, offered, plugins_of, why_unknown
from sim.strategies.programme import Programme
from sim.strategies.settings import Implementation
from sim.strategies.staff_upskilling import StaffUpskilling
from sim.strategies.stratification import Stratification

STRATEGIES: dict[str, type[Strategy]] = {
    "digital_thinking": DigitalThinking,
    "stratification": Stratification,
    "personalised_service": PersonalisedService,
    "staff_upskilling": StaffUpskilling,
    "institutional": Institutional,
    "human_resources": HumanResources,
    "fintech": Fintech,
}


def known() -> dict[str, type[Strategy]]:
    """All strategies a scenario may use now: ours, and those of plugins named on the command line."""
    return STRATEGIES | offered()


__all__ = [
    "STRATEGIES",
    "Bank",
    "Implementation",
    "Plugin",
    "Programme",
    "Strategy",
    "first_line",
    "known",
    "load_plugins",
    "plugins_of",
    "why_unknown",
]
