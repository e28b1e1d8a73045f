"""What the cells of a column look like, whatever its name: numbers as they are written, money, dates, yes and no.

Only the different texts of a column are looked at, so a million rows of three words cost three looks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.population.book.cells import EMPTY
from sim.population.book.dates import DateColumn, look_like_dates
from sim.population.book.money import BY_SIGN, UNITS

if TYPE_CHECKING:
    import pandas as pd

BLANKS: Final = frozenset({*(word.casefold() for word in EMPTY), "-", "--", "?", "#n/a"})
STRANGE: Final = 0.02  # of the different texts may look otherwise than the rest, or one of ten and more; they are said
LEFT_AS_TEXT: Final = 0.6  # of the different texts: below, a few numbers among words are words
FIRST_YEAR, LAST_YEAR = 1900, 2100  # of a date that a bank's file may hold

YES_NO: Final = tuple(
    (frozenset(yes), frozenset(no))
    for yes, no in (
        (("1", "true", "yes", "y", "t"), ("0", "false", "no", "n", "f")),
        (("是", "有", "y", "1"), ("否", "无", "n", "0")),
        (("s", "sim", "si", "sí"), ("n", "nao", "não", "no")),
        (("ja", "j"), ("nein", "n")),
        (("oui", "o"), ("non", "n")),
        (("ano", "a"), ("ne", "n")),
        (
            ("active", "activo", "ativo", "aktiv", "aktivní", "活跃", "正常"),
            ("inactive", "dormant", "inactivo", "inativo", "inaktiv", "neaktivní", "休眠", "不活跃", "closed", "销户"),
        ),
    )
)

_WORD_OF_MONEY: Final = "|".join(re.escape(sign) for sign in sorted(BY_SIGN, key=len, reverse=True))
_MONEY: Final = re.compile(
    rf"(?P<minus>[+-]?)\s*(?P<before>{_WORD_OF_MONEY})?\s*"
    r"(?P<number>[+-]?[\d.,'\u2019\u00a0\u202f ]*\d[\d.,]*(?:e[+-]?\d+)?)"
    rf"\s*(?P<many>[{''.join(UNITS)}])?\s*(?P<after>{_WORD_OF_MONEY}|%)?",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_POINT: Final = re.compile(r"[+-]?\d{1,3}([,'\u2019\u00a0\u202f ]\d{3})+(\.\d*)?")
_COMMA: Final = re.compile(r"[+-]?(\d{1,3}([.'\u2019\u00a0\u202f ]\d{3})+|\d+)(,\d*)?")
_THREE: Final = r"[+-]?[1-9]\d{0,2}[.,]\d{3}"  # 1.234: a fraction, or thousands

# A pattern, the form it is read by, and whether it is bare digits: a number, unless the name speaks of a date.
DATES: Final = tuple(
    (re.compile(pattern), form, bare)
    for pattern, form, bare in (
        (r"\d{4}-\d{1,2}-\d{1,2}(?:[ T]\d.*)?", "%Y-%m-%d", False),
        (r"\d{4}/\d{1,2}/\d{1,2}(?: \d.*)?", "%Y/%m/%d", False),
        (r"\d{4}\.\d{1,2}\.\d{1,2}\.?(?: \d.*)?", "%Y.%m.%d", False),
        (r"\d{4}年\d{1,2}月\d{1,2}日", "%Y年%m月%d日", False),
        (r"\d{1,2}\.\d{1,2}\.\d{4}(?: \d.*)?", "%d.%m.%Y", False),
        (r"\d{1,2}/\d{1,2}/\d{4}(?: \d.*)?", "%d/%m/%Y", False),
        (r"\d{1,2}-\d{1,2}-\d{4}(?: \d.*)?", "%d-%m-%Y", False),
        (r"\d{1,2}[- ][A-Za-z]{3}[- ]\d{4}", "%d-%b-%Y", False),
        (r"\d{4}-(?:0[1-9]|1[0-2])", "%Y-%m", False),
        (r"\d{4}年\d{1,2}月", "%Y年%m月", False),
        (r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) 00:00:00", "%y%m%d", False),
        (r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", "%Y%m%d", True),
        (r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])", "%Y%m", True),
        (r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", "%y%m%d", True),
        (r"\d{2}(?:0[1-9]|1[0-2]|5[1-9]|6[0-2])(?:0[1-9]|[12]\d|3[01])", "birth number", True),
    )
)
MONTHS: Final = frozenset({"%Y-%m", "%Y年%m月", "%Y%m"})
DAY_FIRST: Final = "%d/%m/%Y"
MONTH_FIRST: Final = "%m/%d/%Y"
DAY_FIRST_SHORT: Final = "%d/%m/%y"
MONTH_FIRST_SHORT: Final = "%m/%d/%y"
READER: Final = "as the reader reads it"


@dataclass(frozen=True)
class Look:
    """How a column reads: `kind` is number, date, yes/no, words or nothing.

    `numbers` is float64[rows], NaN where blank or no number; `dates` datetime64[D][rows] likewise. `decimal` is what
    stands before decimals; `grouped` whether thousands are marked; `signs` the currencies met, each with its rows;
    `percent` whether there are percent signs; `form` how dates are written; `odd` texts that fit nothing, with rows.
    """

    kind: str
    numbers: NDArray[np.float64] | None = None
    dates: NDArray[Any] | None = None
    decimal: str = "point"
    grouped: bool = False
    either: bool = False  # 1.234 throughout
    exponents: int = 0
    zeros: int = 0  # leading zeros
    one_width: bool = False  # all values have as many characters
    signs: Mapping[str, int] = field(default_factory=dict)
    percent: bool = False
    many: bool = False
    form: str = ""
    bare: tuple[str, ...] = ()  # dates that the digits could be, were the column named like one
    yes: frozenset[str] = frozenset()
    odd: tuple[tuple[str, int], ...] = ()


def nearly(good: pd.Series) -> bool:
    """Whether as good as all texts look alike."""
    strange = len(good) - int(good.sum())
    return strange <= max(STRANGE * len(good), 1 if len(good) >= 10 else 0)


def blank(texts: pd.Series) -> pd.Series:
    """Which of these texts, without spaces at their ends, say that there is nothing."""
    return texts.isna() | texts.str.lower().isin(BLANKS)


def matches(texts: pd.Series, pattern: str) -> pd.Series:
    """Which texts are all of a pattern, as Arrow reads patterns."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.match_substring_regex(pa.array(texts, pa.string()), f"^(?:{pattern})$")
    return pd.Series(found.to_numpy(zero_copy_only=False).astype(bool), index=texts.index)


