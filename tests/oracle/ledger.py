"""What a month earned and cost, each once (docs/model.md 11.1), by tier, CNY, and the flows of money (11.2)."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from sim.codes import ACTIVE, CHANNELS, CLOSED, NOBODY

if TYPE_CHECKING:
    from oracle.bank import OracleBank
    from oracle.customer import OracleCustomer

UNIT = 1024


class OracleLedger:
    """Revenue and costs of a bank."""

    def __init__(self, bank: OracleBank):
        self.bank, self.settings = bank, bank.scenario.economics
        self.margins = [bank.by_tier(self.settings.margin, k) for k in range(len(bank.tiers))]
        self.of_products = [bank.by_tier(self.settings.product_margin, k) for k in range(len(bank.tiers))]

    # --- revenue ------------------------------------------------------------------------------------------------------

    def of_aum(self, aum: float) -> float:
        """Revenue a year of AUM, in slices at falling rates, as tax brackets are."""
        bounds = [*self.bank.bounds, math.inf]
        return sum(
            rate * (min(aum, high) - low)
            for rate, low, high in zip(self.margins, bounds, bounds[1:], strict=False)
            if aum > low
        )

    def of_product(self, aum: float) -> float:
        """Revenue a year of a product beyond the first: in straight lines between the bounds, level above the last."""
        bounds = self.bank.bounds
        for k in range(len(bounds) - 1):
            if aum < bounds[k + 1]:
                part = (aum - bounds[k]) / (bounds[k + 1] - bounds[k])
                return self.of_products[k] + part * (self.of_products[k + 1] - self.of_products[k])
        return self.of_products[-1]

    def earns(self, one: OracleCustomer) -> tuple[float, float]:
        """What a customer earns a year: of AUM, and of products."""
        products = one.products - 1 if one.state == ACTIVE else 0
        return self.of_aum(one.aum), self.of_product(one.aum) * products * (-1 if one.adverse else 1)

    def revenue_a_year(self) -> list[float]:
        found = [0.0] * len(self.bank.tiers)
        for one in self.bank.open_customers():
            found[one.tier] += sum(self.earns(one)) * one.weight / UNIT
        return found

    # --- the month ----------------------------------------------------------------------------------------------------

    def episodes(self, uses_app: bool) -> float:
        """What an active customer's own episodes cost in a month."""
        total = 0.0
        for number, channel in enumerate(self.bank.channels):
            episodes = channel.inbound * self.bank.world.staffed(number) * (uses_app or not channel.in_app)
            if channel.in_branch and uses_app:
                episodes *= 1.0 - self.bank.scenario.channels.branch_visits_saved
            total += episodes * channel.inbound_price
        return total

    def settles(self) -> dict[str, list[float]]:
        """Columns of monthly.parquet, by tier."""
        bank, tiers = self.bank, len(self.bank.tiers)
        self.books: dict[str, list[float]] = defaultdict(lambda: [0.0] * tiers)
        own = {uses_app: self.episodes(uses_app) for uses_app in (False, True)}
        for one in bank.customers:
            customers = one.weight / UNIT
            if one.lived == bank.month:
                self.notes_month(one, customers)
            if one.state != CLOSED:
                self.notes_stock(one, customers, own)
        books = self.books
        for (what, tier), weight in bank.flows.items():
            books[what][tier] += weight / UNIT
        for tier in range(tiers):
            books["closed"][tier] += books["closed_dormant"][tier]
            books["channel_cost"][tier] += books["joined"][tier] * self.settings.acquisition
            books["products"][tier] /= max(books["active"][tier], 1e-9)
        for manager in bank.team.managers:
            books["manager_cost"][manager.tier] += bank.scenario.managers.salary
        books["strategy_cost"] = bank.programme.cost() if bank.programme is not None else [0.0] * tiers
        books["profit"] = [
            books["revenue"][k] - books["channel_cost"][k] - books["manager_cost"][k] - books["strategy_cost"][k]
            for k in range(tiers)
        ]
        return dict(books)

    def notes_month(self, one: OracleCustomer, customers: float) -> None:
        """What happened to a customer, in the tier it had when the month began."""
        bank, books, tier = self.bank, self.books, one.tier_before
        market = one.aum_before * (self.grown(one) * math.exp(bank.world.market[tier]) - 1.0)
        aum = one.aum if one.state != CLOSED else 0.0
        books["market_effect"][tier] += customers * market
        books["net_new_money"][tier] += customers * (aum - one.aum_before - market)
        if one.tier != tier:
            books["aum_moved"][one.tier] += customers * aum
            books["aum_moved"][tier] -= customers * aum
        if one.campaign_channel != NOBODY:
            books["channel_cost"][tier] += customers * bank.channels[one.campaign_channel].price
        made = one.campaign_channel if one.channel == NOBODY else one.channel
        if made != NOBODY:
            books[f"contacts_{CHANNELS[made]}"][tier] += customers
        books["sales"][tier] += customers * one.taken
        books["failures"][tier] += customers * one.failed
        books["complaints"][tier] += customers * one.complained
        books["opt_outs"][tier] += customers * one.opts_out

    def grown(self, one: OracleCustomer) -> float:
        """The month's growth that the growth of wealth alone makes, by months since the customer's began to move."""
        if not self.bank.settings.mechanisms.wealth:
            return 1.0
        wealth, start = self.bank.settings.wealth, -self.bank.scenario.burn_in
        months = self.bank.month - 1 - max(one.joined_month, start)
        return math.exp(wealth.growth / 12.0 * (1.0 - (1.0 - wealth.reversion) ** months))

    def notes_stock(self, one: OracleCustomer, customers: float, own: dict[bool, float]) -> None:
        """What a customer is at month end: stocks, revenue, and what serving it costs."""
        bank, books, tier = self.bank, self.books, one.tier
        of_aum, of_products = self.earns(one)
        books["revenue"][tier] += customers * (of_aum * bank.world.margin[tier] + of_products) / 12.0
        books["customers"][tier] += customers
        books["aum"][tier] += customers * one.aum
        if one.lived != bank.month:
            books["net_new_money"][tier] += customers * one.aum
        if one.state == ACTIVE:
            a_year = bank.by_tier(self.settings.servicing, tier)
            books["channel_cost"][tier] += customers * (own[bool(one.adopted)] + a_year / 12.0)
            books["active"][tier] += customers
            books["products"][tier] += customers * one.products
        else:
            books["channel_cost"][tier] += customers * self.settings.dormant_servicing / 12.0
            books["dormant"][tier] += customers
