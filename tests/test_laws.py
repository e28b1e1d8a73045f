"""Laws of the house: nothing is lost or counted twice, and no result hangs on an accident of computing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from banks import TIERS, UNIT, bank, lived, monthly, only, scenario, tables

from sim.bank.model import BankModel
from sim.behaviour.settings import Wealth
from sim.codes import ACTIVE, CLOSED, DORMANT, NOBODY
from sim.population.laws import LogNormal, Pareto, score_of_laws

MONTHS, BURN_IN = 14, 3
FLOWS = (
    "joined",
    "closed",
    "closed_dormant",
    "went_dormant",
    "reactivated",
    "upgraded",
    "downgraded",
    "moved_in",
    "net_new_money",
    "market_effect",
    "sales",
    "failures",
    "complaints",
    "opt_outs",
    "revenue",
    "channel_cost",
    "manager_cost",
    "profit",
)


class Witness:
    """Lives a bank and looks at it after every month: hours of each post, books, sums of the columns."""

    def __init__(self, model: BankModel):
        self.model = model
        self.hours: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # asked for, planned, there (by post)
        self.contacts: list[tuple[np.ndarray, np.ndarray]] = []  # planned, as reported to the managers
        self.books: list[tuple[np.ndarray, float]] = []  # tier mismatches, customers managed
        self.stocks: list[pd.DataFrame] = []
        self.plan_of, model.team.plan = model.team.plan, self.plan
        while model.month < 0:
            model.step()
        model.begin_measuring()
        self.look()
        while model.month < model.scenario.months:
            model.step()
            self.look()
        self.tables = tables(model)
        self.monthly = self.tables["monthly"]

    def plan(self, *asked, **more):
        """The team's plan, with the hours it takes noted by post."""
        plan, work = self.plan_of(*asked, **more)
        team, c = self.model.team, self.model.customers
        posts = len(team.managers)
        managed = np.flatnonzero((c.manager != NOBODY) & (c.state == ACTIVE))
        weight, post = c.weight[managed] / UNIT, c.manager[managed]
        inbound = np.bincount(post, weight * team.inbound[c.tier[managed]], minlength=posts)
        rows = np.flatnonzero(plan >= 0)
        hours = np.array([channel.settings.hours for channel in self.model.channels])
        cost = (c.weight[rows] / UNIT) * hours[plan[rows]]
        planned = np.bincount(c.manager[rows], cost, minlength=posts)
        there = np.array([0.0 if m.vacant else team.settings.hours_per_month for m in team.managers])
        self.hours.append((inbound, planned, there))
        self.contacts.append((np.bincount(c.manager[rows], c.weight[rows] / UNIT, minlength=posts), work.contacts))
        assert np.all(c.manager[rows] != NOBODY)
        return plan, work

    def look(self) -> None:
        """What the columns say at month end."""
        c, team = self.model.customers, self.model.team
        managed = c.manager != NOBODY
        post_tier = np.array([NOBODY if m.remote else m.tier for m in team.managers])
        strays = managed & ((c.state != ACTIVE) | (post_tier[np.where(managed, c.manager, 0)] != c.tier))
        self.books.append((np.flatnonzero(strays), float(c.weight[managed].sum()) / UNIT))
        open_rows = c.state != CLOSED
        weight = c.weight[open_rows].astype(np.int64)
        fen = np.floor(c.aum[open_rows].astype(np.float64) * 100.0 + 0.5).astype(np.int64)
        tier = c.tier[open_rows]
        stock = {
            "customers": weight,
            "active": weight * (c.state[open_rows] == ACTIVE),
            "dormant": weight * (c.state[open_rows] == DORMANT),
            "aum": weight * fen,
        }
        sums = {name: [int(values[tier == k].sum()) for k in range(len(TIERS))] for name, values in stock.items()}
        self.stocks.append(pd.DataFrame(sums, index=TIERS))


@pytest.fixture(scope="module", params=["one to one", "weighted"])
def witness(request: pytest.FixtureRequest) -> Witness:
    """A bank with everything on, one row a customer or stratified."""
    if request.param == "weighted":
        return Witness(bank(scenario(150_000, months=MONTHS, burn_in=BURN_IN, population={"agents": 12_000})))
    return Witness(bank(scenario(20_000, months=MONTHS, burn_in=BURN_IN)))


