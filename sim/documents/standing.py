"""What stands behind a number: evidence, a direction only, a fit, a design document, or belief alone.

A source says so in the words that docs/sources.md explains.
"""

from __future__ import annotations

import re

from sim.store.sign_off_columns import STANDINGS as STANDINGS

UNTESTED = ("direction", "document", "assumption")  # of which the size is somebody's judgement
_FIT = re.compile(r"\b(?:fitted|calibrated)\b")
_SIGN = re.compile(r"\b(?:signs?|mechanism|anchors?|order of size)\b")
_WORK = re.compile(r"(?<![\w-])F\d{1,2}[a-z]?\b|\bmemory:")


def standing_of(source: str) -> str:
    """The weakest thing that a source says of its number; "assumption" for a number of no source."""
    if _FIT.search(source):
        return "fitted"
    if _SIGN.search(source):
        return "direction"
    if source == "choice":
        return "choice"
    if re.search(r"\bassumption\b", source) or not source:
        return "assumption"
    return "evidence" if _WORK.search(source) else "document"
