"""Light clocks around the lines of a bank's month, put there by whoever measures: the model's code has none.

    with Clocks(bank) as clocks:
        bank.run(until=12)
    clocks.lines         # processor seconds by line of the thread that steps, without the lines and the kernel inside
    clocks.kernel        # seconds in which at least one thread lived customers
    clocks.kernel_cpu    # processor seconds of all threads that lived customers
    clocks.shared        # processor seconds of the thread that steps in what it shares out and works along with
    clocks.kernel_stepping    # of the kernel's, those of the thread that steps outside of that

A line that a tree does not have is left out, so the same clocks serve an older commit.
"""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, thread_time
from typing import Any

STEP = "step_chunk"  # the compiled month, wherever a room of the bank has it by this name
KERNEL = (STEP, "tidy_rows")  # and what puts its rows in order, where a tree does

LINES = {  # the line of the table: what of the bank it is made of
    "levers": ("environment.advance", "environment.strike", "levers.reset", "turn_levers", "_now"),
    "plan": ("schedule",),
    "live": ("step_customers",),
    "joiners": ("welcome_joiners",),
    "managers' month": ("close_managers_month",),
    "books": ("settle",),
    "record": ("record",),
}


@contextmanager
def instead_of_kernel(wrapper: Callable[[str, Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    """Every room of the bank calls `wrapper(name, kernel)` in place of a part of the kernel."""
    rooms = [module for name, module in sys.modules.items() if name.startswith("sim.bank.")]
    was = [(room, name, getattr(room, name)) for room in rooms for name in KERNEL if name in vars(room)]
    if STEP not in {name for _, name, _ in was}:
        raise LookupError(f"no room of the bank calls {STEP}")
    for room, name, kernel in was:
        setattr(room, name, wrapper(name, kernel))
    try:
        yield
    finally:
        for room, name, kernel in was:
            setattr(room, name, kernel)


class Clocks:
    """Seconds by line of `LINES`, and of the kernel, while inside the context."""

    # Lines are told in processor time: other programs on the machine lengthen a line's wall time as they please.

    def __init__(self, bank: Any):
        self.bank = bank
        self.lines: dict[str, float] = defaultdict(float)
        self.spans: list[tuple[float, float]] = []
        self.kernel_cpu = self.kernel_stepping = self.shared = 0.0
        self._sharing = 0  # how deep the thread that steps is in what it shares out
        self._open: list[float] = []  # seconds spent inside it, of every line that is open
        self._stepping, self._adding = threading.get_ident(), threading.Lock()

    def __enter__(self) -> Clocks:
        self._wrapped = [
            (owner, attribute, name) for name, paths in LINES.items() for owner, attribute in self._places(paths)
        ]
        for owner, attribute, name in self._wrapped:
            setattr(owner, attribute, self._timed(getattr(owner, attribute), name))
        self._crew = getattr(sys.modules.get("sim.bank.crew"), "Crew", None)  # not every tree's threads work along
        if self._crew is not None:
            self._map = self._crew.map
            self._crew.map = self._shared(self._map)
        self._kernel = instead_of_kernel(self._spanned)
        self._kernel.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._kernel.__exit__(None, None, None)
        if self._crew is not None:
            self._crew.map = self._map
        for owner, attribute, _ in self._wrapped:
            delattr(owner, attribute)  # the class's own is there again

    def _places(self, paths: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
        for path in paths:
            *way, attribute = path.split(".")
            owner = self.bank
            for step in way:
                owner = getattr(owner, step, None)
            if hasattr(owner, attribute):
                yield owner, attribute

    def _timed(self, line: Callable[..., Any], name: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._open.append(0.0)
            began = thread_time()
            try:
                return line(*args, **kwargs)
            finally:
                took = thread_time() - began
                self.lines[name] += took - self._open.pop()
                self._inside(took)

        return timed

    def _shared(self, share_out: Callable[..., Any]) -> Callable[..., Any]:
        def shared(*args: Any) -> Any:
            if threading.get_ident() != self._stepping:
                return share_out(*args)
            began = thread_time()
            self._sharing += 1
            try:
                return share_out(*args)
            finally:
                self._sharing -= 1
                took = thread_time() - began
                self.shared += took
                self._inside(took)

        return shared

    def _inside(self, took: float) -> None:
        if self._open:
            self._open[-1] += took

    def _spanned(self, name: str, kernel: Callable[..., Any]) -> Callable[..., Any]:
        def spanned(*args: Any) -> Any:
            began, spent = perf_counter(), thread_time()
            found = kernel(*args)
            took = thread_time() - spent
            self.spans.append((began, perf_counter()))
            with self._adding:
                self.kernel_cpu += took
            if threading.get_ident() == self._stepping and not self._sharing:
                self.kernel_stepping += took
                self._inside(took)
            return found

        return spanned

    @property
    def kernel(self) -> float:
        """Seconds covered by at least one call of the kernel."""
        covered, reached = 0.0, 0.0
        for began, ended in sorted(self.spans):
            covered += max(0.0, ended - max(began, reached))
            reached = max(reached, ended)
        return covered
