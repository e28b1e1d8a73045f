"""Every sentence, title, mark and bold number of an optimisation, read against its tables by somebody else's rules.

The reader below knows nothing of the words' own code: it takes the page, the terminal's lines and the figures' titles,
and asks the CSV tables whether they may be said.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optimise_jobs import question

from sim.cli import main
from sim.experiments.optimise.run import Baseline, answer
from sim.experiments.optimise.space import Proposal
from sim.experiments.sweep.drive import SweepOptions
from sim.reporting.optimum.build import as_json, build, terminal_table
from sim.store.optimum import Optimised, read_optimised

LESS = "\N{MINUS SIGN}"
NAME = "\N{LEFT DOUBLE QUOTATION MARK}([^\N{RIGHT DOUBLE QUOTATION MARK}]+)\N{RIGHT DOUBLE QUOTATION MARK}"


def plain(text: str) -> str:
    """A page or a terminal's lines as one line of words."""
    text = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.S))
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def number(text: str) -> float:
    return float(text.replace(LESS, "-").replace(",", ""))


class Reader:
    """What the tables of an optimisation allow to be said."""

    def __init__(self, found: Optimised):
        self.found, self.facts = found, found.facts
        self.kpi, goal = found.objectives[0]["kpi"], found.objectives[0]["goal"]
        self.sign = 1.0 if goal == "maximise" else -1.0
        self.rows = {str(row["against"]): row for _, row in found.winner[found.winner["kpi"] == self.kpi].iterrows()}
        own = found.confirmed[(found.confirmed["kpi"] == self.kpi) & (found.confirmed["status"] == "ok")]
        self.best = own[own["winner"].astype(bool)]
        self.alike = own.iloc[:0]
        if len(self.best):
            same = np.isclose(own["confirmed"], self.best["confirmed"].iloc[0], rtol=1e-12, atol=0)
            self.alike = own[own["front"].astype(bool) & same]

    def side(self, row: Any) -> int:
        """1 if the best is clearly better than the row's baseline, -1 if clearly worse, 0 if that is open."""
        ends = [self.sign * float(row[end]) for end in ("ci_low", "ci_high")]
        return 1 if min(ends) > 0 else -1 if max(ends) < 0 else 0

    @property
    def wins(self) -> bool:
        return bool(self.rows) and self.side(self.rows[self.facts["reference"]]) == 1

    @property
    def loses(self) -> bool:
        return bool(self.rows) and self.sign * float(self.rows[self.facts["reference"]]["difference"]) <= 0

    def check(self, text: str, *, sentences: bool = True) -> None:
        """Everything that is said in a text."""
        without = re.sub(r"no winner", "", text, flags=re.IGNORECASE)
        somebody_wins = re.search(rf"{NAME} (?:wins|is as good as any)|\bwinner\b", without)
        if somebody_wins:
            assert self.wins, somebody_wins[0]
            assert without == text  # never beside one another
        if re.search(rf"{NAME} wins", text):
            assert len(self.alike) == 1
        if sentences:
            assert ("Nothing wins" in text or "is the best within the limits" in text) == self.loses
            assert ("only stands first" in text) == (len(self.alike) > 1)
            assert ("came out better, not clearly" in text) == (
                "Nothing wins" in text
                and self.side(self.rows[self.facts["reference"]]) == 0
                and float(self.rows[self.facts["reference"]]["difference"]) != 0.0
            )
        for one, verb, other in re.findall(rf"{NAME} (beats|is worse than|cannot be told from) {NAME}", text):
            wanted = {"beats": 1, "is worse than": -1, "cannot be told from": 0}[verb]
            assert self.side(self.row(other)) == wanted, (one, verb, other)
            assert one.replace(" ", "_") in {str(self.best["name"].iloc[0]).replace(" ", "_")}
        for told, what in re.findall(r"all|(\d+)(?: of the)?(?: \d+)? confirmed have exactly the same ([a-z ]+)", text):
            assert what
            assert not told or int(told) == len(self.alike) or f"All {told}" in text

    def row(self, spoken: str) -> Any:
        (found,) = [row for name, row in self.rows.items() if name.replace("_", " ") == spoken]
        return found


def titles(found: Optimised) -> Iterator[str]:
    """Titles of the figures as they stand on the page."""
    page = (found.path / "report.html").read_text()
    for told in re.findall(r'<svg[^>]*aria-label="([^"]+)"|<title>([^<]+)</title>', page):
        yield plain(" ".join(told))


