"""The `beliefs:` section of a scenario: in how many worlds every arm lives beside the one of the default numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from sim.assumptions import Settings
from sim.designs import DESIGNS, Design
from sim.scenario.sweep import Range
from sim.slips import Slip, several

# A world is one draw of all beliefs, so designs that draw each row for itself fit: no grids, no trajectories, no lists.
FIT = tuple(name for name, design in DESIGNS.items() if design.sampled and not design.complete)
EVERY: Literal["all"] = "all"
LEARNED: Literal["posterior"] = "posterior"
if TYPE_CHECKING:
    DesignName = str
else:
    DesignName = Literal[FIT]


def _given_as(value: object) -> str:
    """How it is said which assumptions differ, so that a mistake is told as one of what was meant."""
    return "table" if isinstance(value, dict) else "list" if isinstance(value, (list, tuple)) else EVERY


class Beliefs(Settings):
    """Worlds drawn from the plausible ranges of the assumptions, every arm lived in each with the same luck."""

    worlds: int = Field(
        64,
        ge=2,
        le=100_000,
        description="how many; shares of worlds are known to about 1 over the square root of it",
        json_schema_extra={"unit": "worlds"},
    )
    vary: Annotated[
        Annotated[Literal["all", "posterior"], Tag("all")]
        | Annotated[Annotated[list[str], Field(min_length=1)], Tag("list")]
        | Annotated[dict[str, Range | None], Tag("table")],
        Discriminator(_given_as),
    ] = Field(
        EVERY,
        description="which assumptions differ, beside those of a posterior: all that matter here, none but the "
        "posterior's, a list of paths (a number, a table, a section, "
        "`strategy.number`), or a table of paths, each with low and high, or null for its plausible range",
    )
    design: DesignName = Field(
        "latin_hypercube",
        description="how worlds are drawn; with few worlds and many assumptions a Sobol' sequence makes the product of "
        "two of them look like a third",
    )
    agents: int = Field(
        5_000,
        ge=100,
        le=20_000_000,
        description="simulated rows of a world, if the scenario has more; a book keeps its own",
        json_schema_extra={"unit": "rows"},
    )
    seeds: int = Field(
        1,
        ge=1,
        le=1_000,
        description="seeds that each world lives, the first of the scenario's; all worlds the same ones",
        json_schema_extra={"unit": "seeds"},
    )

    @field_validator("vary", mode="after")
    @classmethod
    def _null_is_empty(cls, vary: object) -> object:
        """A null would be lost where a scenario is written back without what is not set."""
        if not isinstance(vary, dict):
            return vary
        return {path: given or Range.model_validate({}) for path, given in vary.items()}

    @model_validator(mode="after")
    def _fits_design(self) -> Beliefs:
        slips = list(self._slips())
        if slips:
            raise several(slips)
        return self

    def _slips(self) -> Iterator[Slip]:
        if not self.vary:
            yield ("vary",), "nothing is varied; all, or paths such as managers.turnover"
        for (name, *_), what in self.kind.slips(None, {"": None}):
            yield ("worlds" if name == "samples" else name,), what

    @property
    def kind(self) -> Design:
        """The design itself."""
        return DESIGNS[self.design](self.worlds, None)
