"""What a questionnaire says in waves: measured with its interval above, what is true below, a line an arm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sim.phrases import spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import style, units
from sim.reporting.figures.board import Board, NothingToShow
from sim.survey.waves import GAP, NPS, Waves

CUSTOMERS = (NPS, GAP, "satisfaction", "trust", "switching")
STAFF = ("professional", "digital", "workload", "leaving")
MOST = 4  # panels beside one another
SPANS = {"points": 4.0, "scale": 0.2}  # the least that an axis covers, in points of the score, scale points or SD
TRUE = "the key figure NPS, not everybody's own loyalty, which gives 1.5 to 3 points more; "


@style.drawn
def customers_asked(board: Board) -> Figure:
    """The net promoter score, the service gap, satisfaction and trust as customers say them, and as they are."""
    return _asked(board, board.asked.get("customers"), CUSTOMERS, "customers")


@style.drawn
def staff_asked(board: Board) -> Figure:
    """Skills, workload and intent to leave as managers say them, and as they are."""
    return _asked(board, board.asked.get("managers"), STAFF, "managers")


def _asked(board: Board, found: Waves | None, wanted: Sequence[str], who: str) -> Figure:
    if found is None:
        raise NothingToShow(f"no {who} were asked in this run")
    if lacking := found.lacking():
        raise NothingToShow(lacking)
    there = list(dict.fromkeys(found.means["name"]))
    names = ([name for name in wanted if name in there] or there)[:MOST]
    arms = board.arms[: style.MOST_ARMS]
    known = [name for name in names if np.isfinite(_of(found.means, name)["true"]).any()]
    deep = 2 if known else 1
    key = [(spoken(arm), *style.arm_look(place)[:2]) for place, arm in enumerate(arms)]
    months = sorted(found.means["wave"].unique())
    figure, axes = style.page(
        _title(found, names, who),
        f"Above: as asked in months {', '.join(map(str, months))}, with the 95 % interval of the sample"
        + (f"; below: what is true ({TRUE if NPS in known else ''}constructs in SD of those asked)" if known else "")
        + (f"; {after}" if (after := found.after()) else "")
        + f". Mean over {len(board.seeds)} seed{'s' * (len(board.seeds) > 1)}.",
        deep,
        len(names),
        height=1.5,
        key=key,
        left=0.55,
        right=0.2,
    )
    for column, name in enumerate(names):
        table = _of(found.means, name)
        label = "NPS" if name == NPS else str(table["label"].iloc[0]).split(":")[0]
        for row, (value, unit) in enumerate((("measured", "unit"), ("true", "true_unit"))[:deep]):
            panel = axes[row][column]
            if value == "true" and name not in known:
                panel.remove()
                continue
            drawn = []
            for place, arm in enumerate(arms):
                own = table[table["arm"] == arm]
                colour, marker, hollow = style.arm_look(place)
                at = own["wave"].to_numpy(float) + (months[-1] or 1) * 0.012 * (place - (len(arms) - 1) / 2)
                if value == "measured":
                    panel.vlines(at, own["ci_low"], own["ci_high"], color=colour, linewidth=1.2, zorder=2)
                    drawn += [own["ci_low"].to_numpy(float), own["ci_high"].to_numpy(float)]
                panel.plot(
                    at,
                    own[value],
                    color=colour,
                    marker=marker,
                    markersize=4.5,
                    markerfacecolor="white" if hollow else colour,
                    linewidth=1.3,
                    linestyle="-" if value == "measured" else (0, (4, 2)),
                    zorder=3,
                )
                drawn.append(own[value].to_numpy(float))
            marks.value_axis(panel, drawn, least_span=SPANS["points" if name == NPS else "scale"])
            marks.month_axis(panel, int(months[-1]), label=row == deep - 1)
            panel.set_xlim(-0.06 * (months[-1] or 1), 1.06 * (months[-1] or 1))
            text = {"SD of those asked": "SD", "scale points": "points"}.get(str(table[unit].iloc[0]), "points")
            style.name_panel(panel, "True" if value == "true" else label, text, beyond=0.35)
    return figure


def _of(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table["name"] == name].reset_index(drop=True)


def _title(found: Waves, names: Sequence[str], who: str) -> str:
    """What the last arm's first figure differs by from the reference at the end, as asked and in truth."""
    own = found.differences[found.differences["name"] == names[0]]
    if own.empty:
        return f"What {who} say"
    last = own[own["wave"] == own["wave"].max()].iloc[-1]
    digits = 1 if last["unit"] == "points" else 2
    gap = units.number(float(last["measured"]), digits, sign=True)
    sure = float(last["ci_low"]) * float(last["ci_high"]) > 0
    label = str(last["label"]).split(":")[0]
    doubt = "" if sure else ", which may be the sample's doing"
    return f"{label} as asked, {spoken(str(last['arm']))} less {spoken(str(last['against']))}: {gap}{doubt}"
