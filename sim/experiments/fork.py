"""Continue the states that a run saved, under the arms of another scenario file: the past lived once, futures compared.

A fork says what a run of its file from the beginning would say, bit for bit, only sooner: so its file must agree with
the stored run on everything that shaped the months before. What may differ is in `MAY_DIFFER` and in the functions
below; anything else is refused with its address, before anything is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, Mistake
from sim.experiments.callbacks import Callback
from sim.experiments.prepare import prepare
from sim.experiments.prepared import Prepared, digest_with_book, digest_with_posteriors
from sim.experiments.provenance import code_version
from sim.experiments.run import Options, Outcome, run_all
from sim.scenario.scenario import Arm, Scenario
from sim.store.run_reading import Run, read_manifest

if TYPE_CHECKING:
    from sim.bank.state import State
    from sim.experiments.replication import Replication

# Sections that shape no month before the fork, or that are judged by a law of their own below.
MAY_DIFFER = frozenset({"name", "about", "discount_rate", "seeds", "sweep", "months", "environment", "arms"})
YEAR = 12
Path_ = tuple[str | int, ...]
Slips = Iterator[tuple[Path_, str]]


@dataclass(frozen=True)
class Stored:
    """The run that is forked: its folder, what its manifest says, and its scenario."""

    folder: Path
    manifest: Mapping[str, Any]
    scenario: Scenario

    @property
    def arms(self) -> list[str]:
        return list(self.manifest["arms"])

    @property
    def past(self) -> dict[str, Any]:
        """The resolved scenario, plain."""
        return self.scenario.resolved()


def fork(
    folder: Path,
    month: int,
    file: str,
    options: Options,
    callback: Callback | None = None,
    *,
    overrides: Sequence[str] = (),
    arms: Sequence[str] | None = None,
    from_arm: str | None = None,
    ready: Callable[[], None] | None = None,
    whole: Callable[[Run], object] | None = None,
) -> Outcome:
    """Continue RUN's states of the end of `month` under the arms of `file`; returns the new run.

    An arm continues `from_arm` of RUN; without it the arm of its own name, or RUN's reference arm where there is none.
    The new folder holds the months before the fork too. Raises BadInput before anything is written; `ready` is called
    when nothing was found wrong with the stored run and the file; `whole` as of `run_all`.
    """
    stored = read_stored(folder, month)
    (prepared,) = prepare([file], overrides, arms=arms)
    from sim.yaml_source import load

    origins = {arm.name: _origin(arm.name, stored, from_arm) for arm in prepared.scenario.arm_list}
    source = load(file, overrides)
    mistakes = [source.mistake(path, message) for path, message in _slips(prepared, stored, month, origins)]
    if from_arm is not None and from_arm not in stored.arms:
        known = ", ".join(stored.arms)
        mistakes = [Mistake("--from-arm", 0, 0, "", f"{from_arm!r} is no arm of {folder}; its arms are {known}")]
    if options.checkpoint is not None and options.checkpoint < month:
        right = f"from {month} to {prepared.scenario.months}"
        mistakes.append(Mistake("--checkpoint", 0, 0, "", f"{options.checkpoint} is before the fork; {right}"))
    if options.out is not None and options.out.resolve() == folder.resolve():
        mistakes.append(Mistake(str(options.out), 0, 0, "", "is the run that is forked; another folder"))
    if mistakes:
        raise BadInput(list(dict.fromkeys(mistakes)))
    beginning = StoredStates(stored, month, prepared.scenario, origins)
    beginning.check(prepared.scenario.seed_list)
    if ready is not None:
        ready()
    manifest = stored.manifest
    more = {
        "forked": {
            "run_id": manifest["run_id"],
            "scenario_digest": manifest["scenario_digest"],
            "month": month,
            "arms": origins,
        }
    }
    return run_all([prepared], options, callback, whole=whole, beginnings=lambda _: beginning, more=more)[0]


def read_stored(folder: Path, month: int) -> Stored:
    """The run to fork; `BadInput` where it is none, was made by other code, or has no states of this month."""
    from sim.bank.state_file import months_kept
    from sim.yaml_source import load, validate

    manifest = read_manifest(folder)
    _refuse_other_code(folder, manifest, code_version(), plugins=False)
    if month > manifest["months"]:
        right = f"from 0 to {manifest['months']}"
        raise BadInput.at("--at", f"{month} is beyond the {manifest['months']} months of {folder}; {right}")
    kept = months_kept(folder)
    if month not in kept:
        there = f"it has those of month {', '.join(map(str, kept))}" if kept else "it has none"
        raise BadInput.at("--at", f"{folder} has no states of month {month}; {there}, run --checkpoint saves them")
    file = folder / "scenario.yaml"
    scenario = validate(Scenario, load(file))
    book = manifest.get("book")
    digest = scenario.digest() if book is None else digest_with_book(scenario, book["sha256"])
    digest = digest_with_posteriors(digest, [str(one["digest"]) for one in manifest.get("posteriors", [])])
    if digest != manifest["scenario_digest"]:
        raise BadInput.at(str(file), "is not the scenario that its manifest names; the folder as the run left it")
    _refuse_other_code(folder, manifest, code_version(scenario.strategies_named), plugins=True)
    return Stored(folder, manifest, scenario)


def _refuse_other_code(folder: Path, manifest: Mapping[str, Any], now: str, *, plugins: bool) -> None:
    """Raise where the program, or a plugin the stored run uses, is not the one that made it (as `--resume` does)."""
    made_by = str(manifest.get("code_version"))
    if made_by != now and (plugins or not made_by.startswith(f"{now}+")):
        right = "use that version, or run it again with this one"
        raise BadInput.at(str(folder), f"made by code version {made_by}, not {now}; {right}")


def _origin(arm: str, stored: Stored, from_arm: str | None) -> str:
    return from_arm or (arm if arm in stored.arms else stored.arms[0])


class StoredStates:
    """Runs begin from the states of a stored run; one state stands at a time."""

    def __init__(self, stored: Stored, month: int, scenario: Scenario, origins: Mapping[str, str]):
        self.stored = stored
        self.month = month
        self.scenario = scenario
        self.origins = origins
        self.at: tuple[str, int] | None = None
        self.kept: State | None = None

    def months(self, runs: Sequence[tuple[Arm, int]]) -> int:
        """Measured months after the fork."""
        return len(runs) * (self.scenario.months - self.month)

    def state(self, arm: Arm, replication: Replication) -> State:
        """The stored state that this arm continues."""
        at = self.origins[arm.name], replication.seed
        if at != self.at:
            self.at = self.kept = None
            self.kept = self._load(*at)
            self.at = at
        assert self.kept is not None
        return self.kept

    def check(self, seeds: Sequence[int]) -> None:
        """Raise BadInput with every state that is missing or damaged."""
        mistakes: list[Mistake] = []
        for seed in sorted(seeds):
            for origin in dict.fromkeys(self.origins.values()):
                try:
                    self._load(origin, seed)
                except BadInput as bad:
                    mistakes += bad.mistakes
        if mistakes:
            raise BadInput(mistakes)

    def _load(self, origin: str, seed: int) -> State:
        from sim.bank.state_file import Stamp, load, place

        manifest = self.stored.manifest
        stamp = Stamp(origin, seed, manifest["scenario_digest"], manifest["code_version"])
        return load(place(self.stored.folder, origin, seed, self.month), self.month, stamp)


# --- what must be the same -------------------------------------------------------------------------------------------


def _slips(prepared: Prepared, stored: Stored, month: int, origins: Mapping[str, str]) -> Slips:
    """What in the new scenario would have made the stored months different, with its path."""
    now, then = prepared.scenario.resolved(), stored.past
    yield from _seed_slips(prepared.scenario, stored)
    yield from _month_slips(prepared.scenario.months, stored.scenario.months, month)
    yield from _environment_slips(now, then, month)
    for arm in prepared.scenario.arms:
        horizons = prepared.scenario.months, stored.scenario.months
        yield from _arm_slips(arm, now["arms"][arm], then["arms"], origins[arm], month, horizons)
    book, old = prepared.book, stored.manifest.get("book")
    if book is not None and old is not None:
        if book.digest != old["sha256"]:
            yield ("population", "file"), "holds other customers than the stored run's book; that book"
        for key in ("file", "tables"):
            now["population"][key] = then["population"].get(key)
    if not any(_past(arm, month, 0)[1] for arm in now["arms"].values()):
        now["implementation"] = then["implementation"]  # it says how strategies take hold
    if now["record"]["panel"] == 0:
        now["record"]["panel"] = then["record"]["panel"]  # leaving a panel out changes nothing else
    for key in MAY_DIFFER:
        now.pop(key, None)
        then.pop(key, None)
    for path, mine, theirs in _differences(now, then, ()):
        yield path, f"{_shown(mine)}, but the stored months were lived with {_shown(theirs)}; the same"


def _differences(now: Any, then: Any, path: Path_) -> Iterator[tuple[Path_, Any, Any]]:
    """Leaves of plain data that differ, with their path; None where a side has no such key."""
    if isinstance(now, dict) and isinstance(then, dict):
        for key in {**now, **then}:
            yield from _differences(now.get(key), then.get(key), (*path, key))
    elif isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        for place, (mine, theirs) in enumerate(zip(now, then, strict=True)):
            yield from _differences(mine, theirs, (*path, place))
    elif now != then:
        yield path, now, then


def _shown(value: Any) -> str:
    text = "no value" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _seed_slips(scenario: Scenario, stored: Stored) -> Slips:
    there = stored.manifest["seeds"]
    new = [seed for seed in scenario.seed_list if seed not in set(there)]
    if new:
        some = ", ".join(map(str, new[:5])) + (", ..." if len(new) > 5 else "")
        yield ("seeds",), f"{some} not among the stored run's; --seeds with some of {_short(there)}"


def _short(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]}..{seeds[-1]}"
    return ", ".join(map(str, seeds[:10])) + (", ..." if len(seeds) > 10 else "")


def _month_slips(now: int, then: int, month: int) -> Slips:
    """The horizon may move, but who was active a year before its end must be seen from here on."""
    if now < month:
        yield ("months",), f"{now} ends before the fork at month {month}; {month} or more"
    elif now != then and now >= YEAR and now - YEAR < month:
        yield (
            ("months",),
            (
                f"{now}: who was active twelve months before that end, in month {now - YEAR}, was not marked in the "
                f"stored run; {then} as there, or {month + YEAR} or more"
            ),
        )


def _environment_slips(now: Mapping[str, Any], then: Mapping[str, Any], month: int) -> Slips:
    """A shock acts first in the month after its `from`: one from the fork's month on shaped nothing before it."""
    old = [_canonical(shock) for shock in then["environment"] if shock["from"] < month]
    for place, shock in enumerate(now["environment"]):
        if shock["from"] >= month:
            continue
        if _canonical(shock) in old:
            old.remove(_canonical(shock))
        else:
            yield (
                ("environment", place, "from"),
                (
                    f"{shock['kind']} from month {shock['from']} is not what the stored months lived through; "
                    f"the same as there, or from: {month} or later"
                ),
            )
    for text in old:
        shock = json.loads(text)
        what = f"{shock['kind']} from month {shock['from']}"
        yield ("environment",), f"lacks the {what} that the stored months lived through; the same as there"


