"""Designs of a sweep: points fill their space as they should, more samples keep those that are there, ids stay."""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.analysis.indices import ESTIMATORS
from sim.designs import DESIGNS
from sim.errors import BadInput
from sim.experiments.design.designs import draw
from sim.experiments.design.parameters import role_of
from sim.experiments.design.plan import Parameter, Plan, Point
from sim.experiments.design.planning import described, plan_sweep
from sim.experiments.design.variants import Base
from sim.experiments.prepare import prepare, prepare_source
from sim.experiments.prepared import Prepared
from sim.scenario.sweep import Designed
from sim.yaml_source import Source, dump, loads
from sim.yaml_source.tree import Place, planted

BASE: dict[str, Any] = {
    "name": "tried",
    "seeds": [1, 2],
    "population": {"customers": 5000},
    "environment": [{"kind": "pandemic", "from": 12, "months": 9}],
    "arms": {
        "nothing": [],
        "bundle": [{"use": "stratification"}, {"use": "personalised_service", "intensity": 0.5}],
        "both": {"strategies": [{"use": "digital_thinking"}, {"use": "fintech"}], "budget": 3e7},
    },
}
X, Y = Parameter("x", "number", low=0.0, high=1.0), Parameter("y", "number", low=0.0, high=1.0)


def prepared(sweep: dict[str, Any], **more: Any) -> Prepared:
    return prepare_source(read({**BASE, **more, "sweep": sweep}))


def read(scenario: dict[str, Any]) -> Source:
    return Source(planted(scenario, Place("tried.yaml", 1, 1)), "tried.yaml", ["tried.yaml"])


def planned(sweep: dict[str, Any], **more: Any) -> tuple[Plan, list[Point]]:
    return plan_sweep(prepared(sweep, **more))


def one(path: str, given: dict[str, Any] | None, **more: Any) -> Parameter:
    """The parameter that a path becomes."""
    plan, _ = planned({"design": "random", "samples": 2, "vary": {path: given}}, **more)
    return plan.parameters[0]


def cube(design: str, samples: int, parameters: tuple[Parameter, ...] = (X, Y), **more: Any) -> np.ndarray:
    """What a design draws of numbers from 0 to 1."""
    settings = Designed.model_validate({"design": design, "samples": samples, "vary": {"x": None}, **more})
    return np.array(draw(settings, parameters, "all").settings)


# --- filling a space -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", ["random", "latin_hypercube", "sobol"])
def test_points_lie_within_and_all_over(design: str) -> None:
    points = cube(design, 256)
    assert points.shape == (256, 2)
    assert points.min() >= 0
    assert points.max() < 1
    quarters = np.unique((points * 4).astype(int), axis=0)
    assert len(quarters) == 16


def test_a_latin_hypercube_has_one_point_in_each_stratum() -> None:
    strata = (cube("latin_hypercube", 50) * 50).astype(int)
    assert np.array_equal(np.sort(strata, axis=0), np.repeat(np.arange(50)[:, None], 2, axis=1))


def test_a_sobol_sequence_is_more_even_than_chance() -> None:
    from scipy.stats import qmc

    assert qmc.discrepancy(cube("sobol", 256)) < 0.2 * qmc.discrepancy(cube("random", 256))


def test_random_coordinates_do_not_lean_on_one_another() -> None:
    points = cube("random", 4000)
    assert abs(np.corrcoef(points.T)[0, 1]) < 0.05
    assert abs(points.mean() - 0.5) < 0.02


def test_a_grid_crosses_all_levels() -> None:
    plan, points = planned(
        {
            "design": "grid",
            "samples": 3,
            "vary": {
                "managers.hours_per_month": {"low": 40, "high": 60},
                "discount_rate": {"low": 0.001, "high": 0.1, "scale": "log"},
                "environment[0].months": {"values": [3, 6]},
                "model.mechanisms.word_of_mouth": None,
            },
        }
    )
    levels = [[40.0, 50.0, 60.0], [0.001, 0.01, 0.1], [3, 6], [False, True]]
    assert [tuple(point.values.values()) for point in points] == list(itertools.product(*levels))
    assert plan.design["all"]["samples"] == 3


def test_a_grid_of_whole_numbers_repeats_none() -> None:
    _, points = planned({"design": "grid", "vary": {"environment[0].months": {"low": 3, "high": 5}}})
    assert [point.values["environment[0].months"] for point in points] == [3, 4, 5]


