"""Shards of one bank, all alive at the same time: a task for each on a worker of its own, and a hub in this process.

A shard whose worker dies is a task that Dask hands to another worker, where it goes on from what it has kept. The hub
is a socket of the driver and not an actor of Dask's: a question is answered in some tenths of a millisecond, and where
the cluster has certificates they are used here too. Workers must be able to reach the driver's machine.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from sim.errors import RunFailed, SimError, one_line
from sim.exchange.hub import Apart, Hub, Link, Unreached
from sim.experiments.callbacks import Callback
from sim.experiments.executors.deaths import WorkerDeaths
from sim.experiments.executors.place import Where

DEATHS = 20  # of workers with the same shard, after which the bank is given up
LOOK = 0.05  # seconds between looks at how shards do
ASK = 2.0  # seconds between questions how many workers there are


class ShardJob(Protocol):
    """Work that can be sent to a worker: lives one shard of a bank and returns a receipt."""

    @property
    def shards(self) -> int: ...

    def live(self, shard: int, address: tuple[str, int], token: str) -> dict[str, Any]: ...


class ShardBroke(Exception):
    """A shard raised, or its workers died too often: why, in one line, and the traceback."""

    def __init__(self, reason: str, trace: str = ""):
        super().__init__(reason)
        self.trace = trace


def live_together(
    job: ShardJob,
    where: Where,
    callback: Callback,
    *,
    folder: Path,
    log: Path,
    hear: Callable[[int, dict[str, Any]], None],
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Live all shards; their receipts, and what the exchange has cost.

    `folder` is what workers must see, `log` where answers are kept for a driver that comes after this one. `hear` is
    told in this thread what shards tell. Raises `ShardBroke` when a shard breaks, `RunFailed` when the cluster does.
    """
    with WorkerDeaths() as deaths, where.open(folder, callback.note) as (client, _):
        told: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        hub = Hub(
            job.shards,
            host=_facing(client.scheduler_info(n_workers=0)["address"]),
            tls=_context(client.security.get_listen_args("client")),
            folder=log,
            hear=lambda shard, what: told.put((shard, what)),
        )
        try:
            receipts = _watched(job, where, client, hub, deaths, callback, lambda: _pass_on(told, hear))
        finally:
            hub.close()
        _pass_on(told, hear)
        facts = {"rounds": hub.rounds, "bytes_in": hub.bytes_in, "bytes_out": hub.bytes_out}
        return receipts, facts | {"seconds": hub.seconds, "asked_again": hub.again}


def _watched(
    job: ShardJob,
    where: Where,
    client: Any,
    hub: Hub,
    deaths: WorkerDeaths,
    callback: Callback,
    look: Callable[[], None],
) -> list[dict[str, Any]]:
    """The receipts of all shards; each is handed out again as often as its worker dies, up to a bound."""
    from distributed import KilledWorker

    group, died = f"shard-{uuid.uuid4().hex}", [0] * job.shards
    enough, asked, workers = time.monotonic(), -ASK, 0

    def hand_out(shard: int) -> Any:
        key = (group, shard, died[shard])
        return client.submit(job.live, shard, hub.address, hub.token, pure=False, key=key)

    under_way = {shard: hand_out(shard) for shard in range(job.shards)}
    receipts: dict[int, dict[str, Any]] = {}
    while under_way:
        time.sleep(LOOK)
        look()
        if client.status not in ("running", "connecting"):
            raise RunFailed("the scheduler is lost; --resume goes on from the last months that were kept")
        if (now := time.monotonic()) - asked > ASK:
            asked = now
            with contextlib.suppress(Exception):  # a scheduler that does not answer is noticed above
                workers = sum(client.ncores().values())
            callback.tick(workers)
        enough = now if workers >= job.shards else enough
        if now - enough > where.patience:
            raise RunFailed(f"{workers} of {job.shards} workers for {where.patience:.0f} s; --resume goes on")
        if hub.broken and all(future.status == "error" for future in under_way.values()):
            raise ShardBroke(hub.broken)
        for shard, future in list(under_way.items()):
            if future.status == "finished":
                receipts[shard] = future.result()
                del under_way[shard]
            elif future.status == "error":
                error = future.exception()
                if isinstance(error, Apart):
                    if not hub.broken:  # its line broke
                        died[shard] += 1
                        if isinstance(error, Unreached) or died[shard] > DEATHS:
                            raise ShardBroke(f"{error}; workers must be able to reach the driver's machine")
                        under_way[shard] = hand_out(shard)
                    continue
                if not isinstance(error, KilledWorker):
                    hub.close(str(error))
                    _raise(error, future)
                died[shard] += error.allowed_failures + 1
                if died[shard] > DEATHS:
                    raise ShardBroke(f"shard {shard + 1}: {deaths.reason(error, died[shard])}")
                under_way[shard] = hand_out(shard)
            elif future.status in ("cancelled", "lost"):
                died[shard] += 1
                under_way[shard] = hand_out(shard)
    return [receipts[shard] for shard in range(job.shards)]


def _raise(error: BaseException, future: Any) -> None:
    """An error of ours as it is; any other as what broke the bank, with its traceback."""
    import traceback

    if isinstance(error, SimError):
        raise error
    trace = "".join(traceback.format_exception(type(error), error, future.traceback()))
    raise ShardBroke(one_line(f"{type(error).__name__}: {error}"), trace)


def _pass_on(told: queue.SimpleQueue[tuple[int, dict[str, Any]]], hear: Callable[[int, dict[str, Any]], None]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            hear(*told.get_nowait())


def _facing(address: str) -> str:
    """The address of this machine that those who reach the scheduler can reach."""
    parts = urlsplit(address)
    host, port = parts.hostname or "127.0.0.1", parts.port or 1
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.connect((host, port))  # sends nothing
        return str(one.getsockname()[0])


def _context(arguments: dict[str, Any]) -> Any:
    """The certificates of the cluster, None where it has none."""
    return arguments.get("ssl_context")


@contextlib.contextmanager
def linked(address: tuple[str, int], token: str, shard: int) -> Iterator[Link]:
    """In a worker: the line of a shard to the hub in the driver."""
    from distributed import get_worker

    link = Link(address, token, shard, tls=_context(get_worker().security.get_connection_args("worker")))
    try:
        yield link
    finally:
        link.close()
