"""The `managers:` section of a scenario: spans, hours, skills, turnover (SPEC 4, DECISIONS 12, 13)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from sim.assumptions import Settings, assumption, scaled_table

_MIX = {
    "mass": {"branch": 0.0, "phone": 0.5, "video": 0.0, "messaging": 0.5},
    "affluent": {"branch": 0.05, "phone": 0.50, "video": 0.0, "messaging": 0.45},
    "wealth": {"branch": 0.05, "phone": 0.45, "video": 0.02, "messaging": 0.48},
    "private": {"branch": 0.30, "phone": 0.40, "video": 0.10, "messaging": 0.20},
}


class Managers(Settings):
    """Relationship managers: named ones for the upper tiers, remote ones below, none for the rest."""

    coverage: dict[str, float] = assumption(
        factory=lambda: {"mass": 0.0, "affluent": 0.5, "wealth": 0.9, "private": 1.0}, unit="share", low=0.3, high=1.0,
        source="DECISIONS 12", about="active customers of the tier with a named manager",
    )  # fmt: skip
    span: dict[str, float] = assumption(
        factory=lambda: {"mass": 8000.0, "affluent": 800.0, "wealth": 350.0, "private": 60.0},
        unit="customers a manager", low=30, high=10_000, hard_low=1, source="F50, F51, F4; wealth, affluent assumption",
        about="customers in one book",
    )  # fmt: skip
    remote_from: float = assumption(10_000.0, unit="CNY", low=5_000, high=20_000, hard_low=0, hard_high=1e9,
                                    source="F4",
                                    about="AUM of the lowest tier from which a remote manager answers")  # fmt: skip
    remote_coverage: float = assumption(0.5, unit="share", low=0.0, high=1.0, hard_low=0, hard_high=1,
                                        source="assumption", about="of those, served by a remote manager")  # fmt: skip
    remote_span: float = assumption(8_000.0, unit="customers a manager", low=3_000, high=10_000, hard_low=1,
                                    hard_high=1e6, source="F4", about="customers of one remote manager")  # fmt: skip
    hours_per_month: float = assumption(50.0, unit="hours", low=42, high=92, hard_low=1, hard_high=400,
                                        source="F50, F48",
                                        about="hours with clients a month (30 % of 168)")  # fmt: skip
    salary: float = assumption(16_000.0, unit="CNY/month", low=8_000, high=40_000, hard_low=0, hard_high=1e7,
                               source="DECISIONS 20", about="cost of one post")  # fmt: skip
    contact_months: dict[str, float] = assumption(
        factory=lambda: {"mass": 12.0, "affluent": 6.0, "wealth": 2.0, "private": 1.0}, unit="months", low=1, high=12,
        hard_low=0.1, source="assumption; norm in SPEC 4.1",
        about="a managed customer is due a contact after so long without one",
    )  # fmt: skip
    inbound_hours: dict[str, float] = assumption(
        factory=lambda: {"mass": 0.004, "affluent": 0.02, "wealth": 0.05, "private": 0.20}, unit="hours/customer-month",
        low=0.0, high=0.4, source="assumption", about="manager time that customers ask for",
    )  # fmt: skip
    mix: dict[str, dict[str, float]] = assumption(
        factory=lambda: {tier: dict(shares) for tier, shares in _MIX.items()}, unit="share", low=0, high=1,
        source="assumption; F49", about="channels of planned contacts by tier, adding up to 1",
    )  # fmt: skip
    allocation: Literal["value", "round_robin", "near_threshold"] = Field(
        "value",
        description="who comes first when hours are short: largest AUM, longest wait, nearest below a threshold",
    )

    professional_sd: float = assumption(1.0, unit="SD", low=0.5, high=1.5, hard_low=0, hard_high=5, source="SPEC 4.2",
                                        about="spread of professional skill")  # fmt: skip
    digital_mean: float = assumption(3.5, unit="5-point scale", low=3.0, high=4.0, hard_low=1, hard_high=5,
                                     source="F56",
                                     about="mean digital skill of front-line staff")  # fmt: skip
    digital_sd: float = assumption(0.6, unit="5-point scale", low=0.4, high=0.8, hard_low=0, hard_high=2,
                                   source="assumption", about="spread of digital skill")  # fmt: skip
    skill_quality: float = assumption(0.35, unit="SD/SD", low=0.1, high=0.6, hard_low=0, hard_high=3,
                                      source="DECISIONS 16",
                                      about="service quality by skill")  # fmt: skip
    digital_weight: float = assumption(0.3, unit="share", low=0.1, high=0.5, hard_low=0, hard_high=1,
                                       source="assumption", about="digital part of skill")  # fmt: skip
    ramp_months: float = assumption(6.0, unit="months", low=3, high=12, hard_low=0.1, hard_high=120, source="F44",
                                    about="median time to full productivity, log-normal")  # fmt: skip
    ramp_sigma: float = assumption(0.68, unit="log", low=0.4, high=1.0, hard_low=0.01, hard_high=3, source="F44",
                                   about="spread of that time")  # fmt: skip
    newcomer_quality: float = assumption(-0.5, unit="SD", low=-1.0, high=0.0, hard_low=-5, hard_high=5,
                                         source="assumption", about="service quality on the first day")  # fmt: skip
    learning_rate: float = assumption(0.88, unit="ratio a doubling", low=0.80, high=0.95, hard_low=0.5, hard_high=1,
                                      source="memory: Wright 1936",
                                      about="experience curve over contacts held")  # fmt: skip
    learning_contacts: float = assumption(3000.0, unit="contacts", low=1000, high=6000, hard_low=1, hard_high=1e6,
                                          source="assumption",
                                          about="experience at which the curve is neutral")  # fmt: skip
    overload: float = assumption(0.5, unit="log/utilisation", low=0.2, high=1.0, hard_low=0, hard_high=10,
                                 source="assumption", about="quality lost by utilisation above 0.85")  # fmt: skip
    fatigue_gain: float = assumption(0.15, unit="SD/utilisation-month", low=0.05, high=0.3, hard_low=0, hard_high=5,
                                     source="assumption", about="fatigue from utilisation above 1")  # fmt: skip
    fatigue_decay: float = assumption(0.10, unit="1/month", low=0.05, high=0.3, hard_low=0.001, hard_high=1,
                                      source="assumption", about="recovery from fatigue")  # fmt: skip
    fatigue_quality: float = assumption(-0.25, unit="SD/SD", low=-0.5, high=0.0, hard_low=-5, hard_high=5,
                                        source="assumption", about="service quality by fatigue")  # fmt: skip

    forgetting_half_life: float = assumption(11.0, unit="months", low=6, high=13, hard_low=0.1, hard_high=1e6,
                                             source="F43", about="half-life of what a programme taught")  # fmt: skip

    turnover: float = assumption(0.20, unit="1/year", low=0.10, high=0.35, hard_low=0, hard_high=5,
                                 source="F45, F46, F48",
                                 about="managers who leave, of middle seniority")  # fmt: skip
    turnover_junior: float = assumption(0.30, unit="1/year", low=0.2, high=0.5, hard_low=0, hard_high=5, source="F45",
                                        about="the same in the first two years")  # fmt: skip
    turnover_senior: float = assumption(0.12, unit="1/year", low=0.05, high=0.2, hard_low=0, hard_high=5, source="F46",
                                        about="the same after five years")  # fmt: skip
    turnover_fatigue: float = assumption(1.5, unit="HR/SD", low=1.0, high=2.0, hard_low=0.1, hard_high=10,
                                         source="assumption", about="leaving by fatigue")  # fmt: skip
    unplanned: float = assumption(0.7, unit="share", low=0.4, high=0.9, hard_low=0, hard_high=1, source="assumption",
                                  about="departures without a hand-over")  # fmt: skip
    to_rival: float = assumption(0.15, unit="share", low=0.05, high=0.5, hard_low=0, hard_high=1,
                                 source="assumption, calibrated to V13 (SPEC 9.3 step 4)",
                                 about="departures to a rival")  # fmt: skip
    vacancy_months: int = assumption(2, unit="months", low=1, high=4, hard_low=1, hard_high=60, source="SPEC 4.3",
                                     about="months a post stays empty")  # fmt: skip
    vacancy_quality: float = assumption(-0.5, unit="SD", low=-1.0, high=0.0, hard_low=-5, hard_high=5,
                                        source="assumption",
                                        about="service quality while the post is empty")  # fmt: skip
    reorganisation: float = assumption(0.10, unit="1/year", low=0.0, high=0.2, hard_low=0, hard_high=5,
                                       source="SPEC 4.3",
                                       about="books moved to another manager as planned")  # fmt: skip
    change_planned: float = assumption(0.25, unit="log HR", low=0.1, high=0.5, hard_low=-5, hard_high=5,
                                       source="assumption; sign F47",
                                       about="customers after a planned change")  # fmt: skip
    change_unplanned: float = assumption(0.60, unit="log HR", low=0.3, high=0.9, hard_low=-5, hard_high=5,
                                         source="assumption; sign F47",
                                         about="customers after an unplanned change")  # fmt: skip
    change_months: int = assumption(3, unit="months", low=2, high=6, hard_low=0, hard_high=60, source="SPEC 2.3",
                                    about="how long a change is felt")  # fmt: skip
    owned_loyalty: dict[str, float] = assumption(
        factory=lambda: {"mass": 0.1, "affluent": 0.35, "wealth": 0.35, "private": 0.5}, unit="share", low=0.1,
        high=0.6,
        source="F53; size assumption", about="loyalty that belongs to the manager",
    )  # fmt: skip
    follow: float = assumption(0.6, unit="share", low=0.2, high=1.0, hard_low=0, hard_high=1,
                               source="F46; size assumption",
                               about="share of that loyalty, times bond, that follows to a rival")  # fmt: skip
    follow_months: int = assumption(6, unit="months", low=3, high=12, hard_low=1, hard_high=60, source="SPEC 4.3",
                                    about="over how long they follow")  # fmt: skip

    @field_validator("mix")
    @classmethod
    def _add_up(cls, mix: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        return {tier: scaled_table(shares) for tier, shares in mix.items()}