@pytest.mark.parametrize("design", ["random", "latin_hypercube", "sobol", "morris", "saltelli"])
def test_no_design_draws_from_the_global_stream(design: str) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    cube(design, 8)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("name", [name for name in DESIGNS if name != "list"])
def test_every_design_has_the_rows_it_is_said_to_have(name: str) -> None:
    told = {"samples": 4, "vary": {"x": None}, "design": name}
    settings = Designed.model_validate(told)
    found = draw(settings, (X, Y), "all")
    rows = found.info.get("rows", found.settings)
    assert len(rows) == settings.kind.size((X, Y))
    assert len(rows) % settings.kind.block(2) == 0
    assert ("rows" in found.info) >= settings.kind.complete
    assert ("problem" in found.info) >= settings.kind.complete
    assert ("X" in found.info) == settings.kind.keeps_x


def test_every_estimator_of_a_design_is_there_and_serves_one() -> None:
    assert {design.estimator for design in DESIGNS.values() if design.estimator} == set(ESTIMATORS)


# --- what a coordinate means -----------------------------------------------------------------------------------------


def test_whole_numbers_have_equal_shares() -> None:
    die = Parameter("die", "integer", low=1, high=6)
    assert Counter(die.value_at((i + 0.5) / 600) for i in range(600)) == dict.fromkeys(range(1, 7), 100)
    assert die.value_at(1.0) == 6


def test_whole_numbers_on_a_log_scale_have_the_share_they_are_wide() -> None:
    rows = Parameter("rows", "integer", low=1, high=100, log=True)
    count = Counter(rows.value_at((i + 0.5) / 100_000) for i in range(100_000))
    assert set(count) == set(range(1, 101))
    for n in (1, 10, 100):
        assert count[n] / 1e5 == pytest.approx(np.log((n + 0.5) / (n - 0.5)) / np.log(100.5 / 0.5), abs=2e-5)


def test_numbers_on_a_log_scale_have_their_middle_at_the_root() -> None:
    budget = Parameter("budget", "number", low=1e6, high=1e8, log=True)
    assert [budget.value_at(u) for u in (0.0, 0.5, 1.0)] == [1e6, 1e7, 1e8]


def test_choices_and_switches_have_equal_shares() -> None:
    choice = Parameter("choice", "choice", values=("a", "b", "c"))
    assert [choice.value_at(u) for u in (0.0, 0.333, 0.334, 0.666, 0.667, 1.0)] == list("aabbcc")


# --- more samples ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("design", "few", "many"), [("random", 7, 30), ("sobol", 16, 64)])
def test_more_samples_begin_with_those_there_were(design: str, few: int, many: int) -> None:
    assert np.array_equal(cube(design, few), cube(design, many)[:few])


@pytest.mark.parametrize(("design", "few", "many"), [("morris", 3, 9), ("saltelli", 8, 32)])
def test_rows_of_an_analysis_are_extended_too(design: str, few: int, many: int) -> None:
    vary = {
        "managers.hours_per_month": None,
        "environment[0].months": {"low": 3, "high": 12},
        "arms.bundle.stratification": None,
    }
    (short, some), (long, more) = (planned({"design": design, "samples": n, "vary": vary}) for n in (few, many))
    rows, all_rows = short.design["all"]["rows"], long.design["all"]["rows"]
    assert rows == all_rows[: len(rows)]
    assert some == more[: len(some)]


def test_units_that_were_lived_are_units_of_the_larger_sweep() -> None:
    vary = {"managers.hours_per_month": None, "discount_rate": None}
    small, few = planned({"design": "sobol", "samples": 8, "vary": vary})
    large, many = planned({"design": "sobol", "samples": 16, "vary": vary}, seeds=[1, 2, 3])
    assert {unit.id for unit in small.units(few)} < {unit.id for unit in large.units(many)}


# --- ids -------------------------------------------------------------------------------------------------------------


