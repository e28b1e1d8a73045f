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


def text(name: str, meaning: str, codes: Mapping[str, str] = {}) -> Column:
    """A column of words."""
    return Column(name, "text", "", meaning, codes)


def whole(name: str, unit: str, meaning: str, codes: Mapping[str, str] = {}) -> Column:
    """A column of whole numbers."""
    return Column(name, "int64", unit, meaning, codes)


def number(name: str, unit: str, meaning: str, codes: Mapping[str, str] = {}, *, later: bool = False) -> Column:
    """A column of numbers."""
    return Column(name, "float64", unit, meaning, codes, later)


def truth(name: str, meaning: str) -> Column:
    """A column of yes and no."""
    return Column(name, "bool", "", meaning)


ARM = text("arm", "the arm, by its name in the scenario")
REFERENCE = text("reference", "the arm that the difference is against, the first of the scenario")
SEED = whole("seed", "", "the seed; arms of one seed share their luck")
MONTH = whole("month", "months", "months since the end of burn-in; 0 is the state after it, with flows of 0")
TIER = text("tier", "the tier, by its name in the scenario")
RUN = (ARM, SEED)
KPI = text("kpi", "the key figure; `kpi[tier]` is that of a tier, `[aum]` is weighted by AUM")
UNIT = text("unit", "unit of the row's figures")
OF_SEEDS = whole("seeds", "seeds", "seeds that the figures rest on")
LAST = "in the last month only"
INTERVAL = "of the 95 % interval over seeds (Student's t)"
BETTER = number("probability_better", "probability", "that the true difference is on the better side, flat prior")

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
    number("customers", "customers", "open customers at month end: active and dormant"),
    number("active", "customers", "active customers at month end"),
    number("dormant", "customers", "dormant customers at month end"),
    number("aum", "money", "assets under management at month end"),
    number("products", "products", "mean products of an active customer at month end"),
    number("share_of_wallet", "share", "mean share of their wealth that open customers keep here, at month end"),
    number("digital_active", "share", "of active customers who use the app, at month end"),
    number("satisfaction", "sd", "mean satisfaction of active customers, in SD of the reference population"),
    number("trust", "sd", "mean trust of active customers, in SD of the reference population"),
    number("joined", "customers", "new customers of the month"),
    number("closed", "customers", "accounts closed in the month, those of dormant customers among them"),
    number("closed_dormant", "customers", "those of `closed` that were dormant"),
    number("went_dormant", "customers", "active customers who went dormant in the month"),
    number("reactivated", "customers", "dormant customers who became active in the month"),
    number("upgraded", "customers", "customers who left this tier upward in the month"),
    number("downgraded", "customers", "customers who left this tier downward in the month"),
    number("moved_in", "customers", "customers who came into this tier from another in the month"),
    number("aum_moved", "money", "AUM that came with tier moves less what went with them; 0 over all tiers"),
    number("net_new_money", "money", "money in less money out in the month"),
    number("market_effect", "money", "what markets added to AUM in the month"),
    *(
        number(f"contacts_{name}", "contacts", f"contacts that the bank made by {name} in the month")
        for name in CHANNELS
    ),
    number("sales", "sales", "products sold by contacts in the month"),
    number("failures", "failures", "failures of service in the month"),
    number("complaints", "complaints", "complaints in the month"),
    number("opt_outs", "opt-outs", "channels that customers closed to the bank in the month"),
    number("revenue", "money", "revenue of the month"),
    number("channel_cost", "money", "service, messages, servicing and acquisition of the month"),
    number("manager_cost", "money", "relationship managers of the month"),
    number("strategy_cost", "money", "programmes of the arm's strategies in the month"),
    number("profit", "money", "revenue less channel, manager and strategy cost"),
)

