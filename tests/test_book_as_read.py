"""How a customer book was read, as a user learns of it: from `validate`, on the terminal of `run`, in the manifest."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main
from sim.population.book.forms import base as book_file

ROOT = Path(__file__).parent.parent
PLAIN = "{id: cid, aum: bal}"
YES_25 = "id,bal,Churn\n" + "".join(f"c{i},100,{'Yes' if i % 4 == 0 else 'No'}\n" for i in range(100))
EUROPEAN = 'cid;age;ten;"Balance, EUR";prod\n' + "".join(f"{i};40;12;692.{176 + i};2\n" for i in range(5))
EUROPEAN_COLUMNS = '{id: cid, aum: "Balance, EUR", age: age, tenure_months: ten, products: prod}'


class Desk:
    """A folder with a book and a scenario, and what the program says to them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        self.folder, self.capsys = folder, capsys
        self.file = str(folder / "s.yaml")

    def scenario(self, book: str | bytes, columns: str = PLAIN, more: str = "", name: str = "book.csv") -> str:
        data = book.encode() if isinstance(book, str) else book
        (self.folder / name).write_bytes(data)
        text = f"name: s\nmonths: 2\nseeds: [1]\npopulation:\n  source: book\n  file: {name}\n  columns: {columns}\n"
        text += "" if "currency_scale" in more else "  currency_scale: 1.0\n"
        (self.folder / "s.yaml").write_text(text + more, "utf-8")
        return self.file

    def validate(self, book: str | bytes, columns: str = PLAIN, more: str = "", name: str = "book.csv") -> list[str]:
        """Lines of `validate` without the folder's path: stdout of a book in order, stderr of one refused."""
        code = main(["validate", self.scenario(book, columns, more, name)])
        told = self.capsys.readouterr()
        assert (told.out if code else told.err) == ""
        assert code in (0, 2)
        lines = (told.err if code else told.out).replace(f"{self.folder}/", "").splitlines()
        return lines if code else lines[1:]

    def manifest(self, *words: str) -> tuple[dict[str, object], str]:
        """The manifest's book of a run of the scenario, and the run's stderr."""
        out = self.folder / "out"
        assert main(["run", self.file, "--out", str(out), "--threads", "1", "--overwrite", *words]) == 0
        told = self.capsys.readouterr().err.replace(f"{self.folder}/", "")
        return json.loads((out / "manifest.json").read_text("utf-8"))["book"], told


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


# Labels


@pytest.mark.long
def test_what_became_of_each_word_is_said_with_counts_and_a_label_of_leavers_is_doubted(desk: Desk) -> None:
    words = "s.yaml: book: state from Churn: No is dormant (75), Yes is active (25)"
    told = desk.validate(YES_25, "{id: id, aum: bal, state: Churn}")
    assert told[:2] == ["s.yaml: book: 100 customers, separator comma, encoding utf-8, decimal point", words]
    (doubt,) = told[2:]
    assert doubt == (
        "s.yaml:7:38  population.columns.state: doubt: the column Churn sounds like customers who are gone, yet its "
        "Yes "
        "is read as active (25); inverted: true turns it round, inverted: false says it is right"
    )
    book, stderr = desk.manifest("--json")
    assert words in stderr.splitlines()
    assert doubt in stderr.splitlines()
    assert book["words"] == {
        "state": [{"word": "No", "means": "dormant", "rows": 75}, {"word": "Yes", "means": "active", "rows": 25}]
    }
    assert book["doubts"] == [doubt.split("  ", 1)[1].replace("doubt: ", "")]
    assert book["form"] == {"kind": "csv", "separator": "comma", "encoding": "utf-8", "decimal": "point"}
    _, quiet = desk.manifest("--quiet")
    assert quiet.splitlines() == [doubt]


@pytest.mark.long
@pytest.mark.parametrize("spec", ['{column: Churn, active: ["No"]}', "{column: Churn, inverted: true}"])
def test_a_label_can_be_turned_round(desk: Desk, spec: str) -> None:
    told = desk.validate(YES_25, f"{{id: id, aum: bal, state: {spec}}}")
    assert told[1:] == ["s.yaml: book: state from Churn: No is active (75), Yes is dormant (25)"]
    desk.manifest("--quiet")
    import pandas as pd

    monthly = pd.read_parquet(desk.folder / "out" / "monthly.parquet").query("month == 0")
    assert monthly.active.sum() > 60  # of 100, after a month