def test_ids_say_what_is_lived_and_nothing_else() -> None:
    vary = {"managers.hours_per_month": {"low": 35, "high": 60}, "tiers.affluent.from": {"low": 3e4, "high": 6e4}}
    plan, points = planned({"design": "random", "samples": 5, "vary": vary})
    ids = {unit.id for unit in plan.units(points)}
    assert len(ids) == 10
    turned = {"tiers[1].from": vary["tiers.affluent.from"], "managers.hours_per_month": {"low": 35.0, "high": 60.0}}
    same, again = planned(
        {"design": "random", "samples": 5, "vary": turned, "seconds_limit": 9},
        name="other",
        about="as before",
        seeds={"first": 1, "count": 2},
        record={"panel": 10},
    )
    assert {unit.id for unit in same.units(again)} == ids
    other, points = planned({"design": "random", "samples": 5, "vary": vary}, months=48)
    assert not ids & {unit.id for unit in other.units(points)}


def test_a_listed_value_is_the_value_drawn() -> None:
    path = "managers.hours_per_month"
    drawn, (point, *_) = planned({"design": "random", "samples": 1, "vary": {path: None}})
    listed, (same,) = planned({"design": "grid", "vary": {path: {"values": [point.values[path]]}}})
    assert drawn.unit(point, 1).id == listed.unit(same, 1).id


def test_tiers_given_as_they_are_by_default_change_no_id() -> None:
    plain = prepare_source(read(BASE)).scenario
    given = prepare_source(read({**BASE, "tiers": plain.resolved()["tiers"]})).scenario
    assert Base(plain).text == Base(given).text
    assert Base(plain).source.data == loads(Base(plain).text).data


def test_a_scenario_without_a_sweep_is_what_it_was() -> None:
    plain = prepare_source(read(BASE))
    assert "sweep" not in plain.scenario.resolved()
    with_one = prepared({"design": "random", "samples": 1, "vary": {"managers.hours_per_month": None}})
    assert Base(plain.scenario).text == Base(with_one.scenario).text


def test_a_sweep_written_back_is_the_same_sweep() -> None:
    sweep = {
        "levers": {"design": "grid", "vary": {"arms.bundle.stratification": None}},
        "uncertainties": {
            "design": "random",
            "samples": 3,
            "vary": {"discount_rate": None, "managers.turnover_fatigue": {"low": 0.1, "high": 0.2}},
        },
    }
    first = prepared(sweep)
    text = dump(first.scenario.resolved())
    second = prepare_source(loads(text))
    assert second.digest == first.digest
    assert plan_sweep(second) == plan_sweep(first)


# --- paths -----------------------------------------------------------------------------------------------------------


def test_a_path_without_a_range_has_the_documented_one() -> None:
    hours = one("managers.hours_per_month", None)
    assert (hours.kind, hours.low, hours.high, hours.base, hours.unit) == ("number", 42, 92, 50, "hours")
    assert hours.about
    assert hours.role == "lever"
    assert one("model.wealth.reversion", None).role == "uncertainty"
    assert one("arms.bundle.stratification.lag", {"scale": "log"}).log


@pytest.mark.parametrize(
    ("path", "given", "kind"),
    [
        ("arms.bundle.stratification.coverage", {"low": 0.5, "high": 0.9}, "number"),
        ("arms.both.strategies.digital_thinking.intensity", {"values": [0.2, 1]}, "number"),
        ("arms.both.budget", {"low": 1e6, "high": 1e8, "scale": "log"}, "number"),
        ("model.hazards.mass.close", {"low": 0.001, "high": 0.01}, "number"),
        ("tiers.affluent.from", {"low": 30000, "high": 80000}, "number"),
        ("tiers[1].grace_months", {"low": 0, "high": 3}, "integer"),
        ("environment[0].months", {"values": [3, 9]}, "integer"),
        ("managers.span.wealth", {"low": 100, "high": 300}, "number"),
        ("model.leaving.tenure.mass[0]", {"low": 1, "high": 2}, "number"),
        ("population.preset", None, "choice"),
        ("population.agents", {"low": 1000, "high": 4000}, "integer"),
        ("population.agents", {"low": 0.2, "high": 0.4}, "number"),
        ("model.mechanisms.frailty", None, "switch"),
        ("arms.bundle.stratification", None, "switch"),
        ("arms.bundle.stratification", {"low": 0, "high": 1}, "number"),
        ("months", {"values": [24, 48]}, "integer"),
    ],
)
def test_whatever_a_scenario_has_can_be_varied(path: str, given: dict[str, Any] | None, kind: str) -> None:
    plan, points = planned({"design": "random", "samples": 3, "vary": {path: given}})
    assert plan.parameters[0].kind == kind
    base = loads(plan.text)
    for point in points:
        prepare_source(base.with_values(point.values))  # every point is a scenario


