"""A data frame is a customer book through the library: the same results as its file, and a digest of its data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import sim
from sim.errors import BadInput
from sim.experiments.verify import verify
from sim.population.book.book import read_book

SCENARIO = {
    "name": "s",
    "months": 2,
    "seeds": [1],
    "burn_in": 0,
    "population": {
        "source": "book",
        "columns": {"id": "id", "aum": "aum", "age": {"column": "age", "missing": "impute"}},
    },
}


def frame(rows: int = 40) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"00{k}" for k in range(rows)],
            "aum": [1000.0 * k for k in range(rows)],
            "age": [30, None] * (rows // 2),
        }
    )


def test_a_frame_gives_the_results_of_its_file_and_verifies(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "b.csv", index=False)
    run = sim.run(SCENARIO, book=frame(), out=tmp_path / "frame", threads=1)
    of_file = sim.run(SCENARIO, values={"population.file": str(tmp_path / "b.csv")}, threads=1)
    assert run.manifest["result_digest"] == of_file.manifest["result_digest"]
    told = run.manifest["book"]
    assert told["rows"] == 40
    assert told["sha256"] == read_book(frame(), SCENARIO["population"]["columns"]).digest  # type: ignore[index]
    assert "00" not in str(run.manifest["book"]["words"])
    assert verify(tmp_path / "frame", threads=1).same
    for path in (tmp_path / "frame").glob("scenario.yaml"):
        lost = path.read_text("utf-8").replace("frame-", "frame-f")
        path.write_text(lost, "utf-8")
    with pytest.raises(BadInput, match="was a data frame that a program handed in, and is gone with it"):
        verify(tmp_path / "frame", threads=1)


def test_a_frame_is_the_book_of_every_experiment() -> None:
    bank = sim.Bank(SCENARIO, book=frame())
    assert len(bank.customers.frame(["aum"])) == 40
    both = {**SCENARIO, "arms": {"nothing": [], "service": [{"use": "personalised_service"}]}}
    assert len(sim.potential_outcomes(both, book=frame(), progress=False).table) == 40
    search = {
        "arm": "service",
        "vary": {"arms.service.personalised_service.from": {"low": 0, "high": 3}},
        "objectives": [{"kpi": "npv"}],
        "candidates": 4,
        "generation": 4,
        "seeds": {"count": 1, "most": 2},
        "confirm": {"count": 3, "best": 1},
    }
    found = sim.optimise({**both, "months": 12, "optimise": search}, book=frame(), progress=False)
    assert found.manifest["book"]["rows"] == 40


def test_other_data_has_another_digest_and_the_index_none() -> None:
    columns = {"id": "id", "aum": "aum"}
    one, other = frame(), frame()
    other.loc[3, "aum"] = 1.0
    shuffled = frame().set_index(pd.Index(range(40, 80)))
    digests = [read_book(each, columns).digest for each in (one, other, shuffled, one)]
    assert digests[0] == digests[2] == digests[3] != digests[1]


def test_objects_dates_categories_and_gaps_of_pandas_are_read() -> None:
    given = pd.DataFrame(
        {
            "id": pd.Series(["a", 7, "c"], dtype=object),
            "aum": pd.array([1, None, 3], dtype="Int64"),
            "tier": pd.Categorical(["mass", "wealth", "mass"]),
            "born": pd.to_datetime(["1980-01-01", "1990-05-05", None]),
            "on": [True, False, True],
        }
    )
    from datetime import date

    book = read_book(
        given.fillna({"aum": 2}),
        {
            "id": "id",
            "aum": "aum",
            "tier": "tier",
            "age": {"column": "born", "missing": "impute"},
            "digital_active": "on",
        },
        as_of=date(2020, 6, 1),
        tiers=["mass", "wealth"],
    )
    assert book.id.tolist() == ["a", "7", "c"]
    assert book.age is not None
    assert book.age[:2].tolist() == [40, 30]
    assert book.form["kind"] == "frame"
    with pytest.raises(BadInput, match=r"frame:2:2  aum: 1 row is empty \(row 2\)"):
        read_book(given, {"id": "id", "aum": "aum"})


@pytest.mark.parametrize(
    ("book", "expected"), [([1, 2], "is list; a path, or a data frame of pandas"), (frame(0), "has no customers")]
)
def test_what_is_no_book_is_refused(book: object, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        sim.run(SCENARIO, book=book)  # type: ignore[arg-type]
