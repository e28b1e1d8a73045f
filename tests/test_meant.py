"""What a user meant is what is taken: whole texts, backslashes, printed tables, 6.0 for 6, files that extend."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pandas as pd
import pytest

from sim.cli import main
from sim.experiments.prepare import prepare
from sim.store.run_reading import read
from tests.fuzz import LINE

TINY = "months: 2\nburn_in: 0\nseeds: [1]\npopulation: {customers: 300}\n"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Write files into a folder of its own, ask the command line there: code, lines of stdout, lines of stderr."""
    monkeypatch.chdir(tmp_path)

    def asked(*words: str, **files: str) -> tuple[int, list[str], list[str]]:
        for name, text in files.items():
            Path(name.replace("__", ".")).write_text(text, "utf-8")
        code = main(list(words))
        told = capsys.readouterr()
        for line in told.err.splitlines():
            assert line.isprintable(), line
            assert code != 2 or LINE.match(line), line
        return code, told.out.splitlines(), told.err.splitlines()

    return asked


# --- a value on the command line is kept whole -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("about=Plan #2 of the board", "Plan #2 of the board"),
        ("about=#2", "#2"),
        ("about=a#b # c", "a#b # c"),
        ('about="Plan #2"', "Plan #2"),
        ("about='# 1'", "# 1"),
        ("about=C:\\temp\\new #1", "C:\\temp\\new #1"),
        ("about=&Co plan", "&Co plan"),
        ("about=&a #2", "&a #2"),
    ],
)
def test_a_text_on_the_command_line_is_kept_whole(given: str, kept: str, ask) -> None:
    assert ask("run", "s.yaml", "--set", given, "--quiet", "--out", "run", s__yaml=f"name: s\n{TINY}")[0] == 0
    assert json.loads(Path("run/manifest.json").read_text("utf-8"))["about"] == kept
    assert prepare("run/scenario.yaml")[0].scenario.about == kept


def test_a_path_with_a_number_sign_on_the_command_line_is_kept_whole(ask, tmp_path: Path) -> None:
    folder = tmp_path / "Q4 #2"
    folder.mkdir()
    (folder / "my #1.csv").write_text("id,money\n" + "".join(f"c{k},{100 + k}\n" for k in range(20)), "utf-8")
    book = "name: s\npopulation: {source: book, columns: {id: id, aum: money}}\n"
    code, out, _ = ask("validate", "s.yaml", "--set", f"population.file={folder}/my #1.csv", s__yaml=book)
    assert code == 0
    assert "20 customers" in out[0]


@pytest.mark.parametrize("given", ['about="Plan" #2', "seeds=[1, 2] # two"])
def test_what_stands_behind_a_closed_value_is_not_lost_in_silence(given: str, ask) -> None:
    code, _, err = ask("validate", "s.yaml", "--set", given, s__yaml=f"name: s\n{TINY}")
    assert code == 2
    assert "stands behind the value; all of it in one pair of quotes" in err[0]


# --- backslashes and control characters ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (r"C:\temp\book.csv", r"\t is a tab"),
        (r"data\book.csv", r"\b is a backspace"),
        (r"data\new.csv", r"\n is a line end"),
        (r"C:\Users\me\book.csv", r"\U is none"),
        (r"C:\data\book.csv", r"\d is none"),
        (r"C:\New\book.csv", r"\N is a line end"),
        (r"\\server\share\book.csv", r"\s is none"),
        (r"C:\book", r"\b is a backspace"),
    ],
)
def test_a_windows_path_in_double_quotes_is_answered_with_single_quotes(written: str, names: str, ask) -> None:
    text = f'name: s\npopulation: {{source: book, file: "{written}", columns: {{id: id, aum: money}}}}\n'
    code, out, err = ask("validate", "s.yaml", s__yaml=text)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith("s.yaml:2:")
    assert names in err[0]
    assert err[0].endswith(f"single quotes keep it: '{written}'")
    assert "no such file" in ask("validate", "s.yaml", s__yaml=text.replace('"', "'"))[2][0]  # as it is told to do


@pytest.mark.parametrize(
    "words",
    [
        ["no\bfile.yaml"],
        ["s.yaml", "--set", "about=a\bc"],
        ["s.yaml", "--arms", "a\x1b[31m"],
        ["s.yaml", "--a\x07b"],
        ["s.yaml", "--set", 'currency="\\u0007x"'],
        ["s.yaml", "--set", 'population.preset="a\\u001bc"'],
        ["s.yaml", "--set", 'population={source: book, file: "a\\u0008b.csv", columns: {id: a, aum: b}}'],
    ],
)
def test_no_control_character_is_printed(words: list[str], ask) -> None:
    code, out, err = ask("validate", *words, s__yaml=f"name: s\n{TINY}")  # `ask` looks at what is printed
    assert (code, out) == (2, [])
    assert err


# --- printed tables --------------------------------------------------------------------------------------------------

