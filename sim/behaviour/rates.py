"""From settings to the form the kernel reads: float32 numbers and tables by tier and channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, get_type_hints

import numpy as np

from sim.agents.channel_settings import Channels
from sim.agents.manager_settings import Managers
from sim.behaviour.service_law import ServiceLaw, service_law
from sim.behaviour.settings import Model
from sim.codes import CHANNELS, UPLIFT_CLASSES
from sim.economics import Economics
from sim.kernel.inputs import Rates
from sim.tiers import Tier, bands, row, thresholds

MONTHS = 12


def rates(
    model: Model,
    tiers: Sequence[Tier],
    channels: Channels,
    economics: Economics | None = None,
    managers: Managers | None = None,
) -> Rates:
    """The kernel's numbers for one scenario; types and shapes are those of `kernel.inputs.Rates`."""
    tariff, managers = (economics or Economics()).tariff(tiers), managers or Managers.model_validate({})
    on = model.mechanisms
    law = service_law(model, channels)
    wealth, wallet, contacts, leaving = model.wealth, model.wallet, model.contacts, model.leaving
    moving = 1.0 if on.wealth else 0.0
    bounds = thresholds(tiers)
    tenure = row(leaving.tenure, tiers, np.float64) if on.tenure else np.ones((len(tiers), 6))
    dormant = model.dormant_hazard
    fallen = row(leaving.demotion, tiers)
    numbers: dict[str, Any] = {
        # settings of `leaving` are log hazard ratios as they stand, but for those that are named below
        **{f"b_{name}": value for name, value in leaving if f"b_{name}" in Rates._fields},
        "wealth_reversion": wealth.reversion * moving,
        "wealth_sd": wealth.sd * moving,
        "wealth_growth": wealth.growth / MONTHS * moving,
        "inheritance_jump": wealth.inheritance_jump * moving,
        "wallet_reversion": wallet.reversion * moving,
        "wallet_satisfaction": wallet.satisfaction * moving,
        "wallet_contact": wallet.contact * moving,
        "wallet_bond": wallet.bond,
        "money_brought": wallet.brought * moving,
        "log_left_elsewhere": math.log1p(-wallet.brought * moving),
        "wallet_yield": wallet.yield_gap * moving,
        "wallet_multihoming": wallet.multihoming * moving,
        "multihoming_digital": wallet.multihoming_digital,
        "multihoming_preferred": np.where(channels.column("in_branch") > 0, wallet.multihoming_branch, 1.0),
        "dormant_share": wallet.dormant_share,
        "liquid_share": row(wallet.liquid, tiers),
        "event_rate": model.life.events / MONTHS,
        "relocation_part": model.life.relocation,
        "inheritance_part": model.life.inheritance,
        "experience_digital": law.experience[0],
        "experience_human": law.experience[1],
        "experience_other": law.experience[2],
        "failure_digital": law.failure[0],
        "failure_human": law.failure[1],
        "failure_other": law.failure[2],
        "app_weight": model.service.app_weight,
        "app_spread": model.service.app_spread,
        "quality_sd": model.service.quality_sd,
        "failure_drop": model.service.failure_drop,
        "double_deviation": model.service.double_deviation,
        "complain_share": model.service.complain,
        "still_open": model.service.still_open,
        "manager_share": model.service.manager_share,
        "gain": model.feelings.gain,
        "loss": model.feelings.gain * model.feelings.asymmetry,
        "performance": model.feelings.performance,
        "expectation_speed": model.feelings.expectation,
        "satisfaction_decay": model.feelings.decay,
        "tenure_anchor": model.feelings.anchor_months,
        "recovery_gain": model.feelings.recovery * law.sd,
        "pressure_dislike": model.feelings.pressure * law.sd,
        "pressure_from": model.feelings.pressure_from,
        "trust_speed": model.feelings.trust,
        "breach": model.feelings.breach,
        "satisfaction_mu": law.mu,
        "satisfaction_sd": law.sd,
        "trust_sd": law.trust_sd,
        "engagement_memory": model.feelings.engagement,
        "engagement_noise": math.sqrt((1 - model.feelings.engagement**2) * (1 - model.feelings.engagement_lasting)),
        "failure_fading": 0.5 ** (1.0 / leaving.failure_half_life),
        "pressure_memory": contacts.memory,
        "preferred_relief": contacts.preferred_relief,
        "channel_change": contacts.channel_change,
        "campaign_months": contacts.campaign_months,
        "opt_out_rate": contacts.opt_out,
        "opt_out_slope": contacts.opt_out_slope,
        "opt_out_months": contacts.opt_out_months,
        "attempt_decay": math.log(contacts.attempt_decay),
        "need_effect": contacts.need,
        "skill_effect": contacts.skill,
        "event_need": model.life.need,
        "near_threshold": contacts.near_threshold,
        "near_threshold_effect": contacts.near_threshold_effect,
        "bond_step": 1.0 - math.exp(-1.0 / contacts.bond_contacts),
        "bond_skill": contacts.bond_skill,
        "bond_conversion": math.log(contacts.bond_conversion),
        "bond_fading": 0.5 ** (1.0 / contacts.bond_half_life),
        "product_gain": row(model.products.beyond_first, tiers) * model.products.loss * model.products.own_share,
        "product_loss": model.products.loss,
        "most_products": model.products.most,
        "reach": channels.column("reach"),
        "conversion": channels.column("conversion"),
        "pressure": 1.0 / channels.column("ideal_per_quarter"),
        "without_app": 1.0 - channels.column("in_app"),
        "remote_calls": channels.column("remote_calls"),
        "uplift": np.log([model.retention.hazard_ratio[name] for name in UPLIFT_CLASSES]),
        "saved": 1.0 - np.array([model.retention.hazard_ratio[name] for name in UPLIFT_CLASSES]),
        "retention_months": model.retention.months,
        "lead_chance": model.scores.lead,
        "win_back": -np.log1p(-np.minimum(row(model.retention.win_back, tiers, np.float64), 0.999)),
        "win_back_by": np.array(
            [CHANNELS.index(name) for name in row(model.retention.win_back_by, tiers, object)], np.int32
        ),
        "transactions": model.feelings.transactions,
        "transactions_slope": model.feelings.transactions_slope,
        "transactions_app": model.feelings.transactions_app,
        "adoption_intercept": model.adoption.intercept,
        "adoption_usefulness": model.adoption.usefulness,
        "adoption_trust": model.adoption.trust,
        "adoption_age": model.adoption.age,
        "adoption_age_from": model.adoption.age_from,
        "adoption_peers": model.adoption.peers,
        "adoption_on": float(on.adoption),
        "affinity_mean": model.adoption.affinity_mean,
        "affinity_sd": model.adoption.affinity_sd,
        "covariates_on": float(on.covariates),
        "products_most": leaving.products_most,
        "gap_months": leaving.gap_months,
        "b_change_planned": managers.change_planned,
        "b_change_unplanned": managers.change_unplanned,
        "b_yield": leaving.yield_gap,
        "age_from": leaving.age_from,
        "age_lowest": -leaving.age_below,
        "age_highest": leaving.age_above,
        "b_pressure": -contacts.benefit,
        "pressure_most": contacts.pressure_most,
        "b_second_life": math.log(leaving.second_life),
        "tier_change_months": leaving.tier_change_months,
        "b_demotion": np.append(fallen[1:], fallen[-1]),  # by the tier fallen from, read in the tier below
        "tenure_log": np.log(np.maximum(tenure, 1e-12)),
        "dormant_close": -math.log1p(-dormant.close),
        "dormant_return": -math.log1p(-dormant.reactivate) if on.reactivation else 0.0,
        "second_life_months": leaving.second_life_months,
        "threshold": bounds,
        "ceiling": bands(tiers)[1:],
        "grace": np.array([tier.grace_months for tier in tiers], np.int64),
        "markov": np.bool_(model.transitions.mode == "markov"),
        "loyal_satisfaction": model.loyalty.satisfaction,
        "loyal_trust": model.loyalty.trust,
        "loyal_bond": model.loyalty.bond,
        "loyal_habit": model.loyalty.habit,
        "habit_months": model.loyalty.habit_months,
        "habit_step": 2.0 / model.loyalty.habit_months,
        "slice_rate": tariff.rate,
        "product_base": tariff.base,
        "product_slope": tariff.slope,
    }
    return Rates(**{name: _as_read(name, value) for name, value in numbers.items()})


