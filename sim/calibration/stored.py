"""A calibration's folder: its tables, posterior.yaml, and calibration.json, which vouches for them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.calibration.posterior import Made, Marginal, Posterior, write_posterior
from sim.calibration.terms import Fit
from sim.errors import BadInput
from sim.store.files import plain, renamed, why_unreadable, write_csv, write_json, writing
from sim.store.folder import make_folder, refuse_occupied
from sim.store.seals import changed, sealed

if TYPE_CHECKING:
    import pandas as pd

RECORD: Final = "calibration.json"
FORMAT, VERSION = "rapport-calibration", 1
TABLES: Final = ("fit", "identifiability", "sbc", "checks")
SEALED: Final = ("posterior.yaml", "draws.parquet", *(f"{name}.csv" for name in TABLES))
PARTS, LIVES = "parts", "lives"  # of fits of known answers under way; of banks that were lived
OURS: Final = (RECORD, *SEALED, "report.html", "figures/*.png", "figures/*.svg", f"{PARTS}/*", f"{LIVES}/*")
DIGITS = 10  # of a posterior's numbers, so that a file is readable and every machine writes the same
TEXTS: Final = ("target", "parameter", "unit", "with", "scale", "verdict", "check", "of", "about")


@dataclass(frozen=True)
class Calibrated:
    """A stored calibration: its folder, what calibration.json says, and its tables."""

    path: Path
    record: Mapping[str, Any]
    draws: pd.DataFrame
    fit: pd.DataFrame
    identifiability: pd.DataFrame
    sbc: pd.DataFrame
    checks: pd.DataFrame


def open_folder(folder: Path, record: Mapping[str, Any], *, overwrite: bool, resume: bool) -> None:
    """Make a folder ready for a calibration; `BadInput` if it may not be used for this one.

    One that is `resume`d holds the same question; of any other, --overwrite makes an empty one.
    """
    if overwrite and resume:
        raise BadInput.at(str(folder), "--overwrite and --resume exclude each other; give one of them")
    held = read_record(folder) if (folder / RECORD).is_file() else None
    if resume and held is not None:
        if held.get("digest") != record["digest"] or held.get("code_version") != record["code_version"]:
            what = f"holds another calibration ({held.get('name')}): the file, its data or the code differ"
            raise BadInput.at(str(folder), f"{what}; --overwrite to replace it, or another --out")
    else:
        refuse_occupied(folder, "a calibration", OURS, overwrite=overwrite)
    make_folder(folder)
    if not resume:
        clear(folder)
    with writing(folder):
        write_json(folder / RECORD, {"format": FORMAT, "format_version": VERSION, **record, "status": "running"})


def clear(folder: Path, inside: str = "") -> None:
    """Delete a folder's files, or those in a folder of it."""
    for path, _, files in os.walk(folder / inside, topdown=False):
        for name in files:
            os.unlink(os.path.join(path, name))
        if Path(path) != folder:
            os.rmdir(path)


