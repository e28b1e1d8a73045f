"""What the levers of the page stand at, and the scenario that this is: checked, lived and saved by the same way.

A setting is a reference and an arm of a scenario that was read, with strategies of the arm turned up or down and with
other values of what nobody knows. What is saved is a whole scenario file, which runs to the same digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from sim.errors import BadInput
from sim.experiments.design.beliefs import beliefs_of
from sim.experiments.design.moves import VALUE, Belief
from sim.experiments.design.plan import DIGITS
from sim.experiments.design.variants import Base
from sim.experiments.prepare import prepare_source
from sim.experiments.prepared import Prepared
from sim.scenario.scenario import Scenario
from sim.strategies import known
from sim.yaml_source import Source, dump
from sim.yaml_source.tree import Place, planted

NAME = "page"
LEFT_OUT = ("beliefs", "sweep", "optimise", "survey", "posterior", "record")  # of a pair of arms and one seed
NO_BURN_IN = ("name", "about", "arms", "months", "seeds", "implementation")  # change nothing before month 0
FINENESS = 50  # steps of a slider


@dataclass(frozen=True)
class Setting:
    """Where the levers stand: `intensities` and `begins` by strategy of the arm, `values` by name of a knob."""

    reference: str
    arm: str
    seed: int
    months: int
    intensities: Mapping[str, float] = field(default_factory=dict)
    begins: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Knob:
    """A number of the scenario as a slider: where it is from, what it may be, where it stands without being turned.

    `group` is the strategy or the section it belongs to; `factor` says that it is many numbers, which move by it.
    """

    belief: Belief
    low: float
    high: float
    step: float
    base: float
    worth: float = 0.0

    @property
    def name(self) -> str:
        return self.belief.name

    @property
    def group(self) -> str:
        return self.name.split(".", 1)[0]

    @property
    def factor(self) -> bool:
        return self.belief.how != VALUE

    def plain(self, value: float) -> float:
        """What a slider says as the scenario takes it."""
        return round(value) if self.belief.parameter.kind == "integer" else float(f"{value:.{DIGITS}g}")

    @property
    def unit(self) -> str:
        return self.belief.parameter.unit

    @property
    def about(self) -> str:
        return self.belief.parameter.about

    @property
    def source(self) -> str:
        """Where the range is from, as the assumption says."""
        return self.belief.parameter.source


class Desk:
    """A scenario that was read, and the settings that can be made of it.

    `worth` by knob's name is what it would be worth to know it, a share of knowing everything, where that was found;
    its order is that in which knobs are shown.
    """

    def __init__(self, prepared: Prepared, worth: Mapping[str, float] | None = None):
        self.base = prepared
        self.worth = dict(worth or {})
        self._data = {
            key: value
            for key, value in prepared.scenario.resolved().items()
            if key in Scenario.model_fields and key not in LEFT_OUT
        }
        self._knobs = lru_cache(maxsize=8)(self._found)
        if len(self.arms) < 2:
            raise BadInput.at(NAME, "one arm; a reference and an arm, which live side by side")

    @property
    def arms(self) -> list[str]:
        return list(self._data["arms"])

    @property
    def labels(self) -> Mapping[str, str]:
        """What arms are called, by name."""
        told = self.base.scenario.labels.get("arms", {})
        return {name: told.get(name, {}).get("label", name.replace("_", " ")) for name in self.arms}

    def first(self) -> Setting:
        """The scenario's own: its reference and the last arm, its first seed, all its months."""
        s = self.base.scenario
        return self.chosen(Setting(self.arms[0], self.arms[-1], s.seed_list[0], s.months), self.arms[0], self.arms[-1])

    def chosen(self, setting: Setting, reference: str, arm: str) -> Setting:
        """Another reference and arm, the arm as the scenario has it."""
        own = next(one for one in self.base.scenario.arm_list if one.name == arm).strategies
        intensities = {one.use: float(one.intensity) for one in own}
        begins = {one.use: int(one.start) for one in own}
        return replace(setting, reference=reference, arm=arm, intensities=intensities, begins=begins)

    def knobs(self, setting: Setting) -> list[Knob]:
        """Every number that can be turned, those worth most to know first, then those of the arm's strategies."""
        used = tuple(use for use, intensity in setting.intensities.items() if intensity > 0)
        rank = {name: place for place, name in enumerate(self.worth)}
        found = self._knobs(setting.reference, setting.arm, used)
        return sorted(
            (replace(one, worth=self.worth.get(one.name, 0.0)) for one in found),
            key=lambda one: (rank.get(one.name, len(rank)), one.group not in used),
        )

    def _found(self, reference: str, arm: str, used: tuple[str, ...]) -> list[Knob]:
        plain = Setting(reference, arm, 1, self.base.scenario.months, dict.fromkeys(used, 1.0))
        scenario = self._prepared(self._of(plain), {}).scenario
        found = (_knob(belief) for belief in beliefs_of(scenario, Base(scenario)))
        return [one for one in found if one is not None]

    def prepared(self, setting: Setting, **more: Any) -> Prepared:
        """The checked scenario of a setting, with other sections where they are given; `BadInput` where its numbers do
        not fit together."""
        turned = {one.name: one for one in self.knobs(setting)} if setting.values else {}
        values: dict[str, Any] = {}
        for name, value in setting.values.items():
            if name in turned and value != turned[name].base:
                values |= turned[name].belief.values(turned[name].plain(value))
        return self._prepared({**self._of(setting), **more}, values)

    def text(self, setting: Setting) -> str:
        """The scenario file of a setting, all defaults filled in."""
        return dump(self.prepared(setting).scenario.stored())

    def key(self, prepared: Prepared) -> str:
        """What decides the bank up to month 0: settings with the same key and seed share a burn-in."""
        data = {k: v for k, v in prepared.scenario.resolved().items() if k not in NO_BURN_IN}
        return json.dumps(data, sort_keys=True) + prepared.digest * (prepared.book is not None)

    def _of(self, setting: Setting) -> dict[str, Any]:
        """The scenario as plain data, without turned knobs."""
        if setting.reference == setting.arm:
            raise BadInput.at(NAME, f"{setting.arm} is held against itself; another arm")
        held = self._data["arms"]
        arms = {setting.reference: held[setting.reference], setting.arm: self._arm(held[setting.arm], setting)}
        return {**self._data, "arms": arms, "months": setting.months, "seeds": [setting.seed]}

    def _arm(self, held: Any, setting: Setting) -> Any:
        """The arm with every strategy as strong as it is turned; those at nothing are left out, others put last."""
        own = held["strategies"] if isinstance(held, dict) else held
        unknown = [use for use in setting.intensities if use not in known()]
        if unknown:
            raise BadInput.at(NAME, f"unknown strategy {unknown[0]!r}")
        at_work: dict[str, dict[str, Any]] = {use: {"intensity": x} for use, x in setting.intensities.items() if x > 0}
        for use, month in setting.begins.items():
            if use in at_work:
                at_work[use]["from"] = month
        items = [{**one, **at_work[one["use"]]} for one in own if one["use"] in at_work]
        there = {one["use"] for one in own}
        items += [{"use": use, **more} for use, more in at_work.items() if use not in there]
        return {**held, "strategies": items} if isinstance(held, dict) else items

    def _prepared(self, data: Mapping[str, Any], values: Mapping[str, Any]) -> Prepared:
        source = Source(planted(data, Place(NAME, 0, 0)), NAME, [NAME])
        if values:
            source = source.with_values(values, NAME)
        return prepare_source(source, known=self.base)


def _knob(belief: Belief) -> Knob | None:
    """The belief as a slider; None for what has no ends, such as a choice."""
    p = belief.parameter
    if p.low is None or p.high is None or p.kind not in ("number", "integer") or not isinstance(p.base, (int, float)):
        return None
    low, high, base = float(p.low), float(p.high), float(p.base)
    if p.kind == "integer":
        return Knob(belief, min(low, base), max(high, base), 1.0, base)
    return Knob(belief, min(low, base), max(high, base), _round((high - low) / FINENESS) or 1e-6, base)


def _round(step: float) -> float:
    """The step as 1, 2 or 5 times a power of ten, no larger."""
    from math import floor, log10

    if step <= 0:
        return 0.0
    power = 10.0 ** floor(log10(step))
    return float(f"{max(one for one in (1, 2, 5) if one * power <= step * (1 + 1e-9)) * power:.1g}")
