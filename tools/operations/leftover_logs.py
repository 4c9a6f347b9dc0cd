"""Leftover log groups: RDS recreates them when it flushes logs after its database is deleted.

They are in no Terraform state and have no retention. The next create fails with
ResourceAlreadyExistsException (https://github.com/hashicorp/terraform-provider-aws/issues/42858).
"""

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

WATCHED_SECONDS = 60.0
POLL_SECONDS = 5.0


def prefixes(name: str) -> tuple[str, ...]:
    """Return the prefixes of an environment's log groups, as modules/rds_proxy/logs.tf names them."""
    return (f"/aws/rds/instance/{name}-database/", f"/aws/rds/proxy/{name}-proxy")


def found(logs: Any, name: str) -> list[str]:
    pages = logs.get_paginator("describe_log_groups")
    return [
        group["logGroupName"]
        for prefix in prefixes(name)
        for page in pages.paginate(logGroupNamePrefix=prefix)
        for group in page["logGroups"]
    ]


def sweep(
    logs: Any,
    name: str,
    report: Callable[[str], None] = print,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Delete the groups, and for a minute those that RDS recreates; preflight finds later ones."""
    report(f"destroy: watching for {WATCHED_SECONDS:.0f} s whether RDS recreates its log groups.")
    deadline = clock() + WATCHED_SECONDS
    while True:
        for group in found(logs, name):
            if _delete(logs, group):
                report(f"destroy: deleted {group}, which RDS had recreated.")
        if clock() >= deadline:
            return
        sleep(POLL_SECONDS)


def _delete(logs: Any, group: str) -> bool:
    try:
        logs.delete_log_group(logGroupName=group)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return False
    return True
