"""Tables of a calibration, declared like all files of results."""

from __future__ import annotations

from typing import Final

from sim.store.columns import Column, File, number, text, truth, whole

AS_TARGET = "of the target"
FIT = "as `unit` says"
SCALE = "as `scale` says"

CALIBRATED: Final[dict[str, File]] = {
    "draws": File(
        "calibration",
        "draws.parquet",
        "a draw of the posterior: numbers that belong together",
        (Column("<parameter>", "float64", "of the parameter", "the number, by its path"),),
    ),
    "fit": File(
        "calibration",
        "fit.csv",
        "a target",
        (
            text("target", "the statistic, by its name"),
            text("unit", "unit of the row's figures"),
            number("observed", FIT, "what was seen"),
            number("error", FIT, "its standard error"),
            number("fitted", FIT, "mean of what the fitted model predicts"),
            number("low", FIT, "lower end of the 90 % interval of what it predicts, its luck included"),
            number("high", FIT, "upper end of it"),
            number("z", "sd", "observed less fitted, in standard deviations of what is predicted"),
            truth("used", "whether the fit saw it"),
        ),
    ),
    "identifiability": File(
        "calibration",
        "identifiability.csv",
        "a number, or two of which a combination is known better",
        (
            text("parameter", "the number, by its path"),
            text("with", "the other one of a combination; empty for a number by itself"),
            text("scale", "on which its prior is even: linear, log or logit"),
            number("prior_sd", SCALE, "standard deviation before the data"),
            number("posterior_sd", SCALE, "standard deviation after them"),
            number("informed", "share", "1 - posterior over prior standard deviation: 0, nothing learned"),
            number("correlation", "correlation", "of the draws of the two; empty for a number by itself"),
            text("verdict", "that in words"),
        ),
    ),
    "sbc": File(
        "calibration",
        "sbc.csv",
        "a number of a fit of made-up data",
        (
            text("parameter", "the number, by its path"),
            whole("trial", "", "which fit"),
            number("rank", "share", "share of the fit's draws below the number that the data were made up by"),
            number("misfit", "variances", "squared distance of the made-up data from what that fit predicts"),
            number("ess", "trials", "effective number of trials behind that fit's draws"),
        ),
    ),
    "checks": File(
        "calibration",
        "checks.csv",
        "a check",
        (
            Column(
                "check",
                "text",
                "",
                "what is checked",
                {
                    "ranks": "ranks of known numbers are even",
                    "coverage": "90 % intervals hold known numbers so often",
                    "misfit": "the model fits what it was fitted to",
                    "target": "a target that it does not meet",
                    "predictive": "it predicts a target that the fit did not see",
                    "exact": "draws agree with the exact posterior",
                    "independent": "another method, which never asks the likelihood, agrees with it",
                    "sample": "enough trials stand behind the draws",
                },
            ),
            text("of", "of which number or target"),
            number("value", "as `about` says", "the figure"),
            number("low", "as `value`", "lower end of its interval"),
            number("high", "as `value`", "upper end of it"),
            number("p", "probability", "how rare as much is under the model"),
            truth("passed", "whether it is as it should be"),
            text("about", "that in words"),
        ),
    ),
}
