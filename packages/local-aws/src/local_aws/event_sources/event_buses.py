"""EventBridge's buses: PutEvents, rules with an event pattern, and their targets.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.events.models import events_backends
from moto.sqs.models import sqs_backends

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.control_plane.moto_app import Moto
from local_aws.event_sources import patterns
from local_aws.event_sources.schedules import PRINCIPAL, Now, target_input
from local_aws.iam.resource_policies import admits
from local_aws.lambda_service import InvokeError, LambdaService
from local_aws.settings import ACCOUNT_ID

_REQUIRED = ("Source", "DetailType", "Detail")
_OTHER_RULES = ("wildcard", "cidr")

log = logging.getLogger("local_aws.event_sources")


class DeliveryError(Exception):
    """A delivery that AWS does not retry. `code` is the dead-letter queue's ERROR_CODE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EventBuses:
    """Delivers events to the functions and queues of the rules that they match.

    `on_change` is called after deliveries, because no AWS call reports them.
    """

    def __init__(
        self, moto: Moto, functions: LambdaService, on_change: Callable[[], None], now: Now
    ) -> None:
        self._moto = moto
        self._functions = functions
        self._on_change = on_change
        self._now = now

    async def intercept(self, call: AwsCall, forward: Forward) -> AwsResponse:
        """Answer PutEvents, and reject patterns and targets that would have no effect."""
        fields = json.loads(call.body or b"{}")
        match call.action:
            case "PutEvents":
                return await self._put(call.region, fields["Entries"])
            case "PutRule" if pattern := fields.get("EventPattern"):
                if refusal := _refused_pattern(pattern):
                    return refusal
            case "PutTargets":
                if refusal := _refused_targets(fields["Targets"]):
                    return refusal
        return await forward(call)

    async def _put(self, region: str, entries: list[dict[str, Any]]) -> AwsResponse:
        results = [await self._accept(region, entry) for entry in entries]
        failed = sum("ErrorCode" in each for each in results)
        self._on_change()
        return _json(200, {"FailedEntryCount": failed, "Entries": results})

    async def _accept(self, region: str, entry: dict[str, Any]) -> dict[str, str]:
        if error := _invalid(entry):
            return error
        event = self._event(region, entry)
        for rule in _matching(region, entry.get("EventBusName", "default"), event):
            for target in list(rule.targets):
                await self._deliver(rule, target, event)
        return {"EventId": event["id"]}

    def _event(self, region: str, entry: dict[str, Any]) -> dict[str, Any]:
        time = entry.get("Time")
        at = datetime.fromtimestamp(time, UTC) if time is not None else self._now()
        return {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": ACCOUNT_ID,
            "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "region": region,
            "resources": entry.get("Resources", []),
            "detail": json.loads(entry["Detail"]),
        }

    async def _deliver(self, rule: Any, target: dict[str, Any], event: dict[str, Any]) -> None:
        payload = json.dumps(target_input(target, event))
        try:
            if ":lambda:" in target["Arn"]:
                self._invoke(rule, target["Arn"], payload)
            else:
                group = target.get("SqsParameters", {}).get("MessageGroupId")
                await self._moto.run(lambda: _send(rule, target["Arn"], payload, group=group))
        except DeliveryError as error:
            log.warning("%s: not delivered to %s: %s", rule.name, target["Arn"], error)
            await self._give_up(rule, target, event, error)

    def _invoke(self, rule: Any, function: str, payload: str) -> None:
        try:
            self._functions.accept(
                function, payload.encode(), source=(PRINCIPAL, rule.arn), region=rule.region_name
            )
        except InvokeError as error:
            code = "NO_RESOURCE" if error.status == 404 else "NO_PERMISSIONS"
            raise DeliveryError(code, str(error)) from None

    async def _give_up(
        self, rule: Any, target: dict[str, Any], event: dict[str, Any], error: DeliveryError
    ) -> None:
        """Send the event to the target's dead-letter queue, if it has one."""
        queue = target.get("DeadLetterConfig", {}).get("Arn")
        if not queue:
            return
        facts = {
            "RULE_ARN": rule.arn, "TARGET_ARN": target["Arn"],
            "ERROR_CODE": error.code, "ERROR_MESSAGE": str(error),
        }  # fmt: skip
        try:
            await self._moto.run(lambda: _send(rule, queue, json.dumps(event), facts))
        except DeliveryError as lost:
            log.error(
                "%s: an event is lost, since its dead-letter queue failed: %s", rule.name, lost
            )


def _send(
    rule: Any,
    arn: str,
    body: str,
    attributes: dict[str, str] | None = None,
    group: str | None = None,
) -> None:
    """Send a message to a queue whose policy admits the rule. Raise DeliveryError."""
    *_, region, _, name = arn.split(":")
    backend: Any = sqs_backends[ACCOUNT_ID][region]
    queue = backend.queues.get(name)
    if queue is None:
        raise DeliveryError("NO_RESOURCE", "The queue does not exist.")
    statements = json.loads(queue.policy)["Statement"] if queue.policy else []
    listed = statements if isinstance(statements, list) else [statements]
    if not admits(listed, PRINCIPAL, rule.arn, "sqs:SendMessage", arn):
        raise DeliveryError("NO_PERMISSIONS", "The queue's policy does not admit the rule.")
    typed = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in (attributes or {}).items()
    }
    backend.send_message(name, body, message_attributes=typed, group_id=group)


def _matching(region: str, bus: str, event: dict[str, Any]) -> Iterator[Any]:
    """Return the enabled rules of the bus, a name or an ARN, whose pattern matches.

    AWS accepts events for a bus that does not exist, and drops them.
    """
    found: Any = events_backends[ACCOUNT_ID][region].event_buses.get(bus.rpartition("/")[2])
    for rule in list(found.rules.values()) if found else []:
        pattern = rule.event_pattern.get_pattern() if rule.event_pattern else None
        if pattern and rule.state == "ENABLED" and patterns.matches(pattern, event):
            yield rule


def _invalid(entry: dict[str, Any]) -> dict[str, str] | None:
    for name in _REQUIRED:
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    try:
        is_object = isinstance(json.loads(entry["Detail"]), dict)
    except ValueError:
        is_object = False
    malformed = {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None if is_object else malformed


def _refused_pattern(text: str) -> AwsResponse | None:
    try:
        patterns.parse(text)
    except patterns.PatternError as error:
        for name in _OTHER_RULES:
            if f'{{"{name}":' in str(error):
                return _not_emulated(f"the rule `{name}` of event patterns")
        return _error(400, "InvalidEventPatternException", f"Event pattern is not valid. {error}")
    return None


def _refused_targets(targets: list[dict[str, Any]]) -> AwsResponse | None:
    for target in targets:
        if (service := target["Arn"].split(":")[2]) not in ("lambda", "sqs"):
            return _not_emulated(f"targets of the service `{service}`")
    return None


def _not_emulated(what: str) -> AwsResponse:
    return _error(501, "NotEmulated", f"events: {what}. It is not emulated.")


def _error(status: int, code: str, message: str) -> AwsResponse:
    return _json(status, {"__type": code, "message": message})


def _json(status: int, body: dict[str, Any]) -> AwsResponse:
    return AwsResponse(
        status, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.1"}
    )
