"""The calibrations that come with the program: people made up one by one with known numbers are given back, the laws
hold against a bank that has lived, and the real data give what the literature says they do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from banks import TIERS, bank, everybody_awake, hazards, live, lived, monthly, only, over_time, scenario
from scipy.optimize import minimize

from sim.behaviour.rates import promoters
from sim.calibration.checks import rank_checks, sbc
from sim.calibration.file import read_calibration, shipped
from sim.calibration.inference import fit
from sim.calibration.studies import STUDIES, attrition, balances, common, contacts, departures, frailty, loyalty, wealth
from sim.calibration.studies.common import MODEL, Law
from sim.calibration.terms import Inference
from sim.errors import BadInput

DATA = Path(os.environ.get("SIM_DATA_DIR", Path(__file__).parents[2] / "shared" / "data"))
SIGMAS = 4.0
THOUSANDS = 20  # customers of a made-up cohort


def real(name: str) -> Any:
    """The problem of a study from the real data."""
    for file in STUDIES[name].files:
        if file not in wealth.OWN and not (DATA / file).is_file():
            pytest.skip(f"no {file} under {DATA}: set SIM_DATA_DIR to the folder of the public data sets")
    return STUDIES[name].problem(DATA)


def best(law: Law) -> np.ndarray:
    """Numbers of the largest likelihood inside the prior."""
    low, high = (np.array([getattr(one, end) for one in law.free]) for end in ("low", "high"))

    def inside(x: np.ndarray) -> np.ndarray:
        return low + (high - low) / (1.0 + np.exp(-np.clip(x, -30, 30)))

    def loss(x: np.ndarray) -> float:
        return -float(law.log_likelihood(inside(x)[None])[0])

    found = minimize(
        loss, np.zeros(len(law.free)), method="Nelder-Mead", options={"maxiter": 8000, "maxfev": 8000, "xatol": 1e-5}
    )
    return inside(found.x)


# --- people made up one by one ----------------------------------------------------------------------------------------


def made_up_cohorts(
    theta: float, hazard: tuple[float, float], n: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Survival of two cohorts of customers with gamma frailty, month by month by the model's tenure multipliers."""
    out = {}
    for (segment, tier), h in zip(frailty.SEGMENTS.items(), hazard, strict=True):
        worn = np.concatenate([[0.0], frailty.exposure(tier, 7)])
        u = rng.gamma(1.0 / theta, theta, n)
        lived_through = rng.exponential(1.0, n)  # of cumulative hazard
        out[segment] = np.array([(lived_through > u * h * w).mean() for w in worn])
    return out


def made_up_calls(conversion: float, decay: float, need: float, n: int, rng: np.random.Generator) -> contacts.Calls:
    """Customers with a latent need, called until they say yes or the bank gives up; success rises as calls become few.

    Thrown together, their success falls with the number of the call by the calendar alone.
    """
    spell = np.sort(rng.integers(0, 20, n))
    level = np.exp(0.1 * (spell - 10.0))
    base = conversion * level / level.mean()
    z = rng.normal(size=n)
    chance = np.minimum(base * np.exp(need * z), 1.0)
    before = np.where(rng.random(n) < chance, "success", "failure").astype(object)
    before[rng.random(n) < 0.5] = "nonexistent"
    goes_on = 0.8 - 0.02 * spell
    number, yes, open_ = np.ones(n, int), np.zeros(n, bool), np.ones(n, bool)
    for k in range(contacts.CALLS + 3):
        won = open_ & (rng.random(n) < chance * decay**k)
        yes |= won
        open_ &= ~won & (rng.random(n) < goes_on)
        number += open_
    return contacts.counted(spell, number, yes, before)


