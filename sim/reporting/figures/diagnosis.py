"""The four problems as figures: what they cost, gaps and failures, pyramid and Lorenz curve, contacts, skills."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.phrases import spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import style, units
from sim.reporting.figures.board import NothingToShow
from sim.reporting.figures.diagnosis_names import name_of, scaled
from sim.survey.diagnosis import BANK, BY_ARM, ENOUGH, PROBLEMS, TOUCHED, Diagnosis, Measure

ROW = 0.3  # inches
NAMES = (1.7, 2.1, 2.5)
ASKED = ("As asked", "Skill, self-rated")  # panels whose axis is the scale of the answers


@dataclass(frozen=True)
class Dot:
    """A row of a panel: its name, value, ends of its interval and of what is published (NaN for none)."""

    name: str
    value: float
    low: float = np.nan
    high: float = np.nan
    published: tuple[float, float] = (np.nan, np.nan)
    colour: str = style.GAIN
    marker: str = "o"


@dataclass(frozen=True)
class Dots:
    """A panel of rows, with its name and unit."""

    name: str
    unit: str
    rows: Sequence[Dot]

    @property
    def scale(self) -> tuple[float, float] | None:
        """The ends of the scale of answers, where its unit says them."""
        words = self.unit.removeprefix("points of ").split(" to ")
        return (float(words[0]), float(words[1])) if self.unit.startswith("points of ") and self.name in ASKED else None


def dot_of(one: Measure, name: str, *, colour: str = style.GAIN, marker: str = "o") -> Dot:
    """A measure as a row, in the unit that it is told in."""
    factor, _, _ = scaled(one)
    ends = (factor * one.benchmark_low, factor * one.benchmark_high) if one.source else (np.nan, np.nan)
    return Dot(name, factor * one.value, factor * one.ci_low, factor * one.ci_high, ends, colour, marker)


def _draw(axes: Axes, panel: Dots, names: Sequence[str]) -> None:
    at = np.arange(len(panel.rows))[::-1]
    reach = list(panel.scale or [0.0])
    for place, row in zip(at, panel.rows, strict=True):
        if np.isfinite(row.published[0]):
            low, high = row.published
            axes.fill_betweenx(
                [place - 0.36, place + 0.36], low, high, color="#D9D9D9", linewidth=1.2 if low == high else 0, zorder=1
            )
        axes.plot([row.low, row.high], [place, place], color=row.colour, linewidth=1.5, zorder=2)
        axes.plot([row.value], [place], marker=row.marker, color=row.colour, markersize=5.5, zorder=3)
        reach += [end for end in (row.value, row.low, row.high, *row.published) if np.isfinite(end)]
    low, high = min(reach, default=0.0), max(reach, default=1.0)
    pad = 0.08 * (high - low) or 1.0
    beyond = 0.3 if panel.scale else 1.0  # of the pad: a scale of answers ends where it ends
    axes.set_xlim(low - pad * (1.0 if low < 0 else 0.3), high + pad * beyond)
    axes.set_ylim(-0.6, max(len(panel.rows), 1) - 0.4)
    marks.ticks_along(axes, *axes.get_xlim())
    axes.set_yticks(at, names)
    axes.tick_params(axis="y", labelcolor=style.INK)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=style.GRID, linewidth=0.8)
    if low < 0:
        axes.axvline(0.0, color="#8C8C8C", linewidth=0.9, zorder=1)


def dots(title: str, subtitle: str, panels: Sequence[Dots], key: Sequence[tuple[str, ...]] = ()) -> Figure:
    """Panels beside one another, each with rows of its own."""
    panels = [panel for panel in panels if panel.rows]
    if not panels:
        raise NothingToShow("no measure of it")
    names = [style.folded([row.name for row in panel.rows], NAMES, style.TICK) for panel in panels]
    lefts = [style.name_room(own, style.TICK) + 0.18 for own in names]
    most = max(len(panel.rows) for panel in panels)
    figure, axes = style.page(
        title,
        subtitle,
        1,
        len(panels),
        height=ROW * max(most, 3) + 0.15,
        lefts=lefts,
        rights=[0.3] * len(panels),
        bottom=0.35,
        key=key,
    )
    for axis, panel, own in zip(axes[0], panels, names, strict=True):
        _draw(axis, panel, own)
        style.name_panel(axis, panel.name, panel.unit, beyond=0.6)
    return figure


@style.drawn
def cost(d: Diagnosis) -> Figure:
    """What each problem costs a year, with its interval; what it merely touches is hollow."""
    known = [(problem, d.cost_of(problem)) for problem in PROBLEMS]
    found = [
        (problem, one)
        for problem, one in known
        if np.isfinite(one.value) and not (one.kind == TOUCHED and min(one.value, one.ci_low) <= 0)
    ]
    if not found:
        raise NothingToShow("the run prices none of the problems")
    divisor, word = units.scale(
        max(abs(end) for _, one in found for end in (one.value, one.ci_low, one.ci_high) if np.isfinite(end))
    )
    looks = {BY_ARM: (style.GAIN, "o"), TOUCHED: (style.NEUTRAL, "s")}
    rows = [
        Dot(
            problem.title.split(":")[0],
            one.value / divisor,
            one.ci_low / divisor,
            one.ci_high / divisor,
            colour=looks[one.kind][0],
            marker=looks[one.kind][1],
        )
        for problem, one in found
    ]
    clear = [(problem, one) for problem, one in found if one.kind == BY_ARM and one.ci_low > 0]
    if clear:
        problem, one = max(clear, key=lambda pair: pair[1].value)
        most = " most:" if sum(one.kind == BY_ARM for _, one in found) > 1 else ""
        title = f"{problem.title.split(':')[0]} costs{most} {units.money(one.value, d.currency)} a year"
    elif any(one.kind == BY_ARM for _, one in found):
        title = "No problem whose remedy clearly pays in this run"
    else:
        title = "What the problems touch, not what mending them would bring"
    kinds = {one.kind for _, one in found}
    key = [("worth of the arm that answers it, beyond its cost", *looks[BY_ARM])] if BY_ARM in kinds else []
    key += [("a part of the books that it touches", *looks[TOUCHED])] if TOUCHED in kinds else []
    unit = " ".join(part for part in (d.currency, word, "a year") if part)
    return dots(
        title, "With the 95 % interval over seeds (paired, where arms are compared).", [Dots("Cost", unit, rows)], key
    )


def _tiers(d: Diagnosis, measure: str, name: str) -> Dots:
    rows = [one for one in d.of(measure) if one.group in d.tiers and np.isfinite(one.value)]
    whole = d.find(measure)
    both = [dot_of(whole, "bank", colour=style.NEUTRAL, marker="s")] if whole is not None else []
    unit = scaled(rows[0] if rows else whole)[1] if rows or whole is not None else ""  # type: ignore[arg-type]
    return Dots(name, unit, [*both, *(dot_of(one, spoken(one.group, "tier")) for one in rows)])


def _groups(d: Diagnosis, measure: str, name: str) -> Dots:
    """All groups of a measure, the whole last."""
    rows = [one for one in d.of(measure) if np.isfinite(one.value)]
    whole = d.find(measure)
    last = [dot_of(whole, "all", colour=style.NEUTRAL, marker="s")] if whole is not None else []
    unit = scaled(whole)[1] if whole is not None else ""
    return Dots(name, unit, [*(dot_of(one, spoken(one.group, "tier")) for one in rows), *last])


@style.drawn
def process(d: Diagnosis) -> Figure:
    """Service gaps as asked, failures and complaints by tier."""
    gap, failures = d.find("service_gap"), d.find("failures_per_customer")
    title = "Process"
    if gap is not None and gap.n < ENOUGH:
        title = "Too few answers to say how service as met stands to what is expected"
    elif gap is not None and gap.ci_low * gap.ci_high > 0:
        side = "below" if gap.value < 0 else "above"
        title = f"Service as met is {units.number(abs(gap.value), 2)} points {side} what is expected"
    elif gap is not None:
        title = "No gap between service met and service expected that the answers are sure of"
    elif failures is not None:
        title = f"Service fails {units.number(100 * failures.value, 1)} times per 100 customers a year"
    asked = " Gaps: within a sheet, by what was asked." if gap is not None else ""
    return dots(
        title,
        f"With 95 % intervals: over seeds, or of the sheets.{asked} Failures and complaints: as they are in the model.",
        [
            _groups(d, "service_gap", "Met less expected"),
            _tiers(d, "failures_per_customer", "Failures"),
            _tiers(d, "complaints_per_customer", "Complaints"),
        ],
    )


@style.drawn
def structure(d: Diagnosis) -> Figure:
    """The pyramid of customers and of AUM, the Lorenz curve, who leaves and who is dormant by tier."""
    customers, aum = d.of("share_of_customers"), d.of("share_of_aum")
    if not customers or not aum:
        raise NothingToShow("no customers")
    gini = d.find("aum_gini")
    names = [spoken(one.group, "tier") for one in customers]
    title = f"{spoken(customers[-1].group, 'tier')}: {units.percent(customers[-1].value, 2)} of customers, "
    title += f"{units.percent(aum[-1].value)} of AUM"
    title += f"; Gini {units.number(gini.value, 2)}" if gini is not None else ""
    curve = f" Lorenz curve: {d.lorenz.words}." if d.lorenz is not None else ""
    room = style.name_room(names, style.TICK) + 0.18
    figure, axes = style.page(
        title,
        f"Left: shares of customers and of their AUM, %.{curve} Right: attrition a year and dormant share with 95 % "
        "intervals, %; grey: published.",
        1,
        4,
        height=2.1,
        lefts=[room, 0.62, room, room],
        rights=[0.3, 0.25, 0.25, 0.25],
        widths=[1.15, 1.15, 0.9, 0.9],
        bottom=0.45,
        key=[("customers", style.NEUTRAL), ("AUM", style.GAIN)],
    )
    pyramid, lorenz, leaving, dormant = axes[0]
    at = np.arange(len(names))
    for shares, colour, shift in ((customers, style.NEUTRAL, 0.2), (aum, style.GAIN, -0.2)):
        values = [100 * one.value for one in shares]
        pyramid.barh(at + shift, values, height=0.38, color=colour)
        for place, value in zip(at + shift, values, strict=True):
            text = units.number(value, 1 if value >= 1 else 2)
            pyramid.annotate(
                text, (value, place), (3, 0), textcoords="offset points", va="center", size=style.TICK, color=style.SOFT
            )
    pyramid.set_xlim(0, 118)
    pyramid.set_xticks([0, 50, 100])
    pyramid.set_yticks(at, names)
    pyramid.tick_params(axis="y", labelcolor=style.INK)
    pyramid.grid(axis="y", visible=False)
    style.name_panel(pyramid, "Pyramid", "%")
    _lorenz(lorenz, d)
    for panel, measure, name in ((leaving, "attrition_annual", "Attrition"), (dormant, "dormant_share", "Dormant")):
        rows = _tiers(d, measure, name)
        if rows.rows:
            _draw(panel, rows, [row.name for row in rows.rows])
            style.name_panel(panel, name, rows.unit)
        else:
            panel.remove()
    return figure


def _lorenz(axes: Axes, d: Diagnosis) -> None:
    axes.plot([0, 100], [0, 100], color="#8C8C8C", linewidth=0.9)
    if d.lorenz is not None:
        axes.plot(100 * d.lorenz.customers, 100 * d.lorenz.aum, color=style.GAIN, linewidth=1.8)
        axes.fill_between(
            100 * d.lorenz.customers,
            100 * d.lorenz.aum,
            100 * d.lorenz.customers,
            color=style.GAIN,
            alpha=0.08,
            linewidth=0,
        )
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_xticks([0, 50, 100])
    axes.set_yticks([0, 50, 100])
    axes.set_xlabel("% of customers, poorest first", size=style.LABEL, color=style.SOFT)
    style.name_panel(axes, "Lorenz", "% of AUM")


@style.drawn
def tools(d: Diagnosis) -> Figure:
    """What becomes of contacts, what customers close, who uses the app; contacts a customer by tier."""
    shares = (
        "answered_share",
        "declined_share",
        "held_back_share",
        "opted_out_wishes",
        "above_ideal_share",
        "opt_out_share",
        "digital_active_share",
    )
    found = [one for name in shares if (one := d.find(name)) is not None]
    asked = [one for one in map(Measure._make, _rows(d, "tools")) if one.measure.startswith("asked_")]
    answered = d.find("answered_share")
    title = f"{units.percent(answered.value)} of contacts are answered" if answered is not None else "Tools"
    return dots(
        title,
        "With 95 % intervals: over seeds, or of the sheets. Each share's base is in the table.",
        [
            Dots("Shares", "%", [dot_of(one, name_of(one)) for one in found]),
            _tiers(d, "contacts_per_customer", "Contacts"),
            Dots(
                "As asked", asked[0].unit if asked else "", [dot_of(one, name_of(one).split(",")[0]) for one in asked]
            ),
        ],
    )


@style.drawn
def staff(d: Diagnosis) -> Figure:
    """Turnover, load and hours; skills by segment, self-rated and (where simulated) true."""
    shares = [
        d.find(name) for name in ("manager_turnover_annual", "manager_utilisation", "no_hour_share", "managed_share")
    ]
    found = [one for one in shares if one is not None]
    looks = {"professional": (style.PALETTE[0], "o"), "digital": (style.PALETTE[3], "D")}

    def skills(kind: str) -> list[Dot]:
        rows = []
        for name, (colour, marker) in looks.items():
            own = [one for one in (*d.of(f"{kind}_{name}"), d.find(f"{kind}_{name}")) if one is not None]
            rows += [
                dot_of(one, "all" if one.group == BANK else spoken(one.group, "tier"), colour=colour, marker=marker)
                for one in own
                if np.isfinite(one.value)
            ]
        return rows

    rated, true = skills("asked"), skills("true")
    turnover = d.find("manager_turnover_annual")
    title = "Staff"
    if turnover is not None:
        ends = [units.number(100 * end, 1) for end in (turnover.ci_low, turnover.ci_high)]
        sure = f" ({' to '.join(ends)})" if np.isfinite(turnover.ci_low) else ""
        title = f"{units.percent(turnover.value)} of managers leave a year{sure}"
    unit = next(
        (one.unit for one in map(Measure._make, _rows(d, "staff")) if one.measure.startswith("asked_digital")), ""
    )
    key = [(f"{name} skill", colour, marker) for name, (colour, marker) in looks.items()] if rated else []
    return dots(
        title,
        "With 95 % intervals: over seeds, or of the sheets. Grey: published.",
        [
            Dots("Managers", "%", [dot_of(one, name_of(one)) for one in found]),
            Dots("Skill, self-rated", unit, rated),
            Dots("Skill, true", "SD", true),
        ],
        key,
    )


def _rows(d: Diagnosis, problem: str) -> list[tuple[object, ...]]:
    own = d.measures[(d.measures["problem"] == problem) & (d.measures["group"] == BANK)]
    return list(own.itertuples(index=False, name=None))


FIGURES: dict[str, Callable[[Diagnosis], Figure]] = {
    "process": process,
    "structure": structure,
    "tools": tools,
    "staff": staff,
}
