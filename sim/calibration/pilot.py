"""An A/B test of the bank's own as targets: differences between its arms, with the covariance of their noise.

Every difference is one of two ratios: what was counted among an arm's customers, over who was there to be counted. Its
noise is that of the customers' own contributions to it (the ratio's influence function), added up by cluster where lots
were drawn between clusters, so that differences at several months, or of several arms with one control, know how they
go together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.calibration.pilot_settings import PilotSettings
from sim.calibration.problem import Floats, Target
from sim.calibration.readings import Bank, Read, Reading, no_figure
from sim.errors import BadInput, Mistake
from sim.phrases import counted, listed, plural
from sim.population.book.cells import EMPTY
from sim.population.book.file import Unreadable, inspect
from sim.store.seals import file_digest
from sim.yaml_source import Source, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

MISMATCH = 1e-4  # chance of so uneven arms below which lots were not drawn as is said
LOST = 1e-3  # chance of so different losses below which they are doubted
FEWEST = 20  # customers of an arm
FEW = 10  # clusters of an arm
ROUNDING = 1e-9  # of a level: an error no larger is the rounding of numbers that do not differ
SHOWN = 3
WORDS = {"yes": "1", "true": "1", "no": "0", "false": "0"}
YEAR = 12.0


class Counted(NamedTuple):
    """What an outcome is: how it is counted, and the key figure of a lived bank that is the same."""

    kind: str  # share, mean: of those seen at the month's end; gone, rate: over the time that they were there
    kpi: str
    words: str


OUTCOMES: dict[str, Counted] = {
    "active": Counted("kept", "retention", "share of customers who are active"),
    "closed": Counted("gone", "closure_annual", "customers closed, per customer-year"),
    "contacts": Counted("rate", "contacts_per_customer", "contacts, per customer-year"),
    "complaints": Counted("rate", "complaints_per_customer", "complaints, per customer-year"),
    "products": Counted("mean", "products", "products per customer"),
    "digital": Counted("mean", "digital_active_share", "share of customers using the app"),
}


@dataclass(frozen=True)
class Difference:
    """One target: an arm less the control, in the key figure `kpi` to the end of a month; `levels` are both arms'."""

    outcome: str
    arm: str
    against: str
    month: int
    kpi: str
    value: float
    levels: tuple[float, float]


@dataclass(frozen=True)
class Pilot:
    """A test as it was read: customers by arm (of the scenario), differences, their covariance (m, m), and doubts.

    `clusters` are those with a customer in the arm, none where lots fell on customers.
    """

    customers: dict[str, int]
    clusters: dict[str, int]
    differences: tuple[Difference, ...]
    covariance: Floats
    doubts: tuple[str, ...]


def read_pilot(path: str | Path, how: PilotSettings, arms: Sequence[str], tiers: Sequence[str] = ()) -> Pilot:
    """Read and check a test whose arms are some of a scenario's `arms`; the first of these in it is the control.

    Rows are one a customer and month; or one a customer, with an outcome to the last month, or with columns such as
    `closed_1`, `closed_2`. Raises `BadInput` with all mistakes.
    """
    file = Path(path)
    table = _table(file, how)
    _refuse(_mistakes(table, how, arms, tiers), file)
    doubts = list(_uneven(table, how, file))
    order = [arm for arm in arms if arm in set(table["arm"])]
    people = table.drop_duplicates("customer").reset_index(drop=True)  # as each began
    strata = [how.tier] if how.tier else [t for t in tiers if t in set(people["tier"])] if "tier" in people else [None]
    found: list[Difference] = []
    influences: list[Floats] = []
    unit = "cluster" if "cluster" in people else "customer"
    group = np.unique(people[unit].to_numpy(str), return_inverse=True)[1]
    for outcome in how.outcomes:
        for month in how.ends:
            top, bottom = _ratio(table, people, OUTCOMES[outcome].kind, outcome, month)
            for stratum in strata:
                inside = np.ones(len(people), bool)
                if stratum is not None and "tier" in people:
                    inside = (people["tier"] == stratum).to_numpy()
                for arm in order[1:]:
                    made = _difference(people, order[0], arm, inside, group, top, bottom)
                    name = OUTCOMES[outcome].kpi + (f"[{stratum}]" if stratum else "")
                    if made is None:
                        what = f"{arm} or {order[0]} has {outcome} of fewer than 2 {unit}s in month {month}"
                        raise BadInput.at(str(file), f"{what}{f' in {stratum}' if stratum else ''}; leave it out")
                    levels, influence = made
                    value = levels[1] - levels[0]
                    found.append(Difference(outcome, arm, order[0], month, name, value, levels))
                    influences.append(influence)
    doubts += [*_lost(table, people, how, order), *_outside(people, order, strata)]
    sums = np.zeros((int(group.max()) + 1, len(found)))
    np.add.at(sums, group, np.stack(influences, axis=1))
    covariance = sums.T @ sums
    same = "in every cluster" if unit == "cluster" else "for everybody"
    for one, error in zip(found, np.sqrt(np.diag(covariance)).tolist(), strict=True):
        if error <= ROUNDING * max(map(abs, one.levels)):
            what = f"{one.outcome} is the same {same} to month {one.month}, which tells nothing"
            raise BadInput.at(str(file), f"{what}; another outcome, or later")
    clusters = {}
    if unit == "cluster":
        clusters = {arm: int(people.loc[people["arm"] == arm, "cluster"].nunique()) for arm in order}
        if min(clusters.values()) < FEW:
            doubts.append(f"{_in_clusters(clusters)} are few: the error of a difference is itself uncertain")
    sizes = people["arm"].value_counts()
    return Pilot({arm: int(sizes[arm]) for arm in order}, clusters, tuple(found), covariance, tuple(doubts))


