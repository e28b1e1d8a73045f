"""Levers: the small tables that strategies turn, neutral by default, combined by rule.

Ratios are kept as logarithms and added, shares as log odds and added, chances and costs are added, of two caps the
stricter holds, of two cuts the higher: the order of strategies changes nothing. The kernel and the managers read
levers for free; a strategy never writes to a customer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.codes import CHANNELS

BY_TIER = ("log_hazard", "log_close", "log_dormant", "quality", "log_conversion", "coverage", "win_back")
BY_TIER_AND_CHANNEL = ("campaign", "retain")
SCALARS = (
    "log_return",
    "log_quality_sd",
    "log_failure",
    "log_app_failure",
    "resolution",
    "push",
    "adoption",
    "handoff",
    "synergy",
    "outreach",
    "extra_grace",
    "log_demotion",
    "privacy",
    "privacy_risk",
    "log_refusal",
    "targeting",
    "churn_auc",
    "offer_auc",
    "uplift",
    "data_quality",
    "log_hours",
    "log_contact_hours",
    "log_manager_exit",
    "log_vacancy",
    "log_unprepared",
    "train_professional",
    "train_digital",
)


@dataclass
class Levers:
    """All levers of one month; `tiers` is the number of tiers. Neutral is zero everywhere but for caps and cuts."""

    tiers: int
    # what customers meet
    log_hazard: np.ndarray = field(init=False)  # by tier: log hazard ratio of leaving and going dormant
    log_close: np.ndarray = field(init=False)  # by tier: on closing alone
    log_dormant: np.ndarray = field(init=False)  # by tier: on going dormant alone
    log_return: float = field(init=False)  # reactivation
    quality: np.ndarray = field(init=False)  # by tier: shift of service quality, SD
    log_quality_sd: float = field(init=False)
    log_failure: float = field(init=False)  # failures in every channel
    log_app_failure: float = field(init=False)  # and in the app alone
    resolution: float = field(init=False)  # log odds
    adoption: float = field(init=False)  # log odds
    extra_grace: float = field(init=False)  # months before a demotion
    log_demotion: float = field(init=False)  # effect of a demotion on leaving
    privacy: float = field(init=False)  # trust taken by the use of personal data, SD, before consent
    privacy_risk: float = field(init=False)  # perceived risk of the app by it, SD, before consent
    log_refusal: float = field(init=False)  # log share of that which no consent covers
    # contacts
    push: float = field(init=False)  # log odds
    log_conversion: np.ndarray = field(init=False)  # by tier
    campaign: np.ndarray = field(init=False)  # (tier, channel): added chance a month
    retain: np.ndarray = field(init=False)  # (tier, channel): chance a month of a retention contact above the cut
    retain_cut: float = field(init=False)  # score in SD; the higher holds
    by_uplift: bool = field(init=False)  # retention contacts go by the uplift score, not the churn score
    targeting: float = field(init=False)  # share of campaigns that go by the offer score
    offer_share: float = field(init=False)  # top share of customers they go to; the smaller holds
    win_back: np.ndarray = field(init=False)  # by tier: chance a month for a dormant customer
    outreach: float = field(init=False)  # chance a month of a remote manager's call
    handoff: float = field(init=False)  # log conversion of a contact that follows a lead
    synergy: float = field(init=False)  # log conversion of a contact in another channel than the last
    pressure_cap: float = field(init=False)  # the lower holds
    # what the bank knows
    churn_auc: float = field(init=False)  # AUC
    offer_auc: float = field(init=False)  # AUC
    uplift: float = field(init=False)  # correlation
    data_quality: float = field(init=False)  # log odds
    # managers
    log_hours: float = field(init=False)  # client hours
    log_contact_hours: float = field(init=False)  # time of a contact
    log_manager_exit: float = field(init=False)
    log_vacancy: float = field(init=False)  # months a post stays empty
    log_unprepared: float = field(init=False)  # share of departures whose customers nobody prepared
    coverage: np.ndarray = field(init=False)  # by tier: log odds of a named manager
    train_professional: float = field(init=False)  # SD that every manager learns this month
    train_digital: float = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to neutral, at the start of every month."""
        for name in BY_TIER:
            setattr(self, name, np.zeros(self.tiers))
        for name in BY_TIER_AND_CHANNEL:
            setattr(self, name, np.zeros((self.tiers, len(CHANNELS))))
        for name in SCALARS:
            setattr(self, name, 0.0)
        self.pressure_cap = np.inf
        self.retain_cut = -np.inf
        self.offer_share = 1.0
        self.by_uplift = False

    # --- the rules for what does not add up --------------------------------------------------------------------

    def cap_pressure(self, cap: float) -> None:
        """No contact that lifts a customer's quarterly pressure above this; the stricter of two caps holds."""
        self.pressure_cap = min(self.pressure_cap, cap)

    def cut_retention(self, cut: float, *, by_uplift: bool) -> None:
        """Retention campaigns go to scores above this (SD); the higher of two cuts holds, uplift before churn."""
        self.retain_cut = max(self.retain_cut, cut)
        self.by_uplift = self.by_uplift or by_uplift

    def target_offers(self, share: float, top: float) -> None:
        """This share of campaign offers goes to the best-scored `top` share of customers; the smaller top holds."""
        self.targeting = 1.0 - (1.0 - self.targeting) * (1.0 - share)
        self.offer_share = min(self.offer_share, top)


def logit(share: float) -> float:
    """Log odds of a share; 0 and 1 stay far away but finite."""
    share = min(max(share, 1e-9), 1.0 - 1e-9)
    return float(np.log(share / (1.0 - share)))


def shifted(share: float, log_odds: float) -> float:
    """A share moved on the logit scale; 0 and 1 stay what they are, and what is as good as 0."""
    if share <= 1e-200 or share >= 1.0 or log_odds == 0.0:
        return share
    return float(1.0 / (1.0 + (1.0 / share - 1.0) * np.exp(-log_odds)))
