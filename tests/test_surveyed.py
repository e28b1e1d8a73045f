"""Questionnaires in waves told in a run's report: measured, true, and what asking the same people is worth."""

from __future__ import annotations

import html
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser import CHROMIUM, look

from sim.cli import main
from sim.reporting.figures import Board
from sim.reporting.figures.board import NothingToShow
from sim.reporting.figures.waves import customers_asked
from sim.reporting.run.surveyed import surveyed
from sim.store.run_reading import read
from sim.survey.analysis.quality import KEPT, Rule, quality
from sim.survey.analysis.weighing import mean_of
from sim.survey.instrument import Instrument
from sim.survey.instrument.reading import read_instrument
from sim.survey.sheets import Sheets
from sim.survey.waves import NPS, Waves, waves

SCENARIO = """
name: asked
months: 6
burn_in: 2
seeds: [1, 2]
population: {customers: 3000}
arms:
  nothing: []
  digital: [{use: digital_thinking, lag: 1, speed: 3}]
survey:
  waves: [0, 6]
  customers: {instrument: customers, n: 120, panel: true}
"""


def instrument() -> Instrument:
    codes = [("a1", "a"), ("a2", "a"), ("nps", None)]
    return Instrument.model_validate(
        {
            "name": "short",
            "scales": {"wide": {"from": -100, "to": 100}, "eleven": {"from": 0, "to": 10}},
            "constructs": {"a": {"label": "A"}},
            "items": [
                {
                    "code": code,
                    "text": code,
                    "scale": "eleven" if code == "nps" else "wide",
                    "construct": construct,
                    "nps": code == "nps",
                }
                for code, construct in codes
            ],
        }
    )


