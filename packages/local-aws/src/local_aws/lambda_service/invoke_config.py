"""Event invoke configs: retries, maximum age and destinations per function, version or alias.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html

moto keeps one config for all qualifiers and never changes it. The configs here are stored on moto's
backend, so that its snapshot contains them.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.iam.sessions import role_may
from local_aws.lambda_service.deployed import LATEST, DeployedFunction, find
from local_aws.lambda_service.destinations import ACTIONS
from local_aws.lambda_service.errors import InvokeError, invalid, not_found
from local_aws.moto_state import additions
from local_aws.settings import ACCOUNT_ID

PATH = re.compile(
    r"^/2019-09-25/functions/(?P<function>[^/]+)/event-invoke-config(?P<list>/list)?$"
)

_LIMITS = {"MaximumRetryAttempts": (0, 2), "MaximumEventAgeInSeconds": (60, 21_600)}

Stored = dict[str, Any]  # the config in the form of the API


@dataclass(frozen=True)
class InvokeConfig:
    """An event invoke config with AWS's defaults.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """

    retries: int = 2
    max_age: float = 21_600  # seconds
    on_success: str | None = None  # ARN
    on_failure: str | None = None


def invoke_config(function: DeployedFunction) -> InvokeConfig:
    """Return the config of exactly the invoked qualifier.

    The config of an alias does not apply to $LATEST.
    """
    stored = _all(function.region).get(_key(function), {})
    targets = stored.get("DestinationConfig") or {}
    return InvokeConfig(
        retries=stored.get("MaximumRetryAttempts", InvokeConfig.retries),
        max_age=stored.get("MaximumEventAgeInSeconds", InvokeConfig.max_age),
        on_success=(targets.get("OnSuccess") or {}).get("Destination"),
        on_failure=(targets.get("OnFailure") or {}).get("Destination"),
    )


def answer(call: AwsCall, match: re.Match[str]) -> AwsResponse:
    """Answer a call about event invoke configs; raise `InvokeError` if AWS would reject it."""
    qualifier = parse_qs(call.query).get("Qualifier", [None])[0]
    named = unquote(match["function"])
    stored = _all(call.region)
    if call.method in ("GET", "DELETE") and not match["list"]:
        key = f"{named}:{qualifier or LATEST}"
        if key not in stored:
            raise _without_config(call.region, key)
        if call.method == "DELETE":
            del stored[key]
            return AwsResponse(204, b"")
        return _json(stored[key])
    asked = {} if match["list"] else _asked(call)
    function = _existing(named, qualifier, call.region)
    if match["list"]:
        mine = [each for key, each in stored.items() if key.rpartition(":")[0] == function.name]
        return _json(_page(mine, parse_qs(call.query)))
    if call.method == "POST" and _key(function) not in stored:
        raise _without_config(call.region, _key(function))
    before = stored.get(_key(function), {}) if call.method == "POST" else {}
    stored[_key(function)] = made = _made(before, asked, function)
    return _json(made)


def _asked(call: AwsCall) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(call.body or b"{}")
    if not any(asked.get(name) is not None for name in (*_LIMITS, "DestinationConfig")):
        raise invalid("You must specify at least one of error handling or destination setting.")
    return asked


def _page(configs: list[Stored], query: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return a page; its marker is the number of the next config."""
    start = int(query.get("Marker", ["0"])[0])
    end = start + int(query.get("MaxItems", ["50"])[0])
    found: dict[str, Any] = {"FunctionEventInvokeConfigs": configs[start:end]}
    return found | ({"NextMarker": str(end)} if end < len(configs) else {})


def _existing(named: str, qualifier: str | None, region: str) -> DeployedFunction:
    try:
        return find(named, qualifier, region)
    except InvokeError:
        raise not_found("The function doesn't exist.") from None


def _without_config(region: str, key: str) -> InvokeError:
    arn = f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{key}"
    return not_found(f"The function {arn} doesn't have an EventInvokeConfig")


def _all(region: str) -> dict[str, Stored]:
    return additions.of_lambda(region).event_invoke_configs


def _key(function: DeployedFunction) -> str:
    return f"{function.name}:{function.qualifier or LATEST}"


def _made(before: Stored, asked: Mapping[str, Any], function: DeployedFunction) -> Stored:
    made = before | {
        name: asked[name] for name in (*_LIMITS, "DestinationConfig") if asked.get(name) is not None
    }
    for name, (least, most) in _LIMITS.items():
        if not least <= made.get(name, least) <= most:
            raise invalid(f"{name} is {made[name]}; it must be between {least} and {most}.")
    for target in (made.get("DestinationConfig") or {}).values():
        if destination := target.get("Destination"):
            _check_destination(destination, function, made["DestinationConfig"])
    targets = {"OnSuccess": {}, "OnFailure": {}} | (made.get("DestinationConfig") or {})
    made["DestinationConfig"] = targets
    return made | {"FunctionArn": function.qualified_arn, "LastModified": time.time()}


def _check_destination(
    arn: str, function: DeployedFunction, asked: Mapping[str, Mapping[str, str]]
) -> None:
    service = (arn.split(":") + [""] * 3)[2]
    if service not in (*ACTIONS, "s3", "events"):
        raise invalid(_unknown_destination(asked))
    if service not in ACTIONS:
        message = (
            f"lambda: the destination {arn} is not emulated. "
            "Use an SQS queue, an SNS topic or a function."
        )
        raise InvokeError(501, "NotEmulated", message)
    if service == "lambda":
        _check_target(arn, function)
    if not role_may(function.role, ACTIONS[service], arn).allowed:
        name = ACTIONS[service].partition(":")[2]
        raise invalid(
            f"The function's execution role does not have permissions to call {name} on {arn}"
        )


def _unknown_destination(asked: Mapping[str, Mapping[str, str]]) -> str:
    shown = {
        name: (asked.get(name) or {}).get("Destination") for name in ("OnSuccess", "OnFailure")
    }
    texts = [
        f"{name[0].lower()}{name[1:]}="
        + (f"{name}(destination={destination})" if destination else "null")
        for name, destination in shown.items()
    ]
    return f"The provided destination config DestinationConfig({', '.join(texts)}) is invalid."


def _check_target(arn: str, function: DeployedFunction) -> None:
    try:
        target = find(arn)
    except InvokeError:
        raise invalid(f"The destination ARN {arn} is invalid.") from None
    if target.name == function.name:
        raise invalid("You can't specify the function as a destination for itself.")


def _json(content: Stored) -> AwsResponse:
    return AwsResponse(200, json.dumps(content).encode(), {"Content-Type": "application/json"})
