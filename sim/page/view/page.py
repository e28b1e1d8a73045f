"""One tab's page: levers at the side, what both banks come to in the middle, looked at again ten times a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui

from sim.page import charts
from sim.page.numbers import difference, level, number
from sim.page.pair import DIFFERENCES
from sim.page.runner import Course
from sim.page.session import Session
from sim.page.shelf import Shelf
from sim.page.shown import Shown
from sim.page.view.levers import Levers
from sim.page.view.looks import STYLE
from sim.page.view.panels import PANELS, Panel
from sim.reporting.figures.units import MISSING
from sim.words import LANGUAGES, Words

LOOK = 0.1  # seconds between looks


class Page:
    """What is drawn for a session, in one language."""

    def __init__(self, session: Session, shelf: Shelf, words: Words, routes: Mapping[str, str]):
        self.shown = Shown(session, shelf, words)
        self.session, self.words, self.routes = session, words, routes
        self._open_panel = "bank"
        self._drawn: tuple[Any, ...] = ()
        self._charts: dict[str, Any] = {}
        self._tiles: dict[str, Any] = {}
        self._panels: list[Panel] = []

    @property
    def course(self) -> Course:
        return self.session.course

    # --- building ----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        w = self.words
        ui.colors(primary=charts.BLUE)
        ui.add_css(STYLE)
        with ui.header(elevated=False).classes("head items-center no-wrap"):
            beside = ui.button(w("page.levers"), on_click=self._toggle_levers, color=None)
            beside.props("flat dense no-caps").classes("narrow")
            ui.label(w("page.title")).classes("name").props('role="heading" aria-level="1"')
            ui.label(self.session.desk.base.scenario.name).classes("scenario")
            ui.space()
            for language, name in LANGUAGES.items():
                if language != w.language:
                    ui.link(name, self.routes[language]).props(f'lang="{language}"').classes("language")
        self.levers = Levers(self.shown)
        self.side = ui.left_drawer(fixed=True, bordered=True).props("width=372 :breakpoint=700")
        with self.side.classes("side"):
            ui.button(w("page.levers.close"), on_click=self.side.hide).props("flat dense no-caps").classes("narrow")
            self.levers.build()
        with ui.column().classes("main w-full no-wrap"):
            self._build_status()
            with ui.row().classes("tiles w-full"):
                for name in DIFFERENCES:
                    self._build_tile(name)
            with ui.tabs().props('dense no-caps align="left" inline-label').classes("tabs") as tabs:
                ui.tab("bank", label=w("page.tab.bank"))
                for kind in PANELS:
                    ui.tab(kind.name, label=w(f"page.tab.{kind.name}"))
            with ui.tab_panels(tabs, value="bank", animated=False, keep_alive=True).classes("w-full panels"):
                with ui.tab_panel("bank"):
                    self._build_charts()
                for kind in PANELS:
                    with ui.tab_panel(kind.name):
                        panel = kind(self.shown, self.levers.fill)
                        panel.build()
                        self._panels.append(panel)
        tabs.on_value_change(lambda event: self._show_panel(str(event.value)))
        ui.timer(LOOK, self.look)
        self.look()

    def _toggle_levers(self) -> None:
        self.side.toggle()

    def _build_status(self) -> None:
        with ui.row().classes("status w-full items-center no-wrap"):
            self.status = ui.label("").classes("said").props('role="status" aria-live="polite"')
            self.bar = ui.linear_progress(value=0, show_value=False, size="8px").classes("bar")
            self.bar.props(f'aria-label="{self.words("page.progress")}"')
            self.digest = ui.label("").classes("digest")
        self.mistake = ui.label("").classes("mistake").props('role="alert"')

    def _build_tile(self, name: str) -> None:
        with ui.column().classes("tile").props(f'role="group" aria-label="{self.words(f"page.difference.{name}")}"'):
            ui.label(self.words(f"page.difference.{name}")).classes("what")
            big = ui.label(MISSING).classes("big").mark(f"difference-{name}")
            both = ui.label("").classes("both")
        self._tiles[name] = big, both

    def _build_charts(self) -> None:
        with ui.element("div").classes("charts"):
            for name in ("pyramid", *charts.LINES):
                chart = ui.echart(self._option(name), renderer="canvas").classes("chart")
                chart.props('role="img" tabindex="0"')
                self._charts[name] = chart
        with ui.row().classes("legend"):
            self._legend = [ui.label("").classes(kind) for kind in ("reference", "arm")]

    # --- looking -----------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Draw what has changed since the last look."""
        course = self.course
        self.levers.look()
        now = course, course.version, self.session.changed, self.session.mistake
        if now == self._drawn:
            return
        self._drawn = now
        self._say_status(course)
        self._fill_tiles(course)
        if self._open_panel == "bank":
            self._fill_charts(course)
        self._look_panel()

    def _show_panel(self, name: str) -> None:
        self._open_panel = name
        self._drawn = ()
        self.look()

    def _look_panel(self) -> None:
        for panel in self._panels:
            if panel.name == self._open_panel:
                panel.look()

    def _say_status(self, course: Course) -> None:
        w = self.words
        month = max(course.month, 0)
        done = (course.lived + course.burn_in if course.month < 0 else course.burn_in + month) / max(
            course.burn_in + course.months, 1
        )
        text = w(
            f"page.status.{course.status}",
            month=month,
            months=course.months,
            before=-course.lived,
            error=course.error,
        )
        self._set(self.status, text)
        self.bar.set_value(round(done, 3))
        seeds = 1 + len(course.behind)
        said = w("page.digest", digest=course.digest) if course.digest else ""
        self._set(self.digest, " ".join(part for part in (w("page.seeds", seeds=seeds), said) if part))
        self._set(self.mistake, self.session.mistake)

    def _fill_tiles(self, course: Course) -> None:
        found = course.difference() if course.month >= 0 else {}
        for name, (big, both) in self._tiles.items():
            if name not in found:
                self._set(big, MISSING)
                self._set(both, "")
                continue
            self._set(big, difference(self.words, name, found[name], self.shown.currency))
            values = [self.shown.level(name, arm) for arm in (0, 1)]
            self._set(both, self.words("page.both", reference=values[0], arm=values[1]))

    def _option(self, name: str) -> dict[str, Any]:
        if name == "pyramid":
            return charts.pyramid(self.words, self.course, self.shown.names, self.shown.tiers)
        return charts.line(self.words, name, self.course, self.shown.names, self.shown.currency)

    def _fill_charts(self, course: Course) -> None:
        for name, chart in self._charts.items():
            chart.options.clear()
            chart.options.update(self._option(name))
            chart.update()
            said = charts.said(
                self.words, self.words(f"page.chart.{name}"), course, self.shown.names, self._saying(name)
            )
            if chart._props.get("aria-label") != said:
                chart._props["aria-label"] = said
        for label, name in zip(self._legend, self.shown.names, strict=True):
            self._set(label, name)

    def _saying(self, name: str) -> Callable[[Any], str]:
        if name == "pyramid":
            return lambda month: ", ".join(
                f"{tier} {number(value)}" for tier, value in zip(self.shown.tiers, month.customers, strict=True)
            )
        return lambda month: level(self.words, name, getattr(month, name), self.shown.currency)

    @staticmethod
    def _set(label: Any, text: str) -> None:
        if label.text != text:
            label.set_text(text)
