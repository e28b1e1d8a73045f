"""Every column of every result file is declared once, with its unit and meaning."""

from __future__ import annotations

import pytest

from sim.store.columns import FILES, File
from sim.store.tables import units


@pytest.mark.parametrize("name", FILES)
def test_a_column_stands_once_in_its_file_with_type_and_meaning(name: str) -> None:
    file = FILES[name]
    names = [column.name for column in file.columns]
    assert len(set(names)) == len(names)
    for column in file.columns:
        assert column.dtype in ("text", "bool", "as varied") or column.dtype.lstrip("u").startswith(("int", "float"))
        assert column.meaning.strip() == column.meaning != ""
        assert column.unit or column.dtype != "float64" or column.codes, column.name  # a number has a unit
        assert "<" in column.name or file.column(column.name) is column


def test_a_column_of_many_is_found_by_its_pattern() -> None:
    bank: File = FILES["bank"]
    assert bank.column("maturity[digital_thinking]").name == "maturity[<strategy>]"  # type: ignore[union-attr]
    assert bank.column("kept_12m[high net worth]").name == "kept_12m[<tier>]"  # type: ignore[union-attr]
    assert bank.column("maturity") is None
    assert bank.column("coverage") is None
    assert FILES["candidates"].column("npv_low").name == "<kpi>_low"  # type: ignore[union-attr]
    assert FILES["tasks"].column("npv[mass]").name == "<kpi>"  # type: ignore[union-attr]
    assert FILES["tasks"].column("model.hazards.mass.dormant").name == "<parameter>"  # type: ignore[union-attr]


def test_units_are_told_by_table_in_the_models_currency() -> None:
    told = units("monthly", currency="CNY")
    assert (told["aum"], told["customers"], told["satisfaction"]) == ("CNY", "customers", "sd")
    assert not {"arm", "tier", "seed"} & set(told)
    assert units("bank", ["cost[digital_thinking]", "nps"]) == {"cost[digital_thinking]": "money", "nps": "points"}
    assert units("summary")["mean"] == "as `unit` says"
