"""Where pages are written from templates: everything is escaped, what is not there is an error, names mean fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sim.phrases import spoken

CALLED = ("items", "keys", "values", "get")  # of a mapping; nothing else of it is ever meant by a name


class Pages(Environment):
    """An environment in which `cell.clear` of a mapping is its entry, and never the method that every mapping has."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
            if attribute not in CALLED:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def pages() -> Pages:
    """The environment of every page."""
    made = Pages(
        loader=PackageLoader("sim.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["spoken"] = spoken
    return made
