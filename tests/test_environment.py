"""Claims about shocks and events: their paths, how they combine, what they do, and that they touch nobody's draws."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from banks import TIERS, bank, hazards, live, lived, only, scenario, tables
from pydantic import TypeAdapter

from sim.agents.channel_settings import Channels
from sim.assumptions import described
from sim.behaviour.rates import in_use, rates
from sim.behaviour.settings import Model
from sim.cli import main
from sim.codes import ACTIVE, APP, BRANCH, DORMANT, MESSAGING, NOBODY, PHONE, VIDEO
from sim.economics import Economics
from sim.environment import SHOCKS, AnyShock, Environment, StrikeContext
from sim.experiments.prepare import prepare
from sim.kernel.planning import channel_of
from sim.ledger import Ledger
from sim.population.tier_presets import PRESET_TIERS
from sim.scenario.scenario import Scenario

TIER_LIST = PRESET_TIERS["bank_b"]
LIQUID = np.array([0.7, 0.55, 0.4, 0.3])
SCENARIOS = Path(__file__).parent.parent / "scenarios"
EVERYTHING: list[dict[str, Any]] = [
    {"kind": "internet_finance", "from": 3, "own_fund_after": 2},
    {"kind": "pandemic", "from": 3},
    {"kind": "market_drawdown", "from": 3, "recovery_months": 4},
    {"kind": "manager_poaching", "from": 3, "share": 0.5},
    {"kind": "rival_app", "from": 3},
]
NOTHING: list[dict[str, Any]] = [
    {"kind": "internet_finance", "from": 1, "peak": 0, "fade_to": 0, "own_fund_after": 2},
    {
        "kind": "pandemic",
        "from": 1,
        "closed_capacity": 1,
        "limited_capacity": 1,
        "adoption": 1,
        "app_use": 0,
        "remote": 0,
        "branch_lost": 0,
    },
    {"kind": "market_drawdown", "from": 1, "loss": 0, "trust": 0, "advice_failure": 0, "recovery_months": 3},
    {"kind": "manager_poaching", "from": 1, "share": 0},
    {"kind": "rival_app", "from": 1, "quality": 0},
]


def shock(kind: str, **numbers: Any) -> Any:
    """One shock from month 0 unless told otherwise."""
    return TypeAdapter(AnyShock).validate_python({"kind": kind, "from": 0, **numbers})


def world(month: int, *shocks: Any) -> Environment:
    """The outside world in a month under these shocks."""
    environment = Environment(TIER_LIST, shocks, LIQUID)
    environment.advance(month)
    return environment


def with_events(events: list[dict[str, Any]], customers: int = 6_000, **sections: Any) -> Scenario:
    return scenario(customers, environment=events, **sections)


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame], *, until: int | None = None) -> None:
    """Monthly and bank tables are the same to the bit, up to and including a month."""
    for name in ("monthly", "bank"):
        a, b = (t[name] if until is None else t[name][t[name]["month"] <= until] for t in (one, other))
        pd.testing.assert_frame_equal(a, b, check_exact=True)


# --- paths, worked by hand -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("month", "gap"),
    [(0, 0.0), (1, 0.75), (4, 3.0), (6, 4.5), (24, 4.5 - 3.5 * 18 / 36), (42, 1.0), (43, 1.0), (500, 1.0)],
)
def test_the_yield_gap_rises_fades_and_stays(month: int, gap: float) -> None:
    assert world(month, shock("internet_finance")).yield_gap == pytest.approx(gap, abs=1e-12)


def test_the_own_fund_halves_the_gap_and_costs_margin_on_what_moves_in() -> None:
    event = shock("internet_finance", own_fund_after=6)
    before, after = world(6, event), world(7, event)
    assert before.yield_gap == 4.5
    assert np.all(before.margin == 1.0)
    gap = 4.5 - 3.5 / 36
    assert after.yield_gap == pytest.approx(gap / 2)
    np.testing.assert_allclose(after.margin, 1.0 - LIQUID * (0.15 * gap / 4.5) * 0.6)
    assert world(7, shock("internet_finance", own_fund_after=6, own_fund_cut=0, own_fund_uptake=0)).yield_gap == gap


def test_a_pandemic_keeps_its_calendar() -> None:
    event = shock("pandemic", **{"from": 10})
    capacity = [world(month, event).branch_capacity for month in range(9, 21)]
    assert capacity == [1, 1, 0.3, 0.3, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 1, 1]
    odds = [math.exp(world(month, event).adoption) for month in range(9, 22)]
    assert odds == pytest.approx([1, 1] + [1.7] * 9 + [1, 1])
    first, later, long_after = (world(month, event) for month in (11, 19, 300))
    assert (first.remote, later.remote, long_after.remote) == (0.8, 0.8, 0.0)
    assert (first.app_use, later.app_use, long_after.app_use) == (1.25, 1.25, 1.0)
    assert (first.use[BRANCH], later.use[BRANCH], long_after.use[BRANCH]) == (0.3, 0.85, 0.85)
    assert (first.staffed[BRANCH], long_after.staffed[BRANCH]) == (0.85, 0.85)
    assert (first.use[APP], first.use[PHONE], first.staffed[APP]) == (1.25, 1.0, 1.25)


def test_a_drawdown_falls_once_and_comes_back_in_full_if_it_comes_back() -> None:
    event = shock("market_drawdown", recovery_months=8, loss=0.2)
    fall = np.log(1 - 0.2 * np.array([0.15, 0.35, 0.50, 0.60]))
    np.testing.assert_allclose(world(1, event).market, fall)
    np.testing.assert_allclose(world(5, event).market, -fall / 8)
    total = sum(world(month, event).market for month in range(1, 40))
    np.testing.assert_allclose(total, 0.0, atol=1e-15)
    forever = shock("market_drawdown", loss=0.2)
    np.testing.assert_allclose(sum(world(month, forever).market for month in range(1, 40)), fall)


def test_poaching_takes_the_share_over_all_its_months() -> None:
    event = shock("manager_poaching", months=3, share=0.10)
    months = [world(month, event).poached for month in range(5)]
    np.testing.assert_allclose(1 - np.prod([1 - chance for chance in months], axis=0), [0, 0, 0.10, 0], atol=1e-15)
    assert not months[4].any()
    np.testing.assert_allclose(months[1][2], 1 - 0.9 ** (1 / 3))


def test_a_rivals_app_counts_as_yield_until_ours_is_as_good() -> None:
    event = shock("rival_app", months=12, quality=1.5, worth=0.8)
    assert [world(month, event).yield_gap for month in (0, 1, 12, 13)] == pytest.approx([0, 1.2, 1.2, 0])
    assert world(900, shock("rival_app")).yield_gap == 1.0


# --- together --------------------------------------------------------------------------------------------------------


def test_together_gaps_and_returns_add_capacities_and_ratios_multiply() -> None:
    both = world(6, shock("internet_finance"), shock("rival_app"))
    assert both.yield_gap == 5.5
    one, two = shock("pandemic", branch_lost=0.2, remote=0.6), shock("pandemic", closed_capacity=0.5)
    crowd = world(1, one, two)  # of one kind only here: a scenario may not say so
    assert crowd.branch_capacity == pytest.approx(0.15)
    assert crowd.branch_demand == pytest.approx(0.8 * 0.85)
    assert crowd.app_use == pytest.approx(1.25**2)
    assert math.exp(crowd.adoption) == pytest.approx(1.7**2)
    assert crowd.remote == 0.8
    fall = shock("market_drawdown")
    np.testing.assert_allclose(world(1, fall, fall).market, 2 * world(1, fall).market)
    fund = shock("internet_finance", own_fund_after=0)
    np.testing.assert_allclose(world(6, fund, fund).margin, world(6, fund).margin ** 2)
    rival = shock("manager_poaching")
    np.testing.assert_allclose(1 - world(1, rival, rival).poached, (1 - world(1, rival).poached) ** 2)


def test_the_order_of_the_list_changes_no_bit() -> None:
    assert_same(tables(lived(with_events(EVERYTHING))), tables(lived(with_events(EVERYTHING[::-1]))))


# --- nobody's luck ---------------------------------------------------------------------------------------------------


def test_months_before_an_event_are_those_of_a_calm_world() -> None:
    calm, stormy = (tables(lived(with_events(events, burn_in=2))) for events in ([], EVERYTHING))
    assert_same(calm, stormy, until=3)
    months = [t["monthly"][t["monthly"]["month"] == 4] for t in (calm, stormy)]
    assert not months[0].equals(months[1])


@pytest.mark.parametrize("event", [*NOTHING, None], ids=lambda event: event["kind"] if event else "all of them")
def test_an_event_of_no_size_changes_no_bit(event: dict[str, Any] | None) -> None:
    events = NOTHING if event is None else [event]
    assert_same(tables(lived(with_events([]))), tables(lived(with_events(events))))


def test_events_are_the_same_for_one_thread_and_many_and_any_order_of_rows() -> None:
    s = with_events(EVERYTHING, 40_000)
    shuffled = bank(s, threads=2)
    shuffled.customers.reorder(np.random.default_rng(5).permutation(len(shuffled.customers)))
    assert_same(tables(lived(s)), tables(live(shuffled)))


def test_a_bank_shows_the_world_it_lives_in() -> None:
    shown = tables(lived(with_events(EVERYTHING)))["bank"].set_index("month")
    assert shown["yield_gap"].tolist() == pytest.approx([0, 0, 0, 0, 1.75, 2.5, 1 + 2.25 / 2])
    assert shown["branch_capacity"].tolist() == [1, 1, 1, 1, 0.3, 0.3, 0.7]
    assert shown["adoption_factor"].tolist() == pytest.approx([1, 1, 1, 1, 1.7, 1.7, 1.7])
    assert shown["market_return"][4] < 0 < shown["market_return"][5]


# --- what they do ----------------------------------------------------------------------------------------------------


def test_a_drawdown_is_a_market_effect_of_the_size_told() -> None:
    """Nobody moves here, so AUM is what the market makes of it, and the books still close."""
    s = with_events(
        [{"kind": "market_drawdown", "from": 2, "loss": 0.1}],
        20_000,
        model={"mechanisms": only(), "hazards": hazards(0.0)},
    )
    monthly = tables(lived(s))["monthly"].pivot(index="month", columns="tier")
    aum, effect = monthly["aum"][list(TIERS)], monthly["market_effect"][list(TIERS)]
    np.testing.assert_allclose(effect.loc[3] / aum.loc[2], -0.1 * np.array([0.15, 0.35, 0.5, 0.6]), rtol=1e-6)
    assert np.all(effect.loc[[1, 2, 4, 5]] == 0)
    explained = monthly["net_new_money"] + monthly["market_effect"] + monthly["aum_moved"]
    np.testing.assert_allclose(monthly["aum"].diff().loc[1:], explained.loc[1:], rtol=0, atol=0.06 * 20_000)
    assert abs(monthly["net_new_money"].loc[3].sum()) < 1e-6 * aum.loc[2].sum()


def test_holders_lose_trust_and_nobody_else_does() -> None:
    model = bank(with_events([], 20_000))
    c = model.customers
    trust, failure = c.trust.copy(), c.open_failure.copy()
    event = shock("market_drawdown", trust=-0.3, holder_products=3, holder_tiers=["private"], advice_failure=0.4)
    context = StrikeContext(1, 1, float(model.rates.trust_sd))
    event.strike(c, TIER_LIST, 2, context)  # a month too late: nothing
    assert np.array_equal(trust, c.trust)
    event.strike(c, TIER_LIST, 1, context)
    holder = (c.state == ACTIVE) & ((c.tier == 3) | (c.products >= 3))
    assert 0 < holder.sum() < (c.state == ACTIVE).sum()
    assert (c.state == DORMANT).any()
    np.testing.assert_allclose((c.trust - trust)[holder], -0.3 * model.rates.trust_sd, rtol=1e-5)
    assert np.array_equal(trust[~holder], c.trust[~holder])
    advised = holder & (c.manager != NOBODY)
    failed = c.open_failure - failure
    assert set(np.unique(failed)) == {0.0, 1.0}
    assert not failed[~advised].any()
    n = int(advised.sum())
    assert n > 300
    assert abs(failed[advised].mean() - 0.4) < 4 * math.sqrt(0.24 / n)


def test_tiers_of_another_name_are_meant_by_what_they_are_like() -> None:
    tiers = [tier.model_copy(update={"name": f"t{i}", "like": tier.name}) for i, tier in enumerate(TIER_LIST)]
    environment = Environment(tiers, [shock("manager_poaching", tiers=["wealth", "t3"])], LIQUID)
    environment.advance(1)
    assert (environment.poached > 0).tolist() == [False, False, True, True]


def test_a_rival_takes_its_share_of_the_managers_named_and_customers_follow() -> None:
    small_books = {"span": {"wealth": 2.0, "affluent": 20.0}}
    quiet = {"mechanisms": {"manager_turnover": False}}
    event = {"kind": "manager_poaching", "from": 1, "share": 0.4}
    calm, struck = (
        lived(with_events(events, 30_000, months=5, managers=small_books, model=quiet)) for events in ([], [event])
    )
    left = tables(struck)["managers"].query("event == 'left'")
    assert not len(tables(calm)["managers"].query("event == 'left'"))
    posts = sum(m.tier == 2 for m in calm.team.managers)
    assert posts > 150
    assert set(left["month"]) == {2, 3, 4}
    assert {struck.team.managers[post].tier for post in left["post"]} == {2}
    assert abs(left["post"].nunique() / posts - 0.4) < 4 * math.sqrt(0.24 / posts)
    assert tables(struck)["bank"]["managers_left"].sum() == len(left)
    followers = struck.customers.follow_months > 0
    assert followers.any()
    assert not (calm.customers.follow_months > 0).any()


def test_a_meeting_that_cannot_be_held_becomes_a_call_or_video_and_no_other_contact_changes() -> None:
    habits = bank(with_events([], 2_000)).team.habits
    u = np.array([[0.05, 0.25, 0.25, 0.29, 0.50, 0.95], [0.9, 0.1, 0.9, 0.79, 0.9, 0.9]])

    def channels(most: float) -> list[int]:
        private = 3  # 30 % branch, 40 % phone, 10 % video, 20 % messages
        return [int(channel_of(*draws, private, most, habits)) for draws in u.T.tolist()]

    assert channels(0.2) == [BRANCH, PHONE, VIDEO, PHONE, PHONE, MESSAGING]
    assert channels(0.0)[0] == VIDEO
    assert channels(1.0) == [BRANCH, BRANCH, BRANCH, BRANCH, PHONE, MESSAGING]


def test_managers_hold_fewer_meetings_while_a_pandemic_lasts() -> None:
    settings = {
        "managers": {
            "mix": {"private": {"branch": 0.9, "phone": 0.1, "video": 0.0, "messaging": 0.0}},
            "hours_per_month": 300.0,
        },
        "channels": {"branch": {"capacity": 1000.0}},
        "population": {"shares": {"mass": 0.5, "affluent": 0.1, "wealth": 0.1, "private": 0.3}},
    }
    event = {"kind": "pandemic", "from": 2, "months": 3, "closed_months": 0, "limited_months": 0}
    calm, struck = (
        tables(lived(with_events(events, 4_000, months=7, **settings)))["monthly"]
        .query("tier == 'private'")
        .set_index("month")["contacts_branch"]
        for events in ([], [event])
    )
    assert calm[2] == struck[2]
    part = struck[[3, 4, 5]].sum() / calm[[3, 4, 5]].sum()
    assert 0.15 < part < 0.30  # 20 of 90 meetings stay
    assert struck[[6, 7]].sum() > 0.8 * calm[[6, 7]].sum()


def test_service_follows_use_and_a_calm_month_is_the_same_object() -> None:
    model, channels = Model(), Channels()
    numbers = rates(model, TIER_LIST, channels)
    assert in_use(numbers, model, channels, np.ones(5)) is numbers
    use = np.array([0.3, 1.0, 1.0, 1.0, 1.25])
    changed = in_use(numbers, model, channels, use)
    others = 0.15 * 0.3 + 0.05
    assert changed.experience_other == pytest.approx(1 - math.exp(-others), rel=1e-6)
    assert changed.experience_digital == pytest.approx(1 - math.exp(-(others + 1.25)), rel=1e-6)
    assert changed.failure_other == pytest.approx(1 - math.exp(-(0.045 * 0.012 + 0.05 * 0.015)), rel=1e-6)
    assert changed.satisfaction_sd == numbers.satisfaction_sd
    near = in_use(numbers, model, channels, np.full(5, 1.0 + 1e-12))  # the general path agrees with the calm one
    np.testing.assert_allclose(near.failure_digital, numbers.failure_digital, rtol=1e-6)
    off = Model.model_validate({"mechanisms": {"failures": False}})
    assert in_use(rates(off, TIER_LIST, channels), off, channels, use).failure_digital == 0


def test_the_ledger_loses_margin_on_aum_and_pays_for_the_episodes_there_are() -> None:
    ledger = Ledger(Economics(), Channels(), 16_000.0, TIER_LIST)
    stocks = {
        "earned": 1.2e6 * np.array([0.010, 0.009, 0.007, 0.005]),
        "earned_products": np.full(4, 12.0),
        "active": np.full(4, 100.0),
        "dormant": np.zeros(4),
        "digital": np.zeros(4),
        "joined": np.zeros(4),
        "campaign_contacts": np.zeros((4, 5)),
        "posts": np.zeros(4),
        "strategy_cost": np.zeros(4),
    }
    calm = ledger.settle(**stocks, use=np.ones(5), margin=np.ones(4))
    less = ledger.settle(**stocks, use=np.array([0.85, 1, 1, 1, 1]), margin=np.full(4, 0.9))
    np.testing.assert_allclose(calm.revenue - less.revenue, 0.1 * 1e5 * np.array([0.010, 0.009, 0.007, 0.005]))
    np.testing.assert_allclose(calm.service - less.service, 100 * 0.15 * 0.15 * 20)


def test_a_yield_shock_drains_the_digital_first_and_the_own_fund_halves_it() -> None:
    """V22 in small: paired customers, twelve months of the gap; wallets are on the logit scale."""
    s = {
        name: lived(with_events(events, 20_000, months=12))
        for name, events in (
            ("calm", []),
            ("gap", [{"kind": "internet_finance", "from": 0}]),
            ("fund", [{"kind": "internet_finance", "from": 0, "own_fund_after": 0}]),
        )
    }

    def leak(name: str) -> pd.DataFrame:
        frames = []
        for c in (s["calm"].customers, s[name].customers):
            awake = c.state == ACTIVE
            frames.append(
                pd.DataFrame(
                    {
                        "wallet": c.wallet[awake].astype(float),
                        "affinity": c.affinity[awake],
                        "age": c.age[awake],
                        "aum": c.aum[awake],
                    },
                    index=c.uid[awake],
                )
            )
        both = frames[0].merge(frames[1], left_index=True, right_index=True, suffixes=("", "_then"))
        return both.assign(lost=both["wallet"] - both["wallet_then"])

    gap, fund = leak("gap"), leak("fund")
    assert fund["lost"].mean() / gap["lost"].mean() == pytest.approx(0.5, abs=0.02)
    by_affinity = gap.groupby(pd.qcut(gap["affinity"], 4), observed=True)["lost"].mean()
    assert by_affinity.is_monotonic_increasing
    assert gap["lost"][gap["age"] < 35].mean() > 1.3 * gap["lost"][gap["age"] > 60].mean()
    drained = (gap["aum"] - gap["aum_then"]).sum()
    exits = {name: tables(bank_)["bank"]["aum_exited"].sum() for name, bank_ in s.items()}
    assert drained > 2 * (exits["gap"] - exits["calm"])


def test_a_pandemic_bends_the_adoption_curve_and_it_bends_back() -> None:
    """V16's bump: nine months of more, then fewer, since who would have come has come."""
    event = {"kind": "pandemic", "from": 6}
    calm, struck = (tables(lived(with_events(events, 20_000, months=24)))["monthly"] for events in ([], [event]))
    users = [
        (t["digital_active"] * t["active"]).groupby(t["month"]).sum() / t.groupby("month")["active"].sum()
        for t in (calm, struck)
    ]
    gain = (users[1] - users[0]).to_numpy()
    assert np.all(gain[:7] == 0)
    assert np.all(np.diff(gain[6:16]) > 0)
    assert 0.015 < gain[15] < 0.05
    assert gain[24] < gain[15]


