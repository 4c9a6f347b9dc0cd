"""Hooks for schemathesis, which runs them in an environment of its own.

They repair valid requests where the schema cannot state a rule, so that the generator would fail.
Requests that are meant to be invalid stay invalid.
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
        "linkIdentity",
        "deleteNamespace",
        "endMyOtherSessions",
        "endSessions",
        "enableMyMfa",
        "disableMyMfa",
        "disableMfa",
    }
)
"""Operations that with a matching ETag would break the session's other tests.

They would change the users who sign in, their sessions, or the namespace of the contract's
examples. They get a stale ETag, so everything up to the 412 is tested. The tests of functions/users
and functions/access cover the rest.
"""

NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
LARGEST = 2**53 - 1  # RFC 7493


def sound(value: Any) -> Any:
    """Return the value without what no body may contain, in members whose schema allows anything."""
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
    # These have no ETag that could be stale.
    operation = case.operation.definition.raw["operationId"]
    if operation == "eraseUser":
        case.path_parameters["id"] = NOBODY
    if operation in ("endMySession", "endSession"):
        case.path_parameters["session"] = NOBODY  # a generated case may name a session from a list
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    case.body = sound(case.body)
    (case.query or {}).pop("cursor", None)  # signed, so that no generated cursor is valid
    if "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = str(
            uuid.uuid4()
        )  # the generator repeats values, but each request needs its own key
    if "If-Match" in headers:
        headers["If-Match"] = (
            '"0-0"' if case.operation.definition.raw["operationId"] in SHARED else "*"
        )
