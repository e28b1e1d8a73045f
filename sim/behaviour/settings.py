"""The `model:` section of a scenario: every number customers live by, with its unit, range and source.

Sources are keys of SPEC 12 (F17, ...), "SPEC n" or "DECISIONS n" where the number is stated there, and "assumption"
for a belief nobody has tested.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from sim.assumptions import Doubts, Settings, assumption, part, scaled_to_one
from sim.codes import UPLIFT_CLASSES, ChannelName
from sim.slips import slip
from sim.tiers import Tier


def table(values: dict[str, Any], unit: str, **more: Any) -> Any:
    """A table by tier name of one number; further arguments as of `assumption`."""
    return assumption(unit=unit, factory=lambda: dict(values), **more)


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
        unit="probability a month", plausible=(0.0005, 0.01), allowed=(0, None), below=1, source="DECISIONS 5"
    )
    """closing all accounts"""
    dormant: float = assumption(
        unit="probability a month", plausible=(0.001, 0.015), allowed=(0, None), below=1, source="DECISIONS 5"
    )
    """falling silent"""


class DormantHazard(Settings):
    """Monthly probabilities of a dormant customer."""

    reactivate: float = assumption(
        0.006, "probability a month", plausible=(0.002, 0.015), allowed=(0, None), below=1, source="assumption"
    )
    """coming back by itself"""
    close: float = assumption(
        0.004, "probability a month", plausible=(0.001, 0.01), allowed=(0, None), below=1, source="assumption"
    )
    """closing all accounts"""


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

    doubts: ClassVar = Doubts(settled=("period_months",))

    mode: Literal["structural", "markov"] = Field("structural", description="AUM decides, or the matrix does")
    matrix: list[list[float]] | None = Field(None, description="Markov mode: a row a tier, each summing to 1")
    period_months: int = assumption(12, "months", plausible=(1, 12), allowed=(1, 120), source="SPEC 3.2")
    """Markov mode: one draw of the matrix every so many months"""

    @field_validator("matrix")
    @classmethod
    def _add_up(cls, matrix: list[list[float]] | None) -> list[list[float]] | None:
        return None if matrix is None else [scaled_to_one(line) for line in matrix]


class Traits(Settings):
    """What customers are when they come (SPEC 1.2)."""

    doubts: ClassVar = Doubts(settled=("age_least", "age_most"))

    age_mean: dict[str, float] = table(
        {"mass": 41.0, "affluent": 46.0, "wealth": 51.0, "private": 53.0},
        "years",
        plausible=(35, 60),
        allowed=(0, 120),
        source="SPEC 1.2",
    )
    """mean age, before the cut"""
    age_sd: dict[str, float] = table(
        {"mass": 14.0, "affluent": 12.0, "wealth": 11.0, "private": 10.0},
        "years",
        plausible=(8, 16),
        allowed=(0.1, 100),
        source="SPEC 1.2",
    )
    """spread of age, before the cut"""
    age_least: float = assumption(18.0, "years", plausible=(16, 21), allowed=(0, 120), source="SPEC 1.2")
    """youngest customer"""
    age_most: float = assumption(85.0, "years", plausible=(75, 95), allowed=(0, 120), source="SPEC 1.2")
    """oldest customer"""
    age_mean_all: float = assumption(41.5, "years", plausible=(38, 48), allowed=(0, 120), source="assumption")
    """mean age of all customers, for what goes with age"""
    age_sd_all: float = assumption(14.0, "years", plausible=(10, 18), allowed=(0.1, 100), source="assumption")
    """spread of age of all customers, for what goes with age"""
    income_aum: float = assumption(
        0.5, "correlation", plausible=(0.3, 0.7), allowed=(-1, 1), source="SPEC 1.2, assumption"
    )
    """log income and log AUM"""
    need_income: float = assumption(0.3, "correlation", plausible=(0.0, 0.6), allowed=(-1, 1), source="assumption")
    """product need and log income"""

    @model_validator(mode="after")
    def _in_order(self) -> Traits:
        if self.age_least >= self.age_most:
            raise slip(("age_least",), f"{self.age_least:g} is not below age_most ({self.age_most:g}); a younger one")
        return self


class Wealth(Settings):
    """Log wealth reverts to a growing mean (SPEC 1.1)."""

    doubts: ClassVar = Doubts(
        settled=("score_smoothing", "score_cut"),
        idle={"wealth": ("sd", "reversion", "growth", "inheritance_jump")},
    )

    sd: float = assumption(0.10, "log a month", plausible=(0.05, 0.20), allowed=(0, 0.5), source="assumption")
    """monthly standard deviation of log wealth, Student-t4 shocks"""
    reversion: float = assumption(
        0.03, "1/month", plausible=(0.01, 0.08), allowed=(0, 1), source="assumption; sign F19"
    )
    """mean reversion of log wealth"""
    growth: float = assumption(0.08, "1/year", plausible=(0.02, 0.12), allowed=(-0.5, 0.5), source="F74")
    """nominal growth of household financial wealth"""
    score_smoothing: float = assumption(
        0.2, "sd of log AUM", plausible=(0.1, 0.4), allowed=(0.02, 1), source="DECISIONS 2"
    )
    """smoothing of the density of log AUM that tells long-run wealth from AUM (Tweedie)"""
    score_cut: float = assumption(2.5, "1/log AUM", plausible=(1.5, 4), allowed=(0, 100), source="DECISIONS 2")
    """largest slope of that density's logarithm that counts"""
    inheritance_jump: float = assumption(0.5, "log", plausible=(0.0, 1.0), allowed=(0, 5), source="assumption")
    """rise of log wealth with an inheritance"""


