"""The economic facts of the second revision (E) as a table, as `sim.validation.table` has those of SPEC 9.1."""

from __future__ import annotations

import numpy as np

from sim.validation import economy
from sim.validation.fact import Fact
from sim.validation.notes import NOTES

ANY_MORE = (0.0, np.inf)

OF_MONEY = (
    Fact(
        "E1",
        "named managers are worth their pay in wealth and private",
        "bank of a million, twice the seeds, same luck: as it is, less one whose tier never had named managers; value "
        "is cash NPV of 60 months with customer equity at their end, of the whole bank. Affluent may go either way",
        {f"managers of {tier}: value, CNY m": ANY_MORE for tier in ("wealth", "private")},
        style=",.1f",
        shown=[
            "managers of affluent: value, CNY m",
            *(f"managers of {tier}: cash NPV, CNY m" for tier in economy.UPPER),
            *(f"managers of {tier}: what they cost more, CNY m" for tier in economy.UPPER),
        ],
        note=NOTES.get("E1", ""),
    ),
    Fact(
        "E2",
        "revenue rises with AUM at every point",
        "closed form: revenue of AUM and of one to ten products at 2,000 sizes of AUM and on both sides of each bound; "
        "a customer with the mean products of both tiers, 0.1 % below and above each bound",
        {"what one more CNY earns at least, CNY a year": ANY_MORE},
        style=",.4f",
        shown=[
            "the same of an adverse cross-buyer with ten products",
            *(
                f"at the bound of {tier}: {what}"
                for tier in economy.UPPER
                for what in (
                    "revenue a year just below, CNY",
                    "revenue a year just above, CNY",
                    "the rise less the dearer servicing, CNY",
                )
            ),
        ],
        styles={
            f"at the bound of {tier}: {what}, CNY": ",.0f"
            for tier in economy.UPPER
            for what in ("revenue a year just below", "revenue a year just above", "the rise less the dearer servicing")
        },
        note="Revenue has no step. Fixed servicing has one, for a tier is served as such: who has just climbed earns "
        "the bank that much less until the money has grown by a few per cent more.",
    ),
    Fact(
        "E3",
        "books of the best managers keep more customers",
        "the large bank, wealth: customers of a book still active, whoever manages them by then; books at every year's "
        "end, all years together. By skill: books of the most skilled tenth of managers at the outset less those of "
        "the least skilled. As it came out: 90th less 10th percentile of books, which is how F10 tells it",
        {
            "books by skill, best tenth less worst, twelve months": (0.04, 0.14),
            "books by realised retention, 90th less 10th percentile, twelve months": (0.04, 0.14),
        },
        style="+.2%",
        shown=[
            "what chance alone makes of the 90th less the 10th percentile, twelve months",
            "the same by skill, books whose manager stayed",
            "realised, 90th less 10th percentile, in books of 177",
            "what chance alone makes of it",
            *(f"retention of the {percent}th percentile of books" for percent in (10, 50, 90)),
            "books by skill, best tenth less worst, five years",
            "books by realised retention, 90th less 10th percentile, five years",
            "what chance alone makes of the 90th less the 10th percentile, five years",
            "customers a book",
        ],
        styles={"customers a book": ",.0f"},
        note=NOTES.get("E3", ""),
    ),
    Fact(
        "E4",
        "lasting quality keeps its effect",
        "half the bank, seven years, same luck: service one SD better for all and for good, against as it is: "
        "attrition of active customers year by year, relative",
        {"effect on attrition, years 3 to 5 over year 2": (0.5, np.inf)},
        style="+.1%",
        shown=[
            *(f"fall of attrition, year {year}" for year in range(1, 8)),
            "satisfaction gained after 2 years, SD",
            "satisfaction gained after 7 years, SD",
        ],
        styles={
            "effect on attrition, years 3 to 5 over year 2": ".3f",
            "satisfaction gained after 2 years, SD": ".3f",
            "satisfaction gained after 7 years, SD": ".3f",
        },
        note=NOTES.get("E4", ""),
    ),
    Fact(
        "E5",
        "whom a strategy does not touch lives on as before",
        "staff upskilling, which touches managers alone, at full force for a year; nobody joins, takes up the app or "
        "hears of others; customers without a manager in both banks who differ in any column in any month, same luck",
        {"unmanaged customers whose lives differ": (0.0, 0.0)},
        style=",.0f",
        shown=["managed customers whose lives differ", "unmanaged customers"],
        note="Joiners, the app and talk are switched off because customers imitate one another: there a strategy "
        "reaches further than its own touch, which is no fault of the bookkeeping.",
    ),
    Fact(
        "E6",
        "return on investment adds up",
        "arms of V21: return as told, less (difference of value + difference of cost) / difference of cost - 1",
        {"largest deviation of an arm": (0.0, 1e-9)},
        style=".1e",
    ),
    Fact(
        "E7",
        "a campaign keeps customers if it is aimed",
        "the bank as it stands, same luck: for six months a tenth of active customers is phoned whenever no such call "
        "is at work; exits of those chosen by the end, over their own without calls. A good score knows what "
        "personalised service and fintech let it (V17). At about 0 is what stays above the least of a good one, -2 %",
        {
            "exits of the riskiest tenth by a good score": (-0.11, -0.02),
            "exits of a tenth by chance": (-0.02, np.inf),
            "exits of sleeping dogs": ANY_MORE,
        },
        style="+.1%",
        shown=[
            "exits of the riskiest tenth by today's score",
            *(f"kept of 1,000, {name}" for name in economy.CHOSEN),
        ],
        styles={f"kept of 1,000, {name}": ".1f" for name in economy.CHOSEN},
        note=NOTES.get("E7", ""),
    ),
    Fact(
        "E8",
        "the model meets its closed forms",
        "SPEC 9.2, run as they stand where there is a checkout: "
        + " and ".join(f"`tests/{name}.py`" for name in economy.CLOSED_FORMS),
        {"tests failed": (0.0, 0.0)},
        style=".0f",
        shown=["tests passed"],
        note=NOTES.get("E8", ""),
    ),
    Fact(
        "E9",
        "the more satisfied leave less, moderately",
        "export: panel rows at the start of each year, leaving within twelve months, complementary log-log on true "
        "satisfaction (SD of the customers there), tier, products, app, age, tenure; causal: same luck, everybody one "
        "SD more satisfied today",
        {
            "export: hazard ratio a SD of satisfaction": (0.75, 0.90),
            "causal: hazard ratio a SD of satisfaction, twelve months": (0.75, 0.90),
        },
        fitted=dict.fromkeys(
            ("export: hazard ratio a SD of satisfaction", "causal: hazard ratio a SD of satisfaction, twelve months"),
            "model.leaving.satisfaction",
        ),
        shown=[
            "export, without other covariates",
            "causal: hazard ratio a SD of satisfaction, months 13 to 24",
        ],
        note=NOTES.get("E9", ""),
    ),
)
