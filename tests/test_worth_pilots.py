"""Pilots: the worth of a sample against the conjugate closed form, errors against lots that were drawn, words."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, qmc

from sim.analysis.worth import Outcome, Prices, study
from sim.analysis.worth.pilots import cost, evsi
from sim.experiments.design.variants import Base
from sim.experiments.pilots import ROWS, Treatments, outcome_of, outcomes_of
from sim.phrases import labelled
from sim.reporting.worth import knowing_all, knowing_each, which_pilot
from sim.scenario.scenario import Scenario

PLACES = norm.ppf((np.arange(400) + 0.5) / 400)  # of a standard normal assumption


def loss(mu: float, sd: float) -> float:
    """EVPI of two arms whose difference is normal."""
    m = mu / sd
    return sd * (norm.pdf(m) + m * norm.cdf(m)) - max(0.0, mu)


def two_arms(gap: np.ndarray) -> np.ndarray:
    return np.stack([np.zeros_like(gap), gap], axis=1)


# ------------------------------------------------------------------------------------------------------------ its worth


@pytest.mark.parametrize("mu", [0.0, 0.4, -0.7])
@pytest.mark.parametrize("n", [1, 10, 100, 10_000])
def test_evsi_is_that_of_the_normal_conjugate(mu, n):
    n0 = 25.0  # what is believed is worth so many observations
    error = np.full(400, math.sqrt(n0 / n))
    found = evsi(PLACES, error, two_arms(mu + PLACES))
    assert found == pytest.approx(loss(mu, math.sqrt(n / (n + n0))), abs=0.004)


def test_evsi_grows_to_evppi_and_never_passes_it():
    curve = two_arms(0.3 + PLACES + 0.4 * PLACES**2)
    most = curve.max(axis=1).mean() - curve.mean(axis=0).max()
    found = [float(evsi(PLACES, np.full(400, 1.0 / math.sqrt(n)), curve)) for n in 10.0 ** np.arange(-4, 9)]
    assert (np.diff(found) >= -1e-3 * most).all()
    assert 0.0 <= found[0] < 0.01 * most
    assert max(found) <= most
    assert found[-1] == pytest.approx(most, rel=0.02)
    assert evsi(PLACES, np.ones(400), two_arms(9.0 + PLACES)) == 0.0, "one arm is best whatever is found"


def test_evsi_agrees_with_regression_on_simulated_summaries():
    rng = np.random.default_rng(1)
    theta = rng.normal(size=40_000)
    worth = np.stack([0 * theta, 0.2 + theta, 0.5 - 0.4 * theta + 0.3 * theta**2], axis=1)
    seen = theta + 0.8 * rng.normal(size=theta.size)
    fitted = np.stack([np.polyval(np.polyfit(seen, arm, 5), seen) for arm in worth.T], axis=1)  # Strong et al.
    regression = fitted.max(axis=1).mean() - worth.mean(axis=0).max()
    curve = np.stack([0 * PLACES, 0.2 + PLACES, 0.5 - 0.4 * PLACES + 0.3 * PLACES**2], axis=1)
    assert evsi(PLACES, np.full(400, 0.8), curve) == pytest.approx(regression, rel=0.05)


def test_an_error_that_depends_on_the_assumption_is_part_of_what_is_seen():
    two = np.array([0.0, 0.0])  # the same mean effect: only the spread of readings tells them apart
    curve = two_arms(np.array([-1.0, 1.0]))
    assert evsi(two, np.array([1.0, 1.0]), curve) == pytest.approx(0.0, abs=1e-12)
    assert evsi(two, np.array([1.0, 20.0]), curve) > 0.3


# ------------------------------------------------------------------------------------------------- errors, power, costs


def drawn(outcome: Outcome, x: float, each: int, months: int, times: int = 4000) -> np.ndarray:
    """What pilots see that are simulated month by month, by kind."""
    rng = np.random.default_rng(3)
    effect = float(outcome.effect(np.array([x]), months)[0])
    if outcome.kind == "events":
        rate = -math.log1p(-outcome.base)
        halves = [rng.binomial(each, -math.expm1(-rate * months * math.exp(on)), times) for on in (0.0, effect)]
        cumulated = [-np.log1p(-half / each) for half in halves]
        return np.log(cumulated[1] / cumulated[0])
    if outcome.kind == "odds":
        seen = []
        for on in (0.0, effect):
            odds = outcome.base / (1 - outcome.base) * math.exp(on)
            left, risk, taken = np.full(times, each), np.zeros(times), np.zeros(times)
            for _ in range(months):
                events = rng.binomial(left, odds / (1 + odds))
                risk, taken, left = risk + left, taken + events, left - events
            seen.append(np.log(taken / (risk - taken)))
        return seen[1] - seen[0]
    if outcome.kind == "share":
        tries = int(each * outcome.answers * outcome.contacts * months)
        return rng.binomial(tries, effect, times) / tries
    heard = int(each * outcome.answers)
    means = [on + outcome.base * rng.normal(size=(times // 10, heard)).mean(axis=1) for on in (0.0, effect)]
    return means[1] - means[0]


@pytest.mark.parametrize(
    ("outcome", "x", "tolerance"),
    [
        (Outcome("events", "exits", "customers", 1e6, 0.006, "log", contrast=0.5), -0.4, 0.05),
        (Outcome("events", "sales", "customers", 1e6, 0.02, "ratio"), 1.3, 0.05),
        (Outcome("odds", "app", "customers", 1e6, 0.03, "ratio"), 1.5, 0.05),
        (Outcome("share", "reached", "customers", 1e6, 0.5, answers=0.5), 0.3, 0.05),
        (Outcome("mean", "survey", "customers", 1e6, 1.2, answers=0.25), 0.2, 0.1),
    ],
)
def test_the_error_of_a_pilot_is_that_of_lots_that_were_drawn(outcome, x, tolerance):
    seen = drawn(outcome, x, 2000, 6)
    effect = outcome.effect(np.array([x]), 6)
    assert seen.mean() == pytest.approx(effect[0], abs=4 * seen.std() / math.sqrt(len(seen)) + 0.01 * abs(effect[0]))
    assert outcome.error(effect, 2000, 6)[0] == pytest.approx(seen.std(), rel=tolerance)


def test_scales_and_growth_of_effects():
    x = np.array([0.5, 2.0])
    base = {"kind": "events", "counts": "", "who": "", "customers": 1.0, "base": 0.01}
    assert Outcome(**base, scale="ratio").effect(x, 6) == pytest.approx(np.log(x))
    assert Outcome(**base, scale="change").effect(x, 6) == pytest.approx(np.log(1 + x))
    assert Outcome(**base, scale="part", contrast=0.2).effect(x, 6) == pytest.approx(np.log([0.9, 1.2]))
    assert Outcome(**base, scale="log", contrast=-2.0).effect(x, 6) == pytest.approx(-2 * x)
    whole = np.trapezoid(1 - np.exp(-np.linspace(0, 6, 2001) / 4), np.linspace(0, 6, 2001)) / 6
    assert Outcome(**base, scale="log", after=4.0).effect(x, 6) == pytest.approx(whole * x, rel=1e-4)
    mean = {**base, "kind": "mean", "after": 4.0}
    assert Outcome(**mean).effect(x, 6) == pytest.approx((1 - math.exp(-1.5)) * x)


def priced(outcome: Outcome, prices: Prices | None = None, horizon: float = 60, money: float = 1e6):
    """A study of 64 worlds of which one assumption, standard normal, decides between two arms."""
    x = norm.ppf(qmc.LatinHypercube(3, rng=np.random.default_rng(1)).random(64))
    values = pd.DataFrame({"nothing": np.zeros(64), "new": money * (0.2 + x[:, 0])})
    inputs = pd.DataFrame(x, columns=["a", "b", "c"])
    return study(inputs, values, outcomes={"a": outcome, "b": outcome}, prices=prices, horizon=horizon)


def test_power_is_that_of_the_textbook():
    """Means that differ by 0.2 SD: 80 % with 393 in each half; and by nothing: the chance of a false alarm."""
    outcome = Outcome("mean", "score", "customers", 1e6, 1.0, contrast=0.2)
    sizes = priced(outcome, Prices(smallest=393, largest=393, months=[6])).sizes.iloc[0]
    x = norm.ppf(qmc.LatinHypercube(3, rng=np.random.default_rng(1)).random(64))[:, 0]
    x.sort()
    place = x[round(0.9 * 63)]
    assert sizes["power_high"] == pytest.approx(norm.cdf(0.2 * place / math.sqrt(2 / 393) - 1.95996), abs=1e-3)
    one = Outcome("mean", "score", "customers", 1e6, 1.0, contrast=0.2 / place)
    sizes = priced(one, Prices(smallest=393, largest=393, months=[6])).sizes.iloc[0]
    assert sizes["power_high"] == pytest.approx(0.80, abs=0.003)
    none = Outcome("mean", "score", "customers", 1e6, 1.0, contrast=1e-9)
    assert priced(none).sizes["assurance"].to_numpy() == pytest.approx(0.05, abs=1e-4)


def test_what_a_pilot_costs_adds_up():
    prices = Prices(setup=1000, monthly=100, answer=2)
    outcome = Outcome("mean", "s", "w", 5000.0, 1.0, answers=0.5, contacts=3.0, price=0.5, running=700.0)
    treated, asked, running = 500 * 6 * 3 * 0.5, 2 * 2 * 500 * 0.5, 700 * 6 * 500 / 5000
    assert cost(outcome, 500, 6, prices) == pytest.approx(1000 + 600 + treated + asked + running)


def test_the_best_size_is_the_one_with_the_largest_net_worth():
    found = priced(Outcome("mean", "score", "wealth customers", 40_000.0, 3.0, price=2.0))
    assert list(found.pilots["parameter"]) == ["a"], "b tells nothing, c has no outcome"
    best, sizes = found.pilots.iloc[0], found.sizes
    assert best["net"] == sizes["net"].max()
    assert set(sizes["customers_each"]) == {500, 1000, 2000, 4000, 8000, 16_000}, "no more than there are"
    assert set(sizes["months"]) == {3, 6, 12}
    assert best["pays"]
    assert best["net"] == pytest.approx(best["worth"] - best["cost"])
    assert sizes["worth"].to_numpy() == pytest.approx((sizes["evsi"] * (1 - sizes["months"] / 60)).to_numpy())
    assert (sizes["evsi"] <= sizes["evppi"] + 1e-6).all()
    for _, group in sizes.groupby("months"):
        assert (np.diff(group["evsi"]) > -1e-3 * group["evppi"].iloc[0]).all()
    assert best["evsi_se"] > 0 or best["evppi"] == 0


def test_small_money_pays_no_pilot_and_few_customers_have_none():
    outcome = Outcome("mean", "score", "customers", 1e6, 1.0)
    small = priced(outcome, money=1e3)
    assert not small.pilots["pays"].any()
    returned = small.sizes["worth"] / small.sizes["cost"]
    assert small.pilots["worth"].iloc[0] / small.pilots["cost"].iloc[0] == returned.max(), (
        "the nearest, not the cheapest"
    )
    free = priced(outcome, Prices(setup=0, monthly=0), money=1e3).pilots
    assert (free["cost"] == 0).all()
    assert free["pays"].all()
    assert len(priced(Outcome("mean", "score", "customers", 900.0, 1.0)).sizes) == 0
    assert set(priced(outcome, horizon=6).sizes["months"]) == {3}, "a pilot ends before the horizon"


# ----------------------------------------------------------------------------------------------------- of a scenario


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    uses = ("digital_thinking", "stratification", "personalised_service", "staff_upskilling")
    arms = {"nothing": [], **{use: [{"use": use}] for use in uses}}
    return Scenario.model_validate(
        {"name": "asked", "population": {"customers": 1_000_000, "agents": 5000}, "arms": arms}
    )


PATHS = {
    "model.leaving.satisfaction": "exits",
    "model.leaving.trust": "exits",
    "model.leaving.gap": "exits",
    "model.leaving.app": "exits",
    "model.retention.hazard_ratio.persuadable": "exits",
    "model.retention.win_back.mass": "customers won back",
    "model.contacts.skill": "products sold",
    "model.contacts.near_threshold_effect": "products sold",
    "model.feelings.gain": "satisfaction",
    "model.wallet.contact": "share of wallet",
    "channels.phone.reach": "customers reached",
    "channels.video.conversion": "offers taken",
    "arms.stratification.stratification.handoff": "products sold",
    "arms.stratification.stratification.coordinated": "products sold",
    "arms.digital_thinking.digital_thinking.quality": "perceived quality",
    "arms.digital_thinking.digital_thinking.failures": "complaints",
    "arms.digital_thinking.digital_thinking.adoption": "customers who take up the app",
    "arms.staff_upskilling.staff_upskilling.specialists": "perceived quality",
    "arms.personalised_service.personalised_service.backlash": "trust",
}
OF_REVISION_2 = ("model.leaving.bond", "model.wallet.bond", "model.contacts.bond_conversion")


@pytest.mark.parametrize("path", PATHS)
def test_a_number_of_the_scenario_has_the_outcome_that_it_governs(scenario, path):
    leaf = Base(scenario).leaf(path)
    outcome = outcome_of(leaf.path, scenario, revenue=2e9)
    assert outcome is not None
    assert outcome.counts == PATHS[path]
    x = np.array(leaf.plausible if leaf.plausible else (leaf.base, leaf.base), dtype=float)
    effect = outcome.effect(x, 6)
    error = outcome.error(effect, 4000, 6)
    assert np.isfinite(effect).all()
    assert ((error > 0) & (error < 1)).all()
    assert 0 < outcome.customers <= 1_000_000
    if path.startswith("arms.") and "failures" not in path:
        assert outcome.running > 0


def test_every_row_is_met_and_what_no_trial_tells_has_none(scenario):
    import re

    paths = [*PATHS, *OF_REVISION_2, "model.retention.hazard_ratio", "model.retention.win_back"]
    assert all(any(re.search(pattern, path) for path in paths) for pattern, _ in ROWS)
    assert all(outcome_of(path, scenario) is not None for path in OF_REVISION_2)
    for path in ("model.wealth.growth", "discount_rate", "economics.acquisition", "managers.salary"):
        assert outcome_of(path, scenario) is None


def test_outcomes_go_through_a_manifest(scenario):
    import json

    kept = json.loads(json.dumps(outcomes_of([*PATHS, "model.wealth.growth"], scenario, revenue=2e9)))
    assert list(kept) == list(PATHS)
    for path, plain in kept.items():
        assert Outcome(**plain) == outcome_of(path, scenario, revenue=2e9)


def test_beliefs_that_all_arms_share_and_factors_on_tables_have_outcomes(scenario):
    """As worlds name them: a strategy's number without its arm, a table as one factor around 1."""
    shared, one = (
        outcome_of(f"{arm}digital_thinking.quality", scenario, revenue=2e9) for arm in ("", "arms.digital_thinking.")
    )
    assert shared == one
    assert shared.running > 0
    back = outcome_of("model.retention.win_back", scenario, customers={"mass": 900.0})
    alone = outcome_of("model.retention.win_back.mass", scenario, customers={"mass": 900.0})
    table = scenario.model.retention.win_back
    assert back.effect(np.array([1.2]), 6) == pytest.approx(alone.effect(np.array([1.2 * table["mass"]]), 6))
    kept = outcome_of("model.retention.hazard_ratio", scenario)
    ratios = scenario.model.retention.hazard_ratio
    mean = 0.2 * ratios["persuadable"] + 0.6 + 0.12 * ratios["lost_cause"] + 0.08 * ratios["sleeping_dog"]
    assert kept.effect(np.array([1.0, 1.1]), 6) == pytest.approx(np.log([mean, 1.1 * mean]))


