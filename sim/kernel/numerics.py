"""Draws and elementary functions that give the same bits on every machine, in numba and in NumPy.

Draws come from Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"), a
counter-based generator: the counter is (customer uid, month, purpose), the key is the seed, and one call gives four
words. There is no stream and no state, so row order, threads and chunks cannot matter.

`exp`, `log` and the normal and Student-t4 quantiles are float32 polynomials of plain IEEE operations in a fixed
order (no fused operations, no library calls), because library calls do not vectorise and differ in their last bits
between machines. Stated errors are the largest found over the whole range and are tested.

Nothing here raises. Every function takes and returns float32 (or unsigned 64-bit words) and works on scalars; numba
vectorises the loops that call them, and `NUMBA_DISABLE_JIT=1` runs them as they stand.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name, set_option
from numba import njit
from numba.core import config
from numba.core.compiler import CompilerBase, DefaultPassBuilder

f32 = np.float32
i8 = np.int8
i32 = np.int32
u64 = np.uint64


def _sources() -> list[Path]:
    """What is compiled together: the files of this folder, and the codes whose constants are compiled in."""
    here = Path(__file__).parent
    return [*sorted(here.glob("*.py")), here.with_name("codes.py")]


def wanted_folder() -> Path:
    """Where compiled code belongs: a folder named by a digest of the sources, of numba and of the processor.

    Numba's own check sees an edit of the file that holds the compiled function only, not of the functions it calls
    in other files; a folder named by all that decides the code cannot be stale.
    """
    processor = [getattr(config, name) for name in ("CPU_NAME", "CPU_FEATURES")]  # as asked for, else this one
    own = get_host_cpu_name(), get_host_cpu_features().flatten()
    processor = [is_ if asked is None else asked for asked, is_ in zip(processor, own, strict=True)]
    digest = hashlib.sha256(repr((numba.__version__, sys.version_info[:2], *processor)).encode())
    for source in _sources():
        digest.update(source.name.encode() + b"\0" + (source.read_bytes() if source.exists() else b"") + b"\0")
    asked = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    home = Path(asked) if asked else Path.home() / ".cache"
    return home / "rapport-sim" / f"kernels-{digest.hexdigest()[:16]}"


def _cache_folder() -> str:
    """The folder for compiled code; where it cannot be written, one with a copy of it that goes with this process.

    Numba keeps nothing in a folder that it cannot write, and reads nothing from it either.
    """
    folder = wanted_folder()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if os.access(folder, os.W_OK):
        return str(folder)
    instead = tempfile.mkdtemp(prefix="rapport-kernels-")
    atexit.register(shutil.rmtree, instead, ignore_errors=True)
    with contextlib.suppress(OSError, shutil.Error):
        shutil.copytree(folder, instead, dirs_exist_ok=True)
    return instead


CACHE = _cache_folder()  # kept by name: numba reads its settings anew, and forgets this, when the environment changes
config.CACHE_DIR = CACHE  # type: ignore[attr-defined]


# Jump threading makes two blocks of one and a branch before them, and a loop with a branch is not packed. This is for
# the whole process.
set_option("rapport", "-jump-threading-threshold=0")


class NoAlias(CompilerBase):
    """Numba's usual pipeline, told that array arguments never overlap, which lets LLVM vectorise the rules."""

    def define_pipelines(self):
        self.state.flags.noalias = True
        self.state.flags.no_cpython_wrapper = True  # rules are called from compiled code only: a third of the compile
        self.state.flags.no_cfunc_wrapper = True
        self.state.flags.nrt = False  # they make no array, so nothing is counted: a tenth of the compile
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


EQUATION: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
PART: Any = EQUATION | {"no_cpython_wrapper": True}  # of what is called from compiled code only
INLINED: dict[str, Any] = EQUATION | {"inline": "always"}  # for what LLVM finds too long to inline, and so to vectorise
RULE: dict[str, Any] = {"nogil": True, "error_model": "numpy", "pipeline_class": NoAlias}
LOOP: dict[str, Any] = EQUATION | {"cache": True}

