"""When a scheduled rule is due: `rate(…)` and `cron(…)` as EventBridge reads them, in UTC.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import re
from datetime import datetime, timedelta

from aws_croniter import AwsCroniter
from aws_croniter.exceptions import AwsCroniterExpressionError

_RATE = re.compile(r"^rate\((?P<value>[1-9]\d*) (?P<unit>minute|hour|day)(?P<plural>s?)\)$")
_CRON = re.compile(r"^cron\((?P<fields>.+)\)$")


class ScheduleError(Exception):
    """Not an expression that EventBridge takes."""


def next_due(expression: str, after: datetime) -> datetime | None:
    """The first moment later than `after` (UTC); None if a cron expression has no more. Raises `ScheduleError`."""
    if rate := _RATE.match(expression):
        if (rate["value"] == "1") == bool(rate["plural"]):
            raise ScheduleError(f"{expression}: the unit is singular for 1 and plural for more")
        return after + timedelta(**{f"{rate['unit']}s": int(rate["value"])})
    if cron := _CRON.match(expression):
        try:
            due: datetime | None = AwsCroniter(cron["fields"]).occurrence(after).next()
        except (AwsCroniterExpressionError, ValueError) as error:
            raise ScheduleError(f"{expression}: {error}") from None
        return due
    raise ScheduleError(f"{expression} is neither rate(…) nor cron(…)")
