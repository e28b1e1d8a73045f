"""Every source that anything cites stands in docs/sources.md, and every link between documents leads somewhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "docs" / "sources.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CITING = sorted(
    path
    for path in [
        *(ROOT / "sim").rglob("*.py"),
        *(ROOT / "sim").rglob("*.j2"),
        *(ROOT / "sim").rglob("*.yaml"),
        *(ROOT / "tests").glob("*.py"),
        *(ROOT / "scenarios").glob("*.yaml"),
        *(ROOT / "docs").rglob("*.py"),
        *(ROOT / "docs").rglob("*.yaml"),
        *DOCUMENTS,
        ROOT / "run.py",
    ]
    if path not in (SOURCES, Path(__file__))
)

NUMBER = r"\d+(?:\.\d+)?"
DOCUMENT = re.compile(rf"\b(SPEC|DECISIONS|CONTRACT|RELATIONSHIPS)\b((?:,? (?:and )?{NUMBER}(?:-{NUMBER})?)*)")
NUMBERED = re.compile(r"(?<![\w#./-])(?:F\d{1,2}[a-z]?|[VAE]\d{1,2})(?!\w)")
NAME = r"[A-Z][A-Za-z'-]+"
AUTHOR_YEAR = re.compile(rf"\b({NAME})(?:(?:,|,? &|,? and) {NAME})*(?: et al\.?)?,? \(?((?:19|20)\d\d)(?![\w-])")
FROM_MEMORY = re.compile(r"memory: ([^,;]+)")
# Words that stand before a year and wrote nothing.
NOT_AUTHORS = frozenset(
    {
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "In",
        "Since",
        "Until",
        "From",
        "By",
        "After",
        "Before",
        "China",
    }
)


def cited(text: str) -> set[str]:
    """Keys in a text: `SPEC 1.4`, `DECISIONS 16`, `F17`, `V8`, `Holm 1979` (first author and year)."""
    text = re.sub(r"\s*\n[\s#]*", " ", text)  # a citation may be broken over lines, of a comment too
    keys = set(NUMBERED.findall(text))
    for document, numbers in DOCUMENT.findall(text):
        found = re.findall(NUMBER, numbers)
        keys |= {f"{document} {number}" for number in found} or {document}
    for author, year in AUTHOR_YEAR.findall(text):
        if author not in NOT_AUTHORS:
            keys.add(f"{author} {year}")
    return keys


@cache
def cited_by(path: Path) -> frozenset[str]:
    """Keys in a file."""
    return frozenset(cited(path.read_text(encoding="utf-8")))


def remembered(source: str) -> set[str]:
    """Keys of literature from memory in a `source`, by author and year or as it is called."""
    return {work.strip() for work in FROM_MEMORY.findall(source) if not AUTHOR_YEAR.search(work)}


def declared(text: str) -> list[str]:
    """Keys that have a row on the page; works by several authors under the first and the year."""
    keys = re.findall(r"^\| <a id=\"[^\"]+\"></a>(.+?) \|", text, re.MULTILINE)
    return [f"{year[1]} {year[2]}" if (year := AUTHOR_YEAR.fullmatch(key)) else key for key in keys]


def table_of(heading: str) -> set[str]:
    """Keys of the first table after a text of the page."""
    page = SOURCES.read_text(encoding="utf-8")
    rest = page[page.index(heading) :]
    return set(declared(re.split(r"\n\n(?!\|)", rest[rest.index("\n| key") :].lstrip(), maxsplit=1)[0]))


def numbers_with_sources() -> Iterator[tuple[str, str]]:
    """Every row of the scenario reference that has a plausible range: key and source."""
    for line in (ROOT / "docs" / "scenario-reference.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if line.startswith("| `") and len(cells) == 8 and cells[5]:
            yield cells[0], cells[6]


# --- sources ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("source='SPEC 1.4, 5.5; F17'", {"SPEC 1.4", "SPEC 5.5", "F17"}),
        ("(SPEC 6.1, DECISIONS 18, 19)", {"SPEC 6.1", "DECISIONS 18", "DECISIONS 19"}),
        ("contacts (SPEC 5.2-5.4, 6.4; bond SPEC\n    # 4.3)", {"SPEC 5.2", "SPEC 5.4", "SPEC 6.4", "SPEC 4.3"}),
        ("SPEC's own figures, SPEC 9.3 step 3, 0.005", {"SPEC", "SPEC 9.3"}),
        ("assumption; anchors F33, F7b, calibrated to V8 (A9)", {"F33", "F7b", "V8", "A9"}),
        (
            "Philox (Salmon, Moraes, Dror & Shaw 2011), Holm 1979; Okabe and Ito (2008)",
            {"Salmon 2011", "Holm 1979", "Okabe 2008"},
        ),
        ("memory: Wright 1936", {"Wright 1936"}),
        ("China 2013, in March 1994; colour #F1F3F4, UTF16, F16_LE, SPEC_COSTS, Schema (2020-12)", set()),
    ],
)
def test_citations_are_found(text: str, keys: set[str]) -> None:
    assert cited(text) == keys


def test_a_key_has_one_row_and_its_own_anchor() -> None:
    page = SOURCES.read_text(encoding="utf-8")
    keys, anchors = declared(page), re.findall(r"<a id=\"([^\"]+)\">", page)
    assert len(keys) > 100
    assert sorted(keys) == sorted(set(keys))
    assert sorted(anchors) == sorted(set(anchors))


def test_every_cited_key_stands_on_the_page() -> None:
    known = set(declared(SOURCES.read_text(encoding="utf-8")))
    unknown = {str(path.relative_to(ROOT)): sorted(cited_by(path) - known) for path in CITING}
    assert {path: keys for path, keys in unknown.items() if keys} == {}, (
        "docs/sources.md has no such key: give it a row there with author, year, title and what was read "
        "(or, if it is no citation, name the word before the year in NOT_AUTHORS)"
    )


def test_the_page_cites_no_key_it_lacks() -> None:
    page = SOURCES.read_text(encoding="utf-8")
    by_number = {key for key in cited(page) if re.fullmatch(r"[FVAE]\d+[a-z]?|[A-Z]{4,}( .*)?", key)}
    assert by_number <= set(declared(page))


def test_every_number_with_a_range_has_a_source() -> None:
    rows = list(numbers_with_sources())
    assert len(rows) > 300
    known = set(declared(SOURCES.read_text(encoding="utf-8")))
    assert {key: remembered(source) - known for key, source in rows if not remembered(source) <= known} == {}
    without = [
        f"{key}: {source or 'no source'}"
        for key, source in rows
        if not cited(source) | remembered(source) and not re.search(r"\b(assumption|choice)\b", source)
    ]
    assert not without


def test_what_is_said_to_carry_no_number_carries_none() -> None:
    """Of the two lists of literature, the first is cited somewhere, the second by no number."""
    everywhere = set().union(*(cited_by(path) for path in CITING))
    by_numbers = set().union(*(cited(source) for _, source in numbers_with_sources()))
    assert table_of("## Literature and data") - everywhere == set()
    assert table_of("**Read for the design") & by_numbers == set()


# --- links ------------------------------------------------------------------------------------------------------------


def prose(text: str) -> str:
    """A document without its code."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)


