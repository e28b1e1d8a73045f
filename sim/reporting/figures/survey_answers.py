"""What was answered: every question as a bar that leans to the side its answers are on; the net promoter score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import panels as parts
from sim.reporting.figures import style, units
from sim.reporting.figures.board import Cube

ROW, NAMES = 0.255, 4.3
MIDDLE = "#D9D9D9"


@dataclass(frozen=True)
class Question:
    """A question: its name, the construct it belongs to, shares of its answers from the least to the most."""

    name: str
    group: str
    shares: Cube


@style.drawn
def answers(title: str, subtitle: str, questions: Sequence[Question], ends: tuple[str, str]) -> Figure:
    """Bars of answers, centred on the middle answer; names of constructs stand above their questions."""
    rows: list[Question | str] = []
    for place, question in enumerate(questions):
        if question.group and (place == 0 or questions[place - 1].group != question.group):
            rows.append(question.group)
        rows.append(question)
    names = [row if isinstance(row, str) else style.fit(row.name, NAMES, style.TICK) for row in rows]
    points = max(len(one.shares) for one in questions)
    colours = shades(points)
    less, more = ends
    key = [(less, colours[0])] + ([("in the middle", MIDDLE)] if points % 2 else []) + [(more, colours[-1])]
    figure, ((panel,),) = style.page(
        title,
        subtitle,
        1,
        1,
        height=ROW * len(rows) + 0.1,
        key=key,
        left=max(style.text_width(name, style.TICK, "bold") for name in names) + 0.14,
        right=0.25,
        bottom=0.36,
    )
    reach = [0.0, 0.0]
    for row, one in enumerate(rows):
        if isinstance(one, str):
            continue
        shares = np.nan_to_num(one.shares) * 100
        own = shades(len(shares))
        start = -(shares[: len(shares) // 2].sum() + (shares[len(shares) // 2] / 2 if len(shares) % 2 else 0.0))
        reach = [min(reach[0], start), max(reach[1], start + shares.sum())]
        for share, colour in zip(shares, own, strict=True):
            panel.barh(row, share, left=start, height=0.72, color=colour, linewidth=0, zorder=3)
            start += share
    low, high = reach[0] - 2.0, reach[1] + 2.0
    panel.set_xlim(low, high)
    marks.ticks_along(panel, low, high)
    places = panel.get_xticks()
    panel.set_xticks(places, [f"{abs(place):.0f}{units.GAP}%" for place in places])
    panel.grid(axis="x", color=style.GRID, linewidth=0.8)
    panel.grid(axis="y", visible=False)
    panel.axvline(0.0, color="#8C8C8C", linewidth=0.9, zorder=4)
    _rows(panel, names, [isinstance(row, str) for row in rows])
    return figure


@style.drawn
def promoters(title: str, subtitle: str, rows: Sequence[tuple[str, Cube, str]]) -> Figure:
    """A bar a row: shares of detractors, passives and promoters; at its end the score with its interval."""
    key = [("detractors, 0 to 6", style.LOSS), ("passives, 7 and 8", MIDDLE), ("promoters, 9 and 10", style.GAIN)]
    names = [row[0] for row in rows]
    figure, ((panel,),) = style.page(
        title,
        subtitle,
        1,
        1,
        height=0.42 * len(rows) + 0.1,
        key=key,
        left=parts.rows_room(names),
        right=0.3,
        bottom=0.1,
    )
    shares = np.array([row[1] for row in rows]) * 100
    texts = iter([row[2] for row in rows])
    parts.stacked_rows(
        panel,
        names,
        shares,
        [colour for _, colour in key],
        lambda total: next(texts),
        inside=lambda share: f"{units.number(share)}{units.GAP}%",
    )
    return figure


def shades(points: int) -> list[str]:
    """A colour an answer, from the least to the most: orange to grey to blue, told apart in any colour blindness."""
    scale = mpl.colors.LinearSegmentedColormap.from_list(
        "answers", [style.LOSS, "#F3C9A5", MIDDLE, "#A5CBE3", style.GAIN]
    )
    return [mpl.colors.to_hex(scale(place)) for place in np.linspace(0.0, 1.0, points)]


def _rows(panel: Axes, names: Sequence[str], heads: Sequence[bool]) -> None:
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_yticks(range(len(names)), names)
    for text, head in zip(panel.get_yticklabels(), heads, strict=True):
        text.set_color(style.INK)
        text.set_fontweight("bold" if head else "normal")
