"""The way of a user: a file of answers, `survey --analyse`, and a folder with a page, figures and tables."""

from __future__ import annotations

import json
import re
from pathlib import Path

import browser
import numpy as np
import pandas as pd
import pytest
from fabricate_survey import answers
from matplotlib.text import Text

from sim.cli import main
from sim.reporting.figures.survey_levels import Level, Pair, by_group, gap_bars, levels
from sim.reporting.survey import build, terminal_table
from sim.reporting.survey.page import plates, render
from sim.reporting.survey.sentences import findings, left_out_of_map, quoted
from sim.store.survey_columns import SURVEY
from sim.survey.analysis.asking import Analysis, analyse
from sim.survey.instrument import Instrument
from sim.survey.instrument.model import said
from sim.survey.sheets import Sheets

BROWSED = pytest.mark.skipif(browser.CHROMIUM is None, reason="no browser on this machine to look at pages with")
NUMBER_LOST = re.compile(r"\b(nan|NaN|inf|None)\b")


@pytest.fixture(scope="module")
def answered() -> Analysis:
    """Five hundred customers, a twelfth of them careless, the young asked half as often."""
    return analyse(answers(500))


@pytest.fixture(scope="module")
def told(answered: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of their analysis."""
    return build(answered, tmp_path_factory.mktemp("told") / "analysis").parent


def written(folder: Path) -> Path:
    """Answers of the shipped instrument as a file."""
    file = folder / "answers.csv"
    answers(200).table.to_csv(file, index=False)
    return file


def noise(questions: int) -> Sheets:
    """Answers to questions of one construct that have nothing in common."""
    codes = [f"luck{i + 1}" for i in range(questions)]
    asked = Instrument.model_validate(
        {
            "name": "luck",
            "scales": {"five": {"from": 1, "to": 5}},
            "constructs": {"luck": {"label": "Luck"}},
            "items": [{"code": one, "text": one, "scale": "five", "construct": "luck"} for one in codes],
        }
    )
    drawn = np.random.default_rng(3).integers(1, 6, (200, questions)).astype(float)
    return Sheets(asked, pd.DataFrame(drawn, columns=codes), "answers.csv")


@pytest.mark.long
def test_answers_become_a_page_figures_and_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path)
    assert main(["survey", "--analyse", str(file), "--instrument", "customers", "--by", "tier"]) == 0
    out, err = capsys.readouterr()
    folder = tmp_path / "answers-analysis"
    assert err == ""
    assert out.rstrip().endswith(f"report: {folder / 'survey.html'}")
    assert "net promoter score" in out
    assert max(map(len, out.splitlines()[:-1])) <= 100
    assert {f"tables/{path.name}" for path in (folder / "tables").iterdir()} == {file.path for file in SURVEY.values()}
    for name, declared in SURVEY.items():
        assert tuple(pd.read_csv(folder / "tables" / f"{name}.csv").columns) == declared.names
    pictures = {path.stem for path in (folder / "figures").glob("*.png")}
    assert pictures == {path.stem for path in (folder / "figures").glob("*.svg")}
    assert {"nps", "construct_means", "gaps", "importance", "correlations", "scree", "drivers", "paths"} <= pictures
    page = (folder / "survey.html").read_text("utf-8")
    assert all(f'id="{name}"' in page for name in pictures)
    assert set(pd.read_csv(folder / "tables" / "groups.csv")["by"]) == {"tier"}
    used = pd.read_csv(folder / "tables" / "quality.csv").set_index("what")["sheets"]
    assert used["used"] < used["returned"]
    assert main(["survey", "--analyse", str(file), "--instrument", "customers", "--keep", "--overwrite"]) == 0
    used = pd.read_csv(folder / "tables" / "quality.csv").set_index("what")["sheets"]
    assert used["used"] == used["returned"] == 200


@pytest.mark.long
def test_a_folder_that_holds_something_is_written_over_only_if_it_is_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, words = written(tmp_path), ["survey", "--instrument", "customers", "--analyse"]
    target = tmp_path / "out"
    (target / "figures").mkdir(parents=True)
    (target / "figures" / "old.png").write_bytes(b"")
    assert main([*words, str(file), "--out", str(target)]) == 2
    assert "holds an analysis; --overwrite to replace it, or another --out" in capsys.readouterr().err
    assert main([*words, str(file), "--out", str(target), "--overwrite", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda word: pytest.fail(word))
    assert (found["returned"], set(found["tables"])) == (200, set(SURVEY) - {"sheets"})
    assert found["findings"]
    assert not (target / "figures" / "old.png").exists()
    (target / "thesis.txt").write_text("mine", "utf-8")
    assert main([*words, str(file), "--out", str(target), "--overwrite"]) == 2
    assert "holds files that are not of an analysis" in capsys.readouterr().err
    assert (target / "thesis.txt").read_text("utf-8") == "mine"


def test_a_wrong_column_is_one_line_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path)
    assert main(["survey", "--analyse", str(file), "--instrument", "customers", "--by", "shoe_size"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith(f"--by  no column 'shoe_size' in {file}; one of tier, ")
    assert not (tmp_path / "answers-analysis").exists()


# --- what is said -----------------------------------------------------------------------------------------------------


def test_what_was_put_in_is_found(answered: Analysis) -> None:
    """`fabricate_survey` puts reliability half an SD below and expectations above; the young like the app."""
    said = " ".join(findings(answered))
    assert "Service falls clearly short of what is expected in 5 of 5 dimensions, furthest in “Reliability”" in said
    sure = answered.tables["differences"]
    assert set(sure[sure["sure"]]["by"]) == {"age_band"}
    assert "app" in set(sure[sure["sure"]]["construct"])
    careless = answered.facts["left_out"]["straight_lining"]
    assert careless == pytest.approx(0.08 * 500, abs=20)


def test_of_answers_that_mean_nothing_nothing_is_called_clear() -> None:
    rng = np.random.default_rng(20)
    names = [f"c{place}" for place in range(6)]
    items = [{"code": f"{name}_{k}", "text": k, "scale": "five", "construct": name} for name in names for k in "xyz"]
    blind = Instrument.model_validate(
        {
            "name": "blind",
            "scales": {"five": {"from": 1, "to": 5}, "ten": {"from": 0, "to": 10}},
            "constructs": {name: {"label": name} for name in names},
            "items": [*items, {"code": "nps", "text": "recommend?", "scale": "ten", "nps": True}],
            "demographics": [{"code": "town", "text": "town"}],
        }
    )
    table = pd.DataFrame({item["code"]: rng.integers(1, 6, 150).astype(float) for item in items})
    table["nps"] = rng.choice([2.0, 10.0, 8.0], 150)
    table["town"] = rng.choice(["a", "b", "c"], 150)
    found = analyse(Sheets(blind, table, "answers.csv"))
    said = [one for one in findings(found) if "too unreliable together" not in one]
    assert said == []
    titles = [str(plate.draw().get_label()) for plate in plates(found) if not plate.name.startswith("answers")]
    claims = [title.split("\n")[0] for title in titles]
    assert "No construct stands clearly apart from the rest" in claims
    assert any("whether more recommend or warn is not clear" in claim for claim in claims)
    assert not any("more recommend than warn" in claim.lower() for claim in claims)


def test_arms_and_waves_come_before_whatever_else_differs() -> None:
    """Of two arms one is a point happier with its bank."""
    given = answers(400, careless=0.0)
    better = np.arange(400) % 2 == 1
    table = given.table.assign(arm=np.where(better, "new_app", "nothing"))
    for code in ("sat1", "sat2", "esv1", "esv2"):
        table[code] = np.where(better, np.minimum(table[code] + 1, 5), table[code])
    found = analyse(Sheets(given.instrument, table, "answers.csv"))
    (first,) = [one for one in findings(found) if one.startswith("Groups by arm differ clearly")]
    assert findings(found).index(first) <= 1  # the net promoter score may come before
    assert {"satisfaction", "eservice"} <= set(found.tables["differences"].query("sure and by == 'arm'")["construct"])
    assert found.facts["alike"][0] == "arm"
    assert "Do groups by arm understand the questions alike?" in render(found, [])


def test_groups_and_questions_have_the_names_of_the_instrument(answered: Analysis) -> None:
    drawn = {plate.name: plate.draw() for plate in plates(answered) if plate.name in ("groups_age_band", "answers_1")}
    words = {name: {text.get_text() for text in figure.findobj(Text)} for name, figure in drawn.items()}
    ages = next(one.choices for one in answered.instrument.demographics if one.code == "age_band")
    assert {said(text) for text in ages.values()} <= words["groups_age_band"]
    assert "The branches of my bank are clean and well kept." in words["answers_1"]
    assert any(word.startswith("(turned) Again and again") for word in words["answers_1"])


def test_every_finding_rests_on_what_is_sure_in_its_table(answered: Analysis) -> None:
    """Take the sureness away and the findings go."""
    unsure = {name: table.assign(sure=False) if "sure" in table else table for name, table in answered.tables.items()}
    unsure["nps"] = answered.tables["nps"].assign(ci_low=-1.0, ci_high=1.0)
    unsure["reliability"] = answered.tables["reliability"].assign(alpha_high=1.0)
    blind = Analysis(answered.instrument, unsure, answered.notes, answered.remarks, answered.facts)
    assert findings(blind) == ["Nothing here is clear: every difference that was tested could be chance."]


@pytest.mark.parametrize(("questions", "told"), [(2, False), (4, True)])
def test_answers_without_anything_in_common_are_called_unreliable_unless_there_are_two(
    questions: int, told: bool
) -> None:
    analysis = analyse(noise(questions))
    assert analysis.tables["reliability"]["alpha_high"].iloc[0] < 0.7
    assert any("too unreliable together" in one for one in findings(analysis)) == told


def test_an_interval_that_leaves_the_scale_is_cut_and_an_arrow_says_so() -> None:
    wide, narrow = Level("wide", 90.0, -20.0, 200.0), Level("narrow", 40.0, 30.0, 50.0)
    for figure in (
        levels("t", "s", [wide, narrow], "Score", "0 to 100", within=(0.0, 100.0)),
        by_group("t", "s", ["a", "b"], [("one", [wide, narrow])], "Score", "0 to 100", within=(0.0, 100.0)),
    ):
        (panel,) = figure.axes
        assert panel.get_xlim() == (0.0, 100.0)
        drawn = {line.get_marker(): float(np.ravel(line.get_xdata())[0]) for line in panel.lines}
        assert (drawn["<"], drawn[">"]) == (0.0, 100.0)
        assert sum(line.get_marker() in ("<", ">") for line in panel.lines) == 2  # none at what is within


def test_a_gap_that_is_not_clear_is_hollow_and_the_key_says_so() -> None:
    rows = [Pair("a", 4.0, 3.0, True, ""), Pair("b", 4.0, 3.9, False, ""), Pair("c", 3.0, 3.1, False, "")]
    figure = gap_bars("t", "s", rows, "Mean", "points")
    met = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() == "white" for line in met] == [False, True, True]
    words = [text.get_text() for text in figure.texts]
    assert {"met, falls short clearly", "met, falls short, not clearly", "met, is above, not clearly"} <= set(words)
    assert "met, is above clearly" not in words


@pytest.mark.parametrize("sheets", [1, 2])
def test_few_sheets_have_a_page_without_numbers_that_are_none(sheets: int, tmp_path: Path) -> None:
    found = analyse(answers(sheets, careless=0.0))
    page = build(found, tmp_path / "few").read_text("utf-8")
    text = re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert not NUMBER_LOST.search(text), NUMBER_LOST.search(text)
    assert not NUMBER_LOST.search(terminal_table(found))


def test_constant_answers_and_a_silent_construct_have_a_page() -> None:
    given = answers(60, careless=0.0)
    table = given.table.assign(sat1=4.0, tru1=np.nan, tru2=np.nan, tru3=np.nan)
    found = analyse(Sheets(given.instrument, table, given.file))
    page = render(found, [])
    assert "undefined: everybody gave the same answer to sat1" in page
    assert "nobody answered half of its items" in page


def test_words_of_an_instrument_are_escaped() -> None:
    given = answers(40)
    text = given.instrument.model_dump(by_alias=True)
    text["constructs"]["trust"]["label"] = "<script>alert(1)</script>"
    text["about"] = "<b>about</b>"
    wild = Instrument.model_validate(text)
    page = render(analyse(Sheets(wild, given.table, "answers.csv")), [])
    assert "<script" not in page
    assert "&lt;b&gt;about" in page


def test_the_same_answers_give_the_same_files(answered: Analysis, told: Path, tmp_path: Path) -> None:
    again = build(analyse(answers(500)), tmp_path / "again").parent
    for file in (told / "survey.html", *(told / "tables").iterdir(), *(told / "figures").glob("*.svg")):
        assert file.read_bytes() == (again / file.relative_to(told)).read_bytes(), file.name


@BROWSED
def test_in_a_browser_nothing_sticks_out_on_desk_phone_and_paper(told: Path, tmp_path: Path) -> None:
    page = told / "survey.html"
    assert browser.look(page, 1280, tmp_path).sticking == []
    phone = browser.look(page, 390, tmp_path)
    assert phone.sticking == []
    assert phone.page <= 390
    paper = browser.look(page, browser.PAPER, tmp_path, paper=True)
    assert (paper.sticking, paper.scrolling, paper.shut) == ([], {}, 0)


@BROWSED
def test_on_a_phone_the_name_of_a_construct_is_not_broken_inside_its_words(told: Path, tmp_path: Path) -> None:
    name, beside = "Responsiveness", '<span class="probe" style="position:absolute;white-space:nowrap">{}</span>'
    text = (told / "survey.html").read_text("utf-8")
    probed = text.replace(
        f'<th scope="row">{name}', f'<th scope="row"><span class="probe">{name}</span>{beside.format(name)}'
    )
    assert probed != text
    page = tmp_path / "probed.html"
    page.write_text(probed, "utf-8")
    shown = browser.look(page, 390, tmp_path, selector=".probe").seen
    widths = [right - left for _, left, right in shown]
    assert widths[::2] == pytest.approx(widths[1::2], abs=1)


def test_fit_is_told_in_the_words_of_the_field_and_the_map_says_what_it_lacks(answered: Analysis, told: Path) -> None:
    page = (told / "survey.html").read_text("utf-8")
    fit = answered.tables["fit"]
    value = fit[fit["model"] == "confirmatory"].set_index("index")["value"]
    ends = f"({value['rmsea_low']:.2f} to {value['rmsea_high']:.2f})"
    assert f"effective number of sheets {value['n']:.0f}, chi-square" in page
    assert f"RMSEA {value['rmsea']:.2f} {ends}" in page
    assert not re.search(r"\brmsea\b|\bchi2\b|\bcfi\b", page)
    shown = set(answered.tables["importance"]["construct"])
    assert not {"app", "privacy"} & shown
    app, privacy = quoted("Mobile app"), quoted("Privacy concern")
    few, less = "too few were asked or answered", "the more of it, the less recommending"
    assert left_out_of_map(answered) == f" Not on the map: {app} ({few}). Not on the map: {privacy} ({less})."
    assert left_out_of_map(answered).strip() in page
    assert "Made by Rapport from answers alone." in page


def test_a_page_with_a_truth_is_not_made_from_answers_alone(
    answered: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = dict.fromkeys(("true", "together", "cleaned", "weighted"), 0.0)
    row = {"label": "Trust", "by": [], "digits": 2, "here": "", **numbers}
    monkeypatch.setattr("sim.reporting.survey.truth.rows", lambda *_: [row])
    page = render(answered, [])
    assert "Made by Rapport from answers and the simulated truth." in page
    assert "from answers alone" not in page
