"""How far a run is, on stderr: a bar with rate and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

from sim.experiments.callbacks import Callback
from sim.experiments.sweep.status import Tally
from sim.phrases import counted

SAY = 10.0  # seconds between lines where there is no terminal


class ProgressBar(Callback):
    """Shows customers x months per second and the time left; never touches stdout."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)
        self.interactive = self.console.is_terminal
        self.bar: Any = None
        self.rows = self.months = self.total = 0
        self.began = self.reported = perf_counter()
        self.name = ""

    def begin(self, name: str, runs: int, months: int) -> None:
        self.name, self.total, self.rows, self.months = name, months, 0, 0
        self.runs, self.done, self.length = runs, 0, months / max(runs, 1)  # burn-in is shared by the runs of a seed
        self.began = self.reported = perf_counter()
        if not self.interactive:
            self._line(f"{counted(runs, 'run')}, {counted(months, 'month')} in all")
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.bar.start()
        self.task = self.bar.add_task(name, total=max(self.total, 1), rate="")

    def expect(self, runs: int) -> None:
        self.runs, self.total = runs, round(runs * self.length)
        if self.bar is not None:
            self.bar.update(self.task, total=max(self.total, 1))

    def note(self, text: str) -> None:
        if self.bar is not None:
            self.bar.update(self.task, rate=text)
        else:
            self._line(text)

    def month(self, rows: int) -> None:
        now = perf_counter()
        if self.months == 0:  # loading and compiling are no measure of the months to come
            self.began = self.reported = now
        self.rows += rows
        self.months += 1
        if self.bar is not None:
            self.bar.update(self.task, completed=self.months, rate=self._rate(now))
        elif now - self.reported > 5.0:
            self.reported = now
            left = (now - self.began) / self.months * (self.total - self.months)
            self._line(f"{100 * self.months / self.total:.0f} % done, {self._rate(now)}, {left:.0f} s left")

    def finished(self, arm: str, seed: int, seconds: float) -> None:
        self.done += 1
        if self.bar is None:
            self._line(f"arm {arm} seed {seed} done in {seconds:.1f} s ({self.done} of {self.runs})")

    def failed(self, arm: str, seed: int, error: str) -> None:
        self._line(f"arm {arm} seed {seed} FAILED: {error}")

    def end(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _rate(self, now: float) -> str:
        return f"{self.rows / max(now - self.began, 1e-9) / 1e6:.1f} M customer-months/s"

    def _line(self, text: str) -> None:
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)


class SweepProgress(Callback):
    """Shows how far a sweep is: tasks done and failed, tasks a second, time left; never touches stdout."""

    def __init__(self, name: str, tasks_a_unit: int = 1) -> None:
        from rich.console import Console

        self.name, self.tally = name, Tally(tasks_a_unit)
        self.console = Console(stderr=True, highlight=False)
        self.bar: Any = None
        self.task: Any = None
        self.reported = perf_counter()

    def items(self, total: int, done: int) -> None:
        self.tally.items(total, done)
        if self.bar is not None:  # an optimisation has more to do with every generation
            self.bar.update(self.task, total=max(self.tally.total, 1))
            self._show()
            return
        if not self.console.is_terminal:
            self.note(self.tally.line())
            return
        from rich.progress import BarColumn, Progress, TextColumn

        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[line]}"),
            console=self.console,
            transient=True,
        )
        self.bar.start()
        self.task = self.bar.add_task(self.name, total=max(self.tally.total, 1), line=self.tally.line())
        self._show()

    def chunk(self, receipt: dict[str, Any]) -> None:
        self.tally.chunk(receipt)
        self._show()

    def crashed(self, item: Any, reason: str) -> None:
        self.tally.crashed()
        self.note(f"{item} given up: {reason}")

    def tick(self, workers: int) -> None:
        self.tally.workers = workers
        self._show()

    def note(self, text: str) -> None:
        if self.bar is not None:
            self.bar.console.print(f"{self.name}: {text}", markup=False)
        else:
            print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def ended(self, text: str) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
        self.note(text)

    def _show(self) -> None:
        now = perf_counter()
        if self.bar is not None:
            self.bar.update(self.task, completed=self.tally.done, line=self.tally.line())
        elif now - self.reported > SAY:
            self.reported = now
            self.note(self.tally.line())
