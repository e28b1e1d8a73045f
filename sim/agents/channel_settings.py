"""The `channels:` section of a scenario: what each channel carries, costs and reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from sim.assumptions import Settings, assumption
from sim.codes import APP, BRANCH, CHANNELS


class ChannelSettings(Settings):
    """Numbers of one channel (SPEC 5.1)."""

    online: bool = Field(description="online channel, else offline")
    reach: float = assumption(unit="share", low=0.05, high=0.8, hard_low=0, hard_high=1, source="assumption",
                              about="contacts that reach the customer")  # fmt: skip
    conversion: float = assumption(unit="share", low=0.001, high=0.35, hard_low=0, hard_high=1,
                                   source="F18, F49, SPEC 5.1",
                                   about="offers taken, of those that reach, at the first attempt")  # fmt: skip
    price: float = assumption(unit="CNY/contact", low=0, high=200, hard_low=0, hard_high=1e5, source="assumption; F30",
                              about="price of a contact without a manager")  # fmt: skip
    hours: float = assumption(unit="hours/contact", low=0, high=2, hard_low=0, hard_high=100, source="assumption",
                              about="manager time of a contact, preparation included")  # fmt: skip
    ideal_per_quarter: float = assumption(unit="contacts/quarter", low=1, high=12, hard_low=0.01, hard_high=1000,
                                          source="F31", about="number of contacts customers like best")  # fmt: skip
    inbound: float = assumption(unit="1/month", low=0, high=3, hard_low=0, hard_high=100, source="DECISIONS 16",
                                about="episodes a customer starts")  # fmt: skip
    inbound_price: float = assumption(unit="CNY/episode", low=0, high=50, hard_low=0, hard_high=1e4,
                                      source="assumption; F30",
                                      about="cost of an episode the customer starts")  # fmt: skip
    failure: float = assumption(unit="probability an episode", low=0.001, high=0.03, hard_low=0, below=1,
                                source="assumption", about="service failure")  # fmt: skip
    capacity: float = assumption(unit="planned contacts a month per 1,000 customers", low=1, high=1000, hard_low=0,
                                 hard_high=1e6, source="assumption", about="what the channel can carry")  # fmt: skip
    campaign: dict[str, float] = assumption(unit="chance a month", low=0, high=0.5, source="assumption",
                                            about="campaign contacts to customers without a plan, by tier")  # fmt: skip


def _default(**numbers: Any) -> Any:
    return Field(default_factory=lambda: ChannelSettings(**numbers))


def _everywhere(rate: float) -> dict[str, float]:
    return {"mass": rate, "affluent": rate, "wealth": rate, "private": 0.0}


class Channels(Settings):
    """The five channels."""

    branch: ChannelSettings = _default(
        online=False, reach=0.60, conversion=0.25, price=120, hours=1.25, ideal_per_quarter=2, inbound=0.15,
        inbound_price=20, failure=0.012, capacity=20, campaign=_everywhere(0.0),
    )  # fmt: skip
    phone: ChannelSettings = _default(
        online=False, reach=0.35, conversion=0.057, price=12, hours=0.15, ideal_per_quarter=3, inbound=0.05,
        inbound_price=8, failure=0.015, capacity=60, campaign=_everywhere(0.01),
    )  # fmt: skip
    video: ChannelSettings = _default(
        online=True, reach=0.40, conversion=0.12, price=50, hours=0.60, ideal_per_quarter=4, inbound=0.0,
        inbound_price=25, failure=0.01, capacity=10, campaign=_everywhere(0.0),
    )  # fmt: skip
    messaging: ChannelSettings = _default(
        online=True, reach=0.55, conversion=0.025, price=3, hours=0.06, ideal_per_quarter=6, inbound=0.0,
        inbound_price=2, failure=0.004, capacity=100, campaign=_everywhere(0.02),
    )  # fmt: skip
    app: ChannelSettings = _default(
        online=True, reach=0.12, conversion=0.05, price=0.05, hours=0.002, ideal_per_quarter=6, inbound=1.0,
        inbound_price=0.1, failure=0.004, capacity=5000, campaign=_everywhere(0.30),
    )  # fmt: skip
    branch_visits_saved: float = assumption(
        0.3, unit="share", low=0.0, high=0.6, hard_low=0, hard_high=1, source="assumption; F26",
        about="branch visits an app-active customer no longer makes",
    )  # fmt: skip

    def all(self) -> list[ChannelSettings]:
        """Settings in the order of `codes.CHANNELS`."""
        return [getattr(self, name) for name in CHANNELS]

    def column(self, name: str) -> np.ndarray:
        """One number of every channel, float64 (channels,)."""
        return np.array([getattr(channel, name) for channel in self.all()], np.float64)

    def inbound(self) -> tuple[np.ndarray, np.ndarray]:
        """Episodes a month by channel of app-active customers and of the others."""
        digital = self.column("inbound")
        digital[BRANCH] *= 1.0 - self.branch_visits_saved
        other = self.column("inbound")
        other[APP] = 0.0
        return digital, other

    def inbound_by_use(self) -> tuple[float, float]:
        """Episodes a month, (app-active, others)."""
        digital, other = self.inbound()
        return float(digital.sum()), float(other.sum())

    def failures_by_use(self) -> tuple[float, float]:
        """Expected failures a month, (app-active, others)."""
        digital, other = self.inbound()
        failure = self.column("failure")
        return float((digital * failure).sum()), float((other * failure).sum())
