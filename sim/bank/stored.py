"""A bank in a folder: its customers' columns are memory-mapped files, and a head says which of them are the bank.

    head.npz          the last whole month: what the bank carries, how many rows, and the file of every column
    undo.<n>          what a month wrote over that has not ended yet
    <column>.<n>      one column, its rows one after the other, plain values of its type
    month_zero.<...>  arrays that are written once and kept beside

A month that is lived never writes to the files of the month before: columns that months change go to new files, chunk
by chunk as the month comes to them. Those that no month changes (`LASTING`) stay; where another customer comes to a
row, what stood there is written down first (`Undo`). When the month is whole everything is brought to the disk and a
new head is written and renamed; the files that it does not name are deleted. So whenever a process is killed, or the
power fails, the folder opens at the last whole month.

Files are given their place on the disk before they are written to, so that a full disk is an error and not the end of
the process. Errors: `BadInput` for a folder that is damaged or of another bank, `RunFailed` when it cannot be written.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from io import FileIO
from pathlib import Path
from threading import Lock, local
from typing import Any

import numpy as np

from sim.agents.customer import COLUMNS, NAMES, Columns, Customers, Each, given
from sim.bank.fates import MONTH_ZERO
from sim.bank.state import Bank, State, carried
from sim.bank.state_file import (
    Beside,
    Stamp,
    flat,
    full,
    layout,
    nonsense,
    refuse_other,
    sealed,
    write_sealed,
)
from sim.errors import BadInput
from sim.store.files import writing

HEAD = "head.npz"
FORMAT, VERSION = "rapport-bank", 1
LASTING = frozenset(
    {
        "uid",
        "weight",
        "first_tier",
        "joined_month",
        "age",
        "income",
        "preferred",
        "affinity",
        "need",
        "wallet_mean",
        "engagement_mean",
        "log_frailty",
        "uplift_class",
    }
)
"""Columns that no month changes: a test lives months and holds them against what they were."""
MOVING = tuple(name for name in NAMES if name not in LASTING)
ORDER = tuple(name for name in NAMES if name in LASTING)  # of the lasting ones in a note
UNDO = "undo"
KINDS = {column.name: np.dtype(column.dtype) for column in COLUMNS}
PART = 1 << 17  # rows of a thread's own memory
PIECE = 1 << 20  # rows that are copied at a time where all are
SPARE = 50  # a fiftieth more rows than there are have room in a month
PACKED = "by column"
SYNCING = 8  # files that are brought to the disk at a time


def bytes_of_bank() -> tuple[int, int]:
    """Bytes that a customer takes on the disk: at most, while a month is lived, and in a bank between two months."""
    beside = sum(np.dtype(kind).itemsize for kind in MONTH_ZERO.values())
    lasting, moving = (sum(KINDS[name].itemsize for name in names) for names in (LASTING, MOVING))
    return lasting + 2 * moving + beside, lasting + moving


class Mapped:
    """One file as an array that is written through; it has its place on the disk.

    Whole stretches are better read and written by the call than through the array: no page is looked for one by one.
    """

    def __init__(self, file: Path, kind: np.dtype, rows: int, *, there: bool = False):
        self.file, self.kind = file, kind
        size = max(rows, 1) * kind.itemsize
        self.stream: FileIO = FileIO(os.open(file, os.O_RDWR | (0 if there else os.O_CREAT), 0o644), "r+")
        found = os.fstat(self.stream.fileno()).st_size
        if found < size:
            if there:
                raise BadInput.at(str(file), f"damaged: {found} bytes, not {size}")
            os.posix_fallocate(self.stream.fileno(), 0, size)
        self.array: np.ndarray = np.frombuffer(mmap.mmap(self.stream.fileno(), size), kind)[:rows]

    def grown(self, rows: int) -> Mapped:
        """The same file with room for more."""
        return Mapped(self.file, self.kind, rows)

    def read(self, first: int, into: np.ndarray) -> None:
        """Rows from `first` on, as many as the array has."""
        self._all_of(os.preadv, first, into)

    def write(self, first: int, values: np.ndarray) -> None:
        """Put these values into the rows from `first` on."""
        self._all_of(os.pwritev, first, values)

    def _all_of(self, act: Callable[[int, list[memoryview], int], int], first: int, values: np.ndarray) -> None:
        left, place = memoryview(values.view(np.uint8).data), first * self.kind.itemsize
        while left:
            done = act(self.stream.fileno(), [left], place)
            if done == 0:
                raise OSError(errno.EIO, f"{self.file.name} is shorter than it was")
            left, place = left[done:], place + done

    def sync(self) -> None:
        """Bring what was written to the disk."""
        os.fdatasync(self.stream.fileno())


class Undo:
    """What stood in rows of lasting columns before a month wrote to them: a file that only grows."""

    def __init__(self, file: Path):
        self.file = file

    def note(self, rows: np.ndarray, values: list[np.ndarray]) -> None:
        """Add rows, int64 (n,), and their values in every lasting column; on the disk when this returns."""
        if rows.size:
            pieces = [np.array([rows.size], np.int64), rows.astype(np.int64), *values]
            with open(self.file, "ab", buffering=0) as stream:
                stream.write(b"".join(piece.tobytes() for piece in pieces))
                os.fdatasync(stream.fileno())

    def play_back(self, columns: list[np.ndarray]) -> None:
        """Write back what stood there, the last first; a note that was cut short was never acted on."""
        each = 8 + sum(column.itemsize for column in columns)
        notes, stored = [], self.file.read_bytes()
        place = 0
        while place + 8 <= len(stored):
            size = int(np.frombuffer(stored, np.int64, 1, place)[0])
            if place + 8 + size * each > len(stored):
                break
            notes.append((place + 8, size))
            place += 8 + size * each
        for begin, size in reversed(notes):
            rows, at = np.frombuffer(stored, np.int64, size, begin), begin + 8 * size
            for column in columns:
                column[rows] = np.frombuffer(stored, column.dtype, size, at)
                at += size * column.itemsize


class StoredCustomers(Customers):
    """All customers of one bank, their columns files of its folder."""

    def __init__(self, folder: Path, capacity: int):
        self.folder = folder
        self.writes, self.rooms = Lock(), local()  # of notes, and of each thread its own
        self.number = 0  # of the files that are written now
        self.files: dict[str, Mapped] = {}
        self.apart: dict[str, Mapped] = {}  # what lies beside the columns
        self.before: dict[str, Mapped] | None = None  # columns of the month before, while one is lived
        self.standing = 0  # rows there were in it
        self.whole = True  # all rows of the month before are in the files of this one
        super().__init__(capacity)

    def open(self, folder: Path, count: int, number: int, files: Mapping[str, str]) -> None:
        """Be the customers that a folder holds, as its last whole month left them."""
        self.writes, self.rooms, self.standing, self.roll = Lock(), local(), count, None
        self.folder, self.number, self.apart, self.before, self.whole = folder, number, {}, None, True
        self.count = count
        self.files = {name: Mapped(folder / files[name], KINDS[name], count, there=True) for name in NAMES}
        self._show(count)
        for file in folder.glob(f"{UNDO}.*"):
            if int(file.suffix[1:]) > number:
                with writing(folder):
                    Undo(file).play_back([self._columns[name] for name in ORDER])
                    self.sync()
                    file.unlink()

    def _new(self, name: str, rows: int, kind: np.dtype | None = None) -> Mapped:
        return Mapped(self.folder / f"{name}.{self.number}", KINDS[name] if kind is None else kind, rows)

    def _resize(self, capacity: int) -> None:
        with writing(self.folder):
            for name in NAMES:
                self.files[name] = self.files[name].grown(capacity) if name in self.files else self._new(name, capacity)
        self._show(capacity)

    def _show(self, capacity: int) -> None:
        self._columns = {name: self.files[name].array for name in NAMES}
        self._ready(capacity)

    def turn(self) -> None:
        """Rows may change from here on: bring all of them to the files of the month that begins."""
        self._begin()
        if not self.whole and self.before is not None:
            with writing(self.folder):
                for first in range(0, self.count, PART):
                    for name in MOVING:
                        piece = self._own(name, min(PART, self.count - first))
                        self.before[name].read(first, piece)
                        self.files[name].write(first, piece)
            self.whole = True

    @contextmanager
    def living(self) -> Iterator[None]:
        """A month in the files of its own, to which each chunk is brought when it is lived."""
        self._begin()
        yield
        self.whole = True

    def _begin(self) -> None:
        """Files for the columns that this month changes, and room in the others."""
        if self.before is not None:
            return
        self.before, self.standing = {name: self.files[name] for name in MOVING}, self.count
        self.whole = False
        self.number += 1
        self.undo = Undo(self.folder / f"{UNDO}.{self.number}")
        rows = self.count + self.count // SPARE + 1024
        with writing(self.folder):
            for name in NAMES:
                if name in MOVING:
                    self.files[name] = self._new(name, rows)
                elif rows > self.capacity:
                    self.files[name] = self.files[name].grown(rows)
        self._show(rows)

    def _own(self, name: str, rows: int) -> np.ndarray:
        """Room for some rows of a column in this thread's memory, the same every time."""
        room: dict[str, np.ndarray] = self.rooms.__dict__
        if name not in room or room[name].size < rows:
            room[name] = np.empty(max(rows, PART), KINDS[name])
        return room[name][:rows]

    @contextmanager
    def part(self, first: int, last: int) -> Iterator[Any]:
        """Rows first..last in memory, to live the month there; then they go to its files."""
        rows: Any = Columns(**{name: self._own(name, last - first) for name in NAMES})
        old = self.before if self.before and not self.whole else {}
        with writing(self.folder):
            for name, own in zip(NAMES, rows, strict=True):
                old.get(name, self.files[name]).read(first, own)
        yield rows
        with writing(self.folder):
            for name in MOVING:
                self.files[name].write(first, getattr(rows, name))
        moved = np.flatnonzero(rows.uid != self._columns["uid"][first:last])
        if moved.size:
            self._write_lasting(first + moved, {name: getattr(rows, name)[moved] for name in LASTING})

    def _put(self, rows: np.ndarray, values: Mapping[str, np.ndarray], each: Each | None = None) -> None:
        columns = given(values)
        self._write_lasting(rows, {name: columns[name] for name in LASTING})
        for name in MOVING:
            self._columns[name][rows] = columns[name]

    def _write_lasting(self, rows: np.ndarray, values: Mapping[str, Any]) -> None:
        """Change what no month changes: other customers are in these rows now. What was there is written down first."""
        if self.before:
            old = rows[rows < self.standing]
            with self.writes, writing(self.folder):
                self.undo.note(old, [self._columns[name][old] for name in ORDER])
        for name in LASTING:
            self._columns[name][rows] = values[name]

    def beside(self, name: str, kinds: Mapping[str, type], size: int) -> dict[str, np.ndarray]:
        with writing(self.folder):
            lie = {key: self._new(f"{name}.{key}", size, np.dtype(kind)) for key, kind in kinds.items()}
        self.apart |= {lies.file.name: lies for lies in lie.values()}
        return {key: lies.array for key, lies in lie.items()}

    def reorder(self, order: np.ndarray) -> None:
        """Put rows in another order, in files of their own: no committed one is touched."""
        self.turn()
        self.number += 1
        now = dict(self._columns)
        with writing(self.folder):
            for name in NAMES:
                self.files[name] = self._new(name, self.capacity)
                for first in range(0, self.count, PIECE):
                    piece = order[first : first + PIECE]
                    self.files[name].array[first : first + piece.size] = now[name][piece]
        self.before, self.whole, self.roll = {}, True, None
        self._show(self.capacity)

    def sync(self) -> None:
        """Bring everything to the disk."""
        with ThreadPoolExecutor(SYNCING) as pool:
            list(pool.map(Mapped.sync, [*self.files.values(), *self.apart.values()]))

    def rest(self) -> None:
        """The month is whole: what was before it is of no use any more."""
        self.before = None


