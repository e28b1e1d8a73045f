"""The benchmark table in one command: `python -m tests.benchmarks --against COMMIT`.

Every figure of docs/speed.md comes from here. With `--against` the older commit (or a folder where it stands) is
measured beside this tree, each in processes of its own, round by round in turn; ratios are medians of such rounds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import alone
import bundle
import growth
import limits
import machine
import pages
import spread
import starts
import whole
from figures import Figure, tables
from sides import Side, sides
from sizes import QUICK, Sizes

Part = Callable[[Sequence[Side], Sizes], Iterator[Figure]]
PARTS: dict[str, tuple[str, Part]] = {
    room.PART: (room.TITLE, room.figures) for room in (whole, alone, growth, limits, starts, bundle, spread)
}
MORE: dict[str, tuple[str, Part]] = {  # each asked for by its option
    "large": ("Ten million customers", growth.large),
    "huge": ("Two hundred million customers", spread.huge),
}
TITLES = {name: title for name, (title, _) in (PARTS | MORE).items()}


def options() -> argparse.ArgumentParser:
    """What can be asked."""
    asked = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="The benchmark table.")
    asked.add_argument("--against", metavar="COMMIT|FOLDER", help="measure an older commit beside this tree")
    asked.add_argument("--only", metavar="PART", action="append", choices=list(PARTS), help=", ".join(PARTS))
    asked.add_argument("--quick", action="store_true", help="tiny banks: to see that everything works")
    asked.add_argument("--large", action="store_true", help="ten million customers through sixty months as well")
    asked.add_argument("--huge", action="store_true", help="two hundred million customers through a year, in files")
    text = "figures.json and table.md go there; other parts of the same commits that are there stay"
    asked.add_argument("--out", metavar="FOLDER", type=Path, help=text)
    asked.add_argument("--stored", action="store_true", help="measure nothing: what --out has is taken")
    asked.add_argument("--columns", action="store_true", help="only write the columns of today into docs/speed.md")
    asked.add_argument("--write", action="store_true", help="put the table into docs/speed.md")
    asked.add_argument("--release", metavar="VERSION", help="add a row to tests/benchmarks/history.csv")
    return asked


def main() -> int:
    """Measure what is asked, tell it as it comes, keep it; 1 if a part broke."""
    parser = options()
    asked = parser.parse_args()
    if asked.stored and asked.out is None:
        parser.error("--stored asks for --out FOLDER, where figures were kept")
    if asked.quick and (asked.write or asked.release):
        parser.error("--quick is of tiny banks; leave it out with --write and --release")
    if asked.columns:
        pages.write_columns()
        return 0
    size = QUICK if asked.quick else Sizes()
    named = {name: PARTS[name] for name in asked.only or ([] if asked.large or asked.huge else PARTS)}
    named |= {name: MORE[name] for name in MORE if getattr(asked, name)}
    broken: list[str] = []
    if asked.stored:
        told, found = pages.kept(asked.out)
    else:
        with sides(asked.against) as both:
            told = {
                "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
                "machine": machine.facts(),
                "commits": {side.name: side.commit for side in both},
            }
            found = [one for one in pages.same(asked.out, told) if one.part not in named]
            for name, (title, part) in named.items():
                print(f"... {title}", file=sys.stderr, flush=True)
                try:
                    found += part(both, size)
                except RuntimeError as broke:  # the other parts are measured all the same
                    print(f"{title}: {broke}", file=sys.stderr, flush=True)
                    broken.append(name)
                print(tables([one for one in found if one.part == name], TITLES), flush=True)
                if asked.out is not None:
                    pages.keep(asked.out, told, found, TITLES)
    if asked.write:
        pages.write(told, found, TITLES)
    if asked.release:
        pages.add_release(asked.release, told, found)
    return 1 if broken else 0
