"""What of a simulated bank a questionnaire can ask about: the truth behind constructs, and facts about the person.

A measure is a standard score of one customer or manager: 0 is the mean and 1 the standard deviation of the reference
population, by the law of the model and not by whom a run happens to hold, so that a mean can move. Where the model has
none such (a count of months, a yes or no) the unit is said. `sim.bank.respondents` reads them off a bank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Who = Literal["customers", "managers"]


@dataclass(frozen=True)
class Measure:
    """One true quantity of a person: its name in instruments, whose it is, and what it is."""

    name: str
    who: Who
    about: str


MEASURES: Final[tuple[Measure, ...]] = (
    Measure("satisfaction", "customers", "satisfaction"),
    Measure("trust", "customers", "trust in the bank"),
    Measure("expectation", "customers", "service quality that the customer expects"),
    Measure(
        "quality", "customers", "service quality that the customer last met: the manager's, or that of the channels"
    ),
    Measure("responsiveness", "customers", "how quick and unhurried those who serve the customer are: less their load"),
    Measure("competence", "customers", "skill of the manager who serves the customer"),
    Measure("bond", "customers", "bond with the manager, 0 without one"),
    Measure("failures", "customers", "service failures that are not put right, in their number"),
    Measure("relevance", "customers", "contact pressure below what is too much: less duplicate, irrelevant contacts"),
    Measure("engagement", "customers", "engagement with the bank"),
    Measure("affinity", "customers", "digital affinity"),
    Measure("app", "customers", "use of the app: 1 = uses it, 0 = does not"),
    Measure("loyalty", "customers", "attitudinal loyalty, by which the answer to 'would you recommend us' is scaled"),
    Measure("risk", "customers", "log hazard of leaving, in its standard deviations over customers"),
    Measure("professional", "managers", "professional skill with experience and training"),
    Measure("digital", "managers", "digital skill with training"),
    Measure("training", "managers", "what programmes have taught and is not forgotten yet, SD of skill"),
    Measure("workload", "managers", "hours asked over hours there are, less what is neutral, in tenths"),
    Measure("fatigue", "managers", "fatigue"),
    Measure("tools", "managers", "how far digital tools have taken hold, 0 to 1"),
    Measure("orientation", "managers", "how far user-centred digital thinking has taken hold, 0 to 1"),
    Measure("leaving", "managers", "log hazard of leaving the bank against the team's mean"),
)
BY_NAME: Final = {measure.name: measure for measure in MEASURES}

# What a sheet may say of the person besides answers: words, by fact.
FACTS: Final[dict[Who, tuple[str, ...]]] = {
    "customers": ("tier", "age_band", "tenure_band", "app_user", "banks", "preferred_channel", "managed"),
    "managers": ("tier", "tenure_band", "remote"),
}
AGE_BANDS: Final = ("under_30", "30_44", "45_59", "60_plus")
AGE_FROM: Final = (0, 30, 45, 60)
TENURE_BANDS: Final = ("under_1_year", "1_to_4_years", "5_to_9_years", "10_years_plus")
TENURE_FROM: Final = (0, 12, 60, 120)  # months
