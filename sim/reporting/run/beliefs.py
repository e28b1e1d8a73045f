"""The verdict under beliefs: how sure each arm's worth is beside luck, over the worlds that its assumptions allow.

Two figures say how sure a verdict is: the first, as to luck, is that of the seeds under the scenario's own numbers
(`verdicts`); the second, as to beliefs, is the share of worlds in which the arm is worth more than the reference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.analysis.beliefs import Worlds, worlds_of
from sim.analysis.effects import by_importance
from sim.analysis.worth import Worth, study
from sim.analysis.worth.pilots import Outcome
from sim.designs import DESIGNS
from sim.errors import BadInput
from sim.measures.catalogue import short_label
from sim.measures.intervals import t_quantile
from sim.phrases import doubt, listed, named, plural, quoted
from sim.reporting.figures import units
from sim.reporting.run.key_figures import KeyFigures
from sim.reporting.run.verdicts import verdicts
from sim.reporting.sweep.sentences import fails, share
from sim.reporting.worth import knowing_all, knowing_each, which_pilot

if TYPE_CHECKING:
    from sim.store.run_reading import Run

LONGEST_MEANING = 80  # letters
EVERY, NEARLY, MOST = 1.0, 0.95, 0.75  # shares of worlds, and their opposites


@dataclass(frozen=True)
class Row:
    """An arm over the worlds, as text; `look` is good, bad or open."""

    arm: str
    luck: str
    pays: str
    best: str
    expected: str
    low: str
    high: str
    assumed: str
    regret: str
    word: str
    look: str
    sentence: str
    share: float = math.nan  # of the worlds in which it pays

    @property
    def span(self) -> str:
        """From the fifth worst to the fifth best of a hundred worlds."""
        return f"{self.low} to {self.high}" if self.low != units.MISSING else units.MISSING


@dataclass(frozen=True)
class UnderBeliefs:
    """All that is told of a run's worlds besides the figure.

    `rows` have the reference first; `turns` says of each arm which beliefs turn its verdict; `knowing` what it would be
    worth to know, `pilots` which pilot to run: no sentence where nothing can be said. `worth` has the tables of both.
    """

    worlds: int
    overview: str
    setting: str
    unit: str
    rows: list[Row]
    turns: list[str]
    notes: list[str]
    knowing: list[str] = field(default_factory=list)
    pilots: list[str] = field(default_factory=list)
    worth: Worth | None = None


def under_beliefs(run: Run, figures: KeyFigures) -> UnderBeliefs | None:
    """What the worlds of a run say; None for a run without any."""
    told, table = run.manifest.get("beliefs"), getattr(run, "beliefs", None)
    if not told or table is None or table.empty:
        return None
    worlds = worlds_of(run.path, told, run.arms)
    rows = rows_of(table, figures)
    worth, currency = worth_of(worlds, run), str(table["unit"].iloc[0])
    knowing: list[str] = []
    pilots: list[str] = []
    if worth is not None:
        names = {str(one["path"]): _meaning(one) for one in told["parameters"]}
        knowing = [knowing_all(worth.total, currency), *knowing_each(worth.parts, currency, names)]
        pilots = which_pilot(worth.pilots, worth.parts, currency, names)
    return UnderBeliefs(
        worlds=int(table["worlds"].iloc[0]),
        overview=overview(table),
        setting=setting(told, table),
        unit=_look(table).unit,
        rows=rows,
        turns=[turning(worlds, arm) for arm in worlds.arms],
        notes=notes(told, table, figures),
        knowing=knowing,
        pilots=pilots,
        worth=worth,
    )


def _meaning(parameter: Mapping[str, Any]) -> str:
    """What a belief is in words and where it stands in a scenario; the place alone where the words are many."""
    about, path = str(parameter.get("about", "")), str(parameter["path"])
    return f"{about.replace('`', '')} ({path})" if 0 < len(about) <= LONGEST_MEANING else path


def worth_of(worlds: Worlds, run: Run) -> Worth | None:
    """What it would be worth to know; None where there are too few worlds to say."""
    outcomes = {path: Outcome(**plain) for path, plain in worlds.told.get("outcomes", {}).items()}
    luck = luck_of(run, worlds)
    return study(worlds.inputs, worlds.values, noise_sd=luck, outcomes=outcomes, horizon=float(run.manifest["months"]))


def worth_of_run(run: Run) -> Worth | None:
    """The same of a stored run; None for one without worlds."""
    told = run.manifest.get("beliefs")
    return worth_of(worlds_of(run.path, told, run.arms), run) if told else None


def luck_of(run: Run, worlds: Worlds) -> dict[str, float] | None:
    """Standard deviation by luck of each arm less the reference in a world, from the run's own seeds.

    Their spread, as the run's intervals have it, at the size of a world's bank. None with one seed, or where a run of
    an earlier edition does not say how its sizes compare.
    """
    ratio, table = worlds.told.get("luck_ratio"), run.comparison
    if ratio is None or table is None:
        return None
    found = {}
    for row in table[(table["kpi"] == worlds.kpi) & (table["seeds"] > 1)].to_dict("records"):
        half, seeds = (float(row["ci_high"]) - float(row["ci_low"])) / 2.0, int(row["seeds"])
        found[str(row["arm"])] = half / float(t_quantile(seeds)) * math.sqrt(seeds) * float(ratio)
    known = all(math.isfinite(found.get(arm, math.nan)) for arm in worlds.arms)
    return {arm: found[arm] for arm in worlds.arms} if known else None


def _look(table: pd.DataFrame) -> units.Display:
    """How money of the table is written: one scale for all."""
    sizes = [*table["expected"], *table["low"], *table["high"], *table["max_regret"]]
    largest = max((abs(value) for value in sizes if math.isfinite(value)), default=0.0)
    divisor, word = units.scale(largest)
    return units.Display(divisor, 2, f"{table['unit'].iloc[0]} {word}".strip())


def rows_of(table: pd.DataFrame, figures: KeyFigures) -> list[Row]:
    """A row an arm, the reference first."""
    look = _look(table)
    spread = max((abs(value) for value in table["expected_se"] if math.isfinite(value)), default=0.0)
    largest = max((abs(value) for value in table["high"] if math.isfinite(value)), default=0.0)
    decimals = min(units.decimals_for(largest / look.divisor, spread / look.divisor), look.most_decimals)

    def money(value: float, *, sign: bool = True) -> str:
        return units.number(value / look.divisor, decimals, sign=sign)

    luck = {one.arm: one for one in verdicts(figures)}
    found = []
    for one in table.to_dict("records"):
        arm, count = str(one["arm"]), int(one["worlds"])
        reference = arm == table["arm"].iloc[0]
        word, look_ = ("", "open") if reference else words(float(one["share_pays"]))
        half = units.half_text(1.96 * one["expected_se"] / look.divisor, decimals) if not reference else ""
        expected = f"{money(one['expected'])} {units.PLUS_MINUS}{half}" if not reference else units.MISSING
        found.append(
            Row(
                arm=arm,
                luck=luck[arm].word if arm in luck else "",
                pays=units.MISSING if reference else f"{one['pays_in']} ({share(one['share_pays'])})",
                best=str(one["best_in"]),
                expected=expected,
                low=money(one["low"]),
                high=money(one["high"]),
                assumed=money(one["as_assumed"]),
                regret=money(one["max_regret"], sign=False),
                word=word,
                look=look_,
                sentence="" if reference else _sentence(one, count, word),
                share=math.nan if reference else float(one["share_pays"]),
            )
        )
    return found


def words(part: float) -> tuple[str, str]:
    """How sure a verdict is as to beliefs, in words, and how that looks."""
    if part == EVERY:
        return "pays in every world", "good"
    if part == 0:
        return "pays in no world", "bad"
    if part >= NEARLY:
        return "pays in nearly every world", "good"
    if part <= 1 - NEARLY:
        return "pays in hardly any world", "bad"
    if part >= MOST:
        return "pays in most worlds", "open"
    if part <= 1 - MOST:
        return "pays in few worlds", "open"
    return "hangs on what one believes", "open"


def _sentence(one: Mapping[Any, Any], count: int, word: str) -> str:
    low, high = share(one["share_low"]), share(one["share_high"])
    currency = str(one["unit"])
    expected, regret = (units.money(one[key], currency, sign=key == "expected") for key in ("expected", "max_regret"))
    best = int(one["best_in"])
    return (
        f"{quoted(str(one['arm']))} {word}: in {int(one['pays_in'])} of {count} (95{units.GAP}% interval of the share "
        f"{low} to {high}), worth {expected} on average; it is the best arm in {best}, and falls behind the best of a "
        f"world by {regret} at most."
    )


def overview(table: pd.DataFrame) -> str:
    """Which arm is best in most worlds, which loses least at worst."""
    worlds = int(table["worlds"].iloc[0])
    best = table.iloc[int(table["best_in"].to_numpy().argmax())]
    robust = table.iloc[int(table["max_regret"].to_numpy().argmin())]
    text = f"{quoted(str(best['arm']))} is the best arm in {int(best['best_in'])} of {worlds} worlds"
    if robust["arm"] == best["arm"]:
        return f"{text}, and the one that may be regretted least."
    return f"{text}; the one that may be regretted least is {quoted(str(robust['arm']))}."


def setting(told: Mapping[str, Any], table: pd.DataFrame) -> str:
    """What was drawn and lived, in a sentence."""
    count, seeds = len(told["parameters"]), list(told["seeds"])
    learned = told.get("posteriors") or []
    design = DESIGNS[told["design"]].words if told["design"] in DESIGNS else str(told["design"])
    luck = f"seed{'s' if len(seeds) > 1 else ''} {listed(list(map(str, seeds)))}"
    what = f"{'differ' if count > 1 else 'differs'} within what is plausible"
    if learned:
        what = f"{'differ' if count > 1 else 'differs'}: {whence(learned, count)}"
    return (
        f"{int(table['worlds'].iloc[0])} worlds, in which {count:,} {plural('assumption', count)} {what} ({design}), "
        f"every arm in each, all with the luck of {luck}"
    )


def whence(posteriors: Sequence[Mapping[str, Any]], count: int) -> str:
    """Of how many numbers the beliefs are from which posterior, and of how many from plausible ranges."""
    found = [f"{len(one['parameters']):,} from the posterior of {one['name']}" for one in posteriors]
    others = count - sum(len(one["parameters"]) for one in posteriors)
    return listed([*found, f"{others:,} from plausible ranges" if others else "none from plausible ranges"])


def notes(told: Mapping[str, Any], table: pd.DataFrame, figures: KeyFigures) -> list[str]:
    """What the columns are, and what is to be known of how the worlds were lived."""
    (reference,) = units.shortened([named(figures.arms[0])], 32)
    kpi = short_label(str(table["kpi"].iloc[0]))
    found = [
        f"worth: {kpi}, difference to {reference} in the same world",
        "luck: the verdict of the seeds under the scenario's own numbers",
        "pays in, best in: so many worlds",
        f"expected: mean over worlds, {units.PLUS_MINUS} half its 95 % interval",
        "as assumed: in a bank as small as those of the worlds, under the scenario's own numbers",
        "regret: the most that the arm falls behind the best of a world",
    ]
    for one in told.get("posteriors") or []:
        what = f"{len(one['parameters'])} {plural('number', len(one['parameters']))} together, a row of it a world"
        found.append(
            f"posterior of {one['name']}: {what}; what knowing and pilots are worth is counted on these worlds"
        )
        found += [doubt(str(one["name"]), one["failed"])] if one.get("failed") else []
    if told.get("moved"):
        found.append(f"{told['moved']} worlds were moved towards the scenario's own numbers, to be possible at all")
    if told.get("failed"):
        found.append(f"{told['failed']} tasks of worlds have no result ({told.get('first_error') or 'crashed'})")
    return found


def turning(worlds: Worlds, arm: str) -> str:
    """Which beliefs turn an arm's verdict: where it fails, by the tree of sweeps, and what moves it most."""
    moved = [one for one in by_importance(worlds.drivers(arm)) if one.clear][:2]
    first = _fails(worlds, arm)
    if not moved:
        return f"{first} No belief by itself moves what it is worth clearly."
    most = listed([f"{one.factor.name} ({share(min(max(one.share, 0.0), 1.0))})" for one in moved])
    return f"{first} Of how much it is worth, {most} {'explain' if len(moved) > 1 else 'explains'} most by " + (
        "themselves." if len(moved) > 1 else "itself."
    )


