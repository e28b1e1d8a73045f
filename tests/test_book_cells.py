"""Money, shares and dates of a customer book as banks write them, and what of them is doubted or refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.errors import BadInput
from sim.population.book.book import Book, read_book
from sim.population.book.dates import months_between, years_between
from sim.population.book.forms import text

AS_OF = date(2024, 12, 31)


def wide(text: str) -> str:
    """The text in characters of full width, as Chinese exports have them."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


def book_of(folder: Path, field: str, cells: list[str], spec: dict[str, Any] | None = None, **how: Any) -> Book:
    rows = "id\tx\n" + "".join(f"c{k}\t{cell}\n" for k, cell in enumerate(cells))
    (folder / "b.csv").write_text(rows, "utf-8")
    mapped = {"column": "x", **(spec or {})}
    columns = {"id": "id", "aum": mapped} if field == "aum" else {"id": "id", "aum": {"column": "id2"}, field: mapped}
    if field != "aum":
        (folder / "b.csv").write_text(
            "id\tid2\tx\n" + "".join(f"c{k}\t1\t{cell}\n" for k, cell in enumerate(cells)), "utf-8"
        )
    return read_book(folder / "b.csv", columns, **how)


def refused(folder: Path, field: str, cells: list[str], spec: dict[str, Any] | None = None, **how: Any) -> list[str]:
    with pytest.raises(BadInput) as caught:
        book_of(folder, field, cells, spec, **how)
    return [str(mistake).removeprefix(str(folder) + "/") for mistake in caught.value.mistakes]


# Money


@pytest.mark.parametrize(
    ("cells", "decimal", "values"),
    [
        (["¥1234.5", "￥ 1234.5", "1234.5 元", "CNY1234.5", "rmb 1234.5", "1234.5CNY"], None, [1234.5] * 6),
        ([wide("1234.5"), wide("(7)"), "\u30005\u3000"], None, [1234.5, -7, 5]),  # full width
        (["(1200)", "1200-", "\u22121200", "-¥1200", "¥-1200", "(¥1200)", "¥(1200)"], None, [-1200] * 7),
        (["¥1,234.50", "1\u00a0234.5", "1'234.50 CNY", "1,234"], "point", [1234.5, 1234.5, 1234.5, 1234]),
        (["1.234,50 CNY", "1\u202f234,5", "1234,5 元", "-1.234,5"], "comma", [1234.5, 1234.5, 1234.5, -1234.5]),
        (["1E+05", "#N/A", "5"], None, [100000, None, 5]),
    ],
)
def test_money_is_read_as_banks_write_it(
    tmp_path: Path, cells: list[str], decimal: Any, values: list[float | None]
) -> None:
    book = book_of(tmp_path, "income", cells, {"missing": "impute", "shift": 2000.0}, decimal=decimal)
    assert book.income is not None
    assert [None if np.isnan(value) else value - 2000.0 for value in book.income] == values
    assert book.doubts == ()


def test_an_amount_in_another_currency_is_doubted_until_a_scale_is_given(tmp_path: Path) -> None:
    book = book_of(tmp_path, "aum", ["€5", "6 EUR", "7"])
    assert book.aum.tolist() == [5, 6, 7]
    assert book.form["currency"] == "EUR"
    (doubt,) = book.doubts
    assert doubt.path == "population.columns.aum"
    assert doubt.message == (
        "2 amounts of x are in EUR and read as so many CNY; population.currency_scale says what one EUR is in CNY"
    )
    assert book_of(tmp_path, "aum", ["€5", "6 EUR", "7"], currency_scale=7.8).doubts == ()
    assert book_of(tmp_path, "aum", ["€5", "6 EUR", "7"], currency="EUR").doubts == ()


def test_two_currencies_in_a_column_are_refused_with_their_counts(tmp_path: Path) -> None:
    (told,) = refused(tmp_path, "aum", ["€5", "$6", "7 EUR", "8 EUR", "9 USD", "1"])
    assert told == (
        "b.csv:3:4  x: the amounts are in more than one currency: EUR (3), USD (2) (lines 3, 6); every balance must be "
        "in one"
    )


