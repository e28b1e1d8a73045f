"""A bank's state: put back, it lives on as if it had never been taken; a file says what was written, or nothing."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from banks import bank, joiners, lived, scenario, tables

import sim.bank.state_file
from sim.agents.customer import NAMES
from sim.bank.model import BankModel
from sim.bank.state import State
from sim.bank.state_file import Stamp, load, save
from sim.errors import BadInput
from sim.population.synthetic import Source, source
from sim.scenario.scenario import Scenario
from sim.strategies import STRATEGIES

SEALED = sim.bank.state_file.SEAL
STAMP = Stamp("nothing", 1, "digest", "0+code")
SHOCKS = [
    {"kind": "pandemic", "from": 3},
    {"kind": "market_drawdown", "from": 6, "recovery_months": 4},
    {"kind": "manager_poaching", "from": 5, "tiers": ["wealth", "affluent"], "share": 0.5},
    {"kind": "internet_finance", "from": 1},
]
MATRIX = [[0.90, 0.08, 0.015, 0.005], [0.1, 0.8, 0.08, 0.02], [0.02, 0.1, 0.8, 0.08], [0.0, 0.05, 0.15, 0.8]]
BUSY = {"hours_per_month": 10.0, "turnover": 1.0, "turnover_junior": 2.0}  # managers tire, leave and are hired
BANKS = {
    "managers leave": scenario(6_000, months=14, burn_in=5, managers=BUSY),
    "shocks": scenario(6_000, months=14, burn_in=2, environment=SHOCKS),
    "markov": scenario(
        3_000, months=14, burn_in=4, model={"transitions": {"mode": "markov", "period_months": 5, "matrix": MATRIX}}
    ),
    "panel": scenario(3_000, months=14, record={"panel": 40}, model={"mechanisms": {"word_of_mouth": True}}),
    "nobody manages": scenario(3_000, months=14, burn_in=1, model={"mechanisms": {"contacts": False}}),
    "strategies": scenario(
        6_000,
        months=14,
        burn_in=2,
        managers=BUSY,
        arms={"all": [{"use": name, "from": start} for start, name in enumerate(STRATEGIES)]},
    ),
    "weights": scenario(90_000, months=14, burn_in=3, population={"agents": 4_000}),
}


def assert_same(one: BankModel, other: BankModel) -> None:
    """The same numbers in every table, and the same customers, to the last bit."""
    for name, table in tables(one).items():
        pd.testing.assert_frame_equal(table, tables(other)[name], check_exact=True, obj=name)
    for name in NAMES:
        np.testing.assert_array_equal(getattr(one.customers, name), getattr(other.customers, name), err_msg=name)


def continued(model: BankModel, state: State, **more: Any) -> BankModel:
    """Another bank that lives on from the state to its end."""
    again = BankModel(model.scenario, model.arm, model.seed, fresh_source(model.scenario), state=state, **more)
    again.run()
    return again


def fresh_source(s: Scenario) -> Source:
    """Where the bank's customers come from, nobody having come from there yet: a state is all that goes over."""
    return source(s.population, s.tier_list, s.model, s.channels)


def through_a_file(state: State, tmp_path: Path) -> State:
    save(tmp_path / "state.npz", state, STAMP)
    return load(tmp_path / "state.npz", state.month, STAMP)


# --- bit for bit -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BANKS)
def test_a_bank_put_back_lives_on_bit_for_bit(name: str, tmp_path: Path):
    """From a copy and from a file, taken at month 0 before measuring, at month 0 after it, and at month 7."""
    whole = lived(BANKS[name])
    taken = bank(BANKS[name])
    before = taken.burn_in()
    taken.run(until=0)
    states = [before, taken.state()]
    taken.run(until=7)
    states.append(taken.state())
    for state in states:
        assert_same(whole, continued(taken, state))
        assert_same(whole, continued(taken, through_a_file(state, tmp_path)))
    taken.run()  # and taking it changed nothing
    assert_same(whole, taken)


