"""A bank out of answers: scores, shrinkage, weights, attitudes that go together, what is written, what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from sim.cli import main
from sim.errors import BadInput
from sim.experiments.design.worlds import plan_worlds
from sim.experiments.prepare import prepare, prepare_source
from sim.experiments.replication import Replication
from sim.experiments.survey import Question, ask
from sim.population.settings import Opening
from sim.population.synthetic import opened
from sim.survey.analysis.reliability import omega_of
from sim.survey.holding.answering import Biases, answers, believed
from sim.survey.holding.settings import Answering
from sim.survey.initial.attitudes import Affinity, Attitudes, attitudes
from sim.survey.initial.links import TARGETS, Link, Links, number, usual
from sim.survey.initial.marginals import are_marginals, published
from sim.survey.initial.measurement import measured
from sim.survey.initial.normal import correlations, cut
from sim.survey.initial.numbers import numbers
from sim.survey.initial.raking import TRIMMED_AT, raked
from sim.survey.initial.scores import Scoring, weights_of
from sim.survey.initial.strata import Pyramid, begins
from sim.survey.instrument import Instrument
from sim.survey.instrument.reading import read_instrument
from sim.survey.instrument.writing import to_yaml
from sim.survey.likeness import compare
from sim.survey.reading import read_sheets
from sim.survey.respondents import Respondents
from sim.survey.sheets import Sheets

ROOT = Path(__file__).parents[1]
CSI = Path(os.environ.get("SIM_DATA_DIR", ROOT.parent / "shared" / "data")) / "bank_csi"
AFFINITY = Affinity(0.5, 0.22)
CUSTOMERS = 20_000
CONSTRUCTS = ("sat", "imag", "expe", "val")
TRUE = np.array([[1.0, 0.75, 0.5, 0.6], [0.75, 1.0, 0.6, 0.5], [0.5, 0.6, 1.0, 0.4], [0.6, 0.5, 0.4, 1.0]])
LOADING, ITEMS = 0.7, 3
BANDS = ("18-34", "35-49", "50-64", ">=65")
BASE = """\
extends: quick
name: base
months: 2
burn_in: 0
seeds: [1]
population: {customers: 3000}
"""


def questions(items: int = ITEMS, **more: Any) -> Instrument:
    asked = [
        {"code": f"{name}{i}", "text": "?", "scale": "eleven", "construct": name}
        for name in CONSTRUCTS
        for i in range(1, items + 1)
    ]
    return Instrument.model_validate(
        {
            "name": "test",
            "scales": {"eleven": {"from": 0, "to": 10}},
            "constructs": {name: {"label": name} for name in CONSTRUCTS},
            "items": asked,
            "demographics": [{"code": "age", "text": "?"}, {"code": "tier", "text": "?"}],
        }
        | more
    )


def answered(n: int = 4000, seed: int = 1, older: float = 0.0, rich: float = 0.0, share_rich: float = 0.1) -> Sheets:
    """Sheets with known truth; satisfaction rises with age (`older`, a correlation) and is `rich` SD more in a tier."""
    rng = np.random.default_rng(seed)
    theta = rng.multivariate_normal(np.zeros(4), TRUE, n)
    age = older * theta[:, 0] + np.sqrt(1 - older**2) * rng.standard_normal(n)
    affluent = rng.random(n) < share_rich
    theta[:, 0] += rich * affluent
    table: dict[str, Any] = {}
    for j, name in enumerate(CONSTRUCTS):
        for i in range(1, ITEMS + 1):
            latent = LOADING * theta[:, j] + np.sqrt(1 - LOADING**2) * rng.standard_normal(n)
            table[f"{name}{i}"] = np.clip(np.round(6.5 + 2.2 * latent), 0, 10)
    table["age"] = np.array(BANDS, object)[np.searchsorted([-0.5, 0.3, 1.1], age)]
    table["tier"] = np.where(affluent, "affluent", "mass")
    return Sheets(questions(), pd.DataFrame(table), "answers.csv")


def pyramid(n: int = CUSTOMERS, share_rich: float = 0.1) -> Pyramid:
    rng = np.random.default_rng(5)
    tier = (rng.random(n) < share_rich).astype(np.int64)
    return Pyramid(np.clip(rng.normal(44, 14, n), 18, 85), tier, ("mass", "affluent"))


def links(**to: str) -> Links:
    known = to or {"sat": "satisfaction", "imag": "trust", "expe": "expectation"}
    return Links.model_validate({"links": {name: {"to": one} for name, one in known.items()}})


def drawn(sheets: Sheets, bank: Pyramid | None = None, **to: str) -> Attitudes:
    return attitudes(sheets, links(**to), bank or pyramid(), AFFINITY)


# --- answers as cuts of a normal --------------------------------------------------------------------------------------


def test_the_scores_of_a_half_and_half_answer_are_the_means_of_half_a_normal() -> None:
    half = cut(np.array([0.0, 1.0, 1.0, 0.0]), np.ones(4))
    assert half.scores == pytest.approx([-np.sqrt(2 / np.pi), np.sqrt(2 / np.pi)])
    assert half.spread == pytest.approx(np.sqrt(2 / np.pi))
    assert half.of_points == pytest.approx(np.sqrt(2 / np.pi))
    assert half.cuts == pytest.approx([0.0])


def test_an_answer_that_nobody_gave_keeps_the_others_where_they_are() -> None:
    found = cut(np.array([1.0, 1.0, 3.0, 3.0]), np.ones(4), [1, 2, 3])
    assert found.shares.tolist() == [0.5, 0.0, 0.5]
    assert np.all(np.diff(found.scores) >= 0)
    assert found.spread == pytest.approx(np.sqrt(2 / np.pi))


def test_correlations_are_those_of_pandas_where_sheets_miss_answers() -> None:
    rng = np.random.default_rng(2)
    table = rng.multivariate_normal(np.zeros(4), TRUE, 500)
    table[rng.random(table.shape) < 0.2] = np.nan
    assert correlations(table, np.ones(500)) == pytest.approx(pd.DataFrame(table).corr().to_numpy())


# --- scores and shrinkage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 4, 8])
def test_reliability_of_items_alike_is_that_of_spearman_and_brown(k: int) -> None:
    r = LOADING**2
    loading = np.full(k, LOADING)
    assert omega_of(loading, weights_of(loading)) == pytest.approx(k * r / (1 + (k - 1) * r))


def test_a_column_varies_by_the_reliable_part_and_correlates_as_the_constructs_do() -> None:
    found = drawn(answered(20_000))
    latent = found.scores.reliability
    r = LOADING**2 * cut(answered(20_000).table["sat1"].to_numpy(), np.ones(20_000)).spread ** 2
    closed = ITEMS * r / (1 + (ITEMS - 1) * r)
    assert latent == pytest.approx(closed, abs=0.012)
    table = np.column_stack([found.columns[name] for name in ("satisfaction", "trust", "expectation")])
    sd = found.joint.sd
    assert table.var(axis=0) == pytest.approx(latent[:3] * sd**2, rel=0.03)
    assert correlations(table, np.ones(CUSTOMERS)) == pytest.approx(TRUE[:3, :3], abs=0.03)
    seen = correlations(found.scores.z[:, :3], np.ones(20_000))
    assert np.all(seen[np.triu_indices(3, 1)] < TRUE[:3, :3][np.triu_indices(3, 1)] - 0.08)  # the scores' are less


def test_a_construct_of_one_item_is_believed_as_far_as_the_setting_says() -> None:
    instrument = questions(1)
    whole = answered()
    table = whole.table[[*instrument.codes, "age", "tier"]]
    found = attitudes(Sheets(instrument, table), links(), pyramid(), AFFINITY, scoring=Scoring(single=0.6))
    assert found.scores.reliability == pytest.approx(0.6)
    assert found.columns["satisfaction"].var() == pytest.approx(0.6, rel=0.04)


def test_missing_answers_change_little_and_half_empty_sheets_have_no_score() -> None:
    whole = answered()
    holes = whole.table.copy()
    rng = np.random.default_rng(3)
    for code in whole.instrument.codes:
        holes.loc[rng.random(len(holes)) < 0.1, code] = np.nan
    holes.loc[:9, ["sat1", "sat2"]] = np.nan
    found = drawn(Sheets(whole.instrument, holes))
    assert np.isnan(found.scores.z[:10, 0]).all()
    assert found.scores.reliability == pytest.approx(drawn(whole).scores.reliability, abs=0.03)


def test_the_same_answers_give_the_same_customers_whatever_the_order_of_sheets() -> None:
    sheets = answered(800)
    turned = Sheets(sheets.instrument, sheets.table.iloc[::-1].reset_index(drop=True))
    one, other = drawn(sheets), drawn(turned)
    assert one.columns["trust"] == pytest.approx(other.columns["trust"], abs=1e-8)


# --- weights and strata -----------------------------------------------------------------------------------------------


def test_raking_hits_every_margin_and_says_what_it_costs() -> None:
    rng = np.random.default_rng(4)
    age, tier = rng.integers(0, 3, 2000), (rng.random(2000) < 0.4).astype(np.int64)
    found = raked([(age, np.array([0.5, 0.3, 0.2])), (tier, np.array([0.85, 0.15]))], np.ones(2000))
    assert np.bincount(age, found.weights) / 2000 == pytest.approx([0.5, 0.3, 0.2], abs=1e-9)
    assert np.bincount(tier, found.weights) / 2000 == pytest.approx([0.85, 0.15], abs=1e-9)
    assert found.trimmed == 0
    assert found.effective == pytest.approx(found.weights.sum() ** 2 / (found.weights**2).sum())
    assert found.effective < 2000


def test_one_margin_is_target_over_share_and_weights_are_cut_where_a_sheet_would_speak_for_many() -> None:
    cell = np.repeat([0, 1], [90, 10])
    plain = raked([(cell, np.array([0.6, 0.4]))], np.ones(100))
    assert plain.weights[[0, -1]] == pytest.approx([0.6 / 0.9, 0.4 / 0.1])
    cell = np.repeat([0, 1], [95, 5])
    cutted = raked([(cell, np.array([0.4, 0.6]))], np.ones(100))
    assert cutted.trimmed == 5
    uncut = 0.4 / 0.95
    share = 5 * TRIMMED_AT / (5 * TRIMMED_AT + 95 * uncut)
    assert cutted.weights[-1] / cutted.weights[0] == pytest.approx(TRIMMED_AT / uncut)
    assert cutted.left == pytest.approx(0.6 - share)


def test_a_tier_that_answers_too_often_no_longer_lifts_the_mean() -> None:
    many = answered(6000, rich=0.8, share_rich=0.5)
    found = drawn(many, pyramid(share_rich=0.1))
    rich = pyramid(share_rich=0.1).tier == 1
    mean = {know.column: know.mean for know in found.known}["satisfaction"]
    assert mean < -0.15  # 0 is the sample's mean, half of whom are of the tier that says more
    assert found.columns["satisfaction"][rich].mean() > found.columns["satisfaction"][~rich].mean() + 0.4
    assert found.effective < 6000 * 0.75


def test_customers_of_an_age_have_what_those_of_that_age_answered() -> None:
    sheets = answered(8000, older=0.5)
    found = drawn(sheets)
    band = np.searchsorted([35, 50, 65], pyramid().age, side="right")
    begun = found.columns["satisfaction"]
    ours = [begun[band == k].mean() for k in range(4)]
    theirs = [found.scores.z[(sheets.table["age"] == word).to_numpy(), 0].mean() for word in BANDS]
    assert theirs[3] - theirs[0] > 0.8
    assert ours == pytest.approx(theirs, abs=0.07)  # a mean is not shrunk
    assert begun[band == 1].var() < found.scores.reliability[0]
    assert spearmanr(found.columns["expectation"], band)[0] > 0.15  # through what goes with satisfaction


def test_cells_with_few_sheets_are_weighted_with_their_neighbour_and_that_is_said() -> None:
    sheets = answered(1000)
    table = sheets.table.copy()
    table.loc[table["age"] == ">=65", "age"] = "50-64"
    table.loc[:4, "age"] = ">=65"
    found = drawn(Sheets(sheets.instrument, table))
    assert any(">=65 (5 sheets) is weighted together with 50-64" in note for note in found.notes)
    assert any("weighted to the bank's age and tier" in note for note in found.notes)


@pytest.mark.parametrize(
    ("word", "age"),
    [
        *(("36-45", 36), ("<=25", 0), (">=66", 66), (">65", 66), ("under_30", 0), ("60_plus", 60)),
        *(("45_59", 45), ("18至25岁", 18), ("30岁以下", 0), ("none", None)),
    ],
)
def test_words_of_age_are_understood(word: str, age: int | None) -> None:
    assert begins(word) == age


# --- links ------------------------------------------------------------------------------------------------------------


def test_what_a_construct_begins_is_known_by_what_it_is_of_then_by_its_name() -> None:
    ecsi = usual(questions())
    assert ecsi is not None
    assert {name: link.to for name, link in ecsi.links.items()} == {
        "sat": "satisfaction",
        "imag": "trust",
        "expe": "expectation",
    }
    shipped = usual(read_instrument("customers"))
    assert shipped is not None
    assert {link.to for link in shipped.links.values()} >= {"satisfaction", "trust", "expectation", "digital_affinity"}
    assert shipped.links["expected"].to == "expectation"
    labels = {"满意度": "满意度", "b": {"en": "Some word", "zh": "信任"}, "便利": "便利"}
    items = [{"code": f"q{i}", "text": "?", "scale": "eleven", "construct": name} for i, name in enumerate(labels)]
    own = {"languages": ["en", "zh"], "constructs": {name: {"label": label} for name, label in labels.items()}}
    made = Instrument.model_validate({"name": "cn", "scales": {"eleven": {"from": 0, "to": 10}}, "items": items} | own)
    chinese = usual(made)  # by the labels of the shipped instruments
    assert chinese is not None
    assert {name: link.to for name, link in chinese.links.items()} == {"满意度": "satisfaction", "b": "trust"}
    staff = usual(read_instrument("employees"))
    assert staff is not None
    assert {link.to for link in staff.links.values()} == {"digital_skill", "workload", "turnover"}


@pytest.mark.parametrize("name", [name for name, one in TARGETS.items() if one.form in ("ratio", "chance")])
def test_a_linked_number_moves_one_way_and_stands_where_answers_are_in_the_middle(name: str) -> None:
    link = Link.model_validate({"to": name})
    values = [number(link, 0.3, beyond) for beyond in np.linspace(-2, 2, 9)]
    assert values[4] == pytest.approx(0.3)
    assert np.all(np.diff(values) * link.steep > 0)
    assert all(0 < value < 1 for value in values)


def test_a_column_rises_with_its_link_and_a_slope_that_turns_people_round_is_refused() -> None:
    sheets = answered(1000)
    steeper = Links.model_validate({"links": {"sat": {"to": "satisfaction", "slope": 0.5, "shift": 0.2}}})
    plain = drawn(sheets, sat="satisfaction").columns["satisfaction"]
    other = attitudes(sheets, steeper, pyramid(), AFFINITY).columns["satisfaction"]
    assert other == pytest.approx(0.5 * plain + 0.2)
    with pytest.raises(ValueError, match="turns people round"):
        Link.model_validate({"to": "satisfaction", "slope": -1.0})


def test_affinity_is_a_share_by_the_models_own_law_and_the_app_has_the_share_that_says_yes() -> None:
    sheets = answered(4000)
    facts = [{"code": "age", "text": "?"}, {"code": "app", "text": "?", "of": "app_user"}]
    instrument = questions(demographics=facts)
    table = sheets.table.drop(columns="tier").assign(app=np.where(sheets.table["val1"] >= 8, "yes", "no"))
    found = drawn(Sheets(instrument, table), val="digital_affinity", app="digital_active")
    affinity, app = found.columns["digital_affinity"], found.columns["digital_active"]
    assert affinity.mean() == pytest.approx(0.5, abs=0.01)
    assert affinity.std() < 0.22
    assert set(app) == {0.0, 1.0}
    assert app.mean() == pytest.approx((table["app"] == "yes").mean(), abs=0.03)
    assert affinity[app == 1].mean() > affinity[app == 0].mean() + 0.2


def test_staff_who_mean_to_leave_raise_turnover_by_less_than_they_say() -> None:
    instrument = read_instrument("employees")
    n, rng = 200, np.random.default_rng(6)
    table = pd.DataFrame({item.code: rng.integers(3, 6, n).astype(float) for item in instrument.items})
    for item in instrument.items:
        if item.reversed:
            table[item.code] = 6.0 - table[item.code]
    known = usual(instrument)
    assert known is not None
    before = {path: 0.2 for target in TARGETS.values() for path in target.paths}
    found = {one.path: one for one in numbers(Sheets(instrument, table), known, before, 0.6)}
    assert found["managers.turnover"].value > 0.2
    ratio = found["managers.turnover"].value / 0.2
    assert found["managers.turnover_junior"].value / 0.2 == pytest.approx(ratio)
    assert found["managers.hours_per_month"].value < 0.2
    assert found["managers.digital_mean"].value == pytest.approx(4.0 - 0.3 * 0.6, abs=0.1)
    assert all(one.low < one.value < one.high for one in found.values())


# --- what a book may say, and openings --------------------------------------------------------------------------------


def test_a_book_says_trust_and_expectation_in_sd_and_others_are_imputed(tmp_path: Path) -> None:
    book = "id,aum,t,e\n" + "".join(f"{i},{1000 + i},{0.5 if i % 2 else -1},{'' if i == 3 else 2}\n" for i in range(50))
    (tmp_path / "book.csv").write_text(book)
    text = BASE.replace("{customers: 3000}", "{source: book, customers: null, file: book.csv, columns: {COLUMNS}}")
    columns = "id: id, aum: aum, trust: t, expectation: {column: e, missing: impute}"
    (tmp_path / "s.yaml").write_text(text.replace("COLUMNS", columns))
    source = prepare(tmp_path / "s.yaml")[0].customers()
    law, first = source.birth.law, source.first(1, 0)
    assert first["trust"][[0, 1]] == pytest.approx([-law.trust_sd, 0.5 * law.trust_sd])
    assert first["expectation"][0] == pytest.approx(2 * law.expectation_sd)
    (tmp_path / "t.yaml").write_text(text.replace("COLUMNS", "id: id, aum: aum"))
    imputed = prepare(tmp_path / "t.yaml")[0].customers().first(1, 0)
    assert first["expectation"][3] == imputed["expectation"][3]
    assert np.array_equal(first["satisfaction"], imputed["satisfaction"])


def test_an_opening_of_nothing_changes_no_bit_and_another_moves_everybody_alike(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(BASE)
    (tmp_path / "o.yaml").write_text("extends: s.yaml\npopulation: {opening: {satisfaction: 0.3, trust: -0.2}}\n")
    plain, moved = (prepare(tmp_path / name)[0] for name in ("s.yaml", "o.yaml"))
    source = plain.customers()
    first = source._synthetic(1, 0, np.arange(source.rows))  # as it was before there were openings
    same = opened(first, Opening(), source.birth.law)
    assert all(same[name] is first[name] for name in first)
    law, other = source.birth.law, moved.customers().first(1, 0)
    assert other["satisfaction"] - first["satisfaction"] == pytest.approx(0.3 * law.sd)
    assert other["trust"] - first["trust"] == pytest.approx(-0.2 * law.trust_sd)
    assert all(np.array_equal(other[name], first[name]) for name in first if name not in ("satisfaction", "trust"))


# --- the verb ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with answers, their instrument, and a base scenario of two arms."""
    sheets = answered(600)
    sheets.table.to_csv(tmp_path / "answers.csv", index=False)
    (tmp_path / "instrument.yaml").write_text(to_yaml(sheets.instrument), "utf-8")
    arms = "arms:\n  nothing: []\n  trained: [{use: staff_upskilling}]\n"
    (tmp_path / "base.yaml").write_text(BASE + "beliefs: {worlds: 4, vary: [managers.turnover, model]}\n" + arms)
    return tmp_path


