"""Settings with every number moved, so that no default can stand in for a setting that is not read."""

from __future__ import annotations

import random
from typing import Any

from sim.assumptions import Settings, described


def shaken(settings: Settings, rng: random.Random) -> dict[str, Any]:
    """Another value of every number with a plausible range, from within it; tables by tier are moved by a few percent.

    As a scenario file has them.
    """
    found: dict[str, Any] = {}
    for name, field in type(settings).model_fields.items():
        key, value = field.alias or name, getattr(settings, name)
        low, high = (described(field) or {}).get("plausible", (None, None))
        if isinstance(value, Settings):
            found[key] = shaken(value, rng)
        elif isinstance(value, dict) and all(isinstance(one, float) for one in value.values()):
            found[key] = {of: one * rng.uniform(0.8, 1.15) for of, one in value.items()}
        elif low is not None and isinstance(value, (int, float)):
            other = rng.uniform(0.8 * low + 0.2 * high, 0.2 * low + 0.8 * high)
            found[key] = round(other) if isinstance(value, int) else other
    return found
