"""Simulated answers against real ones: like where they are one population, named where they are not."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_folders
from browser import CHROMIUM, look
from scipy import stats

from sim.cli import main
from sim.reporting.likeness import as_json, terminal_table, write
from sim.survey.instrument import Instrument
from sim.survey.instrument.writing import to_yaml
from sim.survey.likeness import ACCEPTABLE, GOOD, UNLIKE, alpha, compare
from sim.survey.sheets import WEIGHT, Sheets

ROOT = Path(__file__).parent.parent
CSI = Path(os.environ.get("SIM_DATA_DIR", ROOT.parent / "shared" / "data")) / "bank_csi" / "answers.csv.gz"
LOADINGS = np.array([0.8, 0.7, 0.6, 0.75])
CUTS = np.array([-1.5, -0.5, 0.4, 1.2])
CODES = [f"{name}{number}" for name in ("a", "b") for number in range(1, 5)]


def instrument(codes: list[str] = CODES, last: int = 5, turned: tuple[str, ...] = ()) -> Instrument:
    return Instrument.model_validate(
        {
            "name": "two",
            "scales": {"points": {"from": 1, "to": last}, "eleven": {"from": 0, "to": 10}},
            "constructs": {name: {"label": name} for name in sorted({code[0] for code in codes} - {"n"})},
            "items": [
                {
                    "code": code,
                    "text": code,
                    "scale": "eleven" if code == "nps" else "points",
                    "construct": None if code == "nps" else code[0],
                    "reversed": code in turned,
                    "nps": code == "nps",
                }
                for code in codes
            ],
        }
    )


def answers(sheets: int, seed: int, *, weaker: float = 1.0) -> pd.DataFrame:
    """Two correlated constructs of four items on five points, and an NPS question; `weaker` scales the loadings."""
    rng = np.random.default_rng(seed)
    factors = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], sheets)
    load = weaker * LOADINGS
    noise = rng.standard_normal((sheets, 8))
    latent = np.repeat(factors, 4, axis=1) * np.tile(load, 2) + noise * np.sqrt(1 - np.tile(load, 2) ** 2)
    table = pd.DataFrame(1.0 + (latent[:, :, None] > CUTS).sum(axis=2), columns=CODES)
    table["nps"] = np.clip(np.rint(6.5 + 2.5 * factors[:, 0]), 0, 10)
    return table


def sheets(table: pd.DataFrame, **of: object) -> Sheets:
    return Sheets(instrument([*CODES, "nps"], **of), table)  # type: ignore[arg-type]


def test_the_same_answers_are_good_in_everything() -> None:
    one = sheets(answers(400, 1))
    found = compare(one, one)
    assert found.verdict == GOOD
    assert set(found.items["verdict"]) == set(found.constructs["verdict"]) == {GOOD}
    assert (found.items[["smd", "wasserstein", "chi_square"]].to_numpy() == 0.0).all()
    assert found.constructs["congruence"].to_numpy() == pytest.approx(1.0)
    assert found.whole["correlation_rmse"] == 0.0
    assert found.whole["nps_difference"] == 0.0


def test_figures_are_those_of_textbooks() -> None:
    real, simulated = answers(300, 1), answers(500, 2)
    simulated["a1"] = np.minimum(simulated["a1"] + (np.arange(500) % 3 == 0), 5)
    found = compare(sheets(simulated), sheets(real))
    row = found.items.set_index("item").loc["a1"]
    x, y = real["a1"], simulated["a1"]
    assert row["smd"] == pytest.approx((y.mean() - x.mean()) / np.sqrt((x.var() + y.var()) / 2))
    assert row["wasserstein"] == pytest.approx(stats.wasserstein_distance(x, y))
    counts = np.array([[(one == point).sum() for point in range(1, 6)] for one in (x, y)])
    test = stats.chi2_contingency(counts)
    assert (row["chi_square"], row["freedom"], row["p_value"]) == pytest.approx((test[0], test[2], test[1]))
    first = [code for code in CODES if code[0] == "a"]
    of_items = real[first].var().sum() / real[first].sum(axis=1).var()
    assert found.constructs.set_index("construct").loc["a", "real_alpha"] == pytest.approx(4 / 3 * (1 - of_items))
    gap = simulated[[*CODES, "nps"]].corr().to_numpy() - real[[*CODES, "nps"]].corr().to_numpy()
    above = gap[np.triu_indices(9, 1)]
    assert found.whole["correlation_rmse"] == pytest.approx(np.sqrt((above**2).mean()))
    score = 100 * ((simulated["nps"] >= 9).mean() - (simulated["nps"] <= 6).mean())
    assert found.whole["nps_simulated"] == pytest.approx(score)


def test_weaker_loadings_of_one_pattern_are_congruent() -> None:
    found = compare(sheets(answers(5000, 1, weaker=0.7)), sheets(answers(5000, 2)))
    assert (found.constructs["congruence"] > 0.99).all()  # weaker, but of one pattern


def test_a_shifted_item_is_named_and_no_other() -> None:
    table = answers(800, 1)
    table["b2"] = np.minimum(table["b2"] + 1, 5)
    found = compare(sheets(table), sheets(answers(800, 1)))
    assert found.unlike == ["b2"]
    assert found.verdict == UNLIKE
    row = found.items.set_index("item").loc["b2"]
    assert row["why"] == "mean"
    assert row["p_adjusted"] < 0.001
    assert "b2" in terminal_table(found).split("Of 9 items")[1].split("\n")[0]


def test_bounds_are_a_tenth_and_a_quarter_of_a_standard_deviation() -> None:
    rng = np.random.default_rng(1)
    base = pd.DataFrame({code: np.round(rng.normal(50, 10, 20_000)) for code in ("a1", "a2", "a3", "a4")})
    asked = instrument(list(base), last=100)
    moved = base.add([0, 0.9, 2.4, 2.6], axis=1)
    assert list(compare(Sheets(asked, moved), Sheets(asked, base)).items["verdict"]) == [GOOD, GOOD, ACCEPTABLE, UNLIKE]


def test_answers_that_hang_together_less_are_told_by_correlations_and_alpha_not_by_means() -> None:
    found = compare(sheets(answers(4000, 1, weaker=0.6)), sheets(answers(4000, 2)))
    assert (found.items["smd"].abs() < 0.1).all()
    assert found.whole["words"]["correlations"] == UNLIKE
    assert set(found.constructs["why"].str.split(", ").explode()) == {"alpha"}
    assert set(found.unlike) >= {"a1", "b1"}  # the strongest lose most
    assert set(found.items.set_index("item").loc[found.unlike, "why"]) == {"correlations"}


def test_an_item_that_hangs_together_with_nothing_does_not_take_its_neighbours_along() -> None:
    table = answers(2000, 1)
    table["a3"] = np.random.default_rng(9).permutation(table["a3"].to_numpy())
    assert compare(sheets(table), sheets(answers(2000, 1))).unlike == ["a3"]


@pytest.mark.parametrize("seed", range(5))
def test_two_samples_of_one_population_are_never_unlike(seed: int) -> None:
    found = compare(sheets(answers(700, 2 * seed + 10)), sheets(answers(700, 2 * seed + 11)))
    assert found.verdict in (GOOD, ACCEPTABLE)
    assert found.whole["correlation_rmse"] < 2 * found.whole["correlation_rmse_by_luck"]
    assert found.whole["nps_difference_low"] < found.whole["nps_difference_high"]


def test_weights_undo_who_was_asked_too_often() -> None:
    whole = answers(6000, 3)
    keen = whole["nps"] >= 7
    rng = np.random.default_rng(4)
    kept = rng.random(len(whole)) < np.where(keen, 0.6, 0.15)
    sample = whole[kept].reset_index(drop=True)
    weighted = sample.assign(**{WEIGHT: np.where(sample["nps"] >= 7, 1 / 0.6, 1 / 0.15)})
    off, mended = (compare(sheets(one), sheets(whole)) for one in (sample, weighted))
    assert off.items["smd"].abs().max() > 0.25
    assert mended.items["smd"].abs().max() < 0.1
    assert mended.whole["simulated_effective"] < mended.whole["simulated_sheets"] == off.whole["simulated_sheets"]


def test_reversed_items_are_turned_each_by_its_own_questionnaire() -> None:
    table = answers(500, 1)
    turned = table.assign(a2=6 - table["a2"])
    found = compare(sheets(turned, turned=("a2",)), sheets(table))
    assert found.verdict == GOOD


def test_what_is_not_on_both_sides_is_listed_with_its_reason() -> None:
    real, simulated = answers(300, 1), answers(300, 2)
    simulated["b4"] = np.nan
    less = [code for code in CODES if code != "b1"]
    other = Sheets(instrument([*less, "c1"]), real.assign(c1=3.0))
    found = compare(Sheets(instrument([*CODES, "nps"]), simulated), other)
    assert dict(found.left_out) == {
        "b1": "only in the simulated answers",
        "b4": "fewer than two simulated answers",
        "c1": "only in the real answers",
        "nps": "only in the simulated answers",
    }
    assert "nps_difference" not in found.whole
    assert all(item in terminal_table(found) for item in dict(found.left_out))
    seven = Sheets(instrument([*CODES, "nps"], last=7), real)
    assert dict(compare(sheets(simulated), seven).left_out)["a1"].startswith("scale 1 to 7 in the real answers")


def test_nothing_in_common_is_no_comparison() -> None:
    other = Sheets(instrument(["c1", "c2"]), pd.DataFrame({"c1": [1.0, 2.0], "c2": [2.0, 3.0]}))
    with pytest.raises(ValueError, match="no item in common"):
        compare(sheets(answers(50, 1)), other)


def test_constant_items_and_single_ones_have_no_alpha_and_say_so() -> None:
    real = answers(200, 1).assign(a1=3.0)
    found = compare(sheets(real), sheets(real))
    row = found.items.set_index("item").loc["a1"]
    assert (row["smd"], row["verdict"]) == (0.0, GOOD)
    assert np.isnan(row["correlation_gap"])
    assert np.isnan(found.constructs.set_index("construct").loc["a", "congruence"])
    other = compare(sheets(real.assign(a1=4.0)), sheets(real))
    assert np.isinf(other.items.set_index("item").loc["a1", "smd"])
    assert other.unlike == ["a1"]
    assert np.isnan(alpha(real[["a1"]].to_numpy(), np.ones(200)))


def test_the_page_and_the_tables_stand(tmp_path) -> None:  # type: ignore[no-untyped-def]
    table = answers(300, 2)
    table["b2"] = np.minimum(table["b2"] + 1, 5)
    found = compare(sheets(table), sheets(answers(300, 1)))
    page = write(found, tmp_path, real="real.csv", simulated="held <b>", notes=("a note",)).read_text("utf-8")
    assert "b2" in page.split(">The answer<")[1].split(">Figures<")[0]
    assert "held &lt;b&gt;" in page
    assert "held <b>" not in page
    written = pd.read_csv(tmp_path / "likeness.csv")
    pd.testing.assert_frame_equal(written, found.items.replace("", np.nan), check_dtype=False)
    assert len(pd.read_csv(tmp_path / "likeness_constructs.csv")) == 2
    for name in ("likeness_means", "likeness_correlations"):
        assert (tmp_path / "figures" / f"{name}.svg").stat().st_size > 5000
    assert as_json(found)["unlike"] == found.unlike
    if CHROMIUM:
        for width in (390, 1100):
            assert not look(tmp_path / "likeness.html", width, tmp_path).sticking
        assert not look(tmp_path / "likeness.html", 680, tmp_path, paper=True).scrolling


@pytest.mark.skipif(not CSI.exists(), reason="the data are not part of the repository")
def test_half_of_real_people_against_the_other_half_is_acceptable() -> None:
    table = pd.read_csv(CSI)
    codes = [name for name in table if re.fullmatch(r"(imag|expe|qual|val|sat|loy)\d", name)]
    asked = Instrument.model_validate(
        {
            "name": "csi",
            "scales": {"eleven": {"from": 0, "to": 10}},
            "constructs": {name: {"label": name} for name in ("imag", "expe", "qual", "val", "sat", "loy")},
            "items": [{"code": code, "text": code, "scale": "eleven", "construct": code[:-1]} for code in codes],
        }
    )
    shared_csi = Sheets(asked, table)
    order = np.random.default_rng(1).permutation(len(shared_csi.table))
    halves = [
        replace(shared_csi, table=shared_csi.table.iloc[np.sort(rows)].reset_index(drop=True))
        for rows in np.array_split(order, 2)
    ]
    found = compare(*halves)
    assert found.verdict in (GOOD, ACCEPTABLE)
    assert not found.unlike
    assert (found.constructs["congruence"] > 0.95).all()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Real and simulated answers to one questionnaire, the simulated of two arms and waves."""
    asked = instrument([*CODES, "nps"])
    for name, seed in (("real", 1), ("held", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "instrument.yaml").write_text(to_yaml(asked), "utf-8")
        table = answers(400, seed).assign(sheet=[f"s{number}" for number in range(400)])
        if name == "held":
            table = table.assign(arm=np.repeat(["nothing", "four"], 200), wave=np.tile([0, 24], 200), seed=1)
        table.to_csv(tmp_path / name / "answers.csv", index=False)
    return tmp_path


def words(files: Path, *more: str) -> list[str]:
    real, held = (str(files / name / "answers.csv") for name in ("real", "held"))
    return ["survey", "--compare", real, "--with", held, "--quiet", *more]


def test_the_verb_compares_files_arm_by_arm(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(files, "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["simulated_sheets"] == 100  # the first arm, the first wave
    assert told["folder"] == str(files / "held" / "likeness")
    assert {row["item"] for row in told["items"]} == {*CODES, "nps"}
    assert main(words(files, "--json")) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(words(files, "--json", "--overwrite", "--arms", "nothing,four", "--month", "24")) == 0
    assert json.loads(capsys.readouterr().out)["simulated_sheets"] == 200
    page = (files / "held" / "likeness" / "likeness.html").read_text("utf-8")
    assert page.count("<svg") == 2
    assert main([word for word in words(files, "--out", str(files / "more")) if word != "--quiet"]) == 0
    told_, said = capsys.readouterr()
    assert "compared: arm nothing of nothing, four (--arms chooses)" in said
    assert told_.startswith("The simulated answers are ")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--arms", "none"], "--arms  no sheets of none in the simulated answers; they have nothing, four"),
        (["--month", "12"], "--month  no sheets of 12 in the simulated answers; they have 0, 24"),
        (["--instrument", "employees"], "item"),
    ],
)
def test_what_is_not_there_cannot_be_compared(
    files: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(files, *more)) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not (files / "held" / "likeness").exists()


def test_answers_of_other_questions_and_no_simulated_side_are_refused(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = instrument(["c1", "c2"])
    (files / "held" / "instrument.yaml").write_text(to_yaml(other), "utf-8")
    pd.DataFrame({"c1": [1.0, 2.0, 3.0], "c2": [2.0, 3.0, 3.0]}).to_csv(files / "held" / "answers.csv", index=False)
    assert main(words(files)) == 2
    assert "no item in common; hold the same questionnaire on both" in capsys.readouterr().err
    assert main(["survey", "--compare", str(files / "real" / "answers.csv")]) == 2
    assert "needs simulated answers: RUN, or --with" in capsys.readouterr().err
    assert main(["survey", "--compare", str(files / "real" / "answers.csv"), str(files)]) == 2
    assert "not a results folder" in capsys.readouterr().err


def test_on_a_run_what_was_held_last_is_compared_else_it_is_held_now(
    originals: tiny_folders.Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(originals["run"], run)
    assert main(["survey", str(run), "--month", "13", "--n", "150", "--out", str(tmp_path / "real"), "--quiet"]) == 0
    real = str(tmp_path / "real" / "answers.csv")
    capsys.readouterr()
    assert main(["survey", "--compare", real, str(run), "--n", "120", "--json"]) == 0
    told, said = capsys.readouterr()
    assert json.loads(told)["items"][0]["item"] == "tan1"
    assert "held for this: customers (simple, month 0, arm nothing)" in said
    assert main(["survey", str(run), "--month", "13", "--n", "150", "--quiet"]) == 0
    capsys.readouterr()
    assert main(["survey", "--compare", real, str(run), "--json", "--overwrite"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == GOOD  # the same seed, the same sheets
