"""The `model:` section of a scenario: every number customers live by, with its unit, range and source.

Sources are keys of SPEC 12 (F17, ...), "SPEC n" or "DECISIONS n" where the number is stated there, and "assumption"
for a belief nobody has tested.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from sim.assumptions import Settings, assumption, part, scaled_to_one
from sim.tiers import Tier


def table(
    values: dict[str, Any], *, unit: str, low: float, high: float, source: str, about: str,
    hard_low: float | None = None, hard_high: float | None = None,
) -> Any:  # fmt: skip
    """A table by tier name of one number."""
    return assumption(
        factory=lambda: dict(values), unit=unit, low=low, high=high, hard_low=hard_low, hard_high=hard_high,
        source=source, about=about,
    )  # fmt: skip


class Mechanisms(Settings):
    """Switches, so that anybody can hold the model against a formula (CONTRACT 3)."""

    frailty: bool = Field(True, description="unobserved differences in the hazard")
    tenure: bool = Field(True, description="hazard by time since joining")
    covariates: bool = Field(True, description="hazard by products, feelings, contacts, age, ...")
    wealth: bool = Field(True, description="wealth and share of wallet move")
    contacts: bool = Field(True, description="managers and campaigns contact customers")
    failures: bool = Field(True, description="service fails now and then")
    adoption: bool = Field(True, description="customers take up the app")
    acquisition: bool = Field(True, description="new customers join")
    reactivation: bool = Field(True, description="dormant customers come back by themselves")
    manager_turnover: bool = Field(True, description="managers leave and are replaced, books are moved")
    word_of_mouth: bool = Field(False, description="leavers draw others after them (mean field)")


class Hazard(Settings):
    """Monthly probabilities of an active customer."""

    close: float = assumption(
        unit="probability a month", low=0.0005, high=0.01, hard_low=0, below=1, source="DECISIONS 5",
        about="closing all accounts",
    )  # fmt: skip
    dormant: float = assumption(
        unit="probability a month", low=0.001, high=0.015, hard_low=0, below=1, source="DECISIONS 5",
        about="falling silent",
    )  # fmt: skip


class DormantHazard(Settings):
    """Monthly probabilities of a dormant customer."""

    reactivate: float = assumption(
        0.006, unit="probability a month", low=0.002, high=0.015, hard_low=0, below=1, source="assumption",
        about="coming back by itself",
    )  # fmt: skip
    close: float = assumption(
        0.004, unit="probability a month", low=0.001, high=0.01, hard_low=0, below=1, source="assumption",
        about="closing all accounts",
    )  # fmt: skip


def _default_hazards() -> dict[str, Any]:
    return {
        "mass": Hazard(close=0.0025, dormant=0.0100),
        "affluent": Hazard(close=0.0025, dormant=0.0047),
        "wealth": Hazard(close=0.0024, dormant=0.0024),
        "private": Hazard(close=0.0022, dormant=0.0014),
        "dormant": DormantHazard(),
    }


class Transitions(Settings):
    """How tiers change: from AUM against thresholds, or by a matrix."""

    mode: Literal["structural", "markov"] = Field("structural", description="AUM decides, or the matrix does")
    matrix: list[list[float]] | None = Field(None, description="Markov mode: a row a tier, each summing to 1")
    period_months: int = assumption(
        12, unit="months", low=1, high=12, hard_low=1, hard_high=120, source="SPEC 3.2",
        about="Markov mode: one draw of the matrix every so many months",
    )  # fmt: skip

    @field_validator("matrix")
    @classmethod
    def _add_up(cls, matrix: list[list[float]] | None) -> list[list[float]] | None:
        return None if matrix is None else [scaled_to_one(line) for line in matrix]


class Wealth(Settings):
    """Log wealth reverts to a growing mean (SPEC 1.1)."""

    sd: float = assumption(0.10, unit="log a month", low=0.05, high=0.20, hard_low=0, hard_high=0.5,
                           source="assumption",
                           about="monthly standard deviation of log wealth, Student-t4 shocks")  # fmt: skip
    reversion: float = assumption(0.03, unit="1/month", low=0.01, high=0.08, hard_low=0, hard_high=1,
                                  source="assumption; sign F19", about="mean reversion of log wealth")  # fmt: skip
    growth: float = assumption(0.08, unit="1/year", low=0.02, high=0.12, hard_low=-0.5, hard_high=0.5, source="F74",
                               about="nominal growth of household financial wealth")  # fmt: skip
    inheritance_jump: float = assumption(0.5, unit="log", low=0.0, high=1.0, hard_low=0, hard_high=5,
                                         source="assumption",
                                         about="rise of log wealth with an inheritance")  # fmt: skip


class Wallet(Settings):
    """Share of wallet on the logit scale (DECISIONS 1, SPEC 2.3)."""

    reversion: float = assumption(0.03, unit="1/month", low=0.01, high=0.08, hard_low=0, hard_high=1,
                                  source="DECISIONS 1", about="return to the customer's own mean")  # fmt: skip
    mean: dict[str, float] = table({"mass": 0.35, "affluent": 0.45, "wealth": 0.50, "private": 0.35}, unit="share",
                                   low=0.2, high=0.8, hard_low=0.01, hard_high=0.99, source="assumption",
                                   about="mean share of wallet")  # fmt: skip
    precision: float = assumption(8.0, unit="a + b of the Beta", low=4, high=20, hard_low=1, hard_high=1000,
                                  source="assumption", about="how alike shares of wallet are")  # fmt: skip
    satisfaction: float = assumption(0.01, unit="logit/SD-month", low=0.0, high=0.03, hard_low=-1, hard_high=1,
                                     source="DECISIONS 1", about="effect of satisfaction")  # fmt: skip
    contact: float = assumption(0.01, unit="logit/contact", low=0.0, high=0.03, hard_low=-1, hard_high=1,
                                source="DECISIONS 1", about="effect of an effective contact")  # fmt: skip
    yield_gap: float = assumption(0.012, unit="logit/pp-month", low=0.005, high=0.03, hard_low=0, hard_high=1,
                                  source="assumption; order of size F58",
                                  about="leakage for each point of better yield elsewhere")  # fmt: skip
    multihoming: float = assumption(0.01, unit="logit/month", low=0.0, high=0.03, hard_low=0, hard_high=1,
                                    source="DECISIONS 1",
                                    about="leakage of customers who bank elsewhere too")  # fmt: skip
    multihomers: float = assumption(0.60, unit="share", low=0.3, high=0.9, hard_low=0, hard_high=1,
                                    source="assumption", about="customers who bank elsewhere too")  # fmt: skip
    multihoming_digital: float = assumption(0.10, unit="share", low=0.0, high=0.3, hard_low=0, hard_high=5,
                                            source="F28", about="more leakage once app-active")  # fmt: skip
    multihoming_branch: float = assumption(1.3, unit="ratio", low=1.0, high=1.6, hard_low=0, hard_high=10,
                                           source="F28", about="factor on that for branch customers")  # fmt: skip
    liquid: dict[str, float] = table({"mass": 0.7, "affluent": 0.55, "wealth": 0.4, "private": 0.3}, unit="share",
                                     low=0.1, high=0.9, source="assumption", about="liquid share of AUM")  # fmt: skip
    dormant_share: float = assumption(0.15, unit="share", low=0.05, high=0.3, hard_low=0.001, hard_high=1,
                                      source="DECISIONS 4", about="wallet kept when going dormant")  # fmt: skip


class Life(Settings):
    """Events of life (SPEC 1.2)."""

    events: float = assumption(0.10, unit="1/year", low=0.05, high=0.2, hard_low=0, hard_high=6, source="assumption",
                               about="life events of a customer")  # fmt: skip
    relocation: float = assumption(0.15, unit="share", low=0.05, high=0.3, hard_low=0, hard_high=1,
                                   source="assumption", about="events that are a relocation")  # fmt: skip
    inheritance: float = assumption(0.05, unit="share", low=0.0, high=0.1, hard_low=0, hard_high=1,
                                    source="assumption", about="events that are an inheritance")  # fmt: skip
    need: float = assumption(1.5, unit="ratio", low=1.0, high=3.0, hard_low=0, hard_high=20, source="assumption",
                             about="factor on the chance of a sale in the month of an event")  # fmt: skip


class Products(Settings):
    """Products held: 1 + Poisson, kept by births and deaths (SPEC 1.2, DECISIONS 16)."""

    beyond_first: dict[str, float] = table({"mass": 0.6, "affluent": 2.0, "wealth": 3.5, "private": 5.0},
                                           unit="products", low=0.3, high=6.5, hard_high=9,
                                           source="assumption fitted to F11, F12",
                                           about="mean number beyond the first")  # fmt: skip
    loss: float = assumption(0.004, unit="1/product-month", low=0.002, high=0.01, hard_low=0, hard_high=0.1,
                             source="DECISIONS 16", about="giving up a product beyond the first")  # fmt: skip
    own_share: float = assumption(0.7, unit="share", low=0.4, high=1.0, hard_low=0, hard_high=3, source="assumption",
                                  about="part of the replacement that customers buy on their own")  # fmt: skip
    adverse: float = assumption(0.20, unit="share", low=0.1, high=0.25, hard_low=0, hard_high=1, source="F68",
                                about="customers whose further products cost more than they earn")  # fmt: skip


class Service(Settings):
    """Service experiences and failures (SPEC 1.4, 5.5)."""

    quality_sd: float = assumption(0.6, unit="SD", low=0.3, high=1.0, hard_low=0, hard_high=5, source="DECISIONS 16",
                                   about="spread of perceived quality from one experience to the next")  # fmt: skip
    failure_drop: float = assumption(1.5, unit="SD", low=0.5, high=2.5, hard_low=0, hard_high=10, source="assumption",
                                     about="perceived quality lost by a failure")  # fmt: skip
    double_deviation: float = assumption(1.5, unit="ratio", low=1.0, high=2.5, hard_low=0, hard_high=10, source="F25",
                                         about="factor on a failure while an earlier one is open")  # fmt: skip
    complain: float = assumption(0.30, unit="share", low=0.1, high=0.5, hard_low=0, hard_high=1,
                                 source="memory: TARP-type studies",
                                 about="failures that are complained of")  # fmt: skip
    resolution: float = assumption(0.60, unit="share", low=0.4, high=0.9, hard_low=0, hard_high=1, source="F7",
                                   about="complaints resolved within 72 hours")  # fmt: skip
    manager_share: float = assumption(0.5, unit="share", low=0.2, high=0.8, hard_low=0, hard_high=1,
                                      source="assumption",
                                      about="part of an experience the manager shapes")  # fmt: skip


class Feelings(Settings):
    """Satisfaction, expectation, trust, engagement (SPEC 1.4, DECISIONS 11, 16)."""

    gain: float = assumption(0.10, unit="SD/SD", low=0.05, high=0.2, hard_low=0.01, hard_high=2, source="assumption",
                             about="satisfaction gained by a positive surprise")  # fmt: skip
    asymmetry: float = assumption(2.0, unit="ratio", low=1.3, high=3.0, hard_low=0, hard_high=20, source="F22",
                                  about="weight of a negative surprise over a positive one")  # fmt: skip
    expectation: float = assumption(0.10, unit="1/experience", low=0.05, high=0.3, hard_low=0, hard_high=1,
                                    source="assumption; F21, F23", about="adaptation of expectation")  # fmt: skip
    decay: float = assumption(0.05, unit="1/month", low=0.02, high=0.1, hard_low=0.001, hard_high=1,
                              source="assumption", about="fading of satisfaction")  # fmt: skip
    anchor_months: float = assumption(60.0, unit="months", low=24, high=120, hard_low=1, hard_high=1e9, source="F20",
                                      about="tenure at which one experience counts half")  # fmt: skip
    recovery: float = assumption(0.10, unit="SD", low=0.0, high=0.2, hard_low=-2, hard_high=2, source="F24",
                                 about="satisfaction after a first failure well recovered")  # fmt: skip
    pressure: float = assumption(0.08, unit="SD/unit", low=0.0, high=0.2, hard_low=0, hard_high=2,
                                 source="assumption", about="dislike of contact pressure beyond 1.5")  # fmt: skip
    trust: float = assumption(0.10, unit="1/month", low=0.05, high=0.2, hard_low=0.001, hard_high=1,
                              source="DECISIONS 16", about="speed at which trust follows satisfaction")  # fmt: skip
    breach: float = assumption(0.5, unit="SD", low=0.2, high=1.0, hard_low=0, hard_high=10, source="DECISIONS 16",
                               about="trust lost by a breach")  # fmt: skip
    engagement: float = assumption(0.9, unit="1/month", low=0.8, high=0.95, hard_low=0, below=1,
                                   source="DECISIONS 16", about="memory of engagement")  # fmt: skip
    transactions: float = assumption(4.5, unit="1/month", low=2, high=10, hard_low=0.01, hard_high=1000, source="F19",
                                     about="mean transactions of an active customer")  # fmt: skip
    transactions_slope: float = assumption(1.3, unit="log/SD", low=0.5, high=1.5, hard_low=0, hard_high=5,
                                           source="assumption, calibrated to V8 (SPEC 9.3 step 3)",
                                           about="transactions by engagement")  # fmt: skip


class Contacts(Settings):
    """What an outbound contact does to a customer (SPEC 5.2, 5.3)."""

    push: float = assumption(0.70, unit="share", low=0.3, high=0.9, hard_low=0, hard_high=1, source="SPEC 6.2",
                             about="contacts that offer a product")  # fmt: skip
    attempt_decay: float = assumption(0.8136, unit="ratio", low=0.75, high=0.87, hard_low=0.01, hard_high=1,
                                      source="F18", about="success of each further attempt in a campaign")  # fmt: skip
    need: float = assumption(0.5, unit="log/SD", low=0.2, high=1.0, hard_low=0, hard_high=3, source="assumption",
                             about="sales by latent product need")  # fmt: skip
    skill: float = assumption(0.5, unit="log/SD", low=0.2, high=1.0, hard_low=0, hard_high=3, source="assumption",
                              about="sales by quality of the manager")  # fmt: skip
    near_threshold: float = assumption(0.8, unit="share", low=0.7, high=0.95, hard_low=0, hard_high=1,
                                       source="SPEC 3.1",
                                       about="AUM over the next bound that counts as near")  # fmt: skip
    near_threshold_effect: float = assumption(1.5, unit="ratio", low=1.0, high=2.0, hard_low=0, hard_high=10,
                                              source="assumption", about="sales to customers near a bound")  # fmt: skip
    memory: float = assumption(2 / 3, unit="1/month", low=0.5, high=0.8, hard_low=0, below=1, source="SPEC 5.3",
                               about="contact pressure kept a month (a quarter on average)")  # fmt: skip
    preferred_relief: float = assumption(0.8, unit="ratio", low=0.6, high=1.0, hard_low=0, hard_high=2,
                                         source="F31; size assumption",
                                         about="pressure of a contact in the preferred channel")  # fmt: skip
    channel_change: float = assumption(1.2, unit="ratio", low=1.0, high=1.5, hard_low=0.1, hard_high=10,
                                       source="F31; size assumption",
                                       about="pressure of a contact in another channel than the last")  # fmt: skip
    benefit: float = assumption(0.05, unit="log hazard a quarter", low=0.0, high=0.1, hard_low=0, hard_high=1,
                                source="DECISIONS 16", about="hazard lowered at the ideal pressure")  # fmt: skip
    opt_out: float = assumption(0.002, unit="probability a contact month", low=0.0005, high=0.01, hard_low=0, below=1,
                                source="assumption", about="opting out of a channel")  # fmt: skip
    opt_out_slope: float = assumption(1.2, unit="log/unit", low=0.5, high=2.0, hard_low=0, hard_high=10,
                                      source="assumption", about="opt-outs by pressure beyond the ideal")  # fmt: skip
    opt_out_months: int = assumption(24, unit="months", low=12, high=36, hard_low=1, hard_high=600, source="SPEC 5.3",
                                     about="how long an opt-out stands")  # fmt: skip
    bond_contacts: float = assumption(6.0, unit="contacts", low=3, high=12, hard_low=0.1, hard_high=1000,
                                      source="SPEC 4.3", about="contacts in which the bond grows by 63 %")  # fmt: skip
    bond_half_life: float = assumption(24.0, unit="months", low=12, high=48, hard_low=0.1, hard_high=1e6,
                                       source="SPEC 4.3", about="half-life of the bond")  # fmt: skip


class Retention(Settings):
    """What a contact does that is meant to keep the customer (SPEC 6.4), and one that is meant to win it back."""

    hazard_ratio: dict[str, float] = assumption(
        factory=lambda: {"persuadable": 0.55, "sure_thing": 1.0, "lost_cause": 1.0, "sleeping_dog": 1.9}, unit="HR",
        low=0.45, high=2.2, hard_low=0.01, hard_high=100, source="assumption; anchors F33, F34, F35, mechanism F32",
        about="leaving while a retention contact works, by uplift class",
    )  # fmt: skip
    months: int = assumption(3, unit="months", low=1, high=6, hard_low=1, hard_high=60, source="SPEC 6.4",
                             about="how long a retention contact works")  # fmt: skip
    win_back: dict[str, float] = table({"mass": 0.03, "affluent": 0.06, "wealth": 0.12, "private": 0.12},
                                       unit="share", low=0.0, high=0.15, source="F6; SPEC 2.4",
                                       about="dormant customers who come back in the month of a win-back contact, "
                                             "on top of those who do so by themselves")  # fmt: skip


class Scores(Settings):
    """What the bank's models know of its customers before any strategy (SPEC 6.2, 6.3)."""

    churn_auc: float = assumption(0.62, unit="AUC", low=0.55, high=0.70, hard_low=0.5, below=1, source="SPEC 6.2; F67",
                                  about="churn model, on perfect data")  # fmt: skip
    offer_auc: float = assumption(0.60, unit="AUC", low=0.55, high=0.70, hard_low=0.5, below=1, source="SPEC 6.2; F66",
                                  about="next-best-offer model, on perfect data")  # fmt: skip
    uplift: float = assumption(0.0, unit="correlation", low=0.0, high=0.4, hard_low=0, hard_high=1, source="SPEC 6.2",
                               about="uplift score and what a retention contact would truly save")  # fmt: skip
    data_quality: float = assumption(0.5, unit="share", low=0.3, high=0.9, hard_low=0, hard_high=1,
                                     source="SPEC 6.2, assumption",
                                     about="of a model's knowledge (AUC above one half) that the data let through, "
                                           "and of customers known under one name online and offline")  # fmt: skip
    lead: float = assumption(0.05, unit="chance a month", low=0.01, high=0.1, hard_low=0, hard_high=1,
                             source="assumption; F64",
                             about="managed app users who show interest in a product there, at mean need")  # fmt: skip


