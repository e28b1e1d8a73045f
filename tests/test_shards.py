"""One bank in several shards: the same bits as in one piece, whatever binds the customers to one another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from banks import bank, scenario

from sim.bank.model import BankModel
from sim.exchange import Alone, Together
from sim.exchange.order import Queue, admitted, quantiles
from sim.population.synthetic import source
from sim.scenario.scenario import Scenario


def together(shards: int, live: Callable[[Any], Any]) -> list[Any]:
    """What each shard comes to, every one in a thread; the first error is raised here."""
    meeting = Together(shards)

    def one(link: Any) -> Any:
        try:
            return live(link)
        except BaseException:
            meeting.abort()
            raise

    with ThreadPoolExecutor(shards) as pool:
        lives = [pool.submit(one, link) for link in meeting.links]
    errors = [life.exception() for life in lives if life.exception() is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return [life.result() for life in lives]


def sharded(s: Scenario, shards: int, arm: int = 0, seed: int = 1) -> list[BankModel]:
    """The scenario's bank at its end, in so many shards."""

    def live(link: Any) -> BankModel:
        customers = source(s.population, s.tier_list, s.model, s.channels)
        model = BankModel(s, s.arm_list[arm], seed, customers, exchange=link)
        model.run()
        return model

    return together(shards, live)


def recorded(model: BankModel) -> dict[str, pd.DataFrame]:
    return model.recorder.tables(model.team.events)


def same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True, obj=name)


# --- the exchange ----------------------------------------------------------------------------------------------------


def test_who_is_alone_is_the_whole() -> None:
    numbers, columns = np.arange(3), {"uid": np.arange(2)}
    assert np.array_equal(*Alone().total(numbers), numbers)
    assert Alone().gather(columns) == columns


def test_shards_add_up_show_and_send() -> None:
    def live(link: Any) -> Any:
        rows = {"who": np.arange(3) + 10 * link.mine}
        (whole,) = link.total(np.full(2, link.mine + 1))
        return whole, link.gather(rows)["who"], link.send(rows, np.array([0, 1, 2]))["who"], link.rounds

    for mine, (whole, shown, sent, rounds) in enumerate(together(3, live)):
        assert whole.tolist() == [6, 6]
        assert shown.tolist() == [0, 1, 2, 10, 11, 12, 20, 21, 22]
        assert sent.tolist() == [mine, 10 + mine, 20 + mine]
        assert rounds == 3


def test_shards_that_ask_different_questions_are_told() -> None:
    def live(link: Any) -> Any:
        return link.total(np.zeros(1)) if link.mine else link.gather({"uid": np.zeros(1)})

    with pytest.raises(RuntimeError, match="not at the same point"):
        together(2, live)


@pytest.mark.parametrize("shards", [2, 5])
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("room", [0.0, 0.3, 0.9, 2.0])
def test_who_fits_is_found_as_if_all_stood_in_one_queue(shards: int, half: bool, room: float) -> None:
    rng = np.random.default_rng(3)
    n = 30_000
    value, uid = rng.integers(0, 50, n).astype(float), rng.permutation(n).astype(np.uint64)
    weight = rng.integers(1, 2000, n) * np.where(rng.random(n) < 0.001, 1000, 1)
    home = rng.integers(0, shards, n)
    order = np.lexsort((uid, value))
    whole = float(weight.sum())
    fits = np.cumsum(weight[order]) + 7.0 - (weight[order] / 2 if half else 0.0) <= room * whole

    def live(link: Any) -> Any:
        mine = order[home[order] == link.mine]
        queue = Queue((value[mine], uid[mine]), weight[mine], room * whole, taken=7, half=half)
        return mine, *admitted(link, [queue, queue]), link.rounds

    for mine, many, again, rounds in together(shards, live):
        assert many == again
        assert set(mine[:many]) == set(order[fits]) & set(mine)
        assert rounds <= 4