def made_up_lives(rates: tuple[float, ...], n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Staff who leave at a yearly rate by months of service, watched for a random while."""
    bounds = departures.edges()
    step = np.array([bounds[1], bounds[2] - bounds[1]]) / 12.0
    worn = np.array([0.0, rates[0] * step[0], rates[0] * step[0] + rates[1] * step[1]])
    use = rng.exponential(1.0, n)
    seat = np.searchsorted(worn, use, side="right") - 1
    months = bounds[seat] + 12.0 * (use - worn[seat]) / np.array(rates)[seat]
    watched = rng.uniform(1.0, 150.0, n)
    return np.minimum(months, watched), (months <= watched).astype(float)


def made_up_balances(theta: dict[str, float], n: int, months: int, rng: np.random.Generator, who: str) -> np.ndarray:
    """Log balances (n, months): own mean, the model's AR(1) and what passes."""

    def walk(sd: float, memory: float) -> np.ndarray:
        out = np.empty((n, months))
        out[:, 0] = rng.normal(size=n) * sd
        for t in range(1, months):
            out[:, t] = memory * out[:, t - 1] + rng.normal(size=n) * sd * np.sqrt(1.0 - memory**2)
        return out

    memory = 1.0 - theta["model.wealth.reversion"]
    own = walk(theta["model.wealth.sd"] / np.sqrt(1.0 - memory**2), memory)
    passing = walk(theta[f"{who}: passing sd"], theta[f"{who}: passing memory"])
    return np.asarray(theta.get("savings: spread", 0.8) * rng.normal(size=n)[:, None] + own + passing)


def made_up_snapshots(theta: dict[str, float], n: int, rng: np.random.Generator) -> np.ndarray:
    """The four snapshots (n, 4) of whom the quarter's balance is above a bound, as in the file."""
    by_month = made_up_balances(theta, n, 6, rng, "savings")
    shots = np.column_stack([by_month[:, [m - 1 for m in when]].mean(axis=1) for when in balances.SHOTS.values()])
    return shots[shots[:, balances.GIVEN] > np.quantile(shots[:, balances.GIVEN], 0.2)]


def made_up_answers(
    load: np.ndarray, thresholds: tuple[float, float], n: int, rng: np.random.Generator
) -> loyalty.Answers:
    """Answers from one factor: three items of loyalty and satisfaction, cut into 0 to 10."""
    factor = rng.normal(size=(n, 1))
    latent = factor * load + rng.normal(size=(n, 4)) * np.sqrt(1.0 - load**2)
    down, up = thresholds
    cuts = np.concatenate([np.linspace(-2.2, down, 7), [(down + up) / 2, up, up + 0.5]])
    return loyalty.Answers(np.stack([np.searchsorted(cuts, latent[:, i]) for i in range(4)], axis=1).astype(float))


WEALTH = {
    "model.wealth.sd": 0.12,
    "model.wealth.reversion": 0.04,
    "savings: spread": 0.8,
    "savings: passing sd": 0.3,
    "savings: passing memory": 0.4,
    "accounts: passing sd": 0.25,
    "accounts: passing memory": 0.5,
}


def made_up_problem(name: str, seed: int = 1) -> tuple[Law, dict[str, float]]:
    """A study's problem of made-up people, and the numbers they were made of."""
    rng = np.random.default_rng(seed)
    if name == "frailty":
        truth = {"model.leaving.frailty": 0.6, "hazard, Regular": 0.02, "hazard, High End": 0.01}
        return frailty.made(made_up_cohorts(0.6, (0.02, 0.01), THOUSANDS * frailty.COHORT, rng)), truth
    if name == "contacts":
        values = (0.055, 0.93, 0.6)
        law = contacts.made(made_up_calls(*values, 400_000, rng))
        return law, dict(zip(contacts.PATHS, values, strict=True))
    if name == "departures":
        rates, bias = (0.35, 0.2, 0.1), 1.6
        lives = made_up_lives(tuple(bias * rate for rate in rates), 20_000, rng)
        truth = dict(zip(departures.PATHS, rates, strict=True)) | {"bias of the sample": bias}
        return departures.made({"banks": lives, "elsewhere": lives}), truth
    if name == "wealth":
        logs = made_up_balances(WEALTH, 4_000, 40, rng, "accounts")
        month = np.tile(np.arange(40), 4_000)
        frame = pd.DataFrame({"id": np.repeat(np.arange(4_000), 40), "month": month, "aum": np.exp(logs).ravel()})
        return wealth.made(made_up_snapshots(WEALTH, 30_000, rng), frame), WEALTH
    if name == "loyalty":
        load, thresholds = np.array([0.8, 0.6, 0.75, 0.85]), (-0.8, 0.4)
        truth = {"model.loyalty.nps_loading": 0.75, "loading of staying": 0.8, "loading of loy2": 0.6}
        truth |= {"satisfaction and loyalty": 0.85}
        return loyalty.made(made_up_answers(load, thresholds, 20_000, rng)), truth
    quarter = np.exp(7.3 + rng.exponential(1.0, 60_000))
    trend = np.clip(rng.normal(0.0, 0.5, quarter.size), -attrition.SLOWEST, attrition.SLOWEST)
    log_hazard = -3.0 + 1.5 * np.sqrt(np.maximum(-trend, 0)) + 1.2 * np.sqrt(np.abs(trend))
    log_hazard += 0.1 * np.log(quarter / quarter.min())
    hazard = np.exp(log_hazard) * rng.gamma(1.0, 1.0, quarter.size)
    fell = rng.random(quarter.size) < -np.expm1(-hazard)
    law = attrition.made(attrition.cells(quarter, quarter * np.exp(trend), fell.astype(float)))
    return law, {"emptied": -3.0, "money first": 1.5, "movers": 1.2, "height": 0.1, "unseen": 1.0}


# how far from the truth the best numbers of these many people may be: where data do not say, nothing is asked
WITHIN = {
    "frailty": {"model.leaving.frailty": 0.1, "hazard, Regular": 0.002, "hazard, High End": 0.001},
    "contacts": {"channels.phone.conversion": 0.004, "model.contacts.attempt_decay": 0.02},
    "departures": {},
    "wealth": {"accounts: passing sd": 0.06, "savings: passing sd": 0.1},
    "loyalty": {"model.loyalty.nps_loading": 0.03, "loading of loy2": 0.03, "satisfaction and loyalty": 0.03},
    "attrition": {"emptied": 0.15, "money first": 0.25, "movers": 0.3, "height": 0.05},
}


@pytest.mark.parametrize("name", STUDIES)
def test_people_made_up_are_given_back(name: str) -> None:
    law, truth = made_up_problem(name)
    found = dict(zip([one.path for one in law.free], best(law), strict=True))
    for path, within in WITHIN[name].items():
        assert found[path] == pytest.approx(truth[path], abs=within), (path, found)
    if name == "departures":  # the level is the sample's; what is learned are ratios
        junior, middle, senior = (found[path] for path in departures.PATHS)
        assert junior / middle == pytest.approx(0.35 / 0.2, rel=0.1)
        assert senior / middle == pytest.approx(0.1 / 0.2, rel=0.1)
    if name == "loyalty":
        shares = law.observed[6], law.observed[7]
        from scipy.special import ndtri

        level, up, down = (found[path] for path in loyalty.PATHS[1:])
        assert level - up == pytest.approx(ndtri(shares[0]), abs=0.03)
        assert down - level == pytest.approx(ndtri(shares[1]), abs=0.03)


@pytest.mark.parametrize("name", STUDIES)
def test_laws_make_what_the_people_did(name: str) -> None:
    """At the numbers the people were made of, every statistic lies within its error of the law, used or not."""
    law, truth = made_up_problem(name, seed=2)
    theta = np.array([[truth.get(one.path, one.value) for one in law.free]])
    if name == "loyalty":
        theta[0, 1:4] = 0.0, 0.4, -0.8
    if name == "attrition":
        theta[0, 1] = 0.0  # of satisfaction these people have none
    seen = law.law(np.repeat(theta, 400, 0), common.normals(np.arange(400), law.draws, law.purpose))
    off = (law.observed - seen.mean(axis=0)) / np.sqrt(np.diag(law.covariance))
    worst = int(np.argmax(np.abs(off)))
    assert abs(off[worst]) < SIGMAS, (law.targets[worst].name, off[worst])


@pytest.mark.parametrize("name", STUDIES)
def test_luck_is_keyed_and_noise_is_as_stated(name: str) -> None:
    law, truth = made_up_problem(name)
    theta = np.array([[truth.get(one.path, one.value) for one in law.free]])
    again = law.simulate(np.repeat(theta, 3, 0), np.array([5, 9, 5]))
    assert np.array_equal(again[0], again[2])
    assert not np.array_equal(again[0], again[1])
    assert law.simulate(theta, np.array([9]))[0] == pytest.approx(again[1], rel=1e-12)  # alone or among others
    many = law.simulate(np.repeat(theta, 4000, 0), np.arange(4000))
    stated, made = np.sqrt(np.diag(law.covariance)), many.std(axis=0)
    rare = np.array([target.value < 5 * target.error for target in law.targets])  # few events: the error is no guide
    keep = ~rare
    if name == "departures":
        keep[:] = True
    of_law = np.abs(made[keep] / stated[keep] - 1.0)
    assert np.quantile(of_law, 0.75) < 0.25
    assert law.covariance.shape == (len(law.targets),) * 2
    assert np.all(np.linalg.eigvalsh(law.covariance) > -1e-12)


@pytest.mark.long
@pytest.mark.parametrize("name", STUDIES)
def test_stated_errors_are_those_of_other_people_made_up_alike(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spread of each statistic over forty sets of people, over its standard error as one of them states it."""
    monkeypatch.setattr(balances, "OF_LAW", 0.0)  # of sampling alone
    laws = [made_up_problem(name, seed)[0] for seed in range(10, 50)]
    spread = np.array([law.observed for law in laws]).std(axis=0, ddof=1)
    stated = np.sqrt(np.mean([np.diag(law.covariance) for law in laws], axis=0))
    ratio = spread / stated
    if name == "frailty":  # errors are stated for a thousand customers, and these are so many thousand
        ratio *= np.sqrt(THOUSANDS)
    assert 0.85 < np.median(ratio) < 1.15, ratio
    assert ratio.min() > 0.55, ratio
    assert ratio.max() < 1.55, ratio


@pytest.mark.parametrize("name", STUDIES)
def test_numbers_of_the_model_have_their_range_from_the_assumption(name: str) -> None:
    law, _ = made_up_problem(name)
    for one in law.free:
        assert one.low < one.high
        if one.nuisance:
            assert one.path.split(".")[0] not in common.SECTIONS
        else:
            known = common.free(one.path)
            assert known.low <= one.low < one.high
            assert one.value == known.value
            assert one.unit
    assert any(not one.nuisance for one in law.free)
    assert any(target.used for target in law.targets)
    assert any(not target.used for target in law.targets), "nothing is held out to check by"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for name, study in STUDIES.items():
        with pytest.raises(BadInput, match="no such file"):
            study.problem(tmp_path)
        assert study.name == name


def test_an_unknown_path_is_no_number() -> None:
    with pytest.raises(KeyError):
        common.free("model.contacts.nothing")
    assert common.free("managers.span.mass").value == 8000.0


def test_counts_by_quantile_are_the_binomial_and_the_poisson() -> None:
    from scipy import stats

    u = (np.arange(2000) + 0.5) / 2000
    z = stats.norm.ppf(u)
    for n, p in ((400, 0.03), (400, 0.5), (12_000, 0.01)):
        off = common.binomial(n, np.full(u.size, p), z) - stats.binom.ppf(u, n, p)
        assert np.abs(off).max() <= 1
    off = common.poisson(np.full(u.size, 20.0), z) - stats.poisson.ppf(u, 20.0)
    assert np.abs(off).max() <= 1


# --- laws against banks that have lived -------------------------------------------------------------------------------


def test_the_law_of_frailty_is_that_of_a_bank_that_lives() -> None:
    """Joiners of the lowest tier with frailty and tenure on: a year's survival."""
    h, theta, months = 0.01, 0.8, 24
    model = {
        "mechanisms": only(frailty=True, tenure=True),
        "normalise_hazards": False,
        "acquisition": everybody_awake() | {"tenure_mean": 0.0},
        "hazards": hazards(h),
        "leaving": {"frailty": theta},
    }
    population = {"shares": {"mass": 1.0, "affluent": 0.0, "wealth": 0.0, "private": 0.0}}
    active = over_time(monthly(lived(scenario(50_000, months=months, model=model, population=population))), "active")
    rate = -np.log1p(-h)
    expected = frailty.gamma_survival(np.array([theta]), np.array([rate]), frailty.exposure("mass", 2))[0]
    seen = active[[12, 24]] / active[0]
    assert np.all(np.abs(seen - expected) < SIGMAS * np.sqrt(expected * (1 - expected) / active[0]) + 1e-4)


def test_the_law_of_wealth_is_that_of_a_bank_that_lives() -> None:
    """A6 with wealth alone on: change of log wealth about its mean over a lag, once it has forgotten how it began."""
    wallet = {"reversion": 0.0, "satisfaction": 0.0, "contact": 0.0, "yield_gap": 0.0, "multihoming": 0.0}
    model = {
        "mechanisms": only(wealth=True),
        "acquisition": everybody_awake(),
        "hazards": hazards(0.0),
        "normalise_hazards": False,
        "wallet": wallet,
        "wealth": {"sd": 0.1, "reversion": 0.08},
        "life": {"events": 0.0},
    }
    months: list[np.ndarray] = []
    live(
        bank(scenario(20_000, months=80, model=model)),
        lambda b: months.append(b.customers.log_wealth.copy() - b.customers.wealth_mean),
    )
    late = np.array(months)
    covariance = wealth.autocovariance(np.array([0.1]), np.array([0.08]), np.array([0, 1, 3, 6]))[0]
    for lag, expected in zip((1, 3, 6), covariance[1:], strict=True):
        change = (late[80] - late[80 - lag]).var()
        assert change == pytest.approx(2.0 * (covariance[0] - expected), rel=0.08)


def test_the_law_of_calls_is_that_of_a_bank_that_lives() -> None:
    """With contacts alone on: success of the k-th offer to customers who have bought nothing yet."""
    conversion, decay, need = 0.08, 0.85, 0.6
    silent = {"mass": 0.0, "affluent": 0.0, "wealth": 0.0}
    others = {name: {"campaign": silent} for name in ("branch", "video", "messaging", "app")}
    calls = dict.fromkeys(silent, 0.8)
    s = scenario(
        60_000,
        months=8,
        model={
            "mechanisms": only(contacts=True),
            "acquisition": everybody_awake(),
            "hazards": hazards(0.0),
            "normalise_hazards": False,
            "contacts": {"attempt_decay": decay, "need": need, "push": 1.0, "campaign_months": 600, "opt_out": 0.0},
            "products": {"loss": 0.0},
            "life": {"events": 0.0},
        },
        channels={**others, "phone": {"conversion": conversion, "reach": 1.0, "campaign": calls}},
        managers={"coverage": dict.fromkeys(TIERS, 0.0), "remote_coverage": 0.0},
    )
    months: list[tuple[np.ndarray, np.ndarray]] = []
    live(bank(s), lambda b: months.append((b.customers.attempts.copy(), b.customers.products.copy())))
    attempts, products = (np.array(each).astype(int) for each in zip(*months, strict=True))
    waits = np.ones(attempts.shape[1], bool)
    offers, taken = np.zeros(12), np.zeros(12)
    for month in range(1, len(months)):
        bought = products[month] > products[month - 1]
        offered = waits & (bought | (attempts[month] > attempts[month - 1]))
        np.add.at(offers, attempts[month - 1][offered], 1)
        np.add.at(taken, attempts[month - 1][offered & bought], 1)
        waits &= ~bought
    expected = contacts.chances(np.array([[conversion]]), np.array([decay]), np.array([need]), 5)[0][0, 0]
    assert offers[:5].min() > 10_000
    assert np.all(np.abs(taken[:5] / offers[:5] - expected) < SIGMAS * np.sqrt(expected / offers[:5]))


def test_the_law_of_recommending_is_that_of_the_model() -> None:
    one = MODEL.loyalty
    up, down = promoters(np.array([0.0]), np.array([one.spread**2]), np.array([1.0]), MODEL)
    law, _ = made_up_problem("loyalty")
    theta = np.array([[one.nps_loading, one.nps_level, one.promote_from, one.detract_below, 0.8, 0.6, 0.8]])
    names = [target.name for target in law.targets]
    made = law.law(theta, np.zeros((1, law.draws)))[0]
    assert made[names.index("promoters")] == pytest.approx(up, abs=1e-9)
    assert made[names.index("detractors")] == pytest.approx(down, abs=1e-9)


# --- inference on them -----------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("name", STUDIES)
def test_known_numbers_are_found_as_often_as_said(name: str) -> None:
    """Simulation-based calibration: ranks of a hundred known answers inside their band, and the 90 % interval."""
    law, _ = made_up_problem(name, seed=3)
    method = "likelihood" if name == "contacts" else "regression"  # by regression 82 of 100 intervals hold its decay
    ranks = sbc(law, Inference(method=method, samples=2_000), 100)
    for check in rank_checks(ranks):
        assert check["passed"], (name, check["of"], check["about"])


def test_ranks_of_too_narrow_draws_are_found() -> None:
    """The guard of the test above: draws half as wide as they should be are told."""
    law, _ = made_up_problem("departures", seed=3)
    ranks = sbc(law, Inference(samples=500), 60)
    narrow = ranks.assign(rank=(0.5 + 2.5 * (ranks["rank"] - 0.5)).clip(0.0, 1.0))
    assert not all(check["passed"] for check in rank_checks(narrow))


def test_the_posterior_of_the_shifted_beta_geometric_holds_the_published_numbers() -> None:
    """As the engine finds it, from the very curve that the published numbers draw."""
    seen = {
        segment: np.r_[1.0, frailty.beta_survival(*(np.array([x]) for x in PUBLISHED[segment]), 7)[0]]
        for segment in frailty.SEGMENTS
    }
    found = fit(frailty.beta_made(seen), Inference(samples=2_000))
    for number, draws in zip(found.problem.free, found.draws.T, strict=True):
        letter, segment = number.path.split(", ")
        published = PUBLISHED[segment][letter == "beta"]
        assert np.quantile(draws, 0.05) < published < np.quantile(draws, 0.95), (number.path, draws.mean())


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_says_what_it_learned(name: str) -> None:
    law, _ = made_up_problem(name)
    said = STUDIES[name].learned(fit(law, Inference(samples=400, draws=200)))
    for text in (said.data, said.fitted, said.learned, said.defaults):
        assert text.endswith(".")
        assert "nan" not in text


@pytest.mark.parametrize("name", STUDIES)
def test_a_calibration_file_of_it_comes_with_the_program(name: str) -> None:
    asked, _ = read_calibration(name)
    assert (asked.name, asked.study) == (name, name)
    assert name in shipped()
    assert asked.fits >= 100


# --- known answers ----------------------------------------------------------------------------------------------------

# as printed by Fader & Hardie (F72): alpha, beta
PUBLISHED = {"High End": (0.668, 3.806), "Regular": (0.704, 1.182)}


def test_the_shifted_beta_geometric_gives_back_its_own_numbers() -> None:
    for alpha, beta in PUBLISHED.values():
        alive = np.concatenate([[1.0], frailty.beta_survival(np.array([alpha]), np.array([beta]), 7)[0]])
        assert frailty.beta_point(alive) == pytest.approx((alpha, beta), abs=1e-4)


def test_a_beta_chance_as_a_frailty_has_the_moments_of_a_sample() -> None:
    rng = np.random.default_rng(1)
    theta, monthly_hazard = frailty.as_frailty(2.0, 9.0)
    yearly = -np.log1p(-rng.beta(2.0, 9.0, 400_000))
    assert monthly_hazard == pytest.approx(yearly.mean() / 12.0, rel=0.01)
    assert theta == pytest.approx(yearly.var() / yearly.mean() ** 2, rel=0.03)


def test_real_retention_gives_the_published_numbers() -> None:
    real("frailty")
    for segment, alive in frailty.survival(DATA).items():
        assert np.round(frailty.beta_point(alive), 3) == pytest.approx(PUBLISHED[segment])


@pytest.mark.parametrize("name", STUDIES)
def test_real_data_are_read_as_their_own_tables_say(name: str) -> None:
    law = real(name)
    value = {target.name: target.value for target in law.targets}
    if name == "contacts":
        table = pd.read_csv(DATA / "bank_marketing/targets/additional_contact_hazard.csv").head(contacts.CALLS)
        seen = contacts.calls(DATA)
        assert seen.called.sum(axis=0) == pytest.approx(table.at_risk_ge_k)
        assert seen.yes.sum(axis=0) == pytest.approx(table.yes)
        assert np.exp(value["first call"]) == pytest.approx(table.hazard[0], rel=1e-5)
    if name == "departures":
        months, left = departures.lives(DATA)["banks"]
        assert (months.size, left.sum()) == (114, 75)
    if name == "loyalty":
        assert value["promoters"] == pytest.approx(0.27286, abs=1e-5)
        assert value["detractors"] == pytest.approx(0.351134, abs=1e-5)
    if name == "attrition":
        seen = attrition.cells(*pd.read_csv(DATA / attrition.files[0])[list(attrition.COLUMNS)].to_numpy(float).T)
        assert seen.customers.sum() == 22771
        assert seen.fell.sum() / seen.customers.sum() == pytest.approx(0.186948, abs=1e-6)
    if name == "wealth":
        assert balances.snapshots(DATA).shape[1] == 4
        assert 0 < value["berka, 1 months"] < value["berka, 6 months"]
    if name == "frailty":
        assert value["Regular, year 1"] == pytest.approx(0.369)


def test_an_own_history_is_a_problem_of_its_own() -> None:
    rng = np.random.default_rng(4)
    logs = made_up_balances(WEALTH, 300, 18, rng, "accounts")
    month = np.tile(np.arange(18), 300)
    frame = pd.DataFrame({"id": np.repeat(np.arange(300), 18), "month": month, "aum": np.exp(logs).ravel()})
    law = wealth.made(history=frame, title="own")
    assert [target.name for target in law.targets] == [f"own, {lag} months" for lag in balances.LAGS]
    dated = frame.assign(month=pd.to_datetime("2024-01-31") + frame.month.map(pd.offsets.MonthEnd))
    assert np.array_equal(wealth.made(history=dated).observed, law.observed)
    gap = balances.panel(frame[frame.month != 5])  # a month that nobody has is none the less a month
    assert gap.shape[1] == 18
    assert np.isnan(gap[:, 5]).all()
    with pytest.raises(ValueError, match="pairs of months"):
        wealth.made(history=frame[frame.month == 0])
    with pytest.raises(ValueError, match="pairs of months"):
        wealth.made()


def test_an_own_history_in_the_folder_takes_the_place_of_the_public_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    amounts = np.exp(9.0 + made_up_balances(WEALTH, 200, 20, rng, "accounts")).round(2)
    months = pd.period_range("2023-01", periods=20, freq="M").astype(str)
    frame = pd.DataFrame({"id": np.repeat([f"C{i}" for i in range(200)], 20), "month": np.tile(months, 200)})
    frame["aum"] = amounts.ravel()
    frame.to_csv(tmp_path / "history.csv", index=False)
    law = wealth.problem(tmp_path)
    assert {target.name.split(",")[0] for target in law.targets} == {"own"}
    whole = wealth.made(history=pd.DataFrame({"id": frame.id, "month": np.tile(np.arange(20), 200), "aum": frame.aum}))
    assert law.observed == pytest.approx(whole.observed, rel=1e-6)
    assert "own customers" in wealth.learned(fit(law, Inference(samples=300, draws=100))).data
    frame[frame.month == "2023-01"].to_csv(tmp_path / "history.csv", index=False)
    with pytest.raises(BadInput, match="pairs of months"):
        wealth.problem(tmp_path)
