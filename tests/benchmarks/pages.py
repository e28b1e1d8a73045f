"""What is kept of a benchmark: figures.json and table.md in a folder, docs/speed.md, a row of history.csv."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import paper
from figures import Figure, tables
from sides import NOW, ROOT

PAGE = ROOT / "docs" / "speed.md"
HISTORY = Path(__file__).with_name("history.csv")
MARK = "<!-- {} by python -m tests.benchmarks -->"

WHY = {  # of a column by its name, else by type and unit, else by type
    "uid": "given once in a bank, however many join",
    "weight": "whole 1024ths of a customer: integers add up to the same in any order",
    "aum": "the month reckons it in float32 and leaves it so; sums are of whole fen",
    "manager": "posts of a bank of any size",
    "joined_month": "decades before month 0",
    "opt_out_month": "-30,000 = never",
    "contacts": "more than 127 in a long life",
    "opted_out": "a bit a channel",
    "transactions": "more than 127 in a busy month",
    "traits": "each yes or no a bit",
    "int8 months": "counted no further than 127",
    "int8 ": "a code",
    "int8": "never more than 127",
    "float32": "seven digits, finer than anything known of it",
}

MAIN = {  # columns of the history: the figure of `now` that each holds, by (part, what); those no neighbour lengthens
    "run_1_thread": ("whole", "no strategy, 1 thread, by processor time"),
    "run_2_threads": ("whole", "no strategy, 2 threads, by processor time"),
    "run_2_threads_all_strategies": ("whole", "all strategies and safeguards, 2 threads, by processor time"),
    "outside_kernel_percent": ("whole", "outside the kernel, 2 threads, by processor time"),
    "kernel_ns_1_thread": ("kernel", "kernel, 1 thread, processor time"),
    "kernel_against_c": ("kernel", "kernel against C, 1 thread"),
    "kernel_against_numpy": ("kernel", "kernel against the NumPy twin, 1 thread"),
    "run_against_mesa_objects": ("kernel", "whole run against Mesa objects, 1 thread"),
    "bytes_a_customer": ("growth", "state of a customer"),
    "mb_a_further_million": ("growth", "peak memory of a further million customers"),
    "quick_yaml_processor_seconds": ("start", "run.py scenarios/quick.yaml, warm cache, processor time"),
    "compile_seconds": ("start", "compiled in an empty cache"),
    "attribution_processor_seconds": ("attribution", "processor seconds"),
}


def text(told: Mapping[str, Any], figures: Sequence[Figure], titles: dict[str, str]) -> str:
    """The machine in a sentence a fact, and the tables."""
    machine = "; ".join(f"{name} {value}" for name, value in told["machine"].items())
    commits = ", ".join(f"{name} is {commit}" for name, commit in told["commits"].items())
    return f"Measured {told['measured']} ({commits}). The machine: {machine}.\n\n{tables(figures, titles)}"


def keep(folder: Path, told: Mapping[str, Any], figures: Sequence[Figure], titles: dict[str, str]) -> None:
    """figures.json and table.md, whole after every part."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {**told, "figures": [one.told() for one in figures]}
    (folder / "figures.json").write_text(json.dumps(whole, indent=1) + "\n")
    (folder / "table.md").write_text(text(told, figures, titles))


def kept(folder: Path) -> tuple[dict[str, Any], list[Figure]]:
    """What `keep` left there: when, where and of which commits, and the figures."""
    told = json.loads((folder / "figures.json").read_text())
    return told, [Figure(**one) for one in told.pop("figures")]


def same(folder: Path | None, told: Mapping[str, Any]) -> list[Figure]:
    """Figures that are kept there of the same commits on the same machine."""
    if folder is None or not (folder / "figures.json").exists():
        return []
    before, figures = kept(folder)
    return figures if all(before[what] == told[what] for what in ("machine", "commits")) else []


def between(page: str, name: str, new: str) -> str:
    """A page with what stands between the marks of this name replaced."""
    begin, end = MARK.format(f"{name}: made"), MARK.format(f"end of {name}: made")
    if begin not in page or end not in page:
        raise LookupError(f"no marks of {name} in the page")
    head, rest = page.split(begin)
    _, tail = rest.split(end)
    return f"{head}{begin}\n\n{new.strip()}\n\n{end}{tail}"


def write(told: Mapping[str, Any], figures: Sequence[Figure], titles: dict[str, str]) -> None:
    """Put the measured table, the table of columns and the model on paper into docs/speed.md."""
    page = between(PAGE.read_text(), "the table", text(told, figures, titles))
    PAGE.write_text(between(page, "paper", paper.page(figures)))
    write_columns()


def write_columns() -> None:
    """Put the table of columns there."""
    PAGE.write_text(between(PAGE.read_text(), "columns", columns()))


def columns() -> str:
    """Markdown: every column of a customer with its type, bytes and why, and what a million customers need."""
    import numpy as np

    from sim.agents.customer import BYTES_PER_CUSTOMER, COLUMNS

    lines = ["| column | type | bytes | unit | what it is | why this type |", "|---|---|---:|---|---|---|"]
    for one in COLUMNS:
        kind = np.dtype(one.dtype)
        known = (one.name, f"{kind.name} {one.unit}", kind.name)
        why = next((WHY[key] for key in known if key in WHY), "")
        lines.append(f"| `{one.name}` | {kind.name} | {kind.itemsize} | {one.unit} | {one.about} | {why} |")
    total = (
        f"{len(COLUMNS)} columns, {BYTES_PER_CUSTOMER} bytes a customer: {BYTES_PER_CUSTOMER} MB a million customers"
    )
    return "\n".join(lines) + f"\n\n{total}.\n"


def add_release(version: str, told: Mapping[str, Any], figures: Sequence[Figure]) -> None:
    """One row more in history.csv; a figure that was not measured stays empty."""
    found = {(one.part, one.what): one.values.get(NOW) for one in figures}
    row: dict[str, Any] = {
        "version": version,
        "commit": told["commits"][NOW],
        "measured": told["measured"],
        "processor": f"{told['machine']['processor']}, {told['machine']['cores']} cores",
        **{name: _rounded(found.get(key)) for name, key in MAIN.items()},
    }
    fresh = not HISTORY.exists()
    with HISTORY.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
