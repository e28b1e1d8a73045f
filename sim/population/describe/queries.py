"""What one table needs before it is a book, as one SELECT: its last month, a number of products, codes as blanks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np

from sim.phrases import counted
from sim.population.book.money import BY_SIGN
from sim.population.describe.candidates import ADULT, SEVERAL, assigned, candidates, says_month
from sim.population.describe.looks import BLANKS
from sim.population.describe.profile import Profile
from sim.population.describe.tables import Table
from sim.population.describe.vocabulary import (
    DEBTS,
    MONTHLY,
    PARTS,
    SHUT,
    SPOKEN,
    WHOLE,
    currency_in,
    large_unit,
    named,
    says,
    tokens,
)

FLAGS: Final = 4  # columns of yes and no with names of one make: so many are products and not chance
KINDS: Final = ("date", "number")  # what a column of months may look like
MOST_MONTHS: Final = 600
MOST_ACCOUNTS: Final = 20  # rows a customer, on average; more are transactions
MOST_CURRENCIES: Final = 60  # different words of a column of currencies
CODE: Final = re.compile("[A-Z]{3}")
CONVERT: Final = (
    "amounts are not converted; a --query does (CASE currency WHEN 'USD' THEN ... END), "
    "or picks one (WHERE currency = ...)"
)
PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
WORDS: Final = frozenset(
    {
        "all",
        "and",
        "any",
        "as",
        "asc",
        "by",
        "case",
        "cast",
        "desc",
        "from",
        "group",
        "having",
        "in",
        "is",
        "join",
        "left",
        "like",
        "limit",
        "not",
        "null",
        "on",
        "or",
        "order",
        "right",
        "select",
        "table",
        "then",
        "to",
        "union",
        "user",
        "using",
        "values",
        "when",
        "where",
        "with",
        "end",
        "else",
    }
)  # what a name must be quoted for


@dataclass(frozen=True)
class Query:
    """One SELECT over tables by their names, why it is needed, and from which columns each of its columns is made."""

    sql: str
    why: tuple[str, ...]
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doubts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    last: tuple[date, str] | None = None  # a day that it may be of, and which column says so


def name(text: str) -> str:
    """A name as SQL has it, in quotes where it must be."""
    return text if PLAIN_NAME.fullmatch(text) and text not in WORDS else '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def month_of(table: Table) -> Profile | None:
    """The column of months of a table in which customers stand once a month; None where they stand once."""
    months = [p for p in table.profiles if says_month(p) or (p.look.kind in KINDS and says(p.name, MONTHLY))]
    chosen = assigned(candidates(table.profiles), table.names)
    if not months or "id" not in chosen or table.column(chosen["id"].column).unique:
        return None
    ids = table.column(chosen["id"].column)
    month = min(months, key=lambda p: p.distinct)
    once = np.unique(ids.codes * (month.codes.max() + 1) + month.codes).size == table.seen
    return month if once and 1 < month.distinct <= MOST_MONTHS else None


def flags_of(table: Table) -> list[Profile]:
    """Columns of yes and no that are each a product: many of one make, in a table that has no number of products."""
    if "products" in assigned(candidates(table.profiles), table.names):
        return []
    flags = [p for p in table.profiles if p.look.kind == "yes/no" or (p.kind == "constant" and _bit(p))]
    makes: dict[tuple[str, str], list[Profile]] = {}
    for p in flags:
        words = tokens(p.name)
        if len(words) > 1:
            makes.setdefault((words[0], words[-1]), []).append(p)
    best = max(makes.values(), key=len, default=[])
    if len(best) < FLAGS:
        best = [p for p in flags if "product" in named(p.name) and named(p.name)["product"].score > 0.5]
    return best if len(best) >= FLAGS else []


def last_day(tables: Sequence[Table]) -> tuple[date, str] | None:
    """The last day that any column of dates holds, not after today if one is not, and the column."""
    today = np.datetime64(date.today(), "D")
    found = []
    for table in tables:
        for p in table.profiles:
            if p.kind in ("date", "month") and p.look.dates is not None:
                good = p.look.dates[~np.isnat(p.look.dates)]
                past = good[good <= today]
                if good.size:
                    where = f"{table.name}.{p.name}" if len(tables) > 1 else p.name
                    found.append((past.size > 0, (past if past.size else good).max(), where))
    if not found:
        return None
    _, last, where = max(found)
    return date.fromisoformat(str(last)), where


def _bit(p: Profile) -> bool:
    return p.look.numbers is not None and bool(np.isin(p.numbers[np.isfinite(p.numbers)], (0, 1)).all())


def query_of(table: Table) -> Query | None:
    """The SELECT that makes a table a book; None where it is one as it stands."""
    if (accounts := accounts_of(table)) is not None:
        return accounts
    exclude, replace, add = list[str](), dict[str, str](), list[str]()
    why, doubts, sources = list[str](), dict[str, tuple[str, ...]](), dict[str, tuple[str, ...]]()
    if flags := flags_of(table):
        parts = [_flag(p) for p in flags]
        lines = [" + ".join(parts[i : i + 3]) for i in range(0, len(parts), 3)]
        add.append("greatest(1, " + "\n  + ".join(lines) + ") AS products")
        exclude += [p.name for p in flags]
        sources["products"] = tuple(p.name for p in flags)
        why.append(f"{counted(len(flags), 'column')} of yes and no are the products held: they are counted")
        doubts["products"] = (f"counted from {flags[0].name} to {flags[-1].name}; who has none has 1",)
    for field_name, one in assigned(candidates(table.profiles), table.names).items():
        p = table.column(one.column)
        if (
            field_name in ("age", "tenure_months", "income")
            and p.look.kind == "number"
            and (codes := _codes(field_name, p))
        ):
            replace[p.name] = _without(p, codes)
            rows = int(np.isin(p.numbers, codes).sum())
            said = f"{', '.join(f'{c:.0f}' for c in codes)} ({counted(rows, 'row')}) looks like a code for unknown"
            why.append(f"{said}: in {p.name} it is read as a blank")
            doubts[p.name] = (f"{said}, read as a blank",)
        if field_name == "aum" and p.missing:
            replace[p.name] = _or_nothing(p)
            why.append(f"{counted(p.missing, 'blank')} in {p.name} are read as 0")
            doubts[p.name] = (f"{counted(p.missing, 'row')} empty ({p.missing / p.rows:.1%}), read as 0",)
    if balances := parts_of(table):
        total = "total_balance" if "total_balance" not in table.names else "balance_of_all"
        add.append(" + ".join(f"coalesce({name(p.name)}, 0)" for p in balances) + f" AS {total}")
        exclude += [p.name for p in balances]
        replace = {column: sql for column, sql in replace.items() if column not in exclude}
        sources[total] = tuple(p.name for p in balances)
        names = ", ".join(p.name for p in balances)
        why.append(f"no column is all that a customer has: {names} are added up")
        doubts[total] = (f"the sum of {names}",)
    if not why:
        return None
    star = "*"
    if exclude:
        star += " EXCLUDE (" + ", ".join(map(name, exclude)) + ")"
    if replace:
        star += " REPLACE (" + ", ".join(f"{sql} AS {name(column)}" for column, sql in replace.items()) + ")"
    sql = "SELECT " + ",\n  ".join([_broken(star), *add]) + f"\nFROM {name(table.name)}"
    return Query(sql, tuple(why), sources, doubts)


def is_plain(p: Profile) -> bool:
    """Whether a column is a number in a query: written as 1234.5 all through."""
    look = p.look
    marked = look.signs or look.grouped or look.percent or look.many or look.odd or look.zeros
    return look.kind == "number" and not marked and look.decimal == "point"


def _or_nothing(p: Profile) -> str:
    """A column of amounts with 0 for blanks; one with marks may be text or a number in a query."""
    sql = name(p.name)
    if is_plain(p):
        return f"coalesce({sql}, 0)"
    return f"CASE WHEN trim(coalesce({sql}::VARCHAR, '')) = '' THEN '0' ELSE {sql} END"


def currencies(table: Table) -> tuple[Profile, dict[str, int]] | None:
    """A column of currencies, and the rows of each that it holds."""
    for p in table.profiles:
        if p.texts is None or p.distinct > MOST_CURRENCIES or p.look.kind != "words":
            continue
        counts = np.bincount(p.codes[p.codes >= 0], minlength=len(p.texts)).tolist()
        met: dict[str, int] = {}
        known = True
        for text, rows in zip(p.texts, counts, strict=True):
            code = BY_SIGN.get(str(text).casefold(), "")
            if not code and rows and str(text) and not (named_so(p) and CODE.fullmatch(str(text))):
                known = bool(str(text).casefold() in BLANKS) and known
            elif rows and str(text):
                met[code or str(text).upper()] = met.get(code or str(text).upper(), 0) + rows
        if known and met:
            return p, met
    return None


def named_so(p: Profile) -> bool:
    """Whether a header says that a column holds currencies."""
    return "currency" in named(p.name) and named(p.name)["currency"].score >= SPOKEN


@dataclass(frozen=True)
class Sum:
    """How the rows of a customer are added up: what of them (a condition, empty if all), and what is doubtful."""

    where: str = ""
    said: tuple[str, ...] = ()
    currency: tuple[str, str] | None = None  # the column of several, and the word of the one that is added up

    def of(self, sql: str) -> str:
        """The sum of a column as SQL has it; 0 where no row counts."""
        return f"coalesce(sum({sql}) FILTER (WHERE {self.where}), 0)" if self.where else f"sum({sql})"


def sum_of(table: Table, balance: Profile) -> Sum:
    """What of a table of accounts is added up: one currency, no loans; that some are closed is said."""
    where, said, kept = list[str](), list[str](), None
    if (held := currencies(table)) is not None and len(held[1]) > 1:
        p, met = held
        most = max(met, key=lambda code: met[code])
        words = [str(text) for text in p.texts if BY_SIGN.get(str(text).casefold(), str(text).upper()) == most]
        where.append(f"{name(p.name)} IN ({', '.join(map(literal, words))})")
        kept = (p.name, words[0])
        others = ", ".join(f"{code} in {counted(rows, 'row')}" for code, rows in met.items() if code != most)
        said.append(f"SEVERAL CURRENCIES in {p.name}: only {most} is added up, not {others}; {CONVERT}")
    for p in table.profiles:
        if p.kind != "words" or p.texts is None or p.name == balance.name:
            continue
        if owed := sorted(str(text) for text in p.texts if says(str(text), DEBTS)):
            where.append(f"coalesce({name(p.name)} NOT IN ({', '.join(map(literal, owed))}), TRUE)")
            said.append(f"rows with {', '.join(owed)} in {p.name} are debts and not added")
        if shut := sorted(str(text) for text in p.texts if says(str(text), SHUT)):
            said.append(f"rows with {', '.join(shut)} in {p.name} are added as well; WHERE leaves them out")
    return Sum(" AND ".join(where), tuple(said), kept)


def parts_of(table: Table) -> list[Profile]:
    """Columns of balances that are each a part of what a customer has, where no column is all of it."""
    found = [c for c in candidates(table.profiles) if c.field == "aum" and c.name and c.looks >= 0.5]
    columns = [table.column(c.column) for c in found]
    if any(says(p.name, WHOLE) for p in columns):
        return []
    parts = [p for p in table.profiles if p in columns and says(p.name, PARTS) and not says(p.name, DEBTS)]
    same = {large_unit(p.name) for p in parts} | {currency_in(p.name) for p in parts}
    return parts if len(parts) > 1 and all(map(is_plain, parts)) and len(same) == 2 else []


def accounts_of(table: Table) -> Query | None:
    """The SELECT that adds up accounts, where a table has several rows a customer and no months; else None."""
    chosen = assigned(candidates(table.profiles), table.names)
    if not {"id", "aum"} <= set(chosen) or month_of(table) is not None:
        return None
    ids, money = table.column(chosen["id"].column), table.column(chosen["aum"].column)
    each = (ids.rows - ids.missing) / max(ids.distinct, 1)
    added = sum_of(table, money)
    if not SEVERAL < each < MOST_ACCOUNTS or chosen["id"].name < SPOKEN or not is_plain(money):
        return None
    apart = {ids.name, money.name, *(added.currency or ())[:1]}
    others = [p for p in table.profiles if p.name not in apart and p.kind != "id"]
    columns = [name(ids.name), f"{added.of(name(money.name))} AS {name(money.name)}"]
    columns += [f"any_value({name(p.name)}) AS {name(p.name)}" for p in others]
    columns += [f"{literal(added.currency[1])} AS {name(added.currency[0])}"] if added.currency else []
    said = f"{each:.1f} rows for each {ids.name}, added up; of all else one of a customer's rows"
    doubts: dict[str, tuple[str, ...]] = {money.name: (said, *added.said)}
    if "products" not in chosen and "products" not in table.names:
        columns.append("count(*) AS products")
        doubts["products"] = ("rows of a customer, each taken for a product",)
    sql = "SELECT " + ",\n  ".join(columns) + f"\nFROM {name(table.name)}\nGROUP BY 1"
    return Query(sql, (f"a customer has {each:.1f} rows: {money.name} is added up by {ids.name}",), {}, doubts)


def _codes(field_name: str, p: Profile) -> list[float]:
    """Values that stand for unknown; an age of 0 too, where nobody is a child."""
    values = p.usual[p.usual != 0]
    nobody = field_name == "age" and values.size and values.min() >= ADULT and bool((p.usual == 0).any())
    return [*p.unknown, *([0.0] if nobody else [])]


def _without(p: Profile, codes: Sequence[float]) -> str:
    sql = name(p.name)
    for code in codes:
        sql = f"nullif({sql}, {code:.0f})" if is_plain(p) else f"nullif({sql}, '{code:.0f}')"
    return sql


def _flag(p: Profile) -> str:
    """A flag as 0 or 1."""
    if _bit(p) and all(text in ("0", "1", "0.0", "1.0") for text in p.samples):
        return f"coalesce({name(p.name)}, 0)" if p.missing else name(p.name)
    yes = ", ".join(literal(text) for text in sorted(p.look.yes))
    return f"coalesce(({name(p.name)} IN ({yes}))::INT, 0)"


def _broken(star: str) -> str:
    """A long list of columns over several lines."""
    import textwrap

    return "\n    ".join(textwrap.wrap(star, 100, break_long_words=False, break_on_hyphens=False))
