"""Which columns of a bank are which fields of a book, how sure that is, its doubts, and what is for the user to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.phrases import counted
from sim.population.book.columns import DAYS_TO_MONTHS, FIELD_NAMES, IMPUTABLE, QUANTITIES, plain_word, quoted
from sim.population.book.labels import NO, YES, says_gone
from sim.population.describe.candidates import Candidate, alone, assigned, candidates, rivals
from sim.population.describe.doubts import doubts
from sim.population.describe.looks import MONTH_FIRST, MONTH_FIRST_SHORT
from sim.population.describe.profile import Profile
from sim.population.describe.queries import CONVERT, currencies, last_day
from sim.population.describe.tables import Table
from sim.population.describe.vocabulary import DAYS, MONTHS_SAID, PARTS, WHOLE, YEARS, currency_in, large_unit, says
from sim.population.presets import PRESETS
from sim.tiers import STANDARD_TIERS
from sim.yaml_source.writer import flow_text

PRESET: Final = "bank_b"
MODEL: Final = "CNY"  # the money of that bank
MANY: Final = 10  # columns that nothing tells: more are not asked after one by one
WHAT: Final = "what is it?"
OUTSIDE: Final = 0.02  # of the customers may lie outside the bounds of their tier before it is asked about
LONG_YEARS: Final = 30  # a tenure that never is above this, and says no unit, counts years
LONGEST_MONTHS: Final = 1200  # above, days
GONE: Final = ("休眠", "销户", "不活跃", "流失", "inaktiv", "inactiv", "inativ", "neaktiv", "closed", "dormant")
TIERS_BY_WORD: Final[Mapping[str, tuple[str, ...]]] = {
    "mass": ("mass", "retail", "basic", "standard", "regular", "blue", "classic", "普通", "大众", "basis"),
    "affluent": ("affluent", "gold", "silver", "mass affluent", "plus", "金卡", "富裕"),
    "wealth": ("wealth", "premium", "platinum", "high net worth", "白金", "金葵花", "财富", "贵宾", "vip"),
    "private": ("private", "diamond", "ultra", "privat", "私人银行", "私行", "钻石"),
}


@dataclass(frozen=True)
class Proposed:
    """A column that is read as a field: how it is mapped, how sure that is, why, and what is doubtful about it."""

    field: str
    column: str
    spec: str | dict[str, Any]
    score: float
    sure: str
    why: str
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Left:
    """A column that is not read: what it is taken for, and why it is left alone."""

    column: str
    kind: str
    why: str
    doubts: tuple[str, ...] = ()
    instead: str = ""  # what to write if the user wants it all the same


@dataclass(frozen=True)
class Proposal:
    """What is proposed for one table of customers: columns read and not, money, day, tiers, and what the user says."""

    fields: tuple[Proposed, ...]
    left: tuple[Left, ...]
    currency: str = ""
    told_by: str = ""  # what says so
    decimal: str = ""
    as_of: date | None = None
    tiers: tuple[tuple[str, float], ...] = ()
    tiers_by: str = ""
    asks: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Money:
    """The currencies of a table, the most frequent first, what says so, and the rows of each in words."""

    codes: tuple[str, ...] = ()
    where: str = ""
    rows: str = ""


def currency_of(table: Table, money: Sequence[Profile]) -> Money:
    """By the signs in columns of money, else a column of currencies, else their headers."""
    signs: dict[str, int] = {}
    for p in money:
        for code, rows in p.look.signs.items():
            signs[code] = signs.get(code, 0) + rows
    where = ", ".join(p.name for p in money if p.look.signs)
    if not signs and (column := currencies(table)) is not None:
        signs, where = column[1], column[0].name
    if signs:
        order = sorted(signs, key=lambda code: -signs[code])
        return Money(tuple(order), where, ", ".join(f"{code} in {counted(signs[code], 'row')}" for code in order))
    named = {code: p.name for p in money if (code := currency_in(p.name))}
    return Money(tuple(named)[:1], *(f"the header {name}" for name in tuple(named.values())[:1]))


def propose(table: Table, as_of: date | None = None, last: tuple[date, str] | None = None) -> Proposal:
    """Look for every field among the columns of one table; `last` is a day that is proposed, and where it is from."""
    found = candidates(table.profiles)
    chosen = assigned(found, table.names)
    at, asks = as_of, list[str]()
    if "aum" not in chosen and (stand_in := chosen.get("income")) is not None:
        chosen = {**chosen, "aum": replace(stand_in, field="aum", score=0.0, name=0.0, phrase="")}
    if at is None and (last := last or last_day([table])) is not None:
        at = last[0]
        if any(table.column(one.column).look.dates is not None for one in chosen.values()):
            asks.append(f"as_of: the day that the file is of; {at} is the last day in {last[1]}")
    fields = [_mapped(table, one, found, chosen, at) for one in chosen.values()]
    if "id" not in chosen:
        asks.append("id: no column tells the customers apart, so the rows are numbered")
        fields.insert(0, Proposed("id", "row", "row", 0.0, "perhaps", "no column tells the customers apart"))
    if "aum" not in chosen:
        asks.append("aum: no column looks like money; say which one holds what a customer has at the bank")
    elif chosen["aum"].name < 0.5:
        asks.append(f"aum: {chosen['aum'].column} is money, but does not sound like what a customer has at the bank")
    left = [
        _left(table.column(name), at, chosen) for name in table.names if name not in {c.column for c in chosen.values()}
    ]
    unknown = [one for one in left if one.kind == "unknown"]
    if len(unknown) > MANY:
        left = [replace(one, doubts=()) if one in unknown and one.doubts == (WHAT,) else one for one in left]
    money = [table.column(c.column) for name, c in chosen.items() if name in ("aum", "income")]
    said = currency_of(table, money)
    signs = said.codes
    comma = any(p.look.decimal == "comma" for p in money)
    grouped = any(p.look.grouped for p in money)
    if not signs:
        asks.append("currency: the file does not say what its money is, so it is taken for CNY, one to one")
    if len(signs) > 1:
        asks.insert(0, f"currency: SEVERAL CURRENCIES ({said.rows}) in {said.where}: {CONVERT}")
    if signs[:1] != [MODEL]:
        asks.append("currency_scale: how much of the model's money (Bank B counts CNY) one unit of the file's is")
    order = {one.field: one for one in fields}
    tiers, tiers_by, outside = _bounds(table, order)
    if outside > OUTSIDE:
        asks.append(f"tiers: {outside:.0%} of the customers lie outside the bounds that part their tiers best")
    return Proposal(
        tuple(order[name] for name in FIELD_NAMES if name in order),
        tuple(left),
        signs[0] if signs else "",
        said.where,
        "comma" if comma else "point" if grouped else "",
        at if any(table.column(c.column).look.dates is not None for c in chosen.values()) else as_of,
        tiers,
        tiers_by,
        tuple(asks),
    )


def _mapped(
    table: Table, one: Candidate, found: Sequence[Candidate], chosen: Mapping[str, Candidate], as_of: date | None
) -> Proposed:
    p = table.column(one.column)
    keys, said = _keys(one.field, p, table, chosen, as_of)
    said = [*doubts(p, as_of, one.field), *said]
    if one.field == "aum":
        held = currency_of(table, [p])
        if len(held.codes) > 1 and not p.look.signs:
            said.append(f"SEVERAL CURRENCIES in {held.where} ({held.rows}): {CONVERT}")
        parts = [c.column for c in found if c.field == "aum" and c.name and c.column != p.name and c.looks >= 0.5]
        parts = [name for name in parts if says(name, PARTS) and not says(name, WHOLE)]
        if parts and says(p.name, PARTS) and not says(p.name, WHOLE):
            said.append(f"only one of several balances; not added: {', '.join(map(quoted, parts))}")
    if others := [c.column for c in rivals(found, chosen, one.field)]:
        shown = ", ".join(map(quoted, others[:4])) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
        said.append(f"could be {shown} as well")
    if one.field == "id" and not p.unique:
        said.append(
            f"{counted(p.distinct, 'different value')} in {counted(p.rows, 'row')}: a customer is there more than once"
        )
    why = f"name says {one.phrase}" if one.phrase else "by its values alone"
    why += f", {p.kind}" if p.kind not in ("id",) else ", each value once" if p.unique else ""
    spec: str | dict[str, Any] = {"column": one.column, **keys} if keys else one.column
    return Proposed(one.field, one.column, spec, one.score, one.sure, why, tuple(said))


def _keys(
    name: str, p: Profile, table: Table, chosen: Mapping[str, Candidate], as_of: date | None
) -> tuple[dict[str, Any], list[str]]:
    """What must stand beside a column's name to read it as that field, and what is doubtful about that."""
    keys: dict[str, Any] = {}
    said: list[str] = []
    quantity = QUANTITIES.get(name)
    if name == "tenure_months" and p.look.dates is None:
        if says(p.name, YEARS):
            keys["scale"] = 12
        elif says(p.name, DAYS) or (p.usual.max() > LONGEST_MONTHS and not says(p.name, MONTHS_SAID)):
            keys["scale"] = DAYS_TO_MONTHS
            said += [] if says(p.name, DAYS) else [f"up to {p.high:,.0f}, so days and not months"]
        elif not says(p.name, MONTHS_SAID):
            years = p.usual.max() <= LONG_YEARS
            keys |= {"scale": 12} if years else {}
            unit, other = ("years", "months") if years else ("months", "years")
            said.append(f"no unit is named; 0 to {p.high:,.0f} is read as {unit}, not {other}")
    if p.look.form in ("%y%m%d", "birth number") and p.look.bare:
        keys["date"] = True
    if p.look.form in (MONTH_FIRST, MONTH_FIRST_SHORT):
        keys["format"] = "month-day-year"
    if name == "age" and p.kind == "year":
        keys |= {"scale": -1, "shift": (as_of or date.today()).year}
        said.append("a year of birth: age is that of the year's end")
    if name == "income" and says(p.name, ("monthly", "month", "月收入", "mensual", "monat")):
        keys["scale"] = 12
    if quantity is not None and quantity.money and not p.look.many and (large := large_unit(p.name)) is not None:
        keys["scale"] = int(large[1] * keys.get("scale", 1))
        said.append(f"in units of {large[0]}: each is {large[1]:,.0f}")
    if name in ("digital_affinity", "share_of_wallet") and p.high > 1 and not p.look.percent:
        keys["scale"] = 0.01
    if name in ("satisfaction", "trust", "expectation"):
        values = p.numbers[np.isfinite(p.numbers)]
        sd = float(values.std()) or 1.0
        keys |= {"scale": round(1 / sd, 4), "shift": round(-float(values.mean()) / sd, 4)}
        said.append("its own mean and spread become 0 and 1 standard deviation")
    if quantity is not None and quantity.floor is not None and p.low < quantity.floor and p.look.dates is None:
        below = int((p.numbers < quantity.floor).sum())
        keys["floor"] = int(quantity.floor)
        said.append(f"{counted(below, 'value')} below {quantity.floor:g}, raised to it")
    if name in ("state", "digital_active"):
        keys |= _words(name, p, said)
    if name == "tier":
        keys |= _tiers(p, table, chosen, said)
    if name in IMPUTABLE and (p.missing or (p.look.kind == "number" and p.look.odd)):
        keys["missing"] = "impute"
    return keys, said


