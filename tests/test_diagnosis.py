"""The four problems of a bank: measures are those of the stored tables, costs of paired arms, words what they say."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from browser import CHROMIUM, look

from sim.cli import main
from sim.reporting.diagnosis.words import against, cost_words, lines, severity
from sim.store.diagnosis_columns import DIAGNOSED
from sim.store.run_reading import RUN, Run, read
from sim.survey.analysis.quality import KEPT, Rule, quality
from sim.survey.diagnosis import BY_ARM, PROBLEMS, TOUCHED, Measure, costs, diagnosis, of_book, of_run
from sim.survey.diagnosis.of_answers import of_customers, of_employees
from sim.survey.diagnosis.of_run import lorenz, lorenz_of_run
from sim.survey.diagnosis.problems import within_scale
from sim.survey.instrument import Instrument
from sim.survey.instrument.reading import read_instrument
from sim.survey.sheets import Sheets

ROOT = Path(__file__).parent.parent
SCENARIO = """
name: small
months: 18
burn_in: 3
seeds: [1, 2, 3]
population:
  customers: 3000
  shares: {mass: 0.7, affluent: 0.15, wealth: 0.1, private: 0.05}
record: {panel: 300}
arms:
  nothing: []
  digital: [{use: digital_thinking}]
  two: [{use: digital_thinking}, {use: stratification}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("diagnosis")
    (home / "small.yaml").write_text(SCENARIO, "utf-8")
    assert main(["run", str(home / "small.yaml"), "--out", str(home / "run"), "--quiet"]) == 0
    return home / "run"


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return read(folder)


def value(table: pd.DataFrame, measure: str, group: str = "bank", column: str = "value") -> float:
    (row,) = table[(table["measure"] == measure) & (table["group"] == group)].to_dict("records")
    return float(row[column])


@pytest.mark.long
def test_measures_are_those_of_the_stored_tables_counted_another_way(run: Run) -> None:
    found = of_run(run, "nothing")
    monthly = run.monthly[run.monthly["arm"] == "nothing"]
    each = []
    for seed in (1, 2, 3):
        own = monthly[monthly["seed"] == seed].groupby("month")[["failures", "complaints", "active"]].sum()
        each.append(own["failures"].loc[1:].sum() / (own["active"].loc[:17].sum() / 12))
    assert value(found, "failures_per_customer") == pytest.approx(np.mean(each))
    half = 4.302652729911275 * np.std(each, ddof=1) / np.sqrt(3)  # Student's t with two degrees of freedom
    assert value(found, "failures_per_customer", column="ci_low") == pytest.approx(np.mean(each) - half)
    last = monthly[monthly["month"] == 18].set_index(["seed", "tier"])["aum"]
    shares = [last[seed, "private"] / last[seed].sum() for seed in (1, 2, 3)]
    assert value(found, "share_of_aum", "private") == pytest.approx(np.mean(shares))
    assert sum(value(found, "share_of_customers", tier) for tier in run.tiers) == pytest.approx(1.0)
    reach = run.reach[run.reach["arm"] == "nothing"]  # type: ignore[index]
    made = reach[reach["end"].isin(["answered", "declined", "not_reached"])]
    answered = [
        made.loc[(made["seed"] == seed) & (made["end"] == "answered"), "customers"].sum()
        / made.loc[made["seed"] == seed, "customers"].sum()
        for seed in (1, 2, 3)
    ]
    assert value(found, "answered_share") == pytest.approx(np.mean(answered))
    summary = run.summary.set_index(["arm", "kpi"])["mean"]
    assert value(found, "attrition_annual", "wealth") == summary["nothing", "attrition_annual[wealth]"]
    pressed = run.panel[(run.panel["arm"] == "nothing") & (run.panel["month"] > 0) & (run.panel["observed_state"] == 0)]  # type: ignore[index]
    above = pressed.groupby("seed").apply(
        lambda own: np.average(own["true_pressure"] > 1, weights=own["observed_weight"])
    )
    assert value(found, "above_ideal_share") == pytest.approx(above.mean())


def test_files_are_as_the_data_dictionary_declares_them(run: Run) -> None:
    assert tuple(of_run(run, "nothing")) == DIAGNOSED["diagnosis"].names
    assert tuple(costs(run, "nothing")) == DIAGNOSED["diagnosis_costs"].names


def test_a_run_is_replaced_with_what_was_made_of_it(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    (copy / "diagnosis").mkdir()
    (copy / "diagnosis" / "diagnosis.csv").write_text("", "utf-8")
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    assert not RUN.refusals(copy, manifest, overwrite=True, resume=False)
    (copy / "mine.csv").write_text("", "utf-8")
    assert RUN.refusals(copy, manifest, overwrite=True, resume=False)


def test_only_what_is_published_has_a_benchmark_and_each_has_a_row_among_the_sources(run: Run) -> None:
    found = of_run(run, "nothing")
    sources = (ROOT / "docs" / "sources.md").read_text("utf-8")
    assert set(found["source"]) - {""} == {"F6", "F7", "F48"}
    assert all(f'<a id="{key.lower()}">' in sources for key in set(found["source"]) - {""})
    bare = found[found["source"] == ""]
    assert bare[["benchmark_low", "benchmark_high"]].isna().all(axis=None)


def test_complaints_solved_are_told_only_where_no_strategy_turns_them(run: Run) -> None:
    assert value(of_run(run, "nothing"), "complaints_resolved") == 0.6
    assert "complaints_resolved" not in set(of_run(run, "digital")["measure"])


def test_a_cost_is_the_paired_difference_of_the_arm_that_adds_the_strategy_alone(run: Run) -> None:
    found = costs(run, "nothing").set_index("problem")
    kept = run.comparison.set_index(["arm", "kpi"])
    for column, kpi, end in (
        ("value", "value", "difference"),
        ("ci_low", "value", "ci_low"),
        ("cash_high", "npv", "ci_high"),
    ):
        assert found.loc["process", column] == pytest.approx(float(kept.loc[("digital", kpi), end]) / 1.5)  # type: ignore[arg-type]
    assert found.loc["process", "kind"] == BY_ARM
    assert found.loc["structure", "kind"] == TOUCHED  # `two` does more than stratification alone
    further = costs(run, "digital").set_index("problem")
    assert (further.loc["structure", "kind"], further.loc["structure", "by"]) == (BY_ARM, "two")
    assert further.loc["process", "kind"] == "unknown"
    assert "already" in str(further.loc["process", "about"])


def test_what_leavers_took_along_is_their_aum_at_what_aum_earns(run: Run) -> None:
    bank, monthly = (table[table["arm"] == "nothing"] for table in (run.bank, run.monthly))
    each = []
    for seed in (1, 2, 3):
        left = bank.loc[(bank["seed"] == seed) & (bank["month"] > 0), "aum_exited"].sum() / 1.5
        own = monthly[monthly["seed"] == seed].groupby("month")[["revenue", "aum"]].sum()
        each.append(left * own["revenue"].loc[1:].sum() / (own["aum"].loc[:17].sum() / 12))
    assert costs(run, "nothing").set_index("problem").loc["structure", "value"] == pytest.approx(np.mean(each))


def test_words_say_which_way_and_how_sure(run: Run) -> None:
    d = diagnosis(run, "nothing")
    process = PROBLEMS[0]

    def told(value: float, low: float, high: float) -> str:
        table = d.costs.assign(value=value, ci_low=low, ci_high=high, kind=BY_ARM, by="digital", cash=np.nan)
        fake = SimpleNamespace(cost_of=lambda _: _first(table), currency="CNY")
        return cost_words(fake, process).replace("\N{NO-BREAK SPACE}", " ")  # type: ignore[arg-type]

    assert told(2e5, 1e5, 3e5).startswith("Left as it is it costs CNY 200 k a year (100 to 300 k)")
    assert told(-2e5, -3e5, -1e5).startswith(
        "Mending it by “digital” costs CNY 200 k a year more than it brings (100 to"
    )
    assert told(1e5, -1e5, 3e5).startswith("The run cannot tell what it costs")
    assert "one seed" in told(1e5, np.nan, np.nan)
    assert "run one to know" in lines(d)[3][2] or "touches" in lines(d)[3][2]
    failing = 100 * value(d.measures, "failures_per_customer")
    assert f"Service fails {failing:.1f} times per 100 customers a year" in severity(d, process)

    def touched(value: float, low: float, high: float) -> str:
        table = d.costs.assign(value=value, ci_low=low, ci_high=high, kind=TOUCHED, about="of it")
        fake = SimpleNamespace(cost_of=lambda _: _first(table), currency="CNY")
        return cost_words(fake, process).replace("\N{NO-BREAK SPACE}", " ")  # type: ignore[arg-type]

    assert "touches CNY 0.33 k a year (0.10 to 1.66 k), of it" in touched(334, 100, 1660)
    assert "is worth CNY \N{MINUS SIGN}0.33 k a year (\N{MINUS SIGN}2.33 to 1.66 k)" in told(-334, -2330, 1660)
    for nothing in (touched(334, -2330, 3000), touched(-334, -2330, 1660), touched(-334, np.nan, np.nan)):
        assert nothing.endswith("do not tell from luck how much money the problem touches.")
    assert "touches CNY 334 a year, of it" in touched(334, np.nan, np.nan)


def test_a_problem_is_the_studys_until_it_is_measured() -> None:
    for problem in PROBLEMS:
        asserted, measured = problem.about.split(". Measured: whether ")
        assert asserted.startswith("The study's problem: ")
        assert asserted.removeprefix("The study's problem: ") not in problem.title
        assert measured.endswith(".")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.01, 0.43, "not to be told from"),
        (0.10, 0.24, "below"),
        (0.36, 0.50, "above"),
        (0.26, 0.34, "within"),
        (0.26, 0.36, "not to be told from"),
        (np.nan, np.nan, ""),
    ],
)
def test_only_an_interval_wholly_outside_what_is_published_is_below_or_above(
    low: float, high: float, words: str
) -> None:
    one = Measure("staff", "manager_turnover_annual", "bank", 0.21, "per year", low, high, 2, "run", 0.25, 0.35, "F48")
    assert against(one) == words


