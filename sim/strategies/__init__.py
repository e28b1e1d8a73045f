"""The list of strategies: name in a scenario -> class, one file each, and all that a strategy of one's own needs.

A file outside this package imports from here alone: what it promises (`Strategy`, with the numbers it states by
`assumption`), what it is given (`Levers`, `Bank`, `BankView`) and what it answers (`Proposals`), the codes it may name
(channels, RETENTION, LEAD) and small helpers. `plugins` offers it to scenarios.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.agents.customer import BankView
from sim.agents.proposals import Proposals
from sim.assumptions import assumption
from sim.codes import ACTIVE, APP, BRANCH, CHANNELS, DORMANT, LEAD, MESSAGING, NOBODY, PHONE, RETENTION, VIDEO
from sim.levers import Levers, logit, shifted
from sim.strategies.base import Bank, Strategy, first_line, of_managers, reached, score_above
from sim.strategies.contact_cap import capped
from sim.strategies.cost import Amount, Capital, Running, YearlyAmount
from sim.strategies.digital_thinking import DigitalThinking
from sim.strategies.fintech import Fintech
from sim.strategies.human_resources import HumanResources
from sim.strategies.institutional import Institutional
from sim.strategies.onboarding import Onboarding
from sim.strategies.personalised_service import PersonalisedService
from sim.strategies.plugins import Plugin, load, offered, plugins_of, why_unknown
from sim.strategies.programme import Programme
from sim.strategies.settings import Implementation
from sim.strategies.staff_upskilling import StaffUpskilling
from sim.strategies.stratification import Stratification
from sim.strategies.upheaval import TOUCHES, Touch
from sim.strategies.where import Pilot, Where, pilots

STRATEGIES: dict[str, type[Strategy]] = {
    "digital_thinking": DigitalThinking,
    "stratification": Stratification,
    "personalised_service": PersonalisedService,
    "staff_upskilling": StaffUpskilling,
    "institutional": Institutional,
    "human_resources": HumanResources,
    "fintech": Fintech,
    "onboarding": Onboarding,
}


def known() -> dict[str, type[Strategy]]:
    """All strategies a scenario may use now: ours, and those of plugins named on the command line."""
    return STRATEGIES | offered()


def load_plugins(modules: Sequence[str]) -> None:
    """Import these modules and offer their strategies, and only theirs; raises BadInput with every mistake."""
    load(modules, STRATEGIES)


__all__ = [
    "ACTIVE",
    "APP",
    "BRANCH",
    "CHANNELS",
    "DORMANT",
    "LEAD",
    "MESSAGING",
    "NOBODY",
    "PHONE",
    "RETENTION",
    "STRATEGIES",
    "TOUCHES",
    "VIDEO",
    "Amount",
    "Bank",
    "BankView",
    "Capital",
    "Implementation",
    "Levers",
    "Pilot",
    "Plugin",
    "Programme",
    "Proposals",
    "Running",
    "Strategy",
    "Touch",
    "Where",
    "YearlyAmount",
    "assumption",
    "capped",
    "first_line",
    "known",
    "load_plugins",
    "logit",
    "of_managers",
    "pilots",
    "plugins_of",
    "reached",
    "score_above",
    "shifted",
    "why_unknown",
]
