"""`describe`: what a bank's files hold, the mapping proposed for them, and the scenario that reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from layouts import LAYOUTS, Layout

from sim.cli import main
from sim.population.describe import Description, describe

ENOUGH = 0.8  # of the columns
DATA = Path(os.environ.get("SIM_DATA_DIR", Path(__file__).parents[2] / "shared" / "data"))


def right(found: Description, truth: dict[str, str]) -> tuple[int, list[str]]:
    """(columns proposed right, what was wrong)."""
    got = found.fields()
    wrong = [f"{c}: {got.get(c, '')!r} for {field!r}" for c, field in truth.items() if got.get(c, "") != field]
    return len(truth) - len(wrong), wrong


def said_of(found: Description) -> set[str]:
    """Columns of which something doubtful is said."""
    p = found.proposal
    asked = {one.column for one in p.fields for ask in p.asks if ask.split(": ", 1)[-1].startswith(f"{one.column} ")}
    return {one.column for one in (*p.fields, *p.left) if one.doubts} | asked


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_four_columns_of_five_are_proposed_right_and_every_doubtful_one_said(layout: Layout, tmp_path: Path) -> None:
    found = describe(layout.write(tmp_path))
    good, wrong = right(found, dict(layout.truth))
    print(f"{layout.name}: {good} of {len(layout.truth)} columns right ({good / len(layout.truth):.0%}); {wrong}")
    columns = {name for table in found.tables for name in table.names}
    assert (
        {column.split(".")[-1] for column in layout.truth} == columns
        if len(found.tables) > 1
        else (set(layout.truth) == columns)
    )
    assert good >= ENOUGH * len(layout.truth), wrong
    assert layout.doubtful <= said_of(found)
    scales = {one.field: one.spec.get("scale", 1) for one in found.proposal.fields if isinstance(one.spec, dict)}
    assert {field: scales.get(field, 1) for field in layout.scaled} == layout.scaled


@pytest.mark.long
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_the_scenario_is_in_order_and_lives(layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(path) for path in layout.write(tmp_path)]
    scenario = tmp_path / "bank.yaml"
    assert main(["describe", *files, "--out", str(scenario), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["refused"] == []
    assert main(["validate", str(scenario)]) == 0
    short = ["--months", "2", "--seeds", "1", "--set", "burn_in=1", "--quiet"]
    assert main(["run", str(scenario), *short, "--out", str(tmp_path / "run")]) == 0
    monthly = pd.read_parquet(tmp_path / "run" / "monthly.parquet")
    assert monthly["month"].max() == 2


# What `mapping.json` of the data says, as fields of a book; columns it does not name are not read.
REAL: dict[str, tuple[list[str], dict[str, str]]] = {
    "savings_churn": (
        ["customers.csv.gz"],
        {
            "customer_id": "id",
            "age": "age",
            "vintage": "tenure_months",
            "customer_nw_category": "tier",
            "average_monthly_balance_prevQ": "aum",
        },
    ),
    "bankchurners": (
        ["customers.csv.gz"],
        {
            "CLIENTNUM": "id",
            "Customer_Age": "age",
            "Months_on_book": "tenure_months",
            "Total_Relationship_Count": "products",
            "Credit_Limit": "aum",
        },
    ),
    "churn_modelling": (
        ["customers.csv.gz"],
        {
            "CustomerId": "id",
            "Age": "age",
            "Tenure": "tenure_months",
            "Balance": "aum",
            "NumOfProducts": "products",
            "IsActiveMember": "state",
            "EstimatedSalary": "income",
        },
    ),
    "bank_marketing": (["bankfull_dev.csv.gz"], {"age": "age", "balance": "aum"}),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_proposed_as_their_mapping_says(name: str, tmp_path: Path) -> None:
    files = [DATA / name / file for file in REAL[name][0]]
    for file in files:
        if not file.exists():
            pytest.skip(f"no {name}/{file.name} under {DATA}: set SIM_DATA_DIR to the folder of the public data sets")
    found = describe(files)
    truth = {column: REAL[name][1].get(column, "") for column in found.tables[0].names}
    good, wrong = right(found, truth)
    print(f"{name}: {good} of {len(truth)} columns right ({good / len(truth):.0%}); {wrong}")
    assert good >= ENOUGH * len(truth), wrong
    assert set(REAL[name][1].items()) <= set(found.fields().items()), "every column that the mapping names"


def test_the_real_czech_tables_give_the_book_that_was_joined_by_hand(tmp_path: Path) -> None:
    from sim.population.prepare_berka import berka_book

    folder = DATA / "berka"
    if not folder.exists():
        pytest.skip(f"no berka under {DATA}: set SIM_DATA_DIR to the folder of the public data sets")
    transactions = tmp_path / "trans.csv.gz"
    transactions.write_bytes((folder / "trans_1993-01_1994-03.asc.gz").read_bytes())
    names = ("account", "disp", "client", "card", "loan", "order", "district")
    found = describe([*(folder / f"{name}.csv" for name in names), transactions])
    truth = {
        "account.account_id": "id",
        "account.date": "tenure_months",
        "client.birth_number": "age",
        "trans.balance": "aum",
    }
    assert set(truth.items()) <= set(found.fields().items())
    cells = found.book.cells.to_pandas().set_index("account_id")
    by_hand = berka_book(folder).set_index("account_id")
    assert set(cells.index) == set(by_hand.index)
    both = cells.join(by_hand.add_suffix("_by_hand"))
    assert (both["balance"] == both["balance_by_hand"]).all()
    assert (both["products"] == both["products_by_hand"]).mean() > 0.99
    days = (pd.Timestamp(found.proposal.as_of) - pd.to_datetime(both["birth_date"])).dt.days
    assert (days // 365.25 == both["age_by_hand"]).all(), "the owner's age, not that of who may sign too"


def test_of_two_who_may_sign_the_owner_is_the_customer(tmp_path: Path) -> None:
    layout = next(one for one in LAYOUTS if one.name == "berka")
    found = describe(layout.write(tmp_path))
    disp, client = (pd.read_csv(tmp_path / f"{name}.csv", sep=";") for name in ("disp", "client"))
    owners = disp[disp["type"] == "OWNER"].merge(client, on="client_id").set_index("account_id")["birth_number"]
    cells = found.book.cells.to_pandas().set_index("account_id")
    years = pd.to_datetime(cells["birth_date"]).dt.year - 1900
    assert (years == owners.loc[cells.index].astype(int) // 10_000).all()
    assert (
        disp.groupby("account_id")["client_id"].min()
        != disp[disp["type"] == "OWNER"].set_index("account_id")["client_id"]
    ).any()


def test_what_is_proposed_stands_as_keys_and_what_is_doubtful_as_comments(tmp_path: Path) -> None:
    layout = next(one for one in LAYOUTS if one.name == "retail")
    found = describe(layout.write(tmp_path))
    text = found.scenario(tmp_path / "sub" / "bank.yaml")
    read = yaml.safe_load(text)
    assert read["population"]["file"] == "../retail.csv"
    assert read["population"]["columns"]["tenure_months"] == {"column": "Tenure", "scale": 12}
    assert read["population"]["columns"]["state"] == "IsActiveMember"
    assert "# doubt: no unit is named; 0 to 10 is read as years, not months" in text
    assert "Surname, Gender: personal data" in text


def small(tmp_path: Path, text: str, name: str = "book.csv") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def table(rows: int = 60, **columns: Callable[[int], object]) -> str:
    made = {"customer_id": lambda n: 1000 + n, "balance": lambda n: f"{n * 37.5 + 12:.2f}"} | columns
    lines = [",".join(made), *(",".join(str(column(n)) for column in made.values()) for n in range(rows))]
    return "\n".join(lines) + "\n"


def doubts_of(found: Description, column: str) -> str:
    p = found.proposal
    return " | ".join(d for one in (*p.fields, *p.left) if one.column == column for d in one.doubts)


@pytest.mark.parametrize(
    ("column", "make", "said"),
    [
        ("balance", lambda n: f"{n + 1}.{n + 100}", "the point may mark thousands"),
        ("balance", lambda n: f"{'€' if n % 2 else '$'}{n * 31}.50", "two currencies in one column"),
        ("customer_id", lambda n: f"{n // 6 + 1}.{n % 6}E+15", "written with an exponent"),
        ("customer_id", lambda n: f"0{n}", "with leading zeros"),
        ("age", lambda n: 999 if n == 7 else 20 + n, "999 (1 row) looks like a code for unknown"),
        ("age", lambda n: "" if n == 7 else 20 + n, "1 row empty"),
        (
            "join_date",
            lambda n: f"20{29 if n == 3 else n % 9 + 10}-03-{n % 27 + 1:02d}",
            "1 date after 2024-06-30",
        ),
        ("join_date", lambda n: f"{n % 12 + 1}/{n % 11 + 1}/2019", "is the day or the month first?"),
        ("tenure", lambda n: n % 9, "no unit is named; 0 to 8 is read as years, not months"),
    ],
)
def test_what_is_doubtful_is_said(column: str, make: Callable[[int], object], said: str, tmp_path: Path) -> None:
    from datetime import date

    found = describe([small(tmp_path, table(**{column: make}))], as_of=date(2024, 6, 30))
    query = " | ".join(d for all_of in (found.query.doubts if found.query else {}).values() for d in all_of)
    assert said in f"{doubts_of(found, column)} | {query}"
    plain = describe([small(tmp_path, table(), "plain.csv")])
    assert not doubts_of(plain, "customer_id")
    assert not doubts_of(plain, "balance")


def test_names_and_telephone_numbers_are_shown_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = small(tmp_path, table(surname=lambda n: f"Secretname{n % 7}", phone_number=lambda n: 77000000 + n))
    assert main(["describe", str(file)]) == 0
    assert main(["describe", str(file), "--json", "--overwrite"]) == 0
    shown = "".join(capsys.readouterr()) + file.with_suffix(".yaml").read_text("utf-8")
    assert "surname" in shown
    assert "Secretname" not in shown
    assert "7700000" not in shown


@pytest.mark.parametrize("width", [80, 140])
def test_a_terminal_shows_every_column_and_no_line_too_long(
    width: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", str(width))
    layout = next(one for one in LAYOUTS if one.name == "cards")
    (file,) = layout.write(tmp_path)
    assert main(["describe", str(file)]) == 0
    shown = capsys.readouterr().out
    table_of, _, _ = shown.partition(str(file.with_suffix(".yaml")))
    assert max(map(cell_len, table_of.splitlines())) <= width
    assert all(column[:35] in shown for column in layout.truth)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["{file}", "--as-of", "30.6.2024"], "--as-of  '30.6.2024' is no day; one written as 2024-06-30"),
        (["{folder}/absent.csv"], "absent.csv  there is no such file"),
        (["{folder}/empty.csv"], "empty.csv  is empty"),
        (["{file}", "--out", "{folder}"], "is a folder; --out names the scenario that is written"),
        (["{file}", "--out", "{file}"], "is there already; another --out, or --overwrite"),
        (["{file}", "{folder}/other.csv"], "no column of one is a key of another"),
        (["{file}", "--query", "SELECT nonsense FROM book"], "nonsense"),
        (["{file}", "--query", "DROP TABLE book"], "one SELECT"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = small(tmp_path, table())
    small(tmp_path, "", "empty.csv")
    small(tmp_path, "a,b\n1,x\n2,y\n", "other.csv")
    assert main(["describe", *(word.format(file=file, folder=tmp_path) for word in words)]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert wrong in err
    assert len(err.strip().splitlines()) == 1
    assert not file.with_suffix(".yaml").exists()


def test_a_query_of_the_users_own_is_kept(tmp_path: Path) -> None:
    file = small(tmp_path, table(age=lambda n: 20 + n))
    found = describe([file], query="SELECT customer_id, balance * 2 AS balance, age FROM book WHERE age > 40")
    assert found.book.rows == 39
    assert yaml.safe_load(found.scenario(tmp_path / "b.yaml"))["population"]["tables"] == {"book": "book.csv"}


def test_the_tables_of_a_database_are_joined_as_files_are(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the extra `data` is not installed")
    layout = next(one for one in LAYOUTS if one.name == "berka")
    files = layout.write(tmp_path)
    with duckdb.connect(str(tmp_path / "bank.duckdb")) as connection:
        for file in files:
            frame = pd.read_csv(file, sep=";")  # noqa: F841 (DuckDB sees it by its name)
            connection.execute(f"CREATE TABLE {file.stem} AS SELECT * FROM frame")
    assert describe([tmp_path / "bank.duckdb"]).fields() == describe(files).fields()
    assert main(["describe", str(tmp_path / "bank.duckdb"), "--quiet"]) == 0
    assert yaml.safe_load((tmp_path / "bank.yaml").read_text("utf-8"))["population"]["file"] == "bank.duckdb"
    assert main(["validate", str(tmp_path / "bank.yaml")]) == 0


def test_accounts_of_a_customer_are_added_up(tmp_path: Path) -> None:
    """Several rows a customer are not several customers; one row that is there twice is a slip, and stays one."""

    def customer(n: int) -> int:
        return 500 + (n % 30 if n < 60 else n % 17)

    accounts = table(rows=90, customer_id=customer, account_no=lambda n: 9000 + n, age=lambda n: customer(n) - 470)
    found = describe([small(tmp_path, accounts)])
    assert found.book.rows == 30
    sums = found.book.cells.to_pandas().set_index("customer_id")["balance"]
    assert sums.loc[500] == pytest.approx(sum(n * 37.5 + 12 for n in (0, 30, 68, 85)))
    assert found.fields()["products"] == "products"
    assert "added up" in doubts_of(found, "balance")
    slip = describe([small(tmp_path, table(customer_id=lambda n: 1000 + min(n, 58)), "slip.csv")])
    assert slip.query is None
    assert "a customer is there more than once" in doubts_of(slip, "customer_id")


def test_months_are_a_history_and_not_customers(tmp_path: Path) -> None:
    layout = next(one for one in LAYOUTS if one.name == "holdings")
    found = describe(layout.write(tmp_path))
    assert found.month == "fecha_dato"
    assert found.tables[0].rows == 1000
    assert found.book.rows == 250
    assert yaml.safe_load(found.scenario(tmp_path / "b.yaml"))["population"]["history"] == {"month": "fecha_dato"}


def test_a_long_file_is_seen_in_part_and_counted_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.population.describe import tables

    monkeypatch.setattr(tables, "SEEN", 500)
    found = describe([small(tmp_path, table(rows=3000))])
    assert found.book.rows == 3000
    assert 250 <= found.book.seen <= 500
    assert found.book.column("customer_id").unique
    last = found.book.column("balance").high
    assert last > 0.9 * (2999 * 37.5 + 12), "rows are spread over the file"
    again = table(rows=3000, customer_id=lambda n: 1000 + min(n, 2998))
    assert not describe([small(tmp_path, again, "again.csv")]).book.column("customer_id").unique


def test_what_is_looked_at_is_a_column_of_arrow_whatever_the_file(tmp_path: Path) -> None:
    layout = next(one for one in LAYOUTS if one.name == "retail")
    (file,) = layout.write(tmp_path)
    frame = pd.read_csv(file)
    frame.to_parquet(tmp_path / "retail.parquet")
    text, typed = describe([file]), describe([tmp_path / "retail.parquet"])
    assert text.fields() == typed.fields()
