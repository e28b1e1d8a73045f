"""Personalised service through digital tools (strategy 3): models say whom to contact, about what, and save time.

Why it may work: an offer that fits sells more often [F66]; a contact aimed at those it keeps, not at those most at
risk, keeps more [F32]; tools give managers time back for clients [F50]. What it costs beyond money: the use of
personal data that nobody was asked about takes trust [F69].
What would change our minds: targeted campaigns that keep no more customers a contact than untargeted ones.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from sim.agents.customer import BankView
from sim.agents.proposals import Proposals
from sim.assumptions import Doubts, assumption
from sim.codes import APP, MESSAGING
from sim.levers import Levers
from sim.strategies.base import Bank, Strategy, score_above
from sim.strategies.cost import Capital, Running


class PersonalisedService(Strategy):
    """Personalised service by digital tools: better scores, offers that fit, retention where it helps, freed time."""

    carriers: ClassVar = {"institutional": "institutions"}
    gates: ClassVar = {"digital_thinking": "gate"}
    complements: ClassVar = {"staff_upskilling": "tools_and_team", "stratification": "strata_and_tools"}
    touches: ClassVar = ("hours", "app", "contacts")
    doubts: ClassVar = Doubts(
        decided=("offers_to", "retention_to", "retention_messages", "retention_app", "offers"),
        settled=("hours_before",),
    )
    chain: ClassVar = ("contacts", "reached", "sales", "exits", "money")

    use: Literal["personalised_service"] = "personalised_service"
    lag: float = assumption(12.0, "months", plausible=(6, 18), allowed=(0, 240), source="SPEC 6.2")
    """months until half has taken hold"""
    capital: Capital = assumption(
        0.015, "share of annual revenue", plausible=(0.005, 0.03), source="SPEC 6.2, assumption; F61"
    )
    """what it costs to set up"""
    running: Running = assumption(
        0.006,
        "share of annual revenue a year",
        plausible=(0.002, 0.01),
        source="SPEC 6.2, assumption; F61",
    )
    """what it costs to run"""
    churn_auc: float = assumption(
        0.78, "AUC", plausible=(0.70, 0.85), allowed=(0.5, None), below=1, source="SPEC 6.2; F67"
    )
    """churn model, on perfect data"""
    offer_auc: float = assumption(
        0.75, "AUC", plausible=(0.65, 0.80), allowed=(0.5, None), below=1, source="SPEC 6.2; F66"
    )
    """next-best-offer model, on perfect data"""
    uplift: float = assumption(0.4, "correlation", plausible=(0.0, 0.6), allowed=(0, 1), source="SPEC 6.2")
    """uplift score and what a retention contact would truly save"""
    hours: float = assumption(0.42, "share", plausible=(0.35, 0.5), allowed=(0.01, 1), source="SPEC 6.2; F50")
    """managers' time that is with clients"""
    hours_before: float = assumption(0.30, "share", plausible=(0.25, 0.35), allowed=(0.01, 1), source="F50, F48")
    """managers' time that is with clients, before"""
    contact_time: float = assumption(
        -0.15, "share", plausible=(-0.3, 0.0), allowed=(-0.99, 5), source="SPEC 6.2, assumption"
    )
    """change of the time of a contact"""
    offers_to: float = assumption(
        0.2, "share", plausible=(0.05, 0.5), allowed=(0.001, 1), source="assumption; SPEC 6.3"
    )
    """customers, best scored, to whom campaign offers go"""
    retention_to: float = assumption(0.1, "share", plausible=(0.02, 0.3), allowed=(0.0001, 0.5), source="assumption")
    """unmanaged customers, best scored, who get retention contacts"""
    retention_messages: float = assumption(
        0.15, "chance a month", plausible=(0.0, 0.3), allowed=(0, 0.5), source="assumption; F35"
    )
    """personal retention message to those chosen"""
    retention_app: float = assumption(
        0.15, "chance a month", plausible=(0.0, 0.3), allowed=(0, 0.5), source="assumption; F35"
    )
    """retention message in the app to those chosen"""
    target: Literal["uplift", "risk"] = Field(
        "uplift", description="who is chosen for retention contacts: whom they would keep, or who looks ready to leave"
    )
    offers: float = assumption(0.05, "share a month", plausible=(0.0, 0.2), allowed=(0, 0.5), source="assumption")
    """managed customers, best scored, whom managers offer a product beyond contacts due"""
    backlash: float = assumption(
        0.15, "SD of trust", plausible=(0.0, 0.3), allowed=(0, 5), source="SPEC 6.5, assumption; mechanism F69"
    )
    """trust taken by the use of data without consent, at mean concern"""
    privacy_risk: float = assumption(
        0.2, "SD", plausible=(0.0, 0.4), allowed=(0, 5), source="SPEC 6.2, assumption; F55"
    )
    """perceived privacy risk of the app without consent"""

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Scores, campaigns by scores, managers' time, and the price in privacy."""
        levers.churn_auc += maturity * (self.churn_auc - bank.scores.churn_auc)
        levers.offer_auc += maturity * (self.offer_auc - bank.scores.offer_auc)
        levers.uplift += maturity * (self.uplift - bank.scores.uplift)
        levers.log_hours += maturity * math.log(self.hours / self.hours_before)
        levers.log_contact_hours += maturity * math.log1p(self.contact_time)
        levers.target_offers(maturity, self.offers_to)
        if maturity > 0:
            levers.cut_retention(score_above(self.retention_to), by_uplift=self.target == "uplift")
        levers.retain[:, MESSAGING] += maturity * self.retention_messages
        levers.retain[:, APP] += maturity * self.retention_app
        levers.privacy += maturity * self.backlash
        levers.privacy_risk += maturity * self.privacy_risk

    def propose(self, view: BankView, maturity: float, month: int, bank: Bank) -> Proposals | None:
        """A next best offer to the customers most likely to take it, in hours that are free."""
        share = self.offers * maturity
        if share <= 0:
            return None
        score = view.offer_score
        wanted = (score > score_above(share)) & (view.contact_gap > 0)
        return Proposals.for_rows(wanted, priority=np.asarray(score, np.float64))
