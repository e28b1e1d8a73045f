"""The `managers:` section of a scenario: spans, hours, skills, turnover (SPEC 4, DECISIONS 12, 13)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from sim.assumptions import Doubts, Settings, assumption, scaled_table
from sim.codes import ChannelName
from sim.slips import slip

_MIX = {
    "mass": {"branch": 0.0, "phone": 0.5, "video": 0.0, "messaging": 0.5},
    "affluent": {"branch": 0.05, "phone": 0.50, "video": 0.0, "messaging": 0.45},
    "wealth": {"branch": 0.05, "phone": 0.45, "video": 0.02, "messaging": 0.48},
    "private": {"branch": 0.30, "phone": 0.40, "video": 0.10, "messaging": 0.20},
}


class Managers(Settings):
    """Relationship managers: named ones for the upper tiers, remote ones below, none for the rest."""

    doubts: ClassVar = Doubts(
        decided=(
            *("coverage", "span", "span_slack", "remote_from", "remote_coverage", "remote_span", "hours_per_month"),
            *("salary", "contact_months", "mix"),
        ),
        settled=("coverage_before", "first_service_most", "learning_doublings"),
        idle={
            "manager_turnover": (
                *("turnover", "turnover_junior", "turnover_senior", "junior_months", "senior_months"),
                *("turnover_fatigue", "unplanned", "to_rival", "vacancy_months", "vacancy_quality", "reorganisation"),
                *("bond_kept", "change_planned", "change_unplanned", "change_months", "owned_loyalty", "follow"),
                "follow_months",
            )
        },
        together={("turnover", "turnover_junior", "turnover_senior"): 0.7, ("change_planned", "change_unplanned"): 0.6},
    )

    coverage: dict[str, float] = assumption(
        unit="share",
        plausible=(0.3, 1.0),
        factory=lambda: {"mass": 0.0, "affluent": 0.5, "wealth": 0.9, "private": 1.0},
        source="DECISIONS 12",
    )
    """active customers of the tier with a named manager"""
    coverage_before: dict[str, float] = assumption(
        unit="share",
        plausible=(0.3, 1.0),
        factory=lambda: {"mass": 0.0, "affluent": 0.5, "wealth": 0.9, "private": 1.0},
        source="DECISIONS 12",
    )
    """the same while the first customers' AUM and the hazards came about: what those bonds hold is in them"""
    span: dict[str, float] = assumption(
        unit="customers a manager",
        plausible=(30, 10_000),
        allowed=(1, None),
        factory=lambda: {"mass": 8000.0, "affluent": 800.0, "wealth": 350.0, "private": 60.0},
        source="F50, F51, F4; wealth, affluent assumption",
    )
    """customers in one book"""
    span_slack: float = assumption(1.05, "ratio", plausible=(1.0, 1.2), allowed=(1, 10), source="assumption")
    """a tier's books may grow to this times the span before a post is added"""
    remote_from: float = assumption(10_000.0, "CNY", plausible=(5_000, 20_000), allowed=(0, 1e9), source="F4")
    """AUM of the lowest tier from which a remote manager answers"""
    remote_coverage: float = assumption(0.5, "share", plausible=(0.0, 1.0), allowed=(0, 1), source="assumption")
    """of those, served by a remote manager"""
    remote_span: float = assumption(
        8_000.0, "customers a manager", plausible=(3_000, 10_000), allowed=(1, 1e6), source="F4"
    )
    """customers of one remote manager"""
    hours_per_month: float = assumption(50.0, "hours", plausible=(42, 92), allowed=(1, 400), source="F50, F48")
    """hours with clients a month (30 % of 168)"""
    salary: float = assumption(
        16_000.0, "CNY/month", plausible=(8_000, 40_000), allowed=(0, 1e7), source="DECISIONS 20"
    )
    """cost of one post"""
    contact_months: dict[str, float] = assumption(
        unit="months",
        plausible=(1, 12),
        allowed=(0.1, None),
        factory=lambda: {"mass": 12.0, "affluent": 6.0, "wealth": 2.0, "private": 1.0},
        source="assumption; norm in SPEC 4.1",
    )
    """a managed customer is due a contact after so long without one"""
    inbound_hours: dict[str, float] = assumption(
        unit="hours/customer-month",
        plausible=(0.0, 0.4),
        factory=lambda: {"mass": 0.004, "affluent": 0.02, "wealth": 0.05, "private": 0.20},
        source="assumption",
    )
    """manager time that customers ask for"""
    mix: dict[str, dict[str, float]] = assumption(
        unit="share",
        plausible=(0, 1),
        factory=lambda: {tier: dict(shares) for tier, shares in _MIX.items()},
        source="assumption; F49",
    )
    """channels of planned contacts by tier, adding up to 1"""
    fallback: ChannelName = Field(
        "messaging",
        description="channel of a planned contact that would stand in the app, or whose channel the customer opted out "
        "of",
    )
    allocation: Literal["value", "round_robin", "near_threshold"] = Field(
        "value",
        description="who comes first when hours are short: largest AUM, longest wait, nearest below a threshold",
    )

    professional_sd: float = assumption(1.0, "SD", plausible=(0.5, 1.5), allowed=(0, 5), source="SPEC 4.2")
    """spread of professional skill"""
    digital_mean: float = assumption(3.5, "5-point scale", plausible=(3.0, 4.0), allowed=(1, 5), source="F56")
    """mean digital skill of front-line staff"""
    digital_sd: float = assumption(0.6, "5-point scale", plausible=(0.4, 0.8), allowed=(0, 2), source="assumption")
    """spread of digital skill"""
    skill_quality: float = assumption(0.35, "SD/SD", plausible=(0.1, 0.6), allowed=(0, 3), source="DECISIONS 16")
    """service quality by skill"""
    digital_weight: float = assumption(0.3, "share", plausible=(0.1, 0.5), allowed=(0, 1), source="assumption")
    """digital part of skill"""
    ramp_months: float = assumption(6.0, "months", plausible=(3, 12), allowed=(0.1, 120), source="F44")
    """median time to full productivity, log-normal"""
    ramp_sigma: float = assumption(0.68, "log", plausible=(0.4, 1.0), allowed=(0.01, 3), source="F44")
    """spread of that time"""
    newcomer_quality: float = assumption(-0.5, "SD", plausible=(-1.0, 0.0), allowed=(-5, 5), source="assumption")
    """service quality on the first day"""
    learning_rate: float = assumption(
        0.88, "ratio a doubling", plausible=(0.80, 0.95), allowed=(0.5, 1), source="memory: Wright 1936"
    )
    """experience curve over contacts held"""
    learning_contacts: float = assumption(
        3000.0, "contacts", plausible=(1000, 6000), allowed=(1, 1e6), source="assumption"
    )
    """experience at which the curve is neutral"""
    learning_head_start: float = assumption(
        100.0, "contacts", plausible=(20, 300), allowed=(0.01, 1e6), source="assumption"
    )
    """contacts that a newcomer's other experience is worth on the curve"""
    learning_doublings: float = assumption(3.0, "doublings", plausible=(2, 5), allowed=(0, 50), source="assumption")
    """doublings of experience, up and down, beyond which the curve is level"""
    first_service: float = assumption(48.0, "months", plausible=(24, 96), allowed=(0, 1200), source="assumption")
    """mean service of the first managers in their posts (exponential)"""
    first_service_most: int = assumption(240, "months", plausible=(120, 360), allowed=(0, 1200), source="assumption")
    """longest service of the first managers"""
    first_contacts: float = assumption(
        60.0, "contacts a month", plausible=(20, 120), allowed=(0, 10_000), source="assumption"
    )
    """contacts that the first managers held in each of those months"""
    overload: float = assumption(0.5, "log/utilisation", plausible=(0.2, 1.0), allowed=(0, 10), source="assumption")
    """quality lost by utilisation above `neutral_utilisation`"""
    neutral_utilisation: float = assumption(0.85, "ratio", plausible=(0.7, 1.0), allowed=(0, 10), source="SPEC 4.1")
    """utilisation above which quality suffers, and that of a manager's first month"""
    fatigue_gain: float = assumption(
        0.15, "SD/utilisation-month", plausible=(0.05, 0.3), allowed=(0, 5), source="assumption"
    )
    """fatigue from utilisation above 1"""
    fatigue_decay: float = assumption(0.10, "1/month", plausible=(0.05, 0.3), allowed=(0.001, 1), source="assumption")
    """recovery from fatigue"""
    fatigue_quality: float = assumption(-0.25, "SD/SD", plausible=(-0.5, 0.0), allowed=(-5, 5), source="assumption")
    """service quality by fatigue"""

    forgetting_half_life: float = assumption(11.0, "months", plausible=(6, 13), allowed=(0.1, 1e6), source="F43")
    """half-life of what a programme taught"""

    turnover: float = assumption(0.20, "1/year", plausible=(0.10, 0.35), allowed=(0, 5), source="F45, F46, F48")
    """managers who leave, of middle seniority"""
    turnover_junior: float = assumption(0.30, "1/year", plausible=(0.2, 0.5), allowed=(0, 5), source="F45")
    """the same before `junior_months`"""
    junior_months: int = assumption(24, "months", plausible=(12, 36), allowed=(0, 1200), source="assumption")
    """service until which a manager is junior"""
    turnover_senior: float = assumption(0.12, "1/year", plausible=(0.05, 0.2), allowed=(0, 5), source="F46")
    """the same from `senior_months` on"""
    senior_months: int = assumption(60, "months", plausible=(36, 120), allowed=(0, 1200), source="assumption")
    """service from which a manager is senior"""
    turnover_fatigue: float = assumption(1.5, "HR/SD", plausible=(1.0, 2.0), allowed=(0.1, 10), source="assumption")
    """leaving by fatigue"""
    unplanned: float = assumption(0.7, "share", plausible=(0.4, 0.9), allowed=(0, 1), source="assumption")
    """departures without a hand-over"""
    to_rival: float = assumption(
        0.15, "share", plausible=(0.05, 0.5), allowed=(0, 1), source="assumption, calibrated to V13 (SPEC 9.3 step 4)"
    )
    """departures to a rival"""
    vacancy_months: int = assumption(2, "months", plausible=(1, 4), allowed=(1, 60), source="SPEC 4.3")
    """months a post stays empty"""
    vacancy_quality: float = assumption(-0.5, "SD", plausible=(-1.0, 0.0), allowed=(-5, 5), source="assumption")
    """service quality while the post is empty"""
    reorganisation: float = assumption(0.10, "1/year", plausible=(0.0, 0.2), allowed=(0, 5), source="SPEC 4.3")
    """books moved to another manager as planned"""
    bond_kept: float = assumption(0.5, "share", plausible=(0.2, 0.8), allowed=(0, 1), source="assumption")
    """bond that is left with a customer whose book was moved"""
    change_planned: float = assumption(
        0.15, "log HR", plausible=(0.05, 0.4), allowed=(-5, 5), source="assumption; sign F47"
    )
    """customers after a planned change, beside the bond they lose"""
    change_unplanned: float = assumption(
        0.45, "log HR", plausible=(0.2, 0.75), allowed=(-5, 5), source="assumption; sign F47"
    )
    """customers after an unplanned change, beside the bond they lose"""
    change_months: int = assumption(3, "months", plausible=(2, 6), allowed=(0, 60), source="SPEC 2.3")
    """how long a change is felt"""
    owned_loyalty: dict[str, float] = assumption(
        unit="share",
        plausible=(0.1, 0.6),
        factory=lambda: {"mass": 0.1, "affluent": 0.35, "wealth": 0.35, "private": 0.5},
        source="F53; size assumption",
    )
    """loyalty that belongs to the manager"""
    follow: float = assumption(0.6, "share", plausible=(0.2, 1.0), allowed=(0, 1), source="F46; size assumption")
    """share of that loyalty, times bond, that follows to a rival"""
    follow_months: int = assumption(6, "months", plausible=(3, 12), allowed=(1, 60), source="SPEC 4.3")
    """over how long they follow"""

    @model_validator(mode="after")
    def _in_order(self) -> Managers:
        if self.junior_months > self.senior_months:
            message = f"{self.junior_months} is above senior_months ({self.senior_months}); at most that"
            raise slip(("junior_months",), message)
        return self

    @field_validator("mix")
    @classmethod
    def _add_up(cls, mix: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        return {tier: scaled_table(shares) for tier, shares in mix.items()}
