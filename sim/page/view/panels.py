"""The tabs beside the charts: managers, one customer's life, what to find out, saving, stored runs."""

from __future__ import annotations

from typing import ClassVar

from sim.page.shown import Shown


class Panel:
    """One tab of a page; `look` is called when something has changed while it is open."""

    name: ClassVar[str]

    def __init__(self, shown: Shown):
        self.shown, self.session, self.words = shown, shown.session, shown.words

    def build(self) -> None:
        """Draw what stands."""

    def look(self) -> None:
        """Draw what has changed."""


PANELS: tuple[type[Panel], ...] = ()
