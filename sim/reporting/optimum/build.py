"""What an optimisation found, read from its folder alone: the summary for a terminal, JSON, the page."""

from __future__ import annotations

import json
import os
from typing import Any

from sim.phrases import labelled, labels, named, spoken
from sim.reporting.names import labels_of
from sim.reporting.run.terminal import WIDTH, aligned
from sim.store.optimum import Optimised, read_optimised
from sim.store.seals import reseal
from sim.store.sweep_reading import DERIVED


def build(folder: str | os.PathLike[str]) -> Optimised:
    """Write the figures and report.html of a stored optimisation anew; returns what it found."""
    from sim.reporting.optimum.page import write

    found = read_optimised(folder)
    write(found)
    reseal(found.path, DERIVED)
    return found


def as_json(found: Optimised) -> dict[str, Any]:
    """The summary as plain data; what is not finite is null."""
    from sim.reporting.optimum.sentences import outcome

    keys = ("name", "run_id", "status", "scenario_digest", "tasks_digest")
    tables = {name: json.loads(getattr(found, name).to_json(orient="records")) for name in ("front", "confirmed")}
    against = json.loads(found.winner.to_json(orient="records"))
    return {
        **{key: found.manifest.get(key) for key in keys},
        "folder": str(found.path),
        **found.facts,
        **tables,
        "against": against,
        "outcome": outcome(found).kind,
    }


def terminal_table(found: Optimised, *, width: int = WIDTH) -> str:
    """The answer in sentences, then a line a confirmed candidate: search, fresh seeds, optimism; what they are."""
    from sim.reporting.figures import units
    from sim.reporting.optimum.sentences import answer, chosen_words, measures_of, outcome, setting

    if labels() is None:
        with labelled(labels_of(found.manifest)):
            return terminal_table(found, width=width)
    measures, ended = measures_of(found), outcome(found)
    blocks = ["\n".join(line for text in answer(found) for line in units.wrapped(text, width))]
    for measure in measures:
        own = found.confirmed[(found.confirmed["kpi"] == measure.kpi) & (found.confirmed["status"] == "ok")]
        own = own.sort_values("confirmed", ascending=measure.sign < 0, kind="stable")
        names = units.shortened([spoken(str(name)) for name in own["name"]], 26)
        body = []
        for name, (_, row) in zip(names, own.iterrows(), strict=True):
            cells = []
            for kind in ("search", "confirmed"):
                mean, half = float(row[kind]), (float(row[f"{kind}_high"]) - float(row[f"{kind}_low"])) / 2
                text, ends = measure.look.write(mean, half, sign=True)
                cells.append(f"{text} {units.PLUS_MINUS}{ends}" if ends else text)
            optimism = measure.look.write(float(row["optimism"]), sign=True)[0]
            mark = ended.mark if row["winner"] else "front" if row["front"] else ""
            body.append([name, row["role"], *cells, optimism, mark])
        head = [[measure.name, "", "search", "fresh seeds", "optimism", ""], [measure.look.unit, "", "", "", "", ""]]
        blocks.append("\n".join(aligned(head, body, left=(0, 1, 5))))
    note = (
        f"{setting(found)} {chosen_words(found)} Differences to {named(found.facts['reference'])}, same seeds; "
        f"{units.PLUS_MINUS} half width of the 95 % interval (paired t); optimism: what the search flattered by."
    )
    blocks.append("\n".join(units.wrapped(note, width)))
    return "\n\n".join(blocks)
