"""A diagnosis put together: from a stored run, the two surveys, and a book where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.phrases import counted
from sim.survey.diagnosis.costs import costs
from sim.survey.diagnosis.of_answers import of_customers, of_employees
from sim.survey.diagnosis.of_run import has_managers, lorenz_of_run, of_run
from sim.survey.diagnosis.problems import BANK, COLUMNS, PROBLEMS, Diagnosis, Lorenz, Measure, within_scale
from sim.survey.sheets import Sheets

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run


def diagnosis(
    run: Run,
    arm: str,
    *,
    customers: Sheets | None = None,
    employees: Sheets | None = None,
    truth: pd.DataFrame | None = None,
    book: tuple[pd.DataFrame, Lorenz | None] | None = None,
    notes: Sequence[str] = (),
) -> Diagnosis:
    """What is known of the four problems in an arm of a run.

    `customers` and `employees` are answers, real or asked of the model (`truth` then says what is true of the staff);
    `book` has measures of a book as the bank begins with it and its Lorenz curve, which stand for those of the run.
    """
    import pandas as pd

    tables, said = [], list(notes)
    if book is not None:
        tables.append(book[0])
    tables.append(of_run(run, arm))
    if customers is not None:
        found, more = of_customers(customers)
        tables, said = [*tables, found], [*said, *more]
    if employees is not None:
        found, more = of_employees(employees, truth)
        tables, said = [*tables, found], [*said, *more]
    lacking = [who for who, sheets in (("customers", customers), ("staff", employees)) if sheets is None]
    if lacking:
        said.append(f"no answers of {' and '.join(lacking)}: what they would say is left out")
    filled = [table for table in tables if len(table)]
    measures = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(COLUMNS))
    measures = measures.drop_duplicates(["measure", "group"])
    rows = [within_scale(Measure(*row)) for row in measures.itertuples(index=False, name=None)]
    measures = pd.DataFrame(rows, columns=list(COLUMNS))
    first = {measure: place for place, measure in enumerate(dict.fromkeys(measures["measure"]))}
    place = {problem.name: number for number, problem in enumerate(PROBLEMS)}
    order = measures.assign(
        problem=measures["problem"].map(place), measure=measures["measure"].map(first), group=measures["group"] != BANK
    ).sort_values(["problem", "measure", "group"], kind="stable")
    manifest = run.manifest
    seeds = counted(len(run.seeds), "seed")
    return Diagnosis(
        name=str(manifest.get("name", "run")),
        arm=arm,
        tiers=run.tiers,
        currency=str(manifest["currency"]),
        measures=measures.loc[order.index].reset_index(drop=True),
        costs=costs(run, arm),
        lorenz=book[1] if book is not None and book[1] is not None else lorenz_of_run(run, arm),
        setting=f"arm {arm}, {counted(manifest['months'], 'month')}, {seeds}",
        notes=tuple(dict.fromkeys(said)),
        managers=has_managers(run, arm),
    )
