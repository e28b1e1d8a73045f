"""What runs, sweeps and optimisations have alike as objects: a folder, a manifest, figures by name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.api.notebook import shown
from sim.errors import BadInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.reporting.figures import Plate


class Stored:
    """Something that was lived and stands in a folder: `figures` names its figures, `plot` draws one.

    A folder that nobody asked to keep is gone with the object.
    """

    def __init__(self, stored: Any, keep: Any = None):
        self.stored = stored
        self._keep = keep  # holds the folder that nobody asked to keep

    @property
    def folder(self) -> Path:
        """Its folder."""
        return Path(self.stored.path)

    @property
    def manifest(self) -> dict[str, Any]:
        """What it says of itself: scenario, seeds, code, machine, digests."""
        return deepcopy(dict(self.stored.manifest))

    @property
    def name(self) -> str:
        """The scenario's name."""
        return str(self.manifest["name"])

    def crate(self, file: str | os.PathLike[str], *, creator: str = "", licence: str = "") -> Path:
        """Pack it for a journal or a reviewer: an RO-Crate with every file, its digest, what it is, and how to verify.

        `file` is the zip that is written; `creator` and `licence` (an SPDX name, a URL, or words) are said in it.
        Returns the file. Raises `BadInput` for a folder that was changed since, and for rows of a book's customers.
        """
        from sim.api.scenarios import folder_of
        from sim.documents.run_crate import crate

        return crate(self.folder, folder_of(file, "file"), creator=creator, licence=licence)

    def _plates(self) -> tuple[Iterable[Plate], tuple[Any, ...]]:
        """The figures, and what each is asked to draw."""
        raise NotImplementedError

    @property
    def figures(self) -> list[str]:
        """Names that `plot` takes, in the order of the report; one may have nothing to show, and `plot` says so."""
        return [plate.name for plate in self._plates()[0]]

    def plot(self, name: str) -> Figure:
        """One figure of the report by name, as a matplotlib Figure.

        Raises `BadInput` for a name that it does not have, and where it has nothing to show.
        """
        from sim.reporting.figures import NothingToShow

        plates, what = self._plates()
        known = {plate.name: plate for plate in plates}
        if not isinstance(name, str) or name not in known:
            raise BadInput.at("plot", f"no figure {name!r}; figures are {', '.join(known) or 'none'}")
        try:
            return shown(known[name].draw(*what))
        except NothingToShow as reason:
            raise BadInput.at("plot", f"{name}: {reason}") from None
