"""One driver at a time in a folder, or many shards: a lock that ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from sim.errors import BadInput, RunFailed
from sim.store.files import reason
from sim.store.folder import make_folder

FILE = "lock"
# What a file system says that has no locks: such a folder is used without.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


class Taken(Exception):
    """Somebody else holds the lock; the message says who, as far as is known."""


class Lock:
    """Held from `take` to `release` or the end of the process. Shared: by any number of shards, by no driver."""

    def __init__(self, folder: Path, name: str = FILE):
        self.file = folder / name
        self.held: int | None = None

    def take(self, *, shared: bool = False, wait: bool = False) -> None:
        """Take the lock or raise `Taken`; `wait` until it is free."""
        import fcntl

        handle = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            with contextlib.suppress(OSError):
                who = os.pread(handle, 200, 0).decode("utf-8", "replace").strip()
            os.close(handle)
            raise Taken(who or "another process") from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                os.close(handle)
                raise
        self.held = handle
        if not shared:
            with contextlib.suppress(OSError):  # who holds it is said for people; a full disk may keep it from them
                os.ftruncate(handle, 0)
                os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of it, if it is held."""
        if self.held is not None:
            os.close(self.held)
            self.held = None

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """The lock held for a while, waited for."""
        self.take(wait=True)
        try:
            yield
        finally:
            self.release()


def driver_lock(path: Path, *, shared: bool = False) -> Lock:
    """The lock of a sweep's folder, taken; `BadInput` if another driver has it. Shards share it."""
    make_folder(path)
    lock = Lock(path)
    try:
        lock.take(shared=shared)
    except Taken as other:
        raise BadInput.at(str(path), f"is being worked on by {other}; wait for it or stop it") from None
    except OSError as error:
        raise RunFailed(f"{lock.file}: cannot be written: {reason(error)}") from error
    return lock


def is_taken(folder: Path) -> bool:
    """Whether a driver or a shard is at work in a folder, as far as this machine can tell; changes nothing."""
    import fcntl

    try:
        handle = os.open(folder / FILE, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError as error:
        return error.errno not in NO_LOCKS
    finally:
        os.close(handle)
