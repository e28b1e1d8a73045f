"""What it would be worth to know, and which pilot to run, from worlds drawn from beliefs: tables without prose.

Pure functions of two tables; docs/worth-of-knowing.md says which estimators, and what they cannot see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis.study import Array
from sim.analysis.worth.curves import Curves, curves_of
from sim.analysis.worth.evpi import GUESSED, MEASURED, best_of, luck_of, resampled, without_luck
from sim.analysis.worth.evppi import part
from sim.analysis.worth.pilots import Outcome, Pilot, Prices, pilots_of, spread_of

FEWEST = 8  # worlds
SEED = 20260  # of shuffles, draws and resamples: the same tables every time
HORIZON = 60  # months over which a decision earns, unless it is said

__all__ = ["Outcome", "Pilot", "Prices", "Worth", "luck_between", "study"]


@dataclass(frozen=True)
class Worth:
    """What knowing is worth. Money as in `values`.

    `total`, one row: `reference`, `best` (arm with the best mean under present beliefs), `mean` (its worth above the
    reference), `chance_best` (share of worlds where it is the best), `evpi`, `evpi_se`, `raw` and `raw_se` (with luck
    counted as knowledge: an upper bound), `luck_share` (of the spread between worlds), `method` (where the size of luck
    is from), `bound` ("estimate"; "at least" where the luck was not measured), `worlds`, `parameters`.
    `parts`, a row an assumption, the most worth first: `parameter`, `evppi`, `evppi_se`, `share` of EVPI (at most 1;
    shares do not add up), `clear` (told from chance; what is not gets 0), `p`, `at_most`, `low` and `high` (values),
    `best_low` and `best_high` (arms there), `turns_at`.
    `pilots`, a row an assumption that is clear and has an outcome, the best of its sizes: `parameter`, `kind`,
    `counts`, `who`, `customers_each`, `months`, `power_low`, `power_high`, `assurance` (power over all beliefs),
    `cost`, `evsi`, `evsi_se`, `evppi`, `worth` (EVSI less what waiting forgoes), `net`, `pays`. `sizes` has
    every size looked at.
    """

    total: pd.DataFrame
    parts: pd.DataFrame
    pilots: pd.DataFrame
    sizes: pd.DataFrame


def study(
    inputs: pd.DataFrame,
    values: pd.DataFrame,
    *,
    reference: str | None = None,
    noise_sd: float | Mapping[str, float] | None = None,
    noise: pd.DataFrame | None = None,
    outcomes: Mapping[str, Outcome] | None = None,
    prices: Prices | None = None,
    horizon: float = HORIZON,
    seed: int = SEED,
) -> Worth | None:
    """Worth of knowing from `inputs` (worlds x parameters, in their units) and `values` (worlds x arms, money).

    The first column of `values` is the reference unless one is named. `noise_sd` is the standard deviation by luck of
    an arm less the reference, as it stands in `values` (of a mean of four seeds: half that of one); `noise` instead the
    covariance (arms x arms) of `values` themselves, as `luck_between` gives it. The two tables go together row by row;
    worlds that lack a value are left out. `outcomes` says by parameter what a pilot could count. None where nothing can
    be said: with fewer than 8 worlds, or a single arm.
    """
    arms = _arms(values, reference)
    table = values[arms].to_numpy(dtype=float)
    known = np.isfinite(table).all(axis=1) & inputs.notna().to_numpy().all(axis=1)
    if known.sum() < FEWEST or len(arms) < 2:
        return None
    rng = np.random.default_rng(seed)
    gaps = table[known, 1:] - table[known, :1]
    covariance = _covariance(noise_sd, noise, arms)
    shared = np.zeros((len(arms) - 1,) * 2) if covariance is None else covariance
    found = curves_of(inputs[known], gaps, shared, rng)
    if noise is None and covariance is not None:  # arms share luck as they share what is left unexplained
        covariance = covariance * 0 + _correlated(found.residual, np.sqrt(np.diag(covariance)))
    total = _total(found, gaps, covariance, shared, arms, rng)
    parts = _parts(found, float(total["evpi"].iloc[0]), arms, rng)
    best, sizes = _pilots(found, parts, outcomes or {}, prices or Prices(), horizon, rng)
    return Worth(total, parts, best, sizes)


def luck_between(values: pd.DataFrame) -> pd.DataFrame:
    """Covariance (arms x arms) of the luck in a mean over seeds, from values indexed by (world, seed).

    Of what differs between the seeds of a world, pooled over worlds. Worlds of one seed say nothing; NaN if all are so.
    """
    groups = values.groupby(level=0)
    count = groups.transform("size")
    within = (values - groups.transform("mean"))[count > 1]
    freedom = len(within) - within.index.get_level_values(0).nunique()
    seeds = float(groups.size().mean())
    return within.T @ within / (freedom or np.nan) / seeds


def _arms(values: pd.DataFrame, reference: str | None) -> list[str]:
    first = values.columns[0] if reference is None else reference
    return [first, *(arm for arm in values.columns if arm != first)]


def _covariance(
    noise_sd: float | Mapping[str, float] | None, noise: pd.DataFrame | None, arms: list[str]
) -> Array | None:
    """Covariance of the luck of arms less the reference's, (a, a)."""
    if noise is not None:
        table = noise.loc[arms, arms].to_numpy(dtype=float)
        return np.asarray(table[1:, 1:] - table[1:, :1] - table[:1, 1:] + table[0, 0])
    if noise_sd is None:
        return None
    by_arm = dict.fromkeys(arms, float(noise_sd)) if isinstance(noise_sd, int | float) else noise_sd
    return np.diag([float(by_arm[arm]) ** 2 for arm in arms[1:]])


