"""Every key figure as one entry: its name, unit, meaning, formula, better side, label and place on a page.

Tables, pages, figures and checks read all of it from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sim.measures import formulas as of
from sim.measures.cubes import ratio
from sim.measures.money import Money

RETURNS = "Return on the strategies"  # says nothing of a reference, nor where no strategy costs anything
SECTIONS = ("Customers", "Assets", "Money", RETURNS, "Service")  # of a table of key figures


@dataclass(frozen=True)
class Kpi:
    """One key figure, all that is known of it.

    `unit` is that of files ("money" stands for the model's currency), `better` "higher", "lower" or None where it
    depends, `about` its meaning in a sentence. `label` is its name for readers, `short` that where there is no room
    (default: the label in lower case); `section` and `place` say where it stands in a table (lower places first, else
    in the order of the entries). `by_aum` is the same weighed by AUM, kpi[aum]; `events` are what a rate rests on.
    """

    name: str
    unit: str
    about: str
    better: str | None
    label: str
    section: str
    formula: of.Formula
    short: str = ""
    place: int = 0
    headline: bool = False  # what a board would decide by: corrected for many looks, listed on the page
    total: str = ""  # of a figure a year, the headline total that is the same test
    percent: bool = False  # a rate or ratio that is read as percent
    by_aum: of.Of | None = None
    events: of.Of | None = None
    against_reference: bool = False  # the reference has none of its own
    whole_years: bool = False  # NaN in fewer than twelve months

    def unit_in(self, currency: str) -> str:
        """The unit with the currency's name in it."""
        return self.unit.replace("money", currency)

    def names(self, tiers: Sequence[str]) -> list[str]:
        """All that it is computed for: itself, kpi[tier] and kpi[aum]."""
        within = tiers[self.formula.tiers] if self.formula.tiers else ()
        return [self.name, *(f"{self.name}[{tier}]" for tier in within), *([f"{self.name}[aum]"] * bool(self.by_aum))]

    def values(self, c: Money) -> list[np.ndarray]:
        """Value by run (runs,) of each of its names."""
        whole, tiers = self.formula.values(c)
        within = [] if tiers is None else list(tiers.T[self.formula.tiers])
        return [whole, *within, *([self.by_aum(c)] if self.by_aum else [])]


_CUSTOMERS, _ASSETS, _MONEY, _, _SERVICE = SECTIONS
KPIS: dict[str, Kpi] = {
    kpi.name: kpi
    for kpi in (
        Kpi(
            "retention",
            "share",
            "active customers of month 0 who are active at the end; [aum]: by their AUM of month 0",
            "higher",
            "Retained since month 0",
            _CUSTOMERS,
            of.Formula(of.kept("kept_month_0", "active_month_0")),
            short="retained",
            headline=True,
            percent=True,
            by_aum=lambda c: ratio(c.bank("aum_kept_month_0")[:, -1], c.bank("aum_month_0")[:, -1]),
            events=of.gone("kept_month_0", "active_month_0"),
        ),
        Kpi(
            "attrition_annual",
            "per year",
            "active customers closed or gone dormant; [aum]: by their AUM",
            "lower",
            "Attrition",
            _CUSTOMERS,
            of.rate(lambda c: c.exits, of.years("active")),
            short="attrition",
            headline=True,
            percent=True,
            # AUM of dormant customers is a few per cent of the whole and not told apart: it stays in the base.
            by_aum=lambda c: ratio(c.bank("aum_exited")[:, 1:].sum(axis=1), c.years("aum").sum(axis=1)),
            events=lambda c: c.exits,
        ),
        Kpi(
            "returns_annual",
            "per year",
            "dormant customers who became active again, per active customer-year: attrition counts them as lost before",
            "higher",
            "Returns from dormancy",
            _CUSTOMERS,
            of.rate(of.flow("reactivated"), of.years("active")),
            percent=True,
            events=of.flow("reactivated"),
        ),
        Kpi(
            "closure_annual",
            "per year",
            "customers closed, per customer-year",
            "lower",
            "Closures",
            _CUSTOMERS,
            of.rate(of.flow("closed"), of.years("customers")),
            percent=True,
            events=of.flow("closed"),
        ),
        Kpi(
            "retention_12m",
            "share",
            "active 12 months before the end and still active",
            "higher",
            "Retained over 12 months",
            _CUSTOMERS,
            of.Formula(of.kept("kept_12m", "active_12m_ago")),
            events=of.gone("kept_12m", "active_12m_ago"),
            whole_years=True,
        ),
        Kpi(
            "dormant_share",
            "share",
            "dormant among open customers at the end",
            "lower",
            "Dormant",
            _CUSTOMERS,
            of.rate(of.end("dormant"), of.end("customers")),
        ),
        Kpi(
            "customers_end",
            "customers",
            "open customers (active and dormant) at the end",
            "higher",
            "Customers at the end",
            _CUSTOMERS,
            of.total(of.end("customers")),
            short="customers",
            headline=True,
        ),
        Kpi(
            "aum_end",
            "money",
            "assets under management at the end",
            "higher",
            "AUM at the end",
            _ASSETS,
            of.total(of.end("aum")),
            short="AUM",
            headline=True,
        ),
        Kpi(
            "net_new_money",
            "money",
            "money in minus money out, market growth and tier moves apart",
            "higher",
            "Net new money, total",
            _ASSETS,
            of.total(of.flow("net_new_money")),
            headline=True,
        ),
        Kpi(
            "net_new_money_annual",
            "money per year",
            "net new money a year",
            "higher",
            "Net new money",
            _ASSETS,
            of.total(of.yearly(of.flow("net_new_money"))),
            total="net_new_money",
        ),
        Kpi(
            "upgrade_rate",
            "per year",
            "moves to a higher tier, per customer-year",
            "higher",
            "Moves up a tier",
            _CUSTOMERS,
            of.rate(of.flow("upgraded"), of.years("customers"), slice(None, -1)),
            percent=True,
            events=of.flow("upgraded"),
        ),
        Kpi(
            "downgrade_rate",
            "per year",
            "moves to a lower tier, per customer-year",
            "lower",
            "Moves down a tier",
            _CUSTOMERS,
            of.rate(of.flow("downgraded"), of.years("customers"), slice(1, None)),
            percent=True,
            events=of.flow("downgraded"),
        ),
        Kpi(
            "products",
            "products",
            "products per active customer at the end",
            "higher",
            "Products per customer",
            _ASSETS,
            of.mean("products", "active"),
            place=1,
            headline=True,
        ),
        Kpi(
            "share_of_wallet",
            "share",
            "share of wealth that open customers keep with the bank, at the end",
            "higher",
            "Share of wallet",
            _ASSETS,
            of.mean("share_of_wallet", "customers"),
        ),
        Kpi(
            "digital_active_share",
            "share",
            "active customers using the app, at the end",
            None,
            "Using the app",
            _SERVICE,
            of.mean("digital_active", "active"),
            place=2,
        ),
        Kpi(
            "nps",
            "points",
            "net promoter score, last known (-100 to 100)",
            "higher",
            "Net promoter score",
            _SERVICE,
            of.bank(lambda c: c.last("nps")),
            short="NPS",
            place=1,
            headline=True,
        ),
        Kpi(
            "satisfaction",
            "sd",
            "mean satisfaction of active customers at the end",
            "higher",
            "Satisfaction",
            _SERVICE,
            of.mean("satisfaction", "active"),
            headline=True,
        ),
        Kpi(
            "trust",
            "sd",
            "mean trust of active customers at the end",
            "higher",
            "Trust",
            _SERVICE,
            of.mean("trust", "active"),
        ),
        Kpi(
            "revenue",
            "money",
            "revenue",
            "higher",
            "Revenue, total",
            _MONEY,
            of.total(of.flow("revenue")),
        ),
        Kpi(
            "cost",
            "money",
            "channel, manager and strategy cost",
            "lower",
            "Cost of the bank, total",
            _MONEY,
            of.total(of.cost),
        ),
        Kpi(
            "profit",
            "money",
            "revenue minus cost",
            "higher",
            "Profit, total",
            _MONEY,
            of.total(of.flow("profit")),
            headline=True,
        ),
        Kpi(
            "revenue_annual",
            "money per year",
            "revenue a year",
            "higher",
            "Revenue",
            _MONEY,
            of.total(of.yearly(of.flow("revenue"))),
        ),
        Kpi(
            "cost_annual",
            "money per year",
            "cost a year",
            "lower",
            "Cost of the bank",
            _MONEY,
            of.total(of.yearly(of.cost)),
        ),
        Kpi(
            "profit_annual",
            "money per year",
            "profit a year",
            "higher",
            "Profit",
            _MONEY,
            of.total(of.yearly(of.flow("profit"))),
            total="profit",
        ),
        Kpi(
            "strategy_cost",
            "money",
            "what the strategies cost, part of cost",
            None,
            "Strategy cost, total",
            _MONEY,
            of.total(of.flow("strategy_cost")),
        ),
        Kpi(
            "npv",
            "money",
            "cash: profit to the horizon, discounted",
            "higher",
            "Cash NPV",
            _MONEY,
            of.total(lambda m: m.cash),
            headline=True,
        ),
        Kpi(
            "customer_equity",
            "money",
            "what the customers at the horizon are expected to bring from then on, discounted to month 0",
            "higher",
            "Customer equity",
            _MONEY,
            of.total(lambda m: m.equity),
            whole_years=True,
        ),
        Kpi(
            "value",
            "money",
            "cash NPV to the horizon and customer equity there, together",
            "higher",
            "Value",
            _MONEY,
            of.total(lambda m: m.value),
            headline=True,
            whole_years=True,
        ),
        Kpi(
            "cost_discounted",
            "money",
            "channel, manager and strategy cost to the horizon, discounted; an arm's cost is its difference",
            None,
            "Cost, discounted",
            _MONEY,
            of.total(lambda m: m.cost),
        ),
        Kpi(
            "roi",
            "ratio",
            "value beyond the reference's without what the arm costs more, per money that it costs more, less 1",
            "higher",
            "Return on investment",
            RETURNS,
            of.bank(lambda m: m.roi),
            against_reference=True,
            whole_years=True,
        ),
        Kpi(
            "payback_months",
            "months",
            "from this month cumulated cash stays at or above the reference's",
            "lower",
            "Payback",
            RETURNS,
            of.bank(lambda m: m.payback),
            against_reference=True,
        ),
        Kpi(
            "cost_per_saved_customer",
            "money",
            "what the arm costs more per customer of month 0 retained beyond the reference",
            "lower",
            "Cost per customer retained",
            RETURNS,
            of.bank(lambda m: m.per_saved),
            against_reference=True,
        ),
        Kpi(
            "clv",
            "money",
            "expected discounted margin of an open customer, by the arm's own moves (Markov formula)",
            "higher",
            "Customer lifetime value",
            _MONEY,
            of.Formula(Money.clv),
            events=of.left,
            whole_years=True,
        ),
        Kpi(
            "clv_realised",
            "money",
            "discounted margin of these months per customer of month 0",
            "higher",
            "Customer value realised",
            _MONEY,
            of.bank(lambda m: m.realised),
        ),
        Kpi(
            "contacts_per_customer",
            "per year",
            "outbound contacts, per customer-year",
            None,
            "Contacts per customer",
            _SERVICE,
            of.rate(lambda c: c.contacts, of.years("customers")),
            place=1,
            events=lambda c: c.contacts,
        ),
        Kpi(
            "coverage_gini",
            "ratio",
            "Gini of contacts received, over active customers at the end",
            None,
            "Gini of contacts",
            _SERVICE,
            of.bank(lambda c: c.last("coverage_gini")),
            place=1,
        ),
        Kpi(
            "complaints_per_customer",
            "per year",
            "complaints, per active customer-year",
            "lower",
            "Complaints per customer",
            _SERVICE,
            of.rate(of.flow("complaints"), of.years("active")),
            place=1,
            events=of.flow("complaints"),
        ),
        Kpi(
            "opt_out_share",
            "share",
            "open customers with at least one opt-out, at the end",
            "lower",
            "Customers with an opt-out",
            _SERVICE,
            of.bank(of.opted_out),
            place=1,
            headline=True,
        ),
        Kpi(
            "manager_utilisation",
            "ratio",
            "hours asked of managers per hour they have, mean over months",
            None,
            "Manager utilisation",
            _SERVICE,
            of.bank(of.utilisation),
            place=2,
            percent=True,
        ),
        Kpi(
            "manager_turnover_annual",
            "per year",
            "managers who left, per manager-year",
            "lower",
            "Manager turnover",
            _SERVICE,
            of.bank(of.turnover),
            place=2,
            percent=True,
        ),
        Kpi(
            "aum_gini",
            "index",
            "Gini coefficient of AUM over customers, last known (0 equal, 1 all with one)",
            None,
            "Gini of AUM",
            _ASSETS,
            of.bank(lambda c: c.last("aum_gini")),
            place=1,
        ),
    )
}
LABELS = {
    name: text
    for kpi in KPIS.values()
    for name, text in ((kpi.name, kpi.label), (f"{kpi.name}[aum]", f"{kpi.label}, weighted by AUM"))
    if name in KPIS or kpi.by_aum
}
HEADLINES = tuple(kpi.name for kpi in KPIS.values() if kpi.headline)
# A figure a year is its total over the years: the same test, so it bears the same p and counts once.
SAME_TEST = {kpi.name: kpi.total for kpi in KPIS.values() if kpi.total}
AGAINST_REFERENCE = frozenset(kpi.name for kpi in KPIS.values() if kpi.against_reference)
NEEDS_A_YEAR = frozenset(kpi.name for kpi in KPIS.values() if kpi.whole_years)


def sections() -> dict[str, list[str]]:
    """Names by section of a table of key figures, in their order there; kpi[aum] behind its KPI."""
    ordered = sorted(KPIS.values(), key=lambda kpi: kpi.place)
    return {
        section: [name for kpi in ordered if kpi.section == section for name in kpi.names(()) if name in LABELS]
        for section in SECTIONS
    }


def label(kpi: str) -> str:
    """A KPI's name for a reader; a name that is not known as it stands."""
    return LABELS.get(kpi, kpi.replace("_", " ").capitalize())


def short_label(kpi: str) -> str:
    """The same where there is no room."""
    known = KPIS.get(kpi)
    return (known.short if known else "") or label(kpi).lower()


def kpi_names(tiers: Sequence[str]) -> list[str]:
    """Every name that `run_kpis` gives a figure for a bank of these tiers (lowest first): kpi, and kpi[tier]."""
    return [name for kpi in KPIS.values() for name in kpi.names(tiers)]


def base_name(kpi: str) -> str:
    """`attrition_annual` of `attrition_annual[mass]`."""
    return kpi.split("[", 1)[0]


def kpi_units(kpis: Iterable[str], currency: str) -> dict[str, str]:
    """The unit of each key figure that the bank knows, by name."""
    return {kpi: KPIS[base_name(kpi)].unit_in(currency) for kpi in kpis if base_name(kpi) in KPIS}