def bold(found: Optimised) -> None:
    """Bold in the table of baselines is where the interval leaves zero out, and nowhere else."""
    page = (found.path / "report.html").read_text()
    section = page.split('<section id="against"')[1].split("</section>")[0]
    kpis = list(dict.fromkeys(found.winner["kpi"]))
    rows = re.findall(r'<tr><th scope="row">([^<]+?)(?: \(the reference\))?</th>(.*?)</tr>', section)
    assert len(rows) == found.winner["against"].nunique()
    for name, cells in rows:
        own = found.winner[found.winner["against"].str.replace("_", " ") == html.unescape(name)].set_index("kpi")
        for kpi, cell in zip(kpis, re.findall(r"<td>(.*?)</td>", cells), strict=True):
            low, high = own.loc[kpi, ["ci_low", "ci_high"]]
            assert ('class="clear"' in cell) == bool(low > 0 or high < 0), (name, kpi)


def read_all(found: Optimised) -> str:
    """Read everything that an optimisation says; returns its answer."""
    build(found.path)
    reader = Reader(found)
    page = (found.path / "report.html").read_text()
    reader.check(plain(page.split('<section id="answer"')[1].split("</section>")[0]))
    against = plain(page.split('<section id="against"')[1].split("</section>")[0])
    reader.check(against, sentences=False)
    reader.check(plain(page.split('<section id="confirmed"')[1].split("</section>")[0]), sentences=False)
    reader.check(plain(terminal_table(found)))
    for title in titles(found):
        reader.check(title, sentences=False)
    bold(found)
    assert not re.search(r"\bnan\b|\binf\b|\bNone\b(?! of)", plain(page))
    kind = as_json(found)["outcome"]
    assert (kind == "wins") == reader.wins
    return plain(page.split('<section id="answer"')[1].split("</section>")[0])


LIVES: dict[str, tuple[str, dict[str, Any]]] = {
    "a clear winner": ("Slope", {}),
    "all alike": ("Alike", {}),
    "all lose": ("Losing", {}),
    "all lose, but doing nothing is not allowed": ("Losing", {"limits": [{"kpi": "cost_annual", "at_most": -1.2}]}),
    "nothing changes": ("Nothing", {}),
    "only luck": ("Unsure", {}),
    "some luck": ("Noisy", {"objectives": [{"kpi": "npv"}, {"kpi": "attrition_annual"}]}),
    "limits forbid all": ("Slope", {"limits": [{"kpi": "cost_annual", "at_most": -1.0}]}),
    "some break": ("Broken", {}),
    "less is better, and all is worse": ("Zdt1", {"objectives": [{"kpi": "npv", "goal": "minimise"}]}),
}


def ended(case: str, out: Path, luck: int = 1) -> Optimised:
    lives, more = LIVES[case]
    asked = question(
        lives,
        2,
        candidates=8,
        generation=4,
        seeds={"first": luck, "count": 2, "most": 4},
        luck=luck,
        confirm={"first": 1000 * luck + 1, "count": 6, "best": 3},
        **more,
    )
    middle = {"x0": 0.5, "x1": 0.5}
    asked = replace(
        asked,
        baselines=[
            Baseline("equal shares", Proposal({"x0": 0.2, "x1": 0.7}, {}), None),
            Baseline("as written", Proposal(middle, {}), middle),
        ],
    )
    return read_optimised(answer(asked, SweepOptions(out)).path)


@pytest.mark.parametrize("case", LIVES)
def test_what_is_said_is_what_the_tables_say(case: str, tmp_path: Path) -> None:
    told = read_all(ended(case, tmp_path / "run"))
    wanted = {
        "a clear winner": "wins:",
        "all alike": "none is better, and",
        "all lose": "Nothing wins",
        "all lose, but doing nothing is not allowed": "is the best within the limits, which doing nothing",
        "nothing changes": "is as good as the best that was tried",
        "limits forbid all": "so there is no winner",
        "less is better, and all is worse": "Nothing wins",
    }
    assert wanted.get(case, "") in told
    if case == "all alike":
        assert "wins" not in told


@pytest.mark.parametrize("luck", range(2, 6))
def test_luck_alone_never_wins_in_words_without_an_interval(luck: int, tmp_path: Path) -> None:
    read_all(ended("only luck", tmp_path / "run", luck))


