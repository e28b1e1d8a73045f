"""What a month earned and cost, by tier.

Every cost is counted once (DECISIONS 20): contacts made by managers are paid through their salary, contacts of
campaigns through the channel's price; what customers ask for on their own, servicing and acquisition are channel cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.agents.channel_settings import Channels
from sim.economics import Economics
from sim.tiers import Tier, row

MONTHS = 12.0


@dataclass(frozen=True)
class MonthBooks:
    """Money of one month by tier, CNY, float64 (tiers,)."""

    revenue: np.ndarray
    revenue_products: np.ndarray  # part of revenue
    service: np.ndarray  # episodes that customers start
    messages: np.ndarray  # campaign contacts
    servicing: np.ndarray
    acquisition: np.ndarray
    managers: np.ndarray
    strategy: np.ndarray

    @property
    def channel_cost(self) -> np.ndarray:
        return self.service + self.messages + self.servicing + self.acquisition

    @property
    def profit(self) -> np.ndarray:
        return self.revenue - self.channel_cost - self.managers - self.strategy


class Ledger:
    """Settles each month from stocks and flows; knows no customer."""

    def __init__(self, economics: Economics, channels: Channels, salary: float, tiers: Sequence[Tier]):
        self.economics = economics
        self.tariff = economics.tariff(tiers)
        self.servicing = row(economics.servicing, tiers, np.float64) / MONTHS
        self.salary = salary
        self.price = channels.column("price")
        self.digital_inbound, self.other_inbound = channels.inbound()
        self.inbound_price = channels.column("inbound_price")

    def episodes(self, use: np.ndarray) -> tuple[float, float]:
        """What an active customer's own episodes cost in a month, CNY: of who uses the app, and of the others."""
        by_app_users = float(self.digital_inbound * use @ self.inbound_price)
        return by_app_users, float(self.other_inbound * use @ self.inbound_price)

    def settle(
        self,
        *,
        earned: np.ndarray,
        earned_products: np.ndarray,
        active: np.ndarray,
        dormant: np.ndarray,
        digital: np.ndarray,
        joined: np.ndarray,
        campaign_contacts: np.ndarray,
        posts: np.ndarray,
        strategy_cost: np.ndarray,
        use: np.ndarray,
        margin: np.ndarray,
    ) -> MonthBooks:
        """Revenue and cost of a month. Counts are customers by tier; contacts are (tiers, channels); posts by tier.

        `earned` is the revenue of AUM by the tariff and `earned_products` that of products, CNY a year by tier.
        `use` is a ratio by channel on the episodes customers start, as far as they are paid for; `margin` one by tier
        on the revenue of AUM.
        """
        by_app_users, by_others = self.episodes(use)
        return MonthBooks(
            revenue=(earned * margin + earned_products) / MONTHS,
            revenue_products=earned_products / MONTHS,
            service=digital * by_app_users + (active - digital) * by_others,
            messages=campaign_contacts @ self.price,
            servicing=active * self.servicing + dormant * self.economics.dormant_servicing / MONTHS,
            acquisition=joined * self.economics.acquisition,
            managers=posts * self.salary,
            strategy=strategy_cost,
        )
