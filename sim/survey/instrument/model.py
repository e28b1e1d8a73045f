"""An instrument: constructs, items on scales, skip rules, demographics; frozen, and every mistake named at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.assumptions import Settings
from sim.slips import Slip, several
from sim.survey.measures import BY_NAME, FACTS, Who

Code = Annotated[str, Field(pattern=r"^[^\W\d]\w*$", max_length=64)]  # a column's name in any script
Text = str | dict[str, str]  # a text, or a text by language (en, zh, es, ...)
Role = Literal["perception", "expectation", "importance"]


def said(text: Text, language: str = "en") -> str:
    """A text in a language; in the first there is where it has none in that one."""
    if isinstance(text, str):
        return text
    return text.get(language) or next(iter(text.values()), "")


class Scale(Settings):
    """Points from `from` to `to` in steps of 1, with words for all of them or for none."""

    first: int = Field(1, alias="from", ge=-100, le=100, description="lowest answer")
    last: int = Field(5, alias="to", ge=-100, le=100, description="highest answer")
    labels: dict[str, list[str]] = Field(default_factory=dict, description="by language, a word for every point")
    thresholds: list[float] | None = Field(
        None, description="cuts between the points on the latent answer, rising, one fewer than points; SD"
    )
    unknown: list[int] = Field(default_factory=list, description="codes for 'do not know' or 'no answer', no points")

    @property
    def points(self) -> list[int]:
        """The answers there are, from the lowest."""
        return list(range(self.first, self.last + 1))


class Construct(Settings):
    """Something that is not asked but meant: what several items measure together."""

    label: Text = Field(description="its name for people")
    about: Text = Field("", description="what it means, in one sentence")
    source: str = Field("", description="the literature it comes from")
    of: dict[str, float] = Field(
        default_factory=dict,
        description="what of the simulated bank it is: loadings on measures; what they leave open is the person's own",
    )
    self_rated: bool = Field(False, description="about oneself before one's employer: social desirability applies")


class Item(Settings):
    """One question."""

    code: Code = Field(description="name of its column in the answers")
    text: Text = Field(description="the question")
    scale: str = Field(description="name of its scale")
    measures: Code | None = Field(
        None, alias="construct", description="the construct it measures; none: a question on its own"
    )
    loading: float = Field(0.75, ge=-1, le=1, description="correlation of the latent answer with the construct")
    reversed: bool = Field(False, description="agreeing means less of the construct")
    thresholds: list[float] | None = Field(
        None, description="cuts between the points on this item's latent answer, in place of its scale's; SD"
    )
    role: Role = Field("perception", description="what is met, what is expected, or how important it is")
    about: Code | None = Field(None, description="of an expectation or importance item: the construct it goes with")
    nps: bool = Field(False, description="the question behind the net promoter score, 0 to 10")
    asked_if: dict[Code, list[str | int]] = Field(
        default_factory=dict, description="asked only of those who gave one of these answers, by code; all must hold"
    )
    required: bool = Field(False, description="the tool lets nobody leave it out")


class Demographic(Settings):
    """Something a sheet says of the person, as one of several words or as a number."""

    code: Code = Field(description="name of its column in the answers")
    text: Text = Field(description="the question")
    choices: dict[str, Text] | None = Field(None, description="word in the answers: text; none: a number or free text")
    of: str | None = Field(None, description="the fact of the simulated bank that it is")


class Instrument(Settings):
    """A questionnaire."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$", description="its name")
    about: Text = Field("", description="what it asks, in one sentence")
    version: str = Field("1", description="changes when an item does")
    asks: Who | None = Field(None, description="whom of a simulated bank it can be held on; none: only real people")
    languages: list[str] = Field(default_factory=lambda: ["en"], min_length=1, description="languages of its texts")
    scales: dict[str, Scale] = Field(description="scales by name")
    constructs: dict[Code, Construct] = Field(default_factory=dict, description="constructs by name")
    own: dict[Code, dict[Code, float]] = Field(
        default_factory=dict,
        description="by two constructs, each pair once: correlation of what their measures leave open; 0 where absent",
    )
    items: list[Item] = Field(min_length=1, description="questions in their order")
    demographics: list[Demographic] = Field(default_factory=list, description="facts about the person, asked last")

    @model_validator(mode="after")
    def _fits_together(self) -> Instrument:
        slips = list(self._slips())
        if slips:
            raise several(slips)
        return self

    def _slips(self) -> Iterator[Slip]:
        """What does not fit together; the instrument's room adds to it."""
        for name, construct in self.constructs.items():
            for measure in construct.of:
                if measure not in BY_NAME:
                    yield ("constructs", name, "of", measure), f"no measure; one of {', '.join(BY_NAME)}"
        yield from self._own_slips()
        seen: set[str] = set()
        for i, item in enumerate(self.items):
            if item.code in seen:
                yield ("items", i, "code"), f"{item.code} stands twice; each its own"
            seen.add(item.code)
            if item.scale not in self.scales:
                yield ("items", i, "scale"), f"no scale {item.scale!r}; one of {', '.join(self.scales)}"
            elif item.thresholds is not None:
                points = len(self.scales[item.scale].points)
                if len(item.thresholds) != points - 1 or item.thresholds != sorted(item.thresholds):
                    yield ("items", i, "thresholds"), f"{points} points need {points - 1} cuts, each at least the last"
            if item.measures is not None and item.measures not in self.constructs:
                yield ("items", i, "construct"), f"no construct {item.measures!r}; one of {', '.join(self.constructs)}"
        for i, one in enumerate(self.demographics):
            if one.code in seen:
                yield ("demographics", i, "code"), f"{one.code} stands twice; each its own"
            seen.add(one.code)
            if one.of is not None and self.asks is not None and one.of not in FACTS[self.asks]:
                yield ("demographics", i, "of"), f"no fact; one of {', '.join(FACTS[self.asks])}"

    def _own_slips(self) -> Iterator[Slip]:
        for one, others in self.own.items():
            for other, r in others.items():
                if unknown := [name for name in (one, other) if name not in self.constructs]:
                    yield ("own", one, other), f"no construct {unknown[0]!r}; one of {', '.join(self.constructs)}"
                elif one == other or one in self.own.get(other, {}):
                    yield ("own", one, other), "two constructs, and each pair once"
                elif not -1 <= r <= 1:
                    yield ("own", one, other), f"{r:g} is no correlation; -1 to 1"

    # --- what everybody asks of it -------------------------------------------------------------------------------

    @property
    def codes(self) -> list[str]:
        """Columns of the items in the answers, in their order."""
        return [item.code for item in self.items]

    def item(self, code: str) -> Item:
        """The item of a code; KeyError where there is none."""
        return {item.code: item for item in self.items}[code]

    def scale_of(self, code: str) -> Scale:
        """The scale of an item."""
        return self.scales[self.item(code).scale]

    def items_of(self, construct: str, role: Role = "perception") -> list[Item]:
        """The items that measure a construct: as met, as expected (`about` it), or how important it is."""
        if role == "perception":
            return [item for item in self.items if item.measures == construct and item.role == role]
        return [item for item in self.items if item.role == role and construct in (item.about, item.measures)]

    @property
    def nps_item(self) -> Item | None:
        """The item behind the net promoter score, if there is one."""
        return next((item for item in self.items if item.nps), None)
