"""What it is worth to know, held against closed forms, against worlds of nothing but luck, and against dominance."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, qmc

from sim.analysis.worth import Outcome, luck_between, study
from sim.analysis.worth.curves import curves_of
from sim.analysis.worth.evpi import best_of, without_luck

MU = 0.3


def loss(mu: float, sd: float) -> float:
    """EVPI of two arms whose difference is normal."""
    m = mu / sd
    return sd * (norm.pdf(m) + m * norm.cdf(m)) - max(0.0, mu)


def loss_uniform(mu: float, half: float) -> float:
    """The same of a uniform difference from mu - half to mu + half, where that goes through 0."""
    return (mu + half) ** 2 / (4 * half) - max(0.0, mu)


def unit(worlds: int, parameters: int, seed: int) -> np.ndarray:
    """A Latin hypercube."""
    return qmc.LatinHypercube(parameters, rng=np.random.default_rng(seed)).random(worlds)


def table(gaps: np.ndarray) -> pd.DataFrame:
    """Values of arms whose differences to the first are these."""
    level = 100.0 + np.random.default_rng(5).normal(size=len(gaps))  # what all arms share plays no part
    columns = {"nothing": level}
    return pd.DataFrame(columns | {f"arm{i}": level + gap for i, gap in enumerate(np.atleast_2d(gaps.T))})


def named(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(values, columns=[f"p{i}" for i in range(values.shape[1])])


def linear(worlds: int, parameters: int, seed: int, weights: tuple[float, ...] = (1.0, 0.7, 0.5), luck: float = 0.5):
    """Normal parameters of which the first ones count, with luck."""
    x = norm.ppf(unit(worlds, parameters, seed))
    gap = MU + x[:, : len(weights)] @ np.array(weights)
    return named(x), table(gap + luck * np.random.default_rng(seed + 1).normal(size=worlds))


# ---------------------------------------------------------------------------------------------------------------- total


@pytest.mark.parametrize("mu", [-1.0, 0.0, 0.4])
def test_evpi_of_two_arms_with_a_normal_difference_is_the_closed_form(mu):
    x = norm.ppf(unit(512, 1, 1))
    found = study(named(x), table(mu + 2.0 * x[:, 0])).total.iloc[0]
    assert found["evpi"] == pytest.approx(loss(mu, 2.0), rel=0.03)
    assert found["raw"] == pytest.approx(loss(mu, 2.0), rel=0.03)
    assert found["best"] == ("arm0" if mu > 0 else found["best"])
    assert found["chance_best"] == pytest.approx(norm.cdf(abs(mu) / 2.0), abs=0.02)


def test_the_standard_error_of_evpi_is_the_spread_over_independent_worlds():
    values, errors = [], []
    for seed in range(30):
        x = np.random.default_rng(seed).normal(size=(128, 1))
        total = study(named(x), table(MU + x[:, 0])).total.iloc[0]
        values.append(total["evpi"])
        errors.append(total["evpi_se"])
    assert np.mean(values) == pytest.approx(loss(MU, 1.0), abs=2.5 * np.std(values) / math.sqrt(30))
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.35)


@pytest.mark.parametrize("measured", [True, False])
def test_luck_is_taken_out_of_evpi_and_raw_is_above_it(measured):
    found = []
    for seed in range(8):
        x, values = linear(64, 100, seed, luck=1.5)
        found.append(study(x, values, noise_sd=1.5 if measured else None).total.iloc[0])
    truth = loss(MU, math.sqrt(1 + 0.49 + 0.25))
    assert np.mean([one["evpi"] for one in found]) == pytest.approx(truth, rel=0.15)
    assert np.mean([one["raw"] for one in found]) > 1.25 * truth
    assert {one["bound"] for one in found} == ({"estimate"} if measured else {"at least"})


@pytest.mark.parametrize("measured", [True, False])
@pytest.mark.parametrize("arms", [1, 5])
def test_of_nothing_but_luck_nothing_is_worth_knowing(measured, arms):
    evpi, raw, clear = 0.0, 0.0, 0
    for seed in range(20):
        x = named(unit(64, 60, seed))
        values = table(np.random.default_rng(seed + 100).normal(size=(64, arms)))
        found = study(x, values, noise_sd=1.0 if measured else None)
        evpi, raw = evpi + found.total["evpi"].iloc[0], raw + found.total["raw"].iloc[0]
        clear += int(found.parts["clear"].sum())
    assert evpi < 0.1 * raw
    assert clear <= 3  # of 1,200; one is to be expected


def test_one_arm_that_dominates_makes_knowing_worth_exactly_nothing():
    x = unit(64, 40, 3)
    gaps = np.stack([5.0 + x[:, 0], 2.0 + x[:, 1] - x[:, 0]], axis=1)
    found = study(named(x), table(gaps))
    total = found.total.iloc[0]
    assert (total["evpi"], total["evpi_se"], total["raw"], total["raw_se"]) == (0.0, 0.0, 0.0, 0.0)
    assert total["best"] == "arm0"
    assert total["chance_best"] == 1.0
    assert (found.parts[["evppi", "evppi_se", "share", "at_most"]].to_numpy() == 0.0).all()
    assert found.parts["clear"].any(), "what matters is told from chance all the same"


def test_what_only_acts_together_is_in_evpi_if_luck_was_measured_and_said_to_lack_if_not():
    x = unit(256, 20, 2) * 2 - 1
    gap = 3.0 * x[:, 0] * x[:, 1]
    values = table(gap + 0.1 * np.random.default_rng(0).normal(size=256))
    measured, guessed = study(named(x), values, noise_sd=0.1), study(named(x), values)
    truth = np.maximum(gap, 0.0).mean() - max(gap.mean(), 0.0)
    assert measured.total["evpi"].iloc[0] == pytest.approx(truth, rel=0.05)
    assert guessed.total["bound"].iloc[0] == "at least"
    assert guessed.total["evpi"].iloc[0] < 0.5 * truth
    assert measured.parts["evppi"].sum() == pytest.approx(0.0, abs=0.02), "neither alone tells anything"


def test_what_two_assumptions_do_together_is_not_credited_to_a_third_nor_to_luck():
    """Sobol' points of many dimensions: the product of two looks like a third, so that they are the hardest case."""
    for seed in range(3):
        x = qmc.Sobol(20, rng=np.random.default_rng(seed)).random(256) * 2 - 1
        gap = 0.2 + x[:, 0] - 0.7 * x[:, 1] + 2.0 * x[:, 0] * x[:, 1]
        found = study(named(x), table(gap + 0.1 * np.random.default_rng(0).normal(size=256)))
        assert set(found.parts.loc[found.parts["clear"], "parameter"]) == {"p0", "p1"}
        truth = np.maximum(gap, 0.0).mean() - max(gap.mean(), 0.0)
        assert found.total["evpi"].iloc[0] == pytest.approx(truth, rel=0.1)


