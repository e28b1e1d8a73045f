"""No sign is lost to a question mark, whatever the encoding of the output."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from sim.spelling import SIGNS, never_lose_a_sign, spell

ROOT = Path(__file__).parent.parent
RUN = ["--seeds", "2", "--months", "3", "--set", "population.customers=400", "--set", "burn_in=1", "--threads", "1"]


def _terminal(encoding: str, *words: str) -> bytes:
    line = [sys.executable, str(ROOT / "run.py"), *words]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(line, cwd=ROOT, capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr.decode(encoding)
    return done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_redirected_run_prints_every_minus_and_plus_minus(encoding: str, tmp_path: Path) -> None:
    words = ["scenarios/baseline.yaml", *RUN, "--arms", "nothing,staff_upskilling", "--out", str(tmp_path / "out")]
    printed = _terminal(encoding, *words).decode(encoding)
    minus, either = {"cp1252": ("-", "±"), "ascii": ("-", "+-"), "utf-8": ("−", "±")}[encoding]
    assert "?" not in printed
    rows = " ".join(line for line in printed.splitlines() if line.startswith("staff_upskilling"))
    assert f" {minus}" in rows
    assert f" {either}" in rows


@pytest.mark.long
def test_a_currency_sign_is_spelled_in_letters(tmp_path: Path) -> None:
    text = f"extends: {ROOT}/scenarios/quick.yaml\nname: e\nabout: −5 % ± 元\ncurrency: €\n"
    (tmp_path / "e.yaml").write_text(text, "utf-8")
    printed = _terminal("ascii", "run", str(tmp_path / "e.yaml"), *RUN, "--out", str(tmp_path / "out"))
    assert b"?" not in printed
    assert b"EUR" in printed


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "gbk", "koi8-r"])
def test_every_character_becomes_itself_or_something_without_a_question_mark(encoding: str) -> None:
    for code in (*range(0x20, 0x3000), 0x5143, 0x4E2D, 0xFDFC, 0x1F600):
        letter = chr(code)
        own = unicodedata.category(letter) not in ("Cc", "Cs", "Cn") and not unicodedata.combining(letter)
        if own and "?" not in unicodedata.normalize("NFKD", letter):
            assert "?" not in spell(letter, encoding), f"U+{code:04X}"
            assert spell(letter, encoding), f"U+{code:04X} vanished"


def test_stand_ins_are_ascii_so_that_any_encoding_has_them() -> None:
    assert all(stand_in.isascii() and "?" not in stand_in for stand_in in SIGNS.values())
    assert spell("−0.97 ±0.05 m€ é", "ascii") == "-0.97 +-0.05 mEUR e"
    assert spell("−0.97 ±0.05 m€ é", "cp1252") == "-0.97 ±0.05 m€ é"
    assert spell("中", "ascii") == "\\u4e2d"


def test_a_stream_in_memory_is_left_alone() -> None:
    stream = io.StringIO()
    never_lose_a_sign(stream)
    stream.write("−")
    assert stream.getvalue() == "−"
