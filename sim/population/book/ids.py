"""Ids that look as if a spreadsheet had taken them for numbers: short forms, decimals, zeros that are gone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.phrases import counted

if TYPE_CHECKING:
    import pyarrow as pa

SHORT_FORM: Final = r"^\d+([.,]\d+)?[eE]\+?\d+$"  # 1E+05
LIKE_NUMBERS: Final = r"^\d+(\.0+)?$"
# What stands in place of an id under a column of amounts that is added up
TOTAL: Final = (
    r"(?i)^(grand |sub-?)?(total|totals|sum|summe|gesamt|gesamtsumme|insgesamt|zwischensumme|endsumme|somme|totale|"
    r"totaal|totalt|suma|soma|toplam|итого|всего|合计|总计|小计|共计|总和|合計|総計|小計|總計|합계|총계)"
    r"( (general|général|g[ée]n[ée]rale|generale))?\s*[:\x{FF1A}=]?\s*(\(?[\d.,\s]+\)?)?$"
)
KEPT_BY_EXCEL: Final = 15  # digits of a number
SHORTEST: Final = 5  # digits of an id whose zeros may have gone
USUAL: Final = 0.8  # share of ids of the usual length, of which a few are shorter by their zeros
SPARSE: Final = 20  # numbers for each id; ids that count customers have no zeros to lose


@dataclass
class Ids:
    """What the ids met so far look like."""

    rows: int = 0
    short: list[int] = field(default_factory=list)  # the first rows in short form
    shorts: int = 0
    decimals: int = 0  # ids that end in .0
    zeros: int = 0  # ids of digits that begin with a zero
    lengths: Counter[int] = field(default_factory=Counter)  # of ids of digits

    def see(self, ids: pa.Array, most: int) -> None:
        """Look at more ids, texts; `most` rows in short form are kept."""
        import pyarrow.compute as pc

        before, self.rows = self.rows, self.rows + len(ids)
        numbers = pc.match_substring_regex(ids, LIKE_NUMBERS)
        alike = pc.sum(numbers).as_py() or 0
        if alike < len(ids):
            short = np.flatnonzero(pc.match_substring_regex(ids, SHORT_FORM).to_numpy(zero_copy_only=False))
            if short.size:
                self.short += [before + int(row) for row in short[: most - len(self.short)]]
                self.shorts += short.size
        if alike:
            digits = ids.filter(numbers)
            self.decimals += pc.sum(pc.match_substring(digits, ".")).as_py() or 0
            self.zeros += pc.sum(pc.starts_with(digits, "0")).as_py() or 0
            sizes, rows = np.unique(pc.utf8_length(digits).to_numpy(zero_copy_only=False), return_counts=True)
            for size, count in zip(sizes.tolist(), rows.tolist(), strict=True):
                self.lengths[size] += count

    def doubt(self, column: str, lines: str, *, spreadsheet: bool) -> str:
        """What looks as if a number had been made of an id; empty if nothing. `lines` are those in short form."""
        if self.shorts:
            return (
                f"{counted(self.shorts, 'id')} of {column} {'looks' if self.shorts == 1 else 'look'} like a number in "
                f"short form such as 1E+05 ({lines}): a spreadsheet has taken ids for numbers; export them as text"
            )
        if self.decimals:
            return (
                f"{counted(self.decimals, 'id')} of {column} {'ends' if self.decimals == 1 else 'end'} in .0: ids were "
                "taken for numbers; export them as text"
            )
        if sum(self.lengths.values()) < self.rows or self.zeros or not self.lengths:
            return ""
        longest = max(self.lengths)
        if spreadsheet and longest > KEPT_BY_EXCEL:
            many = sum(rows for size, rows in self.lengths.items() if size > KEPT_BY_EXCEL)
            return (
                f"{counted(many, 'id')} of {column} {'is a number' if many == 1 else 'are numbers'} of more than "
                f"{KEPT_BY_EXCEL} digits, of which a workbook keeps as many; export them as text"
            )
        shorter = self.rows - self.lengths[longest]
        sparse = longest >= SHORTEST and 10 ** (longest - 1) > SPARSE * self.rows
        if sparse and 0 < shorter <= (1 - USUAL) * self.rows:
            return (
                f"{counted(shorter, 'id')} of {column} {'has' if shorter == 1 else 'have'} fewer than the {longest} "
                "digits of the others: zeros before them may be lost; export ids as text"
            )
        return ""
