"""Concurrent reads: independent reads together take one round trip."""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future

WORKERS = 8
"""The number of threads, below the SDK's pool of ten connections. It would discard further ones."""

_pool: Any = None


def run[Result](calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Return what each call returns, in order. Raise the error of the first call that fails.

    The first call runs in the caller's own thread. The deadline does not wait for the threads.
    """
    waiting = [start(call) for call in calls[1:]]
    return [calls[0](), *(future.result() for future in waiting)] if calls else []


def start[Result](call: Callable[[], Result]) -> "Future[Result]":
    """Start the call in another thread.

    The call must not wait for another one: if no thread is left, the other one would never start.
    """
    # The request's context is copied, so writes in the thread also carry the caller's condition.
    found: Future[Result] = _executor().submit(copy_context().run, call)
    return found


def close() -> None:
    """Wait until the started calls have ended, and end the threads.

    A later call starts new ones.
    """
    global _pool
    _executor().shutdown()
    _pool = None


def _executor() -> Any:
    global _pool
    if _pool is None:
        from concurrent.futures import (
            ThreadPoolExecutor,
        )  # imported here: most functions do not read concurrently

        _pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="read")
    return _pool
