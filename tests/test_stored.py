"""A bank in a folder lives what it lives in memory, and goes on from its last whole month when it is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from banks import lived, scenario, tables
from test_pilots import PILOTED
from test_state import BANKS as OF_STATES
from test_state import fresh_source

import sim.bank.model
import sim.bank.stored as stored
from sim.agents.customer import NAMES
from sim.bank.model import BankModel
from sim.bank.state_file import Stamp
from sim.bank.stored import HEAD, LASTING, BankFolder, StoredCustomers, Undo
from sim.cli import main
from sim.codes import CLOSED
from sim.errors import BadInput
from sim.scenario.scenario import Scenario

STAMP = Stamp("", 1, "digest", "0+code")
IN_PILOTS = [{"use": name, **more, "where": {"share": 0.5}} for name, more in PILOTED.items()]
BANKS = OF_STATES | {"pilots": scenario(6_000, months=14, burn_in=2, arms={"some": IN_PILOTS})}


def of(s: Scenario, path: Path, **more: Any) -> BankModel:
    """The scenario's bank as it stands in a folder, or founded there."""
    folder = BankFolder(path, STAMP, "delete it")
    return BankModel(s, s.arm_list[0], 1, fresh_source(s), state=folder.state(), folder=folder, **more)


def assert_same(one: BankModel, other: BankModel) -> None:
    """The same numbers in every table, and the same customers, to the last bit, in whatever rows."""
    for name, table in tables(one).items():
        pd.testing.assert_frame_equal(table, tables(other)[name], check_exact=True, obj=name)
    here, there = everybody(one), everybody(other)
    for name in NAMES:
        np.testing.assert_array_equal(here[name], there[name], err_msg=name)


def everybody(bank: BankModel) -> dict[str, np.ndarray]:
    c = bank.customers
    rows = np.flatnonzero(c.state != CLOSED)
    rows = rows[np.argsort(c.uid[rows])]
    return {name: getattr(c, name)[rows] for name in NAMES}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for until it is on the disk: no process's end needs that, only a machine's."""
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda handle: None)


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", BANKS)
def test_a_bank_in_a_folder_lives_what_it_lives_in_memory(name: str, threads: int, tmp_path: Path) -> None:
    """And so does one that is opened again, whenever it was left."""
    whole = lived(BANKS[name])
    bank = of(BANKS[name], tmp_path, threads=threads)
    bank.run()
    assert_same(whole, bank)
    for until in (0, 7):
        left = of(BANKS[name], tmp_path / str(until), threads=threads)
        left.run(until=until)
        again = of(BANKS[name], tmp_path / str(until), threads=threads)
        assert again.month == until
        again.run()
        assert_same(whole, again)


def test_a_month_leaves_no_file_but_those_of_its_end(tmp_path: Path) -> None:
    bank = of(BANKS["weights"], tmp_path)
    bank.run(until=2)
    kept = {file.name for file in tmp_path.iterdir()}
    assert len(kept) == 1 + len(NAMES) + len(bank.observer.month_zero)
    assert kept > {HEAD, "uid.0"}


@pytest.mark.parametrize("name", ["strategies", "markov", "pilots", "shocks"])
def test_what_no_month_changes_is_what_is_said_to_last(name: str) -> None:
    """Whoever is there at month 0 and later on is the same in every lasting column; every other column has moved."""
    bank = BankModel(BANKS[name], BANKS[name].arm_list[0], 1, fresh_source(BANKS[name]))
    bank.run(until=0)
    before = everybody(bank)
    bank.run()
    after = everybody(bank)
    _, here, there = np.intersect1d(before["uid"], after["uid"], return_indices=True)
    assert here.size > 1_000
    for column in LASTING:
        np.testing.assert_array_equal(before[column][here], after[column][there], err_msg=column)


# --- killed ----------------------------------------------------------------------------------------------------------


def killed(act: Callable[[], object]) -> bool:
    """Whether a process of its own that does this was killed, as by kill -9."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at(number: int, thing: Any, name: str, *, after: bool = False) -> None:
    """Make the process die before or after this function is called for the so-many-eth time."""
    was, calls = getattr(thing, name), [0]

    def trap(*given: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] == number and not after:
            die()
        found = was(*given, **more)
        if calls[0] == number:
            die()
        return found

    setattr(thing, name, trap)


def cut_short(number: int) -> None:
    """Die in the middle of writing the so-many-eth note."""
    was, calls = Undo.note, [0]

    def note(self: Undo, rows: np.ndarray, values: list[np.ndarray]) -> None:
        calls[0] += 1
        was(self, rows, values)
        if calls[0] == number:
            os.truncate(self.file, self.file.stat().st_size - 9)
            die()

    Undo.note = note  # type: ignore[method-assign]


def while_written(number: int) -> None:
    """Die when half of the lasting columns have other customers in these rows."""
    was, calls = StoredCustomers._write_lasting, [0]

    def write(self: StoredCustomers, rows: np.ndarray, values: dict[str, Any]) -> None:
        calls[0] += 1
        if calls[0] != number:
            was(self, rows, values)
            return
        kept = [self._columns[column].copy() for column in stored.ORDER]
        was(self, rows, values)
        for column, values_before in zip(stored.ORDER[::2], kept[::2], strict=True):
            self._columns[column][:] = values_before
        die()

    StoredCustomers._write_lasting = write  # type: ignore[method-assign]


