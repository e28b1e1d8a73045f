"""The `channels:` section of a scenario: what each channel carries, costs and reaches."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from sim.assumptions import Doubts, Settings, assumption
from sim.codes import CHANNELS
from sim.slips import slip
from sim.tiers import Labelled


class ChannelSettings(Labelled):
    """Numbers of one channel (SPEC 5.1)."""

    # preference: weights over one another, so that all of them together move nothing
    doubts: ClassVar = Doubts(
        decided=("capacity", "campaign"), settled=("preference",), together={("price", "inbound_price"): 0.6}
    )

    online: bool = Field(description="online channel, else offline")
    in_branch: bool = Field(
        False, description="customers come to the branch: closed doors close it, app users need it less"
    )
    in_app: bool = Field(False, description="it stands in the app: only who has adopted that is reached there")
    conversation: bool = Field(False, description="a conversation that can stand in for a meeting in the branch")
    remote_calls: bool = Field(False, description="remote managers call there")
    preference: float = assumption(0.0, "weight", plausible=(0, 1), allowed=(0, 1000), source="assumption")
    """customers who like it best, in proportion, at a digital affinity of one half"""
    preference_slope: float = assumption(0.0, "log/affinity", plausible=(-3, 3), allowed=(-50, 50), source="assumption")
    """log of that weight by digital affinity"""
    reach: float = assumption(unit="share", plausible=(0.05, 0.8), allowed=(0, 1), source="assumption")
    """contacts that reach the customer"""
    conversion: float = assumption(
        unit="share",
        plausible=(0.001, 0.35),
        allowed=(0, 1),
        source="SPEC 5.1, assumption; phone F18, order of size of branch F49",
    )
    """offers taken, of those that reach, at the first attempt"""
    price: float = assumption(unit="CNY/contact", plausible=(0, 200), allowed=(0, 1e5), source="assumption; F30")
    """price of a contact without a manager"""
    hours: float = assumption(unit="hours/contact", plausible=(0, 2), allowed=(0, 100), source="assumption")
    """manager time of a contact, preparation included"""
    ideal_per_quarter: float = assumption(
        unit="contacts/quarter",
        plausible=(1, 12),
        allowed=(0.01, 1000),
        source="assumption; phone F31",
    )
    """number of contacts customers like best"""
    inbound: float = assumption(unit="1/month", plausible=(0, 3), allowed=(0, 100), source="DECISIONS 16")
    """episodes a customer starts"""
    inbound_price: float = assumption(unit="CNY/episode", plausible=(0, 50), allowed=(0, 1e4), source="assumption; F30")
    """cost of an episode the customer starts"""
    failure: float = assumption(
        unit="probability an episode", plausible=(0.001, 0.03), allowed=(0, None), below=1, source="assumption"
    )
    """service failure"""
    capacity: float = assumption(
        unit="planned contacts a month per 1,000 customers", plausible=(1, 1000), allowed=(0, 1e6), source="assumption"
    )
    """what the channel can carry"""
    campaign: dict[str, float] = assumption(unit="chance a month", plausible=(0, 0.5), source="assumption")
    """campaign contacts to customers without a plan, by tier"""


def _default(**numbers: Any) -> Any:
    return Field(default_factory=lambda: ChannelSettings(**numbers))


def _everywhere(rate: float) -> dict[str, float]:
    return {"mass": rate, "affluent": rate, "wealth": rate, "private": 0.0}


class Channels(Settings):
    """The channels; one field each, in the order of `codes.CHANNELS`."""

    branch: ChannelSettings = _default(
        online=False,
        in_branch=True,
        preference=0.35,
        preference_slope=-2.0,
        reach=0.60,
        conversion=0.25,
        price=120,
        hours=1.25,
        ideal_per_quarter=2,
        inbound=0.15,
        inbound_price=20,
        failure=0.012,
        capacity=20,
        campaign=_everywhere(0.0),
    )
    phone: ChannelSettings = _default(
        online=False,
        conversation=True,
        remote_calls=True,
        preference=0.15,
        reach=0.35,
        conversion=0.057,
        price=12,
        hours=0.15,
        ideal_per_quarter=3,
        inbound=0.05,
        inbound_price=8,
        failure=0.015,
        capacity=60,
        campaign=_everywhere(0.01),
    )
    video: ChannelSettings = _default(
        online=True,
        conversation=True,
        preference=0.03,
        preference_slope=1.0,
        reach=0.40,
        conversion=0.12,
        price=50,
        hours=0.60,
        ideal_per_quarter=4,
        inbound=0.0,
        inbound_price=25,
        failure=0.01,
        capacity=10,
        campaign=_everywhere(0.0),
    )
    messaging: ChannelSettings = _default(
        online=True,
        preference=0.22,
        preference_slope=0.5,
        reach=0.55,
        conversion=0.025,
        price=3,
        hours=0.06,
        ideal_per_quarter=6,
        inbound=0.0,
        inbound_price=2,
        failure=0.004,
        capacity=100,
        campaign=_everywhere(0.02),
    )
    app: ChannelSettings = _default(
        online=True,
        in_app=True,
        preference=0.25,
        preference_slope=2.0,
        reach=0.12,
        conversion=0.05,
        price=0.05,
        hours=0.002,
        ideal_per_quarter=6,
        inbound=1.0,
        inbound_price=0.1,
        failure=0.004,
        capacity=5000,
        campaign=_everywhere(0.30),
    )
    branch_visits_saved: float = assumption(
        0.0, "share", plausible=(0.0, 0.3), allowed=(-2, 1), source="assumption; F26 more, F29 fewer"
    )
    """branch visits an app-active customer no longer makes; F26 found more of them, not fewer"""

    @model_validator(mode="after")
    def _somebody_is_liked(self) -> Channels:
        if not any(channel.preference > 0 for channel in self.all()):
            raise slip((CHANNELS[0], "preference"), "no channel is liked by anybody; above 0 for one of them")
        return self

    def all(self) -> list[ChannelSettings]:
        """Settings in the order of `codes.CHANNELS`."""
        return [getattr(self, name) for name in CHANNELS]

    def column(self, name: str) -> np.ndarray:
        """One number of every channel, or 1 for true and 0 for false, float64 (channels,)."""
        return np.array([getattr(channel, name) for channel in self.all()], np.float64)

    def inbound(self) -> tuple[np.ndarray, np.ndarray]:
        """Episodes a month by channel of app-active customers and of the others, float64 (channels,) each."""
        digital, other = self.column("inbound"), self.column("inbound")
        digital[self.column("in_branch") > 0] *= 1.0 - self.branch_visits_saved
        other[self.column("in_app") > 0] = 0.0
        return digital, other

    def episodes(
        self, use: np.ndarray | float = 1.0, failing: np.ndarray | float = 1.0
    ) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Episodes and failures expected in a month, each of (app users, app users with people, others).

        `use` and `failing` are ratios by channel on the episodes and on the chance that one fails.
        """
        digital, other = (episodes * use for episodes in self.inbound())
        people = digital * (self.column("in_app") == 0)
        failure = self.column("failure") * failing
        kinds = (digital, people, other)
        return (
            tuple(float(kind.sum()) for kind in kinds),
            tuple(float((kind * failure).sum()) for kind in kinds),
        )  # type: ignore[return-value]