class Wallet(Settings):
    """Share of wallet on the logit scale (DECISIONS 1, SPEC 2.3)."""

    reversion: float = assumption(0.03, "1/month", plausible=(0.01, 0.08), allowed=(0, 1), source="DECISIONS 1")
    """return to the customer's own mean"""
    mean: dict[str, float] = table(
        {"mass": 0.35, "affluent": 0.45, "wealth": 0.50, "private": 0.35},
        "share",
        plausible=(0.2, 0.8),
        allowed=(0.01, 0.99),
        source="assumption",
    )
    """mean share of wallet"""
    precision: float = assumption(8.0, "a + b of the Beta", plausible=(4, 20), allowed=(1, 1000), source="assumption")
    """how alike shares of wallet are"""
    satisfaction: float = assumption(
        0.01, "logit/SD-month", plausible=(0.0, 0.03), allowed=(-1, 1), source="DECISIONS 1"
    )
    """effect of satisfaction"""
    contact: float = assumption(0.01, "logit/contact", plausible=(0.0, 0.03), allowed=(-1, 1), source="DECISIONS 1")
    """effect of an effective contact"""
    bond: float = assumption(
        0.30, "logit", plausible=(0.0, 0.6), allowed=(-5, 5), source="assumption; sign F53, F83, F85"
    )
    """how much higher the own mean is with a full bond with the manager"""
    brought: float = assumption(
        0.02, "share", plausible=(0.0, 0.05), allowed=(0, None), below=1, source="assumption; sign F85, F85b"
    )
    """of the wealth kept elsewhere that comes with a sale"""
    yield_gap: float = assumption(
        0.006, "logit/pp-month", plausible=(0.002, 0.012), allowed=(0, 1), source="assumption fitted to F58; sign F58b"
    )
    """leakage for each point of better yield elsewhere"""
    multihoming: float = assumption(0.01, "logit/month", plausible=(0.0, 0.03), allowed=(0, 1), source="DECISIONS 1")
    """leakage of customers who bank elsewhere too"""
    multihomers: float = assumption(0.60, "share", plausible=(0.3, 0.9), allowed=(0, 1), source="assumption")
    """customers who bank elsewhere too"""
    multihoming_digital: float = assumption(
        0.10, "share", plausible=(0.0, 0.3), allowed=(0, 5), source="assumption; sign F28"
    )
    """more leakage once app-active"""
    multihoming_branch: float = assumption(
        1.3, "ratio", plausible=(1.0, 1.6), allowed=(0, 10), source="assumption; sign F28"
    )
    """factor on that for customers who like a channel of the branch best"""
    liquid: dict[str, float] = table(
        {"mass": 0.7, "affluent": 0.55, "wealth": 0.4, "private": 0.3},
        "share",
        plausible=(0.1, 0.9),
        source="assumption",
    )
    """liquid share of AUM"""
    dormant_share: float = assumption(0.15, "share", plausible=(0.05, 0.3), allowed=(0.001, 1), source="DECISIONS 4")
    """wallet kept when going dormant"""


