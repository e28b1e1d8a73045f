"""Scenarios made strange: banks to begin with, and what may be done to each of their values.

`Banks` holds the shipped scenarios and small ones that name every kind of thing; `mutant` changes one of them by a
few mutations, drawn by a seed, and returns its text. What a value may be is read off the settings' own shapes, so a
new setting is mutated from the day it is there.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.scenario.scenario import Scenario
from sim.yaml_source import dump, load, validate
from sim.yaml_source.shapes import Shape, branch_by_tag, branches, fields_of, shape_of, without_null

ROOT = Path(__file__).parent.parent
STRATEGIES = (
    "digital_thinking",
    "stratification",
    "personalised_service",
    "staff_upskilling",
    "institutional",
    "human_resources",
    "fintech",
    "onboarding",
)
SHOCKS = ("internet_finance", "pandemic", "market_drawdown", "manager_poaching", "rival_app")
DESIGNS = ("grid", "random", "latin_hypercube", "sobol", "morris", "saltelli")
KPI = ("npv", "attrition_annual", "aum_end", "aum_end[mass]", "retention_12m", "profit", "roi", "nps")


# --- banks to begin with ---------------------------------------------------------------------------------------------


def _small(name: str, **more: Any) -> dict[str, Any]:
    bank = {
        "name": name,
        "months": 3,
        "burn_in": 1,
        "seeds": [1],
        "population": {"customers": 300},
        "arms": {"nothing": [], "all": [{"use": use} for use in STRATEGIES]},
    }
    return {**bank, **more}


def _own_tiers(n: int) -> dict[str, Any]:
    names = [f"t{k}" for k in range(n)]
    like = ["mass", "affluent", "wealth", "private"]
    tiers = [
        {"name": name, "from": 0 if k == 0 else 3000.0 * 4**k, "like": like[min(k, 3)], "grace_months": k}
        for k, name in enumerate(names)
    ]
    shares = [0.5 ** (k + 1) for k in range(n)]
    shares[-1] += 0.5**n
    by_name = dict(zip(names, shares, strict=True))
    return {"tiers": tiers, "population": {"customers": 4000, "agents": 300, "shares": by_name}}


def small_banks(book: Path) -> list[dict[str, Any]]:
    """One scenario for every kind of thing that a file may ask for; `book` is a file that `write_book` wrote."""
    shocks = [{"kind": kind, "from": k % 2} for k, kind in enumerate(SHOCKS)]
    matrix = [[0.9, 0.1, 0.0, 0.0], [0.1, 0.8, 0.1, 0.0], [0.0, 0.1, 0.8, 0.1], [0.0, 0.0, 0.1, 0.9]]
    budget = {"nothing": [], "mix": {"budget": 20_000, "strategies": [{"use": use} for use in STRATEGIES[:4]]}}
    columns = {"id": "id", "aum": "aum", "age": "age", "tenure_months": "months", "products": "products"}
    swept = {"design": "sobol", "samples": 2, "vary": {"managers.hours_per_month": {"low": 40, "high": 60}}}
    return [
        _small("all"),
        _small("shocks", environment=shocks),
        _small("markov", model={"transitions": {"mode": "markov", "matrix": matrix, "period_months": 1}}),
        _small("budget", arms=budget),
        _small("crowd", population={"customers": 200_000_000, "agents": 1000}),
        _small("large", population={"customers": 100_000_000, "agents": 1000}, burn_in=0),
        _small("stretched", population={"customers": 2_000_000, "agents": 300}, burn_in=0),
        _small("panel", record={"panel": 50}, months=14, burn_in=0),
        _small("until", seeds={"until": {"kpi": "npv", "half_width": 1e9}, "min": 2, "max": 3}),
        _small("one_tier", **_own_tiers(1)),
        _small("two_tiers", **_own_tiers(2)),
        _small("eight_tiers", **_own_tiers(8)),
        _small("cmb", population={"preset": "cmb_2021", "customers": 3000, "agents": 300}),
        _small("word", model={"mechanisms": {"word_of_mouth": True}}, arms={"nothing": []}),
        _small("book", population={"source": "book", "file": str(book), "columns": columns}),
        _small("heavy_book", population={"source": "book", "file": str(book), "columns": columns, "customers": 50_000}),
        _small("swept", sweep=swept),
    ]


def write_book(folder: Path) -> Path:
    """A book of 150 customers, some of whom lack this or that."""
    luck = random.Random(7)
    rows = ["id,aum,age,months,products"]
    for k in range(150):
        money = math.exp(luck.gauss(9.0, 2.2))
        age = "" if k % 9 == 0 else str(luck.randint(18, 90))
        rows.append(f"c{k},{money:.2f},{age},{luck.randint(0, 300)},{luck.randint(1, 6)}")
    file = folder / "book.csv"
    file.write_text("\n".join(rows) + "\n", "utf-8")
    return file


@dataclass
class Bank:
    """A scenario to begin with: as it is written, and with every default filled in where it is in order."""

    written: dict[str, Any]
    whole: dict[str, Any] | None


class Banks:
    """All banks to begin with."""

    def __init__(self, folder: Path, *, shipped: bool = True):
        own = small_banks(write_book(folder))
        found = [load(path).data for path in sorted((ROOT / "scenarios").glob("*.yaml"))] if shipped else []
        for data in found:
            if (data.get("population") or {}).get("file"):
                data["population"]["file"] = str(ROOT / "scenarios" / data["population"]["file"])
        self.banks = [Bank(data, _whole(data)) for data in (*own, *own, *found)]  # small ones twice as often

    def __len__(self) -> int:
        return len(self.banks)


def _whole(data: dict[str, Any]) -> dict[str, Any] | None:
    from sim.errors import BadInput
    from sim.yaml_source import loads

    try:
        return validate(Scenario, loads(dump(data))).resolved()
    except BadInput:
        return None


# --- what stands where -----------------------------------------------------------------------------------------------

At = tuple[str | int, ...]


def spots(value: Any, shape: Shape, at: At = ()) -> Iterator[tuple[At, Any, Shape]]:
    """Every value of the data with its path and its shape, the deepest last."""
    shape = _opened(shape, value)
    yield at, value, shape
    if isinstance(value, dict):
        fields = fields_of(shape.model) if shape.model is not None else {}
        for key, item in value.items():
            inside = fields.get(key) or (shape.items[0] if shape.kind == "mapping" and shape.items else None)
            yield from spots(item, inside or Shape("any", Any), (*at, key))
    elif isinstance(value, list):
        for k, item in enumerate(value):
            inside = shape.items[min(k, len(shape.items) - 1)] if shape.items else None
            yield from spots(item, inside or Shape("any", Any), (*at, k))


def _opened(shape: Shape, value: Any) -> Shape:
    """The shape that this value has among those it may have."""
    shape = without_null(shape)
    if shape.kind == "chosen":
        model = shape.chosen.pick(value)
        return shape_of(model) if model is not None else shape
    if shape.kind != "union":
        return shape
    if shape.discriminator is not None:
        return branch_by_tag(shape, value) or shape
    kinds = {
        dict: ("model", "mapping"),
        list: ("list", "tuple"),
        bool: ("boolean",),
        int: ("integer", "number"),
        float: ("number",),
        str: ("text", "choice"),
    }.get(type(value), ())
    fitting = [member for member in branches(shape) if member.kind in kinds]
    if isinstance(value, dict):
        fitting.sort(key=lambda one: -len(fields_of(one.model).keys() & value.keys()) if one.model else 0)
    return fitting[0] if fitting else shape


def numbers(shape: Shape, luck: random.Random) -> list[Any]:
    """Numbers at the ends of what a value may be, just inside them, in between, and small whole ones."""
    low = shape.limits.get("ge", shape.limits.get("gt"))
    high = shape.limits.get("le", shape.limits.get("lt"))
    whole = shape.kind == "integer"
    found: list[Any] = [0, 1]
    for end, other in ((low, high), (high, low)):
        if end is None:
            continue
        inward = math.inf if end is low else -math.inf
        found += [end, end + (1 if inward > 0 else -1)] if whole else [end, math.nextafter(float(end), inward)]
        if other is not None and not whole:
            found += [end + (other - end) * part for part in (1e-9, 1e-3, 0.1)]
    if low is not None and high is not None:
        found.append(luck.randint(int(low), int(high)) if whole else luck.uniform(low, high))
        if high > 0:
            floor = max(float(low), 1e-9)
            drawn = math.exp(luck.uniform(math.log(floor), math.log(max(high, floor))))
            found.append(int(drawn) if whole else drawn)
    return found if whole else [float(one) for one in found] + [0, 1]


def legal(shape: Shape, luck: random.Random) -> list[Any]:
    """Those of `numbers` that are within what the value may be."""
    low, high = shape.limits.get("ge", -math.inf), shape.limits.get("le", math.inf)
    above, below = shape.limits.get("gt", -math.inf), shape.limits.get("lt", math.inf)
    return [one for one in numbers(shape, luck) if low <= one <= high and above < one < below] or numbers(shape, luck)


WILD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    0.0,
    -0.0,
    1.0,
    0.5,
    1e-300,
    5e-324,
    1e308,
    -1e308,
    math.inf,
    -math.inf,
    math.nan,
    2**31,
    2**53,
    2**63,
    2**64,
    10**30,
    "",
    " ",
    "0",
    "1.0",
    "50%",
    "1,000",
    "true",
    "no",
    "nothing",
    "mass",
    "mäss",
    "0\x07",
    "a b",
    "a.b",
    "x" * 300,
    "C:\\temp\\book.csv",
    [],
    [[]],
    [None],
    [1],
    ["a"],
    [{}],
    {},
    {"": 1},
    {"a": {"b": {}}},
    {"use": "digital_thinking"},
    {"kind": "pandemic", "from": 1},
    {"from": 0, "to": 1},
    {"first": 1, "count": 1},
)


# --- mutations -------------------------------------------------------------------------------------------------------


def _get(data: Any, at: At) -> Any:
    for part in at:
        data = data[part]
    return data


def _put(data: Any, at: At, value: Any) -> None:
    if at:
        _get(data, at[:-1])[at[-1]] = copy.deepcopy(value)


def _numeric(data: dict[str, Any]) -> list[tuple[At, Any, Shape]]:
    return [spot for spot in spots(data, shape_of(Scenario)) if spot[2].kind in ("number", "integer")]


def one_number(data: dict[str, Any], luck: random.Random) -> None:
    """One number at an end of its range."""
    found = _numeric(data)
    if found:
        at, _, shape = luck.choice(found)
        _put(data, at, luck.choice(numbers(shape, luck)))


def section_of_extremes(data: dict[str, Any], luck: random.Random) -> None:
    """All numbers of a section, or some of them, at ends of their ranges."""
    found = _numeric(data)
    if not found:
        return
    at = luck.choice(found)[0]
    head = at[: luck.randint(1, max(len(at) - 1, 1))]
    part = luck.choice((0.2, 0.5, 1.0))
    for place, _, shape in found:
        if place[: len(head)] == head and luck.random() < part:
            _put(data, place, luck.choice(numbers(shape, luck)))


ADD_UP = ("shares", "strata", "mix", "matrix", "hazards")  # numbers that must fit one another
SIZE = ("months", "burn_in", "seeds", "population", "tiers", "record", "sweep", "optimise")


def all_over(data: dict[str, Any], luck: random.Random) -> None:
    """Numbers of the whole scenario at ends of what they may be, all within it."""
    part = luck.choice((0.02, 0.1, 0.3))
    for place, _, shape in _numeric(data):
        if place[0] not in SIZE and not set(place) & set(ADD_UP) and luck.random() < part:
            _put(data, place, luck.choice(legal(shape, luck)))


def ends_of_a_table(data: dict[str, Any], luck: random.Random) -> None:
    """Every entry of a table by tier at the same end of its range."""
    tables = [
        (at, value, shape)
        for at, value, shape in spots(data, shape_of(Scenario))
        if shape.kind == "mapping"
        and isinstance(value, dict)
        and value
        and shape.items
        and shape.items[0].kind in ("number", "integer")
    ]
    if tables:
        at, value, shape = luck.choice(tables)
        k = luck.randrange(len(numbers(shape.items[0], random.Random(0))))
        for key in value:
            if luck.random() < 0.8:
                _put(data, (*at, key), numbers(shape.items[0], luck)[k])


def shares_anew(data: dict[str, Any], luck: random.Random) -> None:
    """Shares that still add up to one: everything in one place, or drawn."""
    own = {"shares", "strata"}
    tables = [
        (at, value)
        for at, value, _ in spots(data, shape_of(Scenario))
        if (at and at[-1] in own and at[0] == "population") or at[:-1] == ("managers", "mix")
        if isinstance(value, dict) and value
    ]
    rows = [
        (at, value)
        for at, value, _ in spots(data, shape_of(Scenario))
        if at[:-1] == ("model", "transitions", "matrix") and isinstance(value, list) and value
    ]
    if not tables + rows:
        return
    at, value = luck.choice(tables + rows)
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    if luck.random() < 0.5:
        drawn = [0.0] * len(keys)
        drawn[luck.randrange(len(keys))] = 1.0
    else:
        drawn = [luck.random() ** luck.choice((1, 5, 20)) for _ in keys]
        total = sum(drawn)
        drawn = [one / total for one in drawn]
        if luck.random() < 0.3:
            drawn = [round(one, luck.choice((2, 3, 4))) for one in drawn]
    for key, one in zip(keys, drawn, strict=True):
        _put(data, (*at, key), one)


def another_choice(data: dict[str, Any], luck: random.Random) -> None:
    """A word or a switch by another one."""
    found = [spot for spot in spots(data, shape_of(Scenario)) if spot[2].kind in ("choice", "boolean")]
    if found:
        at, _, shape = luck.choice(found)
        _put(data, at, luck.choice(shape.choices or (True, False)))


def mechanisms(data: dict[str, Any], luck: random.Random) -> None:
    """Any of the mechanisms on or off."""
    names = fields_of(fields_of(shape_of(Scenario).model)["model"].model)["mechanisms"].model.model_fields
    part = luck.choice((0.1, 0.5, 1.0))
    model = data.setdefault("model", {})
    if isinstance(model, dict):
        model["mechanisms"] = {name: luck.random() > part for name in names}


def wild_value(data: dict[str, Any], luck: random.Random) -> None:
    """A value of another kind."""
    found = [spot for spot in spots(data, shape_of(Scenario)) if spot[0]]
    _put(data, luck.choice(found)[0], luck.choice(WILD))


def key_gone(data: dict[str, Any], luck: random.Random) -> None:
    """A key or an item less."""
    found = [at for at, _, _ in spots(data, shape_of(Scenario)) if at]
    at = luck.choice(found)
    del _get(data, at[:-1])[at[-1]]


def key_moved(data: dict[str, Any], luck: random.Random) -> None:
    """A key misspelt, or a value in the wrong place."""
    found = [at for at, _, _ in spots(data, shape_of(Scenario)) if at and isinstance(at[-1], str)]
    at = luck.choice(found)
    holder = _get(data, at[:-1])
    key = str(at[-1])
    other = luck.choice((key[:-1], key + "s", key.upper(), "x." + key, "", "[0]", str(luck.choice(found)[-1])))
    holder[other] = holder.pop(key)


def item_twice(data: dict[str, Any], luck: random.Random) -> None:
    """An item of a list twice."""
    found = [(at, value) for at, value, _ in spots(data, shape_of(Scenario)) if isinstance(value, list) and value]
    if found:
        _, value = luck.choice(found)
        value.insert(luck.randrange(len(value) + 1), copy.deepcopy(luck.choice(value)))


def more_strategies(data: dict[str, Any], luck: random.Random) -> None:
    """An arm of strategies whose numbers are at ends."""
    arms = data.get("arms")
    if not isinstance(arms, dict):
        return
    drawn = luck.sample(STRATEGIES, luck.randint(1, len(STRATEGIES)))
    uses: list[Any] = [{"use": use, "from": luck.choice((0, 0, 1, 2))} for use in drawn]
    for use in uses:
        from sim.strategies import known

        for key, shape in fields_of(known()[use["use"]]).items():
            if key not in ("use", "from") and shape.kind in ("number", "integer") and luck.random() < 0.3:
                use[key] = luck.choice(numbers(shape, luck))
    budget = luck.choice((None, 0, 1e-300, 1, 1e3, 1e15))
    arms[f"mutant{len(arms)}"] = uses if budget is None else {"budget": budget, "strategies": uses}


def more_shocks(data: dict[str, Any], luck: random.Random) -> None:
    """Shocks whose numbers are at ends."""
    from sim.environment import SHOCKS as KINDS

    shocks = data.get("environment") or []
    if not isinstance(shocks, list):
        return
    for kind in luck.sample(SHOCKS, luck.randint(1, 5)):
        shock: dict[str, Any] = {"kind": kind, "from": luck.choice((0, 0, 1, 2))}
        for key, shape in fields_of(KINDS[kind]).items():
            only = without_null(shape)
            if key not in ("kind", "from") and only.kind in ("number", "integer") and luck.random() < 0.5:
                shock[key] = luck.choice(numbers(only, luck))
        shocks.append(shock)
    data["environment"] = shocks


def other_size(data: dict[str, Any], luck: random.Random) -> None:
    """Another number of customers and of rows."""
    population = data.get("population")
    if isinstance(population, dict):
        population["customers"] = luck.choice((1, 4, 5, 17, 300, 301, 4000, 10**6, 10**9 - 1, 10**9))
        if population.get("source") != "book":
            population["agents"] = luck.choice((None, 1, 4, 5, 8, 200, 300, 1.0, 0.5, 1e-6, 0.999999))


def other_span(data: dict[str, Any], luck: random.Random) -> None:
    """Other months, seeds and what they wait for."""
    data["months"] = luck.choice((1, 2, 3, 11, 12, 13, 1200))
    data["burn_in"] = luck.choice((0, 1, 12, 1000))
    half = luck.choice((1e-300, 1.0, 1e300))
    data["seeds"] = luck.choice(
        (
            [0],
            [2**63 - 1],
            {"first": 2**63 - 1, "count": 1},
            {"first": 1, "count": 100_000},
            {"until": {"kpi": luck.choice(KPI), "half_width": half}, "min": 2, "max": luck.choice((2, 3, 100_000))},
        )
    )


def other_sweep(data: dict[str, Any], luck: random.Random) -> None:
    """A sweep over any number of paths, at ends."""
    found = [(at, shape) for at, _, shape in _numeric(data) if at[0] not in ("months", "seeds", "sweep")]
    vary: dict[str, Any] = {}
    for at, shape in luck.sample(found, min(len(found), luck.randint(0, 3))):
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".")
        ends = luck.choices(numbers(shape, luck), k=2)
        vary[text] = luck.choice(({"low": min(ends), "high": max(ends)}, ends, {"values": ends}, ends[0], None))
    design = luck.choice((*DESIGNS, "list", 3))
    data["sweep"] = {"design": design, "samples": luck.choice((1, 2, 3, 8, 2**20, 2**40)), "vary": vary}


MUTATIONS: tuple[tuple[int, Callable[[dict[str, Any], random.Random], None]], ...] = (
    (16, one_number),
    (8, section_of_extremes),
    (24, all_over),
    (8, ends_of_a_table),
    (6, shares_anew),
    (4, another_choice),
    (5, mechanisms),
    (8, wild_value),
    (4, key_gone),
    (3, key_moved),
    (2, item_twice),
    (6, more_strategies),
    (5, more_shocks),
    (5, other_size),
    (4, other_span),
    (3, other_sweep),
)


def mutant(banks: Banks, luck: random.Random) -> str:
    """The text of a mutated scenario."""
    bank = luck.choice(banks.banks)
    data = copy.deepcopy(bank.whole if bank.whole is not None and luck.random() < 0.7 else bank.written)
    weights, doing = zip(*MUTATIONS, strict=True)
    for mutation in luck.choices(doing, weights, k=luck.choice((1, 1, 1, 2, 2, 3, 5))):
        mutation(data, luck)
        if not data:
            return ""
    text = dump(data)
    return _text_mutated(text, luck) if luck.random() < 0.1 else text


ODD = (
    "\t",
    "\x00",
    "\x08",
    "\x1b[31m",
    "\u202e",
    "\ud7ff",
    "- ",
    ": ",
    "{",
    "]",
    '"',
    "'",
    "&a ",
    "*a ",
    "%",
    "@",
    "#",
    "?",
    "!!python/object:os.system ",
    "---\n",
    "<<: ",
    "\ufeff",
    "\u00a0",
    "\\",
)


def _text_mutated(text: str, luck: random.Random) -> str:
    """What happens to files: lines lost and doubled, odd characters, cut off, other line ends."""
    lines = text.splitlines(keepends=True)
    k = luck.randrange(len(lines))
    at = luck.randrange(len(text))
    odd = luck.choice(ODD)
    return luck.choice(
        (
            lambda: "".join(lines[:k] + lines[k + 1 :]),
            lambda: "".join(lines[: k + 1] + lines[k:]),
            lambda: text[:at],
            lambda: text[:at] + odd + text[at:],
            lambda: text.replace("\n", "\r\n"),
            lambda: "\ufeff" + text,
            lambda: "".join(luck.sample(lines, len(lines))),
        )
    )()
