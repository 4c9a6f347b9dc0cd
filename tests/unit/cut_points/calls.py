"""The place through which every call to a store passes, to record it or to kill the process there.

Every botocore client and every round trip to Postgres is covered. Calls that are added to a
function are recorded without a change of the tests.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.client import BaseClient

from atrium.stores import postgres
from atrium.stores.pipeline import PipelinedConnection, Statement
from tests.unit.conftest import finish_reads, forget


class KilledError(BaseException):
    """A kill of the process. No exception handler in the product catches it."""


@dataclass(frozen=True)
class Cut:
    """The place of a kill: before the call with this number is sent, or after it took effect."""

    call: int
    after: bool


@dataclass
class Calls:
    """The calls of all processes of a flow, and the cut to make in one of them."""

    names: list[str] = field(default_factory=list)
    cut: Cut | None = None
    _is_recording: bool = False
    _is_dead: bool = False
    _one_at_a_time: Any = field(default_factory=threading.RLock)

    @contextmanager
    def process(self) -> Iterator[None]:
        """Record the calls of a new process with empty caches."""
        forget()
        self._is_recording, self._is_dead = True, False
        try:
            yield
        finally:
            finish_reads()  # the threads of a killed process die with it
            postgres.disconnect()
            self._is_recording = False

    def make(self, name: str, call: Callable[[], Any]) -> Any:
        if not self._is_recording:
            return call()
        with self._one_at_a_time:  # moto's stores are not safe for threads
            if self._is_dead:
                raise KilledError
            here = self.cut is not None and self.cut.call == len(self.names)
            self.names.append(name)
            if here and self.cut and not self.cut.after:
                self._die()
            try:
                return call()
            finally:
                if here:
                    self._die()

    def _die(self) -> None:
        self._is_dead, self.cut = True, None
        raise KilledError


def record(calls: Calls, patch: pytest.MonkeyPatch) -> None:
    """Let all calls of all clients pass through `calls`."""
    send, execute = BaseClient._make_api_call, PipelinedConnection.execute  # type: ignore[attr-defined]

    def make_api_call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        name = f"{client.meta.service_model.service_name} {operation}"
        return calls.make(name, lambda: send(client, operation, parameters))

    def run(connection: PipelinedConnection, statements: Any) -> Any:
        return calls.make(_name(statements), lambda: execute(connection, statements))

    patch.setattr(BaseClient, "_make_api_call", make_api_call)
    patch.setattr(PipelinedConnection, "execute", run)


def _name(statements: list[Statement]) -> str:
    return "postgres " + " + ".join(each.sql.split(None, 1)[0] for each in statements)
