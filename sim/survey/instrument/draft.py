"""An instrument in the making: what every importer does with questions, choices and names, and lists what it cannot."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sim.errors import BadInput
from sim.survey.columns import SHEET_COLUMNS
from sim.survey.instrument.model import Demographic, Instrument, Item, Scale, Text
from sim.survey.tables import Table

# What tools use for 'do not know', 'no answer', 'not applicable': codes, and words in the languages we meet.
UNKNOWN_CODES: Final = frozenset({-99, -98, -97, -96, -9, -8, -7, 66, 77, 88, 96, 97, 98, 99, 777, 888, 999})
UNKNOWN_WORDS: Final = re.compile(
    r"don.?t know|do not know|not know|no answer|no opinion|refuse|not applicable|\bn/?a\b|can.?t say|unsure|missing"
    r"|不知道|不清楚|不适用|拒答|无法回答|未回答|没有意见|weiß nicht|keine angabe|no sabe|no contesta|ne sait pas",
    re.IGNORECASE,
)
ORDERED_WORDS: Final = re.compile(
    r"agree|satisf|likely|never|always|often|important|poor|excellent|much (worse|better)|confident|useful"
    r"|同意|满意|可能|从不|总是|经常|重要|符合|很差|很好|acuerdo|zufrieden|stimme|d.accord",
    re.IGNORECASE,
)
NPS_WORDS: Final = re.compile(r"\bnps\b|net.?promoter|recommend|推荐|weiterempf|recomend|recommand", re.IGNORECASE)


@dataclass(frozen=True)
class Imported:
    """What was made of a file: the instrument, a line for each thing that could not be mapped, and its answers."""

    instrument: Instrument
    listed: tuple[str, ...] = ()
    answers: Table | None = None


@dataclass
class Choices:
    """Answers that a question offers: code in the answers and its words by language; `unknown` are no answer."""

    words: dict[str, dict[str, str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def split(self) -> tuple[list[int], list[int]] | None:
        """(points, codes for not known) where the codes are whole numbers in a row; None where they are no scale."""
        try:
            codes = {int(code): words for code, words in self.words.items()}
        except ValueError:
            return None
        strange = {int(code) for code in self.unknown if re.fullmatch(r"-?\d+", code)}
        for code, words in codes.items():
            if any(UNKNOWN_WORDS.search(word) for word in words.values()):
                strange.add(code)
        points = sorted(set(codes) - strange)
        while len(points) > 2 and points[-1] in UNKNOWN_CODES and points[-1] - points[-2] > 1:
            strange.add(points.pop())
        while len(points) > 2 and points[0] in UNKNOWN_CODES and points[1] - points[0] > 1:
            strange.add(points.pop(0))
        in_a_row = len(points) > 1 and points == list(range(points[0], points[-1] + 1)) and abs(points[-1]) <= 100
        return (points, sorted(strange)) if in_a_row else None

    def ordered(self) -> bool:
        """Whether its words say more and less of something."""
        return any(ORDERED_WORDS.search(word) for words in self.words.values() for word in words.values())


class Draft:
    """Collects questions under valid names; `done` is the instrument."""

    def __init__(self, name: str, languages: Sequence[str] = ("en",), about: Text = ""):
        self.name = slug(name)
        self.languages = list(dict.fromkeys(languages)) or ["en"]
        self.about = about
        self.scales: dict[str, Scale] = {}
        self.items: list[Item] = []
        self.demographics: list[Demographic] = []
        self.listed: list[str] = []
        self.constructs: dict[str, dict[str, Any]] = {}
        self.renamed: dict[str, str] = {}  # name in the file: code
        self.measured: dict[str, str] = {}  # code: construct, where the file says so
        self.codes: set[str] = set()

    def lists(self, what: str, why: str) -> None:
        """Note something that cannot be mapped."""
        self.listed.append(f"{what}: {why}")

    def code(self, name: str) -> str:
        """A valid code for a question's name, each its own; what was changed is listed."""
        made = re.sub(r"\W+", "_", name.strip()).strip("_")[:60] or "question"
        if made[0].isdigit():
            made = f"q{made}"
        if made in SHEET_COLUMNS:
            made = f"{made}_asked"
        base, number = made, 2
        while made in self.codes:
            made, number = f"{base}_{number}", number + 1
        self.codes.add(made)
        self.renamed[name] = made
        if made != name:
            self.lists(name, f"named {made} here")
        return made

    def text(self, said: Mapping[str, str], code: str) -> Text:
        """A text without markup, by language where there are several; the code where there is none."""
        clean = {language: plain(text) for language, text in said.items() if plain(text)}
        if not clean:
            return code
        return clean if len(self.languages) > 1 else next(iter(clean.values()))

    def scale(self, points: Sequence[int], words: Mapping[int, Mapping[str, str]], unknown: Iterable[int] = ()) -> str:
        """The name of a scale with these points; one that is there already serves again."""
        labels: dict[str, list[str]] = {}
        for language in self.languages:
            said = [plain(words.get(point, {}).get(language, "")) for point in points]
            if any(word and word != str(point) for word, point in zip(said, points, strict=True)):
                filled = [word or str(point) for word, point in zip(said, points, strict=True)]
                doubled = Counter(filled)
                labels[language] = [
                    word if doubled[word] == 1 else f"{word} ({point})"
                    for word, point in zip(filled, points, strict=True)
                ]
        made = Scale.model_validate(
            {"from": points[0], "to": points[-1], "labels": labels, "unknown": sorted(set(unknown) - set(points))}
        )
        for name, known in self.scales.items():
            if known == made:
                return name
        base = f"scale_{points[0]}_{points[-1]}".replace("-", "m")
        name, number = base, 2
        while name in self.scales:
            name, number = f"{base}_{number}", number + 1
        self.scales[name] = made
        return name

    def item(self, name: str, said: Mapping[str, str], scale: str, **more: Any) -> Item:
        """Add a question on a scale."""
        code = self.code(name)
        spec = self.scales[scale]
        asks_nps = NPS_WORDS.search(" ".join([code.replace("_", " "), *said.values()]))
        nps = (spec.first, spec.last) == (0, 10) and asks_nps and not any(item.nps for item in self.items)
        given = {"code": code, "text": self.text(said, code), "scale": scale, "nps": bool(nps), **more}
        made = Item.model_validate(given)
        self.items.append(made)
        return made

    def demographic(self, name: str, said: Mapping[str, str], choices: Mapping[str, Mapping[str, str]] | None) -> None:
        """Add a question about the person; choices by the word that stands in the answers."""
        code = self.code(name)
        offered = None if choices is None else {word: self.text(texts, word) for word, texts in choices.items()}
        self.demographics.append(Demographic(code=code, text=self.text(said, code), choices=offered or None, of=None))

    def done(self) -> Instrument:
        """The instrument; items whose names differ in a number alone become a construct. Raises BadInput."""
        stems = group(self.items, self.measured)
        items = []
        for item in self.items:
            construct = stems.get(item.code)
            if construct is not None:
                self.constructs.setdefault(construct, {"label": construct})
            items.append(item.model_copy(update={"measures": construct}) if construct is not None else item)
        if not items:
            listed = "; ".join(self.listed[:3])
            raise BadInput.at(
                self.name, f"holds no question on a scale{f' ({listed})' if listed else ''}; at least one"
            )
        shown = {"name": self.name, "about": self.about, "languages": self.languages}
        return Instrument.model_validate(
            {
                **shown,
                "scales": {name: self.scales[name] for name in self.scales},
                "constructs": self.constructs,
                "items": items,
                "demographics": self.demographics,
            }
        )


def group(items: Sequence[Item], measured: Mapping[str, str]) -> dict[str, str]:
    """The construct of each item by code: what the file says, else the name before its number, where two share it."""
    stems = {item.code: stem(item.code) for item in items if item.code not in measured and not item.measures}
    counts = Counter((stems[item.code], item.scale) for item in items if stems.get(item.code))
    scales = {item.code: item.scale for item in items}
    found = {
        code: name if name not in scales else f"{name}_construct"
        for code, name in stems.items()
        if name and counts[name, scales[code]] > 1
    }
    return {**found, **{code: name for code, name in measured.items() if code in scales}}


def stem(code: str) -> str:
    """``imag`` of ``imag3``, ``q_SQ`` of ``q_SQ001``; empty where no number ends the name."""
    found = re.fullmatch(r"([^\W\d]\w*?)_*\d+", code)
    return found[1] if found else ""


def plain(text: Any) -> str:
    """A text without markup and in one line."""
    bare = re.sub(r"<br\s*/?>|</p>", " ", str(text or ""), flags=re.IGNORECASE)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", bare)).split())


def slug(name: str) -> str:
    """A name of small letters, digits, _ and -."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:60] or "instrument"
