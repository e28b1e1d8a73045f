"""Threads inside a run or runs side by side: the rule, what is said of it, and the same bits either way."""

from __future__ import annotations

import json
from math import inf

import pytest

from sim.cli import main
from sim.experiments.spread import SMALL, Spread, memory_of_machine, spread

GB = 1e9
TINY = ["quick", "--set", "population.customers=400", "--set", "burn_in=2", "--months", "3", "--seeds", "3"]


def test_one_seed_has_all_cores_where_it_is_large_and_one_where_it_is_small():
    assert spread(1_000_000, 1, 84, cores=2) == Spread(1, 2)
    assert spread(SMALL, 1, 84, cores=8) == Spread(1, 1)


def test_few_short_runs_do_not_wait_for_processes_and_many_do():
    assert spread(20_000, 5, 48, cores=2) == Spread(1, 1)  # quick.yaml
    assert spread(20_000, 200, 48, cores=2) == Spread(2, 1)
    assert spread(200_000, 5, 84, cores=2) == Spread(1, 2)
    assert spread(200_000, 20, 84, cores=2) == Spread(2, 1)


def test_where_processes_start_anyhow_they_live_the_seeds_too():
    assert spread(200_000, 4, 84, cores=2) == Spread(1, 2)
    assert spread(200_000, 4, 84, cores=2, started=True) == Spread(2, 1)


def test_more_cores_make_side_by_side_worth_while_sooner():
    first = [next(n for n in range(1, 1_000) if spread(100_000, n * c, 72, cores=c).workers > 1) * c for c in (2, 4, 8)]
    assert first == sorted(first, reverse=True), first


def test_a_last_round_of_one_seed_is_counted():
    assert spread(500_000, 2, 400, cores=2).workers == 2
    assert spread(500_000, 3, 100, cores=2) == Spread(1, 2)  # two rounds, of which the second leaves a core idle


@pytest.mark.parametrize(("memory", "workers"), [(inf, 8), (64 * GB, 6), (40 * GB, 4), (24 * GB, 1), (1 * GB, 1)])
def test_banks_side_by_side_fit_the_memory(memory, workers):
    chosen = spread(10_000_000, 64, 84, cores=8, memory=memory)
    assert chosen == Spread(workers, 1) if workers > 1 else Spread(1, 8)


def test_without_worker_processes_there_are_threads():
    assert spread(200_000, 100, 84, cores=4, most=1) == Spread(1, 4)


def test_the_machine_says_how_much_memory_it_has():
    assert 1e8 < memory_of_machine() < 1e14


@pytest.mark.long
def test_either_way_gives_the_same_digest_and_says_which(tmp_path, monkeypatch, capsys):
    told = {}
    for name, chosen in {"threads": Spread(1, 2), "beside": Spread(2, 1)}.items():
        monkeypatch.setattr("sim.experiments.run.spread", lambda *_, chosen=chosen, **__: chosen)
        assert main([*TINY, "--out", str(tmp_path / name)]) == 0
        told[name] = json.loads((tmp_path / name / "manifest.json").read_text()), capsys.readouterr().err
    assert told["threads"][0]["result_digest"] == told["beside"][0]["result_digest"]
    words = {
        "threads": "3 seeds of 400 rows: one after the other, with 2 threads",
        "beside": "3 seeds of 400 rows: 2 side by side, each in a process with one thread",
    }
    for name, said in words.items():
        assert told[name][0]["spread"] == said
        assert f"quick: {said}\n" in told[name][1]
    assert told["beside"][0]["workers"] == 2


@pytest.mark.parametrize("given", [["--threads", "1"], ["--workers", "1"]])
def test_what_is_given_wins(tmp_path, monkeypatch, given):
    monkeypatch.setattr("sim.experiments.run.spread", lambda *_, **__: pytest.fail("nothing was to be chosen"))
    assert main([*TINY, "--out", str(tmp_path / "out"), "--quiet", *given]) == 0
    assert "spread" not in json.loads((tmp_path / "out" / "manifest.json").read_text())
