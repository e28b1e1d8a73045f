"""The model against formulas: whatever has a closed form comes back within Monte Carlo error (CONTRACT 3, SPEC 9.2)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from banks import TIERS, bank, everybody_awake, hazards, lived, monthly, only, over_time, scenario, tables

from sim.behaviour.service_law import service_law
from sim.codes import ACTIVE, DORMANT
from sim.measures.lifetime import expected_years, migration_value
from sim.scenario.scenario import Scenario

MANY = 200_000
SIGMAS = 4.0


def rate(probability: float) -> float:
    """Hazard rate of a monthly probability."""
    return -math.log1p(-probability)


def bare(
    close: float, dormant: float = 0.0, *, reactivate: float = 0.0, close_dormant: float = 0.0, **on: bool
) -> dict[str, Any]:
    """Model section with one hazard for everybody, as it stands, and every mechanism off but those named."""
    return {
        "mechanisms": only(**on),
        "normalise_hazards": False,
        "acquisition": everybody_awake(),
        "hazards": hazards(close, dormant, reactivate, close_dormant),
    }


def assert_share(observed: np.ndarray, expected: np.ndarray, n: float) -> None:
    """Each share of n customers lies within four binomial standard errors (and one customer) of its expectation."""
    observed, expected = np.asarray(observed), np.asarray(expected)
    error = SIGMAS * np.sqrt(expected * (1.0 - expected) / n) + 1.0 / n
    worst = np.argmax(np.abs(observed - expected) / error)
    assert np.all(np.abs(observed - expected) <= error), (observed.flat[worst], expected.flat[worst])


# --- survival --------------------------------------------------------------------------------------------------------


def test_one_hazard_gives_the_geometric_curve():
    """A1: active(t) / active(0) = (1 - h)^t."""
    h, months = 0.0125, 24
    active = over_time(monthly(lived(scenario(MANY, months=months, model=bare(h)))), "active")
    assert_share(active / active[0], (1 - h) ** np.arange(months + 1), active[0])


def test_two_hazards_multiply():
    """A1 with silent exits: active(t) / active(0) = ((1 - h_close) (1 - h_dormant))^t."""
    close, dormant, months = 0.004, 0.011, 24
    table = monthly(lived(scenario(MANY, months=months, model=bare(close, dormant))))
    active = over_time(table, "active")
    assert_share(active / active[0], ((1 - close) * (1 - dormant)) ** np.arange(months + 1), active[0])


def test_causes_compete_in_proportion_to_their_rates():
    """A4: P(cause c by t) = h_c / h (1 - e^(-h t)), h = -log(1 - probability)."""
    close, dormant, months = 0.01, 0.03, 24
    table = monthly(lived(scenario(MANY, months=months, model=bare(close, dormant), seeds=[1])))
    total, t = rate(close) + rate(dormant), np.arange(months + 1)
    for column, own in (("closed", rate(close)), ("went_dormant", rate(dormant))):
        gone = np.cumsum(over_time(table, column)) / MANY
        assert_share(gone, own / total * -np.expm1(-total * t), MANY)


def test_frailty_alone_bends_the_curve():
    """A3: S(t) = (1 + theta h t)^(-1/theta), population hazard falling as h / (1 + theta h t)."""
    h, theta, months = 0.03, 1.0, 36
    model = bare(h, frailty=True) | {"leaving": {"frailty": theta}}
    active = over_time(monthly(lived(scenario(MANY, months=months, model=model))), "active")
    expected = (1.0 + theta * rate(h) * np.arange(months + 1)) ** (-1.0 / theta)
    assert_share(active / active[0], expected, active[0])
    assert expected[-1] - (1 - h) ** months > 0.1  # far from the homogeneous curve


def test_tenure_bands_multiply_the_rate_of_newcomers():
    """A month of multiplier f is survived with probability (1 - h)^f: 3 for 3 months, 1.2 for nine, 1.1 for twelve."""
    h, months = 0.01, 24
    acquisition = everybody_awake() | {"tenure_mean": 0.0}
    model = bare(h, tenure=True) | {"acquisition": acquisition}
    population = {"shares": {"mass": 1.0, "affluent": 0.0, "wealth": 0.0, "private": 0.0}}
    active = over_time(monthly(lived(scenario(MANY, months=months, model=model, population=population))), "active")
    band = np.repeat([3.0, 1.2, 1.1], [3, 9, 12])
    assert_share(active / active[0], (1 - h) ** np.r_[0.0, np.cumsum(band)], active[0])


# --- dormancy --------------------------------------------------------------------------------------------------------


def test_dormant_stock_finds_its_balance():
    """A5: dormant / active -> p_D / (r + c_D + g), with g the growth of both (here a decline)."""
    close, dormant, reactivate, close_dormant, months = 0.01, 0.12, 0.10, 0.02, 40
    model = bare(close, dormant, reactivate=reactivate, close_dormant=close_dormant, reactivation=True)
    table = monthly(lived(scenario(MANY, months=months, model=model)))
    awake, asleep = rate(close) + rate(dormant), rate(reactivate) + rate(close_dormant)
    leave, wake = -np.expm1(-awake), -np.expm1(-asleep)
    p_dormant, p_return = leave * rate(dormant) / awake, wake * rate(reactivate) / asleep
    p_gone = wake - p_return
    step = np.array([[1 - leave, p_return], [p_dormant, 1 - wake]])
    path = np.array([np.linalg.matrix_power(step, t) @ [1.0, 0.0] for t in range(months + 1)])
    assert_share(over_time(table, "active") / MANY, path[:, 0], MANY)
    assert_share(over_time(table, "dormant") / MANY, path[:, 1], MANY)
    growth = float(np.linalg.eigvals(step).real.max()) - 1.0
    balance = p_dormant / (p_return + p_gone + growth)
    assert path[-1, 1] / path[-1, 0] == pytest.approx(balance, rel=1e-3)
    assert over_time(table, "dormant")[-1] / over_time(table, "active")[-1] == pytest.approx(balance, rel=0.02)


# --- Markov mode and customer value ----------------------------------------------------------------------------------

MATRIX = [[0.95, 0.05, 0.0, 0.0], [0.10, 0.80, 0.10, 0.0], [0.0, 0.05, 0.90, 0.05], [0.0, 0.0, 0.20, 0.80]]


@pytest.mark.parametrize(("period", "months"), [(1, 5), (3, 11)])
def test_markov_mode_follows_the_matrix(period, months):
    """A2: without exits tier shares after n periods are x0 P^n, the matrix drawn when month mod period = 0."""
    model = bare(0.0, wealth=True) | {"transitions": {"mode": "markov", "matrix": MATRIX, "period_months": period}}
    shares = {"mass": 0.4, "affluent": 0.3, "wealth": 0.2, "private": 0.1}
    ready = bank(scenario(MANY, months=months, model=model, population={"shares": shares}))
    ready.run()
    customers = monthly(ready).pivot(index="month", columns="tier", values="customers")[list(TIERS)].to_numpy()
    expected = [
        np.array(list(shares.values())) @ np.linalg.matrix_power(np.array(MATRIX), m // period)
        for m in range(months + 1)
    ]
    assert_share(customers / MANY, np.array(expected), MANY)
    c, bounds = ready.customers, np.append([tier.start for tier in ready.tiers], np.inf)
    assert np.all((c.aum >= bounds[c.tier] * (1 - 1e-6)) & (c.aum <= bounds[c.tier + 1]))  # wealth stays in the band


FIXTURE = np.array(
    [
        [0.833112, 0.006888, 0, 0, 0.128, 0.032],
        [0.103103, 0.777504, 0.029393, 0, 0.0585, 0.0315],
        [0, 0.053016, 0.882378, 0.004606, 0.030, 0.030],
        [0, 0, 0.12415, 0.83085, 0.018, 0.027],
        [0.069671, 0, 0, 0, 0.883371, 0.046958],
        [0, 0, 0, 0, 0, 1],
    ]
)
MARGIN = np.array([39.86, 1105.713, 4552.173, 30000.0, -4.0, 0.0])


@pytest.mark.parametrize("discount", [0.08, 0.10])
def test_customer_value_is_the_sum_of_discounted_margins(discount):
    """A2, SPEC 3.3: V = (I - P / (1 + d))^-1 R = sum over years of P^t R / (1 + d)^t."""
    total, margin = np.zeros(6), MARGIN.copy()
    for year in range(600):
        total += margin / (1.0 + discount) ** year
        margin = FIXTURE @ margin
    np.testing.assert_allclose(migration_value(FIXTURE, MARGIN, discount), total, rtol=1e-9, atol=1e-9)
    printed = {0.10: [378, 6413, 27449, 135276, 101, 0], 0.08: [441, 7056, 30172, 145087, 134, 0]}[discount]
    np.testing.assert_allclose(total, printed, rtol=2e-3, atol=0.6)  # SPEC's own figures, for orientation


def test_expected_years_of_the_fixture():
    """A2: expected years to closure = row sums of (I - Q)^-1; SPEC 3.3 prints them rounded."""
    np.testing.assert_allclose(expected_years(FIXTURE)[:5], [25.2, 26.0, 27.4, 28.5, 23.6], atol=0.06)
    np.testing.assert_allclose(expected_years(FIXTURE, range(4))[:5], [12.2, 14.4, 17.6, 19.6, 7.3], atol=0.06)


# --- wealth ----------------------------------------------------------------------------------------------------------


def test_aum_varies_and_forgets_as_an_autoregression():
    """A6: log AUM about its own mean has variance sigma^2 / (1 - (1 - kappa)^2) and autocorrelation (1 - kappa)^l."""
    n, kappa, sigma = 40_000, 0.1, 0.1
    still = {"satisfaction": 0.0, "contact": 0.0, "multihoming": 0.0, "yield_gap": 0.0}
    model = bare(0.0, wealth=True) | {
        "wealth": {"sd": sigma, "reversion": kappa, "growth": 0.0},
        "wallet": still,
        "life": {"events": 0.0},
    }
    ready = bank(scenario(n, months=72, model=model))
    share = np.log1p(np.exp(-ready.customers.wallet.astype(float)))
    path = []
    for month in range(1, 73):
        ready.step()
        if month in (60, 61, 66, 72):
            path.append(np.log(ready.customers.aum) + share - ready.customers.wealth_mean)
    here, *later = path
    # AUM is kept in whole fen nowhere but at birth; Student-t4 shocks: variance known to 5 standard errors, about 3 %
    assert here.var() == pytest.approx(sigma**2 / (1 - (1 - kappa) ** 2), rel=0.04)
    for lag, then in zip((1, 6, 12), later, strict=True):
        assert np.corrcoef(here, then)[0, 1] == pytest.approx((1 - kappa) ** lag, abs=SIGMAS / math.sqrt(n))


# --- managers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("span", [200, 350, 800])
def test_contacts_are_bounded_by_hours(span):
    """A7: with contacts of tau hours each manager makes min(book, H / tau) a month; coverage min(1, H / (n tau f))."""
    hours, tau = 50.0, 0.15
    by_phone = {tier: {"branch": 0.0, "phone": 1.0, "video": 0.0, "messaging": 0.0} for tier in TIERS}
    everyone = {tier: (1.0 if tier == "wealth" else 0.0) for tier in TIERS}
    s = scenario(
        20_000,
        months=4,
        model=bare(0.0, contacts=True) | {"contacts": {"opt_out": 0.0}},
        population={"shares": {"mass": 0.8, "affluent": 0.0, "wealth": 0.2, "private": 0.0}},
        managers={
            "span": {"wealth": span},
            "coverage": everyone,
            "mix": by_phone,
            "hours_per_month": hours,
            "contact_months": dict.fromkeys(TIERS, 1.0),
            "inbound_hours": dict.fromkeys(TIERS, 0.0),
        },
        channels={"phone": {"reach": 1.0, "hours": tau, "capacity": 1e6, "campaign": dict.fromkeys(TIERS, 0.0)}},
    )
    ready = bank(s)
    made = []
    plan_of = ready.team.plan

    def seen(*asked, **more):
        plan, work = plan_of(*asked, **more)
        made.append(work)
        return plan, work

    ready.team.plan = seen
    ready.run()
    for work in made:
        named = np.array([not manager.remote for manager in ready.team.managers])
        books, contacts = work.books[named], work.contacts[named]
        np.testing.assert_array_equal(contacts, np.minimum(books, np.floor(hours / tau + 1e-9)))
        assert contacts.sum() <= named.sum() * hours / tau
        coverage = contacts.sum() / books.sum()
        assert coverage == pytest.approx(min(1.0, hours / (books.mean() * tau)), abs=1.0 / books.min())


# --- feelings --------------------------------------------------------------------------------------------------------


def test_variable_service_lowers_satisfaction():
    """A9: E[S] = (lambda+ - lambda-) sd(d) / (sqrt(2 pi) rho), d = q - E of spread sd(q) sqrt(2 / (2 - gamma))."""
    n = MANY // 8
    s = service_every_month(n)
    law, feelings = service_law(s.model, s.channels), s.model.feelings
    spread = s.model.service.quality_sd * math.sqrt(2.0 / (2.0 - feelings.expectation))
    gain, loss = feelings.gain, feelings.gain * feelings.asymmetry
    formula = (gain - loss) * spread / (math.sqrt(2.0 * math.pi) * feelings.decay)
    assert law.mu == pytest.approx(formula, rel=1e-6)

    satisfaction = settled(n)
    assert satisfaction.mean() == pytest.approx(formula, abs=SIGMAS * satisfaction.std() / math.sqrt(n))


def service_every_month(customers: int) -> Scenario:
    """Nothing happens but a service experience of everybody every month, and tenure weighs nothing."""
    model = bare(0.0) | {"feelings": {"anchor_months": 1e9}}
    return scenario(customers, months=80, model=model, channels={"branch": {"inbound": 100.0}})


@lru_cache(maxsize=1)
def settled(customers: int) -> np.ndarray:
    """Raw satisfaction after 80 months of that."""
    ready = bank(service_every_month(customers))
    for _ in range(80):
        ready.step()
    return ready.customers.satisfaction.astype(float)


def spread_of_satisfaction(s: Scenario) -> float:
    """Stationary sd of S' = (1 - rho) S + a d + b |d| + c q, E' = E + gamma d, d = q - E, one experience a month.

    a d + c q = (a + c) q - a E. Expectation follows quality, so surprises sum to (E_t - E_0) / gamma: their linear part
    hardly accumulates, that of quality itself does. With v = var(q) and e = var(E) = gamma v / (2 - gamma),
    cov(S, E) = ((a + c) gamma v - a (1 - gamma) e) / (1 - (1 - rho) (1 - gamma)); the part of |d| is uncorrelated.
    """
    f, v = s.model.feelings, s.model.service.quality_sd**2
    loss, keep, gamma = f.gain * f.asymmetry, 1.0 - f.decay, f.expectation
    a, b = 0.5 * (f.gain + loss), 0.5 * (f.gain - loss)
    c, e = f.performance, gamma * v / (2.0 - gamma)
    surprise = v + e
    together = ((a + c) * gamma * v - a * (1.0 - gamma) * e) / (1.0 - keep * (1.0 - gamma))
    linear = (a + c) ** 2 * v + a * a * e - 2.0 * keep * a * together
    return math.sqrt((linear + b * b * surprise * (1.0 - 2.0 / math.pi)) / (1.0 - keep * keep))


def test_expectation_holds_satisfaction_together():
    """Spread of satisfaction beside A9, as in `spread_of_satisfaction`: surprises hardly add up."""
    n = MANY // 8
    assert settled(n).std() == pytest.approx(spread_of_satisfaction(service_every_month(n)), rel=0.02)


def test_stated_scale_of_satisfaction_is_its_spread():
    """DECISIONS 11: s is the closed-form spread of the service law, so that one SD is one SD."""
    s = service_every_month(MANY // 8)
    assert service_law(s.model, s.channels).sd == pytest.approx(spread_of_satisfaction(s), rel=0.02)


# --- adoption --------------------------------------------------------------------------------------------------------


def test_constant_adoption_fills_up_exponentially():
    """A15: with the intercept alone, p = logistic(a), users(t) = 1 - (1 - p)^t."""
    intercept, months = -3.0, 24
    nothing = {"usefulness": 0.0, "trust": 0.0, "age": 0.0, "peers": 0.0, "start": 0.0, "intercept": intercept}
    model = bare(0.0, adoption=True) | {"adoption": nothing}
    table = monthly(lived(scenario(MANY, months=months, model=model)))
    users = (table["digital_active"] * table["active"]).groupby(table["month"]).sum().to_numpy() / MANY
    p = 1.0 / (1.0 + math.exp(-intercept))
    assert_share(users, 1.0 - (1.0 - p) ** np.arange(months + 1), MANY)


# --- normalisation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("burn_in", [0, 6])
def test_normalised_hazards_are_population_means(burn_in):
    """DECISIONS 5: mean hazard of active customers by tier in the first measured month = the table of hazards."""
    s = scenario(
        1_000_000,
        months=1,
        burn_in=burn_in,
        population={"agents": MANY},
        model={"mechanisms": {"manager_turnover": False}},
    )
    ready = bank(s)
    ready.run()
    table = monthly(ready).pivot(index="month", columns="tier")
    c = ready.customers
    for k, tier in enumerate(TIERS):
        at_risk = table["active"][tier][0]
        rows = np.count_nonzero((c.tier == k) & (c.state != 2))
        weight = max(table["customers"][tier][1] / rows, 1.0)
        hazard = ready.settings.hazards[tier]
        for observed, wanted in (
            (table["closed"][tier][1] - table["closed_dormant"][tier][1], hazard.close),
            (table["went_dormant"][tier][1], hazard.dormant),
        ):
            error = SIGMAS * math.sqrt(wanted * (1 - wanted) * weight / at_risk) + weight / at_risk
            assert observed / at_risk == pytest.approx(wanted, abs=error), tier


def test_base_hazards_stand_as_they_are_when_asked():
    """`normalise_hazards: false`: the rates are -log(1 - h) of the file's numbers, whoever the customers are."""
    ready = bank(scenario(2_000, model={"normalise_hazards": False}))
    for k, tier in enumerate(TIERS):
        hazard = ready.settings.hazards[tier]
        assert ready.close_rate[k] == pytest.approx(rate(hazard.close), rel=1e-12)
        assert ready.dormant_rate[k] == pytest.approx(rate(hazard.dormant), rel=1e-12)


def test_survivors_by_cohort_agree_with_the_monthly_table():
    """The cohort table is the same life seen by tenure: its exits add up to the flows of the active."""
    ready = lived(scenario(20_000, months=12))
    all_tables = tables(ready)
    flows = all_tables["monthly"].groupby("tier")[["closed", "closed_dormant", "went_dormant"]].sum()
    cohorts = all_tables["cohorts"].groupby("tier")[["closed", "dormant"]].sum()
    np.testing.assert_array_equal(cohorts["closed"], flows["closed"] - flows["closed_dormant"])
    np.testing.assert_array_equal(cohorts["dormant"], flows["went_dormant"])
    assert {ACTIVE, DORMANT} <= set(np.unique(ready.customers.state))
