"""Before test processes start, the kernel is compiled once: two that compile at a time would wait twice."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        return
    from sim.numerics import compiled

    if not compiled():
        from banks import bank, scenario

        bank(scenario(100, months=1))
