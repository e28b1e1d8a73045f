"""One thread for small matrices: several are no faster, and many times slower where other work wants the cores."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Inside, linear algebra keeps to one thread, if threadpoolctl is installed (it comes with the extra survey)."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(1, user_api="blas"):
        yield
