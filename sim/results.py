"""Write a run to disk and read it back: tables, a manifest and a digest; knows nothing of banks.

The life of a results folder::

    create   scenario.yaml and manifest.json (status "running"), empty parts/
    add      parts/<arm>.<seed>.<table>.parquet, then the receipt parts/<arm>.<seed>.json
    finish   parts merged into <table>.parquet, the digests, manifest.json (status "done" or "failed"), parts removed

Every file is written under a temporary name and renamed, a part counts only once its receipt is there, and the
manifest says "done" last of all: a folder is whole or visibly unfinished, and what was added is never run again.
After "failed" the parts stay, so that a resume runs only what failed.

Errors: `BadInput` for a folder that may not be used or cannot be read, `RunFailed` when writing fails on the way
(disk full, permission lost). Tables that break their own contract are a fault of the caller: `ValueError`.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput, Mistake, RunFailed

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

FORMAT, FORMAT_VERSION = "rapport-results", 1
STATUSES = ("running", "interrupted", "failed", "done")

# What this room needs of a manifest to keep the order of rows, the plan and the KPIs of stored runs; callers add more.
MANIFEST_KEYS = (
    "name", "run_id", "scenario_digest", "arms", "tiers", "seeds", "months", "discount_rate", "currency",
)  # fmt: skip

MONTHLY_COLUMNS = (
    "arm", "seed", "month", "tier",
    "customers", "active", "dormant", "aum", "products", "share_of_wallet", "digital_active", "satisfaction", "trust",
    "joined", "closed", "closed_dormant", "went_dormant", "reactivated", "upgraded", "downgraded",
    "moved_in", "aum_moved", "net_new_money", "market_effect",
    "contacts_branch", "contacts_phone", "contacts_video", "contacts_messaging", "contacts_app",
    "sales", "failures", "complaints", "opt_outs",
    "revenue", "channel_cost", "manager_cost", "strategy_cost", "profit",
)  # fmt: skip
BANK_COLUMNS = (
    "arm", "seed", "month",
    "managers", "managers_left", "managers_hired", "utilisation", "professional_skill", "digital_skill", "fatigue",
    "nps", "load_branch", "load_phone", "load_video", "load_messaging", "load_app",
    "yield_gap", "market_return", "adoption_factor", "branch_capacity",
    "aum_exited", "aum_gini", "kept_12m", "active_12m_ago", "strategy_maturity", "strategy_cost",
    "cost_service", "cost_messages", "cost_servicing", "cost_acquisition", "cost_managers", "customers_opted_out",
)  # fmt: skip
TRANSITIONS_COLUMNS = ("arm", "seed", "year", "from", "to", "customers")
COHORTS_COLUMNS = ("arm", "seed", "tier", "tenure_month", "at_risk", "closed", "dormant")
MANAGERS_COLUMNS = ("arm", "seed", "month", "post", "event", "customers", "exits_before", "exits_after")
PANEL_COLUMNS = ("arm", "seed", "month")  # and whatever the panel tracks
SUMMARY_COLUMNS = ("arm", "kpi", "unit", "mean", "sd", "ci_low", "ci_high", "seeds")
COMPARISON_COLUMNS = (
    "arm", "reference", "kpi", "unit", "difference", "ci_low", "ci_high", "probability_better", "seeds",
    "variance_ratio",
)  # fmt: skip

STATES_AFTER_TIERS = ("dormant", "closed", "new")  # order of `from` and `to` behind the tiers
TEXT_COLUMNS = frozenset({"arm", "tier", "from", "to", "event", "reference", "kpi", "unit"})
INTEGER_COLUMNS = frozenset({"seed", "month", "year", "tenure_month", "post", "seeds"})


def dtype_of(column: str) -> str:
    """The stored type of a column by its name: "text", "int64" or "float64"."""
    return "text" if column in TEXT_COLUMNS else "int64" if column in INTEGER_COLUMNS else "float64"


MONTHLY_DTYPES = {column: dtype_of(column) for column in MONTHLY_COLUMNS}


@dataclass(frozen=True)
class TableLaw:
    """What a table must have: its first columns, whether more may follow, the order of rows within an arm and seed."""

    columns: tuple[str, ...]
    order: tuple[str, ...]
    more: bool = True  # further columns may follow (numbers become float64, text stays text)


TABLES: dict[str, TableLaw] = {
    "monthly": TableLaw(MONTHLY_COLUMNS, ("month", "tier"), more=False),  # fixed: the digest is over all of it
    "bank": TableLaw(BANK_COLUMNS, ("month",)),
    "transitions": TableLaw(TRANSITIONS_COLUMNS, ("year", "from", "to")),
    "cohorts": TableLaw(COHORTS_COLUMNS, ("tier", "tenure_month")),
    "managers": TableLaw(MANAGERS_COLUMNS, ("month", "post", "event")),
    "panel": TableLaw(PANEL_COLUMNS, ("month",)),
}
REQUIRED_TABLES = tuple(name for name in TABLES if name != "panel")

# Everything a run may leave in its folder. `--overwrite` deletes these and refuses a folder that holds anything else.
OWN_FILES = (
    "scenario.yaml", "manifest.json", "summary.csv", "comparison.csv", "report.html", *(f"{t}.parquet" for t in TABLES),
    "figures/*.png", "figures/*.svg", "parts/*", "checkpoint*", "*.tmp",
)  # fmt: skip


# --------------------------------------------------------------------------------------------------------- digests


def result_digest(monthly: pd.DataFrame, arms: Sequence[str], tiers: Sequence[str]) -> str:
    """SHA-256 (hex) of a monthly table: the same for any order of rows, any index and any text dtype.

    Rows are sorted by arm (place in `arms`), seed, month, tier (place in `tiers`). Hashed, in this order: the number
    of rows as one int64, then each column of `MONTHLY_COLUMNS` whole. A text value is its length in bytes as uint32
    and its UTF-8; `seed` and `month` are int64; everything else is float64, where -0.0 counts as 0.0 and every NaN as
    0x7ff8000000000000. All numbers are little-endian. Raises `ValueError` for an arm or tier that is not named.
    """
    return _digest(monthly, arms, tiers, MONTHLY_COLUMNS)


def arm_digests(monthly: pd.DataFrame, arms: Sequence[str], tiers: Sequence[str]) -> dict[str, str]:
    """`result_digest` of each arm's own rows without the column `arm`: arms that lived the same have the same digest.

    Arms without rows are left out.
    """
    columns = MONTHLY_COLUMNS[1:]
    rows = {arm: monthly[monthly["arm"] == arm] for arm in arms}
    return {arm: _digest(own, [arm], tiers, columns) for arm, own in rows.items() if len(own)}


def _digest(monthly: pd.DataFrame, arms: Sequence[str], tiers: Sequence[str], columns: Sequence[str]) -> str:
    codes = (_places(monthly["arm"], arms), monthly["seed"], monthly["month"], _places(monthly["tier"], tiers))
    order = np.lexsort([np.asarray(code) for code in reversed(codes)])
    digest = hashlib.sha256(len(monthly).to_bytes(8, "little"))
    for column in columns:
        kind = dtype_of(column)
        if kind == "text":
            framed: dict[str, bytes] = {}
            for value in monthly[column].unique().tolist():
                text = str(value).encode()
                framed[value] = len(text).to_bytes(4, "little") + text
            values = monthly[column].tolist()
            digest.update(b"".join([framed[values[row]] for row in order]))
        elif kind == "int64":
            digest.update(monthly[column].to_numpy(dtype="<i8")[order].tobytes())
        else:
            numbers = monthly[column].to_numpy(dtype="<f8")[order] + 0.0  # -0.0 + 0.0 is 0.0
            numbers[np.isnan(numbers)] = np.float64("nan")
            digest.update(numbers.tobytes())
    return digest.hexdigest()


def _places(column: pd.Series, order: Iterable[str]) -> Any:
    """Place of every value in `order`, int64 [rows]; `ValueError` for a value that is not in it."""
    place = {value: i for i, value in enumerate(order)}
    values = column.tolist()
    try:
        return np.fromiter((place[value] for value in values), dtype=np.int64, count=len(values))
    except (KeyError, TypeError):
        unknown = sorted({str(value) for value in values if value not in place})
        raise ValueError(f"column {column.name}: {', '.join(unknown[:3])} not among {', '.join(place)}") from None


# --------------------------------------------------------------------------------------------------- reading a run


@dataclass
class Run:
    """A stored run: its tables in memory, rows sorted as CONTRACT 4 says; panel, summary and comparison on demand."""

    path: Path
    manifest: dict[str, Any]
    scenario_text: str
    monthly: pd.DataFrame
    bank: pd.DataFrame
    transitions: pd.DataFrame
    cohorts: pd.DataFrame
    managers: pd.DataFrame

    @property
    def arms(self) -> list[str]:
        """Arms in scenario order, the reference first."""
        return list(self.manifest["arms"])

    @property
    def tiers(self) -> list[str]:
        """Tiers in scenario order."""
        return list(self.manifest["tiers"])

    @property
    def seeds(self) -> list[int]:
        """Seeds as the scenario gives them."""
        return list(self.manifest["seeds"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The required tables by name."""
        return {name: getattr(self, name) for name in REQUIRED_TABLES}

    @cached_property
    def panel(self) -> pd.DataFrame | None:
        """Tracked customers month by month; None when the run kept none. Read at first use: it can be large."""
        if "panel" not in self.manifest["tables"]:
            return None
        return _read_table(self.path / "panel.parquet", TABLES["panel"])

    @cached_property
    def summary(self) -> pd.DataFrame:
        """summary.csv as stored."""
        return _read_csv(self.path / "summary.csv", SUMMARY_COLUMNS)

    @cached_property
    def comparison(self) -> pd.DataFrame:
        """comparison.csv as stored."""
        return _read_csv(self.path / "comparison.csv", COMPARISON_COLUMNS)


