"""A NUL byte in a book is refused with its line; UTF-16 without a mark is known by a NUL at every other byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import BadInput
from sim.population.book.book import read_book

ROWS = "".join(f"客户{k},{k}.5\n" for k in range(40))


@pytest.mark.parametrize("how", [{}, {"encoding": "utf-8"}, {"encoding": "cp1252"}])
@pytest.mark.parametrize("rows", [3, 500, 200_000])
def test_a_nul_is_refused_with_its_line(tmp_path: Path, rows: int, how: dict[str, str]) -> None:
    lines = ["id,aum", *(f"c{k},{k}.5" for k in range(rows))]
    lines[-1] = lines[-1].replace(",", "\0,")
    (tmp_path / "b.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(BadInput) as bad:
        read_book(tmp_path / "b.csv", {"id": "id", "aum": "aum"}, **how)
    (mistake,) = bad.value.mistakes
    assert mistake.line == rows + 1
    assert "a NUL byte stands here" in mistake.message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "b.csv").write_bytes(f"id,aum\n{ROWS}".encode(encoding))
    book = read_book(tmp_path / "b.csv", {"id": "id", "aum": "aum"})
    assert book.rows == 40
    assert book.form["encoding"] == encoding
