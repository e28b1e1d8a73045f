"""What an analysis of a sweep finds, held against answers known beforehand: by formula or worked by hand."""

from __future__ import annotations

import math
from pathlib import Path

import fabricate_sweep as make
import numpy as np
import pandas as pd
import pytest
from fabricate_sweep import fabricate, grid, parameter

from sim.analysis.discovery import discover
from sim.analysis.effects import effects, full_grid, luck
from sim.analysis.indices import indices, refusal
from sim.analysis.interactions import interactions, surface
from sim.analysis.regret import regret, regret_table
from sim.analysis.study import Study, better_of, say, short_names
from sim.errors import BadInput
from sim.reporting.sweep import findings_of
from sim.reporting.sweep.sentences import all_conditions, condition_words

NOWHERE = Path("nowhere")
XS = ("model.x1", "model.x2", "model.x3")


def ishigami(v):
    a, b, c = (math.pi * (2 * np.asarray(v[path], dtype=float) - 1) for path in XS)
    return np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def sampled(design, outcomes, samples=1024, dimensions=XS, **more):
    """A sweep over SALib's own sample in unit space, as a plan tells it."""
    problem = {"num_vars": len(dimensions), "names": list(dimensions), "bounds": [[0.0, 1.0]] * len(dimensions)}
    told = {"design": design, "samples": samples, "problem": problem, "parameters": list(dimensions)}
    if design == "saltelli":
        from SALib.sample.sobol import sample

        unit = sample(dict(problem), samples, calc_second_order=True, seed=3)
        told["second_order"] = True
    elif design == "morris":
        from SALib.sample.morris import sample

        unit = sample(dict(problem), samples, num_levels=4, seed=3)
        told |= {"levels": 4, "X": unit.tolist()}
    else:
        unit = np.random.default_rng(3).random((samples, len(dimensions)))
    rows: dict[tuple, int] = {}
    order = [rows.setdefault(tuple(row), len(rows)) for row in unit.tolist()]
    told["rows"] = order
    values = pd.DataFrame(list(rows), columns=list(dimensions))
    parameters = [parameter(path, 0.0, 1.0, role="uncertainty") for path in dimensions]
    return fabricate(NOWHERE, parameters, values, outcomes, design={"all": told}, **more)


# ------------------------------------------------------------------------------------------------------------- indices


def test_sobol_indices_of_ishigami_are_the_known_ones():
    study = Study(sampled("saltelli", {"y": {"only": ishigami}}))
    (found,) = indices(study, study.outcome("only", "y"))
    assert found.method == "sobol"
    for index, known in (("S1", (0.3139, 0.4424, 0.0)), ("ST", (0.5576, 0.4424, 0.2437))):
        for value, half, wanted in zip(found.values[index], found.conf[index], known, strict=True):
            assert abs(value - wanted) < half + 0.005, index
    value, half = found.pairs[XS[0], XS[2]]
    assert abs(value - 0.2437) < half + 0.005  # x1 and x3 act together


def test_sobol_indices_of_a_crossed_sweep_are_those_of_the_mean_over_levers():
    made = sampled("saltelli", {"y": {"only": ishigami}}, samples=256)
    lever = "managers.span"
    both = pd.concat([made.design.assign(**{lever: level}) for level in (1.0, 2.0)], ignore_index=True)
    values = both[[lever, *XS]]
    parameters = [parameter(lever, 1.0, 2.0), *made.parameters]
    design = {"levers": {"design": "grid"}, "uncertainties": made.manifest["design"]["all"]}
    # The lever turns the sign of x3's noise: the mean over levers has no x3 at all.
    formula = {"y": {"only": lambda v: np.sin(3 * v[XS[0]]) + v[XS[2]] * np.where(v[lever] == 1, 1, -1)}}
    study = Study(fabricate(NOWHERE, parameters, values, formula, design=design))
    (found,) = indices(study, study.outcome("only", "y"))
    assert (found.over, found.mean_over) == ("uncertainties", "levers")
    assert found.values["ST"] == pytest.approx([1.0, 0.0, 0.0], abs=0.02)


def test_morris_finds_slopes_and_tells_products_from_them():
    def formula(v):
        return 3.0 * v[XS[0]] - 2.0 * v[XS[1]] + 4.0 * v[XS[1]] * v[XS[2]]

    linear = sampled("morris", {"y": {"only": lambda v: 3.0 * v[XS[0]] - 2.0 * v[XS[1]]}}, samples=20)
    study = Study(linear)
    (found,) = indices(study, study.outcome("only", "y"))
    assert found.values["mu_star"] == pytest.approx([3.0, 2.0, 0.0])
    assert found.values["mu"] == pytest.approx([3.0, -2.0, 0.0])
    assert found.values["sigma"] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    study = Study(sampled("morris", {"y": {"only": formula}}, samples=20))
    (found,) = indices(study, study.outcome("only", "y"))
    assert found.values["sigma"][0] == pytest.approx(0.0, abs=1e-9)  # x1 does the same everywhere
    assert min(found.values["sigma"][1:]) > 1.0


