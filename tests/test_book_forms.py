"""A customer book in any form that a bank's systems write gives the same customers, and says how it was read."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from sim.cli import main
from sim.errors import BadInput
from sim.experiments.prepare import prepare
from sim.measures.compare import remarks
from sim.population.book.book import Book, read_book
from sim.population.book.file import inspect
from sim.population.describe import describe
from sim.population.prepare_berka import TABLES, berka_book
from sim.store.run_reading import read

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("SIM_DATA_DIR", ROOT.parent / "shared" / "data"))
COLUMNS = {"id": "id", "aum": "aum"}


def refused(path: Path, columns: Any = None, **how: Any) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read_book(path, columns or COLUMNS, **how)
    return [str(mistake) for mistake in caught.value.mistakes]


def written(folder: Path, data: bytes | str, name: str = "book.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


# Encodings

CHINESE = "客户号,姓名,资产\n" + "".join(f"00{k},张三{k}号客户,{k}.5\n" for k in range(1, 9))
SPARSE = "id,类,aum\n" + "".join(f"00{k},客户,{k}.5\n" for k in range(1, 9))  # few characters, over and over
SHOUTED = "id,OPERAÇÃO,aum\n" + "".join(f"00{k},SÃO JOÃO ATIVAÇÃO,{k}.5\n" for k in range(1, 9))
GERMAN = "Kundennr;Name;Vermögen\n" + "".join(f"00{k};Jörg Müller {k};{k}.5\n" for k in range(1, 9))


@pytest.mark.parametrize(
    ("text", "codec", "said"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "gbk", "gb18030"),
        (SPARSE, "gb18030", "gb18030"),
        (SHOUTED, "latin-1", "cp1252"),
        (CHINESE, "utf-16", "utf-16-le"),
        (CHINESE, "utf-16-le", "utf-16-le"),
        (CHINESE, "utf-16-be", "utf-16-be"),
        (GERMAN, "utf-8", "utf-8"),
        (GERMAN, "latin-1", "cp1252"),
        (GERMAN.replace("Name", "Name €"), "cp1252", "cp1252"),
        (GERMAN, "utf-16-le", "utf-16-le"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_encoding_is_found_and_said(tmp_path: Path, text: str, codec: str, said: str, packed: bool) -> None:
    name, money = text.split("\n")[0].replace(";", ",").split(",")[::2]
    data = text.encode(codec)
    path = written(tmp_path, gzip.compress(data) if packed else data, "b.csv.gz" if packed else "b.csv")
    book = read_book(path, {"id": name, "aum": money})
    assert book.id.tolist() == [f"00{k}" for k in range(1, 9)]
    assert book.aum.tolist() == [k + 0.5 for k in range(1, 9)]
    assert book.manifest()["form"]["encoding"] == said
    assert f", encoding {said}, " in book.lines()[0]
    assert book.doubts == ()


@pytest.mark.parametrize("codec", ["gb18030", "cp1252"])
def test_an_encoding_that_shows_only_after_a_megabyte_is_found(tmp_path: Path, codec: str) -> None:
    last = {"gb18030": "张三丰,客户姓名", "cp1252": "José Müller,Straße"}[codec]
    text = "id,name,city,aum\n" + "".join(f"{k},plain,town,{k}\n" for k in range(100_000)) + f"x,{last},-1\n"
    path = written(tmp_path, text.encode(codec))
    assert path.stat().st_size > 1 << 20
    assert inspect(path).form["encoding"] == codec
    assert last.split(",")[0] in refused(path, COLUMNS | {"tier": "name"}, tiers=["plain"])[1]
    (told,) = refused(path)
    assert told.startswith(f"{path}:100002:{len('x,' + last) + 2}  aum: 1 row is negative")


def test_an_encoding_that_is_said_is_used_and_one_that_does_not_fit_is_refused_by_line(tmp_path: Path) -> None:
    path = written(tmp_path, GERMAN.encode("cp1252"))
    columns = {"id": "Name", "aum": "Vermögen"}
    assert read_book(path, columns, encoding="latin-1").id[0] == "Jörg Müller 1"
    assert read_book(path, columns, encoding="latin-1").form["encoding"] == "iso8859-1"
    late = written(tmp_path, b"id,aum\n1,1\n2,\xff\xff\n", "late.csv")
    (told,) = refused(late, encoding="gbk")
    assert told.startswith(
        f"{late}:3:1  cannot be read as gbk from this line on; leave population.encoding out: it reads as"
    )
    (told,) = refused(late, encoding="klingon")
    assert "population.encoding: " in told
    assert "has no encoding 'klingon'; one of utf-8, gb18030" in told


def test_two_encodings_that_fit_alike_are_doubted(tmp_path: Path) -> None:
    path = written(tmp_path, b"id,name,aum\n1,\xc4\xd6,5\n")
    (doubt,) = read_book(path, COLUMNS).doubts
    assert "has few characters beyond ASCII: it may be in cp1252 and is read as gb18030" in doubt.message
    assert read_book(written(tmp_path, "id,name,aum\n1,Größe,5\n".encode("cp1252")), COLUMNS).doubts == ()
    assert read_book(path, COLUMNS, encoding="cp1252").doubts == ()


def test_text_that_was_broken_before_is_doubted(tmp_path: Path) -> None:
    broken = "id,name,aum\n1,plain,5\n2,Müller,5\n".encode().decode("cp1252")
    (doubt,) = read_book(written(tmp_path, broken), COLUMNS).doubts
    assert "(line 3): its text was once read in a wrong encoding" in doubt.message
    mixed = written(tmp_path, "id,name,aum\n1,Größe,5\n".encode() + b"2,\xff,5\n", "mixed.csv")
    assert read_book(mixed, COLUMNS).doubts == ()  # a column that is not read
    replaced = written(tmp_path, "id,name,aum\n1,M\ufffdller,5\n", "replaced.csv")
    assert "(line 2): its text was once read in a wrong encoding" in read_book(replaced, COLUMNS).doubts[0].message


# Kinds


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {"id": ["007", "8", "x"], "aum": [1.5, 2.0, 1e6], "age": [30, None, 41], "note": ["a", "b", "c"]}
    )


AGED: dict[str, Any] = COLUMNS | {"age": {"column": "age", "missing": "impute"}}


def as_kind(folder: Path, kind: str) -> Path:
    path, frame = folder / f"book{kind}", table()
    if kind == ".csv":
        frame.to_csv(path, index=False)
    elif kind == ".parquet":
        frame.to_parquet(path, index=False)
    elif kind == ".xlsx":
        frame.to_excel(path, index=False)
    elif kind == ".feather":
        feather.write_feather(frame, path)
    elif kind in (".arrow", ".ipc"):
        batch = pa.Table.from_pandas(frame, preserve_index=False)
        writer = pa.ipc.new_file if kind == ".arrow" else pa.ipc.new_stream
        with writer(str(path), batch.schema) as out:
            out.write_table(batch, max_chunksize=2)
    elif kind in (".sqlite", ".db"):
        with sqlite3.connect(path) as connection:
            frame.to_sql("book", connection, index=False)
        connection.close()
    else:
        duckdb = pytest.importorskip("duckdb")
        with duckdb.connect(str(path)) as connection:
            connection.register("frame", pa.Table.from_pandas(frame, preserve_index=False))
            connection.execute("CREATE TABLE book AS SELECT * FROM frame")
    return path


@pytest.mark.parametrize(
    "kind", [".csv", ".parquet", ".xlsx", ".feather", ".arrow", ".ipc", ".sqlite", ".db", ".duckdb"]
)
def test_every_kind_of_file_gives_the_same_book(tmp_path: Path, kind: str) -> None:
    book = read_book(as_kind(tmp_path, kind), AGED)
    assert isinstance(book, Book)
    assert book.id.tolist() == ["007", "8", "x"]
    assert book.aum.tolist() == [1.5, 2.0, 1e6]
    assert book.age is not None
    assert book.age.tolist()[::2] == [30, 41]
    assert book.counts == {"age_missing": 1}
    assert book.form["kind"] == {".feather": "arrow", ".ipc": "arrow", ".db": "sqlite"}.get(kind, kind[1:])


@pytest.mark.parametrize("kind", [".duckdb", ".sqlite"])
def test_a_query_gives_the_book_and_only_reads(tmp_path: Path, kind: str) -> None:
    path = as_kind(tmp_path, kind)
    before = path.read_bytes()
    book = read_book(path, AGED, query="SELECT id, aum * 2 AS aum, age FROM book WHERE id <> 'x';")
    assert book.aum.tolist() == [3.0, 4.0]
    for query in (
        "DELETE FROM book",
        "SELECT 1; SELECT 2",
        "DROP TABLE book",
        "CREATE TABLE other AS SELECT 1",
        "ATTACH 'other.db' AS other",
        "PRAGMA user_version = 3",
        "INSERT INTO book VALUES ('y', 1, 1, 'd')",
        "",
    ):
        told = refused(path, query=query or " ")
        assert "population.query" in told[0], query
        assert "one SELECT" in told[0], query
    (told_,) = refused(path, query="SELECT * FROM nowhere")
    assert "does not answer" in told_
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name]


def test_a_query_gives_its_rows_in_the_same_order_each_time(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(tmp_path / "b.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT hash(i) % 50000 AS id, i * 0.1 AS aum FROM range(400000) r(i)")
    query = "SELECT id, sum(aum) AS aum FROM t GROUP BY id"
    first, again = (read_book(tmp_path / "b.duckdb", COLUMNS, query=query) for _ in range(2))
    assert first.id.tolist() == again.id.tolist()
    assert first.aum.tolist() == again.aum.tolist()


@pytest.mark.parametrize("how", ["read_csv('{0}')", "read_text('{0}')", "'{0}'", "glob('{0}')"])
def test_a_query_reads_no_file_beside_its_own(tmp_path: Path, how: str) -> None:
    pytest.importorskip("duckdb")
    secret = written(tmp_path, "id,aum\nsecret,1\n", "secret.csv")
    outside = how.format(secret)
    for path, more in ((as_kind(tmp_path, ".duckdb"), {}), (tmp_path / "s", {"tables": {"a": secret}})):
        told = refused(path, query=f"SELECT * FROM {outside}", **more)
        assert "population.query" in told[0]
        assert "Cannot access file" in told[0]


@pytest.mark.parametrize("kind", [".duckdb", ".sqlite"])
def test_of_several_tables_one_is_named(tmp_path: Path, kind: str) -> None:
    path = as_kind(tmp_path, kind)
    if kind == ".sqlite":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE other AS SELECT id, aum FROM book LIMIT 1")
        connection.close()
    else:
        import duckdb

        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE other AS SELECT id, aum FROM book LIMIT 1")
    (told,) = refused(path)
    assert "has the tables book, other; population.table names one" in told
    assert read_book(path, COLUMNS, table="other").rows == 1
    (told,) = refused(path, table="othr")
    assert "population.table" in told
    assert "did you mean other?" in told


def test_tables_are_joined_by_a_query_whatever_they_are(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    accounts = written(tmp_path, "konto;jméno;od\n0012;Žižka;930101\n0013;Čapek;930202\n".encode("utf-16"), "k.csv")
    moves = tmp_path / "moves.parquet"
    pd.DataFrame({"konto": ["0012", "0012", "0013"], "amount": [5.0, 6.0, 7.5]}).to_parquet(moves)
    cards = written(tmp_path, "konto,cards\n0012,1\n0013,2\n", "cards.csv")
    query = """
        SELECT a.konto AS id, sum(m.amount) AS aum, any_value(c.cards) AS cards
        FROM a JOIN m USING (konto) LEFT JOIN c USING (konto) GROUP BY 1 ORDER BY 1
    """
    files = {"a": accounts, "m": moves, "c": cards}
    book = read_book(tmp_path / "tables", COLUMNS | {"products": "cards"}, query=query, tables=files)
    assert book.id.tolist() == ["0012", "0013"]
    assert book.aum.tolist() == [11.0, 7.5]
    assert book.products is not None
    assert book.products.tolist() == [1, 2]
    assert book.form == {"kind": "tables", "tables": "a (2 rows, utf-16-le), m (3 rows), c (2 rows, utf-8)"}
    again = read_book(tmp_path / "elsewhere", COLUMNS, query=query, tables=dict(reversed(files.items())))
    assert again.digest == book.digest
    moves.write_bytes(cards.read_bytes())
    (told,) = refused(tmp_path / "tables", query=query, tables=files)
    assert "population.tables.m: " in told


def test_amounts_of_tables_are_numbers_in_the_query_as_decimal_says(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    files = {"m": written(tmp_path, "id;amount;code\n1;1.234,50 €;007\n1;(10,5);010\n2;7;1,5x\n", "m.csv")}
    query = "SELECT id, sum(amount) AS aum, min(code) AS code FROM m GROUP BY 1 ORDER BY 1"
    book = read_book(tmp_path / "t", COLUMNS | {"id": "code"}, query=query, tables=files, decimal="comma")
    assert book.aum.tolist() == [1224.0, 7.0]
    assert book.id.tolist() == ["007", "1,5x"]
    assert "do not answer" in refused(tmp_path / "t", query=query, tables=files)[0]
    for key in ("encoding", "separator", "sheet", "table"):
        (told,) = refused(tmp_path / "t", query=query, tables=files, **{key: "comma"})
        assert f"population.{key}: the tables are each a file of its own" in told


# Workbooks


def test_a_sheet_is_named_and_its_rows_are_those_of_excel(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    page = book.create_sheet("Customers (all)")
    for row in (["id", "aum", None, "age"], [1.0, 5, None, 30], [], ["#N/A", 6, None, "#N/A"], [3, -7, None, 20]):
        page.append(row)
    book.save(tmp_path / "b.xlsx")
    path = tmp_path / "b.xlsx"
    empty, negative = refused(path, AGED)
    assert empty.startswith(f"{path}:4:1  id: 1 row is empty (row 4)")
    assert negative.startswith(f"{path}:5:2  aum: 1 row is negative (row 5)")
    assert inspect(path).form == {"kind": "xlsx", "sheet": "Customers (all)"}
    (told,) = refused(path, sheet="Customers")
    assert "has no sheet 'Customers'; did you mean \"Customers (all)\"?" in told
    assert refused(path, sheet="Notes")[0].endswith("is empty; a book has a header and a row for each customer")


def test_whole_numbers_of_a_workbook_are_ids_without_a_point(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    pd.DataFrame({"id": [7.0, 12345678.0], "aum": [1, 2]}).to_excel(tmp_path / "b.xlsx", index=False)
    assert read_book(tmp_path / "b.xlsx", COLUMNS).id.tolist() == ["7", "12345678"]


def test_a_notice_above_the_header_of_a_sheet_is_named(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["A notice", "above"], ["id", "aum"], [1, 5]):
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    (told,) = refused(tmp_path / "b.xlsx")
    assert f"{tmp_path / 'b.xlsx'}:2:1  the header stands here" in told


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        (".csv", {"sheet": "x"}),
        (".csv", {"query": "SELECT 1"}),
        (".parquet", {"encoding": "gbk"}),
        (".parquet", {"table": "x"}),
        (".xlsx", {"separator": "comma"}),
        (".duckdb", {"sheet": "x"}),
    ],
)
def test_a_key_that_a_kind_of_file_has_no_use_for_is_refused(tmp_path: Path, kind: str, how: dict[str, str]) -> None:
    (told,) = refused(as_kind(tmp_path, kind), **how)
    (key,) = how
    assert f"population.{key}" in told
    assert f"has no {key}; leave it out" in told


# Nothing else than a book or mistakes


@pytest.mark.parametrize("kind", [".xlsx", ".feather", ".arrow", ".ipc", ".sqlite", ".duckdb", ".parquet"])
def test_a_damaged_file_of_any_kind_gives_mistakes(tmp_path: Path, kind: str) -> None:
    path = as_kind(tmp_path, kind)
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    for trial in range(24):
        data = bytearray(whole)
        if trial % 3 == 0:
            del data[int(rng.integers(1, len(data))) :]
        elif trial % 3 == 1:
            at = int(rng.integers(0, len(data)))
            data[at : at + 64] = rng.bytes(min(64, len(data) - at))
        else:
            data = bytearray(rng.bytes(200))
        path.write_bytes(data)
        told = mistakes_if_any(path)
        assert all(line and "\n" not in line for line in told)


def mistakes_if_any(path: Path) -> list[str]:
    try:
        return [] if read_book(path, AGED).rows else [""]
    except BadInput as bad:
        return [str(mistake) for mistake in bad.mistakes]


@pytest.mark.parametrize("package", ["duckdb", "openpyxl"])
def test_a_package_that_is_absent_is_named(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = as_kind(tmp_path, {"duckdb": ".duckdb", "openpyxl": ".xlsx"}[package])
    monkeypatch.setitem(sys.modules, package, None)
    said = f"cannot be read without the package {package}; pip install 'rapport-sim[data]'"
    wrong, told = refused(path, {**COLUMNS, "agee": "age"})
    assert "population.columns.agee: " in wrong
    assert told == f"{path}  population.file: {path} {said}"
    with pytest.raises(BadInput) as caught:
        describe([path])
    assert str(caught.value) == f"{path}  {said}"


# Scenarios


def test_scenarios_without_the_new_keys_keep_their_digests() -> None:
    (one,) = prepare(ROOT / "scenarios" / "customer_book.yaml")
    assert one.digest == "bdbdc4d2b9c6eafd37ce0f06c6a5fec5407b1b3fe9ba612bf4cf44a5e743a538"


def scenario(folder: Path, population: str) -> Path:
    (folder / "s.yaml").write_text(
        f"name: s\nmonths: 2\nseeds: [1]\npopulation: {{source: book, currency_scale: 1.0, {population}}}\n"
    )
    return folder / "s.yaml"


@pytest.mark.long
def test_a_scenario_joins_its_tables_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb")
    (tmp_path / "data").mkdir()
    written(tmp_path / "data", "konto;stav\n1;5\n2;7\n".encode("utf-16"), "k.csv")
    select = "SELECT konto AS id, stav AS aum FROM k ORDER BY 1"
    file = scenario(tmp_path, f"tables: {{k: data/k.csv}}, query: {select!r}, columns: {{id: id, aum: aum}}")
    (one,) = prepare(file)
    assert one.book is not None
    assert one.book.aum.tolist() == [5, 7]
    assert one.scenario.population.tables == {"k": str((tmp_path / "data" / "k.csv").resolve())}
    (tmp_path / "other").mkdir()
    shutil.copytree(tmp_path / "data", tmp_path / "other" / "data")
    shutil.copy(file, tmp_path / "other" / "s.yaml")
    (moved,) = prepare(tmp_path / "other" / "s.yaml")
    assert moved.digest == one.digest  # what the tables hold decides, not where they lie
    assert main(["run", str(file), "--out", str(tmp_path / "out"), "--quiet", "--threads", "1"]) == 0
    assert main(["verify", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err == ""
    elsewhere = str(tmp_path / "other" / "s.yaml")
    assert main(["run", elsewhere, "--out", str(tmp_path / "there"), "--quiet", "--threads", "1"]) == 0
    assert remarks([read(tmp_path / "out"), read(tmp_path / "there")]) == []
    written(tmp_path / "other" / "data", "konto;stav\n1;5\n2;8\n", "k.csv")
    assert main(["run", elsewhere, "--out", str(tmp_path / "out"), "--resume", "--quiet"]) == 2
    told = capsys.readouterr().err
    assert "its book held other customers" in told
    assert "tables" not in told


@pytest.mark.parametrize(
    ("population", "expected"),
    [
        ("tables: {k: k.csv}, columns: {id: id, aum: aum}", "population.query: missing; one SELECT joins the tables"),
        (
            "file: a.csv, tables: {k: k.csv}, query: SELECT 1, columns: {id: id, aum: aum}",
            "population.tables: a book is a file, or tables joined by a query; one of the two",
        ),
        ("columns: {id: id, aum: aum}", "population.file: missing; a book needs the path of its file"),
        (
            "tables: {k: nowhere.csv}, query: SELECT 1 AS id, columns: {id: id, aum: aum}",
            "nowhere.csv: it there is no such file",
        ),
    ],
)
def test_what_of_a_scenario_does_not_fit_is_refused(
    tmp_path: Path, population: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(scenario(tmp_path, population))]) == 2
    assert expected in capsys.readouterr().err


def test_the_tables_of_berka_are_a_book_by_a_query() -> None:
    """The same customers as `prepare_berka` makes of them, with dates of the bank's own kind (930101)."""
    pytest.importorskip("duckdb")
    folder = DATA / "berka"
    if not folder.is_dir():
        pytest.skip(f"no berka under {DATA}: set SIM_DATA_DIR to the folder of the public data sets")
    query = """
        WITH latest AS (
            SELECT account_id, arg_max(balance, date) AS balance, count(*) FILTER (last_day) AS rows
            FROM (SELECT *, date = max(date) OVER (PARTITION BY account_id) AS last_day FROM trans) GROUP BY 1
        )
        SELECT account_id, balance, rows, a.date AS opened, birth_number
        FROM latest JOIN account a USING (account_id)
        JOIN disp USING (account_id) JOIN client USING (client_id) WHERE disp.type = 'OWNER' ORDER BY account_id
    """
    tables = {name: folder / TABLES[name] for name in ("account", "disp", "client", "trans")}
    columns = {
        "id": "account_id",
        "aum": {"column": "balance", "floor": 0},
        "age": {"column": "birth_number", "date": True},
        "tenure_months": {"column": "opened", "date": True},
        "products": "rows",
    }
    as_of = date(1994, 3, 31)
    book = read_book(folder / "tables", columns, tables=tables, query=query, as_of=as_of)
    table = berka_book(folder).sort_values("account_id")
    assert book.id.tolist() == table.account_id.astype(str).tolist()
    assert book.age is not None
    assert book.tenure_months is not None
    assert book.products is not None
    once = book.products == 1  # a last day of one transaction, so that the last balance is one
    assert once.sum() > 300
    assert np.array_equal(book.aum[once], table.balance.clip(lower=0)[once])
    assert (book.age - table.age).abs().max() <= 1  # there by days of a mean year
    assert (book.age == table.age).mean() > 0.98
    assert (np.floor(table.months_since_opening + 0.1) - book.tenure_months).abs().max() <= 1
