"""The kernel says what the formulas say: compiled, interpreted or in NumPy, in any order, on any thread."""

from __future__ import annotations

import hashlib
import importlib
import math
import os
import pkgutil
import re
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import builders as b
import llvmlite.binding
import numpy as np
import pytest
import twin
from numba import njit, typeof, types
from numba.core.dispatcher import Dispatcher

import sim.kernel
from sim.agents.customer import NAMES, Columns, Customers
from sim.codes import ACTIVE, APP, BRANCH, CLOSED, DORMANT, MESSAGING, NOBODY, PHONE, REDUCED
from sim.kernel import leaving, money, service
from sim.kernel import month as kernel
from sim.kernel.blocks import BLOCK, Draws, Work
from sim.kernel.inputs import Now, Rates
from sim.kernel.numerics import ONE, RULE, NoAlias, f32
from sim.kernel.pages import page, page_of
from sim.kernel.strips import Strip, strip
from sim.kernel.tallies import FLOWS, MOMENTS, TALLIES, WEIGHT_UNIT
from sim.kernel.tallies import Tally as T
from sim.kernel.tidy import stand_again, tidy_chunk, tidy_rows

HERE = Path(__file__).parent
ROWS = 3_000  # five blocks and a remainder
MONTHS = range(-3, 4)


def assert_same_people(a: Customers, b: Customers) -> None:
    """All columns have the same bits, minus zeros and NaNs included."""
    for name in NAMES:
        x, y = getattr(a, name), getattr(b, name)
        differ = np.flatnonzero(x.view(f"V{x.itemsize}") != y.view(f"V{y.itemsize}"))
        assert not differ.size, f"{name} differs in {differ.size} rows: {x[differ[:3]]}, {y[differ[:3]]}"


def assert_same_tallies(a: b.Tallies, b: b.Tallies) -> None:
    for x, y in zip(a.all(), b.all(), strict=True):
        np.testing.assert_array_equal(x, y)


# --- one month, three ways -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["structural", "markov"])
def test_kernel_and_formula_book_agree_bit_for_bit_through_stormy_months(mode):
    p = b.eventful(markov=mode == "markov")
    compiled = b.lived_in(b.newcomers(ROWS), month=MONTHS[0] - 1)
    formulas = b.copy_of(compiled)
    met = np.zeros(TALLIES, np.int64)
    for month in MONTHS:
        now, plan = b.stormy(month, p=p), b.plan_for(compiled, seed=month + 100, purposes=True)
        ours = b.live(kernel.step_chunk, compiled, plan, now, p)
        assert_same_tallies(ours, b.live(twin.step_chunk, formulas, plan, now, p))
        assert_same_people(compiled, formulas)
        met += np.abs(ours.tally).sum(axis=0)
        for part in ours.all():
            assert part.any()
    moves = {T.UPGRADED, T.DOWNGRADED, T.MOVED_IN, T.AUM_MOVED}
    never = set(np.flatnonzero(met == 0))
    assert never == (moves if mode == "markov" else set()), "the months should have met everything that is counted"


@pytest.mark.parametrize("switched_off", [{}, {"covariates_on": 0, "adoption_on": 0}], ids=["default", "no covariates"])
def test_kernel_and_formula_book_agree_in_a_calm_year_at_default_rates(switched_off):
    p = b.rates_of(**switched_off)
    compiled = b.newcomers(1_500)
    formulas = b.copy_of(compiled)
    for month in range(-23, -11):
        now, plan = b.calm(month, p=p), b.plan_for(compiled, seed=month + 100, share=0.2)
        assert_same_tallies(
            b.live(kernel.step_chunk, compiled, plan, now, p), b.live(twin.step_chunk, formulas, plan, now, p)
        )
    assert_same_people(compiled, formulas)


def test_a_bank_of_one_tier_agrees_too():
    p = b.rates_of(tiers=b.TIERS[:1])
    compiled = b.newcomers(700)
    compiled.tier[:] = 0
    formulas = b.copy_of(compiled)
    now, plan = b.calm(p=p), np.full(700, NOBODY, np.int8)
    assert_same_tallies(
        b.live(kernel.step_chunk, compiled, plan, now, p), b.live(twin.step_chunk, formulas, plan, now, p)
    )
    assert_same_people(compiled, formulas)


@pytest.mark.parametrize("month", [-24, 0, 37])
def test_normalising_sums_and_stocks_agree_with_the_formula_book(month):
    p, people = b.eventful(), b.lived_in(b.newcomers(ROWS), month=-24)
    for ours, theirs, more, shape in (
        (kernel.weigh_chunk, twin.weigh_chunk, (f32(1.5),), (4, MOMENTS)),
        (kernel.count_chunk, twin.count_chunk, (), (4, TALLIES)),
    ):
        a, other = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        ours(people.arrays, 5, ROWS - 3, month, *more, p, a)
        theirs(people.arrays, 5, ROWS - 3, month, *more, p, other)
        np.testing.assert_array_equal(a, other)
        assert a.any()


