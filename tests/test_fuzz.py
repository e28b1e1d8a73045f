"""What `validate` accepts, `run` lives: a short pass of the fuzzer, and what it and users have found."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import pytest

from tests import fuzz
from tests.mutate import Banks

SMALL = """
name: small
months: 2
burn_in: 1
seeds: [1, 2]
population: {customers: 300}
arms: {nothing: [], all: [{use: digital_thinking}, {use: stratification}]}
"""


@pytest.mark.long
@pytest.mark.parametrize("seed", [11, 12])
def test_strange_scenarios_are_refused_or_lived(seed: int, tmp_path: Path) -> None:
    tally = fuzz.fuzz(tmp_path, count=50, runs=4, seed=seed, whole=0)
    assert tally.cases == []
    assert tally.counts["accepted"] >= 6
    assert tally.counts["refused"] >= 6
    assert tally.counts["runs"] == 4


@pytest.mark.long
def test_many_more_of_them(tmp_path: Path) -> None:
    tally = fuzz.fuzz(tmp_path, count=600, runs=60, seed=13, whole=20)
    assert tally.cases == []
    assert tally.counts["runs"] == 60


def test_all_banks_to_begin_with_are_in_order(tmp_path: Path) -> None:
    banks = Banks(tmp_path).banks
    lacking = [bank.written["name"] for bank in banks if bank.whole is None]
    assert set(lacking) <= {"bankchurners", "berka", "savings_churn"}  # they need a file of their own


def test_the_fuzzer_counts_what_may_never_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(words: list[str]) -> int:
        if words[0] == "run":
            warnings.warn("a library's own words", RuntimeWarning, stacklevel=1)
            return 1
        return 0 if banks.randrange(3) else [][0]

    import random

    banks = random.Random(1)
    monkeypatch.setattr(fuzz, "main", broken)
    tally = fuzz.fuzz(tmp_path, count=30, runs=4, seed=1, whole=0)
    assert tally.counts["traceback"] > 0
    assert tally.counts["warning"] == 4
    assert tally.counts["failure at run"] == 4


@pytest.mark.long
@pytest.mark.parametrize("asleep", [False, True])
def test_a_hang_is_counted(asleep: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(words: list[str]) -> int:
        while True:
            time.sleep(0.5 if asleep else 0.0)

    monkeypatch.setattr(fuzz, "main", hangs)
    monkeypatch.setattr(fuzz, "ASLEEP", 1 if asleep else 1000)
    answer = fuzz.ask(["run", "s.yaml"], 1)
    assert (answer.code, answer.wrong) == (None, ["hang: more than 1 s of work"])


def run(folder: Path, text: str, *words: str) -> fuzz.Answer:
    """The user's way: a file, checked and, if it is in order, run."""
    file = folder / "asked.yaml"
    file.write_text(text, "utf-8")
    answer = fuzz.ask(["validate", str(file), *words])
    assert answer.wrong == []
    if answer.code == 0:
        with fuzz._without_page():
            how = ["--quiet", "--threads", "1", "--out", str(folder / "run")]
            answer = fuzz.ask(["run", str(file), *words, *how], 120)
        assert answer.wrong == []
        assert answer.code == 0, answer.err
        assert fuzz.not_numbers(folder / "run") == []
    return answer


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["model.wallet.mean.mass=0"], "model.wallet.mean.mass: 0 is not allowed; a number from 0.01 to 0.99 (share)"),
        (["model.wallet.mean.mass=1"], "model.wallet.mean.mass: 1 is not allowed; a number from 0.01 to 0.99 (share)"),
        (["managers.hours_per_month=0.0001"], "0.0001 is not allowed; a number from 1 to 400 (hours)"),
        (["population={customers: 1000000000, agents: 1000}"], "AUM of 4e+13 at the start; sums hold 2.25e+13"),
        (["population={customers: 1000000000, agents: 4}"], "would stand for 925000000 customers; at most 4194303"),
        (["population={customers: 500000, agents: 1e-9}"], "1e-09 of 500000 customers: 1 rows is too few"),
        (
            ["managers={coverage: {mass: 1}, span: {mass: 1}}", "population={customers: 5000000, agents: 1000}"],
            "managers.span.mass: about 4625",
        ),
        (["model.wealth={sd: 0.5, reversion: 0}", "months=1200"], "would grow from 1.04e+07 to about 10^78 in 1201"),
        (["model.life={events: 6, inheritance: 1}", "model.wealth.inheritance_jump=5"], "AUM would grow"),
        (["model.acquisition.rate=2", "months=1200"], "model.acquisition.rate: "),
        (
            [
                "population.strata={mass: 0, affluent: 0, wealth: 0, private: 1}",
                "tiers=[{name: mass, from: 0}, {name: wealth, from: 1000}]",
            ],
            "population.strata: no rows for any",
        ),
        (
            ["population.shares={mass: 0.9, affluent: 0.05, wealth: 0.04, private: 0.005, extra: 0.005}"],
            "population.shares.extra: unknown tier",
        ),
    ],
)
def test_sizes_that_cannot_be_lived_are_refused_with_their_reason(
    changes: list[str], told: str, tmp_path: Path
) -> None:
    answer = run(tmp_path, SMALL, *[word for change in changes for word in ("--set", change)])
    assert answer.code == 2
    assert told in answer.err


