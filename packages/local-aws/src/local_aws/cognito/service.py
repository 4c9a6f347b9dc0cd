"""The dependencies that all operations share."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from local_aws.cognito.keys import SigningKey
from local_aws.cognito.state import State


class Invocation(Protocol):
    """A function's answer: its JSON, and `Handled` or `Unhandled` if it failed."""

    @property
    def payload(self) -> bytes: ...

    @property
    def function_error(self) -> str | None: ...


class Invoke(Protocol):
    """A function that runs a Lambda function and waits.

    `source` is (service principal, ARN of the pool); the function's policy must allow it. Raise
    `InvokeError` if no function ran.
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
