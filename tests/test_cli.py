"""The command line as a user meets it: exit codes, what is printed where, what is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from sim.cli import main
from sim.store.run_reading import read
from sim.store.seals import seal_of

ROOT = Path(__file__).parent.parent
TINY = ["--set", "population.customers=400", "--set", "burn_in=2", "--months", "14", "--seeds", "2", "--threads", "1"]


def run_py(*words: str, cwd: Path = ROOT, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *words], cwd=cwd, capture_output=True, text=True, check=False, **more
    )  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["scenarios/quick.yaml", *TINY, "--out", str(out), "--quiet"]) == 0
    return out


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_a_run_leaves_every_file_that_was_promised(folder: Path) -> None:
    promised = [
        "scenario.yaml",
        "manifest.json",
        "monthly.parquet",
        "bank.parquet",
        "transitions.parquet",
        "cohorts.parquet",
        "managers.parquet",
        "summary.csv",
        "report.html",
        "figures",
    ]
    assert [name for name in promised if not (folder / name).exists()] == []
    assert not (folder / "parts").exists()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["status"] == "done"
    for key in (
        "run_id",
        "created",
        "code_version",
        "scenario_digest",
        "seeds",
        "packages",
        "platform",
        "threads",
        "customer_months_per_second",
        "peak_memory_mb",
        "result_digest",
        "arm_digests",
    ):
        assert manifest[key], key


@pytest.mark.long
def test_the_first_word_that_is_no_verb_is_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["scenarios/quick.yaml", *TINY, "--quiet", "--out"]
    assert main([*words, str(tmp_path / "a")]) == 0
    assert main(["run", *words, str(tmp_path / "b")]) == 0
    capsys.readouterr()
    digests = [json.loads((tmp_path / name / "manifest.json").read_text())["result_digest"] for name in ("a", "b")]
    assert digests[0] == digests[1]


def test_json_puts_one_object_on_stdout_and_nothing_else(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["scenarios/quick.yaml", *TINY, "--json", "--out", str(tmp_path / "run")]) == 0
    told = json.loads(capsys.readouterr().out)
    stored = pd.read_csv(tmp_path / "run" / "summary.csv")
    assert [row["kpi"] for row in told["summary"]] == list(stored["kpi"])
    assert told["status"] == "done"


@pytest.mark.long
def test_progress_goes_to_stderr_and_quiet_silences_it(tmp_path: Path) -> None:
    loud = run_py("scenarios/quick.yaml", *TINY, "--out", str(tmp_path / "loud"))
    quiet = run_py("scenarios/quick.yaml", *TINY, "--out", str(tmp_path / "quiet"), "--quiet")
    assert "seed 1" in loud.stderr
    assert "seed 1" not in loud.stdout
    assert quiet.stderr == ""
    assert quiet.stdout.replace("quiet", "loud") == loud.stdout


def test_the_resolved_scenario_runs_to_the_same_digest(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert main([str(folder / "scenario.yaml"), "--out", str(again), "--quiet"]) == 0
    first, second = read(folder).manifest, read(again).manifest
    assert first["result_digest"] == second["result_digest"]
    assert first["scenario_digest"] == second["scenario_digest"]


def test_verify_says_the_same_and_notices_a_changed_number(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(folder)]) == 0
    assert len({line.split()[-1] for line in capsys.readouterr().out.splitlines()[:3]}) == 1
    import shutil

    forged = tmp_path / "forged"
    shutil.copytree(folder, forged)
    monthly = pd.read_parquet(forged / "monthly.parquet")
    monthly.loc[3, "aum"] += 1.0
    monthly.to_parquet(forged / "monthly.parquet", index=False)
    assert main(["verify", str(forged)]) == 1
    (forged / "monthly.parquet").write_bytes(b"PAR1 nonsense")
    assert main(["verify", str(forged)]) == 2
    assert main(["verify", str(tmp_path / "nowhere")]) == 2


@pytest.mark.long
def test_report_rebuilds_the_page_from_stored_tables(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = (folder / "summary.csv").read_bytes()
    (folder / "summary.csv").unlink()
    (folder / "report.html").unlink()
    assert main(["report", str(folder)]) == 0
    capsys.readouterr()
    assert (folder / "summary.csv").read_bytes() == summary
    assert (folder / "report.html").stat().st_size > 10_000


def test_a_folder_that_holds_a_run_is_not_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert main(["scenarios/quick.yaml", *TINY, "--out", str(folder)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.long
def test_several_files_get_a_folder_each(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(f"extends: {ROOT / 'scenarios' / 'quick.yaml'}\nname: other\n", "utf-8")
    out = tmp_path / "both"
    assert main(["scenarios/quick.yaml", str(other), *TINY, "--quiet", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["other", "quick"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "seeds"), [("2", [1, 2]), ("7,", [7]), ("9,4", [4, 9]), ("0,9223372036854775807", [0, 2**63 - 1])]
)
def test_seeds_are_a_number_or_a_list_with_a_comma(text: str, seeds: list[int], tmp_path: Path) -> None:
    words = ["scenarios/quick.yaml", *TINY, "--months", "1", "--seeds", text, "--quiet", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    assert sorted(set(pd.read_parquet(tmp_path / "run" / "monthly.parquet")["seed"])) == seeds


@pytest.mark.parametrize(
    "words",
    [
        ["--seeds", "0"],
        ["--seeds", "1,1,"],
        ["--seeds", "-3"],
        ["--seeds", "1.5"],
        ["--seeds", "x,"],
        ["--months", "0"],
        ["--months", "ten"],
        ["--threads", "0"],
        ["--set", "months"],
        ["--set", "=3"],
        ["--set", "moths=3"],
        ["--arms", "something"],
        ["--arms", ","],
        ["--colour"],
        ["--plugin", "x"],
        ["--resume", "--overwrite"],
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["scenarios/quick.yaml", "--out", str(out), *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert "Traceback" not in told.err
    assert not out.exists()


def test_a_file_that_is_not_there_is_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios/baselin.yaml"]) == 2
    assert "baselin.yaml" in capsys.readouterr().err


def test_an_interrupted_run_keeps_what_was_finished_and_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["scenarios/quick.yaml", "--set", "population.customers=4000", "--seeds", "6", "--threads", "1"]
    words += ["--out", str(out)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, str(ROOT / "run.py"), *words], cwd=ROOT, **pipes)  # type: ignore[call-overload]
    assert process.stderr is not None
    for line in process.stderr:  # wait for a first finished run, however slow the machine
        if "done in" in line:
            break
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert json.loads((out / "manifest.json").read_text())["status"] == "interrupted"
    assert main([*words, "--resume", "--quiet"]) == 0
    whole = tmp_path / "whole"
    assert main([*words[:-1], str(whole), "--quiet"]) == 0
    assert read(out).manifest["result_digest"] == read(whole).manifest["result_digest"]


def test_a_scenario_that_breaks_leaves_the_others_of_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.bank.model import BankModel

    live = BankModel.run

    def breaks(self: BankModel, told: object = None) -> object:
        if self.scenario.name == "quick":
            raise FloatingPointError("a bank broke")
        return live(self, told)  # type: ignore[arg-type]

    monkeypatch.setattr(BankModel, "run", breaks)
    other = tmp_path / "other.yaml"
    other.write_text(f"extends: {ROOT / 'scenarios' / 'quick.yaml'}\nname: other\n", "utf-8")
    out = tmp_path / "both"
    assert main(["scenarios/quick.yaml", str(other), *TINY, "--quiet", "--out", str(out)]) == 1
    assert "a bank broke" in capsys.readouterr().err
    assert read(out / "other").manifest["status"] == "done"


def test_the_word_to_stop_of_a_batch_system_is_an_interruption(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["scenarios/quick.yaml", "--set", "population.customers=4000", "--seeds", "9", "--threads", "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, str(ROOT / "run.py"), *words, "--out", str(out)], cwd=ROOT, **pipes)  # type: ignore[call-overload]
    assert process.stderr is not None
    for line in process.stderr:
        if "done in" in line:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 130
    assert json.loads((out / "manifest.json").read_text())["status"] == "interrupted"


def test_verify_says_when_the_run_was_made_by_other_code(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    old = tmp_path / "old"
    shutil.copytree(folder, old)
    manifest = json.loads((old / "manifest.json").read_text("utf-8"))
    manifest["code_version"] = "0.0.1+gone"
    (old / "manifest.json").write_text(json.dumps(manifest | {"seal": seal_of(manifest)}), "utf-8")
    assert main(["verify", str(old)]) == 0
    assert "0.0.1+gone" in capsys.readouterr().err


@pytest.mark.long
def test_runs_of_one_scenario_are_compared_by_folder_and_arm(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Arm names stay whole, also where folders have the names that runs get by themselves; other banks are said."""
    larger = [word.replace("customers=400", "customers=500") for word in TINY]
    runs = []
    for home, other in (("20261129T075329Z-7dbb84a0", TINY), ("20261129T075426Z-7dbb84a0", larger)):
        out = tmp_path / home
        assert main(["scenarios/quick.yaml", *other, "--out", str(out), "--quiet"]) == 0
        runs.append(str(out))
    arms = json.loads((folder / "manifest.json").read_text("utf-8"))["arms"]
    capsys.readouterr()
    assert main(["compare", *runs]) == 0
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        f"run1 is {runs[0]}; run2 is {runs[1]}",
        f"{runs[1]}: another bank than {runs[0]}: population.customers 500, not 400; differences between their arms "
        "are of the banks too, not of the strategies alone",
    ]
    for arm in arms:
        for run in ("run1", "run2"):
            assert f"\n{run}/{arm} " in told.out
    months = [word if word != "14" else "13" for word in TINY]
    assert main(["scenarios/quick.yaml", *months, "--out", str(tmp_path / "short"), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["compare", runs[0], str(tmp_path / "short")]) == 2
    assert "months 13, but" in capsys.readouterr().err


@pytest.mark.long
def test_a_run_that_breaks_is_named_and_the_others_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.bank.model import BankModel

    live = BankModel.run

    def breaks(self: BankModel, told: object = None) -> object:
        if self.seed == 2:
            raise FloatingPointError("a bank broke")
        return live(self, told)  # type: ignore[arg-type]

    monkeypatch.setattr(BankModel, "run", breaks)
    out = tmp_path / "run"
    words = ["scenarios/quick.yaml", *TINY, "--seeds", "3", "--out", str(out), "--quiet"]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert "seed 2" in told
    assert "a bank broke" in told
    assert "Traceback" not in told
    assert sorted(set(pd.read_parquet(out / "monthly.parquet")["seed"])) == [1, 3]
    monkeypatch.setattr(BankModel, "run", live)
    assert main([*words, "--resume"]) == 0
    assert sorted(set(pd.read_parquet(out / "monthly.parquet")["seed"])) == [1, 2, 3]


@pytest.mark.parametrize(("called", "name"), [("/venv/bin/rapport", "rapport"), ("run.py", "run.py")])
def test_help_and_mistakes_bear_the_name_that_the_user_typed(
    called: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out.startswith(f"usage: {name} ")
    assert main(["verfy"]) == 2
    assert capsys.readouterr().err.startswith(f"{name}  ")


def test_help_validation_and_the_lists_answer_without_the_heavy_libraries() -> None:
    code = (
        "import sys; from sim.cli import main; main(['validate', 'scenarios/quick.yaml']);"
        "heavy = {'numba', 'mesa', 'pandas', 'matplotlib', 'scipy'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_list_and_schema_tell_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    for word in ("strategies", "bank_b", "cmb_2021", "attrition_annual", "npv"):
        assert word in told
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"name", "months", "population", "model", "arms"} <= set(schema["properties"])


def test_every_shipped_scenario_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    own = [str(path) for path in sorted(Path("scenarios").glob("*.yaml")) if "SIM_DATA" not in path.read_text()]
    whole = [path for path in own if "--set population.file" not in Path(path).read_text()]
    assert main(["validate", *whole]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len([line for line in told if " is in order: " in line]) == len(whole) >= 4
    more = [line.split(": ")[1] for line in told if " is in order: " not in line]
    kinds = [word for word in more if word not in ("extends", "beliefs")]
    assert kinds == ["optimise", "book", "book", "sweep", "sweep"]
    assert (
        "scenarios/pandemic.yaml: extends: arms: replaces the nine arms of strategies.yaml; left out: "
        "thinking_and_tools, safeguards, everything" in told
    )


def test_the_real_savings_book_reproduces_its_tiers_and_money(tmp_path: Path) -> None:
    book = Path(os.environ.get("SIM_DATA_DIR", ROOT.parent / "shared" / "data")) / "savings_churn" / "customers.csv.gz"
    if not book.exists():
        pytest.skip(f"no real data at {book}; SIM_DATA_DIR names its folder")
    out = tmp_path / "run"
    words = ["scenarios/savings_churn.yaml", "--set", f"population.file={book}", "--months", "3", "--seeds", "1,"]
    assert main([*words, "--out", str(out), "--quiet"]) == 0
    run = read(out)
    start = run.monthly[run.monthly["month"] == 0].set_index("tier")
    money = pd.read_csv(book)["average_monthly_balance_prevQ"]
    bounds = [0, 16_000, 50_000, 250_000, float("inf")]
    for tier, low, high in zip(["mass", "affluent", "wealth", "private"], bounds, bounds[1:], strict=False):
        mine = money[(money >= low) & (money < high)]
        assert start.loc[tier, "customers"] == len(mine)
        kept = mine.astype("float32").astype(float)  # as a customer's column holds it: to one part in 16 million
        assert kept.sum() == pytest.approx(mine.sum(), rel=1e-8)
        fen = (kept * 100 + 0.5) // 1  # half a fen counts up
        assert start.loc[tier, "aum"] == pytest.approx(fen.sum() / 100, abs=1e-6)
    told = run.manifest["book"]
    assert set(told["read"]) == {"id", "aum", "age", "tenure_months"}
    assert "products" in told["imputed"]
    assert "share_of_wallet" in told["imputed"]


def test_the_reference_page_is_the_one_in_the_docs(capsys: pytest.CaptureFixture[str]) -> None:
    """Refresh with: python run.py schema --markdown > docs/scenario-reference.md"""
    assert main(["schema", "--markdown"]) == 0
    assert capsys.readouterr().out == Path("docs/scenario-reference.md").read_text("utf-8")


def test_every_number_of_the_model_has_a_unit_and_a_source() -> None:
    from pydantic import BaseModel

    from sim.assumptions import described
    from sim.scenario.scenario import Scenario

    def numbers(section: type[BaseModel], path: str) -> list[str]:
        bare = []
        for name, field in section.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                bare += numbers(kind, f"{path}{name}.")
                continue
            facts = described(field) or field.json_schema_extra or {}
            if (kind in (int, float) and not facts.get("unit")) or not facts.get("source", "said"):
                bare.append(path + name)
        return bare

    assert [name for name in numbers(Scenario, "") if not name.endswith("seeds.first")] == []


def test_compare_pairs_arms_of_stored_runs(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    restless = tmp_path / "restless.yaml"
    restless.write_text(
        f"extends: {ROOT / 'scenarios' / 'quick.yaml'}\nname: restless\n"
        "model: {hazards: {mass: {dormant: 0.03}}}\n",
        "utf-8",
    )
    other = tmp_path / "other"
    assert main([str(restless), *TINY, "--out", str(other), "--quiet"]) == 0
    capsys.readouterr()
    table = tmp_path / "comparison.csv"
    assert main(["compare", str(folder), str(other), "--json", "--out", str(table)]) == 0
    told = json.loads(capsys.readouterr().out)
    gap = {row["kpi"]: row["difference"] for row in told["comparison"]}
    paired = [run.summary.set_index("kpi")["mean"]["attrition_annual[mass]"] for run in (read(folder), read(other))]
    assert gap["attrition_annual[mass]"] == pytest.approx(paired[1] - paired[0])
    assert gap["attrition_annual[mass]"] > 0.05
    assert list(pd.read_csv(table)["kpi"]) == [row["kpi"] for row in told["comparison"]]


def test_compare_refuses_what_does_not_belong_together(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "alone"
    assert main(["scenarios/quick.yaml", *TINY, "--seeds", "5,6", "--out", str(alone), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["compare", str(folder), str(alone)]) == 2
    assert "same seeds" in capsys.readouterr().err
    assert main(["compare", str(folder)]) == 2
    assert main(["compare", str(tmp_path)]) == 2


def test_files_of_one_name_are_told_by_the_files_that_bear_it(tmp_path: Path, capsys) -> None:
    """A file that cannot be read stands before them and shifts nobody."""
    for name, text in {"a": "name: x\nmonhts: 1\n", "b": "name: same\n", "c": "name: same\n"}.items():
        (tmp_path / f"{name}.yaml").write_text(text + "arms: {nothing: []}\n", "utf-8")
    assert main(["validate", *(str(tmp_path / f"{name}.yaml") for name in "abc")]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if "names two scenarios" in line]
    assert [line.split("  ")[0] for line in told] == [str(tmp_path / "b.yaml"), str(tmp_path / "c.yaml")]
