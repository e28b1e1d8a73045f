"""`survey --import FILE` and `survey --export INSTRUMENT`: instruments as files of other tools."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, one_line
from sim.phrases import counted
from sim.store.files import write_atomically, write_csv

if TYPE_CHECKING:
    from sim.survey.instrument import Instrument


def main(arguments: argparse.Namespace) -> int:
    """Write the instrument as YAML, with the answers that the file carries, or as XLSForm; say what was mapped."""
    return export(arguments) if arguments.imports is None else import_file(arguments)


def import_file(arguments: argparse.Namespace) -> int:
    """A file of a survey tool as instrument.yaml (and answers.csv): what could not be mapped is listed."""
    from sim.survey import tables
    from sim.survey.instrument.importing import import_instrument
    from sim.survey.instrument.writing import to_yaml

    source = Path(arguments.imports)
    imported = import_instrument(source)
    instrument = imported.instrument
    kind = tables.kind_of(source, (*tables.CSV, ".parquet"))
    target, beside = _targets(source, arguments.out)
    # answers that stand in a table already stay where they are, unless a folder of instrument and answers is wanted
    answers = imported.answers if kind is None or beside.parent == arguments.out else None
    _free([target, *([beside] if answers is not None else [])], source, arguments.overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    comment = f"Out of {source.name}. Not mapped, or for you to say:\n" + "\n".join(map(one_line, imported.listed))
    write_atomically(target, to_yaml(instrument, comment if imported.listed else f"Out of {source.name}."))
    if answers is not None:
        write_csv(beside, answers.cells)
    told = {
        "instrument": str(target),
        "answers": str(beside) if answers is not None else None,
        "sheets": len(imported.answers.cells) if imported.answers is not None else None,
        **described(instrument),
        "listed": list(imported.listed),
        "notes": list(instrument.notes),
    }
    if arguments.json:
        print(json.dumps(told, ensure_ascii=False))
        return 0
    print(f"{one_line(str(source))}: {_summary(instrument)}")
    for name in instrument.constructs:
        print(f"  {name}: {' '.join(item.code for item in instrument.items_of(name))}")
    if alone := [item.code for item in instrument.items if item.measures is None]:
        print(f"  on their own: {' '.join(alone)}")
    if instrument.demographics:
        print(f"  demographics: {' '.join(one.code for one in instrument.demographics)}")
    _tell("not mapped, or for you to say", imported.listed)
    _tell("to know", instrument.notes)
    print(target)
    if answers is not None:
        print(beside)
    return 0


def export(arguments: argparse.Namespace) -> int:
    """An instrument as XLSForm."""
    from sim.survey.instrument.reading import read_instrument
    from sim.survey.instrument.writing import to_xlsform

    instrument = read_instrument(arguments.export)
    target = arguments.out or Path(f"{instrument.name}.xlsx")
    if target.is_dir():
        target = target / f"{instrument.name}.xlsx"
    if target.suffix.lower() != ".xlsx":
        raise BadInput.at(str(target), "is no name for an XLSForm; it ends in .xlsx")
    _free([target], Path(arguments.export), arguments.overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    to_xlsform(instrument, target)
    if arguments.json:
        print(json.dumps({"xlsform": str(target), **described(instrument)}, ensure_ascii=False))
        return 0
    print(f"{instrument.name}: {_summary(instrument)}")
    print(target)
    return 0


def described(instrument: Instrument) -> dict[str, Any]:
    """What an instrument has, for JSON."""
    return {
        "name": instrument.name,
        "languages": instrument.languages,
        "items": instrument.codes,
        "constructs": {name: [item.code for item in instrument.items_of(name)] for name in instrument.constructs},
        "demographics": [one.code for one in instrument.demographics],
    }


def _summary(instrument: Instrument) -> str:
    scales = ", ".join(dict.fromkeys(f"{scale.first} to {scale.last}" for scale in instrument.scales.values()))
    return (
        f"{counted(len(instrument.items), 'item')} on {scales}, {counted(len(instrument.constructs), 'construct')}, "
        f"{counted(len(instrument.demographics), 'demographic')}, in {', '.join(instrument.languages)}"
    )


def _tell(what: str, lines: tuple[str, ...]) -> None:
    if lines:
        print(f"{what}:", *(f"  {one_line(line)}" for line in lines), sep="\n")


def _targets(source: Path, out: Path | None) -> tuple[Path, Path]:
    """Where instrument and answers go: a folder holds instrument.yaml and answers.csv, so that each finds the other."""
    stem = source.name.split(".")[0] or "instrument"
    if out is None:
        return Path(f"{stem}.yaml"), Path(f"{stem}.csv")
    if out.suffix.lower() in (".yaml", ".yml"):
        return out, out.with_suffix(".csv")
    if out.exists() and not out.is_dir():
        raise BadInput.at(str(out), "is a file; a folder, or a name that ends in .yaml")
    return out / "instrument.yaml", out / "answers.csv"


def _free(targets: list[Path], source: Path, overwrite: bool) -> None:
    """Refuse what would be written over."""
    for target in targets:
        if target.exists() and source.exists() and target.samefile(source):
            raise BadInput.at(str(target), "is the file that is read; another --out")
        if target.is_dir():
            raise BadInput.at(str(target), "is a folder; another --out")
        if target.exists() and not overwrite:
            raise BadInput.at(str(target), "is there already; another --out, or --overwrite")
