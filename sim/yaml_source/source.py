"""Scenario files: reading, what they extend, and what the command line sets, every value with its address."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sim import shipping
from sim.errors import BadInput, Mistake
from sim.yaml_source.paths import (
    NAMING_KEYS,
    Path,
    did_you_mean,
    item_names,
    key_text,
    one_line,
    path_text,
    split_override,
    split_path,
)
from sim.yaml_source.tree import Node, Place, key_list, parse, parse_argument, planted

REPLACED_WHOLE = frozenset({"arms", "sweep", "tiers", "environment", "seeds", "columns", "matrix"})
DEEPEST_CHAIN = 20  # files that extend one another
LARGEST_FILE = 2_000_000  # bytes; a scenario of a thousand lines has about 40,000


_NOUNS = {"arms": "arm", "tiers": "tier", "environment": "shock", "columns": "column", "matrix": "row"}
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True)
class Replaced:
    """Something of an extended file that `by`, a file above it, replaces whole; `gone` are the keys that went."""

    path: Path
    file: str
    by: str
    items: int
    gone: tuple[str, ...]

    def __str__(self) -> str:
        name = str(self.path[-1])
        noun = _NOUNS.get(name)
        what = name
        if noun is not None:
            count = _WORDS[self.items] if self.items < len(_WORDS) else str(self.items)
            what = f"{count} {noun}{'' if self.items == 1 else 's'}"
        shown = [key_text(key) for key in self.gone[:8]] + [f"{len(self.gone) - 8} more"] * (len(self.gone) > 8)
        lost = f"; left out: {', '.join(shown)}" if shown else ""
        return f"{path_text(self.path)}: replaces the {what} of {one_line(os.path.basename(self.file))}{lost}"


class Source:
    """What a scenario file says, all files and overrides together, and where it says it.

    `file` is the file as the user wrote it, `files` all that were read (this one first), `mistakes` what is already
    known to be wrong: `validate` reports them with its own, `check` alone. `replaced` is what of the extended files was
    not merged but replaced.
    """

    def __init__(
        self,
        root: Node,
        file: str,
        files: Sequence[str],
        mistakes: Sequence[Mistake] = (),
        replaced: Sequence[Replaced] = (),
    ):
        self._root = root
        self.file = file
        self.files = tuple(files)
        self.mistakes = tuple(mistakes)
        self.replaced = tuple(replaced)
        self.data: dict[str, Any] = root.plain()

    def __repr__(self) -> str:
        return f"Source({self.file!r}, {len(self.data)} keys, {len(self.mistakes)} mistakes)"

    def check(self) -> None:
        """Raise BadInput if reading alone found mistakes."""
        if self.mistakes:
            raise BadInput(sorted(self.mistakes))

    def address(self, path: Path, *, key: bool = False) -> tuple[str, int, int]:
        """File, line and column of the value at this path, or of its key; of the nearest key above where it is absent.

        Lines and columns count from 1; a value from the command line has the file ``--set PATH=VALUE`` and line 0.
        """
        trail, whole = self._walk(path)
        node, key_place = trail[-1]
        if (key or not whole) and key_place is not None:
            return key_place.file, key_place.line, key_place.column
        return node.place.file, node.place.line, node.place.column

    def is_given(self, path: Path) -> bool:
        """Whether the files or the command line give a value at this path."""
        return self._walk(path)[1]

    def is_broken(self, path: Path) -> bool:
        """Whether the value at this path, or one it stands in, was reported by reading already."""
        return any(node.broken for node, _ in self._walk(path)[0])

    def file_of(self, path: Path) -> str:
        """The file that gives this value, or is nearest to giving it; ``--set ...`` for the command line."""
        return self.address(path)[0]

    def path_text(self, path: Path) -> str:
        """The path as the user would write it."""
        return path_text(path, self.data)

    def mistake(self, path: Path, message: str, *, key: bool = False) -> Mistake:
        """A mistake at the value of this path, or at its key."""
        return Mistake(*self.address(path, key=key), self.path_text(path), message)

    def find(self, text: str) -> Path:
        """The path a written one leads to: names of list items become positions. Raises ValueError, for users."""
        return self._locate(split_path(text))

    def with_overrides(self, overrides: Iterable[str], option: str = "--set") -> Source:
        """A new source with each ``PATH=VALUE`` set, in order; VALUE is YAML, a text whole with any #, empty
        means null."""
        root, slips = self._root, list(self.mistakes)
        for text in overrides:
            place = Place(f"{option} {one_line(text, 120)}", 0, 0)
            parts: Path = ()
            try:
                parts, value_text = split_override(text)
                value, found = parse_argument(value_text, place)
                slips += _below(parts, found)
                made = root.copy()  # what cannot be set leaves nothing behind
                _set(made, parts, value or Node(None, place), place)
                root = made
            except ValueError as slip:
                slips.append(Mistake(place.file, 0, 0, path_text(parts), str(slip)))
            except BadInput as error:
                slips += _below(parts, error.mistakes)
        return Source(root, self.file, self.files, slips, self.replaced)

    def with_values(self, values: Mapping[str, Any], label: str = "values") -> Source:
        """A new source with plain values set at written paths; `label` is their address. For design points."""
        root, slips = self._root.copy(), list(self.mistakes)
        place = Place(label, 0, 0)
        for text, value in values.items():
            try:
                _set(root, split_path(text), planted(value, place), place)
            except (ValueError, TypeError) as slip:
                slips.append(Mistake(label, 0, 0, one_line(text), str(slip)))
        return Source(root, self.file, self.files, slips, self.replaced)

    def why_lost(self, path: Path) -> str:
        """Why a key that an extended file gives is not there; empty where none gives it."""
        for one in self.replaced:
            if path[:-1] == one.path and path[-1] in one.gone:
                file, what = one_line(os.path.basename(one.file)), one.path[-1]
                return f"; {file} has it, but {what} are replaced whole: all of them here"
        return ""

    def _walk(self, path: Path) -> tuple[list[tuple[Node, Place | None]], bool]:
        """Nodes on the way, each with its key's place (its own, for a list item), and whether the path was found."""
        node = self._root
        trail: list[tuple[Node, Place | None]] = [(node, None)]
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                key_place = node.keys[str(part)]
                node = node.value[part]
            elif isinstance(node.value, list) and isinstance(part, int) and 0 <= part < len(node.value):
                node = node.value[part]
                key_place = node.place
            else:
                return trail, False
            trail.append((node, key_place))
        return trail, True

    def _locate(self, parts: Path) -> Path:
        node = self._root
        done: Path = ()
        for part in parts:
            step: Any = part
            if isinstance(node.value, list):
                step = _item(node, part, done)
            elif not isinstance(node.value, dict):
                raise ValueError(_no_way(node, done))
            elif part not in node.value:
                raise ValueError(_unknown(part, node, path_text(done)))
            node, done = node.value[step], (*done, step)
        return done


