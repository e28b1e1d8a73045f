"""Optimisation: known fronts are found through the same code that asks banks, luck is not reported, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optimise_jobs import Dying, question

from sim.errors import BadInput, Interrupted
from sim.experiments.design.plan import Parameter
from sim.experiments.optimise import scores
from sim.experiments.optimise.budget_split import budget_split
from sim.experiments.optimise.run import Question, answer, optimise
from sim.experiments.optimise.space import LEFT_OUT, Space, shares_of
from sim.experiments.prepare import prepare
from sim.experiments.prepared import Prepared
from sim.experiments.sweep.drive import SweepOptions
from sim.reporting.optimum.build import as_json, build, terminal_table
from sim.store.optimum import Optimised, read_optimised

BOTH_LESS = [{"kpi": "npv", "goal": "minimise"}, {"kpi": "attrition_annual", "goal": "minimise"}]
TABLES = ("candidates", "front", "confirmed", "winner")


def found(asked: Question, out: Path, **options: Any) -> Optimised:
    return read_optimised(answer(asked, SweepOptions(out, **options)).path)


def told(one: Optimised) -> dict[str, str]:
    """All that an optimisation says, as bytes on disk, but for when it was said."""
    texts = {name: (one.path / "optimise" / f"{name}.csv").read_text() for name in TABLES}
    return texts | {"digest": one.manifest["tasks_digest"], "facts": json.dumps(one.facts)}


# --- known answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "count", "least", "above"), [("nsga2", 320, 0.80, 0.03), ("tpe", 160, 0.70, 0.15)])
def test_the_front_of_zdt1_is_found(method: str, count: int, least: float, above: float, tmp_path: Path) -> None:
    # f2 = 1 - sqrt(f1) encloses 1.21 - 1/3 = 0.877 with the corner (1.1, 1.1); as many random points reach 0.4
    asked = question(
        "Zdt1",
        3,
        objectives=BOTH_LESS,
        method=method,
        candidates=count,
        generation=20,
        seeds={"count": 1, "most": 2},
        confirm={"count": 2, "best": 4},
    )
    one = found(asked, tmp_path / "run")
    front = one.front[["npv", "attrition_annual"]].to_numpy()
    assert len(front) >= 10
    assert scores.hypervolume(-front, np.array([-1.1, -1.1])) > least
    inside = front[front[:, 0] < 1]
    assert np.median(inside[:, 1] - (1 - np.sqrt(inside[:, 0]))) < above  # the true front


@pytest.mark.parametrize("method", ["nsga2", "tpe"])
def test_a_limit_is_kept_and_the_best_within_it_found(method: str, tmp_path: Path) -> None:
    # npv = x + y, cost = 3 x + y <= 2.5: x = 0.5, y = 1 is worth 1.5; without the limit 2
    limit = [{"kpi": "cost_annual", "at_most": 2.5}]
    one = found(
        question(
            "Slope",
            2,
            method=method,
            limits=limit,
            candidates=160,
            generation=20,
            seeds={"count": 1, "most": 2},
            confirm={"count": 2, "best": 3},
        ),
        tmp_path / "run",
    )
    own = one.confirmed[one.confirmed["winner"]].set_index("kpi")
    assert 1.4 < own.loc["npv", "confirmed"] <= 1.5 + 1e-9
    assert own.loc["cost_annual", "confirmed"] <= 2.5
    table = one.candidates
    assert (table["within_limits"] == (table["cost_annual"] <= 2.5)).all()
    assert (table.loc[table["front"], "cost_annual"] <= 2.5).all()
    assert not table["within_limits"].all()  # some were tried beyond it


def test_where_limits_forbid_everything_nobody_wins(tmp_path: Path) -> None:
    limit = [{"kpi": "cost_annual", "at_most": -1.0}]
    one = found(
        question("Slope", 2, limits=limit, candidates=8, generation=4, confirm={"count": 2, "best": 2}),
        tmp_path / "run",
    )
    assert one.facts["winner"] is None
    assert not len(one.front)
    assert "no winner" in terminal_table(one)


# --- luck -----------------------------------------------------------------------------------------------------------


def test_the_search_flatters_the_lucky_and_fresh_seeds_do_not(tmp_path: Path) -> None:
    # every candidate is worth 10, with a spread of 1 a seed: all that tells them apart is luck
    searched, confirmed, compared = [], [], []
    for luck in range(1, 5):
        asked = question(
            "Luck",
            2,
            candidates=40,
            generation=20,
            luck=luck,
            seeds={"first": 100 * luck, "count": 2, "most": 8},
            confirm={"first": 10_000 * luck, "count": 40, "best": 3},
        )
        one = found(asked, tmp_path / str(luck))
        winner = one.confirmed[one.confirmed["winner"]].iloc[0]
        searched.append(one.front["npv"].iloc[0])
        confirmed += one.confirmed["confirmed"].tolist()
        compared.append(one.winner["difference"].iloc[0])
        assert winner["optimism"] == pytest.approx(winner["search"] - winner["confirmed"])
    assert np.mean(searched) > 10.35  # the best of forty
    error = 1 / np.sqrt(40)
    assert abs(np.mean(confirmed) - 10) < 3 * error / np.sqrt(len(confirmed))
    assert abs(np.mean(compared) - 10) < 3 * error / np.sqrt(len(compared))  # nor is the winner's own number


def test_seeds_go_to_those_who_promise_most(tmp_path: Path) -> None:
    asked = question(
        "Noisy", 2, candidates=40, generation=20, seeds={"count": 2, "most": 16}, confirm={"count": 2, "best": 2}
    )
    one = found(asked, tmp_path / "run")
    table = one.candidates
    assert table["seeds"].min() == 2
    assert (table.loc[table["front"], "seeds"] == 16).all()
    assert table["seeds"].mean() < 8
    worth = table["x0"] + table["x1"]  # in truth
    better = worth > worth.median()
    assert table.loc[better, "seeds"].mean() > 1.5 * table.loc[~better, "seeds"].mean()


def test_a_level_compares_candidates_on_the_seeds_they_share() -> None:
    # candidates 1, 2, 3; seeds give everybody 0, 10, -10; the third has lived the good seed only
    seeds = np.array([0.0, 10.0, -10.0])
    values = np.array([1 + seeds, 2 + seeds, [np.nan, 13.0, np.nan], [np.nan] * 3])
    one = scores.fit(values)
    assert one.level[:3] == pytest.approx([1.0, 2.0, 3.0])  # plain means would be 1, 2, 13
    assert np.isnan(one.level[3])
    assert one.seeds.tolist() == [3, 3, 1, 0]
    assert one.sd == pytest.approx(0.0, abs=1e-9)


def test_ranks_put_limits_first_then_dominance() -> None:
    gains = np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 0.0], [9.0, 9.0], [8.0, 8.0], [np.nan, 0.0]])
    violation = np.array([0.0, 0.0, 0.0, 0.5, 0.2, 0.0])
    assert scores.ranks(gains, violation).tolist() == [0, 0, 1, 3, 2, 6]
    assert scores.best_first(gains, violation).tolist() == [0, 1, 2, 4, 3]


# --- nothing lost ---------------------------------------------------------------------------------------------------


def noisy(switch: Path, **more: Any) -> Question:
    return question(
        "Dying",
        3,
        {"switch": str(switch)},
        objectives=[{"kpi": "npv"}, {"kpi": "attrition_annual"}],
        limits=[{"kpi": "cost_annual", "at_most": 3.0}],
        candidates=45,
        generation=15,
        seeds={"count": 2, "most": 6},
        confirm={"count": 5, "best": 3},
        **more,
    )


@pytest.mark.parametrize("method", ["nsga2", "tpe"])
def test_what_was_interrupted_goes_on_to_the_same_end(method: str, tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    quiet = found(noisy(switch, method=method), tmp_path / "quiet")
    switch.touch()
    for _ in range(2):
        with pytest.raises(Interrupted, match="--resume"):
            found(noisy(switch, method=method), tmp_path / "run", resume=True)
    switch.unlink()
    assert told(found(noisy(switch, method=method), tmp_path / "run", resume=True)) == told(quiet)


def test_what_was_killed_goes_on_to_the_same_end(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    quiet = found(noisy(switch), tmp_path / "quiet")
    switch.write_text("kill")
    code = (
        "import sys; from pathlib import Path; from test_optimise import found, noisy\n"
        "found(noisy(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    killed = subprocess.run(
        [sys.executable, "-c", code, str(switch), str(tmp_path / "run")], env=os.environ | {"PYTHONPATH": path}
    )
    assert killed.returncode == -9
    switch.unlink()
    assert told(found(noisy(switch), tmp_path / "run", resume=True)) == told(quiet)


def test_what_is_done_is_asked_again_without_living_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = found(noisy(tmp_path / "switch"), tmp_path / "run")
    monkeypatch.setattr(Dying, "figures", None)  # whoever lived would fail
    again = found(noisy(tmp_path / "switch"), tmp_path / "run", resume=True)
    assert told(again) == told(one)
    with pytest.raises(BadInput, match="--resume"):
        found(noisy(tmp_path / "switch"), tmp_path / "run")


def test_candidates_that_break_are_failed_and_the_others_go_on(tmp_path: Path) -> None:
    one = found(question("Broken", 2, candidates=40, generation=20, confirm={"count": 2, "best": 2}), tmp_path / "run")
    failed = one.candidates["status"] == "failed"
    assert (failed == (one.candidates["x0"] > 0.5)).all()
    assert 0 < failed.sum() < len(failed)
    assert not (one.candidates["front"] & failed).any()
    assert one.facts["winner"]["values"]["x0"] <= 0.5
    assert one.status == "failed"  # some tasks have no result, which is told and not hidden


def test_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    from sim.experiments.executors.local import local

    asked = question("Noisy", 2, candidates=8, generation=4, confirm={"count": 2, "best": 2})
    here = found(asked, tmp_path / "here")
    there = read_optimised(answer(asked, SweepOptions(tmp_path / "there"), local(1)).path)
    assert told(there) == told(here)


def test_optuna_reads_the_journal(tmp_path: Path) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    one = found(question("Slope", 2, candidates=8, generation=4, confirm={"count": 2, "best": 2}), tmp_path / "run")
    storage = JournalStorage(JournalFileBackend(str(one.path / "optimise" / "study.journal")))
    study = optuna.load_study(study_name="tiny", storage=storage)
    assert len(study.trials) == 8
    assert study.trials[0].params == pytest.approx(dict(one.candidates.iloc[0][["x0", "x1"]]))


# --- shares of a budget ---------------------------------------------------------------------------------------------

BANK = """
name: little_mix
months: 6
burn_in: 0
population: {customers: 3000}
arms:
  nothing: []
  other: [{use: fintech}]
  mix:
    budget: 3000
    strategies: [{use: digital_thinking}, {use: stratification}, {use: staff_upskilling, intensity: 0.5}]
