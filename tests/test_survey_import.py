"""What survey tools export becomes an instrument; what cannot be mapped is listed, and nothing is made up."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest

from sim.cli import main
from sim.errors import BadInput
from sim.survey.instrument import Construct, Demographic, Instrument, Item, Scale
from sim.survey.instrument.formats.rules import parse, unquoted
from sim.survey.instrument.formats.words import placed
from sim.survey.instrument.importing import import_instrument
from sim.survey.instrument.reading import read_instrument
from sim.survey.instrument.writing import to_xlsform, to_yaml
from sim.survey.reading import read_sheets
from sim.yaml_source import loads, validate

DATA = Path("shared", "data", "bank_csi", "answers.csv.gz")  # beside the checkout, where it is there
BANK_CSI = next((one / DATA for one in Path(__file__).resolve().parents if (one / DATA).is_file()), DATA)


def csv(folder: Path, columns: dict[str, list[object]], name: str = "plain.csv") -> Path:
    pd.DataFrame(columns).to_csv(folder / name, index=False)
    return folder / name


# --- plain tables -----------------------------------------------------------------------------------------------------


def plain(folder: Path, **more: list[object]) -> Path:
    draw = np.random.default_rng(1)
    columns: dict[str, list[object]] = {f"sat{i}": list(draw.integers(0, 11, 40)) for i in (1, 2, 3)}
    columns |= {f"val{i}": list(draw.integers(2, 7, 40)) for i in (1, 2)}
    return csv(folder, columns | {"Region": ["North", "South"] * 20, "row": list(range(40))} | more)


def test_names_and_ranges_of_plain_answers_propose_constructs_and_scales(tmp_path: Path) -> None:
    made = import_instrument(plain(tmp_path))
    assert made.instrument.name == "plain"
    assert {key: len(made.instrument.items_of(key)) for key in made.instrument.constructs} == {"sat": 3, "val": 2}
    assert {scale.points[0] for scale in made.instrument.scales.values()} == {0}
    assert made.instrument.scale_of("val1").last == 10  # the range of most, since 2 to 6 is within it, not 1 to 7
    assert [(one.code, list(one.choices or {})) for one in made.instrument.demographics] == [
        ("Region", ["North", "South"])
    ]
    assert made.listed == (
        "row: another value in every row, an id; not mapped",
        "net promoter score: no name says which item it is of; write nps: true at that item",
    )


def test_what_plain_answers_do_not_tell_is_listed(tmp_path: Path) -> None:
    more: dict[str, list[object]] = {
        "remark": [f"text {i}" for i in range(39)] + ["text 0"],
        "nothing": [None] * 40,
        "age": [20 + i % 35 for i in range(40)],
        "weight": [1.0 + i % 3 for i in range(40)],
        "sat4": [99, *([3] * 39)],
        "gender": [1, 2] * 20,
    }
    made = import_instrument(plain(tmp_path, **more))
    assert {"remark: 39 different texts, free text; not mapped", "nothing: empty in every row, not mapped"} <= {
        *made.listed
    }
    assert [one.code for one in made.instrument.demographics] == ["Region", "age", "gender"]
    assert made.instrument.scale_of("sat4").unknown == [99]
    assert read_sheets(tmp_path / "plain.csv").table["sat4"].isna().sum() == 1
    assert "weight" in read_sheets(tmp_path / "plain.csv").table


@pytest.mark.parametrize("name", ["wgt", "Weights", "weight_final", "design.weight", "pond", "gewicht", "权重", "加权"])
def test_a_weight_by_another_name_is_a_weight_and_no_id(tmp_path: Path, name: str) -> None:
    file = plain(tmp_path, **{name: [0.5 + i / 40 for i in range(40)]})
    listed = import_instrument(file).listed
    assert f"{name}: read as weight" in listed
    assert not any(line.startswith(name) and "not mapped" in line for line in listed)
    read = read_sheets(file)
    assert read.table["weight"].tolist() == [0.5 + i / 40 for i in range(40)]
    assert [note for note in read.notes if note.startswith(name)] == [f"{name}: read as weight"]


@pytest.mark.parametrize("name", ["weight_kg", "body_weight", "weightless", "wagt"])
def test_what_is_called_otherwise_is_no_weight(tmp_path: Path, name: str) -> None:
    assert "weight" not in read_sheets(plain(tmp_path, **{name: [0.5 + i / 40 for i in range(40)]})).table


def test_a_weight_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    file = plain(tmp_path, wgt=[i / 40 for i in range(40)])
    told = "wgt: by its name a weight, not used; name the one that counts weight, a number above 0 in every row"
    assert told in import_instrument(file).listed
    read = read_sheets(file)
    assert "weight" not in read.table
    assert read.notes.count(told) == 1


def test_boxes_to_tick_are_no_construct_and_no_facts(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    boxes: dict[str, list[object]] = {f"multi_{i}": list(draw.integers(0, 2, 40)) for i in (1, 2)}
    boxes |= {f"ticked{i}": [None, 1] * 20 for i in (1, 2)}
    boxes |= {
        "why1": [None, "Price"] * 20,
        "why2": ["Branch", None] * 20,
        "own1": ["yes", "no"] * 20,
        "own2": ["no"] * 40,
    }
    kept: dict[str, list[object]] = {"app": [0, 1] * 20, "low1": [0, 1] * 20, "low2": [0, 4] * 20}  # a fact, a scale
    made = import_instrument(plain(tmp_path, **boxes, **kept))
    assert set(made.instrument.constructs) == {"sat", "val", "low"}
    assert [one.code for one in made.instrument.demographics] == ["Region", "app"]
    assert {f"{name}: several answers at once or yes/no; not mapped" for name in boxes} <= set(made.listed)


def test_the_name_of_an_item_may_say_that_it_is_the_promoter_question(tmp_path: Path) -> None:
    made = import_instrument(plain(tmp_path, nps=[10, *range(10)] * 3 + [8] * 7))
    assert made.instrument.nps_item is not None
    assert made.instrument.nps_item.code == "nps"
    assert not any(line.startswith("net promoter") for line in made.listed)


def test_answers_in_words_of_more_and_less_become_a_scale_of_five(tmp_path: Path) -> None:
    words = ["非常不满意", "不满意", "一般", "满意", "非常满意"]
    columns: dict[str, list[object]] = {
        "序号": list(range(1, 31)),
        "1、您的年龄段": ["30以下", "30-44", "45以上"] * 10,
        "2、柜台服务": [words[i % 5] for i in range(30)],
        "3、手机银行": [words[2 + i % 3] for i in range(29)] + ["不清楚"],
    }
    pd.DataFrame(columns).to_csv(tmp_path / "问卷.csv", index=False, encoding="gb18030")
    sheets = read_sheets(tmp_path / "问卷.csv")
    instrument = sheets.instrument
    assert instrument.languages == ["zh"]
    assert [item.text for item in instrument.items] == ["2、柜台服务", "3、手机银行"]
    assert [scale.labels for scale in instrument.scales.values()] == [{"zh": words}]  # one for both
    assert sheets.table[instrument.codes[0]].tolist()[:5] == [1, 2, 3, 4, 5]
    assert sheets.table[instrument.codes[1]].tolist()[:3] == [3, 4, 5]
    assert sheets.table[instrument.codes[1]].isna().sum() == 1
    assert any("1 answer for not known, taken as none: '不清楚'" in note for note in sheets.notes)
    (age,) = instrument.demographics
    assert list(age.choices or {}) == ["30以下", "30-44", "45以上"]
    assert "序号: a column of the survey tool, not mapped" in sheets.notes


def test_what_survey_tools_add_to_answers_is_no_question(tmp_path: Path) -> None:
    head = "StartDate,Finished,ResponseId,Q1_1,Q1_2,NPS,Town\n"
    own = '"Start Date","Finished","Response ID","I am served soon","I am known","Would you recommend us?","Town"\n'
    own += ",".join('"{""ImportId"":""QID' + str(i) + '""}"' for i in range(7)) + "\n"
    rows = "".join(f"2026-01-01,1,R_{i},{i % 5 + 1},{(2 * i) % 5 + 1},{i % 11},{'NS'[i % 2]}\n" for i in range(22))
    (tmp_path / "qualtrics.csv").write_text(head + own + rows, encoding="utf-8")
    sheets = read_sheets(tmp_path / "qualtrics.csv")
    assert len(sheets.table) == 22
    assert sheets.instrument.codes == ["Q1_1", "Q1_2", "NPS"]
    assert sheets.instrument.item("Q1_1").text == "I am served soon"
    assert [one.code for one in sheets.instrument.demographics] == ["Town"]
    assert [note for note in sheets.notes if "survey tool" in note or "own" in note] == [
        "StartDate: a column of the survey tool, not mapped",
        "Finished: a column of the survey tool, not mapped",
        "ResponseId: a column of the survey tool, not mapped",
        "two rows below the header are Qualtrics' own, not answers",
    ]
    (tmp_path / "qualtrics.csv").write_text((head + own + rows).replace("R_3,4", "R_3,9"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"qualtrics\.csv:7:18  Q1_1: 9 off the scale \(1: line 7\)"):
        read_sheets(tmp_path / "qualtrics.csv", sheets.instrument)


def test_a_seed_of_a_survey_tool_is_not_the_seed_of_a_run(tmp_path: Path) -> None:
    rows = "".join(f"{i},{9_000_000_000 + i},{i % 5 + 1},{5 - i % 5}\n" for i in range(10))
    (tmp_path / "lime.csv").write_text("id,seed,q1,q2\n" + rows)
    sheets = read_sheets(tmp_path / "lime.csv")
    assert list(sheets.table) == ["q1", "q2"]
    assert "seed: a column of the survey tool, not mapped" in sheets.notes
    assert "seed: a column of the survey tool, kept out" in read_sheets(tmp_path / "lime.csv", sheets.instrument).notes


@pytest.mark.parametrize(
    ("words", "points"),
    [
        (["agree", "strongly disagree", "neutral"], [1, 3, 4]),
        (["Very likely", "Unlikely", "Likely", "Very unlikely"], [1, 2, 4, 5]),
        (["同意", "完全不同意", "不同意"], [1, 2, 4]),
        (["agree", "satisfied", "neutral"], None),  # two things
        (["agree", "fully agree", "strongly agree", "neutral"], None),  # which of the two is more?
        (["North", "South", "East"], None),
        (["agree", "neutral"], None),
    ],
)
def test_words_are_placed_only_where_they_say_more_and_less_of_one_thing(
    words: list[str], points: list[int] | None
) -> None:
    found = placed(words)
    assert (None if found is None else list(found)) == points


def test_a_table_without_a_scale_is_no_questionnaire(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no question on a scale"):
        import_instrument(csv(tmp_path, {"name": ["a", "b", "c"], "city": ["x", "y", "x"]}))


@pytest.mark.skipif(not BANK_CSI.is_file(), reason="the data set is not part of the program")
def test_the_bank_survey_of_1367_customers_becomes_its_six_constructs() -> None:
    sheets = read_sheets(BANK_CSI)
    instrument = sheets.instrument
    sizes = {key: len(instrument.items_of(key)) for key in instrument.constructs}
    assert sizes == {"imag": 6, "expe": 4, "qual": 7, "val": 4, "sat": 3, "loy": 3}
    assert [(scale.first, scale.last) for scale in instrument.scales.values()] == [(0, 10)]
    assert [one.code for one in instrument.demographics] == ["Gender", "Age", "Education", "Occupation", "Region"]
    assert len(sheets.table) == 1367
    assert any(note.startswith("row: ") for note in sheets.notes)
    assert any("write nps: true" in note for note in sheets.notes)
    assert sheets.table["loy3"].mean() == pytest.approx(6.77981, abs=1e-5)  # targets/item_descriptives.csv


# --- SPSS -------------------------------------------------------------------------------------------------------------

AGREE = {1: "Disagree fully", 2: "Disagree", 3: "Neither", 4: "Agree", 5: "Agree fully"}


def spss(folder: Path, name: str = "bank.sav") -> Path:
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({f"sat{i}": draw.integers(1, 6, 30).astype(float) for i in (1, 2, 3)})
    frame.loc[:2, "sat1"] = [-99, 98, np.nan]
    frame["ease1"] = draw.integers(1, 8, 30).astype(float)  # labelled at its ends only
    frame["ease2"] = 8 - frame["ease1"]
    frame["nps"] = draw.integers(0, 11, 30).astype(float)
    frame["gender"] = [1.0, 2.0] * 15
    frame["region"] = [1.0, 2.0, 3.0, 4.0, 5.0, 9.0] * 5
    frame["age"] = draw.integers(18, 80, 30).astype(float)
    frame.loc[0, "age"] = 999
    frame["remark"] = [f"I think {i}" for i in range(30)]
    ends = {1: "very hard", 7: "very easy"}
    labels = {f"sat{i}": {**AGREE, 98: "Don't know", -99: "No answer"} for i in (1, 2, 3)} | {
        "ease1": ends,
        "ease2": ends,
    }
    labels["nps"] = {0: "surely not", 10: "surely"}
    labels["gender"] = {1: "female", 2: "male"}
    labels["region"] = {1: "North", 2: "South", 3: "East", 4: "West", 5: "Centre", 9: "refused"}
    texts = {"sat1": "All in all I am content", "nps": "Would you recommend us?", "ease1": "How easy is it?"}
    pyreadstat.write_sav(
        frame,
        str(folder / name),
        column_labels=[texts.get(column, "") for column in frame],
        variable_value_labels=labels,
        missing_ranges={"sat1": [-99], "sat2": [-99], "sat3": [-99], "age": [999], "region": [9]},
        file_label="Customers of a bank",
    )
    return folder / name


def test_labels_and_missing_codes_of_spss_become_scales(tmp_path: Path) -> None:
    made = import_instrument(spss(tmp_path))
    instrument = made.instrument
    assert instrument.about == "Customers of a bank"
    assert {key: len(instrument.items_of(key)) for key in instrument.constructs} == {"sat": 3, "ease": 2}
    assert instrument.item("sat1").text == "All in all I am content"
    agree = instrument.scale_of("sat1")
    assert (agree.first, agree.last, agree.labels["en"], agree.unknown) == (1, 5, list(AGREE.values()), [-99, 98])
    assert instrument.scale_of("ease2").labels["en"] == ["very hard", "2", "3", "4", "5", "6", "very easy"]
    assert instrument.nps_item is not None
    facts = {one.code: one.choices for one in instrument.demographics}
    assert facts["gender"] == {"female": "female", "male": "male"}
    assert list(facts["region"] or {}) == ["North", "South", "East", "West", "Centre"]  # five names are no scale
    assert facts["age"] is None
    assert "remark: another value in every row, an id; not mapped" in made.listed
    assert "age: 999 declared missing, taken as none" in made.listed
    assert "ease1: goes against the other items of ease (r -1.00); if it is, write reversed: true" in made.listed
    assert not any(line.startswith("sat") for line in made.listed)


def test_answers_of_spss_are_read_with_their_instrument(tmp_path: Path) -> None:
    sheets = read_sheets(spss(tmp_path))
    assert sheets.table["sat1"].isna().sum() == 3
    assert set(sheets.table["gender"]) == {"female", "male"}
    assert sheets.table["region"].isna().sum() == 5
    assert sheets.table["age"].isna().sum() == 1
    again = read_sheets(tmp_path / "bank.sav", sheets.instrument)  # an instrument of one's own serves as well
    pd.testing.assert_frame_equal(again.table, sheets.table)
    assert any(note == "sat1: 2 answers for not known, taken as none" for note in sheets.notes)


def test_boxes_and_weights_of_spss_are_known(tmp_path: Path) -> None:
    spss(tmp_path)
    frame, meta = pyreadstat.read_sav(str(tmp_path / "bank.sav"))
    for name in ("multi_1", "multi_2", "why1", "why2"):
        frame[name] = [0.0, 1.0, 1.0] * 10
    frame["end1"] = frame["end2"] = [1.0, 2.0, 3.0, 4.0, 5.0] * 6
    frame["pond"] = np.linspace(0.5, 1.5, 30)
    labels = meta.variable_value_labels | {
        "multi_1": {0: "not selected", 1: "selected"},
        "multi_2": {0: "not selected", 1: "selected", 9: "No answer"},
        "why1": {1: "Price"},
        "why2": {1: "Branch"},
        "end1": {5: "much"},  # a scale of which one end alone has a word
        "end2": {5: "much"},
    }
    pyreadstat.write_sav(frame, str(tmp_path / "bank.sav"), variable_value_labels=labels)
    made = import_instrument(tmp_path / "bank.sav")
    boxes = {
        f"{name}: several answers at once or yes/no; not mapped" for name in ("multi_1", "multi_2", "why1", "why2")
    }
    assert boxes | {"pond: read as weight"} <= set(made.listed)
    assert not {"multi_1", "multi_2", "why1", "why2"} & {one.code for one in made.instrument.demographics}
    assert not any(line.startswith("end") and "several" in line for line in made.listed)
    read = read_sheets(tmp_path / "bank.sav")
    assert read.table["weight"].to_numpy() == pytest.approx(frame["pond"].to_numpy())
    assert main(["survey", "--import", str(tmp_path / "bank.sav"), "--out", str(tmp_path / "made")]) == 0
    assert "weight" in read_sheets(tmp_path / "made" / "answers.csv").table


def test_a_library_that_is_missing_is_named_with_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    with pytest.raises(BadInput, match=r"bank\.sav  needs the package pyreadstat; pip install 'rapport-sim\[survey\]'"):
        import_instrument(spss(tmp_path))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(BadInput, match=r"form\.xlsx  needs the package openpyxl; pip install 'rapport-sim\[survey\]'"):
        to_xlsform(read_instrument("customers"), tmp_path / "form.xlsx")


def test_spss_without_a_row_is_refused(tmp_path: Path) -> None:
    pyreadstat.write_sav(pd.DataFrame({"q1": pd.Series([], dtype=float)}), str(tmp_path / "empty.sav"))
    with pytest.raises(BadInput, match=r"empty\.sav  holds no answers; an SPSS file with a row for each sheet"):
        import_instrument(tmp_path / "empty.sav")


def test_a_damaged_spss_file_is_refused_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.sav").write_bytes(b"$FL2 nothing")
    with pytest.raises(BadInput, match=r"bad\.sav  is not an SPSS file or is damaged"):
        import_instrument(tmp_path / "bad.sav")
    assert capfd.readouterr().err == ""


# --- XLSForm ----------------------------------------------------------------------------------------------------------

TRICKY = """\
name: tricky
about: {en: "=1+1 is no formula", zh: 测试}
version: "2.1"
asks: customers
languages: [en, zh]
own: {calm: {wish: -0.25}}
scales:
  five: {from: -2, to: 2, labels: {zh: [甲, 乙, 丙, 丁, 戊]}, thresholds: [-1.25, -0.1, 0.30000000000000004, 0.4]}
  area: {from: 0, to: 10, unknown: [98, 99]}
