"""Onboarding: who is welcomed, what a welcome does while a customer is new, and that nobody else's life changes."""

from __future__ import annotations

import numpy as np
import pytest
from banks import bank, live, scenario, tables
from builders import rates_of
from test_reaching import NOBODY_LEAVES, awake, month

from sim.agents.customer import NAMES, Customers
from sim.bank.model import BankModel
from sim.codes import APP, BRANCH, CLOSED, DORMANT, MESSAGING, NOBODY, PHONE, RETENTION
from sim.kernel.tallies import Tally as T

CALL = {"welcoming": True, "welcome": [0.0, 1.0, 0.0, 0.0, 0.0]}  # everybody who is new, every month, by telephone
QUIET = {"b_pressure": 0.0, "b_gap": 0.0, "wallet_contact": 0.0, "product_gain": [0.0] * 4, "product_loss": 0.0}
REACHED = rates_of(reach=[1.0] * 5, **QUIET)


def people_of(tenures: list[int], each: int = 500, *, at: int = 1, managed: bool = False) -> Customers:
    """Active customers of so many completed months in month `at`, `each` of them."""
    people = awake(each * len(tenures), managed=managed)
    people.joined_month[:] = at - 1 - np.repeat(tenures, each)
    people.retained[:] = 0
    people.weight[:] = 1024
    return people


def by_tenure(values: np.ndarray, tenures: list[int]) -> list[float]:
    return values.reshape(len(tenures), -1).mean(axis=1).tolist()


def test_customers_are_welcomed_in_their_first_three_months_and_not_later() -> None:
    tenures = [0, 1, 2, 3, 40]
    people = people_of(tenures)
    people.contacts[:] = 0
    tally = month(people, p=REACHED, **CALL, **NOBODY_LEAVES)
    assert by_tenure(people.contacts, tenures) == [1, 1, 1, 0, 0]
    assert tally[T.CONTACTS + PHONE] == 3 * 500 * 1024
    assert tally[T.SALES] == 0  # a welcome offers nothing
    assert by_tenure(people.retained, tenures) == [-2, -1, 0, 0, 0]  # months of effect left


def test_the_channels_of_a_welcome_have_their_chances_and_the_app_needs_the_app() -> None:
    n = 40_000
    people = people_of([1], n)
    people.adopted[:] = np.arange(n) % 2
    rates = {"welcoming": True, "welcome": [0.0, 0.2, 0.0, 0.3, 0.1]}
    tally = month(people, p=REACHED, **rates, **NOBODY_LEAVES) / 1024
    for channel, chance in ((BRANCH, 0.0), (PHONE, 0.2), (MESSAGING, 0.3), (APP, 0.05)):
        assert tally[T.CONTACTS + channel] / n == pytest.approx(chance, abs=4 * (0.25 / n) ** 0.5)


def test_plans_of_managers_and_campaigns_go_first_and_who_is_silent_or_asleep_stays_so() -> None:
    planned = people_of([1], managed=True)
    tally = month(planned, np.full(len(planned), MESSAGING | RETENTION, np.int8), p=REACHED, **CALL, **NOBODY_LEAVES)
    assert (tally[T.CONTACTS + MESSAGING], tally[T.CONTACTS + PHONE]) == (500 * 1024, 0)
    managed = people_of([1], managed=True)
    assert month(managed, p=REACHED, **CALL, **NOBODY_LEAVES)[T.CONTACTS + PHONE] == 500 * 1024
    courted = people_of([1])
    campaign = np.zeros((4, 5))
    campaign[:, MESSAGING] = 1.0
    tally = month(courted, p=REACHED, campaign=campaign, **CALL, **NOBODY_LEAVES)
    assert (tally[T.CONTACTS + MESSAGING], tally[T.CONTACTS + PHONE]) == (500 * 1024, 0)
    silent = people_of([1])
    silent.opted_out[:], silent.opt_out_month[:] = 1 << PHONE, 0
    assert month(silent, p=REACHED, **CALL, **NOBODY_LEAVES)[T.CONTACTS + PHONE] == 0
    asleep = people_of([1])
    asleep.state[:] = DORMANT
    assert month(asleep, p=REACHED, **CALL, **NOBODY_LEAVES)[T.CONTACTS + PHONE] == 0


@pytest.mark.parametrize("reach", [1.0, 0.0])
def test_a_welcome_multiplies_the_hazard_of_whom_it_reached_until_the_third_month_is_over(reach: float) -> None:
    p = rates_of(reach=[reach] * 5, **QUIET)
    told, alone = people_of([0]), people_of([0])
    for at in range(1, 6):
        once = CALL if at == 1 else {}
        month(told, p=p, at=at, welcome_hazard=np.log(0.5), **once, **NOBODY_LEAVES)
        month(alone, p=p, at=at, welcome_hazard=np.log(0.5), **NOBODY_LEAVES)
        ratio = 0.5 if at <= 3 and reach == 1.0 else 1.0
        np.testing.assert_allclose(np.exp(told.risk - alone.risk), ratio, rtol=1e-5, err_msg=f"month {at}")


