"""The bank, living month by month. `BankModel.step` is the table of contents; each line is a room of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import mesa
import numpy as np

from sim import kernels
from sim.agents.channel import Channel
from sim.agents.customer import Customers
from sim.agents.team import MonthOfWork, Team
from sim.behaviour.rates import growth_path, nps, rates, relocation_ratio
from sim.codes import ACTIVE, CHANNELS, CLOSED, DORMANT, DRAW_MARKOV, DRAW_PANEL, JOINED_THIS_YEAR, NOBODY
from sim.environment import Environment
from sim.kernels import CHUNK, TALLIES, WEIGHT_UNIT
from sim.ledger import Ledger, MonthBooks
from sim.levers import Levers, shifted
from sim.numerics import key_of, uniforms, word_of
from sim.population.synthetic import Source
from sim.recorder import Recorder, stocks
from sim.scenario import Arm, Scenario
from sim.tiers import row

RATIO_UNIT = 1048576.0  # fixed point of hazard ratios in `kernels.add_ratios`
YEAR = 12


class BankModel(mesa.Model):
    """One bank under one arm and one seed.

    `source` says where customers come from (prepared once a scenario), `threads` how many threads share the chunks.
    `months` months are lived after `burn_in`; month 0 is the state after burn-in.
    """

    def __init__(self, scenario: Scenario, arm: Arm, seed: int, source: Source, *, threads: int = 1):
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
        self.environment = Environment(n)
        self.levers = Levers(n)
        self.channels = [Channel(self, number, channel) for number, channel in enumerate(scenario.channels.all())]
        self.ledger = Ledger(scenario.economics, scenario.channels, scenario.managers.salary, self.tiers)
        self.recorder = Recorder(arm.name, seed, [tier.name for tier in self.tiers])
        self.campaign = np.array([row(c.campaign, self.tiers, np.float64) for c in scenario.channels.all()]).T
        self.growth_path = growth_path(self.rates, scenario.burn_in + scenario.months)
        self.left_from = np.zeros(n + 2, np.int64)
        self.leavers = np.zeros(n)
        self.customers = self._populate()
        self.team = Team(self, scenario.managers, self.tiers, seed, self.settings.mechanisms.manager_turnover)
        if self.settings.mechanisms.contacts:
            self.team.staff(self.customers, self.month)
        self.tally = self._count_all()
        self.close_rate, self.dormant_rate = self._normalised()
        self.measured_rows = 0  # open rows summed over measured months
        self.measured_seconds = 0.0
        self._run_chunks(np.empty(0, np.int8), self._now(), rows=0)  # loads or compiles the kernel before it is timed

    # --- the month ---------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Live one month, in the order of DECISIONS 10."""
        self.month += 1
        self.environment.advance(self.month)
        self.levers.reset()
        self.turn_levers()
        plan, work = self.schedule()
        joined = self.live(plan, work)
        self.close_managers_month(work)
        books = self.settle(joined, plan)
        self.record(joined, books)

    def run(self, told: Callable[[int], None] | None = None) -> Recorder:
        """Live burn-in and the measured months; `told` hears the rows of each month."""
        try:
            while self.month < 0:
                self._step_told(told)
            self.begin_measuring()
            began = perf_counter()
            while self.month < self.scenario.months:
                self.measured_rows += int(np.count_nonzero(self.customers.state != CLOSED))
                self._step_told(told)
            self.measured_seconds = perf_counter() - began
        finally:
            if self.pool is not None:
                self.pool.shutdown()
                self.pool = None
        return self.recorder

    def _step_told(self, told: Callable[[int], None] | None) -> None:
        self.step()
        if told is not None:
            told(len(self.customers))

    def begin_measuring(self) -> None:
        """Month 0: normalise hazards once more, begin the first year, record the state."""
        self.close_rate, self.dormant_rate = self._normalised()
        self.recorder.cohorts[:] = 0
        self.recorder.book_exits.clear()
        self.team.events.clear()
        self.recorder.month(0, self.tally, np.zeros(len(self.tiers)), None)
        self.recorder.bank.append(self._bank_row(None))
        self._begin_year()
        self._mark_year_ago()
        self._record_panel()

    # --- its lines ---------------------------------------------------------------------------------------------

    def turn_levers(self) -> None:
        """Strategies turn levers at today's maturity; an arm without strategies leaves them neutral."""

    def schedule(self) -> tuple[np.ndarray, MonthOfWork]:
        """Managers and channels choose whom to contact, on last month's view."""
        if not self.settings.mechanisms.contacts:
            posts = np.zeros(len(self.team.managers))
            return np.full(len(self.customers), NOBODY, np.int8), MonthOfWork(posts, posts, posts)
        bank = float(self.tally[:, kernels.T_OPEN].sum()) / WEIGHT_UNIT
        branch = self.environment.branch_capacity
        return self.team.plan(self.customers, self.channels, self.levers, self.month, bank, branch)

    def live(self, plan: np.ndarray, work: MonthOfWork) -> np.ndarray:
        """The kernel's month over all customers, then Markov moves and joiners; returns joiners by tier (weight)."""
        before = self.customers.tier.copy()
        now = self._now()
        tally, cohort, left, exits = self._run_chunks(plan, now)
        self.tally = tally
        self.recorder.cohorts += cohort
        self.left_from += left
        self.recorder.book_exits[self.month] = exits
        self.planned = self._planned_contacts(plan, before)
        transitions = self.settings.transitions
        if transitions.mode == "markov" and self.month % transitions.period_months == 0:
            self._move_by_matrix()
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
        )

    def record(self, joined: np.ndarray, books: MonthBooks) -> None:
        """Keep the month; at year's end the transitions, twelve months before the end a mark on who is active."""
        active = np.maximum(self.tally[:, kernels.T_ACTIVE], 1)
        gone = self.tally[:, kernels.T_CLOSED] + self.tally[:, kernels.T_DORMANT]
        self.leavers = 0.5 * self.leavers + gone / active
        if self.month <= 0:
            return
        if self.month % YEAR == 0:
            self._close_year()
        self.recorder.month(self.month, self.tally, joined, books)
        self.recorder.bank.append(self._bank_row(books))
        if self.month % YEAR == 0:
            self._begin_year()
        self._mark_year_ago()
        self._record_panel()

    # --- beginnings --------------------------------------------------------------------------------------------

    def _populate(self) -> Customers:
        first = self.source.first(self.luck, self.month)
        n = first["uid"].size
        growth = self.settings.acquisition.rate if self.settings.mechanisms.acquisition else 0.0
        years = (self.scenario.burn_in + self.scenario.months) / YEAR
        customers = Customers(int(n * (1.0 + min(growth, 0.5) * min(years, 10.0) * 0.6)) + 256)
        customers.place(first)
        return customers

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
        mean = mean * relocation_ratio(self.settings)
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

        def live(first: int) -> list[np.ndarray]:
            out = [np.zeros(shape, np.int64) for shape in shapes]
            kernels.live_chunk(arrays, first, min(first + CHUNK, n), plan, now, self.rates, *out)
            return out

        starts = range(0, max(n, 1), CHUNK)
        parts = list(self.pool.map(live, starts)) if self.pool is not None else [live(first) for first in starts]
        return tuple(np.asarray(sum(column)) for column in zip(*parts, strict=True))

    def _planned_contacts(self, plan: np.ndarray, tier: np.ndarray) -> np.ndarray:
        """Contacts made by managers, customers by (tier, channel); they carry no channel price."""
        rows = np.flatnonzero(plan >= 0)
        cell = tier[rows].astype(np.int64) * len(CHANNELS) + plan[rows]
        size = len(self.tiers) * len(CHANNELS)
        counts = np.bincount(cell, self.customers.weight[rows].astype(np.float64), minlength=size)
        return counts.reshape(len(self.tiers), len(CHANNELS)) / WEIGHT_UNIT

    def _move_by_matrix(self) -> None:
        """Markov mode: every open customer moves by the matrix; a mover's AUM is drawn anew from its new tier."""
        c = self.customers
        matrix = np.asarray(self.settings.transitions.matrix, np.float64)
        rows = np.flatnonzero(c.state != CLOSED)
        u = uniforms(self.luck, DRAW_MARKOV, self.month, c.uid[rows])
        old = c.tier[rows].astype(np.int64)
        new = np.minimum((u[0][:, None] >= np.cumsum(matrix, axis=1)[old]).sum(axis=1), len(self.tiers) - 1)
        moves = new != old
        rows, old, new = rows[moves], old[moves], new[moves]
        weight = c.weight[rows].astype(np.int64)
        aum = self.source.draw_aum(u[1][moves], new)
        fen, fen_before = (np.floor(money * 100.0 + 0.5).astype(np.int64) for money in (aum, c.aum[rows]))
        share = c.held[rows] / (1.0 + np.exp(-c.wallet[rows].astype(np.float64)))
        shift = np.log(np.maximum(aum, 1e-2)) - np.log(share) - c.log_wealth[rows]
        c.log_wealth[rows] += shift
        c.wealth_mean[rows] += shift
        for name in ("aum", "aum_1", "aum_2"):
            getattr(c, name)[rows] = aum
        c.tier[rows] = new
        c.tier_change[rows] = np.where(new > old, 6, -6)
        c.below[rows] = 0
        flows = self.tally.copy()
        for column, at, amount in (
            (kernels.T_UPGRADED, old[new > old], weight[new > old]),
            (kernels.T_DOWNGRADED, old[new < old], weight[new < old]),
            (kernels.T_MOVED_IN, new, weight),
            (kernels.T_NEW_MONEY, old, weight * (fen - fen_before)),
            (kernels.T_AUM_MOVED, new, weight * fen),
            (kernels.T_AUM_MOVED, old, -weight * fen),
        ):
            np.add.at(flows[:, column], at, amount)
        stock = self._count_all()
        is_stock = np.r_[: kernels.T_CLOSED]
        flows[:, is_stock] = stock[:, is_stock]
        flows[:, kernels.T_MANAGED_OPEN] = stock[:, kernels.T_MANAGED_OPEN]
        self.tally = flows

    # --- records -----------------------------------------------------------------------------------------------

    def _codes(self) -> np.ndarray:
        """Tier of active customers, number of tiers for dormant ones, by row."""
        c = self.customers
        return np.where(c.state == DORMANT, len(self.tiers), c.tier)

    def _begin_year(self) -> None:
        c = self.customers
        c.year_start[:] = np.where(c.state == CLOSED, JOINED_THIS_YEAR, self._codes())
        self.left_from[:] = 0

    def _close_year(self) -> None:
        c = self.customers
        n = len(self.tiers)
        rows = np.flatnonzero(c.state != CLOSED)
        start = np.minimum(c.year_start[rows].astype(np.int64), n + 1)
        cell = start * (n + 2) + self._codes()[rows]
        counts = np.bincount(cell, c.weight[rows].astype(np.float64), minlength=(n + 2) ** 2).astype(np.int64)
        counts = counts.reshape(n + 2, n + 2)
        counts[:, n + 1] = self.left_from
        self.recorder.year(self.month // YEAR, counts)

    def _mark_year_ago(self) -> None:
        if self.month == self.scenario.months - YEAR:
            c = self.customers
            c.year_ago[:] = np.where(c.state == ACTIVE, c.tier, -1)
            weight = c.weight[c.state == ACTIVE].astype(np.float64)
            tier = c.tier[c.state == ACTIVE].astype(np.int64)
            self.active_year_ago = np.bincount(tier, weight, minlength=len(self.tiers)) / WEIGHT_UNIT

    def _bank_row(self, books: MonthBooks | None) -> dict[str, float]:
        """One month of `bank.parquet`."""
        t = self.tally.astype(np.float64)
        posts = [m for m in self.team.managers if not m.vacant]
        named = [m for m in posts if not m.remote]
        active = np.maximum(t[:, kernels.T_ACTIVE], 1e-9)
        mean = t[:, kernels.T_LOYALTY] / active / float(kernels.SHARE_UNIT)
        variance = np.maximum(t[:, kernels.T_LOYALTY2] / active / float(kernels.SHARE_UNIT) - mean**2, 0.0)
        zero = np.zeros(len(self.tiers))
        row = {
            "month": self.month,
            "managers": float(len(posts)),
            "managers_left": float(self.team.left if books is not None else 0),
            "managers_hired": float(self.team.hired if books is not None else 0),
            "utilisation": _mean([m.utilisation for m in named]),
            "professional_skill": _mean([m.professional for m in named]),
            "digital_skill": _mean([m.digital for m in named]),
            "fatigue": _mean([m.fatigue for m in named]),
            "nps": nps(mean, variance, t[:, kernels.T_ACTIVE], self.settings),
            **{f"load_{channel.name}": channel.load for channel in self.channels},
            "yield_gap": self.environment.yield_gap,
            "market_return": float(self.environment.market.mean()),
            "adoption_factor": float(np.exp(self.environment.adoption)),
            "branch_capacity": self.environment.branch_capacity,
            "aum_exited": 0.0 if books is None else float(t[:, kernels.T_AUM_EXITED].sum()) / WEIGHT_UNIT / 100.0,
            "aum_gini": self._gini() if self.month % YEAR == 0 or self.month == self.scenario.months else np.nan,
            "strategy_maturity": 0.0,
            "strategy_cost": 0.0 if books is None else float(books.strategy.sum()),
            "cost_service": float((zero if books is None else books.service).sum()),
            "cost_messages": float((zero if books is None else books.messages).sum()),
            "cost_servicing": float((zero if books is None else books.servicing).sum()),
            "cost_acquisition": float((zero if books is None else books.acquisition).sum()),
            "cost_managers": float((zero if books is None else books.managers).sum()),
            "customers_opted_out": float(t[:, kernels.T_OPTED_OUT].sum()) / WEIGHT_UNIT,
            "customers_managed": float(t[:, kernels.T_MANAGED_OPEN].sum()) / WEIGHT_UNIT,
        }
        return row | self._kept()

    def _kept(self) -> dict[str, float]:
        """Who was active twelve months before the end and still is; NaN in every month but the last."""
        names = [tier.name for tier in self.tiers]
        was = kept = np.full(len(names), np.nan)
        if self.month == self.scenario.months and self.scenario.months >= YEAR:
            c = self.customers
            still = (c.state == ACTIVE) & (c.year_ago >= 0)
            weight = c.weight[still].astype(np.float64)
            kept = np.bincount(c.year_ago[still].astype(np.int64), weight, minlength=len(names)) / WEIGHT_UNIT
            was = self.active_year_ago
        out = {"kept_12m": float(kept.sum()), "active_12m_ago": float(was.sum())}
        out |= {f"kept_12m[{name}]": float(value) for name, value in zip(names, kept, strict=True)}
        return out | {f"active_12m_ago[{name}]": float(value) for name, value in zip(names, was, strict=True)}

    def _gini(self) -> float:
        """Gini coefficient of AUM over open customers."""
        c = self.customers
        rows = np.flatnonzero(c.state != CLOSED)
        order = rows[np.lexsort((c.uid[rows], c.aum[rows]))]
        weight = c.weight[order].astype(np.float64)
        money = np.cumsum(weight * c.aum[order])
        if rows.size == 0 or money[-1] <= 0:
            return float("nan")
        share = np.concatenate([[0.0], money / money[-1]])
        return float(1.0 - ((share[1:] + share[:-1]) * weight).sum() / weight.sum())

    def _record_panel(self) -> None:
        """Month by month rows of a fixed set of tracked customers, those with the smallest draws at month 0."""
        wanted = self.scenario.record.panel
        if wanted == 0:
            return
        c = self.customers
        if self.month == 0:
            rows = np.flatnonzero(c.state != CLOSED)
            luck = uniforms(self.luck, DRAW_PANEL, 0, c.uid[rows])[0]
            self.tracked = rows[np.lexsort((c.uid[rows], luck))[:wanted]]
            self.tracked_uid = c.uid[self.tracked].copy()
        here = (c.uid[self.tracked] == self.tracked_uid) & (c.state[self.tracked] != CLOSED)
        rows = self.tracked[here]
        hidden = {"satisfaction", "trust", "engagement", "expectation", "log_frailty", "bond", "pressure",
                  "open_failure", "affinity", "held"}  # fmt: skip
        seen = ("uid", "state", "tier", "aum", "products", "adopted", "manager", "contact_gap", "transactions",
                "silence", "attempts", "opted_out", "joined_month", "age", "weight")  # fmt: skip
        month = {"month": np.full(rows.size, self.month)}
        month |= {f"observed_{name}": getattr(c, name)[rows].copy() for name in seen}
        month |= {f"true_{name}": getattr(c, name)[rows].copy() for name in sorted(hidden)}
        self.recorder.panel.append(month)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


