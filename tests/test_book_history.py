"""A monthly history is a book by its last month, and a panel for calibration by all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.errors import BadInput
from sim.population.book.book import read_book
from sim.population.book.history import read_history

COLUMNS: dict[str, Any] = {"id": "id", "aum": "aum", "products": {"column": "n", "floor": 1}}
# b leaves after the second month, c joins in the second, d is away in between
ROWS = (
    ("2015-01-28", "a", 10, 1), ("2015-01-28", "b", 20, 2), ("2015-01-28", "d", 40, 0), ("2015-02-28", "a", 11, 1),
    ("2015-02-28", "b", 21, 2), ("2015-02-28", "c", 31, 3), ("2015-03-28", "a", 12, 1), ("2015-03-28", "c", 32, 4),
    ("2015-03-28", "d", 42, 2),
)  # fmt: skip


def written(folder: Path, rows: Any = ROWS, name: str = "h.csv") -> Path:
    lines = ("month,id,aum,n", *(",".join(map(str, row)) for row in rows))
    (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
    return folder / name


def refused(path: Path, columns: Any = None, month: str = "month") -> list[str]:
    with pytest.raises(BadInput) as caught:
        read_book(path, columns or COLUMNS, month=month)
    return [str(mistake).removeprefix(f"{path.parent}/") for mistake in caught.value.mistakes]


def test_the_last_month_is_the_book(tmp_path: Path) -> None:
    book = read_book(written(tmp_path), COLUMNS, month="month")
    assert book.id.tolist() == ["a", "c", "d"]
    assert book.aum.tolist() == [12, 32, 42]
    assert book.products is not None
    assert book.products.tolist() == [1, 4, 2]
    assert book.form["history"] == "3 months (2015-01 to 2015-03; 1 customer gone before the last)"
    assert book.counts == {"history_customers": 4, "history_gone": 1}
    (doubt,) = book.doubts
    assert doubt.path == "population.history.month"
    assert doubt.message == "1 customer is away for a month or more and come back"


def test_what_came_before_is_a_panel_in_which_those_who_left_are_absent(tmp_path: Path) -> None:
    history = read_history(written(tmp_path), COLUMNS, month="month")
    frame = history.frame
    assert history.months == ("2015-01", "2015-02", "2015-03")
    assert list(frame.columns) == ["id", "month", "present", "aum", "products"]
    nan = np.nan
    expected = [
        ("a", 0, True, 10, 1), ("a", 1, True, 11, 1), ("a", 2, True, 12, 1),
        ("b", 0, True, 20, 2), ("b", 1, True, 21, 2), ("b", 2, False, nan, nan),
        ("d", 0, True, 40, 1), ("d", 1, False, nan, nan), ("d", 2, True, 42, 2),
        ("c", 1, True, 31, 3), ("c", 2, True, 32, 4),
    ]  # fmt: skip
    pd.testing.assert_frame_equal(frame, pd.DataFrame(expected, columns=list(frame.columns)), check_dtype=False)


@pytest.mark.parametrize(
    ("spelt", "labels"),
    [
        (("2015-01", "2015-02", "2015-03"), ("2015-01", "2015-02", "2015-03")),
        (("201501", "201502", "201503"), ("2015-01", "2015-02", "2015-03")),
        (("2015年1月", "2015年2月", "2015年3月"), ("2015-01", "2015-02", "2015-03")),
        (("20150131", "20150228", "20150331"), ("2015-01", "2015-02", "2015-03")),
        (("31.01.2015", "28.02.2015", "31.03.2015"), ("2015-01", "2015-02", "2015-03")),
        (("4", "5", "6"), ("4", "5", "6")),
    ],
)
def test_months_are_read_as_banks_write_them(tmp_path: Path, spelt: tuple[str, ...], labels: tuple[str, ...]) -> None:
    known = dict(zip(("2015-01-28", "2015-02-28", "2015-03-28"), spelt, strict=True))
    history = read_history(written(tmp_path, [(known[row[0]], *row[1:]) for row in ROWS]), COLUMNS, month="month")
    assert history.months == labels
    assert history.frame["month"].tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 1, 2]


def test_a_pair_that_is_there_twice_is_named(tmp_path: Path) -> None:
    (told,) = refused(written(tmp_path, [*ROWS, ROWS[1], ROWS[4]]))
    assert told == (
        "h.csv:11:1  month: 2 rows have the customer and month of another row (lines 11, 12); every pair must be there "
        "once"
    )


def test_a_row_of_no_month_is_named_and_a_month_without_rows_doubted(tmp_path: Path) -> None:
    (told,) = refused(written(tmp_path, [*ROWS, ("spring", "z", 1, 1)]))
    assert told.startswith("h.csv:11:1  month: 1 row is of no month (line 11; the first holds 'spring')")
    (told,) = refused(written(tmp_path, [*ROWS, ("", "z", 1, 1)]))
    assert "the first holds nothing" in told
    rows = [("2015-07-28", *row[1:]) if row[0].startswith("2015-03") else row for row in ROWS]
    history = read_history(written(tmp_path, rows), COLUMNS, month="month")
    assert history.frame["month"].max() == 6
    assert "no row is of 4 months in between (2015-03, 2015-04, 2015-05, ...)" in history.doubts[0]


def test_a_mistake_in_the_last_month_has_its_own_line_and_one_before_is_no_books(tmp_path: Path) -> None:
    rows = list(ROWS)
    rows[7] = ("2015-03-28", "c", -32, 4)
    (told,) = refused(written(tmp_path, rows))
    assert told.startswith("h.csv:9:14  aum: 1 row is negative (line 9)")
    rows = list(ROWS)
    rows[0] = ("2015-01-28", "a", -10, 1)
    assert read_book(written(tmp_path, rows), COLUMNS, month="month").rows == 3
    with pytest.raises(BadInput, match=r"1 row is negative \(line 2\)"):
        read_history(written(tmp_path, rows), COLUMNS, month="month")


def test_a_month_is_a_column_that_is_there(tmp_path: Path) -> None:
    (told,) = refused(written(tmp_path), month="monht")
    assert "population.history.month: h.csv has no column 'monht'; did you mean month?" in told


def test_tenure_from_dates_is_that_of_each_month(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"m": ["2015-01", "2015-02", "2015-03"], "id": ["a"] * 3, "aum": [1.0] * 3, "since": ["2014-03-31"] * 3}
    )
    columns = {"id": "id", "aum": "aum", "tenure_months": "since"}
    assert read_history(frame, columns, month="m").frame["tenure_months"].tolist() == [10, 11, 12]
    book = read_book(frame, columns, month="m")  # the end of the last month is the day of the book
    assert book.form["as_of"] == "2015-03-31"
    assert book.tenure_months is not None
    assert book.tenure_months.tolist() == [12]


def test_a_scenario_lives_on_from_the_last_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path)
    (tmp_path / "s.yaml").write_text(
        "name: s\nmonths: 2\nseeds: [1]\npopulation:\n  source: book\n  file: h.csv\n  history: {month: month}\n"
        "  columns: {id: id, aum: aum, products: {column: n, floor: 1}}\n",
        "utf-8",
    )
    assert main(["validate", str(tmp_path / "s.yaml")]) == 0
    told = capsys.readouterr().out
    assert "separator comma, encoding utf-8, decimal point, history 3 months (2015-01 to 2015-03; 1 customer" in told
    assert main(["run", str(tmp_path / "s.yaml"), "--out", str(tmp_path / "out"), "--quiet", "--threads", "1"]) == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["book"]["rows"] == 3
    assert manifest["book"]["counts"] == {"history_customers": 4, "history_gone": 1}