class Adoption(Settings):
    """Taking up the app (SPEC 1.3): a logit a month."""

    intercept: float = assumption(-3.6, unit="log odds", low=-5, high=-2.5, hard_low=-30, hard_high=30,
                                  source="DECISIONS 16, to CFCA penetration F55", about="level")  # fmt: skip
    usefulness: float = assumption(0.75, unit="log odds/SD", low=0.4, high=1.1, hard_low=-5, hard_high=5,
                                   source="assumption; signs F78",
                                   about="digital affinity (usefulness and ease of use)")  # fmt: skip
    trust: float = assumption(0.4, unit="log odds/SD", low=0.2, high=0.6, hard_low=-5, hard_high=5,
                              source="assumption; sign F78", about="trust")  # fmt: skip
    privacy_risk: float = assumption(0.4, unit="log odds/SD", low=0.2, high=0.6, hard_low=-5, hard_high=5,
                                     source="SPEC 1.3, assumption; sign F78",
                                     about="perceived privacy risk, negative")  # fmt: skip
    age: float = assumption(0.45, unit="log odds/decade", low=0.3, high=0.7, hard_low=-5, hard_high=5,
                            source="assumption; F63", about="age above 40, negative")  # fmt: skip
    peers: float = assumption(0.5, unit="log odds/share", low=0.0, high=1.0, hard_low=-5, hard_high=5,
                              source="assumption",
                              about="share of customers who use the app, above one half")  # fmt: skip
    start: float = assumption(0.40, unit="share", low=0.2, high=0.7, hard_low=0, hard_high=1, source="SPEC 1.3",
                              about="app-active at the start")  # fmt: skip
    joiners: float = assumption(0.60, unit="share", low=0.4, high=0.9, hard_low=0, hard_high=1, source="assumption",
                                about="app-active on joining")  # fmt: skip
    affinity_mean: float = assumption(0.5, unit="share", low=0.4, high=0.6, hard_low=0.05, hard_high=0.95,
                                      source="assumption", about="mean digital affinity (Beta)")  # fmt: skip
    affinity_sd: float = assumption(0.22, unit="share", low=0.15, high=0.28, hard_low=0.01, hard_high=0.4,
                                    source="assumption", about="spread of digital affinity")  # fmt: skip
    affinity_age: float = assumption(-0.45, unit="correlation", low=-0.6, high=-0.2, hard_low=-0.95, hard_high=0.95,
                                     source="assumption", about="digital affinity and age")  # fmt: skip


