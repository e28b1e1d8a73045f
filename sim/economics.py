"""The `economics:` section of a scenario: what earns and costs money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.assumptions import Doubts, Settings, assumption
from sim.tiers import Tier, row, thresholds


class Economics(Settings):
    """Money per customer, product and unit of AUM (SPEC 7, DECISIONS 20)."""

    doubts: ClassVar = Doubts(together={("servicing", "dormant_servicing"): 0.6})

    margin: dict[str, float] = assumption(
        unit="1/year of AUM",
        plausible=(0.003, 0.015),
        factory=lambda: {"mass": 0.0100, "affluent": 0.0085, "wealth": 0.0055, "private": 0.0043},
        source="assumption, set so that tiers earn the averages of SPEC 7; F79, F60",
    )
    """revenue of the slice of a customer's AUM that lies within the tier's bounds, as tax brackets are"""
    product_margin: dict[str, float] = assumption(
        unit="CNY/product-year",
        plausible=(0, 2000),
        factory=lambda: {"mass": 15.0, "affluent": 35.0, "wealth": 145.0, "private": 800.0},
        source="assumption",
    )
    """what a product beyond the first earns at the tier's lower bound of AUM, in a straight line from there to the next
    bound; it costs as much with an adverse cross-buyer (F68)"""
    servicing: dict[str, float] = assumption(
        unit="CNY/customer-year",
        plausible=(5, 5000),
        factory=lambda: {"mass": 25.0, "affluent": 60.0, "wealth": 300.0, "private": 2000.0},
        source="DECISIONS 20",
    )
    """fixed servicing of an active customer"""
    dormant_servicing: float = assumption(
        4.0, "CNY/customer-year", plausible=(0, 20), allowed=(0, 1e5), source="SPEC 3.3"
    )
    """fixed servicing of a dormant customer"""
    acquisition: float = assumption(
        150.0, "CNY/customer", plausible=(50, 500), allowed=(0, 1e6), source="assumption; F9"
    )
    """cost of a new customer"""

    def tariff(self, tiers: Sequence[Tier]) -> Tariff:
        """What a customer earns the bank, by AUM and products."""
        bounds = thresholds(tiers)
        each = row(self.product_margin, tiers, np.float64)
        width = np.diff(bounds)
        slope = np.append(np.diff(each) / np.where(width > 0, width, np.inf), 0.0)
        return Tariff(bounds, row(self.margin, tiers, np.float64), float(each[0]), slope)


@dataclass(frozen=True)
class Tariff:
    """Revenue a year as a continuous function of the customer's own AUM: a slice for each tier, as tax brackets are.

    By slice, float64 (tiers,): its lower bound (CNY), the revenue of a CNY in it, and what a CNY in it adds to the
    revenue of a product beyond the first, which is `base` without any AUM.
    """

    bounds: np.ndarray
    rate: np.ndarray
    base: float
    slope: np.ndarray

    def slices(self, aum: np.ndarray) -> np.ndarray:
        """AUM of customers (n,) cut into slices, CNY, float64 (n, tiers)."""
        width = np.append(np.diff(self.bounds), np.inf)
        return np.clip(np.asarray(aum, np.float64)[:, None] - self.bounds, 0.0, width)

    def of_aum(self, aum: np.ndarray) -> np.ndarray:
        """Revenue of AUM, CNY a year, (n,)."""
        return self.slices(aum) @ self.rate

    def of_product(self, aum: np.ndarray) -> np.ndarray:
        """Revenue of a product beyond the first, CNY a year, (n,)."""
        return self.base + self.slices(aum) @ self.slope
