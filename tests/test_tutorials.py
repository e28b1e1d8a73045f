"""The tutorials run from top to bottom, in an empty folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).parent.parent / "docs" / "tutorials"
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))


def test_there_are_tutorials() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["first_comparison", "own_strategy", "sweep"]


@pytest.mark.long
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tutorial_runs(notebook: Path, tmp_path: Path) -> None:
    pytest.importorskip("nbclient", reason="the extra `docs` is not installed")
    spec = importlib.util.spec_from_file_location("execute", TUTORIALS / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    cells = [cell for cell in execute.executed(notebook, tmp_path).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    assert {path.name for path in tmp_path.iterdir()} <= {"__pycache__"}  # nothing stays that was not asked for
