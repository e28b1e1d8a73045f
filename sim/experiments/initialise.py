"""A bank that begins with a survey's answers: the base scenario's customers, their attitudes out of the answers.

Balances, ages, tenures and products are those of the base scenario's bank; what a survey knows is drawn for each of its
customers given age and tier (`sim.survey.initial`). What the answers are unsure of becomes ranges of `beliefs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import shipping
from sim.codes import DORMANT
from sim.errors import BadInput
from sim.experiments.design.beliefs import beliefs_of, small
from sim.experiments.design.variants import Base
from sim.population.strata import DEFAULT_CUSTOMERS, rows_wanted
from sim.scenario.beliefs import EVERY
from sim.survey.columns import ARM, SEED, WAVE
from sim.survey.initial.attitudes import TWICE, Affinity, Attitudes, attitudes
from sim.survey.initial.links import TARGETS, Links, usual
from sim.survey.initial.measurement import measured
from sim.survey.initial.numbers import Number, numbers
from sim.survey.initial.strata import Pyramid
from sim.survey.sheets import Sheets

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.prepared import Prepared
    from sim.scenario.scenario import Scenario
    from sim.survey.instrument import Instrument

MOST_ROWS = 20_000
FIRST_SEED = 1  # of the base scenario's bank, whose customers these are
WORLDS = 16  # of beliefs, where the base scenario has none
DIGITS = 6
OWN = ("aum", "tier", "age", "tenure_months", "products", "share_of_wallet", "state")  # of the base scenario's bank
IMPUTED = ("income",)  # what the bank has and a book would have to say in money
# what people do to a survey is in real answers, not to be told apart, so the same survey is held without it
AS_ANSWERED: dict[str, Any] = {
    "response": {"online": 1.0, "handed": 1.0, "intercept": 1.0},
    **dict.fromkeys(("response_engagement", "response_extremes", "acquiescence", "extreme", "middle"), 0.0),
    **dict.fromkeys(("halo", "careless", "left_out", "desirability"), 0.0),
}


@dataclass(frozen=True)
class Initialised:
    """What is to be written: the customer book, the scenario over its base, the instrument, and where all is from.

    `told` has a row a column of the book and a row a number: column, source, measured, mean, error, low, high,
    reliability, effective.
    """

    book: pd.DataFrame
    scenario: dict[str, Any]
    instrument: Instrument
    links: Links
    told: pd.DataFrame
    notes: tuple[str, ...]
    sheets: int
    effective: float


def initialise(
    prepared: Prepared,
    sheets: Sheets,
    *,
    employees: Sheets | None = None,
    links: Links | None = None,
    behind: float | None = None,
) -> Initialised:
    """A bank out of customers' answers, and its staff out of theirs; raises BadInput with what is wrong with them."""
    s = prepared.scenario
    if links is not None and employees is None and (theirs := list(_of(links, "managers").links)):
        what = f"{theirs[0]} is asked of the staff, and there are no answers of theirs; --employees, or no such link"
        raise BadInput.at("--links", what)
    given = links or _usual(sheets)
    staff = None if employees is None else links or _usual(employees)
    bank = _customers(prepared)
    pyramid = Pyramid(bank["age"], bank["tier"], tuple(tier.name for tier in s.tier_list))
    adoption = s.model.adoption
    found = attitudes(sheets, given, pyramid, Affinity(adoption.affinity_mean, adoption.affinity_sd), behind=behind)
    before = {path: _value(s, path) for target in TARGETS.values() for path in target.paths}
    changed = numbers(sheets, _of(given, "customers"), before, s.managers.digital_sd)
    if employees is not None and staff is not None:
        changed += numbers(employees, _of(staff, "managers"), before, s.managers.digital_sd)
    book = _book(bank, found, pyramid)
    said = len(sheets.table) if behind is None else round(behind)
    both = Links.model_validate({"links": {**(staff.links if staff else {}), **given.links}}) if staff else given
    return Initialised(
        book,
        _scenario(prepared, Path(sheets.file or "answers").name, said, found, changed, book),
        measured(sheets.instrument, found),
        both,
        _told(found, changed, book),
        (*sheets.notes, *_pooled(sheets), *found.notes),
        said,
        found.effective,
    )


