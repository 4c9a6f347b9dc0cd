"""The operation name of a call.

REST services identify it by method and path, which the API's model resolves.
"""

import re
from functools import cache

import botocore.session
from botocore.exceptions import UnknownServiceError

from local_aws.aws_call import AwsCall


def operation_name(call: AwsCall) -> str:
    """Return the name, such as `GetUsage`, or method and path if no model contains them."""
    if call.action:
        return call.action
    path = call.path.rstrip("/") or "/"
    if (call.service, call.method, path) == ("apigateway", "POST", "/restapis"):
        # two operations with the same method and path
        return "ImportRestApi" if "mode=import" in call.query else "CreateRestApi"
    found = [
        name
        for method, pattern, name in _operations(model_of(call))
        if method == call.method and pattern.fullmatch(path)
    ]
    return found[0] if len(found) == 1 else f"{call.method} {call.path}"


def success_status(call: AwsCall) -> int | None:
    """Return the status of a successful answer by the service's model; None if it has none."""
    return _statuses(model_of(call)).get(operation_name(call))


@cache
def _statuses(service: str) -> dict[str, int]:
    try:
        model = botocore.session.Session().get_service_model(service)
    except UnknownServiceError:
        return {}
    statuses = {
        name: model.operation_model(name).http.get("responseCode", 200)
        for name in model.operation_names
    }
    # POST /restapis is CreateRestApi or ImportRestApi, which cannot be told apart by the path.
    return statuses | {"POST /restapis": statuses.get("CreateRestApi", 200)}


def model_of(call: AwsCall) -> str:
    """Return the service's name in botocore's models; HTTP APIs sign as REST APIs do."""
    if call.service == "ses" and call.path.startswith("/v2/"):
        return "sesv2"
    if call.service == "servicequotas":
        return "service-quotas"
    return (
        "apigatewayv2"
        if call.service == "apigateway" and call.path.startswith("/v2/")
        else call.service
    )


@cache
def _operations(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    try:
        model = botocore.session.Session().get_service_model(service)
    except UnknownServiceError:
        return []
    operations = [model.operation_model(name) for name in model.operation_names]
    return [
        (each.http["method"], _pattern(each.http["requestUri"]), each.name) for each in operations
    ]


def _pattern(uri: str) -> re.Pattern[str]:
    """Convert `/a/{b}/{c+}?d` to `/a/[^/]+/.+`."""
    path = uri.partition("?")[0].rstrip("/") or "/"
    parts = re.split(r"(\{[^}]+\})", path)
    return re.compile(
        "".join(
            (".+" if part.endswith("+}") else "[^/]+") if part[:1] == "{" else re.escape(part)
            for part in parts
        )
    )
