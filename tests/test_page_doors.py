"""Who may reach the page and what it hands out: hosts, origins, the token, uploads, stored reports, the verb itself."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from serving import served

from sim.cli import main
from sim.errors import BadInput
from sim.page.guard import COOKIE, LARGEST_REQUEST, Guard, is_loopback, new_token
from sim.page.shelf import Shelf
from sim.page.uploads import LARGEST, opened

needs_nicegui = pytest.mark.skipif(find_spec("nicegui") is None, reason="nicegui is not installed")


# --- the guard --------------------------------------------------------------------------------------------------------


async def _inside(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def asked(token: str | None, path: str = "/", *, kind: str = "http", **headers: str) -> list[dict[str, Any]]:
    """What a guard answers to a request with these headers."""
    path, _, query = path.partition("?")
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "path": path, "query_string": query.encode(), "headers": raw}
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        return {"type": "http.request"}

    asyncio.run(Guard(_inside, token=token)(scope, receive, send))
    return sent


def status(sent: list[dict[str, Any]]) -> int:
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    "host", ["127.0.0.1:80", "localhost:8080", "127.0.0.1", "[::1]:80", "localhost", "127.9.9.9:1"]
)
def test_a_request_that_names_this_machine_is_answered(host: str) -> None:
    sent = asked(None, host=host)
    assert status(sent) == 200
    told = dict(sent[0]["headers"])
    assert b"default-src 'self'" in told[b"content-security-policy"]
    assert told[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize("host", ["bank.example", "127.0.0.1.bank.example:80", "10.0.0.1", "", "[::2]:80"])
def test_one_that_names_another_is_not(host: str) -> None:
    assert status(asked(None, host=host)) == 421


@pytest.mark.parametrize("origin", ["http://bank.example", "http://127.0.0.1:81", "null", "https://localhost:80"])
def test_a_page_from_elsewhere_may_not_speak_to_it(origin: str) -> None:
    assert status(asked(None, host="127.0.0.1:80", origin=origin)) == 403
    closed = asked(None, kind="websocket", host="127.0.0.1:80", origin=origin)
    assert closed == [{"type": "websocket.close", "code": 1008}]
    assert status(asked(None, host="127.0.0.1:80", origin="http://127.0.0.1:80")) == 200


def test_a_request_is_no_larger_than_it_need_be() -> None:
    assert status(asked(None, host="localhost", content_length=str(LARGEST_REQUEST))) == 200
    assert status(asked(None, host="localhost", content_length=str(LARGEST_REQUEST + 1))) == 413
    assert status(asked(None, host="localhost", content_length="-1")) == 413


def test_beyond_loopback_the_token_opens_once_and_a_cookie_keeps_it() -> None:
    token = new_token()
    assert len(token) >= 43
    assert token != new_token()
    for path in ("/", "/zh", "/report/x", "/?token=", "/?token=wrong", f"/?token={token[:-1]}"):
        assert status(asked(token, path, host="10.0.0.1")) == 403
    assert status(asked(token, host="10.0.0.1", cookie=f"{COOKIE}=wrong")) == 403
    welcome = asked(token, f"/zh?token={token}", host="10.0.0.1")
    told = dict(welcome[0]["headers"])
    assert (status(welcome), told[b"location"]) == (303, b"/zh")
    cookie = told[b"set-cookie"].decode()
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert status(asked(token, host="10.0.0.1", cookie=cookie.split(";")[0])) == 200
    assert asked(token, f"/?token={token}", kind="websocket", host="10.0.0.1")[0]["type"] == "websocket.close"


def test_what_is_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.1.2.3", "[::1]")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "example.org", "")))


# --- uploads ----------------------------------------------------------------------------------------------------------


def handed(text: str | bytes, name: str = "mine.yaml") -> Any:
    data = text.encode() if isinstance(text, str) else text
    return opened(name, base64.b64encode(data).decode())


def test_a_scenario_that_stands_alone_is_opened() -> None:
    found = handed("extends: baseline\nname: mine\nbeliefs: null\npopulation: {customers: 2000}\n")
    assert (found.scenario.name, found.scenario.population.customers) == ("mine", 2000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "mine.yaml:1"),
        ("", "empty"),
        ("name: x\nmonths: -1\narms: {a: []}\n", "mine.yaml:2:9  months"),
        ("extends: /etc/passwd\n", "names another file"),
        ("extends: ../secret.yaml\n", "names another file"),
        ("extends: [baseline]\n", "names another file"),
        ("name: x\nposterior: /etc/passwd\narms: {a: []}\n", "names another file"),
        ("name: x\nsurvey: {customers: /etc/passwd, waves: [1]}\narms: {a: []}\n", "names another file"),
        ("name: x\narms: {a: []}\npopulation: {source: book, file: /etc/passwd}\n", "population.file: names a file"),
        ("name: x\narms: {a: []}\npopulation: {source: book, tables: {a: /etc/passwd}}\n", "names a file"),
        ("name: x\narms: {a: []}\npopulation: {store: /tmp/there}\n", "population.store: names a file"),
        ("extends: customer_book\nname: x\n", "names a file of this machine"),
        ("name: x\narms: {a: [{use: 'os:system'}]}\n", "os:system"),
        (b"name: \xff\xfe", "not UTF-8"),
        (b"name: x\0", "not a text file"),
        ("#" * (LARGEST + 1), "larger than 200 kB"),
        ("#" * (3 * LARGEST), "larger than 200 kB"),
    ],
)
def test_what_is_wrong_or_would_read_other_files_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(BadInput) as found:
        handed(text)
    assert message in str(found.value)


def test_the_name_of_an_upload_is_no_path() -> None:
    with pytest.raises(BadInput, match=r"^\.\._\.\._etc_passwd  "):
        handed("", name="../../etc/passwd")
    with pytest.raises(BadInput, match="not handed over whole"):
        opened("x.yaml", "%%%")


# --- the shelf --------------------------------------------------------------------------------------------------------


def stored(folder: Path, *, name: str = "mine", run: str = "run-1", page: str = "<p>report</p>") -> Path:
    place = folder / name / run
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(json.dumps({"name": name, "run_id": run, "status": "done", "created": run}))
    (place / "report.html").write_text(page)
    return place


def test_reports_go_by_a_key_that_was_given_out_and_nothing_else_is_served(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "results")
    assert shelf.stored() == []
    stored(shelf.folder)
    stored(shelf.folder, run="run-2", page="<p>newer</p>")
    (tmp_path / "results" / "secret.html").write_text("secret")
    assert shelf.page(str(shelf.folder / "mine" / "run-1" / "report.html")) is None
    first, second = shelf.stored()
    assert (first.run_id, second.run_id) == ("run-2", "run-1")
    assert shelf.page(second.key) == "<p>report</p>"
    for other in ("../secret.html", "mine/run-1/report.html", second.key[:-1], ""):
        assert shelf.page(other) is None


def test_what_is_damaged_or_leads_elsewhere_is_left_out(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "results")
    (tmp_path / "secret").write_text("secret")
    linked = stored(shelf.folder, run="linked")
    (linked / "report.html").unlink()
    (linked / "report.html").symlink_to(tmp_path / "secret")
    (stored(shelf.folder, run="damaged") / "manifest.json").write_text("{")
    (stored(shelf.folder, run="list") / "manifest.json").write_text("[]")
    (stored(shelf.folder, run="without") / "report.html").unlink()
    assert shelf.stored() == []


# --- the verb ---------------------------------------------------------------------------------------------------------

TINY = "name: tiny\npopulation: {customers: 2000}\nburn_in: 1\nmonths: 2\nseeds: [3]\narms: {nothing: [], a: []}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "70000"], "is no port"),
        (["nowhere.yaml"], "no such file"),
        (["tiny.yaml", "tiny.yaml"], "one scenario"),
        (["alone.yaml"], "a reference and an arm"),
        (["tiny.yaml", "--host", "203.0.113.7"], "cannot be listened on"),
        (["tiny.yaml", "--language", "xx"], "invalid choice"),
    ],
)
@needs_nicegui
def test_a_mistake_is_one_line(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    Path("alone.yaml").write_text(TINY.replace(", a: []", ""))
    assert main(["serve", *words, "--no-browser"]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_without_nicegui_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sim.verbs.serve.find_spec", lambda name: None)
    assert main(["serve", "baseline", "--no-browser"]) == 2
    assert (
        capsys.readouterr().err.splitlines()[-1]
        == "serve  needs NiceGUI, which is not installed; pip install 'rapport-sim[page]'"
    )


def fetched(address: str, **headers: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.long
@needs_nicegui
@pytest.mark.slow
def test_it_listens_on_this_machine_alone_and_hands_out_no_path(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    (tmp_path / "results").mkdir()
    with served(tmp_path, "tiny.yaml") as server:
        port = int(server.address.rstrip("/").rsplit(":", 1)[1])
        page = fetched(server.address)
        assert page[0] == 200
        assert str(tmp_path) not in page[1]
        assert (
            "//" not in page[1].replace("http://www.w3.org", "").replace("http%3A//www.w3.org", "").split("<script")[0]
        )
        for path in ("docs", "openapi.json", "report/x", "tiny.yaml", "results/", "..%2f..%2fetc/passwd", "_nicegui/x"):
            assert fetched(server.address + path)[0] == 404, path
        assert fetched(server.address, Host="bank.example")[0] == 421
        for other in {one[4][0] for one in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}:
            if not other.startswith("127."):
                with pytest.raises(OSError, match="refused"):
                    socket.create_connection((other, port), timeout=5).close()
    assert server.process.returncode == 130
    assert "Traceback" not in server.said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "stderr", "tiny.yaml"]


@needs_nicegui
@pytest.mark.slow
def test_with_a_host_the_address_has_a_token_and_it_is_said_what_that_means(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    with served(tmp_path, "tiny.yaml", "--host", "0.0.0.0", "--language", "zh") as server:
        address = server.address.replace("0.0.0.0", "127.0.0.1")
        plain, _, token = address.partition("?token=")
        assert plain.endswith("/zh")
        assert len(token) >= 43
        assert fetched(plain)[0] == 403
        assert fetched(f"{plain}?token={token[::-1]}")[0] == 403
        assert fetched(plain, Cookie=f"{COOKIE}={token}")[0] == 200
        assert "0.0.0.0 is not this machine alone" in server.said
