"""The team of relationship managers: who manages whom, whom to contact this month, and what changes at month's end.

Managers choose from what the bank sees (`BankView`), never from hidden traits. Hours and spans count customers, so a
row of weight 7 takes seven customers' time. All sums run in an order fixed by post, priority and uid, so the order of
rows changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import mesa
import numpy as np

from sim.agents.channel import Channel
from sim.agents.channel_settings import Channels
from sim.agents.customer import BankView, Customers
from sim.agents.manager import MANAGER_UNITS, Departure, RelationshipManager
from sim.agents.manager_settings import Managers
from sim.agents.proposals import Proposals
from sim.codes import (
    ACTIVE,
    CHANNELS,
    DRAW_MANAGER,
    DRAW_PLAN,
    DUE,
    FOLLOW,
    KEEP,
    LEAD,
    LOST,
    NO_CAPACITY,
    NO_HOUR,
    NOBODY,
    OFFER,
    PROPOSED,
    RETENTION,
    SILENCED,
    SPARED,
)
from sim.exchange import Alone, Exchange
from sim.exchange.order import Queue, admitted
from sim.kernel.inputs import Rates
from sim.kernel.numerics import uniforms
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


@dataclass
class MonthOfWork:
    """A month by post: hours asked for (inbound and the contact norm), contacts made, customers in the book."""

    asked: np.ndarray
    contacts: np.ndarray
    books: np.ndarray


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
    managers: list[RelationshipManager] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    left: int = 0
    hired: int = 0
    dealt: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # rows that were given a manager just now
    exchange: Exchange = field(default_factory=Alone)  # with the shards of one bank, of which each has whole books

    def __post_init__(self) -> None:
        self.coverage = row(self.settings.coverage, self.tiers, np.float64)
        self.span = row(self.settings.span, self.tiers, np.float64)
        self.interval = row(self.settings.contact_months, self.tiers, np.float64)
        self.inbound = row(self.settings.inbound_hours, self.tiers, np.float64)
        self.owned = row(self.settings.owned_loyalty, self.tiers, np.float64)
        mixes = [self.settings.mix.get(t.name, self.settings.mix.get(t.key, {})) for t in self.tiers]
        shares = np.array([[mix.get(name, 0.0) for name in CHANNELS] for mix in mixes])
        self.mix = np.cumsum(shares, axis=1)
        self.fallback = CHANNELS.index(self.settings.fallback)
        self.meetings = self.channel_settings.column("in_branch") > 0
        self.apart = np.append(self.channel_settings.column("in_app") > 0, True)  # where no manager plans a contact
        self.instead = np.flatnonzero(self.channel_settings.column("conversation"))

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
        orders = [self._largest_first(customers, self._active_in(customers, k)) for k in tiers]
        weights = [customers.weight[order].astype(np.int64) for order in orders]
        (whole,) = self.exchange.total(np.array([weight.sum() for weight in weights], np.int64))
        known = admitted(
            self.exchange,
            [
                Queue(_by_aum(customers, order), weight, before[k] * float(total), half=True)
                for k, order, weight, total in zip(tiers, orders, weights, whole, strict=True)
            ],
        )
        for k, order, many in zip(tiers, orders, known, strict=True):
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
        return np.array([m.post for m in self.managers if m.tier == tier and not m.remote], np.int64)

    def books(self, customers: Customers) -> np.ndarray:
        """Customers by post, float64 (posts,)."""
        managed = customers.manager != NOBODY
        weight = customers.weight[managed].astype(np.float64)
        return np.bincount(customers.manager[managed], weight, minlength=len(self.managers)) / UNIT

    def balance(self, customers: Customers, levers: Levers, month: int) -> None:
        """Move customers to the managers of their tier: release those who changed tier, cover those who wait."""
        coverage = np.array([shifted(c, s) for c, s in zip(self.coverage, levers.coverage, strict=True)])
        self._balance_books(customers, coverage, month)

    def _balance_books(self, customers: Customers, coverage: np.ndarray, month: int, *, first: bool = False) -> None:
        if not coverage.any():
            return
        post_tier = np.array([m.tier for m in self.managers], np.int64)
        manager = customers.manager
        managed = np.flatnonzero(manager != NOBODY)
        strayed = managed[post_tier[manager[managed]] != customers.tier[managed]]
        manager[strayed] = NOBODY
        customers.manager_shock[strayed] = self.settings.change_planned
        customers.manager_shock_months[strayed] = self.settings.change_months
        customers.bond[strayed] = 0.0
        tiers = np.flatnonzero(coverage > 0).tolist()
        actives = [self._active_in(customers, k) for k in tiers]
        queues = [self._largest_first(customers, rows[manager[rows] == NOBODY]) for rows in actives]
        sums = [[customers.weight[rows].sum(dtype=np.int64) for rows in of_tier] for of_tier in (actives, queues)]
        (whole, waiting), books = self.exchange.total(np.array(sums, np.int64), self.books(customers))
        wanted = coverage[tiers] * (whole / UNIT)
        for k, all_of_them, customers_wanted in zip(tiers, whole, wanted.tolist(), strict=True):
            if all_of_them:
                books = self._open_for(k, customers_wanted, books, month, first=first)
        first_ones = admitted(
            self.exchange,
            [
                Queue(_by_aum(customers, queue), customers.weight[queue].astype(np.int64), room, int(taken), half=True)
                for queue, room, taken in zip(queues, wanted * UNIT, whole - waiting, strict=True)
            ],
        )
        self._deal(customers, tiers, [queue[:many] for queue, many in zip(queues, first_ones, strict=True)], books)

    def _open_for(self, tier: int, wanted: float, books: np.ndarray, month: int, *, first: bool) -> np.ndarray:
        """Open the posts that a tier lacks for the customers it wants managed; returns the books, with theirs."""
        span = self.span[tier] * (1.0 if first else self.settings.span_slack)
        needed = int(np.ceil(wanted / span - 1e-9)) if wanted > 0 else 0
        more = max(needed - self._posts_of(tier).size, 0)
        self._open(more, tier, month, first=first)
        return np.append(books, np.zeros(more))

    def _deal(self, customers: Customers, tiers: list[int], queues: list[np.ndarray], books: np.ndarray) -> None:
        """Give waiting customers of the whole bank out in rounds, smallest book first."""
        rows = np.concatenate(queues) if queues else np.zeros(0, np.int64)
        waiting = {
            "tier": customers.tier[rows],
            "aum": customers.aum[rows],
            "uid": customers.uid[rows],
            "weight": customers.weight[rows],
            "shard": np.full(rows.size, self.exchange.mine, np.int32),
        }
        waiting = self.exchange.gather(waiting)
        order = np.lexsort((waiting["uid"], -waiting["aum"], waiting["tier"]))
        tier, weight = waiting["tier"][order], waiting["weight"][order] / UNIT
        dealt = np.full(order.size, NOBODY, np.int64)
        for k in tiers:
            queue, posts = np.flatnonzero(tier == k), self._posts_of(k)
            for start in range(0, queue.size, max(posts.size, 1)):
                hand = queue[start : start + posts.size]
                dealt[hand] = posts[np.lexsort((posts, books[posts]))][: hand.size]
                books[dealt[hand]] += weight[hand]
        given = dealt[waiting["shard"][order] == self.exchange.mine]
        customers.manager[rows] = given
        self.dealt = rows[given != NOBODY]
        customers.contact_gap[self.dealt] = 0

    @staticmethod
    def _active_in(customers: Customers, tier: int) -> np.ndarray:
        """Rows of the active customers of a tier."""
        return np.flatnonzero((customers.tier == tier) & (customers.state == ACTIVE))

    @staticmethod
    def _largest_first(customers: Customers, rows: np.ndarray) -> np.ndarray:
        """Rows by AUM, largest first."""
        return rows[np.lexsort((customers.uid[rows], -customers.aum[rows]))]

    # --- the month's contacts ----------------------------------------------------------------------------------

    def managed(self, customers: Customers) -> np.ndarray:
        """Rows of active customers with a named manager."""
        return np.flatnonzero((customers.manager != NOBODY) & (customers.state == ACTIVE))

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
    ) -> tuple[np.ndarray, MonthOfWork]:
        """Whom managers contact this month, and where: int8 by row, channel and purpose, -1 = nobody wants to.

        A wish that is lost stands there too: below `codes.LOST`, what for and at what.

        Hours go to what customers ask for first, then to contacts due, most important first, then to what strategies
        propose, until the month's hours are used; then channels carry what they can. `bank` is the number of
        customers, `branch` what is left of branch capacity, `remote` the least share of contacts that must be held
        outside it. `proposals` are over `rows`, the managed customers; no contact lifts the pressure above
        `pressure_cap`, one number or one by customer (the lever's, unless given).
        """
        plan = np.full(len(customers), NOBODY, np.int8)
        posts = len(self.managers)
        rows = self.managed(customers) if rows is None else rows
        view = BankView(customers, rows)
        post, tier, weight = view.manager, view.tier, view.weight / UNIT
        hours_of = np.array([c.settings.hours for c in channels]) * np.exp(levers.log_contact_hours)
        tiers = len(self.tiers)
        of_tier = np.bincount(post * tiers + tier, weight, minlength=posts * tiers).reshape(posts, tiers)
        books, inbound = of_tier.sum(axis=1), (of_tier * self.inbound).sum(axis=1)
        norm = np.diff(self.mix, axis=1, prepend=0.0) @ hours_of / self.interval
        asked = inbound + (of_tier * norm).sum(axis=1)
        free = np.maximum(self.settings.hours_per_month * np.exp(levers.log_hours) - inbound, 0.0)
        free[[m.post for m in self.managers if m.vacant]] = 0.0

        due = customers.contact_gap[rows] + 1 >= self.interval[tier]
        wanted, wish, purpose = due, np.zeros(rows.size), np.zeros(rows.size, np.int8)
        if proposals is not None and proposals.rows.size:
            wanted = due.copy()
            wanted[proposals.rows] = True
            wish[proposals.rows] = proposals.priority
            purpose[proposals.rows] = proposals.purpose | PROPOSED
        chosen = np.flatnonzero(wanted)
        keys = [key[chosen] for key in self._priority(view)]
        queue = np.where(due[chosen], -np.inf, -wish[chosen])  # what is due stands before every wish
        order = np.lexsort((view.uid[chosen], *keys, queue, post[chosen]))
        chosen = chosen[order]
        rows, post, tier, weight = rows[chosen], post[chosen], tier[chosen], weight[chosen]
        purpose, queue = purpose[chosen], queue[order]
        u = uniforms(self.seed, DRAW_PLAN, month, customers.uid[rows])
        drawn = (u[0][:, None] >= self.mix[tier]).sum(axis=1)
        channel = np.where(self.apart[drawn], self.fallback, drawn)
        if remote > 0:
            channel = self._remotely(channel, tier, u, 1.0 - remote)
        barred = customers.opted_out[rows]
        channel = np.where((barred >> channel) & 1, self.fallback, channel)
        silenced = ((barred >> channel) & 1) != 0
        spared = np.zeros(rows.size, bool)
        cap = levers.pressure_cap if pressure_cap is None else pressure_cap
        if np.isfinite(cap).any():
            cap = cap[rows] if isinstance(cap, np.ndarray) else cap
            spared = self._pressure_after(customers, rows, channel) > cap
        plan[rows] = _lost(purpose, np.where(silenced, SILENCED, SPARED))
        allowed = ~(silenced | spared)
        rows, post, weight, channel, purpose, queue = _only(allowed, rows, post, weight, channel, purpose, queue)
        cost = weight * hours_of[channel]
        fits = _within(post, cost, free)
        plan[rows] = _lost(purpose, np.where(fits, NO_CAPACITY, NO_HOUR))
        rows, post, weight, channel, purpose, queue = _only(fits, rows, post, weight, channel, purpose, queue)
        made = self._carried(customers, channels, rows, channel, queue, bank, branch)
        plan[rows[made]] = channel[made] | purpose[made]
        contacts = np.bincount(post[made], weight[made], minlength=posts)
        return plan, MonthOfWork(asked, contacts, books)

    def _carried(
        self,
        customers: Customers,
        channels: Sequence[Channel],
        rows: np.ndarray,
        channel: np.ndarray,
        queue: np.ndarray,
        bank: float,
        branch: float,
    ) -> np.ndarray:
        """Which of the contacts asked for the channels carry, most important of the whole bank first: a mask."""
        weight = customers.weight[rows].astype(np.int64)
        (asked,) = self.exchange.total(np.bincount(channel, weight, minlength=len(channels)))
        rooms = [one.room(asked[one.number] / UNIT, bank, branch) * UNIT for one in channels]
        full = [one.number for one in channels if asked[one.number] > rooms[one.number]]
        made = np.ones(rows.size, bool)
        if not full:
            return made
        rank = np.lexsort((customers.uid[rows], -customers.aum[rows], queue))
        lists = [rank[channel[rank] == number] for number in full]
        queues = [
            Queue((queue[one], *_by_aum(customers, rows[one])), weight[one], rooms[number])
            for number, one in zip(full, lists, strict=True)
        ]
        for one, many in zip(lists, admitted(self.exchange, queues), strict=True):
            made[one[many:]] = False
        return made

    def _pressure_after(self, customers: Customers, rows: np.ndarray, channel: np.ndarray) -> np.ndarray:
        """Contact pressure of customers after a contact in these channels, float32: the law that `kernel.contacts` has.

        It is the channels that keep the cap, as they do for campaigns, so it may know the channel a customer likes
        best, which managers do not.
        """
        p, last = self.rates, customers.last_channel[rows]
        easy = np.where(channel == customers.preferred[rows], p.preferred_relief, np.float32(1.0))
        switched = np.where((last >= 0) & (last != channel), p.channel_change, np.float32(1.0))
        return customers.pressure[rows] * p.pressure_memory + p.pressure[channel] * easy * switched

    def _remotely(self, channel: np.ndarray, tier: np.ndarray, u: np.ndarray, most: float) -> np.ndarray:
        """At most the share `most` of a tier's contacts stay meetings in the branch; the rest are calls or video.

        A meeting that cannot be held is moved by its own second draw, in the tier's proportion of the channels of
        conversations, so every other contact stays what it was. int64 (contacts,).
        """
        if self.instead.size == 0:
            return np.where(self.meetings[channel] & (u[0] >= most), self.fallback, channel)
        reach = np.cumsum(np.diff(self.mix, axis=1, prepend=0.0)[:, self.instead], axis=1)
        whole = reach[:, -1:]
        edges = np.divide(reach, whole, out=np.ones_like(reach), where=whole > 0)
        moved = self.instead[np.minimum((u[1][:, None] >= edges[tier]).sum(axis=1), self.instead.size - 1)]
        return np.where(self.meetings[channel] & (u[0] >= most), moved, channel)

    def _priority(self, view: BankView) -> tuple[np.ndarray, ...]:
        """Sort keys, least important first as `lexsort` wants them; smaller comes first."""
        if self.settings.allocation == "round_robin":
            return (-view.aum, -view.contact_gap.astype(np.int64))
        if self.settings.allocation == "near_threshold":
            ceiling = np.append(thresholds(self.tiers)[1:], np.inf)[view.tier]
            near = view.aum >= self.rates.near_threshold * ceiling
            return (-view.aum, ~near)
        return (-view.aum,)

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
        u = self._draws(self.managers, 2, month)
        ratio = float(np.exp(levers.log_manager_exit))
        vacancy = self._vacancy(levers)
        unprepared = float(np.exp(levers.log_unprepared))
        moved = 1.0 - np.exp(-self.settings.reorganisation / 12.0)
        for manager in self.managers:
            post = manager.post
            known = post < work.asked.size
            manager.work(work.asked[post] if known else 0.0, hours, work.contacts[post] if known else 0.0)
            manager.train(levers.train_professional, levers.train_digital)
            if manager.vacant:
                manager.vacant_months -= 1
                if not manager.vacant:
                    self._hire(manager, month, work)
            elif self.turnover and u[0, post] < manager.exit_chance(ratio):
                how = manager.leave(float(u[1, post]), float(u[2, post]), vacancy=vacancy, unprepared=unprepared)
                self._part(customers, manager, how, month, work)
            elif self.turnover and not manager.remote and u[3, post] < moved:
                self._upset(customers, post, self.settings.change_planned, keep_bond=self.settings.bond_kept)
                self._note(month, post, "book_moved", work)

    def _vacancy(self, levers: Levers) -> int:
        """Months that a post stays empty from now on, at least one."""
        return max(round(self.settings.vacancy_months * float(np.exp(levers.log_vacancy))), 1)

    def poach(self, customers: Customers, chance: np.ndarray, work: MonthOfWork, levers: Levers, month: int) -> None:
        """A rival hires named managers away, each with the chance of the tier, without a hand-over."""
        if not chance.any() or not self.managers:
            return
        u = self._draws(self.managers, POACHED, month)[0]
        for manager in self.managers:
            if not manager.remote and not manager.vacant and u[manager.post] < chance[manager.tier]:
                manager.leave(0.0, 0.0, vacancy=self._vacancy(levers))
                self._part(customers, manager, Departure(planned=False, to_rival=True), month, work)

    def _hire(self, manager: RelationshipManager, month: int, work: MonthOfWork) -> None:
        manager.hire += 1
        manager.begin(self._draws([manager], 1, month)[:, 0], 0)
        self.hired += 1
        self._note(month, manager.post, "hired", work)

    def _part(
        self, customers: Customers, manager: RelationshipManager, how: Departure, month: int, work: MonthOfWork
    ) -> None:
        """A manager leaves: customers feel the change, and some follow to a rival over the next months."""
        s = self.settings
        self.left += 1
        self._note(month, manager.post, "left", work)
        if manager.remote:
            return
        rows = np.flatnonzero(customers.manager == manager.post)
        if how.to_rival:
            chance = np.clip(self.owned[manager.tier] * customers.bond[rows] * s.follow, 0.0, 0.95)
            customers.follow[rows] = -np.log1p(-chance) / s.follow_months
            customers.follow_months[rows] = s.follow_months
        self._upset(customers, manager.post, s.change_planned if how.planned else s.change_unplanned, keep_bond=0.0)

    def _upset(self, customers: Customers, post: int, log_ratio: float, *, keep_bond: float) -> None:
        rows = np.flatnonzero(customers.manager == post)
        customers.manager_shock[rows] = log_ratio
        customers.manager_shock_months[rows] = self.settings.change_months
        customers.bond[rows] *= np.float32(keep_bond)

    def _note(self, month: int, post: int, kind: str, work: MonthOfWork) -> None:
        customers = float(work.books[post]) if post < work.books.size else 0.0
        self.events.append(Event(month, post, kind, customers))


def _by_aum(customers: Customers, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What these rows stand in order by, largest AUM first."""
    return -customers.aum[rows], customers.uid[rows]


def _only(mask: np.ndarray, *columns: np.ndarray) -> list[np.ndarray]:
    """The rows of each column where the mask holds."""
    return [column[mask] for column in columns]


def _lost(purpose: np.ndarray, end: np.ndarray) -> np.ndarray:
    """What a plan says of wishes of these purposes that are lost at these ends, int8."""
    meant = [(purpose & RETENTION) != 0, (purpose & LEAD) != 0, (purpose & PROPOSED) != 0]
    wish = np.select(meant, [KEEP, FOLLOW, OFFER], DUE)
    return (LOST - (4 * wish + end)).astype(np.int8)


def _within(post: np.ndarray, cost: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Which of the contacts, sorted by post and then priority, fit the hours free at their post: a mask."""
    if post.size == 0:
        return np.zeros(0, bool)
    total = np.cumsum(cost)
    first = np.flatnonzero(np.r_[True, post[1:] != post[:-1]])
    before = np.repeat(total[first] - cost[first], np.diff(np.r_[first, post.size]))
    return total - before <= free[post] + 1e-9
