"""Whom a strategy touches, and the upheaval that follows: change itself costs time and calm, where it happens.

A strategy says what it touches in words of `TOUCHES`. In its own first months managers lose hours if it touches
those, and the service of the customers it touches varies more. Where several strategies touch the same customer, or
the same hours, the deepest upheaval holds: a bank that changes two things at once is unsettled once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import numpy as np

from sim.levers import Levers
from sim.strategies.settings import Implementation

Touch = Literal["managers", "hours", "app", "service", "contacts", "tiers", "dormant", "joiners"]
TOUCHES: Mapping[Touch, str] = {
    "managers": "named managers: their hours, and the service of customers who have one",
    "hours": "managers' hours alone: a tool or a rule to learn",
    "app": "the app: the service of those who use it",
    "service": "everybody's service",
    "contacts": "whom campaigns contact, and how often; no upheaval",
    "tiers": "who rises or falls a tier; no upheaval",
    "dormant": "dormant customers; no upheaval",
    "joiners": "new customers; no upheaval",
}
assert tuple(TOUCHES) == get_args(Touch)
UNSAID: tuple[Touch, ...] = ("managers", "service")  # of a strategy that does not say: the whole bank


def unsettle(levers: Levers, touched: Iterable[tuple[Touch, float]], settings: Implementation) -> None:
    """Turn the levers of a month by what strategies in their first months touch, each with its depth, 0 to 1."""
    depth = dict.fromkeys(TOUCHES, 0.0)
    for touch, deep in touched:
        depth[touch] = max(depth[touch], deep)
    levers.log_hours += math.log1p(-settings.dip_hours * max(depth["managers"], depth["hours"]))
    by_manager, by_app = np.array([[0.0], [depth["managers"]]]), np.array([0.0, depth["app"]])
    felt = np.maximum(np.maximum(by_manager, by_app), depth["service"])
    levers.log_quality_sd += 0.5 * np.log1p(settings.dip_variance * felt)
