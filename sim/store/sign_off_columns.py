"""Columns of the register of assumptions that a sign-off file has beside it."""

from __future__ import annotations

from typing import Final

from sim.store.columns import File, number, text, truth

STANDINGS: Final = {
    "evidence": "literature, looked up or remembered, or data give the number or its order of size",
    "direction": "only the sign or the mechanism has evidence; the size is a belief",
    "fitted": "set so that a fact comes out, which is then no evidence for the model",
    "document": "stated by a design document of the project, with no evidence named beside it",
    "choice": "no claim about the world: a setting of the experiment",
    "assumption": "a belief that nobody has tested",
}
SIGNED_OFF: Final[dict[str, File]] = {
    "register": File(
        "sign-off",
        "register.csv",
        "a number or setting of the run's scenario",
        (
            text("section", "the section of the scenario that it stands in"),
            text("path", "where it stands, as --set writes it"),
            text("about", "what it is"),
            text("value", "what the run had"),
            text("unit", "its unit"),
            text("default", "what the program has where a scenario says nothing"),
            truth("differs", "whether the run departs from the default"),
            number("plausible_low", "as `unit` says", "lower end of what is plausible"),
            number("plausible_high", "as `unit` says", "upper end of it"),
            truth("outside", "whether the run's value lies outside what is plausible"),
            text("source", "where the number comes from, by keys of docs/sources.md"),
            text("standing", "what stands behind it, by the weakest thing its source says", STANDINGS),
            truth("untested", "whether its size is somebody's judgement: direction, document or assumption"),
            text("calibrated", "the calibration whose posterior the run took it from; empty for none"),
        ),
    )
}
