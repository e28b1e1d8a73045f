"""Figures of the decision that compare all arms in a few numbers: the forest of differences and the map by tier."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from sim.measures.catalogue import KPIS, label
from sim.measures.precision import CHANCE, CORRECTION
from sim.phrases import quoted, spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures.board import Board, Cube, NothingToShow, mean_of

FOREST = ("retention", "attrition_annual", "aum_end", "customers_end", "nps", "profit_annual", "npv", "value")
ROW = 0.24  # inches of an arm
NAMES = 1.7  # most inches of an arm's name
HEAD = 0.8  # rows of the map that the names of tiers take
TINT = "#E8F1F8"  # behind the better side


def arm_names(board: Board, width: float = NAMES, size: float = style.TICK, weight: str = "normal") -> list[str]:
    """Names of the arms but the reference, those cut that are too wide, all different."""
    names = [spoken(arm) for arm in board.arms[1:]]
    wide = [place for place, name in enumerate(names) if style.text_width(name, size, weight) > width]
    cut = [names[place] for place in wide]
    most = max(map(len, cut), default=0)
    while most > 6:
        short = units.shortened(cut, most)
        if max(style.text_width(name, size, weight) for name in short) <= width:
            for place, name in zip(wide, short, strict=True):
                names[place] = name
            break
        most -= 1
    return names


def name_room(names: list[str], size: float = style.TICK) -> float:
    """Inches to the left of a panel that names need."""
    return max(style.text_width(name, size) for name in names) + 0.14


@style.drawn
def forest(board: Board) -> Figure:
    """Every arm's difference to the reference in the headline KPIs, with 95 % intervals and the better side marked."""
    shown = [(kpi, label(kpi), board.gaps(kpi)) for kpi in FOREST]
    shown = [(kpi, name, gaps) for kpi, name, gaps in shown if np.isfinite(gaps[:, 0]).any()]
    if not shown:
        raise NothingToShow("there is no comparison of these arms")
    names = arm_names(board)
    signs = {kpi: [board.mark(arm, kpi) for arm in range(1, len(board.arms))] for kpi, _, _ in shown}
    subtitle = (
        f"Difference to {quoted(board.reference)} over the run, same seeds. "
        + (
            "One seed, so no intervals."
            if len(board.seeds) == 1
            else f"Point: mean; line: its 95{units.GAP}% interval (paired t). Filled: clear, that is p below "
            f"{CHANCE:g} by {CORRECTION} over all headline figures; hollow: not clear."
        )
        + " Shaded: the better side."
        + board.few_words(sign for own in signs.values() for sign in own)
    )
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = style.page(
        _forest_title(board),
        subtitle,
        rows,
        columns,
        height=max(0.5, ROW * len(names)) + 0.08,
        lefts=[name_room(names), *([0.42] * (columns - 1))],
        rights=[0.12] * columns,
        between=0.82,
    )
    panels = [panel for row in axes for panel in row]
    for place, (panel, (kpi, name, gaps)) in enumerate(zip(panels, shown, strict=False)):
        unit = str(board.comparison.loc[board.comparison["kpi"] == kpi, "unit"].iloc[0])  # type: ignore[union-attr,index]
        look = units.display(kpi, unit, gaps[:, 0], difference=True)
        less = KPIS[kpi].better == "lower"
        _intervals(panel, gaps / look.divisor, board.sure(kpi), less, signs[kpi])
        panel.set_yticks(np.arange(len(names)), names if place % columns == 0 else [""] * len(names))
        panel.tick_params(axis="y", labelcolor=style.INK)
        style.name_panel(panel, name, look.unit if kpi != "customers_end" else "", beyond=0.4)
    for panel in panels[len(shown) :]:
        panel.remove()
    return figure


