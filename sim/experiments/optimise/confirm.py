"""The best of the search on seeds it has not seen, and the winner on seeds that have not chosen it.

Whoever comes out best of many was helped by luck, so a search flatters its best. Those are lived again on fresh seeds,
beside baselines at the same rules: what they lose there is the optimism of the search. Among the confirmed that nobody
dominates the first objective chooses the winner; since that choice looks at luck again, however little, the winner is
compared with the baselines on as many further seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.experiments.optimise.archive import Archive, Candidate, Standing
from sim.scenario.optimise import Optimise


@dataclass(frozen=True)
class Confirmed:
    """What fresh seeds said: those confirmed and who of them is on the front; the winner, None if limits forbid all."""

    members: Sequence[Candidate]
    baselines: Sequence[Candidate]
    front: frozenset[int]
    winner: Candidate | None

    @property
    def everybody(self) -> list[Candidate]:
        """Members, then the baselines that are none, each once."""
        return list({one.number: one for one in [*self.members, *self.baselines]}.values())


def confirm(o: Optimise, archive: Archive, found: Standing, baselines: Sequence[Candidate]) -> Confirmed:
    """Live the best and the baselines on fresh seeds, choose the winner, and compare it on seeds of its own."""
    members = [archive.candidates[i] for i in found.order[: o.confirm.best]]
    archive.evaluate([*members, *baselines], o.confirm.choosing)
    standing = archive.standing(list(o.confirm.choosing))
    front = standing.front
    if not len(front):
        return Confirmed(members, baselines, frozenset(), None)
    winner = archive.candidates[int(front[np.argmax(standing.gains[front, 0])])]
    archive.evaluate([winner, *baselines], o.confirm.comparing)
    return Confirmed(members, baselines, frozenset(front.tolist()), winner)
