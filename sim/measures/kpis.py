"""What a run comes to: key figures per arm and seed from its tables, and their summary over seeds.

Conventions, for every figure:

- Month 0 is the start; flows and money are summed over the measured months 1..T; a rate a year divides by
  customer-years (stock at the start of each month, over 12). "At the end" is month T.
- A figure of the bank is the ratio of sums over tiers, never a mean of tiers. A tier's flow belongs to the tier the
  customer was in. Means over customers weigh by active customers (share of wallet: by open ones).
- Money of month t is discounted by (1 + discount_rate)^(-t / 12).
- `roi`, `payback_months` and `cost_per_saved_customer` are against the reference arm with the same seed: discounted
  strategy cost and discounted profit beyond the reference's, month by month. They are NaN for the reference itself and
  where nothing was spent beyond it. An infinite payback is one not reached within these months (0: never in the red),
  an infinite cost per saved customer means nobody was saved.
- Customer value (`clv`, `clv_realised`) is margin before strategy cost and acquisition cost; dormancy and share of
  wallet are in it, as the margins that customers in that state and with that wallet left.
- What cannot be said is NaN: nobody to divide by, less than twelve months for `retention_12m` and `clv`, a customer
  value without end (`sim.measures.lifetime`). `sim.measures.evidence` says why, and which figures rest on little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.measures.intervals import t_quantile
from sim.measures.lifetime import chances, migration_value
from sim.store.tables import STATES_AFTER_TIERS, SUMMARY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run

MONTHS = 12
SURE = 1.959963984540054  # standard deviations to each side of a 95 % interval
CHANNELS = ("branch", "phone", "video", "messaging", "app")
KPI_COLUMNS = ("arm", "seed", "kpi", "unit", "value", "better")


@dataclass(frozen=True)
class Kpi:
    """One key figure: its name, unit ("money" stands for the model's currency), meaning, and which way is better."""

    name: str
    unit: str
    about: str
    better: str | None = None  # "higher", "lower", or None where it depends

    def unit_in(self, currency: str) -> str:
        """The unit with the currency's name in it."""
        return self.unit.replace("money", currency)


KPIS: dict[str, Kpi] = {
    kpi.name: kpi
    for kpi in (
        Kpi("attrition_annual", "per year", "active customers closed or gone dormant; [aum]: by their AUM", "lower"),
        Kpi("closure_annual", "per year", "customers closed, per customer-year", "lower"),
        Kpi("retention_12m", "share", "active 12 months before the end and still active", "higher"),
        Kpi("dormant_share", "share", "dormant among open customers at the end", "lower"),
        Kpi("customers_end", "customers", "open customers (active and dormant) at the end", "higher"),
        Kpi("aum_end", "money", "assets under management at the end", "higher"),
        Kpi("net_new_money", "money", "money in minus money out, market growth and tier moves apart", "higher"),
        Kpi("net_new_money_annual", "money per year", "net new money a year", "higher"),
        Kpi("upgrade_rate", "per year", "moves to a higher tier, per customer-year", "higher"),
        Kpi("downgrade_rate", "per year", "moves to a lower tier, per customer-year", "lower"),
        Kpi("products", "products", "products per active customer at the end", "higher"),
        Kpi("share_of_wallet", "share", "share of wealth that open customers keep with the bank, at the end", "higher"),
        Kpi("digital_active_share", "share", "active customers using the app, at the end"),
        Kpi("nps", "points", "net promoter score, last known (-100 to 100)", "higher"),
        Kpi("satisfaction", "sd", "mean satisfaction of active customers at the end", "higher"),
        Kpi("trust", "sd", "mean trust of active customers at the end", "higher"),
        Kpi("revenue", "money", "revenue", "higher"),
        Kpi("cost", "money", "channel, manager and strategy cost", "lower"),
        Kpi("profit", "money", "revenue minus cost", "higher"),
        Kpi("revenue_annual", "money per year", "revenue a year", "higher"),
        Kpi("cost_annual", "money per year", "cost a year", "lower"),
        Kpi("profit_annual", "money per year", "profit a year", "higher"),
        Kpi("strategy_cost", "money", "what the strategies cost, part of cost"),
        Kpi("npv", "money", "discounted profit", "higher"),
        Kpi("roi", "ratio", "discounted profit over the reference arm's, per discounted strategy cost", "higher"),
        Kpi("payback_months", "months", "from this month cumulated profit stays at or above the reference's", "lower"),
        Kpi("cost_per_saved_customer", "money", "strategy cost per active customer kept beyond the reference", "lower"),
        Kpi("clv", "money", "expected discounted margin of an open customer (Markov formula)", "higher"),
        Kpi("customer_equity", "money", "that value summed over the open customers at the end", "higher"),
        Kpi("clv_realised", "money", "discounted margin of these months per customer of month 0", "higher"),
        Kpi("contacts_per_customer", "per year", "outbound contacts, per customer-year"),
        Kpi("coverage_gini", "ratio", "Gini of contacts received, over active customers at the end"),
        Kpi("complaints_per_customer", "per year", "complaints, per active customer-year", "lower"),
        Kpi("opt_out_share", "share", "open customers with at least one opt-out, at the end", "lower"),
        Kpi("manager_utilisation", "ratio", "hours asked of managers per hour they have, mean over months"),
        Kpi("manager_turnover_annual", "per year", "managers who left, per manager-year", "lower"),
        Kpi("aum_gini", "index", "Gini coefficient of AUM over customers, last known (0 equal, 1 all with one)"),
    )
}


# No tier has one of its own: figures of the bank as a whole.
BANK_ONLY = frozenset(
    {
        "nps",
        "roi",
        "payback_months",
        "cost_per_saved_customer",
        "clv_realised",
        "opt_out_share",
        "manager_utilisation",
        "manager_turnover_annual",
        "aum_gini",
        "customer_equity",
        "coverage_gini",
    }
)
AGAINST_REFERENCE = frozenset({"roi", "payback_months", "cost_per_saved_customer"})  # the reference has none of its own
NEEDS_A_YEAR = frozenset({"retention_12m", "clv", "customer_equity"})  # NaN in fewer than twelve months


def kpi_names(tiers: Sequence[str]) -> list[str]:
    """Every name that `run_kpis` gives a figure for a bank of these tiers (lowest first): kpi, and kpi[tier]."""
    within = {"upgrade_rate": tiers[:-1], "downgrade_rate": tiers[1:]} | dict.fromkeys(BANK_ONLY, ())
    more = {"attrition_annual": ["attrition_annual[aum]"]}
    return [
        name
        for kpi in KPIS
        for name in (kpi, *(f"{kpi}[{tier}]" for tier in within.get(kpi, tiers)), *more.get(kpi, ()))
    ]


# ---------------------------------------------------------------------------------------------------- tables to cubes


class Cubes:
    """The tables of all runs as dense arrays: runs x months 0..T (x tiers), runs by arm, then seed ascending."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], arms: Sequence[str], tiers: Sequence[str]):
        import pandas as pd

        monthly, bank = tables["monthly"], tables["bank"]
        self.tiers, self.arms = list(tiers), list(arms)
        keys = [
            _codes(monthly, "arm", self.arms),
            *(monthly[c].to_numpy(dtype=np.int64) for c in ("seed", "month")),
            _codes(monthly, "tier", self.tiers),
        ]
        self.months = int(keys[2].max(initial=0))
        self._monthly, self._order = monthly, np.lexsort(keys[::-1])
        self._shape = (-1, self.months + 1, len(self.tiers))
        whole = len(monthly) % ((self.months + 1) * len(self.tiers)) == 0
        if whole:
            arm, seed, month, tier = (key[self._order].reshape(self._shape) for key in keys)
            self.arm, self.seed = arm[:, 0, 0], seed[:, 0, 0]
            whole = all(
                (found == wanted).all()
                for found, wanted in (
                    (arm, self.arm[:, None, None]),
                    (seed, self.seed[:, None, None]),
                    (month, np.arange(self.months + 1)[:, None]),
                    (tier, np.arange(len(self.tiers))),
                )
            )
        if not whole:
            raise ValueError("monthly: not one row for every arm, seed, month and tier")
        self.index = pd.MultiIndex.from_arrays([self.arm, self.seed])
        place = self.run_of(bank) * (self.months + 1) + bank["month"].to_numpy(dtype=np.int64)
        self._bank, self._bank_order = bank, np.argsort(place, kind="stable")
        if not np.array_equal(place[self._bank_order], np.arange(len(self.arm) * (self.months + 1))):
            raise ValueError("bank: not one row for every arm, seed and month of monthly")

    def __len__(self) -> int:
        return len(self.arm)

    def run_of(self, table: pd.DataFrame) -> np.ndarray:
        """Number of the run each row belongs to, -1 for none."""
        import pandas as pd

        keys = [_codes(table, "arm", self.arms), table["seed"].to_numpy(dtype="int64")]
        return self.index.get_indexer(pd.MultiIndex.from_arrays(keys))

    def __getitem__(self, column: str) -> np.ndarray:
        """A column of monthly, (runs, months + 1, tiers)."""
        return self._monthly[column].to_numpy(dtype=float)[self._order].reshape(self._shape)

    def flow(self, column: str) -> np.ndarray:
        """Sum over the measured months, (runs, tiers)."""
        return self[column][:, 1:].sum(axis=1)

    def years(self, column: str) -> np.ndarray:
        """Stock-years lived: the stock at the start of each measured month, over 12, (runs, tiers)."""
        return self[column][:, :-1].sum(axis=1) / MONTHS

    def end(self, column: str) -> np.ndarray:
        """At the end, (runs, tiers)."""
        return self[column][:, -1]

    def bank(self, column: str) -> np.ndarray:
        """A column of bank, (runs, months + 1); NaN if there is none."""
        if column not in self._bank.columns:
            return np.full((len(self), self.months + 1), np.nan)
        return self._bank[column].to_numpy(dtype=float)[self._bank_order].reshape(len(self), -1)

    def partner(self, reference: str) -> np.ndarray:
        """For each run the reference arm's run with the same seed, -1 where there is none."""
        import pandas as pd

        place = self.arms.index(reference) if reference in self.arms else -1
        return self.index.get_indexer(pd.MultiIndex.from_arrays([np.full(len(self), place), self.seed]))


def _codes(table: pd.DataFrame, column: str, order: Sequence[str]) -> np.ndarray:
    import pandas as pd

    codes = pd.Index(list(order), dtype=object).get_indexer(pd.Index(table[column], dtype=object))
    if (codes < 0).any():
        unknown = table[column][codes < 0].iloc[0]
        raise ValueError(f"column {column}: {unknown} is not among {', '.join(order)}")
    return codes


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, NaN where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)


