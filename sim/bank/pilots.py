"""Who is in which pilot, and in which order rows stand so that each chunk of them lives under one set of levers.

A customer's label has a bit for each pilot of the arm that it is in. Rows of one label stand together; the row of a
customer who left is taken by one who joins with the same label. So the kernel knows of no pilots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from sim.agents.customer import Customers
from sim.codes import DRAW_PILOT
from sim.kernel.books import free_rows
from sim.kernel.numerics import uniforms
from sim.strategies.where import Pilot


class Pilots:
    """The pilots of one arm in one bank, and the stretches of rows of one label, in their order."""

    def __init__(self, pilots: Sequence[Pilot], seed: int):
        self.pilots = pilots
        self.seed = seed
        self.ends: list[int] = []  # the rows after the last of each stretch
        self.label: list[int] = []  # and its label

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
        edges = np.flatnonzero(np.diff(label[order])) + 1
        self.ends = [*edges.tolist(), order.size] if order.size else []
        self.label = label[order][[end - 1 for end in self.ends]].tolist()

    @property
    def present(self) -> list[int]:
        """The labels that rows have, but for those in no pilot."""
        return sorted({*self.label} - {0})

    def of(self, rows: np.ndarray) -> np.ndarray:
        """The labels of these rows, int64."""
        return np.array(self.label, np.int64)[np.searchsorted(self.ends, rows, side="right")]

    def place(self, customers: Customers, new: Mapping[str, np.ndarray]) -> None:
        """Give those who join a row among others of their label, or a new one at the end."""
        label = self.labels(new["uid"], new["first_tier"])
        for one in np.unique(label).tolist():
            mine = label == one
            wanted = int(np.count_nonzero(mine))
            free = [free_rows(customers.state, wanted, first, last) for first, last, its in self.runs() if its == one]
            values = {name: column[mine] for name, column in new.items()}
            customers.place(values, free=np.concatenate([np.zeros(0, np.int64), *free]))
            if not self.label or self.label[-1] != one:
                self.ends.append(len(customers))
                self.label.append(one)
            self.ends[-1] = len(customers)

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """First row, row after the last, and label of the stretches of rows of one label."""
        yield from zip([0, *self.ends[:-1]], self.ends, self.label, strict=True)
