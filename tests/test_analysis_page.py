"""What an analysis writes: tables, figures, a page of its own, a terminal's lines, an object for scripts."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import fabricate_sweep as make
import numpy as np
import pandas as pd
import pytest
from fabricate_sweep import bank_like, fabricate, grid, parameter, stored
from test_analysis import XS, ishigami, sampled

from sim.errors import BadInput
from sim.reporting.figures import units
from sim.reporting.sweep import analyse, as_json, findings_of, terminal_table
from sim.reporting.sweep.page import render
from sim.reporting.sweep.sentences import answer, fails, robust
from sim.reporting.sweep.write import tables
from sim.store.sweep_reading import read_sweep

NASTY = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Tags with their attributes, headings and text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.said = ""
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.tags.append((tag, told))
        if "id" in told:
            self.ids.append(told["id"])
        if tag in ("h1", "h2", "h3"):
            self._open = tag
            self.headings.append("")

    def handle_endtag(self, tag):
        if tag == self._open:
            self._open = ""

    def handle_data(self, data):
        self.said += data
        if self._open:
            self.headings[-1] += data


def without_figures(found) -> Page:
    """The page of findings, its figures left out: they take most of the time."""
    return Page(render(found, []))


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> tuple[Path, Page]:
    """The bank-like sweep in the program's own store, analysed."""
    folder = tmp_path_factory.mktemp("sweeps") / "bank"
    stored(bank_like(folder, failed=[(3, "calls", 2)]))
    page = analyse(folder)
    return folder, Page(page.read_text(encoding="utf-8"))


def test_an_analysis_writes_tables_figures_and_a_page(bank):
    folder, _ = bank
    tables = {file.stem for file in (folder / "analysis").glob("*.csv")}
    assert tables == {"points", "effects", "drivers", "interactions", "luck", "regret", "discovery", "failed"}
    figures = {file.stem for file in (folder / "analysis/figures").glob("*.svg")}
    assert figures == {file.stem for file in (folder / "analysis/figures").glob("*.png")}
    wanted = {
        "sweep_spread",
        "sweep_tornado",
        "sweep_regret",
        "sweep_luck",
        "sweep_surface_bundle",
        "sweep_where_bundle",
    }
    assert wanted <= figures
    drivers = pd.read_csv(folder / "analysis/drivers.csv")
    first = drivers[(drivers["arm"] == "bundle") & (drivers["kpi"] == "npv")].iloc[0]
    assert first["parameter"] == make.TRAINING
    points = pd.read_csv(folder / "analysis/points.csv")
    tasks = read_sweep(folder).tasks
    level = tasks[tasks["point"] == 17].pivot(index="seed", columns="arm", values="npv")
    assert points.loc[17, "bundle.npv"] == pytest.approx((level["bundle"] - level["nothing"]).mean())
    assert points.loc[3, "calls.npv.seeds"] == 2
    assert pd.read_csv(folder / "analysis/failed.csv")["point"].tolist() == [3]
    # nothing that another sweep into this folder would take for somebody's file
    from sim.store.files import foreign_files
    from sim.store.sweep_reading import SWEEP

    assert foreign_files(folder, SWEEP.own) == []


def test_the_page_asks_nothing_from_anywhere_and_is_well_formed(bank):
    folder, page = bank
    for tag, told in page.tags:
        for key in ("src", "href", "xlink:href"):
            assert not (told.get(key) or "").startswith(("http", "//")), tag
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", text)
    assert "http://" not in text
    assert "https://" not in text
    assert len(page.ids) == len(set(page.ids))
    links = {told["href"][1:] for tag, told in page.tags if tag == "a"}
    assert links <= set(page.ids)
    assert not [tag for tag, _ in page.tags if tag in ("iframe", "object")]
    scripts = [told for tag, told in page.tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "levers-points"}, {}]  # its points, and what turns them
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|WebSocket|sendBeacon", text)
    assert len(text) < 3_000_000


