"""Customer values: what has no end is empty and alone, intervals tell of the moves behind them, little is marked."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from sim.cli import main
from sim.measures.evidence import FEWEST, Evidence, evidence_of
from sim.measures.lifetime import chances, expected_years, kept_for_ever, migration_value, perpetual, value_error
from sim.store.run_reading import read

# mass leaves, private does not, and nobody moves between them; then the same with a way from mass to private
APART = np.array([[0.8, 0, 0.1, 0.1], [0, 1, 0, 0], [0.2, 0, 0.7, 0.1], [0, 0, 0, 1.0]])
LINKED = np.array([[0.75, 0.05, 0.1, 0.1], [0, 1, 0, 0], [0.2, 0, 0.7, 0.1], [0, 0, 0, 1.0]])
MARGIN = np.array([10.0, 100.0, 0.0, 0.0])


@pytest.mark.parametrize("discount", [0.0, 1e-17, 1e-12])
def test_only_what_can_reach_an_endless_state_is_empty(discount: float) -> None:
    V = migration_value(APART, MARGIN, discount)
    assert np.isnan(V).tolist() == [False, True, False, False]
    alone = migration_value(np.delete(np.delete(APART, 1, 0), 1, 1), [10.0, 0.0, 0.0], 0.0)
    assert V[[0, 2, 3]] == pytest.approx(alone)
    assert np.isnan(migration_value(LINKED, MARGIN, discount)).tolist() == [True, True, True, False]


def test_a_perpetuity_is_known_at_any_rate_and_worth_what_it_is() -> None:
    for chain, resting in ((APART, [False, True, False, False]), (LINKED, [True, True, True, False])):
        assert perpetual(chain, MARGIN).tolist() == resting
        assert kept_for_ever(chain, MARGIN).tolist() == [False, True, False, False]
    assert migration_value(APART, MARGIN, 0.10)[1] == pytest.approx(100.0 * 1.1 / 0.1)


def test_two_tiers_that_nobody_leaves_together_are_endless_and_idle_states_are_worth_nothing() -> None:
    pair = np.array([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5]])
    V = migration_value(pair, [1.0, 2.0, 0.0, 0.0], 0.0)
    assert np.isnan(V).tolist() == [True, True, False, False]
    assert V[2:].tolist() == [0.0, 0.0]
    assert expected_years(pair).tolist() == [math.inf] * 4


@pytest.mark.parametrize("discount", [0.0, 0.10])
def test_the_error_is_that_of_counted_moves(discount: float) -> None:
    P = np.array([[0.83, 0.02, 0.10, 0.05], [0.05, 0.88, 0.03, 0.04], [0.2, 0, 0.7, 0.1], [0, 0, 0, 1.0]])
    seen, held = np.array([4000, 1500, 2500, 0]), np.array([0.5, 0.2, 0.3, 0.0])
    rng = np.random.default_rng(1)
    draws = np.stack([rng.multinomial(n, p, size=1500) for n, p in zip(seen, P, strict=True)], axis=1)
    spread = (migration_value(chances(draws.astype(float)), np.broadcast_to(MARGIN, (1500, 4)), discount) @ held).std()
    told = value_error(P * seen[:, None], MARGIN, discount, held)
    assert told == pytest.approx(spread, rel=0.10)
    # a row that stands for four customers is a quarter of the evidence
    assert value_error(P * seen[:, None], MARGIN, discount, held, np.full(4, 4.0)) == pytest.approx(2 * told, rel=0.02)


def test_five_customers_of_whom_nobody_left_are_no_sure_thing() -> None:
    moved = np.array([[800, 0, 100, 100], [0, 5, 0, 0], [200, 0, 700, 100], [0, 0, 0, 0.0]])
    worth = migration_value(chances(moved), MARGIN, 0.10)[1]
    assert value_error(moved, MARGIN, 0.10, np.eye(4)[1]) > 0.2 * worth
    assert value_error(moved * 1000, MARGIN, 0.10, np.eye(4)[1]) < 0.1 * worth
    assert math.isnan(value_error(moved, MARGIN, 0.0, np.eye(4)[1]))


# --- the user's way -------------------------------------------------------------------------------------------------

SCENARIO = """
name: few
months: 24
burn_in: 0
seeds: {seeds}
discount_rate: {rate}
population: {{customers: 6000{agents}}}
model:
  mechanisms: {{frailty: false, tenure: false, covariates: false, contacts: false, failures: false, adoption: false,
               acquisition: false, manager_turnover: false}}
  normalise_hazards: false
  hazards:
    mass: {{close: 0.003, dormant: 0.010}}
    affluent: {{close: 0.003, dormant: 0.006}}
    wealth: {{close: 0.003, dormant: 0.004}}
    private: {{close: 0.0, dormant: 0.0}}
  transitions: {{mode: markov, matrix: {matrix}}}
