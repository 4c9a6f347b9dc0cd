"""A canary: a share of the calls on the new versions, for as long as none of the functions' error alarms goes off."""

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
    """Which alarms went off. Every function is on its old version again."""


@dataclass(frozen=True)
class Canary:
    """`percent` of the calls for `seconds`. The alarms look at five minutes, so less than that sees little."""

    percent: int
    seconds: int


def error_alarm(function: str) -> str:
    """As modules/api_lambda/alarms.tf names it."""
    return f"{function}-errors"


def states(cloudwatch: Any, shifts: Sequence[Shift]) -> dict[str, str]:
    """Function → state of its error alarm: OK, ALARM or INSUFFICIENT_DATA. Those without an alarm are not in it."""
    names = {error_alarm(shift.function): shift.function for shift in shifts}
    found: dict[str, str] = {}
    for start in range(0, len(names), ALARMS_A_CALL):
        asked = list(names)[start : start + ALARMS_A_CALL]
        for alarm in cloudwatch.describe_alarms(AlarmNames=asked)["MetricAlarms"]:
            found[names[alarm["AlarmName"]]] = alarm["StateValue"]
    return found


def require_watched(shifts: Sequence[Shift], before: dict[str, str]) -> None:
    """Raises RefusedError: a canary that nobody watches, or whose alarm rings already, would show nothing."""
    unwatched = [shift.function for shift in shifts if shift.function not in before]
    ringing = [function for function, state in before.items() if state == "ALARM"]
    for functions, what in (
        (
            unwatched,
            "has no error alarm that a canary could watch (locals.tf: alarms = true makes them)",
        ),
        (ringing, "is in alarm already, so a canary would show nothing"),
    ):
        if functions:
            raise RefusedError(
                f"{', '.join(functions)} {what}. Nothing was shifted; CANARY=0 shifts all calls at once."
            )


def fly(lambda_client: Any, cloudwatch: Any, shifts: Sequence[Shift], canary: Canary) -> None:
    """Weighs every function, watches, and leaves the weights where they are if all stays quiet.

    Raises:
        RefusedError: there is nothing to watch; nothing was changed.
        CanaryFailedError: an alarm went off; the weights are taken back, as by any other exception and by Ctrl-C.
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
                f"{', '.join(map(error_alarm, ringing))} went off, so every function is on its old version again. "
                "The function's log group says why."
            )
        if (left := deadline - time.monotonic()) <= 0:
            return
        time.sleep(min(POLL_SECONDS, left))