def read(folder: str | os.PathLike[str]) -> Run:
    """Read a finished run (status "done" or "failed"); `BadInput` names everything that is missing or damaged.

    The digest is not checked here: a whole folder whose numbers were changed reads well and fails `verify`.
    """
    path = Path(folder)
    manifest = _read_manifest(path)
    if manifest["status"] not in ("done", "failed"):
        done = len(ResultsFolder(path, manifest).finished())
        planned = len(manifest["arms"]) * len(manifest["seeds"])
        raise BadInput.at(
            str(path),
            f"unfinished (status {manifest['status']}, {done} of {planned} runs finished); "
            "run the scenario again with --resume to go on",
        )
    return _load(path, manifest)


def _load(path: Path, manifest: dict[str, Any]) -> Run:
    mistakes: list[Mistake] = []
    tables: dict[str, pd.DataFrame] = {}
    text = ""
    try:
        text = (path / "scenario.yaml").read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(Mistake(str(path / "scenario.yaml"), 0, 0, "", _why_unreadable(error)))
    for name in manifest["tables"]:
        file = path / f"{name}.parquet"
        try:
            if name == "panel":  # read on demand; its footer is at the end, so a cut file is noticed here
                _check_columns(file, TABLES[name])
            else:
                tables[name] = _read_table(file, TABLES[name])
        except BadInput as error:
            mistakes.extend(error.mistakes)
    if "monthly" in tables:
        finished = {(entry["arm"], entry["seed"]) for entry in manifest["runs"]}
        wrong = _grid_mistake(tables["monthly"], manifest, finished)
        if wrong:
            mistakes.append(Mistake(str(path / "monthly.parquet"), 0, 0, "", f"damaged: {wrong}"))
    if mistakes:
        raise BadInput(mistakes)
    return Run(path, manifest, text, **{name: tables[name] for name in REQUIRED_TABLES})


