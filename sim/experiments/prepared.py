"""A checked scenario, its customer book, and what decides its results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.scenario.scenario import Scenario

if TYPE_CHECKING:
    from sim.population.book.book import Book
    from sim.population.synthetic import Source as Customers
    from sim.survey.instrument import Instrument
    from sim.yaml_source import Source


@dataclass(frozen=True)
class Prepared:
    """One checked scenario, its customer book where it has one, and what decides its results.

    `origin` is what was read, for mistakes that are found later; `notes` are what was read otherwise than it stands;
    `swept`, `varied` and `believed` are its sections `sweep`, `optimise` and `beliefs` as they were checked
    (`experiments.design`), `surveyed` the instruments of its section `survey`, by whom they ask, `joints` its
    posteriors.
    """

    scenario: Scenario
    book: Book | None
    digest: str
    origin: Source
    notes: tuple[str, ...] = ()
    swept: Any = None
    varied: Any = None
    believed: Any = None
    surveyed: tuple[tuple[str, Instrument], ...] = ()
    joints: tuple[Any, ...] = ()

    @property
    def beside(self) -> dict[str, str]:
        """Files that stand beside the stored scenario, so that it can be read from its folder alone."""
        return {joint.file: joint.text for joint in self.joints}

    def customers(self) -> Customers:
        """Where the bank's customers come from (builds laws and scores; imports SciPy and numba)."""
        from sim.population.synthetic import source

        s = self.scenario
        return source(s.population, s.tier_list, s.model, s.channels, self.book)


def digest_of(scenario: Scenario, book: Book | None) -> str:
    """Digest of all that decides the results: the resolved scenario, and what a book holds, not where it lies."""
    return scenario.digest() if book is None else digest_with_book(scenario, book.digest)


def digest_with_book(scenario: Scenario, book_digest: str) -> str:
    """Digest of a scenario and of what its book holds."""
    population = scenario.population
    if population.tables:
        population = population.model_copy(update={"tables": dict.fromkeys(population.tables, "table")})
    else:
        population = population.model_copy(update={"file": "book"})
    text = scenario.model_copy(update={"population": population}).digest() + book_digest
    return hashlib.sha256(text.encode()).hexdigest()


def digest_with_instruments(digest: str, surveyed: Sequence[tuple[str, Instrument]]) -> str:
    """Digest of what decides the results and of what questionnaires hold, wherever their files lie."""
    texts = [json.dumps(instrument.model_dump(mode="json"), sort_keys=True) for _, instrument in surveyed]
    return hashlib.sha256("".join([digest, *texts]).encode()).hexdigest()


def digest_with_posteriors(digest: str, digests: Sequence[str]) -> str:
    """Digest of what decides the results and of what posteriors say, wherever their files lie."""
    return hashlib.sha256("".join([digest, *digests]).encode()).hexdigest() if digests else digest


def facts(one: Prepared) -> Mapping[str, Any]:
    """What the manifest says of the book, of the answers that columns of it are from, and of posteriors."""
    answers = one.scenario.population.answers
    told = {} if answers is None else {"answers": answers.model_dump(mode="json")}
    learned = {"posteriors": [joint.facts() for joint in one.joints]} if one.joints else {}
    return learned if one.book is None else {"book": {**one.book.manifest(), **told}, **learned}


def facts_of_sweep(one: Prepared) -> dict[str, Any]:
    """What a sweep's manifest says of its scenario."""
    s = one.scenario
    return {
        "about": s.about,
        "scenario_digest": one.digest,
        "tiers": [tier.name for tier in s.tier_list],
        "months": s.months,
        "burn_in": s.burn_in,
        "discount_rate": s.discount_rate,
        "currency": s.currency,
        **({"labels": s.labels} if s.labels else {}),
        **({"language": s.language} if s.language else {}),
        **facts(one),
    }
