"""The `population:` section of a scenario."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from sim.assumptions import Settings, assumption, part, scaled_table
from sim.population.book.columns import BookColumns

Agents = Annotated[int, Field(ge=1, le=1_000_000_000)] | Annotated[float, Field(gt=0.0, le=1.0)]


class AnswerColumn(Settings):
    """How sure a column is that comes from answers."""

    measured: str = Field(description="the construct of the questionnaire that it is linked to")
    reliability: float = Field(ge=0, le=1, description="reliability of its score, 0 to 1")
    error: float = Field(ge=0, description="standard error of its mean, in the column's unit")


class Answers(Settings):
    """Where columns of a book come from that are a survey's; it says so and decides nothing."""

    file: str = Field(description="name of the file of answers")
    sheets: int = Field(ge=1, description="sheets used", json_schema_extra={"unit": "sheets"})
    effective: float = Field(ge=0, description="as many as weights leave", json_schema_extra={"unit": "sheets"})
    columns: dict[str, AnswerColumn] = Field(description="columns of the book that are from answers")


class History(Settings):
    """A monthly history: how its rows are of a month."""

    month: str = Field(min_length=1, description="column of months: 2015-01, 201501, a date, or 1, 2, 3")


class Opening(Settings):
    """What everybody begins with more or less of than the bank or book says: as much as a survey is unsure of."""

    satisfaction: float = assumption(0.0, "SD", plausible=(-0.3, 0.3), allowed=(-3, 3), source="assumption")
    """satisfaction of all first customers"""
    trust: float = assumption(0.0, "SD", plausible=(-0.3, 0.3), allowed=(-3, 3), source="assumption")
    """their trust"""
    expectation: float = assumption(0.0, "SD", plausible=(-0.3, 0.3), allowed=(-3, 3), source="assumption")
    """the service quality they expect"""
    digital_affinity: float = assumption(0.0, "share", plausible=(-0.1, 0.1), allowed=(-1, 1), source="assumption")
    """their digital affinity, kept between 0 and 1"""


class Population(Settings):
    """Who the customers are: a synthetic bank, or a customer book."""

    source: Literal["synthetic", "book"] = Field("synthetic", description="a synthetic bank, or a customer book")
    preset: Literal["bank_b", "cmb_2021"] = Field(
        "bank_b", description="the bank; under a book, the bank that imputes what the book lacks"
    )
    customers: int | None = assumption(
        None, "customers", plausible=(1e4, 1e7), allowed=(1, 1_000_000_000), source="choice"
    )
    """size of the bank; default 1,000,000, under a book its number of rows"""
    agents: Agents | None = Field(
        None,
        description="simulated rows, a number or a share of customers (1.0: one to one, as by default); fewer = "
        "stratified by tier",
        json_schema_extra={"unit": "rows", "source": "choice"},
    )
    store: str | None = Field(
        None,
        min_length=1,
        description="folder in which the customers of a run live, in files, so that they may be more than memory holds "
        "and a run that was killed goes on; a path from the current folder, as of results; in memory if not given",
    )
    file: str | None = Field(
        None,
        description="customer book: CSV, gzipped CSV, Excel (.xlsx), Parquet, Arrow, DuckDB or SQLite, by a path "
        "relative to this file",
    )
    tables: dict[str, str] | None = Field(
        None,
        min_length=1,
        description="instead of file: tables by name, each a file of any kind, which query joins into a book",
    )
    query: str | None = Field(
        None, min_length=1, description="one SELECT that gives the book, of the tables or of a database; it only reads"
    )
    table: str | None = Field(None, min_length=1, description="table of a database that is the book, if it has several")
    sheet: str | None = Field(
        None, min_length=1, description="sheet of a workbook; the first that holds anything if not given"
    )
    header: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="line of a CSV book, or row of a sheet, that names the columns, where a title stands above it; "
        "found by the program if not given",
    )
    encoding: str | None = Field(
        None,
        min_length=1,
        description="encoding of a CSV book, such as gb18030, cp1252 or utf-16; found by the program if not given",
    )
    separator: Literal["comma", "semicolon", "tab", "bar"] | None = Field(
        None, description="what stands between the values of a CSV book; found by the program if not given"
    )
    decimal: Literal["point", "comma"] | None = Field(
        None,
        description="what stands before the decimals in a book: point reads 1234.5 and 1,234.5, comma reads 1234,5 and "
        "1.234,5; if not given, 1234.5, or what numbers say that can be read in one way alone",
    )
    as_of: str | None = Field(
        None, description="day of the book, such as 2024-12-31: dates of joining and of birth are counted to it"
    )
    history: History | None = Field(
        None, description="of a book with a row for each customer and month: its last month is the book"
    )
    columns: BookColumns | None = Field(None, description="which column of the book is which field")
    currency_scale: float = assumption(
        1.0, "model money per unit of the book's money", plausible=(0.01, 100), allowed=(1e-9, 1e9), source="choice"
    )
    """turns the book's money into the model's"""
    answers: Answers | None = Field(
        None, description="of a book written by `survey --initialise`: whose answers its attitudes are"
    )
    opening: Opening = part(Opening, "what all first customers begin with more or less of")
    shares: dict[str, float] | None = Field(
        None, description="share of customers by tier of a synthetic bank; default the preset's"
    )
    strata: dict[str, float] = assumption(
        unit="share of agents",
        plausible=(0.0, 1.0),
        factory=lambda: {"mass": 0.60, "affluent": 0.20, "wealth": 0.15, "private": 0.05},
        source="DECISIONS 7",
    )
    """how simulated rows are divided over tiers"""

    @field_validator("as_of")
    @classmethod
    def _a_day(cls, as_of: str | None) -> str | None:
        try:
            return None if as_of is None else date.fromisoformat(as_of).isoformat()
        except ValueError:
            raise ValueError(f"{as_of!r} is no day; one such as 2024-12-31") from None

    @field_validator("shares", "strata")
    @classmethod
    def _add_up(cls, shares: dict[str, float] | None) -> dict[str, float] | None:
        return None if shares is None else scaled_table(shares)