def test_a_doubt_is_silenced_by_saying_so(desk: Desk) -> None:
    told = desk.validate(YES_25, "{id: id, aum: bal, state: {column: Churn, inverted: false}}")
    assert told[1:] == ["s.yaml: book: state from Churn: No is dormant (75), Yes is active (25)"]


@pytest.mark.parametrize(
    ("column", "cells", "active", "doubted"),
    [
        *(
            (name, "1 0", None, True)
            for name in (
                "Exited",
                "churn_flag",
                "HasLeft",
                "Attrition",
                "is_closed",
                "CLOSED",
                "ChurnLabel",
                "lapsed",
                "流失标志",
            )
        ),
        *((name, "1 0", None, False) for name in ("IsActiveMember", "aleft", "disclosed", "status", "leftover")),
        ("Exited", "1 0", "[1]", True),
        ("Exited", "1 0", "[0]", False),
        ("Attrition_Flag", "Existing_Customer Attrited_Customer", "[Existing_Customer]", False),
        ("flag", "Existing_Customer Attrited_Customer", "[Attrited_Customer]", True),
        ("inactive", "no no", None, False),
    ],
)
def test_columns_of_those_who_left_are_known_by_their_names(
    desk: Desk, column: str, cells: str, active: str | None, doubted: bool
) -> None:
    book = f"id,bal,{column}\n" + "".join(f"{i},1,{cell}\n" for i, cell in enumerate(cells.split()))
    spec = f"{{column: {column}{f', active: {active}' if active else ''}}}"
    told = desk.validate(book, f"{{id: id, aum: bal, state: {spec}}}")
    assert (len(told) == 3) == doubted, told
    assert all("doubt" in line for line in told[2:])


def test_active_and_inverted_at_once_are_refused(desk: Desk) -> None:
    (told,) = desk.validate(YES_25, "{id: id, aum: bal, state: {column: Churn, inverted: true, active: [1]}}")
    assert told.startswith("s.yaml:7:38  population.columns.state: active lists what means active, so there is nothing")


def test_one_and_its_other_spellings_match_for_states_and_tiers(desk: Desk) -> None:
    book = "cid,bal,seg,act\n1,5,1,1\n2,5,1.0,1.0\n3,5,3,0\n4,5,03,0.0\n"
    for active in ("[1]", '["1"]', "[1.0]", "[true]"):
        for values in ("{1: wealth, 3: mass}", '{"1": wealth, "3": mass}', "{1.0: wealth, 3.0: mass}"):
            spec = f"{{id: cid, aum: bal, state: {{column: act, active: {active}}}, "
            told = desk.validate(book, spec + f"tier: {{column: seg, values: {values}}}}}")
            assert told[1:] == [
                "s.yaml: book: state from act: 0 is dormant (1), 0.0 is dormant (1), 1 is active (1), 1.0 is active "
                "(1)",
                "s.yaml: book: tier from seg: 03 is mass (1), 1 is wealth (1), 1.0 is wealth (1), 3 is mass (1)",
            ]
    (told,) = desk.validate(book, "{id: cid, aum: bal, tier: {column: seg, values: {1: mass, 1.0: wealth}}}")
    assert "1 and 1.0 are the same number; one of the two" in told


def test_numbers_of_a_parquet_column_are_tiers_too(desk: Desk) -> None:
    import pandas as pd

    pd.DataFrame({"cid": [1, 2, 3], "bal": [1.0, 2.0, 3.0], "seg": [1.0, 2.0, 1.0]}).to_parquet(
        desk.folder / "b.parquet"
    )
    data = (desk.folder / "b.parquet").read_bytes()
    columns = "{id: cid, aum: bal, tier: {column: seg, values: {1: wealth, 2: mass}}}"
    told = desk.validate(data, columns, name="b.parquet")
    assert told == ["s.yaml: book: 3 customers", "s.yaml: book: tier from seg: 1 is wealth (2), 2 is mass (1)"]
    (told_,) = desk.validate(data, columns, "  separator: comma\n", name="b.parquet")
    assert "b.parquet is a Parquet file and has no separator" in told_


