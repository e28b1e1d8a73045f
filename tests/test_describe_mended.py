"""What a fresh pair of eyes found in proposals: each finding as a small file that shows it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from sim.cli import main
from sim.population.describe import Description, describe

CUSTOMERS = 120


def written(folder: Path, name: str, columns: dict[str, Callable[[int], object]], rows: int = CUSTOMERS) -> Path:
    """A CSV of these columns, each made of the row's number."""
    file = folder / f"{name}.csv"
    lines = [";".join(columns), *(";".join(str(make(n)) for make in columns.values()) for n in range(rows))]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def amount(n: int) -> str:
    """An amount that no other row has."""
    return f"{math.exp(6 + n * 7919 % 10_007 / 2_000):.2f}"


def day(n: int, year: int, years: int = 10) -> str:
    """A day of one of some years."""
    return f"{year + n % years}-{n * 5 % 12 + 1:02d}-{n * 7 % 28 + 1:02d}"


def one(folder: Path, **columns: Callable[[int], object] | None) -> Description:
    """A file of one table described, which has an id and a balance where nothing else is said."""
    made: dict[str, Callable[[int], object] | None] = {"customer_id": lambda n: f"K{n:05d}", "balance": amount}
    made |= columns
    return describe([written(folder, "book", {name: make for name, make in made.items() if make is not None})])


def told(found: Description) -> str:
    """All that is doubted, asked and given as a reason."""
    p = found.proposal
    doubts = [text for f in (*p.fields, *p.left) for text in f.doubts]
    return " | ".join([*doubts, *p.asks, *(f"{left.column}: {left.why}" for left in p.left)])


def read(found: Description, folder: Path) -> dict[str, object]:
    """The scenario as written."""
    return dict(yaml.safe_load(found.scenario(folder / "bank.yaml")))


def bank(folder: Path) -> list[Path]:
    """Customers, one or two accounts of each, transactions without a balance."""
    customers = written(
        folder,
        "customers",
        {
            "customer_id": lambda n: n + 1,
            "birth_date": lambda n: day(n, 1940, 60),
            "joined": lambda n: day(n, 2001),
            "mobile_active": lambda n: n % 2,
        },
    )
    accounts = written(
        folder,
        "accounts",
        {
            "account_id": lambda n: n + 1,
            "customer_id": lambda n: n % CUSTOMERS + 1,
            "type": lambda n: "current" if n < CUSTOMERS else "loan" if n % 3 == 0 else "savings",
            "balance": amount,
            "opened": lambda n: day(n, 2003),
        },
        200,
    )
    moves = written(
        folder,
        "transactions",
        {
            "tx_id": lambda n: n + 1,
            "account_id": lambda n: n % 200 + 1,
            "date": lambda n: day(n, 2024, 1),
            "amount": lambda n: f"{n % 97 - 48}.50",
        },
        900,
    )
    return [customers, accounts, moves]


def test_a_day_of_birth_is_an_age_and_accounts_with_a_day_of_opening_are_added_up_without_loans(tmp_path: Path) -> None:
    found = describe(bank(tmp_path))
    fields = {f.field: f.column for f in found.proposal.fields}
    assert fields["age"] == "birth_date"
    assert fields["tenure_months"] == "joined"
    assert fields["digital_active"] == "mobile_active"
    assert "state" not in fields
    accounts = pd.read_csv(tmp_path / "accounts.csv", sep=";")
    sums = accounts[accounts["type"] != "loan"].groupby("customer_id")["balance"].sum()
    cells = found.book.cells.to_pandas().set_index("customer_id")["balance"]
    assert len(cells) == CUSTOMERS
    assert np.allclose(cells, sums.loc[cells.index])
    assert "rows with loan in type are debts and not added" in told(found)
    assert found.proposal.as_of == date(2024, 12, 22)
    assert "is the last day in transactions.date" in told(found)


def test_customers_without_an_account_are_said_to_be_left_out(tmp_path: Path) -> None:
    customers, accounts, _ = bank(tmp_path)
    frame = pd.read_csv(accounts, sep=";")
    frame[frame["customer_id"] > 5].to_csv(accounts, sep=";", index=False)
    found = describe([customers, accounts])
    assert found.book.rows == CUSTOMERS - 5
    assert found.query is not None
    assert "5 rows of customers with nothing in accounts are left out" in " | ".join(found.query.why)


def test_monthly_balances_of_several_accounts_are_the_sum_of_the_last_of_each(tmp_path: Path) -> None:
    files = bank(tmp_path)[:1]
    held = {
        "account_id": lambda n: n % 200 + 1,
        "customer_id": lambda n: n % 200 % CUSTOMERS + 1,
        "date": lambda n: f"2024-{n // 200 + 1:02d}-28",
        "balance": amount,
    }
    found = describe([*files, written(tmp_path, "balances", held, 1200)])
    frame = pd.read_csv(tmp_path / "balances.csv", sep=";")
    last = frame[frame["date"] == frame["date"].max()].groupby("customer_id")["balance"].sum()
    cells = found.book.cells.to_pandas().set_index("customer_id")["balance"]
    assert np.allclose(cells, last.loc[cells.index])


