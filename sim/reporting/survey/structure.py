"""Figures of what lies behind answers: correlations, factors, loadings; each drawn from the tables alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.phrases import counted
from sim.reporting.figures import Plate, units
from sim.reporting.figures.survey_levels import Level, levels
from sim.reporting.figures.survey_structure import grouped_levels, heat_map, scree
from sim.reporting.survey import sentences as say
from sim.survey.analysis.asking import Analysis
from sim.survey.analysis.modelling import NPS
from sim.survey.instrument.model import said

if TYPE_CHECKING:
    import pandas as pd

ROWS = 24  # questions in a figure of loadings
ENOUGH = 0.5  # loading at which a line helps the eye; nothing is judged by it but in words
CORRELATIONS = (
    "Below: as the scores go together. Above: as they would if they were measured without error (corrected for "
    "attenuation by alpha); above 1 means that two constructs cannot be told apart. The numbers of the columns are "
    "those of the rows. A common habit of answering (halo) raises all of them."
)
SCREE = (
    "A factor counts as there if its eigenvalue is above that of answers which have nothing in common (Horn's parallel "
    "analysis). One large first factor and small others: people answer by one general impression."
)
LOADINGS = (
    "Standardised loadings of the instrument's own factor model with 95 % intervals; the line is at 0.5. A question "
    "with a low loading measures something else as well, one below 0 was keyed the wrong way or misread."
)

DRIVERS = (
    "A regression of all of them at once: the coefficient is what goes with one more standard deviation of a construct "
    "while the others stay. Constructs that go together share; the split of what is explained gives each its part. "
    "It says what goes together, not what would happen."
)
PATHS = (
    "A structural model of the satisfaction chain (service, satisfaction, trust, loyalty, leaving), of factors that "
    "are free of errors of measurement. An effect is one only if the arrows are right, which answers of one day cannot "
    "say; the intervals are not corrected for their number."
)


def plates(analysis: Analysis) -> Iterator[Plate]:
    """The figures of structure that these answers have something for."""
    tables = analysis.tables
    if tables["correlations"]["r"].notna().sum() >= 3:
        yield Plate("correlations", partial(_correlations, analysis), "What goes together", CORRELATIONS, "structure")
    if len(tables["eigenvalues"]):
        yield Plate("scree", partial(_scree, tables["eigenvalues"]), "How many factors", SCREE, "structure")
    if len(tables["factor_loadings"]):
        chunks = list(_chunks(tables["factor_loadings"]))
        for place, names in enumerate(chunks, 1):
            more = f", {place} of {len(chunks)}" if len(chunks) > 1 else ""
            file = f"loadings_{place}" if len(chunks) > 1 else "loadings"
            draw = partial(_loadings, analysis, names)
            yield Plate(file, draw, f"How well questions measure{more}", LOADINGS, "structure")
    wanted = next((name for name in (NPS, "loyalty", "loy", "satisfaction", "sat") if _drives(tables, name)), "")
    if wanted:
        yield Plate("drivers", partial(_drivers, analysis, wanted), "What drives the outcome", DRIVERS, "structure")
    if len(tables["paths"]):
        yield Plate("paths", partial(_paths, analysis), "What leads to what", PATHS, "structure")


def _drives(tables: dict[str, pd.DataFrame], outcome: str) -> bool:
    return bool((tables["drivers"]["outcome"] == outcome).any())


def _drivers(analysis: Analysis, outcome: str) -> Any:
    table = analysis.tables["drivers"]
    own = table[table["outcome"] == outcome].sort_values("beta", ascending=False, kind="stable")
    rows = [
        Level(
            say.label_of(analysis, str(row["driver"])),
            float(row["beta"]),
            float(row["ci_low"]),
            float(row["ci_high"]),
            bool(row["sure"]),
            units.percent(float(row["share"]), 0),
        )
        for _, row in own.iterrows()
    ]
    what = say.outcome_label(analysis, outcome)
    sure = own[own["sure"]]
    title = f"None of {len(own)} constructs clearly drives {what} beside the others"
    if len(sure):
        top = sure.iloc[int(np.argmax(np.abs(sure["beta"].to_numpy(float))))]
        name = say.quoted(say.label_of(analysis, str(top["driver"])))
        title = f"{len(sure)} of {len(own)} constructs go clearly with {what} beside the others, among them {name}"
    r2 = units.percent(float(own["r2"].iloc[0]), 0)
    subtitle = f"Together they explain {r2} of it. Filled: clear. On the right: share of what is explained (Shapley)."
    return levels(title, subtitle, rows, "Coefficient", "standardised, all together", zero=True)


def _paths(analysis: Analysis) -> Any:
    table = analysis.tables["paths"]
    table = table[np.isfinite(table["direct"].to_numpy(float)) & (table["direct"] != 0)]
    explained = analysis.tables["explained"].set_index("construct")["r2"]
    groups = []
    for effect in explained.index:
        own = table[table["effect"] == effect]
        rows = [
            Level(
                say.label_of(analysis, str(row["cause"])),
                float(row["direct"]),
                float(row["direct_low"]),
                float(row["direct_high"]),
                not (row["direct_low"] <= 0 <= row["direct_high"]),
                units.number(float(row["direct"]), 2),
            )
            for _, row in own.iterrows()
        ]
        share = units.percent(float(explained[effect]), 0)
        groups.append((f"{say.label_of(analysis, str(effect))}: {share} explained", rows))
    clear = sum(level.clear for _, rows in groups for level in rows)
    title = f"{clear} of {len(table)} paths of the satisfaction chain have an interval without zero"
    subtitle = f"Direct effects between factors, standardised, with 95{units.GAP}% intervals, under what they lead to."
    return grouped_levels(title, subtitle, groups, "Direct effect", "standardised", None)


def _correlations(analysis: Analysis) -> Any:
    table = analysis.tables["correlations"]
    names = list(dict.fromkeys([*table["x"], *table["y"]]))
    place = {name: at for at, name in enumerate(names)}
    below, above = np.full((2, len(names), len(names)), np.nan)
    for _, row in table.iterrows():
        a, b = sorted((place[row["x"]], place[row["y"]]))
        below[b, a], above[a, b] = float(row["r"]), float(row["corrected"])
    labels = [say.label_of(analysis, str(name)) for name in names]
    subtitle = "Below the diagonal: correlations of scores. Above: corrected for what unreliable questions hide."
    return heat_map(_strongest(analysis, table), subtitle, labels, below, above)


def _strongest(analysis: Analysis, table: pd.DataFrame) -> str:
    clear = table[table["sure"]]
    if not len(clear):
        return "No two constructs go together clearly"
    top = clear.iloc[int(np.argmax(np.abs(clear["r"].to_numpy(float))))]
    x, y = (say.quoted(say.label_of(analysis, str(top[one]))) for one in ("x", "y"))
    many = f"{len(clear)} of {len(table)} pairs of constructs go together clearly"
    return f"{many}, most {x} and {y} in these answers: r = {units.number(float(top['r']), 2)}"


def _scree(table: pd.DataFrame) -> Any:
    kept = int(table["kept"].sum())
    share = float(table["share"].iloc[0])
    title = (
        "No factor passes chance"
        if not kept
        else f"{counted(kept, 'factor')} {'passes' if kept == 1 else 'pass'} chance"
    )
    title += f"; the first holds {units.percent(share, 0)} of all variance" if kept else ""
    subtitle = f"Eigenvalues of the correlations of {len(table)} questions. Filled: above chance."
    return scree(title, subtitle, table["eigenvalue"].to_numpy(float), table["chance"].to_numpy(float), kept)


def _chunks(table: pd.DataFrame) -> Iterator[list[str]]:
    """Constructs in figures of at most `ROWS` questions."""
    chunk: list[str] = []
    used = 0
    for name, own in table.groupby("construct", sort=False):
        if chunk and used + len(own) > ROWS:
            yield chunk
            chunk, used = [], 0
        chunk.append(str(name))
        used += len(own)
    yield chunk


def _loadings(analysis: Analysis, names: list[str]) -> Any:
    table = analysis.tables["factor_loadings"]
    groups = []
    for name in names:
        own = table[table["construct"] == name]
        rows = [
            Level(
                said(analysis.instrument.item(str(row["item"])).text) or str(row["item"]),
                float(row["loading"]),
                float(row["ci_low"]),
                float(row["ci_high"]),
                not (row["ci_low"] < 0 < row["ci_high"]),
                units.number(float(row["loading"]), 2),
            )
            for _, row in own.iterrows()
        ]
        groups.append((say.label_of(analysis, name), rows))
    own = table[table["construct"].isin(names)]
    weak = int((own["ci_high"] < ENOUGH).sum())
    title = f"All {len(own)} questions load on their construct, none clearly below {ENOUGH}"
    if weak:
        title = f"{weak} of {len(own)} questions load clearly below {ENOUGH} on their construct"
    subtitle = f"Each question on its construct alone, constructs free to go together. 95{units.GAP}% intervals."
    return grouped_levels(title, subtitle, groups, "Loading", "standardised", ENOUGH)
