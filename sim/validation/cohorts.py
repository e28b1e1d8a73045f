"""Stylised facts about cohorts, answers and cross-buyers: tenure (V5), frailty (V6), surveys (V25), profit (V27)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln

from sim.bank.outcomes import Outcomes
from sim.bank.respondents import customers as respondents
from sim.behaviour.settings import Mechanisms
from sim.codes import ACTIVE
from sim.survey.holding.fieldwork import hold
from sim.survey.holding.sampling import chances
from sim.survey.holding.settings import Answering, mode_of
from sim.survey.instrument.reading import read_instrument
from sim.validation.banks import TIERS, at_the_start, bank, live, scenario, tables
from sim.validation.customers import YEAR, Figures, Run
from sim.validation.events import NOBODY_JOINS, awake

# --- V5: years two to four -------------------------------------------------------------------------------------------

YEARS = {"year 1": (0, 11), "years 2 to 4": (12, 47), "year 5 on": (48, 240)}


def hump(run: Run) -> Figures:
    """Hazard of years two to four over that of year one and of year five on, by tier; tiers alike in the pooled one."""
    table = run.tables["cohorts"]
    exits, risk = np.zeros((len(TIERS), len(YEARS))), np.zeros((len(TIERS), len(YEARS)))
    for k, tier in enumerate(TIERS):
        of = table[table["tier"] == tier].set_index("tenure_month")
        for y, (first, last) in enumerate(YEARS.values()):
            exits[k, y] = (of.loc[first:last, "closed"] + of.loc[first:last, "dormant"]).sum()
            risk[k, y] = of.loc[first:last, "at_risk"].sum()

    def ratio(tiers: list[int], other: int) -> float:
        """Mantel-Haenszel over tiers: years two to four over another span."""
        both = risk[tiers, 1] + risk[tiers, other]
        up = (exits[tiers, 1] * risk[tiers, other] / both).sum()
        return float(up / (exits[tiers, other] * risk[tiers, 1] / both).sum())

    return {
        "wealth and private, years 2 to 4 over year 1": ratio([2, 3], 0),
        "wealth and private, years 2 to 4 over year 5 on": ratio([2, 3], 2),
        "affluent, years 2 to 4 over year 1": ratio([1], 0),
        "affluent, years 2 to 4 over year 5 on": ratio([1], 2),
    }


# --- V6: frailty alone -----------------------------------------------------------------------------------------------

CONSTANT = 0.0125  # a month, SPEC 9.2 A1


def frailty_alone(customers: int, years: int, seed: int) -> dict[str, Figures]:
    """A cohort whose members each have a constant hazard: yearly retention by age, and which law fits its survivors."""
    by_tier = {tier: {"close": CONSTANT, "dormant": 0.0} for tier in TIERS}
    model = {
        "mechanisms": dict.fromkeys(Mechanisms.model_fields, False) | {"frailty": True},
        "normalise_hazards": False,
        "acquisition": {"dormant_at_start": dict.fromkeys(TIERS, 0.0)},
        "hazards": by_tier | {"dormant": {"reactivate": 0.0, "close": 0.0}},
    }
    run = Run(tables(live(bank(scenario(customers, months=years * YEAR, model=model), seed))))
    alive = run.by_tier("active").sum(axis=1)[::YEAR]
    retention = alive[1:] / alive[:-1]
    gain, alpha, beta = laws(alive)
    return {
        "v6": {
            "retention of the last year less that of the first": float(retention[-1] - retention[0]),
            "log likelihood, beta-geometric less geometric": gain,
            **{f"retention of year {year + 1}": float(kept) for year, kept in enumerate(retention)},
            "alpha of the beta-geometric": alpha,
            "beta of the beta-geometric": beta,
        }
    }


def laws(alive: np.ndarray) -> tuple[float, float, float]:
    """Log likelihood of survivors under a shifted beta-geometric less under a geometric law; its alpha and beta.

    Survivors are counted at ages 0, 1, ...: S(t) = B(alpha, beta + t) / B(alpha, beta) [F72].
    """
    lost, last, t = -np.diff(alive), alive[-1], np.arange(alive.size)

    def likelihood(survival: np.ndarray) -> float:
        return float(lost @ np.log(-np.diff(survival)) + last * np.log(survival[-1]))

    def beta_geometric(at: np.ndarray) -> np.ndarray:
        a, b = np.exp(at)
        return np.exp(betaln(a, b + t) - betaln(a, b))

    churn = lost.sum() / alive[:-1].sum()
    found = minimize(lambda at: -likelihood(beta_geometric(at)), np.log([1.0, 6.0]), method="Nelder-Mead")
    alpha, beta = np.exp(found.x)
    return float(-found.fun) - likelihood((1.0 - churn) ** t), float(alpha), float(beta)


# --- V25, V27: what a survey says, and who pays ----------------------------------------------------------------------

SHEETS = 4000
GIVING_UP = "swi3"  # "I am thinking of giving up this bank."
AGREES = 4  # of five points, and more


def asked_and_followed(customers: int, seed: int) -> dict[str, Figures]:
    """A bank asked online at month 0 and followed for a year: answers against everybody, and what each one earns."""
    start = at_the_start(scenario(customers, months=YEAR, burn_in=24, model=NOBODY_JOINS), seed)
    start.begin_measuring()
    answering, instrument = Answering(), read_instrument("customers")
    people = respondents(start, answering)
    felt, rows = people.measures["satisfaction"], np.arange(people.uid.size)
    chance = chances(people, rows, mode_of("customers", "simple"), answering)
    held = hold(instrument, people, n=min(SHEETS, customers // 20), settings=answering, with_bias=False)
    intends = held.sheets[GIVING_UP].dropna().astype(float)
    there, outcomes = awake(start), Outcomes(start)
    buyers = (start.customers.state[outcomes.rows] == ACTIVE) & (start.customers.products[outcomes.rows] > 1)
    adverse = start.customers.adverse[outcomes.rows][buyers] != 0
    while start.month < YEAR:
        start.step()
        outcomes.month(start)
    left = float(np.mean(~awake(start)[there]))
    profit = outcomes.ended(start)["profit"][buyers]
    stated = float((intends >= AGREES).mean())
    return {
        "v25": {
            "satisfaction of those who answer less that of all customers, SD": float(
                np.average(felt, weights=chance) - felt.mean()
            ),
            "stated intent over leaving within a year": stated / left,
            "think of giving up the bank": stated,
            "leave within a year": left,
        },
        "v27": {
            "cross-buyers who lose the bank money": float(np.mean(profit < 0)),
            "the same, those whose further products earn": float(np.mean(profit[~adverse] < 0)),
            "the same, those whose further products cost": float(np.mean(profit[adverse] < 0)),
            "cross-buyers whose further products cost": float(np.mean(adverse)),
        },
    }
