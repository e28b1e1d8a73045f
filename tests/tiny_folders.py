"""A tiny run, sweep and optimisation, each made once by the command line, for tests that alter what they left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sim.cli import main
from sim.store.lock import Lock
from sim.store.seals import seal_of

RUN = """
name: tiny
months: 13
burn_in: 2
seeds: [1, 2]
population: {customers: 600}
record: {panel: 5}
arms:
  nothing: []
  digital: [{use: digital_thinking}]
"""
BELIEFS = "beliefs: {worlds: 2, vary: [digital_thinking.quality, managers.inbound_hours]}\n"
SWEEP = """
sweep:
  design: random
  samples: 3
  vary:
    model.hazards.mass.dormant: {low: 0.005, high: 0.02}
"""
OPTIMISE = """
name: tiny
months: 3
burn_in: 2
seeds: [1, 2]
population: {customers: 600}
arms:
  nothing: []
  mix: {strategies: [{use: digital_thinking}, {use: stratification}], budget: 2000}
optimise:
  arm: mix
  shares: [digital_thinking, stratification]
  objectives: [{kpi: npv, goal: maximise}]
  candidates: 4
  generation: 4
  seeds: {first: 1, count: 1, most: 2}
  confirm: {first: 11, count: 2, best: 1}
"""


def made(home: Path, kind: str) -> Path:
    """The folder of a run (with a checkpoint), a sweep or an optimisation, made of `<kind>.yaml` beside it."""
    file, out = home / f"{kind}.yaml", home / kind
    file.write_text({"run": RUN + BELIEFS, "sweep": RUN + SWEEP, "optimise": OPTIMISE}[kind], "utf-8")
    more = {"run": ["--checkpoint", "2", "--threads", "1"], "sweep": ["--workers", "1"], "optimise": []}[kind]
    verb = "optimise" if kind == "optimise" else "run"
    assert main([verb, str(file), *more, "--out", str(out), "--quiet"]) == 0
    return out


class Shared:
    """The three folders by kind, each made at its first use, once for all test processes; to be read and copied."""

    def __init__(self, home: Path):
        self.home = home

    def __getitem__(self, kind: str) -> Path:
        done = self.home / f"{kind}.done"
        with Lock(self.home, f"{kind}.lock").waiting():
            if not done.exists():
                made(self.home, kind)
                done.touch()
        return self.home / kind


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def write_manifest(folder: Path, told: dict[str, Any], *, sealed: bool = False) -> None:
    """The manifest as somebody would write it: as it stands, or sealed anew by one who means harm."""
    told = told | {"seal": seal_of(told)} if sealed else told
    (folder / "manifest.json").write_text(json.dumps(told, indent=1), "utf-8")


def alter(file: Path) -> None:
    """One value of a file, changed so that the file reads as before."""
    _BY_ENDING[file.suffix](file)


def _byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _parquet(file: Path) -> None:
    """The last number that may be another: of keys it is a seed, elsewhere a figure; of an empty table its wrapping."""
    table = pq.read_table(file)
    if not len(table):
        pq.write_table(table, file, compression="none")
        return
    numbers = [name for name in table.column_names if pa.types.is_floating(table.schema.field(name).type)]
    name = numbers[-1] if numbers else "seed"
    kept = table.schema.field(name).type
    values = table.column(name).to_pylist()
    values[-1] = (values[-1] or 0) + 1
    place = table.column_names.index(name)
    pq.write_table(table.set_column(place, name, pa.array(values, kept)), file)


def _replaced(old: str, new: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")

    return change


def _last_number(file: Path) -> None:
    """The last digit of a CSV file."""
    text = file.read_text("utf-8")
    place = max(text.rfind(digit) for digit in "0123456789")
    file.write_text(f"{text[:place]}{9 - int(text[place])}{text[place + 1 :]}", "utf-8")


_BY_ENDING: dict[str, Callable[[Path], None]] = {
    ".csv": _last_number,
    ".parquet": _parquet,
    ".png": _byte,
    ".npz": _byte,
    ".svg": _replaced("svg", "SVG"),
    ".html": _replaced("tiny", "huge"),
    ".yaml": _replaced("tiny", "huge"),
    ".json": _replaced("tiny", "huge"),
    ".journal": _replaced("tiny", "huge"),
}
