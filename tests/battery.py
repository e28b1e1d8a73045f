"""A statistical battery for words of luck: ten tests, a rule for many p-values, and orders in which the model draws.

A test takes 32-bit words in the order in which they are told and gives p-values, uniform on (0, 1) where the words are
independent and equally likely: near 0 is too far from chance, and near 1 too close to it. `unlikely` tells one family
of them: where chance would give a smallest value (or a distance of 1 - p) as small in one family of a thousand.

The names are those of the field: cells, serial pairs, runs and correlation (Knuth, The Art of Computer Programming 2,
3.3.2), birthday spacings (Marsaglia), bit frequency and the spectral test (NIST SP 800-22), Hamming weights and
collisions (L'Ecuyer's TestU01).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numba import njit
from scipy import special, stats

from sim.codes import LANES
from sim.kernel import numerics
from sim.kernel.numerics import u64

Words = np.ndarray  # uint32, 1-D: words in the order in which they are told
FAMILY = 1e-3  # chance that a good generator fails a family of tests

# --- tests -----------------------------------------------------------------------------------------------------------


def _chi_square(observed: np.ndarray, expected: np.ndarray) -> float:
    return float(stats.chi2.sf(((observed - expected) ** 2 / expected).sum(), observed.size - 1))


def _equal(cells: np.ndarray, count: int) -> float:
    observed = np.bincount(cells, minlength=count)
    return _chi_square(observed, np.full(count, cells.size / count))


def _two_sided(z: float) -> float:
    """The chance of a normal number below this one."""
    return float(special.ndtr(z))


def _poisson(count: int, mean: float) -> float:
    """The chance of fewer, and half of that of as many: near uniform, since means are large."""
    return float(stats.poisson.cdf(count, mean) - stats.poisson.pmf(count, mean) / 2)


def cells(words: Words) -> list[float]:
    """The upper 10 bits, and the next 10, fill 1024 cells alike."""
    return [_equal((words >> np.uint32(22)).astype(np.int64), 1024), _equal((words >> np.uint32(12)) & 1023, 1024)]


def pairs(words: Words) -> list[float]:
    """Words that follow each other fill 32 x 32 cells alike; so do three in 8 x 8 x 8."""
    high, top = (words >> np.uint32(27)).astype(np.int64), (words >> np.uint32(29)).astype(np.int64)
    two, three = high[: high.size // 2 * 2].reshape(-1, 2), top[: top.size // 3 * 3].reshape(-1, 3)
    return [_equal(two @ [32, 1], 1024), _equal(three @ [64, 8, 1], 512)]


def runs(words: Words) -> list[float]:
    """As many rises as falls, (n + 1) / 12 their variance; and changes of side of the median as of a coin."""
    n = words.size
    rises = int((words[1:] > words[:-1]).sum())
    high = words >= np.uint32(1 << 31)
    changes = int((high[1:] != high[:-1]).sum())
    return [
        _two_sided((rises - (n - 1) / 2) / np.sqrt((n + 1) / 12)),
        _two_sided((changes - (n - 1) / 2) / np.sqrt((n - 1) / 4)),
    ]


def correlation(words: Words) -> list[float]:
    """Serial correlation at lags of lanes, of purposes, months and customers: r sqrt(n) is standard normal."""
    x = (words + 0.5) / 2.0**32 - 0.5
    return [_two_sided(12 * (x[:-lag] @ x[lag:]) / np.sqrt(x.size - lag)) for lag in (1, 2, 3, 4, 5, 8, 20, 85, 340)]


def birthdays(words: Words, born: int = 512, bits: int = 24) -> list[float]:
    """Spacings between sorted birthdays repeat as a Poisson number: 512 born in 2^24 days, by upper and lower bits."""
    found = []
    for shift in (32 - bits, 0):
        days = ((words >> np.uint32(shift)) & np.uint32((1 << bits) - 1)).astype(np.int64)
        groups = np.sort(days[: days.size // born * born].reshape(-1, born), axis=1)
        spacings = np.sort(np.diff(groups, axis=1), axis=1)
        repeats = int((np.diff(spacings, axis=1) == 0).sum())
        found.append(_poisson(repeats, groups.shape[0] * born**3 / 4 / 2**bits))
    return found


def bits(words: Words) -> list[float]:
    """Each of the 32 bits is set half the time (32 degrees of freedom)."""
    set_ = np.array([int(((words >> np.uint32(bit)) & np.uint32(1)).sum()) for bit in range(32)])
    return [float(stats.chi2.sf((((set_ - words.size / 2) ** 2) / (words.size / 4)).sum(), 32))]


def hamming(words: Words) -> list[float]:
    """Numbers of set bits are binomial, and those of words that follow each other are independent."""
    weight = np.bitwise_count(words).astype(np.int64)
    chance = stats.binom.pmf(np.arange(33), 32, 0.5)
    low, high = 8, 24
    folded = np.concatenate([[chance[: low + 1].sum()], chance[low + 1 : high], [chance[high:].sum()]])
    observed = np.bincount(np.clip(weight, low, high) - low, minlength=high - low + 1)
    side = np.searchsorted([14, 16, 17, 19], weight, side="right")  # five classes
    shares = np.array([chance[:14].sum(), chance[14:16].sum(), chance[16], chance[17:19].sum(), chance[19:].sum()])
    two = side[: side.size // 2 * 2].reshape(-1, 2) @ [5, 1]
    return [
        _chi_square(observed, folded * words.size),
        _chi_square(np.bincount(two, minlength=25), np.outer(shares, shares).ravel() * two.size),
    ]


def collisions(words: Words, balls: int = 1 << 14, urns: int = 20) -> list[float]:
    """Balls that find their urn (of 2^20, by the upper bits) taken, group by group."""
    urn = (words >> np.uint32(32 - urns)).astype(np.int64)
    groups = np.sort(urn[: urn.size // balls * balls].reshape(-1, balls), axis=1)
    found = int((np.diff(groups, axis=1) == 0).sum())
    m = 2.0**urns
    mean = balls - m * -np.expm1(balls * np.log1p(-1 / m))  # of balls less urns taken
    return [_poisson(found, groups.shape[0] * mean)]


def repeats(words: Words) -> list[float]:
    """Whole words that were told before: pairs of equal ones, of n (n - 1) / 2, as a Poisson number."""
    same = np.unique(words, return_counts=True)[1].astype(np.int64)
    return [_poisson(int((same * (same - 1) // 2).sum()), words.size * (words.size - 1) / 2 / 2**32)]


def spectrum(words: Words, length: int = 1 << 14) -> list[float]:
    """Ordinates of the periodogram are exponential (Kolmogorov and Smirnov), and so is the highest of them."""
    n = min(length, words.size)
    x = (words[:n] + 0.5) / 2.0**32 - 0.5
    power = np.abs(np.fft.rfft(x)[1 : n // 2]) ** 2 / (n / 12)
    return [float(stats.kstest(power, "expon").pvalue), float((-np.expm1(-power.max())) ** power.size)]


TESTS: dict[str, Callable[[Words], list[float]]] = {
    test.__name__: test
    for test in (cells, pairs, runs, correlation, birthdays, bits, hamming, collisions, repeats, spectrum)
}


def p_values_of(streams: dict[str, Words]) -> dict[tuple[str, str, int], float]:
    """p-values by stream, test and number."""
    return {
        (stream, name, number): p
        for stream, words in streams.items()
        for name, test in TESTS.items()
        for number, p in enumerate(test(words))
    }


def related(streams: Sequence[Words]) -> list[float]:
    """Of every two equally long streams: correlation, 16 x 16 cells of pairs, and weights of their differing bits."""
    found = []
    for i, a in enumerate(streams):
        for b in streams[:i]:
            x, y = ((words + 0.5) / 2.0**32 - 0.5 for words in (a, b))
            found.append(_two_sided(12 * (x @ y) / np.sqrt(x.size)))
            found.append(_equal(((a >> np.uint32(28)) * 16 + (b >> np.uint32(28))).astype(np.int64), 256))
            found += hamming(a ^ b)[:1]
    return found


def unlikely(p_values: Sequence[float], family: float = FAMILY) -> float:
    """How many families of a thousand chance would give a value as extreme: below 1, the family fails (Šidák)."""
    p = np.asarray(p_values)
    extreme = min(2 * np.minimum(p, 1 - p).min(), 1.0)
    return float(-np.expm1(p.size * np.log1p(-extreme)) / family) if extreme < 1 else 1 / family


# --- the orders in which the model draws -----------------------------------------------------------------------------

Draw = Callable[..., np.ndarray]  # (uid, month, purpose, seed), arrays of one shape -> uint32 (4, ...)


@njit(error_model="numpy")
def _fill(uid, month, purpose, key0, key1, out):
    for i in range(uid.size):
        w = numerics.philox(
            uid[i] & numerics.WORD, uid[i] >> numerics.HALF_WORD, month[i], purpose[i], key0[i], key1[i]
        )
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = w


def words_of(uid: np.ndarray, month: np.ndarray, purpose: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """The kernel's four words of each draw, uint32 (n, 4)."""
    month, purpose, seed = (np.asarray(each, np.int64).astype(np.uint64) for each in (month, purpose, seed))
    out = np.empty((uid.size, 4), np.uint32)
    _fill(uid, month & u64(0xFFFFFFFF), purpose, seed & u64(0xFFFFFFFF), seed >> u64(32), out)
    return out


