"""New customers are compiled: they have the traits that the formulas on whole arrays say."""

from __future__ import annotations

import builders as b
import numpy as np
import people_twin
import pytest
from scipy.special import gammaincinv, ndtri
from scipy.stats import poisson

from sim.agents.channel_settings import Channels
from sim.agents.customer import BY_NAME, Customers
from sim.behaviour.settings import Model
from sim.codes import DRAW_BIRTH
from sim.kernel.births import CLOSE, KNOWN, log_frailty, tabled
from sim.kernel.numerics import uniforms
from sim.population.people import _frailty_table, joiners_of_month, people
from sim.population.settings import Population
from sim.population.synthetic import Source, source

N = 30_000
BARE = {"mechanisms": {"frailty": False, "wealth": False}, "wallet": {"reversion": 0.0}}
HEAVY = {"leaving": {"frailty": 4.0}, "products": {"beyond_first": {"mass": 0.0, "private": 6.0}}}


def of(model: Model) -> Source:
    return source(Population(customers=1_000, agents=1_000), b.TIERS, model, Channels())


def assert_as_the_formulas_say(birth_source: Source, *, joiners: bool, month: int, known: bool = False) -> None:
    """All columns, to the last bit but for one value in a hundred thousand, and then to the last bit but one.

    `exp` and `log` of NumPy are its own and may differ from the library's in the last bit of a float64; one in some
    ten million of those is told in a float32.
    """
    rng = np.random.default_rng(5)
    uid, tier = rng.integers(0, 2**63, N).astype(np.uint64), rng.integers(0, len(b.TIERS), N)
    aum = birth_source.draw_aum(uniforms(7, DRAW_BIRTH, month, uid)[0], tier)
    book = {name: np.where(rng.random(N) < 0.5, np.nan, rng.random(N)) for name in KNOWN} if known else None
    more = {"joiners": joiners, "known": book, "referred": rng.random(N) < 0.3 if joiners else None}
    twin, told = Customers(N), Customers(N)
    twin.place(people_twin.people(birth_source.birth, 7, month, uid, tier, aum, **more) | {"weight": np.ones(N)})
    told.place(people(birth_source.birth, 7, month, uid, tier, aum, **more) | {"weight": np.ones(N)})
    for name, column in BY_NAME.items():
        one, other = getattr(twin, name), getattr(told, name)
        assert np.count_nonzero(one != other) <= N * 1e-5, name
        if column.dtype is np.float32:
            np.testing.assert_array_max_ulp(one, other, maxulp=1)


@pytest.mark.parametrize("joiners", [False, True])
@pytest.mark.parametrize("model", [{}, BARE, HEAVY], ids=["usual", "bare", "heavy"])
def test_traits_are_those_of_the_formulas(model: dict, joiners: bool) -> None:
    assert_as_the_formulas_say(of(Model.model_validate(model)), joiners=joiners, month=9 if joiners else -24)


def test_what_a_book_says_stands_and_what_it_does_not_say_is_drawn() -> None:
    assert_as_the_formulas_say(of(Model()), joiners=False, month=0, known=True)


def test_who_they_are_does_not_hang_on_who_else_is_born() -> None:
    birth = of(Model()).birth
    uid, tier, aum = np.arange(3_000, dtype=np.uint64), np.arange(3_000) % 4, np.linspace(1.0, 1e6, 3_000)
    whole = people(birth, 1, 3, uid, tier, aum, joiners=True)
    some = np.random.default_rng(1).permutation(3_000)[:700]
    few = people(birth, 1, 3, uid[some], tier[some], aum[some], joiners=True)
    for name, values in few.items():
        np.testing.assert_array_equal(values, whole[name][some], err_msg=name)


@pytest.mark.parametrize("variance", [1e-3, 0.05, 0.3, 1.0, 2.0, 5.0])
def test_log_frailty_is_the_float32_next_to_the_exact_one(variance: float) -> None:
    """At both ends of what a draw can be, and between: by the table where it is sure, else by the exact quantile."""
    model = Model.model_validate({"leaving": {"frailty": variance}})
    births = of(model).birth.beginning
    u = (np.r_[0:200, 2**22 : 2**22 + 200, 2**23 - 200 : 2**23, 7 : 2**23 : 20_011] + 0.5) / 2.0**23
    exact = np.log(np.maximum(gammaincinv(1.0 / variance, u) * variance, 1e-12))
    told = [log_frailty(one, score, 0.25, births) for one, score in zip(u.tolist(), ndtri(u).tolist(), strict=True)]
    np.testing.assert_array_equal(np.array(told, np.float32), (exact + 0.25).astype(np.float32))
    if births.frailty_table.size:
        table = np.array([tabled(score, births.frailty_table) for score in ndtri(u).tolist()])
        assert np.abs(table - exact).max() < CLOSE / 10.0
    assert (births.frailty_table.size > 0) == (variance <= 1.0)


def test_a_table_that_would_be_wrong_is_not_used() -> None:
    assert _frailty_table(5.0).size == 0
    assert _frailty_table(0.3).size > 0


@pytest.mark.parametrize("mean", [0.01, 0.3, 5.0, 400.0, 250_000.0])
def test_how_many_join_is_the_poisson_quantile_of_one_uniform(mean: float) -> None:
    u = (np.r_[0, 1, 2**22, 2**23 - 2, 2**23 - 1, 999 : 2**23 : 1_100_003] + 0.5) / 2.0**23
    assert [joiners_of_month(one, mean) for one in u.tolist()] == poisson.ppf(u, mean).astype(int).tolist()
