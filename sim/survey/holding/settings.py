"""How people answer: the numbers of SPEC 8.2, and the `survey:` section of a scenario."""

from __future__ import annotations

from typing import ClassVar, Final, Literal, get_args

from pydantic import Field, field_validator, model_validator

from sim.assumptions import Doubts, Settings, assumption, part
from sim.slips import slip
from sim.survey.measures import Who

Mode = Literal["online", "handed", "intercept"]
Sampling = Literal["simple", "stratified", "quota", "branch", "app"]
SAMPLINGS: Final[tuple[str, ...]] = get_args(Sampling)
MODES: Final[dict[str, Mode]] = {
    "simple": "online",
    "stratified": "online",
    "quota": "handed",
    "branch": "intercept",
    "app": "online",
}  # how each kind of sample of customers is asked
OF_STAFF: Final[Mode] = "handed"  # how staff are


def mode_of(who: Who, sampling: str) -> Mode:
    """How a sample is asked."""
    return OF_STAFF if who == "managers" else MODES[sampling]


class Answering(Settings):
    """How people answer a questionnaire; what a survey is wrong by comes from here. No figure of money does."""

    doubts: ClassVar = Doubts(
        settled=(
            "response",
            "response_engagement",
            "response_extremes",
            "acquiescence",
            "extreme",
            "extreme_stretch",
            "middle",
            "middle_stretch",
            "halo",
            "desirability",
            "self_knowledge",
            "careless",
            "left_out",
            "hurried",
            "workload",
            "branch_otherwise",
        )
    )

    response: dict[str, float] = assumption(
        unit="share of those asked",
        plausible=(0.05, 1.0),
        factory=lambda: {"online": 0.35, "handed": 0.66, "intercept": 0.97},
        source="SPEC 8.2",
    )
    """who answers, by how they are asked, in the reference population"""
    response_engagement: float = assumption(
        0.3, "log odds per SD", plausible=(0.1, 0.5), allowed=(-5, 5), source="assumption"
    )
    """the engaged answer more"""
    response_extremes: float = assumption(
        0.15, "log odds per squared SD", plausible=(0.0, 0.3), allowed=(-2, 2), source="assumption"
    )
    """the very satisfied and the very dissatisfied answer more"""
    acquiescence: float = assumption(0.3, "SD", plausible=(0.1, 0.5), allowed=(0, 3), source="SPEC 8.2")
    """spread between people in agreeing whatever is asked"""
    extreme: float = assumption(0.15, "share", plausible=(0.05, 0.25), allowed=(0, 1), source="assumption")
    """people who like the ends of a scale"""
    extreme_stretch: float = assumption(0.7, "ratio", plausible=(0.5, 0.9), allowed=(0.05, 1), source="assumption")
    """ratio on their thresholds"""
    middle: float = assumption(0.20, "share", plausible=(0.1, 0.3), allowed=(0, 1), source="assumption")
    """people who like its middle"""
    middle_stretch: float = assumption(1.4, "ratio", plausible=(1.1, 1.8), allowed=(1, 10), source="assumption")
    """ratio on their thresholds"""
    halo: float = assumption(0.2, "SD", plausible=(0.0, 0.4), allowed=(0, 3), source="assumption")
    """spread between people of one feeling that colours every answer alike"""
    desirability: float = assumption(0.3, "SD", plausible=(0.2, 0.5), allowed=(-3, 3), source="assumption")
    """by how much staff rate themselves above what they are"""
    self_knowledge: float = assumption(0.35, "correlation", plausible=(0.2, 0.5), allowed=(0, 1), source="SPEC 8.2")
    """of what staff say of themselves with what is so"""
    careless: float = assumption(0.08, "share of sheets", plausible=(0.03, 0.20), allowed=(0, 1), source="SPEC 8.2")
    """sheets filled in without reading: the same point down the page"""
    hurried: float = assumption(0.25, "share of hours", plausible=(0.1, 0.5), allowed=(0.01, 10), source="assumption")
    """so much more load makes those who serve a customer one SD less quick to respond"""
    workload: float = assumption(0.25, "share of hours", plausible=(0.1, 0.5), allowed=(0.01, 10), source="assumption")
    """so much more load is one SD of the workload that managers feel"""
    branch_otherwise: float = assumption(0.3, "ratio", plausible=(0.1, 0.6), allowed=(0, 1), source="assumption")
    """branch visits of customers who like another channel best, against those who like the branch"""
    left_out: float = assumption(0.02, "share of items", plausible=(0.0, 0.05), allowed=(0, 1), source="assumption")
    """answers left out, of items that a tool does not require"""

    @model_validator(mode="after")
    def _styles_fit(self) -> Answering:
        if self.extreme + self.middle > 1.0:
            raise slip(("middle",), f"with extreme {self.extreme:g} more than everybody; at most {1 - self.extreme:g}")
        unknown = sorted(set(self.response) - set(get_args(Mode)))
        if unknown:
            raise slip(("response", unknown[0]), f"no way of asking; one of {', '.join(get_args(Mode))}")
        return self


class Asked(Settings):
    """One questionnaire: what is asked, and of how many."""

    instrument: str = Field("customers", description="customers, employees, or a file, relative to this one")
    n: int = Field(500, ge=2, le=1_000_000, description="sheets wanted", json_schema_extra={"unit": "sheets"})
    sampling: Sampling = Field("simple", description="how people are chosen")
    panel: bool = Field(False, description="the same people again in every wave; false: others each time")


class StaffAsked(Asked):
    """The same of relationship managers."""

    instrument: str = Field("employees", description="customers, employees, or a file, relative to this one")


class Survey(Settings):
    """Questionnaires held in every arm, in waves."""

    waves: list[int] = Field(
        default_factory=lambda: [0],
        min_length=1,
        max_length=1201,
        description="months at whose end it is held",
        json_schema_extra={"unit": "months"},
    )
    customers: Asked | None = Field(
        default_factory=lambda: Asked.model_validate({}),
        description="asked of customers; null: not",
    )
    staff: StaffAsked | None = Field(None, description="asked of relationship managers; null: not")
    answering: Answering = part(Answering, "how people answer")

    @field_validator("waves")
    @classmethod
    def _each_once(cls, waves: list[int]) -> list[int]:
        if any(wave < 0 for wave in waves):
            raise ValueError(f"{min(waves)} is before month 0; months from 0")
        if len(set(waves)) < len(waves):
            raise ValueError("a month stands twice; each once")
        return sorted(waves)

    @model_validator(mode="after")
    def _somebody(self) -> Survey:
        if self.customers is None and self.staff is None:
            raise slip(("customers",), "nobody is asked; customers, staff or both")
        return self


# Thresholds of scales that bring none of their own (SPEC 8.2): SD of the latent answer.
FIVE_POINTS: Final = (-1.8, -1.0, 0.0, 1.1)
ELEVEN_POINTS: Final = (-2.6, -2.3, -2.0, -1.75, -1.5, -1.1, -0.7, -0.15, 0.55, 1.05)