def test_luck_between_seeds_is_that_of_the_mean_over_them():
    rng = np.random.default_rng(1)
    luck = rng.multivariate_normal([0, 0], [[4.0, 1.0], [1.0, 1.0]], size=(400, 4))
    worlds = rng.normal(size=(400, 1, 2)) * 10
    index = pd.MultiIndex.from_product([range(400), range(4)])
    values = pd.DataFrame((worlds + luck).reshape(-1, 2), index=index, columns=["a", "b"])
    found = luck_between(values)
    assert found.to_numpy() == pytest.approx(np.array([[1.0, 0.25], [0.25, 0.25]]), abs=0.08)
    assert luck_between(values.groupby(level=0).head(1)).isna().to_numpy().all(), "one seed says nothing"
    given = study(named(rng.normal(size=(400, 2))), values.groupby(level=0).mean(), noise=found)
    assert given.total["luck_share"].iloc[0] == pytest.approx(0.75 / 200.75, abs=0.05)


# ---------------------------------------------------------------------------------------------------------------- parts


def test_evppi_of_a_linear_model_is_the_closed_form_of_each_normal_input():
    x, values = linear(512, 60, 4)
    parts = study(x, values, noise_sd=0.5).parts.set_index("parameter")
    for name, weight in (("p0", 1.0), ("p1", 0.7), ("p2", 0.5)):
        truth = loss(MU, weight)
        assert parts.loc[name, "clear"]
        assert parts.loc[name, "evppi"] == pytest.approx(truth, abs=0.035)
        assert abs(parts.loc[name, "evppi"] - truth) < 3 * parts.loc[name, "evppi_se"]
    idle = parts.drop(["p0", "p1", "p2"])
    assert idle["evppi"].sum() < 0.01
    assert idle["clear"].sum() <= 1