PURPOSES = list(LANES)
JOINER = (
    1 << 63
)  # of the uid of who joined later: month of joining in the upper word, as that of tiers stands for first ones


def _in_order(*axes: np.ndarray) -> list[np.ndarray]:
    """Every combination, the last axis fastest."""
    return [each.ravel() for each in np.meshgrid(*axes, indexing="ij")]


def streams(draw: Draw, n: int, seed: int = 1) -> Iterator[tuple[str, Words]]:
    """About n words each, in the orders in which keys of the model follow one another; all four lanes of a draw."""
    draws = n // 4

    def told(uid, month, purpose, seeds):
        given = (uid.astype(np.uint64), month, purpose, seeds)
        return draw(*(np.ascontiguousarray(each) for each in given)).ravel()

    def one(value):
        return np.array([value])

    people = np.arange(draws)
    tiers = (np.arange(1, 5, dtype=np.uint64) << u64(40))[None, :]
    first = (np.arange(draws // 4, dtype=np.uint64)[:, None] + tiers).ravel()
    yield "first customers, tier by tier", told(*_in_order(first, one(7), one(0), one(seed)))
    yield "customers", told(*_in_order(people, one(7), one(0), one(seed)))
    months, few = np.arange(-24, 61), np.arange(draws // 85)
    yield "months of a customer", told(*_in_order(few, months, one(1), one(seed)))
    yield "purposes of a customer", told(*_in_order(np.arange(draws // 5), one(-24), np.array(PURPOSES), one(seed)))
    every = np.arange(144)  # whole tables of purposes, those of births, managers, surveys among them
    yield "all purposes", told(*_in_order(np.arange(draws // 144), one(0), every, one(seed)))
    seeds = np.concatenate([np.arange(32), (np.arange(1, 33) << 32) + 1])
    yield "seeds", told(*_in_order(np.arange(draws // 64), one(12), one(3), seeds))
    joined = _in_order(np.arange(60), np.arange(draws // 60), one(60), one(2), one(seed))
    high = (joined[0].astype(np.uint64) + u64(1024) << u64(32)) | u64(JOINER) | joined[1].astype(np.uint64)
    yield "joiners", told(high, *joined[2:])
    yield "upper word of the uid", told(*_in_order(people.astype(np.uint64) << u64(32), one(3), one(66), one(seed)))
    whole = draw(*_in_order(np.arange(n, dtype=np.uint64), one(5), one(2), one(seed)))
    for lane in range(4):
        yield f"lane {lane}", np.ascontiguousarray(whole[:, lane])


def companions(draw: Draw, n: int, seed: int = 1) -> Iterator[tuple[str, list[Words]]]:
    """Streams of n words that one customer sees side by side: lanes, purposes, months, seeds, customers."""
    uid = np.arange(n, dtype=np.uint64)

    def lanes(months=0, purpose=0, seeds=seed, first=0):
        given = (np.full(n, each) for each in (months, purpose, seeds))
        return list(draw(uid + u64(first), *given).T)

    yield "lanes and purposes", [lane for purpose in PURPOSES for lane in lanes(purpose=purpose)]
    yield "months", [lanes(months=month)[0] for month in (-24, -1, 0, 1, 2, 12)]
    yield "quarters of scores", [lanes(months=quarter, purpose=66)[1] for quarter in range(-8, 4, 2)]
    yield "seeds", [lanes(seeds=each)[2] for each in (0, 1, 2, 3, 1 << 32, (1 << 63) - 1)]
    yield "customers", [lanes(first=each)[3] for each in (0, 1, 2, 1 << 32, 1 << 40, 1 << 63)]