BANK = (
    *RUN,
    MONTH,
    number("managers", "managers", "posts that are filled at month end"),
    number("managers_left", "managers", "managers who left in the month"),
    number("managers_hired", "managers", "managers who were hired in the month"),
    number("utilisation", "ratio", "hours asked of a manager per hour there is, mean over named managers"),
    number("professional_skill", "sd", "professional skill, mean over named managers"),
    number("digital_skill", "points", "digital skill on a scale of five, mean over named managers"),
    number("fatigue", "sd", "fatigue, mean over named managers"),
    number("nps", "points", "net promoter score, -100 to 100"),
    *(number(f"load_{name}", "ratio", f"what is asked of {name} per capacity there is") for name in CHANNELS),
    number("yield_gap", "percentage points", "what rivals pay a year, or are worth, above the bank"),
    number("market_return", "log return", "return of markets in the month, mean over tiers"),
    number("adoption_factor", "ratio", "odds of taking up the app over those without shocks"),
    number("branch_capacity", "ratio", "capacity of branches, 1 without shocks"),
    number("aum_exited", "money", "AUM of those who closed or went dormant in the month, before they did"),
    number(
        "aum_gini",
        "index",
        "Gini coefficient of AUM over open customers (0 equal, 1 all with one), to some 1e-8; at ends of years",
    ),
    number("kept_12m", "customers", "active twelve months before the end and at the end; in the last month only"),
    number("active_12m_ago", "customers", "active twelve months before the end; in the last month only"),
    number("strategy_maturity", "share", "how far strategies are built up, mean over those at work"),
    number("strategy_cost", "money", "programmes of the arm's strategies in the month"),
    number("cost_service", "money", "service that customers asked for in the month, part of channel cost"),
    number("cost_messages", "money", "contacts of campaigns in the month, part of channel cost"),
    number("cost_servicing", "money", "servicing of accounts in the month, part of channel cost"),
    number("cost_acquisition", "money", "acquisition of new customers in the month, part of channel cost"),
    number("cost_managers", "money", "relationship managers of the month"),
    number("customers_opted_out", "customers", "customers with at least one channel closed to the bank, at month end"),
    number("customers_managed", "customers", "active customers with a named manager, at month end", later=True),
    number("maturity[<strategy>]", "share", "how far this strategy is built up"),
    number("cost[<strategy>]", "money", "programme of this strategy in the month"),
    number(
        "coverage_gini",
        "index",
        "Gini coefficient of contacts received over active customers; at ends of years",
        later=True,
    ),
    number(
        "managed[<tier>]", "customers", "active customers of the tier with a named manager, at month end", later=True
    ),
    number("bond[<tier>]", "share", "their mean bond with the manager, 0 to 1; empty where nobody has one", later=True),
    number("reached[<tier>]", "contacts", "contacts of the month that reached a customer of the tier", later=True),
    number("experiences[<tier>]", "experiences", "service experiences, by what each weighs in feelings", later=True),
    number("quality[<tier>]", "sd", "their mean quality; empty where there are none", later=True),
    number("kept_12m[<tier>]", "customers", "`kept_12m` of those who were in this tier then"),
    number("active_12m_ago[<tier>]", "customers", "`active_12m_ago` of those who were in this tier then"),
    number("active_month_0", "customers", f"active in month 0; {LAST}", later=True),
    number("kept_month_0", "customers", f"active in month 0 and at the end; {LAST}", later=True),
    number("aum_month_0", "money", f"AUM in month 0 of `active_month_0`; {LAST}", later=True),
    number("aum_kept_month_0", "money", f"AUM in month 0 of `kept_month_0`; {LAST}", later=True),
    *(
        number(f"{name}[<tier>]", unit, f"`{name}` of those who were in this tier then")
        for name, unit in (
            ("active_month_0", "customers"),
            ("kept_month_0", "customers"),
            ("aum_month_0", "money"),
            ("aum_kept_month_0", "money"),
        )
    ),
    number("revenue_products[<tier>]", "money", "revenue of products beyond the first in the month, part of revenue"),
)