def test_evppi_is_not_biased_upwards_with_few_worlds_and_many_assumptions():
    found = []
    for seed in range(16):
        x, values = linear(64, 120, seed)
        found.append(study(x, values).parts.set_index("parameter")["evppi"])
    mean = pd.concat(found, axis=1).mean(axis=1)
    assert mean[["p0", "p1", "p2"]].to_numpy() == pytest.approx([loss(MU, 1), loss(MU, 0.7), loss(MU, 0.5)], abs=0.025)
    assert mean.drop(["p0", "p1", "p2"]).sum() < 0.01


def test_the_spread_of_a_curve_is_not_made_by_chance():
    spread = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x = rng.random((64, 1))
        gap = 0.3 * (x - 0.5) * math.sqrt(12) + rng.normal(size=(64, 1))  # a variance of 0.09, and luck of 1
        spread.append(curves_of(named(x), gap, np.zeros((1, 1)), rng).curve(0)[:, 1].var())
    assert np.mean(spread) == pytest.approx(0.09, abs=2.5 * np.std(spread) / 10)


def test_evppi_of_uniform_inputs_is_the_closed_form():
    u = unit(512, 10, 7) * 2 - 1
    values = table(0.2 + 1.0 * u[:, 0] - 0.6 * u[:, 1] + 0.3 * np.random.default_rng(7).normal(size=512))
    parts = study(named(u), values).parts.set_index("parameter")
    assert parts.loc["p0", "evppi"] == pytest.approx(loss_uniform(0.2, 1.0), rel=0.1)
    assert parts.loc["p1", "evppi"] == pytest.approx(loss_uniform(0.2, 0.6), rel=0.2)
    assert (parts.loc["p0", "best_low"], parts.loc["p0", "best_high"]) == ("nothing", "arm0")
    assert (parts.loc["p1", "best_low"], parts.loc["p1", "best_high"]) == ("arm0", "nothing")
    assert parts.loc["p0", "turns_at"] == pytest.approx(-0.2, abs=0.1)
    assert parts.loc["p1", "turns_at"] == pytest.approx(1 / 3, abs=0.15)


def test_the_standard_error_of_evppi_covers_its_spread():
    values, errors = [], []
    for seed in range(30):
        x, gaps = linear(128, 5, seed, luck=1.0)
        row = study(x, gaps).parts.set_index("parameter").loc["p1"]
        values.append(row["evppi"])
        errors.append(row["evppi_se"])
    assert 0.6 < np.mean(errors) / np.std(values, ddof=1) < 1.7


def test_an_assumption_that_only_bends_is_found():
    u = unit(256, 30, 9) * 2 - 1
    values = table(3.0 * (u[:, 0] ** 2 - 1 / 3) + 0.3 * np.random.default_rng(2).normal(size=256))
    row = study(named(u), values).parts.iloc[0]
    grid = np.linspace(-1, 1, 20_001)
    assert row["parameter"] == "p0"
    assert row["evppi"] == pytest.approx(np.maximum(3 * (grid**2 - 1 / 3), 0).mean(), rel=0.1)
    assert row["best_low"] == row["best_high"] == "arm0"
    assert row["turns_at"] == pytest.approx(-math.sqrt(1 / 3), abs=0.1)


def test_knowing_an_assumption_tells_of_another_that_goes_along_with_it():
    z = np.random.default_rng(4).normal(size=(512, 6))
    z[:, 1] = 0.9 * z[:, 0] + math.sqrt(1 - 0.81) * z[:, 1]
    values = table(z[:, 0] + 0.8 * z[:, 2] + 0.3 * np.random.default_rng(5).normal(size=512))
    parts = study(named(z), values).parts.set_index("parameter")
    assert parts.loc["p0", "evppi"] == pytest.approx(loss(0.0, 1.0), rel=0.1)
    assert parts.loc["p2", "evppi"] == pytest.approx(loss(0.0, 0.8), rel=0.1)
    p1 = curves_of(
        named(z), values.to_numpy()[:, 1:] - values.to_numpy()[:, :1], np.zeros((1, 1)), np.random.default_rng()
    )
    assert p1.curve(1).max(axis=1).mean() == pytest.approx(loss(0.0, 0.9), rel=0.1)


