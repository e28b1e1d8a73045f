"""Arrays on a socket: a length, a head in JSON, and the bytes of the arrays one after the other; never pickle."""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from sim.exchange import Arrays

LENGTH = struct.Struct("!I")
LONGEST_HEAD = 1 << 24  # bytes


def packed(head: Mapping[str, Any], arrays: Arrays = ()) -> bytes:
    """One message."""
    kinds = [[array.dtype.str, list(array.shape)] for array in arrays]
    text = json.dumps({**head, "arrays": kinds}).encode()
    return b"".join([LENGTH.pack(len(text)), text, *(np.ascontiguousarray(array).tobytes() for array in arrays)])


def unpacked(stream: BinaryIO) -> tuple[dict[str, Any], Arrays]:
    """The next message of a stream; `EOFError` where it ends, within a message too."""
    (size,) = LENGTH.unpack(_read(stream, LENGTH.size))
    if size > LONGEST_HEAD:
        raise ValueError("no message of a shard")
    head = json.loads(_read(stream, size))
    arrays = []
    for kind, shape in head.pop("arrays"):
        dtype = np.dtype(kind)
        if dtype.hasobject:
            raise ValueError("no message of a shard")
        whole = _read(stream, dtype.itemsize * math.prod(shape))
        arrays.append(np.frombuffer(whole, dtype).reshape(shape))
    return head, tuple(arrays)


def _read(stream: BinaryIO, size: int) -> bytearray:
    whole = bytearray(size)  # so that arrays can be written to
    view = memoryview(whole)
    while view:
        got = stream.readinto(view)  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        view = view[got:]
    return whole


def lively(one: socket.socket) -> None:
    """Small messages go at once, and a partner whose machine is gone is noticed."""
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
