"""The list of strategies: name in a scenario -> class."""

from __future__ import annotations

STRATEGIES: dict[str, type] = {}
