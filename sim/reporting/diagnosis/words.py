"""A diagnosis in words: each problem in a line, what it costs in another, every measure as a row of text."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from sim.phrases import counted, listed, quoted, spoken
from sim.reporting.figures import units
from sim.reporting.figures.diagnosis_names import name_of, scaled
from sim.reporting.run.terminal import WIDTH, aligned
from sim.survey.diagnosis import BANK, BY_ARM, ENOUGH, OF_BOOK, PROBLEMS, TOUCHED, Cost, Diagnosis, Measure, Problem

TOO_FEW = "too few answers to say"
HEADS = ("measure", "value", "95 % interval", "published", "by")


def written(one: Measure) -> tuple[str, str, str, str]:
    """Value with unit, interval, what is published, and the basis, as text; "" for none."""
    factor, unit, decimals = scaled(one)
    value, low, high = (factor * each for each in (one.value, one.ci_low, one.ci_high))
    half = (high - low) / 2
    asked = one.unit.startswith("points of ")
    digits = decimals if asked else min(max(units.decimals_for(value, half), 0), decimals)
    text = f"{units.number(value, digits)}{units.GAP + unit if unit else ''}"
    ends = f"{units.number(low, digits)} to {units.number(high, digits)}" if np.isfinite(half) else ""
    return text, ends, published(one), basis(one)


def published(one: Measure) -> str:
    """The benchmark with its source: "8 to 15 % a year, F7"; "" where there is none."""
    if not one.source:
        return ""
    factor, unit, _ = scaled(one)
    low, high = factor * one.benchmark_low, factor * one.benchmark_high
    ends = [units.number(end, 0 if end == round(end) else 1) for end in dict.fromkeys((low, high))]
    words = f"below {ends[1]}" if one.benchmark_low == 0 < one.benchmark_high else " to ".join(ends)
    return f"{words}{units.GAP + unit if unit else ''}, {one.source}"


def against(one: Measure) -> str:
    """Where an interval lies to what is published, in words; "" where nothing is, or where it has no interval."""
    low, high = one.ci_low, one.ci_high
    if one.basis == OF_BOOK:  # everybody is counted
        low = high = one.value
    if not one.source or not np.isfinite(low):
        return ""
    if high < one.benchmark_low:
        return "below"
    if low > one.benchmark_high:
        return "above"
    return "within" if one.benchmark_low <= low and high <= one.benchmark_high else "not to be told from"


def basis(one: Measure) -> str:
    """Where a measure comes from: "run, 4 seeds"."""
    counted = {"run": "seeds", "book": "customers"}.get(one.basis, "sheets")
    return f"{one.basis}, {one.n:,} {counted if one.n != 1 else counted[:-1]}" if one.n else one.basis


# --- the four lines ------------------------------------------------------------------------------------------------


def severity(d: Diagnosis, problem: Problem) -> str:
    """How severe a problem is, in one sentence or two."""
    parts = _PARTS[problem.name](d)
    return " ".join(part for part in parts if part)


def _told(one: Measure | None) -> str:
    return written(one)[0] if one is not None else ""


def _beside(one: Measure) -> str:
    """ " (6.0 to 9.1; below what is published: 8 to 15 % a year, F7)"; "" for neither interval nor source."""
    words = against(one)
    stands = f"{words} what is published: " if words else "published: "
    parts = [written(one)[1], f"{stands}{published(one)}" if one.source else ""]
    return f" ({'; '.join(filter(None, parts))})" if any(parts) else ""


def _heard(one: Measure) -> str:
    """ " (3.1 to 3.4; 412 sheets)" behind what was asked."""
    return f" ({'; '.join(filter(None, [written(one)[1], counted(one.n, 'sheet')]))})"


def _process(d: Diagnosis) -> list[str]:
    failures, complaints, share = (
        d.find(name) for name in ("failures_per_customer", "complaints_per_customer", "complaints_per_failure")
    )
    out = []
    if failures is not None and complaints is not None:
        rest = f", {_told(share)} of the failures" if share is not None else ""
        often, amount = (units.number(100 * one.value, 1) for one in (failures, complaints))
        out.append(f"Service fails {often} times per 100 customers a year; {amount} come as complaints{rest}.")
    if (gap := d.find("service_gap")) is not None:
        doubt = "" if gap.ci_low * gap.ci_high > 0 else ", which may be luck"
        found = f"{_told(gap)}{_heard(gap)}{doubt}" if gap.n >= ENOUGH else f"{TOO_FEW} ({counted(gap.n, 'sheet')})"
        out.append(f"Service as met less service as expected: {found}.")
    return out


def _structure(d: Diagnosis) -> list[str]:
    customers, aum = d.of("share_of_customers"), d.of("share_of_aum")
    out = []
    if customers and aum:
        low, top = spoken(customers[0].group, "tier"), spoken(customers[-1].group, "tier")
        out.append(
            f"{_told(customers[0])} of customers ({low}) hold {_told(aum[0])} of AUM, the "
            f"{units.percent(customers[-1].value, 2)} of the top tier ({top}) {_told(aum[-1])}."
        )
    leaving, dormant = d.find("attrition_annual"), d.find("dormant_share")
    if leaving is not None:
        out.append(f"{units.percent(leaving.value)} close or fall silent a year{_beside(leaving)}.")
    if dormant is not None:
        out.append(f"{_told(dormant)} are dormant{_beside(dormant)}.")
    return out


def _tools(d: Diagnosis) -> list[str]:
    answered, declined, app = (d.find(name) for name in ("answered_share", "declined_share", "digital_active_share"))
    out = []
    if answered is not None:
        rest = f", and of those spoken to {_told(declined)} had no use for the offer" if declined is not None else ""
        out.append(f"{_told(answered)} of contacts are answered{rest}.")
    if (closed := d.find("opt_out_share")) is not None:
        out.append(f"{_told(closed)} of customers have closed a channel to the bank.")
    if app is not None:
        out.append(f"{_told(app)} use the app.")
    return out


def _staff(d: Diagnosis) -> list[str]:
    turnover, load, digital = (
        d.find(name) for name in ("manager_turnover_annual", "manager_utilisation", "digital_skill")
    )
    out = [] if d.managers else ["This bank has no named managers, so the run says nothing of them."]
    if turnover is not None:
        out.append(f"{units.percent(turnover.value)} of managers leave a year{_beside(turnover)}.")
    if load is not None:
        out.append(f"They are asked for {_told(load)} of the hours they have.")
    asked = d.find("asked_digital")
    parts = (
        [f"{_told(digital)}{_beside(digital)} from the mean of hired managers in the model"]
        if digital is not None
        else []
    )
    if asked is not None:
        few = f"{TOO_FEW} ({counted(asked.n, 'sheet')})"
        parts.append(f"by their own word {_told(asked) + _heard(asked) if asked.n >= ENOUGH else few}")
    if parts:
        out.append(f"Digital skill: {listed(parts)}.")
    return out


_PARTS = {"process": _process, "structure": _structure, "tools": _tools, "staff": _staff}


def cost_words(d: Diagnosis, problem: Problem, *, whole: bool = True) -> str:
    """What a problem costs: by an arm that answers it (with its cash, where `whole`), by the books, or not known."""
    one = d.cost_of(problem)
    value, ends = _amount(abs(one.value), *_turned(one), d)
    if one.kind == TOUCHED:
        without = f"No arm of this run tells what {spoken(problem.strategy, '')} alone would bring"
        if one.value <= 0 or one.ci_low <= 0:
            return f"{without}, and its seeds do not tell from luck how much money the problem touches."
        return f"{without}. The problem touches {value} a year{ends}, {one.about}: not all of it would come back."
    if one.kind != BY_ARM:
        return f"What it costs is not known: {one.about.replace('_', ' ')}."
    by, sure = quoted(one.by), one.ci_low * one.ci_high > 0
    if not np.isfinite(one.ci_low):
        more = units.money(one.value, d.currency, sign=True)
        said = f"With one seed, {by} is worth {more} a year; how much of it is luck is not known."
    elif not sure:
        more, ends = _amount(one.value, one.ci_low, one.ci_high, d, sign=True)
        said = f"The run cannot tell what it costs: {by} is worth {more} a year{ends}."
    elif one.value > 0:
        said = f"Left as it is it costs {value} a year{ends}: what {by} is worth beyond its cost."
    else:
        said = f"Mending it by {by} costs {value} a year more than it brings{ends}."
    if whole and np.isfinite(one.cash) and one.cash != one.value:
        cash, ends = _amount(one.cash, one.cash_low, one.cash_high, d, sign=True)
        said += f" Cash to the horizon alone: {cash} a year{ends}."
    return said


def _turned(one: Cost) -> tuple[float, float]:
    """The ends of a cost's interval, those of its size where it is below zero."""
    return (-one.ci_high, -one.ci_low) if one.value < 0 else (one.ci_low, one.ci_high)


