"""Every strategy keeps the promise, ours and one from outside; levers, maturity, costs and budgets worked by hand."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from banks import bank, live, scenario, tables

from sim.agents.customer import NAMES, OBSERVED, BankView, Customers
from sim.agents.proposals import Proposals
from sim.assumptions import described, with_words
from sim.bank.model import BankModel
from sim.behaviour.settings import Scores
from sim.cli import main
from sim.codes import CLOSED, NOBODY
from sim.experiments.design.parameters import role_of
from sim.experiments.design.variants import Base
from sim.levers import Levers, shifted
from sim.population.tier_presets import PRESET_TIERS
from sim.scenario.scenario import Scenario
from sim.strategies import STRATEGIES, TOUCHES, Bank, Implementation, Programme, Strategy, known, load_plugins
from sim.strategies.base import reached
from sim.yaml_source import dump, loads, validate

EXAMPLE = Path(__file__).parent.parent / "docs" / "own_strategy"
OWN = "fee_waiver:FeeWaiver"
USES = [*STRATEGIES, OWN]
CHOICES = ("use", "start", "until", "intensity")  # settings of every strategy that are no assumptions
FAST = {"speed": 10.0, "lag": 0.5, "fidelity": 1.0}  # full effect from the first month on
OPEN = {"gate": 1.0, "tools_and_team": 0.0, "strata_and_tools": 0.0, "erosion_half_life": 1e6, "dip_months": 0}

# What each strategy says once its numbers change nothing: neutral effects, no money.
NIL: dict[str, dict[str, Any]] = {
    "digital_thinking": {
        "quality": 0.0,
        "variance": 0.0,
        "failures": 0.0,
        "resolution": 0.60,
        "push": 0.70,
        "adoption": 1.0,
    },
    "stratification": {
        "parts": ["coverage", "retention", "coordination", "outreach", "win_back", "pressure", "grace"],
        "coverage": 0.0,
        "retention": 0.0,
        "coordinated": 0.9,
        "uncoordinated": 0.9,
        "outreach": 0.0,
        "win_back": 0.0,
        "pressure": 100.0,
        "grace": 0.0,
        "demotion": 0.0,
    },
    "personalised_service": {
        "churn_auc": 0.62,
        "offer_auc": 0.60,
        "uplift": 0.0,
        "hours": 0.3,
        "hours_before": 0.3,
        "contact_time": 0.0,
        "offers_to": 1.0,
        "retention_messages": 0.0,
        "retention_app": 0.0,
        "offers": 0.0,
        "backlash": 0.0,
        "privacy_risk": 0.0,
    },
    "staff_upskilling": {"professional": 0.0, "digital": 0.0, "away": 0.0, "specialists": 0.0, "manager_exits": 1.0},
    "institutional": {"mis_selling": 0.0, "consent": 0.0, "pressure": 100.0},
    "human_resources": {"manager_exits": 1.0, "vacancy": 1.0, "unprepared": 1.0, "push": 0.70},
    "fintech": {"data_quality": 0.5, "app_failures": 0.0},
    "onboarding": {"calls": 0.0, "messages": 0.0, "leaving": 1.0, "app": 1.0, "salary": 0.0},
    OWN: {"closing": 1.0, "draining": 0.99},
}


@pytest.fixture(autouse=True)
def _own_strategy_is_offered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(EXAMPLE)
    load_plugins(["fee_waiver"])
    yield
    load_plugins([])


def strategy(use: str, **numbers: Any) -> Strategy:
    return known()[use].model_validate({"use": use, **numbers})


def arms(*uses: dict[str, Any], customers: int = 4_000, months: int = 4, **sections: Any) -> Scenario:
    """A scenario of nothing and of these strategies together."""
    return scenario(customers, months=months, arms={"nothing": [], "arm": list(uses)}, **sections)


def of_arm(s: Scenario, number: int = 1, seed: int = 3) -> dict[str, pd.DataFrame]:
    """Tables of one arm of a scenario, lived."""
    return tables(live(begun(s, number, seed)))


def begun(s: Scenario, number: int = 1, seed: int = 3) -> BankModel:
    """The bank of one arm, no month lived."""
    one = bank(s, seed)
    return BankModel(s, s.arm_list[number], seed, one.source)


def rows(t: dict[str, pd.DataFrame], *, until: int | None = None) -> pd.DataFrame:
    """monthly.parquet without the arm's name."""
    monthly = t["monthly"].drop(columns="arm")
    return monthly if until is None else monthly[monthly["month"] <= until]


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def facts_of_bank() -> Bank:
    """Bank B as strategies see it, with round numbers of customers."""
    quantiles = np.linspace(50_000.0, 1_050_000.0, 101)
    return Bank(
        tiers=PRESET_TIERS["bank_b"],
        coverage=np.array([0.0, 0.5, 0.9, 1.0]),
        span=np.array([1e9, 600.0, 200.0, 60.0]),
        active=np.array([50_000.0, 6_000.0, 2_000.0, 60.0]),
        ceiling=np.array([5e4, 5e5, 6e6, np.inf]),
        push=0.7,
        resolution=0.6,
        scores=Scores(),
        aum_quantiles=quantiles,
    )


@pytest.fixture(scope="module")
def well_known() -> BankModel:
    """A bank after seven months, so that there are leads, gaps, leavers and retained customers to see."""
    return live(
        bank(
            scenario(
                8_000, months=7, population={"shares": {"mass": 0.5, "affluent": 0.3, "wealth": 0.15, "private": 0.05}}
            )
        )
    )


def view_of(model: BankModel, order: np.ndarray | None = None) -> BankView:
    managed = model.team.managed(model.customers)
    return BankView(model.customers, managed if order is None else managed[order], scores=model.scores)


# --- the contract ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("end", [0, 1], ids=["low", "high"])
def test_its_own_numbers_survive_the_file_and_the_resolved_file(use: str, end: int) -> None:
    """Both ends of every plausible range are accepted: a sweep goes there by default."""
    numbers = {
        name: described(field)["plausible"][end]
        for name, field in known()[use].model_fields.items()
        if described(field) is not None
    }
    numbers = {
        name: int(value) if name in ("near_months", "specialists_from", "tiers") else float(value)
        for name, value in numbers.items()
    }
    text = dump(
        {
            "name": "own",
            "months": 9,
            "arms": {"nothing": [], "arm": [{"use": use, "from": 7, "intensity": 0.25, **numbers}]},
        }
    )
    first = validate(Scenario, loads(text))
    again = validate(Scenario, loads(dump(first.resolved())))
    assert again.arms == first.arms
    assert again.digest() == first.digest()
    (read,) = again.arm_list[1].strategies
    assert type(read) is known()[use]
    assert (read.use, read.start, read.intensity) == (use, 7, 0.25)
    assert {name: getattr(read, name) for name in numbers} == numbers


