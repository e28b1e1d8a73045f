"""Several tables of a bank joined into a book of customers, as one SELECT.

The customers are those whom the money belongs to. A table of many rows a customer with an amount and a day is a list of
transactions: its last balance counts. A table of few rows a customer is a product held, or leads to the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np

from sim.errors import BadInput
from sim.phrases import counted
from sim.population.describe.candidates import Candidate, assigned, candidates
from sim.population.describe.doubts import doubts
from sim.population.describe.links import Link, links_of, money_of, owner_of, role_of, rows_each
from sim.population.describe.looks import DAY_FIRST_SHORT, MONTH_FIRST_SHORT, READER
from sim.population.describe.profile import Profile, day
from sim.population.describe.queries import Query, last_day, literal, name, sum_of
from sim.population.describe.tables import Table
from sim.population.describe.vocabulary import ACCOUNTS, SPOKEN, named, says, tokens

MANY: Final = 3.0  # rows a customer, on average: more are events, fewer are things that one has
PERSONAL: Final = ("age", "income", "tier", "digital_active")  # fields that a table of people is asked for
ISO: Final = "%Y-%m-%d"


def query_of(tables: Sequence[Table], as_of: date | None) -> Query:
    """The SELECT that joins tables into a book of customers. Raises `BadInput` where nothing joins them."""
    links = links_of(tables)
    if not links:
        names = ", ".join(table.path.name for table in tables)
        raise BadInput.at(names, "no column of one is a key of another; --query joins them: SELECT ... FROM ...")
    money, column = money_of(tables)
    by = {table.name: table for table in tables}
    base, hop = owner_of(money, links, by)
    return _Joining(by, links, base, money, column, hop, as_of).query()


def at(table: str, column: str) -> str:
    """A column of a table as SQL has it."""
    return f"{name(table)}.{name(column)}"


class _Joining:
    """The SELECT as it grows: what is asked for, what is joined, what each column is made of."""

    def __init__(
        self,
        by: Mapping[str, Table],
        links: Sequence[Link],
        base: Table,
        money: Table,
        column: Candidate,
        hop: Link | None,
        as_of: date | None,
    ):
        self.by, self.links, self.base, self.money, self.balance, self.as_of = (
            by,
            links,
            base,
            money,
            column.column,
            as_of,
        )
        own = assigned(candidates(base.profiles), base.names).get("id")
        self.hop, self.key = hop, hop.key if hop is not None else own.column if own is not None else base.names[0]
        self.owner = at(base.name, self.key)
        self.select: dict[str, str] = {self.key: self.owner}
        self.sources: dict[str, tuple[str, ...]] = {self.key: (f"{base.name}.{self.key}",)}
        self.doubts: dict[str, tuple[str, ...]] = {}
        self.joins: list[str] = []
        self.why = [str(link) for link in links]
        self.products: list[str] = []
        self.counted: list[str] = []
        self.used = {base.name}
        self.last: tuple[date, str] | None = None

    def query(self) -> Query:
        """All of it, from the customers' own table outwards."""
        base = self.base
        self.own_columns()
        if self.hop is not None:
            self.balances(self.hop)
        for link in self.links:
            if link.many == base.name and link.one not in self.used:
                self.join(name(link.one), link.one, link.key, at(base.name, link.column))
                self.person(self.by[link.one])
        for link in self.links:
            if link.one == base.name and link.many not in self.used:
                self.belonging(link)
        if self.products and "products" not in self.select:
            self.select["products"] = "1 + " + " + ".join(self.products)
            self.sources["products"] = tuple(f"{table}.{self.by[table].names[0]}" for table in self.counted)
            self.doubts["products"] = (
                f"each {base.name} counts as one, what stands in {', '.join(self.counted)} as more",
            )
        if rest := [table for table in self.by if table not in self.used]:
            self.why.append(f"not joined: {', '.join(rest)}")
        columns = [sql if sql.endswith(f".{name(to)}") else f"{sql} AS {name(to)}" for to, sql in self.select.items()]
        sql = "\n".join(["SELECT " + ",\n  ".join(columns), f"FROM {name(base.name)}", *self.joins])
        last = self.last or last_day(tuple(self.by.values()))
        return Query(sql, tuple(self.why), self.sources, self.doubts, last)

    def join(self, what: str, alias: str, column: str, key: str, *, left: bool = True) -> None:
        """Join a table, or a SELECT under a name: its column is the key, of a table that stands already."""
        self.used.add(alias)
        named = "" if what == name(alias) else f" AS {name(alias)}"
        self.joins.append(f"{'LEFT ' * left}JOIN {what}{named}\n  ON {at(alias, column)} = {key}")

    def add(self, table: Table, p: Profile, alias: str) -> None:
        """Ask for a column, under a name of its own."""
        alias = f"{table.name}_{alias}" if alias in self.select else alias
        self.select[alias] = day_sql(at(table.name, p.name), p)
        self.sources[alias] = (f"{table.name}.{p.name}",)
        self.doubts[alias] = tuple(doubts(p, self.as_of))

    def own_columns(self) -> None:
        """What the customers' own table says of them; a day that names nothing is that of opening."""
        keys = {link.column for link in self.links if link.many == self.base.name} | {self.key}
        for p in self.base.profiles:
            if p.name not in keys:
                plain = p.kind == "date" and tokens(p.name)[-1:] in (("date",), ("issued",)) and not named(p.name)
                self.add(self.base, p, "open_date" if plain else p.name)

    def balances(self, hop: Link) -> None:
        """The last balance of everybody's transactions, of several accounts their sum; of accounts the sum."""
        table, balance = self.money, self.balance
        owner, dated, account = f"{name(hop.column)} AS owner", _moments(table), account_in(table, hop)
        each, source = rows_each(table, hop), name(table.name)
        moving = bool(dated) and (account[1] if account else each > MANY)
        added = sum_of(table, table.column(balance))
        self.doubts[balance] = added.said
        if moving:
            when = day_sql(name(dated[0].name), dated[0])
            last = [
                f"arg_max({name(balance)}, ({when}, row)) AS {name(balance)}",
                f"max({when}) AS last_transaction",
                "count(*) AS transactions",
            ]
            rows = f"(SELECT *, row_number() OVER () AS row FROM {source}"
            rows += f" WHERE {added.where})" if added.where else ")"
            by = f"a customer has the last {balance} in {table.name}, by {dated[0].name}, then in the file's order"
            if account:
                last = [owner, f"{name(account[0].name)} AS account", *last]
                rows = f"(SELECT {', '.join(last)}\n    FROM {rows} GROUP BY 1, 2)"
                by = f"a customer has the sum of the last {balance} of each {account[0].name} in {table.name}"
                inner = [
                    "owner",
                    f"sum({name(balance)}) AS {name(balance)}",
                    "max(last_transaction) AS last_transaction",
                    "sum(transactions) AS transactions",
                ]
            else:
                inner = [owner, *last]
            self.select |= {balance: at("held", balance), "last_transaction": "held.last_transaction"}
            self.select["transactions"] = "held.transactions"
            self.sources["last_transaction"] = (f"{table.name}.{dated[0].name}",)
            self.why.append(by)
            at_day = date.fromisoformat(day(dated[0].high))
            self.last = (at_day, f"{table.name}.{dated[0].name}, of which the balances are")
            self.as_of = self.as_of or at_day
        else:
            rows = source
            inner = [owner, f"{added.of(name(balance))} AS {name(balance)}", "count(*) AS products"]
            self.select |= {balance: at("held", balance), "products": "held.products"}
            self.sources["products"] = (f"{table.name}.{hop.column}",)
            self.why.append(f"a customer has the sum of {balance} in {table.name}; each row there is a product")
            if dated:
                self.doubts[balance] += (
                    f"{each:.1f} rows of {table.name} for each {self.key}, taken for accounts and added up, although "
                    f"{dated[0].name} is a day: were they bookings, the last would count",
                )
        none = self.base.rows - table.column(hop.column).distinct
        if none > 0 and table.whole and self.base.whole:
            self.why.append(f"{counted(none, 'row')} of {self.base.name} with nothing in {table.name} are left out")
        self.sources[balance] = (f"{table.name}.{balance}",)
        part = ",\n    ".join(inner)
        self.join(f"(SELECT {part}\n  FROM {rows} GROUP BY 1)", "held", "owner", self.owner, left=False)
        self.used.add(table.name)

    def person(self, table: Table) -> None:
        """Age, income and the like of the person that a key leads to; nothing else of one."""
        chosen = assigned(candidates(table.profiles), table.names)
        for p in [table.column(chosen[wanted].column) for wanted in PERSONAL if wanted in chosen]:
            self.add(table, p, "birth_date" if p.look.dates is not None else p.name)

    def belonging(self, link: Link) -> None:
        """A table whose rows belong to customers: it leads to the person, counts as products, or is left."""
        table = self.by[link.many]
        self.used.add(table.name)
        people = [out for out in self.links if out.many == table.name and out.one not in self.used]
        begins = f"SELECT {name(link.column)} AS owner, "
        if not people and rows_each(table, link) > MANY:
            self.why.append(
                f"not joined: {table.name}, which has {rows_each(table, link):.0f} rows for each {self.key}"
            )
        elif not people:
            self.count(table, f"{begins}count(*) AS n FROM {name(table.name)}")
        else:
            role, alias = role_of(table, link), f"{table.name}_first"
            where = f" WHERE {name(role[0])} = {literal(role[1])}" if role else ""
            keys = ", ".join(f"min({name(out.column)}) AS {name(out.column)}" for out in people)
            self.join(f"({begins}{keys}\n  FROM {name(table.name)}{where} GROUP BY 1)", alias, "owner", self.owner)
            picked = f"the {role[1]}" if role else "the first"
            self.why.append(f"of several {table.name} of one {self.key}, {picked} is the customer")
            for out in people:
                self.join(name(out.one), out.one, out.key, at(alias, out.column))
                self.person(self.by[out.one])
            for far in [far for far in self.links if far.one == table.name and far.many not in self.used]:
                self.used.add(far.many)
                joined = f"JOIN {name(table.name)} ON {at(far.many, far.column)} = {at(table.name, far.key)}"
                select = (
                    f"SELECT {at(table.name, link.column)} AS owner, count(*) AS n FROM {name(far.many)}\n  {joined}"
                )
                self.count(self.by[far.many], select)

    def count(self, table: Table, select: str) -> None:
        """Rows of a table as products held: those begun by the day of the book, or one where they have no day."""
        alias, dated = f"{table.name}_held", _days(table)
        where = ""
        if dated and self.as_of is not None:
            where = f"\n  WHERE {day_sql(at(table.name, dated[0].name), dated[0])} <= DATE '{self.as_of}'"
        self.join(f"({select}{where} GROUP BY 1)", alias, "owner", self.owner)
        self.products.append(f"coalesce({name(alias)}.n, 0)" if dated else f"({name(alias)}.n IS NOT NULL)::INT")
        self.counted.append(table.name)


