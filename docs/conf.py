"""The documentation site: `sphinx-build -W -b html -c docs . SITE`, from the top of the repository, without a network.

The sources are the pages as they stand, README and the like included, so that a link is right in the repository and on
the site alike: what leads to a file that is no page (a scenario, a source) becomes a download. After the build every
link of every page is followed (`broken`), and one that leads nowhere fails it.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sim import __version__  # noqa: E402

project = "Rapport"
author = "The Rapport developers"
version = release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "docs/**.ipynb"]
exclude_patterns = [".*", "**/.*", "results", "tests", "sim", "scenarios", "build", "dist"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 6  # as GitHub names them
suppress_warnings = [
    "myst.xref_missing",  # anchors of one's own (<a id>) are unknown to it; `broken` knows all
    "myst.header",  # the scenario reference goes deeper where a key does
]
nb_execution_mode = "off"  # tests/test_tutorials.py executes them
nb_merge_streams = True
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"

html_theme = "furo"
html_title = f"Rapport {__version__}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_math_renderer = "mathml"


class _Page(HTMLParser):
    """Where a page's links lead, and which places of it a link may lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.places.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken(site: Path) -> list[str]:
    """Links of the site's pages to pages, files or places that are not there; other sites are not asked."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = target.is_file() and (
                not parts.fragment or target not in pages or unquote(parts.fragment) in pages[target].places
            )
            if not there and link not in ("#", ""):
                found.append(f"{path.relative_to(site)}: {link}")
    return found


def _follow_links(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html":
        return
    site = Path(app.outdir).resolve()
    front = app.builder.get_target_uri(root_doc)
    (site / "index.html").write_text(
        f'<!doctype html><meta http-equiv="refresh" content="0; url={front}"><a href="{front}">Rapport</a>\n', "utf-8"
    )
    if lost := broken(site):
        raise SphinxError("links that lead nowhere:\n" + "\n".join(lost))


def _without_folders(app: Sphinx, docname: str, source: list[str]) -> None:
    """A link to a folder of the repository is its name: a site has no page for it."""
    source[0] = re.sub(r"\[([^\]\n]*)\]\([^)\s:]+/\)", r"\1", source[0])


def _math(translator: nodes.NodeVisitor, node: nodes.Element) -> None:
    block = isinstance(node, nodes.math_block)
    text = node.astext().replace(r"\gt", ">").replace(r"\lt", "<")
    try:
        translator.body.append(tex2mathml(text, as_block=block))
    except Exception as error:  # its parser answers what it does not know in several ways
        logging.getLogger(__name__).warning("no formula that can be shown: %s (%s)", text, error, location=node)
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.connect("source-read", _without_folders)
    app.connect("build-finished", _follow_links)
    app.add_html_math_renderer("mathml", (_math, None), (_math, None))
