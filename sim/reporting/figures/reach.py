"""Who is left unserved: of the contacts that somebody wished for, how many were lost where, by tier and group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.codes import AGES, APP_USE, REACH
from sim.measures.evidence import few
from sim.measures.reach import COUNTED, UNSERVED
from sim.phrases import quoted, spoken
from sim.reporting.figures import style, units
from sim.reporting.figures.board import Board, NothingToShow

ENDS = {  # in the order of `REACH`: words, colour
    "opted_out": ("opted out", "#4D4D4D"),
    "pressure": ("at the pressure cap", "#8F8F8F"),
    "no_hour": ("no manager hour", style.LOSS),
    "no_capacity": ("channel full", "#E69F00"),
    "not_reached": ("not reached", "#D4D4D4"),
    "declined": ("reached, offer declined", "#9CCAE6"),
    "answered": ("answered", style.GAIN),
}
SPOKEN = {
    "all": "all",
    "under_60": "under 60",
    "60_plus": "60 and over",
    "no_app": "without the app",
    "app": "app users",
}
WANTED = {  # a kind of wish of an arm: behind its name, and within a sentence
    "asked": ("asked", "contacts that {arm} asked of managers"),
    "due": ("regular", "regular contacts that managers owed under {arm}"),
    "campaigns": ("campaigns", "contacts that campaigns under {arm} aimed at"),
}
MOST = 6  # panels


def shown(board: Board) -> list[tuple[str, str]]:
    """Arm and kind of wish of each panel: the reference's regular contacts, then what strategies asked of managers."""
    there = set(zip(board.funnel["arm"], board.funnel["kind"], strict=True))
    if board.one_arm:
        return [(board.reference, kind) for kind in ("due", "asked", "campaigns") if (board.reference, kind) in there]
    wished = [(board.reference, "due"), *((arm, "asked") for arm in board.arms)]
    found = [one for one in wished if one in there]
    return found[:MOST] or [(arm, "campaigns") for arm in board.arms if (arm, "campaigns") in there][:MOST]


def group_names(board: Board) -> list[tuple[str, str]]:
    """Groups and how they are called: all, the tiers, by age, by app."""
    names = [("all", SPOKEN["all"]), *((tier, spoken(tier, "tier")) for tier in board.tiers)]
    return names + [(name, SPOKEN[name]) for name in (*AGES, *APP_USE)]


