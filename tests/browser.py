"""A browser to look at pages with, where the machine has one: what sticks out at a width, what is printed."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAPER = 680  # pixels of A4 between its margins: 180 mm
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)
LOOK = """
const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
const wide = page.defaultView.innerWidth, kinds = ".scroll, table, pre, p, dl, ul, h1, h2, h3";
const boxes = [...page.querySelectorAll(kinds)].filter(e => e.getClientRects().length);
const free = boxes.filter(e => !e.closest(".scroll") || e.matches(".scroll"));
const out = free.filter(e => e.getBoundingClientRect().right > wide + 1);
const over = boxes.filter(e => e.matches(".scroll") && e.scrollWidth > e.clientWidth + 1);
const name = e => e.getAttribute("aria-label") || (e.tagName + " " + e.textContent.trim().slice(0, 40));
const shut = [...page.querySelectorAll("details > *:not(summary)")].filter(e => !e.checkVisibility());
const seen = [...page.querySelectorAll("SELECTOR")].map(e => {
  const box = e.closest(".scroll"); if (box) box.scrollLeft = 1e6;
  const r = e.getBoundingClientRect(); return [e.textContent.trim(), r.left, r.right];
});
const answer = { wide: wide, page: root.scrollWidth, sticking: out.map(name), scrolling: over.map(name),
  by: over.map(e => e.scrollWidth - e.clientWidth), shut: shut.length, seen: seen };
document.body.innerHTML = "<pre id=answer></pre>";
document.getElementById("answer").textContent = JSON.stringify(answer);
"""


@dataclass(frozen=True)
class Look:
    """What a page is like at a width: what sticks out of it, what must be scrolled, what stays shut, what is where."""

    width: int
    page: int
    sticking: list[str]
    scrolling: dict[str, int]
    shut: int
    seen: list[tuple[str, float, float]]


def look(page: Path, width: int, folder: Path, *, paper: bool = False, selector: str = "none") -> Look:
    """The page in a frame of this width; with `paper` under its rules for print.

    `selector` picks elements whose places are told after every table was scrolled to its right end.
    """
    text = page.read_text("utf-8")
    if paper:
        text = text.replace("@media screen", "@media not all").replace("@media print", "@media all")
    frame = folder / f"frame-{width}.html"
    script = LOOK.replace("SELECTOR", selector)
    frame.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><body style="margin:0"><iframe style="border:0;width:{width}px;height:'
        f'900px" srcdoc="{html.escape(text)}"></iframe><script>addEventListener("load", () => {{{script}}})</script>',
        encoding="utf-8",
    )
    dumped = _chromium(folder, "--dump-dom", "--window-size=1600,1000", frame.as_uri())
    found = re.search(r'<pre id="answer">(.*?)</pre>', dumped, re.DOTALL)
    assert found, dumped[-500:]
    told = json.loads(html.unescape(found[1]))
    scrolling = dict(zip(told["scrolling"], told["by"], strict=True))
    places = [(name, left, right) for name, left, right in told["seen"]]
    return Look(told["wide"], told["page"], told["sticking"], scrolling, told["shut"], places)


def answer(page: Path, script: str, folder: Path) -> Any:
    """What a script (the body of a function) returns in the page once it is loaded, as JSON; nothing may be fetched."""
    asked = folder / f"asked-{page.name}"
    told = 'document.body.innerHTML="<pre id=answer></pre>";document.getElementById("answer").textContent=found'
    run = f'<script>addEventListener("load",()=>{{const found=JSON.stringify((()=>{{{script}}})());{told}}})</script>'
    asked.write_text(page.read_text("utf-8") + run, "utf-8")
    dumped = _chromium(folder, "--dump-dom", "--host-resolver-rules=MAP * ~NOTFOUND", asked.absolute().as_uri())
    found = re.search(r'<pre id="answer">(.*?)</pre>', dumped, re.DOTALL)
    assert found, dumped[-500:]
    return json.loads(html.unescape(found[1]))


def printed(page: Path, folder: Path) -> Path:
    """The page as PDF."""
    target = folder / "page.pdf"
    _chromium(folder, f"--print-to-pdf={target}", "--no-pdf-header-footer", page.absolute().as_uri())
    return target


def _chromium(folder: Path, *words: str) -> str:
    assert CHROMIUM is not None
    profile = folder / "profile"
    command = [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
