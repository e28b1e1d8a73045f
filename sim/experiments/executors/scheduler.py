"""A Dask scheduler that others started, with the workers it has: reached, looked at, used, left running."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.experiments.executors.place import FORMS, Say, close, silent

if TYPE_CHECKING:
    from distributed import Client

REACHED_WITHIN = 10  # seconds


@dataclass(frozen=True)
class Existing:
    """The scheduler at an address. Its workers are not ours: it is not closed, and not opened anew."""

    address: str
    workers: int = 0
    ours: bool = False
    local: bool = False
    here: bool = False
    patience: float = 300.0

    @property
    def words(self) -> str:
        """Where and how many."""
        return f"Dask scheduler {self.address}, {self.workers} worker thread{'' if self.workers == 1 else 's'}"

    @contextmanager
    def open(self, folder: Path | None = None, say: Say = silent) -> Iterator[tuple[Client, Any]]:
        """A client of the scheduler, after a look at what its workers are and see."""
        with self.connected() as client:
            for line in remarks(client):
                say(line)
            if folder is not None:
                check_sight(client, folder, f"--cluster {self.address}", say)
            yield client, None

    @contextmanager
    def connected(self) -> Iterator[Client]:
        """A client of the scheduler; `BadInput` if it does not answer."""
        from distributed import Client

        try:
            with warnings.catch_warnings(), _quiet():
                warnings.simplefilter("ignore")  # of versions: `remarks` says it in one line
                client = Client(self.address, timeout=REACHED_WITHIN, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError):
            raise _no_answer(self.address) from None
        try:
            yield client
        finally:
            with _quiet():
                close(client, 5)


def _no_answer(address: str) -> BadInput:
    other = "tcp" if address.startswith("tls") else "tls"
    message = f"something listens there, but no Dask scheduler answers; is it one, and is it {other}://?"
    return BadInput.at(f"--cluster {address}", message)


def existing(text: str) -> Existing:
    """The scheduler at ``tcp://HOST:PORT`` or ``tls://HOST:PORT``, which answers and has workers, or `BadInput`."""
    place = f"--cluster {text}"
    match = re.fullmatch(r"(?:([a-z+]+)://)?(\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+):([0-9]{1,5})/?", text)
    if match is None or not 0 < int(match[3]) < 65536:
        raise BadInput.at("--cluster", f"{text!r} is no place that is known; {FORMS}")
    scheme, host, port = match[1], match[2].strip("[]"), int(match[3])
    if scheme is None:
        raise BadInput.at("--cluster", f"{text!r} lacks its protocol; did you mean tcp://{text}?")
    if scheme not in ("tcp", "tls"):
        raise BadInput.at("--cluster", f"{scheme}:// is not understood; {FORMS}")
    if scheme == "tls":
        _check_certificates(place)
    try:
        socket.create_connection((host, port), timeout=REACHED_WITHIN).close()
    except socket.gaierror:
        raise BadInput.at(place, f"no machine is known by the name {host}; a name or address") from None
    except TimeoutError:
        raise BadInput.at(place, f"no answer in {REACHED_WITHIN} s; another address, or open the firewall") from None
    except ConnectionRefusedError:
        raise BadInput.at(place, "nothing listens there; start one with `dask scheduler`, or another port") from None
    except OSError as error:
        raise BadInput.at(place, f"cannot be reached ({error.strerror or error}); another address") from None
    address = text.rstrip("/")
    try:
        with _quiet():
            identity = asyncio.run(_identity(address))
    except (OSError, ValueError, TypeError, RuntimeError, TimeoutError):
        raise _no_answer(address) from None
    width = sum(int(worker["nthreads"]) for worker in identity["workers"].values())
    if width == 0:
        raise BadInput.at(place, "the scheduler has no workers; start some with `dask worker --nthreads 1`")
    return Existing(address, width)


async def _identity(address: str) -> dict[str, Any]:
    """What a scheduler says of itself; a client would wait for ever where something listens and is silent."""
    from distributed import Security, rpc

    scheduler = rpc(address, timeout=REACHED_WITHIN, connection_args=Security().get_connection_args("client"))
    try:
        identity: dict[str, Any] = await asyncio.wait_for(scheduler.identity(n_workers=-1), REACHED_WITHIN)
        return identity
    finally:
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(scheduler.close_rpc(), 1)


