"""Canary releases: a share of the calls runs the new versions while error alarms are watched."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.deploy import live_alias
from tools.deploy.errors import RefusedError
from tools.deploy.live_alias import Shift

POLL_SECONDS = 2.0
ALARMS_A_CALL = 100


class CanaryFailedError(RefusedError):
    """An alarm went off during the canary, and every function was rolled back."""


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


def execute(lambda_client: Any, cloudwatch: Any, shifts: Sequence[Shift], canary: Canary) -> None:
    """Shift `percent` of the calls of every function and watch the alarms; keep the weights if none goes off.

    Raises:
        RefusedError: An alarm is missing or on already; nothing was changed.
        CanaryFailedError: An alarm went off; the weights were reset, as after any other exception.
    """
    require_watched(shifts, states(cloudwatch, shifts))
    try:
        for shift in shifts:
            live_alias.weigh(lambda_client, shift, canary.percent)
        _watch(cloudwatch, shifts, canary.seconds)
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