def test_amounts_counted_in_ten_thousands_are_read_and_said(tmp_path: Path) -> None:
    cells = ["12.5万", "¥ 3亿", "3.2 億元", "-12.345萬", "(1.5万)", "0", wide("2") + "万元"]
    book = book_of(tmp_path, "aum", cells, {"shift": 1e6})
    assert (book.aum - 1e6).tolist() == [125_000, 3e8, 3.2e8, -123_450, -15_000, 0, 20_000]
    assert book.form["units"] == "万, 萬, 亿, 億"
    assert book.form["currency"] == "CNY"
    assert book.doubts == ()
    assert book_of(tmp_path, "aum", ["1.234,5万", "1,5亿"], decimal="comma").aum.tolist() == [12_345_000, 1.5e8]
    (doubt,) = book_of(tmp_path, "aum", ["12.5万", "3万", "8000", "0"]).doubts
    assert doubt.message == (
        "2 of the amounts of x are counted in 万 and 1 not; each is read as it stands, so 12.5万 is 125,000 and "
        "12.5 is 12.5"
    )
    for cell in ("12万8千", "3亿2万", "万", "12万%"):
        assert "1 row is not a number" in refused(tmp_path, "aum", [cell])[0]
    assert "1 row is not a number" in refused(tmp_path, "age", ["4万"])[0]


def test_a_sign_of_money_is_no_number_of_years(tmp_path: Path) -> None:
    (told,) = refused(tmp_path, "age", ["€40"])
    assert "1 row is not a number (line 2: '€40')" in told


@pytest.mark.parametrize("field", ["digital_affinity", "share_of_wallet"])
def test_percent_is_a_hundredth_where_a_share_is_wanted(tmp_path: Path, field: str) -> None:
    book = book_of(tmp_path, field, ["1.5%", "40 %", wide("100%")])
    assert getattr(book, field).tolist() == np.array([0.015, 0.4, 1.0], np.float32).tolist()
    book = book_of(tmp_path, field, ["1.5%", "40", "100"], {"scale": 0.01})
    assert getattr(book, field).tolist() == np.array([0.015, 0.4, 1.0], np.float32).tolist()
    (doubt,) = [doubt.message for doubt in book.doubts]
    assert doubt.startswith("1 number of x has a percent sign and 2 not")


# Dates


@pytest.mark.parametrize(
    ("cells", "spec", "order", "months"),
    [
        (
            ["2023-12-31", "2024-01-01", "2020-02-29 00:00:00", "2024-12-31T10:00"],
            {},
            "year-month-day",
            [12, 11, 58, 0],
        ),
        (["31.12.1998", "1.1.2000"], {}, "day-month-year", [312, 299]),
        (["31/12/1998", "1/2/2000"], {}, "day-month-year", [312, 298]),
        (["12/31/1998", "1/2/2000"], {}, "month-day-year", [312, 299]),
        (["01/02/2000", "03/04/2000"], {"format": "month-day-year"}, "month-day-year", [299, 297]),
        (["31-12-98", "05-06-07"], {}, "day-month-year", [312, 210]),
        (["19981231", "20000101"], {}, "year-month-day", [312, 299]),
        (["981231", "000101"], {"date": True}, "year-month-day", [312, 299]),
        (["31121998", "01022000"], {"format": "day-month-year"}, "day-month-year", [312, 298]),
        (["36160", "36526.5"], {"format": "excel"}, "excel", [312, 299]),
        (["36160", "36526"], {"date": True}, "excel", [312, 299]),
        (["1998年12月31日", "2000年1月1日"], {}, "year-month-day", [312, 299]),
        (["31-Dec-1998", "1 January 2000"], {}, "year-month-day", [312, 299]),
        (["1998-12", "2000-01"], {"date": True}, "year-month-day", [312, 299]),
        (["2024-12-31", "", "NA"], {"missing": "impute"}, "year-month-day", [0, None, None]),
    ],
)
def test_a_date_of_joining_becomes_whole_months(
    tmp_path: Path, cells: list[str], spec: dict[str, Any], order: str, months: list[int | None]
) -> None:
    book = book_of(tmp_path, "tenure_months", cells, spec, as_of=AS_OF)
    assert book.tenure_months is not None
    assert [None if np.isnan(value) else value for value in book.tenure_months] == months
    assert book.form["as_of"] == "2024-12-31"
    assert book.form["dates"] == f"x {order}"
    assert book.doubts == ()