def _refuse(mistakes: Iterator[str], file: Path) -> None:
    if found := [Mistake(str(file), 0, 0, "", one) for one in mistakes]:
        raise BadInput(found)


# --- reading ----------------------------------------------------------------------------------------------------------


def _table(file: Path, how: PilotSettings) -> pd.DataFrame:
    """A row a customer and month, under our names; months are 1 to the last, outcomes float64."""
    import pandas as pd
    import pyarrow as pa

    try:
        book = inspect(file, how.separator, encoding=how.encoding)
        wide = {name: _wide(name, how, book.columns) for name in how.outcomes}
        wanted = _wanted(book.columns, how, wide, file)
        batches = list(book.batches([*wanted.values(), *(c for one in wide.values() for c in one.values())]))
    except Unreadable as error:
        raise BadInput.at(str(file), str(error), line=error.line) from None
    cells = pa.Table.from_batches(batches)
    told: dict[str, Any] = {
        name: pd.Series(cells.column(column).combine_chunks().cast(pa.string()).to_pandas()).str.strip()
        for name, column in wanted.items()
        if name in ("arm", "customer", "tier", "cluster")
    }
    mistakes: list[Mistake] = []

    def numbers(column: str) -> Floats:
        text = pd.Series(cells.column(column).combine_chunks().cast(pa.string()).to_pandas()).fillna("")
        text = text.str.strip().str.casefold().replace(WORDS)
        values = pd.to_numeric(text, errors="coerce").to_numpy(float)
        wrong = np.flatnonzero(np.isnan(values) & ~text.isin([word.casefold() for word in EMPTY]).to_numpy())
        if len(wrong):
            what = f"{cells.column(column)[int(wrong[0])].as_py()!r} is no number"
            line = int(wrong[0]) + 2
            mistakes.append(Mistake(str(file), line, 0, column, f"{what}; a number, or nothing where not seen"))
        return values

    if "month" in wanted:
        told["month"] = numbers(wanted["month"])
    told |= {name: numbers(wanted[name]) for name in how.outcomes if name in wanted}
    table = pd.DataFrame(told)
    if any(wide.values()):
        parts = []
        for month in range(1, how.months + 1):
            values = {name: numbers(one[month]) for name, one in wide.items() if month in one}
            parts.append(table.assign(month=float(month), **values))
        table = pd.concat(parts, ignore_index=True)
    elif "month" not in table:
        table["month"] = float(how.months)
        table["horizon"] = True
    for name, none in (("arm", ("",)), ("customer", ("",)), *([("cluster", EMPTY)] if "cluster" in table else [])):
        empty = np.flatnonzero(table[name].isna().to_numpy() | table[name].isin(none).to_numpy())
        if len(empty):
            mistakes.append(Mistake(str(file), int(empty[0]) + 2, 0, wanted[name], "is empty; one in every row"))
    if mistakes:
        raise BadInput(mistakes)
    labels = {plain(label): arm for label, arm in how.arms.items()}
    table["given"], table["label"] = table["arm"], table["arm"].map(plain)
    table["arm"] = table["label"].map(labels)
    if "tier" in table:
        table["tier"] = table["tier"].mask(table["tier"].isin(EMPTY))
    return table.sort_values("month", kind="stable", ignore_index=True)


