"""Pages on paper and on a phone: nothing cut, the verdict in sight, bands and names that can be told apart."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import browser
import fabricate_report as make
import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib import rc_context
from matplotlib.collections import PolyCollection
from test_report import assert_readable, texts_of

from sim import cli
from sim.reporting.figures import FIGURES, Board, plates, style, units
from sim.reporting.figures.sweep_front import Measure, front, mixes, search_and_confirmed
from sim.reporting.figures.sweep_tornado import Swing, Tornado, tornado
from sim.reporting.run import build

CSS = (Path(style.__file__).parent.parent / "templates" / "style.css").read_text("utf-8")
QUICK = Path(__file__).parent.parent / "scenarios" / "quick.yaml"
LONG = "a strategy whose name goes on and says what it is for number"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def laid_out(figure):
    """Texts of a figure as they stand on it; its layout is asked for at once."""
    with rc_context(style.RC):
        figure.draw_without_rendering()
    return [text for text, _ in texts_of(figure)]


# ----------------------------------------------------------------------------------------- what the style says


def inside(rule: str) -> str:
    """The block of a rule of the style sheet, its inner blocks included."""
    start = CSS.index(rule) + len(rule)
    depth, end = 0, start
    while True:
        depth += {"{": 1, "}": -1}.get(CSS[end], 0)
        end += 1
        if depth == 0 and CSS[end - 1] == "}":
            return CSS[start:end]


def test_paper_is_a4_with_page_numbers_and_everything_open():
    page, paper = inside("@page "), inside("@media print ")
    assert "size: A4" in page
    assert re.search(r"@bottom-right \{ content: [^;]*counter\(page\)[^;]*counter\(pages\)", page)
    assert re.search(r"details::details-content \{[^}]*content-visibility: visible", paper)
    assert re.search(r"\.scroll \{[^}]*overflow: visible", paper)
    assert re.search(r"\bfigure,[^{]*\{ break-inside: avoid", paper)
    assert "display: table-header-group" in paper


def test_a_phone_keeps_the_first_column_and_the_verdict_in_it():
    phone = inside("@media screen and (max-width: 36rem) ")
    assert re.search(r'\.scroll th\[scope="row"\][^{]*\{[^}]*position: sticky; left: 0', phone)
    assert re.search(r"\.numbers \.narrow \{ display: block", phone)
    assert re.search(r"\.numbers \.wide \{ display: none", phone)


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """Folders with the page of a decision among so many arms."""
    known: dict[int, Path] = {}

    def of(arms: int) -> Path:
        if arms not in known:
            known[arms] = make.write(make.decided(arms, seeds=3, months=24), tmp_path_factory.mktemp("run") / "folder")
            build(known[arms])
        return known[arms]

    return of


@pytest.mark.long
@pytest.mark.parametrize("arms", [6, 12])
def test_the_verdict_of_each_arm_stands_at_its_name_and_tables_have_few_columns(decided, arms):
    text = (decided(arms) / "report.html").read_text("utf-8")
    table = text[text.index("<caption>Which arm pays") :]
    rows = re.findall(
        r'<th scope="row"[^>]*>[^<]*<span class="narrow">([^<]+)</span></th><td class="word wide">([^<]+)</td>',
        table[: table.index("</table>")],
    )
    assert len(rows) == arms - 1
    assert all(one == other for one, other in rows)
    bank = re.findall(r"<caption>The bank, arm by arm.*?</thead>", text, re.DOTALL)
    heads = [re.findall(r'<th scope="col" title="([^"]*)"', head) for head in bank]
    assert all(len(head) <= 6 for head in heads)
    assert all(head[0] == "nothing" for head in heads)
    assert sum(len(head) - 1 for head in heads) == arms - 1
    free = re.sub(r'<div class="scroll.*?</div>', "", text, flags=re.DOTALL)
    assert re.findall(r'<table class="([^"]*)"', free) == ["arms"]  # which wraps anywhere; all others can be scrolled


def test_settings_of_strategies_are_told_once_and_in_words(tmp_path):
    file = tmp_path / "settings.yaml"
    use = {"use": "personalised_service"}
    arms = {"nothing": [], "as_it_is": [use], "better": [{**use, "churn_auc": 0.8}, {"use": "staff_upskilling"}]}
    told = {"extends": str(QUICK), "seeds": [1], "months": 2, "burn_in": 0, "arms": arms}
    file.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    assert cli.main(["run", str(file), "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    arms_section = page[page.index('<section id="arms"') : page.index('<section id="key-figures"')]
    assert "churn_auc" not in arms_section
    assert re.search(r"personalised service: churn model, on perfect data 0\.8 \(default 0\.78\)", arms_section)
    label = '<th scope="row">churn model, on perfect data</th>'
    assert arms_section.count(label) == 1
    row = arms_section[arms_section.index(label) :].partition("</tr>")[0]
    assert "<td>0.78 (as it is); 0.8 (better)</td><td>0.78</td><td>AUC</td>" in row


# ------------------------------------------------------------------------------------------------------ the figures


@pytest.mark.parametrize("arms", [6, 12])
def test_names_at_the_lines_of_maturity_are_whole(arms):
    made = make.decided(arms, seeds=2, months=36)
    old = list(make.DECISION_ARMS)[1:arms]
    names = {name: f"{LONG[: 21 + place]} {place}" for place, name in enumerate(old)}
    run = make.renamed(made, names)
    board = Board(run, comparison=make.summarise(run)[1])
    figure = next(plate for plate in plates(board) if plate.name == "strategy_maturity").draw(board)
    texts = laid_out(figure)
    assert_readable("maturity", figure)
    assert not [text for text in texts if ELLIPSIS in text]
    assert [text for text in texts if text in names.values() or re.fullmatch(r"\d+ arms", text)]
    assert arms > 6 or set(texts) >= {names[old[0]], names[old[-1]]}


def test_names_of_a_tornado_are_whole():
    names = [f"{LONG} {place}" for place in range(6)] + ["short"]
    swings = [
        Swing(name, -1.0 - place, 2.0, 0.3, 0.3, "0.1 of all", "0.9 of all", True, -1.5, 2.5)
        for place, name in enumerate(names)
    ]
    figure = tornado("title", "subtitle", [Tornado("arm", "CNY m", 0.0, swings)])
    texts = laid_out(figure)
    assert_readable("tornado", figure)
    assert {text.replace("\n", " ") for text in texts} >= set(names)


def confirmed(names: list[str]) -> pd.DataFrame:
    """confirmed.csv of candidates who lie close together."""
    rows = []
    for kpi, size in (("npv", 1e6), ("attrition_annual", 0.01)):
        for place, name in enumerate(names):
            value = size * (0.1 * place - 0.3)
            rows.append(
                {
                    "candidate": place,
                    "name": name,
                    "role": "best" if place % 2 else "baseline",
                    "status": "ok",
                    "kpi": kpi,
                    "search": value + 0.05 * size,
                    "search_low": value - 0.1 * size,
                    "search_high": value + 0.2 * size,
                    "confirmed": value,
                    "confirmed_low": value - 0.12 * size,
                    "confirmed_high": value + 0.12 * size,
                    "search_seeds": 4,
                    "confirmed_seeds": 5,
                    "winner": place == 1,
                    "front": place < 2,
                    "share.one": 0.25,
                    "share.two": 0.75,
                }
            )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("count", [6, 12])
def test_names_of_the_front_and_of_the_confirmed_are_whole(count):
    names = [f"{LONG[: 24 + place]} {place}" for place in range(count)]
    table = confirmed(names)
    measures = [
        Measure("npv", "Net present value", units.display("npv", "CNY", [1e6], difference=True), 1.0),
        Measure(
            "attrition_annual",
            "Attrition",
            units.display("attrition_annual", "per year", [0.01], difference=True),
            -1.0,
        ),
    ]
    candidates = pd.DataFrame(
        {"status": ["ok"] * 9, "npv": np.linspace(-4e5, 9e5, 9), "attrition_annual": np.linspace(-0.004, 0.009, 9)}
    )
    for figure in (
        front(candidates, table, measures, "nothing", "A title", "winner"),
        search_and_confirmed(table, measures, "nothing", "A title", "winner"),
        mixes(table, ["one", "two"], measures[0], "winner"),
    ):
        texts = laid_out(figure)
        assert_readable(texts[0], figure)
        assert not [text for text in texts if ELLIPSIS in text]
        assert names[1] in {text.replace("\n", " ") for text in texts}


@pytest.mark.parametrize("arms", [2, 3, 6, 8])
def test_bands_of_many_arms_are_the_references_and_two_at_most(arms):
    run = make.fabricate(arms=tuple(f"arm_{place}" for place in range(arms)), seeds=3, months=24)
    board = Board(run, comparison=make.summarise(run)[1])
    for plate in FIGURES:
        if plate.name not in ("attrition_by_tier", "customer_flows", "tier_pyramid", "attrition_by_tenure"):
            continue
        figure = plate.draw(board)
        found = [sum(isinstance(one, PolyCollection) for one in axes.collections) for axes in figure.axes]
        assert max(found) <= 3, plate.name
        assert min(found) >= 1, plate.name  # the reference's
        assert ("Bands: the reference's" in figure.get_label()) == (arms > 3)


def test_an_arm_that_ends_outside_the_references_band_keeps_its_own():
    from sim.reporting.figures.board import Band
    from sim.reporting.figures.panels import banded

    ends = np.array([10.0, 10.5, 13.0, 7.5, 12.5, 10.2])[:, None]
    assert banded(Band(ends, ends - 1, ends + 1)) == {0, 2, 3}
    assert banded(Band(ends[:3], ends[:3] - 1, ends[:3] + 1)) == {0, 1, 2}
    unknown = np.full_like(ends, np.nan)
    assert banded(Band(ends, unknown, unknown)) == {0}


# ------------------------------------------------------------------------------------------ in a browser, if there is


BROWSED = pytest.mark.skipif(browser.CHROMIUM is None, reason="no chromium on this machine to look with")


@pytest.mark.long
@BROWSED
@pytest.mark.parametrize("arms", [6, 12])
def test_in_a_browser_nothing_sticks_out_and_the_verdict_stays_in_sight(decided, tmp_path, arms):
    page = decided(arms) / "report.html"
    assert browser.look(page, 1280, tmp_path).sticking == []
    phone = browser.look(page, 390, tmp_path, selector=".narrow")
    assert phone.sticking == []
    assert phone.page <= 390
    assert len(phone.seen) == arms - 1
    for verdict, left, right in phone.seen:  # its table scrolled to the right end
        assert verdict
        assert 0 <= left < right <= phone.width
    paper = browser.look(page, browser.PAPER, tmp_path, paper=True)
    assert (paper.sticking, paper.scrolling, paper.shut) == ([], {}, 0)


@pytest.mark.long
@BROWSED
@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="no pdftoppm on this machine to look at a PDF with")
def test_printed_pages_are_a4_and_not_half_empty(decided, tmp_path):
    from PIL import Image

    pdf = browser.printed(decided(6) / "report.html", tmp_path)
    subprocess.run(["pdftoppm", "-r", "40", "-gray", str(pdf), str(tmp_path / "sheet")], check=True)
    sheets = [np.asarray(Image.open(file)) for file in sorted(tmp_path.glob("sheet-*.pgm"))]
    assert len(sheets) > 5
    sections = (decided(6) / "report.html").read_text("utf-8").count("<section id=")
    short = []  # a section ends where it ends: the next one begins a page
    for number, sheet in enumerate(sheets[:-1], 1):
        tall, wide = sheet.shape
        assert tall / wide == pytest.approx(2**0.5, rel=0.01)
        body = sheet[: int(0.93 * tall)]  # above the page number
        last = np.flatnonzero((body < 200).any(axis=1)).max()
        short += [number] if last <= 0.5 * tall else []
        assert (sheet[int(0.94 * tall) :] < 200).any(), f"page {number} has no number"
    assert len(short) < sections, short
