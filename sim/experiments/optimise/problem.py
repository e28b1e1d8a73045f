"""From a scenario with an `optimise:` section to its plan and its space; everything wrong with it is found before."""

from __future__ import annotations

from collections.abc import Sequence

from sim.experiments.design.plan import Parameter, Plan
from sim.experiments.design.variants import Base
from sim.experiments.optimise.budget_split import path_of
from sim.experiments.prepared import Prepared
from sim.experiments.provenance import model_version
from sim.scenario.scenario import Scenario


def two_arms(s: Scenario) -> Scenario:
    """The scenario with the reference and the arm that is chosen, and no others to live."""
    assert s.optimise is not None
    reference = s.arm_list[0].name
    return s.model_copy(update={"arms": {name: s.arms[name] for name in (reference, s.optimise.arm)}})


def plan_optimise(prepared: Prepared, *, plugins: Sequence[str] = ()) -> tuple[Plan, tuple[Parameter, ...]]:
    """The plan that candidates are points of, and the parameters beside the shares of a budget.

    `plugins` are the modules named on the command line, which workers load too.
    """
    s, o = prepared.scenario, prepared.scenario.optimise
    assert o is not None
    varied = prepared.varied
    arm = next(one for one in s.arm_list if one.name == o.arm)
    shares = tuple(
        Parameter(
            path_of(o.arm, one.use),
            "number",
            "lever",
            low=0.0,
            high=1.0,
            base=one.intensity,
            unit="share",
            about="scales effect and cost, before the arm's budget scales all alike",
        )
        for one in arm.strategies
        if one.use in o.shares
    )
    parameters = (*shares, *varied)
    plan = Plan(
        name=s.name,
        text=Base(two_arms(s)).text,
        parameters=parameters,
        arms=(s.arm_list[0].name, o.arm),
        seeds=tuple(o.seeds.all),
        code_version=model_version([one.use for one in arm.strategies]),
        design={"all": {"design": "optimise", "samples": o.candidates, "parameters": [one.path for one in parameters]}},
        plugins=tuple(plugins),
        book_digest=prepared.book.digest if prepared.book is not None else "",
    )
    return plan, varied
