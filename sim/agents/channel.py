"""A channel between bank and customer, as an agent: it carries what it can of what is asked of it."""

from __future__ import annotations

import mesa

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

    def room(self, asked: float, customers: float, branch: float = 1.0) -> float:
        """How many customers the channel reaches this month, of a bank of so many; sets `load`, the share asked for.

        `asked` are those whom somebody wants to reach, `branch` what is left of the capacity of branches.
        """
        capacity = self.settings.capacity * customers / 1000.0 * (branch if self.settings.in_branch else 1.0)
        self.load = asked / capacity if capacity > NO_CAPACITY else 0.0
        return capacity
