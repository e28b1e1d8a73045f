"""`serve [FILE]`: the bank in the browser, on this machine alone unless a host is named."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sim.errors import BadInput
from sim.verbs.common import checked, tell_book

FIRST = "strategies"  # the scenario that is shown where none is named


def serve(arguments: argparse.Namespace) -> int:
    """Read the scenario, then show it until Ctrl-C."""
    if find_spec("nicegui") is None:
        raise BadInput.at("serve", "needs NiceGUI, which is not installed; pip install 'rapport-sim[page]'")
    if len(arguments.files) > 1:
        raise BadInput.at("serve", f"{len(arguments.files)} files; the page shows one scenario")
    (one,) = checked(arguments)
    tell_book(arguments.files[0], one.book, arguments)
    if len(one.scenario.arms) < 2:
        what = f"{one.scenario.name} has one arm; the page lives a reference and an arm, side by side"
        raise BadInput.at(arguments.files[0], what)
    from sim.experiments.warming import warm
    from sim.page.session import Session
    from sim.page.shelf import RESULTS, Shelf
    from sim.page.view.server import Place, serve

    warm(lambda line: print(line, file=sys.stderr, flush=True))

    def say(place: Place) -> None:
        print(place.address, flush=True)
        if place.token is not None:
            print(
                f"{place.host} is not this machine alone: whoever has this address reaches the page over the network, "
                "unencrypted, and lives banks on this machine with its data; leave --host out for this machine only",
                file=sys.stderr,
                flush=True,
            )

    shelf = Shelf(Path(arguments.results or RESULTS))
    worth = shelf.worth(one.scenario.name)
    serve(
        lambda: Session(one, worth=worth),
        shelf,
        host=arguments.host,
        port=arguments.port,
        language=arguments.language or getattr(one.scenario, "language", None) or "en",
        browser=not arguments.no_browser,
        say=say,
    )
    return 0


def options(add: Any) -> None:
    """The verb's own options."""
    add("files", nargs="*", default=[FIRST], metavar="FILE", help=f"a scenario file or name (default: {FIRST})")
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, which no other machine reaches)")
    add("--port", type=_port, default=0, help="port to listen on (default: a free one)")
    add("--language", choices=("en", "zh"), help="language of the page that is opened (default: the scenario's)")
    add("--results", metavar="DIR", help="folder of stored runs that the page shows (default: results)")
    add("--no-browser", action="store_true", help="open no browser")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; a whole number up to 65535, 0 for a free one")
    return int(text)
