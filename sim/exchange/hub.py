"""Where the shards of a bank meet: a small service in the driver that answers when all have asked.

Answers are kept from the oldest month on from which a shard would live again, in memory and, if it has a folder, on
disk. A shard that is lived again asks the same questions anew and is given the answers there were; the others wait.
"""

from __future__ import annotations

import contextlib
import hmac
import itertools
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, BinaryIO, cast

from sim.exchange import SEND, Arrays, answers
from sim.exchange.wire import lively, packed, unpacked

PATIENCE = 30.0  # seconds for a first word
LOG = "answers-*.log"


class Apart(Exception):
    """The shards do not live together any more: another one broke, or the driver is gone."""


class Unreached(Apart):
    """A shard cannot reach the hub at all."""


class Hub:
    """Answers the questions of so many shards; `hear` is told what a shard tells, by its number.

    `address` and `token` are what a shard needs to come (`Link`); with `tls`, the context of a server, all is encrypted
    and both ends are known. Counts `rounds`, bytes and seconds of all that it answered.
    """

    def __init__(
        self,
        shards: int,
        *,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        folder: Path | None = None,
        hear: Callable[[int, dict[str, Any]], None] = lambda shard, told: None,
    ):
        self.shards, self.hear, self.token = shards, hear, secrets.token_hex(32)
        self.rounds = self.bytes_in = self.bytes_out = 0
        self.seconds = 0.0  # of answering, waiting for shards left out
        self.again = 0  # questions that were asked before
        self._tls, self._folder = tls, folder
        self._log: BinaryIO | None = None
        self.broken = ""  # why nothing is answered any more
        self._news = threading.Condition()
        self._parts: dict[int, tuple[str, Arrays]] = {}
        self._answers: dict[int, list[Arrays]] = {}
        self._next = 0  # the round that is asked now
        self._kept = [0] * shards
        if folder is not None:
            self._recall(folder)
        self._server = socket.create_server((host, 0), backlog=max(shards, 16))
        self.address: tuple[str, int] = self._server.getsockname()[:2]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self, why: str = "the driver ended") -> None:
        """Answer nothing more."""
        with self._news:
            self.broken = self.broken or why
            self._news.notify_all()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        if self._log is not None:
            self._log.close()
            self._log = None

    # --- shards ------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while True:
            try:
                one, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, ValueError, KeyError, TypeError):
            lively(one)
            one.settimeout(PATIENCE)
            with self._tls.wrap_socket(one, server_side=True) if self._tls else one as safe:
                stream = cast(BinaryIO, safe.makefile("rb", buffering=1 << 16))
                hello, _ = unpacked(stream)
                shard = int(hello["shard"])
                if not hmac.compare_digest(hello["token"], self.token) or not 0 <= shard < self.shards:
                    return
                safe.settimeout(None)
                while True:
                    head, arrays = unpacked(stream)
                    if "ask" in head:
                        safe.sendall(self._answered(shard, head["round"], head["ask"], arrays))
                    elif "kept" in head:
                        self._forget(shard, head["kept"])
                    else:
                        self.hear(shard, head)

    def _answered(self, shard: int, number: int, kind: str, arrays: Arrays) -> bytes:
        with self._news:
            if not min(self._kept) <= number <= self._next:  # would wait for ever
                return packed({"broken": f"question {number} of shard {shard + 1} is not among those that are kept"})
            self.again += number < self._next
            if number == self._next and not self.broken:
                self._parts[shard] = kind, arrays
                if len(self._parts) == self.shards:
                    try:
                        self._answer()
                    except Exception as error:  # nobody shall wait for it
                        self.broken = f"{type(error).__name__}: {error}"
                    self._news.notify_all()
            self._news.wait_for(lambda: number < self._next or self.broken)
            if number >= self._next:
                return packed({"broken": self.broken})
            answer = self._answers[number][shard]
        return packed({}, answer)

    def _answer(self) -> None:
        began = perf_counter()
        kinds = sorted({kind for kind, _ in self._parts.values()})
        if len(kinds) > 1:
            self.broken = f"shards are not at the same point of the month: {', '.join(kinds)}"
            return
        parts = [self._parts[shard][1] for shard in range(self.shards)]
        found = answers(kinds[0], parts)
        self._answers[self._next] = found
        self._write(kinds[0], found)
        self._next += 1
        self._parts = {}
        self.rounds += 1
        self.bytes_in += sum(array.nbytes for part in parts for array in part)
        self.bytes_out += sum(array.nbytes for answer in found for array in answer)
        self.seconds += perf_counter() - began

    # --- what is kept ------------------------------------------------------------------------------------------

    def _forget(self, shard: int, number: int) -> None:
        """A shard would live again from this round on: what nobody will ask again is forgotten."""
        with self._news:
            before = min(self._kept)
            self._kept[shard] = number
            if (first := min(self._kept)) == before:
                return
            for old in range(before, first):
                self._answers.pop(old, None)
            if self._folder is not None and self._log is not None:
                self._log.close()
                self._log = open(self._folder / f"answers-{self._next:012d}.log", "ab")  # noqa: SIM115
                for old_log, next_log in itertools.pairwise(sorted(self._folder.glob(LOG))):
                    if _first(next_log) <= first:
                        old_log.unlink(missing_ok=True)

    def _write(self, kind: str, found: list[Arrays]) -> None:
        """Before anybody is answered, so that a driver that comes after this one knows what was answered."""
        if self._log is not None:
            kept = found if kind == SEND else found[:1]
            sizes = [len(answer) for answer in kept]
            flat = tuple(array for answer in kept for array in answer)
            self._log.write(packed({"round": self._next, "sizes": sizes}, flat))
            self._log.flush()

    def _recall(self, folder: Path) -> None:
        """What an earlier driver answered; a record that was cut short was answered to nobody."""
        folder.mkdir(parents=True, exist_ok=True)
        for log in sorted(folder.glob(LOG)):
            self._next = max(self._next, _first(log))  # all before may be forgotten, and nothing asked since
            whole = 0
            with open(log, "rb") as stream, contextlib.suppress(EOFError, ValueError, KeyError):
                while True:
                    head, flat = unpacked(stream)
                    ends = iter(flat)
                    found = [tuple(next(ends) for _ in range(size)) for size in head["sizes"]]
                    self._answers[head["round"]] = found if len(found) > 1 else found * self.shards
                    self._next = head["round"] + 1
                    whole = stream.tell()
            with open(log, "r+b") as stream:
                stream.truncate(whole)
        self._kept = [min(self._answers, default=self._next)] * self.shards
        self._log = open(folder / f"answers-{self._next:012d}.log", "ab")  # noqa: SIM115


