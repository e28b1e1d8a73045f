"""A stored run or sweep as an RO-Crate: all that `verify` asks for, what each file is, and how a stranger checks it."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sim.documents.crate import Piece, Told, pack
from sim.errors import BadInput
from sim.phrases import counted, listed
from sim.store import dictionary, run_reading, sweep_reading
from sim.store.columns import FILES, File
from sim.store.diagnosis_columns import DIAGNOSED
from sim.store.seals import MANIFEST, changed, files_of, words
from sim.store.survey_columns import SURVEY

ENDING = ".crate.zip"
ABOUT = {  # of what is no table
    "scenario.yaml": "the scenario with every default filled in: what was asked, and all that decides the results",
    MANIFEST: "what the run says of itself: scenario, seeds, code, packages, platform, every number's unit and source, "
    "the digest of every file, and a seal",
    "report.html": "the report, one page that opens without a network",
    "figures/*.png": "a figure of the report",
    "figures/*.svg": "the same figure as a vector drawing",
    "state/*.npz": "the bank of one arm and seed at the end of a month, to be lived on with fork",
    "answers.yaml": "the instrument that customers were asked by",
    "staff_answers.yaml": "the instrument that managers were asked by",
    "surveys/*": "of a questionnaire that was held on the run later",
    "likeness/*": "of a comparison with real answers that was made of the run later",
    "diagnosis/*": "of a diagnosis that was made of the run later",
    "posterior*.yaml": "the posterior that numbers of the scenario were taken from",
    "plan.json": "what the sweep was planned to live",
    "analysis/*": "a table of what the sweep teaches",
    "optimise/*": "of the search: what was asked, tried and confirmed",
}
GIVEN = ("scenario.yaml", "answers.yaml", "staff_answers.yaml", "posterior*.yaml")
LATER = ("surveys/*", "likeness/*", "diagnosis/*")  # of a run, under no seal
OF_PEOPLE = ("panel.parquet", "state/*", "*answers*.parquet", "surveys/*")  # rows that begin as the book's customers
CHECK = (  # on one line, in single quotes alone
    "import hashlib, json, pathlib, urllib.parse; "
    "told = json.load(open('ro-crate-metadata.json', encoding='utf-8'))['@graph']; "
    "files = {urllib.parse.unquote(one['@id']): one['sha256'] for one in told if one['@type'] == 'File'}; "
    "known = {name: pathlib.Path(name) for name in files}; "
    "wrong = [name for name, file in known.items() "
    "if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != files[name]]; "
    "print(len(files), 'files,', len(wrong), 'differ:', wrong)"
)
TABLES: tuple[File, ...] = tuple(file for files in (FILES, SURVEY, DIAGNOSED) for file in files.values())


@dataclass(frozen=True)
class Stored:
    """A finished folder of a run, sweep or optimisation: where, its manifest, its files, what of it was changed."""

    path: Path
    manifest: Mapping[str, Any]
    files: Sequence[str]
    changed: Mapping[str, str]
    noun: str

    @property
    def name(self) -> str:
        """What its crate is called, without an ending."""
        return str(self.manifest.get("run_id") or self.manifest["name"])

    @property
    def rows_of_people(self) -> list[str]:
        """Files with rows that were customers of a book; none without one."""
        if "book" not in self.manifest:
            return []
        return [name for name in self.files if any(fnmatchcase(name, form) for form in OF_PEOPLE)]


def stored(folder: Path) -> Stored:
    """A finished folder; `BadInput` for one that is absent, damaged or not finished."""
    kind = run_reading.RUN if sweep_reading.kind_of(folder) is None else sweep_reading.SWEEP
    manifest = kind.read_manifest(folder)
    if manifest["status"] not in ("done", "failed"):
        raise BadInput.at(str(folder), f"unfinished (status {manifest['status']}); go on with --resume first")
    files = files_of(folder, (*kind.sealed, *(LATER if kind is run_reading.RUN else ()), MANIFEST))
    return Stored(folder, manifest, files, changed(folder, manifest, kind.sealed), kind.noun)


def crate(folder: str | Path, target: str | Path | None = None, *, creator: str = "", licence: str = "") -> Path:
    """Pack a finished folder; `target` is the zip (default: <run id>.crate.zip in the folder). Returns it.

    `BadInput` for a folder that is no longer what was written, and for one with rows of a book's customers.
    """
    one = stored(Path(folder))
    if one.changed:
        raise BadInput.at(
            str(folder),
            f"no longer what was written: {words(one.changed)}; a crate would vouch for what the run did not write",
        )
    if one.rows_of_people:
        raise BadInput.at(str(folder), refusal(one.rows_of_people))
    readme = Piece(
        "README.md", readme_of(one).encode(), "how to check this crate, and to make its numbers anew", (), ""
    )
    zip_file = Path(target) if target is not None else one.path / f"{one.name}{ENDING}"
    return pack(zip_file, told_of(one, creator, licence), [*pieces_of(one), *_beside(one, creator), readme])


def refusal(files: Sequence[str]) -> str:
    """Why a run of a book's customers is not packed."""
    some = listed([*files[:2], *([f"{len(files) - 2} more"] if len(files) > 2 else [])])
    return (
        f"{some}: rows that began as customers of the book, and a crate is for handing on; "
        "run it without --checkpoint, record.panel and survey"
    )


