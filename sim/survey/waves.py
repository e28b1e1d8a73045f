"""What questionnaires held in waves of a run say, measured and true, and what asking the same people is worth.

Intervals are of the sample alone: what other people of the same bank might have answered. They come from each sheet's
influence on the mean (Taylor's linearisation), summed by respondent, so that whoever is asked in both arms, or in both
waves, counts once. The gain is the variance of a difference of fresh samples over that of these: 3 means that fresh
samples would need three times as many sheets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sim.phrases import listed
from sim.survey.analysis.nps import points
from sim.survey.analysis.quality import KEPT, Rule, quality
from sim.survey.analysis.study import Study
from sim.survey.instrument import Instrument
from sim.survey.sheets import ARM, RESPONDENT, SEED, SHEET, WAVE, WEIGHT, Sheets

if TYPE_CHECKING:
    import pandas as pd

NPS: Final = "nps"
GAP: Final = "service_gap"
SURE: Final = 1.959963984540054
ENOUGH: Final = 10  # sheets of an arm in a wave, all seeds together, from which it says something


class Wave(NamedTuple):
    """What an arm says in a wave, mean over seeds; `true` is NaN where it is not known."""

    arm: str
    wave: int
    name: str
    label: str
    unit: str
    measured: float
    ci_low: float
    ci_high: float
    true: float
    true_unit: str
    sheets: int


class Contrast(NamedTuple):
    """An arm (and wave) less another, mean over seeds: as measured, in truth; the gain of asking the same people."""

    arm: str
    wave: int
    against: str
    against_wave: int
    name: str
    label: str
    unit: str
    measured: float
    ci_low: float
    ci_high: float
    true: float
    true_unit: str
    gain: float


@dataclass(frozen=True)
class Waves:
    """Waves of one questionnaire: `means` a row an arm, wave and figure (`Wave`), `changes` each arm's last wave less
    its first, `differences` each arm less the reference in every wave after month 0 (`Contrast`); sheets left out as
    careless. All are of the waves in which every arm has `ENOUGH` sheets; `few` are the months of the others."""

    means: pd.DataFrame
    changes: pd.DataFrame
    differences: pd.DataFrame
    left_out: int
    sheets: int
    few: tuple[int, ...] = ()

    def lacking(self) -> str:
        """Why nothing can be told of a time in which arms could differ; "" where something can."""
        if (self.means["wave"] > 0).any():
            return ""
        later = [month for month in self.few if month > 0]
        return f"too few sheets in {_months(later)}" if later else "asked in month 0 only, when all arms are alike"

    def after(self) -> str:
        """Later waves that have too few sheets, in words; "" for none."""
        last = self.means["wave"].max() if len(self.means) else 0
        later = [month for month in self.few if month > last]
        return f"too few sheets in {_months(later)}; the last that counts is month {last}" if later else ""

    def gain(self) -> float:
        """What asking the same people in both arms gains over fresh samples, in the last wave; median over figures."""
        last = self.differences[self.differences["wave"] == self.differences["wave"].max()]
        gains = last["gain"].to_numpy(np.float64)
        known = gains[np.isfinite(gains)]
        return float(np.median(known)) if known.size else np.nan


def waves(
    answers: pd.DataFrame,
    truth: pd.DataFrame | None,
    instrument: Instrument,
    true_nps: Mapping[tuple[str, int, int], float],
) -> Waves:
    """What sheets of a run say, the reference arm first among them.

    `truth` has `true[<construct>]` by arm, seed, wave and sheet; `true_nps` the bank's score by arm, seed and month.
    """
    import pandas as pd

    sheets = Sheets(instrument, answers.reset_index(drop=True))
    kept = (quality(sheets, Rule())["verdict"] == KEPT).to_numpy()
    told = _Told(Study.of(Sheets(instrument, sheets.table[kept])), truth, true_nps)
    arms = list(dict.fromkeys(map(str, answers[ARM])))
    held = sorted(map(int, answers[WAVE].unique()))
    months = [month for month in held if all(told.enough(arm, month) for arm in arms)]
    means = [one for arm in arms for month in months for one in told.means(arm, month)]
    ends = [] if len(months) < 2 else [((arm, months[-1]), (arm, months[0])) for arm in arms]
    against = [((arm, month), (arms[0], month)) for arm in arms[1:] for month in months if month > 0]
    return Waves(
        pd.DataFrame(means, columns=list(Wave._fields)),
        pd.DataFrame([one for pair in ends for one in told.contrasts(*pair)], columns=list(Contrast._fields)),
        pd.DataFrame([one for pair in against for one in told.contrasts(*pair)], columns=list(Contrast._fields)),
        int((~kept).sum()),
        len(kept),
        tuple(month for month in held if month not in months),
    )


def _months(months: list[int]) -> str:
    return f"month{'s' * (len(months) > 1)} {listed(list(map(str, months)))}"


Place = tuple[str, int]  # an arm in a wave


class _Told:
    """Figures of sheets: values a sheet, and what is true of the same."""

    def __init__(self, study: Study, truth: pd.DataFrame | None, true_nps: Mapping[tuple[str, int, int], float]):
        import pandas as pd

        self.table, self.true_nps = study.table, true_nps
        self.weights = self.table[WEIGHT].to_numpy(np.float64) if WEIGHT in self.table else np.ones(len(self.table))
        who = self.table[RESPONDENT] if RESPONDENT in self.table else self.table[SHEET]
        self.respondent = pd.factorize(self.table[SEED].astype(str) + "/" + who.astype(str))[0]
        places = zip(self.table[ARM], self.table[WAVE], self.table[SEED], strict=True)
        rows: dict[tuple[str, int, int], list[int]] = {}
        for row, (arm, wave, seed) in enumerate(places):
            rows.setdefault((str(arm), int(wave), int(seed)), []).append(row)
        self.places = {key: np.array(own, dtype=np.int64) for key, own in rows.items()}
        self.seeds = sorted({seed for _, _, seed in self.places})
        self.figures = dict(self._figures(study))
        self.true: dict[str, np.ndarray] = {}
        if truth is not None:
            keys = [ARM, SEED, WAVE, SHEET]
            beside: Any = truth.drop_duplicates(keys).set_index(keys)
            beside = beside.reindex(pd.MultiIndex.from_frame(self.table[keys].astype(beside.index.dtypes.to_dict())))
            columns = {f"true[{name}]": name for name in self.figures}
            self.true = {name: beside[key].to_numpy(np.float64) for key, name in columns.items() if key in beside}

    def _figures(self, study: Study) -> Iterator[tuple[str, tuple[str, str, np.ndarray]]]:
        """Label, unit and values a sheet of each figure, by name: the net promoter score, the gap, every construct."""
        item = study.instrument.nps_item
        if item is not None and item.code in study.table:
            yield NPS, ("Net promoter score", "points", points(study.table[item.code].to_numpy(np.float64)))
        both = [name for name in map(str, study.expected) if name in study.scores]
        if both:
            each = (study.scores[both] - study.expected[both]).to_numpy(np.float64)
            known = np.isfinite(each)
            with np.errstate(invalid="ignore", divide="ignore"):
                gap = np.where(known, each, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
            yield GAP, ("Service gap: met less expected", "scale points", gap)
        for name in map(str, study.scores):
            yield name, (study.label(name), "scale points", study.scores[name].to_numpy(np.float64))

    def enough(self, arm: str, wave: int) -> bool:
        """Whether an arm has enough sheets in a wave, and two a seed, without which a mean has no interval."""
        each = [len(self.places.get((arm, wave, seed), ())) for seed in self.seeds]
        return sum(each) >= ENOUGH and min(each) > 1

    def _mean(self, values: np.ndarray, place: Place, seed: int) -> tuple[float, np.ndarray, np.ndarray]:
        """A weighted mean, who answered, and each one's influence on it."""
        rows = self.places.get((*place, seed), np.empty(0, dtype=np.int64))
        rows = rows[np.isfinite(values[rows])]
        n, weight = len(rows), self.weights[rows]
        if n < 2 or weight.sum() <= 0:
            return np.nan, np.empty(0, dtype=np.int64), np.empty(0)
        share = weight / weight.sum()
        mean = float(share @ values[rows])
        return mean, self.respondent[rows], share * (values[rows] - mean) * np.sqrt(n / (n - 1))

    def _truth(self, name: str, place: Place, seed: int) -> float:
        """The bank's own score, or the mean of a construct over those who answered."""
        if name == NPS:
            return self.true_nps.get((place[0], seed, place[1]), np.nan)
        values = self.true.get(name)
        return np.nan if values is None else self._mean(values, place, seed)[0]

    def means(self, arm: str, wave: int) -> Iterator[Wave]:
        """Every figure of an arm in a wave."""
        place = arm, wave
        for name, (label, unit, values) in self.figures.items():
            found = [self._mean(values, place, seed) for seed in self.seeds]
            means = np.array([mean for mean, _, _ in found])
            if not np.isfinite(means).all():
                continue
            half = SURE * float(np.sqrt(sum((pull**2).sum() for _, _, pull in found))) / len(found)
            true = float(np.mean([self._truth(name, place, seed) for seed in self.seeds]))
            mean, sheets = float(means.mean()), sum(len(who) for _, who, _ in found)
            yield Wave(arm, wave, name, label, unit, mean, mean - half, mean + half, true, _true_unit(name), sheets)

    def contrasts(self, one: Place, other: Place) -> Iterator[Contrast]:
        """Every figure of one place less another, with the gain of asking whom both asked."""
        for name, (label, unit, values) in self.figures.items():
            gaps, true, paired, fresh = [], [], 0.0, 0.0
            for seed in self.seeds:
                (a, who_a, pull_a), (b, who_b, pull_b) = (self._mean(values, place, seed) for place in (one, other))
                gaps.append(a - b)
                true.append(self._truth(name, one, seed) - self._truth(name, other, seed))
                pulls = np.bincount(
                    np.concatenate([who_a, who_b]), np.concatenate([pull_a, -pull_b]), minlength=len(self.respondent)
                )
                paired += float((pulls**2).sum())
                fresh += float((pull_a**2).sum() + (pull_b**2).sum())
            mean = float(np.mean(gaps))
            if not np.isfinite(mean):
                continue
            half = SURE * float(np.sqrt(paired)) / len(gaps)
            gain = fresh / paired if paired > 0 else np.nan
            ends = mean - half, mean + half
            truth = float(np.mean(true)), _true_unit(name)
            yield Contrast(*one, *other, name, label, unit, mean, *ends, *truth, gain)


def _true_unit(name: str) -> str:
    return "points" if name == NPS else "SD of those asked"
