"""The `economics:` section of a scenario: what earns and costs money."""

from __future__ import annotations

from sim.assumptions import Settings, assumption


class Economics(Settings):
    """Money per customer, product and unit of AUM (SPEC 7, DECISIONS 20)."""

    margin: dict[str, float] = assumption(
        factory=lambda: {"mass": 0.010, "affluent": 0.009, "wealth": 0.007, "private": 0.005}, unit="1/year of AUM",
        low=0.003, high=0.015, source="assumption; F79, F60", about="revenue of AUM",
    )  # fmt: skip
    product_margin: dict[str, float] = assumption(
        factory=lambda: {"mass": 15.0, "affluent": 60.0, "wealth": 200.0, "private": 800.0}, unit="CNY/product-year",
        low=0, high=2000, source="assumption",
        about="what a product beyond the first earns; it costs as much with an adverse cross-buyer (F68)",
    )  # fmt: skip
    servicing: dict[str, float] = assumption(
        factory=lambda: {"mass": 25.0, "affluent": 60.0, "wealth": 300.0, "private": 2000.0}, unit="CNY/customer-year",
        low=5, high=5000, source="DECISIONS 20", about="fixed servicing of an active customer",
    )  # fmt: skip
    dormant_servicing: float = assumption(4.0, unit="CNY/customer-year", low=0, high=20, hard_low=0, hard_high=1e5,
                                          source="SPEC 3.3", about="fixed servicing of a dormant customer")  # fmt: skip
    acquisition: float = assumption(150.0, unit="CNY/customer", low=50, high=500, hard_low=0, hard_high=1e6,
                                    source="assumption; F9", about="cost of a new customer")  # fmt: skip
