"""A stored run as others read it: its manifest, its tables; `BadInput` names everything that is missing or damaged.

Also what kind of folder it is (`RUN`), and the receipts of what is stored of one that is not whole yet.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, Mistake
from sim.store.differing import BOOK_FILES
from sim.store.files import why_unreadable
from sim.store.folder import (
    PARTS,
    POSTERIORS,
    Kind,
    other_arms,
    other_book,
    other_code,
    other_posterior,
    other_scenario,
)
from sim.store.manifest import FINISHED, run_mistakes
from sim.store.seals import MANIFEST
from sim.store.tables import (
    AS_THEY_ARE,
    REQUIRED_TABLES,
    TABLES,
    check_columns,
    grid_mistake,
    individuals_mistake,
    reach_mistake,
    read_csv,
    read_table,
)
from sim.store.worlds import FILE as WORLDS_FILE
from sim.store.worlds import FOLDER as WORLDS_FOLDER
from sim.store.worlds import read_worlds

if TYPE_CHECKING:
    import pandas as pd

# What is written anew from stored tables, and what else a finished folder vouches for, each with its digest.
OF_BELIEFS = (WORLDS_FILE, "beliefs.csv")
DERIVED = ("summary.csv", "comparison.csv", "precision.csv", "report.html", "figures/*.png", "figures/*.svg")
INSTRUMENTS = ("answers.yaml", "staff_answers.yaml")  # of questionnaires that a run holds in waves
SURVEYS = "surveys"  # folder of those held on it later
TOLD = ("likeness", "diagnosis", "sign_off")  # folders of what was made of it later
SEALED = (
    "scenario.yaml",
    *(f"{t}.parquet" for t in TABLES),
    "attribution.csv",
    *OF_BELIEFS,
    *DERIVED,
    "state/*",
    *INSTRUMENTS,
    POSTERIORS,
)


def _same(stored: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    return bool(stored["scenario_digest"] == manifest["scenario_digest"])


def _not_resumed(path: Path, stored: Mapping[str, Any], manifest: Mapping[str, Any], scenario_text: str) -> str:
    """Another scenario, by arms, by the keys that differ, by its book, or by digest alone; then another code."""
    if _same(stored, manifest):
        return "" if stored["status"] == "done" else other_code(stored, manifest)
    other = other_arms(stored, manifest) or other_scenario(path, scenario_text, but=BOOK_FILES)
    if not other:
        why = " (its book held other customers)" if other_book(stored, manifest) else ""
        why = why or other_posterior(stored, manifest)
        other = f"with scenario digest {stored['scenario_digest']}, not {manifest['scenario_digest']}{why}"
    return f" {other}; resume with the same scenario, or name another folder"


RUN = Kind(
    noun="run",
    place="a results folder",
    format="rapport-results",
    version=1,
    # What this room needs to keep the order of rows, the plan and the KPIs of stored runs; callers add more.
    keys=("name", "run_id", "scenario_digest", "arms", "tiers", "seeds", "months", "discount_rate", "currency"),
    sealed=SEALED,
    own=(
        *SEALED,
        MANIFEST,
        "report.pdf",
        f"{PARTS}/*",
        f"{WORLDS_FOLDER}/*",
        f"{SURVEYS}/*",
        *(f"{name}/*" for name in TOLD),
        "*.crate.zip",
        "*.tmp",
    ),
    mistakes=run_mistakes,
    not_resumed=_not_resumed,
    goes_on=lambda stored, manifest: _same(stored, manifest) and stored["status"] != "done",
)
read_manifest, changed_files = RUN.read_manifest, RUN.changed_files


@dataclass
class Run:
    """A stored run: its tables in memory, rows sorted as CONTRACT 4 says; panel, summary and comparison on demand."""

    path: Path
    manifest: dict[str, Any]
    scenario_text: str
    monthly: pd.DataFrame
    bank: pd.DataFrame
    transitions: pd.DataFrame
    cohorts: pd.DataFrame
    managers: pd.DataFrame

    @property
    def arms(self) -> list[str]:
        """Arms in scenario order, the reference first."""
        return list(self.manifest["arms"])

    @property
    def tiers(self) -> list[str]:
        """Tiers in scenario order."""
        return list(self.manifest["tiers"])

    @property
    def seeds(self) -> list[int]:
        """Seeds as the scenario gives them."""
        return list(self.manifest["seeds"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The required tables by name."""
        return {name: getattr(self, name) for name in REQUIRED_TABLES}

    @cached_property
    def panel(self) -> pd.DataFrame | None:
        """Tracked customers month by month; None when the run kept none. Read at first use: it can be large."""
        if "panel" not in self.manifest["tables"]:
            return None
        return read_table("panel", self.path / "panel.parquet", self.manifest["currency"])

    def answers(self, table: str) -> pd.DataFrame | None:
        """Sheets of questionnaires held in waves, by the name of their table; None where none was held."""
        if table not in self.manifest["tables"]:
            return None
        return read_table(table, self.path / f"{table}.parquet", self.manifest["currency"])

    @cached_property
    def summary(self) -> pd.DataFrame:
        """summary.csv as stored."""
        return read_csv("summary", self.path / "summary.csv")

    @cached_property
    def comparison(self) -> pd.DataFrame:
        """comparison.csv as stored."""
        return read_csv("comparison", self.path / "comparison.csv")

    @cached_property
    def individuals(self) -> pd.DataFrame | None:
        """Customers of month 0 by group, fate under the reference and fate in the arm; None when they were not kept."""
        return _individuals(self.path, self.manifest)

    @cached_property
    def reach(self) -> pd.DataFrame | None:
        """Wishes for a contact and what became of them; None in a run that did not count them."""
        return _reach(self.path, self.manifest)

    @cached_property
    def precision(self) -> pd.DataFrame | None:
        """precision.csv as stored, None where there is none: how sure each difference is, what would make it surer."""
        return _csv_if_there("precision", self.path)

    @cached_property
    def attribution(self) -> pd.DataFrame | None:
        """attribution.csv as stored, None where there is none: what each strategy of a bundle brings."""
        return _csv_if_there("attribution", self.path)

    @cached_property
    def beliefs(self) -> pd.DataFrame | None:
        """beliefs.csv as stored, None where there is none: what each arm comes to over the worlds of `beliefs:`."""
        return _csv_if_there("beliefs", self.path)

    @cached_property
    def worlds(self) -> pd.DataFrame | None:
        """worlds.parquet: a row for each world, arm and seed, with all that was drawn; None where there is none."""
        told = self.manifest.get("beliefs")
        return read_worlds(self.path, told) if told else None