def test_outcomes_follow_the_scenario(scenario):
    path = "model.leaving.satisfaction"
    one = outcome_of(path, scenario, treatments=Treatments(quality=0.5))
    assert (one.contrast, one.kind, one.scale, one.who) == (0.5, "events", "log", "customers")
    hazard = scenario.model.hazards["wealth"]
    wealth = outcome_of(path, scenario, customers={"wealth": 8000.0})
    assert wealth.base == pytest.approx(hazard.close + hazard.dormant)
    assert wealth.customers == pytest.approx(8000.0)
    assert outcome_of("model.retention.win_back.mass", scenario).who == "dormant mass customers"
    assert outcome_of("model.retention.win_back.wealth", scenario, customers={"mass": 1.0}) is None, "nobody to try"
    running = scenario.arm_list[1].strategies[0].running
    own = outcome_of("arms.digital_thinking.digital_thinking.quality", scenario, revenue=12e6)
    assert own.running == pytest.approx(running * 1e6)
    book = scenario.managers.span
    assert outcome_of("model.contacts.skill", scenario, customers={"wealth": 1e4}).inflation == pytest.approx(
        1 + (book["wealth"] - 1) * 0.01
    )


# ---------------------------------------------------------------------------------------------------------------- words


def words(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


TOTAL = {
    "reference": "nothing",
    "best": "stratify",
    "mean": 4e6,
    "chance_best": 0.61,
    "evpi": 3.21e6,
    "evpi_se": 4e5,
    "raw": 5.1e6,
    "raw_se": 4e5,
    "luck_share": 0.4,
    "bound": "estimate",
    "worlds": 64,
    "parameters": 101,
}


def test_what_it_is_worth_to_know_in_a_sentence():
    with labelled({("arm", "stratify"): "Strata"}):
        assert words(knowing_all(pd.DataFrame([TOTAL]), "CNY")) == (
            "On average “Strata” is best; it is in 61 % of 64 worlds. To know every assumption would be worth "
            "CNY 3.21 m (± CNY 400 k); CNY 5.10 m with luck counted as knowledge."
        )
    least = words(knowing_all(pd.DataFrame([{**TOTAL, "bound": "at least"}]), "CNY"))
    assert least.endswith("worth at least CNY 3.21 m (± CNY 400 k), and at most CNY 5.10 m, luck included.")
    none = words(knowing_all(pd.DataFrame([{**TOTAL, "evpi": 0.0}]), "CNY"))
    assert none.endswith("cannot be told from luck, so knowing more is worth nothing that shows.")
    never = knowing_all(pd.DataFrame([{**TOTAL, "raw": 0.0, "evpi": 0.0}]), "CNY")
    assert never == "Knowing more would be worth nothing: “stratify” is best in every one of 64 worlds."


def test_parts_and_pilots_in_sentences_from_a_study():
    found = priced(Outcome("mean", "score", "wealth customers", 40_000.0, 3.0, price=2.0))
    row, pilot = found.parts.iloc[0], found.pilots.iloc[0]
    first, others = (words(line) for line in knowing_each(found.parts, "CNY", {"a": "the effect of calls"}))
    assert first.startswith("The effect of calls: worth CNY 3")
    assert first.endswith(f"below \N{MINUS SIGN}{abs(row['turns_at']):.4g} “nothing” is best, above it “new”.")
    assert others.startswith(
        "What 2 other assumptions do cannot be told from chance with so many worlds; none is worth"
    )
    (line,) = (words(one) for one in which_pilot(found.pilots, found.parts, "CNY"))
    each = int(pilot["customers_each"])
    assert line.startswith(f"Test a on {2 * each:,} wealth customers ({each:,} with, {each:,} without) for 3 months")
    assert "counting score: costs CNY " in line


def test_what_pays_no_pilot_and_what_has_none_is_said():
    found = priced(Outcome("mean", "score", "customers", 1e6, 1.0), money=1e3)
    (line,) = which_pilot(found.pilots, found.parts, "CNY")
    assert line.startswith("No pilot is worth what it costs. The nearest: Test a on ")
    (line,) = which_pilot(found.pilots.iloc[:0], found.parts, "CNY")
    assert line == "No pilot with customers is known that tells a."
