"""A user without a checkout: scenarios by name, a folder to begin in, and the wheel in an environment of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from sim import shipping
from sim.cli import main
from sim.yaml_source import load

ROOT = Path(__file__).parent.parent
NEED_A_FILE = ("bankchurners", "berka", "savings_churn")  # books that are not part of the program
SMALL = ["--set", "population.customers=400", "--set", "burn_in=2", "--months", "8", "--seeds", "1", "--threads", "1"]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_init_writes_what_is_shipped_and_a_scenario_to_start_from(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "mine"]) == 0
    told = capsys.readouterr().out.splitlines()
    written = sorted(str(path) for path in Path("mine").rglob("*") if path.is_file())
    assert sorted(told[: len(written)]) == written
    assert told[-1].endswith(" run mine/my_scenario.yaml")
    assert {Path(name).stem for name in written if name.endswith(".yaml")} == {*shipping.names(), "my_scenario"}
    for name in written:
        if (shipped := ROOT / "scenarios" / Path(name).relative_to("mine")).exists():
            assert Path(name).read_bytes() == shipped.read_bytes()
    mine = [str(path) for path in Path("mine").glob("*.yaml") if path.stem not in NEED_A_FILE]
    assert main(["validate", *mine]) == 0


def test_every_line_that_waits_behind_a_comment_sign_is_in_order(empty: Path) -> None:
    assert main(["init", "."]) == 0
    about, text = re.split(r"(?=^extends:)", Path("my_scenario.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert about.startswith("# ")
    text, lines = re.subn(r"^( *)# ", r"\1", text, flags=re.MULTILINE)
    assert lines >= 9
    Path("all.yaml").write_text(text, encoding="utf-8")
    assert main(["validate", "all.yaml"]) == 0
    Path("all.yaml").write_text(text.replace("hours_per_month", "hours"), encoding="utf-8")
    assert main(["validate", "all.yaml"]) == 2


def test_init_replaces_nothing_unless_asked(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("quick.yaml").write_text("mine")
    assert main(["init", "."]) == 2
    assert capsys.readouterr().err == ".  holds quick.yaml already; another folder, or --overwrite\n"
    assert [path.name for path in empty.iterdir()] == ["quick.yaml"]
    assert main(["init", ".", "--overwrite"]) == 0
    assert Path("quick.yaml").read_text(encoding="utf-8") == (ROOT / "scenarios/quick.yaml").read_text(encoding="utf-8")
    assert main(["init", "quick.yaml"]) == 2
    assert main(["init", "quick.yaml/below"]) == 2
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.long
def test_a_shipped_scenario_is_run_by_its_name(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "quick", *SMALL]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"quick: {shipping.folder() / 'quick.yaml'}, which comes with the program"
    (run,) = (empty / "results" / "quick").iterdir()
    assert (run / "report.html").exists()
    assert main(["quick", *SMALL, "--quiet", "--out", "quick"]) == 0  # without the verb; now a folder has the name
    assert main(["validate", "quick", "customer_book"]) == 0  # a book is found beside its scenario
    assert "2,000 customers" in capsys.readouterr().out


def test_a_file_here_comes_before_a_shipped_one(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("quick").write_text("{name: mine, arms: {nothing: []}}")
    assert main(["validate", "quick"]) == 0
    out, err = capsys.readouterr()
    assert "quick: mine is in order" in out
    assert err == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("quik", "did you mean quick?"),
        ("baseline.yaml", "did you mean baseline?"),
        ("scenarios/targeting.yaml", "did you mean targeting?"),
        ("frob", "a name among bankchurners, baseline, "),
    ],
)
def test_an_unknown_name_is_answered_with_those_there_are(
    empty: Path, capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    assert main(["run", name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{name}  no such file; ")
    assert says in line


def test_what_a_file_extends_may_be_shipped(empty: Path) -> None:
    Path("mine.yaml").write_text("{extends: quick, name: mine}")
    assert load("mine.yaml").files == ("mine.yaml", *load("quick").files)
    Path("quick").write_text("{name: here}")
    assert load("mine.yaml").files == ("mine.yaml", "quick")


@pytest.mark.long
def test_the_wheel_works_from_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Source archive, wheel out of it, a new environment: nothing of the checkout is within reach."""
    said: dict[str, str] = {}

    def does(*words: str | Path) -> str:
        clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(
            [str(word) for word in words], cwd=empty, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        said["err"] = done.stderr
        return done.stdout

    empty = tmp_path / "empty"
    empty.mkdir()
    does(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert len(list((tmp_path / "dist").glob("*.tar.gz"))) == 1
    venv.create(tmp_path / "venv", with_pip=True)
    python, rapport = (tmp_path / "venv" / "bin" / name for name in ("python", "rapport"))
    does(python, "-m", "pip", "install", "--quiet", wheel)

    where = does(python, "-c", "import sim; print(sim.__file__)").strip()
    assert where.startswith(str(tmp_path / "venv"))
    assert (Path(where).parent / "py.typed").exists()
    assert "init" in does(rapport, "--help")
    assert "rapport run x/my_scenario.yaml" in does(rapport, "init", "x")
    does(rapport, "validate", "x/my_scenario.yaml", "customer_book")
    does(rapport, "run", "quick")
    assert f"quick: {Path(where).parent}" in said["err"]
    (run,) = (empty / "results" / "quick").iterdir()
    told = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(ROOT / "scenarios/quick.yaml"), "--quiet", "--out", "checkout"]) == 0
    here = json.loads((tmp_path / "checkout" / "manifest.json").read_text(encoding="utf-8"))
    assert told["result_digest"] == here["result_digest"]
    assert does(rapport, "verify", run).splitlines()[-1] == "the same"
    (run / "report.html").unlink()
    does(rapport, "report", run)
    assert (run / "report.html").stat().st_size > 100_000
    does(rapport, "run", "x/my_scenario.yaml", *SMALL, "--quiet")
