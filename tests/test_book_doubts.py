"""What a book's words and amounts were taken for is said, and a doubt where they may mean something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.cli import main

SCENARIO = (
    "name: s\nmonths: 2\nseeds: [1]\npopulation:\n"
    "  {{source: book, file: book.csv, {more}currency_scale: 1.0, columns: {columns}}}\n"
)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Validate a book under a mapping: the lines of stdout, which must be in order."""
    monkeypatch.chdir(tmp_path)

    def asked(book: str, columns: str = "{id: id, aum: aum}", more: str = "") -> list[str]:
        Path("book.csv").write_text(book, "utf-8")
        Path("s.yaml").write_text(SCENARIO.format(columns=columns, more=more), "utf-8")
        code = main(["validate", "s.yaml"])
        told = capsys.readouterr()
        assert code == 0, told.err
        assert told.err == ""
        return told.out.splitlines()

    return asked


def amounts(*cells: str) -> str:
    return "id;aum\n" + "".join(f"c{k};{cell}\n" for k, cell in enumerate(cells))


@pytest.mark.parametrize(
    ("cells", "doubted"),
    [
        (("692.176", "1.250", "20.500"), True),
        (("692.176", "1.250", "512"), True),
        (("¥692.176", "1.250 CNY", "512 元"), True),
        (("692.176", "1.250", "0", "0", "0", "0"), True),  # a zero looks the same either way
        (("692.176", "1.250", "0.500"), False),
        (("692.17", "1.250"), False),
        (("¥692.17", "1.250"), False),
        (("0", "0", "512"), False),
    ],
)
def test_amounts_that_may_be_thousands_are_doubted(cells: tuple[str, ...], doubted: bool, ask) -> None:
    said = [line for line in ask(amounts(*cells)) if "doubt" in line]
    assert len(said) == doubted
    if doubted:
        assert "look like 1.234, read as 1.234 and not as 1,234" in said[0]
        assert "692" not in said[0]  # doubts stand in the manifest, which tells no amount of a customer
        for decimal in ("comma", "point"):
            assert not any("doubt" in line for line in ask(amounts(*cells), more=f"decimal: {decimal}, "))


def churn(*words: str) -> str:
    return "id,aum,Churn\n" + "".join(f"c{k},{k},{word}\n" for k, word in enumerate(words))


def test_what_each_word_became_is_said_an_empty_one_too(ask) -> None:
    out = ask(churn("Yes", "No", "No", ""), '{id: id, aum: aum, state: {column: Churn, active: ["No", ""]}}')
    assert "s.yaml: book: state from Churn: No is active (2), (empty) is active (1), Yes is dormant (1)" in out


def test_a_label_that_runs_the_other_way_is_doubted_and_can_be_turned(ask) -> None:
    book = churn("Yes", "No", "No", "No")
    out = ask(book, "{id: id, aum: aum, state: Churn}")
    assert "s.yaml: book: state from Churn: No is dormant (3), Yes is active (1)" in out
    assert any("doubt: the column Churn sounds like customers who are gone" in line for line in out)
    for form in ("inverted: true", 'active: ["No"]'):
        out = ask(book, f"{{id: id, aum: aum, state: {{column: Churn, {form}}}}}")
        assert "s.yaml: book: state from Churn: No is active (3), Yes is dormant (1)" in out
        assert not any("doubt" in line for line in out)
