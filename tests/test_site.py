"""The documentation site: what its pages must hold, and that its check of links finds what it is for."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from sim.reporting.figures import BELIEFS, DECISION, FIGURES, REACH

ROOT = Path(__file__).parent.parent
GALLERY = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
SHOWN = re.compile(
    r"^`(run|sweep|optimum)\.plot\(\"(\w+)\"\)`[^\n]*\n\n!\[[^\]]+\]\((images/gallery/\w+\.png)\)$", re.M
)


def shown(by: str) -> set[str]:
    """Names of the figures on the page that have a line of code of `by`, and a picture that is there."""
    return {name for what, name, picture in SHOWN.findall(GALLERY) if what == by and (ROOT / "docs" / picture).exists()}


def drawn(file: str) -> set[str]:
    """Names of the figures that a file of sim/reporting declares; those of an arm without its name."""
    text = (ROOT / "sim" / "reporting" / file).read_text(encoding="utf-8")
    return {name.rstrip("_") for name in re.findall(r"Plate\(\s*f?\"(\w+)", text)}


def test_the_gallery_shows_every_figure_of_a_run() -> None:
    assert shown("run") == {plate.name for plate in (*DECISION, *BELIEFS, *REACH, *FIGURES)}


@pytest.mark.parametrize(
    ("by", "file", "least"), [("sweep", "sweep/captions.py", 8), ("optimum", "optimum/page.py", 3)]
)
def test_the_gallery_shows_every_figure_of_a_sweep_and_an_optimisation(by: str, file: str, least: int) -> None:
    names = drawn(file)
    assert len(names) >= least
    assert {name.removesuffix("_digital") for name in shown(by)} == names


def test_the_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "docs/images/gallery").glob("*.png")) < 1_500_000


def test_a_link_of_the_site_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
    spec = importlib.util.spec_from_file_location("conf", ROOT / "docs" / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    (tmp_path / "below").mkdir()
    (tmp_path / "there.html").write_text('<p id="a b">', encoding="utf-8")
    (tmp_path / "below" / "page.html").write_text(
        '<a href="../there.html#a%20b"><a href="https://example.org/x"><a href="#"><a name="own" href="#own">'
        '<a href="../there.html#lost"><a href="nowhere.html"><img src="lost.png"><a href="#here">',
        encoding="utf-8",
    )
    lost = ["../there.html#lost", "nowhere.html", "lost.png", "#here"]
    assert conf.broken(tmp_path) == [f"below/page.html: {link}" for link in lost]