@pytest.mark.parametrize(
    ("header", "scale", "currency"),
    [
        ("AUM (TEUR)", 1e3, "EUR"),
        ("AUM kEUR", 1e3, "EUR"),
        ("Vermögen T€", 1e3, "EUR"),
        ("balance '000", 1e3, ""),
        ("balance in thousands", 1e3, ""),
        ("Vermögen (Mio)", 1e6, ""),
        ("saldo mn USD", 1e6, "USD"),
        ("资产(千元)", 1e3, "CNY"),
        ("金融资产(万元)", 1e4, "CNY"),
        ("资产余额(亿元)", 1e8, "CNY"),
        ("balance", 1, ""),
        ("balance_usd", 1, "USD"),
    ],
)
def test_a_header_says_units_and_currency_and_bounds_are_in_the_models_money(
    header: str, scale: float, currency: str, tmp_path: Path
) -> None:
    found = one(tmp_path, **{"balance": None, header: amount})
    (aum,) = [f for f in found.proposal.fields if f.field == "aum"]
    assert aum.column == header
    assert (aum.spec.get("scale", 1) if isinstance(aum.spec, dict) else 1) == scale
    scenario = read(found, tmp_path)
    assert scenario.get("currency", "") == currency
    assert ("taken for CNY, one to one" in told(found)) == (not currency)
    money = sorted(float(amount(n)) * scale for n in range(CUSTOMERS))
    bounds = [tier["from"] for tier in scenario["tiers"]]  # type: ignore[attr-defined]
    assert money[0] < bounds[1] < bounds[3] <= money[-1] * 1.05


def test_bounds_are_where_the_tiers_of_the_file_part(tmp_path: Path) -> None:
    def tier(n: int) -> str:
        money = float(amount(n))
        return "Mass" if money < 3_000 else "Affluent" if money < 15_000 else "Wealth" if money < 40_000 else "Private"

    found = one(tmp_path, segment=tier)
    names, bounds = zip(*found.proposal.tiers, strict=True)
    for n in range(CUSTOMERS):
        place = int(np.searchsorted(bounds, float(amount(n)), side="right")) - 1
        assert names[place] == tier(n).casefold()
    assert "bounds where the tiers of the file part" in found.scenario(tmp_path / "b.yaml")
    mixed = one(tmp_path, segment=lambda n: ("Mass", "Affluent", "Wealth", "Private")[n % 4])
    assert "of the customers lie outside the bounds" in told(mixed)
    assert "outside" not in told(found)


def test_a_column_of_currencies_says_the_money_and_several_are_never_added_up(tmp_path: Path) -> None:
    single = one(tmp_path, ccy=lambda _: "EUR", note=lambda n: n % 2)
    assert read(single, tmp_path)["currency"] == "EUR"
    several = one(tmp_path, currency=lambda n: ("EUR", "USD", "CHF")[n % 7 % 3])
    assert "SEVERAL CURRENCIES" in told(several)
    assert "currency: says what money the amounts are in" in told(several)
    accounts = one(tmp_path, customer_id=lambda n: 5000 + n % 50, ccy=lambda n: "EUR" if n % 9 else "USD")
    frame = pd.read_csv(tmp_path / "book.csv", sep=";")
    euros = frame[frame["ccy"] == "EUR"].groupby("customer_id")["balance"].sum()
    cells = accounts.book.cells.to_pandas().set_index("customer_id")["balance"]
    assert np.allclose(cells, euros.reindex(cells.index).fillna(0))
    assert "only EUR is added up" in told(accounts)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("online_active", "digital_active"),
        ("mobile_active", "digital_active"),
        ("active_cards", ""),
        ("loan_active", ""),
        ("customer_active", "state"),
        ("is_active", "state"),
        ("客户是否活跃", "state"),
    ],
)
def test_only_an_active_customer_is_a_state(header: str, field: str, tmp_path: Path) -> None:
    assert one(tmp_path, **{header: lambda n: n % 2}).fields().get(header, "") == field


