"""Simulated answers held against real ones, item by item, by the bounds of SPEC 8.2.

Both sides are samples: weights are honoured, numbers of sheets are effective ones (Kish 1965), and what luck alone
would make of a bound is said beside it. Items that are not on both sides with the same scale are listed, not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.measures.precision import holm
from sim.store.diagnosis_columns import DIAGNOSED
from sim.survey.analysis.moments import effective, pearson
from sim.survey.analysis.nps import points
from sim.survey.analysis.reliability import alpha_of, one_factor
from sim.survey.analysis.weighing import Mean, mean_of
from sim.survey.sheets import Sheets

if TYPE_CHECKING:
    import pandas as pd

MAYBE: Final = "may be luck"
GOOD, ACCEPTABLE, UNLIKE = WORDS = ("good", "acceptable", "not like it")
SMD_GOOD: Final = 0.1  # standardised difference of means, SPEC 8.2
SMD_ACCEPTABLE: Final = 0.25
ALPHA_WITHIN: Final = 0.05
RMSE_WITHIN: Final = 0.1  # of correlations
EQUAL: Final = 0.95  # Tucker's congruence: Lorenzo-Seva & ten Berge 2006
FAIR: Final = 0.85
SURE: Final = 1.959963984540054
LEAST_EXPECTED: Final = 5.0  # of a cell of the chi-square test (Cochran 1954); neighbours below are put together
NPS_SCALE: Final = (0, 10)
BEGUN: Final = 0.5  # share of a construct's items that a sheet must answer to have a score

ITEM_COLUMNS, CONSTRUCT_COLUMNS = (DIAGNOSED[name].names for name in ("likeness", "likeness_constructs"))
PAIR_COLUMNS = ("first", "second", "real", "simulated")


@dataclass(frozen=True)
class Likeness:
    """What a comparison found.

    `items` and `constructs` have the columns above (means in scale points, distances in scale points and in pooled
    standard deviations), `pairs` a row a pair of items with its correlation on each side. `whole` has the figures of
    all items together and the verdict; `left_out` names what was not compared and why.
    """

    items: pd.DataFrame
    constructs: pd.DataFrame
    pairs: pd.DataFrame
    whole: dict[str, Any]
    left_out: list[tuple[str, str]]

    @property
    def verdict(self) -> str:
        """The word for all of it, one of `WORDS`."""
        return str(self.whole["verdict"])

    @property
    def unlike(self) -> list[str]:
        """Items that are not like the real ones."""
        return [str(item) for item in self.items.loc[self.items["verdict"] == UNLIKE, "item"]]


def compare(simulated: Sheets, real: Sheets) -> Likeness:
    """Hold simulated sheets against real ones over the items that both have.

    ValueError where they have none in common.
    """
    import pandas as pd

    codes, left_out = common(simulated, real)
    if not codes:
        raise ValueError("no item in common")
    sides = _Side(real, codes), _Side(simulated, codes)
    meant = {code: _construct_of(code, simulated, real) for code in codes}
    pairs, rows = _correlations(*sides)
    items = _items(*sides, meant, rows)
    constructs = _constructs(*sides, meant)
    whole = _whole(*sides, items, constructs, pairs, _nps_code(simulated, real, codes))
    return Likeness(
        pd.DataFrame(items, columns=list(ITEM_COLUMNS)),
        pd.DataFrame(constructs, columns=list(CONSTRUCT_COLUMNS)),
        pd.DataFrame(pairs, columns=list(PAIR_COLUMNS)),
        whole,
        left_out,
    )


def common(simulated: Sheets, real: Sheets) -> tuple[list[str], list[tuple[str, str]]]:
    """Items that can be compared, in the order of the simulated instrument, and those that cannot with the reason."""
    mine, theirs = simulated.instrument, real.instrument
    kept, left = [], []
    for code in dict.fromkeys([*mine.codes, *theirs.codes]):
        if code not in mine.codes or code not in simulated.table:
            left.append((code, "only in the real answers"))
        elif code not in theirs.codes or code not in real.table:
            left.append((code, "only in the simulated answers"))
        elif (ends := _ends(real, code)) != _ends(simulated, code):
            mine_ends = _ends(simulated, code)
            left.append(
                (code, f"scale {ends[0]} to {ends[1]} in the real answers, {mine_ends[0]} to {mine_ends[1]} simulated")
            )
        elif few := [word for word, one in (("real", real), ("simulated", simulated)) if _answers(one, code) < 2]:
            left.append((code, f"fewer than two {' and '.join(few)} answers"))
        else:
            kept.append(code)
    return kept, left


def _ends(sheets: Sheets, code: str) -> tuple[int, int]:
    scale = sheets.instrument.scale_of(code)
    return scale.first, scale.last


def _answers(sheets: Sheets, code: str) -> int:
    return int(sheets.table[code].notna().sum())


def _construct_of(code: str, simulated: Sheets, real: Sheets) -> str:
    """What an item measures, by the simulated instrument, else by the real one; expectations and importance apart."""
    for sheets in (simulated, real):
        item = sheets.instrument.item(code)
        name = item.measures or item.about
        if name:
            roles = {one.role for one in sheets.instrument.items if one.measures == name} or {"perception"}
            return name if item.role == "perception" or roles == {item.role} else f"{name} ({item.role})"
    return ""


def _nps_code(simulated: Sheets, real: Sheets, codes: Sequence[str]) -> str | None:
    found = (sheets.instrument.nps_item for sheets in (simulated, real))
    return next((item.code for item in found if item is not None and item.code in codes), None)


class _Side:
    """One side's answers to the items compared, turned where reversed, with weights and effective numbers."""

    def __init__(self, sheets: Sheets, codes: Sequence[str]):
        self.codes = list(codes)
        self.values = sheets.answers(self.codes)[self.codes].to_numpy(np.float64)
        self.weights = sheets.weights
        self.ends = np.array([_ends(sheets, code) for code in self.codes], dtype=np.float64)
        self.there = np.isfinite(self.values)

    def correlations(self, columns: Sequence[int]) -> np.ndarray:
        """Weighted correlations of some items (items, items), pairs that are both answered; NaN of a constant one."""
        found = pearson(self.values[:, columns], self.weights)
        varies = np.nanmax(self.values[:, columns], axis=0) > np.nanmin(self.values[:, columns], axis=0)
        found[~(varies[:, None] & varies)] = np.nan
        return found

    def of(self, columns: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Scores over some items and their weights: mean of what is answered where at least half is."""
        low, high = self.ends[columns].T  # what is on another scale than the first is brought onto that one
        values = low[0] + (self.values[:, columns] - low) / (high - low) * (high[0] - low[0])
        answered = np.isfinite(values)
        enough = answered.mean(axis=1) >= BEGUN
        scores = np.where(answered, values, 0.0).sum(axis=1)[enough] / answered.sum(axis=1)[enough]
        return scores, self.weights[enough]

    def complete(self, columns: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Rows that answered all of some items, and their weights."""
        rows = self.there[:, columns].all(axis=1)
        return self.values[np.ix_(rows, list(columns))], self.weights[rows]


def pooled_sd(one: Mean, other: Mean) -> float:
    """The root of the mean of both variances."""
    return float(np.sqrt((one.sd**2 + other.sd**2) / 2.0))


def smd(real: tuple[np.ndarray, np.ndarray], simulated: tuple[np.ndarray, np.ndarray]) -> tuple[float, float, float]:
    """Simulated less real mean over the pooled standard deviation, and its 95 % interval (Hedges & Olkin 1985)."""
    r, s = mean_of(*real), mean_of(*simulated)
    pooled, gap = pooled_sd(r, s), s.mean - r.mean
    if not np.isfinite(pooled) or pooled == 0.0:
        found = 0.0 if gap == 0.0 else float(np.copysign(np.inf, gap)) if np.isfinite(gap) else np.nan
        return found, np.nan, np.nan
    found = float(gap / pooled)
    half = SURE * float(np.sqrt(1.0 / r.effective + 1.0 / s.effective + found**2 / (2.0 * (r.effective + s.effective))))
    return found, found - half, found + half


def word_of_mean(value: float) -> str:
    """Good, acceptable or neither, of a standardised difference; "" where there is none."""
    if np.isnan(value):
        return ""
    return GOOD if abs(value) < SMD_GOOD else ACCEPTABLE if abs(value) < SMD_ACCEPTABLE else UNLIKE


def bound_of(value: float) -> float:
    """The bound that a standardised difference has gone over; 0 where it has gone over none."""
    return SMD_ACCEPTABLE if abs(value) >= SMD_ACCEPTABLE else SMD_GOOD if abs(value) >= SMD_GOOD else 0.0


def reaches(low: float, high: float, bound: float) -> bool:
    """Whether an interval reaches within a bound around 0."""
    return bool(low < bound and high > -bound)


def word_within(value: float, bound: float) -> str:
    """Good within a bound and not like it beyond; "" where there is no value."""
    return "" if np.isnan(value) else GOOD if abs(value) < bound else UNLIKE


def word_of_congruence(value: float) -> str:
    """Equal factors are good, similar ones acceptable."""
    return "" if np.isnan(value) else GOOD if value > EQUAL else ACCEPTABLE if value >= FAIR else UNLIKE


def worst(words: Iterable[str]) -> str:
    """The least favourable of some words; "" of none."""
    said = [word for word in words if word]
    return max(said, key=WORDS.index) if said else ""


def _reasons(words: Mapping[str, str], luck: Iterable[str] = ()) -> str:
    """Which measures gave the worst word, where that is not good, and which of them luck alone may have moved there."""
    found = worst(words.values())
    if found in ("", GOOD):
        return ""
    names = [name for name, word in words.items() if word == found]
    return ", ".join(name.replace("_", " ") + f" ({MAYBE})" * (name in luck) for name in names)


def _items(real: _Side, simulated: _Side, meant: dict[str, str], rows: np.ndarray) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for place, code in enumerate(real.codes):
        one, other = (side.complete([place]) for side in (real, simulated))
        one, other = (one[0][:, 0], one[1]), (other[0][:, 0], other[1])
        r, s = mean_of(*one), mean_of(*other)
        pooled = pooled_sd(r, s)
        found, low, high = smd(one, other)
        first, last = map(int, real.ends[place])
        shares = [_shares(*side, first, last) for side in (one, other)]
        distance = float(np.abs(np.cumsum(shares[0] - shares[1]))[:-1].sum())
        statistic, freedom, p = _chi_square(shares, [r.effective, s.effective])
        words = {"mean": word_of_mean(found), "correlations": word_within(float(rows[place]), RMSE_WITHIN)}
        luck = ["mean"] if reaches(low, high, bound_of(found)) else []
        out.append(
            {
                "item": code,
                "construct": meant[code],
                "real_sheets": len(one[0]),
                "simulated_sheets": len(other[0]),
                "real_mean": r.mean,
                "simulated_mean": s.mean,
                "smd": found,
                "smd_low": low,
                "smd_high": high,
                "wasserstein": distance,
                "wasserstein_sd": distance / pooled if pooled > 0 else (0.0 if distance == 0.0 else np.nan),
                "chi_square": statistic,
                "freedom": freedom,
                "p_value": p,
                "correlation_gap": float(rows[place]),
                "verdict": worst(words.values()),
                "why": _reasons(words, luck),
            }
        )
    for row, p in zip(out, holm(np.array([row["p_value"] for row in out])), strict=True):
        row["p_adjusted"] = float(p)
    return out


def _shares(values: np.ndarray, weights: np.ndarray, first: int, last: int) -> np.ndarray:
    """Weighted share of every point of a scale, (points,)."""
    answers = np.clip(np.rint(values).astype(np.int64) - first, 0, last - first)
    found = np.bincount(answers, weights, minlength=last - first + 1)
    return np.asarray(found / found.sum())


def _chi_square(shares: Sequence[np.ndarray], sheets: Sequence[float]) -> tuple[float, int, float]:
    """Pearson's test that two distributions are one, at effective numbers: statistic, degrees of freedom, p.

    Neighbouring points are put together until each cell is expected to hold five; NaN where fewer than two are left.
    """
    from scipy.special import chdtrc

    counts = np.stack([share * n for share, n in zip(shares, sheets, strict=True)])
    share = counts.sum(axis=1, keepdims=True) / counts.sum()
    merged: list[np.ndarray] = []
    held = np.zeros(2)
    for column in counts.T:
        held = held + column
        if (held.sum() * share).min() >= LEAST_EXPECTED:
            merged.append(held)
            held = np.zeros(2)
    if held.any() and merged:
        merged[-1] = merged[-1] + held
    if len(merged) < 2:
        return np.nan, 0, np.nan
    table = np.stack(merged, axis=1)
    expected = share * table.sum(axis=0)
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, len(merged) - 1, float(chdtrc(len(merged) - 1, statistic))


def _correlations(real: _Side, simulated: _Side) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Every pair of items with its correlation on each side, and each item's median gap to all others.

    A median, because one item that hangs together with nothing would take its neighbours along in a mean.
    """
    one, other = (side.correlations(range(len(side.codes))) for side in (real, simulated))
    gaps = np.abs(other - one)
    np.fill_diagonal(gaps, np.nan)
    rows = np.array([np.median(gap[np.isfinite(gap)]) if np.isfinite(gap).any() else np.nan for gap in gaps])
    pairs = [
        {"first": real.codes[i], "second": real.codes[j], "real": float(one[i, j]), "simulated": float(other[i, j])}
        for i in range(len(one))
        for j in range(i + 1, len(one))
    ]
    return pairs, rows


def alpha(values: np.ndarray, weights: np.ndarray) -> float:
    """Cronbach's alpha of complete rows (rows, items); NaN of one item or where the sum does not vary."""
    if values.shape[1] < 2 or len(values) < 2:
        return np.nan
    return alpha_of(np.cov(values, rowvar=False, aweights=weights))


def alphas_may_be_one(alphas: Sequence[float], sheets: Sequence[float], items: int) -> bool:
    """Whether two alphas of independent samples differ by no more than luck (Bonett 2003, 95 %)."""
    if items < 2 or min(sheets) <= 2 or not (np.array(alphas) < 1.0).all():  # False for NaN
        return False
    gap = float(np.log((1.0 - alphas[0]) / (1.0 - alphas[1])))
    error = float(np.sqrt(sum(2.0 * items / ((items - 1) * (n - 2)) for n in sheets)))
    return abs(gap) < SURE * error


def loadings_of(side: _Side, columns: Sequence[int]) -> np.ndarray:
    """Loadings of some items on one factor; NaN of fewer than three, which cannot tell theirs, or of a constant one."""
    correlations = side.correlations(columns)
    if len(columns) < 3 or not np.isfinite(correlations).all():
        return np.full(len(columns), np.nan)
    return one_factor(correlations)


def congruence(one: np.ndarray, other: np.ndarray) -> float:
    """Tucker's coefficient of two columns of loadings; NaN where one is unknown."""
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if np.isfinite(size) and size > 0 else np.nan


def _constructs(real: _Side, simulated: _Side, meant: dict[str, str]) -> list[dict[str, Any]]:
    out = []
    for name in dict.fromkeys(construct for construct in meant.values() if construct):
        columns = [place for place, code in enumerate(real.codes) if meant[code] == name]
        scores = real.of(columns), simulated.of(columns)
        found, low, high = smd(*scores)
        alphas = [alpha(*side.complete(columns)) for side in (real, simulated)]
        luck = ["mean"] if reaches(low, high, bound_of(found)) else []
        sheets = [side.complete(columns)[1] for side in (real, simulated)]
        luck += ["alpha"] if alphas_may_be_one(alphas, [effective(one) for one in sheets], len(columns)) else []
        like = congruence(*(loadings_of(side, columns) for side in (real, simulated)))
        words = {
            "mean": word_of_mean(found),
            "alpha": word_within(alphas[1] - alphas[0], ALPHA_WITHIN),
            "loadings": word_of_congruence(like),
        }
        out.append(
            {
                "construct": name,
                "items": len(columns),
                "real_mean": mean_of(*scores[0]).mean,
                "simulated_mean": mean_of(*scores[1]).mean,
                "smd": found,
                "smd_low": low,
                "smd_high": high,
                "real_alpha": alphas[0],
                "simulated_alpha": alphas[1],
                "alpha_difference": alphas[1] - alphas[0],
                "congruence": like,
                "verdict": worst(words.values()),
                "why": _reasons(words, luck),
            }
        )
    return out


def _whole(
    real: _Side,
    simulated: _Side,
    items: list[dict[str, Any]],
    constructs: list[dict[str, Any]],
    pairs: list[dict[str, Any]],
    nps_code: str | None,
) -> dict[str, Any]:
    """The figures of all items together, and the words."""
    both = np.array([(pair["real"], pair["simulated"]) for pair in pairs]).reshape(-1, 2)
    both = both[np.isfinite(both).all(axis=1)]
    rmse = float(np.sqrt(((both[:, 1] - both[:, 0]) ** 2).mean())) if len(both) else np.nan
    sheets = effective(real.weights), effective(simulated.weights)
    spread = ((1.0 - both**2) ** 2 / (np.maximum(np.array(sheets), 2.0) - 1.0)).sum(axis=1)
    first = congruence(*(loadings_of(side, range(len(side.codes))) for side in (real, simulated)))
    out: dict[str, Any] = {
        "items": len(items),
        "real_sheets": len(real.values),
        "simulated_sheets": len(simulated.values),
        "real_effective": sheets[0],
        "simulated_effective": sheets[1],
        "correlation_rmse": rmse,
        "correlation_rmse_by_luck": float(np.sqrt(spread.mean())) if len(both) else np.nan,
        "first_factor_congruence": first,
        "distributions_differ": sum(row["p_adjusted"] < 0.05 for row in items),
    }
    if nps_code is not None and tuple(real.ends[real.codes.index(nps_code)]) == NPS_SCALE:
        place = real.codes.index(nps_code)
        r, s = (
            mean_of(points(values[:, 0]), weights)
            for values, weights in (side.complete([place]) for side in (real, simulated))
        )
        half = SURE * float(np.hypot(r.se, s.se))
        out |= {"nps_item": nps_code, "nps_real": r.mean, "nps_simulated": s.mean, "nps_difference": s.mean - r.mean}
        out |= {"nps_difference_low": s.mean - r.mean - half, "nps_difference_high": s.mean - r.mean + half}
    words = {
        "items": worst(row["verdict"] for row in items),
        "constructs": worst(row["verdict"] for row in constructs),
        "correlations": word_within(rmse, RMSE_WITHIN),
        "first_factor": word_of_congruence(first),
    }
    return out | {"words": words, "verdict": worst(words.values()), "why": _reasons(words)}