def test_a_switch_is_the_intensity_the_arm_has_or_none() -> None:
    switch = one("arms.bundle.personalised_service", None)
    assert switch.path == "arms.bundle.personalised_service.intensity"
    assert switch.values == (0.0, 0.5)
    assert one("arms.both.strategies.fintech", {"values": [True]}).values == (1.0,)


def test_a_budget_that_no_arm_has_yet_can_be_varied() -> None:
    arms = {"nothing": [], "bundle": {"strategies": [{"use": "stratification"}]}}
    budget = one("arms.bundle.budget", {"low": 1e6, "high": 1e7}, arms=arms)
    assert budget.base is None


def test_another_preset_brings_its_tiers() -> None:
    plan, points = planned({"design": "grid", "vary": {"population.preset": None}})
    tops = [prepare_source(loads(plan.text).with_values(p.values)).scenario.tier_list[-1].start for p in points]
    assert tops == [6e6, 10e6]


def test_values_that_fit_only_together_are_taken() -> None:
    vary = {"tiers.affluent.from": {"low": 4e5, "high": 6e5}, "tiers.wealth.from": {"low": 7e5, "high": 9e5}}
    assert len(planned({"design": "random", "samples": 4, "vary": vary})[1]) == 4
    with pytest.raises(BadInput, match="affluent"):
        prepared({"design": "random", "samples": 4, "vary": {"tiers.affluent.from": {"low": 4e5, "high": 6e5}}})


def test_an_analysis_that_cannot_be_complete_is_refused() -> None:
    vary = {"tiers.affluent.from": {"low": 4e5, "high": 6e5}, "tiers.wealth.from": {"low": 5e5, "high": 9e5}}
    with pytest.raises(BadInput, match="needs every point"):
        planned({"design": "saltelli", "samples": 16, "vary": vary})


# --- crossing --------------------------------------------------------------------------------------------------------


def test_every_setting_of_levers_meets_every_world() -> None:
    plan, points = planned(
        {
            "levers": {
                "design": "grid",
                "samples": 3,
                "vary": {"managers.hours_per_month": None, "arms.bundle.stratification": None},
            },
            "uncertainties": {"design": "latin_hypercube", "samples": 5, "vary": {"discount_rate": None}},
        }
    )
    assert len(points) == 3 * 2 * 5
    assert {(point.lever, point.world) for point in points} == set(itertools.product(range(6), range(5)))
    assert [parameter.role for parameter in plan.parameters] == ["lever", "lever", "uncertainty"]
    by_world = {point.world: point.values["discount_rate"] for point in points}
    assert all(point.values["discount_rate"] == by_world[point.world] for point in points)
    assert described(plan, points) == (
        "grid of 2 parameters (levers) crossed with latin_hypercube of 1 parameter (uncertainties): "
        "30 points x 2 seeds = 60 units, x 3 arms = 180 tasks"
    )


def test_one_design_tells_levers_from_worlds_by_their_paths() -> None:
    _, points = planned(
        {"design": "grid", "samples": 2, "vary": {"discount_rate": None, "managers.hours_per_month": None}}
    )
    assert [(point.lever, point.world) for point in points] == [(0, 0), (1, 0), (0, 1), (1, 1)]


def test_a_list_of_levers_meets_drawn_worlds(tmp_path: Path) -> None:
    worlds = {"design": "random", "samples": 3, "vary": {"discount_rate": None}}
    sweep = {"levers": {"design": "list", "file": "points.csv"}, "uncertainties": worlds}
    _, points = plan_sweep(listed(tmp_path, "managers.hours_per_month\n40\n60\n", sweep=sweep))
    assert [(point.lever, point.world) for point in points] == list(itertools.product(range(2), range(3)))
    with pytest.raises(BadInput, match="in levers and in uncertainties"):
        listed(tmp_path, "discount_rate\n0.05\n", sweep=sweep)


def test_a_sweep_replaces_the_one_of_the_file_it_extends(tmp_path: Path) -> None:
    vary = {"managers.hours_per_month": None}
    (tmp_path / "a.yaml").write_text(
        dump({**BASE, "sweep": {"design": "grid", "vary": {"discount_rate": None}}}), "utf-8"
    )
    child = {"extends": "a.yaml", "sweep": {"design": "random", "samples": 2, "vary": vary}}
    (tmp_path / "b.yaml").write_text(dump(child), "utf-8")
    plan, _ = plan_sweep(prepare([tmp_path / "b.yaml"])[0])
    assert [parameter.path for parameter in plan.parameters] == list(vary)


