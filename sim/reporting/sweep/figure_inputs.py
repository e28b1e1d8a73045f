"""What each figure of a sweep's analysis shows, and its title as an answer; the drawing itself is in figures."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from sim.analysis.discovery import Condition, Discovery
from sim.analysis.effects import Effect
from sim.analysis.findings import Finding, Findings
from sim.analysis.indices import Indices as Index
from sim.analysis.interactions import surface as response
from sim.analysis.regret import Regret
from sim.analysis.study import Factor
from sim.phrases import quoted, spoken
from sim.reporting.figures import (
    NothingToShow,
    style,
    sweep_discovery,
    sweep_indices,
    sweep_levels,
    sweep_regret,
    sweep_spread,
    sweep_surface,
    sweep_tornado,
    units,
)
from sim.reporting.figures.sweep_discovery import Axis, Edge
from sim.reporting.figures.sweep_indices import Screening, Shares
from sim.reporting.figures.sweep_levels import Levels
from sim.reporting.figures.sweep_regret import Loss
from sim.reporting.figures.sweep_spread import Spread
from sim.reporting.figures.sweep_surface import Response
from sim.reporting.figures.sweep_tornado import Swing, Tornado
from sim.reporting.sweep.sentences import all_conditions, condition_words, kpi_name, look, often, option_name, share

MOST_ROWS = 10  # parameters of a figure
MOST_PANELS = 6
NONE = {True: "no", False: "any"}  # point, of a lone arm and of many
STEADY = 0.7  # of the range of means that lies between the ends, from which an outcome is said to rise or fall
MOST_OPTIONS = 14
SPREAD_OUT = 12  # distinct values up to which dots are spread a little


def _mark(findings: Findings) -> float | None:
    """Where paying begins, in the KPI's unit; None where that is no question."""
    return findings.threshold if findings.judged else None


def spread(findings: Findings) -> Figure:
    study = findings.study
    found = [findings.of(arm).outcome for arm in study.compared][: style.MOST_ARMS - 1]
    display = _display(findings)
    curves = [
        Spread(spoken(one.arm), study.arms.index(one.arm), one.mean[one.known] / display.divisor)
        for one in found
        if one.known.any()
    ]
    mark = _mark(findings)
    kpi = kpi_name(findings.kpi)
    if findings.judged:
        title = spread_title(findings, list(findings.discoveries))
    else:
        title = f"{kpi} over the points of the sweep"
    what = f"difference to {quoted(study.reference)}, same seeds" if found[0].difference else "level"
    subtitle = f"{kpi}: {what}; points sorted from worst to best."
    return sweep_spread.spread(
        title,
        subtitle + (" Shaded: the better side." if mark is not None else ""),
        curves,
        kpi,
        display.unit,
        less=found[0].better < 0,
        mark=mark / display.divisor if mark is not None else None,
    )


def spread_title(findings: Findings, arms: list[str]) -> str:
    """Which arm does better most often, and whether no other does as often."""
    best = max(arms, key=findings.pays)
    most = findings.pays(best)
    bar = quoted(findings.study.reference) + (" by more than the threshold" if findings.threshold else "")
    if most == 0:
        return f"{quoted(best) if len(arms) == 1 else 'No arm'} does better than {bar} at {NONE[len(arms) == 1]} point"
    alike = sum(findings.pays(arm) == most for arm in arms) - 1
    more = ", more than any other arm" if not alike else f", as {alike} other{'s do' if alike > 1 else ' does'}"
    return f"{quoted(best)} does better than {bar} at {often(most)}" + (more if len(arms) > 1 else "")


def _display(findings: Findings) -> units.Display:
    """One display for the deciding KPI of all arms: that of the arm with the largest values."""
    found = [findings.of(arm).outcome for arm in findings.study.compared if findings.of(arm).outcome.known.any()]
    return look(max(found, key=lambda one: float(np.quantile(np.abs(one.mean[one.known]), 0.9))))


def tornado(findings: Findings, arms: list[str]) -> Figure:
    panels = []
    for arm in arms:
        finding = findings.of(arm)
        display = look(finding.outcome)
        own = sorted(finding.drivers, key=lambda one: -one.range)[:MOST_ROWS]
        swings = [_swing(one, display.divisor) for one in own if math.isfinite(one.swing)]
        centre = float(finding.outcome.mean[finding.outcome.known].mean()) / display.divisor
        panels.append(Tornado(spoken(arm), f"{kpi_name(findings.kpi)}, {display.unit}", centre, swings))
    panels = [panel for panel in panels if panel.swings]
    if not panels:
        raise NothingToShow("no parameter has means that differ")
    title = tornado_title(panels[0])
    difference = f"difference to {quoted(findings.study.reference)}" if not findings.study.one_arm else "level"
    lone = any(one.lone for one in findings.of(arms[0]).effects)
    others = "one at a time, the others as in the base point" if lone else "others averaged"
    return sweep_tornado.tornado(
        title,
        f"Mean {difference} at both ends of each parameter, {others}; thin lines: 95 % intervals; grey: range of all "
        "its levels; dashed: mean of all points.",
        panels,
    )


