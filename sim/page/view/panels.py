"""The tabs beside the charts: differences, managers, one customer's life, what to find out, saving, stored runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nicegui import events, run, ui

from sim.errors import BadInput, SimError
from sim.page import charts, jobs, telling
from sim.page.jobs import Job
from sim.page.lives import Life, life
from sim.page.lives import telling as different_lives
from sim.page.numbers import number
from sim.page.pair import DIFFERENCES
from sim.page.shown import Shown
from sim.page.uploads import LARGEST, opened
from sim.page.worth import Study

HAND_OVER = """(event) => {
  const file = event.target.files[0], reader = new FileReader();
  if (!file) return;
  reader.onload = () => emit(file.name, reader.result.split(",")[1] ?? "");
  reader.readAsDataURL(file.slice(0, LARGEST));
  event.target.value = "";
}""".replace("LARGEST", str(LARGEST + 1))  # no more than tells that it is too large
SLOWLY = 5  # looks between two of what takes a while to draw


class Panel:
    """One tab of a page; `look` is called when something has changed while it is open."""

    name: ClassVar[str]

    def __init__(self, shown: Shown, again: Callable[[], None]):
        self.shown, self.session, self.words, self.again = shown, shown.session, shown.words, again
        self._looks = 0

    def build(self) -> None:
        """Draw what stands."""

    def look(self) -> None:
        """Draw what has changed."""

    def _is_time(self) -> bool:
        """Whether to draw now: always at rest, now and then while months go by."""
        self._looks += 1
        return not self.session.course.on_its_way or self._looks % SLOWLY == 1


def set_text(label: Any, text: str) -> None:
    """Another text, sent only where it is another."""
    if label.text != text:
        label.set_text(text)


class Differences(Panel):
    """The arm less the reference month by month, with its interval over the seeds that have come so far."""

    name = "differences"

    def build(self) -> None:
        self.charts = {}
        ui.label(self.words("page.differences.about")).classes("soft")
        with ui.element("div").classes("charts two"):
            for name in DIFFERENCES:
                chart = ui.echart(self._option(name)).classes("chart").props('role="img" tabindex="0"')
                self.charts[name] = chart

    def look(self) -> None:
        if not self._is_time():
            return
        for name, chart in self.charts.items():
            chart.options.clear()
            chart.options.update(self._option(name))
            chart.props["aria-label"] = charts.difference_said(
                self.words, name, self.session.course, self.shown.currency
            )
            chart.update()

    def _option(self, name: str) -> dict[str, Any]:
        return charts.band(self.words, name, self.session.course, self.shown.currency)


class Managers(Panel):
    """A row a manager: book, utilisation, skill, fatigue, bond of the book."""

    name = "managers"
    COLUMNS = ("post", "tier", "book", "utilisation", "skill", "fatigue", "bond", "months")

    def build(self) -> None:
        w = self.words
        with ui.row().classes("items-center"):
            self.which = ui.toggle({0: "", 1: ""}, value=1, on_change=lambda: self._fill()).props("dense no-caps")
            self.which.props["aria-label"] = w("page.managers.which")
        columns = [
            {
                "name": name,
                "label": w(f"page.managers.{name}"),
                "field": name,
                "sortable": True,
                "align": "left" if name in ("post", "tier") else "right",
                **(
                    {}
                    if name in ("post", "tier", "book", "months")
                    else {":format": "v => v === null ? '' : v.toFixed(2)"}
                ),
            }
            for name in self.COLUMNS
        ]
        self.table = ui.table(columns=columns, rows=[], row_key="post", pagination={"rowsPerPage": 12})
        self.table.classes("w-full").props('dense flat bordered rows-per-page-label=""')
        self.table.props["rows-per-page-options"] = [12, 50, 0]
        self.table.props["rows-per-page-label"] = w("page.managers.rows")
        self.table.props["title"] = w("page.tab.managers")
        ui.label(w("page.managers.about")).classes("soft")

    def look(self) -> None:
        if self._is_time():
            self._fill()

    def _fill(self) -> None:
        names = dict(enumerate(self.shown.names))
        if self.which.options != names:
            self.which.set_options(names, value=self.which.value)
        rows = self.session.course.managers[int(self.which.value)]
        called = dict(zip(self.session.course.tiers, self.shown.tiers, strict=True))
        self.table.rows = [
            {
                **{name: row[name] for name in self.COLUMNS},
                "tier": called.get(row["tier"], self.words("page.managers.remote")),
                "book": round(row["book"]),
                **({} if not row["vacant"] else {"utilisation": None, "skill": None, "fatigue": None}),
            }
            for row in rows
        ]


class Lives(Panel):
    """One customer in both arms: what happened to each, month by month, and a sentence that sums it up."""

    name = "lives"

    def build(self) -> None:
        w = self.words
        with ui.row().classes("items-center w-full"):
            self.who = ui.select({}, label=w("page.lives.who"), on_change=lambda: self._tell()).props(
                "dense options-dense"
            )
            self.who.classes("who")
            self.find = ui.input(label=w("page.lives.number")).props("dense").classes("number")
            self.find.on("keydown.enter", self._found)
            ui.button(w("page.lives.find"), on_click=self._found).props("outline no-caps dense")
        self.said = ui.label("").classes("sentence").props('role="status"')
        with ui.element("div").classes("lives"):
            self.heads, self.lists = [], []
            for _ in (0, 1):
                with ui.column().classes("gap-0"):
                    self.heads.append(ui.label("").classes("heading").props('role="heading" aria-level="2"'))
                    self.lists.append(ui.element("ol"))
        ui.label(w("page.lives.about")).classes("soft")
        self._told: tuple[Any, ...] = ()

    def look(self) -> None:
        lives = self.session.course.lives
        if lives is None or not self._is_time():
            return
        uids = different_lives(lives)
        options = {str(uid): self._short(one) for uid in uids if (one := life(lives, uid)) is not None}
        chosen = (
            self.who.value if self.who.value is not None and self._at(self.who.value) else next(iter(options), None)
        )
        if chosen is not None and chosen not in options and (one := self._at(chosen)):
            options[chosen] = self._short(one)
        self.who.set_options(options, value=chosen)
        self._tell()

    def _at(self, uid: str) -> Life | None:
        lives = self.session.course.lives
        return life(lives, int(uid)) if lives is not None and uid.isdigit() and int(uid) < 2**64 else None

    def _found(self) -> None:
        text = (self.find.value or "").strip()
        if self._at(text) is None:
            ui.notify(self.words("page.lives.unknown", uid=text[:24]), type="warning")
            return
        self.who.set_options(dict(self.who.options) | {text: self._short(self._at(text))}, value=text)

    def _short(self, one: Life | None) -> str:
        assert one is not None
        w = self.words
        ends = [w(f"page.fate.{fate}") for fate in one.fates]
        tier = self.shown.tiers[one.tier]
        return w("page.lives.one", uid=one.uid, tier=tier, reference=ends[0], arm=ends[1])

    def _tell(self) -> None:
        one = self._at(self.who.value) if self.who.value else None
        now = one, self.shown.names
        if now == self._told:
            return
        self._told = now
        for name, head in zip(self.shown.names, self.heads, strict=True):
            set_text(head, name)
        for place in self.lists:
            place.clear()
        if one is None:
            self.said.set_text("")
            return
        self.said.set_text(telling.summary(self.words, one, self.shown.tiers, self.shown.names))
        for place, happened, own in zip(self.lists, one.events, telling.apart(one), strict=True):
            with place:
                for event in happened:
                    with ui.element("li").classes("apart" if event in own else ""):
                        ui.label(self.words("page.lives.month", month=event.month)).classes("when")
                        ui.label(telling.event(self.words, event, self.shown.tiers)).classes("what")


class Worth(Panel):
    """What it would be worth to know: the setting lived in worlds, and the levers in the order of it afterwards."""

    name = "worth"

    def build(self) -> None:
        w = self.words
        ui.label(w("page.knowing.about")).classes("soft")
        with ui.row().classes("items-center"):
            self.start = (
                ui.button(w("page.knowing.start"), on_click=self._start).props("unelevated no-caps").mark("worth")
            )
            self.stop = ui.button(w("page.cancel"), on_click=self._stop).props("outline no-caps")
            self.bar = ui.label("").props('role="status"')
        self.said = ui.column().classes("gap-1")
        columns = [
            {"name": name, "label": w(f"page.knowing.{name}"), "field": name, "align": "left"}
            for name in ("name", "worth", "most", "turns")
        ]
        self.table = (
            ui.table(columns=columns, rows=[], row_key="name").props("dense flat bordered wrap-cells").classes("w-full")
        )
        self.table.props["title"] = w("page.knowing.table")
        self.table.set_visibility(False)
        self.stop.set_enabled(False)
        self.timer = ui.timer(0.5, self.watch)
        self._told: Study | None = None

    def _start(self) -> None:
        self.session.study()

    def _stop(self) -> None:
        if self.session.studied is not None:
            self.session.studied.cancel()

    def watch(self) -> None:
        """How far it is; what came of it, once."""
        study = self.session.studied
        if study is None:
            return
        running = study.status == "running"
        self.start.set_enabled(not running)
        self.stop.set_enabled(running)
        set_text(
            self.bar,
            self.words(f"page.knowing.{study.status}", done=study.done, total=study.total, error=study.error),
        )
        if study.known is None or self._told is study:
            return
        self._told = study
        shown, w = self.shown, self.words
        knobs = {knob.name: shown.label(knob) for knob in self.session.knobs}
        self.said.clear()
        with self.said:
            for text in telling.knowing(w, study.known, shown.arm, shown.currency):
                ui.label(text)
        named = lambda name: f"{shown.named('section', name.split('.')[0])}: {knobs.get(name, name)}"  # noqa: E731
        self.table.rows = telling.parts(w, study.known, named, shown.arm, shown.currency)
        self.table.set_visibility(True)
        if self.session.learn():
            self.again()


class Save(Panel):
    """The setting as a scenario file: saved, downloaded, run as a terminal runs it; another one opened."""

    name = "save"

    def build(self) -> None:
        w = self.words
        ui.label(w("page.save.about")).classes("soft")
        with ui.row().classes("items-center"):
            ui.button(w("page.save.save"), on_click=self._save).props("unelevated no-caps").mark("save")
            ui.button(w("page.save.download"), on_click=self._download).props("outline no-caps")
            ui.button(w("page.save.run"), on_click=self._run).props("outline no-caps").mark("save-run")
        self.said = ui.label("").classes("command").props('role="status"').mark("saved")
        self.digest = ui.label("").classes("command").mark("digest")
        self.job = ui.label("").props('role="status"')
        ui.timer(0.5, self.watch)
        ui.label(w("page.open")).classes("heading").props('role="heading" aria-level="2"')
        ui.label(w("page.open.about", most=LARGEST // 1000)).classes("soft")
        field = ui.element("input").classes("upload")
        field.props.update({"type": "file", "accept": ".yaml,.yml", "aria-label": w("page.open.choose")})
        field.on("change", self._open, js_handler=HAND_OVER)
        self.wrong = ui.label("").classes("mistake pre").props('role="alert"')

    def look(self) -> None:
        course = self.session.course
        set_text(self.digest, self.words("page.digest", digest=course.digest) if course.digest else "")

    def _save(self) -> Any:
        try:
            s = self.session.desk.prepared(self.session.setting)
            file = jobs.save(self.shown.shelf.folder, s.scenario.name, s.digest, self.session.text())
        except BadInput as bad:
            ui.notify(str(bad), type="negative")
            return None
        except (SimError, OSError) as error:
            ui.notify(str(error), type="negative")
            return None
        place = f"{self.shown.shelf.folder.name}/{jobs.SAVED}/{file.name}"
        self.said.set_text(self.words("page.save.said", command=f"python run.py {place}"))
        return file

    def _download(self) -> None:
        s = self.session.desk.base
        if s.book is not None:
            ui.notify(self.words("page.save.book"), type="warning")
            return
        ui.download.content(self.session.text(), f"{s.scenario.name}.yaml", "application/yaml")

    def _run(self) -> None:
        file = self._save()
        if file is not None:
            folder = self.shown.shelf.folder / jobs.SAVED / file.stem
            self.session.launch(Job(["run", str(file), "--overwrite"], folder, sweep=False))

    def watch(self) -> None:
        """How far the run is."""
        job = self.session.job
        if job is None or job.sweep:
            return
        now = job.progress()
        set_text(self.job, self.words(f"page.job.{now.state}", done=now.done, total=now.total, words=now.words))

    async def _open(self, event: events.GenericEventArguments) -> None:
        name, held = (str(one) for one in event.args)
        try:
            found = await run.io_bound(opened, name, held)
        except BadInput as bad:
            self.wrong.set_text(str(bad))
            return
        if found is None:  # the server is going down
            return
        self.wrong.set_text("")
        self.session.open(found)
        ui.navigate.reload()


class StoredRuns(Panel):
    """Reports of stored runs to open, and sweeps to start and to watch."""

    name = "stored"

    def build(self) -> None:
        w = self.words
        ui.label(w("page.stored.sweep")).classes("heading").props('role="heading" aria-level="2"')
        self.files = jobs.sweeps()
        with ui.row().classes("items-center w-full"):
            self.which = ui.select(list(self.files), value=next(iter(self.files), None), label=w("page.stored.which"))
            self.which.props("dense options-dense").classes("who")
            self.start = (
                ui.button(w("page.stored.start"), on_click=self._start).props("unelevated no-caps").mark("sweep")
            )
            self.stop = ui.button(w("page.cancel"), on_click=self._stop).props("outline no-caps")
            self.said = ui.label("").props('role="status"').mark("sweep-said")
        ui.label(w("page.stored")).classes("heading").props('role="heading" aria-level="2"')
        self.rows = ui.column().classes("w-full gap-0")
        self._told: list[Any] | None = None
        ui.timer(1.0, self.watch)
        self.look()

    def look(self) -> None:
        found = self.shown.shelf.stored()
        if found == self._told:
            return
        self._told = found
        self.rows.clear()
        with self.rows:
            if not found:
                ui.label(self.words("page.stored.none")).classes("soft")
            for one in found:
                text = self.words("page.stored.one", name=one.name, created=one.created, status=one.status)
                ui.link(text, f"/report/{one.key}", new_tab=True)

    def _start(self) -> None:
        file = self.files.get(str(self.which.value))
        if file is not None:
            folder = self.shown.shelf.new_folder(str(self.which.value))
            self.session.launch(Job(["run", str(file), "--workers", "1"], folder, sweep=True))

    def _stop(self) -> None:
        if self.session.job is not None:
            self.session.job.stop(wait=0.0)

    def watch(self) -> None:
        """How far the sweep is."""
        job = self.session.job
        now = job.progress() if job is not None and job.sweep else None
        running = now is not None and now.state == "running"
        self.start.set_enabled(not running)
        self.stop.set_enabled(running)
        if now is not None:
            key = "page.job.sweep" if running else f"page.job.{now.state}"
            set_text(self.said, self.words(key, done=number(now.done), total=number(now.total), words=now.words))
            if not running:
                self.look()


PANELS: tuple[type[Panel], ...] = (Differences, Managers, Lives, Worth, Save, StoredRuns)