def test_headings_are_answers(bank):
    _, page = bank
    told = " | ".join(page.headings)
    for part in (
        "pays at 5",
        "What drives it for “bundle”: staff upskilling effect",
        "The robust choice: bundle with effect 0.4",
        "“bundle” fails where",
        "Where “calls” fails",
        "Luck makes",
    ):
        assert part in told
    for part in ("margin on AUM", "F12", "0.05 to 0.3", "1 task failed", "levers: full grid"):
        assert part.lower() in page.said.lower()
    assert "does it pay <b>anywhere</b>?" in page.said  # escaped, so that it is said and not done
    assert "ValueError: <b>no</b> customers" in page.said


def test_the_same_sweep_gives_the_same_bytes(tmp_path):
    made = one_parameter(tuple(range(6)))
    made.path = tmp_path
    before = analyse(made).read_bytes()
    assert analyse(made).read_bytes() == before


def test_sentences_say_who_pays_what_is_robust_and_where_it_fails():
    found = findings_of(bank_like(Path("nowhere")))
    text = answer(found, "bundle").replace(units.GAP, " ")
    assert re.match(r"“bundle” pays in 5\d % of the 800 points: cash NPV changes by CNY \+4\.\d+ m", text)
    assert "What decides is staff upskilling effect" in text
    choice = robust(found, found.regrets["npv"])
    assert "The robust choice is “bundle with effect 0.4 and coverage" in choice
    assert "over 25 worlds it never loses more than" in choice
    told = fails(found.discoveries["bundle"]).replace(units.GAP, " ")
    assert re.search(r"it fails in \d+ % of the \d+ points where .*staff upskilling effect is 0\.1", told)
    assert re.search(r"\(density \d+ %, coverage \d+ % of all failures\)", told)


def test_the_terminal_gets_one_short_table():
    found = findings_of(bank_like(Path("nowhere")))
    lines = terminal_table(found).splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split()[0] for line in lines[2:4]] == ["bundle", "calls"]
    assert "staff upskilling effect" in lines[2]
    assert "robust choice" in " ".join(lines)


def test_scripts_get_one_object_of_jsons_own_types():
    told = json.loads(json.dumps(as_json(findings_of(bank_like(Path("nowhere")))), allow_nan=False))
    assert told["kpi"] == "npv"
    assert told["tasks_done"] == told["tasks"] == 7200
    assert told["arms"]["bundle"]["drivers"][0]["parameter"] == make.TRAINING
    assert told["robust"]["arm"] == "bundle"
    assert told["robust"]["levers"][make.TRAINING] == 0.4
    assert told["arms"]["calls"]["fails"]["boxes"]


def test_an_unfinished_sweep_says_how_much_of_it_is_there(tmp_path):
    made = bank_like(tmp_path / "half", missing=range(300, 800))
    stored(made, finish=False)
    found = findings_of(tmp_path / "half")
    assert "So far 2,700 of 7,200 tasks are done" in without_figures(found).said
    assert "So far 2,700 of 7,200" in terminal_table(found)
    assert found.of("bundle").outcome.known.sum() == 300


def test_a_sweep_without_any_result_yet_still_has_a_page(tmp_path):
    made = bank_like(tmp_path / "none", missing=range(800))
    stored(made, finish=False)
    page = Page(analyse(tmp_path / "none").read_text(encoding="utf-8"))
    assert "No results yet" in page.headings
    assert "no results yet" in terminal_table(findings_of(tmp_path / "none"))


def test_a_sweep_of_one_arm_tells_levels_and_its_indices(tmp_path):
    made = sampled("saltelli", {"y": {"only": ishigami}}, samples=64, seeds=(1, 2), own=0.5)
    made.path = tmp_path
    page = Page(analyse(made).read_text(encoding="utf-8"))
    assert "Saltelli sample for Sobol' indices, 64 base samples" in page.said
    assert "Sobol' indices of y, only" in page.said
    assert (tmp_path / "analysis/figures/sweep_indices.png").exists()
    table = pd.read_csv(tmp_path / "analysis/indices.csv")
    assert set(table["index"]) == {"S1", "ST", "S2"}
    assert not (tmp_path / "analysis/discovery.csv").exists()


