"""A sweep lives every unit once, whatever units do to the processes that live them, and goes on where it stopped."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sweep_jobs as jobs

from sim.errors import BadInput, RunFailed
from sim.experiments.callbacks import Callback
from sim.experiments.design.plan import Plan, Point
from sim.experiments.executors import chunks
from sim.experiments.executors import dispatch as engine
from sim.experiments.executors.chunks import Chunk, Todo
from sim.experiments.executors.local import local
from sim.experiments.sweep import drive as drive_room
from sim.experiments.sweep.drive import SweepOptions, sweep
from sim.experiments.sweep.shards import share, work
from sim.experiments.sweep.status import Tally, status
from sim.phrases import duration
from sim.store.lock import driver_lock
from sim.store.sweep_reading import StoredSweep, read_sweep
from sim.verbs.progress import SweepProgress

pytest.importorskip("distributed")
POINTS = jobs.points(24)


class Kept:
    """Two worker processes of this machine for all tests of a module: a cluster takes seconds to start."""

    workers, ours, local, here, patience, words = 2, True, True, False, 60.0, "kept"

    def __init__(self, client: Any, cluster: Any):
        self.both = (client, cluster)

    @contextlib.contextmanager
    def open(self, folder: Path | None = None, say: Any = None) -> Iterator[tuple[Any, Any]]:
        yield self.both


@pytest.fixture(scope="module")
def here() -> Iterator[Kept]:
    with local(2).open() as both:
        yield Kept(*both)


class Heard(Callback):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.lived, self.start, self.notes, self.lost = 0, (0, 0), [], []

    def items(self, total: int, done: int) -> None:
        self.start = (total, done)

    def chunk(self, receipt: dict[str, Any]) -> None:
        self.lived += receipt["units"]

    def crashed(self, item: Any, reason: str) -> None:
        self.lost.append((item, reason))

    def note(self, text: str) -> None:
        self.notes.append(text)


def run(
    out: Path, where: Any, points: list[Point], plan: Plan | None = None, heard: Callback | None = None, **options: Any
) -> StoredSweep:
    return sweep(plan or jobs.plan(), points, {}, "name: tiny\n", SweepOptions(out, **options), where, heard)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """The sweep of `POINTS` as one shard of one lives it, with no engine."""
    return work(jobs.plan(), POINTS, {}, "", SweepOptions(tmp_path_factory.mktemp("quiet")), (1, 1))


# ------------------------------------------------------------------------------------------------------------- the rule


def test_every_task_is_lived_once_and_the_rows_are_those_of_one_process(tmp_path: Path, here: Kept, quiet: StoredSweep):
    heard = Heard()
    found = run(tmp_path / "s", here, POINTS, heard=heard)
    assert (found.status, heard.start, heard.lived) == ("done", (48, 0), 48)
    assert found.manifest["tasks_digest"] == quiet.manifest["tasks_digest"]
    assert len(found.tasks) == found.tasks["task"].nunique() == 96
    assert sorted(p.name for p in found.path.iterdir()) == [
        "design.csv",
        "lock",
        "manifest.json",
        "plan.json",
        "progress.log",
        "scenario.yaml",
        "tasks.parquet",
        "units.parquet",
    ]


def test_a_poison_unit_is_a_crashed_row_and_everything_else_is_there(tmp_path: Path, here: Kept):
    """Ends its process, raises, breaks in its second arm, runs out of memory, takes too long."""
    deeds = ("live", "exit", "raise", "half", "hog", "hang")
    plan, points = jobs.plan("Deeds", seeds=(1,), seconds_limit=1.0), jobs.points(20, deeds=deeds)
    found = run(tmp_path / "s", here, points, plan)
    tasks = found.tasks.set_index(["deed", "arm"])
    assert (found.status, len(found.tasks)) == ("failed", 40)
    for arm in jobs.ARMS:
        assert tasks["status"]["exit", arm] == "crashed"
        assert tasks["error"]["exit", arm].startswith("its worker process died 3 times")
        assert tasks["status"]["hang", arm] == "crashed"
        assert tasks["error"]["hang", arm] == "took longer than the limit of 1 s"
        assert re.search(r'sweep_jobs\.py", line \d+,? in run\b', tasks["traceback"]["hang", arm])
        assert tasks["error"]["raise", arm] == "ValueError: no such bank as 0.03125"
        assert re.search(r'sweep_jobs\.py", line \d+,? in run\b', tasks["traceback"]["raise", arm])
        assert tasks["error"]["hog", arm] == "MemoryError: no memory for so many customers"
    assert list(tasks["status"]["half"][list(jobs.ARMS)]) == ["ok", "failed"]
    assert found.tasks["status"].value_counts().to_dict() == {"ok": 31, "failed": 5, "crashed": 4}


def test_more_seeds_and_points_live_only_what_is_new(tmp_path: Path, here: Kept, quiet: StoredSweep):
    run(tmp_path / "s", here, POINTS[:10], jobs.plan(seeds=(1,)))
    heard = Heard()
    found = run(tmp_path / "s", here, POINTS, heard=heard, resume=True)
    assert heard.start == (48, 10)
    assert heard.lived == 38
    assert found.manifest["tasks_digest"] == quiet.manifest["tasks_digest"]
    nothing = Heard()
    run(tmp_path / "s", here, POINTS, heard=nothing, resume=True)
    assert (nothing.start, nothing.lived) == ((0, 0), 0)


def test_points_with_the_same_values_are_lived_once(tmp_path: Path, here: Kept):
    twice, heard = [*POINTS[:3], Point(3, 3, 0, POINTS[0].values)], Heard()
    found = run(tmp_path / "s", here, twice, heard=heard)
    assert heard.lived == 6
    assert len(found.tasks) == 16


def test_known_function(tmp_path: Path, here: Kept):
    found = run(tmp_path / "s", here, jobs.points(4), jobs.plan("Ishigami", arms=("nothing",), seeds=(1,)))
    assert found.kpis == ["f"]
    assert found.tasks["f"].nunique() == 4


def test_what_cannot_be_loaded_is_said_before_anything_is_written(tmp_path: Path, here: Kept):
    with pytest.raises(BadInput, match="sweep_jobs:Nobody cannot be loaded"):
        run(tmp_path / "s", here, POINTS, jobs.plan("Nobody"))
    assert not (tmp_path / "s").exists()


def test_wrong_folders_are_refused_in_one_line_and_left_alone(tmp_path: Path, here: Kept, quiet: StoredSweep):
    before = sorted(p.name for p in quiet.path.iterdir())
    other = jobs.plan(text="name: other\n")
    lock = driver_lock(tmp_path / "busy")
    for out, plan, options, what in (
        (quiet.path, jobs.plan(), {}, "--resume to go on"),
        (quiet.path, other, {"resume": True}, "another scenario"),
        (tmp_path / "busy", jobs.plan(), {}, f"is being worked on by process {os.getpid()}"),
    ):
        with pytest.raises(BadInput) as caught:
            run(out, here, POINTS, plan, **options)
        assert what in str(caught.value)
        assert "\n" not in str(caught.value)
    lock.release()
    assert sorted(p.name for p in quiet.path.iterdir()) == before


@pytest.mark.long
def test_a_cluster_that_hangs_is_given_up_and_the_next_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The first process that meets the point stops for ever, as a worker may; nothing is known of time limits."""
    monkeypatch.setattr(engine, "STALL", 1.0)
    heard, plan = Heard(), jobs.plan("HangsOnce", seeds=(1,), text=str(tmp_path / "been-here"))
    found = run(tmp_path / "s", local(1), jobs.points(3), plan, heard)
    assert found.status == "done"
    assert [note for note in heard.notes if note.startswith("nothing has come back for")]