def _set(root: Node, parts: Path, value: Node, place: Place) -> None:
    """Set the value at the path of a tree, mappings made on the way. Raises ValueError, for users."""
    if parts == ("extends",):
        raise ValueError("cannot be set here; in the file only")
    node = root
    done: Path = ()
    for part in parts:
        if node.value is None and not node.broken:
            node.value, node.place = {}, place
        step: Any = part
        if isinstance(node.value, list):
            step = _item(node, part, done)
        elif not isinstance(node.value, dict):
            raise ValueError(_no_way(node, done))
        elif isinstance(part, int):
            what = "is a mapping" if node.value else "has no items"
            where = path_text(done, root.plain()) or "the scenario"
            raise ValueError(f"{where} {what}; {'one of its keys' if node.value else 'the whole list'}")
        done = (*done, part)
        if len(done) == len(parts) and isinstance(node.value, list):
            node.value[step] = value
        elif len(done) == len(parts) or (isinstance(node.value, dict) and part not in node.value):
            node.value[step] = value if len(done) == len(parts) else Node({}, place)
            node.keys[step] = place
        node = node.value[step]


def _below(parts: Path, mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Mistakes inside an override's value, their paths put below the override's."""
    head = path_text(parts)
    return [replace(m, path=head + ("." if m.path and not m.path.startswith("[") else "") + m.path) for m in mistakes]


def _item(node: Node, part: str | int, done: Path) -> int:
    """Position of the item of a list that this part of a path means. Raises ValueError."""
    where, items = path_text(done), node.value
    if isinstance(part, int):
        if part < len(items):
            return part
        right = f"[0] to [{len(items) - 1}]" if items else "the whole list"
        raise ValueError(f"{where} has no item [{part}]; {right}")
    plain = [item.plain() for item in items]
    names = item_names(plain)
    if part in names:
        return names.index(part)
    twice = [f"[{i}]" for i, item in enumerate(plain) if isinstance(item, dict) and _name(item) == part]
    if twice:
        raise ValueError(f"{where} has several items called {key_text(part)}; {' or '.join(twice)}")
    known = [name for name in names if name is not None]
    right = f"[0] to [{len(items) - 1}]" if items else "the whole list"
    help_ = did_you_mean(part, known, all_if_none="one of") or right
    raise ValueError(f"{where} has no item called {key_text(part)}; {help_}")


def _name(item: dict[str, Any]) -> Any:
    return next((item[key] for key in NAMING_KEYS if key in item), None)


def _unknown(part: str | int, node: Node, where: str) -> str:
    what = f"[{part}]" if isinstance(part, int) else key_text(part)
    help_ = did_you_mean(str(part), key_list(node), all_if_none="one of") or "no keys yet"
    return f"{where or 'the scenario'} has no key {what}; {help_}"


def _no_way(node: Node, done: Path) -> str:
    shown = "null" if node.value is None else one_line(str(node.value), 40)
    return f"{path_text(done)} is {shown}, a single value with nothing inside; a path that ends there"


def load(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Source:
    """Read a scenario file, what it extends, and the command line's ``PATH=VALUE`` settings.

    A name with no such file is that of a scenario which comes with the program; `Source.file` says what was read.
    Mistakes that leave data to check (duplicate keys, tags, unknown items) stay in `Source.mistakes`, so that
    `validate` can name everything at once; BadInput is raised where there is nothing to check.
    """
    return _chain(shipping.located(os.fspath(path)), None, overrides)


def loads(text: str, overrides: Sequence[str] = (), file: str = "text") -> Source:
    """Read a scenario from text; `file` is the name it goes by, and what `extends` is relative to."""
    return _chain(file, text, overrides)


def _chain(file: str, text: str | None, overrides: Sequence[str]) -> Source:
    mistakes: list[Mistake] = []
    roots: list[Node] = []
    files: list[str] = []
    seen: dict[str, str] = {}
    called_from: tuple[Place, str] | None = None
    try:
        while True:
            real = os.path.realpath(file) if "\0" not in file else file
            if called_from and real in seen:
                raise _wrong_extends(called_from, f"{_shown(file)} extends itself in a circle; another file")
            if called_from and len(files) >= DEEPEST_CHAIN:
                raise _wrong_extends(called_from, f"more than {DEEPEST_CHAIN} files extend one another; fewer")
            seen[real] = file
            root, found = _read(file, text, called_from)
            text = None
            mistakes += found
            roots.append(root)
            files.append(file)
            parent = root.value.pop("extends", None)
            key_place = root.keys.pop("extends", None)
            if parent is None or key_place is None or parent.broken:
                break
            if not isinstance(parent.value, str) or not parent.value.strip() or "\0" in parent.value:
                slip = "the path of another scenario file, relative to this one"
                raise _wrong_extends((parent.place, ""), f"not a path; {slip}")
            beside = os.path.normpath(os.path.join(os.path.dirname(file), parent.value))
            file = shipping.located(parent.value, beside)
            called_from = (parent.place, parent.value)
    except BadInput as error:
        raise BadInput(sorted({*mistakes, *error.mistakes})) from None
    merged = roots[-1]
    replaced: list[Replaced] = []
    for root in reversed(roots[:-1]):
        merged = _merge(merged, root, (), replaced)
    source = Source(merged, files[0], files, mistakes, replaced)
    return source.with_overrides(overrides) if overrides else source


def _merge(below: Node, above: Node, path: Path, replaced: list[Replaced]) -> Node:
    """The child's tree laid over its parent's: mappings merge, the child's values win; `replaced` hears of the rest."""
    value, keys = dict(below.value), {**below.keys, **above.keys}
    for key, node in above.value.items():
        old = value.get(key)
        both = old is not None and isinstance(old.value, dict) and isinstance(node.value, dict)
        if key in REPLACED_WHOLE and old is not None and old.value and old.plain() != node.plain():
            replaced.append(_replaced((*path, key), old, node, below.keys[key].file, above.keys[key].file))
        merges = both and old is not None and key not in REPLACED_WHOLE
        value[key] = _merge(old, node, (*path, key), replaced) if merges and old is not None else node
    return Node(value, above.place, keys)


def _replaced(path: Path, old: Node, new: Node, file: str, by: str) -> Replaced:
    names = (
        list(old.value)
        if isinstance(old.value, dict)
        else [name for name in item_names(old.plain()) if name is not None]
        if path[-1] in ("tiers", "environment")
        else []
    )
    kept = new.value if isinstance(new.value, dict) else item_names(new.plain()) if isinstance(new.value, list) else ()
    gone = tuple(name for name in names if name not in kept) if path[-1] in _NOUNS else ()
    items = len(old.value) if isinstance(old.value, (dict, list)) else 1
    return Replaced(path, file, by, items, gone)


def _wrong_extends(where: tuple[Place, str], message: str) -> BadInput:
    place = where[0]
    return BadInput(Mistake(place.file, place.line, place.column, "extends", message))


def _read(file: str, text: str | None, called_from: tuple[Place, str] | None) -> tuple[Node, list[Mistake]]:
    """The tree of one file. A file that cannot be read is the mistake of the `extends` that names it."""

    def wrong(message: str, line: int = 0, column: int = 0) -> BadInput:
        if called_from and not line:
            return _wrong_extends(called_from, f"{_shown(file)}: {message}")
        return BadInput(Mistake(_shown(file), line, column, "", message))

    if text is None:
        try:
            raw = _bytes(file, only_regular=called_from is not None)
        except _Unreadable as slip:
            raise wrong(str(slip)) from None
        if len(raw) > LARGEST_FILE:
            raise wrong(f"larger than {LARGEST_FILE // 1_000_000} MB; a scenario file")
        if b"\0" in raw or raw[:2] in (b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b"):
            kind = "UTF-16 text" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "not a text file"
            raise wrong(f"{kind}; a YAML file saved as UTF-8")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
            byte = raw[error.start]
            message = f"not UTF-8 text (byte 0x{byte:02x}); a YAML file saved as UTF-8"
            raise wrong(message, before.count("\n") + 1, len(before) - before.rfind("\n")) from None
    root, mistakes = parse(text.removeprefix("\ufeff"), file)
    if root is None or (root.value is None and not root.broken):
        raise wrong("empty; a scenario, such as name: baseline")
    if not isinstance(root.value, dict):
        if mistakes:
            raise BadInput(mistakes)
        kind = "a list" if isinstance(root.value, list) else "a single value"
        raise wrong(f"{kind} at the top; a mapping (key: value)", root.place.line, root.place.column)
    return root, mistakes


class _Unreadable(Exception):
    """Why a file cannot be read, in words for the user."""


def _bytes(file: str, *, only_regular: bool) -> bytes:
    try:
        mode = os.stat(file).st_mode
        if stat.S_ISDIR(mode):
            raise _Unreadable("a folder; a YAML file")
        if only_regular and not stat.S_ISREG(mode):  # an extends must not hang on a pipe
            raise _Unreadable("not an ordinary file; a YAML file")
        with open(file, "rb") as stream:
            return stream.read(LARGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        right = f"the path of a YAML file, or a name among {', '.join(shipping.names())}"
        raise _Unreadable(f"no such file; {_near(file) or right}") from None
    except PermissionError:
        raise _Unreadable("may not be read; a file you have permission for") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _Unreadable(f"cannot be read ({one_line(reason)}); the path of a YAML file") from None


def _near(file: str) -> str:
    """A file beside it that is called almost so, else a scenario that comes with the program."""
    try:
        known = [name for name in os.listdir(os.path.dirname(file) or ".") if name.endswith((".yaml", ".yml"))]
    except (OSError, ValueError):
        known = []
    word = os.path.basename(file)
    return did_you_mean(word, known[:1000]) or did_you_mean(word.removesuffix(".yaml"), shipping.names())


def _shown(file: str) -> str:
    return one_line(file, 300)