def test_a_book_counts_everybody_and_needs_no_interval() -> None:
    one = Measure("structure", "dormant_share", "bank", 0.2, "share", n=9, basis="book")
    assert against(one) == ""
    assert against(one._replace(benchmark_low=0.444, benchmark_high=0.444, source="F6")) == "below"


@pytest.mark.parametrize(
    ("measure", "unit", "ends"),
    [
        ("dormant_share", "share", (0.0, 1.0)),
        ("manager_turnover_annual", "per year", (0.0, 999.0)),
        ("nps_asked", "points", (-100.0, 100.0)),
        ("asked_digital", "points of 1 to 5", (1.0, 5.0)),
        ("service_gap", "points of 1 to 5", (-4.0, 4.0)),
        ("fatigue", "sd", (-999.0, 999.0)),
    ],
)
def test_an_interval_ends_where_its_scale_ends(measure: str, unit: str, ends: tuple[float, float]) -> None:
    wide = within_scale(Measure("staff", measure, "bank", 1.0, unit, -999.0, 999.0))
    assert (wide.ci_low, wide.ci_high) == ends
    assert np.isnan(within_scale(Measure("staff", measure, "bank", 1.0, unit)).ci_low)


@pytest.mark.parametrize(("sheets", "said"), [(9, "too few answers to say (9 sheets)"), (10, "; 10 sheets)")])
def test_what_was_asked_is_a_headline_from_ten_sheets_on_and_with_its_number(run: Run, sheets: int, said: str) -> None:
    staff, customers = staff_answers(sheets), customers_answers(sheets, gap=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "sim.survey.diagnosis.of_answers.quality", lambda s, _: pd.DataFrame({"verdict": [KEPT] * len(s.table)})
        )
        d = diagnosis(run, "nothing", customers=customers, employees=staff)
    assert said in severity(d, PROBLEMS[0])
    assert said in severity(d, PROBLEMS[3])


