"""Eventual consistency of a new proxy: its target and new secrets take effect with a delay.

On AWS a target is `PENDING_PROXY_CAPACITY` for minutes, and a new secret may be unknown for about
one. Here the delay is seconds: long enough that a deployment that does not wait fails.

Importing this module patches moto's target health.
"""

import time
from typing import Any

from moto.rds.models import DBProxyTarget

from local_aws.moto_state import additions

TARGET_SECONDS = 3.0
SECRET_SECONDS = 2.0

now = time.time


def registered(target: Any) -> None:
    """Record the registration time of moto's target."""
    additions.change_target(target, registered_at=now())


def is_available(target: Any) -> bool:
    return bool(now() - additions.of_target(target).registered_at >= TARGET_SECONDS)


def is_known(secret: Any) -> bool:
    """Return True if the proxy has read moto's secret.

    It reads a secret some seconds after its first value.
    """
    first = min(version["createdate"] for version in secret.versions.values())
    return bool(now() - first >= SECRET_SECONDS)


def _health(target: Any) -> dict[str, str]:
    """Return the target's health.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_TargetHealth.html
    """
    if is_available(target):
        return {"State": "AVAILABLE"}
    description = "DBProxy Target unavailable due to an internal error"
    return {"State": "UNAVAILABLE", "Reason": "PENDING_PROXY_CAPACITY", "Description": description}


DBProxyTarget.target_health = property(_health)  # type: ignore[method-assign, assignment]