def _arm_slips(
    name: str, now: Any, stored: Mapping[str, Any], origin: str, month: int, horizons: tuple[int, int]
) -> Slips:
    """A strategy acts first in the month after its `from`: those from before the fork must be the stored arm's.

    `horizons` are the months of the new scenario and of the stored one.
    """
    if origin not in stored:
        return
    mine, theirs = _past(now, month, horizons[0]), _past(stored[origin], month, horizons[1])
    if mine == theirs:
        return
    fits = [arm for arm in stored if _past(stored[arm], month, horizons[1]) == mine]
    other = f", or --from-arm {fits[0]}" if fits else ""
    path: Path_ = ("arms", name)
    past = f"the stored months of arm {origin} were lived with"
    if mine[0] == theirs[0]:
        inside = ("strategies",) if isinstance(now, dict) else ()
        for place, use in enumerate(_uses(now)):
            if _acted(use, month) and _canonical(_so_far(use, month)) not in theirs[1]:
                yield (
                    (*path, *inside, place, "from"),
                    (
                        f"{use['from']}: what {past} is not {use['use']} as it stands here; "
                        f"from: {month} or later{other}"
                    ),
                )
        for text in theirs[1]:
            if text not in mine[1]:
                use = json.loads(text)
                yield path, f"{past} {use['use']} from month {use['from']}, which it lacks; the same as there{other}"
    else:
        yield path, f"has a budget, and {past} another, other strategies or months; the same as there{other}"


def _uses(arm: Any) -> list[dict[str, Any]]:
    return list(arm["strategies"] if isinstance(arm, dict) else arm)


def _past(arm: Any, month: int, horizon: int) -> tuple[str, list[str]]:
    """What an arm did up to `month`: its strategies from before, in no order; under a budget, the whole arm.

    A budget scales every strategy by what all of them cost over all months: what comes later reaches into the past.
    """
    before = sorted(_canonical(_so_far(use, month)) for use in _uses(arm) if _acted(use, month))
    budget = arm.get("budget") if isinstance(arm, dict) else None
    return ("" if budget is None or not before else _canonical([arm, horizon]), before)


def _acted(use: Mapping[str, Any], month: int) -> bool:
    """Whether a strategy did anything up to `month`."""
    return use["from"] < min(month, use.get("until", month)) and use.get("intensity") != 0


def _so_far(use: Mapping[str, Any], month: int) -> dict[str, Any]:
    """A strategy as it was up to `month`: an end that comes then or later is not yet known."""
    return {key: value for key, value in use.items() if key != "until" or value < month}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
