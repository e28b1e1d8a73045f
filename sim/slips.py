"""Several mistakes from one validator of a settings model, each at its own place.

A pydantic validator may raise only once. ``raise several([...])`` carries any number of slips, and the reader of
scenario files (`sim.yaml_source.validate`) turns each into a mistake with file, line and column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic_core import PydanticCustomError

Slip = tuple[Sequence[str | int], str]


def several(slips: Iterable[Slip]) -> PydanticCustomError:
    """The error to raise for these slips: pairs of a path below the model being validated, and a message.

    Paths use keys as written in YAML (the alias, where a field has one) and positions in lists; the empty path is the
    model itself. A message reads "what is wrong; what would be right". Raises ValueError when there is no slip.

        @model_validator(mode="after")
        def _in_order(self) -> Self:
            found = [(("tiers", i, "from"), f"{b} is not above {a}; bounds rise") for ...]
            if found:
                raise several(found)
            return self
    """
    found = [(tuple(path), message) for path, message in slips]
    if not found:
        raise ValueError("several() needs at least one slip")
    text = "; ".join(message for _, message in found)
    return PydanticCustomError("several", "{text}", {"text": text, "slips": found})


def slip(path: Sequence[str | int], message: str) -> PydanticCustomError:
    """The error to raise for one slip at a path below the model being validated."""
    return several([(path, message)])
