"""The `economics:` section of a scenario: what earns and costs money."""

from __future__ import annotations

from typing import ClassVar

from sim.assumptions import Doubts, Settings, assumption


class Economics(Settings):
    """Money per customer, product and unit of AUM (SPEC 7, DECISIONS 20)."""

    doubts: ClassVar = Doubts(together={("servicing", "dormant_servicing"): 0.6})

    margin: dict[str, float] = assumption(
        unit="1/year of AUM",
        plausible=(0.003, 0.015),
        factory=lambda: {"mass": 0.010, "affluent": 0.009, "wealth": 0.007, "private": 0.005},
        source="assumption; F79, F60",
    )
    """revenue of AUM"""
    product_margin: dict[str, float] = assumption(
        unit="CNY/product-year",
        plausible=(0, 2000),
        factory=lambda: {"mass": 15.0, "affluent": 60.0, "wealth": 200.0, "private": 800.0},
        source="assumption",
    )
    """what a product beyond the first earns; it costs as much with an adverse cross-buyer (F68)"""
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