def _individuals(path: Path, manifest: Mapping[str, Any]) -> pd.DataFrame | None:
    file = path / "individuals.parquet"
    if "individuals" not in manifest["tables"] and not file.exists():
        return None
    table = read_table("individuals", file, manifest["currency"])
    wrong = individuals_mistake(table, manifest["arms"], manifest["tiers"])
    if wrong:
        raise BadInput.at(str(file), f"damaged: {wrong}")
    return table


def _reach(path: Path, manifest: Mapping[str, Any]) -> pd.DataFrame | None:
    if "reach" not in manifest["tables"]:
        return None
    file = path / "reach.parquet"
    table = read_table("reach", file, manifest["currency"])
    wrong = reach_mistake(table, manifest["arms"], manifest["tiers"])
    if wrong:
        raise BadInput.at(str(file), f"damaged: {wrong}")
    return table


def _csv_if_there(name: str, path: Path) -> pd.DataFrame | None:
    file = path / f"{name}.csv"
    return read_csv(name, file) if file.exists() else None


def read(folder: str | os.PathLike[str]) -> Run:
    """Read a finished run (status "done" or "failed"); `BadInput` names everything that is missing or damaged.

    Digests are not checked here: a whole folder whose numbers were changed reads well, `changed_files` names what
    differs, and `verify` fails.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    if manifest["status"] not in FINISHED:
        done, all_of_them = len(receipts(path, manifest)), len(planned(manifest))
        raise BadInput.at(
            str(path),
            f"unfinished (status {manifest['status']}, {done} of {all_of_them} runs finished); "
            "run the scenario again with --resume to go on",
        )
    return load(path, manifest)


def load(path: Path, manifest: dict[str, Any]) -> Run:
    """The tables of a folder whose manifest is known; `BadInput` names everything that is missing or damaged."""
    mistakes: list[Mistake] = []
    tables: dict[str, pd.DataFrame] = {}
    text = ""
    try:
        text = (path / "scenario.yaml").read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(Mistake(str(path / "scenario.yaml"), 0, 0, "", why_unreadable(error)))
    for name in manifest["tables"]:
        file = path / f"{name}.parquet"
        try:
            if name in AS_THEY_ARE:  # read on demand; its footer is at the end, so a cut file is noticed here
                check_columns(file, TABLES[name])
            elif name in REQUIRED_TABLES:
                tables[name] = read_table(name, file, manifest["currency"])
        except BadInput as error:
            mistakes.extend(error.mistakes)
    if "monthly" in tables:
        finished = {(entry["arm"], entry["seed"]) for entry in manifest["runs"]}
        wrong = grid_mistake(tables["monthly"], finished, manifest["months"], manifest["tiers"])
        if wrong:
            mistakes.append(Mistake(str(path / "monthly.parquet"), 0, 0, "", f"damaged: {wrong}"))
    optional: dict[str, pd.DataFrame | None] = {}
    for name, reading in (
        ("individuals", lambda: _individuals(path, manifest)),
        ("reach", lambda: _reach(path, manifest)),
        ("precision", lambda: _csv_if_there("precision", path)),
        ("attribution", lambda: _csv_if_there("attribution", path)),
        ("beliefs", lambda: _csv_if_there("beliefs", path)),
    ):
        try:
            optional[name] = reading()
        except BadInput as error:
            mistakes.extend(error.mistakes)
    if mistakes:
        raise BadInput(mistakes)
    run = Run(path, manifest, text, **{name: tables[name] for name in REQUIRED_TABLES})
    # What is there is kept as read; what is not may still be written before somebody asks for it.
    run.__dict__.update({name: table for name, table in optional.items() if table is not None})
    return run


def planned(manifest: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Every (arm, seed), arms in scenario order, seeds ascending: the order of rows."""
    return [(arm, seed) for arm in manifest["arms"] for seed in sorted(manifest["seeds"])]


def part(path: Path, arm: str, seed: int, ending: str) -> Path:
    """The file of a part: a table of one arm with one seed, or its receipt ("json")."""
    return path / PARTS / f"{arm}.{seed}.{ending}"


def receipt(path: Path, arm: str, seed: int) -> dict[str, Any] | None:
    """arm, seed, seconds, facts and file sizes of a run that is safely stored; None if it is not, or is cut short."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        found = json.loads(part(path, arm, seed, "json").read_bytes())
        sizes = {table: part(path, arm, seed, f"{table}.parquet").stat().st_size for table in found["files"]}
        if sizes == found["files"] and (found["arm"], found["seed"]) == (arm, seed):
            return dict(found)
    return None


def receipts(path: Path, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The receipts of every finished run, in planned order."""
    if manifest["status"] == "done":
        return list(manifest["runs"])
    found = (receipt(path, arm, seed) for arm, seed in planned(manifest))
    return [one for one in found if one is not None]
