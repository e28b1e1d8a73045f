"""report.html of a calibration and its figures, from its folder alone."""

from __future__ import annotations

from pathlib import Path

from sim.calibration.stored import Calibrated
from sim.phrases import counted, duration
from sim.reporting.calibration.words import HEAD, between, cells, check_lines, headlines, rows_of, setting, short
from sim.reporting.figures import Plate, units
from sim.reporting.figures.calibration import marginals, pairs, ranks, targets, waves
from sim.reporting.page import by_section, draw_all, page_of
from sim.store.files import write_atomically

PLATES = (
    Plate(
        "marginals",
        marginals,
        "Prior against posterior",
        "Grey is what was believed before the data, even on its scale; blue is what they leave. Where the two have the "
        "same width the data say nothing of the number, and its posterior is an assumption still.",
        "numbers",
    ),
    Plate(
        "pairs",
        pairs,
        "Pairs of numbers",
        "Whoever draws from a posterior takes whole rows, since numbers may trade off: more of one and less of another "
        "fit the data as well. Draws of single columns would lose that.",
        "numbers",
    ),
    Plate(
        "waves",
        waves,
        "What history matching leaves",
        "History matching rules out and does not rank: what is left is a range in which every point may be right. Its "
        "draws are even over it.",
        "numbers",
    ),
    Plate(
        "targets",
        targets,
        "Fit against targets",
        "A filled mark outside its bar is a target that no draw meets: the model is wrong there, or its noise is "
        "stated too small. A hollow mark was not used, so it is a prediction.",
        "fit",
    ),
    Plate(
        "ranks",
        ranks,
        "Does the method find known answers?",
        "Numbers are drawn from the prior, data are made up by them, and the same method is asked for them. If it is "
        "right, the known number is as likely to be anywhere among the draws. A curve outside the band says that "
        "intervals of this calibration mean something else than they say.",
        "checks",
    ),
)


def write(found: Calibrated) -> Path:
    """Draw the figures and write the page into the calibration's folder; returns the page."""
    pictures, _ = draw_all(PLATES, found.path, found, ids="k")
    told = found.record
    pair_rows = found.identifiability[found.identifiability["with"] != ""]
    sections = dict(
        name=told["name"],
        about=told["about"],
        setting=setting(found),
        headlines=headlines(found),
        learned=told.get("learned"),
        head=HEAD,
        rows=[cells(row) for row in rows_of(found)],
        sources=[
            (one["path"], one["source"], one["about"]) for one in told["parameters"] if one["source"] or one["about"]
        ],
        pairs=[
            (
                one["parameter"],
                one["with"],
                units.number(one["correlation"], 2),
                units.percent(one["informed"], 0),
                one["verdict"],
            )
            for one in pair_rows.to_dict(orient="records")
        ],
        checks=check_lines(found),
        notes=list(told.get("notes", ())),
        fits=told["fits"],
        targets=[
            (
                one["target"],
                short(one["observed"]),
                short(one["error"]),
                short(one["fitted"]),
                between(one["low"], one["high"]),
                units.number(one["z"], 1, sign=True),
                "yes" if one["used"] else "no",
            )
            for one in found.fit.to_dict(orient="records")
        ],
        facts=[
            ("method", setting(found)),
            ("digest of the file and its data", told["digest"]),
            ("digest of the result", told["result_digest"]),
            ("code version", told["code_version"]),
            ("seed", str(told["seed"])),
            ("took", f"{duration(told['seconds'])} on {counted(told['workers'], 'worker')}"),
            *((f"SHA-256 of {name}", digest) for name, digest in told["data"].items()),
        ],
        pictures=by_section(pictures),
    )
    page = found.path / "report.html"
    write_atomically(page, page_of("calibration.html.j2", sections))
    return page
