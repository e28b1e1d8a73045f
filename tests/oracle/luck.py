"""Luck by key, in plain integers: Philox4x32-10 (Salmon 2011), four uniforms a call; quantiles in double precision."""

from __future__ import annotations

import math
import struct
from statistics import NormalDist

NORMAL = NormalDist()
WORD = 0xFFFFFFFF
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
CELLS = 2**23


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Four words of Philox4x32 after ten rounds."""
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        one, two = MULTIPLIERS[0] * a, MULTIPLIERS[1] * c
        a, b, c, d = (two >> 32) ^ b ^ k, two & WORD, (one >> 32) ^ d ^ m, one & WORD
        k, m = (k + WEYL[0]) & WORD, (m + WEYL[1]) & WORD
    return a, b, c, d


def uniforms(seed: int, purpose: int, month: int, who: int) -> tuple[float, float, float, float]:
    """Four uniforms in (0, 1), in the middle of one of 2**23 cells each."""
    counter = who & WORD, who >> 32, month & WORD, purpose
    return tuple(((word >> 9) + 0.5) / CELLS for word in philox(counter, (seed & WORD, seed >> 32)))  # type: ignore[return-value]


def normal(u: float) -> float:
    """Quantile of the standard normal."""
    return NORMAL.inv_cdf(u)


def student(u: float) -> float:
    """Quantile of Student's t with 4 degrees of freedom, scaled to unit variance (Shaw 2006)."""
    alpha = 4.0 * u * (1.0 - u)
    root = math.sqrt(alpha)
    q = 4.0 / root * math.cos(math.acos(root) / 3.0)
    return math.copysign(math.sqrt(max(q - 4.0, 0.0)), u - 0.5) / math.sqrt(2.0)


def poisson(u: float, mean: float) -> int:
    """The Poisson count whose distribution function first passes a uniform."""
    count, term = 0, math.exp(-mean)
    below = term
    while below < u and count < 10_000:
        count += 1
        term *= mean / count
        below += term
    return count


def single(x: float) -> float:
    """The nearest float of 32 bits: what a column holds."""
    return struct.unpack("f", struct.pack("f", x))[0]