def look(codes: NDArray[np.int64], texts: pd.Series, counts: NDArray[np.int64]) -> Look:
    """How texts read: `texts` are the different ones, `codes` says of each row which it has (-1: none)."""
    told = texts[~blank(texts)]
    if not len(told):
        return Look("nothing")
    plain = {text.casefold() for text in told}
    if len(plain) <= 2:
        for yes, no in YES_NO:
            if plain <= yes | no and len(plain & yes) <= 1 and len(plain & no) <= 1:
                places = told.index.tolist()
                said = {place: float(text.casefold() in yes) for place, text in zip(places, told, strict=True)}
                numbers = _spread(codes, len(texts), said)
                return Look("yes/no", numbers, yes=frozenset(t for t in told if t.casefold() in yes))
    digits = matches(told, r"(?s).*\d.*")
    if digits.mean() < LEFT_AS_TEXT:
        return Look("words")
    if (found := _dates(codes, texts, told, counts)) is not None:
        return found
    found = _numbers(codes, texts, told, counts)
    return found if found is not None else Look("words")


def _spread(codes: NDArray[np.int64], size: int, values: Mapping[int, float]) -> NDArray[np.float64]:
    table = np.full(size + 1, np.nan)
    if values:
        table[np.fromiter(values.keys(), np.int64)] = np.fromiter(values.values(), np.float64)
    return table[codes]


