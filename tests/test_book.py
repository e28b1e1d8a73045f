"""A customer book is read exactly as it stands, or refused with every mistake in it, by line."""

from __future__ import annotations

import gzip
import json
import os
import string
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.codes import ACTIVE, DORMANT
from sim.errors import BadInput, Mistake
from sim.population.book import reading as book_room
from sim.population.book.book import IMPUTABLE, Book, BookColumns, read_book, uid_of
from sim.population.book.columns import DAYS_TO_MONTHS, FIELD_NAMES, QUANTITIES
from sim.population.example_book import example_rows, write_example_book
from sim.population.prepare_berka import berka_book

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "scenarios" / "data" / "example_book.csv.gz"
EXAMPLE_COLUMNS: dict[str, Any] = {
    "id": "customer_id",
    "aum": "average_balance",
    "age": {"column": "age", "missing": "impute"},
    "tenure_months": "months_on_book",
    "products": "products",
    "digital_active": "app_user",
}
HEADER = "id,aum,age,months,products,app,score,state,tier,share,income,affinity,trusting,expecting\n"
ALL: dict[str, Any] = {
    "id": "id",
    "aum": "aum",
    "age": "age",
    "tenure_months": "months",
    "products": "products",
    "digital_active": "app",
    "satisfaction": "score",
    "state": "state",
    "tier": "tier",
    "share_of_wallet": "share",
    "income": "income",
    "digital_affinity": "affinity",
    "trust": "trusting",
    "expectation": "expecting",
}
GOOD = "00123,1500.5,41,18,2,Y,0.5,active,mass,0.4,90000,0.7,0.25,1\n"


def write(folder: Path, text: str | bytes, name: str = "book.csv") -> Path:
    path = folder / name
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def mistakes_of(path: Path, columns: Any = None, **options: Any) -> list[Mistake]:
    with pytest.raises(BadInput) as caught:
        read_book(path, {"id": "id", "aum": "aum"} if columns is None else columns, **options)
    assert caught.value.exit_code == 2
    assert all("\n" not in str(mistake) for mistake in caught.value.mistakes)
    return caught.value.mistakes


def only(mistakes: list[Mistake]) -> Mistake:
    assert len(mistakes) == 1, "\n".join(map(str, mistakes))
    return mistakes[0]


# What a good book gives


def test_every_field_is_read_in_file_order_and_in_our_units(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + GOOD + "123,0,80.5,0,1,n,-1,Dormant,wealth,1,0,0,-2,-0.5\n")
    book = read_book(path, ALL, currency_scale=2.0)
    assert book.rows == 2
    assert book.id.tolist() == ["00123", "123"]
    assert book.aum.tolist() == [3001.0, 0.0]
    assert book.income is not None
    assert book.income.tolist() == [180000.0, 0.0]
    expected = {
        "age": [41, 80.5],
        "tenure_months": [18, 0],
        "products": [2, 1],
        "digital_active": [1, 0],
        "satisfaction": [0.5, -1],
        "trust": [0.25, -2],
        "expectation": [1, -0.5],
        "share_of_wallet": [0.4, 1],
        "digital_affinity": [0.7, 0],
        "state": [ACTIVE, DORMANT],
        "tier": ["mass", "wealth"],
    }
    for name, values in expected.items():
        got = getattr(book, name)
        assert got.tolist() == (values if name == "tier" else np.array(values, got.dtype).tolist()), name
    assert book.read == {name: ALL[name] for name in FIELD_NAMES}
    assert book.imputed == ()
    assert book.counts == {}


@pytest.mark.parametrize("name", ["book.csv.gz", "BOOK.CSV", "book.parquet"])
def test_every_kind_of_file_gives_the_same_book(tmp_path: Path, name: str) -> None:
    text = HEADER + GOOD + "123,0,80.5,0,1,n,-1,Dormant,wealth,1,0,0,-2,-0.5\n"
    reference = read_book(write(tmp_path, text, "reference.csv"), ALL)
    if name.endswith("parquet"):
        table = pd.read_csv(tmp_path / "reference.csv", dtype={"id": str})
        table.to_parquet(tmp_path / name, index=False)
        path = tmp_path / name
    else:
        path = write(tmp_path, text, name)
    book = read_book(path, ALL)
    for field in ("id", "uid", *FIELD_NAMES):
        assert np.array_equal(getattr(book, field), getattr(reference, field)), field


@pytest.mark.parametrize(
    "text",
    [
        "id,aum\n7,1.5\n8,2\n",
        "\ufeffid,aum\n7,1.5\n8,2\n",
        "id;aum\n7;1.5\n8;2\n",
        "id\taum\r\n7\t1.5\r\n8\t2\r\n",
        '"id","aum"\n"7","1.5"\n"8","2"',
        "\nid,aum\n\n7, 1.5\n8,2 \n\n",
        'note,aum,id\n"two\nlines, ""quoted""",1.5,7\n,2e0,8\n',
        "id,aum,x,x\n7,+1.5,1,2\n8,2.,3,4\n",
    ],
    ids=["plain", "BOM", "semicolon", "tab CRLF", "quoted", "blanks", "line break in a cell", "spare columns"],
)
def test_the_usual_dialects_of_csv_read_alike(tmp_path: Path, text: str) -> None:
    book = read_book(write(tmp_path, text), {"id": "id", "aum": "aum"})
    assert book.id.tolist() == ["7", "8"]
    assert book.aum.tolist() == [1.5, 2.0]


