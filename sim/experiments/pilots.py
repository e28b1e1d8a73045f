"""What a pilot could count to learn an assumption of a scenario: its outcome, on whom, and what the treatment costs.

The first row of `ROWS` whose pattern fits the path says it; a table's own path means a factor on all its numbers. An
assumption without a row is learnt from no trial of customers (a horizon, a price, a spread), or from data that the bank
has already, and gets no pilot.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from sim.analysis.worth import Outcome
from sim.assumptions import Settings, assumption
from sim.phrases import spoken
from sim.population.strata import DEFAULT_CUSTOMERS, tier_shares
from sim.scenario.scenario import Scenario
from sim.strategies import Strategy
from sim.tiers import row


class Treatments(Settings):
    """What the treated half of a pilot gets."""

    quality: float = assumption(0.3, "SD", plausible=(0.1, 0.6), allowed=(0.01, 5), source="assumption")
    """service quality above that of the other half, where the assumption is what better service does"""
    quality_price: float = assumption(
        5.0, "CNY/customer-month", plausible=(1, 20), allowed=(0, 1e4), source="assumption"
    )
    """what that better service costs"""
    encouraged: float = assumption(0.15, "share", plausible=(0.05, 0.3), allowed=(0.01, 1), source="assumption")
    """more app users among the treated, where customers can only be encouraged"""
    skill: float = assumption(1.0, "SD", plausible=(0.5, 2.0), allowed=(0.01, 5), source="assumption")
    """skill of the managers who serve the treated above the others', by lot"""
    calls: float = assumption(1.0, "1/month", plausible=(0.3, 2.0), allowed=(0.01, 30), source="assumption")
    """calls of the own manager beyond what the other half gets"""
    alike: float = assumption(0.01, "correlation", plausible=(0.0, 0.05), allowed=(0, 1), source="assumption")
    """customers of one manager, where lots are drawn between managers"""
    answers: float = assumption(0.25, "share", plausible=(0.05, 0.5), allowed=(0.01, 1), source="assumption")
    """customers who answer a survey"""
    survey_sd: float = assumption(1.2, "SD", plausible=(1.0, 1.6), allowed=(0.1, 10), source="assumption")
    """spread of a survey's answers between customers, in SD of what it asks for (1 if it measured without error)"""


Group = Literal["active", "managed", "dormant"]


@dataclass(frozen=True)
class Bank:
    """What a row may know: the scenario, customers by tier, and what the path leads into: strategy, tier, channel."""

    scenario: Scenario
    treatments: Treatments
    by_tier: np.ndarray
    strategy: Strategy | None
    tier: int | None
    channel: str
    last: str

    def customers(self, group: Group) -> float:
        """How many there are of a group."""
        return float(self._weights(group).sum())

    def who(self, group: Group) -> str:
        """The group in words, with the tier where the path names one."""
        tier = "" if self.tier is None else f"{spoken(self.scenario.tier_list[self.tier].name, 'tier')} "
        return f"{'' if group == 'active' else group + ' '}{tier}customers"

    def exits(self, group: Group) -> float:
        """Chance a month that a customer of the group closes or falls silent."""
        s = self.scenario
        chance = [s.model.hazard(tier).close + s.model.hazard(tier).dormant for tier in s.tier_list]
        return self.mean(group, np.array(chance))

    @property
    def sales(self) -> float:
        """Chance a month that an offer by phone is taken, at one call a month."""
        one = self.scenario.channels.phone
        return float(np.clip(one.reach * one.conversion, 1e-6, 0.5))

    @property
    def call_price(self) -> float:
        """Price of a manager's call: his time."""
        m = self.scenario.managers
        return self.scenario.channels.phone.hours * m.salary / m.hours_per_month

    @property
    def bond_months(self) -> float:
        """Months of those calls in which the bond grows by 63 %."""
        return self.scenario.model.contacts.bond_contacts / self.treatments.calls

    def mean(self, group: Group, values: np.ndarray) -> float:
        """Mean over the customers of a group of what each tier has."""
        weights = self._weights(group)
        return float(weights @ values / weights.sum()) if weights.sum() > 0 else float(values.mean())

    def _weights(self, group: Group) -> np.ndarray:
        s = self.scenario
        dormant = row(s.model.acquisition.dormant_at_start, s.tier_list, np.float64)
        share = {"active": 1.0 - dormant, "dormant": dormant}.get(group)
        if share is None:
            share = (1.0 - dormant) * row(s.managers.coverage, s.tier_list, np.float64)
        meant = np.ones(len(share)) if self.tier is None else np.arange(len(share)) == self.tier
        return np.asarray(self.by_tier * share * meant)


