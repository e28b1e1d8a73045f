"""How every figure looks: paper, type, colours, and the grid of panels on the page.

Figures are laid out by hand in inches (heading, key, a grid of panels), not by a layout engine: that is several times
faster and the same in PNG and SVG. Only matplotlib's object interface is used.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from sim import phrases
from sim.reporting.figures import letters
from sim.words.phrasebook import tell

# Okabe and Ito (2008), told apart with any common colour blindness; their yellow is left out: too light on paper.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#7A5C00")
NEUTRAL = "#4D4D4D"  # the reference arm, the bank as a whole
INK, SOFT, GRID = "#1A1A1A", "#595959", "#E3E3E3"
MOST_ARMS = 1 + len(PALETTE)
GAIN, LOSS = "#0072B2", "#D55E00"  # better, worse
MARKERS = ("s", "^", "D", "v", "P", "X", "o")  # with the colours: arms differ in grey print too

WIDTH = 9.0  # inches
EDGE = 0.18  # inches of white around everything
TITLE, SUBTITLE, PANEL, TICK, LABEL = 13.0, 9.5, 10.0, 8.5, 8.5  # points
LEADING = 1.28  # line height over type size

RC: dict[Any, Any] = {
    "font.family": letters.HOUSE,
    "text.parse_math": False,  # names with a dollar sign are names
    "axes.unicode_minus": True,
    "path.simplify": True,
    "svg.fonttype": "path",  # the page looks the same whatever fonts its reader has
    "svg.hashsalt": "rapport",
    "axes.linewidth": 0.8,
    "lines.solid_capstyle": "round",
}

P = ParamSpec("P")


def drawn(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Runs a figure function under the house style, leaving matplotlib's own settings alone.

    Where it turns out to need a font that was not needed before, it is run again with that font.
    """

    @functools.wraps(function)
    def under_style(*args: P.args, **keywords: P.kwargs) -> Figure:
        shown = getattr(args[0], "labels", {}) if args and phrases.labels() is None else phrases.labels() or {}
        with letters.one_page(), phrases.labelled(shown):
            while True:
                fonts = letters.families()
                with mpl.rc_context({**RC, "font.family": fonts}):
                    figure = function(*args, **keywords)
                    letters.told(figure)
                    letters.replace(figure)
                if letters.families() == fonts:
                    return figure

    return under_style


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width in inches that one line of text needs: advances of its characters, and 3 % for hinting and kerning."""
    return 1.03 * sum(_advance(character, weight) for character in letters.drawable(text)) * size / 72.0


@functools.lru_cache(maxsize=4096)
def _advance(character: str, weight: str) -> float:
    """Advance of a character at size 1."""
    font = FontProperties(family=letters.families(), weight=weight, size=100.0)
    both, upright = (  # beside an H, which kerns with nothing; a space alone would have no width
        float(text_to_path.get_text_width_height_descent(text, font, False)[0]) for text in (character + "H", "H")
    )
    return (both - upright) / 100.0


def wrap(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Lines of text no wider than `width` inches; a word that is too long by itself is cut with an ellipsis."""
    lines: list[str] = []
    for gap, word in letters.words(letters.drawable(text)):
        candidate = f"{lines[-1]}{gap}{word}" if lines else word
        if lines and text_width(candidate, size, weight) <= width:
            lines[-1] = candidate
        else:
            lines.append(fit(word, width, size, weight))
    return lines


def fit(text: str, width: float, size: float, weight: str = "normal") -> str:
    """The text as it is drawn, cut with an ellipsis if it is wider than `width` inches."""
    text = letters.drawable(text)
    if text_width(text, size, weight) <= width:
        return text
    while text and text_width(text + "\N{HORIZONTAL ELLIPSIS}", size, weight) > width:
        text = text[:-1]
    return text + "\N{HORIZONTAL ELLIPSIS}"


def folded(names: Sequence[str], widths: Sequence[float], size: float) -> list[str]:
    """Names on one line or two, in the first of these widths in which all fit so; else cut at the end of the second."""
    for width in widths:
        lines = [wrap(name, width, size) for name in names]
        whole = max(len(one) for one in lines) <= 2
        if whole and all(" ".join(one) == letters.drawable(name) for one, name in zip(lines, names, strict=True)):
            break
    return ["\n".join([one[0], *([fit(" ".join(one[1:]), width, size)] if len(one) > 1 else [])]) for one in lines]


def name_room(names: Sequence[str], size: float) -> float:
    """Inches that names need, of which some may have two lines."""
    return max(text_width(line, size) for name in names for line in name.split("\n"))


def tier_colours(count: int) -> list[str]:
    """One colour a tier."""
    return [*PALETTE, NEUTRAL][:count]


