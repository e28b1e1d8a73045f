"""Declared links: which construct of a questionnaire begins which column of the customer book, or sets which number.

A link is monotone by its form: a column is the construct's score, shrunk to what of it can be believed, times `slope`
(above 0) plus `shift`; a number of the model moves with the mean answer, held against the middle of the scale. A file
of links has one key, `links:`, by construct; what it does not name is not linked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from sim.assumptions import Settings, assumption
from sim.slips import slip
from sim.survey.instrument import Construct, Instrument
from sim.survey.instrument.model import Code
from sim.survey.instrument.reading import read_instrument, shipped
from sim.yaml_source import load, validate

Form = Literal["column", "ratio", "chance", "level"]


@dataclass(frozen=True)
class Target:
    """What a construct can begin: a column of the book by its name, or numbers of the scenario by their paths.

    `measure` is the truth that a column is in a held survey. Of numbers, `slope` is per SD of answers beyond the middle
    of the scale, within `low` to `high`, from `source`.
    """

    name: str
    who: Literal["customers", "managers"]
    form: Form
    measure: str = ""
    paths: tuple[str, ...] = ()
    slope: float = 1.0
    low: float = 1.0
    high: float = 1.0
    source: str = ""
    about: str = ""


_OWN = "SPEC 8.1"
TARGETS: Final[Mapping[str, Target]] = {
    one.name: one
    for one in (
        Target("satisfaction", "customers", "column", "satisfaction", source=_OWN, about="satisfaction, SD"),
        Target("trust", "customers", "column", "trust", source=_OWN, about="trust, SD"),
        Target("expectation", "customers", "column", "expectation", source=_OWN, about="quality expected, SD"),
        Target("digital_affinity", "customers", "column", "affinity", source=_OWN, about="digital affinity, 0 to 1"),
        Target("digital_active", "customers", "column", "app", source=_OWN, about="uses the app, yes or no"),
        Target(
            "complain",
            "customers",
            "chance",
            paths=("model.service.complain",),
            slope=0.3,
            low=0.0,
            high=0.6,
            source="assumption",
            about="failures that are complained of",
        ),
        Target(
            "digital_skill",
            "managers",
            "level",
            paths=("managers.digital_mean",),
            slope=-0.3,
            low=-0.5,
            high=0.0,
            source="SPEC 8.2",
            about="mean digital skill on five points, less what staff rate themselves above it",
        ),
        Target(
            "workload",
            "managers",
            "ratio",
            paths=("managers.hours_per_month",),
            slope=-0.1,
            low=-0.25,
            high=0.0,
            source="assumption",
            about="hours with clients, by how far work presses",
        ),
        Target(
            "turnover",
            "managers",
            "ratio",
            paths=("managers.turnover", "managers.turnover_junior", "managers.turnover_senior"),
            slope=0.36,
            low=0.2,
            high=0.5,
            source="memory: Griffeth, Hom & Gaertner 2000",
            about="managers who leave, by what they intend: intention and leaving correlate by .35 to .38 only",
        ),
    )
}
COLUMNS: Final = tuple(name for name, target in TARGETS.items() if target.form == "column")

# Constructs by name, in small letters; ECSI's among them; so is each by the labels of the instruments that come
# with the program, in any of their languages. What an instrument says its construct is goes first.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "satisfaction": ("satisfaction", "sat", "csat", "overall_satisfaction"),
    "trust": ("trust", "imag", "image", "reputation"),
    "expectation": ("expectation", "expectations", "expected", "expe"),
    "digital_affinity": ("affinity", "digital_affinity", "tam", "technology_acceptance", "acceptance", "ease"),
    "complain": ("complain", "complaint", "complaints"),
    "digital_skill": ("digital", "digital_skill", "digital_skills"),
    "workload": ("workload",),
    "turnover": ("leaving", "turnover_intention", "intent_to_leave", "turnover"),
}
OF: Final = {target.measure: name for name, target in TARGETS.items() if target.measure}
MAINLY: Final = 0.6  # loading from which a construct is taken for the measure itself


class Link(Settings):
    """One construct, and what it begins."""

    to: str = Field(description=f"what it begins: {', '.join(TARGETS)}")
    slope: float | None = Field(
        None,
        ge=-5,
        le=5,
        description="of a column: SD by SD of what can be believed, above 0; of a number: what an SD of answers beyond "
        "the middle of the scale does to it, in logs, or in SD of skill",
    )
    shift: float = assumption(0.0, "SD", plausible=(-0.5, 0.5), allowed=(-3, 3), source="assumption")
    """added to a column: where those asked stand against the model's reference, which their answers cannot say"""

    @model_validator(mode="after")
    def _known(self) -> Link:
        if self.to not in TARGETS:
            raise slip(("to",), f"nothing that can be begun; one of {', '.join(TARGETS)}")
        if TARGETS[self.to].form == "column" and self.slope is not None and self.slope <= 0:
            raise slip(("slope",), f"{self.slope:g} turns people round; above 0")
        return self

    @property
    def target(self) -> Target:
        """What it begins."""
        return TARGETS[self.to]

    @property
    def steep(self) -> float:
        """Its slope, given or the target's."""
        return self.target.slope if self.slope is None else self.slope