def test_choices_and_switches_are_assumptions_too():
    rng = np.random.default_rng(8)
    kind, on = rng.choice(["low", "middle", "top"], 256), rng.random(256) < 0.5
    gap = np.select([kind == "low", kind == "middle"], [-1.0, 0.0], 1.3) + np.where(on, 0.5, -0.5)
    inputs = pd.DataFrame({"kind": kind, "on": on, "same": 1.0, "idle": rng.random(256)})
    parts = study(inputs, table(gap + 0.1 * rng.normal(size=256))).parts.set_index("parameter")
    assert parts.loc["kind", "evppi"] == pytest.approx((0.0 + 0.0 + 1.3) / 3 - 0.1, abs=0.12)
    assert (parts.loc["kind", "low"], parts.loc["kind", "high"], parts.loc["on", "high"]) == ("low", "top", True)
    assert parts.loc["on", "clear"]
    assert not parts.loc["same", "clear"]


# ------------------------------------------------------------------------------------------------------------- the rest


def test_money_in_another_unit_changes_nothing_else():
    x, values = linear(64, 30, 1)
    one, other = study(x, values, noise_sd=0.5), study(x, values * 1e6, noise_sd=0.5e6)
    assert other.total["evpi"].iloc[0] == pytest.approx(1e6 * one.total["evpi"].iloc[0])
    assert other.parts["evppi"].to_numpy() == pytest.approx(1e6 * one.parts["evppi"].to_numpy())
    assert other.parts["p"].equals(one.parts["p"])


def test_the_reference_may_stand_anywhere_and_the_same_tables_come_twice():
    x, values = linear(64, 30, 1)
    one, again = study(x, values), study(x, values)
    pd.testing.assert_frame_equal(one.parts, again.parts)
    pd.testing.assert_frame_equal(one.total, again.total)
    moved = study(x, values[["arm0", "nothing"]], reference="nothing")
    pd.testing.assert_frame_equal(one.parts, moved.parts)


def test_worlds_without_a_value_are_left_out_and_of_too_few_nothing_is_said():
    x, values = linear(64, 10, 1)
    holes = values.copy()
    holes.iloc[3, 1] = np.nan
    assert study(x, holes).total["worlds"].iloc[0] == 63
    pd.testing.assert_frame_equal(study(x, holes).total, study(x.drop(3), values.drop(3)).total)
    assert study(x.head(8), values.head(8)) is not None
    assert study(x.head(7), values.head(7)) is None
    assert study(x, values[["nothing"]]) is None


def test_it_takes_less_than_two_seconds():
    rng = np.random.default_rng(0)
    x = named(unit(512, 200, 0))
    values = table(x.to_numpy()[:, :6] @ rng.normal(size=(6, 8)) + 0.3 * rng.normal(size=(512, 8)))
    outcomes = {f"p{i}": Outcome("mean", "score", "customers", 1e5, 1.0) for i in range(6)}
    study(x.head(64), values.head(64))  # imports
    begun = time.process_time()
    found = study(x, values, noise_sd=0.3, outcomes=outcomes)
    assert time.process_time() - begun < 2.0  # of processors, as others use the machine too
    assert found.parts["clear"].sum() >= 6


def test_without_luck_knowing_is_never_worth_more_than_with_it() -> None:
    """In few worlds with a long tail, taking luck out can leave more than there was: the raw figure is the bound."""
    rng = np.random.default_rng(246)
    tail = rng.lognormal(0.0, 1.2, 16)
    gaps = np.stack([tail + rng.normal(0, 0.3, 16), tail * 1.4 - 1.0 + rng.normal(0, 1.0, 16)], axis=1)
    assert best_of(without_luck(gaps, np.diag([0.05, 0.5])))[0] > best_of(gaps)[0]
    worlds = pd.DataFrame({"nothing": 0.0, "one": gaps[:, 0], "two": gaps[:, 1]})
    luck = pd.DataFrame(np.diag([0.0, 0.05, 0.5]), index=worlds.columns, columns=worlds.columns)
    found = study(pd.DataFrame({"idle": rng.uniform(size=16)}), worlds, noise=luck)
    assert found is not None
    assert found.total["evpi"].iloc[0] <= found.total["raw"].iloc[0]