def anchors(text: str) -> set[str]:
    """What a link may lead to: headings as GitHub names them, and anchors of one's own."""
    found: dict[str, int] = {}
    names = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))
    for heading in re.findall(r"^#{1,6} +(.+?)\s*#*$", prose(text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        again = found.get(slug, 0)
        found[slug] = again + 1
        names.add(f"{slug}-{again}" if again else slug)
    return names


def broken_links(document: Path) -> list[str]:
    """Links of a document to files or anchors that are not there; other sites are not asked."""
    text = prose(document.read_text(encoding="utf-8"))
    text = re.sub(r"`[^`\n]*`", "", text)
    broken = []
    links = re.findall(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)", text)
    for link in links + re.findall(r"(?:src|href)=\"([^\"]+)\"", text):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        file, _, fragment = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        if not target.exists() or (
            fragment and target.suffix == ".md" and fragment not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    return broken


def test_links_lead_somewhere() -> None:
    broken = {str(document.relative_to(ROOT)): broken_links(document) for document in DOCUMENTS}
    assert {document: links for document, links in broken.items() if links} == {}


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text('# A *first* `key[]`: title\n\n<a id="own"></a>\n\n## Twice\n\n## Twice\n')
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md#a-first-key-title) [b](there.md#own) [c](there.md#twice-1) [d](https://example.org/x)\n"
        "`[e](no.md)`\n"
        "[f](there.md#twice-2) [g](nowhere.md) ![h](there.png) [i](#here)\n"
    )
    assert broken_links(page) == ["there.md#twice-2", "nowhere.md", "there.png", "#here"]


# --- how to cite ------------------------------------------------------------------------------------------------------


def test_the_version_to_cite_is_that_of_the_package() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (str(citation["version"]), citation["license"]) == (package["version"], package["license"])
