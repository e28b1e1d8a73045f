"""An instrument: constructs, items on scales, skip rules, demographics; frozen, and every mistake named at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.assumptions import EXACT, Settings
from sim.phrases import counted
from sim.slips import Slip, several
from sim.survey.columns import SHEET_COLUMNS
from sim.survey.measures import BY_NAME, FACTS, Who

Code = Annotated[str, Field(pattern=r"^[^\W\d]\w*$", max_length=64)]  # a column's name in any script
Text = str | dict[str, str]  # a text, or a text by language (en, zh, es, ...)
Place = tuple[str | int, ...]  # keys and positions below the instrument
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

    @model_validator(mode="after")
    def _whole(self) -> Scale:
        if slips := list(self._slips()):
            raise several(slips)
        return self

    def _slips(self) -> Iterator[Slip]:
        if self.last <= self.first:
            yield ("to",), f"{self.last} is not above {self.first}; a scale rises"
            return
        points = len(self.points)
        for language, words in self.labels.items():
            if len(words) != points:
                right = f"a scale from {self.first} to {self.last} has {points}"
                yield ("labels", language), f"{counted(len(words), 'word')}; {right}"
            for word in sorted({word for word in words if words.count(word) > 1}):
                yield ("labels", language), f"{word!r} stands twice; each point its own word"
        cuts = self.thresholds
        if cuts is not None and len(cuts) != points - 1:
            right = f"{counted(points, 'point')} have {points - 1} between them"
            yield ("thresholds",), f"{counted(len(cuts), 'threshold')}; {right}"
        for i, (low, high) in enumerate(zip(cuts or [], (cuts or [])[1:], strict=False), 1):
            if high <= low:
                yield ("thresholds", i), f"{high:g} is not above {low:g}; thresholds rise"
        for i, code in enumerate(self.unknown):
            if code in self.points:
                right = f"one outside {self.first} to {self.last}"
                yield ("unknown", i), f"{code} is an answer of this scale; {right}"

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
    follows: list[Code] = Field(
        default_factory=list, description="constructs that lead to it: paths of the structural model"
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
        """What does not fit together."""
        for name, construct in self.constructs.items():
            yield from self._of(("constructs", name, "of"), construct)
            if not any(item.measures == name for item in self.items):
                yield ("constructs", name), f"no item measures it; an item with construct: {name}, or leave it out"
        yield from self._own_slips()
        yield from self._follows_slips()
        codes = [*self.codes, *(one.code for one in self.demographics)]
        for i, item in enumerate(self.items):
            place = ("items", i)
            if codes.count(item.code) > 1 and codes.index(item.code) < i:
                yield (*place, "code"), f"{item.code} stands twice; each its own"
            yield from self._named_well(place, item.code)
            yield from self._item(place, item, i)
        for i, one in enumerate(self.demographics):
            if codes.index(one.code) < len(self.items) + i:
                yield ("demographics", i, "code"), f"{one.code} stands twice; each its own"
            yield from self._named_well(("demographics", i), one.code)
            if one.of is not None and self.asks is not None and one.of not in FACTS[self.asks]:
                yield ("demographics", i, "of"), f"no fact; one of {', '.join(FACTS[self.asks])}"
        yield from self._spoken()

    def _of(self, place: Place, construct: Construct) -> Iterator[Slip]:
        known = [name for name, measure in BY_NAME.items() if self.asks in (None, measure.who)]
        for name in construct.of:
            if name not in known:
                yield (*place, name), f"no measure{' of ' + self.asks if self.asks else ''}; one of {', '.join(known)}"
        if (explained := sum(loading**2 for loading in construct.of.values())) > 1 + EXACT:
            yield place, f"the squares of the loadings sum to {explained:.3g}; at most 1"

    def _item(self, place: Place, item: Item, position: int) -> Iterator[Slip]:
        if item.scale not in self.scales:
            yield (*place, "scale"), f"no scale {item.scale!r}; one of {', '.join(self.scales)}"
        elif item.thresholds is not None:
            points = len(self.scales[item.scale].points)
            if len(item.thresholds) != points - 1 or item.thresholds != sorted(item.thresholds):
                yield (*place, "thresholds"), f"{points} points need {points - 1} cuts, each at least the last"
        if item.measures is not None and item.measures not in self.constructs:
            known = f"one of {', '.join(self.constructs)}" if self.constructs else "there are none under constructs"
            yield (*place, "construct"), f"no construct {item.measures!r}; {known}"
        if item.measures is not None and item.loading <= 0:
            right = f"{-item.loading:g} with reversed: true" if item.loading else "above 0, or no construct"
            yield (*place, "loading"), f"{item.loading:g} is not above 0; {right}"
        if item.role == "perception" and item.about is not None:
            yield (*place, "about"), "is for an expectation or importance item; role: expectation, or leave it out"
        if item.role != "perception" and item.about not in self.constructs:
            what = "missing" if item.about is None else f"no construct {item.about!r}"
            yield (*place, "about"), f"{what}; the construct whose {item.role} it is"
        if item.nps:
            scale = self.scales.get(item.scale)
            if scale is not None and (scale.first, scale.last) != (0, 10):
                yield (*place, "nps"), f"its scale runs from {scale.first} to {scale.last}; 0 to 10"
            if item.reversed:
                yield (*place, "reversed"), "the question behind the net promoter score is never reversed; false"
            if any(other.nps for other in self.items[:position]):
                yield (*place, "nps"), "stands twice; one question is behind the net promoter score"
        for code, answers in item.asked_if.items():
            if wrong := self._cannot_be(code, answers, position):
                yield (*place, "asked_if", code), wrong

    def _cannot_be(self, code: str, answers: list[str | int], position: int) -> str:
        """Why an item at this position cannot hang on these answers to this question; empty where it can."""
        if not answers:
            return "no answers; those of whom the item is asked"
        earlier = next((item for item in self.items[:position] if item.code == code), None)
        fact = next((one for one in self.demographics if one.code == code), None)
        if earlier is not None and (scale := self.scales.get(earlier.scale)) is not None:
            allowed: list[str | int] = [*scale.points]
        elif fact is not None and fact.choices is not None:
            allowed = [*fact.choices]
        elif earlier is None and fact is None:
            later = any(item.code == code for item in self.items[position:])
            known = [*(item.code for item in self.items[:position]), *(one.code for one in self.demographics)]
            why = f"{code} is not asked before" if later else f"no question {code!r}"
            return f"{why}; one of {', '.join(known)}" if known else why
        else:
            return ""
        wrong = [answer for answer in answers if answer not in allowed]
        shown = ", ".join(map(str, allowed if len(allowed) <= 12 else [allowed[0], "...", allowed[-1]]))
        return f"{', '.join(map(str, wrong))}: no answer to {code}; one of {shown}" if wrong else ""

    def _named_well(self, place: Place, code: str) -> Iterator[Slip]:
        if code in SHEET_COLUMNS:
            yield (*place, "code"), f"{code} is a column that every sheet may have; another name"

    def _spoken(self) -> Iterator[Slip]:
        for i, language in enumerate(self.languages):
            if language in self.languages[:i]:
                yield ("languages", i), f"{language} stands twice; each once"
        for place, text in self._texts():
            if isinstance(text, dict):
                for language in text:
                    if language not in self.languages:
                        yield (*place, language), f"no language of this instrument; one of {', '.join(self.languages)}"
                if not text:
                    yield place, "no text; a text, or one by language"

    def _texts(self) -> Iterator[tuple[Place, Text]]:
        yield ("about",), self.about
        for name, scale in self.scales.items():
            if scale.labels:
                yield (
                    ("scales", name, "labels"),
                    {key: words[0] if words else "" for key, words in scale.labels.items()},
                )
        for name, construct in self.constructs.items():
            yield ("constructs", name, "label"), construct.label
            yield ("constructs", name, "about"), construct.about
        for i, item in enumerate(self.items):
            yield ("items", i, "text"), item.text
        for i, one in enumerate(self.demographics):
            yield ("demographics", i, "text"), one.text
            for word, text in (one.choices or {}).items():
                yield ("demographics", i, "choices", word), text

    @property
    def notes(self) -> tuple[str, ...]:
        """What is no mistake but should be known, a line each: what lacks a language, constructs of one item."""
        found = []
        for language in self.languages if len(self.languages) > 1 else ():
            lacking = [
                ".".join(map(str, self._by_code(place)))
                for place, text in self._texts()
                if text and (language != self.languages[0] if isinstance(text, str) else not text.get(language))
            ]
            if lacking:
                shown = f"{', '.join(lacking[:3])}{', ...' if len(lacking) > 3 else ''}"
                found.append(f"{counted(len(lacking), 'text')} not in {language} ({shown}): shown in another language")
        for name in self.constructs:
            if len(items := self.items_of(name)) == 1:
                found.append(f"{name}: measured by one item ({items[0].code}), so that its reliability is unknown")
        return tuple(found)

    def _by_code(self, place: Place) -> Place:
        if len(place) > 1 and isinstance(place[1], int):
            asked: list[Item] | list[Demographic] = self.items if place[0] == "items" else self.demographics
            return (asked[place[1]].code, *place[2:])
        return place

    def _own_slips(self) -> Iterator[Slip]:
        for one, others in self.own.items():
            for other, r in others.items():
                if unknown := [name for name in (one, other) if name not in self.constructs]:
                    yield ("own", one, other), f"no construct {unknown[0]!r}; one of {', '.join(self.constructs)}"
                elif one == other or one in self.own.get(other, {}):
                    yield ("own", one, other), "two constructs, and each pair once"
                elif not -1 <= r <= 1:
                    yield ("own", one, other), f"{r:g} is no correlation; -1 to 1"

    def _follows_slips(self) -> Iterator[Slip]:
        for name, construct in self.constructs.items():
            for i, other in enumerate(construct.follows):
                place = ("constructs", name, "follows", i)
                if other not in self.constructs:
                    yield place, f"no construct {other!r}; one of {', '.join(self.constructs)}"
                elif other in construct.follows[:i]:
                    yield place, f"{other} stands twice; each once"
                elif name in self._behind(other):
                    yield place, f"{other} follows from {name} itself; paths go one way"

    def _behind(self, construct: str) -> set[str]:
        """A construct and all that leads to it."""
        found, ahead = set(), [construct]
        while ahead:
            if (name := ahead.pop()) not in found and name in self.constructs:
                found.add(name)
                ahead += self.constructs[name].follows
        return found

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
        """The items that measure a construct; of another role, those that say what is expected of it or how important
        it is. A construct that is an expectation itself is measured by its expectation items."""
        if role != "perception":
            return [item for item in self.items if item.role == role and item.about == construct]
        measuring = [item for item in self.items if item.measures == construct]
        return [item for item in measuring if item.role == role] or measuring

    @property
    def nps_item(self) -> Item | None:
        """The item behind the net promoter score, if there is one."""
        return next((item for item in self.items if item.nps), None)