def _correlated(residual: Array, sd: Array) -> Array:
    """Covariance of these standard deviations with the correlation of the residuals."""
    size = np.sqrt((residual**2).sum(axis=0))
    scaled = residual / np.where(size > 0, size, 1.0)
    correlation = scaled.T @ scaled
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation * np.outer(sd, sd))


def _total(
    found: Curves, gaps: Array, noise: Array | None, shared: Array, arms: list[str], rng: np.random.Generator
) -> pd.DataFrame:
    luck = luck_of(found.residual, found.freedom, noise)
    clean = without_luck(gaps, luck)
    value, best = best_of(clean)
    raw = best_of(gaps)[0]
    drawn = resampled(gaps, found, noise, shared, rng)
    whole = float(np.trace(np.atleast_2d(np.cov(gaps.T))))
    with_reference = np.concatenate([np.zeros((len(clean), 1)), clean], axis=1)
    row = {
        "reference": arms[0],
        "best": arms[best],
        "mean": float(with_reference[:, best].mean()),
        "chance_best": float((with_reference[:, best] >= with_reference.max(axis=1)).mean()),
        "evpi": min(value, raw),  # few worlds, of which some trade places, may come out a little above their bound
        "evpi_se": float(drawn[:, 0].std(ddof=1)),
        "raw": raw,
        "raw_se": float(drawn[:, 1].std(ddof=1)),
        "luck_share": min(float(np.trace(luck)) / whole, 1.0) if whole > 0 else 0.0,
        "method": GUESSED if noise is None else MEASURED,
        "bound": "at least" if noise is None else "estimate",
        "worlds": len(gaps),
        "parameters": len(found.names),
    }
    return pd.DataFrame([row])


PARTS = ("parameter", "evppi", "evppi_se", "share", "clear", "p", "at_most", "low", "high", "best_low", "best_high")


def _parts(found: Curves, evpi: float, arms: list[str], rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for j, name in enumerate(found.names):
        one, levels = part(found, j, rng), found.levels.get(name)
        low, high, turns = (
            levels[round(x)] if levels and np.isfinite(x) else x for x in (one.low, one.high, one.turns_at)
        )
        rows.append(
            {
                "parameter": name,
                "evppi": one.worth,
                "evppi_se": one.error,
                "share": min(one.worth / evpi, 1.0) if evpi > 0 else 0.0,
                "clear": bool(found.clear[j]),
                "p": float(found.p[j]),
                "at_most": one.at_most,
                "low": low,
                "high": high,
                "best_low": arms[one.best_low],
                "best_high": arms[one.best_high],
                "turns_at": turns,
            }
        )
    table = pd.DataFrame(rows, columns=[*PARTS, "turns_at"])
    return table.sort_values(["clear", "evppi", "p"], ascending=[False, False, True], kind="stable", ignore_index=True)


PILOTS = ("parameter", "kind", "counts", "who", "customers_each", "months", "power_low", "power_high", "assurance")
WORTHS = ("cost", "evsi", "evsi_se", "evppi", "worth", "net", "pays")


def _pilots(
    found: Curves,
    parts: pd.DataFrame,
    outcomes: Mapping[str, Outcome],
    prices: Prices,
    horizon: float,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    worth_knowing = parts[parts["clear"] & (parts["evppi"] > 0) & parts["parameter"].isin(list(outcomes))]
    best: list[tuple[Pilot, dict[str, object]]] = []
    sizes = []
    for name, evppi in zip(worth_knowing["parameter"], worth_knowing["evppi"], strict=True):
        looked_at = list(pilots_of(found, found.names.index(name), outcomes[name], prices, horizon))
        sizes += [_row(one, evppi, np.nan) for one in looked_at]
        if looked_at:
            chosen = max(looked_at, key=_standing)
            best.append((chosen, _row(chosen, evppi, spread_of(found, chosen, rng))))
    columns = [*PILOTS, *WORTHS]
    best.sort(key=lambda one: _standing(one[0]), reverse=True)
    table = pd.DataFrame([row for _, row in best], columns=columns)
    return table, pd.DataFrame(sizes, columns=columns).drop(columns="evsi_se")


def _standing(one: Pilot) -> tuple[bool, float]:
    """What a pilot is chosen by: its net worth; where it does not pay, how much of its cost it brings back."""
    if one.net > 0 or one.cost <= 0:
        return one.net > 0, one.net
    return False, one.worth / one.cost


def _row(one: Pilot, evppi: float, error: float) -> dict[str, object]:
    o = one.outcome
    told = (one.parameter, o.kind, o.counts, o.who, one.each, one.months, one.power_low, one.power_high, one.assurance)
    worths = (one.cost, one.evsi, error, evppi, one.worth, one.net, one.net > 0)
    return dict(zip((*PILOTS, *WORTHS), (*told, *worths), strict=True))