def _fails(worlds: Worlds, arm: str) -> str:
    """In which worlds an arm fails; without scikit-learn there is no tree to say so."""
    try:
        return fails(worlds.discovery(arm), "worlds")
    except BadInput as lacking:
        return f"In which worlds {quoted(arm)} fails no tree can say: {' '.join(str(lacking).split())}."


def turns_of(run: Run) -> dict[str, str]:
    """Which beliefs turn the verdict of each arm; nothing for a run without worlds."""
    told = run.manifest.get("beliefs")
    if not told:
        return {}
    worlds = worlds_of(run.path, told, run.arms)
    return {arm: turning(worlds, arm) for arm in worlds.arms}


def as_json(run: Run) -> dict[str, Any]:
    """The same for scripts: beliefs.csv as rows, and the words; nothing for a run without worlds."""
    found = under_beliefs(run, KeyFigures(run.summary, run.comparison))
    if found is None or run.beliefs is None:
        return {}
    rows = run.beliefs.astype(object).where(run.beliefs.notna(), None).to_dict("records")
    arms = {row.arm: {"luck": row.luck, "beliefs": row.word} for row in found.rows[1:]}
    told = {"setting": found.setting, "rows": rows, "verdicts": arms, "turns": found.turns}
    return {"beliefs": told | {"knowing": found.knowing, "pilots": found.pilots}}