class Leaving(Settings):
    """Log hazard ratios of leaving or going dormant (SPEC 2.3)."""

    frailty: float = assumption(0.3, unit="variance", low=0.0, high=1.0, hard_low=0, hard_high=5,
                                source="assumption; F72",
                                about="variance of the gamma frailty")  # fmt: skip
    tenure: dict[str, list[float]] = Field(
        default_factory=lambda: {
            "mass": [3.0, 1.2, 1.1, 1.0, 1.0, 0.9],
            "affluent": [3.0, 1.2, 1.1, 1.0, 1.0, 0.9],
            "wealth": [0.8, 0.8, 1.3, 1.3, 0.9, 0.9],
            "private": [0.8, 0.8, 1.3, 1.3, 0.9, 0.9],
        },
        description="hazard multipliers by completed months of tenure: 0-2, 3-11, 12-23, 24-47, 48-59, 60 and more",
        json_schema_extra={"unit": "ratio", "plausible": [0.5, 3.5], "source": "DECISIONS 6; F9, F10"},
    )
    products: float = assumption(-0.29, unit="log HR/product", low=-0.51, high=-0.10, hard_low=-5, hard_high=5,
                                 source="F17", about="each product beyond the first, up to four")  # fmt: skip
    satisfaction: float = assumption(-0.40, unit="log HR/SD", low=-0.6, high=-0.16, hard_low=-5, hard_high=5,
                                     source="assumption; sign F20", about="satisfaction")  # fmt: skip
    trust: float = assumption(-0.20, unit="log HR/SD", low=-0.36, high=-0.05, hard_low=-5, hard_high=5,
                              source="assumption", about="trust")  # fmt: skip
    engagement: float = assumption(-0.55, unit="log HR/SD", low=-0.9, high=-0.2, hard_low=-5, hard_high=5,
                                   source="assumption to F16, F17", about="latent engagement")  # fmt: skip
    failure: float = assumption(0.70, unit="log HR", low=0.4, high=1.1, hard_low=-5, hard_high=5,
                                source="assumption; F8", about="an open failure")  # fmt: skip
    failure_half_life: float = assumption(3.0, unit="months", low=1, high=6, hard_low=0.1, hard_high=1000,
                                          source="assumption", about="half-life of an open failure")  # fmt: skip
    gap: float = assumption(0.20, unit="log HR", low=0.0, high=0.4, hard_low=-5, hard_high=5, source="assumption",
                            about="managed customer not reached for over six months")  # fmt: skip
    app: float = assumption(-0.16, unit="log HR", low=-0.29, high=0.0, hard_low=-5, hard_high=5, source="F29, F26",
                            about="app-active")  # fmt: skip
    yield_gap: float = assumption(0.10, unit="log HR/pp", low=0.0, high=0.22, hard_low=-5, hard_high=5,
                                  source="assumption", about="better yield elsewhere times affinity")  # fmt: skip
    promotion: float = assumption(-0.10, unit="log HR", low=-0.22, high=0.0, hard_low=-5, hard_high=5, source="F39",
                                  about="six months after moving up")  # fmt: skip
    demotion: dict[str, float] = table({"mass": 0.30, "affluent": 0.30, "wealth": 0.50, "private": 0.50},
                                       unit="log HR", low=0.0, high=0.7, hard_high=5, source="F39; size assumption",
                                       about="six months after moving down, by the tier fallen from")  # fmt: skip
    age: float = assumption(-0.10, unit="log HR/decade", low=-0.2, high=0.0, hard_low=-5, hard_high=5,
                            source="F7, F10", about="age above 45, linear")  # fmt: skip
    age_square: float = assumption(0.02, unit="log HR/decade^2", low=0.0, high=0.05, hard_low=-5, hard_high=5,
                                   source="assumption", about="age above 45, quadratic")  # fmt: skip
    relocation: float = assumption(2.0, unit="log HR", low=1.4, high=2.5, hard_low=-5, hard_high=5,
                                   source="assumption", about="month of a relocation")  # fmt: skip
    second_life: float = assumption(1.3, unit="HR", low=1.0, high=2.0, hard_low=0.1, hard_high=10,
                                    source="assumption", about="after coming back from dormancy")  # fmt: skip
    second_life_months: int = assumption(12, unit="months", low=6, high=24, hard_low=0, hard_high=120,
                                         source="SPEC 2.4", about="how long that lasts")  # fmt: skip
    word_of_mouth: float = assumption(1.3, unit="HR", low=1.0, high=1.8, hard_low=1, hard_high=5,
                                      source="F37; bank size assumption", about="a neighbour who left")  # fmt: skip
    neighbours: float = assumption(8.0, unit="customers", low=4, high=20, hard_low=0, hard_high=1000,
                                   source="assumption", about="neighbours a customer has in the bank")  # fmt: skip


