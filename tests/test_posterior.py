"""Claims about posteriors that a scenario draws from: its own numbers, its worlds, sweeps and folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.api.scenarios import prepared
from sim.calibration.posterior import Made, Marginal, Posterior, write_posterior
from sim.cli import main
from sim.errors import BadInput
from sim.experiments.design.beliefs import beliefs_of
from sim.experiments.design.planning import plan_sweep
from sim.experiments.design.variants import Base
from sim.experiments.design.worlds import draw
from sim.experiments.prepare import prepare, prepare_source
from sim.experiments.prepared import Prepared
from sim.store.run_reading import read
from sim.yaml_source import dump, loads

TURNOVER, CLOSE = "managers.turnover", "model.hazards.wealth.close"
TRANSFER = "arms.training.staff_upskilling.transfer"
NUMBERS = {TURNOVER: (0.1, 0.02), CLOSE: (0.004, 0.0005), TRANSFER: (0.5, 0.05)}
BANK = """
name: learned
months: 3
burn_in: 1
seeds: [3]
population: {customers: 500}
arms:
  nothing: []
  training: [{use: staff_upskilling}]
  both: [{use: staff_upskilling}, {use: digital_thinking}]
"""


def posterior(
    numbers: dict[str, tuple[float, float]] | None = None, *, name: str = "exits", rows: int = 50, seed: int = 1
) -> Posterior:
    """Draws of a normal law in which the first two numbers go together."""
    numbers = NUMBERS if numbers is None else numbers
    mean, sd = (np.array(one) for one in zip(*numbers.values(), strict=True))
    matrix = np.diag(sd**2)
    if len(mean) > 1:
        matrix[0, 1] = matrix[1, 0] = 0.9 * sd[0] * sd[1]
    draws = np.random.default_rng(seed).multivariate_normal(mean, matrix, rows).clip(mean - 3 * sd, mean + 3 * sd)
    draws = draws.round(6)
    found = zip(
        numbers.items(),
        draws.mean(axis=0),
        draws.std(axis=0, ddof=1),
        *np.quantile(draws, [0.05, 0.95], axis=0),
        strict=True,
    )
    return Posterior(
        name=name,
        parameters={
            path: Marginal(
                prior=(m - 3 * s, m + 3 * s),
                mean=at,
                sd=wide,
                interval=(low, high),
                informed=1 - wide / s / 12**0.5 * 2,
            )
            for (path, (m, s)), at, wide, low, high in found
        },
        point={path: m for path, (m, _) in numbers.items()},
        draws=draws.tolist(),
        made=Made(calibration=name, digest="0" * 64, method="made up"),
    )


def home_of(folder: Path, more: str = "", made: Posterior | None = None, bank: str = BANK) -> Path:
    """A scenario file that names a posterior beside it."""
    write_posterior(folder / "exits.yaml", made or posterior())
    file = folder / "learned.yaml"
    file.write_text(f"{bank}{'' if more.startswith('posterior:') else 'posterior: exits.yaml'}\n{more}\n", "utf-8")
    return file


def ready(folder: Path, more: str = "", made: Posterior | None = None, *sets: str) -> Prepared:
    return prepare(home_of(folder, more, made), sets)[0]


def wrong(folder: Path, more: str = "", made: Posterior | None = None, *sets: str) -> str:
    with pytest.raises(BadInput) as found:
        ready(folder, more, made, *sets)
    return str(found.value)


# --- the scenario's own numbers ---------------------------------------------------------------------------------------


def test_numbers_that_nothing_sets_stand_at_the_point(tmp_path: Path) -> None:
    s = ready(tmp_path).scenario
    assert s.managers.turnover == 0.1
    assert s.model.hazards["wealth"].close == 0.004
    assert s.model.hazards["wealth"].dormant == loads_of(BANK).scenario.model.hazards["wealth"].dormant
    assert s.model.hazards["mass"] == loads_of(BANK).scenario.model.hazards["mass"]


def loads_of(text: str) -> Prepared:
    return prepare_source(loads(text))


def test_what_file_parent_or_command_line_set_stands_and_one_line_says_what_differs(tmp_path: Path) -> None:
    one = ready(tmp_path, "managers: {turnover: 0.2}\nmodel: {hazards: {wealth: {close: 0.004}}}")
    assert one.scenario.managers.turnover == 0.2
    (note,) = one.notes
    assert note.startswith(
        f"{tmp_path / 'learned.yaml'}:11:12  posterior: managers.turnover is 0.2 here and 0.1 in exits"
    )
    assert CLOSE not in note  # given, and the same
    (note,) = ready(tmp_path, "", None, "managers.turnover=0.3").notes
    assert "managers.turnover is 0.3 here" in note
    home_of(tmp_path, "managers: {turnover: 0.25}")
    (tmp_path / "child.yaml").write_text("extends: learned.yaml\nname: child\n", "utf-8")
    assert prepare(tmp_path / "child.yaml")[0].scenario.managers.turnover == 0.25
    assert not ready(tmp_path).notes


def test_a_strategys_number_is_one_in_all_arms_but_one_that_sets_it_otherwise(tmp_path: Path) -> None:
    arms = ready(tmp_path).scenario.arm_list
    assert [arm.strategies[0].transfer for arm in arms[1:]] == [0.5, 0.5]
    apart = BANK.replace("both: [{use: staff_upskilling}", "both: [{use: staff_upskilling, transfer: 0.6}")
    one = prepare(home_of(tmp_path, "beliefs: {worlds: 4, vary: posterior}", bank=apart))[0]
    assert [arm.strategies[0].transfer for arm in one.scenario.arm_list[1:]] == [0.5, 0.6]
    (belief,) = (belief for belief in one.believed.beliefs if belief.name == TRANSFER)
    assert list(belief.targets) == [TRANSFER]
    named = {"staff_upskilling.transfer": (0.5, 0.05)}  # by the strategy's name alone, as beliefs call it
    arms = ready(tmp_path, "", posterior(named)).scenario.arm_list
    assert [arm.strategies[0].transfer for arm in arms[1:]] == [0.5, 0.5]


def test_an_arm_with_a_label_or_a_budget_takes_the_point_too(tmp_path: Path) -> None:
    bank = BANK.replace(
        "training: [{use: staff_upskilling}]",
        "training: {label: T, budget: 1000, strategies: [{use: staff_upskilling}]}",
    )
    one = prepare(home_of(tmp_path, "beliefs: {worlds: 3, vary: posterior}", bank=bank))[0]
    assert [arm.strategies[0].transfer for arm in one.scenario.arm_list[1:]] == [0.5, 0.5]
    (belief,) = (belief for belief in one.believed.beliefs if belief.name == TRANSFER)
    assert len(belief.targets) == 2


def test_a_number_of_a_strategy_that_no_arm_uses_is_idle_and_it_is_said(tmp_path: Path) -> None:
    made = posterior({TURNOVER: (0.1, 0.02), "fintech.lag": (6.0, 1.0)})
    one = ready(tmp_path, "beliefs: {worlds: 3, vary: posterior}", made)
    assert one.joints[0].idle == ("fintech.lag",)
    assert "no arm uses what fintech.lag is of; it stays idle" in one.notes[0]
    assert [belief.name for belief in one.believed.beliefs] == [TURNOVER]


def test_a_whole_number_of_the_scenario_takes_whole_draws(tmp_path: Path) -> None:
    one = ready(tmp_path, "beliefs: {worlds: 3, vary: posterior}", posterior({"model.products.most": (5.6, 0.4)}))
    assert one.scenario.model.products.most == 6
    assert all(isinstance(row["model.products.most"], int) for row in one.joints[0].rows)


# --- worlds -----------------------------------------------------------------------------------------------------------


def test_worlds_are_rows_of_the_posterior_and_the_rest_from_plausible_ranges(tmp_path: Path) -> None:
    one = ready(tmp_path, "beliefs: {worlds: 40}")
    worlds = draw(one.scenario, one.believed).worlds
    rows = {tuple(row) for row in one.joints[0].posterior.draws}
    drawn = [tuple(world[path] for path in NUMBERS) for world in worlds]
    assert set(drawn) <= rows
    assert len(set(drawn)) > 30  # of 40 strata of 50 rows
    values = np.array(drawn)
    assert np.corrcoef(values[:, 0], values[:, 1])[0, 1] > 0.8
    names = {belief.name for belief in one.believed.beliefs}
    without = {one.name for one in loads_of(f"{BANK}beliefs: {{worlds: 40}}\n").believed.beliefs}
    assert without - names == {"staff_upskilling.transfer"}  # it is the posterior's, by its path
    assert names - without == {CLOSE, TRANSFER}
    assert draw(one.scenario, one.believed).worlds == worlds


def test_a_table_moves_no_more_what_the_posterior_holds(tmp_path: Path) -> None:
    one = ready(tmp_path, "beliefs: {worlds: 4}")
    (table,) = (belief for belief in one.believed.beliefs if belief.name == "model.hazards.close")
    assert CLOSE not in table.targets
    assert "model.hazards.mass.close" in table.targets
    base = Base(one.scenario)
    every = {belief.name: belief for belief in beliefs_of(one.scenario, base)}
    assert CLOSE in every["model.hazards.close"].targets
    whole = {f"model.wallet.mean.{tier}": (0.4, 0.01) for tier in TIERS}
    held = ready(tmp_path, "beliefs: {worlds: 4}", posterior(whole)).believed.beliefs
    assert "model.wallet.mean" not in {belief.name for belief in held}  # nothing of it is left to believe


TIERS = ("mass", "affluent", "wealth", "private")


def test_vary_may_name_the_posterior_alone_and_what_comes_beside_it(tmp_path: Path) -> None:
    def varied(vary: str) -> set[str]:
        return {one.name for one in ready(tmp_path, f"beliefs: {{worlds: 4, vary: {vary}}}").believed.beliefs}

    assert varied("posterior") == set(NUMBERS)
    assert varied("[economics.margin]") == {*NUMBERS, "economics.margin"}
    assert varied("{managers.turnover: null, economics.margin: null}") == {*NUMBERS, "economics.margin"}
    bad = wrong(tmp_path, "beliefs: {worlds: 4, vary: {managers.turnover: {low: 0, high: 0.2}}}")
    assert "beliefs.vary.managers.turnover: comes with a row of the posterior; leave its range out" in bad.replace(
        '"', ""
    )
    with pytest.raises(BadInput, match=r"there is no posterior; posterior: FILE, or all"):
        loads_of(f"{BANK}beliefs: {{worlds: 4, vary: posterior}}\n")


def test_two_posteriors_are_drawn_from_independently_and_may_not_hold_the_same_number(tmp_path: Path) -> None:
    write_posterior(tmp_path / "other.yaml", posterior({"economics.margin.mass": (0.01, 0.001)}, name="margins"))
    more = "posterior: [exits.yaml, other.yaml]\nbeliefs: {worlds: 200, vary: posterior}"
    one = ready(tmp_path, more)
    worlds = draw(one.scenario, one.believed).worlds
    both = np.array([[world[TURNOVER], world["economics.margin.mass"]] for world in worlds])
    assert abs(np.corrcoef(both.T)[0, 1]) < 0.25
    assert one.scenario.stored()["posterior"] == ["posterior.yaml", "posterior-2.yaml"]
    write_posterior(tmp_path / "other.yaml", posterior({TURNOVER: (0.2, 0.01)}, name="again"))
    assert "managers.turnover of again and managers.turnover of exits are the same number" in wrong(tmp_path, more)


# --- mistakes ---------------------------------------------------------------------------------------------------------


def test_mistakes_have_their_place(tmp_path: Path) -> None:
    exits = tmp_path / "exits.yaml"
    found = wrong(tmp_path, "", posterior({"model.hazards.gold.close": (0.004, 0.001)}))
    assert found.startswith(f"{exits}:5:3  parameters.")
    assert "gold" in found
    assert "posterior made for another bank" in found
    found = wrong(tmp_path, "", posterior({TURNOVER: (0.1, 0.2)}))
    assert found.startswith(f"{exits}:5:3  parameters.")
    assert "its lowest draw" in found
    assert "population.preset" in wrong(tmp_path, "", posterior({"population.preset": (1.0, 0.1)}))
    assert "staff_upskilling" in wrong(tmp_path, "", posterior({"staff_upskilling.speling": (1.0, 0.1)}))
    assert "fintech has no such number" in wrong(tmp_path, "", posterior({"fintech.speling": (1.0, 0.1)}))
    assert f"{tmp_path / 'learned.yaml'}:12:12  posterior: nowhere.yaml: no such file" in wrong(
        tmp_path, "posterior: nowhere.yaml"
    )
    file = home_of(tmp_path)
    exits.write_text(exits.read_text("utf-8").replace("posterior: 1", "posterior: 2"), "utf-8")
    with pytest.raises(BadInput, match=rf"^{exits}:2:12  posterior: "):
        prepare(file)


def test_a_posterior_says_what_its_draws_say(tmp_path: Path) -> None:
    made = posterior(rows=500)
    found = made.parameters[TURNOVER]
    high = made.parameters[CLOSE].model_copy(update={"informed": 1.0})
    changed = made.model_copy(update={"parameters": {**made.parameters, CLOSE: high}})
    assert ".informed: 1, but the draws come to" in wrong(tmp_path, "", changed)
    swapped = {TRANSFER: made.parameters[TRANSFER], CLOSE: made.parameters[CLOSE], TURNOVER: found}
    assert "lies outside its prior" in wrong(tmp_path, "", made.model_copy(update={"parameters": swapped}))
    apart = made.model_copy(update={"point": {**made.point, TURNOVER: 0.13, CLOSE: 0.0033}})  # they go together
    assert "point: is further from the draws than any of them" in wrong(tmp_path, "", apart)


@pytest.mark.long
def test_a_posterior_whose_checks_failed_is_doubted_wherever_it_is_drawn_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = posterior()
    made = made.model_copy(update={"made": made.made.model_copy(update={"checks": {"ranks": False, "fit": True}})})
    said = "the calibration exits did not pass its checks (ranks)"
    file = home_of(tmp_path, "beliefs: {worlds: 3, vary: posterior}", made)
    assert main(["run", str(file), "--out", str(tmp_path / "out"), "--workers", "1"]) == 0
    told = capsys.readouterr()
    line = 1 + next(i for i, text in enumerate(file.read_text("utf-8").splitlines()) if text.startswith("posterior:"))
    assert f"learned.yaml:{line}:12  posterior: {said}" in told.err
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count(said) >= 2  # at its top, and of its worlds
    plan, _ = plan_sweep(ready(tmp_path, "sweep: {design: latin_hypercube, samples: 4, vary: {posterior: null}}", made))
    assert plan.design["all"]["posteriors"][0]["failed"] == ["ranks"]
    assert not ready(tmp_path).notes


# --- sweeps -----------------------------------------------------------------------------------------------------------


def test_a_sweep_varies_a_posterior_by_its_rows(tmp_path: Path) -> None:
    sweep = "sweep: {design: latin_hypercube, samples: 20, vary: {posterior: null, economics.margin.mass: null}}"
    one = ready(tmp_path, sweep)
    plan, points = plan_sweep(one)
    both = "arms.both.staff_upskilling.transfer"
    assert [one.path for one in plan.parameters] == ["economics.margin.mass", TURNOVER, CLOSE, TRANSFER, both]
    rows = {tuple(row) for row in one.joints[0].posterior.draws}
    assert {tuple(point.values[path] for path in NUMBERS) for point in points} <= rows
    assert all(point.values[both] == point.values[TRANSFER] for point in points)
    assert plan.design["all"]["posteriors"] == [{"name": "exits", "parameters": list(NUMBERS)}]
    assert "posterior" not in loads(plan.text).data
    _, points = plan_sweep(ready(tmp_path, "sweep: {design: grid, samples: 7, vary: {posterior: null}}"))
    assert len(points) == 7


@pytest.mark.parametrize(
    ("sweep", "why"),
    [
        ("{design: morris, samples: 4, vary: {posterior: null}}", "moves one number at a time"),
        ("{design: random, samples: 4, vary: {posterior: {low: 1, high: 2}}}", "has no range"),
        ("{design: random, samples: 4, vary: {posterior: null, managers.turnover: null}}", "comes with the rows"),
        (
            "{levers: {design: grid, vary: {posterior: null}}, uncertainties: {design: random, samples: 4, "
            "vary: {economics.margin.mass: null}}}",
            "is what nobody knows; in uncertainties",
        ),
    ],
)
def test_a_sweep_says_what_it_cannot_do_with_a_posterior(tmp_path: Path, sweep: str, why: str) -> None:
    assert why in wrong(tmp_path, f"sweep: {sweep}")


def test_a_sweep_or_a_search_without_a_posterior_says_so() -> None:
    with pytest.raises(BadInput, match="the scenario has none; posterior: FILE"):
        loads_of(f"{BANK}sweep: {{design: random, samples: 4, vary: {{posterior: null}}}}\n")


# --- folders ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with worlds, moved away from the files it was made from."""
    home = tmp_path_factory.mktemp("learned")
    file = home_of(home, "managers: {turnover: 0.12}\nbeliefs: {worlds: 8, agents: 500, vary: posterior}")
    assert main(["run", str(file), "--out", str(home / "run"), "--quiet"]) == 0
    away = tmp_path_factory.mktemp("away") / "run"
    shutil.move(home / "run", away)
    shutil.rmtree(home)
    return away