def test_the_banks_of_this_file_live_through_what_they_say():
    """Managers leave and are hired and are tired, shocks strike before and after the state is taken."""
    left = lived(BANKS["managers leave"])
    events = [event for event in left.team.events if event.month <= 7]
    assert {event.kind for event in events} >= {"left", "hired"}
    assert max(manager.fatigue for manager in left.team.managers) > 0.01
    assert tables(lived(BANKS["panel"]))["panel"]["month"].nunique() == 15
    busy = lived(BANKS["strategies"])
    assert min(busy.maturities.values()) > 0
    assert max(manager.trained_professional for manager in busy.team.managers) > 0


def test_a_state_is_a_copy():
    """Neither the bank it was taken from nor one that lives on from it can change it."""
    taken = bank(BANKS["managers leave"])
    taken.run(until=3)
    state = taken.state()
    once = continued(taken, state)
    taken.run()
    assert_same(once, continued(taken, state))


def test_order_of_rows_and_threads_change_nothing():
    s = scenario(40_000, months=5, burn_in=1)
    whole, taken = lived(s), bank(s, threads=2)
    taken.run(until=2)
    state = taken.state()
    shuffled = BankModel(s, taken.arm, 1, fresh_source(s), state=state)
    shuffled.customers.reorder(np.random.default_rng(3).permutation(len(shuffled.customers)))
    shuffled.run()
    for other in (shuffled, continued(taken, state, threads=2)):
        for name, table in tables(whole).items():
            pd.testing.assert_frame_equal(table, tables(other)[name], check_exact=True, obj=name)


@pytest.mark.parametrize(("taken_at", "months"), [(14, 30), (14, 26), (3, 15), (5, 40), (0, 8)])
def test_another_horizon_is_as_if_it_had_been_so_from_the_start(taken_at: int, months: int):
    """What hangs on the end (who was active a year before, the last month's Gini) moves with it."""
    s = scenario(3_000, months=14, burn_in=2)
    moved = s.model_copy(update={"months": months})
    taken = bank(s)
    taken.run(until=taken_at)
    again = BankModel(moved, taken.arm, 1, fresh_source(moved), state=taken.state())
    again.run()
    assert_same(lived(moved), again)


def test_a_panel_can_be_left_out():
    s = BANKS["panel"]
    without = s.model_copy(update={"record": s.record.model_copy(update={"panel": 0})})
    taken = bank(s)
    taken.run(until=7)
    again = BankModel(without, taken.arm, 1, fresh_source(without), state=taken.state())
    again.run()
    assert_same(lived(without), again)


def test_where_customers_come_from_has_no_memory():
    """Whatever was asked of it before, the same seed and month bring the same customers (weighted rows, too)."""
    used, fresh = (fresh_source(BANKS["weights"]) for _ in range(2))
    used.first(5, -3)
    used.joiners(5, 2, 90_000.0, 0.2)
    one, other = (joiners(asked, 1, 4, 90_000.0, 0.2) for asked in (used, fresh))
    assert one
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize("share", [(0, 1), (1, 3)])
@pytest.mark.parametrize("foreseen", [0.0, 0.4, 1.0, 1.7])
def test_who_joins_does_not_hang_on_who_was_drawn_beforehand(foreseen: float, share: tuple[int, int]):
    """Too few, about as many or too many applicants, all drawn, or some, in any order: the same joiners."""
    asked = fresh_source(BANKS["panel"])
    bank_size, month = 900_000.0, 3
    wanted = joiners(asked, 1, month, bank_size, 0.2, 0.1, share=share)
    assert wanted["uid"].size > 5_000
    ahead = asked.ahead(1, month, foreseen * bank_size, 0.2, 0.1, share=share)
    tasks = [task for some in ahead for task in some.tasks()]
    assert bool(tasks) == (foreseen >= 0.4)
    for task in tasks[::-1][: len(tasks) // 2]:
        task()
    found = joiners(asked, 1, month, bank_size, 0.2, 0.1, share=share, ahead=ahead)
    for name in wanted:
        np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)


# --- nothing is forgotten --------------------------------------------------------------------------------------------

