"""What survey tools export becomes an instrument; what cannot be mapped is listed, and nothing is made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.errors import BadInput
from sim.survey.instrument.importing import import_instrument
from sim.survey.reading import read_sheets

DATA = Path("shared", "data", "bank_csi", "answers.csv.gz")  # beside the checkout, where it is there
BANK_CSI = next((one / DATA for one in Path(__file__).resolve().parents if (one / DATA).is_file()), DATA)


def csv(folder: Path, columns: dict[str, list[object]], name: str = "plain.csv") -> Path:
    pd.DataFrame(columns).to_csv(folder / name, index=False)
    return folder / name


# --- plain tables -----------------------------------------------------------------------------------------------------


def plain(folder: Path, **more: list[object]) -> Path:
    draw = np.random.default_rng(1)
    columns: dict[str, list[object]] = {f"sat{i}": list(draw.integers(0, 11, 40)) for i in (1, 2, 3)}
    columns |= {f"val{i}": list(draw.integers(2, 9, 40)) for i in (1, 2)}
    return csv(folder, columns | {"Region": ["North", "South"] * 20, "row": list(range(40))} | more)


def test_names_and_ranges_of_plain_answers_propose_constructs_and_scales(tmp_path: Path) -> None:
    made = import_instrument(plain(tmp_path))
    assert made.instrument.name == "plain"
    assert {key: len(made.instrument.items_of(key)) for key in made.instrument.constructs} == {"sat": 3, "val": 2}
    assert {scale.points[0] for scale in made.instrument.scales.values()} == {0}
    assert made.instrument.scale_of("val1").last == 10  # the range of most, since 2 to 8 is within it
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


def test_the_name_of_an_item_may_say_that_it_is_the_promoter_question(tmp_path: Path) -> None:
    made = import_instrument(plain(tmp_path, nps=[10, *range(10)] * 3 + [8] * 7))
    assert made.instrument.nps_item is not None
    assert made.instrument.nps_item.code == "nps"
    assert not any(line.startswith("net promoter") for line in made.listed)


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