def staff_answers(sheets: int) -> Sheets:
    """Answers of staff to the shipped questionnaire, at random."""
    instrument = read_instrument("employees")
    rng = np.random.default_rng(3)
    answers = {item.code: rng.choice(instrument.scale_of(item.code).points, sheets) for item in instrument.items}
    return Sheets(
        instrument,
        pd.DataFrame({"sheet": [f"s{place}" for place in range(sheets)], **answers}).astype(
            {code: float for code in answers}
        ),
    )


def test_constructs_are_known_by_the_names_that_begin_a_bank_and_others_are_named() -> None:
    names = ("imag", "expe", "qual", "sat", "loy")
    instrument = Instrument.model_validate(
        {
            "name": "ecsi",
            "scales": {"ten": {"from": 1, "to": 10}},
            "constructs": {name: {"label": name.capitalize()} for name in names},
            "items": [
                {"code": f"{name}{number}", "text": name, "scale": "ten", "construct": name}
                for name in names
                for number in (1, 2)
            ],
        }
    )
    rng = np.random.default_rng(4)
    table = pd.DataFrame({item.code: rng.integers(1, 11, 200).astype(float) for item in instrument.items})
    found, notes = of_customers(Sheets(instrument, table.assign(sheet=[f"s{place}" for place in range(200)])))
    assert set(found["measure"]) == {"asked_satisfaction", "asked_trust", "asked_expectation", "asked_loyalty"}
    assert value(found, "asked_satisfaction") == pytest.approx(table[["sat1", "sat2"]].mean(axis=1).mean(), abs=0.1)
    assert notes[-1].endswith("so not told: qual")


