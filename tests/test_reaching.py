"""Claims about reaching out: what contacts that keep do, what scores know, who is reached, and whose hours pay."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from banks import bank, live, scenario
from builders import awake, by_uid, calm, lived_in, newcomers, plan_for, rates_of, still
from builders import live as live_month
from scipy.stats import norm

from sim.agents.customer import NAMES, BankView, Customers
from sim.agents.proposals import Proposals
from sim.bank.model import BankModel
from sim.behaviour.settings import Retention
from sim.codes import (
    ACTIVE,
    APP,
    CHANNEL_BITS,
    CHANNELS,
    CLOSED,
    DORMANT,
    LEAD,
    MESSAGING,
    NOBODY,
    PHONE,
    RETENTION,
    UPLIFT_CLASSES,
)
from sim.kernel import month as kernel
from sim.kernel.inputs import Now, Rates
from sim.kernel.tallies import Tally as T
from sim.levers import Levers
from sim.scenario.scenario import Arm, Scenario
from sim.strategies.base import Bank, Strategy

f32 = np.float32
RICH = {"population": {"shares": {"mass": 0.5, "affluent": 0.25, "wealth": 0.2, "private": 0.05}}}
AMPLE = {"channels": {name: {"capacity": 1_000.0} for name in CHANNELS}}
NOBODY_LEAVES = {"close_rate": [0.0] * 4, "dormant_rate": [0.0] * 4}


def month(
    people: Customers, plan: np.ndarray | None = None, *, p: Rates | None = None, at: int = 1, **now: Any
) -> np.ndarray:
    """Live one month in place; returns the month's tally over tiers."""
    p = p or rates_of()
    plan = np.full(len(people), NOBODY, np.int8) if plan is None else plan
    return live_month(kernel.step_chunk, people, plan, calm(at, p=p, **now), p).tally.sum(axis=0)


# --- contacts that are meant to keep ---------------------------------------------------------------------------------


def test_a_retention_contact_multiplies_the_hazard_by_the_ratio_of_the_class_for_its_months_and_no_longer() -> None:
    """SPEC 6.4: persuadables .55, sure things and lost causes 1, sleeping dogs 1.9, for three months."""
    nothing_else_a_call_does = {
        "b_pressure": 0.0,
        "b_gap": 0.0,
        "b_bond": 0.0,
        "wallet_bond": 0.0,
        "wallet_contact": 0.0,
    }
    p = rates_of(reach=[1.0] * 5, **nothing_else_a_call_does)
    told, left_alone = awake(8_000, managed=True), awake(8_000, managed=True)
    calls = np.full(len(told), PHONE | RETENTION, np.int8)
    expected = np.array([0.55, 1.0, 1.0, 1.9])
    assert expected.tolist() == [Retention().hazard_ratio[name] for name in UPLIFT_CLASSES]
    for at in range(1, 6):
        month(told, calls if at == 1 else None, p=p, at=at, **NOBODY_LEAVES)
        month(left_alone, p=p, at=at, **NOBODY_LEAVES)
        ratio = np.exp(told.risk - left_alone.risk)
        wanted = expected[told.uplift_class] if at <= 3 else np.ones(len(told))
        np.testing.assert_allclose(ratio, wanted, rtol=1e-5, err_msg=f"month {at}")
    assert {name: int((told.uplift_class == k).sum()) > 100 for k, name in enumerate(UPLIFT_CLASSES)} == dict.fromkeys(
        UPLIFT_CLASSES, True
    )


def test_a_second_retention_contact_begins_the_months_anew_and_adds_nothing() -> None:
    p = rates_of(reach=[1.0] * 5)
    people = awake(2_000, managed=True)
    calls = np.full(len(people), PHONE | RETENTION, np.int8)
    left = [
        month(people, calls if at in (1, 2) else None, p=p, at=at, **NOBODY_LEAVES) is None
        or int(people.retained.max())
        for at in range(1, 6)
    ]
    assert left == [2, 2, 1, 0, 0]