# --- numbers, scenarios, mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHOCKS)
def test_every_number_of_a_shock_has_unit_range_and_source_and_a_plausible_default(kind: str) -> None:
    for name, field in SHOCKS[kind].model_fields.items():
        if name in ("kind", "start", "tiers", "holder_tiers"):
            continue
        known = described(field)
        assert known, name
        assert known["unit"], name
        assert known["source"], name
        low, high = known["plausible"]
        default = field.get_default(call_default_factory=True)
        values = list(default.values()) if isinstance(default, dict) else [default]
        assert all(value is None or low <= value <= high for value in values), name
    assert (SHOCKS[kind].__doc__ or "").splitlines()[0].endswith(".")


def test_the_list_has_a_line_for_each_shock(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    for kind, kind_of_shock in SHOCKS.items():
        assert f"  {kind} " in told
        assert (kind_of_shock.__doc__ or "?") in told


@pytest.mark.parametrize("name", ["pandemic", "internet_finance"])
def test_the_scenarios_ask_something_and_read_back_to_themselves(name: str) -> None:
    (ready,) = prepare([SCENARIOS / f"{name}.yaml"])
    assert ready.scenario.environment[0].kind == name
    assert "?" in ready.scenario.about
    assert next(iter(ready.scenario.arms.items())) == ("nothing", [])
    assert len(ready.scenario.arms) == 6, "the strategies are held against doing nothing under the same shock"
    again = Scenario.model_validate(ready.scenario.resolved())
    assert again.digest() == ready.digest
    assert again.environment == ready.scenario.environment


WRONG = """\
name: wrong
months: 24
environment:
  - {kind: internet_finance, from: 24}
  - {kind: rival_app, from: 7}
  - {kind: pandemic, from: 8}
  - {kind: rival_app, from: 4}
  - {kind: pandemic, from: 3}
  - {kind: manager_poaching, from: 2, tiers: [welth]}
  - {kind: market_drawdown, from: 1, recovery_months: 6, invested: {mas: 0.2}}
  - {kind: market_drawdown, from: 12, holder_tiers: [private, gold]}
"""
MISFITS = [
    "4:36  environment[0].from: 24 is beyond the 24 measured months; from 0 to 23",
    "5:29  environment[1].from: rival_app contradicts environment[3], active from month 5 to the end; "
    "one of a kind at a time, so give that one its months",
    "6:28  environment[2].from: pandemic contradicts environment[4], active from month 4 to 12; "
    "one of a kind at a time, so from 12 or later",
    "9:47  environment[5].tiers[0]: unknown tier 'welth'; tiers are mass, affluent, wealth, private",
    "10:74  environment[6].invested.mas: unknown tier; tiers are affluent, mass, private, wealth",
    "11:63  environment[7].holder_tiers[1]: unknown tier 'gold'; tiers are mass, affluent, wealth, private",
]
UNREADABLE = """\
name: unreadable
environment:
  - {kind: internet_finance, from: 3, peak: 0.5}
  - {kind: pandmic, from: 3}
  - {kind: market_drawdown, from: -1}
  - {kind: manager_poaching, from: 2, share: 1.5}
  - {from: 0}
  - {kind: rival_app}
  - {kind: pandemic, from: 2.5, remot: 0.5}
  - {kind: market_drawdown, from: 1, invested: {mass: 1.2}}
"""
PLACES = [
    "3:5  environment[0].fade_to: 1 is above the peak of 0.5; at most the peak",
    "4:12  environment[1].kind: ",
    "5:35  environment[2].from: ",
    "6:46  environment[3].share: ",
    "7:5  environment[4].kind: missing",
    "8:5  environment[5].from: missing",
    "9:28  environment[6].from: ",
    "9:33  environment[6].remot: unknown key; did you mean remote?",
    "10:55  environment[7].invested.mass: 1.2 ",
]


@pytest.mark.parametrize(("text", "told"), [(WRONG, MISFITS), (UNREADABLE, PLACES)], ids=["misfits", "unreadable"])
def test_each_mistake_is_answered_with_its_address(
    text: str, told: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text, "utf-8")
    assert main(["validate", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    found = [line.removeprefix(f"{file}:") for line in lines]
    assert len(found) == len(told), lines
    for line in told:
        assert any(answer.startswith(line) for answer in found), (line, found)


def test_shocks_of_one_kind_may_follow_one_another() -> None:
    events = [
        {"kind": "pandemic", "from": 2},
        {"kind": "pandemic", "from": 11},
        {"kind": "rival_app", "from": 0, "months": 3},
        {"kind": "rival_app", "from": 3},
        {"kind": "market_drawdown", "from": 4},
        {"kind": "market_drawdown", "from": 5},
        {"kind": "internet_finance", "from": 0, "rise_months": 2, "fade_months": 4},
        {"kind": "internet_finance", "from": 6},
    ]
    kept = with_events(events, months=24)
    assert [event.start for event in kept.environment] == [2, 11, 0, 3, 4, 5, 0, 6]
    second = Environment(TIER_LIST, kept.environment, LIQUID)
    second.advance(12)
    assert second.branch_demand == pytest.approx(0.85**2)
    assert second.yield_gap == pytest.approx(1.0 + 4.5 + 1.0)  # what stayed of the first wave, the second, the app