def plain(word: str) -> str:
    """A label as it is compared: case and outer spaces do not matter."""
    return str(word).strip().casefold()


def _wide(name: str, how: PilotSettings, columns: Sequence[str]) -> dict[int, str]:
    """Columns of an outcome by month, as `closed_1` or `closed 1`; none where it has one column."""
    head = plain(how.column(name))
    found = {}
    for column in columns:
        rest = plain(column).removeprefix(head).strip(" _-.m")
        if plain(column).startswith(head) and rest.isdigit() and 1 <= int(rest) <= how.months:
            found[int(rest)] = column
    return found if how.column(name) not in columns else {}


def _wanted(columns: Sequence[str], how: PilotSettings, wide: dict[str, dict[int, str]], file: Path) -> dict[str, str]:
    """Columns of the file by our names; `BadInput` for what is not there."""
    found, mistakes = {}, []
    names = {plain(column): column for column in columns}
    for name in ("arm", "customer", "month", "tier", "cluster", *how.outcomes):
        column = names.get(plain(how.column(name)))
        if column is not None:
            found[name] = column
        elif wide.get(name):
            missing = sorted(set(range(1, how.months + 1)) - set(wide[name]))
            if missing:
                mistakes.append(f"{name} has no column for month {missing[0]}; one for each of {how.months} months")
        elif name in ("arm", "customer", *how.outcomes) or name in how.columns:
            hint = did_you_mean(how.column(name), list(columns), all_if_none="there are")
            mistakes.append(f"no column {how.column(name)} for the {name}; {hint}, or columns: {{{name}: NAME}}")
    if "month" in found and any(wide.values()):
        mistakes.append("has months as rows and as columns; one of the two")
    if mistakes:
        raise BadInput([Mistake(str(file), 1, 0, "", one) for one in mistakes])
    return found


# --- what is wrong, and what is doubtful ------------------------------------------------------------------------------


def _mistakes(table: pd.DataFrame, how: PilotSettings, arms: Sequence[str], tiers: Sequence[str]) -> Iterator[str]:
    labels = {plain(label): label for label in how.arms}
    unknown = sorted(set(table["label"]) - set(labels))
    if unknown:
        given = table.loc[table["label"] == unknown[0], "given"].iloc[0]
        yield f"arm {given!r} is not in arms, which are {listed(list(how.arms))}; each with an arm of the scenario"
    for label, arm in how.arms.items():
        if arm not in arms:
            yield f"arms: {label} is {arm}, which the scenario does not have; {', '.join(arms)}"
        elif plain(label) not in set(table["label"]):
            yield f"no customer is in arm {label}; leave it out of arms"
        elif (count := table.loc[table["label"] == plain(label), "customer"].nunique()) < FEWEST:
            yield f"arm {label} has {counted(count, 'customer')}; {FEWEST} or more"
        elif "cluster" in table and table.loc[table["label"] == plain(label), "cluster"].nunique() < 2:
            yield f"arm {label} has 1 cluster, whose luck nothing tells apart from the arm; 2 or more"
    mixed = table.groupby("customer")["label"].nunique()
    if len(both := list(mixed[mixed > 1].index)):
        yield f"{counted(len(both), 'customer')} in two arms ({_some(both)}); each in one, as the lot fell"
    months = table["month"].to_numpy()
    odd = months[~(np.isfinite(months) & (months == np.round(months)) & (months >= 0))]
    if len(odd):
        yield f"month {odd[0]:g} is none; whole numbers, 1 for the first month of the test"
    elif months.max() < max(how.ends):
        yield f"ends with month {months.max():g}; months: {months.max():g}, or a file that goes to {max(how.ends)}"
    twice = table.duplicated(["customer", "month"])
    if twice.any():
        first = table.loc[twice].iloc[0]
        yield f"customer {first['customer']} has month {first['month']:g} twice; a row a customer and month"
    for name in how.outcomes:
        values = table[name].to_numpy()
        seen = values[np.isfinite(values)]
        if not len(seen):
            yield f"{name} has no value; 0 or 1, or a count"
        elif OUTCOMES[name].kind in ("kept", "gone") or name == "digital":
            if len(wrong := seen[(seen != 0) & (seen != 1)]):
                yield f"{name} is {wrong[0]:g}; 0 or 1"
        elif seen.min() < 0:
            yield f"{name} is {seen.min():g}; a count"
        if OUTCOMES[name].kind == "rate" and "horizon" in table and how.at:
            yield f"{name} stands once a customer, so nothing is known before month {how.months}; no at"
    if how.tier is not None and how.tier not in tiers:
        yield f"tier: {how.tier} is no tier of the scenario; {', '.join(tiers)}"
    elif how.tier is None and "tier" in table and len(unknown := sorted(set(table["tier"].dropna()) - set(tiers))):
        yield f"tier {unknown[0]} is none of the scenario; {', '.join(tiers)}"