def test_who_is_not_reached_is_not_kept() -> None:
    people = awake(2_000, managed=True)
    month(people, np.full(len(people), PHONE | RETENTION, np.int8), p=rates_of(reach=[0.0] * 5), **NOBODY_LEAVES)
    assert not people.retained.any()


@pytest.mark.parametrize(("purpose", "sells"), [(0, True), (LEAD, True), (RETENTION, False)])
def test_a_contact_that_keeps_offers_no_product(purpose: int, sells: bool) -> None:
    p = rates_of(reach=[1.0] * 5, conversion=[1.0] * 5, attempt_decay=0.0, product_gain=[0.0] * 4, product_loss=0.0)
    people = awake(2_000, managed=True)
    people.products[:] = 1
    tally = month(people, np.full(len(people), PHONE | purpose, np.int8), p=p, push_managers=1.0, **NOBODY_LEAVES)
    assert tally[T.CONTACTS + PHONE] == tally[T.OPEN]
    assert (tally[T.SALES] > 0) == sells
    assert np.all(people.retained == (0 if sells else 2))


def test_a_lead_sells_by_the_hand_off_and_a_second_channel_by_the_synergy() -> None:
    """Conversions, not sales: the chance is small, so the ratio of sales is the ratio of chances."""
    p = rates_of(
        reach=[1.0] * 5,
        conversion=[0.05] * 5,
        product_gain=[0.0] * 4,
        product_loss=0.0,
        need_effect=0.0,
        skill_effect=0.0,
        near_threshold_effect=1.0,
        event_need=1.0,
    )
    n = 60_000

    def sold(purpose: int, last: int, **now: float) -> float:
        people = awake(n, managed=True, tier=1)
        people.products[:] = 1
        people.weight[:] = 1024
        people.last_channel[:] = last
        plan = np.full(n, PHONE | purpose, np.int8)
        return month(people, plan, p=p, push_managers=1.0, **NOBODY_LEAVES, **now)[T.SALES] / 1024 / n

    plain = sold(0, PHONE, handoff=math.log(1.6), synergy=math.log(1.25))
    assert plain == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / n))
    for rate, chance in (
        (sold(LEAD, PHONE, handoff=math.log(1.6)), 0.08),
        (sold(0, MESSAGING, synergy=math.log(1.25)), 0.0625),
        (sold(LEAD, MESSAGING, handoff=math.log(1.6), synergy=math.log(1.25)), 0.10),
    ):
        assert rate == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / n))


# --- what scores know ------------------------------------------------------------------------------------------------

CROWD = 400_000


def scores(
    now: Now, p: Rates, *, risk: np.ndarray, need: np.ndarray | None = None, uplift_class: np.ndarray | None = None
) -> tuple[np.ndarray, ...]:
    """Churn, uplift and offer scores of customers of the lowest tier, uids 1 to n."""
    n = risk.size
    out = tuple(np.empty(n, f32) for _ in range(3))
    kernel.score_chunk(
        np.arange(1, n + 1, dtype=np.uint64),
        np.zeros(n, np.int8),
        risk.astype(f32),
        np.zeros(n, np.int8) if uplift_class is None else uplift_class,
        (np.zeros(n) if need is None else need).astype(f32),
        now,
        p,
        *out,
    )
    return out


@pytest.mark.parametrize("known", [0.0, 0.25, 0.6, 1.0])
def test_a_score_is_correlated_with_the_truth_as_asked_and_has_unit_variance(known: float) -> None:
    p = rates_of()
    rng = np.random.default_rng(5)
    truth, need = rng.standard_normal(CROWD), rng.standard_normal(CROWD)
    classes = rng.choice(4, CROWD, p=[0.2, 0.6, 0.12, 0.08]).astype(np.int8)
    risk = -0.4 + 0.9 * truth
    gain = np.exp(risk) * (1 - np.array([0.55, 1, 1, 1.9]))[classes]
    now = calm(
        p=p,
        know_churn=known,
        know_uplift=known,
        know_offer=known,
        risk_mean=[-0.4] * 4,
        risk_sd=[0.9] * 4,
        gain_mean=[gain.mean()] * 4,
        gain_sd=[gain.std()] * 4,
    )
    told = scores(now, p, risk=risk, need=need, uplift_class=classes)
    for score, of in zip(told, (truth, gain, need), strict=True):
        error = 4 * (1 - known**2) / math.sqrt(CROWD)
        assert np.corrcoef(score, of)[0, 1] == pytest.approx(known, abs=error + 1e-4)
        heavy = math.sqrt(np.mean(((of - of.mean()) / of.std()) ** 4) / CROWD)  # a variance's error by the 4th moment
        assert score.mean() == pytest.approx(0, abs=4 / math.sqrt(CROWD))
        assert score.var() == pytest.approx(1, abs=4 * (known**2 * heavy + 2 / math.sqrt(CROWD)))
    if known == 0.0:  # the noises of one customer are strangers to each other
        assert abs(np.corrcoef(told[0], told[1])[0, 1]) < 4 / math.sqrt(CROWD)
        assert abs(np.corrcoef(told[1], told[2])[0, 1]) < 4 / math.sqrt(CROWD)


