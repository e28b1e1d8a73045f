"""From files on the command line to banks ready to live: everything that can be wrong is found here, before a run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, Mistake
from sim.scenario import Scenario

if TYPE_CHECKING:
    from sim.population.book import Book
    from sim.population.synthetic import Source as Customers
    from sim.yaml_source import Source


@dataclass(frozen=True)
class Prepared:
    """One checked scenario, its customer book where it has one, and what decides its results.

    `origin` is what was read, for mistakes that are found later.
    """

    scenario: Scenario
    book: Book | None
    digest: str
    origin: Source | None = None

    def customers(self) -> Customers:
        """Where the bank's customers come from (builds laws and scores; imports SciPy and numba)."""
        from sim.behaviour.service_law import service_law
        from sim.population.synthetic import source

        s = self.scenario
        return source(s.population, s.tier_list, s.model, service_law(s.model, s.channels), self.book)


def prepare(
    paths: Sequence[str | Path], overrides: Sequence[str] = (), *, arms: Sequence[str] | None = None
) -> list[Prepared]:
    """Read and check every file; raises BadInput with all mistakes of all files at once."""
    ready, mistakes = [], []
    for path in paths:
        try:
            ready.append(_prepare(path, overrides, arms))
        except BadInput as bad:
            mistakes.extend(bad.mistakes)
    names = [one.scenario.name for one in ready]
    for path, one in zip(paths, ready, strict=False):
        if names.count(one.scenario.name) > 1:
            mistakes.append(Mistake(str(path), 0, 0, "name", f"{one.scenario.name} names two scenarios; each its own"))
    if mistakes:
        raise BadInput(mistakes)
    return ready


def _prepare(path: str | Path, overrides: Sequence[str], arms: Sequence[str] | None) -> Prepared:
    from sim.yaml_source import load

    return prepare_source(load(path, overrides), arms)


def prepare_source(
    source: Source, arms: Sequence[str] | None = None, *, known: Prepared | None = None
) -> Prepared:
    """Check a scenario that is read already, and read its book; raises BadInput with all its mistakes.

    A book that `known` has read in the same way is not read again.
    """
    from sim.yaml_source import validate

    scenario = validate(Scenario, source)
    if arms is not None:
        scenario = _only(scenario, arms)
    book = None
    if scenario.population.source == "book":
        if known is not None and known.book is not None and _same_book(known.scenario, scenario):
            book = known.book
        else:
            scenario, book = _read_book(scenario, source)
    if scenario.sweep is not None:
        from sim.experiments.sweep.plan_of import check_sweep, with_files

        check_sweep(scenario, source)
        scenario = with_files(scenario, source)
    if scenario.optimise is not None:
        from sim.experiments.optimise.question import check_optimise

        check_optimise(scenario, source)
    return Prepared(scenario, book, digest_of(scenario, book), source)


def _same_book(one: Scenario, other: Scenario) -> bool:
    return (one.population, one.tier_list, one.currency) == (other.population, other.tier_list, other.currency)


def digest_of(scenario: Scenario, book: Book | None) -> str:
    """Digest of all that decides the results: the resolved scenario, and what a book holds, not where it lies."""
    return scenario.digest() if book is None else digest_with_book(scenario, book.digest)


def digest_with_book(scenario: Scenario, book_digest: str) -> str:
    """Digest of a scenario and of what its book holds."""
    population = scenario.population.model_copy(update={"file": "book"})
    text = scenario.model_copy(update={"population": population}).digest() + book_digest
    return hashlib.sha256(text.encode()).hexdigest()


def _only(scenario: Scenario, arms: Sequence[str]) -> Scenario:
    unknown = [name for name in arms if name not in scenario.arms]
    if unknown:
        known = ", ".join(scenario.arms)
        raise BadInput([Mistake("--arms", 0, 0, "", f"unknown arm {name!r}; arms are {known}") for name in unknown])
    return scenario.model_copy(update={"arms": {name: scenario.arms[name] for name in scenario.arms if name in arms}})


def _read_book(scenario: Scenario, source: Source) -> tuple[Scenario, Book]:
    from sim.population.book import read_book

    population = scenario.population
    assert population.file is not None  # both checked by Scenario
    assert population.columns is not None
    file = _book_path(population.file, str(source.file_of(("population", "file"))))

    def where(path: str) -> tuple[str, int, int]:
        return source.address(tuple(path.split(".")))

    book = read_book(
        file, population.columns, currency_scale=population.currency_scale, where=where, currency=scenario.currency,
        tiers=[tier.name for tier in scenario.tier_list], separator=population.separator, decimal=population.decimal,
    )  # fmt: skip
    if population.customers is not None and population.customers < book.rows:
        told, line, column = where("population.customers")
        raise BadInput.at(
            told, f"{population.customers} is fewer than the book's {book.rows} rows; a row is one customer or more",
            line=line, column=column, path="population.customers",
        )  # fmt: skip
    absolute = population.model_copy(update={"file": str(file.resolve())})
    return scenario.model_copy(update={"population": absolute}), book


def _book_path(text: str, told_in: str) -> Path:
    """A book's path is relative to the scenario file that names it; given with --set, to the current folder."""
    path = Path(text)
    if path.is_absolute() or told_in.startswith("--"):
        return path
    return Path(told_in).parent / path


def facts(book: Book | None) -> Mapping[str, Any]:
    """What the manifest says of the book."""
    return {} if book is None else {"book": dict(book.manifest())}
