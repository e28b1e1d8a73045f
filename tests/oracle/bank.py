"""The bank as a Mesa model, each customer an agent: the months of `sim.bank.model.BankModel`, the plain way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import mesa

from oracle.customer import OracleCustomer, moved
from oracle.luck import normal, single
from oracle.world import OracleWorld
from sim.behaviour.service_law import service_law
from sim.codes import ACTIVE, CLOSED
from sim.scenario.scenario import Scenario

UNIT = 1024  # of weight, a customer


class OracleBank(mesa.Model):
    """One bank under one arm and one seed. `people` are the customers at the end of `month`, columns by name each."""

    def __init__(self, scenario: Scenario, seed: int, people: list[dict[str, Any]], *, month: int):
        super().__init__()
        self.scenario, self.seed, self.month = scenario, seed, month
        self.settings, self.tiers = scenario.model, scenario.tier_list
        self.channels = scenario.channels.all()
        self.bounds = [tier.start for tier in self.tiers]
        self.scale = service_law(self.settings, scenario.channels)
        self.levers: Any = None
        self.world = OracleWorld(self)
        self.plan: Mapping[int, int] = {}
        self.customers = [OracleCustomer(self, columns) for columns in people]
        self.leavers = [0.0] * len(self.tiers)
        self.flows: Counter[tuple[str, int]] = Counter()
        self.share_of_users = 0.0

    # --- settings -----------------------------------------------------------------------------------------------------

    def by_tier(self, table: Mapping[str, Any], tier: int) -> Any:
        """A setting by tier: the tier's own, else that of the tier it is like."""
        one = self.tiers[tier]
        return table[one.name] if one.name in table else table[one.key]

    # --- beginnings ---------------------------------------------------------------------------------------------------

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
        events = 1.0 + s.life.events / 12.0 * s.life.relocation * math.expm1(s.leaving.relocation)
        within = total = 0.0
        for tier, settings in enumerate(self.tiers):
            people = self.of_tier(tier)
            weights = [one.weight for one in people]
            risks = [one.log_hazard_ratio() for one in people]
            saved = [math.exp(x) * (1.0 - one.class_ratio()) for x, one in zip(risks, people, strict=True)]
            ratio = mean(weights, [fixed(math.exp(x), 2**20) for x in risks]) if people else 1.0
            ratio = max(ratio, 2.0**-20) * events
            ratio /= self.coverage_ratio(tier)
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

    def coverage_ratio(self, tier: int) -> float:
        """The mean hazard under the scenario's coverage over that under the coverage before."""
        return 1.0

    # --- what customers ask -------------------------------------------------------------------------------------------

    def _started(self, uses_app: bool, people_only: bool) -> list[tuple[float, float]]:
        """By channel: episodes that a customer starts in a month, and the chance that one fails."""
        found = []
        for number, channel in enumerate(self.channels):
            episodes, failing = channel.inbound * self.world.use(number), channel.failure
            if channel.in_branch and uses_app:
                episodes *= 1.0 - self.scenario.channels.branch_visits_saved
            if channel.in_app:
                episodes *= uses_app and not people_only
                failing *= math.exp(self.levers.log_app_failure)
            found.append((episodes, failing))
        return found

    def episodes(self, uses_app: bool) -> tuple[float, float]:
        """Chance of an experience in a month, and of one with people."""
        any_kind, people = (-math.expm1(-sum(e for e, _ in self._started(uses_app, only))) for only in (False, True))
        return any_kind, people

    def failures(self, uses_app: bool) -> tuple[float, float]:
        """Chance of a failure in a month, and of one with people."""
        if not self.settings.mechanisms.failures:
            return 0.0, 0.0
        ratio = math.exp(self.levers.log_failure)
        any_kind, people = (
            ratio * -math.expm1(-sum(e * f for e, f in self._started(uses_app, only))) for only in (False, True)
        )
        return any_kind, people

    def manager_quality(self, post: int) -> float:
        return self.qualities[post]

    def planned(self, customer: OracleCustomer) -> int:
        return self.plan.get(customer.uid, -1)

    def campaign(self, tier: int, channel: int) -> float:
        """Chance of a campaign's offer in a month."""
        chance = self.by_tier(self.channels[channel].campaign, tier) + self.levers.campaign[tier][channel]
        return min(max(chance, 0.0), 1.0)

    def data_quality(self) -> float:
        return moved(self.settings.scores.data_quality, self.levers.data_quality)

    def known(self, kind: str) -> float:
        """Correlation of a score with the truth (7.16)."""
        s, levers = self.settings.scores, self.levers
        if kind == "uplift":
            return min(max(s.uplift + levers.uplift, 0.0), 1.0)
        auc = s.churn_auc + levers.churn_auc if kind == "churn" else s.offer_auc + levers.offer_auc
        truth = self.risk_spread if kind == "churn" else self.settings.contacts.need
        effective = 0.5 + (min(max(auc, 0.5), 0.9999) - 0.5) * self.data_quality()
        return min(math.sqrt(2.0) * normal(effective) / max(truth, 1e-6), 1.0)

    def word_of_mouth(self, tier: int) -> float:
        s = self.settings.leaving
        if not self.settings.mechanisms.word_of_mouth:
            return 0.0
        return math.log(s.word_of_mouth) * s.neighbours * self.leavers[tier]

    # --- the month ----------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """The customers' month."""
        self.flows.clear()
        self.world = OracleWorld(self)
        self.world.strikes()
        for customer in self.customers:
            customer.step()

    def welcome(self, people: list[dict[str, Any]]) -> None:
        self.customers += [OracleCustomer(self, columns) for columns in people]

    def remember(self) -> None:
        """What this month leaves to the next one."""
        for tier in range(len(self.tiers)):
            active = sum(one.weight for one in self.of_tier(tier))
            gone = sum(self.flows[what, tier] for what in ("closed", "closed_dormant", "went_dormant"))
            self.leavers[tier] = self.settings.leaving.remembered * self.leavers[tier] + gone / max(active, 1)
        active = [one for one in self.customers if one.state == ACTIVE]
        self.share_of_users = sum(one.weight * one.adopted for one in active) / max(
            sum(one.weight for one in active), 1
        )

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