def _uneven(table: pd.DataFrame, how: PilotSettings, file: Path) -> Iterator[str]:
    """A sample-ratio mismatch: arms so uneven that lots were not drawn as is said. Raises `BadInput`."""
    from scipy.stats import chisquare

    people = table.drop_duplicates("customer")
    if "cluster" in people and people.groupby("cluster")["label"].nunique().max() == 1:
        people = people.drop_duplicates("cluster")  # clusters were drawn, of whatever size
    seen = people["label"].value_counts()
    labels = [plain(label) for label in how.arms]
    shares = np.array([how.shares.get(label, 1.0 / len(how.arms)) for label in how.arms])
    sizes = np.array([seen.get(label, 0) for label in labels], float)
    p = float(chisquare(sizes, shares * sizes.sum()).pvalue)
    told = listed([f"{int(n):,} in {label}" for n, label in zip(sizes, how.arms, strict=True)])
    if p < MISMATCH:
        what = f"sample-ratio mismatch: {told}, which lots of {listed([f'{s:.0%}' for s in shares])} hardly give"
        raise BadInput.at(str(file), f"{what} (p {p:.1g}); shares: as lots were drawn, or find who is missing")
    return iter(())


def _lost(table: pd.DataFrame, people: pd.DataFrame, how: PilotSettings, order: Sequence[str]) -> Iterator[str]:
    """Customers of whom nothing is known at the end, and who had not closed: as many in all arms?"""
    fates = [name for name in how.outcomes if OUTCOMES[name].kind in ("kept", "gone")]
    seen = table[fates or how.outcomes].notna().all(axis=1)  # who left has no products to count
    known = set(table.loc[seen & (table["month"] >= how.months), "customer"])
    for name in fates:
        known |= set(table.loc[table[name] == (1 if name == "closed" else 0), "customer"])
    lost = ~people["customer"].isin(known).to_numpy()
    if not lost.any():
        return
    yield f"lost before month {how.months}, not closed: {_shares(lost, people, order)}"


def _outside(people: pd.DataFrame, order: Sequence[str], strata: Sequence[str | None]) -> Iterator[str]:
    """Customers who are in no target, as their tier is none of those that have one."""
    if "tier" in people and (out := ~people["tier"].isin(strata).to_numpy()).any():
        known = listed([str(one) for one in strata])
        yield f"began in no tier of the targets ({known}), left out: {_shares(out, people, order)}"


