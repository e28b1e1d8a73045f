"""A page as PDF, printed by the Chromium of this machine, which asks for nothing from anywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sim.errors import BadInput, RunFailed
from sim.store.files import write_atomically

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
PATIENCE = 300.0  # seconds


def chromium() -> str:
    """The Chromium on PATH; `BadInput` where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        names = ", ".join(NAMES[:3])
        raise BadInput.at("--pdf", f"needs Chromium, and PATH has none ({names}); or print report.html from a browser")
    return found


def printed(page: Path, target: Path) -> Path:
    """Print a page to `target`, A4 as its style says; `RunFailed` where the browser does not."""
    browser = chromium()
    as_root = ("--no-sandbox",) if getattr(os, "geteuid", lambda: 1)() == 0 else ()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "page.pdf"
        words = [browser, *OPTIONS, *as_root, f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}"]
        try:
            subprocess.run([*words, page.absolute().as_uri()], capture_output=True, timeout=PATIENCE, check=True)
            content = made.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise RunFailed(
                f"{target}: {Path(browser).name} did not print {page.name} ({type(error).__name__})"
            ) from None
        write_atomically(target, content)
    return target


def unwritable(page: Path) -> str:
    """A line where no font of this machine has the letters of the page's language, so paper shows boxes; else ""."""
    from sim.reporting.figures.letters import can_write
    from sim.words import DEFAULT, LANGUAGES

    told = re.search('<html lang="([a-z]+)"', page.read_text("utf-8"))
    language = told[1] if told and told[1] in LANGUAGES else DEFAULT
    if can_write(language):
        return ""
    return (
        f"{page}: no font of this machine has the letters of {language}, so the PDF may show boxes; see docs/board.md"
    )
