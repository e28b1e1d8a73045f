"""A comparison in sentences, as a table for a terminal and as plain data."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Any

from sim.phrases import counted, listed
from sim.reporting.figures import units
from sim.reporting.run.terminal import WIDTH, aligned
from sim.survey.likeness import (
    ACCEPTABLE,
    ALPHA_WITHIN,
    EQUAL,
    FAIR,
    GOOD,
    RMSE_WITHIN,
    SMD_ACCEPTABLE,
    SMD_GOOD,
    UNLIKE,
    Likeness,
)

NAMED = 12  # items named in a sentence
HEADS = ("item", "construct", "real", "simulated", "SMD", "distance", "p (Holm)", "r apart", "verdict")
CONSTRUCT_HEADS = (
    "construct",
    "items",
    "real",
    "simulated",
    "SMD",
    "alpha, real",
    "simulated",
    "congruence",
    "verdict",
)
NOTE = (
    f"SMD: simulated less real mean over the pooled standard deviation; good below {SMD_GOOD:g}, acceptable below "
    f"{SMD_ACCEPTABLE:g}. Distance: Wasserstein, scale points. p: chi-square test of equal distributions, corrected "
    f"for the number of items. r apart: median gap of the item's correlations with all others, good within "
    f"{RMSE_WITHIN:g}. Alpha is like it within {ALPHA_WITHIN:g}; congruence (Tucker) above {EQUAL:g} is equal, "
    f"from {FAIR:g} similar."
)


def sentences(found: Likeness) -> list[str]:
    """The verdict, which items are not like the real ones, what luck would do, the net promoter score, what is left."""
    whole = found.whole
    said = {
        GOOD: "The simulated answers are like the real ones: every measure is within its bound for good.",
        ACCEPTABLE: f"The simulated answers are acceptably like the real ones; short of good are: {_parts(found)}.",
        UNLIKE: f"The simulated answers are not like the real ones in: {_parts(found)}.",
        "": "Too few answers to say how like the real ones the simulated answers are.",
    }
    out = [said[found.verdict]]
    verdicts = list(found.items["verdict"])
    counts = [f"{verdicts.count(word)} {word}" for word in (GOOD, ACCEPTABLE, UNLIKE)]
    text = f"Of {counted(whole['items'], 'item')}: {listed(counts)}."
    if found.unlike:
        more = len(found.unlike) - NAMED
        text += f" Not like the real ones: {', '.join(found.unlike[:NAMED])}{f' and {more} more' if more > 0 else ''}."
    out.append(text)
    off = found.constructs[found.constructs["verdict"] == UNLIKE]
    if len(off):
        named = [f"{name}: {why}" for name, why in zip(off["construct"], off["why"], strict=True)]
        out.append(f"Constructs not like the real ones: {'; '.join(named)}.")
    luck = units.number(1.96 * (1 / whole["real_effective"] + 1 / whole["simulated_effective"]) ** 0.5, 2)
    here, chance = (units.number(whole[name], 3) for name in ("correlation_rmse", "correlation_rmse_by_luck"))
    out.append(
        f"{counted(whole['real_sheets'], 'real sheet')} and {whole['simulated_sheets']:,} simulated: two samples of "
        f"this size from one population differ by up to {luck} SD in a mean, and by {chance} in correlations (here "
        f"{here}). The distributions of {counted(whole['distributions_differ'], 'item')} differ beyond luck."
    )
    if "nps_difference" in whole:
        ends = [units.number(whole[f"nps_difference_{end}"], 1, sign=True) for end in ("low", "high")]
        out.append(
            f"Net promoter score: {units.number(whole['nps_simulated'], 1)} simulated, "
            f"{units.number(whole['nps_real'], 1)} real, a difference of "
            f"{units.number(whole['nps_difference'], 1, sign=True)} ({ends[0]} to {ends[1]})."
        )
    if found.left_out:
        reasons: dict[str, list[str]] = {}
        for item, reason in found.left_out:
            reasons.setdefault(reason, []).append(item)
        named = [f"{', '.join(items)} ({reason})" for reason, items in reasons.items()]
        out.append(f"Not compared: {'; '.join(named)}.")
    return out


def _parts(found: Likeness) -> str:
    """What brought the verdict: "3 items, 2 constructs and the correlations of items"."""
    names = {"correlations": "the correlations of items", "first_factor": "the first factor"}
    parts = []
    for what, word in found.whole["words"].items():
        if word != found.verdict:
            continue
        table = {"items": found.items, "constructs": found.constructs}.get(what)
        parts.append(names[what] if table is None else counted(int((table["verdict"] == word).sum()), what[:-1]))
    return listed(parts)


def item_rows(found: Likeness) -> list[list[str]]:
    """Cells of the table of items, under `HEADS`."""
    return [
        [
            str(row["item"]),
            str(row["construct"]),
            units.number(row["real_mean"], 2),
            units.number(row["simulated_mean"], 2),
            units.number(row["smd"], 2, sign=True),
            units.number(row["wasserstein"], 2),
            units.p_text(row["p_adjusted"]),
            units.number(row["correlation_gap"], 2),
            _verdict(row),
        ]
        for row in found.items.to_dict("records")
    ]


def construct_rows(found: Likeness) -> list[list[str]]:
    """Cells of the table of constructs, under `CONSTRUCT_HEADS`."""
    return [
        [
            str(row["construct"]),
            str(row["items"]),
            units.number(row["real_mean"], 2),
            units.number(row["simulated_mean"], 2),
            units.number(row["smd"], 2, sign=True),
            units.number(row["real_alpha"], 2),
            units.number(row["simulated_alpha"], 2),
            units.number(row["congruence"], 3),
            _verdict(row),
        ]
        for row in found.constructs.to_dict("records")
    ]


def _verdict(row: Mapping[Hashable, Any]) -> str:
    return f"{row['verdict']}: {row['why']}" if row["why"] else str(row["verdict"])


def terminal_table(found: Likeness, *, width: int = WIDTH) -> str:
    """The verdict in sentences, then a line an item and a line a construct."""
    blocks = ["\n".join(line for text in sentences(found) for line in units.wrapped(text, width))]
    blocks.append("\n".join(aligned([HEADS], item_rows(found), left=(0, 1, 8))))
    if len(found.constructs):
        blocks.append("\n".join(aligned([CONSTRUCT_HEADS], construct_rows(found), left=(0, 8))))
    blocks.append("\n".join(units.wrapped(NOTE, width)))
    return "\n\n".join(blocks)


def as_json(found: Likeness) -> dict[str, Any]:
    """All of it as plain data; what is not finite is null."""
    from sim.store.files import plain

    tables = {name: json.loads(getattr(found, name).to_json(orient="records")) for name in ("items", "constructs")}
    left = [{"item": item, "why": reason} for item, reason in found.left_out]
    return {**plain(found.whole), **tables, "left_out": left, "unlike": found.unlike}
