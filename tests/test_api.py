"""The library: `import sim` does what the command line does, and says what is wrong in the same words."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pandas as pd
import pytest

import sim
from sim.cli import main

ROOT = Path(__file__).parent.parent
TINY: dict[str, Any] = {
    "name": "tiny",
    "population": {"customers": 2000},
    "burn_in": 2,
    "months": 6,
    "seeds": [1, 2],
    "arms": {"nothing": [], "thinking": [{"use": "digital_thinking"}]},
}
SWEPT = TINY | {
    "months": 2,
    "sweep": {"design": "grid", "vary": {"economics.margin.mass": {"values": [0.01, 0.03]}}},
}


@pytest.fixture(scope="module")
def tiny() -> sim.Run:
    return sim.run(TINY, progress=False)


def test_importing_the_library_imports_nothing_heavy() -> None:
    heavy = "('numpy', 'pandas', 'scipy', 'numba', 'matplotlib', 'mesa', 'pydantic', 'pyarrow', 'yaml', 'rich')"
    code = f"import sim, sys; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).strip() == "[]"


def test_every_name_it_offers_is_there_and_says_what_it_is() -> None:
    for name in sim.__all__:
        assert getattr(sim, name).__doc__, name
    with pytest.raises(AttributeError, match="it offers Answers, BadInput, Bank"):
        _ = sim.simulate


def test_a_run_is_what_the_command_line_runs(tiny: sim.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.yaml_source import dump

    (tmp_path / "tiny.yaml").write_text(dump(TINY), "utf-8")
    assert main([str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    stored = sim.open_run(tmp_path / "run")
    assert stored.manifest["result_digest"] == tiny.manifest["result_digest"]
    pd.testing.assert_frame_equal(stored.comparison, tiny.comparison)
    assert tiny.arms == ["nothing", "thinking"]
    assert tiny.seeds == [1, 2]


def test_tables_have_units(tiny: sim.Run) -> None:
    units = tiny.monthly.attrs["units"]
    assert units["aum"] == "CNY"
    assert units["contacts_app"] == "contacts"
    assert set(units) <= set(tiny.monthly.columns)
    assert set(tiny.bank.attrs["units"]) <= set(tiny.bank.columns)
    assert tiny.comparison.attrs["units"]["seeds"] == "seeds"
    assert tiny.panel is None


def test_nothing_is_left_of_a_run_that_nobody_asked_to_keep(tmp_path: Path) -> None:
    one = sim.run(TINY, seeds=[1], months=1, arms=["nothing"], progress=False)
    folder = one.folder
    kept = one.save(tmp_path / "kept")
    assert folder.exists()
    del one
    gc.collect()
    assert not folder.exists()
    assert kept.monthly["month"].max() == 1
    with pytest.raises(sim.BadInput, match="is not empty; a new folder"):
        kept.save(tmp_path / "kept")


def test_figures_by_name(tiny: sim.Run) -> None:
    from matplotlib.figure import Figure

    assert tiny.figures[0] == "forest"
    assert isinstance(tiny.plot("forest"), Figure)
    with pytest.raises(sim.BadInput, match="no figure 'florest'; figures are forest, "):
        tiny.plot("florest")


def test_the_page_shows_itself_in_a_notebook(tiny: sim.Run) -> None:
    page = tiny.report()
    assert page.path.name == "report.html"
    assert page._repr_html_().startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')


def test_what_is_wrong_is_an_exception_with_the_words_of_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("name: wrong\nmonhts: 3\narms: {nothing: []}\n", "utf-8")
    with pytest.raises(sim.BadInput) as told:
        sim.run(file)
    assert main(["validate", str(file)]) == 2
    assert str(told.value) in capsys.readouterr().err
    assert told.value.mistakes[0].line == 2
    with pytest.raises(sim.BadInput, match="monhts: unknown key; did you mean months"):
        sim.validate({"name": "wrong", "monhts": 3, "arms": {"nothing": []}})
    with pytest.raises(sim.BadInput, match="int is no scenario; a path, a mapping or a Scenario"):
        sim.run(3)  # type: ignore[arg-type]
    with pytest.raises(sim.BadInput, match=r"economics\.marign"):
        sim.run(TINY, values={"economics.marign": 0.02})


def test_a_shipped_scenario_goes_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sim.validate("quick", months=3).months == 3
    assert sim.validate(sim.validate("quick"), seeds=2).seed_list == [1, 2]


# --- a bank, step by step --------------------------------------------------------------------------------------------


def test_a_bank_lives_what_its_arm_and_seed_live_in_a_run(tiny: sim.Run) -> None:
    bank = sim.Bank(TINY, arm="thinking", seed=2)
    assert isinstance(bank, mesa.Model)
    assert bank.month == 0
    while bank.running:
        bank.step()
    own = tiny.monthly[(tiny.monthly["arm"] == "thinking") & (tiny.monthly["seed"] == 2)].reset_index(drop=True)
    lived = bank.recorder.tables(bank.team.events)["monthly"].reset_index(drop=True)
    pd.testing.assert_frame_equal(lived[own.columns.to_list()], own, check_dtype=False)


def test_customers_and_managers_are_tables() -> None:
    bank = sim.Bank(TINY, arm="nothing")
    frame = bank.customers.frame(["tier", "aum", "satisfaction"])
    assert list(frame.columns) == ["tier", "aum", "satisfaction"]
    assert frame.attrs["units"]["aum"]
    assert len(bank.managers.frame()) == len(bank.team.managers)
    with pytest.raises(KeyError, match="no such column: assets"):
        bank.customers.frame(["assets"])


def test_something_of_a_bank_is_collected_month_by_month() -> None:
    bank = sim.Bank(TINY, arm="nothing")
    found = bank.collect(lambda b: {"aum": float(b.customers.frame(["aum"])["aum"].sum()), "at": b.month}, months=3)
    assert list(found.index) == list(found["at"]) == [0, 1, 2, 3]
    assert list(bank.collect(lambda b: b.month)["value"]) == [3, 4, 5, 6]


def test_mesas_data_collector_works_on_a_bank() -> None:
    bank = sim.Bank(TINY, arm="nothing")
    collector = mesa.DataCollector(
        model_reporters={"active": lambda b: int(b.tally.sum() > 0), "month": "month"},
        agent_reporters={"kind": lambda a: type(a).__name__},
    )
    for _ in range(2):
        bank.step()
        collector.collect(bank)
    assert list(collector.get_model_vars_dataframe()["month"]) == [1, 2]
    assert "RelationshipManager" in set(collector.get_agent_vars_dataframe()["kind"])


def test_an_arm_that_is_not_there_is_named() -> None:
    with pytest.raises(sim.BadInput, match="unknown arm 'thniking'; did you mean thinking"):
        sim.Bank(TINY, arm="thniking")


# --- sweeps ----------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_sweep_lives_here_what_it_lives_with_workers(tmp_path: Path) -> None:
    here = sim.sweep(SWEPT, progress=False)
    assert len(here.tasks) == 2 * 2 * 2
    assert here.tasks.attrs["units"]["aum_end"] == "CNY"
    there = sim.sweep(SWEPT, workers=1, out=tmp_path / "sweep", progress=False)
    assert there.manifest["tasks_digest"] == here.manifest["tasks_digest"]
    again = sim.open_sweep(tmp_path / "sweep")
    np.testing.assert_array_equal(again.tasks["npv"], here.tasks["npv"])
    assert "sweep_spread" in here.figures
    assert here.report().path.exists()


def test_a_scenario_without_a_sweep_is_told_so() -> None:
    with pytest.raises(sim.BadInput, match="has no sweep; a section sweep with what is varied"):
        sim.sweep(TINY)
    with pytest.raises(sim.BadInput, match="seconds_limit ends processes of workers"):
        sim.sweep(SWEPT, values={"sweep.seconds_limit": 5.0})


def test_errors_travel_between_processes() -> None:
    assert isinstance(pickle.loads(pickle.dumps(sim.RunFailed("broken"))), sim.SimError)


@pytest.mark.parametrize("room", ["sim.api", "sim.api.bank"])
def test_the_examples_say_what_comes(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import doctest
    from importlib import import_module

    monkeypatch.chdir(ROOT)
    found = doctest.testmod(import_module(room))
    assert found.attempted > 3
    assert found.failed == 0


# --- what a program gives wrongly ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"threads": "banana"}, "threads  'banana'; a whole number from 1"),
        ({"threads": 0}, "threads  0; a whole number from 1"),
        ({"threads": True}, "threads  True; a whole number from 1"),
        ({"workers": 1.5}, "workers  1.5; a whole number from 1"),
        ({"seeds": 0}, "seeds  0; a whole number from 1"),
        ({"seeds": 1.5}, "seeds  1.5; how many, or a list of which"),
        ({"seeds": "12"}, "seeds  '12'; how many, or a list of which"),
        ({"arms": []}, "a list of names of arms, one at least"),
        ({"arms": "nothing"}, "arms  'nothing'; a list of names of arms"),
        ({"values": "months=3"}, "values  str; a mapping by path"),
        ({"values": {1: 2}}, "values  the key 1 is no text"),
        ({"values": {"economics.margin": object()}}, "object cannot stand in a scenario"),
        ({"out": 5}, "out  5 is no folder; a path"),
        ({"months": 0}, "months"),
    ],
)
def test_a_wrong_argument_is_said_before_anything_is_lived(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(sim.BadInput) as told:
        sim.run(TINY, **wrong)
    assert said in str(told.value)


def test_a_mapping_that_no_file_could_hold_is_said() -> None:
    for wrong in (TINY | {"months": object()}, TINY | {"arms": {1: []}}):
        with pytest.raises(sim.BadInput, match=r"cannot stand in a scenario|is no text"):
            sim.validate(wrong)


def test_numbers_of_numpy_are_numbers() -> None:
    s = sim.validate(
        TINY | {"burn_in": np.int64(1)},
        seeds=np.array([4, 7]),
        months=np.int64(2),
        values={"discount_rate": np.float64(0.1)},
    )
    assert (s.burn_in, s.seed_list, s.months, s.discount_rate) == (1, [4, 7], 2, 0.1)


def test_a_bank_takes_the_seeds_and_names_that_a_run_takes() -> None:
    for wrong in ({"seed": -1}, {"seed": 2**64}, {"seed": "1"}, {"seed": None}, {"arm": 5}, {"threads": 0}):
        with pytest.raises(sim.BadInput):
            sim.Bank(TINY, **wrong)  # type: ignore[arg-type]
        if "seed" in wrong and wrong["seed"] is not None:
            with pytest.raises(sim.BadInput):
                sim.potential_outcomes(TINY, **wrong)
    assert repr(sim.Bank(TINY, seed=2)) == "<Bank tiny, arm nothing, seed 2, month 0>"


def test_a_folder_of_another_kind_or_of_none_is_said(tiny: sim.Run, tmp_path: Path) -> None:
    for opened in (sim.open_run, sim.open_sweep, sim.open_optimum):
        for wrong in (tmp_path, tmp_path / "nowhere", None, 5, b"x"):
            with pytest.raises(sim.BadInput):
                opened(wrong)  # type: ignore[operator]
    with pytest.raises(sim.BadInput, match="is inside the run that is to be saved"):
        tiny.save(tiny.folder / "inside")
    with pytest.raises(sim.BadInput, match=r"has a sweep, which sim\.sweep lives"):
        sim.run(SWEPT)
    tiny.manifest["seeds"].append(99)
    assert tiny.seeds == [1, 2]