def by_tier(table: pd.DataFrame, column: str) -> np.ndarray:
    """A column as (month, tier)."""
    return table.pivot(index="month", columns="tier", values=column)[list(TIERS)].to_numpy()


# --- conservation ----------------------------------------------------------------------------------------------------


def test_a14_customers_are_conserved_in_every_month_and_tier(witness: Witness):
    """CONTRACT 4: customers(t) = customers(t-1) + joined - closed + moved_in - upgraded - downgraded."""
    t = {name: by_tier(witness.monthly, name) for name in ("customers", *FLOWS)}
    change = t["joined"] - t["closed"] + t["moved_in"] - t["upgraded"] - t["downgraded"]
    np.testing.assert_array_equal(np.diff(t["customers"], axis=0), change[1:])  # weights are 1/1024, so sums are exact


def test_states_are_conserved(witness: Witness):
    """Over the bank: dormant(t) = dormant(t-1) + went_dormant - reactivated - closed_dormant; so with the active."""
    t = witness.monthly.groupby("month").sum(numeric_only=True)
    dormant = t["went_dormant"] - t["reactivated"] - t["closed_dormant"]
    active = t["joined"] + t["reactivated"] - t["went_dormant"] - (t["closed"] - t["closed_dormant"])
    np.testing.assert_array_equal(t["dormant"].diff()[1:], dormant[1:])
    np.testing.assert_array_equal(t["active"].diff()[1:], active[1:])


def test_a14_money_is_conserved_in_every_month_and_tier(witness: Witness):
    """CONTRACT 4: aum(t) = aum(t-1) + net_new_money + market_effect + aum_moved, to the fen."""
    t = {name: by_tier(witness.monthly, name) for name in ("aum", "net_new_money", "market_effect", "aum_moved")}
    change = t["net_new_money"] + t["market_effect"] + t["aum_moved"]
    np.testing.assert_allclose(np.diff(t["aum"], axis=0), change[1:], atol=0.005, rtol=0)


def test_moves_between_tiers_cancel(witness: Witness):
    """Who leaves a tier arrives in another, with the money."""
    t = witness.monthly.groupby("month").sum(numeric_only=True)
    np.testing.assert_array_equal(t["moved_in"], t["upgraded"] + t["downgraded"])
    np.testing.assert_allclose(t["aum_moved"], 0.0, atol=0.005)


def test_stocks_are_the_sums_of_the_columns(witness: Witness):
    """Tiers sum to the bank: every stock of the table is the sum over customers at month end."""
    for column, unit in (("customers", UNIT), ("active", UNIT), ("dormant", UNIT), ("aum", 100.0 * UNIT)):
        expected = np.array([stock[column].to_numpy() for stock in witness.stocks]) / unit
        np.testing.assert_array_equal(by_tier(witness.monthly, column), expected)
    customers, active, dormant = (by_tier(witness.monthly, name) for name in ("customers", "active", "dormant"))
    np.testing.assert_array_equal(customers, active + dormant)


def test_month_zero_has_no_flows(witness: Witness):
    first = witness.monthly[witness.monthly["month"] == 0]
    contacts = [f"contacts_{name}" for name in ("branch", "phone", "video", "messaging", "app")]
    assert (first[[*FLOWS, *contacts, "aum_moved", "strategy_cost"]] == 0).all(axis=None)


def test_profit_is_revenue_less_costs(witness: Witness):
    """CONTRACT 4: profit = revenue - channel_cost - manager_cost - strategy_cost; the items of bank.parquet add up."""
    t = witness.monthly
    costs = t["channel_cost"] + t["manager_cost"] + t["strategy_cost"]
    np.testing.assert_allclose(t["profit"], t["revenue"] - costs, atol=1e-6)
    b, sums = witness.tables["bank"].set_index("month"), t.groupby("month").sum(numeric_only=True)
    items = b["cost_service"] + b["cost_messages"] + b["cost_servicing"] + b["cost_acquisition"]
    np.testing.assert_allclose(items, sums["channel_cost"], rtol=1e-12)
    np.testing.assert_allclose(b["cost_managers"], sums["manager_cost"], rtol=1e-12)
    team = witness.model.team
    paid = len(team.managers) * team.settings.salary  # DECISIONS 20: posts, filled or not
    assert sums["manager_cost"].iloc[-1] == paid


