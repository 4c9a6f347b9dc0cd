"""What a new proxy does not know at once: that its target is there, and what a new secret says.

On AWS a target is `PENDING_PROXY_CAPACITY` for minutes and a new secret may be unknown for about one. Here it is seconds: long
enough that a deployment which does not wait fails. Importing this corrects moto's health of a target.
"""

import os
import time
from typing import Any

from local_aws.settings import ACCOUNT_ID

os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID  # read by moto when it is imported

from moto.rds.models import DBProxyTarget

TARGET_SECONDS = 3.0
SECRET_SECONDS = 2.0
_REGISTERED = "registered_at"  # an attribute of moto's target, which a snapshot keeps

now = time.time


def registered(target: Any) -> None:
    """Note that moto's target was registered now."""
    setattr(target, _REGISTERED, now())


def is_available(target: Any) -> bool:
    return bool(now() - getattr(target, _REGISTERED, 0.0) >= TARGET_SECONDS)


def is_known(secret: Any) -> bool:
    """Whether the proxy has read moto's secret: some seconds after it got its first value."""
    first = min(version["createdate"] for version in secret.versions.values())
    return bool(now() - first >= SECRET_SECONDS)


def _health(target: Any) -> dict[str, str]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_TargetHealth.html"""
    if is_available(target):
        return {"State": "AVAILABLE"}
    description = "DBProxy Target unavailable due to an internal error"
    return {"State": "UNAVAILABLE", "Reason": "PENDING_PROXY_CAPACITY", "Description": description}


DBProxyTarget.target_health = property(_health)  # type: ignore[method-assign, assignment]