def test_rows_in_another_encoding_than_the_rest_hurt_only_in_columns_that_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "id,name,aum\n2,Größe,5\n".encode() + "1,Müller,5\n".encode("latin-1"))
    assert read_book(path, {"id": "id", "aum": "aum"}).rows == 2
    assert "not UTF-8" in mistakes_of(path, {"id": "name", "aum": "aum"})[0].message


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    # by `sha256sum`
    path = write(tmp_path, "id,aum\n1,1\n")
    assert read_book(path, {"id": "id", "aum": "aum"}).digest == (
        "84ec1ef501bec5e0c1be18865be056a6a580b97983e9547d3004716147fcee64"
    )


def test_ids_stay_in_the_program(tmp_path: Path) -> None:
    book = read_book(write(tmp_path, "id,aum\nsecret-77,1\n"), {"id": "id", "aum": "aum"})
    told = repr(book) + str(book) + json.dumps(book.manifest())
    assert "secret-77" not in told
    assert str(int(book.uid[0])) not in told
    again = mistakes_of(write(tmp_path, "id,aum\nsecret-77,1\nsecret-77,1\n", "twice.csv"))
    assert "secret-77" not in str(only(again))


def test_a_book_cannot_be_written_to(tmp_path: Path) -> None:
    book = read_book(write(tmp_path, HEADER + GOOD), ALL)
    for name in ("uid", *FIELD_NAMES):
        with pytest.raises(ValueError, match="read-only"):
            getattr(book, name)[0] = getattr(book, name)[0]


def test_the_manifest_says_what_was_read_imputed_and_changed(tmp_path: Path) -> None:
    path = write(tmp_path, "id,aum,age,n\n1,-5,17,0\n2,5,86,3\n3,-1,,1\n")
    columns = {
        "id": "id",
        "aum": {"column": "aum", "floor": 0},
        "age": {"column": "age", "missing": "impute"},
        "products": {"column": "n", "floor": 1},
    }
    manifest = read_book(path, columns).manifest()
    assert manifest["read"] == {"id": "id", "aum": "aum", "age": "age", "products": "n"}
    assert manifest["imputed"] == [name for name in IMPUTABLE if name not in ("age", "products")]
    assert manifest["counts"] == {
        "aum_raised_to_floor": 2,
        "age_missing": 1,
        "ages_clipped": 2,
        "products_raised_to_floor": 1,
    }
    assert manifest["rows"] == 3


def test_uid_is_a_published_hash_with_its_top_bit_cleared() -> None:
    # as `printf TEXT | b2sum -l 64` prints it (BLAKE2b, RFC 7693), read little-endian
    for text, printed in (("", "e4a6a0577479b2b4"), ("00123", "05c6b31bfd9a1007")):
        assert uid_of([text]).tolist() == [int.from_bytes(bytes.fromhex(printed), "little") & (2**63 - 1)]
    uid = uid_of([f"C{number}" for number in range(50_000)])
    assert uid.dtype == np.uint64
    assert np.unique(uid).size == uid.size
    assert int(uid.max()) < 2**63
    assert uid_of(["00123"])[0] != uid_of(["123"])[0]


def test_whole_number_ids_of_parquet_agree_with_the_same_text(tmp_path: Path) -> None:
    pd.DataFrame({"id": [7, 12345678901234567], "aum": [1.0, 2.0]}).to_parquet(tmp_path / "n.parquet")
    text = write(tmp_path, "id,aum\n7,1\n12345678901234567,2\n")
    columns = {"id": "id", "aum": "aum"}
    assert np.array_equal(read_book(tmp_path / "n.parquet", columns).uid, read_book(text, columns).uid)


# Units and words that are not ours


def test_scale_shift_and_floor_turn_the_files_unit_into_ours(tmp_path: Path) -> None:
    path = write(tmp_path, "id,aum,born,days\n1,-3,1980,365.25\n2,10,1990,0\n")
    columns = {
        "id": "id",
        "aum": {"column": "aum", "scale": 100, "floor": 0},
        "age": {"column": "born", "scale": -1, "shift": 2020},
        "tenure_months": {"column": "days", "scale": DAYS_TO_MONTHS},
    }
    book = read_book(path, columns, currency_scale=0.5)
    assert book.aum.tolist() == [0.0, 500.0]
    assert book.age is not None
    assert book.tenure_months is not None
    assert book.age.tolist() == [40, 30]
    assert book.tenure_months == pytest.approx([12, 0], abs=1e-4)