@style.drawn
def unserved(board: Board) -> Figure:
    """Bars of a hundred percent by tier and group: where wishes for a contact ended, by customers and by their AUM."""
    panels = shown(board)
    if not panels:
        raise NothingToShow("nobody was to be contacted")
    groups = group_names(board)
    labels = [style.fit(label, 1.3, 8.5) for _, label in groups]
    across = min(3, len(panels))
    deep = -(-len(panels) // across)
    used = [end for end in REACH if (board.funnel["end"] == end).any()]
    rows = {place: board.funnel[_is(board.funnel, arm, kind)] for place, (arm, kind) in enumerate(panels)}
    signs = [_signs(table, [name for name, _ in groups]) for table in rows.values()]
    gap = 0.7
    figure, axes = style.page(
        title(board, *panels[-1 if len(panels) == 1 else 1]),
        "Where wishes for a contact ended, in percent; thick bar: by customers, thin bar: by their AUM. Right: wishes "
        f"a year{board.mean_words()}, a customer at most once a month. Asked: by strategies, of managers; regular: "
        "owed by managers anyway." + _left_out(board) + board.few_words(sign for own in signs for sign in own),
        deep,
        across,
        height=0.25 * (len(groups) + 3 * gap),
        key=[ENDS[end] for end in used],
        between=0.5,
        bottom=0.15,
        lefts=[max(style.text_width(label, 8.5) for label in labels) + 0.15, *[0.2] * (across - 1)],
        rights=[0.55] * across,
    )
    breaks = (1, 1 + len(board.tiers), 1 + len(board.tiers) + len(AGES))
    at = np.array([place + gap * sum(place >= start for start in breaks) for place in range(len(groups))])
    flat = [panel for row in axes for panel in row]
    for place, (panel, (arm, kind)) in enumerate(zip(flat, panels, strict=False)):
        _bars(panel, rows[place], [name for name, _ in groups], at, signs[place], used)
        panel.set_yticks(at, labels if place % across == 0 else [""] * len(labels))
        panel.tick_params(axis="y", labelcolor=style.INK)
        room = style.size_inches(panel)[0] - 0.35
        style.name_panel(panel, style.fit(spoken(arm), room, style.PANEL, "bold"), WANTED[kind][0], beyond=0.5)
    for panel in flat[len(panels) :]:
        panel.remove()
    return figure


def _left_out(board: Board) -> str:
    asking = board.funnel.loc[board.funnel["kind"] == "asked", "arm"].nunique()
    return f" The first {MOST - 1} of {asking} arms that ask." if asking >= MOST and not board.one_arm else ""


def _is(table: pd.DataFrame, arm: str, kind: str) -> pd.Series:
    return (table["arm"] == arm) & (table["kind"] == kind)


def _signs(table: pd.DataFrame, groups: list[str]) -> list[str]:
    events = table.groupby("group")["events"].sum()
    return [few(float(events[group])) if group in events.index else "" for group in groups]


def _bars(
    axes: Axes, table: pd.DataFrame, groups: list[str], at: np.ndarray, signs: list[str], used: list[str]
) -> None:
    wide = style.size_inches(axes)[0]
    for place, group in enumerate(groups):
        own = table[table["group"] == group].set_index("end")[list(COUNTED)].reindex(used).fillna(0.0)
        for column, shift, high in (("customers", -0.1, 0.5), ("aum", 0.3, 0.16)):
            whole = float(own[column].sum())
            if whole <= 0:
                continue
            parts, start = own[column].to_numpy(float) / whole, 0.0
            for end, part in zip(used, parts, strict=True):
                colour = ENDS[end][1]
                axes.barh(at[place] + shift, part, left=start, height=high, color=colour, linewidth=0, zorder=3)
                text = units.number(100 * part)
                if column == "customers" and style.text_width(text, 7.5) + 0.08 < part * wide:
                    axes.text(
                        start + part / 2,
                        at[place] + shift,
                        text,
                        size=7.5,
                        ha="center",
                        va="center_baseline",
                        color=style.ink_on(colour),
                        zorder=5,
                    )
                start += part
        axes.annotate(
            (units.short(float(own["customers"].sum())) if own["customers"].sum() > 0 else units.MISSING)
            + signs[place],
            (1, at[place]),
            (4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            size=8,
            color=style.SOFT,
            va="center_baseline",
            annotation_clip=False,
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(at[-1] + 0.6, -0.6)
    axes.set_xticks([])
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)


def title(board: Board, arm: str, kind: str) -> str:
    """Of an arm's wishes of a kind, in the tier where most are lost before anybody speaks to the customer: where."""
    table = board.funnel[_is(board.funnel, arm, kind) & board.funnel["group"].isin(board.tiers)]
    lost = table[table["end"].isin(UNSERVED)]
    if lost.empty:
        return f"All {WANTED[kind][1].format(arm=quoted(arm))} reached the customer"
    row = max(lost.to_dict("records"), key=lambda one: float(one["customers"]))
    whole = table[table["group"] == row["group"]]["events"].sum()
    return (
        f"{sentence_start(kind, arm, str(row['group']))}, {units.percent(float(row['share']), 0)}{few(float(whole))} "
        f"ended as \N{LEFT DOUBLE QUOTATION MARK}{ENDS[str(row['end'])][0]}\N{RIGHT DOUBLE QUOTATION MARK}"
    )


def sentence_start(kind: str, arm: str, tier: str) -> str:
    """ "Of the contacts with wealth customers that “a” asked of managers"."""
    words = WANTED[kind][1].format(arm=quoted(arm))
    return "Of the " + words.replace("contacts", f"contacts with {spoken(tier, 'tier')} customers", 1)
