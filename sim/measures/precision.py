"""How sure a comparison is, and what it would cost to be surer: intervals, seeds still needed, tests of many KPIs.

Seeds are the only replication: they are independent of one another, whereas customers, months and tiers of one seed
share its bank, managers and market. So one seed is one observation, the difference of two arms on that seed, and the
interval is Student's t over those differences (docs/readings.md says when that is right).

Many KPIs times many arms are many chances of a finding by luck. `p_adjusted` is Holm's step-down correction over the
`HEADLINES` of the bank times all arms of the comparison: the chance of even one false finding among them is at most 5 %
if all below 0.05 are believed, however the KPIs hang together. KPIs outside the family are for looking.

**What is called sure.** `sureness` is the one rule for it, and whatever calls a difference clear asks it: the verdict,
its sentence, the star of the terminal, bold on the page, filled points and titles of figures. A difference is sure if
its adjusted p is below `CHANCE`, or if two seeds or more all have the very same difference, which leaves nothing to
chance. One seed is never sure, nor is anything outside the family. That its own 95 % interval leaves zero out is
necessary and not enough: twenty arms that do nothing have one such interval between them for every KPI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.measures.catalogue import HEADLINES, SAME_TEST
from sim.measures.compare import Differences, differences, empty
from sim.measures.intervals import CONFIDENCE, t_quantile
from sim.store.tables import PRECISION_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

CORRECTION = "Holm's step-down correction"
CHANCE = 0.05  # of even one false finding in the family, if all that is called sure is believed
SURENESS = ("p_adjusted", "level", "sure")


def precision(kpis: pd.DataFrame, reference: str) -> pd.DataFrame:
    """How sure each difference of `compare` is: the columns of precision.csv, the same rows as comparison.csv.

    `half_width` is half the 95 % interval of the mean paired difference. `seeds_for_half` is how many seeds in all
    would halve it and `unpaired_seeds` how many an arm would need for the half-width of now if arms did not share
    their seeds (Welch's interval); both take the spread seen so far for the true one, so from few seeds they are rough.
    `p_value` is the two-sided paired t test of no difference; `p_adjusted` is Holm's (see above), NaN outside the
    family.

    Where all differences are equal nothing is left to halve (NaN), and no number of unpaired seeds gives a half-width
    of 0 (infinite, or NaN if the arms do not vary either). p is then 1 if there is no difference at all, since nothing
    speaks for one, and NaN if there is one: a t test measures against the spread, and there is none to measure
    against. With one seed, or an infinite difference, all but the difference is NaN.
    """
    import pandas as pd

    tables = []
    for one in differences(kpis, reference):
        table = pd.DataFrame({"arm": one.arm, "reference": reference, "kpi": one.kpis, "unit": one.units, **_of(one)})
        tables.append(table[table["seeds"] > 0])
    if not tables:
        return empty(PRECISION_COLUMNS)
    table = pd.concat(tables, ignore_index=True)
    return table.assign(p_adjusted=_adjusted(table))[list(PRECISION_COLUMNS)]


def sureness(comparison: pd.DataFrame) -> pd.DataFrame:
    """What may be called sure, row by row of a whole comparison.csv: its index, the columns `SURENESS`.

    `p_adjusted` is that of precision.csv, worked out from difference, interval and seeds, so that old folders and
    tables in memory are judged alike. `level` is what a row's own p must fall below to be sure whatever the other
    tests say (`CHANCE` over their number). The rule stands above; it needs all rows, since the correction counts them.
    """
    import pandas as pd

    names = comparison["kpi"].astype(str)
    difference, low, high = (comparison[name].to_numpy(dtype=float) for name in ("difference", "ci_low", "ci_high"))
    seeds = comparison["seeds"].to_numpy()
    p = _p_value(difference, (high - low) / 2.0, seeds)
    tests = int(np.count_nonzero(names.isin(HEADLINES).to_numpy() & ~np.isnan(p)))
    adjusted = _adjusted(comparison[["arm", "kpi"]].assign(p_value=p))
    judged = names.isin([*HEADLINES, *SAME_TEST]).to_numpy()
    all_the_same = (seeds >= 2) & (low == high) & (difference != 0.0)
    sure = judged & ((adjusted < CHANCE) | all_the_same)
    level = np.where(judged, CHANCE / max(tests, 1), np.nan)
    return pd.DataFrame(dict(zip(SURENESS, (adjusted, level, sure), strict=True)), index=comparison.index)


def _p_value(difference: np.ndarray, half: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Two-sided p of the paired t test, from the half-width of the 95 % interval; see `precision` for its edges."""
    from scipy.special import stdtr

    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2.0 * stdtr(np.maximum(seeds - 1, 1), -np.abs(difference) / (half / t_quantile(seeds)))
    return np.where(np.isnan(half), np.nan, np.where(half == 0.0, np.where(difference == 0.0, 1.0, np.nan), p))


def _of(one: Differences) -> dict[str, np.ndarray]:
    half = one.half_width
    whole = one.variances.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        for_half = seeds_for(half / 2.0 / np.sqrt(one.variance))
        welch = whole**2 / (one.variances**2).sum(axis=0)
        unpaired = seeds_for(half / np.sqrt(whole), welch)
    flat = half == 0.0
    return {
        "difference": one.mean,
        "half_width": half,
        "seeds": one.seeds,
        "seeds_for_half": np.where(flat, np.nan, for_half),
        "unpaired_seeds": np.where(flat & (whole > 0.0), np.inf, np.where(flat, np.nan, unpaired)),
        "p_value": _p_value(one.mean, half, one.seeds),
    }


def seeds_for(width: np.ndarray, welch: np.ndarray | float = 1.0) -> np.ndarray:
    """Fewest seeds n >= 2 whose 95 % interval has at most this half-width, in standard deviations of a difference.

    The interval is t(welch x (n - 1)) / sqrt(n) wide to each side; `welch` is 1 for pairs and up to 2 for two unpaired
    arms of n seeds. NaN where the width is, infinite where it is 0. Any shape.
    """
    from scipy.special import stdtrit

    width, welch = np.broadcast_arrays(np.asarray(width, dtype=float), np.asarray(welch, dtype=float))
    upper = 0.5 + CONFIDENCE / 2
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # next to 0: infinitely many
        least = np.maximum(np.ceil((stdtrit(np.inf, upper) / width) ** 2), 2.0)  # if the spread were known
        # Estimating the spread costs about (z^2 + 1) / 2 = 2.4 seeds more, whatever the width.
        n = least[..., None] + np.arange(6.0)
        n = np.where(np.isfinite(n), n, 2.0)
        wide = stdtrit(welch[..., None] * (n - 1.0), upper) / np.sqrt(n)
        fits = wide <= width[..., None] * (1.0 + 1e-12)
    found = np.take_along_axis(n, fits.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    return np.where(np.isfinite(least), found, least)


def _adjusted(table: pd.DataFrame) -> np.ndarray:
    """Holm's p for rows of the family, and for the yearly twins of its totals; NaN elsewhere."""
    p = table["p_value"].to_numpy(dtype=float)
    names = table["kpi"].astype(str)
    inside = names.isin(HEADLINES).to_numpy()
    out = np.full(len(table), np.nan)
    out[inside] = holm(p[inside])
    of_test = {key: value for key, value in zip(zip(table["arm"], names, strict=True), out, strict=True)}
    for row in np.flatnonzero(names.isin(SAME_TEST).to_numpy()):
        out[row] = of_test.get((table["arm"].iloc[row], SAME_TEST[names.iloc[row]]), np.nan)
    return out


def holm(p: np.ndarray) -> np.ndarray:
    """p values (tests,) corrected by Holm's step-down method; NaN is no test and does not count. Source: Holm 1979.

    The smallest of m is multiplied by m, the next by m - 1, ...; none may be below the one before, none above 1.
    """
    p = np.asarray(p, dtype=float)
    out = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0) if len(order) else []
    return out