def test_silence_is_no_stall_while_a_worker_computes(tmp_path: Path, here: Kept, monkeypatch: pytest.MonkeyPatch):
    """An item may take longer than any before it; whoever listens is told."""
    monkeypatch.setattr(engine, "STALL", 1.0)
    heard, plan = Heard(), jobs.plan("Spinner", seeds=(1,))
    found = run(tmp_path / "s", here, jobs.points(2, x2=2.5), plan, heard)
    assert found.status == "done"
    assert not [note for note in heard.notes if "new cluster" in note]
    assert "but workers compute; a sweep's seconds_limit ends" in heard.notes[0]


# --------------------------------------------------------------------------------------------------- Ctrl-C, full disks

DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
import sweep_jobs as jobs
if __name__ == "__main__":
    sys.exit(jobs.main(sys.argv[2:]))
"""


def driver(out: Path, *more: str) -> subprocess.Popen[str]:
    """A sweep of 40 units of 0.05 s in another process group, as a terminal starts it."""
    code = out.parent / "driver.py"
    code.write_text(DRIVER)
    line = [sys.executable, str(code), str(Path(__file__).parent), str(out), *more]
    path = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parent)])
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.Popen(line, stdout=-1, stderr=-1, text=True, start_new_session=True, env=environment)


def processes_of(group: int) -> list[int]:
    """Living processes of a session."""
    import psutil

    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(one.pid) == group and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
    return found


def wait_for(what: Any, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def test_ctrl_c_keeps_what_is_stored_and_leaves_nobody_behind(tmp_path: Path):
    out = tmp_path / "s"
    process = driver(out, "--points", "2000")
    wait_for(lambda: len(jobs.parts(out)) > 3)
    assert status(out).at_work
    os.killpg(process.pid, 2)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip().splitlines()[-1].endswith(f"--resume --out {out} goes on")
    assert "Traceback" not in err
    wait_for(lambda: processes_of(process.pid) == [], 10)
    stopped = status(out)
    assert (stopped.status, stopped.at_work) == ("interrupted", False)
    assert 0 < stopped.done < stopped.total == 8000
    assert stopped.lines[-1].endswith("interrupted")


def test_a_killed_driver_leaves_no_worker_and_no_lock(tmp_path: Path):
    out = tmp_path / "s"
    process = driver(out, "--points", "2000")
    wait_for(lambda: len(jobs.parts(out)) > 3)
    process.kill()
    process.communicate()
    wait_for(lambda: processes_of(process.pid) == [], 10)
    left = status(out)
    assert (left.status, left.at_work) == ("running", False)
    assert "--resume goes on" in left.text()
    driver_lock(out).release()


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk that is soon full: a file system of its own, where we may make one."""
    folder.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(line, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        yield
    finally:
        wait_for(lambda: subprocess.run(["umount", str(folder)], capture_output=True).returncode == 0)  # a last chunk


def test_a_full_disk_stops_the_sweep_and_with_room_it_goes_on(tmp_path: Path, here: Kept, quiet: StoredSweep):
    with small_disk(tmp_path / "disk", "56k"):
        out = tmp_path / "disk" / "s"
        with pytest.raises(RunFailed, match="no space left on the disk; free some, then go on with --resume"):
            run(out, here, POINTS)
        assert len(read_sweep(out).tasks) < 96
        subprocess.run(["mount", "-o", "remount,size=4m", str(tmp_path / "disk")], check=True)
        found = run(out, here, POINTS, resume=True)
        assert found.manifest["tasks_digest"] == quiet.manifest["tasks_digest"]


# ----------------------------------------------------------------------------------------------------------- shards


def test_shards_have_the_rows_of_the_driver_and_the_last_puts_them_together(tmp_path: Path, quiet: StoredSweep):
    options = SweepOptions(tmp_path / "s")
    found = [work(jobs.plan(), POINTS, {}, "", options, (i, 3)) for i in (3, 1, 2)]
    assert [one.status for one in found] == ["running", "running", "done"]
    assert found[2].manifest["tasks_digest"] == quiet.manifest["tasks_digest"]
    assert work(jobs.plan(), POINTS, {}, "", options, (2, 3)).status == "done"


def test_shards_do_not_need_dask(tmp_path: Path):
    code = (
        "import sys; sys.modules['dask'] = sys.modules['distributed'] = None\n"
        "import sweep_jobs as jobs\n"
        "if __name__ == '__main__':\n"
        f"    sys.exit(jobs.main([{str(tmp_path / 's')!r}, '--points', '4', '--shard', '1/1']))\n"
    )
    (tmp_path / "shard.py").write_text(code)
    path = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parent)])
    subprocess.run([sys.executable, tmp_path / "shard.py"], check=True, env=os.environ | {"PYTHONPATH": path})
    assert read_sweep(tmp_path / "s").status == "done"


