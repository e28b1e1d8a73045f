"""Whom an arm changes: each run's customers are held against those of the reference arm with the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.store.files import write_atomically
from sim.store.run_folder import ResultsFolder

if TYPE_CHECKING:
    import pandas as pd

    from sim.bank.model import BankModel


class Fates:
    """What became of the reference's customers, seed by seed, until the other arms of the seed have been told.

    Kept beside the parts of a run that is not whole yet, so that a resumed run still has them.
    """

    def __init__(self, folder: ResultsFolder, reference: str):
        self.folder = folder
        self.reference = reference

    def table(self, arm: str, seed: int, bank: BankModel) -> pd.DataFrame | None:
        """The rows of individuals.parquet of a run that has ended; None where its seed has no reference."""
        from sim.bank.fates import individuals

        was, fate = bank.observer.month_zero, bank.fates()
        file = self.folder.path / "parts" / f"{self.reference}.{seed}.fates"
        if arm == self.reference:
            write_atomically(file, fate.tobytes())
            before = fate
        elif file.exists():
            before = np.frombuffer(file.read_bytes(), np.int8)
        else:
            return None
        if before.size != fate.size:
            return None
        table = individuals(before, fate, was, [tier.name for tier in bank.tiers])
        table.insert(0, "seed", np.int64(seed))
        table.insert(0, "arm", arm)
        return table