# --- SALib's rows ----------------------------------------------------------------------------------------------------


def test_saltelli_rows_lead_to_points_whose_answers_give_the_known_indices() -> None:
    from SALib.analyze import sobol

    vary = {
        "managers.hours_per_month": {"low": 40, "high": 60},
        "discount_rate": {"low": 0.0, "high": 0.1},
        "arms.bundle.stratification": None,
    }
    plan, points = planned({"design": "saltelli", "samples": 512, "vary": vary})
    info = json.loads(json.dumps(plan.design))["all"]
    assert len(info["rows"]) == 512 * 8
    assert len(points) == info["settings"] < len(info["rows"])

    def answer(point: Point) -> float:  # variances 400/12, 100/12 and 36/4
        switched = point.values["arms.bundle.stratification.intensity"]
        return point.values["managers.hours_per_month"] + 100 * point.values["discount_rate"] + 6 * switched

    lived = [answer(point) for point in points]
    found = sobol.analyze(info["problem"], np.array([lived[row] for row in info["rows"]]), seed=1)
    parts = {
        "managers.hours_per_month": 400 / 12,
        "discount_rate": 100 / 12,
        "arms.bundle.stratification.intensity": 9.0,
    }
    expected = [parts[name] / sum(parts.values()) for name in info["problem"]["names"]]
    assert found["S1"] == pytest.approx(expected, abs=0.03)


def test_morris_rows_are_trajectories_whose_effects_come_back() -> None:
    from SALib.analyze import morris

    vary = {"managers.hours_per_month": {"low": 40, "high": 60}, "environment[0].months": {"low": 1, "high": 4}}
    plan, points = planned({"design": "morris", "samples": 6, "vary": vary})
    info = plan.design["all"]
    unit = np.array(info["X"])
    assert set(np.round(unit.ravel() * 3, 9)) <= {0.0, 1.0, 2.0, 3.0}
    steps = np.diff(unit.reshape(6, 3, 2), axis=1)
    assert np.count_nonzero(np.round(steps, 9), axis=2).tolist() == [[1, 1]] * 6
    lived = [point.values["managers.hours_per_month"] for point in points]
    found = morris.analyze(info["problem"], unit, np.array([lived[row] for row in info["rows"]]), num_levels=4)
    effects = dict(zip(info["problem"]["names"], found["mu"], strict=True))
    assert effects == pytest.approx({"managers.hours_per_month": 20.0, "environment[0].months": 0.0})


def test_without_salib_its_designs_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SALib.sample.morris", None)
    levers = {"design": "morris", "samples": 4, "vary": {"managers.hours_per_month": None}}
    with pytest.raises(BadInput) as refused:
        prepared({"levers": levers, "uncertainties": {"design": "grid", "vary": {"discount_rate": None}}})
    (mistake,) = refused.value.mistakes
    assert str(mistake).endswith(
        "sweep.levers.design: morris needs SALib, which is not installed; pip install -e '.[analysis]'"
    )


# --- lists -----------------------------------------------------------------------------------------------------------


def listed(folder: Path, table: str, **more: Any) -> Prepared:
    (folder / "points.csv").write_text(table, "utf-8")
    scenario = folder / "scenario.yaml"
    scenario.write_text(dump({**BASE, "sweep": {"design": "list", "file": "points.csv"}, **more}), "utf-8")
    return prepare([scenario])[0]


def test_a_list_is_taken_as_it_stands(tmp_path: Path) -> None:
    ready = listed(
        tmp_path,
        "managers.hours_per_month,arms.bundle.stratification,population.preset,"
        "environment[0].months\n"
        "40,true,bank_b,3\n\n55.5,FALSE,cmb_2021,4\n40,1,bank_b,3\n",
    )
    plan, points = plan_sweep(ready)
    assert [tuple(point.values.values()) for point in points] == [(40.0, 1.0, "bank_b", 3), (55.5, 0.0, "cmb_2021", 4)]
    assert plan.design["all"]["rows"] == [0, 1, 0]
    assert [(p.kind, p.low, p.high) for p in plan.parameters[::3]] == [("number", 40.0, 55.5), ("integer", 3, 4)]
    assert Path(str(ready.scenario.sweep and ready.scenario.sweep.file)) == (tmp_path / "points.csv").resolve()