def test_the_first_welcome_that_reaches_ends_in_one_more_product_and_the_next_ones_in_none() -> None:
    people = people_of([0])
    people.products[:] = 1
    held = []
    for at in range(1, 5):
        tally = month(people, p=REACHED, at=at, welcome_product=1.0, **CALL, **NOBODY_LEAVES)
        held.append((int(people.products.min()), int(people.products.max()), int(tally[T.SALES])))
    assert held == [(2, 2, 500 * 1024), (2, 2, 0), (2, 2, 0), (2, 2, 0)]


def test_whom_a_welcome_reached_takes_up_the_app_by_its_odds() -> None:
    people, alone = people_of([0], 20_000), people_of([0], 20_000)
    for one, now in ((people, CALL), (alone, {})):
        one.adopted[:] = 0
        month(one, p=REACHED, welcome_adoption=np.log(3.0), **now, **NOBODY_LEAVES)
    chance = alone.adopted.mean()
    assert chance < 0.1
    assert people.adopted.mean() == pytest.approx(3 * chance, rel=0.15)  # odds and chances of so few are much alike
    assert not (alone.adopted > people.adopted).any()  # the same luck


def test_customers_who_are_no_longer_new_live_as_without_it_and_the_bank_pays_for_contacts() -> None:
    """To the bit, all columns, where customers are not coupled; contacts cost what calls and messages cost."""
    sections = {
        "managers": {"coverage": dict.fromkeys(("mass", "affluent", "wealth", "private"), 0.0)},
        "model": {"adoption": {"peers": 0.0}, "acquisition": {"referral": 0.0}},
    }
    use = {"use": "onboarding", "speed": 10.0, "lag": 0.5, "fidelity": 1.0, "capital": 0.0, "running": 0.0}
    s = scenario(20_000, months=8, arms={"nothing": [], "arm": [use]}, **sections)
    months: list[list[dict[str, np.ndarray]]] = []
    models = []
    for arm in s.arm_list:
        seen: list[dict[str, np.ndarray]] = []

        def watch(model: BankModel, seen: list[dict[str, np.ndarray]] = seen) -> None:
            c = model.customers
            old = np.flatnonzero((c.state != CLOSED) & (c.joined_month <= -3))
            old = old[np.argsort(c.uid[old])]
            seen.append({name: getattr(c, name)[old].copy() for name in NAMES})

        models.append(live(BankModel(s, arm, 3, bank(s, 3).source), watch))
        months.append(seen)
    for without, under in zip(*months, strict=True):
        for name in NAMES:
            np.testing.assert_array_equal(without[name], under[name], err_msg=name)
    one, other = (tables(model)["monthly"] for model in models)
    more = other.sum(numeric_only=True) - one.sum(numeric_only=True)
    calls, messages = more["contacts_phone"], more["contacts_messaging"]
    assert calls > 50
    assert messages > 100
    cost = tables(models[1])["bank"]["cost_messages"].sum() - tables(models[0])["bank"]["cost_messages"].sum()
    assert cost == pytest.approx(calls * 12 + messages * 3 + more["contacts_app"] * 0.05, rel=0.02)


def test_new_customers_leave_less_by_what_the_ratio_says() -> None:
    """Exits in the first three months at a ratio of .5 and a welcome that always comes and reaches: half of them."""
    welcome = {"use": "onboarding", "speed": 10.0, "lag": 0.5, "fidelity": 1.0}
    strong = {"calls": 0.5, "messages": 0.5, "leaving": 0.5, "app": 1.0, "salary": 0.0}
    reach = {"channels": {name: {"reach": 1.0} for name in ("phone", "messaging")}}
    sections = {"model": {"acquisition": {"rate": 0.5}, "contacts": {"benefit": 0.0}}}
    s = scenario(60_000, months=12, arms={"nothing": [], "arm": [welcome | strong]}, **reach, **sections)
    gone = []
    for arm in s.arm_list:
        cohort = tables(live(BankModel(s, arm, 3, bank(s, 3).source)))["cohorts"]
        young = cohort[cohort["tenure_month"] < 3]
        gone.append(young[["closed", "dormant"]].to_numpy().sum() / young["at_risk"].sum())
    assert gone[1] / gone[0] == pytest.approx(0.5, abs=0.08)


def test_the_columns_of_a_plan_say_nothing_of_a_welcome() -> None:
    people = people_of([0])
    month(people, np.full(len(people), NOBODY, np.int8), p=REACHED, **NOBODY_LEAVES)
    assert not people.retained.any()