def _forest_title(board: Board) -> str:
    stays = "retention" if np.isfinite(board.gaps("retention")).any() else "attrition_annual"  # of an earlier edition
    money = "value" if np.isfinite(board.gaps("value")).any() else "npv"
    customers, worth = board.gaps(stays)[:, 0], board.gaps(money)[:, 0]
    better = customers > 0 if stays == "retention" else customers < 0
    count = len(customers)
    if len(board.seeds) == 1:
        return f"What each arm changes against {quoted(board.reference)} (one seed)"
    if not np.nan_to_num(np.concatenate([board.gaps(stays), board.gaps("npv"), board.gaps(money)])).any():
        return f"Nothing differs from {quoted(board.reference)}"
    clear = board.sure(money)
    kept, up, down = (
        int(which.sum()) for which in (board.sure(stays) & better, clear & (worth > 0), clear & (worth < 0))
    )
    noun = "value" if money == "value" else "net present value"
    if count == 1:
        name = quoted(board.arms[1])
        first = "keeps clearly more customers" if kept else "does not keep clearly more customers"
        last = (
            f"raises {noun} clearly" if up else f"lowers {noun} clearly" if down else f"does not change {noun} clearly"
        )
        return f"{name} {first}; it {last}"
    some = {0: "No arm keeps", 1: "One arm keeps", count: f"All {count} arms keep"}
    first = some.get(kept, f"{kept} of {count} arms keep") + " clearly more customers"
    said = f"{_count(up)} raise{'s' if up == 1 else ''} {noun} clearly, {_count(down)} lower"
    return f"{first}; {said}{'s' if down == 1 else ''} it"


def _count(number: int) -> str:
    return {0: "none", 1: "one"}.get(number, str(number))


def _intervals(axes: Axes, gaps: Cube, sure: NDArray[np.bool_], less: bool, signs: Sequence[str]) -> None:
    """Rows of points with intervals; filled where sure, marked with their signs, the better side of zero shaded."""
    mean, low, high = gaps.T
    marks.level_axis(axes, [mean, low, high])
    left, right = axes.get_xlim()
    axes.axvspan(left if less else 0.0, 0.0 if less else right, color=TINT, linewidth=0, zorder=0)
    axes.set_xlim(left, right)
    for row, (value, start, end) in enumerate(gaps):
        clear = bool(sure[row])
        better = value != 0 and (value < 0) == less
        colour = style.NEUTRAL if not clear else style.GAIN if better else style.LOSS
        if np.isfinite(start):
            axes.plot([start, end], [row, row], color=colour, linewidth=1.8, zorder=3)
        axes.plot(
            [value], [row], "o", color=colour, markersize=5.5, zorder=4, markerfacecolor=colour if clear else "white"
        )
        if signs[row] and np.isfinite(value):
            axes.annotate(
                signs[row],
                (value, row),
                (0, 3),
                textcoords="offset points",
                size=8,
                color=style.INK,
                ha="center",
                va="bottom",
                zorder=5,
            )
    axes.set_ylim(len(gaps) - 0.5, -0.5)


@style.drawn
def tier_heat_map(board: Board) -> Figure:
    """What each arm does to attrition and AUM of each tier: numbers on colours that are white at no difference."""
    tiers = board.tiers
    attrition = _by_tier(board, "attrition_annual") * 100
    aum = board.cube("aum")[0, :, -1]  # of the reference, seed x tier
    start = np.array([mean_of(values) for values in (*aum.T, aum.sum(axis=1))])
    money = _by_tier(board, "aum_end") / np.where(start > 0, start, np.nan)[None, :, None] * 100
    if not np.isfinite(attrition).any() and not np.isfinite(money).any():
        raise NothingToShow("there is no comparison by tier")
    names = arm_names(board)
    signs = [
        [board.mark(arm, f"attrition_annual{tier}") for tier in (*(f"[{name}]" for name in tiers), "")]
        for arm in range(1, len(board.arms))
    ]
    sure = (
        ""
        if len(board.seeds) == 1
        else (
            " In brackets: the 95\N{NO-BREAK SPACE}% interval has zero in it. Bold: clear; tiers are no headline "
            "figures, so none is called so."
        )
    )
    figure, ((left, right),) = style.page(
        _map_title(board, attrition),
        f"Difference to {quoted(board.reference)}, same seeds{board.mean_words()}. Blue is better, orange worse, "
        f"white no difference.{sure}{board.few_words(sign for row in signs for sign in row)}",
        1,
        2,
        height=0.3 * (len(names) + HEAD),
        lefts=[name_room(names), 0.3],
        rights=[0.1, 0.05],
        bottom=0.1,
    )
    of_reference = style.fit(spoken(board.reference), 1.2, 8)
    for panel, values, kpi, less, title, unit in (
        (left, attrition, "attrition_annual", True, "Attrition", "points a year"),
        (right, money, "aum_end", False, "AUM at the end", f"% of that of {of_reference}"),
    ):
        _cells(panel, values, board.sure(kpi), less, signs if panel is left else [[""] * (len(tiers) + 1)] * len(signs))
        heads = [*(spoken(tier, "tier") for tier in tiers), "bank"]
        room = style.size_inches(panel)[0] / (len(heads) + 0.12) - 0.05
        for head, x in zip(heads, _columns(len(heads)), strict=True):
            panel.text(
                x + 0.5,
                -0.4,
                style.fit(head, room, style.TICK),
                ha="center",
                va="center_baseline",
                size=style.TICK,
                color=style.INK,
            )
        panel.set_xticks([])
        panel.set_yticks(np.arange(len(names)) + 0.5, names if panel is left else [""] * len(names))
        panel.tick_params(length=0, labelcolor=style.INK)
        style.name_panel(panel, title, unit, beyond=0.4)
    return figure


