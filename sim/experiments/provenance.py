"""Where results come from: which code, packages, machine and numbers, as their manifest says it."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Sequence
from datetime import datetime
from importlib import metadata
from typing import Any

from sim import house
from sim.experiments.prepared import Prepared, facts
from sim.measures.chain import joined
from sim.scenario.scenario import Arm
from sim.strategies import plugins_of

TELLING = ("analysis", "reporting", "verbs", "cli.py", "scenario/reference.py")
PACKAGES = ("numpy", "pandas", "scipy", "numba", "mesa", "matplotlib", "pydantic", "pyarrow")


def code_version(uses: Sequence[str] = (), *, without: Sequence[str] = ()) -> str:
    """Version of the program and a digest of its sources, so that results of other code are told apart.

    The plugins that the strategies named in `uses` come from are code of the run too. Files and folders of `without`
    do not count.
    """
    digest = hashlib.sha256()
    root = house.FOLDER
    for file in sorted(root.rglob("*.py")):
        name = file.relative_to(root).as_posix()
        if name.split("/")[0] not in without and name not in without:
            digest.update(name.encode())
            digest.update(file.read_bytes())
    own = "".join(f"+{plugin.module}.{plugin.digest[:12]}" for plugin in plugins_of(uses))
    return f"{house.VERSION}+{digest.hexdigest()[:12]}{own}"


def model_version(uses: Sequence[str] = ()) -> str:
    """The same of what decides a task of a sweep: not how it is told, so that a better page keeps what was lived."""
    return code_version(uses, without=TELLING)


def surroundings() -> dict[str, Any]:
    """What a manifest says of the machine and of what is installed."""
    return {
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_id(prepared: Prepared, now: datetime) -> str:
    """UTC time and the first characters of the scenario's digest."""
    return f"{now:%Y%m%dT%H%M%SZ}-{prepared.digest[:8]}"


def manifest_of(prepared: Prepared, now: datetime) -> dict[str, Any]:
    """What the manifest of a run says from its beginning."""
    from sim.scenario.reference import json_schema, known_of

    s = prepared.scenario
    defaults = type(s).model_validate({"name": s.name}).resolved()
    return {
        "name": s.name,
        "about": s.about,
        "run_id": run_id(prepared, now),
        "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "code_version": code_version(s.strategies_named),
        "scenario_digest": prepared.digest,
        "arms": [arm.name for arm in s.arm_list],
        "tiers": [tier.name for tier in s.tier_list],
        "seeds": s.seed_list,
        "months": s.months,
        "burn_in": s.burn_in,
        "discount_rate": s.discount_rate,
        "currency": s.currency,
        **({"labels": s.labels} if s.labels else {}),
        **({"language": s.language} if s.language else {}),
        **surroundings(),
        "assumptions": {**known_of(json_schema(type(s)), defaults), **_of_strategies(s.arm_list)},
        "chains": {arm.name: joined([one.chain for one in arm.strategies if one.intensity > 0]) for arm in s.arm_list},
        **facts(prepared),
        **({"notes": list(prepared.notes)} if prepared.notes else {}),
        **_own_strategies(s.strategies_named),
    }


def _of_strategies(arms: Sequence[Arm]) -> dict[str, dict[str, Any]]:
    """What is known of the settings of the strategies in use, as `strategies.NAME.KEY`."""
    from sim.assumptions import documented

    used = {strategy.use: type(strategy) for arm in arms for strategy in arm.strategies}
    return {f"strategies.{name}.{key}": facts for name, kind in used.items() for key, facts in documented(kind).items()}


def _own_strategies(uses: Sequence[str]) -> dict[str, Any]:
    """What the manifest says of strategies from outside this package: results hang on their files."""
    found = [{"module": one.module, "file": one.file, "file_digest": one.digest} for one in plugins_of(uses)]
    return {"plugins": found} if found else {}
