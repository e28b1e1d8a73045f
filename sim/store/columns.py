"""Every column of every result file, declared once: type, unit, meaning, codes.

Tables on disk, their types, `frame.attrs["units"]`, the metadata of Parquet files and docs/data-dictionary.md all come
from here. A name in angle brackets stands for many columns: "maturity[<strategy>]" for one a strategy, "<kpi>" for one
a key figure. "money" as a unit is the model's currency, which the manifest names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sim.codes import ACTIVE, CHANNELS, CLOSED, DORMANT

YES_OR_NO = {"0": "no", "1": "yes"}
BY_ROW = "as `unit` says"  # of figures whose unit stands in the row
OF_KPI = "that of the key figure"
WINDOWS = {"all": "all parameters", "levers": "what a bank decides", "uncertainties": "what it does not"}


class Column(NamedTuple):
    """One column: `dtype` as stored, `unit` ("" for names and truth values), `codes` what single values stand for."""

    name: str
    dtype: str
    unit: str
    meaning: str
    codes: Mapping[str, str] = {}
    later: bool = False  # files of earlier editions lack it

    def unit_in(self, currency: str) -> str:
        """The unit with the currency's name in it."""
        return self.unit.replace("money", currency)

    def metadata(self, currency: str) -> dict[str, str]:
        """unit, meaning and codes (as JSON), those that it has: what a Parquet file says of the column."""
        codes = json.dumps(dict(self.codes), ensure_ascii=False) if self.codes else ""
        facts = {"unit": self.unit_in(currency), "meaning": self.meaning, "codes": codes}
        return {key: value for key, value in facts.items() if value}


