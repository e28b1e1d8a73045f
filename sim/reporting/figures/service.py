"""Figures about service: outbound contacts and managers' time, satisfaction and the net promoter score."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from sim.codes import CHANNELS
from sim.phrases import spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures import panels as parts
from sim.reporting.figures.board import Board, band, contrasts, mean_of, ratio_base, rolling_sum

LEAST_HOURS, LEAST_NPS, LEAST_FEELING = 10.0, 4.0, 0.2  # least an axis covers: percent of hours, points, SD


@style.drawn
def contacts_and_utilisation(board: Board) -> Figure:
    """Outbound contacts by channel per 1,000 open customers, by tier, and how busy managers are."""
    months = np.arange(1, board.months + 1)
    there = board.total("customers")[:, :, :-1]  # active and dormant, as in the key figure contacts_per_customer
    by_channel = {channel: board.total(f"contacts_{channel}")[:, :, 1:] for channel in CHANNELS}
    rates = {channel: flow / ratio_base(there) * 1000 for channel, flow in by_channel.items()}
    busy = board.bank("utilisation")[:, :, 1:] * 100
    window = slice(-board.window, None)
    overall = sum(flow[:, :, window].sum(axis=2) for flow in by_channel.values()) / ratio_base(
        there[:, :, window].sum(axis=2)
    )
    signs = {channel: _few(board, channel) for channel in CHANNELS}
    subtitle = (
        "Contacts started by the bank, per 1,000 open customers (active and dormant) of the whole bank. "
        f"{board.band_words()}{board.few_words(signs.values())}"
    )
    if not board.one_arm:
        title = claims.seen(
            board,
            contrasts(overall * 1000),
            f"contacts a month per 1,000 customers, all channels, over {board.window_words}",
            lambda gap: units.number(gap, 1, sign=True),
        )
        panels = [
            parts.Panel(
                f"by {spoken(channel, 'channel')}{signs[channel]}",
                "per 1,000 a month",
                rate,
                lambda value: units.number(value, 1),
                zero=True,
                floor=0.0,
            )
            for channel, rate in rates.items()
        ]
        panels.append(
            parts.Panel(
                "manager utilisation",
                "% of client hours",
                busy,
                lambda value: units.percent(value / 100, 0),
                least_span=LEAST_HOURS,
            )
        )
        return parts.panels_by_arm(board, title, subtitle, months, panels)

    means = {channel: mean_of(rate[0, :, window]) for channel, rate in rates.items()}
    most = max(means, key=lambda channel: np.nan_to_num(means[channel]))
    title = f"{units.number(mean_of(overall[0]) * 1000, 1)} contacts a month per 1,000 customers"
    if np.nan_to_num(means[most]) > 0:
        title += f", most by {spoken(most, 'channel')}"
    utilisation = mean_of(busy[0, :, window])
    if np.isfinite(utilisation):
        title += f"; managers are busy {units.percent(utilisation / 100, 0)} of their client hours"
    lines = band(np.stack([rate[0] for rate in rates.values()], axis=-1), axis=0).mean[-1]
    labels = [
        f"{spoken(channel, 'channel')} {units.number(float(end), 1)}{signs[channel]}"
        for channel, end in zip(CHANNELS, lines, strict=True)
    ]
    colours = style.tier_colours(len(CHANNELS))
    names = [spoken(tier, "tier") for tier in board.tiers]
    per_tier = np.stack(
        [
            band(
                rolling_sum(board.cube(f"contacts_{channel}")[:1, :, 1:], board.window)[0, :, -1]
                / ratio_base(rolling_sum(board.cube("customers")[:1, :, :-1], board.window)[0, :, -1] / 12),
                axis=0,
            ).mean
            for channel in CHANNELS
        ],
        axis=-1,
    )
    busy_label = [units.percent(mean_of(busy[0, :, -1]) / 100, 0)]
    figure, ((trend, tiers, hours),) = style.page(
        title,
        subtitle,
        1,
        3,
        height=2.5,
        widths=[1.15, 1, 0.9],
        lefts=[0.45, parts.rows_room(names) + 0.2, 0.55],
        rights=[marks.end_room(labels), 0.1, marks.end_room(busy_label)],
    )
    parts.named_lines(
        trend, months, np.stack([rate[0] for rate in rates.values()], axis=-1), labels, colours, zero=True, floor=0.0
    )
    style.name_panel(trend, "By channel", "per 1,000 a month")
    marks.month_axis(trend, board.months)
    parts.stacked_rows(tiers, names, per_tier, colours, lambda value: units.number(value, 1 if value < 100 else 0))
    style.name_panel(tiers, "By tier", "per customer-year")
    parts.named_lines(hours, months, busy[0][..., None], busy_label, [style.NEUTRAL], least_span=LEAST_HOURS)
    style.name_panel(hours, "Managers busy", "% of hours")
    marks.month_axis(hours, board.months)
    return figure


def _few(board: Board, channel: str) -> str:
    """The mark of a channel's contacts in the last months that are looked at, as rough as those of the roughest arm."""
    last = board.cube(f"contacts_{channel}")[:, :, 1:][:, :, -board.window :]
    return "".join(dict.fromkeys(board.few(one) for one in last))