def test_transitions_account_for_everybody(witness: Witness):
    """A year's table: rows are who was there when it began (or joined), columns who is there at its end, or closed."""
    year = witness.tables["transitions"].query("year == 1").pivot(index="from", columns="to", values="customers")
    start = witness.monthly[witness.monthly["month"] == 0].set_index("tier")
    end = witness.monthly[witness.monthly["month"] == 12].set_index("tier")
    flows = witness.monthly.query("1 <= month <= 12").sum(numeric_only=True)
    for tier in TIERS:
        assert year.loc[tier].sum() == start.loc[tier, "active"]
        assert year[tier].sum() == end.loc[tier, "active"]
    assert year.loc["dormant"].sum() == start["dormant"].sum()
    assert year["dormant"].sum() == end["dormant"].sum()
    assert year.loc["new"].sum() == flows["joined"]
    assert year["closed"].sum() == flows["closed"]


def test_cohorts_are_the_active_by_tenure(witness: Witness):
    """At risk are the active of the month before, exits are theirs."""
    cohorts = witness.tables["cohorts"].groupby("tier").sum(numeric_only=True).loc[list(TIERS)]
    flows = {name: by_tier(witness.monthly, name) for name in ("active", "closed", "closed_dormant", "went_dormant")}
    np.testing.assert_array_equal(cohorts["at_risk"], flows["active"][:-1].sum(axis=0))
    np.testing.assert_array_equal(cohorts["closed"], (flows["closed"] - flows["closed_dormant"]).sum(axis=0))
    np.testing.assert_array_equal(cohorts["dormant"], flows["went_dormant"].sum(axis=0))


# --- managers --------------------------------------------------------------------------------------------------------


def test_a14_contacts_fit_the_hours_of_every_post(witness: Witness):
    """Hours of planned contacts <= H less what customers ask for, and none at a vacant post."""
    for inbound, planned, there in witness.hours:
        free = np.maximum(there - inbound, 0.0)
        assert np.all(planned <= free + 1e-9)
        assert np.all(planned[there == 0.0] == 0.0)
    assert sum(planned.sum() for _, planned, _ in witness.hours) > 0


def test_contacts_of_managers_are_counted_once(witness: Witness):
    """What the plan holds by post is what the managers are told they did."""
    for planned, told in witness.contacts:
        np.testing.assert_allclose(planned, told, rtol=1e-12)


def test_a14_a_customer_has_at_most_one_manager_of_its_own_tier(witness: Witness):
    """The manager is one column: at month end a named post of the customer's tier, for active customers only."""
    for strays, _ in witness.books:
        assert strays.size == 0
    managed = witness.tables["bank"].set_index("month")["customers_managed"]
    assert managed.iloc[-1] > 0


def test_unmanaged_tiers_have_no_named_manager(witness: Witness):
    c = witness.model.customers
    assert np.all(c.manager[c.tier == 0] == NOBODY)


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("customers", "agents"), [(50_000, None), (50_000, 7_001), (1_000_000, 0.01), (10_007, 4)])
def test_weights_add_up_to_the_customers_exactly(customers: int, agents: int | float | None):
    """Sum of weights = customers, by tier the same as one to one, no weight below 1 (DECISIONS 7)."""
    population = {} if agents is None else {"agents": agents}
    c = bank(scenario(customers, population=population)).customers
    whole = bank(scenario(customers, population={"agents": min(customers, 50_000)})).customers
    assert c.weight.sum(dtype=np.int64) == customers * 1024
    assert c.weight.min() >= 1024
    for k in range(len(TIERS)):
        ours, theirs = (x.weight[x.tier == k].sum(dtype=np.int64) for x in (c, whole))
        assert ours == theirs
        if np.any(c.tier == k):
            assert np.ptp(c.weight[c.tier == k].astype(np.int64)) <= 1


