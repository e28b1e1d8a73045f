"""A book diagnosed: the bank as it begins with it, and a short run of its first arm for what only time shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.codes import ACTIVE, CLOSED
from sim.errors import BadInput
from sim.experiments.callbacks import Callback
from sim.experiments.prepare import prepare
from sim.experiments.prepared import Prepared
from sim.experiments.replication import Replication
from sim.kernel.tallies import WEIGHT_UNIT

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run

MONTHS = 12


def prepared_book(file: str | Path, arm: str | None = None) -> Prepared:
    """A scenario with a customer book, cut to one arm, one seed and a year; `BadInput` where it has no book."""
    whole = prepare([file])[0]
    s = whole.scenario
    if s.population.source != "book":
        what = "its customers are drawn, not of a book; run it, and diagnose the results folder"
        raise BadInput.at(str(file), what, path="population.source")
    overrides = [f"months={min(MONTHS, s.months)}", f"seeds=[{s.seed_list[0]}]", "beliefs=null", "survey=null"]
    return prepare([file], overrides, arms=[arm or next(iter(s.arms))])[0]


def people_at_the_beginning(prepared: Prepared) -> pd.DataFrame:
    """Open customers at month 0, a row each: tier, aum, active, app, products, managed, weight."""
    import pandas as pd

    s = prepared.scenario
    one = Replication(prepared, s.seed_list[0])
    with one.bank(s.arm_list[0]) as bank:
        c = bank.customers
        rows = np.flatnonzero(c.state != CLOSED)
        columns: dict[str, Any] = {
            "tier": c.tier[rows].astype(np.int64),
            "aum": c.aum[rows].astype(np.float64),
            "active": c.state[rows] == ACTIVE,
            "app": c.adopted[rows] > 0,
            "products": c.products[rows].astype(np.float64),
            "managed": c.manager[rows] >= 0,
            "weight": c.weight[rows] / WEIGHT_UNIT,
        }
        return pd.DataFrame({name: np.array(values) for name, values in columns.items()})


def short_run(prepared: Prepared, callback: Callback | None = None, plugins: Sequence[str] = ()) -> Run:
    """The run of a prepared book in memory; nothing of it is kept on disk."""
    from sim.experiments.run import Options, run_all
    from sim.measures.key_figures import write_key_figures
    from sim.store.run_reading import read

    whole: Callable[[Run], object] = write_key_figures
    with TemporaryDirectory(prefix="rapport-") as folder:
        options = Options(Path(folder) / "run", plugins=tuple(plugins))
        (outcome,) = run_all([prepared], options, callback, whole=whole)
        run = read(outcome.run.path)
        _ = run.summary, run.panel, run.reach  # read while they are there
        return run