TRANSITIONS = (
    *RUN,
    whole("year", "years", "year since the end of burn-in, from 1"),
    text("from", "where the year began: a tier, or", {"dormant": "dormant", "new": "no customer yet"}),
    text("to", "where it ended: a tier, or", {"dormant": "dormant", "closed": "closed the account"}),
    number("customers", "customers", "customers who went that way"),
)
COHORTS = (
    *RUN,
    TIER,
    whole("tenure_month", "months", "completed months since joining", {"240": "240 months and more"}),
    number("at_risk", "customer-months", "active customers at the beginning of a month, over all months"),
    number("closed", "customers", "those of `at_risk` who closed in the month"),
    number("dormant", "customers", "those of `at_risk` who went dormant in the month"),
)
MANAGERS = (
    *RUN,
    MONTH,
    whole("post", "", "number of the post"),
    text(
        "event",
        "what happened",
        {
            "left": "the manager left",
            "hired": "a manager was hired",
            "book_moved": "the book went to another manager",
        },
    ),
    number("customers", "customers", "customers in the book"),
    number(
        "exits_before",
        "customers",
        "active customers of the book who closed or went dormant in this month and the two before",
    ),
    number("exits_after", "customers", "the same in the three months after"),
)
REACH = (
    *RUN,
    whole("year", "years", "year since the end of burn-in, from 1; the last may be shorter"),
    text("tier", "the tier in the month of the wish"),
    text("age", "age in that month", {"under_60": "below 60", "60_plus": "60 and over"}),
    text("app", "whether the customer uses the app", {"no_app": "no", "app": "yes"}),
    text(
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
    text(
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
    number("customers", "customer-months", "wishes, a customer at most once a month"),
    number("aum", "money", "AUM of these customers in the month of the wish, summed over wishes"),
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
    text("sheet", "the sheet, each once"),
    text("respondent", "who filled it in; the same in every wave"),
    whole("wave", "months", "month at whose end it was filled in"),
    text("mode", "how it came back", {"online": "online", "handed": "by hand", "intercept": "on the spot"}),
    number("weight", "persons", "design weight: persons of the population that the sheet stands for"),
    Column("<item>", "as varied", "points", "the answer; empty where there is none"),
)
TRUTHS = (
    *RUN,
    text("sheet", "the sheet, each once"),
    whole("wave", "months", "month at whose end it was filled in"),
    Column("uid", "uint64", "", "who, as the simulation knows them"),
    number("chance", "probability", "to answer when asked"),
    truth("careless", "whether it was filled in without reading"),
    number("true[<construct>]", "sd", "how the construct stands in the person"),
    number("said[<construct>]", "sd", "what the person makes of it and answers from"),
)
INDIVIDUALS = (
    *RUN,
    text("tier", "the tier at month 0"),
    text(
        "age_band",
        "age at month 0",
        {"under_35": "below 35", "35_to_49": "35 to 49", "50_to_64": "50 to 64", "65_plus": "65 and more"},
    ),
    text("affinity", "digital affinity", {"low": "below 1/3", "middle": "1/3 to 2/3", "high": "2/3 and more"}),
    text(
        "uplift_class",
        "what a retention contact does",
        {
            "persuadable": "keeps the customer",
            "sure_thing": "nothing: stays anyway",
            "lost_cause": "nothing: leaves anyway",
            "sleeping_dog": "drives the customer away",
        },
    ),
    text("reference_fate", "what became of them in the reference arm by the end", FATES),
    text("fate", "what became of them in this arm by the end", FATES),
    number("customers", "customers", "customers of month 0 in this group with these two fates"),
)

SUMMARY = (
    ARM,
    KPI,
    UNIT,
    number("mean", BY_ROW, "mean over seeds"),
    number("sd", BY_ROW, "standard deviation over seeds"),
    number("ci_low", BY_ROW, f"lower end {INTERVAL}, wider where few events carry the figure"),
    number("ci_high", BY_ROW, f"upper end {INTERVAL}"),
    OF_SEEDS,
)
COMPARISON = (
    ARM,
    REFERENCE,
    KPI,
    UNIT,
    number("difference", BY_ROW, "mean over seeds of arm less reference"),
    number("ci_low", BY_ROW, f"lower end {INTERVAL}"),
    number("ci_high", BY_ROW, f"upper end {INTERVAL}"),
    BETTER,
    OF_SEEDS,
    number("variance_ratio", "ratio", "variance of a difference of unpaired runs over that of paired ones"),
)
PRECISION = (
    ARM,
    REFERENCE,
    KPI,
    UNIT,
    number("difference", BY_ROW, "mean over seeds of arm less reference"),
    number("half_width", BY_ROW, "half the 95 % interval of that mean"),
    OF_SEEDS,
    number("seeds_for_half", "seeds", "seeds in all that would halve the interval"),
    number("unpaired_seeds", "seeds", "seeds an arm would need for it if arms did not share them"),
    number("p_value", "probability", "two-sided paired t test of no difference"),
    number("p_adjusted", "probability", "that with Holm's correction; empty outside the headline figures"),
)
ATTRIBUTION = (
    KPI,
    UNIT,
    text("member", "the strategy of the bundle"),
    number("value", BY_ROW, "its Shapley value: what it brings, mean over orders of joining"),
    number("ci_low", BY_ROW, f"lower end {INTERVAL}"),
    number("ci_high", BY_ROW, f"upper end {INTERVAL}"),
    number("alone", BY_ROW, "what it brings by itself"),
    number("last", BY_ROW, "what it brings to all others"),
    number("synergy", BY_ROW, "value less alone"),
    number("whole", BY_ROW, "what the whole bundle brings"),
    OF_SEEDS,
    whole("coalitions", "coalitions", "sets of strategies that were lived"),
)

POINT = whole("point", "", "number of the design's point")
LEVER = whole("lever", "", "number of the point's setting of levers")
WORLD = whole("world", "", "number of the point's setting of uncertainties")
UNIT_ID = text("unit", "id of a point with a seed: a digest of all that decides its results")
VALUE = Column("<parameter>", "as varied", "that of the parameter", "value of what is varied, by its path")
FIGURE = number("<kpi>", OF_KPI, "the key figure; empty where there is none")
STATUS = text(
    "status",
    "how it went",
    {"ok": "lived", "failed": "stopped by an error", "crashed": "its worker died or took too long"},
)
OF_A_TASK = (
    STATUS,
    number("seconds", "seconds", "that it took"),
    text("worker", "who lived it"),
    text("error", "what went wrong, empty if nothing"),
    text("traceback", "where it went wrong, for whoever mends it"),
)
DESIGN = (POINT, LEVER, WORLD, VALUE)
UNITS = (UNIT_ID, POINT, SEED)
TASK_KEYS = (text("task", "unit and arm"), UNIT_ID, POINT, LEVER, WORLD, ARM, SEED)
PART_KEYS = (UNIT_ID, POINT, ARM, SEED)
TASKS = (*TASK_KEYS, VALUE, FIGURE, *OF_A_TASK)
PARTS = (*PART_KEYS, FIGURE, *OF_A_TASK, whole("attempt", "", "number of the start that wrote it"))

NUMBER = whole("candidate", "", "number of the candidate")
SHARE = number("share.<strategy>", "share", "part of the budget that goes to the strategy; empty if it is left out")
TRIED = text("status", "how it went", {"ok": "lived", "failed": "no result"})
CANDIDATES = (
    NUMBER,
    text("name", "its name, for baselines; empty for what the search proposed"),
    whole("generation", "", "generation that proposed it, from 1"),
    whole("seeds", "seeds", "seeds of the search that it lived"),
    TRIED,
    truth("within_limits", "whether it keeps to the limits"),
    number("rank", "", "front it is on; empty if it failed", {"0": "the best front"}),
    truth("front", "whether it is on the best front"),
    SHARE,
    number("<kpi>_low", OF_KPI, f"lower end {INTERVAL}"),
    number("<kpi>_high", OF_KPI, f"upper end {INTERVAL}"),
    number("<kpi>", OF_KPI, "mean paired difference to the reference arm on the search's seeds"),
    VALUE,
)
CONFIRMED = (
    NUMBER,
    text("name", "its name"),
    text("role", "why it was lived again", {"best": "among the search's best", "baseline": "to compare with"}),
    truth("front", "whether it is on the front by the fresh seeds"),
    truth("winner", "whether it won"),
    TRIED,
    KPI,
    UNIT,
    number("search", BY_ROW, "mean paired difference to the reference arm on the search's seeds"),
    number("search_low", BY_ROW, f"lower end {INTERVAL}"),
    number("search_high", BY_ROW, f"upper end {INTERVAL}"),
    whole("search_seeds", "seeds", "seeds of the search"),
    number("confirmed", BY_ROW, "the same on fresh seeds"),
    number("confirmed_low", BY_ROW, f"lower end {INTERVAL}"),
    number("confirmed_high", BY_ROW, f"upper end {INTERVAL}"),
    whole("confirmed_seeds", "seeds", "fresh seeds"),
    number("optimism", BY_ROW, "search less confirmed, above 0 where the search flattered"),
    SHARE,
)
WINNER = (
    whole("winner", "", "number of the candidate that won"),
    text("against", "baseline or reference arm that it is compared with"),
    KPI,
    UNIT,
    number("difference", BY_ROW, "winner less that, mean over seeds that did not choose it"),
    number("ci_low", BY_ROW, f"lower end {INTERVAL}"),
    number("ci_high", BY_ROW, f"upper end {INTERVAL}"),
    BETTER,
    OF_SEEDS,
)

OF_A_WORLD = whole("world", "", "number of the world", {"0": "that of the scenario's own numbers"})
WORLDS = (OF_A_WORLD, ARM, SEED, STATUS, VALUE, FIGURE)
BELIEFS = (
    ARM,
    KPI,
    UNIT,
    whole("worlds", "worlds", "drawn worlds in which every arm has a result"),
    number("level", BY_ROW, "mean over worlds"),
    number("as_assumed", BY_ROW, "difference to the reference in the world of the scenario's own numbers"),
    number(
        "expected", BY_ROW, "mean difference to the reference over worlds; empty for the reference, as what follows"
    ),
    number("expected_se", BY_ROW, "standard error of that, over worlds"),
    number("low", BY_ROW, "difference in the world at 5 % from the worst"),
    number("median", BY_ROW, "difference in the middle world"),
    number("high", BY_ROW, "difference in the world at 95 % from the worst"),
    whole("pays_in", "worlds", "worlds in which the arm is worth more than the reference; 0 for the reference"),
    number("share_pays", "share", "of worlds in which the arm is worth more than the reference"),
    number("share_low", "share", "lower end of its 95 % interval over draws of so many worlds (Wilson)"),
    number("share_high", "share", "upper end of that"),
    whole("best_in", "worlds", "worlds in which no arm is worth more; of equals the first"),
    number("mean_regret", BY_ROW, "mean over worlds of how far the arm falls behind the best of a world"),
    number("max_regret", BY_ROW, "most that it falls behind"),
    whole("worst_world", "", "the world in which it does"),
)

OUTCOME = (ARM, KPI)
PARAMETER = text("parameter", "path of what is varied")
WITH = text("with", "the second parameter of a pair, else empty")
POINTS = (
    POINT,
    LEVER,
    WORLD,
    VALUE,
    number("<outcome>", OF_KPI, "mean over seeds of a key figure; with several arms <arm>.<kpi>, less the reference"),
    number("<outcome>.se", OF_KPI, "standard error of that mean"),
    whole("<outcome>.seeds", "seeds", "seeds that the mean rests on"),
)
EFFECTS = (
    *OUTCOME,
    PARAMETER,
    text("level", "value or range of the parameter"),
    number("x", "that of the parameter", "where the level lies"),
    whole("points", "points", "points of the level"),
    number("mean", OF_KPI, "mean outcome of those points"),
    number("ci_low", OF_KPI, "lower end of its 95 % interval"),
    number("ci_high", OF_KPI, "upper end of its 95 % interval"),
)
DRIVERS = (
    *OUTCOME,
    PARAMETER,
    number("share_of_variance", "share", "of the variance between points that the parameter explains by itself"),
    number("range", OF_KPI, "largest less smallest mean of a level"),
    text("low", "the level at the low end (of choices: with the lowest mean)"),
    number("mean_at_low", OF_KPI, "mean outcome there"),
    text("high", "the level at the high end (of choices: with the highest mean)"),
    number("mean_at_high", OF_KPI, "mean outcome there"),
    number("swing", OF_KPI, "mean at the high end less mean at the low end"),
    number("spearman", "correlation", "rank correlation of parameter and outcome"),
    number("spearman_p", "probability", "test that there is none"),
    number("p_adjusted", "probability", "F test that it explains nothing, by Holm's correction over parameters"),
)
INTERACTIONS = (
    *OUTCOME,
    text(
        "method",
        "how the variance was split",
        {"anova": "exactly, of a full grid", "regression": "by a regression", "linear regression": "without pairs"},
    ),
    PARAMETER,
    WITH,
    number("share_of_variance", "share", "of the variance between points that the parameter or pair explains"),
    number("coefficient", "sd", "of the outcome per SD of the parameter; empty for choices and in a grid"),
    number("r2", "share", "of the variance that all terms explain"),
    number("r2_left_out", "share", "the same for points left out of the fit"),
)
INDICES = (
    *OUTCOME,
    text(
        "method",
        "how indices were found",
        {"sobol": "Sobol' indices", "morris": "Morris' elementary effects", "given data": "of points as they are"},
    ),
    text("over", "what the design varies", WINDOWS),
    PARAMETER,
    WITH,
    text(
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
    number("value", "share; of mu, mu_star, sigma that of the key figure", "the index"),
    number("conf", "as `value`", "half its 95 % interval"),
    text("note", "where samples are too few to believe it, else empty"),
)
LUCK = (
    *OUTCOME,
    number("parameters", "share", "of the variance of one run that parameters make"),
    number("luck_shared", "share", "that luck makes which all points of a seed share"),
    number("luck_own", "share", "that luck makes which no other point shares"),
    number("luck_of_point_means", "share", "of the spread between means of points that luck makes"),
    whole("seeds", "seeds", "seeds a point"),
    whole("points", "points", "points with all these seeds"),
)
REGRET = (
    KPI,
    UNIT,
    ARM,
    whole("worlds", "worlds", "worlds in which every option is known"),
    number("mean", BY_ROW, "mean outcome over worlds"),
    number("worst", BY_ROW, "outcome in the worst world"),
    number("mean_difference", BY_ROW, "mean difference to the reference; empty for the reference"),
    number("share_pays", "share", "of worlds in which it beats the reference"),
    number("max_regret", BY_ROW, "most that it falls behind the best option of a world"),
    number("max_regret_se", BY_ROW, "standard error of that"),
    number("mean_regret", BY_ROW, "mean over worlds of how far it falls behind the best option"),
    number("share_best", "share", "of worlds in which no option is better"),
    truth("minimax_regret", "whether its largest regret is the smallest"),
    truth("maximin", "whether its worst outcome is the best"),
    truth("best_mean", "whether its mean is the best"),
    VALUE,
)
DISCOVERY = (
    *OUTCOME,
    text(
        "fate",
        "where the arm fails: never, always, few, nothing (no pattern) or pattern; `of success`: where it does not",
    ),
    whole("box", "", "number of the box, the densest first", {"0": "there is none"}),
    whole("points", "points", "points in the box"),
    whole("failures", "points", "those of them where the arm fails"),
    number("coverage", "share", "of all failures that lie in the box"),
    number("density", "share", "of the box's points that fail"),
    number("base_rate", "share", "of all points that fail"),
    number("skill", "share", "how much better than the commoner answer a tree foretells points left out"),
    text("conditions", "what holds in the box"),
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
