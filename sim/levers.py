"""Levers: the small tables that strategies turn, neutral by default, combined by rule.

Ratios are kept as logarithms and added, shares as log odds and added, chances and costs are added, of two caps the
stricter holds, of two cuts the higher: the order of strategies changes nothing. The kernel and the managers read
levers for free; a strategy never writes to a customer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np

from sim.codes import CHANNELS


def lever(
    unit: str,
    about: str,
    *,
    by: Literal["bank", "tier", "channel", "tier and channel", "manager and app"] = "bank",
    neutral: float | bool = 0.0,
    managers: bool = False,
) -> Any:
    """A field of `Levers`: one number for the bank, or a float64 array.

    Arrays are (tiers,), (channels,), (tiers, channels) or (2, 2).
    "manager and app" is by whether a customer has a named manager (row 1) and whether it uses the app (column 1).
    `managers` marks what only the team of managers reads: it cannot differ between customers of one bank.
    """
    return field(
        init=False, metadata={"unit": unit, "about": about, "by": by, "neutral": neutral, "managers": managers}
    )


@dataclass
class Levers:
    """All levers of one month; `tiers` is the number of tiers. A lever is one field, with its neutral value."""

    tiers: int
    # what customers meet
    log_hazard: np.ndarray = lever("log HR", "leaving and going dormant", by="tier")
    log_close: np.ndarray = lever("log HR", "closing alone", by="tier")
    log_dormant: np.ndarray = lever("log HR", "going dormant alone", by="tier")
    log_return: float = lever("log ratio", "reactivation")
    quality: np.ndarray = lever("SD", "shift of service quality", by="tier")
    quality_managed: np.ndarray = lever("SD", "and for customers with a named manager alone", by="tier")
    log_quality_sd: np.ndarray = lever("log ratio", "spread of service quality", by="manager and app")
    log_failure: float = lever("log ratio", "failures in every channel")
    log_app_failure: float = lever("log ratio", "and in the app alone")
    resolution: float = lever("log odds", "complaints resolved")
    adoption: float = lever("log odds", "taking up the app")
    extra_grace: float = lever("months", "patience before a demotion")
    log_demotion: float = lever("log ratio", "effect of a demotion on leaving")
    privacy: float = lever("SD", "trust taken by the use of personal data, before consent")
    privacy_risk: float = lever("SD", "perceived risk of the app by it, before consent")
    log_refusal: float = lever("log share", "that of both which no consent covers")
    # contacts
    push: float = lever("log odds", "contacts that offer a product")
    push_managers: float = lever("log odds", "and of managers' contacts alone")
    log_conversion: np.ndarray = lever("log ratio", "offers taken", by="tier")
    campaign: np.ndarray = lever("chance a month", "campaign contacts added", by="tier and channel")
    retain: np.ndarray = lever("chance a month", "retention contact above the cut", by="tier and channel")
    retain_cut: float = lever("score, SD", "above which retention contacts go; the higher holds", neutral=-np.inf)
    by_uplift: bool = lever("", "retention contacts go by the uplift score, not the churn score", neutral=False)
    targeting: float = lever("share", "campaigns that go by the offer score")
    offer_share: float = lever("share", "best-scored customers they go to; the smaller holds", neutral=1.0)
    win_back: np.ndarray = lever("chance a month", "win-back contact to a dormant customer", by="tier")
    welcome: np.ndarray = lever("chance a month", "welcome contact in the first three months", by="channel")
    log_welcome_hazard: float = lever("log HR", "leaving in those months, once such a contact has reached")
    welcome_adoption: float = lever("log odds", "taking up the app in those months, likewise")
    welcome_product: float = lever("chance", "the first such contact ends in a further product")
    outreach: float = lever("chance a month", "a remote manager's call")
    handoff: float = lever("log ratio", "sales of a contact that follows a lead")
    synergy: float = lever("log ratio", "sales of a contact in another channel than the last")
    pressure_cap: float = lever("ideal = 1", "most contact pressure; the lower holds", neutral=np.inf)
    # what the bank knows
    churn_auc: float = lever("AUC", "churn model")
    offer_auc: float = lever("AUC", "next-best-offer model")
    uplift: float = lever("correlation", "uplift score")
    data_quality: float = lever("log odds", "of a model's knowledge that the data let through")
    # managers
    log_hours: float = lever("log ratio", "client hours", managers=True)
    log_contact_hours: float = lever("log ratio", "time of a contact", managers=True)
    log_manager_exit: float = lever("log HR", "managers who leave", managers=True)
    log_vacancy: float = lever("log ratio", "months a post stays empty", managers=True)
    log_unprepared: float = lever("log ratio", "departures whose customers nobody prepared", managers=True)
    coverage: np.ndarray = lever("log odds", "a named manager", by="tier", managers=True)
    train_professional: float = lever("SD", "professional skill that every manager learns this month", managers=True)
    train_digital: float = lever("SD", "digital skill that every manager learns this month", managers=True)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to neutral, at the start of every month."""
        shapes = {
            "tier": (self.tiers,),
            "channel": (len(CHANNELS),),
            "tier and channel": (self.tiers, len(CHANNELS)),
            "manager and app": (2, 2),
        }
        for one in _LEVERS:
            by, neutral = one.metadata["by"], one.metadata["neutral"]
            setattr(self, one.name, np.full(shapes[by], neutral) if by in shapes else neutral)

    def refuse_nonsense(self, strategy: str) -> None:
        """Raise ValueError where a lever is no number, or endless where its neutral value is not, after `strategy`."""
        arrays = (sum(np.ravel(getattr(self, name)).tolist()) for name in _ARRAYS)
        whole = sum(getattr(self, name) for name in _NUMBERS) + sum(arrays)
        if np.isfinite(whole).all() and not any(np.isnan(getattr(self, name)) for name in _ENDLESS):
            return  # no sum is finite with a part that is not; quick, since this is asked for every strategy and month
        for one in _LEVERS:
            value = np.asarray(getattr(self, one.name), float)
            if np.isnan(value).any() or (np.isfinite(one.metadata["neutral"]) and np.isinf(value).any()):
                raise ValueError(f"{strategy}.turn: lever {one.name} is not finite")

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


_LEVERS = [one for one in fields(Levers) if one.metadata]
_FINITE = [one for one in _LEVERS if np.isfinite(one.metadata["neutral"])]
_NUMBERS = tuple(one.name for one in _FINITE if one.metadata["by"] == "bank")
_ARRAYS = tuple(one.name for one in _FINITE if one.metadata["by"] != "bank")
_ENDLESS = tuple(one.name for one in _LEVERS if not np.isfinite(one.metadata["neutral"]))  # each a number of the bank


def logit(share: float) -> float:
    """Log odds of a share; 0 and 1 stay far away but finite."""
    share = min(max(share, 1e-9), 1.0 - 1e-9)
    return float(np.log(share / (1.0 - share)))


def shifted(share: float, log_odds: float) -> float:
    """A share moved on the logit scale; 0 and 1 stay what they are, and what is as good as 0."""
    if share <= 1e-200 or share >= 1.0 or log_odds == 0.0:
        return share
    return float(1.0 / (1.0 + (1.0 / share - 1.0) * np.exp(-log_odds)))