def told_of(one: Stored, creator: str = "", licence: str = "", notes: Sequence[str] = ()) -> Told:
    """What the crate says of itself."""
    m = one.manifest
    failed = m.get("failed") or []
    broken = [f"arm {b['arm']}, seed {b['seed']}: {b['error']}" for b in failed] if isinstance(failed, list) else []
    question = f" {m['about']}" if m.get("about") else ""
    counts = {"arm": len(m["arms"]), "seed": len(m["seeds"]), "month": m.get("months", 1)}
    size = " x ".join(counted(many, what) for what, many in counts.items())
    book = m.get("book")
    words_of_book = "a customer book, read at month 0; the bank's own data, so it is not packed"
    return Told(
        name=f"Rapport: {m['name']}",
        description=f"A {one.noun} of the scenario {m['name']}, {size}.{question}",
        created=str(m.get("created") or "1980-01-01T00:00:00Z"),
        identifier=one.name,
        action=f"{one.noun} of {m['name']}",
        command=command_of(one),
        version=str(m.get("code_version", "")),
        packages={**dict(m.get("packages", {})), **({"Python": m["python"]} if m.get("python") else {})},
        platform=str(m.get("platform", "")),
        creator=creator,
        licence=licence,
        failed="; ".join(broken),
        money=str(m.get("currency", "")),
        notes=notes,
        inputs=[("customer book", words_of_book, str(book["sha256"]))] if book else [],
    )


def command_of(one: Stored) -> str:
    """What makes the run anew; the scenario that is packed holds whatever the command line replaced."""
    verb = "optimise" if one.manifest.get("kind") == "optimise" else "run"
    plugins = [word for plugin in one.manifest.get("plugins", []) for word in ("--plugin", str(plugin["module"]))]
    months = {name.rsplit("-", 1)[-1].removesuffix(".npz") for name in one.files if name.startswith("state/")}
    point = ["--checkpoint", months.pop()] if len(months) == 1 else []
    return shlex.join(["run.py", verb, "scenario.yaml", *point, *plugins, "--out", "again"])


def pieces_of(one: Stored, within: str = "") -> Iterator[Piece]:
    """Every file of the folder, with what it is; `within` is its folder in the crate."""
    for name in one.files:
        table = _table(name)
        columns = [(column, table.column(column)) for column in _columns(one.path / name)] if table else []
        role = "given" if any(fnmatchcase(name, form) for form in GIVEN) else "made"
        yield Piece(f"{within}{name}", one.path / name, _about(name, table), columns, role)


def _table(name: str) -> File | None:
    if not name.endswith((".csv", ".parquet")):
        return None
    return next((file for file in TABLES if fnmatchcase(name, file.path)), None)