arms: {{nothing: []}}
"""
APART_MATRIX = "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]"
LINKED_MATRIX = "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.7, 0.3], [0, 0, 0, 1]]"


def lived(tmp_path: Path, capsys: pytest.CaptureFixture[str], **told: str) -> tuple[str, dict[str, float], Path]:
    """What the terminal says of a run, its customer values, and its folder."""
    file, out = tmp_path / "few.yaml", tmp_path / "run"
    file.write_text(SCENARIO.format(**{"seeds": "[1]", "matrix": APART_MATRIX, "agents": "", **told}))
    assert main(["validate", str(file)]) == 0
    capsys.readouterr()
    assert main(["run", str(file), "--out", str(out), "--quiet"]) == 0
    table = read(out).summary
    return capsys.readouterr().out, table.set_index("kpi")[["mean", "ci_low", "ci_high"]].to_dict("index"), out


@pytest.mark.parametrize("rate", ["0", "0.000001"])
def test_a_tier_without_a_leaver_empties_itself_alone_and_it_is_said(tmp_path, capsys, rate) -> None:
    said, values, out = lived(tmp_path, capsys, rate=rate)
    assert math.isnan(values["clv[private]"]["mean"])
    for tier in ("mass", "affluent", "wealth"):
        one = values[f"clv[{tier}]"]
        assert one["ci_low"] < one["mean"] < one["ci_high"]
    assert math.isnan(values["clv"]["mean"])  # the bank has private customers
    text = " ".join(said.split())
    assert "^ no private customer was seen to leave: at a discount rate of" in text
    assert "customer value is empty for whoever is there or can come there" in text
    page = (out / "report.html").read_text()
    assert "no private customer was seen to leave: at a discount rate of" in page


def test_at_ten_percent_the_perpetuity_is_flagged_with_an_interval(tmp_path, capsys) -> None:
    said, values, out = lived(tmp_path, capsys, rate="0.10")
    one = values["clv[private]"]
    assert one["ci_low"] < one["mean"] < one["ci_high"]
    assert "stay for ever, a perpetuity at 10 % a year" in " ".join(said.split())
    (row,) = [line for line in said.splitlines() if line.startswith("Customer lifetime value")]
    assert [mark in cell for cell in re.split(r"\s{2,}", row)[2:] for mark in "^"] == [True, False, False, False, True]
    assert "a perpetuity at 10 % a year" in (out / "report.html").read_text()


def test_who_can_come_to_an_endless_tier_is_empty_too(tmp_path, capsys) -> None:
    _, values, _ = lived(tmp_path, capsys, rate="0", matrix=LINKED_MATRIX)
    assert [math.isnan(values[f"clv[{tier}]"]["mean"]) for tier in ("mass", "affluent", "wealth", "private")] == [
        False,
        False,
        True,
        True,
    ]


def test_a_rate_of_few_events_is_marked_on_terminal_and_page(tmp_path, capsys) -> None:
    said, _, out = lived(tmp_path, capsys, rate="0.10", seeds="[1, 2]")
    run = read(out)
    lost = run.monthly.groupby("tier")[["closed", "closed_dormant", "went_dormant"]].sum()
    events = lost["closed"] - lost["closed_dormant"] + lost["went_dormant"]
    proof = evidence_of(run)
    (row,) = [line for line in said.splitlines() if line.startswith("Attrition ")]
    cells = re.split(r"\s{2,}", row)[3:]
    for tier, cell in zip(("mass", "affluent", "wealth", "private"), cells, strict=True):
        assert proof.events["nothing", f"attrition_annual[{tier}]"] == pytest.approx(events[tier])
        assert ("~" in cell) == (events[tier] < FEWEST)
    assert any("~" in cell for cell in cells)
    assert not all("~" in cell for cell in cells)
    assert f"~ rests on fewer than {FEWEST} events" in " ".join(said.split())
    assert f"~ rests on fewer than {FEWEST} events" in (out / "report.html").read_text()


def test_rows_are_counted_and_not_the_customers_they_stand_for(tmp_path, capsys) -> None:
    _, _, out = lived(tmp_path, capsys, rate="0.10", agents=", agents: 600")
    run = read(out)
    closed = float(run.monthly.loc[run.monthly["tier"] == "mass", "closed"].sum())
    rows = evidence_of(run).events["nothing", "closure_annual[mass]"]
    assert rows < closed / 10  # 600 rows of 6,000 customers, of which mass has 60 % only


def test_words_name_seeds_where_only_some_are_endless() -> None:
    keys = [("a", "clv")]
    some = Evidence({}, {}, {keys[0]: (("private",), 2, 5)}, 0.0)
    assert "in 2 of 5 seeds" in some.words(keys)[0]
    assert "of the other seeds alone and too low" in some.words(keys)[0]
    assert Evidence().words(keys) == []
    assert Evidence().mark("a", "clv") == ""


@pytest.mark.long
def test_few_events_are_marked_in_verdicts_figures_and_json(tmp_path, capsys) -> None:
    file = tmp_path / "few.yaml"
    told = {"seeds": "[1, 2]", "rate": "0.10", "matrix": APART_MATRIX, "agents": ""}
    text = (
        SCENARIO.format(**told)
        .replace("6000", "40")
        .replace("arms: {nothing: []}", "arms: {nothing: [], digital: [{use: digital_thinking}]}")
    )
    file.write_text(text)
    out = tmp_path / "run"
    assert main(["run", str(file), "--out", str(out), "--quiet"]) == 0
    said = capsys.readouterr().out
    for head in ("how sure", "Which arm pays"):
        (block,) = [one for one in said.split("\n\n") if one.startswith(head)]
        (line,) = [one for one in block.splitlines() if one.startswith("digital")]
        assert "~" in line, block
    assert "~ fewer than 30 events" in said
    page = (out / "report.html").read_text()
    decision = page[page.index('id="decision"') : page.index('id="answer"')]
    (verdict,) = re.findall(r'<ul class="verdicts">.*?</ul>', decision, re.DOTALL)
    assert "~" in verdict
    assert "~ rests on fewer than 30 events" in decision
    (figure,) = re.findall(r'aria-label="([^"]*Active customers who closed[^"]*)"', page)
    assert "~ fewer than 30 events" in figure
    proof = evidence_of(read(out))
    for words in (["run", str(file), "--out", str(tmp_path / "again"), "--quiet"], ["compare", str(out)]):
        assert main([*words, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert any(note.startswith("~ rests on fewer than 30 events") for note in answer["notes"])
        for name, against in (("summary", None), ("comparison", "nothing")):
            if name not in answer:
                continue
            marked = {(one["arm"], one["kpi"]): one["mark"] for one in answer["marks"][name]}
            for row in answer[name]:
                key = row["arm"], row["kpi"]
                assert marked.get(key, "") == proof.mark(*key, against)
            assert marked["digital", "attrition_annual"] == "~"
