"""Trace ids for the log, and X-Ray subsegments. The only file that knows the X-Ray SDK, whose support ends in 2027."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

# W3C Trace Context, section 3.2: version, trace id, parent id, flags; ids of zeros are invalid.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace_id>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}.*"
)


def trace_id(traceparent: str | None) -> str | None:
    """The caller's own trace id, or None when the header is absent or malformed."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return found["trace_id"] if found else None


def xray_trace_id() -> str | None:
    """Lambda sets the variable anew for each invocation: `Root=1-…;Parent=…;Sampled=1`."""
    return _xray_header().get("Root")


@contextmanager
def subsegment(name: str, **annotations: str) -> Iterator[None]:
    """Times the block in X-Ray when this request is sampled, and costs next to nothing when it is not."""
    if _xray_header().get("Sampled") != "1":
        yield
        return
    try:
        # Loading it costs about 1.8 bare cold starts, so only a sampled request pays.
        from aws_xray_sdk.core import xray_recorder
    except ModuleNotFoundError:
        yield  # It lies in the layer of AWS's SDK, which a function has that touches more than Postgres.
        return

    with xray_recorder.in_subsegment(name) as segment:
        if segment is not None:
            for key, value in annotations.items():
                segment.put_annotation(key, value)
        yield


def _xray_header() -> dict[str, str]:
    pairs = (pair.partition("=") for pair in os.environ.get("_X_AMZN_TRACE_ID", "").split(";"))
    return {key: value for key, _, value in pairs}
