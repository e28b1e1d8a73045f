"""Figures about the strategies themselves: what each costs over the years, and how far each has matured."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from sim.phrases import spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures.board import Board, Cube, NothingToShow, band
from sim.reporting.figures.decision import arm_names

LONGEST = 3.0  # most inches of an arm's name at the end of a line
LEAST_WIDE = 0.95  # inches of a panel
COLOURS = (*style.PALETTE, style.NEUTRAL, "#B0B0B0", "#111111")


def _name(panel: object, name: str, colour: str) -> None:
    panel.annotate(  # type: ignore[attr-defined]
        name,
        (0, 1),
        (-0.3 * 72, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        size=8.5,
        weight="bold",
        color=colour,
        annotation_clip=False,
    )


def _courses(curves: Cube) -> list[list[int]]:
    """Arms that share a course, from arm x month values; arms without the strategy are in none."""
    shared: dict[bytes, list[int]] = {}
    for arm, curve in enumerate(curves):
        if np.nanmax(np.abs(curve), initial=0.0) > 0:
            shared.setdefault(np.round(curve, 3).tobytes(), []).append(arm)
    return list(shared.values())


def _across(count: int, ends: list[str]) -> tuple[int, float]:
    """How many panels stand side by side, and inches of the names at the ends of their lines, so that none is cut."""
    room = marks.end_room(ends, 8)
    most = int((style.WIDTH - 2 * style.EDGE) / (0.48 + LEAST_WIDE + room))
    most = max(1, min(4, count, most))
    return -(-count // -(-count // most)), room  # rows as full as can be


@style.drawn
def strategy_costs(board: Board) -> Figure:
    """Cost a year by strategy, a panel an arm, one scale for all."""
    names = board.strategies("cost")
    if not names:
        raise NothingToShow("this run did not keep the cost of each strategy")
    flows = np.stack([board.yearly(board.bank(f"cost[{name}]")) for name in names], axis=-1)  # arm seed year strategy
    means = np.nan_to_num(band(flows).mean)  # arm x year x strategy
    arms = [place for place in range(len(board.arms)) if np.abs(means[place]).max() > 0]
    if not arms:
        raise NothingToShow("no strategy cost anything")
    paid = [place for place in range(len(names)) if np.abs(means[:, :, place]).max() > 0]
    means = means[:, :, paid]
    years = board.year_names
    size, word = units.scale(float(means.sum(axis=-1).max()))
    most = float(means.sum(axis=-1).max()) / size
    across = min(4, len(arms))
    deep = -(-len(arms) // across)
    titles = [style.fit(spoken(board.reference), 1.42, 8.5, "bold")]
    titles += [] if board.one_arm else arm_names(board, 1.42, 8.5, "bold")
    tops = claims.highest(list(means.sum(axis=(1, 2))))
    top, names_of = tops[0], claims.listed([board.arms[place] for place in tops])
    title = f"Strategies cost {'most ' if len(arms) > 1 else ''}under {names_of}: "
    title += f"{units.money(float(means[top].sum() / len(years)), board.currency)} a year"
    if len(tops) == 1 and abs(means[top, 0].sum() / means[top].mean(axis=0).sum() - 1) > 0.05:
        title += f", {units.money(float(means[top, 0].sum()))} in the first"
    key = [(spoken(names[place], ""), COLOURS[row % len(COLOURS)]) for row, place in enumerate(paid)]
    figure, axes = style.page(
        title,
        f"Cost of each strategy, {board.currency} {word} a year, capital and running{board.mean_words()}; the number "
        "is the arm's mean year. What a strategy makes managers and channels cost beyond that is in the cost plane.",
        deep,
        across,
        height=1.15,
        between=0.62,
        key=key,
        left=0.43,
        right=0.1,
    )
    places = np.arange(len(years))
    panels = [panel for row in axes for panel in row]
    for place, (panel, arm) in enumerate(zip(panels, arms, strict=False)):
        low = np.zeros(len(years))
        for row in range(len(paid)):
            panel.bar(
                places,
                means[arm, :, row] / size,
                bottom=low,
                width=0.66,
                color=COLOURS[row % len(COLOURS)],
                edgecolor="white",
                linewidth=0.4,
                zorder=3,
            )
            low = low + means[arm, :, row] / size
        marks.value_axis(panel, [[0.0, most]], zero=True)
        panel.set_xticks(places, years)
        panel.set_xlim(-0.6, max(len(years), 3) - 0.4)
        _name(panel, titles[arm], style.INK)
        panel.annotate(
            units.money(float(means[arm].sum() / len(years))),
            (1, 1),
            (0, 6),
            xycoords="axes fraction",
            textcoords="offset points",
            size=8,
            color=style.SOFT,
            ha="right",
            annotation_clip=False,
        )
        if place + across >= len(arms) and board.months >= 12:
            panel.set_xlabel("Year", size=style.LABEL, color=style.SOFT, labelpad=3)
    for panel in panels[len(arms) :]:
        panel.remove()
    return figure


@style.drawn
def strategy_maturity(board: Board) -> Figure:
    """How far each strategy has grown up, a panel a strategy, a line for arms that share a course."""
    names = board.strategies("maturity")
    if not names:
        raise NothingToShow("this run did not keep the maturity of each strategy")
    curves = {name: band(board.bank(f"maturity[{name}]") * 100).mean for name in names}  # arm x month
    names = [name for name in names if np.nanmax(np.abs(curves[name]), initial=0.0) > 0]
    if not names:
        raise NothingToShow("no strategy started within these months")
    months = np.arange(board.months + 1)
    half = [  # months from the last one without any to half
        int(np.argmax(curve >= 50) - np.argmax(curve > 0) + 1)
        for name in names
        for curve in curves[name]
        if np.nanmax(curve, initial=0.0) >= 50
    ]
    title = "How far each strategy has matured"
    if half:
        title = (
            f"Strategies need {min(half)} to {max(half)} months from their start to be half mature"
            if min(half) < max(half)
            else f"Strategies are half mature {min(half)} months after their start"
        )
    arms = [spoken(board.reference), *(arm_names(board, LONGEST, 8) if not board.one_arm else [])]
    courses = {name: _courses(curves[name]) for name in names}
    across, room = _across(
        len(names),
        [arms[same[0]] if len(same) == 1 else f"{len(same)} arms" for shared in courses.values() for same in shared],
    )
    deep = -(-len(names) // across)
    figure, axes = style.page(
        title,
        f"Maturity, % of a strategy's full strength{board.mean_words()}. Arms on the same course share a line, named "
        "by how many they are.",
        deep,
        across,
        height=1.2,
        between=0.62,
        left=0.48,
        right=room,
    )
    panels = [panel for row in axes for panel in row]
    for place, (panel, name) in enumerate(zip(panels, names, strict=False)):
        ends = []
        for same in courses[name]:
            curve, colour = curves[name][same[0]], style.arm_look(same[0])[0]
            panel.plot(months, curve, color=colour if len(same) == 1 else style.INK, linewidth=1.6, zorder=3)
            text = arms[same[0]] if len(same) == 1 else f"{len(same)} arms"
            ends.append((float(curve[-1]), text, colour if len(same) == 1 else style.INK))
        marks.value_axis(panel, [[0.0, 100.0]], zero=True, most=104.0)
        marks.label_ends(panel, ends, size=8)
        marks.month_axis(panel, board.months, label=place + across >= len(names))
        _name(panel, style.fit(spoken(name, ""), style.size_inches(panel)[0] + room + 0.2, 9.5), style.INK)
    for panel in panels[len(names) :]:
        panel.remove()
    return figure