@pytest.mark.parametrize("use", USES)
def test_every_number_has_unit_range_source_and_a_line_and_a_plausible_default(use: str) -> None:
    kind = known()[use]
    for name, field in with_words(kind).items():
        if name in CHOICES or not isinstance(field.default, (int, float)):
            continue
        told = described(field)
        assert told, f"{use}.{name} is a bare number"
        assert told["unit"], name
        assert told["source"], name
        assert field.description, name
        low, high = told["plausible"]
        assert low <= field.default <= high or (name == "capital" and field.default == 0), name
    assert (kind.__doc__ or "").splitlines()[0].endswith(".")
    assert "What would change our minds" in (inspect.getmodule(kind).__doc__ or "")


@pytest.mark.parametrize("use", USES)
def test_it_turns_levers_alike_each_time_and_writes_nothing_else(use: str) -> None:
    one, facts = strategy(use), facts_of_bank()
    before = {name: np.copy(value) for name, value in vars(facts).items() if isinstance(value, np.ndarray)}
    for value in before:
        getattr(facts, value).flags.writeable = False
    first, second, third = Levers(4), Levers(4), Levers(4)
    one.turn(first, 0.37, 4, facts)
    one.turn(second, 0.37, 4, facts)
    assert told_by(first) == told_by(second)
    one.turn(third, 0.0, 4, facts)
    neutral = told_by(Levers(4))
    away = {"log_hours"} if use == "staff_upskilling" else set()  # time in class is gone whatever is learnt
    unused = {"offer_share"}  # says who, not how much
    assert {name for name, value in told_by(third).items() if value != neutral[name]} <= away | unused
    assert all(np.array_equal(value, getattr(facts, name)) for name, value in before.items())
    assert one == strategy(use)
    with pytest.raises(Exception, match="frozen"):
        one.lag = 1.0


def told_by(levers: Levers) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(levers).items()}


@pytest.mark.parametrize("use", USES)
def test_its_wishes_are_the_same_in_any_order_of_rows_and_touch_no_customer(use: str, well_known: BankModel) -> None:
    one = strategy(use)
    columns = {name: getattr(well_known.customers, name).copy() for name in NAMES}
    n = view_of(well_known).uid.size

    def wishes(order: np.ndarray) -> dict[int, tuple[float, int]]:
        view = view_of(well_known, order)
        wish = one.propose(view, 0.6, 8, well_known.programme.bank)
        if wish is None:
            return {}
        assert np.unique(wish.rows).size == wish.rows.size
        assert np.all(np.isfinite(wish.priority))
        who = view.uid[wish.rows].tolist()
        return dict(zip(who, zip(wish.priority.tolist(), wish.purpose.tolist(), strict=True), strict=True))

    told = wishes(np.arange(n))
    assert told == wishes(np.arange(n))
    assert told == wishes(np.random.default_rng(1).permutation(n))
    half = np.arange(0, n, 2)  # and each from that customer alone
    kept = set(view_of(well_known, half).uid.tolist())
    assert wishes(half) == {uid: wish for uid, wish in told.items() if uid in kept}
    assert (len(told) > 0) == (type(one).propose is not Strategy.propose)
    for name in NAMES:
        np.testing.assert_array_equal(columns[name], getattr(well_known.customers, name))


@pytest.mark.parametrize("hidden", sorted(set(NAMES) - OBSERVED))
def test_peeking_at_what_the_bank_cannot_see_fails(hidden: str, well_known: BankModel) -> None:
    class Peeks(Strategy):
        """Peeks at what nobody told the bank."""

        def propose(self, view: BankView, maturity: float, month: int, bank: Bank) -> Proposals | None:
            return Proposals.for_rows(getattr(view, hidden) > 0, priority=view.aum)

    programme = Programme([Peeks()], Implementation(), facts_of_bank(), np.ones(4), months=12, salary=0)
    with pytest.raises(AttributeError, match=f"{hidden}: the bank cannot see it"):
        programme.propose(view_of(well_known), 5)


@pytest.mark.parametrize("column", ["aum", "retained", "churn_score"])
def test_writing_to_a_customer_fails(column: str, well_known: BankModel) -> None:
    with pytest.raises(ValueError, match="read-only"):
        getattr(view_of(well_known), column)[0] = 1


def test_a_misspelt_column_is_answered_as_such(well_known: BankModel) -> None:
    with pytest.raises(AttributeError, match="there is no such column"):
        view_of(well_known).ballance  # noqa: B018


# --- nothing, and nothing much ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference() -> dict[str, pd.DataFrame]:
    return of_arm(arms(), 0)


@pytest.mark.parametrize("use", USES)
def test_a13_intensity_zero_is_the_reference_to_the_bit(use: str, reference: dict[str, pd.DataFrame]) -> None:
    t = of_arm(arms({"use": use, "intensity": 0.0, **FAST}))
    same(rows(t), rows(reference))
    assert t["bank"][f"cost[{use}]"].eq(0).all()
    assert t["bank"][f"maturity[{use}]"].eq(0).all()


@pytest.mark.parametrize("use", USES)
def test_effects_of_nil_are_the_reference_to_the_bit(use: str, reference: dict[str, pd.DataFrame]) -> None:
    nil = {"use": use, "capital": 0.0, "running": 0.0, **FAST, **NIL[use]}
    t = of_arm(arms(nil, implementation=OPEN))
    same(rows(t), rows(reference))
    assert t["bank"][f"maturity[{use}]"].max() == pytest.approx(1.0, abs=1e-5)  # it was there, and did nothing


def test_all_effects_of_nil_together_are_the_reference_to_the_bit(reference: dict[str, pd.DataFrame]) -> None:
    nil = [{"use": use, "capital": 0.0, "running": 0.0, **FAST, **numbers} for use, numbers in NIL.items()]
    same(rows(of_arm(arms(*nil, implementation={"dip_hours": 0.0, "dip_variance": 0.0}))), rows(reference))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("end", ["ge", "le"], ids=["least", "most"])