def digest_of_two_months() -> str:
    """SHA-256 over all columns and tallies of 600 customers after two stormy months."""
    p, people = b.eventful(), b.lived_in(b.newcomers(600), month=-2)
    digest = hashlib.sha256()
    for month in (-1, 0):
        tallies = b.live(kernel.step_chunk, people, b.plan_for(people), b.stormy(month, p=p), p)
        for part in tallies.all():
            digest.update(part.tobytes())
    sums = np.zeros((4, MOMENTS), np.int64)
    kernel.weigh_chunk(people.arrays, 0, len(people), 1, f32(0.5), p, sums)
    digest.update(sums.tobytes())
    for name in NAMES:
        digest.update(getattr(people, name).tobytes())
    return digest.hexdigest()


def test_compiled_and_interpreted_are_the_same():
    script = (
        "import test_kernels as t; assert not hasattr(t.kernel.step_chunk, 'signatures'), 'compiled';"
        "print(t.digest_of_two_months())"
    )
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == digest_of_two_months()


# --- whatever the order ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stormy_month():
    """The people before a stormy month, and what the kernel makes of them in one chunk on one thread."""
    p, before = b.eventful(), b.lived_in(b.newcomers(ROWS), month=0)
    now, plan = b.stormy(1, p=p), b.plan_for(before)
    after = b.copy_of(before)
    tallies = b.live(kernel.step_chunk, after, plan, now, p)
    return p, now, plan, before, after, tallies


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("chunk", [37, BLOCK - 1, BLOCK, BLOCK + 1, 1_000, ROWS])
def test_neither_chunks_nor_blocks_nor_threads_change_anything(stormy_month, chunk, threads):
    p, now, plan, before, after, tallies = stormy_month
    people = b.copy_of(before)
    assert_same_tallies(b.live(kernel.step_chunk, people, plan, now, p, chunk=chunk, threads=threads), tallies)
    assert_same_people(people, after)


def test_the_order_of_rows_changes_nothing(stormy_month):
    p, now, plan, before, after, tallies = stormy_month
    order = np.random.default_rng(8).permutation(ROWS)
    people = b.copy_of(before)
    people.reorder(order)
    assert_same_tallies(b.live(kernel.step_chunk, people, plan[order], now, p, chunk=700, threads=2), tallies)
    back = np.empty(ROWS, np.int64)
    back[order] = np.arange(ROWS)
    people.reorder(back)
    assert_same_people(people, after)


def test_rows_that_are_put_back_stand_where_they_stood(stormy_month):
    _, _, plan, before, _, _ = stormy_month
    people, carried, moved = b.copy_of(before), plan.copy(), np.empty(ROWS, np.int32)
    assert tidy_rows(people.arrays, 0, ROWS, carried, moved) == np.count_nonzero(before.state != CLOSED)
    np.testing.assert_array_equal(carried, plan[moved])
    assert np.count_nonzero(people.uid != before.uid) > ROWS / 10
    stand_again(people.arrays, 0, ROWS, moved)
    assert_same_people(people, before)


@njit
def tidy_alone(c, first, last, plan, moved):
    """Rows first..last put in order as one chunk, and not from the beginning."""
    return tidy_chunk(page(c), first, last, strip(plan, 0, plan.size), strip(moved, 0, moved.size))


def test_tidying_changes_nothing_but_the_order_of_rows(stormy_month):
    p, now, plan, before, after, tallies = stormy_month
    people, nothing, moved = b.copy_of(before), np.empty(0, np.int8), np.arange(ROWS, dtype=np.int32)
    count = 0
    for first, last in ((0, 1_000), (1_000, 2_900)):  # the rest stays as it is
        astray, customers = tidy_alone(people.arrays, first, last, nothing, moved)
        count += astray
        assert customers == np.count_nonzero(people.state[first:last] != CLOSED)
        kinds = [(state, tier if state != CLOSED else 0) for state, tier in zip(people.state, people.tier, strict=True)]
        assert kinds[first:last] == sorted(kinds[first:last]), "active, dormant, closed, each by tier"
        np.testing.assert_array_equal(np.sort(moved[first:last]), np.arange(first, last))
        assert tidy_alone(people.arrays, first, last, nothing, moved)[0] == 0, "no row moves that stands among its like"
    assert count == np.count_nonzero(moved != np.arange(ROWS)) > 0
    for name in NAMES:
        np.testing.assert_array_equal(getattr(people, name), getattr(before, name)[moved], err_msg=name)
    assert_same_tallies(b.live(kernel.step_chunk, people, plan[moved], now, p), tallies)
    back = np.empty(ROWS, np.int64)
    back[moved] = np.arange(ROWS)
    people.reorder(back)
    assert_same_people(people, after)


def test_a_tidied_block_of_one_kind_lives_as_its_rows_do_one_by_one(stormy_month):
    p, now, plan, before, *_ = stormy_month
    for state in (ACTIVE, DORMANT):
        rows = np.flatnonzero((before.state == state) & (before.tier == 0))[:BLOCK]
        people = Customers(rows.size)
        people.place({name: getattr(before, name)[rows].copy() for name in NAMES})
        alone = b.copy_of(people)
        together = b.live(kernel.step_chunk, people, plan[rows], now, p)
        assert_same_tallies(together, b.live(kernel.step_chunk, alone, plan[rows], now, p, chunk=1))
        assert_same_people(people, alone)


