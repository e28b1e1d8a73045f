"""Tables of a comparison of simulated with real answers, and of a diagnosis, declared like all files of results."""

from __future__ import annotations

from typing import Final

from sim.store.columns import Column, File

POINTS = "points of the item's scale"
SD = "pooled sd"


def _text(name: str, meaning: str) -> Column:
    return Column(name, "text", "", meaning)


def _whole(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "int64", unit, meaning)


def _number(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "float64", unit, meaning)


MEANS = (
    _number("real_mean", POINTS, "weighted mean of the real answers"),
    _number("simulated_mean", POINTS, "weighted mean of the simulated answers"),
    _number("smd", SD, "simulated less real mean"),
    _number("smd_low", SD, "lower end of its 95 % interval"),
    _number("smd_high", SD, "upper end of its 95 % interval"),
)
VERDICT = (
    Column(
        "verdict",
        "text",
        "",
        "by the bounds of the specification",
        {"good": "within them", "acceptable": "within the wider ones", "not like it": "beyond"},
    ),
    _text("why", "what gave that word, where it is not good"),
)
MONEY = "money a year"

DIAGNOSED: Final[dict[str, File]] = {
    "likeness": File(
        "likeness",
        "likeness.csv",
        "an item that both sides have",
        (
            _text("item", "the question, by its code in the instrument"),
            _text("construct", "what it measures; empty for nothing"),
            _whole("real_sheets", "sheets", "real sheets that answer it"),
            _whole("simulated_sheets", "sheets", "simulated sheets that answer it"),
            *MEANS,
            _number("wasserstein", POINTS, "Wasserstein distance of the two distributions"),
            _number("wasserstein_sd", SD, "the same"),
            _number("chi_square", "", "chi-square of equal distributions, sparse neighbours put together"),
            _whole("freedom", "", "its degrees of freedom"),
            _number("p_value", "probability", "its p"),
            _number("p_adjusted", "probability", "p corrected by Holm over the items"),
            _number("correlation_gap", "", "median difference of its correlations with all other items"),
            *VERDICT,
        ),
    ),
    "likeness_constructs": File(
        "likeness",
        "likeness_constructs.csv",
        "a construct of items that both sides have",
        (
            _text("construct", "the construct, by its name in the instrument"),
            _whole("items", "items", "its items that both sides have"),
            *MEANS,
            _number("real_alpha", "", "Cronbach's alpha of the real answers"),
            _number("simulated_alpha", "", "Cronbach's alpha of the simulated answers"),
            _number("alpha_difference", "", "simulated less real alpha"),
            _number("congruence", "", "Tucker's coefficient of the loadings on one factor; from three items"),
            *VERDICT,
        ),
    ),
    "diagnosis": File(
        "diagnosis",
        "diagnosis.csv",
        "a measure of a problem, of the bank or a group",
        (
            _text("problem", "process, structure, tools or staff"),
            _text("measure", "the measure; a key figure by its name, `asked_<construct>` for what was asked"),
            _text("group", "bank, a tier, or a construct's name"),
            _number("value", "as `unit` says", "the measure"),
            _text("unit", "unit of the row's figures"),
            _number("ci_low", "as `unit` says", "lower end of the 95 % interval, as `basis` says; empty for none"),
            _number("ci_high", "as `unit` says", "upper end of the 95 % interval"),
            _whole("n", "", "seeds, sheets or customers behind it"),
            Column(
                "basis",
                "text",
                "",
                "where it comes from",
                {
                    "run": "counted in the run, interval over seeds",
                    "customers' answers": "asked, interval of the sample",
                    "staff's answers": "asked, interval of the sample",
                    "book": "of the book as the bank begins with it",
                    "scenario": "a number of the scenario",
                },
            ),
            _number("benchmark_low", "as `unit` says", "the least that is published; empty where nothing is"),
            _number("benchmark_high", "as `unit` says", "the most that is published"),
            _text("source", "by whom, a key of docs/sources.md"),
            _text("about", "what is measured"),
        ),
    ),
    "diagnosis_costs": File(
        "diagnosis",
        "diagnosis_costs.csv",
        "a problem",
        (
            _text("problem", "process, structure, tools or staff"),
            Column(
                "kind",
                "text",
                "",
                "how it is known",
                {
                    "arm": "what the arm `by` is worth beyond the diagnosed one, paired",
                    "touched": "a part of the books, no difference",
                    "unknown": "not",
                },
            ),
            _text("by", "the arm that does the same and follows the strategy that answers the problem"),
            _number("value", MONEY, "what leaving the problem costs; below 0, mending it costs more than it brings"),
            _number("ci_low", MONEY, "lower end of its 95 % interval over seeds (Student's t)"),
            _number("ci_high", MONEY, "upper end of it"),
            _number("cash", MONEY, "the same of cash to the horizon alone"),
            _number("cash_low", MONEY, "lower end of its 95 % interval over seeds (Student's t)"),
            _number("cash_high", MONEY, "upper end of it"),
            _text("unit", "the currency"),
            _whole("seeds", "seeds", "seeds that it rests on"),
            _text("about", "what it is"),
        ),
    ),
}