POINTS: dict[str, Callable[[], None]] = {
    "in the founding": lambda: at(1, Undo, "__init__"),  # the first month's
    "among the chunks": lambda: at(9, StoredCustomers, "part"),
    "after the chunks": lambda: at(6, sim.bank.model.BankModel, "close_managers_month"),
    "before the month is kept": lambda: at(8, BankFolder, "commit"),
    "before the head": lambda: at(8, stored, "write_sealed"),
    "in the head": lambda: at(8, os, "fsync"),
    "after the head": lambda: at(8, stored, "write_sealed", after=True),
    "when month 0 is kept": lambda: at(4, BankFolder, "commit", after=True),
    "in a note": lambda: cut_short(5),
    "after a note": lambda: at(5, Undo, "note", after=True),
    "while rows are given away": lambda: while_written(5),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", ["strategies", "weights"])
def test_a_bank_that_is_killed_goes_on_from_its_last_whole_month(name: str, point: str, tmp_path: Path) -> None:
    def run() -> None:
        POINTS[point]()
        of(BANKS[name], tmp_path).run()

    assert killed(run)
    again = of(BANKS[name], tmp_path)
    again.run()
    assert_same(lived(BANKS[name]), again)


def test_a_bank_that_is_killed_while_it_is_mended_is_mended(tmp_path: Path) -> None:
    s = BANKS["weights"]
    assert killed(lambda: (while_written(5), of(s, tmp_path).run()))
    assert killed(lambda: (at(1, Undo, "play_back", after=True), of(s, tmp_path).run()))
    again = of(s, tmp_path)
    again.run()
    assert_same(lived(s), again)


@pytest.mark.long
@pytest.mark.parametrize("name", ["pilots", "panel"])
def test_a_bank_that_is_killed_often_ends_all_the_same(name: str, tmp_path: Path) -> None:
    luck = np.random.default_rng(4)
    for _ in range(6):
        calls = int(luck.integers(1, 120))
        assert killed(lambda calls=calls: (at(calls, os, "fdatasync"), of(BANKS[name], tmp_path).run()))
    again = of(BANKS[name], tmp_path)
    again.run()
    assert_same(lived(BANKS[name]), again)


def test_rows_that_change_places_within_a_part_do_so_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who stands where may change while a month is lived; a bank that is killed then has everybody where they were."""
    step, luck = sim.bank.model.step_chunk, np.random.default_rng(5)

    def shuffling(rows: Any, first: int, last: int, *more: Any) -> None:
        step(rows, first, last, *more)
        order = luck.permutation(last - first)
        for column in rows:
            column[first:last] = column[first:last][order]

    s = BANKS["strategies"]
    monkeypatch.setattr(sim.bank.model, "step_chunk", shuffling)
    assert killed(lambda: (while_written(9), of(s, tmp_path).run()))
    again = of(s, tmp_path)
    again.run()
    assert_same(lived(s), again)


# --- folders that are no bank ----------------------------------------------------------------------------------------


def refused(s: Scenario, path: Path) -> str:
    with pytest.raises(BadInput) as bad:
        of(s, path)
    (mistake,) = bad.value.mistakes
    assert "\n" not in str(mistake)
    return str(mistake)


def test_a_folder_that_is_damaged_or_of_another_bank_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = BANKS["nobody manages"]
    bank = of(s, tmp_path)
    bank.run(until=1)
    head = tmp_path / HEAD
    bytes_of_head = head.read_bytes()
    head.write_bytes(bytes_of_head.replace(b'"month":1', b'"month":2'))
    assert "SHA-256 differs); delete it" in refused(s, tmp_path)
    head.write_bytes(bytes_of_head)
    tiers = next(tmp_path.glob("tier.*"))
    content = tiers.read_bytes()
    tiers.write_bytes(content[:100])
    assert "damaged: 100 bytes" in refused(s, tmp_path)
    tiers.write_bytes(b"\x09" + content[1:])
    assert "column tier is outside 0 to 3" in refused(s, tmp_path)
    tiers.unlink()
    assert "missing" in refused(s, tmp_path)
    tiers.write_bytes(content)
    for other, said in ((Stamp("", 2, "digest", "0+code"), "seed 1, not 2"), (Stamp("", 1, "x", "0+code"), "not x")):
        monkeypatch.setattr("test_stored.STAMP", other)
        assert said in refused(s, tmp_path)
    monkeypatch.setattr("test_stored.STAMP", Stamp("", 1, "digest", "1+code"))
    assert "made by code version 0+code, not 1+code" in refused(s, tmp_path)


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc, which lists the files that are mapped")
@pytest.mark.parametrize("arms", ["{nothing: []}", "{nothing: [], thinking: [{use: digital_thinking}]}"])
def test_files_of_months_that_are_over_take_no_place_on_the_disk(
    arms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is deleted keeps its place on the disk while somebody has it mapped or open."""
    head = "name: kept\npopulation: {customers: 2000, store: STORE}\nburn_in: 1\nmonths: 3\nseeds: [1]\n"
    text = head.replace("STORE", str(tmp_path / "columns")) + f"arms: {arms}\n"
    (tmp_path / "kept.yaml").write_text(text)
    commit, held = BankFolder.commit, []

    def looked(self: BankFolder, bank: BankModel) -> None:
        commit(self, bank)
        if bank.month > 0:
            maps = Path("/proc/self/maps").read_text().splitlines()
            held.append([line for line in maps if line.endswith("(deleted)") and str(tmp_path) in line])

    monkeypatch.setattr(BankFolder, "commit", looked)
    assert main([str(tmp_path / "kept.yaml"), "--quiet", "--out", str(tmp_path / "out")]) == 0
    assert len(held) == 3 * (1 + ("thinking" in arms))  # months of each arm
    assert held == [[]] * len(held)
