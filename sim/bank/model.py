"""The bank, living month by month. `BankModel.step` is the table of contents; each line is a room of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import mesa
import numpy as np
from scipy.special import ndtri

from sim.agents.channel import Channel
from sim.agents.customer import NAMES, BankView, Customers
from sim.agents.proposals import Proposals
from sim.agents.team import MonthOfWork, Team
from sim.bank import markov
from sim.bank.crew import Crew, Totals
from sim.bank.fates import fates
from sim.bank.observer import Observer
from sim.bank.pilots import Pilots
from sim.bank.recorder import Recorder, loyalty_of, stocks
from sim.bank.state import State, capture, put_back
from sim.bank.stored import BankFolder
from sim.behaviour.rates import growth_path, in_use, promoters, rates, relocation_ratio
from sim.behaviour.relations import hazard_ratio, standing_bond
from sim.codes import ACTIVE, CHANNELS, NOBODY
from sim.environment import Environment
from sim.exchange import Alone, Exchange
from sim.exchange.order import quantiles
from sim.kernel.blocks import CHUNK
from sim.kernel.inputs import Now, Rates
from sim.kernel.month import count_chunk, score_chunk, step_chunk, weigh_chunk
from sim.kernel.numerics import key_of, word_of
from sim.kernel.tallies import (
    CONTACTS,
    MOMENT_UNIT,
    MOMENTS,
    RATIO_UNIT,
    REACH_SHAPE,
    TALLIES,
    TENURE_LAST,
    WEIGHT_UNIT,
)
from sim.kernel.tallies import Moment as M
from sim.kernel.tallies import Tally as T
from sim.kernel.tidy import stand_again, tidy_rows
from sim.ledger import Ledger, MonthBooks
from sim.levers import Levers, shifted
from sim.population.sizes import LARGEST_SUM
from sim.population.synthetic import Applicants, Source
from sim.scenario.pilots import facts_for_strategies
from sim.scenario.scenario import Arm, Scenario
from sim.strategies import Programme, pilots
from sim.tiers import row

YEAR = 12
SHARES = 2  # stretches a thread, of the rows that are left, were they all as long as the next
LONGEST = 8  # chunks of a stretch, so that what is brought from files is lived before it is pushed out of memory


class BankModel(mesa.Model):
    """One bank under one arm and one seed.

    `source` says where customers come from (prepared once a scenario), `threads` how many threads share the chunks.
    `months` months are lived after `burn_in`; month 0 is the state after burn-in.
    `state` is a bank to live on from, instead of founding one. With a `folder` the customers' columns are its
    files, and every month ends with the bank as it stands there. With an `exchange` this is one shard of the bank: it
    has the whole head and a part of the customers, whole books of managers together, and lives with the other shards.
    One that `tidies` leaves rows in the order in which a month is fastest lived, which changes no result; else they are
    put back, and a row never moves while its customer lives.
    """

    # All that a bank carries from month to month besides customers, agents, recorder and observer (`sim.bank.state`).
    CARRIED = (
        "month",
        "leavers",
        "tally",
        "close_rate",
        "dormant_rate",
        "moments",
        "risk_spread",
        "revenue",
        "promoters",
        "first_active",
        "first_quantiles",
    )

    def __init__(
        self,
        scenario: Scenario,
        arm: Arm,
        seed: int,
        source: Source,
        *,
        threads: int = 1,
        state: State | None = None,
        exchange: Exchange | None = None,
        folder: BankFolder | None = None,
        tidies: bool = False,
    ):
        super().__init__()
        self.folder = folder
        self.tidies = tidies
        self.running: bool = True
        self.scenario = scenario
        self.arm = arm
        self.seed = seed
        self.source = source
        self.exchange = exchange or Alone()
        self.tiers = scenario.tier_list
        self.settings = scenario.model
        self.rates = rates(self.settings, self.tiers, scenario.channels, scenario.economics, scenario.managers)
        self.month = -scenario.burn_in
        self.threads = threads
        self.pool = Crew(threads) if threads > 1 else None
        n = len(self.tiers)
        liquid = row(self.settings.wallet.liquid, self.tiers, np.float64)
        self.environment = Environment(self.tiers, scenario.environment, liquid, scenario.channels)
        self.planned = np.zeros((n, len(CHANNELS)))  # contacts of managers this month, customers
        self.levers = Levers(n)
        self.channels = [Channel(self, number, channel) for number, channel in enumerate(scenario.channels.all())]
        self.ledger = Ledger(scenario.economics, scenario.channels, scenario.managers.salary, self.tiers)
        self.recorder = Recorder(arm.name, seed, [tier.name for tier in self.tiers])
        self.observer = Observer(
            self.recorder,
            self.tiers,
            self.settings,
            seed=seed,
            months=scenario.months,
            panel=scenario.record.panel,
            strategies=scenario.strategies_named,
            exchange=self.exchange,
        )
        self.campaign = np.array([row(c.campaign, self.tiers, np.float64) for c in scenario.channels.all()]).T
        self.growth_path = growth_path(self.rates, scenario.burn_in + scenario.months)
        self.leavers = np.zeros(n)  # by tier: leavers per active customer, those of earlier months counting ever less
        self.plan = np.zeros(0, np.int8)  # of the month, by row; -1 between months
        self.stood = np.zeros(0, np.int32)  # where rows stand that are put back after the month
        self.programme: Programme | None = None  # begins with the measured months
        self.revenue = np.zeros(n)  # by tier, CNY a year, as the reference has it at month 0
        self.first_active = np.zeros(n)  # active customers by tier at month 0
        self.promoters = np.nan  # share of active customers who would recommend the bank, at month 0
        self.first_quantiles = np.zeros(101)  # AUM of active customers above the lowest tier at month 0, CNY
        self.team = Team(
            self,
            scenario.managers,
            self.tiers,
            seed,
            self.rates,
            self.settings.mechanisms.manager_turnover,
            channel_settings=scenario.channels,
            each=self.each,
            exchange=self.exchange,
        )
        self.pilots: Pilots | None = None  # from month 0 on
        self.piloted = pilots([one.where for one in arm.strategies], self.tiers)
        self.inside: dict[int, tuple[Levers, Now]] = {}  # what holds for customers of a label, this month
        if state is None:
            self._found()
        else:
            self._continue_from(state)
        if self.month >= 0:
            self._group()
        self.lived_rows = 0  # open rows of the month
        self.measured_rows = 0  # those summed over measured months
        self.measured_seconds = 0.0
        self.now = self._now(self.levers)  # what holds this month
        self._run_chunks(np.empty(0, np.int8), self.now, rows=0)  # loads or compiles the kernel before it is timed
        if state is None:
            self._keep()

    # --- the month ---------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Live one month, in the order of DECISIONS 10. With the scenario's last one `running` turns False."""
        if self.month == self.scenario.months:
            message = (
                f"month {self.month + 1} and later are beyond the scenario's {self.month} months; a larger `months`"
            )
            warnings.warn(message, stacklevel=3)  # Mesa stands in between
        self.month += 1
        self.environment.advance(self.month)
        self.environment.strike(self.customers, self.seed, float(self.rates.trust_sd))
        self.levers.reset()
        self.turn_levers()
        self.now = self._now(self.levers)
        plan, work = self.schedule()
        joined = self.step_customers(plan, work)
        self.close_managers_month(work)
        books = self.settle(joined, work)
        self.record(joined, books)
        self.running = self.month < self.scenario.months
        self._keep()

    def run(self, on_month: Callable[[int], None] | None = None, *, until: int | None = None) -> Recorder:
        """Live what is left of burn-in and of the measured months; `on_month` is called with the rows of each month.

        `until` is the measured month to stop after (0: the state after burn-in, recorded); a next call goes on.
        """
        last = self.scenario.months if until is None else until
        with self._threads():
            self._burn_in(on_month)
            if not self.is_measuring:
                self.begin_measuring()
            began = perf_counter()
            while self.month < last:
                self._step(on_month)
                self.measured_rows += self.lived_rows
            self.measured_seconds += perf_counter() - began
        return self.recorder

    def burn_in(self, on_month: Callable[[int], None] | None = None) -> State:
        """Live to month 0 and no further: the state from which every arm of this seed begins.

        Strategies act from month 1 on at the earliest, so until then no arm differs from another.
        """
        with self._threads():
            self._burn_in(on_month)
        return self.state()

    def _burn_in(self, on_month: Callable[[int], None] | None) -> None:
        while self.month < 0:
            self._step(on_month)

    @contextmanager
    def _threads(self) -> Iterator[None]:
        """The pool while months are lived; none is left behind, whatever happens."""
        if self.threads > 1 and self.pool is None:
            self.pool = Crew(self.threads)
        try:
            yield
        finally:
            if self.pool is not None:
                self.pool.shutdown()
                self.pool = None

    def _step(self, on_month: Callable[[int], None] | None) -> None:
        self.step()
        if on_month is not None:
            on_month(len(self.customers))

    def begin_measuring(self) -> None:
        """Month 0: normalise hazards once more, begin the arm's programme, and from here on observe."""
        self.customers.turn()
        self._group()
        self._weigh_population()
        stock = stocks(self.tally)
        self.revenue = stock["earned"] + stock["earned_products"]
        self.promoters = self._promoters()
        self.first_active = stock["active"]
        self.first_quantiles = self._aum_quantiles()
        self.programme = self._programme()
        self.team.events.clear()
        self.observer.begin(self)
        self._keep()

    @property
    def maturities(self) -> dict[str, float]:
        """How far each strategy of the arm has taken hold."""
        return self.programme.maturities(self.month) if self.programme else {}

    @property
    def costs(self) -> dict[str, float]:
        """What each strategy of the arm costs this month, CNY."""
        return self.programme.costs(self.month) if self.programme else {}

    def fates(self) -> np.ndarray:
        """What has become of this shard's customers of month 0, in the order of uid (codes of `sim.bank.fates`)."""
        c = self.customers
        return fates(self.observer.month_zero, c, self.each, self.observer.elsewhere(c))

    # --- its lines ---------------------------------------------------------------------------------------------

    def turn_levers(self) -> None:
        """Strategies turn levers at today's maturity; before month 0, and without strategies, they stay neutral.

        `levers` are those of customers outside all pilots, and of managers; each label has its own beside them.
        """
        if self.programme is None:
            return
        self.programme.turn(self.levers, self.month)
        self.inside = {}
        for label in self.pilots.present if self.pilots is not None else ():
            levers = Levers(len(self.tiers))
            self.programme.turn(levers, self.month, label)
            self.inside[label] = levers, self._now(levers)

    def schedule(self) -> tuple[np.ndarray, MonthOfWork]:
        """Managers and channels choose whom to contact, on last month's view."""
        if self.plan.size < len(self.customers):
            self.plan = np.full(self.customers.capacity, NOBODY, np.int8)
            self.stood = np.zeros(0 if self.tidies else self.customers.capacity, np.int32)
        if not self.settings.mechanisms.contacts:
            return self.plan, MonthOfWork.idle(len(self.team.managers), len(self.tiers))
        bank = self._open_customers()
        rows = self.team.managed(self.customers)
        return self.team.plan(
            self.customers,
            self.channels,
            self.levers,
            self.month,
            bank,
            self.environment.branch_capacity,
            self.environment.remote,
            rows=rows,
            proposals=self._proposals(rows),
            pressure_cap=self._pressure_cap(rows),
            into=self.plan,
        )

    def step_customers(self, plan: np.ndarray, work: MonthOfWork) -> np.ndarray:
        """The kernel's month over all customers, then Markov moves and joiners; returns joiners by tier (weight).

        From here on `work` is of all posts of the bank.
        """
        self.customers.roll = None  # customers lose their managers, and rows may move
        ahead = self._ahead()
        with self.customers.living():
            own = self._run_chunks(plan, self.now, besides=[task for some in ahead for task in some.tasks()])
        if markov.is_due(self.settings, self.month):
            moved = markov.move_by_matrix(
                self.customers, own[0], self.source, self.settings, self.rates, seed=self.seed, month=self.month
            )
            own = moved, *own[1:]
        whole = self.exchange.total(*own, work.asked, work.contacts, work.books, work.planned)
        work.asked, work.contacts, work.books, work.planned = whole[len(own) :]
        self.planned = work.planned
        self.tally = whole[0]
        self._refuse_overflow(float(self.tally[:, T.AUM].sum()))
        self.observer.count(self.month, *whole[1 : len(own)])
        return self.welcome_joiners(ahead)

    def welcome_joiners(self, ahead: Sequence[Applicants]) -> np.ndarray:
        """Give this month's new customers a row; they count as flow in their tier. `ahead` are drawn already."""
        if not self.settings.mechanisms.acquisition:
            return np.zeros(len(self.tiers))
        bank, rates = self._open_customers(), self._joining()
        new = self.source.joiners(self.seed, self.month, bank, *rates, share=self._share, ahead=ahead)
        if new is None:
            return np.zeros(len(self.tiers))
        many, extra, nothing = new.uid.size, np.zeros_like(self.tally), np.zeros(0, np.int8)
        tidy_rows(new, 0, many, nothing, self.stood[:0])
        count_chunk(new, 0, many, self.month, self.rates, extra)
        self._place(new._asdict())
        (extra,) = self.exchange.total(extra)
        self.tally += extra
        self.tally[:, T.NEW_MONEY] += extra[:, T.AUM]
        return extra[:, T.OPEN].astype(np.float64)

    def close_managers_month(self, work: MonthOfWork) -> None:
        """Workload, learning, fatigue, departures and hiring; customers who changed tier change managers."""
        if not self.settings.mechanisms.contacts:
            return
        self.team.close_month(self.customers, work, self.levers, self.month)
        self.team.poach(self.customers, self.environment.poached, work, self.levers, self.month)
        self.team.balance(self.customers, self.levers, self.month)
        self._bring_books_together()

    def _bring_books_together(self) -> None:
        """Customers who were given a manager go to the shard that has the manager's whole book."""
        exchange, customers = self.exchange, self.customers
        if exchange.shards == 1:
            return
        home = customers.manager[self.team.dealt] % exchange.shards
        rows, home = self.team.dealt[home != exchange.mine], home[home != exchange.mine]
        came = exchange.send({name: getattr(customers, name)[rows] for name in NAMES}, to=home)
        customers.clear(rows)
        self.observer.came(came["uid"])
        self._place(came)

    def _place(self, new: dict[str, np.ndarray]) -> None:
        """Give customers a row each, among those of their pilots."""
        if self.pilots is None:
            self.customers.place(new, each=self.each)
        else:
            self.pilots.place(self.customers, new)

    def settle(self, joined: np.ndarray, work: MonthOfWork) -> MonthBooks:
        """Revenue and cost of the month."""
        made = self.tally[:, CONTACTS].astype(np.float64) / WEIGHT_UNIT
        posts = np.bincount(self.team.tier_of_post, minlength=len(self.tiers))
        return self.ledger.settle(
            **stocks(self.tally),
            joined=joined / WEIGHT_UNIT,
            campaign_contacts=made - work.planned,  # managers' own carry no channel price
            posts=posts.astype(np.float64),
            strategy_cost=self.programme.cost(self.month) if self.programme else np.zeros(len(self.tiers)),
            use=self.environment.staffed,
            margin=self.environment.margin,
        )

    def record(self, joined: np.ndarray, books: MonthBooks) -> None:
        """What this month leaves to the next one's talk, and, once measuring, what is kept of it."""
        active = np.maximum(self.tally[:, T.ACTIVE], 1)
        gone = self.tally[:, T.CLOSED] + self.tally[:, T.DORMANT]
        self.leavers = self.settings.leaving.remembered * self.leavers + gone / active
        if self.month > 0:
            self.observer.record(self, joined, books)

    def _refuse_overflow(self, largest: float) -> None:
        """Sums are 64-bit integers; a bank whose AUM (weight units of a fen) comes near their end is refused.

        A month cannot more than triple it, so that a sum that is refused has not wrapped yet.
        """
        if not 0 <= largest <= LARGEST_SUM:
            money = largest / WEIGHT_UNIT / 100.0
            raise OverflowError(
                f"month {self.month}: {money:.3g} of AUM is more than the sums hold; "
                "fewer customers, fewer months or less growth, or a smaller currency_scale"
            )

    # --- beginnings --------------------------------------------------------------------------------------------

    def _found(self) -> None:
        """The first customers, their managers, and the rates they live by."""
        self.customers = self._populate()
        (worth,) = self.exchange.total(np.array([self._worth()]))
        self._refuse_overflow(float(worth[0]))
        if self.settings.mechanisms.contacts:
            bond = standing_bond(self.settings, self.scenario.managers, self.scenario.channels, self.tiers)
            self.team.remember(self.customers, bond, self.settings.wallet.bond)
            self.team.staff(self.customers, self.month)
            self.team.befriend(self.customers, bond)
            self._bring_books_together()
        (self.tally,) = self.exchange.total(self._count_all())
        self._weigh_population()

    def _continue_from(self, state: State) -> None:
        """Take a stored bank's life; what it lived before month 0 is nobody's yet, what was recorded since is kept."""
        self.running = state.month < self.scenario.months
        put_back(self, state, self._room(state.columns["uid"].size, self.scenario.months - state.month))
        self.environment.advance(self.month)
        if self.is_measuring:
            self.programme = self._programme()
            if self.exchange.shards == 1:  # a shard that is lived again has the horizon it had
                self.observer.go_on(self)

    def state(self) -> State:
        """All that another bank of this scenario and seed needs to live on bit for bit (`state=`).

        Copied; of a bank in a folder what stands there, its files and not copies of them.
        """
        stands = None if self.folder is None else self.folder.state()
        return capture(self) if stands is None else stands

    def let_go(self) -> None:
        """Give the customers' memory back now: the bank and its agents hold one another until the next collection."""
        self.customers, self.observer.month_zero, self.folder = Customers(1), {}, None
        getattr(mesa.Agent, "_ids", {}).pop(self, None)  # Mesa numbers agents by model, which would stay for ever

    @property
    def _share(self) -> tuple[int, int]:
        """Which shard of how many this is."""
        return self.exchange.mine, self.exchange.shards

    @property
    def is_measuring(self) -> bool:
        """Whether month 0 has been recorded."""
        return bool(self.recorder.bank)

    def _keep(self) -> None:
        """The bank as it stands now is what its folder holds."""
        if self.folder is not None:
            self.folder.commit(self)

    def customers_of(self, columns: Mapping[str, np.ndarray], room: int) -> Customers:
        """Customers with these columns, in this bank's memory or files, and room for as many as `room`."""
        return Customers.of(columns, room) if self.folder is None else self.folder.customers_of(columns, room)

    def _populate(self) -> Customers:
        room = self._room(-(-self.source.rows // self.exchange.shards), self.scenario.months - self.month)
        customers = Customers(room) if self.folder is None else self.folder.customers(room)
        for piece in self.source.pieces(self.seed, self.month, self._share):
            customers.append(piece)
        return customers

    def _worth(self) -> float:
        """All AUM, in weight units of a fen: in floats, which do not wrap."""
        weight, aum = self.customers.weight, self.customers.aum
        return 100.0 * float(sum(self.each(lambda first, last: np.dot(weight[first:last], aum[first:last]))))

    def _room(self, rows: int, months: int) -> int:
        """Rows that are likely enough for `rows` customers and those who join in so many months."""
        growth = self.settings.acquisition.rate if self.settings.mechanisms.acquisition else 0.0
        return int(rows * (1.0 + min(growth, 0.5) * min(months / YEAR, 10.0) * 0.6)) + 256

    def _count_all(self) -> np.ndarray:
        tally = np.zeros((len(self.tiers), TALLIES), np.int64)
        count_chunk(self.customers.arrays, 0, len(self.customers), self.month, self.rates, tally)
        return tally

    def _weigh_population(self) -> None:
        """Set what holds from here on: base hazards, and the scale of scores.

        Base rates a month by tier are such that the active population has the wanted mean hazards (SPEC 2.3); risk
        and what a retention contact would save have their mean and SD by tier (`moments`, float64 (tiers, 4)).
        """
        sums = np.zeros((len(self.tiers), MOMENTS), np.int64)
        gap = np.float32(self.environment.yield_gap)
        weigh_chunk(self.customers.arrays, 0, len(self.customers), self.month + 1, gap, self.rates, sums)
        (sums,) = self.exchange.total(sums)
        weight = np.maximum(sums[:, M.WEIGHT], 1).astype(np.float64)
        risk, risk2, gain, gain2 = (sums[:, M.RISK :].T / weight / MOMENT_UNIT).astype(np.float64)
        spread = np.sqrt(np.maximum([risk2 - risk**2, gain2 - gain**2], 1e-6))
        self.moments = np.stack([risk, spread[0], gain, spread[1]], axis=1)
        share = sums[:, M.WEIGHT] / max(sums[:, M.WEIGHT].sum(), 1)
        self.risk_spread = float(np.sqrt((share * spread[0] ** 2).sum()))
        pairs = [self.settings.hazard(tier) for tier in self.tiers]
        self.close_rate = np.array([-np.log1p(-pair.close) for pair in pairs])
        self.dormant_rate = np.array([-np.log1p(-pair.dormant) for pair in pairs])
        if self.settings.normalise_hazards:
            ratio = sums[:, M.RATIO] / weight / RATIO_UNIT
            mean = np.where(sums[:, M.WEIGHT] > 0, ratio, 1.0)
            mean = np.maximum(mean, 1.0 / RATIO_UNIT)  # the finest ratio that sums can tell
            mean = mean * relocation_ratio(self.settings)
            mean = mean / hazard_ratio(self.settings, self.scenario.managers, self.scenario.channels, self.tiers)
            self.close_rate, self.dormant_rate = self.close_rate / mean, self.dormant_rate / mean

    def _promoters(self) -> float:
        """Share of active customers who would recommend the bank now."""
        return promoters(*loyalty_of(self.tally), self.settings)[0]

    def _ahead(self) -> list[Applicants]:
        """Who may join this month, by what the last one's end says, if anybody can draw them meanwhile."""
        if not self.settings.mechanisms.acquisition or self.pool is None:
            return []
        return self.source.ahead(self.seed, self.month, self._open_customers(), *self._joining(), share=self._share)

    def _open_customers(self) -> float:
        return float(self.tally[:, T.OPEN].sum()) / WEIGHT_UNIT

    def _joining(self) -> tuple[float, float]:
        """How many join a year per open customer, by themselves and through a recommendation.

        The latter grow or shrink with the share of promoters; at that of month 0 they are what they were.
        """
        acquisition = self.settings.acquisition
        now = self._promoters() / self.promoters if self.promoters > 0 else 1.0
        through = acquisition.referral * (now if np.isfinite(now) else 1.0)
        return acquisition.rate * (1.0 - acquisition.referral), acquisition.rate * through

    def _aum_quantiles(self) -> np.ndarray:
        """AUM of active customers above the lowest tier at every percent of them, CNY, float64 (101,)."""
        c = self.customers
        upper = np.flatnonzero((c.state == ACTIVE) & (c.tier > 0))
        return quantiles(self.exchange, c.aum[upper], c.uid[upper], c.weight[upper], np.linspace(0.0, 1.0, 101))

    def _programme(self) -> Programme:
        """The arm's strategies in this bank, from what it was at month 0."""
        s = self.scenario
        bank = facts_for_strategies(self.tiers, s.managers, self.settings, self.first_active, self.first_quantiles)
        return Programme(
            self.arm.strategies,
            s.implementation,
            bank,
            self.revenue,
            months=s.months,
            salary=s.managers.salary,
            budget=self.arm.budget,
        )

    # --- parts of the month ------------------------------------------------------------------------------------

    def _proposals(self, rows: np.ndarray) -> Proposals | None:
        """What strategies wish for the managed customers, as the bank sees them."""
        if self.programme is None or not self.programme.proposes:
            return None
        wishes = []
        for label, mine in self._by_label(rows):
            view = BankView(self.customers, rows[mine], scores=self.scores)
            wish = self.programme.propose(view, self.month, label)
            if wish is not None:
                wishes.append(replace(wish, rows=mine[wish.rows]))
        return Proposals.merged(wishes) if len(wishes) > 1 else next(iter(wishes), None)

    def _by_label(self, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """The labels that customers of these rows have, and the places in `rows` of those who have them."""
        if self.pilots is None:
            yield 0, np.arange(rows.size)
            return
        label = self.pilots.of(rows)
        for one in np.unique(label).tolist():
            yield one, np.flatnonzero(label == one)

    def _pressure_cap(self, rows: np.ndarray) -> float | np.ndarray:
        """Most contact pressure, of everybody or by customer of these rows."""
        caps = {levers.pressure_cap for levers, _ in self.inside.values()} | {self.levers.pressure_cap}
        if self.pilots is None or len(caps) == 1:
            return self.levers.pressure_cap
        cap = np.full(rows.size, self.levers.pressure_cap)
        for label, (levers, _) in self.inside.items():
            cap[self.pilots.of(rows) == label] = levers.pressure_cap
        return cap

    def _group(self) -> None:
        """Month 0 or later: who is in which pilot, and rows of one label together."""
        if not self.is_measuring:
            self.customers.first_tier[:] = self.customers.tier
        if self.piloted:
            self.pilots = Pilots(self.piloted, self.seed)
            self.pilots.group(self.customers)

    def scores(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The bank's scores of some customers, in SD, float32: the same that campaigns go by."""
        c = self.customers
        scores = {name: np.empty(rows.size, np.float32) for name in ("churn_score", "uplift_score", "offer_score")}
        for label, mine in self._by_label(rows):
            one, found = rows[mine], [np.empty(mine.size, np.float32) for _ in scores]
            now = self.inside[label][1] if label in self.inside else self.now
            score_chunk(c.uid[one], c.tier[one], c.risk[one], c.uplift_class[one], c.need[one], now, self.rates, *found)
            for score, values in zip(scores.values(), found, strict=True):
                score[mine] = values
        return scores

    def _now(self, levers: Levers) -> Now:
        s, world = self.settings, self.environment
        on = s.mechanisms
        key0, key1 = key_of(self.seed)
        share = float(self.tally[:, T.DIGITAL].sum()) / max(float(self.tally[:, T.ACTIVE].sum()), 1.0)
        contagion = np.log(s.leaving.word_of_mouth) * s.leaving.neighbours * self.leavers
        campaign = np.clip(self.campaign + levers.campaign, 0.0, 1.0) if on.contacts else np.zeros_like(self.campaign)
        f = np.float32
        return Now(
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
            adoption_shift=f(
                world.adoption
                + levers.adoption
                - s.adoption.privacy_risk * levers.privacy_risk * np.exp(levers.log_refusal)
            ),
            peers=f(share - s.adoption.peers_from),
            word_of_mouth=(contagion if on.word_of_mouth else np.zeros(len(self.tiers))).astype(f),
            quality_shift=np.stack([levers.quality, levers.quality + levers.quality_managed]).astype(f),
            quality_sd_ratio=np.exp(levers.log_quality_sd).astype(f),
            expectation_rise=f(world.expectation_rise),
            failure_ratio=f(np.exp(levers.log_failure)),
            resolution=f(shifted(s.service.resolution, levers.resolution)),
            push_share=f(shifted(s.contacts.push, levers.push)),
            push_managers=f(shifted(s.contacts.push, levers.push + levers.push_managers)),
            conversion_ratio=np.exp(levers.log_conversion).astype(f),
            campaign=np.ascontiguousarray(campaign, f),
            hazard_ratio=levers.log_hazard.astype(f),
            manager_quality=self.team.quality(),
            **self._campaigns(levers),
            **self._knowledge(levers),
        )

    def _campaigns(self, levers: Levers) -> dict[str, Any]:
        """What levers say of contacts, privacy and demotions, for `Now`."""
        s, f = self.settings, np.float32
        known = shifted(s.scores.data_quality, levers.data_quality)  # customers who have one name online and offline
        refusal = np.exp(levers.log_refusal)
        on = s.mechanisms.contacts
        top = min(max(levers.offer_share, 1e-6), 1.0)
        retain = np.clip(levers.retain, 0.0, 1.0) if on else np.zeros_like(levers.retain)
        return {
            "handoff": f(levers.handoff * known),
            "synergy": f(levers.synergy * known),
            "privacy": f(levers.privacy * refusal * float(self.rates.trust_sd)),
            "pressure_cap": f(levers.pressure_cap),
            "outreach": f(levers.outreach * self.scenario.managers.remote_coverage if on else 0.0),
            "outreach_from": f(self.scenario.managers.remote_from),
            "extra_grace": f(levers.extra_grace),
            "demotion_ratio": f(np.exp(levers.log_demotion)),
            "welcoming": np.bool_(on and levers.welcome.any()),
            "welcome": np.clip(levers.welcome, 0.0, 1.0).astype(f),
            "welcome_hazard": f(levers.log_welcome_hazard),
            "welcome_adoption": f(levers.welcome_adoption),
            "welcome_product": f(min(max(levers.welcome_product, 0.0), 1.0)),
            "win_back": (np.clip(levers.win_back, 0.0, 1.0) * on).astype(f),
            "retain": np.ascontiguousarray(retain, f),
            "retain_cut": f(levers.retain_cut),
            "by_uplift": np.bool_(levers.by_uplift),
            "targeting": f(levers.targeting),
            "offer_cut": f(ndtri(1.0 - top) if top < 1.0 else -np.inf),
            "offer_boost": f(1.0 / top),
            "scored": np.bool_(levers.targeting > 0 or retain.any()),
        }

    def _knowledge(self, levers: Levers) -> dict[str, Any]:
        """What the bank's scores know this quarter, for `Now`.

        A score of unit variance that is correlated r with a normal truth of which a SD multiplies the hazard by e^s
        tells the cases from the rest with AUC = Phi(r s / sqrt 2); r cannot exceed 1, so no model knows more than
        there is to know (SPEC 6.3).
        """
        s, f = self.settings.scores, np.float32
        quality = shifted(s.data_quality, levers.data_quality)

        def correlation(auc: float, spread: float) -> np.float32:
            effective = 0.5 + (min(max(auc, 0.5), 0.9999) - 0.5) * quality
            return f(min(np.sqrt(2.0) * ndtri(effective) / max(spread, 1e-6), 1.0))

        risk_mean, risk_sd, gain_mean, gain_sd = self.moments.T.astype(f)
        return {
            "score_word": word_of((self.month - 1) // s.redrawn_months),
            "know_churn": correlation(s.churn_auc + levers.churn_auc, self.risk_spread),
            "know_uplift": f(min(max(s.uplift + levers.uplift, 0.0), 1.0)),
            "know_offer": correlation(s.offer_auc + levers.offer_auc, self.settings.contacts.need),
            "risk_mean": np.ascontiguousarray(risk_mean),
            "risk_sd": np.ascontiguousarray(risk_sd),
            "gain_mean": np.ascontiguousarray(gain_mean),
            "gain_sd": np.ascontiguousarray(gain_sd),
        }

    def each(self, run: Callable[[int, int], Any], pairs: Sequence[tuple[int, int]] | None = None) -> list[Any]:
        """What `run` says of every stretch of rows, by its first and last, or of `pairs`; threads share them out."""
        parts = stretches(0, len(self.customers), self.threads) if pairs is None else pairs
        return self._shared(lambda part: run(*part), parts)

    def _shared(self, run: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
        """What `run` says of every part, shared out among threads where there are several of both."""
        return [run(part) for part in parts] if self.pool is None else self.pool.map(run, parts)

    def _run_chunks(
        self, plan: np.ndarray, now: Now, rows: int | None = None, besides: Sequence[Callable[[], None]] = ()
    ) -> tuple[np.ndarray, ...]:
        """Simulate every chunk on any thread; integer sums come to the same bits, whichever thread adds what.

        What is to be done `besides` is done by these threads, too.
        """
        n = len(self.customers) if rows is None else rows
        tiers, posts = len(self.tiers), max(len(self.team.managers), 1)
        totals = Totals((tiers, TALLIES), (tiers, TENURE_LAST + 1, 3), (tiers + 2,), (posts,), (tiers, *REACH_SHAPE))
        meet = {0: (now, self.rates_in_use(self.levers))}
        meet |= {label: (inside, self.rates_in_use(levers)) for label, (levers, inside) in self.inside.items()}
        runs = [(0, n, 0)] if self.pilots is None or n == 0 else self.pilots.runs()

        lived: list[int] = []

        def run(chunk: tuple[int, int, int]) -> None:
            first, last, label = chunk
            with totals.lent() as sums, self.customers.part(first, last) as rows:
                stood = self.stood[first:last]
                lived.append(tidy_rows(rows, 0, last - first, plan[first:last], stood))
                step_chunk(rows, 0, last - first, plan[first:last], *meet.get(label, meet[0]), *sums)
                if not self.tidies:
                    stand_again(rows, 0, last - first, stood)
                plan[first:last] = NOBODY

        chunks = [(*part, label) for first, last, label in runs for part in stretches(first, last, self.threads)]
        self._shared(lambda task: task(), [*besides, *(partial(run, chunk) for chunk in chunks)])
        self.lived_rows = sum(lived)
        return totals.whole()

    def rates_in_use(self, levers: Levers) -> Rates:
        """What customers live by, as channels are used and fail this month."""
        failing = np.ones(len(CHANNELS))
        failing[self.scenario.channels.column("in_app") > 0] = np.exp(levers.log_app_failure)
        return in_use(self.rates, self.settings, self.scenario.channels, self.environment.use, failing)


def stretches(first: int, last: int, threads: int) -> list[tuple[int, int]]:
    """Rows first..last in whole chunks for threads to take one after the other: long ones first, the last ones short.

    Fewer are better, since to hand a month to compiled code takes some ten microseconds each time; but who has done its
    last waits for who has not.
    """
    parts: list[tuple[int, int]] = []
    start = first
    while start < last or not parts:
        left = -(-(last - start) // CHUNK)
        size = CHUNK * min(max(left // (threads * SHARES) if threads > 1 else left, 1), LONGEST)
        parts.append((start, min(start + size, last)))
        start += size
    return parts