@pytest.mark.parametrize(
    ("active", "cells", "expected"),
    [
        (None, ["1", "0", "yes", "N", "TRUE", "dormant"], [1, 0, 1, 0, 1, 0]),
        ([1], ["1", "0", "1.0", "2"], [1, 0, 1, 0]),
        (["Y", 3], ["y", "3", "n", "x"], [1, 1, 0, 0]),
        ([True], ["Yes", "no", "1", "False"], [1, 0, 1, 0]),
        ([False], ["0", "1", "no", "yes"], [1, 0, 1, 0]),
        (["Existing Customer"], ["Existing Customer", "Attrited Customer"], [1, 0]),
    ],
)
def test_active_lists_the_values_that_mean_active(
    tmp_path: Path, active: Any, cells: list[str], expected: list[int]
) -> None:
    text = "id,aum,s\n" + "".join(f"{row},1,{cell}\n" for row, cell in enumerate(cells))
    spec = {"column": "s"} if active is None else {"column": "s", "active": active}
    book = read_book(write(tmp_path, text), {"id": "id", "aum": "aum", "state": spec, "digital_active": spec})
    assert book.digital_active is not None
    assert book.state is not None
    assert book.digital_active.tolist() == expected
    assert (book.state == ACTIVE).tolist() == [bool(value) for value in expected]


def test_truth_values_of_parquet_are_yes_and_no(tmp_path: Path) -> None:
    pd.DataFrame({"id": ["a", "b"], "aum": [1, 2], "on": [True, False]}).to_parquet(tmp_path / "b.parquet")
    book = read_book(tmp_path / "b.parquet", {"id": "id", "aum": "aum", "digital_active": "on"})
    assert book.digital_active is not None
    assert book.digital_active.tolist() == [1, 0]


def test_values_translate_the_files_tiers(tmp_path: Path) -> None:
    path = write(tmp_path, "id,aum,class\n1,1,1\n2,1,3\n3,1,mass\n")
    tier = {"column": "class", "values": {1: "wealth", 3: "mass"}}
    book = read_book(path, {"id": "id", "aum": "aum", "tier": tier}, tiers=["mass", "wealth"])
    assert book.tier is not None
    assert book.tier.tolist() == ["wealth", "mass", "mass"]


@pytest.mark.parametrize("name", IMPUTABLE)
def test_missing_impute_leaves_exactly_the_gaps(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, "id,aum,x\n1,1,1\n2,1,\n3,1,NA\n4,1,1\n5,1,nan\n6,1,  \n")
    book = read_book(path, {"id": "id", "aum": "aum", name: {"column": "x", "missing": "impute"}})
    assert book.lacks(name).tolist() == [False, True, True, False, True, True]
    assert book.counts == {f"{name}_missing": 4} | ({"ages_clipped": 2} if name == "age" else {})
    other = next(field for field in IMPUTABLE if field != name)
    assert book.lacks(other).all()


def test_a_column_without_a_value_can_be_imputed_from_parquet(tmp_path: Path) -> None:
    pd.DataFrame({"id": [1, 2], "aum": [1, 2], "age": [None, None]}).to_parquet(tmp_path / "b.parquet")
    book = read_book(tmp_path / "b.parquet", {"id": "id", "aum": "aum", "age": {"column": "age", "missing": "impute"}})
    assert book.lacks("age").all()


# What is refused: the file


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("absent.csv", None, "there is no such file"),
        ("book.xls", b"PK\x03\x04....", "of an unknown kind; a book's name ends in .csv, .csv.gz, .parquet, .arrow"),
        ("book.xlsx", b"PK\x03\x04....", "is not an Excel workbook or is damaged"),
        ("book.csv", b"", "is empty"),
        ("book.csv", b"\n\n \n", "is empty"),
        ("book.csv", b"id,aum\n", "has a header and no customers"),
        ("book.csv", b"id,aum", "has a header and no customers"),
        ("book.csv", b"PK\x03\x04....", "is a zip or Excel file"),
        ("book.csv", b"PAR1....", "is a Parquet file: its name should end in .parquet"),
        (
            "book.csv",
            gzip.compress(b"id,aum\n1,1\n", mtime=0),
            "is compressed with gzip: its name should end in .csv.gz",
        ),
        ("book.csv", b"\x00\x01\x02\x03", "is binary, not text"),
        ("book.csv", "größe,id,".encode() + b"a\xfcm\n1,1,1\n", "the header is not UTF-8 text"),
        ("book.parquet", b"id,aum\n1,1\n", "is not a Parquet file or is damaged"),
        ("book.parquet", b"PAR1", "is not a Parquet file or is damaged"),
    ],
)
def test_a_file_that_is_no_book_is_refused(tmp_path: Path, name: str, content: bytes | None, expected: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    mistake = only(mistakes_of(path))
    assert expected in mistake.message
    assert name in str(mistake)


def test_a_folder_a_pipe_and_an_impossible_name_are_refused(tmp_path: Path) -> None:
    assert "is a folder" in only(mistakes_of(tmp_path)).message
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is not a file" in only(mistakes_of(tmp_path / "pipe.csv")).message
    assert only(mistakes_of(Path("a\0b.csv")))
    assert only(mistakes_of(tmp_path / ("x" * 300 + ".csv")))


def test_a_misspelt_file_is_guessed(tmp_path: Path) -> None:
    write(tmp_path, "id,aum\n1,1\n", "customers.csv")
    assert "did you mean customers.csv?" in only(mistakes_of(tmp_path / "custmers.csv")).message


@pytest.mark.parametrize("damage", ["not gzip", "cut", "bits"])
def test_a_damaged_gzip_is_refused_and_never_read_half(tmp_path: Path, damage: str) -> None:
    text = "id,aum\n" + "".join(f"{row},{row * 7919 % 10007}\n" for row in range(300_000))
    data = bytearray(gzip.compress(text.encode(), compresslevel=1))
    if damage == "not gzip":
        data = bytearray(b"id,aum\n1,1\n")
    elif damage == "cut":
        del data[-9:]
    else:
        data[-6] ^= 255
    path = tmp_path / "book.csv.gz"
    path.write_bytes(data)
    assert "is damaged" in only(mistakes_of(path)).message


def test_damaged_parquet_pages_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    pd.DataFrame({"id": [str(row) for row in range(2000)], "aum": range(2000)}).to_parquet(path, compression="gzip")
    data = bytearray(path.read_bytes())
    data[40:80] = bytes(40)
    path.write_bytes(data)
    assert "is damaged" in only(mistakes_of(path)).message


def test_a_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"id": [], "aum": []}).to_parquet(tmp_path / "b.parquet")
    assert "no customers" in only(mistakes_of(tmp_path / "b.parquet")).message


