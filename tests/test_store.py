"""A sweep's folder is whole or visibly unfinished: no row twice, none lost, and its digest can be recomputed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import sweep_jobs as jobs

from sim.errors import BadInput, RunFailed
from sim.experiments.design.plan import Parameter, Plan, Point, Unit
from sim.experiments.sweep.drive import design_of, units_of
from sim.store.lock import driver_lock, is_taken
from sim.store.sweep_folder import SweepStore
from sim.store.sweep_reading import read_sweep
from sim.store.sweep_rows import tasks_digest

ARMS = list(jobs.ARMS)
PLAN = jobs.plan()


def manifest(plan: Plan = PLAN, **more: Any) -> dict[str, Any]:
    return {
        "name": plan.name,
        "run_id": "then",
        "base_digest": plan.base_digest,
        "arms": list(plan.arms),
        "seeds": list(plan.seeds),
        "kpis": ["npv", "roi"],
        "parameters": [asdict(one) for one in plan.parameters],
        "code_version": plan.code_version,
        **more,
    }


def start(out: Path, points: list[Point], plan: Plan = PLAN, **options: Any) -> SweepStore:
    return SweepStore.create(
        out, manifest(plan), "name: tiny\n", design_of(plan, points), units_of(plan.units(points)), **options
    )


def rows(units: list[Unit], **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "unit": unit.id,
            "point": unit.point.number,
            "seed": unit.seed,
            "arm": arm,
            "seconds": 0.5,
            "worker": "w",
            "kpis": {"npv": unit.point.values["x1"] * 3 + unit.seed + place, "roi": 0.25},
        }
        | more
        for unit in units
        for place, arm in enumerate(ARMS)
    ]


def filled(out: Path, points: list[Point], plan: Plan = PLAN, size: int = 3) -> SweepStore:
    """A store with all rows of its points in parts."""
    store, units = start(out, points, plan), plan.units(points)
    for place in range(0, len(units), size):
        store.add(None, rows(units[place : place + size]))
    return store


@pytest.fixture
def five() -> list[Point]:
    return jobs.points(5)


def test_a_finished_sweep_has_every_task_once_in_order(tmp_path: Path, five: list[Point]):
    found = filled(tmp_path / "s", five).finish({"workers": 2})
    tasks = found.tasks
    assert list(tasks.columns) == [
        "task",
        "unit",
        "point",
        "lever",
        "world",
        "arm",
        "seed",
        "x1",
        "x2",
        "x3",
        "deed",
        "npv",
        "roi",
        "status",
        "seconds",
        "worker",
        "error",
        "traceback",
    ]
    assert [tuple(key) for key in tasks[["point", "arm", "seed"]].to_numpy()] == [
        (point.number, arm, seed) for point in five for arm in ARMS for seed in (1, 2)
    ]
    assert list(tasks["x1"]) == [point.values["x1"] for point in five for _ in range(4)]
    assert list(tasks["task"]) == [f"{unit}-{arm}" for unit, arm in zip(tasks["unit"], tasks["arm"], strict=True)]
    assert list(tasks["unit"][:2]) == [PLAN.unit(five[0], seed).id for seed in (1, 2)]
    assert (found.status, found.manifest["units"], found.manifest["tasks"]) == ("done", 10, 20)
    assert not (tmp_path / "s" / "parts").exists()
    again = read_sweep(tmp_path / "s")
    pd.testing.assert_frame_equal(again.tasks, tasks)
    assert (again.arms, again.seeds, again.kpis, len(again.parameters)) == (ARMS, [1, 2], ["npv", "roi"], 4)
    assert list(again.design["point"]) == [0, 1, 2, 3, 4]


def test_the_digest_is_what_its_docstring_says(tmp_path: Path, five: list[Point]):
    found = filled(tmp_path / "s", five).finish()
    tasks = found.tasks.sort_values(["point", "seed"], kind="stable")
    tasks = pd.concat([tasks[(tasks["point"] == p) & (tasks["arm"] == arm)] for p in range(5) for arm in ARMS])
    told = hashlib.sha256(struct.pack("<q", len(tasks)))

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value.encode())) + value.encode()

    for name in list(tasks.columns)[:14]:
        told.update(text(name))
        for value in tasks[name].tolist():
            told.update(
                text(value) if isinstance(value, str) else struct.pack("<q" if isinstance(value, int) else "<d", value)
            )
    assert found.manifest["tasks_digest"] == told.hexdigest()
    shuffled = found.tasks.sample(frac=1, random_state=1).assign(seconds=9.0, worker="other", error="?")
    assert tasks_digest(shuffled, ARMS, found.kpis) == told.hexdigest()
    shuffled.loc[3, "roi"] = np.nextafter(0.25, 1)
    assert tasks_digest(shuffled, ARMS, found.kpis) != told.hexdigest()


def test_an_unfinished_sweep_reads_what_is_there(tmp_path: Path, five: list[Point]):
    store, units = start(tmp_path / "s", five), PLAN.units(five)
    assert read_sweep(store.path).tasks.empty
    store.add(None, rows(units[:3]))
    found = read_sweep(store.path)
    assert (found.status, len(found.tasks)) == ("running", 6)
    assert found.tasks["npv"].dtype == np.float64
    assert store.done() == {unit.id for unit in units[:3]}
    with pytest.raises(ValueError, match="14 planned tasks were neither"):
        store.finish()


def test_of_several_rows_an_ok_one_counts_then_the_latest(tmp_path: Path, five: list[Point]):
    store, (unit, other, *_) = start(tmp_path / "s", five), PLAN.units(five)
    store.add("b", rows([unit, other], status="failed", error="first"))
    store.attempt = 2
    store.add("a", rows([unit, other], status="failed", error="second"))
    assert set(read_sweep(store.path).tasks["error"]) == {"second"}
    assert store.done() == set()
    store.attempt = 1
    store.add("c", rows([unit]))
    tasks = read_sweep(store.path).tasks
    assert list(tasks["status"][tasks["unit"] == unit.id]) == ["ok", "ok"]
    assert store.done() == {unit.id}
    assert len(tasks) == 4


def test_many_parts_become_one_and_nothing_changes(tmp_path: Path, five: list[Point]):
    store = filled(tmp_path / "s", five, size=1)
    before = read_sweep(store.path).tasks
    assert not store.merge(most=10)
    assert store.merge(most=9)
    assert len(jobs.parts(store.path)) == 1
    pd.testing.assert_frame_equal(read_sweep(store.path).tasks, before)
    quiet = filled(tmp_path / "q", five).finish()
    assert store.finish().manifest["tasks_digest"] == quiet.manifest["tasks_digest"]


def test_a_merge_cut_short_leaves_rows_once(tmp_path: Path, five: list[Point], monkeypatch: pytest.MonkeyPatch):
    """Killed after the new part stands and before the old ones are gone."""
    store = filled(tmp_path / "s", five, size=1)
    before = read_sweep(store.path).tasks

    def killed(self: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            store.merge(most=2)
    assert len(jobs.parts(store.path)) == 11
    pd.testing.assert_frame_equal(read_sweep(store.path).tasks, before)


def test_more_seeds_and_points_keep_what_is_there(tmp_path: Path):
    """The points get other numbers; rows are known by what their unit is made of."""
    few, wide = jobs.points(3), jobs.plan(seeds=(1, 2, 3))
    filled(tmp_path / "s", few).finish()
    many = [replace(point, number=9 - i) for i, point in enumerate(jobs.points(5))]
    store = start(tmp_path / "s", many, wide, resume=True)
    todo = [unit for unit in wide.units(many) if unit.id not in store.done()]
    assert len(todo) == 15 - 6
    assert (store.status, len(read_sweep(store.path).tasks)) == ("running", 12)
    store.add(None, rows(todo))
    extended = store.finish()
    whole = filled(tmp_path / "w", many, wide).finish()
    assert extended.manifest["tasks_digest"] == whole.manifest["tasks_digest"]
    assert extended.manifest["resumed"] == 1


def test_rows_that_are_not_asked_for_are_kept_for_who_asks_again(tmp_path: Path, five: list[Point]):
    quiet = filled(tmp_path / "s", five).finish()
    narrow = start(tmp_path / "s", five[:2], resume=True)
    found = narrow.finish()
    assert len(found.tasks) == 8
    assert found.manifest["tasks"] == 8
    assert [part.name.startswith("spare-") for part in jobs.parts(narrow.path)] == [True]
    wide = start(tmp_path / "s", five, resume=True)
    assert len(wide.done()) == 10
    assert wide.finish().manifest["tasks_digest"] == quiet.manifest["tasks_digest"]
    assert jobs.parts(wide.path) == []


def test_resuming_a_finished_sweep_changes_nothing(tmp_path: Path, five: list[Point]):
    filled(tmp_path / "s", five).finish()
    before = (tmp_path / "s" / "manifest.json").read_bytes()
    store = start(tmp_path / "s", five, resume=True)
    assert store.status == "done"
    assert len(store.finish().tasks) == 20
    assert (tmp_path / "s" / "manifest.json").read_bytes() == before


def test_points_with_the_same_values_have_a_row_each(tmp_path: Path):
    twice = [*jobs.points(2), replace(jobs.points(1)[0], number=2)]
    store = start(tmp_path / "s", twice)
    store.add(None, rows(list({unit.id: unit for unit in PLAN.units(twice)}.values())))
    found = store.finish()
    assert len(found.tasks) == 12
    first, third = (found.tasks[found.tasks["point"] == number]["npv"].tolist() for number in (0, 2))
    assert first == third


def test_switches_choices_and_integers_keep_their_types(tmp_path: Path):
    parameters = (
        Parameter("s", "switch", values=(True, False)),
        Parameter("i", "integer", low=1, high=9),
        Parameter("c", "choice", values=("nan", "a,b", "")),
        Parameter("m", "choice", values=(1, 2.5)),
        Parameter("n", "number", low=0, high=1),
    )
    values = [
        {"s": i == 0, "i": i, "c": c, "m": m, "n": 0.1 + i / 3}
        for i, (c, m) in enumerate([("nan", 1), ("a,b", 2.5), ("", 1)])
    ]
    points = [Point(i, 0, 0, one) for i, one in enumerate(values)]
    plan = Plan("t", "", parameters, tuple(ARMS), (1,), "test", lives="sweep_jobs:Trivial")
    store = start(tmp_path / "s", points, plan)
    store.add(
        None,
        [row | {"kpis": {}} for row in ({"unit": u.id, "arm": a, "seed": 1} for u in plan.units(points) for a in ARMS)],
    )
    tasks = store.finish().tasks
    assert [tasks[c].dtype.kind for c in "simn"] == ["b", "i", "f", "f"]
    assert tasks[list("sicmn")].drop_duplicates().to_dict("records") == values
    assert tasks["npv"].isna().all()


# ----------------------------------------------------------------------------------------------- what is not as it was


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def test_a_cut_part_is_named_and_on_resume_set_aside(tmp_path: Path, five: list[Point]):
    store = filled(tmp_path / "s", five)
    part = jobs.parts(store.path)[0]
    lost = set(pq.read_table(part).column("unit").to_pylist())
    cut(part)
    with pytest.raises(BadInput, match=f"{part.name}  damaged: "):
        _ = read_sweep(store.path).tasks
    healed = start(store.path, five, resume=True)
    assert healed.done() == {unit.id for unit in PLAN.units(five)} - lost
    assert part.with_name(part.name + ".damaged").exists()
    (line,) = healed.lines
    assert "set aside" in line
    assert healed.attempt == 2


def test_a_flipped_byte_is_noticed_or_does_no_harm(tmp_path: Path, five: list[Point]):
    store = filled(tmp_path / "s", five, size=20)
    (part,) = jobs.parts(store.path)
    good, content, noticed = read_sweep(store.path).tasks, part.read_bytes(), 0
    for place in range(5, len(content), 61):
        part.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            pd.testing.assert_frame_equal(read_sweep(store.path).tasks, good)
        except BadInput:
            noticed += 1
    assert noticed > 30


def test_a_cut_table_of_tasks_is_named_and_lived_again(tmp_path: Path, five: list[Point]):
    filled(tmp_path / "s", five).finish()
    cut(tmp_path / "s" / "tasks.parquet")
    with pytest.raises(BadInput, match=r"tasks\.parquet  damaged: "):
        _ = read_sweep(tmp_path / "s").tasks
    store = start(tmp_path / "s", five, resume=True)
    assert (store.status, store.done(), len(store.lines)) == ("running", set(), 1)


@pytest.mark.parametrize("file", ["design.csv", "manifest.json"])
def test_a_missing_file_is_named(tmp_path: Path, five: list[Point], file: str):
    filled(tmp_path / "s", five).finish()
    (tmp_path / "s" / file).unlink()
    with pytest.raises(BadInput, match=r"missing|no manifest"):
        read_sweep(tmp_path / "s")


def test_folders_that_may_not_be_used_say_so_in_one_line(tmp_path: Path, five: list[Point]):
    out = tmp_path / "s"
    start(out, five)
    other, older = jobs.plan(text="name: other\n"), jobs.plan(code_version="old")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("")
    for what, place, plan, options in (
        ("--resume to go on with it, --overwrite to replace it", out, PLAN, {}),
        ("another scenario, other arms or another book", out, other, {"resume": True}),
        ("made by code version test, not old", out, older, {"resume": True}),
        ("exclude each other", out, PLAN, {"resume": True, "overwrite": True}),
        ("not of a sweep (letter.txt)", tmp_path / "mine", PLAN, {"overwrite": True}),
        ("is a file; name a folder", tmp_path / "file" / "s", PLAN, {}),
    ):
        with pytest.raises(BadInput) as caught:
            start(place, five, plan, **options)
        assert what in str(caught.value)
        assert "\n" not in str(caught.value)
    (out / "letter.txt").write_text("dear")
    with pytest.raises(BadInput, match=r"files that are not of a sweep \(letter.txt\)"):
        start(out, five, overwrite=True)


def test_overwriting_leaves_nothing_of_the_old_sweep(tmp_path: Path, five: list[Point]):
    filled(tmp_path / "s", five).finish()
    (tmp_path / "s" / "analysis").mkdir()
    (tmp_path / "s" / "analysis" / "effects.csv").write_text("")
    store = start(tmp_path / "s", five, overwrite=True)
    assert sorted(p.name for p in store.path.iterdir()) == [
        "design.csv",
        "manifest.json",
        "parts",
        "scenario.yaml",
        "units.parquet",
    ]
    assert store.done() == set()


def test_a_run_is_no_sweep_and_is_not_overwritten(tmp_path: Path, five: list[Point]):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "manifest.json").write_text(json.dumps({"format": "rapport-results"}))
    with pytest.raises(BadInput, match=r"holds a single run of .*, not a sweep"):
        read_sweep(tmp_path / "s")
    with pytest.raises(BadInput, match="holds a single run of None, not a sweep; name a new or empty folder"):
        start(tmp_path / "s", five, overwrite=True)


# ---------------------------------------------------------------------------------------------------- one driver, disks

HOLD = """
import sys, time
from pathlib import Path
from sim.store.lock import driver_lock
lock = driver_lock(Path(sys.argv[1]), shared=sys.argv[2] == "shard")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("who", ["driver", "shard"])
def test_one_driver_at_a_time_or_many_shards_and_the_dead_hold_nothing(tmp_path: Path, who: str):
    held = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path), who], stdin=-1, stdout=-1, text=True)
    try:
        assert held.stdout is not None
        assert held.stdout.readline() == "held\n"
        assert is_taken(tmp_path)
        with pytest.raises(BadInput, match="is being worked on by"):
            driver_lock(tmp_path)
        if who == "shard":
            driver_lock(tmp_path, shared=True).release()
        else:
            with pytest.raises(BadInput, match=f"process {held.pid} on"):
                driver_lock(tmp_path, shared=True)
    finally:
        held.kill()
        held.wait()
        assert held.stdin is not None
        held.stdin.close()
        held.stdout.close()
    assert not is_taken(tmp_path)
    driver_lock(tmp_path).release()


