"""Onboarding: new customers are welcomed, helped to set up the app, and won for their salary, in their first 90 days.

Why it may work: half of those who leave in the first year leave in the first three months [F9]; suppliers tell of
fewer where the salary is paid in [F9b], and an experiment at opening found a fifth fewer cancellations where customers
were told what they are choosing [F99]. No randomised welcome programme of a bank was found, so sizes are small.
What would change our minds: new customers whom a welcome reached leave in their first months as often as others.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from sim.assumptions import assumption
from sim.codes import MESSAGING, PHONE
from sim.levers import Levers
from sim.strategies.base import Bank, Strategy
from sim.strategies.cost import Capital, Running


class Onboarding(Strategy):
    """Onboarding: welcome contacts, app set-up and a salary account in a new customer's first three months."""

    touches: ClassVar = ("joiners", "contacts")
    chain: ClassVar = ("contacts", "reached", "adoption", "products", "exits", "money")

    use: Literal["onboarding"] = "onboarding"
    lag: float = assumption(3.0, "months", plausible=(1, 6), allowed=(0, 240), source="assumption")
    """months until half has taken hold"""
    capital: Capital = assumption(0.001, "share of annual revenue", plausible=(0.0, 0.003), source="assumption")
    """what it costs to set up"""
    running: Running = assumption(0.001, "share of annual revenue a year", plausible=(0.0, 0.002), source="assumption")
    """what it costs to run, without the contacts, which are paid as messages and calls of campaigns are"""
    calls: float = assumption(0.2, "chance a month", plausible=(0.0, 0.4), allowed=(0, 0.5), source="assumption")
    """welcome calls to new customers"""
    messages: float = assumption(0.4, "chance a month", plausible=(0.1, 0.5), allowed=(0, 0.5), source="assumption")
    """welcome messages to new customers"""
    leaving: float = assumption(
        0.85, "HR", plausible=(0.70, 1.0), allowed=(0.01, 10), source="assumption; sign F9b, upper end of effect F99"
    )
    """new customers whom a welcome has reached"""
    app: float = assumption(1.5, "odds ratio", plausible=(1.0, 3.0), allowed=(0.1, 10), source="assumption")
    """taking up the app in a month, once a welcome has reached"""
    salary: float = assumption(0.05, "chance", plausible=(0.0, 0.15), allowed=(0, 1), source="assumption; sign F9b")
    """new customers who open a salary account at the first welcome that reaches them: one more product"""

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Contacts grow with maturity; what a contact does to whom it reaches is its own."""
        if maturity > 0:
            levers.welcome[PHONE] += maturity * self.calls
            levers.welcome[MESSAGING] += maturity * self.messages
            levers.log_welcome_hazard += math.log(self.leaving)
            levers.welcome_adoption += math.log(self.app)
            levers.welcome_product += self.salary
