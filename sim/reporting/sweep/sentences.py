"""What an analysis found, in sentences: which parameter drives the conclusion, what is robust, where an arm fails."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim.analysis.discovery import Box, Condition, Discovery
from sim.analysis.effects import Effect
from sim.analysis.findings import Finding, Findings
from sim.analysis.interactions import Term
from sim.analysis.regret import Option, Regret
from sim.analysis.study import Outcome, Study, say
from sim.measures.catalogue import LABELS
from sim.phrases import listed, quoted, spoken
from sim.reporting.figures import units

STRONG_PAIR = 0.05  # share of variance from which a pair is told
FAIR_FIT = 0.5  # R² for points left out from which a fit is relied on at all


def kpi_name(kpi: str) -> str:
    """A KPI for reading, as it is in the report; a name that is not the bank's as it stands."""
    base, _, tier = kpi.partition("[")
    name = LABELS.get(kpi) or LABELS.get(base) or spoken(base, "")
    return f"{name}, {spoken(tier[:-1], 'tier')}" if tier and kpi not in LABELS else name


def look(outcome: Outcome) -> units.Display:
    """How values of an outcome are written: one display for all points."""
    known = outcome.mean[outcome.known]
    sizes = [float(np.quantile(np.abs(known), 0.9))] if known.size else []
    return units.display(outcome.kpi, outcome.unit, sizes, difference=outcome.difference)


def shown(value: float, display: units.Display, *, sign: bool) -> str:
    """A value with its unit."""
    text = display.write(value, sign=sign)[0]
    unit = display.unit
    if unit[:3].isupper() and unit[:3].isalpha():
        head, _, word = unit.partition(" ")
        return units.GAP.join(part for part in (head, text, word) if part)
    return f"{text}{units.GAP}{unit}".strip(units.GAP)


def share(value: float) -> str:
    """A share in whole percent, never rounded to none or all."""
    if not math.isfinite(value):
        return units.MISSING
    text = units.percent(value, 0)
    if value > 0 and value < 0.005:
        return f"under 1{units.GAP}%"
    return f"over 99{units.GAP}%" if 0.995 <= value < 1 else text


def often(part: float, points: str = "points") -> str:
    """A share of points in words."""
    return {0.0: f"none of the {points}", 1.0: f"all {points}"}.get(part) or f"{share(part)} of the {points}"


def answer(findings: Findings, arm: str) -> str:
    """One arm in a sentence or two: how often it pays, what it brings, what decides."""
    finding = findings.of(arm)
    outcome, points = finding.outcome, int(finding.outcome.known.sum())
    if not points:
        return f"{quoted(arm)} has no result yet."
    display, signed = look(outcome), outcome.difference
    known = outcome.mean[outcome.known]
    mean, low, high = (shown(float(value), display, sign=signed) for value in (known.mean(), known.min(), known.max()))
    name = kpi_name(outcome.kpi).lower() if outcome.kpi in LABELS else kpi_name(outcome.kpi)
    name = name.replace("aum", "AUM").replace("npv", "NPV")
    if arm in findings.discoveries:
        found = findings.discoveries[arm]
        paying = found.points - found.failures
        first = (
            f"{quoted(arm)} {pays_words(findings, outcome.kpi)} in {often(paying / points, f'{points:,} points')}: "
            f"{name} changes by {mean} on average, from {low} to {high}."
        )
    elif outcome.difference:
        first = f"{quoted(arm)} changes {name} by {mean} on average, from {low} to {high} over {points:,} points."
    else:
        first = f"{name[:1].upper()}{name[1:]} is {mean} on average, from {low} to {high} over {points:,} points."
    return f"{first} {driver(finding)}".strip()


