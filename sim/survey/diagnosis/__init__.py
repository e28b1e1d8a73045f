"""The four problems of the study, measured: in a stored run, in answers, in a book; and what the model says they cost.

`problems` names them and what a measure is, `of_run` reads them off a stored run, `of_answers` off the two surveys,
`of_book` off a book as the bank begins with it, `costs` says what leaving them as they are costs.
"""

from sim.survey.diagnosis.costs import COST_COLUMNS, costs
from sim.survey.diagnosis.of_answers import of_customers, of_employees
from sim.survey.diagnosis.of_run import lorenz_of_run, of_run
from sim.survey.diagnosis.problems import COLUMNS, PROBLEMS, Diagnosis, Lorenz, Problem

__all__ = [
    "COLUMNS",
    "COST_COLUMNS",
    "PROBLEMS",
    "Diagnosis",
    "Lorenz",
    "Problem",
    "costs",
    "lorenz_of_run",
    "of_customers",
    "of_employees",
    "of_run",
]
