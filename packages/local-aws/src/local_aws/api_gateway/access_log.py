"""The access logs of stages, written to their CloudWatch Logs groups."""

import asyncio
import hashlib
import json
import time

from local_aws.api_gateway.deployed_api import DeployedApi
from local_aws.api_gateway.event import GatewayRequest
from local_aws.api_gateway.mapping import render
from local_aws.api_gateway.proxy_response import GatewayResponse
from local_aws.lambda_service.function_log import put_events

WRITE_SECONDS = 0.1

_LOG_GROUP = ":log-group:"


class AccessLogs:
    """The access logs of all stages, written ten times a second.

    Only CloudWatch Logs destinations are emulated, not Firehose.
    """

    def __init__(self) -> None:
        # By log group, region and stage.
        self._lines: dict[tuple[str, str, str], list[str]] = {}

    def put(
        self, api: DeployedApi, request: GatewayRequest, response: GatewayResponse, error: str
    ) -> None:
        """Add a line about an answered request in the stage's format."""
        _, found, group = api.access_log.get("destinationArn", "").partition(_LOG_GROUP)
        if not found:
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(WRITE_SECONDS, self._write)
        key = (group.removesuffix(":*"), api.region, api.stage)
        self._lines.setdefault(key, []).append(_line(api, request, response, error))

    def _write(self) -> None:
        written, self._lines = self._lines, {}
        for (group, region, stage), lines in written.items():
            stream = hashlib.md5(stage.encode(), usedforsecurity=False).hexdigest()
            put_events(group, region, stream, lines)


def _line(api: DeployedApi, request: GatewayRequest, response: GatewayResponse, error: str) -> str:
    context = request.context | {
        "status": response.status,
        "responseLength": len(response.body),
        "responseLatency": int((time.perf_counter() - request.started) * 1000),
        "xrayTraceId": request.trace_header.split(";")[0].removeprefix("Root="),
        "error": {"message": error, "messageString": json.dumps(error)} if error else {},
    }
    return render(api.access_log.get("format", ""), context, missing="-")
