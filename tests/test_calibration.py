"""Numbers of the model from data: the posterior's file, inference on problems of known answers, and its checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.calibration import checks
from sim.calibration.asked import HeldOut, stages_of
from sim.calibration.checks import band, fit_checks, identifiability, inside_band, rank_checks, sbc, wilson
from sim.calibration.exact import exact, exact_checks
from sim.calibration.file import read_calibration
from sim.calibration.inference import fit
from sim.calibration.likelihood import tail_of
from sim.calibration.posterior import Made, Marginal, Posterior, read_posterior, write_posterior
from sim.calibration.prior import generator
from sim.calibration.problem import Free, Target
from sim.calibration.stored import changed_files, read_calibrated
from sim.calibration.terms import Inference, Stage
from sim.cli import main
from sim.errors import BadInput
from sim.reporting.figures.calibration import marginals
from sim.store.calibration_columns import CALIBRATED
from tests.calibration_toys import NOISE, TRUTH, Bent, Linear, Product, normals

ROOT = Path(__file__).parents[1]
SMALL = Inference(samples=1_000)


def posterior() -> Posterior:
    paths = ("managers.turnover", "population.laws[0]")
    one = Marginal(unit="1/year", prior=(0.0, 1.0), mean=0.275, sd=0.035355, interval=(0.2525, 0.2975), informed=0.9)
    two = Marginal(unit="1/year", prior=(0.0, 6.0), mean=1.5, sd=2.12132, interval=(0.15, 2.85), informed=0.0)
    return Posterior(
        name="departures",
        parameters=dict(zip(paths, (one, two), strict=True)),
        point=dict.fromkeys(paths, 0.275),
        draws=[[0.25, 1e-7], [0.1 + 0.2, 3.0]],
        made=Made(calibration="departures", digest="a" * 64, method="regression", checks={"sbc": True, "p": 0.5}),
    )


class TestThePosteriorsFile:
    def test_it_reads_back_to_the_last_bit_and_is_the_same_bytes_twice(self, tmp_path: Path) -> None:
        first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
        write_posterior(first, posterior())
        write_posterior(second, read_posterior(first))
        assert read_posterior(first) == posterior()
        assert first.read_bytes() == second.read_bytes()
        assert first.read_text().endswith("draws:\n  - [0.25, 1.0e-07]\n  - [0.30000000000000004, 3.0]\n")

    @pytest.mark.parametrize(
        ("old", "new", "where", "what"),
        [
            ("informed: 0.9", "informed: 1.9", ":11:15", "a number from 0 to 1"),
            ("[0.25, 1.0e-07]", "[0.25]", "draws[0]", "2, as parameters has"),
            ("name: departures", "nam: departures", ":3:1", "did you mean name"),
            ("point: {managers.turnover", "point: {managers.turn", "point", "in both"),
            (
                "[0.25, 1.0e-07]",
                "[1.25, 1.0e-07]",
                ":29:5  draws[0]",
                "1.25 of managers.turnover lies outside its prior",
            ),
            (
                "point: {managers.turnover: 0.275",
                "point: {managers.turnover: 0.4",
                "point",
                "0.4 lies outside the draws",
            ),
            ("mean: 0.275", "mean: 0.28", ":8:11", "but the draws come to 0.275"),
            ("sd: 0.035355", "sd: 0", ":9:9", "but the draws come to 0.0353553"),
            ("[0.2525, 0.2975]", "[0.2525, 0.29]", ":10:15", "0.2525 to 0.2975"),
        ],
    )
    def test_a_mistake_has_its_address(self, tmp_path: Path, old: str, new: str, where: str, what: str) -> None:
        file = tmp_path / "posterior.yaml"
        write_posterior(file, posterior())
        file.write_text(file.read_text().replace(old, new, 1))
        with pytest.raises(BadInput) as bad:
            read_posterior(file)
        assert where in str(bad.value)
        assert what in str(bad.value)


class TestTheRegressionsPosterior:
    @pytest.mark.parametrize("method", ["regression", "synthetic"])
    @pytest.mark.parametrize("wide", [3.0, 30.0], ids=["near", "far"])
    def test_it_is_the_conjugate_one_where_noise_is_normal(self, wide: float, method: Any) -> None:
        """Under an even prior: normal, mean by least squares, covariance of its normal equations."""
        problem = Linear(wide=wide)
        means, spreads = [], []
        inside = np.linalg.inv(problem.slopes.T @ problem.slopes / NOISE**2)
        for seed in range(8):
            found = fit(problem, Inference(method=method, samples=2_000, seed=seed))
            means.append(found.draws.mean(axis=0))
            spreads.append(np.cov(found.draws, rowvar=False))
        sd = np.sqrt(np.diag(inside))
        off = (np.mean(means, axis=0) - TRUTH) / sd
        luck = np.std(means, axis=0, ddof=1) / sd / np.sqrt(8)
        assert (np.abs(off) < 4 * luck + 0.02).all()
        assert np.mean(spreads, axis=0) / np.outer(sd, sd) == pytest.approx(inside / np.outer(sd, sd), abs=0.08)

    def test_at_the_edge_of_the_prior_it_is_cut_off_as_the_exact_one(self) -> None:
        problem = Linear(rows=((1.0,),), seen=[2.95])
        found = fit(problem, Inference(samples=4_000))
        known = exact(found, Inference())
        assert known is not None
        mean, sd = float(known.unit.mean()), float(known.unit.std())
        assert found.draws.max() <= 3.0
        assert found.unit.mean() == pytest.approx(mean, abs=0.3 * sd)
        assert found.unit.std() == pytest.approx(sd, rel=0.25)

    def test_the_exact_posterior_is_held_against_it(self) -> None:
        found = fit(Linear(), SMALL)
        assert [row["passed"] for row in exact_checks(found, SMALL)] == [True, True]
        off = replace(found, draws=found.draws + 0.1)
        assert not any(row["passed"] for row in exact_checks(off, SMALL))

    def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(self) -> None:
        first, again, other = (fit(Linear(), replace(SMALL, seed=seed)).draws for seed in (1, 1, 2))
        assert first.tobytes() == again.tobytes() != other.tobytes()


LIKELY = Inference(method="likelihood")


class TestTheLikelihoodsPosterior:
    @pytest.mark.parametrize("wide", [3.0, 300.0], ids=["near", "far"])
    def test_it_is_the_conjugate_one(self, wide: float) -> None:
        problem = Linear(wide=wide)
        inside = np.linalg.inv(problem.slopes.T @ problem.slopes / NOISE**2)
        found = fit(problem, LIKELY)
        sd = np.sqrt(np.diag(inside))
        assert np.abs((found.draws.mean(axis=0) - TRUTH) / sd).max() < 4 / np.sqrt(min(found.ess, len(found.draws)))
        assert np.cov(found.draws, rowvar=False) / np.outer(sd, sd) == pytest.approx(
            inside / np.outer(sd, sd), abs=0.12
        )
        assert found.ess > 1_000
        assert found.facts["pareto_k"] < 0.7

    def test_a_bent_ridge_is_followed_to_its_ends(self) -> None:
        """Of two numbers only the product is known: along the hyperbola the prior of each alone is even in logs."""
        found = fit(Bent(), LIKELY)
        logs = np.log(found.draws)
        assert logs.sum(axis=1).std() == pytest.approx(0.05, rel=0.15)
        gap = logs[:, 0] - logs[:, 1]
        reach = 2 * np.log(10.0) - np.log(2.0)  # of the difference, to each side: even between
        assert gap.std() == pytest.approx(reach / np.sqrt(3), rel=0.1)
        assert found.ess > 1_000

    def test_another_method_that_never_asks_the_likelihood_agrees_and_a_wrong_likelihood_is_found(self) -> None:
        for believed, passed in ((NOISE, True), (NOISE / 2, False), (NOISE * 2, False)):
            rows = list(exact_checks(fit(Linear(believed=believed), LIKELY), LIKELY))
            assert {row["check"] for row in rows} == {"independent"}
            assert [row["passed"] for row in rows] == [passed, passed], believed

    def test_ranks_of_known_answers_are_those_in_the_exact_posterior(self) -> None:
        """The conjugate one, cut off where the prior ends."""
        problem = Linear()
        told = sbc(problem, LIKELY, 12).pivot(index="trial", columns="parameter", values="rank").to_numpy()
        inside = np.linalg.inv(problem.slopes.T @ problem.slopes / NOISE**2)
        around = np.random.default_rng(0).normal(size=(20_000, 2)) @ np.linalg.cholesky(inside).T
        for number, ranks in enumerate(told):
            truth, seen = checks.made_up(problem, LIKELY, number)
            draws = inside @ problem.slopes.T @ seen / NOISE**2 + around
            draws = draws[(np.abs(draws) <= problem.wide).all(axis=1)]
            assert ranks == pytest.approx((draws < truth).mean(axis=0), abs=0.05)

    @pytest.mark.long
    @pytest.mark.slow
    def test_ranks_tell_of_a_likelihood_that_is_not_of_the_data(self) -> None:
        ranks = sbc(Linear(believed=NOISE / 2), LIKELY, 40)
        assert not all(row["passed"] for row in rank_checks(ranks))

    def test_weights_of_which_a_few_decide_are_told(self) -> None:
        rng = np.random.default_rng(1)
        for shape in (0.2, 0.5, 1.2):
            told = tail_of(shape * rng.exponential(size=20_000))  # log of a Pareto law of that shape
            assert told == pytest.approx(shape, abs=0.15)
        few = replace(fit(Linear(), LIKELY), ess=12.0, facts={"pareto_k": 1.1})
        rows = [row for row in fit_checks(few, pd.DataFrame({"trial": [], "misfit": []})) if row["check"] == "sample"]
        assert [(row["of"], row["passed"]) for row in rows] == [("draws", False), ("weights", False)]


class TestWhatTheDataInform:
    def test_of_a_product_only_the_product_is_known_and_that_is_said(self) -> None:
        table = identifiability(fit(Product(), Inference(samples=4_000)))
        alone, pair = table[table["with"] == ""], table[table["with"] != ""]
        assert (alone["informed"] < 0.5).all()
        assert list(pair["verdict"]) == ["their product is known better than either"]
        assert float(pair["informed"].iloc[0]) > 0.9
        assert float(pair["correlation"].iloc[0]) < -0.9

    def test_a_number_that_decides_nothing_keeps_its_prior(self) -> None:
        table = identifiability(fit(Linear(rows=((1.0, 0.0), (2.0, 0.0))), SMALL))
        assert list(table["verdict"]) == ["informed", "not informed"]
        assert float(table["informed"].iloc[1]) < 0.05


class TestMisspecification:
    @pytest.mark.long
    def test_data_that_no_number_makes_are_flagged(self) -> None:
        good, bad = Linear(), Linear(seen=[0.5, -0.5, 2.0])
        known = sbc(good, SMALL, 40)
        verdicts = [
            {row["check"]: row["passed"] for row in fit_checks(fit(one, SMALL), known)}["misfit"] for one in (good, bad)
        ]
        assert verdicts == [True, False]

    def test_the_synthetic_likelihood_stays_right_where_the_model_is_wrong(self) -> None:
        """Data far from what any number makes: draws stay those of the exact posterior, and the misfit is told."""
        found = fit(Linear(seen=[0.5, -0.5, 2.0]), Inference(method="synthetic"))
        assert [row["passed"] for row in exact_checks(found, SMALL)] == [True, True]
        assert not next(fit_checks(found, sbc(Linear(), SMALL, 20)))["passed"]

    def test_a_target_that_was_not_used_is_predicted_or_not(self) -> None:
        seen = Linear().observed
        for value, passed in ((seen[2], True), (seen[2] + 2.0, False)):
            problem = HeldOut(Linear(seen=(*seen[:2], value)), ("t2",))
            found = fit(problem, SMALL)
            rows = [row for row in fit_checks(found, pd.DataFrame({"trial": [], "misfit": []})) if row["of"] == "t2"]
            assert [(row["check"], row["passed"]) for row in rows] == [("predictive", passed)]
            assert found.draws[:, 0].mean() == pytest.approx(TRUTH[0], abs=0.15)

    def test_what_was_not_used_is_foretold_by_the_noise_that_it_shares(self) -> None:
        """Two looks at one number whose noise goes together by 0.9: they differ by a fifth of their variance."""
        for off, passed in ((0.3, True), (2.0, False)):
            problem = HeldOut(Alike(off), ("again",))
            found = fit(problem, Inference(samples=4_000))
            row = checks.fit_table(found).iloc[1]
            assert (row["high"] - row["low"]) / (2 * 1.645) == pytest.approx(NOISE * np.sqrt(0.2), rel=0.1)
            rows = fit_checks(found, pd.DataFrame({"trial": [], "misfit": []}))
            assert [row["passed"] for row in rows if row["check"] == "predictive"] == [passed]


@dataclass(frozen=True)
class Alike:
    """One number seen twice, the second time `off` standard errors higher, with noise that goes together by 0.9."""

    off: float
    name: str = "alike"
    free = (Free("economics.p", -3.0, 3.0, 0.0),)

    @property
    def targets(self) -> list[Target]:
        return [Target("once", 0.5, NOISE), Target("again", 0.5 + self.off * NOISE, NOISE)]

    @property
    def covariance(self) -> Any:
        return NOISE**2 * np.array([[1.0, 0.9], [0.9, 1.0]])

    def simulate(self, theta: Any, luck: Any) -> Any:
        return theta + normals(luck, 2) @ np.linalg.cholesky(self.covariance).T


@dataclass(frozen=True)
class TooSure:
    """A method that believes in a quarter of the noise."""

    whole: Linear

    def answers(self, settings: Inference, fits: int) -> pd.DataFrame:
        told = []
        for number in range(fits):
            truth, seen = checks.made_up(self.whole, settings, number)
            found = fit(replace(self.whole, noise=NOISE / 2), settings, seen, trial=number + 1)
            told.append(checks.answer(found, truth, number, settings))
        return checks.table(told, [one.path for one in self.whole.free])


class TestKnownAnswersOfACalibration:
    def test_they_are_its_own_whatever_the_seed(self) -> None:
        """Two calibrations of one seed have other known answers, and each the same again."""
        one, other = replace(SMALL, asked="a" * 64), replace(SMALL, asked="b" * 64)
        made = [checks.made_up(Linear(), settings, 3) for settings in (one, other, one)]
        for i in (0, 1):
            assert (made[0][i] == made[2][i]).all()
            assert (made[0][i] != made[1][i]).all()
        noise = [generator(replace(SMALL, asked=f"{i}").known, "noise", 0).normal() for i in range(400)]
        assert abs(np.mean(noise)) < 0.15
        assert np.std(noise) == pytest.approx(1.0, abs=0.12)

    def test_one_of_them_is_enough_for_a_page(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        begin = ["calibrate", str(calibration(tmp_path, TOY)), "--quiet", "--out", str(tmp_path / "out")]
        assert main([*begin, "--fits", "1"]) == 0
        assert capsys.readouterr().err == ""

    def test_more_of_them_are_added_to_what_is_there(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        begin = ["calibrate", str(calibration(tmp_path, TOY)), "--quiet", "--out", str(out)]
        assert main([*begin, "--fits", "3"]) == 0
        first = read_calibrated(out)
        assert main([*begin, "--fits", "6", "--resume"]) == 0
        more = read_calibrated(out)
        assert more.sbc["trial"].nunique() == 6
        assert more.sbc[more.sbc["trial"] < 3]["rank"].tolist() == first.sbc["rank"].tolist()


class TestRanks:
    @pytest.mark.long
    @pytest.mark.slow
    def test_those_of_a_right_method_stay_in_their_band(self) -> None:
        ranks = sbc(Linear(), SMALL, 100)
        assert ranks["trial"].nunique() == 100
        assert all(row["passed"] for row in rank_checks(ranks))

    @pytest.mark.long
    @pytest.mark.slow
    def test_those_of_one_that_is_too_sure_leave_it_and_its_intervals_do_not_hold(self) -> None:
        found = {row["check"]: row["passed"] for row in rank_checks(TooSure(Linear()).answers(SMALL, 100))}
        assert found == {"ranks": False, "coverage": False}

    def test_the_band_holds_even_ranks_as_often_as_it_says(self) -> None:
        within = band(100, 0.05)
        rng = np.random.default_rng(5)
        held = sum(inside_band(rng.random(100), within) for _ in range(2_000))
        assert wilson(held, 2_000)[0] <= 0.96
        assert wilson(held, 2_000)[1] >= 0.94

    def test_wilsons_interval_is_the_published_one(self) -> None:
        low, high = wilson(90, 100)
        assert (low, high) == pytest.approx((0.8256, 0.9448), abs=1e-4)


class TestStages:
    def test_stages_of_numbers_that_do_not_meet_give_what_all_at_once_gives(self) -> None:
        problem = Linear(rows=((1.0, 0.0), (0.0, 1.0)), seen=(0.5, -0.4))
        stages = [Stage("first", (0,), (0,)), Stage("second", (1,), (1,))]
        staged, joint = fit(problem, SMALL, stages=stages), fit(problem, SMALL)
        assert staged.draws.mean(axis=0) == pytest.approx(joint.draws.mean(axis=0), abs=0.02)
        assert staged.draws.std(axis=0) == pytest.approx(joint.draws.std(axis=0), rel=0.12)

    def test_a_later_stage_begins_with_what_the_earlier_one_left(self) -> None:
        """Two looks at one number, each with the same noise: the second halves the variance."""
        problem = Linear(rows=((1.0, 0.0), (1.0, 1.0)), seen=(0.5, 0.5))
        once = fit(problem, SMALL, stages=[Stage("first", (0,), (0,))])
        both = fit(
            Linear(rows=((1.0,), (1.0,)), seen=(0.5, 0.5)),
            SMALL,
            stages=[Stage("a", (0,), (0,)), Stage("b", (0,), (1,))],
        )
        assert once.draws[:, 0].std() == pytest.approx(NOISE, rel=0.1)
        assert both.draws[:, 0].std() == pytest.approx(NOISE / np.sqrt(2), rel=0.15)
        assert once.draws[:, 1].std() > 1.5  # of no stage: its prior

    def test_what_a_later_stage_has_yet_to_find_is_not_known_to_an_earlier_one(self) -> None:
        """Of a sum alone a part is known as badly as the other part is, whatever the scenario says of that."""
        problem = Linear(rows=((1.0, 1.0), (0.0, 1.0)), seen=(0.1, 0.7))
        for stages in ([Stage("first", (0,), (0,))], [Stage("first", (0,), (0,)), Stage("second", (1,), (1,))]):
            found = fit(problem, SMALL, stages=stages)
            assert found.draws[:, 0].std() == pytest.approx(5.9 / np.sqrt(12), rel=0.1)  # even from -2.9 to 3
        assert found.draws[:, 1].mean() == pytest.approx(0.7, abs=0.05)
        assert found.draws[:, 1].std() == pytest.approx(NOISE, rel=0.15)

    @pytest.mark.parametrize(
        ("first", "second", "what"),
        [
            ("[t0]", "[t1, t0]", "stages[1].targets[1]: t0 is a target of an earlier stage too"),
            ("[t0, t0]", "[t1]", "stages[0].targets[1]: t0 is there twice"),
        ],
    )
    def test_a_target_counts_once(self, first: str, second: str, what: str, tmp_path: Path) -> None:
        stages = (
            f"stages:\n  - {{parameters: [economics.p0], targets: {first}}}\n"
            f"  - {{parameters: [economics.p1], targets: {second}}}\n"
        )
        asked, source = read_calibration(calibration(tmp_path, TOY + stages))
        with pytest.raises(BadInput) as bad:
            stages_of(asked, Linear(), source)
        assert what in str(bad.value)


class TestOtherMethods:
    def test_the_point_of_least_distance_is_least_squares_and_its_spread_the_normal_one(self) -> None:
        found = fit(Linear(), Inference(method="point", samples=4_000))
        sd = np.sqrt(np.diag(np.linalg.inv(Linear().slopes.T @ Linear().slopes / NOISE**2)))
        assert found.point == pytest.approx(TRUTH, abs=0.5 * sd.max())
        assert found.draws.std(axis=0) == pytest.approx(sd, rel=0.12)

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_a_point_says_nothing_of_a_number_that_decides_nothing(self, seed: int) -> None:
        found = fit(Linear(rows=((1.0, 0.0),), seen=(0.4,)), Inference(method="point", samples=1_000, seed=seed))
        assert list(identifiability(found)["verdict"]) == ["informed", "not informed"]
        assert found.unit[:, 1].mean() == pytest.approx(0.5, abs=0.05)
        assert found.draws[:, 0].std() == pytest.approx(NOISE, rel=0.15)

    def test_a_points_draws_at_the_priors_end_are_cut_off_there(self) -> None:
        found = fit(Linear(rows=((1.0,),), seen=(3.0,)), Inference(method="point", samples=1_000))
        assert found.draws.max() <= 3.0
        assert 3.0 - found.draws.mean() == pytest.approx(NOISE * np.sqrt(2 / np.pi), rel=0.15)  # of half a normal law

    def test_history_matching_leaves_a_range_that_holds_the_truth(self) -> None:
        found = fit(Linear(), Inference(method="history_matching", samples=100, waves=2))
        shares = [one["share"] for one in found.waves]
        assert 0 < shares[1] <= shares[0] < 0.2
        assert (found.draws.min(axis=0) < TRUTH).all()
        assert (found.draws.max(axis=0) > TRUTH).all()

    def test_history_matching_says_where_nothing_is_left(self) -> None:
        found = fit(Linear(seen=[0.5, -0.5, 20.0]), Inference(method="history_matching", samples=100))
        assert found.facts["ruled_out"]
        assert found.waves[-1]["share"] == 0

    @pytest.mark.long
    @pytest.mark.slow
    def test_sequential_monte_carlo_agrees_and_says_nothing(self, capfd: pytest.CaptureFixture[str]) -> None:
        found = fit(Linear(), Inference(method="smc", samples=500))
        assert found.draws.mean(axis=0) == pytest.approx(TRUTH, abs=0.15)
        assert "".join(capfd.readouterr()) == ""


def test_draws_that_are_all_the_same_have_a_figure_without_a_warning(tmp_path: Path) -> None:
    """A posterior at the end of its prior."""
    out = tmp_path / "out"
    assert main(["calibrate", str(calibration(tmp_path, TOY)), "--quiet", "--fits", "0", "--out", str(out)]) == 0
    found = read_calibrated(out)
    end = found.draws.assign(**{name: found.record["parameters"][0]["high"] for name in found.draws.columns[:1]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        marginals(replace(found, draws=end))


def calibration(folder: Path, text: str, name: str = "toy.yaml") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


TOY = "name: toy\nstudy: tests.calibration_toys:GAUSS\nsamples: 500\nfits: 20\ndraws: 300\n"


class TestTheVerb:
    def test_it_writes_its_folder_and_says_what_was_found(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert main(["calibrate", str(calibration(tmp_path, TOY)), "--out", str(out), "--quiet"]) == 0
        told = capsys.readouterr()
        assert told.err == ""
        assert "default inside?" in told.out
        assert "passed  Known answers are found" in told.out
        found = read_calibrated(out)
        assert changed_files(out) == {}
        assert (len(found.draws), found.record["of"], found.sbc["trial"].nunique()) == (300, len(found.checks), 20)
        stored = read_posterior(out / "posterior.yaml")
        assert list(stored.parameters) == list(found.draws.columns) == ["economics.p0", "economics.p1"]
        assert np.array(stored.draws) == pytest.approx(found.draws.to_numpy())
        assert stored.made.digest == found.record["digest"]
        for name in ("fit", "identifiability", "sbc", "checks"):
            assert list(getattr(found, name).columns) == list(CALIBRATED[name].names), name
        page = (out / "report.html").read_text("utf-8")
        for text in ("Known answers are found", "made up", "economics.p1", "assumption", "Prior against posterior"):
            assert text in page
        assert {file.name for file in (out / "figures").glob("*.png")} == {
            "marginals.png",
            "pairs.png",
            "targets.png",
            "ranks.png",
        }

    def test_a_changed_file_is_seen(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        assert main(["calibrate", str(calibration(tmp_path, TOY)), "--out", str(out), "--quiet", "--fits", "0"]) == 0
        (out / "fit.csv").write_text("x\n")
        assert changed_files(out) == {"fit.csv": "changed"}

    def test_other_verbs_know_its_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "out"
        assert main(["calibrate", str(calibration(tmp_path, TOY)), "--out", str(out), "--quiet", "--fits", "0"]) == 0
        told = capsys.readouterr().out
        assert "not checked  Known answers are found" in told
        assert "FAILED  Known answers" not in told
        assert "Not checked." in (out / "report.html").read_text("utf-8")
        (out / "report.html").unlink()
        assert main(["report", str(out)]) == 0
        assert capsys.readouterr().out == told
        assert (out / "report.html").is_file()
        assert main(["status", str(out)]) == 0
        assert "calibration toy: done, " in capsys.readouterr().out
        assert main(["verify", str(out)]) == 0
        assert "6 files of calibration toy are as they were written" in capsys.readouterr().out
        (out / "fit.csv").write_text("x\n")
        assert main(["verify", str(out)]) == 1
        assert capsys.readouterr().out == "fit.csv is not what was written\nDIFFERENT\n"

    @pytest.mark.long
    @pytest.mark.slow
    def test_workers_and_a_death_change_no_bit(self, tmp_path: Path) -> None:
        file = calibration(tmp_path, TOY)
        outs = [tmp_path / name for name in ("alone", "two", "killed")]
        run = [sys.executable, str(ROOT / "run.py"), "calibrate", str(file), "--json", "--quiet", "--out"]
        digests = []
        for out, more in zip(outs[:2], ([], ["--workers", "2"]), strict=True):
            told = subprocess.run([*run, str(out), *more], capture_output=True, cwd=ROOT, check=True)
            assert told.stderr == b""
            digests.append(json.loads(told.stdout)["result_digest"])
        died = subprocess.run([*run, str(outs[2])], capture_output=True, cwd=ROOT, env={**os.environ, "DIE_AT": "60"})
        assert died.returncode == -9
        assert len(list((outs[2] / "parts").glob("known-*.json"))) == 1
        told = subprocess.run([*run, str(outs[2]), "--resume"], capture_output=True, cwd=ROOT, check=True)
        digests.append(json.loads(told.stdout)["result_digest"])
        assert len(set(digests)) == 1
        assert not (outs[2] / "parts").exists()

    def test_a_folder_of_another_question_is_refused(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "out"
        file = str(calibration(tmp_path, TOY))
        other = str(calibration(tmp_path, TOY + "seed: 3\n", "other.yaml"))
        begin = ["calibrate", file, "--fits", "0", "--quiet", "--out", str(out)]
        assert main(begin) == 0
        capsys.readouterr()
        for more, what in (
            ([file], "--overwrite to replace it"),
            ([other, "--resume"], "the file, its data or the code differ"),
            ([file, "--resume", "--overwrite"], "exclude each other"),
        ):
            assert main(["calibrate", *more, "--fits", "0", "--quiet", "--out", str(out)]) == 2
            told = capsys.readouterr().err
            assert what in told
            assert len(told.strip().splitlines()) == 1
        (out / "mine.txt").write_text("x")
        assert main([*begin, "--overwrite"]) == 2
        assert "mine.txt" in capsys.readouterr().err


WRONG = {
    "neither": ("name: a\n", ":1:1", "a study, or a scenario"),
    "both": ("name: a\nstudy: tests.calibration_toys:GAUSS\nscenario: quick\n", ":3:11", "one of the two"),
    "typo": (TOY.replace("samples", "sample"), ":3:1", "did you mean samples"),
    "method": (TOY + "method: mcmc\n", ":6:9", "regression"),
    "likelihood": (
        TOY.replace("GAUSS", "PRODUCT") + "method: likelihood\n",
        ":6:9",
        "product knows no likelihood (log_likelihood of its problem); regression or synthetic",
    ),
    "held": (TOY + "method: likelihood\nhold_out: [t0]\n", ":6:9", "none of them can be held out"),
    "staged": (
        TOY + "method: likelihood\nstages:\n  - {parameters: [economics.p0], targets: [t0]}\n",
        ":6:9",
        "no stages",
    ),
    "study": (TOY.replace(":GAUSS", ":GAUS"), ":2:8", "cannot be had"),
    "hold_out": (TOY + "hold_out: [t9]\n", ":6:12", "no such target"),
    "all held": (TOY + "hold_out: [t0, t1, t2]\n", "hold_out", "leave one to fit by"),
    "stage": (TOY + "stages:\n  - {parameters: [economics.p9], targets: [t0]}\n", ":7:19", "no such parameter"),
    "waves": (TOY + "waves: 3\n", ":6:8", "history_matching"),
    "name": (TOY.replace("name: toy", "name: a/b"), ":1:7", "name"),
    "list": (TOY + "parameters: {a.b: null}\n", "parameters", "given beside study"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_told_in_one_line_with_its_place(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, where, what = WRONG[case]
    out = tmp_path / "out"
    assert main(["calibrate", str(calibration(tmp_path, text)), "--out", str(out), "--quiet"]) == 2
    told = capsys.readouterr().err
    assert where in told
    assert what in told
    assert len(told.strip().splitlines()) == 1
    assert not out.exists()


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "nowhere.yaml"]) == 2
    assert "no such file or calibration" in capsys.readouterr().err
    assert main(["calibrate", str(ROOT / "docs")]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_a_missing_library_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for missing, method, extra in (("sklearn.linear_model", "regression", "analysis"), ("pyabc", "smc", "smc")):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, missing, None)
            with pytest.raises(BadInput, match=rf"is not installed; pip install 'rapport-sim\[{extra}\]'"):
                fit(Linear(), replace(SMALL, method=method))
