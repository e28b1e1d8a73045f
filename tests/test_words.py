"""Words by language: every language says the same things, and what nobody wrote is refused."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest
import yaml

import sim.words
from sim.words import DEFAULT, LANGUAGES, Words, said, speaking, words

FOLDER = Path(sim.words.__file__).parent
FILES = sorted(FOLDER.glob("*.yaml"))


class Strict(yaml.SafeLoader):
    """YAML in which a key stands once."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"twice: {sorted({key for key in keys if keys.count(key) > 1})}"
        return super().construct_mapping(node, deep)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_of_words_is_a_flat_map_of_keys_of_its_room(file):
    room, language, _ = file.name.split(".")
    found = yaml.load(file.read_text("utf-8"), Strict)
    assert language in LANGUAGES
    assert all(key.startswith(f"{room}.") and isinstance(text, str) and text.strip() for key, text in found.items())


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != DEFAULT])
def test_every_language_has_the_same_keys_and_placeholders(language):
    ours, theirs = words(DEFAULT).texts, words(language).texts
    assert set(ours) == set(theirs)
    assert {key: placeholders(text) for key, text in ours.items()} == {
        key: placeholders(text) for key, text in theirs.items()
    }


def test_a_call_fills_in_and_refuses_what_nobody_wrote():
    some = Words("en", {"report.hello": "Hello, {name}: {share:.0%}"})
    assert some("report.hello", name="bank", share=0.25) == "Hello, bank: 25%"
    with pytest.raises(KeyError, match=r"did you mean report\.hello"):
        some("report.helo", name="bank")
    with pytest.raises(KeyError, match="name"):
        some("report.hello", share=0.25)
    with pytest.raises(KeyError, match="there are en, zh"):
        words("xx")


def test_a_language_is_spoken_inside_and_no_further():
    here = said("report.summary.title")
    with speaking("zh"):
        assert said("report.summary.title") == words("zh")("report.summary.title") != here
    assert said("report.summary.title") == here
