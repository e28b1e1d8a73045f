"""What each arm is worth over the worlds of beliefs: every world a point, and the share of them in which it pays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from sim.measures.catalogue import label
from sim.phrases import listed, quoted, spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import style, units
from sim.reporting.figures.board import Board, Cube, NothingToShow
from sim.reporting.figures.decision import TINT

if TYPE_CHECKING:
    import pandas as pd

ROW = 0.42
NAMES = 2.6
THICK = 0.17  # of a row, that points of worlds are spread over
OWN_WORLD = 0  # that of the scenario's own numbers


@style.drawn
def worth_by_world(board: Board) -> Figure:
    """A row an arm: a point a world, a line over the middle 90 %, a tick at the mean, a diamond as assumed."""
    table, rows = board.beliefs
    kpi, unit = str(table["kpi"].iloc[0]), str(table["unit"].iloc[0])
    gaps, own = _differences(board, rows, kpi)
    order = [arm for arm in table["arm"].astype(str) if arm in gaps]
    pays = dict(zip(table["arm"].astype(str), map(int, table["pays_in"]), strict=True))
    everything = np.concatenate([*gaps.values(), [value for value in own.values() if np.isfinite(value)]])
    divisor, word = units.scale(float(np.abs(everything).max(initial=0.0)))
    worlds = int(table["worlds"].iloc[0])
    names = [style.fit(spoken(arm), NAMES, style.TICK) for arm in order]
    shares = [f"{pays[arm]} of {worlds}" for arm in order]
    most = max(pays[arm] for arm in order)
    best = [arm for arm in order if pays[arm] == most]
    figure, ((panel,),) = style.page(
        _title(best, most, worlds),
        f"Difference to {quoted(board.reference)} in the same world, same luck. Point: a world; line: the middle "
        f"90{units.GAP}% of worlds; upright line: mean; diamond: as the scenario assumes; on the right: worlds in "
        "which the arm pays. Shaded: the better side.",
        1,
        1,
        height=ROW * len(order) + 0.1,
        left=max(style.text_width(name, style.TICK) for name in names) + 0.14,
        right=marks.end_room(["pays in", *shares]),
        bottom=0.42,
    )
    marks.level_axis(panel, [everything / divisor])
    left, right = panel.get_xlim()
    panel.axvspan(0.0, right, color=TINT, linewidth=0, zorder=0)
    panel.set_xlim(left, right)
    for row, arm in enumerate(order):
        values = gaps[arm] / divisor
        colour = style.arm_look(board.arms.index(arm))[0]
        panel.plot(values, row + _aside(values, right - left), "o", color=colour, markersize=3.2, alpha=0.5, zorder=3)
        low, high = np.quantile(values, [0.05, 0.95])
        panel.plot([low, high], [row, row], color=colour, linewidth=1.6, zorder=4)
        mean = float(values.mean())
        panel.plot([mean], [row], "|", color=style.INK, markersize=17, markeredgewidth=2.0, zorder=6)
        if np.isfinite(own[arm]):
            look = {"color": style.INK, "markerfacecolor": "white", "markersize": 6.0, "markeredgewidth": 1.2}
            panel.plot([own[arm] / divisor], [row], "D", zorder=5, **look)  # type: ignore[arg-type]
        panel.annotate(
            shares[row],
            (1.0, row),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            size=style.LABEL,
            color=style.ink(colour),
            va="center_baseline",
        )
    panel.set_ylim(len(order) - 0.5, -0.5)
    panel.set_yticks(range(len(order)), names)
    panel.tick_params(axis="y", labelcolor=style.INK)
    style.name_panel(panel, label(kpi), " ".join(filter(None, (unit, word))))
    return figure


def _title(best: Sequence[str], pays: int, worlds: int) -> str:
    if pays == 0:
        return f"No arm pays in any of {worlds} worlds"
    often = f"in {'every one' if pays == worlds else pays} of {worlds} worlds"
    if len(best) == 1:
        return f"{quoted(best[0])} pays most often: {often}"
    return f"{listed([quoted(arm) for arm in best])} pay most often: each {often}"


def _differences(board: Board, rows: pd.DataFrame, kpi: str) -> tuple[dict[str, Cube], dict[str, float]]:
    """Differences to the reference by arm: of every drawn world, mean over its seeds, and of the scenario's own."""
    known = rows[rows["status"].astype(str) == "ok"]
    level = known.pivot_table(index="world", columns="arm", values=kpi, aggfunc="mean", observed=True)
    level = level.reindex(columns=board.arms)
    drawn = level[level.index != OWN_WORLD].dropna()
    if drawn.empty:
        raise NothingToShow("no world has a result of every arm")
    own = level.reindex([OWN_WORLD]).iloc[0]
    arms = board.arms[1:]
    gaps = {arm: (drawn[arm] - drawn[board.reference]).to_numpy(dtype=float) for arm in arms}
    return gaps, {arm: float(own[arm] - own[board.reference]) for arm in arms}


def _aside(values: Cube, span: float) -> Cube:
    """How far from its row each point stands, so that points of like worlds can be told apart; always the same."""
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return (((order * 5) % 7) / 6.0 - 0.5) * 2 * THICK
