"""Internet finance: money funds one tap away pay more than the bank's deposits, and the bank may answer with its own.

China 2013: 0.35 % on demand deposits against 4.27 % and more in a money fund (F58); banks answered with funds of their
own (F59). What would change our minds: customers closing accounts rather than moving balances.
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from sim.assumptions import assumption
from sim.environment.base import LONGEST, Shock, World
from sim.slips import slip


class InternetFinance(Shock):
    """Rivals' money funds pay more than deposits: the gap rises, fades, and the bank may answer with its own fund."""

    kind: Literal["internet_finance"]
    peak: float = assumption(4.5, "pp", plausible=(3.0, 5.0), allowed=(0, 100), source="SPEC 6.6; F58")
    """largest yield gap"""
    rise_months: int = assumption(6, "months", plausible=(3, 12), allowed=(1, LONGEST), source="SPEC 6.6; F58")
    """months in which the gap rises to it"""
    fade_to: float = assumption(1.0, "pp", plausible=(0.0, 2.0), allowed=(0, 100), source="SPEC 6.6")
    """yield gap that stays, at most the peak"""
    fade_months: int = assumption(36, "months", plausible=(24, 48), allowed=(1, LONGEST), source="SPEC 6.6")
    """months in which the gap falls to that, after the peak"""
    own_fund_after: int | None = assumption(
        None, "months", plausible=(6, 12), allowed=(0, LONGEST), source="SPEC 6.6; F59"
    )
    """months after which the bank offers a fund of its own; null = no answer"""
    own_fund_cut: float = assumption(0.5, "share", plausible=(0.3, 0.7), allowed=(0, 1), source="SPEC 6.6; F59")
    """part of the gap that the own fund closes"""
    own_fund_uptake: float = assumption(
        0.15, "share", plausible=(0.05, 0.4), allowed=(0, 1), source="SPEC 6.6; size assumption"
    )
    """liquid balances that move into the own fund when the gap is at its peak; in proportion below it"""
    own_fund_cost: float = assumption(
        0.6, "share", plausible=(0.3, 0.9), allowed=(0, 1), source="SPEC 6.6 (cannibalised NIM); F60, F79"
    )
    """part of the revenue margin lost on the balances that move in"""

    @model_validator(mode="after")
    def _fades(self) -> InternetFinance:
        if self.fade_to > self.peak:
            raise slip(("fade_to",), f"{self.fade_to:g} is above the peak of {self.peak:g}; at most the peak")
        return self

    def lasts(self) -> int:
        """Until the gap has faded; what stays is the new normal, and another wave may come on top of it."""
        return self.rise_months + self.fade_months

    def gap(self, elapsed: int) -> float:
        """What rivals pay more, pp, before any answer: up in a straight line, down in another, then level."""
        if elapsed <= self.rise_months:
            return self.peak * elapsed / self.rise_months
        faded = min((elapsed - self.rise_months) / self.fade_months, 1.0)
        return self.peak + (self.fade_to - self.peak) * faded

    def act(self, world: World, elapsed: int) -> None:
        """Add the gap that customers still see; the own fund costs margin on the balances that moved into it."""
        gap = self.gap(elapsed)
        if self.own_fund_after is None or elapsed <= self.own_fund_after:
            world.yield_gap += gap
            return
        world.yield_gap += gap * (1.0 - self.own_fund_cut)
        moved = self.own_fund_uptake * (gap / self.peak if self.peak > 0 else 0.0)
        world.margin *= 1.0 - world.liquid * moved * self.own_fund_cost
