"""Expiring things over two simulated days: each is used hour by hour on a clock that is moved.

`make test` simulates half a day; `make proof-two-days` sets `HOURS=48`.
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from local_aws.clock import Clock, install
from local_aws.cognito import Cognito
from local_aws.iam import sessions
from local_aws.lambda_service import Credentials
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.event_sources.event_source_harness import EventSourceHarness, Recorder, wait
from local_aws_tests.lambda_service.laptop import Loop, install_runtime, laptop
from local_aws_tests.lambda_service.test_credentials import ASKS_AWS

HOURS = int(os.environ.get("HOURS", "12"))
TELLS_TIME = """
import datetime, time
def handler(event, context):
    dates = [datetime.datetime.now(datetime.UTC), datetime.datetime.now().astimezone()]
    return [time.time(), time.time_ns() / 1e9, *(each.timestamp() for each in dates)], context.get_remaining_time_in_millis()
"""
PASSWORD = "Correct-Horse-7"


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Clock]:
    made = Clock.create(tmp_path / "clock")
    install(made)
    yield made
    install(Clock.create(tmp_path / "afterwards"))  # restore the machine's time for other tests


@pytest.fixture
def harness(clock: Clock, tmp_path: Path) -> Iterator[EventSourceHarness]:
    def credentials(role: str, session: str) -> Credentials:
        return Credentials(*sessions.credentials_for(role, session))

    loop = Loop()
    runtime = install_runtime(tmp_path / "runtime")
    with laptop(loop, tmp_path, runtime, credentials=credentials, clock=tmp_path / "clock") as aws:
        cognito = Cognito(aws.settings, aws.functions.invoke, clock=lambda: time.time())
        aws.interceptors["cognito-idp"] = cognito.intercept
        yield EventSourceHarness(aws)
    loop.close()


def test_workers_and_supervisor_have_one_clock(harness: EventSourceHarness, clock: Clock) -> None:
    harness.aws.deploy("tells", TELLS_TIME, Timeout=20)
    for days in (0, 3):
        clock.forward(days * 86_400)
        before = time.time()
        (times, left), _ = harness.aws.invoke("tells")
        assert all(before <= each <= time.time() for each in times)
        assert 0 < left <= 20_000
    assert abs(time.time() - time.clock_gettime(time.CLOCK_REALTIME) - 3 * 86_400) < 1
    with pytest.raises(ValueError, match="can only move forward"):
        clock.forward(-1)


@pytest.mark.trials
def test_sign_in_reads_writes_streams_and_schedules_hour_by_hour(
    harness: EventSourceHarness, clock: Clock
) -> None:
    hourly, streamed = Recorder(harness.aws, "hourly"), Recorder(harness.aws, "streamed")
    harness.aws.deploy("asks", ASKS_AWS, Timeout=60)
    harness.map(_expiring_table(harness), "streamed")
    _schedule(harness, hourly)
    client, refresh = _member(harness)
    wait(lambda: bool(harness.due()))
    for hour in range(1, HOURS + 1):
        clock.forward(3600)
        expires = int(time.time()) + 2 * 3600 - 60
        harness.put("day", f"hour-{hour}", expires_at={"N": str(expires)})
        assert harness.aws.invoke("asks", f"http://127.0.0.1:{harness.aws.port}/")[0][0] == 200, (
            "a worker's credentials"
        )
        tokens = _renewed(harness, client, refresh)
        assert abs(tokens["ExpiresIn"] - 3600) < 60
        _sign_in(harness, client)
        wait(lambda: len(hourly.events) == hour)  # noqa: B023
        wait(lambda: f"hour-{hour}" in _inserted(streamed))  # noqa: B023
        wait(lambda: _there(harness) == {f"hour-{each}" for each in (hour - 1, hour) if each})  # noqa: B023
    fired = [datetime.fromisoformat(event["time"]).timestamp() for event in hourly.events]
    assert all(3500 < later - earlier < 3700 for earlier, later in pairwise(fired))
    assert _inserted(streamed) == [f"hour-{hour}" for hour in range(1, HOURS + 1)]
    assert (
        abs(datetime.now(UTC).timestamp() - time.clock_gettime(time.CLOCK_REALTIME) - HOURS * 3600)
        < 1
    )


def _expiring_table(harness: EventSourceHarness) -> str:
    stream = harness.table("day")
    setting = {"Enabled": True, "AttributeName": "expires_at"}
    harness.tables.update_time_to_live(TableName="day", TimeToLiveSpecification=setting)
    return stream


def _schedule(harness: EventSourceHarness, function: Recorder) -> None:
    events = harness.aws.client("events")
    rule = events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")["RuleArn"]
    harness.functions.add_permission(
        FunctionName=function.name, StatementId="rule", Action="lambda:InvokeFunction", Principal="events.amazonaws.com",
        SourceArn=rule, SourceAccount=ACCOUNT_ID,
    )  # fmt: skip
    events.put_targets(Rule="hourly", Targets=[{"Id": "1", "Arn": function.arn}])


def _member(harness: EventSourceHarness) -> tuple[str, str]:
    """Return a client of the pool and a refresh token."""
    cognito = harness.aws.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="people", UsernameAttributes=["email"])["UserPool"][
        "Id"
    ]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows
    )
    client = made["UserPoolClient"]["ClientId"]
    cognito.sign_up(ClientId=client, Username="ada@example.org", Password=PASSWORD)
    cognito.admin_confirm_sign_up(UserPoolId=pool, Username="ada@example.org")
    return client, _sign_in(harness, client)["RefreshToken"]


def _sign_in(harness: EventSourceHarness, client: str) -> Any:
    given = {"USERNAME": "ada@example.org", "PASSWORD": PASSWORD}
    cognito = harness.aws.client("cognito-idp")
    return cognito.initiate_auth(
        ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given
    )["AuthenticationResult"]


def _renewed(harness: EventSourceHarness, client: str, refresh: str) -> Any:
    given = {"REFRESH_TOKEN": refresh}
    cognito = harness.aws.client("cognito-idp")
    return cognito.initiate_auth(
        ClientId=client, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=given
    )["AuthenticationResult"]


def _inserted(function: Recorder) -> list[str]:
    records = [
        record for batch in function.batches for record in batch if record["eventName"] == "INSERT"
    ]
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in records]


def _there(harness: EventSourceHarness) -> set[str]:
    return {item["pk"]["S"] for item in harness.tables.scan(TableName="day")["Items"]}
