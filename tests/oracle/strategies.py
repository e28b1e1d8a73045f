"""Levers and strategies (docs/model.md 9): how far each has taken hold, what it turns, whom it wants contacted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from oracle.luck import normal, uniforms
from sim.codes import APP, CHANNELS, DRAW_PILOT, LEAD, MESSAGING, PHONE, RETENTION

if TYPE_CHECKING:
    from oracle.bank import OracleBank
    from oracle.customer import OracleCustomer

GATED = ("stratification", "personalised_service", "staff_upskilling")
TOUCHES = {  # whose hours, and whose service, the first months unsettle
    "digital_thinking": ("service",),
    "stratification": ("managers",),
    "personalised_service": ("hours", "app"),
    "staff_upskilling": ("managers",),
    "institutional": ("hours",),
    "human_resources": ("managers",),
    "fintech": ("hours", "app"),
    "onboarding": (),
}


BY_MANAGERS = {"coverage", "retention", "near_threshold", "leads"}  # parts of stratification
Tried = frozenset[str]  # the strategies in whose pilots a customer is
NOTHING_TRIED: Tried = frozenset()


class Wish(NamedTuple):
    """A contact that strategies want: how much, and what for."""

    priority: float
    purpose: int


def acts(one: Any, tried: Tried) -> bool:
    """Whether a strategy acts on customers in these pilots."""
    return one.where is None or one.use in tried


def logit(share: float) -> float:
    return math.log(share / (1.0 - share))


class OracleLevers:
    """All levers, neutral."""

    def __init__(self, tiers: int):
        by_tier, by_channel = [0.0] * tiers, [0.0] * len(CHANNELS)
        for name in ("log_hazard", "log_close", "log_dormant", "quality", "quality_managed", "log_conversion"):
            setattr(self, name, list(by_tier))
        self.win_back, self.coverage = list(by_tier), list(by_tier)
        self.campaign = [list(by_channel) for _ in range(tiers)]
        self.retain = [list(by_channel) for _ in range(tiers)]
        self.welcome = list(by_channel)
        self.log_quality_sd = [[0.0, 0.0], [0.0, 0.0]]  # by manager, by app
        for name in (
            *("log_return", "log_failure", "log_app_failure", "resolution", "adoption", "extra_grace", "log_demotion"),
            *("privacy", "privacy_risk", "log_refusal", "push", "push_managers", "targeting", "log_welcome_hazard"),
            *("welcome_adoption", "welcome_product", "outreach", "handoff", "synergy", "churn_auc", "offer_auc"),
            *("uplift", "data_quality", "log_hours", "log_contact_hours", "log_manager_exit", "log_vacancy"),
            *("log_unprepared", "train_professional", "train_digital"),
        ):
            setattr(self, name, 0.0)
        self.retain_cut, self.by_uplift = -math.inf, False
        self.offer_share, self.pressure_cap = 1.0, math.inf


class OracleProgramme:
    """The strategies of an arm in a bank, from what it was at month 0."""

    def __init__(self, bank: OracleBank, arm: Any):
        self.bank = bank
        self.settings = bank.scenario.implementation
        self.strategies = {one.use: one for one in arm.strategies if one.intensity > 0}
        self.revenue = bank.ledger.revenue_a_year()
        self.upper_aum = by_percent(
            [(one.aum, one.uid, one.weight) for k in range(1, len(bank.tiers)) for one in bank.of_tier(k)]
        )

        if arm.budget is not None:
            self.keeps_to(arm.budget)

    def keeps_to(self, budget: float) -> None:
        """Scale intensities by one factor, each up to 1, so that a year costs the budget over the horizon."""
        full = self.strategies
        low, high = 0.0, 1.0 / min(one.intensity for one in full.values())

        def yearly(factor: float) -> float:
            self.strategies = {
                name: one.model_copy(update={"intensity": min(one.intensity * factor, 1.0)})
                for name, one in full.items()
            }
            return sum(self.a_year(one) for one in self.strategies.values())

        if yearly(high) <= budget:
            return
        for _ in range(80):
            middle = (low + high) / 2.0
            low, high = (middle, high) if yearly(middle) <= budget else (low, middle)
        yearly(low)

    def a_year(self, one: Any) -> float:
        """What a strategy costs over the horizon, a year, with the pay of managers it adds once it has taken hold."""
        bank, months = self.bank, self.bank.scenario.months
        spent = sum(self.spends(one, month) for month in range(1, months + 1)) * 12.0 / months
        posts = 0.0
        if one.use == "stratification" and "coverage" in one.parts:
            managers = bank.scenario.managers
            for k in range(1, len(bank.tiers)):
                coverage = bank.by_tier(managers.coverage, k)
                if 0.0 < coverage < one.coverage:
                    shift = one.intensity * one.fidelity * (logit(one.coverage) - logit(coverage))
                    covered = 1.0 / (1.0 + math.exp(-logit(coverage) - shift)) - coverage
                    active = sum(customer.weight for customer in bank.of_tier(k)) / 1024
                    posts += covered * active / bank.by_tier(managers.span, k)
        return spent + posts * bank.scenario.managers.salary * 12.0

    def spends(self, one: Any, month: int) -> float:
        """Cost of a strategy in a month."""
        elapsed, capital_months = self.elapsed(one, month), self.settings.capital_months
        if elapsed == 0:
            return 0.0
        whole = sum(self.revenue_where(one))
        capital = in_money(one.capital, whole) / capital_months if elapsed <= capital_months else 0.0
        return one.intensity * (capital + in_money(one.running, whole) / 12.0)

    # --- how far ------------------------------------------------------------------------------------------------------

    def elapsed(self, one: Any, month: int | None = None) -> int:
        """Months at work, the first counted as 1."""
        month = self.bank.month if month is None else month
        return 0 if one.until is not None and month > one.until else max(month - one.start, 0)

    def curve(self, one: Any) -> float:
        tau = self.elapsed(one)
        return 1.0 / (1.0 + math.exp(-one.speed * (tau - one.lag))) if tau > 0 else 0.0

    def held(self, name: str, tried: Tried) -> float:
        """Intensity times the S-curve of another strategy, where it acts."""
        one = self.strategies.get(name)
        return one.intensity * self.curve(one) if one is not None and acts(one, tried) else 0.0

    def maturity(self, one: Any, tried: Tried | None = None) -> float:
        """On customers with whom these strategies are tried; those of its own pilot unless said."""
        own = frozenset({one.use}) if tried is None else tried
        held = partial(self.held, tried=own)
        s, fidelity, name = self.settings, one.fidelity, one.use
        if name in GATED:
            fidelity = min(fidelity + s.institutions * held("institutional"), 1.0)
            fidelity = min(fidelity, s.gate + (1.0 - s.gate) * held("digital_thinking"))
        reached = one.intensity * fidelity * self.curve(one)
        if name == "personalised_service":
            reached *= 1.0 + s.tools_and_team * held("staff_upskilling")
            reached *= 1.0 + s.strata_and_tools * held("stratification")
        elif name == "staff_upskilling":
            reached *= 1.0 + s.tools_and_team * held("personalised_service")
            kept = 0.5 ** (self.elapsed(one) / s.erosion_half_life)
            reached *= kept + (1.0 - kept) * held("human_resources")
        elif name == "stratification":
            reached *= 1.0 + s.strata_and_tools * held("personalised_service")
        return min(reached, 1.0)

    def at_work(self, tried: Tried) -> Iterator[tuple[Any, float]]:
        for one in self.strategies.values():
            if self.elapsed(one) > 0 and acts(one, tried):
                yield one, self.maturity(one, tried)

    def tried_with(self, customer: OracleCustomer) -> Tried:
        """The strategies whose pilots a customer is in, by the tier at month 0 or on joining, and its own draw."""
        tried = set()
        for one in self.strategies.values():
            if one.where is not None:
                named = [one.where.tier] if isinstance(one.where.tier, str) else one.where.tier
                inside = named is None or self.bank.tiers[customer.first_tier].name in named
                if inside and uniforms(self.bank.seed, DRAW_PILOT, 0, customer.uid)[0] < one.where.share:
                    tried.add(one.use)
        return frozenset(tried)

    # --- levers -------------------------------------------------------------------------------------------------------

    def turns(self, tried: Tried = NOTHING_TRIED) -> OracleLevers:
        """The month's levers that some customers meet, the upheaval of first months included."""
        levers = OracleLevers(len(self.bank.tiers))
        depth = dict.fromkeys(("managers", "hours", "app", "service"), 0.0)
        for one, maturity in self.at_work(tried):
            getattr(self, one.use)(levers, one, maturity)
            if self.elapsed(one) <= self.settings.dip_months:
                unsettles = () if one.use == "stratification" and not BY_MANAGERS & {*one.parts} else TOUCHES[one.use]
                for touched in unsettles:
                    depth[touched] = max(depth[touched], one.intensity)
        levers.log_hours += math.log(1.0 - self.settings.dip_hours * max(depth["managers"], depth["hours"]))
        for managed in (0, 1):
            for app in (0, 1):
                felt = max(depth["service"], managed * depth["managers"], app * depth["app"])
                levers.log_quality_sd[managed][app] += 0.5 * math.log(1.0 + self.settings.dip_variance * felt)
        return levers

    def digital_thinking(self, levers: OracleLevers, s: Any, m: float) -> None:
        bank = self.bank.settings
        for k in range(len(self.bank.tiers)):
            levers.quality[k] += m * s.quality_part * s.quality
        for by_app in levers.log_quality_sd:
            by_app[:] = [log + m * 0.5 * math.log(1.0 + s.variance) for log in by_app]
        levers.log_failure += m * math.log(1.0 + s.failures)
        levers.resolution += m * (logit(s.resolution) - logit(bank.service.resolution))
        levers.push += m * (logit(s.push) - logit(bank.contacts.push))
        levers.adoption += m * math.log(s.adoption)

    def stratification(self, levers: OracleLevers, s: Any, m: float) -> None:
        parts = {*s.parts}
        for k in range(1, len(self.bank.tiers)) if "coverage" in parts else ():
            coverage = self.bank.by_tier(self.bank.scenario.managers.coverage, k)
            if 0.0 < coverage < s.coverage:
                levers.coverage[k] += m * (logit(s.coverage) - logit(coverage))
        late = 0.5 ** (max(s.handoff_days - s.handoff_within, 0.0) / s.handoff_half_life)
        if "leads" in parts:
            levers.handoff += m * math.log(1.0 + (s.handoff - 1.0) * late)
        if "coordination" in parts:
            levers.synergy += m * math.log(s.coordinated / s.uncoordinated)
        if "outreach" in parts:
            levers.outreach += m * s.outreach
        if "win_back" in parts:
            levers.win_back[:] = [chance + m * s.win_back / 12.0 for chance in levers.win_back]
        if "pressure" in parts:
            self.caps(levers, s, m)
        if "grace" in parts:
            levers.extra_grace += m * s.grace
            levers.log_demotion += m * math.log(1.0 + s.demotion)

    def caps(self, levers: OracleLevers, s: Any, m: float) -> None:
        """A cap on contact pressure comes down on the log scale; of two the stricter holds."""
        levers.pressure_cap = min(levers.pressure_cap, s.uncapped * (s.pressure / s.uncapped) ** m)

    def personalised_service(self, levers: OracleLevers, s: Any, m: float) -> None:
        before = self.bank.settings.scores
        levers.churn_auc += m * (s.churn_auc - before.churn_auc)
        levers.offer_auc += m * (s.offer_auc - before.offer_auc)
        levers.uplift += m * (s.uplift - before.uplift)
        levers.log_hours += m * math.log(s.hours / s.hours_before)
        levers.log_contact_hours += m * math.log(1.0 + s.contact_time)
        levers.targeting = 1.0 - (1.0 - levers.targeting) * (1.0 - m)
        levers.offer_share = min(levers.offer_share, s.offers_to)
        levers.retain_cut = max(levers.retain_cut, normal(1.0 - s.retention_to))
        levers.by_uplift = levers.by_uplift or s.target == "uplift"
        for by_channel in levers.retain:
            by_channel[MESSAGING] += m * s.retention_messages
            by_channel[APP] += m * s.retention_app
        levers.privacy += m * s.backlash
        levers.privacy_risk += m * s.privacy_risk

    def staff_upskilling(self, levers: OracleLevers, s: Any, m: float) -> None:
        if self.elapsed(s) % 3 == 1:  # the first month of each quarter
            levers.train_professional += m * s.professional * s.transfer / 4.0
            levers.train_digital += m * s.digital * s.transfer / 4.0
            levers.log_hours += s.intensity * math.log(1.0 - s.away)
        for k in range(s.specialists_from, len(self.bank.tiers)):
            levers.quality_managed[k] += m * s.specialists
        levers.log_manager_exit += m * math.log(s.manager_exits)

    def institutional(self, levers: OracleLevers, s: Any, m: float) -> None:
        levers.log_failure += m * math.log(1.0 + s.advice * s.mis_selling)
        levers.log_refusal += math.log(max(1.0 - m * s.consent, 1e-9))
        self.caps(levers, s, m)

    def human_resources(self, levers: OracleLevers, s: Any, m: float) -> None:
        levers.log_manager_exit += m * math.log(s.manager_exits)
        levers.log_vacancy += m * math.log(s.vacancy)
        levers.log_unprepared += m * math.log(s.unprepared)
        levers.push_managers += m * (logit(s.push) - logit(self.bank.settings.contacts.push))

    def fintech(self, levers: OracleLevers, s: Any, m: float) -> None:
        levers.data_quality += m * (logit(s.data_quality) - logit(self.bank.settings.scores.data_quality))
        levers.log_app_failure += m * math.log(1.0 + s.app_failures)

    def onboarding(self, levers: OracleLevers, s: Any, m: float) -> None:
        levers.welcome[PHONE] += m * s.calls
        levers.welcome[MESSAGING] += m * s.messages
        levers.log_welcome_hazard += math.log(s.leaving)
        levers.welcome_adoption += math.log(s.app)
        levers.welcome_product += s.salary

    # --- wishes -------------------------------------------------------------------------------------------------------

    def wishes(self) -> dict[int, Wish]:
        """By uid, among customers of managers: the highest priority of any wish; keeping goes first, then leads."""
        found: dict[int, Wish] = {}
        for customer in self.bank.customers:
            if customer.manager < 0 or not customer.is_active:
                continue
            wanted = [wish for one, m in self.at_work(customer.tried) for wish in self.wanted(one, m, customer)]
            if wanted:
                purposes = {wish.purpose for wish in wanted}
                purpose = RETENTION if RETENTION in purposes else LEAD if LEAD in purposes else 0
                found[customer.uid] = Wish(max(wish.priority for wish in wanted), purpose)
        return found

    def wanted(self, s: Any, m: float, one: OracleCustomer) -> Iterator[Wish]:
        if s.use == "personalised_service" and m * s.offers > 0.0:
            score = one.score("offer")
            if score > normal(1.0 - m * s.offers) and one.contact_gap > 0:
                yield Wish(score, 0)
        if s.use == "stratification":
            is_reached = scattered(one.uid) < int(m * (2**64 - 2**11))
            if "leads" in s.parts and one.lead and is_reached:
                yield Wish(s.lead_priority, LEAD)
            near = one.is_near_bound(s.near) and one.contact_gap + 1 >= s.near_months
            if "near_threshold" in s.parts and near and is_reached:
                yield Wish(s.near_priority, 0)
            share = min(s.retention * m, 0.5)
            if "retention" in s.parts and share > 0.0 and one.retained == 0:
                yield from self.retention_call(s, share, one)

    def retention_call(self, s: Any, share: float, one: OracleCustomer) -> Iterator[Wish]:
        cut = normal(1.0 - share)
        if s.allocation in ("uplift", "risk"):
            score = one.score("uplift" if s.allocation == "uplift" else "churn")
            if score > cut:
                yield Wish(score, RETENTION)
        elif s.allocation == "value":
            if one.aum > at_percent(self.upper_aum, 1.0 - share):
                yield Wish(cut, RETENTION)
        elif (one.uid + self.bank.month) % max(round(1.0 / share), 1) == 0:
            yield Wish(cut, RETENTION)

    # --- cost ---------------------------------------------------------------------------------------------------------

    def cost(self) -> list[float]:
        """Of the month by tier, CNY, laid on tiers as revenue was at month 0."""
        found = [0.0] * len(self.revenue)
        for one in self.strategies.values():
            revenue, total = self.revenue_where(one), self.spends(one, self.bank.month)
            found = [sofar + total * part / sum(revenue) for sofar, part in zip(found, revenue, strict=True)]
        return found

    def revenue_where(self, one: Any) -> list[float]:
        """A year's by tier at month 0, of the part of the bank that a strategy is tried in."""
        if one.where is None:
            return self.revenue
        named = [one.where.tier] if isinstance(one.where.tier, str) else one.where.tier
        tiers = self.bank.tiers
        return [
            part * one.where.share if named is None or tier.name in named else 0.0
            for part, tier in zip(self.revenue, tiers, strict=True)
        ]


def in_money(cost: Any, revenue: float) -> float:
    """A cost that is a share of revenue a year, or a sum of money."""
    return cost.amount if hasattr(cost, "amount") else cost * revenue


def scattered(uid: int) -> int:
    """The bits of a uid, mixed (splitmix64)."""
    x = (uid + 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)


def by_percent(held: list[tuple[float, int, int]]) -> list[float]:
    """AUM at every percent of customers, of (AUM, uid, weight)."""
    held = sorted(held)
    whole, found = sum(weight for *_, weight in held), []
    for percent in range(101):
        wanted, reached, before = whole * percent / 100.0, 0.0, None
        for aum, _, weight in held:
            if reached + weight >= wanted:
                found.append(aum if before is None else before + (aum - before) * (wanted - reached) / weight)
                break
            reached, before = reached + weight, aum
    return found or [0.0] * 101


def at_percent(quantiles: list[float], share: float) -> float:
    place = min(max(share, 0.0), 1.0) * 100.0
    low = min(int(place), 99)
    return quantiles[low] + (quantiles[low + 1] - quantiles[low]) * (place - low)