def _amount(value: float, low: float, high: float, d: Diagnosis, *, sign: bool = False) -> tuple[str, str]:
    """Money, and its interval in the same unit: "CNY 180 k", " (155 to 218 k)"; "" where there is none."""
    if not np.isfinite(low):
        return units.money(value, d.currency, sign=sign), ""
    largest = max(abs(value), abs(low), abs(high))
    divisor, word = units.scale(largest)
    digits = units.significant(largest / divisor, 3, most=2)
    unit = units.GAP + word if word else ""
    text = units.GAP.join(filter(None, (d.currency, f"{units.number(value / divisor, digits, sign=sign)}{unit}")))
    return text, f" ({units.number(low / divisor, digits)} to {units.number(high / divisor, digits)}{unit})"


def lines(d: Diagnosis) -> list[tuple[Problem, str, str]]:
    """The four problems: how severe, what it costs."""
    nothing = "This run says nothing of it."
    return [(problem, severity(d, problem) or nothing, cost_words(d, problem, whole=False)) for problem in PROBLEMS]


# --- tables --------------------------------------------------------------------------------------------------------


def rows_of(d: Diagnosis, problem: Problem) -> list[list[str]]:
    """Every measure of a problem as cells under `HEADS`, those of a group named with it."""
    out = []
    for row in d.measures[d.measures["problem"] == problem.name].itertuples(index=False, name=None):
        one = Measure(*row)
        group = "" if one.group == BANK else f": {spoken(one.group, 'tier')}"
        out.append([name_of(one) + group, *written(one)])
    return out


def terminal_table(d: Diagnosis, *, width: int = WIDTH) -> str:
    """The four problems in words, then the bank's measures, a block a problem."""
    blocks = []
    for place, (problem, how, cost) in enumerate(lines(d), 1):
        text = units.wrapped(f"{place} {problem.title}. {how} {cost}", width)
        body = [row for row in rows_of(d, problem) if ": " not in row[0] or row[0].startswith("Service gap")]
        table = aligned([HEADS], body, left=(0, 3, 4)) if body else []
        blocks.append("\n".join([*text, "", *table]))
    return "\n\n".join([*blocks, *("\n".join(units.wrapped(note, width)) for note in d.notes)])


def as_json(d: Diagnosis) -> dict[str, Any]:
    """All of it as plain data; what is not finite is null."""
    tables = {name: json.loads(getattr(d, name).to_json(orient="records")) for name in ("measures", "costs")}
    told = [{"problem": problem.name, "severity": how, "cost": cost} for problem, how, cost in lines(d)]
    return {"name": d.name, "arm": d.arm, "problems": told, **tables, "notes": list(d.notes)}
