"""What readers see of arms, tiers and channels in place of their names in files, as a manifest tells it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from sim.phrases import Labels, labelled
from sim.store.files import read_yaml
from sim.words import DEFAULT, LANGUAGES, asked, speaking
from sim.words.phrasebook import telling

KINDS = {"arms": "arm", "tiers": "tier", "channels": "channel"}


@dataclass(frozen=True)
class Named:
    """An arm, a tier or a channel with a label or a word on what it is: kind, label, name in files, what it is."""

    kind: str
    label: str
    name: str
    about: str


def meanings_of(manifest: Mapping[str, Any]) -> list[Named]:
    """All that a manifest says of names, for a page; nothing where the scenario has no labels."""
    labels = manifest.get("labels") or {}
    return [
        Named(kind, str(one.get("label", "")), str(name), str(one.get("about", "")))
        for key, kind in KINDS.items()
        for name, one in labels.get(key, {}).items()
    ]


def labels_of(manifest: Mapping[str, Any]) -> Labels:
    """The labels of a manifest, for `phrases.labelled`."""
    return {(one.kind, one.name): one.label for one in meanings_of(manifest) if one.label}


def language_of(manifest: Mapping[str, Any]) -> str:
    """The language of a page: the one asked for, else the manifest's, else English."""
    told = str(manifest.get("language") or DEFAULT)
    return asked() or (told if told in LANGUAGES else DEFAULT)


@contextlib.contextmanager
def spoken_as(manifest: Mapping[str, Any]) -> Iterator[None]:
    """Inside, a page is written in its language and with the labels of a manifest; what a user named stays as named."""
    language, labels = language_of(manifest), labels_of(manifest)
    names = [str(name) for key in ("arms", "tiers") for name in manifest.get(key) or ()]
    names += [str(manifest.get("name", "")), str(manifest.get("about", ""))]
    names += [word for one in manifest.get("parameters") or () for word in str(one["path"]).split(".")]
    keep = {*names, *(name.replace("_", " ") for name in names), *labels.values()}
    with speaking(language), telling(language, keep), labelled(labels):
        yield


def scenario_of(text: str) -> dict[str, Any]:
    """The scenario as nested mappings and lists whose values are text as written (so `1e-3` stays `1e-3`)."""
    try:
        loaded = read_yaml(text, as_written=True)
    except yaml.YAMLError:
        return {}
    return loaded if isinstance(loaded, dict) else {}