def test_a_full_disk_is_a_failed_run_that_can_go_on(tmp_path: Path, five: list[Point], monkeypatch: pytest.MonkeyPatch):
    store, units = start(tmp_path / "s", five), PLAN.units(five)
    store.add(None, rows(units[:4]))

    def full(source: Any, target: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    for what in (lambda: store.add(None, rows(units[4:])), lambda: store.merge(most=0), store.interrupt):
        with monkeypatch.context() as m:
            m.setattr(os, "replace", full)
            with pytest.raises(RunFailed, match="no space left on the disk; free some"):
                what()
    assert not list(tmp_path.rglob("*.tmp"))
    again = start(tmp_path / "s", five, resume=True)
    again.add(None, rows([unit for unit in units if unit.id not in again.done()]))
    with monkeypatch.context() as m:
        m.setattr(os, "replace", full)
        with pytest.raises(RunFailed, match="no space left"):
            again.finish()
    quiet = filled(tmp_path / "q", five).finish()
    assert again.finish().manifest["tasks_digest"] == quiet.manifest["tasks_digest"]


def test_rows_of_another_kind_are_a_fault_of_the_caller(tmp_path: Path, five: list[Point]):
    store, (unit, *_) = start(tmp_path / "s", five), PLAN.units(five)
    for wrong in ({"kpis": {"xyz": 1.0}}, {"status": "fine"}):
        with pytest.raises(ValueError, match=r"xyz|fine"):
            store.add(None, rows([unit], **wrong))
    with pytest.raises(ValueError, match="without arm"):
        store.add(None, [{"unit": "u", "seed": 1}])