def _words(name: str, p: Profile, said: list[str]) -> dict[str, Any]:
    """Which words mean active (or digital)."""
    words = [str(text) for text in p.texts] if p.texts is not None else []
    words = sorted({word for word in words if word}, key=str)
    plain = {plain_word(word) for word in words}
    gone = says_gone(p.name) or any(part in p.name.casefold() for part in GONE)
    if p.kind == "yes/no" and plain <= YES | NO:
        return {"inverted": True} if gone else {}
    sleeping = [w for w in words if says_gone(w) or any(part in w.casefold() for part in GONE)]
    if p.kind == "yes/no":
        listed = [w for w in words if (w in p.look.yes) != gone]
    else:
        listed = [w for w in words if w not in sleeping]
        if not sleeping or not listed:
            said.append("which words mean a customer who is there is for you to say")
    return {"active": listed or words[:1]}


def _tiers(p: Profile, table: Table, chosen: Mapping[str, Candidate], said: list[str]) -> dict[str, Any]:
    """Tier by word: by the words themselves, else in the order of the money that those who have them hold."""
    words = [str(text) for text in p.texts if str(text)]
    by_word = {}
    for word in words:
        known = [t for t, said_so in TIERS_BY_WORD.items() if any(part in word.casefold() for part in said_so)]
        if known:
            by_word[word] = known[-1]
    if len(by_word) == len(words):
        return {} if all(word == tier for word, tier in by_word.items()) else {"values": by_word}
    if "aum" not in chosen:
        return {"values": {word: "mass" for word in words}}
    money = table.column(chosen["aum"].column).numbers
    medians = {
        word: float(np.nanmean(money[p.codes == code])) for code, word in enumerate(str(t) for t in p.texts) if word
    }
    order = sorted(medians, key=lambda word: (medians[word], word))
    steps = np.minimum(np.arange(len(order)), len(STANDARD_TIERS) - 1)
    said.append(f"tiers in the order of mean {quoted(chosen['aum'].column)}: {', '.join(order)} (lowest first)")
    return {"values": {word: STANDARD_TIERS[step] for word, step in zip(order, steps.tolist(), strict=True)}}


