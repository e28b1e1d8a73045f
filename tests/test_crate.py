"""A crate is an RO-Crate by the rules, holds what it says and nothing else, is the same bytes, and verifies."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from rocrate.rocrate import ROCrate
from rocrate.vocabs import RO_CRATE
from tiny_folders import RUN, Shared, alter

import sim
from sim.cli import main
from sim.errors import BadInput
from sim.store.columns import FILES

METADATA, PREVIEW = "ro-crate-metadata.json", "ro-crate-preview.html"
COMES_WITH_NONE = (METADATA, PREVIEW)  # of files that no crate lists among its parts


def packed(folder: Path, *more: str) -> Path:
    """The crate of a folder, by the command line."""
    assert main(["report", str(folder), "--crate", *more]) == 0
    (crate,) = folder.glob("*.crate.zip")
    return crate


@pytest.fixture(scope="module")
def run(originals: Shared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(originals["run"], tmp_path_factory.mktemp("crate") / "run"))


@pytest.fixture(scope="module")
def crate(run: Path) -> Path:
    return packed(run, "--creator", "A. Reviewer", "--licence", "CC-BY-4.0")


@pytest.fixture(scope="module")
def unpacked(crate: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(crate, tmp_path_factory.mktemp("opened"))


def unpack(crate: Path, folder: Path) -> Path:
    with zipfile.ZipFile(crate) as archive:
        archive.extractall(folder)
    return folder


def graph_of(folder: Path) -> dict[str, dict[str, Any]]:
    told = json.loads((folder / METADATA).read_text("utf-8"))["@graph"]
    by_id = {entity["@id"]: entity for entity in told}
    assert len(by_id) == len(told), "an @id that comes twice"
    return by_id


def refs(value: Any) -> list[str]:
    """Every @id that a value refers to."""
    if isinstance(value, list):
        return [name for item in value for name in refs(item)]
    return [value["@id"]] if isinstance(value, dict) else []


def test_the_reference_library_reads_it(unpacked: Path) -> None:
    crate = ROCrate(unpacked)
    assert crate.name == "Rapport: tiny"
    assert crate.description
    assert crate.license["name"] == "CC-BY-4.0"
    assert crate.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    (run,) = [one for one in crate.contextual_entities if one.type == "CreateAction"]
    assert run["instrument"]["name"] == "Rapport"
    assert run["agent"]["name"] == "A. Reviewer"
    assert {one.id for one in run["object"]} == {"scenario.yaml"}
    assert "monthly.parquet" in {one.id for one in run["result"]}
    files = {entity.id for entity in crate.data_entities if entity.type == "File"}
    assert {"monthly.parquet", "state/nothing-1-2.npz", "figures/trajectories.svg", "report.html"} <= files


def test_what_the_rules_require_is_there(unpacked: Path) -> None:
    told = graph_of(unpacked)
    assert told[METADATA]["@type"] == "CreativeWork"
    assert told[METADATA]["about"] == {"@id": "./"}
    assert told[METADATA]["conformsTo"]["@id"].startswith("https://w3id.org/ro/crate/1.")
    root = told["./"]
    assert root["@type"] == "Dataset"
    assert all(root[key] for key in ("name", "description", "datePublished", "license", "hasPart", "identifier"))
    assert told[root["conformsTo"]["@id"]]["@type"] == "CreativeWork"
    run = told[root["mentions"]["@id"]]
    assert run["@type"] == "CreateAction"
    assert run["actionStatus"] == "http://schema.org/CompletedActionStatus"
    program = told[run["instrument"]["@id"]]
    assert program["@type"] == "SoftwareApplication"
    assert program["softwareVersion"] == json.loads((unpacked / "manifest.json").read_text("utf-8"))["code_version"]
    needs = {told[name]["name"]: told[name]["softwareVersion"] for name in refs(program["softwareRequirements"])}
    assert needs.keys() >= {"numpy", "numba", "Python"}
    for entity in told.values():
        for key, value in entity.items():
            if key != "conformsTo":
                assert all(name in told for name in refs(value)), f"{entity['@id']}: {key} refers to nothing"


def test_every_word_it_uses_is_of_the_vocabulary(unpacked: Path) -> None:
    known = RO_CRATE["@context"]
    for entity in graph_of(unpacked).values():
        assert entity["@type"] in known
        assert all(key in known for key in entity if not key.startswith("@"))


def test_every_file_listed_is_there_and_every_file_there_is_listed(unpacked: Path) -> None:
    told = graph_of(unpacked)
    listed = {name for name, entity in told.items() if entity["@type"] == "File"}
    there = {file.relative_to(unpacked).as_posix() for file in unpacked.rglob("*") if file.is_file()}
    assert listed == there - set(COMES_WITH_NONE)
    reached, waiting = set(), ["./"]
    while waiting:
        for name in refs(told[waiting.pop()]["hasPart"]):
            reached.add(name)
            waiting += [name] if told[name]["@type"] == "Dataset" else []
    assert {name for name in reached if told[name]["@type"] == "File"} == listed
    for name in listed:
        content = (unpacked / name).read_bytes()
        assert told[name]["sha256"] == hashlib.sha256(content).hexdigest()
        assert told[name]["contentSize"] == str(len(content))
        assert told[name]["description"] != "a file of the run", f"nothing is said of {name}"


def test_columns_of_tables_are_told_as_the_dictionary_has_them(unpacked: Path) -> None:
    told = graph_of(unpacked)
    columns = {told[name]["name"]: told[name] for name in refs(told["monthly.parquet"]["variableMeasured"])}
    assert list(columns)[: len(FILES["monthly"].names)] == list(FILES["monthly"].names)
    assert columns["aum"]["unitText"] == "CNY"
    tables = [name for name in told if name.endswith((".csv", ".parquet")) and not name.startswith("#")]
    for table in tables:
        for name in refs(told[table]["variableMeasured"]):
            assert told[name].get("description"), name


@pytest.mark.long
def test_the_same_run_gives_the_same_bytes(run: Path, crate: Path) -> None:
    before = crate.read_bytes()
    assert packed(run, "--creator", "A. Reviewer", "--licence", "CC-BY-4.0").read_bytes() == before
    assert packed(run).read_bytes() != before
    crate.write_bytes(before)


def test_a_stranger_is_told_how_to_check_it_and_the_check_works(
    unpacked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (unpacked / "README.md").read_text("utf-8")
    manifest = json.loads((unpacked / "manifest.json").read_text("utf-8"))
    assert "verify" in readme
    assert manifest["result_digest"] in readme
    assert manifest["code_version"] in readme
    preview = (unpacked / PREVIEW).read_text("utf-8")
    assert "README.md" in preview
    assert "http://" not in preview.split("</style>")[1].replace("http://schema.org", "")
    assert main(["verify", str(unpacked)]) == 0
    assert "the same" in capsys.readouterr().out
    alter(unpacked / "summary.csv")
    assert main(["verify", str(unpacked)]) == 1


@pytest.mark.long
def test_run_packs_at_once_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(RUN.replace("months: 13", "months: 1"), "utf-8")
    assert main(["run", str(file), "--out", str(tmp_path / "run"), "--crate", "--json", "--quiet"]) == 0
    told = json.loads(capsys.readouterr().out)
    root = graph_of(unpack(Path(told["crate"]), tmp_path / "opened"))["./"]
    assert root["identifier"] == told["run_id"]
    assert "creator" not in root
    assert main(["run", str(file), "--out", str(tmp_path / "run"), "--overwrite", "--quiet"]) == 0  # a crate is its own


def test_a_sweep_is_packed_too(originals: Shared, tmp_path: Path) -> None:
    sweep = Path(shutil.copytree(originals["sweep"], tmp_path / "sweep"))
    folder = unpack(packed(sweep), tmp_path / "opened")
    told = graph_of(folder)
    assert told["tasks.parquet"]["variableMeasured"]
    assert ROCrate(folder).root_dataset["hasPart"]
    assert main(["verify", str(folder)]) == 0


def test_the_library_packs_as_the_command_line_does(run: Path, crate: Path, tmp_path: Path) -> None:
    file = sim.open_run(run).crate(tmp_path / "a.zip", creator="A. Reviewer", licence="CC-BY-4.0")
    assert file.read_bytes() == crate.read_bytes()


def test_a_run_that_was_changed_is_not_vouched_for(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    alter(copy / "bank.parquet")
    with pytest.raises(BadInput, match=r"bank\.parquet changed; a crate would vouch"):
        sim.open_run(copy).crate(tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.long
def test_rows_of_a_books_customers_are_not_handed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "book.csv").write_text("id,aum,age\n" + "".join(f"c{i},{i * 900},{20 + i % 50}\n" for i in range(300)))
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nmonths: 1\nseeds: [1]\n"
        "population: {source: book, file: book.csv, columns: {id: id, aum: aum, age: age}}\n",
        "utf-8",
    )
    run = tmp_path / "run"
    assert main(["run", str(file), "--out", str(run), "--crate", "--checkpoint", "1", "--quiet"]) == 2
    assert "leave out --checkpoint" in capsys.readouterr().err
    assert not run.exists()
    assert main(["run", str(file), "--out", str(run), "--checkpoint", "1", "--quiet"]) == 0
    assert main(["report", str(run), "--crate"]) == 2
    assert "state/nothing-1-1.npz: rows that began as customers of the book" in capsys.readouterr().err
    assert main(["run", str(file), "--out", str(run), "--overwrite", "--crate", "--quiet"]) == 0
    (crate,) = run.glob("*.crate.zip")
    folder = unpack(crate, tmp_path / "opened")
    (book,) = [one for name, one in graph_of(folder).items() if name.startswith("#input")]
    assert book["sha256"] == json.loads((run / "manifest.json").read_text("utf-8"))["book"]["sha256"]
    assert not list(folder.glob("*.csv.gz")) + list(folder.glob("book*"))
    assert book["sha256"] in (folder / "README.md").read_text("utf-8")


def test_who_and_which_licence_are_said_of_a_crate_only(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run), "--creator", "A. Reviewer"]) == 2
    assert "--creator  is said in a crate; give --crate too" in capsys.readouterr().err