def store(folder: Path, record: Mapping[str, Any], found: Fit, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write what was found and seal it; `tables` by the names of `TABLES`."""
    import pandas as pd

    draws = pd.DataFrame(_rounded(found.draws), columns=found.paths)
    with writing(folder):
        with renamed(folder / "draws.parquet") as temporary:
            draws.to_parquet(temporary, index=False)
        for name in TABLES:
            write_csv(folder / f"{name}.csv", tables[name])
        write_posterior(folder / "posterior.yaml", posterior_of(record, found, tables))
        result = hashlib.sha256(np.ascontiguousarray(draws.to_numpy(float)).tobytes())
        result.update(tables["sbc"].to_csv(index=False).encode())
        told = {
            **record,
            "status": "done",
            "result_digest": result.hexdigest(),
            "point": dict(zip(found.paths, found.point.tolist(), strict=True)),
            "simulations": found.simulations,
            "ess": found.ess,
            "waves": list(found.waves),
            "facts": dict(found.facts),
            "passed": int(tables["checks"]["passed"].sum()),
            "of": len(tables["checks"]),
        }
        whole = sealed(folder, {"format": FORMAT, "format_version": VERSION, **told}, SEALED)
        write_json(folder / RECORD, whole)


def posterior_of(record: Mapping[str, Any], found: Fit, tables: Mapping[str, pd.DataFrame]) -> Posterior:
    """The posterior that other verbs draw from: numbers of the model, without those of the data alone."""
    free = found.problem.free
    told = tables["identifiability"]
    single = told[told["with"] == ""]
    informed = dict(zip(single["parameter"], single["informed"].to_numpy(float).tolist(), strict=True))
    kept = [i for i, one in enumerate(free) if not one.nuisance] or list(range(len(free)))
    draws = _rounded(found.draws)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    marginals = {
        free[i].path: Marginal(
            unit=free[i].unit,
            prior=(float(free[i].low), float(free[i].high)),
            mean=float(draws[:, i].mean()),
            sd=float(draws[:, i].std(ddof=1)),
            interval=(float(low[i]), float(high[i])),
            informed=informed[free[i].path],
        )
        for i in kept
    }
    checks = tables["checks"]
    by_kind: dict[str, float | str | bool] = {
        str(kind): bool(rows["passed"].all()) for kind, rows in checks.groupby("check", sort=False)
    }
    point = _rounded(found.point[None])[0]
    return Posterior(
        posterior=1,
        name=str(record["name"]),
        parameters=marginals,
        point={free[i].path: float(point[i]) for i in kept},
        draws=[[float(row[i]) for i in kept] for row in draws],
        made=Made(
            calibration=str(record["name"]),
            digest=str(record["digest"]),
            method=found.method,
            seed=int(record["seed"]),
            version=str(record["code_version"]),
            data={str(name): str(digest) for name, digest in record["data"].items()},
            checks=by_kind,
        ),
    )


def _rounded(values: Any) -> Any:
    return np.array([[float(f"{value:.{DIGITS}g}") for value in row] for row in np.asarray(values).tolist()])


def read_record(folder: Path) -> dict[str, Any]:
    """What calibration.json says, of one that has ended or not; `BadInput` where it is none or damaged."""
    file = folder / RECORD
    try:
        told = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    if not isinstance(told, dict) or told.get("format") != FORMAT or told.get("format_version") != VERSION:
        raise BadInput.at(str(file), f'not the record of a calibration (it should say "format": "{FORMAT}")')
    return told


def read_calibrated(folder: str | os.PathLike[str]) -> Calibrated:
    """A stored calibration that has come to its end; `BadInput` names what is missing or damaged."""
    import pandas as pd

    path = Path(folder)
    if not (path / RECORD).is_file():
        raise BadInput.at(str(path), f"not a folder of calibrate: it has no {RECORD}")
    record = read_record(path)
    if record.get("status") != "done":
        raise BadInput.at(str(path), f"the calibration has not ended (status {record.get('status')}); --resume goes on")
    tables: dict[str, Any] = {}
    for name in ("draws", *TABLES):
        file = path / f"{name}.{'parquet' if name == 'draws' else 'csv'}"
        try:
            tables[name] = pd.read_parquet(file) if name == "draws" else _csv(file)
        except (OSError, ValueError) as error:
            raise BadInput.at(str(file), why_unreadable(error)) from None
    return Calibrated(path, record, **tables)


def _csv(file: Path) -> pd.DataFrame:
    import pandas as pd

    table = pd.read_csv(file, dtype=dict.fromkeys(TEXTS, str))
    texts = [name for name in TEXTS if name in table]
    return table.fillna(dict.fromkeys(texts, ""))


def changed_files(folder: Path) -> dict[str, str]:
    """Files of a folder that are not as they were sealed."""
    return changed(folder, read_record(folder), SEALED)


def parameters_told(found: Fit) -> list[dict[str, Any]]:
    """What calibration.json says of the numbers: prior, what the scenario has, source."""
    names = ("path", "low", "high", "value", "unit", "source", "scale", "nuisance", "about")
    return [plain({name: getattr(one, name) for name in names}) for one in found.problem.free]
