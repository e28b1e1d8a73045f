"""The sign-off file says what is known of a run, what is not, and what is wrong with it; nothing is left out."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import browser
import pandas as pd
import pytest
from rocrate.rocrate import ROCrate
from test_crate import graph_of, unpack
from tiny_folders import Shared, alter, manifest_of, write_manifest

import sim
from sim.calibration.posterior import read_posterior
from sim.calibration.stored import read_calibrated
from sim.cli import main
from sim.store.seals import file_digest
from sim.store.sign_off_columns import SIGNED_OFF, STANDINGS
from sim.validation.stored import shipped

SECTIONS = (
    "Purpose and scope",
    "Owner, users, materiality",
    "Conceptual soundness",
    "Data",
    "Assumption register",
    "Outcomes analysis: facts met and missed",
    "Calibration and its checks",
    "Results: verdicts, as to luck and as to beliefs",
    "Sensitivity",
    "Limits of use",
    "Ongoing monitoring",
    "Digests, versions, and how to verify",
    "Change log",
    "Sign-off",
)


def sign_off(run: Path, out: Path, *more: str) -> Path:
    assert main(["sign-off", str(run), "--out", str(out), *more, "--quiet"]) == 0
    return out


def text_of(folder: Path) -> str:
    """The words of a page on one line."""
    page = (folder / "sign_off.html").read_text("utf-8").split("</style>")[1]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


@pytest.fixture(scope="module")
def run(originals: Shared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(originals["run"], tmp_path_factory.mktemp("sign") / "run"))


@pytest.fixture(scope="module")
def signed(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sign_off(run, tmp_path_factory.mktemp("out") / "file")


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


# ------------------------------------------------------------------------------------------------------- the page


def test_the_page_has_every_section_and_asks_for_nothing_from_anywhere(signed: Path) -> None:
    page = (signed / "sign_off.html").read_text("utf-8")
    found = re.findall(r"<h2 [^>]*>(\d+) (.*?)</h2>", page)
    assert [title for _, title in found] == list(SECTIONS)
    assert [int(number) for number, _ in found] == list(range(1, 15))
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "<script" not in page


def test_it_says_what_is_asked_first(signed: Path, run: Path) -> None:
    text = text_of(signed)
    assert "Integrity. Every file is as the run wrote it" in text
    assert "The numbers were not lived again" in text
    record = shipped().record
    assert f"Facts. {record['met']} of {record['of']} hold" in text
    assert "Calibration. No calibration was handed in." in text
    assert "Sensitivity. Over the run's own worlds" in text
    manifest = manifest_of(run)
    for fact in (manifest["result_digest"], manifest["scenario_digest"], manifest["code_version"], "numba"):
        assert fact in text
    assert f"verify {run}" in text


def test_every_number_of_the_scenario_is_in_the_register_with_where_it_comes_from(signed: Path, run: Path) -> None:
    table = pd.read_csv(signed / "register.csv", keep_default_na=False)
    assert list(table.columns) == list(SIGNED_OFF["register"].names)
    known = manifest_of(run)["assumptions"]
    numbers = {path for path, facts in known.items() if {"source", "default"} <= set(facts)}
    assert len(numbers) > 200
    paths = set(table["path"])
    for path in numbers:
        assert path in paths or any(one.startswith(f"{path}.") for one in paths), path
    engagement = table[table["path"] == "model.leaving.engagement"].iloc[0]
    assert (engagement["standing"], engagement["unit"], engagement["value"]) == ("fitted", "log HR/SD", "-0.8")
    assert not engagement["untested"]
    wealth = table[table["path"] == "model.wealth.sd"].iloc[0]
    assert (wealth["source"], wealth["standing"], wealth["untested"]) == ("assumption", "assumption", True)
    assert (float(wealth["plausible_low"]), float(wealth["plausible_high"])) == (0.05, 0.2)
    assert {one for one in table["standing"] if one} <= set(STANDINGS)
    page = (signed / "sign_off.html").read_text("utf-8")
    assert all(f"<code>{path}</code>" in page for path in table.loc[table["standing"] != "", "path"])


def test_departures_and_values_outside_their_range_are_named(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nabout: <script>alert(1)</script>\nmonths: 1\nburn_in: 0\nseeds: [1]\n"
        "population: {customers: 500}\nmodel: {wealth: {sd: 0.3}}\n"
        "arms: {digital: [{use: digital_thinking, quality: 0.3}], more: [{use: digital_thinking, quality: 0.4}]}\n",
        "utf-8",
    )
    assert main(["run", str(file), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    out = sign_off(tmp_path / "run", tmp_path / "out")
    table = pd.read_csv(out / "register.csv", keep_default_na=False).set_index("path")
    assert table.loc["model.wealth.sd", ["value", "default", "differs", "outside"]].tolist() == [
        "0.3",
        "0.1",
        True,
        True,
    ]
    assert table.loc["arms.digital.digital_thinking.quality", "value"] == "0.3"
    assert table.loc["arms.more.digital_thinking.quality", "value"] == "0.4"
    assert not table.loc["strategies.digital_thinking.lag", "differs"]
    text = text_of(out)
    assert "model.wealth.sd" in text.split("departs from the defaults")[1].split("The whole register")[0]
    assert "<script>alert" not in (out / "sign_off.html").read_text("utf-8")
    assert "The run has no worlds of beliefs, and no sweep was handed in" in text
    assert "No worlds of beliefs were lived" in text
    assert "No data of a bank: the population is made up" in text


def test_a_run_of_one_arm_has_no_verdict_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text("name: one\nmonths: 1\nburn_in: 0\nseeds: [1]\npopulation: {customers: 500}\n", "utf-8")
    assert main(["run", str(file), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert (
        text_of(sign_off(tmp_path / "run", tmp_path / "out")).count("nothing is compared and there is no verdict") == 2
    )


def test_facts_missed_stand_with_what_is_known_of_them(signed: Path) -> None:
    text = text_of(signed)
    for one in shipped().record["facts"]:
        assert one["claim"] in text
        if one["verdict"] != "holds":
            assert f"{one['fact']} ({one['verdict']})." in text
            assert one["note"][:60].replace("`", "") in text if one["note"] else "Not yet explained." in text


# ------------------------------------------------------------------------------------------------- what is wrong


def test_a_changed_run_is_said_in_the_first_lines_and_in_the_crate(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alter(copied / "bank.parquet")
    assert main(["sign-off", str(copied), "--out", str(tmp_path / "out"), "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["whole"] is False
    assert "bank.parquet changed" in told["integrity"]
    assert "bank.parquet changed" in captured.err
    text = text_of(tmp_path / "out")
    assert "This folder is not what the run wrote" in text.split("At a glance")[0]
    folder = unpack(Path(told["crate"]), tmp_path / "opened")
    assert "This folder is not what the run wrote" in (folder / "ro-crate-preview.html").read_text("utf-8")


def resealed(folder: Path, *names: str, **more: Any) -> None:
    """The folder as somebody leaves it who changed files and seals anew."""
    told = manifest_of(folder) | more
    told["files"] |= {name: file_digest(folder / name) for name in names}
    write_manifest(folder, told, sealed=True)


def test_key_figures_that_were_changed_and_sealed_anew_are_found(copied: Path, tmp_path: Path) -> None:
    alter(copied / "summary.csv")
    resealed(copied, "summary.csv")
    assert "summary.csv is not what the stored tables come to" in text_of(sign_off(copied, tmp_path / "out"))


@pytest.mark.parametrize("damage", [b"arm,kpi\none\n", b"\xff\xfe\x00broken"])
def test_key_figures_that_cannot_be_read_are_said_and_taken_from_the_tables(
    copied: Path, signed: Path, tmp_path: Path, damage: bytes
) -> None:
    (copied / "summary.csv").write_bytes(damage)
    text = text_of(sign_off(copied, tmp_path / "out"))
    first = text.split("At a glance")[0]
    assert "summary.csv changed" in first
    assert "summary.csv cannot be read" in first
    results = "8 Results"
    assert (
        text.split(results)[-1].split("9 Sensitivity")[0]
        == text_of(signed).split(results)[-1].split("9 Sensitivity")[0]
    )


def test_results_that_were_changed_and_sealed_anew_are_found(copied: Path, tmp_path: Path) -> None:
    alter(copied / "monthly.parquet")
    resealed(copied, "monthly.parquet")
    text = text_of(sign_off(copied, tmp_path / "out"))
    assert "monthly.parquet does not have the result digest that manifest.json states" in text


def test_a_manifest_that_says_otherwise_than_its_scenario_is_found(copied: Path, tmp_path: Path) -> None:
    resealed(copied, discount_rate=0.01)
    assert "manifest.json has discount_rate 0.01" in text_of(sign_off(copied, tmp_path / "out"))


def test_what_could_not_be_asked_is_said(copied: Path, tmp_path: Path) -> None:
    told = manifest_of(copied)
    for key in ("files", "seal"):
        del told[key]
    told["code_version"] = "0.0.1+000000000000"
    told["assumptions"] = {}
    write_manifest(copied, told)
    out = sign_off(copied, tmp_path / "out")
    text = text_of(out)
    assert "stored before files were sealed" in text
    assert "made by another version of the program" in text
    assert "units, ranges and sources are those that this version of the program declares" in text
    table = pd.read_csv(out / "register.csv", keep_default_na=False).set_index("path")
    assert table.loc["model.wealth.sd", "source"] == "assumption"


# --------------------------------------------------------------------------------------------- what is handed in


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of calibrate: a toy of known answers, fitted."""
    folder = tmp_path_factory.mktemp("calibrated")
    file = folder / "toy.yaml"
    file.write_text("name: toy\nstudy: tests.calibration_toys:GAUSS\nsamples: 500\nfits: 20\ndraws: 300\n", "utf-8")
    assert main(["calibrate", str(file), "--out", str(folder / "toy"), "--quiet"]) == 0
    return folder / "toy"


