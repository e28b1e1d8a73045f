"""The model by the ODD protocol, written off the code: ``python -m sim.documents.odd > docs/odd.md``.

Prose that no code holds stands in `odd_template.md`; a name in it that nothing fills, and a part that it does not
ask for, are errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from string import Template

from sim import codes
from sim.agents.customer import SCORES, VARIABLES
from sim.agents.manager import MANAGER_UNITS
from sim.assumptions import Settings, documented
from sim.behaviour.settings import Mechanisms
from sim.documents import reading
from sim.documents.patterns import patterns
from sim.documents.standing import STANDINGS, standing_of
from sim.environment import SHOCKS
from sim.environment.base import World
from sim.levers import Levers
from sim.measures.chain import LINKS
from sim.phrases import counted, listed
from sim.population.presets import PRESETS
from sim.population.strata import DEFAULT_CUSTOMERS
from sim.scenario.reference import json_schema, known_of
from sim.scenario.scenario import Scenario
from sim.strategies import known
from sim.strategies.base import Strategy
from sim.strategies.upheaval import TOUCHES

MODEL, MONTH = "bank/model.py", "kernel/month.py"
MECHANISMS = ("contacts.py", "service.py", "money.py", "leaving.py", "counting.py")
PARTS_OF_A_BANK = ("agents/team.py", "agents/manager.py", "agents/channel.py", "ledger.py", "bank/pilots.py")
PEOPLE = ("laws.py", "people.py", "strata.py", "synthetic.py")
REFERENCE = "scenario-reference.md"


def page() -> str:
    """docs/odd.md."""
    text = reading.text_of("documents/odd_template.md")
    asked = set(Template(text).get_identifiers())
    if asked != set(PARTS):
        raise ValueError(f"odd_template.md and PARTS differ in {', '.join(sorted(asked ^ set(PARTS)))}")
    return re.sub(r"\n{3,}", "\n\n", Template(text).substitute({name: part() for name, part in PARTS.items()}))


# --- parts -----------------------------------------------------------------------------------------------------------


def _columns(observed: bool) -> str:
    rows = (one for one in VARIABLES if one.observed == observed)
    return table(("variable", "unit", "what it is"), ((f"`{c.name}`", c.unit, c.about) for c in rows))


def _managers() -> str:
    said, words = reading.remarks("agents/manager.py"), reading.definitions()
    what = {name: said.get(name) or words[f"RelationshipManager.{name}"].words for name in MANAGER_UNITS}
    return table(("variable", "what it is"), ((f"`{name}`", text) for name, text in what.items()))


def _world() -> str:
    said = reading.remarks("environment/base.py")
    return table(
        ("variable", "what it is"), ((f"`{one.name}`", said[one.name]) for one in fields(World) if not one.init)
    )


def _schedule() -> str:
    """The lines of `BankModel.step`, each with the words of what it calls."""
    words, parts = reading.definitions(), reading.parts_of(MODEL, "BankModel")
    lines: list[str] = []
    for call in reading.calls(MODEL, "BankModel.step"):
        _, *path = call.split(".")
        owner = "BankModel" if len(path) == 1 else parts[path[0]]
        if path[-1].startswith("_"):
            continue  # bookkeeping of the program
        said = words.get(f"{owner}.{path[-1]}") or words[f"World.{path[-1]}"]
        lines.append(f"{len(lines) + 1}. `{'.'.join(path)}`: {said.words}")
    return "\n".join(lines)


def _rules() -> str:
    words = reading.definitions("kernel")
    return "\n".join(
        f"{number}. `{name}` ([{room_of(words[name].file)}](#{anchor(words[name].file)})): {words[name].words}"
        for number, name in enumerate(reading.calls(MONTH, "step_block"), 1)
    )


def _purposes() -> str:
    said = reading.remarks("codes.py")
    rows = ((name, value) for name, value in vars(codes).items() if name.startswith("DRAW_"))
    return table(
        ("purpose", "number", "what it decides"),
        ((f"`{name}`", str(n), "; ".join(filter(None, (said.get(name), _lanes_of(n))))) for name, n in rows),
    )


def _lanes_of(purpose: int) -> str:
    lanes = ", ".join(one.replace("_", " ") for one in codes.LANES.get(purpose, ()))
    return f"four uniforms of a customer's month: {lanes}" if lanes else ""


def _presets() -> str:
    rows = (
        (
            f"`{name}`",
            tier.name,
            f"{tier.start:,.0f}",
            f"{preset.shares[tier.name]:.2%}".replace("%", " %"),
            repr(preset.laws[tier.name]),
        )
        for name, preset in PRESETS.items()
        for tier in preset.tiers
    )
    about = "\n".join(f"- `{name}`: {preset.about}" for name, preset in PRESETS.items())
    return f"{about}\n\n{table(('preset', 'tier', 'AUM from, CNY', 'customers', 'law of AUM in it'), rows)}"


def _people() -> str:
    return "\n".join(f"- `population/{name}`: {reading.module_words(f'population/{name}')[0]}" for name in PEOPLE)


def _shocks() -> str:
    return "\n".join(
        f"- **`{kind}`**. {reading.first_paragraph(shock.__doc__)} {numbers_of(shock, f'environment-with-kind-{kind}')}"
        for kind, shock in SHOCKS.items()
    )


def _kernel() -> str:
    """Each file of the kernel: what it is, and its equations and rules in the order of the file."""
    words, parts = reading.definitions("kernel"), []
    for room, about in reading.rooms("kernel").items():
        file = f"kernel/{room}"
        told = [(name, said) for name, said in words.items() if said.file == file and not name.startswith("_")]
        told.sort(key=lambda one: one[1].line)
        head = f'<a id="{anchor(file)}"></a>\n\n**`{room_of(file)}`**. {about}'
        rows = table(("equation or rule", "what it does"), ((f"`{name}`", said.words) for name, said in told))
        parts.append(f"{head}\n\n{rows}" if room in MECHANISMS else head)
    return "\n\n".join(parts)


def _bank_rooms() -> str:
    return "\n".join(f"- `{file}`: {' '.join(reading.module_words(file))}" for file in PARTS_OF_A_BANK)


def _strategies() -> str:
    return "\n\n".join(_strategy(name, kind) for name, kind in known().items())


def _strategy(name: str, kind: type[Strategy]) -> str:
    file = f"{kind.__module__.removeprefix('sim.').replace('.', '/')}.py"
    _, *paragraphs = reading.module_text(file).split("\n\n")
    why = " ".join(" ".join(paragraphs).split())
    touched = [TOUCHES[touch].split(";")[0].split(":")[0] for touch in kind.touches]
    leans = [f"`{other}` ({setting.replace('_', ' ')})" for other, setting in kind.leans_on()]
    chain = " → ".join(LINKS[link].label for link in kind.chain)
    lines = [
        f"**`{name}`**. {reading.first_paragraph(kind.__doc__)} {why}",
        f"- How it is meant to work: {chain}." if chain else "",
        f"- Touches: {'; '.join(touched)}." if touched else "",
        f"- Leans on {listed(leans)}." if leans else "",
        f"- {numbers_of(kind, f'armsname-with-use-{name}')}",
    ]
    return "\n".join([lines[0], "", *filter(None, lines[1:])])


def _parameters() -> str:
    rows = []
    for path, told in _sections().items():
        counts = dict.fromkeys(STANDINGS, 0)
        for facts in told:
            counts[standing_of(str(facts["source"]))] += 1
        rows.append((path, str(len(told)), *(str(count or "") for count in counts.values())))
    return table(("section", "numbers", *STANDINGS), rows)


def _parameters_count() -> str:
    total = sum(map(len, _sections().values()))
    return f"The model has {total} declared numbers (a table by tier or channel counts as one)."


def _sections() -> dict[str, list[Mapping[str, object]]]:
    """What is known of the numbers of each section, by the section's name with its link."""
    found: dict[str, list[Mapping[str, object]]] = {}
    for path, facts in known_of(json_schema(Scenario), Scenario.model_validate({"name": "odd"}).resolved()).items():
        if "source" not in facts:
            continue
        first, *rest = path.split(".")
        section = f"{first}.{rest[0]}" if first == "model" and len(rest) > 1 else first if rest else ""
        shown = f"[`{section}`]({REFERENCE}#{section.replace('.', '')})" if section else "of no section"
        found.setdefault(shown, []).append(facts)
    for title, kinds in (("strategies", known().values()), ("shocks", SHOCKS.values())):
        told = [(key, facts) for kind in kinds for key, facts in documented(kind).items() if "source" in facts]
        found[title] = [facts for _, facts in told]
    return found


