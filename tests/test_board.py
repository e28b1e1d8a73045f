"""The report for a board: a summary in front, A4 with a page for each section, PDF, 390 pixels."""

from __future__ import annotations

import html
import re
import shutil
import subprocess

import pytest

from sim import cli
from sim.analysis.findings import find
from sim.reporting import paper
from sim.reporting.figures import Board
from sim.reporting.names import spoken_as
from sim.reporting.run.key_figures import KeyFigures
from sim.reporting.run.summary import summary
from sim.reporting.sweep.page import render as render_sweep
from sim.reporting.sweep.page import titles
from sim.reporting.sweep.summary import summary as summary_of_sweep
from sim.words import speaking
from tests import browser
from tests import fabricate_report as make
from tests import fabricate_sweep as sweeps

needs_chromium = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine")
needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext on this machine")
FIVE = ("The question", "The answer", "How sure that is", "What to do next", "What to find out first")


def told(made: make.Made, question: str = "Which one?"):
    """The summary of a made-up run and its key figures."""
    table, comparison = make.summarise(made)
    figures = KeyFigures(table, comparison if len(made.manifest["arms"]) > 1 else None)
    board = Board(made, comparison=comparison if len(made.manifest["arms"]) > 1 else None)
    return summary(question, figures, board, None, ["The bank stays."]), figures


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with its report, of few figures' worth of data."""
    folder = make.write(
        make.fabricate(arms=("nothing", "calls"), seeds=4, months=12), tmp_path_factory.mktemp("run") / "r"
    )
    assert cli.main(["report", str(folder)]) == 0
    return folder


def test_the_first_page_has_five_answers_before_all_else(run):
    page = (run / "report.html").read_text("utf-8")
    heads = re.findall(r"<dt>(.*?)</dt>", page[page.index('id="summary"') :])[:5]
    assert tuple(heads) == FIVE
    assert page.index('id="summary"') < page.index('id="decision"')
    nav = page[page.index("<nav") : page.index("</nav>")]
    assert nav.count("<li>") == len(re.findall(r"<section id=", page))  # contents name every section


@pytest.mark.parametrize(
    ("effect", "says", "does"),
    [
        ((0.3, -3e7, 0.0), "“calls” is worth most", "Before “calls” is begun"),
        ((-0.3, 3e7, 0.0), "No arm pays for sure. The nearest is “calls”", "Stay with “nothing”"),
    ],
)
def test_the_summary_says_what_the_verdict_says(effect, says, does):
    made = make.fabricate(arms=("nothing", "calls"), seeds=6, months=36, effects=((0.0, 0.0, 0.0), effect))
    found, figures = told(made)
    gap = figures.gap("calls", "value")
    assert gap.sure
    assert found.answer[0].startswith(says)
    assert ("pays" in found.answer[0]) == (gap.value > 0) or "does not pay" in found.answer[0]
    assert found.next[0].startswith(does)
    assert "clear over 6 seeds" in found.sure[0]
    assert "did not vary its assumptions" in found.sure[1]
    assert "beliefs: {worlds: 64}" in found.first[0]


def test_one_seed_and_one_arm_promise_nothing():
    made = make.fabricate(arms=("nothing", "calls"), seeds=1, months=12)
    found, _ = told(made, "")
    assert found.question == "Which of 1 arms pays, held against “nothing”?"
    assert "chance is not ruled out" in found.sure[0]
    assert "Run more seeds" in found.next[0]
    alone, _ = told(make.fabricate(arms=("one",), seeds=2, months=12))
    assert list(alone.answer) == ["The bank stays."]
    assert "One arm alone" in alone.next[0]


def test_the_summary_of_a_sweep_is_what_its_page_says(tmp_path):
    found = find(sweeps.bank_like(tmp_path))
    headings = titles(found, found.study.compared)
    says = summary_of_sweep(found, "", headings)
    assert says.answer[0] == f"{headings['answer']}."
    assert says.next[0].startswith("The robust choice is")
    assert says.first[0] == f"{headings['drivers']}."
    assert "5 parameters" in says.question
    page = html.unescape(render_sweep(found, []))
    assert page.index(says.next[0]) < page.index('id="answer"')


def test_pdf_without_a_chromium_is_one_line_and_nothing_is_written(run, monkeypatch, capsys, tmp_path):
    before = (run / "report.html").stat().st_mtime_ns
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["report", str(run), "--pdf"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "needs Chromium" in line
    assert (run / "report.html").stat().st_mtime_ns == before
    assert not (run / "report.pdf").exists()


def test_a_browser_that_fails_is_told_and_leaves_no_file(run, monkeypatch, tmp_path, capsys):
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setattr(paper, "chromium", lambda: str(fake))
    assert cli.main(["report", str(run), "--pdf", str(tmp_path / "x.pdf")]) == 1
    assert "chromium did not print report.html" in capsys.readouterr().err
    assert not (tmp_path / "x.pdf").exists()


@needs_chromium
@needs_pdftotext
def test_the_pdf_has_the_summary_on_its_first_page_and_sections_begin_pages(run, tmp_path, capsys):
    assert cli.main(["report", str(run), "--pdf", str(tmp_path / "board.pdf")]) == 0
    assert "board.pdf" in capsys.readouterr().out
    command = ["pdftotext", "-layout", str(tmp_path / "board.pdf"), "-"]
    pages = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\f")
    for head in FIVE:
        assert head in pages[0]
    assert "Contents" in pages[0]
    page = (run / "report.html").read_text("utf-8")
    sections = re.findall(r'<section id="(?!summary)[^>]*>\s*<h2[^>]*>(.*?)</h2>', page)
    assert len(sections) > 5
    for title in sections:
        assert any(sheet.strip().startswith(title) for sheet in pages[1:]), title


@needs_chromium
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_sticks_out_on_a_phone_a_tablet_a_desk_or_paper(language, tmp_path):
    found = find(sweeps.bank_like(tmp_path))
    page = tmp_path / "page.html"
    with speaking(language), spoken_as(found.study.manifest):
        page.write_text(render_sweep(found, []), "utf-8")
    for width in (390, 800, 1280):
        seen = browser.look(page, width, tmp_path)
        assert (seen.sticking, seen.page <= width) == ([], True), width
    paper_seen = browser.look(page, browser.PAPER, tmp_path, paper=True)
    assert (paper_seen.sticking, paper_seen.scrolling, paper_seen.shut) == ([], {}, 0)
