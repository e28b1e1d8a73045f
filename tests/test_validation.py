"""Stylised facts: measured by experiments, judged by tolerances, stored, told; the shipped table is of the model."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.validation import __main__ as anew
from sim.validation import experiments, markdown, measuring, stored
from sim.validation.experiments import BY_NAME, EXPERIMENTS, Experiment, Size, needed
from sim.validation.findings import FACTS, NAMES, judge, verdict
from sim.validation.measuring import measure
from sim.validation.statistics import Interval

ROOT = Path(__file__).parent.parent
ANEW = "python run.py validate-model --out DIR; python -m sim.validation DIR"


# --- what is shipped -------------------------------------------------------------------------------------------------


def test_the_page_is_what_the_generator_writes_of_the_shipped_table() -> None:
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    assert page == markdown.page(stored.shipped()), "python -m sim.validation writes it anew"


def test_the_shipped_table_is_of_results_as_they_are() -> None:
    """A change that changes no result leaves the kept bank, and so the table; one that does asks for a new table."""
    assert stored.shipped().record["kept_bank"] == stored.kept_bank(), f"results have changed since: {ANEW}"


def test_the_shipped_table_has_every_figure_and_verdict() -> None:
    shipped = stored.shipped()
    assert set(shipped.verdicts) == set(NAMES), f"facts came or went: {ANEW}"
    for fact, findings in shipped.findings().items():
        told = shipped.table[shipped.table["fact"] == fact].set_index("measure")
        for one in findings:
            assert one.verdict == told.loc[one.what, "verdict"], f"{fact} {one.what}: another tolerance since"
    assert sum(shipped.record[key] for key in stored.COUNTED) == shipped.record["of"] == len(FACTS)


def test_only_a_full_table_of_this_code_is_shipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measuring.gathered(measuring.Living(str(tmp_path), Size(1000)), [1], [], list(NAMES))
    monkeypatch.setattr(stored, "ship", lambda *_, **__: pytest.fail("shipped"))
    monkeypatch.setattr(anew, "DOCS", tmp_path)
    for wrong, said in (
        (replace(found, found={"V1": found.found["V1"]}), "not of all facts"),
        (replace(found, digest="of old"), "measured by other code"),
        (found, "of 1,000 customers"),
    ):
        stored.write(tmp_path, wrong, {})
        assert anew.main([str(tmp_path)]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "validation.md").exists()


# --- judging ---------------------------------------------------------------------------------------------------------


def test_a_verdict_is_of_the_whole_interval() -> None:
    assert Interval(0.5, 0.4, 0.6).against(0.3, 0.7) == "holds"
    assert Interval(0.5, 0.4, 0.6).against(0.45, 0.7) == "unclear"
    assert Interval(0.5, 0.4, 0.6).against(0.7, 0.9) == "misses"
    assert Interval.of(np.array([0.5])).against(0.0, 1.0) == "unclear"  # one seed says nothing of luck
    assert Interval.of(np.array([])).against(0.0, 1.0) == "unclear"


def test_a_fact_is_as_good_as_its_worst_figure_and_no_better_than_unclear_if_broken() -> None:
    fact = next(fact for fact in FACTS if fact.name == "V1")
    good = {seed: {"top 2 %": 0.8, "top 20 %": 0.95, "Gini": 0.9 + 1e-4 * seed} for seed in (1, 2, 3)}
    assert verdict(fact, judge(fact, good)) == "holds"
    assert verdict(fact, judge(fact, good), broken=True) == "unclear"
    missing = {seed: {**figures, "Gini": math.nan} for seed, figures in good.items()}
    assert verdict(fact, judge(fact, missing)) == "unclear"
    bad = {seed: {**figures, "Gini": 0.7} for seed, figures in missing.items()}
    assert verdict(fact, judge(fact, bad)) == "misses"


def test_every_fact_has_an_experiment_or_a_reason() -> None:
    lived = {fact for experiment in EXPERIMENTS for fact in experiment.facts}
    absent = {fact.name for fact in FACTS if fact.absent}
    assert lived | absent == set(NAMES)
    assert not lived & absent
    assert needed(["E2"]) == [BY_NAME["tariff"]]


# --- measuring -------------------------------------------------------------------------------------------------------


def _toy(monkeypatch: pytest.MonkeyPatch, live: experiments.Experiment) -> None:
    monkeypatch.setitem(BY_NAME, live.name, live)
    monkeypatch.setattr(experiments, "EXPERIMENTS", (live,))


def test_an_experiment_that_raises_is_a_reason_and_not_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def toy(size: Size, seed: int) -> dict[str, dict[str, float]]:
        if seed == 2:
            raise ZeroDivisionError("nobody left")
        return {"v1": {"top 2 %": 0.8, "top 20 %": 0.95, "Gini": 0.9}}

    _toy(monkeypatch, Experiment(toy, ("V1",)))
    found = measure(Size(1000), [1, 2, 3], tmp_path, ["V1"])
    assert found.verdicts == {"V1": "unclear"}
    assert found.broken == {"V1": ["toy, seed 2: ZeroDivisionError: nobody left"]}
    assert found.found["V1"][0].values == {1: 0.8, 3: 0.8}


def test_a_stopped_measurement_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lived = []

    def toy(size: Size, seed: int) -> dict[str, dict[str, float]]:
        lived.append(seed)
        if len(lived) == 3:
            raise KeyboardInterrupt
        return {"v1": {"Gini": 0.9 + seed / 1000}}

    _toy(monkeypatch, Experiment(toy, ("V1",)))
    with pytest.raises(KeyboardInterrupt):
        measure(Size(1000), [1, 2, 3, 4], tmp_path, ["V1"])
    found = measure(Size(1000), [1, 2, 3, 4], tmp_path, ["V1"])
    assert lived == [1, 2, 3, 3, 4]
    assert next(one for one in found.found["V1"] if one.what == "Gini").values == {
        s: 0.9 + s / 1000 for s in range(1, 5)
    }


def test_what_was_lived_by_other_code_is_lived_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def toy(size: Size, seed: int) -> dict[str, dict[str, float]]:
        lived.append(seed)
        return {"v1": {"Gini": 0.9}}

    lived: list[int] = []
    _toy(monkeypatch, Experiment(toy, ("V1",)))
    for digest in ("a", "a", "b"):
        monkeypatch.setattr(measuring, "model_digest", lambda digest=digest: digest)
        measure(Size(1000), [1], tmp_path, ["V1"])
    assert lived == [1, 1]


# --- the verb --------------------------------------------------------------------------------------------------------


def test_a_few_facts_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "facts"
    words = ["validate-model", "--customers", "2000", "--seeds", "2", "--facts", "e2,V10,V1", "--workers", "1"]
    assert main([*words, "--out", str(folder), "--quiet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["facts"]) == ["V1", "V10", "E2"]
    assert told["facts"]["E2"] == told["facts"]["V10"] == "holds"
    table = pd.read_csv(folder / "facts.csv")
    assert set(table["fact"]) == {"V1", "V10", "E2"}
    assert not list(folder.glob("parts*"))
    page = (folder / "validation.html").read_text(encoding="utf-8")
    assert "disappointment weighs more than delight" in page
    assert (folder / "figures" / "fact_V1.svg").exists()
    assert main([*words, "--out", str(folder)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    read = stored.read(folder)
    assert read.verdicts == told["facts"]
    assert read.record["model"] == measuring.model_digest()


# Facts that no luck of 2,000 customers decides: identities, a closed form, and a regression on a law without noise.
ROBUST = ("V10", "E2", "E5", "E6")


@pytest.mark.long
@pytest.mark.slow
def test_every_fact_gives_figures_and_a_verdict_at_any_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All but E8, which runs tests of this very suite."""
    folder = tmp_path / "facts"
    names = [name for name in NAMES if name != "E8"]
    words = ["--customers", "2000", "--seeds", "2", "--facts", ",".join(names), "--workers", "1"]
    assert main(["validate-model", *words, "--out", str(folder), "--quiet"]) == 0
    said = capsys.readouterr().out
    table = pd.read_csv(folder / "facts.csv", keep_default_na=False)
    read = stored.read(folder)
    assert list(read.verdicts) == names
    assert set(read.verdicts.values()) <= {"holds", "misses", "unclear", "not modelled"}
    assert f"{read.record['met']} of {len(names)} hold" in said
    assert {fact: read.verdicts[fact] for fact in ROBUST} == dict.fromkeys(ROBUST, "holds")
    for fact, findings in read.findings().items():
        if fact in names:
            told = table[table["fact"] == fact]
            assert told["measure"].tolist() == [one.what for one in findings] or read.verdicts[fact] == "not modelled"
            for one in findings:
                if one.tolerance is not None and math.isnan(one.interval.mean):
                    assert one.verdict == "unclear", (fact, one.what)
    measured = [fact for fact, verdict in read.verdicts.items() if verdict != "not modelled"]
    assert {file.stem for file in (folder / "figures").glob("fact_*.svg")} >= {f"fact_{fact}" for fact in measured}
    page = (folder / "validation.html").read_text(encoding="utf-8")
    assert all(f'id="{fact}"' in page for fact in names)
    assert ">nan" not in page


def test_a_worker_that_dies_is_a_row(tmp_path: Path) -> None:
    """What the engine hands back of an experiment whose workers died: its fact is unclear, and says why."""
    job = measuring.Living(str(tmp_path), Size(1000))
    job.do([("tariff", 1)])
    units = [("tariff", 1), ("untouched", 1), ("untouched", 2)]
    for unit in units[1:]:
        job.crash(unit, "worker died: killed by signal 9")
    found = measuring.gathered(job, [1, 2], units, ["E2", "E5"])
    assert found.verdicts == {"E2": "holds", "E5": "unclear"}
    assert found.broken["E5"][0] == "untouched, seed 1: worker died: killed by signal 9"
    assert stored.record_of(found, {})["broken"] == {"E5": found.broken["E5"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--facts", "V1,W9"], "unknown fact 'W9'"),
        (["--facts", ","], "names no fact"),
        (["--seeds", "3,3"], "names a seed twice"),
        (["--seeds", "0"], "a number from 1"),
    ],
)
def test_a_slip_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["validate-model", *words, "--out", str(tmp_path / "x")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "x").exists()