def _grid_mistake(monthly: pd.DataFrame, manifest: Mapping[str, Any], runs: set[tuple[str, int]]) -> str:
    """What is wrong with the rows: every run must have each month 0..months and tier exactly once."""
    sizes = monthly.groupby(["arm", "seed"], sort=False).size()
    found: dict[tuple[str, int], int] = dict(zip(sizes.index.tolist(), sizes.tolist(), strict=True))
    months, tiers = manifest["months"], manifest["tiers"]
    for arm, seed in sorted(runs ^ set(found)):
        kind = "has no rows" if (arm, seed) in runs else "is not a run of the manifest"
        return f"arm {arm}, seed {seed} {kind}"
    for (arm, seed), rows in found.items():
        if rows != (months + 1) * len(tiers):
            return f"arm {arm}, seed {seed} has {rows} rows, should be {(months + 1) * len(tiers)}"
    if monthly.duplicated(["arm", "seed", "month", "tier"]).any():
        return "a month and tier appears twice"
    if not monthly["tier"].isin(list(tiers)).all() or not monthly["month"].between(0, months).all():
        return f"a tier other than {', '.join(tiers)} or a month outside 0..{months}"
    return ""


def _read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a results folder of ours, whole and in a version that is understood."""
    file = path / "manifest.json"
    try:
        manifest = json.loads(file.read_bytes())
    except FileNotFoundError:
        what = "not a results folder: it has no manifest.json" if path.is_dir() else "there is no such folder"
        raise BadInput.at(str(path), what) from None
    except (OSError, ValueError) as error:
        raise BadInput.at(str(file), _why_unreadable(error)) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BadInput.at(str(file), f'not the manifest of a run (it should say "format": "{FORMAT}")')
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise BadInput.at(str(file), f"format_version {version}; this program reads {FORMAT_VERSION}")
    finished = manifest.get("status") in ("done", "failed")
    missing = [key for key in (*MANIFEST_KEYS, "status", *(("tables", "runs") * finished)) if key not in manifest]
    if missing:
        raise BadInput.at(str(file), f"damaged: {', '.join(missing)} missing")
    lists = {"arms": str, "tiers": str, "seeds": int, **({"tables": str, "runs": dict} if finished else {})}
    wrong = [key for key, kind in lists.items() if not _is_list_of(manifest[key], kind)]
    wrong += [] if manifest["status"] in STATUSES else ["status"]
    wrong += [] if type(manifest["months"]) is int else ["months"]
    wrong += [] if type(manifest["discount_rate"]) in (int, float) else ["discount_rate"]
    if finished and not wrong:
        wrong += [] if set(REQUIRED_TABLES) <= set(manifest["tables"]) <= set(TABLES) else ["tables"]
        wrong += [] if all("arm" in run and "seed" in run for run in manifest["runs"]) else ["runs"]
    if wrong:
        raise BadInput.at(str(file), f"damaged: {', '.join(wrong)} not as this program writes it")
    return manifest


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(type(item) is kind for item in value)


def _check_columns(file: Path, law: TableLaw) -> None:
    """Raise `BadInput` for a file that is absent, cut, or lacks columns, or has them in another type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput.at(str(file), _why_unreadable(error)) from None
    mistakes = []
    missing = [column for column in law.columns if column not in schema.names]
    if missing:
        mistakes.append(Mistake(str(file), 0, 0, "", f"damaged: column {', '.join(missing)} missing"))
    for column in law.columns:
        if column in missing:
            continue
        kind, wanted = schema.field(column).type, dtype_of(column)
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if (wanted == "text" and not text) or (wanted != "text" and str(kind).replace("double", "float64") != wanted):
            mistakes.append(Mistake(str(file), 0, 0, "", f"damaged: column {column} is {kind}, should be {wanted}"))
    if not law.more and (extra := [name for name in schema.names if name not in law.columns]):
        mistakes.append(Mistake(str(file), 0, 0, "", f"damaged: unknown column {', '.join(extra)}"))
    if mistakes:
        raise BadInput(mistakes)