def test_a_column_of_many_words_is_told_by_the_listed_ones_alone(desk: Desk) -> None:
    book = "cid,bal,name\n" + "".join(f"{i},5,{'yes' if i % 2 else f'secret{i}'}\n" for i in range(40))
    told = desk.validate(book, "{id: cid, aum: bal, state: {column: name, active: [yes]}}")
    assert told[1:] == ["s.yaml: book: state from name: yes is active (20), other words: dormant (20)"]
    book_, _ = desk.manifest("--quiet")
    assert "secret" not in json.dumps(book_)


# Separators and decimals


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_separator_is_found_outside_quotes_and_said(desk: Desk, mark: str) -> None:
    name = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[mark]
    odd = '"' + "".join(other * 9 for other in ",;\t|" if other != mark) + ' ""so"""'  # in every row
    rows = ("cid", "age", "ten", '"Bal, EUR; a|b\tc"', "note"), ("1", "40", "12", "5", odd), ("2", "41", "12", "6", odd)
    book = "\n".join(mark.join(row) for row in rows)
    columns = r'{id: cid, aum: "Bal, EUR; a|b\tc"}'
    assert desk.validate(book, columns) == [
        f"s.yaml: book: 2 customers, separator {name}, encoding utf-8, decimal point"
    ]
    assert desk.validate(book, columns, f"  separator: {name}\n")
    form = {"kind": "csv", "separator": name, "encoding": "utf-8", "decimal": "point"}
    assert desk.manifest("--quiet")[0]["form"] == form


def test_a_separator_that_is_not_there_is_refused(desk: Desk) -> None:
    assert desk.validate("cid|bal\n1|5\n", more="  separator: comma\n") == [
        "s.yaml:9:14  population.separator: the header of book.csv has no comma; its values look separated by bar"
    ]


def test_a_sweeps_list_takes_every_separator(desk: Desk) -> None:
    for mark in ",;\t|":
        (desk.folder / "points.csv").write_text(
            mark.join(("discount_rate", "months")) + f"\n0.05{mark}12\n0.1{mark}24\n"
        )
        (desk.folder / "s.yaml").write_text("name: s\nsweep: {design: list, file: points.csv}\n", "utf-8")
        assert main(["validate", desk.file]) == 0, mark
        assert "2 points" in desk.capsys.readouterr().out


def test_amounts_that_all_look_like_thousands_are_doubted_and_read_by_decimal_comma(desk: Desk) -> None:
    form, doubt = desk.validate(EUROPEAN, EUROPEAN_COLUMNS)
    assert form == "s.yaml: book: 5 customers, separator semicolon, encoding utf-8, decimal point"
    assert doubt == (
        's.yaml:7:27  population.columns.aum: doubt: all amounts of "Balance, EUR" look like 1.234, read as 1.234 and '
        "not as 1,234; if the point marks thousands, population.decimal: comma reads 1,234, decimal: point says that "
        "it is right"
    )
    assert len(desk.validate(EUROPEAN, EUROPEAN_COLUMNS, "  decimal: point\n")) == 1
    assert len(desk.validate(EUROPEAN, EUROPEAN_COLUMNS, "  decimal: comma\n")) == 1
    book, _ = desk.manifest("--quiet")
    assert book["form"] == {"kind": "csv", "separator": "semicolon", "encoding": "utf-8", "decimal": "comma"}
    import pandas as pd

    monthly = pd.read_parquet(desk.folder / "out" / "monthly.parquet").query("month == 0")
    assert 2e6 < monthly.aum.sum() < 6e6  # five customers of 692,176


@pytest.mark.parametrize("cell", ["692.17", "1692.176", "0.176", "692"])
def test_one_amount_that_looks_otherwise_takes_the_doubt_away(desk: Desk, cell: str) -> None:
    book = "cid;bal\n1;692.176\n" + f"2;{cell}\n"
    assert len(desk.validate(book)) == 1