constructs:
  calm: {label: {en: Calm, zh: 平静}, about: plain, source: "Oliver 1980", of: {trust: -0.1}, self_rated: true}
  wish: {label: Wish, follows: [calm]}
items:
  - {code: c1, text: plain, scale: five, construct: calm, loading: 0.333, thresholds: [-1.0, 0.5, 0.5, 2.0]}
  - code: c2
    text: {zh: 二}
    scale: five
    construct: wish
    reversed: true
    required: true
    asked_if: {c1: [-2, 2], area: ["it's", x]}
  - {code: e1, text: {en: one, zh: 一}, scale: area, construct: calm, role: importance, about: calm}
  - {code: nps, text: four, scale: area, nps: true, asked_if: {town: ["7"]}}
demographics:
  - {code: area, text: where, choices: {"it's": {en: Its, zh: 它}, x: X, "no": {en: Not here}}}
  - {code: town, text: {en: which}, of: banks}
"""


def tricky() -> Instrument:
    return validate(Instrument, loads(TRICKY, file="tricky.yaml"))


def test_the_instrument_that_goes_there_and_back_uses_every_field_there_is() -> None:
    made = tricky()
    for kind, some in (
        (Instrument, [made]),
        (Scale, made.scales.values()),
        (Construct, made.constructs.values()),
        (Item, made.items),
        (Demographic, made.demographics),
    ):
        for name, field in kind.model_fields.items():
            default = field.get_default(call_default_factory=True)
            assert any(getattr(one, name) != default for one in some), f"{kind.__name__}.{name}"


@pytest.mark.parametrize("name", ["customers", "employees", "tricky"])
def test_an_instrument_to_xlsform_and_back_is_the_same(tmp_path: Path, name: str) -> None:
    instrument = tricky() if name == "tricky" else read_instrument(name)
    to_xlsform(instrument, tmp_path / "form.xlsx")
    made = import_instrument(tmp_path / "form.xlsx")
    assert made.instrument == instrument
    assert made.listed == ()


@pytest.mark.parametrize("name", ["customers", "employees", "tricky"])
def test_an_instrument_as_yaml_reads_back_as_the_same(name: str) -> None:
    instrument = tricky() if name == "tricky" else read_instrument(name)
    assert validate(Instrument, loads(to_yaml(instrument))) == instrument


def test_an_exported_form_is_what_tools_of_xlsform_expect(tmp_path: Path) -> None:
    to_xlsform(read_instrument("customers"), tmp_path / "form.xlsx")
    survey = pd.read_excel(tmp_path / "form.xlsx", sheet_name="survey", dtype=str).set_index("name")
    assert list(survey.columns)[:3] == ["type", "label::English (en)", "label::中文 (zh)"]
    assert survey.loc["sat1", "type"] == "select_one agree"
    assert survey.loc["banks", "type"] == "integer"
    assert survey.loc["app1", "relevant"] == "${app_user} = 'yes'"
    rows = list(survey.index)
    assert rows.index("app_user") < rows.index("app1")  # what a rule asks for is asked before it
    choices = pd.read_excel(tmp_path / "form.xlsx", sheet_name="choices", dtype=str)
    assert choices[choices["list_name"] == "agree"]["name"].tolist() == ["1", "2", "3", "4", "5"]
    assert choices[choices["list_name"] == "recommend"]["label::English (en)"].tolist() == [str(i) for i in range(11)]
    settings = pd.read_excel(tmp_path / "form.xlsx", sheet_name="settings", dtype=str)
    assert settings.loc[0, "default_language"] == "English (en)"


def test_a_mistake_in_an_edited_form_is_named(tmp_path: Path) -> None:
    to_xlsform(read_instrument("employees"), tmp_path / "form.xlsx")
    book = openpyxl.load_workbook(tmp_path / "form.xlsx")
    sheet = book["survey"]
    columns = [cell.value for cell in sheet[1]]
    sheet.cell(2, columns.index("rapport_construct") + 1).value = "profesional"
    book.save(tmp_path / "form.xlsx")
    with pytest.raises(BadInput, match=r"form\.xlsx  items\[0\]\.construct: no construct 'profesional'; one of profes"):
        import_instrument(tmp_path / "form.xlsx")


@pytest.mark.parametrize(
    ("sheet", "column", "value", "words"),
    [
        ("rapport_scales", "from", "one", "has a text where the form that we wrote had a number (invalid literal"),
        ("rapport_scales", "from", None, "has no column 'from' any more"),
        ("settings", "rapport_asks", "nobody", "is not allowed; customers or managers"),
    ],
)
def test_a_form_of_ours_that_was_damaged_is_refused_in_words(
    tmp_path: Path, sheet: str, column: str, value: str | None, words: str
) -> None:
    to_xlsform(read_instrument("employees"), tmp_path / "form.xlsx")
    book = openpyxl.load_workbook(tmp_path / "form.xlsx")
    at = [cell.value for cell in book[sheet][1]].index(column) + 1
    if value is None:
        book[sheet].delete_cols(at)
    else:
        book[sheet].cell(2, at).value = value
    book.save(tmp_path / "form.xlsx")
    with pytest.raises(BadInput) as error:
        import_instrument(tmp_path / "form.xlsx")
    assert words in str(error.value)


def form(folder: Path, survey: list[tuple[str, ...]], choices: list[tuple[str, ...]], name: str = "form.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in (("survey", survey), ("choices", choices)):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / name)
    return folder / name


def test_a_form_of_another_hand_is_mapped_and_the_rest_listed(tmp_path: Path) -> None:
    survey: list[tuple[str, ...]] = [
        ("type", "name", "label::English", "label::Français (fr)", "required", "relevant", "parameters", "constraint"),
        ("start", "start", "", "", "", "", "", ""),
        ("note", "hello", "Welcome", "Bonjour", "", "", "", ""),
        ("select_one yesno", "app", "Do you use the app?", "App ?", "yes", "", "", ""),
        ("begin_group", "users", "Users", "", "", "${app} = 'y'", "", ""),
        ("select_one agree", "Q1.1", "The <b>app</b> is quick", "rapide", "true", "", "", ""),
        ("select_one agree", "Q1.2", "The app is clear", "clair", "", "selected(${Q1.1}, '4') or ${Q1.1} = 5", "", ""),
        ("end_group", "", "", "", "", "", "", ""),
        ("select_one agree", "late", "Sure?", "", "", "count-selected(${x}) > 2", "", ""),
        ("range", "tell", "Would you recommend us?", "", "", "", "start=0 end=10 step=1", ""),
        ("integer", "age", "Age", "", "", "", "", ". > 17"),
        ("select_multiple yesno", "many", "Which?", "", "", "", "", ""),
        ("rank yesno", "order", "Order", "", "", "", "", ""),
        ("text", "why", "Why?", "", "", "", "", ""),
        ("calculate", "sum", "", "", "", "", "", ""),
        ("begin repeat", "cards", "Cards", "", "", "", "", ""),
        ("select_one agree", "card", "Card", "", "", "", "", ""),
        ("end repeat", "", "", "", "", "", "", ""),
        ("select_one gone", "lost", "Lost", "", "", "", "", ""),
    ]
    words = ["Disagree fully", "Disagree", "Neither", "Agree", "Agree fully", "Don't know"]
    choices: list[tuple[str, ...]] = [("list_name", "name", "label::English", "label::Français (fr)")]
    choices += [("agree", code, word, f"{word} !") for code, word in zip("123459", words, strict=True)]
    choices += [("yesno", "y", "Yes", "Oui"), ("yesno", "n", "No", "Non")]
    made = import_instrument(form(tmp_path, survey, choices))
    instrument = made.instrument
    assert instrument.languages == ["en", "fr"]
    assert instrument.codes == ["Q1_1", "Q1_2", "late", "tell"]
    assert instrument.item("Q1_1").text == {"en": "The app is quick", "fr": "rapide"}
    assert instrument.item("Q1_1").required
    assert instrument.item("Q1_1").asked_if == {"app": ["y"]}
    assert instrument.item("Q1_2").asked_if == {"app": ["y"], "Q1_1": [4, 5]}
    assert instrument.nps_item is not None
    assert instrument.nps_item.code == "tell"
    scale = instrument.scale_of("Q1_1")
    assert (scale.points, scale.unknown, scale.labels["fr"][0]) == ([1, 2, 3, 4, 5], [9], "Disagree fully !")
    assert {key: len(instrument.items_of(key)) for key in instrument.constructs} == {"Q1": 2}
    assert [one.code for one in instrument.demographics] == ["app", "age"]
    assert list(made.listed) == [
        "hello: a note, no question, not mapped",
        "Q1.1: named Q1_1 here",
        "Q1.2: named Q1_2 here",
        "late: its skip rule is not mapped: (count-selected(${x}) > 2)",
        "age: constraint . > 17, not mapped",
        "many: several answers at once, not mapped",
        "order: a ranking, not mapped",
        "why: free text, not mapped",
        "sum: a calculation, not mapped",
        "cards: questions that are repeated; none of them is mapped",
        "lost: there are no choices 'gone', not mapped",
    ]


# --- LimeSurvey -------------------------------------------------------------------------------------------------------

LIME = """\
id\trelated_id\tclass\ttype/scale\tname\trelevance\ttext\thelp\tlanguage\tvalidation\tmandatory\tencrypted\tother\tdefault
\t\tS\t\tsid\t\t123456\t\t\t\t\t\t\t
\t\tS\t\tlanguage\t\ten\t\t\t\t\t\t\t
\t\tSL\t\tsurveyls_title\t\tYour bank\t\ten\t\t\t\t\t
1\t\tG\tG0\tService\t1\t\t\ten\t\t\t\t\t
11\t\tQ\tL\tapp\t1\t<p>Do you use the app?</p>\t\ten\t\tY\tN\tN\t
\t\tA\t0\tA1\t\tYes, daily\t\ten\t\t\t\t\t
\t\tA\t0\tA2\t\tNo\t\ten\t\t\t\t\t
12\t\tQ\tF\tserv\t((app.NAOK == "A1"))\t"How far do you agree?
(one answer a line)"\t\ten\t\tY\tN\tN\t
\t\tSQ\t0\tSQ001\t1\tIt is quick\t\ten\t\t\t\t\t
\t\tSQ\t0\tSQ002\t1\tIt is clear\t\ten\t\t\t\t\t
\t\tA\t0\tAO01\t\tDisagree\t\ten\t\t\t\t\t
\t\tA\t0\tAO02\t\tNeither\t\ten\t\t\t\t\t
\t\tA\t0\tAO03\t\tAgree\t\ten\t\t\t\t\t
13\t\tQ\tB\tten\t1\tOf ten\t\ten\t\tN\tN\tN\t
\t\tSQ\t0\tA\t1\tCounters\t\ten\t\t\t\t\t
14\t\tQ\t5\tfive\t!is_empty(app)\tOverall\t\ten\t\tN\tN\tN\t
15\t\tQ\tG\tsex\t1\tYou are\t\ten\t\tN\tN\tN\t
16\t\tQ\tN\tage\t1\tAge\t\ten\t\tN\tN\tN\t
17\t\tQ\tL\tbest\t1\tBest branch\t\ten\t\tN\tN\tY\t
\t\tA\t0\tN\t\tNorth\t\ten\t\t\t\t\t
\t\tA\t0\tS\t\tSouth\t\ten\t\t\t\t\t
18\t\tQ\tM\tmany\t1\tWhich?\t\ten\t\tN\tN\tN\t
19\t\tQ\tR\torder\t1\tOrder\t\ten\t\tN\tN\tN\t
20\t\tQ\tT\twhy\t1\tWhy?\t\ten\t\tN\tN\tN\t
21\t\tQ\t*\tsum\t1\t{app}\t\ten\t\tN\tN\tN\t
11\t\tQ\tL\tapp\t1\t您使用手机银行吗\t\tzh-Hans\t\tY\tN\tN\t
\t\tA\t0\tA1\t\t每天\t\tzh-Hans\t\t\t\t\t
\t\tA\t0\tA2\t\t否\t\tzh-Hans\t\t\t\t\t
12\t\tQ\tF\tserv\t((app.NAOK == "A1"))\t您同意吗\t\tzh-Hans\t\tY\tN\tN\t
\t\tSQ\t0\tSQ001\t1\t很快\t\tzh-Hans\t\t\t\t\t
"""


def test_the_structure_of_limesurvey_is_mapped_and_the_rest_listed(tmp_path: Path) -> None:
    (tmp_path / "limesurvey_survey_123456.txt").write_bytes(LIME.encode("utf-8-sig"))
    made = import_instrument(tmp_path / "limesurvey_survey_123456.txt")
    instrument = made.instrument
    assert instrument.languages == ["en", "zh"]
    assert instrument.codes == ["serv_SQ001", "serv_SQ002", "ten_A", "five"]
    assert instrument.item("serv_SQ001").text == {
        "en": "How far do you agree? (one answer a line) It is quick",
        "zh": "您同意吗 很快",
    }
    assert instrument.item("serv_SQ001").required
    assert instrument.item("serv_SQ002").asked_if == {"app": ["A1"]}
    assert instrument.scale_of("serv_SQ001").labels["en"] == ["Disagree", "Neither", "Agree"]
    assert instrument.scale_of("ten_A").points == list(range(1, 11))
    assert instrument.scale_of("five").points == [1, 2, 3, 4, 5]
    facts = {one.code: one.choices for one in instrument.demographics}
    assert facts["app"] == {"A1": {"en": "Yes, daily", "zh": "每天"}, "A2": {"en": "No", "zh": "否"}}
    assert facts["sex"] == {"F": {"en": "Female"}, "M": {"en": "Male"}}
    assert facts["age"] is None
    assert list(made.listed) == [
        "five: its skip rule is not mapped: (!is_empty(app))",
        "best: other: what is written there is not mapped",
        "many: several answers at once, not mapped",
        "order: a ranking, not mapped",
        "why: free text, not mapped",
        "sum: a calculation, not mapped",
    ]


def test_answers_of_limesurvey_are_read_by_its_codes_and_its_words(tmp_path: Path) -> None:
    (tmp_path / "survey.txt").write_text(LIME, encoding="utf-8")
    instrument = import_instrument(tmp_path / "survey.txt").instrument
    (tmp_path / "results.csv").write_text(
        '"app","serv[SQ001]","serv[SQ002]","ten[A]","five"\n"Yes, daily","AO03","AO01","10","5"\n'
        '"A2","","Agree","1","4"\n'
    )
    table = read_sheets(tmp_path / "results.csv", instrument).table
    assert table["app"].tolist() == ["A1", "A2"]
    assert table["serv_SQ001"].fillna(0).tolist() == [3, 0]
    assert table["serv_SQ002"].tolist() == [1, 3]


def test_a_text_file_of_answers_is_not_taken_for_a_structure(tmp_path: Path) -> None:
    (tmp_path / "answers.txt").write_text("q1\tq2\tname\n1\t5\tx\n2\t4\ty\n5\t1\tx\n")
    assert import_instrument(tmp_path / "answers.txt").instrument.codes == ["q1", "q2"]


# --- Qualtrics --------------------------------------------------------------------------------------------------------

FIVE = {str(i): {"Display": word} for i, word in enumerate(AGREE.values(), 1)}


def qualtrics(folder: Path, name: str = "bank.qsf") -> Path:
    def question(id_: str, tag: str, kind: str, selector: str, **more: object) -> dict[str, object]:
        payload = {"QuestionID": id_, "DataExportTag": tag, "QuestionType": kind, "Selector": selector, "Language": []}
        said = {"QuestionText": f"<b>{tag}</b>?", "Validation": {"Settings": {"ForceResponse": "OFF"}}}
        return {"Element": "SQ", "PrimaryAttribute": id_, "Payload": payload | said | more}

    logic = {"LogicType": "Question", "QuestionID": "QID1", "Operator": "Selected", "Type": "Expression"}
    shown = {
        "0": {"0": logic | {"ChoiceLocator": "q://QID1/SelectableChoice/1"}, "Type": "If"},
        "Type": "BooleanExpression",
    }
    odd = {
        "0": {"0": logic | {"ChoiceLocator": "q://QID1/SelectableChoice/1", "Operator": "NotSelected"}, "Type": "If"}
    }
    chinese = {
        "ZH-S": {
            "QuestionText": "数字银行",
            "Choices": {"1": {"Display": "很快"}},
            "Answers": {"1": {"Display": "完全不同意"}},
        }
    }
    questions = [
        question(
            "QID2",
            "Serv",
            "Matrix",
            "Likert",
            SubSelector="SingleAnswer",
            DisplayLogic=shown,
            Language=chinese,
            Choices={"1": {"Display": "quick"}, "4": {"Display": "clear"}},
            ChoiceOrder=["4", "1"],
            Answers=FIVE,
            AnswerOrder=[1, 2, 3, 4, 5],
            ChoiceDataExportTags=False,
            Validation={"Settings": {"ForceResponse": "ON"}},
        ),
        question(
            "QID1",
            "App",
            "MC",
            "SAVR",
            Choices={"1": {"Display": "Yes"}, "2": {"Display": "No"}},
            ChoiceOrder=["1", "2"],
            RecodeValues={"1": "1", "2": "0"},
        ),
        question("QID3", "NPS", "MC", "NPS", Choices={str(i): {"Display": str(i)} for i in range(11)}),
        question(
            "QID4",
            "Sat",
            "MC",
            "SAHR",
            DisplayLogic=odd,
            Choices={**FIVE, "6": {"Display": "Don't know"}},
            ChoiceOrder=["1", "2", "3", "4", "5", "6"],
            RecodeValues={"6": "99"},
        ),
        question("QID5", "Many", "MC", "MAVR", Choices=FIVE),
        question("QID6", "Table", "Matrix", "Likert", SubSelector="MultipleAnswer", Choices=FIVE, Answers=FIVE),
        question("QID7", "Age", "TE", "SL", Validation={"Settings": {"ContentType": "ValidNumber"}}),
        question("QID8", "Why", "TE", "ESTB"),
        question("QID9", "Rank", "RO", "DND", Choices=FIVE),
        question(
            "QID10",
            "Warm",
            "Slider",
            "HSLIDER",
            Configuration={"CSSliderMin": 0, "CSSliderMax": 100},
            Choices={"1": {"Display": "towards us"}},
        ),
        question("QID11", "Old", "MC", "SAVR", Choices=FIVE),
        question("QID12", "Hello", "DB", "TB"),
    ]
    blocks = [
        {
            "Type": "Default",
            "ID": "BL_1",
            "BlockElements": [{"Type": "Question", "QuestionID": f"QID{i}"} for i in (1, 2, 3)],
        },
        {"Type": "Trash", "ID": "BL_2", "BlockElements": [{"Type": "Question", "QuestionID": "QID11"}]},
        {
            "Type": "Standard",
            "ID": "BL_3",
            "BlockElements": [{"Type": "Question", "QuestionID": f"QID{i}"} for i in (4, 5, 6, 7, 8, 9, 10)],
        },
        {"Type": "Standard", "ID": "BL_4", "BlockElements": [{"Type": "Question", "QuestionID": "QID12"}]},
    ]
    flow = {
        "Type": "Root",
        "Flow": [
            {"ID": "BL_4", "Type": "Block"},
            {"Type": "Branch", "Flow": [{"ID": "BL_1", "Type": "Block"}]},
            {"ID": "BL_3", "Type": "Standard"},
        ],
    }
    elements = [{"Element": "BL", "Payload": blocks}, {"Element": "FL", "Payload": flow}, *questions]
    entry = {"SurveyName": "Your bank", "SurveyLanguage": "EN"}
    (folder / name).write_text(json.dumps({"SurveyEntry": entry, "SurveyElements": elements}), encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("name", ["bank.qsf", "bank.json"])
def test_a_qualtrics_survey_is_mapped_in_the_order_of_its_flow_and_the_rest_listed(tmp_path: Path, name: str) -> None:
    made = import_instrument(qualtrics(tmp_path, name))
    instrument = made.instrument
    assert instrument.languages == ["en", "zh"]
    assert instrument.codes == ["Serv_4", "Serv_1", "NPS", "Sat", "Warm_1"]
    assert instrument.item("Serv_1").text == {"en": "Serv? quick", "zh": "数字银行 很快"}
    assert instrument.item("Serv_4").asked_if == {"App": ["1"]}
    assert instrument.item("Serv_4").required
    assert not instrument.item("Sat").required
    assert instrument.item("Sat").asked_if == {}
    assert instrument.scale_of("Sat").points == [1, 2, 3, 4, 5]
    assert instrument.scale_of("Sat").unknown == [99]
    assert instrument.scale_of("Warm_1").last == 100
    assert instrument.nps_item is not None
    facts = {one.code: one.choices for one in instrument.demographics}
    assert facts == {"App": {"1": {"en": "Yes"}, "0": {"en": "No"}}, "Age": None}
    assert list(made.listed) == [
        "Hello: a text, no question, not mapped",
        "Sat: its skip rule is not mapped: NotSelected q://QID1/SelectableChoice/1",
        "Many: several answers at once, not mapped",
        "Table: several answers at once, not mapped",
        "Why: free text, not mapped",
        "Rank: a ranking, not mapped",
        "Old: in the trash or in no block, not mapped",
    ]


def test_a_qualtrics_survey_without_a_flow_is_asked_block_by_block_and_trash_is_not(tmp_path: Path) -> None:
    data = json.loads(qualtrics(tmp_path).read_text(encoding="utf-8"))
    data["SurveyElements"] = [one for one in data["SurveyElements"] if one["Element"] != "FL"]
    (tmp_path / "bank.qsf").write_text(json.dumps(data), encoding="utf-8")
    made = import_instrument(tmp_path / "bank.qsf")
    assert made.instrument.codes == ["Serv_4", "Serv_1", "NPS", "Sat", "Warm_1"]
    assert "Old: in the trash or in no block, not mapped" in made.listed


# --- SurveyJS ---------------------------------------------------------------------------------------------------------

SURVEYJS = {
    "title": {"default": "Your bank", "zh-cn": "您的银行"},
    "pages": [
        {
            "name": "first",
            "elements": [
                {"type": "html", "name": "hello", "html": "<p>Hello</p>"},
                {"type": "boolean", "name": "app", "title": "Do you use the app?", "isRequired": True},
                {
                    "type": "panel",
                    "name": "users",
                    "visibleIf": "{app} = true",
                    "elements": [
                        {
                            "type": "matrix",
                            "name": "serv",
                            "title": {"default": "How far?", "zh-cn": "多大程度"},
                            "columns": [{"value": i, "text": word} for i, word in AGREE.items()],
                            "rows": [{"value": "quick", "text": "quick"}, "clear"],
                            "isRequired": True,
                        },
                    ],
                },
                {
                    "type": "rating",
                    "name": "ease1",
                    "rateMax": 7,
                    "minRateDescription": "hard",
                    "maxRateDescription": "easy",
                },
                {"type": "rating", "name": "ease2", "rateValues": [1, 2, 3, 4, 5, 6, 7], "visibleIf": "{ease1} > 3"},
                {"type": "rating", "name": "likely", "title": "Would you recommend us?", "rateMin": 0, "rateMax": 10},
                {"type": "rating", "name": "half", "rateStep": 0.5},
            ],
        },
        {
            "name": "second",
            "elements": [
                {
                    "type": "radiogroup",
                    "name": "mood",
                    "choices": ["never", "sometimes", "often", "always"],
                    "visibleIf": "{serv.quick} anyof ['4', '5'] and {ease1} = 7",
                },
                {"type": "dropdown", "name": "town", "choices": ["North", "South"], "showOtherItem": True},
                {"type": "text", "name": "age", "inputType": "number"},
                {"type": "comment", "name": "why"},
                {"type": "checkbox", "name": "many", "choices": [1, 2]},
                {"type": "ranking", "name": "order", "choices": [1, 2]},
                {"type": "matrixdynamic", "name": "cards"},
            ],
        },
    ],
    "triggers": [{"type": "complete"}],
}


def test_a_surveyjs_form_is_mapped_and_the_rest_listed(tmp_path: Path) -> None:
    (tmp_path / "form.json").write_text(json.dumps(SURVEYJS), encoding="utf-8")
    made = import_instrument(tmp_path / "form.json")
    instrument = made.instrument
    assert instrument.about == {"en": "Your bank", "zh": "您的银行"}
    assert instrument.codes == ["serv_quick", "serv_clear", "ease1", "ease2", "likely", "mood"]
    assert instrument.item("serv_quick").text == {"en": "How far? quick", "zh": "多大程度 quick"}
    assert instrument.item("serv_quick").asked_if == {"app": ["true"]}
    assert instrument.item("serv_quick").required
    assert instrument.item("mood").asked_if == {"serv_quick": [4, 5], "ease1": [7]}
    assert instrument.scale_of("ease1").labels["en"] == ["hard", "2", "3", "4", "5", "6", "easy"]
    assert instrument.scale_of("ease2").labels == {}
    assert instrument.scale_of("mood").labels["en"] == ["never", "sometimes", "often", "always"]
    assert instrument.nps_item is not None
    facts = {one.code: one.choices for one in instrument.demographics}
    assert list(facts) == ["app", "town", "age"]
    assert facts["town"] == {"North": {"en": "North"}, "South": {"en": "South"}}
    assert list(made.listed) == [
        "hello: a text, no question, not mapped",
        "ease2: its skip rule is not mapped: ({ease1} > 3)",
        "half: its steps are no whole numbers, not mapped",
        "mood: its answers have no numbers, numbered in their order (1 is 'never')",
        "town: other: what is written there is not mapped",
        "why: free text, not mapped",
        "many: several answers at once, not mapped",
        "order: a ranking, not mapped",
        "cards: a table that grows, not mapped",
        "trigger complete: not mapped",
    ]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '{"pages": [\n  oops]}', "a.json:2:3  is no JSON"),
        ("a.json", "[1, 2]", "a.json  holds no questionnaire; a JSON object with questions"),
        ("a.json", '{"answers": 3}', "a.json  holds no questions"),
        ("a.qsf", '{"SurveyEntry": {}}', "a.qsf  holds no SurveyElements"),
        (
            "a.json",
            '{"elements": [{"type": "comment", "name": "why"}]}',
            "holds no question on a scale (why: free text",
        ),
        ("a.json", "[" * 100_000, "a.json"),
        (
            "a.json",
            '{"elements": [3, {"type": "rating", "name": "x", "rateMax": 0}]}',
            "holds no question on a scale (x: its steps",
        ),
        ("a.qsf", '{"SurveyElements": [3, {"Element": "SQ", "Payload": {"QuestionType": "MC"}}]}', "holds no question"),
    ],
)
def test_json_that_is_no_questionnaire_is_refused_in_words(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput) as error:
        import_instrument(tmp_path / name)
    assert words in str(error.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", {}),
        ("a=1", {"a": ["1"]}),
        ("(a='x y' or (a=2)) and b=\"and\"", {"a": ["x y", "2"], "b": ["and"]}),
        ("a=1 && (b=2 || b=3)", {"a": ["1"], "b": ["2", "3"]}),
        ("a=1 or b=2", None),  # two questions of which one suffices
        ("a=1 and a=2", None),  # nobody gave both
        ("a=b", None),
        ("not(a=1)", None),
        ("(a=1) and (b=2", None),
    ],
)
def test_skip_rules_are_read_as_far_as_an_instrument_has_them(text: str, rule: dict[str, list[str]] | None) -> None:
    def term(one: str) -> tuple[str, list[str]] | None:
        name, _, literal = one.partition("=")
        value = unquoted(literal)
        return (name.strip(), [value]) if name.strip().isalpha() and value is not None else None

    assert parse(text, term) == rule


# --- the verb ---------------------------------------------------------------------------------------------------------


def test_import_writes_instrument_and_answers_that_find_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    spss(tmp_path)
    assert main(["survey", "--import", "bank.sav", "--out", "bank"]) == 0
    told = capsys.readouterr().out
    assert "6 items on 1 to 5, 1 to 7, 0 to 10, 2 constructs, 3 demographics, in en" in told
    assert "  remark: another value in every row, an id; not mapped" in told
    read = read_sheets("bank/answers.csv")  # by the instrument.yaml beside it
    assert read.instrument == import_instrument("bank.sav").instrument
    pd.testing.assert_frame_equal(read.table, read_sheets("bank.sav").table)
    assert main(["survey", "--import", "bank.sav", "--out", "bank"]) == 2
    assert "bank/instrument.yaml  is there already; another --out, or --overwrite" in capsys.readouterr().err
    assert main(["survey", "--import", "bank.sav", "--out", "bank", "--overwrite", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["constructs"]["sat"] == ["sat1", "sat2", "sat3"]
    assert json.loads(out)["answers"] == "bank/answers.csv"


def test_import_without_a_place_writes_beside_and_leaves_a_table_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain(tmp_path)
    before = Path("plain.csv").read_bytes()
    assert main(["survey", "--import", "plain.csv"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain.csv", "plain.yaml"]
    assert Path("plain.csv").read_bytes() == before
    assert read_instrument("plain.yaml") == import_instrument("plain.csv").instrument


def test_export_writes_a_form_that_imports_as_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["survey", "--export", "employees"]) == 0
    assert main(["survey", "--export", "employees"]) == 2
    assert main(["survey", "--import", "employees.xlsx", "--out", "mine.yaml"]) == 0
    assert read_instrument("mine.yaml") == read_instrument("employees")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--import", "none.sav"], "none.sav  there is no such file"),
        (["--export", "custmers"], "there is no such file or instrument; did you mean customers?"),
        (["--export", "customers", "--out", "form.csv"], "form.csv  is no name for an XLSForm; it ends in .xlsx"),
        (["--import", "a.pdf"], "a.pdf  is of an unknown kind"),
    ],
)
def test_what_cannot_be_imported_or_exported_is_one_line_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.pdf").write_bytes(b"x")
    assert main(["survey", *words]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
