"""How like real answers simulated ones are: the gap of every item's mean against the bounds, and the correlations."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from sim.reporting.figures import style, units
from sim.reporting.figures.board import NothingToShow
from sim.survey.likeness import ACCEPTABLE, GOOD, RMSE_WITHIN, SMD_ACCEPTABLE, SMD_GOOD, UNLIKE, Likeness, word_of_mean

ROW = 0.185  # inches of an item
LOOKS = {GOOD: (style.GAIN, "o"), ACCEPTABLE: ("#E69F00", "s"), UNLIKE: (style.LOSS, "D")}
MOST = 60  # items shown: those with the largest gaps
SQUARE = 3.9  # inches


@style.drawn
def means(found: Likeness) -> Figure:
    """Standardised differences of means with their intervals, an item a row, on the bounds of SPEC 8.2."""
    table = found.items[np.isfinite(found.items["smd"].to_numpy(float))]
    if table.empty:
        raise NothingToShow("no item varies on both sides")
    cut = len(table) > MOST
    if cut:
        table = table.loc[sorted(table["smd"].abs().nlargest(MOST).index)]
    labels = [
        style.fit(f"{row.item} ({row.construct})" if row.construct else str(row.item), 2.2, style.TICK)
        for row in table.itertuples()
    ]
    words = [word_of_mean(float(value)) for value in table["smd"]]
    beyond = words.count(UNLIKE)
    title = (
        f"{beyond} of {len(words)} item means are farther from the real ones than is acceptable"
        if beyond
        else f"All {len(words)} item means are within {SMD_GOOD if set(words) == {GOOD} else SMD_ACCEPTABLE:g} SD "
        "of the real ones"
    )
    figure, ((axes,),) = style.page(
        title,
        "Simulated less real mean in pooled standard deviations, with the 95 % interval of both samples. Shaded: good "
        f"(below {SMD_GOOD:g}) and acceptable (below {SMD_ACCEPTABLE:g})."
        + (f" The {MOST} items with the largest gaps." if cut else ""),
        1,
        1,
        height=ROW * len(labels) + 0.15,
        key=[(word, *LOOKS[word]) for word in LOOKS if word in words],
        left=style.name_room(labels, style.TICK) + 0.15,
        right=0.25,
    )
    for bound, colour in ((SMD_ACCEPTABLE, "#F1F1F1"), (SMD_GOOD, "#DDE8EF")):
        axes.axvspan(-bound, bound, color=colour, linewidth=0, zorder=0)
    axes.axvline(0.0, color=style.SOFT, linewidth=0.8, zorder=1)
    at = np.arange(len(labels))[::-1]
    for place, row, word in zip(at, table.itertuples(), words, strict=True):
        colour, marker = LOOKS[word]
        axes.plot([row.smd_low, row.smd_high], [place, place], color=colour, linewidth=1.3, zorder=2)
        axes.plot([row.smd], [place], marker=marker, color=colour, markersize=5, zorder=3)
    ends = table[["smd_low", "smd_high"]].to_numpy(float)
    reach = 1.05 * max(SMD_ACCEPTABLE * 1.2, float(np.nanmax(np.abs(ends))))
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-0.7, len(labels) - 0.3)
    axes.set_yticks(at, labels)
    axes.tick_params(axis="y", labelcolor=style.INK)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(
        "standard deviations; to the right: more in the simulated answers", size=style.LABEL, color=style.SOFT
    )
    return figure


@style.drawn
def correlations(found: Likeness) -> Figure:
    """Every pair of items: its correlation in the real answers across, in the simulated ones upward."""
    pairs = found.pairs.dropna()
    if pairs.empty:
        raise NothingToShow("fewer than two items that vary on both sides")
    construct = dict(zip(found.items["item"], found.items["construct"], strict=True))
    own = np.array(
        [
            bool(construct[a]) and construct[a] == construct[b]
            for a, b in zip(pairs["first"], pairs["second"], strict=True)
        ]
    )
    rmse, luck = found.whole["correlation_rmse"], found.whole["correlation_rmse_by_luck"]
    inside = rmse < RMSE_WITHIN
    both = pairs[["real", "simulated"]].to_numpy(float)
    looks = [("items of the same construct", style.PALETTE[3], "s", own), ("items of two", style.PALETTE[0], "o", ~own)]
    low = min(0.0, float(both.min()) - 0.05)
    wide = style.WIDTH - 2 * style.EDGE - SQUARE
    figure, ((axes,),) = style.page(
        f"Correlations of items are {'like' if inside else 'not like'} the real ones: {units.number(rmse, 3)} apart",
        f"A point a pair of items ({len(pairs):,}). On the line: equal; the band is {RMSE_WITHIN:g} to each side, the "
        f"bound for the root mean square of all gaps. Two such samples of one population: {units.number(luck, 3)} "
        "apart.",
        1,
        1,
        height=SQUARE,
        key=[(name, colour, marker) for name, colour, marker, chosen in looks if chosen.any()],
        left=0.62,
        right=wide - 0.62,
    )
    ends = np.array([low, 1.0])
    axes.fill_between(ends, ends - RMSE_WITHIN, ends + RMSE_WITHIN, color="#E9EEF2", linewidth=0, zorder=0)
    axes.plot(ends, ends, color=style.SOFT, linewidth=0.9, zorder=1)
    for _, colour, marker, chosen in reversed(looks):
        axes.plot(
            *both[chosen].T, linestyle="none", marker=marker, markersize=3.4, color=colour, alpha=0.6, mew=0, zorder=2
        )
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    axes.set_xlabel("correlation in the real answers", size=style.LABEL, color=style.SOFT)
    axes.set_ylabel("in the simulated answers", size=style.LABEL, color=style.SOFT)
    return figure
