"""The golden run: one small bank, kept; a change of it must be meant.

Refresh with `python -m tests.golden` and say why in the changelog, under **results**. Counts are compared exactly;
money and means to nine digits, since the tables of initial values come from libraries that differ in their last bits
between machines.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from golden import GOLDEN, golden_run

COUNTS = [
    "customers",
    "active",
    "dormant",
    "joined",
    "closed",
    "closed_dormant",
    "went_dormant",
    "reactivated",
    "upgraded",
    "downgraded",
    "moved_in",
    "contacts_branch",
    "contacts_phone",
    "contacts_video",
    "contacts_messaging",
    "contacts_app",
    "sales",
    "failures",
    "complaints",
    "opt_outs",
]


def test_the_golden_run_comes_out_again() -> None:
    kept = pd.read_csv(GOLDEN)
    lived = golden_run()
    assert list(lived.columns) == list(kept.columns)
    assert lived[["month", "tier"]].equals(kept[["month", "tier"]])
    for name in COUNTS:
        assert np.array_equal(lived[name], kept[name]), name
    for name in kept.columns.difference([*COUNTS, "month", "tier"]):
        np.testing.assert_allclose(lived[name], kept[name], rtol=1e-9, atol=1e-9, err_msg=name)
