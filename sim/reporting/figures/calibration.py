"""What a calibration found: prior against posterior, pairs of numbers, fit against targets, ranks, what waves left."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.calibration.checks import ALPHA, band, shares_below
from sim.calibration.prior import Prior, generator, theta_of, to_scale
from sim.calibration.problem import Free
from sim.calibration.stored import Calibrated
from sim.phrases import counted
from sim.reporting.figures import style, units
from sim.reporting.figures.board import NothingToShow

PRIOR, POSTERIOR, DEFAULT = "#B9B9B9", style.PALETTE[0], style.PALETTE[3]
MOST = 12  # numbers with a panel: the best informed ones
MOST_PAIRS = 5
BINS = 30
THIN = 0.005  # of the prior's width that bars span at the least
ROW = 0.24  # inches of a target
KEY = [("prior", PRIOR), ("posterior", POSTERIOR), ("default", DEFAULT)]


def free_of(found: Calibrated) -> list[Free]:
    """The numbers as calibration.json tells of them."""
    return [Free(**one) for one in found.record["parameters"]]


def _order(found: Calibrated) -> list[int]:
    """Places of the numbers, the best informed ones first where not all have a panel."""
    told = found.identifiability[found.identifiability["with"] == ""].set_index("parameter")["informed"]
    places = range(len(found.record["parameters"]))
    best = sorted(places, key=lambda i: -float(told[found.record["parameters"][i]["path"]]))
    return sorted(best[:MOST])


def _name(path: str) -> str:
    """The end of a path, enough to know it by."""
    parts = path.split(".")
    return ".".join(parts[-2:]) if len(path) > 30 else path


def _last(path: str) -> str:
    """The last word of a path, for the edge of a small panel."""
    return path.rsplit(".", 1)[-1]


def _axis(axes: Axes, one: Free, side: str = "x") -> None:
    """Ticks at numbers, on the scale on which the prior is even."""
    low, high = float(to_scale(one.low, one)), float(to_scale(one.high, one))
    at = np.linspace(low, high, 3)
    unit = (at - low) / (high - low)
    shown = [f"{value:.3g}".replace("-", units.MINUS) for value in theta_of([one], unit[:, None])[:, 0]]
    where = at
    getattr(axes, f"set_{side}ticks")(where, shown)
    getattr(axes, f"set_{side}lim")(low, high)


@style.drawn
def marginals(found: Calibrated) -> Figure:
    """Each number: what was believed before and what the data leave of it."""
    free, order = free_of(found), _order(found)
    told = found.identifiability[found.identifiability["with"] == ""].set_index("parameter")["informed"]
    known = sum(told[one.path] >= 0.5 for one in free)
    rows, columns = style.grid_shape(len(order))
    more = f" The {MOST} best informed of {len(free)}." if len(free) > MOST else ""
    figure, panels = style.page(
        f"The data narrow {known} of {counted(len(free), 'number')} to less than half of what was believed",
        f"Density over the prior's range, on the scale on which the prior is even; a line at the default.{more}",
        rows,
        columns,
        height=1.25,
        key=KEY,
        left=0.4,
        right=0.25,
        share_x=False,
    )
    cells = [axes for line in panels for axes in line]
    for axes, place in zip(cells, order, strict=False):
        one = free[place]
        low, high = float(to_scale(one.low, one)), float(to_scale(one.high, one))
        values = to_scale(found.draws[one.path].to_numpy(float), one)
        edges = np.linspace(low, high, BINS + 1)
        axes.fill_between([low, high], 1.0 / (high - low), color=PRIOR, linewidth=0, alpha=0.6)
        spread = max(float(values.max() - values.min()), 1e-12)
        if spread < 0.2 * (high - low):
            room = max(0.0, THIN * (high - low) - spread) / 2.0  # draws that are all the same have a bar too
            edges = np.linspace(values.min() - room, values.max() + room, BINS // 2 + 1)
        heights, edges = np.histogram(values, edges, density=True)
        axes.stairs(heights, edges, fill=True, color=POSTERIOR, alpha=0.75)
        if not one.nuisance and one.low <= one.value <= one.high:
            axes.axvline(float(to_scale(one.value, one)), color=DEFAULT, linewidth=1.6)
        _axis(axes, one)
        axes.set_yticks([])
        axes.set_ylim(0, None)
        style.name_panel(axes, _name(one.path), one.unit, beyond=0.4)
    for axes in cells[len(order) :]:
        axes.set_visible(False)
    return figure


@style.drawn
def pairs(found: Calibrated) -> Figure:
    """Every two numbers: draws of the prior behind those of the posterior."""
    free = free_of(found)
    if len(free) < 2:
        raise NothingToShow("a single number has no pairs")
    told = found.identifiability[found.identifiability["with"] == ""].set_index("parameter")["informed"]
    order = sorted(sorted(range(len(free)), key=lambda i: -float(told[free[i].path]))[:MOST_PAIRS])
    own = [free[i] for i in order]
    count = min(len(found.draws), 400)
    unit = Prior.whole(len(own)).sample(count, generator(0, "prior", 0, 250))
    before = np.stack([to_scale(column, one) for column, one in zip(theta_of(own, unit).T, own, strict=True)], axis=1)
    after = np.stack([to_scale(found.draws[one.path].to_numpy(float), one) for one in own], axis=1)[:count]
    n = len(own) - 1
    joined = found.identifiability[found.identifiability["with"] != ""]
    title = (
        f"Draws belong together: {counted(len(joined), 'pair')} of numbers known better as one than each by itself"
        if len(joined)
        else "No two numbers are so entangled that only a combination is known"
    )
    cut = f" The {MOST_PAIRS} best informed numbers." if len(free) > MOST_PAIRS else ""
    figure, panels = style.page(
        title,
        f"A dot is a draw. A cloud along a diagonal: the data know a combination, and neither number alone.{cut}",
        n,
        n,
        height=2.6 if n == 1 else 1.5 if n < 4 else 1.25,
        key=KEY,
        left=0.62 if n < 4 else 0.55,
        right=0.15 if n > 1 else 5.2,
        bottom=0.55,
        between=0.2,
    )
    for row in range(n):
        for column in range(n):
            axes = panels[row][column]
            if column > row:
                axes.set_visible(False)
                continue
            x, y = own[column], own[row + 1]
            for cloud, colour, alpha in ((before, PRIOR, 0.5), (after, POSTERIOR, 0.45)):
                axes.plot(cloud[:, column], cloud[:, row + 1], "o", color=colour, ms=2.0, mew=0, alpha=alpha)
            if not (x.nuisance or y.nuisance):
                axes.plot([to_scale(x.value, x)], [to_scale(y.value, y)], "D", color=DEFAULT, ms=5, mec="white")
            _axis(axes, x)
            _axis(axes, y, "y")
            axes.grid(axis="x", color=style.GRID, linewidth=0.8)
            if row == n - 1:
                wide = style.size_inches(axes)[0] + 0.4
                axes.set_xlabel(style.fit(_last(x.path), wide, style.LABEL), size=style.LABEL, color=style.SOFT)
            else:
                axes.tick_params(axis="x", labelbottom=False)
            if column == 0:
                high = style.size_inches(axes)[1]
                axes.set_ylabel(style.fit(_last(y.path), high, style.LABEL), size=style.LABEL, color=style.SOFT)
            else:
                axes.tick_params(axis="y", labelleft=False)
    return figure


@style.drawn
def targets(found: Calibrated) -> Figure:
    """Every target: what was seen with its noise, in standard deviations of what the fitted model predicts."""
    table = found.fit
    sd = ((table["observed"] - table["fitted"]) / table["z"].where(table["z"] != 0)).to_numpy(float)
    spare = ((table["high"] - table["low"]) / 3.29).to_numpy(float)
    sd = np.where(np.isfinite(sd) & (sd > 0), sd, np.maximum(spare, 1e-300))
    middle = table["fitted"].to_numpy(float)
    seen = (table["observed"].to_numpy(float) - middle) / sd
    noise = 1.645 * table["error"].to_numpy(float) / sd
    ends = [(table[side].to_numpy(float) - middle) / sd for side in ("low", "high")]
    far = int((np.abs(seen) > 2).sum())
    labels = [
        style.fit(f"{row.target}{'' if row.used else ' (not used)'}", 2.9, style.TICK) for row in table.itertuples()
    ]
    title = (
        f"{far} of {counted(len(table), 'target')} lie beyond two standard deviations of what the fit predicts"
        if far
        else f"All {counted(len(table), 'target')} lie within two standard deviations of what the fit predicts"
    )
    figure, ((axes,),) = style.page(
        title,
        "Bars: 90 % of data sets made up at draws of the posterior. Marks: what was observed, with the 90 % interval "
        "of its own noise; hollow where the fit did not see it.",
        1,
        1,
        height=max(ROW * len(table), 0.5) + 0.2,
        key=[("predicted", PRIOR), ("observed", POSTERIOR, "o"), ("observed, not used", POSTERIOR, "o", "hollow")],
        left=style.name_room(labels, style.TICK) + 0.15,
        right=0.9,
    )
    at = np.arange(len(table))[::-1]
    axes.axvline(0.0, color=style.SOFT, linewidth=0.8, zorder=1)
    for i, place in enumerate(at):
        axes.plot([ends[0][i], ends[1][i]], [place, place], color=PRIOR, linewidth=7, solid_capstyle="butt", zorder=2)
        axes.plot([seen[i] - noise[i], seen[i] + noise[i]], [place, place], color=POSTERIOR, linewidth=1.3, zorder=3)
        face = POSTERIOR if table["used"].iloc[i] else "white"
        axes.plot([seen[i]], [place], "o", color=POSTERIOR, markerfacecolor=face, ms=5.5, zorder=4)
        axes.annotate(
            f"{table['observed'].iloc[i]:.4g}",
            (1, place),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            size=style.TICK,
            color=style.SOFT,
            va="center_baseline",
        )
    reach = 1.08 * max(3.0, float(np.abs([*(seen - noise), *(seen + noise), *ends[0], *ends[1]]).max()))
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-0.7, len(table) - 0.3)
    axes.set_yticks(at, labels)
    axes.tick_params(axis="y", labelcolor=style.INK)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=style.GRID, linewidth=0.8)
    axes.set_xlabel(
        "standard deviations from what the fitted model predicts; right: what was observed",
        size=style.LABEL,
        color=style.SOFT,
    )
    return figure


@style.drawn
def ranks(found: Calibrated) -> Figure:
    """Cumulated share of known numbers' ranks less what even ranks would have, with the simultaneous band."""
    table = found.sbc
    if table.empty:
        raise NothingToShow("no fits of known answers were made (fits: 0)")
    paths = list(dict.fromkeys(table["parameter"]))
    count = int(table["trial"].nunique())
    within = band(count, ALPHA / len(paths))
    outside = [path for path in paths if not _inside(table, path, within)]
    places = [i for i in _order(found) if found.record["parameters"][i]["path"] in paths]
    shown = [found.record["parameters"][i]["path"] for i in places]
    rows, columns = style.grid_shape(len(shown))
    title = (
        f"Ranks of {counted(len(outside), 'number')} leave their band: the method does not find known answers"
        if outside
        else f"In {count} fits of known answers every number's ranks stay inside their band"
    )
    figure, panels = style.page(
        title,
        "Share of ranks up to each place, less the place itself; the band holds even ranks, all places and all numbers "
        f"at once, in {100 * (1 - ALPHA):.0f} of 100 cases. A slope up in the middle: intervals too wide; down: too "
        "narrow; a bow: off to one side.",
        rows,
        columns,
        height=1.25,
        key=[("even, with its band", PRIOR), ("ranks", POSTERIOR)],
        left=0.62,
        right=0.15,
        share_x=False,
    )
    cells = [axes for line in panels for axes in line]
    for axes, path in zip(cells, shown, strict=False):
        own = table.loc[table["parameter"] == path, "rank"].to_numpy(float)
        grid = within.grid
        axes.fill_between(grid, within.low - grid, within.high - grid, color=PRIOR, alpha=0.55, linewidth=0)
        axes.axhline(0.0, color=style.SOFT, linewidth=0.8)
        axes.plot(grid, shares_below(own, grid) - grid, color=POSTERIOR, linewidth=1.6)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        style.name_panel(axes, _name(path), beyond=0.4)
    for axes in cells[len(shown) :]:
        axes.set_visible(False)
    return figure


