"""Concurrent callers that have all read the table before the first of them writes."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from atrium.stores import dynamodb
from tools.laptop.answer import Answer

WRITERS = 50
_PATIENCE = 300
"""Seconds until all must have reached their first transaction; a function that ends without one
ends the wait at once.
"""


class Crowd:
    """Callers in threads. Each call to the table is atomic, as in DynamoDB but not in moto."""

    def __init__(self) -> None:
        self.call = dynamodb.client()._make_api_call
        self._inside = threading.Lock()
        self._own = threading.local()

    def at_once(self, calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
        """Run each function in a thread; hold each at its first transaction until all have come.

        Fail if a function never comes to a transaction, because not all of them would have raced.
        """
        door = threading.Barrier(len(calls))

        def enter(call: Callable[[], Answer]) -> Answer:
            self._own.door = door
            try:
                return call()
            finally:
                if self._own.door:
                    door.abort()

        with ThreadPoolExecutor(len(calls)) as pool:
            answers = list(pool.map(enter, calls))
        assert not door.broken, (
            f"not all came to write: {sorted({(each.status, each.text) for each in answers})}"
        )
        return answers

    def make_api_call(self, operation: str, parameters: dict[str, Any]) -> Any:
        """Replace botocore's own method."""
        door, is_write = getattr(self._own, "door", None), operation == "TransactWriteItems"
        if door and is_write:
            self._own.door = None
            door.wait(_PATIENCE)
        with self._inside:
            return self.call(operation, parameters)