class Acquisition(Settings):
    """Who joins (DECISIONS 3)."""

    rate: float = assumption(0.067, unit="1/year of open customers", low=0.04, high=0.10, hard_low=0, hard_high=2,
                             source="SPEC 2.4", about="gross joining")  # fmt: skip
    upper_tiers: float = assumption(0.7, unit="ratio", low=0.3, high=1.0, hard_low=0, hard_high=1,
                                    source="DECISIONS 3",
                                    about="chance of joining above the lowest tier, over its share")  # fmt: skip
    dormant_at_start: dict[str, float] = table({"mass": 0.465, "affluent": 0.0, "wealth": 0.0, "private": 0.0},
                                               unit="share", low=0.0, high=0.55, source="F6, DECISIONS 4",
                                               about="dormant customers of the first population")  # fmt: skip
    tenure_mean: float = assumption(84.0, unit="months", low=48, high=120, hard_low=0, hard_high=600,
                                    source="DECISIONS 6", about="mean tenure of the first population")  # fmt: skip
    tenure_cap: float = assumption(360.0, unit="months", low=240, high=480, hard_low=1, hard_high=2000,
                                   source="DECISIONS 6", about="longest tenure of the first population")  # fmt: skip


class Loyalty(Settings):
    """Attitudinal loyalty and what customers would answer to "would you recommend us" (SPEC 1.4, 8.2)."""

    satisfaction: float = assumption(0.4, unit="weight", low=0.2, high=0.6, hard_low=0, hard_high=5,
                                     source="DECISIONS 16", about="weight of satisfaction")  # fmt: skip
    trust: float = assumption(0.3, unit="weight", low=0.1, high=0.5, hard_low=0, hard_high=5, source="DECISIONS 16",
                              about="weight of trust")  # fmt: skip
    bond: float = assumption(0.2, unit="weight", low=0.1, high=0.4, hard_low=0, hard_high=5, source="DECISIONS 16",
                             about="weight of the bond with the manager")  # fmt: skip
    habit: float = assumption(0.1, unit="weight", low=0.0, high=0.3, hard_low=0, hard_high=5, source="DECISIONS 16",
                              about="weight of habit (tenure)")  # fmt: skip
    nps_loading: float = assumption(0.75, unit="correlation", low=0.55, high=0.85, hard_low=0, hard_high=1,
                                    source="SPEC 8.2", about="answer by loyalty")  # fmt: skip
    nps_level: float = assumption(0.2, unit="SD", low=0.0, high=0.4, hard_low=-5, hard_high=5, source="SPEC 8.2",
                                  about="mean of the latent answer at mean loyalty")  # fmt: skip