@pytest.mark.parametrize(
    "changes",
    [
        ["population={customers: 200000000, agents: 1000}"],
        ["population.agents=1.0"],
        ["model.wallet.mean={mass: 0.01, affluent: 0.99}", "model.wallet.precision=1"],
        [
            "managers.hours_per_month=1",
            "implementation.dip_hours=0.9999999999999999",
            "managers.turnover_fatigue=10",
            "managers.fatigue_gain=5",
            "months=12",
        ],
        ["model.loyalty={nps_loading: 1, satisfaction: 0, trust: 0, bond: 0, habit: 0}"],
        [
            "channels.messaging.capacity=1e-307",
            "channels.phone.capacity=1e-307",
            "managers.contact_months={affluent: 0.1}",
        ],
        ["model.acquisition.tenure_mean=5e-324"],
        ["managers.coverage={mass: 5e-324, affluent: 5e-324, wealth: 5e-324, private: 5e-324}"],
        [
            "tiers=[{name: mass, from: 0}, {name: upper, from: 1e12, like: mass}]",
            "population.shares={mass: 0.99, upper: 0.01}",
        ],
    ],
)
def test_what_is_at_the_end_of_a_range_is_lived(changes: list[str], tmp_path: Path) -> None:
    assert run(tmp_path, SMALL, *[word for change in changes for word in ("--set", change)]).code == 0


def test_a_book_larger_than_sums_hold_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"c{k},{1e9 + k}\n" for k in range(500))
    (tmp_path / "book.csv").write_text(f"id,money\n{rows}", "utf-8")
    book = "population: {source: book, file: book.csv, currency_scale: 100, columns: {id: id, aum: money}}"
    answer = run(tmp_path, SMALL.replace("population: {customers: 300}", book))
    assert answer.code == 2
    assert "population.currency_scale: AUM of 5e+13 at the start; sums hold 2.25e+13" in answer.err


def test_the_team_opened_at_once_is_the_team_opened_one_by_one() -> None:
    """A post's draws hang on its number alone, so posts of a large bank are opened in one go."""
    import mesa
    from builders import rates_of

    from sim.agents.manager_settings import Managers
    from sim.agents.team import Team
    from sim.population.tier_presets import PRESET_TIERS
    from sim.tiers import STANDARD_TIERS

    assert [tier.name for tier in PRESET_TIERS["bank_b"]] == list(STANDARD_TIERS)
    one, other = (Team(mesa.Model(), Managers(), PRESET_TIERS["bank_b"], 5, rates_of()) for _ in range(2))
    one._open(7, 2, -3, first=True)
    for _ in range(7):
        other._open(1, 2, -3, first=True)
    told = [[(m.post, m.professional, m.digital, m.service) for m in team.managers] for team in (one, other)]
    assert told[0] == told[1]
    assert len({m.professional for m in one.managers}) == 7
