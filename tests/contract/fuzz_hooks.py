"""Loaded by schemathesis, in its own environment: what a schema cannot say of a good request, and it would guess in vain.

Only of requests that are meant to be good: those that are meant to be bad stay bad.
"""

import re
import uuid
from typing import Any

import schemathesis
from schemathesis import GenerationMode

SHARED = frozenset(
    {
        "deleteMe",
        "deleteUser",
        "setUserStatus",
        "deleteNamespace",
        "endMyOtherSessions",
        "endSessions",
        "enableMyMfa",
        "disableMyMfa",
        "disableMfa",
    }
)
"""The operations that, with a matching tag, would end what the session's other tests use: the users whom they sign in
as or their sessions, and the namespace of the contract's examples. They get a stale tag, so everything up to the 412 is reached. The tests
of functions/users and functions/access go beyond it."""

NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
LARGEST = 2**53 - 1  # RFC 7493


def sound(value: Any) -> Any:
    """Without what no body may have, and no schema can say of the members that it leaves open."""
    if isinstance(value, str):
        return CONTROLS.sub("_", value)
    if isinstance(value, int | float):
        return value if -LARGEST <= value <= LARGEST else 1
    if isinstance(value, list):
        return [sound(item) for item in value]
    return (
        {sound(name): sound(member) for name, member in value.items()}
        if isinstance(value, dict)
        else value
    )


@schemathesis.hook  # type: ignore[untyped-decorator]  # not in our .venv
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    headers = case.headers or {}
    # These have no entity tag that could be stale.
    operation = case.operation.definition.raw["operationId"]
    if operation == "eraseUser":
        case.path_parameters["id"] = NOBODY
    if operation in ("endMySession", "endSession"):
        case.path_parameters["session"] = NOBODY  # a generated case may name a session from a list
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    case.body = sound(case.body)
    (case.query or {}).pop("cursor", None)  # signed: no generated one is good, and a bad one is 400
    if "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = str(
            uuid.uuid4()
        )  # the generator repeats itself, and a key is for one request
    if "If-Match" in headers:
        headers["If-Match"] = (
            '"0-0"' if case.operation.definition.raw["operationId"] in SHARED else "*"
        )