def test_the_ends_of_what_is_accepted_can_be_lived(use: str, end: str) -> None:
    """Every number as small, or as large, as a file may say, money apart: no table holds what is no number."""
    numbers: dict[str, Any] = {}
    for name, field in known()[use].model_fields.items():
        pairs = itertools.product(field.metadata, ("ge", "le", "lt"))
        limits = {key: getattr(limit, key) for limit, key in pairs if hasattr(limit, key)}
        if described(field) and name not in ("capital", "running") and limits:
            most = limits.get("le", limits.get("lt", 0) - 0.001)
            numbers[name] = type(field.default)(limits["ge"] if end == "ge" else most)
    t = of_arm(
        arms(
            {"use": use, **numbers},
            {"use": "digital_thinking", **FAST} if use != "digital_thinking" else {"use": "institutional"},
        )
    )
    monthly = t["monthly"].drop(columns=["arm", "tier"]).query("month > 0")
    counted = monthly[monthly["active"] > 0]  # means of nobody are no numbers
    assert np.isfinite(counted.to_numpy(float)).all()
    assert (monthly[["active", "dormant", "aum"]] >= 0).all(axis=None)
    shares = counted[["share_of_wallet", "digital_active"]]
    assert ((shares >= 0) & (shares <= 1)).all(axis=None)


@pytest.mark.parametrize("use", USES)
def test_it_acts_first_in_the_month_after_it_starts(use: str, reference: dict[str, pd.DataFrame]) -> None:
    t = of_arm(arms({"use": use, "from": 2, **FAST}))
    same(rows(t, until=2), rows(reference, until=2))
    assert not rows(t, until=3).equals(rows(reference, until=3))
    told = t["bank"].set_index("month")
    assert (told[f"cost[{use}]"] > 0).tolist() == [False, False, False, True, True]
    assert (told[f"maturity[{use}]"] > 0).tolist() == [False, False, False, True, True]


def test_the_order_of_strategies_in_an_arm_changes_no_bit() -> None:
    uses = [{"use": use, "intensity": 0.8, **FAST} for use in USES]
    one, other = (of_arm(arms(*order, customers=6_000)) for order in (uses, uses[::-1]))
    same(rows(one), rows(other))
    columns = sorted(one["bank"].columns)
    same(one["bank"][columns], other["bank"][columns])
    same(one["managers"], other["managers"])


def test_contacts_grow_with_maturity_and_the_first_reached_stay_reached(well_known: BankModel) -> None:
    """Intensity scales effect (CONTRACT 2): at a tenth of it, a tenth of leads and of those near a bound."""
    one = strategy("stratification", parts=["leads", "near_threshold"])
    view, facts = view_of(well_known), well_known.programme.bank
    few, some, all_ = (set(one.propose(view, m, 8, facts).rows.tolist()) for m in (0.1, 0.5, 1.0))
    assert few < some < all_
    for found, share in ((few, 0.1), (some, 0.5)):
        assert abs(len(found) / len(all_) - share) < 4 * math.sqrt(share * (1 - share) / len(all_))
    uid = np.arange(1, 100_001, dtype=np.uint64) + (np.uint64(3) << np.uint64(32))  # joiners of one month
    assert reached(uid, 0.3).mean() == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / 1e5))
    assert np.all(reached(uid, 1.0))
    assert not np.any(reached(uid, 0.0))


# --- levers, by hand -------------------------------------------------------------------------------------------------

# (at maturity 1, at maturity one half), as people say them; whatever is not named is neutral.
FULL_AND_HALF: dict[str, dict[str, tuple[Any, Any]]] = {
    "digital_thinking": {
        "quality": ([0.135] * 4, [0.0675] * 4),
        "quality_sd": (0.894427, 0.945742),
        "failure": (0.75, 0.866025),
        "resolution": (0.85, 0.744606),
        "push": (0.40, 0.555006),
        "adoption": (1.3, 1.140175),
    },
    "stratification": {
        "coverage": ([0.0, 0.95, 0.95, 1.0], [0.0, 0.813397, 0.928961, 1.0]),
        "handoff": (1.6, 1.264911),
        "synergy": (1.277778, 1.130388),
        "outreach": (0.02, 0.01),
        "win_back": ([0.0416667] * 4, [0.0208333] * 4),
        "pressure_cap": (1.2, 2.190890),
        "extra_grace": (3.0, 1.5),
        "demotion": (0.7, 0.836660),
    },
    "personalised_service": {
        "churn_auc": (0.16, 0.08),
        "offer_auc": (0.15, 0.075),
        "uplift": (0.4, 0.2),
        "hours": (1.4, 1.183216),
        "contact_hours": (0.85, 0.921954),
        "targeting": (1.0, 0.5),
        "offer_share": (0.2, 0.2),
        "retain_cut": (1.281552, 1.281552),
        "by_uplift": (True, True),
        "retain": ([0.0, 0.0, 0.0, 0.15, 0.15], [0.0, 0.0, 0.0, 0.075, 0.075]),
        "privacy": (0.15, 0.075),
        "privacy_risk": (0.2, 0.1),
    },
    "staff_upskilling": {
        "train_professional": (0.075, 0.0375),
        "train_digital": (0.075, 0.0375),
        "hours": (0.91, 0.91),
        "quality_managed": ([0.0, 0.0, 0.15, 0.15], [0.0, 0.0, 0.075, 0.075]),
        "manager_exit": (0.85, 0.921954),
    },
    "institutional": {"failure": (0.92, 0.959166), "refusal": (0.0, 0.5), "pressure_cap": (1.2, 2.190890)},
    "human_resources": {
        "manager_exit": (0.75, 0.866025),
        "vacancy": (0.5, 0.707107),
        "unprepared": (0.1, 0.316228),
        "push_managers": (0.60, 0.651664),
    },
    "fintech": {"data_quality": (0.85, 0.704196), "app_failure": (0.6, 0.774597)},
    "onboarding": {
        "welcome": ([0.0, 0.2, 0.0, 0.4, 0.0], [0.0, 0.1, 0.0, 0.2, 0.0]),
        "welcome_hazard": (0.85, 0.85),  # what a contact does is its own; how many there are grows
        "welcome_adoption": (math.log(1.5), math.log(1.5)),
        "welcome_product": (0.05, 0.05),
    },
    OWN: {"close": ([0.9, 0.9, 1.0, 1.0], [0.948683, 0.948683, 1.0, 1.0])},
}
RATIOS = ("handoff", "synergy", "adoption")  # kept as logarithms though their name does not say so


