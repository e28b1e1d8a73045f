"""Wrong inputs, one file each in tests/wrong: exit 2, a line a mistake with its address, nothing written.

`tests/wrong/expected.txt` lists what each file must be answered with: file, line:column, key path.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.cli import main

WRONG = Path(__file__).parent / "wrong"
ADDRESS = re.compile(r"^(?P<file>\S+?)(?::(?P<line>\d+):(?P<column>\d+))?  (?:(?P<path>\S+): )?(?P<message>.+)$")


def expected() -> dict[str, list[tuple[str, str, str]]]:
    """By scenario file: (file named, line:column, key path) of each mistake."""
    told: dict[str, list[tuple[str, str, str]]] = {}
    for line in (WRONG / "expected.txt").read_text("utf-8").splitlines():
        scenario, file, place, path = line.split("\t")
        told.setdefault(scenario, []).append((file, place, path))
    return told


FILES = sorted(path.name for path in WRONG.glob("*.yaml"))


@pytest.mark.parametrize("name", FILES)
def test_each_mistake_is_one_line_with_its_address(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(WRONG)
    before = sorted(WRONG.rglob("*"))
    out = tmp_path / "out"
    assert main([name, "--out", str(out)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    found = []
    for line in told.err.splitlines():
        match = ADDRESS.match(line)
        assert match, line
        place = f"{match['line']}:{match['column']}" if match["line"] else "-"
        found.append((match["file"], place, match["path"] or "-"))
        assert len(match["message"]) > 8, line
    assert found == expected()[name]
    assert not out.exists()
    assert sorted(WRONG.rglob("*")) == before


def test_there_are_more_than_thirty_and_none_is_forgotten() -> None:
    assert len(FILES) >= 30
    assert set(expected()) == set(FILES)


def test_all_mistakes_of_all_files_come_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(WRONG)
    assert main(["validate", *FILES]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == sum(len(mistakes) for mistakes in expected().values())


def test_a_tag_in_a_scenario_never_runs_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "trace"
    file = tmp_path / "evil.yaml"
    file.write_text(f'name: evil\nabout: !!python/object/apply:os.system ["touch {trace}"]\n', "utf-8")
    assert main(["validate", str(file)]) == 2
    assert not trace.exists()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.products.beyond_first.mass", 1e9),
        ("managers.span.wealth", 0),
        ("managers.contact_months.wealth", 0),
        ("managers.inbound_hours.wealth", 1e9),
        ("economics.margin.mass", 1e9),
        ("name", "x" * 101),
        ("population.agents", 30_000_000),
        ("model.feelings.gain", 0),
    ],
)
def test_a_number_that_would_break_or_hang_a_run_is_refused(
    path: str, value: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(WRONG.parent.parent)
    more = ["--set", "population.customers=900000000"] if path == "population.agents" else []
    assert main(["validate", "scenarios/quick.yaml", *more, "--set", f"{path}={value}"]) == 2
    assert capsys.readouterr().err.count(path) >= 1
