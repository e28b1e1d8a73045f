"""What an optimisation found, read from its folder alone: tables, the summary for a terminal, JSON, the page."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.reporting.run.terminal import WIDTH, _aligned
from sim.store.files import why_unreadable
from sim.store.seals import reseal
from sim.store.sweep_reading import DERIVED, read_sweep_manifest

if TYPE_CHECKING:
    import pandas as pd

WITHIN = "optimise"
TABLES = ("candidates", "front", "confirmed", "winner")
TEXTS = ("name", "role", "status", "kpi", "unit")


@dataclass(frozen=True)
class Optimised:
    """A stored optimisation: its folder, its manifest, and its tables (`sim.experiments.optimise.tables` says what)."""

    path: Path
    manifest: dict[str, Any]
    candidates: pd.DataFrame
    front: pd.DataFrame
    confirmed: pd.DataFrame
    winner: pd.DataFrame

    @property
    def facts(self) -> dict[str, Any]:
        """What was asked, how it went and who won."""
        return dict(self.manifest["optimise"])

    @property
    def status(self) -> str:
        return str(self.manifest["status"])

    @property
    def objectives(self) -> list[dict[str, str]]:
        """KPI and goal of each, the first one first."""
        return list(self.facts["objectives"])


def read_optimised(folder: str | os.PathLike[str]) -> Optimised:
    """A stored optimisation that has come to its end; `BadInput` names what is missing or damaged."""
    import pandas as pd

    path = Path(folder)
    manifest = read_sweep_manifest(path)
    if manifest.get("kind") != "optimise":
        raise BadInput.at(str(path), "is a sweep, not an optimisation; analyse reads it")
    if "optimise" not in manifest:
        raise BadInput.at(str(path), f"the optimisation has not ended (status {manifest['status']}); --resume goes on")
    tables = {}
    for name in TABLES:
        file = path / WITHIN / f"{name}.csv"
        try:
            tables[name] = pd.read_csv(file, keep_default_na=False, na_values=[""])
        except (OSError, ValueError) as error:
            raise BadInput.at(str(file), why_unreadable(error)) from None
    found = Optimised(path, manifest, **tables)
    for name, wrong in _misfits(found):
        raise BadInput.at(str(path / WITHIN / f"{name}.csv"), f"damaged: {wrong}")
    return found


def _misfits(found: Optimised) -> Iterator[tuple[str, str]]:
    """What a table lacks that the manifest speaks of, or has in another type; the table's name first."""
    facts = found.facts
    kpis = list(dict.fromkeys(one["kpi"] for one in (*facts["objectives"], *facts["limits"])))
    intervals = [f"{kpi}{end}" for kpi in kpis for end in ("", "_low", "_high")]
    for name in ("candidates", "front"):
        table = getattr(found, name)
        yield from ((name, why) for why in _columns(table, text=("name",), numbers=("candidate", "seeds", *intervals)))
    fresh = [f"{kind}{end}" for kind in ("search", "confirmed") for end in ("", "_low", "_high", "_seeds")]
    numbers = ("candidate", "optimism", *fresh, *(f"share.{one}" for one in facts["shares"]))
    yield from (("confirmed", why) for why in _columns(found.confirmed, TEXTS, numbers, ("winner", "front")))
    numbers = ("difference", "ci_low", "ci_high", "seeds")
    yield from (("winner", why) for why in _columns(found.winner, ("against", "kpi"), numbers))
    if facts["winner"] is None:
        return
    for kpi in kpis:
        if not (found.confirmed["winner"] & (found.confirmed["kpi"] == kpi)).any():
            yield "confirmed", f"no row of the winner's {kpi}"
        own = found.winner[found.winner["kpi"] == kpi]
        if not (own["against"] == facts["reference"]).any():
            yield "winner", f"no row of {kpi} against {facts['reference']}"


def _columns(
    table: pd.DataFrame, text: Sequence[str] = (), numbers: Sequence[str] = (), truths: Sequence[str] = ()
) -> Iterator[str]:
    """Columns that are missing, or of another type than they are written in; an empty table has no types."""
    for names, kinds, what in ((text, "", "text"), (numbers, "iuf", "a number"), (truths, "b", "True or False")):
        for name in names:
            if name not in table:
                yield f"column {name} missing"
            elif kinds and len(table) and table[name].dtype.kind not in kinds:
                yield f"column {name}: something that is not {what}"


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
    told = {name: json.loads(getattr(found, name).to_json(orient="records")) for name in ("front", "confirmed")}
    against = json.loads(found.winner.to_json(orient="records"))
    return {
        **{key: found.manifest.get(key) for key in keys},
        "folder": str(found.path),
        **found.facts,
        **told,
        "against": against,
        "outcome": outcome(found).kind,
    }


def terminal_table(found: Optimised, *, width: int = WIDTH) -> str:
    """The answer in sentences, then a line a confirmed candidate: search, fresh seeds, optimism; what they are."""
    from sim.reporting.figures import units
    from sim.reporting.optimum.sentences import answer, chosen_words, measures, outcome, setting

    told, ended = measures(found), outcome(found)
    blocks = ["\n".join(line for text in answer(found) for line in textwrap.wrap(text, width))]
    for measure in told:
        own = found.confirmed[(found.confirmed["kpi"] == measure.kpi) & (found.confirmed["status"] == "ok")]
        own = own.sort_values("confirmed", ascending=measure.sign < 0, kind="stable")
        names = units.shortened([str(name).replace("_", " ") for name in own["name"]], 26)
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
        blocks.append("\n".join(_aligned(head, body, left=(0, 1, 5))))
    note = (
        f"{setting(found)} {chosen_words(found)} Differences to {found.facts['reference']}, same seeds; "
        f"{units.PLUS_MINUS} half width of the 95 % interval (paired t); optimism: what the search flattered by."
    )
    blocks.append("\n".join(textwrap.wrap(note, width)))
    return "\n\n".join(blocks)
