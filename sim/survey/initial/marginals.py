"""Published marginals in place of answers: sheets are drawn that have the shares of every answer and go together.

A table of shares has a row an item, its code first, and a column an answer (0, 1, 2, ...). Correlations stand beside it
in the same folder (`item_correlations.csv` or `construct_correlations.csv`), else two numbers of `Scoring` serve. The
sheets are cut from normal draws with these correlations (NORTA; Cario & Nelson 1997), so they lack what nobody
published: who answered, and anything that is not a correlation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import ndtri

from sim.codes import DRAW_INITIAL
from sim.errors import BadInput, Mistake
from sim.kernel.numerics import uniforms
from sim.store.files import why_unreadable
from sim.survey.analysis.moments import proper
from sim.survey.initial.joint import LANES, PURPOSES
from sim.survey.initial.normal import Cut, points_of
from sim.survey.initial.scores import MOST_TRUE, STEEPEST, Scoring
from sim.survey.instrument import Instrument
from sim.survey.sheets import Sheets

if TYPE_CHECKING:
    import pandas as pd

ROUNDS: Final = 4
DRAWN: Final = 10_000  # sheets drawn; what they are worth is what was published, not this
NEAR: Final = 0.02  # how far printed shares may be from 1 in sum
HUNDRED: Final = 100.0  # percent
COUNTED: Final = ("n", "count", "size")  # a column that says of how many sheets
BESIDE: Final = ("item_correlations.csv", "construct_correlations.csv")
WHOLE: Final = re.compile(r"-?\d+")


def are_marginals(file: Path) -> bool:
    """Whether a file is a table of shares: a code first, then an answer a column, none below 0."""
    if not file.name.endswith((".csv", ".csv.gz")):
        return False
    try:
        table = _table(file)
    except (OSError, ValueError, UnicodeError):
        return False
    return table is not None


def _table(file: Path) -> pd.DataFrame | None:
    """The table of shares by item code, with a column `n` where there is one; None where it is something else."""
    import pandas as pd

    table = pd.read_csv(file, dtype=str)
    if table.shape[1] < 3 or table.empty or not all(_is_code(str(word)) for word in table.iloc[:, 0]):
        return None
    table = table.set_index(table.columns[0])
    answers = [name for name in table if WHOLE.fullmatch(str(name))]
    if len(answers) < 2 or any(name not in answers and str(name).casefold() not in COUNTED for name in table):
        return None
    numbers = table.apply(pd.to_numeric, errors="coerce")
    if bool((numbers[answers].isna() | (numbers[answers] < 0)).any(axis=None)):
        return None
    if bool((numbers[answers].sum(axis=1) > HUNDRED / 2).all()):
        numbers[answers] /= HUNDRED
    return numbers


def _is_code(word: str) -> bool:
    return bool(re.fullmatch(r"[^\W\d]\w*", word))


def published(file: Path, instrument: Instrument | None, scoring: Scoring) -> tuple[Sheets, float]:
    """Sheets that have published marginals, and how many sheets those are worth.

    Without an instrument items are of one construct whose codes differ in their number alone. Raises BadInput.
    """
    import pandas as pd

    table = _table(file)
    assert table is not None
    points = sorted(int(str(name)) for name in table if WHOLE.fullmatch(str(name)))
    instrument = instrument or _instrument(file, list(map(str, table.index)), points)
    mistakes = [
        Mistake(str(file), row + 2, 1, code, "no item of the instrument; its codes are in it")
        for row, code in enumerate(map(str, table.index))
        if code not in instrument.codes
    ]
    mistakes += [
        Mistake(str(file), row + 2, 1, code, f"answers {points[0]} to {points[-1]}, its scale others; the same")
        for row, code in enumerate(map(str, table.index))
        if code in instrument.codes and not set(points) <= set(instrument.scale_of(code).points)
    ]
    totals = table[[str(one) for one in points]].sum(axis=1).to_numpy()
    mistakes += [
        Mistake(
            str(file), row + 2, 1, str(table.index[row]), f"shares add up to {total:.4g}; to 1, or to 100 as percent"
        )
        for row, total in enumerate(totals)
        if abs(total - 1.0) > NEAR
    ]
    if len(set(table.index)) < len(table):
        mistakes.append(Mistake(str(file), 0, 0, "", "an item stands twice; each once"))
    if mistakes:
        raise BadInput(mistakes)
    codes = list(map(str, table.index))
    shares = table[[str(one) for one in points]].to_numpy(np.float64) / totals[:, None]
    cuts = [Cut(np.array(points, np.float64), row) for row in shares]
    latent, how, wanted = _latent(file, codes, cuts, instrument, scoring)
    uid = np.arange(1, DRAWN + 1, dtype=np.uint64)
    luck = [uniforms(0, DRAW_INITIAL + j % PURPOSES, 1 + j // PURPOSES, uid) for j in range(-(-len(codes) // LANES))]
    alone = ndtri(np.concatenate(luck)[: len(codes)])
    drawn = _answered(latent, alone, cuts)
    for _ in range(ROUNDS if wanted is not None else 0):  # what cuts take of a correlation is not quite linear in it
        latent = _drawable(latent + wanted - np.corrcoef(drawn.T))
        drawn = _answered(latent, alone, cuts)
    answers = {code: drawn[:, j] for j, code in enumerate(codes)}
    number = next((name for name in table if str(name).casefold() in COUNTED), None)
    worth = float(table[number].min()) if number is not None else float(scoring.published)
    note = f"{file.name}: published marginals, of {worth:.0f} sheets" + ("" if number else " (assumed)")
    return Sheets(instrument, pd.DataFrame(answers), str(file), (note, how)), worth


def _answered(latent: np.ndarray, alone: np.ndarray, cuts: list[Cut]) -> np.ndarray:
    """Answers, float64 (sheets, items), of latent answers that correlate so, out of independent luck."""
    values, vectors = np.linalg.eigh(latent)
    root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
    behind = root @ alone
    return np.column_stack([one.points[points_of(row, one.shares)] for one, row in zip(cuts, behind, strict=True)])


def _instrument(file: Path, codes: list[str], points: list[int]) -> Instrument:
    constructs = list(dict.fromkeys(_stem(code) for code in codes))
    data: dict[str, Any] = {
        "name": "published",
        "about": f"Items of {file.name}.",
        "scales": {"published": {"from": points[0], "to": points[-1]}},
        "constructs": {name: {"label": name} for name in constructs},
        "items": [{"code": code, "text": code, "scale": "published", "construct": _stem(code)} for code in codes],
    }
    return Instrument.model_validate(data)


def _stem(code: str) -> str:
    return re.sub(r"_?\d+$", "", code) or code


def _latent(
    file: Path, codes: list[str], cuts: list[Cut], instrument: Instrument, scoring: Scoring
) -> tuple[np.ndarray, str, np.ndarray | None]:
    """Correlations of the latent answers, where they are from, and those of the answers where they were published."""
    of = [instrument.item(code).measures for code in codes]
    by_points = np.array([max(one.of_points, 1e-6) for one in cuts])
    items = _beside(file.with_name(BESIDE[0]), codes)
    if items is not None:
        found = items / np.outer(by_points, by_points)
        return _drawable(found), f"correlations of items from {BESIDE[0]}", items
    names = list(dict.fromkeys(name for name in of if name is not None))
    loading = np.array([scoring.within if name is not None else 0.0 for name in of])
    between = _beside(file.with_name(BESIDE[1]), names)
    if between is not None:
        how = f"correlations of constructs from {BESIDE[1]}; loadings of {scoring.within:g} assumed"
        count = np.array([of.count(name) for name in names])
        r = scoring.within**2
        reliability = count * r / (1.0 + (count - 1.0) * r)
        between = between / np.sqrt(np.outer(reliability, reliability))
    else:
        how = f"loadings of {scoring.within:g} and correlations of constructs of {scoring.between:g} assumed"
        between = np.full((len(names), len(names)), scoring.between)
    between = np.clip(between, -MOST_TRUE, MOST_TRUE)
    np.fill_diagonal(between, 1.0)
    place = np.array([names.index(name) if name is not None else 0 for name in of])
    return _drawable(np.outer(loading, loading) * between[np.ix_(place, place)]), how, None


def _beside(file: Path, names: list[str]) -> np.ndarray | None:
    """Correlations of these names in a table beside; None where there is none. Raises BadInput where it lacks one."""
    import pandas as pd

    if not file.is_file():
        return None
    try:
        table = pd.read_csv(file, index_col=0)
        table.index, table.columns = table.index.map(str), table.columns.map(str)
        found = table.loc[names, names].to_numpy(np.float64)
    except KeyError as error:
        raise BadInput.at(str(file), f"lacks {one_of(names, str(error))}; a row and a column for each") from None
    except (OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    if np.isnan(found).any() or np.abs(found).max() > 1.0 + 1e-9:
        raise BadInput.at(str(file), "holds something that is no correlation; numbers from -1 to 1")
    return found


def one_of(names: list[str], told: str) -> str:
    """The first of some names that a message tells of."""
    return next((name for name in names if f"'{name}'" in told), names[0])


def _drawable(found: np.ndarray) -> np.ndarray:
    found = np.clip((found + found.T) / 2.0, -(STEEPEST**2), STEEPEST**2)
    np.fill_diagonal(found, 1.0)
    return proper(found)[0]
