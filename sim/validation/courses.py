"""Figures of facts that make a course, for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sim.validation import economy, managers
from sim.validation.customers import TENURES
from sim.validation.events import COURSE


@dataclass(frozen=True)
class Curve:
    """Figures of a fact that make a course: its name, what runs along and up, and the figure at each point."""

    name: str
    x: str
    y: str
    points: Mapping[float, str]


def _over(what: str, points: Iterable[float]) -> dict[float, str]:
    """The figure at each point, its name with the point in it."""
    return {point: what.format(f"{point:g}") for point in points}


COURSES: Mapping[str, tuple[Curve, ...]] = {
    "V4": (
        Curve(
            "Mass customers still with the bank",
            "completed months of tenure",
            "%",
            _over("with the bank after {} months", TENURES),
        ),
    ),
    "V6": (Curve("Retention by age of the cohort", "year", "%", _over("retention of year {}", range(1, 6))),),
    "V11": (
        Curve(
            "Leaving, over that without calls",
            "phone calls a quarter",
            "%",
            _over("leaving at {} calls a quarter", range(1, 7)),
        ),
    ),
    "V12": (Curve("Success of an offer", "attempt in a campaign", "%", _over("attempt {}", range(1, 6))),),
    "V16": (
        Curve(
            "Users of the app among active customers", "month", "%", _over("users in month {}", range(0, 61, COURSE))
        ),
    ),
    "V20": (
        Curve(
            "Net new money that a manager brings a year, over none",
            "customers that a book may have",
            "CNY",
            _over("span {}: gain a manager-year", managers.SPANS),
        ),
        Curve(
            "Quality of a manager's service",
            "customers that a book may have",
            "SD",
            _over("span {}: quality", managers.SPANS),
        ),
    ),
    "V24": (
        Curve(
            "AUM that referred customers have more",
            "months since joining",
            "%",
            _over("AUM of referred customers, more after {} months", economy.TENURES),
        ),
    ),
    "E4": (
        Curve("Fall of attrition under better service", "year", "%", _over("fall of attrition, year {}", range(1, 8))),
    ),
}