# ------------------------------------------------------------------------------------------------------ the figures

Values = Iterator[tuple[str, np.ndarray]]  # (kpi or kpi[tier], value by run)


def _rate(name: str, tiers: Sequence[str], top: np.ndarray, bottom: np.ndarray, only: slice = slice(None)) -> Values:
    """A ratio for the bank (sums over tiers) and for the tiers where it has sense; both (runs, tiers)."""
    yield name, _ratio(top.sum(axis=1), bottom.sum(axis=1))
    by_tier = _ratio(top, bottom)
    yield from ((f"{name}[{tiers[i]}]", by_tier[:, i]) for i in range(len(tiers))[only])


def _total(name: str, tiers: Sequence[str], amount: np.ndarray) -> Values:
    yield name, amount.sum(axis=1)
    yield from ((f"{name}[{tier}]", amount[:, i]) for i, tier in enumerate(tiers))


def _mean(name: str, tiers: Sequence[str], value: np.ndarray, weight: np.ndarray) -> Values:
    """A mean over customers: stored per tier, weighted for the bank; where nobody is, the stored value has no say."""
    value = np.where(weight > 0, value, np.nan)
    yield name, _ratio((np.nan_to_num(value) * weight).sum(axis=1), weight.sum(axis=1))
    yield from ((f"{name}[{tier}]", value[:, i]) for i, tier in enumerate(tiers))


