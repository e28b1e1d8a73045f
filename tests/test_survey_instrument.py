"""The questionnaire as a file: the two that are shipped, and each way in which one does not fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import BadInput
from sim.survey.instrument import Instrument
from sim.survey.instrument.reading import SHIPPED, read_instrument, shipped
from sim.survey.measures import BY_NAME
from sim.yaml_source import loads, validate
from tests.test_sources import SOURCES, cited, declared

SMALL = """\
name: small
languages: [en, zh]
scales:
  agree: {from: 1, to: 5, labels: {en: [a, b, c, d, e]}, thresholds: [-1.8, -1, 0, 1.1], unknown: [99]}
  ten: {from: 0, to: 10}
constructs:
  calm: {label: Calm, of: {satisfaction: 0.6, trust: 0.5}}
  wish: {label: Wish}
items:
  - {code: c1, text: one, scale: agree, construct: calm}
  - {code: c2, text: two, scale: agree, construct: calm, reversed: true}
  - {code: w1, text: three, scale: agree, construct: wish, role: expectation, about: calm}
  - {code: nps, text: four, scale: ten, nps: true, asked_if: {c1: [4, 5], area: [town]}}
demographics:
  - {code: area, text: where, choices: {town: Town, land: Land}}
"""


def small(old: str = "", new: str = "") -> Instrument:
    assert old in SMALL
    return validate(Instrument, loads(SMALL.replace(old, new, 1), file="small.yaml"))


@pytest.mark.parametrize("name", ["customers", "employees"])
def test_a_shipped_instrument_is_whole(name: str) -> None:
    instrument = read_instrument(name)
    assert instrument.notes == ()  # every text in every language, no construct of one item
    assert instrument.name == name
    assert instrument.languages == ["en", "zh"]
    assert any(item.reversed for item in instrument.items)
    assert all(scale.thresholds for scale in instrument.scales.values())
    for key, construct in instrument.constructs.items():
        assert {BY_NAME[measure].who for measure in construct.of} == {instrument.asks}, key
        assert 0 < sum(loading**2 for loading in construct.of.values()) <= 1, key


@pytest.mark.parametrize("name", ["customers", "employees"])
def test_every_construct_that_is_shipped_names_literature_that_has_a_row(name: str) -> None:
    known = set(declared(SOURCES.read_text(encoding="utf-8")))
    for key, construct in read_instrument(name).constructs.items():
        assert cited(construct.source), key
        assert cited(construct.source) <= known, key


def test_the_customers_answer_what_the_issue_names() -> None:
    customers = read_instrument("customers")
    assert 40 <= len(customers.items) <= 48
    dimensions = ["tangibles", "reliability", "responsiveness", "assurance", "empathy"]
    for dimension in dimensions:
        assert len(customers.items_of(dimension)) == 2
        assert len(customers.items_of(dimension, "expectation")) == 1
    assert len(customers.items_of("expected")) == 5
    for construct in ("eservice", "app", "satisfaction", "trust", "switching", "usefulness", "ease", "privacy"):
        assert len(customers.items_of(construct)) == 3
    assert customers.nps_item is not None
    assert customers.scale_of("nps").points == list(range(11))
    assert customers.item("app1").asked_if == {"app_user": ["yes"]}
    assert [one.of for one in customers.demographics] == [
        "tier",
        "age_band",
        "tenure_band",
        "app_user",
        "banks",
        "preferred_channel",
    ]


def test_the_staff_answer_what_the_issue_names() -> None:
    staff = read_instrument("employees")
    assert {"professional", "digital", "workload", "training", "transfer", "tools", "orientation", "leaving"} == set(
        staff.constructs
    )
    rated = {key for key, construct in staff.constructs.items() if construct.self_rated}
    assert {"professional", "digital"} <= rated
    assert "workload" not in rated


def test_shipped_instruments_are_packed_with_the_package() -> None:
    assert shipped() == ["customers", "employees"]
    assert SHIPPED.parts[-4:] == ("sim", "survey", "instrument", "shipped")  # the wheel packs sim/


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("construct: calm}", "construct: clam}", "10:52  items[0].construct", "no construct 'clam'; one of calm, wish"),
        ("scale: ten", "scale: tne", "items[3].scale", "no scale 'tne'; one of agree, ten"),
        ("code: c2", "code: c1", "items[1].code", "c1 stands twice"),
        ("code: area", "code: c1", "demographics[0].code", "c1 stands twice"),
        ("code: c2", "code: weight", "items[1].code", "weight is a column that every sheet may have"),
        ("c1: [4, 5]", "c1: [4, 6]", "items[3].asked_if.c1", "6: no answer to c1; one of 1, 2, 3, 4, 5"),
        ("c1: [4, 5]", "c1: []", "items[3].asked_if.c1", "no answers"),
        ("area: [town]", "area: [city]", "items[3].asked_if.area", "city: no answer to area; one of town, land"),
        ("c1: [4, 5]", "nps: [4]", "items[3].asked_if.nps", "nps is not asked before; one of c1, c2, w1, area"),
        ("c1: [4, 5]", "c9: [4]", "items[3].asked_if.c9", "no question 'c9'"),
        ("reversed: true", "loading: -0.7", "items[1].loading", "-0.7 is not above 0; 0.7 with reversed: true"),
        ("reversed: true", "loading: 0.0", "items[1].loading", "0 is not above 0"),
        ("-1, 0, 1.1", "-1, 0", "scales.agree.thresholds", "3 thresholds; 5 points have 4 between them"),
        ("-1, 0, 1.1", "-1, -1, 1.1", "scales.agree.thresholds[2]", "-1 is not above -1; thresholds rise"),
        ("[a, b, c, d, e]", "[a, b]", "scales.agree.labels.en", "2 words; a scale from 1 to 5 has 5"),
        ("[a, b, c, d, e]", "[a, a, c, d, e]", "scales.agree.labels.en", "'a' stands twice"),
        ("labels: {en", "labels: {fr", "scales.agree.labels.fr", "no language of this instrument; one of en, zh"),
        ("unknown: [99]", "unknown: [5]", "scales.agree.unknown[0]", "5 is an answer of this scale"),
        ("{from: 0, to: 10}", "{from: 5, to: 5}", "scales.ten.to", "5 is not above 5"),
        ("nps: true", "nps: true, reversed: true", "items[3].reversed", "never reversed"),
        ("scale: ten, nps", "scale: agree, nps", "items[3].nps", "its scale runs from 1 to 5; 0 to 10"),
        (", about: calm", "", "items[2].about", "missing; the construct whose expectation it is"),
        ("about: calm", "about: clam", "items[2].about", "no construct 'clam'"),
        (", role: expectation", "", "items[2].about", "is for an expectation or importance item"),
        (", construct: wish", "", "constructs.wish", "no item measures it"),
        ("trust: 0.5", "trust: 0.9", "constructs.calm.of", "the squares of the loadings sum to 1.17; at most 1"),
        ("trust: 0.5", "trst: 0.5", "constructs.calm.of.trst", "no measure; one of satisfaction, trust"),
        ("name: small", "name: small\nasks: managers", "constructs.calm.of.satisfaction", "no measure of managers"),
        ("languages: [en, zh]", "languages: [en, en]", "languages[1]", "en stands twice"),
        ("text: one", "txt: one", "items[0].txt", "unknown key; did you mean text?"),
    ],
)
def test_what_does_not_fit_together_is_named_at_its_place(old: str, new: str, place: str, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        small(old, new)
    told = str(refused.value)
    assert place in told
    assert words in told
    assert told.startswith("small.yaml:")


def test_all_mistakes_are_named_at_once() -> None:
    text = SMALL.replace("construct: calm}", "construct: clam}", 1).replace("code: c2", "code: nps")
    with pytest.raises(BadInput) as refused:
        validate(Instrument, loads(text, file="small.yaml"))
    assert {"items[0].construct", "items[3].code"} <= {mistake.path for mistake in refused.value.mistakes}


def test_what_lacks_a_language_and_a_construct_of_one_item_are_notes() -> None:
    notes = small().notes
    assert any(note.startswith("10 texts not in zh (scales.agree.labels, constructs.calm.label") for note in notes)
    assert "wish: measured by one item (w1), so that its reliability is unknown" in notes
    assert not any(note.startswith("calm:") for note in notes)


def test_an_unknown_name_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file or instrument; did you mean customers"):
        read_instrument("custmers")
    with pytest.raises(BadInput, match="is a folder; name a file in it"):
        read_instrument(tmp_path)


def test_a_file_of_ones_own_goes_before_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(SMALL, encoding="utf-8")
    assert read_instrument("mine.yaml") == small()


def test_the_example_in_the_guide_is_in_order() -> None:
    page = (Path(__file__).parents[1] / "docs" / "questionnaires.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n", 1)[1].split("```", 1)[0]
    instrument = validate(Instrument, loads(example, file="guide.yaml"))
    assert instrument.codes == ["speed1", "speed2", "speed_wanted", "recommend"]
    assert instrument.notes == ()
    assert instrument.items_of("speed", "expectation")[0].asked_if == {"visits": ["often"]}