def _pooled(sheets: Sheets) -> Iterator[str]:
    """What was taken for one survey though it says that it is several."""
    for column in (ARM, SEED, WAVE):
        if column in sheets.table and (several := sheets.table[column].nunique()) > 1:
            yield f"{column}: sheets of {several} are taken together as one survey"


def _usual(sheets: Sheets) -> Links:
    links = usual(sheets.instrument)
    if links is None:
        there = ", ".join(sheets.instrument.constructs) or "none"
        what = f"no construct that begins anything is known by its name (there are: {there}); --links FILE says which"
        raise BadInput.at(sheets.file or "answers", what)
    return links


def _of(links: Links, who: str) -> Links:
    """The links of a kind of person alone; none of them is left where the other's is all there is."""
    kept = {name: link for name, link in links.links.items() if link.target.who == who}
    return links.model_copy(update={"links": kept})


def _customers(prepared: Prepared) -> dict[str, np.ndarray]:
    """As many customers of the base scenario's bank as are simulated there, each standing for as many as the next."""
    from dataclasses import replace

    s = prepared.scenario
    source = prepared.customers()
    if s.population.source == "synthetic":
        total = s.population.customers or DEFAULT_CUSTOMERS
        rows = min(rows_wanted(s.population, total), MOST_ROWS)
        alike = s.population.model_copy(update={"customers": rows, "agents": None})
        source = replace(source, population=alike)
    columns = source.first(FIRST_SEED, 0)
    n = columns["uid"].size
    kept = np.arange(n) if n <= MOST_ROWS else np.arange(MOST_ROWS) * n // MOST_ROWS
    return {name: values[kept] for name, values in columns.items()}


def _book(bank: Mapping[str, np.ndarray], found: Attitudes, pyramid: Pyramid) -> pd.DataFrame:
    import pandas as pd

    n = bank["aum"].size
    columns: dict[str, Any] = {
        "customer_id": np.arange(1, n + 1),
        "aum": bank["aum"],
        "tier": np.array(pyramid.tiers, object)[pyramid.tier],
        "age": np.round(bank["age"], 2),
        "tenure_months": -bank["joined_month"].astype(np.int64),
        "products": bank["products"].astype(np.int64),
        "share_of_wallet": np.round(1.0 / (1.0 + np.exp(-bank["wallet"])), DIGITS),
        "state": np.where(bank["state"] == DORMANT, "dormant", "active"),
    }
    for name, values in found.columns.items():
        columns[name] = values.astype(np.int64) if name == "digital_active" else np.round(values, DIGITS)
    return pd.DataFrame(columns)


def _scenario(
    prepared: Prepared, name: str, sheets: int, found: Attitudes, changed: Sequence[Number], book: pd.DataFrame
) -> dict[str, Any]:
    """What of the base scenario is replaced; `extends` is added where the folder is known."""
    s = prepared.scenario
    total = s.population.customers or (DEFAULT_CUSTOMERS if prepared.book is None else prepared.book.rows)
    answers = {
        "file": name,
        "sheets": sheets,
        "effective": round(found.effective, 1),
        "columns": {
            one.column: {
                "measured": one.measured,
                "reliability": round(one.reliability, 4),
                "error": round(one.error, DIGITS),
            }
            for one in found.known
        },
    }
    shifts = {one.column: one.error for one in found.known if one.column != "digital_active"}
    population = {
        "source": "book",
        "file": "population.csv",
        "customers": max(total, len(book)),
        "currency_scale": 1.0,
        **dict.fromkeys(("agents", "shares", "separator", "decimal", "header")),  # what only another population has
        "columns": {"id": "customer_id", **{column: column for column in book if column != "customer_id"}},
        "answers": answers,
        "opening": dict.fromkeys(shifts, 0.0),
    }
    data: dict[str, Any] = {
        "name": f"{s.name}_from_answers",
        "about": f"{s.about} Its customers begin with the attitudes of those who answered {name}.".strip(),
        "burn_in": 0,
        "population": population,
    }
    for one in changed:
        part = data
        *inner, last = one.path.split(".")
        for key in inner:
            part = part.setdefault(key, {})
        part[last] = round(one.value, DIGITS)
    if len(s.arms) > 1:
        ranges = {f"population.opening.{column}": (-TWICE * error, TWICE * error) for column, error in shifts.items()}
        ranges |= {one.path: (one.low, one.high) for one in changed if one.high > one.low}
        given = {path: {"low": round(low, DIGITS), "high": round(high, DIGITS)} for path, (low, high) in ranges.items()}
        data["beliefs"] = _beliefs(s, given)
    data["survey"] = {
        "waves": sorted({0, *(s.survey.waves if s.survey else ())}),
        "customers": {"instrument": "instrument.yaml", "n": min(sheets, len(book)), "sampling": "simple"},
        "answering": AS_ANSWERED,
    }
    return data


