"""What a month adds up, each count declared once: its name, its unit, and the column of `monthly.parquet` it becomes.

All sums are integers, so their bits do not depend on the order of rows, chunks or threads: customers in weight units
of 1/1024, money in fen times that, shares and scores in 1/65536 times that. A member of `Tally` or `Moment` is the
number of its column and indexes arrays, in compiled code too.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from sim.codes import CHANNELS, REACH, REACH_GROUPS, WISHES

f32 = np.float32

WEIGHT_UNIT = 1024  # a customer in weight units
SHARE_UNIT = f32(65536.0)  # fixed point of shares and scores in the tallies
RATIO_UNIT = 1048576.0  # fixed point of hazard ratios among the moments
MOMENT_UNIT = 4096.0  # fixed point of the moments of scores there
REACH_SHAPE = (REACH_GROUPS, len(WISHES), len(REACH), 2)
TENURE_LAST = 240  # cohort table: this many months and more are one row

CUSTOMERS = float(WEIGHT_UNIT)  # what one customer, one CNY, a score of one is in a sum
CNY = 100.0 * WEIGHT_UNIT
SCORE = float(SHARE_UNIT) * WEIGHT_UNIT

STOCK, FLOW = "at month end", "of the month"
PER_ACTIVE, PER_OPEN = "at month end, a mean over active customers", "at month end, a mean over open customers"


class Tally(IntEnum):
    """The counts of a month by tier: unit, column of `monthly.parquet` ("" = none of its own), what it stands for.

    The order is that of the columns of the sums, which states keep. `CONTACTS` is the first of as many columns as
    there are channels, one a channel, and so stands last.
    """

    unit: float
    column: str
    kind: str

    def __new__(cls, unit: float, column: str, kind: str) -> Tally:
        number = len(cls.__members__)
        member = int.__new__(cls, number)
        member._value_ = number
        member.unit, member.column, member.kind = unit, column, kind
        return member

    OPEN = CUSTOMERS, "customers", STOCK  # active or dormant
    ACTIVE = CUSTOMERS, "active", STOCK
    AUM = CNY, "aum", STOCK
    PRODUCTS = CUSTOMERS, "products", PER_ACTIVE
    EARNED = CNY, "", STOCK  # revenue of AUM, a year
    EARNED_PRODUCTS = CNY, "", STOCK  # and of products beyond the first; a cost with those who cost more than they earn
    WALLET = SCORE, "share_of_wallet", PER_OPEN
    DIGITAL = CUSTOMERS, "digital_active", PER_ACTIVE
    SATISFACTION = SCORE, "satisfaction", PER_ACTIVE
    TRUST = SCORE, "trust", PER_ACTIVE
    LOYALTY = SCORE, "", PER_ACTIVE
    LOYALTY2 = SCORE, "", PER_ACTIVE  # of the square
    OPTED_OUT = CUSTOMERS, "", STOCK  # from any channel
    CLOSED = CUSTOMERS, "closed", FLOW
    CLOSED_DORMANT = CUSTOMERS, "closed_dormant", FLOW
    DORMANT = CUSTOMERS, "went_dormant", FLOW
    REACTIVATED = CUSTOMERS, "reactivated", FLOW
    UPGRADED = CUSTOMERS, "upgraded", FLOW
    DOWNGRADED = CUSTOMERS, "downgraded", FLOW
    MOVED_IN = CUSTOMERS, "moved_in", FLOW
    AUM_MOVED = CNY, "aum_moved", FLOW
    NEW_MONEY = CNY, "net_new_money", FLOW
    MARKET = CNY, "market_effect", FLOW
    AUM_EXITED = CNY, "", FLOW  # of those who closed or went dormant, before
    SALES = CUSTOMERS, "sales", FLOW
    FAILURES = CUSTOMERS, "failures", FLOW
    COMPLAINTS = CUSTOMERS, "complaints", FLOW
    OPT_OUTS = CUSTOMERS, "opt_outs", FLOW
    MANAGED_OPEN = CUSTOMERS, "", STOCK  # active with a named manager
    BOND = SCORE, "", STOCK  # with the manager, of those who have one
    EXPERIENCES = SCORE, "", FLOW  # of service, by what they weigh in feelings
    QUALITY = SCORE, "", FLOW  # of those, weighed alike
    CONTACTS = CUSTOMERS, "contacts", FLOW  # made; `contacts_branch` and so on


TALLIES = Tally.CONTACTS + len(CHANNELS)  # columns of the sums
CONTACTS = slice(int(Tally.CONTACTS), TALLIES)  # those of the channels
STOCKS = np.array([tally for tally in Tally if tally.kind is not FLOW], np.int64)
FLOWS = np.setdiff1d(np.arange(TALLIES), STOCKS)


class Moment(IntEnum):
    """Sums by tier over active customers, which give hazards their level and scores their scale."""

    WEIGHT = 0  # customers
    RATIO = 1  # hazard ratio, in 1/RATIO_UNIT
    RISK = 2  # log hazard ratio, and from here on in 1/MOMENT_UNIT
    RISK2 = 3
    GAIN = 4  # what a retention contact would take off the hazard ratio
    GAIN2 = 5


MOMENTS = len(Moment)


class Sums(NamedTuple):
    """Where a chunk adds up its month, all int64."""

    tally: np.ndarray  # (tiers, TALLIES)
    cohort: np.ndarray  # (tiers, TENURE_LAST + 1, 3): at risk, closed, went dormant, by completed months
    left_from: np.ndarray  # (tiers + 2,): leavers by where they began the year
    book_exits: np.ndarray  # (posts,)
    reach: np.ndarray  # (tiers, *REACH_SHAPE): wishes for a contact by their end; customers, and CNY of AUM
