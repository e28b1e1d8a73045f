"""Which pilot to run: a randomised trial of what one assumption governs, its power, its cost and what it would tell.

Half of a pilot's customers get the treatment, drawn by lot. What it counts says something of the assumption, with a
normal error that the number of customers and months decides. The expected value of sample information (EVSI) is worked
out from the curves of `curves`: each value of the assumption would give readings by that law, each reading a posterior
by Bayes' rule, and the arm that is best under it is chosen. Readings are put in narrow bins: that loses a little, and
EVSI can never pass EVPPI. The regression of Strong, Oakley, Brennan & Breeze
on simulated summaries comes to the same with many worlds and to noise with few.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from pydantic import Field

from sim.analysis.study import Array
from sim.analysis.worth.curves import Curves, above_best
from sim.analysis.worth.evppi import DRAWS
from sim.assumptions import Settings, assumption

Kind = Literal["events", "odds", "mean", "share"]
Scale = Literal["log", "ratio", "change", "part", "level"]

BINS = 256  # of readings
TAILS = 4.0  # standard errors of readings beyond the largest and smallest
LARGEST = 20.0  # logarithm of a ratio
SMALLEST = 1e-9  # ratio that still has a logarithm
BETWEEN = 0.1, 0.9  # the ends of the range at which power is told, as shares of the worlds


@dataclass(frozen=True)
class Outcome:
    """What a pilot would count to learn an assumption, and on whom.

    `kind`: "events" (exits, sales: how often, a log rate ratio), "odds" (taking up the app: monthly log odds), "mean"
    (a survey, a share of wallet: a difference of means), "share" (a share seen among the treated alone).
    `base` is the monthly chance of the event without the treatment, or the standard deviation between customers for a
    mean. `scale` is how the assumption's unit becomes the effect: "log" as it stands, "ratio" by its logarithm,
    "change" by that of 1 + it, "part" as a ratio that a share `contrast` of the customers has and the others have not,
    "level" as it stands (mean, share). `contrast` is else how many units of what the assumption multiplies lie between
    with and without. By `after` months 63 % of the effect are there. Of customers asked,
    `answers` are heard. `contacts` and `price` are those of the treatment, a customer-month and a contact; `running`
    what the strategy costs a month for all `customers`, of which a pilot pays its share. `inflation` of the variance is
    for lots drawn between groups of customers that are alike. `unit` is what 1 of the assumption stands for, where it
    is a factor on numbers of the scenario. Money in the model's unit.
    """

    kind: Kind
    counts: str  # what is counted, in words: "exits"
    who: str  # on whom, in words: "wealth customers"
    customers: float
    base: float
    scale: Scale = "level"
    contrast: float = 1.0
    after: float = 0.0
    answers: float = 1.0
    contacts: float = 1.0
    price: float = 0.0
    running: float = 0.0
    inflation: float = 1.0
    unit: float = 1.0

    def effect(self, x: Array, months: float) -> Array:
        """What the pilot would see of these values without error: a log rate ratio, log odds, a mean or a share."""
        x = x * self.unit
        if self.scale == "part":
            return np.asarray(np.log1p(np.maximum(self.contrast * (x - 1.0), SMALLEST - 1.0)))
        shifted = x + 1.0 if self.scale == "change" else x
        size = x if self.scale in ("log", "level") else np.log(np.maximum(shifted, SMALLEST))
        grown = -math.expm1(-months / self.after) if self.after > 0 else 1.0
        if self.after > 0 and self.kind in ("events", "odds"):  # they are counted all the while
            grown = 1.0 - self.after / months * grown
        return np.asarray(self.contrast * grown * size)

    def error(self, effect: Array, each: float, months: float) -> Array:
        """Standard error of what it sees, with so many customers in each half."""
        heard = each * self.answers / self.inflation
        if self.kind == "mean":
            return np.full_like(effect, self.base * math.sqrt(2.0 / heard))
        if self.kind == "share":
            share = np.clip(effect, 1.0 / heard, 1.0 - 1.0 / heard)
            return np.asarray(np.sqrt(share * (1.0 - share) / (heard * max(self.contacts * months, 1.0))))
        if self.kind == "odds":
            halves = [self.base / (1.0 - self.base) * np.exp(self._within(effect) * on) for on in (0.0, 1.0)]
            chances = [odds / (1.0 + odds) for odds in halves]
            seen = [heard * -np.expm1(months * np.log1p(-one)) * (1.0 - one) for one in chances]  # information
        else:
            rate = -math.log1p(-self.base)
            seen = [heard * -np.expm1(-rate * months * np.exp(self._within(effect) * on)) for on in (0.0, 1.0)]
        return np.asarray(np.sqrt(sum(1.0 / np.maximum(one, np.finfo(float).tiny) for one in seen)))

    @staticmethod
    def _within(effect: Array) -> Array:
        """Logarithms of ratios that stay numbers, and chances that stay below 1."""
        return np.clip(effect, -LARGEST, LARGEST)


class Prices(Settings):
    """What pilots cost beyond the treatment, and which are looked at."""

    setup: float = assumption(150_000.0, "CNY", plausible=(30_000, 500_000), allowed=(0, 1e9), source="assumption")
    """drawing the lots, systems, an analyst: once a pilot"""
    monthly: float = assumption(15_000.0, "CNY/month", plausible=(5_000, 50_000), allowed=(0, 1e8), source="assumption")
    """keeping the halves apart and counting"""
    answer: float = assumption(20.0, "CNY/answer", plausible=(5, 60), allowed=(0, 1e5), source="assumption")
    """a survey's answer, where customers have to be asked"""
    false_alarm: float = assumption(0.05, "chance", plausible=(0.01, 0.1), allowed=(0.0001, 0.5), source="choice")
    """of calling an effect there that is not, for the power that is told"""
    months: list[int] = Field(
        default_factory=lambda: [3, 6, 12],
        min_length=1,
        description="lengths that are looked at",
        json_schema_extra={"unit": "months"},
    )
    smallest: int = Field(
        default=500,
        ge=10,
        description="smallest half that is looked at; then doubled",
        json_schema_extra={"unit": "customers"},
    )
    largest: int = Field(default=64_000, ge=10, description="largest half", json_schema_extra={"unit": "customers"})