SPREAD = 1.2  # SD of the log hazard ratio in the tests below: enough for an AUC of .75
LIFT = {0.60: (1.98, 1.78, 1.57, 1.45), 0.65: (2.71, 2.31, 1.92, 1.69), 0.75: (4.90, 3.72, 2.72, 2.22)}  # SPEC 6.3


def scored_cases(auc: float) -> tuple[np.ndarray, np.ndarray]:
    """Churn scores of everybody and of rare leavers, when the model is asked to know so much.

    Leavers are drawn with odds e^(spread z): of a normal truth they are the same law, moved by the spread.
    """
    model = bank(scenario(600, months=1, model={"scores": {"data_quality": 1.0, "churn_auc": auc}}))
    model.risk_spread = SPREAD
    known = float(model._knowledge(Levers(4))["know_churn"])
    p = rates_of()
    now = calm(p=p, know_churn=known, risk_mean=[0.0] * 4, risk_sd=[SPREAD] * 4)
    truth = np.random.default_rng(9).standard_normal(2 * CROWD)
    truth[CROWD:] += SPREAD
    score = scores(now, p, risk=SPREAD * truth)[0]
    return score[:CROWD], score[CROWD:]


@pytest.mark.parametrize("auc", LIFT)
def test_leavers_are_told_from_the_rest_with_the_auc_asked_for_and_the_lift_of_spec(auc: float) -> None:
    """SPEC 6.3: lift(q) = (1 - Phi(Phi^-1(1-q) - sqrt 2 Phi^-1(AUC))) / q; the error is that of the sample."""
    everybody, leavers = scored_cases(auc)
    ranks = np.searchsorted(np.sort(everybody), leavers) / CROWD
    assert ranks.mean() == pytest.approx(auc, abs=4 * ranks.std() * math.sqrt(2 / CROWD))
    for q, lift in zip((0.05, 0.10, 0.20, 0.30), LIFT[auc], strict=True):
        caught = float((leavers > norm.isf(q)).mean())
        assert caught / q == pytest.approx(lift, abs=0.005 + 4 * math.sqrt(caught * (1 - caught) / CROWD) / q)


def test_bad_data_take_their_part_of_what_a_model_knows() -> None:
    """AUC in effect = .5 + (AUC - .5) x data quality: .78 on data of .5 is .64, whatever half was asked for."""
    half, whole = (
        bank(scenario(600, months=1, model={"scores": {"data_quality": q, "churn_auc": auc}}))._knowledge(Levers(4))
        for q, auc in ((0.5, 0.78), (1.0, 0.64))
    )
    assert half["know_churn"] == pytest.approx(whole["know_churn"], rel=1e-6)
    blind = bank(scenario(600, months=1, model={"scores": {"data_quality": 0.0, "churn_auc": 0.9}}))._knowledge(
        Levers(4)
    )
    assert blind["know_churn"] == 0.0


@pytest.fixture(scope="module")
def lively() -> BankModel:
    """A bank of many managed customers after half a year."""
    return live(bank(scenario(6_000, months=6, **RICH)))