def _by_tier(board: Board, kpi: str) -> Cube:
    """Arm x (tiers, then the bank) x (difference, lower, upper end)."""
    return np.stack([board.gaps(f"{kpi}[{tier}]") for tier in board.tiers] + [board.gaps(kpi)], axis=1)


def _map_title(board: Board, attrition: Cube) -> str:
    gaps = attrition[:, :-1, 0]
    if not np.nan_to_num(gaps).any():
        return "What arms do by tier"
    arm, tier = np.unravel_index(int(np.nanargmax(np.abs(gaps))), gaps.shape)
    text = f"{units.number(gaps[arm, tier], 2, sign=True)}{units.GAP}points a year"
    text += board.mark(int(arm) + 1, f"attrition_annual[{board.tiers[tier]}]")
    how = "one seed" if len(board.seeds) == 1 else claims.LOOKING
    name = quoted(board.arms[arm + 1])
    return f"Attrition differs most in {spoken(board.tiers[tier], 'tier')} under {name}: {text} ({how})"


def _columns(count: int) -> Cube:
    """Left edges of the columns, the bank's set a little apart."""
    return np.arange(count, dtype=float) + np.where(np.arange(count) == count - 1, 0.12, 0.0)


def _cells(axes: Axes, values: Cube, sure: NDArray[np.bool_], less: bool, signs: Sequence[Sequence[str]]) -> None:
    ramp = mpl.colors.LinearSegmentedColormap.from_list("decision", [style.LOSS, "#FFFFFF", style.GAIN])
    finite = np.abs(values[..., 0][np.isfinite(values[..., 0])])
    most = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    decimals = 2 if most < 10 else 1
    wide = style.size_inches(axes)[0] / (values.shape[1] + 0.12)
    for row in range(values.shape[0]):
        for column, x in enumerate(_columns(values.shape[1])):
            value, low, high = values[row, column]
            known = np.isfinite(value)
            good = (-value if less else value) / most if known else 0.0
            colour = ramp(0.5 + 0.42 * good)[:3] if known else (0.95, 0.95, 0.95)
            axes.add_patch(
                Rectangle((x + 0.02, row + 0.04), 0.96, 0.92, facecolor=colour, edgecolor="#D0D0D0", linewidth=0.5)
            )
            text = units.number(value, decimals, sign=True) + (signs[row][column] if known else "")
            if known and np.isfinite(low) and low <= 0 <= high:
                text = f"({text})"
            weight = "bold" if column == values.shape[1] - 1 and sure[row] else "normal"
            fits = (size for size in (8.5, 8, 7.5, 7, 6.5) if style.text_width(text, size, weight) < wide - 0.06)
            axes.text(
                x + 0.5,
                row + 0.5,
                text,
                ha="center",
                va="center_baseline",
                size=next(fits, 6.0),
                weight=weight,
                color=style.ink_on(colour),
            )
    axes.set_xlim(0, values.shape[1] + 0.12)
    axes.set_ylim(values.shape[0], -HEAD)
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)
