"""The team of relationship managers: who manages whom, whom to contact this month, and what changes at month's end.

Managers choose from what the bank sees (`BankView`), never from hidden traits. Hours and spans count customers, so a
row of weight 7 takes seven customers' time. All sums run in an order fixed by post, priority and uid, so the order of
rows changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import mesa
import numpy as np

from sim.agents.channel import Channel
from sim.agents.channel_settings import Channels
from sim.agents.customer import BankView, Customers, Each, Pairs, parted
from sim.agents.manager import MANAGER_UNITS, Departure, RelationshipManager
from sim.agents.manager_settings import Managers
from sim.agents.proposals import Proposals
from sim.codes import (
    ACTIVE,
    CHANNELS,
    DRAW_MANAGER,
    NO_CAPACITY,
    NO_HOUR,
    NOBODY,
    PROPOSED,
)
from sim.exchange import Alone, Exchange
from sim.exchange.order import Queue, admitted
from sim.kernel.books import Booked, close_books, fit_hours, largest, rows_of_posts
from sim.kernel.inputs import Rates
from sim.kernel.numerics import key_of, uniforms, word_of
from sim.kernel.planning import Habits, Planned, Wishes, look_through, put_down
from sim.kernel.tallies import WEIGHT_UNIT
from sim.levers import Levers, shifted
from sim.tiers import Tier, row, thresholds

if TYPE_CHECKING:
    import pandas as pd

UNIT = float(WEIGHT_UNIT)
POACHED = 5  # purpose of the draw (after DRAW_MANAGER) of managers hired away by a rival


@dataclass
class Event:
    """Something that happened to a post, for `managers.parquet`."""

    month: int
    post: int
    kind: str  # left, hired, book_moved
    customers: float


@dataclass(frozen=True)
class Change:
    """A book changes hands: whether that was prepared, and how much of its customers' bond is left."""

    manager: RelationshipManager
    prepared: bool
    bond_kept: float
    to_rival: bool = False


@dataclass
class MonthOfWork:
    """A month by post: hours asked for (inbound and the contact norm), contacts made, customers in the book."""

    asked: np.ndarray
    contacts: np.ndarray
    books: np.ndarray
    planned: np.ndarray  # contacts made, customers by (tier, channel)

    @classmethod
    def idle(cls, posts: int, tiers: int) -> MonthOfWork:
        """A month in which nobody asks for anything."""
        asked, contacts, books = np.zeros((3, posts))
        return cls(asked, contacts, books, np.zeros((tiers, len(CHANNELS))))