def asked(
    *, same: bool, n: int = 4000, together: float = 0.75, shift: float = 3.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sheets of two arms, of the same people or not, whose answers correlate by `together` between arms; the truth."""
    rng = np.random.default_rng(5)
    own = rng.standard_normal((2, n))
    parts, truths = [], []
    for arm in range(2):
        latent = np.sqrt(together) * own[0 if same else arm] + np.sqrt(1 - together) * rng.standard_normal(n)
        value = 10 * latent + shift * arm
        names = [f"r{number if same else number + n * arm}" for number in range(n)]
        sheets = [f"{arm}.{number}" for number in range(n)]
        where = {"arm": ("nothing", "more")[arm], "seed": 1, "wave": 12}
        parts.append(
            pd.DataFrame(
                {
                    **where,
                    "sheet": sheets,
                    "respondent": names,
                    "weight": rng.choice([1.0, 3.0], n) if same else 1.0,
                    "a1": value,
                    "a2": value,
                    "nps": np.clip(np.rint(7 + 2 * latent), 0, 10),
                }
            )
        )
        truths.append(pd.DataFrame({**where, "sheet": sheets, "true[a]": latent + 0.3 * arm}))
    return pd.concat(parts, ignore_index=True), pd.concat(truths, ignore_index=True)


def told(answers: pd.DataFrame, truth: pd.DataFrame | None = None) -> Waves:
    scores = {("nothing", 1, 12): 10.0, ("more", 1, 12): 15.0}
    return waves(answers, truth, instrument(), scores)


def test_means_are_weighted_and_their_intervals_are_the_samples() -> None:
    answers, truth = asked(same=True)
    found = told(answers, truth)
    own = answers[answers["arm"] == "more"]
    one = mean_of(own["a1"].to_numpy(), own["weight"].to_numpy())
    row = found.means.set_index(["arm", "name"]).loc[("more", "a")]
    assert row["measured"] == pytest.approx(one.mean)
    assert row["ci_high"] - row["measured"] == pytest.approx(1.959964 * one.se)
    beside = truth[truth["arm"] == "more"]
    assert row["true"] == pytest.approx(np.average(beside["true[a]"], weights=own["weight"]))
    assert found.means.set_index(["arm", "name"]).loc[("more", NPS), "true"] == 15.0


def test_asking_the_same_people_is_worth_what_their_answers_have_in_common() -> None:
    answers, truth = asked(same=True)
    found = told(answers.drop(columns="weight"), truth).differences.set_index("name")
    assert found.loc["a", "measured"] == pytest.approx(
        answers.groupby("arm")["a1"].mean()["more"] - answers.groupby("arm")["a1"].mean()["nothing"]
    )
    assert found.loc["a", "gain"] == pytest.approx(4.0, rel=0.1)  # 1 / (1 - 0.75)
    both = answers.pivot_table(index="respondent", columns="arm", values="a1")
    gap = both["more"] - both["nothing"]
    half = 1.959964 * gap.std() / np.sqrt(len(gap))
    assert found.loc["a", "ci_high"] - found.loc["a", "measured"] == pytest.approx(half, rel=1e-3)
    assert found.loc[NPS, "true"] == 5.0
    fresh = told(*asked(same=False)).differences.set_index("name")
    assert fresh.loc["a", "gain"] == pytest.approx(1.0)


def test_one_arm_or_one_wave_has_nothing_to_be_held_against() -> None:
    answers, truth = asked(same=True, n=50)
    alone = told(answers[answers["arm"] == "nothing"], truth)
    assert alone.changes.empty
    assert alone.differences.empty
    assert np.isnan(alone.gain())
    assert len(alone.means) == 2


def in_waves(sheets: dict[int, int]) -> Waves:
    """What is told of waves with so many sheets an arm."""
    answers, truth = asked(same=True, n=50)
    each = [
        table.assign(wave=month).groupby("arm", sort=False).head(n)
        for table in (answers, truth)
        for month, n in sheets.items()
    ]
    return told(pd.concat(each[: len(sheets)], ignore_index=True), pd.concat(each[len(sheets) :], ignore_index=True))


def test_the_last_wave_with_enough_sheets_counts_and_never_month_0() -> None:
    found = in_waves({0: 50, 6: 50, 12: 9, 24: 1})
    assert set(found.means["wave"]) == {0, 6}
    assert set(found.differences["wave"]) == set(found.changes["wave"]) == {6}
    assert found.after() == "too few sheets in months 12 and 24; the last that counts is month 6"
    assert found.lacking() == ""
    none = in_waves({0: 50, 12: 9})
    assert none.differences.empty
    board: Any = SimpleNamespace(asked={"customers": none}, arms=["nothing", "more"], seeds=[1], surveyed=["customers"])
    with pytest.raises(NothingToShow, match="too few sheets in month 12"):
        customers_asked.__wrapped__(board)  # type: ignore[attr-defined]
    section = surveyed(board)
    assert section is not None
    assert section.sentences == ["Customers: too few sheets in month 12."]
    assert section.tables == []
    assert "month 0 only" in in_waves({0: 50}).lacking()


@pytest.mark.parametrize(("true", "luck"), [(2.0, True), (12.0, False)])
def test_a_difference_to_the_truth_within_the_interval_may_be_luck(true: float, luck: bool) -> None:
    score = {"arm": "more", "wave": 6, "against_wave": 0, "name": NPS, "measured": 2.9, "true": true}
    changes = pd.DataFrame([score | {"ci_low": -3.8, "ci_high": 9.5}])
    means = pd.DataFrame([{"arm": "more", "wave": wave, "name": NPS, "measured": 10.0} for wave in (0, 6)])
    found = Waves(means, changes, pd.DataFrame(columns=["arm", "wave", "gain"]), 0, 100)
    board: Any = SimpleNamespace(asked={"customers": found}, surveyed=["customers"])
    (sentence,) = surveyed(board).sentences  # type: ignore[union-attr]
    assert ("luck could make as much" in sentence, "the survey's doing" in sentence) == (luck, not luck)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("surveyed")
    (home / "asked.yaml").write_text(SCENARIO, "utf-8")
    assert main(["run", str(home / "asked.yaml"), "--out", str(home / "run"), "--quiet"]) == 0
    return home / "run"


def section(page: Path) -> str:
    text = page.read_text("utf-8").split('<section id="surveyed"')[1].split("</section>")[0]
    return html.unescape(re.sub(r"<svg.*?</svg>", "", text, flags=re.S)).replace("\N{MINUS SIGN}", "-")


@pytest.mark.long
def test_the_report_says_before_and_after_and_what_of_it_is_the_surveys_doing(folder: Path) -> None:
    run, text = read(folder), section(folder / "report.html")
    bank = run.bank.set_index(["arm", "seed", "month"])["nps"]
    answers = run.answers("answers")
    assert answers is not None
    for arm in ("nothing", "digital"):
        true = np.mean([bank[arm, seed, 6] - bank[arm, seed, 0] for seed in (1, 2)])
        (sentence,) = re.findall(rf"Under “{arm}” the net promoter score.*?</p>", text)
        numbers = [float(one) for one in re.findall(r"[-+]?\d+\.\d", sentence)]  # change, its ends, truth, doing
        assert numbers[1] < numbers[0] < numbers[2]
        assert numbers[3] == pytest.approx(true, abs=0.051)
        assert numbers[4] == pytest.approx(abs(numbers[0] - numbers[3]), abs=0.11)
        assert ("luck could make" in sentence) == (numbers[1] <= numbers[3] <= numbers[2])
    assert "key figure, which takes loyalty to be normal within a tier" in text
    assert "fresh samples would need" in text
    assert 'id="customers_asked"' in text
    assert "staff_asked" not in text
    assert (folder / "figures" / "customers_asked.svg").stat().st_size > 5000
    assert "Satisfaction" in text.split("<table")[1]


def test_the_title_of_the_figure_is_the_difference_of_the_sheets(folder: Path) -> None:
    run = read(folder)
    answers = run.answers("answers")
    assert answers is not None
    sheets = Sheets(read_instrument(folder / "answers.yaml"), answers)
    kept = answers[(quality(sheets, Rule())["verdict"] == KEPT).to_numpy()]
    last = kept[(kept["wave"] == 6) & kept["nps"].notna()]
    counts = np.select([last["nps"] >= 9, last["nps"] <= 6], [100.0, -100.0], 0.0)
    each = last.assign(counts=counts).groupby(["arm", "seed"])[["counts", "weight"]]
    score = each.apply(lambda own: np.average(own["counts"], weights=own["weight"])).groupby("arm").mean()
    title = customers_asked(Board(run)).get_label().split("\n")[0].replace("\N{MINUS SIGN}", "-")
    (said,) = re.findall(r"digital less nothing: ([-+]\d+\.\d)", title)
    assert float(said) == pytest.approx(score["digital"] - score["nothing"], abs=0.051)


def test_the_section_fits_a_phone_and_paper(folder: Path, tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no browser")
    assert not look(folder / "report.html", 390, tmp_path).sticking
    assert not look(folder / "report.html", 680, tmp_path, paper=True).scrolling


def test_a_run_without_questionnaires_has_no_such_section(originals) -> None:  # type: ignore[no-untyped-def]
    page = (originals["run"] / "report.html").read_text("utf-8")
    assert "surveyed" not in page
    assert "customers_asked" not in page
