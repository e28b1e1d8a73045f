"""How fast a customer book is read.

`python -m pytest tests/benchmarks/test_book_speed.py --benchmark-only -o addopts=`

A CSV of 1,000,000 rows and eight columns, and a workbook of 50,000. No test judges a time: machines differ. What is
judged are ratios: to the same rows read plainly by Arrow or openpyxl, and of four times the rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import csv as arrow_csv

from sim.population.book.book import Book, read_book

ROWS, SHEET_ROWS = 1_000_000, 50_000
AS_OF = date(2024, 12, 31)
TIERS = ["mass", "affluent"]
COLUMNS: dict[str, Any] = {
    "id": "id",
    "aum": "aum",
    "age": "age",
    "tenure_months": "since",
    "products": "products",
    "digital_active": "app",
    "tier": "segment",
    "income": "income",
}


def customers(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    since = np.datetime64("1990-01-01") + rng.integers(0, 12_000, rows).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "id": [f"C{k:08d}" for k in range(rows)],
            "aum": rng.lognormal(9, 1.5, rows).round(2),
            "age": rng.integers(18, 80, rows),
            "since": since.astype(str),
            "products": rng.integers(1, 6, rows),
            "app": rng.choice(["Y", "N"], rows),
            "segment": rng.choice(TIERS, rows),
            "income": rng.lognormal(11, 0.5, rows).round(0),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("books")
    frame = customers(ROWS)
    frame.to_csv(folder / "plain.csv", index=False)
    frame[:100_000].to_csv(folder / "tenth.csv", index=False)
    frame.rename(columns={"segment": "层级"}).to_csv(folder / "gb.csv", index=False, encoding="gb18030")
    frame[:SHEET_ROWS].to_excel(folder / "book.xlsx", index=False)
    frame["aum"] = [f"\u00a5{value:,.2f}" for value in frame["aum"]]
    frame.to_csv(folder / "money.csv", index=False, sep=";")
    return folder


def read(path: Path, **how: Any) -> Book:
    columns = COLUMNS | ({"tier": "层级"} if path.name == "gb.csv" else {})
    return read_book(path, columns, as_of=AS_OF, tiers=TIERS, **how)


@pytest.mark.parametrize("name", ["plain.csv", "gb.csv", "money.csv"])
def test_a_million_rows_of_text(benchmark: Any, folder: Path, name: str) -> None:
    decimal = "point" if name == "money.csv" else None
    book = benchmark.pedantic(lambda: read(folder / name, decimal=decimal), rounds=2, warmup_rounds=1)
    assert book.rows == ROWS


def test_fifty_thousand_rows_of_a_workbook(benchmark: Any, folder: Path) -> None:
    book = benchmark.pedantic(lambda: read(folder / "book.xlsx"), rounds=2, warmup_rounds=1)
    assert book.rows == SHEET_ROWS


def seconds(work: Callable[[], object]) -> float:
    """Of the processor, by the quicker of two."""
    took = []
    for _ in range(2):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return min(took)


@pytest.mark.long
def test_ten_times_the_rows_are_not_a_hundred_times_the_work(folder: Path) -> None:
    tenth, whole = seconds(lambda: read(folder / "tenth.csv")), seconds(lambda: read(folder / "plain.csv"))
    assert whole < 20 * tenth, (tenth, whole)


@pytest.mark.long
def test_checking_costs_no_more_than_reading_the_text_some_times_over(folder: Path) -> None:
    """Every cell is checked and every id hashed: some dozen times Arrow's parsing, twice in others."""
    bare = seconds(lambda: arrow_csv.read_csv(folder / "plain.csv"))
    plain, other = seconds(lambda: read(folder / "plain.csv")), seconds(lambda: read(folder / "gb.csv"))
    money = seconds(lambda: read(folder / "money.csv", decimal="point"))
    assert plain < 30 * bare, (bare, plain)
    assert other < 2 * plain, (plain, other)
    assert money < 3 * plain, (plain, money)


@pytest.mark.long
def test_a_workbook_is_read_in_the_time_of_its_library(folder: Path) -> None:
    import openpyxl

    def bare() -> int:
        book = openpyxl.load_workbook(folder / "book.xlsx", read_only=True, data_only=True)
        return sum(1 for _ in book.worksheets[0].iter_rows(values_only=True))

    library, whole = seconds(bare), seconds(lambda: read(folder / "book.xlsx"))
    assert whole < 2 * library, (library, whole)