def test_given_points_get_first_order_indices_by_their_name():
    study = Study(sampled("random", {"y": {"only": ishigami}}, samples=2000))
    (found,) = indices(study, study.outcome("only", "y"))
    assert found.method == "given data"
    assert found.values["S1"] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.06)


@pytest.mark.parametrize("design", ["saltelli", "morris"])
def test_an_incomplete_design_is_refused_with_the_missing_points_and_the_way_out(design):
    study = Study(sampled(design, {"y": {"only": ishigami}}, samples=8, missing=[3, 5]))
    with pytest.raises(BadInput, match=r"2 of \d+ points lack a result \(point 3, 5\).*--resume"):
        list(indices(study, study.outcome("only", "y")))
    found = findings_of(study.sweep)
    assert "--resume" in found.refused
    assert not found.of("only").indices  # the rest is told all the same
    assert found.of("only").drivers


def test_a_failed_seed_is_left_out_of_indices_at_every_point():
    made = sampled(
        "saltelli", {"y": {"only": ishigami}}, samples=64, seeds=(1, 2), shared=50.0, failed=[(7, "only", 2)]
    )
    study = Study(made)
    assert refusal(study, [study.outcome("only", "y")]) == ""
    (found,) = indices(study, study.outcome("only", "y"))
    assert found.values["ST"][2] < 0.5  # with seed 2 missing at point 7 alone, that point would stick out by fifty


def test_an_outcome_that_never_varies_has_no_indices_and_no_warning():
    study = Study(sampled("saltelli", {"y": {"only": lambda v: np.zeros(len(v[XS[0]]))}}, samples=8))
    (found,) = indices(study, study.outcome("only", "y"))
    assert not found.values["S1"].any()


# ------------------------------------------------------------------------------------------------- effects by hand


A, B = "model.a", "model.b"
TWO = {A: (0.0, 1.0), B: (0.0, 1.0, 2.0)}
LEVELS = [parameter(A, values=(0.0, 1.0)), parameter(B, values=(0.0, 1.0, 2.0))]


def by_hand(formula, **more):
    return Study(fabricate(NOWHERE, LEVELS, grid(TWO), {"y": {"only": formula}}, **more))


def test_an_additive_grid_has_its_level_means_and_no_interaction():
    study = by_hand(lambda v: 10 * v[A] + 3 * v[B])
    outcome = study.outcome("only", "y")
    first, second = effects(study, outcome)
    assert full_grid(study)
    assert first.mean.tolist() == [3.0, 13.0]
    assert second.mean.tolist() == [5.0, 8.0, 11.0]
    assert (first.range, second.range, second.swing) == (10.0, 6.0, 6.0)
    assert second.spearman == pytest.approx(0.478, abs=0.001)
    split = interactions(study, outcome)  # sums of squares: 6 x 25 and 6 x 6, none left
    assert [term.share for term in split.terms] == pytest.approx([150 / 186, 36 / 186, 0.0])
    assert split.method == "anova"


def test_a_product_is_told_as_an_interaction():
    study = by_hand(lambda v: v[A] * v[B])
    # cells 0 0 0 / 0 1 2, mean 1/2, row means 0 and 1, column means 0, 1/2, 1
    split = interactions(study, study.outcome("only", "y"))
    assert [term.share for term in split.terms] == pytest.approx([1.5 / 3.5, 1.0 / 3.5, 1.0 / 3.5])


def test_the_interval_of_a_grids_level_is_that_of_luck():
    study = by_hand(lambda v: 10 * v[A], seeds=(1, 2, 3), shared=1.0)
    outcome = study.outcome("only", "y")
    first, _ = effects(study, outcome)
    means = outcome.by_seed[study.factors[0].codes == 0].mean(axis=0)
    assert first.half[0] == pytest.approx(4.302653 * means.std(ddof=1) / math.sqrt(3))


