"""How names, counts and spans of time are put into sentences."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar

Labels = Mapping[tuple[str, str], str]  # ("arm", "tier" or "channel", name) to what a reader sees for it

_labels: ContextVar[Labels | None] = ContextVar("labels", default=None)


@contextlib.contextmanager
def labelled(labels: Labels) -> Iterator[None]:
    """Inside, names of arms, tiers and channels are shown by these labels; files go on holding names."""
    token = _labels.set(labels)
    try:
        yield
    finally:
        _labels.reset(token)


def labels() -> Labels | None:
    """The labels that hold here; None outside any `labelled`."""
    return _labels.get()


def named(name: str, of: str = "arm") -> str:
    """The label of an arm (or tier, or channel), else its name as it is in files."""
    return (_labels.get() or {}).get((of, name), name)


def spoken(name: str, of: str = "arm") -> str:
    """A name for reading: its label, or underscores as spaces; `of` is "" for what has no label, such as a strategy."""
    return (_labels.get() or {}).get((of, name)) or name.replace("_", " ")


def quoted(name: str) -> str:
    """A name of an arm inside a sentence, in quotation marks."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{spoken(name)}\N{RIGHT DOUBLE QUOTATION MARK}"


def listed(words: Sequence[str]) -> str:
    """Words in a row: "a", "a and b", "a, b and c"; nothing where there are none."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def doubt(calibration: str, checks: Sequence[str]) -> str:
    """What to know of numbers drawn from a calibration that did not pass its checks."""
    failed = ", ".join(checks)
    return f"the calibration {calibration} did not pass its checks ({failed}); its numbers are not to be relied on"


def plural(noun: str, count: int) -> str:
    """The noun as it stands behind that number."""
    return noun if count == 1 else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """``1 row``, ``12,345 rows``."""
    return f"{count:,} {plural(noun, count)}"


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 12 min, 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
