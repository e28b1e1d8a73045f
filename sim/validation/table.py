"""The stylised facts of SPEC 9.1 (V) as a table: claim, how it is measured, tolerances, what is known about misses."""

from __future__ import annotations

import numpy as np

from sim.validation import economy, managers, strategies
from sim.validation.contacts import SHARES
from sim.validation.events import FROM
from sim.validation.fact import Fact
from sim.validation.models import KNOWLEDGE
from sim.validation.notes import NOTES

ANY_MORE = (0.0, np.inf)
DIP = "rise of the hazard of whom it touches, months 1 to 6"


def _falls() -> dict[str, tuple[float, float]]:
    bands = (24, 36, 48, 60, 120)
    return {f"hazard from month {first} over the band before": (-np.inf, 1.0) for first in bands}


def _spans(what: str) -> list[str]:
    return [f"span {span:g}: {what}" for span in managers.SPANS]


OF_CUSTOMERS = (
    Fact(
        "V1",
        "AUM is concentrated",
        "weighted Lorenz curve of AUM over open customers at month 0",
        {"top 2 %": (0.60, 1.0), "top 20 %": (0.90, 1.0), "Gini": (0.85, 0.95)},
    ),
    Fact(
        "V2",
        "the pyramid is stable without strategies",
        "relative change of each tier's share of customers from month 0 to month 36 (tolerances: DECISIONS 2)",
        {"mass": (-0.1, 0.1), "affluent": (-0.1, 0.1), "wealth": (-0.1, 0.1), "private": (-0.2, 0.2)},
        style="+.1%",
        shown=["affluent, active only"],
    ),
    Fact(
        "V3",
        "attrition falls with the tier",
        "active customers who closed or went dormant, per active customer-year, 60 months",
        {"mass less affluent": (0.0, 1.0), "affluent less wealth": (0.0, 1.0), "wealth less private": (0.0, 1.0)},
        style=".2%",
        shown=[
            "wealth less private, the large bank",
            *(f"{tier} a year" for tier in ("mass", "affluent", "wealth", "private")),
        ],
        note="The private tier is about 130 customers with two managers and five to ten exits a year; one departure of "
        "a manager decides its rate, so five seeds cannot settle its order with wealth. The same difference on a bank "
        "five times as large was added after that was seen; it has no part in the verdict.",
    ),
    Fact(
        "V4",
        "new customers leave soonest",
        "mass customers by completed months of tenure (cohorts.parquet): product of 1 - hazard over months 0-11, and "
        "0-2; hazards by band of tenure (12-23, 24-35, 36-47, 48-59, 60-119, 120 and more), each over the band before",
        {"first year": (0.18, 0.26), "of it in the first quarter": (0.40, 1.0), **_falls()},
    ),
    Fact(
        "V5",
        "customers with a manager leave most in years two to four",
        "bank five times as large, upper tiers one to one: hazard by completed months of tenure (cohorts.parquet), "
        "months 12-47 over 0-11 and over 48 and more; Mantel-Haenszel over wealth and private, which F10 counts",
        {
            "wealth and private, years 2 to 4 over year 1": (1.1, np.inf),
            "wealth and private, years 2 to 4 over year 5 on": (1.1, np.inf),
        },
        shown=["affluent, years 2 to 4 over year 1", "affluent, years 2 to 4 over year 5 on"],
        note="Put in: the multipliers of `model.leaving.tenure` are 0.8 in year one, 1.3 in years two to four and 0.9 "
        "later. That it comes out says that frailty, managers and moves between tiers leave it standing. Affluent "
        "customers have the multipliers of mass ones and no hump.",
    ),
    Fact(
        "V6",
        "retention of a cohort rises with its age though nobody's own hazard falls",
        "half the bank with frailty alone, every hazard constant at 1.25 % a month times the customer's frailty: "
        "yearly retention over five years; survivors by year, log likelihood of a shifted beta-geometric law less that "
        "of a geometric one, fitted by maximum likelihood (at 1.92 the one parameter more is worth it at 5 %)",
        {
            "retention of the last year less that of the first": (0.0, np.inf),
            "log likelihood, beta-geometric less geometric": (1.92, np.inf),
        },
        shown=[
            *(f"retention of year {year}" for year in range(1, 6)),
            "alpha of the beta-geometric",
            "beta of the beta-geometric",
        ],
        styles={"log likelihood, beta-geometric less geometric": ",.1f"},
        note="Frailty is a gamma of variance 0.3 here; A3 has the closed form.",
    ),
    Fact(
        "V7",
        "more products, less leaving",
        "logistic regression on panel rows: leaving within 12 months on products, tier, log AUM, age, app, tenure",
        {"odds ratio per product": (0.60, 0.85)},
        shown=["the same without other covariates"],
    ),
    Fact(
        "V8",
        "inactivity precedes the exit",
        "panel rows with twelve active months behind them: logistic regression of leaving next month on months without "
        "a transaction; transactions of the last 3 months before an exit against months 12-10 before",
        {"odds ratio per inactive month of the last 12": (1.3, 1.7), "fall of activity": (0.30, 1.0)},
        shown=[
            *(f"odds ratio per inactive month of the last {window}" for window in (6, 3)),
            "activity below that of customers who stay",
        ],
        fitted={
            "odds ratio per inactive month of the last 12": "model.leaving.engagement",
            "fall of activity": "model.feelings.transactions_slope",
        },
        note=NOTES["V8"],
    ),
    Fact(
        "V9",
        "in an export contacts look harmful where they go to those at risk, though they help",
        "bank of a million, upper tiers, stratification in force at once (other strategies off): logistic regression "
        "on panel rows of managed customers, leaving next month on a retention contact at work, and tier; calls in "
        "turn paired with the same luck without calls (the experiment of V19)",
        {
            "odds ratio of a retention contact, by risk": (1.0, np.inf),
            "exits of those called in turn over without": (-np.inf, 1.0),
        },
        shown=[
            "odds ratio of a retention contact, by risk, with the scores of personalised service and fintech",
            "odds ratio of a retention contact, in turn",
            "odds ratio per contact of any kind in the quarter, by risk",
        ],
        note=NOTES.get("V9", ""),
    ),
    Fact(
        "V10",
        "disappointment weighs more than delight",
        "piecewise regression on raw satisfaction in the panel, customers without the app: S_t - (1 - rho) S_t-1, over "
        "the tenure anchor, on d+, d- and quality q = d + E_t-1, with d = (E_t - E_t-1) / gamma",
        {"ratio of slopes": (1.5, 2.5)},
        shown=["gain", "loss", "quality itself", "ratio of slopes, quality's own part in both"],
    ),
    Fact(
        "V11",
        "contacts help until there are too many of them",
        "campaign phone calls at a steady rate, no managers, nothing offered, same luck, months 7 to 30: exits over "
        "those without calls; lowest point of the parabola through the three lowest; opt-outs a customer-month",
        {
            "calls a quarter at which fewest leave": (2.0, 4.0),
            "opt-outs added from 2 to 4 calls over the two before": (1.0, np.inf),
            "opt-outs added from 4 to 6 calls over the two before": (1.0, np.inf),
        },
        shown=[
            *(f"leaving at {n} calls a quarter" for n in range(1, 7)),
            "the same from single calls, up to three",
            "leaving at 3 calls that sell",
            "leaving at 6 calls that sell",
        ],
        styles={
            **{f"leaving at {n} calls a quarter": "+.2%" for n in range(1, 7)},
            "leaving at 3 calls that sell": "+.2%",
            "leaving at 6 calls that sell": "+.2%",
        },
        note=NOTES.get("V11", ""),
    ),
    Fact(
        "V12",
        "each further call sells less",
        "one phone offer a month in campaigns of six months, nobody buys unasked: success of the k-th offer in the "
        "panel, log-linear fit",
        {"ratio per attempt": (0.75, 0.87)},
        shown=[f"attempt {k}" for k in range(1, 6)],
    ),
    Fact(
        "V13",
        "a departing manager costs customers",
        "bank five times as large, upper tiers one to one: exits of the book in the three months after `left` "
        "(managers.parquet) over what books that kept their manager lose; AUM whose owners closed within six months",
        {
            "all departures": (1.3, 2.0),
            "unplanned, to no rival": (1.3, 2.0),
            "unplanned less planned": (0.0, np.inf),
            "wealth less affluent": (0.0, np.inf),
            "AUM closed in six months after a departure to a rival, wealth": (0.05, 0.25),
            "AUM closed in six months after a departure to a rival, private": (0.05, 0.25),
        },
        fitted={"all departures": "managers.to_rival"},
        shown=[
            "planned, to no rival",
            "to a rival",
            "all departures, over six months",
            "all departures, affluent",
            "all departures, wealth",
            "all departures, private",
            "the same in quiet books, wealth",
            "the same in quiet books, private",
        ],
        note="With half of all departures to a rival, as first assumed, the figure over all departures was 2.42 (2.25 "
        "to 2.60), a miss: customers who follow (SPEC 4.3) come on top of the unsettled book. The untested share of "
        "departures to a rival was then lowered from 0.5 to 0.15, and its plausible range widened down to 0.05, to "
        "meet this bound. Since the second revision a departure takes the bond too, and what it did to leaving, beside "
        "the change itself; with SPEC's log 0.60 unplanned and 0.25 planned what F47 tells of counted partly twice "
        "(2.22, a miss), so they are 0.45 and 0.15 beside the bond. Other crossings are the small number of "
        "departures.",
    ),
    Fact(
        "V14",
        "to be moved down hurts more than to be moved up helps, most at the top",
        "large bank, each customer who changed tier over six months against itself in a bank where that change is not "
        "felt (same luck); as seen by the bank: hazard over that of stayers of the tier moved to, within 30 % of the "
        "bound crossed",
        {
            **{f"{of}: log exits, a fall's less a rise's": ANY_MORE for of in FROM},
            **{f"{of}: AUM, lost by a fall less gained by a rise": ANY_MORE for of in FROM},
            "a fall's log exits, wealth and private less affluent": ANY_MORE,
            "AUM lost by a fall, wealth and private less affluent": ANY_MORE,
        },
        shown=[
            f"{move}: {what}"
            for of in FROM
            for move in (f"moved down from {of}", f"moved up to {of}")
            for what in ("exits over those without", "AUM six months later, change")
        ]
        + [f"as seen by the bank, moved {move} {of}" for of in FROM for move in ("down from", "up to")],
        styles={
            **{
                f"{move} {of}: AUM six months later, change": "+.2%"
                for of in FROM
                for move in ("moved down from", "moved up to")
            },
            **{f"{of}: AUM, lost by a fall less gained by a rise": "+.2%" for of in FROM},
            "AUM lost by a fall, wealth and private less affluent": "+.2%",
        },
        note=NOTES.get("V14", ""),
    ),
    Fact(
        "V15",
        "the dormant are many, and most exits are silent",
        "dormant over all customers in every month; closures of active mass customers over all their exits",
        {
            "dormant share, lowest month": (0.35, 0.50),
            "dormant share, highest month": (0.35, 0.50),
            "closures among mass exits": (0.0, 1 / 3),
        },
    ),
    Fact(
        "V16",
        "the app spreads by a logistic course, and those who take it up stay, use and cost more",
        "course: baseline, least squares with the ceiling 0.975 of CFCA's surveys, whose own distance was 0.02; "
        "export: logistic regression on panel rows with tier, products, AUM, age and tenure; the rest: those who "
        "take it up within 36 months against themselves in a bank without further uptake (same luck); pandemic of "
        "SPEC 6.6",
        {
            "distance from a logistic course": (0.0, 0.02),
            "users a pandemic adds in nine months": ANY_MORE,
            "exits of new users over those without the app": (0.75, 0.95),
            "odds ratio of leaving within a year, users, export": (0.75, 0.95),
            "more transactions": (0.01, np.inf),
            "more contacts": (0.01, np.inf),
            "more cost of service and messages, CNY a user-month": ANY_MORE,
            "share of wallet lost, users who bank elsewhere too": ANY_MORE,
        },
        shown=[
            "its rate a year",
            "users at the start",
            "users five years later",
            "of them still more after two years",
            "satisfaction of new users, SD, less without the app",
        ],
        styles={
            "more transactions": "+.1%",
            "more contacts": "+.1%",
            "share of wallet lost, users who bank elsewhere too": "+.2%",
        },
        note=NOTES.get("V16", ""),
    ),
    Fact(
        "V17",
        "leaving can be foretold, not well",
        "active customers, who leaves in the next three months: the bank's churn score after burn-in at three states "
        "of knowledge; a logistic model of 17 observed columns of the panel, trained on one half of its customers and "
        "judged on the other; binormal lift: 6.3 of SPEC, from the AUC",
        {
            f"{name}: {what}": bounds
            for name in ("the bank's score with personalised service and fintech", "trained on an export")
            for what, bounds in (
                ("AUC", (0.70, 0.85)),
                ("lift of the top tenth", (2.3, 5.0)),
                ("lift over the binormal one", (0.8, 1.2)),
            )
        },
        shown=[
            *(
                f"the bank's score {name}: {what}"
                for name in list(KNOWLEDGE)[:2]
                for what in ("AUC", "lift of the top tenth")
            ),
            "most that any score of risk can reach: AUC",
            "trained on leaving next month: AUC",
            "the same without use of the account: AUC",
        ],
        fitted=dict.fromkeys(
            ("trained on an export: AUC", "trained on an export: lift of the top tenth"), "model.leaving.engagement"
        ),
        note=NOTES.get("V17", ""),
    ),
    Fact(
        "V18",
        "those most at risk are not those to call",
        "everybody has a manager who gets through, no other contacts, 24 months, same luck, about as many calls by "
        "every policy, scores as personalised service and fintech have them: active customers lost less than "
        "without calls",
        {"by uplift over by risk": (1.3, np.inf)},
        shown=[
            *(f"saved a 1,000 calls, by {policy}" for policy in SHARES),
            *(f"calls, by {policy}" for policy in SHARES),
        ],
        note=NOTES.get("V18", ""),
    ),
    Fact(
        "V19",
        "a retention contact does little unless it is aimed",
        "the same bank: exits of those with a call at work over their own exits in the same months without calls; "
        "mechanism: mean hazard ratio of a call, weighed by hazard, in the first month",
        {
            "in turn": (0.93, 1.05),
            "by risk": (0.85, 0.95),
            "by uplift": (0.85, 0.95),
            "mechanism, the riskiest tenth": (0.88, 0.95),
        },
        fitted={
            "mechanism, the riskiest tenth": "model.retention.class_risk",
            "by risk": "model.retention.class_risk",
        },
        shown=["mechanism, everybody", "mechanism, those it keeps"],
        note=NOTES.get("V19", ""),
    ),
    Fact(
        "V20",
        "managers saturate",
        "the large bank from one first day, 24 months, same luck, wealth books of 200, 350, 500, 800: hours of planned "
        "contacts over client hours H; net new money over that without managers, per manager-year, and what one more "
        "customer in a book adds; service quality under a doubled contact norm",
        {
            **{name: (0.0, 1.0) for name in _spans("contacts a manager-month over H / tau")},
            "what one more customer adds falls about 350": (0.0, np.inf),
            "what one more customer adds falls about 500": (0.0, np.inf),
            "quality lost by a doubled contact norm": (0.0, np.inf),
        },
        style=",.3f",
        shown=[
            *_spans("utilisation"),
            *_spans("contacts a customer-month"),
            *_spans("quality"),
            *_spans("net new money a customer-year, over no managers"),
            *_spans("gain a manager-year"),
            "utilisation under a doubled contact norm",
        ],
        note="Look at the sign of the net new money too: where utilisation passes 1 (books of 500 and more), a named "
        "manager costs the wealth tier more money than no manager at all; below it, it brings some.",
    ),
    Fact(
        "V21",
        "no strategy works wonders, each begins with a dip where it touches customers, and some do not pay",
        "a tenth of the bank, upper tiers one to one, each strategy from month 0, 60 months, twice the seeds, same "
        "luck: attrition of active customers, relative to the bank without strategies; return on investment as in "
        "kpis. The dip: large bank, six months, the hazard that those customers live by whose service the arm "
        "touches, over the same without it (who has a manager, where nobody's service is touched)",
        {
            **{
                f"{arm}: fall of attrition, months {first} to 24": (-np.inf, 0.15 if arm in strategies.SINGLE else 0.30)
                for arm in strategies.ARMS
                for first in (1, 13)
            },
            **{f"{arm}: {DIP}": ANY_MORE for arm in strategies.ARMS if strategies.unsettles(arm)},
            "lowest return on investment of an arm": (-np.inf, 0.0),
        },
        style="+.2%",
        shown=[f"{arm}: {DIP}" for arm in strategies.ARMS if not strategies.unsettles(arm)]
        + [
            f"{arm}: {what}"
            for what in (
                "satisfaction lost by whom it touches in month 6, SD",
                "return on investment",
                "fall of attrition by AUM, all months",
            )
            for arm in strategies.ARMS
        ],
        styles={
            **{f"{arm}: satisfaction lost by whom it touches in month 6, SD": ".4f" for arm in strategies.ARMS},
            **{f"{arm}: return on investment": "+.2f" for arm in strategies.ARMS},
            "lowest return on investment of an arm": "+.2f",
        },
        note=NOTES.get("V21", ""),
    ),
    Fact(
        "V22",
        "when others pay more, money drains rather than customers leave",
        "internet finance of SPEC 6.6 for a year, half the bank, same luck: AUM of those who stay, over that of a calm "
        "year; sizes: SPEC 2.3",
        {
            "AUM drained in the first year": (0.01, 0.03),
            "of liquid balances of mass and affluent": (0.05, 0.10),
            "drained over AUM of additional leavers": (2.0, np.inf),
            "wallet lost, most digital quarter over least": (1.0, np.inf),
            "wallet lost, under 35 over above 60": (1.0, np.inf),
            "drained with an own fund from the start over without": (0.4, 0.6),
        },
        fitted=dict.fromkeys(
            ("AUM drained in the first year", "of liquid balances of mass and affluent"), "model.wallet.yield_gap"
        ),
        shown=["additional leavers, of all active"],
        styles={
            name: ".2%"
            for name in (
                "AUM drained in the first year",
                "of liquid balances of mass and affluent",
                "additional leavers, of all active",
            )
        },
        note=NOTES.get("V22", ""),
    ),
    Fact(
        "V23",
        "leavers draw others after them, and it dies down",
        "word of mouth on; told of 5 % more leavers than there were in the month before, against itself untold, same "
        "luck",
        {
            "exits in the first quarter over those without": (1.0, np.inf),
            "more exits in months 4 to 6 over months 1 to 3": (-np.inf, 1.0),
            "more exits in the year per leaver heard of (R_c)": (-np.inf, 0.5),
        },
        shown=["exits in the first month over those without"],
        note=NOTES.get("V23", ""),
    ),
    Fact(
        "V24",
        "referred customers stay longer, and what they earn more fades",
        "who joined since the bank was founded, 84 months: leaving of referred customers over that of others (active, "
        "closed or gone dormant; Mantel-Haenszel over month of tenure and tier); AUM of referred customers against "
        "themselves in a bank where they bring no more than others",
        {
            "leaving of referred customers over others, tenure and tier alike": (0.70, 0.95),
            "of the AUM they bring more, left after three years": (-np.inf, 0.5),
        },
        fitted={
            "leaving of referred customers over others, tenure and tier alike": "model.acquisition.referred_hazard"
        },
        shown=[
            *(f"AUM of referred customers, more after {t} months" for t in economy.TENURES),
            "joiners who were referred",
        ],
        styles={f"AUM of referred customers, more after {t} months": "+.1%" for t in economy.TENURES},
        note="F36 tells of 18 % less leaving and of a margin 25 % higher that is gone after two and a half years; the "
        "tolerances are the range that docs/sources.md gives (0.70 to 0.95) and half. Both are put in: a hazard ratio "
        "of 0.82, and money on joining, which the wallet's reversion of 0.03 a month takes back. So a third is left "
        "after three years, where F36 finds nothing. Leaving comes out a little weaker than 0.82, for the frail among "
        "those who were not recommended have gone sooner.",
    ),
    Fact(
        "V25",
        "a survey's satisfaction is above the truth, and more say that they leave than do",
        "half the bank asked online as surveys are (SPEC 8.2) at month 0: true satisfaction of those who would answer, "
        "by their chance to, less that of all active customers; share who agree (4 or 5 of 5) that they think of "
        "giving up this bank over the share of active customers who close or fall silent within the year",
        {
            "satisfaction of those who answer less that of all customers, SD": (0.0, np.inf),
            "stated intent over leaving within a year": (1.2, 2.0),
        },
        shown=["think of giving up the bank", "leave within a year"],
        styles={"think of giving up the bank": ".1%", "leave within a year": ".1%"},
        note=NOTES.get("V25", ""),
    ),
    Fact(
        "V26",
        "branches with more turnover of managers have less satisfied customers",
        "",
        {},
        absent="The model has no branches: managers belong to tiers, and customers to managers.",
    ),
    Fact(
        "V27",
        "some cross-buyers lose the bank money",
        "half the bank followed for a year: active customers with two products and more at month 0; margin on AUM and "
        "products less servicing and the episodes that they start, of each, below zero",
        {"cross-buyers who lose the bank money": (0.15, 0.25)},
        style=".1%",
        shown=[
            "the same, those whose further products earn",
            "the same, those whose further products cost",
            "cross-buyers whose further products cost",
        ],
        note=NOTES.get("V27", ""),
    ),
)