def arm_colours(count: int) -> list[str]:
    """One colour an arm: the reference grey, the others of the palette."""
    return [NEUTRAL, *PALETTE][:count]


def arm_look(place: int) -> tuple[str, str, bool]:
    """Colour, marker and whether the marker is hollow of an arm by its place, the same in every figure.

    Beyond the colours there are, they come again with other markers, hollow.
    """
    if place == 0:
        return NEUTRAL, "o", False
    again, colour = divmod(place - 1, len(PALETTE))
    return PALETTE[colour], MARKERS[(colour + again) % len(MARKERS)], again % 2 == 1


def ink(colour: str) -> str:
    """The colour, darkened until text in it reads on white (contrast of at least 4.5)."""
    red, green, blue = mpl.colors.to_rgb(colour)
    while 1.05 / (luminance((red, green, blue)) + 0.05) < 4.5:
        red, green, blue = 0.94 * red, 0.94 * green, 0.94 * blue
    return mpl.colors.to_hex((red, green, blue))


def ink_on(colour: Any) -> str:
    """White or black, whichever reads better on the colour (a contrast of 4.58 at worst)."""
    light = luminance(mpl.colors.to_rgb(colour)) + 0.05
    return "white" if 1.05 / light > light / 0.05 else "black"


def luminance(rgb: Any) -> float:
    """Relative luminance of WCAG 2, 0 black to 1 white."""
    channel = np.asarray(rgb, dtype=float)[:3]
    linear = np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def page(
    title: str,
    subtitle: str,
    rows: int,
    columns: int,
    *,
    height: float = 1.75,
    key: Sequence[tuple[str, ...]] = (),
    left: float = 0.62,
    right: float = 0.55,
    bottom: float = 0.52,
    between: float = 0.62,
    widths: Sequence[float] | None = None,
    lefts: Sequence[float] | None = None,
    rights: Sequence[float] | None = None,
    share_x: bool = True,
) -> tuple[Figure, list[list[Axes]]]:
    """A figure with its heading, the key of colours, and a grid of panels.

    `key` has names and colours, and maybe markers, then maybe "hollow". `height` is that of a panel; `left` and `right`
    are the room of one panel for tick labels and for labels at the ends of its lines (`lefts`, `rights`: a column
    each); `between` is the room between rows; `widths` are relative. All in inches. With `share_x` only the last row
    has room for a name.
    """
    title, subtitle = tell(title[:1].upper() + title[1:]), tell(subtitle)
    key = [(tell(name), *look) for name, *look in key]
    text_room = WIDTH - 2 * EDGE
    titles = wrap(title, text_room, TITLE, "bold")
    subtitles = wrap(subtitle, text_room, SUBTITLE)
    keys = _key_lines(key, text_room)
    line = {size: size * LEADING / 72.0 for size in (TITLE, SUBTITLE, LABEL)}
    heading = EDGE + len(titles) * line[TITLE] + 0.06 + len(subtitles) * line[SUBTITLE]
    heading += (0.1 + len(keys) * 1.25 * line[LABEL]) if keys else 0.0
    top = heading + 0.16 + PANEL * LEADING / 72.0
    gap = between if share_x else bottom + PANEL * LEADING / 72.0 + 0.22
    full = top + rows * height + (rows - 1) * gap + bottom + EDGE * 0.5
    figure = Figure(figsize=(WIDTH, full), facecolor="white")
    figure.set_label(f"{title}\n{subtitle}")  # read back for the page and for those who cannot see it
    FigureCanvasAgg(figure)

    y = EDGE
    for text, size, weight, colour in (
        *((text, TITLE, "bold", INK) for text in titles),
        *((text, SUBTITLE, "normal", SOFT) for text in subtitles),
    ):
        if size == SUBTITLE and text is subtitles[0] and weight == "normal":
            y += 0.06
        figure.text(
            EDGE / WIDTH,
            1 - y / full,
            text,
            size=size,
            weight=weight,
            color=colour,
            va="top",
            ha="left",
            linespacing=1.0,
        )
        y += line[size]
    y += 0.1
    for entries in keys:
        x = EDGE
        for name, colour, *marker in entries:
            middle = 1 - (y + 0.62 * line[LABEL]) / full
            figure.add_artist(
                mpl.lines.Line2D([x / WIDTH, (x + 0.22) / WIDTH], [middle, middle], color=colour, linewidth=3.0)
            )
            if marker:
                face = "white" if "hollow" in marker else colour
                spot = mpl.lines.Line2D([(x + 0.11) / WIDTH], [middle], color=colour, marker=marker[0], markersize=6)
                spot.set(linestyle="none", markerfacecolor=face)
                figure.add_artist(spot)
            figure.text(
                (x + 0.28) / WIDTH, middle, name, size=LABEL, color=ink(colour), va="center_baseline", ha="left"
            )
            x += 0.28 + text_width(name, LABEL) + 0.28
        y += 1.25 * line[LABEL]

    relative = np.asarray(widths if widths is not None else [1.0] * columns, dtype=float)
    lefts = lefts if lefts is not None else [left] * columns
    rights = rights if rights is not None else [right] * columns
    room = text_room - sum(lefts) - sum(rights)
    widths_in = room * relative / relative.sum()
    axes: list[list[Axes]] = []
    for row in range(rows):
        axes.append([])
        x = EDGE
        for column in range(columns):
            x += lefts[column]
            low = full - top - (row + 1) * height - row * gap
            box = (x / WIDTH, low / full, widths_in[column] / WIDTH, height / full)
            axes[-1].append(plain(figure.add_axes(box)))
            x += widths_in[column] + rights[column]
    return figure, axes


