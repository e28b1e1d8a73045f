"""Figures of money mean one thing each: value, cost, return and equity, by hand and on made-up banks."""

from __future__ import annotations

import json
import math
from pathlib import Path

import fabricate
import numpy as np
import pandas as pd
import pytest

import sim
from sim.cli import main
from sim.measures.kpis import run_kpis, run_kpis_of
from sim.measures.lifetime import migration_value
from sim.measures.money import WALLET_FADES, Money
from sim.measures.waterfall import STEPS, steps
from sim.store.run_reading import read

TIERS = list(fabricate.TIERS)
MONTHS, RATE = 36, 0.10
ARMS = {"nothing": (1.0, 0.0), "calls": (0.9, 40_000.0), "waste": (1.1, 40_000.0)}
BEHIND = (1 + RATE) ** -(MONTHS / 12 + 0.5)  # of a margin in the middle of the first year behind the horizon
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return fabricate.fabricate(ARMS, (1, 2, 3), MONTHS)


@pytest.fixture(scope="module")
def figures(tables) -> pd.DataFrame:
    return found(tables)


def found(tables: Tables, rate: float = RATE, **more) -> pd.DataFrame:
    """Key figures by arm and seed, a column a figure."""
    table = run_kpis(tables, tiers=TIERS, discount_rate=rate, arms=list(ARMS), **more)
    return table.pivot(index=["arm", "seed"], columns="kpi", values="value")


def gap(figures: pd.DataFrame, kpi: str, arm: str) -> np.ndarray:
    return (figures.loc[arm, kpi] - figures.loc["nothing", kpi]).to_numpy()


def changed(tables: Tables, arm: str, **columns) -> Tables:
    """The tables with columns of an arm's last month changed: each a function of (old values by tier)."""
    m = tables["monthly"].copy()
    for seed in (1, 2, 3):
        last = (m["arm"] == arm) & (m["seed"] == seed) & (m["month"] == MONTHS)
        for column, change in columns.items():
            m.loc[last, column] = change(m.loc[last, column].to_numpy())
    return tables | {"monthly": m}


def alike(tables: Tables) -> Tables:
    """The tables with "calls" living the life of "nothing"."""
    return {
        name: pd.concat([t[t["arm"] != "calls"], t[t["arm"] == "nothing"].assign(arm="calls")], ignore_index=True)
        for name, t in tables.items()
    }


