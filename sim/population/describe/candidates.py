"""Which column is likely which field of a book: by its name and by its looks, each field and each column once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from sim.population.book.columns import FIELD_NAMES
from sim.population.describe.profile import Profile
from sim.population.describe.vocabulary import (
    ALONE,
    AVERAGED,
    BORN,
    DAYS,
    DEBTS,
    MONTHLY,
    PARTS,
    SPOKEN,
    WHOLE,
    YEARS,
    left_over,
    named,
    says,
)

NAME: Final = 0.65  # how much a name says, looks the rest
SURE: Final = 0.8
LIKELY: Final = 0.55
PROPOSED: Final = 0.45
SEVERAL: Final = 1.1  # rows of a customer, on average, from which a table has several of each
OLDEST: Final = 130  # years, of an age
ADULT: Final = 16  # years, of most customers
LONGEST_DAYS: Final = 40_000  # of a tenure
FEW_CODES: Final = 0.1  # of the values of an age may be codes such as 0 or -1
WHO: Final = (  # words of a header that say whose state it is, or only that it is one
    *("is", "ind", "indicator", "flag", "yn", "customer", "client", "cliente", "kunden", "member", "account", "status"),
    *(
        "user",
        "state",
        "current",
        "month",
        "months",
        "mon",
        "last",
        "m",
        "客户",
        "账户",
        "是否",
        "状态",
        "会员",
        "标志",
        "用户",
    ),
)
LEFT: Final = 0.5  # a name that says something else keeps a column from being a field


@dataclass(frozen=True)
class Candidate:
    """A column for a field: score 0 to 1, and why."""

    field: str
    column: str
    score: float
    name: float
    looks: float
    phrase: str

    @property
    def sure(self) -> str:
        """In a word."""
        return "sure" if self.score >= SURE else "likely" if self.score >= LIKELY else "perhaps"


def looks_like(field: str, p: Profile) -> float:
    """How far a column can be a field by what is in it, 0 (it cannot) to 1."""
    numeric = p.look.kind in ("number", "yes/no") and p.kind != "constant"
    told = max(p.rows - p.missing, 1)
    match field:
        case "id":
            if (
                p.kind in ("date", "month", "share", "percent")
                or p.distinct < 2
                or p.look.signs
                or (numeric and not p.whole)
            ):
                return 0.0
            if p.unique and not p.missing:
                return 1.0
            return 0.9 if told > SEVERAL * p.distinct and p.distinct > 12 else 0.5  # several accounts or months each
        case "aum":
            if not numeric or p.kind in ("id", "yes/no", "year", "percent", "share") or p.high <= 1:
                return 0.0
            return 1.0 if p.kind == "money" else 0.5 if p.kind == "number" else 0.15
        case "age":
            if p.kind == "date":
                return 0.8
            if p.kind == "year":
                return 0.8 if p.high <= date.today().year else 0.0
            years = p.usual[(p.usual >= 0) & (p.usual <= OLDEST)]
            if not numeric or p.distinct < 3 or not years.size or years.size < (1 - FEW_CODES) * p.usual.size:
                return 0.0
            return 1.0 if ADULT <= p.median <= 80 and years.max() > 40 else 0.3
        case "tenure_months":
            if p.kind == "date":
                return 0.8
            return 0.9 if numeric and p.distinct > 3 and p.median >= 0 and p.usual.max() < LONGEST_DAYS else 0.0
        case "products":
            if not numeric or not p.whole or p.kind in ("id", "yes/no", "year") or p.high > 60:
                return 0.0
            return 1.0 if p.high <= 12 else 0.5
        case "income":
            return 0.0 if not numeric or p.kind in ("id", "yes/no", "year") or p.high < 100 else 0.9
        case "digital_active":
            return 1.0 if p.kind == "yes/no" else 0.0
        case "state":
            return 1.0 if p.kind == "yes/no" else 0.7 if p.kind == "words" and p.distinct <= 8 else 0.0
        case "digital_affinity" | "share_of_wallet":
            return 1.0 if p.kind in ("share", "percent") else 0.4 if numeric and p.low >= 0 and p.high <= 100 else 0.0
        case "tier":
            few = 2 <= p.distinct <= 8
            return 0.9 if few and p.kind in ("words", "count", "yes/no", "number") else 0.0
        case _:  # attitudes
            return 0.6 if numeric and p.distinct > 2 and p.high <= 100 else 0.0


def candidates(profiles: Sequence[Profile]) -> list[Candidate]:
    """Every column that could be a field, by score."""
    found = []
    for p in profiles:
        words = named(p.name)
        other = max((one.score for what, one in words.items() if what in ALONE), default=0.0)
        best = max((one.score for what, one in words.items() if what in FIELD_NAMES), default=0.0)
        for name in FIELD_NAMES:
            looks = looks_like(name, p)
            if not looks:
                continue
            own = words.get(name)
            by_name = own.score if own else 0.0
            if name == "state" and own is not None and left_over(p.name, own.phrase, WHO):
                by_name *= 0.4  # something of the customer is active, not the customer
            if by_name and other > by_name:
                by_name *= 1 - other
            elif not by_name and (name not in ("id", "aum") or max(other, best) >= LEFT):
                continue
            score = NAME * by_name + (1 - NAME) * looks * (1.0 if by_name else 0.5)
            if name in ("age", "tenure_months") and p.kind == "year" and not says(p.name, BORN):
                score *= 0.3
            if name == "aum" and by_name and says(p.name, AVERAGED):
                score += 0.03  # an average says more of a customer than a day
            if name == "aum" and by_name and says(p.name, PARTS) and not says(p.name, WHOLE):
                score -= 0.05  # one kind of what a customer has
            if name == "aum" and says(p.name, DEBTS):
                score *= 0.6
            if name == "tenure_months" and by_name and says(p.name, (*YEARS, *DAYS)):
                score += 0.01
            if name == "id" and by_name and p.kind == "text":
                score *= 0.8
            found.append(Candidate(name, p.name, min(score, 1.0), by_name, looks, own.phrase if own else ""))
    return sorted(found, key=lambda c: -c.score)


def assigned(found: Sequence[Candidate], columns: Sequence[str]) -> dict[str, Candidate]:
    """Each field its column and each column its field, so that the scores add up to the most; none below `PROPOSED`.

    `id` and `aum` are needed: a book's best column of money, and one that holds each value once, are proposed whatever
    their names.
    """
    from scipy.optimize import linear_sum_assignment

    scores = np.zeros((len(FIELD_NAMES), len(columns)))
    by: dict[tuple[str, str], Candidate] = {}
    for one in found:
        needed = (one.field == "aum" and one.looks >= 0.5) or (one.field == "id" and one.looks == 1)
        if one.score >= PROPOSED or needed:
            scores[FIELD_NAMES.index(one.field), columns.index(one.column)] = one.score
            by[one.field, one.column] = one
    rows, places = linear_sum_assignment(scores, maximize=True)
    pairs = [(FIELD_NAMES[row], columns[place]) for row, place in zip(rows.tolist(), places.tolist(), strict=True)]
    return {field: by[field, column] for field, column in pairs if (field, column) in by}


def alone(p: Profile) -> tuple[str, str]:
    """(kind, reason) why a column is not read."""
    words = {what: one for what, one in named(p.name).items() if what in ALONE}
    if p.kind == "nothing":
        return "empty", "holds nothing"
    if p.kind == "constant":
        return "constant", "holds the same everywhere"
    if says_month(p) or (p.kind == "date" and p.distinct == 1):
        return "month", "the month or day that a row is of"
    best = max(words.values(), key=lambda one: one.score) if words else None
    fields = [one for what, one in named(p.name).items() if what in FIELD_NAMES and looks_like(what, p) >= LIKELY]
    if fields and (own := max(fields, key=lambda one: one.score)).score > (best.score if best else 0.0):
        return "rival", f"could be {own.what} as well, for which another column is proposed"
    if best is not None:
        return best.what, ALONE[best.what][0]
    spoken = [one for what, one in named(p.name).items() if what in FIELD_NAMES and one.score >= SPOKEN]
    if spoken and not looks_like((said := max(spoken, key=lambda one: one.score)).what, p):
        sample = f" ({', '.join(repr(text) for text in p.samples[:2])})" if p.samples else ""
        marks = [mark for mark in ".," if any(text[-3:-2] == mark for text in map(str, p.texts))]
        both = "; some have a point and some a comma before decimals" if len(marks) > 1 else ""
        return "unread", f"named like {said.what}, but its values{sample} cannot be read as that as they stand{both}"
    if p.kind == "id":
        return "key", "names something; the customer's id is another column"
    if says(p.name, MONTHLY) and p.look.kind in ("date", "number"):
        return "month", "the month or day that a row is of"
    return "unknown", "no field of a book that its name or values would tell"


def says_month(p: Profile) -> bool:
    """Whether a column says of which month a row is."""
    field = max((one.score for what, one in named(p.name).items() if what in FIELD_NAMES), default=0.0)
    return p.kind == "month" and (says(p.name, MONTHLY) or field < LEFT)


def rivals(found: Sequence[Candidate], chosen: Mapping[str, Candidate], field: str) -> list[Candidate]:
    """Other columns that nearly were this field and are none."""
    taken = {one.column for one in chosen.values()}
    best = chosen[field].score if field in chosen else PROPOSED
    return [c for c in found if c.field == field and c.column not in taken and c.score >= max(best - 0.2, PROPOSED)]
