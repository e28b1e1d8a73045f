"""Personalised service through digital tools (strategy 3): models say whom to contact, about what, and save time.

Why it may work: an offer that fits sells more often [F66]; a contact aimed at those it keeps, not at those most at
risk, keeps more [F32]; tools give managers time back for clients [F50]. What it costs beyond money: the use of
personal data that nobody was asked about takes trust [F69].
What would change our minds: targeted campaigns that keep no more customers a contact than untargeted ones.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from sim.agents.customer import BankView
from sim.agents.proposals import Proposals
from sim.assumptions import assumption
from sim.codes import APP, MESSAGING
from sim.levers import Levers
from sim.strategies.base import Bank, Strategy, score_above


class PersonalisedService(Strategy):
    """Personalised service by digital tools: better scores, offers that fit, retention where it helps, freed time."""

    gated = True
    use: Literal["personalised_service"] = "personalised_service"
    lag: float = assumption(12.0, unit="months", low=6, high=18, hard_low=0, hard_high=240, source="SPEC 6.2",
                            about="months until half has taken hold")  # fmt: skip
    capital: float = assumption(0.015, unit="share of annual revenue", low=0.005, high=0.03, hard_low=0, hard_high=10,
                                source="SPEC 6.2, assumption; F61", about="what it costs to set up")  # fmt: skip
    running: float = assumption(
        0.006,
        unit="share of annual revenue a year",
        low=0.002,
        high=0.01,
        hard_low=0,
        hard_high=10,
        source="SPEC 6.2, assumption; F61",
        about="what it costs to run",
    )
    churn_auc: float = assumption(0.78, unit="AUC", low=0.70, high=0.85, hard_low=0.5, below=1, source="SPEC 6.2; F67",
                                  about="churn model, on perfect data")  # fmt: skip
    offer_auc: float = assumption(0.75, unit="AUC", low=0.65, high=0.80, hard_low=0.5, below=1, source="SPEC 6.2; F66",
                                  about="next-best-offer model, on perfect data")  # fmt: skip
    uplift: float = assumption(0.4, unit="correlation", low=0.0, high=0.6, hard_low=0, hard_high=1, source="SPEC 6.2",
                               about="uplift score and what a retention contact would truly save")  # fmt: skip
    hours: float = assumption(0.42, unit="share", low=0.35, high=0.5, hard_low=0.01, hard_high=1,
                              source="SPEC 6.2; F50", about="managers' time that is with clients")  # fmt: skip
    hours_before: float = assumption(
        0.30,
        unit="share",
        low=0.25,
        high=0.35,
        hard_low=0.01,
        hard_high=1,
        source="F50, F48",
        about="managers' time that is with clients, before",
    )
    contact_time: float = assumption(
        -0.15,
        unit="share",
        low=-0.3,
        high=0.0,
        hard_low=-0.99,
        hard_high=5,
        source="SPEC 6.2, assumption",
        about="change of the time of a contact",
    )
    offers_to: float = assumption(0.2, unit="share", low=0.05, high=0.5, hard_low=0.001, hard_high=1,
                                  source="assumption; SPEC 6.3",
                                  about="customers, best scored, to whom campaign offers go")  # fmt: skip
    retention_to: float = assumption(0.1, unit="share", low=0.02, high=0.3, hard_low=0.0001, hard_high=0.5,
                                     source="assumption",
                                     about="unmanaged customers, best scored, who get retention contacts")  # fmt: skip
    retention_messages: float = assumption(0.15, unit="chance a month", low=0.0, high=0.3, hard_low=0, hard_high=0.5,
                                           source="assumption; F35",
                                           about="personal retention message to those chosen")  # fmt: skip
    retention_app: float = assumption(0.15, unit="chance a month", low=0.0, high=0.3, hard_low=0, hard_high=0.5,
                                      source="assumption; F35",
                                      about="retention message in the app to those chosen")  # fmt: skip
    target: Literal["uplift", "risk"] = Field(
        "uplift", description="who is chosen for retention contacts: whom they would keep, or who looks ready to leave"
    )
    offers: float = assumption(0.05, unit="share a month", low=0.0, high=0.2, hard_low=0, hard_high=0.5,
                               source="assumption",
                               about="managed customers, best scored, whom managers offer a product beyond "
                                     "contacts due")  # fmt: skip
    backlash: float = assumption(0.15, unit="SD of trust", low=0.0, high=0.3, hard_low=0, hard_high=5,
                                 source="SPEC 6.5, assumption; mechanism F69",
                                 about="trust taken by the use of data without consent, at mean concern")  # fmt: skip
    privacy_risk: float = assumption(0.2, unit="SD", low=0.0, high=0.4, hard_low=0, hard_high=5,
                                     source="SPEC 6.2, assumption; F55",
                                     about="perceived privacy risk of the app without consent")  # fmt: skip

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
