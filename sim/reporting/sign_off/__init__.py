"""sign_off.html: what those who answer for model risk in a bank ask of a run, on one page."""

from __future__ import annotations

from sim.reporting.sign_off.handed import Calibration, Facts, Handed, Swept
from sim.reporting.sign_off.page import render
from sim.reporting.sign_off.words import summary_lines

__all__ = ["Calibration", "Facts", "Handed", "Swept", "render", "summary_lines"]
