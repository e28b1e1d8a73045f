"""`sim.solara_page`: a bank on the page that Mesa's users know, `SolaraViz`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.api.bank import Bank
from sim.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

SHOWN = {"customers": "customers", "aum": "AUM", "profit": "profit of the month"}
MOST_SEED = 999


def solara_page(bank: Bank) -> Any:
    """A bank on Mesa's page, to step, play and begin again with another arm or seed; tiers are drawn month by month.

    Returns a component of Solara: `page = sim.solara_page(bank)` in a file is shown by `solara run file.py`, in a
    notebook as it stands. It goes on from where the bank is. Raises `BadInput` where Solara is not installed
    (`pip install 'rapport-sim[solara]'`). Solara fetches parts of its pages from the network; `run.py serve` does not.
    """
    if not isinstance(bank, Bank):
        raise BadInput.at("bank", f"{type(bank).__name__}; a sim.Bank")
    try:
        import solara
        from mesa.visualization import SolaraViz
        from mesa.visualization.utils import update_counter
    except ImportError as error:
        what = "needs Solara, which is not installed; pip install 'rapport-sim[solara]'"
        raise BadInput.at("solara_page", what) from error

    @solara.component
    def drawn(model: Bank) -> None:
        update_counter.get()  # drawn anew with every step
        solara.FigureMatplotlib(figure(model), format="png", bbox_inches="tight")

    arms = [arm.name for arm in bank.scenario.arm_list]
    asked = {
        "arm": {"type": "Select", "value": bank.arm.name, "values": arms, "label": "Arm"},
        "seed": {"type": "SliderInt", "value": bank.seed, "min": 0, "max": max(MOST_SEED, bank.seed), "label": "Seed"},
    }
    named = f"{bank.scenario.name}, month by month"
    return SolaraViz(bank, components=[(drawn, 0)], model_params={**bank.given, **asked}, name=named)


def months_of(bank: Bank) -> pd.DataFrame:
    """What a bank has recorded so far: month, tier, and a column for each of `SHOWN`; nothing in its burn-in."""
    import pandas as pd

    if not bank.recorder.bank:
        return pd.DataFrame(columns=["month", "tier", *SHOWN], dtype=float)
    return bank.recorder.tables([])["monthly"][["month", "tier", *SHOWN]]


def figure(bank: Bank) -> Any:
    """A figure of matplotlib with a small chart of each of `SHOWN`, a line a tier, money in the model's currency."""
    from matplotlib.figure import Figure

    table = months_of(bank)
    drawing = Figure(figsize=(9.0, 2.6), layout="constrained")
    for axes, (name, label) in zip(drawing.subplots(1, len(SHOWN)), SHOWN.items(), strict=True):
        for tier, rows in table.groupby("tier", sort=False):
            axes.plot(rows["month"], rows[name], marker="." if len(rows) < 2 else None, label=str(tier))
        axes.set_title(label, loc="left")
        axes.set_xlabel("month")
        axes.set_ylim(bottom=min([0.0, *table[name]]))
    if len(table):
        axes.legend(frameon=False)
    return drawing
