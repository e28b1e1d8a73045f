"""A customer's traits from its uid: the same person for the same seed, whoever else is in the bank.

Every draw is keyed by (seed, purpose, month of birth, uid). First customers and joiners, synthetic ones and those of
a book, come from the one function `people`; what a book knows of its customers replaces the draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import betaincinv, gammainccinv, gammaincinv, ndtr, ndtri, pdtr

from sim.agents.channel_settings import Channels
from sim.agents.customer import BY_NAME
from sim.behaviour.service_law import ServiceLaw
from sim.behaviour.settings import Model
from sim.kernel.births import CLOSE, KNOWN, LEAST_FRAILTY, REACH, STEPS, Births, Traits, bear, table_error
from sim.kernel.numerics import key_of, word_of
from sim.population.laws import SMALLEST, Score
from sim.tiers import Tier, row

DECADE = 10.0  # years
TABLE = 8193  # points of a tabulated quantile
SURE = 10.0  # an error so many times smaller than what is allowed
BEYOND = 16  # points of a table of quantiles beyond every uniform
NEAR = 32  # a Poisson quantile is not further from the normal one, unless a uniform is very near an end
# what an opening moves (`synthetic.opened`) is rounded once, after that
WIDE = dict.fromkeys(("satisfaction", "trust", "expectation", "affinity"), np.float64)


@dataclass(frozen=True)
class Birth:
    """All that shapes new customers of one scenario."""

    tiers: tuple[Tier, ...]
    model: Model
    law: ServiceLaw
    channels: Channels
    score: Score
    adoption_start: float  # intercepts of being app-active, log odds
    adoption_joiner: float

    @cached_property
    def beginning(self) -> Births:
        """What first customers are born by."""
        return _births(self, joiners=False)

    @cached_property
    def joining(self) -> Births:
        """What those who join are born by."""
        return _births(self, joiners=True)


def adoption_intercept(model: Model, share: float) -> float:
    """Intercept at which `share` of a reference population is app-active, by the covariates of SPEC 1.3."""
    if share <= 0.0 or share >= 1.0:
        return np.inf if share >= 1.0 else -np.inf
    point = (np.arange(4096) + 0.5) / 4096
    other = (point * 4096 * 0.6180339887498949) % 1.0  # an even spread over the square
    traits = model.traits
    age = np.clip(traits.age_mean_all + traits.age_sd_all * ndtri(point), traits.age_least, traits.age_most)
    pull = _adoption_pull(model, _affinity(model, age, other), age)
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        mean = float(np.mean(1.0 / (1.0 + np.exp(-(middle + pull)))))
        low, high = (middle, high) if mean < share else (low, middle)
    return 0.5 * (low + high)


def _adoption_pull(model: Model, affinity: np.ndarray, age: np.ndarray) -> np.ndarray:
    adoption = model.adoption
    return adoption.standing * (
        adoption.usefulness * (affinity - adoption.affinity_mean) / adoption.affinity_sd
        - adoption.age * (age - adoption.age_from) / DECADE
    )


def _beta_shape(mean: float, precision: float) -> tuple[float, float]:
    return mean * precision, (1.0 - mean) * precision


@lru_cache(maxsize=64)
def _beta_table(mean: float, precision: float) -> tuple[np.ndarray, np.ndarray]:
    points = (np.arange(TABLE) + 0.5) / TABLE
    return points, betaincinv(*_beta_shape(mean, precision), points)


def _beta(u: np.ndarray, mean: float, precision: float) -> np.ndarray:
    """Beta quantile of uniforms (n,), from a table: exact to 1e-4, and the same bits for the same uniform."""
    return np.interp(u, *_beta_table(mean, precision))


def _affinity(model: Model, age: np.ndarray, u: np.ndarray) -> np.ndarray:
    adoption, traits = model.adoption, model.traits
    age_score = (age - traits.age_mean_all) / traits.age_sd_all
    r = adoption.affinity_age
    z = r * age_score + np.sqrt(1.0 - r * r) * ndtri(u)
    return _beta(ndtr(z), adoption.affinity_mean, _affinity_precision(model))


def _affinity_precision(model: Model) -> float:
    adoption = model.adoption
    return max(adoption.affinity_mean * (1.0 - adoption.affinity_mean) / adoption.affinity_sd**2 - 1.0, 0.1)


@lru_cache(maxsize=64)
def _frailty_table(variance: float) -> np.ndarray:
    """Log of a gamma frailty with mean 1 at even normal scores of its draw; empty where no table can be sure."""
    score = np.linspace(-REACH, REACH, 2 * STEPS + 1)
    below, above = gammaincinv(1.0 / variance, ndtr(score)), gammainccinv(1.0 / variance, ndtr(-score))
    exact = np.log(np.maximum(np.where(score < 0, below, above) * variance, LEAST_FRAILTY))
    table = np.ascontiguousarray(exact[::2])
    return table if table_error(score[BEYOND:-BEYOND], exact[BEYOND:-BEYOND], table) < CLOSE / SURE else np.zeros(0)


def _births(birth: Birth, *, joiners: bool) -> Births:
    """What the compiled births of this scenario's first customers, or joiners, take."""
    model, tiers, law = birth.model, birth.tiers, birth.law
    traits, adoption, wallet, acquisition = model.traits, model.adoption, model.wallet, model.acquisition

    def by_tier(table: Mapping[str, object]) -> np.ndarray:
        return row(table, tiers, np.float64)

    def rest(correlation: float) -> float:
        return float(np.sqrt(1.0 - correlation**2))

    centre, spread = by_tier(traits.age_mean), by_tier(traits.age_sd)
    low, high = ndtr((traits.age_least - centre) / spread), ndtr((traits.age_most - centre) / spread)
    points, affinity = _beta_table(adoption.affinity_mean, _affinity_precision(model))
    theta = model.leaving.frailty if model.mechanisms.frailty else 0.0
    shares, lasting = model.retention.class_shares, model.feelings.engagement_lasting
    variance = model.wealth.sd**2 / max(1.0 - (1.0 - model.wealth.reversion) ** 2, 1e-9)
    return Births(
        age_centre=centre,
        age_spread=spread,
        age_low=low,
        age_width=high - low,
        age_least=float(traits.age_least),
        age_most=float(traits.age_most),
        age_mean=float(traits.age_mean_all),
        age_sd=float(traits.age_sd_all),
        aum_least=SMALLEST,
        score_mean=birth.score.mean,
        score_sd=birth.score.sd,
        score_grid=birth.score.grid,
        score_values=birth.score.values,
        wealth_variance=float(variance) if model.mechanisms.wealth else 0.0,
        income_aum=float(traits.income_aum),
        income_rest=rest(traits.income_aum),
        products=_poisson_tables(by_tier(model.products.beyond_first)),
        products_most=float(model.products.most),
        affinity_age=float(adoption.affinity_age),
        affinity_rest=rest(adoption.affinity_age),
        beta_points=points,
        affinity_table=affinity,
        share_table=np.stack([_beta_table(mean, wallet.precision)[1] for mean in by_tier(wallet.mean).tolist()]),
        frailty=float(theta),
        frailty_table=_frailty_table(float(theta)) if theta > 0 else np.zeros(0),
        adoption=float(birth.adoption_joiner if joiners else birth.adoption_start),
        adoption_standing=float(adoption.standing),
        usefulness=float(adoption.usefulness),
        affinity_mean=float(adoption.affinity_mean),
        affinity_sd=float(adoption.affinity_sd),
        adoption_age=float(adoption.age),
        adoption_age_from=float(adoption.age_from),
        decade=DECADE,
        preference=birth.channels.column("preference").astype(np.float64),
        preference_slope=birth.channels.column("preference_slope").astype(np.float64),
        in_branch=birth.channels.column("in_branch").astype(np.float64),
        need_income=float(traits.need_income),
        need_rest=rest(traits.need_income),
        multihomers=float(wallet.multihomers),
        adverse=float(model.products.adverse),
        class_risk=float(model.retention.class_risk),
        class_rest=rest(model.retention.class_risk),
        persuadable=float(shares["persuadable"]),
        lost=float(shares["lost_cause"]),
        sleeping=float(shares["sleeping_dog"]),
        tenure_mean=float(acquisition.tenure_mean),
        tenure_cap=float(acquisition.tenure_cap),
        dormant=by_tier(acquisition.dormant_at_start),
        engagement_mean=float(np.sqrt(lasting)),
        engagement_rest=float(np.sqrt(1.0 - lasting)),
        referred_wallet=float(acquisition.referred_wallet),
        referred_hazard=float(np.log(acquisition.referred_hazard)),
        settled=not joiners,
        satisfaction_mu=float(law.mu),
        satisfaction_sd=float(law.sd),
        trust_sd=float(law.trust_sd),
        expectation_sd=float(law.expectation_sd),
        multihoming=float(wallet.multihoming),
        multihoming_digital=float(wallet.multihoming_digital),
        multihoming_branch=float(wallet.multihoming_branch),
        reversion=float(wallet.reversion),
        share_least=0.005,
        share_most=0.995,
    )


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
    n = uid.size
    law = birth.law
    told = np.full((len(KNOWN), n if known else 0), np.nan)
    for name, values in (known or {}).items():
        told[KNOWN.index(name)] = values
    told[KNOWN.index("trust")] *= law.trust_sd
    told[KNOWN.index("expectation")] *= law.expectation_sd
    columns = Traits(
        *(np.empty(n, WIDE.get(name, BY_NAME[name].dtype if name in BY_NAME else np.int8)) for name in Traits._fields)
    )
    uid = np.require(uid, np.uint64, ["C", "W"])  # read-only ids (a book has them) would be compiled for anew
    tier, aum = np.require(tier, np.int64, ["C", "W"]), np.require(aum, np.float64, ["C", "W"])
    sent = np.zeros(n, bool) if referred is None else np.require(referred, bool, ["C", "W"])
    births = birth.joining if joiners else birth.beginning
    bear(columns, 0, n, uid, tier, aum, sent, told, *key_of(seed), month, word_of(month), births)
    nobody: dict[str, np.ndarray] = {
        name: np.full(n, BY_NAME[name].empty, BY_NAME[name].dtype) for name in ("manager", "year_start")
    }
    return columns._asdict() | nobody | {"uid": uid, "tier": tier}