def pays_words(findings: Findings, kpi: str) -> str:
    """What it is to pay: more profit than the reference, a better figure, or one better by more than the threshold."""
    if kpi == findings.kpi and findings.threshold:
        better = findings.of(findings.study.compared[0], kpi).outcome
        display = units.display(kpi, better.unit, [findings.threshold], difference=True)
        return f"beats the threshold of {shown(findings.threshold, display, sign=True)}"
    return "pays" if kpi in ("value", "npv") else "does better"


def lead_title(findings: Findings, arms: Sequence[str]) -> str:
    """Which arm pays most often, as a heading; ties are told as ties."""
    paying = {arm: findings.pays(arm) for arm in arms if not math.isnan(findings.pays(arm))}
    if not paying:
        return "What comes out"
    most = max(paying.values())
    lead = [arm for arm, how in paying.items() if how == most]
    if most == 0:
        return f"{quoted(lead[0])} pays nowhere" if len(paying) == 1 else "No arm pays at any point"
    if len(lead) == len(arms) and len(lead) > 1:
        return f"All {len(lead)} arms pay at {often(most)}"
    more = f", and so do {len(lead) - 1} more" if len(lead) > 1 else ""
    return f"{quoted(lead[0])} pays at {often(most)}{more}"


def driver(finding: Finding) -> str:
    """What decides an outcome, with how much of the variance it explains."""
    drivers = [one for one in finding.drivers if finding.tells(one)][:2]
    if not drivers and finding.few_samples:
        return "Too few samples to say what decides it."
    if not drivers:
        few = (
            "too few points to say what decides it"
            if finding.outcome.known.sum() < 20
            else "no parameter by itself decides it"
        )
        return f"{few[:1].upper()}{few[1:]}."
    first = drivers[0]
    text = f"What decides is {first.factor.name}{_explains(finding, first)}"
    if len(drivers) > 1:
        text += f", then {drivers[1].factor.name}{_explains(finding, drivers[1])}"
    rival = finding.rival
    more = f" {capital(rival.factor.name)} may matter more: too few samples to say." if rival else ""
    return text + "." + more


def _explains(finding: Finding, one: Effect) -> str:
    weight, total = finding.weight(one), finding.weight(one, "ST")
    alone = f"{part(weight, finding.half(one))} of the variance by itself" if math.isfinite(weight) else ""
    if math.isfinite(total) and not total <= weight + 0.05:  # also where the samples are too few for the part alone
        of = "" if alone else " of the variance"
        whole = f"{part(total, finding.half(one, 'ST'))}{of} with all it interacts with"
        return f" ({', '.join(filter(None, (alone, whole)))})"
    return f" ({alone})" if alone else ""


def part(value: float, half: float) -> str:
    """A share with half its 95 % interval."""
    text = share(min(max(value, 0.0), 1.0))
    if not (math.isfinite(half) and half > 0):
        return text
    return f"{text} {units.PLUS_MINUS}{units.GAP}{units.half_text(100 * half, 0)}"


def pair_words(finding: Finding) -> str:
    """The strongest interaction, if there is one to tell."""
    pairs = strong_pairs(finding)
    if finding.split.method == "none":
        return "There are too few points to look for parameters that matter together."
    if finding.split.method == "linear regression":
        return (
            "There are too few points to look for parameters that matter together; only straight effects were fitted."
        )
    if not relied_on(finding):
        return "The points do not say which parameters matter together."
    if not pairs:
        return f"No two parameters matter together beyond {share(STRONG_PAIR)} of the variance."
    first = pairs[0]
    a, b = (factor.name for factor in first.factors)
    return f"{a[:1].upper()}{a[1:]} and {b} matter together: {share(first.share)} of the variance is in neither alone."


def relied_on(finding: Finding) -> bool:
    """True if pairs of parameters can be told: from a full grid, or a fit that also holds for points left out."""
    split = finding.split
    return split.method == "anova" or (split.method == "regression" and split.r2_left_out > FAIR_FIT)


def strong_pairs(finding: Finding) -> list[Term]:
    """The interactions to tell, the strongest first."""
    return [term for term in finding.split.pairs if term.share >= STRONG_PAIR] if relied_on(finding) else []


