"""The luck of a questionnaire: every draw is keyed by seed, what it is for, the month and who answers.

What belongs to a person (style, halo, the own part of a construct) is drawn once, whatever the month; what belongs to a
wave is drawn anew in it. An item's luck hangs on its code alone, so another question more changes no other answer.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from scipy.special import ndtri

from sim.codes import DRAW_SURVEY
from sim.kernel.numerics import uniforms

CHOSEN, RESPONDS, STYLE, CARELESS = range(DRAW_SURVEY, DRAW_SURVEY + 4)
ITEM, OWN, SELF = 2**30, 2**31, 2**31 + 2**30  # purposes of items and constructs begin here, by their name
PERSON = 0  # the month of what belongs to a person


def named(first: int, name: str) -> int:
    """The purpose of something that has a name."""
    return first + crc32(name.encode()) % 2**30


def draws(seed: int, purpose: int, month: int, uid: np.ndarray) -> np.ndarray:
    """Uniforms in (0, 1), float64 (4, persons)."""
    return uniforms(seed, purpose, month, uid)


def normal(seed: int, purpose: int, month: int, uid: np.ndarray) -> np.ndarray:
    """A standard normal draw a person, float64 (persons,)."""
    return ndtri(draws(seed, purpose, month, uid)[0])
