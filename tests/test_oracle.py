"""The bank lives the life that the texts tell: a second implementation, written the plain way, agrees with it.

`tests/oracle` holds the model once more, every customer a Mesa agent with methods of its own, in plain Python.
"""

from __future__ import annotations

import ast
import json
import os
import random
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from banks import bank, joiners, scenario
from oracle.bank import OracleBank
from oracle.beside import Beside, people
from oracle.birth import OracleBirth
from oracle.luck import philox
from oracle.mutants import MUTANTS
from oracle.shaken import shaken

from sim.behaviour.settings import Mechanisms
from sim.scenario.scenario import Scenario

HERE = Path(__file__).parent
STRATEGIES = (
    *("digital_thinking", "stratification", "personalised_service", "staff_upskilling"),
    *("institutional", "human_resources", "fintech", "onboarding"),
)
SHOCKS: list[dict[str, Any]] = [
    {"kind": "internet_finance", "from": 2, "rise_months": 3, "fade_months": 9, "own_fund_after": 5},
    {"kind": "pandemic", "from": 5, "months": 6, "closed_months": 2, "limited_months": 3},
    {"kind": "market_drawdown", "from": 8, "recovery_months": 6},
    {"kind": "manager_poaching", "from": 10, "share": 0.5, "tiers": ["wealth", "affluent"]},
    {"kind": "rival_app", "from": 3, "months": 9},
    {"kind": "rising_expectations", "from": 1, "a_year": 0.1},
]


SPANS = {"mass": 8000, "affluent": 30, "wealth": 20, "private": 10}  # so that a few hundred have several managers
SHARES = {"mass": 0.45, "affluent": 0.25, "wealth": 0.2, "private": 0.1}
AT_ONCE = {"fidelity": 0.95, "lag": 4.0}  # so that strategies have taken hold while they are looked at


def everything(*, customers: int = 400, months: int = 24, burn_in: int = 6, off: str = "", **more: Any) -> Scenario:
    """A bank of 400 customers, one to one, with every mechanism (but one), strategy, safeguard and shock, and several
    managers a tier who are short of hours. `more` holds for sections of the scenario or stands in for them."""
    mechanisms = {"word_of_mouth": True} | ({off: False} if off else {})
    sections: dict[str, Any] = {
        "model": {"mechanisms": mechanisms, "contacts": {"opt_out": 0.02}},
        "population": {"shares": SHARES},
        "managers": {"span": SPANS},
        "arms": {"all": {"strategies": [{"use": name} | AT_ONCE for name in STRATEGIES]}},
        "environment": SHOCKS,
    }
    for name, section in more.items():
        both = isinstance(section, dict) and name != "arms"
        sections[name] = sections.get(name, {}) | section if both else section
    return scenario(customers, months=months, burn_in=burn_in, **sections)


def with_every_number_moved(seed: int) -> Scenario:
    """Everything on, by other settings than the defaults wherever they are numbers."""
    rng, plain = random.Random(seed), everything()
    model, managers = shaken(plain.model, rng), shaken(plain.managers, rng)
    model["mechanisms"] = {"word_of_mouth": True}
    model["contacts"]["opt_out"] = 0.02
    managers |= {
        "span": SPANS,
        "coverage": {"mass": 0, "affluent": 0.6, "wealth": 0.8, "private": 0.9},
        "coverage_before": {"mass": 0, "affluent": 0.4, "wealth": 0.9, "private": 1},
    }
    strategies = [
        shaken(one, rng) | {"use": one.use, "from": 0, "intensity": 0.9, "capital": 0.01} | AT_ONCE
        for one in plain.arm_list[0].strategies
    ]
    environment = [shaken(one, rng) | {"kind": one.kind, "from": one.start} for one in plain.environment]
    for shock in environment:
        shock |= {"months": 6} if "months" in shock else {}
        shock |= {"peak": 4.0, "fade_to": 1.2, "own_fund_after": 5} if shock["kind"] == "internet_finance" else {}
    others = {name: shaken(getattr(plain, name), rng) for name in ("channels", "economics", "implementation")}
    arms = {"all": {"strategies": strategies}}
    return everything(model=model, managers=managers, arms=arms, environment=environment, **others)


def beside(s: Scenario, seed: int = 1, **more: Any) -> Beside:
    return Beside(bank(s, seed), **more)


BY_ITSELF = ("bank", "birth", "customer", "ledger", "luck", "manager", "standing", "strategies", "team", "world")


@pytest.mark.parametrize("module", BY_ITSELF)
def test_it_is_written_a_second_time(module: str):
    """Nothing of the model but checked settings and the names of codes; no arrays, quantiles of two laws from SciPy."""
    tree = ast.parse((HERE / "oracle" / f"{module}.py").read_text())
    froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    plain = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    assert {name for name in froms if name.startswith("sim")} <= {"sim.codes", "sim.scenario.scenario"}
    others = {name.split(".")[0] for name in froms | plain} & {"numpy", "numba", "pandas", "scipy", "twin"}
    assert others == ({"scipy"} if module == "birth" else set())


