"""A scenario that somebody hands to the page: small, text, checked like a file, and naming no place of this machine."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from sim import shipping
from sim.errors import BadInput
from sim.experiments.prepare import prepare_source
from sim.experiments.prepared import Prepared
from sim.store.files import read_yaml
from sim.yaml_source import loads

LARGEST = 200_000  # bytes; a scenario with all its defaults has about 40,000
NAMES = ("extends", "posterior", "survey")  # sections that name other files
OF_POPULATION = ("file", "tables", "store", "answers")


def opened(name: str, held: str) -> Prepared:
    """The checked scenario; `BadInput` with its mistakes, and for one that would have this machine read other files.

    `held` are the bytes of the file in base 64. `extends` may name a scenario that comes with the program.
    """
    name = re.sub(r"[^\w.-]", "_", name)[:60] or "upload"
    if len(held) > 2 * LARGEST:
        raise BadInput.at(name, f"larger than {LARGEST // 1000} kB; a scenario file")
    try:
        data = base64.b64decode(held, validate=True)
    except ValueError:
        raise BadInput.at(name, "not handed over whole; once more") from None
    if len(data) > LARGEST:
        raise BadInput.at(name, f"larger than {LARGEST // 1000} kB; a scenario file")
    if b"\0" in data:
        raise BadInput.at(name, "not a text file; a YAML file saved as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput.at(name, "not UTF-8 text; a YAML file saved as UTF-8") from None
    refused = list(_places(name, text))
    if refused:
        raise BadInput([mistake for one in refused for mistake in one.mistakes])
    source = loads(text, file=name)
    for path in OF_POPULATION:  # also of what it extends
        if source.is_given(("population", path)):
            raise BadInput([source.mistake(("population", path), "names a file of this machine; serve FILE opens it")])
    return prepare_source(source)


def _places(name: str, text: str) -> Iterator[BadInput]:
    """What of a file would lead to other files, found before anything is read."""
    try:
        found: Any = read_yaml(text)
    except Exception:
        return  # what is no YAML is told with its line when it is read as a scenario
    if not isinstance(found, dict):
        return
    for key in NAMES:
        given = found.get(key)
        if key == "extends" and isinstance(given, str) and given.removesuffix(".yaml") in shipping.names():
            continue
        if given is not None:
            yield BadInput.at(name, "names another file; a scenario that stands alone, or extends: baseline", path=key)