def test_noise_is_redrawn_each_quarter_and_stays_within_it(lively: BankModel) -> None:
    rows = np.arange(len(lively.customers))
    at, told = lively.month, []
    for month_ in range(1, 8):
        lively.month = month_
        lively.now = lively._now(lively.levers)
        told.append(lively.scores(rows))
    lively.month = at
    lively.now = lively._now(lively.levers)
    for name in ("churn_score", "uplift_score", "offer_score"):
        changes = [not np.array_equal(one[name], other[name]) for one, other in itertools.pairwise(told)]
        assert changes == [False, False, True, False, False, True], name


def test_campaigns_and_managers_go_by_the_same_score() -> None:
    """Everybody above the cut is written to, nobody below; the managers' view of the same customers says who."""
    for by_uplift, name in ((False, 0), (True, 1)):
        p = rates_of()
        people = lived_in(newcomers(6_000))
        people.manager[:] = NOBODY
        retain = np.zeros((4, 5), f32)
        retain[:, PHONE] = 1.0
        now = calm(
            p=p, scored=True, retain=retain, retain_cut=1.0, by_uplift=by_uplift, know_churn=0.7, know_uplift=0.7
        )
        seen = [np.empty(len(people), f32) for _ in range(3)]
        kernel.score_chunk(people.uid, people.tier, people.risk, people.uplift_class, people.need, now, p, *seen)
        expected = (seen[name] > 1.0) & (people.state == ACTIVE) & ((people.opted_out >> PHONE) & 1 == 0)
        before = people.contacts.astype(int)
        live_month(kernel.step_chunk, people, np.full(len(people), NOBODY, np.int8), now, p)
        np.testing.assert_array_equal(people.contacts > before, expected)
        assert 300 < expected.sum() < len(people) / 4


def test_offers_by_score_are_as_many_and_go_to_the_top() -> None:
    """Targeting moves campaign offers to the best-scored fifth without adding any."""
    p = rates_of()
    campaign = np.zeros((4, 5), f32)
    campaign[:, MESSAGING] = 0.04

    def contacted(targeting: float) -> tuple[np.ndarray, np.ndarray]:
        people = awake(60_000, managed=False)
        now = calm(p=p, campaign=campaign, scored=True, targeting=targeting, offer_cut=norm.isf(0.2), offer_boost=5.0)
        seen = [np.empty(len(people), f32) for _ in range(3)]
        kernel.score_chunk(people.uid, people.tier, people.risk, people.uplift_class, people.need, now, p, *seen)
        live_month(kernel.step_chunk, people, np.full(len(people), NOBODY, np.int8), now, p)
        return people.contacts > 0, seen[2]

    for targeting, share_of_top in ((0.0, 0.2), (0.5, 0.6), (1.0, 1.0)):
        reached, offer = contacted(targeting)
        n = int(reached.sum())
        assert n == pytest.approx(2_400, abs=4 * math.sqrt(2_400))
        share = float((offer[reached] > norm.isf(0.2)).mean())
        error = 4 * math.sqrt(max(share_of_top * (1 - share_of_top), 1e-9) / n)
        assert share == pytest.approx(share_of_top, abs=error)


# --- who is reached --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [0.5, 1.2])
def test_no_campaign_lifts_pressure_above_the_cap(cap: float) -> None:
    p = rates_of()
    people = lived_in(newcomers(20_000))
    people.manager[:] = NOBODY
    busy = {
        "campaign": np.full((4, 5), 0.12),
        "retain": np.full((4, 5), 0.05),
        "scored": True,
        "outreach": 0.2,
        "pressure_cap": cap,
        **NOBODY_LEAVES,
    }
    contacts = 0
    for at in range(1, 10):
        before = people.contacts.astype(int)
        month(people, p=p, at=at, **busy)
        made = people.contacts > before
        contacts += int(made.sum())
        assert people.pressure[made].max() <= cap + 1e-6
    assert contacts > 1_000
    here = people.state != CLOSED
    assert people.pressure[here].max() <= max(cap, 20 * p.pressure_memory**9) + 1e-6
    free = lived_in(newcomers(20_000))
    free.manager[:] = NOBODY
    month(free, p=p, **(busy | {"pressure_cap": np.inf}))
    assert free.pressure[free.state != CLOSED].max() > 1.2  # it was the cap