# What is refused: the mapping


def where(key: str) -> tuple[str, int, int]:
    return "scenario.yaml", len(key), 3


def test_a_column_that_is_absent_is_guessed_and_those_there_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path, "id,balance_Q1,age\n1,1,1\n")
    mistake = only(mistakes_of(path, {"id": "id", "aum": "Balance_q1"}, where=where))
    assert str(mistake) == (
        "scenario.yaml:22:3  population.columns.aum: book.csv has no column 'Balance_q1'; did you mean balance_Q1? "
        "(it has id, balance_Q1, age)"
    )


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    mistake = only(mistakes_of(write(tmp_path, "id,aum,aum\n1,1,1\n")))
    assert "has 2 columns 'aum'" in mistake.message


@pytest.mark.parametrize(
    ("columns", "path", "expected"),
    [
        ({"id": "id", "aum": "aum", "agee": "age"}, "agee", "unknown key; did you mean age?"),
        ({"id": "id", "aum": {"column": "aum", "flor": 0}}, "aum.flor", "unknown key; did you mean floor?"),
        ({"id": "id", "aum": {"column": "aum", "missing": "impute"}}, "aum.missing", "unknown key"),
        ({"id": {"column": "id", "scale": 2}, "aum": "aum"}, "id.scale", "unknown key"),
        ({"aum": "aum"}, "id", "missing; name the column"),
        ({"id": "id", "aum": {"scale": 2}}, "aum.column", "missing; name the column"),
        ({"id": "id", "aum": 5}, "aum", "must be a column's name or a mapping"),
        ({"id": "id", "aum": {"column": "aum", "scale": 0}}, "aum.scale", "a scale of 0"),
        ({"id": "id", "aum": {"column": "aum", "scale": True}}, "aum.scale", "valid number, not True"),
        ({"id": "id", "aum": {"column": "aum", "floor": float("nan")}}, "aum.floor", "finite number, not nan"),
        (
            {"id": "id", "aum": "aum", "age": {"column": "age", "missing": "drop"}},
            "age.missing",
            "'mistake' or 'impute'",
        ),
        ({"id": "id", "aum": "aum", "state": {"column": "s", "active": []}}, "state.active", "at least 1 item"),
        ({"id": "id", "aum": ""}, "aum.column", "at least 1 character"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_at_its_key(
    tmp_path: Path, columns: dict[str, Any], path: str, expected: str
) -> None:
    found = mistakes_of(write(tmp_path, "id,aum,age,s\n1,1,1,1\n"), columns, where=where)
    mistake = next(mistake for mistake in found if mistake.path == f"population.columns.{path}")
    assert expected in mistake.message
    assert mistake.file == "scenario.yaml"


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_currency_scale_must_be_positive(tmp_path: Path, scale: float) -> None:
    path = write(tmp_path, "id,aum\n1,1\n")
    mistake = only(mistakes_of(path, currency_scale=scale, where=where))
    assert mistake.path == "population.currency_scale"


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("id", [1.5, 2.0], "of type double; it must hold text or whole numbers"),
        ("id", [True, False], "of type bool"),
        ("aum", [True, False], "of type bool; it must hold numbers"),
        ("age", pd.to_datetime(["2020-01-01", "2020-01-02"]), "it must hold numbers"),
        ("aum", [[1.0], [2.0]], "it must hold numbers"),
        ("tier", [1.5, 2.5], "it must hold text or whole numbers"),
        ("state", pd.to_datetime(["2020-01-01", "2020-01-02"]), "yes and no, or values listed under active"),
    ],
)
def test_a_parquet_column_of_the_wrong_type_is_refused(tmp_path: Path, name: str, values: Any, expected: str) -> None:
    table = pd.DataFrame({"id": ["a", "b"], "aum": [1.0, 2.0]} | {name: values})
    table.to_parquet(tmp_path / "b.parquet")
    mistake = only(mistakes_of(tmp_path / "b.parquet", {"id": "id", "aum": "aum"} | {name: name}))
    assert mistake.path == f"population.columns.{name}"
    assert expected in mistake.message


# What is refused: the rows


@pytest.mark.parametrize(
    ("field", "cell", "expected"),
    [
        ("id", "", "1 row is empty (line 4); every id must be given"),
        ("aum", "", "1 row is empty (line 4); every balance must be given"),
        ("age", "NA", "1 row is empty (line 4); every age must be given, or is imputed if mapped with missing: impute"),
        ("aum", "abc", "1 row is not a number (line 4: 'abc'); every balance must be a number, written as in 1234.5"),
        ("aum", '"1,5"', "1 row is not a number (line 4: '1,5')"),
        ("age", "forty", "1 row is not a number (line 4: 'forty')"),
        ("aum", "-0.01", "1 row is negative (line 4); every balance must be at least 0 CNY, or map it with floor: 0"),
        (
            "income",
            "-1",
            "1 row is negative (line 4); every income must be at least 0 CNY a year, or map it with floor: 0",
        ),
        (
            "aum",
            "1e13",
            "1 row is above 1,000,000,000,000 (line 4); every balance must be at most 1,000,000,000,000 CNY",
        ),
        ("aum", "inf", "1 row is infinite (line 4); every balance must be finite"),
        ("aum", "-Infinity", "1 row is infinite (line 4)"),
        ("aum", "1e999", "1 row is infinite (line 4)"),
        ("age", "-1", "1 row is negative (line 4); every age must be 0 to 120 years"),
        ("age", "121", "1 row is above 120 (line 4); every age must be 0 to 120 years"),
        ("tenure_months", "-3", "1 row is negative (line 4); every tenure must be 0 to 1,200 months"),
        ("tenure_months", "2348", "days are mapped with scale: 0.0328542"),
        (
            "products",
            "0",
            "1 row is below 1 (line 4); every number of products must be 1 to 100, or map it with floor: 1",
        ),
        ("products", "2.5", "1 row is not a whole number (line 4: '2.5')"),
        ("digital_affinity", "70", "1 row is above 1 (line 4); every affinity must be 0 to 1"),
        ("satisfaction", "9", "1 row is above 6 (line 4); every satisfaction must be -6 to 6 standard deviations"),
        ("share_of_wallet", "0", "1 row is below 0.001 (line 4); every share of wallet must be 0.001 to 1"),
        ("digital_active", "perhaps", "1 row is neither yes nor no (line 4: 'perhaps')"),
        ("digital_active", "", "1 row is empty (line 4); every answer must be given, or is imputed"),
        ("state", "closed", "1 row is neither yes nor no (line 4: 'closed')"),
        ("state", "", "1 row is empty (line 4); every state must be given"),
        ("tier", "welth", "1 row has a tier that the scenario has not (line 4: 'welth'); did you mean wealth?"),
        ("tier", "", "1 row is empty (line 4); every tier must be given"),
        ("id", "x0", "1 row has the id of an earlier row (line 4 repeats line 2); every id must be there once"),
    ],
)
def test_a_bad_cell_is_named_by_its_line_and_column(tmp_path: Path, field: str, cell: str, expected: str) -> None:
    rows = [GOOD.rstrip("\n").split(",") for _ in range(4)]
    for number, row in enumerate(rows):
        row[0] = f"x{number}"
    rows[2][list(ALL).index(field)] = cell
    header = HEADER.rstrip("\n").split(",")
    assert [ALL[name] for name in ALL] == header
    text = HEADER + "".join(",".join(row) + "\n" for row in rows)
    path = write(tmp_path, text)
    mistake = only(mistakes_of(path, ALL, tiers=["mass", "affluent", "wealth", "private"]))
    assert mistake.message.startswith(expected) or expected in mistake.message
    assert (mistake.file, mistake.line, mistake.path) == (str(path), 4, ALL[field])
    assert text.splitlines()[3][mistake.column - 1 :].startswith(cell)


def test_rows_are_counted_and_the_first_three_named(tmp_path: Path) -> None:
    path = write(tmp_path, "id,aum\n" + "".join(f"{row},{-1 if row % 5 == 3 else 1}\n" for row in range(60)))
    mistake = only(mistakes_of(path, currency="EUR"))
    assert str(mistake) == (
        f"{path}:5:3  aum: 12 rows are negative (lines 5, 10, 15, ...); every balance must be at least 0 EUR, "
        "or map it with floor: 0"
    )


def test_parquet_names_rows(tmp_path: Path) -> None:
    pd.DataFrame({"id": [1, 2, 3], "aum": [1.0, -1.0, np.nan]}).to_parquet(tmp_path / "b.parquet")
    messages = [(mistake.line, mistake.column, mistake.message) for mistake in mistakes_of(tmp_path / "b.parquet")]
    assert [(line, column) for line, column, _ in messages] == [(3, 2), (2, 2)]
    assert "1 row is empty (row 3)" in messages[0][2]
    assert "1 row is negative (row 2)" in messages[1][2]


def test_lines_are_those_of_an_editor(tmp_path: Path) -> None:
    text = '\nnote,id,aum\n"one\ntwo",1,1\n\nplain,2,-1\n"a ""b"", c",3,x\n'
    found = mistakes_of(write(tmp_path, text))
    assert [(mistake.line, mistake.column) for mistake in found] == [(7, 16), (6, 9)]


def test_all_mistakes_of_all_columns_are_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        b"id,aum,age,n\n1,-1,130,0\n1,x,,2\n3,1\n4,inf,5,1.5\n\xff,1,2,2\n,1,1,1\n" + "\u5f20\u4e09,1,1,1\n".encode(),
    )
    columns = {"id": "id", "aum": "aum", "age": "age", "products": "n", "satisfaction": "nps", "incom": "aum"}
    found = mistakes_of(path, columns, where=where, currency_scale=-1)
    told = [
        (mistake.path.removeprefix("population."), mistake.line, mistake.message.split(" (")[0]) for mistake in found
    ]
    assert told == [
        ("currency_scale", 25, "must be a positive number of CNY for one unit of the book's money"),
        ("columns.incom", 24, "unknown key; did you mean income?"),
        ("columns.satisfaction", 31, "book.csv has no column 'nps'"),
        ("", 4, "1 row has not as many values as the header"),
        ("", 6, "1 row is not UTF-8 text"),
        ("id", 7, "1 row is empty"),
        ("id", 3, "1 row has the id of an earlier row"),
        ("aum", 3, "1 row is not a number"),
        ("aum", 5, "1 row is infinite"),
        ("aum", 2, "1 row is negative"),
        ("age", 3, "1 row is empty"),
        ("age", 2, "1 row is above 120"),
        ("n", 2, "1 row is below 1"),
        ("n", 5, "1 row is not a whole number"),
    ]


