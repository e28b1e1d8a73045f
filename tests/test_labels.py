"""Labels of arms, tiers and channels in any script: readers see them, files and results do not change."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pandas as pd
import pytest
import yaml
from rich.cells import cell_len
from test_letters import font_with, machine  # noqa: F401

from sim import cli
from sim.phrases import labelled, quoted, spoken
from sim.reporting.figures import units
from sim.scenario.scenario import Scenario

QUICK = Path(__file__).parent.parent / "scenarios" / "quick.yaml"
ARMS = {"nothing": "什么都不做", "training": "员工培训"}
TIERS = {"mass": "大众客户", "affluent": "富裕客户", "wealth": "财富客户", "private": "私人银行"}
TRAINED = [{"use": "staff_upskilling"}]
BOUNDS = {"mass": 0, "affluent": 50_000, "wealth": 500_000, "private": 6_000_000}


def told(*, labels: bool) -> dict:
    """A small scenario, with labels or without."""

    def of(text: str, **more: object) -> dict:
        return {**({"label": text, "about": f"关于{text}"} if labels else {}), **more}

    return {
        "extends": str(QUICK),
        "name": "labels",
        "about": "哪个策略划算",
        "months": 13,
        "burn_in": 0,
        "seeds": [1, 2],
        "population": {"customers": 2000, "agents": None},
        "tiers": [of(TIERS[name], name=name, **{"from": start}) for name, start in BOUNDS.items()],
        "channels": {"branch": of("网点")},
        "arms": {
            "nothing": of(ARMS["nothing"], strategies=[]) if labels else [],
            "training": of(ARMS["training"], budget=1000, strategies=TRAINED),
        },
    }


def lived(folder: Path, *, labels: bool) -> Path:
    file = folder / f"{labels}.yaml"
    file.write_text(yaml.safe_dump(told(labels=labels), allow_unicode=True), encoding="utf-8")
    assert cli.main(["run", str(file), "--out", str(folder / f"run-{labels}")]) == 0
    return folder / f"run-{labels}"


@pytest.mark.long
def test_labels_are_read_and_change_no_result(machine, tmp_path, capfd):  # noqa: F811
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with_labels = lived(tmp_path, labels=True)
    out, err = capfd.readouterr()
    plain = lived(tmp_path, labels=False)
    manifests = [json.loads((one / "manifest.json").read_text("utf-8")) for one in (with_labels, plain)]
    for key in ("result_digest", "scenario_digest", "arms", "tiers"):
        assert manifests[0][key] == manifests[1][key], key
    for name in ("summary.csv", "comparison.csv", "precision.csv"):
        assert (with_labels / name).read_bytes() == (plain / name).read_bytes()
    assert set(pd.read_parquet(with_labels / "monthly.parquet")["tier"]) == set(TIERS)
    assert manifests[0]["labels"]["arms"]["training"] == {"label": "员工培训", "about": "关于员工培训"}
    assert "labels" not in manifests[1]

    table = out[: out.index("in brackets")].splitlines()
    assert table[3].startswith(ARMS["nothing"])
    assert "training" not in out.replace(str(with_labels), "")
    ends = [cell_len(line[: line.index("%")]) for line in out.splitlines() if line.strip().startswith("% ")]
    assert ends
    rows = [line for line in table if line.startswith(tuple(ARMS.values()))]
    assert len({cell_len(row[: row.index(".")]) for row in rows}) == 1  # columns stand below one another

    lines = [line for line in err.splitlines() if line.startswith("figures:")]
    assert len(lines) == 1
    assert "no font of this machine has" in lines[0]
    page = (with_labels / "report.html").read_text("utf-8")
    assert "nothing is 什么都不做; training is 员工培训" in page
    assert "branch is 网点" in page
    assert "“training”" not in page.split("<svg")[0]
    for text in (*ARMS.values(), *TIERS.values(), "网点", "关于网点"):
        assert text in page
    again = (with_labels / "scenario.yaml").read_text("utf-8")
    assert "员工培训" in again
    assert cli.main(["validate", str(with_labels / "scenario.yaml")]) == 0


@pytest.mark.long
def test_with_a_font_figures_have_the_labels(machine, tmp_path, capfd):  # noqa: F811
    machine(font_with("".join(sorted({*"".join((*ARMS.values(), *TIERS.values())), *"网点"})), tmp_path / "own.ttf"))
    folder = lived(tmp_path, labels=True)
    assert "figures:" not in capfd.readouterr().err
    page = (folder / "report.html").read_text("utf-8")
    assert "No font had" not in page
    labels = [part.split('"')[0] for part in page.split('aria-label="')[1:]]
    assert any("“员工培训”" in label for label in labels)


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"arms": {"a": {"label": "x", "strategies": []}, "b": {"label": "x", "strategies": []}}}, "arms.a.label", "b"),
        ({"arms": {"a": {"label": "b c", "strategies": []}, "b_c": []}}, "arms.a.label", "called, too"),
        ({"arms": {"a": {"label": " ", "strategies": []}}}, "arms.a.label", "not empty"),
        ({"arms": {"a": {"label": "x\ny", "strategies": []}}}, "arms.a.label", "one line"),
        ({"arms": {"a": {"label": "长" * 61, "strategies": []}}}, "arms.a.label", "at most 60"),
        ({"channels": {"app": {"label": "branch"}}}, "channels.app.label", "branch is called"),
    ],
)
def test_a_label_that_cannot_be_is_told(tmp_path, capfd, change, where, what):
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump({"extends": str(QUICK), **change}, allow_unicode=True), encoding="utf-8")
    assert cli.main(["validate", str(file)]) == 2
    said = capfd.readouterr().err
    assert where in said
    assert what in said
    assert "Traceback" not in said


def test_a_strategy_of_an_arms_name_keeps_its_own():
    with labelled({("arm", "training"): "培训", ("tier", "mass"): "大众"}):
        assert spoken("training") == "培训"
        assert spoken("training", "") == "training"
        assert spoken("mass") == "mass"
        assert spoken("mass", "tier") == "大众"
        assert quoted("training") == "“培训”"
    assert spoken("staff_training") == "staff training"


def test_names_are_cut_by_the_room_they_take():
    short = units.shortened(["以用户为中心的数字化思维", "以用户为中心的服务", "plain"], 12)
    assert all(cell_len(name) <= 12 for name in short)
    assert len(set(short)) == 3
    assert all(cell_len(line) <= 20 for line in units.wrapped("差异 以用户为中心的数字化思维 and more words", 20))


def test_a_label_leaves_a_scenario_what_it_was():
    plain = Scenario.model_validate({"name": "x", "arms": {"a": [], "b": {"strategies": TRAINED, "budget": 9.0}}})
    arms = {"a": {"label": "甲", "strategies": []}, "b": {"label": "乙", "strategies": TRAINED, "budget": 9.0}}
    named = Scenario.model_validate({"name": "x", "arms": arms, "channels": {"app": {"about": "应用"}}})
    assert named.digest() == plain.digest()
    assert named.resolved() == plain.resolved()
    assert Scenario.model_validate(named.stored()).labels == named.labels
    assert named.labels == {
        "arms": {"a": {"label": "甲"}, "b": {"label": "乙"}},
        "channels": {"app": {"about": "应用"}},
    }