@pytest.mark.parametrize("tier", [0, 2])
def test_win_back_raises_returns_by_the_response(tier: int) -> None:
    """Of the dormant contacted, so many come back in that month on top of those who do anyway (SPEC 2.4)."""
    n, p = 60_000, rates_of(dormant_close=0.0)
    answer = {0: 0.03, 2: 0.12}[tier]
    assert 1 - math.exp(-p.win_back[tier]) == pytest.approx(answer, rel=1e-5)
    by_itself = 1 - math.exp(-float(p.dormant_return))
    for court, expected in ((0.0, by_itself), (1.0, 1 - (1 - by_itself) * (1 - answer))):
        people = awake(n, managed=False, tier=tier)
        people.state[:] = DORMANT
        people.weight[:] = 1024
        tally = month(people, p=p, win_back=[court] * 4)
        back = float(tally[T.REACTIVATED]) / 1024 / n
        assert back == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / n))
        assert tally[T.CONTACTS + MESSAGING if tier == 0 else T.CONTACTS + PHONE] == court * n * 1024


def test_leads_come_only_from_app_users_with_a_manager() -> None:
    p = rates_of(lead_chance=1.0, need_effect=0.0)
    people = lived_in(newcomers(12_000))
    state, manager, adopted = (getattr(people, name).copy() for name in ("state", "manager", "adopted"))
    month(people, plan_for(people), p=p)
    able = (state == ACTIVE) & (manager != NOBODY)
    assert not people.lead[(state != ACTIVE) | (manager == NOBODY)].any()
    assert np.all(people.lead[able & (adopted == 1)] == 1)
    assert not people.lead[able & (people.adopted == 0)].any()
    assert 0 < people.lead.sum() < able.sum()
    month(people, plan_for(people), p=rates_of(lead_chance=0.0), at=2)
    assert not people.lead[people.state != CLOSED].any()  # interest lasts a month


def test_remote_managers_call_only_larger_customers_of_the_lowest_tier_without_a_manager() -> None:
    p = rates_of()
    people = lived_in(newcomers(12_000))
    people.opted_out[:] = 0
    state, tier, manager, aum = (getattr(people, name).copy() for name in ("state", "tier", "manager", "aum"))
    before = people.contacts.astype(int)
    month(people, p=p, outreach=1.0, outreach_from=10_000.0)
    called = people.contacts > before
    expected = (state == ACTIVE) & (tier == 0) & (manager == NOBODY) & (aum >= 10_000.0)
    np.testing.assert_array_equal(called, expected)
    assert np.all(people.last_channel[called] == PHONE)
    assert 100 < called.sum() < (tier == 0).sum()


def test_retention_messages_in_the_app_need_the_app() -> None:
    people = awake(6_000, managed=False)
    adopted = people.adopted.copy()
    retain = np.zeros((4, 5), f32)
    retain[:, APP] = 1.0
    month(people, retain=retain, scored=True, retain_cut=-np.inf)
    np.testing.assert_array_equal(people.contacts > 0, adopted == 1)


# --- privacy, patience -----------------------------------------------------------------------------------------------


def programme_at_full(*uses: dict[str, Any]) -> Now:
    """What the kernel is told in a late month of an arm whose strategies have fully taken hold."""
    full = {"speed": 10.0, "lag": 0.0, "fidelity": 1.0}
    s = scenario(
        600, months=30, arms={"arm": [{**full, **use} for use in uses]}, implementation={"gate": 1.0, "dip_months": 0}
    )
    model = bank(s)
    model.begin_measuring()
    model.month = 24
    model.levers.reset()
    model.turn_levers()
    return model._now(model.levers)


