"""What is read against its looks is said: ids taken for numbers, blanks among numbers, headers of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim.errors import BadInput
from sim.population.book.book import read_book

COLUMNS = {"id": "id", "aum": "aum"}


def doubts(folder: Path, ids: list[str], name: str = "b.csv") -> list[str]:
    path = folder / name
    if name.endswith("csv"):
        path.write_text("id,aum\n" + "".join(f"{one},1\n" for one in ids), "utf-8")
    else:
        pytest.importorskip("openpyxl")
        pd.DataFrame({"id": [int(one) for one in ids], "aum": 1.0}).to_excel(path, index=False)
    return [doubt.message for doubt in read_book(path, COLUMNS).doubts]


def test_ids_in_short_form_are_doubted_with_their_lines(tmp_path: Path) -> None:
    (doubt,) = doubts(tmp_path, ["C1", "1E+05", "x", "1.2E+05"])
    assert doubt.startswith("2 ids of id look like a number in short form such as 1E+05 (lines 3, 5): a spreadsheet")
    assert doubts(tmp_path, ["C1", "E5", "1E", "12E+", "A1E+05"]) == []


def test_ids_with_a_point_are_doubted(tmp_path: Path) -> None:
    (doubt,) = doubts(tmp_path, ["1.0", "2.0", "3.0"])
    assert doubt.startswith("3 ids of id end in .0: ids were taken for numbers")


@pytest.mark.parametrize(
    ("ids", "doubted"),
    [
        ([f"{10_000_000 + 7919 * k}" for k in range(90)] + ["712345", "81234"], True),
        ([f"{10_000_000 + 7919 * k}" for k in range(90)] + ["00712345"], False),  # the zeros are there
        ([str(k) for k in range(1, 101)], False),  # they count customers
        ([str(k) for k in range(99_000, 101_000)], False),
        ([str(k) for k in range(9_800, 14_000)], False),
        ([f"{10_000_000 + 7919 * k}" for k in range(90)], False),
        ([f"{10_000_000 + 7919 * k}" for k in range(90)] + ["C12345"], False),
    ],
)
@pytest.mark.parametrize("name", ["b.csv", "b.xlsx"])
def test_zeros_that_may_be_lost_are_doubted(tmp_path: Path, ids: list[str], doubted: bool, name: str) -> None:
    if name == "b.xlsx" and not all(one.isdigit() and one[0] != "0" for one in ids):
        pytest.skip("text in a workbook is as in a CSV")
    found = doubts(tmp_path, ids, name)
    assert bool(found) == doubted
    if doubted:
        assert found[0].startswith("2 ids of id have fewer than the 8 digits of the others: zeros before them may be")


def test_long_ids_of_a_workbook_have_lost_digits(tmp_path: Path) -> None:
    (doubt,) = doubts(tmp_path, ["1234567890123450", "1234567890123460"], "b.xlsx")
    assert doubt.startswith("2 ids of id are numbers of more than 15 digits, of which a workbook keeps as many")
    assert doubts(tmp_path, ["1234567890123450", "1234567890123460"]) == []


def test_blanks_among_numbers_say_how_to_impute(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("id,aum,TotalCharges\n1,5,29.85\n2,6, \n3,7,\n", "utf-8")
    columns: dict[str, Any] = COLUMNS | {"income": "TotalCharges"}
    with pytest.raises(BadInput) as caught:
        read_book(tmp_path / "b.csv", columns)
    (told,) = caught.value.mistakes
    assert told.message == (
        "2 rows are empty (lines 3, 4); every income must be given, or is imputed if mapped with missing: impute"
    )
    columns["income"] = {"column": "TotalCharges", "missing": "impute"}
    assert read_book(tmp_path / "b.csv", columns).counts == {"income_missing": 2}


@pytest.mark.parametrize(
    "header",
    [
        "客户号,期末资产",
        "\ufeff客户号,期末资产",
        '"Customer no."," Balance (EUR) "',
        '"Customer\nno","Balance, EUR"',
        "id,Σύνολο €",
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_headers_of_every_kind_are_named_as_they_stand(tmp_path: Path, header: str, codec: str) -> None:
    (tmp_path / "b.csv").write_bytes((header + "\n7,1.5\n8,x\n").encode(codec))
    first, second = ("id", "Σύνολο €") if header.startswith("id") else ("客户号", "期末资产")
    if header.startswith('"Customer no'):
        first, second = "Customer no.", " Balance (EUR) "
    elif header.startswith('"'):
        first, second = "Customer\nno", "Balance, EUR"
    with pytest.raises(BadInput) as caught:
        read_book(tmp_path / "b.csv", {"id": first, "aum": second})
    (told,) = caught.value.mistakes
    assert (told.line, told.column, told.path) == (4 if "\n" in header else 3, 3, second)


@pytest.mark.parametrize("name", ["b.csv", "b.xlsx", "b.feather"])
def test_a_header_that_is_there_twice_is_named(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame([["1", 5.0, 6.0]], columns=["id", "aum", "aum"])
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl")
        frame.to_excel(tmp_path / name, index=False)
    elif name.endswith("csv"):
        frame.to_csv(tmp_path / name, index=False)
    else:
        import pyarrow as pa
        from pyarrow import feather

        feather.write_feather(pa.table([["1"], [5.0], [6.0]], names=["id", "aum", "aum"]), tmp_path / name)
    with pytest.raises(BadInput, match=f"{name} has 2 columns 'aum'; a column's name must be there once"):
        read_book(tmp_path / name, COLUMNS)