def _read_table(file: Path, law: TableLaw) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_columns(file, law)
    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput.at(str(file), _why_unreadable(error)) from None
    # A missing value in these would turn integers into floats or break every grouping.
    keys = [column for column in law.columns if dtype_of(column) != "float64"]
    holes = [column for column in keys if table.column(column).null_count]
    if holes:
        raise BadInput.at(str(file), f"damaged: missing values in column {', '.join(holes)}")
    return table.to_pandas(ignore_metadata=True)


def _read_csv(file: Path, columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    text = {column: str for column in columns if dtype_of(column) == "text"}
    numbers = {column: [""] for column in columns if column not in text}
    try:  # an arm may be called "nan" or "null": only an empty number is a missing one
        frame = pd.read_csv(file, dtype=text, keep_default_na=False, na_values=numbers)
        missing = [column for column in columns if column not in frame.columns]
        if missing:
            raise ValueError(f"column {', '.join(missing)} missing")
        return frame[list(columns)].astype({column: dtype_of(column) for column in numbers})
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise BadInput.at(str(file), _why_unreadable(error)) from None


def _why_unreadable(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "missing"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
        return "cannot be read: permission denied"
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"damaged: {first}"


# --------------------------------------------------------------------------------------------------- writing a run


@dataclass
class ResultsFolder:
    """A results folder being filled; plain data, so a worker process may hold a copy and `add` to it."""

    path: Path
    manifest: dict[str, Any] = field(repr=False)

    @classmethod
    def create(
        cls,
        out: str | os.PathLike[str],
        scenario_text: str,
        manifest: Mapping[str, Any],
        *,
        overwrite: bool = False,
        resume: bool = False,
    ) -> ResultsFolder:
        """Open a folder for a run: new or empty, or to `overwrite`, or to `resume`. `BadInput` if it may not be used.

        `manifest` has at least `MANIFEST_KEYS`. A resumed run keeps its run_id and created; resuming a finished one
        changes nothing (`status` is "done", nothing is left to run), resuming nothing starts anew.
        """
        absent = [key for key in MANIFEST_KEYS if key not in manifest]
        if absent:
            raise ValueError(f"manifest lacks {', '.join(absent)}")
        path = Path(out)
        mistakes = cls.refusals(path, manifest, overwrite=overwrite, resume=resume)
        if mistakes:
            raise BadInput(mistakes)
        stored = _read_manifest(path) if (path / "manifest.json").exists() else None
        fresh = {"format": FORMAT, "format_version": FORMAT_VERSION, **_plain(dict(manifest)), "status": "running"}
        if stored and resume and stored["status"] == "done":
            return cls(path, stored)
        try:
            (path / "parts").mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise BadInput.at(str(path), f"cannot be made: {error.strerror}; name another folder with --out") from None
        except OSError as error:
            raise RunFailed(f"{path}: cannot be made: {_reason(error)}") from error
        with _writing(path):
            if stored and resume:
                fresh |= {key: stored[key] for key in ("run_id", "created") if key in stored}
                fresh["resumed"] = stored.get("resumed", 0) + 1
                for stray in path.glob(".*.tmp"):
                    stray.unlink(missing_ok=True)
            elif stored:
                # Until the new manifest stands, this is the old run, interrupted, with fewer and fewer of its parts.
                _write_json(path / "manifest.json", stored | {"status": "interrupted"})
                _clear(path)
            write_atomically(path / "scenario.yaml", scenario_text)
            _write_json(path / "manifest.json", fresh)
        return cls(path, fresh)

    @staticmethod
    def refusals(
        out: str | os.PathLike[str], manifest: Mapping[str, Any], *, overwrite: bool = False, resume: bool = False
    ) -> list[Mistake]:
        """Why `create` would refuse this folder (empty: it would not); looks only, writes nothing."""
        path = Path(out)

        def no(message: str) -> list[Mistake]:
            return [Mistake(str(path), 0, 0, "", message)]

        if overwrite and resume:
            return no("--overwrite and --resume exclude each other; give one of them")
        there = next((p for p in (path, *path.parents) if os.path.lexists(p)), Path("."))
        if not there.is_dir():
            return no(f"{there} is a file; name a folder")
        if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
            return no(f"permission denied to write in {there}; name another folder with --out")
        names = sorted(os.listdir(path)) if path.exists() else []
        if not names:
            return []
        some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        try:
            stored = _read_manifest(path)
        except BadInput as error:
            if (path / "manifest.json").exists():
                return [*no("holds files, not surely of a run; name a new or empty folder"), *error.mistakes]
            return no(f"holds files that are not of a run ({some}); name a new or empty folder")
        same = stored["scenario_digest"] == manifest["scenario_digest"]
        what = f"holds the run {stored['run_id']} of {stored['name']} (status {stored['status']})"
        if resume:
            if not same:
                return no(
                    f"{what} with scenario digest {stored['scenario_digest']}, not {manifest['scenario_digest']}; "
                    "resume with the same scenario, or name another folder"
                )
            was, now = stored.get("code_version"), manifest.get("code_version")
            if was != now and stored["status"] != "done":
                return no(
                    f"{what} made by code version {was}, not {now}; use that version, or --overwrite to start anew"
                )
            return []
        foreign = _foreign_files(path)
        if overwrite and foreign:
            some = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
            return no(f"{what} and files that are not of a run ({some}); move them away or name another folder")
        go_on = "--resume to go on with it, " if same and stored["status"] != "done" else ""
        return [] if overwrite else no(f"{what}; give {go_on}--overwrite to replace it, or another --out")

    @property
    def status(self) -> str:
        """One of `STATUSES`."""
        return str(self.manifest["status"])

    def planned(self) -> list[tuple[str, int]]:
        """Every (arm, seed), arms in scenario order, seeds ascending: the order of rows."""
        return [(arm, seed) for arm in self.manifest["arms"] for seed in sorted(self.manifest["seeds"])]

    def finished(self) -> set[tuple[str, int]]:
        """The (arm, seed) that are safely stored and need not run again."""
        return {(receipt["arm"], receipt["seed"]) for receipt in self.receipts()}

    def receipts(self) -> list[dict[str, Any]]:
        """arm, seed, seconds and facts of every finished run, in planned order; a part cut short does not count."""
        if self.status == "done":
            return list(self.manifest["runs"])
        receipts = []
        for arm, seed in self.planned():
            with contextlib.suppress(OSError, ValueError, KeyError):
                receipt = json.loads(self._part(arm, seed, "json").read_bytes())
                sizes = {t: self._part(arm, seed, f"{t}.parquet").stat().st_size for t in receipt["files"]}
                if sizes == receipt["files"] and (receipt["arm"], receipt["seed"]) == (arm, seed):
                    receipts.append(receipt)
        return receipts

    def _part(self, arm: str, seed: int, ending: str) -> Path:
        return self.path / "parts" / f"{arm}.{seed}.{ending}"

    def add(self, arm: str, seed: int, tables: Mapping[str, pd.DataFrame], seconds: float, **facts: Any) -> None:
        """Store one finished run; `facts` (JSON values) go with `seconds` into the manifest's list of runs.

        `tables` has every name of `REQUIRED_TABLES`, and "panel" if one is kept; columns `arm` and `seed` are filled
        in where absent. `ValueError` for a table that breaks its law, `RunFailed` when it cannot be written.
        """
        if (arm, seed) not in self.planned():
            raise ValueError(f"arm {arm}, seed {seed} is not in the plan")
        absent = [name for name in REQUIRED_TABLES if name not in tables]
        if absent or not set(tables) <= set(TABLES):
            raise ValueError(f"tables should be {', '.join(REQUIRED_TABLES)} (and panel), got {', '.join(tables)}")
        arrow = {name: _to_arrow(name, tables[name], arm, seed, self.manifest["tiers"]) for name in tables}
        keys = arrow["monthly"].select(["arm", "seed", "month", "tier"]).to_pandas()
        wrong = _grid_mistake(keys, self.manifest, {(arm, seed)})
        if wrong:
            raise ValueError(f"monthly: {wrong}")
        with _writing(self.path):
            self._part(arm, seed, "json").unlink(missing_ok=True)
            sizes = {}
            for name, table in arrow.items():
                part = self._part(arm, seed, f"{name}.parquet")
                with _renamed(part) as temporary:
                    _write_parquet(temporary, [table], table.schema)
                sizes[name] = part.stat().st_size
            receipt = {"arm": arm, "seed": seed, "seconds": seconds, **facts, "files": sizes}
            _write_json(self._part(arm, seed, "json"), receipt)

    def interrupt(self) -> None:
        """Say in the manifest that the run was stopped; what was added stays and is resumed from.

        A folder that is already whole stays so: Ctrl-C may come when the last parts are being tidied away.
        """
        if self.status not in ("done", "failed"):
            self._set({"status": "interrupted"})

    def finish(
        self,
        manifest_updates: Mapping[str, Any] | None = None,
        failed: Iterable[Mapping[str, Any]] = (),
        *,
        then: Callable[[Run], None] | None = None,
    ) -> Run:
        """Merge the parts, compute the digests, write the manifest and remove the parts.

        `failed` names the runs that broke (`arm`, `seed`, `error`): the status is then "failed", the others are kept,
        and so are the parts, for a resume. `then` is called with the run before the manifest says so: it writes what
        belongs to a whole folder (summary, comparison, figures, report). Finishing a finished folder changes nothing.
        """
        if self.status == "done":
            shutil.rmtree(self.path / "parts", ignore_errors=True)
            return _load(self.path, self.manifest)
        broken = [_plain(dict(entry)) for entry in failed]
        manifest = {**self.manifest, **_plain(dict(manifest_updates or {}))}
        self.manifest = manifest | {"status": self.status}
        receipts = self.receipts()
        stored = {(receipt["arm"], receipt["seed"]) for receipt in receipts}
        lost = [run for run in self.planned() if run not in stored | {(b["arm"], b["seed"]) for b in broken}]
        if lost:
            raise ValueError(f"neither finished nor failed: {', '.join(f'{arm} seed {seed}' for arm, seed in lost)}")
        panel = any("panel" in receipt["files"] for receipt in receipts)
        manifest["tables"] = [*REQUIRED_TABLES, *(["panel"] if panel else [])]
        manifest["runs"] = [{k: v for k, v in receipt.items() if k != "files"} for receipt in receipts]
        manifest["failed"] = broken
        manifest["status"] = "failed" if broken else "done"
        with _writing(self.path):
            for name in manifest["tables"]:
                self._merge(name, receipts)
            run = _load(self.path, manifest)
            manifest["result_digest"] = result_digest(run.monthly, manifest["arms"], manifest["tiers"])
            manifest["arm_digests"] = arm_digests(run.monthly, manifest["arms"], manifest["tiers"])
        if then:
            then(run)
        self._set(manifest)
        if not broken:
            shutil.rmtree(self.path / "parts", ignore_errors=True)
        return run

    def _merge(self, name: str, receipts: Sequence[Mapping[str, Any]]) -> None:
        """One file of all parts of a table, in planned order; a large panel never stands in memory whole."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        parts = [self._part(r["arm"], r["seed"], f"{name}.parquet") for r in receipts if name in r["files"]]
        empty = pa.schema([(column, _arrow_type(column)) for column in TABLES[name].columns])
        schema = pa.unify_schemas([empty, *(pq.read_schema(part) for part in parts)])
        with _renamed(self.path / f"{name}.parquet") as temporary:
            _write_parquet(temporary, (_widened(pq.read_table(part), schema) for part in parts), schema)

    def _set(self, changes: Mapping[str, Any]) -> None:
        manifest = {**self.manifest, **changes}
        with _writing(self.path):
            _write_json(self.path / "manifest.json", manifest)
        self.manifest = manifest


def _arrow_type(column: str) -> pa.DataType:
    import pyarrow as pa

    return {"text": pa.string(), "int64": pa.int64(), "float64": pa.float64()}[dtype_of(column)]


def _to_arrow(name: str, frame: pd.DataFrame, arm: str, seed: int, tiers: Sequence[str]) -> pa.Table:
    """A table of one run, sorted, in stored types, without the pandas index or pandas' own metadata."""
    import pyarrow as pa

    law = TABLES[name]
    frame = frame.assign(**{key: value for key, value in (("arm", arm), ("seed", seed)) if key not in frame.columns})
    missing = [column for column in law.columns if column not in frame.columns]
    extra = [str(column) for column in frame.columns if column not in law.columns]
    if missing or (extra and not law.more):
        raise ValueError(f"{name}: columns missing: {missing}, unknown: {[] if law.more else extra}")
    if len(frame) and ((frame["arm"] != arm).any() or (frame["seed"] != seed).any()):
        raise ValueError(f"{name}: rows of another run than arm {arm}, seed {seed}")
    holes = [column for column in law.columns if dtype_of(column) != "float64" and frame[column].isna().any()]
    if holes:
        raise ValueError(f"{name}: missing values in column {', '.join(holes)}")
    states = [*tiers, *STATES_AFTER_TIERS]
    ranked = {"tier": tiers, "from": states, "to": states}
    keys = [_places(frame[c], ranked[c]) if c in ranked else frame[c].to_numpy() for c in law.order]
    frame = frame.iloc[np.lexsort(keys[::-1])]  # stable: rows with equal keys stay as they came
    columns = {}
    for column in [*law.columns, *extra]:
        values = frame[column]
        if column in law.columns or (name != "panel" and values.dtype.kind in "biuf"):
            columns[column] = pa.array(values.tolist() if dtype_of(column) == "text" else values, _arrow_type(column))
        else:
            columns[column] = pa.Array.from_pandas(values)
            if pa.types.is_large_string(columns[column].type):  # pandas 3 text; pandas 2 gives string
                columns[column] = columns[column].cast(pa.string())
    return pa.table(columns)


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with every column of `schema`; a column that only other runs have is null."""
    import pyarrow as pa

    nulls = {f.name: pa.nulls(len(table), f.type) for f in schema if f.name not in table.column_names}
    return pa.table({f.name: nulls[f.name] if f.name in nulls else table.column(f.name) for f in schema}, schema)


def _write_parquet(file: Path, tables: Iterable[pa.Table], schema: pa.Schema, group_rows: int = 1_000_000) -> None:
    """Write tables one after the other as few large row groups; the bytes hold no time and no index."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        waiting: list[pa.Table] = []
        for table in tables:
            waiting.append(table)
            if sum(map(len, waiting)) >= group_rows:
                writer.write_table(pa.concat_tables(waiting), row_group_size=group_rows)
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting), row_group_size=group_rows)