class Model(Settings):
    """What customers live by."""

    mechanisms: Mechanisms = part(Mechanisms, "mechanisms on or off")
    hazards: dict[str, Hazard | DormantHazard] = Field(
        default_factory=_default_hazards,
        description="monthly probabilities by tier, and of dormant customers",
        json_schema_extra={"unit": "probability a month", "plausible": [0.0005, 0.015], "source": "DECISIONS 5"},
    )
    normalise_hazards: bool = Field(
        True, description="true: hazards are population means; false: base hazards as they stand"
    )
    transitions: Transitions = part(Transitions, "how tiers change")
    wealth: Wealth = part(Wealth, "wealth process")
    wallet: Wallet = part(Wallet, "share of wallet")
    life: Life = part(Life, "life events")
    products: Products = part(Products, "products held")
    service: Service = part(Service, "service experiences and failures")
    feelings: Feelings = part(Feelings, "satisfaction, expectation, trust, engagement")
    contacts: Contacts = part(Contacts, "response to contacts")
    retention: Retention = part(Retention, "response to contacts meant to keep or win back a customer")
    scores: Scores = part(Scores, "what the bank's models know")
    adoption: Adoption = part(Adoption, "taking up the app")
    leaving: Leaving = part(Leaving, "hazard ratios")
    acquisition: Acquisition = part(Acquisition, "joiners and the first population")
    loyalty: Loyalty = part(Loyalty, "loyalty and recommendation")

    @property
    def dormant_hazard(self) -> DormantHazard:
        """Hazards of a dormant customer."""
        hazard = self.hazards["dormant"]
        assert isinstance(hazard, DormantHazard)  # checked by Scenario
        return hazard

    def hazard(self, tier: Tier) -> Hazard:
        """Hazards of an active customer of a tier: its own, else those of the tier it is like."""
        hazard = self.hazards.get(tier.name, self.hazards[tier.key])
        assert isinstance(hazard, Hazard)  # checked by Scenario
        return hazard
