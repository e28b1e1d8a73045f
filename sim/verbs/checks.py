"""Verbs that only look: at scenario files, and at what there is to write in them."""

from __future__ import annotations

import argparse
import json

from sim.errors import one_line
from sim.phrases import counted
from sim.verbs.common import book_lines, checked


def validate(arguments: argparse.Namespace) -> int:
    """Check files and say what they ask for, and what was read otherwise than it stands."""
    from sim.experiments.inherited import generation_words
    from sim.scenario.scenario import SeedsUntil

    for file, one in zip(arguments.files, checked(arguments), strict=True):
        path, s = one_line(str(file)), one.scenario
        customers = one.book.rows if one.book is not None else s.population.customers or 1_000_000
        seeds = f"{'up to ' * isinstance(s.seeds, SeedsUntil)}{counted(len(s.seed_list), 'seed')}"
        print(
            f"{path}: {s.name} is in order: {counted(len(s.arms), 'arm')} x {seeds} x {counted(s.months, 'month')} "
            f"after {s.burn_in}, {customers:,} customers, digest {one.digest[:8]}"
        )
        for line in book_lines(str(path), one.book):
            print(line)
        for note in one.notes:
            print(f"{path}: note: {note}")
        for replaced in one.origin.replaced if one.origin is not None else ():
            print(f"{one_line(replaced.by)}: extends: {replaced}")
        if s.beliefs is not None:
            beliefs = counted(len(one.believed.beliefs), "assumption")
            print(f"{path}: beliefs: {counted(s.beliefs.worlds, 'world')} more, in which {beliefs} differ")
        if s.sweep is not None:
            from sim.experiments.design.planning import described, plan_sweep

            print(f"{path}: sweep: {described(*plan_sweep(one, plugins=arguments.plugin))}")
        if (o := s.optimise) is not None:
            print(
                f"{path}: optimise: {o.candidates} candidates of arm {o.arm}, {o.seeds.count} to {o.seeds.most} "
                f"seeds each, the best {o.confirm.best} confirmed on {o.confirm.count} fresh ones"
            )
            if words := generation_words(one):
                print(f"{path}: {words}")
    return 0


def schema(arguments: argparse.Namespace) -> int:
    from sim.scenario.reference import json_schema, reference_page
    from sim.scenario.scenario import Scenario

    if arguments.markdown:
        print(reference_page(Scenario), end="")
        return 0
    print(json.dumps(json_schema(Scenario), indent=2))
    return 0


def list_all(arguments: argparse.Namespace) -> int:
    from sim.environment import SHOCKS
    from sim.measures.catalogue import KPIS
    from sim.population.presets import PRESETS
    from sim.strategies import first_line, known

    def section(title: str, rows: dict[str, str]) -> None:
        print(title)
        for name, text in (rows or {"-": "none in this version"}).items():
            print(f"  {name:<26} {text}")

    section("strategies", {name: first_line(kind) for name, kind in known().items()})
    section("presets", {name: preset.about for name, preset in PRESETS.items()})
    section("shocks", {kind: (shock.__doc__ or "").splitlines()[0] for kind, shock in SHOCKS.items()})
    section("KPIs", {name: f"{kpi.about} [{kpi.unit}]" for name, kpi in KPIS.items()})
    return 0
