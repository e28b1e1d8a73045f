"""What the figures, the page and the terminal's summary promise, on results folders made up for it."""

from __future__ import annotations

import itertools
import math
import re
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import fabricate_report as make
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from sim.measures.evidence import ENDLESS, ROUGH, Evidence
from sim.reporting.figures import (
    DECISION,
    FIGURES,
    Board,
    NothingToShow,
    inline,
    plates,
    style,
    svg_text,
    units,
)
from sim.reporting.figures import (
    axes as marks,
)
from sim.reporting.figures.board import band, contrasts, rolling_sum
from sim.reporting.page import draw_all
from sim.reporting.run import build, summary_table
from sim.reporting.run.assumptions_used import arms_in_words, flatten, scenario_of, used
from sim.reporting.run.headlines import answer, headlines
from sim.reporting.run.key_figures import KeyFigures
from sim.reporting.run.verdicts import verdicts
from sim.scenario.reference import known_of
from sim.store.run_reading import read

ARMS = ("nothing", "retention_calls", "personalised_service")
NASTY = """<script>alert(1)</script> & "Äpfel" 'birnen' $x_1$ </title> {{ 7 * 7 }}"""
WORLDS = {
    "one arm": dict(seeds=3),
    "one seed": dict(seeds=1, months=24, about=NASTY),
    "three arms": dict(arms=ARMS, seeds=2, months=36),
    "three arms, one seed": dict(arms=ARMS, seeds=1, months=24),
    "one month": dict(months=1, seeds=2),
    "thirteen months": dict(months=13, seeds=5),
    "two tiers": dict(tiers=make.TWO_TIERS, months=24, seeds=2),
    "one tier": dict(tiers=make.BANK_B[:1], months=24, seeds=2),
    "seven tiers, long names": dict(
        tiers=make.SEVEN_TIERS, arms=("a", "an_arm_whose_name_goes_on_and_on_and_on"), seeds=2, months=24
    ),
    "nine arms": dict(arms=tuple(f"arm_{number}" for number in range(9)), months=13, seeds=2),
}
FEW = ("three arms", "one arm")
ALL = pytest.mark.parametrize("world", make.some(WORLDS, FEW))
BUILT = pytest.mark.parametrize(
    "world", make.some(["one arm", "one seed", "one month", "two tiers", "seven tiers, long names", "three arms"], FEW)
)


@pytest.fixture(scope="module")
def made():
    """The made-up runs by name, each made once."""
    known: dict[str, make.Made] = {}

    def of(world: str) -> make.Made:
        if world not in known:
            known[world] = make.fabricate(**WORLDS[world])
        return known[world]

    return of


@pytest.fixture(scope="module")
def pages(made, tmp_path_factory):
    """Folders with a built report, by name of their world, each built once with warnings as errors."""
    known: dict[str, Path] = {}

    def of(world: str) -> Path:
        if world not in known:
            folder = make.write(made(world), tmp_path_factory.mktemp("run") / "folder")
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                build(folder)
            known[world] = folder
        return known[world]

    return of


# ------------------------------------------------------------------------------------------------------ the figures


def figures_of(run: make.Made):
    """Every figure of a run, drawn without a warning."""
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
        yield plate.name, figure


def figure_of(run: make.Made, name: str):
    """One figure of a run."""
    plate = next(plate for plate in FIGURES if plate.name == name)
    figure = plate.draw(Board(run, comparison=make.summarise(run)[1]))
    with mpl.rc_context(style.RC):
        figure.draw_without_rendering()
    return figure


def texts_of(figure):
    """Visible texts with their boxes in pixels."""
    renderer = figure.canvas.get_renderer()
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            yield text.get_text(), text.get_window_extent(renderer)


@ALL
def test_no_text_is_clipped_and_no_two_texts_overlap(made, world):
    for name, figure in figures_of(made(world)):
        assert_readable(name, figure)


