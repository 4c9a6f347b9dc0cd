"""Trace ids for the log, and X-Ray subsegments.

Only this file uses the X-Ray SDK, whose support ends in 2027.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache

from atrium.runtime import lean_import

# W3C Trace Context, section 3.2: version, trace id, parent id, flags. All-zero ids are invalid.
_TRACEPARENT = lean_import.pattern(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace_id>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}.*"
)


def trace_id(traceparent: str | None) -> str | None:
    """Return the caller's trace id, or None if the header is absent or malformed."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return found["trace_id"] if found else None


def xray_trace_id() -> str | None:
    """Return the trace id that Lambda sets for each invocation: `Root=1-…;Parent=…;Sampled=1`."""
    return _xray_header().get("Root")


def subsegment(name: str, **annotations: str) -> AbstractContextManager[None]:
    """Time the block in X-Ray if this request is sampled."""
    if _xray_header().get("Sampled") != "1":
        return _UNSAMPLED
    return _subsegment(name, annotations)


_UNSAMPLED: AbstractContextManager[None] = nullcontext()


@contextmanager
def _subsegment(name: str, annotations: Mapping[str, str]) -> Iterator[None]:
    try:
        # Loading the SDK takes about 1.8 bare cold starts, so only a sampled request loads it.
        from aws_xray_sdk.core import xray_recorder
    except ModuleNotFoundError:
        yield  # The X-Ray SDK is in the SDK layer, which functions that use only Postgres lack.
        return

    with xray_recorder.in_subsegment(name) as segment:
        if segment is not None:
            for key, value in annotations.items():
                segment.put_annotation(key, value)
        yield


def _xray_header() -> Mapping[str, str]:
    return _parsed(os.environ.get("_X_AMZN_TRACE_ID", ""))


@lru_cache(maxsize=1)  # a request reads it twice
def _parsed(header: str) -> Mapping[str, str]:
    pairs = (pair.partition("=") for pair in header.split(";"))
    return {key: value for key, _, value in pairs}