def _inside(table: Any, path: str, within: Any) -> bool:
    from sim.calibration.checks import inside_band

    return inside_band(table.loc[table["parameter"] == path, "rank"].to_numpy(float), within)


def _share(share: float) -> str:
    """A share in percent, in two digits however small it is."""
    return units.percent(share, max(0, 1 - int(np.floor(np.log10(share)) + 2))) if share > 0 else units.percent(0.0, 0)


@style.drawn
def waves(found: Calibrated) -> Figure:
    """The share of the prior that each wave of history matching has not ruled out."""
    told = list(found.record["waves"])
    if not told:
        raise NothingToShow("the method has no waves")
    shares = [1.0, *(float(one["share"]) for one in told)]
    labels = ["prior", *(f"{one['stage']}: {one['wave']}" if "stage" in one else f"wave {one['wave']}" for one in told)]
    figure, ((axes,),) = style.page(
        f"{_share(shares[-1])} of the prior is not ruled out after {counted(len(told), 'wave')}",
        "Share of the prior's volume in which no target lies three standard deviations or more from the emulated "
        "model, its own doubt included.",
        1,
        1,
        height=2.0,
        left=0.75,
        right=0.8,
    )
    at = np.arange(len(shares))
    floor = max(min(shares) / 3, 1e-7)
    axes.set_yscale("log")
    axes.plot(at, np.maximum(shares, floor), "o-", color=POSTERIOR, ms=6, linewidth=1.6)
    for x, share in zip(at, shares, strict=True):
        axes.annotate(_share(share), (x, max(share, floor)), (8, 4), textcoords="offset points", size=8.5)
    axes.set_ylim(floor, 2.5)
    powers = 10.0 ** np.arange(np.ceil(np.log10(floor)), 1)
    axes.set_yticks(powers, [_share(power) for power in powers])
    axes.minorticks_off()
    axes.set_xlim(-0.3, len(shares) - 0.4)
    axes.set_xticks(at, labels)
    axes.set_ylabel("share of the prior", size=style.LABEL, color=style.SOFT)
    return figure
