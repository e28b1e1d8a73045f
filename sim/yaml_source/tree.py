"""YAML 1.2 text to a tree of plain values, each with the place it was written at.

Parsing is ruamel.yaml's; what it means is decided here: the YAML 1.2 core schema (`no` is text, `1e3` a float, dates
are text), no tags, no duplicate keys, keys that are text (a number is taken as it is written), aliases that cannot
explode, nesting that cannot overflow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from sim.errors import BadInput, Mistake
from sim.yaml_source.paths import Path, key_text, one_line, path_text

DEEPEST = 50  # levels of nesting; a scenario needs about 8
MOST_VALUES = 200_000  # values after aliases are written out
MOST_DIGITS = 100  # of a whole number

_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DRIVE = re.compile(r"[A-Za-z]:\\(?!\\)")
_FILE = re.compile(r"\.(csv|gz|parquet|ya?ml|py|npz|txt)$", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.|$)", re.DOTALL)
_NUMBER_KEY = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
_INF = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written; line and column count from 1, 0 for a command-line option."""

    file: str
    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value with its place. `value` is a scalar, a list of nodes or a dict of nodes by key.

    `keys` holds the places of a mapping's keys; `broken` marks a value already reported as a mistake.
    """

    value: Any
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)
    broken: bool = False

    def plain(self) -> Any:
        """The value as plain Python data."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if isinstance(self.value, list) else self.value

    def copy(self) -> Node:
        """A deep copy, so that a change to one does not show in the other."""
        value = self.value
        if isinstance(value, dict):
            value = {key: node.copy() for key, node in value.items()}
        elif isinstance(value, list):
            value = [node.copy() for node in value]
        return Node(value, self.place, dict(self.keys), self.broken)

    def count(self) -> int:
        """Number of values in this tree."""
        if isinstance(self.value, dict):
            return 1 + sum(node.count() for node in self.value.values())
        return 1 + sum(node.count() for node in self.value) if isinstance(self.value, list) else 1


