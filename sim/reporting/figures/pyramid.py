"""Figures about tiers: how the pyramid changes, and who moves where in a year."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from sim.measures.evidence import few
from sim.phrases import quoted, spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures import panels as parts
from sim.reporting.figures.board import Board, Cube, NothingToShow, band, contrasts, ratio_base

MOST_COLUMNS = 5


@style.drawn
def tier_pyramid(board: Board) -> Figure:
    """Customers of each tier with month 0 at 100, and each tier's share of AUM."""
    customers, aum = board.cube("customers"), board.cube("aum")
    index = 100 * customers / ratio_base(customers[:, :, :1])
    share = 100 * aum / ratio_base(aum.sum(axis=-1, keepdims=True))
    months = np.arange(board.months + 1)
    start = band(customers[:1, :, 0]).mean[0]
    names = [spoken(tier, "tier") for tier in board.tiers]
    if board.one_arm:
        return _pyramid_of_one(board, names, months, index, share, start)

    top = index[:, :, -1, -1] / 100
    title = claims.seen(
        board,
        contrasts(top),
        f"growth of {names[-1]} customers over {board.span_words}",
        lambda gap: units.points(gap, 1, sign=True),
    )
    subtitle = (
        f"Above: customers, month 0 = 100 (in brackets: customers in month 0); below: share of the bank's AUM, %. "
        f"{board.band_words()}"
    )
    count = len(names)
    columns = min(count, MOST_COLUMNS)
    deep = -(-count // columns)
    texts = [
        shown(float(end))
        for values, shown in ((index, _plain), (share, _percent_of))
        for end in band(values[: style.MOST_ARMS, :, -1]).mean.ravel()
    ]
    room = marks.end_room(texts) if len(board.arms) <= parts.LABELLED_ARMS and columns <= 4 else 0.25
    figure, axes = style.page(
        title,
        subtitle + parts.left_out(board),
        2 * deep,
        columns,
        key=parts.arm_key(board),
        left=0.5,
        right=room,
        height=1.45,
    )
    for half, (values, shown) in enumerate(((index, _plain), (share, _percent_of))):
        for tier in range(deep * columns):
            panel = axes[half * deep + tier // columns][tier % columns]
            if tier >= count:
                panel.remove()
                continue
            parts.arm_lines(panel, months, values[..., tier], shown, labels=columns <= 4)
            style.name_panel(panel, names[tier], f"({units.short(start[tier])})" if half == 0 else "% of AUM")
            marks.month_axis(panel, board.months, label=half == 1 and tier + columns >= count)
    return figure


def _plain(value: float) -> str:
    return units.number(value, 1)


def _percent_of(value: float) -> str:
    return units.percent(value / 100)


def _pyramid_of_one(
    board: Board, names: list[str], months: NDArray[np.intp], index: Cube, share: Cube, start: Cube
) -> Figure:
    ends = band(index[0], axis=0).mean[-1]
    held = band(share[0], axis=0).mean
    heads = 100 * board.cube("customers")[0, :, -1] / ratio_base(board.total("customers")[0, :, -1:])
    heads = band(heads, axis=0).mean
    if len(names) > 2:
        upper = len(names) // 2
        title = (
            f"{' and '.join(names[upper:]) if upper > len(names) - 3 else f'The top {len(names) - upper} tiers'}: "
            f"{_percent_of(float(heads[upper:].sum()))} of customers, "
            f"{_percent_of(float(held[-1, upper:].sum()))} of AUM"
        )
    else:
        title = f"{names[-1]}: {_percent_of(float(heads[-1]))} of customers, {_percent_of(float(held[-1, -1]))} of AUM"
    changes = np.nan_to_num(np.abs(ends - 100))
    changes[board.small_tiers] = -1.0  # chance is not news
    moved = int(np.argmax(changes))
    title += f"; customers of {names[moved]} {units.percent(ends[moved] / 100 - 1, sign=True)} over {board.span_words}"
    labels = [f"{name} {_plain(float(end))}" for name, end in zip(names, ends, strict=True)]
    shares = [f"{name} {_percent_of(float(end))}" for name, end in zip(names, held[-1], strict=True)]
    colours = style.tier_colours(len(names))
    sizes = ", ".join(f"{name} {units.short(float(size))}" for name, size in zip(names, start, strict=True))
    figure, ((heads_panel, money_panel),) = style.page(
        title,
        f"Customers in month 0: {sizes}. {board.band_words()}{board.small_words()}",
        1,
        2,
        height=2.7,
        lefts=[0.5, 0.55],
        rights=[marks.end_room(labels), marks.end_room(shares)],
    )
    parts.named_lines(heads_panel, months, index[0], labels, colours, bandless=board.small_tiers, floor=0.0)
    style.name_panel(heads_panel, "Customers", "month 0 = 100")
    marks.month_axis(heads_panel, board.months)
    parts.stacked_areas(money_panel, months, held, shares, colours)
    marks.value_axis(money_panel, [np.array([0.0, 100.0])], zero=True, most=100)
    style.name_panel(money_panel, "Share of AUM", "%")
    marks.month_axis(money_panel, board.months)
    return figure


@style.drawn
def transitions(board: Board) -> Figure:
    """Where customers of each tier are a year later, in percent of the row, for the reference arm."""
    table = board.transitions
    table = table[(table["arm"].astype(str) == board.reference) & (table["year"] <= board.months // 12)]
    if table.empty or not table["customers"].sum():
        raise NothingToShow("it needs at least one whole year")
    columns = [*board.tiers, "dormant", "closed"]
    rows = [*board.tiers, "dormant", "new"]
    sums = table.groupby(["from", "to"])["customers"].sum()
    counts = np.array([[float(sums.get((start, end), 0.0)) for end in columns] for start in rows])
    own = dict(zip(board.tiers, board.per_row, strict=True))
    weight = np.array([own.get(name, board.per_row.min()) for name in rows])[:, None]
    signs = np.vectorize(few, otypes=[object])(counts / weight)
    signs[counts == 0] = ""  # "0" says it
    shares = counts / ratio_base(counts.sum(axis=1, keepdims=True))
    stays = np.array([[start == end or (start == "new" and end in board.tiers) for end in columns] for start in rows])

    moves = np.where(stays, np.nan, shares)[: len(board.tiers)]
    title = "Where customers are a year later"
    if np.isfinite(moves).any():
        start, end = np.unravel_index(int(np.nanargmax(moves)), moves.shape)
        title = (
            f"The largest move in a year: {units.percent(moves[start, end])}{signs[start, end]} of "
            f"{spoken(rows[start], 'tier')} customers {_becomes(spoken(columns[end], 'tier'))}"
        )
    arm = "" if board.one_arm else f" Arm: {quoted(board.reference)} (the reference)."
    subtitle = (
        "Of 100 customers in the state on the left, how many are in the state above a year later (mean of all years "
        "and seeds). Grey: those who stay; bottom row: where customers who joined during the year are at its "
        f"end.{arm}{board.few_words(signs.ravel())}"
    )
    names = [style.fit(spoken(name, "tier"), 1.5, style.TICK) for name in rows]
    names = [{"new": "new customers"}.get(name, name) for name in names]
    cell = 0.36
    figure, ((grid,),) = style.page(
        title, subtitle, 1, 1, height=cell * (len(rows) + 0.2), left=parts.rows_room(names) + 0.1, right=0.3, bottom=0.1
    )
    _draw_cells(grid, shares, signs, stays, len(board.tiers))
    width = style.size_inches(grid)[0] / (len(columns) + 0.15)
    places = [column + 0.5 + (0.15 if column >= len(board.tiers) else 0.0) for column in range(len(columns))]
    grid.xaxis.tick_top()
    grid.set_xticks(places, [style.fit(spoken(name, "tier"), width - 0.06, style.TICK) for name in columns])
    grid.set_yticks([row + 0.5 + (0.1 if row >= len(board.tiers) else 0.0) for row in range(len(rows))], names)
    grid.tick_params(length=0, labelcolor=style.INK)
    grid.tick_params(axis="x", length=0)
    return figure


def _becomes(state: str) -> str:
    return {"dormant": "go dormant", "closed": "close"}.get(state, f"move to {state}")


def _draw_cells(
    grid: mpl.axes.Axes, shares: Cube, signs: NDArray[np.object_], stays: NDArray[np.bool_], tiers: int
) -> None:
    """Cells with their numbers: stayers grey, movers on a scale of blues of their own, a gap before the states."""
    colours = mpl.colormaps["Blues"]
    movers = shares[np.logical_not(stays) & np.isfinite(shares)]
    most = float(movers.max()) if movers.size and movers.max() > 0 else 1.0
    for row in range(shares.shape[0]):
        for column in range(shares.shape[1]):
            share = shares[row, column]
            x, y = column + (0.15 if column >= tiers else 0.0), row + (0.1 if row >= tiers else 0.0)
            if stays[row, column]:
                colour = mpl.colors.to_rgb("#E9E9E9")
            else:
                colour = colours(0.85 * (share / most) ** 0.5)[:3] if np.isfinite(share) and share > 0 else (1.0,) * 3
            grid.add_patch(
                Rectangle((x + 0.015, y + 0.02), 0.97, 0.96, facecolor=colour, edgecolor="#D0D0D0", linewidth=0.5)
            )
            grid.text(
                x + 0.5,
                y + 0.5,
                _cell_text(share) + signs[row, column],
                ha="center",
                va="center_baseline",
                size=style.LABEL + 0.5,
                color=style.ink_on(colour) if share > 0 else "#707070",
            )
    grid.set_xlim(0, shares.shape[1] + 0.15)
    grid.set_ylim(shares.shape[0] + 0.1, 0)
    grid.grid(False)
    grid.spines["bottom"].set_visible(False)


def _cell_text(share: float) -> str:
    if not np.isfinite(share):
        return units.MISSING
    if share == 0:
        return "0"
    return f"<{units.GAP}0.01" if share < 0.0001 else units.number(share * 100, 1 if share >= 0.001 else 2)
