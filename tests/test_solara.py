"""`sim.solara_page`: a bank on Mesa's own page, stepped and begun again there."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import sim
from sim.api.viewer import figure, months_of

SMALL = {"population.customers": 2000, "burn_in": 1}


@pytest.fixture
def bank() -> sim.Bank:
    return sim.Bank("scenarios/baseline.yaml", arm="nothing", seed=1, months=2, values=SMALL)


class Drawn:
    """The page of a bank, drawn in this process without a browser."""

    def __init__(self, bank: sim.Bank):
        reason = "Solara is not installed: rapport-sim[solara]"
        self.solara = pytest.importorskip("solara", reason=reason)
        self.widgets = pytest.importorskip("ipyvuetify", reason=reason)
        self.images = pytest.importorskip("ipywidgets", reason=reason).Image

        @self.solara.component
        def page() -> None:
            with self.solara.AppLayout():
                sim.solara_page(bank)

        self.box, self.found = self.solara.render(page(), handle_error=False)

    def click(self, name: str) -> None:
        (button,) = [one for one in self.all("Btn") if name in one.children]
        button.click()

    def all(self, kind: str) -> list[Any]:
        return list(self.found.find(getattr(self.widgets, kind)).widgets)

    def picture(self) -> bytes:
        (image,) = self.found.find(self.images).widgets
        return bytes(image.value)


@pytest.mark.filterwarnings("ignore")
def test_a_bank_is_stepped_and_begun_again_with_another_arm_on_mesas_page(bank: sim.Bank) -> None:
    page = Drawn(bank)
    before = page.picture()
    page.click("Step")
    assert bank.month == 1
    assert page.picture() != before
    (arms,) = page.all("Select")
    assert arms.items == [arm.name for arm in bank.scenario.arm_list]
    stepped = page.picture()
    arms.v_model = "digital_thinking"
    page.click("Reset")
    assert page.picture() != stepped
    page.click("Step")
    assert bank.month == 1  # it is another bank that goes on


def test_what_is_given_makes_the_same_bank_again(bank: sim.Bank) -> None:
    again = sim.Bank(**bank.given, arm=bank.arm.name, seed=bank.seed)
    bank.step()
    again.step()
    one, other = (each.customers.frame(["tier", "aum"]) for each in (bank, again))
    assert one.equals(other)


def test_before_month_0_nothing_is_drawn_yet() -> None:
    founded = sim.Bank("scenarios/baseline.yaml", months=2, values=SMALL, burn_in=False)
    assert len(months_of(founded)) == 0
    assert [axes.lines[:] for axes in figure(founded).axes] == [[], [], []]


def test_without_solara_it_says_what_to_install(bank: sim.Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "solara", None)
    with pytest.raises(sim.BadInput, match=r"solara_page  needs Solara.*rapport-sim\[solara\]"):
        sim.solara_page(bank)
    with pytest.raises(sim.BadInput, match=r"str; a sim\.Bank"):
        sim.solara_page("bank")  # type: ignore[arg-type]
