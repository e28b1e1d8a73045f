"""What is lived once a seed, and which stylised facts are read off it (SPEC 9.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.validation import cohorts, contacts, customers, economy, events, managers, models, strategies
from sim.validation.banks import scenario

PANEL = 30_000
MONTHS, BURN_IN, YEAR = 60, 24, 12
DESK_MONTHS = 24
PAIRING = "pairing"  # figures of every arm and seed, for what pairing wins: no fact

Found = dict[str, customers.Figures]  # figures by fact, its name in small letters


@dataclass(frozen=True)
class Size:
    """How large the banks are; the SPEC's tolerances are meant for the default."""

    customers: int = 200_000

    @property
    def large(self) -> int:
        """Customers of the bank whose managers are counted: five times as many, upper tiers one row a customer."""
        return 5 * self.customers


def baseline(size: Size, seed: int) -> Found:
    """Defaults, nothing changed."""
    s = scenario(size.customers, months=MONTHS, burn_in=BURN_IN, record={"panel": min(PANEL, size.customers)})
    run = customers.run(s, seed)
    out = {name: getattr(customers, name)(run) for name in ("v1", "v2", "v3", "v4", "v7", "v8", "v10", "v15")}
    return out | {"v16": events.v16(run), "v17": models.v17(run), "e9": economy.e9(run)}


def calls(size: Size, seed: int) -> Found:
    """Everybody is phoned every month, always answers and is always offered a product; nobody buys unasked."""
    n = size.customers // 10
    silent = {"campaign": dict.fromkeys(("mass", "affluent", "wealth", "private"), 0.0)}
    s = scenario(
        n,
        months=36,
        record={"panel": n},
        model={"products": {"loss": 0.0, "own_share": 0.0}, "contacts": {"push": 1.0}},
        channels={
            "phone": {"reach": 1.0, "campaign": dict.fromkeys(("mass", "affluent", "wealth", "private"), 1.0)},
            "messaging": silent,
            "app": silent,
        },
    )
    return {"v12": customers.v12(customers.run(s, seed))}


def departures(size: Size, seed: int) -> Found:
    """A bank five times as large, its upper tiers one to one, so that there are managers enough to count."""
    return managers.departures(size.large, size.customers, MONTHS, BURN_IN, seed)