def _last_known(values: np.ndarray) -> np.ndarray:
    """The last value of each row that is not NaN; (runs, months) to (runs,)."""
    last = values.shape[1] - 1 - np.argmax(~np.isnan(values[:, ::-1]), axis=1)
    return values[np.arange(len(values)), last]


def _leaving(c: Cubes) -> Values:
    exits = c.flow("closed") - c.flow("closed_dormant") + c.flow("went_dormant")
    yield from _rate("attrition_annual", c.tiers, exits, c.years("active"))
    # AUM of dormant customers is a few per cent of the whole and not told apart in the tables: it stays in the base.
    yield "attrition_annual[aum]", _ratio(c.bank("aum_exited")[:, 1:].sum(axis=1), c.years("aum").sum(axis=1))
    yield from _rate("closure_annual", c.tiers, c.flow("closed"), c.years("customers"))
    for key in ("", *(f"[{tier}]" for tier in c.tiers)):
        yield f"retention_12m{key}", _ratio(c.bank(f"kept_12m{key}")[:, -1], c.bank(f"active_12m_ago{key}")[:, -1])


def _bank_at_the_end(c: Cubes) -> Values:
    yield from _rate("dormant_share", c.tiers, c.end("dormant"), c.end("customers"))
    yield from _total("customers_end", c.tiers, c.end("customers"))
    yield from _total("aum_end", c.tiers, c.end("aum"))
    yield from _rate("upgrade_rate", c.tiers, c.flow("upgraded"), c.years("customers"), slice(None, -1))
    yield from _rate("downgrade_rate", c.tiers, c.flow("downgraded"), c.years("customers"), slice(1, None))
    for name, column in (
        ("products", "products"),
        ("digital_active_share", "digital_active"),
        ("satisfaction", "satisfaction"),
        ("trust", "trust"),
    ):
        yield from _mean(name, c.tiers, c.end(column), c.end("active"))
    yield from _mean("share_of_wallet", c.tiers, c.end("share_of_wallet"), c.end("customers"))
    yield "nps", _last_known(c.bank("nps"))
    yield "aum_gini", _last_known(c.bank("aum_gini"))
    yield "coverage_gini", _last_known(c.bank("coverage_gini"))
    yield "opt_out_share", _ratio(c.bank("customers_opted_out")[:, -1], c.end("customers").sum(axis=1))