MATRIX = "[[{}, 0.0999, 0, 0], [0.1, 0.8, 0.1, 0], [0, 0.1, 0.9, 0], [0, 0, 0.1, 0.9]]"


def test_printed_tables_are_scaled_and_it_is_said(ask) -> None:
    text = (
        f"name: s\nmonths: 2\nburn_in: 0\nseeds: [1]\n"
        "population: {customers: 300, shares: {mass: 0.925, affluent: 0.056, wealth: 0.0184, private: 0.0007}}\n"
        "managers: {mix: {wealth: {phone: 0.4509}}}\n"
        f"model: {{transitions: {{mode: markov, period_months: 1, matrix: {MATRIX.format('0.9')}}}}}\n"
    )
    notes = [
        "s.yaml:5:38  population.shares: adds up to 1.0001; taken as shares of that sum",
        "s.yaml:6:26  managers.mix.wealth: adds up to 1.0009; taken as shares of that sum",
        "s.yaml:7:64  model.transitions.matrix[0]: adds up to 0.9999; taken as shares of that sum",
    ]
    code, out, err = ask("validate", "s.yaml", s__yaml=text)
    assert (code, err) == (0, [])
    assert out[1:] == [f"s.yaml: note: {note}" for note in notes]
    code, _, err = ask("run", "s.yaml", "--quiet", "--out", "run")
    assert (code, err) == (0, notes)
    assert read(Path("run")).manifest["notes"] == notes
    kept = prepare("run/scenario.yaml")[0]
    assert sum(kept.scenario.model.transitions.matrix[0]) == pytest.approx(1.0, abs=1e-15)
    assert kept.notes == ()  # what was scaled once is not scaled again
    assert kept.digest == read(Path("run")).manifest["scenario_digest"]
    assert ask("verify", "run")[0] == 0


@pytest.mark.parametrize(("first", "total"), [("0.9001", "1"), ("0.8991", "0.999"), ("0.9011", "1.001")])
def test_what_is_within_a_thousandth_is_scaled(first: str, total: str, ask) -> None:
    text = f"name: s\nmodel: {{transitions: {{mode: markov, matrix: {MATRIX.format(first)}}}}}\n"
    code, out, err = ask("validate", "s.yaml", s__yaml=text)
    assert (code, err) == (0, [])
    said = f"s.yaml: note: s.yaml:2:46  model.transitions.matrix[0]: adds up to {total}; taken as shares of that sum"
    assert out[1:] == ([] if total == "1" else [said])


@pytest.mark.parametrize(("first", "total"), [("0.8989", "0.9988"), ("0.9013", "1.0012")])
def test_what_is_further_off_is_refused_with_its_sum(first: str, total: str, ask) -> None:
    text = f"name: s\nmodel: {{transitions: {{mode: markov, matrix: {MATRIX.format(first)}}}}}\n"
    told = f"probabilities add up to {total}; they must add up to 1, or to within 0.001 of it"
    assert ask("validate", "s.yaml", s__yaml=text) == (2, [], [f"s.yaml:2:46  model.transitions.matrix[0]: {told}"])


# --- 6.0 for 6 -------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_six_point_nought_in_a_list_is_six_where_a_whole_number_is_meant(ask) -> None:
    text = f"name: s\n{TINY}sweep: {{design: list, file: points.csv}}\n"
    points = "model.transitions.period_months,population.agents,managers.hours_per_month\n"
    points += "6.0,1.0,40\n12,0.5,6.0\n7,200.0,5\n"
    code, out, _ = ask("validate", "s.yaml", s__yaml=text, points__csv=points)
    assert code == 0
    assert "3 points" in out[1]
    assert ask("run", "s.yaml", "--quiet", "--out", "run")[0] == 0
    design = pd.read_csv("run/design.csv", dtype=str)
    assert list(design["model.transitions.period_months"]) == ["6", "12", "7"]
    assert list(design["managers.hours_per_month"].astype(float)) == [40.0, 6.0, 5.0]
    assert ask("verify", "run")[0] == 0  # whole numbers beside others are still whole when the design is read again
    code, _, err = ask("validate", "s.yaml", points__csv="model.transitions.period_months\n6.5\n")
    assert code == 2
    assert err == [
        "points.csv:2:1  model.transitions.period_months: 6.5 is not a whole number; "
        "a whole number from 1 to 120 (months)"
    ]


# --- files that extend -----------------------------------------------------------------------------------------------

BASE = """
name: base
population: {source: book, file: book.csv, columns: {id: who, aum: money}}
environment: [{kind: pandemic, from: 3}]
seeds: [1, 2]
arms: {nothing: [], a: [{use: fintech}], b: []}
model: {hazards: {mass: {close: 0.003}}}
"""
BOOK = "who,money,years\n" + "".join(f"c{k},{100 + k},{20 + k}\n" for k in range(20))


