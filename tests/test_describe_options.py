"""`describe` is told how a file is read, writes it into the scenario, and ends as what it found deserves."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from sim.cli import main

ROWS = "".join(f"{k};{1000 + 7 * k},5;{30 + k}\n" for k in range(30))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_how_a_text_is_read_goes_into_the_scenario(folder: Path) -> None:
    (folder / "b.csv").write_bytes(f"Stand,2024\nKunden-Nr;Vermögen;Alter\n{ROWS}".encode("cp1252"))
    words = ["--encoding", "cp1252", "--separator", "semicolon", "--decimal", "comma", "--header", "2"]
    assert main(["describe", "b.csv", *words, "--quiet"]) == 0
    text = (folder / "b.yaml").read_text("utf-8")
    for line in ("encoding: cp1252", "separator: semicolon", "decimal: comma", "header: 2", 'aum: "Vermögen"'):
        assert f"  {line}" in text


def test_the_sheet_goes_into_the_scenario_and_one_without_rows_names_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Deckblatt"
    book.active.append(["Bericht", "Stand"])
    sheet = book.create_sheet("Kunden")
    for row in [["Kundenliste"], ["customer_id", "balance"], *([f"c{k}", 100 + k] for k in range(20))]:
        sheet.append(row)
    book.save("b.xlsx")
    assert main(["describe", "b.xlsx"]) == 2
    assert "no customers on sheet Deckblatt; its other sheets are Kunden" in capsys.readouterr().err
    assert main(["describe", "b.xlsx", "--sheet", "Kunden"]) == 0
    assert "header row 2 (found)" in capsys.readouterr().out
    assert "  sheet: Kunden" in (folder / "b.yaml").read_text("utf-8")


def test_a_name_that_stands_twice_is_told_with_its_line_and_the_option(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "b.csv").write_text("Report,2024,,\nid,aum,age,x\n1,2,3,4\n")
    assert main(["describe", "b.csv"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("b.csv:1:1  has '' as the name of two columns")
    assert "--header" in told


def test_an_sqlite_file_of_several_tables_asks_for_one_of_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect("b.sqlite") as made:
        made.execute("CREATE TABLE kunden (customer_id, balance)")
        made.execute("CREATE TABLE orte (ort)")
        made.executemany("INSERT INTO kunden VALUES (?, ?)", [(f"c{k}", 100.0 + k) for k in range(20)])
    assert main(["describe", "b.sqlite"]) == 2
    assert "has the tables kunden, orte; --table names the one of customers, or --query" in capsys.readouterr().err
    assert main(["describe", "b.sqlite", "--table", "kunden"]) == 0
    assert "  table: kunden" in (folder / "b.yaml").read_text("utf-8")


@pytest.mark.parametrize("words", [["--json"], ["--out", "-"]])
def test_a_look_that_needs_no_file_writes_none(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "b.csv").write_text("customer_id,balance\n" + "".join(f"c{k},{k}.5\n" for k in range(20)))
    for _ in range(2):
        assert main(["describe", "b.csv", *words]) == 0
    assert sorted(file.name for file in folder.iterdir()) == ["b.csv"]
    out = capsys.readouterr().out
    assert str(folder) not in out
    if "--json" in words:
        assert json.loads(out.splitlines()[0])["scenario"] is None


def test_a_proposal_that_is_refused_is_bad_input(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "b.csv").write_text("customer_id,balance\n" + "c1,1.5\n" * 2 + "c2,3\n")
    assert main(["describe", "b.csv"]) == 2
    assert "b.yaml: written; it is refused as it stands" in capsys.readouterr().out
    assert main(["describe", "b.csv", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["refused"]


def test_an_unknown_option_points_to_the_help_of_its_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "b.csv", "--seperator", "comma"]) == 2
    assert "describe --help" in capsys.readouterr().err


def test_a_query_without_an_end_ends(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.population.book.forms import database

    monkeypatch.setattr(database, "LONGEST_QUERY", 0.2)
    with sqlite3.connect("b.sqlite") as made:
        made.execute("CREATE TABLE kunden (customer_id, balance)")
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS id, 1 AS aum FROM n"
    assert main(["describe", "b.sqlite", "--query", endless]) == 2
    assert "takes longer than" in capsys.readouterr().err
