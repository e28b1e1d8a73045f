"""A run in shards: the folder of a run in one piece, whoever of its workers and drivers is killed on the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.cli import main
from sim.exchange import GATHER, SEND, TOTAL, Linked
from sim.exchange.hub import Apart, Hub, Link, Unreached
from sim.exchange.wire import unpacked
from sim.experiments.executors.local import local
from sim.experiments.prepare import prepare
from sim.experiments.run import Options, run_all
from sim.store.run_reading import read

pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")

ROOT = Path(__file__).parent.parent
WAIT = 120.0  # seconds that anything may take here before the test gives up
TEXT = """\
name: sharded
months: {months}
burn_in: 3
seeds: [1]
population: {{customers: 3000}}
record: {{panel: 10}}
arms:
  nothing: []
  all: [{{use: stratification}}, {{use: digital_thinking, where: {{share: 0.3}}}}]
"""


# --- the hub ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def hub(shards: int, **options: Any) -> Iterator[Hub]:
    one = Hub(shards, **options)
    try:
        yield one
    finally:
        one.close()


def at_once(*questions: Callable[[], Any]) -> list[Any]:
    """What comes of questions that wait for one another."""
    found: list[Any] = [None] * len(questions)

    def ask(k: int) -> None:
        try:
            found[k] = questions[k]()
        except Apart as apart:
            found[k] = apart

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    return found


def month(link: Link, mine: int) -> list[list[int]]:
    """Three questions, one of each kind."""
    one = Linked(mine, 2, link.ask)
    return [
        one.total(np.array([mine + 1]))[0].tolist(),
        one.gather({"uid": np.array([mine], np.uint64)})["uid"].tolist(),
        one.send({"uid": np.array([10 * mine, 10 * mine + 1])}, np.array([1, 0]))["uid"].tolist(),
    ]


def test_a_shard_that_asks_again_is_told_what_it_was_told(tmp_path: Path) -> None:
    with hub(2, folder=tmp_path) as one:
        links = [Link(one.address, one.token, shard) for shard in range(2)]
        first, second = at_once(*(lambda k=k: month(links[k], k) for k in range(2)))
        assert first == [[3], [0, 1], [1, 11]]
        assert second == [[3], [0, 1], [0, 10]]
        links[1].close()
        links[1] = Link(one.address, one.token, 1)
        assert month(links[1], 1) == second
        assert (one.rounds, one.again) == (3, 3)
        for link in links:  # both have kept what came of two of them
            link.kept(2)
        assert at_once(*(lambda k=k: month(links[k], k) for k in range(2))) == [first, second]
        for link in links:
            link.close()
    with (tmp_path / "answers-000000000003.log").open("ab") as log:
        log.write(b"\0\0\1")  # the driver was killed while it wrote
    with hub(2, folder=tmp_path) as later:
        for shard, told in enumerate((first, second)):
            link = Link(later.address, later.token, shard, number=3)
            assert month(link, shard) == told
            link.close()
        assert later.rounds == 0


def test_a_driver_killed_when_all_was_kept_is_gone_on_from(tmp_path: Path) -> None:
    """Both shards have kept the same month and nothing was asked since: no answer is left, its number is."""
    with hub(2, folder=tmp_path) as one:
        links = [Link(one.address, one.token, shard) for shard in range(2)]
        first, second = at_once(*(lambda k=k: month(links[k], k) for k in range(2)))
        for link in links:
            link.kept(3)
        at_once(*(lambda k=k: links[k].ask(TOTAL, (np.zeros(1),)) for k in range(2)))  # all before it has been heard
    (log,) = tmp_path.glob("answers-*.log")
    log.write_bytes(b"")
    with hub(2, folder=tmp_path) as later:
        links = [Link(later.address, later.token, shard, number=3) for shard in range(2)]
        assert at_once(*(lambda k=k: month(links[k], k) for k in range(2))) == [first, second]


@pytest.mark.parametrize("number", [1, 7])
def test_a_question_that_nobody_can_answer_is_told(number: int, tmp_path: Path) -> None:
    """Waiting for it would last for ever."""
    with hub(1, folder=tmp_path) as one:
        link = Link(one.address, one.token, 0)
        for _ in range(3):
            link.ask(TOTAL, (np.zeros(1),))
        link.kept(2)
        link.ask(TOTAL, (np.zeros(1),))
        link.number = number
        with pytest.raises(Apart, match=f"question {number} of shard 1 is not among those that are kept"):
            link.ask(TOTAL, (np.zeros(1),))


def test_nobody_is_let_in_without_the_word() -> None:
    with hub(1) as one:
        link = Link(one.address, "guess", 0)
        with pytest.raises(Apart, match="the driver is gone"):
            link.ask(TOTAL, (np.zeros(1),))


def test_a_driver_that_cannot_be_reached_is_named() -> None:
    with hub(1) as one:
        address = one.address
    with pytest.raises(Unreached, match=f"the driver at 127.0.0.1:{address[1]} cannot be reached"):
        Link(address, one.token, 0)


def test_who_waits_is_told_why_there_is_no_answer() -> None:
    with hub(2) as one:
        links = [Link(one.address, one.token, shard) for shard in range(2)]
        zero = (np.zeros(1, np.int64), np.zeros(1, np.int64))
        apart = at_once(lambda: links[0].ask(TOTAL, zero), lambda: links[1].ask(SEND, zero))
        assert {str(one) for one in apart} == {"shards are not at the same point of the month: send, total"}
    with hub(2) as one:
        link = Link(one.address, one.token, 0)
        threading.Timer(0.2, lambda: one.close("another shard broke")).start()
        with pytest.raises(Apart, match="another shard broke"):
            link.ask(GATHER, (np.zeros(1),))


# --- runs ------------------------------------------------------------------------------------------------------------


def scenario(tmp_path: Path, months: int) -> Path:
    file = tmp_path / "sharded.yaml"
    file.write_text(TEXT.format(months=months))
    return file


def lived(file: Path, out: Path, **options: Any) -> None:
    """All but the page."""
    (outcome,) = run_all(prepare([file]), Options(out=out, threads=1, **options))
    assert not outcome.failed


def same(one: Path, other: Path, shards: int) -> None:
    """All tables are the same bytes; the manifest says how they were made."""
    whole, found = read(one).manifest, read(other).manifest
    assert found["result_digest"] == whole["result_digest"]
    tables = [name for name in whole["files"] if not name.endswith((".html", ".json", ".png", ".svg"))]
    assert {name: found["files"].get(name) for name in tables} == {name: whole["files"][name] for name in tables}
    assert found["shards"] == shards
    assert found["exchange"]["rounds"] > 0
    assert not (other / "parts").exists()


@pytest.mark.long
def test_a_run_in_shards_leaves_the_folder_of_a_run(tmp_path: Path) -> None:
    file = scenario(tmp_path, 4)
    lived(file, tmp_path / "whole")
    lived(file, tmp_path / "two", shards=2, where=local(2))
    same(tmp_path / "whole", tmp_path / "two", 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--shards", "0"], "whole number from 1"),
        (["--shards", "3", "--workers", "2"], "3 live at the same time, on 2 workers"),
        (["--shards", "2", "--checkpoint", "1"], "--checkpoint  not together with --shards"),
    ],
)
def test_what_shards_cannot_do_is_one_line(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = scenario(tmp_path, 4)
    assert main(["run", str(file), "--out", str(tmp_path / "o"), "--quiet", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not (tmp_path / "o").exists()


@contextlib.contextmanager
def driver(file: Path, out: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A run in two shards, in a session of its own, all of which is ended afterwards."""
    line = [sys.executable, str(ROOT / "run.py"), str(file), "--out", str(out), "--shards", "2", "--quiet", *more]
    process = subprocess.Popen(line, stdout=-3, stderr=-1, text=True, start_new_session=True, cwd=ROOT)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Until something is so; the process must not end before."""
    end = time.monotonic() + WAIT
    while not what():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def kept(out: Path, shard: int) -> tuple[str, int]:
    """Arm and month that a shard would go on from; before any, none."""
    with contextlib.suppress(OSError, ValueError):
        told = json.loads((out / "parts" / "shards.1" / str(shard) / "kept.json").read_text())
        return told["arm"], told["month"]
    return "", -99


def workers_of(process: subprocess.Popen[str]) -> list[Any]:
    found = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
    return found


def answered(out: Path) -> int:
    """How many questions of shards the drivers have answered, as far as it is written down."""
    last = 0
    for log in (out / "parts" / "shards.1").rglob("answers-*.log"):
        with contextlib.suppress(OSError, EOFError, ValueError), open(log, "rb") as stream:
            while True:
                last = max(last, unpacked(stream)[0]["round"] + 1)
    return last


def caught(out: Path, process: subprocess.Popen[str]) -> Any:
    """A worker, held in a month of which something was answered: whoever lives it again asks that again."""
    end = time.monotonic() + WAIT
    while True:
        one = workers_of(process)[1]
        one.suspend()
        where = [json.loads((out / "parts" / "shards.1" / shard / "kept.json").read_text()) for shard in "01"]
        if max(told["number"] for told in where) < answered(out):
            return one
        one.resume()
        assert time.monotonic() < end, "nothing is asked"
        time.sleep(0.01)


@pytest.mark.long
def test_killed_workers_and_drivers_change_no_bit(tmp_path: Path) -> None:
    """A worker in the first arm, then the driver with all workers; resumed, a worker of the second arm."""
    file, out = scenario(tmp_path, 150), tmp_path / "two"
    lived(file, tmp_path / "whole")
    with driver(file, out) as process:
        wait_for(lambda: kept(out, 0) > ("nothing", 5), process)
        workers_of(process)[0].kill()
        month = max(kept(out, 0)[1], kept(out, 1)[1])
        wait_for(lambda: kept(out, 0)[0] == "all" or min(kept(out, 0), kept(out, 1)) > ("nothing", month), process)
    with driver(file, out, "--resume") as process:
        wait_for(lambda: kept(out, 1)[0] == "all", process)
        workers_of(process)[1].kill()
        _, said = process.communicate(timeout=WAIT)
        assert process.returncode == 0, said
    same(tmp_path / "whole", out, 2)
    assert read(out).manifest["exchange"]["asked_again"] > 0
