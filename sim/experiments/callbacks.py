"""What hears how far a run is."""

from __future__ import annotations


class Watcher:
    """What hears how far a run is; the command line shows it, a test may count it."""

    def begin(self, name: str, runs: int, months: int) -> None:
        """A scenario starts: so many runs, and so many months to live in all."""

    def preparing(self, what: str) -> None:
        """Something that takes a while is being done before the months."""

    def expect(self, runs: int) -> None:
        """So many runs in all are expected now, more or fewer than when it began."""

    def lived(self, rows: int) -> None:
        """A month of so many rows has passed."""

    def finished(self, arm: str, seed: int, seconds: float) -> None:
        """A run is done and stored."""

    def failed(self, arm: str, seed: int, error: str) -> None:
        """A run broke."""

    def reporting(self) -> None:
        """Tables, figures and the page are being made."""

    def end(self) -> None:
        """The scenario is done."""
