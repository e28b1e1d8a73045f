"""Customers followed one by one: what happens to each in a month, in both arms of a pair.

Events are read off the customer's columns before and after a month. Which service failed and who complained stands in
no column, so the draws of that month are looked up once more: the same keys, the same luck.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.codes import ACTIVE, CHANNELS, CLOSED, DORMANT, DRAW_PANEL, DRAW_SERVICE, LANES, NOBODY
from sim.kernel.looking import follow
from sim.kernel.numerics import uniforms

COLUMNS = (
    "state",
    "tier",
    "products",
    "adopted",
    "manager",
    "contact_gap",
    "opted_out",
    "last_channel",
    "contacts",
    "retained",
    "aum",
)
DONE = ("contacts", "retained", "products", "adopted", "tier")  # by which two lives are held against one another


@dataclass(frozen=True)
class Event:
    """Something that happened to a customer: the month, what (words `page.event.*`), and of what kind."""

    month: int
    what: str
    of: str = ""


@dataclass
class Lives:
    """So many customers of month 0 of one bank, those whom a panel would track, and their columns at every month's end.

    `kept` has a list of arrays (followed,) by column, one for each of the `lived` months and month 0; who has left has
    state CLOSED from then on. One thread may read what is `lived` while another adds a month.
    """

    bank: Any
    wanted: int
    lived: int = field(init=False, default=0)
    uid: np.ndarray = field(init=False)
    kept: dict[str, list[np.ndarray]] = field(init=False)

    def __post_init__(self) -> None:
        c = self.bank.customers
        rows = np.flatnonzero(c.state != CLOSED)
        drawn = uniforms(self.bank.seed, DRAW_PANEL, 0, c.uid[rows])[0]
        self.rows = rows[np.lexsort((c.uid[rows], drawn))[: self.wanted]]
        self.uid = c.uid[self.rows].copy()
        self.label = self.bank.pilots.of(self.rows) if self.bank.pilots is not None else np.zeros(self.uid.size, int)
        self.kept = {name: [] for name in (*COLUMNS, "failed", "complained")}
        self._keep(np.zeros(self.uid.size, bool), np.zeros(self.uid.size, bool))

    def look(self) -> None:
        """Keep how everybody stands at the end of the month that was just lived."""
        c = self.bank.customers
        follow(c.uid, c.state, self.uid, self.rows)
        self._keep(*self._served())
        self.lived += 1

    def _keep(self, failed: np.ndarray, complained: np.ndarray) -> None:
        c, here = self.bank.customers, self.rows >= 0
        for name in COLUMNS:
            column = np.zeros(self.uid.size, getattr(c, name).dtype)
            if name == "state":
                column[:] = CLOSED
            column[here] = getattr(c, name)[self.rows[here]]
            self.kept[name].append(column)
        self.kept["failed"].append(failed)
        self.kept["complained"].append(complained)

    def _served(self) -> tuple[np.ndarray, np.ndarray]:
        """Whose service failed in the month, and who complained of it (`kernel.service.serve`)."""
        bank, awake, by_app = self.bank, self.kept["state"][-1] == ACTIVE, self.kept["adopted"][-1] != 0
        draws = uniforms(bank.seed, DRAW_SERVICE, bank.month, self.uid)
        lot = dict(zip(LANES[DRAW_SERVICE], draws, strict=True))
        failed = np.zeros(self.uid.size, bool)
        complains = lot["complaint"] < bank.rates.complain_share
        for label in np.unique(self.label).tolist():
            levers, now = bank.inside.get(label, (bank.levers, bank.now))
            p = bank.rates_in_use(levers)
            risk = np.where(by_app, p.failure_digital, p.failure_other) * now.failure_ratio
            failed |= (self.label == label) & awake & (lot["failure"] < risk)
        return failed, failed & complains

    def events(self, place: int) -> Iterator[Event]:
        """What happened to the customer at this place, in order."""
        course = {name: [one[place] for one in columns[: self.lived + 1]] for name, columns in self.kept.items()}
        for month in range(1, self.lived + 1):
            was = {name: values[month - 1].item() for name, values in course.items()}
            now = {name: values[month].item() for name, values in course.items()}
            if was["state"] == CLOSED:
                return
            if now["failed"]:
                yield Event(month, "complained" if now["complained"] else "failed")
            if now["state"] == CLOSED:
                yield Event(month, "closed", "dormant" if was["state"] == DORMANT else "active")
                return
            yield from _between(month, was, now)

    def fate(self, place: int) -> str:
        """How the customer stands now: active, dormant or closed."""
        return ("active", "dormant", "closed")[int(self.now("state")[place])]

    def now(self, name: str) -> np.ndarray:
        """A column as it stood at the end of the last month."""
        return self.kept[name][self.lived]

    def place_of(self, uid: int) -> int | None:
        """The place of a customer among those followed; None of others."""
        found = np.flatnonzero(self.uid == np.uint64(uid))
        return int(found[0]) if found.size else None


def _between(month: int, was: dict[str, Any], now: dict[str, Any]) -> Iterator[Event]:
    """What the columns of a customer who is still here say of a month."""
    if now["contacts"] > was["contacts"]:
        channel = CHANNELS[now["last_channel"]] if now["last_channel"] != NOBODY else ""
        by_manager = now["manager"] != NOBODY and now["contact_gap"] == 0
        yield Event(month, "called" if by_manager else "contacted", channel)
    if now["retained"] > max(was["retained"], 0):
        yield Event(month, "held")
    if now["retained"] < min(was["retained"], 0):
        yield Event(month, "welcomed")
    if now["products"] != was["products"]:
        yield Event(month, "bought" if now["products"] > was["products"] else "gave_up")
    if now["adopted"] > was["adopted"]:
        yield Event(month, "app")
    if now["opted_out"] & ~was["opted_out"]:
        yield Event(month, "opted_out")
    if now["tier"] != was["tier"]:
        yield Event(month, "up" if now["tier"] > was["tier"] else "down", str(now["tier"]))
    if now["manager"] != was["manager"] and now["manager"] != NOBODY:
        yield Event(month, "manager")
    if now["state"] != was["state"]:
        yield Event(month, "dormant" if now["state"] == DORMANT else "back")


# --- both arms --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Life:
    """One customer in both arms: events of the reference and of the arm, and how each ended so far."""

    uid: int
    tier: int
    events: tuple[tuple[Event, ...], tuple[Event, ...]]
    fates: tuple[str, str]


def life(lives: tuple[Lives, Lives] | list[Lives], uid: int) -> Life | None:
    """The customer's life in both arms; None of one who is not followed."""
    place = lives[0].place_of(uid)
    if place is None:
        return None
    first, second = (tuple(one.events(place)) for one in lives)
    fates = lives[0].fate(place), lives[1].fate(place)
    return Life(uid, int(lives[0].kept["tier"][0][place]), (first, second), fates)


def telling(lives: tuple[Lives, Lives] | list[Lives], most: int = 50) -> list[int]:
    """Customers whose lives differ between the arms: of another fate first, the further apart and the more was done."""
    first, second = lives
    lived = min(first.lived, second.lived)
    ends = first.kept["state"][lived], second.kept["state"][lived]
    differing = np.zeros(first.uid.size, np.int64)  # months in which something else was done
    for month in range(1, lived + 1):
        both = (first.kept["state"][month] != CLOSED) & (second.kept["state"][month] != CLOSED)
        for name in DONE:
            differing += both & (first.kept[name][month] != second.kept[name][month])
    gap = np.abs(ends[0].astype(np.int64) - ends[1])
    order = np.lexsort((-differing, differing == 0, -gap))
    return [int(uid) for uid in first.uid[order][:most]]
