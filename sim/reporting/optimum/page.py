"""report.html of an optimisation: who won, what is left of it on fresh seeds, how it was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sim.phrases import labelled, spoken
from sim.reporting.figures import Plate, units
from sim.reporting.figures.sweep_front import Measure, front, mixes, search_and_confirmed
from sim.reporting.names import labels_of, meanings_of
from sim.reporting.optimum.sentences import Outcome, answer, chosen_words, measures_of, outcome, setting, title, written
from sim.reporting.page import Picture, by_section, draw_all, page_of
from sim.store.files import write_atomically
from sim.store.optimum import Optimised


@dataclass(frozen=True)
class Gap:
    """A difference as shown: its text, the ends of its interval ("" for none), and whether that leaves zero out."""

    text: str
    low: str
    high: str
    sure: bool


def write(found: Optimised) -> None:
    """figures/ and report.html of an optimisation."""
    measures = measures_of(found)
    with labelled(labels_of(found.manifest)):
        pictures, _ = draw_all(plates(found), found.path, ids="o")
        write_atomically(found.path / "report.html", render(found, measures, pictures))


def plates(found: Optimised) -> Iterator[Plate]:
    """The figures that suit it: those of the confirmed need one with a result."""
    measures, ended = measures_of(found), outcome(found)
    if not (found.confirmed["status"] == "ok").any():
        return
    reference, heading = found.facts["reference"], title(found, ended)
    objectives = [one for one in measures if one.sign]
    if len(objectives) > 1:
        yield Plate(
            "front",
            partial(front, found.candidates, found.confirmed, objectives, reference, heading, ended.mark),
            "The front",
            "Each axis says which side is better. Who is on the search's front was partly lucky; filled marks are what "
            "is left of it on seeds that had no part in choosing them.",
        )
    yield Plate(
        "confirmed",
        partial(search_and_confirmed, found.confirmed, measures[:3], reference, heading, ended.mark),
        "Search and fresh seeds",
        "A hollow mark to the better side of its filled one flattered. A gap that all share, baselines included, is "
        "the luck of the search's seeds; what the best lose beyond it is what being picked out of many was worth.",
    )
    if found.facts["shares"]:
        yield Plate(
            "mixes",
            partial(mixes, found.confirmed, found.facts["shares"], measures[0], ended.mark),
            "How the money is split",
            "Shares are of the arm's yearly budget; every candidate costs the same, as far as its strategies can spend "
            "it.",
        )


def render(found: Optimised, measures: list[Measure], pictures: Sequence[Picture]) -> str:
    """The page as text; everything that comes from a scenario is escaped."""
    ended = outcome(found)
    m = found.manifest
    facts = [
        ("Run", m.get("run_id")),
        ("Made", m.get("created")),
        ("Status", m.get("status")),
        ("Tasks", f"{m['tasks']:,}, {m['failed'] + m['crashed']} without a result" if "failed" in m else None),
        ("Scenario digest", m.get("scenario_digest")),
        ("Tasks digest", m.get("tasks_digest")),
        ("Code version", m.get("code_version")),
        ("Run time", f"{m['seconds']:,.0f} s on {m.get('workers', 1)} workers" if "seconds" in m else None),
    ]
    sections = dict(
        name=str(m["name"]),
        question=str(m.get("about") or ""),
        setting=setting(found),
        names=meanings_of(m),
        answer=answer(found),
        chosen=chosen_words(found),
        heads=_heads(ended),
        best=ended.mark,
        compared=ended.kind not in ("none", "failed"),
        measures=measures,
        reference=found.facts["reference"],
        against=_against(found, measures),
        rows=_confirmed_rows(found, measures, ended),
        front=_front_rows(found, measures),
        strategies=_strategies(found),
        pictures=by_section(pictures),
        failed=int(m.get("failed", 0)) + int(m.get("crashed", 0)),
        facts=[(label, str(value)) for label, value in facts if value not in (None, "")],
    )
    return page_of("optimise.html.j2", sections)


def _heads(ended: Outcome) -> dict[str, str]:
    """What the section of the comparison and the table of strategies are called."""
    best = f"The {ended.mark}"
    return {"against": f"{best} against the baselines", "less": f"{best} less the other", "own": f"{best}'s strategies"}


def _against(found: Optimised, measures: list[Measure]) -> list[dict[str, Any]]:
    """The winner less each baseline, a cell a measure."""
    out = []
    for name, rows in found.winner.groupby("against", sort=False):
        cells = []
        for one in measures:
            row = rows[rows["kpi"] == one.kpi].iloc[0]
            ends = float(row["ci_low"]), float(row["ci_high"])
            text, low, high = one.look.write_difference(float(row["difference"]), *ends)
            cells.append(Gap(text, low, high, ends[0] * ends[1] > 0))
        out.append({"name": str(name), "cells": cells, "seeds": int(rows["seeds"].max())})
    return out


def _confirmed_rows(found: Optimised, measures: list[Measure], ended: Outcome) -> list[dict[str, Any]]:
    first = measures[0]
    own = found.confirmed[(found.confirmed["kpi"] == first.kpi)]
    order = own.sort_values("confirmed", ascending=first.sign < 0, kind="stable")["candidate"]
    return [_confirmed_row(found, measures, int(number), ended) for number in order]


def _confirmed_row(found: Optimised, measures: list[Measure], number: int, ended: Outcome) -> dict[str, Any]:
    own = found.confirmed[found.confirmed["candidate"] == number]
    by_kpi: dict[str, Any] = {str(row["kpi"]): row for _, row in own.iterrows()}
    cells = []
    for one in measures:
        row = by_kpi[one.kpi]
        both = []
        for kind in ("search", "confirmed"):
            half = (float(row[f"{kind}_high"]) - float(row[f"{kind}_low"])) / 2
            both.append(one.look.write(float(row[kind]), half, sign=True))
        optimism = one.look.write(float(row["optimism"]), sign=True)[0]
        cells.append({"search": both[0], "fresh": both[1], "optimism": optimism})
    line = by_kpi[measures[0].kpi]
    shares = [
        (spoken(column.removeprefix("share."), ""), units.percent(float(line[column]), 0))
        for column in own.columns
        if column.startswith("share.") and float(line[column]) > 0
    ]
    mark = ended.mark if line["winner"] else "on the front" if line["front"] else ""
    return {
        "name": str(line["name"]),
        "role": str(line["role"]),
        "mark": mark,
        "cells": cells,
        "shares": shares,
        "failed": line["status"] != "ok",
    }


def _front_rows(found: Optimised, measures: list[Measure]) -> list[dict[str, Any]]:
    """The search's front, a row a candidate, as it was seen there."""
    shares = [column for column in found.front.columns if column.startswith("share.")]
    paths = list(found.facts["winner"]["values"]) if found.facts["winner"] and not shares else []
    rows = []
    for _, row in found.front.iterrows():
        what = [
            f"{units.percent(float(row[one]), 0)} {spoken(one.removeprefix('share.'), '')}"
            for one in shares
            if float(row[one]) > 0
        ]
        what += [f"{path} {row[path]:.4g}" if isinstance(row[path], float) else f"{path} {row[path]}" for path in paths]
        cells = [
            written(one, *(float(row[f"{one.kpi}{end}"]) for end in ("", "_low", "_high")), unit=False)
            for one in measures
        ]
        name = row["name"] if isinstance(row["name"], str) and row["name"] else f"candidate {row['candidate']}"
        rows.append({"name": name, "what": ", ".join(what), "cells": cells, "seeds": int(row["seeds"])})
    return rows


def _strategies(found: Optimised) -> list[tuple[str, str, str]]:
    """The winner's strategies: intensity and money a year, where a budget is split."""
    winner = found.facts["winner"]
    strategies: dict[str, dict[str, float]] = (winner or {}).get("strategies") or {}
    currency = str(found.manifest.get("currency", ""))
    return [
        (
            spoken(name, ""),
            units.number(one["intensity"], 3),
            units.money(one["money"], currency) if one["money"] else "0",
        )
        for name, one in strategies.items()
    ]
