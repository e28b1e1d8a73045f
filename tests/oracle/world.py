"""The outside world of a month (docs/model.md 10): shocks add yields and log odds and multiply capacities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from oracle.luck import uniforms
from sim.codes import ACTIVE, DRAW_MANAGER, NOBODY

if TYPE_CHECKING:
    from oracle.bank import OracleBank

DRAW_ADVICE = DRAW_MANAGER + 6


class OracleWorld:
    """What holds in one month, of the shocks that have begun: `from: m` acts first in month m + 1."""

    def __init__(self, bank: OracleBank):
        self.bank = bank
        tiers = len(bank.tiers)
        self.yield_gap = self.expectation_rise = self.adoption = self.remote = 0.0
        self.branch_capacity = self.branch_demand = self.app_use = 1.0
        self.market, self.margin, self.stays = [0.0] * tiers, [1.0] * tiers, [1.0] * tiers
        for shock in bank.scenario.environment:
            elapsed = bank.month - shock.start
            if elapsed > 0:
                getattr(self, shock.kind)(shock, elapsed)

    def tiers_named(self, names: Any) -> list[bool]:
        return [tier.name in names or tier.key in names for tier in self.bank.tiers]

    # --- the shocks ---------------------------------------------------------------------------------------------------

    def internet_finance(self, s: Any, elapsed: int) -> None:
        if elapsed <= s.rise_months:
            gap = s.peak * elapsed / s.rise_months
        else:
            gap = s.peak - (s.peak - s.fade_to) * min((elapsed - s.rise_months) / s.fade_months, 1.0)
        answered = s.own_fund_after is not None and elapsed > s.own_fund_after
        self.yield_gap += gap * (1.0 - s.own_fund_cut) if answered else gap
        if answered and s.peak > 0:
            for k in range(len(self.margin)):
                liquid = self.bank.by_tier(self.bank.settings.wallet.liquid, k)
                self.margin[k] *= 1.0 - s.own_fund_cost * s.own_fund_uptake * liquid * gap / s.peak

    def pandemic(self, s: Any, elapsed: int) -> None:
        if elapsed <= s.closed_months:
            self.branch_capacity *= s.closed_capacity
        elif elapsed <= s.closed_months + s.limited_months:
            self.branch_capacity *= s.limited_capacity
        self.branch_demand *= 1.0 - s.branch_lost
        if elapsed <= s.months:
            self.adoption += math.log(s.adoption)
            self.app_use *= 1.0 + s.app_use
            self.remote = max(self.remote, s.remote)

    def market_drawdown(self, s: Any, elapsed: int) -> None:
        for k in range(len(self.market)):
            fall = math.log(1.0 - s.loss * self.bank.by_tier(s.invested, k))
            if elapsed == 1:
                self.market[k] += fall
            elif s.recovery_months and elapsed <= 1 + s.recovery_months:
                self.market[k] -= fall / s.recovery_months

    def manager_poaching(self, s: Any, elapsed: int) -> None:
        if elapsed <= s.months:
            for k, meant in enumerate(self.tiers_named(s.tiers)):
                self.stays[k] *= (1.0 - s.share) ** (1.0 / s.months) if meant else 1.0

    def rival_app(self, s: Any, elapsed: int) -> None:
        if s.months is None or elapsed <= s.months:
            self.yield_gap += s.quality * s.worth

    def rising_expectations(self, s: Any, elapsed: int) -> None:
        months = elapsed if s.months is None else min(elapsed, s.months)
        self.expectation_rise += s.a_year * months / 12.0

    # --- what customers meet of it ------------------------------------------------------------------------------------

    def use(self, channel: int) -> float:
        """Ratio on the episodes that customers live through: visits are what is wanted and possible."""
        one = self.bank.channels[channel]
        if one.in_branch:
            return min(self.branch_capacity, self.branch_demand)
        return self.app_use if one.in_app else 1.0

    def staffed(self, channel: int) -> float:
        """Ratio on the episodes that cost: closed doors send no teller home."""
        one = self.bank.channels[channel]
        return self.branch_demand if one.in_branch else self.app_use if one.in_app else 1.0

    def strikes(self) -> None:
        """A drawdown takes trust from holders at once, and tells some that they were badly advised."""
        bank = self.bank
        for shock in bank.scenario.environment:
            if shock.kind != "market_drawdown" or bank.month - shock.start != 1:
                continue
            upper = self.tiers_named(shock.holder_tiers)
            for one in bank.customers:
                if one.state == ACTIVE and (upper[one.tier] or one.products >= shock.holder_products):
                    one.trust += shock.trust * bank.scale.trust_sd
                    u = uniforms(bank.seed, DRAW_ADVICE, bank.month, one.uid)[0]
                    if one.manager != NOBODY and u < shock.advice_failure:
                        one.open_failure += 1.0
