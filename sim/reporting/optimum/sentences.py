"""What an optimisation found in sentences, the same on its page and in a terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.measures.catalogue import label
from sim.phrases import listed, quoted, spoken
from sim.reporting.figures import units
from sim.reporting.figures.sweep_front import Measure

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.optimum import Optimised

EQUAL = "equal shares"  # the baseline that everybody asks about
TIE = 1e-9  # relative: closer than this is equally good


def measures_of(found: Optimised) -> list[Measure]:
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
    value_text = _with_unit(measure, text) if unit else text
    return f"{value_text} ({down} to {up})" if down else value_text


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
        return ", ".join(f"{units.percent(share, 0)} {spoken(name, '')}" for share, name in shares)
    return ", ".join(f"{path} {_value(value)}" for path, value in winner["values"].items())


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Outcome:
    """How an optimisation ended: one rule, for the terminal, the page, its table and its figures.

    `kind` is "none" (nobody keeps the limits), "failed" (nobody has a result), "nothing" (doing nothing is as good or
    better by the first objective, on seeds that have not chosen), "unsure" (the best is not clearly better than doing
    nothing), "wins", or "best" (doing nothing is better but breaks the limits). `ties` are the names of confirmed
    candidates that are exactly as good as the best one, itself the first.
    """

    kind: str
    name: str = ""
    ties: tuple[str, ...] = ()
    confirmed: int = 0

    @property
    def mark(self) -> str:
        """What the best confirmed candidate is called."""
        return "winner" if self.kind == "wins" and not self.tied else "best tried"

    @property
    def tied(self) -> bool:
        """True if others are exactly as good as the best."""
        return len(self.ties) > 1


def outcome(found: Optimised) -> Outcome:
    """How it ended, by its tables."""
    first = measures_of(found)[0]
    own = found.confirmed[(found.confirmed["kpi"] == first.kpi) & (found.confirmed["status"] == "ok")]
    row = winner_row(found, first.kpi)
    if found.facts["winner"] is None or row is None:
        return Outcome("none" if len(own) else "failed", confirmed=len(own))
    best = float(row["confirmed"])
    alike = own[own["front"].astype(bool) & ((own["confirmed"] - best).abs() <= TIE * max(abs(best), 1e-300))]
    names = tuple(dict.fromkeys([str(row["name"]), *map(str, alike["name"])]))
    against = found.winner[(found.winner["kpi"] == first.kpi) & (found.winner["against"] == found.facts["reference"])]
    return Outcome(_kind(found, first, against), str(row["name"]), names, len(own))


def _kind(found: Optimised, first: Measure, against: pd.DataFrame) -> str:
    if not len(against):
        return "unsure"
    row = against.iloc[0]
    gap = first.sign * float(row["difference"])
    if min(first.sign * float(row[end]) for end in ("ci_low", "ci_high")) > 0:
        return "wins"
    if gap > 0 or math.isnan(gap):
        return "unsure"
    bounds = [float(one["bound"]) * (1 if one["at_most"] else -1) for one in found.facts["limits"]]
    return "best" if any(bound < 0 for bound in bounds) else "nothing"  # doing nothing changes nothing, so it is at 0


def verdict(found: Optimised, ended: Outcome) -> str:
    """Who won, if anybody did, in one sentence."""
    facts, first = found.facts, measures_of(found)[0]
    if ended.kind == "failed":
        return "No candidate has a result on fresh seeds, so there is no winner."
    if ended.kind == "none":
        return "No confirmed candidate keeps the limits on fresh seeds, so there is no winner."
    reference, name = quoted(facts["reference"]), quoted(ended.name)
    row = _row(found, first.kpi, facts["reference"])
    brings = f"{_gap(first, row)} {_plain(first)} on {_seeds(int(row['seeds']))} that neither found nor chose it"
    more = "".join(
        f"; {_plain(one)} {_gap(one, _row(found, one.kpi, facts['reference']))}" for one in measures_of(found)[1:]
    )
    if ended.kind == "nothing":
        same = float(row["difference"]) == 0.0
        better = "is as good as" if same else "is better than" if _clear(row) else "came out better, not clearly, than"
        return (
            f"Nothing wins: by {_plain(first)} doing nothing ({reference}) {better} the best that was tried, {name}, "
            f"which brings {brings}{more}."
        )
    if ended.kind == "best":
        return (
            f"{name} is the best within the limits, which doing nothing ({reference}) breaks. Against it {name} brings "
            f"{brings}{more}."
        )
    if ended.kind == "unsure":
        return f"{name} comes out best but cannot be told from {reference}: it brings {brings}{more}."
    who = f"{name} is as good as any" if ended.tied else f"{name} wins"
    return f"{who}: {mix_words(found)}. Against {reference} it brings {brings}{more}."


def tie_words(found: Optimised, ended: Outcome) -> str:
    """That the best are exactly alike, so that none of them is chosen by what it brings; "" if one is better."""
    if not ended.tied:
        return ""
    same = f"exactly the same {_plain(measures_of(found)[0])}"
    if len(ended.ties) == ended.confirmed:
        all_of = f"All {ended.confirmed} confirmed have {same}"
        return f"{all_of}: none is better, and {quoted(ended.name)} only stands first."
    return f"{len(ended.ties)} of the {ended.confirmed} confirmed have {same}; {quoted(ended.name)} only stands first."


def title(found: Optimised, ended: Outcome) -> str:
    """Who won and what is left of what the search promised, over a figure."""
    first = measures_of(found)[0]
    if ended.kind in ("none", "failed"):
        return "No candidate keeps the limits on fresh seeds" if ended.kind == "none" else "No candidate has a result"
    row = winner_row(found, first.kpi)
    assert row is not None
    name, reference = quoted(ended.name), quoted(found.facts["reference"])
    fresh, search = (first.look.write(float(row[column]), sign=True)[0] for column in ("confirmed", "search"))
    sentence = f"{_plain(first)} {_with_unit(first, fresh)} on fresh seeds"
    sentence += f", {search} in the search" if math.isfinite(float(row["search"])) else ""
    if ended.kind == "nothing":
        return f"Nothing wins; the best that was tried, {name}: {sentence}"
    if ended.kind == "unsure":
        return f"{name} comes out best, not clearly better than {reference}: {sentence}"
    if ended.kind == "best":
        return f"{name} is the best within the limits: {sentence}"
    return f"{name} is as good as {len(ended.ties) - 1} more: {sentence}" if ended.tied else f"{name} wins: {sentence}"


def answer(found: Optimised) -> list[str]:
    """The answer in sentences, the most important first."""
    facts, measures, ended = found.facts, measures_of(found), outcome(found)
    lines = [verdict(found, ended)]
    if ended.kind in ("none", "failed"):
        return lines
    first = measures[0]
    against = found.winner[found.winner["kpi"] == first.kpi]
    rows = {str(row["against"]): row for _, row in against.iterrows()}
    if tied := tie_words(found, ended):
        lines.append(tied)
    elif facts["winner"]["name"]:
        lines.append(
            f"{quoted(ended.name)} is one of the baselines: of {facts['different']} different candidates none that was "
            "confirmed came out better."
        )
    if ended.kind != "wins":
        mix = mix_words(found)
        lines += [f"{quoted(ended.name)} is {mix}."] if mix else []
    lines += _unspent(found)
    others = [(other, row) for other, row in rows.items() if other != facts["reference"]]
    others.sort(key=lambda one: first.sign * float(one[1]["difference"]))
    nearest = [one for one in others if one[0] != EQUAL][:1]
    equal = [one for one in others if one[0] == EQUAL]
    lines += [f"{_verdict(first, ended.name, other, row)}." for other, row in (*equal, *nearest)]
    row = winner_row(found, first.kpi)
    if row is not None and math.isfinite(float(row["search"])):
        lines.append(_optimism(first, row))
    return lines


def _with_unit(measure: Measure, text: str) -> str:
    return f"{text} {measure.look.unit.strip()}".rstrip()


def _clear(row: Any) -> bool:
    """True if an interval leaves zero out."""
    return bool(float(row["ci_low"]) * float(row["ci_high"]) > 0)


def _seeds(count: int) -> str:
    return f"{count} seed{'' if count == 1 else 's'}"


def _plain(measure: Measure) -> str:
    """The name of a figure inside a sentence."""
    return measure.name if measure.name[:2].isupper() else measure.name[:1].lower() + measure.name[1:]


def _unspent(found: Optimised) -> list[str]:
    """That the winner's strategies in full cost less than the budget, where they do."""
    facts = found.facts
    strategies = (facts["winner"].get("strategies") or {}).values()
    spent, budget = sum(float(one["money"]) for one in strategies), facts["budget"]
    if not strategies or not budget or spent > 0.99 * budget:
        return []
    currency = str(found.manifest.get("currency", ""))
    cost, whole = units.money(spent, currency), units.money(budget, currency)
    return [f"In full it costs {cost} a year, of the {whole} that it may cost; the rest is not spent."]


