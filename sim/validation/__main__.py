"""The pages of the documentation that measurements write, of a checkout.

python -m sim.validation                 docs/validation.md from the table that the program comes with
python -m sim.validation FOLDER          the same from a folder of validate-model, which is the table from then on
python -m sim.validation --revision      docs/revision-2.md: lives what revision 2 changed, minutes
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sim import house
from sim.errors import BadInput
from sim.validation import markdown, revision, stored

DOCS = house.FOLDER.parent / "docs"
SEEDS = range(1, 6)  # of the page of the revision


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m sim.validation", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="a folder of validate-model")
    parser.add_argument("--revision", action="store_true", help="docs/revision-2.md instead")
    parser.add_argument("--workers", type=int, default=2, help="processes of --revision")
    asked = parser.parse_args(argv)
    if asked.revision:
        with ProcessPoolExecutor(max_workers=asked.workers) as pool:
            text = revision.page(SEEDS, list(pool.map(revision.measure, SEEDS)))
        (DOCS / "revision-2.md").write_text(text, encoding="utf-8")
        return 0
    if asked.folder is not None:
        try:
            found = stored.read(asked.folder)
            if why := stored.not_to_ship(found):
                raise BadInput.at(str(asked.folder), why)
        except BadInput as bad:
            print(*bad.mistakes, sep="\n", file=sys.stderr)
            return 2
        stored.ship(found, kept_bank=stored.kept_bank())
    (DOCS / "validation.md").write_text(markdown.page(stored.shipped()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