class BankFolder:
    """The folder of one bank; `again` says what to do where it cannot be opened."""

    def __init__(self, path: Path, stamp: Stamp, again: str):
        self.path, self.stamp, self.again = path, stamp, again
        self.opened: StoredCustomers | None = None
        self._columns: Mapping[str, np.ndarray] = {}

    # --- customers -------------------------------------------------------------------------------------------------

    def customers(self, capacity: int) -> StoredCustomers:
        """Room for so many customers; whatever the folder held is gone."""
        self.clear()
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        return StoredCustomers(self.path, capacity)

    def customers_of(self, columns: Mapping[str, np.ndarray], room: int) -> StoredCustomers:
        """Customers with these columns: the folder's own as `state` gave them, or a copy of another bank's."""
        if self.opened is not None and columns is self._columns:
            opened, self.opened, self._columns = self.opened, None, {}  # they are the bank's from here on
            return opened
        return self.customers(columns["uid"].size).take(columns)

    def clear(self) -> None:
        """Delete what the folder holds, its head first."""
        self.opened, self._columns = None, {}
        with writing(self.path):
            (self.path / HEAD).unlink(missing_ok=True)
            for file in self._files():
                file.unlink()

    def remove(self) -> None:
        """Delete the folder."""
        self.clear()
        with writing(self.path):
            if self.path.exists():
                self.path.rmdir()

    def _files(self) -> list[Path]:
        return [file for file in self.path.iterdir() if file.is_file()] if self.path.exists() else []

    # --- months ----------------------------------------------------------------------------------------------------

    def commit(self, bank: Bank) -> None:
        """The bank as it stands now is what the folder holds, whatever happens next."""
        c = bank.customers
        assert isinstance(c, StoredCustomers)
        arrays: dict[str, np.ndarray] = {}
        head = {
            "format": FORMAT,
            "version": VERSION,
            "layout": layout(),
            **asdict(self.stamp),
            "month": bank.month,
            "rows": c.count,
            "number": c.number,
            "files": {name: mapped.file.name for name, mapped in c.files.items()},
            "rest": flat(_packed(carried(bank), c.apart), "rest", arrays),
        }
        with writing(self.path):
            c.sync()
            write_sealed(self.path / HEAD, head, arrays)
            _sync_folder(self.path)
            named = {HEAD, *c.apart, *head["files"].values()}
            for file in self._files():
                if file.name not in named:
                    file.unlink()
        c.rest()

    def state(self) -> State | None:
        """The bank of the last whole month; its columns are the folder's files. None where no month was ever whole."""
        if not (self.path / HEAD).exists():
            return None
        with sealed(self.path / HEAD, self.again) as (head, stored):
            refuse_other(self.path / HEAD, head, FORMAT, VERSION, self.stamp, self.again)
            c = StoredCustomers.__new__(StoredCustomers)
            c.open(self.path, head["rows"], head["number"], head["files"])
            rest = _unpacked(full(head["rest"], stored), self.path, c.apart)
            self._columns = {name: getattr(c, name) for name in NAMES}
            state = State(head["month"], self._columns, rest, tuple(lies.array for lies in c.apart.values()))
            wrong = nonsense(state)
        if wrong:
            raise BadInput.at(str(self.path), f"damaged: {wrong}; {self.again}")
        self.opened = c
        return state


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _packed(value: Any, apart: Mapping[str, Mapped]) -> Any:
    """The same with arrays that lie beside by their files, and agents of a kind as columns: a team may be large."""
    if isinstance(value, np.ndarray):
        for name, lies in apart.items():
            if lies.array.ctypes.data == value.ctypes.data and lies.kind == value.dtype:
                return Beside(name, lies.kind.str, value.size)
        return value
    if isinstance(value, dict):
        return {key: _packed(item, apart) for key, item in value.items()}
    if isinstance(value, list) and len(value) > 1 and all(isinstance(item, dict) for item in value):
        columns = {key: [item.get(key) for item in value] for key in value[0]}
        if all(item.keys() == value[0].keys() for item in value) and all(map(_alike, columns.values())):
            return {PACKED: {key: np.array(column) for key, column in columns.items()}}
    return value


def _alike(column: list[Any]) -> bool:
    return {type(value) for value in column} in ({int}, {float}, {bool})


def _unpacked(value: Any, folder: Path, apart: dict[str, Mapped]) -> Any:
    """What `_packed` packed."""
    if isinstance(value, Beside):
        apart[value.file] = Mapped(folder / value.file, np.dtype(value.kind), value.size, there=True)
        return apart[value.file].array
    if isinstance(value, dict) and value.keys() == {PACKED}:
        columns = {key: column.tolist() for key, column in value[PACKED].items()}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    if isinstance(value, dict):
        return {key: _unpacked(item, folder, apart) for key, item in value.items()}
    return value
