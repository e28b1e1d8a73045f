"""How an A/B test of the bank's own is read: which arms, which columns, which outcomes, to which months."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.assumptions import EXACT, Settings
from sim.phrases import listed
from sim.slips import Slip, several

Outcome = Literal["active", "closed", "contacts", "complaints", "products", "digital"]
COLUMNS = ("arm", "customer", "month", "tier", "cluster")  # besides outcomes


class PilotSettings(Settings):
    """An A/B test: who was in which arm, and what came of it."""

    arms: dict[str, str] = Field(
        min_length=2, description="arms as the file calls them, each with the arm of the scenario that it is"
    )
    outcome: Outcome | Annotated[list[Outcome], Field(min_length=1)] = Field(
        description="what is counted: active or closed (0 or 1), contacts or complaints (a number a month), products, "
        "digital (0 or 1)"
    )
    months: int = Field(ge=1, le=1200, description="how long it ran", json_schema_extra={"unit": "months"})
    at: list[int] = Field(
        default_factory=list, description="months to whose end a target is counted; the last alone unless given"
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="names in the file of arm, customer, month, tier, cluster and the outcomes, where they are others",
    )
    tier: str | None = Field(None, description="the tier of the scenario that it ran in, if it ran in one")
    shares: dict[str, float] = Field(
        default_factory=dict,
        description="shares of customers by arm that lots were drawn for, as the file calls arms; even unless given",
    )
    separator: str | None = Field(None, description="mark between values of a text; found unless given")
    encoding: str | None = Field(None, description="encoding of a text; found unless given")

    @property
    def outcomes(self) -> list[str]:
        """All that is counted."""
        return [self.outcome] if isinstance(self.outcome, str) else list(self.outcome)

    @property
    def ends(self) -> list[int]:
        """Months to whose end a target is counted."""
        return sorted(set(self.at)) or [self.months]

    def column(self, name: str) -> str:
        """What the file calls it."""
        return self.columns.get(name, name)

    @model_validator(mode="after")
    def _fits(self) -> PilotSettings:
        if slips := list(self._slips()):
            raise several(slips)
        return self

    def _slips(self) -> Iterator[Slip]:
        known = [*COLUMNS, *self.outcomes]
        for name in self.columns:
            if name not in known:
                yield ("columns", name), f"nothing that is read; one of {', '.join(known)}"
        for i, month in enumerate(self.at):
            if not 1 <= month <= self.months:
                yield ("at", i), f"{month} is no month of the test; from 1 to {self.months}"
        if len(set(self.arms.values())) < len(self.arms):
            yield ("arms",), "two of them are one arm of the scenario; each its own"
        if self.shares and (set(self.shares) != set(self.arms) or abs(sum(self.shares.values()) - 1) > EXACT):
            yield ("shares",), f"a share for each of {listed(list(self.arms))}, which add up to 1"
        if self.shares and min(self.shares.values()) <= 0:
            yield ("shares",), "a share is above 0"
        if len(set(self.outcomes)) < len(self.outcomes):
            yield ("outcome",), "one is there twice; each once"