@pytest.mark.parametrize("shards", [1, 2, 5])
@pytest.mark.parametrize("ties", [3, 10**9])
def test_quantiles_are_those_of_all_rows_in_order(shards: int, ties: int) -> None:
    rng = np.random.default_rng(4)
    n, steps = 3_000, np.linspace(0.0, 1.0, 101)
    value = np.minimum(rng.integers(0, ties, n) / 100.0, rng.pareto(1.2, n) * 1e4)
    uid, weight, home = rng.permutation(n).astype(np.uint64), rng.integers(1, 3000, n), rng.integers(0, shards, n)
    order = np.lexsort((uid, value))
    reach = np.cumsum(weight[order].astype(float))
    wanted = np.interp(steps * reach[-1], reach, value[order])

    def live(link: Any) -> Any:
        mine = home == link.mine
        return quantiles(link, value[mine], uid[mine], weight[mine], steps)

    for found in together(shards, live):
        assert np.array_equal(found, wanted)


# --- the bank --------------------------------------------------------------------------------------------------------

SOME: dict[str, Any] = {"months": 14, "burn_in": 2}
ARM = [
    {"use": "stratification", "from": 1},
    {"use": "personalised_service", "from": 0},
    {"use": "digital_thinking", "from": 2, "where": {"share": 0.3}},
    {"use": "staff_upskilling"},
]
SHOCKS = [
    {"kind": "market_drawdown", "from": 2},
    {"kind": "pandemic", "from": 4, "months": 3},
    {"kind": "manager_poaching", "from": 3, "months": 4},
]
BANKS: dict[str, Scenario] = {
    "plain": scenario(4_000, **SOME, record={"panel": 30}),
    "strategies, pilots and shocks": scenario(5_000, **SOME, arms={"all": ARM}, environment=SHOCKS),
    "rows of several customers": scenario(20_000, **SOME, population={"agents": 3_000}, arms={"all": ARM}),
    "channels that cannot carry what is asked": scenario(
        4_000,
        **SOME,
        arms={"all": ARM},
        channels={name: {"capacity": 8} for name in ("branch", "phone", "video")},
        managers={"coverage_before": {"wealth": 0.5, "private": 0.7}, "coverage": {"affluent": 0.6, "wealth": 0.8}},
    ),
    "a chain of tiers": scenario(
        3_000,
        **SOME,
        model={
            "transitions": {
                "mode": "markov",
                "matrix": [[0.9, 0.1, 0, 0], [0.1, 0.8, 0.1, 0], [0, 0.1, 0.8, 0.1], [0, 0, 0.1, 0.9]],
                "period_months": 3,
            },
            "mechanisms": {"word_of_mouth": True},
        },
    ),
    "nobody has a manager": scenario(
        2_000, **SOME, managers={"coverage": dict.fromkeys(("mass", "affluent", "wealth", "private"), 0.0)}
    ),
    "fewer customers than shards in a tier": scenario(40, **SOME),
}


@pytest.fixture(scope="module", params=BANKS)
def whole(request: pytest.FixtureRequest) -> tuple[Scenario, dict[str, pd.DataFrame]]:
    """A bank that has lived in one piece."""
    s = BANKS[request.param]
    model = bank(s)
    model.run()
    return s, recorded(model)


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_a_bank_in_shards_is_the_bank(whole: tuple[Scenario, dict[str, pd.DataFrame]], shards: int) -> None:
    s, tables = whole
    for model in sharded(s, shards):
        same(recorded(model), tables)
        home = model.customers.manager[model.customers.manager >= 0] % shards
        assert np.all(home == model.exchange.mine)


def test_a_month_takes_few_rounds_and_few_bytes() -> None:
    """Ten where all channels carry what is asked; a look at everybody (month 0, year's ends, the last) takes more."""
    s = scenario(20_000, months=5, burn_in=1, arms={"all": ARM})

    def live(link: Any) -> list[tuple[int, int]]:
        said = [(0, 0)]
        customers = source(s.population, s.tier_list, s.model, s.channels)
        BankModel(s, s.arm_list[0], 1, customers, exchange=link).run(
            lambda rows: said.append((link.rounds, link.bytes_out))
        )
        return said

    for said in together(2, live):
        (rounds, sent) = np.diff(said, axis=0)[2:-1].T  # months 2 to 4
        assert rounds.max() <= 10
        assert sent.max() < 100_000
