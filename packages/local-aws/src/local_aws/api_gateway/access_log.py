"""A stage's access log, written to its CloudWatch Logs group."""

import hashlib
import json
import time

from local_aws.api_gateway.deployed_api import DeployedApi
from local_aws.api_gateway.event import GatewayRequest
from local_aws.api_gateway.mapping import render
from local_aws.api_gateway.proxy_response import GatewayResponse
from local_aws.lambda_service.function_log import put_events

_LOG_GROUP = ":log-group:"


def write_access_log(
    api: DeployedApi, request: GatewayRequest, response: GatewayResponse, error: str
) -> None:
    """Write one line in the stage's format.

    Only CloudWatch Logs destinations are emulated, not Firehose.
    """
    _, found, group = api.access_log.get("destinationArn", "").partition(_LOG_GROUP)
    if not found:
        return
    latency = int((time.perf_counter() - request.started) * 1000)
    context = request.context | {
        "status": response.status,
        "responseLength": len(response.body),
        "responseLatency": latency,
        "xrayTraceId": request.trace_header.split(";")[0].removeprefix("Root="),
        "error": {"message": error, "messageString": json.dumps(error)} if error else {},
    }
    line = render(api.access_log.get("format", ""), context, missing="-")
    stream = hashlib.md5(api.stage.encode(), usedforsecurity=False).hexdigest()
    put_events(group.removesuffix(":*"), api.region, stream, [line])