def tornado_title(panel: Tornado) -> str:
    """Which parameter of the first panel has the largest range of means, of those that clearly have one."""
    clear = [swing for swing in panel.swings if swing.clear]
    if not clear:
        return f"No parameter clearly moves \N{LEFT DOUBLE QUOTATION MARK}{panel.name}\N{RIGHT DOUBLE QUOTATION MARK}"
    widest = max(clear, key=lambda swing: swing.most - swing.least)
    return f"{quoted(panel.name)} differs most over {widest.name}"


def _swing(one: Effect, divisor: float) -> Swing:
    low, high = one.ends
    return Swing(
        one.factor.name,
        float(one.mean[low]) / divisor,
        float(one.mean[high]) / divisor,
        float(one.half[low]) / divisor,
        float(one.half[high]) / divisor,
        one.groups[low].label,
        one.groups[high].label,
        one.clear,
        float(np.nanmin(one.mean)) / divisor,
        float(np.nanmax(one.mean)) / divisor,
    )


def indices(findings: Findings, arms: list[str]) -> Figure:
    names = {factor.path: factor.name for factor in findings.study.factors + findings.study.constant}
    sobol, morris = [], []
    over = ""
    first = ""
    for arm in arms:
        for one in findings.of(arm).indices:
            order = np.argsort(-np.nan_to_num(one.total), kind="stable")[:MOST_ROWS]
            labels = [names[one.paths[place]] for place in order]
            if one.method == "morris":
                display = look(findings.of(arm).outcome)
                mu, half, sigma = (
                    values[order] / display.divisor
                    for values in (one.values["mu_star"], one.conf["mu_star"], one.values["sigma"])
                )
                morris.append(Screening(spoken(arm), display.unit, labels, mu, half, sigma))
            else:
                total = one.values.get("ST")
                sobol.append(
                    Shares(
                        spoken(arm),
                        labels,
                        one.values["S1"][order],
                        one.conf["S1"][order],
                        total[order] if total is not None else None,
                        one.conf["ST"][order] if total is not None else None,
                        np.array([one.too_few(key)[order] for key in one.values]),
                    )
                )
            first = first or index_title(one, int(order[0]), labels[0], arm)
            over = f" Averaged over all settings of the {one.mean_over}." if one.mean_over else over
            method = one.method
    if sobol:
        pale = " Pale: too few samples to say." if any(np.any(one.few) for one in sobol) else ""
        how = "Sobol' indices" if method == "sobol" else "First-order indices from the given points (RBD-FAST)"
        return sweep_indices.shares(
            first, f"{how} of {kpi_name(findings.kpi)}; lines: 95 % intervals (bootstrap).{pale}{over}", sobol
        )
    if morris:
        return sweep_indices.screening(
            first,
            f"Elementary effects of {kpi_name(findings.kpi)} (Morris) over the whole range of each parameter. On the "
            f"floor: the same effect everywhere; above the dashed line: it depends on the others, or bends.{over}",
            morris,
        )
    raise NothingToShow("the design has no indices")


def index_title(one: Index, place: int, name: str, arm: str) -> str:
    """Which parameter matters most by its index, if the samples say so."""
    key = next(key for key in ("ST", "mu_star", "S1") if key in one.values)
    if one.too_few(key)[place]:
        return f"Too few samples to say what matters most for {quoted(arm)}"
    if not one.values[key][place] > one.conf[key][place]:
        return f"No parameter clearly matters for {quoted(arm)}"
    second = np.sort(one.values[key])[-2] if len(one.values[key]) > 1 else -math.inf
    if one.values[key][place] - one.conf[key][place] > second:
        return f"{name} matters most for {quoted(arm)}"
    return f"{name} seems to matter most for {quoted(arm)}"


