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
    peak: float = assumption(4.5, unit="pp", low=3.0, high=5.0, hard_low=0, hard_high=100, source="SPEC 6.6; F58",
                             about="largest yield gap")  # fmt: skip
    rise_months: int = assumption(6, unit="months", low=3, high=12, hard_low=1, hard_high=LONGEST,
                                  source="SPEC 6.6; F58", about="months in which the gap rises to it")  # fmt: skip
    fade_to: float = assumption(1.0, unit="pp", low=0.0, high=2.0, hard_low=0, hard_high=100, source="SPEC 6.6",
                                about="yield gap that stays, at most the peak")  # fmt: skip
    fade_months: int = assumption(36, unit="months", low=24, high=48, hard_low=1, hard_high=LONGEST, source="SPEC 6.6",
                                  about="months in which the gap falls to that, after the peak")  # fmt: skip
    own_fund_after: int | None = assumption(
        None, unit="months", low=6, high=12, hard_low=0, hard_high=LONGEST, source="SPEC 6.6; F59",
        about="months after which the bank offers a fund of its own; null = no answer",
    )  # fmt: skip
    own_fund_cut: float = assumption(0.5, unit="share", low=0.3, high=0.7, hard_low=0, hard_high=1,
                                     source="SPEC 6.6; F59",
                                     about="part of the gap that the own fund closes")  # fmt: skip
    own_fund_uptake: float = assumption(
        0.15, unit="share", low=0.05, high=0.4, hard_low=0, hard_high=1, source="SPEC 6.6; size assumption",
        about="liquid balances that move into the own fund when the gap is at its peak; in proportion below it",
    )  # fmt: skip
    own_fund_cost: float = assumption(
        0.6, unit="share", low=0.3, high=0.9, hard_low=0, hard_high=1, source="SPEC 6.6 (cannibalised NIM); F60, F79",
        about="part of the revenue margin lost on the balances that move in",
    )  # fmt: skip

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
