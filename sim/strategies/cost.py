"""What a strategy costs: a share of the bank's revenue, as a number, or a sum of money, as ``{amount: ...}``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.assumptions import Settings

MOST = 1e15  # of money


class Amount(Settings):
    """A sum of money, the same however large the bank."""

    amount: float = Field(ge=0, le=MOST, description="spent from the start on", json_schema_extra={"unit": "CNY"})


class YearlyAmount(Settings):
    """A sum of money a year, the same however large the bank."""

    amount: float = Field(ge=0, le=MOST, description="spent every year", json_schema_extra={"unit": "CNY/year"})


Share = Annotated[float, Field(ge=0, le=10)]
Capital = Share | Amount
Running = Share | YearlyAmount


def of_month(capital: float, running: float, elapsed: int, capital_months: int) -> float:
    """Part of a month, the first at work counted as 1: capital evenly over its months, then running cost alone."""
    if elapsed <= 0:
        return 0.0
    return (capital / capital_months if elapsed <= capital_months else 0.0) + running / 12.0


def share(cost: float | Amount | YearlyAmount) -> float:
    """Of annual revenue; 0 for a sum of money."""
    return 0.0 if isinstance(cost, (Amount, YearlyAmount)) else cost


def money(cost: float | Amount | YearlyAmount) -> float:
    """In CNY; 0 for a share of revenue."""
    return cost.amount if isinstance(cost, (Amount, YearlyAmount)) else 0.0
