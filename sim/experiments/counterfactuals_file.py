"""Counterfactuals on disk: one Parquet file whose columns say what they are, and a data card beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from sim.agents.customer import SCORES, VARIABLES
from sim.experiments.counterfactuals import Counterfactuals
from sim.phrases import listed
from sim.store.columns import Column
from sim.store.files import renamed, write_atomically, write_json
from sim.store.folder import refuse_occupied

FILE, CARD, FACTS = OURS = "counterfactuals.parquet", "card.md", "card.json"
NOUN = "counterfactuals"
MEANING = {
    "active": ("", "1 = an active customer at the end, 0 = dormant or gone"),
    "aum": ("money", "assets under management at the end, 0 of who has left"),
    "profit": ("money", "margin less servicing and own episodes, added up over the months, undiscounted"),
}
RULE_WORDS = {
    "randomised": "at random, everybody as likely: a difference of means is right",
    "targeted": "by {by}, which the bank can see: the log odds rise by {strength:g} with each standard deviation of it",
    "confounded": "by {by}, which the bank cannot see: the log odds rise by {strength:g} with each standard deviation "
    "of it, so what is observed does not tell the effect",
}


def columns(found: Counterfactuals) -> list[Column]:
    """What every column of the table is: unit and meaning, in their order."""
    own = {column.name: (column.unit, column.about) for column in VARIABLES}
    own |= {name: ("SD", f"the bank's {name.replace('_', ' ')}, a noisy view of the truth") for name in SCORES}
    own |= {
        "seed": ("", "the seed that all arms share"),
        "customer": ("", "who: the key of the customer's draws"),
        "weight": ("customers", "customers that the row stands for"),
        "tier": ("", "tier at month 0, by its name"),
        "arm": ("", "the arm that the rule gave"),
        "truth.chance": ("probability", "of being given another arm than the first, by the rule"),
    }
    seen = {name: f"at month 0, before the decision: {own[name][1]}" for name in own}
    reference = found.facts["arms"][0]
    declared = []
    for name in found.table.columns:
        unit, meaning = own.get(name, ("", ""))
        if name not in ("seed", "customer", "weight", "tier", "arm") and name in seen and "." not in name:
            meaning = seen[name]
        for outcome, (its_unit, its_meaning) in MEANING.items():
            if name == f"outcome.{outcome}":
                unit, meaning = its_unit, f"as observed, under the arm that was given: {its_meaning}"
            elif name.startswith(f"truth.{outcome}["):
                unit, meaning = its_unit, f"under this arm: {its_meaning}"
            elif name.startswith(f"truth.effect.{outcome}["):
                unit, meaning = its_unit, f"true effect of this arm against {reference}: {its_meaning}"
        dtype = "text" if found.table[name].dtype == object else str(found.table[name].dtype)
        declared.append(Column(name, dtype, unit, meaning))
    return declared


def write(found: Counterfactuals, folder: Path, *, overwrite: bool = False) -> Path:
    """The table, its data card and the card's facts in a folder; returns the table's file.

    Raises `BadInput` for a folder that has something else in it.
    """
    refuse_occupied(folder, NOUN, OURS, overwrite=overwrite)
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    declared = columns(found)
    currency = found.facts["currency"]
    table = pa.Table.from_pandas(found.table, preserve_index=False)
    fields = [table.schema.field(c.name).with_metadata(c.metadata(currency)) for c in declared]
    with renamed(folder / FILE) as temporary:
        pq.write_table(table.cast(pa.schema(fields)), temporary, compression="zstd")
    digest = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    facts = found.facts | {"file": FILE, "sha256": digest}
    write_json(folder / FACTS, facts)
    write_atomically(folder / CARD, card(facts, declared).encode())
    return folder / FILE


def card(facts: dict[str, Any], declared: list[Column]) -> str:
    """The data card: how the file was made, what may be done with it, every column."""
    rule, arms, currency = facts["rule"], facts["arms"], facts["currency"]
    how = RULE_WORDS[rule["kind"]].format(**rule)
    costs = "".join(
        f"| {name} | {' | '.join(f'{cost:,.0f}' for cost in facts['unallocated'][name].values())} |\n" for name in arms
    )
    rows = "".join(f"| `{c.name}` | {c.dtype} | {c.unit_in(currency)} | {c.meaning} |\n" for c in declared)
    return f"""# Data card: counterfactuals of {facts["name"]}

{facts["about"]}

**What it is.** {facts["customers"]:,} simulated customers of month 0 (of {facts["of"]:,} simulated), each lived for
{facts["months"]} months under {listed(arms)}, with the same luck under all of them. No bank can observe this: the
columns that begin with `truth.` are for scoring a method, not for fitting one.

**How it was made.** Scenario `{facts["name"]}`, digest `{facts["scenario_digest"]}`, seed {facts["seed"]}, code
`{facts["code_version"]}`. The same three give the same table. SHA-256 of the file: `{facts["sha256"]}`.

**Who was given which arm.** {rule["share"]:.0%} were given another arm than {arms[0]}, {how}.

**What an effect means.** The outcome under an arm is that of a world in which the whole bank is under it: managers'
time and word of mouth are those of that world. A row stands for `weight` customers. Means over all rows, weighted, give
the paired difference of a plain run of the same seed for the customers of month 0. Who joins later is in no row: with
`model.mechanisms.acquisition: false` nobody does, and rows less the cost below are the profit of a plain run.

**What no row holds.** Cost of the bank over all months, {currency}:

| arm | campaigns | managers | strategies |
|---|---|---|---|
{costs}
## Columns

| column | type | unit | meaning |
|---|---|---|---|
{rows}"""