def test_a_row_too_short_or_too_long_is_named(tmp_path: Path) -> None:
    mistake = only(mistakes_of(write(tmp_path, "id,aum\n1,1\n2\n3,1,9\n4,1\n")))
    assert (mistake.line, mistake.message) == (
        3,
        "2 rows have not as many values as the header (lines 3, 4; the first has 1); every row must have 2",
    )


def test_a_quote_never_closed_is_named_where_it_opens(tmp_path: Path) -> None:
    text = "id,aum\n1,1\n2,1\n" + '"3,1\n' + "".join(f"{row},1\n" for row in range(4, 50))
    mistake = only(mistakes_of(write(tmp_path, text)))
    assert mistake.line == 4
    assert "a quote that may never be closed" in mistake.message
    long = text + "".join(f"{row},1\n" for row in range(50, 30_000))
    mistake = only(mistakes_of(write(tmp_path, long)))
    assert mistake.line == 4
    assert "never closed" in mistake.message


def test_repeated_ids_are_counted_by_row(tmp_path: Path) -> None:
    mistake = only(mistakes_of(write(tmp_path, "id,aum\nb,1\na,1\nb,1\nc,1\nb,1\na,1\n")))
    assert mistake.message.startswith("3 rows have the id of an earlier row (lines 4, 6, 7; the first repeats line 2)")