def test_a_calibration_is_told_with_what_it_learned_and_its_checks(run: Path, calibrated: Path, tmp_path: Path) -> None:
    found = read_calibrated(calibrated)
    out = sign_off(run, tmp_path / "out", "--calibration", str(calibrated))
    text = text_of(out)
    passed = int(found.checks["passed"].sum())
    assert f"“toy”: {passed} of {len(found.checks)} checks passed, 20 fits of known answers" in text
    assert found.record["digest"] in text
    own = text.split("7 Calibration")[1].split("8 Results")[0]
    for row in found.identifiability.to_dict("records"):
        assert row["parameter"] in own
        assert row["verdict"] in own
    for target in found.fit["target"]:
        assert f"{target} fitted" in own
    for about in found.checks["about"]:
        assert " ".join(about.split()) in own
    assert f"{found.draws['economics.p0'].mean():.3g} (" in own
    assert "No calibration was handed in" not in text
    crate = unpack(out / "sign_off.crate.zip", tmp_path / "opened")
    assert (crate / "calibration" / "toy" / "fit.csv").read_bytes() == (calibrated / "fit.csv").read_bytes()


def test_a_calibration_that_failed_a_check_or_was_changed_looks_bad(
    run: Path, calibrated: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(calibrated, tmp_path / "toy"))
    file = folder / "checks.csv"
    file.write_text(file.read_text("utf-8").replace("True", "False", 1), "utf-8")
    out = sign_off(run, tmp_path / "out", "--calibration", str(folder))
    text = text_of(out)
    assert "its folder is no longer what was written (checks.csv changed)" in text
    assert "so its numbers are not to be relied on" in text.split("1 Purpose")[0]
    assert "<strong>no</strong>" in (out / "sign_off.html").read_text("utf-8")
    assert re.search(r'<li class="bad"><p><span class="word">Calibration', (out / "sign_off.html").read_text("utf-8"))


