"""The small bank that is kept: `python -m tests.golden` writes it anew."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sim.bank.model import BankModel
from sim.experiments.prepare import prepare

GOLDEN = Path(__file__).parent / "golden.csv"
SCENARIO = Path(__file__).parent.parent / "scenarios" / "quick.yaml"
CHANGES = [
    "population.customers=6000",
    "population.agents=3000",
    "months=18",
    "burn_in=6",
    "seeds=[7]",
    "model.mechanisms.word_of_mouth=true",
]


def golden_run() -> pd.DataFrame:
    """Monthly rows of the kept bank: every mechanism, word of mouth too, weights, a burn-in."""
    (ready,) = prepare([SCENARIO], CHANGES)
    bank = BankModel(ready.scenario, ready.scenario.arm_list[0], 7, ready.customers())
    monthly = bank.run().tables(bank.team.events)["monthly"]
    return monthly.drop(columns=["arm", "seed"])


if __name__ == "__main__":
    golden_run().to_csv(GOLDEN, index=False)
    print(f"{GOLDEN} written; say why in the changelog")