def _key_lines(
    key: Sequence[tuple[str, ...]], room: float, gap: float = 0.28, mark: float = 0.28
) -> list[list[tuple[str, ...]]]:
    lines: list[list[tuple[str, ...]]] = []
    used = room
    for name, *look in key:
        name = fit(name, room - mark - gap, LABEL)
        wide = mark + text_width(name, LABEL)
        if used + wide > room:
            lines.append([])
            used = 0.0
        lines[-1].append((name, *look))
        used += wide + gap
    return lines


def grid_shape(panels: int) -> tuple[int, int]:
    """Rows and columns for a number of panels of equal rank."""
    columns = panels if panels <= 3 else 2 if panels == 4 else 3 if panels <= 9 else 4
    return math.ceil(panels / columns), columns


def plain(axes: Axes) -> Axes:
    """An axes with a baseline and light horizontal lines, nothing else."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#8C8C8C")
    axes.tick_params(labelsize=TICK, length=0, colors=SOFT, pad=4)
    axes.tick_params(axis="x", length=3, color="#8C8C8C", pad=3)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def size_inches(axes: Axes) -> tuple[float, float]:
    """Width and height of a panel in inches."""
    box = axes.get_position()
    wide, high = _paper(axes)
    return float(box.width * wide), float(box.height * high)


def _paper(axes: Axes) -> tuple[float, float]:
    """Width and height of the figure in inches."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "panels are made by `page`"
    wide, high = figure.get_size_inches()
    return float(wide), float(high)


def name_panel(axes: Axes, name: str, unit: str = "", *, beyond: float = 0.75) -> None:
    """The panel's name in bold and its unit after it, above the panel's left edge.

    `beyond` says how far they may run, in inches, from half an inch left of the panel: over the room of end labels.
    """
    wide, _ = size_inches(axes)
    room = wide + beyond
    name, unit = tell(name), tell(unit)
    name = fit(name, room, PANEL, "bold")
    x = -0.38
    axes.annotate(
        name,
        (0, 1),
        (x * 72, 7),
        xycoords="axes fraction",
        textcoords="offset points",
        size=PANEL,
        weight="bold",
        color=INK,
        ha="left",
        va="bottom",
        annotation_clip=False,
    )
    if unit:
        start = x + text_width(name, PANEL, "bold") + 0.07
        unit = fit(unit, max(room - start - 0.25, 0.2), LABEL)
        axes.annotate(
            unit,
            (0, 1),
            (start * 72, 7),
            xycoords="axes fraction",
            textcoords="offset points",
            size=LABEL,
            color=SOFT,
            ha="left",
            va="bottom",
            annotation_clip=False,
        )


def inset(axes: Axes, left: float, right: float) -> None:
    """Moves the left and right edges of a panel inwards, in inches."""
    box, (wide, _) = axes.get_position(), _paper(axes)
    axes.set_position((box.x0 + left / wide, box.y0, box.width - (left + right) / wide, box.height))


def key_below(axes: Axes, key: Sequence[tuple[str, ...]], left: float) -> None:
    """A key of colours under a panel that has no axis labels, starting `left` inches to the left of it."""
    wide, _ = size_inches(axes)
    key = [(tell(name), *look) for name, *look in key]
    for row, entries in enumerate(_key_lines(key, wide + left, gap=0.2, mark=0.16)):
        x, y = -left, -0.14 - row * 0.17
        for name, colour, *_ in entries:
            where: dict[str, Any] = {
                "xycoords": "axes fraction",
                "textcoords": "offset points",
                "annotation_clip": False,
            }
            axes.annotate(
                "\N{BLACK SQUARE}", (0, 0), (x * 72, y * 72), size=LABEL, color=colour, va="center_baseline", **where
            )
            axes.annotate(name, (0, 0), ((x + 0.16) * 72, y * 72), size=8, color=SOFT, va="center_baseline", **where)
            x += 0.16 + text_width(name, LABEL) + 0.2
