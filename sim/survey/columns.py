"""Columns that a table of answers may have besides demographics and items."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Final

SHEET: Final = "sheet"  # text: which sheet, each once
RESPONDENT: Final = "respondent"  # text: who; the same in every wave of a panel
ARM: Final = "arm"  # text
SEED: Final = "seed"  # int64
WAVE: Final = "wave"  # int64: the month it was filled in
MODE: Final = "mode"  # text: how it came back: online, handed, intercept
WEIGHT: Final = "weight"  # float64: design weight, persons of the population a sheet stands for
SHEET_COLUMNS: Final = (SHEET, RESPONDENT, ARM, SEED, WAVE, MODE, WEIGHT)  # in this order in what we write

# What else a design weight is called, in small letters; a weight of a body is none.
WEIGHT_NAMES: Final = re.compile(
    r"(\w+[_ .-])?(?<!body[_ .-])(weights?|weighting|wgts?|wts?|[pf]weights?)(?![_ .-](kg|lbs?)\b)([_ .-]\w+)?"
    r"|pond(eration|eración|eracion|ération)?|(\w+_)?gewicht(ung)?|\w*(权重|权数|加权)\w*"
)

# What survey tools add to answers of their own accord: Qualtrics, LimeSurvey, Wenjuanxing. No question.
TOOL_COLUMNS: Final = frozenset(
    {
        *(
            "StartDate",
            "EndDate",
            "Status",
            "IPAddress",
            "Progress",
            "Duration (in seconds)",
            "Finished",
            "RecordedDate",
        ),
        *("ResponseId", "RecipientLastName", "RecipientFirstName", "RecipientEmail", "ExternalReference"),
        *("LocationLatitude", "LocationLongitude", "DistributionChannel", "UserLanguage"),
        *(
            "id",
            "submitdate",
            "lastpage",
            "startlanguage",
            "seed",
            "startdate",
            "datestamp",
            "ipaddr",
            "refurl",
            "token",
        ),
        *("序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP"),
    }
)


def valid_code(name: str) -> str:
    """The code that a question's name makes: ``q1_2`` of ``1.2``, ``use_SQ001`` of ``use[SQ001]``."""
    made = re.sub(r"\W+", "_", name.strip()).strip("_")[:60] or "question"
    made = f"q{made}" if made[0].isdigit() else made
    return f"{made}_asked" if made in SHEET_COLUMNS else made


def called_weight(name: str) -> bool:
    """Whether a column has the name of a design weight in some language or tool."""
    return WEIGHT_NAMES.fullmatch(name.strip().casefold()) is not None


def weight_of(columns: Mapping[str, Iterable[object]]) -> str | None:
    """The one column with the name of a design weight in which every row has a number above 0; None where it is not
    one."""
    found = [name for name, values in columns.items() if called_weight(name) and all(map(_above_0, values))]
    return found[0] if len(found) == 1 else None


def _above_0(value: object) -> bool:
    try:
        return 0 < float(str(value)) < math.inf
    except ValueError:
        return False