MESA = {
    "_agents",
    "_agents_by_type",
    "_all_agents",
    "_rng",
    "_seed",
    "_user_step",
    "random",
    "rng",
    "running",
    "step",
    "steps",
    "model",
    "pos",
    "unique_id",
    "time",
    "_time",
    "_scenario",
    "agent_id_counter",
}
ANEW = {  # made by scenario, arm and seed; of this process; or written before it is read in every month
    "bank": {
        "scenario",
        "arm",
        "seed",
        "source",
        "tiers",
        "settings",
        "rates",
        "piloted",
        "tidies",
        "stood",
        "planned",
        "pilots",
        "inside",
        "threads",
        "pool",
        "environment",
        "levers",
        "channels",
        "ledger",
        "recorder",
        "observer",
        "campaign",
        "growth_path",
        "plan",
        "customers",
        "folder",
        "team",
        "lived_rows",
        "measured_rows",
        "measured_seconds",
        "programme",
        "now",
        "exchange",
    },
    "team": {
        "exchange",
        "dealt",
        "model",
        "settings",
        "tiers",
        "seed",
        "turnover",
        "coverage",
        "span",
        "interval",
        "inbound",
        "owned",
        "rates",
        "channel_settings",
        "each",
        "felt",
        "mix",
        "habits",
        "_known",
        "managers",
        "events",
    },
    "manager": {"settings"},
    "channel": {"number", "name", "settings"},
    "recorder": {"arm", "seed", "tiers", "states"},
    "observer": {"recorder", "names", "settings", "seed", "months", "panel", "strategies", "reach", "exchange"},
}


@pytest.mark.parametrize("who", ANEW)
def test_every_attribute_is_carried_or_made_anew(who: str):
    """A new attribute belongs in CARRIED if a bank lives by it from month to month, else in the list above."""
    model = lived(BANKS["panel"])
    thing: Any = {
        "bank": model,
        "team": model.team,
        "manager": model.team.managers[0],
        "channel": model.channels[0],
        "recorder": model.recorder,
        "observer": model.observer,
    }[who]
    carried = set(thing.CARRIED)
    assert not carried & ANEW[who]
    assert carried <= set(vars(thing))
    assert set(vars(thing)) - carried - ANEW[who] - MESA == set()


def test_what_no_file_can_hold_is_a_fault_of_the_code(tmp_path: Path):
    state = bank(BANKS["panel"]).state()
    with pytest.raises(TypeError, match=r"rest\.bank\.odd: object"):
        save(tmp_path / "state.npz", replace(state, rest={"bank": {"odd": object()}}), STAMP)
    assert list(tmp_path.iterdir()) == []


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state at month 2 in a file."""
    model = bank(scenario(300, months=3, burn_in=1))
    model.run(until=2)
    file = tmp_path_factory.mktemp("state") / "nothing-1-2.npz"
    save(file, model.state(), STAMP)
    return file


def refused(file: Path, month: int = 2, stamp: Stamp = STAMP) -> str:
    """What is said of a file that is not accepted: one line that begins with its name."""
    with pytest.raises(BadInput) as bad:
        load(file, month, stamp)
    (mistake,) = bad.value.mistakes
    assert mistake.file == str(file)
    assert "\n" not in mistake.message
    return mistake.message


def test_a_flipped_bit_anywhere_is_noticed(kept: Path, tmp_path: Path):
    """In the head, in columns, in the archive's own words, and in the seal itself."""
    whole = kept.read_bytes()
    places = np.unique(np.r_[0, 5, 27, 40, len(whole) - 1, len(whole) - SEALED, np.linspace(0, len(whole) - 1, 60)])
    for place in places.astype(int):
        broken = bytearray(whole)
        broken[place] ^= 1 << int(place) % 8
        (tmp_path / kept.name).write_bytes(broken)
        assert "damaged" in refused(tmp_path / kept.name), place


