"""Steps that calls and sign-ins consist of, so that one flow serves the sync and the async client.

A flow is a generator. It yields a step, and gets the step's outcome back or its error raised.
"""

import asyncio
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


@dataclass(frozen=True)
class Pause:
    """A wait before the flow goes on."""

    seconds: float


@dataclass(frozen=True)
class Exclusive:
    """A flow that waits until no other exclusive flow of this client runs."""

    flow: "Flow[Any]"


type Step = httpx.Request | Pause | Exclusive
type Flow[T] = Generator[Step, Any, T]


class Runner:
    """Runs flows in the calling thread."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self._lock = threading.Lock()

    def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    outcome = self._take(step)
                except Exception as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return] # StopIteration is not generic

    def _take(self, step: Step) -> object:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        if isinstance(step, Exclusive):
            with self._lock:
                return self.run(step.flow)
        return self.http.send(step)


class AsyncRunner:
    """Runs flows on the event loop."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self._lock = asyncio.Lock()

    async def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    outcome = await self._take(step)
                except Exception as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return] # StopIteration is not generic

    async def _take(self, step: Step) -> object:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        if isinstance(step, Exclusive):
            async with self._lock:
                return await self.run(step.flow)
        return await self.http.send(step)
