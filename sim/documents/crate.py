"""An RO-Crate: files with what each of them is, the run that made them, in one zip that a stranger can open.

RO-Crate 1.2 with the profile Process Run Crate 0.5, as plain JSON-LD. The library `rocrate` is not used to write it: it
stamps the time of writing and of files into metadata and zip, and the same run shall give the same bytes. The tests
read each crate back by it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sim.store.columns import Column
from sim.store.files import write_atomically

METADATA, PREVIEW = "ro-crate-metadata.json", "ro-crate-preview.html"
SPECIFICATION = "https://w3id.org/ro/crate/1.2"
PROFILE, PROFILE_VERSION = "https://w3id.org/ro/wfrun/process/0.5", "0.5"
SPDX = "https://spdx.org/licenses/"
RUN, SOFTWARE, CREATOR, LICENCE = "#run", "#rapport", "#creator", "#licence"
MEDIA = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".html": "text/html",
    ".md": "text/markdown",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".npz": "application/zip",
    ".cff": "application/yaml",
}

Entity = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """A file of a crate: its path there, its bytes or where they lie, what it is, columns, where it came from.

    `made` files are results of the run, `given` ones what it was made from; others are neither.
    """

    name: str
    content: bytes | Path
    about: str
    columns: Sequence[tuple[str, Column | None]] = ()
    role: str = "made"  # made, given, or "" for what tells of the crate itself

    def read(self) -> bytes:
        """Its bytes."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content


@dataclass(frozen=True)
class Told:
    """What a crate says of itself: name, description, when and by what it was made, who, under which licence.

    `created` is ISO 8601 in UTC. `packages` are versions by name. `licence` is an SPDX name, a URL, or words.
    """

    name: str
    description: str
    created: str
    identifier: str
    action: str
    command: str
    version: str
    packages: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    creator: str = ""
    licence: str = ""
    failed: str = ""
    money: str = ""
    inputs: Sequence[tuple[str, str, str]] = ()  # what was read and is not packed: name, words, SHA-256
    notes: Sequence[str] = ()


NO_LICENCE = "No licence is stated: ask whoever made this crate before using what is in it."


def pack(target: Path, told: Told, pieces: Iterable[Piece]) -> Path:
    """Write the zip: every piece, the metadata and a preview; the same pieces give the same bytes. Returns it."""
    files = sorted(pieces, key=lambda piece: piece.name)
    contents = {piece.name: piece.read() for piece in files}
    metadata = json.dumps(graph(told, files, contents), indent=1, ensure_ascii=False) + "\n"
    contents |= {METADATA: metadata.encode(), PREVIEW: preview(told, files, contents).encode()}
    when = datetime.fromisoformat(told.created).timetuple()[:6]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents.items(), key=lambda one: (one[0] != METADATA, one[0])):
            entry = zipfile.ZipInfo(name, when)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, content)
    write_atomically(target, buffer.getvalue())
    return target


def graph(told: Told, pieces: Sequence[Piece], contents: Mapping[str, bytes]) -> Entity:
    """ro-crate-metadata.json: the root, its files and folders, the columns of tables, run, program and licence."""
    licence = _licence(told.licence)
    people = [{"@id": CREATOR, "@type": "Person", "name": told.creator}] if told.creator else []
    files = [_file(piece, contents[piece.name]) for piece in pieces]
    folders = _folders(pieces)
    inputs = [_input(number, *one) for number, one in enumerate(told.inputs, 1)]
    top = [one["@id"] for one in [*files, *folders] if "/" not in one["@id"].rstrip("/")]
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "conformsTo": _ref(PROFILE),
        "name": told.name,
        "description": told.description,
        "datePublished": told.created,
        "identifier": told.identifier,
        "license": _ref(licence["@id"]),
        **({"creator": _ref(CREATOR)} if people else {}),
        "hasPart": [_ref(name) for name in top],
        "mentions": _ref(RUN),
    }
    about: list[Entity] = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "conformsTo": _ref(SPECIFICATION),
            "about": _ref("./"),
        },
        root,
        {"@id": PREVIEW, "@type": "CreativeWork", "about": _ref("./"), "encodingFormat": "text/html"},
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": PROFILE_VERSION},
        licence,
        *people,
    ]
    columns = _columns(pieces, told.money)
    graph = [*about, *files, *folders, *columns, *inputs, *_run(told, pieces, inputs, people), *_software(told)]
    return {"@context": f"{SPECIFICATION}/context", "@graph": graph}


def _ref(name: str) -> Entity:
    return {"@id": name}


def _id(name: str) -> str:
    return quote(name, safe="/.~")