def _service(c: Cubes) -> Values:
    contacts = np.sum([c.flow(f"contacts_{channel}") for channel in CHANNELS], axis=0)
    yield from _rate("contacts_per_customer", c.tiers, contacts, c.years("customers"))
    yield from _rate("complaints_per_customer", c.tiers, c.flow("complaints"), c.years("active"))
    managers = c.bank("managers")
    worked = np.where(managers > 0, c.bank("utilisation"), 0.0) * managers
    yield "manager_utilisation", _ratio(worked[:, 1:].sum(axis=1), managers[:, 1:].sum(axis=1))
    left = c.bank("managers_left")[:, 1:].sum(axis=1)
    yield "manager_turnover_annual", _ratio(left, managers[:, :-1].sum(axis=1) / MONTHS)


def _money(c: Cubes, discount: np.ndarray, reference: str) -> Values:
    years = c.months / MONTHS
    amounts = {name: c.flow(name) for name in ("net_new_money", "revenue", "profit")}
    amounts["cost"] = c.flow("channel_cost") + c.flow("manager_cost") + c.flow("strategy_cost")
    for name, amount in amounts.items():
        yield from _total(name, c.tiers, amount)
        yield from _total(f"{name}_annual", c.tiers, amount / years if years else amount * np.nan)
    yield from _total("strategy_cost", c.tiers, c.flow("strategy_cost"))
    profit = c["profit"] * discount[:, None]
    yield from _total("npv", c.tiers, profit[:, 1:].sum(axis=1))

    # Against the reference arm, month by month with the same seed; profit is margin minus strategy cost.
    partner = c.partner(reference)
    paired = (partner >= 0) & (c.arm != c.arms.index(reference))
    gain = profit.sum(axis=2) - profit.sum(axis=2)[partner]
    spent = (c["strategy_cost"] * discount[:, None]).sum(axis=(1, 2))
    spent = np.where(paired, spent - spent[partner], 0.0)
    yield "roi", _ratio(gain.sum(axis=1), spent)
    below = np.cumsum(gain, axis=1) < 0
    last_below = c.months - np.argmax(below[:, ::-1], axis=1)
    payback = np.where(below.any(axis=1), last_below + 1.0, 0.0)
    payback = np.where(below[:, -1], np.inf, payback)
    yield "payback_months", np.where(spent > 0, payback, np.nan)
    exits = (c.flow("closed") - c.flow("closed_dormant") + c.flow("went_dormant")).sum(axis=1)
    saved = exits[partner] - exits
    per_saved = np.divide(spent, saved, out=np.full(len(c), np.inf), where=saved > 0)
    yield "cost_per_saved_customer", np.where(spent > 0, per_saved, np.nan)


