"""Who may talk to the page: an ASGI application around it that asks for the right host, the right origin and the token.

On loopback a request must name this machine, so that no page of the internet can lead a browser here under a name of
its own; a page opened elsewhere may not write to this one. Beyond loopback every request needs the token, which the
address brings once and a cookie keeps.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "rapport"
LOOPBACK = "127.0.0.1"
LARGEST_REQUEST = 3_000_000  # bytes
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)  # NiceGUI starts its elements by inline scripts, and Vue compiles templates
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address that is listened on."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """A token for the address: 256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)


class Guard:
    """The page, and who may ask for it: `token` is None on loopback."""

    def __init__(self, app: App, *, token: str | None):
        self.app, self.token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refused(headers)
        if refused is None and self.token is not None and not self._knows(headers):
            if scope["type"] == "http" and self._brings(scope):
                await self._welcome(scope, send)
                return
            refused = (403, "the address as it was printed, with its token")
        if refused is not None:
            await _refuse(scope, send, *refused)
            return
        await self.app(scope, receive, _with_headers(send))

    def _refused(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self.token is None and not is_loopback(_name_of(host)):
            return 421, "another host"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "another origin"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_REQUEST:
            return 413, "too large"
        return None

    def _knows(self, headers: Mapping[str, str]) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._is_it(cookie.value)

    def _brings(self, scope: Scope) -> bool:
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        return self._is_it(given)

    def _is_it(self, given: str) -> bool:
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())

    async def _welcome(self, scope: Scope, send: Send) -> None:
        """The same address without its token, which a cookie keeps from now on."""
        cookie = f"{COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Strict"
        await _answer(send, 303, "", {"location": scope["path"], "set-cookie": cookie})


def _name_of(host: str) -> str:
    """The name in a Host header, without its port."""
    return host.rsplit(":", 1)[0] if host.count(":") == 1 or (host.startswith("[") and "]:" in host) else host


async def _refuse(scope: Scope, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await _answer(send, status, why, {})


async def _answer(send: Send, status: int, text: str, more: Mapping[str, str]) -> None:
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store", **HEADERS, **more}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": text.encode()})


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            more = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in there]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return sending
