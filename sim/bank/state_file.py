"""A bank's state in a file: NumPy arrays and JSON in one `.npz`, versioned, sealed by a SHA-256, never pickle.

The archive is not compressed. It has a member for every column (`customers.<column>`), one for every array that is
carried besides (`rest...`), and `head`, JSON text in UTF-8: format, version, digest of the column layout, the stamp
(arm, seed, scenario digest, code version), the month, and `rest`, in which arrays stand by the name of their member.
The archive's comment, the last 64 bytes of the file, is the SHA-256 of everything before it: a changed or missing byte
anywhere is noticed before anything is read. NumPy alone can open the file.

Errors: `BadInput` for a file that is missing, damaged or of something else, `RunFailed` when one cannot be written.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sim.agents.customer import COLUMNS
from sim.bank.state import State
from sim.codes import ACTIVE, CHANNELS, CLOSED, NOBODY
from sim.errors import BadInput
from sim.store.files import renamed, why_unreadable, writing

FORMAT, VERSION = "rapport-state", 1
FOLDER = "state"  # of a results folder
SEAL = 64  # bytes of the digest in hexadecimal
MADE = (1980, 1, 1, 0, 0, 0)  # the same state is the same bytes
AGAIN = "write it again with --checkpoint"


@dataclass(frozen=True)
class Stamp:
    """Whose state a file holds, and what made it."""

    arm: str
    seed: int
    scenario_digest: str
    code_version: str


def layout() -> str:
    """SHA-256 of the columns of a customer, their names and types in order."""
    text = "\n".join(f"{column.name} {np.dtype(column.dtype).str}" for column in COLUMNS)
    return hashlib.sha256(text.encode()).hexdigest()


def place(folder: Path, arm: str, seed: int, month: int) -> Path:
    """Where the state of a run stands in its results folder."""
    return folder / FOLDER / f"{arm}-{seed}-{month}.npz"


def months_kept(folder: Path) -> list[int]:
    """Months of which a results folder has a state of any arm and seed, ascending; by the names of its files."""
    endings = {file.stem.rpartition("-")[2] for file in (folder / FOLDER).glob("*-*-*.npz")}
    return sorted(int(ending) for ending in endings if ending.isascii() and ending.isdigit())


# --- writing ---------------------------------------------------------------------------------------------------------


def save(file: Path, state: State, stamp: Stamp) -> None:
    """Write a state under a temporary name, seal it, and rename it; folders are made on the way."""
    arrays: dict[str, np.ndarray] = {f"customers.{name}": column for name, column in state.columns.items()}
    head = {
        "format": FORMAT,
        "version": VERSION,
        "layout": layout(),
        **asdict(stamp),
        "month": state.month,
        "rest": flat(state.rest, "rest", arrays),
    }
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_sealed(file, head, arrays)


def write_sealed(file: Path, head: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write JSON and arrays as one sealed archive, under a temporary name first; on the disk before it has its name."""
    text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    with renamed(file) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, array in {"head": np.frombuffer(text, np.uint8), **arrays}.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy", MADE), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            archive.comment = b"0" * SEAL
        with open(temporary, "r+b") as stream:
            seal = _seal(stream)
            stream.seek(-SEAL, os.SEEK_END)
            stream.write(seal)
            stream.flush()
            os.fsync(stream.fileno())


def _seal(stream: BinaryIO) -> bytes:
    """The digest of all bytes but the last 64, as they should be."""
    left = stream.seek(0, os.SEEK_END) - SEAL
    stream.seek(0)
    digest = hashlib.sha256()
    while left > 0:
        piece = stream.read(min(left, 1 << 20))
        if not piece:
            break
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest().encode()


@dataclass(frozen=True)
class Beside:
    """An array that lies in a file of its own, beside the one that speaks of it."""

    file: str
    kind: str  # NumPy's name of its type, such as <f8
    size: int


