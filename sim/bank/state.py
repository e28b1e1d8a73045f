"""The state of a bank at the end of a month: all that it needs to live on bit for bit, nothing that its scenario says.

Who lives names what it carries in a tuple `CARRIED`; everything else it has is built anew from scenario, arm and seed,
and draws have no state at all (`kernel.numerics`). So a bank that is put back is made by `BankModel.__init__` like any
other, and then takes its customers, its agents and these attributes from the state. A test holds the attributes of
every such object against its tuple, so that a new one cannot be forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import astuple, dataclass
from typing import Any, Protocol

import numpy as np

from sim.agents.channel import Channel
from sim.agents.customer import NAMES, Customers
from sim.agents.team import Event, Team


class Carrier(Protocol):
    """Something that lives: `CARRIED` names the attributes by which it lives on."""

    @property
    def CARRIED(self) -> tuple[str, ...]: ...


class Bank(Carrier, Protocol):
    """What is taken and put back; `sim.bank.model.BankModel` has it."""

    month: int
    customers: Customers
    team: Team

    @property
    def channels(self) -> Sequence[Channel]: ...

    @property
    def recorder(self) -> Carrier: ...

    @property
    def observer(self) -> Carrier: ...

    def customers_of(self, columns: Mapping[str, np.ndarray], room: int) -> Customers: ...


@dataclass(frozen=True)
class State:
    """A bank at the end of `month`: columns of its rows, and `rest`, plain values and arrays by who carries them.

    Taken once and put back as often as wanted: neither shares an array with the bank. `columns` are the rows in use
    only, in their order, closed ones too, because joiners take the rows of those who left.
    """

    month: int
    columns: Mapping[str, np.ndarray]
    rest: Mapping[str, Any]
    shared: tuple[np.ndarray, ...] = ()  # arrays of `rest` that nobody changes: the bank has the same


def capture(bank: Bank) -> State:
    """The bank's state, copied."""
    columns = {name: getattr(bank.customers, name).copy() for name in NAMES}
    return State(bank.month, columns, deepcopy(carried(bank)))


def carried(bank: Bank) -> dict[str, Any]:
    """All that a bank carries besides its customers: plain values, and its own arrays by who carries them."""
    team = bank.team
    return {
        "bank": _carried(bank),
        "team": _carried(team) | {"events": [astuple(event) for event in team.events]},
        "managers": [_carried(manager) for manager in team.managers],
        "channels": [_carried(channel) for channel in bank.channels],
        "recorder": _carried(bank.recorder),
        "observer": _carried(bank.observer),
    }


def put_back(bank: Bank, state: State, room: int) -> None:
    """Give a bank that was just made the life of `state`, copied; `room` rows are ready for those who join."""
    rest = deepcopy(dict(state.rest), {id(array): array for array in state.shared})
    team = bank.team
    bank.customers = bank.customers_of(state.columns, room)
    team.events = [Event(*values) for values in rest["team"].pop("events")]
    team.managers = [team.new_post(number, values["tier"]) for number, values in enumerate(rest["managers"])]
    _give([bank, team, bank.recorder, bank.observer], [rest[who] for who in ("bank", "team", "recorder", "observer")])
    _give(team.managers, rest["managers"])
    _give(bank.channels, rest["channels"])


def _carried(carrier: Carrier) -> dict[str, Any]:
    return {name: getattr(carrier, name) for name in carrier.CARRIED}


def _give(receivers: Iterable[Carrier], gifts: Iterable[Mapping[str, Any]]) -> None:
    for carrier, values in zip(receivers, gifts, strict=True):
        for name in carrier.CARRIED:
            value = values[name]
            of_lists = isinstance(getattr(carrier, name, None), defaultdict)
            setattr(carrier, name, defaultdict(list, value) if of_lists else value)