def _left(p: Profile, as_of: date | None, chosen: Mapping[str, Candidate]) -> Left:
    kind, why = alone(p)
    said, instead = [], ""
    if kind == "outcome" and p.kind in ("yes/no", "words"):
        words = [str(text) for text in p.texts if str(text)]
        keys: dict[str, Any] = {"column": p.name, "inverted": True}
        if not {plain_word(word) for word in words} <= YES | NO:
            stay = [w for w in words if not says_gone(w) and w not in p.look.yes]
            keys = {"column": p.name, "active": stay or words[:1]}
        instead = f"state: {flow_text(keys)}" if "state" not in chosen else ""
        said.append("those who left begin as active customers; what they did is a target to calibrate by")
    if kind in ("future", "model"):
        said.append("never a predictor")
    if kind == "unknown" or p.look.exponents or len(p.look.signs) > 1:
        said += doubts(p, as_of)
    if kind == "unknown":
        said.insert(0, WHAT)
    return Left(p.name, kind, why, tuple(said), instead)


def _bounds(table: Table, fields: Mapping[str, Proposed]) -> tuple[tuple[tuple[str, float], ...], str, float]:
    """(lower bounds of tiers in the model's money, by what, the share outside theirs): where the file's own tiers part,
    else those that give the book Bank B's pyramid; nothing where its money is too even for that."""
    if "aum" not in fields:
        return (), "", 0.0
    spec = fields["aum"].spec
    scale = float(spec.get("scale", 1)) if isinstance(spec, dict) else 1.0
    money = np.maximum(table.column(fields["aum"].column).numbers * scale, 0)
    if "tier" in fields:
        steps = _steps(table.column(fields["tier"].column), fields["tier"].spec)
        told = np.isfinite(money) & (steps >= 0)
        if len(np.unique(steps[told])) > 1:
            return _parted(money[told], steps[told])
    money = money[np.isfinite(money)]
    shares = np.cumsum([PRESETS[PRESET].shares[tier] for tier in STANDARD_TIERS])[:-1]
    bounds = [0.0, *(float(f"{value:.2g}") for value in np.quantile(money, shares))]
    if not all(np.diff(bounds) > 0):
        return (), "", 0.0
    by = "bounds that give this book the pyramid of Bank B: yours"
    return tuple(zip(STANDARD_TIERS, bounds, strict=True)), by, 0.0