@dataclass
class Team:
    """All posts of the bank."""

    CARRIED: ClassVar = ("left", "hired")  # besides the managers and the events

    model: mesa.Model
    settings: Managers
    tiers: Sequence[Tier]
    seed: int
    rates: Rates  # what customers live by: contact pressure, and what is near a bound
    turnover: bool = True
    channel_settings: Channels = field(default_factory=Channels)
    felt: np.ndarray | None = None  # of posts that changed hands this month: log hazard ratio, and part of bonds kept
    each: Each | None = None  # shares out rows; all at once unless given
    managers: list[RelationshipManager] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    left: int = 0
    hired: int = 0
    dealt: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # rows that were given a manager just now
    exchange: Exchange = field(default_factory=Alone)  # with the shards of one bank, of which each has whole books

    def __post_init__(self) -> None:
        self._known = np.zeros(0, np.int64), np.zeros(0, bool)
        self.coverage = row(self.settings.coverage, self.tiers, np.float64)
        self.span = row(self.settings.span, self.tiers, np.float64)
        self.interval = row(self.settings.contact_months, self.tiers, np.float64)
        self.inbound = row(self.settings.inbound_hours, self.tiers, np.float64)
        self.owned = row(self.settings.owned_loyalty, self.tiers, np.float64)
        mixes = [self.settings.mix.get(t.name, self.settings.mix.get(t.key, {})) for t in self.tiers]
        shares = np.array([[mix.get(name, 0.0) for name in CHANNELS] for mix in mixes])
        self.mix = np.cumsum(shares, axis=1)
        column, p = self.channel_settings.column, self.rates
        instead = np.flatnonzero(column("conversation"))
        reach = np.cumsum(np.diff(self.mix, axis=1, prepend=0.0)[:, instead], axis=1)
        whole = reach[:, -1:]
        self.habits = Habits(
            interval=self.interval,
            mix=self.mix,
            apart=np.append(column("in_app") > 0, True),
            fallback=CHANNELS.index(self.settings.fallback),
            meetings=column("in_branch") > 0,
            instead=instead,
            reach=np.divide(reach, whole, out=np.ones_like(reach), where=whole > 0),
            pressure_memory=p.pressure_memory,
            pressure=p.pressure,
            preferred_relief=p.preferred_relief,
            channel_change=p.channel_change,
        )

    @property
    def tier_of_post(self) -> np.ndarray:
        """Index of the tier whose customers each post has, int64 (posts,)."""
        return self._kinds()[0]

    @property
    def remote_post(self) -> np.ndarray:
        """Which posts serve customers from afar, bool (posts,)."""
        return self._kinds()[1]

    def _kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """What never changes of a post, found anew where posts have been opened."""
        if self._known[0].size != len(self.managers):
            of_tier = np.array([manager.tier for manager in self.managers], np.int64)
            self._known = of_tier, np.array([manager.remote for manager in self.managers], bool)
        return self._known

    # --- posts and books ---------------------------------------------------------------------------------------

    def staff(self, customers: Customers, month: int) -> None:
        """Open the posts of the first month, fill them, and give out the books."""
        self._balance_books(customers, self.coverage, month, first=True)
        self._open(self._remote_posts(customers), 0, month, remote=True, first=True)

    def remember(self, customers: Customers, bond: np.ndarray, wallet: float) -> None:
        """What bonds before today hold is in today's wallets: take it out of the own means they go back to.

        The customers meant are those whom `coverage_before` gave a manager, largest AUM first. `bond` is the standing
        bond by tier, float64 (tiers,), `wallet` the logit that a full one adds.
        """
        before = row(self.settings.coverage_before, self.tiers, np.float64)
        tiers = np.flatnonzero(before > 0).tolist()
        everybody = [np.flatnonzero((customers.tier == k) & (customers.state == ACTIVE)) for k in tiers]
        orders = [rows[np.lexsort((customers.uid[rows], -customers.aum[rows]))] for rows in everybody]
        weights = [customers.weight[order].astype(np.int64) for order in orders]
        (whole,) = self.exchange.total(np.array([weight.sum() for weight in weights], np.int64))
        queues = [
            Queue(_by_aum(customers, order), weight, before[k] * float(total), half=True)
            for k, order, weight, total in zip(tiers, orders, weights, whole, strict=True)
        ]
        for k, order, many in zip(tiers, orders, admitted(self.exchange, queues), strict=True):
            customers.wallet_mean[order[:many]] -= np.float32(wallet * bond[k])

    def befriend(self, customers: Customers, bond: np.ndarray) -> None:
        """The first managers have long had their customers: each bond is the standing one of its tier."""
        rows = self.managed(customers)
        customers.bond[rows] = bond[customers.tier[rows]]

    def _remote_posts(self, customers: Customers) -> int:
        view = BankView(customers)
        upper = thresholds(self.tiers)[1] if len(self.tiers) > 1 else np.inf
        served = (view.state == ACTIVE) & (view.aum >= self.settings.remote_from) & (view.aum < upper)
        (served_weight,) = self.exchange.total(np.array([view.weight[served].sum(dtype=np.int64)]))
        weight = float(served_weight[0]) / UNIT
        return int(np.ceil(weight * self.settings.remote_coverage / self.settings.remote_span - 1e-9))

    def _open(self, count: int, tier: int, month: int, *, remote: bool = False, first: bool = False) -> None:
        """Open posts and fill them."""
        if count <= 0:
            return
        opened = [self.new_post(len(self.managers) + k, tier, remote=remote) for k in range(count)]
        self.managers += opened
        u = self._draws(opened, 1, month)
        for k, manager in enumerate(opened):
            service = int(-self.settings.first_service * np.log(u[2, k])) if first else 0
            manager.begin(u[:, k], min(service, self.settings.first_service_most))

    def new_post(self, number: int, tier: int, *, remote: bool = False) -> RelationshipManager:
        """A post of the team's kind, nobody in it yet."""
        return RelationshipManager(self.model, number, tier, self.settings, remote=remote)

    def frame(self) -> pd.DataFrame:
        """A row a post, index = post: who fills it, what of, how skilled and how busy; a copy.

        `.attrs["units"]` has the unit by column ("" = none). A vacant post keeps what its last manager had.
        """
        import pandas as pd

        rows = [{name: getattr(manager, name) for name in MANAGER_UNITS} for manager in self.managers]
        posts = pd.Index([manager.post for manager in self.managers], name="post")
        found = pd.DataFrame(rows, index=posts, columns=list(MANAGER_UNITS))
        found.insert(1, "tier_name", [self.tiers[manager.tier].name for manager in self.managers])
        found.attrs["units"] = {name: MANAGER_UNITS.get(name, "") for name in found.columns}
        return found

    def _draws(self, managers: Sequence[RelationshipManager], purpose: int, month: int) -> np.ndarray:
        keys = np.array([manager.key() for manager in managers], np.uint64)
        return uniforms(self.seed, DRAW_MANAGER + purpose, month, keys)

    def _posts_of(self, tier: int) -> np.ndarray:
        return np.flatnonzero((self.tier_of_post == tier) & ~self.remote_post)

    def _over(self, customers: Customers, run: Callable[[int, int], Any]) -> list[Any]:
        """What `run` says of all rows, stretch by stretch."""
        return self.each(run, None) if self.each is not None else [run(0, len(customers))]

    def _shared(self, run: Callable[[int, int], Any], pairs: Pairs) -> list[Any]:
        """What `run` says of each of these pairs."""
        return self.each(run, pairs) if self.each is not None else [run(*pair) for pair in pairs]

    def books(self, customers: Customers) -> np.ndarray:
        """Customers by post, float64 (posts,)."""
        rows = self._rows_of(customers)
        weight = customers.weight[rows].astype(np.float64)
        return np.bincount(customers.manager[rows], weight, minlength=len(self.managers)) / UNIT

    def _rows_of(self, customers: Customers, posts: Sequence[int] | None = None) -> np.ndarray:
        """Rows of the customers of these posts, of all unless given, int64."""
        if posts is not None and not posts:
            return np.zeros(0, np.int64)
        wanted = np.full(max(len(self.managers), 1), posts is None)
        wanted[posts if posts is not None else []] = True
        return np.concatenate(self._over(customers, partial(rows_of_posts, customers.manager, wanted)))

    def balance(self, customers: Customers, levers: Levers, month: int) -> None:
        """Move customers to the managers of their tier: release those who changed tier, cover those who wait."""
        coverage = np.array([shifted(c, s) for c, s in zip(self.coverage, levers.coverage, strict=True)])
        self._balance_books(customers, coverage, month)

    def _balance_books(self, customers: Customers, coverage: np.ndarray, month: int, *, first: bool = False) -> None:
        self.dealt = np.zeros(0, np.int64)
        felt, self.felt = self.felt, None
        if not coverage.any() and felt is None:
            return
        tiers, covered, release = len(self.tiers), coverage > 0, bool(coverage.any())
        tier_of_post = np.append(self.tier_of_post, 0)
        prepared = np.int8(-self.settings.change_months)
        changed = np.full((2, tier_of_post.size), np.nan, np.float32) if felt is None else felt
        columns = Booked(*(getattr(customers, name) for name in Booked._fields))

        def close(first: int, last: int) -> tuple[np.ndarray, ...]:
            books, sums = np.zeros(tier_of_post.size, np.int64), np.zeros((2, tiers), np.int64)
            change = *changed, prepared
            lists = close_books(columns, first, last, tier_of_post, release, covered, *change, books, sums)
            return *lists, books, sums

        parts, managed, closed, counted = zip(*self._over(customers, close), strict=True)
        waiting = np.concatenate(parts)
        closed_books, counts = self.exchange.total(np.asarray(sum(closed))[:-1], np.asarray(sum(counted)))
        books, (without, having) = closed_books / UNIT, counts
        places = coverage * ((without + having) / UNIT)
        for k in np.flatnonzero(covered & (without + having > 0)).tolist():
            books = self._open_for(k, float(places[k]), books, month, first=first)
        room = places - having / UNIT
        lines = [(k, k + 1) for k in range(tiers)]
        queues = self._shared(lambda k, _: _first_in_line(customers, waiting, k, room[k]), lines)
        first_ones = admitted(
            self.exchange,
            [
                Queue(_by_aum(customers, queue), customers.weight[queue].astype(np.int64), most, int(taken), half=True)
                for queue, most, taken in zip(queues, places * UNIT, having, strict=True)
            ],
        )
        self._deal(customers, [queue[:many] for queue, many in zip(queues, first_ones, strict=True)], books)
        customers.roll = np.concatenate([*managed, self.dealt])

    def _open_for(self, tier: int, wanted: float, books: np.ndarray, month: int, *, first: bool) -> np.ndarray:
        """Open the posts that a tier lacks for the customers it wants managed; returns the books, with theirs."""
        span = self.span[tier] * (1.0 if first else self.settings.span_slack)
        needed = int(np.ceil(wanted / span - 1e-9)) if wanted > 0 else 0
        more = max(needed - self._posts_of(tier).size, 0)
        self._open(more, tier, month, first=first)
        return np.append(books, np.zeros(more))

    def _deal(self, customers: Customers, queues: Sequence[np.ndarray], books: np.ndarray) -> None:
        """Give those of the whole bank who wait out in rounds, smallest book first; by tier, a queue for each."""
        rows = np.concatenate(queues)
        columns = {name: getattr(customers, name)[rows] for name in ("tier", "aum", "uid", "weight")}
        columns |= {"place": np.arange(rows.size), "shard": np.full(rows.size, self.exchange.mine, np.int32)}
        line = self.exchange.send(columns, to=np.zeros(rows.size, np.int64))  # to one who deals for the whole bank
        order = np.lexsort((line["uid"], -line["aum"], line["tier"]))
        post = np.full(order.size, NOBODY)
        for k in range(len(queues)):
            queue, posts = order[line["tier"][order] == k], self._posts_of(k)
            for start in range(0, queue.size, max(posts.size, 1)):
                hand = queue[start : start + posts.size]
                post[hand] = posts[np.lexsort((posts, books[posts]))][: hand.size]
                books[post[hand]] += line["weight"][hand] / UNIT
        dealt = self.exchange.send({"place": line["place"], "post": post}, to=line["shard"])
        customers.manager[rows[dealt["place"]]] = dealt["post"]
        self.dealt = rows[dealt["place"][dealt["post"] != NOBODY]]
        customers.contact_gap[self.dealt] = 0

    # --- the month's contacts ----------------------------------------------------------------------------------

    def managed(self, customers: Customers) -> np.ndarray:
        """Rows of active customers with a named manager."""
        rows = self._rows_of(customers) if customers.roll is None else customers.roll
        return rows[customers.state[rows] == ACTIVE]

    def plan(
        self,
        customers: Customers,
        channels: Sequence[Channel],
        levers: Levers,
        month: int,
        bank: float,
        branch: float,
        remote: float = 0.0,
        *,
        rows: np.ndarray | None = None,
        proposals: Proposals | None = None,
        pressure_cap: float | np.ndarray | None = None,
        into: np.ndarray | None = None,
    ) -> tuple[np.ndarray, MonthOfWork]:
        """Whom managers contact this month, and where: int8 by row, channel and purpose, -1 = nobody wants to.

        A wish that is lost stands there too: below `codes.LOST`, what for and at what.

        Hours go to what customers ask for first, then to contacts due, most important first, then to what strategies
        propose, until the month's hours are used; then channels carry what they can. `bank` is the number of
        customers, `branch` what is left of branch capacity, `remote` the least share of contacts that must be held
        outside it. `proposals` are over `rows`, the managed customers; no contact lifts the pressure above
        `pressure_cap`, one number or one by managed customer (the lever's, unless given). The plan is written
        to `into`, an array of -1, if there is one.
        """
        plan = np.full(len(customers), NOBODY, np.int8) if into is None else into[: len(customers)]
        rows = self.managed(customers) if rows is None else rows
        cap = np.atleast_1d(np.asarray(levers.pressure_cap if pressure_cap is None else pressure_cap, np.float32))
        mass, wishes = self._looked_through(customers, rows, month, 1.0 - remote, cap, proposals, plan)
        hours_of = np.array([c.settings.hours for c in channels]) * np.exp(levers.log_contact_hours)
        norm = np.diff(self.mix, axis=1, prepend=0.0) @ hours_of / self.interval
        inbound = mass @ self.inbound
        asked = inbound + mass @ norm
        free = np.maximum(self.settings.hours_per_month * np.exp(levers.log_hours) - inbound, 0.0)
        free[[m.post for m in self.managers if m.vacant]] = 0.0

        end = np.full(wishes.rows.size, NO_HOUR, np.int8)
        fits = np.flatnonzero(self._in_hours(customers, wishes, hours_of, free))
        end[fits] = self._carried(channels, Wishes(*(column[fits] for column in wishes)), bank, branch)
        contacts, planned = np.zeros(len(self.managers), np.int64), np.zeros((len(self.tiers), len(CHANNELS)), np.int64)
        put_down(wishes, end, plan, contacts, planned)
        return plan, MonthOfWork(asked, contacts / UNIT, mass.sum(axis=1), planned / UNIT)

    def _looked_through(
        self,
        customers: Customers,
        rows: np.ndarray,
        month: int,
        most: float,
        cap: np.ndarray,
        proposals: Proposals | None,
        plan: np.ndarray,
    ) -> tuple[np.ndarray, Wishes]:
        """Customers by post and tier, float64 (posts, tiers), and the wishes for these managed rows."""
        shape = max(len(self.managers), 1), len(self.tiers)
        columns = Planned(*(getattr(customers, name) for name in Planned._fields))
        many = 0 if proposals is None else rows.size
        priority, purpose = np.zeros(many), np.zeros(many, np.int8)
        if proposals is not None:
            priority[proposals.rows], purpose[proposals.rows] = proposals.priority, proposals.purpose | PROPOSED
        key = word_of(month), *key_of(self.seed)

        def look(first: int, last: int) -> tuple[np.ndarray, Wishes]:
            mass, by = np.zeros(shape, np.int64), self.habits
            part = rows, first, last, by, most, cap, priority, purpose
            return mass, look_through(columns, *part, *key, mass, plan)

        parts = self._shared(look, parted(rows.size))
        masses, wishes = zip(*parts, strict=True)
        whole = (
            wishes[0] if len(parts) == 1 else Wishes(*(np.concatenate(column) for column in zip(*wishes, strict=True)))
        )
        return np.asarray(sum(masses))[: len(self.managers)] / UNIT, whole

    def _carried(self, channels: Sequence[Channel], wishes: Wishes, bank: float, branch: float) -> np.ndarray:
        """What becomes of wishes that fit managers' hours: int8, `NO_CAPACITY` or -1 = a contact.

        Channels carry those of the whole bank that come first.
        """
        (asked,) = self.exchange.total(np.bincount(wishes.channel, wishes.weight, minlength=len(channels)) / UNIT)
        left = [branch if one.settings.in_branch else 1.0 for one in channels]
        full = [one for one in channels if not one.carries(float(asked[one.number]), bank, left[one.number])]
        of_channel = [np.flatnonzero(wishes.channel == one.number) for one in full]
        keys = [(wishes.queue[mine], -wishes.aum[mine].astype(np.float64), wishes.uid[mine]) for mine in of_channel]
        orders = [np.lexsort(key[::-1]) for key in keys]
        queues = [
            Queue(
                tuple(part[order] for part in key),
                wishes.weight[mine[order]],
                one.capacity(bank, left[one.number]) * UNIT,
            )
            for one, mine, key, order in zip(full, of_channel, keys, orders, strict=True)
        ]
        end = np.full(wishes.rows.size, NOBODY, np.int8)
        for mine, order, many in zip(of_channel, orders, admitted(self.exchange, queues), strict=True):
            end[mine[order[many:]]] = NO_CAPACITY
        return end

    def _in_hours(self, customers: Customers, wishes: Wishes, hours_of: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Which contacts fit the hours free at their post, a mask; what is due goes before what managers prefer."""
        fits = np.empty(wishes.rows.size, bool)
        keys = np.array([wishes.queue, *self._priority(customers, wishes)[::-1]], np.float64)
        fit = partial(fit_hours, wishes.post, wishes.channel, wishes.weight, hours_of, keys, wishes.uid, free, fits)
        turns = len(parted(wishes.rows.size))
        self._shared(fit, [(turn, turns) for turn in range(turns)])
        return fits

    def _priority(self, customers: Customers, wishes: Wishes) -> tuple[np.ndarray, ...]:
        """Sort keys, least important first as `lexsort` wants them; smaller comes first."""
        if self.settings.allocation == "round_robin":
            return (-wishes.aum, -customers.contact_gap[wishes.rows].astype(np.int64))
        if self.settings.allocation == "near_threshold":
            ceiling = np.append(thresholds(self.tiers)[1:], np.inf)[wishes.tier]
            near = wishes.aum >= self.rates.near_threshold * ceiling
            return (-wishes.aum, ~near)
        return (-wishes.aum,)

    # --- the managers' own month -------------------------------------------------------------------------------

    def quality(self) -> np.ndarray:
        """Service quality by post, SD, float32; one spare entry so that it is never empty."""
        return np.array([m.quality() for m in self.managers] + [0.0], np.float32)

    def close_month(self, customers: Customers, work: MonthOfWork, levers: Levers, month: int) -> None:
        """Workload, learning, fatigue; who leaves, who is hired, which books move."""
        hours = self.settings.hours_per_month * float(np.exp(levers.log_hours))
        self.left = self.hired = 0
        if not self.managers:
            return
        leaves, planned, rival, moves = self._draws(self.managers, 2, month).tolist()
        asked, contacts = work.asked.tolist(), work.contacts.tolist()
        ratio = float(np.exp(levers.log_manager_exit))
        vacancy = self._vacancy(levers)
        unprepared = float(np.exp(levers.log_unprepared))
        moved = 1.0 - float(np.exp(-self.settings.reorganisation / 12.0))
        changes: list[Change] = []
        for manager in self.managers:
            post = manager.post
            known = post < len(asked)
            manager.work(asked[post] if known else 0.0, hours, contacts[post] if known else 0.0)
            manager.train(levers.train_professional, levers.train_digital)
            if manager.vacant:
                manager.vacant_months -= 1
                if not manager.vacant:
                    self._hire(manager, month, work)
            elif self.turnover and leaves[post] < manager.exit_chance(ratio):
                how = manager.leave(planned[post], rival[post], vacancy=vacancy, unprepared=unprepared)
                changes.append(self._part(manager, how, month, work))
            elif self.turnover and not manager.remote and moves[post] < moved:
                changes.append(Change(manager, True, self.settings.bond_kept))
                self._note(month, post, "book_moved", work)
        self._upset(customers, changes)

    def _vacancy(self, levers: Levers) -> int:
        """Months that a post stays empty from now on, at least one."""
        return max(round(self.settings.vacancy_months * float(np.exp(levers.log_vacancy))), 1)

    def poach(self, customers: Customers, chance: np.ndarray, work: MonthOfWork, levers: Levers, month: int) -> None:
        """A rival hires named managers away, each with the chance of the tier, without a hand-over."""
        if not chance.any() or not self.managers:
            return
        u = self._draws(self.managers, POACHED, month)[0]
        changes = []
        for manager in self.managers:
            if not manager.remote and not manager.vacant and u[manager.post] < chance[manager.tier]:
                manager.leave(0.0, 0.0, vacancy=self._vacancy(levers))
                changes.append(self._part(manager, Departure(planned=False, to_rival=True), month, work))
        self._upset(customers, changes)

    def _hire(self, manager: RelationshipManager, month: int, work: MonthOfWork) -> None:
        manager.hire += 1
        manager.begin(self._draws([manager], 1, month)[:, 0], 0)
        self.hired += 1
        self._note(month, manager.post, "hired", work)

    def _part(self, manager: RelationshipManager, how: Departure, month: int, work: MonthOfWork) -> Change:
        """A manager leaves: customers will feel the change."""
        self.left += 1
        self._note(month, manager.post, "left", work)
        return Change(manager, how.planned, 0.0, to_rival=how.to_rival)

    def _upset(self, customers: Customers, changes: Sequence[Change]) -> None:
        """Books changed hands: some customers follow to a rival from now on; all feel it when books are closed."""
        s = self.settings
        changes = [change for change in changes if not change.manager.remote]
        if not changes:
            return
        if self.felt is None:
            self.felt = np.full((2, len(self.managers) + 1), np.nan, np.float32)
        everybody = self._rows_of(customers, [change.manager.post for change in changes if change.to_rival])
        for change in changes:
            post = change.manager.post
            kept_before = self.felt[1, post] if self.felt[1, post] >= 0 else np.float32(1.0)
            if change.to_rival:
                rows = everybody[customers.manager[everybody] == post]
                bond = customers.bond[rows] * kept_before
                chance = np.clip(self.owned[change.manager.tier] * bond * s.follow, 0.0, 0.95)
                customers.follow[rows] = -np.log1p(-chance) / s.follow_months
                customers.follow_months[rows] = s.follow_months
            felt = -s.change_months if change.prepared else s.change_months
            self.felt[:, post] = felt, kept_before * np.float32(change.bond_kept)

    def _note(self, month: int, post: int, kind: str, work: MonthOfWork) -> None:
        customers = float(work.books[post]) if post < work.books.size else 0.0
        self.events.append(Event(month, post, kind, customers))


def _first_in_line(customers: Customers, rows: np.ndarray, tier: int, places: float) -> np.ndarray:
    """The first of these rows, of a tier, by (largest AUM, uid): enough for so many places, and hardly more."""
    if places <= 0 or rows.size == 0:
        return rows[:0]
    rows = largest(customers.aum, customers.weight, customers.tier, tier, rows, UNIT * places)
    return rows[np.lexsort((customers.uid[rows], -customers.aum[rows]))]


def _by_aum(customers: Customers, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What these rows stand in order by, largest AUM first."""
    return -customers.aum[rows].astype(np.float64), customers.uid[rows]
