"""Figures of a report by name, whatever was run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sim.api.notebook import shown
from sim.errors import BadInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.reporting.figures import Plate


class WithFigures:
    """What has figures: `figures` names them, `plot` draws one."""

    def _plates(self) -> tuple[Iterable[Plate], tuple[Any, ...]]:
        """The figures, and what each is asked to draw."""
        raise NotImplementedError

    @property
    def figures(self) -> list[str]:
        """Names that `plot` takes, in the order of the report."""
        return [plate.name for plate in self._plates()[0]]

    def plot(self, name: str) -> Figure:
        """One figure of the report by name, as a matplotlib Figure.

        Raises `BadInput` for a name that it does not have, and where it has nothing to show.
        """
        from sim.reporting.figures import NothingToShow

        plates, what = self._plates()
        known = {plate.name: plate for plate in plates}
        if name not in known:
            raise BadInput.at("plot", f"no figure {name!r}; figures are {', '.join(known) or 'none'}")
        try:
            return shown(known[name].draw(*what))
        except NothingToShow as reason:
            raise BadInput.at("plot", f"{name}: {reason}") from None
