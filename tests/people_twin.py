"""The traits of new customers as formulas on whole arrays, written before the compiled births and apart from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import gammaincinv, ndtr, ndtri

from sim.agents.channel_settings import Channels
from sim.behaviour.settings import Model
from sim.codes import ACTIVE, DORMANT, DRAW_BIRTH, JOINED_THIS_YEAR, NOBODY
from sim.kernel.numerics import uniforms
from sim.population.laws import SMALLEST
from sim.population.people import Birth, _adoption_pull, _affinity, _beta, _poisson
from sim.tiers import row


def _or_known(known: Mapping[str, np.ndarray], name: str, drawn: np.ndarray, unit: float = 1.0) -> np.ndarray:
    """What is known, in so many of the model's own per unit of a book's; what was drawn where nothing is."""
    given = known.get(name)
    if given is None:
        return drawn
    values = unit * np.asarray(given, np.float64)
    return np.where(np.isnan(values), drawn, values)


def people(
    birth: Birth,
    seed: int,
    month: int,
    uid: np.ndarray,
    tier: np.ndarray,
    aum: np.ndarray,
    *,
    joiners: bool,
    known: Mapping[str, np.ndarray] | None = None,
    referred: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Columns by name, an array (n,) each, of customers with the given uid (uint64), tier (int64) and AUM (CNY), (n,).

    `month` keys the draws and is the month of joining of joiners; of others it is the month before the first.
    `referred`, bool (n,), says who comes through a recommendation: they leave less, and bring more money on joining,
    which the reversion of their wallet takes back.
    `known` holds what a book says: age, tenure_months, products, income (log), digital_active, digital_affinity,
    satisfaction, trust, expectation (SD), share_of_wallet, dormant (0/1); NaN where it says nothing.
    """
    known = known or {}
    model, tiers, law = birth.model, birth.tiers, birth.law
    n = uid.size
    u = [uniforms(seed, DRAW_BIRTH + j, month, uid) for j in range(1, 6)]

    def by_tier(table: Mapping[str, object]) -> np.ndarray:
        return row(table, tiers, np.float64)[tier]

    traits = model.traits
    centre, spread = by_tier(traits.age_mean), by_tier(traits.age_sd)
    low, high = ndtr((traits.age_least - centre) / spread), ndtr((traits.age_most - centre) / spread)
    age = _or_known(known, "age", centre + spread * ndtri(low + u[0][0] * (high - low)))
    age = np.clip(age, traits.age_least, traits.age_most)
    log_aum = np.log(np.maximum(aum, SMALLEST))
    aum_score = np.clip((log_aum - birth.score.mean) / birth.score.sd, -4, 4)
    income = _or_known(
        known, "income", traits.income_aum * aum_score + np.sqrt(1 - traits.income_aum**2) * ndtri(u[0][1])
    )
    products = _or_known(known, "products", 1 + _poisson(u[0][2], by_tier(model.products.beyond_first)))
    products = np.clip(products, 1, model.products.most)
    affinity = _or_known(known, "digital_affinity", _affinity(model, age, u[0][3]))

    theta = model.leaving.frailty if model.mechanisms.frailty else 0.0
    frailty = np.maximum(gammaincinv(1.0 / theta, u[1][0]) * theta, 1e-12) if theta > 0 else np.ones(n)
    intercept = birth.adoption_joiner if joiners else birth.adoption_start
    chance = 1.0 / (1.0 + np.exp(-(intercept + _adoption_pull(model, affinity, age))))
    adopted = _or_known(known, "digital_active", (u[1][1] < chance).astype(float))
    preferred = _preferred(birth.channels, u[1][2], affinity)
    need = traits.need_income * income + np.sqrt(1 - traits.need_income**2) * ndtri(u[1][3])

    multihomer = (u[2][0] < model.wallet.multihomers).astype(np.int8)
    adverse = (u[2][1] < model.products.adverse).astype(np.int8)
    uplift = _uplift_class(model, u[2][2], u[2][3], u[1][0])

    tenure = np.minimum(-model.acquisition.tenure_mean * np.log(u[3][0]), model.acquisition.tenure_cap)
    tenure = np.zeros(n) if joiners else np.floor(_or_known(known, "tenure_months", tenure))
    share = np.empty(n)
    means = row(model.wallet.mean, tiers, np.float64)
    for k in range(len(tiers)):
        of_tier = tier == k
        share[of_tier] = _beta(u[3][1][of_tier], means[k], model.wallet.precision)
    share = np.clip(_or_known(known, "share_of_wallet", share), 0.005, 0.995)
    dormant = np.zeros(n) if joiners else (u[3][2] < by_tier(model.acquisition.dormant_at_start)).astype(float)
    dormant = _or_known(known, "dormant", dormant)
    lasting = model.feelings.engagement_lasting
    engagement_mean = np.sqrt(lasting) * ndtri(u[4][3])
    engagement = engagement_mean + np.sqrt(1.0 - lasting) * ndtri(u[3][3])
    sent = np.zeros(n, bool) if referred is None else referred
    brings = np.where(sent, model.acquisition.referred_wallet, 1.0)

    settled = 0.0 if joiners else 1.0  # joiners start at the reference mean with nothing behind them (DECISIONS 3)
    satisfaction = _or_known(known, "satisfaction", settled * ndtri(u[4][0]))
    trust = _or_known(known, "trust", settled * law.trust_sd * ndtri(u[4][1]), law.trust_sd)
    expectation = _or_known(known, "expectation", settled * law.expectation_sd * ndtri(u[4][2]), law.expectation_sd)

    wallet = np.log(share / (1.0 - share))
    digital = model.wallet.multihoming_digital * np.where(
        birth.channels.column("in_branch")[preferred] > 0, model.wallet.multihoming_branch, 1.0
    )
    standing = multihomer * model.wallet.multihoming * (1.0 + digital * (adopted > 0))
    reversion = model.wallet.reversion
    log_wealth = log_aum - np.log(share)
    own_share, share = share, np.minimum(share * brings, 0.995)
    aum = np.where(sent, np.floor(aum * (share / own_share) * 100.0) / 100.0, aum)
    own, wallet = wallet, np.log(share / (1.0 - share))
    variance = model.wealth.sd**2 / max(1.0 - (1.0 - model.wealth.reversion) ** 2, 1e-9)
    return {
        "uid": uid,
        "aum": aum,
        "state": np.where(dormant > 0, DORMANT, ACTIVE),
        "tier": tier,
        "joined_month": month - tenure,
        "age": age - month / 12.0,
        "income": income,
        "products": products,
        "adopted": adopted,
        "preferred": preferred,
        "manager": np.full(n, NOBODY),
        "aum_1": aum,
        "aum_2": aum,
        "log_wealth": log_wealth,
        "wealth_mean": log_wealth + (variance * birth.score.at(log_aum) if model.mechanisms.wealth else 0.0),
        "wallet": wallet,
        # the standing leak to other banks is part of the customer's own mean, so only changes of it move the wallet
        "wallet_mean": own + _standing_shift(standing, reversion),
        "affinity": affinity,
        "need": need,
        "satisfaction": law.mu + law.sd * satisfaction,
        "expectation": expectation,
        "trust": trust,
        "engagement": engagement,
        "engagement_mean": engagement_mean,
        "log_frailty": np.log(frailty) + np.where(sent, np.log(model.acquisition.referred_hazard), 0.0),
        "referred": sent.astype(np.int8),
        "uplift_class": uplift,
        "multihomer": multihomer,
        "adverse": adverse,
        "year_start": np.full(n, JOINED_THIS_YEAR),
    }


