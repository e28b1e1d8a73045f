"""Sliders of a sweep's page: what they say is what was computed, and between computed points a straight line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim.analysis.findings import find
from sim.reporting.page import page_of
from sim.reporting.sweep import sliders as turning
from sim.reporting.sweep.page import render
from sim.reporting.sweep.sliders import sliders
from tests import browser
from tests import fabricate_sweep as make

needs_chromium = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine")
TURN = """
const $ = name => document.getElementById(name);
for (const [number, place] of SETTING) {
  const slider = $("lever-" + number);
  slider.value = place;
  slider.dispatchEvent(new Event("input"));
}
const rows = [...$("levers-answer").tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent));
return { said: $("levers-said").textContent, rows, labels: [...document.querySelectorAll(".lever input")].map(one =>
  one.getAttribute("aria-label") || document.querySelector(`label[for="${one.id}"]`).textContent),
  spoken: [...document.querySelectorAll(".lever input[type=range]")].map(one => one.getAttribute("aria-valuetext")) };
"""


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return find(make.bank_like(tmp_path_factory.mktemp("bank"), failed=[(3, "calls", 2)]))


@pytest.fixture(scope="module")
def page(bank, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "page.html").write_text(render(bank, []), "utf-8")
    return folder / "page.html"


def turned(page, setting):
    return browser.answer(page, TURN.replace("SETTING", json.dumps(setting)), page.parent)


def value_of(text: str) -> tuple[float, float]:
    value, half = text.replace("\N{MINUS SIGN}", "-").split(" ± ")
    return float(value), float(half.removeprefix("<"))


def scattered(folder):
    """A sweep without a grid: eighty points of a Latin hypercube's kind."""
    rng = np.random.default_rng(3)
    import pandas as pd

    values = pd.DataFrame({make.TRAINING: rng.uniform(0, 1, 80), make.MARGIN: rng.uniform(0, 0.01, 80)})
    parameters = [make.parameter(make.TRAINING, 0.0, 1.0), make.parameter(make.MARGIN, 0.0, 0.01)]
    formula = {"nothing": lambda v: 0.0, "bundle": lambda v: 1e7 * v[make.TRAINING] - 4e6}
    return find(make.fabricate(folder, parameters, values, {"npv": formula}, seeds=(1, 2)))


def test_the_page_carries_every_computed_point(bank):
    told = json.loads(sliders(bank)["points"])
    assert len(told["codes"]) == len(bank.study.points) == 800
    (npv, _) = told["kpis"]
    for arm, values in zip(bank.study.compared, npv["values"], strict=True):
        stored = bank.of(arm).outcome.by_seed / 1e6
        assert np.array(values, dtype=float) == pytest.approx(stored, abs=1e-3, nan_ok=True)
    for factor, codes in zip(told["factors"], np.array(told["codes"]).T, strict=True):
        (study,) = (one for one in bank.study.factors if one.name == factor["name"])
        assert [factor["stops"][code] for code in codes] == [study.say(value) for value in study.values]


@needs_chromium
def test_at_the_start_the_sliders_say_what_the_page_says(bank, page):
    told = turned(page, [])
    for row, arm in zip(told["rows"], bank.study.compared, strict=True):
        assert value_of(row[2])[0] == pytest.approx(bank.of(arm).outcome.mean.mean() / 1e6, abs=0.051)
        paying = bank.discoveries[arm].points - bank.discoveries[arm].failures
        assert row[5] == f"{paying} of 800"
    assert set(told["spoken"]) == {"all values"}
    assert all(told["labels"])


@needs_chromium
@pytest.mark.parametrize("place", [2.0, 1.7])
def test_a_setting_is_the_mean_of_its_points_and_a_straight_line_between_them(bank, page, place):
    factors = [one["name"] for one in sliders(bank)["factors"]]
    number = factors.index("economics margin")
    told = turned(page, [(number, place)])
    margin = bank.study.points[make.MARGIN].to_numpy()
    levels = np.unique(margin)
    low, part = int(place), place % 1
    for row, arm in zip(told["rows"], bank.study.compared, strict=True):
        outcome = bank.of(arm).outcome
        means = [outcome.mean[margin == level].mean() for level in levels]
        wanted = means[low] + (part and part * (means[low + 1] - means[low]))
        seeds = [
            (1 - part) * np.nanmean(outcome.by_seed[margin == levels[low], seed])
            + (part and part * np.nanmean(outcome.by_seed[margin == levels[low + 1], seed]))
            for seed in range(3)
        ]
        value, half = value_of(row[2])
        assert value == pytest.approx(wanted / 1e6, abs=0.051)
        assert half == pytest.approx(max(4.3027 * np.std(seeds, ddof=1) / np.sqrt(3) / 1e6, 0.1), abs=0.051)
        assert row[1] == ("better, clearly" if wanted > 0 else "worse, clearly")
    assert ("interpolated linearly between 2 computed settings (320 points)" in told["said"]) == bool(part)
    assert ("mean over 160 computed points" in told["said"]) != bool(part)


@needs_chromium
def test_a_switch_stops_at_its_two_places(bank, page):
    number = [one["name"] for one in sliders(bank)["factors"]].index("retention call")
    told = turned(page, [(number, 0.4)])  # a browser rounds it to a stop
    assert "retention call off: mean over 400 computed points" in told["said"]
    calls = told["rows"][bank.study.compared.index("calls")]
    assert value_of(calls[2])[0] == pytest.approx(0.0, abs=0.1)
    assert calls[1] == "luck could turn it"


def test_without_a_grid_there_are_bands_and_nothing_between(tmp_path):
    found = scattered(tmp_path)
    told = sliders(found)
    assert [len(one["stops"]) for one in told["factors"]] == [3, 3]
    assert all(one["values"] is None for one in told["factors"])
    assert any("nothing is interpolated" in line for line in told["how"])
    codes = np.array(json.loads(told["points"])["codes"])
    assert all(np.bincount(column).min() >= 26 for column in codes.T)


def test_a_page_that_would_be_too_heavy_says_so(bank, monkeypatch):
    monkeypatch.setattr(turning, "MOST_NUMBERS", 2 * 800 * 3)
    (only,) = json.loads(sliders(bank)["points"])["kpis"]
    assert len(only["values"][0][0]) == 3
    monkeypatch.setattr(turning, "MOST_NUMBERS", 2 * 800)
    (only,) = json.loads(sliders(bank)["points"])["kpis"]
    assert len(only["values"][0][0]) == 1
    monkeypatch.setattr(turning, "MOST_NUMBERS", 100)
    assert sliders(bank)["points"] == ""
    text = page_of("sliders.html.j2", {"levers": sliders(bank)})
    assert "too many for a page" in text
    assert "<script" not in text


def test_a_name_can_end_no_script(tmp_path):
    made = make.bank_like(tmp_path)
    made.manifest["labels"] = {}
    made.tasks["arm"] = made.tasks["arm"].replace("calls", "</script><b>")
    made.manifest["arms"] = ["nothing", "bundle", "</script><b>"]
    told = sliders(find(made))["points"]
    assert "<" not in told
    assert "</script><b>" in json.loads(told)["arms"]
