"""What relationships are worth where a bank stands, in closed form: the bond that lasts, and what it does to leaving.

The first customers come with the money and the hazards of a bank that had named managers for a part of its customers
(`managers.coverage_before`). What the bonds of those managers hold is therefore in the numbers that a scenario states;
`own_means` takes it out of each customer's own wallet, and `hazard_ratio` says how far from those numbers hazards are
under the coverage that the scenario has. A bank with the coverage it always had lives by its numbers as they stand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim.agents.channel_settings import Channels
from sim.agents.manager_settings import Managers
from sim.behaviour.settings import Model
from sim.codes import CHANNELS
from sim.tiers import Tier, row

YEAR = 12.0  # months


def effective_contacts(managers: Managers, channels: Channels, tiers: Sequence[Tier]) -> np.ndarray:
    """Contacts of the own manager that reach a customer in a month, by tier, float64 (tiers,).

    The contact norm, as far as the hours of a full book allow it after what customers ask for themselves.
    """
    mixes = [managers.mix.get(tier.name, managers.mix.get(tier.key, {})) for tier in tiers]
    mix = np.array([[shares.get(name, 0.0) for name in CHANNELS] for shares in mixes])
    interval = np.maximum(row(managers.contact_months, tiers, np.float64), 1.0)
    hours = mix @ channels.column("hours") / interval  # of the norm, a customer-month
    free = managers.hours_per_month / row(managers.span, tiers, np.float64)
    free = np.maximum(free - row(managers.inbound_hours, tiers, np.float64), 0.0)
    kept = np.minimum(np.divide(free, hours, out=np.ones_like(free), where=hours > 0), 1.0)
    return mix @ channels.column("reach") / interval * kept


def changes_a_year(managers: Managers, *, turnover: bool) -> tuple[float, float, float]:
    """Changes of a customer's manager in a year: departures with a hand-over, without one, and books moved."""
    if not turnover:
        return 0.0, 0.0, 0.0
    leave = managers.turnover
    return leave * (1.0 - managers.unplanned), leave * managers.unplanned, managers.reorganisation


def standing_bond(model: Model, managers: Managers, channels: Channels, tiers: Sequence[Tier]) -> np.ndarray:
    """Mean bond of a customer who has long had a manager, by tier, 0 to 1, float64 (tiers,).

    Growth by effective contacts against fading and the changes of managers: g / (g + f).
    """
    contacts = model.contacts
    grows = (1.0 - math.exp(-1.0 / contacts.bond_contacts)) * effective_contacts(managers, channels, tiers)
    planned, unplanned, moved = changes_a_year(managers, turnover=model.mechanisms.manager_turnover)
    lost = (planned + unplanned + moved * (1.0 - managers.bond_kept)) / YEAR
    fades = 1.0 - 0.5 ** (1.0 / contacts.bond_half_life) + lost
    return grows / np.maximum(grows + fades, 1e-12)


def hazard_ratio(model: Model, managers: Managers, channels: Channels, tiers: Sequence[Tier]) -> np.ndarray:
    """Mean hazard under the scenario's coverage over that under the coverage before, by tier, float64 (tiers,)."""
    if not (model.mechanisms.covariates and model.mechanisms.contacts):
        return np.ones(len(tiers))
    leaving = model.leaving
    forgotten = np.where(np.arange(len(tiers)) > 0, math.exp(leaving.gap), 1.0)
    silent = np.exp(-effective_contacts(managers, channels, tiers) * leaving.gap_months)  # chance of no contact so long
    planned, unplanned, moved = changes_a_year(managers, turnover=model.mechanisms.manager_turnover)
    upset = (planned + moved) * math.expm1(managers.change_planned) + unplanned * math.expm1(managers.change_unplanned)
    bonded = np.exp(leaving.bond * standing_bond(model, managers, channels, tiers))
    managed = bonded * (1.0 + upset * managers.change_months / YEAR) * (1.0 + silent * (forgotten - 1.0))

    def mean(coverage: np.ndarray) -> np.ndarray:
        return coverage * managed + (1.0 - coverage) * forgotten

    now, before = (row(table, tiers, np.float64) for table in (managers.coverage, managers.coverage_before))
    return np.asarray(mean(now) / mean(before))
