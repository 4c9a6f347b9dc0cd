"""Schedule expressions of EventBridge: `rate(…)` and `cron(…)`, in UTC.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import re
from datetime import datetime, timedelta

from aws_croniter import AwsCroniter
from aws_croniter.exceptions import AwsCroniterExpressionError

_RATE = re.compile(r"^rate\((?P<value>[1-9]\d*) (?P<unit>minute|hour|day)(?P<plural>s?)\)$")
_CRON = re.compile(r"^cron\((?P<fields>.+)\)$")


class ScheduleError(Exception):
    """An expression that EventBridge rejects."""


def next_due(expression: str, after: datetime) -> datetime | None:
    """Return the first due time after `after` (UTC); None if a cron expression has no more.

    Raise `ScheduleError` for an invalid expression.
    """
    if rate := _RATE.match(expression):
        if (rate["value"] == "1") == bool(rate["plural"]):
            raise ScheduleError(
                f"{expression}: the unit must be singular for 1 and plural otherwise"
            )
        return after + timedelta(**{f"{rate['unit']}s": int(rate["value"])})
    if cron := _CRON.match(expression):
        try:
            due: datetime | None = AwsCroniter(cron["fields"]).occurrence(after).next()
        except (AwsCroniterExpressionError, ValueError) as error:
            raise ScheduleError(f"{expression}: {error}") from None
        return due
    raise ScheduleError(f"{expression} must be rate(…) or cron(…)")