def _row(found: Optimised, kpi: str, against: str) -> Any:
    own = found.winner[(found.winner["kpi"] == kpi) & (found.winner["against"] == against)]
    return own.iloc[0]


def _gap(measure: Measure, row: Any) -> str:
    return written(measure, float(row["difference"]), float(row["ci_low"]), float(row["ci_high"]))


def _verdict(measure: Measure, mine: str, other: str, row: Any) -> str:
    low, high = sorted(measure.sign * float(row[end]) for end in ("ci_low", "ci_high"))
    gap = f"{_plain(measure)} {_gap(measure, row)} with the same seeds"
    one, name = quoted(mine), quoted(other)
    if low > 0:
        return f"{one} beats {name}: {gap}"
    if high < 0:
        return f"{one} is worse than {name} after all: {gap}"
    if low == high == 0:
        return f"{one} is exactly as good as {name}: {gap}"
    return f"{one} cannot be told from {name}: {gap}"


def _optimism(measure: Measure, row: Any) -> str:
    search = written(measure, *(float(row[f"search{end}"]) for end in ("", "_low", "_high")))
    fresh = written(measure, *(float(row[f"confirmed{end}"]) for end in ("", "_low", "_high")))
    seen = f"The search saw it at {search} on {_seeds(int(row['search_seeds']))}"
    gap = measure.look.write(abs(float(row["optimism"])))[0]
    if not gap.strip("0.,") or gap == units.MISSING:
        return f"{seen}, the {_seeds(int(row['confirmed_seeds']))} it was confirmed on at {fresh}."
    way = "too good" if float(row["optimism"]) > 0 else "too bad"
    return (
        f"{seen}, {_with_unit(measure, gap)} {way} by the {_seeds(int(row['confirmed_seeds']))} it was confirmed on: "
        f"{fresh}."
    )


def chosen_words(found: Optimised) -> str:
    """How the winner was chosen, in a sentence."""
    facts = found.facts
    goals = [f"{one['goal']} {label(one['kpi']).lower()}" for one in found.objectives]
    limits = [
        f"{label(one['kpi']).lower()} {'at most' if one['at_most'] else 'at least'} {one['bound']:,.10g}"
        for one in facts["limits"]
    ]
    text = f"Wanted: {listed(goals)}" + (f"; limits: {listed(limits)}" if limits else "")
    confirm, ended = facts["confirm"], outcome(found)
    first, count = int(confirm["first"]), int(confirm["count"])
    chosen = f"on seeds {first} to {first + count - 1}"
    if ended.kind == "failed":
        return f"{text}."
    if ended.kind == "none":
        return f"{text}. None of those that were confirmed, {chosen}, keeps the limits."
    more = " that nobody dominates" if len(goals) > 1 else ""
    return (
        f"{text}. The best by {label(found.objectives[0]['kpi']).lower()} of the confirmed{more}, {chosen}, is "
        f"compared on {first + count} to {first + 2 * count - 1}; it wins if it is clearly better there than "
        f"{quoted(facts['reference'])}."
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
