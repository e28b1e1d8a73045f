"""A report in Chinese: nothing of it stays English but names, columns and codes; English is never touched."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from matplotlib.text import Text

from sim import cli
from sim.analysis.findings import find
from sim.measures.key_figures import write_key_figures
from sim.reporting.figures import NothingToShow, board, letters, plates
from sim.reporting.names import spoken_as
from sim.reporting.run import page as run_page
from sim.reporting.sweep.captions import plates as sweep_plates
from sim.reporting.sweep.page import render as render_sweep
from sim.reporting.translated import translated
from sim.store.run_reading import read
from sim.words import LANGUAGES, said, speaking, words
from sim.words.phrasebook import Phrasebook, tell, telling
from tests import fabricate_report as make
from tests import fabricate_sweep as sweeps

SCENARIOS = Path(__file__).parent.parent / "scenarios"
QUESTION = "What happens to Bank B over five years if it goes on as it is?"
# What may stay as it is in files and in the field: names, units of logarithms, files, commands, keys, works.
ALLOWED = (
    QUESTION,
    r"staff upskilling effect|stratification coverage|retention calls?|economics margin|model turnover",
    r"digital thinking|personalised se\w*|staff upskilling|human resources|four strategies|made.up|training or tools",
    r"log (HR|odds)(/\S+)?|[a-z_]+\.(csv|html|yaml|parquet)|--[a-z]+|near_threshold|win_back|`[^`]*`|\{[^}]*\}",
    r"Going dormant, mass|Discount rate|what training does to service quality|share of wealth clients who are served",
    r"model kind( is \w( or \w)?)?|model rate|managers who leave|margin on AUM",  # a stored scenario's own words
)
NAMES = (
    r"nothing|bundle|calls|one|mass|affluent|wealth|private|stratification|fintech|institutional|training_or_tools|npv"
    r"|numpy|pandas|scipy|economics\.margin|model\.turnover|arms\.\S+|logit|assumption|bank_b|Python|\w*abcdef\w*"
)
HAN = re.compile("[一-鿿]")
WORD = re.compile(r"(?<![A-Za-z])[a-z]{3,}(?![A-Za-z])|^[A-Z][a-z]{2,}$")
ENGLISH = re.compile(r"[A-Za-z]*[a-z]{2,}[ ,;:]+(?:[a-z]+[ ,;:]+)*[a-z]{2,}")


def left(texts) -> list[str]:
    """What is still English: two words in a row, or one where there is no Chinese, that are on no list."""
    found = []
    for text in texts:
        bare = re.sub("|".join(ALLOWED), " · ", text.strip(), flags=re.IGNORECASE)
        alone = re.sub(rf"(?<![A-Za-z])(?:{NAMES})(?![A-Za-z])", "·", bare)
        if match := ENGLISH.search(bare) or (None if HAN.search(alone) else WORD.search(alone)):
            found.append(f"{match[0]} | {text.strip()[:120]}")
    return sorted(set(found))


def texts_of(page: str) -> list[str]:
    """What a page shows and what its labels say, a text each."""
    page = re.sub(r"<(style|script|pre|code|svg)\b[^>]*>.*?</\1>", " · ", page, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|title|data-title)="([^"]*)"', page)
    inline = re.sub(r"</?(?:a|b|em|span|strong)\b[^>]*>", "", page)
    return [html.unescape(text) for text in [*re.findall(r">([^<]*[A-Za-z][^<]*)<", inline), *labels]]


pytestmark = pytest.mark.filterwarnings("ignore:Glyph")


@pytest.fixture
def any_font(monkeypatch):
    """As on a machine whose fonts have every letter: what is drawn is not looked at here, what is said is."""
    monkeypatch.setattr(letters, "lacks", lambda text: [])


def of_figures(shown, *drawn) -> list[str]:
    """All that figures say, their captions too."""
    found = []
    for plate in shown:
        try:
            figure = plate.draw(*drawn)
        except NothingToShow:
            continue
        ticks = [label for axes in figure.axes for label in (*axes.get_xticklabels(), *axes.get_yticklabels())]
        found += [text.get_text() for text in [*figure.findobj(Text), *ticks]]
        found += [figure.get_label(), tell(plate.heading), tell(plate.caption)]
    return [text for text in found if text.strip()]


WORLDS = {
    "arms": lambda: make.decided(arms=4, seeds=4, months=24),
    "one arm": lambda: make.fabricate(arms=("one",), seeds=3, months=24),
    "one seed": lambda: make.fabricate(arms=("nothing", "calls"), seeds=1, months=12),
    "short": lambda: make.fabricate(arms=("nothing", "calls"), seeds=3, months=6),
}


@pytest.mark.parametrize("world", list(WORLDS))
def test_no_sentence_of_a_run_is_left_in_english(world, tmp_path, any_font):
    run = read(make.write(WORLDS[world](), tmp_path / "run"))
    write_key_figures(run)
    figures, comparison = run_page.key_figures_of(run)
    shown = board.Board(run, comparison=comparison)
    with speaking("zh"), spoken_as(run.manifest):
        page = run_page.render(run, figures, comparison, [], [])
        drawn = of_figures(plates(shown), shown)
    assert '<html lang="zh">' in page
    assert left(texts_of(page)) == []
    assert left(drawn) == []


def test_no_sentence_of_a_sweep_is_left_in_english(tmp_path, any_font):
    found = find(sweeps.bank_like(tmp_path, failed=[(3, "calls", 2)]))
    with speaking("zh"), spoken_as(found.study.manifest):
        page = render_sweep(found, [])
        drawn = of_figures(sweep_plates(found), found)
    assert left([text for text in texts_of(page) if "ValueError" not in text]) == []
    assert left(drawn) == []


def test_the_search_for_english_bites():
    assert left(["一个句子", "staff upskilling", "“digital thinking” 与 log HR/SD", "见 summary.csv"]) == []
    assert left(["这里 some words stay"]) != []
    assert left(["Where it fails"]) != []
    assert left(["Cost"]) != []
    assert left(["profit 274 m"]) != []


def test_english_is_never_touched(tmp_path):
    page = "<p>The decision</p>"
    assert translated(page) is page
    with telling("en"):
        assert translated(page) is page
    with telling("zh"):
        assert translated(page) == "<p>决策</p>"


def test_tags_stay_where_they_belong():
    page = (
        '<p>Differences are taken seed by seed against <strong>nothing &amp; all</strong>.</p><td title="Source">x</td>'
    )
    with telling("zh", keep=["nothing & all"]):
        told = translated(page)
    assert told == '<p>差异逐个种子与<strong>nothing &amp; all</strong>相比。</p><td title="来源">x</td>'


def test_a_users_names_are_never_looked_up():
    book = Phrasebook("zh", keep=["value", "Which arm pays"])
    assert book.tell("value") == "value"
    assert book.tell("“value”") == "“value”"
    assert book.tell("Which arm pays") == "Which arm pays"
    assert Phrasebook("zh").tell("value") == "价值"


def test_numbers_and_brackets_keep_to_their_places():
    book = Phrasebook("zh")
    assert book.tell("12.3 % (95 % interval 11.9 to 12.7)") == "12.3 %（95 % 区间 11.9 至 12.7）"
    assert book.tell("NPS +1.1 points (−0.5 to +2.6)") == "NPS +1.1 个百分点（−0.5 至 +2.6）"
    assert book.tell("no such sentence of ours to be found") == "no such sentence of ours to be found"


def test_no_entry_takes_a_text_that_another_says_more_of():
    """Every English entry, its placeholders filled with what they stand for, comes back as its own translation."""
    english, theirs = words("en").room("told"), words("zh").room("told")
    book = Phrasebook("zh")
    wrong = [
        key for key, text in english.items() if "{" not in text and book.tell(text.format()) != theirs[key].format()
    ]
    assert wrong == []


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_report_speaks_the_language_of_its_scenario_and_of_the_command(language, tmp_path, capsys):
    made = make.fabricate(arms=("one",), seeds=1, months=6)
    made.manifest["language"] = "zh"
    folder = make.write(made, tmp_path / "run")
    page = folder / "report.html"
    assert cli.main(["report", str(folder)]) == 0
    assert '<html lang="zh">' in page.read_text("utf-8")
    assert cli.main(["report", str(folder), "--language", language]) == 0
    with speaking(language):
        assert f">{said('report.summary.title')}</h2>" in page.read_text("utf-8")
    assert cli.main(["report", str(folder), "--language", "xx"]) == 2
    assert "invalid choice: 'xx'" in capsys.readouterr().err


def test_without_a_font_figures_stay_english_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(letters, "can_write", lambda language: language == "en")
    folder = make.write(make.fabricate(arms=("one",), seeds=1, months=6), tmp_path / "run")
    assert cli.main(["report", str(folder), "--language", "zh"]) == 0
    with speaking("zh"):
        assert html.escape(said("report.summary.no_font"), quote=False) in (folder / "report.html").read_text("utf-8")


def test_the_language_changes_no_digest(tmp_path):
    from sim.experiments.prepare import prepare

    text = f"extends: {SCENARIOS}/quick.yaml\nname: told\n"
    for name, more in (("plain", ""), ("zh", "language: zh\n")):
        (tmp_path / f"{name}.yaml").write_text(text + more, "utf-8")
    plain, told = prepare([tmp_path / "plain.yaml"])[0], prepare([tmp_path / "zh.yaml"])[0]
    assert plain.digest == told.digest
    assert told.scenario.stored()["language"] == "zh"
    assert "language" not in plain.scenario.stored()
    assert json.dumps(plain.scenario.resolved()) == json.dumps(told.scenario.resolved())