def _exits(group: Group, scale: Any, contrast: Callable[[Bank], float]) -> Callable[[Bank], Outcome]:
    def made(b: Bank) -> Outcome:
        return Outcome("events", "exits", b.who(group), b.customers(group), b.exits(group), scale, contrast(b))

    return made


def _by_calls(made: Callable[[Bank], Outcome]) -> Callable[[Bank], Outcome]:
    """The treatment is calls of the own manager, with which the bond grows."""

    def called(b: Bank) -> Outcome:
        return replace(made(b), contacts=b.treatments.calls, price=b.call_price, after=b.bond_months)

    return called


def _by_call(made: Callable[[Bank], Outcome]) -> Callable[[Bank], Outcome]:
    """The treatment is that the manager calls before a customer feels forgotten."""
    return lambda b: replace(made(b), contacts=1.0 / max(b.scenario.model.leaving.gap_months, 1), price=b.call_price)


def _by_manager(made: Callable[[Bank], Outcome]) -> Callable[[Bank], Outcome]:
    """Lots are drawn between managers, so that customers of one book are no new evidence each."""

    def inflated(b: Bank) -> Outcome:
        span = b.mean("managed", row(b.scenario.managers.span, b.scenario.tier_list, np.float64))
        return replace(made(b), inflation=1.0 + (span - 1.0) * b.treatments.alike)

    return inflated


def _better_service(made: Callable[[Bank], Outcome]) -> Callable[[Bank], Outcome]:
    """The treatment is better service."""
    return lambda b: replace(made(b), contacts=1.0, price=b.treatments.quality_price)


def _by_messages(made: Callable[[Bank], Outcome]) -> Callable[[Bank], Outcome]:
    """The treatment is a message a month."""
    return lambda b: replace(made(b), contacts=1.0, price=b.scenario.channels.messaging.price)


def _sales(group: Group, scale: Any, contrast: Callable[[Bank], float] = lambda b: 1.0) -> Callable[[Bank], Outcome]:
    def made(b: Bank) -> Outcome:
        base, price = b.sales, b.scenario.channels.phone.price
        return Outcome(
            "events", "products sold", b.who(group), b.customers(group), base, scale, contrast(b), price=price
        )

    return made


def _survey(counts: str, contrast: Callable[[Bank], float], after: Any = None) -> Callable[[Bank], Outcome]:
    def made(b: Bank) -> Outcome:
        months = after(b) if after else 0.0
        group: Group = "active"
        return Outcome(
            "mean",
            counts,
            b.who(group),
            b.customers(group),
            b.treatments.survey_sd,
            "level",
            contrast(b),
            after=months,
            answers=b.treatments.answers,
            contacts=0.0,
        )

    return made


def _wallet(contrast: Callable[[Bank], float], after: Callable[[Bank], float]) -> Callable[[Bank], Outcome]:
    """Share of wallet after calls of the own manager, asked for, since the bank sees its own part alone."""

    def made(b: Bank) -> Outcome:
        from scipy.special import polygamma

        w, t = b.scenario.model.wallet, b.treatments
        mean = b.mean("managed", row(w.mean, b.scenario.tier_list, np.float64))
        sd = math.sqrt(float(polygamma(1, mean * w.precision) + polygamma(1, (1.0 - mean) * w.precision)))
        return Outcome(
            "mean",
            "share of wallet",
            b.who("managed"),
            b.customers("managed"),
            sd,
            "level",
            contrast(b),
            after=after(b) + 1.0 / w.reversion,
            answers=t.answers,
            contacts=t.calls,
            price=b.call_price,
        )

    return made


