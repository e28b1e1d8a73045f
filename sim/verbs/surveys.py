"""Verbs of questionnaires: each way of `survey` has a room of its own under `verbs/survey/`."""

from __future__ import annotations

import argparse
from importlib import import_module

from sim.errors import BadInput

# option, the room that does it, and the options that belong to it alone
WAYS = {
    "analyse": ("analyse", ("instrument", "by", "keep")),
    "initialise": ("initialise", ("instrument", "scenario", "employees", "links")),
    "compare": ("compare", ("instrument", "other", "month", "n", "sampling", "arms", "seeds")),
    "imports": ("instruments", ()),
    "export": ("instruments", ()),
}
HOLDING = ("instrument", "month", "n", "sampling", "panel", "arms", "seeds")
OPTIONS = (
    "instrument",
    "month",
    "n",
    "sampling",
    "panel",
    "arms",
    "seeds",
    "by",
    "keep",
    "other",
    "scenario",
    "employees",
    "links",
)
WORDS = "--analyse, --initialise, --compare, --import, --export"
SPELLED = {"other": "with", "imports": "import"}


def survey(arguments: argparse.Namespace) -> int:
    """Hold a questionnaire on a run, or do what an option says with answers or an instrument."""
    way = next((way for way in WAYS if getattr(arguments, way) is not None), None)
    room, own = WAYS[way] if way else ("hold", HOLDING)
    given = [name for name in OPTIONS if getattr(arguments, name) is not None and name not in own]
    wrong = [BadInput.at(f"--{SPELLED.get(name, name)}", _why(way)).mistakes[0] for name in given]
    if arguments.run is not None and way not in (None, "compare"):
        wrong.append(BadInput.at(str(arguments.run), f"{_why(way)}; RUN is for holding a questionnaire").mistakes[0])
    if arguments.run is None and way is None:
        wrong.append(
            BadInput.at(
                "survey", "a results folder, or one of --analyse, --initialise, --compare, --import, --export"
            ).mistakes[0]
        )
    if wrong:
        raise BadInput(wrong)
    return int(import_module(f"sim.verbs.survey.{room}").main(arguments))


def _why(way: str | None) -> str:
    return f"does not go with --{SPELLED.get(way, way)}" if way else "does not go with holding a questionnaire"


def diagnose(arguments: argparse.Namespace) -> int:
    """The four problems of a bank as a page."""
    return int(import_module("sim.verbs.survey.diagnose").main(arguments))