def _check_certificates(place: str) -> None:
    """TLS to somebody else's scheduler needs files that Dask's own configuration names."""
    from distributed import Security

    for key, value in Security().get_tls_config_for_role("client").items():
        if key == "ca_file" and value is None:
            name = "DASK_DISTRIBUTED__COMM__TLS__CA_FILE"
            raise BadInput.at(place, f"tls needs certificates; set {name} and those of the client (docs/clusters.md)")
        if key.endswith(("file", "cert", "key")) and value and "\n" not in value and not Path(value).is_file():
            raise BadInput.at(place, f"no such certificate: {value}; the file that Dask's configuration names")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Dask's log: what goes wrong is said in a line of our own."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)


def remarks(client: Client) -> Iterator[str]:
    """What the user should know of a scheduler that others started, a line each."""

    def limits(dask_scheduler: Any = None) -> tuple[int, float]:  # by value: a scheduler need not know this program
        return dask_scheduler.allowed_failures, dask_scheduler.WORKER_SATURATION

    failures, saturation = client.run_on_scheduler(limits)
    if failures > 1:
        yield f"the scheduler allows {failures} failures of a task: a poison unit kills more workers; 1 is best"
    if saturation > 1:
        yield f"the scheduler's worker-saturation is {saturation}: work queued at a worker dies with it; 1.0 is best"
    workers = list(client.scheduler_info(n_workers=-1)["workers"].values())
    bare = sum(not worker.get("nanny") for worker in workers)
    if bare:
        yield f"{bare} of {len(workers)} workers have no nanny: nobody restarts them when a unit kills them"
    broad = sum(worker["nthreads"] > 1 for worker in workers)
    if broad:
        yield f"{broad} of {len(workers)} workers have several threads; processes with --nthreads 1 are faster"
    versions: Any = client.get_versions()
    ours = versions["client"]["packages"]
    for name in ("python", "dask", "distributed", "numpy", "numba"):
        others = {str(worker["packages"].get(name)) for worker in versions["workers"].values()} - {str(ours.get(name))}
        if others and ours.get(name) is not None:
            yield f"workers have {name} {', '.join(sorted(others))}, this process {ours[name]}; the same is best"


def check_sight(client: Client, folder: Path, place: str, say: Say = silent, workers: list[str] | None = None) -> None:
    """`BadInput` unless workers have this program's code and see the folder; asks each with a small file."""
    token = secrets.token_hex(8)
    file = folder.resolve() / f".seen-{token}"

    def look(path: str) -> tuple[str, str, str]:
        """Name of the machine, digest of the program's sources there, content of the file; "" for what is not there.

        Travels by value, so that a worker without this program can answer, and imports nothing of it: where numba
        keeps its compiled code is decided when it is imported first.
        """
        import hashlib
        import importlib.util
        import socket
        from pathlib import Path

        digest = ""
        if (found := importlib.util.find_spec("sim")) is not None and found.origin is not None:
            sources = hashlib.sha256()
            for source in sorted(Path(found.origin).parent.rglob("*.py")):
                sources.update(source.read_bytes())
            digest = sources.hexdigest()
        try:
            seen = Path(path).read_text()
        except OSError:
            seen = ""
        return socket.gethostname(), digest, seen

    file.write_text(token)
    try:
        answers: Any = client.run(look, str(file), workers=workers, on_error="return")
        _, ours, _ = look(str(file))
    finally:
        file.unlink(missing_ok=True)
    for address, answer in answers.items():
        if isinstance(answer, Exception):
            say(f"worker {address} did not answer: {type(answer).__name__}: {answer}")
            continue
        host, sources, seen = answer
        if not sources:
            raise BadInput.at(
                place,
                f"the worker on {host} does not find this program; install it there, or start its "
                "workers with PYTHONPATH set to its folder",
            )
        if sources != ours:
            raise BadInput.at(
                place,
                f"the worker on {host} has other sources of this program than this process; "
                "restart workers from the same",
            )
        if seen != token:
            raise BadInput.at(
                place,
                f"the worker on {host} does not see {folder}; --out must be on a file system "
                "that driver and workers share, under the same path",
            )
