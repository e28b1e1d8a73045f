"""The recipe of docs/forks.md, run as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from sim.cli import main

PAGE = (Path(__file__).parent.parent / "docs" / "forks.md").read_text("utf-8")
BLOCK = re.compile(r"```(yaml|sh)\n(.*?)```", re.S)


@pytest.mark.long
def test_the_recipe_of_the_page_does_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sim.reporting.run.build", lambda run: None)  # the page of a run has its own tests
    commands = []
    for kind, text in BLOCK.findall(PAGE):
        if kind == "yaml":
            name = text.splitlines()[0].removeprefix("# ")
            Path(name).write_text(text, "utf-8")
        else:
            commands += [shlex.split(line) for line in text.splitlines()]
    assert [command[:3] for command in commands] == [["python", "run.py", verb] for verb in ("run", "fork", "verify")]
    for command in commands:
        assert main([*command[2:], *(["--quiet"] if command[2] != "verify" else [])]) == 0, command
    assert main(["run", "from_here.yaml", "--out", "beginning", "--quiet"]) == 0
    plan, fork, whole = (pd.read_parquet(Path(name, "monthly.parquet")) for name in ("plan", "from_here", "beginning"))
    pd.testing.assert_frame_equal(fork, whole, check_exact=True)
    arms = dict(iter(fork.drop(columns="arm").groupby(fork["arm"])))
    assert list(arms) == ["as_planned", "pilot", "stop", "welcome"]
    pd.testing.assert_frame_equal(arms["as_planned"], plan.drop(columns="arm"), check_exact=True)
    past = {arm: table[table["month"] <= 12].reset_index(drop=True) for arm, table in arms.items()}
    for arm in ("pilot", "stop", "welcome"):
        pd.testing.assert_frame_equal(past[arm], past["as_planned"], check_exact=True)
        assert not arms[arm].reset_index(drop=True).equals(arms["as_planned"].reset_index(drop=True))
