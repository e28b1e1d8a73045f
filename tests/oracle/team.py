"""What managers do together (docs/model.md 8.1, 8.4): books, and the month's plan of contacts."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from oracle.customer import moved
from oracle.luck import uniforms
from oracle.manager import OracleManager
from sim.codes import ACTIVE, CHANNELS, DRAW_PLAN, NOBODY

if TYPE_CHECKING:
    from oracle.bank import OracleBank
    from oracle.customer import OracleCustomer
    from oracle.strategies import Wish

LOST = -2  # in a plan: somebody wished for it, and it came to nothing
UNIT = 1024


def by_aum(people: list[OracleCustomer]) -> list[OracleCustomer]:
    """Largest first, ties by uid."""
    return sorted(people, key=lambda one: (-one.aum, one.uid))


def share_of(people: list[OracleCustomer], wanted: float, have: float = 0.0) -> list[OracleCustomer]:
    """The first of a queue that make up so many customers, to the nearest."""
    chosen, reached = [], have
    for one in people:
        if reached + one.weight / UNIT / 2 > wanted:
            break
        reached += one.weight / UNIT
        chosen.append(one)
    return chosen


class OracleTeam:
    """All managers of a bank."""

    def __init__(self, bank: OracleBank):
        self.bank, self.settings = bank, bank.scenario.managers
        self.managers: list[OracleManager] = []
        self.fallback = CHANNELS.index(self.settings.fallback)

    # --- books --------------------------------------------------------------------------------------------------------

    def opens(self, posts: int, tier: int, *, remote: bool = False, first: bool = False) -> None:
        for _ in range(posts):
            self.managers.append(OracleManager(self.bank, len(self.managers), tier, remote=remote, first=first))

    def is_founded(self) -> None:
        """The first posts and books; remote managers keep none."""
        bank, s = self.bank, self.settings
        for tier in range(len(bank.tiers)):
            people = by_aum(bank.of_tier(tier))
            before = bank.by_tier(s.coverage_before, tier) * sum(one.weight for one in people) / UNIT
            for one in share_of(people, before):
                one.wallet_mean -= bank.settings.wallet.bond * bank.standing_bond[tier]
        self.gives_out_books([bank.by_tier(s.coverage, tier) for tier in range(len(bank.tiers))], first=True)
        for one in bank.customers:
            if one.manager != NOBODY:
                one.bond = bank.standing_bond[one.tier]
        ceiling = bank.bounds[1] if len(bank.bounds) > 1 else math.inf
        served = [one for one in bank.customers if one.state == ACTIVE and s.remote_from <= one.aum < ceiling]
        customers = sum(one.weight for one in served) / UNIT
        posts = math.ceil(customers * s.remote_coverage / s.remote_span - 1e-9)
        self.opens(posts, 0, remote=True, first=True)

    def balances(self) -> None:
        """Books after a month: customers who changed tier are released, waiting ones are dealt out."""
        bank = self.bank
        coverage = [
            moved(bank.by_tier(self.settings.coverage, tier), bank.levers.coverage[tier])
            for tier in range(len(bank.tiers))
        ]
        self.gives_out_books(coverage)

    def gives_out_books(self, coverage: list[float], *, first: bool = False) -> None:
        bank, s = self.bank, self.settings
        for one in bank.customers:
            if one.manager != NOBODY and self.managers[one.manager].tier != one.tier:
                one.manager, one.bond = NOBODY, 0.0
                one.manager_change = -s.change_months
        for tier, share in enumerate(coverage):
            people = bank.of_tier(tier)
            if share <= 0.0 or not people:
                continue
            wanted = share * sum(one.weight for one in people) / UNIT
            span = bank.by_tier(s.span, tier) * (1.0 if first else s.span_slack)
            posts = [m for m in self.managers if m.tier == tier and not m.remote]
            self.opens(math.ceil(wanted / span - 1e-9) - len(posts), tier, first=first)
            posts = [m for m in self.managers if m.tier == tier and not m.remote]
            have = sum(one.weight for one in people if one.manager != NOBODY) / UNIT
            waiting = share_of(by_aum([one for one in people if one.manager == NOBODY]), wanted, have)
            books = {m.post: 0 for m in posts}
            for one in people:
                if one.manager != NOBODY:
                    books[one.manager] += one.weight
            while waiting:
                smallest = sorted(books, key=lambda post: (books[post], post))
                hand, waiting = waiting[: len(books)], waiting[len(books) :]
                for one, post in zip(hand, smallest, strict=False):
                    one.manager, one.contact_gap = post, 0
                    books[post] += one.weight

    # --- the plan -----------------------------------------------------------------------------------------------------

    def plans(self, wishes: dict[int, Wish]) -> dict[int, int]:
        """By uid of a customer of somebody's: channel and purpose of a contact, or that a wish for one was lost.

        Customers ask first; what is left of hours goes to contacts due, then to wishes; then channels carry what
        they can.
        """
        bank = self.bank
        plan: dict[int, int] = {}
        granted: list[tuple[tuple[float, float, int], OracleCustomer, int]] = []
        books: defaultdict[int, list[OracleCustomer]] = defaultdict(list)
        for one in bank.customers:
            books[one.manager].append(one)
        for manager in self.managers:
            left = manager.hours() - manager.listens_to(books[manager.post])
            free = 0.0 if manager.vacant else max(left, 0.0)
            queue = []
            for one in books[manager.post]:
                due = one.contact_gap + 1 >= bank.by_tier(self.settings.contact_months, one.tier)
                if due or one.uid in wishes:
                    rank = -math.inf if due else -wishes[one.uid].priority
                    queue.append(((rank, *self.importance(one), one.uid), one))
            used = 0.0
            for key, one in sorted(queue, key=lambda entry: entry[0]):
                plan[one.uid] = LOST
                channel = self.channel_for(one)
                if one.can_hear(channel):
                    used += one.weight / UNIT * self.hours_of(channel)
                    if used <= free + 1e-9:
                        granted.append(((key[0], -one.aum, one.uid), one, channel))
        carried: defaultdict[int, float] = defaultdict(float)
        for _, one, channel in sorted(granted, key=lambda entry: entry[0]):
            settings = bank.channels[channel]
            capacity = settings.capacity * bank.size / 1000.0
            capacity *= bank.world.branch_capacity if settings.in_branch else 1.0
            carried[channel] += one.weight / UNIT
            if carried[channel] <= capacity:
                plan[one.uid] = channel | (wishes[one.uid].purpose if one.uid in wishes else 0)
                self.managers[one.manager].contacts += one.weight / UNIT
        return plan

    def importance(self, one: OracleCustomer) -> tuple[float, ...]:
        """Who comes first when hours are short: smaller is more important."""
        if self.settings.allocation == "round_robin":
            return -one.contact_gap, -one.aum
        if self.settings.allocation == "near_threshold":
            return 0.0 if one.is_near_bound(self.bank.settings.contacts.near_threshold) else 1.0, -one.aum
        return (-one.aum,)

    def hours_of(self, channel: int) -> float:
        return self.bank.channels[channel].hours * math.exp(self.bank.levers.log_contact_hours)

    def mix(self, tier: int) -> list[float]:
        """Shares of channels in the tier's contacts."""
        one, mix = self.bank.tiers[tier], self.settings.mix
        shares = mix.get(one.name, mix.get(one.key, {}))
        return [shares.get(name, 0.0) for name in CHANNELS]

    def hours_of_norm(self, tier: int) -> float:
        """Hours a month that contacts due take on average, a customer."""
        mean = sum(share * self.hours_of(channel) for channel, share in enumerate(self.mix(tier)))
        return mean / self.bank.by_tier(self.settings.contact_months, tier)

    def channel_for(self, one: OracleCustomer) -> int:
        """Drawn from the tier's mix; outside the branch as far as the pandemic has it; the fallback if opted out."""
        bank, shares = self.bank, self.mix(one.tier)
        u = uniforms(bank.seed, DRAW_PLAN, bank.month, one.uid)
        channel = piece(u[0], shares)
        if channel is None or bank.channels[channel].in_app:
            channel = self.fallback
        if bank.world.remote > 0.0 and bank.channels[channel].in_branch and u[0] >= 1.0 - bank.world.remote:
            talks = [share if bank.channels[c].conversation else 0.0 for c, share in enumerate(shares)]
            other = piece(u[1] * sum(talks), talks)
            channel = self.fallback if other is None else other
        return self.fallback if one.has_opted_out(channel) else channel


def piece(u: float, shares: list[float]) -> int | None:
    """In whose piece of the unit interval a uniform lies."""
    end = 0.0
    for number, share in enumerate(shares):
        end += share
        if u < end:
            return number
    return None