@pytest.mark.parametrize(
    ("decimal", "cells"),
    [
        ("comma", ("1.234,5", "1234,5", "+1 234,50", "1'234,5", "1.234,5e0")),
        ("point", ("1,234.5", "1234.5", "1 234.50")),
    ],
)
def test_thousands_are_read_where_the_decimal_is_said(desk: Desk, decimal: str, cells: tuple[str, ...]) -> None:
    from sim.population.book.book import read_book

    book = "cid|bal\n" + "".join(f"{i}|{cell}\n" for i, cell in enumerate(cells))
    assert len(desk.validate(book, more=f"  decimal: {decimal}\n")) == 1
    read = read_book(desk.folder / "book.csv", {"id": "cid", "aum": "bal"}, decimal=decimal)  # type: ignore[arg-type]
    assert read.aum.tolist() == [1234.5] * len(cells)
    wrong = "12.5" if decimal == "comma" else "12,5"
    (told,) = desk.validate(f"cid|bal\n1|{wrong}\n", more=f"  decimal: {decimal}\n")
    written = "1.234,5" if decimal == "comma" else "1234.5"
    other = "point reads 1,234.5" if decimal == "comma" else "comma reads 1.234,5"
    assert told == (
        f"book.csv:2:3  bal: 1 row is not a number (line 2: '{wrong}'); every balance must be a number, "
        f"written as in {written}; population.decimal: {other}"
    )


@pytest.mark.parametrize(
    ("cells", "decimal", "values"),
    [
        (("1,234.5", "1,234", "7", "0.5"), "point (found)", [1234.5, 1234, 7, 0.5]),
        (("1,234,567", "¥12.5"), "point (found)", [1234567, 12.5]),
        (("1.234,5", "1.234", "7", "12,5"), "comma (found)", [1234.5, 1234, 7, 12.5]),
        (("692.176", "12,5"), "comma (found)", [692176, 12.5]),
        (("1 234,50 €", "0,123"), "comma (found)", [1234.5, 0.123]),
        (("1'234.50", "5"), "point (found)", [1234.5, 5]),
    ],
)
@pytest.mark.parametrize("rows", [1, 40_000])
def test_a_mark_before_decimals_that_can_only_be_one_is_found_and_said(
    desk: Desk, cells: tuple[str, ...], decimal: str, values: list[float], rows: int
) -> None:
    from sim.population.book.book import read_book

    before = [f"x{k}|1" for k in range(rows)]  # another batch
    path = desk.folder / "book.csv"
    path.write_text("\n".join(["cid|bal", *before, *(f"{k}|{cell}" for k, cell in enumerate(cells))]) + "\n", "utf-8")
    read = read_book(path, {"id": "cid", "aum": "bal"}, currency="EUR" if "€" in cells[0] else "CNY")
    assert read.aum[rows:].tolist() == values
    assert read.form["decimal"] == decimal
    assert read.doubts == ()


def test_a_column_that_is_read_by_the_marks_of_another_is_doubted(desk: Desk) -> None:
    book = "cid|bal|pay\n1|12,5|692.176\n2|7|1.250\n"
    said = desk.validate(book, "{id: cid, aum: bal, income: pay}")
    assert said[0] == ("s.yaml: book: 2 customers, separator bar, encoding utf-8, decimal comma (found)")
    assert (
        "all amounts of pay look like 1.234, read as 1,234 and not as 1.234, since other numbers have a comma"
        in said[1]
    )
    assert len(desk.validate(book, "{id: cid, aum: bal, income: pay}", "  decimal: comma\n")) == 1
    (told,) = desk.validate(
        book.replace("7|1.250", "7|1.25"), "{id: cid, aum: bal, income: pay}"
    )  # 1.25 is by no comma
    assert "1 row is not a number (line 2: '12,5')" in told
    told, other = desk.validate("cid|bal|pay\n1|1,234.5|0,5\n", "{id: cid, aum: bal, income: pay}")
    assert "population.decimal: point reads 1,234.5" in told
    assert "population.decimal: comma reads 1.234,5" in other


# A title above the header


@pytest.mark.parametrize(
    ("book", "line"),
    [
        ("Report of 2024\nall rights, reserved\n\ncid,bal\n1,5\n", 4),
        ("Report of 2024,,\ncid,bal,x\n1,5,a\n", 2),
        ("Report of 2024\ncid;bal\n1;5\n", 2),
    ],
)
def test_a_header_below_a_title_is_found_and_said_and_lines_are_those_of_the_file(
    desk: Desk, book: str, line: int
) -> None:
    assert f"header line {line} (found)" in desk.validate(book)[0]
    (told,) = desk.validate(book.replace("5", "-5"))
    assert told.startswith(f"book.csv:{line + 1}:3  bal: 1 row is negative (line {line + 1})")


