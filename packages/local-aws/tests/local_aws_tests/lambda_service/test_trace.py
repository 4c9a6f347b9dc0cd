"""Traces of sampled requests: sent by the layer's own tracing through the daemon, read with X-Ray's
API.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_aws_tests.lambda_service.laptop import ROOT, Laptop
from local_aws_tests.support.waiting import settle

LAYERS = [ROOT / "build" / "layer" / "local" / f"{name}.zip" for name in ("kernel", "sdk")]
TRACES = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"}],
}
CODE = """
import os
from atrium.runtime import tracing
def handler(event, context):
    with tracing.subsegment("find the user", service="users"):
        if event == "fail": raise ValueError("as told")
    return os.environ["_X_AMZN_TRACE_ID"]
"""


@pytest.fixture(scope="module")
def traced(aws: Laptop) -> Laptop:
    if missing := [str(file) for file in LAYERS if not file.exists()]:
        raise RuntimeError(f"{', '.join(missing)}: missing, run `make build`")
    layers = [
        aws.client("lambda").publish_layer_version(
            LayerName=file.stem, Content={"ZipFile": file.read_bytes()}
        )
        for file in LAYERS
    ]
    aws.client("iam").put_role_policy(
        RoleName="worker", PolicyName="traces", PolicyDocument=json.dumps(TRACES)
    )
    options: dict[str, Any] = {
        "Layers": [layer["LayerVersionArn"] for layer in layers],
        "Timeout": 20,
        "MemorySize": 256,
    }
    aws.deploy("traced", CODE, TracingConfig={"Mode": "Active"}, **options)
    aws.deploy("untraced", CODE, TracingConfig={"Mode": "PassThrough"}, **options)
    return aws


def new_root() -> str:
    return f"1-{int(time.time()):08x}-{time.time_ns():024x}"


def invoke(
    aws: Laptop, root: str, sampled: int, event: object = None, function: str = "traced"
) -> Any:
    header = f"Root={root};Parent=53995c3f42cd8ad8;Sampled={sampled}"
    return aws.invoke(function, event, trace_header=header)


def documents(aws: Laptop, root: str) -> list[dict[str, Any]]:
    """Return the segments of a trace, once its subsegments have arrived over UDP."""
    client = aws.client("xray")

    def segments() -> list[dict[str, Any]]:
        found = client.batch_get_traces(TraceIds=[root])
        return [
            json.loads(each["Document"]) for trace in found["Traces"] for each in trace["Segments"]
        ]

    def arrived() -> bool:
        return any(
            node["name"] == "find the user"
            for each in segments()
            for node in each.get("subsegments", [])
        )

    assert settle(arrived, 60), f"the subsegment did not arrive; there is {segments()}"
    return segments()


def test_a_sampled_request_has_a_trace_of_service_function_and_subsegment(traced: Laptop) -> None:
    root = new_root()
    header, done = invoke(traced, root, 1)
    service, function = documents(traced, root)
    assert (service["origin"], service["parent_id"]) == ("AWS::Lambda", "53995c3f42cd8ad8")
    assert (function["origin"], function["parent_id"]) == ("AWS::Lambda::Function", service["id"])
    assert header == f"Root={root};Parent={function['id']};Sampled=1"
    started, work = function["subsegments"]
    assert started["name"] == "Initialization"
    assert (work["name"], work["annotations"]) == ("find the user", {"service": "users"})
    assert function["start_time"] <= work["start_time"] <= work["end_time"] <= function["end_time"]
    assert function["aws"]["request_id"] == done.request_id
    report = done.log_tail.decode().splitlines()[-1]
    assert f"XRAY TraceId: {root}\tSegmentId: {service['id']}\tSampled: true" in report


def test_a_failure_is_a_fault_in_the_summary(traced: Laptop) -> None:
    root = new_root()
    invoke(traced, root, 1, "fail")
    documents(traced, root)
    now = datetime.now(UTC)
    found = traced.client("xray").get_trace_summaries(
        StartTime=now - timedelta(minutes=5), EndTime=now
    )
    (summary,) = [each for each in found["TraceSummaries"] if each["Id"] == root]
    assert (summary["HasFault"], summary["IsPartial"]) == (True, False)
    assert summary["Annotations"]["service"][0]["AnnotationValue"] == {"StringValue": "users"}
    assert summary["Duration"] > 0


@pytest.mark.parametrize(("function", "sampled"), [("traced", 0), ("untraced", 1)])
def test_requests_without_sampling_or_tracing_leave_no_trace(
    traced: Laptop, function: str, sampled: int
) -> None:
    root = new_root()
    invoke(traced, root, sampled, function=function)
    after = new_root()
    invoke(traced, after, 1)
    documents(traced, after)  # by this time the other traces would have arrived
    found = traced.client("xray").batch_get_traces(TraceIds=[root])
    assert (found["Traces"], found["UnprocessedTraceIds"]) == ([], [root])


def test_a_role_without_permission_leaves_no_trace(traced: Laptop) -> None:
    iam = traced.client("iam")
    iam.delete_role_policy(RoleName="worker", PolicyName="traces")
    try:
        root = new_root()
        invoke(traced, root, 1)
        assert traced.client("xray").batch_get_traces(TraceIds=[root])["UnprocessedTraceIds"] == [
            root
        ]
    finally:
        iam.put_role_policy(
            RoleName="worker", PolicyName="traces", PolicyDocument=json.dumps(TRACES)
        )


def test_segments_can_be_put_by_the_api_and_invalid_ones_are_named(aws: Laptop) -> None:
    root, client = new_root(), aws.client("xray")
    segment = {
        "name": "mine",
        "id": "a" * 16,
        "trace_id": root,
        "start_time": time.time(),
        "end_time": time.time(),
    }
    put = client.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment), "{"])
    assert [each["ErrorCode"] for each in put["UnprocessedTraceSegments"]] == ["ParseError"]
    (trace,) = client.batch_get_traces(TraceIds=[root])["Traces"]
    assert json.loads(trace["Segments"][0]["Document"])["name"] == "mine"
