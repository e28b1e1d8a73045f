"""A manifest is read through a schema: for every key, at every depth, a value of a wrong type is a line and exit 2."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fabricate
import pytest
from tiny_folders import Shared, manifest_of, write_manifest

from sim.cli import main
from sim.store.differing import differing_keys, in_words
from sim.store.manifest import run_mistakes, sweep_mistakes

WRONG = (None, True, 5, -1, 1.5, "x", [], [1, 1], {}, {"a": 1})
FREE = ("assumptions", "base", "default", "values", "X", "counts", "read")  # hold anything at some depth


def told(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[str], list[str]]:
    capsys.readouterr()
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out.splitlines(), said.err.splitlines()


def kind_of(value: Any) -> str:
    """JSON's type of a value; whole numbers and others are told apart."""
    names = {type(None): "null", bool: "bool", int: "int", float: "float", str: "text", list: "list", dict: "dict"}
    return names[type(value)]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key at every depth; of a list its first item."""
    if isinstance(value, dict):
        for key in value if len(value) < 40 else list(value)[:3]:
            yield (*path, key)
            yield from places(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield (*path, 0)
        yield from places(value[0], (*path, 0))


def put(told: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(told)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def at(told: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        told = told[key]
    return told


def is_wrong(old: Any, new: Any) -> bool:
    """Whether a value is surely of another type than the one that a program wrote."""
    kinds = kind_of(old), kind_of(new)
    return kinds[0] not in (kinds[1], "null") and kinds not in (("float", "int"), ("float", "null"))


def verbs(kind: str, folder: Path, file: Path) -> list[list[object]]:
    asked: list[list[object]] = [[verb, folder] for verb in ("report", "verify", "status")]
    if kind == "run":
        return [*asked, ["compare", folder], ["compare", folder, folder], ["fork", folder, "--at", "2", file]]
    return [*asked, ["analyse", folder]]


@pytest.mark.parametrize("kind", ["run", "sweep", "optimise"])
def test_a_wrong_type_at_any_key_is_one_line_for_every_verb(
    kind: str, originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(originals[kind], tmp_path / kind))
    manifest, file = manifest_of(folder), originals[kind].parent / f"{kind}.yaml"
    tried = 0
    for key, old in manifest.items():
        for turn, wrong in enumerate(value for value in WRONG if is_wrong(old, value)):
            write_manifest(folder, manifest | {key: wrong})
            asked = [words for words in verbs(kind, folder, file) if (words[0], kind) != ("analyse", "optimise")]
            for words in asked if turn == 0 else [asked[turn % len(asked)]]:  # every key by every verb, and every type
                code, out, err = told(capsys, *words)
                assert (code, out, len(err)) == (2, [], 1), (key, wrong, words[0], code, err)
                assert str(folder) in err[0]
                tried += 1
    assert tried > 250


@pytest.mark.parametrize("kind", ["run", "sweep", "optimise"])
def test_a_wrong_type_inside_a_value_is_refused(kind: str, originals: Shared) -> None:
    manifest = manifest_of(originals[kind])
    look = run_mistakes if kind == "run" else sweep_mistakes
    assert look("m", manifest) == []
    tried = 0
    for path in places(manifest):
        if len(path) == 1 or set(path) & set(FREE):
            continue
        for wrong in WRONG[1:]:  # null says in many places that something is not known
            if not is_wrong(at(manifest, path), wrong):
                continue
            found, *more = look("m", put(manifest, path, wrong)) or [None]
            assert found is not None, (path, wrong)
            assert more == []
            assert found.path.split(".")[0].split("[")[0] == path[0], (path, wrong, found)
            tried += 1
    assert tried > 100


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"seeds": [1, 1]},
            "seeds: damaged: [1, 1] is not what this program writes; should be a list of different "
            "whole numbers from 0",
        ),
        ({"seeds": []}, "seeds: damaged: [] is not what"),
        ({"seeds": [1]}, "runs: damaged: 4 runs, finished or failed, of 2 arms and 1 seeds; should be each arm"),
        ({"seeds": [1, 2, 3]}, "runs: damaged: 4 runs"),
        ({"currency": 5}, "currency: damaged: 5 is not what this program writes; should be text"),
        ({"packages": ["numpy"]}, "packages: damaged"),
        ({"packages": {"numpy": 2}}, "packages.numpy: damaged: 2 is not"),
        ({"assumptions": "none"}, "assumptions: damaged"),
        ({"assumptions": {"months": 5}}, "assumptions.months: damaged: 5"),
        ({"failed": 3}, "failed: damaged"),
        ({"failed": ["seed 1"]}, "failed[0]: damaged"),
        ({"peak_memory_mb": "much"}, "peak_memory_mb: damaged"),
        ({"stopping": "enough"}, "stopping: damaged"),
        ({"stopping": {"kpi": "npv"}}, "stopping.half_width: damaged: missing"),
        ({"discount_rate": float("nan")}, "discount_rate: damaged: NaN is not"),
        ({"months": 0}, "months: damaged: 0 is not what this program writes; should be a whole number from 1"),
        ({"arms": ["nothing", "nothing"]}, "arms: damaged"),
        ({"status": "fine"}, "status: damaged"),
        ({"tables": ["monthly"]}, "tables: damaged"),
        ({"format": 7}, "not the manifest of a run"),
        ({"format_version": True}, "format_version True; this program reads 1"),
    ],
)
def test_named_cases_of_a_run(
    changes: dict[str, Any], says: str, originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(originals["run"], tmp_path / "run"))
    write_manifest(folder, manifest_of(folder) | changes)
    for words in verbs("run", folder, originals["run"].parent / "run.yaml"):
        code, out, err = told(capsys, *words)
        assert (code, out, len(err)) == (2, [], 1), (words, err)
        assert says in err[0], words


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tasks": "many"}, "tasks: damaged"),
        ({"tasks": -1}, "tasks: damaged"),
        ({"failed": []}, "failed: damaged"),
        ({"failed": 13}, "failed: damaged: with crashed more than the 12 tasks"),
        ({"design": 5}, "design: damaged: 5 is not what"),
        ({"design": {"all": []}}, "design: damaged"),
        ({"design": {"all": {"design": "saltelli", "rows": [0]}}}, "design: damaged"),
        ({"design": {"all": {"design": "morris", "rows": "all"}}}, "design.rows: damaged"),
        ({"parameters": [{"path": "x"}]}, "parameters[0].kind: damaged: missing"),
        ({"kind": 5}, "kind: damaged"),
        ({"kind": "survey"}, "kind: damaged"),
        ({"seeds": []}, "seeds: damaged"),
    ],
)
def test_named_cases_of_a_sweep(
    changes: dict[str, Any], says: str, originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(originals["sweep"], tmp_path / "sweep"))
    write_manifest(folder, manifest_of(folder) | changes)
    for words in verbs("sweep", folder, originals["sweep"].parent / "sweep.yaml"):
        code, out, err = told(capsys, *words)
        assert (code, out, len(err)) == (2, [], 1), (words, err)
        assert says in err[0], words


@pytest.mark.parametrize("name", ["candidates", "front", "confirmed", "winner"])
@pytest.mark.parametrize("how", ["a column gone", "rows gone", "words for numbers", "empty"])
def test_tables_of_an_optimisation_are_looked_at(
    name: str, how: str, originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas as pd

    folder = Path(shutil.copytree(originals["optimise"], tmp_path / "optimise"))
    file = folder / "optimise" / f"{name}.csv"
    table = pd.read_csv(file)
    number = {"confirmed": "search", "winner": "difference"}.get(name, "npv")
    if how == "a column gone":
        table = table.drop(columns=number)
    elif how == "rows gone":
        table = table.iloc[:0]
    elif how == "words for numbers":
        table[number] = "much"
    table.to_csv(file, index=False)
    if how == "empty":
        file.write_text("", "utf-8")
    code, out, err = told(capsys, "report", folder)
    if how == "rows gone" and name in ("candidates", "front"):  # nothing is lost but what was there to show
        assert (code, len(err)) == (0, 1)
        assert "no longer what was written" in err[0]
    else:
        assert (code, out, len(err)) == (2, [], 1)
        assert err[0].startswith(str(file))


def test_what_a_later_edition_says_besides_is_no_damage(originals: Shared) -> None:
    for kind, look in (("run", run_mistakes), ("sweep", sweep_mistakes), ("optimise", sweep_mistakes)):
        assert look("m", manifest_of(originals[kind]) | {"survey": {"a": [1]}, "legend": None}) == []


def test_the_least_that_a_caller_writes_is_enough() -> None:
    assert run_mistakes("m", fabricate.manifest() | {"status": "running"}) == []


def test_resume_names_the_keys_that_differ(
    originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = originals["run"].parent / "run.yaml"
    out = Path(shutil.copytree(originals["run"], tmp_path / "out"))
    write_manifest(out, manifest_of(out) | {"status": "interrupted"})
    before = (out / "manifest.json").read_bytes()
    for words, says in (
        (["--seeds", "3"], "of another scenario: seeds [1, 2], not "),
        (["--months", "14"], "of another scenario: months 13, not 14; resume with the same scenario"),
        (
            ["--set", "population.customers=700", "--set", "discount_rate=0.2"],
            "of another scenario: discount_rate 0.1, not 0.2; population.customers 600, not 700; resume",
        ),
        (["--arms", "nothing"], "of other arms: nothing, digital, not nothing; resume with the same scenario"),
        (["--set", "record.panel=0"], "of another scenario: record.panel 5, not 0; resume"),
    ):
        code, said, err = told(capsys, file, "--out", out, "--resume", *words)
        assert (code, said, len(err)) == (2, [], 1)
        assert says in err[0]
        assert "digest" not in err[0]
    assert (out / "manifest.json").read_bytes() == before


def test_resume_of_a_sweep_names_the_keys_that_differ(originals: Shared, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = originals["sweep"].parent / "sweep.yaml", originals["sweep"]
    for words, says in (
        (["--months", "14"], "of another scenario: months 13, not 14; resume with the same"),
        (["--arms", "nothing"], "of other arms: nothing, digital, not nothing; resume with the same"),
    ):
        code, said, err = told(capsys, file, "--out", out, "--resume", *words)
        assert (code, said, len(err)) == (2, [], 1)
        assert says in err[0]


def test_a_folder_of_another_kind_is_one_line(originals: Shared, capsys: pytest.CaptureFixture[str]) -> None:
    run, sweep, optimise = (originals[kind] for kind in ("run", "sweep", "optimise"))
    files = {folder: folder.parent / f"{folder.name}.yaml" for folder in (run, sweep, optimise)}
    for file, folder, says in (
        (files[run], sweep, "holds a sweep of tiny, not a single run"),
        (files[run], optimise, "holds a sweep of tiny, not a single run"),
        (files[sweep], run, "holds a single run of tiny, not a sweep"),
    ):
        for more in ([], ["--resume"], ["--overwrite"]):
            code, said, err = told(capsys, file, "--out", folder, *more)
            assert (code, said, err) == (2, [], [f"{folder}  {says}; name a new or empty folder"])


def test_a_key_that_one_side_leaves_out_is_said_so() -> None:
    found = differing_keys("a: 1\nb: 2\n", "b: 3\nc: [4]\n")
    assert in_words(found) == "a 1, not left out; b 2, not 3; c left out, not [4]"
