"""What one tab of the browser has: a scenario, where its levers stand, what it runs. Nothing of it is another tab's."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sim.errors import BadInput
from sim.experiments.prepared import Prepared
from sim.page.jobs import Job
from sim.page.runner import Course, Runner
from sim.page.setting import Desk, Knob
from sim.page.worth import Study

FORGOTTEN = 120.0  # seconds after which a tab that is not there any more is closed


class Session:
    """One tab: its desk and setting, its course; what is changed is lived again at once, as far as was shown."""

    def __init__(self, prepared: Prepared, *, worth: Mapping[str, float] | None = None, more: int | None = None):
        self.runner = Runner() if more is None else Runner(more=more)
        self.studied: Study | None = None
        self.job: Job | None = None
        self.mistake = ""
        self.changed = 0
        self.open(prepared, worth)

    def open(self, prepared: Prepared, worth: Mapping[str, float] | None = None) -> None:
        """Another scenario on the desk, its levers where it has them."""
        self.runner.cancel()
        self._leave_study()
        self.desk = Desk(prepared, worth)
        self.setting = self.desk.first()
        self._own = self.setting
        self.begin()

    @property
    def course(self) -> Course:
        assert self.runner.course is not None
        return self.runner.course

    @property
    def knobs(self) -> list[Knob]:
        """Every number that can be turned now."""
        return self.desk.knobs(self.setting)

    def begin(self, *, until: int = 0) -> None:
        """Month 0 again, and on to a month where one is named; a setting that does not fit is told and not lived."""
        try:
            prepared = self.desk.prepared(self.setting)
        except BadInput as bad:
            self.mistake = "; ".join(f"{one.path}: {one.message}".lstrip(": ") for one in bad.mistakes)
        else:
            self.mistake = ""
            course = self.runner.start(prepared, self.desk.key(prepared))
            if until:
                course.run(until)
        self.changed += 1

    def turn(self, **changes: Any) -> None:
        """Change the setting and live it to the month that was shown, or to the end where it was on its way there."""
        if all(getattr(self.setting, name) == value for name, value in changes.items()):
            return
        self.setting = replace(self.setting, **changes)
        course = self.course
        self.begin(until=self.setting.months if course.on_its_way else max(course.month, 0))

    def choose(self, reference: str, arm: str) -> None:
        """Another reference and arm, the arm as the scenario has it."""
        if (reference, arm) != (self.setting.reference, self.setting.arm):
            chosen = self.desk.chosen(self.setting, reference, arm)
            self.turn(reference=reference, arm=arm, intensities=chosen.intensities, begins=chosen.begins)

    def strengthen(self, use: str, intensity: float) -> None:
        """A strategy of the arm stronger or weaker; 0 leaves it out."""
        self.turn(intensities={**self.setting.intensities, use: float(intensity)})

    def delay(self, use: str, month: int) -> None:
        """The month in which a strategy of the arm starts."""
        self.turn(begins={**self.setting.begins, use: int(month)})

    def set(self, knob: Knob, value: float) -> None:
        """A number turned to a value; back at its base it counts as not turned."""
        values = {name: other for name, other in self.setting.values.items() if name != knob.name}
        if knob.plain(value) != knob.plain(knob.base):
            values[knob.name] = float(value)
        self.turn(values=values)

    def as_it_was(self) -> None:
        """Every lever where the scenario has it."""
        self.setting = self._own
        self.begin()

    def text(self) -> str:
        """The scenario file of the setting."""
        return self.desk.text(self.setting)

    def study(self, **sizes: int) -> Study:
        """Begin to find out what it would be worth to know, for the setting as it is."""
        self._leave_study()
        self.studied = Study(self.desk, self.setting, **sizes).start()
        return self.studied

    def learn(self) -> bool:
        """Put the levers in the order that a finished study has found; whether that is another one."""
        known = self.studied.known if self.studied is not None else None
        if known is None or self.desk.worth == known.shares:
            return False
        self.desk.worth = dict(known.shares)
        return True

    def launch(self, job: Job) -> None:
        """Watch a command that runs beside the page, in the place of another."""
        if self.job is not None:
            self.job.stop(wait=0.0)
        self.job = job

    def close(self) -> None:
        """Nobody looks any more; a command that was started goes on, what is lived for the page alone does not."""
        self.runner.close()
        self._leave_study()

    def _leave_study(self) -> None:
        if self.studied is not None:
            self.studied.cancel()
        self.studied = None


class Sessions:
    """The sessions of all tabs, by tab; one whose tab has been gone for a while is closed."""

    def __init__(self, make: Callable[[], Session], *, clock: Callable[[], float] = time.monotonic):
        self._make, self._clock = make, clock
        self._held: dict[str, Session] = {}
        self._pages: Counter[str] = Counter()
        self._left: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._held)

    def of(self, tab: str) -> Session:
        """The session of a tab, made where it has none; a page that was loaded anew finds its own again."""
        if tab not in self._held:
            self._held[tab] = self._make()
        return self._held[tab]

    def came(self, tab: str) -> None:
        """A page of a tab is there, or is there again."""
        self._pages[tab] += 1
        self._left.pop(tab, None)

    def left(self, tab: str) -> None:
        """A page of a tab is gone; the tab may have another already, which was loaded before this one was missed."""
        self._pages[tab] -= 1
        if self._pages[tab] <= 0:
            del self._pages[tab]
            self._left[tab] = self._clock()

    def tidy(self) -> None:
        """Close the sessions of tabs that did not come back."""
        now = self._clock()
        for tab in [tab for tab, since in self._left.items() if now - since > FORGOTTEN]:
            self._left.pop(tab)
            if (session := self._held.pop(tab, None)) is not None:
                session.close()

    def close(self) -> None:
        """Everything stops."""
        for session in self._held.values():
            session.close()
        self._held.clear()
        self._left.clear()
