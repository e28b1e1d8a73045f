"""The figures of a sweep's analysis: which there are, what their captions say, and their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from sim.analysis.findings import Findings
from sim.phrases import quoted
from sim.reporting.figures import letters, png_bytes, style, svg_text
from sim.reporting.sweep import figure_inputs as drawings
from sim.store.files import write_atomically

MOST_ARMS = 3  # arms with figures of their own; all are in the tables


@dataclass(frozen=True)
class Picture:
    """A figure that was drawn: file name without ending, the page's section, heading, caption, title and subtitle."""

    name: str
    section: str
    heading: str
    caption: str
    title: str
    subtitle: str


Draw = tuple[str, str, str, str, Callable[[], Figure | None]]  # name, section, heading, caption, how to draw it


def draw_all(findings: Findings, folder: Path) -> list[Picture]:
    """Write figures/*.png and *.svg; figures that have nothing to show are left out."""
    with letters.one_page():
        return _draw_all(findings, folder)


def _draw_all(findings: Findings, folder: Path) -> list[Picture]:
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    pictures = []
    for name, section, heading, caption, draw in _plates(findings):
        figure = draw()
        if figure is None:
            for ending in ("png", "svg"):
                (target / f"{name}.{ending}").unlink(missing_ok=True)
            continue
        title, _, subtitle = str(figure.get_label()).partition("\n")
        with mpl.rc_context(style.RC):
            write_atomically(target / f"{name}.png", png_bytes(figure))
            write_atomically(target / f"{name}.svg", svg_text(figure))
        pictures.append(Picture(name, section, heading, caption + letters.caption(figure), title, subtitle))
    return pictures


def _plates(findings: Findings) -> Iterator[Draw]:
    study = findings.study
    arms = [arm for arm in study.compared if findings.of(arm).outcome.known.any()][:MOST_ARMS]
    if not arms:
        return
    yield (
        "sweep_spread",
        "answer",
        "How the outcome spreads",
        "Every point is one setting of all parameters, the mean of its seeds. How often an arm pays depends on the "
        "ranges that were "
        "swept: a point of the design is not a forecast, and points are not equally likely.",
        lambda: drawings.spread(findings),
    )
    yield (
        "sweep_tornado",
        "drivers",
        "Which parameter moves it most",
        "Each bar runs from the mean outcome at the low end of a parameter to that at its high end (its lowest and "
        "highest level, or "
        "the lowest and highest bin of a sampled range), averaged over all settings of the others. Pale bars may be "
        "chance.",
        lambda: drawings.tornado(findings, arms),
    )
    yield (
        "sweep_indices",
        "drivers",
        "How much of the variance each explains",
        "First order: what would vanish from the variance if the parameter were known. Total: what would remain if "
        "only it were "
        "unknown; the difference is in interactions. Luck counts as an interaction of everything.",
        lambda: drawings.indices(findings, arms),
    )
    for arm in arms:
        told = f" of {quoted(arm)}" if len(study.compared) > 1 else ""
        yield (
            f"sweep_levels_{arm}",
            "drivers",
            f"The outcome over each parameter{told}",
            "Means of levels, or of bins with equally many points; lines up and down are 95 % intervals, of luck in a "
            "full grid, of the "
            "points elsewhere. The scale shows the middle 98 % of the points.",
            lambda arm=arm: drawings.levels(findings, arm),  # type: ignore[misc]
        )
        yield (
            f"sweep_surface_{arm}",
            "together",
            f"The two most important numbers together{told}",
            "All other parameters are averaged. The thick line is where the arm breaks even against the reference.",
            lambda arm=arm: drawings.surface(findings, arm),  # type: ignore[misc]
        )
    yield (
        "sweep_regret",
        "robust",
        "What each option loses against the best",
        "Regret is what an option loses in a world against the option that is best there. Worlds count equally, "
        "whatever their "
        "likelihood; the largest of noisy numbers is a little too large, hence the grey line of two standard errors "
        "over seeds.",
        lambda: drawings.regret(findings),
    )
    for arm in arms:
        if arm in findings.discoveries:
            yield (
                f"sweep_where_{arm}",
                "fails",
                f"Where {quoted(arm)} fails",
                "Points over the two parameters that the rule uses most; the rule may have a condition on a third. "
                "Dots that share "
                "a level are spread a little.",
                lambda arm=arm: drawings.where(findings, arm),  # type: ignore[misc]
            )
    yield (
        "sweep_luck",
        "luck",
        "Parameters or luck",
        "Luck is what differs between seeds at the same point. What all points of a seed share does not blur which "
        "point is better; "
        "own luck does, and shrinks with more seeds.",
        lambda: drawings.luck(findings),
    )