@pytest.mark.parametrize(
    ("difference", "low", "high"),
    [
        (-22_900.0, -30_000.0, -15_000.0),
        (-22_900.0, -60_000.0, 14_000.0),
        (22_900.0, -10_000.0, 56_000.0),
        (22_900.0, 15_000.0, 30_000.0),
        (0.0, 0.0, 0.0),
        (5.0, 5.0, 5.0),
        (math.nan, math.nan, math.nan),
    ],
)
def test_the_words_follow_the_interval_wherever_it_lies(difference: float, low: float, high: float, tmp_path: Path):
    found = ended("a clear winner", tmp_path / "run")
    table = found.winner.copy()
    there = table["against"] == found.facts["reference"]
    table.loc[there, ["difference", "ci_low", "ci_high"]] = difference, low, high
    table.to_csv(found.path / "optimise" / "winner.csv", index=False)
    told = read_all(read_optimised(found.path))
    assert ("\N{RIGHT DOUBLE QUOTATION MARK} wins:" in told) == (low > 0)
    assert ("Nothing wins" in told) == (difference <= 0)
    unsure = not low > 0 and not difference <= 0
    assert ("cannot be told from \N{LEFT DOUBLE QUOTATION MARK}nothing" in told) == unsure


def test_no_candidate_with_a_result(tmp_path: Path) -> None:
    asked = question("Hopeless", 2, candidates=4, generation=4, confirm={"count": 2, "best": 2})
    found = read_optimised(answer(asked, SweepOptions(tmp_path / "run")).path)
    build(found.path)
    page = plain((found.path / "report.html").read_text())
    assert "No candidate has a result on fresh seeds, so there is no winner." in page
    assert "The winner is" not in page
    assert "no winner" in terminal_table(found)


# --- the user's way -------------------------------------------------------------------------------------------------

BANK = """
name: little_mix
months: 6
burn_in: 0
population: {customers: 1500}
arms:
  nothing: []
  mix:
    budget: 3000
    strategies: [{use: digital_thinking}, {use: stratification}]
optimise:
  arm: mix
  shares: [digital_thinking, stratification]
  objectives: [{kpi: npv}, {kpi: attrition_annual}]
  candidates: 4
  generation: 4
  seeds: {count: 1, most: 2}
  confirm: {count: 3, best: 2}
"""


@pytest.mark.long
def test_a_bank_whose_strategies_only_cost_is_told_that_nothing_wins(tmp_path, capsys) -> None:
    file = tmp_path / "bank.yaml"
    file.write_text(BANK)
    assert main(["optimise", str(file), "--out", str(tmp_path / "run"), "--workers", "1", "--quiet"]) == 0
    said = plain(capsys.readouterr().out)
    found = read_optimised(tmp_path / "run")
    told = read_all(found)
    assert Reader(found).loses  # six months of cost, and nothing has taken hold yet
    assert "Nothing wins" in told
    assert "Nothing wins" in said


def test_an_inherited_generation_is_cut_with_a_word(tmp_path, capsys) -> None:
    (tmp_path / "below.yaml").write_text(
        BANK.replace("candidates: 4", "candidates: 40").replace("generation: 4", "generation: 30")
    )
    (tmp_path / "few.yaml").write_text("extends: below.yaml\nname: few\noptimise: {candidates: 8}\n")
    assert main(["validate", str(tmp_path / "few.yaml")]) == 0
    said = capsys.readouterr().out
    assert "below.yaml is 30, more than the 8 candidates; cut to 8" in said
    (tmp_path / "default.yaml").write_text(BANK.replace("  generation: 4\n", ""))
    assert main(["validate", str(tmp_path / "default.yaml")]) == 0
    assert "optimise.generation by default is 20, more than the 4 candidates; cut to 4" in capsys.readouterr().out
    (tmp_path / "both.yaml").write_text(BANK.replace("generation: 4", "generation: 6"))
    assert main(["validate", str(tmp_path / "both.yaml")]) == 2
    assert "optimise.generation: 6 is more than the 4 candidates" in capsys.readouterr().err


@pytest.mark.long
def test_an_optimisation_with_a_cut_generation_says_so_and_ends(tmp_path, capsys) -> None:
    (tmp_path / "below.yaml").write_text(
        BANK.replace("generation: 4", "generation: 30").replace("candidates: 4", "candidates: 40")
    )
    (tmp_path / "few.yaml").write_text("extends: below.yaml\nname: few\noptimise: {candidates: 4}\n")
    assert main(["optimise", str(tmp_path / "few.yaml"), "--out", str(tmp_path / "run"), "--workers", "1"]) == 0
    assert "cut to 4" in capsys.readouterr().err
    assert pd.read_csv(tmp_path / "run/optimise/candidates.csv")["generation"].max() == 1
