"""Measured against true, on the page of a survey that was held on a simulated bank: the bank itself could not know."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.phrases import listed
from sim.reporting.figures import Plate, units
from sim.reporting.figures.survey_bias import biases
from sim.reporting.survey import sentences as say
from sim.survey.analysis.asking import Analysis

if TYPE_CHECKING:
    import pandas as pd

NOTHING, TOGETHER, CLEANED, WEIGHTED = "nothing", "together", "cleaned", "cleaned, weighted"
CAUSES = {
    "coverage": "who can be asked",
    "nonresponse": "who answers",
    "style": "answering style",
    "halo": "halo",
    "desirability": "self-praise",
    "careless": "careless sheets",
}
SEEN = 0.0005  # points: what moves nothing by more is not drawn
CAPTION = (
    "True is what all would say on the average who could be asked, if everybody answered and said what is so. What a "
    "cause adds is its expectation over all luck, not that of these sheets. Mended: careless sheets left out, the "
    "others weighted by the bank's own tier and age. Only a simulation can know this."
)


def first_of(bias: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first arm, seed and wave: what a survey is wrong by hardly differs between them."""
    for column in ("arm", "seed", "wave"):
        if column in bias:
            bias = bias[bias[column] == bias[column].iloc[0]]
    return bias


def plates(analysis: Analysis, bias: pd.DataFrame | None) -> Iterator[Plate]:
    """The figure, where there is a truth."""
    if bias is not None and len(bias):
        yield Plate("bias", partial(_biases, analysis, first_of(bias)), "What the survey is wrong by", CAPTION, "truth")


def _wide(bias: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Bias by construct and cause; `true` too."""
    own = bias[bias["unit"] == unit]
    wide = own.pivot(index="construct", columns="cause", values="bias").loc[list(dict.fromkeys(own["construct"]))]
    return wide.assign(true=own[own["cause"] == NOTHING].set_index("construct")["true"])


def _biases(analysis: Analysis, bias: pd.DataFrame) -> Any:
    wide = _wide(bias, "points")
    scales = analysis.tables["constructs"].set_index("construct")
    wide = wide.loc[[name for name in wide.index if name in scales.index]]
    span = (scales["scale_to"] - scales["scale_from"]).loc[wide.index].to_numpy(np.float64)
    hundredths = {name: wide[name].to_numpy(np.float64) / span * 100 for name in wide if name != "true"}
    shown = {words: hundredths[name] for name, words in CAUSES.items() if np.abs(wide[name]).max() > SEEN}
    labels = [say.label_of(analysis, str(name)) for name in wide.index]
    worst = int(np.abs(hundredths[TOGETHER]).argmax())
    title = f"All causes together move {say.quoted(labels[worst])} most"
    subtitle = "Measured less true, on the average over all luck, by cause; diamonds: all causes together."
    return biases(
        title,
        subtitle,
        labels,
        shown,
        ("all together", hundredths[TOGETHER]),
        ("mended", hundredths[WEIGHTED]),
        "Measured less true",
        "points of 0 to 100",
    )


def rows(analysis: Analysis, bias: pd.DataFrame | None) -> list[dict[str, Any]]:
    """A row a figure: true, what each cause adds, all together, mended; and what these sheets found."""
    if bias is None or not len(bias):
        return []
    bias = first_of(bias)
    end = say.suffix(analysis)
    found = analysis.tables["constructs"].set_index("construct")
    out = []
    for unit, digits in (("points", 2), ("NPS", 1)):
        for name, row in _wide(bias, unit).iterrows():
            by = {words: float(row[cause]) for cause, words in CAUSES.items()}
            here = ""
            if name in found.index:
                own = found.loc[str(name)]
                mean, low, high = (float(own[f"{one}{end}"]) for one in ("mean", "ci_low", "ci_high"))  # type: ignore[arg-type]
                here = f"{units.number(mean, 2)} ({units.number(low, 2)} to {units.number(high, 2)})"
            elif unit == "NPS" and (nps := say.nps_row(analysis)) is not None:
                here = f"{nps['nps']:+.0f} ({nps['ci_low']:+.0f} to {nps['ci_high']:+.0f})"
            label = "Net promoter score" if unit == "NPS" else say.label_of(analysis, str(name))
            out.append(
                {
                    "label": label,
                    "digits": digits,
                    "true": float(row["true"]),
                    "by": list(by.values()),
                    "together": float(row[TOGETHER]),
                    "cleaned": float(row[CLEANED]),
                    "weighted": float(row[WEIGHTED]),
                    "here": here,
                }
            )
    return out


def reliabilities(analysis: Analysis, bias: pd.DataFrame | None) -> str:
    """Which constructs look more or less reliable than they are, as a sentence; "" where nothing is known."""
    if bias is None or not len(bias) or not (bias["unit"] == "alpha").any():
        return ""
    wide = _wide(first_of(bias), "alpha")
    moved = wide[CLEANED].abs().sort_values(ascending=False)
    name = str(moved.index[0])
    true, change = float(wide.loc[name, "true"]), float(wide.loc[name, CLEANED])  # type: ignore[arg-type]
    others = {cause: words for cause, words in CAUSES.items() if cause != "careless"}
    causes = [words for cause, words in others.items() if abs(float(wide.loc[name, cause])) > abs(change) / 4]  # type: ignore[arg-type]
    return (
        f"Alpha of {say.quoted(say.label_of(analysis, name))} would be {units.number(true, 2)} without any of it and "
        f"is {units.number(true + change, 2)} in sheets that are not careless"
        + (f", mostly through {listed(causes)}." if causes else ".")
    )
