"""Tables of a comparison of simulated with real answers, and of a diagnosis, declared like all files of results."""

from __future__ import annotations

from typing import Final

from sim.store.columns import Column, File, number, text, whole

POINTS = "points of the item's scale"
SD = "pooled sd"


MEANS = (
    number("real_mean", POINTS, "weighted mean of the real answers"),
    number("simulated_mean", POINTS, "weighted mean of the simulated answers"),
    number("smd", SD, "simulated less real mean"),
    number("smd_low", SD, "lower end of its 95 % interval"),
    number("smd_high", SD, "upper end of its 95 % interval"),
)
VERDICT = (
    Column(
        "verdict",
        "text",
        "",
        "by the bounds of the specification",
        {"good": "within them", "acceptable": "within the wider ones", "not like it": "beyond"},
    ),
    text("why", "what gave that word, where it is not good"),
)
MONEY = "money a year"

DIAGNOSED: Final[dict[str, File]] = {
    "likeness": File(
        "likeness",
        "likeness.csv",
        "an item that both sides have",
        (
            text("item", "the question, by its code in the instrument"),
            text("construct", "what it measures; empty for nothing"),
            whole("real_sheets", "sheets", "real sheets that answer it"),
            whole("simulated_sheets", "sheets", "simulated sheets that answer it"),
            *MEANS,
            number("wasserstein", POINTS, "Wasserstein distance of the two distributions"),
            number("wasserstein_sd", SD, "the same"),
            number("chi_square", "", "chi-square of equal distributions, sparse neighbours put together"),
            whole("freedom", "", "its degrees of freedom"),
            number("p_value", "probability", "its p"),
            number("p_adjusted", "probability", "p corrected by Holm over the items"),
            number("correlation_gap", "", "median difference of its correlations with all other items"),
            *VERDICT,
        ),
    ),
    "likeness_constructs": File(
        "likeness",
        "likeness_constructs.csv",
        "a construct of items that both sides have",
        (
            text("construct", "the construct, by its name in the instrument"),
            whole("items", "items", "its items that both sides have"),
            *MEANS,
            number("real_alpha", "", "Cronbach's alpha of the real answers"),
            number("simulated_alpha", "", "Cronbach's alpha of the simulated answers"),
            number("alpha_difference", "", "simulated less real alpha"),
            number("congruence", "", "Tucker's coefficient of the loadings on one factor; from three items"),
            *VERDICT,
        ),
    ),
    "diagnosis": File(
        "diagnosis",
        "diagnosis.csv",
        "a measure of a problem, of the bank or a group",
        (
            text("problem", "process, structure, tools or staff"),
            text("measure", "the measure; a key figure by its name, `asked_<construct>` for what was asked"),
            text("group", "bank, a tier, or a construct's name"),
            number("value", "as `unit` says", "the measure"),
            text("unit", "unit of the row's figures"),
            number("ci_low", "as `unit` says", "lower end of the 95 % interval, as `basis` says; empty for none"),
            number("ci_high", "as `unit` says", "upper end of the 95 % interval"),
            whole("n", "", "seeds, sheets or customers behind it"),
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
            number("benchmark_low", "as `unit` says", "the least that is published; empty where nothing is"),
            number("benchmark_high", "as `unit` says", "the most that is published"),
            text("source", "by whom, a key of docs/sources.md"),
            text("about", "what is measured"),
        ),
    ),
    "diagnosis_costs": File(
        "diagnosis",
        "diagnosis_costs.csv",
        "a problem",
        (
            text("problem", "process, structure, tools or staff"),
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
            text("by", "the arm that does the same and follows the strategy that answers the problem"),
            number("value", MONEY, "what leaving the problem costs; below 0, mending it costs more than it brings"),
            number("ci_low", MONEY, "lower end of its 95 % interval over seeds (Student's t)"),
            number("ci_high", MONEY, "upper end of it"),
            number("cash", MONEY, "the same of cash to the horizon alone"),
            number("cash_low", MONEY, "lower end of its 95 % interval over seeds (Student's t)"),
            number("cash_high", MONEY, "upper end of it"),
            text("unit", "the currency"),
            whole("seeds", "seeds", "seeds that it rests on"),
            text("about", "what it is"),
        ),
    ),
}
