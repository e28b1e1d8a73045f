"""What a fit is worth: does the method find known answers, what did the data inform, does the model fit them at all.

Ranks of known numbers among their own posterior's draws are even where the method is right (Talts et al. 2018); how far
their cumulated share may stray from even is found by simulation (Säilynoja et al. 2022).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.calibration.inference import fit
from sim.calibration.prior import Prior, generator, lucks, theta_of, to_scale
from sim.calibration.problem import Floats, Problem
from sim.calibration.terms import Fit, Inference, Stage, Trials, foretold, trials, used_of

if TYPE_CHECKING:
    import pandas as pd

TRIED = 2_000  # sets of even ranks by which the band is found
ALPHA = 0.05  # of all bands together
INSIDE = 0.9  # of the interval whose coverage is counted
ENOUGH = 20  # fits of known answers from which on the misfit is held against theirs
TOGETHER = 0.7  # correlation of draws from which on a combination is told of
SURE = 1.959963984540054  # standard deviations to each side of 95 %
INFORMED, HARDLY = 0.5, 0.1  # of the prior's spread that went: above told, below not
STRANGE = 0.01  # a misfit so rare under the model says that the model is not right
LEAST, HEAVY = 100, 0.7  # effective number of trials; Pareto k of weights, above which a few of them decide
FAR = 3.0  # standard deviations from what the model predicts

Trial = Mapping[str, Any]


# --- known answers ----------------------------------------------------------------------------------------------------


def known_answers(
    problem: Problem,
    settings: Inference,
    trial_numbers: Sequence[int],
    *,
    stages: Sequence[Stage] = (),
    first: Trials | None = None,
) -> Iterator[Trial]:
    """A small fit for each of these numbers: drawn from the prior, data made up by them, ranks in what the fit says.

    The same for a trial's number wherever and beside whatever it is made.
    """
    for number in trial_numbers:
        truth, seen = made_up(problem, settings, number)
        found = fit(problem, settings, seen, stages=stages, trial=number + 1, first=first)
        yield answer(found, truth, number, settings)


def made_up(problem: Problem, settings: Inference, number: int) -> tuple[Floats, Floats]:
    """Numbers (k,) drawn from the prior, and data (m,) made up by them, of a trial's number."""
    truth = theta_of(problem.free, Prior.whole(len(problem.free)).sample(1, _rng(settings, "truth", number)))
    luck = lucks(settings.known, "noise", number, 1)
    return truth[0], np.asarray(problem.simulate(truth, luck), float)[0]


def answer(found: Fit, truth: Floats, number: int, settings: Inference) -> Trial:
    """What a fit says of the numbers that its data were made up by: their ranks, and its misfit."""
    below = (found.draws < truth).sum(axis=0) + (found.draws == truth).sum(axis=0) * 0.5
    ranks = (below + _rng(settings, "noise", number, 1).random(len(truth))) / (len(found.draws) + 1)
    return {"trial": number, "ranks": [float(rank) for rank in ranks], "misfit": misfit(found), "ess": found.ess}


def pool(problem: Problem, settings: Inference) -> Trials:
    """Trials of the whole prior that every fit may begin with."""
    return trials(problem, Prior.whole(len(problem.free)), settings.samples, settings.seed, 0, 100)


def sbc(problem: Problem, settings: Inference, fits: int = 100, *, stages: Sequence[Stage] = ()) -> pd.DataFrame:
    """Simulation-based calibration: a row a number and fit (parameter, trial, rank from 0 to 1, misfit)."""
    shared = None if stages or settings.method not in ("regression", "synthetic") else pool(problem, settings)
    told = known_answers(problem, settings, range(fits), stages=stages, first=shared)
    return table(list(told), [one.path for one in problem.free])


def table(answers: Sequence[Trial], paths: Sequence[str]) -> pd.DataFrame:
    """Answers as sbc.csv has them."""
    import pandas as pd

    rows = [
        {"parameter": path, "trial": one["trial"], "rank": one["ranks"][i], "misfit": one["misfit"], "ess": one["ess"]}
        for i, path in enumerate(paths)
        for one in answers
    ]
    return pd.DataFrame(rows, columns=["parameter", "trial", "rank", "misfit", "ess"])


@dataclass(frozen=True)
class Band:
    """How far the cumulated share of even ranks strays: `low` and `high` at `grid`, all of it at once."""

    grid: Floats
    low: Floats
    high: Floats


def band(count: int, alpha: float = ALPHA) -> Band:
    """The simultaneous band of the empirical distribution of so many even ranks."""
    from scipy.stats import binom

    grid = np.linspace(0.0, 1.0, min(max(count, 2), 100) + 1)[1:-1]
    even = np.sort(generator(0, "bands", count).random((TRIED, count)), axis=1)
    below = np.stack([np.searchsorted(row, grid, side="right") for row in even])
    tails = 2.0 * np.minimum(binom.cdf(below, count, grid), binom.sf(below - 1, count, grid))
    level = float(np.quantile(tails.min(axis=1), alpha))
    low, high = binom.ppf(level / 2, count, grid) / count, binom.ppf(1 - level / 2, count, grid) / count
    return Band(grid, low, high)


