"""The four problems of the study, measured: in a stored run, in answers, in a book; and what the model says they cost.

`problems` names them and what a measure is, `of_run` reads them off a stored run, `of_answers` off the two surveys,
`of_book` off a book as the bank begins with it, `costs` says what leaving them as they are costs.
"""

from sim.survey.diagnosis.assembled import diagnosis
from sim.survey.diagnosis.costs import costs
from sim.survey.diagnosis.of_book import of_book
from sim.survey.diagnosis.of_run import has_managers, of_run
from sim.survey.diagnosis.problems import (
    BANK,
    BY_ARM,
    ENOUGH,
    OF_BOOK,
    PROBLEMS,
    TOUCHED,
    Cost,
    Diagnosis,
    Lorenz,
    Measure,
    Problem,
)

__all__ = [
    "BANK",
    "BY_ARM",
    "ENOUGH",
    "OF_BOOK",
    "PROBLEMS",
    "TOUCHED",
    "Cost",
    "Diagnosis",
    "Lorenz",
    "Measure",
    "Problem",
    "costs",
    "diagnosis",
    "has_managers",
    "of_book",
    "of_run",
]
