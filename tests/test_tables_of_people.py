"""Claims about customers and managers as tables: every column once, with its unit, and nobody who is gone."""

from __future__ import annotations

import numpy as np
import pytest
import tables
from banks import at_the_start, scenario

from sim.agents.customer import BY_NAME, NAMES, OBSERVED, SHOWN, VARIABLES, BankView, Customers
from sim.bank.model import BankModel
from sim.codes import ACTIVE, CLOSED


@pytest.fixture(scope="module")
def bank() -> BankModel:
    return at_the_start(scenario(population={"customers": 2000, "agents": 2000}, months=2, burn_in=1))


def test_a_frame_has_every_column_of_every_open_customer_as_it_is(bank: BankModel) -> None:
    customers = bank.customers
    customers.state[[3, 5]] = CLOSED
    frame = customers.frame()
    assert tuple(frame.columns) == SHOWN
    assert not set(frame.index) & {3, 5}
    assert len(frame) == np.count_nonzero(customers.state != CLOSED)
    for column in VARIABLES:
        assert frame[column.name].dtype == getattr(column, "dtype", np.int8), column.name
        assert np.array_equal(frame[column.name], getattr(customers, column.name)[frame.index]), column.name
    assert frame.attrs["units"] == {column.name: column.unit for column in VARIABLES}
    frame.loc[frame.index[0], "trust"] = 99.0
    assert customers.trust[frame.index[0]] != 99.0, "a copy"


def test_a_frame_of_some_columns_and_of_none_that_is_there(bank: BankModel) -> None:
    frame = bank.customers.frame(["aum", "tier"])
    assert list(frame.columns) == ["aum", "tier"]
    assert frame.attrs["units"] == {"aum": "CNY", "tier": ""}
    with pytest.raises(KeyError, match="no such column: wealthh; columns are uid, weight"):
        bank.customers.frame(["aum", "wealthh"])


def test_numbers_have_units_and_codes_have_none() -> None:
    assert all(BY_NAME[name].unit for name in NAMES if BY_NAME[name].dtype == np.float32)
    coded = [column.name for column in VARIABLES if not column.unit]
    assert {"uid", "state", "tier", "manager", "preferred", "uplift_class"} <= set(coded)


def test_the_bank_sees_what_the_table_says_it_sees() -> None:
    customers = Customers(2)
    customers.place({"uid": np.array([1, 2], np.uint64), "state": np.full(2, ACTIVE), "weight": np.full(2, 1024)})
    view = BankView(customers)
    for one in VARIABLES:
        if one.observed:
            assert getattr(view, one.name).size == 2
        else:
            with pytest.raises(AttributeError, match="cannot see it"):
                getattr(view, one.name)
    assert set(SHOWN) - OBSERVED >= {"satisfaction", "log_frailty", "uplift_class", "preferred"}


def test_the_page_of_the_model_has_the_tables_of_the_code() -> None:
    page = tables.PAGE.read_text("utf-8")
    assert all(tables.block(name).search(page) for name in tables.TABLES)
    assert tables.written(page) == page, "python -m tests.tables"


def test_managers_stand_in_a_table_by_post(bank: BankModel) -> None:
    frame = bank.team.frame()
    assert list(frame.index) == [manager.post for manager in bank.team.managers]
    assert (frame["tier_name"] == [bank.tiers[tier].name for tier in frame["tier"]]).all()
    assert frame.attrs["units"]["digital"] == "5-point scale"
    one = bank.team.managers[0]
    assert frame.loc[0, ["hire", "experience", "fatigue"]].tolist() == [one.hire, one.experience, one.fatigue]
