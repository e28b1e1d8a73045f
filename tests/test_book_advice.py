"""What a refusal advises is what puts the book right."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sim.errors import BadInput
from sim.population.book.book import read_book
from sim.population.describe import describe

COLUMNS = {"id": "id", "aum": "aum"}


def refused(folder: Path, data: str | bytes, **how: str) -> str:
    path = folder / "b.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(BadInput) as bad:
        read_book(path, COLUMNS, **how)
    (mistake,) = bad.value.mistakes
    return str(mistake)


@pytest.mark.parametrize("given", ["utf-8", "ascii"])
def test_an_encoding_that_does_not_fit_is_told_with_the_one_that_does(tmp_path: Path, given: str) -> None:
    data = ("id,aum,客户\n" + "".join(f"c{k},{k},银行客户等级财富\n" for k in range(50))).encode("gb18030")
    assert "leave population.encoding out: it reads as gb18030" in refused(tmp_path, data, encoding=given)
    assert read_book(tmp_path / "b.csv", COLUMNS).rows == 50


@pytest.mark.parametrize(
    ("decimal", "cell", "other"),
    [
        ("comma", '"¥285,242.68"', "point reads 1,234.5"),
        ("comma", "12.5", "point reads"),
        ("point", '"285.242,68 €"', "comma reads 1.234,5"),
    ],
)
def test_a_mark_before_decimals_that_does_not_fit_is_told_with_the_other(
    tmp_path: Path, decimal: str, cell: str, other: str
) -> None:
    assert f"population.decimal: {other}" in refused(tmp_path, f"id,aum\nc1,{cell}\n", decimal=decimal)


def test_a_header_that_stands_again_is_said_as_such(tmp_path: Path) -> None:
    told = refused(tmp_path, "id,aum\nc1,5\nid,aum\nc2,6\n")
    assert "b.csv:3:4" in told
    assert "the header stands there again: take that line out" in told


def test_ids_of_one_width_with_zeros_before_them_are_no_doubt(tmp_path: Path) -> None:
    for widths, doubted in ((9,), False), ((9, 8), True):
        ids = [f"{k:0{widths[k % len(widths)]}d}" for k in range(40)]
        frame = pd.DataFrame({"customer_id": ids, "balance": [100.5 + k for k in range(40)]})
        frame.to_csv(tmp_path / "b.csv", index=False)
        (one,) = [one for one in describe([tmp_path / "b.csv"]).proposal.fields if one.field == "id"]
        assert any("leading zeros" in doubt for doubt in one.doubts) == doubted