class Life(Settings):
    """Events of life (SPEC 1.2)."""

    events: float = assumption(0.10, "1/year", plausible=(0.05, 0.2), allowed=(0, 6), source="assumption")
    """life events of a customer"""
    relocation: float = assumption(0.15, "share", plausible=(0.05, 0.3), allowed=(0, 1), source="assumption")
    """events that are a relocation"""
    inheritance: float = assumption(0.05, "share", plausible=(0.0, 0.1), allowed=(0, 1), source="assumption")
    """events that are an inheritance"""
    need: float = assumption(1.5, "ratio", plausible=(1.0, 3.0), allowed=(0, 20), source="assumption")
    """factor on the chance of a sale in the month of an event"""


class Products(Settings):
    """Products held: 1 + Poisson, kept by births and deaths (SPEC 1.2, DECISIONS 16)."""

    doubts: ClassVar = Doubts(settled=("most",))

    beyond_first: dict[str, float] = table(
        {"mass": 0.6, "affluent": 2.0, "wealth": 3.5, "private": 5.0},
        "products",
        plausible=(0.3, 6.5),
        allowed=(None, 9),
        source="assumption fitted to F11, F12",
    )
    """mean number beyond the first"""
    loss: float = assumption(0.004, "1/product-month", plausible=(0.002, 0.01), allowed=(0, 0.1), source="DECISIONS 16")
    """giving up a product beyond the first"""
    own_share: float = assumption(0.7, "share", plausible=(0.4, 1.0), allowed=(0, 3), source="assumption")
    """part of the replacement that customers buy on their own"""
    most: int = assumption(10, "products", plausible=(6, 15), allowed=(1, 100), source="assumption")
    """most products of a customer"""
    adverse: float = assumption(0.20, "share", plausible=(0.1, 0.25), allowed=(0, 1), source="F68")
    """customers whose further products cost more than they earn"""


class Service(Settings):
    """Service experiences and failures (SPEC 1.4, 5.5)."""

    doubts: ClassVar = Doubts(
        idle={"failures": ("failure_drop", "double_deviation", "still_open", "complain", "resolution")}
    )

    quality_sd: float = assumption(0.6, "SD", plausible=(0.3, 1.0), allowed=(0, 5), source="DECISIONS 16")
    """spread of perceived quality from one experience with people to the next"""
    app_weight: float = assumption(0.25, "ratio", plausible=(0.1, 0.5), allowed=(0, 1), source="assumption; sign F96")
    """what an episode in the app weighs in feelings, over one with people"""
    app_spread: float = assumption(0.6, "ratio", plausible=(0.3, 1.0), allowed=(0, 5), source="assumption")
    """spread of its quality over that of one with people"""
    failure_drop: float = assumption(1.5, "SD", plausible=(0.5, 2.5), allowed=(0, 10), source="assumption")
    """perceived quality lost by a failure"""
    double_deviation: float = assumption(
        1.5, "ratio", plausible=(1.0, 2.5), allowed=(0, 10), source="assumption; sign F25"
    )
    """factor on a failure while an earlier one is open"""
    still_open: float = assumption(
        0.25, "open failures", plausible=(0.1, 0.5), allowed=(0, 10), source="assumption; mechanism F25"
    )
    """of an earlier failure: with more of it left, the next failure is a second one"""
    complain: float = assumption(
        0.30, "share", plausible=(0.1, 0.5), allowed=(0, 1), source="memory: TARP-type studies"
    )
    """failures that are complained of"""
    resolution: float = assumption(0.60, "share", plausible=(0.4, 0.9), allowed=(0, 1), source="F7")
    """complaints resolved within 72 hours"""
    manager_share: float = assumption(0.5, "share", plausible=(0.2, 0.8), allowed=(0, 1), source="assumption")
    """part of an experience the manager shapes"""


