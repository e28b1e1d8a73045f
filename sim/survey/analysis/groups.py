"""Who differs from whom: means by group, and tests of each construct and of the NPS with effect sizes and Holm.

A group needs two sheets. Two groups are told apart by Welch's t with Hedges' g, more by Welch's F with eta squared.
Variances are those of weighted means, sizes Kish's effective numbers; with equal weights the tests are the textbook's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.errors import BadInput
from sim.survey.analysis.nps import points
from sim.survey.analysis.study import Study
from sim.survey.analysis.tables import judged, table
from sim.survey.analysis.testing import welch
from sim.survey.analysis.weighing import NAN, mean_of
from sim.survey.sheets import ARM, MODE, SEED, WAVE

if TYPE_CHECKING:
    import pandas as pd

MOST: Final = 12  # groups that are compared unless asked for
LEAST: Final = 2  # sheets of a group
NPS: Final = "nps"
MEANS: Final = ("by", "group", "construct", "n", "mean", "sd", "se", "ci_low", "ci_high", "word")


def columns_to_compare(study: Study, asked: Sequence[str], file: str = "") -> list[str]:
    """Columns whose groups are compared: those asked for, else arms, waves, modes and demographics with few words.

    `BadInput` for a column that the answers have not.
    """
    here = [one.code for one in study.instrument.demographics if one.code in study.table]
    possible = [*(name for name in (ARM, WAVE, MODE, SEED) if name in study.table), *here]
    wrong = [name for name in asked if name not in possible]
    if wrong:
        known = f"one of {', '.join(possible)}" if possible else "the answers have no column that groups them"
        raise BadInput(
            [
                BadInput.at("--by", f"no column {name!r} in {file or 'the answers'}; {known}").mistakes[0]
                for name in wrong
            ]
        )
    if asked:
        return list(dict.fromkeys(asked))
    return [name for name in possible if name != SEED and 2 <= study.table[name].nunique() <= MOST]


def groups(study: Study, by: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a column, group and construct (columns of groups.csv), and a row a test (columns of differences.csv)."""
    outcomes = {str(name): study.scores[name].to_numpy(np.float64) for name in study.scores}
    item = study.instrument.nps_item
    if item is not None and item.code in study.table:
        outcomes[NPS] = points(study.table[item.code].to_numpy(np.float64))
    means: list[dict[str, object]] = []
    tests: list[dict[str, object]] = []
    for column in by:
        words = study.table[column]
        order = _order(study, column)
        for outcome, values in outcomes.items():
            found = []
            for word in order:
                inside = (words == word).to_numpy()
                one = mean_of(values[inside], study.weights[inside])
                said = f"{one.n} of the {LEAST} sheets it needs" if one.n < LEAST else ""
                means.append(dict(zip(MEANS, (column, str(word), outcome, one.n, *one[1:6], said), strict=True)))
                found.append(one)
            tests.append({"by": column, "construct": outcome} | _test([one for one in found if one.n >= LEAST]))
    return table("groups", means), judged("differences", tests)


def _order(study: Study, column: str) -> list[object]:
    """Groups in the order of the instrument, then as they are sorted; missing words are no group."""
    there = list(study.table[column].dropna().unique())
    one = next((one for one in study.instrument.demographics if one.code == column), None)
    first = [word for word in (one.choices or {}) if word in there] if one is not None else []
    return [*first, *sorted((word for word in there if word not in first), key=lambda word: (str(type(word)), word))]


def _test(found: list) -> dict[str, object]:
    if len(found) < 2:
        lacking = dict.fromkeys(("statistic", "df_between", "df_within", "effect_size", "p_value"), NAN)
        return {"groups": len(found), "test": "", "effect": "", "word": "fewer than two groups of two sheets"} | lacking
    means, sizes = (np.array([getattr(one, name) for one in found]) for name in ("mean", "effective"))
    variances, spreads = np.array([one.se**2 for one in found]), np.array([one.sd**2 for one in found])
    test = welch(means, variances, sizes)
    two = len(found) == 2
    within = float(((sizes - 1) * spreads).sum())
    if two:
        freedom = float(sizes.sum() - 2)
        pooled = np.sqrt(within / freedom) if freedom > 0 else NAN
        size = (1 - 3 / (4 * freedom - 1)) * float(means[1] - means[0]) / pooled if pooled > 0 else NAN
    else:
        centre = float((sizes * means).sum() / sizes.sum())
        between = float((sizes * (means - centre) ** 2).sum())
        size = between / (between + within) if between + within > 0 else NAN
    return {
        "groups": len(found),
        "test": "Welch t" if two else "Welch F",
        "statistic": test.statistic,
        "df_between": test.between,
        "df_within": test.within,
        "effect": "Hedges g" if two else "eta squared",
        "effect_size": size,
        "p_value": test.p,
        "word": "" if np.isfinite(test.p) else "a group without spread: not tested",
    }