def _shares(some: np.ndarray, people: pd.DataFrame, order: Sequence[str]) -> str:
    """Which share of each arm some customers are, and whether as many in all arms as by lot."""
    from scipy.stats import chi2_contingency

    sizes = np.array([[(some & (people["arm"] == arm)).sum(), (~some & (people["arm"] == arm)).sum()] for arm in order])
    told = listed([f"{a / (a + b):.1%} of {arm}" for (a, b), arm in zip(sizes.tolist(), order, strict=True)])
    p = float(chi2_contingency(sizes).pvalue) if sizes.sum(axis=0).min() > 0 else 1.0
    uneven = f"; more in one arm than chance gives (p {p:.1g}): the difference may be theirs" if p < LOST else ""
    return told + uneven


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(str, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")


# --- differences ------------------------------------------------------------------------------------------------------


def _ratio(table: pd.DataFrame, people: pd.DataFrame, kind: str, name: str, month: int) -> tuple[Floats, Floats]:
    """What each customer adds to the top and to the bottom of an outcome's ratio, to the end of a month."""
    seen = table[(table["month"] >= 1) & (table["month"] <= month) & table[name].notna()]
    place = people.set_index("customer").index

    def by_customer(values: Any) -> Floats:
        return np.asarray(values.reindex(place).to_numpy(float))

    if kind == "rate":
        total = by_customer(seen.groupby("customer")[name].sum())
        there = by_customer(seen.groupby("customer")[name].size()) * (month if "horizon" in table else 1)
        return np.nan_to_num(total), np.nan_to_num(there) / YEAR
    if kind == "gone":
        closing = by_customer(seen[seen[name] == 1].groupby("customer")["month"].min())
        last = by_customer(seen.groupby("customer")["month"].max())
        if "horizon" in table:  # when in these months is not known: half-way, on average
            closing = np.where(np.isfinite(closing), (month + 1) / 2, np.nan)
        gone = np.isfinite(closing)
        return gone.astype(float), np.nan_to_num(np.where(gone, closing - 0.5, last)) / YEAR
    at_end = by_customer(seen[seen["month"] == month].groupby("customer")[name].first())
    if kind == "kept" and "horizon" not in table:  # who closed has no rows afterwards
        final = by_customer(seen.sort_values("month").groupby("customer")[name].last())
        at_end = np.where(np.isfinite(at_end), at_end, np.where(final == 0, 0.0, np.nan))
    known = np.isfinite(at_end)
    return np.where(known, at_end, 0.0), known.astype(float)


def _difference(
    people: pd.DataFrame, control: str, arm: str, inside: np.ndarray, group: np.ndarray, top: Floats, bottom: Floats
) -> tuple[tuple[float, float], Floats] | None:
    """Levels of control and arm, and each customer's influence on their difference; None where fewer than two groups
    are counted. Influences are scaled such that their squares, added up by group, are free of bias (n / (n - 1)).
    """
    levels = []
    influence = np.zeros(len(people))
    for name, sign in ((control, -1.0), (arm, 1.0)):
        mine = inside & (people["arm"] == name).to_numpy()
        whole, groups = bottom[mine].sum(), len(np.unique(group[mine & (bottom > 0)]))
        if groups < 2:
            return None
        level = top[mine].sum() / whole
        influence[mine] += sign * (top[mine] - level * bottom[mine]) / whole * np.sqrt(groups / (groups - 1))
        levels.append(float(level))
    return (levels[0], levels[1]), influence


def words_of(found: Pilot) -> list[str]:
    """What was read, in sentences, doubts last."""
    sizes = listed([f"{count:,} {plural('customer', count)} in {arm}" for arm, count in found.customers.items()])
    errors = np.sqrt(np.diag(found.covariance))
    lines = [f"{sizes}{f', in {_in_clusters(found.clusters)}' if found.clusters else ''}"]
    for one, error in zip(found.differences, errors, strict=True):
        what = f"{OUTCOMES[one.outcome].words} to month {one.month}: {one.levels[1]:.4g} under {one.arm}"
        lines.append(f"{what}, {one.levels[0]:.4g} under {one.against}: {one.value:+.4g} (standard error {error:.2g})")
    return [*lines, *(f"doubt: {one}" for one in found.doubts)]


def _in_clusters(clusters: Mapping[str, int]) -> str:
    return listed([f"{counted(count, 'cluster')} of {arm}" for arm, count in clusters.items()])


def readings(given: Any, source: Source, bank: Bank) -> Read:
    """The targets of a calibration file that names a test: each difference, and where a lived bank has the same."""
    if given.months > bank.months:
        what = f"{given.months} are more than the {bank.months} of the scenario; set: {{months: {given.months}}}"
        raise BadInput([source.mistake(("targets", "months"), what)])
    for outcome in given.outcomes:
        for end in given.ends:
            if why := no_figure(OUTCOMES[outcome].kpi, end, bank):
                key = "at" if given.at else "months"
                raise BadInput([source.mistake(("targets", key), f"{outcome} to month {end}: {why}")])
    head = "closure_annual["
    tiers = [kpi.removeprefix(head).removesuffix("]") for kpi in bank.kpis if kpi.startswith(head)]
    path = Path(source.file).parent / given.pilot
    try:
        found = read_pilot(path, given, bank.arms, tiers)
    except BadInput as bad:
        if path.is_file():
            raise
        raise BadInput([source.mistake(("targets", "pilot"), one.message) for one in bad.mistakes]) from None
    errors = np.sqrt(np.diag(found.covariance))
    read = []
    for one, error in zip(found.differences, errors, strict=True):
        name = f"{one.kpi} of {one.arm} less {one.against} to month {one.month}"
        target = Target(name, one.value, float(error), bank.units.get(one.kpi, ""))
        read.append(Reading(target, one.kpi, one.arm, one.against, one.month))
    return Read(read, found.covariance, words_of(found), {"pilot": file_digest(path)})