def test_the_backlash_against_the_use_of_data_vanishes_with_consent() -> None:
    """SPEC 6.5: kappa (intrusiveness - consent) concern; open collection turns it round [F69]."""
    tools, rules = {"use": "personalised_service"}, {"use": "institutional"}
    watched, asked = programme_at_full(tools), programme_at_full(tools, rules)
    partly = programme_at_full(tools, rules | {"consent": 0.75})
    trust_sd = float(rates_of().trust_sd)
    assert watched.privacy == pytest.approx(0.15 * trust_sd, rel=1e-5)
    assert partly.privacy == pytest.approx(0.25 * 0.15 * trust_sd, rel=1e-4)
    assert asked.privacy == pytest.approx(0, abs=1e-8)
    assert watched.adoption_shift == pytest.approx(-0.4 * 0.2, rel=1e-5)
    assert asked.adoption_shift == pytest.approx(0, abs=1e-8)


def test_the_backlash_takes_trust_from_those_less_at_home_with_the_digital() -> None:
    p = rates_of()
    unaware, watched = (awake(6_000, managed=False) for _ in range(2))
    unaware.affinity[:] = watched.affinity[:] = np.linspace(0, 1, len(watched))
    month(unaware, p=p, **NOBODY_LEAVES)
    month(watched, p=p, privacy=0.1, **NOBODY_LEAVES)
    np.testing.assert_allclose(unaware.trust - watched.trust, 0.10 * 0.1 * 2 * (1 - watched.affinity), atol=2e-6)


@pytest.mark.parametrize("extra", [0, 3, 6])
def test_more_grace_puts_a_demotion_off_by_as_many_months(extra: int) -> None:
    """Wealth customers below their bound for good: out in the month after their six months of grace and the extra."""
    people = awake(400, managed=False, tier=2)
    people.aum[:] = people.aum_2[:] = 400_000.0
    people.log_wealth[:] = np.log(400_000.0) - np.log(1 / (1 + np.exp(-people.wallet)))
    people.below[:] = 0
    for at in range(1, 20):
        month(people, p=still(), at=at, extra_grace=float(extra), **NOBODY_LEAVES)
        if np.any(people.tier != 2):
            break
    assert np.all(people.tier == 1)
    assert at == 6 + extra + 1


# --- whose hours -----------------------------------------------------------------------------------------------------


def planned(model: BankModel, proposals: Proposals | None = None) -> np.ndarray:
    """The plan of the next month, with nobody's hours spent yet."""
    team, levers = model.team, Levers(len(model.tiers))
    rows = team.managed(model.customers)
    return team.plan(
        model.customers,
        model.channels,
        levers,
        model.month + 1,
        float(len(model.customers)),
        1.0,
        rows=rows,
        proposals=proposals,
    )[0]


def everybody_wished_for(model: BankModel, purpose: int = RETENTION) -> Proposals:
    view = BankView(model.customers, model.team.managed(model.customers))
    return Proposals.for_rows(view.state == ACTIVE, priority=np.log1p(view.aum), purpose=purpose)


TIGHT: dict[str, dict[str, Any]] = {
    "hours to spare": {},
    "few hours": {"managers": {"hours_per_month": 25.0}},
    "a full channel": {"channels": {"phone": {"capacity": 90.0}, "messaging": {"capacity": 90.0}}},
}


@pytest.mark.parametrize("tight", TIGHT)
def test_wishes_fill_free_hours_only_and_contacts_due_stay_what_they_are(tight: str) -> None:
    model = live(bank(scenario(6_000, months=3, **RICH, **TIGHT[tight])))
    due, both = planned(model), planned(model, everybody_wished_for(model))
    made = due >= 0
    np.testing.assert_array_equal(due[made], both[made] & CHANNEL_BITS)
    more = int((both >= 0).sum() - made.sum())
    assert more > 0
    if tight != "hours to spare":
        assert more < int((model.customers.manager != NOBODY).sum() - made.sum())


