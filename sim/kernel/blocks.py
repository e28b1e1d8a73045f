"""What a rule takes: named tuples of slices of one block of customers, each made in one place.

- `b`: the columns of the block (`block_of`), which rules read and write;
- `u`: the month's uniforms, by the names of `codes.LANES` (`Draws`);
- `w`: what rules of one month hand on to one another (`Work`).

Compiled code passes such a tuple on as its single slices (`strips`), so the promise that arguments do not overlap
(`numerics.NoAlias`) holds for each of them: no array may stand in two places of a call that writes to it.

What holds for all customers, `p` and `now` (`inputs`), is handed on as a page (`pages`): one address.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from numba import njit
from numba.extending import overload

from sim.codes import DRAW_DIGITAL, DRAW_LIFE, DRAW_SCORE, LANES, REDUCED
from sim.kernel.numerics import EQUATION, ONE, PART, RULE, ZERO, draw_four, i8, i32, u64
from sim.kernel.strips import strip, strip_of_row

BLOCK = 512
END = i32(-1)  # of a list of rows
MOST = 100  # what int8 columns count up to
CHUNK = 16_384  # rows a task; fixed, though no result depends on it

PURPOSES = tuple(LANES)
Draws: Any = namedtuple("Draws", [name for lanes in LANES.values() for name in lanes])  # type: ignore[misc]

FLOATS = {  # float32
    "boost": "factor on the rate of campaign offers",
    "chosen": "1 = a campaign's retention contact is meant for this customer",
    "keep": "the score that retention contacts go by, SD",
    "offer": "the score that offers go by, SD",
    "offers_end": "where the pieces end that offers have of the uniform that decides on campaigns",
    "by_manager": "quality of the manager, SD, 0 without one",
    "closer": "what a manager's contact adds to the bond",
    "reached": "1 = a contact reached the customer",
    "offered": "1 = it offered a product",
    "experience": "weight in feelings of a service experience: 1 with people, less in the app, 0 = none",
    "human": "1 = it was with people",
    "felt": "its quality, SD, times that weight",
    "surprise": "its quality less what was expected, SD, times that weight",
    "failed": "1 = service failed",
    "complained": "1 = and the customer complained",
    "recovered": "1 = the complaint was resolved within the month",
    "betrayed": "1 = failed while an earlier failure was open",
    "score": "satisfaction in SD of the reference population",
    "warmth": "logit by which feelings and contacts move the wallet",
    "money": "AUM, CNY",
    "earned": "revenue of AUM, CNY a year",
    "each": "revenue of a product beyond the first, CNY a year",
    "share": "of the wealth that is kept here",
    "trusting": "trust in SD",
    "loyal": "attitudinal loyalty",
}
INTEGERS = {  # int32
    "channel": "of the month's contact, -1 = none, less where a wish for one was lost",
    "wishes": "rows of the block with a wish for a contact, in order, then -1",
    "keeping": "1 = it is meant to keep the customer",
    "made_sale": "1 = it sold a product",
    "opted": "1 = the customer opted out of its channel",
    "taken": "products taken",
    "after": "state at month end",
    "new_tier": "tier at month end",
}
Work: Any = namedtuple("Work", ("plan", *FLOATS, *INTEGERS))  # type: ignore[misc]
"""`plan`, int8, is what managers planned: channel and purpose of a contact, -1 = none."""


def _maker(kind: Any, arguments: str, fields: Sequence[str]) -> Any:
    """A function of these arguments that makes a named tuple of these expressions: compiled code has no `*fields`."""
    scope = {"kind": kind, "strip": strip, "strip_of_row": strip_of_row}
    exec(f"def make({arguments}): return kind({', '.join(fields)})", scope)
    return scope["make"]


def _rows(table: str, first: int, count: int) -> list[str]:
    return [f"strip_of_row({table}, {first + row}, m)" for row in range(count)]


draws_of = njit(**PART)(_maker(Draws, "draws, m", _rows("draws", 0, len(Draws._fields))))
work_of = njit(**PART)(
    _maker(
        Work,
        "plan, floats, integers, m",
        ["strip(plan, 0, m)", *_rows("floats", 0, len(FLOATS)), *_rows("integers", 0, len(INTEGERS))],
    )
)


LIFE_ROW, DIGITAL_ROW, SCORE_ROW = (4 * PURPOSES.index(purpose) for purpose in (DRAW_LIFE, DRAW_DIGITAL, DRAW_SCORE))


@njit(**RULE)
def draw_lanes(row, uid, now, draws):
    """The four uniforms of the purpose whose lanes begin at `row` of `draws`; those of scores hold for the quarter."""
    m = uid.size
    purpose = PURPOSES[row // 4]
    word = now.score_word if purpose == DRAW_SCORE else now.word
    u0, u1 = strip_of_row(draws, row, m), strip_of_row(draws, row + 1, m)
    u2, u3 = strip_of_row(draws, row + 2, m), strip_of_row(draws, row + 3, m)
    draw_four(uid, word, u64(purpose), now.key0, now.key1, u0, u1, u2, u3)


@njit(**RULE)
def draw(k, asleep, uid, now, draws):
    """The month's uniforms of a block, float32 (lanes, customers), in the order of `Draws`: those that it needs.

    To the dormant happens life alone, unless they are to be won back.
    """
    for row in range(0, 4 * len(PURPOSES), 4):
        asked = now.win_back[k] > ZERO if row == DIGITAL_ROW else row == LIFE_ROW
        if asked if asleep else (now.scored or row != SCORE_ROW):
            draw_lanes(row, uid, now, draws)


@njit(**RULE)
def stretch(state, tier, first, last):
    """End of the rows from `first` on, at most `last`, that are of one state and one tier."""
    other = (state[last - 1] != state[first]) or (tier[last - 1] != tier[first])
    if not other:
        differ = i8(0)
        for i in range(first, last):
            differ |= (state[i] ^ state[first]) | (tier[i] ^ tier[first])
        other = differ != 0
    if not other:
        return last
    end = first + 1
    while end < last and state[end] == state[first] and tier[end] == tier[first]:
        end += 1
    return end


@njit(**PART)
def held_share(traits, p):
    """Share of the wallet that is here: all of it, but for who fell asleep and took most of it away."""
    return p.dormant_share if (i32(traits) & REDUCED) != 0 else ONE


@njit(**EQUATION)
def nearer(months):
    """A clock of either sign, a month nearer to zero."""
    months = i32(months)
    return months - i32(1) if months > 0 else min(months + i32(1), i32(0))


def block_of(c: Any, first: int, last: int) -> Any:
    """Rows first..last of every column of a named tuple, as one of the same kind."""
    return type(c)(*(strip(column, first, last) for column in c))


@overload(block_of, jit_options=PART)
def _block_of(c, first, last):  # numba compares the names of arguments, annotations and all
    return _maker(c.instance_class, "c, first, last", [f"strip(c.{name}, first, last)" for name in c.fields])