@style.drawn
def satisfaction_and_nps(board: Board) -> Figure:
    """Satisfaction by tier in standard deviations of the reference population, and the net promoter score."""
    months = np.arange(board.months + 1)
    feeling, score = board.cube("satisfaction"), board.bank("nps")
    names = [spoken(tier, "tier") for tier in board.tiers]
    subtitle = (
        "Satisfaction in standard deviations of the reference population (0: its mean); NPS: promoters less "
        f"detractors, in points from {units.MINUS}100 to 100. {board.band_words()}"
    )
    if not board.one_arm:
        title = claims.judged(
            board, claims.Wish("nps", "NPS at the end", lambda gap: f"{units.number(gap, 1, sign=True)} points")
        )
        panels = [parts.Panel("NPS", "points", score, lambda value: units.number(value, 1), least_span=LEAST_NPS)]
        panels += [
            parts.Panel(
                name,
                "satisfaction, SD",
                feeling[..., tier],
                lambda value: units.number(value, 2, sign=True),
                least_span=LEAST_FEELING,
            )
            for tier, name in enumerate(names)
        ]
        return parts.panels_by_arm(board, title, subtitle, months, panels)

    ends = band(feeling[0], axis=0).mean[-1]
    labels = [f"{name} {units.number(float(end), 2, sign=True)}" for name, end in zip(names, ends, strict=True)]
    last, first = mean_of(score[0, :, -1]), mean_of(score[0, :, 0])
    title = f"NPS {'stays at' if abs(last - first) < 0.5 else 'goes from ' + units.number(first, 1) + ' to'} "
    title += units.number(last, 1)
    best, worst = int(np.argmax(np.nan_to_num(ends, nan=-np.inf))), int(np.argmin(np.nan_to_num(ends, nan=np.inf)))
    if ends[best] > ends[worst]:
        title += f"; mean satisfaction is highest in {names[best]}, lowest in {names[worst]}"
    score_label = [units.number(last, 1)]
    figure, ((feelings, promoters),) = style.page(
        title,
        subtitle + board.small_words(),
        1,
        2,
        height=2.6,
        widths=[1.3, 1],
        lefts=[0.6, 0.55],
        rights=[marks.end_room(labels), marks.end_room(score_label)],
    )
    parts.named_lines(
        feelings,
        months,
        feeling[0],
        labels,
        style.tier_colours(len(names)),
        bandless=board.small_tiers,
        least_span=LEAST_FEELING,
    )
    style.name_panel(feelings, "Satisfaction", "SD")
    marks.month_axis(feelings, board.months)
    parts.named_lines(promoters, months, score[0][..., None], score_label, [style.NEUTRAL], least_span=LEAST_NPS)
    style.name_panel(promoters, "Net promoter score", "points")
    marks.month_axis(promoters, board.months)
    return figure