def test_what_a_file_replaces_of_another_is_said(ask) -> None:
    child = (
        "extends: base.yaml\nname: child\narms: {nothing: [], c: []}\nenvironment: []\nseeds: [1, 2]\n"
        "model: {hazards: {mass: {dormant: 0.01}}}\n"
    )
    code, out, _ = ask("validate", "child.yaml", "base.yaml", base__yaml=BASE, child__yaml=child, book__csv=BOOK)
    assert code == 0
    assert [line for line in out if ": extends: " in line] == [
        "child.yaml: extends: arms: replaces the three arms of base.yaml; left out: a, b",
        "child.yaml: extends: environment: replaces the one shock of base.yaml",
    ]
    hazard = prepare("child.yaml")[0].scenario.model.hazards["mass"]
    assert (hazard.close, hazard.dormant) == (0.003, 0.01)  # mappings merge


def test_what_a_file_in_between_replaces_is_said_of_that_file(ask) -> None:
    middle = "extends: base.yaml\nname: middle\narms: {nothing: []}\n"
    child = "extends: middle.yaml\nname: child\nmonths: 9\n"
    files = {"base__yaml": BASE, "middle__yaml": middle, "child__yaml": child, "book__csv": BOOK}
    code, out, _ = ask("validate", "child.yaml", **files)
    assert code == 0
    assert [line for line in out if ": extends: " in line] == [
        "middle.yaml: extends: arms: replaces the three arms of base.yaml; left out: a, b"
    ]


def test_names_of_arms_may_have_blanks_beside_their_commas(ask) -> None:
    code, out, _ = ask("validate", "base.yaml", "--arms", "nothing, a", base__yaml=BASE, book__csv=BOOK)
    assert code == 0
    assert "2 arms" in out[0]
    assert ask("validate", "base.yaml", "--arms", " , ")[0] == 2


def test_columns_over_a_file_that_maps_id_and_aum_say_what_was_lost(ask) -> None:
    child = "extends: base.yaml\nname: child\npopulation: {columns: {age: years}}\n"
    code, _, err = ask("validate", "child.yaml", base__yaml=BASE, child__yaml=child, book__csv=BOOK)
    assert code == 2
    assert [line.split(": missing")[0] for line in err] == [
        "child.yaml:3:14  population.columns.aum",
        "child.yaml:3:14  population.columns.id",
    ]
    assert all(line.endswith("base.yaml has it, but columns are replaced whole: all of them here") for line in err)
    whole = child.replace("{age: years}", "{id: who, aum: money, age: years}")
    assert ask("validate", "child.yaml", child__yaml=whole)[0] == 0


def test_what_is_replaced_is_told_in_the_docs() -> None:
    from sim.yaml_source import REPLACED_WHOLE

    root = Path(__file__).parent.parent
    for page in ("docs/scenario-reference.md", "README.md"):
        told = (root / page).read_text("utf-8").replace("`", "").replace("\n", " ")
        assert "replaced whole" in told
        sentence = told[: told.index("replaced whole")][-300:]
        assert [key for key in REPLACED_WHOLE if key not in sentence] == [], page


# --- small -----------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_agents_one_point_nought_is_a_row_a_customer(ask) -> None:
    def digest(*more: str) -> str:
        words = ["run", "s.yaml", "--quiet", "--overwrite", "--out", "run", *more]
        assert ask(*words, s__yaml=f"name: s\n{TINY}")[0] == 0
        return str(read(Path("run")).manifest["result_digest"])

    assert digest("--set", "population.agents=1.0") == digest() != digest("--set", "population.agents=0.5")


def test_a_string_given_to_prepare_is_one_file(ask) -> None:
    ask("list", s__yaml=f"name: s\n{TINY}")
    assert [one.scenario.name for one in prepare("s.yaml")] == ["s"]
    assert [one.scenario.name for one in prepare(Path("s.yaml"))] == ["s"]


def test_a_bank_stops_running_with_its_last_month_and_says_so_if_pushed_on() -> None:
    from banks import bank, scenario

    model = bank(scenario(200, months=2, burn_in=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        running = []
        for _ in range(3):
            running.append(model.running)
            model.step()
    assert (running, model.running, model.month) == ([True, True, True], False, 2)
    with pytest.warns(UserWarning, match="beyond the scenario's 2 months") as said:
        model.step()
    assert Path(said[0].filename).name == Path(__file__).name
    assert not model.running


def test_a_wallet_that_hardly_pulls_back_lives(tmp_path: Path) -> None:
    """A standing leak over next to no pull was infinite, and its money no number."""
    words = ["--set", "model.wallet.reversion=1e-310", "--set", "population.customers=600", "--set", "burn_in=1"]
    quick = str(Path(__file__).parent.parent / "scenarios" / "quick.yaml")
    assert main([quick, *words, "--months", "2", "--seeds", "1", "--quiet", "--out", str(tmp_path / "out")]) == 0
