"""Join the Berka tables into a customer book: ``python -m sim.population.prepare_berka FOLDER OUT.csv``.

The Czech bank of PKDD'99 comes as tables (account, disp, client, card, loan, order, trans). The book holds one row per
account that had a transaction by the last day of its transactions here (31 March 1994): its balance (CZK) after the
last one, the owner's age, months since opening, and products: the account, cards and loans dated by then, and one
for standing orders (which have no date). Write it outside the repository: the data are not ours to pass on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import BadInput, Mistake

if TYPE_CHECKING:
    import pandas as pd

DAYS_PER_MONTH = 365.25 / 12
TABLES = {
    "account": "account.csv",
    "disp": "disp.csv",
    "client": "client.csv",
    "card": "card.csv",
    "loan": "loan.csv",
    "order": "order.csv",
    "trans": "trans_1993-01_1994-03.asc.gz",
}


def berka_book(folder: Path) -> pd.DataFrame:
    """account_id, balance (CZK), age (years), months_since_opening, products. Raises `BadInput` for absent tables."""
    import pandas as pd

    absent = [name for name in TABLES.values() if not (folder / name).is_file()]
    if absent:
        raise BadInput(
            Mistake(str(folder), 0, 0, "", f"has no {name}; it must hold the Berka tables") for name in absent
        )
    tables = {name: pd.read_csv(folder / file, sep=";", low_memory=False) for name, file in TABLES.items()}

    def day(numbers: pd.Series) -> pd.Series:
        return pd.to_datetime("19" + numbers.astype(str).str.zfill(6), format="%Y%m%d")

    trans = tables["trans"]
    last_day = int(trans.date.max())
    now = pd.Timestamp(f"19{last_day:06d}")
    book = trans.groupby("account_id").balance.last().reset_index()  # the file is in order of time
    book = book.merge(tables["account"][["account_id", "date"]], on="account_id", validate="1:1")
    owners = tables["disp"].query("type == 'OWNER'").merge(tables["client"], on="client_id")
    book = book.merge(owners[["account_id", "birth_number"]], on="account_id", validate="1:1")
    birth = book.birth_number.astype(int)
    birth -= 5000 * (birth // 100 % 100 > 50)  # women have 50 added to the month
    book["age"] = ((now - day(birth)).dt.days // 365.25).astype(int)
    book["months_since_opening"] = ((now - day(book.date)).dt.days / DAYS_PER_MONTH).round(1)

    cards = tables["card"].merge(tables["disp"][["disp_id", "account_id"]], on="disp_id")
    cards = cards[cards.issued.str[:6].astype(int) <= last_day]
    loans = tables["loan"].query("date <= @last_day")
    of_account = book.account_id
    counted = sum(of_account.map(table.account_id.value_counts()).fillna(0) for table in (cards, loans))
    book["products"] = (1 + counted + of_account.isin(tables["order"].account_id)).astype(int)
    return book[["account_id", "balance", "age", "months_since_opening", "products"]]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m sim.population.prepare_berka FOLDER OUT.csv")
    try:
        berka_book(Path(sys.argv[1])).to_csv(sys.argv[2], index=False)
    except BadInput as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except (OSError, ValueError, KeyError, AttributeError) as error:  # a table that is not what its name says
        print(f"{sys.argv[1]}  cannot be joined to a book ({type(error).__name__}: {error})", file=sys.stderr)
        sys.exit(BadInput.exit_code)