def _moments(table: Table) -> list[Profile]:
    """Days of a table on which something was so: none of birth, of opening or of closing."""
    other = ("age", "tenure_months", "future")
    return [p for p in _days(table) if not any(k in other and n.score >= 0.5 for k, n in named(p.name).items())]


def account_in(table: Table, hop: Link) -> tuple[Profile, bool] | None:
    """The column of a table that tells accounts apart, and whether one has several rows; not that of their owner."""
    for p in table.profiles:
        if p.name != hop.column and says(p.name, ACCOUNTS) and p.kind in ("id", "text", "number", "money", "count"):
            several = not p.unique and p.distinct < p.rows - p.missing
            if p.distinct > 1 and (
                p.unique or (named(p.name).get("id") is not None and named(p.name)["id"].score >= SPOKEN)
            ):
                return p, several
    return None


def _days(table: Table) -> list[Profile]:
    return [p for p in table.profiles if p.kind in ("date", "month") and np.isfinite(p.high)]


def day_sql(sql: str, p: Profile) -> str:
    """A column of a table as a day, where its text is no ISO date."""
    form = p.look.form if p.look.dates is not None else ""
    if not form or form in (ISO, READER, DAY_FIRST_SHORT, MONTH_FIRST_SHORT):
        return sql
    text = f"{sql}::VARCHAR"
    if form == "birth number":
        text = f"lpad({text}, 6, '0')"
        month = f"substr({text}, 3, 2)::INT"
        return (
            f"make_date(1900 + substr({text}, 1, 2)::INT, {month} - 50 * ({month} > 50)::INT, "
            f"substr({text}, 5, 2)::INT)"
        )
    if form == "%y%m%d":
        return f"strptime('19' || substr(lpad({text}, 6, '0'), 1, 6), '%Y%m%d')::DATE"
    return f"strptime({text}, {literal(form)})::DATE"
