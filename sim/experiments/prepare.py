"""From files on the command line to banks ready to live: everything that can be wrong is found here, before a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.assumptions import EXACT
from sim.errors import BadInput, Mistake
from sim.experiments.prepared import Prepared, digest_of, digest_with_instruments, digest_with_posteriors
from sim.scenario.scenario import Scenario

if TYPE_CHECKING:
    from sim.experiments.design.joint import Joint
    from sim.population.book.book import Book
    from sim.survey.instrument import Instrument
    from sim.yaml_source import Source


def prepare(
    paths: str | Path | Sequence[str | Path], overrides: Sequence[str] = (), *, arms: Sequence[str] | None = None
) -> list[Prepared]:
    """Read and check every file (or the one); raises BadInput with all mistakes of all files at once."""
    paths = [paths] if isinstance(paths, (str, Path)) else paths
    ready, read, mistakes = [], [], []
    for path in paths:
        try:
            ready.append(_prepare(path, overrides, arms))
            read.append(path)
        except BadInput as bad:
            mistakes.extend(bad.mistakes)
    names = [one.scenario.name for one in ready]
    for path, one in zip(read, ready, strict=True):
        if names.count(one.scenario.name) > 1:
            mistakes.append(Mistake(str(path), 0, 0, "name", f"{one.scenario.name} names two scenarios; each its own"))
    if mistakes:
        raise BadInput(mistakes)
    return ready


def _prepare(path: str | Path, overrides: Sequence[str], arms: Sequence[str] | None) -> Prepared:
    from sim.yaml_source import load

    return prepare_source(load(path, overrides), arms)


def prepare_source(source: Source, arms: Sequence[str] | None = None, *, known: Prepared | None = None) -> Prepared:
    """Check a scenario that is read already, and read its book; raises BadInput with all its mistakes.

    A book that `known` has read in the same way is not read again.
    """
    from sim.experiments.inherited import with_generation
    from sim.yaml_source import validate

    scenario = validate(Scenario, with_generation(source))
    joints: tuple[Joint, ...] = ()
    learned: tuple[str, ...] = ()
    if scenario.posterior is not None:
        from sim.experiments.design.beliefs import tables_of
        from sim.experiments.design.joint import with_posteriors
        from sim.experiments.design.variants import Base

        base = Base(scenario)
        source, joints, learned = with_posteriors(scenario, source, base, tables_of(scenario, base))
        scenario = validate(Scenario, with_generation(source))
        scenario = scenario.model_copy(update={"posterior": [joint.path for joint in joints]})
    if arms is not None:
        scenario = _only(scenario, arms)
    if store := scenario.population.store:
        population = scenario.population.model_copy(update={"store": str(Path(store).absolute())})
        scenario = scenario.model_copy(update={"population": population})
    book = None
    if scenario.population.source == "book":
        if known is not None and known.book is not None and _same_book(known.scenario, scenario):
            book = known.book
        else:
            scenario, book = _read_book(scenario, source)
    swept: Any = None
    varied: Any = None
    if scenario.sweep is not None:
        from sim.experiments.design.check import check_sweep, with_files

        swept = check_sweep(scenario, source, joints)
        scenario = with_files(scenario, source)
    if scenario.optimise is not None:
        from sim.experiments.design.check import check_optimise

        varied = check_optimise(scenario, source)
    believed: Any = None
    if scenario.beliefs is not None:
        from sim.experiments.design.beliefs import check_beliefs

        believed = check_beliefs(scenario, source, joints)
    surveyed: tuple[tuple[str, Instrument], ...] = ()
    digest = digest_with_posteriors(digest_of(scenario, book), [joint.digest for joint in joints])
    if scenario.survey is not None:
        from sim.experiments.survey import instruments_of

        scenario, surveyed = instruments_of(scenario, source)
        digest = digest_of(scenario, book)
        digest = digest_with_instruments(digest_with_posteriors(digest, [one.digest for one in joints]), surveyed)
    notes = (*learned, *_scaled(scenario, source))
    return Prepared(scenario, book, digest, source, notes, swept, varied, believed, surveyed, joints)


def _scaled(scenario: Scenario, source: Source) -> Iterator[str]:
    """Shares that the scenario divided by their sum, as lines with their address."""
    matrix = scenario.model.transitions.matrix or []
    tables: list[tuple[tuple[str | int, ...], Mapping[Any, float]]] = [
        (("population", "shares"), scenario.population.shares or {}),
        (("population", "strata"), scenario.population.strata),
        *((("managers", "mix", tier), mix) for tier, mix in scenario.managers.mix.items()),
        *((("model", "transitions", "matrix", i), dict(enumerate(line))) for i, line in enumerate(matrix)),
    ]
    for path, table in tables:
        if not source.is_given(path):
            continue
        given: Any = source.data
        for part in path:
            given = given[part]
        shares = dict(enumerate(given)) if isinstance(given, list) else given or {}
        total = next((shares[key] / value for key, value in table.items() if value > 0 and key in shares), 1.0)
        if abs(total - 1.0) > EXACT:
            message = f"adds up to {total:.6g}; taken as shares of that sum"
            yield str(Mistake(*source.address(path), source.path_text(path), message))


def _same_book(one: Scenario, other: Scenario) -> bool:
    return (one.population, one.tier_list, one.currency) == (other.population, other.tier_list, other.currency)


def _only(scenario: Scenario, arms: Sequence[str]) -> Scenario:
    unknown = [name for name in arms if name not in scenario.arms]
    if unknown:
        known = ", ".join(scenario.arms)
        raise BadInput([Mistake("--arms", 0, 0, "", f"unknown arm {name!r}; arms are {known}") for name in unknown])
    kept = {name: scenario.arms[name] for name in scenario.arms if name in arms}
    beliefs = scenario.beliefs if len(kept) > 1 else None  # one arm has no verdict that they could turn
    return scenario.model_copy(update={"arms": kept, "beliefs": beliefs})


def _read_book(scenario: Scenario, source: Source) -> tuple[Scenario, Book]:
    from sim.population.book.book import read_book

    population = scenario.population
    assert population.columns is not None  # checked by Scenario, as is that there is a file or tables
    file = _book_path(population.file or "tables", str(source.file_of(("population", "file"))))
    tables = {
        name: _book_path(path, str(source.file_of(("population", "tables", name))))
        for name, path in (population.tables or {}).items()
    }

    def where(path: str) -> tuple[str, int, int]:
        return source.address(tuple(path.split(".")))

    book = read_book(
        file,
        population.columns,
        currency_scale=population.currency_scale if source.is_given(("population", "currency_scale")) else None,
        where=where,
        currency=scenario.currency,
        tiers=[tier.name for tier in scenario.tier_list],
        bounds={tier.name: tier.start for tier in scenario.tier_list},
        separator=population.separator,
        decimal=population.decimal,
        encoding=population.encoding,
        sheet=population.sheet,
        header=population.header,
        table=population.table,
        query=population.query,
        tables=tables,
        month=population.history.month if population.history else None,
        as_of=date.fromisoformat(population.as_of) if population.as_of else None,
    )
    if population.customers is not None and population.customers < book.rows:
        named_in, line, column = where("population.customers")
        raise BadInput.at(
            named_in,
            f"{population.customers} is fewer than the book's {book.rows} rows; a row is one customer or more",
            line=line,
            column=column,
            path="population.customers",
        )
    _refuse_size(scenario, book, source)
    places: dict[str, Any] = {"file": str(file.resolve())}
    if tables:
        places = {"tables": {name: str(path.resolve()) for name, path in tables.items()}}
    return scenario.model_copy(update={"population": population.model_copy(update=places)}), book


def _refuse_size(scenario: Scenario, book: Book, source: Source) -> None:
    """Raise BadInput where the book's bank is larger than a run can hold."""
    from sim.population.sizes import book_size
    from sim.population.strata import book_tiers

    tiers = scenario.tier_list
    customers = scenario.population.customers or book.rows
    size = book_size(book.aum, book_tiers(book, tiers), customers, tiers, scenario.managers)
    mistakes = [
        Mistake(*source.address(tuple(path)), source.path_text(tuple(path)), message)
        for path, message in scenario.slips_of_size(size)
    ]
    if mistakes:
        raise BadInput(mistakes)


def _book_path(text: str, origin: str) -> Path:
    """A book's path is relative to the scenario file that names it; given with --set, to the current folder."""
    path = Path(text)
    if path.is_absolute() or origin.startswith("--"):
        return path
    return Path(origin).parent / path
