"""The figures of a sweep's analysis: which there are, what their captions say, and their files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sim.analysis.findings import Findings
from sim.phrases import quoted
from sim.reporting.figures import Plate
from sim.reporting.sweep import figure_inputs as drawings

MOST_ARMS = 3  # arms with figures of their own; all are in the tables


def plates(findings: Findings) -> Iterator[Plate]:
    """The figures that suit a sweep, each drawn from its findings; some turn out to have nothing to show."""
    study = findings.study
    arms = [arm for arm in study.compared if findings.of(arm).outcome.known.any()][:MOST_ARMS]
    if not arms:
        return
    yield Plate(
        "sweep_spread",
        drawings.spread,
        "How the outcome spreads",
        "Every point is one setting of all parameters, the mean of its seeds. How often an arm pays depends on the "
        "ranges that were "
        "swept: a point of the design is not a forecast, and points are not equally likely.",
        "answer",
    )
    yield Plate(
        "sweep_tornado",
        partial(drawings.tornado, arms=arms),
        "Which parameter moves it most",
        "Each bar runs from the mean outcome at the low end of a parameter to that at its high end (its lowest and "
        "highest level, or "
        "the lowest and highest bin of a sampled range), averaged over all settings of the others. Pale bars may be "
        "chance.",
        "drivers",
    )
    yield Plate(
        "sweep_indices",
        partial(drawings.indices, arms=arms),
        "How much of the variance each explains",
        "First order: what would vanish from the variance if the parameter were known. Total: what would remain if "
        "only it were "
        "unknown; the difference is in interactions. Luck counts as an interaction of everything.",
        "drivers",
    )
    for arm in arms:
        of_arm = f" of {quoted(arm)}" if len(study.compared) > 1 else ""
        yield Plate(
            f"sweep_levels_{arm}",
            partial(drawings.levels, arm=arm),
            f"The outcome over each parameter{of_arm}",
            "Means of levels, or of bins with equally many points; lines up and down are 95 % intervals, of luck in a "
            "full grid, of the "
            "points elsewhere. The scale shows the middle 98 % of the points.",
            "drivers",
        )
        yield Plate(
            f"sweep_surface_{arm}",
            partial(drawings.surface, arm=arm),
            f"The two most important numbers together{of_arm}",
            "All other parameters are averaged. The thick line is where the arm breaks even against the reference.",
            "together",
        )
    yield Plate(
        "sweep_regret",
        drawings.regret,
        "What each option loses against the best",
        "Regret is what an option loses in a world against the option that is best there. Worlds count equally, "
        "whatever their "
        "likelihood; the largest of noisy numbers is a little too large, hence the grey line of two standard errors "
        "over seeds.",
        "robust",
    )
    for arm in arms:
        if arm in findings.discoveries:
            yield Plate(
                f"sweep_where_{arm}",
                partial(drawings.where, arm=arm),
                f"Where {quoted(arm)} fails",
                "Points over the two parameters that the rule uses most; the rule may have a condition on a third. "
                "Dots that share "
                "a level are spread a little.",
                "fails",
            )
    yield Plate(
        "sweep_luck",
        drawings.variance_split,
        "Parameters or luck",
        "Luck is what differs between seeds at the same point. What all points of a seed share does not blur which "
        "point is better; "
        "own luck does, and shrinks with more seeds.",
        "luck",
    )
