"""`sign_off`: a stored run and what belongs to it, as one page and one crate for those who answer for model risk."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from sim.calibration.stored import RECORD, SEALED
from sim.documents.crate import Piece, pack
from sim.documents.evidence import calibration, facts, integrity, read_anew
from sim.documents.register import register
from sim.documents.run_crate import pieces_of, readme_of, stored, told_of
from sim.errors import BadInput
from sim.reporting.sign_off import Handed, Swept, render
from sim.store.files import write_atomically, write_csv
from sim.store.run_reading import read
from sim.store.seals import files_of, words
from sim.store.sign_off_columns import SIGNED_OFF
from sim.store.sweep_reading import kind_of

PAGE, REGISTER, CRATE = "sign_off.html", "register.csv", "sign_off.crate.zip"
FILES = (PAGE, REGISTER, CRATE)
OF_VALIDATION = ("facts.csv", "seeds.csv", "validation.json", "validation.html")
OF_CALIBRATION = (RECORD, *SEALED, "report.html")
OF_SWEEP = ("manifest.json", "scenario.yaml", "design.csv", "tasks.parquet", "report.html", "analysis/*.csv")


def gather(
    folder: Path,
    *,
    validation: Path | None = None,
    calibrations: Sequence[Path] = (),
    sweep: Path | None = None,
    program: str = "rapport",
) -> Handed:
    """Everything that the page tells; `BadInput` for what cannot be read of a run, facts, a calibration or a sweep."""
    run = read(folder)
    table, notes = register(run)
    wrong, unknown = integrity(run)
    wrong += read_anew(run)
    people = stored(folder).rows_of_people
    packed = (
        "The crate beside this page has this page, the register and what was handed in, but not the run: it has rows "
        "that began as the bank's own customers."
        if people
        else "The crate beside this page has the run (in its folder run), this page, the register, what was handed in."
    )
    return Handed(
        run=run,
        register=table,
        wrong=wrong,
        unknown=unknown,
        facts=facts(validation),
        calibrations=[calibration(one) for one in calibrations],
        sweep=_swept(sweep) if sweep is not None else None,
        notes=notes,
        command=f"{program} verify {shlex.quote(str(folder))}",
        packed=packed,
    )


def _swept(folder: Path) -> Swept:
    from sim.reporting.sweep import findings_of
    from sim.store.sweep_reading import changed_files, read_sweep

    if kind_of(folder) is None:
        raise BadInput.at(str(folder), "holds no sweep; the folder of one")
    found = read_sweep(folder)
    return Swept(findings_of(found), words(changed_files(folder, found.manifest)))


def write(
    handed: Handed,
    folder: Path,
    *,
    validation: Path | None = None,
    calibrations: Sequence[Path] = (),
    sweep: Path | None = None,
) -> Path:
    """Write the page, the register and the crate into a folder that is there; returns the page."""
    write_atomically(folder / PAGE, render(handed))
    write_csv(folder / REGISTER, handed.register)
    one = stored(handed.run.path)
    columns = [(column.name, column) for column in SIGNED_OFF["register"].columns]
    pieces = [
        Piece(PAGE, folder / PAGE, "the sign-off page: begin here"),
        Piece(REGISTER, folder / REGISTER, "every assumption of the run with value, range and source", columns),
    ]
    if not one.rows_of_people:
        pieces += list(pieces_of(one, "run/"))
    for name, place, forms in (
        ("validation", validation, OF_VALIDATION),
        *((f"calibration/{path.name}", path, OF_CALIBRATION) for path in calibrations),
        ("sensitivity", sweep, OF_SWEEP),
    ):
        if place is not None:
            about = f"of what was handed in as {name.split('/')[0]}"
            pieces += [Piece(f"{name}/{file}", place / file, about, (), "given") for file in files_of(place, forms)]
    readme = f"{_README}\n{readme_of(one, 'run')}" if not one.rows_of_people else _README
    pieces.append(Piece("README.md", readme.encode(), "what this is, and how to check it", (), ""))
    told = told_of(
        one, notes=[f"This folder is not what the run wrote: {'; '.join(handed.wrong)}"] if handed.wrong else ()
    )
    pack(folder / CRATE, told, pieces)
    return folder / PAGE


_README = """# A model risk sign-off file

`sign_off.html` is the page, `register.csv` its register of assumptions. The run that it is about stands in `run/`,
where that may be handed on; what was handed in beside it in `validation/`, `calibration/` and `sensitivity/`.
"""
