"""`sim.Bank`: one bank under one arm and one seed, month by month."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sim.api.scenarios import Given, number_from, prepared
from sim.bank.model import BankModel
from sim.errors import BadInput
from sim.yaml_source import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from sim.agents.team import Team


class Bank(BankModel):
    """One bank to live step by step: a `mesa.Model` whose customers are rows of a table and managers are agents.

    It stands at month 0, after the burn-in (`burn_in` False: at its founding); `step` lives a month. It lives what the
    same arm and seed live in `sim.run`; `book` is as there. Raises `BadInput` for a scenario that is wrong and an arm
    it does not have.

    >>> import sim
    >>> bank = sim.Bank("scenarios/quick.yaml", arm="nothing", seed=1, values={"population.customers": 2000})
    >>> bank.step()
    >>> bank.month
    1
    >>> list(bank.customers.frame(["tier", "aum"]).columns)
    ['tier', 'aum']
    """

    def __init__(
        self,
        scenario: Given,
        *,
        arm: str | None = None,
        seed: int = 1,
        months: int | None = None,
        values: Mapping[str, Any] | None = None,
        book: pd.DataFrame | None = None,
        threads: int = 1,
        burn_in: bool = True,
    ):
        one = prepared(scenario, seeds=[seed], months=months, values=values, book=book)
        seed, threads = one.scenario.seed_list[0], number_from(threads, "threads", 1)
        arms = {each.name: each for each in one.scenario.arm_list}
        arm = next(iter(arms)) if arm is None else arm
        if not isinstance(arm, str):
            raise BadInput.at("arm", f"{arm!r}; the name of an arm")
        if arm not in arms:
            raise BadInput.at("arm", f"unknown arm {arm!r}; {did_you_mean(arm, list(arms), all_if_none='one of')}")
        self.given = {  # of which another like it is made
            "scenario": scenario,
            "months": months,
            "values": values,
            "book": book,
            "threads": threads,
            "burn_in": burn_in,
        }
        super().__init__(one.scenario, arms[arm], seed, one.customers(), threads=threads)
        if burn_in:
            self.run(until=0)

    @property
    def managers(self) -> Team:
        """The relationship managers; `frame()` is a table of them."""
        return self.team

    def __repr__(self) -> str:
        return f"<Bank {self.scenario.name}, arm {self.arm.name}, seed {self.seed}, month {self.month}>"

    def collect(self, what: Callable[[Bank], Any], months: int | None = None) -> pd.DataFrame:
        """Live on to the scenario's end, or so many months, and keep what a function says of the bank each month.

        `what` returns a number, a mapping or a Series; the table has a row a month from now on, index month.
        """
        import pandas as pd

        last = self.scenario.months if months is None else self.month + number_from(months, "months", 0)
        if not callable(what):
            raise BadInput.at("what", f"{what!r}; a function of the bank")
        rows, index = [what(self)], [self.month]
        while self.month < last:
            self.step()
            rows.append(what(self))
            index.append(self.month)
        named = [row if isinstance(row, (Mapping, pd.Series)) else {"value": row} for row in rows]
        return pd.DataFrame(list(map(dict, named)), index=pd.Index(index, name="month"))