@pytest.mark.parametrize("rest", [0, 1, 63, 64, 65, 200, 5000, -1])
def test_a_file_cut_short_or_grown_is_noticed(kept: Path, tmp_path: Path, rest: int):
    whole = kept.read_bytes()
    (tmp_path / kept.name).write_bytes(whole[:rest] if rest >= 0 else whole + b"\n")
    assert "damaged" in refused(tmp_path / kept.name)


def test_a_file_is_never_half_written(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    state = load(kept, 2, STAMP)
    monkeypatch.setattr(sim.bank.state_file, "_seal", lambda stream: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save(tmp_path / "deep" / kept.name, state, STAMP)
    assert list((tmp_path / "deep").iterdir()) == []


def test_the_same_state_is_the_same_bytes_and_plain_numpy_reads_them(kept: Path, tmp_path: Path):
    save(tmp_path / kept.name, load(kept, 2, STAMP), STAMP)
    assert (tmp_path / kept.name).read_bytes() == kept.read_bytes()
    with np.load(kept, allow_pickle=False) as stored:
        head = json.loads(stored["head"].tobytes())
        assert (head["format"], head["version"], head["arm"], head["seed"], head["month"]) == (
            "rapport-state",
            1,
            "nothing",
            1,
            2,
        )
        assert all(stored[name].dtype.kind in "biuf" for name in stored.files)


def resealed(kept: Path, file: Path, **changes: Any) -> Path:
    """The file with entries of its head or columns changed by somebody who knows how to seal it."""
    with np.load(kept) as stored:
        members = dict(stored)
    head = json.loads(members["head"].tobytes())
    for name, value in changes.items():
        if name in NAMES:
            members[f"customers.{name}"] = value
        else:
            head[name] = value
    members["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
    np.savez(file, **members)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"0" * SEALED
    with open(file, "r+b") as stream:
        seal = sim.bank.state_file._seal(stream)
        stream.seek(-SEALED, 2)
        stream.write(seal)
    return file


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"version": 2}, "format version 2; this program reads 1"),
        ({"format": "something"}, "not a state of a bank"),
        ({"layout": "0" * 64}, "other columns"),
        ({"code_version": "0.0+old"}, "code version 0.0+old, not 0+code"),
        ({"scenario_digest": "another"}, "scenario digest another, not digest"),
        ({"arm": "second"}, "arm second, not nothing"),
        ({"seed": 2}, "seed 2, not 1"),
        ({"month": 3}, "month 3, not 2"),
        ({"rest": {}}, "not a state of a bank"),
        ({"rest": {"map": []}}, "not a state of a bank"),
        ({"rest": {"array": "nowhere"}}, "not a state of a bank"),
        ({"tier": np.zeros(3, np.int8)}, "damaged: column tier"),
        ({"uid": np.zeros(3, np.float64)}, "damaged: column uid"),
    ],
)
def test_a_state_of_something_else_is_refused_by_name(
    kept: Path, tmp_path: Path, changes: dict[str, Any], said: str | None
):
    file = resealed(kept, tmp_path / kept.name, **changes)
    if said is None:
        load(file, 2, STAMP)
    else:
        assert said in refused(file)


@pytest.mark.parametrize(("name", "value"), [("tier", 4), ("manager", 10_000), ("state", 3), ("preferred", -1)])
def test_a_place_that_does_not_exist_never_reaches_the_kernel(kept: Path, tmp_path: Path, name: str, value: int):
    column = load(kept, 2, STAMP).columns[name].copy()
    column[5] = value
    assert f"column {name} is outside" in refused(resealed(kept, tmp_path / kept.name, **{name: column}))


def test_a_pickle_in_the_archive_is_not_opened(kept: Path, tmp_path: Path):
    odd = np.array([{"a": 1}], object)
    assert "not a state of a bank" in refused(resealed(kept, tmp_path / kept.name, uid=odd))


@pytest.mark.parametrize("content", [b"", b"PK", b"name: baseline\n" * 40])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "x.npz").write_bytes(content)
    refused(tmp_path / "x.npz")
    refused(tmp_path)
    assert "missing" in refused(tmp_path / "y.npz")
