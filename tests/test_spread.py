"""A run whose seeds are spread over workers is the run of one process, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.experiments.executors.local import local
from sim.experiments.prepare import prepare
from sim.experiments.run import Options, run_all
from sim.store.run_reading import Run, read_manifest

SCENARIO = Path(__file__).parent.parent / "scenarios" / "strategies.yaml"
SMALL = [
    "population.customers=3000",
    "population.agents=500",
    "burn_in=3",
    "months=13",
    "arms={nothing: [], thinking: [{use: digital_thinking}]}",
]
UNTIL = "seeds={until: {kpi: attrition_annual, half_width: 0.004}, min: 3, max: 12}"


def run(out: Path, *overrides: str, workers: int | None = None, **options: object) -> Run:
    where = None if workers is None else local(workers)
    ready = prepare([SCENARIO], [*SMALL, *overrides])
    return run_all(ready, Options(out=out, threads=1, where=where, **options))[0].run  # type: ignore[arg-type]


@pytest.mark.long
@pytest.mark.parametrize("seeds", ["seeds=[5, 2, 9]", UNTIL])
def test_workers_change_no_bit(tmp_path: Path, seeds: str) -> None:
    """Also where the number of seeds hangs on what came out, and seeds were lived that were not needed."""
    here, there = run(tmp_path / "here", seeds), run(tmp_path / "there", seeds, workers=2)
    assert there.manifest["result_digest"] == here.manifest["result_digest"]
    assert there.seeds == here.seeds
    assert there.individuals is not None
    assert there.individuals.equals(here.individuals)
    assert there.manifest["workers"] == 2
    assert there.manifest["peak_memory_mb"] > 50


@pytest.mark.long
def test_states_and_what_is_missing_are_made_by_workers_too(tmp_path: Path) -> None:
    """A run is extended by states that it lacked, and a resumed one lives nothing twice."""
    out = tmp_path / "run"
    whole = run(out, "seeds=[1, 2]", workers=1, checkpoint=6)
    assert len(list((out / "state").glob("*.npz"))) == 4
    before = read_manifest(out)
    again = run(out, "seeds=[1, 2]", workers=1, checkpoint=6, resume=True)
    assert again.manifest == whole.manifest == before
