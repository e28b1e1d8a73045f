"""Claims about numbers that once stood in the code: each is a setting that acts, and is refused where it cannot."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from banks import bank, live, scenario, tables

from sim.bank.model import BankModel
from sim.cli import main
from sim.scenario.scenario import Scenario

BASE: dict[str, Any] = {
    "population": {"agents": 3000},
    "model": {
        "mechanisms": {"word_of_mouth": True},
        "leaving": {"word_of_mouth": 2.0, "promotion": -2.0, "failure_half_life": 24.0},
        "scores": {"lead": 0.9},
        "contacts": {"benefit": 0.5},
    },
    "managers": {
        "coverage": {"mass": 0.02},
        "span": {"mass": 50.0, "affluent": 60.0, "wealth": 30.0, "private": 10.0},
        "hours_per_month": 4.0,
    },
    "channels": {
        "app": {"failure": 0.2, "ideal_per_quarter": 0.2, "campaign": {"mass": 0.5}},
        "messaging": {"ideal_per_quarter": 1.0, "conversion": 0.5},
        "phone": {"ideal_per_quarter": 1.0, "conversion": 0.5},
    },
    "arms": {
        "nothing": [],
        "all": [
            {"use": "stratification", "from": 0, "lag": 0.0, "handoff_days": 4.0, "handoff": 10.0, "retention": 0.5},
            {"use": "digital_thinking", "from": 0, "lag": 0.0},
            {"use": "personalised_service", "from": 0, "lag": 0.0},
        ],
    },
}
ACTS = {
    "model.traits.age_mean.mass": 50.0,
    "model.traits.age_sd.mass": 9.0,
    "model.traits.age_least": 30.0,
    "model.traits.age_most": 60.0,
    "model.traits.age_mean_all": 46.0,
    "model.traits.age_sd_all": 18.0,
    "model.traits.income_aum": 0.7,
    "model.traits.need_income": 0.6,
    "model.wealth.score_smoothing": 0.4,
    "model.wealth.score_cut": 0.5,
    "model.products.most": 6,
    "model.service.still_open": 0.9,
    "model.feelings.pressure_from": 0.2,
    "model.contacts.campaign_months": 2,
    "model.contacts.pressure_most": 1.0,
    "model.retention.class_shares.sleeping_dog": 0.3,
    "model.retention.class_risk": 0.3,
    "model.retention.win_back_by.mass": "phone",
    "model.scores.redrawn_months": 1,
    "model.adoption.age_from": 50.0,
    "model.adoption.peers_from": 0.3,
    "model.adoption.standing": 1.0,
    "model.adoption.reference": 0.9,
    "model.leaving.products_most": 2.0,
    "model.leaving.gap_months": 2,
    "model.leaving.tier_change_months": 2,
    "model.leaving.age_from": 40.0,
    "model.leaving.age_below": 1.0,
    "model.leaving.age_above": 1.0,
    "model.leaving.remembered": 0.0,
    "model.loyalty.habit_months": 240,
    "model.loyalty.spread": 0.8,
    "model.loyalty.promote_from": 0.8,
    "model.loyalty.detract_below": -1.0,
    "managers.fallback": "phone",
    "managers.span_slack": 1.0,
    "managers.neutral_utilisation": 0.3,
    "managers.learning_head_start": 300.0,
    "managers.learning_doublings": 0.5,
    "managers.first_service": 24.0,
    "managers.first_service_most": 24,
    "managers.first_contacts": 20.0,
    "managers.junior_months": 0,
    "managers.senior_months": 24,
    "managers.bond_kept": 1.0,
    "channels.phone.preference": 0.6,
    "channels.app.preference_slope": -2.0,
    "channels.phone.remote_calls": False,
    "channels.messaging.in_app": True,
    "channels.phone.in_branch": True,
    "channels.phone.conversation": False,
    "arms.all.0.lead_priority": -5.0,
    "arms.all.0.near_priority": -5.0,
    "arms.all.0.handoff_within": 60.0,
    "arms.all.0.uncapped": 1.3,
    "arms.all.1.quality_part": 1.0,
}
PANDEMIC = {"kind": "pandemic", "from": 0, "remote": 1.0}


def changed(path: str, value: Any) -> Scenario:
    """The scenario of all strategies with one setting changed; a longer way than `--set`, for lists too."""
    data = base().resolved()
    data["environment"] = [PANDEMIC]
    *keys, last = path.split(".")
    inside: Any = data
    for key in keys:
        inside = inside[int(key) if key.isdigit() else key]
    assert inside[last] != value, "a change"
    inside[last] = value
    return Scenario.model_validate(data)


def base() -> Scenario:
    return scenario(60_000, months=7, burn_in=3, **{**BASE, "environment": [PANDEMIC]})


def lived(s: Scenario) -> dict[str, pd.DataFrame]:
    one = bank(s)
    return tables(live(BankModel(s, s.arm_list[1], 1, one.source)))


@pytest.fixture(scope="module")
def plain() -> dict[str, pd.DataFrame]:
    return lived(base())


@pytest.mark.long
@pytest.mark.parametrize("path", ACTS)
def test_it_acts(path: str, plain: dict[str, pd.DataFrame]) -> None:
    moved = lived(changed(path, ACTS[path]))
    same = all(moved[name].equals(plain[name]) for name in ("monthly", "bank", "managers"))
    assert not same, f"{path} changes nothing"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("managers: {junior_months: 80}", "managers.junior_months: 80 is above senior_months (60); at most that"),
        ("managers: {fallback: fax}", 'managers.fallback: "fax" is not allowed; branch, phone, video'),
        ("model: {traits: {age_least: 90}}", "model.traits.age_least: 90 is not below age_most (85)"),
        ("model: {traits: {age_mean: {mass: 500}}}", "age_mean.mass: 500 is not allowed; a number from 0 to 120"),
        ("model: {traits: {age_mean: {gold: 50}}}", "model.traits.age_mean.gold: unknown tier"),
        ("model: {retention: {class_shares: {persuadible: 0.1}}}", "class_shares.persuadible: unknown uplift class"),
        ("model: {retention: {class_shares: {persuadable: 0.9}}}", "class_shares: add up to 1.1; below 1"),
        ("model: {retention: {hazard_ratio: {sure_things: 1.1}}}", "hazard_ratio.sure_things: unknown uplift class"),
        ("model: {retention: {win_back_by: {mass: fax}}}", 'win_back_by.mass: "fax" is not allowed; branch, phone'),
        ("model: {loyalty: {detract_below: 1}}", "loyalty.detract_below: 1 is above promote_from (0.55)"),
        ("model: {contacts: {campaign_months: 0}}", "campaign_months: 0 is not allowed; a whole number from 1 to 600"),
        ("model: {products: {most: 0}}", "model.products.most: 0 is not allowed; a whole number from 1 to 100"),
        (
            "channels: {branch: {preference: 0}, phone: {preference: 0}, video: {preference: 0}, "
            "messaging: {preference: 0}, app: {preference: 0}}",
            "channels.branch.preference: no channel is liked by anybody",
        ),
    ],
)
def test_what_has_no_meaning_is_refused(section: str, told: str, tmp_path, capsys) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(f"name: wrong\n{section}\n", "utf-8")
    assert main(["validate", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert told in lines[0]