def test_luck_is_the_published_generator():
    """Random123, kat_vectors of philox4x32-10."""
    counter, key = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)
    assert philox(counter, key) == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)
    assert philox((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)


@pytest.mark.parametrize(
    "seed", [1, 2, pytest.param(3, marks=pytest.mark.long), pytest.param(4, marks=pytest.mark.long)]
)
def test_every_customer_lives_the_same_life(seed: int):
    """Thirty months with everything on: whole numbers exactly, floats within 32 bits, customer by customer."""
    beside(everything(), seed).live()


BORN_ALIKE = {  # within 1e-6 but for densities and Betas, which the model tells on grids
    **{"wealth_mean": 2e-3, "income": 1e-3, "need": 5e-4, "affinity": 2e-4, "wallet": 3e-3, "wallet_mean": 3e-3},
    "log_wealth": 2e-4,
}


def test_customers_come_as_the_texts_say():
    """Everybody of the first population and those who join in four years, from their luck: codes exactly."""
    s = everything()
    model = bank(s)
    oracle = OracleBank(s, model.seed, people(model))
    birth = OracleBirth(oracle)
    first = people(model)
    born = [birth.person(one["uid"], one["tier"], -s.burn_in, joins=False) for one in first]
    for month in range(1, 49):
        joined = joiners(model.source, model.seed, month, 400.0, 0.3, 0.3)
        values = [dict(zip(joined, row, strict=True)) for row in zip(*joined.values(), strict=True)]
        first += values
        numbers = {False: 0, True: 0}
        for one in values:
            referred = bool(one["referred"])
            born.append(birth.joiner(month, numbers[referred], referred=referred))
            numbers[referred] += 1
    assert len(born) > 1000
    for mine, theirs in zip(born, first, strict=True):
        for name, value in mine.items():
            if isinstance(value, int):
                assert value == theirs[name], f"{mine['uid']}, {name}"
            else:
                brought = mine["referred"] and name.startswith("aum")  # a share of wallet, in whole hundredths
                limit = 5e-3 if brought else BORN_ALIKE.get(name, 1e-6)
                assert value == pytest.approx(theirs[name], rel=limit, abs=limit), f"{mine['uid']}, {name}"


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
def test_every_number_is_read_where_it_belongs(seed: int):
    """The same with every setting moved away from its default."""
    beside(with_every_number_moved(seed), seed).live()


def strategy(use: str, **more: Any) -> dict[str, Any]:
    return {"arms": {"one": {"strategies": [{"use": use} | AT_ONCE | more]}}}


MATRIX = [[0.9, 0.1, 0.0, 0.0], [0.1, 0.8, 0.1, 0.0], [0.0, 0.1, 0.8, 0.1], [0.0, 0.0, 0.2, 0.8]]
CAMPAIGNS = ("outreach", "win_back", "pressure", "grace", "coordination")
OTHERWISE: dict[str, dict[str, Any]] = {
    "a row stands for many": {"customers": 20_000, "population": {"shares": SHARES, "agents": 400}},
    "tiers by a matrix": {"model": {"transitions": {"mode": "markov", "matrix": MATRIX, "period_months": 3}}},
    "longest wait first": {"managers": {"span": SPANS, "allocation": "round_robin", "hours_per_month": 5}},
    "nearest to a bound first": {"managers": {"span": SPANS, "allocation": "near_threshold", "hours_per_month": 5}},
    "calls to those at risk": strategy("stratification", allocation="risk", retention=0.3),
    "calls to the largest": strategy("stratification", allocation="value", retention=0.3),
    "calls in turn": strategy("stratification", allocation="round_robin", retention=0.3),
    "strategies tried in parts of the bank": {
        "burn_in": 0,  # which arms without strategies live, so that a bank with pilots never does
        "arms": {
            "pilots": {
                "strategies": [
                    {"use": "digital_thinking", "where": {"tier": ["wealth", "mass"], "share": 0.6}} | AT_ONCE,
                    {"use": "stratification", "where": {"share": 0.4}, "parts": [*CAMPAIGNS]} | AT_ONCE,
                    {"use": "onboarding", "where": {"tier": "mass", "share": 0.5}} | AT_ONCE,
                    {"use": "fintech"} | AT_ONCE,
                ]
            }
        },
    },
    "a budget": {
        "arms": {"thrifty": {"budget": 40_000, "strategies": [{"use": name} | AT_ONCE for name in STRATEGIES]}}
    },
    "a strategy that ends": strategy("personalised_service", until=6, target="risk", running={"amount": 1000}),
}


@pytest.mark.parametrize("how", OTHERWISE)
def test_other_choices_mean_the_same(how: str):
    """Rows with weights, other queues, other calls, a strategy that comes to its end."""
    beside(everything(**{"customers": 300, "months": 11, "burn_in": 1} | OTHERWISE[how])).live()


@pytest.mark.parametrize("off", Mechanisms.model_fields)
def test_every_switch_means_the_same(off: str):
    """A year with one mechanism off."""
    beside(everything(customers=200, months=11, burn_in=1, off=off)).live()


# --- what it would notice --------------------------------------------------------------------------------------------

AS_IT_STANDS = ""
QUICK = ("a sale brings money twice", "tenure a month ahead", "the app before feelings")


@cache
def caught(names: tuple[str, ...]) -> dict[str, str]:
    """By name of a change to the kernel: how the oracle differs from it, in a process of its own, interpreted."""
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),
    }
    command = [sys.executable, "-W", "ignore", "-m", "oracle.mutants", *names]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(json.loads(line) for line in run.stdout.splitlines())


@pytest.mark.parametrize("name", QUICK)
def test_a_changed_kernel_is_caught(name: str):
    """One coefficient, one sign or the order of two steps of the month changed: some customer's life differs."""
    assert "differ" in caught(QUICK)[name]


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in MUTANTS if name not in QUICK])
def test_every_changed_kernel_is_caught(name: str):
    """The same of all other changes, in every room of the kernel."""
    rest = tuple(name for name in MUTANTS if name not in QUICK)
    assert "differ" in caught((AS_IT_STANDS, *rest))[name]


@pytest.mark.long
def test_the_kernel_as_it_stands_is_not_caught():
    """What catches the changed ones is the change, not that the kernel is interpreted."""
    rest = tuple(name for name in MUTANTS if name not in QUICK)
    assert caught((AS_IT_STANDS, *rest))[AS_IT_STANDS] == ""
