"""EventBridge's scheduled rules: when one is due, its functions are invoked and nobody waits for them.

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
from local_aws.event_sources.schedule_expression import ScheduleError, next_due
from local_aws.lambda_service import InvokeError, LambdaService
from local_aws.settings import ACCOUNT_ID

LOOK_SECONDS = 0.25
PRINCIPAL = "events.amazonaws.com"

_ATTRIBUTE = "atrium_due"  # of moto's backend: rule ARN -> (its expression, epoch seconds), carried by its snapshot

Now = Callable[[], datetime]

log = logging.getLogger("local_aws.event_sources")


class Schedules:
    """`now` tells UTC. What fell due while the stack was stopped is done once, when it starts."""

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
        """Refuses expressions that AWS refuses, which moto takes; forwards everything else of EventBridge."""
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
        """Decides, and remembers the next time. A rate begins when its rule is made or changed."""
        due: dict[str, tuple[str, float]] = vars(
            events_backends[ACCOUNT_ID][rule.region_name]
        ).setdefault(_ATTRIBUTE, {})
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
                    "%s: the target %s: the laptop's AWS calls functions only",
                    rule.name,
                    target["Arn"],
                )
                continue
            payload = json.dumps(_input(target, event)).encode()
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


def _input(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html: Input, InputPath or InputTransformer."""
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
