"""Retries: which requests may be repeated, and after how long."""

import itertools
import random
import time
from email.utils import parsedate_to_datetime

import httpx

from atrium_client.flow import Flow, Pause

RETRIES = 3
FIRST_WAIT = 0.2
LONGEST_WAIT = 20.0
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
TRANSIENT = frozenset({429, 502, 503, 504})


def send(request: httpx.Request) -> Flow[httpx.Response]:
    """Send a request; repeat it after transient failures if that cannot do harm.

    If an earlier attempt may have caused the refusal of a later one, the earlier failure counts.
    """
    unclear: httpx.Response | httpx.TransportError | None = None
    for attempt in itertools.count():
        outcome: httpx.Response | httpx.TransportError
        try:
            outcome = yield request
        except httpx.TransportError as failure:
            outcome = failure
        response = outcome if isinstance(outcome, httpx.Response) else None
        wait = _wait(attempt, request, response)
        if wait is None:
            final = unclear if unclear is not None and _may_be_own(request, response) else outcome
            if isinstance(final, httpx.TransportError):
                raise final
            return final
        if response is None or response.status_code != 429:  # a 429 was not carried out
            unclear = outcome
        yield Pause(wait)
    raise AssertionError("count() does not end")


def _may_be_own(request: httpx.Request, refusal: httpx.Response | None) -> bool:
    """Return True if an earlier attempt of the same change may have caused this refusal."""
    status = refusal.status_code if refusal is not None else None
    return status == 412 or (request.method == "DELETE" and status == 404)


def _wait(attempt: int, request: httpx.Request, response: httpx.Response | None) -> float | None:
    """Return the seconds before the next attempt; None if the outcome is final."""
    repeatable = request.method in REPEATABLE or "Idempotency-Key" in request.headers
    if attempt == RETRIES or not repeatable:
        return None
    back_off: float = FIRST_WAIT * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 # spreads retries
    if response is None:
        return back_off
    asked = retry_after(response)
    is_final = response.status_code not in TRANSIENT or asked > LONGEST_WAIT
    return None if is_final else max(asked, back_off)


def retry_after(response: httpx.Response) -> float:
    """Return the seconds that `Retry-After` asks for (RFC 9110 10.2.3); 0 without a valid one."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    asked = _seconds(value)
    if asked is None:
        return 0
    # The server's own clock, because this machine's may be wrong.
    now = _seconds(response.headers.get("Date", ""))
    return max(0, asked - (time.time() if now is None else now))


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
