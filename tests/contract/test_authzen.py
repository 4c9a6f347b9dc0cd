"""The operations with `x-atrium-rules: authzen`: AuthZEN 1.0's rules instead of ours."""

from typing import Any

import pytest

from tests.contract import examples
from tests.contract.caller import Caller
from tests.contract.operations import Operation, of, read
from tools.laptop.answer import Answer

OPERATIONS = [operation for operation in of(read()) if operation.is_authzen]
each = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
MIB = 1 << 20


def refused(answer: Answer, status: int) -> str:
    """Check section 10.1.2: the error is a string."""
    assert answer.status == status, f"{answer.status} instead of {status}: {answer.body!r}"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.body.decode()


@each
def test_unknown_fields_are_ignored(operation: Operation, admin: Caller) -> None:
    body = examples.body(operation) | {"no_such_field": 1, "nor/this": {"a": [None]}}
    assert admin.ask(operation, body=body).status == 200


@each
def test_a_missing_required_member_is_named(operation: Operation, admin: Caller) -> None:
    for name in examples.body(operation):
        body = {key: value for key, value in examples.body(operation).items() if key != name}
        if "evaluations" in body:  # 7.3: otherwise only the evaluations without it fail
            continue
        assert refused(admin.ask(operation, body=body), 400)


@each
def test_an_invalid_body_is_refused_with_a_text(operation: Operation, admin: Caller) -> None:
    for raw in (b"", b"{", b"[]", b'{"x":' + b"[" * 40 + b"]" * 40 + b"}"):
        assert refused(admin.ask(operation, raw=raw), 400)
    assert refused(admin.ask(operation, body={"x": "a" * MIB}), 413)
    assert refused(admin.ask(operation, headers={"Content-Type": "text/plain"}), 400)


@each
def test_the_request_id_is_returned(operation: Operation, admin: Caller) -> None:
    sent = {"X-Request-ID": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"}
    bodies: list[Any] = [examples.body(operation), []]
    for body in bodies:
        assert (
            admin.ask(operation, body=body, headers=sent).headers["x-request-id"]
            == sent["X-Request-ID"]
        )
    by_gateway = admin.ask(operation, headers=sent, signed_in=False)
    assert (by_gateway.status, by_gateway.headers["x-request-id"]) == (401, sent["X-Request-ID"])
    assert "x-request-id" not in admin.ask(operation, signed_in=False).headers
