"""Levers and strategies (docs/model.md 9): how far each has taken hold, what it turns, whom it wants contacted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from oracle.luck import normal
from sim.codes import APP, CHANNELS, LEAD, MESSAGING, PHONE, RETENTION

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


class Wish(NamedTuple):
    """A contact that strategies want: how much, and what for."""

    priority: float
    purpose: int


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

    def __init__(self, bank: OracleBank, strategies: list[Any]):
        self.bank = bank
        self.settings = bank.scenario.implementation
        self.strategies = {one.use: one for one in strategies if one.intensity > 0}
        self.revenue = bank.ledger.revenue_a_year()
        self.upper_aum = by_percent(
            [(one.aum, one.uid, one.weight) for k in range(1, len(bank.tiers)) for one in bank.of_tier(k)]
        )

    # --- how far ------------------------------------------------------------------------------------------------------

    def elapsed(self, one: Any) -> int:
        """Months at work, the first counted as 1."""
        month = self.bank.month
        return 0 if one.until is not None and month > one.until else max(month - one.start, 0)

    def curve(self, one: Any) -> float:
        tau = self.elapsed(one)
        return 1.0 / (1.0 + math.exp(-one.speed * (tau - one.lag))) if tau > 0 else 0.0

    def held(self, name: str) -> float:
        """Intensity times the S-curve of another strategy."""
        one = self.strategies.get(name)
        return one.intensity * self.curve(one) if one is not None else 0.0

    def maturity(self, one: Any) -> float:
        s, fidelity, name = self.settings, one.fidelity, one.use
        if name in GATED:
            fidelity = min(fidelity + s.institutions * self.held("institutional"), 1.0)
            fidelity = min(fidelity, s.gate + (1.0 - s.gate) * self.held("digital_thinking"))
        reached = one.intensity * fidelity * self.curve(one)
        if name == "personalised_service":
            reached *= 1.0 + s.tools_and_team * self.held("staff_upskilling")
            reached *= 1.0 + s.strata_and_tools * self.held("stratification")
        elif name == "staff_upskilling":
            reached *= 1.0 + s.tools_and_team * self.held("personalised_service")
            kept = 0.5 ** (self.elapsed(one) / s.erosion_half_life)
            reached *= kept + (1.0 - kept) * self.held("human_resources")
        elif name == "stratification":
            reached *= 1.0 + s.strata_and_tools * self.held("personalised_service")
        return min(reached, 1.0)

    def at_work(self) -> Iterator[tuple[Any, float]]:
        for one in self.strategies.values():
            if self.elapsed(one) > 0:
                yield one, self.maturity(one)

    # --- levers -------------------------------------------------------------------------------------------------------

    def turns(self) -> OracleLevers:
        """The month's levers, the upheaval of first months included."""
        levers = OracleLevers(len(self.bank.tiers))
        depth = dict.fromkeys(("managers", "hours", "app", "service"), 0.0)
        for one, maturity in self.at_work():
            getattr(self, one.use)(levers, one, maturity)
            if self.elapsed(one) <= self.settings.dip_months:
                for touched in TOUCHES[one.use]:
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
        for k in range(1, len(self.bank.tiers)):
            coverage = self.bank.by_tier(self.bank.scenario.managers.coverage, k)
            if 0.0 < coverage < s.coverage:
                levers.coverage[k] += m * (logit(s.coverage) - logit(coverage))
        late = 0.5 ** (max(s.handoff_days - s.handoff_within, 0.0) / s.handoff_half_life)
        levers.handoff += m * math.log(1.0 + (s.handoff - 1.0) * late)
        levers.synergy += m * math.log(s.coordinated / s.uncoordinated)
        levers.outreach += m * s.outreach
        for k in range(len(self.bank.tiers)):
            levers.win_back[k] += m * s.win_back / 12.0
        self.caps(levers, s, m)
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
            wanted = [wish for one, m in self.at_work() for wish in self.wanted(one, m, customer)]
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
            if one.lead and is_reached:
                yield Wish(s.lead_priority, LEAD)
            if one.is_near_bound(s.near) and one.contact_gap + 1 >= s.near_months and is_reached:
                yield Wish(s.near_priority, 0)
            share = min(s.retention * m, 0.5)
            if share > 0.0 and one.retained == 0:
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
        whole, total = sum(self.revenue), 0.0
        for one, _ in self.at_work():
            months = self.settings.capital_months
            capital = in_money(one.capital, whole) / months if self.elapsed(one) <= months else 0.0
            total += one.intensity * (capital + in_money(one.running, whole) / 12.0)
        return [total * part / whole for part in self.revenue]


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
