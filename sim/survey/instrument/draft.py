"""An instrument in the making: what every importer does with questions, choices and names, and lists what it cannot."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sim.errors import BadInput
from sim.survey.columns import valid_code
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
CHOSEN: Final = re.compile(  # what stands in a box that was ticked or not
    r"[01](\.0)?|(not |un)?(selected|checked|chosen|ticked|mentioned)|yes|no|y|n|true|false"
    r"|是|否|未?选中?|未?选择|有|无"
    r"|ja|nein|(nicht )?(gewählt|genannt|ausgewählt)|oui|non|sí|si",
    re.IGNORECASE,
)
POINT: Final = re.compile(rf"^[A-Za-z]{{0,3}}[-+\d.,]+$|{ORDERED_WORDS.pattern}", re.IGNORECASE)  # of a scale
SEVERAL: Final = "several answers at once or yes/no; not mapped"
NO_WEIGHT: Final = "by its name a weight, not used; name the one that counts weight, a number above 0 in every row"
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

    def points(self, *, in_order: bool = False) -> tuple[dict[str, int], list[int]] | None:
        """(point by code, codes for not known) where codes are whole numbers in a row, as they are or behind letters
        (A1, A2); else by their order, where that is asked for; None where they are no scale."""
        strange = {code for code, words in self.words.items() if any(map(UNKNOWN_WORDS.search, words.values()))}
        strange |= self.unknown & set(self.words)
        numbers = _numbered([code for code in self.words if code not in strange])
        if numbers is None:
            if not in_order:
                return None
            numbers = {code: i for i, code in enumerate((c for c in self.words if c not in strange), 1)}
        while len(numbers) > 2 and (lone := _stands_apart(list(numbers.values()))) is not None:
            code = next(code for code, point in numbers.items() if point == lone)
            strange.add(code)
            del numbers[code]
        values = sorted(numbers.values())
        if (
            len(values) < 2
            or values != list(range(values[0], values[-1] + 1))
            or not -100 <= values[0] <= values[-1] <= 100
        ):
            return None
        declared = strange | self.unknown
        return numbers, sorted({int(code) for code in declared if re.fullmatch(r"-?\d+", code)} - set(values))

    def ordered(self) -> bool:
        """Whether its words say more and less of something."""
        return any(ORDERED_WORDS.search(word) for words in self.words.values() for word in words.values())


def _numbered(codes: Sequence[str]) -> dict[str, int] | None:
    """Each code's number; None where one has none."""
    if all(re.fullmatch(r"-?\d+", code) for code in codes):
        return {code: int(code) for code in codes}
    found = [re.fullmatch(r"([A-Za-z]{1,3})(\d+)", code) for code in codes]
    if len({one[1] for one in found if one}) == 1 and all(found):
        return {one[0]: int(one[2]) for one in found if one}
    return None


