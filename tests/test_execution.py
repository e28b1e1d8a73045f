"""Arms of a seed share one burn-in, and nobody can tell from the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from banks import bank, tables

from sim.bank.model import BankModel
from sim.bank.state import State
from sim.errors import RunFailed
from sim.experiments.callbacks import Callback
from sim.experiments.prepare import prepare
from sim.experiments.prepared import Prepared
from sim.experiments.run import Options, run_all
from sim.store.run_reading import Run, read

QUICK = Path(__file__).parent.parent / "scenarios" / "quick.yaml"
ARMS = "arms={nothing: [], second: [], third: []}"
SMALL = ["population.customers=800", "burn_in=5", "months=4", "seeds=[3, 8]"]


class Counting(Callback):
    """Counts what it is told."""

    def __init__(self) -> None:
        self.months = self.total = 0
        self.order: list[tuple[str, int]] = []

    def begin(self, name: str, runs: int, months: int) -> None:
        self.total = months

    def month(self, rows: int) -> None:
        self.months += 1

    def finished(self, arm: str, seed: int, seconds: float) -> None:
        self.order.append((arm, seed))


def three_arms(*more: str) -> list[Prepared]:
    return prepare([QUICK], [*SMALL, ARMS, *more])


def run(prepared: list[Prepared], out: Path, callback: Callback | None = None, **options: Any) -> Run:
    return run_all(prepared, Options(out=out, threads=1, **options), callback)[0].run


def test_a_shared_burn_in_is_a_burn_in_lived_by_every_arm(tmp_path: Path):
    """Every table of every arm is what its own bank records that lived its own burn-in."""
    (ready,) = three_arms("population.agents=600")
    shared = run([ready], tmp_path / "shared")
    for arm in ready.scenario.arm_list:
        for seed in (3, 8):
            alone = BankModel(ready.scenario, arm, seed, ready.customers())
            alone.run()
            for name, table in tables(alone).items():
                stored = getattr(shared, name).query("arm == @arm.name and seed == @seed").reset_index(drop=True)
                wishes = ["year", "tier", "age", "app", "wish", "end"]
                keys = {"monthly": ["month"], "managers": ["month", "post", "event"], "reach": wishes}.get(name, [])
                if name == "reach":
                    stored = stored.astype(dict.fromkeys(wishes[1:], str))
                    stored = stored.sort_values(keys, kind="stable").reset_index(drop=True)
                table = table.sort_values(keys, kind="stable").reset_index(drop=True) if keys else table
                pd.testing.assert_frame_equal(stored[table.columns], table, check_exact=True, check_dtype=False)


def test_burn_in_is_lived_once_a_seed_and_told_apart(tmp_path: Path):
    callback = Counting()
    made = run(three_arms(), tmp_path / "run", callback)
    assert callback.months == callback.total == 2 * 5 + 6 * 4
    assert callback.order == [(arm, seed) for seed in (3, 8) for arm in ("nothing", "second", "third")]
    runs = {(entry["arm"], entry["seed"]): entry for entry in made.manifest["runs"]}
    assert len(runs) == 6
    for (arm, _), entry in runs.items():
        assert (entry["burn_in_seconds"] > 0) == (arm == "nothing")
        assert 0 < entry["measured_seconds"] <= entry["seconds"]


def test_only_what_is_missing_runs_and_burn_in_only_where_something_is(tmp_path: Path):
    out = tmp_path / "run"
    whole = run(three_arms(), tmp_path / "whole")

    class Stops(Counting):
        def finished(self, arm: str, seed: int, seconds: float) -> None:
            super().finished(arm, seed, seconds)
            if len(self.order) == 4:
                raise KeyboardInterrupt

    with pytest.raises(Exception, match="interrupted"):
        run(three_arms(), out, Stops())
    callback = Counting()
    again = run(three_arms(), out, callback, resume=True)
    assert callback.order == [("second", 8), ("third", 8)]
    assert callback.months == callback.total == 5 + 2 * 4
    assert again.manifest["result_digest"] == whole.manifest["result_digest"]


def test_an_arm_that_breaks_leaves_the_others_of_its_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    live = BankModel.run

    def breaks(self: BankModel, *told: Any, **more: Any) -> Any:
        if (self.arm.name, self.seed) == ("second", 3):
            self.customers.aum[:] = np.nan
            raise FloatingPointError("an arm broke")
        return live(self, *told, **more)

    monkeypatch.setattr(BankModel, "run", breaks)
    (outcome,) = run_all(three_arms(), Options(out=tmp_path / "run", threads=1))
    assert [(broken["arm"], broken["seed"]) for broken in outcome.failed] == [("second", 3)]
    monkeypatch.undo()
    whole = run(three_arms(), tmp_path / "whole")
    mended = run(three_arms(), tmp_path / "run", resume=True)
    assert mended.manifest["result_digest"] == whole.manifest["result_digest"]


def test_a_burn_in_that_breaks_is_tried_once_and_breaks_every_arm_of_its_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tried: list[int] = []
    live = BankModel.burn_in

    def breaks(self: BankModel, told: Any = None) -> State:
        tried.append(self.seed)
        if self.seed == 3:
            raise OverflowError("too much money")
        return live(self, told)

    monkeypatch.setattr(BankModel, "burn_in", breaks)
    (outcome,) = run_all(three_arms(), Options(out=tmp_path / "run", threads=1))
    assert tried == [3, 8]
    assert {(broken["arm"], broken["seed"]) for broken in outcome.failed} == {
        (arm, 3) for arm in ("nothing", "second", "third")
    }
    monkeypatch.setattr(BankModel, "burn_in", lambda self, on_month=None: 1 / 0)
    with pytest.raises(RunFailed, match="every run failed"):
        run(three_arms(), tmp_path / "none")


def test_the_digest_of_an_arm_does_not_hang_on_its_company(tmp_path: Path):
    together = run(three_arms(), tmp_path / "three").manifest["arm_digests"]
    alone = run(prepare([QUICK], [*SMALL, ARMS], arms=["second"]), tmp_path / "one").manifest["arm_digests"]
    assert together["second"] == alone["second"]


def test_a_bank_without_burn_in_begins_at_month_zero(tmp_path: Path):
    callback = Counting()
    run(three_arms("burn_in=0"), tmp_path / "run", callback)
    assert callback.months == callback.total == 6 * 4
    first = bank(three_arms("burn_in=0")[0].scenario, 3)
    first.run()
    stored = read(tmp_path / "run").monthly.query("arm == 'third' and seed == 3")
    np.testing.assert_array_equal(stored["aum"], tables(first)["monthly"]["aum"])
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["status"] == "done"