def test_a_posterior_whose_calibration_is_absent_is_named(copied: Path, tmp_path: Path) -> None:
    drawn = [{"name": "own-book", "digest": "e" * 64, "parameters": ["model.wealth.sd"]}]
    resealed(copied, posteriors=drawn)
    out = sign_off(copied, tmp_path / "out")
    text = text_of(out)
    assert "takes numbers from “own-book”, whose calibration was not handed in" in text
    table = pd.read_csv(out / "register.csv", keep_default_na=False).set_index("path")
    assert table.loc["model.wealth.sd", ["calibrated", "untested"]].tolist() == ["own-book", False]


def test_a_posterior_that_is_not_the_calibrations_is_named(calibrated: Path, copied: Path, tmp_path: Path) -> None:
    own = {
        "name": "toy",
        "digest": read_posterior(calibrated / "posterior.yaml").digest,
        "parameters": ["economics.p0"],
    }
    resealed(copied, posteriors=[own])
    said = "The posterior that the run drew from is not that of the folder of “toy”"
    assert said not in text_of(sign_off(copied, tmp_path / "same", "--calibration", str(calibrated)))
    resealed(copied, posteriors=[own | {"digest": "e" * 64}])
    assert said in text_of(sign_off(copied, tmp_path / "other", "--calibration", str(calibrated)))


