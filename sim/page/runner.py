"""A pair of banks lived in a thread of its own, and the same with more seeds behind it: run, pause, step, cancel.

The compiled month lets go of the interpreter, so a page stays quick while a bank lives. Whoever shows it reads
`version` and what stands in a `Course`, which grows and never changes what it has; a flag, looked at every month, is
the way to stop.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import threading
import traceback
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sim.errors import BadInput, SimError
from sim.experiments.prepared import Prepared
from sim.page.pair import DIFFERENCES, Beginning, Cancelled, Month, Pair, Sure, differences, sure

FOLLOWED = 2000  # customers whose lives can be read
MORE_SEEDS = 4  # that run behind
LAST = 10  # niceness of the threads behind
LOADING, BURN_IN, RUNNING, PAUSED, DONE, CANCELLED, FAILED = (
    "loading",
    "burn_in",
    "running",
    "paused",
    "done",
    "cancelled",
    "failed",
)
ENDED = (DONE, CANCELLED, FAILED)
_BEHIND = threading.Semaphore(1)  # of all pages: what runs behind takes turns


class Course:
    """One run of a setting, from its start to its end: commands in, months out.

    `seen` are the months of the reference and of the arm, `managers` the tables of the last month, `digest` what a run
    from the terminal has, once all months are lived.
    """

    def __init__(self, prepared: Prepared, *, key: str, beginnings: dict[tuple[str, int], Beginning], more: int):
        self.prepared, self.key, self._beginnings = prepared, key, beginnings
        s = prepared.scenario
        self.seed, self.months, self.burn_in = s.seed_list[0], s.months, s.burn_in
        self.arms, self.tiers = list(s.arms), [tier.name for tier in s.tier_list]
        self.version = 0
        self.status, self.lived, self.error = LOADING, -self.burn_in, ""
        self.seen: tuple[Sequence[Month], Sequence[Month]] = ((), ())
        self.lives: Any = None
        self.managers: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
        self.digest = ""
        self.behind: dict[int, dict[str, list[float]]] = {}
        self._wanted = 0
        self._stop = threading.Event()
        self._bell = threading.Condition()
        self._threads = [threading.Thread(target=self._live, daemon=True, name="page-run")]
        if more:
            self._threads.append(
                threading.Thread(target=self._live_behind, args=(more,), daemon=True, name="page-behind")
            )
        self._ready = threading.Event()  # month 0 is there, or never will be

    # --- commands ----------------------------------------------------------------------------------------------------

    def start(self) -> Course:
        for thread in self._threads:
            thread.start()
        return self

    def run(self, until: int | None = None) -> None:
        """Live on to this month, to the end unless said."""
        with self._bell:
            self._wanted = self.months if until is None else min(until, self.months)
            self._bell.notify_all()

    def pause(self) -> None:
        """Stop after the month that is being lived."""
        with self._bell:
            self._wanted = 0

    def step(self) -> None:
        """Live one month more."""
        self.run(self.month + 1)

    def cancel(self, *, wait: float | None = None) -> None:
        """Leave it as it is and free what it holds; with `wait` seconds for its threads to end."""
        self._stop.set()
        self._ready.set()
        with self._bell:
            self._bell.notify_all()
        if wait is not None:
            for thread in self._threads:
                thread.join(wait)

    @property
    def month(self) -> int:
        """The last month that is there to be seen, -1 before month 0."""
        return len(self.seen[1]) - 1

    @property
    def moving(self) -> bool:
        """Whether months are being lived in front, or will be at once."""
        return self.status in (LOADING, BURN_IN, RUNNING)

    @property
    def on_its_way(self) -> bool:
        """Whether it lives on to the end."""
        return not self._stop.is_set() and self.month < self._wanted == self.months

    def alive(self) -> bool:
        """Whether any of its threads is at work."""
        return any(thread.is_alive() for thread in self._threads)

    def difference(self, month: int | None = None) -> dict[str, Sure]:
        """The arm less the reference at the end of a month (the last), over all seeds that have come so far."""
        month = self.month if month is None else month
        by_seed = [differences(self.seen), *list(self.behind.values())] if month >= 0 else []
        return {name: sure([one[name][month] for one in by_seed if len(one[name]) > month]) for name in DIFFERENCES}

    # --- its threads -------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        try:
            pair = self._pair(self.prepared, self._told, followed=FOLLOWED)
            with contextlib.closing(pair):
                self.lives = pair.lives
                self._show(pair)
                self._ready.set()
                while self._wait():
                    pair.step()
                    self._show(pair)
                    if pair.month == pair.months:
                        self.digest = pair.digest()
                        self._is(DONE)
                        return
        except Cancelled:
            pass
        except Exception as error:
            self._broke(error)
        finally:
            self._ready.set()
            if self.status not in ENDED:
                self._is(CANCELLED)
            give_back()

    def _wait(self) -> bool:
        """Until a month is wanted; False when it is all over."""
        with self._bell:
            while self._wanted <= self.month and not self._stop.is_set():
                if self.status != PAUSED:
                    self._is(PAUSED)
                self._bell.wait()
            if self._stop.is_set():
                return False
        if self.status != RUNNING:
            self._is(RUNNING)
        return True

    def _show(self, pair: Pair) -> None:
        self.managers = pair.managers(0), pair.managers(1)
        self.seen = tuple(pair.seen[0]), tuple(pair.seen[1])  # the pair's own lists grow while somebody reads
        self.version += 1

    def _live_behind(self, more: int) -> None:
        try:
            self._live_seeds(more)
        finally:
            give_back()

    def _live_seeds(self, more: int) -> None:
        with contextlib.suppress(AttributeError, OSError):  # of this thread alone, where the system can
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)
        self._ready.wait()
        for seed in self._seeds_behind(more):
            if self._stop.is_set() or self.status == FAILED:
                return
            scenario = self.prepared.scenario.model_copy(update={"seeds": [seed]})
            with _BEHIND:
                try:
                    pair = self._pair(replace(self.prepared, scenario=scenario), lambda month: None)
                    with contextlib.closing(pair):
                        while pair.step():
                            self.behind[seed] = differences(pair.seen)
                            self.version += 1
                        self.behind[seed] = differences(pair.seen)
                        self.version += 1
                except Cancelled:
                    return
                except Exception as error:
                    self.error = self.error or words_of(error)
                    return

    def _seeds_behind(self, more: int) -> list[int]:
        """The seeds that follow this one."""
        return [self.seed + number for number in range(1, more + 1)]

    def _pair(self, prepared: Prepared, tell: Any, *, followed: int = 0) -> Pair:
        """A pair at month 0; what it took to get there is kept for the next one of the same bank and seed."""
        at = self.key, prepared.scenario.seed_list[0]
        pair = Pair(
            prepared,
            key=self.key,
            beginning=self._beginnings.get(at),
            followed=followed,
            stop=self._stop.is_set,
            tell=tell,
        )
        self._beginnings[at] = pair.beginning
        return pair

    def _told(self, month: int) -> None:
        if month <= 0:
            self.lived, self.status = month, BURN_IN
            self.version += 1

    def _is(self, status: str) -> None:
        self.status = status
        self.version += 1

    def _broke(self, error: Exception) -> None:
        self.error = words_of(error)
        self._is(FAILED)


def words_of(error: Exception) -> str:
    """What went wrong, for a reader of the page; a fault of ours goes to the terminal whole."""
    if isinstance(error, BadInput):
        return "; ".join(f"{one.path}: {one.message}".lstrip(": ") for one in error.mistakes)
    if isinstance(error, SimError):
        return str(error)
    traceback.print_exc()
    return f"{type(error).__name__}: {error}"


def give_back() -> None:
    """Hand memory that banks have let go back to the system, where its library of C can.

    A bank and its agents hold one another, and each thread would keep some of what it freed.
    """
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


class Runner:
    """What one tab of the browser runs: a course at a time, and the burn-ins that the next one can begin from."""

    def __init__(self, *, more: int = MORE_SEEDS):
        self.more = more
        self.course: Course | None = None
        self._beginnings: dict[tuple[str, int], Beginning] = {}

    def start(self, prepared: Prepared, key: str) -> Course:
        """Leave what runs and begin anew at month 0, paused."""
        self.cancel()
        seed = prepared.scenario.seed_list[0]
        wanted = {(key, seed + number) for number in range(self.more + 1)}
        self._beginnings = {at: one for at, one in self._beginnings.items() if at in wanted}
        self.course = Course(prepared, key=key, beginnings=self._beginnings, more=self.more).start()
        return self.course

    def cancel(self, *, wait: float | None = None) -> None:
        """Stop what runs."""
        if self.course is not None:
            self.course.cancel(wait=wait)

    def close(self) -> None:
        """Nobody looks any more."""
        self.cancel()
        self.course = None
        self._beginnings = {}
