"""Logs: one JSON object per line on standard output, for CloudWatch Logs.

Logs contain no personal data.
"""

import os
import sys
import time
import traceback
from typing import Any, Literal

import msgspec

from atrium.runtime import config

Level = Literal["INFO", "WARN", "ERROR"]

_cold = True


def write(level: Level, message: str, **fields: object) -> None:
    """Write a line. Fields that are None are omitted."""
    line: dict[str, object] = {
        "level": level,
        "message": message,
        "service": config.optional("ATRIUM_SERVICE", "unknown"),
        "stage": config.optional("ATRIUM_STAGE", "unknown"),
    }
    line |= {name: value for name, value in fields.items() if value is not None}
    print(msgspec.json.encode(line, enc_hook=str).decode(), flush=True)


def metric(name: str, value: float) -> dict[str, Any]:
    """Return fields that make CloudWatch count a line in a metric of the namespace `Atrium`.

    The dimension is the function's name.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = {
        "Namespace": "Atrium",
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    }
    return {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        "FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "unknown"),
        name: value,
    }


def failure(error: BaseException) -> dict[str, Any]:
    """Return an exception as a field of a line."""
    stack = "".join(traceback.format_exception(error))
    return {"type": type(error).__qualname__, "message": str(error), "stack": stack}


class Measurement:
    """The cost of one invocation, measured from the creation of this object."""

    def __init__(self) -> None:
        global _cold
        self.cold, _cold = _cold, False
        self._started = time.perf_counter()
        self._sql_round_trips = _counter("atrium.stores.postgres", "round_trips")
        self._dynamodb_calls = _counter("atrium.stores.dynamodb", "calls")

    def fields(self) -> dict[str, Any]:
        return {
            "duration_ms": round((time.perf_counter() - self._started) * 1000, 2),
            "cold": self.cold,
            "sql_round_trips": _counter("atrium.stores.postgres", "round_trips")
            - self._sql_round_trips,
            "dynamodb_calls": _counter("atrium.stores.dynamodb", "calls") - self._dynamodb_calls,
        }


def _counter(module: str, name: str) -> int:
    # Looked up instead of imported: a service without a database must not load its driver.
    count: int = getattr(sys.modules.get(module), name, 0)
    return count
