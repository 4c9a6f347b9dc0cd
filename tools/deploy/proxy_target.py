"""The health of RDS Proxy's target. A new one takes minutes to become available to functions."""

import time
from collections.abc import Callable
from typing import Any

from tools.deploy.errors import RefusedError

MOST_SECONDS = 900.0
POLL_SECONDS = 5.0
FIRST_POLL_SECONDS = 1.0
QUIET_SECONDS = 30.0  # an unchanged state is reported this often

# The causes of an unavailable target and what to check:
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_TargetHealth.html
CAUSES = {
    "AUTH_FAILURE": "The proxy cannot sign in to the database. Check the policies of its role and the secrets it names.",
    "CONNECTION_FAILED": "The proxy cannot connect to the database. Check the security groups between them.",
    "INVALID_REPLICATION_STATE": "The database does not replicate. Check its events in RDS.",
    "PENDING_PROXY_CAPACITY": "AWS is still adding capacity to the proxy. If that does not end, check AWS's health dashboard.",
    "UNREACHABLE": "The proxy does not reach the database. Check their subnets and security groups.",
}

Report = Callable[[str], None]
Sleep = Callable[[float], None]


def wait_until_available(
    rds: Any,
    endpoint: str,
    report: Report = print,
    sleep: Sleep = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait for the target of the proxy at this endpoint, and report changes of its state.

    Raises:
        RefusedError: It was not available in time. The message has AWS's reason and what to check.
    """
    name = _proxy_at(rds, endpoint)
    started = said_at = clock()
    said = ""
    while (health := _health(rds, name)).get("State") != "AVAILABLE":
        state, waited = _text(health), clock() - started
        if waited >= MOST_SECONDS:
            raise RefusedError(_gave_up(name, health, waited))
        if state != said or clock() - said_at >= QUIET_SECONDS:
            report(
                f"proxy {name}: its target is {state} after {waited:.0f} s. A new target takes minutes."
            )
            said, said_at = state, clock()
        sleep(FIRST_POLL_SECONDS if waited < POLL_SECONDS else POLL_SECONDS)
    if said:
        report(f"proxy {name}: its target is available after {clock() - started:.0f} s.")


def _proxy_at(rds: Any, endpoint: str) -> str:
    pages = rds.get_paginator("describe_db_proxies").paginate()
    found = [
        proxy["DBProxyName"]
        for page in pages
        for proxy in page["DBProxies"]
        if proxy["Endpoint"] == endpoint
    ]
    if not found:
        raise RefusedError(
            f"there is no DB proxy at {endpoint}. Apply the environment again with make deploy."
        )
    return str(found[0])


def _health(rds: Any, name: str) -> dict[str, str]:
    targets = rds.describe_db_proxy_targets(DBProxyName=name)["Targets"]
    if not targets:
        return {"State": "UNAVAILABLE", "Description": "The proxy has no target."}
    found: dict[str, str] = targets[0].get("TargetHealth", {})
    return found


def _text(health: dict[str, str]) -> str:
    return " ".join(
        part for part in (health.get("State", "in an unknown state"), health.get("Reason")) if part
    )


def _gave_up(name: str, health: dict[str, str], waited: float) -> str:
    cause = CAUSES.get(health.get("Reason", ""), "The proxy's log group says more.")
    said = f" AWS says: {health['Description']}" if health.get("Description") else ""
    return (
        f"the target of proxy {name} is still {_text(health)} after {waited:.0f} s, so no function can reach the database.{said}\n"
        f"  {cause} What is applied stays. Run this command again once the target is available."
    )