def test_a_shard_survives_poison_and_a_later_one_tries_again(tmp_path: Path):
    deeds, plan = ("exit", "hang", "raise"), jobs.plan("Deeds", seeds=(1,), seconds_limit=1.0)
    found = work(plan, jobs.points(9, deeds=deeds), {}, "", SweepOptions(tmp_path / "s"), (1, 1))
    assert found.failed["error"].str.slice(0, 24).drop_duplicates().tolist() == [
        "its worker process died ",
        "took longer than the lim",
        "ValueError: no such bank",
    ]
    assert len(found.tasks) == 18


def test_every_unit_is_in_one_share_with_neighbours_together():
    units = jobs.plan(seeds=tuple(range(40))).units(jobs.points(7))
    shares = [share(units, i, 4) for i in (1, 2, 3, 4)]
    assert sorted(unit.id for one in shares for unit in one) == sorted(unit.id for unit in units)
    assert max(map(len, shares)) - min(map(len, shares)) <= 7
    assert [len(share(units[:3], i, 5)) for i in range(1, 6)] == [1, 1, 1, 0, 0]


def test_shards_are_told_what_they_lack(tmp_path: Path):
    for shard, options, what in (
        ((0, 3), SweepOptions(tmp_path), "0/3 is not a shard; from 1/3 to 3/3"),
        ((4, 3), SweepOptions(tmp_path), "4/3 is not a shard"),
        ((1, 3), SweepOptions(), "name it with --out"),
        ((1, 3), SweepOptions(tmp_path, overwrite=True), "remove the folder first"),
    ):
        with pytest.raises(BadInput, match=what):
            work(jobs.plan(), POINTS, {}, "", options, shard)