def test_a_bank_without_managers_says_so_and_does_without(
    run: Run,
) -> None:
    none = replace(run, bank=run.bank.assign(customers_managed=0.0))
    d = diagnosis(none, "nothing")
    assert "staff" not in set(d.measures["problem"])
    assert severity(d, PROBLEMS[3]) == "This bank has no named managers, so the run says nothing of them."
    assert "no named managers" in cost_words(d, PROBLEMS[3])
    assert "staff" in set(diagnosis(run, "nothing").measures["problem"])


def test_true_skills_are_in_one_unit(run: Run) -> None:
    found = of_run(run, "nothing").set_index("measure")
    bank = run.bank[(run.bank["arm"] == "nothing") & (run.bank["month"] > 0)]
    points = bank.groupby("seed")["digital_skill"].mean().mean()
    managers = yaml.safe_load(run.scenario_text)["managers"]
    expected = (points - managers["digital_mean"]) / managers["digital_sd"]
    assert found.loc["digital_skill", "value"] == pytest.approx(expected)
    assert found.loc["digital_skill", "unit"] == found.loc["professional_skill", "unit"] == "sd"


def _first(table: pd.DataFrame) -> object:
    from sim.survey.diagnosis import Cost

    return Cost(*table.iloc[0])


def customers_answers(sheets: int = 400, gap: float = 0.0) -> Sheets:
    """Answers to the shipped questionnaire in which service falls short by so many points."""
    instrument = read_instrument("customers")
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"sheet": [f"s{number}" for number in range(sheets)]})
    for item in instrument.items:
        points = instrument.scale_of(item.code).points
        table[item.code] = rng.choice([points[1], points[2]] if item.reversed else [points[2], points[3]], sheets)
        table[item.code] = table[item.code].astype(float)
        if item.role == "expectation":
            table[item.code] += gap
    return Sheets(instrument, table)


def test_gaps_are_within_a_sheet_and_the_score_is_promoters_less_detractors() -> None:
    sheets = customers_answers(gap=1.0)
    table, notes = of_customers(sheets)
    kept = (quality(sheets, Rule())["verdict"] == KEPT).to_numpy()
    assert notes[0] == f"customers' answers: {(~kept).sum()} of 400 sheets left out as empty or careless"
    assert len(notes) == 2
    assert notes[1].endswith("so not told: eservice, ease")
    turned = sheets.answers()[kept]
    names = {"reliability": ["rel1", "rel2"], "assurance": ["ass1", "ass2"]}
    for name, codes in names.items():
        expected = turned[f"exp_{name[:3]}"]
        gap = (turned[codes].mean(axis=1) - expected).mean()
        assert value(table, "service_gap", name.capitalize()) == pytest.approx(gap)
    assert value(table, "service_gap") == pytest.approx(-1.0, abs=0.1)
    asked = sheets.table["nps"][kept]
    assert value(table, "nps_asked") == pytest.approx(100 * ((asked >= 9).mean() - (asked <= 6).mean()))


