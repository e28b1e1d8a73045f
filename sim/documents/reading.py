"""What the sources say of themselves: docstrings, the order of calls in a function, remarks beside a value.

Read as text, never imported: the order of the month is that of the lines of `BankModel.step`, and a rule's words are
those under its `def`.
"""

from __future__ import annotations

import ast
import io
import tokenize
from functools import cache
from typing import NamedTuple

from sim.house import FOLDER

Function = ast.FunctionDef | ast.ClassDef


class Said(NamedTuple):
    """A function or class: the file it stands in (from `sim/`), its line, and the first sentences under it."""

    file: str
    line: int
    words: str


def text_of(file: str) -> str:
    """A source file by its name below `sim/`."""
    return (FOLDER / file).read_text("utf-8")


def first_paragraph(text: str | None) -> str:
    """The first paragraph of a docstring on one line; "" for none."""
    return " ".join((text or "").strip().split("\n\n")[0].split())


@cache
def definitions(folder: str = "") -> dict[str, Said]:
    """Every function, class and method below `sim/<folder>`, as "name" or "Class.name", that has words under it."""
    found: dict[str, Said] = {}
    for path in sorted((FOLDER / folder).rglob("*.py")):
        for name, node in _named(ast.parse(path.read_text("utf-8"))):
            if words := first_paragraph(ast.get_docstring(node)):
                found.setdefault(name, Said(path.relative_to(FOLDER).as_posix(), node.lineno, words))
    return found


def module_words(file: str) -> list[str]:
    """Paragraphs of the docstring at the top of a file, each on one line."""
    text = ast.get_docstring(ast.parse(text_of(file))) or ""
    return [" ".join(part.split()) for part in text.split("\n\n")]


def module_text(file: str) -> str:
    """The docstring at the top of a file as it stands."""
    return ast.get_docstring(ast.parse(text_of(file))) or ""


def calls(file: str, function: str) -> list[str]:
    """What a function calls statement by statement, in its order: "name", "self.name" or "self.part.name"."""
    tree = ast.parse(text_of(file))
    node = next(node for name, node in _named(tree) if name == function)
    return [
        ast.unparse(one.value.func)
        for one in node.body
        if isinstance(one, ast.Expr | ast.Assign) and isinstance(one.value, ast.Call)
    ]


def parts_of(file: str, kind: str) -> dict[str, str]:
    """Which class each part of an object is of, as its `__init__` makes it: attribute to class."""
    tree = ast.parse(text_of(file))
    begin = next(node for name, node in _named(tree) if name == f"{kind}.__init__")
    return {
        one.targets[0].attr: one.value.func.id
        for one in ast.walk(begin)
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Attribute)
        and isinstance(one.value, ast.Call)
        and isinstance(one.value.func, ast.Name)
    }


def rooms(folder: str) -> dict[str, str]:
    """Files of a folder below `sim/` and the first paragraph at the top of each; those without words are none."""
    files = sorted(path.name for path in (FOLDER / folder).glob("*.py"))
    return {name: words for name in files if (words := (module_words(f"{folder}/{name}") or [""])[0])}


def remarks(file: str) -> dict[str, str]:
    """The remark behind each line that gives something a value: name to remark."""
    text = text_of(file)
    found = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    named: dict[str, str] = {}
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.lineno not in found:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name | ast.Attribute):
            name = target.id if isinstance(target, ast.Name) else target.attr
            named.setdefault(name, found[node.lineno])
    return named


def _named(tree: ast.AST, within: str = "") -> list[tuple[str, Function]]:
    found: list[tuple[str, Function]] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append((within + node.name, node))
            found += _named(node, f"{within}{node.name}.") if isinstance(node, ast.ClassDef) else []
    return found
