"""Tables that the analysis of a questionnaire writes, declared like every other file of results (`columns`).

They are told under "The analysis of a survey" in docs/data-dictionary.md. A name that ends in `_weighted` is by design
weights, its twin without them; where sheets have no weights both are the same.
"""

from __future__ import annotations

from typing import Final

from sim.store.columns import Column, File

SCORE = "points of the construct's scale"
ANSWER = "points of the item's scale"


def _text(name: str, meaning: str) -> Column:
    return Column(name, "text", "", meaning)


def _whole(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "int64", unit, meaning)


def _number(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "float64", unit, meaning)


def _truth(name: str, meaning: str) -> Column:
    return Column(name, "bool", "", meaning)


BY = _text("by", "the column that makes the groups")
ITEM = _text("item", "the question, by its code in the instrument")
CONSTRUCT = _text("construct", "the construct, by its name in the instrument")
LABEL = _text("label", "its name for people")
WORD = _text("word", "in words, where a number cannot be given or must not be believed; else empty")
N = _whole("n", "sheets", "sheets that the row rests on")
FROM = _whole("scale_from", SCORE, "lowest score there can be")
TO = _whole("scale_to", SCORE, "highest score there can be")
P = _number("p_value", "probability", "two-sided p of no difference")
HOLM = _number("p_adjusted", "probability", "p corrected by Holm over all tests of the file")
SURE = _truth("sure", "whether `p_adjusted` is below 0.05")


def _interval(unit: str) -> tuple[Column, ...]:
    return (
        _number("ci_low", unit, "lower end of the 95 % interval"),
        _number("ci_high", unit, "upper end of the 95 % interval"),
    )


PAIR = (_text("x", "the one construct"), _text("y", "the other construct"))
INDEX = (
    _text("model", "of which model"),
    _text("index", "which figure: n, chi2, df, p, cfi, tli, rmsea, srmr, kmo and the like"),
    _number("value", "", "the figure"),
)


