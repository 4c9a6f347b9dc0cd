"""Routes for namespaces: `/v1/namespaces`."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from access import json_schema
from access.names import Name, RoleName
from atrium.http import etag, response
from atrium.http.problem import FieldError, ParameterError, Problem, invalid_parameters
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Line
from atrium.identity import namespaces, permissions
from atrium.identity.delegation import Delegation
from atrium.identity.namespaces import Namespace
from atrium.paging import pages
from atrium.runtime.uuid7 import uuid7
from atrium.stores import audit, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.user_table import ContentionError, TransactionCanceledError

MAX_SETTERS = 10

FLAGS = ("personal", "visible_to", "writable_by", "in_token", "set_by")
"""Fields that only an administrator whose role never expires can change.

A namespace never expires either.
"""


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    description: Line
    schema: dict[str, Any]
    personal: bool
    visible_to: Literal["self", "nobody"] = "self"
    writable_by: Literal["self", "nobody"] = "nobody"
    in_token: bool = False
    set_by: Annotated[list[RoleName], Meta(max_length=MAX_SETTERS)] = []


def list_(request: Request) -> Response:
    page = pages.requested(request)
    after = {"pk": namespaces.PK, "sk": page.after[0]} if page.after else None
    items = user_table.query(namespaces.PK, after=after, page=page.limit + 1)
    found = [_shown(namespaces.of_item(item)) for item in islice(items, page.limit + 1)]
    return pages.answer(request, page, found, key=lambda each: (each["namespace"],))


def read(request: Request) -> Response:
    return _representation(_found(_name(request)))


def put(request: Request) -> Response:
    """Create with `If-None-Match: *`, replace with `If-Match`.

    Existing values are checked when they are next written. If the namespace is new or `in_token`
    changes, tokens contain only values that are written from now on.
    """
    name, draft = _name(request), request.decode(Draft)
    is_new = request.headers.get("if-none-match", "").strip() == "*"
    versions = None if is_new else etag.expected_versions(request)
    if errors := [*json_schema.faults(draft.schema, "#/schema"), *_contradictions(draft)]:
        raise Problem(
            422,
            "validation_failed",
            "The namespace is invalid; see `errors`.",
            errors=errors,
        )

    def write() -> Namespace:
        before = _find(name)
        if is_new and before:
            raise Problem(
                412,
                "namespace_exists",
                "This namespace already exists. Use If-Match to replace it.",
            )
        if not is_new:
            _expect(_found(name), versions)
        version = before.version + 1 if before else 1
        fields = msgspec.structs.asdict(draft) | {"set_by": tuple(sorted(draft.set_by))}
        is_same = before is not None and before.in_token == draft.in_token
        trust = before.trust if before and is_same else str(uuid7())
        after = Namespace(namespace=name, version=version, trust=trust, **fields)
        _refuse_flags(request, before, after)
        put = {"Item": _item(after), **_condition(before)}
        what = "namespace.changed" if before else "namespace.created"
        _transact(
            [{"Put": put}, audit.entry(request, what, {"namespace": name, "version": version})]
        )
        return after

    return _representation(retry_on_conflict(write), 201 if is_new else 200)


def delete(request: Request) -> Response:
    """Delete the namespace. Its values are hidden until a namespace of the same name exists."""
    name, versions = _name(request), etag.expected_versions(request)

    def write() -> None:
        before = _found(name)
        _expect(before, versions)
        if not Delegation(request.caller).is_unlimited:
            detail = "Only an administrator without end can delete a namespace."
            raise Problem(403, "admin_required", detail)
        gone = {"Key": {"pk": {"S": namespaces.PK}, "sk": {"S": name}}, **_condition(before)}
        _transact(
            [{"Delete": gone}, audit.entry(request, "namespace.deleted", {"namespace": name})]
        )

    retry_on_conflict(write)
    return Response(204)


def _contradictions(draft: Draft) -> Iterator[FieldError]:
    if draft.in_token and draft.writable_by == "self":
        yield FieldError("#/writable_by", "Must be `nobody` if `in_token` is true")
    for place, role in enumerate(draft.set_by):
        if role in draft.set_by[:place]:
            yield FieldError(f"#/set_by/{place}", "This role is duplicated")
        elif permissions.generation(role) is None:
            yield FieldError(f"#/set_by/{place}", "This role does not exist")


def _refuse_flags(request: Request, before: Namespace | None, after: Namespace) -> None:
    is_same = before and all(getattr(before, flag) == getattr(after, flag) for flag in FLAGS)
    if is_same or Delegation(request.caller).is_unlimited:
        return
    flags = ", ".join(f"`{flag}`" for flag in FLAGS)
    detail = f"Only an administrator without end can create a namespace or change its {flags}."
    raise Problem(403, "admin_required", detail)


def _find(name: str) -> Namespace | None:
    item = user_table.item(namespaces.PK, name)
    return namespaces.of_item(item) if item else None


def _found(name: str) -> Namespace:
    found = _find(name)
    if found is None:
        raise Problem(404, "namespace_not_found", "This namespace does not exist.")
    return found


def _expect(found: Namespace, versions: list[int] | None) -> None:
    if versions is not None and found.version not in versions:
        raise etag.stale()


def _item(namespace: Namespace) -> dict[str, Any]:
    return {
        "pk": {"S": namespaces.PK},
        "sk": {"S": namespace.namespace},
        "description": {"S": str(namespace.description)},
        "schema": {"S": msgspec.json.encode(namespace.schema).decode()},
        "visible_to": {"S": namespace.visible_to},
        "writable_by": {"S": namespace.writable_by},
        "personal": {"BOOL": namespace.personal},
        "in_token": {"BOOL": namespace.in_token},
        "set_by": {"L": [{"S": role} for role in namespace.set_by]},
        "version": {"N": str(namespace.version)},
    } | ({"trust": {"S": namespace.trust}} if namespace.trust else {})


def _condition(before: Namespace | None) -> dict[str, Any]:
    if before is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    values = {":version": {"N": str(before.version)}}
    return {"ConditionExpression": "version = :version", "ExpressionAttributeValues": values}


def _transact(items: list[dict[str, Any]]) -> None:
    try:
        user_table.transact(items)
    except TransactionCanceledError as refused:
        raise ContentionError(f"Another transaction changed the namespace: {refused}") from refused


def _name(request: Request) -> str:
    try:
        return msgspec.convert(request.path_parameters["namespace"], Name)
    except msgspec.ValidationError:
        raise invalid_parameters(
            [ParameterError("namespace", "Must be a name such as `profile`")]
        ) from None


def _representation(namespace: Namespace, status: int = 200) -> Response:
    return response.json(_shown(namespace), status, etag=etag.of_version(namespace.version))


def _shown(namespace: Namespace) -> dict[str, Any]:
    """Return the namespace as the API shows it."""
    fields = msgspec.structs.asdict(namespace)
    del fields["trust"]
    return fields
