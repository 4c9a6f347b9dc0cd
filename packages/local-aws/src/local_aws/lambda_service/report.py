"""The platform's own lines in a function's log: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html."""

from dataclasses import dataclass

from local_aws.lambda_service.deployed import DeployedFunction
from local_aws.lambda_service.trace import Traced


@dataclass(frozen=True)
class Report:
    """Of one invocation. What is not known, or was not, is 0 or empty."""

    request_id: str
    duration_ms: float
    peak_memory_mb: int | None = None
    init_ms: float = 0.0
    status: str | None = None  # error or timeout
    error_type: str | None = None  # of a worker that ended
    traced: Traced | None = None


def start_line(function: DeployedFunction, request_id: str) -> str:
    return f"START RequestId: {request_id} Version: {function.version}"


def end_lines(function: DeployedFunction, report: Report) -> list[str]:
    """Return END and REPORT, worded as by AWS."""
    traced = report.traced
    parts = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {int(report.duration_ms) + 1} ms",
        f"Memory Size: {function.memory} MB",
        f"Max Memory Used: {report.peak_memory_mb} MB" if report.peak_memory_mb else "",
        f"Init Duration: {report.init_ms:.2f} ms" if report.init_ms else "",
        f"XRAY TraceId: {traced.root}\tSegmentId: {traced.service_segment}\tSampled: true" if traced else "",
        f"Status: {report.status}" if report.status else "",
        f"Error Type: {report.error_type}" if report.error_type else "",
    ]
    return [
        f"END RequestId: {report.request_id}",
        "\t".join(part for part in parts if part),
    ]


def init_line(init_ms: float, error_type: str) -> str:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (failures during the Init phase)."""
    return f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: error\tError Type: {error_type}"
