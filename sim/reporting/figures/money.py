"""Figures about money: assets and net new money, revenue, cost and profit."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.phrases import quoted, spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures import panels as parts
from sim.reporting.figures.board import Board, Cube, band, half_width, mean_of, rolling_sum

COSTS = {  # column of bank.parquet: its name for a reader, its colour
    "cost_managers": ("managers", "#0072B2"),
    "cost_service": ("inbound service", "#56B4E9"),
    "cost_servicing": ("fixed servicing", "#009E73"),
    "cost_messages": ("messages", "#E69F00"),
    "cost_acquisition": ("acquisition", "#CC79A7"),
    "strategy_cost": ("strategies", "#D55E00"),
}
COARSE_COSTS = {  # columns of monthly.parquet, for a run without itemised costs
    "manager_cost": ("managers", "#0072B2"),
    "channel_cost": ("channels and servicing", "#56B4E9"),
    "strategy_cost": ("strategies", "#D55E00"),
}


@style.drawn
def aum_and_net_new_money(board: Board) -> Figure:
    """AUM by tier and what changed it; with several arms AUM, net new money so far, and the paired gap at the end."""
    aum, fresh = board.cube("aum"), board.cube("net_new_money")
    months = np.arange(board.months + 1)
    divisor, word = units.scale(float(np.nanmax(aum.sum(axis=-1))))
    unit = f"{board.currency} {word}".strip()
    if board.one_arm:
        return _aum_of_one(board, divisor, unit)

    total = aum.sum(axis=-1)
    title = claims.judged(
        board, claims.Wish("aum_end", "AUM at the end", lambda gap: units.money(gap, board.currency, sign=True))
    )
    names = [*map(spoken, board.tiers)]
    so_far = np.cumsum(fresh.sum(axis=-1), axis=2)
    panels = [
        parts.scaled("AUM", total, "", currency=board.currency),
        parts.scaled("Net new money so far", so_far, "", currency=board.currency),
    ]
    arms = min(len(board.arms), style.MOST_ARMS)
    labels = [panel.shown(float(end)) for panel in panels for end in band(panel.values[:arms]).mean[:, -1]]
    room = marks.end_room(labels) if arms <= parts.LABELLED_ARMS else 0.25
    figure, (axes,) = style.page(
        title,
        f"Left: AUM at month end; middle: net new money since month 0; right: AUM at the end less that of "
        f"{quoted(board.reference)}, by tier, same seeds, with the 95{units.GAP}% interval (t). "
        f"{board.band_words()}" + parts.left_out(board),
        1,
        3,
        height=2.5,
        key=parts.arm_key(board),
        widths=[1, 1, 1.1],
        lefts=[0.5, 0.55, parts.rows_room(names) + 0.15],
        rights=[room, room, 0.15],
    )
    for axis, panel in zip(axes[:2], panels, strict=True):
        parts.arm_lines(axis, months, panel.values, panel.shown)
        style.name_panel(axis, panel.name, panel.unit)
        marks.month_axis(axis, board.months)
    gaps = aum[1:arms, :, -1] - aum[:1, :, -1]
    mean, half = band(gaps).mean, half_width(gaps, 1)
    size, size_word = units.scale(float(np.nanmax(np.abs(mean))) if np.isfinite(mean).any() else 1.0)
    _dots(axes[2], names, mean / size, half / size, style.arm_colours(arms)[1:])
    style.name_panel(axes[2], "Gap at the end", f"{board.currency} {size_word}".strip())
    return figure


def _aum_of_one(board: Board, divisor: float, unit: str) -> Figure:
    aum = board.cube("aum")[0]
    stock = band(aum, axis=0).mean / divisor
    fresh = board.yearly(board.total("net_new_money"))[0]
    market = board.yearly(board.total("market_effect"))[0]
    total = aum.sum(axis=-1)
    start = mean_of(total[:, 0])
    change = mean_of(total[:, -1]) / start - 1 if start > 0 else float("nan")  # as the page's answer has it
    new, gains = mean_of(fresh.sum(axis=1)), mean_of(market.sum(axis=1))
    whole = board.months < 12 or board.months % 12 == 0
    title = (
        f"AUM {units.money(mean_of(total[:, 0]), board.currency)} to {units.money(mean_of(total[:, -1]))} "
        f"({units.percent(change, sign=True)}) over {board.span_words}"
    )
    if whole:
        title += f": {units.money(new, sign=True)} of net new money, {units.money(gains, sign=True)} from growth"
    names = [spoken(tier, "tier") for tier in board.tiers]
    labels = [f"{name} {units.money(float(end * divisor))}" for name, end in zip(names, stock[-1], strict=True)]
    figure, ((areas, bars),) = style.page(
        title,
        f"Left: AUM at month end{board.mean_words()}. Right: what changed AUM; market effect is the growth of wealth "
        "and markets, net new money all else: own saving, joiners, leavers, money moved to or from rivals. "
        f"{board.range_words('Whiskers')}",
        1,
        2,
        height=2.7,
        widths=[1.25, 1],
        lefts=[0.5, 0.6],
        rights=[marks.end_room(labels), 0.1],
        key=[("net new money", style.PALETTE[0]), ("market effect", style.PALETTE[1])],
    )
    parts.stacked_areas(areas, np.arange(board.months + 1), stock, labels, style.tier_colours(len(names)))
    marks.value_axis(areas, [np.append(stock.sum(axis=1), 0.0)], zero=True)
    style.name_panel(areas, "AUM by tier", unit)
    marks.month_axis(areas, board.months)
    size, word = units.scale(float(np.nanmax(np.abs([fresh, market]))))
    places = np.arange(len(board.year_names))
    edges = []
    for side, (flow, colour) in enumerate(((fresh, style.PALETTE[0]), (market, style.PALETTE[1]))):
        one = band(flow / size, axis=0)
        at = places + (side - 0.5) * 0.38
        bars.bar(at, one.mean, width=0.34, color=colour, zorder=3)
        if np.isfinite(one.low).all():
            bars.vlines(at, one.low, one.high, color=style.INK, linewidth=1.1, zorder=4)
        edges += [one.mean, one.low, one.high]
    marks.value_axis(bars, edges, zero=True)
    bars.set_xticks(places, board.year_names)
    bars.set_xlim(-0.6, len(places) - 0.4)
    if board.months >= 12:
        bars.set_xlabel("Year", size=style.LABEL, color=style.SOFT, labelpad=3)
    style.name_panel(bars, "What changed AUM", f"{board.currency} {word}".strip())
    return figure


@style.drawn
def economics(board: Board) -> Figure:
    """Revenue, cost and profit as a rolling year, and what the cost is made of."""
    months = np.arange(board.window, board.months + 1)

    def year(flow: Cube) -> Cube:
        return rolling_sum(flow[:, :, 1:], board.window) * board.per_year

    revenue, profit = year(board.total("revenue")), year(board.total("profit"))
    lines = {"revenue": revenue, "profit": profit, "cost": revenue - profit}
    items, colours, amounts = _costs(board)
    last = {name: mean_of(flow[0, :, -1]) for name, flow in lines.items()}
    subtitle = (
        f"{board.currency} over {board.rolling_words}; cost a year is the mean over the run. {board.band_words()}"
    )
    size, word = units.scale(float(np.nanmax(np.abs(amounts.sum(axis=1)))))
    unit = f"{board.currency} {word} a year".replace("  ", " ")
    shown = lambda value: units.money(value * size)  # noqa: E731
    if board.one_arm:
        largest = items[int(np.argmax(amounts[0]))]
        title = (
            f"Profit of {units.money(last['profit'], board.currency)} on revenue of {units.money(last['revenue'])} in "
            f"the last year; {largest} cost most"
            if board.months >= 12
            else f"Profit of {units.money(last['profit'], board.currency)} a year on revenue of "
            f"{units.money(last['revenue'])}; {largest} cost most"
        )
        money_size, money_word = units.scale(max(abs(value) for value in last.values()))
        labels = [f"{name} {units.money(last[name])}" for name in lines]
        figure, ((trend, split),) = style.page(
            title,
            subtitle,
            1,
            2,
            height=2.7,
            widths=[1.35, 1],
            lefts=[0.55, parts.rows_room(items) + 0.2],
            rights=[marks.end_room(labels), 0.1],
        )
        stack = np.stack([flow[0] for flow in lines.values()], axis=-1) / money_size
        parts.named_lines(
            trend, months, stack, labels, [style.PALETTE[0], style.PALETTE[2], style.PALETTE[3]], zero=True
        )
        style.name_panel(trend, "Revenue, cost, profit", f"{board.currency} {money_word} a year".replace("  ", " "))
        marks.month_axis(trend, board.months)
        order = np.argsort(-amounts[0], kind="stable")
        parts.stacked_rows(
            split, [items[place] for place in order], amounts[0, order][:, None] / size, ["#6B8FB3"], shown
        )
        style.name_panel(split, "What it costs", unit)
        return figure

    title = claims.judged(
        board,
        claims.Wish(
            "profit_annual", "profit a year over the run", lambda gap: units.money(gap, board.currency, sign=True)
        ),
    )
    arms = min(len(board.arms), style.MOST_ARMS)
    arm_names = [spoken(arm) for arm in board.arms[:arms]]
    panels = [
        parts.scaled(name.capitalize(), lines[name], "a year", currency=board.currency)
        for name in ("profit", "revenue", "cost")
    ]
    ends = [panel.shown(float(end)) for panel in panels for end in band(panel.values[:arms]).mean[:, -1]]
    room = marks.end_room(ends) if arms <= parts.LABELLED_ARMS else 0.25
    tall = max(1.55, 0.3 * arms)
    figure, axes = style.page(
        title, subtitle + parts.left_out(board), 2, 2, height=tall, key=parts.arm_key(board), right=room
    )
    for axis, panel in zip((axes[0][0], axes[0][1], axes[1][0]), panels, strict=True):
        parts.arm_lines(axis, months, panel.values, panel.shown)
        style.name_panel(axis, panel.name, panel.unit)
        marks.month_axis(axis, board.months, label=axis is axes[1][0])
    split = axes[1][1]
    style.inset(split, parts.rows_room(arm_names) - 0.45, 0.1 - room)
    parts.stacked_rows(split, arm_names, amounts[:arms] / size, colours, shown)
    style.name_panel(split, "What it costs", unit)
    style.key_below(split, list(zip(items, colours, strict=True)), parts.rows_room(arm_names))
    return figure


def _costs(board: Board) -> tuple[list[str], list[str], Cube]:
    """Names, colours and arm x item amounts a year (mean over seeds) of the costs that occur.

    Itemised from the bank's table where it has the items, else by the three costs of the monthly table.
    """
    itemised = board.has_bank(*COSTS)
    items = COSTS if itemised else COARSE_COSTS
    flows = [board.bank(column) if itemised else board.total(column) for column in items]
    amounts = np.stack([band(flow[:, :, 1:].sum(axis=2) * 12 / board.months).mean for flow in flows], axis=-1)
    amounts = np.nan_to_num(amounts)
    paid = [place for place in range(len(items)) if amounts[:, place].any()] or [0]
    looks = list(items.values())
    return [looks[place][0] for place in paid], [looks[place][1] for place in paid], amounts[:, paid]


def _dots(axes: Axes, names: list[str], mean: Cube, half: Cube, colours: list[str]) -> None:
    """Arm x name differences as points with intervals, arms side by side within a name."""
    count = len(colours)
    for arm, colour in enumerate(colours):
        at = np.arange(len(names)) + (arm - (count - 1) / 2) * min(0.22, 0.7 / count)
        if np.isfinite(half[arm]).any():
            axes.hlines(at, mean[arm] - half[arm], mean[arm] + half[arm], color=colour, linewidth=1.6, zorder=3)
        axes.plot(mean[arm], at, "o", color=colour, markersize=4.5, zorder=4)
    marks.level_axis(axes, [mean, mean - half, mean + half])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(np.arange(len(names)), [style.fit(name, 1.6, style.TICK) for name in names])
    axes.tick_params(axis="y", labelcolor=style.INK)
