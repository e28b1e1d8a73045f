"""A point lived in a sweep is the scenario with its values run by itself, whatever else a worker lives."""

from __future__ import annotations

import gc
import math
from pathlib import Path
from typing import Any

import pytest

from sim.bank.model import BankModel
from sim.errors import BadInput
from sim.experiments.design.plan import Plan, Point
from sim.experiments.prepare import prepare
from sim.experiments.run import Options, run_all
from sim.experiments.sweep.points import BankPoints
from sim.measures.kpis import run_kpis_of
from sim.yaml_source import dump

SCENARIO = Path(__file__).parent.parent / "scenarios" / "strategies.yaml"
ARMS = "arms={nothing: [], thinking: [{use: digital_thinking}], training: [{use: staff_upskilling}]}"
SMALL = ["population.customers=3000", "population.agents=600", "burn_in=4", "months=13", "seeds=[3]", ARMS]
HOURS = "managers.hours_per_month"
LAG = "arms.thinking.digital_thinking.lag"


def plan(*overrides: str) -> Plan:
    (ready,) = prepare([SCENARIO], [*SMALL, *overrides])
    return Plan("test", dump(ready.scenario.resolved()), (), tuple(ready.scenario.arms), (3, 8), "code")


def point(number: int = 0, **values: Any) -> Point:
    return Point(number, 0, 0, {path.replace("__", "."): value for path, value in values.items()})


def figures(points: BankPoints, one: Point, seed: int = 3) -> dict[str, dict[str, float]]:
    rows = list(points.run(points.plan.unit(one, seed)))
    assert [row["status"] for row in rows] == ["ok"] * 3
    return {row["arm"]: row["kpis"] for row in rows}


@pytest.mark.long
def test_a_point_is_the_scenario_with_its_values(tmp_path: Path) -> None:
    """Every key figure of every arm is the one of a run of its own."""
    points = BankPoints(plan())
    found = figures(points, Point(0, 0, 0, {HOURS: 40.0, LAG: 4.0}))
    ready = prepare([SCENARIO], [*SMALL, f"{HOURS}=40", f"{LAG}=4"])
    run = run_all(ready, Options(out=tmp_path / "run", threads=1))[0].run
    kpis = run_kpis_of(run)
    for arm, told in found.items():
        alone = kpis[kpis["arm"] == arm].set_index("kpi")["value"]
        assert list(told) == points.kpis == list(alone.index)
        assert alone.to_numpy().tolist() == pytest.approx(list(told.values()), rel=0, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    "values",
    [
        {HOURS: 40.0},
        {LAG: 3.0},
        {"implementation.dip_hours": 0.0},
        {"model.hazards.mass.close": 0.004},
        {"discount_rate": 0.08},
        {"economics.margin.mass": 0.02},
        {"months": 12},
    ],
)
def test_what_was_lived_before_leaves_no_trace(values: dict[str, Any]) -> None:
    """A worker that has lived other points and seeds says of a point what a fresh one says."""
    used, fresh = BankPoints(plan()), BankPoints(plan())
    one = Point(1, 0, 0, values)
    figures(used, point())
    figures(used, point(), seed=8)
    assert repr(figures(used, one)) == repr(figures(fresh, one))


def test_points_that_differ_in_their_arms_share_a_burn_in() -> None:
    points = BankPoints(plan())
    for number in range(3):
        figures(points, Point(number, 0, 0, {LAG: 4.0 + number}))
    assert len(points.states) == 1
    figures(points, Point(3, 0, 0, {HOURS: 40.0}))
    assert len(points.states) == 2


def test_values_that_do_not_fit_together_are_named() -> None:
    points = BankPoints(plan())
    with pytest.raises(BadInput, match=r"tiers\.wealth\.from: 500000 is not above"):
        list(points.run(points.plan.unit(Point(7, 0, 0, {"tiers.affluent.from": 5e6}), 3)))


def test_an_arm_that_breaks_is_a_failed_row_and_the_others_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.strategies.staff_upskilling import StaffUpskilling

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("nobody to train")

    points = BankPoints(plan())
    monkeypatch.setattr(StaffUpskilling, "turn", broken)
    rows = {row["arm"]: row for row in points.run(points.plan.unit(point(), 3))}
    assert [row["status"] for row in rows.values()] == ["ok", "ok", "failed"]
    assert rows["training"]["error"] == "ZeroDivisionError: nobody to train"
    assert "Traceback" in rows["training"]["traceback"]
    assert math.isfinite(rows["thinking"]["kpis"]["npv"])


def test_the_id_of_a_unit_hangs_on_its_values_and_seed_alone() -> None:
    one = plan()
    first = one.unit(Point(5, 1, 2, {HOURS: 40.0, LAG: 3.0}), 3).id
    assert one.unit(Point(9, 0, 0, {LAG: 3.0, HOURS: 40.0}), 3).id == first
    assert one.unit(Point(5, 1, 2, {HOURS: 40.0, LAG: 3.5}), 3).id != first
    assert one.unit(Point(5, 1, 2, {HOURS: 40.0, LAG: 3.0}), 8).id != first


def test_an_arm_that_is_the_same_at_another_point_is_lived_once(monkeypatch: pytest.MonkeyPatch) -> None:
    points = BankPoints(plan())
    figures(points, Point(0, 0, 0, {LAG: 4.0}))
    lived = []
    run = BankModel.run
    monkeypatch.setattr(BankModel, "run", lambda bank, *a, **k: lived.append(bank.arm.name) or run(bank, *a, **k))
    figures(points, Point(1, 0, 0, {LAG: 5.0}))
    assert lived == ["thinking"]
    figures(points, Point(2, 0, 0, {LAG: 5.0, "implementation.gate": 0.5}))
    assert lived == ["thinking", "nothing", "thinking", "training"]


def test_without_its_reference_an_arm_tells_what_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    points = BankPoints(plan())
    run = BankModel.run

    def broken(bank: BankModel, *a: Any, **k: Any) -> Any:
        if bank.arm.name == "nothing":
            raise ZeroDivisionError("nobody")
        return run(bank, *a, **k)

    monkeypatch.setattr(BankModel, "run", broken)
    rows = {row["arm"]: row for row in points.run(points.plan.unit(point(), 3))}
    assert [row["status"] for row in rows.values()] == ["failed", "ok", "ok"]
    assert math.isfinite(rows["thinking"]["kpis"]["npv"])
    assert math.isnan(rows["thinking"]["kpis"]["roi"])


def test_a_worker_keeps_no_bank_that_has_lived() -> None:
    """Thousands of units go through a worker; what stays is what the next ones share."""
    points = BankPoints(plan())
    others = {id(thing) for thing in banks()}  # of other tests
    for number in range(3):
        figures(points, Point(number, 0, 0, {LAG: 4.0 + number}))
    gc.collect()
    assert not [thing for thing in banks() if id(thing) not in others]


def banks() -> list[BankModel]:
    """Every bank alive, by its type: `isinstance` asks the object, and a weak proxy of one that is gone raises."""
    return [thing for thing in gc.get_objects() if issubclass(type(thing), BankModel)]
