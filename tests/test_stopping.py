"""A run that stops by itself: at the first seed that will do, the same whatever happens on the way."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import fabricate
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.cli import main
from sim.errors import Interrupted
from sim.experiments.callbacks import Callback
from sim.experiments.prepare import prepare
from sim.experiments.run import Options, run_all
from sim.experiments.seed_runs import SeedRuns
from sim.experiments.stopping import judge
from sim.reporting.run import stopping_words
from sim.scenario.scenario import Scenario, SeedsUntil
from sim.store.run_reading import read

ROOT = Path(__file__).parent.parent
ONE_ARM = f"""
extends: {ROOT / "scenarios" / "quick.yaml"}
name: until
months: 12
burn_in: 1
population: {{customers: 1500}}
"""
WISH = "seeds: {until: {kpi: attrition_annual, half_width: 0.008}, min: 3, max: 30}\n"


# ----------------------------------------------------------------------------------------------------------- the rule


def half(values: np.ndarray) -> float:
    return float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))


def test_every_arm_must_be_as_sure_as_was_asked():
    rng = np.random.default_rng(3)
    luck = rng.normal(0.0, 9.0, 8)
    values = np.stack([luck, luck + rng.normal(1.0, 0.1, 8), luck + rng.normal(1.0, 0.5, 8)])
    widest = half(values[2] - values[0])
    assert half(values[1] - values[0]) < widest
    judgement = judge(values, widest * 1.001, 5)
    assert judgement.enough
    assert judgement.reached == pytest.approx(widest)
    assert not judge(values, widest * 0.999, 5).enough


def test_with_one_arm_its_own_mean_is_what_must_be_sure():
    values = np.random.default_rng(3).normal(0.1, 0.01, (1, 8))
    assert judge(values, 1.0, 5).reached == pytest.approx(half(values[0]))


def test_nothing_is_enough_before_the_least_number_of_seeds():
    same = np.ones((2, 6))
    assert [judge(same[:, :n], 0.1, 5).enough for n in range(1, 7)] == [False] * 4 + [True] * 2


def test_seeds_to_come_are_foreseen_from_the_spread_so_far():
    values = np.random.default_rng(1).normal(0.0, 1.0, (1, 12))
    foreseen = judge(values, half(values[0]) / 2, 5).expected
    sd = values.std(ddof=1)
    assert stats.t.ppf(0.975, foreseen - 1) * sd / math.sqrt(foreseen) <= half(values[0]) / 2
    assert 40 < foreseen < 48


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "enough", "reached"),
    [
        ([[1, 2, 4], [1, 2, 4]], True, 0.0),  # the same bits
        ([[1, 2, 4], [2, 3, 5]], True, 0.0),  # a difference without spread
        ([[1, 2, 4], [1, INF, 4]], False, NAN),  # an infinite one is never sure
        ([[1, 2, 4], [1, NAN, 4]], False, 0.0),  # a failed run is no pair: two pairs are fewer than three
        ([[1, 2, 4], [1, 2, 4], [NAN, NAN, NAN]], True, 0.0),  # an arm that always fails holds nobody up
        ([[NAN, NAN, NAN], [1, 2, 4]], True, NAN),  # no pair at all: more seeds would not help
        ([[NAN, NAN, NAN]], True, NAN),
    ],
)
def test_degenerate_figures_neither_warn_nor_loop(values, enough, reached):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judgement = judge(np.array(values, dtype=float), 0.1, 3)
    assert judgement.enough is enough
    np.testing.assert_equal(judgement.reached, reached)


def test_stopping_by_itself_costs_the_interval_a_little_of_its_coverage():
    """What docs/readings.md says: with at least 5 seeds, the 95 % interval covers 92 % or more."""
    rng = np.random.default_rng(11)
    worlds, most, n = 4_000, 60, np.arange(1, 61)
    x = rng.normal(size=(worlds, most))
    mean = x.cumsum(axis=1) / n
    variance = (np.square(x).cumsum(axis=1) - n * mean**2)[:, 1:] / (n[1:] - 1)
    halves = stats.t.ppf(0.975, n[1:] - 1) * np.sqrt(variance / n[1:])
    for typical in (8, 15, 30):
        narrow = (halves <= 1.96 / math.sqrt(typical)) & (n[1:] >= 5)
        stop = np.where(narrow.any(axis=1), narrow.argmax(axis=1), most - 2)
        at = np.arange(worlds)
        covered = (np.abs(mean[at, stop + 1]) <= halves[at, stop]).mean()
        assert 0.905 < covered < 0.95


# -------------------------------------------------------------------------------------------------- in scenario files


def seeds_of(**seeds: object) -> Scenario:
    until = {"kpi": "attrition_annual", "half_width": 0.001}
    return Scenario.model_validate({"name": "x", "seeds": {"until": until, **seeds}})


def test_all_seeds_that_may_be_needed_are_planned():
    assert seeds_of(first=4, max=7).seed_list == [4, 5, 6, 7, 8, 9, 10]
    assert seeds_of().seed_list == list(range(1, 201))


def test_a_wish_reads_back_as_it_was():
    s = seeds_of(max=50)
    assert s.resolved()["seeds"] == {
        "until": {"kpi": "attrition_annual", "half_width": 0.001},
        "first": 1,
        "min": 5,
        "max": 50,
    }
    again = Scenario.model_validate(s.resolved())
    assert isinstance(again.seeds, SeedsUntil)
    assert again.digest() == s.digest()


@pytest.mark.parametrize("kpi", ["npv", "attrition_annual[aum]", "downgrade_rate[mass]"])
def test_figures_that_a_bank_has_may_be_wished_for(kpi):
    given = {"name": "x", "seeds": {"until": {"kpi": kpi, "half_width": 1}}}
    if kpi == "downgrade_rate[mass]":  # nowhere to go down to
        with pytest.raises(ValueError, match="not told for"):
            Scenario.model_validate(given)
        return
    assert len(Scenario.model_validate(given).seed_list) == 200


# -------------------------------------------------------------------------------------------------------- a whole run


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("until") / "until.yaml"
    path.write_text(ONE_ARM + WISH, "utf-8")
    return path


@pytest.fixture(scope="module")
def folder(file: Path) -> Path:
    out = file.parent / "run"
    assert main([str(file), "--out", str(out), "--quiet", "--threads", "1"]) == 0
    return out


def test_it_stops_at_the_first_seed_that_will_do_and_says_so(folder: Path):
    manifest = read(folder).manifest
    stopping, used = manifest["stopping"], manifest["seeds"]
    assert 3 < len(used) < 30  # the wish was chosen so that the rule is what stops it
    assert used == list(range(1, len(used) + 1))
    assert stopping | {"reached": 0} == {
        "kpi": "attrition_annual",
        "half_width": 0.008,
        "reached": 0,
        "met": True,
        "seeds": len(used),
        "min": 3,
        "max": 30,
        "limit_hit": False,
    }
    summary = read(folder).summary.set_index("kpi").loc["attrition_annual"]
    assert stopping["reached"] == pytest.approx((summary["ci_high"] - summary["ci_low"]) / 2)
    assert stopping["reached"] <= 0.008
    assert summary["seeds"] == len(used)
    assert f"Stopped by itself after {len(used)} seeds" in stopping_words(manifest)
    page = (folder / "report.html").read_text("utf-8")
    assert "Stopped by itself" in page


def test_the_folder_is_whole_and_holds_the_seeds_used_alone(folder: Path):
    run = read(folder)
    assert run.manifest["status"] == "done"
    assert sorted(run.monthly["seed"].unique()) == run.seeds
    assert len(run.manifest["runs"]) == len(run.seeds)
    assert not (folder / "parts").exists()


def test_verify_stops_at_the_same_place(folder: Path, capsys):
    assert main(["verify", str(folder)]) == 0
    assert capsys.readouterr().out.strip().endswith("the same")


@pytest.mark.long
def test_the_same_seeds_with_other_threads_and_from_the_resolved_scenario(folder: Path, tmp_path: Path):
    again = tmp_path / "again"
    assert main([str(folder / "scenario.yaml"), "--out", str(again), "--quiet", "--threads", "2"]) == 0
    first, second = read(folder).manifest, read(again).manifest
    for key in ("seeds", "stopping", "result_digest", "scenario_digest"):
        assert first[key] == second[key]


class Stop(Callback):
    """Presses Ctrl-C after so many runs."""

    def __init__(self, after: int):
        self.left = after

    def finished(self, arm: str, seed: int, seconds: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_a_resumed_run_stops_where_an_uninterrupted_one_does(file: Path, folder: Path, tmp_path: Path):
    out = tmp_path / "resumed"
    with pytest.raises(Interrupted):
        run_all(prepare([file]), Options(out=out, threads=1), Stop(after=4))
    assert json.loads((out / "manifest.json").read_text("utf-8"))["status"] == "interrupted"
    run_all(prepare([file]), Options(out=out, threads=1, resume=True))
    wanted, found = read(folder).manifest, read(out).manifest
    assert (found["seeds"], found["result_digest"]) == (wanted["seeds"], wanted["result_digest"])
    assert found["stopping"] == wanted["stopping"]


def test_resuming_a_run_that_stopped_runs_nothing_more(file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(SeedRuns, "_run", lambda *_: pytest.fail("a run was made"))
    before = read(folder).manifest
    run_all(prepare([file]), Options(out=folder, resume=True))
    assert read(folder).manifest == before


def test_seeds_on_the_command_line_replace_the_wish(file: Path, tmp_path: Path):
    out = tmp_path / "two"
    assert main([str(file), "--seeds", "2", "--out", str(out), "--quiet"]) == 0
    manifest = read(out).manifest
    assert manifest["seeds"] == [1, 2]
    assert "stopping" not in manifest


def test_the_limit_ends_a_wish_that_is_not_met_and_that_is_told(file: Path, tmp_path: Path, capsys):
    out = tmp_path / "limit"
    words = ["--set", "seeds.until.half_width=0.0001", "--set", "seeds.max=3"]
    assert main([str(file), *words, "--out", str(out), "--quiet"]) == 0
    assert "NOT as sure as wanted: the limit of 3 seeds" in capsys.readouterr().out
    stopping = read(out).manifest["stopping"]
    assert (stopping["limit_hit"], stopping["met"], stopping["seeds"]) == (True, False, 3)
    assert stopping["reached"] > 0.0001


def test_validate_says_up_to_how_many_seeds(file: Path, capsys):
    assert main(["validate", str(file)]) == 0
    assert "1 arm x up to 30 seeds x 12 months" in capsys.readouterr().out


# -------------------------------------------------------------------------------- many arms, some that fail (no bank)

TWO = """
name: tiny
months: 13
burn_in: 0
seeds: {until: {kpi: "attrition_annual[mass]", half_width: 0.0002}, min: 3, max: 40}
arms:
  nothing: []
  calls: []
