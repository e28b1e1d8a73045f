"""Stylised facts about contacts: too many of them (V11), whom to call (V18), what a call does (V9, V19)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from sim.bank.model import BankModel
from sim.codes import ACTIVE, UPLIFT_CLASSES
from sim.kernel.tallies import CONTACTS
from sim.scenario.scenario import Scenario
from sim.validation.banks import TIERS, UNIT, arms_at_the_start, fork, live, lived, scenario, side_by_side, tables
from sim.validation.customers import Figures, Run
from sim.validation.statistics import logistic, ratio

QUARTER = 3
KNOWING = {"churn_auc": 0.78, "uplift": 0.4, "data_quality": 0.85}  # as personalised service and fintech have them
AT_ONCE = {"fidelity": 1.0, "lag": 0.0, "speed": 10.0}  # a strategy that has taken hold from its first month on


def everywhere(value: Any) -> dict[str, Any]:
    """The same for every tier."""
    return dict.fromkeys(TIERS, value)


def silent_campaigns() -> dict[str, Any]:
    """No campaign contacts in any channel."""
    return {name: {"campaign": everywhere(0.0)} for name in ("phone", "messaging", "app")}


def contacts_made(model: BankModel) -> float:
    """Contacts of the month, customers."""
    return float(model.tally[:, CONTACTS].sum()) / UNIT


# --- V18, V19: retention contacts and nothing else -------------------------------------------------------------------

# Share of customers asked for, so that every policy makes about as many calls: those chosen by a score stay above the
# bar for a quarter, as long as a call works; those in turn are new every month; those with most are few.
SHARES = {"uplift": 0.05, "risk": 0.05, "round_robin": 0.0162, "value": 0.275}
NOBODY = "none"


def retention_bank(customers: int, months: int) -> Scenario:
    """Everybody has a manager who always gets through, and the only contacts there are mean to keep the customer.

    What such a contact does beyond its purpose (pressure, the gap it ends, the bond) is switched off, so that saved
    customers are the retention mechanism's own. Nobody joins or comes back: a customer leaves once.
    """
    strategy = {"use": "stratification", **AT_ONCE, "parts": ["retention"]}
    channels = silent_campaigns()
    channels["phone"] |= {"reach": 1.0, "capacity": 1000.0}
    by_phone = {"branch": 0.0, "phone": 1.0, "video": 0.0, "messaging": 0.0}
    return scenario(
        customers,
        months=months,
        burn_in=12,
        channels=channels,
        implementation={"gate": 1.0, "dip_months": 0},
        model={
            "mechanisms": {"acquisition": False, "reactivation": False, "manager_turnover": False},
            "leaving": {"gap": 0.0, "bond": 0.0},
            "contacts": {"benefit": 0.0, "opt_out": 0.0},
            "scores": {**KNOWING, "lead": 0.0},
        },
        managers={
            "coverage": everywhere(1.0),
            "span": everywhere(8000.0),
            "hours_per_month": 400.0,
            "inbound_hours": everywhere(0.0),
            "contact_months": everywhere(1200.0),
            "mix": everywhere(by_phone),
        },
        arms={
            NOBODY: [],
            **{policy: [{**strategy, "allocation": policy, "retention": share}] for policy, share in SHARES.items()},
        },
    )


def calls_that_keep(customers: int, months: int, seed: int) -> dict[str, Figures]:
    """Saved customers per 1,000 calls by policy, and the exits of those called over those they would have had.

    The ratio compares the same customers in the same months, as long as they are there in both banks: those with a
    call at work, and themselves in the bank that calls nobody.
    """
    s = retention_bank(customers, months)
    banks = arms_at_the_start(s, seed)
    called_now = s.model.retention.months - 1  # the clock at the end of the month of the call
    first = banks[NOBODY].customers.state == ACTIVE
    mechanism: Figures = {}
    made = dict.fromkeys(SHARES, 0.0)
    exits: dict[str, np.ndarray] = {policy: np.zeros(2) for policy in SHARES}  # of those called, with the call, without
    for month, before in side_by_side(
        banks, lambda bank: (bank.customers.state == ACTIVE, bank.customers.retained > 0)
    ):
        if month == 1:
            mechanism = aimed(banks[NOBODY])
        awake, _ = before[NOBODY]
        stays = banks[NOBODY].customers.state == ACTIVE
        for policy in SHARES:
            c = banks[policy].customers
            called = before[policy][0] & awake & (before[policy][1] | (c.retained == called_now))
            exits[policy] += [np.count_nonzero(called & (c.state != ACTIVE)), np.count_nonzero(called & ~stays)]
            made[policy] += contacts_made(banks[policy])
    left = {name: np.count_nonzero(first & (bank.customers.state != ACTIVE)) for name, bank in banks.items()}
    saved = {policy: 1000.0 * ratio(float(left[NOBODY] - left[policy]), made[policy]) for policy in SHARES}
    v18 = {f"saved a 1,000 calls, by {policy}": value for policy, value in saved.items()}
    v18 |= {
        "by uplift over by risk": ratio(saved["uplift"], saved["risk"]),
        **{f"calls, by {policy}": made[policy] for policy in SHARES},
    }
    kept = {policy: ratio(float(with_it), float(without)) for policy, (with_it, without) in exits.items()}
    v19 = {"in turn": kept["round_robin"], "by risk": kept["risk"], "by uplift": kept["uplift"]}
    return {"v18": v18, "v19": v19 | mechanism, "v9": {"exits of those called in turn over without": v19["in turn"]}}


def aimed(bank: BankModel) -> Figures:
    """Mean hazard ratio of a call, weighed by hazard, when it goes to everybody or to the riskiest tenth.

    `risk` is what customers lived by in the month; a bank that calls nobody has no call in it.
    """
    c = bank.customers
    awake = np.flatnonzero(c.state == ACTIVE)
    risk = c.risk[awake].astype(float)
    by_class = np.array([bank.settings.retention.hazard_ratio[name] for name in UPLIFT_CLASSES])[c.uplift_class[awake]]
    top = risk >= np.quantile(risk, 0.9)

    def mean(rows: np.ndarray) -> float:
        return float(np.average(by_class[rows], weights=np.exp(risk[rows])))

    return {
        "mechanism, everybody": mean(np.ones(awake.size, bool)),
        "mechanism, the riskiest tenth": mean(top),
        "mechanism, those it keeps": mean(by_class < 1.0),
    }


# --- V9: what an export says of contacts -----------------------------------------------------------------------------


def outreach(customers: int, agents: int, panel: int, months: int, seed: int) -> dict[str, Figures]:
    """Odds ratio of leaving next month for a customer with a retention contact at work, as an export shows it.

    The bank as it stands with stratification in force: managers also make the contacts that are due, and sell.
    """
    s = scenario(
        customers,
        months=months,
        burn_in=24,
        population={"agents": agents},
        record={"panel": panel},
        implementation={"gate": 1.0},
        arms={
            "nothing": [],
            **{
                policy: [{"use": "stratification", "allocation": policy, **AT_ONCE}]
                for policy in ("risk", "round_robin")
            },
        },
    )
    banks = arms_at_the_start(s, seed)
    known = banks["knowing"] = fork(banks["risk"])
    scores = known.settings.scores.model_copy(update=KNOWING)
    known.settings = known.settings.model_copy(update={"scores": scores})
    names = {
        "risk": "by risk",
        "knowing": "by risk, with the scores of personalised service and fintech",
        "round_robin": "in turn",
    }
    out: Figures = {}
    for arm, name in names.items():
        run = Run(tables(live(banks.pop(arm))))
        out[f"odds ratio of a retention contact, {name}"] = _odds_ratio(run, "retained")
        if arm == "risk":
            out["odds ratio per contact of any kind in the quarter, by risk"] = _odds_ratio(run, "contacts")
    return {"v9": out}


def _odds_ratio(run: Run, what: str) -> float:
    """Odds ratio of leaving next month among managed customers, tier held constant, on observed columns.

    `retained`: with a retention contact of the last quarter against without; `contacts`: per contact in the quarter.
    """
    panel = run.panel
    active, managed, tier = panel.active, panel["observed_manager"] >= 0, panel["observed_tier"]
    contacts, retained = panel["observed_contacts"], panel["observed_retained"]
    xs, ys = [], []
    for month in range(QUARTER, active.shape[1] - 1):
        here = active[:, month] & managed[:, month]
        seen = (
            retained[here, month] > 0
            if what == "retained"
            else (contacts[here, month] - contacts[here, month - QUARTER])
        )
        xs.append(np.column_stack([seen, tier[here, month] == 2, tier[here, month] == 3]))
        ys.append(~active[here, month + 1])
    x, y = np.concatenate(xs).astype(float), np.concatenate(ys).astype(float)
    return float(np.exp(logistic(x, y)[1]))


# --- V11: too many contacts ------------------------------------------------------------------------------------------

CALLS = (0, 1, 2, 3, 4, 5, 6)  # a quarter
SETTLED = 6  # months until the pressure of a steady rate has settled


def pressure(customers: int, months: int, seed: int) -> dict[str, Figures]:
    """What n phone calls a quarter do to leaving and to opting out; they offer nothing, so nothing else is moved.

    A month holds one contact at most, so one contact stands for two calls here: half the ideal number, and the rate
    that makes n calls. Up to three calls a quarter are lived with single calls as well.
    """

    def lives(rate: float, calls: float, push: float = 0.0) -> tuple[float, float, float]:
        """Exits and opt-outs per customer-month after settling, and calls a customer-quarter."""
        channels = silent_campaigns()
        channels["phone"] = {"campaign": everywhere(rate), "ideal_per_quarter": 3.0 / calls}
        s = scenario(
            customers,
            months=months,
            channels=channels,
            managers={"coverage": everywhere(0.0)},
            model={"contacts": {"push": push}, "mechanisms": {"acquisition": False}},
        )
        run = Run(tables(lived(s, seed)))
        at_risk = run.by_tier("active")[SETTLED:-1].sum()

        def flow(column: str) -> float:
            return float(run.by_tier(column)[SETTLED + 1 :].sum()) / at_risk

        left = flow("closed") - flow("closed_dormant") + flow("went_dormant")
        return left, flow("opt_outs"), flow("contacts_phone") * calls * QUARTER

    double = np.array([lives(n / 6.0, 2.0) for n in CALLS])
    single = np.array([lives(n / 3.0, 1.0) for n in CALLS[:4]])
    selling = np.array([lives(n / 6.0, 2.0, push=0.7) for n in (0, 3, 6)])
    effect, made, refused = double[:, 0] / double[0, 0] - 1.0, double[:, 2], double[:, 1]
    added = np.diff(refused[[0, 2, 4, 6]])
    out: Figures = {"calls a quarter at which fewest leave": _lowest(made, effect)}
    out |= {f"leaving at {n} calls a quarter": effect[i] for i, n in enumerate(CALLS) if n}
    out |= {
        f"opt-outs added from {2 * i + 2} to {2 * i + 4} calls over the two before": after / one
        for i, (one, after) in enumerate(pairwise(added))
    }
    out["the same from single calls, up to three"] = _lowest(single[:, 2], single[:, 0] / single[0, 0] - 1.0)
    for i, n in ((1, 3), (2, 6)):
        out[f"leaving at {n} calls that sell"] = selling[i, 0] / selling[0, 0] - 1.0
    return {"v11": out}


def _lowest(calls: np.ndarray, effect: np.ndarray) -> float:
    """Where the curve is lowest: the vertex of the parabola through its lowest point and the two beside it."""
    i = min(max(int(np.argmin(effect)), 1), effect.size - 2)
    bend, slope, _ = np.polyfit(calls[i - 1 : i + 2], effect[i - 1 : i + 2], 2)
    return float(-slope / (2.0 * bend))
