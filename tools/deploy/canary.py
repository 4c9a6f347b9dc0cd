"""Canary releases: a share of the calls runs the new versions, which are monitored and then judged.

An error alarm ends a canary at once. At its end, the new versions are compared with the old ones by
errors, latency and throttles, and the API by its 5xx answers. Without enough traffic the canary
fails.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools.deploy import canary_traffic, live_alias
from tools.deploy.canary_traffic import Source, Traffic
from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.deploy.live_alias import Shift

POLL_SECONDS = 2.0
ALARMS_A_CALL = 100
FEWEST_CALLS = 20
"""The fewest calls for a sample: at 10 % errors, one in eight samples of this size shows none."""
TOLERATED_ERRORS = 0.01
SLOWER = 2.0
SLOWER_MS = 200.0  # a new version also has cold starts


class CanaryFailedError(RefusedError):
    """The canary failed or could not be judged, and every function was rolled back."""


@dataclass(frozen=True)
class Monitor:
    """The criteria for a canary: alarms and traffic."""

    cloudwatch: Any
    source: Source


def monitor(target: Environment) -> Monitor:
    return Monitor(target.client("cloudwatch"), canary_traffic.source(target))


@dataclass(frozen=True)
class Canary:
    """A canary that gets `percent` of the calls for `seconds`.

    The alarms evaluate five minutes, so a shorter canary shows little.
    """

    percent: int
    seconds: int


def error_alarm(function: str) -> str:
    """Return the alarm's name as modules/api_lambda/alarms.tf sets it."""
    return f"{function}-errors"


def states(cloudwatch: Any, shifts: Sequence[Shift]) -> dict[str, str]:
    """Return the state of each function's error alarm: OK, ALARM or INSUFFICIENT_DATA.

    Functions without an alarm are left out.
    """
    names = {error_alarm(shift.function): shift.function for shift in shifts}
    found: dict[str, str] = {}
    for start in range(0, len(names), ALARMS_A_CALL):
        asked = list(names)[start : start + ALARMS_A_CALL]
        for alarm in cloudwatch.describe_alarms(AlarmNames=asked)["MetricAlarms"]:
            found[names[alarm["AlarmName"]]] = alarm["StateValue"]
    return found


def require_watched(shifts: Sequence[Shift], before: dict[str, str]) -> None:
    """Raise RefusedError if a function has no error alarm, or its alarm is on already."""
    unwatched = [shift.function for shift in shifts if shift.function not in before]
    ringing = [function for function, state in before.items() if state == "ALARM"]
    for functions, what in (
        (
            unwatched,
            "has no error alarm that a canary could watch (set alarms = true in locals.tf)",
        ),
        (ringing, "is already in alarm, so a canary would prove nothing"),
    ):
        if functions:
            raise RefusedError(
                f"{', '.join(functions)} {what}. Nothing was shifted. CANARY=0 shifts all calls at once."
            )


def execute(lambda_client: Any, monitor: Monitor, shifts: Sequence[Shift], canary: Canary) -> None:
    """Shift `percent` of the calls, monitor and judge; keep the weights if all is well.

    Raises:
        RefusedError: An alarm is missing or on already; nothing was changed.
        CanaryFailedError: An alarm went off, a new version is worse, or it had too few calls. The
            weights were reset, as after any other exception.
    """
    require_watched(shifts, states(monitor.cloudwatch, shifts))
    since = time.time()
    try:
        for shift in shifts:
            live_alias.set_weight(lambda_client, shift, canary.percent)
        _watch(monitor.cloudwatch, shifts, canary.seconds)
        judge(monitor.source, shifts, since)
    except BaseException:
        live_alias.undo(lambda_client, shifts)
        raise


def _watch(cloudwatch: Any, shifts: Sequence[Shift], seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while True:
        ringing = sorted(
            function for function, state in states(cloudwatch, shifts).items() if state == "ALARM"
        )
        if ringing:
            raise CanaryFailedError(
                f"{', '.join(map(error_alarm, ringing))} went off, so every function was rolled back to its old version. "
                "Look for the cause in the log groups of these functions."
            )
        if (left := deadline - time.monotonic()) <= 0:
            return
        time.sleep(min(POLL_SECONDS, left))


def judge(source: Source, shifts: Sequence[Shift], since: float) -> None:
    """Compare new and old versions.

    Raise CanaryFailedError if one is worse, or had too few calls.
    """
    served = {shift.function: source.served(shift.function, shift.after, since) for shift in shifts}
    total = sum(traffic.calls for traffic in served.values())
    faults = [
        fault for shift in shifts for fault in _faults(source, shift, served[shift.function], since)
    ]
    api = source.api(since)
    if api.errors > 1 and api.error_rate > TOLERATED_ERRORS:
        faults.append(f"the API answered {api.errors} of {api.calls} requests with a 5xx")
    if faults:
        raise CanaryFailedError(
            "\n".join(
                [
                    "the canary failed, so every function was rolled back:",
                    *(f"  {one}." for one in faults),
                ]
            )
        )
    if total < FEWEST_CALLS:
        raise CanaryFailedError(
            f"only {total} calls reached the new versions, and {FEWEST_CALLS} are needed to judge them. Every function "
            "was rolled back. Watch longer (WATCH=…), give it a larger share (CANARY=…), or shift all calls at once (CANARY=0)."
        )
    unseen = sorted(function for function, traffic in served.items() if not traffic.calls)
    print(f"canary: {total} calls of the new versions are as good as the old ones.")
    if unseen:
        print(f"canary: not judged, since nobody called them: {', '.join(unseen)}.")


def _faults(source: Source, shift: Shift, new: Traffic, since: float) -> Iterator[str]:
    old = source.served(shift.function, shift.before, since)
    name = f"{shift.function} {shift.after}"
    if new.error_rate > 2 * old.error_rate + TOLERATED_ERRORS:
        yield f"{name} failed {new.errors} of {new.calls} calls, {shift.before} {old.errors} of {old.calls}"
    if min(new.calls, old.calls) >= FEWEST_CALLS and (
        new.average_ms > SLOWER * old.average_ms + SLOWER_MS
    ):
        yield f"{name} took {new.average_ms:.0f} ms on average, {shift.before} {old.average_ms:.0f} ms"
    if throttled := source.throttles(shift.function, since):
        yield f"{shift.function} was throttled {throttled} times"
