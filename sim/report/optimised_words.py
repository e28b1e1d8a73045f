"""What an optimisation found in sentences, the same on its page and in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.figures import units
from sim.figures.style import quoted, spoken
from sim.figures.sweep_front import Measure
from sim.report.key_figures import label

if TYPE_CHECKING:
    import pandas as pd

    from sim.report.optimised import Optimised

EQUAL = "equal shares"  # the baseline that everybody asks about


def measures(found: Optimised) -> list[Measure]:
    """The judged key figures, objectives first, as they are written."""
    signs = {one["kpi"]: 1.0 if one["goal"] == "maximise" else -1.0 for one in found.objectives}
    kpis = list(dict.fromkeys([*signs, *(one["kpi"] for one in found.facts["limits"])]))
    table = found.confirmed
    out = []
    for kpi in kpis:
        own = table[table["kpi"] == kpi]
        unit = str(own["unit"].iloc[0]) if len(own) and isinstance(own["unit"].iloc[0], str) else ""
        values = own[["search", "confirmed"]].to_numpy(dtype=float).ravel()
        look = units.display(kpi, unit, values, difference=True)
        out.append(Measure(kpi, label(kpi), look, signs.get(kpi, 0.0)))
    return out


def written(measure: Measure, value: float, low: float, high: float, *, unit: bool = True) -> str:
    """A difference with its interval: "+9.61 CNY m (9.42 to 9.80)"."""
    text, down, up = measure.look.write_difference(value, low, high)
    told = f"{text} {measure.look.unit}" if unit else text
    return f"{told} ({down} to {up})" if down else told


def winner_row(found: Optimised, kpi: str) -> pd.Series | None:
    """The winner's row of confirmed.csv; None without a winner."""
    own = found.confirmed[found.confirmed["winner"] & (found.confirmed["kpi"] == kpi)]
    return own.iloc[0] if len(own) else None


def mix_words(found: Optimised) -> str:
    """What the winner is: its shares in falling order, or its values."""
    winner = found.facts["winner"]
    if winner is None:
        return ""
    shares = sorted(((share, name) for name, share in winner["shares"].items() if share > 0), reverse=True)
    if shares:
        return ", ".join(f"{units.percent(share, 0)} {spoken(name)}" for share, name in shares)
    return ", ".join(f"{path} {_value(value)}" for path, value in winner["values"].items())


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def answer(found: Optimised) -> list[str]:
    """The answer in sentences, the most important first."""
    facts, told = found.facts, measures(found)
    first, winner = told[0], found.facts["winner"]
    if winner is None:
        return ["No confirmed candidate keeps the limits on fresh seeds, so there is no winner."]
    against = found.winner[found.winner["kpi"] == first.kpi]
    rows = {str(row["against"]): row for _, row in against.iterrows()}
    reference, seeds = facts["reference"], int(against["seeds"].max())
    name = quoted(str(winner_row(found, first.kpi)["name"]))  # type: ignore[index]
    lines = [
        f"{name} wins: {mix_words(found)}. Against {quoted(reference)} it brings {_gap(first, rows[reference])} "
        f"{first.name.lower()} on {seeds} seeds that neither found nor chose it"
        + "".join(f"; {one.name.lower()} {_gap(one, _row(found, one.kpi, reference))}" for one in told[1:])
        + "."
    ]
    if winner["name"]:
        lines.append(
            f"It is one of the baselines: of {facts['different']} different candidates none was better once confirmed."
        )
    lines += _unspent(found)
    others = [(other, row) for other, row in rows.items() if other != reference]
    others.sort(key=lambda one: first.sign * float(one[1]["difference"]))
    nearest = [one for one in others if one[0] != EQUAL][:1]
    equal = [one for one in others if one[0] == EQUAL]
    lines += [f"{_verdict(first, other, row)}." for other, row in (*equal, *nearest)]
    row = winner_row(found, first.kpi)
    if row is not None and math.isfinite(float(row["search"])):
        lines.append(_optimism(first, row))
    return lines


def _unspent(found: Optimised) -> list[str]:
    """That the winner's strategies in full cost less than the budget, where they do."""
    facts = found.facts
    told = (facts["winner"].get("strategies") or {}).values()
    spent, budget = sum(float(one["money"]) for one in told), facts["budget"]
    if not told or not budget or spent > 0.99 * budget:
        return []
    currency = str(found.manifest.get("currency", ""))
    cost, whole = units.money(spent, currency), units.money(budget, currency)
    return [f"In full it costs {cost} a year, of the {whole} that it may cost; the rest is not spent."]


def _row(found: Optimised, kpi: str, against: str) -> Any:
    own = found.winner[(found.winner["kpi"] == kpi) & (found.winner["against"] == against)]
    return own.iloc[0]


def _gap(measure: Measure, row: Any) -> str:
    return written(measure, float(row["difference"]), float(row["ci_low"]), float(row["ci_high"]))


def _verdict(measure: Measure, other: str, row: Any) -> str:
    low, high = sorted(measure.sign * float(row[end]) for end in ("ci_low", "ci_high"))
    gap = f"{measure.name.lower()} {_gap(measure, row)} with the same seeds"
    name = quoted(other)
    if low > 0:
        return f"It beats {name}: {gap}"
    if high < 0:
        return f"It is worse than {name} after all: {gap}"
    return f"It cannot be told from {name}: {gap}"


def _optimism(measure: Measure, row: Any) -> str:
    search = written(measure, *(float(row[f"search{end}"]) for end in ("", "_low", "_high")))
    fresh = written(measure, *(float(row[f"confirmed{end}"]) for end in ("", "_low", "_high")))
    gap = measure.look.write(abs(float(row["optimism"])))[0]
    way = "too good" if float(row["optimism"]) > 0 else "too bad"
    return (
        f"The search saw it at {search} on {int(row['search_seeds'])} seeds, {gap} {measure.look.unit} {way} by the "
        f"{int(row['confirmed_seeds'])} fresh seeds it was confirmed on: {fresh}."
    )


def chosen_words(found: Optimised) -> str:
    """How the winner was chosen, in a sentence."""
    facts = found.facts
    goals = [f"{one['goal']} {label(one['kpi']).lower()}" for one in found.objectives]
    limits = [f"{label(one['kpi']).lower()} {'at most' if one['at_most'] else 'at least'} {one['bound']:,.10g}"
              for one in facts["limits"]]  # fmt: skip
    text = f"Wanted: {_listed(goals)}" + (f"; limits: {_listed(limits)}" if limits else "")
    confirm = facts["confirm"]
    more = " nobody dominates" if len(goals) > 1 else ""
    return (
        f"{text}. The winner is the best by {label(found.objectives[0]['kpi']).lower()} of the confirmed"
        f"{' that' if more else ''}{more}, on seeds {confirm['first']} to {confirm['first'] + confirm['count'] - 1}; "
        f"it is compared on {confirm['first'] + confirm['count']} to {confirm['first'] + 2 * confirm['count'] - 1}."
    )


def setting(found: Optimised) -> str:
    """What was run, in one line."""
    facts, seeds = found.facts, found.facts["seeds"]
    method = {"nsga2": "NSGA-II", "tpe": "TPE"}[facts["method"]]
    failed = f", {facts['failed']} failed" if facts["failed"] else ""
    budget = f"budget {units.number(facts['budget'])} a year, " if facts["budget"] else ""
    return (
        f"Arm {quoted(facts['arm'])} against {quoted(facts['reference'])}, {budget}{method}, {facts['candidates']} "
        f"proposals ({facts['different']} different{failed}), {seeds['count']} to {seeds['most']} seeds each."
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