def test_ids_that_only_share_their_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_room, "uid_of", lambda ids: np.array([len(text) for text in ids], np.uint64))
    mistake = only(mistakes_of(write(tmp_path, "id,aum\na,1\nbb,1\nc,1\n")))
    assert mistake.message.startswith("1 row has the 64-bit hash of another id in an earlier row (line 4;")
    assert mistake.line == 4


def test_an_active_value_that_no_row_holds_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "id,aum,sex\n1,1,Male\n2,1,Female\n")
    mistake = only(mistakes_of(path, {"id": "id", "aum": "aum", "state": {"column": "sex", "active": ["M"]}}))
    assert mistake.message == "no row holds 'M', listed under active; it has 'Male', 'Female'"


# The schema that a scenario embeds


def test_the_schema_takes_a_name_or_a_mapping_and_says_what_each_field_is() -> None:
    from jsonschema import Draft202012Validator

    schema = BookColumns.model_json_schema()
    check = Draft202012Validator(schema)
    assert check.is_valid(EXAMPLE_COLUMNS)
    assert check.is_valid({"id": "a", "aum": {"column": "b", "floor": 0}, "state": {"column": "c", "active": [1, "Y"]}})
    assert not check.is_valid({"id": "a", "aum": {"floor": 0}})
    assert not check.is_valid({"id": "a", "aum": "b", "agee": "c"})
    assert not check.is_valid({"id": "a", "aum": {"column": "b", "missing": "impute"}})
    assert set(schema["properties"]) == set(FIELD_NAMES)


