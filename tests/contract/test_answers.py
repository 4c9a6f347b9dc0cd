"""Every HTTP rule on every operation that it applies to, by HTTP with the running stack.

No service is named here: the contract decides which rules apply.
tests/contract/test_declarations.py checks that it declares them.
"""

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.contract import examples
from tests.contract.caller import Caller, named, problem
from tests.contract.operations import METHODS, Operation, of, read, unlisted
from tools.build.gateway_responses import SECURITY
from tools.laptop.answer import Answer

OPERATIONS = of(read())
MIB = 1 << 20


def each(holds: Callable[[Operation], object]) -> pytest.MarkDecorator:
    chosen = [operation for operation in OPERATIONS if holds(operation)]
    return pytest.mark.parametrize("operation", chosen, ids=str)


secured = each(lambda one: not one.is_public)
with_body = each(lambda one: one.body is not None and not one.is_authzen)
making = each(lambda one: one.takes("Idempotency-Key"))
# An erasure has no body, and this administrator cannot be erased: tests/unit/personal_data repeats
# one.
making_from_body = each(lambda one: one.takes("Idempotency-Key") and one.body is not None)
changing = each(lambda one: one.takes("If-Match"))
tagged = each(lambda one: one.method == "GET" and one.takes("If-None-Match"))
lists = each(lambda one: one.is_list)


def exposed(answer: Answer) -> set[str]:
    """Return the headers that a page of another origin may read."""
    return set(answer.headers["access-control-expose-headers"].split(", "))


@each(lambda one: True)
def test_a_response_is_readable_across_origins_and_not_cached(
    operation: Operation, admin: Caller
) -> None:
    answer = admin.ask(operation, query="?no_such_parameter=1")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert operation.answer_headers <= exposed(answer)
    assert {name: answer.headers[name.lower()] for name in SECURITY} == SECURITY


@each(lambda one: not one.is_authzen)
def test_an_undeclared_parameter_is_400(operation: Operation, admin: Caller) -> None:
    document = problem(
        admin.ask(operation, query="?no_such_parameter=1"), 400, "parameters_invalid"
    )
    assert named(document, "parameter") == ["no_such_parameter"]


@secured
def test_a_request_without_a_token_is_401(operation: Operation, admin: Caller) -> None:
    answer = admin.ask(operation, signed_in=False)
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {name: answer.headers[name.lower()] for name in SECURITY} == SECURITY
    assert operation.answer_headers <= exposed(answer)


@secured
def test_an_invalid_token_is_401(operation: Operation, admin: Caller) -> None:
    answer = admin.ask(operation, headers={"Authorization": "Bearer none"}, signed_in=False)
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


UNKNOWN = ["/", "/v1", "/v1/no-such-thing", "/v2/me", "/v1/health/more"]


@pytest.mark.parametrize("path", UNKNOWN)
def test_an_unknown_path_is_404(path: str, admin: Caller) -> None:
    answer = admin.send("GET", path)
    problem(answer, 404)
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(("method", "path"), unlisted(OPERATIONS), ids="{}".format)
def test_an_unlisted_method_is_405_with_the_allowed_ones(
    method: str, path: str, admin: Caller
) -> None:
    answer = admin.send(method, path.replace("{", "").replace("}", ""))
    problem(answer, 405, "method_not_allowed")
    listed = {operation.method for operation in OPERATIONS if operation.path == path}
    also = {"OPTIONS", "HEAD"} if "GET" in listed else {"OPTIONS"}
    assert set(answer.headers["allow"].split(", ")) == listed | also


@each(lambda one: one.method == "GET" and not one.variables)
def test_head_has_the_status_and_type_of_get_without_a_body(
    operation: Operation, admin: Caller
) -> None:
    got, headed = (admin.send(method, operation.path) for method in ("GET", "HEAD"))
    assert (headed.status, headed.headers["content-type"]) == (
        got.status,
        got.headers["content-type"],
    )
    assert headed.body == b""


@pytest.mark.parametrize("path", [*sorted({operation.path for operation in OPERATIONS}), *UNKNOWN])
def test_a_preflight_permits_every_method_and_header(path: str, admin: Caller) -> None:
    """Check unknown methods and paths, too: only after a preflight can a page read their 405 or
    404.
    """
    answer = admin.send("OPTIONS", path.replace("{", "").replace("}", ""), signed_in=False)
    assert answer.status == 204
    listed = [operation for operation in OPERATIONS if operation.path == path]
    headers = {"Authorization", "Content-Type"}.union(
        *(operation.names("header") for operation in listed)
    )
    assert answer.headers["access-control-allow-origin"] == "*"
    assert set(METHODS) <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert headers <= set(answer.headers["access-control-allow-headers"].split(", "))


@each(lambda one: one.variables)
def test_an_invalid_path_parameter_is_400(operation: Operation, admin: Caller) -> None:
    for name in operation.variables:
        for text in ("%00", *(["7"] if is_uuid(operation, name) else [])):
            document = problem(admin.ask(operation, values={name: text}), 400, "parameters_invalid")
            assert named(document, "parameter") == [name]


def is_uuid(operation: Operation, name: str) -> bool:
    [schema] = [
        operation.resolved(one["schema"]) for one in operation.parameters if one["name"] == name
    ]
    return bool(schema.get("format") == "uuid")


@with_body
def test_an_unreadable_body_is_400(operation: Operation, admin: Caller) -> None:
    problem(admin.ask(operation, raw=b""), 400, "body_missing")
    problem(admin.ask(operation, raw=b"{"), 400, "body_malformed")
    problem(admin.ask(operation, raw=b'{"x":' + b"[" * 40 + b"]" * 40 + b"}"), 400, "body_too_deep")


