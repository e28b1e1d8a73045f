"""likeness.html, its figures, likeness.csv and likeness_constructs.csv."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sim.phrases import counted
from sim.reporting.figures import Plate
from sim.reporting.figures.likeness import correlations, means
from sim.reporting.likeness.words import CONSTRUCT_HEADS, HEADS, NOTE, construct_rows, item_rows, sentences
from sim.reporting.page import by_section, draw_all, page_of
from sim.store.files import write_atomically, write_csv
from sim.survey.likeness import Likeness

FILES = ("likeness.csv", "likeness_constructs.csv", "likeness.html", "figures/*.png", "figures/*.svg")


def write(found: Likeness, folder: Path, *, real: str, simulated: str, notes: tuple[str, ...] = ()) -> Path:
    """Write both tables, the figures and the page into a folder that is there; returns the page.

    `real` and `simulated` say where the answers came from, `notes` what else a reader should know, a line each.
    """
    write_csv(folder / "likeness.csv", found.items)
    write_csv(folder / "likeness_constructs.csv", found.constructs)
    pictures, _ = draw_all(plates(found), folder, ids="l")
    page = folder / "likeness.html"
    sections = dict(
        name="Simulated against real answers",
        question="How like the real answers are the simulated ones?",
        setting=f"Real: {real}, {counted(found.whole['real_sheets'], 'sheet')}. Simulated: {simulated}, "
        f"{counted(found.whole['simulated_sheets'], 'sheet')}.",
        answer=sentences(found),
        heads=HEADS,
        items=item_rows(found),
        construct_heads=CONSTRUCT_HEADS,
        constructs=construct_rows(found),
        note=NOTE,
        notes=notes,
        pictures=by_section(pictures),
    )
    write_atomically(page, page_of("likeness.html.j2", sections))
    return page


def plates(found: Likeness) -> list[Plate]:
    """The two figures of a comparison."""
    return [
        Plate(
            "likeness_means",
            partial(means, found),
            "Means, item by item",
            "An interval that reaches over a bound leaves open on which side of it the item is; more sheets narrow it. "
            "A gap that all items of a construct share is the bank's, one of a single item more likely its wording.",
        ),
        Plate(
            "likeness_correlations",
            partial(correlations, found),
            "Correlations of items",
            "Points below the line on the right: items hang together less than in the real answers, as when loadings "
            "are too low or a factor that all share (halo, styles of answering) is too weak; above it, the reverse.",
        ),
    ]
