"""Reads that do not depend on each other, at once: together they take one round trip."""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future

WORKERS = 8
"""Fewer than the SDK's ten pooled connections: with more it would open new ones and throw them away."""

_pool: Any = None


def run[Result](calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Return what each call returns, in their order. Raise what the first of them to fail raises.

    The first call runs in the caller's own thread. A thread is not waited for when the deadline ends the invocation.
    """
    waiting = [start(call) for call in calls[1:]]
    return [calls[0](), *(future.result() for future in waiting)] if calls else []


def start[Result](call: Callable[[], Result]) -> "Future[Result]":
    """Start the call in another thread. It must not wait for a further one: it may have the last of the threads."""
    # With the context of the request: what it writes there is under the caller's condition, too.
    found: Future[Result] = _executor().submit(copy_context().run, call)
    return found


def _executor() -> Any:
    global _pool
    if _pool is None:
        from concurrent.futures import (
            ThreadPoolExecutor,
        )  # not at the top: most functions read one thing at a time

        _pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="read")
    return _pool
