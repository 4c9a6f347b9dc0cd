"""Traces of sampled requests, through the API, the function and the function's own subsegment."""

import json
import time
from typing import Any

import boto3

from local_aws_tests.support.waiting import settle
from tools.laptop.client import Client, Person


def test_a_sampled_request_leaves_a_trace(client: Client, member: Person) -> None:
    root = f"1-{int(time.time()):08x}-{time.time_ns():024x}"
    header = {"X-Amzn-Trace-Id": f"Root={root};Sampled=1"}
    assert client.call("GET", "/v1/me", member.tokens["AccessToken"], **header).status == 200
    xray = boto3.client(
        "xray",
        endpoint_url=client.outputs.aws_endpoint_url,
        region_name=client.outputs.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    service, function = _segments(xray, root)
    assert (service["origin"], function["origin"]) == ("AWS::Lambda", "AWS::Lambda::Function")
    assert function["name"].endswith("-users")
    (operation,) = [each for each in function["subsegments"] if each["name"] != "Initialization"]
    assert (operation["name"], operation["annotations"]) == ("operation", {"route": "GET /v1/me"})


def _segments(xray: Any, root: str) -> list[dict[str, Any]]:
    """Return the segments once the function's subsegment has arrived over UDP."""

    def found() -> list[dict[str, Any]]:
        traces = xray.batch_get_traces(TraceIds=[root])["Traces"]
        return [json.loads(each["Document"]) for trace in traces for each in trace["Segments"]]

    def is_whole() -> bool:
        segments = found()
        return len(segments) == 2 and any(
            each["name"] != "Initialization" for each in segments[1].get("subsegments", [])
        )

    assert settle(is_whole, 60), f"the trace is not whole: {found()}"
    return found()
