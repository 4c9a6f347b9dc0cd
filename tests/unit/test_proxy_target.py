"""The wait for the proxy's target during a deploy: progress, and AWS's reason when it gives up."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tools.deploy import proxy_target
from tools.deploy.errors import RefusedError

ENDPOINT = "proxy.example.org"
PENDING = {"State": "UNAVAILABLE", "Reason": "PENDING_PROXY_CAPACITY"}
AVAILABLE = {"State": "AVAILABLE"}


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def __call__(self) -> float:
        return self.seconds


Wait = Callable[..., list[str]]


@pytest.fixture
def wait() -> Iterator[Wait]:
    """Wait for a target with these states in sequence. Return the reports."""
    client = boto3.client(
        "rds",
        region_name="eu-central-1",
        aws_access_key_id="offline",
        aws_secret_access_key="offline",
    )
    with Stubber(client) as stubber:

        def run(*healths: dict[str, str], endpoint: str = ENDPOINT) -> list[str]:
            proxies: list[Any] = [{"DBProxyName": "other", "Endpoint": "other.example.org"}]
            proxies.append({"DBProxyName": "proxy", "Endpoint": ENDPOINT})
            stubber.add_response("describe_db_proxies", {"DBProxies": proxies}, {})
            for health in healths:
                answer = {"Targets": [{"TargetHealth": health}] if health else []}
                stubber.add_response("describe_db_proxy_targets", answer, {"DBProxyName": "proxy"})
            told: list[str] = []
            clock = Clock()
            proxy_target.wait_until_available(client, endpoint, told.append, clock.sleep, clock)
            stubber.assert_no_pending_responses()
            return told

        yield run


def test_a_target_that_is_available_is_not_waited_for(wait: Wait) -> None:
    assert wait(AVAILABLE) == []


def test_the_state_is_reported_when_it_changes_and_at_the_end(wait: Wait) -> None:
    assert wait({"State": "REGISTERING"}, PENDING, PENDING, AVAILABLE) == [
        "proxy proxy: its target is REGISTERING after 0 s. A new target takes minutes.",
        "proxy proxy: its target is UNAVAILABLE PENDING_PROXY_CAPACITY after 1 s. A new target takes minutes.",
        "proxy proxy: its target is available after 3 s.",
    ]


def test_a_long_wait_is_reported_repeatedly(wait: Wait) -> None:
    assert len([line for line in wait(*[PENDING] * 30, AVAILABLE) if "PENDING" in line]) == 5


@pytest.mark.parametrize("reason", sorted(proxy_target.CAUSES))
def test_a_timeout_names_the_reason_and_where_to_look(wait: Wait, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        wait(*[{"State": "UNAVAILABLE", "Reason": reason, "Description": "as AWS says it"}] * 400)
    assert reason in str(refused.value)
    assert "as AWS says it" in str(refused.value)
    assert proxy_target.CAUSES[reason] in str(refused.value)


def test_a_proxy_without_a_target_is_reported(wait: Wait) -> None:
    with pytest.raises(RefusedError, match="The proxy has no target"):
        wait(*[{}] * 400)


def test_a_missing_proxy_is_reported(wait: Wait) -> None:
    with pytest.raises(RefusedError, match=r"there is no DB proxy at nowhere\.example\.org"):
        wait(endpoint="nowhere.example.org")
