"""A point of a calibration lived by the bank: key figures at the end, and over its first months where a target asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sim.experiments.beliefs import Worlds
from sim.scenario.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

YEAR = 12


class CalibrationPoints(Worlds):
    """Lives points as worlds are lived; a figure over the first six months has a name as ``nps@6``."""

    @property
    def months(self) -> dict[int, list[str]]:
        """Key figures that targets ask for, by the month to which they are counted."""
        told: dict[str, list[str]] = self.plan.design["all"].get("months", {})
        return {int(month): list(kpis) for month, kpis in told.items()}

    @property
    def kpis(self) -> list[str]:
        """Key figures of every task, in the order of their columns."""
        return [*super().kpis, *(f"{kpi}@{month}" for month, kpis in self.months.items() for kpi in kpis)]

    def _figures(self, joined: Mapping[str, pd.DataFrame], s: Scenario, arms: list[str]) -> pd.DataFrame:
        import pandas as pd

        found = [super()._figures(joined, s, arms)]
        for month, kpis in self.months.items():
            whole = joined["transitions"]
            first = {
                "monthly": joined["monthly"][joined["monthly"]["month"] <= month],
                "bank": joined["bank"][joined["bank"]["month"] <= month],
                "transitions": whole[whole["year"] * YEAR <= month],
            }
            told = super()._figures({name: table.reset_index(drop=True) for name, table in first.items()}, s, arms)
            told = told[told["kpi"].isin(kpis)]
            found.append(told.assign(kpi=told["kpi"] + f"@{month}"))
        return pd.concat(found, ignore_index=True)