@pytest.mark.parametrize(
    "make",
    [
        lambda n: f"+49 170 77{n:05d}",
        lambda n: f"0170 77{n:05d}",
        lambda n: f"(030) 77{n:05d}",
        lambda n: f"1391234{n:04d}",
        lambda n: f"person{n}@example.org",
        lambda n: f"DE24825659094774{n:06d}",
        lambda n: f"call Anna Huber at 0170{n}",
        lambda n: ("Anna Huber", "Ben Maier", "Dr. Eva von Novak")[n % 3],
        lambda n: ("王伟", "李秀英", "张敏")[n % 3],
        lambda n: f"{n % 9 + 1} High Street",
        lambda n: f"Hauptstraße {n % 9 + 1}",
        lambda n: f"11010119800101{n:04d}",
        lambda n: f"vip, {n} calls Anna Huber",
    ],
)
def test_what_looks_like_a_person_is_shown_nowhere(
    make: Callable[[int], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "book", {"customer_id": lambda n: f"K{n:05d}", "balance": amount, "col2": make})
    assert main(["describe", str(file)]) == 0
    assert main(["describe", str(file), "--json", "--overwrite"]) == 0
    shown = "".join(capsys.readouterr()) + file.with_suffix(".yaml").read_text("utf-8")
    assert "col2" in shown
    for n in range(CUSTOMERS):
        assert make(n) not in shown


def test_words_that_a_mapping_needs_are_shown(tmp_path: Path) -> None:
    found = one(tmp_path, segment=lambda n: ("Mass Affluent", "Private Banking")[n % 2])
    assert found.tables[0].column("segment").top


@pytest.mark.parametrize(
    "header", ["opened", "account_opened", "opened_on", "Kontobeginn", "建户日期", "seit", "Kontoeröffnung"]
)
def test_a_day_of_opening_is_known(header: str, tmp_path: Path) -> None:
    found = one(tmp_path, **{header: lambda n: day(n, 2001)})
    assert found.fields().get(header) == "tenure_months"


def test_years_of_two_digits_are_read_as_the_reader_reads_them(tmp_path: Path) -> None:
    found = one(tmp_path, dob=lambda n: f"{n % 12 + 1:02d}/{n % 28 + 1:02d}/{40 + n % 55}")
    (age,) = [f for f in found.proposal.fields if f.field == "age"]
    assert age.spec == {"column": "dob", "format": "month-day-year"}
    assert "years of two digits" in told(found)
    assert main(["describe", str(tmp_path / "book.csv"), "--quiet"]) == 0
    assert main(["validate", str(tmp_path / "book.yaml")]) == 0


def test_blanks_among_decimal_commas_make_a_query_that_answers(tmp_path: Path) -> None:
    german = str.maketrans(",.", ".,")
    columns = {
        "Kundennummer": lambda n: f"K{n:05d}",
        "Vermögen": lambda n: "" if n == 7 else f"{float(amount(n)):,.2f}".translate(german),
    }
    file = written(tmp_path, "de", columns)
    assert main(["describe", str(file), "--quiet"]) == 0
    assert main(["validate", str(tmp_path / "de.yaml")]) == 0
    held = describe([file]).book.cells.to_pandas()["Vermögen"].tolist()
    english = [str(value).translate(german).replace(",", "") for value in held]
    assert float(english[7]) == 0
    assert float(english[8]) == pytest.approx(float(amount(8)), abs=0.01)


def test_a_column_that_is_left_says_why(tmp_path: Path) -> None:
    short = one(tmp_path, balance=lambda n: f"{n + 1}.{n % 9}k", score_points=lambda n: n % 50 + 0.5)
    assert "balance: named like aum, but its values" in told(short)
    assert "'1.0k'" in told(short)
    mixed = one(tmp_path, balance=lambda n: amount(n) if n % 2 else amount(n).replace(".", ","))
    assert "some have a point and some a comma before decimals" in told(mixed)
    aged = one(tmp_path, age=lambda n: (999, 0, -1)[n % 3] if n < 6 else 20 + n % 60)
    assert aged.fields()["age"] == "age"
    ages = pd.to_numeric(aged.book.cells.to_pandas()["age"])
    assert ages.isna().sum() == 6
    assert "looks like a code for unknown" in told(aged)
    whole = one(tmp_path, balance=lambda n: n * 7919 % 10_007 + 1_000)
    assert whole.fields()["balance"] == "aum"
    assert next(f for f in whole.proposal.fields if f.field == "aum").sure == "sure"


def test_parts_of_what_a_customer_has_are_added_up_and_loans_are_not(tmp_path: Path) -> None:
    found = one(
        tmp_path,
        balance=None,
        savings_balance=amount,
        current_balance=lambda n: f"{n}.25",
        loan_balance=lambda n: f"{n * 900}.75",
    )
    cells = found.book.cells.to_pandas()
    (aum,) = [f for f in found.proposal.fields if f.field == "aum"]
    frame = pd.read_csv(tmp_path / "book.csv", sep=";")
    assert np.allclose(cells[aum.column], frame["savings_balance"] + frame["current_balance"])
    assert "savings_balance, current_balance" in told(found)
    assert "loan_balance: what the customer owes" in told(found)
    assert "could be" not in told(found)


def test_the_last_day_is_of_the_past(tmp_path: Path) -> None:
    found = one(tmp_path, opened=lambda n: "2090-05-01" if n == 3 else day(n, 2001))
    assert found.proposal.as_of == date(2010, 12, 22)
    assert "1 date after" in told(found)


def test_keys_of_other_tables_are_ids_and_many_unknown_columns_are_asked_after_once(tmp_path: Path) -> None:
    files = bank(tmp_path)
    found = describe(files)
    assert found.tables[1].column("customer_id").kind == "id"
    wide = one(tmp_path, **{f"feat_{k}": lambda n, k=k: n * (k + 3) % 100 for k in range(30)})
    assert "what is it?" not in told(wide)
    assert "feat_29" in wide.scenario(tmp_path / "wide.yaml")
