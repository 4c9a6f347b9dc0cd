"""X-Ray's API for writing and reading traces.

https://docs.aws.amazon.com/xray/latest/api/API_Operations.html
"""

import json
import time
from typing import Any

from local_aws.aws_call import AwsCall, AwsResponse, Forward, Interceptor
from local_aws.xray.traces import Traces


def interceptor(traces: Traces) -> Interceptor:
    async def intercept(call: AwsCall, forward: Forward) -> AwsResponse:
        answers = {"/Traces": _batch_get, "/TraceSummaries": _summaries, "/TraceSegments": _put}
        if call.method == "POST" and call.path in answers:
            return answers[call.path](traces, json.loads(call.body or b"{}"))
        return await forward(call)

    return intercept


def _batch_get(traces: Traces, asked: dict[str, Any]) -> AwsResponse:
    found = {trace_id: traces.trace(trace_id) for trace_id in asked.get("TraceIds", [])}
    return _json(
        200,
        {
            "Traces": [trace for trace in found.values() if trace],
            "UnprocessedTraceIds": [trace_id for trace_id, trace in found.items() if not trace],
        },
    )


def _summaries(traces: Traces, asked: dict[str, Any]) -> AwsResponse:
    if asked.get("FilterExpression"):
        message = (
            "xray: GetTraceSummaries does not support FilterExpression. Omit it to list all traces of "
            "the period."
        )
        return _json(501, {"__type": "NotEmulated", "message": message})
    found = traces.summaries(asked["StartTime"], asked["EndTime"])
    return _json(
        200,
        {
            "TraceSummaries": found,
            "ApproximateTime": int(time.time()),
            "TracesProcessedCount": len(found),
        },
    )


def _put(traces: Traces, asked: dict[str, Any]) -> AwsResponse:
    unprocessed = []
    for text in asked.get("TraceSegmentDocuments", []):
        try:
            document = json.loads(text)
            float(document["start_time"])
            traces.expect(document["trace_id"])
            traces.put(document)
        except (ValueError, KeyError, TypeError) as error:
            unprocessed.append(
                {"ErrorCode": "ParseError", "Message": f"{type(error).__name__}: {error}"}
            )
    return _json(200, {"UnprocessedTraceSegments": unprocessed})


def _json(status: int, content: dict[str, Any]) -> AwsResponse:
    headers = {"Content-Type": "application/json"}
    if status == 501:
        headers["x-amzn-errortype"] = "NotEmulated"
    return AwsResponse(status, json.dumps(content).encode(), headers)