def levels(findings: Findings, arm: str) -> Figure:
    finding = findings.of(arm)
    outcome, display, known = finding.outcome, look(finding.outcome), finding.outcome.known
    own = [one for one in finding.drivers if len(one.groups) > 1][:MOST_PANELS]
    if not own:
        raise NothingToShow("no parameter has two levels")
    mark = _mark(findings)
    panels = []
    for one in own:
        factor = one.factor
        x = factor.raw[known]
        panels.append(
            Levels(
                name=factor.name,
                unit=factor.unit if factor.numeric else "",
                x=_nudged(x, factor),
                y=outcome.mean[known] / display.divisor,
                at=np.array([group.x for group in one.groups]),
                mean=one.mean / display.divisor,
                half=one.half / display.divisor,
                names=None if factor.numeric else [group.label for group in one.groups],
                log=factor.log and factor.numeric,
                trend=factor.numeric and factor.levels is None,
            )
        )
    clear = [one for one in own if one.clear]
    what = f"{kpi_name(findings.kpi)} of {quoted(arm)}"
    if not clear:
        title = f"No parameter by itself moves {what} beyond chance"
    else:
        first = clear[0]
        title = f"{what} depends most on {first.factor.name}"
        if abs(first.swing) > STEADY * first.range and (first.factor.numeric or first.factor.kind == "switch"):
            title = f"{what} {'rises' if first.swing > 0 else 'falls'} with {first.factor.name}"
    trend = " Dashed: straight trend." if any(panel.trend for panel in panels) else ""
    difference = f"Difference to {quoted(findings.study.reference)}. " if outcome.difference else ""
    return sweep_levels.levels(
        title,
        f"{difference}Pale: points; line: means, with 95 % intervals.{trend}",
        panels,
        display.unit,
        style.arm_look(findings.study.arms.index(arm))[0],
        mark / display.divisor if mark is not None else None,
    )


def _nudged(x: np.ndarray, factor: Factor) -> np.ndarray:
    """Values of few levels spread a little, so that points do not hide one another."""
    found = np.unique(x)
    if len(found) > SPREAD_OUT or len(found) < 2 or (factor.log and factor.numeric):
        return x
    noise = np.random.default_rng(1).uniform(-0.16, 0.16, len(x))
    return np.asarray(x + noise * float(np.diff(found).min()))


def surface(findings: Findings, arm: str) -> Figure:
    finding = findings.of(arm)
    numbers = [one.factor for one in finding.drivers if one.factor.numeric]
    if len(numbers) < 2:
        raise NothingToShow("no two numbers were varied")
    found = response(findings.study, finding.outcome, numbers[0], numbers[1])
    if found is None:
        raise NothingToShow("too few points")
    display, mark = look(finding.outcome), _mark(findings)
    z = found.z / display.divisor
    level = mark / display.divisor if mark is not None else None
    title = f"{quoted(arm)} over {numbers[0].name} and {numbers[1].name}"
    if level is not None:
        better = float(((z > level) if finding.outcome.better > 0 else (z < level)).mean())
        title = f"On average {quoted(arm)} pays " + (
            "over the whole range of both"
            if better == 1
            else "nowhere over the range of both"
            if better == 0
            else f"over {share(better)} of the range of {numbers[0].name} and {numbers[1].name}"
        )
    how = "Means of the points at each setting" if found.method == "means" else "Quadratic surface fitted to all points"
    return sweep_surface.surface(
        title,
        f"{kpi_name(findings.kpi)}, {display.unit}. {how}; both parameters explain {share(found.r2)} of the variance "
        f"between {found.points:,} points (R²){'' if found.r2 > 0.5 else ': a rough picture'}.",
        Response(
            _label(found.a),
            _label(found.b),
            found.x,
            found.y,
            z,
            found.a.log,
            found.b.log,
            display.unit,
            finding.outcome.better < 0,
            level,
        ),
    )


def _label(factor: Factor) -> str:
    unit = factor.unit.replace("per year", "a year")
    return f"{factor.name}, {unit}" if unit else factor.name


def regret(findings: Findings) -> Figure:
    found = findings.regrets.get(findings.kpi)
    if found is None or found.levels.shape[1] < 2:
        raise NothingToShow("one option or one world")
    order = np.argsort(found.most, kind="stable")
    reference = [place for place in order if found.options[place].arm == findings.study.reference][:1]
    kept = list(order[:MOST_OPTIONS])
    kept += [place for place in reference if place not in kept]
    display = units.display(found.kpi, found.unit, [float(found.most[kept].max())], difference=True)
    options = [
        Loss(
            option_name(found.options[place], findings.study),
            findings.study.arms.index(found.options[place].arm),
            found.regret[place] / display.divisor,
            float(found.error[place]) / display.divisor,
            place == found.minimax,
        )
        for place in kept
    ]
    name = options[0].name
    more = len(found.options) - len(kept)
    left = f" {more} more options are in regret.csv." if more else ""
    return sweep_regret.regret(
        regret_title(found, name),
        f"Regret in {kpi_name(found.kpi)} over {found.levels.shape[1]} worlds. Marker: largest; thick: middle half "
        f"of the worlds; upright: mean.{left}",
        options,
        display.unit,
    )


