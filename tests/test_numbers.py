"""No bare number in the rooms of the model: what customers, managers and strategies live by is an assumption.

A number of the model stands in a declaration (`assumption`, `Field`) with its unit, range and source. Allowed beside
that: 0, 1, 2, 12 months, 100 (percent, fen), positions and shifts, half as the base of a half-life, guards so small or
large that no life can tell them, and the numbers listed below, each with the reason why it is no setting.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent / "sim"
FOLDERS = ("agents", "bank", "behaviour", "environment", "kernel", "population", "strategies")
FILES = ("economics.py", "ledger.py", "levers.py")
NOT_THE_MODEL = {
    "bank/state_file.py": "a file format",
    "bank/stored.py": "a file format; rows at a time, by which no result changes",
    "kernel/looking.py": "counts what is there, in whole units and bins of floats, and changes nobody's life",
    "kernel/numerics.py": "coefficients of published approximations and of the generator, tested for their error",
    "population/example_book.py": "makes an example of a customer book",
    "population/prepare_berka.py": "makes a customer book of a data set",
    "population/presets.py": "banks to start from, by name: data, with their source",
    "population/tier_presets.py": "the tiers of those banks: data",
    "strategies/plugins.py": "reads modules",
}
DECLARED = ("assumption", "Field", "table", "_default", "Doubts")
PLAIN = (0, 1, 2, 12, 100)
SMALL, LARGE = 1e-5, 1e9

HALF = "half, by arithmetic: rounding to whole fen, the middle of a cell, square root, odds of one half, bisection"
EXCEPTIONS: dict[str, tuple[set[float], str]] = {
    # form of a law
    "kernel/leaving.py tenure_band": ({3, 24, 48, 60}, "the bands that `leaving.tenure` is told in"),
    "kernel/leaving.py BANDS": ({6}, "as many bands"),
    "kernel/leaving.py THIRD": ({3}, "the three month ends that customers remember (aum of the month, aum, aum_2)"),
    "kernel/leaving.py BAR": ({0.999998}, "AUM recomputed from its logarithm is off by as much"),
    "kernel/leaving.py BELOW_CEILING": ({0.999999}, "the largest AUM below a bound, in float32"),
    "kernel/leaving.py DECADE": ({0.1}, "unit: decades of a year"),
    "kernel/money.py DECADE": ({0.1}, "unit: decades of a year"),
    "population/people.py DECADE": ({10}, "unit: years of a decade"),
    "agents/channel.py Channel.capacity": ({1000}, "unit: capacity is told by 1,000 customers"),
    "agents/manager.py LOWEST, HIGHEST": ({5}, "ends of the 5-point scale of digital skill"),
    "agents/manager.py _ramp": ({0.5, 4096}, "a month served counts from its middle; months kept"),
    "behaviour/rates.py rates": ({0.999, 6}, "a rate of return stays finite; six bands of tenure"),
    "behaviour/service_law.py service_law": ({0.5, 0.001}, f"closed form; {HALF}; smallest spread of trust"),
    "behaviour/service_law.py LONGEST": ({1200}, "months of tenure that the closed form sums over"),
    "behaviour/service_law.py SMALLEST_SD": ({0.01}, "scale where service never varies"),
    "population/people.py _births": ({0.005, 0.995}, "a share's logit stays finite"),
    "population/people.py _affinity_precision": ({0.1}, "a Beta keeps a shape"),
    "kernel/births.py bear": (
        {0.5, 3, 4},
        "affinity in the middle of its scale; code of a class; uniforms of a draw, and outliers of a standard score",
    ),
    "population/laws.py LogNormal.mean": ({0.5}, "mean of a log-normal"),
    "population/laws.py LogNormal.density": ({0.5}, "density of a normal"),
    "population/laws.py score_of_density": ({0.5}, "density of a normal"),
    "population/laws.py score_of_sample": ({0.5}, HALF),
    "strategies/staff_upskilling.py QUARTER, YEAR": ({3}, "months of a quarter, in which programmes are held"),
    "strategies/stratification.py Stratification.propose": ({0.5}, "scores are cut above their middle"),
    "strategies/digital_thinking.py DigitalThinking.turn": ({0.5}, "standard deviation of a variance"),
    "kernel/contacts.py NEW": ({3}, "months of the first tenure band, in which a customer is new"),
    "strategies/upheaval.py unsettle": ({0.5}, "standard deviation of a variance"),
    "bank/respondents.py MOST": ({4}, "SD: no score that a questionnaire asks about lies further out"),
    "bank/model.py BankModel._knowledge.correlation": ({0.5, 0.9999}, "AUC of a guess; of a model that knows all"),
    "agents/team.py MonthOfWork.idle": ({3}, "columns of zeros"),
    "kernel/planning.py look_through": ({4}, "lanes of a draw"),
    "agents/team.py Team._upset": ({0.95}, "the rate of those who follow stays finite"),
    # defaults of declared settings that stand beside them
    "agents/manager_settings.py _MIX": ({0.5, 0.05, 0.45, 0.02, 0.48, 0.3, 0.4, 0.1, 0.2}, "default of `managers.mix`"),
    "behaviour/settings.py _default_hazards": (
        {0.0025, 0.01, 0.0047, 0.0024, 0.0022, 0.0014},
        "default of `model.hazards`",
    ),
    # tables of numerical methods
    "population/people.py TABLE": ({8193}, "points of a tabulated quantile"),
    "population/people.py _beta_table": ({0.5, 64}, "middles of its cells; tables kept"),
    "population/people.py adoption_intercept": (
        {4096, 0.5, 0.6180339887498949, 30, 60},
        "an even spread of points, and bisection",
    ),
    "population/people.py _poisson": ({20}, "reach of a quantile"),
    "population/people.py _poisson_tables": ({20}, "reach of a quantile"),
    "population/people.py _frailty_table": ({64}, "tables kept"),
    "population/people.py SURE": ({10}, "a table's error, so many times smaller than allowed"),
    "population/people.py BEYOND": ({16}, "points of a table beyond every uniform"),
    "kernel/blocks.py draw_lanes": ({3}, "the last of the four numbers of a draw"),
    "kernel/books.py GLANCE": ({64}, "rows that are looked at at a time; no result depends on it"),
    "kernel/books.py NARROW": ({6}, "bits of a bin; no result depends on it"),
    "kernel/books.py STRIP": ({4096}, "rows that are marked at a time; no result depends on it"),
    "kernel/births.py PURPOSES": ({5}, "draws of a new customer"),
    "kernel/births.py REACH": ({7}, "SD beyond every uniform of 23 bits"),
    "kernel/births.py STEPS": ({2048}, "points of a table"),
    "kernel/births.py tabled": ({0.1, 0.5, 3}, "polynomial through six points"),
    "kernel/births.py END": ({80}, "logits: a share this far out is 0 or 1"),
    "population/laws.py STEP": ({0.01}, "grid of log AUM"),
    "population/laws.py SPAN": ({5}, "reach of the smoothing kernel"),
    "population/laws.py FAR": ({5}, "SD from which a normal is told from its other end"),
    "strategies/programme.py Programme._within": ({60, 0.5}, "bisection"),
    "strategies/base.py Strategy.curve": ({700}, "next to the largest exponent of a float"),
    "agents/manager.py MOST_LOG_RATIO": ({600}, "next to the largest exponent of a float"),
    "bank/markov.py move_by_matrix": ({0.01}, "a fen"),
    "bank/markov.py _fen": ({0.5}, HALF),
    "kernel/counting.py fen": ({0.5}, HALF),
    "kernel/counting.py count_money": ({0.5}, HALF),
    "kernel/counting.py FEW": ({16}, "rows: few enough to be added one by one"),
    "kernel/counting.py count_reach": ({0.5, 3}, f"{HALF}; bits of a plan's code"),
    "kernel/money.py use_products": ({1e6}, "a guard: transactions a month"),
    # sizes, types, codes
    "kernel/blocks.py BLOCK": ({512}, "rows of a block"),
    "kernel/blocks.py CHUNK": ({16384}, "rows of a task"),
    "kernel/blocks.py LIFE_ROW, DIGITAL_ROW, SCORE_ROW": ({4}, "lanes of a draw"),
    "kernel/blocks.py draw": ({4}, "lanes of a draw"),
    "kernel/contacts.py MOST_CONTACTS": ({30000}, "what an int16 column counts up to"),
    "kernel/money.py MOST_TRANSACTIONS": ({255}, "what a byte counts up to"),
    "kernel/tallies.py WEIGHT_UNIT": ({1024}, "unit of fixed-point sums"),
    "kernel/tallies.py SHARE_UNIT": ({65536}, "unit of fixed-point sums"),
    "kernel/tallies.py RATIO_UNIT": ({1048576}, "unit of fixed-point sums"),
    "kernel/tallies.py MOMENT_UNIT": ({4096}, "unit of fixed-point sums"),
    "kernel/tallies.py TENURE_LAST": ({240}, "rows of the table of cohorts"),
    "kernel/tallies.py Moment": ({3, 4, 5}, "numbers of columns"),
    "agents/customer.py COLUMNS": ({40, 30000, 0.5}, "values of an unused row"),
    "agents/customer.py Customers.place": ({1024}, "unit of weight"),
    "agents/customer.py Customers._grow": ({1024, 1.1}, "room to grow"),
    "agents/customer.py MOST_WEIGHT": ({32}, "bits of a weight"),
    "agents/manager.py RelationshipManager.key": ({20}, "bits of a key"),
    "agents/team.py POACHED": ({5}, "purpose of a draw"),
    "environment/market_drawdown.py DRAW_ADVICE": ({6}, "purpose of a draw"),
    "environment/base.py LONGEST": ({1200}, "the longest horizon, months"),
    "strategies/base.py LONGEST": ({1200}, "the longest horizon, months"),
    "strategies/base.py reached": ({64, 11, 30, 27, 31}, "bits of splitmix64"),
    "population/sizes.py UNIT": ({1024}, "unit of weight"),
    "population/sizes.py LARGEST_SUM": ({61}, "bits of a sum"),
    "population/sizes.py MOST_POSTS": ({100000}, "what fits a machine"),
    "population/sizes.py MOST_GROWN": ({100000000}, "what fits a machine"),
    "population/sizes.py size_slips": ({700}, "next to the largest exponent of a float"),
    "population/sizes.py _money_slips": ({10}, "margin of a check before a run"),
    "population/sizes.py _growth": ({0.5}, "variance of a log-normal, in a check before a run"),
    "population/strata.py DEFAULT_CUSTOMERS": ({1000000}, "default of `population.customers`"),
    "population/synthetic.py JOINER_BIT": ({63}, "bits of a uid"),
    "population/synthetic.py REFERRED_BIT": ({62}, "bits of a uid"),
    "population/synthetic.py MOST_KEPT": ({1000}, "bound of a cache"),
    "population/synthetic.py Source._synthetic": ({40}, "bits of a uid"),
    "population/synthetic.py MORE": ({8}, "joiners drawn ahead, for arms in which more join"),
    "population/synthetic.py SPARE": ({64}, "joiners drawn beforehand; no result depends on it"),
    "population/synthetic.py Source._applicants": ({1024, 32}, "bits of a uid"),
    "population/people.py NEAR": ({32}, "width of a search whose end is checked"),
    "agents/customer.py FEWEST": ({2048}, "rows of a part that threads share out; no result depends on it"),
    "agents/customer.py MOST_PARTS": ({4}, "parts that threads share out; no result depends on it"),
    "population/synthetic.py source": ({10}, "end of the last tier, as of `tiers.bands`"),
    "bank/model.py BankModel.__init__": ({101}, "percents of a table of quantiles"),
    "bank/model.py BankModel._aum_quantiles": ({101}, "percents of a table of quantiles"),
    "bank/model.py LONGEST": ({8}, "chunks of a stretch; no result depends on it"),
    "bank/fates.py PIECE": ({20}, "rows at a time"),
    "population/synthetic.py PIECE": ({20}, "rows at a time"),
    "population/synthetic.py TOGETHER": ({11}, "rows at a time"),
    "bank/model.py BankModel.step": ({3}, "frames between a warning and its reader"),
    "bank/model.py BankModel._room": ({0.5, 10, 0.6, 256}, "memory kept ready for joiners"),
    "bank/model.py BankModel._run_chunks": ({3}, "columns of the table of cohorts"),
    # what a report groups by
    "bank/fates.py AGE_BARS": ({35, 50, 65}, "groups of a report"),
    "bank/fates.py AFFINITY_BARS": ({3}, "groups of a report"),
    "bank/recorder.py HISTORY": ({3}, "months a table shows around an event"),
    "bank/recorder.py Recorder.__init__": ({3}, "columns of the table of cohorts"),
    "bank/recorder.py Recorder._cohort_table": ({3}, "columns of the table of cohorts"),
}


def name_of(node: ast.AST) -> str:
    if isinstance(node, ast.Tuple):
        return ", ".join(name_of(one) for one in node.elts)
    return getattr(node, "id", getattr(node, "attr", ""))


def bare_numbers(source: str) -> Iterator[tuple[str, float, int]]:
    """(name that it stands in, number, line) of each literal that is neither declared nor plain."""

    def look(node: ast.AST, where: str) -> Iterator[tuple[str, float, int]]:
        if isinstance(node, ast.Call) and name_of(node.func) in DECLARED:
            return
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            where = f"{where}.{node.name}".lstrip(".")
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not where:
            where = name_of(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            size = abs(node.value)
            if size not in PLAIN and SMALL < size < LARGE:
                yield where, size, node.lineno
        elif isinstance(node, ast.Subscript):  # a position
            yield from look(node.value, where)
            return
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and ast.unparse(node.left) == "0.5":
            yield from look(node.right, where)  # 0.5 ** (1 / half-life)
            return
        for child in ast.iter_child_nodes(node):
            yield from look(child, where)

    yield from look(ast.parse(source), "")


def rooms() -> list[Path]:
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]
    return [path for path in paths + [ROOT / file for file in FILES] if place(path) not in NOT_THE_MODEL]


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_number_of_the_model_is_bare() -> None:
    bare = [
        f"sim/{place(path)}:{line} {where}: {number:g}"
        for path in rooms()
        for where, number, line in bare_numbers(path.read_text("utf-8"))
        if number not in EXCEPTIONS.get(f"{place(path)} {where}", (set(), ""))[0]
    ]
    assert not bare, "make each an `assumption` of its section's settings, or name it here with the reason"


def test_no_exception_outlives_its_number() -> None:
    found: dict[str, set[float]] = {}
    for path in rooms():
        for where, number, _ in bare_numbers(path.read_text("utf-8")):
            found.setdefault(f"{place(path)} {where}", set()).add(number)
    stale = {name: numbers - found.get(name, set()) for name, (numbers, _) in EXCEPTIONS.items()}
    assert {name: numbers for name, numbers in stale.items() if numbers} == {}
    assert all((ROOT / file).exists() for file in NOT_THE_MODEL)
    assert all(reason for _, reason in EXCEPTIONS.values())


def test_a_bare_number_is_found_and_a_declared_one_is_not() -> None:
    source = """
LIMIT = 7.5
def rule(x, half_life, u):
    if x > 0.8 and x != -0.25:
        return x * 1.5 + 0.5 ** (1 / half_life) + u[3] + 2 * x + 1e-12
class Room:
    size: float = assumption(0.3, "share", plausible=(0.1, 0.5), source="assumption")
    share: float = 0.3
"""
    assert [(where, number) for where, number, _ in bare_numbers(source)] == [
        ("LIMIT", 7.5),
        ("rule", 0.8),
        ("rule", 0.25),
        ("rule", 1.5),
        ("Room", 0.3),
    ]
