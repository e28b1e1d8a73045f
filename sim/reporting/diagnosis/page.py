"""diagnosis.html, its figures, diagnosis.csv and diagnosis_costs.csv."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from sim.phrases import Labels, labelled
from sim.reporting.diagnosis.words import HEADS, cost_words, lines, rows_of
from sim.reporting.figures import Plate
from sim.reporting.page import by_section, draw_all, page_of
from sim.store.files import write_atomically, write_csv
from sim.survey.diagnosis import PROBLEMS, Diagnosis

FILES = ("diagnosis.csv", "diagnosis_costs.csv", "diagnosis.html", "figures/*.png", "figures/*.svg")
HEADINGS: Mapping[str, str] = {
    "process": "What is met, what is expected, what fails",
    "structure": "Who holds what, who leaves, who is silent",
    "tools": "What becomes of contacts",
    "staff": "What managers can, and whether they stay",
}
CAPTIONS: Mapping[str, str] = {
    "process": "A gap is what customers say they met less what they say a good bank should be; an interval left of "
    "zero is a gap that the survey is sure of. Failures and complaints are those of the model, whoever answers.",
    "structure": "The farther the Lorenz curve hangs below the line, the fewer hold the assets. Attrition counts who "
    "closes or falls silent; the dormant are still customers.",
    "tools": "An answered contact reached somebody, and was not for nothing. Held back: the bank's own cap on contacts "
    "spared the customer. Contacts a customer a year rise with the tier, since managers call.",
    "staff": "People rate themselves above what they are, and know themselves only in part: a self-rated skill is no "
    "measure of the true one. Where few answered, intervals are wide; the bank has few managers.",
}


def write(d: Diagnosis, folder: Path, labels: Labels | None = None) -> Path:
    """Write the tables, the figures and the page into a folder that is there; returns the page."""
    from sim.reporting.figures.diagnosis import FIGURES, cost

    write_csv(folder / "diagnosis.csv", d.measures)
    write_csv(folder / "diagnosis_costs.csv", d.costs)
    plates = [Plate("diagnosis_costs", partial(cost, d), "What the problems cost", COST, section="answer")]
    plates += [
        Plate(
            f"diagnosis_{problem.name}",
            partial(FIGURES[problem.name], d),
            HEADINGS[problem.name],
            CAPTIONS[problem.name],
            section=problem.name,
        )
        for problem in PROBLEMS
    ]
    with labelled(labels or {}):
        pictures, missing = draw_all(plates, folder, ids="d")
        told = lines(d)
        sections = dict(
            name=d.name,
            setting=d.setting,
            problems=[
                {
                    "name": problem.name,
                    "title": problem.title,
                    "about": problem.about,
                    "severity": how,
                    "short": short,
                    "cost": cost_words(d, problem),
                    "rows": rows_of(d, problem),
                }
                for problem, how, short in told
            ],
            heads=HEADS,
            missing={one.plate.section: one.reason for one in missing},
            notes=d.notes,
            sources=sorted(set(d.measures["source"]) - {""}),
            facts=d.facts,
            pictures=by_section(pictures),
        )
        page = folder / "diagnosis.html"
        write_atomically(page, page_of("diagnosis.html.j2", sections))
    return page


COST = (
    "Filled: what the arm that answers the problem is worth beyond what it costs, cash and customer equity, paired "
    "with the diagnosed arm seed by seed, a year of the run. Left of zero: mending it costs more than it brings in "
    "this time. Squares: money that the problem touches, where the run has no such arm; no gain."
)