def test_a_date_of_birth_becomes_an_age(tmp_path: Path) -> None:
    cells = ["1984-12-31", "1985-01-01", "2000-02-29", "2024-06-01"]
    book = book_of(tmp_path, "age", cells, as_of=AS_OF)
    assert book.age is not None
    assert book.age.tolist() == [40, 39, 24, 0]
    czech = book_of(tmp_path, "age", ["706213", "450204"], {"date": True}, as_of=date(1998, 12, 31))  # a woman, a man
    assert czech.age is not None
    assert czech.age.tolist() == [28, 53]


@pytest.mark.parametrize("name", ["b.parquet", "b.xlsx"])
def test_dates_with_a_type_need_no_format(tmp_path: Path, name: str) -> None:
    born = pd.to_datetime(["1984-12-31", "1985-01-01", None])
    frame = pd.DataFrame({"id": ["a", "b", "c"], "aum": [1.0, 2, 3], "born": born})
    path = tmp_path / name
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl")
        frame.to_excel(path, index=False)
    else:
        frame.to_parquet(path)
    columns = {"id": "id", "aum": "aum", "age": {"column": "born", "missing": "impute"}}
    book = read_book(path, columns, as_of=AS_OF)
    assert book.age is not None
    assert book.age[:2].tolist() == [40, 39]
    assert book.counts == {"age_missing": 1}
    with pytest.raises(BadInput, match=r"must hold numbers, or dates with population.as_of, the day of the book"):
        read_book(path, columns)


def test_a_day_that_may_be_a_month_is_doubted_and_said(tmp_path: Path) -> None:
    cells = ["01/02/2000", "03/04/2001"]
    (doubt,) = book_of(tmp_path, "tenure_months", cells, as_of=AS_OF).doubts
    assert doubt.message == (
        "no date of the column tells whether the day or the month stands first (01/02/2000); read as day-month-year; "
        "format: month-day-year reads the other, format: day-month-year says that it is right"
    )
    for order in ("day-month-year", "month-day-year"):
        assert book_of(tmp_path, "tenure_months", cells, {"format": order}, as_of=AS_OF).doubts == ()
    assert book_of(tmp_path, "tenure_months", ["01.02.2000"], as_of=AS_OF).doubts == ()  # points stand in days first


def test_dates_after_the_day_of_the_book_are_refused_or_raised_to_a_floor(tmp_path: Path) -> None:
    cells = ["2024-12-31", "2025-01-01", "2031-05-05", "9999-12-31"]
    (told,) = refused(tmp_path, "tenure_months", cells, as_of=AS_OF)
    assert told == (
        "b.csv:3:6  x: 3 rows are after the day of the book (2024-12-31) (lines 3, 4, 5; the first holds "
        "'2025-01-01'); every date must be at most that day"
    )
    book = book_of(tmp_path, "tenure_months", cells, {"floor": 0}, as_of=AS_OF)
    assert book.tenure_months is not None
    assert book.tenure_months.tolist() == [0] * 4
    assert book.counts == {"tenure_months_raised_to_floor": 3}


def test_what_is_no_date_among_dates_is_refused_by_line(tmp_path: Path) -> None:
    cells = ["2020-01-01", "2020-02-30", "soon", "2020-03-01", ""]
    no_date, empty = refused(tmp_path, "tenure_months", cells, as_of=AS_OF)
    assert empty.startswith("b.csv:6:6  x: 1 row is empty (line 6)")
    assert no_date.startswith("b.csv:3:6  x: 2 rows are no dates (lines 3, 4; the first holds '2020-02-30')")
    mixed = ["2020-01-01", "31/12/1998", "12/31/1998"]
    (told,) = refused(tmp_path, "tenure_months", mixed, as_of=AS_OF)
    assert "1 row is no date (line 4: '12/31/1998')" in told


