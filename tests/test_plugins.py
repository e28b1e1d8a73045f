"""Claims about strategies from outside the package: imported only if the command line names them, then as any other."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from test_strategies import facts_of_bank

import sim.strategies
from sim.cli import main
from sim.experiments.prepare import prepare
from sim.experiments.run import Options, run_all
from sim.scenario.reference import json_schema
from sim.scenario.scenario import Scenario
from sim.store.run_reading import read
from sim.strategies import Implementation, Programme, known, load_plugins
from sim.yaml_source import loads

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "docs" / "own_strategy"
SMALL = [
    "--set",
    "population.customers=3000",
    "--set",
    "population.agents=1500",
    "--set",
    "burn_in=2",
    "--months",
    "5",
    "--seeds",
    "2",
    "--threads",
    "1",
    "--quiet",
]
HEAD = "from sim.strategies import Strategy, assumption\n"
GOOD = HEAD + 'class Mine(Strategy):\n    """Mine: does nothing."""\n'


@pytest.fixture(autouse=True)
def _no_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In a folder of its own; modules imported meanwhile are forgotten."""
    monkeypatch.chdir(tmp_path)
    before, path = set(sys.modules), list(sys.path)
    yield
    assert sys.path == path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]
    load_plugins([])


def scenario_of(use: str, *, name: str = "mine.yaml") -> str:
    Path(name).write_text(f"name: mine\narms:\n  nothing: []\n  mine:\n    - use: {use}\n", "utf-8")
    return name


# --- the worked example ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's folder copied outside the repository, and run there as its page says."""
    folder = tmp_path_factory.mktemp("elsewhere") / "own_strategy"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    done = at(folder, "own_strategy.yaml", "--plugin", "fee_waiver", *SMALL, "--out", "run")
    assert done.returncode == 0, done.stderr
    return folder