@pytest.mark.parametrize(
    "columns",
    [
        {"id": "a", "aum": "b"},
        {"id": "a", "aum": {"column": "b", "floor": 0.0}, "age": {"column": "c", "missing": "impute"}},
        {"id": "a", "aum": "b", "state": {"column": "c", "active": [1, "Y", True]}, "tier": {"column": "d"}},
        {"id": "a", "aum": "b", "tier": {"column": "d", "values": {"1": "mass"}}},
    ],
)
def test_columns_written_back_are_short_and_read_to_the_same(columns: dict[str, Any]) -> None:
    first = BookColumns.model_validate(columns)
    written = first.model_dump(mode="json")
    assert BookColumns.model_validate(json.loads(json.dumps(written))) == first
    assert len(json.dumps(written)) <= len(json.dumps(columns))


def test_columns_are_frozen() -> None:
    columns = BookColumns.model_validate({"id": "a", "aum": "b"})
    with pytest.raises(ValidationError):
        columns.age = None  # type: ignore[misc]


def test_every_number_of_a_book_has_a_quantity_and_only_sound_bounds() -> None:
    assert set(QUANTITIES) == (set(IMPUTABLE) | {"aum"}) - {"digital_active"}
    assert all(quantity.low < quantity.high for quantity in QUANTITIES.values())


# Any table at all: a book or a list of mistakes, never another exception

CELLS = st.one_of(
    st.integers(-3, 200).map(str),
    st.floats(width=32).map(str),
    st.sampled_from(
        ["", "NA", "nan", "inf", "1e400", "yes", "N", "x", " 5 ", "1,5", '"', "\ufffd", "é", "\n", "+5", "-nan"]
    ),
    st.text(alphabet=string.printable + "é\u0000\u2028", max_size=6),
)
NAMES = ("a", "b", "c")
MAPPINGS = st.fixed_dictionaries(
    {"id": st.sampled_from(NAMES), "aum": st.sampled_from(NAMES)},
    optional={
        name: st.sampled_from(
            [
                "c",
                {"column": "c", "missing": "impute"},
                {"column": "b", "scale": 0.5, "floor": 1},
                {"column": "c", "active": [1, "x"]},
                {"column": "c", "values": {"x": "mass"}},
                {"column": "d"},
                7,
            ]
        )
        for name in (*FIELD_NAMES[2:], "agee")
    },
)


def check_outcome(path: Path, columns: Any) -> None:
    try:
        book = read_book(path, columns, tiers=["mass", "x"])
    except BadInput as error:
        book, mistakes = None, error.mistakes
    if book is None:
        assert mistakes
        assert all("\n" not in str(mistake) and mistake.message for mistake in mistakes)
        return
    assert isinstance(book, Book)
    assert book.rows == book.uid.size == book.aum.size == np.unique(book.uid).size > 0
    for name, quantity in QUANTITIES.items():
        values = getattr(book, name)
        if values is not None:
            known = values[~np.isnan(values)]
            assert name != "aum" or known.size == book.rows
            assert ((known >= np.float32(quantity.low)) & (known <= quantity.high)).all()


ANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6), columns=MAPPINGS, quote=st.booleans())
@example(rows=[("1", "-nan", "x")], columns={"id": "a", "aum": "b"}, quote=False)
def test_any_table_of_text_gives_a_book_or_mistakes(
    tmp_path: Path, rows: list[tuple[str, str, str]], columns: Any, quote: bool
) -> None:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if quote else text

    text = "a,b,c\n" + "".join(",".join(map(cell, row)) + "\n" for row in rows)
    check_outcome(write(tmp_path, text), columns)


@ANY
@given(
    a=st.lists(
        st.one_of(st.none(), st.integers(), st.text(max_size=3)).map(lambda v: None if v is None else str(v)),
        min_size=3,
        max_size=3,
    ),
    b=st.sampled_from(
        [[1, 2, 3], [1.5, None, 3.0], [True, False, None], ["1", "x", None], [None] * 3, [float("inf"), -1.0, 0.0]]
    ),
    c=st.sampled_from(
        [[1, 2, 3], [0.5, None, 0.25], [True, False, True], ["x", "mass", None], [b"1", b"x", b"\xff"], [None] * 3]
    ),
    columns=MAPPINGS,
)
def test_any_parquet_table_gives_a_book_or_mistakes(tmp_path: Path, a: Any, b: Any, c: Any, columns: Any) -> None:
    pd.DataFrame({"a": a, "b": b, "c": c}).to_parquet(tmp_path / "t.parquet")
    check_outcome(tmp_path / "t.parquet", columns)