@pytest.mark.parametrize("tight", TIGHT)
def test_hours_are_never_exceeded_whatever_is_wished_for(tight: str) -> None:
    model = live(bank(scenario(6_000, months=3, **RICH, **TIGHT[tight])))
    plan = planned(model, everybody_wished_for(model))
    c, team = model.customers, model.team
    rows = np.flatnonzero(plan >= 0)
    hours = np.array([channel.settings.hours for channel in model.channels])
    posts = len(team.managers)
    spent = np.bincount(c.manager[rows], c.weight[rows] / 1024 * hours[plan[rows] & CHANNEL_BITS], minlength=posts)
    managed = team.managed(c)
    inbound = np.bincount(c.manager[managed], c.weight[managed] / 1024 * team.inbound[c.tier[managed]], minlength=posts)
    there = np.array([0.0 if m.vacant else team.settings.hours_per_month for m in team.managers])
    assert np.all(spent <= np.maximum(there - inbound, 0) + 1e-9)
    assert np.all(c.state[rows] == ACTIVE)
    for number, channel in enumerate(model.channels):
        load = float((c.weight[rows][(plan[rows] & CHANNEL_BITS) == number] / 1024).sum())
        assert load <= channel.settings.capacity * len(c) / 1000 + 1e-9


def test_the_more_urgent_wish_is_granted_first() -> None:
    """Within a book, whoever stands higher in the queue is contacted before anybody below."""
    model = live(bank(scenario(6_000, months=3, **RICH, **AMPLE, managers={"hours_per_month": 70.0})))
    c = model.customers
    rows = model.team.managed(c)
    due = planned(model) >= 0
    urgency = np.random.default_rng(2).standard_normal(rows.size)
    plan = planned(model, Proposals.for_rows(np.ones(rows.size, bool), priority=urgency))
    granted = (plan[rows] >= 0) & ~due[rows]
    late = c.contact_gap[rows] + 1 < model.team.interval[c.tier[rows]]
    assert 100 < granted.sum() < late.sum() - 100
    silent = (c.opted_out[rows] & 0b1111) != 0  # where a wish may find no channel
    for post in np.unique(c.manager[rows]):
        mine = (c.manager[rows] == post) & late & ~silent
        yes, no = urgency[mine & granted], urgency[mine & ~granted]
        assert yes.size == 0 or no.size == 0 or yes.min() > no.max()


def test_no_wish_is_a_wish_of_nobody(lively: BankModel) -> None:
    nothing = Proposals.for_rows(
        np.zeros(lively.team.managed(lively.customers).size, bool),
        priority=np.zeros(lively.team.managed(lively.customers).size),
    )
    np.testing.assert_array_equal(planned(lively), planned(lively, nothing))


def test_wishes_of_several_make_one_queue_whatever_their_order() -> None:
    """A customer wished for twice keeps the higher priority; keeping goes before a lead, a lead before anything."""

    def wish(rows: list[int], priority: list[float], purpose: int) -> Proposals:
        return Proposals(np.array(rows), np.array(priority), np.full(len(rows), purpose, np.int8))

    wishes = [
        wish([3, 1, 7], [0.5, 2.0, -1.0], 0),
        wish([1, 4], [1.0, 0.0], LEAD),
        wish([7, 4], [0.2, 0.3], RETENTION),
        wish([], [], 0),
    ]
    for order in itertools.permutations(wishes):
        queue = Proposals.merged(order)
        assert queue.rows.tolist() == [1, 3, 4, 7]
        assert queue.priority.tolist() == [2.0, 0.5, 0.3, 0.2]
        assert queue.purpose.tolist() == [LEAD, 0, RETENTION, RETENTION]
    assert Proposals.merged([]).rows.size == 0


# --- the butterfly ---------------------------------------------------------------------------------------------------


class OneCall(Strategy):
    """One call to one customer in one month, and nothing else in the world."""

    uid: int
    when: int = 7

    def propose(self, view: BankView, maturity: float, month: int, bank: Bank) -> Proposals | None:
        chosen = (view.uid == np.uint64(self.uid)) & (month == self.when)
        return Proposals.for_rows(chosen, priority=np.zeros(view.uid.size), purpose=RETENTION)


def lives(s: Scenario, *uses: Strategy) -> tuple[BankModel, dict[int, int]]:
    """The bank at its end, and who managed whom (uid: post) when the call had just been made."""
    model = BankModel(s, Arm("arm", uses), 5, bank(s, 5).source)
    book: dict[int, int] = {}

    def watch(now: BankModel) -> None:
        if now.month == OneCall.model_fields["when"].default:
            book.update(zip(now.customers.uid.tolist(), now.customers.manager.tolist(), strict=True))

    return live(model, watch), book


