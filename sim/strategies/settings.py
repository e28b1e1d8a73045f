"""The `implementation:` section of a scenario: how strategies take hold, whatever they are (SPEC 6.1)."""

from __future__ import annotations

from typing import ClassVar

from sim.assumptions import Doubts, Settings, assumption


class Implementation(Settings):
    """How strategies take hold: gates, complements, the dip at the start, and how money is spent over time."""

    doubts: ClassVar = Doubts(decided=("capital_months",), together={("tools_and_team", "strata_and_tools"): 0.5})

    gate: float = assumption(0.40, "share", plausible=(0.2, 0.6), allowed=(0, 1), source="SPEC 6.1; F62")
    """most of a gated strategy that is ever realised without user-centred digital thinking"""
    institutions: float = assumption(0.15, "share", plausible=(0.0, 0.3), allowed=(0, 1), source="SPEC 6.2")
    """fidelity that institutional safeguards add to gated strategies"""
    tools_and_team: float = assumption(
        0.25, "share", plausible=(0.0, 0.5), allowed=(0, 2), source="SPEC 6.1, assumption"
    )
    """personalised service and staff upskilling strengthen each other by so much"""
    strata_and_tools: float = assumption(
        0.20, "share", plausible=(0.0, 0.4), allowed=(0, 2), source="SPEC 6.1, assumption"
    )
    """stratification and personalised service strengthen each other by so much"""
    erosion_half_life: float = assumption(
        24.0, "months", plausible=(12, 60), allowed=(1, 1e6), source="SPEC 6.1; size assumption"
    )
    """half-life of staff upskilling without human-resource safeguards"""
    dip_months: int = assumption(
        6, "months", plausible=(0, 12), allowed=(0, 120), source="SPEC 6.1; memory: productivity J-curve"
    )
    """months at the start of each strategy in which change itself costs those it touches time and calm"""
    dip_hours: float = assumption(
        0.05, "share", plausible=(0.0, 0.10), allowed=(0, None), below=1, source="SPEC 6.1, assumption"
    )
    """client hours lost in those months, where a strategy touches managers"""
    dip_variance: float = assumption(
        0.15, "share", plausible=(0.0, 0.30), allowed=(0, 5), source="SPEC 6.1, assumption"
    )
    """more variance of service quality in those months, for the customers a strategy touches"""
    capital_months: int = assumption(12, "months", plausible=(6, 24), allowed=(1, 120), source="assumption")
    """months over which a strategy's capital is spent, from its start"""
