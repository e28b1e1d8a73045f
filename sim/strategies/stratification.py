"""Customer stratification with online and offline marketing together (strategy 2).

Why it may work: more customers of the upper tiers have a manager of their own [F4]; managers' free hours go to those
whom a contact may keep [F32] or who are about to reach the next tier; interest shown in the app is followed by a
person [F64]; nobody is contacted beyond what customers bear [F31].
What would change our minds: customers near a bound who are contacted climb no more often than those who are not.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, get_args

import numpy as np
from pydantic import Field

from sim.agents.customer import BankView
from sim.agents.proposals import Proposals
from sim.assumptions import Doubts, assumption
from sim.codes import LEAD, RETENTION
from sim.levers import Levers, logit, shifted
from sim.strategies.base import Bank, Strategy, reached, score_above
from sim.strategies.contact_cap import capped
from sim.strategies.cost import Running
from sim.strategies.upheaval import Touch

Part = Literal[
    "coverage", "retention", "near_threshold", "leads", "coordination", "outreach", "win_back", "pressure", "grace"
]
PARTS: tuple[Part, ...] = get_args(Part)
TOUCHED_BY: dict[Part, Touch] = {
    **dict.fromkeys(("coverage", "retention", "near_threshold", "leads"), "managers"),
    **dict.fromkeys(("coordination", "outreach", "pressure"), "contacts"),
    "win_back": "dormant",
    "grace": "tiers",
}


class Stratification(Strategy):
    """Customer stratification: managers for the upper tiers, contacts where they pay, online and offline as one."""

    carriers: ClassVar = {"institutional": "institutions"}
    gates: ClassVar = {"digital_thinking": "gate"}
    touches: ClassVar = ("managers", "contacts", "dormant", "tiers")
    doubts: ClassVar = Doubts(
        decided=(
            *("coverage", "retention", "near", "near_months", "near_priority", "lead_priority", "handoff_within"),
            *("outreach", "win_back", "pressure", "grace"),
        ),
        settled=("uncapped",),
    )
    chain: ClassVar = ("contacts", "reached", "bond", "sales", "wallet", "exits", "money")

    use: Literal["stratification"] = "stratification"
    running: Running = assumption(
        0.004, "share of annual revenue a year", plausible=(0.0, 0.01), source="SPEC 6.2, assumption"
    )
    """what it costs to run, without managers' pay"""
    coverage: float = assumption(0.95, "share", plausible=(0.6, 1.0), allowed=(0, 1), source="F4, SPEC 6.2")
    """active customers above the lowest tier with a named manager"""
    parts: list[Part] = Field(
        default_factory=lambda: [*PARTS],
        min_length=1,
        description="what of it is done, all unless named: " + ", ".join(PARTS),
    )
    allocation: Literal["uplift", "risk", "value", "round_robin"] = Field(
        "uplift",
        description="whom managers call to keep them: who would stay for a call, who looks ready to leave, "
        "who has most, or whoever's turn it is",
    )
    retention: float = assumption(0.05, "share a month", plausible=(0.0, 0.2), allowed=(0, 1), source="assumption; F35")
    """managed customers who get a retention call, best placed first"""
    near: float = assumption(0.8, "share", plausible=(0.7, 0.95), allowed=(0.01, 1), source="SPEC 3.1")
    """AUM over that bound that counts as near"""
    near_months: int = assumption(3, "months", plausible=(2, 6), allowed=(1, 60), source="assumption")
    """months between two such contacts"""
    near_priority: float = assumption(1.0, "SD", plausible=(0, 2), allowed=(-10, 10), source="assumption")
    """they come like a customer whose score is so far above the average"""
    lead_priority: float = assumption(2.0, "SD", plausible=(1, 3), allowed=(-10, 10), source="assumption")
    """leads come like a customer whose score is so far above the average"""
    handoff: float = assumption(
        1.6, "ratio", plausible=(1.2, 2.5), allowed=(0.1, 10), source="SPEC 5.4, assumption; F64"
    )
    """conversion of a lead handed over within 48 hours"""
    handoff_days: float = assumption(2.0, "days", plausible=(0.5, 7), allowed=(0, 60), source="SPEC 5.4")
    """days until a lead is followed"""
    handoff_within: float = assumption(2.0, "days", plausible=(1, 3), allowed=(0, 60), source="SPEC 5.4")
    """days from which on the gain of a lead halves in `handoff_half_life`"""
    handoff_half_life: float = assumption(
        3.0, "days", plausible=(1, 7), allowed=(0.1, 60), source="SPEC 5.4, assumption"
    )
    """half-life of a lead beyond `handoff_within`"""
    coordinated: float = assumption(
        1.15, "ratio", plausible=(1.0, 1.3), allowed=(0.1, 10), source="SPEC 5.4, assumption; F31"
    )
    """response in a second channel that knows of the first"""
    uncoordinated: float = assumption(
        0.90, "ratio", plausible=(0.8, 1.0), allowed=(0.1, 10), source="SPEC 5.4, assumption"
    )
    """response in a second channel that does not, as before"""
    outreach: float = assumption(
        0.02, "calls a customer-month", plausible=(0.0, 0.05), allowed=(0, 1), source="assumption; span F4"
    )
    """remote managers call the larger customers of the lowest tier"""
    win_back: float = assumption(
        0.5, "contacts a year", plausible=(0.0, 2.0), allowed=(0, 12), source="assumption; F6, F40"
    )
    """win-back contacts to dormant customers"""
    pressure: float = assumption(1.2, "ideal = 1", plausible=(1.0, 2.0), allowed=(0.01, 100), source="SPEC 6.2; F31")
    """most quarterly contact pressure"""
    uncapped: float = assumption(4.0, "ideal = 1", plausible=(2.5, 6), allowed=(0.01, 1000), source="assumption")
    """quarterly contact pressure that hardly anybody reaches, from which the cap comes down"""
    grace: float = assumption(3.0, "months", plausible=(0, 6), allowed=(0, 60), source="assumption; F5")
    """more patience before a demotion"""
    demotion: float = assumption(-0.3, "share", plausible=(-0.6, 0.0), allowed=(-0.99, 5), source="assumption; F39")
    """effect of a demotion on leaving, softened by an offer"""

    def touched(self) -> tuple[Touch, ...]:
        """By its parts: only those that are managers' work unsettle anybody."""
        return tuple(dict.fromkeys(TOUCHED_BY[part] for part in self.parts))

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Coverage, coordination, outreach, win-back, a cap on pressure, patience with those about to fall."""
        done = set(self.parts)
        if "coverage" in done:
            for k in range(1, len(bank.tiers)):
                if 0.0 < bank.coverage[k] < self.coverage:
                    levers.coverage[k] += maturity * (logit(self.coverage) - logit(bank.coverage[k]))
        if "leads" in done:
            late = 0.5 ** (max(self.handoff_days - self.handoff_within, 0.0) / self.handoff_half_life)
            levers.handoff += maturity * math.log1p((self.handoff - 1.0) * late)
        if "coordination" in done:
            levers.synergy += maturity * (math.log(self.coordinated) - math.log(self.uncoordinated))
        if "outreach" in done:
            levers.outreach += maturity * self.outreach
        if "win_back" in done:
            levers.win_back += maturity * self.win_back / 12.0
        if "pressure" in done:
            capped(levers, maturity, self.pressure, self.uncapped)
        if "grace" in done:
            levers.extra_grace += maturity * self.grace
            levers.log_demotion += maturity * math.log1p(self.demotion)

    def propose(self, view: BankView, maturity: float, month: int, bank: Bank) -> Proposals | None:
        """Leads first, then customers near a bound, then those whom a call may keep."""
        everybody, done = view.uid.size, reached(view.uid, maturity)
        wishes = []
        if "leads" in self.parts:
            shown = (view.lead == 1) & done
            wishes.append(Proposals.for_rows(shown, priority=np.full(everybody, self.lead_priority), purpose=LEAD))
        if "near_threshold" in self.parts:
            near = (view.aum >= self.near * bank.ceiling[view.tier]) & (view.contact_gap + 1 >= self.near_months)
            wishes.append(Proposals.for_rows(near & done, priority=np.full(everybody, self.near_priority)))
        share = min(self.retention * maturity, 0.5)
        if "retention" in self.parts and share > 0:
            wishes.append(self._retention_calls(view, share, month, bank))
        return Proposals.merged(wishes)

    def _retention_calls(self, view: BankView, share: float, month: int, bank: Bank) -> Proposals:
        """About this share of customers, the best placed by the chosen order; none whom such a call still keeps.

        Each is judged alone, against a bar, so one customer's score never costs another its call while hours last.
        """
        cut = score_above(share)
        if self.allocation == "uplift":
            wanted, order = view.uplift_score > cut, view.uplift_score
        elif self.allocation == "risk":
            wanted, order = view.churn_score > cut, view.churn_score
        elif self.allocation == "value":
            wanted, order = view.aum > bank.aum_above(share), np.full(view.uid.size, cut)
        else:
            turn = (view.uid + np.uint64(month)) % np.uint64(max(round(1.0 / share), 1))
            wanted, order = turn == 0, np.full(view.uid.size, cut)
        return Proposals.for_rows(wanted & (view.retained == 0), priority=order, purpose=RETENTION)

    def extra_managers(self, bank: Bank, maturity: float) -> float:
        """Posts for the customers who get a manager."""
        if "coverage" not in self.parts:
            return 0.0
        rise = [
            shifted(c, maturity * (logit(self.coverage) - logit(c))) - c if 0 < c < self.coverage else 0.0
            for c in bank.coverage[1:]
        ]
        return float(np.sum(np.array(rise) * bank.active[1:] / bank.span[1:]))