class File(NamedTuple):
    """A result file: of what, where it lies in its folder, what a row of it is, its columns in their order."""

    of: str
    path: str
    row: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that every such file has, whatever edition wrote it."""
        return tuple(column.name for column in self.columns if "<" not in column.name and not column.later)

    def column(self, name: str) -> Column | None:
        """The declaration of a column as it is called in a file; None for one that is not declared."""
        exact = next((column for column in self.columns if column.name == name), None)
        if exact is not None:
            return exact
        patterns = sorted((column for column in self.columns if "<" in column.name), key=_vagueness)
        return next((column for column in patterns if _pattern(column.name).fullmatch(name)), None)


def _vagueness(column: Column) -> tuple[bool, int]:
    return column == VALUE, -len(column.name)


def _pattern(name: str) -> re.Pattern[str]:
    """What names a pattern stands for; a key figure has no dot but in the name of its tier."""
    parts = re.split(r"<([a-z]+)>", name)
    holes = {"kpi": r"[^.\[]+(?:\[.+\])?"}
    return re.compile("".join(holes.get(part, ".+") if i % 2 else re.escape(part) for i, part in enumerate(parts)))


def _text(name: str, meaning: str, codes: Mapping[str, str] = {}) -> Column:
    return Column(name, "text", "", meaning, codes)


def _whole(name: str, unit: str, meaning: str, codes: Mapping[str, str] = {}) -> Column:
    return Column(name, "int64", unit, meaning, codes)


def _number(name: str, unit: str, meaning: str, codes: Mapping[str, str] = {}, *, later: bool = False) -> Column:
    return Column(name, "float64", unit, meaning, codes, later)


def _truth(name: str, meaning: str) -> Column:
    return Column(name, "bool", "", meaning)


ARM = _text("arm", "the arm, by its name in the scenario")
REFERENCE = _text("reference", "the arm that the difference is against, the first of the scenario")
SEED = _whole("seed", "", "the seed; arms of one seed share their luck")
MONTH = _whole("month", "months", "months since the end of burn-in; 0 is the state after it, with flows of 0")
TIER = _text("tier", "the tier, by its name in the scenario")
RUN = (ARM, SEED)
KPI = _text("kpi", "the key figure; `kpi[tier]` is that of a tier, `[aum]` is weighted by AUM")
UNIT = _text("unit", "unit of the row's figures")
OF_SEEDS = _whole("seeds", "seeds", "seeds that the figures rest on")
LAST = "in the last month only"
INTERVAL = "of the 95 % interval over seeds (Student's t)"
BETTER = _number("probability_better", "probability", "that the true difference is on the better side, flat prior")

FATES = {  # of a customer of month 0, at the end
    "kept": "active in the same tier",
    "upgraded": "active in a higher tier",
    "downgraded": "active in a lower tier",
    "opted_out": "active, opted out of a channel since",
    "dormant": "dormant",
    "closed": "closed the account",
}

MONTHLY = (
    *RUN,
    MONTH,
    TIER,
    _number("customers", "customers", "open customers at month end: active and dormant"),
    _number("active", "customers", "active customers at month end"),
    _number("dormant", "customers", "dormant customers at month end"),
    _number("aum", "money", "assets under management at month end"),
    _number("products", "products", "mean products of an active customer at month end"),
    _number("share_of_wallet", "share", "mean share of their wealth that open customers keep here, at month end"),
    _number("digital_active", "share", "of active customers who use the app, at month end"),
    _number("satisfaction", "sd", "mean satisfaction of active customers, in SD of the reference population"),
    _number("trust", "sd", "mean trust of active customers, in SD of the reference population"),
    _number("joined", "customers", "new customers of the month"),
    _number("closed", "customers", "accounts closed in the month, those of dormant customers among them"),
    _number("closed_dormant", "customers", "those of `closed` that were dormant"),
    _number("went_dormant", "customers", "active customers who went dormant in the month"),
    _number("reactivated", "customers", "dormant customers who became active in the month"),
    _number("upgraded", "customers", "customers who left this tier upward in the month"),
    _number("downgraded", "customers", "customers who left this tier downward in the month"),
    _number("moved_in", "customers", "customers who came into this tier from another in the month"),
    _number("aum_moved", "money", "AUM that came with tier moves less what went with them; 0 over all tiers"),
    _number("net_new_money", "money", "money in less money out in the month"),
    _number("market_effect", "money", "what markets added to AUM in the month"),
    *(
        _number(f"contacts_{name}", "contacts", f"contacts that the bank made by {name} in the month")
        for name in CHANNELS
    ),
    _number("sales", "sales", "products sold by contacts in the month"),
    _number("failures", "failures", "failures of service in the month"),
    _number("complaints", "complaints", "complaints in the month"),
    _number("opt_outs", "opt-outs", "channels that customers closed to the bank in the month"),
    _number("revenue", "money", "revenue of the month"),
    _number("channel_cost", "money", "service, messages, servicing and acquisition of the month"),
    _number("manager_cost", "money", "relationship managers of the month"),
    _number("strategy_cost", "money", "programmes of the arm's strategies in the month"),
    _number("profit", "money", "revenue less channel, manager and strategy cost"),
)

BANK = (
    *RUN,
    MONTH,
    _number("managers", "managers", "posts that are filled at month end"),
    _number("managers_left", "managers", "managers who left in the month"),
    _number("managers_hired", "managers", "managers who were hired in the month"),
    _number("utilisation", "ratio", "hours asked of a manager per hour there is, mean over named managers"),
    _number("professional_skill", "sd", "professional skill, mean over named managers"),
    _number("digital_skill", "points", "digital skill on a scale of five, mean over named managers"),
    _number("fatigue", "sd", "fatigue, mean over named managers"),
    _number("nps", "points", "net promoter score, -100 to 100"),
    *(_number(f"load_{name}", "ratio", f"what is asked of {name} per capacity there is") for name in CHANNELS),
    _number("yield_gap", "percentage points", "what rivals pay a year, or are worth, above the bank"),
    _number("market_return", "log return", "return of markets in the month, mean over tiers"),
    _number("adoption_factor", "ratio", "odds of taking up the app over those without shocks"),
    _number("branch_capacity", "ratio", "capacity of branches, 1 without shocks"),
    _number("aum_exited", "money", "AUM of those who closed or went dormant in the month, before they did"),
    _number(
        "aum_gini", "index", "Gini coefficient of AUM over open customers (0 equal, 1 all with one); at ends of years"
    ),
    _number("kept_12m", "customers", "active twelve months before the end and at the end; in the last month only"),
    _number("active_12m_ago", "customers", "active twelve months before the end; in the last month only"),
    _number("strategy_maturity", "share", "how far strategies are built up, mean over those at work"),
    _number("strategy_cost", "money", "programmes of the arm's strategies in the month"),
    _number("cost_service", "money", "service that customers asked for in the month, part of channel cost"),
    _number("cost_messages", "money", "contacts of campaigns in the month, part of channel cost"),
    _number("cost_servicing", "money", "servicing of accounts in the month, part of channel cost"),
    _number("cost_acquisition", "money", "acquisition of new customers in the month, part of channel cost"),
    _number("cost_managers", "money", "relationship managers of the month"),
    _number("customers_opted_out", "customers", "customers with at least one channel closed to the bank, at month end"),
    _number("customers_managed", "customers", "active customers with a named manager, at month end", later=True),
    _number("maturity[<strategy>]", "share", "how far this strategy is built up"),
    _number("cost[<strategy>]", "money", "programme of this strategy in the month"),
    _number(
        "coverage_gini",
        "index",
        "Gini coefficient of contacts received over active customers; at ends of years",
        later=True,
    ),
    _number(
        "managed[<tier>]", "customers", "active customers of the tier with a named manager, at month end", later=True
    ),
    _number(
        "bond[<tier>]", "share", "their mean bond with the manager, 0 to 1; empty where nobody has one", later=True
    ),
    _number("reached[<tier>]", "contacts", "contacts of the month that reached a customer of the tier", later=True),
    _number("experiences[<tier>]", "experiences", "service experiences, by what each weighs in feelings", later=True),
    _number("quality[<tier>]", "sd", "their mean quality; empty where there are none", later=True),
    _number("kept_12m[<tier>]", "customers", "`kept_12m` of those who were in this tier then"),
    _number("active_12m_ago[<tier>]", "customers", "`active_12m_ago` of those who were in this tier then"),
    _number("active_month_0", "customers", f"active in month 0; {LAST}", later=True),
    _number("kept_month_0", "customers", f"active in month 0 and at the end; {LAST}", later=True),
    _number("aum_month_0", "money", f"AUM in month 0 of `active_month_0`; {LAST}", later=True),
    _number("aum_kept_month_0", "money", f"AUM in month 0 of `kept_month_0`; {LAST}", later=True),
    *(
        _number(f"{name}[<tier>]", unit, f"`{name}` of those who were in this tier then")
        for name, unit in (
            ("active_month_0", "customers"),
            ("kept_month_0", "customers"),
            ("aum_month_0", "money"),
            ("aum_kept_month_0", "money"),
        )
    ),
    _number("revenue_products[<tier>]", "money", "revenue of products beyond the first in the month, part of revenue"),
)

TRANSITIONS = (
    *RUN,
    _whole("year", "years", "year since the end of burn-in, from 1"),
    _text("from", "where the year began: a tier, or", {"dormant": "dormant", "new": "no customer yet"}),
    _text("to", "where it ended: a tier, or", {"dormant": "dormant", "closed": "closed the account"}),
    _number("customers", "customers", "customers who went that way"),
)
COHORTS = (
    *RUN,
    TIER,
    _whole("tenure_month", "months", "completed months since joining", {"240": "240 months and more"}),
    _number("at_risk", "customer-months", "active customers at the beginning of a month, over all months"),
    _number("closed", "customers", "those of `at_risk` who closed in the month"),
    _number("dormant", "customers", "those of `at_risk` who went dormant in the month"),
)
MANAGERS = (
    *RUN,
    MONTH,
    _whole("post", "", "number of the post"),
    _text(
        "event",
        "what happened",
        {
            "left": "the manager left",
            "hired": "a manager was hired",
            "book_moved": "the book went to another manager",
        },
    ),
    _number("customers", "customers", "customers in the book"),
    _number(
        "exits_before",
        "customers",
        "active customers of the book who closed or went dormant in this month and the two before",
    ),
    _number("exits_after", "customers", "the same in the three months after"),
)
REACH = (
    *RUN,
    _whole("year", "years", "year since the end of burn-in, from 1; the last may be shorter"),
    _text("tier", "the tier in the month of the wish"),
    _text("age", "age in that month", {"under_60": "below 60", "60_plus": "60 and over"}),
    _text("app", "whether the customer uses the app", {"no_app": "no", "app": "yes"}),
    _text(
        "wish",
        "what somebody wanted to contact the customer for",
        {
            "due": "the regular contact of the manager is due",
            "offer": "a strategy asked the manager to make an offer",
            "retention": "a strategy asked the manager to keep the customer",
            "lead": "a strategy asked the manager to follow interest shown in the app",
            "campaign": "a campaign or a remote manager's call",
            "campaign_retention": "a campaign that is to keep the customer",
            "welcome": "a welcome to a new customer",
            "win_back": "a campaign that is to win a dormant customer back",
        },
    ),
    _text(
        "end",
        "what became of it, in the order in which a wish can be lost",
        {
            "opted_out": "the customer has opted out of the channel",
            "pressure": "one contact more would be above the cap on contact pressure",
            "no_hour": "the manager had no hour left",
            "no_capacity": "the channel could carry no more",
            "not_reached": "contacted, but not reached",
            "declined": "reached, and an offer (or the call to come back) was no use",
            "answered": "reached: took the offer, came back, or was offered nothing",
        },
    ),
    _number("customers", "customer-months", "wishes, a customer at most once a month"),
    _number("aum", "money", "AUM of these customers in the month of the wish, summed over wishes"),
)

_STATES = {str(ACTIVE): "active", str(DORMANT): "dormant", str(CLOSED): "closed (has no row)"}
_OPT_OUT_BITS = {str(1 << place): name for place, name in enumerate(CHANNELS)}
PANEL = (
    *RUN,
    MONTH,
    Column("observed_uid", "uint64", "", "who: the same customer has the same number in every month and arm"),
    Column("observed_state", "int8", "", "state at month end", _STATES),
    Column("observed_tier", "int8", "", "place of the tier in the manifest's `tiers`, from 0"),
    Column("observed_aum", "float64", "money", "assets under management"),
    Column("observed_products", "int8", "products", "products held, 1 to 10"),
    Column("observed_adopted", "int8", "", "uses the app", YES_OR_NO),
    Column("observed_manager", "int32", "", "post of the named manager", {"-1": "none"}),
    Column("observed_contact_gap", "int8", "months", "since a manager last reached the customer"),
    Column("observed_transactions", "int16", "transactions", "transactions of the month"),
    Column("observed_silence", "int8", "months", "without a transaction"),
    Column("observed_attempts", "int8", "offers", "answered with no in the running campaign"),
    Column("observed_opted_out", "int8", "", "channels closed to the bank, the sum of", _OPT_OUT_BITS),
    Column("observed_joined_month", "int16", "months", "month of joining, negative before month 0"),
    Column("observed_age", "float32", "years", "age at month 0"),
    Column("observed_weight", "uint32", "1/1024 customer", "customers that this one stands for"),
    Column("observed_contacts", "int16", "contacts", "made by the bank so far"),
    Column(
        "observed_retained", "int8", "months", "that a retention contact (positive) or a welcome (negative) still works"
    ),
    Column("true_affinity", "float32", "share", "digital affinity, 0 to 1; the bank cannot see it"),
    Column("true_bond", "float32", "share", "bond with the manager, 0 to 1"),
    Column("true_engagement", "float32", "sd", "latent engagement"),
    Column("true_expectation", "float32", "sd", "expected quality of service"),
    Column("true_held", "float32", "share", "part of the wallet left since going dormant"),
    Column("true_log_frailty", "float32", "log ratio", "log of the gamma frailty of the hazard"),
    Column("true_open_failure", "float32", "failures", "unresolved failures of service, fading"),
    Column("true_pressure", "float32", "ratio", "contacts of the last quarter, 1 is the ideal"),
    Column("true_satisfaction", "float32", "raw score", "satisfaction before scaling"),
    Column("true_trust", "float32", "raw score", "trust before scaling"),
)
ANSWERS = (
    *RUN,
    _text("sheet", "the sheet, each once"),
    _text("respondent", "who filled it in; the same in every wave"),
    _whole("wave", "months", "month at whose end it was filled in"),
    _text("mode", "how it came back", {"online": "online", "handed": "by hand", "intercept": "on the spot"}),
    _number("weight", "persons", "design weight: persons of the population that the sheet stands for"),
    Column("<item>", "as varied", "points", "the answer; empty where there is none"),
)
TRUTHS = (
    *RUN,
    _text("sheet", "the sheet, each once"),
    _whole("wave", "months", "month at whose end it was filled in"),
    Column("uid", "uint64", "", "who, as the simulation knows them"),
    _number("chance", "probability", "to answer when asked"),
    _truth("careless", "whether it was filled in without reading"),
    _number("true[<construct>]", "sd", "how the construct stands in the person"),
    _number("said[<construct>]", "sd", "what the person makes of it and answers from"),
)
INDIVIDUALS = (
    *RUN,
    _text("tier", "the tier at month 0"),
    _text(
        "age_band",
        "age at month 0",
        {"under_35": "below 35", "35_to_49": "35 to 49", "50_to_64": "50 to 64", "65_plus": "65 and more"},
    ),
    _text("affinity", "digital affinity", {"low": "below 1/3", "middle": "1/3 to 2/3", "high": "2/3 and more"}),
    _text(
        "uplift_class",
        "what a retention contact does",
        {
            "persuadable": "keeps the customer",
            "sure_thing": "nothing: stays anyway",
            "lost_cause": "nothing: leaves anyway",
            "sleeping_dog": "drives the customer away",
        },
    ),
    _text("reference_fate", "what became of them in the reference arm by the end", FATES),
    _text("fate", "what became of them in this arm by the end", FATES),
    _number("customers", "customers", "customers of month 0 in this group with these two fates"),
)

SUMMARY = (
    ARM,
    KPI,
    UNIT,
    _number("mean", BY_ROW, "mean over seeds"),
    _number("sd", BY_ROW, "standard deviation over seeds"),
    _number("ci_low", BY_ROW, f"lower end {INTERVAL}, wider where few events carry the figure"),
    _number("ci_high", BY_ROW, f"upper end {INTERVAL}"),
    OF_SEEDS,
)
COMPARISON = (
    ARM,
    REFERENCE,
    KPI,
    UNIT,
    _number("difference", BY_ROW, "mean over seeds of arm less reference"),
    _number("ci_low", BY_ROW, f"lower end {INTERVAL}"),
    _number("ci_high", BY_ROW, f"upper end {INTERVAL}"),
    BETTER,
    OF_SEEDS,
    _number("variance_ratio", "ratio", "variance of a difference of unpaired runs over that of paired ones"),
)
PRECISION = (
    ARM,
    REFERENCE,
    KPI,
    UNIT,
    _number("difference", BY_ROW, "mean over seeds of arm less reference"),
    _number("half_width", BY_ROW, "half the 95 % interval of that mean"),
    OF_SEEDS,
    _number("seeds_for_half", "seeds", "seeds in all that would halve the interval"),
    _number("unpaired_seeds", "seeds", "seeds an arm would need for it if arms did not share them"),
    _number("p_value", "probability", "two-sided paired t test of no difference"),
    _number("p_adjusted", "probability", "that with Holm's correction; empty outside the headline figures"),
)
ATTRIBUTION = (
    KPI,
    UNIT,
    _text("member", "the strategy of the bundle"),
    _number("value", BY_ROW, "its Shapley value: what it brings, mean over orders of joining"),
    _number("ci_low", BY_ROW, f"lower end {INTERVAL}"),
    _number("ci_high", BY_ROW, f"upper end {INTERVAL}"),
    _number("alone", BY_ROW, "what it brings by itself"),
    _number("last", BY_ROW, "what it brings to all others"),
    _number("synergy", BY_ROW, "value less alone"),
    _number("whole", BY_ROW, "what the whole bundle brings"),
    OF_SEEDS,
    _whole("coalitions", "coalitions", "sets of strategies that were lived"),
)

POINT = _whole("point", "", "number of the design's point")
LEVER = _whole("lever", "", "number of the point's setting of levers")
WORLD = _whole("world", "", "number of the point's setting of uncertainties")
UNIT_ID = _text("unit", "id of a point with a seed: a digest of all that decides its results")
VALUE = Column("<parameter>", "as varied", "that of the parameter", "value of what is varied, by its path")
FIGURE = _number("<kpi>", OF_KPI, "the key figure; empty where there is none")
STATUS = _text(
    "status",
    "how it went",
    {"ok": "lived", "failed": "stopped by an error", "crashed": "its worker died or took too long"},
)
OF_A_TASK = (
    STATUS,
    _number("seconds", "seconds", "that it took"),
    _text("worker", "who lived it"),
    _text("error", "what went wrong, empty if nothing"),
    _text("traceback", "where it went wrong, for whoever mends it"),
)
DESIGN = (POINT, LEVER, WORLD, VALUE)
UNITS = (UNIT_ID, POINT, SEED)
TASK_KEYS = (_text("task", "unit and arm"), UNIT_ID, POINT, LEVER, WORLD, ARM, SEED)
PART_KEYS = (UNIT_ID, POINT, ARM, SEED)
TASKS = (*TASK_KEYS, VALUE, FIGURE, *OF_A_TASK)
PARTS = (*PART_KEYS, FIGURE, *OF_A_TASK, _whole("attempt", "", "number of the start that wrote it"))

NUMBER = _whole("candidate", "", "number of the candidate")
SHARE = _number("share.<strategy>", "share", "part of the budget that goes to the strategy; empty if it is left out")
TRIED = _text("status", "how it went", {"ok": "lived", "failed": "no result"})
CANDIDATES = (
    NUMBER,
    _text("name", "its name, for baselines; empty for what the search proposed"),
    _whole("generation", "", "generation that proposed it, from 1"),
    _whole("seeds", "seeds", "seeds of the search that it lived"),
    TRIED,
    _truth("within_limits", "whether it keeps to the limits"),
    _number("rank", "", "front it is on; empty if it failed", {"0": "the best front"}),
    _truth("front", "whether it is on the best front"),
    SHARE,
    _number("<kpi>_low", OF_KPI, f"lower end {INTERVAL}"),
    _number("<kpi>_high", OF_KPI, f"upper end {INTERVAL}"),
    _number("<kpi>", OF_KPI, "mean paired difference to the reference arm on the search's seeds"),
    VALUE,
)
CONFIRMED = (
    NUMBER,
    _text("name", "its name"),
    _text("role", "why it was lived again", {"best": "among the search's best", "baseline": "to compare with"}),
    _truth("front", "whether it is on the front by the fresh seeds"),
    _truth("winner", "whether it won"),
    TRIED,
    KPI,
    UNIT,
    _number("search", BY_ROW, "mean paired difference to the reference arm on the search's seeds"),
    _number("search_low", BY_ROW, f"lower end {INTERVAL}"),
    _number("search_high", BY_ROW, f"upper end {INTERVAL}"),
    _whole("search_seeds", "seeds", "seeds of the search"),
    _number("confirmed", BY_ROW, "the same on fresh seeds"),
    _number("confirmed_low", BY_ROW, f"lower end {INTERVAL}"),
    _number("confirmed_high", BY_ROW, f"upper end {INTERVAL}"),
    _whole("confirmed_seeds", "seeds", "fresh seeds"),
    _number("optimism", BY_ROW, "search less confirmed, above 0 where the search flattered"),
    SHARE,
)
WINNER = (
    _whole("winner", "", "number of the candidate that won"),
    _text("against", "baseline or reference arm that it is compared with"),
    KPI,
    UNIT,
    _number("difference", BY_ROW, "winner less that, mean over seeds that did not choose it"),
    _number("ci_low", BY_ROW, f"lower end {INTERVAL}"),
    _number("ci_high", BY_ROW, f"upper end {INTERVAL}"),
    BETTER,
    OF_SEEDS,
)

OF_A_WORLD = _whole("world", "", "number of the world", {"0": "that of the scenario's own numbers"})
WORLDS = (OF_A_WORLD, ARM, SEED, STATUS, VALUE, FIGURE)
BELIEFS = (
    ARM,
    KPI,
    UNIT,
    _whole("worlds", "worlds", "drawn worlds in which every arm has a result"),
    _number("level", BY_ROW, "mean over worlds"),
    _number("as_assumed", BY_ROW, "difference to the reference in the world of the scenario's own numbers"),
    _number(
        "expected", BY_ROW, "mean difference to the reference over worlds; empty for the reference, as what follows"
    ),
    _number("expected_se", BY_ROW, "standard error of that, over worlds"),
    _number("low", BY_ROW, "difference in the world at 5 % from the worst"),
    _number("median", BY_ROW, "difference in the middle world"),
    _number("high", BY_ROW, "difference in the world at 95 % from the worst"),
    _whole("pays_in", "worlds", "worlds in which the arm is worth more than the reference; 0 for the reference"),
    _number("share_pays", "share", "of worlds in which the arm is worth more than the reference"),
    _number("share_low", "share", "lower end of its 95 % interval over draws of so many worlds (Wilson)"),
    _number("share_high", "share", "upper end of that"),
    _whole("best_in", "worlds", "worlds in which no arm is worth more; of equals the first"),
    _number("mean_regret", BY_ROW, "mean over worlds of how far the arm falls behind the best of a world"),
    _number("max_regret", BY_ROW, "most that it falls behind"),
    _whole("worst_world", "", "the world in which it does"),
)

OUTCOME = (ARM, KPI)
PARAMETER = _text("parameter", "path of what is varied")
WITH = _text("with", "the second parameter of a pair, else empty")
POINTS = (
    POINT,
    LEVER,
    WORLD,
    VALUE,
    _number("<outcome>", OF_KPI, "mean over seeds of a key figure; with several arms <arm>.<kpi>, less the reference"),
    _number("<outcome>.se", OF_KPI, "standard error of that mean"),
    _whole("<outcome>.seeds", "seeds", "seeds that the mean rests on"),
)
EFFECTS = (
    *OUTCOME,
    PARAMETER,
    _text("level", "value or range of the parameter"),
    _number("x", "that of the parameter", "where the level lies"),
    _whole("points", "points", "points of the level"),
    _number("mean", OF_KPI, "mean outcome of those points"),
    _number("ci_low", OF_KPI, "lower end of its 95 % interval"),
    _number("ci_high", OF_KPI, "upper end of its 95 % interval"),
)
DRIVERS = (
    *OUTCOME,
    PARAMETER,
    _number("share_of_variance", "share", "of the variance between points that the parameter explains by itself"),
    _number("range", OF_KPI, "largest less smallest mean of a level"),
    _text("low", "the level at the low end (of choices: with the lowest mean)"),
    _number("mean_at_low", OF_KPI, "mean outcome there"),
    _text("high", "the level at the high end (of choices: with the highest mean)"),
    _number("mean_at_high", OF_KPI, "mean outcome there"),
    _number("swing", OF_KPI, "mean at the high end less mean at the low end"),
    _number("spearman", "correlation", "rank correlation of parameter and outcome"),
    _number("spearman_p", "probability", "test that there is none"),
    _number("p_adjusted", "probability", "F test that it explains nothing, by Holm's correction over parameters"),
)
INTERACTIONS = (
    *OUTCOME,
    _text(
        "method",
        "how the variance was split",
        {"anova": "exactly, of a full grid", "regression": "by a regression", "linear regression": "without pairs"},
    ),
    PARAMETER,
    WITH,
    _number("share_of_variance", "share", "of the variance between points that the parameter or pair explains"),
    _number("coefficient", "sd", "of the outcome per SD of the parameter; empty for choices and in a grid"),
    _number("r2", "share", "of the variance that all terms explain"),
    _number("r2_left_out", "share", "the same for points left out of the fit"),
)
INDICES = (
    *OUTCOME,
    _text(
        "method",
        "how indices were found",
        {"sobol": "Sobol' indices", "morris": "Morris' elementary effects", "given data": "of points as they are"},
    ),
    _text("over", "what the design varies", WINDOWS),
    PARAMETER,
    WITH,
    _text(
        "index",
        "which index",
        {
            "S1": "share of the variance by itself",
            "S2": "share of the variance by a pair alone",
            "ST": "share of the variance with all its interactions",
            "mu": "mean elementary effect",
            "mu_star": "mean size of elementary effects",
            "sigma": "standard deviation of elementary effects",
        },
    ),
    _number("value", "share; of mu, mu_star, sigma that of the key figure", "the index"),
    _number("conf", "as `value`", "half its 95 % interval"),
    _text("note", "where samples are too few to believe it, else empty"),
)
LUCK = (
    *OUTCOME,
    _number("parameters", "share", "of the variance of one run that parameters make"),
    _number("luck_shared", "share", "that luck makes which all points of a seed share"),
    _number("luck_own", "share", "that luck makes which no other point shares"),
    _number("luck_of_point_means", "share", "of the spread between means of points that luck makes"),
    _whole("seeds", "seeds", "seeds a point"),
    _whole("points", "points", "points with all these seeds"),
)
REGRET = (
    KPI,
    UNIT,
    ARM,
    _whole("worlds", "worlds", "worlds in which every option is known"),
    _number("mean", BY_ROW, "mean outcome over worlds"),
    _number("worst", BY_ROW, "outcome in the worst world"),
    _number("mean_difference", BY_ROW, "mean difference to the reference; empty for the reference"),
    _number("share_pays", "share", "of worlds in which it beats the reference"),
    _number("max_regret", BY_ROW, "most that it falls behind the best option of a world"),
    _number("max_regret_se", BY_ROW, "standard error of that"),
    _number("mean_regret", BY_ROW, "mean over worlds of how far it falls behind the best option"),
    _number("share_best", "share", "of worlds in which no option is better"),
    _truth("minimax_regret", "whether its largest regret is the smallest"),
    _truth("maximin", "whether its worst outcome is the best"),
    _truth("best_mean", "whether its mean is the best"),
    VALUE,
)
DISCOVERY = (
    *OUTCOME,
    _text(
        "fate",
        "where the arm fails: never, always, few, nothing (no pattern) or pattern; `of success`: where it does not",
    ),
    _whole("box", "", "number of the box, the densest first", {"0": "there is none"}),
    _whole("points", "points", "points in the box"),
    _whole("failures", "points", "those of them where the arm fails"),
    _number("coverage", "share", "of all failures that lie in the box"),
    _number("density", "share", "of the box's points that fail"),
    _number("base_rate", "share", "of all points that fail"),
    _number("skill", "share", "how much better than the commoner answer a tree foretells points left out"),
    _text("conditions", "what holds in the box"),
)
FAILED = (TASK_KEYS[0], POINT, ARM, SEED, STATUS, OF_A_TASK[3])

FILES: dict[str, File] = {
    "monthly": File("run", "monthly.parquet", "an arm, seed, month and tier", MONTHLY),
    "bank": File("run", "bank.parquet", "an arm, seed and month", BANK),
    "transitions": File("run", "transitions.parquet", "an arm, seed, year and way", TRANSITIONS),
    "cohorts": File("run", "cohorts.parquet", "an arm, seed, tier and month of tenure", COHORTS),
    "managers": File("run", "managers.parquet", "an event of a post", MANAGERS),
    "reach": File("run", "reach.parquet", "an arm, seed, year, tier, group, wish and what became of it", REACH),
    "panel": File("run", "panel.parquet", "a tracked customer and month (`record: {panel: N}`)", PANEL),
    "individuals": File("run", "individuals.parquet", "a group of customers of month 0 with their fates", INDIVIDUALS),
    "answers": File("run", "answers.parquet", "a sheet of a customer (`survey:`)", ANSWERS),
    "answers_truth": File("run", "answers_truth.parquet", "the same sheet, as no bank knows it", TRUTHS),
    "staff_answers": File("run", "staff_answers.parquet", "a sheet of a manager (`survey:`)", ANSWERS),
    "staff_answers_truth": File("run", "staff_answers_truth.parquet", "the same sheet, as no bank knows it", TRUTHS),
    "summary": File("run", "summary.csv", "an arm and key figure", SUMMARY),
    "comparison": File("run", "comparison.csv", "an arm and key figure, against the reference", COMPARISON),
    "precision": File("run", "precision.csv", "an arm and key figure, against the reference", PRECISION),
    "attribution": File("run", "attribution.csv", "a key figure and strategy of a bundle", ATTRIBUTION),
    "worlds": File("run", "worlds.parquet", "a world, arm and seed (`beliefs:`)", WORLDS),
    "beliefs": File("run", "beliefs.csv", "an arm over the worlds (`beliefs:`)", BELIEFS),
    "design": File("sweep", "design.csv", "a point of a sweep", DESIGN),
    "units": File("sweep", "units.parquet", "a planned point with a seed", UNITS),
    "tasks": File("sweep", "tasks.parquet", "a point, arm and seed", TASKS),
    "parts": File("sweep", "parts/*.parquet", "a point, arm and seed, of a sweep that is not put together yet", PARTS),
    "candidates": File("optimisation", "optimise/candidates.csv", "a candidate", CANDIDATES),
    "front": File("optimisation", "optimise/front.csv", "a candidate on the front", CANDIDATES),
    "confirmed": File("optimisation", "optimise/confirmed.csv", "a confirmed candidate and key figure", CONFIRMED),
    "winner": File("optimisation", "optimise/winner.csv", "a baseline and key figure", WINNER),
    "points": File("analysis", "analysis/points.csv", "a point", POINTS),
    "effects": File("analysis", "analysis/effects.csv", "an outcome, parameter and level", EFFECTS),
    "drivers": File("analysis", "analysis/drivers.csv", "an outcome and parameter", DRIVERS),
    "interactions": File("analysis", "analysis/interactions.csv", "an outcome and parameter, or pair", INTERACTIONS),
    "indices": File("analysis", "analysis/indices.csv", "an outcome, index and parameter, or pair", INDICES),
    "luck": File("analysis", "analysis/luck.csv", "an outcome", LUCK),
    "regret": File("analysis", "analysis/regret.csv", "an option: an arm, with its levers in a crossed design", REGRET),
    "discovery": File("analysis", "analysis/discovery.csv", "a box of points where an arm fails", DISCOVERY),
    "failed": File("analysis", "analysis/failed.csv", "a task that failed", FAILED),
}


def units(table: str, names: Iterable[str] | None = None, *, currency: str = "money") -> dict[str, str]:
    """Unit of every column of a table that has one, by name; `names` are those of a frame, else the declared ones.

    `table` is a key of `FILES`: the name of a result file without its ending ("monthly", "summary", "tasks").
    """
    file = FILES[table]
    found = ((name, file.column(name)) for name in (file.names if names is None else names))
    return {name: one.unit_in(currency) for name, one in found if one is not None and one.unit}
