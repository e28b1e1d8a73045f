"""The server: the page's routes inside their guard, listened for on one address of this machine."""

from __future__ import annotations

import asyncio
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from nicegui import app as pages
from nicegui import background_tasks, core, ui
from nicegui.client import Client

from sim.errors import BadInput
from sim.page.guard import Guard, is_loopback, new_token
from sim.page.session import Session, Sessions
from sim.page.shelf import Shelf
from sim.page.view.page import Page
from sim.words import LANGUAGES, words

TIDY = 15.0  # seconds between looks for tabs that are gone
PATIENCE = 10.0  # seconds for a browser to connect
ROUTES = {"en": "/", "zh": "/zh"}
QUASAR = {"en": "en-US", "zh": "zh-CN"}


@dataclass(frozen=True)
class Place:
    """Where the page is listened for; beyond loopback every request brings a token."""

    host: str
    port: int
    language: str = "en"
    token: str | None = None

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        query = f"?token={self.token}" if self.token else ""
        return f"http://{host}:{self.port}{ROUTES[self.language]}{query}"


def serve(
    make: Callable[[], Session],
    shelf: Shelf,
    *,
    host: str,
    port: int,
    language: str,
    browser: bool,
    say: Callable[[Place], None],
) -> None:
    """Show the page until somebody stops it; `say` is told where it is as soon as it can be asked for.

    `port` 0 takes a free one. Raises `BadInput` where nothing can be listened on.
    """
    listening = _listen(host, port)
    place = Place(host, listening.getsockname()[1], language, None if is_loopback(host) else new_token())
    sessions = Sessions(make)
    guarded = Guard(_app(sessions, shelf, place), token=place.token)
    config = uvicorn.Config(
        guarded,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
        ws_max_size=2_000_000,
        limit_concurrency=200,
    )
    server = _Server(config, lambda: _begun(place, browser, say))
    try:
        server.run(sockets=[listening])
    finally:
        sessions.close()
        shelf.close()
        listening.close()


class _Server(uvicorn.Server):
    """A server that says when it can be asked."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[], None]):
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._begun()


def _begun(place: Place, browser: bool, say: Callable[[Place], None]) -> None:
    say(place)
    if browser:
        webbrowser.open(place.address)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, proto)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        what = f"{host} port {port} cannot be listened on: {error.strerror or error}; another --port or --host"
        raise BadInput.at("serve", what) from None
    return listening


def _app(sessions: Sessions, shelf: Shelf, place: Place) -> FastAPI:
    """The routes: the page in each language, reports of stored runs by a key, and NiceGUI's own files."""
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    def route(language: str) -> None:
        @ui.page(ROUTES[language], title=words(language)("page.title"), language=QUASAR[language])  # type: ignore[arg-type]
        async def index(client: Client) -> None:
            try:
                await client.connected(timeout=PATIENCE)
            except TimeoutError:  # who asked is no browser
                return
            if client.tab_id is None:  # gone again
                return
            tab = str(client.tab_id)
            session = sessions.of(tab)
            sessions.came(tab)
            client.on_disconnect(lambda: sessions.left(tab))
            client.on_connect(lambda: sessions.came(tab))
            Page(session, shelf, words(language), ROUTES).build()

    for language in LANGUAGES:
        route(language)

    @outer.get("/report/{key}")
    def report(key: str) -> Response:
        page = shelf.page(key)
        return PlainTextResponse("no such report", 404) if page is None else HTMLResponse(page)

    async def tidy() -> None:
        while True:
            await asyncio.sleep(TIDY)
            sessions.tidy()

    pages.on_startup(lambda: background_tasks.create(tidy(), name="tidy tabs"))
    ui.run_with(outer, title="Rapport", show_welcome_message=False, reconnect_timeout=10.0, favicon=_ICON)
    core.app.config.socket_io_js_transports = ["websocket"]
    core.app.config.message_history_length = 200
    core.app.config.quasar_config["loadingBar"] = {"skipHijack": True}  # a bar without a name, for what is asked for
    return outer


_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0b62a4"/>'
    '<path d="M7 23h5V13H7zm7 0h5V8h-5zm7 0h4v-6h-4z" fill="#fff"/></svg>'
)