def _switches() -> str:
    return table(
        ("switch", "default", "what it holds"),
        ((f"`{key}`", str(facts["default"]).lower(), facts["about"]) for key, facts in documented(Mechanisms).items()),
    )


def _patterns_count() -> str:
    told = patterns()
    return (
        f"There are {len(told)}; {sum(1 for one in told if one.verdict == 'holds')} hold in the last full measurement."
    )


def _patterns() -> str:
    rows = ((one.name, one.claim, one.verdict) for one in patterns())
    return table(("fact", "pattern", "last verdict"), rows)


def default_of(name: str) -> str:
    """A default of a scenario."""
    field = Scenario.model_fields[name]
    return str(field.default)


PARTS: Mapping[str, Callable[[], str]] = {
    "patterns_count": _patterns_count,
    "patterns": _patterns,
    "customers_count": lambda: str(len(VARIABLES)),
    "observed": lambda: _columns(True),
    "hidden": lambda: _columns(False),
    "scores": lambda: "`, `".join(SCORES),
    "manager_words": lambda: reading.definitions()["RelationshipManager"].words,
    "managers": _managers,
    "channel_words": lambda: reading.definitions()["Channel"].words,
    "channels_count": lambda: str(len(codes.CHANNELS)),
    "channels": lambda: listed(list(codes.CHANNELS)),
    "tiers": lambda: listed([tier.name for tier in PRESETS["bank_b"].tiers]),
    "levers_count": lambda: str(sum(1 for one in fields(Levers) if one.metadata)),
    "world": _world,
    "burn_in": lambda: default_of("burn_in"),
    "months": lambda: default_of("months"),
    "currency": lambda: default_of("currency"),
    "customers_default": lambda: f"{DEFAULT_CUSTOMERS:,}",
    "schedule": _schedule,
    "month_rule": lambda: "step_block",
    "rules": _rules,
    "sleep": lambda: ", ".join(f"`{rule}`" for rule in reading.calls(MONTH, "sleep_block")),
    "purposes": _purposes,
    "presets": _presets,
    "people": _people,
    "shocks": _shocks,
    "kernel": _kernel,
    "bank_rooms": _bank_rooms,
    "strategies": _strategies,
    "standings": lambda: "\n".join(f"- *{name}*: {what}." for name, what in STANDINGS.items()),
    "parameters": _parameters,
    "parameters_count": _parameters_count,
    "switches": _switches,
}


# --- words -----------------------------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def room_of(file: str) -> str:
    """A file of the kernel as its room is called."""
    return file.removesuffix(".py").replace("/", ".")


def anchor(file: str) -> str:
    """Where a room of the kernel is told."""
    return f"odd-{room_of(file).replace('.', '-')}"


def numbers_of(kind: type[Settings], place: str) -> str:
    """How many numbers it has of its own, with the way to them."""
    shared = documented(Strategy) if issubclass(kind, Strategy) else {}
    own = [key for key, facts in documented(kind).items() if "source" in facts and key not in shared]
    return f"[{counted(len(own), 'number')} of its own]({REFERENCE}#{place})."


if __name__ == "__main__":
    print(page(), end="")
