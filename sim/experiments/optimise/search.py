"""The search: generations of candidates raced over seeds they share, and the front in the end.

Every candidate lives the first seeds. Then the most promising half of a generation's number, whoever they are among
all so far, live twice as many, of these again half twice as many, up to the most. Promising is who may be on the front
within an interval of 95 %. Only then Optuna hears of the generation and proposes the next. When all are proposed,
whoever is on the front lives the most seeds, until the front holds nobody who was merely lucky with few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.experiments.callbacks import Callback
from sim.experiments.optimise.archive import Archive, Candidate, Standing
from sim.experiments.optimise.sampler import Proposer
from sim.experiments.optimise.space import Space
from sim.scenario.optimise import Optimise


@dataclass(frozen=True)
class Start:
    """A setting proposed before any other, such as a baseline."""

    name: str
    drawn: Mapping[str, Any]


@dataclass
class Search:
    """One search; `run` leaves everybody in the archive and the front in `standing`."""

    settings: Optimise
    space: Space
    archive: Archive
    starts: Sequence[Start] = ()
    callbacks: Sequence[Callback] = ()
    proposer: Proposer = field(init=False)

    def __post_init__(self) -> None:
        o = self.settings
        self.proposer = Proposer(
            o.method,
            self.space.distributions(),
            [one.kpi for one in o.objectives],
            limits=len(o.limits),
            generation=o.generation,
            seed=o.luck,
        )

    @property
    def seeds(self) -> list[int]:
        return list(self.settings.seeds.all)

    def standing(self) -> Standing:
        return self.archive.standing(self.seeds)

    def run(self) -> Standing:
        """Propose, race and tell until all candidates are proposed; then settle the front."""
        o = self.settings
        names: dict[int, str] = {}
        for start in self.starts[: o.candidates]:
            self.proposer.suggest(start.drawn)
            names[len(names)] = start.name
        generations = -(-o.candidates // o.generation)
        for generation in range(generations):
            asked = self.proposer.ask(min(o.generation, o.candidates - generation * o.generation))
            proposed = [
                (number, self.archive.add(self.space.proposal(drawn), generation, names.get(number, "")))
                for number, drawn in asked
            ]
            self._race([candidate for _, candidate in proposed])
            self._tell(proposed)
            for callback in self.callbacks:
                callback.generation(generation + 1, generations, self.archive, self.standing())
        return self._settled()

    def _race(self, proposed: Sequence[Candidate]) -> None:
        o = self.settings
        count, room = o.seeds.count, o.generation
        self.archive.evaluate(proposed, self.seeds[:count])
        while count < o.seeds.most:
            count, room = min(2 * count, o.seeds.most), max(room // 2, 1)
            standing = self.standing()
            hopeful = standing.hopeful()
            chosen = [i for i in standing.order if hopeful[i] and standing.seeds[i] < count][:room]
            self.archive.evaluate([self.archive.candidates[i] for i in chosen], self.seeds[:count])

    def _tell(self, proposed: Sequence[tuple[int, Candidate]]) -> None:
        standing = self.standing()
        for number, candidate in proposed:
            if candidate.failed:
                self.proposer.tell(number, None)
            else:
                at = candidate.number
                self.proposer.tell(number, standing.gains[at].tolist(), standing.broken[at].tolist())

    def _settled(self) -> Standing:
        while True:
            standing = self.standing()
            short = [i for i in standing.front if standing.seeds[i] < self.settings.seeds.most]
            if not short:
                return standing
            self.archive.evaluate([self.archive.candidates[i] for i in short], self.seeds)
