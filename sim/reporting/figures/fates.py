"""Whom an arm changes: customers of month 0 whose fate differs from the one they have under the reference.

Lives are paired, so a customer counts once: saved (lost there, an active customer here), lost (the reverse), moved up
or not, opted out or not. All per 10,000 customers of the group at month 0, mean over seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.measures.evidence import few
from sim.phrases import quoted, spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures.board import Board, Cube, NothingToShow, band, half_width
from sim.reporting.figures.decision import arm_names, name_room

PER = 10_000
GONE = ("dormant", "closed")
GROUPS = {  # column of individuals.parquet: its head, its values in order (tiers: those of the run)
    "tier": ("Tier", ()),
    "age_band": ("Age", ("under_35", "35_to_49", "50_to_64", "65_plus")),
    "affinity": ("Digital affinity", ("low", "middle", "high")),
    "uplift_class": ("Uplift class", ("persuadable", "sure_thing", "lost_cause", "sleeping_dog")),
}
SPOKEN = {
    "under_35": "under 35",
    "35_to_49": "35 to 49",
    "50_to_64": "50 to 64",
    "65_plus": "65 and over",
    "persuadable": "persuadables",
    "sure_thing": "sure things",
    "lost_cause": "lost causes",
    "sleeping_dog": "sleeping dogs",
}
OUTCOMES = (  # name, more of it is better, fates that have it
    ("Active at the end", True, ("kept", "upgraded", "downgraded", "opted_out")),
    ("Moved up a tier", True, ("upgraded",)),
    ("Opted out", False, ("opted_out",)),
)


@dataclass(frozen=True)
class Changed:
    """Customers who have an outcome here and not there, the reverse, and the net: each arm x seed, per 10,000.

    `events` are the simulated rows behind both, arm x seed.
    """

    here: Cube
    there: Cube
    events: Cube

    @property
    def net(self) -> Cube:
        return self.here - self.there

    @property
    def marks(self) -> list[str]:
        """The mark of each arm's numbers, where few customers' fates differ; none do says it itself."""
        return [few(float(events)) if events else "" for events in self.events.sum(axis=1)]


def changed(board: Board, fates: Sequence[str], where: pd.Series | None = None) -> Changed:
    """Who has one of `fates` in an arm and not under the reference, and the reverse, among the rows of `where`."""
    table = board.individuals
    table = table if where is None else table[where]
    weight = table["customers"].to_numpy(dtype=float)
    now, then = table["fate"].isin(fates).to_numpy(), table["reference_fate"].isin(fates).to_numpy()
    arm = pd.Index(board.arms).get_indexer(pd.Index(table["arm"].astype(str)))
    seed = pd.Index(board.seeds).get_indexer(pd.Index(table["seed"]))
    tier = pd.Index(board.tiers).get_indexer(pd.Index(table["tier"].astype(str)))
    shape = (len(board.arms), len(board.seeds))
    sums, moved = np.zeros((3, *shape)), np.zeros(shape)
    fits = (arm >= 0) & (seed >= 0)
    for place, rows in enumerate((fits, fits & now & ~then, fits & then & ~now)):
        np.add.at(sums[place], (arm[rows], seed[rows]), weight[rows])
        if place:
            np.add.at(moved, (arm[rows], seed[rows]), weight[rows] / board.per_row[tier[rows]])
    base = np.where(sums[0] > 0, sums[0], np.nan)
    return Changed(sums[1] / base * PER, sums[2] / base * PER, moved)


@style.drawn
def fates(board: Board) -> Figure:
    """Arm by arm: customers saved and lost, moved up and not, opted out and not, against the reference."""
    if board.one_arm:
        raise NothingToShow("there is one arm, so nothing to compare")
    found = [changed(board, fates) for _, _, fates in OUTCOMES]
    names = arm_names(board)
    figure, (axes,) = style.page(
        _title(board, found[0]),
        f"Customers of month 0 whose fate differs from the one under {quoted(board.reference)}, per {PER:,}. "
        f"Right: who has this fate in the arm and not under {quoted(board.reference)}; left: the reverse; blue "
        "is better, orange worse. Point: the net"
        + _interval_words(board)
        + board.few_words(mark for one in found for mark in one.marks[1:]),
        1,
        3,
        height=max(0.5, 0.26 * len(names)) + 0.05,
        lefts=[name_room(names), 0.42, 0.42],
        rights=[0.55] * 3,
    )
    for place, (panel, one, (name, good, _)) in enumerate(zip(axes, found, OUTCOMES, strict=True)):
        _swap(panel, Changed(one.here[1:], one.there[1:], one.events[1:]), good)
        panel.set_yticks(np.arange(len(names)), names if place == 0 else [""] * len(names))
        panel.tick_params(axis="y", labelcolor=style.INK)
        style.name_panel(panel, name)
    return figure


def _interval_words(board: Board) -> str:
    return "." if len(board.seeds) == 1 else f", with its own 95{units.GAP}% interval: for looking, so none is clear."


def _title(board: Board, one: Changed) -> str:
    net = one.net[1:]
    mean = band(net).mean
    if not np.isfinite(mean).any():
        return "Customers whose fate an arm changes"
    how = "one seed" if len(board.seeds) == 1 else claims.LOOKING
    best = claims.highest(list(mean))
    if len(best) > 1:
        return f"Net customers saved are highest under {claims.listed([board.arms[at + 1] for at in best])} ({how})"
    here, there = (float(band(values[1:]).mean[best[0]]) for values in (one.here, one.there))
    text = f"Of {PER:,} customers {quoted(board.arms[best[0] + 1])} saves {units.number(here, 1)} and loses "
    text += units.number(there, 1) + one.marks[best[0] + 1]
    return f"{text}{', the highest net of all arms' if len(mean) > 1 else ''} ({how})"


def _swap(axes: Axes, one: Changed, good: bool) -> None:
    """Rows of two bars back to back and their net: gained to the right, given up to the left."""
    here, there, net = band(one.here).mean, band(one.there).mean, band(one.net).mean
    half = half_width(one.net, 1)
    right, left = (style.GAIN, style.LOSS) if good else (style.LOSS, style.GAIN)
    rows = np.arange(len(net))
    axes.barh(rows, np.nan_to_num(here), height=0.62, color=right, alpha=0.45, linewidth=0, zorder=2)
    axes.barh(rows, -np.nan_to_num(there), height=0.62, color=left, alpha=0.45, linewidth=0, zorder=2)
    spread = np.nan_to_num(half)
    marks.level_axis(axes, [here, -there, net - spread, net + spread])
    low, high = axes.get_xlim()
    for row in rows:
        if not np.isfinite(net[row]):
            continue
        if np.isfinite(half[row]):
            ends = np.clip([net[row] - half[row], net[row] + half[row]], low, high)
            axes.plot(ends, [row, row], color=style.INK, linewidth=1.2, zorder=4)
        axes.plot([net[row]], [row], "o", color=style.INK, markersize=4, zorder=5)
        axes.annotate(
            units.number(float(net[row]), 0 if abs(net[row]) >= 10 else 1, sign=True) + one.marks[row],
            (1, row),
            (4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            size=8,
            color=style.INK,
            va="center_baseline",
            annotation_clip=False,
        )
    axes.set_ylim(len(net) - 0.5, -0.5)


@style.drawn
def fates_by_group(board: Board) -> Figure:
    """Saved and lost customers by tier, age, digital affinity and uplift class: a panel an arm, one scale for all."""
    if board.one_arm:
        raise NothingToShow("there is one arm, so nothing to compare")
    table = board.individuals
    rows: list[tuple[str, str, Changed]] = []
    for column, (head, values) in GROUPS.items():
        there = set(table[column].astype(str))
        known = [value for value in (values or board.tiers) if value in there]
        for value in [*known, *sorted(there - set(known))]:
            one = changed(board, OUTCOMES[0][2], table[column].astype(str) == value)
            rows.append((head, SPOKEN.get(value, spoken(value, "tier")), one))
    here = np.stack([one.here for _, _, one in rows], axis=1)[1:]  # arm x group x seed
    gone = np.stack([one.there for _, _, one in rows], axis=1)[1:]
    names = arm_names(board, 1.8, style.PANEL)
    across = min(4, len(names))
    deep = -(-len(names) // across)
    signs = ["".join(dict.fromkeys(one.marks[1:])) for _, _, one in rows]  # a label stands for all arms
    labels = [style.fit(label, 1.2, 8) + sign for (_, label, _), sign in zip(rows, signs, strict=True)]
    heads = [head for head, _, _ in rows]
    first = [place for place in range(len(rows)) if place == 0 or heads[place] != heads[place - 1]]
    at = np.arange(len(rows)) + np.array([sum(place >= start for start in first) for place in range(len(rows))]) * 0.9
    limits = [sign * float(np.nanmax(band(side, axis=2).mean, initial=1.0)) for sign, side in ((-1, gone), (1, here))]
    figure, axes = style.page(
        _group_title(board, rows),
        f"Customers of month 0 per {PER:,} of their group. Blue, right: lost under {quoted(board.reference)} "
        "(closed or dormant), active here; orange, left: the reverse. Point: the net"
        + _interval_words(board)
        + " Small groups differ by chance."
        + board.few_words(signs),
        deep,
        across,
        height=0.155 * (at[-1] + 1),
        between=0.75,
        lefts=[max(style.text_width(label, 8) for label in labels) + 0.25, *[0.24] * (across - 1)],
        rights=[0.12] * across,
    )
    panels = [panel for row in axes for panel in row]
    for place, (panel, name) in enumerate(zip(panels, names, strict=False)):
        _groups(panel, Changed(here[place], gone[place], here[place]), at, limits)
        panel.set_yticks(at, labels if place % across == 0 else [""] * len(labels))
        panel.tick_params(axis="y", labelcolor=style.INK, labelsize=8)
        if place % across == 0:
            for start in first:
                panel.annotate(
                    heads[start],
                    (0, at[start] - 0.95),
                    (-4, 0),
                    xycoords=("axes fraction", "data"),
                    textcoords="offset points",
                    size=8,
                    weight="bold",
                    color=style.INK,
                    ha="right",
                    va="center_baseline",
                    annotation_clip=False,
                )
        panel.annotate(
            name,
            (0, 1),
            (0, 6),
            xycoords="axes fraction",
            textcoords="offset points",
            size=9,
            weight="bold",
            color=style.ink(style.arm_look(place + 1)[0]),
            annotation_clip=False,
        )
    for panel in panels[len(names) :]:
        panel.remove()
    return figure


def _groups(axes: Axes, one: Changed, at: Cube, limits: Sequence[float]) -> None:
    here, there, net = band(one.here).mean, band(one.there).mean, band(one.net).mean
    half = half_width(one.net, 1)
    axes.barh(at, np.nan_to_num(here), height=0.7, color=style.GAIN, alpha=0.5, linewidth=0, zorder=2)
    axes.barh(at, -np.nan_to_num(there), height=0.7, color=style.LOSS, alpha=0.5, linewidth=0, zorder=2)
    marks.level_axis(axes, [limits])
    low, high = axes.get_xlim()
    for row, value in enumerate(net):
        if not np.isfinite(value):
            continue
        if np.isfinite(half[row]):
            ends = np.clip([value - half[row], value + half[row]], low, high)
            axes.plot(ends, [at[row], at[row]], color=style.INK, linewidth=1.0, zorder=4)
        axes.plot([np.clip(value, low, high)], [at[row]], "o", color=style.INK, markersize=3, zorder=5)
    axes.set_ylim(at[-1] + 0.6, at[0] - 1.5)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0, labelsize=8)


def _group_title(board: Board, rows: Sequence[tuple[str, str, Changed]]) -> str:
    """Of the arm with the highest net saved: the group with the highest net, and the one with the lowest."""
    whole = changed(board, OUTCOMES[0][2])
    best = claims.highest(list(band(whole.net[1:]).mean))
    nets = [(float(band(one.net[best[0] + 1 : best[0] + 2]).mean[0]), label) for _, label, one in rows] if best else []
    nets = [(net, label) for net, label in nets if math.isfinite(net)]
    if not nets:
        return "Whom an arm saves and loses"
    how = "one seed" if len(board.seeds) == 1 else claims.LOOKING
    (most, top), (least, bottom) = max(nets), min(nets)
    first, last = units.number(most, 1, sign=True), units.number(least, 1, sign=True)
    text = f"{quoted(board.arms[best[0] + 1])}, net saved per {PER:,}: highest among {top} ({first})"
    return f"{text}, lowest among {bottom} ({last}) ({how})"


# ------------------------------------------------------------------------------------------------ fairness, as numbers


@dataclass(frozen=True)
class Fair:
    """A row of the fairness table: an arm, a pair of groups, and mean and half width of what each gets and the gap."""

    arm: str
    group: str
    others: str
    measure: str
    values: tuple[tuple[float, float], ...]  # group, others, gap; each mean and half width (NaN for one seed)
    better: bool  # True if more of it is better
    mark: str  # of a gap that rests on little, as rough as the rougher of its two


def fairness(board: Board) -> list[Fair]:
    """Customers of 65 and over, and those of low digital affinity, against the others: net saved, and opt-outs."""
    table = board.individuals
    found = []
    for arm in range(1, len(board.arms)):
        for column, value, group, others in (
            ("age_band", "65_plus", "65 and over", "younger"),
            ("affinity", "low", "low digital affinity", "middle and high"),
        ):
            inside = table[column].astype(str) == value
            for measure, better, fates_ in (
                ("net saved", True, OUTCOMES[0][2]),
                ("opt-outs added", False, OUTCOMES[2][2]),
            ):
                both = changed(board, fates_, inside), changed(board, fates_, ~inside)
                own, rest = (one.net[arm : arm + 1] for one in both)
                values = tuple(
                    (float(band(one).mean[0]), float(half_width(one, 1)[0])) for one in (own, rest, own - rest)
                )
                found.append(
                    Fair(
                        board.arms[arm],
                        group,
                        others,
                        measure,
                        values,
                        better,
                        both[0].marks[arm] or both[1].marks[arm],
                    )
                )
    return found