def _seen(counts: str, group: Group, months: bool) -> Callable[[Bank], Outcome]:
    """A share that is seen among the treated, a try a contact."""

    def made(b: Bank) -> Outcome:
        channel = getattr(b.scenario.channels, b.channel or "phone")
        return Outcome(
            "share",
            counts,
            b.who(group),
            b.customers(group),
            0.5,
            "level",
            answers=channel.reach if b.last == "conversion" else 1.0,
            contacts=1.0 if months else 0.0,
            price=channel.price,
        )

    return made


def _fidelity(b: Bank) -> float:
    """How much of a strategy's full effect a pilot brings about."""
    return b.strategy.fidelity if b.strategy is not None else 1.0


def _lag(b: Bank) -> float:
    return b.strategy.lag if b.strategy is not None else 0.0


def _factor(made: Callable[[Bank], Outcome], of: Callable[[Bank], float]) -> Callable[[Bank], Outcome]:
    """The assumption is a factor on a whole table, whose mean a pilot on everybody sees."""
    return lambda b: replace(made(b), unit=of(b))


def _mean_ratio(b: Bank) -> float:
    retention = b.scenario.model.retention
    shares = {"sure_thing": 1.0 - sum(retention.class_shares.values()), **retention.class_shares}
    return sum(share * retention.hazard_ratio[name] for name, share in shares.items())


def _mean_won_back(b: Bank) -> float:
    return b.mean("dormant", row(b.scenario.model.retention.win_back, b.scenario.tier_list, np.float64))


def _class_share(b: Bank) -> float:
    shares = b.scenario.model.retention.class_shares
    return shares[b.last] if b.last in shares else 1.0 - sum(shares.values())


def _satisfaction_by_quality(b: Bank) -> float:
    """Experiences until a lasting difference of quality is fully felt, times that difference."""
    (any_kind, people, _), _ = b.scenario.channels.episodes()
    experiences = people + b.scenario.model.service.app_weight * (any_kind - people)
    return b.treatments.quality * experiences / b.scenario.model.feelings.decay


def _complaints(change: Callable[[Bank], float]) -> Callable[[Bank], Outcome]:
    def made(b: Bank) -> Outcome:
        failures = b.scenario.channels.episodes()[1][0]
        base = float(np.clip(failures * b.scenario.model.service.complain, 1e-6, 0.5))
        who, customers = b.who("active"), b.customers("active")
        return Outcome("events", "complaints", who, customers, base, "change", change(b), after=_lag(b), contacts=0.0)

    return made


def _uptake(b: Bank) -> Outcome:
    a = b.scenario.model.adoption
    base = 1.0 / (1.0 + math.exp(-min(a.intercept, 0.0)))
    others = b.customers("active") * (1.0 - a.start)
    return Outcome(
        "odds", "customers who take up the app", "customers without the app", others, base, "ratio", _fidelity(b)
    )