def _poisson_tables(means: np.ndarray) -> np.ndarray:
    """Share of a Poisson number up to 0, 1, 2, ... by mean, float64 (means, reach), 2 beyond its reach."""
    reach = [int(mean + 12.0 * np.sqrt(mean) + 20.0) if mean > 0 else 0 for mean in means.tolist()]
    tables = np.full((means.size, max(reach) + 1), 2.0)
    for k, (mean, size) in enumerate(zip(means.tolist(), reach, strict=True)):
        tables[k, :size] = pdtr(np.arange(size), mean)
    return tables


def _poisson(u: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Poisson quantile of uniforms (n,), float64 (n,); `mean` (n,) has few different values, one a tier."""
    out = np.zeros(u.size)
    for value in np.unique(mean[mean > 0]):
        mine = mean == value
        around = 12.0 * np.sqrt(value)  # beyond that is less than any uniform tells
        least = max(int(value - around), 0)
        reach = np.arange(least, int(value + around + 20.0))
        out[mine] = least + np.searchsorted(pdtr(reach, value), u[mine], side="left")
    return out


def joiners_of_month(u: float, mean: float) -> int:
    """How many rows join in a month: the Poisson quantile of one uniform, so that arms differ smoothly."""
    if mean <= 0:
        return 0
    least = max(int(mean + np.sqrt(mean) * ndtri(u)) - NEAR, 0)  # the normal law is not far
    share = pdtr(np.arange(least, least + 2 * NEAR), mean)
    if (least == 0 or share[0] < u) and u <= share[-1]:
        return least + int(np.searchsorted(share, u, side="left"))
    return int(_poisson(np.array([u]), np.array([mean]))[0])
