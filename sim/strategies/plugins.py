"""A user's own strategies: modules outside this package, imported only because the command line names them.

``--plugin my_package.my_module`` offers each `Strategy` class of that module as ``my_package.my_module:MyStrategy``.
A scenario alone can never make the program import anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from sim.errors import BadInput, Mistake
from sim.strategies.base import Strategy
from sim.yaml_source.paths import did_you_mean, one_line

OPTION = "--plugin"
LONGEST = 200  # characters of a user's own error that are quoted


@dataclass(frozen=True)
class Plugin:
    """A module that the command line named: its strategies by the name scenarios use, and a digest of its file."""

    module: str
    strategies: Mapping[str, type[Strategy]]
    file: str  # its name, without the folder
    digest: str  # SHA-256 of the file, or "" where there is no file to read


_plugins: dict[str, Plugin] = {}


def load(modules: Sequence[str], own: Collection[str]) -> None:
    """Import these modules and offer their strategies, and only theirs; raises BadInput with every mistake.

    A module is looked for on Python's path and then in the current folder, which is on the path only meanwhile.
    `own` are the names of our own strategies, which those of plugins may lean on.
    """
    loaded, mistakes = {}, []
    for name in dict.fromkeys(modules):
        try:
            loaded[name] = _plugin(name)
        except _Refused as reason:
            mistakes.append(Mistake(OPTION, 0, 0, "", str(reason)))
    for plugin in loaded.values():
        mistakes += [Mistake(OPTION, 0, 0, "", message) for message in _unknown_others(plugin, loaded, own)]
    if mistakes:
        raise BadInput(mistakes)
    _plugins.clear()
    _plugins.update(loaded)


def _unknown_others(plugin: Plugin, loaded: Mapping[str, Plugin], own: Collection[str]) -> Iterator[str]:
    """Strategies that those of a plugin lean on and that are nowhere; a module that is not loaded may have them."""
    for use, kind in plugin.strategies.items():
        for other, _ in kind.leans_on():
            module = other.split(":", 1)[0]
            known = loaded[module].strategies if ":" in other and module in loaded else own
            if other not in known and (":" not in other or module in loaded):
                hint = did_you_mean(other, known, all_if_none="strategies are")
                yield f"{use} leans on {other}, which is no strategy; {hint}"


def offered() -> dict[str, type[Strategy]]:
    """Strategies of the modules that are loaded now, by the name scenarios use."""
    return {use: kind for plugin in _plugins.values() for use, kind in plugin.strategies.items()}


def plugins_of(uses: Sequence[str]) -> list[Plugin]:
    """The plugins that these strategies come from, each once."""
    return [plugin for plugin in _plugins.values() if not plugin.strategies.keys().isdisjoint(uses)]


def why_unknown(name: str) -> str | None:
    """What to do about a name that is no strategy, where more can be said than "did you mean"."""
    if ":" not in name:
        return None
    module = name.split(":", 1)[0]
    if module in _plugins:
        return f"that module has {', '.join(_plugins[module].strategies)}"
    return f"a plugin is imported only if the command line names it: {OPTION} {module}"


# --- one module ------------------------------------------------------------------------------------------------------


class _Refused(Exception):
    """Why a module is no plugin."""


def _plugin(name: str) -> Plugin:
    if not all(part.isidentifier() for part in name.split(".")) or name.endswith(".py"):
        meant = name.split(":", 1)[0].removesuffix(".py").replace("/", ".").replace("\\", ".").strip(".")
        valid = meant != "" and all(part.isidentifier() for part in meant.split("."))
        hint = f"; did you mean {meant}?" if valid else ""
        raise _Refused(f"{name!r} is not the name of a module; like my_module or my_package.my_module{hint}")
    module = _imported(name)
    file = getattr(module, "__file__", None)
    kinds = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Strategy)
        and kind.__module__ == module.__name__
        and not kind.__name__.startswith("_")
    ]
    if not kinds:
        where = f" ({Path(file).name})" if file else ""
        raise _Refused(f"{name}{where} has no strategy; a class derived from sim.strategies.Strategy")
    strategies = {f"{name}:{kind.__name__}": kind for kind in kinds}
    for use, kind in strategies.items():
        field = kind.model_fields["use"]
        if field.default != use:
            instead = "" if field.is_required() else f", not {field.default!r}"
            raise _Refused(
                f"{use} is what scenarios call it{instead}; leave `use` out of the class, it is set by itself"
            )
        if not (kind.__doc__ or "").strip():
            raise _Refused(f"{use} has no docstring; its first line says in lists what the strategy is")
    if file is None:
        return Plugin(name, strategies, "", "")
    return Plugin(name, strategies, Path(file).name, hashlib.sha256(Path(file).read_bytes()).hexdigest())


def _imported(name: str) -> ModuleType:
    importlib.invalidate_caches()  # the file may be younger than the folder's listing
    try:
        with _current_folder_on_path(), contextlib.redirect_stdout(sys.stderr):  # stdout holds results only
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise _Refused(
                f"there is no module {error.name}; a file or package of that name in the current folder, or an "
                "installed one"
            ) from None
        raise _Refused(f"{name} cannot be imported: {_described(error)}") from None
    except (Exception, SystemExit) as error:  # whatever a user's module does wrong is the user's to know
        raise _Refused(f"{name} cannot be imported: {_described(error)}") from None


@contextlib.contextmanager
def _current_folder_on_path() -> Iterator[None]:
    """The current folder comes last, so that no file of it stands in for an installed module."""
    here = os.getcwd()
    sys.path.append(here)
    try:
        yield
    finally:
        ours = max((at for at, folder in enumerate(sys.path) if folder == here), default=None)
        if ours is not None:
            del sys.path[ours]


def _described(error: BaseException) -> str:
    """An error of the user's module on one line, with the place."""
    if isinstance(error, SyntaxError):
        return f"{one_line(error.msg or 'no Python', LONGEST)} ({Path(error.filename or '?').name}:{error.lineno})"
    text = str(error).split("\nFor further information", 1)[0]
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _ours(f.filename)]
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{one_line(f'{type(error).__name__}: {text}', LONGEST)}{where}"


def _ours(file: str) -> bool:
    """Whether a frame of a traceback is of the machinery, not of the user's module."""
    installed = ("site-packages", "importlib", "<frozen", f"{Path(__file__).parent.parent}{os.sep}")
    return any(part in file for part in installed)
