"""How well a model of correlations fits: chi-square, CFI, TLI, RMSEA with its interval, SRMR; plain and robust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2 as chi_squared
from scipy.stats import ncx2

BOUNDS: Final = {"CFI": 0.95, "RMSEA": 0.06, "SRMR": 0.08}


def gauges(chi2: float, df: int, base: float, base_df: int, n: float, groups: int = 1) -> dict[str, float]:
    """Chi-square with its p, CFI, TLI, and RMSEA with its 90 % interval; NaN where no degree of freedom is left."""
    out: dict[str, float] = {"chi2": chi2, "df": df}
    out["p"] = float(chi_squared.sf(chi2, df)) if df else np.nan
    beyond, base_beyond = max(chi2 - df, 0.0), max(base - base_df, chi2 - df, 0.0)
    out["cfi"] = 1 - beyond / base_beyond if base_beyond > 0 else 1.0
    ratio = base / base_df
    out["tli"] = (ratio - chi2 / df) / (ratio - 1) if df and ratio > 1 else np.nan
    low, high = _noncentral(chi2, df, 0.95), _noncentral(chi2, df, 0.05)
    for name, value in (("rmsea", beyond), ("rmsea_low", low), ("rmsea_high", high)):
        out[name] = float(np.sqrt(groups * value / (df * n))) if df else np.nan
    return out


def robust(
    chi2: float, df: int, scale: float, base: float, base_df: int, base_scale: float, n: float
) -> dict[str, float]:
    """The same for answers that are not normal: Satorra and Bentler's chi-square, and CFI, TLI, RMSEA that follow."""
    out = {"scaled_chi2": chi2 / scale, "scaled_p": float(chi_squared.sf(chi2 / scale, df)) if df else np.nan}
    beyond, base_beyond = max(chi2 - scale * df, 0.0), base - base_scale * base_df
    usual = bool(df and base_beyond > 0)
    out["robust_cfi"] = 1 - beyond / base_beyond if usual else np.nan
    out["robust_tli"] = 1 - (chi2 - scale * df) / df * base_df / base_beyond if usual else np.nan
    low, high = (scale * _noncentral(chi2 / scale, df, level) for level in (0.95, 0.05))
    for name, value in (("robust_rmsea", beyond), ("robust_rmsea_low", low), ("robust_rmsea_high", high)):
        out[name] = float(np.sqrt(value / (df * n))) if df else np.nan
    return out


def _noncentral(chi2: float, df: int, level: float) -> float:
    """The noncentrality at which the chi-square found stands at that level of its distribution; 0 if at none."""
    if not df or not np.isfinite(chi2) or chi_squared.cdf(chi2, df) < level:
        return 0.0
    high = max(chi2, 1.0)
    while ncx2.cdf(chi2, df, high) > level:
        high *= 2
    return float(brentq(lambda nc: ncx2.cdf(chi2, df, nc) - level, 0.0, high))


def judged(indices: Mapping[str, float]) -> str:
    """How well that is by the usual bounds (Hu and Bentler 1999), robust where there is that, in a sentence."""
    found = {"CFI": indices.get("robust_cfi", indices["cfi"]), "RMSEA": indices.get("robust_rmsea", indices["rmsea"])}
    found["SRMR"] = indices["srmr"]
    if not np.isfinite(list(found.values())).all():
        return "the model has as many numbers as there are correlations: nothing tells how well it fits"
    missed = {
        name for name, value in found.items() if (value < BOUNDS[name] if name == "CFI" else value > BOUNDS[name])
    }
    said = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
    bounds = "CFI from 0.95, RMSEA to 0.06, SRMR to 0.08"
    how = (
        "well"
        if not missed
        else "badly"
        if len(missed) == len(found)
        else f"well but by {' and '.join(sorted(missed))}"
    )
    return f"the model fits {how}, by the usual bounds ({bounds}): {said}"


def srmr(correlation: np.ndarray, sigma: np.ndarray) -> float:
    """Root mean square of what is left of the correlations, over the triangle with its diagonal."""
    sd = np.sqrt(np.diag(sigma))
    left = (correlation - sigma / np.outer(sd, sd))[np.triu_indices(len(sigma))]
    return float(np.sqrt(np.mean(left**2)))