WORD = u64(0xFFFFFFFF)
HALF_WORD = u64(32)
TOP_BITS = u64(9)  # a word without these has 23 bits
PHILOX_M0 = u64(0xD2511F53)
PHILOX_M1 = u64(0xCD9E8D57)
PHILOX_W0 = u64(0x9E3779B9)
PHILOX_W1 = u64(0xBB67AE85)
UNIT = f32(2.0**-23)
HALF = f32(0.5)
ONE = f32(1.0)
TWO = f32(2.0)
ZERO = f32(0.0)


@njit(**INLINED)
def philox(c0, c1, c2, c3, k0, k1):
    """Four 32-bit words from a 128-bit counter and a 64-bit key (all held in 64-bit lanes).

    They are cut to 32 bits where they are multiplied, which the multiplication of packed words does unasked, and at the
    end; between, what stands above the 32 is nobody's.
    """
    for _ in range(10):
        left = (c0 & WORD) * PHILOX_M0
        right = (c2 & WORD) * PHILOX_M1
        c0 = (right >> HALF_WORD) ^ c1 ^ k0
        c1 = right
        c2 = (left >> HALF_WORD) ^ c3 ^ k1
        c3 = left
        k0 = (k0 + PHILOX_W0) & WORD
        k1 = (k1 + PHILOX_W1) & WORD
    return c0 & WORD, c1 & WORD, c2 & WORD, c3 & WORD


@njit(**EQUATION)
def unit_interval(word):
    """Uniform in (0, 1), never an end, from the upper 23 bits of a word: the middles of 2^23 equal cells."""
    return (f32(i32(word >> TOP_BITS)) + HALF) * UNIT


@njit(**RULE)
def draw_four(uid, month, purpose, key0, key1, u0, u1, u2, u3):
    """Four uniforms for each of a block of customers; `month` and `purpose` are unsigned words."""
    for i in range(uid.size):
        w0, w1, w2, w3 = philox(uid[i] & WORD, uid[i] >> HALF_WORD, month, purpose, key0, key1)
        u0[i] = unit_interval(w0)
        u1[i] = unit_interval(w1)
        u2[i] = unit_interval(w2)
        u3[i] = unit_interval(w3)


@njit(**LOOP)
def fill_uniforms(uid, month, purpose, key0, key1, out):
    """Uniforms for many customers outside the month (initial values, joiners); `out` is float32 (4, n)."""
    draw_four(uid, month, purpose, key0, key1, out[0], out[1], out[2], out[3])


def key_of(seed: int) -> tuple[np.uint64, np.uint64]:
    """The two key words of a seed in 0..2^63-1."""
    return u64(seed & 0xFFFFFFFF), u64((seed >> 32) & 0xFFFFFFFF)


def word_of(number: int) -> np.uint64:
    """A month (negative in the burn-in) or a purpose as an unsigned 32-bit word in a 64-bit lane."""
    return u64(number & 0xFFFFFFFF)


def uniforms(seed: int, purpose: int, month: int, uid: np.ndarray) -> np.ndarray:
    """Uniforms in (0, 1) keyed by (seed, purpose, month, uid): float64 array (4, n), a lane a row."""
    out = np.empty((4, uid.size), np.float32)
    key0, key1 = key_of(seed)
    uid = np.require(uid, np.uint64, ["C", "W"])  # read-only ids (a book has them) would be compiled for anew
    fill_uniforms(uid, word_of(month), word_of(purpose), key0, key1, out)
    return out.astype(np.float64)


@njit(**EQUATION)
def pick(table, size, code):
    """Entry `code` of a table of so few entries that comparing is cheaper than looking up row by row."""
    entry = table[0]
    for other in range(1, size):
        value = table[other]  # read in any case: what a branch reads keeps a loop from packing
        entry = value if code == other else entry
    return entry


LOG2_E = f32(1.44269504)
LN2_HIGH = f32(0.693359375)
LN2_LOW = f32(-2.12194440e-4)
EXP_LOWEST = f32(-87.0)
EXP_HIGHEST = f32(88.0)


