"""The bank as a Mesa model, each customer an agent: the months of `sim.bank.model.BankModel`, the plain way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import mesa

from oracle import standing
from oracle.birth import TOP, OracleBirth
from oracle.customer import OracleCustomer, moved
from oracle.ledger import OracleLedger
from oracle.luck import NORMAL, normal, poisson, single, uniforms
from oracle.strategies import NOTHING_TRIED, OracleLevers, OracleProgramme, Tried, Wish
from oracle.team import OracleTeam
from oracle.world import OracleWorld
from sim.codes import ACTIVE, CLOSED, DRAW_JOINERS
from sim.scenario.scenario import Scenario

UNIT = 1024  # of weight, a customer


class OracleBank(mesa.Model):
    """One bank under the scenario's first arm and one seed; `first` are its first customers, columns by name each.

    Taken from the model: what customers are when they come, no more.
    """

    def __init__(self, scenario: Scenario, seed: int, first: list[dict[str, Any]]):
        super().__init__()
        self.scenario, self.seed, self.month = scenario, seed, -scenario.burn_in
        self.settings, self.tiers = scenario.model, scenario.tier_list
        self.channels = scenario.channels.all()
        self.bounds = [tier.start for tier in self.tiers]
        self.levers = OracleLevers(len(self.tiers))  # of managers, and of customers in no pilot
        self.meets = {NOTHING_TRIED: self.levers}
        self.programme: OracleProgramme | None = None  # begins with the measured months
        self.world = OracleWorld(self)
        self.team = OracleTeam(self)
        self.by_matrix = self.settings.transitions.mode == "markov"
        self.ceilings = [*self.bounds[1:], TOP]
        self.scale = standing.scale(self)
        self.standing_bond = [standing.bond(self, tier) for tier in range(len(self.tiers))]
        self.coverage_ratio = [standing.coverage_ratio(self, tier) for tier in range(len(self.tiers))]
        self.ledger = OracleLedger(self)
        self.promoters_at_start = 0.0
        self.plan: Mapping[int, int] = {}
        self.flows: Counter[tuple[str, int]] = Counter()
        self.leavers = [0.0] * len(self.tiers)
        self.customers = [OracleCustomer(self, columns) for columns in first]
        of_tier = [[one.weight for one in self.customers if one.tier == k] for k in range(len(self.tiers))]
        self.shares = [sum(weights) / sum(map(sum, of_tier)) for weights in of_tier]
        self.joiner_weight = [sum(weights) // len(weights) if weights else UNIT for weights in of_tier]
        if self.settings.mechanisms.contacts:
            self.team.is_founded()
        self.counts_itself()
        self.weighs_population()
        if self.month == 0:
            self.remembers_tiers()

    def remembers_tiers(self) -> None:
        """Of month 0, by which customers are in pilots."""
        for one in self.customers:
            one.first_tier = one.tier

    def begins_measuring(self) -> None:
        """Month 0: hazards are normalised once more, and the arm's strategies begin."""
        self.weighs_population()
        self.promoters_at_start = self.promoters_counted
        self.remembers_tiers()
        self.programme = OracleProgramme(self, self.scenario.arm_list[0])
        for one in self.customers:
            one.tried = self.tried_with(one)

    # --- settings -----------------------------------------------------------------------------------------------------

    def by_tier(self, table: Mapping[str, Any], tier: int) -> Any:
        """A setting by tier: the tier's own, else that of the tier it is like."""
        one = self.tiers[tier]
        return table[one.name] if one.name in table else table[one.key]

    # --- who is there -------------------------------------------------------------------------------------------------

    def open_customers(self) -> list[OracleCustomer]:
        return [one for one in self.customers if one.state != CLOSED]

    def of_tier(self, tier: int) -> list[OracleCustomer]:
        """Active customers of a tier."""
        return [one for one in self.customers if one.state == ACTIVE and one.tier == tier]

    def weighs_population(self) -> None:
        """Base rates such that the active population has the wanted mean hazards, and the scale of scores (7.12)."""
        s = self.settings
        self.month += 1  # the hazards meant are those of the coming month
        for one in self.open_customers():
            one.risk = one.log_hazard_ratio()
        self.close_rate, self.dormant_rate = [], []
        self.moments: dict[str, list[tuple[float, float]]] = {"churn": [], "uplift": []}
        moves = s.life.events / 12.0 * s.life.relocation if s.mechanisms.covariates else 0.0
        events = 1.0 + moves * math.expm1(s.leaving.relocation)
        within = total = 0.0
        for tier, settings in enumerate(self.tiers):
            people = self.of_tier(tier)
            weights = [one.weight for one in people]
            risks = [one.log_hazard_ratio() for one in people]
            saved = [math.exp(x) * (1.0 - one.class_ratio()) for x, one in zip(risks, people, strict=True)]
            ratio = mean(weights, [fixed(math.exp(x), 2**20) for x in risks]) if people else 1.0
            ratio = max(ratio, 2.0**-20) * events
            ratio /= self.coverage_ratio[tier]
            if not s.normalise_hazards:
                ratio = 1.0
            hazard = s.hazard(settings)
            self.close_rate.append(-math.log1p(-hazard.close) / ratio)
            self.dormant_rate.append(-math.log1p(-hazard.dormant) / ratio)
            self.moments["churn"].append(moments(weights, risks))
            self.moments["uplift"].append(moments(weights, saved))
            within += sum(weights) * self.moments["churn"][-1][1] ** 2
            total += sum(weights)
        self.risk_spread = math.sqrt(within / max(total, 1))
        self.month -= 1

    def counts_itself(self) -> None:
        """What the next month goes by, before managers come and go: customers, app users, promoters."""
        self.promoters_counted = self.promoters()
        active = [one for one in self.customers if one.state == ACTIVE]
        self.size = sum(one.weight for one in self.open_customers()) / UNIT
        self.share_of_users = sum(one.weight * one.adopted for one in active) / max(
            sum(one.weight for one in active), 1
        )

    def promoters(self) -> float:
        """Share of active customers who would recommend the bank, by the normal law tier by tier (11.3)."""
        s, promote, total = self.settings.loyalty, 0.0, 0
        for tier in range(len(self.tiers)):
            people = self.of_tier(tier)
            weights, loyalty = [one.weight for one in people], [one.loyalty() for one in people]
            middle = mean(weights, loyalty)
            variance = max(mean(weights, [x * x for x in loyalty]) - middle * middle, 0.0)
            centre = s.nps_level + s.nps_loading * middle / s.spread
            noise = math.sqrt(s.nps_loading**2 * variance / s.spread**2 + 1.0 - s.nps_loading**2)
            promote += NORMAL.cdf((centre - s.promote_from) / noise) * sum(weights)
            total += sum(weights)
        return promote / max(total, 1)

    # --- what customers ask -------------------------------------------------------------------------------------------

    def serves(self, uses_app: bool, levers: OracleLevers) -> tuple[float, float, float, float]:
        """Chances in a month of an experience, of one with people, of a failure, and of one with people."""
        found = []
        for people_only in (False, True):
            episodes = failures = 0.0
            for number, channel in enumerate(self.channels):
                started, failing = channel.inbound * self.world.use(number), channel.failure
                if channel.in_branch and uses_app:
                    started *= 1.0 - self.scenario.channels.branch_visits_saved
                if channel.in_app:
                    started *= uses_app and not people_only
                    failing *= math.exp(levers.log_app_failure)
                episodes += started
                failures += started * failing
            ratio = math.exp(levers.log_failure) if self.settings.mechanisms.failures else 0.0
            found.append((-math.expm1(-episodes), -ratio * math.expm1(-failures)))
        (any_kind, fails), (people, people_fail) = found
        return any_kind, people, fails, people_fail

    def manager_quality(self, post: int) -> float:
        return self.qualities[post]

    def hours_of_norm(self, tier: int) -> float:
        return self.team.hours_of_norm(tier)

    def planned(self, customer: OracleCustomer) -> int:
        return self.plan.get(customer.uid, -1)

    def data_quality(self, levers: OracleLevers) -> float:
        return moved(self.settings.scores.data_quality, levers.data_quality)

    def known(self, kind: str, levers: OracleLevers) -> float:
        """Correlation of a score with the truth (7.16)."""
        s = self.settings.scores
        if kind == "uplift":
            return min(max(s.uplift + levers.uplift, 0.0), 1.0)
        auc = s.churn_auc + levers.churn_auc if kind == "churn" else s.offer_auc + levers.offer_auc
        truth = self.risk_spread if kind == "churn" else self.settings.contacts.need
        effective = 0.5 + (min(max(auc, 0.5), 0.9999) - 0.5) * self.data_quality(levers)
        return min(math.sqrt(2.0) * normal(effective) / max(truth, 1e-6), 1.0)

    def word_of_mouth(self, tier: int) -> float:
        s = self.settings.leaving
        if not self.settings.mechanisms.word_of_mouth:
            return 0.0
        return math.log(s.word_of_mouth) * s.neighbours * self.leavers[tier]

    # --- the month ----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Live the month, in the order of docs/model.md 3, but for who joins."""
        for one in self.customers:
            if one.state == CLOSED:
                one.remove()
        self.customers = self.open_customers()
        self.month += 1
        self.flows.clear()
        self.world = OracleWorld(self)
        self.world.strikes()
        self.meets = {tried: self.turned(tried) for tried in {NOTHING_TRIED, *(one.tried for one in self.customers)}}
        self.levers = self.meets[NOTHING_TRIED]
        self.qualities = [manager.quality() for manager in self.team.managers]
        self.plan = self.team.plans(self.wishes()) if self.settings.mechanisms.contacts else {}
        self.chances = {
            (tried, uses_app): self.serves(uses_app, levers)
            for tried, levers in self.meets.items()
            for uses_app in (False, True)
        }
        self.agents_by_type[OracleCustomer].do("step")
        if self.by_matrix and self.month % self.settings.transitions.period_months == 0:
            birth = OracleBirth(self)
            for one in self.open_customers():
                one.is_moved(*birth.moved(one.uid, one.tier))

    def turned(self, tried: Tried) -> OracleLevers:
        """The levers of the month, of customers in these pilots."""
        return self.programme.turns(tried) if self.programme is not None else OracleLevers(len(self.tiers))

    def tried_with(self, customer: OracleCustomer) -> Tried:
        return self.programme.tried_with(customer) if self.programme is not None else NOTHING_TRIED

    def wishes(self) -> dict[int, Wish]:
        return self.programme.wishes() if self.programme is not None else {}

    def joiners(self) -> tuple[int, int]:
        """How many join this month, rows: by themselves, and through a customer who recommended the bank."""
        s = self.settings.acquisition
        if not self.settings.mechanisms.acquisition:
            return 0, 0
        rows = sum(self.rows_by_tier())
        rows *= s.rate / 12.0 * sum(one.weight for one in self.open_customers()) / UNIT
        now = self.promoters() / self.promoters_at_start if self.promoters_at_start > 0.0 else 1.0
        alone, through = uniforms(self.seed, DRAW_JOINERS, self.month, 0)[:2]
        return poisson(alone, rows * (1.0 - s.referral)), poisson(through, rows * s.referral * now)

    def rows_by_tier(self) -> list[float]:
        """Of a customer who joins: the chance of each tier, over what a row there stands for."""
        chance = [self.settings.acquisition.upper_tiers * share for share in self.shares]
        chance[0] = 1.0 - sum(chance[1:])
        return [p * UNIT / weight for p, weight in zip(chance, self.joiner_weight, strict=True)]

    def joining_by_tier(self) -> list[float]:
        """Chances of a joining row's tier."""
        rows = self.rows_by_tier()
        return [one / sum(rows) for one in rows]

    def welcomes(self, people: list[dict[str, Any]]) -> None:
        for columns in people:
            one = OracleCustomer(self, columns)
            self.customers.append(one)
            self.count(one, "joined")

    def closes_month(self) -> None:
        """Managers' month, and what this month leaves to the next one."""
        for tier in range(len(self.tiers)):
            active = sum(one.weight for one in self.of_tier(tier))
            gone = sum(self.flows[what, tier] for what in ("closed", "closed_dormant", "went_dormant"))
            self.leavers[tier] = self.settings.leaving.remembered * self.leavers[tier] + gone / max(active, 1)
        self.counts_itself()
        if self.settings.mechanisms.contacts:
            for manager in self.team.managers:
                manager.closes_month()
            for manager in self.team.managers:
                manager.is_poached()
            self.team.balances()

    # --- what customers tell ------------------------------------------------------------------------------------------

    def count(self, customer: OracleCustomer, what: str) -> None:
        self.flows[what, customer.tier] += customer.weight

    def says_goodbye(self, customer: OracleCustomer) -> None:
        self.count(customer, "closed" if customer.state == ACTIVE else "closed_dormant")

    def moves(self, customer: OracleCustomer, to: int) -> None:
        self.count(customer, "upgraded" if to > customer.tier else "downgraded")
        self.flows["moved_in", to] += customer.weight


def mean(weights: list[int], values: list[float]) -> float:
    return sum(w * v for w, v in zip(weights, values, strict=True)) / max(sum(weights), 1)


def fixed(value: float, unit: int) -> float:
    """A value as integer sums hold it: whole units, towards zero."""
    return int(single(single(value) * unit)) / unit


def moments(weights: list[int], values: list[float]) -> tuple[float, float]:
    """Mean and standard deviation, never quite nothing, as integer sums in 1/4096 have them."""
    middle = mean(weights, [fixed(v, 4096) for v in values])
    square = mean(weights, [fixed(v * v, 4096) for v in values])
    return middle, math.sqrt(max(square - middle * middle, 1e-6))