def test_self_rated_skills_stand_beside_the_true_ones_by_segment() -> None:
    instrument = read_instrument("employees")
    rng = np.random.default_rng(2)
    true = rng.standard_normal(600)
    table = pd.DataFrame(
        {"sheet": [str(number) for number in range(600)], "tier": np.repeat(["wealth", "private"], 300)}
    )
    for item in instrument.items:
        latent = 0.35 * true + 0.94 * rng.standard_normal(600)
        answers = np.clip(np.rint(3 + latent), 1, 5)
        table[item.code] = 6 - answers if item.reversed else answers
    truth = pd.DataFrame({"sheet": table["sheet"], "true[digital]": true, "true[professional]": true + 1.0})
    found, notes = of_employees(Sheets(instrument, table), truth)
    kept = found[found["measure"] == "true_professional"].set_index("group")
    assert set(kept.index) == {"bank", "wealth", "private"}
    assert kept.loc["bank", "value"] == pytest.approx(1.0, abs=0.15)
    low, high = (value(found, "self_knowledge_digital", column=end) for end in ("ci_low", "ci_high"))
    assert 0.2 < low < value(found, "self_knowledge_digital") < high < 0.9
    alone, more = of_employees(Sheets(instrument, table.drop(columns="tier")))
    assert set(alone["group"]) == {"bank"}
    assert any("segment" in note for note in more)
    assert not any("segment" in note for note in notes)


def test_lorenz_and_gini_of_a_book_are_the_textbooks() -> None:
    people = pd.DataFrame(
        {
            "tier": [0, 0, 0, 1],
            "aum": [0.0, 100.0, 100.0, 800.0],
            "active": [True, True, False, True],
            "app": [True, False, False, True],
            "products": [1.0, 2.0, 1.0, 3.0],
            "managed": [False, False, False, True],
            "weight": [2.0, 1.0, 1.0, 1.0],
        }
    )
    table, curve = of_book(people, ["mass", "private"])
    assert curve is not None
    assert curve.customers == pytest.approx([0, 0.4, 0.6, 0.8, 1.0])
    assert curve.aum == pytest.approx([0, 0, 0.1, 0.2, 1.0])
    held = np.array([0, 0, 100, 100, 800.0])
    gini = np.abs(held[:, None] - held).mean() / (2 * held.mean())
    assert value(table, "aum_gini") == pytest.approx(gini)
    assert value(table, "dormant_share") == pytest.approx(0.2)
    assert value(table, "products") == pytest.approx((2 * 1 + 2 + 3) / 4)
    assert value(table, "share_of_aum", "private") == pytest.approx(0.8)
    assert value(table, "top_share") == pytest.approx(800 / 1000 * 0.0212 / 0.2)
    silent, _ = of_book(people.assign(active=True), ["mass", "private"])
    assert "dormant_share" not in set(silent["measure"])  # a book that names nobody dormant does not say that nobody is


def test_without_tracked_customers_the_curve_is_by_tier_and_says_so(run: Run) -> None:
    tracked = lorenz_of_run(run, "nothing")
    assert tracked is not None
    assert "tracked customers" in tracked.words
    lean = SimpleNamespace(**{name: getattr(run, name) for name in ("seeds", "tables", "tiers")}, panel=None)
    curve = lorenz_of_run(lean, "nothing")  # type: ignore[arg-type]
    assert curve is not None
    assert len(curve.customers) == 1 + len(run.tiers)
    assert "within a tier all are taken to hold alike" in curve.words
    assert lorenz(np.ones(4), np.ones(4), "").aum == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])