def test_an_incomplete_design_is_refused_on_the_page_and_the_rest_is_told(tmp_path):
    made = sampled("morris", {"y": {"only": ishigami}}, samples=10, missing=[4])
    made.path = tmp_path
    page = without_figures(findings_of(made))
    assert "No sensitivity indices yet" in page.said
    assert "1 point lacks a result (point 4)" in page.said
    assert "--resume" in page.said
    assert tables(findings_of(made))["indices"] is None


WORLDS = {
    "morris": lambda: sampled("morris", {"y": {"only": ishigami}}, samples=10),
    "one point": lambda: one_parameter((1.0,)),
    "two points": lambda: one_parameter((1.0, 2.0)),
    "few points, one seed": lambda: one_parameter(tuple(range(6))),
    "random": lambda: sampled(
        "random", {"npv": {"nothing": lambda v: 0 * v[XS[0]], "tools": ishigami}}, samples=70, seeds=(1, 2), own=0.1
    ),
    "an arm that changes nothing": lambda: sampled(
        "random", {"npv": {"nothing": ishigami, "same": ishigami}}, samples=40
    ),
    "nasty names": lambda: nasty(),
    "log and choice": lambda: log_and_choice(),
}


def one_parameter(levels):
    return fabricate(
        Path("nowhere"),
        [parameter("model.a", 0, 9)],
        pd.DataFrame({"model.a": np.array(levels, float)}),
        {"npv": {"nothing": lambda v: 0 * v["model.a"], "calls": lambda v: v["model.a"] - 1.5}},
    )


def nasty():
    path = f"model.{NASTY}"
    return fabricate(
        Path("nowhere"),
        [parameter(path, 0, 9, about=NASTY, unit=NASTY), parameter("model.$x_1$", 0, 9)],
        grid({path: (0.0, 1.0), "model.$x_1$": (0.0, 1.0)}),
        {"npv": {"nothing": lambda v: 0 * v[path], "calls": lambda v: v[path] - 0.5}},
        name=NASTY,
    )


def log_and_choice():
    levels = {
        "model.rate": tuple(np.geomspace(0.001, 1, 20)),
        "model.kind": ("a", "b", "c"),
        "arms.x.y.intensity": (0, 1),
    }
    told = [
        parameter("model.rate", 0.001, 1, log=True),
        parameter("model.kind", kind="choice", values=("a", "b", "c")),
        parameter("arms.x.y.intensity", kind="switch", values=(0, 1)),
    ]
    return fabricate(
        Path("nowhere"),
        told,
        grid(levels),
        {
            "npv": {
                "nothing": lambda v: 0 * v["model.rate"],
                "x": lambda v: np.log(v["model.rate"]) + 4 * (v["model.kind"] == "b") + v["arms.x.y.intensity"],
            }
        },
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("world", WORLDS)
def test_every_kind_of_sweep_gets_a_page(world, tmp_path):
    made = WORLDS[world]()
    made.path = tmp_path
    text = analyse(made).read_text(encoding="utf-8")
    assert not re.search(r"\bnan\b|\binf\b|None", Page(text).said)
    assert NASTY not in text
    terminal_table(findings_of(made))
    json.dumps(as_json(findings_of(made)), allow_nan=False)


def test_a_threshold_raises_the_bar():
    sweep = bank_like(Path("nowhere"))
    assert findings_of(sweep, threshold=5e6).pays("bundle") < findings_of(sweep).pays("bundle")


def test_a_folder_that_is_no_sweep_is_refused(tmp_path):
    with pytest.raises(BadInput, match="not a sweep's folder"):
        analyse(tmp_path)