def in_words(levers: Levers, facts: Bank) -> dict[str, Any]:
    """Levers as ratios, shares and sums; logarithms and log odds undone."""
    told: dict[str, Any] = {}
    for name, value in vars(levers).items():
        if name == "tiers":
            continue
        if name.startswith("log_") or name in RATIOS:
            told[name.removeprefix("log_")] = np.exp(value)
        elif name == "coverage":
            told[name] = np.array([shifted(c, s) for c, s in zip(facts.coverage, value, strict=True)])
        elif name in ("push", "push_managers", "resolution"):
            told[name] = shifted(facts.resolution if name == "resolution" else facts.push, value)
        elif name == "data_quality":
            told[name] = shifted(facts.scores.data_quality, value)
        else:
            told[name] = value[0] if name == "retain" else value
    return told


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(("part", "maturity"), [(0, 1.0), (1, 0.5)], ids=["full", "half"])
def test_levers_are_full_at_maturity_one_and_half_way_at_one_half(use: str, part: int, maturity: float) -> None:
    """Ratios half way on the log scale, shares on the logit scale, sums on their own (DECISIONS 19)."""
    levers, facts = Levers(4), facts_of_bank()
    strategy(use).turn(levers, maturity, 1, facts)
    expected = in_words(Levers(4), facts) | {name: value[part] for name, value in FULL_AND_HALF[use].items()}
    for name, value in in_words(levers, facts).items():
        np.testing.assert_allclose(value, expected[name], rtol=2e-5, atol=1e-8, err_msg=f"{use}: {name}")


def test_a_programme_of_training_is_held_once_a_quarter() -> None:
    trained, there = [], []
    for elapsed in range(1, 13):
        levers = Levers(4)
        strategy("staff_upskilling").turn(levers, 1.0, elapsed, facts_of_bank())
        trained.append(levers.train_professional)
        there.append(math.exp(levers.log_hours))
    assert [month for month, value in enumerate(trained, 1) if value] == [1, 4, 7, 10]
    assert sum(trained) == pytest.approx(0.60 * 0.5)  # SPEC 4.2: learnt, of which half reaches the job
    assert [month for month, value in enumerate(there, 1) if value < 1] == [1, 4, 7, 10]


def test_a_late_lead_is_worth_less() -> None:
    """Beyond two days the gain halves every three (SPEC 5.4): five days leave half of 0.6."""
    levers = Levers(4)
    strategy("stratification", handoff_days=5.0).turn(levers, 1.0, 1, facts_of_bank())
    assert math.exp(levers.handoff) == pytest.approx(1.3)


@pytest.mark.parametrize("use", USES)
def test_parts_of_a_programme_add_up_on_the_levers_scales(use: str) -> None:
    """Hazards multiply, log odds and chances add, of two caps the stricter holds: with any other one, in any order."""
    facts = facts_of_bank()
    for other in USES:
        one, two = Levers(4), Levers(4)
        for name, levers in ((use, one), (other, one), (other, two), (use, two)):
            strategy(name).turn(levers, 0.7, 2, facts)
        for name, value in vars(one).items():
            np.testing.assert_allclose(value, getattr(two, name), rtol=1e-14, atol=1e-15)


def test_two_caps_two_cuts_and_two_targets_follow_their_rules() -> None:
    levers = Levers(4)
    levers.cap_pressure(2.0)
    levers.cap_pressure(1.5)
    levers.cut_retention(1.0, by_uplift=False)
    levers.cut_retention(0.5, by_uplift=True)
    levers.target_offers(0.5, 0.2)
    levers.target_offers(0.5, 0.3)
    assert (levers.pressure_cap, levers.retain_cut, levers.by_uplift) == (1.5, 1.0, True)
    assert (levers.targeting, levers.offer_share) == (0.75, 0.2)


# --- how far: maturity, by hand --------------------------------------------------------------------------------------

LATE = 2_000  # months after which every S-curve stands at its end


def programme(*uses: Strategy, **settings: Any) -> Programme:
    revenue = np.array([600.0, 200.0, 100.0, 100.0])
    return Programme(uses, Implementation(**settings), facts_of_bank(), revenue, months=60, salary=16_000.0)


@pytest.mark.parametrize(
    ("elapsed", "share"), [(-3, 0.0), (0, 0.0), (1, 0.020837), (6, 0.109097), (12, 0.5), (18, 0.890903), (24, 0.985226)]
)
def test_the_s_curve_by_hand(elapsed: int, share: float) -> None:
    """1 / (1 + exp(-0.35 (t - 12))): half after the lag, 10 to 90 % within 4.4 / 0.35 = 12.6 months (SPEC 6.1)."""
    one = strategy("digital_thinking", **{"from": 5})
    assert one.curve(elapsed) == pytest.approx(share, abs=1e-6)
    assert programme(one).maturity(one, 5 + elapsed) == pytest.approx(0.6 * share, abs=1e-6)


@pytest.mark.parametrize(
    ("use", "lag"),
    [
        ("digital_thinking", 12),
        ("stratification", 9),
        ("personalised_service", 12),
        ("staff_upskilling", 6),
        ("institutional", 6),
        ("human_resources", 6),
        ("fintech", 18),
        ("onboarding", 3),
    ],
)
def test_half_has_taken_hold_after_the_lag_of_spec(use: str, lag: int) -> None:
    assert strategy(use).curve(lag) == 0.5


GATED = ["stratification", "personalised_service", "staff_upskilling"]


@pytest.mark.parametrize("use", USES)
def test_without_digital_thinking_at_most_the_gate_is_realised(use: str) -> None:
    one, thinking, rules = strategy(use), strategy("digital_thinking"), strategy("institutional")
    people = strategy("human_resources")  # keeps upskilling from fading
    gated = use in GATED
    assert bool(type(one).gates) == gated
    if use in ("digital_thinking", "institutional", "human_resources"):
        assert programme(one).maturity(one, LATE) == pytest.approx(0.6)
        return
    assert programme(one, people).maturity(one, LATE) == pytest.approx(0.4 if gated else 0.6)
    assert programme(one, people, rules).maturity(one, LATE) == pytest.approx(0.4 if gated else 0.6)
    assert programme(one, people, thinking).maturity(one, LATE) == pytest.approx(0.6)
    assert programme(one, people, thinking, rules).maturity(one, LATE) == pytest.approx(0.75 if gated else 0.6)


def test_the_gate_opens_as_digital_thinking_takes_hold() -> None:
    """Half of it holds at month 12: the gate stands at .4 + .6 x .5 = .7, above a fidelity of .6 but below .9."""
    one = strategy("stratification", fidelity=0.9, lag=0.0, speed=10.0)
    both = programme(one, strategy("digital_thinking"))
    assert both.maturity(one, 12) == pytest.approx(0.7, abs=1e-9)
    half = programme(one, strategy("digital_thinking", intensity=0.5))
    assert half.maturity(one, 12) == pytest.approx(0.4 + 0.6 * 0.25, abs=1e-9)


