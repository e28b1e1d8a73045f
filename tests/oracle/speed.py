"""How long customers take to live when each is a Mesa agent in plain Python."""

from __future__ import annotations

from time import perf_counter

from banks import bank, scenario

from oracle.bank import OracleBank
from oracle.beside import people
from sim.scenario.scenario import Scenario


def bank_of(customers: int, months: int) -> Scenario:
    """A bank of the default settings, one to one, without joiners, so that both implementations do the same work."""
    return scenario(customers, months=months, model={"mechanisms": {"acquisition": False}})


def seconds(customers: int, months: int, seed: int = 1) -> float:
    """Seconds in which so many Mesa agents, their managers and their ledger live so many months; founding apart."""
    s = bank_of(customers, months)
    oracle = OracleBank(s, seed, people(bank(s, seed)))
    oracle.begins_measuring()
    begun = perf_counter()
    for _ in range(months):
        oracle.step()
        oracle.closes_month()
        oracle.ledger.settles()
    return perf_counter() - begun
