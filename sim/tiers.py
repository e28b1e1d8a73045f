"""Tiers of the bank and tables keyed by tier name.

Every setting that differs by tier is a table keyed by tier name. A bank whose tiers have other names gives its
entries by those names, or says ``like: wealth`` on a tier, and the entry of that name serves.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field

from sim.assumptions import Settings, assumption

STANDARD_TIERS = ("mass", "affluent", "wealth", "private")
MOST_TIERS = 8
TOP = 1e9  # CNY: upper bound of the last tier (SPEC 1.1 caps wealth there)
LONGEST_LABEL = 60
LONGEST_NAME = 100  # it becomes a folder and part of a file's name


def _name(text: str) -> str:
    if not text or not all(c.isascii() and (c.islower() or c.isdigit() or c in "_-") for c in text):
        raise ValueError("a name uses a-z, 0-9, _ and - only")
    if len(text) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} letters")
    return text


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": "^[a-z0-9_-]+$"})]


def _label(text: str) -> str:
    if not text.strip() or text != text.strip():
        raise ValueError("a label is not empty and has no space at its ends")
    if len(text) > LONGEST_LABEL:
        raise ValueError(f"a label has at most {LONGEST_LABEL} letters")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text):
        raise ValueError("a label is one line of letters that can be shown")
    return text


Label = Annotated[str, AfterValidator(_label)]


class Labelled(Settings):
    """What may have a label: it changes what is read in tables, figures and reports, and no result."""

    label: Label | None = Field(None, description="what readers see in place of the name, in any script")
    about: str | None = Field(None, description="what it is, for the report, in any script")


class Tier(Labelled):
    """One tier: a band of three-month mean AUM, from its lower bound to the next tier's."""

    name: Name = Field(description="name of the tier")
    start: float = assumption(unit="CNY", plausible=(0, 1e7), allowed=(0, 1e12), alias="from", source="SPEC 1.1")
    """lower bound of three-month mean AUM"""
    grace_months: int = assumption(0, "months", plausible=(0, 12), allowed=(0, 60), source="F5")
    """months below the bound before a customer is moved down"""
    like: Name | None = Field(None, description="standard tier whose entries serve where this one has none")

    @property
    def key(self) -> str:
        return self.like or self.name


def row(table: Mapping[str, Any], tiers: Sequence[Tier], dtype: Any = np.float32) -> np.ndarray:
    """The table as an array in tier order: the tier's own entry, else that of the tier it is like."""
    return np.array([table[tier.name] if tier.name in table else table[tier.key] for tier in tiers], dtype)


def bands(tiers: Sequence[Tier]) -> np.ndarray:
    """Bounds of the tiers' AUM, CNY, float64 (tiers + 1,)."""
    bounds = np.append(thresholds(tiers), 0.0)
    bounds[-1] = max(TOP, bounds[-2] * 10)
    return bounds


def thresholds(tiers: Sequence[Tier]) -> np.ndarray:
    """Lower bounds, float64 (tiers,)."""
    return np.array([tier.start for tier in tiers], np.float64)