def test_the_design_of_one_sweep_is_the_list_of_another(tmp_path: Path) -> None:
    plan, points = planned(
        {"design": "random", "samples": 4, "vary": {"managers.hours_per_month": None, "discount_rate": None}}
    )
    paths = [parameter.path for parameter in plan.parameters]
    rows = [f"{p.number},{p.lever},{p.world}," + ",".join(repr(p.values[path]) for path in paths) for p in points]
    again, same = plan_sweep(listed(tmp_path, "\n".join([",".join(["point", "lever", "world", *paths]), *rows])))
    assert [unit.id for unit in again.units(same)] == [unit.id for unit in plan.units(points)]


@pytest.mark.parametrize(
    ("table", "place", "message"),
    [
        ("", "scenario.yaml", "empty"),
        ("managers.hours_per_month\n", "scenario.yaml", "no rows"),
        ("point\n1\n", "points.csv:1:1", "no path"),
        ("manager.hours\n1\n", "points.csv:1:1", "did you mean managers?"),
        ("months,managers.hours_per_month\n24,40\n24\n", "points.csv:3:2", "no value"),
        ("months\n24\n48,3\n", "points.csv:3:2", "2 values under 1 column"),
        ("managers.hours_per_month\n40\nNaN\n", "points.csv:3:1", "NaN is not allowed"),
        ("months\n24\n\n36.5\n", "points.csv:4:1", "not a whole number"),
        ("arms.bundle.stratification\ntrue\nperhaps\n", "points.csv:3:1", "is text"),
        ("population.preset\nbank_b\nbank_d\n", "points.csv:3:1", "did you mean bank_b?"),
        ("discount_rate\n0.1\n-0.1\n", "points.csv:3:1", "from 0 to 1"),
        ("months,months\n24,24\n", "points.csv:1:2", "is column 1 already"),
        ('months\n"24\n', "scenario.yaml", "unexpected end"),
    ],
)
def test_a_bad_list_is_told_by_line(tmp_path: Path, table: str, place: str, message: str) -> None:
    with pytest.raises(BadInput) as told:
        listed(tmp_path, table)
    assert len(told.value.mistakes) == 1
    assert place in str(told.value)
    assert message in str(told.value)


def test_many_mistakes_of_a_list_are_counted(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as told:
        listed(tmp_path, "months\n" + "never\n" * 500)
    assert len(told.value.mistakes) == 21
    assert "480 more mistakes" in str(told.value)


# --- lived -----------------------------------------------------------------------------------------------------------


def test_a_point_is_lived_as_it_says() -> None:
    from sim.experiments.sweep.points import BankPoints

    more = {
        "months": 3,
        "burn_in": 0,
        "population": {"customers": 500},
        "environment": [],
        "arms": {"nothing": [], "bundle": [{"use": "stratification"}]},
    }
    plan, points = planned({"design": "grid", "vary": {"arms.bundle.stratification": None}}, **more)
    lives = BankPoints(plan)
    off, on = ({row["arm"]: row for row in lives.run(plan.unit(point, 1))} for point in points)
    assert {row["status"] for row in (*off.values(), *on.values())} == {"ok"}
    assert off["bundle"]["kpis"]["cost"] == off["nothing"]["kpis"]["cost"]
    assert on["bundle"]["kpis"]["cost"] != on["nothing"]["kpis"]["cost"]


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("arms.both.strategies.staff_upskilling.intensity", "lever"),
        ("arms.both.budget", "lever"),
        ("arms.training.stratification.coverage", "lever"),
        ("managers.span.affluent", "lever"),
        ("channels.phone.capacity", "lever"),
        ("arms.training.staff_upskilling.transfer", "uncertainty"),
        ("arms.training.staff_upskilling.lag", "uncertainty"),
        ("managers.skill_quality", "uncertainty"),
        ("channels.phone.conversion", "uncertainty"),
        ("model.hazards.mass.close", "uncertainty"),
    ],
)
def test_what_a_bank_decides_is_a_lever_and_how_it_works_is_not(path: str, role: str) -> None:
    assert role_of(path) == role
