"""The calls that each version of a function served: how many, how many failed, and how long they took.

On AWS, the source is CloudWatch's metrics. The laptop has no metrics of functions. There the source
is the REPORT lines of the functions' logs, which have the same form as Lambda's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from tools.deploy import LIVE
from tools.deploy.environment import Environment

PERIOD = 60  # seconds; the shortest of these metrics
DURATION = re.compile(r"\bDuration: ([0-9.]+) ms")
FAILED = re.compile(r"\bStatus: (error|timeout)\b")


@dataclass(frozen=True)
class Traffic:
    """Calls, of which `errors` failed."""

    calls: int
    errors: int
    average_ms: float = 0.0

    @property
    def error_rate(self) -> float:
        return self.errors / self.calls if self.calls else 0.0


class Source(Protocol):
    """A source of traffic metrics, from a moment in epoch seconds on."""

    def served(self, function: str, version: str, since: float) -> Traffic: ...

    def throttles(self, function: str, since: float) -> int: ...

    def api(self, since: float) -> Traffic:
        """Return the API's requests; an error is a 5xx."""
        ...


@dataclass(frozen=True)
class Metrics:
    """CloudWatch's metrics of an environment on AWS."""

    cloudwatch: Any
    api_name: str
    stage: str

    def served(self, function: str, version: str, since: float) -> Traffic:
        of = {
            "FunctionName": function,
            "Resource": f"{function}:{LIVE}",
            "ExecutedVersion": version,
        }
        return self._traffic("AWS/Lambda", ("Invocations", "Errors", "Duration"), of, since)

    def throttles(self, function: str, since: float) -> int:
        of = {"FunctionName": function, "Resource": f"{function}:{LIVE}"}
        [sums] = self._sums("AWS/Lambda", ("Throttles",), of, since)
        return int(sums)

    def api(self, since: float) -> Traffic:
        of = {"ApiName": self.api_name, "Stage": self.stage}
        return self._traffic("AWS/ApiGateway", ("Count", "5XXError", "Latency"), of, since)

    def _traffic(
        self, namespace: str, names: tuple[str, ...], dimensions: Mapping[str, str], since: float
    ) -> Traffic:
        calls, errors, milliseconds = self._sums(namespace, names, dimensions, since)
        return Traffic(int(calls), int(errors), milliseconds / calls if calls else 0.0)

    def _sums(
        self, namespace: str, names: tuple[str, ...], dimensions: Mapping[str, str], since: float
    ) -> list[float]:
        queries = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace,
                        "MetricName": name,
                        "Dimensions": [
                            {"Name": key, "Value": dimensions[key]} for key in dimensions
                        ],
                    },
                    "Period": PERIOD,
                    "Stat": "Sum",
                },
            }
            for number, name in enumerate(names)
        ]
        start = datetime.fromtimestamp(since // PERIOD * PERIOD, UTC)
        pages = self.cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start, EndTime=datetime.now(UTC)
        )
        totals = [0.0] * len(names)
        for page in pages:
            for result in page["MetricDataResults"]:
                totals[int(result["Id"][1:])] += sum(result["Values"])
        return totals


@dataclass(frozen=True)
class Reports:
    """The REPORT lines of functions on the laptop; neither throttles nor the gateway's own errors."""

    logs: Any

    def served(self, function: str, version: str, since: float) -> Traffic:
        pages = self.logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}",
            startTime=int(since * 1000),
            filterPattern="REPORT",
        )
        lines = [
            event["message"]
            for page in pages
            for event in page["events"]
            if f"[{version}]" in event["logStreamName"] and event["message"].startswith("REPORT")
        ]
        total = sum(float(found[1]) for line in lines if (found := DURATION.search(line)))
        errors = sum(bool(FAILED.search(line)) for line in lines)
        return Traffic(len(lines), errors, total / len(lines) if lines else 0.0)

    def throttles(self, function: str, since: float) -> int:
        return 0

    def api(self, since: float) -> Traffic:
        return Traffic(0, 0)


def source(target: Environment) -> Source:
    if target.is_local:
        return Reports(target.client("logs"))
    name = target.output("functions")["meta"].removesuffix("-meta")
    return Metrics(target.client("cloudwatch"), name, target.output("stage"))
