"""What looks wrong about a column, whatever it is read as: a line each, nothing where nothing does."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import numpy as np

from sim.phrases import counted
from sim.population.describe.looks import DAY_FIRST, DAY_FIRST_SHORT, MONTH_FIRST, MONTH_FIRST_SHORT
from sim.population.describe.profile import Profile

OLDEST: Final = 110


def doubts(p: Profile, as_of: date | None, field: str = "") -> list[str]:
    """Doubts about one column; `field` is what it is proposed as."""
    look, said = p.look, list[str]()
    if len(look.signs) > 1:
        parts = ", ".join(f"{sign} in {counted(n, 'value')}" for sign, n in look.signs.items())
        said.append(f"two currencies in one column ({parts}): amounts are not converted")
    if look.either and p.kind in ("money", "number"):
        sample = next((s for s in p.samples if "." in s), "1.234")
        said.append(f"all values look like {sample}: the point may mark thousands; `decimal: comma` would read them so")
    if look.exponents:
        said.append(f"{counted(look.exponents, 'value')} written with an exponent, as a spreadsheet does to long ids")
    if look.zeros and not (p.kind == "id" and look.one_width) and p.kind in ("id", "number", "count", "money"):
        said.append(
            f"{counted(look.zeros, 'value')} with leading zeros: read as text they differ, as numbers they may not"
        )
    if look.odd and look.kind in ("number", "date"):
        words = "" if p.hidden else f" ({', '.join(f'{text!r}' for text, _ in look.odd[:3])})"
        told = sum(n for _, n in look.odd)
        holds = "holds" if told == 1 else "hold"
        said.append(f"{counted(told, 'row')} {holds} no {'date' if look.kind == 'date' else 'number'}{words}")
    if p.missing and p.kind != "nothing":
        said.append(f"{counted(p.missing, 'row')} empty ({p.missing / p.rows:.1%})")
    if look.dates is not None:
        good = look.dates[~np.isnat(look.dates)]
        if as_of is not None and (late := int((good > np.datetime64(as_of, "D")).sum())):
            said.append(f"{counted(late, 'date')} after {as_of}")
        sample = p.samples[0] if p.samples else "01/02/2003"
        if look.form in (DAY_FIRST, MONTH_FIRST, DAY_FIRST_SHORT, MONTH_FIRST_SHORT):
            first = "day" if look.form.startswith("%d") else "month"
            firsts = (part for text in p.texts for part in re.split(r"\D+", str(text))[:2] if part.isdigit())
            if not any(int(part) > 12 for part in firsts):
                said.append(f"{sample}: is the day or the month first? read with the {first} first")
        if look.form in ("%y%m%d", "birth number"):
            said.append(f"years of two digits ({sample}), read as 19..")
        if look.form in (DAY_FIRST_SHORT, MONTH_FIRST_SHORT):
            said.append(f"years of two digits ({sample}), read as the last that is not after the day of the book")
    if (
        look.kind == "number"
        and look.numbers is not None
        and field in ("age", "tenure_months", "products", "aum", "income")
    ):
        values = look.numbers[np.isfinite(look.numbers)]
        codes = p.unknown if field != "aum" else []
        for code in codes:
            rows = int((values == code).sum())
            said.append(f"{code:.0f} ({counted(rows, 'row')}) looks like a code for unknown")
        values = p.usual
        if field == "age" and (old := int((values > OLDEST).sum())):
            said.append(f"{counted(old, 'customer')} older than {OLDEST}")
        if field == "age" and (young := int(((values >= 0) & (values < 16)).sum())) > 0:
            said.append(f"{counted(young, 'customer')} younger than 16")
        if field in ("age", "tenure_months") and (below := int((values < 0).sum())):
            said.append(f"{counted(below, 'value')} below 0")
    return said