def _file(piece: Piece, content: bytes) -> Entity:
    told: Entity = {
        "@id": _id(piece.name),
        "@type": "File",
        "name": piece.name,
        "description": piece.about,
        "encodingFormat": MEDIA.get(Path(piece.name).suffix, "application/octet-stream"),
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    if piece.columns:
        told["variableMeasured"] = [_ref(_column_id(piece, name)) for name, _ in piece.columns]
    return told


def _folders(pieces: Sequence[Piece]) -> list[Entity]:
    """A Dataset for each folder, with what stands right in it."""
    names = sorted({parent.as_posix() for piece in pieces for parent in Path(piece.name).parents} - {"."})
    inside: dict[str, list[str]] = {name: [] for name in names}
    for piece in pieces:
        if (folder := Path(piece.name).parent.as_posix()) != ".":
            inside[folder].append(_id(piece.name))
    for name in names:
        if (above := Path(name).parent.as_posix()) != ".":
            inside[above].append(f"{_id(name)}/")
    return [
        {
            "@id": f"{_id(name)}/",
            "@type": "Dataset",
            "name": name,
            "description": f"folder {name}",
            "hasPart": [_ref(one) for one in sorted(parts)],
        }
        for name, parts in inside.items()
    ]


def _column_id(piece: Piece, name: str) -> str:
    return f"#{_id(piece.name)}:{quote(name, safe='')}"


def _columns(pieces: Sequence[Piece], money: str) -> list[Entity]:
    """What each column of each table is; one that no dictionary has keeps its name alone."""
    found = []
    for piece in pieces:
        for name, column in piece.columns:
            told: Entity = {"@id": _column_id(piece, name), "@type": "PropertyValue", "name": name}
            if column is not None:
                codes = "; ".join(f"{code} = {meaning}" for code, meaning in column.codes.items())
                told["description"] = column.meaning + (f" ({codes})" if codes else "")
                if unit := column.unit_in(money) if money else column.unit:
                    told["unitText"] = unit
            found.append(told)
    return found


def _input(number: int, name: str, words: str, digest: str) -> Entity:
    return {
        "@id": f"#input-{number}",
        "@type": "CreativeWork",
        "name": name,
        "description": words,
        **({"sha256": digest} if digest else {}),
    }


def _run(told: Told, pieces: Sequence[Piece], inputs: Sequence[Entity], people: Sequence[Entity]) -> list[Entity]:
    status = "FailedActionStatus" if told.failed else "CompletedActionStatus"
    return [
        {
            "@id": RUN,
            "@type": "CreateAction",
            "name": told.action,
            "description": told.command,
            "startTime": told.created,
            "actionStatus": f"http://schema.org/{status}",
            **({"error": told.failed} if told.failed else {}),
            "instrument": _ref(SOFTWARE),
            **({"agent": _ref(CREATOR)} if people else {}),
            "object": [
                *(_ref(_id(piece.name)) for piece in pieces if piece.role == "given"),
                *(_ref(one["@id"]) for one in inputs),
            ],
            "result": [_ref(_id(piece.name)) for piece in pieces if piece.role == "made"],
        }
    ]


def _software(told: Told) -> list[Entity]:
    needs = [
        {"@id": f"#package-{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}
        for name, version in sorted(told.packages.items())
    ]
    program: Entity = {
        "@id": SOFTWARE,
        "@type": "SoftwareApplication",
        "name": "Rapport",
        "description": "An agent-based simulator of customer relationship strategies in retail banking. The version "
        "ends with a digest of the program's sources.",
        "softwareVersion": told.version,
        "license": _ref(f"{SPDX}MIT"),
        **({"operatingSystem": told.platform} if told.platform else {}),
        "softwareRequirements": [_ref(one["@id"]) for one in needs],
    }
    mit = {"@id": f"{SPDX}MIT", "@type": "CreativeWork", "name": "MIT License", "description": "of the program"}
    return [program, *needs, *([] if _licence(told.licence)["@id"] == mit["@id"] else [mit])]


def _licence(text: str) -> Entity:
    """A licence by its address, by its SPDX name, or in words."""
    if not text:
        return {"@id": LICENCE, "@type": "CreativeWork", "name": "no licence stated", "description": NO_LICENCE}
    if text.startswith(("http://", "https://")):
        return {"@id": text, "@type": "CreativeWork", "name": text, "description": "licence of what is in this crate"}
    if all(letter.isalnum() or letter in ".-+" for letter in text):
        named = {"@id": f"{SPDX}{text}", "@type": "CreativeWork", "name": text}
        return named | {"description": "licence of what is in this crate"}
    return {"@id": LICENCE, "@type": "CreativeWork", "name": text, "description": text}


def preview(told: Told, pieces: Sequence[Piece], contents: Mapping[str, bytes]) -> str:
    """ro-crate-preview.html: the same for people."""
    from sim.reporting.page import page_of

    rows = [
        {
            "name": piece.name,
            "address": _id(piece.name),
            "about": piece.about,
            "size": f"{len(contents[piece.name]):,}",
            "digest": hashlib.sha256(contents[piece.name]).hexdigest(),
            "columns": [
                (name, column.unit_in(told.money or "money") if column else "", column.meaning if column else "")
                for name, column in piece.columns
            ],
        }
        for piece in pieces
    ]
    return page_of("crate.html.j2", {"name": told.name, "told": told, "files": rows, "licence": _licence(told.licence)})