def regret_title(found: Regret, name: str) -> str:
    """Which option loses least in its worst world, if it is one."""
    ties = len(found.ties)
    if ties == len(found.options):
        return "All options lose the same in the worst case"
    if ties > 1:
        return f"{ties:,} options lose least in the worst case, {quoted(name)} among them"
    return f"{quoted(name)} loses least in the worst case"


def where(findings: Findings, arm: str) -> Figure:
    found = findings.discoveries[arm]
    if found.fate != "pattern":
        raise NothingToShow("no rule says where")
    outcome = findings.of(arm).outcome
    known = outcome.known
    used: dict[str, float] = {}
    for box in found.boxes:
        for condition in box.conditions:
            used[condition.factor.path] = used.get(condition.factor.path, 0.0) + box.coverage
    first = {condition.factor.path for condition in found.boxes[0].conditions}
    paths = sorted(used, key=lambda path: (path not in first, -used[path]))
    paths += [one.factor.path for one in findings.of(arm).drivers if one.factor.path not in used]
    if len(paths) < 2:
        raise NothingToShow("the rule has one parameter and there is no other")
    factors = {factor.path: factor.at(known) for factor in findings.study.factors}
    x, y = factors[paths[0]], factors[paths[1]]
    sign = outcome.better or 1
    others = [one for one in found.boxes[0].conditions if one.factor.path not in paths[:2]]
    shown = np.all([one.holds() for one in others], axis=0) if others else np.ones(int(known.sum()), dtype=bool)
    where = (
        f"Shown: {int(shown.sum()):,} points where {' and '.join(map(condition_words, others))}; box:"
        if others
        else (f"{found.points:,} points; box:")
    )
    fails = outcome.mean[known] * sign <= findings.threshold * sign
    edges = [Edge(_edge(box.conditions, x), _edge(box.conditions, y)) for box in found.boxes[:1]]
    return sweep_discovery.where(
        _where_title(found),
        f"{where} {all_conditions(found.boxes[0])}.",
        _axis(x.at(shown)),
        _axis(y.at(shown)),
        fails[shown],
        edges,
        success=found.success,
    )


def _where_title(found: Discovery) -> str:
    box = found.boxes[0]
    verb, what = ("pays", "successes") if found.success else ("fails", "failures")
    text = f"{quoted(found.arm)} {verb} in {share(box.density)} of the box"
    return f"{text}, which holds {share(box.coverage)} of its {what}"


def _axis(factor: Factor) -> Axis:
    names = None if factor.numeric else [factor.say(level) for level in factor.levels or ()]
    return Axis(
        _label(factor), factor.raw, names, factor.log and factor.numeric, len(np.unique(factor.raw)) <= SPREAD_OUT
    )


def _edge(conditions: tuple[Condition, ...], factor: Factor) -> tuple[float, float]:
    """A box along one factor; between levels it runs half-way to the neighbours."""
    own = next((condition for condition in conditions if condition.factor.path == factor.path), None)
    if own is None:
        return -math.inf, math.inf
    inside = own.holds()
    found = np.unique(factor.raw)
    low, high = float(factor.raw[inside].min()), float(factor.raw[inside].max())
    below, above = found[found < low], found[found > high]
    return (
        (low + float(below.max())) / 2 if len(below) else -math.inf,
        (high + float(above.min())) / 2 if len(above) else math.inf,
    )


def variance_split(findings: Findings) -> Figure:
    rows, outcomes = [], []
    for arm in findings.study.compared[: style.MOST_ARMS]:
        for kpi in findings.study.kpis:
            found: Finding = findings.of(arm, kpi)
            if math.isfinite(found.luck.parameters):
                name = f"{spoken(arm)}, {kpi_name(kpi)}" if len(findings.study.compared) > 1 else kpi_name(kpi)
                outcomes.append((arm, kpi_name(kpi).lower().replace("aum", "AUM"), found.luck.parameters))
                rows.append((units.shortened([name], 34)[0], found.luck.parameters, found.luck.shared, found.luck.own))
    if not rows:
        raise NothingToShow("one seed tells nothing of luck")
    arm, name, of_parameters = outcomes[0]
    return sweep_spread.variance_split(
        f"Parameters, not luck, make {share(of_parameters)} of the variance of {quoted(arm)} in {name}"
        if of_parameters >= 0.5
        else f"Luck makes {share(1 - of_parameters)} of the variance of a run of {quoted(arm)} in {name}",
        "Variance of one run's outcome over points and seeds, split in two ways (points x seeds).",
        rows,
    )