def in_use(
    numbers: Rates, model: Model, channels: Channels, use: np.ndarray, failing_ratio: np.ndarray | None = None
) -> Rates:
    """The kernel's numbers in a month in which customers start `use` times their usual episodes, by channel.

    The chances of a service experience and of a failure hang on it, and failures on `failing_ratio`; both float64
    (channels,). The scale of satisfaction stays the reference's.
    """
    failing_ratio = np.ones(use.size) if failing_ratio is None else failing_ratio
    if np.all(use == 1.0) and np.all(failing_ratio == 1.0):
        return numbers
    episodes, failures = channels.episodes(use, failing_ratio * model.mechanisms.failures)
    met = [np.float32(-math.expm1(-rate)) for rate in episodes]
    failed = [np.float32(-math.expm1(-rate)) for rate in failures]
    return numbers._replace(
        experience_digital=met[0],
        experience_human=met[1],
        experience_other=met[2],
        failure_digital=failed[0],
        failure_human=failed[1],
        failure_other=failed[2],
    )


WHOLE = frozenset(name for name, kind in get_type_hints(Rates).items() if kind is int)  # the kernel takes int32


def _as_read(name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind == "i" else np.ascontiguousarray(value, np.float32)
    if isinstance(value, np.bool_):
        return value
    return np.int32(value) if name in WHOLE else np.float32(value)


def relocation_ratio(model: Model) -> float:
    """Mean hazard ratio of relocations over a month, which no column holds: 1 + p (e^b - 1)."""
    if not model.mechanisms.covariates:
        return 1.0
    chance = model.life.events / MONTHS * model.life.relocation
    return 1.0 + chance * (math.exp(model.leaving.relocation) - 1.0)


def growth_path(rates: Rates, months: int) -> np.ndarray:
    """AUM growth of a month that is due to the growth of wealth, by months since a customer's wealth began to move.

    Wealth follows its growing mean with a lag: the gap d starts at 0 and d' = (1 - kappa) d + g/12; a month's growth of
    log wealth is kappa d. This, and market returns, is the market effect (DECISIONS 21). float64 (months,).
    """
    reversion, growth = float(rates.wealth_reversion), float(rates.wealth_growth)
    if reversion <= 0:
        return np.zeros(months)
    gap = growth / reversion * (1.0 - (1.0 - reversion) ** np.arange(months))
    return np.expm1(reversion * gap)


def promoters(
    loyalty_mean: np.ndarray, loyalty_variance: np.ndarray, weight: np.ndarray, model: Model
) -> tuple[float, float]:
    """Shares of all customers who would promote (9 or 10 of 10) and detract (0 to 6) (SPEC 8.2, normal CDF).

    Means, variances and weights by tier, float64 (tiers,); NaN without anybody.
    """
    from scipy.special import ndtr

    loyalty = model.loyalty
    promote, detract, spread, loading = loyalty.promote_from, loyalty.detract_below, loyalty.spread, loyalty.nps_loading
    centre = loyalty.nps_level + loading * loyalty_mean / spread
    sd = np.sqrt(loading**2 * loyalty_variance / spread**2 + 1.0 - loading**2)
    sd = np.maximum(sd, 1e-9)  # where all answer alike, all promote, detract or neither
    total = weight.sum()
    if not total > 0:
        return math.nan, math.nan
    up, down = ndtr((centre - promote) / sd), ndtr((detract - centre) / sd)
    return float((up * weight).sum() / total), float((down * weight).sum() / total)


def nps(loyalty_mean: np.ndarray, loyalty_variance: np.ndarray, weight: np.ndarray, model: Model) -> float:
    """Net promoter score, percentage points, that all customers would give; arguments as of `promoters`."""
    up, down = promoters(loyalty_mean, loyalty_variance, weight, model)
    return 100.0 * (up - down)


__all__ = ["ServiceLaw", "in_use", "nps", "promoters", "rates", "relocation_ratio", "service_law"]
