"""The patterns that the model is held against, with what their last full measurement said."""

from __future__ import annotations

from typing import NamedTuple

from sim.validation.findings import ABSENT, FACTS
from sim.validation.stored import shipped


class Pattern(NamedTuple):
    """A stylised fact: name, what is claimed, and the verdict of the measurement that the program comes with."""

    name: str
    claim: str
    verdict: str


def patterns() -> list[Pattern]:
    """All facts in their order."""
    said = shipped().verdicts
    return [
        Pattern(fact.name, fact.claim, ABSENT if fact.absent else said.get(fact.name, "not measured yet"))
        for fact in FACTS
    ]