def test_complements_strengthen_each_other() -> None:
    tools, team, strata = strategy("personalised_service"), strategy("staff_upskilling"), strategy("stratification")
    base = [strategy("digital_thinking"), strategy("human_resources")]
    assert programme(tools, team, *base).maturity(tools, LATE) == pytest.approx(0.6 * 1.25)
    assert programme(tools, team, *base).maturity(team, LATE) == pytest.approx(0.6 * 1.25)
    assert programme(tools, strata, *base).maturity(tools, LATE) == pytest.approx(0.6 * 1.20)
    assert programme(tools, strata, *base).maturity(strata, LATE) == pytest.approx(0.6 * 1.20)
    assert programme(team, strata, *base).maturity(team, LATE) == pytest.approx(0.6)
    everything = programme(tools, team, strata, *base)
    assert everything.maturity(tools, LATE) == pytest.approx(0.6 * 1.25 * 1.20)
    late = strategy("staff_upskilling", **{"from": 12})  # half of it holds at month 18
    assert programme(tools, late, *base).maturity(tools, 18) == pytest.approx(0.6 * tools.curve(18) * (1 + 0.25 * 0.5))
    sure = strategy("personalised_service", fidelity=0.9)
    assert programme(sure, team, strata, *base).maturity(sure, LATE) == 1.0  # never more than the whole


def test_upskilling_fades_by_half_in_two_years_unless_people_are_looked_after() -> None:
    team, thinking = strategy("staff_upskilling"), strategy("digital_thinking", speed=10.0, lag=0.0)
    alone = programme(team, thinking)
    for years, kept in ((2, 0.5), (4, 0.25), (10, 1 / 32)):
        assert alone.maturity(team, 12 * years) == pytest.approx(0.6 * team.curve(12 * years) * kept)
    assert programme(team, thinking, strategy("human_resources")).maturity(team, LATE) == pytest.approx(0.6)
    half = programme(team, thinking, strategy("human_resources", intensity=0.5))
    assert half.maturity(team, LATE) == pytest.approx(0.6 * 0.5)


def test_intensity_scales_maturity_and_nobody_elses_counts_as_complement_at_zero() -> None:
    one, other = strategy("personalised_service", intensity=0.5), strategy("staff_upskilling", intensity=0.0)
    thinking = strategy("digital_thinking")
    assert programme(one, thinking).maturity(one, LATE) == pytest.approx(0.3)
    assert programme(one, thinking, other).maturity(one, LATE) == pytest.approx(0.3)
    shut = programme(one, strategy("digital_thinking", intensity=0.0))
    assert shut.maturity(one, LATE) == pytest.approx(0.2)


class Moves(Strategy):
    """Touches what it is told to."""

    what: tuple[str, ...] = ()

    def touched(self) -> tuple[Any, ...]:
        return self.what


def upheaval(month: int, *uses: Strategy) -> tuple[float, list[list[float]]]:
    """Hours of a month as a ratio, and the variance of service by (no manager, manager) and (no app, app)."""
    levers = Levers(4)
    programme(*uses).turn(levers, month)
    return math.exp(levers.log_hours), np.round(np.exp(2 * levers.log_quality_sd), 12).tolist()


@pytest.mark.parametrize(
    ("touched", "hours", "variance"),
    [
        ("managers", 0.95, [[1, 1], [1.15, 1.15]]),
        ("hours", 0.95, [[1, 1], [1, 1]]),
        ("app", 1.0, [[1, 1.15], [1, 1.15]]),
        ("service", 1.0, [[1.15, 1.15], [1.15, 1.15]]),
        ("contacts", 1.0, [[1, 1], [1, 1]]),
        ("tiers", 1.0, [[1, 1], [1, 1]]),
        ("dormant", 1.0, [[1, 1], [1, 1]]),
        ("joiners", 1.0, [[1, 1], [1, 1]]),
    ],
)
def test_upheaval_belongs_to_whom_a_strategy_touches(touched: str, hours: float, variance: list[list[float]]) -> None:
    found = upheaval(1, Moves(what=(touched,)))
    assert (round(found[0], 12), found[1]) == (hours, variance)


def test_of_several_upheavals_the_deepest_holds_for_each_group_in_its_own_first_months() -> None:
    """Managers from month 2 at one half, the app and everybody's service from month 4 at .4 and .2 (SPEC 6.1)."""
    uses = [
        Moves(what=("managers",), **{"from": 2, "intensity": 0.5}),
        Moves(what=("app", "hours"), **{"from": 4, "intensity": 0.4}),
        Moves(what=("service",), **{"from": 4, "intensity": 0.2}),
    ]
    assert upheaval(2, *uses) == (1.0, [[1, 1], [1, 1]])
    hours, variance = upheaval(3, *uses)
    assert (round(hours, 12), variance) == (1 - 0.05 * 0.5, [[1, 1], [1.075, 1.075]])
    hours, variance = upheaval(8, *uses)  # the last month of the first, the fourth of the others
    assert (round(hours, 12), variance) == (1 - 0.05 * 0.5, [[1.03, 1.06], [1.075, 1.075]])
    hours, variance = upheaval(9, *uses)
    assert (round(hours, 12), variance) == (1 - 0.05 * 0.4, [[1.03, 1.06], [1.03, 1.06]])
    assert upheaval(11, *uses) == (1.0, [[1, 1], [1, 1]])


@pytest.mark.parametrize("use", USES)
def test_every_strategy_of_ours_says_what_it_touches(use: str) -> None:
    said = "touches" in vars(known()[use])
    assert said
    assert set(strategy(use).touched()) <= set(known()[use].touches) <= set(TOUCHES)


def test_who_says_nothing_unsettles_the_whole_bank_and_a_word_that_is_none_is_refused() -> None:
    class Silent(Strategy):
        """Says nothing."""

    hours, variance = upheaval(1, Silent())
    assert (round(hours, 12), variance) == (0.95, [[1.15, 1.15], [1.15, 1.15]])
    with pytest.raises(TypeError, match=r"Odd.touches: 'everybody' is none of managers, hours, app"):

        class Odd(Strategy):
            """Touches a word."""

            touches: ClassVar = ("everybody",)


def test_parts_of_stratification_that_are_no_work_of_managers_unsettle_nobody() -> None:
    assert strategy("stratification", parts=["win_back", "grace"]).touched() == ("dormant", "tiers")
    assert upheaval(1, strategy("stratification", parts=["outreach", "pressure"])) == (1.0, [[1, 1], [1, 1]])


