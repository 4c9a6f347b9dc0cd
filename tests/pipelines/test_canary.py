"""Decisions about a canary: its criteria, and no decision without traffic."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudwatch.models import cloudwatch_backends

from tests.pipelines.aliases import Aliases
from tools.deploy import canary, live_alias, release
from tools.deploy.canary import Canary, CanaryFailedError, Monitor
from tools.deploy.canary_traffic import Metrics, Reports, Traffic

LIVE, NEW = {"users": "1", "meta": "3"}, {"users": "2", "meta": "4"}
GOOD = Traffic(100, 0, 20.0)


@dataclass
class TrafficStub:
    """A stub of the traffic by (function, version); without an entry it is good."""

    by_version: dict[tuple[str, str], Traffic] = field(default_factory=dict)
    api_traffic: Traffic = GOOD
    throttled: int = 0

    def served(self, function: str, version: str, since: float) -> Traffic:
        return self.by_version.get((function, version), GOOD)

    def throttles(self, function: str, since: float) -> int:
        return self.throttled

    def api(self, since: float) -> Traffic:
        return self.api_traffic


class Alarms:
    """A stub of CloudWatch with an error alarm for each function. `on_look` runs at each read."""

    def __init__(self, ringing: tuple[str, ...] = ()) -> None:
        self.ringing = ringing
        self.on_look: Callable[[], None] = lambda: None

    def describe_alarms(self, *, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N803 - boto3's
        self.on_look()
        return {
            "MetricAlarms": [
                {"AlarmName": name, "StateValue": "ALARM" if name in self.ringing else "OK"}
                for name in AlarmNames
            ]
        }


def run_canary(seen: TrafficStub, alarms: Alarms | None = None) -> Aliases:
    client = Aliases(dict(LIVE), dict(NEW))
    monitor = Monitor(alarms or Alarms(), seen)
    try:
        release.shift(client, monitor, live_alias.pending(client, NEW), Canary(10, 0))
    except BaseException as error:
        error.add_note(str(client.live))
        assert client.live == LIVE
        assert client.weights == {"users": {}, "meta": {}}
        raise
    return client


def test_a_good_canary_goes_live(capsys: pytest.CaptureFixture[str]) -> None:
    client = run_canary(TrafficStub({("meta", "4"): Traffic(0, 0)}))
    assert client.live == NEW
    said = capsys.readouterr().out
    assert "100 calls of the new versions are as good" in said
    assert "not judged, since nobody called them: meta." in said


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (TrafficStub({("users", "2"): Traffic(50, 5, 20.0)}), "users 2 failed 5 of 50 calls, 1 0 of 100"),
        (TrafficStub({("meta", "4"): Traffic(50, 0, 900.0)}), "meta 4 took 900 ms on average, 3 20 ms"),
        (TrafficStub(throttled=3), "users was throttled 3 times"),
        (TrafficStub(api_traffic=Traffic(100, 9)), "the API answered 9 of 100 requests with a 5xx"),
        (TrafficStub({("users", "2"): Traffic(9, 0), ("meta", "4"): Traffic(10, 0)}), "only 19 calls reached"),
    ],
)  # fmt: skip
def test_a_worse_canary_or_one_without_traffic_is_rolled_back(seen: TrafficStub, why: str) -> None:
    with pytest.raises(CanaryFailedError, match=why):
        run_canary(seen)


def test_errors_that_the_old_version_also_has_are_ignored() -> None:
    old, new = Traffic(900, 90, 20.0), Traffic(100, 12, 20.0)
    assert run_canary(TrafficStub({("users", "1"): old, ("users", "2"): new})).live == NEW


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_canary_is_rolled_back(number: int) -> None:
    from tools.deploy import interruption

    before = {one: signal.getsignal(one) for one in interruption.SIGNALS}
    interruption.raise_keyboard_interrupt()
    alarms = Alarms()
    looks: list[int] = []

    def interrupt_at_the_second_look() -> None:
        looks.append(1)
        if len(looks) == 2:
            os.kill(os.getpid(), number)

    alarms.on_look = interrupt_at_the_second_look
    try:
        with pytest.raises(KeyboardInterrupt):
            run_canary(TrafficStub(), alarms)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_an_alarm_ends_the_canary_at_once() -> None:
    alarms = Alarms()
    looks: list[int] = []

    def ring_at_the_second_look() -> None:
        looks.append(1)
        if len(looks) == 2:
            alarms.ringing = ("users-errors",)

    alarms.on_look = ring_at_the_second_look
    with pytest.raises(CanaryFailedError, match="users-errors went off"):
        run_canary(TrafficStub(), alarms)


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def test_metrics_are_read_by_version(aws: None) -> None:
    now = datetime.now(UTC) - timedelta(seconds=60)
    account = boto3.client("sts", region_name="eu-central-1").get_caller_identity()["Account"]
    backend = cloudwatch_backends[account]["eu-central-1"]

    def put(namespace: str, name: str, value: float, **dimensions: str) -> None:
        naive = now.replace(tzinfo=None)  # moto compares times without a zone
        shown = [{"Name": key, "Value": one} for key, one in dimensions.items()]
        datum = {"MetricName": name, "Value": value, "Timestamp": naive, "Dimensions": shown}
        backend.put_metric_data(namespace, [datum])

    of = {"FunctionName": "users", "Resource": "users:live"}
    for version, errors in (("1", 0), ("2", 4)):
        for name, value in (("Invocations", 40), ("Errors", errors), ("Duration", 800)):
            put("AWS/Lambda", name, value, **of, ExecutedVersion=version)
    put("AWS/Lambda", "Throttles", 2, **of)
    for name, value in (("Count", 10), ("5XXError", 1), ("Latency", 50)):
        put("AWS/ApiGateway", name, value, ApiName="atrium-dev", Stage="dev")
    client = boto3.client("cloudwatch", region_name="eu-central-1")
    metrics = Metrics(client, "atrium-dev", "dev")
    since = now.timestamp() - 120
    assert metrics.served("users", "2", since) == Traffic(40, 4, 20.0)
    assert metrics.served("users", "1", since) == Traffic(40, 0, 20.0)
    assert metrics.served("users", "3", since) == Traffic(0, 0, 0.0)
    assert metrics.throttles("users", since) == 2
    assert metrics.api(since) == Traffic(10, 1, 5.0)


def test_reports_are_read_by_version(aws: None) -> None:
    logs = boto3.client("logs", region_name="eu-central-1")
    group = {"logGroupName": "/aws/lambda/users"}
    logs.create_log_group(**group)
    moment = int(datetime.now(UTC).timestamp() * 1000)
    lines = (
        ("2", "REPORT RequestId: a\tDuration: 10.00 ms\tBilled Duration: 11 ms"),
        ("2", "REPORT RequestId: b\tDuration: 30.00 ms\tStatus: error"),
        ("2", '{"message": "REPORT of a user, Duration: 9.00 ms"}'),
        ("12", "REPORT RequestId: c\tDuration: 5.00 ms"),
    )
    for number, (version, message) in enumerate(lines):
        stream = {"logStreamName": f"2026/11/28/[{version}]{number}"}
        logs.create_log_stream(**group, **stream)
        logs.put_log_events(
            **group, **stream, logEvents=[{"timestamp": moment, "message": message}]
        )
    reports = Reports(logs)
    assert reports.served("users", "2", moment / 1000 - 1) == Traffic(2, 1, 20.0)
    assert reports.served("users", "12", moment / 1000 - 1) == Traffic(1, 0, 5.0)
    assert canary.FEWEST_CALLS == 20
