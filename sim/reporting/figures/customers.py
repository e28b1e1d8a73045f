"""Figures about leaving and coming: attrition by tier, the flows of customers, and the hazard by tenure."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.phrases import quoted, spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures import panels as parts
from sim.reporting.figures.board import (
    Board,
    Cube,
    NothingToShow,
    band,
    contrasts,
    mean_of,
    ratio_base,
    rolling_sum,
    with_total,
)

BANK = "bank"
CLOSED, SILENT = style.PALETTE[3], "#F2B48C"  # closed an account; went dormant
TENURE_EDGES = np.array([0, 3, 6, 9, 12, 18, 24, 30, 36, 42, 48, 54, 60])  # months; fine where the hazard falls fast
FEWEST_AT_RISK = 50  # customer-months in a bin: below, a rate says nothing


@style.drawn
def attrition_by_tier(board: Board) -> Figure:
    """Rolling 12-month attrition of active customers: a line a tier, or with several arms a panel a tier."""
    months, rates = board.attrition()
    subtitle = (
        f"Active customers who closed or went dormant, per 100 active customer-years, over {board.rolling_words}. "
        f"{board.band_words()}"
    )
    names = [*map(spoken, board.tiers), BANK]
    if len(board.tiers) == 1:
        names, rates = names[:1], rates[..., :1]
    if board.one_arm:
        return _attrition_of_one(board, subtitle, names, months, rates)
    title = claims.judged(
        board,
        claims.Wish("attrition_annual", "attrition over the run", lambda gap: units.points(gap, 2, sign=True), True),
    )
    signs = [_signs(board, board.leaving[arm])[: len(names)] for arm in range(len(board.arms))]
    panels = [
        parts.Panel(
            name, "% a year", rates[..., tier] * 100, _percent_of, floor=0.0, signs=tuple(own[tier] for own in signs)
        )
        for tier, name in enumerate(names)
    ]
    subtitle += board.few_words(sign for own in signs[: style.MOST_ARMS] for sign in own)
    return parts.panels_by_arm(board, title, subtitle, months, panels[-1:] + panels[:-1])


def _signs(board: Board, flow: Cube) -> list[str]:
    """Marks of rates over a seed x month x tier flow in the last rolling year: of the tiers, then of the bank."""
    last = flow[:, -board.window :]
    tiers = range(len(board.tiers))
    return [*(board.few(np.where(np.arange(len(tiers)) == tier, last, 0.0)) for tier in tiers), board.few(last)]


def _percent_of(value: float) -> str:
    return units.percent(value / 100)


def _attrition_of_one(board: Board, subtitle: str, names: list[str], months: NDArray[np.intp], rates: Cube) -> Figure:
    last = band(rates[0], axis=0).mean[-1]
    window = slice(-board.window, None)
    customer_years = ratio_base(with_total(board.cube("active"))[0, :, :-1][:, window].sum(axis=1)) / 12
    lost = with_total(board.leaving)[0, :, window].sum(axis=1)
    shut = with_total(board.closed_active)[0, :, window].sum(axis=1)
    pieces = np.stack([shut / customer_years, (lost - shut) / customer_years], axis=-1)
    pieces = band(pieces, axis=0).mean[: len(names)]

    signs = _signs(board, board.leaving[0])[: len(names)]
    of_parts = [_signs(board, flow) for flow in (board.closed_active[0], board.cube("went_dormant")[0])]

    title = f"{units.percent(float(last[-1]))}{signs[-1]} of active customers "
    title += f"left or fell silent in {board.rolling_words}" if board.months >= 12 else "leave or fall silent in a year"
    if len(names) > 1 and np.isfinite(last[:-1]).any():
        tiers = np.flatnonzero(np.isfinite(last[:-1]))
        tiers = np.array([tier for tier in tiers if tier not in board.small_tiers] or tiers)
        most, least = int(tiers[np.argmax(last[tiers])]), int(tiers[np.argmin(last[tiers])])
        title += f": {units.percent(last[most])}{signs[most]} in {names[most]}"
        title += f", {units.percent(last[least])}{signs[least]} in {names[least]}"
    labels = [f"{name} {units.percent(float(rate))}{sign}" for name, rate, sign in zip(names, last, signs, strict=True)]
    few = board.few_words(sign for own in (signs, *of_parts) for sign in own[: len(names)])
    colours = [*style.tier_colours(len(board.tiers)), style.NEUTRAL][: len(names)]
    figure, ((trend, split),) = style.page(
        title,
        subtitle + board.small_words() + few,
        1,
        2,
        height=2.7,
        widths=[1.5, 1],
        lefts=[0.5, parts.rows_room(names) + 0.2],
        rights=[marks.end_room(labels), 0.1],
        key=[("closed the account", CLOSED), ("went dormant", SILENT)],
    )
    parts.named_lines(
        trend,
        months,
        rates[0] * 100,
        labels,
        colours,
        zero=True,
        floor=0.0,
        bandless=board.small_tiers,
        dashed=[len(names) - 1] if len(names) > 1 else [],
    )
    style.name_panel(trend, "Attrition", "% a year")
    marks.month_axis(trend, board.months)
    parts.stacked_rows(
        split,
        names,
        pieces * 100,
        [CLOSED, SILENT],
        _percent_of,
        inside=lambda value: units.number(value, 1),
        signs=[*zip(*of_parts, signs, strict=False)],
    )
    style.name_panel(split, "How they go", "% a year, at the end")
    return figure


@style.drawn
def customer_flows(board: Board) -> Figure:
    """Flows into and out of the active customers a year, and the stock of active and dormant."""
    flows = {
        "joined": board.total("joined"),
        "reactivated": board.total("reactivated"),
        "closed while active": board.closed_active.sum(axis=-1),
        "went dormant": board.total("went_dormant"),
    }
    active = board.total("active")
    growth = active[:, :, -1] / ratio_base(active[:, :, 0]) - 1
    if board.one_arm:
        return _flows_of_one(board, flows, growth)
    title = claims.seen(
        board,
        contrasts(growth),
        f"growth of active customers over {board.span_words}",
        lambda gap: units.points(gap, 2, sign=True),
    )
    yearly = {
        name: rolling_sum(flow[:, :, 1:], board.window) * board.per_year
        for name, flow in {**flows, "closed while dormant": board.total("closed_dormant")}.items()
    }
    panels = [parts.scaled(name, flow, "a year") for name, flow in yearly.items()]
    panels.append(parts.scaled("active customers", active[:, :, board.window :], "at month end"))
    subtitle = f"Customers of the whole bank; flows over {board.rolling_words}. {board.band_words()}"
    return parts.panels_by_arm(board, title, subtitle, np.arange(board.window, board.months + 1), panels)


def _flows_of_one(board: Board, flows: dict[str, Cube], growth: Cube) -> Figure:
    years = board.year_names
    sums = {name: band(board.yearly(flow)[0], axis=0).mean for name, flow in flows.items()}
    asleep = mean_of(band(board.yearly(board.total("closed_dormant"))[0], axis=0).mean)
    span = "a year" if board.months >= 12 else f"in {board.span_words}"
    title = (
        f"{units.short(mean_of(sums['joined']))} join, {units.short(mean_of(sums['closed while active']) + asleep)} "
        f"close and {units.short(mean_of(sums['went dormant']))} go dormant {span}; active customers "
        f"{units.percent(mean_of(growth[0]), sign=True)} over {board.span_words}"
    )
    signs = {"joined": 1, "reactivated": 1, "closed while active": -1, "went dormant": -1}
    colours = {"joined": "#0072B2", "reactivated": "#56B4E9", "closed while active": CLOSED, "went dormant": SILENT}
    stocks = np.stack([board.total("active")[0], board.total("dormant")[0]], axis=-1)
    stock_scale, stock_word = units.scale(float(np.nanmax(stocks)))
    figure, ((bars, stock),) = style.page(
        title,
        f"Bars: active customers gained and lost; point: their change{board.mean_words()}. A further "
        f"{units.short(asleep)} {span} close while dormant. {board.band_words('Lines')}",
        1,
        2,
        height=2.7,
        widths=[1.3, 1],
        lefts=[0.55, 0.6],
        rights=[0.15, marks.end_room(["dormant"])],
        key=list(colours.items()),
    )
    up, down = np.zeros(len(years)), np.zeros(len(years))
    largest = max(sums["joined"] + sums["reactivated"], sums["went dormant"] + sums["closed while active"], key=np.max)
    size, word = units.scale(float(np.nanmax(largest)))
    places = np.arange(len(years))
    for name, sign in signs.items():
        height = sums[name] / size
        bars.bar(places, sign * height, bottom=up if sign > 0 else -down, width=0.6, color=colours[name], zorder=3)
        up, down = (up + height, down) if sign > 0 else (up, down + height)
    bars.plot(places, up - down, "o", color=style.INK, markersize=5.5, zorder=5, markeredgecolor="white")
    marks.value_axis(bars, [up, -down], zero=True)
    bars.set_xticks(places, years)
    bars.set_xlim(-0.6, len(years) - 0.4)
    if board.months >= 12:
        bars.set_xlabel("Year", size=style.LABEL, color=style.SOFT, labelpad=3)
    style.name_panel(bars, "Into and out of active", f"{word} customers".strip())
    parts.named_lines(
        stock,
        np.arange(board.months + 1),
        stocks / stock_scale,
        ["active", "dormant"],
        [style.PALETTE[0], style.NEUTRAL],
        zero=True,
        floor=0.0,
    )
    style.name_panel(stock, "Open customers", stock_word)
    marks.month_axis(stock, board.months)
    return figure


@style.drawn
def attrition_by_tenure(board: Board) -> Figure:
    """Hazard of leaving or falling silent by months since joining, a panel a tier, from the cohorts table."""
    at_risk, closed, silent = _cohorts(board)
    enough = np.where(at_risk >= FEWEST_AT_RISK, at_risk, np.nan)
    total, shut = (closed + silent) / enough * 100, closed / enough * 100
    if not np.isfinite(total).any():
        raise NothingToShow(f"fewer than {FEWEST_AT_RISK} customer-months at risk at any tenure below 60 months")

    early = (closed + silent)[:, :, :, 0].sum(axis=2) / ratio_base(at_risk[:, :, :, 0].sum(axis=2))
    late_bins = TENURE_EDGES[:-1] >= 24
    late = (closed + silent)[..., late_bins].sum(axis=(2, 3)) / ratio_base(at_risk[..., late_bins].sum(axis=(2, 3)))
    times = mean_of((early / ratio_base(late))[0])
    gone = np.moveaxis(closed + silent, 2, -1)  # tiers last
    sign = board.few(gone[0, :, 0]) or board.few(gone[0, :, late_bins])
    signs = [
        "".join(dict.fromkeys(board.few(np.where(np.arange(len(board.tiers)) == tier, one, 0.0)) for one in gone))
        for tier in range(len(board.tiers))
    ]
    who = "" if board.one_arm else f" under {quoted(board.reference)}"
    title = (
        f"In their first three months active customers go {units.number(times, 1)}{sign} times as fast as after two "
        f"years{who}"
        if np.isfinite(times)
        else "How fast active customers leave or fall silent, by tenure"
    )
    subtitle = (
        "Chance a month that an active customer closes or goes dormant, by months since joining (bins of 3, then 6 "
        f"months). {board.band_words('Steps')}"
    )
    rows, columns = style.grid_shape(len(board.tiers))
    key = parts.arm_key(board) or [("closes or goes dormant", style.PALETTE[0]), ("of which closes", style.PALETTE[3])]
    few = board.few_words([sign, *signs])
    figure, axes = style.page(
        title, subtitle + parts.left_out(board) + few, rows, columns, key=key, right=0.25, height=1.5
    )
    panels = [panel for row in axes for panel in row]
    for tier, panel in enumerate(panels[: len(board.tiers)]):
        shown = [(total[arm, :, tier], colour) for arm, colour in enumerate(style.arm_colours(len(board.arms)))]
        if board.one_arm:
            shown = [(total[0, :, tier], style.PALETTE[0]), (shut[0, :, tier], style.PALETTE[3])]
        edges = []
        for place, (rates, colour) in reversed(list(enumerate(shown))):
            one = band(rates, axis=0, floor=0.0)
            if place > 0 and len(shown) > parts.BANDED_ARMS:  # tenures have no end at which an arm could be outside
                one.low[:] = one.high[:] = np.nan
            marks.steps_with_band(panel, TENURE_EDGES, one, colour, dashed=place == 0 and not board.one_arm)
            edges += [one.mean, one.low, one.high]
        marks.value_axis(panel, edges, zero=True)
        style.name_panel(panel, spoken(board.tiers[tier], "tier") + signs[tier], "% a month")
    parts.month_axes(board, axes, len(board.tiers), months=int(TENURE_EDGES[-1]), name="Months since joining")
    return figure


def _cohorts(board: Board) -> tuple[Cube, Cube, Cube]:
    """At risk, closed and gone dormant: arm x seed x tier x bin of `TENURE_EDGES`."""
    table = board.cohorts
    table = table[table["tenure_month"] < TENURE_EDGES[-1]]
    place = (*board.places(table), np.searchsorted(TENURE_EDGES, table["tenure_month"].to_numpy(), side="right") - 1)
    shape = (len(board.arms), len(board.seeds), len(board.tiers), len(TENURE_EDGES) - 1)
    found = []
    for column in ("at_risk", "closed", "dormant"):
        sums = np.zeros(shape)
        np.add.at(sums, place, table[column].to_numpy(dtype=float))
        found.append(sums)
    return found[0], found[1], found[2]
