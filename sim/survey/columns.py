"""Columns that a table of answers may have besides demographics and items."""

from __future__ import annotations

from typing import Final

SHEET: Final = "sheet"  # text: which sheet, each once
RESPONDENT: Final = "respondent"  # text: who; the same in every wave of a panel
ARM: Final = "arm"  # text
SEED: Final = "seed"  # int64
WAVE: Final = "wave"  # int64: the month it was filled in
MODE: Final = "mode"  # text: how it came back: online, handed, intercept
WEIGHT: Final = "weight"  # float64: design weight, persons of the population a sheet stands for
SHEET_COLUMNS: Final = (SHEET, RESPONDENT, ARM, SEED, WAVE, MODE, WEIGHT)  # in this order in what we write