def initialise(desk: Path, *more: str, answers: str = "answers.csv") -> int:
    base = ["--scenario", str(desk / "base.yaml"), "--out", str(desk / "bank")]
    return main(["survey", "--initialise", str(desk / answers), *base, *more])


def test_the_folder_holds_a_bank_that_runs_and_says_where_each_column_is_from(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert initialise(desk, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    by = {row["column"]: row for row in told["columns"]}
    assert {by[name]["source"] for name in ("satisfaction", "trust", "expectation")} == {"answers"}
    assert {by[name]["source"] for name in ("aum", "age", "products")} == {"base scenario"}
    assert by["digital_affinity"]["source"] == "imputed"
    assert by["satisfaction"]["error"] == pytest.approx(1 / np.sqrt(told["effective"]), rel=0.05)
    names = {path.name for path in (desk / "bank").iterdir()}
    assert names == {
        *("population.csv", "scenario.yaml", "instrument.yaml", "links.yaml"),
        *("initialised.csv", "initialised.json"),
    }
    book = pd.read_csv(desk / "bank" / "population.csv")
    assert len(book) == 3000
    ready = prepare(desk / "bank" / "scenario.yaml")[0]
    assert ready.book is not None
    assert ready.book.rows == 3000
    bank = Replication(ready, 1).bank(ready.scenario.arm_list[0])
    with bank as one:
        law = ready.customers().birth.law
        c = one.customers
        raw = (c.satisfaction[:3000].astype(np.float64) - law.mu) / law.sd
        assert raw == pytest.approx(book["satisfaction"].to_numpy(), abs=1e-4)


def test_what_answers_are_unsure_of_is_drawn_in_worlds_of_beliefs(desk: Path) -> None:
    assert initialise(desk) == 0
    ready = prepare(desk / "bank" / "scenario.yaml")[0]
    errors = ready.scenario.population.answers
    assert errors is not None
    plan, points = plan_worlds(ready)
    path = "population.opening.satisfaction"
    drawn_at = np.array([point.values[path] for point in points])
    assert drawn_at[0] == 0.0
    most = 2 * errors.columns["satisfaction"].error
    assert np.abs(drawn_at).max() == pytest.approx(most, rel=0.6)
    assert np.abs(drawn_at).max() <= most + 1e-6
    assert len(set(drawn_at)) == len(points)
    assert "managers.turnover" in {one.path for one in plan.parameters}  # what the base varied already
    world = prepare_source(ready.believed.base.source)  # nobody is asked in a world, wherever the questionnaire lies
    assert world.scenario.survey is None


def test_links_out_of_the_folder_give_the_same_bank_again(desk: Path) -> None:
    assert initialise(desk) == 0
    first = (desk / "bank" / "population.csv").read_bytes()
    (desk / "links.yaml").write_bytes((desk / "bank" / "links.yaml").read_bytes())
    assert initialise(desk, "--overwrite", "--links", str(desk / "links.yaml")) == 0
    assert (desk / "bank" / "population.csv").read_bytes() == first


def test_the_same_survey_held_on_the_bank_gives_the_answers_that_it_began_with(desk: Path) -> None:
    assert initialise(desk) == 0
    ready = prepare(desk / "bank" / "scenario.yaml")[0]
    instrument = read_instrument(desk / "bank" / "instrument.yaml")
    assert ready.scenario.survey is not None
    held = ask(ready, Question(instrument, 1500, answering=ready.scenario.survey.answering), months=[0])
    real = answered(600).table[instrument.codes]
    simulated = held.sheets[instrument.codes]
    gap = (simulated.mean() - real.mean()) / real.std()
    assert np.abs(gap).max() < 0.15  # two samples: 0.05 SD each, 12 items
    apart = simulated.corr().to_numpy() - real.corr().to_numpy()
    assert np.sqrt((apart[np.triu_indices(12, 1)] ** 2).mean()) < 0.07


@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_the_instrument_gives_shares_and_correlations_wherever_the_bank_stands(shift: float) -> None:
    """Held without luck of a small sample: on 20,000 customers of whom satisfaction alone is the model's."""
    sheets, codes = answered(20_000), questions().codes
    one = Links.model_validate({"links": {"sat": {"to": "satisfaction", "shift": shift, "slope": 0.8}}})
    # the bank has the sheets' own ages, so that weights say nothing
    shares = sheets.table["age"].value_counts(normalize=True)[list(BANDS)].to_numpy()
    age = np.repeat([25.0, 40.0, 55.0, 70.0], (shares * CUSTOMERS).round().astype(int))
    tier = np.zeros(age.size, np.int64)
    tier[::10] = 1
    found = attitudes(sheets, one, Pyramid(age, tier, ("mass", "affluent")), AFFINITY)
    instrument = measured(sheets.instrument, found)
    assert instrument.own["imag"]["expe"] == pytest.approx((0.6 - 0.75 * 0.5) / np.sqrt((1 - 0.75**2) * 0.75), abs=0.05)
    uid = np.arange(1, age.size + 1, dtype=np.uint64)
    who = Respondents("customers", 1, 0, uid, np.ones(uid.size), dict(found.columns), {}, {})
    rows, plain = np.arange(uid.size), Answering(left_out=0.0)
    _, said = believed(instrument, who, rows, plain, Biases.none())
    held, _ = answers(instrument, who, rows, said, {}, plain, Biases.none())
    real = sheets.table[codes]
    assert np.abs((held[codes].mean() - real.mean()) / real.std()).max() < 0.04  # 0.01 is luck of each of the two
    assert np.abs(held[codes].std() / real.std() - 1.0).max() < 0.03
    assert np.abs(held[codes].corr() - real.corr()).to_numpy().max() < 0.035


def test_a_sheet_that_would_speak_for_everybody_is_cut_before_anything_is_counted() -> None:
    sheets = answered(1000)
    table = sheets.table.assign(weight=np.where(np.arange(1000) == 0, 2000.0, 1.0))
    heavy, plain = drawn(Sheets(sheets.instrument, table)), drawn(sheets)
    assert heavy.scores.reliability == pytest.approx(plain.scores.reliability, abs=0.02)
    assert heavy.effective > 0.9 * plain.effective


def marginals(desk: Path, sheets: Sheets) -> Path:
    codes = sheets.instrument.codes
    shares = pd.DataFrame(
        {str(k): [(sheets.table[code] == k).mean() for code in codes] for k in range(11)}, index=codes
    )
    shares.to_csv(desk / "shares.csv")
    return desk / "shares.csv"


def test_published_marginals_are_met_with_the_correlations_beside_them(desk: Path) -> None:
    sheets = answered(4000)
    file = marginals(desk, sheets)
    codes = sheets.instrument.codes
    assert are_marginals(file)
    assert not are_marginals(desk / "answers.csv")
    alone, worth = published(file, None, Scoring())
    assert worth == 400
    assert list(alone.instrument.constructs) == list(CONSTRUCTS)
    assert alone.table[codes].mean().to_numpy() == pytest.approx(sheets.table[codes].mean().to_numpy(), abs=0.08)
    sheets.table[codes].corr().to_csv(desk / "item_correlations.csv")
    beside, _ = published(file, None, Scoring())
    assert beside.table[codes].corr().to_numpy() == pytest.approx(sheets.table[codes].corr().to_numpy(), abs=0.01)
    assert initialise(desk, answers="shares.csv") == 0
    told = json.loads((desk / "bank" / "initialised.json").read_text())
    assert told["sheets"] == 400
    assert any("neither age nor tier" in note for note in told["notes"])


# --- what is refused --------------------------------------------------------------------------------------------------


def spoilt(desk: Path, how: str) -> list[str]:
    """Spoil the answers in one way; more words of the command line."""
    table = pd.read_csv(desk / "answers.csv")
    rng = np.random.default_rng(8)
    more: list[str] = []
    match how:
        case "few":
            table = table.head(20)
        case "constant":
            table[["sat1", "sat2", "sat3"]] = 7
        case "item":
            table["sat2"] = 5
        case "against":
            table["sat2"] = 10 - table["sat2"]
        case "reliability":
            for code in ("sat1", "sat2", "sat3"):
                table[code] = rng.integers(0, 11, len(table))
        case "tier":
            table.loc[3, "tier"] = "gold"
        case "unlinked":
            (desk / "instrument.yaml").write_text(to_yaml(questions()).replace("sat", "mood").replace("imag", "look"))
            text = (desk / "instrument.yaml").read_text().replace("expe", "hope")
            (desk / "instrument.yaml").write_text(text)
            table.columns = [
                name.replace("sat", "mood").replace("imag", "look").replace("expe", "hope") for name in table
            ]
        case "links":
            (desk / "links.yaml").write_text("links:\n  sat: {to: mood}\n")
            more = ["--links", str(desk / "links.yaml")]
        case "staff":
            (desk / "links.yaml").write_text("links:\n  sat: {to: satisfaction}\n  val: {to: turnover}\n")
            more = ["--links", str(desk / "links.yaml")]
        case "shares":
            rows = "item,0,1,2\nsat1,0.2,0.3,0.5\nsat2,0.2,0.3,0.9\nsat3,0.1,0.4,0.5\n"
            (desk / "shares.csv").write_text(rows)
            (desk / "instrument.yaml").unlink()
            more = ["shares.csv"]
        case "absent":
            (desk / "links.yaml").write_text("links:\n  joy: {to: satisfaction}\n")
            more = ["--links", str(desk / "links.yaml")]
    table.to_csv(desk / "answers.csv", index=False)
    return more


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("few", "20 sheets; at least 30"),
        ("constant", "sat: no answers that differ"),
        ("item", "sat2: everybody answers alike"),
        ("against", "sat2: goes against the rest of sat; mark it reversed"),
        ("reliability", "sat: reliability -0.0"),
        ("tier", "'gold' is no tier of the scenario"),
        ("unlinked", "no construct that begins anything is known by its name (there are: mood, look, hope, val)"),
        ("links", "links.sat.to: nothing that can be begun; one of satisfaction"),
        ("staff", "val is asked of the staff"),
        ("shares", "shares.csv:3:1  sat2: shares add up to 1.4; to 1, or to 100 as percent"),
        ("absent", "joy: is linked and not in the answers"),
    ],
)
def test_answers_that_can_begin_nothing_are_refused_in_a_line_and_nothing_is_written(
    desk: Path, capsys: pytest.CaptureFixture[str], how: str, words: str
) -> None:
    more = spoilt(desk, how)
    file = more.pop() if how == "shares" else "answers.csv"
    assert initialise(desk, *more, answers=file) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err
    assert not (desk / "bank").exists()
    assert not list(desk.glob(".bank*"))