def test_stratified_tiers_are_unbiased():
    """A stratified bank and a one-to-one bank agree in every tier within four standard errors."""
    total, rows, months = 60_000, 15_000, 6
    one = [lived(scenario(total, months=months), seed) for seed in (1, 2)]
    few = [lived(scenario(total, months=months, population={"agents": rows}), seed) for seed in (11, 12, 13, 14)]

    def figures(model: BankModel) -> np.ndarray:
        t = monthly(model)
        at_risk = by_tier(t, "active")[:-1].sum(axis=0)
        closed = (by_tier(t, "closed") - by_tier(t, "closed_dormant")).sum(axis=0) / at_risk
        silent = by_tier(t, "went_dormant").sum(axis=0) / at_risk
        end = t[t["month"] == months].set_index("tier").loc[list(TIERS)]
        return np.array([closed, silent, end["products"], end["satisfaction"], end["digital_active"], at_risk])

    a, b = np.mean([figures(m) for m in one], axis=0), np.mean([figures(m) for m in few], axis=0)
    weight = np.array(
        [
            total * share / np.count_nonzero(few[0].customers.tier == k)
            for k, share in enumerate((0.925, 0.056, 0.0184, 0.0006))
        ]
    )
    for k in range(3):  # the private tier is 36 customers: the same rows in both
        exits = 1.0 / (2 * a[5, k]) + max(weight[k], 1.0) / (4 * a[5, k])
        for figure in (0, 1):
            p = max(a[figure, k], 1e-4)
            assert b[figure, k] == pytest.approx(a[figure, k], abs=4 * math.sqrt(p * exits)), (TIERS[k], figure)
        people = months * exits  # stocks are counted once a customer, not once a month
        for figure, spread in ((2, 2.0), (3, 1.1), (4, 0.5)):
            error = 4 * spread * math.sqrt(people)
            assert b[figure, k] == pytest.approx(a[figure, k], abs=error), (TIERS[k], figure)


# --- invariance ------------------------------------------------------------------------------------------------------


def test_a17_scaling_all_weights_changes_no_rate():
    """A17: ten times the customers on the same rows is ten times every count and sum of money."""
    nobody_managed = {"coverage": dict.fromkeys(TIERS, 0.0)}
    shares = {"mass": 0.925, "affluent": 0.056, "wealth": 0.0184, "private": 0.0006}
    rows = 10_000
    one = lived(scenario(rows, months=6, managers=nobody_managed))
    ten = lived(scenario(10 * rows, months=6, managers=nobody_managed, population={"agents": rows, "strata": shares}))
    a, b = monthly(one), monthly(ten)
    ratios = ("products", "share_of_wallet", "digital_active", "satisfaction", "trust")
    for column in a.columns.drop(["month", "tier", "manager_cost", "profit"]):  # remote posts are whole posts
        scale = 1.0 if column in ratios else 10.0
        np.testing.assert_allclose(b[column], scale * a[column], rtol=1e-12, atol=1e-9, err_msg=column)


def test_a17_scaling_money_changes_no_rate():
    """A17: money, laws and thresholds times ten leave every rate as it is (rounding to fen and float32 aside)."""
    s = scenario(20_000, months=8)
    big_tiers = [tier.model_dump(by_alias=True) | {"from": tier.start * 10.0} for tier in s.tier_list]
    big = scenario(
        20_000,
        months=8,
        tiers=[{k: v for k, v in t.items() if v is not None} for t in big_tiers],
        managers={"remote_from": 100_000.0},
    )
    plain = bank(s)
    source = bank(big).source
    source.laws = [
        LogNormal(law.mu + math.log(10.0), law.sigma) if isinstance(law, LogNormal) else Pareto(law.alpha)
        for law in source.laws
    ]
    source.bounds = plain.source.bounds * 10.0
    score = score_of_laws(source.laws, list(source.shares), source.bounds[:-1], source.bounds[-1], Wealth())
    source.birth = replace(source.birth, score=score)
    scaled = BankModel(big, big.arm_list[0], 1, source)
    a, b = (monthly(model) for model in (_run(plain), _run(scaled)))
    # a customer a rounding away from a threshold may change sides, and the lowest AUM of CNY 1 is not scaled
    for column, least in (("active", 3), ("dormant", 3), ("closed", 3), ("upgraded", 6), ("downgraded", 6)):
        np.testing.assert_allclose(by_tier(b, column), by_tier(a, column), rtol=0.01, atol=least, err_msg=column)
    np.testing.assert_allclose(by_tier(b, "aum").sum(axis=1), 10.0 * by_tier(a, "aum").sum(axis=1), rtol=2e-3)


def _run(model: BankModel) -> BankModel:
    model.run()
    return model