def shares_below(ranks: Floats, grid: Floats) -> Floats:
    """Share of ranks up to each place of the grid."""
    return np.searchsorted(np.sort(ranks), grid, side="right") / len(ranks)


def inside_band(ranks: Floats, within: Band) -> bool:
    """Whether the cumulated share stays in the band everywhere."""
    shares = shares_below(ranks, within.grid)
    return bool(((shares >= within.low) & (shares <= within.high)).all())


def wilson(hits: int, count: int, z: float = SURE) -> tuple[float, float]:
    """Wilson's interval of a share (Wilson 1927)."""
    share, square = hits / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = z * np.sqrt(share * (1 - share) / count + square / (4 * count**2)) / (1 + square / count)
    return float(middle - half), float(middle + half)


def rank_checks(ranks: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows of checks.csv: ranks inside their band, and the 90 % interval's coverage, of each number."""
    from scipy.special import ndtri

    parameters = list(dict.fromkeys(ranks["parameter"]))
    if ranks.empty:
        return
    count = int(ranks["trial"].nunique())
    alpha = ALPHA / len(parameters)
    within, z = band(count, alpha), float(-ndtri(alpha / 2))
    for path in parameters:
        own = ranks.loc[ranks["parameter"] == path, "rank"].to_numpy(float)
        shares = shares_below(own, within.grid)
        worst = float(np.abs(shares - within.grid).max())
        passed = inside_band(own, within)
        said = "inside" if passed else "outside"
        yield _check("ranks", path, worst, passed, f"rank ECDF of {count} fits {said} its simultaneous band")
    for path in parameters:
        own = ranks.loc[ranks["parameter"] == path, "rank"].to_numpy(float)
        hits = int((np.abs(own - 0.5) <= INSIDE / 2).sum())
        low, high = wilson(hits, count, z)
        about = f"90 % interval held the known number in {hits} of {count} fits"
        yield _check("coverage", path, hits / count, low <= INSIDE <= high, about, low, high)


# --- the fit itself ---------------------------------------------------------------------------------------------------


def misfit(found: Fit, rows: Sequence[int] | None = None) -> float:
    """Squared distance of what was observed from what is predicted at the draws, in its own spread (Mahalanobis)."""
    rows = used_of(found.problem) if rows is None else rows
    made = found.predicted[:, list(rows)]
    gap = found.observed[list(rows)] - made.mean(axis=0)
    spread = np.cov(made, rowvar=False).reshape(len(rows), len(rows))
    return float(gap @ np.linalg.pinv(spread, hermitian=True) @ gap)


def fit_table(found: Fit) -> pd.DataFrame:
    """fit.csv: every target, what was observed, and what the fitted model predicts."""
    import pandas as pd

    made = foretold(found)
    low, high = np.quantile(made, [0.05, 0.95], axis=0)
    sd = np.maximum(made.std(axis=0, ddof=1), 1e-300)
    middle = made.mean(axis=0)
    targets = found.problem.targets
    return pd.DataFrame(
        {
            "target": [one.name for one in targets],
            "unit": [one.unit for one in targets],
            "observed": found.observed,
            "error": [one.error for one in targets],
            "fitted": middle,
            "low": low,
            "high": high,
            "z": (found.observed - middle) / sd,
            "used": [one.used for one in targets],
        }
    )


def fit_checks(found: Fit, ranks: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows of checks.csv: does the model fit what it was fitted to, and what it was not."""
    from scipy.stats import chi2

    used = used_of(found.problem)
    held = [i for i in range(len(found.problem.targets)) if i not in used]
    distance = misfit(found)
    known = ranks.drop_duplicates("trial")["misfit"].to_numpy(float) if len(ranks) else np.array([])
    if len(known) >= ENOUGH:
        p, by = _beyond(distance, known), f"of {len(known)} fits of made-up data"
    else:
        p, by = float(chi2.sf(distance, max(len(used), 1))), "by chi-square, which is too kind to a fit"
    told = "fits what it was fitted to" if p >= STRANGE else "does not fit: numbers of the prior hardly make such data"
    yield _check("misfit", "used targets", distance, p >= STRANGE, f"the model {told} (p {p:.3g} {by})", p=p)
    z = fit_table(found)["z"].to_numpy(float)
    for i in used:
        if abs(z[i]) > FAR:
            name = found.problem.targets[i].name
            yield _check("target", name, float(z[i]), False, f"{z[i]:+.1f} standard deviations from what is predicted")
    for i in held:
        target = found.problem.targets[i]
        made = foretold(found)[:, i]
        above = float((made > target.value).mean() + 0.5 * (made == target.value).mean())
        p = float(min(1.0, 2 * max(min(above, 1 - above), 0.5 / (len(made) + 1))))
        about = f"not used; observed {target.value:.6g}, predicted {made.mean():.6g} (p {p:.3g})"
        yield _check("predictive", target.name, float(z[i]), p >= STRANGE, about, p=p)
    about = f"effective number of trials behind {len(found.draws):,} draws: {found.ess:.0f}"
    if found.method == "regression":  # its weights fall with the rank of distance, whatever the data
        about = f"trials that count by their weight: {found.ess:.0f}, which samples and accept set and not the data"
    yield _check("sample", "draws", found.ess, found.ess >= LEAST, about)
    k = found.facts.get("pareto_k")
    if k is not None:
        about = f"Pareto k of the weights: {k:.2f}, to be at most {HEAVY}"
        yield _check("sample", "weights", k, k <= HEAVY, about)
        if len(ranks):
            fewest = float(ranks["ess"].min())
            about = f"effective number behind the draws of every fit of known answers: {fewest:.0f} or more"
            yield _check("sample", "fits", fewest, fewest >= LEAST, about)


def _beyond(distance: float, known: Floats) -> float:
    """How rare so large a misfit is among known ones; beyond all of them by the gamma law of their mean and spread."""
    from scipy.stats import gamma

    above = int((known >= distance).sum())
    if above:
        return (1 + above) / (1 + len(known))
    mean, variance = float(known.mean()), float(known.var(ddof=1))
    return min(1 / (1 + len(known)), float(gamma.sf(distance, mean**2 / variance, scale=variance / mean)))


# --- what the data informed -------------------------------------------------------------------------------------------


def identifiability(found: Fit) -> pd.DataFrame:
    """identifiability.csv: a row a number, then one for each two of which only a combination is known.

    Spreads are those on the scale on which the prior is even.
    """
    import pandas as pd

    free = found.problem.free
    before = np.stack([to_scale(found.prior[:, i], one) for i, one in enumerate(free)], axis=1)
    after = np.stack([to_scale(found.draws[:, i], one) for i, one in enumerate(free)], axis=1)
    rows = []
    for i, one in enumerate(free):
        informed = _informed(before[:, i], after[:, i])
        rows.append(_identified(one.path, "", one.scale, before[:, i], after[:, i], np.nan, word_of(informed)))
    sds = after.std(axis=0)
    for i in range(len(free)):
        for j in range(i + 1, len(free)):
            if sds[i] == 0 or sds[j] == 0:
                continue
            r = float(np.corrcoef(after[:, i], after[:, j])[0, 1])
            if abs(r) < TOGETHER:
                continue
            size = before.std(axis=0)
            sign = -np.sign(r)
            first, second = (side[:, i] / size[i] + sign * side[:, j] / size[j] for side in (before, after))
            if _informed(first, second) < INFORMED:
                continue
            logs = free[i].scale == free[j].scale == "log"
            kind = {(True, 1): "product", (True, -1): "ratio", (False, 1): "sum", (False, -1): "difference"}
            said = f"their {kind[logs, int(sign)]} is known better than either"
            rows.append(_identified(free[i].path, free[j].path, "of their priors' spreads", first, second, r, said))
    return pd.DataFrame(rows)


def _identified(
    path: str, other: str, scale: str, before: Floats, after: Floats, r: float, word: str
) -> dict[str, Any]:
    return {
        "parameter": path,
        "with": other,
        "scale": scale,
        "prior_sd": float(before.std(ddof=1)),
        "posterior_sd": float(after.std(ddof=1)),
        "informed": _informed(before, after),
        "correlation": r,
        "verdict": word,
    }


def _informed(before: Floats, after: Floats) -> float:
    return float(np.clip(1.0 - after.std(ddof=1) / before.std(ddof=1), 0.0, 1.0))


def word_of(informed: float) -> str:
    """How much the data said of a number, in a word or two."""
    return "informed" if informed >= INFORMED else "weakly informed" if informed >= HARDLY else "not informed"


def checked(found: Fit, ranks: pd.DataFrame) -> pd.DataFrame:
    """checks.csv: every check of a fit, a row each."""
    import pandas as pd

    rows = [*rank_checks(ranks), *fit_checks(found, ranks)]
    columns = ["check", "of", "value", "low", "high", "p", "passed", "about"]
    return pd.DataFrame(rows, columns=columns)


def _check(
    check: str,
    of: str,
    value: float,
    passed: bool,
    about: str,
    low: float = np.nan,
    high: float = np.nan,
    p: float = np.nan,
) -> dict[str, Any]:
    return {
        "check": check,
        "of": of,
        "value": value,
        "low": low,
        "high": high,
        "p": p,
        "passed": bool(passed),
        "about": about,
    }


def _rng(settings: Inference, purpose: str, number: int, step: int = 0) -> np.random.Generator:
    return generator(settings.known, purpose, number, step + 50)
