"""Questionnaires that a run holds in waves, and those held on a stored run later: the same sheets either way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

import sim
from sim.cli import main
from sim.errors import BadInput
from sim.experiments.prepare import prepare
from sim.store.columns import FILES
from sim.store.tables import SURVEYED
from sim.survey.instrument.reading import read_instrument
from sim.survey.instrument.writing import to_yaml

SMALL: dict[str, Any] = {
    "extends": "baseline",
    "name": "asked",
    "months": 12,
    "burn_in": 3,
    "seeds": [1, 2],
    "beliefs": None,
    "population": {"customers": 20_000, "agents": 3_000},
    "arms": {"nothing": [], "digital_thinking": [{"use": "digital_thinking"}]},
}
SURVEY = {
    "waves": [0, 6, 12],
    "customers": {"instrument": "customers", "n": 200, "panel": True},
    "staff": {"instrument": "employees", "n": 50},
}


@pytest.fixture(scope="module")
def run() -> sim.Run:
    return sim.run({**SMALL, "survey": SURVEY})


def test_every_arm_seed_and_wave_has_its_sheets_and_the_truth_beside_them(run: sim.Run) -> None:
    answers, truth = run.answers, run.answers_truth
    assert answers is not None
    assert truth is not None
    assert (answers.groupby(["arm", "seed", "wave"]).size() == 200).all()
    assert len(answers) == 2 * 2 * 3 * 200
    assert list(answers["sheet"]) == list(truth["sheet"])
    assert answers["sheet"].is_unique
    asked = read_instrument("customers")
    assert set(asked.codes) <= set(answers)
    assert {f"true[{name}]" for name in asked.constructs} <= set(truth)
    staff = run.staff_answers
    assert staff is not None
    assert set(read_instrument("employees").codes) <= set(staff)


@pytest.mark.parametrize("name", SURVEYED)
def test_columns_of_the_sheets_are_declared_with_their_meaning(run: sim.Run, name: str) -> None:
    schema = pq.read_schema(run.folder / f"{name}.parquet")
    used = {one.name if (one := FILES[name].column(column)) else column for column in schema.names}
    assert used == {column.name for column in FILES[name].columns}
    assert all(field.metadata[b"meaning"] for field in schema)


def test_asking_changes_no_result(run: sim.Run) -> None:
    assert sim.run(SMALL).manifest["result_digest"] == run.manifest["result_digest"]


def test_a_run_that_was_asked_later_gives_the_sheets_of_its_waves(run: sim.Run) -> None:
    later = sim.ask(run, "customers", n=200, month=[6, 12], panel=True, seeds=[2]).table
    answers = run.answers
    assert answers is not None
    held = answers[(answers["seed"] == 2) & (answers["wave"] > 0)]
    keys = ["arm", "wave", "respondent"]
    mine, theirs = (one.drop(columns="sheet").sort_values(keys).reset_index(drop=True) for one in (held, later))
    pd.testing.assert_frame_equal(mine[sorted(mine)], theirs[sorted(mine)], check_dtype=False)


def test_before_an_arm_begins_its_sheets_are_those_of_the_reference(run: sim.Run) -> None:
    answers = run.answers
    assert answers is not None
    first = [answers[(answers["arm"] == arm) & (answers["wave"] == 0)] for arm in run.arms]
    bare = [one.drop(columns=["arm", "sheet"]).reset_index(drop=True) for one in first]
    pd.testing.assert_frame_equal(bare[0], bare[1])


def test_a_panel_compares_arms_more_surely_than_fresh_samples(run: sim.Run) -> None:
    """The same people in both arms: the difference of means varies less than of samples that share nobody."""
    paired = sim.ask(run, n=400, month=12, seeds=[1], panel=True).table
    codes = [code for code in ("sat1", "sat2", "sat3") if code in paired]
    paired["score"] = paired[codes].mean(axis=1)
    wide = paired.pivot_table(index="respondent", columns="arm", values="score")
    both = wide.dropna()
    unpaired = wide.var().sum() / len(both)
    assert both[run.arms[1]].sub(both[run.arms[0]]).var() / len(both) < 0.5 * unpaired


@pytest.mark.long
def test_workers_and_a_resumed_run_give_the_same_sheets(run: sim.Run, tmp_path: Path) -> None:
    (tmp_path / "asked.yaml").write_text(json.dumps({**SMALL, "survey": SURVEY}))
    out = tmp_path / "run"
    assert main(["run", str(tmp_path / "asked.yaml"), "--out", str(out), "--workers", "2", "--quiet"]) == 0
    (out / "again").mkdir(exist_ok=True)
    for name in ("answers", "answers_truth", "staff_answers"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(out / f"{name}.parquet"), pd.read_parquet(run.folder / f"{name}.parquet")
        )


def test_a_stored_run_brings_its_instrument_along(run: sim.Run) -> None:
    (again,) = prepare([run.folder / "scenario.yaml"])
    assert again.digest == run.manifest["scenario_digest"]
    assert dict(again.surveyed)["customers"] == read_instrument("customers")


def test_another_question_makes_another_scenario(tmp_path: Path) -> None:
    text = to_yaml(read_instrument("customers"))
    first = "I am content with this bank."
    question = next(item for item in read_instrument("customers").items).text
    assert isinstance(question, dict)
    assert question["en"] in text
    found = []
    for words in (text, text, text.replace(question["en"], first)):
        (tmp_path / "mine.yaml").write_text(words, encoding="utf-8")
        (tmp_path / "s.yaml").write_text(json.dumps({**SMALL, "survey": {"customers": {"instrument": "mine.yaml"}}}))
        found.append(prepare([tmp_path / "s.yaml"])[0].digest)
    assert found[0] == found[1] != found[2]


def test_survey_of_a_stored_run_writes_a_folder_that_can_be_read(run: sim.Run, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "held"
    words = [
        "survey",
        str(run.folder),
        "--n",
        "100",
        "--sampling",
        "quota",
        "--month",
        "6",
        "--out",
        str(out),
        "--quiet",
    ]
    assert main(words) == 0
    assert "200 sheets" in capsys.readouterr().out
    names = {"answers.csv", "answers.parquet", "truth.parquet", "bias.csv", "instrument.yaml", "survey.json"}
    assert {file.name for file in out.iterdir()} == names
    read = sim.read_answers(out / "answers.csv")
    assert len(read.table) == 200
    assert read.instrument == read_instrument("customers")
    assert main(words) == 2
    assert capsys.readouterr().err == f"{out}  holds a survey; --overwrite to replace it, or another --out\n"
    before = (out / "answers.csv").read_bytes()
    assert main([*words, "--overwrite", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sampling"] == "quota"
    assert (out / "answers.csv").read_bytes() == before
    assert (
        main(["survey", str(run.folder), "--instrument", "employees", "--out", str(tmp_path / "staff"), "--quiet"]) == 0
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--month", "13"], "--month  13 is beyond the 12 months of asked; from 0 to 12"),
        (["--arms", "digital"], "--arms  unknown arm 'digital'; did you mean digital_thinking?"),
        (["--seeds", "3"], "--seeds  3 is more than the 2 seeds of the run; fewer"),
        (["--seeds", "9,"], "--seeds  9 is no seed of the run; it has 1, 2"),
        (["--sampling", "snowball"], "--sampling  'snowball'; one of simple, stratified, quota, branch, app"),
        (
            ["--instrument", "employees", "--sampling", "app"],
            "employees  managers are not asked by app; simple or stratified",
        ),
        (["--by", "tier"], "--by  does not go with holding a questionnaire"),
        (["--instrument", "customer"], "customers"),
    ],
)
def test_what_cannot_be_asked_is_answered_in_a_line(run: sim.Run, capsys: Any, words: list[str], says: str) -> None:
    assert main(["survey", str(run.folder), *words, "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.parametrize(
    ("survey", "says"),
    [
        ({"waves": [0, 13]}, "survey.waves: 13 is beyond the 12 measured months; from 0 to 12"),
        ({"waves": [0, 0]}, "survey.waves: a month stands twice; each once"),
        ({"waves": [-1]}, "survey.waves: -1 is before month 0; months from 0"),
        ({"customers": None}, "nobody is asked; customers, staff or both"),
        ({"customers": {"instrument": "employees"}}, "employees asks managers, not customers"),
        ({"staff": {"instrument": "employees", "sampling": "branch"}}, "managers are not asked by branch"),
        ({"customers": {"instrument": "nowhere.yaml"}}, "nowhere.yaml"),
        ({"answering": {"extreme": 0.7, "middle": 0.7}}, "more than everybody"),
    ],
)
def test_a_survey_section_that_does_not_fit_is_refused(tmp_path: Path, survey: Any, says: str) -> None:
    (tmp_path / "s.yaml").write_text(json.dumps({**SMALL, "survey": survey}))
    with pytest.raises(BadInput, match=says):
        prepare([tmp_path / "s.yaml"])


def test_a_run_that_holds_no_survey_has_no_answers() -> None:
    bare = sim.run({**SMALL, "months": 1, "seeds": [1]})
    assert bare.answers is None
    assert bare.staff_answers is None


# --- staff ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained() -> sim.Run:
    """A bank with some hundred managers, without and with upskilling."""
    return sim.run(
        {
            **SMALL,
            "months": 24,
            "seeds": [1],
            "population": {"customers": 4_000_000, "agents": 8_000},
            "arms": {"nothing": [], "upskilled": [{"use": "staff_upskilling"}]},
            "survey": {
                "waves": [0, 24],
                "customers": None,
                "staff": {"instrument": "employees", "n": 1000, "panel": True},
            },
        }
    )


def staff(run: sim.Run) -> pd.DataFrame:
    """Sheets with the truth beside them."""
    sheets, truth = run.staff_answers, run.stored.answers("staff_answers_truth")
    assert sheets is not None
    assert truth is not None
    return sheets.merge(truth, on=["arm", "seed", "wave", "sheet"])


def test_staff_see_themselves_as_better_than_they_are(trained: sim.Run) -> None:
    found = staff(trained).query("wave == 0 and arm == 'nothing'")
    assert len(found) > 150
    for skill in ("professional", "digital"):
        true, told = found[f"true[{skill}]"], found[f"said[{skill}]"]
        error = told.sub(0.35 * true).std() / len(found) ** 0.5
        assert told.mean() - 0.35 * true.mean() == pytest.approx(0.3, abs=3 * error)
        assert told.corr(true) == pytest.approx(0.35, abs=0.2)
    bias = sim.ask(trained, "employees", month=0, arms=["nothing"], n=300).bias
    assert bias is not None
    bias = bias[bias["unit"] == "points"]
    by_cause = bias[bias["construct"] == "professional"].set_index("cause")["bias"]
    assert by_cause["desirability"] > 0.15  # points of 1 to 5
    assert bias[bias["construct"] == "workload"].set_index("cause")["bias"]["desirability"] == 0


def test_a_skill_gap_closed_by_training_is_recovered_from_what_staff_say(trained: sim.Run) -> None:
    """The same managers in both arms: what they say rises by self-knowledge times what they learnt."""
    found = staff(trained).query("wave == 24")
    for skill in ("professional", "digital"):
        gain = {}
        for kind in ("true", "said"):
            wide = found.pivot_table(index="respondent", columns="arm", values=f"{kind}[{skill}]").dropna()
            gain[kind] = float((wide["upskilled"] - wide["nothing"]).mean())
        assert gain["true"] > 0.02  # SD: small, as trainings are
        assert gain["said"] / 0.35 == pytest.approx(gain["true"], rel=0.05)


# --- the page ------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_page_of_a_held_survey_says_what_it_is_wrong_by_and_that_of_a_real_one_does_not(
    run: sim.Run, tmp_path: Path, capsys: Any
) -> None:
    held = tmp_path / "held"
    assert main(["survey", str(run.folder), "--n", "150", "--sampling", "app", "--out", str(held), "--quiet"]) == 0
    assert main(["survey", "--analyse", str(held / "answers.csv"), "--by", "tier", "--quiet"]) == 0
    page = (held / "answers-analysis" / "survey.html").read_text(encoding="utf-8")
    assert 'id="truth"' in page
    bias = pd.read_csv(held / "bias.csv")
    first = bias[(bias["arm"] == "nothing") & (bias["unit"] == "NPS")].set_index("cause")
    row = page[page.index("Net promoter score</th><td>") :]
    assert f"<td>{first['true']['together']:.1f}</td>" in row[:200]
    assert (held / "answers-analysis" / "figures" / "bias.png").exists()
    real = tmp_path / "real"
    real.mkdir()
    for name in ("answers.csv", "instrument.yaml"):
        (real / name).write_bytes((held / name).read_bytes())
    assert main(["survey", "--analyse", str(real / "answers.csv"), "--quiet"]) == 0
    assert 'id="truth"' not in (real / "answers-analysis" / "survey.html").read_text(encoding="utf-8")
