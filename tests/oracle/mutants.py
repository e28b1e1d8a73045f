"""The kernel with one coefficient, sign or step changed, lived beside the oracle: `python -m oracle.mutants NAME...`.

Run without compiling (NUMBA_DISABLE_JIT=1), so that rules are plain functions that can be written anew. Prints by
name in which month, and by what, each was caught; "" is the kernel as it stands, which must not be.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import sim.kernel


class Mutant(NamedTuple):
    """A change of one function of `sim.kernel`: this text, which stands there once, becomes that."""

    module: str
    function: str
    this: str
    that: str


MUTANTS = {
    # contacts
    "uplift noise turned round": Mutant("contacts", "score_uplift", "+ noise * normal", "- noise * normal"),
    "remote calls by the offer score": Mutant(
        "contacts", "reach_out", "call * p.remote_calls[channel]", "call * w.boost[i] * p.remote_calls[channel]"
    ),
    "skill puts customers off": Mutant("contacts", "meet", "+ p.skill_effect * quality", "- p.skill_effect * quality"),
    "liked channels weigh in full": Mutant("contacts", "meet", "p.pressure[c] * easy *", "p.pressure[c] *"),
    "pressure keeps from opting out": Mutant("contacts", "meet", "exp(p.opt_out_slope", "exp(-p.opt_out_slope"),
    "bonds grow without end": Mutant("contacts", "meet", "(ONE - b.bond[i]) * step", "step"),
    "a month more to be new": Mutant("contacts", "meet", "- NEW - i32(1)", "- NEW - i32(2)"),
    # service
    "a second failure like the first": Mutant("service", "serve", "p.double_deviation if", "ONE if"),
    "recovery hurts": Mutant("service", "feel", "p.recovery_gain * w.recovered", "-p.recovery_gain * w.recovered"),
    "rivals lower what is expected": Mutant("service", "feel", "(d + w.experience[i]", "(d - w.experience[i]"),
    "privacy pleases": Mutant("service", "trusting", "(standard - watched", "(standard + watched"),
    # money
    "returns leave the mean alone": Mutant(
        "money", "move_wealth", "m + (drift + p.wealth_growth)", "m + p.wealth_growth"
    ),
    "bonds empty the wallet": Mutant("money", "earn", "+ p.wallet_bond", "- p.wallet_bond"),
    "a sale brings money twice": Mutant(
        "money", "bring_money", "+ p.money_brought)", "+ p.money_brought + p.money_brought)"
    ),
    "age favours the app": Mutant("money", "adopt", "- p.adoption_age *", "+ p.adoption_age *"),
    # leaving
    "pressure never helps": Mutant("leaving", "pressure_benefit", "z * (TWO - z)", "z * (ONE - z)"),
    "tenure a month ahead": Mutant(
        "leaving", "weigh_leaving", "last - i32(b.joined_month[i])", "last + i32(1) - i32(b.joined_month[i])"
    ),
    "nobody follows a manager": Mutant(
        "leaving", "stay_or_leave", "b.follow[i] if b.follow_months[i] > 0 else ZERO", "ZERO"
    ),
    "grace ends a month early": Mutant("leaving", "climb", "falls = f32(under) >", "falls = f32(under) >="),
    # order of the month
    "the app before feelings": Mutant(
        "month", "step_block", "feel(b, u, w, now, p)", "adopt(b, u, now, p)\n    feel(b, u, w, now, p)"
    ),
    "wallets before sales": Mutant(
        "month",
        "step_block",
        "bring_money(b, w, p)\n    earn(k, b, w, now, p)",
        "earn(k, b, w, now, p)\n    bring_money(b, w, p)",
    ),
}


@contextmanager
def changed(mutant: Mutant) -> Iterator[None]:
    """The kernel with the change, everywhere it is called."""
    home = importlib.import_module(f"sim.kernel.{mutant.module}")
    old = getattr(home, mutant.function)
    source = inspect.getsource(old)
    assert source.count(mutant.this) == 1, f"{mutant.this!r} stands {source.count(mutant.this)} times"
    scope: dict[str, Any] = {}
    exec(source.replace(mutant.this, mutant.that), home.__dict__, scope)
    callers = [
        importlib.import_module(f"sim.kernel.{name}") for _, name, _ in pkgutil.iter_modules(sim.kernel.__path__)
    ]
    importing = [module for module in callers if getattr(module, mutant.function, None) is old]
    for module in importing:
        setattr(module, mutant.function, scope[mutant.function])
    try:
        yield
    finally:
        for module in importing:
            setattr(module, mutant.function, old)


def caught(live: Callable[[], None]) -> str:
    """How the oracle differs from the kernel as it is now, "" if not at all."""
    try:
        live()
    except AssertionError as found:
        return str(found)
    return ""


def main(names: list[str]) -> None:
    import test_oracle

    assert not hasattr(importlib.import_module("sim.kernel.month").step_chunk, "signatures"), "compiled"
    for name in names:
        with changed(MUTANTS[name]) if name else nullcontext():
            found = caught(lambda: test_oracle.beside(test_oracle.everything()).live())
        print(json.dumps([name, found]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
