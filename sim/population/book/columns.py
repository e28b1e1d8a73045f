"""Which column of a customer book is which of our fields, and what each field may hold: a scenario's `columns`.

A field is mapped by a column's name alone, or by a small mapping where the file's units or words are not ours:
``tenure_months: {column: vintage, scale: 0.0328542}``, ``state: {column: IsActiveMember, active: [1]}``.
Nothing here is evaluated: a mapping is numbers and words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from sim.assumptions import with_tuples

FieldName = Literal[
    "id",
    "aum",
    "age",
    "tenure_months",
    "products",
    "income",
    "digital_active",
    "digital_affinity",
    "satisfaction",
    "trust",
    "expectation",
    "state",
    "tier",
    "share_of_wallet",
]
DateFormat = Literal["day-month-year", "month-day-year", "year-month-day", "excel"]
FIELD_NAMES: Final[tuple[str, ...]] = get_args(FieldName)

# What a book may lack: it is imputed from the synthetic bank given tier and age. Without `state` everybody starts
# active; without `tier` the tier follows from AUM and the thresholds; `id` and `aum` cannot be done without.
IMPUTABLE: Final[tuple[str, ...]] = (
    "age",
    "tenure_months",
    "products",
    "income",
    "digital_active",
    "digital_affinity",
    "satisfaction",
    "trust",
    "expectation",
    "share_of_wallet",
)

_WHOLE: Final = re.compile(r"([+-]?[0-9]{1,300})(?:\.0*)?")
_BARE: Final = re.compile(r"[\w.+#%/&()$€£¥-]+")

DAYS_TO_MONTHS: Final = 0.0328542  # 12 / 365.25


@dataclass(frozen=True)
class Quantity:
    """What a number of a book may be: its noun for messages, its unit, its bounds (inclusive), in model units."""

    noun: str
    unit: str
    low: float
    high: float
    whole: bool = False
    money: bool = False  # counted in the file's money: currency_scale applies, and the scenario's currency is its unit
    floor: float | None = None  # what smaller values may sensibly be raised to
    share: bool = False  # a percent sign is read
    units: tuple[tuple[str, float], ...] = ()  # other units that a file may have it in, each with its scale to ours
    scales: str = ""  # what may have other scales, where no unit of it is known


# Bounds are what a customer of a bank can be at all, wide on purpose; 1,200 months catch days read as months.
QUANTITIES: Final[Mapping[str, Quantity]] = MappingProxyType(
    {
        "aum": Quantity("balance", "", 0.0, 1e12, money=True, floor=0.0),
        "age": Quantity("age", "years", 0.0, 120.0),
        "tenure_months": Quantity("tenure", "months", 0.0, 1200.0, units=(("days", DAYS_TO_MONTHS),)),
        "products": Quantity("number of products", "", 1.0, 100.0, whole=True, floor=1.0),
        "income": Quantity("income", "a year", 0.0, 1e12, money=True, floor=0.0),
        "digital_affinity": Quantity("affinity", "", 0.0, 1.0, share=True, units=(("percent", 0.01),), scales="other"),
        "satisfaction": Quantity("satisfaction", "standard deviations", -6.0, 6.0, scales="survey"),
        "trust": Quantity("trust", "standard deviations", -6.0, 6.0, scales="survey"),
        "expectation": Quantity("expectation", "standard deviations", -6.0, 6.0, scales="survey"),
        "share_of_wallet": Quantity("share of wallet", "", 0.001, 1.0, share=True, units=(("percent", 0.01),)),
    }
)


class ColumnSpec(BaseModel):
    """A column of the book by its name; a bare name means the same as ``{column: name}``."""

    written_as: ClassVar[str] = "a column's name, or a mapping with column"

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    column: str = Field(min_length=1, description="name of the column in the file's header")

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return with_tuples(cls, given)
        return {"column": given} if isinstance(given, str) else given

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> str | dict[str, Any]:
        """The shortest form that reads back to the same: the bare name, or only what differs from a default."""
        dumped = handler(self)
        fields = type(self).model_fields
        kept = {
            key: value
            for key, value in dumped.items()
            if getattr(self, key) != fields[key].get_default(call_default_factory=True)
        }
        return self.column if set(kept) == {"column"} else kept

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        spelled_out = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"type": "string", "minLength": 1, "description": "name of the column"}, spelled_out]}


class IdColumn(ColumnSpec):
    """The column that tells customers apart; ``id: row`` numbers the rows of a book that has none."""

    written_as: ClassVar[str] = "a column's name, or row to number the rows of a book that has no such column"


class AmountColumn(ColumnSpec):
    """A column of numbers: ``value = number * scale + shift``, then raised to `floor` where it is below."""

    scale: float = Field(1.0, description="what one unit of the file is in ours, e.g. 0.0328542 for days to months")
    shift: float = Field(0.0, description="added after scaling, in our unit")
    floor: float | None = Field(
        None, description="smaller values are raised to this, in our unit, and counted in the manifest"
    )

    @field_validator("scale")
    @classmethod
    def _not_nil(cls, scale: float) -> float:
        if scale == 0:
            raise ValueError("a scale of 0 makes every value the same; it must be another number")
        return scale


class NumberColumn(AmountColumn):
    """A column of numbers that the synthetic bank can complete."""

    missing: Literal["mistake", "impute"] = Field(
        "mistake", description="what an empty cell is: a mistake, or imputed from the synthetic bank"
    )


class DatedColumn(NumberColumn):
    """A column of numbers, or of dates that become whole months or years before the day of the book (`as_of`)."""

    date: bool | None = Field(
        None, description="whether its values are dates, such as 19981231 or 930101; seen by the program if not given"
    )
    format: DateFormat | None = Field(
        None, description="order of the parts of its dates, or Excel's numbers of days; found if not given"
    )

    @model_validator(mode="after")
    def _dates_have_no_scale(self) -> Self:
        if self.format is not None and self.date is False:
            raise ValueError("a format is one of dates, and date: false says that there are none")
        if (self.date or self.format is not None) and (self.scale != 1.0 or self.shift != 0.0):
            raise ValueError("dates become months or years by themselves; leave scale and shift out")
        return self


class StateColumn(ColumnSpec):
    """A column of two states, as in ``{column: IsActiveMember, active: [1]}`` or ``{column: Churn, inverted: true}``;
    `active` lists the values that mean active, every other value then means dormant; 1, 1.0 and "1" are one value.
    """

    active: tuple[bool | int | float | str, ...] | None = Field(
        None, min_length=1, description="values of the file that mean active (or: uses digital channels)"
    )
    inverted: bool | None = Field(
        None,
        description="true where yes in the file means the opposite, as in a column of those who left; "
        "false says that yes is meant as it stands, whatever the column's name",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.active is not None and self.inverted:
            raise ValueError("active lists what means active, so there is nothing to invert; one of the two")
        return self


class FlagColumn(StateColumn):
    """A column of yes and no that the synthetic bank can complete."""

    missing: Literal["mistake", "impute"] = Field(
        "mistake", description="what an empty cell is: a mistake, or imputed from the synthetic bank"
    )


class TierColumn(ColumnSpec):
    """A column of tier names; `values` translates the file's words, e.g. ``{1: wealth, 2: affluent, 3: mass}``."""

    values: dict[str, str] = Field(default_factory=dict, description="tier by the word or number that the file uses")

    @field_validator("values", mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        return {str(key): value for key, value in given.items()} if isinstance(given, dict) else given

    @field_validator("values")
    @classmethod
    def _numbers_once(cls, values: dict[str, str]) -> dict[str, str]:
        first: dict[str, str] = {}
        for word in values:
            if (other := first.setdefault(plain_number(word), word)) != word:
                raise ValueError(f"{other} and {word} are the same number; one of the two")
        return values

    def tier_of(self, word: str) -> str:
        """The tier that a word of the file stands for; the word itself where `values` does not list it."""
        if word in self.values:
            return self.values[word]
        number = plain_number(word)
        return next((tier for known, tier in self.values.items() if plain_number(known) == number), word)


class BookColumns(BaseModel):
    """Field by field, the book's columns. `id` and `aum` are needed; what is absent is imputed (see `IMPUTABLE`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: IdColumn = Field(
        description="customer id, read as text exactly as in the file, each once; `row` numbers the rows of a book "
        "that has none"
    )
    aum: AmountColumn = Field(description="assets at the bank (or average balance), in the file's money")
    age: DatedColumn | None = Field(None, description="age in years, 0 to 120, or date of birth")
    tenure_months: DatedColumn | None = Field(None, description="months since the customer joined, or date of joining")
    products: NumberColumn | None = Field(None, description="products held, at least 1")
    income: NumberColumn | None = Field(None, description="yearly income, in the file's money")
    digital_active: FlagColumn | None = Field(None, description="uses the app or other digital channels")
    digital_affinity: NumberColumn | None = Field(None, description="inclination to digital channels, 0 to 1")
    satisfaction: NumberColumn | None = Field(None, description="satisfaction in standard deviations")
    trust: NumberColumn | None = Field(None, description="trust in the bank in standard deviations")
    expectation: NumberColumn | None = Field(None, description="service quality expected, in standard deviations")
    state: StateColumn | None = Field(None, description="active or dormant; all are active without it")
    tier: TierColumn | None = Field(None, description="tier by name; follows from the thresholds without it")
    share_of_wallet: NumberColumn | None = Field(None, description="share of the customer's wealth held here, 0 to 1")

    @model_serializer(mode="wrap")
    def _mapped_only(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: spec for name, spec in handler(self).items() if spec is not None}

    def mapped(self) -> dict[str, ColumnSpec]:
        """The fields that have a column, in the order of `FIELD_NAMES`."""
        found = {name: getattr(self, name) for name in FIELD_NAMES}
        return {name: spec for name, spec in found.items() if spec is not None}


def plain_number(word: str) -> str:
    """A whole number in one spelling: ``1`` for ``1.0``, ``+1`` and ``01``; any other word as it is."""
    match = _WHOLE.fullmatch(word.strip())
    return str(int(match[1])) if match else word


def plain_word(value: Any) -> str:
    """A cell or a listed value as a word to compare: no case, no spaces around, 1.0 and True as 1."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return plain_number(str(value).strip().casefold()) if value is not None else ""


def quoted(name: str) -> str:
    """A column's name as a message shows it: in quotes where it holds more than letters, digits and the like."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def did_you_mean(name: str, choices: Any) -> str:
    """``; did you mean x?`` where one of the choices is near, regardless of case; else nothing."""
    by_case = {str(choice).casefold(): str(choice) for choice in choices}
    near = get_close_matches(name.casefold(), list(by_case), n=1, cutoff=0.6)
    return f"; did you mean {quoted(by_case[near[0]])}?" if near else ""


def _explain(error: Any) -> tuple[str, str]:
    """One pydantic error of `BookColumns` as (key path below `columns`, what is wrong and what would be right)."""
    place = tuple(str(part) for part in error["loc"])
    path = ".".join(place)
    match error["type"]:
        case "extra_forbidden":
            allowed = tuple(spec_of(place[0]).model_fields) if place[:-1] else FIELD_NAMES
            return path, f"unknown key{did_you_mean(place[-1], allowed)} (known: {', '.join(allowed)})"
        case "missing":
            right = "name the column that holds it"
            return path, f"missing; {right}{', or row to number the rows' if path == 'id' else ''}"
        case "value_error":
            return path, str(error["ctx"]["error"])
        case "model_type" | "model_attributes_type" | "dict_type" if len(place) < 2:
            return path, f"must be a column's name or a mapping such as {{column: name}}, not {error['input']!r}"
        case _:
            return path, f"{error['msg'][0].lower()}{error['msg'][1:]}, not {error['input']!r}"


def spec_of(name: str) -> type[ColumnSpec]:
    """The kind of column that a field takes."""
    hint = BookColumns.model_fields[name].annotation
    return next(kind for kind in (get_args(hint) or (hint,)) if isinstance(kind, type) and issubclass(kind, ColumnSpec))


def validated(columns: Mapping[str, Any]) -> tuple[dict[str, ColumnSpec], dict[str, str]]:
    """The fields of a mapping that are sound, and for the key path of each one that is not, what is wrong with it."""
    try:
        return BookColumns.model_validate(dict(columns)).mapped(), {}
    except ValidationError as error:
        wrong = dict(_explain(one) for one in error.errors())
    failed = {path.split(".")[0] for path in wrong}
    sound = [name for name in FIELD_NAMES if name in columns and name not in failed and columns[name] is not None]
    return {name: spec_of(name).model_validate(columns[name]) for name in sound}, wrong