@dataclass(frozen=True)
class Pilot:
    """One pilot of one size. Money in the model's unit; `worth` is EVSI less what waiting for it forgoes."""

    parameter: str
    outcome: Outcome = field(repr=False)
    each: int
    months: int
    power_low: float
    power_high: float
    assurance: float
    cost: float
    evsi: float
    worth: float

    @property
    def net(self) -> float:
        """What it is worth less what it costs."""
        return self.worth - self.cost


def evsi(x_effect: Array, error: Array, curve: Array) -> Any:
    """Expected value of seeing an effect (m,) with normal errors (m,), for the worth of arms (..., m, arms)."""
    from scipy.special import ndtr

    low, high = float((x_effect - TAILS * error).min()), float((x_effect + TAILS * error).max())
    edges = np.linspace(low, high, BINS - 1)
    below = ndtr((edges - x_effect[:, None]) / error[:, None])
    chance = np.diff(below, axis=1, prepend=0.0, append=1.0) / len(x_effect)  # (m, bins), adding up to 1
    return np.einsum("mb,...ma->...ba", chance, above_best(curve)).max(axis=-1).sum(axis=-1)


def pilots_of(found: Curves, j: int, outcome: Outcome, prices: Prices, horizon: float) -> Iterator[Pilot]:
    """Every size that is looked at, smallest first; none where there are too few customers."""
    x, curve = found.x[j], found.curve(j)
    for months in prices.months:
        if months >= horizon:
            continue
        effect = outcome.effect(x, months)
        each = prices.smallest
        while each <= min(prices.largest, outcome.customers / 2):
            error = outcome.error(effect, each, months)
            found_out = float(evsi(effect, error, curve))
            power = _power(effect - (effect.mean() if outcome.kind == "share" else 0.0), error, prices.false_alarm)
            ends = [float(power[round(end * (len(x) - 1))]) for end in BETWEEN]
            yield Pilot(
                found.names[j],
                outcome,
                each,
                months,
                ends[0],
                ends[1],
                float(power.mean()),
                cost(outcome, each, months, prices),
                found_out,
                found_out * (1.0 - months / horizon),
            )
            each *= 2


def spread_of(found: Curves, pilot: Pilot, rng: np.random.Generator) -> float:
    """Standard error of a pilot's EVSI, over curves drawn from the law of their coefficients."""
    j = found.names.index(pilot.parameter)
    effect = pilot.outcome.effect(found.x[j], pilot.months)
    error = pilot.outcome.error(effect, pilot.each, pilot.months)
    return float(np.std(evsi(effect, error, found.draws(j, DRAWS, rng)), ddof=1))


def cost(outcome: Outcome, each: int, months: int, prices: Prices) -> float:
    """What a pilot costs: set-up, months, contacts of the treated, answers, a share of the strategy's running cost."""
    asked = prices.answer * 2.0 * each * outcome.answers if outcome.answers < 1.0 else 0.0
    treated = each * months * outcome.contacts * outcome.price
    return (
        prices.setup + prices.monthly * months + treated + asked + outcome.running * months * each / outcome.customers
    )


def _power(effect: Array, error: Array, false_alarm: float) -> Array:
    """Chance that a two-sided test calls the effect there."""
    from scipy.special import ndtr, ndtri

    z, edge = np.abs(effect) / error, ndtri(1.0 - false_alarm / 2.0)
    return np.asarray(ndtr(z - edge) + ndtr(-z - edge))