def assert_readable(name, figure):
    """No text of a drawn figure leaves the paper, and no two lie over each other."""
    paper, found = figure.bbox, list(texts_of(figure))
    for text, box in found:
        inside = box.x0 >= -0.5 and box.y0 >= -0.5 and box.x1 <= paper.x1 + 0.5 and box.y1 <= paper.y1 + 0.5
        assert inside, f"{name}: {text!r} leaves the paper"
    for (one, first), (other, second) in itertools.combinations(found, 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        tall = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert wide <= 1 or tall <= 2, f"{name}: {one!r} and {other!r} overlap by {wide:.0f} x {tall:.0f} px"


def test_the_check_for_overlaps_bites(made):
    figure = figure_of(made("one arm"), "attrition_by_tier")
    figure.text(0.3, 0.5, "on top"), figure.text(0.301, 0.501, "of another")
    figure.draw_without_rendering()
    boxes = [box for text, box in texts_of(figure) if text in ("on top", "of another")]
    assert boxes[0].overlaps(boxes[1])


@pytest.mark.long
@BUILT
def test_every_figure_is_written_twice_and_is_not_empty(pages, world):
    from PIL import Image

    folder = pages(world)
    page = (folder / "report.html").read_text("utf-8")
    run = read(folder)
    board = Board(run, comparison=run.comparison if len(run.arms) > 1 else None)
    absent = {gone.reason for gone in draw_all(plates(board), folder, board)[1]}
    optional = {"attribution", "fates", "fates_by_group", "strategy_costs", "strategy_maturity"}
    names = {plate.name for plate in FIGURES}
    names |= {plate.name for plate in DECISION} - optional if "arms" in WORLDS[world] else set()
    assert all(reason in page for reason in absent)
    for name in names:
        png, svg = folder / "figures" / f"{name}.png", folder / "figures" / f"{name}.svg"
        if WORLDS[world].get("months", 60) < 12 and name == "transitions":
            assert not png.exists()
            assert "it needs at least one whole year" in page
            continue
        with Image.open(png) as image:
            assert image.width == round(style.WIDTH * 150)
            assert len(image.convert("L").getcolors()) > 20, f"{name}: blank"
        assert svg.stat().st_size > 5_000
        assert f'id="{name}"' in page


@pytest.mark.long
def test_the_same_tables_give_the_same_bytes(made, pages, tmp_path):
    run = made("one month")
    board = Board(run)
    with mpl.rc_context(style.RC):
        assert svg_text(FIGURES[0].draw(board)) == svg_text(FIGURES[0].draw(Board(run)))
    folder = make.write(run, tmp_path / "again")
    build(folder)
    assert (folder / "report.html").read_bytes() == (pages("one month") / "report.html").read_bytes()


def test_drawing_leaves_matplotlib_as_it_was(made, tmp_path):
    before = dict(mpl.rcParams)
    board = Board(made("one month"))
    draw_all(plates(board), tmp_path, board)
    assert dict(mpl.rcParams) == before
    sources = Path(style.__file__).parent.glob("*.py")
    assert not any("pyplot" in source.read_text("utf-8") for source in sources)


@pytest.mark.long
def test_a_figure_that_lost_its_data_leaves_no_old_picture(made, tmp_path):
    stale = tmp_path / "figures" / "transitions.png"
    stale.parent.mkdir()
    stale.write_bytes(b"of an earlier run")
    board = Board(made("one month"))
    _, missing = draw_all(plates(board), tmp_path, board)
    assert [gone.plate.name for gone in missing] == ["transitions"]
    assert not stale.exists()


# --------------------------------------------------------------------------------------------- what the figures say


def test_rolling_attrition_is_the_definition(made):
    run = made("one arm")
    months, rates = Board(run).attrition()
    rows = run.monthly[(run.monthly.seed == 2) & (run.monthly.tier == "affluent")].sort_values("month")
    lost = (rows.closed - rows.closed_dormant + rows.went_dormant).to_numpy()
    active = rows.active.to_numpy()
    assert months.tolist() == list(range(12, 61))
    for month in (12, 37, 60):
        wanted = lost[month - 11 : month + 1].sum() / (active[month - 12 : month].sum() / 12)
        assert rates[0, 1, month - 12, 1] == pytest.approx(wanted, rel=1e-12)


def test_attrition_of_less_than_a_year_is_scaled_to_one(made):
    run = made("one month")
    months, rates = Board(run).attrition()
    rows = run.monthly[(run.monthly.seed == 1)].groupby("month").sum(numeric_only=True)
    lost = rows.closed[1] - rows.closed_dormant[1] + rows.went_dormant[1]
    assert months.tolist() == [1]
    assert rates[0, 0, 0, -1] == pytest.approx(12 * lost / rows.active[0], rel=1e-12)


def test_an_attrition_line_ends_where_its_label_says(made):
    figure = figure_of(made("one arm"), "attrition_by_tier")
    board = Board(made("one arm"))
    ends = band(board.attrition()[1][0], axis=0).mean[-1]
    labels = {text for text, _ in texts_of(figure)}
    for name, rate in zip([*board.tiers, "bank"], ends, strict=True):
        assert f"{name} {units.percent(float(rate))}" in labels
    drawn = [line.get_ydata()[-1] for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    assert sorted(drawn) == pytest.approx(sorted(ends * 100))


def test_rows_of_the_heat_map_add_up_to_a_hundred(made):
    figure = figure_of(made("one arm"), "transitions")
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert len(cells) == 6 * 6
    for row in range(6):
        numbers = [float(cell.replace(units.GAP, "").lstrip("<")) for cell in cells[row * 6 : row * 6 + 6]]
        assert sum(numbers) == pytest.approx(100, abs=0.3)


def test_numbers_on_cells_stand_out_from_their_colour(made):
    figure = figure_of(made("one arm"), "transitions")
    grid = figure.axes[0]
    for patch, text in zip(grid.patches, grid.texts, strict=True):
        light, dark = sorted(
            (style.luminance(patch.get_facecolor()), style.luminance(mpl.colors.to_rgb(text.get_color()))), reverse=True
        )
        assert (light + 0.05) / (dark + 0.05) >= 4.4, text.get_text()


def test_labels_and_keys_are_dark_enough_to_read():
    for colour in (*style.PALETTE, style.NEUTRAL, "#F2B48C"):
        assert 1.05 / (style.luminance(mpl.colors.to_rgb(style.ink(colour))) + 0.05) >= 4.5


def test_bands_are_what_the_subtitle_says(made):
    values = np.random.default_rng(1).normal(size=(1, 6, 4))
    from scipy.stats import t

    few, many = band(values[:, :3]), band(values)
    assert few.low == pytest.approx(values[:, :3].min(axis=1))
    assert few.high == pytest.approx(values[:, :3].max(axis=1))
    half = t.ppf(0.975, 5) * values.std(axis=1, ddof=1) / math.sqrt(6)
    assert many.high - many.mean == pytest.approx(half)
    assert np.isnan(band(values[:, :1]).low).all()
    assert "lowest to highest" in Board(made("one arm")).band_words()
    assert "t interval" in Board(made("thirteen months")).band_words()
    assert "one seed" in Board(made("one seed")).band_words()


def test_contrasts_are_paired_by_seed():
    luck = np.array([0.0, 5.0, -3.0, 9.0])
    values = np.stack([luck, luck - 1.0 + np.array([0.01, -0.01, 0.02, -0.02])])
    (found,) = contrasts(values)
    assert found.difference == pytest.approx(-1.0)
    assert found.half < 0.1
    assert math.isnan(contrasts(values[:, :1])[0].half)


def test_a_title_claims_no_more_than_its_seeds_show(made):
    title = figure_of(made("three arms, one seed"), "attrition_by_tier").get_label().split("\n")[0]
    assert title.endswith("(one seed)")
    assert "clearly" not in title
    run = made("three arms")
    noisy = replace_column(
        run, "went_dormant", lambda rows: rows.went_dormant * (1 + (rows.seed == 2) * (rows.arm != "nothing"))
    )
    title = figure_of(noisy, "attrition_by_tier").get_label().split("\n")[0]
    assert title.startswith("No arm's attrition over the run differs clearly")


def replace_column(run: make.Made, column: str, values) -> make.Made:
    return replace(run, monthly=run.monthly.assign(**{column: values(run.monthly)}))


def test_rolling_sums_and_years():
    flow = np.arange(26.0).reshape(1, 1, 26)
    assert rolling_sum(flow, 12)[0, 0, 0] == sum(range(12))
    assert rolling_sum(flow, 12).shape == (1, 1, 15)
    board = Board(make.fabricate(months=25, seeds=1, customers=1000))
    assert board.year_names == ["1", "2"]
    assert board.yearly(flow)[0, 0].tolist() == [sum(range(1, 13)), sum(range(13, 25))]


def test_money_of_any_size_gets_readable_ticks(made):
    run = made("one arm")
    for factor, word in ((1e-6, "k"), (1.0, "bn"), (1e5, "tn")):
        scaled = replace(run, monthly=run.monthly.assign(aum=run.monthly.aum * factor))
        figure = figure_of(scaled, "aum_and_net_new_money")
        assert f"CNY {word}" in {text for text, _ in texts_of(figure)}


@pytest.mark.long
def test_a_tier_that_is_empty_and_arms_that_failed_are_drawn(made, tmp_path):
    run = made("three arms")
    zero = [column for column in run.monthly if column not in ("arm", "seed", "month", "tier")]
    monthly = run.monthly.copy()
    monthly.loc[monthly.tier == "private", zero] = 0.0
    monthly.loc[monthly.tier == "private", ["products", "satisfaction", "trust"]] = np.nan
    gone = {"arm": ARMS[2], "seed": 2, "error": "ValueError: <b>broken</b>"}

    def kept(table: pd.DataFrame) -> pd.DataFrame:
        return table[~((table.arm == gone["arm"]) & (table.seed == gone["seed"]))]

    facts = {
        **run.manifest,
        "status": "failed",
        "failed": [gone],
        "runs": [one for one in run.manifest["runs"] if (one["arm"], one["seed"]) != (gone["arm"], gone["seed"])],
    }
    broken = replace(
        run,
        manifest=facts,
        monthly=kept(monthly),
        bank=kept(run.bank),
        transitions=kept(run.transitions),
        cohorts=kept(run.cohorts),
        managers=kept(run.managers),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = build(make.write(broken, tmp_path / "run")).read_text("utf-8")
    assert "1 run failed" in page
    assert "&lt;b&gt;broken&lt;/b&gt;" in page


# --------------------------------------------------------------------------------------------------------- the page


class Page(HTMLParser):
    """A strict reader: every tag closed in order, ids and references collected, tables as text."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input", "path", "use"})

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.svgs: list[dict[str, str | None]] = []
        self.headers_without_scope = 0
        self.tables_without_caption = 0
        self.rows: list[tuple[str, str, list[str]]] = []
        self._cell: list[str] | None = None
        self._row: list[str] = []
        self._kpi: str | None = None
        self._last_tag = ""
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if self._last_tag == "table" and tag != "caption":
            self.tables_without_caption += 1
        self._last_tag = tag
        self.tags.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        for name in ("href", "src", "xlink:href", "action", "data", "poster", "srcset"):
            if name in given:
                (self.references if given[name].startswith("#") else self.loads).append(given[name])
        if tag == "svg":
            self.svgs.append(given)
        if tag == "th" and "scope" not in given:
            self.headers_without_scope += 1
        if tag == "tr":
            self._kpi, self._row = given.get("data-kpi"), []
        if tag in ("td", "th"):
            self._cell = []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()
        if tag in ("td", "th") and self._cell is not None:
            self._row.append(" ".join("".join(self._cell).split()))
            self._cell = None
        if tag == "tr" and self._kpi:
            self.rows.append((self._kpi, self._row[1], self._row[2:]))

    def handle_data(self, data):
        self._last_tag = self._last_tag if not data.strip() else ""
        if self._cell is not None:
            self._cell.append(data)


@BUILT
def test_the_page_is_whole_and_asks_for_nothing(pages, world):
    text = (pages(world) / "report.html").read_text("utf-8")
    page = Page(text)
    assert len(text.encode()) < 2_000_000
    assert page.loads == ["data:,"]  # the empty icon, so that a browser does not ask for one
    assert not re.search(r"https?:|//[a-z]|@import|<script|<iframe|\bon[a-z]+=", text.replace(NASTY, ""))
    assert not re.search(r"url\((?!#)", text)
    assert len(page.ids) == len(set(page.ids))
    assert {reference[1:] for reference in page.references} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(page.ids)


@BUILT
def test_the_page_can_be_read_without_eyes(pages, world):
    page = Page((pages(world) / "report.html").read_text("utf-8"))
    assert page.tags.count("h1") == 1
    assert page.headers_without_scope == page.tables_without_caption == 0
    assert page.svgs
    for svg in page.svgs:
        assert svg["role"] == "img"
        assert len(svg["aria-label"]) > 40
        assert "viewbox" in svg


@pytest.mark.long
def test_a_users_words_are_shown_and_never_run(pages):
    text = (pages("one seed") / "report.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;Äpfel&#34;" in text
    assert "{{ 7 * 7 }}" in text
    assert "<script" not in text
    assert "gold &amp; silver" in (pages("two tiers") / "report.html").read_text("utf-8")


SCALE = {"bn": 1e9, "m": 1e6, "k": 1e3, "tn": 1e12, "%": 0.01}


def as_number(text: str, unit: str) -> tuple[float, float]:
    """The value a cell shows, in the unit of summary.csv, and half of its last digit."""
    scale = next((SCALE[word] for word in unit.split() if word in SCALE), 1.0)
    digits = text.rstrip(ROUGH + ENDLESS).replace(units.MINUS, "-").replace(",", "").lstrip("+<")
    if digits.lstrip("-") == units.INFINITE:
        return math.copysign(math.inf, -1 if digits[0] == "-" else 1), 0.0
    decimals = len(digits.partition(".")[2])
    return float(digits) * scale, 0.5000001 * 10.0**-decimals * scale


@pytest.mark.long
@pytest.mark.parametrize("world", ["one arm", "one seed", "one month", "two tiers", "seven tiers, long names"])
def test_every_number_of_the_tables_is_one_of_summary_csv(pages, made, world):
    folder = pages(world)
    summary = read(folder).summary
    tiers = [f"[{tier.name}]" for tier in WORLDS[world].get("tiers", make.BANK_B)]
    arms = list(dict.fromkeys(summary.arm))
    page = Page((folder / "report.html").read_text("utf-8"))
    known = {(row.arm, row.kpi): row for row in summary.itertuples()}
    rows = page.rows
    if len(arms) > 1:  # the first table has an arm a column, then there is a table by tier an arm
        rows = rows[sum(1 for _ in itertools.takewhile(lambda row: len(row[2]) == len(arms), rows)) :]
    checked = 0
    arm, seen = iter(arms), set()
    current = next(arm)
    for kpi, unit, cells in rows:
        if kpi in seen:
            current, seen = next(arm), set()
        seen.add(kpi)
        for suffix, cell in zip(["", *tiers], cells, strict=True):
            row = known.get((current, kpi + suffix))
            if row is None:
                assert cell == ""
                continue
            value, _, half = cell.partition(" ± ")
            if math.isnan(row.mean):
                assert value.rstrip(ROUGH + ENDLESS) == units.MISSING
                continue
            shown, slack = as_number(value, unit)
            assert shown == pytest.approx(row.mean, abs=slack, rel=1e-12), (kpi + suffix, cell, unit, row.mean)
            spread = (row.ci_high - row.ci_low) / 2
            if half and not half.startswith("<"):
                assert as_number(half, unit)[0] == pytest.approx(spread, abs=slack), (kpi + suffix, cell)
            elif not half:
                assert math.isnan(spread) or spread <= 1e-9 * abs(row.mean)
            checked += 1
    assert checked > 60


def _unclear(kept) -> list[str]:
    ends = " to ".join(units.number(end, sign=True) for end in (kept.low, kept.high))
    return [f"no clear number of customers more or fewer ({ends}"]


def test_differences_are_those_of_comparison_csv(pages):
    folder = pages("three arms")
    page_text = (folder / "report.html").read_text("utf-8")
    page = Page(page_text)
    gaps = {(row.arm, row.kpi): row for row in read(folder).comparison.itertuples()}
    figures = KeyFigures(read(folder).summary, read(folder).comparison)
    found = next(cells for kpi, _, cells in page.rows if kpi == "attrition_annual")
    gap = gaps[ARMS[2], "attrition_annual"]
    ends = re.search(r"([\u2212+][\d.]+) \(([\u2212+][\d.]+) to ([\u2212+][\d.]+)\)", found[2])
    for text, wanted in zip(ends.groups(), (gap.difference, gap.ci_low, gap.ci_high), strict=True):
        shown, slack = as_number(text, "%")
        assert shown == pytest.approx(wanted, abs=slack)
    assert "(" not in found[0]  # the reference has no difference to itself
    kept = next(one for one in verdicts(figures) if one.arm == ARMS[2]).kept
    assert kept.value == pytest.approx(1e5 * gaps[ARMS[2], "retention"].difference)
    (said,) = re.findall(rf"{ARMS[2].replace('_', ' ')}” keeps ([^.]*?) of 100,000 customers to the end", page_text)
    assert said in (f"{units.number(kept.value)} more", *_unclear(kept))


def test_a_number_that_is_not_there_is_a_dash(pages):
    page = Page((pages("one month") / "report.html").read_text("utf-8"))
    cells = next(cells for kpi, _, cells in page.rows if kpi == "retention_12m")
    assert cells[0] == units.MISSING
    assert "nan" not in (pages("one month") / "report.html").read_text("utf-8").lower().replace("finance", "")


@BUILT
def test_the_answer_leads_with_retention_and_attrition(pages, world):
    folder = pages(world)
    run = read(folder)
    sentences = answer(KeyFigures(run.summary, run.comparison if len(run.arms) > 1 else None), Board(run))
    assert re.search(r"of month 0 the bank.* has [\d.]+\u00a0% .*at the end", sentences[0])
    assert re.search(r"loses [\d.]+\u00a0% .*of its active customers a year: [\d.]+\u00a0% close", sentences[1])
    assert all(sentence.endswith(".") and "nan" not in sentence.lower() for sentence in sentences)


@pytest.mark.parametrize(("events", "few"), [(29, True), (30, False)])
def test_a_rate_of_few_events_says_so_in_the_answer_and_above_it(pages, events, few):
    run = read(pages("one arm"))
    board = Board(run)
    known = Evidence(events={(board.reference, "attrition_annual"): events})
    figures = KeyFigures(run.summary, None, known)
    assert (ROUGH in answer(figures, board)[1]) == few
    assert (ROUGH in headlines(figures, board)[1].value) == few


def test_closures_and_dormancy_in_the_answer_add_up(pages):
    run = read(pages("one arm"))
    sentence = answer(KeyFigures(run.summary), Board(run))[1]
    shut, silent = (float(number) for number in re.findall(r"([\d.]+)\u00a0% (?:close|go)", sentence))
    rate = run.summary.set_index("kpi")["mean"]["attrition_annual"] * 100
    assert shut + silent == pytest.approx(rate, abs=0.1)


def test_how_to_reproduce_names_seeds_digest_and_versions(pages):
    text = (pages("one arm") / "report.html").read_text("utf-8")
    for wanted in ("--seeds 3", "python run.py verify", "0123456789abcdef" * 4, "numpy 2.4.6", "3.11.9", "Linux-6.1"):
        assert wanted in text
    from sim.reporting.run.page import seeds_option

    assert seeds_option([1, 2, 3]) == "3"
    assert seeds_option([7]) == "7,"
    assert seeds_option([2, 5]) == "2,5"


@pytest.mark.long
def test_a_customer_book_names_what_was_read_and_what_imputed(made, pages, tmp_path):
    run = made("one month")
    book = {
        "rows": 10_000,
        "sha256": "ab",
        "read": {"id": "customer_id", "aum": "balance <eur>"},
        "imputed": ["income", "digital_affinity"],
        "counts": {"ages_clipped": 3},
    }
    folder = make.write(replace(run, manifest={**run.manifest, "book": book}), tmp_path / "run")
    text = build(folder).read_text("utf-8")
    for wanted in ("10,000 customers", "<code>balance &lt;eur&gt;</code>", "digital_affinity", "ages clipped 3"):
        assert wanted in text
    assert 'id="book"' not in (pages("one month") / "report.html").read_text("utf-8")


@pytest.mark.long
def test_a_run_in_memory_keeps_the_tables_it_has(made, tmp_path):
    run = made("one month")
    folder = make.write(run, tmp_path / "run")
    make.summarise(run)[0].to_csv(folder / "summary.csv", index=False)
    before = (folder / "summary.csv").read_bytes()
    assert build(read(folder)) == folder / "report.html"
    assert (folder / "summary.csv").read_bytes() == before


# --------------------------------------------------------------------------------------------------- its assumptions


def test_what_differs_from_the_defaults_comes_first(pages):
    text = (pages("one arm") / "report.html").read_text("utf-8")
    first, everything = text.split("Where this scenario differs", 1)[1].split("Every number of the resolved", 1)
    assert "discount_rate" in first
    assert "0.08" in first
    assert "model.hazards.mass.dormant" not in first
    assert "model.hazards.mass.dormant" in everything
    assert "F6" in everything


def test_values_stay_as_written_and_are_compared_as_numbers():
    scenario = scenario_of("months: 60\nrate: 1e-2\nflag: no\ntable: {a: 0.10, b: 2}\ntiers: [{name: mass, from: 0}]\n")
    assert dict((".".join(path), value) for path, value in flatten(scenario)) == {
        "months": "60",
        "rate": "1e-2",
        "flag": "no",
        "table.a": "0.10",
        "table.b": "2",
        "tiers.mass.name": "mass",
        "tiers.mass.from": "0",
    }
    known = {"rate": {"default": 0.01, "unit": "1/year"}, "table": {"default": {"a": 0.1, "b": 3}, "plausible": [0, 5]}}
    rows = {row.path: row for row in used(scenario, known)}
    assert not rows["rate"].differs
    assert not rows["table.a"].differs
    assert rows["table.b"].differs
    assert (rows["table.b"].default, rows["table.b"].plausible) == ("3", "0 to 5")


def test_a_scenario_that_cannot_be_read_is_no_reason_to_fail():
    assert scenario_of("a: [1") == {}
    assert scenario_of("just text") == {}


def test_strategies_of_an_arm_in_words():
    arms = arms_in_words(
        scenario_of("arms:\n  nothing: []\n  both:\n    strategies: [{use: calls, from: 6}]\n    budget: 3\n")
    )
    assert arms == [("nothing", []), ("both", ["calls (from: 6)", "budget: 3"])]


def test_what_is_known_of_numbers_comes_from_a_schema():
    schema = {
        "properties": {
            "rate": {"type": "number", "unit": "1/year", "source": "F1", "plausible": [0, 1], "description": "a rate"},
            "inner": {"$ref": "#/$defs/Inner"},
            "tiers": {"anyOf": [{"items": {"$ref": "#/$defs/Tier"}, "type": "array"}, {"type": "null"}]},
        },
        "$defs": {
            "Inner": {"properties": {"table": {"type": "object", "unit": "CNY", "source": "F2"}}},
            "Tier": {"properties": {"from": {"type": "number", "unit": "CNY"}}},
        },
    }
    defaults = {"rate": 0.1, "inner": {"table": {"mass": 1.0}}, "tiers": [{"name": "mass", "from": 0.0}]}
    known = known_of(schema, defaults)
    assert known["rate"] == {"unit": "1/year", "source": "F1", "plausible": [0, 1], "about": "a rate", "default": 0.1}
    assert known["inner.table"]["default"] == {"mass": 1.0}
    assert known["tiers.mass.from"]["unit"] == "CNY"
    rows = used({"inner": {"table": {"mass": "2"}}, "tiers": [{"name": "mass", "from": "0"}]}, known)
    assert [(row.path, row.unit, row.differs) for row in rows if row.unit] == [
        ("inner.table.mass", "CNY", True),
        ("tiers.mass.from", "CNY", False),
    ]


# ------------------------------------------------------------------------------------------------------ the terminal


@BUILT
def test_the_summary_fits_a_terminal_and_is_plain(pages, world):
    run = read(pages(world))
    text = summary_table(run)
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text
    assert "nan" not in text.lower()
    if len(run.arms) > 1:
        assert sum(line.startswith(arm[:20]) for line in text.splitlines() for arm in run.arms) >= len(run.arms)
    else:
        assert text.splitlines()[0].split()[0] == "bank"
        assert re.search(r"^Attrition +% a year +[\d.]+", text, re.MULTILINE)


def test_the_summary_marks_what_is_clear(pages):
    run = read(pages("three arms"))
    comparison = run.comparison.copy()
    sure = (comparison["arm"] == ARMS[2]) & (comparison["kpi"] == "attrition_annual")
    comparison.loc[sure, "ci_low"] = comparison.loc[sure, "difference"] - 1e-5  # seeds that hardly differ
    comparison.loc[sure, "ci_high"] = comparison.loc[sure, "difference"] + 1e-5
    text = summary_table(run.summary, comparison)
    figures = KeyFigures(run.summary, comparison)
    lines = [next(line for line in text.splitlines() if line.startswith(arm)) for arm in ARMS[1:]]
    shown = ("retention", "attrition_annual", "profit_annual", "aum_end")
    for arm, line in zip(ARMS[1:], lines, strict=True):
        stars = [star for _, star in re.findall(r"\(([\u2212+][\d.]+)\)(\*?)", line)]
        assert [bool(star) for star in stars] == [figures.gap(arm, kpi).sure for kpi in shown]
    assert re.search(r"\(\u22121\.[\d]+\)\*", lines[1])
    assert "nothing" in text.splitlines()[3]


# ------------------------------------------------------------------------------------------------- numbers and labels


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (units.number(-0.0001, 2), "0.00"),
        (units.number(-1234.5, 1), "\u22121,234.5"),
        (units.number(math.nan), "\u2013"),
        (units.number(math.inf), "∞"),
        (units.number(3, 1, sign=True), "+3.0"),
        (units.percent(0.14237), "14.2\u00a0%"),
        (units.percent(math.nan), "\u2013"),
        (units.points(-0.0123, 2, sign=True), "\u22121.23\u00a0points"),
        (units.money(4.019e10, "CNY"), "CNY\u00a040.2\u00a0bn"),
        (units.money(999_999_999), "1.00\u00a0bn"),
        (units.money(-2_975_000_000, sign=True), "\u22122.98\u00a0bn"),
        (units.money(0.0, "CNY"), "CNY\u00a00.00"),
        (units.short(612), "612"),
        (units.short(925_300), "925\u00a0k"),
    ],
)
def test_numbers_read_well(text, wanted):
    assert text == wanted


@pytest.mark.parametrize(
    ("kpi", "unit", "value", "half", "wanted", "shown_unit"),
    [
        ("attrition_annual", "per year", 0.14237, 0.0002, ("14.24", "0.02"), "% a year"),
        ("attrition_annual", "per year", 0.14237, 0.004, ("14.2", "0.4"), "% a year"),
        ("attrition_annual[mass]", "per year", 0.14237, math.nan, ("14.2", ""), "% a year"),
        ("contacts_per_customer", "per year", 0.3166, 0.0004, ("0.317", "<0.001"), "a year"),
        ("aum_end", "CNY", 5.6012e10, 9e8, ("56.0", "0.9"), "CNY bn"),
        ("profit_annual", "CNY per year", -3.0e6, 0.0, ("\u22123.00", ""), "CNY m a year"),
        ("customers_end", "customers", 1_157_890.4, 1931.2, ("1,157,890", "1,931"), "customers"),
        ("satisfaction", "sd", 0.0, math.nan, ("0", ""), "SD"),
        ("retention_12m", "share", math.nan, math.nan, ("\u2013", ""), "%"),
        ("payback_months", "months", math.inf, math.nan, ("∞", ""), "months"),
    ],
)
def test_key_figures_get_the_digits_their_spread_allows(kpi, unit, value, half, wanted, shown_unit):
    look = units.display(kpi, unit, [value])
    assert (look.write(value, half), look.unit) == (wanted, shown_unit)


def test_a_clear_difference_never_looks_like_none():
    look = units.display("attrition_annual", "per year", [1e-5], difference=True)
    value, low, high = look.write_difference(2e-5, 1e-5, 3e-5)
    assert all(float(text) > 0 for text in (value, low, high))
    assert look.write_difference(1e-17, 0.5e-17, 1.5e-17, level=0.14) == ("0", "", "")


def test_one_row_has_one_scale_and_its_smallest_number_keeps_digits():
    assert units.display("clv", "CNY", [1_820.0, 70.0, 9_000.0]).divisor == 1.0
    assert units.display("clv", "CNY", [1_820.0, 70.0, 360_000.0]).divisor == 1e3
    assert units.display("aum_end", "CNY", [5.6e10, 8.2e9]).divisor == 1e9


@pytest.mark.parametrize("wanted", [[0, 0, 0], [0.1, 0.11, 3, 3.01, 3.02], [5, 5, 5, 5], [-1, 7]])
def test_labels_are_spread_apart_in_order_and_near(wanted):
    places = marks.spread(wanted, 0.5, 0.0, 6.0)
    assert all(b - a >= 0.5 - 1e-9 for a, b in itertools.pairwise(places))
    assert min(places) >= -1e-9
    assert max(places) <= 6.0 + 1e-9


def test_names_too_long_are_cut_and_sentences_wrapped():
    assert style.text_width(style.fit("a" * 300, 2.0, 9), 9) <= 2.0
    lines = style.wrap("one sentence of several words that does not fit " * 3, 3.0, 9)
    assert len(lines) > 2
    assert all(style.text_width(line, 9) <= 3.0 for line in lines)


def test_an_inlined_picture_has_its_own_ids_and_no_words_but_its_label(made):
    figure = figure_of(made("two tiers"), "tier_pyramid")
    with mpl.rc_context(style.RC):
        svg = svg_text(figure)
    text = inline.inline(svg, "x-", 'a "label" & <more>')
    assert "gold" not in text
    assert 'aria-label="a &quot;label&quot; &amp; &lt;more&gt;"' in text
    assert set(re.findall(r'id="([^"]*)"', text)) >= set(re.findall(r'href="#([^"]*)"', text))
    assert all(name.startswith("x-") for name in re.findall(r'\sid="([^"]*)"', text))
    assert len(text) < 0.85 * len(svg)


def test_an_interval_ends_where_the_quantity_does():
    values = np.array([[[0.0], [0.0], [0.0], [0.0], [0.3]]]).reshape(1, 5, 1)
    assert band(values).low[0, 0] < 0
    assert band(values, floor=0.0).low[0, 0] == 0


def test_a_tier_of_a_few_customers_does_not_hide_the_others():
    run = make.fabricate(customers=20_000, months=24, seeds=5)
    board = Board(run)
    assert board.small_tiers == [3]
    figure = figure_of(run, "attrition_by_tier")
    assert "without a band: private" in figure.get_label()
    low, high = figure.axes[0].get_ylim()
    assert low >= 0
    means = band(board.attrition()[1][0], axis=0).mean
    assert high < 1.6 * 100 * np.nanmax(means)
