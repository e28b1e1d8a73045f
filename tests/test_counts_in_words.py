"""One is told as one, and numbers that rest on little bear their mark, wherever they are shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from sim import cli
from sim.measures.evidence import FEWEST, ROUGH
from sim.reporting.figures import Board
from sim.reporting.figures.fates import OUTCOMES, changed, fairness
from sim.store.run_reading import read

QUICK = Path(__file__).parent.parent / "scenarios" / "quick.yaml"
SMALL = {"burn_in": 0, "population": {"customers": 2000, "agents": None}}
ARMS = {"nothing": [], "thinking": [{"use": "digital_thinking"}]}


def lived(folder: Path, **told: object) -> tuple[Path, Path]:
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump({"extends": str(QUICK), **SMALL, **told}), encoding="utf-8")
    assert cli.main(["run", str(file), "--out", str(folder / "run")]) == 0
    return file, folder / "run"


def test_one_of_a_kind_is_not_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = lived(tmp_path, months=1, seeds=[1])
    assert cli.main(["validate", str(file)]) == 0
    said = "".join(capsys.readouterr())
    assert "1 arm x 1 seed x 1 month after 0" in said
    page = (folder / "report.html").read_text("utf-8")
    found = re.findall(r"(?<![\d,.])1 (?:arm|seed|month|tier|run|point)s\b|[Mm]ean over seeds", page + said)
    assert found == []


def test_with_one_seed_nothing_is_a_mean_over_seeds(tmp_path: Path) -> None:
    _, folder = lived(tmp_path, months=14, seeds=[1], arms=ARMS)
    page = (folder / "report.html").read_text("utf-8")
    assert not re.findall(r"[Mm]ean over seeds", page)
    assert "With one seed: " in page


def test_fates_of_few_customers_are_marked(tmp_path: Path) -> None:
    _, folder = lived(tmp_path, months=14, seeds=[1, 2], arms=ARMS)
    run = read(folder)
    board = Board(run, comparison=run.comparison)
    table = run.individuals
    assert table is not None
    there, then = (table[name].isin(OUTCOMES[0][2]) for name in ("fate", "reference_fate"))
    moved = table[(table["arm"] == "thinking") & (there != then)]["customers"].sum()
    one = changed(board, OUTCOMES[0][2])
    assert one.events[1].sum() == pytest.approx(moved)
    assert 0 < moved < FEWEST
    assert one.marks == ["", ROUGH]
    page = (folder / "report.html").read_text("utf-8")
    rows = page[page.index("Gaps between groups") :]
    cells = rows[: rows.index("</table>")]
    assert sum(bool(one.mark) for one in fairness(board)) == cells.count(ROUGH) > 0
    assert f"{ROUGH} rests on fewer than" in rows
