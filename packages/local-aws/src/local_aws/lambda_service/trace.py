"""X-Ray segments of an invocation, and the trace header that the function gets.

https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

import time
from dataclasses import dataclass
from typing import Any

from local_aws.iam.sessions import role_may
from local_aws.lambda_service.deployed import DeployedFunction
from local_aws.request_ids import hexadecimal
from local_aws.settings import ACCOUNT_ID
from local_aws.xray import Traces


def new_trace() -> str:
    """Return a header that is not sampled.

    On a laptop, a request is traced if and only if its own header asks for it.
    """
    root = f"1-{int(time.time()):08x}-{hexadecimal(24)}"
    return f"Root={root};Parent={hexadecimal(16)};Sampled=0"


def root(header: str) -> str:
    """Return the trace id of a header."""
    return header.partition(";")[0].removeprefix("Root=")


@dataclass(frozen=True)
class Traced:
    """A sampled invocation of a function with active tracing and permission to write segments."""

    root: str
    parent: str | None  # id of the caller's segment
    service_segment: str
    function_segment: str
    began: float  # epoch seconds

    @property
    def header(self) -> str:
        """Return the function's own header: its subsegments belong to the function's segment."""
        return f"Root={self.root};Parent={self.function_segment};Sampled=1"


def begin(function: DeployedFunction, header: str, traces: Traces) -> Traced | None:
    """Start tracing; return None if the invocation is not traced."""
    parts = dict(part.partition("=")[::2] for part in header.split(";"))
    if parts.get("Sampled") != "1" or "Root" not in parts or not function.is_traced:
        return None
    if not role_may(function.role, "xray:PutTraceSegments", "*").allowed:
        return None
    traces.expect(parts["Root"])
    return Traced(parts["Root"], parts.get("Parent"), hexadecimal(16), hexadecimal(16), time.time())


def end(
    traced: Traced,
    function: DeployedFunction,
    request_id: str,
    traces: Traces,
    *,
    failed: bool,
    init_ms: float,
) -> None:
    """Write the segments of the service and of the function, including the start of the worker.

    `init_ms` is 0 for a warm worker.
    """
    now = time.time()
    status = 200  # status of Invoke itself, which is 200 even if the function failed
    shared: dict[str, Any] = {
        "trace_id": traced.root, "start_time": traced.began, "end_time": now, "name": function.name,
        "resource_arn": function.qualified_arn, **({"fault": True} if failed else {}),
    }  # fmt: skip
    traces.put(
        shared
        | {
            "id": traced.service_segment,
            "origin": "AWS::Lambda",
            "http": {"response": {"status": status}},
        }
        | {"aws": {"request_id": request_id}}
        | ({"parent_id": traced.parent} if traced.parent else {})
    )
    starting = {
        "id": hexadecimal(16), "name": "Initialization",
        "start_time": traced.began, "end_time": traced.began + init_ms / 1000,
    }  # fmt: skip
    traces.put(
        shared
        | {
            "id": traced.function_segment,
            "parent_id": traced.service_segment,
            "origin": "AWS::Lambda::Function",
        }
        | {
            "aws": {
                "account_id": ACCOUNT_ID,
                "function_arn": function.qualified_arn,
                "request_id": request_id,
            }
        }
        | ({"subsegments": [starting]} if init_ms else {})
    )