class Links(Settings):
    """A file of links."""

    links: dict[Code, Link] = Field(min_length=1, description="by construct or yes-or-no question, what it begins")

    @model_validator(mode="after")
    def _each_once(self) -> Links:
        seen: dict[str, str] = {}
        for name, link in self.links.items():
            if link.to in seen:
                raise slip(("links", name, "to"), f"{seen[link.to]} begins {link.to} already; one construct each")
            seen[link.to] = name
        return self


def read_links(file: Path) -> Links:
    """The links of a YAML file; raises BadInput with every mistake in it."""
    return validate(Links, load(file))


def usual(instrument: Instrument) -> Links | None:
    """Links by what an instrument says its constructs are, then by their names; None where nothing is known."""
    found = {name: Link.model_validate({"to": to}) for to, name in _usual(instrument)}
    return Links.model_validate({"links": found}) if found else None


def _usual(instrument: Instrument) -> Iterator[tuple[str, str]]:
    taken: set[str] = set()
    by_name = {word: name for name, own in instrument.constructs.items() for word in _words(own)}
    by_name |= {name.casefold(): name for name in instrument.constructs}
    for to, target in TARGETS.items():
        loads = {
            name: construct.of[target.measure]
            for name, construct in instrument.constructs.items()
            if target.measure in construct.of
            and construct.of[target.measure] == max(construct.of.values())
            and construct.of[target.measure] >= MAINLY
            and name not in taken
        }
        known = (*NAMES.get(to, ()), *_labels().get(to, ()))
        named = [by_name[one] for one in known if one in by_name and by_name[one] not in taken]
        best = max(loads, key=lambda name: loads[name]) if loads else next(iter(named), None)
        if to == "digital_active":
            best = next((one.code for one in instrument.demographics if one.of == "app_user"), None)
        if best is not None:
            taken.add(best)
            yield to, best


@cache
def _labels() -> dict[str, list[str]]:
    """What constructs of the instruments that come with the program are called in any language, by what they begin."""
    found: dict[str, list[str]] = {}
    for shipped_name in shipped():
        for name, own in read_instrument(shipped_name).constructs.items():
            measure = max(own.of, key=lambda one: own.of[one]) if own.of else ""
            to = OF.get(measure) if measure and own.of[measure] >= MAINLY else None
            to = to or next((to for to, names in NAMES.items() if name in names), None)
            if to is not None:
                found.setdefault(to, []).extend(_words(own))
    return found


def _words(construct: Construct) -> list[str]:
    """Its label in every language, in small letters."""
    label = construct.label
    return [word.strip().casefold() for word in ([label] if isinstance(label, str) else label.values())]


def number(link: Link, value: float, beyond: float, *, slope: float | None = None, sd: float = 1.0) -> float:
    """What a linked number becomes, of its value in the scenario: `beyond` are SD of the mean past the scale's middle.

    Of a level, `value` is the mean of the answers on the number's own scale and `sd` its spread between people.
    """
    steep = link.steep if slope is None else slope
    match link.target.form:
        case "ratio":
            return value * math.exp(steep * beyond)
        case "chance":
            odds = math.log(value / (1.0 - value)) + steep * beyond
            return 1.0 / (1.0 + math.exp(-odds))
        case _:
            return value + steep * sd