def at(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The front door, called in a folder."""
    run_py = [sys.executable, str(ROOT / "run.py"), *words]
    return subprocess.run(run_py, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_the_example_runs_from_a_folder_outside_and_acts(example: Path) -> None:
    run = read(example / "run")
    assert run.manifest["status"] == "done"
    monthly = run.monthly
    cost = monthly.groupby("arm", sort=False)["strategy_cost"].sum()
    assert cost["nothing"] == 0
    assert cost["waiver_and_people"] > cost["waiver"] > 0
    bank = pd.read_parquet(example / "run" / "bank.parquet").query("arm == 'waiver' and month == 5")
    curve = 1 / (1 + 2.718281828459045 ** (-0.35 * (5 - 3)))
    assert bank["maturity[fee_waiver:FeeWaiver]"].iloc[0] == pytest.approx(0.6 * curve)
    assert (example / "run" / "report.html").stat().st_size > 10_000


def test_its_manifest_names_the_file_its_results_hang_on(example: Path) -> None:
    manifest = json.loads((example / "run" / "manifest.json").read_text("utf-8"))
    digest = hashlib.sha256((example / "fee_waiver.py").read_bytes()).hexdigest()
    assert manifest["plugins"] == [{"module": "fee_waiver", "file": "fee_waiver.py", "file_digest": digest}]
    assert manifest["code_version"].endswith(f"+fee_waiver.{digest[:12]}")


def test_its_resolved_scenario_reads_back_to_the_same_digest_and_rows(example: Path, monkeypatch) -> None:
    monkeypatch.chdir(example)
    stored = json.loads(Path("run/manifest.json").read_text("utf-8"))
    assert 'use: "fee_waiver:FeeWaiver"' in Path("run/scenario.yaml").read_text("utf-8")
    load_plugins(["fee_waiver"])
    (outcome,) = run_all(prepare(["run/scenario.yaml"]), Options(out=Path("again"), threads=1))
    again = outcome.run.manifest
    for key in ("scenario_digest", "result_digest", "arm_digests"):
        assert again[key] == stored[key], key


@pytest.mark.long
def test_verify_needs_the_plugin_and_says_which_and_report_does_not(example: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(example)
    assert main(["verify", "run"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2  # two arms use it
    assert told[0].startswith("run/scenario.yaml:")
    assert told[0].endswith("imported only if the command line names it: --plugin fee_waiver")
    assert main(["verify", "run", "--plugin", "fee_waiver", "--threads", "1"]) == 0
    assert main(["report", "run"]) == 0
    assert main(["compare", "run", "--json"]) == 0


@pytest.mark.long
def test_a_changed_file_is_other_code(example: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(example, folder)
    file = folder / "fee_waiver.py"
    file.write_text(file.read_text("utf-8") + "\n# a word more\n", "utf-8")
    done = at(folder, "verify", "run", "--plugin", "fee_waiver", "--threads", "1")
    assert done.returncode == 0
    assert "made by other code" in done.stderr


def test_list_and_schema_show_it_once_it_is_named(monkeypatch, capsys) -> None:
    monkeypatch.chdir(EXAMPLE)
    assert main(["list", "--plugin", "fee_waiver"]) == 0
    assert "  fee_waiver:FeeWaiver       Fee waiver: no account fee" in capsys.readouterr().out
    assert main(["schema", "--markdown", "--plugin", "fee_waiver"]) == 0
    page = capsys.readouterr().out
    assert "`arms.<name>[] with use: fee_waiver:FeeWaiver`" in page
    assert "| `closing` | number | `0.9` | HR | from 0.1 to 10 | 0.8 to 1 | assumption; direction F8 |" in page
    assert main(["schema"]) == 0
    assert "FeeWaiver" not in capsys.readouterr().out


def test_the_schema_tells_a_plugin_from_our_own(monkeypatch) -> None:
    monkeypatch.chdir(EXAMPLE)
    load_plugins(["fee_waiver"])
    check = jsonschema.Draft202012Validator(json_schema(Scenario))

    def fits(strategy: str) -> bool:
        return check.is_valid(loads(f"name: x\narms: {{nothing: [], a: [{strategy}]}}").data)

    assert fits("{use: fee_waiver:FeeWaiver, closing: 0.9}")
    assert fits("{use: stratification}")
    assert not fits("{use: stratification, closing: 0.9}")
    assert not fits("{use: fee_waiver:FeeWaiver, clozing: 0.9}")


# --- named or not ----------------------------------------------------------------------------------------------------


def test_a_scenario_alone_imports_nothing(capsys) -> None:
    Path("mine.py").write_text("open('trace', 'w')\n" + GOOD, "utf-8")
    file = scenario_of("mine:Mine")
    assert main(["validate", file]) == 2
    assert capsys.readouterr().err == (
        "mine.yaml:5:12  arms.mine.mine:Mine.use: unknown strategy mine:Mine; "
        "a plugin is imported only if the command line names it: --plugin mine\n"
    )
    assert not Path("trace").exists()
    assert main(["validate", file, "--plugin", "mine"]) == 0
    assert Path("trace").exists()
    assert main(["validate", file]) == 2  # and the next call knows nothing of it


def test_modules_may_lie_in_a_package_and_be_named_more_than_once(capsys) -> None:
    Path("team").mkdir()
    Path("team/__init__.py").touch()
    Path("team/own.py").write_text(GOOD, "utf-8")
    Path("other.py").write_text(GOOD + 'class Second(Mine):\n    """Second: as Mine."""\n', "utf-8")
    options = ["--plugin", "team.own", "--plugin", "other", "--plugin", "other"]
    for use in ("team.own:Mine", "other:Mine", "other:Second"):
        assert main(["validate", scenario_of(use), *options]) == 0, use
    capsys.readouterr()
    assert main(["validate", scenario_of("other:Secnod"), *options]) == 2
    assert "unknown strategy other:Secnod; that module has other:Mine, other:Second" in capsys.readouterr().err


def test_its_own_numbers_are_checked_like_any(capsys) -> None:
    allowed = "allowed=(0, 5)"
    field = f'    size: float = assumption(1.0, "SD", plausible=(0, 2), {allowed}, source="x")\n'
    Path("mine.py").write_text(GOOD + field, "utf-8")
    Path("mine.yaml").write_text("name: mine\narms: {mine: [{use: mine:Mine, size: 7, sise: 1}]}\n", "utf-8")
    assert main(["validate", "mine.yaml", "--plugin", "mine"]) == 2
    told = capsys.readouterr().err
    assert "mine.yaml:2:38  arms.mine.mine:Mine.size: 7 is not allowed; a number from 0 to 5 (SD)" in told
    assert "unknown key; did you mean size?" in told


# --- modules that are none -------------------------------------------------------------------------------------------

BROKEN = {
    "not there": ("absent", None, "there is no module absent"),
    "a file name": ("mine.py", GOOD, "did you mean mine?"),
    "a path": ("team/mine", None, "did you mean team.mine?"),
    "with its class": ("mine:Mine", GOOD, "did you mean mine?"),
    "no words": ("", None, "'' is not the name of a module"),
    "no strategy": ("mine", "x = 1\n", "mine (mine.py) has no strategy; a class derived from"),
    "only somebody else's": ("mine", HEAD, "has no strategy"),
    "a name of its own": (
        "mine",
        GOOD + '    use: str = "calls"\n',
        "mine:Mine is what scenarios call it, not 'calls'",
    ),
    "no docstring": ("mine", HEAD + "class Mine(Strategy):\n    pass\n", "mine:Mine has no docstring"),
    "no Python": ("mine", GOOD + "    def turn(self:\n", "(mine.py:4)"),
    "a name that is not": (
        "mine",
        GOOD + "\nnothing_of_the_kind\n",
        "NameError: name 'nothing_of_the_kind' is not defined (mine.py:5)",
    ),
    "what it needs is missing": (
        "mine",
        "import no_such_thing\n",
        "ModuleNotFoundError: No module named 'no_such_thing' (mine.py:1)",
    ),
    "it ends the program": ("mine", "raise SystemExit(0)\n", "SystemExit: 0 (mine.py:1)"),
    "a number without a type": ("mine", GOOD + "    size = 1.0\n", "size"),
    "a message of many lines": ("mine", 'raise ValueError("one\\ntwo")\n', "ValueError: one\\ntwo (mine.py:1)"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("verb", ["validate", "list"])
def test_a_module_that_is_no_plugin_is_answered_in_one_line(case: str, verb: str, capsys) -> None:
    name, text, told = BROKEN[case]
    if text is not None:
        Path("mine.py").write_text(text, "utf-8")
    words = [verb, scenario_of("mine:Mine")] if verb == "validate" else [verb]
    assert main([*words, "--plugin", name]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("--plugin  ")
    assert told in lines[0]
    assert "Traceback" not in lines[0]
    assert len(lines[0]) < 320


def test_all_modules_that_are_none_are_told_at_once(capsys) -> None:
    assert main(["list", "--plugin", "absent", "--plugin", "json"]) == 2
    told = capsys.readouterr()
    assert [line.split()[:2] for line in told.err.splitlines()] == [["--plugin", "there"], ["--plugin", "json"]]
    assert told.out == ""


def test_what_a_module_prints_does_not_mix_with_results(capsys) -> None:
    Path("mine.py").write_text('print("hello")\n' + GOOD, "utf-8")
    assert main(["schema", "--plugin", "mine"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["$schema"]
    assert "hello" in told.err


def test_a_file_here_never_stands_in_for_an_installed_module(capsys) -> None:
    Path("colorsys.py").write_text(GOOD, "utf-8")
    assert main(["list", "--plugin", "colorsys"]) == 2
    assert "has no strategy" in capsys.readouterr().err


# --- leaning on other strategies -------------------------------------------------------------------------------------

LEANING = """
from typing import ClassVar
from sim.strategies import Strategy, assumption

class Mine(Strategy):
    \"\"\"Mine: needs others.\"\"\"
    carriers: ClassVar = {"institutional": "institutions"}
    gates: ClassVar = {"digital_thinking": "gate"}
    complements: ClassVar = {"human_resources": "with_people", "mine:Other": "with_other"}
    erosion: ClassVar = {"human_resources": "half_life"}
    with_people: float = assumption(0.5, "share", plausible=(0, 1), allowed=(0, 2), source="assumption")
    with_other: float = assumption(0.1, "share", plausible=(0, 1), allowed=(0, 2), source="assumption")
    half_life: float = assumption(12.0, "months", plausible=(6, 24), allowed=(1, 1000), source="assumption")

class Other(Strategy):
    \"\"\"Other: says nothing of Mine.\"\"\"
"""


def maturities_at(month: int, *uses: str, numbers: dict[str, float] | None = None) -> dict[str, float]:
    """How far each of these strategies has taken hold, all at full speed, in a bank of four tiers."""
    strategies = [
        known()[use].model_validate({"use": use, "lag": 0.0, "speed": 10.0, **((numbers or {}) if use == MINE else {})})
        for use in uses
    ]
    one = Programme(strategies, Implementation(), facts_of_bank(), np.ones(4), months=60, salary=0)
    return one.maturities(month)


MINE, OTHER = "mine:Mine", "mine:Other"


def test_a_strategy_of_ones_own_may_be_gated_carried_strengthened_and_erode() -> None:
    Path("mine.py").write_text(LEANING, "utf-8")
    load_plugins(["mine"])
    everybody = ("digital_thinking", "human_resources", "institutional")
    assert maturities_at(24, MINE)[MINE] == pytest.approx(0.4 * 0.5**2), "behind the gate, and fading"
    assert maturities_at(24, MINE, numbers={"half_life": 24})[MINE] == pytest.approx(0.4 * 0.5), "its own number"
    assert maturities_at(24, MINE, "digital_thinking")[MINE] == pytest.approx(0.6 * 0.25), "the gate is open"
    assert maturities_at(24, MINE, *everybody[:2])[MINE] == pytest.approx(0.6 * 1.5), "kept and strengthened"
    assert maturities_at(24, MINE, *everybody)[MINE] == pytest.approx(1.0), "0.75 x 1.5, at most the whole"
    assert maturities_at(24, MINE, "human_resources", numbers={"with_people": 0.2})["human_resources"] == (
        pytest.approx(0.6 * 1.2)
    ), "one of two says it, both gain"
    assert maturities_at(24, OTHER)[OTHER] == pytest.approx(0.6)
    assert maturities_at(24, OTHER, MINE)[OTHER] == pytest.approx(0.6 * 1.1)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (('"half_life"}', '"halflife"}'), "'halflife' (by human_resources) is no number of Mine or of"),
        (('"institutional"', '"institutionel"'), "leans on institutionel, which is no strategy; did you mean institu"),
        (('"mine:Other"', '"mine:Ohter"'), "leans on mine:Ohter, which is no strategy; did you mean mine:Other?"),
        (('"mine:Other"', '"elsewhere:Other"'), ""),
    ],
)
def test_what_a_strategy_leans_on_is_checked_where_it_is_named(wrong: tuple[str, str], told: str, capsys) -> None:
    Path("mine.py").write_text(LEANING.replace(*wrong), "utf-8")
    assert main(["list", "--plugin", "mine"]) == (2 if told else 0)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == bool(told)
    assert told in "".join(lines)


def test_the_example_needs_nothing_but_the_strategies_room() -> None:
    text = (EXAMPLE / "fee_waiver.py").read_text("utf-8")
    assert set(re.findall(r"^from (sim\S*) import", text, re.M)) == {"sim.strategies"}
    assert set(sim.strategies.__all__) <= set(vars(sim.strategies))


def test_a_strategy_of_ones_own_may_have_tuples(capsys: pytest.CaptureFixture[str]) -> None:
    fields = "    stages: tuple[int, ...] = (1,)\n    span: tuple[float, float] | None = None\n"
    fields += "    pairs: list[tuple[int, str]] = []\n"
    Path("tupled.py").write_text(GOOD.replace("Mine", "Tupled") + fields, "utf-8")
    Path("mine.yaml").write_text(
        "name: mine\narms:\n  nothing: []\n  mine:\n"
        "    - {use: 'tupled:Tupled', stages: [1, 2], span: [0.5, 1], pairs: [[1, a], [2, b]]}\n",
        "utf-8",
    )
    assert main(["validate", "mine.yaml", "--plugin", "tupled"]) == 0
    capsys.readouterr()
    assert main(["validate", "mine.yaml", "--plugin", "tupled", "--set", "arms.mine[0].stages=[1, x]"]) == 2
    assert "stages[1]" in capsys.readouterr().err


# --- strategies that turn out nonsense -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (
            "    def turn(self, levers, maturity, elapsed, bank):\n        levers.log_close += float('nan')\n",
            "ValueError: mine:Mine.turn: lever log_close is not finite",
        ),
        (
            "    def spent(self, elapsed, capital_months):\n        return float('nan')\n",
            "ValueError: mine:Mine.spent: nan is no cost",
        ),
    ],
)
def test_a_lever_or_a_cost_that_is_no_number_fails_the_arm(method: str, said: str, capsys) -> None:
    Path("mine.py").write_text(GOOD + method, "utf-8")
    small = ["--months", "2", "--seeds", "1", "--set", "population.customers=500", "--set", "burn_in=1", "--quiet"]
    assert main(["run", scenario_of("mine:Mine"), "--plugin", "mine", "--out", "run", *small]) == 1
    assert said in capsys.readouterr().err
