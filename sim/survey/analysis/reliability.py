"""How well items measure their construct together: Cronbach's alpha, McDonald's omega, and what each item adds.

Over sheets that answer all items of the construct, brought onto one scale; unweighted, since reliability is of the
instrument and not of a population.
The interval of alpha is Feldt's. Omega is that of one factor fitted to the correlations by least squares (minres) and
brought back to the answers' own spreads. Sources: Cronbach 1951; Feldt 1965; McDonald 1999.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.measures.intervals import CONFIDENCE
from sim.phrases import counted
from sim.survey.analysis.factors import minres
from sim.survey.analysis.study import Study, levelled
from sim.survey.analysis.tables import table
from sim.survey.analysis.weighing import NAN

if TYPE_CHECKING:
    import pandas as pd


TWICE = 1e-9  # smallest eigenvalue of correlations of which no item is a sum of others
WHOLLY = 0.99  # of an item's variance: nothing of its own is left


def alpha_of(covariance: np.ndarray) -> float:
    """Cronbach's alpha from a covariance matrix (items, items); NaN for one item or no spread."""
    k, whole = len(covariance), float(covariance.sum())
    return k / (k - 1) * (1 - float(np.trace(covariance)) / whole) if k > 1 and whole > 0 else NAN


def alpha_interval(alpha: float, n: int, items: int) -> tuple[float, float]:
    """The 95 % interval of alpha by Feldt; NaN for one sheet."""
    from scipy.special import fdtri

    if n < 2 or items < 2 or not np.isfinite(alpha):
        return NAN, NAN
    ends = (0.5 + CONFIDENCE / 2, 0.5 - CONFIDENCE / 2)
    low, high = (1 - (1 - alpha) * float(fdtri(n - 1, (n - 1) * (items - 1), end)) for end in ends)
    return low, high


def one_factor(correlation: np.ndarray) -> np.ndarray:
    """Loadings of one factor by least squares on correlations (items, items), float64 (items,), mostly positive.

    Two items cannot tell their loadings apart: both have the root of their correlation. NaN where items are
    sums of one another.
    """
    k = len(correlation)
    if k == 2:
        r = float(correlation[0, 1])
        return np.sqrt(np.array([abs(r), abs(r)])) * np.array([1.0, np.sign(r) or 1.0])
    if np.linalg.eigvalsh(correlation)[0] < TWICE:
        return np.full(k, NAN)
    loadings = minres(correlation, 1)[:, 0]
    return loadings * (1.0 if loadings.sum() >= 0 else -1.0)


def omega_of(loadings: np.ndarray, sds: np.ndarray) -> float:
    """McDonald's omega of a sum of items with standardised loadings and standard deviations, both (items,)."""
    shared = float((loadings * sds).sum()) ** 2
    return shared / (shared + float((sds**2 * (1 - np.minimum(loadings**2, 1.0))).sum())) if shared > 0 else NAN


def reliability(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a construct (columns of reliability.csv) and a row an item of it (columns of reliability_items.csv)."""
    found = [_construct(study, name) for name in map(str, study.scores)]
    wholes, rows = [whole for whole, _ in found], [row for _, own in found for row in own]
    return table("reliability", wholes), table("reliability_items", rows)


def _construct(study: Study, name: str) -> tuple[dict[str, object], list[dict[str, object]]]:
    codes = study.items(name)
    full = levelled(study.instrument, study.answers, codes)
    full = full[~np.isnan(full).any(axis=1)]
    word = _undefined(full, codes)
    whole: dict[str, object] = {"construct": name, "items": len(codes), "n": len(full)}
    rows: list[dict[str, object]] = [{"construct": name, "item": code} for code in codes]
    none = dict.fromkeys(("alpha", "alpha_low", "alpha_high", "alpha_standardised", "mean_r", "omega"), NAN)
    if word:
        lacking = dict.fromkeys(("item_total", "alpha_without", "loading"), NAN)
        constant = np.ptp(full, axis=0) == 0 if len(full) else np.zeros(len(codes), bool)
        said = ["everybody gave the same answer" if flat and len(full) > 1 else "" for flat in constant]
        return whole | none | {"word": word}, [
            one | lacking | {"word": own} for one, own in zip(rows, said, strict=True)
        ]
    covariance, correlation = np.cov(full, rowvar=False), np.corrcoef(full, rowvar=False)
    k = len(codes)
    alpha = alpha_of(covariance)
    low, high = alpha_interval(alpha, len(full), k)
    loadings = one_factor(correlation)
    sum_of_all = full.sum(axis=1)
    negative = []
    for place, row in enumerate(rows):
        rest = sum_of_all - full[:, place]
        left = np.delete(np.delete(covariance, place, 0), place, 1)
        row["item_total"] = float(np.corrcoef(full[:, place], rest)[0, 1]) if np.ptp(rest) > 0 else NAN
        row["alpha_without"] = alpha_of(left) if k > 2 else NAN
        row["loading"] = float(loadings[place])
        wrong = bool(loadings[place] < 0)
        row["word"] = "loads the other way: wrongly keyed, or misread?" if wrong else ""
        negative += [codes[place]] * wrong
    words = [f"negative loading: {', '.join(negative)}"] * bool(negative)
    words += ["an item is explained wholly by the factor (Heywood case)"] * bool((loadings**2 > WHOLLY).any())
    words += ["no omega: its items are sums of one another"] * bool(np.isnan(loadings).any())
    words += ["no more than chance in common: alpha is negative"] * bool(alpha < 0)
    whole |= {
        "alpha": alpha,
        "alpha_low": low,
        "alpha_high": high,
        "alpha_standardised": alpha_of(correlation),
        "mean_r": float((correlation.sum() - k) / (k * (k - 1))),
        "omega": omega_of(loadings, np.sqrt(np.diag(covariance))),
        "word": "; ".join(words),
    }
    return whole, rows


def _undefined(full: np.ndarray, codes: list[str]) -> str:
    """Why a construct has no reliability, in words; "" where it has one."""
    if len(codes) == 1:
        return "one item: no reliability within one survey"
    if len(full) == 0:
        return "no sheet answers all its items"
    if len(full) < 3:
        return f"{counted(len(full), 'sheet')} with all its items answered: too few"
    flat = [code for code, spread in zip(codes, np.ptp(full, axis=0), strict=True) if spread == 0]
    return f"undefined: everybody gave the same answer to {', '.join(flat)}" if flat else ""