def _beliefs(s: Scenario, given: Mapping[str, Any]) -> dict[str, Any]:
    """Worlds in which what the answers are unsure of differs too: what the scenario varies, and these ranges."""
    if s.beliefs is None:
        return {"worlds": WORLDS, "vary": dict(given)}
    vary = s.beliefs.vary
    if vary == EVERY:
        names = [one.name for one in beliefs_of(s, Base(small(s))) if one.parameter.role == "uncertainty"]
        others = dict.fromkeys(_covering(names, set(given)))
    elif isinstance(vary, dict):
        kept = {path: one.model_dump(exclude_unset=True) if one else {} for path, one in vary.items()}
        others = {path: one or None for path, one in kept.items() if path not in given}
    else:
        others = dict.fromkeys(path for path in vary if path not in given)
    return {"worlds": s.beliefs.worlds, "vary": {**others, **given}}


def _covering(names: Sequence[str], without: set[str], under: str = "") -> Iterator[str]:
    """The fewest paths that hold all of these names but some."""
    inside: dict[str, list[str]] = {}
    for name in names:
        head = name[len(under) :].split(".", 1)[0]
        inside.setdefault(under + head, []).append(name)
    for path, own in inside.items():
        if own == [path]:
            if path not in without:
                yield path
        elif without.isdisjoint(own):
            yield path
        else:
            yield from _covering(own, without, f"{path}.")


def _told(found: Attitudes, changed: Sequence[Number], book: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = [
        {
            "column": one.column,
            "source": "answers",
            "measured": one.measured,
            "mean": one.mean,
            "error": one.error,
            "low": one.mean - TWICE * one.error,
            "high": one.mean + TWICE * one.error,
            "reliability": one.reliability,
            "effective": one.effective,
        }
        for one in found.known
    ]
    rows += [
        {
            "column": one.path,
            "source": "answers",
            "measured": one.measured,
            "mean": one.value,
            "low": one.low,
            "high": one.high,
        }
        for one in changed
    ]
    for name in OWN:
        mean = float(book[name].mean()) if book[name].dtype.kind in "if" else np.nan
        rows.append({"column": name, "source": "base scenario", "mean": mean})
    attitudes_left = [name for name, one in TARGETS.items() if one.form == "column" and name not in found.columns]
    rows += [{"column": name, "source": "imputed"} for name in (*IMPUTED, *attitudes_left)]
    columns = ("column", "source", "measured", "mean", "error", "low", "high", "reliability", "effective")
    return pd.DataFrame(rows, columns=list(columns))


def _value(s: Scenario, path: str) -> float:
    value: Any = s
    for key in path.split("."):
        value = getattr(value, key)
    return float(value)


def extended(base: str, folder: Path) -> str:
    """How a scenario in a folder names another: a shipped one by its name, any other by its path from there."""
    if base in shipping.names() and not Path(base).exists():
        return base
    return os.path.relpath(os.path.realpath(base), os.path.realpath(folder))