@pytest.mark.parametrize("touch", ["plan", "satisfaction", "tier", "state"])
def test_butterfly_what_happens_to_one_customer_changes_nobody_else(stormy_month, touch):
    p, now, plan, before, after, _ = stormy_month
    managed = (before.manager != NOBODY) & (plan == NOBODY) & (before.opted_out == 0) & (before.state == ACTIVE)
    row = int(np.flatnonzero(managed)[3])
    people, changed = b.copy_of(before), plan.copy()
    if touch == "plan":
        changed[row] = BRANCH
    else:
        getattr(people, touch)[row] = {"satisfaction": -3.0, "tier": 3, "state": DORMANT}[touch]
    b.live(kernel.step_chunk, people, changed, now, p)
    others = np.arange(ROWS) != row
    for name in NAMES:
        np.testing.assert_array_equal(getattr(people, name)[others], getattr(after, name)[others], err_msg=name)
    own = [name for name in NAMES if getattr(people, name)[row] != getattr(after, name)[row]]
    assert own, "the touch should matter to the customer touched"


def test_rows_that_are_free_add_nothing_and_stay_free(stormy_month):
    p, now, _, before, _, tallies = stormy_month
    people = Customers(ROWS + 300)
    people.place({name: getattr(before, name).copy() for name in NAMES})
    people.count += 300
    plan = np.concatenate([b.plan_for(before), np.full(300, PHONE, np.int8)])
    assert_same_tallies(b.live(kernel.step_chunk, people, plan, now, p), tallies)
    assert (people.state[ROWS:] == CLOSED).all()
    assert not people.aum[ROWS:].any()


def test_zero_rates_do_nothing():
    people = b.lived_in(b.newcomers(ROWS), month=0)
    p = b.still()
    nothing = np.zeros(4)
    now = b.calm(
        p=p, close_rate=nothing, dormant_rate=nothing, return_ratio=0.0, peers=0.0, push_share=0.0, push_managers=0.0
    )
    people.tier[:] = np.maximum(np.searchsorted(p.threshold, people.aum, side="right") - 1, 0)
    people.log_wealth[:] += np.log(1.0001)  # away from the bounds: AUM is computed anew, to rounding
    for name in ("follow", "follow_months", "attempts"):
        getattr(people, name)[:] = 0
    nobody = np.full(ROWS, NOBODY, np.int8)
    b.live(kernel.step_chunk, people, nobody, now, p)
    people.aum_2[:] = people.aum
    people.tier[:] = np.maximum(np.searchsorted(p.threshold, people.aum, side="right") - 1, 0)
    before = b.copy_of(people)
    for month in (2, 3, 4):
        flows = b.live(kernel.step_chunk, people, nobody, now._replace(month=month), p)
        assert not flows.tally[:, FLOWS].any()
    running = {
        "contact_gap",
        "silence",
        "transactions",
        "below",
        "tier_change",
        "manager_change",
        "second_life",
        "opted_out",
        "retained",
        "risk",
        "traits",
    }
    for name in set(NAMES) - running:
        np.testing.assert_array_equal(getattr(people, name), getattr(before, name), err_msg=name)


# --- the books balance -----------------------------------------------------------------------------------------------


def test_customers_and_money_balance_to_the_fen_in_every_tier(stormy_month):
    p, _, _, before, _, _ = stormy_month
    people = b.copy_of(before)
    start = np.zeros((4, TALLIES), np.int64)
    kernel.count_chunk(people.arrays, 0, ROWS, 0, p, start)
    for month in (1, 2, 3):
        t = b.live(kernel.step_chunk, people, b.plan_for(people), b.stormy(month, p=p), p).tally
        left = t[:, T.CLOSED] + t[:, T.UPGRADED] + t[:, T.DOWNGRADED]
        np.testing.assert_array_equal(t[:, T.OPEN], start[:, T.OPEN] - left + t[:, T.MOVED_IN])
        flow = t[:, T.NEW_MONEY] + t[:, T.MARKET] + t[:, T.AUM_MOVED]
        np.testing.assert_array_equal(t[:, T.AUM], start[:, T.AUM] + flow)
        awake = t[:, T.ACTIVE].sum() - start[:, T.ACTIVE].sum()
        closed_awake = t[:, T.CLOSED].sum() - t[:, T.CLOSED_DORMANT].sum()
        assert awake == t[:, T.REACTIVATED].sum() - t[:, T.DORMANT].sum() - closed_awake
        assert t[:, T.UPGRADED].sum() + t[:, T.DOWNGRADED].sum() == t[:, T.MOVED_IN].sum()
        assert t[:, T.AUM_MOVED].sum() == 0
        start = t


# --- single equations, worked by hand --------------------------------------------------------------------------------


def test_a_loss_weighs_twice_a_gain_and_the_past_fades():
    gain = service.learning(f32(0), f32(1.5), f32(0.1), f32(0.2), f32(0.05))
    loss = service.learning(f32(0), f32(-1.5), f32(0.1), f32(0.2), f32(0.05))
    assert gain == pytest.approx(0.15)
    assert loss == pytest.approx(-0.30)
    assert service.learning(f32(0.4), f32(0), f32(0.1), f32(0.2), f32(0.05)) == pytest.approx(-0.02)


