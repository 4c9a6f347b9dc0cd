"""The log groups that RDS creates again after a destroy: they are deleted, and no others are."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools.operations import leftover_logs

GROUP = "/aws/rds/instance/atrium-dev-database/postgresql"
OTHERS = ["/aws/rds/instance/atrium-prod-database/postgresql", "/aws/lambda/atrium-dev-users"]


@pytest.fixture
def logs() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("logs", region_name="eu-central-1")
        for name in [GROUP, *OTHERS]:
            client.create_log_group(logGroupName=name)
        yield client


def test_only_recreated_log_groups_of_this_environment_are_deleted(logs: Any) -> None:
    moments = iter(range(0, 1000, 5))
    told: list[str] = []
    comes_back = [20, 55]

    def sleep(_: float) -> None:
        if comes_back and now[0] >= comes_back[0]:
            comes_back.pop(0)
            logs.create_log_group(logGroupName=GROUP)

    now = [0]

    def clock() -> float:
        now[0] = next(moments)
        return now[0]

    leftover_logs.sweep(logs, "atrium-dev", told.append, sleep, clock)
    left = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    assert left == sorted(OTHERS)
    assert sum(GROUP in line for line in told) == 3
