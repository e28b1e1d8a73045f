"""How fast a questionnaire is held on a bank of a million.

`python -m pytest tests/benchmarks/test_survey_holding_speed.py --benchmark-only -o addopts= -s`

Figures beyond the time of a round are in `extra_info`. No test judges a time: machines differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import pytest

from sim.bank.model import BankModel
from sim.experiments.prepare import prepare
from sim.experiments.replication import Replication
from sim.experiments.survey import Question, hold_on
from sim.survey.instrument.reading import read_instrument

MILLION = ["population.customers=1000000", "population.agents=1000000", "burn_in=1", "months=4"]


@pytest.fixture(scope="module")
def bank() -> Iterator[BankModel]:
    """A million customers one to one, at the end of month 1."""
    (one,) = prepare("scenarios/baseline.yaml", MILLION, arms=["nothing"])
    with Replication(one, 1).bank(one.scenario.arm_list[0]) as bank:
        bank.run(until=1)
        yield bank


@pytest.mark.parametrize("sampling", ["simple", "stratified", "quota", "branch", "app"])
def test_holding_a_questionnaire_on_a_million_customers(benchmark, bank: BankModel, sampling: str) -> None:
    """500 sheets and what they are wrong by; against a month of the same bank's life on one thread."""
    question = Question(read_instrument("customers"), 500, sampling)
    held, _ = benchmark(hold_on, bank, question)
    assert len(held.sheets) == 500
    begun = perf_counter()
    bank.run(until=bank.month + 1) if bank.month < bank.scenario.months else None
    if (month := perf_counter() - begun) > 0.01:
        benchmark.extra_info["months of the bank's life"] = benchmark.stats["mean"] / month