def planted(value: Any, place: Place) -> Node:
    """A tree of this plain data, all of it at one place. Raises TypeError for data YAML has no words for."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys of a scenario are text")
        return Node({k: planted(v, place) for k, v in value.items()}, place, dict.fromkeys(value, place))
    if isinstance(value, (list, tuple)):
        return Node([planted(item, place) for item in value], place)
    if value is None or isinstance(value, (bool, int, float, str)):
        return Node(value, place)
    raise TypeError(f"{type(value).__name__} cannot stand in a scenario")


def parse(text: str, file: str, *, fixed: Place | None = None) -> tuple[Node | None, list[Mistake]]:
    """The tree of one YAML document, None where it is empty, and the mistakes that leave a tree to work with.

    `fixed` is the place of everything (for a command-line option). Raises BadInput where no tree can be made.
    """
    if bad := _CONTROL.search(text):
        line, column = _line_column(text, bad.start())
        place = fixed or Place(file, line, column)
        message = f"the character {one_line(bad[0])} is not allowed; plain UTF-8 text"
        raise BadInput(Mistake(place.file, place.line, place.column, "", message))
    builder = _Builder(text, file, fixed)
    root = builder.document()
    data = root.plain() if root is not None and builder.slips else None
    return root, [Mistake(p.file, p.line, p.column, path_text(path, data), m) for path, p, m in builder.slips]


def is_path(text: str) -> bool:
    """Whether a text looks like the path of a file: a drive of Windows, or the ending of a file."""
    return bool(_DRIVE.match(text) or _FILE.search(text))


def parse_argument(text: str, place: Place) -> tuple[Node | None, list[Mistake]]:
    """As `parse`, for a value on the command line: a text is kept whole, since nobody comments there.

    Only behind a number, true, false or null a `#` still begins a comment, and `&` names nothing. Raises ValueError,
    for users, where something stands behind a value in quotes or brackets.
    """
    if text.lstrip()[:1] == "&":  # an anchor would leave with its name, and nothing could call it
        return Node(text.strip(), place), []
    root, mistakes = parse(text, place.file, fixed=place)
    if "#" not in text:
        return root, mistakes
    builder = _Builder(text, place.file, place)
    builder.document()
    rest = text[builder.end :].strip()
    if not rest.startswith("#"):
        return root, mistakes
    if text.lstrip()[:1] in ("'", '"', "[", "{", "|", ">", "!", "*"):
        raise ValueError(f"{one_line(rest, 40)!r} stands behind the value; all of it in one pair of quotes")
    plain = root is None or root.value is None or isinstance(root.value, str)
    return (Node(text.strip(), place), []) if plain else (root, mistakes)


def resolve(text: str) -> Any:
    """The value of a plain scalar in the YAML 1.2 core schema. Raises ValueError for a number too long to use."""
    if _NULL.fullmatch(text):
        return None
    if word := _BOOL.fullmatch(text):
        return word[1] is not None
    if _INT.fullmatch(text):
        if len(text) > MOST_DIGITS:
            raise ValueError(f"a number of {len(text)} digits; at most {MOST_DIGITS}")
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    if sign := _INF.fullmatch(text):
        return float(f"{sign[1]}inf")
    return float("nan") if _NAN.fullmatch(text) else text


def _line_column(text: str, index: int) -> tuple[int, int]:
    before = text[:index].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Builder:
    """One document from events to nodes, mistakes gathered on the way as (path, place, message)."""

    def __init__(self, text: str, file: str, fixed: Place | None):
        self.text, self.file, self.fixed = text, file, fixed
        self.slips: list[tuple[Path, Place, str]] = []
        self.anchors: dict[str, Node | None] = {}  # None while the anchored value is still being read
        self.values = 0
        self.end = 0  # where the document's value ends in the text
        self.events = self._parse()

    def document(self) -> Node | None:
        root, documents = None, 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.stop(self.place(event), "a second document starts here; one document in a file, without '---'")
            elif hasattr(event, "anchor"):
                root = self.node(event, (), 0)
        return root

    def node(self, event: Any, path: Path, depth: int) -> Node:
        place = self.place(event)
        if depth > DEEPEST:
            self.stop(place, f"nested deeper than {DEEPEST} levels; fewer levels")
        if isinstance(event, AliasEvent):
            return self.alias(event, place)
        self.grow(1, place)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if isinstance(event, MappingStartEvent):
            node = self.mapping(place, path, depth)
        elif isinstance(event, SequenceStartEvent):
            node = self.sequence(place, path, depth)
        else:
            node = self.scalar(event, place, path)
        if event.tag is not None:
            tag = one_line(str(event.tag).replace("tag:yaml.org,2002:", "!!"))
            self.slips.append((path, place, f"the tag {tag} is not allowed; the value without a tag"))
            node = Node(None, place, broken=True)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def mapping(self, place: Place, path: Path, depth: int) -> Node:
        node = Node({}, place)
        while not isinstance(event := next(self.events), MappingEndEvent):
            key_place = self.place(event)
            key = self.key(event, path, depth)
            value = self.node(next(self.events), (*path, key if key is not None else "?"), depth + 1)
            if key is None:
                continue
            if key in node.value:
                first = node.keys[key].line
                where = f"first on line {first}" if first else "given twice"
                self.slips.append(((*path, key), key_place, f"duplicate key, {where}; one of the two"))
                continue
            node.value[key], node.keys[key] = value, key_place
        return node

    def key(self, event: Any, path: Path, depth: int) -> str | None:
        """The key, or None with a slip where it is not text."""
        place = self.place(event)
        plain = isinstance(event, ScalarEvent) and event.tag is None and bool(event.implicit[0])
        node = self.node(event, (*path, "?"), depth + 1)
        if node.broken:
            return None
        if isinstance(node.value, (dict, list)):
            self.slips.append((path, place, "a key cannot be a list or a mapping; text"))
            return None
        if plain and isinstance(event, ScalarEvent) and _NUMBER_KEY.fullmatch(event.value):
            return str(event.value)  # a number names things as it is written: {1: wealth}
        if not isinstance(node.value, str):
            shown = one_line(event.value if isinstance(event, ScalarEvent) else str(node.value))
            what = f"the key {shown} is not text" if shown else "a key is missing before ':'"
            self.slips.append((path, place, f'{what}; text, such as "{shown or "name"}" in quotes'))
            return None
        if plain and node.value == "<<":
            self.slips.append((path, place, "merge keys (<<) are not read; the keys themselves, or extends"))
            return None
        return node.value

    def sequence(self, place: Place, path: Path, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self.node(event, (*path, len(items)), depth + 1))
        return Node(items, place)

    def scalar(self, event: Any, place: Place, path: Path) -> Node:
        if not event.implicit[0] or event.style:  # quoted or block text
            slip = self.unescaped(event) if event.style == '"' else None
            if any("\ud800" <= char <= "\udfff" for char in event.value):
                slip = "half of a surrogate pair; a whole character"
            if slip is not None:
                self.slips.append((path, place, slip))
                return Node(None, place, broken=True)
            return Node(event.value, place)
        try:
            return Node(resolve(event.value), place)
        except ValueError as slip:
            self.slips.append((path, place, str(slip)))
            return Node(None, place, broken=True)

    def unescaped(self, event: Any) -> str | None:
        r"""What is wrong with a text in double quotes whose backslash was not meant as one, as in "C:\new.csv"."""
        raw = self.text[event.start_mark.index + 1 : event.end_mark.index - 1]
        escapes = [found[0] for found in _ESCAPE.finditer(raw) if found[0] in _CONTROLS]
        if not escapes or not (is_path(raw) or any(escape in _NEVER_MEANT for escape in escapes)):
            return None
        begins = f"a backslash in double quotes begins an escape: {escapes[0]} is {_CONTROLS[escapes[0]]}"
        return f"{begins}; {_in_single_quotes(raw)}"

    def alias(self, event: Any, place: Place) -> Node:
        name = one_line(str(event.anchor), 30)
        if event.anchor not in self.anchors:
            self.stop(place, f"the alias *{name} has no anchor &{name} before it; the value itself")
        node = self.anchors[event.anchor]
        if node is None:
            self.stop(place, f"the alias *{name} stands inside its own value; the value itself")
        self.grow(node.count(), place)
        return node.copy()

    def grow(self, number: int, place: Place) -> None:
        self.values += number
        if self.values > MOST_VALUES:
            self.stop(place, f"more than {MOST_VALUES} values once aliases are written out; a smaller file")

    def place(self, event: Any) -> Place:
        return self.fixed or Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def stop(self, place: Place, message: str) -> NoReturn:
        """Give up on this file, keeping the mistakes found so far."""
        found = [Mistake(p.file, p.line, p.column, path_text(path), m) for path, p, m in self.slips]
        raise BadInput([*found, Mistake(place.file, place.line, place.column, "", message)])

    def _parse(self) -> Iterator[Any]:
        try:
            for event in YAML(typ="safe", pure=True).parse(self.text):
                if hasattr(event, "anchor") or isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                    self.end = event.end_mark.index
                yield event
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self.stop(self.fixed or Place(self.file, line, column), _translated(error, self.text, line, column))
        except YAMLError as error:
            self.stop(self.fixed or Place(self.file, 1, 1), f"not readable as YAML: {one_line(str(error), 100)}")
        except Exception as error:  # the parser's own slips on odd text: still the text's fault, never a traceback
            self.stop(self.fixed or Place(self.file, 1, 1), f"not readable as YAML ({type(error).__name__}); YAML 1.2")


# what each escape of YAML makes that nobody can see
_CONTROLS = {
    "\\0": "a null",
    "\\a": "a bell",
    "\\b": "a backspace",
    "\\t": "a tab",
    "\\n": "a line end",
    "\\v": "a vertical tab",
    "\\f": "a form feed",
    "\\r": "a line end",
    "\\e": "an escape character",
    "\\N": "a line end",
    "\\L": "a line end",
    "\\P": "a line end",
    "\\_": "a hard blank",
}
# whoever means one says \u0008
_NEVER_MEANT = frozenset(_CONTROLS) - {"\\t", "\\n", "\\r", "\\N", "\\L", "\\P", "\\_"}


def _in_single_quotes(raw: str) -> str:
    text = raw.replace("'", "''")
    return f"single quotes keep it: '{one_line(text)}'"


def _translated(error: MarkedYAMLError, text: str, line: int, column: int) -> str:
    """The parser's complaint in words a user can act on."""
    problem = f"{error.problem or ''}"
    lines = text.splitlines()
    here = lines[line - 1] if line <= len(lines) else ""
    lead = here[: len(here) - len(here.lstrip())]
    if "\t" in lead or here[column - 1 : column] == "\t":
        return "a tab in the indentation; spaces only"
    if "mapping values are not allowed" in problem:
        return "a ':' that cannot stand here; text with ': ' in quotes, or the indentation put right"
    if "expected ':'" in problem:
        return "a line without ':'; key: value"
    if "expected <block end>" in problem:
        return "the indentation fits nothing above; keys of one mapping start in the same column"
    if "expected ',' or" in problem:
        return f"'{problem[problem.find('or') + 4 : problem.find('or') + 5]}' or a comma is missing before this"
    if "expected the node content" in problem:
        return "a value is missing; a value, or a closing bracket"
    if "unknown escape character" in problem or "expected escape sequence" in problem:
        start = error.context_mark
        raw = lines[start.line][start.column + 1 :] if start is not None and start.line < len(lines) else here
        raw = raw[: raw.find('"')] if '"' in raw else raw
        escape = here[max(column - 2, 0) : column] if "unknown" in problem else f"\\{_escape_letter(here, column)}"
        begins = f"a backslash in double quotes begins an escape, and {one_line(escape)} is none"
        return f"{begins}; {_in_single_quotes(raw)}"
    if "unexpected end of stream" in problem:
        return "the file ends inside a quoted text; a closing quote"
    if "cannot start any token" in problem:
        return f"text cannot start with {one_line(here[column - 1 : column])!r}; the text in quotes"
    return f"not readable as YAML: {one_line(', '.join(filter(None, [error.context, problem])), 100)}"


def _escape_letter(line: str, column: int) -> str:
    """The letter behind the last backslash before this column."""
    at = line.rfind("\\", 0, column)
    return line[at + 1 : at + 2]


def key_list(node: Node) -> list[str]:
    """Keys of a mapping as paths show them."""
    return [key_text(key) for key in node.value] if isinstance(node.value, dict) else []
