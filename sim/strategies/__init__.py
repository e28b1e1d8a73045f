"""The list of strategies: name in a scenario -> class. One file, one strategy; plug-ins add theirs by name.

A user's own strategy lives in a file of its own outside this package. ``--plugin my_package.my_module`` names that
module on the command line, and scenarios say ``use: my_package.my_module:MyStrategy``: a scenario alone can never
make the program import anything.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from sim.errors import BadInput
from sim.strategies.base import Bank, Strategy, first_line
from sim.strategies.digital_thinking import DigitalThinking
from sim.strategies.fintech import Fintech
from sim.strategies.human_resources import HumanResources
from sim.strategies.institutional import Institutional
from sim.strategies.personalised_service import PersonalisedService
from sim.strategies.programme import Programme
from sim.strategies.settings import Implementation
from sim.strategies.staff_upskilling import StaffUpskilling
from sim.strategies.stratification import Stratification

STRATEGIES: dict[str, type[Strategy]] = {
    "digital_thinking": DigitalThinking,
    "stratification": Stratification,
    "personalised_service": PersonalisedService,
    "staff_upskilling": StaffUpskilling,
    "institutional": Institutional,
    "human_resources": HumanResources,
    "fintech": Fintech,
}
_plugins: dict[str, type[Strategy]] = {}


def known() -> dict[str, type[Strategy]]:
    """All strategies a scenario may use now: ours, and those of plug-ins named on the command line."""
    return STRATEGIES | _plugins


def load_plugins(modules: Sequence[str]) -> None:
    """Import modules that the command line names, and offer each `Strategy` class in them as ``module:Class``."""
    for name in modules:
        try:
            module = importlib.import_module(name)
        except Exception as error:  # whatever a user's module does wrong is the user's to know
            raise BadInput.at("--plugin", f"{name} cannot be imported: {type(error).__name__}: {error}") from error
        found = [
            kind for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Strategy) and kind.__module__ == module.__name__
        ]  # fmt: skip
        if not found:
            raise BadInput.at("--plugin", f"{name} has no strategy; a class derived from sim.strategies.base.Strategy")
        _plugins.update({f"{name}:{kind.__name__}": kind for kind in found})


def why_unknown(name: str) -> str | None:
    """What to do about a name that is no strategy, where more can be said than "did you mean"."""
    if ":" not in name:
        return None
    module = name.split(":", 1)[0]
    if any(key.startswith(f"{module}:") for key in _plugins):
        there = ", ".join(key for key in _plugins if key.startswith(f"{module}:"))
        return f"that module has {there}"
    return f"a plugin is imported only if the command line names it: --plugin {module}"


__all__ = [
    "STRATEGIES", "Bank", "Implementation", "Programme", "Strategy", "first_line", "known", "load_plugins",
    "why_unknown",
]  # fmt: skip
