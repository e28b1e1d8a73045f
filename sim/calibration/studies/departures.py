"""Managers' departure by length of service, from the survival of staff (114 of them in banks).

The sample is of people who chose to answer, so that its rates are too high: one level is fitted beside the model's
three rates, and only what they are to one another is learned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sim.agents.manager_settings import Managers
from sim.calibration.problem import Floats, Learned, Target
from sim.calibration.studies.common import MANAGERS, Law, free, nuisance, poisson, table, told

name = "departures"
about = "managers' departure by length of service, from the survival of staff in banks"
files = ("hr_turnover/turnover.csv",)

PURPOSE = 5
YEAR = 12.0
BANKS = "Banks"
WITHIN = (0.0, 6.0, 12.0, 24.0, 36.0, 60.0, 84.0, np.inf)  # months: finer bands that check
BIAS = (0.5, 5.0)  # of the sample's rates over true ones
LEAST = 0.5  # events: the error of a band without any
PATHS = ("managers.turnover_junior", "managers.turnover", "managers.turnover_senior")
WORDS = ("junior", "middle", "senior")


def lives(folder: str | Path) -> dict[str, tuple[Floats, Floats]]:
    """Months of service and whether they ended by leaving, of staff in banks and elsewhere."""
    data = table(folder, files[0], encoding="latin-1")
    bank = (data.industry.str.strip() == BANKS).to_numpy()
    months, left = data.stag.to_numpy(np.float64), data.event.to_numpy(np.float64)
    return {"banks": (months[bank], left[bank]), "elsewhere": (months[~bank], left[~bank])}


def counted(months: Floats, left: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """Departures and years of service between the edges (months), both (edges - 1,)."""
    low, high = edges[:-1], edges[1:]
    served = np.clip(months[:, None], low, high) - low
    inside = (months[:, None] > low) & (months[:, None] <= high)
    return (inside * left[:, None]).sum(axis=0), served.sum(axis=0) / YEAR


def edges(managers: Managers = MANAGERS) -> Floats:
    """Bounds of junior, middle and senior service, months."""
    return np.array([0.0, managers.junior_months, managers.senior_months, np.inf])


def made(seen: dict[str, tuple[Floats, Floats]]) -> Law:
    """The problem, of lives in banks and elsewhere."""
    numbers = [free(path) for path in PATHS]
    numbers.append(nuisance("bias of the sample", *BIAS, 1.0, "ratio", "rates of who answered, over true ones", "log"))
    bands = edges()
    fine = np.array(WITHIN)
    seat = np.searchsorted(bands, fine[:-1], side="right") - 1  # the model's band of each finer one
    events, years = counted(*seen["banks"], bands)
    fine_events, fine_years = counted(*seen["banks"], fine)
    other_events, other_years = counted(*seen["elsewhere"], bands)

    targets = [
        Target(f"banks, {word}", e / y, np.sqrt(max(e, LEAST)) / y, "1/year", True, "departures a year of service")
        for word, e, y in zip(WORDS, events, years, strict=True)
    ]
    targets += [
        Target(
            f"banks, from {low:g} months",
            e / y,
            np.sqrt(max(e, LEAST)) / y,
            "1/year",
            False,
            "within the model's bands",
        )
        for low, e, y in zip(fine[:-1], fine_events, fine_years, strict=True)
    ]
    rate = other_events / other_years
    for k, word in ((0, "junior"), (2, "senior")):
        spread = np.sqrt(1.0 / max(other_events[k], LEAST) + 1.0 / max(other_events[1], LEAST))
        about_it = "ratio of rates, which the level of another sample leaves"
        targets.append(
            Target(
                f"elsewhere, {word} over middle",
                rate[k] / rate[1],
                rate[k] / rate[1] * spread,
                "ratio",
                False,
                about_it,
            )
        )

    n_fine = fine.size - 1
    gather = np.zeros((n_fine, 3))
    gather[np.arange(n_fine), seat] = 1.0

    def law(theta: Floats, z: Floats) -> Floats:
        rates = theta[:, :3] * theta[:, 3:4]
        small = poisson(rates[:, seat] * fine_years, z[:, :n_fine])  # the model's bands are sums of the finer ones
        far = poisson(rates * other_years, z[:, n_fine : n_fine + 3]) / other_years
        middle = np.maximum(far[:, 1:2], LEAST / other_years[1])
        return np.concatenate([small @ gather / years, small / fine_years, far[:, [0, 2]] / middle], axis=1)

    def of_data(theta: Floats, rates: Floats) -> Floats:
        mean = np.maximum(theta[:, :3] * theta[:, 3:4] * years, 1e-300)
        return np.asarray((rates[:3] * years * np.log(mean) - mean).sum(axis=1))

    covariance = np.diag([target.error**2 for target in targets])
    covariance[:3, 3 : 3 + n_fine] = (gather * fine_events.clip(LEAST)[:, None] / fine_years[:, None] / years).T
    covariance[3 : 3 + n_fine, :3] = covariance[:3, 3 : 3 + n_fine].T
    return Law(name, numbers, targets, covariance, law, n_fine + 3, PURPOSE, of_data)


def problem(folder: str | Path) -> Law:
    """Turnover of junior, middle and senior managers from staff in banks; other industries check."""
    return made(lives(folder))


def learned(fit: Any) -> Learned:
    """What the page says."""
    rates = np.asarray(fit.draws)[:, :3]
    junior, senior = rates[:, 0] / rates[:, 1], rates[:, 2] / rates[:, 1]
    return Learned(
        "114 people employed in banks, 75 of whom left: months of service and how they ended; a self-selected sample.",
        "Three rates by service and the bias of the sample, by departures and years of service in the model's bands.",
        f"Turnover of juniors over that of the middle is {told(junior)}, of seniors {told(senior)}. The level is not "
        "identified: the bias of the sample takes any of it.",
        "The level stays. The data do not show the low turnover of senior managers that the default has.",
        (("junior over middle", float(junior.mean())), ("senior over middle", float(senior.mean()))),
    )