@pytest.mark.parametrize("experience", [True, False], ids=["managers learn", "managers do not learn"])
def test_one_customer_called_changes_nobody_elses_life(experience: bool) -> None:
    """Hours to spare: only the customer called lives another life, and, by a contact more of experience, the book.

    Shared by all and so switched off: app users around (peers), and how many join a bank of one customer fewer.
    """
    s = scenario(
        5_000,
        months=8,
        **RICH,
        **AMPLE,
        implementation={"dip_months": 0},
        managers={"hours_per_month": 300.0} | ({} if experience else {"learning_rate": 1.0}),
        model={"adoption": {"peers": 0.0}, "mechanisms": {"acquisition": False}},
    )
    alone, post = lives(s)
    c = alone.customers
    quiet = (c.state == ACTIVE) & (c.manager != NOBODY) & (c.contact_gap == 2) & (c.tier == 1) & (c.opted_out == 0)
    called = int(c.uid[np.flatnonzero(quiet)[0]])
    treated, _ = lives(s, OneCall(uid=called))
    one, other = by_uid(c), by_uid(treated.customers)
    np.testing.assert_array_equal(one["uid"], other["uid"])
    mine = one["uid"] == np.uint64(called)
    assert other["contacts"][mine] == one["contacts"][mine] + 1
    book = np.array([post[uid] == post[called] for uid in one["uid"].tolist()])
    untouched = ~book if experience else ~mine
    for name in NAMES:
        np.testing.assert_array_equal(one[name][untouched], other[name][untouched], err_msg=name)
    changed = np.logical_or.reduce([one[name] != other[name] for name in NAMES])
    assert changed[mine]
    assert untouched.sum() > 4_000


# --- one law for contacts --------------------------------------------------------------------------------------------


def test_a_cap_holds_for_managers_as_for_campaigns_whatever_channel_is_liked_or_was_last() -> None:
    """A contact weighs by the same law wherever it comes from; before, a manager's in a new channel could pass."""
    cap = {"use": "institutional", "from": 0, "lag": 0.0, "speed": 10.0, "fidelity": 1.0, "pressure": 0.45}
    s = scenario(
        40_000,
        months=8,
        population={"agents": 4000},
        model={"contacts": {"preferred_relief": 0.5, "channel_change": 1.8}},
        managers={"contact_months": {"wealth": 1.0, "affluent": 1.0}, "hours_per_month": 400.0},
        arms={"nothing": [], "capped": [cap]},
    )
    one = BankModel(s, s.arm_list[1], 1, bank(s).source)
    one.begin_measuring()
    above = np.float32(0.0)
    liked = elsewhere = 0
    for _ in range(8):
        before, last = one.customers.contacts.copy(), one.customers.last_channel.copy()
        one.step()
        c, n = one.customers, before.size
        made = (c.contacts[:n] > before) & (c.manager[:n] >= 0) & (c.state[:n] == ACTIVE)
        above = max(above, c.pressure[:n][made].max() - np.float32(one.levers.pressure_cap))
        liked += int((made & (c.last_channel[:n] == c.preferred[:n])).sum())
        elsewhere += int((made & (last >= 0) & (c.last_channel[:n] != last)).sum())
    assert min(liked, elsewhere) > 20
    assert above <= 0


def test_near_a_bound_is_the_same_for_managers_and_for_sales() -> None:
    """`allocation: near_threshold` goes by `contacts.near_threshold`, as what a contact sells does."""
    for share in (0.5, 0.9):
        s = scenario(
            20_000,
            population={"agents": 2000},
            model={"contacts": {"near_threshold": share}},
            managers={"allocation": "near_threshold"},
        )
        one = bank(s)
        rows = one.team.managed(one.customers)
        view = BankView(one.customers, rows)
        far = one.team._priority(one.customers, SimpleNamespace(rows=rows, aum=view.aum, tier=view.tier))[-1]
        ceiling = np.array([5e4, 5e5, 6e6, np.inf])[view.tier]
        assert np.array_equal(~far, view.aum >= np.float32(share) * ceiling)
        assert 0 < (~far).sum() < far.size