def test_a_header_that_is_named_is_read_from_there(desk: Desk) -> None:
    book = "Report,2024\ncid,bal\n1,5\n"
    assert "header line 2," in f"{desk.validate(book, more='  header: 2' + chr(10))[0]},"
    assert "has nothing on line 9, which header names" in desk.validate(book, more="  header: 9\n")[0]


@pytest.mark.parametrize("book", ["cid,\n1,5\n", "cid,\na,b\nc,d\n"])
def test_a_header_with_a_name_left_out_is_the_header(desk: Desk, book: str) -> None:
    assert '(it has cid, "")' in desk.validate(book)[0]


# What is refused says how to go on


@pytest.mark.parametrize(
    ("book", "columns", "expected"),
    [
        (
            "Report,2024\nall rights, reserved\n\ncid,bal\n1,5\n",
            PLAIN,
            "book.csv:4:1  the header stands here, below a notice; population.header: 4 reads on from it",
        ),
        (
            "bal,x\n5,1\n",
            "{aum: bal}",
            "s.yaml:7:3  population.columns.id: missing; a column's name, or row to number the rows of a book that "
            "has no such column",
        ),
        (
            "cid,Balance EUR, age\n1,5,6\n",
            "{id: cid, aum: balance eur}",
            "s.yaml:7:27  population.columns.aum: book.csv has no column 'balance eur'; did you mean \"Balance EUR\"? "
            "(it has "
            'cid, "Balance EUR", " age")',
        ),
        (
            "cid,bal,since\n1,5,2019-03-01\n",
            "{id: cid, aum: bal, tenure_months: since}",
            "book.csv:2:5  since: 1 row is not a number (line 2: '2019-03-01'); every tenure must be a number, written "
            "as in "
            "1234.5; population.as_of: the day of the book reads a date, such as as_of: 2024-12-31",
        ),
        (
            "cid,bal\n1,1200u\n",
            PLAIN,
            "book.csv:2:3  bal: 1 row is not a number (line 2: '1200u'); every balance must be a number, written as in "
            "1234.5; "
            "take what is no digit out of the column",
        ),
        (
            "cid,bal,w\n1,5,40%\n",
            "{id: cid, aum: bal, age: w}",
            "book.csv:2:5  w: 1 row is not a number (line 2: '40%'); every age must be a number, written "
            "as in "
            "1234.5; a percent sign is read where a share is wanted; take it out here",
        ),
        (
            "cid;bal\n1;1.234,5\n2;1,234.5\n",
            PLAIN,
            "book.csv:2:3  bal: 2 rows are not numbers (lines 2, 3; the first holds '1.234,5'); every balance must be "
            "a number, written as in 1234.5; population.decimal: comma reads 1.234,5",
        ),
        (
            "cid;bal\n1;1,234\n",
            PLAIN,
            "book.csv:2:3  bal: 1 row is not a number (line 2: '1,234'); every balance must be a number, written as in "
            "1234.5; "
            "population.decimal: comma takes this comma for a decimal one, point for one between thousands",
        ),
    ],
)
def test_a_message_names_the_line_and_the_remedy(desk: Desk, book: str, columns: str, expected: str) -> None:
    assert desk.validate(book, columns) == [expected]


def test_rows_are_numbered_where_a_book_has_no_id(desk: Desk) -> None:
    assert desk.validate("bal,x\n5,1\n6,1\n", "{id: row, aum: bal}") == [
        "s.yaml: book: 2 customers, separator comma, encoding utf-8, decimal point"
    ]
    book, _ = desk.manifest("--quiet")
    assert book["read"] == {"id": "(number of the row)", "aum": "bal"}
    from sim.population.book.book import read_book, uid_of

    read = read_book(desk.folder / "book.csv", {"id": "row", "aum": "bal"})
    assert read.id.tolist() == ["1", "2"]
    assert read.uid.tolist() == uid_of(["1", "2"]).tolist()
    (told,) = desk.validate("row,bal\n7,5\n7,5\n", "{id: row, aum: bal}")
    assert "1 row has the id of an earlier row" in told  # a column of that name is that column


