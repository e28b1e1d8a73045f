"""Light clocks around the lines of a bank's month, put there by whoever measures: the model's code has none.

    with Clocks(bank) as clocks:
        bank.run(until=12)
    clocks.lines       # seconds by line, each without the lines inside it
    clocks.kernel      # seconds in which at least one thread lived customers

A line that a tree does not have is left out, so the same clocks serve an older commit.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

KERNEL = "step_chunk"  # the compiled month, wherever a room of the bank has it by this name

LINES = {  # the line of the table: what of the bank it is made of
    "levers": ("environment.advance", "environment.strike", "levers.reset", "turn_levers", "_now"),
    "plan": ("schedule",),
    "live": ("step_customers",),
    "joiners": ("welcome_joiners",),
    "managers' month": ("close_managers_month",),
    "books": ("settle",),
    "record": ("record",),
}


def kernel_rooms() -> list[Any]:
    """The modules of a bank that call the compiled month."""
    rooms = [module for name, module in sys.modules.items() if name.startswith("sim.bank.")]
    return [room for room in rooms if KERNEL in vars(room)]


@contextmanager
def instead_of_kernel(wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    """Every room calls `wrapper(kernel)` in place of the kernel."""
    rooms = kernel_rooms()
    if not rooms:
        raise LookupError(f"no room of the bank calls {KERNEL}")
    was = [(room, getattr(room, KERNEL)) for room in rooms]
    for room, kernel in was:
        setattr(room, KERNEL, wrapper(kernel))
    try:
        yield
    finally:
        for room, kernel in was:
            setattr(room, KERNEL, kernel)


class Clocks:
    """Seconds by line of `LINES`, and of the kernel, while inside the context."""

    def __init__(self, bank: Any):
        self.bank = bank
        self.lines: dict[str, float] = defaultdict(float)
        self.spans: list[tuple[float, float]] = []
        self._open: list[float] = []  # seconds spent in inner lines, of every line that is open

    def __enter__(self) -> Clocks:
        self._wrapped = [
            (owner, attribute, name) for name, paths in LINES.items() for owner, attribute in self._places(paths)
        ]
        for owner, attribute, name in self._wrapped:
            setattr(owner, attribute, self._timed(getattr(owner, attribute), name))
        self._kernel = instead_of_kernel(self._spanned)
        self._kernel.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._kernel.__exit__(None, None, None)
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
            began = perf_counter()
            try:
                return line(*args, **kwargs)
            finally:
                took = perf_counter() - began
                self.lines[name] += took - self._open.pop()
                if self._open:
                    self._open[-1] += took

        return timed

    def _spanned(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        def spanned(*args: Any) -> None:
            began = perf_counter()
            kernel(*args)
            self.spans.append((began, perf_counter()))

        return spanned

    @property
    def kernel(self) -> float:
        """Seconds covered by at least one call of the kernel."""
        covered, reached = 0.0, 0.0
        for began, ended in sorted(self.spans):
            covered += max(0.0, ended - max(began, reached))
            reached = max(reached, ended)
        return covered