def as_dates(told: pd.Series, form: str) -> pd.Series:
    """Texts as days; NaT where they are none in this form."""
    import pandas as pd

    if form == "birth number":
        number = pd.to_numeric(told, errors="coerce").fillna(0).astype(int)
        number -= 5000 * (number // 100 % 100 > 50)
        days = pd.to_datetime("19" + number.astype(str).str.zfill(6), format="%Y%m%d", errors="coerce")
    elif form == "%y%m%d":
        days = pd.to_datetime(told.str.zfill(6).str[:6], format=form, errors="coerce")
    elif form == "%d-%b-%Y":
        days = pd.to_datetime(told.str.replace(" ", "-"), format=form, errors="coerce")
    else:
        sign = re.sub(r"%\w", "", form)[:1]
        cut = told.str.replace(r"(?<=\d)[ T]\d.*", "", regex=True).str.rstrip(".") if sign in "-/." and sign else told
        days = pd.to_datetime(cut, format=form, errors="coerce")
    return days.where((days.dt.year >= FIRST_YEAR) & (days.dt.year <= LAST_YEAR))


def _dates(codes: Any, texts: pd.Series, told: pd.Series, counts: Any) -> Look | None:
    """Dates with marks between their parts; bare digits wait for the name to say so."""
    few = told.iloc[:: max(1, len(told) // 200)]
    for pattern, form, bare in DATES:
        if bare or not nearly(few.map(lambda text, p=pattern: p.fullmatch(text) is not None)):
            continue
        days = as_dates(told, form)
        if form == DAY_FIRST and (other := as_dates(told, MONTH_FIRST)).notna().sum() > days.notna().sum():
            days, form = other, MONTH_FIRST
        if nearly(days.notna()):
            odd = told[days.isna()]
            return Look("date", dates=_days(codes, len(texts), days), form=form, odd=_odd(odd, counts))
    return _read_dates(codes, texts, told, counts)


def _read_dates(codes: Any, texts: pd.Series, told: pd.Series, counts: Any) -> Look | None:
    """Dates that only the reader of a book knows: years of two digits, months in words."""
    import pandas as pd
    import pyarrow as pa

    cells = pa.array(told.tolist(), pa.string())
    if not look_like_dates(cells):
        return None
    column = DateColumn()
    column.see(cells)
    known = dict(zip(column.words, column.days(date.today()), strict=True))
    read = [known[word] if code >= 0 else None for word, code in _words_of(column)]
    days = pd.Series(pd.to_datetime(pd.Series(read, dtype=object), errors="coerce").to_numpy(), index=told.index)
    if not nearly(days.notna()):
        return None
    form = {"month-day-year": MONTH_FIRST_SHORT, "day-month-year": DAY_FIRST_SHORT}.get(column.said, READER)
    return Look("date", dates=_days(codes, len(texts), days), form=form, odd=_odd(told[days.isna()], counts))


def _words_of(column: DateColumn) -> list[tuple[str, int]]:
    words = [*column.words, ""]
    return [(words[code], int(code)) for piece in column.pieces for code in piece]


def _days(codes: Any, size: int, days: pd.Series) -> NDArray[Any]:
    table = np.full(size + 1, np.datetime64("NaT", "D"))
    table[days.index.to_numpy(np.int64)] = days.to_numpy().astype("datetime64[D]")
    return table[codes]


def dated(look: Look, codes: Any, texts: pd.Series, counts: Any, form: str) -> Look:
    """The same column, its bare digits read as dates."""
    told = texts[~blank(texts)]
    days = as_dates(told, form)
    odd = _odd(told[days.isna()], counts)
    return Look("date", dates=_days(codes, len(texts), days), form=form, bare=look.bare, odd=odd)


def _odd(texts: pd.Series, counts: Any) -> tuple[tuple[str, int], ...]:
    rows = sorted(((str(text), int(counts[i])) for i, text in texts.items()), key=lambda item: (-item[1], item[0]))
    return tuple(rows[:20])


def _numbers(codes: Any, texts: pd.Series, told: pd.Series, counts: Any) -> Look | None:
    import pandas as pd

    values = pd.to_numeric(told, errors="coerce").replace([np.inf, -np.inf], np.nan)
    signs, decimal, grouped, percent, many, either = Counter[str](), "point", False, False, False, False
    if not nearly(values.notna()):
        bare: dict[int, str] = {}
        factor: dict[int, float] = {}
        for place, text in zip(told.index.tolist(), told.tolist(), strict=True):
            if (found := _MONEY.fullmatch(text)) is None:
                continue
            bare[place] = found["minus"] + found["number"].strip()
            factor[place] = 10.0 ** UNITS.get(found["many"] or "", 0)
            many = many or found["many"] is not None
            for sign in (found["before"], found["after"]):
                if sign == "%":
                    percent = True
                elif sign:
                    signs[BY_SIGN[sign.casefold()]] += int(counts[place])
        written = pd.Series(bare, dtype=object)
        point = written.map(lambda t: bool(_PLAIN.fullmatch(t) or _POINT.fullmatch(t)))
        comma = written.map(lambda t: bool(_COMMA.fullmatch(t)))
        if comma.sum() > point.sum():
            decimal, good = "comma", written[comma]
            grouped = bool(good.str.contains(r"[.'\s]", regex=True).any())
            plain = good.str.replace(r"[.'\u2019\s\u00a0\u202f]", "", regex=True).str.replace(",", ".")
        else:
            good = written[point]
            grouped = bool(good.str.contains(r"[,'\s]", regex=True).any())
            plain = good.str.replace(r"[,'\u2019\s\u00a0\u202f]", "", regex=True)
        values = pd.to_numeric(plain, errors="coerce").reindex(told.index) * pd.Series(factor).reindex(told.index)
    if values.notna().mean() < LEFT_AS_TEXT:
        return None
    pointed = told[told.str.contains(".", regex=False)]
    either = len(pointed) * 2 > len(told) and bool(matches(pointed, _THREE).all())
    fine = values.dropna()
    return Look(
        "number",
        _spread(codes, len(texts), dict(zip(fine.index.tolist(), fine.tolist(), strict=True))),
        decimal=decimal,
        grouped=grouped,
        either=either and decimal == "point",
        exponents=int(counts[told.index[matches(told, r"\d(\.\d+)?[eE]\+?\d+")].to_numpy(np.int64)].sum()),
        one_width=told.str.len().nunique() == 1,
        zeros=int(counts[told.index[matches(told, r"0\d+")].to_numpy(np.int64)].sum()),
        signs=dict(signs.most_common()),
        percent=percent,
        many=many,
        bare=_bare(told),
        odd=_odd(told[values.isna()], counts),
    )


def _bare(told: pd.Series) -> tuple[str, ...]:
    few = told.iloc[:: max(1, len(told) // 200)]
    forms = []
    for pattern, form, bare in DATES:
        if bare and nearly(few.map(lambda text, p=pattern: p.fullmatch(text) is not None)):
            forms.append(form)
    return tuple(forms)
