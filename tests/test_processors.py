"""The same bits and packed rules on processors with 8 lanes (AVX2) and with 16 (AVX-512), by numba's settings."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import llvmlite.binding
import pytest

ROOT = Path(__file__).parent.parent
OPTIONS = (
    "--set",
    "population.customers=2000",
    "--set",
    "population.agents=2000",
    "--set",
    "burn_in=3",
    "--months",
    "14",
    "--seeds",
    "1,",
    "--quiet",
)
HERE = llvmlite.binding.get_host_cpu_features()
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="AVX is of x86 processors"),
]


def features(*left_out: str) -> str:
    """What this processor can, but for instructions whose names begin so, as numba is told."""
    return ",".join(("+" if has and not name.startswith(left_out) else "-") + name for name, has in HERE.items())


PROCESSORS = {  # a name for the compiler's judgement of what pays, what it may use, and what this processor must have
    "AVX2": ("haswell", features("avx512", "avx10", "amx"), "avx2"),
    "AVX-512": ("skylake-avx512", features("amx"), "avx512f"),
}


def on(processor: str, *command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    name, able, needed = PROCESSORS[processor]
    if not HERE.get(needed):
        pytest.skip(f"this processor has no {processor}")
    asked = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": able, "NUMBA_CACHE_DIR": str(folder / "compiled")}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done


def digest(folder: Path) -> str:
    return json.loads((folder / "manifest.json").read_text("utf-8"))["result_digest"]


@pytest.fixture(scope="module")
def of_this(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("here") / "run"
    subprocess.run([sys.executable, "run.py", "strategies", *OPTIONS, "--out", str(out)], cwd=ROOT, check=True)
    return digest(out)


@pytest.mark.parametrize("processor", PROCESSORS)
def test_the_digest_is_the_same_on_every_processor(processor: str, of_this: str, tmp_path: Path) -> None:
    on(processor, "run.py", "strategies", *OPTIONS, "--out", str(tmp_path / "run"), folder=tmp_path)
    assert digest(tmp_path / "run") == of_this


@pytest.mark.parametrize("processor", PROCESSORS)
def test_rules_are_packed_on_every_processor(processor: str, tmp_path: Path) -> None:
    ask = "test_a_rule_runs_on_packed_numbers or test_luck_is_drawn_in_packed or test_nothing_is_contracted"
    plain = ("-o", "addopts=", "-q", "-p", "no:cacheprovider")
    done = on(processor, "-m", "pytest", *plain, "tests/test_kernels.py", "-k", ask, folder=tmp_path)
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout
