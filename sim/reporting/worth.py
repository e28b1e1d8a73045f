"""What it is worth to know and which pilot to run, in sentences: the one place for terminal, page and library.

Read the tables of `sim.analysis.worth`, or the same read from a file. Money is in the model's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sim.analysis.study import say, short_names
from sim.phrases import counted, listed, plural, quoted
from sim.reporting.figures import units

Names = Mapping[str, str]  # by path, what a reader sees; the last words of the path unless given
Row = Mapping[str, Any]
MOST = 3  # assumptions and pilots told in sentences


def knowing_all(total: pd.DataFrame, currency: str) -> str:
    """What it would be worth to know everything beforehand."""
    t = total.iloc[0]
    worlds = counted(int(t["worlds"]), "world")
    raw = units.money(t["raw"], currency)
    if t["raw"] <= 0:
        return f"Knowing more would be worth nothing: {quoted(t['best'])} is best in every one of {worlds}."
    best = f"On average {quoted(t['best'])} is best"
    if t["evpi"] <= 0:
        return (
            f"{best}. Where others are, in some of {worlds}, cannot be told from luck, so knowing more is worth "
            "nothing that shows."
        )
    best = f"{best}; it is in {units.percent(t['chance_best'], 0)} of {worlds}."
    worth = f"{units.money(t['evpi'], currency)} {_give(t['evpi_se'], currency)}"
    if t["bound"] == "at least":
        return f"{best} To know every assumption would be worth at least {worth}, and at most {raw}, luck included."
    return f"{best} To know every assumption would be worth {worth}; {raw} with luck counted as knowledge."


def knowing_each(parts: pd.DataFrame, currency: str, names: Names | None = None) -> list[str]:
    """The assumptions that are worth most to know, each with the way it turns, and what is to be said of the others."""
    names = _names(parts, names)
    told, idle, unclear = _worth_it(parts), parts[parts["clear"] & (parts["evppi"] <= 0)], parts[~parts["clear"]]
    lines = [_part(row, currency, names) for row in _rows(told.head(MOST))]
    if len(told) > MOST:
        more = len(told) - MOST
        worth = units.money(told["evppi"].iloc[MOST], currency)
        each = " each" if more > 1 else ""
        lines.append(f"{counted(more, 'more assumption')} {'is' if more == 1 else 'are'} worth {worth} at most{each}.")
    if len(idle):
        matters = "matters" if len(idle) == 1 else "matter"
        lines.append(
            f"{counted(len(idle), 'assumption')} clearly {matters}, but knowing one alone would not change the choice."
        )
    if len(unclear):
        many = counted(len(unclear), "other assumption" if len(unclear) < len(parts) else "assumption")
        does, none = ("does", "it is not") if len(unclear) == 1 else ("do", "none is")
        most = units.money(unclear["at_most"].max(), currency)
        lines.append(
            f"What {many} {does} cannot be told from chance with so many worlds; {none} worth more than {most}."
        )
    return lines


def which_pilot(pilots: pd.DataFrame, parts: pd.DataFrame, currency: str, names: Names | None = None) -> list[str]:
    """The pilots that pay, best first; if none does, the one that comes nearest; and what no pilot can tell."""
    names = _names(parts, names)
    lines = [_pilot(row, currency, names) for row in _rows(pilots[pilots["pays"].astype(bool)].head(MOST))]
    if not lines and len(pilots):
        nearest = _pilot(_rows(pilots.head(1))[0], currency, names)
        lines.append(f"No pilot is worth what it costs. The nearest: {nearest}")
    untold = [path for path in _worth_it(parts)["parameter"].head(MOST) if path not in set(pilots["parameter"])]
    if untold:
        lines.append(f"No pilot with customers is known that tells {listed([names[path] for path in untold])}.")
    return lines


def _worth_it(parts: pd.DataFrame) -> pd.DataFrame:
    return parts[parts["clear"] & (parts["evppi"] > 0)]


def _part(row: Row, currency: str, names: Names) -> str:
    name = names[row["parameter"]]
    worth = f"{units.money(row['evppi'], currency)} {_give(row['evppi_se'], currency)}"
    low, high = quoted(row["best_low"]), quoted(row["best_high"])
    way = f"{low} is best but for the very ends of its range"
    if not pd.isna(row["turns_at"]):
        above = f"above it {high}" if low != high else "and again at the high end"
        way = f"below {say(row['turns_at'])} {low} is best, {above}"
    return f"{name[:1].upper()}{name[1:]}: worth {worth} to know; {way}."


def _pilot(row: Row, currency: str, names: Names) -> str:
    each, months = int(row["customers_each"]), int(row["months"])
    low, high = (units.percent(one, 0) for one in sorted((row["power_low"], row["power_high"])))
    cost, worth = (units.money(row[key], currency) for key in ("cost", "worth"))
    return (
        f"Test {names[row['parameter']]} on {2 * each:,} {row['who']} ({each:,} with, {each:,} without) for "
        f"{months} {plural('month', months)}, counting {row['counts']}: costs {cost}, worth {worth} "
        f"{_give(row['evsi_se'], currency)}; its power is {low} to {high} over the range that is believed."
    )


def _give(error: float, currency: str) -> str:
    return f"({units.PLUS_MINUS}{units.GAP}{units.money(error, currency)})"


def _names(parts: pd.DataFrame, names: Names | None) -> Names:
    paths = [str(path) for path in parts["parameter"]]
    return {**dict(zip(paths, short_names(paths), strict=True)), **(names or {})}


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