@pytest.mark.long
def test_a_folder_verifies_and_reports_from_itself_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = read(folder)
    assert stored.manifest["files"]["posterior.yaml"]
    assert prepare(folder / "scenario.yaml")[0].digest == stored.manifest["scenario_digest"]
    assert main(["verify", str(folder)]) == 0
    capsys.readouterr()
    assert main(["report", str(folder)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "3 assumptions differ: 3 from the posterior of exits and none from plausible ranges" in told
    page = (folder / "report.html").read_text("utf-8")
    assert "3 from the posterior of exits" in page
    assert "what knowing and pilots are worth is counted on these worlds" in page
    assert stored.worlds is not None
    assert set(NUMBERS) <= set(stored.worlds)


@pytest.mark.long
def test_a_folder_notices_another_posterior(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = tmp_path / "run"
    shutil.copytree(folder, here)
    write_posterior(here / "posterior.yaml", posterior(seed=2))
    assert main(["verify", str(here)]) == 1
    assert "posterior.yaml is not what was written" in capsys.readouterr().out
    assert main(["run", str(here / "scenario.yaml"), "--out", str(here), "--resume"]) == 2
    assert "its posterior said something else" in capsys.readouterr().err


@pytest.mark.long
def test_a_swept_folder_verifies_from_itself_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    file = home_of(home, "sweep: {design: random, samples: 2, vary: {posterior: null}}")
    assert main(["run", str(file), "--out", str(tmp_path / "sweep"), "--workers", "1", "--quiet"]) == 0
    shutil.rmtree(home)
    assert main(["verify", str(tmp_path / "sweep")]) == 0
    manifest: dict[str, Any] = json.loads((tmp_path / "sweep" / "manifest.json").read_text("utf-8"))
    assert manifest["posteriors"][0]["name"] == "exits"
    assert prepare(tmp_path / "sweep" / "scenario.yaml")[0].digest == manifest["scenario_digest"]


def test_a_scenario_without_a_posterior_keeps_its_digest() -> None:
    assert "posterior" not in loads_of(BANK).scenario.resolved()


# --- tables -----------------------------------------------------------------------------------------------------------


def test_a_table_found_as_a_factor_moves_from_where_it_stands(tmp_path: Path) -> None:
    made = posterior({"model.hazards.close": (1.2, 0.1), "channels.conversion": (0.8, 0.05)})
    more = "model: {hazards: {wealth: {close: 0.01}}}\nbeliefs: {worlds: 12, vary: posterior}"
    one = ready(tmp_path, more, made)
    plain = loads_of(BANK).scenario.model.hazards
    assert one.scenario.model.hazards["mass"].close == pytest.approx(1.2 * plain["mass"].close)
    assert one.scenario.model.hazards["wealth"].close == 0.01  # it is set
    worlds = draw(one.scenario, one.believed).worlds
    drawn = {row[0] for row in made.draws}
    moved = [one.believed.values(world) for world in worlds]
    for world in moved:
        factor = world["model.hazards.mass.close"] / plain["mass"].close
        assert min(abs(factor - draw) for draw in drawn) < 1e-9
        assert world["model.hazards.wealth.close"] == pytest.approx(0.01 * factor / 1.2)
    stored = tmp_path / "stored"
    stored.mkdir()
    (stored / "scenario.yaml").write_text(dump(one.scenario.stored()), "utf-8")
    for name, text in one.beside.items():
        (stored / name).write_text(text, "utf-8")
    again = prepare(stored / "scenario.yaml")[0]
    assert again.digest == one.digest
    assert [again.believed.values(world) for world in draw(again.scenario, again.believed).worlds] == moved
    sweep = ready(tmp_path, "sweep: {design: random, samples: 6, vary: {posterior: null}}", made)
    plan, points = plan_sweep(sweep)
    assert "model.hazards.mass.close" in {one.path for one in plan.parameters}
    mass = [point.values["model.hazards.mass.close"] / plain["mass"].close for point in points]
    assert all(min(abs(value - draw) for draw in drawn) < 1e-9 for value in mass)


# --- other verbs ------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_run_is_resumed_forked_and_taken_up_as_an_object(tmp_path: Path) -> None:
    file = home_of(tmp_path, "record: {panel: 5}")
    out = tmp_path / "run"
    assert main(["run", str(file), "--out", str(out), "--quiet", "--checkpoint", "1"]) == 0
    digest = read(out).manifest["result_digest"]
    assert prepared(sim.validate(file)).digest == read(out).manifest["scenario_digest"]
    assert sim.run(sim.validate(file), out=tmp_path / "object", progress=False).manifest["result_digest"] == digest
    assert main(["run", str(file), "--out", str(out), "--quiet", "--resume"]) == 0
    assert main(["run", str(out / "scenario.yaml"), "--out", str(tmp_path / "again"), "--quiet"]) == 0
    assert read(tmp_path / "again").manifest["result_digest"] == digest
    assert main(["fork", str(out), str(file), "--at", "1", "--out", str(tmp_path / "fork"), "--quiet"]) == 0
    assert read(tmp_path / "fork").manifest["result_digest"] == digest