def chain_of(tables: Tables, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Yearly moves of "nothing" and its margins a year, from the tables by hand."""
    run = fabricate.of_run(tables, "nothing", seed)
    t, m = run["transitions"], run["monthly"]
    states = [*TIERS, "dormant", "closed"]
    P = np.eye(6)
    P[:5] = t[t["from"] != "new"].pivot_table("customers", "from", "to", "sum").loc[states[:5], states].to_numpy()
    P[:5] /= P[:5].sum(axis=1, keepdims=True)
    m = m.assign(margin=m["revenue"] - m["channel_cost"] - m["manager_cost"] + 150.0 * m["joined"])
    margin = m[m["month"] > 0].groupby("tier")["margin"].sum()[TIERS]
    years = m[m["month"] < MONTHS].groupby("tier")["active"].sum()[TIERS] / 12
    return P, np.append(margin / years, [0.0, 0.0])


# --------------------------------------------------------------------------------------------------- value and cost


def test_value_is_cash_and_equity_for_the_bank_and_every_tier(figures):
    for at in ("", *(f"[{tier}]" for tier in TIERS)):
        np.testing.assert_allclose(figures[f"value{at}"], figures[f"npv{at}"] + figures[f"customer_equity{at}"])
    np.testing.assert_allclose(figures["value"], sum(figures[f"value[{tier}]"] for tier in TIERS))


def test_cost_is_all_that_is_spent_discounted(tables, figures):
    m = tables["monthly"].query("month > 0")
    spent = (m["channel_cost"] + m["manager_cost"] + m["strategy_cost"]) * (1 + RATE) ** (-m["month"] / 12)
    by_run = spent.groupby([m["arm"], m["seed"]]).sum()
    np.testing.assert_allclose(figures["cost_discounted"].sort_index(), by_run.sort_index())


@pytest.mark.parametrize("arm", ["calls", "waste"])
def test_e6_the_return_is_the_value_without_cost_over_cost_less_one(figures, arm):
    cost, roi = gap(figures, "cost_discounted", arm), figures.loc[arm, "roi"].to_numpy()
    assert (cost > 0).all()
    np.testing.assert_allclose(gap(figures, "value", arm), (roi + 1) * cost - cost, rtol=1e-9)


def test_a_return_below_minus_one_means_that_revenue_is_lost(figures):
    for arm, loses in (("calls", False), ("waste", True)):
        without_cost = gap(figures, "value", arm) + gap(figures, "cost_discounted", arm)
        assert (without_cost < 0).all() == loses
        assert (figures.loc[arm, "roi"] < -1).all() == loses


def test_managers_that_an_arm_adds_are_its_cost(tables, figures):
    more = tables["monthly"].copy()
    mine = (more["arm"] == "calls") & (more["month"] > 0)
    more.loc[mine, "manager_cost"] += 1000.0
    more.loc[mine, "profit"] -= 1000.0
    added = found(tables | {"monthly": more})
    worth = 1000.0 * 4 * sum((1 + RATE) ** (-month / 12) for month in range(1, MONTHS + 1))
    np.testing.assert_allclose(gap(added, "cost_discounted", "calls") - gap(figures, "cost_discounted", "calls"), worth)
    assert (added.loc["calls", "roi"] < figures.loc["calls", "roi"]).all()
    assert (added.loc["calls", "cost_per_saved_customer"] > figures.loc["calls", "cost_per_saved_customer"]).all()


def test_an_arm_that_saves_money_has_a_value_and_no_return_on_money_spent(tables):
    less = alike(tables)["monthly"]
    mine = (less["arm"] == "calls") & (less["month"] > 0)
    less.loc[mine, "profit"] += 0.5 * less.loc[mine, "manager_cost"]
    less.loc[mine, "manager_cost"] *= 0.5
    saves = found(alike(tables) | {"monthly": less})
    assert (gap(saves, "value", "calls") > 0).all()
    for kpi in ("roi", "payback_months", "cost_per_saved_customer"):
        assert saves.loc["calls", kpi].isna().all()


# ------------------------------------------------------------------------------------------------- customer equity


def test_equity_of_the_reference_is_what_its_customers_are_worth_behind_the_horizon(figures):
    own = figures.loc["nothing"]
    np.testing.assert_allclose(own["customer_equity"], own["clv"] * own["customers_end"] * BEHIND)


def test_equity_of_an_arm_is_its_customers_at_the_values_of_the_reference(tables):
    """Ten more customers in wealth, as rich as the others there, are worth ten times what one is."""
    base = alike(tables)
    more = np.array([0.0, 0.0, 10.0, 0.0])
    each = {seed: _row(base, seed, "revenue") / _row(base, seed, "active") for seed in (1, 2, 3)}
    grown = changed(base, "calls", active=lambda old: old + more, customers=lambda old: old + more)
    m = grown["monthly"]
    for seed, per_head in each.items():
        last = (m["arm"] == "calls") & (m["seed"] == seed) & (m["month"] == MONTHS)
        m.loc[last, "revenue"] = m.loc[last, "revenue"].to_numpy() + more * per_head
    equity = gap(found(grown), "customer_equity", "calls")
    worth = [10 * migration_value(*chain_of(tables, seed), RATE)[2] * BEHIND for seed in (1, 2, 3)]
    np.testing.assert_allclose(equity, worth, rtol=1e-9)


def test_no_arm_is_credited_with_fewer_exits_behind_the_horizon(tables):
    base = alike(tables)
    moves = base["transitions"]
    leaves = (moves["arm"] == "calls") & (moves["to"] == "closed")
    moves.loc[leaves, "customers"] *= 0.1
    kinder = found(base | {"transitions": moves})
    assert (kinder.loc["calls", "clv"] > 1.2 * kinder.loc["nothing", "clv"]).all()
    np.testing.assert_array_equal(gap(kinder, "customer_equity", "calls"), 0.0)


def test_richer_customers_last_as_long_as_they_stay_and_fuller_wallets_fade(tables):
    base = alike(tables)
    richer = found(changed(base, "calls", revenue=lambda old: 1.1 * old))
    fuller = found(changed(base, "calls", revenue=lambda old: 1.1 * old, share_of_wallet=lambda old: 1.1 * old))
    for place, seed in enumerate((1, 2, 3)):
        stays = np.diagonal(chain_of(tables, seed)[0])[:4] / (1 + RATE)
        extra = 0.1 * 12 * _row(base, seed, "revenue")
        lasts = extra @ (1 / (1 - stays)) * BEHIND
        fades = extra @ (1 / (1 - stays * (1 - WALLET_FADES) ** 12)) * BEHIND
        assert fades < 0.6 * lasts
        assert gap(richer, "customer_equity", "calls")[place] == pytest.approx(lasts)
        assert gap(fuller, "customer_equity", "calls")[place] == pytest.approx(fades)


def test_who_is_pushed_over_a_threshold_is_not_worth_an_average_customer_there(tables):
    """A hundred customers of mass become affluent and bring what they brought: little is won by that."""
    base = alike(tables)
    step = np.array([-100.0, 100.0, 0.0, 0.0])
    per_head = 30.0  # CNY a month, before and after
    pushed = changed(
        base,
        "calls",
        active=lambda old: old + step,
        customers=lambda old: old + step,
        revenue=lambda old: old + step * per_head,
    )
    won = gap(found(pushed), "customer_equity", "calls")
    for seed, one in zip((1, 2, 3), won, strict=True):
        worth = migration_value(*chain_of(tables, seed), RATE)
        assert abs(one) < 100 * (worth[1] - worth[0]) * BEHIND / 3


def test_wallets_fade_as_the_models_do_by_default():
    from sim.behaviour.settings import Wallet

    assert Wallet().reversion == WALLET_FADES


def test_an_endless_value_is_not_known_and_cash_still_is(tables):
    moves = tables["transitions"].copy()
    stay = moves["from"] == "private"
    moves.loc[stay, "customers"] = np.where(moves.loc[stay, "to"] == "private", 100.0, 0.0)
    endless = found(tables | {"transitions": moves}, rate=0.0)
    assert endless["customer_equity"].isna().all()
    assert endless["value"].isna().all()
    assert endless["npv"].notna().all()


def test_a_run_under_a_year_has_cash_and_no_value(tables):
    short = found(fabricate.fabricate(ARMS, (1, 2, 3), 11))
    assert short[["customer_equity", "value", "roi"]].isna().all().all()
    assert short[["npv", "cost_discounted"]].notna().all().all()
    assert short.loc["calls", "payback_months"].notna().all()


def test_a_seed_without_its_reference_has_no_value(tables):
    kept = {name: t[(t["arm"] != "nothing") | (t["seed"] != 1)] for name, t in tables.items()}
    some = found(kept)
    assert math.isnan(some.loc[("calls", 1), "value"])
    assert math.isfinite(some.loc[("calls", 2), "value"])
    assert math.isfinite(some.loc[("calls", 1), "npv"])


def _row(tables: Tables, seed: int, column: str) -> np.ndarray:
    m = fabricate.of_run(tables, "nothing", seed)["monthly"]
    return m.loc[m["month"] == MONTHS, column].to_numpy()


# --------------------------------------------------------------------------------------------- what the bank keeps

SCENARIO = """
name: kept
months: {months}
burn_in: 3
seeds: [4]
population: {{customers: 3000}}
record: {{panel: 5000}}
{more}
arms: {{nothing: [], digital: [{{use: digital_thinking}}]}}
"""


def lived(folder: Path, *, months: int = 14, more: str = ""):
    folder.mkdir()
    (folder / "kept.yaml").write_text(SCENARIO.format(months=months, more=more))
    assert main(["run", str(folder / "kept.yaml"), "--out", str(folder / "run"), "--quiet"]) == 0
    return read(folder / "run")


def test_retention_is_counted_customer_by_customer(tmp_path):
    run = lived(tmp_path / "a")
    panel = run.panel
    kpis = run_kpis_of(run).set_index(["arm", "kpi"])["value"]
    for arm in ("nothing", "digital"):
        own = panel[panel["arm"] == arm].set_index(["month", "observed_uid"])
        first, last = own.loc[0], own.loc[14]
        first = first[first["observed_state"] == 0]
        stayed = first.index.isin(last.index[last["observed_state"] == 0])
        assert 0.5 < stayed.mean() < 1.0
        weight = first["observed_weight"]
        assert kpis[arm, "retention"] == pytest.approx(np.average(stayed, weights=weight))
        assert kpis[arm, "retention[aum]"] == pytest.approx(np.average(stayed, weights=weight * first["observed_aum"]))
        mass = (first["observed_tier"] == 0).to_numpy()
        assert kpis[arm, "retention[mass]"] == pytest.approx(np.average(stayed[mass], weights=weight[mass]))


@pytest.mark.long
def test_revenue_of_products_is_what_they_add_to_revenue(tmp_path):
    with_them = lived(tmp_path / "a", months=2)
    margins = "economics: {product_margin: {mass: 0, affluent: 0, wealth: 0, private: 0}}"
    without = lived(tmp_path / "b", months=2, more=margins)
    names = [f"revenue_products[{tier}]" for tier in with_them.tiers]
    added = with_them.monthly["revenue"].to_numpy() - without.monthly["revenue"].to_numpy()
    told = with_them.bank[names].to_numpy().ravel()
    assert np.abs(told).sum() > 0
    np.testing.assert_allclose(told, added, atol=1e-6)
    assert (without.bank[names] == 0).all().all()


# ---------------------------------------------------------------------------------- from where to where value comes


def stepped(tables: Tables) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The steps of "calls" by seed, and its difference in value."""
    m = Money(tables, list(ARMS), TIERS, RATE)
    own = m.arm == 1
    return {step: values[own] for step, values in steps(m).items()}, m.against(m.value.sum(axis=1))[own]


def through(tables: Tables, arm: str, **columns) -> Tables:
    """The tables with columns of an arm changed in every measured month: each a function of the old rows."""
    m = tables["monthly"].copy()
    mine = (m["arm"] == arm) & (m["month"] > 0)
    for column, change in columns.items():
        m.loc[mine, column] = change(m[mine])
    return tables | {"monthly": m}


def test_the_steps_add_up_to_the_difference_in_value_of_every_seed(tables):
    m = Money(tables, list(ARMS), TIERS, RATE)
    found = steps(m)
    assert list(found) == list(STEPS)
    whole = m.against(m.value.sum(axis=1))
    scale = np.max(np.abs(list(found.values())), axis=0) + 1.0
    assert (np.abs(sum(found.values()) - whole) <= 1e-9 * scale).all()
    assert (np.abs(whole[m.arm > 0]) > 1e5).all()
    assert (whole[m.arm == 0] == 0).all()


def test_a_fuller_wallet_is_wallet_and_nothing_else(tables):
    base = alike(tables)
    products = 0.2  # of revenue in the made-up bank, and products are not in a wallet
    fuller = through(
        base,
        "calls",
        share_of_wallet=lambda rows: 1.1 * rows["share_of_wallet"],
        revenue=lambda rows: rows["revenue"] * (1 + 0.1 * (1 - products)),
        profit=lambda rows: rows["profit"] + 0.1 * (1 - products) * rows["revenue"],
    )
    found, _ = stepped(fuller)
    lived = base["monthly"].query("arm == 'nothing' and month > 0")
    worth = 0.08 * (lived["revenue"] * (1 + RATE) ** (-lived["month"] / 12)).groupby(lived["seed"]).sum()
    np.testing.assert_allclose(found["wallet"], worth)
    for step in set(STEPS) - {"wallet", "equity"}:
        np.testing.assert_allclose(found[step], 0.0, atol=1e-3)
    assert (found["equity"] > 0).all()


def test_more_products_are_sales_and_nothing_else(tables):
    base = alike(tables)
    bank, names = base["bank"].copy(), [f"revenue_products[{tier}]" for tier in TIERS]
    mine = (bank["arm"] == "calls") & (bank["month"] > 0)
    bank.loc[mine, names] += 50.0
    more = through(base, "calls", revenue=lambda r: r["revenue"] + 50.0, profit=lambda r: r["profit"] + 50.0)
    found, _ = stepped(more | {"bank": bank})
    for step in set(STEPS) - {"sales", "equity"}:
        np.testing.assert_allclose(found[step], 0.0, atol=1e-6)
    np.testing.assert_allclose(found["sales"], 200.0 * sum((1 + RATE) ** (-t / 12) for t in range(1, MONTHS + 1)))


def test_money_spent_is_in_the_step_of_who_gets_it(tables):
    base = alike(tables)
    for step, column in (("service", "channel_cost"), ("managers", "manager_cost"), ("strategy", "strategy_cost")):
        dear = through(base, "calls", **{column: lambda r, column=column: r[column] + 7.0})
        found, _ = stepped(through(dear, "calls", profit=lambda r: r["profit"] - 7.0))
        worth = -28.0 * sum((1 + RATE) ** (-t / 12) for t in range(1, MONTHS + 1))
        np.testing.assert_allclose(found[step], worth)
        for other in set(STEPS) - {step, "equity"}:
            np.testing.assert_allclose(found[other], 0.0, atol=1e-6)


def test_fewer_exits_are_retention(tables):
    found, _ = stepped(tables)
    assert (found["retention"] > 0).all()
    assert (np.abs(found["new_customers"]) < 1e-6 * found["retention"]).all()
    assert (found["equity"] > 0).all()
    assert (np.abs(found["upgrades"]) < 0.2 * found["retention"]).all()


def test_a_run_without_revenue_of_products_or_under_a_year_has_fewer_steps_that_still_add_up(tables):
    bank = tables["bank"][[name for name in tables["bank"] if not name.startswith("revenue_products")]]
    found, whole = stepped(tables | {"bank": bank})
    assert not {"sales", "upgrades"} & set(found)
    np.testing.assert_allclose(sum(found.values()), whole, rtol=1e-9)
    short = fabricate.fabricate(ARMS, (1, 2, 3), 11)
    m = Money(short, list(ARMS), TIERS, RATE)
    assert "equity" not in steps(m)
    np.testing.assert_allclose(sum(steps(m).values()), m.against(m.cash.sum(axis=1)), rtol=1e-7, atol=1e-3)


@pytest.mark.long
def test_json_library_and_page_tell_the_same_steps_and_words(tmp_path, capsys):
    (tmp_path / "kept.yaml").write_text(
        "name: told\nmonths: 12\nburn_in: 2\nseeds: [1, 2]\npopulation: {customers: 2000}\n"
        "arms: {nothing: [], digital: [{use: digital_thinking}]}\n"
    )
    assert main(["run", str(tmp_path / "kept.yaml"), "--out", str(tmp_path / "run"), "--quiet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    run = sim.open_run(tmp_path / "run")
    assert [row["step"] for row in told["waterfall"]] == list(STEPS)
    assert told["verdicts"] == run.verdicts.to_dict("records")
    assert told["verdicts"][0]["decided_by"] == "value"
    np.testing.assert_allclose([row["difference"] for row in told["waterfall"]], run.waterfall["difference"])
    gap = run.comparison.set_index("kpi").loc["value", "difference"]
    assert sum(run.waterfall["difference"]) == pytest.approx(gap)
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "From where to where value comes" in page
    assert all(name[1:] in page for name in STEPS.values())
    assert main(["compare", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["waterfall"] == told["waterfall"]


@pytest.mark.long
def test_a_bundle_shares_out_the_value_that_a_run_has(tmp_path):
    """Attribution values equity by the bank without strategies, as the comparison of arms does."""
    from sim.experiments import attribution
    from sim.experiments.prepare import prepare

    (tmp_path / "two.yaml").write_text(
        "name: two\nmonths: 12\nburn_in: 2\nseeds: [1]\npopulation: {customers: 2000}\n"
        "arms: {nothing: [], two: [{use: digital_thinking}, {use: staff_upskilling}]}\n"
    )
    assert main(["run", str(tmp_path / "two.yaml"), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    gap = read(tmp_path / "run").comparison.set_index("kpi").loc["value", "difference"]
    (one,) = prepare([tmp_path / "two.yaml"])
    asked = attribution.question(one, "two", ["value"])
    (parts,) = attribution.worth(asked, attribution.Bench(asked).figures(1, 0, 1), 1)
    assert parts[:, 0].sum() == pytest.approx(gap)
