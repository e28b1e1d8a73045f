"""docs/validation.md: the table of a stored measurement as a page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.reporting.validation.words import counts, figure_words, number_words, tolerance_words
from sim.validation.experiments import BURN_IN, MONTHS
from sim.validation.findings import FACTS, MISSES, UNCLEAR, verdict
from sim.validation.stored import Stored


def page(stored: Stored) -> str:
    """The table, what is known of misses, and what pairing wins."""
    found, record = stored.findings(), stored.record
    said = {fact.name: verdict(fact, found[fact.name], fact.name in record["broken"]) for fact in FACTS}
    seeds, customers = record["seeds"], record["customers"]
    lines = [
        "# Does the model behave like a bank?",
        "",
        "Stylised facts of SPEC 9.1 (V) and economic facts of the second revision (E; [what it "
        f"changed](revision-2.md)) on Bank B: {customers:,} customers one to one, {BURN_IN} months of burn-in, "
        f"{MONTHS} measured months, seeds {seeds[0]} to {seeds[-1]}; where a fact says so it is an experiment of its "
        "own.",
        "A figure is the mean over seeds with its 95 % interval (Student's t). *holds*: the whole interval lies within "
        "the tolerance; *misses*: the whole interval lies outside; *unclear*: it crosses a bound.",
        "Measured by `python run.py validate-model --out DIR` and written by `python -m sim.validation DIR`, which "
        "change no parameter and no tolerance. The same table stands in `sim/validation/shipped.csv`.",
        "",
        f"**{counts(list(said.values()))}.**",
        "",
        "*fitted*: an assumption without a source was calibrated to this very figure (SPEC 9.3 asks for that), on "
        "seeds 1 to 5, so it is no evidence for the model: "
        + "; ".join(f"{fact.name} {what}: `{path}`" for fact in FACTS for what, path in fact.fitted.items())
        + ". The notes below say what each was before.",
        "",
        "| fact | measured | figure (95 % interval) | tolerance | verdict |",
        "|---|---|---|---|---|",
    ]
    for fact in FACTS:
        lines.append(f"| **{fact.name}** {fact.claim} | {fact.how} | | | **{said[fact.name]}** |")
        for one in found[fact.name]:
            style = fact.style_of(one.what)
            word = f"{one.verdict}, fitted" if one.what in fact.fitted else one.verdict
            bounds = tolerance_words(one.tolerance, style)
            lines.append(f"| | {one.what} | {figure_words(one.interval, style)} | {bounds} | {word} |")
    lines += ["", "## What misses or is unclear, and why", ""]
    missed = [fact for fact in FACTS if said[fact.name] in (MISSES, UNCLEAR)]
    for fact in missed:
        figures = "; ".join(
            f"{one.what}: {number_words(one.interval.mean, fact.style_of(one.what))}, "
            f"tolerance {tolerance_words(one.tolerance, fact.style_of(one.what))}"
            for one in found[fact.name]
            if one.verdict in (MISSES, UNCLEAR)
        )
        broken = "".join(f" Not lived: {why}." for why in record["broken"].get(fact.name, []))
        lines += [f"**{fact.name}** ({figures}). {fact.note or 'Not yet explained.'}{broken}", ""]
    if not missed:
        lines += ["Nothing.", ""]
    lines += ["## What holds, with a word to it", ""]
    for fact in FACTS:
        if fact not in missed and fact.note:
            lines += [f"**{fact.name}**. {fact.note}", ""]
    absent = [f"**{fact.name}** ({fact.claim}). {fact.absent}" for fact in FACTS if fact.absent]
    if absent:
        lines += ["## What is not modelled", "", *(line for one in absent for line in (one, ""))]
    return "\n".join([*lines, *_pairing(record)]).rstrip() + "\n"


def _pairing(record: Mapping[str, Any]) -> list[str]:
    """What sharing luck wins: a section of its own."""
    lines = [
        "## What pairing wins",
        "",
        f"{record['customers'] // 10:,} customers, {MONTHS} months, {record['pairing_seeds']} seeds: variance of the "
        "figure in the arm plus that in the bank without strategies, over the variance of their difference on the same "
        "seed: so many times more seeds an unpaired comparison would need. 95 % interval by the jackknife. 10 or more "
        "is expected of a single light strategy.",
        "",
        "| arm | attrition a year | AUM at the end | profit a year |",
        "|---|---|---|---|",
    ]
    for row in record["pairing"]:
        ratios = (row[kpi] for kpi in row if kpi != "arm")
        cells = (f"{ratio:,.0f} ({low:,.0f} to {high:,.0f})" for ratio, low, high in ratios)
        lines.append(f"| {row['arm']} | {' | '.join(cells)} |")
    return lines