@njit(**EQUATION)
def exp(x):
    """e^x for x in [-87, 88], clipped there; relative error below 1.0e-7 (Cephes minimax polynomial)."""
    x = min(max(x, EXP_LOWEST), EXP_HIGHEST)
    k = np.floor(x * LOG2_E + HALF)
    r = x - k * LN2_HIGH - k * LN2_LOW
    p = f32(1.9875691500e-4)
    p = p * r + f32(1.3981999507e-3)
    p = p * r + f32(8.3334519073e-3)
    p = p * r + f32(4.1665795894e-2)
    p = p * r + f32(1.6666665459e-1)
    p = p * r + f32(5.0000001201e-1)
    p = p * r * r + r + ONE
    return p * i32((i32(k) + 127) << 23).view(np.float32)


@njit(**EQUATION)
def log(x):
    """Natural logarithm of a positive normal float32; error below 6e-8 (1 + |log x|) (Cephes polynomial)."""
    bits = f32(x).view(np.int32)
    e = i32(i32(bits - 0x3F3504F3) >> 23)  # within 32 bits, which packs twice as many
    m = i32(bits - i32(e << 23)).view(np.float32) - ONE
    k = f32(e)
    p = f32(7.0376836292e-2)
    p = p * m + f32(-1.1514610310e-1)
    p = p * m + f32(1.1676998740e-1)
    p = p * m + f32(-1.2420140846e-1)
    p = p * m + f32(1.4249322787e-1)
    p = p * m + f32(-1.6668057665e-1)
    p = p * m + f32(2.0000714765e-1)
    p = p * m + f32(-2.4999993993e-1)
    p = p * m + f32(3.3333331174e-1)
    square = m * m
    return m + (p * m * square + k * LN2_LOW - HALF * square) + k * LN2_HIGH


@njit(**EQUATION)
def normal(u):
    """Standard normal quantile of u in (0, 1); absolute error below 1e-6 (Giles 2010, single-precision erfinv).

    One draw is one number, so that paired runs stay paired.
    """
    x = TWO * u - ONE
    w = -log((ONE - x) * (ONE + x))
    a = w - f32(2.5)
    p = f32(2.81022636e-08)
    p = p * a + f32(3.43273939e-07)
    p = p * a + f32(-3.5233877e-06)
    p = p * a + f32(-4.39150654e-06)
    p = p * a + f32(0.00021858087)
    p = p * a + f32(-0.00125372503)
    p = p * a + f32(-0.00417768164)
    p = p * a + f32(0.246640727)
    p = p * a + f32(1.50140941)
    b = np.sqrt(max(w, f32(5.0))) - f32(3.0)
    q = f32(-0.000200214257)
    q = q * b + f32(0.000100950558)
    q = q * b + f32(0.00134934322)
    q = q * b + f32(-0.00367342844)
    q = q * b + f32(0.00573950773)
    q = q * b + f32(-0.0076224613)
    q = q * b + f32(0.00943887047)
    q = q * b + f32(1.00167406)
    q = q * b + f32(2.83297682)
    return (p if w < f32(5.0) else q) * x * f32(1.41421356)


@njit(**EQUATION)
def student_t4(u):
    """Quantile of Student's t with 4 degrees of freedom, scaled to unit variance; relative error below 4e-7.

    The exact quantile is 2 sign(u - 1/2) sqrt(g(s)/s - 1) with s = 2 sqrt(u (1 - u)), g(s) = cos(arccos(s)/3)
    (Shaw 2006). With d = 2u - 1 it is 2 d sqrt(r(s)/s), r(s) = (g(s) - s)/(1 - s^2), which has no cancellation;
    r is the polynomial below, fitted on Chebyshev nodes of [0, 1].
    """
    d = TWO * u - ONE
    s = TWO * np.sqrt(min(u, ONE - u) * (ONE - min(u, ONE - u)))
    r = f32(0.0268711526)
    r = r * s + f32(-0.147923436)
    r = r * s + f32(0.375413978)
    r = r * s + f32(-0.606772727)
    r = r * s + f32(0.745805658)
    r = r * s + f32(-0.798672776)
    r = r * s + f32(0.816997547)
    r = r * s + f32(-0.833300049)
    r = r * s + f32(0.8660252)
    return f32(1.41421356) * d * np.sqrt(r / s)
