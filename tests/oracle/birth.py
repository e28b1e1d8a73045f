"""What customers are when they come (docs/model.md 5, 7.14): one at a time, from their own luck."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scipy.special import betaincinv, gammaincinv

from oracle.luck import NORMAL, normal, poisson, uniforms
from sim.codes import ACTIVE, DORMANT, DRAW_BIRTH, DRAW_MARKOV

if TYPE_CHECKING:
    from oracle.bank import OracleBank

TOP = 1e9  # CNY, where the last tier ends
SMALLEST = 1.0  # CNY
STEP = 0.01  # of log AUM, in sums over its density
JOINER, REFERRED = 1 << 63, 1 << 62  # in a uid
LOG_NORMAL = 7.933, 2.2  # of the lowest tier of bank_b
PARETO = 0.736, 1.684, 1.987  # of the others


class OracleBirth:
    """The synthetic bank `bank_b`: AUM, long-run wealth, traits."""

    def __init__(self, bank: OracleBank):
        self.bank, self.settings = bank, bank.settings
        self.bounds = [*bank.bounds, TOP]

    # --- AUM ----------------------------------------------------------------------------------------------------------

    def aum(self, tier: int, u: float) -> float:
        """The quantile of the tier's law, cut to its band, in whole hundredths."""
        low, high = max(self.bounds[tier], SMALLEST), self.bounds[tier + 1]
        if tier == 0:
            mu, sigma = LOG_NORMAL
            a, b = (NORMAL.cdf((math.log(bound) - mu) / sigma) for bound in (low, high))
            aum = math.exp(mu + sigma * normal(a + u * (b - a)))
        else:
            alpha = PARETO[tier - 1]
            aum = low * (1.0 - u * (1.0 - (low / high) ** alpha)) ** (-1.0 / alpha)
        return max(math.floor(aum * 100.0) / 100.0, SMALLEST)

    @cached_property
    def density(self) -> list[tuple[float, float]]:
        """Log AUM, and the mass about it, over all tiers together."""
        found = []
        for tier, share in enumerate(self.bank.shares):
            low, high = math.log(max(self.bounds[tier], SMALLEST)), math.log(self.bounds[tier + 1])
            cells = round((high - low) / STEP)
            points = [low + (high - low) * (cell + 0.5) / cells for cell in range(cells)]
            if tier == 0:
                part = [math.exp(-0.5 * ((x - LOG_NORMAL[0]) / LOG_NORMAL[1]) ** 2) for x in points]
            else:
                part = [math.exp(-PARETO[tier - 1] * (x - low)) for x in points]
            found += [(x, share * mass / sum(part)) for x, mass in zip(points, part, strict=True)]
        return found

    @cached_property
    def spread_of_aum(self) -> tuple[float, float]:
        """Mean and standard deviation of log AUM."""
        mean = sum(x * mass for x, mass in self.density)
        return mean, math.sqrt(sum((x - mean) ** 2 * mass for x, mass in self.density))

    def long_run(self, log_aum: float) -> float:
        """How far long-run log wealth is from today's: Tweedie's correction."""
        wealth = self.settings.wealth
        level = slope = 0.0
        for x, mass in self.density:
            off = (log_aum - x) / wealth.score_smoothing
            near = mass * math.exp(-0.5 * off * off)
            level += near
            slope -= near * off / wealth.score_smoothing
        cut = wealth.score_cut
        variance = wealth.sd**2 / (1.0 - (1.0 - wealth.reversion) ** 2)
        return variance * min(max(slope / level, -cut), cut) if self.settings.mechanisms.wealth else 0.0

    # --- the app ------------------------------------------------------------------------------------------------------

    def affinity(self, age: float, u: float) -> float:
        """Beta, by a Gaussian copula with age."""
        a, traits = self.settings.adoption, self.settings.traits
        r = a.affinity_age
        z = r * (age - traits.age_mean_all) / traits.age_sd_all + math.sqrt(1.0 - r * r) * normal(u)
        precision = a.affinity_mean * (1.0 - a.affinity_mean) / a.affinity_sd**2 - 1.0
        return beta(NORMAL.cdf(z), a.affinity_mean, precision)

    def pull(self, age: float, affinity: float) -> float:
        a = self.settings.adoption
        drawn = a.usefulness * (affinity - a.affinity_mean) / a.affinity_sd - a.age * (age - a.age_from) / 10.0
        return a.standing * drawn

    @cached_property
    def reference(self) -> list[float]:
        """Pulls of a reference population, of all ages and affinities alike likely."""
        traits, points = self.settings.traits, [(cell + 0.5) / 60 for cell in range(60)]
        found = []
        for point in points:
            age = traits.age_mean_all + traits.age_sd_all * normal(point)
            age = min(max(age, traits.age_least), traits.age_most)
            found += [self.pull(age, self.affinity(age, other)) for other in points]
        return found

    def intercept(self, share: float) -> float:
        """At which this share of the reference population uses the app."""
        low, high = -30.0, 30.0
        for _ in range(50):
            middle = (low + high) / 2.0
            users = sum(1.0 / (1.0 + math.exp(-(middle + pull))) for pull in self.reference) / len(self.reference)
            low, high = (middle, high) if users < share else (low, middle)
        return (low + high) / 2.0

    @cached_property
    def intercepts(self) -> dict[bool, float]:
        """By whether somebody joins."""
        return {
            False: self.intercept(self.settings.adoption.start),
            True: self.intercept(self.settings.adoption.joiners),
        }

    # --- a customer ---------------------------------------------------------------------------------------------------

    def joiner(self, month: int, number: int, *, referred: bool) -> dict[str, Any]:
        """Who joins as the so-many-th of a month."""
        uid = JOINER | (month + 1024) << 32 | (REFERRED if referred else 0) | number
        u, end, tier = uniforms(self.bank.seed, DRAW_BIRTH, month, uid), 0.0, len(self.bank.tiers) - 1
        for one, chance in enumerate(self.bank.joining_by_tier()):
            end += chance
            if u[1] < end:
                tier = one
                break
        return self.person(uid, tier, month, joins=True, referred=referred)

    def person(self, uid: int, tier: int, month: int, *, joins: bool, referred: bool = False) -> dict[str, Any]:
        """Everything about a customer, from its luck."""
        s, by_tier = self.settings, self.bank.by_tier
        aum_luck, *_ = uniforms(self.bank.seed, DRAW_BIRTH, month, uid)
        who, use, elsewhere, past, heart = (uniforms(self.bank.seed, DRAW_BIRTH + j, month, uid) for j in range(1, 6))
        aum = self.aum(tier, aum_luck)
        traits = s.traits
        centre, width = by_tier(traits.age_mean, tier), by_tier(traits.age_sd, tier)
        low, high = (NORMAL.cdf((bound - centre) / width) for bound in (traits.age_least, traits.age_most))
        age = centre + width * normal(low + who[0] * (high - low))
        mean, spread = self.spread_of_aum
        rich, r = min(max((math.log(aum) - mean) / spread, -4.0), 4.0), traits.income_aum
        income = r * rich + math.sqrt(1.0 - r * r) * normal(who[1])
        affinity = self.affinity(age, who[3])
        frailty = gammaincinv(1.0 / s.leaving.frailty, use[0]) * s.leaving.frailty if s.mechanisms.frailty else 1.0
        adopted = use[1] < 1.0 / (1.0 + math.exp(-(self.intercepts[joins] + self.pull(age, affinity))))
        preferred = self.preferred(use[2], affinity)
        tenure = 0 if joins else int(min(-s.acquisition.tenure_mean * math.log(past[0]), s.acquisition.tenure_cap))
        share = beta(past[1], by_tier(s.wallet.mean, tier), s.wallet.precision)
        share = min(max(share, 0.005), 0.995)
        log_wealth = math.log(aum) - math.log(share)
        multihomer = elsewhere[0] < s.wallet.multihomers
        in_branch = s.wallet.multihoming_branch if self.bank.channels[preferred].in_branch else 1.0
        leak = s.wallet.multihoming * (1.0 + adopted * s.wallet.multihoming_digital * in_branch) * multihomer
        own = logit(share)
        if referred:
            fuller = min(share * s.acquisition.referred_wallet, 0.995)
            aum, share = math.floor(aum * fuller / share * 100.0) / 100.0, fuller
        lasting, feelings = s.feelings.engagement_lasting, 0.0 if joins else 1.0
        scale = self.bank.scale
        return {
            "uid": uid,
            "aum": aum,
            "aum_2": aum,
            "tier": tier,
            "state": DORMANT if not joins and past[2] < by_tier(s.acquisition.dormant_at_start, tier) else ACTIVE,
            "joined_month": month - tenure,
            "age": age - month / 12.0,
            "income": income,
            "products": min(1 + poisson(who[2], by_tier(s.products.beyond_first, tier)), s.products.most),
            "affinity": affinity,
            "adopted": int(adopted),
            "preferred": preferred,
            "need": traits.need_income * income + math.sqrt(1.0 - traits.need_income**2) * normal(use[3]),
            "log_frailty": math.log(frailty) + (math.log(s.acquisition.referred_hazard) if referred else 0.0),
            "uplift_class": self.uplift_class(elsewhere[2], elsewhere[3], use[0]),
            "multihomer": int(multihomer),
            "adverse": int(elsewhere[1] < s.products.adverse),
            "referred": int(referred),
            "log_wealth": log_wealth,
            "wealth_mean": log_wealth + self.long_run(math.log(self.aum(tier, aum_luck))),
            "wallet": logit(share),
            "wallet_mean": own + leak / s.wallet.reversion,
            "engagement_mean": math.sqrt(lasting) * normal(heart[3]),
            "engagement": math.sqrt(lasting) * normal(heart[3]) + math.sqrt(1.0 - lasting) * normal(past[3]),
            "satisfaction": scale.mu + scale.sd * feelings * normal(heart[0]),
            "trust": scale.trust_sd * feelings * normal(heart[1]),
            "expectation": scale.expectation_sd * feelings * normal(heart[2]),
        }

    def preferred(self, u: float, affinity: float) -> int:
        """The channel liked best: weights tilted by affinity."""
        weights = [one.preference * math.exp(one.preference_slope * (affinity - 0.5)) for one in self.bank.channels]
        end = 0.0
        for channel, weight in enumerate(weights):
            end += weight
            if u * sum(weights) < end:
                return channel
        return len(weights) - 1

    def uplift_class(self, u: float, u_sleeping: float, u_frailty: float) -> int:
        """Sleeping dogs whatever the risk; of the others the riskiest are lost causes, then persuadables."""
        shares, r = self.settings.retention.class_shares, self.settings.retention.class_risk
        if u_sleeping < shares["sleeping_dog"]:
            return 3
        rank = NORMAL.cdf(r * normal(u_frailty) + math.sqrt(1.0 - r * r) * normal(u))
        above = (1.0 - rank) * (1.0 - shares["sleeping_dog"])
        if above < shares["lost_cause"]:
            return 2
        return 0 if above < shares["lost_cause"] + shares["persuadable"] else 1

    # --- tiers by a matrix --------------------------------------------------------------------------------------------

    def moved(self, uid: int, tier: int) -> tuple[int, float]:
        """Where the matrix moves a customer, and its AUM there."""
        u, end = uniforms(self.bank.seed, DRAW_MARKOV, self.bank.month, uid), 0.0
        for to, chance in enumerate(self.settings.transitions.matrix[tier]):
            end += chance
            if u[0] < end:
                return to, self.aum(to, u[1])
        return len(self.bank.tiers) - 1, self.aum(len(self.bank.tiers) - 1, u[1])


def beta(u: float, mean: float, precision: float) -> float:
    """Quantile of the Beta law of a mean and a + b."""
    return float(betaincinv(mean * precision, (1.0 - mean) * precision, u))


def logit(share: float) -> float:
    return math.log(share / (1.0 - share))
