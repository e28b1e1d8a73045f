"""The `implementation:` section of a scenario: how strategies take hold, whatever they are (SPEC 6.1)."""

from __future__ import annotations

from sim.assumptions import Settings, assumption


class Implementation(Settings):
    """How strategies take hold: gates, complements, the dip at the start, and how money is spent over time."""

    gate: float = assumption(
        0.40, unit="share", low=0.2, high=0.6, hard_low=0, hard_high=1, source="SPEC 6.1; F62",
        about="most of a gated strategy that is ever realised without user-centred digital thinking",
    )  # fmt: skip
    institutions: float = assumption(
        0.15, unit="share", low=0.0, high=0.3, hard_low=0, hard_high=1, source="SPEC 6.2",
        about="fidelity that institutional safeguards add to gated strategies",
    )  # fmt: skip
    tools_and_team: float = assumption(
        0.25, unit="share", low=0.0, high=0.5, hard_low=0, hard_high=2, source="SPEC 6.1, assumption",
        about="personalised service and staff upskilling strengthen each other by so much",
    )  # fmt: skip
    strata_and_tools: float = assumption(
        0.20, unit="share", low=0.0, high=0.4, hard_low=0, hard_high=2, source="SPEC 6.1, assumption",
        about="stratification and personalised service strengthen each other by so much",
    )  # fmt: skip
    erosion_half_life: float = assumption(
        24.0, unit="months", low=12, high=60, hard_low=1, hard_high=1e6, source="SPEC 6.1; size assumption",
        about="half-life of staff upskilling without human-resource safeguards",
    )  # fmt: skip
    dip_months: int = assumption(
        6, unit="months", low=0, high=12, hard_low=0, hard_high=120, source="SPEC 6.1; memory: productivity J-curve",
        about="months at the start of an arm's first strategy in which change itself costs time and calm",
    )  # fmt: skip
    dip_hours: float = assumption(
        0.05, unit="share", low=0.0, high=0.10, hard_low=0, below=1, source="SPEC 6.1, assumption",
        about="client hours lost in those months",
    )  # fmt: skip
    dip_variance: float = assumption(
        0.15, unit="share", low=0.0, high=0.30, hard_low=0, hard_high=5, source="SPEC 6.1, assumption",
        about="more variance of service quality in those months",
    )  # fmt: skip
    capital_months: int = assumption(
        12, unit="months", low=6, high=24, hard_low=1, hard_high=120, source="assumption",
        about="months over which a strategy's capital is spent, from its start",
    )  # fmt: skip