def test_the_verb_writes_tables_and_a_page_with_four_sections(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    assert main(["diagnose", str(folder), "--out", str(out), "--quiet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["problem"] for one in told["problems"]] == [problem.name for problem in PROBLEMS]
    page = (out / "diagnosis.html").read_text("utf-8")
    for problem, one in zip(PROBLEMS, told["problems"], strict=True):
        section = page.split(f'<section id="{problem.name}"')[1].split("</section>")[0]
        assert one["severity"].replace("'", "&#39;") in section
        assert "<svg" in section
    assert pd.read_csv(out / "diagnosis.csv")["problem"].unique().tolist() == [problem.name for problem in PROBLEMS]
    assert len(pd.read_csv(out / "diagnosis_costs.csv")) == 4
    assert {"service_gap", "nps_asked"} <= {one["measure"] for one in told["measures"]}  # asked of the model
    assert main(["diagnose", str(folder), "--out", str(out), "--quiet"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    if CHROMIUM:
        for width in (390, 1100):
            seen = look(out / "diagnosis.html", width, tmp_path)
            assert not seen.sticking
            assert seen.page <= seen.width
        assert not look(out / "diagnosis.html", 680, tmp_path, paper=True).scrolling


def test_real_answers_stand_for_those_of_the_model(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = customers_answers(gap=1.0).table
    table.to_csv(tmp_path / "real.csv", index=False)
    words = ["diagnose", str(folder), "--out", str(tmp_path / "out"), "--customers", str(tmp_path / "real.csv")]
    assert main([*words, "--arm", "digital", "--json"]) == 0
    told, said = capsys.readouterr()
    found = pd.DataFrame(json.loads(told)["measures"])
    assert value(found, "service_gap") == pytest.approx(-1.0, abs=0.1)
    assert "real.csv, 400 sheets" in said
    assert json.loads(told)["arm"] == "digital"


def test_a_run_that_cannot_live_again_is_diagnosed_without_answers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder, tmp_path / "run", ignore=shutil.ignore_patterns("figures"))
    file = tmp_path / "run" / "scenario.yaml"
    file.write_text(file.read_text("utf-8") + "later: 1\n", "utf-8")
    assert main(["diagnose", str(tmp_path / "run"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum("not asked of the model" in note and "later" in note for note in told["notes"]) == 2
    assert any("no answers of customers and staff" in note for note in told["notes"])
    assert "failures_per_customer" in {one["measure"] for one in told["measures"]}
    assert (tmp_path / "run" / "diagnosis" / "diagnosis.html").exists()


def test_a_book_is_read_and_lived_for_a_year(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = ROOT / "scenarios" / "customer_book.yaml"
    assert main(["diagnose", str(scenario), "--out", str(tmp_path / "book"), "--quiet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = pd.DataFrame(told["measures"])
    book = pd.read_csv(ROOT / "scenarios" / "data" / "example_book.csv.gz")
    held = np.sort(book["average_balance"].to_numpy())[::-1]
    top = held.cumsum() / held.sum()
    expected = np.interp(0.0212, np.arange(1, len(held) + 1) / len(held), top)
    assert value(found, "top_share") == pytest.approx(expected, abs=2e-3)
    assert value(found, "digital_active_share") == pytest.approx((book["app_user"] == "Y").mean(), abs=1e-9)
    assert value(found, "attrition_annual") > 0
    assert any("12 months lived from it with one seed" in note for note in told["notes"])
    assert {one["kind"] for one in told["costs"]} <= {TOUCHED, "unknown"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no_such_folder"], "no such folder"),
        (["{empty}"], "not a results folder: it has no manifest.json"),
        (["{run}", "--arm", "digitall"], "unknown arm 'digitall'; did you mean"),
        (["book.csv"], "there is no such file; name the scenario that reads it"),
        (["{root}/scenarios/data/example_book.csv.gz"], "a book alone is not enough"),
        (["{root}/scenarios/quick.yaml"], "population.source: its customers are drawn, not of a book"),
        (
            ["{run}", "--employees", "{customers}/answers.csv"],
            "which asks customers; --employees takes those of managers",
        ),
    ],
)
def test_bad_input_is_a_line(
    words: list[str], said: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    home = tmp_path / "customers"
    home.mkdir()
    customers_answers(20).table.to_csv(home / "answers.csv", index=False)
    shipped = ROOT / "sim" / "survey" / "instrument" / "shipped" / "customers.yaml"
    (home / "instrument.yaml").write_bytes(shipped.read_bytes())
    places = {"empty": tmp_path / "empty", "run": folder, "root": ROOT, "customers": home}
    out = tmp_path / "out"
    assert main(["diagnose", *(word.format(**places) for word in words), "--out", str(out), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()
