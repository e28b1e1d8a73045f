"""The luck of the model passes a battery of tests in the orders in which it is drawn, and broken luck does not.

Everything is at fixed keys, so it holds or it does not. The rule for many p-values: a family (all tests of one order of
keys, both tails) fails where chance would give its most extreme value in fewer than one family of a thousand (Šidák);
and all p-values together are uniform by Kolmogorov and Smirnov. `python -m pytest -m long tests/test_battery.py` tells
sixteen times as many words.
"""

from __future__ import annotations

import numpy as np
import pytest
import twin
from battery import FAMILY, TESTS, companions, p_values_of, related, streams, unlikely, words_of
from scipy import stats

from sim.kernel import numerics
from sim.kernel.numerics import u64

WORDS = 1 << 18
ALL_TOGETHER = 1e-4  # by Kolmogorov and Smirnov, of p-values that are not quite continuous or independent


def assert_lucky(n: int, seed: int) -> None:
    families = {name: p_values_of({name: words}) for name, words in streams(words_of, n, seed)}
    p_values = {name: list(found.values()) for name, found in families.items()}
    p_values |= {f"{name}, side by side": related(found) for name, found in companions(words_of, n // 4, seed)}
    for name, found in p_values.items():
        worst = min(families.get(name, {}).items(), key=lambda item: min(item[1], 1 - item[1]), default=None)
        assert unlikely(found) > 1.0, f"{name}: {worst}"
    everything = np.concatenate([np.asarray(found) for found in p_values.values()])
    assert stats.kstest(everything, "uniform").pvalue > ALL_TOGETHER


def test_luck_as_it_is_drawn_passes_the_battery():
    assert_lucky(WORDS, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 2, 20260801, 2**63 - 1])
def test_luck_passes_it_with_more_words_and_other_seeds(seed):
    assert_lucky(16 * WORDS, seed)


# --- broken luck is caught -------------------------------------------------------------------------------------------


def philox_of(rounds: int):
    """Draws by Philox of fewer rounds, written out here."""

    def draw(uid, month, purpose, seed):
        low = u64(0xFFFFFFFF)
        uid, month, purpose, seed = (np.asarray(each).astype(np.uint64) for each in (uid, month, purpose, seed))
        a, b, c, d = uid & low, uid >> u64(32), month & low, purpose
        k0, k1 = seed & low, seed >> u64(32)
        for _ in range(rounds):
            left, right = a * numerics.PHILOX_M0, c * numerics.PHILOX_M1
            a, b, c, d = right >> u64(32) ^ b ^ k0, right & low, left >> u64(32) ^ d ^ k1, left & low
            k0, k1 = k0 + numerics.PHILOX_W0 & low, k1 + numerics.PHILOX_W1 & low
        return np.stack([a, b, c, d], axis=1).astype(np.uint32)

    return draw


def forgetting(**forgotten):
    """Draws of keys in which something stands still."""

    def draw(uid, month, purpose, seed):
        known = {"uid": uid, "month": month, "purpose": purpose, "seed": seed}
        return words_of(*(forgotten[name](value) if name in forgotten else value for name, value in known.items()))

    return draw


def added(uid, month, purpose, seed):
    """Keys that are sums, so that neighbours share their luck with a delay of months."""
    return words_of(uid + np.asarray(month, np.int64).astype(np.uint64), np.zeros_like(month), purpose, seed)


def biased(uid, month, purpose, seed):
    """One bit of 32 is set in 53 words of 100."""
    words = words_of(uid, month, purpose, seed)
    return words | ((words & np.uint32(7)) == 0) * np.uint32(1 << 13) * (words >> np.uint32(31))


BROKEN = {
    "two rounds": philox_of(2),
    "three rounds": philox_of(3),
    "the month forgotten": forgetting(month=np.zeros_like),
    "the purpose forgotten": forgetting(purpose=np.zeros_like),
    "the seed's upper word forgotten": forgetting(seed=lambda seed: seed & 0xFFFFFFFF),
    "the uid's upper word forgotten": forgetting(uid=lambda uid: uid & u64(0xFFFFFFFF)),
    "month and uid added": added,
    "a biased bit": biased,
}


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_luck_is_caught(broken):
    draw = BROKEN[broken]
    alone = {name: list(p_values_of({name: words}).values()) for name, words in streams(draw, WORDS // 4)}
    side_by_side = {name: related(found) for name, found in companions(draw, WORDS // 16)}
    assert min(map(unlikely, (alone | side_by_side).values())) < 1e-6 / FAMILY, "not even one family of a million"


def test_philox_written_out_here_has_the_kernel_s_words_at_ten_rounds():
    uid = np.arange(1000, dtype=np.uint64) * u64(0x9E3779B97F4A7C15)
    key = (uid, np.full(1000, -7), np.full(1000, 66), np.full(1000, 2**40 + 3))
    np.testing.assert_array_equal(philox_of(10)(*key), words_of(*key))
    counter = (uid & u64(0xFFFFFFFF), uid >> u64(32), u64(2**32 - 7), u64(66))
    known = np.stack(np.broadcast_arrays(*twin.philox(counter, (u64(3), u64(1 << 8)))), axis=1)
    np.testing.assert_array_equal(words_of(*key), known.astype(np.uint32))


# --- every test can fail, and fails no more often than it says -------------------------------------------------------


def chance(n: int, seed: int) -> np.ndarray:
    """Words of another good generator."""
    return np.random.default_rng(seed).integers(0, 2**32, n, dtype=np.uint32)


def waves(words: np.ndarray) -> np.ndarray:
    """A wave of 37 words is a tenth of each."""
    wave = 0.5 + 0.5 * np.sin(np.arange(words.size) * (2 * np.pi / 37))
    return ((0.9 * words / 2.0**32 + 0.1 * wave) * 2.0**32).astype(np.uint32)


def every_fifth(words: np.ndarray) -> np.ndarray:
    """Every fifth word remembers the one before it."""
    mixed = words.copy()
    mixed[1::5] = (words[1::5] >> np.uint32(1)) + (words[0 : words.size - 1 : 5][: mixed[1::5].size] >> np.uint32(1))
    return mixed


def without_repeats(words: np.ndarray) -> np.ndarray:
    """Words of a counter, in an order of chance."""
    step = 2**32 // words.size
    return (np.random.default_rng(4).permutation(words.size) * step + step // 2).astype(np.uint32)


def sixteen_bits(words: np.ndarray) -> np.ndarray:
    """A quarter of all words have a lower half that is the upper one turned over: sixteen bits are set."""
    high = words >> np.uint32(16)
    return np.where(words % 4 == 0, high << np.uint32(16) | ~high & np.uint32(0xFFFF), words)


FLAWS = {
    "cells": lambda words: words - (words >> np.uint32(24) == 7) * np.uint32(1 << 29),
    "pairs": every_fifth,
    "runs": lambda words: np.where(np.arange(words.size) % 64 < 3, np.sort(words), words),
    "correlation": every_fifth,
    "birthdays": without_repeats,
    "bits": lambda words: words | (words & np.uint32(63) == 0) * np.uint32(1 << 20),
    "hamming": sixteen_bits,
    "collisions": without_repeats,
    "repeats": lambda words: np.concatenate([words[: words.size - 64], words[:64]]),
    "spectrum": waves,
}


@pytest.mark.parametrize("name", TESTS)
def test_every_test_can_fail(name):
    words = chance(WORDS, 3)
    assert unlikely(TESTS[name](words)) > 1.0
    assert unlikely(TESTS[name](FLAWS[name](words).astype(np.uint32))) < 1e-6 / FAMILY


def test_p_values_of_words_of_chance_are_as_rare_as_they_say():
    trials = 120
    found = np.array([[p for name in TESTS for p in TESTS[name](chance(1 << 15, seed))] for seed in range(trials)])
    for p in found.T:
        for tail in (p < 0.05, p > 0.95):
            assert stats.binom.sf(tail.sum() - 1, trials, 0.05) > 1e-5
        if np.unique(p).size == trials:  # counts of few are steps
            assert stats.kstest(p, "uniform").pvalue > 1e-5


def test_the_rule_for_many_p_values_fails_one_family_of_a_thousand():
    families = np.random.default_rng(5).random((20_000, 24))
    failed = sum(unlikely(p) < 1.0 for p in families)
    assert abs(failed - 20_000 * FAMILY) < 5 * np.sqrt(20_000 * FAMILY)
    assert unlikely([0.5] * 20 + [1e-9]) < 1.0 < unlikely([0.5] * 20 + [1e-3])
    assert unlikely([0.5] * 20 + [1 - 1e-9]) < 1.0