def _stands_apart(values: Sequence[int]) -> int | None:
    """A number at the end of others that tools use for 'do not know' and that is not next to them."""
    ordered = sorted(values)
    if ordered[-1] in UNKNOWN_CODES and ordered[-1] - ordered[-2] > 1:
        return ordered[-1]
    return ordered[0] if ordered[0] in UNKNOWN_CODES and ordered[1] - ordered[0] > 1 else None


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
        self.points: dict[str, dict[str, int]] = {}  # code of an item: point by what the file calls the answer
        self.taken: set[str] = set()  # names of the file's columns
        self.conditions: dict[str, dict[str, list[str]]] = {}

    def lists(self, what: str, why: str) -> None:
        """Note something that cannot be mapped."""
        self.listed.append(f"{what}: {why}")

    def code(self, name: str) -> str:
        """A valid code for a question's name, each its own; what was changed is listed."""
        made = valid_code(name)
        base, number = made, 2
        while made in self.codes or (made in self.taken and made != name):
            made, number = f"{base}_{number}", number + 1
        self.codes.add(made)
        self.renamed[name] = made
        if made != name:
            self.lists(name, f"named {made} here")
        return made

    def text(self, said: Mapping[str, str], code: str) -> Text:
        """A text without markup, by language where there are several; the code where there is none."""
        clean = {language: plain(text) for language, text in said.items() if plain(text)}
        known = {language: clean[language] for language in self.languages if language in clean}
        if len(self.languages) > 1 and known:
            return known
        return next(iter((known or clean).values()), code)

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

    def question(
        self,
        name: str,
        said: Mapping[str, str],
        choices: Choices,
        *,
        matrix: bool = False,
        shared: int = 1,
        **more: Any,
    ) -> str:
        """Add a question with one answer of several: an item where they are more and less of something, else a fact
        about the person; its code. `matrix`: it stands in a table of such; `shared`: questions of the same choices."""
        found = choices.points(in_order=matrix or choices.ordered())
        if found is None or not _is_scale(sorted(found[0].values()), choices, matrix, shared):
            self.demographic(name, said, choices.words)
            return self.renamed[name]
        points, unknown = found
        if _numbered(list(points)) is None:
            first = next(iter(points))
            self.lists(name, f"its answers have no numbers, numbered in their order (1 is {first!r})")
        words = {point: choices.words[code] for code, point in points.items()}
        code = self.item(name, said, self.scale(sorted(words), words, unknown), **more).code
        self.points[code] = dict(points)
        return code

    def condition(self, code: str, rule: Mapping[str, Sequence[str]] | None, text: str) -> None:
        """A skip rule as answers by question as the file names it; one that is None cannot be mapped. For `done`."""
        if rule is None:
            self.lists(code, f"its skip rule is not mapped: {plain(text)[:120]}")
        elif rule:
            self.conditions[code] = {name: list(answers) for name, answers in rule.items()}

    def _asked_if(self, position: int, item: Item) -> dict[str, list[str | int]]:
        rules: dict[str, list[str | int]] = {}
        for name, answers in self.conditions.get(item.code, {}).items():
            code = self.renamed.get(name, name)
            earlier = next((one for one in self.items[:position] if one.code == code), None)
            fact = next((one for one in self.demographics if one.code == code), None)
            if earlier is not None:
                known = self.points.get(code) or {str(point): point for point in self.scales[earlier.scale].points}
                right: list[str | int] = [known[answer] for answer in answers if answer in known]
            else:
                right = [answer for answer in answers if fact is not None and answer in (fact.choices or answers)]
            if len(right) < len(answers):
                self.lists(item.code, f"its skip rule is not mapped: {name} = {' or '.join(answers)}")
            else:
                rules[code] = right
        return rules

    def done(self) -> Instrument:
        """The instrument; items whose names differ in a number alone become a construct. Raises BadInput."""
        stems = group(self.items, self.measured)
        items = []
        for position, item in enumerate(self.items):
            change: dict[str, Any] = {"asked_if": rules} if (rules := self._asked_if(position, item)) else {}
            if (construct := stems.get(item.code)) is not None:
                self.constructs.setdefault(construct, {"label": construct})
                change["measures"] = construct
            items.append(item.model_copy(update=change))
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


def _is_scale(points: Sequence[int], choices: Choices, matrix: bool, shared: int) -> bool:
    """Whether choices in a row are more and less of something, or names that happen to be numbered."""
    if matrix or (points[0], points[-1]) == (0, 10):
        return True
    return choices.ordered() if len(points) == 3 else len(points) > 3 and (shared > 1 or choices.ordered())


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


def several(answers: Mapping[str, Sequence[str]]) -> set[str]:
    """Columns that are boxes to tick: names that differ in a number alone, and in all of them yes or no, or one word.

    `answers` are the words or numbers that each column has or may have.
    """
    together: dict[str, list[str]] = {}
    for name in answers:
        if key := stem(valid_code(name)):
            together.setdefault(key, []).append(name)

    def box(words: Sequence[str]) -> bool:
        named = [word for word in words if not CHOSEN.fullmatch(word)]
        return not named or (len(named) == 1 and len(words) <= 2 and not POINT.search(named[0]))

    boxes = [
        names
        for names in together.values()
        if len(names) > 1 and any(answers[name] for name in names) and all(box(answers[name]) for name in names)
    ]
    return {name for names in boxes for name in names}


def as_weight(column: str) -> str:
    """The line that says which column was taken for the design weight."""
    return f"{column}: read as weight"


def joined(stem_of: Mapping[str, str], row: Mapping[str, str]) -> dict[str, str]:
    """The question of a row of a table: what stands above the table and in the row, in every language of either."""
    first, here = next(iter(stem_of.values()), ""), next(iter(row.values()), "")
    return {key: f"{stem_of.get(key) or first} {row.get(key) or here}" for key in {**stem_of, **row}}


def plain(text: Any) -> str:
    """A text without markup and in one line."""
    bare = re.sub(r"<br\s*/?>|</p>", " ", str(text or ""), flags=re.IGNORECASE)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", bare)).split())


def language_of(texts: Iterable[str]) -> str:
    """``zh`` where most of the texts have Chinese characters, else ``en``: files seldom say it."""
    chinese = [bool(re.search("[\u4e00-\u9fff]", text)) for text in texts if text]
    return "zh" if chinese and sum(chinese) * 2 > len(chinese) else "en"


def slug(name: str) -> str:
    """A name of small letters, digits, _ and -."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:60] or "instrument"
