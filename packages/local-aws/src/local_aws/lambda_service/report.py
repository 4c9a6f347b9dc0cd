"""The platform's own lines in a function's log.

https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from local_aws.lambda_service.deployed import DeployedFunction
from local_aws.lambda_service.trace import Traced

_LEVELS = ("DEBUG", "INFO", "WARN")


class Report(msgspec.Struct, frozen=True):
    """The measurements of one invocation; unknown values are 0 or empty."""

    request_id: str
    duration_ms: float
    peak_memory_mb: int | None = None
    init_ms: float = 0.0
    status: str | None = None  # error or timeout
    error_type: str | None = None  # of a worker that ended
    traced: Traced | None = None


def start_lines(function: DeployedFunction, request_id: str) -> list[str]:
    if function.logging.is_json:
        record = {"requestId": request_id, "version": function.version}
        return _json_line(function, "INFO", "platform.start", record)
    return [f"START RequestId: {request_id} Version: {function.version}"]


def end_lines(function: DeployedFunction, report: Report) -> list[str]:
    """Return the END and REPORT lines in AWS's wording."""
    if function.logging.is_json:
        return _json_end_lines(function, report)
    traced = report.traced
    parts = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {int(report.duration_ms) + 1} ms",
        f"Memory Size: {function.memory} MB",
        f"Max Memory Used: {report.peak_memory_mb} MB" if report.peak_memory_mb else "",
        f"Init Duration: {report.init_ms:.2f} ms" if report.init_ms else "",
        f"XRAY TraceId: {traced.root}\tSegmentId: {traced.service_segment}\tSampled: true"
        if traced
        else "",
        f"Status: {report.status}" if report.status else "",
        f"Error Type: {report.error_type}" if report.error_type else "",
    ]
    return [
        f"END RequestId: {report.request_id}",
        "\t".join(part for part in parts if part),
    ]


def init_lines(function: DeployedFunction, init_ms: float, error_type: str) -> list[str]:
    """Return the lines of a failed Init phase.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    """
    if function.logging.is_json:
        record = {
            "phase": "init",
            "status": "error",
            "errorType": error_type,
            "metrics": {"durationMs": round(init_ms, 3)},
        }
        return _json_line(function, "DEBUG", "platform.initReport", record)
    return [
        f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: error\tError Type: {error_type}"
    ]


def _json_end_lines(function: DeployedFunction, report: Report) -> list[str]:
    """Return platform.runtimeDone and platform.report as JSON.

    https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
    """
    status = report.status or "success"
    outcome = {"requestId": report.request_id, "status": status} | (
        {"errorType": report.error_type} if report.error_type else {}
    )
    metrics: dict[str, float] = {
        "durationMs": round(report.duration_ms, 3),
        "billedDurationMs": int(report.duration_ms) + 1,
        "memorySizeMB": function.memory,
    }
    if report.peak_memory_mb:
        metrics["maxMemoryUsedMB"] = report.peak_memory_mb
    if report.init_ms:
        metrics["initDurationMs"] = round(report.init_ms, 3)
    return [
        *_json_line(function, "DEBUG", "platform.runtimeDone", outcome),
        *_json_line(
            function,
            "INFO" if status == "success" else "WARN",
            "platform.report",
            outcome | {"metrics": metrics},
        ),
    ]


def _json_line(
    function: DeployedFunction, level: str, kind: str, record: Mapping[str, Any]
) -> list[str]:
    """Return the line unless the function's system log level hides it."""
    if _LEVELS.index(level) < _LEVELS.index(function.logging.system_level):
        return []
    time = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
    return [json.dumps({"time": time, "type": kind, "record": record}, separators=(",", ":"))]