@ANY
@given(
    data=st.binary(max_size=60),
    name=st.sampled_from(["b.csv", "b.csv.gz", "b.parquet"]),
    head=st.sampled_from([b"", b"a,b,c\n", b"a,b,c\n1,2,3\n", b"PAR1"]),
)
def test_any_bytes_give_a_book_or_mistakes(tmp_path: Path, data: bytes, name: str, head: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(head + data)
    check_outcome(path, {"id": "a", "aum": "b", "age": "c"})
    path.write_bytes(gzip.compress(head + data))
    check_outcome(path, {"id": "a", "aum": "b", "age": "c"})


# Size, the example book, and real books


def test_two_hundred_thousand_customers_are_read_in_a_moment(tmp_path: Path) -> None:
    rows = 200_000
    path = write(tmp_path, "id,aum,age,app,note\n" + "".join(f"C{k:08d},{k}.5,{k % 90},Y,n\n" for k in range(rows)))
    start = time.perf_counter()
    book = read_book(path, {"id": "id", "aum": "aum", "age": "age", "digital_active": "app"})
    assert time.perf_counter() - start < 3.0  # about 0.2 s on the machine this was written on
    assert book.rows == rows


def test_the_example_book_is_what_its_generator_writes(tmp_path: Path) -> None:
    write_example_book(tmp_path / "again.csv.gz")
    assert gzip.decompress((tmp_path / "again.csv.gz").read_bytes()) == gzip.decompress(EXAMPLE.read_bytes())
    write_example_book(tmp_path / "again2.csv.gz")
    assert (tmp_path / "again.csv.gz").read_bytes() == (tmp_path / "again2.csv.gz").read_bytes()
    assert EXAMPLE.stat().st_size < 60_000
    assert len(example_rows()) == 2000


def test_the_example_book_has_the_pyramid_of_a_bank_and_a_few_gaps() -> None:
    book = read_book(EXAMPLE, EXAMPLE_COLUMNS)
    tier = np.searchsorted([50e3, 500e3, 6e6], book.aum, side="right")
    assert np.bincount(tier).tolist() == [1848, 114, 34, 4]
    assert 20 < book.counts["age_missing"] < 80
    assert book.imputed == ("income", "digital_affinity", "satisfaction", "trust", "expectation", "share_of_wallet")
    assert any(text.startswith("0") for text in book.id.tolist())


DATA = Path(os.environ.get("SIM_DATA_DIR", ROOT.parent / "shared" / "data"))


def real(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no {'/'.join(parts)} under {DATA}: set SIM_DATA_DIR to the folder of the public data sets")
    return path


def test_savings_customers_are_a_book_of_balances_ages_and_tenures() -> None:
    path = real("savings_churn", "customers.csv.gz")
    columns = {
        "id": "customer_id",
        "aum": "average_monthly_balance_prevQ",
        "age": "age",
        "tenure_months": {"column": "vintage", "scale": DAYS_TO_MONTHS},
    }
    book = read_book(path, columns)
    raw = pd.read_csv(path, dtype={"customer_id": str})
    assert book.id.tolist() == raw.customer_id.tolist()
    assert np.array_equal(book.aum, raw.average_monthly_balance_prevQ.to_numpy())
    assert book.counts == {"ages_clipped": int((~raw.age.between(18, 85)).sum())}
    negative = only(mistakes_of(path, columns | {"aum": "current_month_balance"}))
    assert f"{(raw.current_month_balance < 0).sum()} rows are negative" in negative.message
    first = int(np.flatnonzero(raw.current_month_balance < 0)[0])
    assert negative.line == first + 2
    line = gzip.decompress(path.read_bytes()).decode().splitlines()[first + 1]
    assert line[negative.column - 1 :].startswith(str(raw.current_month_balance[first]))


def test_card_and_course_books_are_read_whole() -> None:
    cards = read_book(
        real("bankchurners", "customers.csv.gz"),
        {
            "id": "CLIENTNUM",
            "aum": "Credit_Limit",
            "age": "Customer_Age",
            "tenure_months": "Months_on_book",
            "products": "Total_Relationship_Count",
        },
    )
    course = read_book(
        real("churn_modelling", "customers.csv.gz"),
        {
            "id": "CustomerId",
            "aum": "Balance",
            "age": "Age",
            "tenure_months": {"column": "Tenure", "scale": 12},
            "products": "NumOfProducts",
            "income": "EstimatedSalary",
            "state": {"column": "IsActiveMember", "active": [1]},
        },
    )
    assert cards.rows > 8000
    assert course.rows > 7900
    assert course.state is not None
    assert 0.5 < float(np.mean(course.state == ACTIVE)) < 0.53


def test_berka_tables_join_to_a_book(tmp_path: Path) -> None:
    folder = real("berka")
    table = berka_book(folder)
    table.to_csv(tmp_path / "berka.csv", index=False)
    book = read_book(
        tmp_path / "berka.csv",
        {
            "id": "account_id",
            "aum": {"column": "balance", "floor": 0},
            "age": "age",
            "tenure_months": "months_since_opening",
            "products": "products",
        },
    )
    accounts = pd.read_csv(folder / "account.csv", sep=";")
    assert book.rows == int((accounts.date <= 940331).sum())
    assert book.tenure_months is not None
    assert float(book.tenure_months.max()) < 15
    assert book.counts["aum_raised_to_floor"] == int((table.balance < 0).sum())


def test_berka_without_its_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no account"):
        berka_book(tmp_path)


@pytest.mark.parametrize("rows", [1, 50])
def test_the_score_of_a_book_of_equal_balances_is_defined(rows: int) -> None:
    from sim.behaviour.settings import Wealth
    from sim.population.laws import score_of_sample

    score = score_of_sample(np.full(rows, 4.6), np.ones(rows), Wealth())
    assert score.grid.size == score.values.size
    assert score.at(np.array([4.6])) == pytest.approx(0.0, abs=0.3)
