"""A whole bank calibrated: points lived, an emulator of them, numbers found again that the bank was lived with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.calibration.checks import rank_checks, table
from sim.calibration.emulated import Emulated, known_points
from sim.calibration.emulator import emulated
from sim.calibration.file import read_calibration
from sim.calibration.luck import Luck, luck_of, too_few
from sim.calibration.posterior import read_posterior
from sim.calibration.problem import Free, Target
from sim.calibration.readings import Bank, Reading, no_figure
from sim.calibration.stored import read_calibrated
from sim.calibration.terms import Inference
from sim.cli import main
from sim.experiments.calibrate.bank import Lives, bank_problem, spread
from sim.experiments.callbacks import Callback
from sim.experiments.executors.here import HERE
from sim.measures.catalogue import kpi_names
from sim.reporting.calibration import write

ROOT = Path(__file__).parents[1]
SMALL = {"months": 6, "burn_in": 2, "population.customers": 2000}
RETURNS, CLOSE, GAIN = "model.hazards.dormant.reactivate", "model.hazards.dormant.close", "model.feelings.gain"
TRUTH = {RETURNS: 0.0105, CLOSE: 0.004}
TARGETS = ("returns_annual", "dormant_share", "closure_annual")


def asked(targets: Any, **more: Any) -> dict[str, Any]:
    return {
        "name": "small_bank",
        "scenario": "quick",
        "set": SMALL,
        "parameters": {RETURNS: None, CLOSE: {"low": 0.001, "high": 0.01}},
        "targets": targets,
        "points": 40,
        "seeds": 5,
        "agents": 2000,
        "samples": 500,
        "draws": 300,
        "fits": 40,
        **more,
    }


@pytest.fixture(scope="module")
def seen() -> pd.DataFrame:
    """What a bank of known numbers was seen to do, on seeds that no calibration lives: mean and spread by figure."""
    run = sim.run("quick", values=SMALL | TRUTH, seeds=[101, 102, 103, 104], progress=False)
    table = run.summary.set_index("kpi")
    return pd.DataFrame({"value": table["mean"], "error": table["sd"] / 2.0}).loc[list(TARGETS)]


@pytest.fixture(scope="module")
def targets(seen: pd.DataFrame) -> list[dict[str, Any]]:
    return [{"kpi": kpi, "value": float(row["value"]), "error": float(row["error"])} for kpi, row in seen.iterrows()]


@pytest.fixture(scope="module")
def found(targets: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> sim.Calibration:
    out = tmp_path_factory.mktemp("bank") / "found"
    return sim.calibrate(asked(targets), out=out, progress=False)


@pytest.mark.long
class TestABankOfKnownNumbers:
    @pytest.mark.slow
    def test_its_numbers_are_found_again(self, found: sim.Calibration) -> None:
        low, high = found.draws.quantile(0.01), found.draws.quantile(0.99)
        for path, truth in TRUTH.items():
            assert low[path] < truth < high[path], path
        assert float(found.identifiability.set_index("parameter").loc[RETURNS, "informed"]) > 0.5

    @pytest.mark.slow
    def test_intervals_hold_the_numbers_of_lived_points_that_the_emulator_never_saw(
        self, found: sim.Calibration, targets: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        """Three sets of known answers on the same lives: by one set of forty luck decides too much."""
        assert found.sbc["trial"].nunique() == 40
        shutil.copytree(found.folder, tmp_path / "out")
        lives = Lives(problem(tmp_path, targets=targets), tmp_path / "out", HERE, Callback())
        bank = lives.emulated(Inference())
        sets = [
            list(known_points(bank, Inference(samples=500, draws=300, asked=name), range(40)))
            for name in ("one", "two", "three")
        ]
        told = [answer | {"trial": 40 * k + int(answer["trial"])} for k, known in enumerate(sets) for answer in known]
        rows = [row for row in rank_checks(table(told, list(TRUTH))) if row["check"] == "coverage"]
        assert len(rows) == 2
        assert all(row["passed"] for row in rows), [row["about"] for row in rows]

    @pytest.mark.slow
    def test_the_points_are_lived_once_with_the_same_seeds_and_stored(self, found: sim.Calibration) -> None:
        from sim.store.sweep_reading import read_sweep

        lived = read_sweep(found.folder / "lives" / "wave-1")
        assert lived.seeds == [1, 2, 3, 4, 5]
        assert len(lived.tasks) == 200 == found.manifest["simulations"]
        assert set(lived.tasks.groupby("point")["seed"].nunique()) == {5}

    @pytest.mark.slow
    def test_its_posterior_is_of_paths_that_a_scenario_has(self, found: sim.Calibration) -> None:
        stored = read_posterior(found.folder / "posterior.yaml")
        assert list(stored.parameters) == list(TRUTH)
        assert sim.validate("quick", values=dict(zip(stored.parameters, stored.draws[0], strict=True)))
        assert stored.parameters[RETURNS].unit == "probability a month"

    @pytest.mark.slow
    def test_a_death_changes_no_bit(
        self, found: sim.Calibration, targets: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        """Killed among its fits and gone on with, what comes out is the same; points are not lived again."""
        from sim.yaml_source import dump

        file, out = tmp_path / "small.yaml", tmp_path / "out"
        file.write_text(dump(asked(targets)), "utf-8")
        code = (
            "import os, signal, sys; from sim.experiments.calibrate import known; own = known._read\n"
            "def read(parts, start, numbers):\n"
            "    if start == 20 and not (parts / 'known-00010.json').exists(): return own(parts, start, numbers)\n"
            "    if len(list(parts.glob('*.json'))) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
            "    return own(parts, start, numbers)\n"
            "known._read = read\n"
            "import sim; sim.calibrate(sys.argv[1], out=sys.argv[2], progress=False)"
        )
        died = subprocess.run([sys.executable, "-c", code, str(file), str(out)], cwd=ROOT, env=os.environ)
        assert died.returncode == -9
        before = (out / "lives" / "wave-1" / "manifest.json").read_bytes()
        again = sim.calibrate(str(file), out=out, resume=True, progress=False)
        assert any("drawn by Student's law and not lived" in one for one in again.manifest["notes"])
        assert "drawn by Student" in write(read_calibrated(out)).read_text("utf-8")
        assert again.manifest["result_digest"] == found.manifest["result_digest"]
        assert (out / "lives" / "wave-1" / "manifest.json").read_bytes() == before

    @pytest.mark.slow
    def test_history_matching_leaves_a_range_around_it(self, targets: list[dict[str, Any]], tmp_path: Path) -> None:
        told = asked(targets, method="history_matching", waves=2, points=20)
        left = sim.calibrate(told, out=tmp_path / "out", progress=False)
        shares = [one["share"] for one in left.manifest["waves"]]
        assert 0 < shares[1] <= shares[0] < 1
        for path, truth in TRUTH.items():
            assert left.draws[path].min() < truth < left.draws[path].max(), path
        assert "waves" in {file.stem for file in (tmp_path / "out" / "figures").glob("*.png")} or left.plot("waves")


def test_an_emulator_says_what_a_smooth_model_says_and_how_sure_it_is() -> None:
    unit = spread(40, 2, 0)
    rng = np.random.default_rng(1)

    def model(u: np.ndarray) -> np.ndarray:
        return np.stack([np.sin(3 * u[:, 0]) + u[:, 1] ** 2, 5 * u[:, 0] - u[:, 1]], axis=1)

    made = emulated(unit, model(unit) + 0.01 * rng.normal(size=(40, 2)))
    other = spread(200, 2, 1)
    mean, doubt = made.predict(other)
    assert np.abs(mean - model(other)).max() < 0.08
    assert np.sqrt(made.luck) == pytest.approx([0.01, 0.01], rel=0.6)
    beyond, sure = made.predict(np.array([[1.5, 1.5]]))[1], doubt.mean(axis=0)
    assert (beyond[0] > sure)[0]
    left = made.without(3)
    assert len(left.unit) == 39
    assert not (left.unit == unit[3]).all(axis=1).any()


class TestLuckThatSeedsLeave:
    """Points with seeds in common: what a seed does to all of them is seen as often as there are seeds."""

    @staticmethod
    def lived(rng: np.random.Generator, seeds: int, shared: float = 1.0) -> np.ndarray:
        """Three figures that go together, of 40 points; the mean over seeds has the standard deviation `shared`."""
        root = np.linalg.cholesky(np.full((3, 3), 0.6) + 0.4 * np.eye(3))
        size = shared * np.sqrt(seeds)
        return size * (rng.normal(size=(1, seeds, 3)) + 0.3 * rng.normal(size=(40, seeds, 3))) @ root.T

    @pytest.mark.parametrize("seeds", [2, 3, 5, 10])
    @pytest.mark.parametrize(("width", "reach"), [(1, 0.89), (3, 0.88)])
    def test_intervals_hold_as_often_as_they_say(self, seeds: int, width: int, reach: float) -> None:
        """Of one number by figures whose error is as large as luck; pooled residuals hold about 80 % with two seeds."""
        rng, held, pooled = np.random.default_rng(seeds), 0, 0
        slope = np.linspace(1.0, 2.0, 3)[:width]
        for _ in range(1_500):
            values = self.lived(rng, seeds)[:, :, :width]
            rest = (values - values.mean(axis=1, keepdims=True)).reshape(-1, width)
            luck = luck_of(values)
            gap = rng.normal(size=width) - values.mean(axis=(0, 1))
            for k, believed in enumerate((luck.covariance, rest.T @ rest / 40 / (seeds - 1) / seeds)):
                weight = np.linalg.inv(np.eye(width) + believed)
                sd = (slope @ weight @ slope) ** -0.5
                inside = abs(slope @ weight @ gap) * sd**2 < 1.645 * sd
                held, pooled = held + inside * (k == 0), pooled + inside * (k == 1)
        assert held / 1_500 > reach
        if (seeds, width) == (2, 3):
            assert pooled / 1_500 < 0.85

    def test_two_seeds_do_not_say_that_figures_go_together(self) -> None:
        """Their own covariance has rank 1; with many seeds it is what is believed."""
        for seeds, near in ((2, 0.6), (400, 0.1)):
            luck = luck_of(self.lived(np.random.default_rng(3), seeds))
            size = np.sqrt(np.diag(luck.common))
            together = luck.common / np.outer(size, size)
            assert np.linalg.eigvalsh(together).min() > 0.05
            assert np.abs(together - (np.full((3, 3), 0.6) + 0.4 * np.eye(3))).max() < near
        assert luck.factor == pytest.approx(1.0, abs=0.01)

    def test_the_factor_is_that_of_students_quantile(self) -> None:
        """Student's t at 95 %: 6.3138 with one degree of freedom, 1.8331 with nine; the normal law's 1.6449."""
        for seeds, quantile in ((2, 6.3138), (10, 1.8331)):
            assert Luck(np.eye(1), np.eye(1), seeds).factor == pytest.approx((quantile / 1.64485) ** 2, rel=1e-4)

    def test_it_is_told_where_luck_is_not_far_below_the_error(self) -> None:
        targets = [Target("near", 1.0, 2.0), Target("far", 1.0, 30.0)]
        for seeds, told in ((2, ["near"]), (9, ["near"]), (10, [])):
            lines = list(too_few(Luck(np.eye(2), np.zeros((2, 2)), seeds), targets))
            assert [line.partition(":")[0] for line in lines] == told

    @pytest.mark.long
    @pytest.mark.slow
    @pytest.mark.parametrize(("believed", "held"), [("widened", True), ("as counted", False)])
    def test_known_answers_see_a_luck_that_is_taken_too_small(self, believed: str, held: bool) -> None:
        """Three seeds whose luck is nine times the error; counted as if it were known, intervals do not hold."""
        rng = np.random.default_rng(0)
        unit = spread(40, 1, 0)
        values = unit[:, None, :] + 0.02 * rng.normal(size=(1, 3, 1)) + 0.002 * rng.normal(size=(40, 3, 1))
        luck = luck_of(values)
        problem = Emulated(
            "luck",
            [Free("a", 0, 1, 0.5)],
            [Target("t", 0.5, 0.001)],
            emulated(unit, values.mean(axis=1)),
            np.array([[1e-6]]),
            luck,
        )
        if believed == "as counted":
            problem = Counted(**vars(problem))
        known = list(known_points(problem, Inference(samples=500, draws=300, asked="luck"), range(40)))
        rows = [row for row in rank_checks(table(known, ["a"])) if row["check"] == "coverage"]
        assert [row["passed"] for row in rows] == [held]


def test_points_without_a_figure_are_left_out_and_told_and_the_last_ones_are_counted(tmp_path: Path) -> None:
    """Of 40 points the last two have no finished life, one in the middle has no figure for a target."""
    asked_for = problem(tmp_path, targets=[{"kpi": "nps", "value": 1.0, "error": 1.0}])
    lives = Lives(asked_for, tmp_path / "out", HERE, Callback())
    arm = asked_for.read.readings[0].arm
    rows = [
        {"arm": arm, "point": point, "seed": seed, "status": "ok", "nps": np.nan if point == 5 else point + seed}
        for point in range(38)
        for seed in range(1, 6)
    ]
    tasks = pd.DataFrame(rows)
    unit = spread(40, 2, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.experiments.calibrate.bank.sweep", lambda *_: SimpleNamespace(tasks=tasks))
        places, statistics = lives(unit, 0)
    assert len(places) == len(statistics) == 37
    assert statistics[:, 0].tolist() == [point + 3.0 for point in range(38) if point != 5]
    (line,) = [one for one in lives.notes() if "left out" in one]
    assert "3 of 40 points" in line
    assert RETURNS in line


class Counted(Emulated):
    """A problem that believes in the covariance of three seeds as if it were known."""

    @property
    def noise(self) -> np.ndarray:
        assert self.luck is not None
        return self.own + self.luck.common + self.luck.own


class TestTargets:
    def test_a_table_says_what_a_list_says(self, tmp_path: Path) -> None:
        (tmp_path / "targets.csv").write_text(
            "kpi,arm,against,month,value,error,used\nnps,,,,10,2,yes\ndormant_share,nothing,,3,0.9,0.01,no\n"
        )
        listed = [
            {"kpi": "nps", "value": 10.0, "error": 2.0},
            {"kpi": "dormant_share", "arm": "nothing", "month": 3, "value": 0.9, "error": 0.01, "used": False},
        ]
        told = [problem(tmp_path, targets=one).read for one in (listed, {"file": "targets.csv"})]
        assert told[0].readings == told[1].readings
        assert (told[0].covariance == told[1].covariance).all()
        assert [one.target.name for one in told[0].readings] == ["nps", "dormant_share of nothing to month 3"]

    @pytest.mark.long
    @pytest.mark.slow
    def test_a_figure_to_a_month_is_that_of_a_shorter_run(self, tmp_path: Path) -> None:
        told = [{"kpi": "complaints_per_customer", "month": 3, "value": 0.1, "error": 0.1}]
        out = tmp_path / "out"
        sim.calibrate(asked(told, points=10, fits=0), out=out, progress=False)
        from sim.store.sweep_reading import read_sweep

        tasks = read_sweep(out / "lives" / "wave-1").tasks
        row = tasks[tasks["point"] == 4].iloc[0]
        values = SMALL | {path: float(row[path]) for path in TRUTH} | {"months": 3}
        short = sim.run("quick", values=values, seeds=[1], progress=False).summary.set_index("kpi")["mean"]
        assert row["complaints_per_customer@3"] == pytest.approx(short["complaints_per_customer"], rel=1e-12)
        assert row["complaints_per_customer@3"] != row["complaints_per_customer"]

    @pytest.mark.slow
    def test_a_figure_is_refused_before_it_is_lived_where_no_life_has_it_and_nowhere_else(self, tmp_path: Path) -> None:
        """Of all figures to months 3 and 12 of 13, in a bank of one arm."""
        from sim.store.sweep_reading import read_sweep

        alone = ("roi", "payback_months", "cost_per_saved_customer")  # of one arm: less a reference, that it is itself
        figures = [(kpi, month) for kpi in kpi_names(["mass"]) for month in (3, 12) if kpi.split("[")[0] not in alone]
        bank = Bank(("nothing",), kpi_names(["mass"]), 13, {})
        refused = {one for one in figures if no_figure(*one, bank)}
        few = {"set": SMALL | {"months": 13, "population.customers": 500}, "agents": 500, "seeds": 2, "points": 10}
        read = problem(
            tmp_path, targets=[{"kpi": "nps", "month": 3, **SURE}, {"kpi": "nps", "month": 12, **SURE}], **few
        )
        readings = tuple(Reading(Target(f"{kpi} {m}", 1.0, 1.0), kpi, "nothing", None, m) for kpi, m in figures)
        lives = Lives(replace(read, read=replace(read.read, readings=readings)), tmp_path, HERE, Callback())
        with pytest.raises(sim.RunFailed):
            lives(np.full((1, 2), 0.5), 0)
        tasks = read_sweep(tmp_path / "lives" / "wave-1").tasks
        assert refused == {(kpi, m) for kpi, m in figures if not np.isfinite(tasks[f"{kpi}@{m}"]).all()}

    @pytest.mark.slow
    def test_a_difference_between_arms_is_paired_by_seed(self, tmp_path: Path) -> None:
        arms = {"nothing": [], "thinking": [{"use": "digital_thinking"}]}
        told = [{"kpi": "nps", "arm": "thinking", "against": "nothing", "value": 1.0, "error": 1.0}]
        given = asked(told, points=10, fits=0, set=SMALL | {"arms": arms}) | {"seeds": 2}
        made = sim.calibrate(given, out=tmp_path / "out", progress=False)
        from sim.store.sweep_reading import read_sweep

        tasks = read_sweep(tmp_path / "out" / "lives" / "wave-1").tasks
        one = bank_problem(*_given(tmp_path, given)).read.readings[0]
        sides = tasks.set_index(["arm", "point", "seed"])["nps"]
        assert one.of(tasks)[(3, 2)] == sides[("thinking", 3, 2)] - sides[("nothing", 3, 2)]
        assert made.fit["target"].to_list() == ["nps of thinking less nothing"]


def _given(folder: Path, told: dict[str, Any]) -> Any:
    from sim.yaml_source import dump

    file = folder / "given.yaml"
    file.write_text(dump(told), "utf-8")
    return read_calibration(file)


def problem(folder: Path, **more: Any) -> Any:
    return bank_problem(*_given(folder, asked([]) | more))


SURE = {"value": 1.0, "error": 1.0}
WRONG = {
    "kpi": ({"targets": [{"kpi": "npv5", "value": 1.0, "error": 1.0}]}, "targets[0].kpi", "no such key figure"),
    "arm": ({"targets": [{"kpi": "nps", "arm": "x", "value": 1.0, "error": 1.0}]}, "targets[0].arm", "unknown arm"),
    "month": (
        {"targets": [{"kpi": "nps", "month": 9, "value": 1.0, "error": 1.0}]},
        "targets[0].month",
        "last month, 6",
    ),
    "error": ({"targets": [{"kpi": "nps", "value": 1.0, "error": 0}]}, "targets[0].error", "above 0"),
    "twice": ({"targets": [{"kpi": "nps", "value": 1.0, "error": 1.0}] * 2}, "targets[1]", "once"),
    "same arm": (
        {"targets": [{"kpi": "nps", "value": 1.0, "error": 1.0}, {"kpi": "nps", "arm": "nothing", **SURE}]},
        "targets[1]",
        "nps of nothing is a target already, as nps; once",
    ),
    "same month": (
        {"targets": [{"kpi": "nps", "value": 1.0, "error": 1.0}, {"kpi": "nps", "month": 6, **SURE}]},
        "targets[1]",
        "nps to month 6 is a target already, as nps; once",
    ),
    "the other way": (
        {
            "set": SMALL | {"arms": {"nothing": [], "thinking": [{"use": "digital_thinking"}]}},
            "targets": [
                {"kpi": "nps", "arm": "thinking", "against": "nothing", **SURE},
                {"kpi": "nps", "against": "thinking", **SURE},
            ],
        },
        "targets[1]",
        "nps less thinking is a target already, as nps of thinking less nothing; once",
    ),
    "earlier": (
        {"targets": [{"kpi": "retention", "month": 3, **SURE}]},
        "targets[0].month",
        "retention to month 3: retention is known at the last month of the scenario, 6; that, or set: {months: 3}",
    ),
    "years": ({"targets": [{"kpi": "clv", **SURE}]}, "targets[0].kpi", "clv: clv is of 12 months or more"),
    "file": ({"targets": {"file": "none.csv"}}, "targets.file", "No such file"),
    "path": ({"parameters": {"managers.turnovr": None}}, "managers.turnovr", "did you mean managers.turnover"),
    "range": ({"parameters": {RETURNS: {"low": 0.5, "high": 0.1}}}, "high", "not above low"),
    "outside": ({"parameters": {RETURNS: {"low": 0.5, "high": 7.0}}}, "high", "7"),
    "choice": ({"parameters": {"population.source": {"values": ["book", "synthetic"]}}}, "population.source", ""),
    "points": (
        {"points": 10, "parameters": {RETURNS: None, CLOSE: None, GAIN: None}},
        "points",
        "too few for 3 numbers",
    ),
    "seeds": ({"seeds": 1}, "seeds", "2"),
    "scenario": ({"scenario": "quik"}, "quik", "did you mean"),
    "set": ({"set": {"months": 0}}, "months", "0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_bank_is_told_with_its_place(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sim.yaml_source import dump

    more, where, what = WRONG[case]
    told = asked([{"kpi": "nps", "value": 1.0, "error": 1.0}]) | more
    file, out = tmp_path / "wrong.yaml", tmp_path / "out"
    file.write_text(dump(told), "utf-8")
    assert main(["calibrate", str(file), "--out", str(out), "--quiet", "--workers", "1"]) == 2
    said = capsys.readouterr().err
    assert where in said
    assert what in said
    assert len(said.strip().splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("kpi,value,error\nnps,ten,1\n", 2, "'ten' is no number"),
        ("kpi,value,error\nnps,1,0\n", 2, "above 0"),
        ("kpi,value\nnps,1\n", 1, "no such column"),
        ("kpi,value,error,armm\nnps,1,1,x\n", 1, "did you mean arm"),
        ("kpi,value,error\nnps,1,1\nnps,2,1\n", 3, "once"),
        ("kpi,arm,month,value,error\nnps,,,1,1\nnps,nothing,6,2,1\n", 3, "a target already, as nps; once"),
        ("kpi,month,value,error\nretention,3,1,1\n", 2, "retention is known at the last month"),
        ("kpi,value,error,used\nnps,1,1,maybe\n", 2, "yes or no"),
    ],
)
def test_a_wrong_table_of_targets_is_told_with_its_line(text: str, line: int, what: str, tmp_path: Path) -> None:
    (tmp_path / "targets.csv").write_text(text)
    with pytest.raises(sim.BadInput) as bad:
        problem(tmp_path, targets={"file": "targets.csv"})
    assert f"targets.csv:{line}:1" in str(bad.value)
    assert what in str(bad.value)


def test_what_the_command_line_says_as_json_is_plain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = "name: toy\nstudy: tests.calibration_toys:PRODUCT\nsamples: 500\ndraws: 200\nfits: 0\n"
    (tmp_path / "toy.yaml").write_text(told)
    assert main(["calibrate", str(tmp_path / "toy.yaml"), "--out", str(tmp_path / "o"), "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"][0]["path"] == "economics.a"
    assert found["checks"][0]["check"] == "misfit"