def test_luck_shared_and_own_is_told_from_parameters():
    values = grid({A: tuple(np.linspace(0, 1, 20)), B: tuple(np.linspace(0, 1, 20))})
    parameters = [parameter(A, 0, 1), parameter(B, 0, 1)]
    made = fabricate(
        NOWHERE,
        parameters,
        values,
        {"y": {"only": lambda v: math.sqrt(12) * v[A]}},
        seeds=range(1, 41),
        shared=0.5,
        own=1.0,
    )
    found = luck(Study(made).outcome("only", "y"))
    whole = 1.1 + 0.25 + 1.0  # variance of the levels is 1.105
    assert found.parameters == pytest.approx(1.105 / whole, abs=0.05)
    assert found.own == pytest.approx(1.0 / whole, abs=0.05)
    assert found.shared == pytest.approx(0.25 / whole, abs=0.06)
    assert found.of_means == pytest.approx(1 / 40 / (1.105 + 1 / 40), abs=0.005)
    one = luck(by_hand(lambda v: v[A]).outcome("only", "y"))
    assert math.isnan(one.parameters)


def test_scattered_points_are_fitted_and_say_how_far_to_trust_them():
    made = sampled("random", {"y": {"only": lambda v: v[XS[0]] + 6 * (v[XS[1]] - 0.5) * (v[XS[2]] - 0.5)}}, samples=300)
    study = Study(made)
    split = interactions(study, study.outcome("only", "y"))
    assert split.method == "regression"
    assert split.r2 == pytest.approx(1.0)
    assert split.r2_left_out == pytest.approx(1.0)
    top = split.pairs[0]
    assert [factor.path for factor in top.factors] == list(XS[1:])
    assert top.share == pytest.approx(0.25 / (0.25 + 1 / 12), abs=0.08)
    noise = Study(sampled("random", {"y": {"only": lambda v: np.zeros(40)}}, samples=40, own=1.0))
    poor = interactions(noise, noise.outcome("only", "y"))
    assert poor.r2_left_out < 0.2 < poor.r2  # a fit to noise looks well until points are left out
    found = effects(noise, noise.outcome("only", "y"))
    assert not any(one.clear for one in found)


def test_worlds_that_come_back_with_every_lever_are_no_new_evidence():
    worlds = np.random.default_rng(1).random(30)
    values = pd.DataFrame([(lever, world) for lever in range(20) for world in worlds], columns=["managers.span", A])
    noise = dict(zip(worlds, np.random.default_rng(4).normal(size=30), strict=True))
    made = fabricate(
        NOWHERE,
        [parameter("managers.span", 0, 19), parameter(A, 0, 1, role="uncertainty")],
        values,
        {"y": {"only": lambda v: np.array([noise[a] for a in v[A]])}},
    )
    study = Study(made)
    _, found = effects(study, study.outcome("only", "y"))
    assert sum(len(group.points) for group in found.groups) == 30
    assert not found.clear  # 600 points would have made a finding of 30 draws


def test_points_that_differ_in_one_parameter_are_compared_with_the_base_alone():
    values = pd.DataFrame([(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)], columns=[A, B], dtype=float)
    made = fabricate(
        NOWHERE,
        [parameter(A, 0, 2), parameter(B, 0, 2)],
        values,
        {"y": {"only": lambda v: 10 * v[A] + v[B]}},
        seeds=(1, 2),
    )
    first, second = effects(study := Study(made), study.outcome("only", "y"))
    assert first.lone
    assert first.mean.tolist() == [1.0, 11.0, 21.0]
    assert second.mean.tolist() == [10.0, 11.0, 12.0]
    assert first.clear


def test_a_surface_is_means_on_a_grid_and_a_quadratic_elsewhere():
    study = by_hand(lambda v: 10 * v[A] + v[B])
    found = surface(study, study.outcome("only", "y"), *study.factors)
    assert found.method == "means"
    assert found.z.tolist() == [[0.0, 10.0], [1.0, 11.0], [2.0, 12.0]]
    study = Study(sampled("random", {"y": {"only": lambda v: v[XS[0]] ** 2 + v[XS[1]]}}, samples=50))
    found = surface(study, study.outcome("only", "y"), *study.factors[:2])
    assert (found.method, round(found.r2, 6)) == ("quadratic", 1.0)
    assert found.z[-1, -1] == pytest.approx(found.x[-1] ** 2 + found.y[-1])


# -------------------------------------------------------------------------------------------------------------- regret


def three_by_three(**more):
    """Option nothing earns 10, 10, 10; calls 14, 9, 5; bundle 12, 11, 9 in worlds 0, 1, 2."""
    told = {"nothing": (10, 10, 10), "calls": (14, 9, 5), "bundle": (12, 11, 9)}
    values = pd.DataFrame({A: [0.0, 1.0, 2.0]})
    formulas = {arm: (lambda v, row=row: np.array(row, float)[v[A].astype(int)]) for arm, row in told.items()}
    return Study(fabricate(NOWHERE, [parameter(A, 0, 2, role="uncertainty")], values, {"npv": formulas}, **more))


