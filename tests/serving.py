"""The page as somebody meets it: `run.py serve` in a process of its own, and the machine's Chromium that looks at it.

The browser knows no name but this machine's, and every request that would go elsewhere is counted.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from browser import CHROMIUM, OPTIONS

ROOT = Path(__file__).parent.parent
PATIENCE = 60_000  # ms; the first run on a machine compiles
LACKING = (
    "no Chromium on this machine"
    if CHROMIUM is None
    else next((f"{name} is not installed" for name in ("nicegui", "playwright") if find_spec(name) is None), "")
)
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass
class Served:
    """A server: its address, the folder it runs in, what it says on stderr, its process."""

    address: str
    folder: Path
    process: subprocess.Popen[str]

    @property
    def said(self) -> str:
        return (self.folder / "stderr").read_text("utf-8")


@contextlib.contextmanager
def served(folder: Path, *words: str) -> Iterator[Served]:
    """`run.py serve` with these words, in this folder; ended with Ctrl-C."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(ROOT / "run.py"), "serve", *words, "--no-browser"]
    with open(folder / "stderr", "w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("http://"), (folder / "stderr").read_text("utf-8")
        yield Served(line, folder, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@dataclass
class Watched:
    """A browser, and what was asked of elsewhere, or went wrong, in any of its tabs."""

    browser: Any
    outside: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def tab(self, address: str, *, width: int = 1280, height: int = 720, context: Any = None) -> Any:
        """A new tab at an address, its page built and month 0 there; of this context, of its own unless given."""
        context = context or self.context(width, height)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        page.goto(address)
        at_month(page, 0)
        return page

    def context(self, width: int = 1280, height: int = 720) -> Any:
        return self.browser.new_context(viewport={"width": width, "height": height})

    def _asked(self, request: Any) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            self.outside.append(request.url)


@contextlib.contextmanager
def chromium() -> Iterator[Watched]:
    """The machine's Chromium, headless, without a network."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as drivers:
        options = [option for option in OPTIONS if option != "--headless"]
        browser = drivers.chromium.launch(executable_path=CHROMIUM, args=[*options, ALONE])
        try:
            yield Watched(browser)
        finally:
            browser.close()


MONTH = r"(?:[Mm]onth|第) ?(\d+)"


def month_of(page: Any) -> int:
    """The month that a page shows; -1 before it shows one."""
    found = re.search(MONTH, page.inner_text(".status .said"))
    return int(found[1]) if found else -1


def at_month(page: Any, month: int) -> None:
    """Wait until the page shows this month, at rest or running."""
    page.wait_for_function(
        "([text, month]) => { const found = document.querySelector('.status .said')?.innerText.match(text);"
        " return found && Number(found[1]) >= month }",
        arg=[MONTH, month],
    )


def click(page: Any, name: str) -> None:
    """A button by what it is called."""
    page.get_by_role("button", name=name, exact=True).click()


def done(page: Any) -> str:
    """Wait until all months are lived; the result digest that the page shows."""
    page.wait_for_function("() => /[0-9a-f]{64}/.test(document.querySelector('.status .digest')?.innerText)")
    found = re.search(r"[0-9a-f]{64}", page.inner_text(".status .digest"))
    assert found
    return found[0]


def figures(page: Any) -> list[str]:
    """The four differences that the page shows."""
    return list(page.locator(".tile .big").all_inner_texts())


def levers(page: Any, mark: str) -> Any:
    """A slider by its mark."""
    return page.locator(f'[data-lever="{mark}"]')


def npm() -> str | None:
    """npm, where this machine has it."""
    return shutil.which("npm")
