"""Tables that the analysis of a questionnaire writes, declared like every other file of results (`columns`).

They are told under "The analysis of a survey" in docs/data-dictionary.md. A name that ends in `_weighted` is by design
weights, its twin without them; where sheets have no weights both are the same.
"""

from __future__ import annotations

from typing import Final

from sim.store.columns import Column, File, number, text, truth, whole

SCORE = "points of the construct's scale"
ANSWER = "points of the item's scale"


BY = text("by", "the column that makes the groups")
ITEM = text("item", "the question, by its code in the instrument")
CONSTRUCT = text("construct", "the construct, by its name in the instrument")
LABEL = text("label", "its name for people")
WORD = text("word", "in words, where a number cannot be given or must not be believed; else empty")
N = whole("n", "sheets", "sheets that the row rests on")
FROM = whole("scale_from", SCORE, "lowest score there can be")
TO = whole("scale_to", SCORE, "highest score there can be")
P = number("p_value", "probability", "two-sided p of no difference")
HOLM = number("p_adjusted", "probability", "p corrected by Holm over all tests of the file")
SURE = truth("sure", "whether `p_adjusted` is below 0.05")


def _interval(unit: str) -> tuple[Column, ...]:
    return (
        number("ci_low", unit, "lower end of the 95 % interval"),
        number("ci_high", unit, "upper end of the 95 % interval"),
    )


PAIR = (text("x", "the one construct"), text("y", "the other construct"))
INDEX = (
    text("model", "of which model"),
    text("index", "which figure: n, chi2, df, p, cfi, tli, rmsea, srmr, kmo and the like"),
    number("value", "", "the figure"),
)