class Feelings(Settings):
    """Satisfaction, expectation, trust, engagement (SPEC 1.4, DECISIONS 11, 16)."""

    gain: float = assumption(0.08, "SD/SD", plausible=(0.04, 0.16), allowed=(0.01, 2), source="assumption")
    """satisfaction gained by a positive surprise"""
    performance: float = assumption(
        0.03, "SD/SD", plausible=(0.0, 0.06), allowed=(0, 2), source="assumption; F95, F23b, F94b"
    )
    """satisfaction gained by quality itself, whatever was expected"""
    asymmetry: float = assumption(2.0, "ratio", plausible=(1.3, 3.0), allowed=(0, 20), source="assumption; sign F22")
    """weight of a negative surprise over a positive one"""
    expectation: float = assumption(
        0.10, "1/experience", plausible=(0.05, 0.3), allowed=(0, 1), source="assumption; F21, F23"
    )
    """adaptation of expectation"""
    decay: float = assumption(0.05, "1/month", plausible=(0.02, 0.1), allowed=(0.001, 1), source="assumption")
    """fading of satisfaction"""
    anchor_months: float = assumption(
        60.0, "months", plausible=(24, 120), allowed=(1, 1e9), source="assumption; mechanism F20"
    )
    """tenure at which one experience counts half"""
    recovery: float = assumption(0.10, "SD", plausible=(0.0, 0.2), allowed=(-2, 2), source="assumption; sign F24")
    """satisfaction after a first failure well recovered"""
    pressure_from: float = assumption(1.5, "ideal = 1", plausible=(1.0, 2.5), allowed=(0, 100), source="assumption")
    """contact pressure from which satisfaction suffers"""
    pressure: float = assumption(0.08, "SD/unit", plausible=(0.0, 0.2), allowed=(0, 2), source="assumption")
    """dislike of contact pressure beyond 1.5"""
    trust: float = assumption(0.10, "1/month", plausible=(0.05, 0.2), allowed=(0.001, 1), source="DECISIONS 16")
    """speed at which trust follows satisfaction"""
    breach: float = assumption(0.5, "raw trust", plausible=(0.2, 1.0), allowed=(0, 10), source="DECISIONS 16")
    """trust lost by a breach"""
    engagement: float = assumption(
        0.9, "1/month", plausible=(0.8, 0.95), allowed=(0, None), below=1, source="DECISIONS 16"
    )
    """memory of what is passing in engagement"""
    engagement_lasting: float = assumption(
        0.5, "share of variance", plausible=(0.2, 0.8), allowed=(0, 1), source="assumption; F17, F19"
    )
    """part of the differences in engagement that lasts: the customer's own mean"""
    transactions: float = assumption(4.5, "1/month", plausible=(2, 10), allowed=(0.01, 1000), source="F19")
    """mean transactions of an active customer"""
    transactions_slope: float = assumption(
        1.3, "log/SD", plausible=(0.5, 1.5), allowed=(0, 5), source="assumption, calibrated to V8 (SPEC 9.3 step 3)"
    )
    """transactions by engagement"""
    transactions_app: float = assumption(
        1.08, "ratio", plausible=(1.03, 1.20), allowed=(0, 100), source="assumption; sign F26, F97, F29"
    )
    """transactions of an app user over those without the app"""


class Contacts(Settings):
    """What an outbound contact does to a customer (SPEC 5.2, 5.3)."""

    push: float = assumption(0.70, "share", plausible=(0.3, 0.9), allowed=(0, 1), source="SPEC 6.2")
    """contacts that offer a product"""
    campaign_months: int = assumption(6, "months", plausible=(3, 12), allowed=(1, 600), source="assumption")
    """length of a campaign, after which offers answered with no are forgotten"""
    attempt_decay: float = assumption(0.8136, "ratio", plausible=(0.75, 0.87), allowed=(0.01, 1), source="F18")
    """success of each further attempt in a campaign"""
    need: float = assumption(0.5, "log/SD", plausible=(0.2, 1.0), allowed=(0, 3), source="assumption")
    """sales by latent product need"""
    skill: float = assumption(0.5, "log/SD", plausible=(0.2, 1.0), allowed=(0, 3), source="assumption")
    """sales by quality of the manager"""
    near_threshold: float = assumption(0.8, "share", plausible=(0.7, 0.95), allowed=(0, 1), source="SPEC 3.1")
    """AUM over the next bound that counts as near"""
    near_threshold_effect: float = assumption(1.5, "ratio", plausible=(1.0, 2.0), allowed=(0, 10), source="assumption")
    """sales to customers near a bound"""
    memory: float = assumption(2 / 3, "1/month", plausible=(0.5, 0.8), allowed=(0, None), below=1, source="SPEC 5.3")
    """contact pressure kept a month (a quarter on average)"""
    preferred_relief: float = assumption(
        0.8, "ratio", plausible=(0.6, 1.0), allowed=(0, 2), source="F31; size assumption"
    )
    """pressure of a contact in the preferred channel"""
    channel_change: float = assumption(
        1.2, "ratio", plausible=(1.0, 1.5), allowed=(0.1, 10), source="F31; size assumption"
    )
    """pressure of a contact in another channel than the last"""
    pressure_most: float = assumption(4.0, "ideal = 1", plausible=(2.5, 8), allowed=(0, 100), source="assumption")
    """contact pressure beyond which the hazard rises no further"""
    benefit: float = assumption(
        0.05, "log hazard a quarter", plausible=(0.0, 0.1), allowed=(0, 1), source="DECISIONS 16"
    )
    """hazard lowered at the ideal pressure"""
    opt_out: float = assumption(
        0.002, "probability a contact month", plausible=(0.0005, 0.01), allowed=(0, None), below=1, source="assumption"
    )
    """opting out of a channel"""
    opt_out_slope: float = assumption(1.2, "log/unit", plausible=(0.5, 2.0), allowed=(0, 10), source="assumption")
    """opt-outs by pressure beyond the ideal"""
    opt_out_months: int = assumption(24, "months", plausible=(12, 36), allowed=(1, 600), source="SPEC 5.3")
    """how long an opt-out stands"""
    bond_contacts: float = assumption(6.0, "contacts", plausible=(3, 12), allowed=(0.1, 1000), source="SPEC 4.3")
    """contacts in which the bond grows by 63 %"""
    bond_skill: float = assumption(0.25, "ratio/SD", plausible=(0.0, 0.5), allowed=(-5, 5), source="assumption")
    """how much faster with each SD of the manager's quality"""
    bond_conversion: float = assumption(
        1.25, "ratio", plausible=(1.0, 1.6), allowed=(0.01, 100), source="assumption; sign F53, F81"
    )
    """offers of the own manager taken, at a full bond"""
    bond_half_life: float = assumption(24.0, "months", plausible=(12, 48), allowed=(0.1, 1e6), source="SPEC 4.3")
    """half-life of the bond"""


