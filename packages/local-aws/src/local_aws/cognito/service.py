"""What every operation needs."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from local_aws.cognito.keys import SigningKey
from local_aws.cognito.state import State


class Invocation(Protocol):
    """What a function answered: its JSON, and `Handled`/`Unhandled` if it failed."""

    @property
    def payload(self) -> bytes: ...

    @property
    def function_error(self) -> str | None: ...


class Invoke(Protocol):
    """Runs a function and waits. `source` is (service principal, ARN of the pool), which the function's policy must allow.

    Raises `InvokeError` if no function ran.
    """

    def __call__(
        self, function: str, payload: bytes, /, *, source: tuple[str, str]
    ) -> Awaitable[Invocation]: ...


@dataclass
class Service:
    endpoint_url: str
    invoke: Invoke
    key: SigningKey
    state: State
    clock: Callable[[], float] = time.time  # epoch seconds

    def issuer(self, pool_id: str) -> str:
        return f"{self.endpoint_url}/{pool_id}"
