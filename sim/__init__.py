"""Rapport: an agent-based simulator of customer relationship strategies in retail banking.

As a library: `sim.run` compares the arms of a scenario, `sim.Bank` lives one bank month by month, `sim.sweep` and
`sim.optimise` explore, `sim.potential_outcomes` tells what each customer would have done under every arm, `sim.ask`
holds a questionnaire on a run, `sim.calibrate` finds numbers of the model by data. Nothing heavy is imported before a
name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sim.house import VERSION

if TYPE_CHECKING:
    from sim.api.bank import Bank
    from sim.api.calibrations import Calibration, calibrate, open_calibration
    from sim.api.counterfactuals import PotentialOutcomes, potential_outcomes
    from sim.api.optimum import Optimum, open_optimum, optimise
    from sim.api.runs import Run, open_run, run
    from sim.api.scenarios import validate
    from sim.api.surveys import Answers, ask, questionnaire, read_answers
    from sim.api.sweeps import Sweep, open_sweep, sweep
    from sim.api.viewer import solara_page
    from sim.errors import BadInput, Interrupted, RunFailed, SimError
    from sim.measures.uplift import qini
    from sim.scenario.scenario import Scenario

__version__ = VERSION

__all__ = [
    "Answers",
    "BadInput",
    "Bank",
    "Calibration",
    "Interrupted",
    "Optimum",
    "PotentialOutcomes",
    "Run",
    "RunFailed",
    "Scenario",
    "SimError",
    "Sweep",
    "ask",
    "calibrate",
    "open_calibration",
    "open_optimum",
    "open_run",
    "open_sweep",
    "optimise",
    "potential_outcomes",
    "qini",
    "questionnaire",
    "read_answers",
    "run",
    "solara_page",
    "sweep",
    "validate",
]
_OFFERED = {
    "sim.measures.uplift": ("qini",),
    "sim.api.counterfactuals": ("PotentialOutcomes", "potential_outcomes"),
    "sim.api.bank": ("Bank",),
    "sim.api.calibrations": ("Calibration", "calibrate", "open_calibration"),
    "sim.api.optimum": ("Optimum", "open_optimum", "optimise"),
    "sim.api.runs": ("Run", "open_run", "run"),
    "sim.api.scenarios": ("validate",),
    "sim.api.surveys": ("Answers", "ask", "questionnaire", "read_answers"),
    "sim.api.sweeps": ("Sweep", "open_sweep", "sweep"),
    "sim.api.viewer": ("solara_page",),
    "sim.errors": ("BadInput", "Interrupted", "RunFailed", "SimError"),
    "sim.scenario.scenario": ("Scenario",),
}
_HOMES = {name: home for home, names in _OFFERED.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