SURVEY: Final[dict[str, File]] = {
    "sheets": File(
        "survey",
        "tables/sheets.csv",
        "a sheet, used or not",
        (
            text("sheet", "which sheet"),
            whole("asked", "questions", "questions that it was asked, skip rules followed"),
            whole("answered", "questions", "those of them that have an answer"),
            number("share_answered", "share", "of the questions asked that have an answer"),
            number("sd_within", "points", "standard deviation of its answers as given, over all questions"),
            whole("longest_run", "questions", "most equal answers in a row, of questions on the commonest scale"),
            truth("all_the_same", "whether every answer is the same"),
            truth("straight_lining", "whether a run that is too long has questions of both directions in it"),
            text("verdict", "kept, or why it is left out: empty, missing, straight_lining"),
        ),
    ),
    "quality": File(
        "survey",
        "tables/quality.csv",
        "something that became of sheets",
        (
            text("what", "what became of them"),
            whole("sheets", "sheets", "how many"),
            number("share", "share", "of all sheets"),
            text("about", "what it means"),
        ),
    ),
    "items": File(
        "survey",
        "tables/items.csv",
        "a question",
        (
            ITEM,
            text("construct", "the construct that it measures, or is about; empty for a question on its own"),
            text("role", "perception, expectation or importance"),
            truth("reversed", "whether agreeing means less of the construct; figures are of answers as given"),
            N,
            whole("missing", "sheets", "used sheets without an answer"),
            number("mean", ANSWER, "mean answer"),
            number("sd", ANSWER, "standard deviation over sheets"),
            number("se", ANSWER, "standard error of the mean"),
            number("skew", "", "skewness, adjusted for few sheets"),
            number("top_2", "share", "of answers that are one of the two highest"),
            number("floor", "share", "of answers that are the lowest"),
            number("ceiling", "share", "of answers that are the highest"),
            number("mean_weighted", ANSWER, "weighted mean answer"),
            number("se_weighted", ANSWER, "its standard error (Taylor linearised)"),
            number("top_2_weighted", "share", "weighted share of the two highest answers"),
            WORD,
        ),
    ),
    "distribution": File(
        "survey",
        "tables/distribution.csv",
        "a question and answer",
        (
            ITEM,
            whole("answer", ANSWER, "the answer, as given"),
            text("label", "its word on the scale; empty where it has none"),
            whole("n", "sheets", "sheets with this answer"),
            number("share", "share", "of the question's answers"),
            number("share_weighted", "share", "weighted share of the question's answers"),
        ),
    ),
    "constructs": File(
        "survey",
        "tables/constructs.csv",
        "a construct",
        (
            CONSTRUCT,
            LABEL,
            whole("items", "questions", "its questions in the answers"),
            FROM,
            TO,
            N,
            number("mean", SCORE, "mean score: the mean of its questions, turned, of sheets with half of them"),
            number("sd", SCORE, "standard deviation over sheets"),
            number("se", SCORE, "standard error of the mean"),
            *_interval(SCORE),
            number("mean_weighted", SCORE, "weighted mean score"),
            number("se_weighted", SCORE, "its standard error (Taylor linearised)"),
            number("ci_low_weighted", SCORE, "lower end of its 95 % interval"),
            number("ci_high_weighted", SCORE, "upper end of its 95 % interval"),
            number("effective_n", "sheets", "sheets that unequal weights leave them worth (Kish)"),
            number(
                "against_rest",
                "hundredths of the scale",
                "less the mean of the sheet's other constructs of service; none for outcomes and expectations",
            ),
            P,
            HOLM,
            SURE,
            WORD,
        ),
    ),
    "reliability": File(
        "survey",
        "tables/reliability.csv",
        "a construct",
        (
            CONSTRUCT,
            whole("items", "questions", "its questions in the answers"),
            whole("n", "sheets", "sheets that answer all of them"),
            number("alpha", "", "Cronbach's alpha"),
            number("alpha_low", "", "lower end of its 95 % interval (Feldt)"),
            number("alpha_high", "", "upper end of its 95 % interval (Feldt)"),
            number("alpha_standardised", "", "alpha of standardised answers"),
            number("mean_r", "", "mean correlation between questions"),
            number("omega", "", "McDonald's omega, of one factor"),
            WORD,
        ),
    ),
    "reliability_items": File(
        "survey",
        "tables/reliability_items.csv",
        "a construct and question",
        (
            CONSTRUCT,
            ITEM,
            number("item_total", "", "correlation with the sum of the construct's other questions"),
            number("alpha_without", "", "alpha of the construct without it"),
            number("loading", "", "standardised loading on the construct's one factor"),
            WORD,
        ),
    ),
    "nps": File(
        "survey",
        "tables/nps.csv",
        "a way of weighing; none where no question asks for it",
        (
            ITEM,
            text("weighting", "unweighted or weighted"),
            N,
            number("promoters", "share", "of answers that are 9 or 10"),
            number("passives", "share", "of answers that are 7 or 8"),
            number("detractors", "share", "of answers that are 0 to 6"),
            number("nps", "points", "promoters less detractors, -100 to 100"),
            number("se", "points", "its standard error"),
            *_interval("points"),
            WORD,
        ),
    ),
    "gaps": File(
        "survey",
        "tables/gaps.csv",
        "a construct of which expectations are asked",
        (
            CONSTRUCT,
            LABEL,
            FROM,
            TO,
            whole("n", "sheets", "sheets that have both"),
            number("expected", SCORE, "mean of what is expected, weighted"),
            number("met", SCORE, "mean of what is met, weighted"),
            number("gap", SCORE, "met less expected"),
            number("se", SCORE, "standard error of the gap, paired"),
            *_interval(SCORE),
            P,
            HOLM,
            SURE,
            WORD,
        ),
    ),
    "importance": File(
        "survey",
        "tables/importance.csv",
        "a construct on the map",
        (
            CONSTRUCT,
            LABEL,
            text("basis", "stated by respondents, or derived, and of what"),
            N,
            number("importance", "hundredths", "stated: of the scale; derived: of what is explained of the outcome"),
            number("performance", "hundredths of the scale", "weighted mean score"),
            text("quadrant", "where it lies, cut at the means of both"),
        ),
    ),
    "groups": File(
        "survey",
        "tables/groups.csv",
        "a column, group of it and construct",
        (
            BY,
            text("group", "the group"),
            text("construct", "the construct, or `nps`"),
            N,
            number("mean", "points", "weighted mean"),
            number("sd", "points", "standard deviation over sheets"),
            number("se", "points", "standard error of the mean"),
            *_interval("points"),
            WORD,
        ),
    ),
    "differences": File(
        "survey",
        "tables/differences.csv",
        "a column and construct that was tested",
        (
            BY,
            text("construct", "the construct, or `nps`"),
            whole("groups", "groups", "groups of two sheets or more"),
            text("test", "Welch t of two groups (the second less the first), Welch F of more"),
            number("statistic", "", "of the test"),
            number("df_between", "", "degrees of freedom between groups (0 for a t)"),
            number("df_within", "", "degrees of freedom within groups"),
            text("effect", "Hedges g or eta squared"),
            number("effect_size", "", "the effect"),
            P,
            HOLM,
            SURE,
            WORD,
        ),
    ),
    "correlations": File(
        "survey",
        "tables/correlations.csv",
        "a pair of constructs",
        (
            *PAIR,
            whole("n", "sheets", "sheets that have both"),
            number("r", "", "correlation of their scores, weighted"),
            *_interval(""),
            number("corrected", "", "corrected for attenuation: r over the root of both alphas"),
            number("ci_low_corrected", "", "lower end of its 95 % interval"),
            number("ci_high_corrected", "", "upper end of its 95 % interval"),
            P,
            HOLM,
            SURE,
            WORD,
        ),
    ),
    "factor_loadings": File(
        "survey",
        "tables/factor_loadings.csv",
        "a construct and question in the instrument's factor model",
        (
            CONSTRUCT,
            ITEM,
            number("loading", "", "standardised loading"),
            number("se", "", "its standard error, good for answers that are not normal"),
            *_interval(""),
        ),
    ),
    "factor_correlations": File(
        "survey",
        "tables/factor_correlations.csv",
        "a pair of constructs in the instrument's factor model",
        (
            *PAIR,
            number("r", "", "correlation of the factors"),
            number("se", "", "its standard error"),
            *_interval(""),
            number("htmt", "", "heterotrait-monotrait ratio; above 0.85 or 0.9 the two are hardly told apart"),
            truth("distinct", "whether both average variances extracted are above the squared correlation"),
        ),
    ),
    "validity": File(
        "survey",
        "tables/validity.csv",
        "a construct in the instrument's factor model",
        (
            CONSTRUCT,
            whole("items", "questions", "its questions in the model"),
            number("composite_reliability", "", "composite reliability"),
            number("ave", "share", "average variance extracted: of its questions' variance, by the factor"),
        ),
    ),
    "fit": File("survey", "tables/fit.csv", "a model and figure of its fit", INDEX),
    "eigenvalues": File(
        "survey",
        "tables/eigenvalues.csv",
        "a factor that there could be",
        (
            whole("factor", "", "which, the largest first"),
            number("eigenvalue", "", "of the correlations of all questions"),
            number("share", "share", "of all variance"),
            number("chance", "", "95th percentile of unrelated answers of as many sheets (parallel analysis)"),
            truth("kept", "whether it passes chance, and all before it do"),
        ),
    ),
    "explored_loadings": File(
        "survey",
        "tables/explored_loadings.csv",
        "a question and explored factor",
        (
            ITEM,
            whole("factor", "", "which factor, the strongest first"),
            number("loading", "", "pattern coefficient after oblique rotation"),
            number("communality", "share", "of the question's variance, by all factors"),
            number("kmo", "", "how well the question fits with the others (Kaiser, Meyer, Olkin)"),
        ),
    ),
    "explored_correlations": File(
        "survey",
        "tables/explored_correlations.csv",
        "a pair of explored factors",
        (
            whole("x", "", "the one factor"),
            whole("y", "", "the other factor"),
            number("r", "", "correlation of the factors"),
        ),
    ),
    "adequacy": File("survey", "tables/adequacy.csv", "a figure of whether answers suit factors", INDEX),
    "drivers": File(
        "survey",
        "tables/drivers.csv",
        "an outcome and construct that may drive it",
        (
            text("outcome", "the construct, or `nps`: the answer to the question behind the net promoter score"),
            text("driver", "the construct that may drive it"),
            whole("n", "sheets", "sheets that have all of them"),
            number("r2", "share", "of the outcome's variance that all drivers explain"),
            number("beta", "", "standardised coefficient of the weighted regression"),
            number("se", "", "its standard error (HC3)"),
            *_interval(""),
            P,
            HOLM,
            SURE,
            number("r", "", "plain correlation with the outcome"),
            number("part", "share", "its part of `r2` (Shapley), which sum to it"),
            number("share", "share", "its part of what is explained"),
            number("vif", "", "variance inflation factor"),
        ),
    ),
    "paths": File(
        "survey",
        "tables/paths.csv",
        "a pair of constructs of which one leads to the other",
        (
            text("cause", "the construct that leads"),
            text("effect", "the construct that it leads to"),
            *(
                number(f"{kind}{end}", "", f"{kind} effect, standardised{what}")
                for kind in ("direct", "indirect", "total")
                for end, what in (("", ""), ("_low", ": lower end of the 95 % interval"), ("_high", ": upper end"))
            ),
        ),
    ),
    "explained": File(
        "survey",
        "tables/explained.csv",
        "a construct that others lead to",
        (CONSTRUCT, number("r2", "share", "of its factor's variance that they explain")),
    ),
    "invariance": File(
        "survey",
        "tables/invariance.csv",
        "a column and model of all its groups at once",
        (
            BY,
            text("level", "configural: same items; metric: same loadings; scalar: same intercepts, too"),
            number("n", "sheets", "sheets that the row rests on, effective"),
            number("chi2", "", "chi-square of the model"),
            whole("df", "", "its degrees of freedom"),
            P,
            number("cfi", "", "comparative fit index"),
            number("tli", "", "Tucker-Lewis index"),
            number("rmsea", "", "root mean square error of approximation"),
            number("rmsea_low", "", "lower end of its 90 % interval"),
            number("rmsea_high", "", "upper end of its 90 % interval"),
            number("d_chi2", "", "what chi-square rises from the model before"),
            number("d_df", "", "by so many degrees of freedom"),
            number("d_p", "probability", "p of that rise"),
            number("d_cfi", "", "what CFI changes from the model before"),
            number("d_rmsea", "", "what RMSEA changes from the model before"),
            truth("holds", "whether CFI falls by no more than 0.01 at this step and all before"),
        ),
    ),
    "invariance_means": File(
        "survey",
        "tables/invariance_means.csv",
        "a column, construct and group but the first",
        (
            BY,
            CONSTRUCT,
            text("group", "the group"),
            number("difference", "sd", "of the factor's mean from the first group's; counts where scalar holds"),
            number("se", "sd", "its standard error"),
            *_interval("sd"),
        ),
    ),
    "invariance_items": File(
        "survey",
        "tables/invariance_items.csv",
        "a column and question, the least alike first",
        (
            BY,
            ITEM,
            number("gain", "", "what chi-square would fall if its intercept could differ between groups"),
            whole("df", "", "at so many degrees of freedom"),
            P,
        ),
    ),
}
