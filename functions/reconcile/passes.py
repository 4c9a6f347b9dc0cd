"""A pass over the user pool, in pages, over as many runs as it takes.

`reconcile_records` keeps the position, so a run that is killed repeats one page. First the accounts
of the pool are compared. Then the identities that no page has had are looked up one by one, because
an account may have been created during the pass.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from atrium.runtime import log
from atrium.runtime.config import required
from reconcile import pool

PAUSE_SECONDS = 0.5
"""The pause after each page.

The pool's quotas (30 lists a second) are shared with everything else.
"""


class RecordsFailedError(Exception):
    """`reconcile_records` failed. Its log has the reason."""


def run(*, repair: bool, restart: bool, has_time: Callable[[], bool]) -> dict[str, Any]:
    """Continue the pass, or begin one that is due. Return its state and the drifts found."""
    begun = _records("begin", restart=restart)
    if begun is None:
        return {"state": "not due", "found": {}}
    phase, position, found = begun["phase"], begun["position"], begun["found"]
    while phase != "ended" and has_time():
        step = _pool_step if phase == "pool" else _missing_step
        phase, position, found = step(position, repair)
        time.sleep(PAUSE_SECONDS)
    _records("release")
    if phase == "ended":
        unrepaired = log.metric("IdentityDrift", found.get("not_repaired", 0))
        log.write("INFO", "reconciliation ended", found=found, **unrepaired)
    return {"state": phase, "found": found}


def _pool_step(position: str, repair: bool) -> tuple[str, str, dict[str, int]]:
    page = pool.page(position)
    phase = "pool" if page.next else "missing"
    return phase, page.next, _records("compare", accounts=page.accounts, missing=[], repair=repair,
        phase=phase, position=page.next)  # fmt: skip


def _missing_step(position: str, repair: bool) -> tuple[str, str, dict[str, int]]:
    subjects: list[str] = _records("unseen", after=position)
    there = pool.find(subjects)
    missing = sorted(set(subjects) - {each["subject"] for each in there})
    phase, last = ("missing", subjects[-1]) if subjects else ("ended", "")
    return phase, last, _records("compare", accounts=there, missing=missing, repair=repair,
        phase=phase, position=last)  # fmt: skip


def _records(step: str, **arguments: Any) -> Any:
    event = {"step": step, "provider": f"cognito:{pool.pool_id()}"} | arguments
    answer = pool.client("lambda").invoke(
        FunctionName=required("RECONCILE_RECORDS_FUNCTION"), Payload=json.dumps(event).encode()
    )
    if "FunctionError" in answer:
        raise RecordsFailedError(f"reconcile_records failed in the step {step}; its log says why.")
    return json.loads(answer["Payload"].read())
