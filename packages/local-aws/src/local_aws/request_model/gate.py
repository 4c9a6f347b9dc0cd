"""The gate at the endpoint: checks requests by their service's model and counts the checks."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import botocore.session
from aiohttp import web
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.request_model import own_rules, parameters
from local_aws.request_model.constraints import Count, Node, Violation, compile_input, violations
from local_aws.request_model.operation_name import model_of, operation_name
from local_aws.request_model.refusal import refusal

# botocore's model names of services that sign under another name.
MODELS = {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}


class RequestModelGate:
    """An interceptor that rejects requests that violate AWS's model, and counts its checks."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.count = Count()

    async def check(self, call: AwsCall) -> AwsResponse | None:
        """Return the service's error answer, or None."""
        if (known := _operation(model_of(call), _name(call))) is None:
            self.unread[call.service] += 1
            return None
        model, node = known
        try:
            sent = parameters.read(call, model)
        except parameters.UnreadableError:
            self.unread[call.service] += 1
            return None
        self.checked[call.service] += 1
        found = [
            *_placed(call, model, violations(node, sent, self.count)),
            *own_rules.violations(call.service, model.name, sent, self.count),
        ]
        if not found:
            return None
        self.refused[call.service] += 1
        return refusal(call, found)

    def routes(self) -> list[web.RouteDef]:
        """Return the page that lists the checks."""

        async def page(_: web.Request) -> web.Response:
            content = {
                "calls": sum(self.checked.values()),
                "values": self.count.values,
                "refused": dict(self.refused),
                "not_read": dict(self.unread),
                "by_service": dict(self.checked.most_common()),
            }
            return web.Response(text=json.dumps(content), content_type="application/json")

        return [web.get("/_local/request-model", page)]


def _placed(call: AwsCall, model: Any, found: Iterable[Violation]) -> Iterator[Violation]:
    """Name members of a body as API Gateway does: `createRestApiInput.name`."""
    for each in found:
        member = next((one for one in model.input_shape.members if _starts(each.path, one)), None)
        place = model.input_shape.members[member].serialization.get("location") if member else ""
        if call.service == "apigateway" and place is None:
            name = f"{model.name[:1].lower()}{model.name[1:]}Input.{each.path}"
            yield replace(each, path=name)
        else:
            yield each


def _starts(path: str, member: str) -> bool:
    return path.partition(".")[0] == f"{member[:1].lower()}{member[1:]}"


def _name(call: AwsCall) -> str:
    """Return the operation's name, including `CreateBucket`.

    No other operation of S3 is recognized, since method and path do not identify it.
    """
    if (
        call.service == "s3"
        and call.method == "PUT"
        and not call.query
        and call.path.strip("/").count("/") == 0
    ):
        return "CreateBucket"
    return operation_name(call)


@cache
def _operation(service: str, name: str) -> tuple[Any, Node] | None:
    """Return the operation's model and its constraints; None if botocore has none.

    The result is cached.
    """
    try:
        model = _service(service).operation_model(name)
    except (UnknownServiceError, KeyError, ValueError, OperationNotFoundError):
        return None
    return model, compile_input(service, model.input_shape) if model.input_shape else Node()


@cache
def _service(service: str) -> Any:
    return botocore.session.Session().get_service_model(MODELS.get(service, service))


def parameters_of(call: AwsCall) -> dict[str, Any]:
    """Return the parameters by the names of AWS's model; empty if they cannot be parsed."""
    known = _operation(model_of(call), _name(call))
    if known is None:
        return {}
    try:
        return parameters.read(call, known[0])
    except parameters.UnreadableError:
        return {}
