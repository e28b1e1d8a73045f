"""A row of totals is no customer, and a book says of its money and its tiers what the model will make of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import BadInput
from sim.experiments.prepare import prepare
from sim.population.book.book import Book, read_book

AMOUNTS = [1200.5, 80.25, 15000, 0, 950.75, 40000]
SCENARIO = (
    "name: s\nmonths: 2\nseeds: [1]\npopulation: {{source: book, file: book.csv, {more}columns: {columns}}}\n{tail}"
)


def book(folder: Path, *rows: str, head: str = "id,aum") -> Path:
    path = folder / "book.csv"
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return path


def read(path: Path, **how) -> Book:
    return read_book(path, {"id": "id", "aum": "aum"}, **how)


def ready(folder: Path, more: str = "", columns: str = "{id: id, aum: aum}", tail: str = "") -> list[str]:
    (folder / "s.yaml").write_text(SCENARIO.format(more=more, columns=columns, tail=tail), "utf-8")
    (found,) = prepare([folder / "s.yaml"])
    assert found.book is not None
    return [f"{doubt.path}: {doubt.message}" for doubt in found.book.doubts]


@pytest.mark.parametrize(
    "word", ["Total", "TOTAL:", "Summe", "合计", "总计", "Gesamt", "Somme", "Grand total", "Sum (6)"]
)
def test_a_total_where_an_id_should_be_is_refused_with_its_line(tmp_path: Path, word: str) -> None:
    rows = [*(f"c{k},{amount}" for k, amount in enumerate(AMOUNTS)), f"{word},{sum(AMOUNTS)}"]
    with pytest.raises(BadInput) as bad:
        read(book(tmp_path, *rows))
    (mistake,) = bad.value.mistakes
    assert (mistake.line, mistake.column) == (8, 1)
    assert mistake.message == f"1 row is a total and no customer (line 8: '{word}'); take it out, a row is a customer"


def test_ids_that_only_begin_like_a_total_are_customers(tmp_path: Path) -> None:
    assert read(book(tmp_path, "Summers,1", "Total-Energies SA,2", "gesamtbank,3")).rows == 3


def test_an_amount_that_is_the_sum_of_all_others_is_doubted_with_its_line(tmp_path: Path) -> None:
    rows = [f"c{k},{amount}" for k, amount in enumerate(AMOUNTS)]
    assert not read(book(tmp_path, *rows)).doubts
    (doubt,) = read(book(tmp_path, *rows[:3], f"999,{sum(AMOUNTS)}", *rows[3:])).doubts
    assert "line 5 holds as much as all others of aum together" in doubt.message
    assert "999" not in doubt.message  # no id stands in a doubt


def test_a_total_without_an_id_is_told_as_such(tmp_path: Path) -> None:
    rows = [*(f"c{k},{amount}" for k, amount in enumerate(AMOUNTS)), f",{sum(AMOUNTS)}"]
    with pytest.raises(BadInput, match="the amount of it is the sum of all others: take the total out"):
        read(book(tmp_path, *rows))


def test_money_that_nobody_named_is_doubted_until_somebody_says_what_it_is(tmp_path: Path) -> None:
    book(tmp_path, "a,100", "b,200")
    (doubt,) = ready(tmp_path)
    assert "population.currency_scale: not given, and aum does not say what its money is" in doubt
    assert "it is taken for CNY, one to one" in doubt
    assert not ready(tmp_path, "currency_scale: 1.0, ")
    book(tmp_path, "a,¥100", "b,¥200")
    assert not ready(tmp_path)


def test_tiers_that_disagree_with_their_bounds_are_doubted_by_tier(tmp_path: Path) -> None:
    tiers = "tiers: [{name: mass, from: 0}, {name: affluent, from: 1000}]\n"
    columns = "{id: id, aum: aum, tier: tier}"
    rows = [f"c{k},{k},mass" for k in range(90)]
    book(tmp_path, *rows, *(f"d{k},2000,affluent" for k in range(10)), head="id,aum,tier")
    assert not ready(tmp_path, "currency_scale: 1.0, ", columns, tiers)
    book(tmp_path, *rows, *(f"d{k},200,affluent" for k in range(10)), head="id,aum,tier")
    (doubt,) = ready(tmp_path, "currency_scale: 1.0, ", columns, tiers)
    assert "10 of 100 customers have an amount outside the bounds of their tier (10 of 10 affluent)" in doubt