def test_a_folder_with_other_files_is_left_alone(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "bank").mkdir()
    (desk / "bank" / "thesis.doc").write_text("mine")
    assert initialise(desk, "--overwrite") == 2
    assert "holds files that are not of a bank out of answers" in capsys.readouterr().err
    assert [path.name for path in (desk / "bank").iterdir()] == ["thesis.doc"]


def test_no_construct_linked_to_a_column_is_a_mistake() -> None:
    with pytest.raises(BadInput, match="no construct is linked to a column"):
        drawn(answered(100), val="complain")


# --- a real survey, end to end ----------------------------------------------------------------------------------------


def test_bank_csi_begins_a_bank_on_which_the_same_survey_gives_the_same_answers(tmp_path: Path) -> None:
    if not (CSI / "answers.csv.gz").is_file():
        pytest.skip(f"no bank_csi under {CSI.parent}: set SIM_DATA_DIR to the folder of the public data sets")
    answers, bank = str(CSI / "answers.csv.gz"), tmp_path / "bank"
    assert main(["survey", "--initialise", answers, "--scenario", "quick", "--out", str(bank)]) == 0
    run = ["run", str(bank / "scenario.yaml"), "--months", "1", "--seeds", "1", "--quiet", "--out"]
    assert main([*run, str(tmp_path / "run")]) == 0
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert set(manifest["book"]["answers"]["columns"]) == {"satisfaction", "trust", "expectation"}
    assert "from answers to sat" in (tmp_path / "run" / "report.html").read_text()
    instrument = read_instrument(bank / "instrument.yaml")
    real, simulated = (read_sheets(file, instrument) for file in (answers, tmp_path / "run" / "answers.parquet"))
    found = compare(simulated, real)
    assert not [str(row) for row in found.items.itertuples() if row.verdict not in ("good", "acceptable")]
    assert not [str(row) for row in found.constructs.itertuples() if row.verdict not in ("good", "acceptable")]
