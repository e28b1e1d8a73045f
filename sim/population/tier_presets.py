"""Tiers of the preset banks, apart from their laws so that a scenario can be checked without SciPy."""

from __future__ import annotations

from sim.tiers import Tier


def _tiers(affluent: float, wealth: float, private: float) -> tuple[Tier, ...]:
    bounds = {"mass": (0.0, 0), "affluent": (affluent, 0), "wealth": (wealth, 6), "private": (private, 12)}
    rows = [{"name": name, "from": start, "grace_months": grace} for name, (start, grace) in bounds.items()]
    return tuple(Tier.model_validate(row) for row in rows)


PRESET_TIERS = {"bank_b": _tiers(50e3, 500e3, 6e6), "cmb_2021": _tiers(50e3, 500e3, 10e6)}