def _preferred(channels: Channels, u: np.ndarray, affinity: np.ndarray) -> np.ndarray:
    """Channel liked best, int64 (n,): weights tilted by digital affinity, by a uniform each (SPEC 1.3)."""
    liked = zip(channels.column("preference"), channels.column("preference_slope"), strict=True)
    weights = np.stack([weight * np.exp(slope * (affinity - 0.5)) for weight, slope in liked])
    edges = np.cumsum(weights, axis=0)
    return np.minimum((u * edges[-1] >= edges).sum(axis=0), len(edges) - 1)


def _uplift_class(model: Model, u: np.ndarray, u_inert: np.ndarray, u_frailty: np.ndarray) -> np.ndarray:
    """Latent class of response to a retention contact, int64 (n,), by uniforms (n,) (SPEC 6.4).

    Correlated with risk by the uniform that frailty is made of, but distinct from it.
    """
    shares, r = model.retention.class_shares, model.retention.class_risk
    persuadable, lost, sleeping = shares["persuadable"], shares["lost_cause"], shares["sleeping_dog"]
    rank = ndtr(r * ndtri(u_frailty) + np.sqrt(1 - r**2) * ndtri(u))
    keep = 1.0 - sleeping
    kind = np.where(rank > 1 - lost / keep, 2, np.where(rank > 1 - (lost + persuadable) / keep, 0, 1))
    return np.where(u_inert < sleeping, 3, kind)


END = 80.0  # logits; a share this far out is 0 or 1 in float32


def _standing_shift(standing: np.ndarray, reversion: float) -> np.ndarray | float:
    """Where a standing leak moves a mean (logit) that pulls back at this rate a month, within what a share can tell."""
    with np.errstate(over="ignore"):
        return np.clip(standing / reversion, -END, END) if reversion > 0 else 0.0