ROWS: tuple[tuple[str, Callable[[Bank], Outcome]], ...] = (
    (
        r"^model\.leaving\.(satisfaction|trust)$",
        _better_service(_exits("active", "log", lambda b: b.treatments.quality)),
    ),
    (r"^model\.leaving\.bond$", _by_calls(_exits("managed", "log", lambda b: 1.0))),
    (r"^model\.leaving\.gap$", _by_call(_exits("managed", "log", lambda b: -1.0))),
    (r"^model\.leaving\.app$", _by_messages(_exits("active", "log", lambda b: b.treatments.encouraged))),
    (r"^model\.retention\.hazard_ratio\.", _by_messages(_exits("active", "part", _class_share))),
    (r"^model\.retention\.hazard_ratio$", _factor(_by_messages(_exits("active", "ratio", lambda b: 1.0)), _mean_ratio)),
    (r"^model\.retention\.win_back\.", _seen("customers won back", "dormant", False)),
    (r"^model\.retention\.win_back$", _factor(_seen("customers won back", "dormant", False), _mean_won_back)),
    (r"^model\.contacts\.skill$", _by_manager(_sales("managed", "log", lambda b: b.treatments.skill))),
    (r"^model\.contacts\.bond_conversion$", _by_calls(_sales("managed", "ratio"))),
    (r"^model\.contacts\.near_threshold_effect$", _sales("managed", "ratio")),
    (
        r"^model\.feelings\.gain$",
        _better_service(
            _survey("satisfaction", _satisfaction_by_quality, lambda b: 1.0 / b.scenario.model.feelings.decay)
        ),
    ),
    (r"^model\.wallet\.bond$", _wallet(lambda b: 1.0, lambda b: b.bond_months)),
    (
        r"^model\.wallet\.contact$",
        _wallet(lambda b: b.treatments.calls / b.scenario.model.wallet.reversion, lambda b: 0.0),
    ),
    (r"^channels\.[^.]+\.reach$", _seen("customers reached", "active", True)),
    (r"^channels\.[^.]+\.conversion$", _seen("offers taken", "active", True)),
    (r"(^|\.)stratification\.(handoff|coordinated)$", _sales("managed", "ratio", _fidelity)),
    (r"(^|\.)digital_thinking\.quality$", _survey("perceived quality", _fidelity, _lag)),
    (r"(^|\.)digital_thinking\.failures$", _complaints(_fidelity)),
    (r"(^|\.)digital_thinking\.adoption$", _uptake),
    (r"(^|\.)staff_upskilling\.specialists$", _by_manager(_survey("perceived quality", _fidelity, _lag))),
    (r"(^|\.)personalised_service\.backlash$", _survey("trust", _fidelity, _lag)),
)


def outcome_of(
    path: str,
    scenario: Scenario,
    *,
    revenue: float = 0.0,
    customers: Mapping[str, float] | None = None,
    treatments: Treatments | None = None,
) -> Outcome | None:
    """What a pilot could count to learn the assumption at a path of a checked scenario; None where there is no pilot.

    `revenue`, CNY a year, is what a strategy's running cost is a share of; `customers` by tier are those of month 0, by
    default those of a synthetic bank.
    """
    made = next((make for pattern, make in ROWS if re.search(pattern, path)), None)
    if made is None:
        return None
    tiers = [tier.name for tier in scenario.tier_list]
    if customers is None:
        total = scenario.population.customers or DEFAULT_CUSTOMERS
        by_tier = total * tier_shares(scenario.population, scenario.tier_list)
    else:
        by_tier = np.array([customers.get(name, 0.0) for name in tiers])
    parts = path.split(".")
    strategy = _strategy(parts, scenario)
    known = Bank(
        scenario,
        treatments or Treatments(),
        np.asarray(by_tier, dtype=np.float64),
        strategy,
        tiers.index(parts[-1]) if parts[-1] in tiers else None,
        parts[1] if parts[0] == "channels" else "",
        parts[-1],
    )
    outcome = made(known)
    if outcome.customers < 1:
        return None
    return replace(outcome, running=outcome.running + _running(strategy, revenue))


def outcomes_of(paths: Iterable[str], scenario: Scenario, **more: Any) -> dict[str, dict[str, Any]]:
    """The outcomes of those paths that have one, as plain data for a manifest: `Outcome(**plain)` is one again."""
    found = {path: outcome_of(path, scenario, **more) for path in paths}
    return {path: asdict(one) for path, one in found.items() if one is not None}


def _strategy(parts: list[str], scenario: Scenario) -> Strategy | None:
    """The strategy that a path leads into: of its arm, or by its name alone the first in any arm."""
    inside = parts[2:] if parts[0] == "arms" else parts[:1]
    arms = [arm for arm in scenario.arm_list if parts[0] != "arms" or arm.name == parts[1]]
    return next((one for arm in arms for one in arm.strategies if one.use in inside), None)


def _running(strategy: Strategy | None, revenue: float) -> float:
    """What a strategy costs a month: a share of revenue, or an amount a year where it states one."""
    if strategy is None:
        return 0.0
    running: Any = strategy.running
    yearly = running * revenue if isinstance(running, (int, float)) else float(getattr(running, "amount", 0.0) or 0.0)
    return yearly / 12.0
