"""The bank, living month by month. `BankModel.step` is the table of contents; each line is a room of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter

import mesa
import numpy as np

from sim import kernels, markov
from sim.agents.channel import Channel
from sim.agents.customer import Customers
from sim.agents.team import MonthOfWork, Team
from sim.behaviour.rates import growth_path, in_use, rates, relocation_ratio
from sim.codes import CHANNELS, CLOSED, NOBODY
from sim.environment import Environment
from sim.kernels import CHUNK, TALLIES, WEIGHT_UNIT
from sim.ledger import Ledger, MonthBooks
from sim.levers import Levers, shifted
from sim.numerics import key_of, word_of
from sim.observer import Observer
from sim.population.synthetic import Source
from sim.recorder import Recorder, stocks
from sim.scenario import Arm, Scenario
from sim.state import State, capture, put_back
from sim.tiers import row

RATIO_UNIT = 1048576.0  # fixed point of hazard ratios in `kernels.add_ratios`
YEAR = 12
LARGEST_SUM = 2**61  # a month cannot more than triple it, so the next sum still fits


class BankModel(mesa.Model):
    """One bank under one arm and one seed.

    `source` says where customers come from (prepared once a scenario), `threads` how many threads share the chunks.
    `months` months are lived after `burn_in`; month 0 is the state after burn-in.
    `state` is a bank to live on from, instead of founding one.
    """

    # All that a bank carries from month to month besides customers, agents, recorder and observer (`sim.state`).
    CARRIED = ("month", "leavers", "tally", "close_rate", "dormant_rate")

    def __init__(
        self, scenario: Scenario, arm: Arm, seed: int, source: Source, *, threads: int = 1, state: State | None = None
    ):
        super().__init__()
        self.scenario = scenario
        self.arm = arm
        self.luck = seed
        self.source = source
        self.tiers = scenario.tier_list
        self.settings = scenario.model
        self.rates = rates(self.settings, self.tiers, scenario.channels)
        self.month = -scenario.burn_in
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None
        n = len(self.tiers)
        liquid = row(self.settings.wallet.liquid, self.tiers, np.float64)
        self.environment = Environment(self.tiers, scenario.environment, liquid)
        self.levers = Levers(n)
        self.channels = [Channel(self, number, channel) for number, channel in enumerate(scenario.channels.all())]
        self.ledger = Ledger(scenario.economics, scenario.channels, scenario.managers.salary, self.tiers)
        self.recorder = Recorder(arm.name, seed, [tier.name for tier in self.tiers])
        self.observer = Observer(
            self.recorder, self.tiers, self.settings, seed=seed, months=scenario.months, panel=scenario.record.panel
        )
        self.campaign = np.array([row(c.campaign, self.tiers, np.float64) for c in scenario.channels.all()]).T
        self.growth_path = growth_path(self.rates, scenario.burn_in + scenario.months)
        self.leavers = np.zeros(n)  # by tier: leavers per active customer, last month's counting half
        self.planned = np.zeros((n, len(CHANNELS)))
        self.team = Team(self, scenario.managers, self.tiers, seed, self.settings.mechanisms.manager_turnover)
        if state is None:
            self._found()
        else:
            self._live_on(state)
        self.measured_rows = 0  # open rows summed over measured months
        self.measured_seconds = 0.0
        self._run_chunks(np.empty(0, np.int8), self._now(), rows=0)  # loads or compiles the kernel before it is timed

    # --- the month ---------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Live one month, in the order of DECISIONS 10."""
        self.month += 1
        self.environment.advance(self.month)
        self.environment.strike(self.customers, self.luck, float(self.rates.trust_sd))
        self.levers.reset()
        self.turn_levers()
        plan, work = self.schedule()
        joined = self.live(plan)
        self.close_managers_month(work)
        books = self.settle(joined, plan)
        self.record(joined, books)

    def run(self, told: Callable[[int], None] | None = None, *, until: int | None = None) -> Recorder:
        """Live what is left of burn-in and of the measured months; `told` hears the rows of each month.

        `until` is the measured month to stop after (0: the state after burn-in, recorded); a next call goes on.
        """
        last = self.scenario.months if until is None else until
        with self._threads():
            self._burn_in(told)
            if not self.is_measuring:
                self.begin_measuring()
            began = perf_counter()
            while self.month < last:
                self.measured_rows += int(np.count_nonzero(self.customers.state != CLOSED))
                self._step_told(told)
            self.measured_seconds += perf_counter() - began
        return self.recorder

    def burn_in(self, told: Callable[[int], None] | None = None) -> State:
        """Live to month 0 and no further: the state from which every arm of this seed begins.

        Strategies act from month 1 on at the earliest, so until then no arm differs from another.
        """
        with self._threads():
            self._burn_in(told)
        return self.state()

    def _burn_in(self, told: Callable[[int], None] | None) -> None:
        while self.month < 0:
            self._step_told(told)

    @contextmanager
    def _threads(self) -> Iterator[None]:
        """The pool while months are lived; none is left behind, whatever happens."""
        if self.threads > 1 and self.pool is None:
            self.pool = ThreadPoolExecutor(self.threads)
        try:
            yield
        finally:
            if self.pool is not None:
                self.pool.shutdown()
                self.pool = None

    def _step_told(self, told: Callable[[int], None] | None) -> None:
        self.step()
        if told is not None:
            told(len(self.customers))

    def begin_measuring(self) -> None:
        """Month 0: normalise hazards once more, and from here on observe."""
        self.close_rate, self.dormant_rate = self._normalised()
        self.team.events.clear()
        self.observer.begin(self)

    # --- its lines ---------------------------------------------------------------------------------------------

    def turn_levers(self) -> None:
        """Strategies turn levers at today's maturity; an arm without strategies leaves them neutral."""

    def schedule(self) -> tuple[np.ndarray, MonthOfWork]:
        """Managers and channels choose whom to contact, on last month's view."""
        if not self.settings.mechanisms.contacts:
            posts = np.zeros(len(self.team.managers))
            return np.full(len(self.customers), NOBODY, np.int8), MonthOfWork(posts, posts, posts)
        bank = float(self.tally[:, kernels.T_OPEN].sum()) / WEIGHT_UNIT
        branch, remote = self.environment.branch_capacity, self.environment.remote
        return self.team.plan(self.customers, self.channels, self.levers, self.month, bank, branch, remote)

    def live(self, plan: np.ndarray) -> np.ndarray:
        """The kernel's month over all customers, then Markov moves and joiners; returns joiners by tier (weight)."""
        self.planned = self._planned_contacts(plan)  # by the tier of that day: the kernel moves customers
        self.tally, cohort, left, exits = self._run_chunks(plan, self._now())
        self._refuse_overflow()
        self.observer.count(self.month, cohort, left, exits)
        if markov.is_due(self.settings, self.month):
            self.tally = markov.move_by_matrix(
                self.customers, self.tally, self.source, self.settings, self.rates, seed=self.luck, month=self.month
            )
        return self.welcome_joiners()

    def welcome_joiners(self) -> np.ndarray:
        """Give this month's new customers a row; they count as flow in their tier."""
        if not self.settings.mechanisms.acquisition:
            return np.zeros(len(self.tiers))
        bank = float(self.tally[:, kernels.T_OPEN].sum()) / WEIGHT_UNIT
        new = self.source.joiners(self.luck, self.month, bank, self.settings.acquisition.rate)
        if new is None:
            return np.zeros(len(self.tiers))
        self.customers.place(new)
        alone = Customers(new["uid"].size)
        alone.place(new)
        extra = np.zeros_like(self.tally)
        kernels.count_chunk(alone.arrays, 0, len(alone), self.month, self.rates, extra)
        self.tally += extra
        self.tally[:, kernels.T_NEW_MONEY] += extra[:, kernels.T_AUM]
        return extra[:, kernels.T_OPEN].astype(np.float64)

    def close_managers_month(self, work: MonthOfWork) -> None:
        """Workload, learning, fatigue, departures and hiring; customers who changed tier change managers."""
        if not self.settings.mechanisms.contacts:
            return
        self.team.close_month(self.customers, work, self.levers, self.month)
        self.team.poach(self.customers, self.environment.poached, work, self.month)
        self.team.balance(self.customers, self.levers, self.month)

    def settle(self, joined: np.ndarray, plan: np.ndarray) -> MonthBooks:
        """Revenue and cost of the month."""
        made = self.tally[:, kernels.T_BRANCH : kernels.T_APP + 1].astype(np.float64) / WEIGHT_UNIT
        posts = np.bincount([m.tier for m in self.team.managers], minlength=len(self.tiers))
        return self.ledger.settle(
            **stocks(self.tally),
            joined=joined / WEIGHT_UNIT,
            campaign_contacts=made - self.planned,
            posts=posts.astype(np.float64),
            strategy_cost=np.zeros(len(self.tiers)),
            use=self.environment.staffed,
            margin=self.environment.margin,
        )

    def record(self, joined: np.ndarray, books: MonthBooks) -> None:
        """What this month leaves to the next one's talk, and, once measuring, what is kept of it."""
        active = np.maximum(self.tally[:, kernels.T_ACTIVE], 1)
        gone = self.tally[:, kernels.T_CLOSED] + self.tally[:, kernels.T_DORMANT]
        self.leavers = 0.5 * self.leavers + gone / active
        if self.month > 0:
            self.observer.record(self, joined, books)

    def _refuse_overflow(self) -> None:
        """Sums are 64-bit integers; a bank whose money comes near their end is refused, never counted wrongly."""
        c = self.customers
        largest = float(np.dot(c.weight.astype(np.float64), c.aum)) * 100.0  # in floats, which do not wrap
        if not largest <= LARGEST_SUM:
            money = largest / WEIGHT_UNIT / 100.0
            raise OverflowError(
                f"month {self.month}: {money:.3g} of AUM is more than the sums hold; "
                "fewer customers, fewer months or less growth, or a smaller currency_scale"
            )

    # --- beginnings --------------------------------------------------------------------------------------------

    def _found(self) -> None:
        """The first customers, their managers, and the rates they live by."""
        self.customers = self._populate()
        if self.settings.mechanisms.contacts:
            self.team.staff(self.customers, self.month)
        self.tally = self._count_all()
        self._refuse_overflow()
        self.close_rate, self.dormant_rate = self._normalised()

    def _live_on(self, state: State) -> None:
        """Take a stored bank's life; what it lived before month 0 is nobody's yet, what was recorded since is kept."""
        put_back(self, state, self._room(state.columns["uid"].size, self.scenario.months - state.month))
        self.environment.advance(self.month)
        if self.is_measuring:
            self.observer.go_on(self)

    def state(self) -> State:
        """All that another bank of this scenario and seed needs to live on bit for bit (`state=`), copied."""
        return capture(self)

    def let_go(self) -> None:
        """Give the customers' memory back now: the bank and its agents hold one another until the next collection."""
        self.customers = Customers(1)

    @property
    def is_measuring(self) -> bool:
        """Whether month 0 has been recorded."""
        return bool(self.recorder.bank)

    def _populate(self) -> Customers:
        first = self.source.first(self.luck, self.month)
        customers = Customers(self._room(first["uid"].size, self.scenario.months - self.month))
        customers.place(first)
        return customers

    def _room(self, rows: int, months: int) -> int:
        """Rows that are likely enough for `rows` customers and those who join in so many months."""
        growth = self.settings.acquisition.rate if self.settings.mechanisms.acquisition else 0.0
        return int(rows * (1.0 + min(growth, 0.5) * min(months / YEAR, 10.0) * 0.6)) + 256

    def _count_all(self) -> np.ndarray:
        tally = np.zeros((len(self.tiers), TALLIES), np.int64)
        kernels.count_chunk(self.customers.arrays, 0, len(self.customers), self.month, self.rates, tally)
        return tally

    def _normalised(self) -> tuple[np.ndarray, np.ndarray]:
        """Base rates a month by tier at which the active population has the wanted mean hazards (SPEC 2.3)."""
        pairs = [self.settings.hazard(tier) for tier in self.tiers]
        close = np.array([-np.log1p(-pair.close) for pair in pairs])
        dormant = np.array([-np.log1p(-pair.dormant) for pair in pairs])
        if not self.settings.normalise_hazards:
            return close, dormant
        sums = np.zeros((len(self.tiers), 2), np.int64)
        gap = np.float32(self.environment.yield_gap)
        kernels.expected_ratio(
            self.customers.arrays, 0, len(self.customers), self.month + 1, gap, self.rates, sums
        )
        mean = np.where(sums[:, 0] > 0, sums[:, 1] / np.maximum(sums[:, 0], 1) / RATIO_UNIT, 1.0)
        mean = np.maximum(mean, 1.0 / RATIO_UNIT) * relocation_ratio(self.settings)  # the finest ratio sums can tell
        return close / mean, dormant / mean

    # --- parts of the month ------------------------------------------------------------------------------------

    def _now(self) -> kernels.Now:
        s, levers, world = self.settings, self.levers, self.environment
        on = s.mechanisms
        key0, key1 = key_of(self.luck)
        share = float(self.tally[:, kernels.T_DIGITAL].sum()) / max(float(self.tally[:, kernels.T_ACTIVE].sum()), 1.0)
        contagion = np.log(s.leaving.word_of_mouth) * s.leaving.neighbours * self.leavers
        campaign = np.clip(self.campaign + levers.campaign, 0.0, 1.0) if on.contacts else np.zeros_like(self.campaign)
        f = np.float32
        return kernels.Now(
            month=self.month,
            word=word_of(self.month),
            key0=key0,
            key1=key1,
            close_rate=(self.close_rate * np.exp(levers.log_close)).astype(f),
            dormant_rate=(self.dormant_rate * np.exp(levers.log_dormant)).astype(f),
            return_ratio=f(np.exp(levers.log_return)),
            market=world.market.astype(f),
            market_growth=np.expm1(world.market),
            start=-self.scenario.burn_in,
            growth_path=self.growth_path,
            yield_gap=f(world.yield_gap),
            adoption_shift=f(world.adoption + levers.adoption),
            peers=f(share - 0.5),
            word_of_mouth=(contagion if on.word_of_mouth else np.zeros(len(self.tiers))).astype(f),
            quality_shift=levers.quality.astype(f),
            quality_sd_ratio=f(np.exp(levers.log_quality_sd)),
            failure_ratio=f(np.exp(levers.log_failure)),
            resolution=f(shifted(s.service.resolution, levers.resolution)),
            push_share=f(shifted(s.contacts.push, levers.push)),
            conversion_ratio=np.exp(levers.log_conversion).astype(f),
            campaign=np.ascontiguousarray(campaign, f),
            hazard_ratio=levers.log_hazard.astype(f),
            manager_quality=self.team.quality(),
        )

    def _run_chunks(self, plan: np.ndarray, now: kernels.Now, rows: int | None = None) -> tuple[np.ndarray, ...]:
        """Live every chunk on any thread; integer tallies add up to the same bits in any order."""
        n = len(self.customers) if rows is None else rows
        tiers, posts = len(self.tiers), max(len(self.team.managers), 1)
        shapes = ((tiers, TALLIES), (tiers, kernels.TENURE_LAST + 1, 3), (tiers + 2,), (posts,))
        arrays = self.customers.arrays
        lived_by = in_use(self.rates, self.settings, self.scenario.channels, self.environment.use)

        def live(first: int) -> list[np.ndarray]:
            out = [np.zeros(shape, np.int64) for shape in shapes]
            kernels.live_chunk(arrays, first, min(first + CHUNK, n), plan, now, lived_by, *out)
            return out

        starts = range(0, max(n, 1), CHUNK)
        parts = list(self.pool.map(live, starts)) if self.pool is not None else [live(first) for first in starts]
        return tuple(np.asarray(sum(column)) for column in zip(*parts, strict=True))

    def _planned_contacts(self, plan: np.ndarray) -> np.ndarray:
        """Contacts made by managers, customers by (tier, channel); they carry no channel price."""
        rows = np.flatnonzero(plan >= 0)
        cell = self.customers.tier[rows].astype(np.int64) * len(CHANNELS) + plan[rows]
        size = len(self.tiers) * len(CHANNELS)
        counts = np.bincount(cell, self.customers.weight[rows].astype(np.float64), minlength=size)
        return counts.reshape(len(self.tiers), len(CHANNELS)) / WEIGHT_UNIT