def _first(log: Path) -> int:
    """The round that a log begins with."""
    return int(log.stem.rpartition("-")[2])


class Link:
    """A shard's line to the hub: `ask` for `sim.exchange.Linked`, and what else there is to say."""

    def __init__(
        self, address: tuple[str, int], token: str, shard: int, *, tls: ssl.SSLContext | None = None, number: int = 0
    ):
        self.number = number  # of the next question
        self.seconds = 0.0  # of asking, others waited for
        try:
            bare = socket.create_connection(address, timeout=PATIENCE)
            lively(bare)
            self._socket = tls.wrap_socket(bare, server_hostname=address[0]) if tls else bare
            self._socket.settimeout(None)
            self._stream = cast(BinaryIO, self._socket.makefile("rb", buffering=1 << 16))
            self._say({"token": token, "shard": shard})
        except OSError as error:
            raise Unreached(f"the driver at {address[0]}:{address[1]} cannot be reached ({error})") from None

    def ask(self, kind: str, arrays: Arrays) -> Arrays:
        """Ask, and wait until all have; raises `Apart` where there will be no answer."""
        began = perf_counter()
        self._say({"ask": kind, "round": self.number}, arrays)
        try:
            head, answer = unpacked(self._stream)
        except (OSError, EOFError):
            raise Apart("the driver is gone") from None
        if "broken" in head:
            raise Apart(head["broken"])
        self.number += 1
        self.seconds += perf_counter() - began
        return answer

    def tell(self, **told: Any) -> None:
        """Say something that needs no answer."""
        self._say(told)

    def kept(self, number: int) -> None:
        """From this question on this shard would ask again, were it to die."""
        self._say({"kept": number})

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _say(self, head: dict[str, Any], arrays: Arrays = ()) -> None:
        try:
            self._socket.sendall(packed(head, arrays))
        except OSError:
            raise Apart("the driver is gone") from None