ALONE = {"adoption": {"peers": 0.0}}  # nobody takes up the app because others have it


def lives(s: Scenario, number: int, seed: int = 3) -> tuple[list[dict[str, np.ndarray]], set[int]]:
    """All columns of the customers of month 0 at the end of each month, by uid, and who ever had a manager."""
    model, months, managed = begun(s, number, seed), [], set()

    def watch(bank: BankModel) -> None:
        c = bank.customers
        there = np.flatnonzero((c.state != CLOSED) & (c.joined_month <= 0))
        order = there[np.argsort(c.uid[there])]
        months.append({name: getattr(c, name)[order].copy() for name in NAMES})
        managed.update(c.uid[c.manager != NOBODY].tolist())

    live(model, watch)
    return months, managed


@pytest.mark.parametrize("use", ["staff_upskilling", "human_resources"])
def test_a_strategy_that_touches_only_managers_leaves_every_unmanaged_life_as_it_was(use: str) -> None:
    """To the bit: all columns of all who never have a manager, where customers do not imitate one another."""
    s = arms({"use": use, **FAST}, customers=20_000, months=8, model=ALONE)
    assert strategy(use).touched() == ("managers",)
    (without, had), (with_it, have) = lives(s, 0), lives(s, 1)
    ever = np.array(sorted(had | have), np.uint64)
    differ = 0
    for before, after in zip(without, with_it, strict=True):
        one, other = ~np.isin(before["uid"], ever), ~np.isin(after["uid"], ever)
        assert one.sum() > 10_000
        for name in NAMES:
            np.testing.assert_array_equal(before[name][one], after[name][other], err_msg=name)
        differ += sum(not np.array_equal(before[name][~one], after[name][~other]) for name in NAMES)
    assert differ > 0  # it did something, to those with managers


# --- an end ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", USES)
def test_until_a_month_all_is_as_without_an_end_and_then_levers_wishes_and_costs_are_gone(use: str) -> None:
    s = arms({"use": use, **FAST}, {"use": "digital_thinking"} if use != "digital_thinking" else {"use": "fintech"})
    ends = arms({**s.arms["arm"][0].model_dump(by_alias=True), "until": 3}, s.arms["arm"][1], months=7)
    longer = s.model_copy(update={"months": 7})
    for_ever, ended = of_arm(longer), of_arm(ends)
    same(rows(ended, until=3), rows(for_ever, until=3))
    same(ended["bank"].query("month <= 3"), for_ever["bank"].query("month <= 3"))
    assert not rows(ended).equals(rows(for_ever))
    told = ended["bank"].set_index("month")
    for column in (f"cost[{use}]", f"maturity[{use}]"):
        assert (told[column] > 0).tolist() == [False, True, True, True, False, False, False, False]
    arm = programme(strategy(use, **FAST, until=3))
    levers = Levers(4)
    arm.turn(levers, 4)
    assert told_by(levers) == told_by(Levers(4))
    assert arm.propose(None, 4) is None  # type: ignore[arg-type]  # nobody is looked at


@pytest.mark.parametrize("use", USES)
def test_an_end_at_the_start_is_the_reference_to_the_bit(use: str, reference: dict[str, pd.DataFrame]) -> None:
    t = of_arm(arms({"use": use, "from": 1, "until": 1, **FAST}))
    same(rows(t), rows(reference))
    assert t["bank"][f"cost[{use}]"].eq(0).all()


def test_an_end_beyond_the_horizon_is_no_end() -> None:
    same(rows(of_arm(arms({"use": "fintech", "until": 1200}))), rows(of_arm(arms({"use": "fintech"}))))


def test_what_was_built_fades_by_its_own_rules_once_a_strategy_has_ended() -> None:
    """Skill of managers, learnt in months 1 and 4, is there after the end in month 4 and fades (F43)."""
    s = arms({"use": "staff_upskilling", **FAST, "until": 4}, months=30, implementation=OPEN)
    learnt: list[float] = []
    live(begun(s), lambda bank: learnt.append(float(np.mean([m.trained_professional for m in bank.team.managers]))))
    assert learnt[0] == 0
    assert learnt[4] > learnt[1] > 0
    assert learnt[4] > learnt[5] > learnt[16] > learnt[30] > 0


def test_other_strategies_lose_what_one_that_has_ended_held_for_them() -> None:
    """Gate, complements, what a carrier adds and what keeps skill from eroding end with it, and the cost of a year."""
    strata = strategy("stratification")
    thinking = strategy("digital_thinking", speed=10.0, lag=0.0, until=24)
    arm = programme(strata, thinking)
    assert arm.maturity(strata, 24) == pytest.approx(0.6 * strata.curve(24), rel=1e-6)
    assert arm.maturity(strata, 25) == pytest.approx(0.4 * strata.curve(25))
    assert arm.yearly(thinking, 60, 16_000.0) == pytest.approx(1000.0 * (0.005 + 2 * 0.002) / 5)


# --- what it costs, by hand ------------------------------------------------------------------------------------------

SPEC_COSTS = {  # capital and running, share of the annual revenue at month 0 (SPEC 6.2)
    "digital_thinking": (0.005, 0.002),
    "stratification": (0.0, 0.004),
    "personalised_service": (0.015, 0.006),
    "staff_upskilling": (0.0, 0.003),
    "institutional": (0.0, 0.001),
    "human_resources": (0.0, 0.003),
    "fintech": (0.015, 0.0),
    "onboarding": (0.001, 0.001),
    OWN: (0.0, 0.004),
}


@pytest.mark.parametrize("use", USES)
def test_capital_is_spread_over_a_year_and_running_cost_goes_on(use: str) -> None:
    capital, running = SPEC_COSTS[use]
    arm = programme(strategy(use, **{"from": 3}, intensity=0.5))
    months = [arm.costs(month)[use] for month in range(1, 40)]
    assert months[:3] == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(months[3:15], 0.5 * 1000.0 * (capital + running) / 12)
    np.testing.assert_allclose(months[15:], 0.5 * 1000.0 * running / 12, atol=1e-15)
    np.testing.assert_allclose(arm.cost(4), np.array([0.6, 0.2, 0.1, 0.1]) * months[3])
    two = programme(strategy(use), capital_months=24)
    spent = sum(two.costs(month)[use] for month in range(1, 61))
    assert spent == pytest.approx(1000.0 * (capital + 5 * running))


