"""Tables of a validation of the model, declared like all files of results (`columns`)."""

from __future__ import annotations

from typing import Final

from sim.store.columns import Column, File, number, text, whole

FIGURE = "as the figure's name says; shares and ratios as numbers"
FACT = text("fact", "the fact, by its key in docs/sources.md: V1 to V27, E1 to E9")
MEASURE = text("measure", "the figure; empty for a fact that is not modelled")

VALIDATION: Final[dict[str, File]] = {
    "facts": File(
        "validation",
        "facts.csv",
        "a figure of a stylised fact",
        (
            FACT,
            text("claim", "the fact in words"),
            MEASURE,
            number("mean", FIGURE, "mean over seeds; empty where it could not be measured"),
            number("low", FIGURE, "lower end of the 95 % interval over seeds (Student's t); -inf with one seed"),
            number("high", FIGURE, "its upper end"),
            number("tolerance_low", FIGURE, "least that it should be; empty where it is only shown"),
            number("tolerance_high", FIGURE, "most that it should be"),
            Column(
                "verdict",
                "text",
                "",
                "of the figure, empty where it is only shown",
                {
                    "holds": "the interval lies within the tolerance",
                    "misses": "it lies outside",
                    "unclear": "it crosses a bound, or could not be measured",
                    "not modelled": "the model has no such thing",
                },
            ),
            text("fitted", "the assumption that was calibrated to this figure, which is then no evidence; else empty"),
        ),
    ),
    "seeds": File(
        "validation",
        "seeds.csv",
        "a figure in one seed",
        (
            FACT,
            MEASURE,
            whole("seed", "", "the seed"),
            number("value", FIGURE, "the figure; empty where it could not be measured"),
        ),
    ),
}
