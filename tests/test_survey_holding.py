"""A questionnaire held on a bank: closed forms of what comes back, who is asked, and what a survey is wrong by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

from sim.errors import BadInput
from sim.experiments.prepare import prepare
from sim.experiments.replication import Replication
from sim.experiments.survey import Question, ask, hold_on, people_of
from sim.survey.holding.answering import BIASES, Biases, thresholds
from sim.survey.holding.bias import report
from sim.survey.holding.fieldwork import hold
from sim.survey.holding.settings import ELEVEN_POINTS, FIVE_POINTS, Answering
from sim.survey.instrument import Instrument
from sim.survey.respondents import Fact, Respondents

PEOPLE = 60_000
AGREE = {"from": 1, "to": 5}
LIKELY = {"from": 0, "to": 10}


def instrument(
    items: int = 4,
    *,
    asked: list[dict[str, Any]] | None = None,
    asks: str = "customers",
    measure: str = "satisfaction",
    **more: Any,
) -> Instrument:
    questions = (
        [*asked]
        if asked
        else [{"code": f"q{i}", "text": "?", "scale": "agree", "construct": "c"} for i in range(1, items + 1)]
    )
    questions.append({"code": "recommend", "text": "?", "scale": "likely", "construct": "c", "nps": True})
    known = {
        "name": "test",
        "asks": asks,
        "scales": {"agree": AGREE, "likely": LIKELY},
        "constructs": {"c": {"label": "c", "of": {measure: 1.0}, **more.pop("construct", {})}},
        "items": questions,
        "demographics": [{"code": "tier", "text": "?", "of": "tier"}],
    }
    return Instrument.model_validate({**known, **more})


def people(n: int = PEOPLE, mean: float = 0.0, seed: int = 1, month: int = 0, who: Any = "customers") -> Respondents:
    rng = np.random.default_rng(7)
    score = rng.standard_normal(n) + mean
    tier = (rng.random(n) < 0.2).astype(np.int8)
    app = (rng.random(n) < norm.cdf(score)).astype(np.float64)  # the satisfied have the app
    measures = {"satisfaction": score, "engagement": rng.standard_normal(n), "digital": score}
    facts = {
        "tier": Fact(tier, ("mass", "wealth")),
        "age_band": Fact((rng.random(n) < 0.5).astype(np.int8), ("a", "b")),
    }
    visits = {"branch": np.ones(n), "app": 3.0 * app}
    return Respondents(who, seed, month, np.arange(n, dtype=np.uint64) + 10, np.ones(n), measures, facts, visits)


def ordinal_correlation(loading: float, cuts: tuple[float, ...]) -> tuple[float, float]:
    """Correlation of two answers and variance of one, by the bivariate normal law at thresholds."""
    law = multivariate_normal(cov=[[1.0, loading**2], [loading**2, 1.0]])
    both = sum(float(1 - norm.cdf(a) - norm.cdf(b) + law.cdf([a, b])) for a in cuts for b in cuts)
    above = norm.sf(np.array(cuts))
    mean = above.sum()
    variance = sum(float(min(a, b)) for a in above for b in above) - mean**2
    return (both - mean**2) / variance, variance


def test_a16_alpha_is_that_of_the_closed_form() -> None:
    """A16: k r / (1 + (k - 1) r), with the correlation that five points leave of a loading of .75."""
    k = 4
    held = hold(instrument(k), people(), n=PEOPLE, biases=Biases.none(), with_bias=False)
    answers = held.sheets[[f"q{i}" for i in range(1, k + 1)]].dropna()
    covariance = answers.cov().to_numpy()
    alpha = k / (k - 1) * (1 - np.trace(covariance) / covariance.sum())
    r, _ = ordinal_correlation(0.75, FIVE_POINTS)
    assert alpha == pytest.approx(k * r / (1 + (k - 1) * r), abs=0.005)


@pytest.mark.parametrize(("mean", "score"), [(0.0, 5), (0.2, 18), (0.4, 30)])
def test_a16_the_net_promoter_score_is_that_of_the_normal_law(mean: float, score: float) -> None:
    """SPEC 8.2: 5, 18, 30 at a latent mean of 0, .2, .4."""
    who = people(mean=mean / 0.75)
    found = report(instrument(), who, "simple", Answering())
    (row,) = found[(found["cause"] == "nothing") & (found["unit"] == "NPS")].to_dict("records")
    assert row["true"] == pytest.approx(score, abs=1.0)
    exact = 100 * (norm.sf(0.55 - mean) - norm.cdf(-0.7 - mean))
    assert row["true"] == pytest.approx(exact, abs=0.6)  # 60,000 people are not quite the normal law


@pytest.mark.parametrize("cause", [*BIASES, "together"])
@pytest.mark.parametrize("sampling", ["simple", "app"])
def test_what_the_report_says_a_survey_is_wrong_by_is_what_many_sheets_show(cause: str, sampling: str) -> None:
    asked = instrument(construct={"self_rated": True})
    who = people()
    expected = report(asked, who, sampling, Answering()).set_index(["cause", "construct", "unit"])["measured"]
    on = Biases() if cause == "together" else Biases.only(cause)
    held = hold(asked, who, n=8_000, sampling=sampling, biases=on, with_bias=False)
    answers = held.sheets[["q1", "q2", "q3", "q4", "recommend"]]
    answers = answers.assign(recommend=1.0 + 0.4 * answers["recommend"])
    error = answers.mean(axis=1).std() / np.sqrt(len(answers))
    assert abs(answers.mean(axis=1).mean() - expected[cause, "c", "points"]) < 4 * error
    recommend = held.sheets["recommend"].dropna()
    each = 100.0 * ((recommend >= 9).astype(float) - (recommend <= 6))
    assert abs(each.mean() - expected[cause, "recommend", "NPS"]) < 4 * each.std() / np.sqrt(len(each))


def test_causes_shift_what_they_should() -> None:
    asked = instrument(construct={"self_rated": True})
    found = report(asked, people(), "app", Answering())
    bias = found[found["unit"] == "points"].set_index("cause")["bias"]
    assert bias["nothing"] == 0
    assert bias["coverage"] > 0.2  # the satisfied have the app
    assert bias["desirability"] > 0.1
    assert bias["careless"] != 0
    off = report(instrument(), people(), "app", Answering()).query("unit == 'points'").set_index("cause")["bias"]
    assert off["desirability"] == 0  # nobody is asked about oneself


def test_who_is_not_asked_a_question_counts_in_no_truth_of_it() -> None:
    """Wealth customers are happier, and the question is theirs: its truth is of them alone."""
    who = people()
    tier = who.facts["tier"].codes
    happier = replace(who, measures={**who.measures, "satisfaction": who.measures["satisfaction"] + tier})
    items = [{"code": "q1", "text": "?", "scale": "agree", "construct": "c", "asked_if": {"tier": ["wealth"]}}]
    theirs = instrument(asked=[*items, {**items[0], "code": "q2"}])
    shown = (
        report(theirs, happier, "simple", Answering()).query("unit == 'points' and cause == 'nothing'")["true"].iloc[0]
    )
    held = hold(theirs, happier, n=20_000, biases=Biases.none(), with_bias=False).sheets
    answered = held[["q1", "q2"]].dropna()
    everybody = 1.0 + 0.4 * held["recommend"].mean()
    expected = (answered.mean().sum() + everybody) / 3
    assert shown == pytest.approx(expected, abs=0.02)
    assert answered.to_numpy().mean() > 3.9  # of everybody it is about 3.6


def test_careless_sheets_left_out_take_their_part_away() -> None:
    found = report(instrument(), people(), "simple", Answering()).query("unit == 'NPS'").set_index("cause")["bias"]
    assert found["together"] < found["cleaned"] < 0
    assert found["cleaned"] == pytest.approx(found["together"] - found["careless"], abs=1.0)


def test_halo_and_style_make_answers_look_more_reliable_than_they_are() -> None:
    strong = Answering(halo=0.4, acquiescence=0.5)
    found = report(instrument(), people(), "simple", strong).query("unit == 'alpha'").set_index("cause")
    assert found["bias"]["nothing"] == 0
    assert found["bias"]["halo"] > 0.01
    assert found["bias"]["style"] > 0.01
    assert found["bias"]["together"] > max(found["bias"]["halo"], found["bias"]["style"])


def test_weights_mend_a_coverage_that_hangs_on_what_is_weighted_by() -> None:
    """Wealth customers are more satisfied and sampled three times as often; their tier is known, so weights mend it."""
    who = people()
    tier = who.facts["tier"].codes
    score = who.measures["satisfaction"] + 1.0 * tier
    lopsided = replace(who, measures={**who.measures, "satisfaction": score}, visits={"branch": 1.0 + 2.0 * tier})
    found = report(instrument(), lopsided, "branch", Answering(response={"intercept": 1.0}, careless=0.0, halo=0.0))
    bias = found[found["unit"] == "points"].set_index("cause")["bias"]
    assert bias["coverage"] > 0.1
    assert abs(bias["cleaned, weighted"] - bias["style"]) < 0.01


def test_who_is_asked_answers_at_the_rate_that_was_found() -> None:
    for sampling, rate in (("simple", 0.35), ("quota", 0.66), ("branch", 0.97)):
        held = hold(instrument(), people(), n=8_000, sampling=sampling, with_bias=False)
        assert len(held.sheets) / held.asked == pytest.approx(rate, abs=0.015)


def test_those_who_feel_strongly_and_the_engaged_answer_more() -> None:
    who = people()
    held = hold(instrument(), who, n=8_000, with_bias=False)
    rows = np.searchsorted(who.uid, np.sort(held.truth["uid"].to_numpy()))
    assert who.measures["engagement"][rows].mean() > 0.1
    assert who.measures["satisfaction"][rows].std() > 1.02


def test_the_app_reaches_those_who_have_it_and_a_stratified_sample_everybody_by_weight() -> None:
    who = people()
    held = hold(instrument(), who, n=2_000, sampling="app", with_bias=False)
    assert (who.visits["app"][np.searchsorted(who.uid, held.truth["uid"].to_numpy())] > 0).all()
    assert held.frame == (who.visits["app"] > 0).sum()
    held = hold(instrument(), who, n=2_000, sampling="stratified", with_bias=False)
    assert held.sheets["weight"].sum() == pytest.approx(PEOPLE)
    shares = held.sheets.groupby("tier")["weight"].sum() / PEOPLE
    assert shares["wealth"] == pytest.approx((who.facts["tier"].codes == 1).mean())
    assert (held.sheets["tier"] == "wealth").mean() == pytest.approx(1 / 3, abs=0.01)  # sqrt(.2) against sqrt(.8)


def test_the_same_luck_gives_the_same_sheets_in_any_order_of_rows() -> None:
    who = people(3_000)
    mixed = np.random.default_rng(1).permutation(3_000)
    other = Respondents(
        who.who,
        who.seed,
        who.month,
        who.uid[mixed],
        who.weight[mixed],
        {name: values[mixed] for name, values in who.measures.items()},
        {name: Fact(fact.codes[mixed], fact.words) for name, fact in who.facts.items()},
        {name: values[mixed] for name, values in who.visits.items()},
    )
    for sampling in ("simple", "stratified", "quota", "branch", "app"):
        one, two = (hold(instrument(), people, n=300, sampling=sampling, with_bias=False) for people in (who, other))
        pd.testing.assert_frame_equal(one.sheets, two.sheets)
        pd.testing.assert_frame_equal(one.truth, two.truth)
    assert not hold(instrument(), replace(who, seed=2), n=300, with_bias=False).sheets.equals(one.sheets)


def test_one_question_more_changes_no_other_answer() -> None:
    three, four = (hold(instrument(k), people(2_000), n=500, with_bias=False).sheets for k in (3, 4))
    pd.testing.assert_frame_equal(three, four.drop(columns="q4"))


def test_a_panel_is_the_same_people_again_and_a_fresh_sample_is_not() -> None:
    def who(panel: bool, month: int) -> set[str]:
        held = hold(instrument(), people(month=month), n=500, panel=panel, with_bias=False)
        return set(held.sheets["respondent"])

    assert who(True, 0) == who(True, 24)
    assert len(who(False, 0) & who(False, 24)) < 50
    said = [hold(instrument(), people(month=m), n=500, panel=True, with_bias=False).sheets["q1"] for m in (0, 24)]
    assert not said[0].equals(said[1])  # the same people do not say the same


def test_a_question_that_does_not_apply_is_not_asked() -> None:
    items = [
        {"code": "a", "text": "?", "scale": "agree", "construct": "c", "required": True},
        {"code": "b", "text": "?", "scale": "agree", "construct": "c", "asked_if": {"a": [1, 2]}, "required": True},
        {
            "code": "d",
            "text": "?",
            "scale": "agree",
            "construct": "c",
            "asked_if": {"tier": ["wealth"]},
            "required": True,
        },
    ]
    sheets = hold(instrument(asked=items), people(), n=500, with_bias=False).sheets
    assert (sheets["b"].notna() == (sheets["a"] <= 2)).all()
    assert (sheets["d"].notna() == (sheets["tier"] == "wealth")).all()


def test_a_reversed_question_is_answered_the_other_way_round() -> None:
    items = [{"code": f"q{i}", "text": "?", "scale": "agree", "construct": "c", "reversed": i == 2} for i in (1, 2)]
    sheets = hold(instrument(asked=items), people(), n=5_000, biases=Biases.none(), with_bias=False).sheets
    r, _ = ordinal_correlation(0.75, FIVE_POINTS)
    assert sheets["q1"].corr(sheets["q2"]) == pytest.approx(-r, abs=0.04)
    assert sheets["q1"].mean() + sheets["q2"].mean() == pytest.approx(6, abs=0.06)
    agreeing = Answering(acquiescence=2.0, extreme=0.0, middle=0.0, careless=0.0)
    sheets = hold(instrument(asked=items), people(), n=5_000, settings=agreeing, with_bias=False).sheets
    assert sheets["q1"].corr(sheets["q2"]) > 0.2  # who agrees with everything agrees with both


def test_staff_rate_themselves_too_high_and_know_themselves_in_part() -> None:
    asked = instrument(asks="managers", measure="digital", construct={"self_rated": True})
    on = Biases.only("desirability")
    held = hold(asked, people(20_000, who="managers"), n=20_000, biases=on, with_bias=False)
    assert held.truth["said[c]"].corr(held.truth["true[c]"]) == pytest.approx(0.35, abs=0.02)
    assert held.truth["said[c]"].mean() - 0.35 * held.truth["true[c]"].mean() == pytest.approx(0.3, abs=0.02)


def test_scales_of_other_lengths_have_thresholds_that_rise() -> None:
    for last, known in ((5, FIVE_POINTS), (7, None), (4, None)):
        asked = instrument(scales={"agree": {"from": 1, "to": last}, "likely": LIKELY})
        cuts = thresholds(asked.item("q1"), asked.scales["agree"])
        assert cuts.size == last - 1
        assert (np.diff(cuts) > 0).all()
        assert known is None or tuple(cuts) == known
        assert cuts[0] >= FIVE_POINTS[0]
    assert tuple(thresholds(asked.item("recommend"), asked.scales["likely"])) == ELEVEN_POINTS


def test_fewer_people_than_sheets_are_told_and_from_nobody_comes_nothing() -> None:
    held = hold(instrument(), people(100), n=500, with_bias=False)
    assert held.asked == 100
    assert held.short == 500 - len(held.sheets) > 0
    nobody = replace(people(10), visits={"app": np.zeros(10), "branch": np.ones(10)})
    held = hold(instrument(), nobody, sampling="app")
    assert len(held.sheets) == len(held.truth) == held.asked == 0
    assert set(held.sheets) == set(hold(instrument(), people(100), with_bias=False).sheets)


@pytest.mark.parametrize(
    ("asked", "sampling", "says"),
    [
        (instrument(asks="managers", measure="digital"), "branch", "managers are not asked by branch"),
        (instrument(asks="managers", measure="digital"), "simple", "asks managers, not customers"),
        (instrument(), "snowball", "'snowball'; one of simple, stratified"),
        (instrument(construct={"of": {}}), "simple", "no construct of test says what of the bank it is"),
        (
            Instrument.model_validate({**instrument().model_dump(by_alias=True), "asks": None}),
            "simple",
            "does not say whom",
        ),
    ],
)
def test_what_cannot_be_held_is_refused_in_words(asked: Instrument, sampling: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        hold(asked, people(100), sampling=sampling)


# --- on a bank -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick() -> Any:
    sizes = ["population.customers=4000", "population.agents=4000", "months=12", "burn_in=6", "seeds=[1]"]
    return prepare("scenarios/baseline.yaml", sizes, arms=["nothing", "digital_thinking"])[0]


def test_measures_of_a_bank_are_those_its_tables_tell(quick: Any) -> None:
    with Replication(quick, 1).bank(quick.scenario.arm_list[0]) as bank:
        bank.run(until=6)
        who = people_of(bank, Question(instrument()))
        rows = [
            {name: table[name][-1] for name in ("satisfaction", "trust", "active", "digital_active")}
            for table in [bank.recorder.monthly]
        ]
        (row,) = rows
        by_active = row["active"] / row["active"].sum()
        for name in ("satisfaction", "trust"):
            assert np.average(who.measures[name], weights=who.weight) == pytest.approx(
                (row[name] * by_active).sum(), abs=1e-3
            )
        assert np.average(who.measures["app"], weights=who.weight) == pytest.approx(
            (row["digital_active"] * by_active).sum(), abs=1e-6
        )
        assert who.weight.sum() == pytest.approx(row["active"].sum())
        asked = instrument(measure="loyalty")
        told = report(asked, who, "simple", Answering()).query("unit == 'NPS'")["true"].iloc[0]
        assert told == pytest.approx(bank.recorder.bank[-1]["nps"], abs=5.0)  # which takes loyalty to be normal
        staff = people_of(bank, Question(instrument(asks="managers", measure="digital")))
        assert len(staff) == sum(not manager.vacant for manager in bank.team.managers)
        skill = 0.5 * (staff.measures["professional"] + staff.measures["digital"])
        assert np.isfinite(skill).all()


def test_arms_of_a_seed_are_asked_with_the_same_luck(quick: Any) -> None:
    names = list(quick.scenario.arms)[:2]
    one = ask(quick, Question(instrument(), 300), months=[0, 12], arms=names)
    first, other = (one.sheets[(one.sheets["arm"] == name) & (one.sheets["wave"] == 0)] for name in names)
    pd.testing.assert_frame_equal(
        first.drop(columns=["sheet", "arm"]).reset_index(drop=True),
        other.drop(columns=["sheet", "arm"]).reset_index(drop=True),
    )
    later = [set(one.sheets[(one.sheets["arm"] == name) & (one.sheets["wave"] == 12)]["respondent"]) for name in names]
    assert len(later[0] & later[1]) > 200


def test_holding_a_survey_changes_nobodys_life(quick: Any) -> None:
    arm = quick.scenario.arm_list[0]
    found = []
    for asks in (False, True):
        with Replication(quick, 1).bank(arm) as bank:
            bank.run(until=3)
            if asks:
                hold_on(bank, Question(instrument(), 200))
            found.append(bank.run(until=6).monthly["aum"][-1].copy())
    assert (found[0] == found[1]).all()