def test_the_books_of_a_bank_hold_what_its_strategies_cost(reference: dict[str, pd.DataFrame]) -> None:
    """Shares of the reference's revenue of month 0, whatever the arm earns; managers added are paid as managers."""
    model = begun(arms({"use": "personalised_service"}, {"use": "institutional", "intensity": 0.5}))
    t = tables(live(model))
    yearly = float(model.revenue.sum())
    expected = yearly * (0.015 + 0.006 + 0.5 * 0.001) / 12
    booked = t["monthly"].groupby("month")["strategy_cost"].sum()
    np.testing.assert_allclose(booked[1:], expected, rtol=1e-12)
    assert booked[0] == 0
    np.testing.assert_allclose(t["bank"]["strategy_cost"][1:], expected, rtol=1e-12)
    parts = t["bank"]["cost[personalised_service]"] + t["bank"]["cost[institutional]"]
    np.testing.assert_allclose(parts, t["bank"]["strategy_cost"], rtol=1e-12)
    first_month = reference["monthly"].query("month == 1")["revenue"].sum()
    assert yearly == pytest.approx(12 * first_month, rel=0.03)


SUMS = {"capital": {"amount": 1_200_000}, "running": {"amount": 400_000}}


@pytest.mark.parametrize("use", USES)
def test_sums_of_money_are_in_the_books_to_the_yuan(use: str) -> None:
    """3 months late and at half intensity: half of 1.2 m over a year, half of 0.4 m every year, whatever is earned."""
    t = of_arm(arms({"use": use, "from": 3, "intensity": 0.5, **SUMS}, months=18))
    booked = t["monthly"].groupby("month")["strategy_cost"].sum()
    expected = [0.0] * 4 + [0.5 * (100_000 + 400_000 / 12)] * 12 + [0.5 * 400_000 / 12] * 3
    np.testing.assert_allclose(booked, expected, rtol=1e-12)
    np.testing.assert_allclose(t["bank"][f"cost[{use}]"], expected, rtol=1e-12)


def test_a_sum_beside_a_share_and_an_end() -> None:
    arm = programme(strategy("fintech", capital={"amount": 240.0}, running=0.12, until=6))
    np.testing.assert_allclose([arm.costs(m)["fintech"] for m in range(1, 9)], [20.0 + 10.0] * 6 + [0.0, 0.0])
    shares = programme(strategy("fintech", capital=0.24, running=0.12, until=6))  # of revenue of 1,000
    assert [arm.costs(m) for m in range(1, 9)] == [shares.costs(m) for m in range(1, 9)]


def test_a_bank_without_revenue_pays_sums_of_money_too() -> None:
    arm = Programme(
        [strategy("fintech", **SUMS)], Implementation(), facts_of_bank(), np.zeros(4), months=12, salary=0.0
    )
    np.testing.assert_allclose(arm.cost(1), [(100_000 + 400_000 / 12) / 4] * 4)


def test_a_budget_pays_sums_of_money() -> None:
    spent, (scaled,) = spent_a_year([strategy("fintech", **SUMS)], 400_000.0)
    assert spent == pytest.approx(400_000.0, rel=1e-6)
    assert scaled.intensity == pytest.approx(0.5, rel=1e-6)  # over three years: 1.2 m / 3 + 0.4 m


def test_sums_and_ends_can_be_varied_in_a_sweep_and_a_share_as_before() -> None:
    s = arms({"use": "fintech", **SUMS, "until": 3}, {"use": "institutional"})
    base = Base(s)
    leaf = base.leaf("arms.arm.fintech.capital.amount")
    assert (leaf.base, leaf.shape.unit) == (1_200_000, "CNY")
    assert base.leaf("arms.arm.institutional.running").plausible == (0.0, 0.002)
    assert base.leaf("arms.arm.fintech.until").base == 3
    assert base.leaf("arms.arm.institutional.until").base is None
    assert base.why_not({"arms.arm.fintech.capital.amount": 2e6, "arms.arm.institutional.running": 0.1}) is None
    assert "-1 is not allowed" in str(base.why_not({"arms.arm.fintech.capital.amount": -1}))
    assert {role_of(f"arms.arm.fintech.{key}") for key in ("until", "from")} == {"lever"}
    with pytest.raises(ValueError, match=r"such as arms.arm.fintech.capital.amount"):
        base.leaf("arms.arm.fintech.capital")


# --- a budget --------------------------------------------------------------------------------------------------------


def spent_a_year(uses: list[Strategy], budget: float, *, months: int = 36) -> tuple[float, list[Strategy]]:
    """Money a year of an arm under a budget, added up month by month, managers added at what they reach in the end."""
    facts, revenue, salary = facts_of_bank(), np.array([6e7, 2e7, 1e7, 1e7]), 16_000.0
    arm = Programme(uses, Implementation(), facts, revenue, months=months, salary=salary, budget=budget)
    money = sum(sum(arm.costs(month).values()) for month in range(1, months + 1)) / (months / 12)
    posts = sum(one.extra_managers(facts, one.intensity * one.fidelity) for one in arm.strategies)
    return money + posts * salary * 12, arm.strategies


@pytest.mark.parametrize(
    "uses", [["digital_thinking"], ["personalised_service", "staff_upskilling", "fintech"], ["stratification"], USES]
)
def test_a_budget_is_spent_to_the_yuan(uses: list[str]) -> None:
    """Capital and running cost, averaged over the measured years, and a year's pay of the managers added."""
    full, _ = spent_a_year([strategy(use) for use in uses], 1e12)
    for budget in (full * 0.01, full / 3, full * 0.999):
        spent, scaled = spent_a_year([strategy(use) for use in uses], budget)
        assert spent == pytest.approx(budget, rel=1e-6)
        assert len({one.intensity for one in scaled}) == 1
        assert 0 < scaled[0].intensity < 1


def test_intensities_given_are_kept_in_proportion_until_one_is_full() -> None:
    uses = [strategy("digital_thinking", intensity=0.8), strategy("fintech", intensity=0.2)]
    small, scaled = spent_a_year(uses, 100_000.0)
    assert small == pytest.approx(100_000.0, rel=1e-6)
    assert scaled[0].intensity / scaled[1].intensity == pytest.approx(4.0)
    large, scaled = spent_a_year(uses, 600_000.0)
    assert large == pytest.approx(600_000.0, rel=1e-6)
    assert scaled[0].intensity == 1.0
    assert 0.25 < scaled[1].intensity < 1.0