def _value(c: Cubes, discount: np.ndarray, discount_rate: float, transitions: pd.DataFrame) -> Values:
    """Customer lifetime value: what a customer earns, strategies and the price of winning them apart."""
    margin = _margin(c)
    start = c["customers"][:, 0].sum(axis=1)
    yield "clv_realised", _ratio((margin.sum(axis=2) * discount)[:, 1:].sum(axis=1), start)

    moved, R, weight = chains(c, transitions)
    V = migration_value(chances(moved), R, discount_rate)
    known = moved.sum(axis=2) > 0
    held = np.where(weight > 0, V[:, :-1], 0.0) * weight
    yield "clv", np.where(known.any(axis=1), _ratio(held.sum(axis=1), weight.sum(axis=1)), np.nan)
    for i, tier in enumerate(c.tiers):
        yield f"clv[{tier}]", np.where(known[:, i], V[:, i], np.nan)
    yield "customer_equity", np.where(known.any(axis=1), held.sum(axis=1), np.nan)


def _margin(c: Cubes) -> np.ndarray:
    """Margin before strategy cost and acquisition cost, which falls on tiers as joiners do; (runs, months, tiers)."""
    joined = c["joined"]
    acquisition = _ratio(joined, joined.sum(axis=2, keepdims=True) + np.zeros_like(joined))
    acquisition = np.nan_to_num(acquisition) * c.bank("cost_acquisition")[:, :, None]
    return np.asarray(c["revenue"] - c["channel_cost"] - c["manager_cost"] + acquisition)