@with_body
def test_a_body_that_is_too_large_is_413(operation: Operation, admin: Caller) -> None:
    problem(admin.ask(operation, body={"x": "a" * MIB}), 413, "body_too_large")
    problem(admin.ask(operation, body={"x": [0] * 20_000}), 413, "body_too_many_values")


@with_body
def test_a_body_of_another_type_is_415(operation: Operation, admin: Caller) -> None:
    problem(
        admin.ask(operation, headers={"Content-Type": "text/plain"}), 415, "media_type_unsupported"
    )


@with_body
def test_a_body_that_is_not_an_object_is_422_at_its_root(
    operation: Operation, admin: Caller
) -> None:
    assert named(problem(admin.ask(operation, body=[]), 422, "validation_failed"), "pointer") == [
        "#"
    ]


@with_body
def test_every_unknown_field_is_named_at_once(operation: Operation, admin: Caller) -> None:
    body = examples.body(operation) | {"no_such_field": 1, "nor/this": 2}
    pointers = named(problem(admin.ask(operation, body=body), 422, "validation_failed"), "pointer")
    assert sorted(pointers) == ["#/no_such_field", "#/nor~1this"]


@with_body
def test_control_characters_are_refused_in_every_text(operation: Operation, admin: Caller) -> None:
    assert operation.body is not None
    for pointer, body in examples.with_text(operation, "a\x00b"):
        assert pointer in named(
            problem(admin.ask(operation, body=body), 422, "validation_failed"), "pointer"
        )


@changing
def test_a_change_without_if_match_is_428(operation: Operation, admin: Caller) -> None:
    problem(admin.ask(operation, headers={"If-Match": None}), 428, "if_match_required")


@changing
def test_a_change_of_an_old_version_is_412(operation: Operation, admin: Caller) -> None:
    problem(admin.ask(operation, headers={"If-Match": '"0-0"'}), 412, "stale")


@tagged
def test_an_unchanged_resource_is_304(operation: Operation, admin: Caller) -> None:
    tag = admin.ask(operation).headers["etag"]
    assert not tag.startswith("W/")
    same = admin.ask(operation, headers={"If-None-Match": f'"other", {tag}'})
    assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
    assert admin.ask(operation, headers={"If-None-Match": '"other"'}).status == 200


@making
def test_a_missing_idempotency_key_is_refused(operation: Operation, admin: Caller) -> None:
    for key in (None, "two words"):
        document = problem(admin.ask(operation, headers={"Idempotency-Key": key}), 400)
        assert named(document, "header") == ["Idempotency-Key"]


@making_from_body
def test_a_repeated_request_gets_the_first_response(operation: Operation, admin: Caller) -> None:
    key = {"Idempotency-Key": f"again-{id(operation)}-{admin.uid}"}
    body = json.dumps(examples.body(operation)).encode()
    first, again = (admin.ask(operation, raw=body, headers=key) for _ in range(2))
    assert (again.status, again.body, again.headers["location"]) == (
        first.status,
        first.body,
        first.headers["location"],
    )
    assert again.headers["idempotency-replayed"] == "true"
    document = problem(
        admin.ask(operation, raw=body + b" ", headers=key), 422, "idempotency_key_reused"
    )
    assert named(document, "header") == ["Idempotency-Key"]


@making_from_body
def test_a_created_resource_is_at_its_location(operation: Operation, admin: Caller) -> None:
    location = admin.ask(operation).headers["location"]
    assert admin.send("GET", location).status == 200


@lists
@pytest.mark.parametrize("limit", ["0", "101", "x", "", "1.5"])
def test_a_limit_outside_1_to_100_is_refused(
    operation: Operation, limit: str, admin: Caller
) -> None:
    document = problem(admin.ask(operation, query=f"?limit={limit}"), 400, "parameters_invalid")
    assert named(document, "parameter") == ["limit"]


@lists
def test_an_invalid_cursor_is_refused(operation: Operation, admin: Caller) -> None:
    for garbage in ("x", "1.W10.x", "é"):
        document = problem(
            admin.ask(operation, query=f"?cursor={quote(garbage)}"), 400, "cursor_invalid"
        )
        assert named(document, "parameter") == ["cursor"]


@lists
def test_the_link_leads_to_the_next_page(operation: Operation, admin: Caller) -> None:
    first = admin.ask(operation, query="?limit=1")
    assert len(first.json["items"]) <= 1
    if first.json["next_cursor"] is None:
        assert "link" not in first.headers
        return
    target, _, relation = first.headers["link"].partition(">; ")
    assert relation == 'rel="next"'
    second = admin.send("GET", target.removeprefix("<"))
    assert second.status == 200
    assert second.json["items"] != first.json["items"]


@lists
def test_a_cursor_belongs_to_one_caller_and_one_list(
    operation: Operation, admin: Caller, member: Caller
) -> None:
    cursor = admin.ask(operation, query="?limit=1").json["next_cursor"]
    if cursor is None:
        return  # a list with one page; the test below checks that others have more
    if member.ask(operation).status == 200:
        problem(member.ask(operation, query=f"?cursor={cursor}"), 400, "cursor_invalid")
    for other in OPERATIONS:
        if other.is_list and other.path != operation.path:
            problem(admin.ask(other, query=f"?cursor={cursor}"), 400, "cursor_invalid")


def test_some_list_has_a_second_page(admin: Caller) -> None:
    """Check this, because otherwise the tests of cursors would test nothing."""
    found = [operation for operation in OPERATIONS if operation.is_list]
    assert not found or any(admin.ask(one, query="?limit=1").json["next_cursor"] for one in found)
