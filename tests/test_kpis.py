"""Key figures say what their definitions say: recomputed here row by row, and against the fixture of SPEC 3.3."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace

import fabricate
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.measures.catalogue import HEADLINES, KPIS, LABELS, SAME_TEST, SECTIONS, base_name, sections
from sim.measures.kpis import KPI_COLUMNS, run_kpis, run_kpis_of, summarise
from sim.measures.lifetime import expected_years, migration_value
from sim.store.tables import SUMMARY_COLUMNS

TIERS = list(fabricate.TIERS)
MONTHS = 30  # two full years and a half
ARMS = {"nothing": (1.0, 0.0), "calls": (0.9, 40_000.0), "free": (0.8, 0.0), "waste": (1.1, 40_000.0)}


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return fabricate.fabricate(ARMS, (1, 2), MONTHS)


@pytest.fixture(scope="module")
def kpis(tables) -> pd.DataFrame:
    return run_kpis(tables, tiers=TIERS, discount_rate=0.10)


def value(kpis: pd.DataFrame, kpi: str, arm: str = "calls", seed: int = 2) -> float:
    found = kpis.loc[(kpis["arm"] == arm) & (kpis["seed"] == seed) & (kpis["kpi"] == kpi), "value"]
    assert len(found) == 1, kpi
    return float(found.iloc[0])


def rows(tables, name: str, arm: str = "calls", seed: int = 2) -> pd.DataFrame:
    return fabricate.of_run(tables, arm, seed)[name]


# ------------------------------------------------------------------------------------------- the made-up bank


def test_the_made_up_bank_keeps_the_identities(tables):
    m = tables["monthly"]
    before = m.groupby(["arm", "seed", "tier"], sort=False)[["customers", "aum", "active", "dormant"]].shift(1)
    later = m["month"] > 0
    flow = m["joined"] - m["closed"] + m["moved_in"] - m["upgraded"] - m["downgraded"]
    np.testing.assert_allclose((before["customers"] + flow)[later], m["customers"][later], rtol=1e-12)
    money = m["net_new_money"] + m["market_effect"] + m["aum_moved"]
    np.testing.assert_allclose((before["aum"] + money)[later], m["aum"][later], rtol=1e-12)
    np.testing.assert_allclose(m["active"] + m["dormant"], m["customers"], rtol=1e-12)
    profit = m["revenue"] - m["channel_cost"] - m["manager_cost"] - m["strategy_cost"]
    np.testing.assert_allclose(m["profit"], profit)
    moved = m.groupby(["arm", "seed", "month"])[["aum_moved", "moved_in", "upgraded", "downgraded"]].sum()
    np.testing.assert_allclose(moved["aum_moved"], 0, atol=1e-6)
    np.testing.assert_allclose(moved["moved_in"], moved["upgraded"] + moved["downgraded"])


def test_the_made_up_transitions_agree_with_the_made_up_months(tables):
    t, m = rows(tables, "transitions"), rows(tables, "monthly")
    for year in (1, 2):
        ends = t[t["year"] == year].groupby("to")["customers"].sum()
        now = m[m["month"] == 12 * year].set_index("tier")
        np.testing.assert_allclose(ends[TIERS], now.loc[TIERS, "active"], rtol=1e-9)
        np.testing.assert_allclose(ends["dormant"], now["dormant"].sum(), rtol=1e-9)


# ------------------------------------------------------------------------------------------- definitions, by hand


def test_every_kpi_of_the_contract_is_there(kpis):
    contract = {
        "retention",
        "attrition_annual",
        "closure_annual",
        "retention_12m",
        "dormant_share",
        "customers_end",
        "aum_end",
        "net_new_money",
        "upgrade_rate",
        "downgrade_rate",
        "products",
        "digital_active_share",
        "nps",
        "satisfaction",
        "revenue",
        "cost",
        "profit",
        "npv",
        "customer_equity",
        "value",
        "roi",
        "payback_months",
        "cost_per_saved_customer",
        "clv",
        "manager_utilisation",
        "manager_turnover_annual",
        "contacts_per_customer",
        "opt_out_share",
        "aum_gini",
    }
    assert contract <= set(KPIS)
    assert {base_name(kpi) for kpi in kpis["kpi"]} == set(KPIS)
    assert tuple(kpis.columns) == KPI_COLUMNS
    assert not kpis.duplicated(["arm", "seed", "kpi"]).any()


def test_the_registry_can_be_listed():
    for name, kpi in KPIS.items():
        assert kpi.name == name
        assert kpi.better in ("higher", "lower", None)
        assert kpi.about
        assert "\n" not in kpi.about
        assert kpi.label
        assert kpi.section in SECTIONS
    assert KPIS["profit_annual"].unit_in("EUR") == "EUR per year"


def test_one_list_of_headlines_is_corrected_for_and_listed_on_the_page():
    from sim.reporting.run.decision import SHOWN

    assert [SAME_TEST.get(kpi, kpi) for kpi in SHOWN] == list(HEADLINES)
    assert set(SAME_TEST.values()) <= set(HEADLINES)
    assert all(KPIS[total].unit_in("EUR") == KPIS[kpi].unit_in("EUR").split(" ")[0] for kpi, total in SAME_TEST.items())


def test_every_figure_stands_in_one_section_of_the_table():
    placed = [name for names in sections().values() for name in names]
    assert sorted(placed) == sorted([*KPIS, "retention[aum]", "attrition_annual[aum]"])
    assert set(LABELS) == set(placed)
    assert len(set(LABELS.values())) == len(LABELS)


def test_rows_are_by_arm_seed_and_kpi_with_tiers_behind_the_bank(kpis):
    assert list(dict.fromkeys(zip(kpis["arm"], kpis["seed"], strict=True))) == [(a, s) for a in ARMS for s in (1, 2)]
    names = kpis.loc[(kpis["arm"] == "calls") & (kpis["seed"] == 1), "kpi"].tolist()
    assert [base_name(name) for name in names] == sorted(map(base_name, names), key=list(KPIS).index)
    assert names[:6] == ["retention", *(f"retention[{tier}]" for tier in TIERS), "retention[aum]"]


def test_rates_of_leaving(tables, kpis):
    m, b = rows(tables, "monthly"), rows(tables, "bank")
    lived, start = m[m["month"] > 0], m[m["month"] < MONTHS]
    lost = lived["closed"] - lived["closed_dormant"] + lived["went_dormant"]
    assert value(kpis, "attrition_annual") == pytest.approx(lost.sum() / (start["active"].sum() / 12))
    mass = lived["tier"] == "mass"
    exposure = start.loc[start["tier"] == "mass", "active"].sum() / 12
    assert value(kpis, "attrition_annual[mass]") == pytest.approx(lost[mass].sum() / exposure)
    exited = b.loc[b["month"] > 0, "aum_exited"].sum()
    assert value(kpis, "attrition_annual[aum]") == pytest.approx(exited / (start["aum"].sum() / 12))
    assert value(kpis, "closure_annual") == pytest.approx(lived["closed"].sum() / (start["customers"].sum() / 12))
    # made with monthly hazards of 0.0125 x 0.9 x noise about 1: near twelve times that
    assert value(kpis, "attrition_annual[mass]") == pytest.approx(12 * 0.0125 * 0.9, rel=0.05)


def test_retention_is_who_was_active_a_year_before_the_end_and_still_is(tables, kpis):
    last = rows(tables, "bank").iloc[-1]
    assert value(kpis, "retention_12m") == last["kept_12m"] / last["active_12m_ago"]
    assert value(kpis, "retention_12m[wealth]") == last["kept_12m[wealth]"] / last["active_12m_ago[wealth]"]
    year_before = rows(tables, "monthly").query(f"month == {MONTHS - 12}")["active"].sum()
    assert last["active_12m_ago"] == pytest.approx(year_before)


def test_retention_since_month_0_is_by_number_and_by_the_money_of_then(tables, kpis):
    last, first = rows(tables, "bank").iloc[-1], rows(tables, "monthly").query("month == 0")
    assert value(kpis, "retention") == last["kept_month_0"] / last["active_month_0"]
    assert last["active_month_0"] == pytest.approx(first["active"].sum())
    assert value(kpis, "retention[aum]") == last["aum_kept_month_0"] / last["aum_month_0"]
    assert value(kpis, "retention[mass]") == pytest.approx((1 - 0.0125 * 0.9) ** MONTHS, rel=0.02)


def test_returns_stand_beside_attrition(tables, kpis):
    m = rows(tables, "monthly")
    came_back = m.loc[m["month"] > 0, "reactivated"].sum()
    lived = m.loc[m["month"] < MONTHS, "active"].sum() / 12
    assert value(kpis, "returns_annual") == pytest.approx(came_back / lived)


def test_short_runs_have_no_retention_and_no_markov_value():
    short = run_kpis(fabricate.fabricate(months=6), tiers=TIERS, discount_rate=0.1)
    for kpi in ("retention_12m", "retention_12m[mass]", "clv", "clv[mass]", "customer_equity", "value", "value[mass]"):
        assert math.isnan(value(short, kpi))
    assert math.isfinite(value(short, "npv"))
    assert value(short, "attrition_annual[mass]") == pytest.approx(12 * 0.0125 * 0.9, rel=0.1)
    assert value(short, "clv_realised") > 0


def test_stocks_at_the_end_and_moves(tables, kpis):
    m = rows(tables, "monthly")
    end, lived, start = m[m["month"] == MONTHS], m[m["month"] > 0], m[m["month"] < MONTHS]
    assert value(kpis, "customers_end") == pytest.approx(end["customers"].sum())
    assert value(kpis, "aum_end[private]") == end["aum"].iloc[3]
    assert value(kpis, "dormant_share") == pytest.approx(end["dormant"].sum() / end["customers"].sum())
    assert value(kpis, "net_new_money") == pytest.approx(lived["net_new_money"].sum())
    assert value(kpis, "net_new_money_annual") == pytest.approx(lived["net_new_money"].sum() / 2.5)
    assert value(kpis, "upgrade_rate") == pytest.approx(lived["upgraded"].sum() / (start["customers"].sum() / 12))
    weighted = {
        "products": "products",
        "digital_active": "digital_active_share",
        "satisfaction": "satisfaction",
        "trust": "trust",
        "share_of_wallet": "share_of_wallet",
    }
    for column, kpi in weighted.items():
        weight = "customers" if column == "share_of_wallet" else "active"
        assert value(kpis, kpi) == pytest.approx(np.average(end[column], weights=end[weight]))
        assert value(kpis, f"{kpi}[affluent]") == end[column].iloc[1]


def test_rates_without_sense_are_left_out(kpis):
    names = set(kpis["kpi"])
    assert "upgrade_rate[private]" not in names
    assert "downgrade_rate[mass]" not in names
    assert {"upgrade_rate[mass]", "downgrade_rate[private]"} <= names


def test_an_empty_tier_is_nan_for_itself_and_nothing_for_the_bank(tables):
    monthly = tables["monthly"].copy()
    empty = monthly["tier"] == "private"
    monthly.loc[empty, ["customers", "active", "dormant", "aum"]] = 0.0
    monthly.loc[empty, ["satisfaction", "products"]] = np.nan
    found = run_kpis(tables | {"monthly": monthly}, tiers=TIERS, discount_rate=0.1)
    for kpi in ("satisfaction", "products", "attrition_annual", "dormant_share"):
        assert math.isnan(value(found, f"{kpi}[private]"))
        assert math.isfinite(value(found, kpi))


def test_service_and_managers(tables, kpis):
    m, b = rows(tables, "monthly"), rows(tables, "bank")
    lived, start = m[m["month"] > 0], m[m["month"] < MONTHS]
    contacts = lived[[c for c in m.columns if c.startswith("contacts_")]].sum().sum()
    assert value(kpis, "contacts_per_customer") == pytest.approx(contacts / (start["customers"].sum() / 12))
    assert value(kpis, "manager_turnover_annual") == pytest.approx(0.15 * 12 / 10)
    assert value(kpis, "manager_utilisation") == pytest.approx(0.9)
    assert value(kpis, "nps") == b["nps"].iloc[-1]
    assert value(kpis, "aum_gini") == 0.9  # known in month 24, NaN since
    opted = b["customers_opted_out"].iloc[-1] / m.loc[m["month"] == MONTHS, "customers"].sum()
    assert value(kpis, "opt_out_share") == pytest.approx(opted)


def test_a_bank_without_managers_has_no_utilisation(tables):
    bank = tables["bank"].assign(managers=0.0, utilisation=np.nan)
    found = run_kpis(tables | {"bank": bank}, tiers=TIERS, discount_rate=0.1)
    assert math.isnan(value(found, "manager_utilisation"))
    assert math.isnan(value(found, "manager_turnover_annual"))


def test_money_adds_up_and_is_discounted_monthly(tables, kpis):
    lived = rows(tables, "monthly").query("month > 0")
    assert value(kpis, "profit") == pytest.approx(lived["profit"].sum())
    assert value(kpis, "revenue") - value(kpis, "cost") == pytest.approx(value(kpis, "profit"))
    assert value(kpis, "profit") == pytest.approx(sum(value(kpis, f"profit[{tier}]") for tier in TIERS))
    assert value(kpis, "profit_annual") == pytest.approx(value(kpis, "profit") / 2.5)
    monthly_rate = 1.10 ** (1 / 12) - 1
    npv = sum(
        profit / (1 + monthly_rate) ** month for profit, month in zip(lived["profit"], lived["month"], strict=True)
    )
    assert value(kpis, "npv") == pytest.approx(npv)


def test_the_currency_is_the_models(tables):
    found = run_kpis(tables, tiers=TIERS, discount_rate=0.1, currency="EUR").set_index("kpi")["unit"]
    assert found["npv"].iloc[0] == "EUR"
    assert found["profit_annual[mass]"].iloc[0] == "EUR per year"


# ------------------------------------------------------------------------------------ against the reference arm


def test_roi_and_cost_per_saved_customer_are_paired_by_seed(tables, kpis):
    mine, other = rows(tables, "monthly", "calls"), rows(tables, "monthly", "nothing")
    factor = 1.10 ** (-mine["month"].to_numpy() / 12)
    costs = ["channel_cost", "manager_cost", "strategy_cost"]
    spent = ((mine[costs].sum(axis=1).to_numpy() - other[costs].sum(axis=1).to_numpy()) * factor)[
        mine["month"] > 0
    ].sum()
    gained = value(kpis, "value") - value(kpis, "value", "nothing") + spent
    assert value(kpis, "roi") == pytest.approx(gained / spent - 1)
    kept = [rows(tables, "bank", arm)["kept_month_0"].iloc[-1] for arm in ("calls", "nothing")]
    assert value(kpis, "cost_per_saved_customer") == pytest.approx(spent / (kept[0] - kept[1]))


@pytest.mark.parametrize("kpi", ["roi", "payback_months", "cost_per_saved_customer"])
def test_nothing_spent_beyond_the_reference_has_no_return(tables, kpis, kpi):
    assert math.isnan(value(kpis, kpi, "nothing"))
    less = tables["monthly"].copy()
    less.loc[less["arm"] == "free", "manager_cost"] *= 0.5
    assert math.isnan(value(run_kpis(tables | {"monthly": less}, tiers=TIERS, discount_rate=0.1), kpi, "free"))


def test_money_that_saves_nobody_costs_infinitely_much_per_customer(kpis):
    assert value(kpis, "cost_per_saved_customer", "waste") == math.inf


@pytest.mark.parametrize(
    ("gains", "months"),
    [
        ({1: -100, 4: 150}, 4),
        ({1: -100, 4: 150, 6: -80, 9: 60}, 9),  # it must stay above
        ({3: -100, 30: 200}, 30),
        ({3: -100}, math.inf),
        ({5: 10}, 0),  # never in the red
        ({2: -100, 3: 100.5}, math.inf),  # paid back in coin, not with interest
    ],
)
def test_payback_is_the_first_month_from_which_discounted_profit_stays_above(gains, months):
    tables = fabricate.fabricate({"nothing": (1.0, 0.0), "calls": (1.0, 0.0)}, (1, 2), MONTHS)
    monthly = tables["monthly"].copy()
    for month, gain in gains.items():
        here = (monthly["arm"] == "calls") & (monthly["month"] == month) & (monthly["tier"] == "mass")
        monthly.loc[here, "profit"] += gain
        monthly.loc[here, "strategy_cost"] += 1.0
    found = run_kpis(tables | {"monthly": monthly}, tiers=TIERS, discount_rate=0.10)
    assert value(found, "payback_months") == months


def test_another_reference_may_be_named(tables):
    found = run_kpis(tables, tiers=TIERS, discount_rate=0.1, reference="free")
    assert math.isnan(value(found, "roi", "free"))
    assert value(found, "roi", "calls") < value(run_kpis(tables, tiers=TIERS, discount_rate=0.1), "roi", "calls")


def test_a_seed_without_its_reference_has_no_return(tables):
    kept = {name: t[(t["arm"] != "nothing") | (t["seed"] != 1)] for name, t in tables.items()}
    found = run_kpis(kept, tiers=TIERS, discount_rate=0.1)
    assert math.isnan(value(found, "roi", "calls", 1))
    assert math.isfinite(value(found, "roi", "calls", 2))


# -------------------------------------------------------------------------------------------------- customer value

P = np.array(
    [
        [0.833112, 0.006888, 0, 0, 0.128, 0.032],
        [0.103103, 0.777504, 0.029393, 0, 0.0585, 0.0315],
        [0, 0.053016, 0.882378, 0.004606, 0.030, 0.030],
        [0, 0, 0.12415, 0.83085, 0.018, 0.027],
        [0.069671, 0, 0, 0, 0.883371, 0.046958],
        [0, 0, 0, 0, 0, 1],
    ]
)
R = np.array([39.86, 1105.713, 4552.173, 30000, -4, 0])


@pytest.mark.parametrize(
    ("discount", "printed"), [(0.10, [378, 6413, 27449, 135276, 101, 0]), (0.08, [441, 7056, 30172, 145087, 134, 0])]
)
def test_the_fixture_of_the_spec_comes_back(discount, printed):
    V = migration_value(P, R, discount)
    np.testing.assert_allclose(V, printed, atol=0.5)  # printed to the yuan
    # and by brute force: margins of 400 years, one after the other
    state, total = np.eye(6), np.zeros(6)
    for year in range(400):
        total += state @ R / (1 + discount) ** year
        state = state @ P
    np.testing.assert_allclose(V, total, rtol=1e-9)


def test_expected_years_of_the_spec_come_back():
    np.testing.assert_allclose(expected_years(P)[:5], [25.2, 26.0, 27.4, 28.5, 23.6], atol=0.05)
    np.testing.assert_allclose(expected_years(P, [0, 1, 2, 3])[:5], [12.2, 14.4, 17.6, 19.6, 7.3], atol=0.05)
    assert expected_years(P)[5] == 0


def test_a_constant_hazard_lives_the_inverse_of_it():
    assert expected_years([[0.8, 0.2], [0, 1]])[0] == pytest.approx(5.0)
    assert migration_value([[0.8, 0.2], [0, 1]], [1.0, 0.0], 0.0)[0] == pytest.approx(5.0)
    assert expected_years([[0.5, 0.5], [0.5, 0.5]]).tolist() == [math.inf, math.inf]


def test_many_chains_at_once_are_each_alone():
    chains = np.stack([P, np.roll(P, 0), np.eye(6)])
    values = migration_value(chains, np.stack([R, 2 * R, 0 * R]), 0.1)
    np.testing.assert_allclose(values, [migration_value(P, R, 0.1), 2 * migration_value(P, R, 0.1), np.zeros(6)])
    never_ends = migration_value(np.stack([P, np.eye(6)]), np.stack([R, R]), 0.0)
    np.testing.assert_allclose(never_ends[0], migration_value(P, R, 0.0))
    assert np.isnan(never_ends[1][:5]).all()
    assert never_ends[1][5] == 0.0  # nobody leaves it and it earns nothing


def test_clv_is_the_markov_value_of_what_the_tables_show(tables, kpis):
    t, m = rows(tables, "transitions"), rows(tables, "monthly")
    states = [*TIERS, "dormant", "closed"]
    moved = t[(t["year"] <= 2) & (t["from"] != "new")].pivot_table("customers", "from", "to", "sum")
    chain = np.eye(6)
    chain[:5] = moved.loc[states[:5], states].to_numpy()
    chain[:5] /= chain[:5].sum(axis=1, keepdims=True)
    lived, start = m[m["month"] > 0], m[m["month"] < MONTHS]
    margin = lived["revenue"] - lived["channel_cost"] - lived["manager_cost"] + 150.0 * lived["joined"]
    by_tier = margin.groupby(lived["tier"]).sum()[TIERS]
    years = start.groupby("tier")["active"].sum()[TIERS] / 12
    V = migration_value(chain, [*(by_tier / years), 0.0, 0.0], 0.10)
    for tier, worth in zip(TIERS, V, strict=False):
        assert value(kpis, f"clv[{tier}]") == pytest.approx(worth)
    end = m[m["month"] == MONTHS]
    held = (end["active"].to_numpy() * V[:4]).sum() + end["dormant"].sum() * V[4]
    assert value(kpis, "clv") == pytest.approx(held / end["customers"].sum())


def test_realised_value_is_the_discounted_margin_per_first_customer(tables, kpis):
    m = rows(tables, "monthly")
    margin = m["revenue"] - m["channel_cost"] - m["manager_cost"] + 150.0 * m["joined"]
    total = (margin * 1.10 ** (-m["month"] / 12)).sum()
    assert value(kpis, "clv_realised") == pytest.approx(total / m.loc[m["month"] == 0, "customers"].sum())


def test_a_tier_nobody_was_ever_seen_in_has_no_value(tables):
    monthly, moves = tables["monthly"].copy(), tables["transitions"].copy()
    monthly.loc[monthly["tier"] == "private", ["customers", "active", "dormant"]] = 0.0
    moves.loc[(moves["from"] == "private") | (moves["to"] == "private"), "customers"] = 0.0
    found = run_kpis(tables | {"monthly": monthly, "transitions": moves}, tiers=TIERS, discount_rate=0.1)
    assert math.isnan(value(found, "clv[private]"))
    assert math.isfinite(value(found, "clv"))


# --------------------------------------------------------------------------------------------- tables and summary


def test_row_order_and_text_dtype_do_not_matter(tables, kpis):
    mixed = {name: t.sample(frac=1, random_state=5).astype({"arm": "object"}) for name, t in tables.items()}
    found = run_kpis(mixed, tiers=TIERS, arms=list(ARMS), discount_rate=0.10)
    pd.testing.assert_frame_equal(found, kpis, check_exact=False, rtol=1e-12)


def test_a_stored_run_brings_its_own_settings(tables, kpis):
    manifest = fabricate.manifest(list(ARMS), (1, 2), MONTHS)
    run = SimpleNamespace(tables=tables, manifest=manifest, arms=manifest["arms"], tiers=manifest["tiers"])
    pd.testing.assert_frame_equal(run_kpis_of(run), kpis)


@pytest.mark.parametrize("name", ["monthly", "bank"])
def test_tables_with_holes_are_refused(tables, name):
    for broken in (tables[name].iloc[1:], pd.concat([tables[name].iloc[1:], tables[name].iloc[-1:]])):
        with pytest.raises(ValueError, match=f"{name}: not one row for every arm"):
            run_kpis(tables | {name: broken}, tiers=TIERS, discount_rate=0.1)


def test_no_runs_give_no_figures(tables):
    found = run_kpis({name: t.iloc[:0] for name, t in tables.items()}, tiers=TIERS, discount_rate=0.1)
    assert tuple(found.columns) == KPI_COLUMNS
    assert len(found) == 0
    assert tuple(summarise(found).columns) == SUMMARY_COLUMNS


def frame(*rows: tuple[str, int, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["arm", "seed", "kpi", "value"])
    return table.assign(unit="CNY", better="higher")[list(KPI_COLUMNS)]


def test_the_summary_is_a_t_interval_over_seeds():
    values = [3.0, 5.0, 4.5, 7.0]
    summary = summarise(frame(*(("a", seed, "npv", v) for seed, v in enumerate(values))))
    assert tuple(summary.columns) == SUMMARY_COLUMNS
    row = summary.iloc[0]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (row["mean"], row["sd"]) == (pytest.approx(np.mean(values)), pytest.approx(np.std(values, ddof=1)))
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(low), pytest.approx(high))
    assert row["seeds"] == 4


def test_one_seed_has_a_mean_and_no_interval():
    row = summarise(frame(("a", 1, "npv", 3.0))).iloc[0]
    assert (row["mean"], row["seeds"]) == (3.0, 1)
    assert math.isnan(row["sd"])
    assert math.isnan(row["ci_low"])


def test_seeds_without_a_value_do_not_count_and_an_infinite_one_is_not_hidden():
    nan, inf = math.nan, math.inf
    summary = summarise(
        frame(
            ("b", 1, "roi", nan),
            ("b", 2, "roi", 2.0),
            ("b", 3, "roi", 4.0),
            ("a", 1, "roi", nan),
            ("a", 1, "payback_months", inf),
            ("a", 2, "payback_months", 9.0),
        )
    )
    assert summary["arm"].tolist() == ["b", "a", "a"]  # in order of appearance
    assert summary["mean"].tolist()[0] == 3.0
    assert summary["seeds"].tolist() == [2, 0, 2]
    assert math.isnan(summary["mean"][1])
    assert summary["mean"][2] == inf
    assert math.isnan(summary["ci_low"][2])


def test_nine_arms_of_twenty_seeds_take_no_time():
    arms = {f"arm{i}": (1 - i / 100, i * 1000.0) for i in range(9)}
    tables = fabricate.fabricate(arms, range(1, 21), 60)
    began = time.perf_counter()
    found = run_kpis(tables, tiers=TIERS, discount_rate=0.1)
    assert time.perf_counter() - began < 2.0
    assert found.groupby(["arm", "seed"]).ngroups == 180
