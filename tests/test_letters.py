"""Letters that the figures' own font lacks: never a box, never a library's warning, one line that says so."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import fabricate_report as make
import matplotlib as mpl
import pytest
import yaml
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.text import Text

from sim import cli
from sim.reporting.figures import FIGURES, Board, letters, style

QUICK = Path(__file__).parent.parent / "scenarios" / "quick.yaml"
FAMILY = "Made For A Test"
ARMS = ("什么都不做", "培训_员工", "培训_经理", "💰_money")


@pytest.fixture
def machine(monkeypatch):
    """A machine with the fonts given and no others; what other tests or the real machine know is put back."""

    def forget() -> None:
        for cached in (letters._family_of, letters.fonts, letters._letters, style._advance):
            cached.cache_clear()

    monkeypatch.setattr(letters, "_chosen", [])
    monkeypatch.setattr(letters, "_lacking", {})
    own = [entry for entry in font_manager.fontManager.ttflist if str(mpl.get_data_path()) in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)

    def of(*files: Path) -> None:
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(file) for file in files])
        forget()

    of()
    yield of
    forget()


def font_with(text: str, file: Path) -> Path:
    """A font that draws each of these letters as a square, and nothing else."""
    names = {ord(one): f"u{ord(one):04X}" for one in text}
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0)), pen.lineTo((100, 700)), pen.lineTo((900, 700)), pen.lineTo((900, 0)), pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    builder.setupGlyf(dict.fromkeys([".notdef", *names.values()], square))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names.values()], (1000, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": FAMILY, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(file)
    return file


def drawn(board: Board):
    """Every figure of a run with its visible texts, drawn with warnings as errors."""
    for plate in FIGURES:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = plate.draw(board)
            with mpl.rc_context(style.RC):
                figure.draw_without_rendering()
        yield figure, {text.get_text() for text in figure.findobj(Text) if text.get_visible()}


@pytest.mark.parametrize(
    ("currency", "word"), [("元", "yuan"), ("﷼", "rial"), ("💰", "[money bag]"), ("₿", "bitcoin"), ("測試", "[1]")]
)
def test_without_a_font_the_scenario_is_told_in_plain_stand_ins(machine, tmp_path, capfd, currency, word):
    file = tmp_path / "foreign.yaml"
    told = {"extends": str(QUICK), "about": "哪个策略划算", "currency": currency, "seeds": [1], "months": 2}
    file.write_text(yaml.safe_dump({**told, "burn_in": 0}, allow_unicode=True), encoding="utf-8")
    assert cli.main(["run", str(file), "--out", str(tmp_path / "out")]) == 0
    said = capfd.readouterr().err
    lines = [line for line in said.splitlines() if not line.startswith(("quick:", "foreign:"))]
    assert len(lines) == 1, said
    assert lines[0].startswith(f"figures: no font of this machine has {currency[0]} (U+{ord(currency[0]):04X})")
    assert "Warning" not in said
    assert "matplotlib" not in said
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert f"No font had these letters: {word} is {currency}." in page
    assert "哪个策略划算" in page
    assert f"{currency}\u00a0" in page  # the tables and sentences keep the text itself


def test_a_font_that_has_them_is_used_and_nothing_is_said(machine, tmp_path, capfd):
    machine(font_with("元", tmp_path / "one.ttf"))
    file = tmp_path / "foreign.yaml"
    told = {"extends": str(QUICK), "currency": "元", "seeds": [1], "months": 2, "burn_in": 0}
    file.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    assert cli.main(["run", str(file), "--out", str(tmp_path / "out")]) == 0
    said = capfd.readouterr().err
    assert "font" not in said
    assert "Warning" not in said
    assert "No font had" not in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert letters.families() == [letters.HOUSE, FAMILY]


def test_names_in_other_letters_get_a_number_each_the_same_in_every_figure(machine):
    run = make.fabricate(arms=ARMS, seeds=2, months=14)
    with letters.one_page():
        meanings = {}
        for figure, texts in drawn(Board(run, comparison=make.summarise(run)[1])):
            assert not letters.lacks("".join(texts))
            for name, meant in letters.in_figure(figure):
                assert meanings.setdefault(name, meant) == meant
    assert sorted(meanings.values()) == sorted(["什么都不做", "培训", "员工", "经理", "💰"])
    assert meanings["[money bag]"] == "💰"


def test_with_a_font_the_letters_themselves_are_drawn_and_measured(machine, tmp_path):
    wide = style.text_width("元", 10)
    machine(font_with("".join(sorted(set("".join(ARMS[:3])) - {"_"})), tmp_path / "many.ttf"))
    run = make.fabricate(arms=ARMS[:3], seeds=2, months=14)
    words = set()
    for figure, texts in drawn(Board(run, comparison=make.summarise(run)[1])):
        words |= texts
        assert not letters.in_figure(figure)
    assert any("培训 员工" in text for text in words)
    assert not any(re.search(r"\[\d+\]", text) for text in words)
    assert style.text_width("什么", 10) == pytest.approx(1.03 * 2 * 10 / 72, rel=0.02)  # as wide as their font says
    assert wide == pytest.approx(style.text_width("yuan", 10))


def test_a_font_of_the_list_that_is_gone_or_broken_is_no_font(machine, tmp_path):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font at all")
    machine(tmp_path / "gone.ttf", broken, font_with("元", tmp_path / "whole.ttf"))
    assert letters.drawable("元 m") == "元 m"
    assert letters.drawable("測") == "[1]"
    (tmp_path / "whole.ttf").unlink()
    letters._family_of.cache_clear(), letters._letters.cache_clear()
    assert letters.drawable("元 m") == "yuan m"


def test_what_the_house_font_has_is_left_alone_and_told_once(machine):
    for text in ("Größe \u22125 ± 3 % “nothing” … é ₹ ₺ ع 😀", "a\nb", ""):
        assert letters.drawable(text) == text
    assert letters.warning() == ""
    assert letters.drawable("🇨🇳 測試b") == "CN [1]b"
    assert letters.warning().startswith("figures: no font of this machine has 🇨 (U+1F1E8)")
    assert letters.warning() == ""