@pytest.mark.parametrize(("pressure", "benefit"), [(0, 0), (1, 1), (2, 0), (3, -3), (4, -8), (9, -8)])
def test_contacts_help_most_at_the_ideal_point_and_harm_beyond_twice_it(pressure, benefit):
    assert leaving.pressure_benefit(f32(pressure), f32(4)) == benefit


def test_tenure_bands_end_after_3_12_24_48_and_60_months():
    months = np.array([-1, 0, 2, 3, 11, 12, 23, 24, 47, 48, 59, 60, 360])
    assert [leaving.tenure_band(m) for m in months] == [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert list(twin.tenure_band(months)) == [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_money_is_the_held_share_of_the_wallet_share_of_wealth():
    aum = money.wallet_money(f32(math.log(200_000)), f32(math.log(0.25 / 0.75)), f32(0.15))
    assert aum == pytest.approx(0.15 * 0.25 * 200_000, rel=2e-6)


def from_python(rule):
    """A rule as Python may call it; it need not have a door of its own."""

    @njit
    def call(*arguments):
        rule(*arguments)

    return call


climb, hold = from_python(leaving.climb), from_python(leaving.hold)
stay_or_leave, sleep_on = from_python(leaving.stay_or_leave), from_python(leaving.sleep_on)


def some(**arrays):
    """A named tuple of what a rule reads of columns, draws or scratch."""
    return namedtuple("Some", arrays)(**arrays)


class Ladder:
    """One customer on the ladder of tiers: AUM month by month, the tier that follows."""

    def __init__(self, tier: int, aum: float, p: Rates | None = None, *, patience: float = 0.0):
        self.p = p or b.rates_of()
        self.patience = patience  # months of grace added by a lever
        self.tier = np.array([tier], np.int8)
        self.below, self.change = np.zeros(1, np.int8), np.zeros(1, np.int8)
        self.aum, self.aum_2 = np.full(1, aum, f32), np.full(1, aum, f32)

    def month(self, aum: float, after: int = ACTIVE) -> int:
        new = np.empty(1, np.int32)
        state, money = np.array([after], np.int32), np.array([aum], f32)
        columns = some(tier=self.tier, below=self.below, tier_change=self.change, aum=self.aum, aum_2=self.aum_2)
        climb(
            int(self.tier[0]),
            columns,
            some(after=state, money=money, new_tier=new),
            some(extra_grace=f32(self.patience)),
            self.p,
        )
        self.tier[0], self.aum[0] = new[0], aum
        return int(new[0])


MASS, AFFLUENT, WEALTH, PRIVATE = range(4)


def test_up_at_once_when_the_mean_of_three_months_reaches_the_bound():
    customer = Ladder(MASS, 40_000)
    assert [customer.month(aum) for aum in (60_000, 60_000, 30_000)] == [MASS, AFFLUENT, AFFLUENT]
    assert Ladder(MASS, 49_999).month(50_001.5) == MASS
    assert Ladder(MASS, 50_000).month(50_000) == AFFLUENT
    assert Ladder(MASS, 40_000).month(20_000_000) == PRIVATE, "all steps at once"


@pytest.mark.parametrize(
    ("tier", "aum", "below", "grace"),
    [(AFFLUENT, 60e3, 40e3, 0), (WEALTH, 600e3, 400e3, 6), (PRIVATE, 7e6, 5e6, 12)],
    ids=["affluent", "wealth", "private"],
)
def test_down_in_the_first_month_after_the_grace(tier, aum, below, grace):
    customer = Ladder(tier, below)
    stayed = 0
    while customer.month(below) == tier:
        stayed += 1
    assert stayed == grace
    assert customer.tier[0] == tier - 1
    patient = Ladder(tier, below)
    for _ in range(grace):
        patient.month(below)
    assert patient.month(3 * aum) == tier, "one good month within the grace"
    assert patient.below[0] == 0, "starts the grace anew"


def test_a_move_is_felt_for_six_months_and_a_closed_account_never_moves():
    for start, aum, first in ((MASS, 60_000, 6), (AFFLUENT, 20_000, -6)):
        customer = Ladder(start, aum)
        customer.month(aum)
        felt = [int(customer.change[0])]
        while felt[-1] != 0:
            customer.month(aum)
            felt.append(int(customer.change[0]))
        assert felt == [*range(first, 0, -1 if first > 0 else 1), 0]
    assert Ladder(WEALTH, 0.0).month(0.0, after=CLOSED) == WEALTH


def test_in_markov_mode_money_moves_nobody():
    p = b.rates_of(markov=True)
    assert [Ladder(tier, aum, p).month(aum) for tier, aum in ((MASS, 1e8), (PRIVATE, 1.0))] == [MASS, PRIVATE]


def leave(u, *, state=ACTIVE, close=0.0, doze=0.0, ratio=1.0, follow=0.0, dormant=(0.0, 0.0), held=1.0, court=0.0):
    """State after a month, AUM (1000 before) and held share of customers with these exit uniforms."""
    n = len(u)
    p = b.rates_of(dormant_close=dormant[0], dormant_return=dormant[1], win_back=np.full(4, 0.3))
    after, money = np.empty(n, np.int32), np.full(n, 1000, f32)
    traits = np.full(n, REDUCED if held < 1.0 else 0, np.uint8)
    states, second = np.full(n, state, np.int8), np.zeros(n, np.int8)
    columns = some(
        state=states,
        tier=np.zeros(n, np.int8),
        risk=np.full(n, math.log(ratio), f32),
        traits=traits,
        follow=np.full(n, follow, f32),
        follow_months=np.full(n, 3, np.int8),
        opted_out=np.zeros(n, np.int8),
        second_life=second,
    )
    scratch = some(channel=np.full(n, NOBODY, np.int32), money=money, after=after)
    now = some(
        close_rate=np.array([close], f32),
        dormant_rate=np.array([doze], f32),
        return_ratio=f32(1),
        win_back=np.full(4, court, f32),
    )
    decide = sleep_on if state == DORMANT else stay_or_leave
    decide(0, columns, some(exit=np.asarray(u, f32), campaign=np.full(n, 0.5, f32)), scratch, now, p)
    hold(columns, scratch, p)
    kept = np.where(traits & REDUCED != 0, p.dormant_share, f32(1))
    return after, money, kept, second


def around(probability, cells=4096):
    """Neighbouring uniforms on both sides of a probability, and how many of them lie below it."""
    first = int(probability * 2**23) - cells // 2
    u = (first + np.arange(cells) + 0.5) / 2**23
    return u.astype(f32), probability * 2**23 - first


@pytest.mark.parametrize("hazard", [0.0005, 0.0025, 0.0125, 0.05, 0.5])
def test_a_month_is_survived_with_probability_one_less_the_hazard_to_float32(hazard):
    u, below = around(hazard)
    after, *_ = leave(u, close=-math.log1p(-hazard))
    assert (after == CLOSED).sum() == pytest.approx(below, abs=2)


@pytest.mark.parametrize("ratio", [0.2, 1.0, 3.0])
def test_a4_causes_share_the_exits_in_proportion_to_their_rates(ratio):
    close, doze, follow = 0.004 * ratio, 0.010 * ratio, 0.003
    exits = 1 - math.exp(-(close + doze + follow))
    closing = exits * (close + follow) / (close + doze + follow)
    for probability, inside, outside in ((closing, CLOSED, DORMANT), (exits, DORMANT, ACTIVE)):
        u, below = around(probability)
        after, *_ = leave(u, close=0.004, doze=0.010, follow=follow, ratio=ratio)
        assert set(after) == {inside, outside}
        assert (after == inside).sum() == pytest.approx(below, abs=3)


def test_the_dormant_keep_a_part_of_the_wallet_and_get_the_rest_back_with_a_second_life():
    after, money, held, _ = leave([0.001, 0.999], doze=0.1)
    assert list(after) == [DORMANT, ACTIVE]
    assert list(held) == [f32(0.15), 1.0]
    assert list(money) == [pytest.approx(150.0), 1000.0]
    after, money, held, second = leave([0.01, 0.1, 0.9], state=DORMANT, dormant=(0.05, 0.2), held=0.15)
    assert list(after) == [CLOSED, ACTIVE, DORMANT]
    assert list(money) == [0.0, pytest.approx(1000 / 0.15), 1000.0]
    assert list(held[1:]) == [1.0, f32(0.15)]
    assert list(second) == [0, 12, 0]


def test_who_is_courted_comes_back_at_the_rate_of_returning_plus_that_of_the_answer():
    returns = 1 - math.exp(-(0.2 + 0.3))
    u, below = around(returns)
    after, *_ = leave(u, state=DORMANT, dormant=(0.0, 0.2), held=0.15, court=1.0)
    assert (after == ACTIVE).sum() == pytest.approx(below, abs=3)
    after, *_ = leave(u, state=DORMANT, dormant=(0.0, 0.2), held=0.15, court=0.4)
    assert set(after) == {DORMANT}, "the campaign's uniform is 0.5: nobody is courted"


def test_more_grace_puts_a_demotion_off():
    customer = Ladder(AFFLUENT, 40e3, patience=2.0)
    assert [customer.month(40e3) for _ in range(3)] == [AFFLUENT, AFFLUENT, MASS]


def test_without_hazard_nobody_leaves_and_the_closed_never_return():
    ends = np.array([2.0**-24, 1 - 2.0**-24], f32)
    assert set(leave(ends)[0]) == {ACTIVE}
    assert set(leave(ends, state=DORMANT)[0]) == {DORMANT}


def test_nothing_of_the_closed_is_lived(stormy_month):
    _, _, _, before, after, _ = stormy_month
    gone = before.state == CLOSED
    assert gone.any()
    for name in NAMES:
        np.testing.assert_array_equal(getattr(after, name)[gone], getattr(before, name)[gone], err_msg=name)


# --- what a customer may count on ------------------------------------------------------------------------------------


def laboratory(rows: int = 40_000, *, tier: int = MASS) -> Customers:
    """Equal active customers of one tier: neutral traits, no tenure, 100,000 of wealth, half of it here."""
    people = Customers(rows)
    people.place(
        {
            "uid": np.arange(rows, dtype=np.uint64),
            "weight": np.full(rows, WEIGHT_UNIT),
            "state": np.full(rows, ACTIVE),
            "tier": np.full(rows, tier),
            "age": np.full(rows, 45.0),
            "log_wealth": np.full(rows, math.log(1e5)),
            "wealth_mean": np.full(rows, math.log(1e5)),
            "aum": np.full(rows, 5e4),
            "aum_2": np.full(rows, 5e4),
            "preferred": np.full(rows, APP),
        }
    )
    return people


def idle(p, month=1, **changed):
    """A month in which nobody leaves."""
    nobody_leaves = {"close_rate": np.zeros(4), "dormant_rate": np.zeros(4), "return_ratio": 0.0}
    return b.calm(month, p=p, **(nobody_leaves | changed))


def test_an_opt_out_silences_its_channel_for_24_months_and_no_other():
    p = b.still(opt_out_rate=1.0, markov=True)
    people = laboratory(3)
    plan = np.array([PHONE, PHONE, PHONE], np.int8)
    calls = []
    for month in range(1, 28):
        plan[1] = MESSAGING if month > 1 else PHONE
        plan[2] = PHONE if month in (1, 27) else NOBODY
        p = p if month == 1 else b.still(markov=True)
        t = b.live(kernel.step_chunk, people, plan, idle(p, month), p)
        calls.append((t.of(T.CONTACTS + PHONE) // WEIGHT_UNIT, t.of(T.CONTACTS + MESSAGING) // WEIGHT_UNIT))
    assert calls[0] == (3, 0)
    assert calls[1:25] == [(0, 1)] * 24, "months 2 to 25: the phone is barred, messages are not"
    assert calls[25] == (1, 1)
    assert calls[26] == (2, 1)


def test_contact_pressure_is_the_number_of_contacts_a_quarter_over_the_ideal_number():
    p = b.still(pressure_memory=2 / 3, preferred_relief=0.8, markov=True)
    people = laboratory(2)
    people.preferred[1] = PHONE
    for month in range(1, 61):
        b.live(kernel.step_chunk, people, np.full(2, PHONE, np.int8), idle(p, month), p)
    ideal_calls = 3.0
    assert people.pressure == pytest.approx([3 / ideal_calls, 0.8 * 3 / ideal_calls], rel=1e-5)


def test_six_contacts_with_a_manager_make_63_percent_of_a_bond():
    p = b.still(bond_step=1 - math.exp(-1 / 6), reach=[1, 1, 1, 1, 1], markov=True)
    people = laboratory(3)
    people.manager[:] = [0, 0, NOBODY]
    for month in range(1, 7):
        b.live(kernel.step_chunk, people, np.array([PHONE, NOBODY, PHONE], np.int8), idle(p, month), p)
    assert people.bond == pytest.approx([1 - math.exp(-1), 0, 0], rel=1e-5)
    assert list(people.contact_gap) == [0, 6, 6]


def test_further_attempts_in_a_campaign_succeed_ever_more_rarely():
    p = b.still(reach=[1] * 5, conversion=[0.5] * 5, attempt_decay=math.log(0.8136), markov=True)
    people = laboratory()
    rate = []
    for month in range(1, 6):  # the campaign of months 1 to 6
        asked = people.attempts == month - 1
        plan = np.where(asked, PHONE, NOBODY).astype(np.int8)
        t = b.live(kernel.step_chunk, people, plan, idle(p, month, push_share=1.0, push_managers=1.0), p)
        rate.append(t.of(T.SALES) / t.of(T.CONTACTS + PHONE))
    np.testing.assert_allclose(rate, 0.5 * 0.8136 ** np.arange(5), atol=4 * 0.5 / np.sqrt(0.5**4 * len(people)))
    b.live(kernel.step_chunk, people, plan, idle(p, 6), p)
    assert not people.attempts.any(), "a new campaign begins afresh"


# --- known answers ---------------------------------------------------------------------------------------------------


def within(expected, share, n, sigmas=4.5):
    return abs(share - expected) < sigmas * math.sqrt(expected * (1 - expected) / n)


def test_constant_hazards_give_the_geometric_curve_and_competing_risks_their_shares():
    p = b.still(markov=True)
    people = laboratory()
    close, doze = 0.02, 0.03
    rates = {"close_rate": np.full(4, close), "dormant_rate": np.full(4, doze)}
    for month in range(1, 25):
        b.live(kernel.step_chunk, people, np.full(len(people), NOBODY, np.int8), idle(p, month, **rates), p)
        alive = math.exp(-(close + doze) * month)
        assert within(alive, (people.state == ACTIVE).mean(), len(people))
    gone = 1 - alive
    assert within(gone * close / (close + doze), (people.state == CLOSED).mean(), len(people))
    assert within(gone * doze / (close + doze), (people.state == DORMANT).mean(), len(people))


def test_wealth_has_the_variance_and_memory_of_its_autoregression():
    reversion, sd = 0.2, 0.1
    p = b.still(wealth_reversion=reversion, wealth_sd=sd)
    people = laboratory()
    nobody = np.full(len(people), NOBODY, np.int8)
    for month in range(1, 46):
        if month == 41:
            earlier = people.log_wealth.astype(np.float64)
        b.live(kernel.step_chunk, people, nobody, idle(p, month), p)
    x = people.log_wealth.astype(np.float64)
    assert x.var() == pytest.approx(sd**2 / (1 - (1 - reversion) ** 2), rel=0.04)
    assert np.corrcoef(earlier, x)[0, 1] == pytest.approx((1 - reversion) ** 5, abs=0.02)
    assert x.mean() == pytest.approx(math.log(1e5), abs=5 * x.std() / math.sqrt(len(people)))


def test_satisfaction_settles_where_the_closed_form_says():
    gain, loss, decay, sd = 0.1, 0.2, 0.2, 0.6
    p = b.still(gain=gain, loss=loss, satisfaction_decay=decay, quality_sd=sd, experience_other=1, tenure_anchor=1e9)
    people = laboratory()
    nobody = np.full(len(people), NOBODY, np.int8)
    for month in range(1, 46):
        b.live(kernel.step_chunk, people, nobody, idle(p, month), p)
    expected = (gain - loss) * sd / (math.sqrt(2 * math.pi) * decay)
    spread = float(people.satisfaction.std()) / math.sqrt(len(people))
    assert people.satisfaction.mean() == pytest.approx(expected, abs=5 * spread)


def test_products_keep_to_one_and_a_poisson_number():
    p = b.still(product_gain=[0.06] * 4, product_loss=0.03)  # mean 2 beyond the first
    people = laboratory()
    people.products[:] = 1 + np.random.default_rng(4).poisson(2.0, len(people))
    for month in range(1, 31):
        b.live(kernel.step_chunk, people, np.full(len(people), NOBODY, np.int8), idle(p, month), p)
    extra = people.products - 1.0
    assert extra.mean() == pytest.approx(2.0, abs=0.04)
    assert extra.var() == pytest.approx(2.0, rel=0.04)


def test_transactions_have_their_mean_and_a_poisson_chance_of_none():
    p = b.still(transactions=4.5)
    people = laboratory()
    b.live(kernel.step_chunk, people, np.full(len(people), NOBODY, np.int8), idle(p), p)
    n = len(people)
    none = math.exp(-4.5)
    more = 4.5 / (1 - none) - 1  # mean of the geometric number beyond the first
    assert people.transactions.mean() == pytest.approx(4.5, abs=5 * math.sqrt(more * (more + 1) / n))
    assert within(none, (people.transactions == 0).mean(), n)
    for count in range(2, 8):
        at_least = (1 - none) * (more / (1 + more)) ** (count - 1)
        assert within(at_least, (people.transactions >= count).mean(), n)


# --- the compiled code -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rules():
    """The rules compiled one by one, for the types that `step_block` hands them: cached code cannot be inspected."""
    p, people = b.eventful(), b.lived_in(b.newcomers(BLOCK), month=0)
    rooms = [importlib.import_module(f"sim.kernel.{name}") for _, name, _ in pkgutil.iter_modules(sim.kernel.__path__)]
    functions = {name: value for room in rooms for name, value in vars(room).items() if isinstance(value, Dispatcher)}
    found = {name: rule for name, rule in functions.items() if rule._compiler.pipeline_class is NoAlias}
    for name in (*LISTS_OF_RULES, *OUTSIDE_THE_MONTH):
        del found[name]
    kinds = {}

    def noting(name, rule):
        def run(*arguments):
            kinds[name] = tuple(in_the_month(typeof(value)) for value in arguments)
            return rule.py_func(*arguments)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for room in rooms:
            for name in vars(room).keys() & functions.keys():
                rule = functions[name]
                patch.setattr(room, name, noting(name, rule) if name in found else rule.py_func)
        for month in (1, 2):  # by the churn score, by the uplift score
            now = b.stormy(month, p=p)
            kernel.step_chunk(people.arrays, 0, BLOCK, b.plan_for(people), now, p, *b.Tallies.empty().all())
        within_the_month = dict(kinds)
        kernel.weigh_chunk(people.arrays, 0, BLOCK, 1, f32(0), p, np.zeros((4, MOMENTS), np.int64))
    kinds |= within_the_month
    alone = {name: njit(**RULE)(rule.py_func) for name, rule in found.items()}  # others have made more variants
    for name, rule in alone.items():
        rule.compile(kinds[name])
    return alone


def in_the_month(kind: types.Type) -> types.Type:
    """The type that compiled rules are handed where interpreted ones are handed this: strips of columns, and pages."""
    if isinstance(kind, types.BaseNamedTuple) and kind.instance_class in (Now, Rates):
        return page_of(kind)
    if isinstance(kind, types.Array):
        return Strip(kind.dtype) if kind.ndim == 1 else kind
    if isinstance(kind, types.BaseNamedTuple) and kind.instance_class in (Columns, Draws, Work):
        return types.BaseTuple.from_types([in_the_month(member) for member in kind.types], kind.instance_class)
    return kind


def llvm_of(function: Dispatcher) -> str:
    """Optimised code of the function itself, without what unpacks its arguments for Python."""
    (text,) = function.inspect_llvm().values()
    name = function.__name__
    symbol = re.compile(rf"[^\n@]*@_ZN(?!7cpython)\w*?{len(name)}{name}B")  # as numba mangles it
    (own,) = (part for part in text.split("\ndefine ")[1:] if symbol.match(part))
    return own.split("\n}")[0]


DOUBLE = re.compile(r"= *(?:f(?:add|sub|mul|div|rem|neg)|fpext|[su]itofp|fcmp|(?:tail )?call)\b[^\n]*\bdouble\b[^\n]*")


def arithmetic_in_double(function: Dispatcher) -> list[str]:
    """Instructions of the optimised code that compute in float64."""
    return DOUBLE.findall(llvm_of(function))


PACKED_RULES = {  # loops that everybody lives, and how many of a rule's are packed, at the least
    "move_wealth": 1,
    "score_churn": 1,
    "score_uplift": 1,
    "score_offer": 1,
    "choose": 1,
    "reach_out": 1,
    "retain": 1,
    "welcome": 1,
    "forget": 1,
    "remember": 1,
    "serve": 2,
    "feel": 1,
    "be_left_alone": 2,
    "drowse": 1,
    "use_products": 1,
    "adopt": 1,
    "earn": 1,
    "price": 2,
    "measure": 1,
    "weigh_leaving": 1,
    "stay_or_leave": 1,
    "sleep_on": 1,
    "hold": 1,
    "climb": 2,
    "keep_in_band": 1,
}
LISTED_RULES = ("meet", "bring_money")  # for a list of few rows, one by one
FLOAT32_RULES = (
    *PACKED_RULES,
    *LISTED_RULES,
    "draw_four",
    "know_managers",
    "list_wishes",
    "stretch",
    "count_contacts",
    "count_service",
    "count_cohort",
    "be_silent",
    "add_moments",
)
OUTSIDE_THE_MONTH = ("mark_managed", "mark_awake", "has_closed")  # of books: marks of a byte
LISTS_OF_RULES = ("step_block", "sleep_block", "aim", "draw", "draw_lanes")
PACKED_SUMS = {"count_money": 1, "count_service": 1, "count_stocks": 1, "turn_page": 2}
FLOAT64_RULES = {  # money in fen needs more bits
    "count_money",
    "add_stocks",
    "add_active",
    "count_moves",
    "count_reach",
    "count_stocks",
    "turn_page",
}


def test_every_rule_is_guarded(rules):
    assert set(rules) == set(FLOAT32_RULES) | FLOAT64_RULES


@pytest.mark.parametrize("name", FLOAT32_RULES)
def test_a_rule_computes_in_float32(rules, name):
    assert arithmetic_in_double(rules[name]) == []


@njit(**RULE)
def doubled_by_a_constant(x):
    for i in range(x.size):
        x[i] = x[i] * 0.1


@njit(**RULE)
def doubled_by_an_integer(x, n):
    for i in range(x.size):
        x[i] = x[i] + n


@njit(**RULE)
def doubled_by_a_comparison(x, y):
    for i in range(x.size):
        x[i] = ONE if x[i] > y[i] else x[i]


@njit(**RULE)
def kept_in_float32(x):
    for i in range(x.size):
        x[i] = x[i] * f32(0.1)


def test_the_guard_of_float32_bites():
    x, y = typeof(np.ones(4, f32)), typeof(np.ones(4))
    for function, kinds in (
        (doubled_by_a_constant, (x,)),
        (doubled_by_an_integer, (x, typeof(3))),
        (doubled_by_a_comparison, (x, y)),
    ):
        function.compile(kinds)
        assert arithmetic_in_double(function), function.__name__
    kept_in_float32.compile((x,))
    assert not arithmetic_in_double(kept_in_float32)


PACKED = re.compile(r"\bv(?:add|sub|mul|div|fm\w+|max|min)ps\b[^\n]*%[yz]mm")


def has_avx(feature: str = "avx") -> bool:
    return bool(llvmlite.binding.get_host_cpu_features().get(feature))


@pytest.mark.skipif(not has_avx(), reason="reads the names of AVX instructions")
@pytest.mark.parametrize(("name", "loops"), (PACKED_RULES | PACKED_SUMS).items())
def test_a_rule_runs_on_packed_numbers(rules, name, loops):
    """On this processor; `tests/test_processors.py` asks the same of code for older and newer ones."""
    assert len(re.findall(r"^vector\.body", llvm_of(rules[name]), re.M)) >= loops
    (asm,) = rules[name].inspect_asm().values()
    assert name in PACKED_SUMS or PACKED.findall(asm)


@pytest.mark.skipif(not has_avx(), reason="reads the names of AVX instructions")
def test_luck_is_drawn_in_packed_numbers(rules):
    (asm,) = rules["draw_four"].inspect_asm().values()
    assert len(re.findall(r"\bvpmuludq\b[^\n]*%[yz]mm", asm)) >= 10


def test_nothing_is_contracted_so_that_every_machine_rounds_alike(rules):
    for rule in rules.values():
        assert not re.search(r"llvm\.fma|llvm\.fmuladd|= f\w+ (?:\w+ )*(?:fast|contract)\b", llvm_of(rule))
        (asm,) = rule.inspect_asm().values()
        assert not re.search(r"\bv?fn?m(?:add|sub)\d*[sp][sd]\b", asm)


def test_the_loops_are_compiled_in_one_variant():
    p, people = b.rates_of(), b.newcomers(60)
    b.live(kernel.step_chunk, people, np.full(60, NOBODY, np.int8), b.calm(p=p), p)
    b.live(kernel.step_chunk, people, b.plan_for(people), b.stormy(p=b.eventful()), b.rates_of(markov=True))
    assert len(kernel.step_chunk.signatures) == 1
