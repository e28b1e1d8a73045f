"""What an optimisation found, as it is stored: its tables beside the manifest of its sweep."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.store.files import why_unreadable
from sim.store.sweep_reading import read_sweep_manifest

if TYPE_CHECKING:
    import pandas as pd

WITHIN = "optimise"  # folder of the tables and of Optuna's journal, in the sweep's
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