SURVEY: Final[dict[str, File]] = {
    "sheets": File(
        "survey",
        "tables/sheets.csv",
        "a sheet, used or not",
        (
            _text("sheet", "which sheet"),
            _whole("asked", "questions", "questions that it was asked, skip rules followed"),
            _whole("answered", "questions", "those of them that have an answer"),
            _number("share_answered", "share", "of the questions asked that have an answer"),
            _number("sd_within", "points", "standard deviation of its answers as given, over all questions"),
            _whole("longest_run", "questions", "most equal answers in a row, of questions on the commonest scale"),
            _truth("all_the_same", "whether every answer is the same"),
            _truth("straight_lining", "whether a run that is too long has questions of both directions in it"),
            _text("verdict", "kept, or why it is left out: empty, missing, straight_lining"),
        ),
    ),
    "quality": File(
        "survey",
        "tables/quality.csv",
        "something that became of sheets",
        (
            _text("what", "what became of them"),
            _whole("sheets", "sheets", "how many"),
            _number("share", "share", "of all sheets"),
            _text("about", "what it means"),
        ),
    ),
    "items": File(
        "survey",
        "tables/items.csv",
        "a question",
        (
            ITEM,
            _text("construct", "the construct that it measures, or is about; empty for a question on its own"),
            _text("role", "perception, expectation or importance"),
            _truth("reversed", "whether agreeing means less of the construct; figures are of answers as given"),
            N,
            _whole("missing", "sheets", "used sheets without an answer"),
            _number("mean", ANSWER, "mean answer"),
            _number("sd", ANSWER, "standard deviation over sheets"),
            _number("se", ANSWER, "standard error of the mean"),
            _number("skew", "", "skewness, adjusted for few sheets"),
            _number("top_2", "share", "of answers that are one of the two highest"),
            _number("floor", "share", "of answers that are the lowest"),
            _number("ceiling", "share", "of answers that are the highest"),
            _number("mean_weighted", ANSWER, "weighted mean answer"),
            _number("se_weighted", ANSWER, "its standard error (Taylor linearised)"),
            _number("top_2_weighted", "share", "weighted share of the two highest answers"),
            WORD,
        ),
    ),
    "distribution": File(
        "survey",
        "tables/distribution.csv",
        "a question and answer",
        (
            ITEM,
            _whole("answer", ANSWER, "the answer, as given"),
            _text("label", "its word on the scale; empty where it has none"),
            _whole("n", "sheets", "sheets with this answer"),
            _number("share", "share", "of the question's answers"),
            _number("share_weighted", "share", "weighted share of the question's answers"),
        ),
    ),
    "constructs": File(
        "survey",
        "tables/constructs.csv",
        "a construct",
        (
            CONSTRUCT,
            LABEL,
            _whole("items", "questions", "its questions in the answers"),
            FROM,
            TO,
            N,
            _number("mean", SCORE, "mean score: the mean of its questions, turned, of sheets with half of them"),
            _number("sd", SCORE, "standard deviation over sheets"),
            _number("se", SCORE, "standard error of the mean"),
            *_interval(SCORE),
            _number("mean_weighted", SCORE, "weighted mean score"),
            _number("se_weighted", SCORE, "its standard error (Taylor linearised)"),
            _number("ci_low_weighted", SCORE, "lower end of its 95 % interval"),
            _number("ci_high_weighted", SCORE, "upper end of its 95 % interval"),
            _number("effective_n", "sheets", "sheets that unequal weights leave them worth (Kish)"),
            _number(
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
            _whole("items", "questions", "its questions in the answers"),
            _whole("n", "sheets", "sheets that answer all of them"),
            _number("alpha", "", "Cronbach's alpha"),
            _number("alpha_low", "", "lower end of its 95 % interval (Feldt)"),
            _number("alpha_high", "", "upper end of its 95 % interval (Feldt)"),
            _number("alpha_standardised", "", "alpha of standardised answers"),
            _number("mean_r", "", "mean correlation between questions"),
            _number("omega", "", "McDonald's omega, of one factor"),
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
            _number("item_total", "", "correlation with the sum of the construct's other questions"),
            _number("alpha_without", "", "alpha of the construct without it"),
            _number("loading", "", "standardised loading on the construct's one factor"),
            WORD,
        ),
    ),
    "nps": File(
        "survey",
        "tables/nps.csv",
        "a way of weighing; none where no question asks for it",
        (
            ITEM,
            _text("weighting", "unweighted or weighted"),
            N,
            _number("promoters", "share", "of answers that are 9 or 10"),
            _number("passives", "share", "of answers that are 7 or 8"),
            _number("detractors", "share", "of answers that are 0 to 6"),
            _number("nps", "points", "promoters less detractors, -100 to 100"),
            _number("se", "points", "its standard error"),
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
            _whole("n", "sheets", "sheets that have both"),
            _number("expected", SCORE, "mean of what is expected, weighted"),
            _number("met", SCORE, "mean of what is met, weighted"),
            _number("gap", SCORE, "met less expected"),
            _number("se", SCORE, "standard error of the gap, paired"),
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
            _text("basis", "stated by respondents, or derived, and of what"),
            N,
            _number("importance", "hundredths", "stated: of the scale; derived: of what is explained of the outcome"),
            _number("performance", "hundredths of the scale", "weighted mean score"),
            _text("quadrant", "where it lies, cut at the means of both"),
        ),
    ),
    "groups": File(
        "survey",
        "tables/groups.csv",
        "a column, group of it and construct",
        (
            BY,
            _text("group", "the group"),
            _text("construct", "the construct, or `nps`"),
            N,
            _number("mean", "points", "weighted mean"),
            _number("sd", "points", "standard deviation over sheets"),
            _number("se", "points", "standard error of the mean"),
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
            _text("construct", "the construct, or `nps`"),
            _whole("groups", "groups", "groups of two sheets or more"),
            _text("test", "Welch t of two groups (the second less the first), Welch F of more"),
            _number("statistic", "", "of the test"),
            _number("df_between", "", "degrees of freedom between groups (0 for a t)"),
            _number("df_within", "", "degrees of freedom within groups"),
            _text("effect", "Hedges g or eta squared"),
            _number("effect_size", "", "the effect"),
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
            _whole("n", "sheets", "sheets that have both"),
            _number("r", "", "correlation of their scores, weighted"),
            *_interval(""),
            _number("corrected", "", "corrected for attenuation: r over the root of both alphas"),
            _number("ci_low_corrected", "", "lower end of its 95 % interval"),
            _number("ci_high_corrected", "", "upper end of its 95 % interval"),
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
            _number("loading", "", "standardised loading"),
            _number("se", "", "its standard error, good for answers that are not normal"),
            *_interval(""),
        ),
    ),
    "factor_correlations": File(
        "survey",
        "tables/factor_correlations.csv",
        "a pair of constructs in the instrument's factor model",
        (
            *PAIR,
            _number("r", "", "correlation of the factors"),
            _number("se", "", "its standard error"),
            *_interval(""),
            _number("htmt", "", "heterotrait-monotrait ratio; above 0.85 or 0.9 the two are hardly told apart"),
            _truth("distinct", "whether both average variances extracted are above the squared correlation"),
        ),
    ),
    "validity": File(
        "survey",
        "tables/validity.csv",
        "a construct in the instrument's factor model",
        (
            CONSTRUCT,
            _whole("items", "questions", "its questions in the model"),
            _number("composite_reliability", "", "composite reliability"),
            _number("ave", "share", "average variance extracted: of its questions' variance, by the factor"),
        ),
    ),
    "fit": File("survey", "tables/fit.csv", "a model and figure of its fit", INDEX),
    "eigenvalues": File(
        "survey",
        "tables/eigenvalues.csv",
        "a factor that there could be",
        (
            _whole("factor", "", "which, the largest first"),
            _number("eigenvalue", "", "of the correlations of all questions"),
            _number("share", "share", "of all variance"),
            _number("chance", "", "95th percentile of unrelated answers of as many sheets (parallel analysis)"),
            _truth("kept", "whether it passes chance, and all before it do"),
        ),
    ),
    "explored_loadings": File(
        "survey",
        "tables/explored_loadings.csv",
        "a question and explored factor",
        (
            ITEM,
            _whole("factor", "", "which factor, the strongest first"),
            _number("loading", "", "pattern coefficient after oblique rotation"),
            _number("communality", "share", "of the question's variance, by all factors"),
            _number("kmo", "", "how well the question fits with the others (Kaiser, Meyer, Olkin)"),
        ),
    ),
    "explored_correlations": File(
        "survey",
        "tables/explored_correlations.csv",
        "a pair of explored factors",
        (
            _whole("x", "", "the one factor"),
            _whole("y", "", "the other factor"),
            _number("r", "", "correlation of the factors"),
        ),
    ),
    "adequacy": File("survey", "tables/adequacy.csv", "a figure of whether answers suit factors", INDEX),
    "drivers": File(
        "survey",
        "tables/drivers.csv",
        "an outcome and construct that may drive it",
        (
            _text("outcome", "the construct, or `nps`: the answer to the question behind the net promoter score"),
            _text("driver", "the construct that may drive it"),
            _whole("n", "sheets", "sheets that have all of them"),
            _number("r2", "share", "of the outcome's variance that all drivers explain"),
            _number("beta", "", "standardised coefficient of the weighted regression"),
            _number("se", "", "its standard error (HC3)"),
            *_interval(""),
            P,
            HOLM,
            SURE,
            _number("r", "", "plain correlation with the outcome"),
            _number("part", "share", "its part of `r2` (Shapley), which sum to it"),
            _number("share", "share", "its part of what is explained"),
            _number("vif", "", "variance inflation factor"),
        ),
    ),
    "paths": File(
        "survey",
        "tables/paths.csv",
        "a pair of constructs of which one leads to the other",
        (
            _text("cause", "the construct that leads"),
            _text("effect", "the construct that it leads to"),
            *(
                _number(f"{kind}{end}", "", f"{kind} effect, standardised{what}")
                for kind in ("direct", "indirect", "total")
                for end, what in (("", ""), ("_low", ": lower end of the 95 % interval"), ("_high", ": upper end"))
            ),
        ),
    ),
    "explained": File(
        "survey",
        "tables/explained.csv",
        "a construct that others lead to",
        (CONSTRUCT, _number("r2", "share", "of its factor's variance that they explain")),
    ),
    "invariance": File(
        "survey",
        "tables/invariance.csv",
        "a column and model of all its groups at once",
        (
            BY,
            _text("level", "configural: same items; metric: same loadings; scalar: same intercepts, too"),
            _number("n", "sheets", "sheets that the row rests on, effective"),
            _number("chi2", "", "chi-square of the model"),
            _whole("df", "", "its degrees of freedom"),
            P,
            _number("cfi", "", "comparative fit index"),
            _number("tli", "", "Tucker-Lewis index"),
            _number("rmsea", "", "root mean square error of approximation"),
            _number("rmsea_low", "", "lower end of its 90 % interval"),
            _number("rmsea_high", "", "upper end of its 90 % interval"),
            _number("d_chi2", "", "what chi-square rises from the model before"),
            _number("d_df", "", "by so many degrees of freedom"),
            _number("d_p", "probability", "p of that rise"),
            _number("d_cfi", "", "what CFI changes from the model before"),
            _number("d_rmsea", "", "what RMSEA changes from the model before"),
            _truth("holds", "whether CFI falls by no more than 0.01 at this step and all before"),
        ),
    ),
    "invariance_means": File(
        "survey",
        "tables/invariance_means.csv",
        "a column, construct and group but the first",
        (
            BY,
            CONSTRUCT,
            _text("group", "the group"),
            _number("difference", "sd", "of the factor's mean from the first group's; counts where scalar holds"),
            _number("se", "sd", "its standard error"),
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
            _number("gain", "", "what chi-square would fall if its intercept could differ between groups"),
            _whole("df", "", "at so many degrees of freedom"),
            P,
        ),
    ),
}