def test_regret_of_three_options_in_three_worlds():
    found = regret(three_by_three(), "npv")
    assert [option.arm for option in found.options] == ["nothing", "calls", "bundle"]
    assert found.regret.tolist() == [[4, 1, 0], [0, 2, 5], [2, 0, 1]]  # best: 14, 11, 10
    assert found.most.tolist() == [4, 5, 2]
    assert found.mean.tolist() == pytest.approx([5 / 3, 7 / 3, 1.0])
    assert found.best_share.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert found.pays[1:].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert math.isnan(found.pays[0])
    assert [found.options[place].arm for place in (found.minimax, found.maximin, found.best_mean)] == [
        "bundle",
        "nothing",
        "bundle",
    ]
    table = regret_table(three_by_three(), found)
    assert table["arm"].tolist() == ["bundle", "nothing", "calls"]
    assert table["minimax_regret"].tolist() == [True, False, False]


def test_less_attrition_is_better():
    study = three_by_three()
    made = study.sweep
    made.tasks = made.tasks.rename(columns={"npv": "attrition_annual"})
    made.manifest["kpis"] = ["attrition_annual"]
    found = regret(Study(made), "attrition_annual")
    assert found.regret.tolist() == [[0, 1, 5], [4, 0, 0], [2, 2, 4]]
    assert found.worst.tolist() == [10, 14, 12]
    assert found.pays[1:].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert (better_of("attrition_annual"), better_of("npv"), better_of("strategy_cost")) == (-1, 1, 0)


def test_options_are_arms_with_the_levers_that_concern_them():
    lever = "arms.calls.retention_call.intensity"
    values = grid({lever: (0.0, 1.0), "managers.span": (100.0, 200.0), A: (0.0, 1.0)})
    parameters = [parameter(lever, 0, 1), parameter("managers.span", 100, 200), parameter(A, 0, 1, role="uncertainty")]

    def idle(v):
        return v["managers.span"] * (1 - v[A])

    made = fabricate(
        NOWHERE,
        parameters,
        values,
        {"npv": {"nothing": idle, "calls": lambda v: idle(v) + v[lever]}},
    )
    found = regret(Study(made), "npv")
    assert len(found.options) == 2 + 4  # nothing by span, calls by span and intensity
    best = found.options[found.minimax]
    assert (best.arm, dict(best.levers)) == ("calls", {lever: 1.0, "managers.span": 200.0})
    assert found.most[found.minimax] == 0.0


def test_regret_says_how_unsure_seeds_leave_it():
    study = three_by_three(seeds=(1, 2, 3, 4), shared=5.0, own=1.0)
    found = regret(study, "npv")
    world = int(found.regret[1].argmax())
    best = study.arms[int(found.levels[:, world].argmax())]
    gaps = study.level(best, "npv")[world] - study.level("calls", "npv")[world]
    assert found.error[1] == pytest.approx(gaps.std(ddof=1) / 2)  # paired: what seeds share has gone
    assert found.error[1] < 1.0


def test_worlds_that_lack_an_option_do_not_count():
    found = regret(three_by_three(failed=[(1, "calls", 1)]), "npv")
    assert found.worlds.tolist() == [0, 2]
    assert regret(three_by_three(missing=[0, 1, 2]), "npv") is None
    assert regret(by_hand(lambda v: v[A]), "y") is None  # one arm and no levers: nothing to choose
    levers = [parameter("managers.span", values=(1.0, 2.0))]
    values = grid({"managers.span": (1.0, 2.0)})
    alone = regret(Study(fabricate(NOWHERE, levers, values, {"y": {"only": lambda v: v["managers.span"]}})), "y")
    assert alone.regret.tolist() == [[1.0], [0.0]]  # levers alone: one world, options are the settings
    study = three_by_three()
    study.sweep.tasks["strategy_cost"] = 1.0
    assert regret(study, "strategy_cost") is None  # neither more nor less is better


# ----------------------------------------------------------------------------------------------------------- discovery


def box_study(fails, samples=400, dimensions=XS, **more):
    return Study(
        sampled(
            "random",
            {"npv": {"nothing": lambda v: np.zeros(samples), "bundle": lambda v: np.where(fails(v), -1.0, 2.0)}},
            samples=samples,
            dimensions=dimensions,
            **more,
        )
    )


