"""The generator is Philox, its draws are uniform and independent, and the elementary functions are as good as stated.

Every test is at fixed keys, so it holds or it does not; the bounds of the statistical ones are those that a good
generator passes with near certainty (p-values of 1e-5 at the least).
"""

from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import twin
from numba import njit
from scipy import special, stats

from sim.kernel import numerics
from sim.kernel.numerics import f32, key_of, u64, uniforms, word_of

KERNEL = Path(numerics.__file__).parent

TOO_UNLIKELY = 1e-5
EVERY_UNIFORM = ((np.arange(2**23) + 0.5) / 2**23).astype(np.float32)  # all values a draw can take

KNOWN_ANSWERS = [  # Random123, kat_vectors: counter, key, words of philox4x32-10
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[np.uint64]:
    return [u64(int(word, 16)) for word in text.split()]


# --- the generator ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS, ids=["zeros", "ones", "pi"])
def test_philox_gives_the_published_words(counter, key, answer):
    assert list(numerics.philox(*words(counter), *words(key))) == words(answer)
    assert list(numerics.philox.py_func(*words(counter), *words(key))) == words(answer)
    assert [int(word) for word in twin.philox(words(counter), words(key))] == words(answer)


def test_a_draw_is_keyed_by_seed_purpose_month_and_uid_as_documented():
    uid = np.array([0, 1, 2**32 - 1, 2**32, 2**63 + 5, 2**64 - 1], np.uint64)
    seed, purpose, month = 0x0123456789ABCDEF, 65, -24
    counter = (uid & u64(0xFFFFFFFF), uid >> u64(32), u64(2**32 - 24), u64(65))
    expected = np.stack(twin.philox(counter, (u64(0x89ABCDEF), u64(0x01234567))))
    np.testing.assert_array_equal(uniforms(seed, purpose, month, uid), ((expected >> u64(9)) + 0.5) / 2**23)


def test_a_uniform_is_never_an_end():
    assert numerics.unit_interval(u64(0)) == 2.0**-24
    assert numerics.unit_interval(u64(0xFFFFFFFF)) == 1.0 - 2.0**-24
    assert numerics.unit_interval(u64(0x80000000)) == 0.5 + 2.0**-24


def test_neither_order_nor_company_changes_a_draw():
    uid = np.arange(5_000, dtype=np.uint64) * u64(77)
    order = np.random.default_rng(1).permutation(uid.size)
    together = uniforms(3, 16, -7, uid)
    np.testing.assert_array_equal(uniforms(3, 16, -7, uid[order]), together[:, order])
    np.testing.assert_array_equal(uniforms(3, 16, -7, uid[::-3]), together[:, ::-3])
    np.testing.assert_array_equal(uniforms(3, 16, -7, uid[17:18]), together[:, 17:18])
    np.testing.assert_array_equal(uniforms(3, 16, -7, uid.astype(np.int64)), together)


def test_months_purposes_and_seeds_are_words_of_their_own():
    assert len({int(word_of(month)) for month in range(-1200, 1201)}) == 2401
    assert key_of(2**63 - 1) == (0xFFFFFFFF, 0x7FFFFFFF)
    assert key_of(5) != key_of(5 + 2**32)


def draws(seed=1, purpose=0, month=0, first_uid=0, step=1, n=1 << 17):
    """Uniforms (4, n) of customers numbered from `first_uid` in steps."""
    uid = u64(first_uid) + np.arange(n, dtype=np.uint64) * u64(step)
    return uniforms(seed, purpose, month, uid)


def chi_square_p(cells, count):
    """p-value of cell numbers against equal chances."""
    observed = np.bincount(cells, minlength=count)
    return stats.chisquare(observed).pvalue


KEYS = [
    {},
    {"seed": 0},
    {"seed": 2**63 - 1},
    {"month": -24},
    {"month": 60},
    {"purpose": 3},
    {"purpose": 64},
    {"first_uid": 1 << 63},
    {"step": 1 << 32},
    {"step": 1 << 20},
    {"first_uid": 4 << 40},
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_draws_are_uniform(key):
    u = draws(**key)
    for lane in u:
        assert TOO_UNLIKELY < chi_square_p((lane * 1024).astype(int), 1024) < 1 - TOO_UNLIKELY
        assert stats.kstest(lane, "uniform").pvalue > TOO_UNLIKELY
        last_bits = (lane * 2**23).astype(int) & 255
        assert chi_square_p(last_bits, 256) > TOO_UNLIKELY


def assert_unrelated(a, b):
    """No correlation, equal chances of every pair of cells, and the sum wraps to a uniform."""
    assert abs(np.corrcoef(a, b)[0, 1]) * np.sqrt(a.size) < 4.5
    pairs = (a * 32).astype(int) * 32 + (b * 32).astype(int)
    assert TOO_UNLIKELY < chi_square_p(pairs, 1024) < 1 - TOO_UNLIKELY
    assert chi_square_p(((a + b) % 1.0 * 1024).astype(int), 1024) > TOO_UNLIKELY


NEIGHBOURS = {
    "next customer": {"first_uid": 1},
    "next customer, high word": {"first_uid": 1 << 32},
    "next month": {"month": 1},
    "month before": {"month": -1},
    "next purpose": {"purpose": 1},
    "next seed": {"seed": 2},
    "next seed, high word": {"seed": 1 + (1 << 32)},
    "month and purpose exchanged": {"month": 5, "purpose": 9},
}


@pytest.mark.parametrize("neighbour", NEIGHBOURS.values(), ids=NEIGHBOURS.keys())
def test_neighbouring_keys_have_unrelated_luck(neighbour):
    here = {"month": 9, "purpose": 5} if len(neighbour) == 2 else {}
    for a, b in zip(draws(**here), draws(**neighbour), strict=True):
        assert_unrelated(a, b)


def test_the_four_lanes_of_a_draw_are_unrelated():
    for a, b in combinations(draws(), 2):
        assert_unrelated(a, b)


@pytest.mark.parametrize("lag", [1, 2, 3, 512])
def test_customers_in_a_row_are_unrelated(lag):
    for lane in draws(n=(1 << 17) + lag):
        assert_unrelated(lane[:-lag], lane[lag:])


def test_a_customer_s_months_are_unrelated():
    uid = np.arange(1 << 11, dtype=np.uint64)
    life = np.stack([uniforms(1, 0, month, uid) for month in range(-24, 61)])  # months, lanes, customers
    for lag in (1, 12):
        a, b = life[:-lag].transpose(1, 0, 2).reshape(4, -1), life[lag:].transpose(1, 0, 2).reshape(4, -1)
        for lane in range(4):
            assert_unrelated(a[lane], b[lane])
    sums = life.sum(axis=0)  # persistent luck would spread the sums of 85 months
    variance = sums.var(axis=1) / (life.shape[0] / 12.0)
    np.testing.assert_allclose(variance, 1.0, atol=5 * np.sqrt(2 / uid.size))


def repeated_spacings(lane, birthdays=512, days=1 << 23):
    """Marsaglia's birthday spacings: how many spacings between sorted birthdays repeat, in groups."""
    groups = (lane * days).astype(np.int64)
    groups = np.sort(groups[: groups.size // birthdays * birthdays].reshape(-1, birthdays), axis=1)
    spacings = np.sort(np.diff(groups, axis=1), axis=1)
    return int((np.diff(spacings, axis=1) == 0).sum()), groups.shape[0] * birthdays**3 / (4 * days)


@pytest.mark.parametrize("key", [{}, {"step": 1 << 32}, {"month": -24, "purpose": 2}], ids=str)
def test_spacings_of_birthdays_repeat_as_often_as_chance_has_it(key):
    for lane in draws(**key):
        repeats, expected = repeated_spacings(lane)
        assert stats.poisson.cdf(repeats, expected) > TOO_UNLIKELY
        assert stats.poisson.sf(repeats - 1, expected) > TOO_UNLIKELY


def test_every_bit_of_the_key_turns_half_the_bits_of_the_words():
    rng = np.random.default_rng(2)
    n = 400
    start = rng.integers(0, 2**32, (6, n), dtype=np.uint64)
    before = twin.philox(start[:4], start[4:])
    for word in range(6):
        for bit in range(0, 32, 3):
            turned = start.copy()
            turned[word] ^= u64(1 << bit)
            after = twin.philox(turned[:4], turned[4:])
            changed = np.array([np.bitwise_count(x ^ y) for x, y in zip(before, after, strict=True)]).sum(axis=0)
            assert abs(changed.mean() - 64.0) < 6 * np.sqrt(32 / n)
            assert changed.min() > 24


# --- exp, log, quantiles ---------------------------------------------------------------------------------------------


@njit(error_model="numpy")
def each_exp(x, out):
    for i in range(x.size):
        out[i] = numerics.exp(x[i])


@njit(error_model="numpy")
def each_log(x, out):
    for i in range(x.size):
        out[i] = numerics.log(x[i])


@njit(error_model="numpy")
def each_quantile(u, as_normal, as_t4):
    for i in range(u.size):
        as_normal[i] = numerics.normal(u[i])
        as_t4[i] = numerics.student_t4(u[i])


def filled(loop, x):
    out = np.empty(x.size, np.float32)
    loop(x, out)
    return out


@pytest.fixture(scope="module")
def quantiles():
    """Normal and Student-t4 quantiles of every uniform there is, float32."""
    out = np.empty((2, EVERY_UNIFORM.size), np.float32)
    each_quantile(EVERY_UNIFORM, out[0], out[1])
    return out


def exact_t4(u):
    """Unit-variance Student-t4 quantile in float64 without cancellation: scipy's loses digits near the median.

    With a = arcsin|2u - 1| the published g(s)/s - 1 is 2 sin(2a/3) sin(a/3) / cos a, and cos a = 2 sqrt(u (1 - u)).
    """
    a = np.arcsin(np.abs(2 * u - 1))
    ratio = np.sin(2 * a / 3) * np.sin(a / 3) / np.sqrt(u * (1 - u))
    return np.sign(u - 0.5) * np.sqrt(2 * ratio)


def test_exp_is_within_one_part_in_ten_million():
    x = np.linspace(-87.0, 88.0, 4_000_001).astype(np.float32)
    exact = np.exp(x.astype(np.float64))
    assert np.max(np.abs(filled(each_exp, x) / exact - 1.0)) < 1.0e-7


def test_exp_is_clipped_where_float32_ends_and_never_infinite_or_zero():
    x = np.array([-np.inf, -1e30, -87.0, 88.0, 1e30, np.inf], np.float32)
    out = filled(each_exp, x)
    np.testing.assert_array_equal(out[:3], out[2])
    np.testing.assert_array_equal(out[3:], out[3])
    assert np.isfinite(out).all()
    assert (out > 0).all()
    assert numerics.exp(f32(0.0)) == 1.0


def test_log_is_within_six_parts_in_a_hundred_million():
    mantissas = np.linspace(1.0, 2.0, 200_000, endpoint=False)
    x = np.concatenate([np.ldexp(mantissas, power) for power in (-126, -96, -24, -8, -2, -1, 0, 1, 5, 20, 60, 127)])
    ends = [np.finfo(np.float32).tiny, np.finfo(np.float32).max]
    x = np.concatenate([x, EVERY_UNIFORM[::7], ends]).astype(np.float32)
    exact = np.log(x.astype(np.float64))
    assert np.max(np.abs(filled(each_log, x) - exact) / (1.0 + np.abs(exact))) < 6.0e-8
    assert numerics.log(f32(1.0)) == 0.0


def test_normal_is_within_one_in_a_million_at_every_uniform(quantiles):
    exact = special.ndtri(EVERY_UNIFORM.astype(np.float64))
    error = np.abs(quantiles[0] - exact)
    assert error.max() < 1.0e-6
    assert error[[0, -1]].max() < 2.0e-7
    assert np.max(error / np.abs(exact)) < 3.0e-7


def test_student_t4_is_within_four_parts_in_ten_million_at_every_uniform(quantiles):
    u = EVERY_UNIFORM.astype(np.float64)
    exact = exact_t4(u)
    aside = np.abs(u - 0.5) > 0.05
    np.testing.assert_allclose(exact[aside], stats.t(4).ppf(u[aside]) / np.sqrt(2.0), rtol=1e-12)
    assert np.max(np.abs(quantiles[1] / exact - 1.0)) < 4.0e-7


def test_quantiles_are_symmetric_and_never_fall_as_luck_rises(quantiles):
    for quantile in quantiles:
        np.testing.assert_array_equal(quantile, -quantile[::-1])
        assert (np.diff(quantile) > 0).all()


def test_moments_over_every_uniform_are_those_of_the_laws(quantiles):
    normal, t4 = quantiles.astype(np.float64)
    assert abs(normal.mean()) < 1e-12
    assert (normal**2).mean() == pytest.approx(1.0, abs=1e-6)
    assert (normal**4).mean() == pytest.approx(3.0, abs=1e-4)
    assert abs(t4.mean()) < 1e-12
    # the tail that no draw of 23 bits reaches holds 0.04 % of the variance
    assert (t4**2).mean() == pytest.approx(1.0, abs=5e-4)
    assert np.abs(t4).mean() == pytest.approx(np.sqrt(0.5), abs=5e-6)
    assert np.mean(np.abs(t4) > stats.t(4).ppf(0.995) / np.sqrt(2)) == pytest.approx(0.01, abs=1e-6)


def test_compiled_functions_and_the_twin_have_the_same_bits(quantiles):
    x = np.linspace(-90.0, 90.0, 500_001).astype(np.float32)
    np.testing.assert_array_equal(filled(each_exp, x), twin.exp(x))
    positive = np.exp(np.linspace(-87.0, 88.0, 500_001)).astype(np.float32)
    np.testing.assert_array_equal(filled(each_log, positive), twin.log(positive))
    np.testing.assert_array_equal(quantiles[0], twin.normal(EVERY_UNIFORM))
    np.testing.assert_array_equal(quantiles[1], twin.student_t4(EVERY_UNIFORM))


# --- the cache of compiled code --------------------------------------------------------------------------------------


@pytest.fixture
def source_tree(tmp_path, monkeypatch):
    """A copy of the compiled sources, seen by `_cache_folder` in place of ours, and an empty cache."""
    tree = tmp_path / "sim" / "kernel"
    shutil.copytree(KERNEL, tree, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(KERNEL.with_name("codes.py"), tree.with_name("codes.py"))
    monkeypatch.setattr(numerics, "__file__", str(tree / "numerics.py"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tree


def edited(path):
    path.write_text(path.read_text() + "\n# edited\n")


def test_the_same_sources_find_the_same_cache(source_tree, tmp_path):
    folder = Path(numerics._cache_folder())
    assert folder.is_dir()
    assert folder.parent == tmp_path / "cache" / "rapport-sim"
    assert numerics._cache_folder() == str(folder)


@pytest.mark.parametrize("name", [*sorted(path.name for path in KERNEL.glob("*.py")), "../codes.py"])
def test_an_edit_of_any_compiled_source_empties_the_cache(source_tree, name):
    before = numerics._cache_folder()
    edited(source_tree / name)
    assert numerics._cache_folder() != before


def test_the_folder_is_the_rule_so_a_new_file_or_name_empties_the_cache_too(source_tree):
    folders = [numerics._cache_folder()]
    (source_tree / "more.py").write_text("")
    folders.append(numerics._cache_folder())
    (source_tree / "more.py").rename(source_tree / "other.py")
    folders.append(numerics._cache_folder())
    assert len(set(folders)) == 3


def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_one(source_tree, tmp_path, monkeypatch):
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    folder = Path(numerics._cache_folder())
    assert folder.is_dir()
    assert blocked not in folder.parents
    folder.rmdir()


def test_read_only_ids_do_not_compile_a_second_variant():
    uid = np.arange(5, dtype=np.uint64)
    free = numerics.uniforms(1, 2, 3, uid)
    known = len(numerics.fill_uniforms.signatures)
    uid.flags.writeable = False
    assert np.array_equal(numerics.uniforms(1, 2, 3, uid), free)
    assert len(numerics.fill_uniforms.signatures) == known
