"""EventBridge's scheduled rules, which invoke their functions asynchronously.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.events.models import events_backends
from moto.events.utils import EventTemplateParser

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.lambda_service import InvokeError, LambdaService
from local_aws.moto_state import additions
from local_aws.request_model.schedule_expression import ScheduleError, next_due
from local_aws.settings import ACCOUNT_ID

LOOK_SECONDS = 0.25
PRINCIPAL = "events.amazonaws.com"

Now = Callable[[], datetime]

log = logging.getLogger("local_aws.event_sources")


class Schedules:
    """The scheduler; `now` returns UTC.

    Runs that were missed while the stack was stopped happen once, when it starts.
    """

    def __init__(self, functions: LambdaService, on_change: Callable[[], None], now: Now) -> None:
        self._functions = functions
        self._on_change = on_change
        self._now = now

    async def run(self) -> None:
        while True:
            for rule in _scheduled_rules():
                if self._is_due(rule):
                    self._fire(rule)
            await asyncio.sleep(LOOK_SECONDS)

    async def intercept(self, call: AwsCall, forward: Forward) -> AwsResponse:
        """Reject expressions that AWS rejects and moto accepts.

        Forward all other EventBridge calls.
        """
        if call.action == "PutRule" and (
            expression := json.loads(call.body).get("ScheduleExpression")
        ):
            try:
                next_due(expression, self._now())
            except ScheduleError as error:
                log.warning("%s", error)
                body = {
                    "__type": "ValidationException",
                    "message": "Parameter ScheduleExpression is not valid.",
                }
                return AwsResponse(
                    400, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.1"}
                )
        return await forward(call)

    def _is_due(self, rule: Any) -> bool:
        """Decide if the rule is due, and record its next time.

        A rate begins when its rule is created or changed.
        """
        due = additions.of_events(rule.region_name).due
        now = self._now()
        expression, moment = due.get(rule.arn, ("", 0.0))
        is_known = expression == rule.scheduled_expression
        if is_known and moment > now.timestamp():
            return False
        following = next_due(rule.scheduled_expression, now)
        due[rule.arn] = (
            rule.scheduled_expression,
            following.timestamp() if following else float("inf"),
        )
        self._on_change()
        return bool(is_known)

    def _fire(self, rule: Any) -> None:
        event = {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT_ID,
            "time": f"{self._now():%Y-%m-%dT%H:%M:%SZ}",
            "region": rule.region_name,
            "resources": [rule.arn],
            "detail": {},
        }
        for target in list(rule.targets):
            if ":lambda:" not in target["Arn"]:
                log.error(
                    "%s: the target %s is not emulated. Use a function",
                    rule.name,
                    target["Arn"],
                )
                continue
            payload = json.dumps(target_input(target, event)).encode()
            try:
                self._functions.accept(
                    target["Arn"], payload, source=(PRINCIPAL, rule.arn), region=rule.region_name
                )
            except InvokeError as error:
                log.error("%s: %s", rule.name, error)


def _scheduled_rules() -> Iterator[Any]:
    for backend in list(events_backends[ACCOUNT_ID].values()):
        for bus in list(backend.event_buses.values()):
            for rule in list(bus.rules.values()):
                if rule.scheduled_expression and rule.state == "ENABLED":
                    yield rule


def target_input(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """Return the event from Input, InputPath or InputTransformer.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
    """
    if "Input" in target:
        return json.loads(target["Input"])
    found: Any = event
    if transformer := target.get("InputTransformer"):
        return EventTemplateParser.parse(
            transformer["InputTemplate"], transformer.get("InputPathsMap", {}), found
        )
    for name in target.get("InputPath", "$").split(".")[1:]:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def utc_now() -> datetime:
    return datetime.now(UTC)