def chains(c: Cubes, transitions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What customer values are made of, by run: customers who moved, margins a year, open customers at the end.

    States are the tiers, dormant and closed: moves (runs, states, states) over the whole years, from row to column;
    margins (runs, states); customers (runs, states but closed). All of a tier's margin is laid to its active customers
    and none to the dormant state, so that margins add up to the bank's.
    """
    tiers, states = len(c.tiers), [*c.tiers, *STATES_AFTER_TIERS]
    full = transitions[transitions["year"] <= c.months // MONTHS]
    moved = np.zeros((len(c), tiers + 3, tiers + 3))
    run = c.run_of(full)
    place = (run, _codes(full, "from", states), _codes(full, "to", states))
    np.add.at(moved, tuple(axis[run >= 0] for axis in place), full["customers"].to_numpy(dtype=float)[run >= 0])
    moved = moved[:, : tiers + 2, : tiers + 2]  # those who joined in the year lived only a part of it
    R = np.zeros((len(c), tiers + 2))
    R[:, :tiers] = np.nan_to_num(_ratio(_margin(c)[:, 1:].sum(axis=1), c.years("active")))
    return moved, R, np.concatenate([c.end("active"), c.end("dormant").sum(axis=1, keepdims=True)], axis=1)


def run_kpis(
    tables: Mapping[str, pd.DataFrame],
    *,
    tiers: Sequence[str],
    discount_rate: float,
    currency: str = "CNY",
    arms: Sequence[str] | None = None,
    reference: str | None = None,
) -> pd.DataFrame:
    """Every key figure of every run: one row per arm, seed and KPI, columns `KPI_COLUMNS`.

    `tables` has monthly, bank and transitions as stored, of one run or of many with the same months. `arms` gives
    their order (default: as they appear) and `reference` the arm that roi, payback_months and cost_per_saved_customer
    are against (default: the first). Arms without a run of the same seed in the reference have NaN there. `unit` is
    in `currency`; `better` is "higher", "lower" or "". `ValueError` for tables with holes.
    """
    import pandas as pd

    arms = tables["monthly"]["arm"].unique().tolist() if arms is None else list(arms)
    cubes = Cubes(tables, arms, tiers)
    if not len(cubes):
        return pd.DataFrame({column: [] for column in KPI_COLUMNS}).astype({"seed": "int64", "value": "float64"})
    discount = (1.0 + discount_rate) ** (-np.arange(cubes.months + 1) / MONTHS)
    groups: tuple[Callable[[], Values], ...] = (
        lambda: _leaving(cubes),
        lambda: _bank_at_the_end(cubes),
        lambda: _service(cubes),
        lambda: _money(cubes, discount, reference or arms[0]),
        lambda: _value(cubes, discount, discount_rate, tables["transitions"]),
    )
    found = {name: values for group in groups for name, values in group()}
    rank = {name: place for place, name in enumerate(KPIS)}
    names = sorted(found, key=lambda name: rank[base_name(name)])  # stable: the bank first, then its tiers
    kpis = [KPIS[base_name(name)] for name in names]
    runs = len(cubes)
    return pd.DataFrame(
        {
            "arm": np.repeat(np.array(arms, dtype=object)[cubes.arm], len(names)),
            "seed": np.repeat(cubes.seed, len(names)),
            "kpi": names * runs,
            "unit": [kpi.unit_in(currency) for kpi in kpis] * runs,
            "value": np.stack([found[name] for name in names], axis=1).ravel(),
            "better": [kpi.better or "" for kpi in kpis] * runs,
        }
    )


def base_name(kpi: str) -> str:
    """`attrition_annual` of `attrition_annual[mass]`."""
    return kpi.split("[", 1)[0]


def run_kpis_of(run: Run) -> pd.DataFrame:
    """`run_kpis` of a stored run, with its own arms, tiers, discount rate and currency."""
    manifest = run.manifest
    return run_kpis(
        run.tables,
        tiers=run.tiers,
        arms=run.arms,
        discount_rate=manifest["discount_rate"],
        currency=manifest["currency"],
    )


def summarise(kpis: pd.DataFrame, errors: Mapping[tuple[str, str], float] | None = None) -> pd.DataFrame:
    """Mean over seeds with standard deviation and Student-t 95 % interval: the columns of summary.csv.

    Arms and KPIs in order of appearance. Seeds whose value is NaN do not count (`seeds` says how many do); with one
    seed, or an infinite value among them, sd and interval are NaN. `errors` are standard errors of means by arm and KPI
    that are known beside the spread over seeds (`sim.measures.evidence`): their interval stands where seeds give none,
    and where it is wider than that of the seeds.
    """
    import pandas as pd

    groups = kpis.groupby(["arm", "kpi", "unit"], sort=False)["value"]
    with np.errstate(invalid="ignore"):
        table = groups.agg(["mean", "std", "count"]).reset_index()
        infinite = ~np.isfinite(table["mean"].to_numpy())
        sd = np.where(infinite, np.nan, table["std"].to_numpy())
        n = table["count"].to_numpy()
        half = t_quantile(n) * sd / np.sqrt(np.maximum(n, 1))
    if errors:
        keys = zip(table["arm"], table["kpi"], strict=True)
        known = SURE * np.array([errors.get((str(arm), str(kpi)), np.nan) for arm, kpi in keys])
        half = np.fmax(half, np.where(infinite, np.nan, known))
    mean = table["mean"].to_numpy()
    table = table.assign(sd=sd, ci_low=mean - half, ci_high=mean + half, seeds=n.astype(np.int64))
    return pd.DataFrame(table[list(SUMMARY_COLUMNS)])
