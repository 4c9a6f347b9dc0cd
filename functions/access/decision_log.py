"""The log of decisions with their reasons: off, unless an operator turns it on for a set time.

    DECISION_LOG_UNTIL     when it ends, RFC 3339 with an offset; without it there is no log
    DECISION_LOG_PERCENT   the share of the decisions that are logged, 0.01 to 100; 100 by default

Both are settings of the function `access` in an environment's `locals.tf`. The share is random, so
a question that is asked often is not missed for long.
"""

import functools
import random
import time
from collections.abc import Callable
from datetime import datetime

from atrium.runtime import config, log


def note(
    request_id: str,
    subject: str,
    action: str,
    resource: str,
    permit: bool,
    reason: Callable[[], str],
) -> None:
    """Log a share of the decisions until a set time; log nothing after it."""
    until, share = _settings()
    if time.time() >= until or random.random() >= share:  # noqa: S311  no secret
        return
    log.write(
        "INFO",
        "decision",
        request_id=request_id,
        subject=subject,
        action=action,
        resource=resource,
        decision=permit,
        reason=reason(),
    )


@functools.cache
def _settings() -> tuple[float, float]:
    """Return the end of the log and the share.

    With a wrong setting nothing is logged, and an error once.
    """
    until = config.optional("DECISION_LOG_UNTIL")
    percent = config.optional("DECISION_LOG_PERCENT", "100")
    if not until:
        return 0.0, 0.0
    try:
        end, share = datetime.fromisoformat(until), float(percent) / 100
        if end.tzinfo is None or not 0 < share <= 1:
            raise ValueError(f"{until}, {percent}")
    except ValueError as error:
        log.write("ERROR", "decision log is off, its settings are wrong", error=log.failure(error))
        return 0.0, 0.0
    return end.timestamp(), share