def together_title(finding: Finding) -> str:
    """Which parameters matter together, as a heading."""
    pairs = strong_pairs(finding)
    if pairs:
        return f"What matters together: {' and '.join(factor.name for factor in pairs[0].factors)}"
    if not relied_on(finding):
        return "Too few points to say what matters together"
    return "No two parameters matter much together"


def trust(finding: Finding) -> str:
    """How far the split into effects and pairs can be relied on."""
    split = finding.split
    if split.method == "anova":
        return (
            f"The grid is full, so the split is exact: factors and pairs hold {share(split.r2)} of the variance "
            f"between points, "
            "the rest is in three or more together and in luck."
        )
    if split.method == "none":
        return ""
    what = "the straight fit" if split.method == "linear regression" else "the fit with squares and products"
    text = f"{what[:1].upper()}{what[1:]} has an R² of {split.r2:.2f}, and {split.r2_left_out:.2f} for points left out"
    if not split.r2_left_out > FAIR_FIT:
        return text + ": too little to rely on its pairs."
    return text + (": good." if split.r2_left_out > 0.8 else ": a rough guide.")


def variance_words(finding: Finding) -> str:
    """How much of one run is luck."""
    found = finding.luck
    if not math.isfinite(found.parameters):
        return "With one seed a point, luck and parameters cannot be told apart."
    text = (
        f"Of the variance of a single run {share(found.parameters)} comes from the parameters, "
        f"{share(found.shared + found.own)} from luck"
    )
    blur = f"; of the spread between the points' means over {found.seeds} seeds {share(found.of_means)} is luck"
    return text + blur + (", so more seeds would sharpen the picture." if found.of_means > 0.1 else ".")


def option_name(option: Option, study: Study, *, levers: bool = True) -> str:
    """An option for reading: the arm, and its levers."""
    name = spoken(option.arm)
    chosen = [
        f"{factor.leaf if path.startswith('arms.') else factor.name} {say(value, factor.kind)}"
        for path, value in option.levers
        for factor in study.factors
        if factor.path == path
    ]
    return f"{name} with {listed(chosen)}" if chosen and levers else name


def capital(text: str) -> str:
    """A text with a large first letter."""
    return text[:1].upper() + text[1:]


def choice(findings: Findings, found: Regret) -> str:
    """The robust option by name, or that several are."""
    ties = found.ties
    if len(ties) == len(found.options):
        return "all options alike"
    name = option_name(found.options[found.minimax], findings.study)
    return f"{name}, and {len(ties) - 1:,} more as good" if len(ties) > 1 else name


def robust(findings: Findings, found: Regret) -> str:
    """The robust choice in a sentence or two."""
    study = findings.study

    def name(number: int) -> str:
        return quoted(option_name(found.options[number], study))

    place, worlds = found.minimax, found.levels.shape[1]
    display = units.display(
        found.kpi, found.unit, [float(found.most[place]) or 1.0, float(np.median(found.most))], difference=True
    )
    most, mean = (shown(float(value), display, sign=False) for value in (found.most[place], found.mean[place]))
    ties = found.ties
    over = f"over {worlds:,} world{'s' if worlds != 1 else ''}"
    if len(ties) == len(found.options):
        return f"All {len(ties):,} options come to the same {over}: none is more robust than another."
    more = len(ties) - 1
    others = f"are {more:,} others that lose" if more > 1 else "is 1 other that loses"
    also = f", and so {others} as little" if more else ""
    text = (
        f"The robust choice is {name(place)}{also}: {over} it never loses more than {most} against the best option of "
        f"that world, {mean} on average, and no option is better in {share(float(found.best_share[place]))} of them"
    )
    doubt = float(found.error[place])
    if math.isfinite(doubt) and doubt > 0:
        text += f" (standard error of its largest regret over seeds: {shown(doubt, display, sign=False)})"
    prizes = (("the best mean", found.best_mean), ("the best worst case", found.maximin))
    same = [what for what, number in prizes if number == place]
    other = [f"{name(number)} has {what}" for what, number in prizes if number != place]
    text += "."
    if np.isfinite(found.pays[place]):
        text += f" It {pays_words(findings, found.kpi)} in {share(float(found.pays[place]))} of the worlds."
    if same:
        text += f" It also has {' and '.join(same)}."
    return f"{text} {'; '.join(other)}." if other else text


