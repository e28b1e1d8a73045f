"""The first page for a board, as every report has it: question, answer, how sure, what to do next, what to find out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Five answers, each a few sentences; `question` is one. What has no sentence is left out of the page."""

    question: str
    answer: Sequence[str]
    sure: Sequence[str]
    next: Sequence[str]
    first: Sequence[str]
