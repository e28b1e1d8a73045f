"""Files come to disk whole, and failures come in plain words: atomic writing, JSON, CSV, what is foreign in a folder.

Every file is written under a temporary name and renamed. Errors: `RunFailed` when one cannot be written (disk full,
permission lost).
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import RunFailed

if TYPE_CHECKING:
    import pandas as pd


def write_atomically(file: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file under a temporary name and rename it: readers see the old file or the new one, never a half."""
    with writing(file), renamed(Path(file)) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def write_csv(file: str | os.PathLike[str], frame: pd.DataFrame) -> None:
    """Write a table as CSV (UTF-8, LF, no index, numbers in full), atomically."""
    write_atomically(file, frame.to_csv(index=False, lineterminator="\n"))


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping as JSON (UTF-8, LF), atomically."""
    text = json.dumps(plain(dict(content)), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(file, text + "\n")


def plain(value: Any) -> Any:
    """The value in JSON's own types: NumPy's become Python's, NaN and infinity (which JSON lacks) null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_yaml(text: str, *, as_written: bool = False) -> Any:
    """A text of YAML as plain data, for whoever needs no addresses; `as_written` keeps every value as its text.

    Raises `yaml.YAMLError` or ValueError.
    """
    import yaml

    kind = "BaseLoader" if as_written else "SafeLoader"
    return yaml.load(text, Loader=getattr(yaml, f"C{kind}", getattr(yaml, kind)))  # libyaml's is ten times as fast


@contextlib.contextmanager
def renamed(file: Path) -> Iterator[Path]:
    """A temporary name beside `file`, renamed to it if all went well, removed if not."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what the disk says into `RunFailed`."""
    try:
        yield
    except OSError as error:
        raise RunFailed(f"{os.fspath(path)}: cannot be written: {reason(error)}") from error


def reason(error: OSError) -> str:
    """What the disk says, in plain words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the disk; free some, then go on with --resume"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "permission denied"
    return error.strerror or str(error)


def why_unreadable(error: Exception) -> str:
    """What a failed reading says, in plain words."""
    if isinstance(error, FileNotFoundError):
        return "missing"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
        return "cannot be read: permission denied"
    if isinstance(error, IsADirectoryError):
        return "a folder; should be a file"
    if isinstance(error, UnicodeDecodeError):
        return "damaged: not UTF-8 text"
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"damaged: {first}"


def foreign_files(path: Path, own: Iterable[str]) -> list[str]:
    """Files in a folder whose relative names fit no pattern of `own`, and all links to folders; sorted."""
    found = []
    patterns = tuple(own)
    for folder, folders, files in os.walk(path):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in [*files, *links]:
            relative = Path(folder, name).relative_to(path).as_posix()
            if not any(fnmatch.fnmatchcase(relative, pattern) for pattern in patterns):
                found.append(relative)
    return sorted(found)