def test_a_planted_box_is_found_and_told_in_plain_words():
    study = box_study(lambda v: (v[XS[0]] < 0.31) & (v[XS[1]] > 0.6))
    found = discover(study, study.outcome("bundle", "npv"))
    assert (found.fate, found.success) == ("pattern", False)
    box = found.boxes[0]
    assert box.density > 0.95
    assert box.coverage > 0.95
    low, high = sorted(box.conditions, key=lambda one: one.factor.path)
    assert low.high == pytest.approx(0.31, abs=0.02)
    assert high.low == pytest.approx(0.6, abs=0.02)
    assert "model x1 is at most 0.3" in all_conditions(box)
    assert found.accuracy > found.base_accuracy


def test_where_failing_is_the_rule_it_is_told_where_the_arm_pays():
    study = box_study(lambda v: v[XS[2]] < 0.8)
    found = discover(study, study.outcome("bundle", "npv"))
    assert found.success
    assert found.boxes[0].density == 1.0
    assert all_conditions(found.boxes[0]).startswith("model x3 is above 0.8")


def test_nothing_is_told_where_there_is_nothing():
    luck_of = np.random.default_rng(0).random(400)
    study = box_study(lambda v: luck_of < 0.3)
    found = discover(study, study.outcome("bundle", "npv"))
    assert (found.fate, found.boxes) == ("nothing", ())
    assert found.skill < 0.05
    for rate, fate in ((-1.0, "never"), (2.0, "always"), (0.004, "few")):
        study = box_study(lambda v, rate=rate: luck_of < rate)
        assert discover(study, study.outcome("bundle", "npv")).fate == fate


def test_levels_are_told_as_levels():
    levels = {A: ("gold", "silver", "bronze"), B: (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)}
    values = pd.concat([grid(levels)] * 4, ignore_index=True)
    values["model.c"] = np.random.default_rng(1).random(len(values))
    parameters = [
        parameter(A, kind="choice", values=levels[A], role="uncertainty"),
        parameter(B, kind="integer", low=1, high=6, role="uncertainty"),
        parameter("model.c", 0, 1, role="uncertainty"),
    ]
    made = fabricate(
        NOWHERE,
        parameters,
        values,
        {
            "npv": {
                "nothing": lambda v: 0 * v[B],
                "bundle": lambda v: np.where((v[A] == "gold") & (v[B] >= 4), -1.0, 1.0),
            }
        },
    )
    study = Study(made)
    found = discover(study, study.outcome("bundle", "npv"))
    assert found.boxes[0].density == 1.0
    assert sorted(condition_words(condition) for condition in found.boxes[0].conditions) == [
        "model a is gold",
        "model b is at least 4",
    ]


def test_a_parameter_of_another_arm_is_never_blamed():
    study = Study(make.bank_like(NOWHERE))
    for arm in study.compared:
        found = discover(study, study.outcome(arm, "npv"))
        paths = {condition.factor.path for box in found.boxes for condition in box.conditions}
        assert found.fate == "pattern"
        assert all(not path.startswith("arms.") or path.startswith(f"arms.{arm}.") for path in paths)


# --------------------------------------------------------------------------------------------------------- odds and end


def test_unknown_names_are_refused_with_what_there_is():
    made = make.bank_like(NOWHERE)
    with pytest.raises(BadInput, match="no KPI nvp in this sweep; did you mean npv"):
        Study(made, kpis=["nvp"])
    with pytest.raises(BadInput, match=r"no arm nothing to compare in this sweep; it has bundle, calls"):
        Study(made, arms=["nothing"])
    assert Study(made, arms=["calls"], kpis=["npv"]).compared == ["calls"]
    assert Study(made, arms=["nothing", "calls"]).compared == ["calls"]


def test_numbers_that_are_not_finite_are_left_out():
    study = three_by_three(seeds=(1, 2))
    study.sweep.tasks.loc[study.sweep.tasks["arm"] == "calls", "npv"] = [np.inf, 9.0, 5.0, 14.0, np.nan, 5.0]
    outcome = study.outcome("calls", "npv")
    assert outcome.seeds.tolist() == [1, 1, 2]


def test_names_and_values_read_well():
    assert short_names(["arms.a.training.effect", "arms.b.training.effect", "economics.margin"]) == [
        "a training effect",
        "b training effect",
        "economics margin",
    ]
    told = [say(True, "switch"), say(0, "switch"), say(0.123456), say(-2.0, unit="per year"), say("a_b", "choice")]
    assert told == ["on", "off", "0.1235", "\N{MINUS SIGN}2 a year", "a b"]
