"""Make the example customer book: ``python -m sim.population.example_book scenarios/data/example_book.csv.gz``.

2,000 invented customers of a mid-size bank, the same bytes each time. It is no part of the model: it shows what a
book looks like and lets a scenario that reads one run on a fresh machine.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import expit, ndtr, ndtri, pdtrik

from sim.population.laws import LogNormal, Pareto

SEED: Final = 20260101
CUSTOMERS: Final = (1_848, 114, 34, 4)  # by tier of SPEC 1.1: 92.4, 5.7, 1.7 and 0.2 %
LAWS: Final[tuple[LogNormal | Pareto, ...]] = (
    LogNormal(7.933, 2.2),
    Pareto(0.736),
    Pareto(1.684),
    Pareto(1.987),
)  # of AUM within a tier (SPEC 1.1)
BOUNDS: Final = (0.0, 50e3, 500e3, 6e6, 6e7)  # CNY
AGES: Final = ((41.0, 14.0), (46.0, 12.0), (51.0, 11.0), (53.0, 10.0))  # mean and sd by tier (SPEC 1.2)
EXTRA_PRODUCTS: Final = (0.6, 2.0, 3.5, 5.0)  # mean number beyond the first by tier (SPEC 1.2)
MONTHS_MEAN, MONTHS_MOST = 60.0, 240.0
AGE_UNKNOWN: Final = 0.02  # share of empty ages, to show `missing: impute`
HEADER: Final = ("customer_id", "age", "months_on_book", "average_balance", "products", "app_user")


def example_rows() -> list[tuple[str, str, str, str, str, str]]:
    """The rows, as text. Only uniforms are drawn (whose stream NumPy keeps stable); quantiles do the rest."""
    total = sum(CUSTOMERS)
    u = np.random.default_rng(SEED).random((7, total))
    tier = np.repeat(np.arange(len(CUSTOMERS)), CUSTOMERS)
    balance = np.empty(total)
    for k, law in enumerate(LAWS):
        balance[tier == k] = law.quantile(u[0, tier == k], BOUNDS[k], BOUNDS[k + 1])
    mean, sd = np.array(AGES).T[:, tier]
    low, high = ndtr((18 - mean) / sd), ndtr((85 - mean) / sd)
    age = np.floor(mean + sd * ndtri(low + u[1] * (high - low)))
    months = np.floor(np.minimum(-MONTHS_MEAN * np.log1p(-u[2]), MONTHS_MOST))
    months = np.minimum(months, (age - 17) * 12)  # nobody joined as a child here
    products = 1 + np.maximum(np.ceil(pdtrik(u[3], np.array(EXTRA_PRODUCTS)[tier])), 0)
    app = np.where(u[4] < expit(0.4 - 0.05 * (age - 40)), "Y", "N")
    number = (np.arange(total) * 7_919 + 12_345) % 10_000_000  # distinct: 7,919 has no factor in common with 10 million
    return [
        (
            f"{number[i]:07d}",
            "" if u[5, i] < AGE_UNKNOWN else f"{age[i]:.0f}",
            f"{months[i]:.0f}",
            f"{max(np.floor(balance[i] * 100) / 100, 0.01):.2f}",
            f"{products[i]:.0f}",
            str(app[i]),
        )
        for i in np.argsort(u[6], kind="stable")
    ]


def write_example_book(path: Path) -> None:
    """Write the book as gzipped CSV, with no time and no name in the gzip header so that its bytes stay the same."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([HEADER, *example_rows()])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m sim.population.example_book PATH.csv.gz")
    write_example_book(Path(sys.argv[1]))