def _steps(p: Profile, spec: str | dict[str, Any]) -> NDArray[np.int64]:
    """The tier of each row as a number, 0 the lowest; -1 where none."""
    values = spec.get("values", {}) if isinstance(spec, dict) else {}
    tiers = [values.get(str(text), plain_word(str(text))) for text in p.texts]
    steps = np.array([*(STANDARD_TIERS.index(t) if t in STANDARD_TIERS else -1 for t in tiers), -1])
    return steps[p.codes]


def _parted(money: NDArray[np.float64], steps: NDArray[np.int64]) -> tuple[tuple[tuple[str, float], ...], str, float]:
    """Bounds between the tiers that the file has, and how many rows lie outside theirs."""
    there = np.unique(steps).tolist()
    bounds = [0.0] * len(STANDARD_TIERS)
    for below, tier in pairwise(there):
        bounds[tier] = _parting(money[steps <= below], money[steps >= tier])
    for tier in range(1, len(STANDARD_TIERS)):  # one that the file has not begins where the next does, as good as
        if tier not in there[1:]:
            later = [bounds[other] for other in there[1:] if other > tier]
            bound = later[0] * 0.99 ** (there[-1] - tier) if later else 2 * float(money.max())
            bounds[tier] = float(f"{bound:.6g}")
        if bounds[tier] <= bounds[tier - 1]:
            bounds[tier] = float(f"{bounds[tier - 1] * 1.001 + 0.01:.6g}")
    out = np.searchsorted(bounds, money, side="right") - 1 != steps
    share = float(out.mean())
    by = "bounds where the tiers of the file part"
    if share > 0:
        by += f"; {counted(int(out.sum()), 'row')} ({share:.1%}) lie outside theirs and change tier in the first months"
    return tuple(zip(STANDARD_TIERS, bounds, strict=True)), f"{by}: yours", share


def _parting(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """The roundest number at which two tiers part best: the shares of each on the wrong side are least together."""
    low, high = np.sort(low), np.sort(high)
    places = np.unique(high)
    wrong = 1 - np.searchsorted(low, places) / len(low) + np.searchsorted(high, places) / len(high)
    best = int(np.argmin(wrong))
    end = float(places[best])
    before = low[: np.searchsorted(low, end)]
    start = max(float(before[-1]) if len(before) else 0.0, float(places[best - 1]) if best else 0.0)
    for digits in range(1, 10):
        bound = float(f"{(start + end) / 2:.{digits}g}")
        if start < bound <= end:
            return bound
    return end