def test_what_starts_late_costs_less_and_a_budget_knows() -> None:
    spent, (scaled,) = spent_a_year([strategy("digital_thinking", **{"from": 24})], 100_000.0)
    assert spent == pytest.approx(100_000.0, rel=1e-6)
    assert scaled.intensity == pytest.approx(100_000.0 / ((0.005 + 0.002) * 1e8 / 3), rel=1e-6)


def test_a_budget_beyond_everything_gives_full_intensity() -> None:
    _, scaled = spent_a_year([strategy("fintech", intensity=0.3), strategy("stratification", intensity=0.9)], 1e12)
    assert [one.intensity for one in scaled] == [1.0, 1.0]


def test_a_budget_of_nothing_is_no_strategy() -> None:
    assert spent_a_year([strategy(use) for use in USES], 0.0) == (0.0, [])


def test_the_arm_of_no_budget_is_the_reference_to_the_bit(reference: dict[str, pd.DataFrame]) -> None:
    uses = [{"use": use, **FAST} for use in USES]
    s = scenario(4_000, months=4, arms={"nothing": [], "poor": {"strategies": uses, "budget": 0}})
    same(rows(of_arm(s)), rows(reference))


def test_a_budget_in_a_bank_is_what_the_books_say() -> None:
    """A year of the arm costs its budget: strategy cost of the months, in a bank whose arms start at once."""
    s = scenario(
        4_000,
        months=12,
        arms={
            "nothing": [],
            "arm": {"budget": 20_000, "strategies": [{"use": "digital_thinking"}, {"use": "personalised_service"}]},
        },
    )
    assert of_arm(s)["monthly"]["strategy_cost"].sum() == pytest.approx(20_000, rel=1e-6)


# --- mistakes --------------------------------------------------------------------------------------------------------

WRONG = """\
name: wrong
months: 24
arms:
  nothing: []
  a: [{use: stratificaton}]
  b: [{use: fintech, data_qualty: 0.8}]
  c: [{use: fintech, intensity: 1.5}]
  d: [{use: fintech, from: -1}]
  e: [{use: staff_upskilling, professional: 7}]
  f: [{use: personalised_service, churn_auc: 1.0}]
  g: {budget: -5, strategies: [{use: fintech}]}
  h: {budget: .nan, strategies: [{use: fintech}]}
  i: [{use: stratification, allocation: upllift}]
  j: [fintech]
  k: [{from: 3}]
  l: {budgt: 5}
  m: [{use: fintech, capital: -0.1}]
  n: [{use: fintech, until: 1.5}]
  o: [{use: fintech, until: -1}]
  p: [{use: fintech, capital: {amount: -1}}]
  q: [{use: fintech, running: {amunt: 3}}]
  r: [{use: fintech, running: {amount: 3, share: 0.1}}]
  s: [{use: fintech, running: much}]
"""
PLACES = [
    "5:13  arms.a.stratificaton.use: unknown strategy stratificaton; did you mean stratification?",
    "6:22  arms.b.fintech.data_qualty: unknown key; did you mean data_quality?",
    "7:33  arms.c.fintech.intensity: 1.5 is not allowed; a number from 0 to 1 (share)",
    "8:28  arms.d.fintech.from: -1 is not allowed; a whole number from 0 to 1200 (month)",
    "9:45  arms.e.staff_upskilling.professional: 7 is not allowed; a number from 0 to 5 (SD)",
    "10:46  arms.f.personalised_service.churn_auc: 1.0 is not allowed; a number from 0.5 to below 1 (AUC)",
    "11:15  arms.g.budget: -5 is not allowed; a number from 0 to 1000000000000000 (CNY/year)",
    "12:15  arms.h.budget: NaN is not allowed; a number from 0 to 1000000000000000 (CNY/year)",
    "13:41  arms.i.stratification.allocation: ",
    "14:7  arms.j[0]: not a mapping",
    "15:7  arms.k[0].use: missing",
    "16:7  arms.l.budgt: unknown key; did you mean budget?",
    "17:31  arms.m.fintech.capital: -0.1 is not allowed; a number from 0 to 10 (share of annual revenue)",
    "18:29  arms.n.fintech.until: 1.5 is not allowed; a whole number from 0 to 1200 (month)",
    "19:29  arms.o.fintech.until: -1 is not allowed; a whole number from 0 to 1200 (month)",
    "20:40  arms.p.fintech.capital.amount: -1 is not allowed; a number from 0 to 1000000000000000 (CNY)",
    "21:22  arms.q.fintech.running.amount: missing; a number from 0 to 1000000000000000 (CNY/year)",
    "21:32  arms.q.fintech.running.amunt: unknown key; did you mean amount?",
    "22:43  arms.r.fintech.running.share: unknown key; the keys here are amount",
    '23:31  arms.s.fintech.running: "much" is text; a number from 0 to 10 or a mapping with amount (share of annual ',
]
MISFITS = """\
name: misfits
months: 12
arms:
  nothing: []
  twice:
    - {use: fintech}
    - {use: institutional}
    - {use: fintech, from: 6}
  late:
    - {use: fintech, from: 12}
  over: [{use: fintech, from: 5, until: 4}]
  idle: {budget: 1000, strategies: [{use: fintech, intensity: 0}]}
"""
SLIPS = [
    "8:13  arms.twice[2].use: fintech is there twice (item 0); once an arm",
    "10:28  arms.late.fintech.from: 12 is beyond the 12 measured months; from 0 to 11",
    "11:41  arms.over.fintech.until: 4 is before from, 5; that month or later",
    "12:18  arms.idle.budget: nothing to spend it on; an arm with a budget has strategies",
]


@pytest.mark.parametrize(("text", "told"), [(WRONG, PLACES), (MISFITS, SLIPS)], ids=["unreadable", "misfits"])
def test_each_mistake_in_an_arm_is_answered_with_its_address(
    text: str, told: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text, "utf-8")
    assert main(["validate", str(file)]) == 2
    found = [line.removeprefix(f"{file}:") for line in capsys.readouterr().err.splitlines()]
    for line in told:
        assert any(answer.startswith(line) for answer in found), (line, found)
    assert len(found) == len(told), found


def test_no_customer_no_wish() -> None:
    """An empty bank, or one without managers, asks nobody for anything."""
    nobody = Customers(1)
    view = BankView(
        nobody,
        np.zeros(0, np.int64),
        scores=lambda who: {
            name: np.zeros(who.size, np.float32) for name in ("churn_score", "uplift_score", "offer_score")
        },
    )
    for use in USES:
        wish = strategy(use).propose(view, 1.0, 3, facts_of_bank())
        assert wish is None or wish.rows.size == 0