def _about(name: str, table: File | None) -> str:
    if table is not None:
        return f"a table; a row is {table.row}".replace("`", "")
    return next((about for form, about in ABOUT.items() if fnmatchcase(name, form)), "a file of the run")


def _columns(file: Path) -> list[str]:
    """Names of a table's columns, as they stand in the file; none of one that cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if file.suffix == ".csv":
            with open(file, encoding="utf-8", newline="") as lines:
                return next(csv.reader(lines), [])
        return list(pq.read_schema(file).names)
    except (csv.Error, ValueError, pa.ArrowException):
        return []


def _beside(one: Stored, creator: str) -> list[Piece]:
    """What a crate has besides: the data dictionary and how to cite."""
    return [
        Piece("data-dictionary.md", dictionary.page().encode(), "every file, column, unit and code, as a page", (), ""),
        Piece("CITATION.cff", citation(one, creator).encode(), "how to cite this run and the program", (), ""),
    ]


def citation(one: Stored, creator: str) -> str:
    """CITATION.cff of a run, with the program as its reference."""
    from sim.yaml_source import dump

    m = one.manifest
    program = {
        "type": "software",
        "title": "Rapport: an agent-based simulator of customer relationship strategies in retail banking",
        "authors": [{"name": "The Rapport developers"}],
        "version": str(m.get("code_version", "")),
        "license": "MIT",
    }
    told = {
        "cff-version": "1.2.0",
        "message": "Cite this run with its digest, and the program with its version.",
        "type": "dataset",
        "title": f"Rapport: {one.noun} {one.name} of {m['name']}",
        "authors": [{"name": creator or "not stated"}],
        "version": digest_of(one),
        "date-released": str(m.get("created", ""))[:10],
        "references": [program],
    }
    return dump(told)


def digest_of(one: Stored) -> str:
    """The digest of the results."""
    return str(one.manifest.get("result_digest") or one.manifest.get("tasks_digest") or "")


def readme_of(one: Stored, within: str = "") -> str:
    """README.md of a crate; `within` is the folder that the run has in it."""
    m = one.manifest
    folder = f"FOLDER/{within}" if within else "FOLDER"
    book = (
        "\nThe run began with a customer book, which is the bank's own and not in here. `verify` needs it where "
        f"scenario.yaml names it; it is the right one if its SHA-256 is `{m['book']['sha256']}`.\n"
        if "book" in m
        else ""
    )
    plugins = "".join(f"\n- `{one['module']}`, SHA-256 `{one['file_digest']}`" for one in m.get("plugins", []))
    own = (
        f"\nStrategies of its own, whose files are not in here and must be importable:\n{plugins}\n" if plugins else ""
    )
    broken = (
        "\nSome of its runs failed (manifest.json says which); `verify` takes whole runs only.\n"
        if m["status"] == "failed"
        else ""
    )
    return f"""# {m["name"]}

{m.get("about") or "A stored " + one.noun + "."}

This is an RO-Crate: a folder of files with what each of them is. `ro-crate-preview.html` shows it,
`ro-crate-metadata.json` says it for machines, and `report.html` is the report itself. Nothing in it needs a network.

## Is it as it was written, and do the numbers come out again?

Install Rapport in the version that made it, `{m.get("code_version", "")}` (the part behind the plus sign is a digest of
its sources), unpack this file into a folder and say

```sh
rapport verify {folder}
```

(`python run.py verify {folder}` in a checkout). It holds every file against its SHA-256 in manifest.json, lives the
{one.noun} again, and compares the digest of the results, which is

    {digest_of(one)}

Another version of the program may give other numbers; files are held against their digests by any. Without Rapport,
say this in the folder: it holds every file that came with a digest against ro-crate-metadata.json, and names those that
differ (the metadata and the preview have none; the digest of the whole zip vouches for them).

```sh
python3 -c "{CHECK}"
```

To make it anew: `{command_of(one)}`.
{book}{own}{broken}
## What is in it

`data-dictionary.md` says what every column is, with units and codes. Arms share their luck seed by seed, so differences
between arms are paired; numbers of one arm alone hang on assumptions, which manifest.json lists with unit, range and
source.
"""
