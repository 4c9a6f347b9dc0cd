"""Lambda's answers, where moto's differ: states, fields that are left out, and errors.

A function is Pending in the answer to CreateFunction and InProgress in the answer to an update. The
next call finds it Active, with another revision, as on AWS after a few seconds.

https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.lambda_service.function_settings import renew_revision
from local_aws.lambda_service.references import Reference
from local_aws.request_model.operation_name import operation_name

type Configuration = dict[str, Any]

_REASON, _CODE = "The function is being created.", "Creating"
_PENDING = {"State": "Pending", "StateReason": _REASON, "StateReasonCode": _CODE}
_NOT_LISTED = (
    *("State", "StateReason", "StateReasonCode", "LastUpdateStatus", "RuntimeVersionConfig"),
)
# Where moto answers with another status than Lambda.
_STATUS = {"DeleteAlias": 204, "GetAlias": 200, "TagResource": 204, "UpdateAlias": 200}


def shaped(call: AwsCall, response: AwsResponse, function: Reference | None) -> AwsResponse:
    """Return moto's answer in the form of Lambda's."""
    try:
        content = json.loads(response.body or b"{}")
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return response
    if response.status >= 400:
        return _error(response, content)
    operation = operation_name(call)
    status = _STATUS.get(operation, response.status)
    if shape := _SHAPES.get(operation):
        shape(content, call, function)
        return replace(response, status=status, body=json.dumps(content).encode())
    return replace(response, status=status, body=b"" if status == 204 else response.body)


def _error(response: AwsResponse, content: dict[str, Any]) -> AwsResponse:
    message = content.get("Message") or content.get("message")
    if message is None or response.status >= 500 or "validation error" in message:
        return response
    body = {"Type": "User", **content, "Message": message, "message": message}
    return replace(response, body=json.dumps(body).encode())


def _created(content: Configuration, call: AwsCall, function: Reference | None) -> None:
    _configuration(content)
    content.pop("LastUpdateStatus", None)
    content |= _PENDING
    renew_revision(call.region, content["FunctionName"])


def _updated(content: Configuration, call: AwsCall, function: Reference | None) -> None:
    _configuration(content)
    if content.get("Version") != "$LATEST":
        content.pop("LastUpdateStatus", None)
        content |= _PENDING
        return
    content |= {
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": _REASON,
        "LastUpdateStatusReasonCode": _CODE,
    }
    renew_revision(call.region, content["FunctionName"])


def _read(content: Configuration, call: AwsCall, function: Reference | None) -> None:
    """Complete a configuration; an alias is named by its own ARN."""
    found = content.get("Configuration", content)
    _configuration(found)
    if function and function.qualifier:
        found["FunctionArn"] = function.qualified_arn


def _listed(listed: str) -> Callable[[Configuration, AwsCall, Reference | None], None]:
    def shape(content: Configuration, call: AwsCall, function: Reference | None) -> None:
        for each in content.get(listed, ()):
            _configuration(each)
            for name in _NOT_LISTED:
                each.pop(name, None)

    return shape


def _published(content: Configuration, call: AwsCall, function: Reference | None) -> None:
    _configuration(content)


def _configuration(found: Configuration) -> None:
    if not found.get("Layers"):
        found.pop("Layers", None)
    for name in ("SigningProfileVersionArn", "SigningJobArn", "KMSKeyArn", "VpcConfig"):
        if found.get(name) is None:
            found.pop(name, None)
    if vpc := found.get("VpcConfig"):
        vpc.setdefault("Ipv6AllowedForDualStack", False)
        vpc.setdefault("VpcId", "")
    if found.get("PackageType") == "Zip" and found.get("Runtime"):
        region = found["FunctionArn"].split(":")[3]
        digest = hashlib.sha256(found["Runtime"].encode()).hexdigest()
        found["RuntimeVersionConfig"] = {
            "RuntimeVersionArn": f"arn:aws:lambda:{region}::runtime:{digest}"
        }


def _alias(content: Configuration, call: AwsCall, function: Reference | None) -> None:
    if not (content.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
        content.pop("RoutingConfig", None)


def _aliases(content: Configuration, call: AwsCall, function: Reference | None) -> None:
    version = parse_qs(call.query).get("FunctionVersion", [None])[0]
    kept = [
        each
        for each in content.get("Aliases", ())
        if version in (None, each["FunctionVersion"], *_weights(each))
    ]
    for each in kept:
        _alias(each, call, function)
    content["Aliases"] = kept


def _weights(alias: Configuration) -> Any:
    return (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


_SHAPES: dict[str, Callable[[Configuration, AwsCall, Reference | None], None]] = {
    "CreateAlias": _alias,
    "CreateFunction": _created,
    "GetAlias": _alias,
    "GetFunction": _read,
    "GetFunctionConfiguration": _read,
    "ListAliases": _aliases,
    "ListFunctions": _listed("Functions"),
    "ListVersionsByFunction": _listed("Versions"),
    "PublishVersion": _published,
    "UpdateAlias": _alias,
    "UpdateFunctionCode": _updated,
    "UpdateFunctionConfiguration": _updated,
}