# ----------------------------------------------------------------------------------------- how much at a time, how far


def sizes(total: int, seconds: float, workers: int = 2) -> list[int]:
    """Sizes of all chunks of so many items that take so long, in the order they are handed out."""
    todo, found = Todo(list(range(total))), []
    while chunk := todo.next(workers):
        found.append(len(chunk.items))
        if len(found) > chunks.WINDOW * workers:
            todo.paces.append(seconds)
    assert sum(found) == total
    return found


def test_chunks_begin_small_grow_to_some_seconds_and_end_small():
    found = sizes(2_000, 0.5)
    assert found[0] == chunks.FIRST_CHUNK
    assert max(found) == 40
    assert found[-1] <= 4


def test_there_are_not_too_many_chunks_nor_too_long_ones():
    assert len(sizes(100_000, 1e-5)) < 500
    assert max(sizes(1_000_000, 0.01)) == 2_000
    assert max(sizes(300_000, 1.0)) == 60
    assert set(sizes(50, 300.0)[9:]) == {1}


def test_what_was_under_way_is_handed_out_first():
    todo = Todo(list("abcdefghijklmnopqrstuvwxyz"))
    first, second = todo.next(1), todo.next(1)
    assert first is not None
    assert second is not None
    todo.back(first)
    todo.alone.append(Chunk(["a"]))
    todo.return_all()
    assert todo.left == 26 - len(first.items) + 1
    assert [todo.next(1), todo.next(1)] == [second, Chunk(["a"])]


def test_rate_and_time_left_are_of_the_latest_chunks():
    now = iter([0.0, 10.0, 20.0])
    tally = Tally(2, clock=lambda: next(now))
    tally.items(100, 20)
    tally.chunk({"units": 5, "failed": 1})
    tally.crashed()
    assert (tally.done, tally.total, tally.failed, tally.rate, tally.seconds_left) == (52, 200, 3, 0.6, 148 / 0.6)
    assert tally.line() == "52 of 200 tasks done (26 %), 3 failed, 0 workers, 0.6 tasks/s, 4 min left"
    assert [duration(s) for s in (45, 600, 12_000)] == ["45 s", "10 min", "3 h 20 min"]


def test_the_log_tells_the_sweep_and_status_reads_the_folder_alone(tmp_path: Path, here: Kept):
    plan, points = jobs.plan("Deeds"), jobs.points(6, deeds=("raise",))
    found = run(tmp_path / "s", here, points, plan)
    told = status(tmp_path / "s")
    assert (told.status, told.done, told.total, told.failed, told.crashed) == ("failed", 24, 24, 4, 0)
    assert "began: 0 of 24 tasks done" in told.lines[0]
    assert told.lines[-1].endswith(found.manifest["tasks_digest"])
    assert "24 of 24 tasks done (100 %), 4 failed" in told.text()
    again = Heard()
    run(tmp_path / "s", here, points, plan, again, resume=True)  # what failed is lived again, nothing else
    assert (again.start, again.lived) == ((12, 10), 2)
    with pytest.raises(BadInput, match="no such folder"):
        status(tmp_path / "nowhere")


def test_who_shows_how_far_it_is_hears_of_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A bar that nobody ends leaves a terminal without its cursor."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich: this is a terminal
    shown = SweepProgress("sweep", 2)
    work(jobs.plan(), jobs.points(3), {}, "", SweepOptions(tmp_path / "s"), (1, 1), shown)
    assert shown.task is not None
    assert shown.bar is None


def test_an_end_that_nobody_foresaw_is_told_in_the_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any, **__: Any) -> None:
        raise TimeoutError  # without a word, as libraries do

    monkeypatch.setattr(drive_room, "drive", broken)
    with pytest.raises(TimeoutError):
        sweep(jobs.plan(), jobs.points(2), {}, "", SweepOptions(tmp_path / "s"), local(1))
    left = status(tmp_path / "s")
    assert (left.status, left.lines[-1].split("  ")[-1]) == ("interrupted", "stopped: TimeoutError")
