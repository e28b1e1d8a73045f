"""What a tab is shown, in one language: a session and what its arms, tiers and numbers are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sim.page.numbers import level
from sim.page.runner import Course
from sim.page.session import Session
from sim.page.setting import Knob
from sim.page.shelf import Shelf
from sim.strategies import first_line, known
from sim.words import Words

ADDED_UP = ("profit", "contacts")  # figures that are told so far, not of the month


@dataclass(frozen=True)
class Shown:
    """A session, the stored runs beside it, and the words that both are told in."""

    session: Session
    shelf: Shelf
    words: Words

    @property
    def course(self) -> Course:
        return self.session.course

    @property
    def currency(self) -> str:
        return self.session.desk.base.scenario.currency

    @property
    def tiers(self) -> list[str]:
        """What tiers are called."""
        s = self.session.desk.base.scenario
        told = s.labels.get("tiers", {})
        return [told.get(tier.name, {}).get("label") or self.named("tier", tier.name) for tier in s.tier_list]

    @property
    def names(self) -> tuple[str, str]:
        """What the reference and the arm are called."""
        return self.arm(self.session.setting.reference), self.arm(self.session.setting.arm)

    def arm(self, name: str) -> str:
        """What an arm is called: its label, else in the words of the page."""
        label = self.session.desk.labels[name]
        return label if label != name.replace("_", " ") else self.named("arm", name)

    def named(self, kind: str, name: str) -> str:
        """A name of the scenario in the words of the page, or as it stands there."""
        for key in (f"page.{kind}.{name}", f"page.strategy.{name}"):
            if key in self.words:
                return self.words(key)
        return name.replace("_", " ")

    def label(self, knob: Knob) -> str:
        """What a number is: in the words of the page, else what the assumption says of itself."""
        for key in (f"page.number.{knob.name}", f"page.number.{knob.name.split('.', 1)[-1]}"):
            if key in self.words and knob.group in known():
                return self.words(key)
        own = knob.name.split(".", 1)[-1].replace("_", " ").replace(".", " · ")
        return f"{own}: {knob.about}" if knob.about else own

    def unit(self, knob: Knob) -> str:
        """The unit of a number, in the words of the page where they have it."""
        if knob.factor:
            return self.words("page.unit.times")
        key = "page.measure." + re.sub(r"\W+", "_", knob.unit).strip("_").lower()
        return self.words(key) if key in self.words else knob.unit

    def about(self, use: str) -> str:
        """What a strategy does, in a line: in the words of the page, else its own."""
        key = f"page.about.{use}"
        return self.words(key) if key in self.words else first_line(known()[use])

    def level(self, name: str, arm: int) -> str:
        """A figure of an arm (0 or 1) as it stands at the last month, with its unit."""
        months = self.course.seen[arm]
        value = getattr(months[-1], name)
        if name in ADDED_UP:
            value = sum(getattr(month, name) for month in months)
        return level(self.words, name, value, self.currency)