def fails(found: Discovery, points: str = "points") -> str:
    """Where an arm fails, in plain words with coverage and density; `points` is what points are called."""
    name = quoted(found.arm)
    where = f"{found.failures:,} of {found.points:,} {points}"
    bar = "the threshold" if found.threshold else "the reference"
    if found.fate == "never":
        return f"{name} fails nowhere: it does better than {bar} at all {found.points:,} {points}."
    if found.fate == "always":
        return f"{name} fails everywhere: it does no better than {bar} at any of {found.points:,} {points}."
    if found.fate == "few":
        rare, what = (
            (found.failures, "fails at")
            if found.failures <= found.points / 2
            else (found.points - found.failures, "pays at")
        )
        return f"{name} {what} only {rare} of {found.points:,} {points}: too few to say where."
    if found.fate == "nothing":
        return (
            f"{name} fails at {where}, and no simple rule says where: a tree is right for {share(found.accuracy)} of "
            f"{points} it has not "
            f"seen, always saying the commoner outcome for {share(found.base_accuracy)}."
        )
    first = f"{name} fails at {share(found.rate)} of {points} ({where})"
    box = box_words(found.boxes[0], success=found.success, points=points)
    if found.success:
        return f"{first}, so it is easier to say where it pays: {box}."
    return f"{first}; {box}."


def box_words(box: Box, *, success: bool, points: str = "points") -> str:
    """A box in a phrase."""
    verb = "pays" if success else "fails"
    all_of = "successes" if success else "failures"
    return (
        f"it {verb} in {share(box.density)} of the {box.points:,} {points} where {all_conditions(box)} (density "
        f"{share(box.density)}, "
        f"coverage {share(box.coverage)} of all {all_of})"
    )


def progress_words(study: Study) -> str:
    """How much of the sweep is there; "" if all of it."""
    done, wanted = study.progress
    if study.ended or done >= wanted:
        return ""
    return f"So far {done:,} of {wanted:,} tasks are done; everything below is of these and may still change."


def range_words(one: dict[str, object]) -> str:
    """The range of a parameter as the manifest tells it."""
    kind, values = str(one.get("kind") or "number"), one.get("values")
    if isinstance(values, Sequence) and not isinstance(values, str):
        texts = [say(value, kind) for value in values]
        return ", ".join(texts[:8]) + (f", ... ({len(texts)} values)" if len(texts) > 8 else "")
    low, high = one.get("low"), one.get("high")
    if low is None or high is None:
        return ""
    return f"{say(low, kind)} to {say(high, kind)}" + (" (logarithmic)" if one.get("log") else "")


def condition_words(one: Condition) -> str:
    """A bound on a parameter: "training hours is at most 3"."""
    name, say = one.factor.name, one.factor.say
    if one.levels is not None:
        return f"{name} is {' or '.join(map(say, one.levels))}"
    above, low = "above", one.low
    if one.factor.levels is not None and low is not None:  # the levels themselves, not what lies between them
        above, low = "at least", min((level for level in one.factor.levels if level > low), default=low)
    if low is None:
        return f"{name} is at most {say(one.high)}"
    if one.high is None:
        return f"{name} is {above} {say(low)}"
    return f"{name} is between {say(low)} and {say(one.high)}"


def all_conditions(box: Box) -> str:
    """All conditions of a box in one phrase."""
    return " and ".join(map(condition_words, box.conditions))
