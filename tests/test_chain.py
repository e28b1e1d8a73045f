"""Claims about the chain from action to money: strategies state it, and a link held only where the numbers say so."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import tiny_folders

from sim.codes import CHANNELS
from sim.measures.catalogue import HEADLINES
from sim.measures.chain import AGAINST, HELD, LINKS, ONE_SEED, SAME, UNSEEN, chain_table, joined
from sim.measures.compare import compare
from sim.reporting.run.chains import chains
from sim.store.run_reading import read
from sim.strategies import STRATEGIES, Strategy

TIERS = ["mass", "wealth"]


def made_up(moved: dict[str, float], seeds: int = 5, noise: float = 0.0) -> Any:
    """A run of two arms: in "act" what `moved` names is so much higher than under "nothing", give or take `noise`."""
    rng, rows, bank = np.random.default_rng(3), [], []
    for arm in ("nothing", "act"):
        for seed in range(seeds):
            own = {name: (arm == "act") * (size + noise * rng.normal()) for name, size in moved.items()}
            luck = np.random.default_rng(seed).normal(size=8) * 0.01
            for month in range(13):
                for tier in TIERS:
                    row = {f"contacts_{name}": 10.0 for name in CHANNELS}
                    row |= {"customers": 1_000.0, "active": 900.0, "sales": 20.0, "failures": 30.0}
                    row |= {"satisfaction": luck[0], "trust": luck[1], "digital_active": 0.5, "products": 2.0}
                    row |= {"share_of_wallet": 0.4}
                    row = {name: value + own.get(name, 0.0) for name, value in row.items()}
                    rows.append({"arm": arm, "seed": seed, "month": month, "tier": tier, **row})
                tall: dict[str, float] = {"professional_skill": luck[2] + own.get("professional_skill", 0.0)}
                for tier, managed in zip(TIERS, (0.0, 300.0), strict=True):
                    tall |= {f"managed[{tier}]": managed, f"experiences[{tier}]": 100.0, f"reached[{tier}]": 12.0}
                    tall |= {f"bond[{tier}]": 0.3 + own.get("bond", 0.0) if managed else np.nan}
                    tall |= {f"quality[{tier}]": luck[3] + own.get("quality", 0.0)}
                bank.append({"arm": arm, "seed": seed, "month": month, **tall})
    kpis = [
        {"arm": arm, "seed": seed, "kpi": kpi, "unit": "x", "better": better, "value": value + (arm == "act") * gap}
        for arm in ("nothing", "act")
        for seed in range(seeds)
        for kpi, better, value, gap in (
            ("attrition_annual", "lower", 0.1 + 0.001 * seed, moved.get("attrition_annual", 0.0)),
            ("value", "higher", 1e9 + 1e6 * seed, moved.get("value", 0.0)),
        )
    ]
    return SimpleNamespace(
        arms=["nothing", "act"],
        tiers=TIERS,
        manifest={"chains": {"act": list(LINKS)}, "currency": "CNY", "months": 12},
        monthly=pd.DataFrame(rows),
        bank=pd.DataFrame(bank),
        comparison=compare(pd.DataFrame(kpis), "nothing"),
    )


def words(run: Any) -> dict[str, str]:
    table = chain_table(run)
    return dict(zip(table["link"], table["word"], strict=True))


# --- strategies state it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_says_how_it_is_meant_to_work_and_ends_in_money(name: str) -> None:
    chain = STRATEGIES[name].chain
    assert set(chain) <= set(LINKS)
    assert len(chain) == len(set(chain)) > 2
    assert chain[-1] == "money"
    assert "exits" in chain


def test_a_link_that_nobody_measures_is_refused_when_the_class_is_written() -> None:
    with pytest.raises(TypeError, match=r"'luck' \(in chain of Wishful\) is no link; links are .*bond.*money"):

        class Wishful(Strategy):
            """A strategy with a link of its own."""

            chain: ClassVar = ("contacts", "luck", "money")


def test_a_bundle_has_the_links_of_all_its_members_in_one_order() -> None:
    assert joined([("failures", "trust", "money")]) == ["failures", "trust", "money"]
    assert joined([("trust", "money"), ("failures", "trust", "exits", "money")]) == [
        "failures",
        "trust",
        "exits",
        "money",
    ]
    assert joined([]) == []


# --- a link held only where the numbers say so -----------------------------------------------------------------------


def test_what_does_not_move_is_no_difference_and_breaks_the_chain_at_its_first_link() -> None:
    table = chain_table(made_up({}))
    assert set(table["word"]) == {SAME}
    assert table["broke"].tolist() == [True] + [False] * (len(table) - 1)
    assert table["link"].tolist() == [*list(LINKS)[:-2], "money"]  # cost_annual is not in this comparison


@pytest.mark.parametrize(
    ("column", "link", "size"),
    [
        ("professional_skill", "skill", 0.2),
        ("contacts_phone", "contacts", 3.0),
        ("failures", "failures", -2.0),
        ("quality", "quality", 0.1),
        ("bond", "bond", 0.05),
        ("satisfaction", "satisfaction", 0.1),
        ("trust", "trust", 0.1),
        ("digital_active", "adoption", 0.02),
        ("products", "products", 0.1),
        ("sales", "sales", 1.0),
        ("share_of_wallet", "wallet", 0.01),
        ("attrition_annual", "exits", -0.01),
        ("value", "money", 1e7),
    ],
)
def test_each_link_follows_its_own_measure_and_no_other(column: str, link: str, size: float) -> None:
    found = words(made_up({column: size}))
    assert found.pop(link) == HELD
    assert set(found.values()) == {SAME}
    assert words(made_up({column: -size}))[link] == AGAINST


def test_differences_are_per_customer_and_year_and_weighted_by_who_has_them() -> None:
    table = chain_table(made_up({"contacts_phone": 3.0, "bond": 0.05, "quality": 0.1})).set_index("link")
    assert table.loc["contacts", "difference"] == pytest.approx(3.0 / 1_000 * 12)
    assert table.loc["bond", "difference"] == pytest.approx(0.05 * 300 / 1_800)  # who has no manager has no bond
    assert table.loc["quality", "difference"] == pytest.approx(0.1)


def test_noise_around_nothing_is_not_seen() -> None:
    run = made_up({"satisfaction": 0.0}, seeds=6, noise=0.5)
    table = chain_table(run).set_index("link")
    assert table.loc["satisfaction", "word"] == UNSEEN
    assert table.loc["satisfaction", "ci_low"] < 0 < table.loc["satisfaction", "ci_high"]


def test_a_headline_figure_must_be_sure_and_not_only_off_zero() -> None:
    """Its own interval leaves zero out; among all that is tested it is not clear, so the link is not called held."""
    run = made_up({"value": 1e7})
    row = run.comparison["kpi"] == "value"
    run.comparison.loc[row, ["ci_low", "ci_high"]] = 4e6, 1.6e7
    assert words(run)["money"] == HELD
    others = [kpi for kpi in HEADLINES if kpi not in set(run.comparison["kpi"])]
    more = pd.DataFrame({"arm": "act", "reference": "nothing", "kpi": others, "unit": "x", "difference": 0.0})
    more = more.assign(ci_low=-1.0, ci_high=1.0, probability_better=0.5, seeds=5, variance_ratio=1.0)
    run.comparison = pd.concat([run.comparison, more], ignore_index=True)
    assert words(run)["money"] == UNSEEN


def test_one_seed_says_of_no_link_that_it_held_or_broke() -> None:
    table = chain_table(made_up({"satisfaction": 0.1}, seeds=1))
    assert set(table.loc[table["link"] == "satisfaction", "word"]) == {ONE_SEED}
    assert not table.loc[table["word"] == ONE_SEED, "broke"].any()


def test_the_chain_breaks_at_the_first_link_that_did_not_hold_and_the_sentence_names_it() -> None:
    run = made_up({"contacts_phone": 3.0, "satisfaction": 0.1, "value": -1e7, "professional_skill": 0.2})
    run.manifest["chains"]["act"] = ["contacts", "bond", "satisfaction", "money"]
    table = chain_table(run)
    assert table["word"].tolist() == [HELD, SAME, HELD, AGAINST]
    assert table["broke"].tolist() == [False, True, False, False]
    (one,) = chains(run, run.comparison)
    assert one.sentence == (
        "“act”: contacts made held; the chain broke at bond with a manager, which did not move (behind it satisfaction "
        "held all the same)."
    )
    assert [node.mark for node in one.nodes] == ["\N{CHECK MARK}", "?", "\N{CHECK MARK}", "\N{MULTIPLICATION SIGN}"]
    run.manifest["chains"]["act"] = ["skill", "contacts", "satisfaction"]
    (one,) = chains(run, run.comparison)
    assert one.sentence == "“act”: every link held."


# --- older runs, other editions --------------------------------------------------------------------------------------


def test_what_a_run_did_not_measure_or_does_not_know_is_left_out() -> None:
    run = made_up({"satisfaction": 0.1})
    run.bank = run.bank.drop(columns=[name for name in run.bank if "[" in name])
    run.manifest["chains"] = {"act": ["bond", "quality", "reached", "satisfaction", "charisma", "money"]}
    assert words(run) == {"satisfaction": HELD, "money": SAME}
    run.manifest.pop("chains")
    assert chain_table(run).empty
    assert chains(run, run.comparison) == []


@pytest.mark.long
def test_a_stored_run_tells_its_chain(tmp_path) -> None:
    run = read(tiny_folders.made(tmp_path, "run"))
    assert run.manifest["chains"] == {"nothing": [], "digital": list(STRATEGIES["digital_thinking"].chain)}
    table = chain_table(run)
    assert table["link"].tolist() == run.manifest["chains"]["digital"]
    assert 'id="chain"' in (run.path / "report.html").read_text("utf-8")
    alone = replace(run, manifest={**run.manifest, "arms": ["nothing"]})
    assert chain_table(alone).empty
