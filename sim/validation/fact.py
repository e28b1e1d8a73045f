"""What a stylised fact is: its claim, how it is measured, and what its figures should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fact:
    """One fact: its claim, how it is measured, the tolerance of each figure (others are shown without verdict).

    `shown` are figures without a tolerance worth a row. `fitted` names figures that an assumption was calibrated to,
    and that assumption: such a figure says that the fit worked, and nothing about the model. `note` is what is known
    about why it misses, or what stands behind it where it holds. `styles` are formats of figures that differ from the
    fact's own. `absent` says why a fact is not measured at all.
    """

    name: str
    claim: str
    how: str
    tolerances: dict[str, tuple[float, float]]
    style: str = ".3f"
    fitted: dict[str, str] = field(default_factory=dict)
    shown: Sequence[str] = field(default_factory=tuple)
    note: str = ""
    styles: Mapping[str, str] = field(default_factory=dict)
    absent: str = ""

    def style_of(self, what: str) -> str:
        """How a figure is written."""
        return self.styles.get(what, self.style)