def test_a17_two_half_managers_cover_as_much_as_one():
    """A17: books of half the size with managers of half the hours leave planned contacts a customer unchanged."""
    quiet = {"mechanisms": only(contacts=True)}
    population = {"shares": {"mass": 0.5, "affluent": 0.0, "wealth": 0.5, "private": 0.0}}

    def contacts(span: float, hours: float) -> float:
        managers = {"span": {"wealth": span}, "hours_per_month": hours, "contact_months": {"wealth": 1.0}}
        t = monthly(lived(scenario(11_200, months=6, model=quiet, population=population, managers=managers)))
        wealth = t[(t["tier"] == "wealth") & (t["month"] > 0)]
        planned = wealth[["contacts_branch", "contacts_phone", "contacts_video", "contacts_messaging"]].sum(axis=1)
        return float((planned / wealth["active"]).mean())

    whole, halves = contacts(700.0, 100.0), contacts(350.0, 50.0)
    assert halves == pytest.approx(whole, rel=0.03)
    assert whole < 0.9  # saturated, so that hours decide


# --- luck ------------------------------------------------------------------------------------------------------------


def columns_of(model: BankModel, uids: np.ndarray) -> dict[str, np.ndarray]:
    """Every column of the customers named, in their order; who has left is not among them."""
    c = model.customers
    rows = np.flatnonzero(c.state != CLOSED)
    order = rows[np.argsort(c.uid[rows])]
    here = order[np.isin(c.uid[order], uids)]
    return {name: getattr(c, name)[here].copy() for name in c.arrays._fields}


ALONE = {"normalise_hazards": False, "mechanisms": {"contacts": False}, "adoption": {"peers": 0.0}}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_joiner_lives_the_same_life_whoever_else_joins(seed: int):
    """DECISIONS 17: a joiner's uid is (month, ordinal); more joiners change nobody's life."""
    few, many = (
        lived(scenario(5_000, months=12, model=ALONE | {"acquisition": {"rate": rate}}), seed) for rate in (0.3, 0.6)
    )
    common = np.intersect1d(few.customers.uid[few.customers.state != CLOSED], many.customers.uid)
    joiners = common[common >= np.uint64(1) << np.uint64(63)]
    assert joiners.size > 500
    one, other = columns_of(few, common), columns_of(many, common)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_butterfly():
    """With nothing shared between customers, one customer's fortune changes nobody else's life."""
    calm, stirred = (bank(scenario(5_000, months=8, model=ALONE)) for _ in range(2))
    touched = stirred.customers.uid[17]
    stirred.customers.satisfaction[17] += 3.0
    stirred.customers.log_wealth[17] += 2.0
    for model in (calm, stirred):
        model.run()
    others = calm.customers.uid[calm.customers.uid != touched]
    one, other = columns_of(calm, others), columns_of(stirred, others)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_seeds_are_different_lives():
    a, b = (monthly(lived(scenario(5_000, months=3), seed)) for seed in (1, 2))
    assert not a.equals(b)


def assert_same_bits(one: BankModel, other: BankModel) -> None:
    """Two runs recorded the same numbers to the last bit, in every table."""
    for name, table in tables(one).items():
        pd.testing.assert_frame_equal(table, tables(other)[name], check_exact=True, obj=name)


@pytest.fixture(scope="module")
def big() -> BankModel:
    """More rows than one chunk holds, so that threads have something to share."""
    return lived(scenario(40_000, months=4, burn_in=1))


def test_threads_change_nothing(big: BankModel):
    assert_same_bits(big, lived(scenario(40_000, months=4, burn_in=1), threads=2))


def test_order_of_rows_changes_nothing(big: BankModel):
    shuffled = bank(scenario(40_000, months=4, burn_in=1))
    shuffled.customers.reorder(np.random.default_rng(7).permutation(len(shuffled.customers)))
    shuffled.run()
    assert_same_bits(big, shuffled)


def test_a_row_never_stands_for_more_customers_than_its_weight_holds():
    from sim.agents.customer import MOST_WEIGHT, Customers

    people = {"uid": np.arange(2, dtype=np.uint64), "weight": np.array([MOST_WEIGHT, 1])}
    crowd = Customers(2)
    crowd.place(people)
    assert crowd.weight.astype(np.int64).sum() == MOST_WEIGHT + 1
    with pytest.raises(OverflowError, match="more agents"):
        Customers(2).place(people | {"weight": np.array([MOST_WEIGHT + 1, 1])})


def test_money_that_sums_cannot_hold_is_refused_even_where_it_would_wrap():
    ready = bank(scenario(50, months=1))
    ready.customers.aum[:] = 1e12
    ready.customers.weight[:] = 2**31
    with pytest.raises(OverflowError, match="AUM is more than"):
        ready._refuse_overflow(ready._worth())