def _default_win_back_by() -> dict[str, ChannelName]:
    return {"mass": "messaging", "affluent": "phone", "wealth": "phone", "private": "phone"}


class Retention(Settings):
    """What a contact does that is meant to keep the customer (SPEC 6.4), and one that is meant to win it back."""

    hazard_ratio: dict[str, float] = assumption(
        unit="HR",
        plausible=(0.45, 2.2),
        allowed=(0.01, 100),
        factory=lambda: {"persuadable": 0.55, "sure_thing": 1.0, "lost_cause": 1.0, "sleeping_dog": 1.9},
        source="assumption; anchors F33, F34, F35, mechanism F32",
    )
    """leaving while a retention contact works, by uplift class"""
    months: int = assumption(3, "months", plausible=(1, 6), allowed=(1, 60), source="SPEC 6.4")
    """how long a retention contact works"""
    class_shares: dict[str, float] = assumption(
        unit="share",
        plausible=(0.0, 0.4),
        factory=lambda: {"persuadable": 0.20, "lost_cause": 0.12, "sleeping_dog": 0.08},
        source="SPEC 6.4",
    )
    """customers by uplift class; the rest are sure things"""
    class_risk: float = assumption(
        0.8, "correlation", plausible=(0.3, 0.95), allowed=(-1, 1), source="assumption fitted to V19"
    )
    """frailty and the rank that sorts lost causes, persuadables and sure things, riskiest first (Gaussian copula)"""
    win_back_by: dict[str, ChannelName] = Field(
        default_factory=_default_win_back_by,
        description="channel of a win-back contact by tier",
        json_schema_extra={"unit": "channel", "source": "choice"},
    )
    win_back: dict[str, float] = table(
        {"mass": 0.03, "affluent": 0.06, "wealth": 0.12, "private": 0.12},
        "share",
        plausible=(0.0, 0.15),
        source="F6; SPEC 2.4",
    )
    """dormant customers who come back in the month of a win-back contact, on top of those who do so by themselves"""

    @model_validator(mode="after")
    def _of_known_classes(self) -> Retention:
        rest = [name for name in UPLIFT_CLASSES if name != "sure_thing"]
        for table, known in (("hazard_ratio", UPLIFT_CLASSES), ("class_shares", rest)):
            for name in getattr(self, table):
                if name not in known:
                    raise slip((table, name), f"unknown uplift class; known are {', '.join(known)}")
        total = sum(self.class_shares.values())
        if total >= 1:
            raise slip(("class_shares",), f"add up to {total:g}; below 1, the rest are sure things")
        return self


