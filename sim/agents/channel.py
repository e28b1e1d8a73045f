"""A channel between bank and customer, as an agent: it carries what it can of what is asked of it."""

from __future__ import annotations

import mesa
import numpy as np

from sim.agents.channel_settings import ChannelSettings
from sim.codes import CHANNELS

NO_CAPACITY = 1e-9  # customers; less carries nobody, and a share of it says nothing


class Channel(mesa.Agent):
    """One channel in one bank: carries planned contacts up to its capacity of the month."""

    CARRIED = ("load",)

    def __init__(self, model: mesa.Model, number: int, settings: ChannelSettings):
        super().__init__(model)
        self.number = number
        self.name = CHANNELS[number]
        self.settings = settings
        self.load = 0.0

    def carries(self, asked: float, customers: float, factor: float = 1.0) -> bool:
        """Whether contacts with so many customers all fit this month; sets `load`, the share of capacity asked for.

        `customers` is the size of the bank, `factor` what is left of the channel (a closed branch).
        """
        capacity = self._capacity(customers, factor)
        self.load = asked / capacity if capacity > NO_CAPACITY else 0.0
        return asked <= capacity

    def grant(self, weights: np.ndarray, customers: float, factor: float = 1.0) -> np.ndarray:
        """Which of the contacts asked for, in order of priority, fit this month: a mask.

        `weights` are customers each contact stands for, else as `carries`.
        """
        return np.cumsum(weights) <= self._capacity(customers, factor)

    def _capacity(self, customers: float, factor: float) -> float:
        return self.settings.capacity * customers / 1000.0 * factor
