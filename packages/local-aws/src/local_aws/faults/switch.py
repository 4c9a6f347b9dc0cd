"""The switch: which dependency has which fault, and until when."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

LONGEST_SECONDS = 300.0  # a fault ends by itself, so that a forgotten one cannot confuse anybody
DELAY_SECONDS = 1.0
SKEW_SECONDS = 20 * 60.0  # beyond the 5 minutes of a signature and the 15 of a database token


class Dependency(StrEnum):
    POSTGRES = "postgres"
    PROXY = "proxy"
    DYNAMODB = "dynamodb"
    COGNITO = "cognito"
    SECRETS = "secrets"  # KMS and Secrets Manager


class Kind(StrEnum):
    KILL = "kill"
    HANG = "hang"
    DELAY = "delay"
    THROTTLE = "throttle"
    ERROR = "error"
    SKEW = "skew"


NOT_APPLICABLE = {
    (Dependency.POSTGRES, Kind.SKEW): (
        "Postgres reads the machine's clock, which no process of the local AWS can move. On AWS,"
        " Amazon Time Sync keeps the clocks of RDS."
    ),
}


class FaultError(Exception):
    """A fault that cannot be switched on, with the reason."""


@dataclass(frozen=True)
class Fault:
    """A fault that lasts from its start until `ended` is set."""

    dependency: Dependency
    kind: Kind
    until: float  # monotonic
    ended: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.until - time.monotonic())


class Faults:
    """The faults of one local AWS; a dependency has at most one at a time."""

    def __init__(self) -> None:
        self._active: dict[Dependency, Fault] = {}
        self._timers: dict[Dependency, asyncio.TimerHandle] = {}
        self._listeners: list[Callable[[Fault], None]] = []

    def of(self, dependency: Dependency) -> Fault | None:
        return self._active.get(dependency)

    def active(self) -> list[Fault]:
        return list(self._active.values())

    def on_start(self, listener: Callable[[Fault], None]) -> None:
        """Call `listener` with each fault that starts."""
        self._listeners.append(listener)

    def start(self, dependency: Dependency, kind: Kind, seconds: float) -> Fault:
        """Start a fault in place of the dependency's current one.

        Raises:
            FaultError: the fault does not apply, or the time is out of bounds.
        """
        if reason := NOT_APPLICABLE.get((dependency, kind)):
            raise FaultError(f"{kind} does not apply to {dependency}: {reason}")
        if not (math.isfinite(seconds) and 0 < seconds <= LONGEST_SECONDS):
            raise FaultError(f"seconds must be above 0 and at most {LONGEST_SECONDS:.0f}.")
        self.end(dependency)
        fault = Fault(dependency, kind, time.monotonic() + seconds)
        self._active[dependency] = fault
        self._timers[dependency] = asyncio.get_running_loop().call_later(seconds, self._end, fault)
        for listener in self._listeners:
            listener(fault)
        return fault

    def end(self, dependency: Dependency) -> None:
        """End the dependency's fault, if it has one."""
        if fault := self._active.get(dependency):
            self._end(fault)

    def _end(self, fault: Fault) -> None:
        self._timers.pop(fault.dependency).cancel()
        del self._active[fault.dependency]
        fault.ended.set()

    def clock(self, dependency: Dependency) -> Callable[[], float]:
        """Return the dependency's time of day, which a skew moves forward."""

        def now() -> float:
            fault = self._active.get(dependency)
            return time.time() + (SKEW_SECONDS if fault and fault.kind is Kind.SKEW else 0.0)

        return now


async def wait(fault: Fault, seconds: float) -> None:
    """Wait `seconds`, or until the fault ends."""
    try:
        async with asyncio.timeout(seconds):
            await fault.ended.wait()
    except TimeoutError:
        pass
