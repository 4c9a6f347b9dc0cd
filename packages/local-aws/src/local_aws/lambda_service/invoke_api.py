"""The Invoke operation as clients call it."""

import base64
import json
import re
from collections.abc import Awaitable
from typing import Protocol
from urllib.parse import parse_qs, unquote

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.lambda_service.deployed import find
from local_aws.lambda_service.errors import InvokeError
from local_aws.lambda_service.invocation import Invocation

_INVOKE = re.compile(r"^/2015-03-31/functions/(?P<function>[^/]+)/invocations$")


class Invoker(Protocol):
    """The part of `LambdaService` that Invoke needs."""

    def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        qualifier: str | None,
        trace_header: str | None,
        region: str | None,
        client_context: str | None,
    ) -> Awaitable[Invocation]: ...

    def accept(
        self,
        function: str,
        payload: bytes,
        *,
        qualifier: str | None,
        trace_header: str | None,
        region: str | None,
    ) -> str: ...


def invoked_function(call: AwsCall) -> str | None:
    """Return the function that a call of Invoke names; None for another call."""
    match = _INVOKE.match(call.path) if call.method == "POST" else None
    return unquote(match["function"]) if match else None


async def answer(functions: Invoker, call: AwsCall, function: str) -> AwsResponse:
    qualifier = parse_qs(call.query).get("Qualifier", [None])[0]
    kind = call.headers.get("x-amz-invocation-type", "RequestResponse")
    find(function, qualifier, call.region)
    _require_json(call.body)
    payload = call.body or b"{}"
    trace_header, context = (
        call.headers.get("x-amzn-trace-id"),
        call.headers.get("x-amz-client-context"),
    )
    if kind == "DryRun":
        return AwsResponse(204, b"")
    if kind == "Event":
        request_id = functions.accept(
            function,
            payload,
            qualifier=qualifier,
            trace_header=trace_header,
            region=call.region,
        )
        return AwsResponse(202, b"", {"x-amzn-RequestId": request_id})
    done = await functions.invoke(
        function, payload, qualifier=qualifier, trace_header=trace_header, region=call.region,
        client_context=base64.b64decode(context).decode() if context else None,
    )  # fmt: skip
    headers = {
        "Content-Type": "application/json",
        "X-Amz-Executed-Version": done.executed_version,
        "x-amzn-RequestId": done.request_id,
    }
    if done.function_error:
        headers["X-Amz-Function-Error"] = done.function_error
    if call.headers.get("x-amz-log-type") == "Tail":
        headers["X-Amz-Log-Result"] = base64.b64encode(done.log_tail).decode()
    return AwsResponse(done.status, done.payload, headers)


def _require_json(body: bytes) -> None:
    if not body:
        return
    try:
        json.loads(body)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise InvokeError(400, "InvalidRequestContentException", message) from None