def flat(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """The value in JSON; its arrays go to `arrays`, those of a list that fit together as one with their lengths.

    What JSON cannot say as it is becomes a mapping of one key that tells the kind, so that types come back exactly.
    """
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Beside):
        return {"beside": [value.file, value.kind, value.size]}
    if isinstance(value, Mapping):
        return {"map": [[key, flat(item, f"{name}.{key}", arrays)] for key, item in value.items()]}
    if isinstance(value, list) and _fit_together(value):
        arrays[name] = np.concatenate(value)
        arrays[f"{name}.lengths"] = np.array([len(item) for item in value], np.int64)
        return {"arrays": name}
    if isinstance(value, (list, tuple)):
        items = [flat(item, f"{name}.{place}", arrays) for place, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, np.generic):
        return {"scalar": [value.dtype.str, flat(value.item(), name, arrays)]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{name}: {type(value).__name__} cannot be part of a state; numbers, text, arrays, lists, mappings")


def _fit_together(items: list[Any]) -> bool:
    """Whether these are arrays that can stand one after the other."""
    if not items or not all(isinstance(item, np.ndarray) and item.ndim for item in items):
        return False
    return len({(item.dtype.str, item.shape[1:]) for item in items}) == 1


# --- reading ---------------------------------------------------------------------------------------------------------


def load(file: Path, month: int, stamp: Stamp) -> State:
    """The state in a file that must be of this month and stamp; `BadInput` says what is wrong with it otherwise."""
    with sealed(file, AGAIN) as (head, stored):
        refuse_other(file, head, FORMAT, VERSION, stamp, AGAIN)
        if head["month"] != month:
            raise _of_another(file, "month", head["month"], month)
        columns = {column.name: stored[f"customers.{column.name}"] for column in COLUMNS}
        state = State(head["month"], columns, full(head["rest"], stored))
        wrong = nonsense(state)
    if wrong:
        raise BadInput.at(str(file), f"damaged: {wrong}; {AGAIN}")
    return state


@contextmanager
def sealed(file: Path, again: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, np.ndarray]]]:
    """The head and the arrays of a sealed archive; `BadInput` for one that is missing, damaged or no such archive.

    `again` says what to do then. What cannot be made of its content while it is open is its fault, too.
    """
    try:
        with open(file, "rb") as stream:
            seal = _seal(stream)
            if stream.read() != seal:
                raise BadInput.at(str(file), f"damaged: not the bytes that were written (SHA-256 differs); {again}")
        with np.load(file, allow_pickle=False) as stored:
            yield json.loads(stored["head"].tobytes()), stored
    except BadInput:
        raise
    except FileNotFoundError:
        raise BadInput.at(str(file), f"missing; {again}") from None
    except OSError as error:
        raise BadInput.at(str(file), f"{why_unreadable(error)}; {again}") from None
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        EOFError,
        MemoryError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise BadInput.at(str(file), f"not a state of a bank ({type(error).__name__}); {again}") from None


def refuse_other(file: Path, head: Mapping[str, Any], kind: str, version: int, stamp: Stamp, again: str) -> None:
    """Raise for a head of another format, layout, code or run than it should be of."""
    if head.get("format") != kind:
        raise BadInput.at(str(file), f'not a state of a bank (it should say "format": "{kind}"); {again}')
    if head.get("version") != version:
        raise BadInput.at(str(file), f"format version {head.get('version')}; this program reads {version}: {again}")
    if head.get("layout") != layout():
        raise BadInput.at(str(file), f"its customers have other columns than this version's; {again}")
    if head.get("code_version") != stamp.code_version:
        made_by, now = head.get("code_version"), stamp.code_version
        raise BadInput.at(str(file), f"made by code version {made_by}, not {now}; use that version, or {again}")
    for key, name in (("scenario_digest", "scenario digest"), ("arm", "arm"), ("seed", "seed")):
        if head.get(key) != getattr(stamp, key):
            raise _of_another(file, name, head.get(key), getattr(stamp, key))


def _of_another(file: Path, name: str, found: Any, wanted: Any) -> BadInput:
    return BadInput.at(str(file), f"the state of {name} {found}, not {wanted}; the file of that {name}")


def full(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """What `flat` made flat."""
    if isinstance(value, list):
        return [full(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "map":
        return {key: full(item, arrays) for key, item in content}
    if kind == "array":
        return arrays[content]
    if kind == "arrays":
        ends = np.cumsum(arrays[f"{content}.lengths"])
        return [piece.copy() for piece in np.split(arrays[content], ends[:-1])]
    if kind == "tuple":
        return tuple(full(item, arrays) for item in content)
    if kind == "scalar":
        return np.dtype(content[0]).type(full(content[1], arrays))
    if kind == "float":
        return float(content)
    if kind == "beside":
        return Beside(*content)
    raise ValueError(f"unknown kind {kind}")


def nonsense(state: State) -> str:
    """What the kernel could not bear: columns of unequal length or type, places that do not exist."""
    rows = state.columns["uid"].size
    tiers, posts = len(state.rest["bank"]["tally"]), len(state.rest["managers"])
    for column in COLUMNS:
        values = state.columns[column.name]
        if values.shape != (rows,) or values.dtype != column.dtype:
            return f"column {column.name} is {values.dtype} {values.shape}"
    bounds = {
        "state": (ACTIVE, CLOSED),
        "tier": (0, tiers - 1),
        "manager": (NOBODY, posts - 1),
        "preferred": (0, len(CHANNELS) - 1),
    }
    for name, (low, high) in bounds.items():
        values = state.columns[name]
        if rows and not low <= int(values.min()) <= int(values.max()) <= high:
            return f"column {name} is outside {low} to {high}"
    return ""