optimise:
  arm: mix
  shares: [digital_thinking, stratification, staff_upskilling]
  vary: {arms.mix.strategies.staff_upskilling.from: {low: 0, high: 3}}
  objectives: [{kpi: npv}, {kpi: attrition_annual}]
  candidates: 6
  generation: 6
  seeds: {count: 1, most: 2}
  confirm: {count: 2, best: 2}
"""


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    file = tmp_path_factory.mktemp("little") / "little.yaml"
    file.write_text(BANK)
    return prepare([file])[0]


def test_shares_are_whole_percents_and_light_weights_are_left_out() -> None:
    assert shares_of({"a": 1.0, "b": 1.0, "c": LEFT_OUT}) == {"a": 0.5, "b": 0.5, "c": 0.0}
    thirds = shares_of({"a": 0.7, "b": 0.7, "c": 0.7})
    assert sum(thirds.values()) == pytest.approx(1.0)
    assert sorted(thirds.values()) == [0.33, 0.33, 0.34]
    assert shares_of({"a": 0.0, "b": 0.05}) == {"a": 0.5, "b": 0.5}


def test_numbers_that_mean_given_shares_lead_to_them() -> None:
    space = Space((Parameter("x", "number", low=0.0, high=1.0, base=0.5),), ("a", "b", "c"), dict)
    for shares in ({"a": 0.2, "b": 0.8, "c": 0.0}, {"a": 0.0, "b": 0.0, "c": 1.0}, {"a": 0.34, "b": 0.33, "c": 0.33}):
        drawn = space.drawn(shares)
        assert drawn is not None
        assert space.proposal(drawn).shares == pytest.approx(shares)
        assert space.proposal(drawn).values["x"] == 0.5


def test_every_split_costs_the_budget_managers_included(little: Prepared) -> None:
    split = budget_split(little, "mix", 1)
    for shares in (
        {"digital_thinking": 0.2, "stratification": 0.5, "staff_upskilling": 0.3},
        {"digital_thinking": 0.0, "stratification": 1.0, "staff_upskilling": 0.0},
    ):
        spent = {name: money for name, (_, money) in split.spent(split(shares)).items()}
        assert sum(spent.values()) == pytest.approx(3_000, rel=1e-4)
        for name, share in shares.items():
            assert spent[name] == pytest.approx(3_000 * share, rel=1e-3)


@pytest.fixture(scope="module")
def mixed(little: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Optimised:
    return build(optimise(little, SweepOptions(tmp_path_factory.mktemp("mixed") / "run")).path)


def test_shares_are_told_as_they_are_paid(little: Prepared) -> None:
    split = budget_split(little, "mix", 1)
    full = {
        f"arms.mix.strategies.{name}.intensity": value
        for name, value in {"digital_thinking": 1.0, "stratification": 0.0, "staff_upskilling": 1e-6}.items()
    }
    rich = replace(split, arm=replace(split.arm, budget=1e6))  # more than both cost in full
    spent = {name: money for name, (_, money) in rich.spent(full).items()}
    assert spent["digital_thinking"] > 0
    assert spent["staff_upskilling"] > 0  # it gets what the other leaves
    whole = sum(spent.values())
    assert rich.shares(full) == {name: pytest.approx(money / whole, abs=1e-3) for name, money in spent.items()}


def test_a_bank_from_file_to_page(mixed: Optimised) -> None:
    one = mixed
    assert one.manifest["arms"] == ["nothing", "mix"]  # no other arm is lived
    assert {"equal shares", "stratification alone", "as written"} <= set(one.confirmed["name"])
    assert one.candidates["name"].iloc[:4].tolist() == [
        "equal shares",
        "digital_thinking alone",
        "stratification alone",
        "staff_upskilling alone",
    ]
    shares = one.candidates.filter(like="share.")
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0, abs=2e-3)
    against = one.winner[(one.winner["against"] == "equal shares") & (one.winner["kpi"] == "npv")]
    assert one.facts["winner"]["name"] == "equal shares" or against["seeds"].tolist() == [2]
    assert {file.name for file in (one.path / "optimise").iterdir()} == {
        "candidates.csv",
        "front.csv",
        "confirmed.csv",
        "winner.csv",
        "study.journal",
    }
    page = (one.path / "report.html").read_text()
    assert "http" not in page.replace("http-equiv", "")
    assert " against the baselines</h2>" in page
    assert page.count("<svg") == 3
    assert json.loads(json.dumps(as_json(one), allow_nan=False))["winner"]["by"] == "npv"
    assert max(map(len, terminal_table(one).splitlines())) <= 100
    before = (one.path / "report.html").read_text()
    assert told(build(one.path)) == told(one)
    assert (one.path / "report.html").read_text() == before


def test_the_winners_number_is_the_mean_of_its_tasks(mixed: Optimised) -> None:
    from sim.store.sweep_reading import read_sweep

    one = mixed
    tasks = read_sweep(one.path).tasks
    number, seeds = one.facts["winner"]["candidate"], range(1001, 1003)
    own = tasks[(tasks["point"] == number) & tasks["seed"].isin(seeds)].pivot(index="seed", columns="arm", values="npv")
    told_ = one.confirmed[one.confirmed["winner"] & (one.confirmed["kpi"] == "npv")]["confirmed"].item()
    assert told_ == pytest.approx((own["mix"] - own["nothing"]).mean())


def test_an_unfinished_search_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        read_optimised(tmp_path / "nowhere")
    switch = tmp_path / "switch"
    switch.touch()
    with pytest.raises(Interrupted):
        found(noisy(switch), tmp_path / "run")
    with pytest.raises(BadInput, match="has not ended"):
        read_optimised(tmp_path / "run")


def test_a_status_counts_what_has_been_asked_so_far(tmp_path: Path) -> None:
    from sim.experiments.sweep.status import status

    switch = tmp_path / "switch"
    switch.touch()
    with pytest.raises(Interrupted):
        found(noisy(switch), tmp_path / "run")
    one = status(tmp_path / "run")
    assert 0 < one.done < one.total


def test_a_scenario_without_the_section_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text("name: plain\narms: {nothing: []}\n")
    with pytest.raises(BadInput, match="no optimise section"):
        optimise(prepare([tmp_path / "plain.yaml"])[0], SweepOptions(tmp_path / "run"))
