"""Optuna behind a small window: it is asked for proposals and told, in order, what came of them.

It keeps its study in memory and draws from seeded generators only, so the same answers lead to the same questions:
an optimisation goes on by asking and telling anew, with what is stored as the answers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

BROKEN = "limits"  # user attribute of a trial: by how much it breaks each limit
DIGITS = 12  # of what is told: the last bits of a sum differ between machines


class Proposer:
    """Proposals for several gains at once, more being better, some of which limits may forbid."""

    def __init__(
        self,
        method: str,
        distributions: Mapping[str, BaseDistribution],
        gains: Sequence[str],
        *,
        limits: int,
        generation: int,
        seed: int,
    ):
        optuna = _optuna()
        self._distributions = dict(distributions)
        self._gains = list(gains)
        self._asked: dict[int, Trial] = {}
        with _quiet():
            sampler = _sampler(method, generation, seed, limits > 0)
            self._study = optuna.create_study(directions=["maximize"] * len(gains), sampler=sampler)
            self._study.set_metric_names(self._gains)

    def suggest(self, drawn: Mapping[str, Any]) -> None:
        """Have these numbers proposed before any others."""
        self._study.enqueue_trial(dict(drawn))

    def ask(self, count: int) -> list[tuple[int, dict[str, Any]]]:
        """So many proposals, each with its number in the study."""
        with _quiet():
            trials = [self._study.ask(self._distributions) for _ in range(count)]
        self._asked |= {trial.number: trial for trial in trials}
        return [(trial.number, dict(trial.params)) for trial in trials]

    def tell(self, number: int, gains: Sequence[float] | None, broken: Sequence[float] = ()) -> None:
        """What came of a proposal: its gains and by how much it breaks limits (0 or less: kept), None if it failed."""
        from optuna.trial import TrialState

        trial = self._asked.pop(number)
        with _quiet():
            if gains is None:
                self._study.tell(trial, state=TrialState.FAIL)
                return
            trial.set_user_attr(BROKEN, [_rounded(one) for one in broken])
            self._study.tell(trial, [_rounded(one) for one in gains])

    def keep(self, file: Path, name: str) -> None:
        """The study as a journal that Optuna's own tools read, written anew."""
        optuna = _optuna()
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        file.unlink(missing_ok=True)
        with _quiet():
            storage = JournalStorage(JournalFileBackend(str(file)))
            optuna.copy_study(
                from_study_name=self._study.study_name,
                from_storage=self._study._storage,
                to_storage=storage,
                to_study_name=name,
            )


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        text = "optimise needs Optuna; pip install -e '.[analysis]'"
        raise BadInput.at("run.py", text) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _sampler(method: str, generation: int, seed: int, limited: bool) -> BaseSampler:
    from optuna.samplers import NSGAIISampler, TPESampler, nsgaii

    broken = (lambda trial: trial.user_attrs[BROKEN]) if limited else None
    if method == "nsga2":
        # Numbers from either parent, then a step that is mostly short: of what was tried on ZDT1 with some hundred
        # candidates in generations of 20, this came nearest. Optuna before 5 draws what mutates from everywhere.
        near = getattr(nsgaii, "PolynomialMutation", None)
        mutation = {"mutation": near(2.0)} if near else {}
        return NSGAIISampler(population_size=generation, seed=seed, constraints_func=broken, **mutation)
    return TPESampler(n_startup_trials=generation, seed=seed, constraints_func=broken, constant_liar=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's words to programmers: that a part is experimental, or will go by another name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
