"""Checks of stage settings.

moto answers 200 to any patch operation, and applies canary settings to the whole stage.

https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html (UpdateStage)
"""

import json
import re
from typing import Any

from local_aws.api_gateway.errors import NotEmulatedError
from local_aws.aws_call import AwsCall

_STAGES = re.compile(r"^/restapis/[a-z0-9]+/(?:stages(?:/[^/]+)?|deployments)/?$")
_PATHS = re.compile(
    r"/(?:deploymentId|description|cacheClusterEnabled|cacheClusterSize|clientCertificateId|tracingEnabled|documentationVersion"
    r"|variables(?:/.+)?|accessLogSettings(?:/(?:destinationArn|format))?"
    r"|.+/[A-Z*]+(?:/(?:metrics|logging|throttling|caching)/[A-Za-z]+)?)"
)


class InvalidStageError(Exception):
    """An invalid patch operation, with the message of AWS's BadRequestException."""


def check_stage(call: AwsCall) -> None:
    """Raise `NotEmulatedError` or `InvalidStageError` for stage settings without an effect here."""
    if not _STAGES.match(call.path) or call.method not in ("POST", "PATCH"):
        return
    asked = json.loads(call.body or b"{}")
    if asked.get("canarySettings"):
        raise NotEmulatedError(
            "canary settings of a stage. A canary of a function is an alias with weights"
        )
    if asked.get("cacheClusterEnabled"):
        raise NotEmulatedError("the cache of a stage")
    for operation in asked.get("patchOperations") or []:
        _check_operation(operation)


def _check_operation(operation: dict[str, Any]) -> None:
    path, value = str(operation.get("path")), str(operation.get("value", "")).lower()
    if path.startswith("/canarySettings"):
        raise NotEmulatedError(
            "canary settings of a stage. A canary of a function is an alias with weights"
        )
    if value == "true" and (path == "/cacheClusterEnabled" or path.endswith("/caching/enabled")):
        raise NotEmulatedError("the cache of a stage")
    if operation.get("op") not in ("add", "remove", "replace", "copy") or not _PATHS.fullmatch(
        path
    ):
        raise InvalidStageError(
            f"Invalid patch operation specified. {operation.get('op')} {path} is not supported."
        )
