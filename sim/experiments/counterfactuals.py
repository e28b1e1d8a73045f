"""True individual effects: every customer of month 0 lives on under every arm, with the same luck.

No bank can observe this: it sees each customer under the one arm that was given. So beside the truth stands what a
bank would have: what could be seen before the decision, the arm that a stated rule gave, and what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput
from sim.experiments.callbacks import Callback
from sim.experiments.prepared import Prepared
from sim.experiments.provenance import code_version, surroundings
from sim.experiments.replication import Replication
from sim.yaml_source import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from sim.bank.model import BankModel

OUTCOMES = ("active", "aum", "profit")
STRONGEST = 100.0  # log odds a standard deviation: beyond it a rule knows everything
RULES = ("randomised", "targeted", "confounded")
BY = {"randomised": "", "targeted": "churn_score", "confounded": "risk"}  # what a rule goes by unless told otherwise
UNALLOCATED = ("campaigns", "managers", "strategies")  # cost of the bank that stands in no customer's row


@dataclass(frozen=True)
class Rule:
    """Which arm a customer is given.

    `share` of the customers are given one of the arms after the first, each as likely as the others. Under
    "randomised" everybody is as likely; under "targeted" the log odds rise by `strength` with each standard deviation
    of `by`, which the bank can see (a column or score), under "confounded" of a column that it cannot see: somebody
    knew more about the customers than the data hold. A negative `strength` prefers the low.
    """

    kind: str = "randomised"
    share: float = 0.5
    by: str = ""
    strength: float = 1.0

    def checked(self) -> Rule:
        """The rule with its defaults; `BadInput` names everything that is wrong."""
        from sim.agents.customer import OBSERVED, SCORES, SHOWN

        wrong = []
        if not isinstance(self.kind, str) or self.kind not in RULES:
            if not isinstance(self.kind, str):
                raise BadInput.at("--rule", f"{self.kind!r}; one of {', '.join(RULES)}")
            raise BadInput.at("--rule", f"{self.kind!r}; {did_you_mean(self.kind, RULES, all_if_none='one of')}")
        if not isinstance(self.share, (int, float)) or not 0.0 < self.share < 1.0:
            wrong.append(BadInput.at("--share", f"{self.share}; between 0 and 1"))
        if not isinstance(self.strength, (int, float)) or not -STRONGEST <= self.strength <= STRONGEST:
            wrong.append(BadInput.at("--strength", f"{self.strength}; from -{STRONGEST:g} to {STRONGEST:g}"))
        by = self.by or BY[self.kind]
        seen = sorted({*OBSERVED, *SCORES} - {"uid"})
        known = {"targeted": seen, "confounded": sorted(set(SHOWN) - OBSERVED)}.get(self.kind, [""])
        if by not in known and self.kind == "randomised":
            wrong.append(BadInput.at("--by", "a randomised rule goes by nothing; without --by, or --rule targeted"))
        elif by not in known:
            can = "can see" if self.kind == "targeted" else "cannot see"
            right = did_you_mean(by, known, all_if_none="one of")
            wrong.append(BadInput.at("--by", f"{by!r} is not what the bank {can}; {right}"))
        if wrong:
            raise BadInput([mistake for one in wrong for mistake in one.mistakes])
        return Rule(self.kind, self.share, by, self.strength)

    def chances(self, values: np.ndarray | None) -> np.ndarray:
        """The chance of each customer to be given an arm after the first, float64; their mean is `share`."""
        from scipy.optimize import brentq
        from scipy.special import expit, logit

        assert values is not None or self.kind == "randomised"
        if values is None or values.std() == 0:
            return np.full(1 if values is None else values.size, self.share)
        lean = self.strength * (values - values.mean()) / values.std()
        reach = abs(float(logit(self.share))) + float(np.abs(lean).max()) + 1.0
        level = brentq(lambda a: float(expit(a + lean).mean()) - self.share, -reach, reach)
        return np.asarray(expit(level + lean))


@dataclass(frozen=True)
class Counterfactuals:
    """What was found: a row a customer (`table`), and facts for the data card."""

    table: pd.DataFrame
    facts: dict[str, Any]


def potential_outcomes(
    prepared: Prepared,
    *,
    arms: Sequence[str] | None = None,
    seed: int | None = None,
    customers: int | None = None,
    rule: Rule = Rule(),
    callback: Callback | None = None,
) -> Counterfactuals:
    """Live every arm with one seed (the scenario's first) and follow each customer of month 0 through all of them.

    `arms` are of the scenario, the reference first (all, unless named); `customers` how many rows are kept, drawn
    evenly from all (all, unless given). The outcome under an arm is that in the world where the whole bank is under
    it. Raises `BadInput` before anything is lived.
    """
    import pandas as pd

    s = prepared.scenario
    rule = rule.checked()
    names = list(s.arms) if arms is None else list(dict.fromkeys(arms))
    unknown = [name for name in names if name not in s.arms]
    if unknown:
        right = did_you_mean(unknown[0], list(s.arms), all_if_none="one of")
        raise BadInput.at("--arms", f"unknown arm {unknown[0]!r}; {right}")
    if len(names) < 2:
        raise BadInput.at("--arms", f"{names[0]} alone has no effect; two arms or more, the first as the reference")
    if customers is not None and (isinstance(customers, bool) or not isinstance(customers, int) or customers < 1):
        raise BadInput.at("--customers", f"{customers!r}; a whole number from 1")
    seed = s.seed_list[0] if seed is None else seed
    callback = callback or Callback()
    callback.begin(s.name, len(names), len(names) * s.months + s.burn_in)
    try:
        one = Replication(prepared, seed, months=callback.month)
        by_arm = {name: _simulated(one, name, customers) for name in names}
    finally:
        callback.end()
    first = by_arm[names[0]]
    keep = _kept(first.uid, seed, customers)
    given, chance = _given(first, rule, len(names), seed)
    columns: dict[str, Any] = {"seed": np.full(first.uid.size, seed), "customer": first.uid, "weight": first.weight}
    columns |= {**first.seen, "tier": np.array([t.name for t in s.tier_list], object)[first.seen["tier"]]}
    columns["arm"] = np.array(names, object)[given]
    every = np.arange(first.uid.size)
    for outcome in OUTCOMES:
        columns[f"outcome.{outcome}"] = np.stack([by_arm[name].ended[outcome] for name in names])[given, every]
    columns["truth.chance"] = chance
    for name in names:
        columns |= {f"truth.{outcome}[{name}]": by_arm[name].ended[outcome] for outcome in OUTCOMES}
    for name in names[1:]:
        for outcome in OUTCOMES:
            columns[f"truth.effect.{outcome}[{name}]"] = by_arm[name].ended[outcome] - first.ended[outcome]
    table = pd.DataFrame(columns).iloc[keep].reset_index(drop=True)
    facts = {
        "name": s.name,
        "about": s.about,
        "arms": names,
        "seed": seed,
        "months": s.months,
        "customers": len(table),
        "of": int(first.uid.size),
        "currency": s.currency,
        "rule": asdict(rule),
        "unallocated": {name: dict(zip(UNALLOCATED, by_arm[name].unallocated, strict=True)) for name in names},
        "scenario_digest": prepared.digest,
        "code_version": code_version(s.strategies_named),
        **surroundings(),
    }
    return Counterfactuals(table, facts)


@dataclass(frozen=True)
class _Simulated:
    """The customers of month 0 under one arm, in the order of uid."""

    uid: np.ndarray
    weight: np.ndarray  # customers a row stands for
    seen: Mapping[str, np.ndarray]  # before the decision
    hidden: Mapping[str, np.ndarray]
    ended: Mapping[str, np.ndarray]
    unallocated: tuple[float, float, float]  # CNY


def _simulated(one: Replication, name: str, customers: int | None) -> _Simulated:
    from sim.agents.customer import OBSERVED, SHOWN
    from sim.bank.outcomes import Outcomes
    from sim.kernel.tallies import WEIGHT_UNIT

    s = one.prepared.scenario
    arm = next(arm for arm in s.arm_list if arm.name == name)
    with one.bank(arm) as bank:
        bank.run(one.months, until=0)
        followed = Outcomes(bank)
        if customers is not None and customers > followed.uid.size:
            what = f"{customers} is more than the {followed.uid.size} simulated at month 0; fewer"
            raise BadInput.at("--customers", what)
        seen = followed.seen(bank)
        hidden = {column: getattr(bank.customers, column)[followed.rows] for column in SHOWN if column not in OBSERVED}
        for month in range(1, s.months + 1):
            bank.run(one.months, until=month)
            followed.month(bank)
        weight = followed.weight / WEIGHT_UNIT
        return _Simulated(followed.uid, weight, seen, hidden, followed.ended(bank), _unallocated(bank))


def _unallocated(bank: BankModel) -> tuple[float, float, float]:
    """What campaigns, managers and strategies cost over all months, CNY."""
    tables = bank.recorder.tables(bank.team.events)
    books = tables["monthly"]
    costs = tables["bank"]["cost_messages"], books["manager_cost"], books["strategy_cost"]
    return tuple(float(cost.sum()) for cost in costs)  # type: ignore[return-value]


def _kept(uid: np.ndarray, seed: int, customers: int | None) -> np.ndarray:
    """Places of so many customers, in order of uid, drawn evenly and keyed by who they are."""
    if customers is None:
        return np.arange(uid.size)
    return np.sort(np.argsort(_draws(uid, seed)[1], kind="stable")[:customers])


def _given(simulated: _Simulated, rule: Rule, arms: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which arm each customer is given (0 the reference), and the chance of another than the reference."""
    known = {**simulated.hidden, **simulated.seen, "weight": simulated.weight}
    values = known[rule.by].astype(np.float64) if rule.by else None
    chance = np.broadcast_to(rule.chances(values), simulated.uid.shape)
    draw = _draws(simulated.uid, seed)[0]
    which = np.minimum((draw / chance * (arms - 1)).astype(np.int64), arms - 2)  # evenly, where draw < chance
    return np.where(draw < chance, 1 + which, 0), chance


def _draws(uid: np.ndarray, seed: int) -> np.ndarray:
    from sim.codes import DRAW_ASSIGN
    from sim.kernel.numerics import uniforms

    return uniforms(seed, DRAW_ASSIGN, 0, uid)
