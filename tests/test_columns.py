"""Every column of every result file is declared once; files, tables in memory and the data dictionary all say so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fabricate
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_folders import Shared, manifest_of, write_manifest

from sim.analysis import indices, interactions
from sim.cli import main
from sim.errors import BadInput
from sim.store.columns import FILES, File
from sim.store.dictionary import page
from sim.store.run_folder import ResultsFolder
from sim.store.run_reading import read
from sim.store.seals import KEYS, file_digest
from sim.store.survey_columns import SURVEY
from sim.store.sweep_reading import read_sweep
from sim.store.sweep_rows import part_columns
from sim.store.tables import read_csv, units

ROOT = Path(__file__).parents[1]
SURVEYED = ("answers", "answers_truth", "staff_answers", "staff_answers_truth")  # in test_survey_waves
# each has a test below or its own file
NOT_OF_TINY = ("attribution", "parts", "interactions", "indices", "failed", *SURVEYED)


@pytest.mark.parametrize("name", FILES)
def test_a_column_stands_once_in_its_file_with_type_and_meaning(name: str) -> None:
    file = FILES[name]
    names = [column.name for column in file.columns]
    assert len(set(names)) == len(names)
    for column in file.columns:
        assert column.dtype in ("text", "bool", "as varied") or column.dtype.lstrip("u").startswith(("int", "float"))
        assert column.meaning.strip() == column.meaning != ""
        assert column.unit or column.dtype != "float64" or column.codes, column.name  # a number has a unit
        assert file.column(column.name) is column


def test_a_column_of_many_is_found_by_its_pattern() -> None:
    bank: File = FILES["bank"]
    assert bank.column("maturity[digital_thinking]").name == "maturity[<strategy>]"  # type: ignore[union-attr]
    assert bank.column("kept_12m[high net worth]").name == "kept_12m[<tier>]"  # type: ignore[union-attr]
    assert bank.column("maturity") is None
    assert bank.column("coverage") is None
    assert FILES["candidates"].column("npv_low").name == "<kpi>_low"  # type: ignore[union-attr]
    assert FILES["tasks"].column("npv[mass]").name == "<kpi>"  # type: ignore[union-attr]
    assert FILES["tasks"].column("model.hazards.mass.dormant").name == "<parameter>"  # type: ignore[union-attr]


def test_units_are_told_by_table_in_the_models_currency() -> None:
    told = units("monthly", currency="CNY")
    assert (told["aum"], told["customers"], told["satisfaction"]) == ("CNY", "customers", "sd")
    assert not {"arm", "tier", "seed"} & set(told)
    assert units("bank", ["cost[digital_thinking]", "nps"]) == {"cost[digital_thinking]": "money", "nps": "points"}
    assert units("summary")["mean"] == "as `unit` says"


def test_the_page_is_what_the_declarations_say() -> None:
    assert (ROOT / "docs" / "data-dictionary.md").read_text("utf-8") == page(), (
        "python -m sim.store.dictionary > docs/data-dictionary.md"
    )
    for file in (*FILES.values(), *SURVEY.values()):
        assert f"### {file.path}\n" in page()


def files_of(originals: Shared, name: str) -> list[Path]:
    """Where the tiny folders have this file."""
    found = (originals[kind] / FILES[name].path for kind in ("run", "sweep", "optimise"))
    return [file for file in found if file.exists()]


def columns_of(file: Path) -> list[str]:
    return pq.read_schema(file).names if file.suffix == ".parquet" else list(pd.read_csv(file, nrows=0).columns)


@pytest.mark.parametrize("name", [name for name in FILES if name not in NOT_OF_TINY])
def test_what_is_written_is_declared_and_what_is_declared_is_written(originals: Shared, name: str) -> None:
    files = files_of(originals, name)
    assert files
    used = set()
    for file in files:
        for column in columns_of(file):
            declared = FILES[name].column(column)
            assert declared is not None, f"{file.name}: {column}"
            used.add(declared.name)
    assert [column.name for column in FILES[name].columns if column.name not in used | {"<parameter>"}] == []


def test_no_table_is_written_that_is_not_declared(originals: Shared) -> None:
    known = {file.path for file in FILES.values()}
    for kind in ("run", "sweep", "optimise"):
        tables = [file for file in originals[kind].rglob("*") if file.suffix in (".csv", ".parquet")]
        assert tables
        assert {file.relative_to(originals[kind]).as_posix() for file in tables} <= known


def test_tables_that_only_other_sweeps_have_are_declared(
    originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert FILES["indices"].names == indices.COLUMNS
    assert FILES["interactions"].names == interactions.COLUMNS
    parts = [column.name for column in FILES["parts"].columns]
    assert list(part_columns(["<kpi>"])) == parts
    sweep = Path(shutil.copytree(originals["sweep"], tmp_path / "sweep"))
    tasks = pq.read_table(sweep / "tasks.parquet")
    status = pa.array(["failed", *tasks.column("status").to_pylist()[1:]])
    place = tasks.column_names.index("status")
    pq.write_table(tasks.set_column(place, "status", status), sweep / "tasks.parquet")
    told = {key: value for key, value in manifest_of(sweep).items() if key not in KEYS}
    write_manifest(sweep, told | {"status": "failed", "failed": 1})
    assert main(["analyse", str(sweep)]) == 0
    capsys.readouterr()
    assert tuple(columns_of(sweep / "analysis" / "failed.csv")) == FILES["failed"].names


def test_parquet_files_say_unit_meaning_and_codes(originals: Shared) -> None:
    types = {"text": "string", "float64": "double", "float32": "float"}
    for name in ("monthly", "bank", "transitions", "cohorts", "managers", "panel", "individuals", "units", "tasks"):
        for file in files_of(originals, name):
            for field in pq.read_schema(file):
                declared = FILES[name].column(field.name)
                assert declared is not None
                if declared.dtype != "as varied":
                    assert str(field.type) == types.get(declared.dtype, declared.dtype), field.name
                told = {key.decode(): value.decode() for key, value in field.metadata.items()}
                if "<" not in declared.name or name == "bank":
                    assert told["meaning"] == declared.meaning
                    assert told.get("unit", "") == declared.unit.replace("money", "CNY")
                assert json.loads(told.get("codes", "{}")) == dict(declared.codes)
    state = pq.read_schema(originals["run"] / "panel.parquet").field("observed_state").metadata
    assert json.loads(state[b"codes"])["1"] == "dormant"
    tasks = pq.read_schema(originals["sweep"] / "tasks.parquet")
    assert tasks.field("npv").metadata[b"unit"] == b"CNY"
    assert tasks.field("aum_end[mass]").metadata[b"unit"] == b"CNY"
    varied = tasks.field("model.hazards.mass.dormant").metadata
    (parameter,) = manifest_of(originals["sweep"])["parameters"]
    assert (varied[b"unit"].decode(), varied[b"meaning"].decode()) == (parameter["unit"], parameter["about"])


def test_tables_in_memory_have_their_units(originals: Shared) -> None:
    run = read(originals["run"])
    assert run.monthly.attrs["units"] == units("monthly", currency="CNY")
    assert run.bank.attrs["units"]["cost[digital_thinking]"] == "CNY"
    assert run.panel is not None
    assert run.panel.attrs["units"]["observed_aum"] == "CNY"
    assert run.summary.attrs["units"]["mean"] == "as `unit` says"
    tasks = read_sweep(originals["sweep"]).tasks
    assert tasks.attrs["units"]["npv"] == "CNY"
    assert tasks.attrs["units"]["attrition_annual"] == "per year"
    assert set(tasks.attrs["units"]) <= set(tasks.columns)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (",2,", ",two,", "line 2, column seeds: 'two' is not a whole number"),
        (",2,", ",2.5,", "line 2, column seeds: '2.5' is not a whole number"),
        (",2,", ",,", "line 2, column seeds: no value"),
        (",2,", f",{10**20},", f"line 2, column seeds: '{10**20}' is not a whole number"),
        (",2,", ",", "line 2 has 10 of 11 values"),
        (",2,", ",2,2,", "line 2 has more than 11 values"),
        ("share,0.", "share,much", "line 2, column difference: 'much0' is not a number"),
    ],
)
def test_a_csv_file_that_is_damaged_is_told_by_line_and_column(
    old: str, new: str, says: str, originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(originals["run"], tmp_path / "run"))
    text = (run / "precision.csv").read_text("utf-8")
    assert old in text
    (run / "precision.csv").write_text(text.replace(old, new, 1), "utf-8")
    assert main(["compare", str(run), str(originals["run"])]) == 2
    assert capsys.readouterr().err == f"{run / 'precision.csv'}  damaged: {says}\n"


def test_a_csv_file_that_is_cut_anywhere_is_told_in_a_line(originals: Shared, tmp_path: Path) -> None:
    content = (originals["run"] / "precision.csv").read_bytes()
    ends = [place for place, byte in enumerate(content) if byte == ord("\n")]
    for place in range(ends[1] + 2, ends[2]):
        (tmp_path / "precision.csv").write_bytes(content[:place])
        try:
            read_csv("precision", tmp_path / "precision.csv")
        except BadInput as error:
            (line,) = str(error).splitlines()
            assert "damaged: line " in line
        else:  # the last number has lost digits only: that is for the seal to find
            assert content[:place].count(b",") == content[: ends[2]].count(b",")


def bare(file: Path) -> None:
    """The file as an earlier edition wrote it: without metadata."""
    table = pq.read_table(file)
    pq.write_table(table.cast(pa.schema([field.remove_metadata() for field in table.schema])), file)


def test_files_without_metadata_give_the_same_tables_and_units(originals: Shared, tmp_path: Path) -> None:
    run = Path(shutil.copytree(originals["run"], tmp_path / "run"))
    for file in run.glob("*.parquet"):
        bare(file)
        assert file_digest(file) != file_digest(originals["run"] / file.name)
    before, after = read(run), read(originals["run"])
    for name, table in before.tables.items():
        pd.testing.assert_frame_equal(table, after.tables[name])
    assert before.monthly.attrs == after.monthly.attrs


def test_a_run_goes_on_over_parts_without_metadata(tmp_path: Path) -> None:
    tables, seeds = fabricate.fabricate(seeds=(1, 2), months=3), (1, 2)
    digests = []
    for old in ((), (1,), (2,), (1, 2)):
        path = tmp_path / f"out{len(old)}{sum(old)}"
        folder = ResultsFolder.create(path, "name: tiny\n", fabricate.manifest(seeds=seeds, months=3))
        for arm, seed in folder.planned():
            folder.add(arm, seed, fabricate.of_run(tables, arm, seed), 1.0)
            if seed in old:
                receipt = path / "parts" / f"{arm}.{seed}.json"
                told = json.loads(receipt.read_bytes())
                for name in told["files"]:
                    part = path / "parts" / f"{arm}.{seed}.{name}.parquet"
                    bare(part)
                    told["files"][name] = part.stat().st_size
                receipt.write_text(json.dumps(told), "utf-8")
        folder.interrupt()
        again = ResultsFolder.create(path, "name: tiny\n", fabricate.manifest(seeds=seeds, months=3), resume=True)
        assert len(again.finished()) == 4
        again.finish()
        digests.append([file_digest(file) for file in sorted(path.glob("*.parquet"))])
    assert digests[1:] == digests[:1] * 3  # byte for byte, whatever the parts said of themselves


def test_a_sweep_goes_on_over_tasks_without_metadata(
    originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep, file = (
        Path(shutil.copytree(originals["sweep"], tmp_path / "sweep")),
        originals["sweep"].parent / "sweep.yaml",
    )
    for name in ("tasks.parquet", "units.parquet"):
        bare(sweep / name)
    told = {key: value for key, value in manifest_of(sweep).items() if key not in KEYS}
    write_manifest(sweep, told | {"status": "interrupted"})
    assert main([str(file), "--out", str(sweep), "--resume", "--quiet"]) == 0
    capsys.readouterr()
    for name in ("tasks.parquet", "units.parquet"):
        assert file_digest(sweep / name) == file_digest(originals["sweep"] / name)
    assert manifest_of(sweep)["tasks_digest"] == manifest_of(originals["sweep"])["tasks_digest"]