def _foreign_files(path: Path) -> list[str]:
    """Files in a results folder that no run of ours would have written, relative and sorted."""
    found = []
    for folder, folders, files in os.walk(path):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in [*files, *links]:
            relative = Path(folder, name).relative_to(path).as_posix()
            if not any(fnmatch.fnmatchcase(relative, pattern) for pattern in OWN_FILES):
                found.append(relative)
    return sorted(found)


def _clear(path: Path) -> None:
    """Delete a run's files but its manifest; receipts first, so that no part is believed without its tables."""
    for receipt in (path / "parts").glob("*.json"):
        receipt.unlink()
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            if Path(folder, name) != path / "manifest.json":
                os.unlink(os.path.join(folder, name))
        if Path(folder) not in (path, path / "parts"):
            os.rmdir(folder)


# ------------------------------------------------------------------------------------------------------------ files


def write_atomically(file: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file under a temporary name and rename it: readers see the old file or the new one, never a half."""
    with _writing(file), _renamed(Path(file)) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def write_csv(file: str | os.PathLike[str], frame: pd.DataFrame) -> None:
    """Write a table as CSV (UTF-8, LF, no index, numbers in full), atomically."""
    write_atomically(file, frame.to_csv(index=False, lineterminator="\n"))


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(_plain(dict(content)), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(file, text + "\n")


def _plain(value: Any) -> Any:
    """The value in JSON's own types: NumPy's become Python's, NaN and infinity (which JSON lacks) null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def _renamed(file: Path) -> Iterator[Path]:
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
def _writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what the disk says into plain words."""
    try:
        yield
    except OSError as error:
        raise RunFailed(f"{os.fspath(path)}: cannot be written: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the disk; free some, then go on with --resume"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "permission denied"
    return error.strerror or str(error)
