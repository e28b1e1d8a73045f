"""Revision 2 of the model, reading by reading: what a relationship does, and what it does not (RELATIONSHIPS)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from banks import bank, joiners, live, scenario
from builders import TIERS, awake, calm, rates_of
from builders import live as live_month
from scipy.stats import pearsonr

from sim.agents.channel_settings import Channels
from sim.agents.manager_settings import Managers
from sim.behaviour.relations import effective_contacts, hazard_ratio, standing_bond
from sim.behaviour.settings import Model
from sim.codes import ACTIVE, DRAW_BIRTH, NOBODY, PHONE
from sim.economics import Economics
from sim.environment import Environment
from sim.environment.rising_expectations import RisingExpectations
from sim.kernel import month as kernel
from sim.kernel.numerics import uniforms
from sim.population.people import people
from sim.population.settings import Population
from sim.population.synthetic import REFERRED_BIT, source

NOBODY_LEAVES = {"close_rate": [0.0] * 4, "dormant_rate": [0.0] * 4}
ALONE = {"mass": 0.0, "affluent": 0.0, "wealth": 0.0, "private": 0.0}


# --- reading 1: the bond ---------------------------------------------------------------------------------------------


def test_r1_a_full_bond_lowers_the_hazard_and_no_bond_leaves_it() -> None:
    bonded, stranger = (awake(2_000, managed=True) for _ in range(2))
    bonded.bond[:] = 1.0
    p = rates_of(bond_fading=1.0, wallet_bond=0.0)
    for them in (bonded, stranger):
        live_month(kernel.step_chunk, them, np.full(2_000, NOBODY, np.int8), calm(1, p=p, **NOBODY_LEAVES), p)
    np.testing.assert_allclose(np.exp(bonded.risk - stranger.risk), math.exp(-0.36), rtol=1e-5)


def test_r1_a_bond_pulls_the_wallet_up_and_with_the_manager_goes_what_it_gave() -> None:
    p = rates_of(bond_fading=1.0, wallet_satisfaction=0.0, wallet_multihoming=0.0, product_gain=[0.0] * 4)
    them = awake(500, managed=True)
    them.bond[:], them.wallet[:] = 1.0, them.wallet_mean
    idle = np.full(500, NOBODY, np.int8)
    for month in range(1, 241):
        live_month(kernel.step_chunk, them, idle, calm(month, p=p, **NOBODY_LEAVES), p)
        if month == 120:
            np.testing.assert_allclose(them.wallet - them.wallet_mean, 0.30 * (1 - 0.97**120), rtol=2e-3)
            them.bond[:] = 0.0
    np.testing.assert_allclose(them.wallet - them.wallet_mean, 0.30 * (1 - 0.97**120) * 0.97**120, atol=2e-3)


def test_r1_a_bonded_customer_takes_more_of_the_own_managers_offers_and_of_nobody_elses() -> None:
    always = {"reach": [1.0] * 5, "need_effect": 0.0, "near_threshold_effect": 1.0, "event_need": 1.0}
    p = rates_of(**always, opt_out_rate=0.0)
    sold = {}
    for name, managed, bond in (("bonded", True, 1.0), ("met", True, 0.0), ("campaign", False, 1.0)):
        them = awake(60_000, managed=managed)
        them.bond[:] = bond
        plan = np.full(60_000, PHONE if managed else NOBODY, np.int8)
        now = calm(1, p=p, push_share=1.0, push_managers=1.0, campaign=[[0.0, 1.0, 0.0, 0.0, 0.0]] * 4, **NOBODY_LEAVES)
        before = them.products.copy()
        live_month(kernel.step_chunk, them, plan, now, rates_of(**always, product_gain=[0.0] * 4, product_loss=0.0))
        sold[name] = float((them.products > before).mean())
    assert sold["bonded"] / sold["met"] == pytest.approx(1.25, rel=0.05)
    assert sold["campaign"] == pytest.approx(sold["met"], rel=0.05)


def test_r1_a_skilled_manager_makes_friends_faster() -> None:
    p = rates_of(reach=[1.0] * 5)
    grown = {}
    for quality in (-1.0, 0.0, 1.0):
        them = awake(100, managed=True)
        now = calm(1, p=p, manager_quality=np.full(13, quality), **NOBODY_LEAVES)
        live_month(kernel.step_chunk, them, np.full(100, PHONE, np.int8), now, p)
        grown[quality] = float(them.bond[0])
    step = 1 - math.exp(-1 / 6)
    assert grown == pytest.approx({-1.0: 0.75 * step, 0.0: step, 1.0: 1.25 * step}, rel=1e-5)


def test_r1_the_first_managers_customers_begin_with_the_bond_they_would_come_to() -> None:
    shares = dict(zip(ALONE, (0.7, 0.2, 0.08, 0.02), strict=True))
    model = bank(scenario(20_000, months=24, population={"shares": shares}))
    start = standing_bond(model.settings, model.scenario.managers, model.scenario.channels, model.tiers)
    for tolerance in (1e-6, 0.08):  # as it begins, and after two years
        c = model.customers
        for k in (1, 2, 3):
            mine = (c.tier == k) & (c.manager != NOBODY) & (c.state == ACTIVE)
            assert c.bond[mine].mean() == pytest.approx(start[k], abs=tolerance), k
        live(model)


def test_r1_coverage_as_before_is_the_files_own_hazards_and_less_of_it_is_more_leaving() -> None:
    model, channels = Model(), Channels()
    np.testing.assert_array_equal(hazard_ratio(model, Managers(), channels, TIERS), 1.0)
    alone = hazard_ratio(model, Managers(coverage=ALONE), channels, TIERS)
    assert alone[0] == 1.0
    assert np.all(alone[1:] > 1.0)
    assert np.all(np.diff(alone[1:]) > 0)  # the more of a tier had managers, the more it loses with them
    off = Model.model_validate({"mechanisms": {"contacts": False}})
    np.testing.assert_array_equal(hazard_ratio(off, Managers(coverage=ALONE), channels, TIERS), 1.0)


def test_r1_a_book_that_is_too_large_for_its_hours_keeps_fewer_contacts() -> None:
    usual, crowded = (
        effective_contacts(Managers(span=dict.fromkeys(ALONE, n)), Channels(), TIERS) for n in (100.0, 5e3)
    )
    assert np.all(crowded <= usual)
    assert crowded[3] < usual[3]


# --- reading 2 and 3: service ----------------------------------------------------------------------------------------


def test_r2_rising_expectations_disappoint_more_each_year_and_are_not_unlearnt() -> None:
    shock = RisingExpectations.model_validate({"kind": "rising_expectations", "from": 0, "a_year": 0.03, "months": 24})

    def rise(elapsed: int) -> float:
        world = Environment(TIERS, [shock], np.ones(4))
        world.advance(elapsed)
        return world.expectation_rise

    assert [rise(month) for month in (0, 12, 24, 60)] == pytest.approx([0.0, 0.03, 0.06, 0.06])
    p = rates_of(adoption_on=0.0)
    told, left = (awake(4_000, managed=False) for _ in range(2))
    idle = np.full(4_000, NOBODY, np.int8)
    for month in range(1, 25):
        live_month(kernel.step_chunk, told, idle, calm(month, p=p, expectation_rise=0.5, **NOBODY_LEAVES), p)
        live_month(kernel.step_chunk, left, idle, calm(month, p=p, **NOBODY_LEAVES), p)
    np.testing.assert_allclose(
        told.expectation, left.expectation, atol=1e-5
    )  # what they expect of this bank is the same
    assert (told.satisfaction - left.satisfaction).mean() < 0


def test_r3_an_episode_in_the_app_weighs_a_quarter_of_one_with_people() -> None:
    sure = {
        "experience_digital": 1.0,
        "failure_digital": 0.0,
        "failure_human": 0.0,
        "quality_sd": 0.0,
        "tenure_anchor": 1e9,
    }
    moved = {}
    for name, human in (("people", 1.0), ("app", 0.0)):
        them = awake(100, managed=False)
        them.adopted[:], them.expectation[:], them.satisfaction[:] = 1, 0.0, 0.0
        p = rates_of(**sure, experience_human=human)
        live_month(
            kernel.step_chunk, them, np.full(100, NOBODY, np.int8), calm(1, p=p, quality_shift=np.ones((2, 4))), p
        )
        moved[name] = float(them.satisfaction.mean()), float(them.expectation.mean())
    assert moved["people"] == pytest.approx((0.08 + 0.03, 0.10), rel=1e-4)  # gain and performance, adaptation
    assert moved["app"] == pytest.approx((0.25 * 0.11, 0.025), rel=1e-4)


# --- reading 4: engagement -------------------------------------------------------------------------------------------


def test_r4_half_of_what_customers_differ_by_in_engagement_lasts() -> None:
    model = bank(
        scenario(
            20_000,
            months=60,
            model={
                "mechanisms": {"acquisition": False},
                "normalise_hazards": False,
                "hazards": {k: {"close": 0.0, "dormant": 0.0} for k in ALONE} | {"dormant": {"close": 0.0}},
            },
        )
    )
    first = model.customers.engagement.copy()
    for _ in range(60):
        model.step()
    assert first.std() == pytest.approx(1.0, abs=0.03)
    assert model.customers.engagement[: first.size].std() == pytest.approx(1.0, abs=0.03)
    assert pearsonr(first, model.customers.engagement[: first.size])[0] == pytest.approx(0.5, abs=0.03)


# --- reading 5: revenue and money ------------------------------------------------------------------------------------


def test_r5_revenue_rises_with_aum_at_every_point_and_jumps_nowhere() -> None:
    """E2, in closed form and at each bound of the tiers."""
    tariff = Economics().tariff(TIERS)
    aum = np.sort(
        np.concatenate([np.linspace(0, 2e7, 20_001), tariff.bounds, tariff.bounds - 0.01, tariff.bounds + 0.01])
    )
    aum = np.unique(aum[aum >= 0])
    for of in (tariff.of_aum, tariff.of_product):
        worth = of(aum)
        assert np.all(np.diff(worth) >= 0)
        for bound in tariff.bounds[1:]:
            below, above = of(np.array([bound - 0.01, bound + 0.01]))
            assert above - below < 0.001
    assert np.all(np.diff(tariff.of_aum(aum)) > 0)


def test_r5_a_product_earns_at_a_bound_what_is_stated_and_halfway_the_mean() -> None:
    economics = Economics()
    tariff, stated = economics.tariff(TIERS), [economics.product_margin[tier.name] for tier in TIERS]
    halfway = (tariff.bounds[:-1] + tariff.bounds[1:]) / 2
    np.testing.assert_allclose(tariff.of_product(tariff.bounds), stated)
    np.testing.assert_allclose(tariff.of_product(halfway), (np.array(stated[:-1]) + stated[1:]) / 2)
    np.testing.assert_allclose(tariff.of_product(np.array([1e9])), stated[-1:])


def test_r5_tiers_earn_the_averages_of_spec_7() -> None:
    born = source(Population(customers=400_000, agents=100_000), TIERS, Model(), Channels()).first(1, 0)
    tariff, weight = Economics().tariff(TIERS), born["weight"].astype(float)
    for k, average in enumerate((0.0100, 0.0090, 0.0070, 0.0050)):
        mine = born["tier"] == k
        found = (tariff.of_aum(born["aum"][mine]) * weight[mine]).sum() / (born["aum"][mine] * weight[mine]).sum()
        assert found == pytest.approx(average, rel=0.04), k


def test_r5_with_a_sale_comes_a_share_of_what_is_kept_elsewhere() -> None:
    p = rates_of(reach=[1.0] * 5, conversion=[1.0] * 5, need_effect=0.0, opt_out_rate=0.0)
    still = {"wallet_reversion": 0.0, "wallet_satisfaction": 0.0, "wallet_contact": 0.0, "wallet_multihoming": 0.0}
    p = p._replace(**{name: np.float32(value) for name, value in still.items()})
    them = awake(2_000, managed=True)
    share = 1 / (1 + np.exp(-them.wallet.astype(float)))
    now = calm(1, p=p, push_share=1.0, push_managers=1.0, conversion_ratio=[9.0] * 4, **NOBODY_LEAVES)
    live_month(kernel.step_chunk, them, np.full(2_000, PHONE, np.int8), now, p)
    after = 1 / (1 + np.exp(-them.wallet.astype(float)))
    np.testing.assert_allclose(after, share + 0.02 * (1 - share), rtol=1e-4)


# --- reading 8: referral ---------------------------------------------------------------------------------------------


def test_r8_who_joins_by_recommendation_is_counted_apart_and_changes_nobody_elses_life() -> None:
    model = bank(scenario(50_000, months=2, model={"acquisition": {"rate": 0.5}}))
    few, many = (joiners(model.source, 1, 5, 50_000.0, 0.4, rate) for rate in (0.05, 0.2))
    sent = [(one["uid"] & REFERRED_BIT) > 0 for one in (few, many)]
    assert 0 < sent[0].sum() < sent[1].sum()
    np.testing.assert_array_equal(few["referred"], sent[0])
    shared = np.isin(many["uid"], few["uid"])
    assert shared.sum() == few["uid"].size
    for name in few:
        np.testing.assert_array_equal(many[name][shared], few[name], err_msg=name)


def test_r8_a_referred_customer_leaves_less_for_good_and_brings_more_for_a_while() -> None:
    model = bank(scenario(50_000, months=2))
    one = joiners(model.source, 1, 5, 2_000_000.0, 0.0, 0.5)
    aum = model.source.draw_aum(uniforms(1, DRAW_BIRTH, 5, one["uid"])[0], one["tier"])
    plain = people(model.source.birth, 1, 5, one["uid"], one["tier"], aum, joiners=True)
    np.testing.assert_allclose(np.exp(one["log_frailty"] - plain["log_frailty"]), 0.82, rtol=1e-6)
    np.testing.assert_allclose(one["wallet_mean"], plain["wallet_mean"])
    room = plain["aum"] > 100.0
    free = room & (one["wallet"] < 5.0)
    np.testing.assert_allclose((one["aum"] / plain["aum"])[free], 1.25, rtol=1e-3)


def test_r8_joiners_by_recommendation_follow_the_share_of_promoters() -> None:
    model = live(bank(scenario(20_000, months=3)))
    model.promoters = model._promoters()
    alone, through = model._joining()
    assert (alone + through, through) == pytest.approx((0.067, 0.15 * 0.067))
    model.promoters /= 2.0  # twice as many recommend the bank as at month 0
    assert model._joining() == pytest.approx((alone, 2 * through))