def test_days_that_stand_for_unknown_are_named(tmp_path: Path) -> None:
    (told,) = refused(tmp_path, "age", ["1900-01-01", "1900-01-01", "1980-05-05"], as_of=AS_OF)
    assert "2 rows are above 120" in told
    assert "1900-01-01 (2 rows) looks like a code for unknown: leave such cells empty" in told
    (doubt,) = book_of(tmp_path, "tenure_months", ["1970-01-01", "1980-05-05"], as_of=AS_OF).doubts
    assert "1 row of x is 1970-01-01, which looks like a code for unknown and is read as a day" in doubt.message
    (told,) = refused(tmp_path, "age", ["1980", "1990", "2001"], as_of=AS_OF)
    assert told.endswith("; years of birth are mapped with scale: -1 and shift: 2024")


def test_dates_need_the_day_of_the_book(tmp_path: Path) -> None:
    (told,) = refused(tmp_path, "tenure_months", ["930101"], {"date": True})
    assert "population.columns.tenure_months: dates are counted to a day that is not given; population.as_of" in told
    with pytest.raises(BadInput, match="leave scale and shift out"):
        book_of(tmp_path, "age", ["930101"], {"date": True, "scale": 2.0}, as_of=AS_OF)
    assert book_of(tmp_path, "tenure_months", ["12", "30"], as_of=AS_OF).form.get("dates") is None


def test_a_column_that_begins_with_gaps_is_seen_to_hold_dates_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "BLOCK_BYTES", 1 << 12)  # so that the date comes in a later batch
    cells = [""] * 4_000 + ["2023-12-31"]
    book = book_of(tmp_path, "tenure_months", cells, {"missing": "impute"}, as_of=AS_OF)
    assert book.tenure_months is not None
    assert book.tenure_months[-1] == 12
    assert book.counts == {"tenure_months_missing": 4_000}


def test_whole_months_and_years_are_those_of_a_calendar() -> None:
    from dateutil.relativedelta import relativedelta

    rng = np.random.default_rng(5)
    days = np.datetime64("1930-01-01") + rng.integers(0, 34_000, 3000).astype("timedelta64[D]")
    for end in (date(2024, 2, 29), date(2023, 2, 28), date(2024, 5, 17)):
        months, years = months_between(days, end), years_between(days, end)
        for day, month, year in zip(days.astype(object), months, years, strict=True):
            if day > end:
                continue
            gap = relativedelta(end, day)  # which counts a month as whole on its last day
            assert month == gap.years * 12 + gap.months
            assert year == end.year - day.year - ((end.month, end.day) < (day.month, day.day))


def test_a_scenario_says_the_day_of_its_book(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.csv").write_text("id;aum;since;born\n1;5;31.12.2023;1.2.1980\n", "utf-8")
    (tmp_path / "s.yaml").write_text(
        "name: s\nmonths: 2\nseeds: [1]\npopulation:\n  source: book\n  file: b.csv\n  as_of: 2024-12-31\n"
        "  columns: {id: id, aum: aum, age: born, tenure_months: {column: since, format: day-month-year}}\n",
        "utf-8",
    )
    assert main(["validate", str(tmp_path / "s.yaml")]) == 0
    assert (
        "book: 1 customers, separator semicolon, encoding utf-8, decimal point, as_of 2024-12-31, dates born "
        "day-month-year, since day-month-year" in capsys.readouterr().out
    )
    (tmp_path / "s.yaml").write_text((tmp_path / "s.yaml").read_text("utf-8").replace("12-31", "13-31"), "utf-8")
    assert main(["validate", str(tmp_path / "s.yaml")]) == 2
    assert "s.yaml:7:10  population.as_of: '2024-13-31' is no day; one such as 2024-12-31" in capsys.readouterr().err