class Scores(Settings):
    """What the bank's models know of its customers before any strategy (SPEC 6.2, 6.3)."""

    churn_auc: float = assumption(
        0.62, "AUC", plausible=(0.55, 0.70), allowed=(0.5, None), below=1, source="SPEC 6.2; F67"
    )
    """churn model, on perfect data"""
    offer_auc: float = assumption(
        0.60, "AUC", plausible=(0.55, 0.70), allowed=(0.5, None), below=1, source="SPEC 6.2; F66"
    )
    """next-best-offer model, on perfect data"""
    uplift: float = assumption(0.0, "correlation", plausible=(0.0, 0.4), allowed=(0, 1), source="SPEC 6.2")
    """uplift score and what a retention contact would truly save"""
    data_quality: float = assumption(0.5, "share", plausible=(0.3, 0.9), allowed=(0, 1), source="SPEC 6.2, assumption")
    """of a model's knowledge (AUC above one half) that the data let through, and of customers known under one name
    online and offline"""
    redrawn_months: int = assumption(3, "months", plausible=(1, 12), allowed=(1, 120), source="assumption")
    """how long a score's noise stays, before it is drawn anew"""
    lead: float = assumption(0.05, "chance a month", plausible=(0.01, 0.1), allowed=(0, 1), source="assumption; F64")
    """managed app users who show interest in a product there, at mean need"""


class Adoption(Settings):
    """Taking up the app (SPEC 1.3): a logit a month."""

    intercept: float = assumption(
        -3.6, "log odds", plausible=(-5, -2.5), allowed=(-30, 30), source="DECISIONS 16, to CFCA penetration F55"
    )
    """level"""
    usefulness: float = assumption(
        0.75, "log odds/SD", plausible=(0.4, 1.1), allowed=(-5, 5), source="assumption; signs F78"
    )
    """digital affinity (usefulness and ease of use)"""
    trust: float = assumption(0.4, "log odds/SD", plausible=(0.2, 0.6), allowed=(-5, 5), source="assumption; sign F78")
    """trust"""
    privacy_risk: float = assumption(
        0.4, "log odds/SD", plausible=(0.2, 0.6), allowed=(-5, 5), source="SPEC 1.3, assumption; sign F78"
    )
    """perceived privacy risk, negative"""
    age: float = assumption(0.45, "log odds/decade", plausible=(0.3, 0.7), allowed=(-5, 5), source="assumption; F63")
    """age above `age_from`, negative"""
    age_from: float = assumption(40.0, "years", plausible=(35, 50), allowed=(0, 120), source="assumption")
    """age from which that is counted"""
    peers: float = assumption(0.5, "log odds/share", plausible=(0.0, 1.0), allowed=(-5, 5), source="assumption")
    """share of customers who use the app, above `peers_from`"""
    peers_from: float = assumption(0.5, "share", plausible=(0.3, 0.7), allowed=(0, 1), source="assumption")
    """share of users from which that is counted"""
    standing: float = assumption(2.0, "ratio", plausible=(1.0, 3.0), allowed=(0, 20), source="assumption")
    """effects of affinity and age on who uses the app at the start or on joining, over those of a month"""
    reference: float = assumption(0.6, "share", plausible=(0.4, 0.9), allowed=(0, 1), source="assumption")
    """app-active share at which the scale of satisfaction is stated"""
    start: float = assumption(0.40, "share", plausible=(0.2, 0.7), allowed=(0, 1), source="SPEC 1.3")
    """app-active at the start"""
    joiners: float = assumption(0.60, "share", plausible=(0.4, 0.9), allowed=(0, 1), source="assumption")
    """app-active on joining"""
    affinity_mean: float = assumption(0.5, "share", plausible=(0.4, 0.6), allowed=(0.05, 0.95), source="assumption")
    """mean digital affinity (Beta)"""
    affinity_sd: float = assumption(0.22, "share", plausible=(0.15, 0.28), allowed=(0.01, 0.4), source="assumption")
    """spread of digital affinity"""
    affinity_age: float = assumption(
        -0.45, "correlation", plausible=(-0.6, -0.2), allowed=(-0.95, 0.95), source="assumption"
    )
    """digital affinity and age"""


