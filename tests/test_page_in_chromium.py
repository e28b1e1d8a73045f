"""The page in a real Chromium: what somebody does there, and that it comes to what `run.py` comes to."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import LACKING, Served, Watched, at_month, chromium, click, done, figures, levers, month_of, npm, served

from sim.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(LACKING), reason=LACKING)]
SCENARIO = """
name: tiny
population: {customers: 2000}
burn_in: 2
months: 24
seeds: [3]
arms:
  nothing: []
  thinking: [{use: digital_thinking}, {use: stratification, intensity: 0.5}]
"""
LONG = "600"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "tiny.yaml").write_text(SCENARIO, "utf-8")
    stored = folder / "results" / "stored" / "earlier"
    stored.mkdir(parents=True)
    told = {"name": "stored", "run_id": "earlier", "status": "done", "created": "2026-01-01T00:00:00Z"}
    (stored / "manifest.json").write_text(json.dumps(told))
    (stored / "report.html").write_text("<!DOCTYPE html><h1>Stored</h1>")
    with served(folder, "tiny.yaml") as one:
        yield one
    assert "Traceback" not in one.said, one.said


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with chromium() as one:
        yield one
    assert one.outside == []
    assert one.wrong == []


@pytest.fixture
def tab(server: Served, watched: Watched) -> Iterator[Any]:
    page = watched.tab(server.address)
    yield page
    page.context.close()


def set_months(page: Any, months: str) -> None:
    field = page.get_by_label("Months", exact=True)
    field.fill(months)
    field.press("Enter")
    page.wait_for_function(f"() => document.querySelector('.status .said').innerText.includes('of {months}')")


def command_of(page: Any) -> str:
    """Save the setting; the file that the page names for the terminal."""
    page.get_by_role("tab", name="Scenario file").click()
    click(page, "Save")
    page.wait_for_selector(".command:has-text('python run.py')")
    found = re.search(r"python run\.py (\S+)", page.inner_text(".command:has-text('python run.py')"))
    assert found
    return found[1]


def digest_of_run(file: Path, out: Path) -> str:
    assert main([str(file), "--out", str(out), "--quiet"]) == 0
    return str(json.loads((out / "manifest.json").read_text("utf-8"))["result_digest"])


@pytest.mark.long
def test_a_lever_is_moved_and_the_run_agrees_with_the_terminal(server: Served, tab: Any, tmp_path: Path) -> None:
    click(tab, "Run")
    before = done(tab)
    shown = figures(tab)
    assert before == digest_of_run(server.folder / "tiny.yaml", tmp_path / "own")
    slider = levers(tab, "use-stratification")
    slider.focus()
    for _ in range(6):
        slider.press("ArrowRight")
    tab.wait_for_function("text => !document.querySelector('.status .digest').innerText.includes(text)", arg=before)
    after = done(tab)
    assert month_of(tab) == 24
    assert after != before
    assert figures(tab) != shown
    file = server.folder / command_of(tab)
    assert "intensity: 0.8" in file.read_text("utf-8")
    assert after == digest_of_run(file, tmp_path / "saved")
    assert after in tab.inner_text(".panels")


def test_it_steps_pauses_and_begins_again(tab: Any) -> None:
    set_months(tab, LONG)
    click(tab, "Step")
    at_month(tab, 1)
    assert month_of(tab) == 1
    click(tab, "Run")
    at_month(tab, 3)
    click(tab, "Pause")
    tab.wait_for_selector(".said:has-text('paused')")
    held = month_of(tab)
    tab.wait_for_timeout(600)
    assert month_of(tab) == held
    click(tab, "Reset")
    tab.wait_for_selector(".said:has-text('Month 0 of')")


def test_a_long_run_is_cancelled(tab: Any) -> None:
    set_months(tab, LONG)
    click(tab, "Run")
    at_month(tab, 2)
    click(tab, "Cancel")
    tab.wait_for_selector(".said:has-text('Cancelled')")
    held = month_of(tab)
    assert 2 <= held < int(LONG)
    tab.wait_for_timeout(600)
    assert month_of(tab) == held
    click(tab, "Run")
    at_month(tab, 1)


def test_a_page_that_is_loaded_anew_during_a_run_finds_it_again(tab: Any) -> None:
    set_months(tab, LONG)
    click(tab, "Run")
    at_month(tab, 5)
    tab.reload()
    at_month(tab, 6)
    assert "running" in tab.inner_text(".status .said")
    assert tab.get_by_label("Months", exact=True).input_value() == LONG


@pytest.mark.long
def test_two_tabs_have_settings_of_their_own(server: Served, watched: Watched, tmp_path: Path) -> None:
    context = watched.context()
    one, other = (watched.tab(server.address, context=context) for _ in range(2))
    slider = levers(one, "use-digital_thinking")
    slider.focus()
    slider.press("Home")
    one.wait_for_selector(".lever:has([data-lever='use-digital_thinking']) .value:has-text('0 of')")
    for page in (one, other):
        click(page, "Run")
    digests = [done(one), done(other)]
    assert digests[1] == digest_of_run(server.folder / "tiny.yaml", tmp_path / "own")
    assert digests[0] == digest_of_run(server.folder / command_of(one), tmp_path / "one")
    assert digests[0] != digests[1]
    assert "0.5 of" in other.inner_text(".lever:has([data-lever='use-stratification'])")
    context.close()


@pytest.mark.long
def test_a_setting_is_run_beside_the_page_and_its_report_opened(tab: Any, watched: Watched) -> None:
    tab.get_by_role("tab", name="Scenario file").click()
    click(tab, "Save, run and report")
    tab.wait_for_selector("text=its report stands among the stored runs")
    tab.get_by_role("tab", name="Stored runs").click()
    with tab.context.expect_page() as opening:
        tab.get_by_role("link", name=re.compile("^tiny, .*done")).first.click()
    report = opening.value
    report.on("console", lambda said: watched.wrong.append(said.text) if said.type == "error" else None)
    report.reload()
    assert re.search(r"/report/[0-9a-f]{24}$", report.url)
    assert report.locator("h1").count() == 1
    assert report.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


@pytest.mark.long
def test_a_sweep_is_started_watched_and_stopped(server: Served, tab: Any) -> None:
    tab.get_by_role("tab", name="Stored runs").click()
    click(tab, "Start the sweep")
    tab.wait_for_selector("text=/[1-9][0-9]* of [0-9]+ tasks/")
    tab.locator(".q-tab-panel:visible").get_by_role("button", name="Cancel").click()
    tab.wait_for_selector("text=what was finished is kept")
    (manifest,) = (server.folder / "results").glob("*/*-page/manifest.json")
    assert json.loads(manifest.read_text("utf-8"))["kind"] == "sweep"


def test_another_scenario_is_opened_and_a_wrong_one_is_refused_with_its_line(tab: Any) -> None:
    tab.get_by_role("tab", name="Scenario file").click()
    field = tab.locator("input[type=file]")
    wrong = SCENARIO.replace("burn_in: 2", "burn_inn: 2")
    field.set_input_files({"name": "wrong.yaml", "mimeType": "text/yaml", "buffer": wrong.encode()})
    tab.wait_for_selector(".mistake:has-text('did you mean burn_in')")
    assert "wrong.yaml:4:1" in tab.inner_text(".mistake.pre")
    field.set_input_files({"name": "large.yaml", "mimeType": "text/yaml", "buffer": b"#" * 300_000})
    tab.wait_for_selector(".mistake:has-text('larger than 200 kB')")
    other = SCENARIO.replace("tiny", "another").replace("months: 24", "months: 7")
    field.set_input_files({"name": "another.yaml", "mimeType": "text/yaml", "buffer": other.encode()})
    tab.wait_for_selector(".head .scenario:has-text('another')")
    tab.wait_for_selector(".said:has-text('of 7')")


def test_all_can_be_done_with_the_keyboard(tab: Any) -> None:
    seen = []
    for _ in range(80):
        tab.keyboard.press("Tab")
        seen.append(
            tab.evaluate(
                "() => { const e = document.activeElement; const labels = e.labels ? [...e.labels] : [];"
                " return e.getAttribute('aria-label') || labels.map(l => l.innerText).join(' ') ||"
                " e.closest('label')?.innerText || e.innerText || e.tagName }"
            ).split("\n")[0]
        )
    for name in ("Run", "Step", "Reset", "Reference", "Arm", "Months", "Seed", "Stratification (of 1)", "The bank"):
        assert name in seen, (name, seen)
    tab.get_by_role("button", name="Step", exact=True).focus()
    tab.keyboard.press("Enter")
    at_month(tab, 1)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_nothing_is_wider_than_the_page(
    server: Served, watched: Watched, language: str, width: int, height: int
) -> None:
    page = watched.tab(server.address + ("zh" if language == "zh" else ""), width=width, height=height)
    assert page.get_attribute("html", "lang") == {"en": "en-US", "zh": "zh-CN"}[language]
    click(page, "Run" if language == "en" else "运行")
    done(page)
    for place in page.get_by_role("tab").all():
        place.click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cut = page.evaluate(
            """() => [...document.querySelectorAll('.main *, .side *')].filter(e => e.checkVisibility() &&
              !e.closest('.q-table__middle, .digest, canvas, .q-field__native') && e.children.length == 0 &&
              e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow != 'visible').map(e => e.outerHTML)"""
        )
        assert cut == []
    page.context.close()


def test_on_a_telephone_the_levers_are_behind_a_button(server: Served, watched: Watched) -> None:
    page = watched.tab(server.address, width=390, height=780)
    click(page, "Levers")
    page.wait_for_function("document.querySelector('.side').getBoundingClientRect().left >= 0")
    levers(page, "use-stratification").press("Home")
    page.wait_for_selector(".lever:has([data-lever='use-stratification']) .value:has-text('0 of')")
    click(page, "Run")
    click(page, "Close the levers")
    page.wait_for_function("document.querySelector('.side').getBoundingClientRect().right <= 0")
    done(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()


AXE = "4.10.3"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core from npm's registry, as text."""
    tool = npm()
    if tool is None:
        pytest.skip("no npm on this machine, which brings axe-core")
    folder = tmp_path_factory.mktemp("axe")
    command = [tool, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), f"axe-core@{AXE}"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    except (subprocess.SubprocessError, OSError):
        pytest.skip("npm could not bring axe-core")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


@pytest.mark.long
@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_no_serious_fault(server: Served, watched: Watched, axe: str, language: str) -> None:
    page = watched.tab(server.address + ("zh" if language == "zh" else ""))
    click(page, "Run" if language == "en" else "运行")
    done(page)
    page.locator(".side .q-expansion-item").first.click()
    page.evaluate(axe)
    found = []
    for place in page.get_by_role("tab").all():
        place.click()
        page.wait_for_timeout(500)
        told = page.evaluate("async () => await axe.run(document)")
        assert told["passes"]
        found += [
            (place.inner_text(), one["id"], one["impact"], node["html"][:300], node["failureSummary"])
            for one in told["violations"]
            for node in one["nodes"]
            if one["impact"] in ("serious", "critical")
        ]
    assert found == [], "\n".join(map(str, found))
    page.context.close()
