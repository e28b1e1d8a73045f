"""How fast answers are analysed.

`python -m pytest tests/benchmarks/test_survey_speed.py --benchmark-only -o addopts=`

2,000 sheets of the customers' questionnaire (42 questions). No test judges a time: machines differ. What is judged is a
ratio: four times the sheets may not take more than six times as long.
"""

from __future__ import annotations

import time

import pytest
from fabricate_survey import answers

from sim.survey.analysis.asking import analyse
from sim.survey.sheets import Sheets


@pytest.fixture(scope="module")
def sheets() -> Sheets:
    return answers(2_000)


def test_everything_that_answers_say(benchmark, sheets):
    """Every table: marginals, reliability, groups, factor models, drivers, paths, invariance."""
    found = benchmark.pedantic(lambda: analyse(sheets), rounds=3, warmup_rounds=1)
    assert found.facts["returned"] == 2_000


@pytest.mark.long
def test_four_times_the_sheets_are_not_sixteen_times_the_work():
    seconds = {}
    for n in (2_000, 8_000):
        given = answers(n)
        analyse(given)
        begun = time.process_time()
        analyse(given)
        seconds[n] = time.process_time() - begun
    assert seconds[8_000] < 6 * seconds[2_000], seconds
