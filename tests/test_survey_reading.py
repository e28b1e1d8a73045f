"""Answers are read as they were given, or refused at their cell: nothing is dropped unsaid."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.errors import BadInput
from sim.survey.instrument import Instrument
from sim.survey.reading import read_sheets
from sim.yaml_source import loads, validate

INSTRUMENT = """\
name: calm
languages: [en, zh]
scales:
  agree:
    from: 1
    to: 5
    labels:
      en: [strongly disagree, disagree, neither, agree, strongly agree]
      zh: [很不同意, 不同意, 一般, 同意, 很同意]
    unknown: [99]
constructs: {calm: {label: Calm}}
items:
  - {code: calm1, text: I am calm, scale: agree, construct: calm}
  - {code: calm2, text: I am not, scale: agree, construct: calm, reversed: true}
  - {code: app1, text: of users, scale: agree, asked_if: {user: ["yes"]}}
demographics:
  - {code: user, text: App?, choices: {"yes": {en: I do, zh: 是}, "no": {en: I do not, zh: 否}}}
"""
SHEETS = "respondent,user,calm1,calm2,app1\na,yes,5,1,4\nb,no,4,2,\nc,yes,1,5,3\n"


def instrument() -> Instrument:
    return validate(Instrument, loads(INSTRUMENT, file="instrument.yaml"))


def sheets(folder: Path, text: str | bytes, name: str = "answers.csv") -> tuple[pd.DataFrame, tuple[str, ...]]:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    read = read_sheets(file, instrument())
    return read.table, read.notes


def refused(folder: Path, text: str | bytes, name: str = "answers.csv") -> list[str]:
    with pytest.raises(BadInput) as error:
        sheets(folder, text, name)
    return str(error.value).replace(f"{folder}/", "").splitlines()


def test_answers_become_numbers_and_facts_stay_words(tmp_path: Path) -> None:
    table, notes = sheets(tmp_path, SHEETS)
    assert list(table) == ["respondent", "user", "calm1", "calm2", "app1"]
    assert table["user"].tolist() == ["yes", "no", "yes"]
    assert table["calm2"].tolist() == [1, 2, 5]  # as given: `Sheets.answers` turns what is reversed
    assert np.isnan(table["app1"][1])
    assert notes == ()
    assert read_sheets(tmp_path / "answers.csv", instrument()).answers()["calm2"].tolist() == [5, 4, 1]


def test_the_instrument_beside_the_answers_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "instrument.yaml").write_text(INSTRUMENT, encoding="utf-8")
    (tmp_path / "answers.csv").write_text(SHEETS, encoding="utf-8")
    assert read_sheets(tmp_path / "answers.csv").instrument == instrument()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_every_encoding_that_tools_write_is_read(tmp_path: Path, encoding: str) -> None:
    text = SHEETS.replace("yes", "是").replace("no", "否").replace("5", "很同意")
    table, notes = sheets(tmp_path, text.encode(encoding))
    assert table["user"].tolist() == ["yes", "no", "yes"]
    assert table["calm1"].tolist() == [5, 4, 1]
    assert any("given as words" in note for note in notes)
    assert any(note.startswith("read as") for note in notes) == (not encoding.startswith("utf-8"))


def test_accents_of_latin_1_are_not_taken_for_chinese(tmp_path: Path) -> None:
    text = "respondent,ville,calm1,calm2,app1\nJosé,Orléans,5,1,4\nRené,Sète,4,2,\n"
    table, notes = sheets(tmp_path, text.encode("cp1252"))
    assert table["respondent"].tolist() == ["José", "René"]
    assert "read as Windows-1252 (Latin 1), since it is not UTF-8" in notes


def test_chinese_headers_in_gb18030_are_named_in_messages(tmp_path: Path) -> None:
    text = "满意1,满意2,地区\n5,4,北方\n7,4,南方\n4,2,北方\n"
    (tmp_path / "答卷.csv").write_bytes(text.encode("gb18030"))
    scaled = validate(
        Instrument,
        loads(
            "name: zh\nscales: {five: {from: 1, to: 5}}\nconstructs: {满意: {label: 满意}}\nitems:\n"
            "  - {code: 满意1, text: 一, scale: five, construct: 满意}\n"
            "  - {code: 满意2, text: 二, scale: five, construct: 满意}\n"
        ),
    )
    with pytest.raises(
        BadInput, match=r"答卷\.csv:3:1  满意1: 7 off the scale \(1: line 3\); a whole number from 1 to 5"
    ):
        read_sheets(tmp_path / "答卷.csv", scaled)


def test_gzip_semicolons_parquet_and_excel_say_the_same(tmp_path: Path) -> None:
    plain, _ = sheets(tmp_path, SHEETS)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(SHEETS.replace(",", ";").encode()))
    frame = pd.read_csv(tmp_path / "answers.csv")
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    for name in ("a.csv.gz", "a.parquet", "a.xlsx"):
        read = read_sheets(tmp_path / name, instrument())
        pd.testing.assert_frame_equal(read.table, plain, obj=name)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "b,no,4,2,",
            "b,no,7,2,",
            "answers.csv:3:6  calm1: 7 off the scale (1: line 3); a whole number from 1 to 5, or empty",
        ),
        (
            "b,no,4,2,",
            "b,no,0,2,",
            "answers.csv:3:6  calm1: 0 off the scale (1: line 3); a whole number from 1 to 5, or empty",
        ),
        (
            "b,no,4,2,",
            "b,no,4.5,2,",
            "answers.csv:3:6  calm1: 4.5 off the scale (1: line 3); a whole number from 1 to 5, or empty",
        ),
        (
            "b,no,4,2,",
            "b,no,-99,2,",
            "answers.csv:3:6  calm1: -99 off the scale (1: line 3); a whole number from 1 to 5, or empty; "
            "if -99 means no answer, say unknown: [-99] of scale agree",
        ),
        (
            "b,no,4,2,",
            "b,no,agre,2,",
            "answers.csv:3:6  calm1: 'agre' is no answer (1: line 3); did you mean agree?; "
            "a whole number from 1 to 5, or empty, or a word of its labels",
        ),
        (
            "b,no",
            "a,no",
            "answers.csv:3:1  respondent: a: the respondent stands twice (1: line 3); "
            "each respondent once, or a column wave",
        ),
        ("calm2", "clam2", "answers.csv:1:23  clam2: unknown column, and one is missing; did you mean calm2?"),
        ("calm2", "calm1", "answers.csv:1:4  calm1: stands twice in the header; each column its own name"),
        (
            "b,no,4,2,\n",
            "b,no,4\n",
            "answers.csv:3:1  1 row with another number of values than the header (line 3; the first has 3); "
            "every row has 5",
        ),
        (
            "a,yes,5,1,4\nb,no,4,2,\n",
            "",
            "answers.csv  holds one sheet, which says nothing about anybody else; at least 2, and some 100 to say much",
        ),
        (
            "a,yes,5,1,4\nb,no,4,2,\nc,yes,1,5,3\n",
            "",
            "answers.csv  has a header and no sheets; at least 2, and some 100 to say much",
        ),
        (
            "5,1,4\nb,no,4,2,\nc,yes,1,5,3",
            ",,\nb,no,,,\nc,yes,,,",
            "answers.csv:1:1  no answers at all in 3 sheets; every item is empty",
        ),
        (
            "calm1,calm2,app1",
            "x,y,z",
            "answers.csv:1:1  none of the items of calm is a column; calm1, calm2, app1, or another --instrument",
        ),
    ],
)
def test_what_cannot_be_read_is_named_at_its_cell(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert old in SHEETS
    assert refused(tmp_path, SHEETS.replace(old, new, 1)) == [line]


def test_many_wrong_cells_are_counted_and_the_first_few_named(tmp_path: Path) -> None:
    rows = "".join(f"r{i},no,{6 if i % 2 else 3},2,\n" for i in range(20))
    (told,) = refused(tmp_path, "respondent,user,calm1,calm2,app1\n" + rows)
    assert told.startswith("answers.csv:3:7  calm1: 6 off the scale (10: lines 3, 5, 7, ...)")


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    text = SHEETS.replace("b,no,4,2,", "a,no,7,9,").replace("respondent,", "respondent,weight,")
    text = text.replace("a,yes", "a,1,yes").replace("a,no", "a,-1,no").replace("c,yes", "c,,yes")
    told = refused(tmp_path, text)
    assert [line.split("  ")[1].split(":")[0] for line in told] == ["respondent", "weight", "calm1", "calm2"]
    assert "'-1' is none (2: lines 3, 4); a number above 0" in told[1]


def test_the_same_person_may_answer_in_every_wave_arm_and_seed(tmp_path: Path) -> None:
    head, rows = SHEETS.split("\n", 1)
    waves = "".join(
        f"{arm},{seed},{wave},{row}\n" for arm in "xy" for seed in (1, 2) for wave in (0, 24) for row in rows.split()
    )
    table, _ = sheets(tmp_path, f"arm,seed,wave,{head}\n{waves}")
    assert len(table) == 24
    assert table["wave"].dtype == np.int64
    told = refused(tmp_path, f"arm,seed,wave,{head}\n{waves}x,1,24,a,no,1,1,\n")
    assert "a: the respondent stands twice within a wave (1: line 26); each respondent once within a wave" in told[0]


def test_what_is_read_all_the_same_is_noted(tmp_path: Path) -> None:
    text = "Remark,respondent,user,calm1,CALM2,app1\nx,a,I do,99,1,4\ny,b,maybe,4,1,5\n,c,no,agree,1,3\n,d,,,,\n"
    table, notes = sheets(tmp_path, text)
    assert table["calm1"].fillna(0).tolist() == [0, 4, 4, 0]
    assert table["user"].fillna("").tolist() == ["yes", "maybe", "no", ""]
    assert list(notes) == [
        "CALM2: read as calm2",
        "Remark: no item or demographic of calm, kept out",
        "user: 1 answer none of its choices, kept: 'maybe'",
        "calm1: 1 answer given as words or codes, read as points",
        "calm1: 1 answer for not known, taken as none",
        "calm1: everybody answered 4, so that it tells nobody apart",
        "calm2: everybody answered 1, so that it tells nobody apart",
        "1 sheet without any answer",
        "app1: 2 answers of people whom its skip rule leaves out, kept",
    ]


def test_a_weight_by_another_name_is_read_where_there_is_no_other(tmp_path: Path) -> None:
    lines = SHEETS.splitlines()
    text = "\n".join([lines[0] + ",wgt", *(f"{line},{i + 0.5}" for i, line in enumerate(lines[1:]))])
    table, notes = sheets(tmp_path, text)
    assert table["weight"].tolist() == [0.5, 1.5, 2.5]
    assert notes == ("wgt: read as weight",)
    both = "\n".join([lines[0] + ",wgt,weight", *(f"{line},{i + 0.5},1" for i, line in enumerate(lines[1:]))])
    table, notes = sheets(tmp_path, both)
    assert table["weight"].tolist() == [1, 1, 1]
    assert notes == ("wgt: no item or demographic of calm, kept out",)
    table, notes = sheets(tmp_path, text.replace("0.5", "0"))
    assert "weight" not in table
    assert notes == (
        "wgt: by its name a weight, not used; name the one that counts weight, a number above 0 in every row",
    )


def test_letters_before_a_number_are_the_codes_of_a_tool(tmp_path: Path) -> None:
    table, notes = sheets(tmp_path, "calm1,calm2\nA5,AO02\nA1,AO01\n")
    assert table["calm1"].tolist() == [5, 1]
    assert table["calm2"].tolist() == [2, 1]
    assert notes[-1] == "calm2: 2 answers given as words or codes, read as points"
    assert "'A6' is no answer (1: line 2)" in refused(tmp_path, "calm1,calm2\nA6,A2\n4,1\n")[0]


def test_an_item_without_a_column_was_not_asked(tmp_path: Path) -> None:
    table, notes = sheets(tmp_path, "calm1,calm2\n1,2\n2,1\n")
    assert list(table) == ["calm1", "calm2"]
    assert notes == ("1 item without a column, taken as not asked: app1",)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("none.csv", None, "there is no such file"),
        ("a.docx", b"x", "is of an unknown kind"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"PK\x03\x04zip", "is a zip or Excel file by its content"),
        ("a.csv", b"a,b\0c\n", "is binary, not text"),
        ("a.csv.gz", b"no gzip", "cannot be read"),
        ("a.parquet", b"nothing", "is not a Parquet file or is damaged"),
        ("a.xlsx", b"nothing", "is not an Excel file or is damaged"),
        ("a.csv", b'a,b\n1,"2\n3,4\n', "cannot be read on from here"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(tmp_path: Path, name: str, data: bytes | None, words: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput) as error:
        read_sheets(tmp_path / name, instrument())
    assert words in str(error.value)
    assert str(error.value).startswith(str(tmp_path / name))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("b,no,4,2,", "b,no,7,2,", ["answers.csv:3:6  calm1: 7 off the scale"]),
        (
            "b,no,4,2,",
            "a,no,7,2,x",
            ["respondent: a: the respondent stands twice", "calm1: 7 off", "app1: 'x' is no answer"],
        ),
        ("a,yes,5,1,4\nb,no,4,2,\n", "", ["answers.csv  holds one sheet"]),
        ("5,1,4\nb,no,4,2,\nc,yes,1,5,3", ",,\nb,no,,,\nc,yes,,,", ["answers.csv:1:1  no answers at all in 3 sheets"]),
        ("calm2", "clam2", ["answers.csv:1:23  clam2: unknown column, and one is missing; did you mean calm2?"]),
    ],
)
def test_the_command_line_refuses_bad_answers_a_line_each_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    said: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("instrument.yaml").write_text(INSTRUMENT, encoding="utf-8")
    Path("answers.csv").write_text(SHEETS.replace(old, new, 1), encoding="utf-8")
    assert main(["survey", "--analyse", "answers.csv"]) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == len(said)
    assert all(words in line for words, line in zip(said, lines, strict=True))
    assert captured.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.csv", "instrument.yaml"]


def test_the_command_line_refuses_an_instrument_that_does_not_fit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(INSTRUMENT.replace("reversed: true", "loading: -0.6"), encoding="utf-8")
    Path("answers.csv").write_text(SHEETS, encoding="utf-8")
    assert main(["survey", "--analyse", "answers.csv", "--instrument", "mine.yaml"]) == 2
    assert capsys.readouterr().err == (
        "mine.yaml:14:75  items[1].loading: -0.6 is not above 0; 0.6 with reversed: true\n"
    )
