"""What the decision page and the verdict table promise: the word, the sentence, the figures, the optional tables."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import replace

import fabricate_report as make
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from test_report import Page, assert_readable, texts_of

from sim.errors import BadInput
from sim.reporting.figures import DECISION, Board, NothingToShow, plates, style, units
from sim.reporting.figures.cost_and_effect import frontier
from sim.reporting.figures.fates import OUTCOMES, changed, fairness
from sim.reporting.run import build, summary_table
from sim.reporting.run.decision import overview, precision_of
from sim.reporting.run.key_figures import Figure, KeyFigures
from sim.reporting.run.verdicts import (
    LATER,
    NOTHING,
    ONE_SEED,
    PAYS,
    PAYS_NOT,
    UNCLEAR,
    Verdict,
    columns,
    judge,
    seeds_to_tell,
    sentence,
    verdicts,
)
from sim.store.run_reading import read


def plain(text: str) -> str:
    """A text with the minus sign, dash and space of a keyboard."""
    return text.replace(units.MINUS, "-").replace(units.MISSING, "--").replace(units.GAP, " ")


pytestmark = pytest.mark.long  # pictures of up to thirteen arms
LONG = {
    "four": "a_bundle_of_four_strategies_that_starts_in_the_first_year_with_" + "x" * 20,
    "four_with_safeguards": "a_bundle_of_four_strategies_that_starts_in_the_first_year_with_" + "y" * 20,
    "harm": "w" * 100,
}
WORLDS = {
    "thirteen arms": lambda: make.decided(13, 6, 24),
    "two arms": lambda: make.decided(2, 5, 36),
    "five arms, one seed": lambda: make.decided(5, 1, 24),
    "nine arms, five months": lambda: make.decided(9, 2, 5),
    "seven tiers": lambda: make.decided(4, 2, 24, tiers=make.SEVEN_TIERS),
    "long names": lambda: make.renamed(make.decided(13, 2, 13), LONG),
}


@pytest.fixture(scope="module")
def made():
    """The made-up runs by name, each made once."""
    known: dict[str, make.Made] = {}

    def of(world: str) -> make.Made:
        if world not in known:
            known[world] = WORLDS[world]()
        return known[world]

    return of


@pytest.fixture(scope="module")
def page_of(made, tmp_path_factory):
    """Folders with a built report, by name of their world."""
    known = {}

    def of(world: str):
        if world not in known:
            folder = make.write(made(world), tmp_path_factory.mktemp("run") / "folder")
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                build(folder)
            known[world] = folder
        return known[world]

    return of


def drawn(run: make.Made, name: str):
    """One figure of a run and its board."""
    board = Board(run, comparison=make.summarise(run)[1])
    figure = next(plate for plate in DECISION if plate.name == name).draw(board)
    with mpl.rc_context(style.RC):
        figure.draw_without_rendering()
    return figure, board


# ------------------------------------------------------------------------------------------------------- the word


def npv(value: float, half: float, seeds: int = 5, *, sure: bool = False) -> Figure:
    return Figure(value, value - half, value + half, "CNY", seeds, 0.01 if sure else 0.2, 0.05, sure)


def told(value: float, low: float, high: float, unit: str, *, sure: bool = True) -> Figure:
    """A difference over twenty seeds that is called sure, or is not."""
    return Figure(value, low, high, unit, 20, 0.01 if sure else 0.2, 0.05, sure)


UP, DOWN, OPEN, ZERO = npv(2e6, 1e6, sure=True), npv(-2e6, 1e6, sure=True), npv(1e6, 1e6), npv(0.0, 0.0)


@pytest.mark.parametrize(
    ("cash", "value", "word"),
    [
        (UP, UP, PAYS),
        (UP, OPEN, PAYS),
        (UP, DOWN, PAYS_NOT),  # money now for customers who are gone
        (DOWN, UP, LATER),
        (OPEN, UP, LATER),
        (OPEN, DOWN, PAYS_NOT),
        (DOWN, OPEN, UNCLEAR),
        (OPEN, OPEN, UNCLEAR),
        (ZERO, ZERO, NOTHING),
        (npv(3e6, 0.0, sure=True), npv(3e6, 0.0, sure=True), PAYS),
        # cash alone where that is all that is known
        (UP, None, PAYS),
        (DOWN, None, PAYS_NOT),
        (OPEN, None, UNCLEAR),
        (npv(2e6, 1e6), None, UNCLEAR),
        (ZERO, Figure(math.nan, math.nan, math.nan, "CNY", 0), NOTHING),
        (Figure(1e6, math.nan, math.nan, "CNY", 1), None, ONE_SEED),
        (Figure(math.nan, math.nan, math.nan, "CNY", 0), None, ONE_SEED),
        (None, None, ONE_SEED),
    ],
)
def test_the_word_is_decided_by_what_is_sure_of_cash_and_value(cash, value, word):
    assert judge(cash, value)[0] == word


def test_seeds_that_would_tell_worked_by_hand():
    # Five seeds, differences of mean 1 and sd 1: half width 2.776 / sqrt(5) = 1.242. With 6 seeds 2.571 / sqrt(6) is
    # 1.050, still above the mean; with 7 seeds 2.447 / sqrt(7) is 0.925: two more.
    assert seeds_to_tell(1.0, 2.7764451 / math.sqrt(5), 5) == 2
    assert seeds_to_tell(-1.0, 2.7764451 / math.sqrt(5), 5) == 2
    assert judge(DOWN, npv(1.0, 2.7764451 / math.sqrt(5), 5)) == (UNCLEAR, 2)
    assert seeds_to_tell(0.001, 1.2, 5) is None
    assert seeds_to_tell(0.0, 1.2, 5) is None
    # Corrected for fifty tests, so at 99.95 % to each side: 4.073 / sqrt(16) is 1.018 with 16 seeds, 4.015 / sqrt(17)
    # is 0.974 with 17: twelve more.
    assert seeds_to_tell(1.0, 2.7764451 / math.sqrt(5), 5, 0.05 / 50) == 12


def verdict(**changes) -> Verdict:
    known = dict(
        arm="stratification",
        word=PAYS_NOT,
        more_seeds=None,
        retention=told(0.00212, 0.0015, 0.0027, "share"),
        attrition=told(-0.00212, -0.0027, -0.0015, "per year"),
        aum=None,
        profit=told(-3.1e6, -3.4e6, -2.8e6, "CNY per year"),
        cost=told(4e6, 3.9e6, 4.1e6, "CNY", sure=False),
        npv=told(-12e6, -15e6, -9e6, "CNY"),
        value=told(-10e6, -14e6, -6e6, "CNY"),
        roi=-0.8,
        payback=math.inf,
    )
    return Verdict(**{**known, **changes})


def test_a_sentence_with_clear_differences():
    assert plain(sentence(verdict(), "nothing", "CNY")) == (
        "“stratification” keeps 212 more of 100,000 customers to the end (95 % interval 150 to 270) and lowers profit "
        "by CNY 3.10 m a year; value CNY -10.0 m (-14.0 to -6.0), of it cash CNY -12.0 m (-15.0 to -9.0)."
    )


def test_a_sentence_with_nothing_clear():
    one = verdict(
        word=UNCLEAR,
        more_seeds=7,
        retention=told(0.0001, -0.0001, 0.0003, "share", sure=False),
        profit=told(1e5, -2e6, 2.2e6, "CNY per year", sure=False),
        npv=told(1e6, -8e6, 10e6, "CNY", sure=False),
        value=None,
    )
    assert plain(sentence(one, "nothing", "CNY")) == (
        "“stratification” keeps no clear number of customers more or fewer (-10 to +30 of 100,000 customers to the "
        "end, p 0.20) and changes profit by no clear amount (CNY -2.0 to +2.2 m a year, p 0.20); cash NPV CNY +1.0 m "
        "(-8.0 to +10.0)."
    )
    assert one.words == "not clear: about 7 more seeds would tell"
    assert replace(one, more_seeds=1).words.endswith("about 1 more seed would tell")
    assert "1,000 more seeds" in replace(one, more_seeds=None).words


def test_a_sentence_of_an_arm_that_loses_customers_and_pays():
    one = verdict(
        word=PAYS,
        retention=told(-0.001, -0.0015, -0.0005, "share"),
        profit=told(2e6, 1e6, 3e6, "CNY per year"),
        npv=told(9e6, 5e6, 13e6, "CNY"),
    )
    text = plain(sentence(one, "nothing", "CNY"))
    assert "loses 100 more of 100,000 customers to the end (95 % interval 50 to 150)" in text
    assert "raises profit by CNY 2.00 m a year" in text


def test_one_seed_gives_no_verdict_and_says_so():
    alone = lambda value, unit: Figure(value, math.nan, math.nan, unit, 1)  # noqa: E731
    one = verdict(
        word=ONE_SEED,
        retention=alone(0.002, "share"),
        profit=alone(1e6, "CNY per year"),
        npv=alone(2e6, "CNY"),
        value=alone(3e6, "CNY"),
    )
    text = sentence(one, "nothing", "CNY")
    assert text.endswith("(one seed: chance is not ruled out).")
    assert "interval" not in text


def test_an_arm_that_changes_nothing_is_said_to_change_nothing():
    zero = Figure(0.0, 0.0, 0.0, "per year", 5)
    one = verdict(word=NOTHING, retention=zero, profit=zero, npv=zero, value=zero)
    assert sentence(one, "nothing", "CNY").startswith("“stratification” keeps as many customers as “nothing”; value")


def test_verdicts_are_numbers_of_the_tables(made):
    summary, comparison = make.summarise(made("thirteen arms"))
    found = {one.arm: one for one in verdicts(KeyFigures(summary, comparison))}
    known = comparison.set_index(["arm", "kpi"])
    own = summary.set_index(["arm", "kpi"])["mean"]
    assert list(found) == list(make.DECISION_ARMS)[1:]
    for arm, one in found.items():
        assert one.kept.value == pytest.approx(1e5 * known.loc[(arm, "retention"), "difference"])
        assert one.kept.low == pytest.approx(1e5 * known.loc[(arm, "retention"), "ci_low"])
        assert one.aum.value == pytest.approx(known.loc[(arm, "aum_end"), "difference"] / own[("nothing", "aum_end")])
        assert one.cost.value == known.loc[(arm, "cost_discounted"), "difference"]
        assert one.value.value == known.loc[(arm, "value"), "difference"]
        assert one.roi == own[(arm, "roi")]


def test_a_p_never_looks_as_if_it_lay_on_the_other_side_of_what_is_sure():
    assert [units.p_text(p) for p in (0.0, 0.0004, 0.0123, 0.34)] == ["<0.001", "<0.001", "0.012", "0.34"]
    assert [units.p_text(p) for p in (0.0496, 0.0502, 0.05)] == ["0.0496", "0.0502", "0.050"]
    assert [units.p_text(p) for p in (0.0499999, 0.0500001)] == ["<0.050", ">0.050"]
    assert units.p_text(math.nan) == units.MISSING


def test_the_overview_counts():
    words = [verdict(word=word) for word in (PAYS, PAYS_NOT, PAYS_NOT, UNCLEAR, LATER)]
    assert overview(words) == "Of 5 arms 1 pays within the horizon, 1 pays later, 2 do not pay, 1 is not clear."
    assert overview(words[:1]) == ""


# ----------------------------------------------------------------------------------------------------- the terminal


@pytest.mark.parametrize("world", make.some(WORLDS, ("thirteen arms", "two arms")))
def test_the_verdict_table_fits_a_terminal(made, world):
    run = made(world)
    text = summary_table(*make.summarise(run))
    assert max(map(len, text.splitlines())) <= 100
    table = text.split("Which arm pays\n")[1]
    lines = table.split("\n\n")[0].splitlines()[3:]
    assert len(lines) == len(run.manifest["arms"]) - 1
    assert len({line.split()[0] for line in lines}) == len(lines), "arms that cannot be told apart"
    rule = "cash alone decides" if run.manifest["months"] < 12 else "value clearly below does not pay"
    words = "no interval" if len(run.manifest["seeds"]) == 1 else rule
    assert words in " ".join(table.split())


def test_the_verdict_table_says_what_the_verdicts_say(made):
    summary, comparison = make.summarise(made("thirteen arms"))
    lines = summary_table(summary, comparison).split("Which arm pays\n")[1].splitlines()[3:15]
    for line, one in zip(lines, verdicts(KeyFigures(summary, comparison)), strict=True):
        assert one.word in line
        assert (f"+{one.more_seeds}" in line) == (one.more_seeds is not None)


def test_columns_share_decimals_and_scale():
    found = [verdict(), verdict(npv=told(-2e9, -3e9, -1e9, "CNY"), value=told(-2e9, -3e9, -1e9, "CNY"))]
    texts = {column.key: [plain(column.write(one)) for one in found] for column in columns(found, "CNY")}
    assert texts["npv"] == ["0.0 ±<0.1", "-2.0 ±1.0"]
    assert texts["payback"] == ["none", "none"]
    assert texts["attrition"][0] == "-0.21 ±0.06"
    assert texts["value"] == texts["npv"]


def test_an_arm_that_saves_says_so_where_its_return_would_stand():
    (roi,) = [column for column in columns([verdict()], "CNY") if column.key == "roi"]
    assert plain(roi.write(verdict())) == "-0.80"
    assert roi.write(verdict(roi=math.nan, cost=told(-4e6, -5e6, -3e6, "CNY"))) == "saves"
    assert roi.write(verdict(roi=math.nan, cost=told(4e6, 3e6, 5e6, "CNY"))) == units.MISSING  # less than a year


def test_without_value_cash_decides_and_it_is_said(made):
    summary, comparison = make.summarise(made("nine arms, five months"))
    assert all(one.by_cash for one in verdicts(KeyFigures(summary, comparison)))
    table = " ".join(summary_table(summary, comparison).split("Which arm pays\n")[1].split())
    assert "less than a year, so cash alone decides" in table
    assert "p: of cash" in table
    assert " value " not in table.split("---")[0]


@pytest.mark.parametrize("most", [8, 12, 20])
def test_short_names_stay_different(most):
    names = ["same_beginning_a", "same_beginning_b", "same_beginning_b", "x", "y" * 30, "y" * 31, "y" * 32]
    texts = units.shortened(names, most)
    assert all(len(text) <= most for text in texts)
    assert len(set(texts)) == len(set(names))
    assert texts[1] == texts[2] or most < 16
    assert texts[3] == "x"


# ------------------------------------------------------------------------------------------------------ the figures


@pytest.mark.parametrize("world", make.some(WORLDS, ("thirteen arms", "two arms")))
def test_no_text_of_the_decision_figures_is_clipped_or_overlaps(made, world):
    run = made(world)
    board = Board(run, comparison=make.summarise(run)[1])
    for plate in plates(board):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                figure = plate.draw(board)
                with mpl.rc_context(style.RC):
                    figure.draw_without_rendering()
        except NothingToShow:
            continue
        assert_readable(f"{world}, {plate.name}", figure)


def test_a_run_without_the_optional_tables_says_what_is_not_shown(made, tmp_path):
    run = replace(made("two arms"), individuals=None, precision=None, attribution=None)
    bank = run.bank[[name for name in run.bank if "[" not in name and name != "coverage_gini"]]
    text = build(make.write(replace(run, bank=bank), tmp_path / "run")).read_text("utf-8")
    assert "Not shown: whose fate it changes (this run did not follow individuals)." in text
    assert "the verb attribute makes it" in text
    assert 'id="fairness"' not in text


def test_arms_differ_in_print_without_colours():
    looks = [style.arm_look(place) for place in range(15)]
    assert len(set(looks)) == 15
    assert len({(marker, hollow) for _, marker, hollow in looks[1:]}) == 14


def test_the_frontier_worked_by_hand():
    #                 reference, cheap, middle (under the line cheap-dear), dear, dominated, loses, equal to cheap
    x = [0.0, 1.0, 2.0, 3.0, 3.5, 0.5, 1.0]
    y = [0.0, 10.0, 11.0, 14.0, 9.0, -2.0, 10.0]
    assert frontier(x, y) == [0, 1, 3]
    assert frontier([0.0, 1.0], [0.0, -1.0]) == [0]
    assert frontier([0.0, -1.0], [0.0, 5.0]) == [1]  # it keeps more and saves money: the reference is dominated
    assert frontier([0.0, math.nan], [0.0, 3.0]) == [0]


def test_dominated_arms_are_hollow_and_arms_on_the_line_filled(made):
    figure, _ = drawn(made("thirteen arms"), "cost_and_effect")
    title = figure.get_label()
    assert "fewer than the money could" in title
    points = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", "")]
    filled = [line for line in points if mpl.colors.to_hex(line.get_markerfacecolor()) != "#ffffff"]
    (path,) = [line for line in figure.axes[0].lines if line.get_color() == style.INK]
    assert len(points) == 13
    assert len(filled) == len(path.get_xdata()) < 13


def test_cells_of_the_map_are_in_brackets_where_zero_is_in_the_interval(made):
    figure, board = drawn(made("thirteen arms"), "tier_heat_map")
    table = make.summarise(made("thirteen arms"))[1].set_index(["arm", "kpi"])
    heads = {*board.tiers, "bank"}
    cells = [text.get_text() for text in figure.axes[0].texts if text.get_text() not in heads]
    cells = [cell for cell in cells if re.fullmatch(r"\(?[+-]?[\d.]+\)?", plain(cell))]
    wanted = []
    for arm in board.arms[1:]:
        for kpi in [*(f"attrition_annual[{tier}]" for tier in board.tiers), "attrition_annual"]:
            row = table.loc[(arm, kpi)]
            text = units.number(row.difference * 100, 2, sign=True)
            wanted.append(f"({text})" if row.ci_low <= 0 <= row.ci_high else text)
    assert cells == wanted


def test_numbers_on_the_map_can_be_read(made):
    figure, _ = drawn(made("thirteen arms"), "tier_heat_map")
    panel = figure.axes[0]
    colours = {(round(p.get_x(), 1), round(p.get_y(), 1)): p.get_facecolor() for p in panel.patches}
    for text in panel.texts:
        x, y = text.get_position()
        if y > 0 and text.get_text() and (round(x - 0.48, 1), round(y - 0.46, 1)) in colours:
            back = style.luminance(colours[round(x - 0.48, 1), round(y - 0.46, 1)])
            front = style.luminance(mpl.colors.to_rgb(text.get_color()))
            light, dark = max(back, front), min(back, front)
            assert (light + 0.05) / (dark + 0.05) >= 4.4


def test_attribution_bars_add_up_to_the_whole(made):
    figure, _ = drawn(made("two arms"), "attribution")
    for panel in figure.axes:
        widths = [bar.get_width() for bar in panel.patches]
        assert sum(widths[:-1]) == pytest.approx(widths[-1])
    assert "the largest share is that of “stratification”: " in figure.get_label()
    assert "-0.60 (-0.15)" in {plain(text) for text, _ in texts_of(figure)}


def test_trajectories_end_where_they_say(made):
    figure, board = drawn(made("two arms"), "trajectories")
    aum = board.total("aum")
    gap = float((aum[1] - aum[0]).mean(axis=0)[-1])
    size, _ = units.scale(float(np.abs(aum[1] - aum[0]).max()))
    assert units.number(gap / size, 2, sign=True) in {text for text, _ in texts_of(figure)}


def few(rows) -> make.Made:
    """A run of two arms whose individuals are these rows of (arm, seed, age, affinity, there, here, customers)."""
    table = pd.DataFrame(
        [
            (arm, seed, "mass", age, affinity, "persuadable", there, here, float(count))
            for arm, seed, age, affinity, there, here, count in rows
        ],
        columns=["arm", "seed", "tier", "age_band", "affinity", "uplift_class", "reference_fate", "fate", "customers"],
    )
    return replace(make.decided(2, 2, 13), individuals=table)


def test_saved_and_lost_worked_by_hand():
    rows = []
    for seed, saved in ((1, 30), (2, 50)):
        rows += [
            ("nothing", seed, "65_plus", "low", "kept", "kept", 1000),
            ("digital_thinking", seed, "65_plus", "low", "closed", "kept", saved),
            ("digital_thinking", seed, "65_plus", "low", "dormant", "opted_out", 10),
            ("digital_thinking", seed, "65_plus", "low", "kept", "dormant", 5),
            ("digital_thinking", seed, "65_plus", "low", "closed", "dormant", 100),  # lost here and there: not changed
            ("digital_thinking", seed, "65_plus", "low", "kept", "upgraded", 20),
            ("digital_thinking", seed, "65_plus", "low", "kept", "kept", 1000 - 135 - saved),
            ("digital_thinking", seed, "under_35", "high", "kept", "closed", 10),
            ("digital_thinking", seed, "under_35", "high", "kept", "kept", 990),
        ]
    board = Board(few(rows))
    active = changed(board, OUTCOMES[0][2])
    assert active.here[1].tolist() == pytest.approx([40 / 2000 * 1e4, 60 / 2000 * 1e4])
    assert active.there[1].tolist() == pytest.approx([15 / 2000 * 1e4] * 2)
    assert active.net[0].tolist() == [0.0, 0.0]  # the reference against itself
    assert changed(board, OUTCOMES[1][2]).net[1].tolist() == pytest.approx([100.0, 100.0])
    assert changed(board, OUTCOMES[2][2]).net[1].tolist() == pytest.approx([50.0, 50.0])
    old = next(one for one in fairness(board) if one.measure == "net saved" and one.group == "65 and over")
    own, others, gap = old.values
    assert own[0] == pytest.approx((350 + 550) / 2)
    assert others[0] == pytest.approx(-100.0)
    assert gap[0] == pytest.approx(550.0)
    # Two seeds, gaps 450 and 650: t(1) = 12.706, sd = 141.4, half = 12.706 * 141.4 / sqrt(2) = 1270.6.
    assert gap[1] == pytest.approx(1270.6, abs=0.1)


def test_contacts_of_the_figure_are_those_of_the_table(made):
    run = make.fabricate(months=12, seeds=2)
    figure = next(plate for plate in plates(Board(run)) if plate.name == "contacts_and_utilisation").draw(Board(run))
    title = float(re.match(r"([\d.]+) contacts a month per 1,000", figure.get_label())[1])
    rate = make.summarise(run)[0].set_index("kpi")["mean"]["contacts_per_customer"]
    assert title == pytest.approx(rate / 12 * 1000, abs=0.06)


def test_labels_at_the_ends_of_lines_stay_above_the_month_axis():
    run = make.fabricate(months=60, seeds=2)
    figure = next(plate for plate in plates(Board(run)) if plate.name == "contacts_and_utilisation").draw(Board(run))
    with mpl.rc_context(style.RC):
        figure.draw_without_rendering()
    panel = figure.axes[0].get_window_extent()
    labels = [box for text, box in texts_of(figure) if re.fullmatch(r"(branch|phone|video|messaging|app) [\d.]+", text)]
    assert len(labels) == 5
    assert min(box.y0 for box in labels) > panel.y0 - 5  # the descender of "app"


# --------------------------------------------------------------------------------------------------------- the page


@pytest.mark.parametrize("world", make.some(["thirteen arms", "five arms, one seed", "long names"], ("thirteen arms",)))
def test_the_decision_comes_first_and_is_whole(page_of, made, world):
    folder, run = page_of(world), made(world)
    text = (folder / "report.html").read_text("utf-8")
    page = Page(text)
    assert text.index('id="decision"') < text.index('id="answer"') < text.index('id="key-figures"')
    assert page.loads == ["data:,"]
    assert len(page.ids) == len(set(page.ids))
    assert {reference[1:] for reference in page.references} <= set(page.ids)
    assert page.headers_without_scope == page.tables_without_caption == 0
    assert "nan" not in re.sub(r"<svg.*?</svg>|title=\"[^\"]*\"", "", text, flags=re.DOTALL).lower().replace(
        "finan", ""
    )
    items = re.findall(r'<li class="(good|bad|open)"><p>(.*?)</p>', text, re.DOTALL)
    assert len(items) == len(run.manifest["arms"]) - 1
    for plate in DECISION:
        if f'id="{plate.name}"' in text:
            assert (folder / "figures" / f"{plate.name}.png").exists()
            assert (folder / "figures" / f"{plate.name}.svg").exists()
        else:
            assert f"Not shown: {plate.heading.lower()}" in text


def test_long_names_are_shortened_where_there_are_many_and_whole_once(page_of):
    text = (page_of("long names") / "report.html").read_text("utf-8")
    visible = re.sub(
        r"<svg.*?</svg>|<style.*?</style>|title=\"[^\"]*\"|aria-label=\"[^\"]*\"", "", text, flags=re.DOTALL
    )
    heads = re.findall(r"<th scope=\"(?:col|row)\" ?>([^<]*)</th>", visible)
    many = [head for head in heads if "\N{HORIZONTAL ELLIPSIS}" in head]
    assert many
    assert max(map(len, many)) <= 32
    assert "a bundle of four strategies that starts in the first year with " + "x" * 20 in visible


def test_one_arm_has_no_decision(tmp_path):
    text = build(make.write(make.fabricate(months=13, seeds=2), tmp_path / "run")).read_text("utf-8")
    assert 'id="decision"' not in text
    assert "The answer" in text


def test_names_from_the_tables_are_escaped(made, tmp_path):
    nasty = "<script>alert(1)</script>&{{ 7 * 7 }}"
    run = made("two arms")
    table = run.attribution.assign(member=run.attribution["member"].replace("fintech", nasty))
    bank = run.bank.rename(columns={"cost[fintech]": f"cost[{nasty}]", "maturity[fintech]": f"maturity[{nasty}]"})
    extra = run.individuals.assign(age_band=run.individuals["age_band"].replace("under_35", nasty))
    precise = run.precision.assign(unit=nasty)
    run = replace(run, attribution=table, bank=bank, individuals=extra, precision=precise)
    text = build(make.write(run, tmp_path / "run")).read_text("utf-8")
    assert "<script" not in text
    assert "49" not in re.findall(r"\{\{.*?\}\}", text)
    Page(text)


def test_the_precision_table_shows_what_is_stored(page_of):
    folder = page_of("thirteen arms")
    run = read(folder)
    rows = precision_of(run.precision, run.arms[1:], KeyFigures(run.summary, run.comparison))
    assert {row.kpi for row in rows} == {  # what is corrected for, and nothing else
        "retention",
        "attrition_annual",
        "customers_end",
        "aum_end",
        "net_new_money_annual",
        "opt_out_share",
        "profit_annual",
        "npv",
        "value",
        "products",
        "satisfaction",
        "nps",
    }
    text = (folder / "report.html").read_text("utf-8")
    assert "Holm" in text
    assert "Seeds to halve it" in text
    first = run.precision.set_index(["arm", "kpi"]).loc[(rows[0].arm, rows[0].kpi)]
    assert rows[0].for_half == units.number(first.seeds_for_half)
    assert rows[0].adjusted == units.p_text(first.p_adjusted)
    assert precision_of(None, ["a"], KeyFigures(run.summary, run.comparison)) == []


def test_an_interval_of_a_rate_below_zero_is_explained(tmp_path):
    run = make.fabricate(months=12, seeds=5, customers=3_000)
    text = build(make.write(run, tmp_path / "run")).read_text("utf-8")
    assert "reaches below zero" in text


# -------------------------------------------------------------------------------------------------- optional tables


def test_optional_tables_are_read_and_absent_ones_are_none(made, page_of, tmp_path):
    run = read(page_of("two arms"))
    assert run.individuals["customers"].sum() == pytest.approx(made("two arms").individuals["customers"].sum())
    assert list(run.attribution["member"].unique()) == list(make.STRATEGIES)
    assert run.precision["seeds"].dtype == "int64"
    bare = read(make.write(make.fabricate(months=1, seeds=1), tmp_path / "bare"))
    assert bare.individuals is bare.precision is bare.attribution is None


def test_damaged_optional_tables_are_named_all_at_once(made, tmp_path):
    folder = make.write(made("two arms"), tmp_path / "run")
    table = made("two arms").individuals
    table.assign(fate=table["fate"].replace("kept", "eaten")).to_parquet(folder / "individuals.parquet", index=False)
    (folder / "precision.csv").write_text("arm,reference\na,b\n")
    (folder / "attribution.csv").write_text("kpi\nx,y,z\n")
    with pytest.raises(BadInput) as caught:
        read(folder)
    said = str(caught.value)
    assert "fate: eaten not among kept, upgraded" in said
    assert "precision.csv" in said
    assert "attribution.csv" in said
    assert len(caught.value.mistakes) == 3


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda table: table.assign(customers=-1.0), "missing, endless or negative"),
        (lambda table: table.assign(customers=np.nan), "missing, endless or negative"),
        (lambda table: table.drop(columns="affinity"), "column affinity missing"),
        (lambda table: table.assign(seed=table["seed"].astype(float)), "column seed is double"),
        (lambda table: table.assign(tier="gold"), "tier: gold not among mass"),
        (lambda table: table.assign(arm="who"), "arm: who not among nothing"),
    ],
)
def test_damaged_individuals(made, tmp_path, spoil, words):
    folder = make.write(made("two arms"), tmp_path / "run")
    spoil(made("two arms").individuals.head(50)).to_parquet(folder / "individuals.parquet", index=False)
    with pytest.raises(BadInput, match=re.escape(words)):
        read(folder)


def test_cut_and_missing_individuals(made, tmp_path):
    run = made("two arms")
    folder = make.write(
        replace(run, manifest={**run.manifest, "tables": [*run.manifest["tables"], "individuals"]}), tmp_path / "run"
    )
    file = folder / "individuals.parquet"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(BadInput, match="damaged"):
        read(folder)
    file.unlink()
    with pytest.raises(BadInput, match="missing"):
        read(folder)