@pytest.mark.parametrize(
    ("cells", "hint"),
    [
        (("12,0.4", "-999999,-999999", "13,0.5"), "code"),
        (("12,0.4", "9999,99999", "13,0.5"), "code"),
        (("3650,40", "720,15", "1500,100"), "scale"),
        (("3650,40", "-720,-15", "13,0.5"), None),
        (("1e9,4000", "720,15", "13,0.5"), None),
    ],
)
def test_a_hint_is_given_only_where_it_fits_all_values(desk: Desk, cells: tuple[str, ...], hint: str | None) -> None:
    book = "cid,bal,ten,w\n" + "".join(f"{i},5,{cell}\n" for i, cell in enumerate(cells))
    told = desk.validate(book, "{id: cid, aum: bal, tenure_months: ten, share_of_wallet: w}")
    hints = [line.split("; every ")[1].split("; ")[1:] for line in told]
    if hint is None:
        assert hints == [[]] * len(told)
    elif hint == "scale":
        assert hints == [["days are mapped with scale: 0.0328542"], ["percent are mapped with scale: 0.01"]]
    else:
        assert len(hints) == 2
        assert all("(1 row) looks like a code for unknown: leave such cells empty" in one for (one,) in hints)
    if hint == "scale":  # and it is right
        columns = "{id: cid, aum: bal, tenure_months: {column: ten, scale: 0.0328542}, "
        columns += "share_of_wallet: {column: w, scale: 0.01}}"
        assert len(desk.validate(book, columns)) == 1


def test_a_balance_that_is_a_code_is_not_proposed_to_be_nothing(desk: Desk) -> None:
    assert desk.validate("cid,bal\n1,5\n2,-999999\n") == [
        "book.csv:3:3  bal: 1 row is negative (line 3); every balance must be at least 0 CNY; -999999 (1 row) looks "
        "like a "
        "code for unknown: put the balance there, or leave such customers out"
    ]


# Sizes


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("head", [b"", b"cid,bal\n1,5\n"], ids=["first line", "later row"])
def test_a_gzip_of_two_gigabytes_in_one_line_is_refused_in_little_memory(tmp_path: Path, head: bytes) -> None:
    member = gzip.compress(b"1" * (1 << 26), compresslevel=6)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(head) + member * 32)
    assert (tmp_path / "bomb.csv.gz").stat().st_size < 2.2e6
    (tmp_path / "s.yaml").write_text(
        f"name: s\npopulation: {{source: book, file: bomb.csv.gz, columns: {PLAIN}}}\n", "utf-8"
    )
    code = (
        "import sys\nfrom pathlib import Path\nfrom sim.cli import main\ncode = main(['validate', 's.yaml'])\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.returncode == 2
    assert int(done.stdout) * 1024 < 600e6  # Arrow and pandas alone take 200; a child's ru_maxrss counts its parent too
    assert done.stderr.splitlines() == [
        "bomb.csv.gz:3:1  the row that starts here is too long; a row may have 4,194,304 characters"
        if head
        else "bomb.csv.gz:1:1  the first line is longer than 1,048,576 characters; it must be the header"
    ]


def test_a_book_without_end_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.population.book import reading as book_reading

    book = "cid,bal\n" + "".join(f"{i},5\n" for i in range(2_000))
    monkeypatch.setattr(book_file, "MOST_BYTES", 10_000)
    (told,) = desk.validate(gzip.compress(book.encode()), name="book.csv.gz")
    assert told.endswith("unpacks to more than 0 GB; a book may have as much")
    monkeypatch.undo()
    monkeypatch.setattr(book_reading, "MOST_ROWS", 1_000)
    (told,) = desk.validate(book)
    assert told.endswith("has more than 1,000 customers; a book may have as many")


def test_a_gzip_bomb_of_blank_lines_is_refused(desk: Desk) -> None:
    (told,) = desk.validate(gzip.compress(b"\n" * (1 << 21)), name="book.csv.gz")
    assert told == "book.csv.gz:1:1  begins with more than a million blanks; a book begins with its header"
