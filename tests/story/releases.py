"""Versions, alias, error alarm and load of the function meta on the running stack."""

import io
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.story.checkout import Checkout
from tools.laptop.client import Client

# A fifth of the rate that dev's stage allows (`throttling` in envs/dev/locals.tf), on any machine.
# Without a limit, a quick machine would get 429 from the gateway.
REQUESTS_A_SECOND = 20


@dataclass(frozen=True)
class Alarm:
    """The error alarm of meta, which only prod has."""

    cloudwatch: Any
    name: str

    def make(self) -> None:
        self.cloudwatch.put_metric_alarm(
            AlarmName=self.name,
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )

    def becomes(self, state: str) -> None:
        self.cloudwatch.set_alarm_state(
            AlarmName=self.name, StateValue=state, StateReason="the test says so"
        )


def live(client: Client) -> dict[str, Any]:
    """Return the version and the weights of meta's alias."""
    name = client.outputs.functions["meta"]
    found: dict[str, Any] = client.aws("lambda").get_alias(FunctionName=name, Name="live")
    return {
        "version": found["FunctionVersion"],
        "weights": (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {},
    }


@contextmanager
def load(client: Client) -> Iterator[Counter[int]]:
    """Request the health at a steady rate during the block, and count the responses by status."""
    statuses: Counter[int] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.wait(1 / REQUESTS_A_SECOND):
            statuses[client.call("GET", "/v1/health").status] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield statuses
    finally:
        over.set()
        thread.join()


def publish(client: Client, mine: Checkout, code: str) -> str:
    """Publish a version of meta that no caller uses yet, as an apply does.

    The code of another function fails at its import.
    """
    name = client.outputs.functions["meta"]
    found = client.aws("lambda")
    zipped = io.BytesIO((mine.folder / f"build/functions/{code}.zip").read_bytes())
    with zipfile.ZipFile(zipped, "a") as archive:
        archive.writestr("new", "")
    found.update_function_code(FunctionName=name, ZipFile=zipped.getvalue())
    return str(found.publish_version(FunctionName=name)["Version"])


def newest(client: Client, function: str) -> int:
    """Return the newest published version of a function."""
    versions = client.aws("lambda").list_versions_by_function(FunctionName=function)["Versions"]
    return max(int(version["Version"]) for version in versions if version["Version"] != "$LATEST")
