"""What every page does alike: its figures drawn and written, then put into a template.

In a template everything is escaped, what is not there is an error, and names mean fields.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from sim import phrases
from sim.phrases import spoken
from sim.reporting.figures import NothingToShow, Plate, letters
from sim.reporting.figures.inline import inline
from sim.reporting.figures.writing import write_figures
from sim.reporting.translated import translated
from sim.words import language, said
from sim.words.phrasebook import silent

CALLED = ("items", "keys", "values", "get")  # of a mapping; nothing else of it is ever meant by a name


class Pages(Environment):
    """An environment in which `cell.clear` of a mapping is its entry, and never the method that every mapping has."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
            if attribute not in CALLED:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def pages() -> Pages:
    """The environment of every page."""
    made = Pages(
        loader=PackageLoader("sim.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["spoken"] = spoken
    made.globals["said"] = said
    made.globals["language"] = language
    made.globals["lacks_letters"] = lambda: not letters.can_write(language())
    return made


@dataclass(frozen=True)
class Picture:
    """A figure that was written: file name without ending, section of the page, heading, caption, title, SVG."""

    name: str
    section: str
    heading: str
    caption: str
    title: str
    subtitle: str
    svg: Markup


@dataclass(frozen=True)
class Missing:
    """A figure that could not be drawn, and why ("" where that is nobody's business)."""

    plate: Plate
    reason: str


def draw_all(plates: Iterable[Plate], folder: Path, *shown: Any, ids: str = "f") -> tuple[list[Picture], list[Missing]]:
    """Write `figures/*.png` and `*.svg` under `folder`; the same tables give the same bytes of SVG.

    Each plate is asked to draw what is `shown`. Returns the figures drawn, in the order of the plates, and those with
    nothing to show. Ids inside a picture begin with `ids`.
    """
    target = Path(folder) / "figures"
    target.mkdir(parents=True, exist_ok=True)
    drawn: list[tuple[Plate, Figure, tuple[Path, Path]]] = []
    missing: list[Missing] = []
    plates = list(plates)  # what the page says of them has labels, whatever letters can be drawn
    drawable, lacking = letters.split(phrases.labels() or {})
    as_told = contextlib.nullcontext() if letters.can_write(language()) else silent()
    with letters.one_page(), phrases.labelled(drawable), as_told:
        for plate in plates:
            files = target / f"{plate.name}.png", target / f"{plate.name}.svg"
            try:
                figure = plate.draw(*shown)
            except NothingToShow as reason:
                missing.append(Missing(plate, str(reason)))
                for stale in files:  # of an earlier report
                    stale.unlink(missing_ok=True)
                continue
            drawn.append((plate, figure, files))
        written = write_figures([(figure, files) for _, figure, files in drawn])
        pictures: list[Picture] = []
        for (plate, figure, _), svg in zip(drawn, written, strict=True):
            title, _, subtitle = str(figure.get_label()).partition("\n")
            # Safe: `inline` has stripped or escaped every text, what is left are paths drawn by matplotlib.
            inside = Markup(
                inline(svg, f"{ids}{len(pictures)}-", said("report.picture", title=title, subtitle=subtitle))
            )
            caption = plate.caption + letters.caption(figure, lacking)
            pictures.append(Picture(plate.name, plate.section, plate.heading, caption, title, subtitle, inside))
    return pictures, missing


def by_section(pictures: Iterable[Picture]) -> dict[str, list[Picture]]:
    """Pictures by section, in their order; a section without any has an empty list."""
    found: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        found[picture.section].append(picture)
    return found


def page_of(template: str, sections: Mapping[str, Any], **filters: Callable[..., Any]) -> str:
    """The page as text: a template with its sections, and filters of its own."""
    environment = pages()
    environment.filters.update(filters)
    return translated(environment.get_template(template).render(sections))
