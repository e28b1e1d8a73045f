"""Values that a scenario inherits and that no longer fit what it says itself: cut, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.scenario.optimise import Optimise

if TYPE_CHECKING:
    from sim.experiments.prepared import Prepared
    from sim.yaml_source import Source

GENERATION, CANDIDATES = ("optimise", "generation"), ("optimise", "candidates")
DEFAULT = int(Optimise.model_fields["generation"].default)


def with_generation(source: Source) -> Source:
    """The source with a generation of at most its candidates, where the generation is inherited: given farther below.

    Whoever writes both beside one another is told that they do not fit.
    """
    candidates = _number(source, CANDIDATES)
    if candidates is None or candidates < 4 or _given(source) <= candidates:
        return source
    if source.is_given(GENERATION) and not _inherited(source):
        return source
    return source.with_values({"optimise.generation": candidates}, "optimise.candidates")


def generation_words(prepared: Prepared) -> str:
    """That the generation of an optimisation was cut, and where it came from; "" if it was not."""
    source, o = prepared.origin, prepared.scenario.optimise
    if o is None or _given(source) <= o.generation:
        return ""
    whence = f"of {source.file_of(GENERATION)}" if source.is_given(GENERATION) else "by default"
    return (
        f"optimise.generation {whence} is {_given(source)}, more than the {o.candidates} candidates; cut to "
        f"{o.generation}"
    )


def _inherited(source: Source) -> bool:
    given = source.file_of(GENERATION)
    return not given.startswith("--set") and given != source.file_of(CANDIDATES)


def _given(source: Source) -> int:
    """The generation that is written, or the default one."""
    if not source.is_given(GENERATION):
        return DEFAULT
    found = _number(source, GENERATION)
    return found if found is not None else 0


def _number(source: Source, path: tuple[str, str]) -> int | None:
    section = source.data.get(path[0])
    found = section.get(path[1]) if isinstance(section, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None