class Leaving(Settings):
    """Log hazard ratios of leaving or going dormant (SPEC 2.3)."""

    doubts: ClassVar = Doubts(
        settled=("products_most", "age_below", "age_above"),
        idle={
            "frailty": ("frailty",),
            "tenure": ("tenure",),
            "word_of_mouth": ("word_of_mouth", "remembered", "neighbours"),
        },
        together={("satisfaction", "trust"): 0.5},
    )

    frailty: float = assumption(0.3, "variance", plausible=(0.0, 1.0), allowed=(0, 5), source="assumption; F72")
    """variance of the gamma frailty"""
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
    products: float = assumption(-0.29, "log HR/product", plausible=(-0.51, -0.10), allowed=(-5, 5), source="F17")
    """each product beyond the first, up to `products_most`"""
    products_most: float = assumption(4.0, "products", plausible=(2, 6), allowed=(0, 100), source="assumption")
    """products beyond the first that still hold a customer"""
    satisfaction: float = assumption(
        -0.16,
        "log HR/SD",
        plausible=(-0.28, -0.04),
        allowed=(-5, 5),
        source="assumption; sign F20, F88, F91; weakness F90, F94",
    )
    """satisfaction"""
    trust: float = assumption(
        -0.09, "log HR/SD", plausible=(-0.16, -0.02), allowed=(-5, 5), source="assumption; F86, F86b contradict"
    )
    """trust"""
    bond: float = assumption(
        -0.36,
        "log HR",
        plausible=(-0.7, 0.0),
        allowed=(-5, 5),
        source="assumption; sign F53, F81, F38; size within F10",
    )
    """a full bond with the manager"""
    engagement: float = assumption(
        -0.80, "log HR/SD", plausible=(-0.95, -0.3), allowed=(-5, 5), source="assumption fitted to F16, F17 (V8)"
    )
    """latent engagement"""
    failure: float = assumption(0.70, "log HR", plausible=(0.4, 1.1), allowed=(-5, 5), source="assumption; F8")
    """an open failure"""
    failure_half_life: float = assumption(3.0, "months", plausible=(1, 6), allowed=(0.1, 1000), source="assumption")
    """half-life of an open failure"""
    gap: float = assumption(0.20, "log HR", plausible=(0.0, 0.4), allowed=(-5, 5), source="assumption")
    """customer above the lowest tier whom no manager reached for over `gap_months`"""
    gap_months: int = assumption(6, "months", plausible=(3, 12), allowed=(0, 99), source="assumption")
    """months without a manager's contact after which a customer feels forgotten"""
    app: float = assumption(-0.16, "log HR", plausible=(-0.29, 0.0), allowed=(-5, 5), source="F29, F26")
    """app-active"""
    yield_gap: float = assumption(0.10, "log HR/pp", plausible=(0.0, 0.22), allowed=(-5, 5), source="assumption")
    """better yield elsewhere times affinity"""
    promotion: float = assumption(
        -0.10, "log HR", plausible=(-0.22, 0.0), allowed=(-5, 5), source="assumption; sign F39"
    )
    """after moving up, for `tier_change_months`"""
    tier_change_months: int = assumption(6, "months", plausible=(3, 12), allowed=(0, 100), source="assumption")
    """how long a change of tier is felt"""
    demotion: dict[str, float] = table(
        {"mass": 0.30, "affluent": 0.30, "wealth": 0.50, "private": 0.50},
        "log HR",
        plausible=(0.0, 0.7),
        allowed=(None, 5),
        source="F39; size assumption",
    )
    """after moving down, as long, by the tier fallen from"""
    age: float = assumption(-0.10, "log HR/decade", plausible=(-0.2, 0.0), allowed=(-5, 5), source="F7, F10")
    """age above `age_from`, linear"""
    age_from: float = assumption(45.0, "years", plausible=(40, 50), allowed=(0, 120), source="assumption")
    """age from which that is counted"""
    age_below: float = assumption(3.0, "decades", plausible=(2, 4), allowed=(0, 12), source="assumption")
    """decades below it from which age counts no further"""
    age_above: float = assumption(4.0, "decades", plausible=(2, 5), allowed=(0, 12), source="assumption")
    """decades above it from which age counts no further"""
    age_square: float = assumption(0.02, "log HR/decade^2", plausible=(0.0, 0.05), allowed=(-5, 5), source="assumption")
    """age above `age_from`, quadratic"""
    relocation: float = assumption(2.0, "log HR", plausible=(1.4, 2.5), allowed=(-5, 5), source="assumption")
    """month of a relocation"""
    second_life: float = assumption(1.3, "HR", plausible=(1.0, 2.0), allowed=(0.1, 10), source="assumption")
    """after coming back from dormancy"""
    second_life_months: int = assumption(12, "months", plausible=(6, 24), allowed=(0, 120), source="SPEC 2.4")
    """how long that lasts"""
    word_of_mouth: float = assumption(
        1.3, "HR", plausible=(1.0, 1.8), allowed=(1, 5), source="F37; bank size assumption"
    )
    """a neighbour who left"""
    remembered: float = assumption(
        0.5, "ratio a month", plausible=(0.2, 0.8), allowed=(0, None), below=1, source="assumption; mechanism F37"
    )
    """leavers whom word of mouth still counts a month later"""
    neighbours: float = assumption(8.0, "customers", plausible=(4, 20), allowed=(0, 1000), source="assumption")
    """neighbours a customer has in the bank"""


