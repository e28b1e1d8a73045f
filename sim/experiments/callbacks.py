"""What hears how an experiment goes on: one class for runs, sweeps and searches."""

from __future__ import annotations

from typing import Any


class Callback:
    """Hears how an experiment goes on; the command line shows it, a test may count it. By itself it is silent."""

    def note(self, text: str) -> None:
        """Something that somebody may want to know, or that takes a while."""

    # --- runs of one scenario

    def begin(self, name: str, runs: int, months: int) -> None:
        """A scenario starts: so many runs, and so many months to live in all."""

    def expect(self, runs: int) -> None:
        """So many runs in all are expected now, more or fewer than when it began."""

    def month(self, rows: int) -> None:
        """A month of so many rows has passed."""

    def finished(self, arm: str, seed: int, seconds: float) -> None:
        """A run is done and stored."""

    def failed(self, arm: str, seed: int, error: str) -> None:
        """A run broke."""

    def end(self) -> None:
        """The scenario is done."""

    # --- units of a sweep, items of a job

    def items(self, total: int, done: int) -> None:
        """So many items in all, of which so many were done before."""

    def chunk(self, receipt: dict[str, Any]) -> None:
        """A chunk is stored."""

    def crashed(self, item: Any, reason: str) -> None:
        """An item was given up."""

    def tick(self, workers: int) -> None:
        """Time passes: called a few times a second, with how many workers there are."""

    def ended(self, text: str) -> None:
        """Nothing more will come; the last word."""

    # --- a search

    def generation(self, number: int, of: int, archive: Any, standing: Any) -> None:
        """A generation of candidates was raced: all so far (`optimise.archive.Archive`), and how they stand."""