def capacity(size: Size, seed: int) -> Found:
    """The same large bank from the same first day under five sizes of wealth books, and under a doubled norm."""
    return {"v20": managers.capacity(size.large, size.customers * 3 // 5, DESK_MONTHS, seed)}


def keeping(size: Size, seed: int) -> Found:
    """Retention calls by every policy, and nothing else."""
    return contacts.calls_that_keep(size.customers, 24, seed)


def outreach(size: Size, seed: int) -> Found:
    """Retention calls among all others, as an export shows them."""
    return contacts.outreach(size.large, size.customers // 2, size.customers // 5, 24, seed)


def pressure(size: Size, seed: int) -> Found:
    """None to six phone calls a quarter."""
    return contacts.pressure(size.customers * 3 // 10, 30, seed)


def moves(size: Size, seed: int) -> Found:
    """The large bank with and without what a change of tier does."""
    return events.tier_changes(size.large, size.customers, 30, seed)


def app(size: Size, seed: int) -> Found:
    """Half the bank with and without further uptake of the app."""
    return events.app(size.customers // 2, 36, seed)


def yields(size: Size, seed: int) -> Found:
    """Half the bank through a year of internet finance."""
    return events.yields(size.customers // 2, seed)


def hearsay(size: Size, seed: int) -> Found:
    """The bank told of leavers."""
    return events.word_of_mouth(size.customers, seed)


def scores(size: Size, seed: int) -> Found:
    """The bank's churn score."""
    return models.scores(size.customers, seed)


def every_strategy(size: Size, seed: int) -> Found:
    """All arms of the standard comparison on a tenth of the bank."""
    return strategies.strategies(size.customers // 10, MONTHS, seed)


def dips(size: Size, seed: int) -> Found:
    """The first half-year of all arms in the large bank."""
    return strategies.dips(size.large, size.customers, seed)


def worth(size: Size, seed: int) -> Found:
    """The large bank, a quarter of its rows, without named managers in one tier after the other."""
    return economy.worth(size.large, size.large // 20, MONTHS, BURN_IN, seed)


def tariff(size: Size, seed: int) -> Found:
    """What a customer earns the bank, in closed form."""
    return economy.tariff()


def books(size: Size, seed: int) -> Found:
    """The large bank's wealth books, year by year."""
    return economy.books(size.large, size.customers, MONTHS, BURN_IN, seed)


def small_books(size: Size, seed: int) -> Found:
    """Three years of the large bank with small wealth books."""
    return economy.small_books(size.large, size.customers * 3 // 5, 36, BURN_IN, seed)


def lasting_quality(size: Size, seed: int) -> Found:
    """Half the bank, seven years, served better for good."""
    return economy.lasting_quality(size.customers // 2, 7, seed)


def untouched(size: Size, seed: int) -> Found:
    """A tenth of the bank under a strategy that touches managers alone."""
    return economy.untouched(size.customers // 10, YEAR, seed)


def campaign(size: Size, seed: int) -> Found:
    """Six months of calls."""
    return economy.campaign(size.customers, seed)


def closed_forms(size: Size, seed: int) -> Found:
    """Formulas that the model is held against, for one seed alone."""
    return economy.closed_forms()


def raised(size: Size, seed: int) -> Found:
    """Everybody more satisfied for once."""
    return economy.raised(size.customers, seed)


def recommended(size: Size, seed: int) -> Found:
    """Who joined, recommended or not."""
    return economy.recommended(size.customers, MONTHS, BURN_IN, seed)


@dataclass(frozen=True)
class Experiment:
    """One experiment: what lives it, the facts that it has figures of, `times` as many seeds as asked for.

    With `once` it is the same whatever the seed, and lived with the first alone.
    """

    live: Callable[[Size, int], Found]
    facts: tuple[str, ...]
    times: int = 1
    once: bool = False

    @property
    def name(self) -> str:
        """As its function is called."""
        return self.live.__name__

    def seeds(self, asked: Sequence[int]) -> list[int]:
        """Seeds that it is lived with: those asked for, and where more are needed those that follow."""
        if self.once:
            return list(asked[:1])
        more = len(asked) * (self.times - 1)
        return [*asked, *range(max(asked) + 1, max(asked) + 1 + more)]


def frail(size: Size, seed: int) -> Found:
    """Half the bank with frailty and nothing else, five years."""
    return cohorts.frailty_alone(size.customers // 2, 5, seed)


def asked(size: Size, seed: int) -> Found:
    """Half the bank asked, and followed for a year."""
    return cohorts.asked_and_followed(size.customers // 2, seed)


EXPERIMENTS = (
    Experiment(every_strategy, ("V21", "E6"), times=2),
    Experiment(baseline, ("V1", "V2", "V3", "V4", "V7", "V8", "V10", "V15", "V16", "V17", "E9")),
    Experiment(calls, ("V12",)),
    Experiment(departures, ("V13", "V3", "V5")),
    Experiment(capacity, ("V20",)),
    Experiment(keeping, ("V9", "V18", "V19")),
    Experiment(outreach, ("V9",)),
    Experiment(pressure, ("V11",)),
    Experiment(moves, ("V14",)),
    Experiment(app, ("V16",)),
    Experiment(yields, ("V22",)),
    Experiment(hearsay, ("V23",)),
    Experiment(scores, ("V17",)),
    Experiment(dips, ("V21",)),
    Experiment(worth, ("E1",), times=2),
    Experiment(tariff, ("E2",), once=True),
    Experiment(books, ("E3",)),
    Experiment(small_books, ("E3",)),
    Experiment(lasting_quality, ("E4",)),
    Experiment(untouched, ("E5",)),
    Experiment(campaign, ("E7",)),
    Experiment(closed_forms, ("E8",), once=True),
    Experiment(raised, ("E9",)),
    Experiment(recommended, ("V24",)),
    Experiment(frail, ("V6",)),
    Experiment(asked, ("V25", "V27")),
)
BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}


def needed(facts: Sequence[str]) -> list[Experiment]:
    """Experiments that have figures of these facts."""
    return [experiment for experiment in EXPERIMENTS if set(experiment.facts) & set(facts)]