def test_a_measurement_of_facts_that_is_handed_in_takes_the_place_of_the_shipped(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "facts"
    folder.mkdir()
    found = shipped()
    found.table[found.table["fact"] == "V1"].to_csv(folder / "facts.csv", index=False)
    record = dict(found.record) | {
        "facts": [found.record["facts"][0]],
        "code_version": "0.0.9",
        "created": "2026-01-01",
    }
    (folder / "validation.json").write_text(json.dumps(record), "utf-8")
    text = text_of(sign_off(run, tmp_path / "out", "--validation", str(folder)))
    assert "Facts. 1 of 1 hold" in text
    assert "From the folder facts" in text
    assert "by version 0.0.9 (the run was made by" in text


def test_a_sweep_tells_what_drives_the_result_and_whether_it_fits_the_run(
    run: Path, originals: Shared, tmp_path: Path
) -> None:
    sweep = Path(shutil.copytree(originals["sweep"], tmp_path / "sweep"))
    out = sign_off(run, tmp_path / "out", "--sensitivity", str(sweep))
    text = text_of(out)
    assert "The sweep tiny" in text
    assert "model.hazards.mass.dormant" in text.split("The sweep tiny")[1]
    assert "its arms are others" not in text
    told = manifest_of(sweep)
    write_manifest(sweep, told | {"name": "another"}, sealed=True)
    assert "It is of the scenario another" in text_of(sign_off(run, tmp_path / "two", "--sensitivity", str(sweep)))


# ------------------------------------------------------------------------------------------------ files and words


def test_the_crate_holds_the_run_which_verifies(signed: Path, tmp_path: Path) -> None:
    folder = unpack(signed / "sign_off.crate.zip", tmp_path / "opened")
    crate = ROCrate(folder)
    assert {"sign_off.html", "register.csv", "run/", "README.md"} <= {one.id for one in crate.root_dataset["hasPart"]}
    told = graph_of(folder)
    listed = {name for name, entity in told.items() if entity["@type"] == "File"}
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert listed == there - {"ro-crate-metadata.json", "ro-crate-preview.html"}
    assert (folder / "sign_off.html").read_bytes() == (signed / "sign_off.html").read_bytes()
    assert "verify FOLDER/run" in (folder / "README.md").read_text("utf-8")
    assert main(["verify", str(folder / "run")]) == 0


def test_rows_of_a_banks_own_customers_stay_out_of_the_crate(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text("id,aum\n" + "".join(f"c{i},{i * 900}\n" for i in range(300)))
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nmonths: 1\nseeds: [1]\nrecord: {panel: 5}\n"
        "population: {source: book, file: book.csv, columns: {id: id, aum: aum}}\n",
        "utf-8",
    )
    assert main(["run", str(file), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    out = sign_off(tmp_path / "run", tmp_path / "out")
    folder = unpack(out / "sign_off.crate.zip", tmp_path / "opened")
    assert not (folder / "run").exists()
    text = text_of(out)
    assert "but not the run: it has rows that began as the bank's own customers" in text
    assert manifest_of(tmp_path / "run")["book"]["sha256"] in text


def test_the_library_writes_the_same_page(run: Path, signed: Path, tmp_path: Path) -> None:
    page = sim.open_run(run).sign_off(tmp_path / "out")
    assert page.path.read_text("utf-8") == (signed / "sign_off.html").read_text("utf-8").replace("run.py", "rapport")


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--calibration", "nowhere"], "not a folder of calibrate"),
        (["--validation", "nowhere"], "no measurement of facts"),
        (["--sensitivity", "nowhere"], "holds no sweep"),
    ],
)
def test_what_is_no_folder_of_its_kind_is_refused(
    run: Path, tmp_path: Path, more: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sign-off", str(run), "--out", str(tmp_path / "out"), *more]) == 2
    assert what in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_used_is_not_written_over(
    copied: Path, signed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sign-off", str(copied), "--out", str(signed)]) == 2
    assert "holds a sign-off file; --overwrite to replace it" in capsys.readouterr().err
    assert main(["sign-off", str(copied), "--quiet"]) == 0
    assert (copied / "sign_off" / "sign_off.html").exists()
    assert main(["verify", str(copied)]) == 0  # what was made of a run later belongs to it


@pytest.mark.skipif(browser.CHROMIUM is None, reason="no browser here")
def test_nothing_of_the_page_is_cut_on_a_screen_a_phone_or_a4(signed: Path, tmp_path: Path) -> None:
    page = signed / "sign_off.html"
    for width, paper in ((1280, False), (390, False), (browser.PAPER, True)):
        found = browser.look(page, width, tmp_path, paper=paper)
        assert found.page <= found.width
        assert not found.sticking
        assert not (paper and (found.scrolling or found.shut))
