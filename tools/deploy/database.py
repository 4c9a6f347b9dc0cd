"""Preparation of an environment's database by the environment's own functions."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local_aws.supervisor.ready import StackError
from tools.deploy.environment import FunctionFailedError

Invoke = Callable[[str, Mapping[str, Any]], Any]
"""Invokes the function in the named folder with an event."""

# RDS Proxy's answer while it does not know a secret that was just filled.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html
SECRET_UNKNOWN = re.compile(
    r"This RDS proxy has no credentials for the role \S+\. Check the credentials", re.IGNORECASE
)
MOST_SECONDS = 180.0
LONGEST_PAUSE = 15.0


def prepare_database(invoke: Invoke, to: Mapping[str, str]) -> dict[str, Any]:
    """Create missing database roles, passwords and signing keys, and apply the migrations up to `to`."""
    invoke = until_secrets_are_known(invoke)
    invoke("migrate", {"action": "bootstrap"})
    invoke("db_credentials", {"only_missing": True})
    invoke("migrate", {"action": "make_signing_keys"})
    invoke("migrate", {"action": "prepare_items"})
    answer: dict[str, Any] = invoke("migrate", {"action": "apply", **to})
    return answer


def until_secrets_are_known(
    invoke: Invoke,
    report: Callable[[str], None] = print,
    sleep: Callable[[float], None] = time.sleep,
) -> Invoke:
    """Retry an invocation that failed because the proxy does not know a new secret yet.

    All other errors are raised at once.
    """

    def patiently(folder: str, event: Mapping[str, Any]) -> Any:
        for pause in _pauses():
            try:
                return invoke(folder, event)
            except (FunctionFailedError, StackError) as error:
                if not SECRET_UNKNOWN.search(str(error)):
                    raise
                report(
                    f"{folder}: the proxy does not know a new secret yet. Retrying in {pause:.0f} s."
                )
                sleep(pause)
        return invoke(folder, event)

    return patiently


def _pauses() -> Iterator[float]:
    """Yield growing pauses that add up to MOST_SECONDS."""
    pause, left = 1.0, MOST_SECONDS
    while left > 0:
        yield min(pause, left)
        left -= pause
        pause = min(pause * 2, LONGEST_PAUSE)