"""


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs the scenario TWO over made-up tables instead of a bank; `broken` runs raise."""
    tables = fabricate.fabricate({"nothing": (1.0, 0.0), "calls": (0.9, 1e4)}, tuple(range(1, 41)), 13)
    (tmp_path / "tiny.yaml").write_text(TWO, "utf-8")
    lived: list[tuple[str, int]] = []

    def run(
        out: str,
        *,
        broken: frozenset[tuple[str, int]] = frozenset(),
        resume: bool = False,
        callback: Callback | None = None,
    ):
        def live(runs: SeedRuns, arm, replication):
            seed = replication.seed
            if (arm.name, seed) in broken:
                raise RuntimeError("broken on purpose")
            lived.append((arm.name, seed))
            runs.folder.add(arm.name, seed, fabricate.of_run(tables, arm.name, seed), 0.1)
            runs.callback.finished(arm.name, seed, 0.1)

        lived.clear()
        monkeypatch.setattr(SeedRuns, "_run", live)
        options = Options(out=tmp_path / out, resume=resume)
        outcome = run_all(prepare([tmp_path / "tiny.yaml"]), options, callback or Callback())[0]
        return outcome.run.manifest, list(lived)

    return run


class Expecting(Callback):
    """Hears how many runs are expected."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def begin(self, name: str, runs: int, months: int) -> None:
        self.told.append(runs)

    def expect(self, runs: int) -> None:
        self.told.append(runs)


def test_seeds_are_lived_by_all_arms_before_the_next_and_the_paired_difference_decides(made_up, tmp_path):
    hearing = Expecting()
    manifest, lived = made_up("run", callback=hearing)
    used = manifest["seeds"]
    assert 3 < len(used) < 40
    assert lived == [(arm, seed) for seed in used for arm in ("nothing", "calls")]
    precision = read(tmp_path / "run").precision.query("kpi == 'attrition_annual[mass]'").iloc[0]
    assert precision["half_width"] == pytest.approx(manifest["stopping"]["reached"])
    assert precision["half_width"] <= 0.0002
    assert hearing.told[0] == 2 * 3  # at least `min` seeds of two arms
    assert hearing.told[-1] == 2 * len(used)


def test_a_wish_for_a_tier_asks_that_tier(made_up, tmp_path):
    manifest, _ = made_up("run")
    run = read(tmp_path / "run")
    shorter = pd.DataFrame(run.monthly[run.monthly["seed"] < manifest["seeds"][-1]])
    months = shorter[(shorter["tier"] == "mass") & (shorter["month"] > 0)]
    starts = shorter[(shorter["tier"] == "mass") & (shorter["month"] < 13)]
    exits = months.eval("closed - closed_dormant + went_dormant").groupby([months["arm"], months["seed"]]).sum()
    rate = exits / (starts.groupby(["arm", "seed"])["active"].sum() / 12)
    difference = (rate["calls"] - rate["nothing"]).to_numpy()
    assert half(difference) > 0.0002  # one seed fewer would not have done


def test_what_failed_is_lived_again_and_the_run_ends_where_it_would_have(made_up):
    wanted, _ = made_up("whole")
    hurt, _ = made_up("hurt", broken=frozenset({("calls", 2), ("nothing", 3)}))
    assert hurt["status"] == "failed"
    assert len(hurt["seeds"]) > len(wanted["seeds"]) - 1  # two pairs fewer, so at least as many seeds
    mended, lived = made_up("hurt", resume=True)
    assert lived[:2] == [("calls", 2), ("nothing", 3)]
    for key in ("seeds", "result_digest", "stopping", "status"):
        assert mended[key] == wanted[key]


def test_an_arm_that_always_fails_does_not_drag_the_others_to_the_limit(made_up):
    manifest, _ = made_up("run", broken=frozenset(("calls", seed) for seed in range(1, 41)))
    assert manifest["status"] == "failed"
    assert len(manifest["seeds"]) == 3
    assert (manifest["stopping"]["reached"], manifest["stopping"]["met"]) == (None, False)
    assert "no arm has a difference" in stopping_words(manifest)
