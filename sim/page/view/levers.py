"""The levers at the side of the page: what runs, which arms, how strong each strategy, and what nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import events, ui

from sim.page.numbers import number
from sim.page.setting import Knob
from sim.page.shown import Shown
from sim.strategies import known

VALUE = "(event) => emit(Number(event.target.value))"
SHOWN = 10  # assumptions that stand open
MOST_SEED = 2**31 - 1
MOST_MONTHS = 600


class Levers:
    """The side of one page."""

    def __init__(self, shown: Shown):
        self.shown, self.session, self.words = shown, shown.session, shown.words
        self._changed = -1
        self._quiet = False

    def build(self) -> None:
        w = self.words
        with ui.row().classes("buttons"):
            self.run = self._button("run", self._run, "primary")
            self.pause = self._button("pause", lambda: self.session.course.pause())
            self.step = self._button("step", self._step)
            self.reset = self._button("reset", lambda: self.session.begin())
            self.cancel = self._button("cancel", lambda: self.session.course.cancel())
        desk, setting = self.session.desk, self.session.setting
        options = {name: self.shown.arm(name) for name in desk.arms}
        with ui.row().classes("fields"):
            self.reference = ui.select(options, value=setting.reference, label=w("page.reference"))
            self.arm = ui.select(options, value=setting.arm, label=w("page.arm"))
        for one in (self.reference, self.arm):
            one.props("dense options-dense")
            one.on_value_change(self._chosen)
        with ui.row().classes("fields"):
            self.months = self._number("months", setting.months, 1, MOST_MONTHS)
            self.seed = self._number("seed", setting.seed, 0, MOST_SEED)
        heading(w("page.strategies"))
        ui.label(w("page.strategies.about")).classes("soft")
        self.strategies = ui.column().classes("w-full gap-0")
        heading(w("page.assumptions"))
        self.told = ui.label("").classes("soft")
        self.assumptions = ui.column().classes("w-full gap-0")
        ui.button(w("page.as_it_was"), on_click=self.session.as_it_was).props("flat dense no-caps")
        self.fill()

    def look(self) -> None:
        """Which buttons do something now; levers again where others have moved them."""
        course = self.session.course
        ended = course.status in ("done", "failed", "cancelled")
        moving = course.on_its_way or course.status in ("loading", "burn_in")
        for button, on in (
            (self.run, not moving and course.status != "done"),
            (self.pause, course.on_its_way),
            (self.step, not moving and not ended),
            (self.cancel, not ended),
        ):
            if button.enabled != on:
                button.set_enabled(on)

    # --- buttons and fields ------------------------------------------------------------------------------------------

    def _button(self, name: str, does: Callable[[], Any], colour: str | None = None) -> Any:
        button = ui.button(self.words(f"page.{name}"), on_click=lambda: does(), color=colour)
        return button.props(f"no-caps {'unelevated' if colour else 'outline'}").mark(name)

    def _run(self) -> None:
        if self.session.course.status in ("cancelled", "failed"):
            self.session.begin()
        self.session.course.run()

    def _step(self) -> None:
        self.session.course.step()

    def _number(self, name: str, value: int, low: int, high: int) -> Any:
        field = ui.number(label=self.words(f"page.{name}"), value=value, min=low, max=high, step=1, precision=0)
        field.props("dense").mark(name)

        def take() -> None:
            if field.value is None or not low <= field.value <= high:
                field.set_value(getattr(self.session.setting, name))
                return
            self.session.turn(**{name: int(field.value)})

        field.on("blur", take)
        field.on("keydown.enter", take)
        return field

    def _chosen(self) -> None:
        if self._quiet:
            return
        self.session.choose(self.reference.value, self.arm.value)
        self.fill()

    # --- levers ------------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Draw all levers anew: other arms, other strategies, another order."""
        self.strategies.clear()
        self.assumptions.clear()
        knobs = self.session.knobs
        by_group: dict[str, list[Knob]] = {}
        for knob in knobs:
            by_group.setdefault(knob.group, []).append(knob)
        with self.strategies:
            for use in known():
                self._strategy(use, self.shown.about(use), by_group.get(use, []))
        others = [knob for knob in knobs if knob.group not in known()]
        worth = self.session.desk.worth
        first = [knob for knob in knobs if knob.name in worth][:SHOWN]
        key = "page.assumptions.worth" if first else "page.assumptions.about"
        self.told.set_text(self.words(key))
        with self.assumptions:
            for knob in first:
                self._knob(knob)
            for group in dict.fromkeys(knob.group for knob in others):
                some = [knob for knob in others if knob.group == group]
                self._folded(self.shown.named("section", group), some)

    def _strategy(self, use: str, about: str, knobs: list[Knob]) -> None:
        w, setting = self.words, self.session.setting
        name, at = self.shown.named("strategy", use), float(setting.intensities.get(use, 0.0))

        def strengthen(value: float) -> None:
            had = self.session.setting.intensities.get(use, 0.0) > 0
            self.session.strengthen(use, value)
            if had != (value > 0):
                self.fill()

        self._slider(
            name,
            at,
            0.0,
            1.0,
            0.05,
            strengthen,
            unit=w("page.unit.intensity"),
            about=about,
            turned=at > 0,
            mark=f"use-{use}",
        )
        if at > 0:
            begins = setting.begins.get(use, 0)
            with (
                ui.expansion(w("page.numbers_of", name=name, many=len(knobs))).props("dense").classes("w-full") as fold
            ):
                inside = ui.column().classes("w-full gap-0")

            def open_it() -> None:
                if fold.value and not inside.default_slot.children:
                    with inside:
                        self._slider(
                            w("page.begins"),
                            begins,
                            0,
                            min(self.session.setting.months - 1, 60),
                            1,
                            lambda month: self.session.delay(use, int(month)),
                            unit=w("page.unit.month"),
                            about="",
                        )
                        for knob in knobs:
                            self._knob(knob)

            fold.on_value_change(open_it)

    def _folded(self, title: str, knobs: list[Knob]) -> None:
        with ui.expansion(f"{title} ({len(knobs)})").props("dense").classes("w-full") as fold:
            inside = ui.column().classes("w-full gap-0")

        def open_it() -> None:
            if fold.value and not inside.default_slot.children:
                with inside:
                    for knob in knobs:
                        self._knob(knob)

        fold.on_value_change(open_it)

    def _knob(self, knob: Knob) -> None:
        w = self.words
        at = float(self.session.setting.values.get(knob.name, knob.base))
        source = w("page.source", low=_said(knob.low), high=_said(knob.high), source=knob.source or w("page.table"))
        worth = f" {w('page.worth', share=number(100 * knob.worth))}" if knob.worth else ""
        self._slider(
            self.shown.label(knob),
            at,
            knob.low,
            knob.high,
            knob.step,
            lambda value: self.session.set(knob, value),
            unit=self.shown.unit(knob),
            about=f"{source}{worth}",
            turned=at != knob.base,
            mark=f"knob-{knob.name}",
        )

    def _slider(
        self,
        label: str,
        at: float,
        low: float,
        high: float,
        step: float,
        take: Callable[[float], None],
        *,
        unit: str,
        about: str,
        turned: bool = False,
        mark: str = "",
    ) -> None:
        with ui.column().classes("lever" + (" turned" if turned else "")) as lever:
            with ui.element("div").classes("line"):
                ui.label(label).classes("label")
                shown = ui.label(f"{_said(at)} {unit}").classes("value")
            slider = _range(low, high, step, at, f"{label} ({unit})")
            if mark:
                slider.props["data-lever"] = mark
            if about:
                ui.label(about).classes("source")

        def moving(event: events.GenericEventArguments) -> None:
            shown.set_text(f"{_said(float(event.args))} {unit}")

        def taken(event: events.GenericEventArguments) -> None:
            moving(event)
            lever.classes(add="turned")
            take(float(event.args))

        slider.on("input", moving, js_handler=VALUE, throttle=0.05)
        slider.on("change", taken, js_handler=VALUE)


def _range(low: float, high: float, step: float, at: float, label: str) -> Any:
    """A slider of the browser's own, which every keyboard and screen reader knows.

    Where it stands is its own affair after the beginning: what is drawn anew around it does not move it.
    """
    slider = ui.element("input")
    for name, value in (("type", "range"), ("min", low), ("max", high), ("step", step), ("defaultValue", at)):
        slider.props[name] = value
    slider.props["aria-label"] = label
    return slider


def heading(text: str) -> None:
    """A heading of the page's second level."""
    ui.label(text).classes("heading").props('role="heading" aria-level="2"')


def _said(value: float) -> str:
    """A number of the scenario in four digits at most, without noughts that say nothing."""
    decimals = next((d for d in range(4) if round(value, d) == float(f"{value:.4g}")), 4)
    return number(value, decimals)
