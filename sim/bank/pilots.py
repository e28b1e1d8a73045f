"""Who is in which pilot, and in which order rows stand so that each chunk of them lives under one set of levers.

A customer's label has a bit for each pilot of the arm that it is in. Rows of one label stand together; the row of a
customer who left is taken by one who joins with the same label. So the kernel knows of no pilots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from sim.agents.customer import Customers
from sim.codes import DRAW_PILOT
from sim.kernel.numerics import uniforms
from sim.strategies.where import Pilot


class Pilots:
    """The pilots of one arm in one bank; `label` has an entry for every row, int64."""

    def __init__(self, pilots: Sequence[Pilot], seed: int):
        self.pilots = pilots
        self.seed = seed
        self.label = np.zeros(0, np.int64)
        self.present: list[int] = []  # the labels that rows have, but for those in no pilot

    def labels(self, uid: np.ndarray, first_tier: np.ndarray) -> np.ndarray:
        """The labels of customers, int64 (n,), by who they are and the tier they had at month 0 or joined in."""
        drawn = uniforms(self.seed, DRAW_PILOT, 0, uid)[0]
        label = np.zeros(uid.size, np.int64)
        for bit, pilot in enumerate(self.pilots):
            inside = np.array(pilot.within)[first_tier] & (drawn < pilot.share)
            label |= inside.astype(np.int64) << bit
        return label

    def group(self, customers: Customers) -> None:
        """Put rows of one label together."""
        label = self.labels(customers.uid, customers.first_tier)
        order = np.argsort(label, kind="stable")
        customers.reorder(order)
        self.label = label[order]
        self.present = self._present()

    def place(self, customers: Customers, new: Mapping[str, np.ndarray]) -> None:
        """Give those who join a row among others of their label, or a new one at the end."""
        label = self.labels(new["uid"], new["first_tier"])
        for one in np.unique(label).tolist():
            mine = label == one
            customers.place({name: values[mine] for name, values in new.items()}, free=self.label == one)
            self.label = np.append(self.label, np.full(len(customers) - self.label.size, one))
            self.present = sorted({*self.present, one} - {0})

    def _present(self) -> list[int]:
        """The labels that rows have, but for those in no pilot."""
        return [label for label in np.unique(self.label).tolist() if label]

    def runs(self, rows: int) -> Iterator[tuple[int, int, int]]:
        """First row, row after the last, and label of the stretches of one label among the first `rows`."""
        edges = np.flatnonzero(np.diff(self.label[:rows])) + 1
        for first, last in zip([0, *edges.tolist()], [*edges.tolist(), rows], strict=True):
            yield first, last, int(self.label[first])
