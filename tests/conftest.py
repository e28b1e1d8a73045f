"""Before test processes start, the kernel is compiled once: two that compile at a time would wait twice."""

from __future__ import annotations

import os
import signal

import pytest
from tiny_folders import Shared


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # started in the background: what tests start would be deaf
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        return
    from sim.experiments.warming import warm

    warm()


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """A tiny run, sweep and optimisation ("run", "sweep", "optimise"), made once for all; tests alter copies."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "originals"
    home.mkdir(exist_ok=True)
    return Shared(home)
