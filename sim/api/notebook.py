"""How things show where somebody works: a bar in a terminal or a notebook, a page inside a notebook."""

from __future__ import annotations

import html
import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.experiments.callbacks import Callback

PAGE_HEIGHT = 720  # px of a page shown in a notebook


def shell() -> Any:
    """The notebook's or IPython's shell this process runs in, None elsewhere."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def in_notebook() -> bool:
    """Whether output goes to cells of a notebook."""
    return shell() is not None and hasattr(shell(), "kernel")


def callback(progress: bool | Callback | None, *, units: tuple[str, int] | None = None) -> Callback:
    """What hears how far it is: a bar if somebody watches (None) or always (True), nothing (False), or what is given.

    `units` is the name of a sweep and its tasks a unit, None for runs.
    """
    from sim.experiments.callbacks import Callback

    if isinstance(progress, Callback):
        return progress
    if progress is None:
        progress = in_notebook() or sys.stderr.isatty()
    if not progress:
        return Callback()
    if in_notebook():
        return _notebook_bar()
    from sim.verbs.progress import ProgressBar, SweepProgress

    return SweepProgress(*units) if units is not None else ProgressBar()


def _notebook_bar() -> Callback:
    """A bar in a cell of a notebook, for runs and sweeps alike; its class is made late, with its imports."""
    from IPython.display import ProgressBar

    from sim.experiments.callbacks import Callback

    class Bar(Callback):
        bar: Any = None

        def begin(self, name: str, runs: int, months: int) -> None:
            self._show(months)

        def items(self, total: int, done: int) -> None:
            self._show(total)
            self._advance(done)

        def month(self, rows: int) -> None:
            self._advance(1)

        def chunk(self, receipt: dict[str, Any]) -> None:
            self._advance(receipt["units"])

        def _show(self, total: int) -> None:
            if self.bar is None:
                self.bar = ProgressBar(max(total, 1))
                self.bar.display()
            else:
                self.bar.total = max(total, 1)

        def _advance(self, by: int) -> None:
            if self.bar is not None:
                self.bar.progress = min(self.bar.progress + by, self.bar.total)

    return Bar()


def shown(figure: Figure) -> Figure:
    """The figure, with the notebook told how to show one that no window owns."""
    if shell() is not None:
        from IPython.core.pylabtools import select_figure_formats

        select_figure_formats(shell(), {"png"})
    return figure


class Page:
    """A report: shows itself in a notebook, `open()` shows it in a browser, `path` is its file."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)

    def open(self) -> None:
        """Show the page in the browser."""
        webbrowser.open(self.path.resolve().as_uri())

    def _repr_html_(self) -> str:
        text = html.escape(self.path.read_text("utf-8"))
        return f'<iframe srcdoc="{text}" width="100%" height="{PAGE_HEIGHT}" style="border:0"></iframe>'

    def __repr__(self) -> str:
        return f"Page({str(self.path)!r})"