class Acquisition(Settings):
    """Who joins (DECISIONS 3)."""

    doubts: ClassVar = Doubts(
        settled=("tenure_cap",),
        idle={"acquisition": ("rate", "upper_tiers", "referral", "referred_hazard", "referred_wallet")},
    )

    rate: float = assumption(
        0.067, "1/year of open customers", plausible=(0.04, 0.10), allowed=(0, 2), source="SPEC 2.4"
    )
    """gross joining"""
    referral: float = assumption(
        0.15,
        "share of joiners",
        plausible=(0.0, 0.3),
        allowed=(0, 1),
        source="assumption; mechanism F36, upper end F36e",
    )
    """joiners who come through promoters, at their share of month 0; in proportion to promoters"""
    referred_hazard: float = assumption(0.82, "HR", plausible=(0.7, 0.95), allowed=(0.01, 10), source="F36, F36b, F36c")
    """leaving of a referred customer"""
    referred_wallet: float = assumption(
        1.25, "ratio", plausible=(0.95, 1.3), allowed=(0.1, 10), source="F36 (derived), F36c"
    )
    """AUM that a referred customer brings on joining; the wallet's reversion takes it back over some years"""
    upper_tiers: float = assumption(0.7, "ratio", plausible=(0.3, 1.0), allowed=(0, 1), source="DECISIONS 3")
    """chance of joining above the lowest tier, over its share"""
    dormant_at_start: dict[str, float] = table(
        {"mass": 0.465, "affluent": 0.0, "wealth": 0.0, "private": 0.0},
        "share",
        plausible=(0.0, 0.55),
        source="F6, DECISIONS 4",
    )
    """dormant customers of the first population"""
    tenure_mean: float = assumption(84.0, "months", plausible=(48, 120), allowed=(0, 600), source="DECISIONS 6")
    """mean tenure of the first population"""
    tenure_cap: float = assumption(360.0, "months", plausible=(240, 480), allowed=(1, 2000), source="DECISIONS 6")
    """longest tenure of the first population"""


class Loyalty(Settings):
    """Attitudinal loyalty and what customers would answer to "would you recommend us" (SPEC 1.4, 8.2)."""

    doubts: ClassVar = Doubts(settled=("satisfaction", "trust", "bond", "habit", "habit_months", "spread"))

    satisfaction: float = assumption(0.4, "weight", plausible=(0.2, 0.6), allowed=(0, 5), source="DECISIONS 16")
    """weight of satisfaction"""
    trust: float = assumption(0.3, "weight", plausible=(0.1, 0.5), allowed=(0, 5), source="DECISIONS 16")
    """weight of trust"""
    bond: float = assumption(0.2, "weight", plausible=(0.1, 0.4), allowed=(0, 5), source="DECISIONS 16")
    """weight of the bond with the manager"""
    habit: float = assumption(0.1, "weight", plausible=(0.0, 0.3), allowed=(0, 5), source="DECISIONS 16")
    """weight of habit (tenure)"""
    habit_months: int = assumption(120, "months", plausible=(60, 240), allowed=(1, 1200), source="assumption")
    """tenure in which habit grows from -1 to 1"""
    spread: float = assumption(0.6, "loyalty", plausible=(0.4, 0.8), allowed=(0.01, 10), source="SPEC 8.2")
    """spread of loyalty in the reference population, by which the answer is scaled"""
    promote_from: float = assumption(0.55, "SD", plausible=(0.3, 0.8), allowed=(-10, 10), source="SPEC 8.2")
    """latent answer from which a customer promotes (9 or 10 of 10)"""
    detract_below: float = assumption(-0.7, "SD", plausible=(-1.0, -0.4), allowed=(-10, 10), source="SPEC 8.2")
    """latent answer below which a customer detracts (0 to 6 of 10)"""
    nps_loading: float = assumption(0.75, "correlation", plausible=(0.55, 0.85), allowed=(0, 1), source="SPEC 8.2")
    """answer by loyalty"""
    nps_level: float = assumption(0.2, "SD", plausible=(0.0, 0.4), allowed=(-5, 5), source="SPEC 8.2")
    """mean of the latent answer at mean loyalty"""

    @model_validator(mode="after")
    def _in_order(self) -> Loyalty:
        if self.detract_below > self.promote_from:
            raise slip(
                ("detract_below",),
                f"{self.detract_below:g} is above promote_from ({self.promote_from:g}); at most that",
            )
        return self


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
    traits: Traits = part(Traits, "age, income and need of customers, at the start and on joining")
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
