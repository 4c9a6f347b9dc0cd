"""Routes for a user's attributes: read all, change several, read or replace one."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from access import attribute_items, attribute_limits, attribute_validation
from access.attribute_items import Attribute, Key, Record, Values, readable
from access.names import is_name
from access.namespace_rights import sees, sets
from atrium.http import etag, merge_patch, response
from atrium.http.json_values import child
from atrium.http.problem import FieldError, ParameterError, Problem, invalid_parameters
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import namespaces
from atrium.identity.delegation import Delegation
from atrium.identity.namespaces import Namespaces
from atrium.identity.rules import not_found
from atrium.stores.attribute_value import UNREADABLE
from atrium.stores.contention import retry_on_conflict


class Patch(msgspec.Struct, forbid_unknown_fields=True):
    attributes: dict[str, dict[str, Any] | None]


class NewValue(msgspec.Struct, forbid_unknown_fields=True):
    value: Any


def read(request: Request) -> Response:
    record = _record(_uid(request))
    return _all(request, record, namespaces.known(record.values()))


def change(request: Request) -> Response:
    """Apply a merge patch (RFC 7396); null clears a value or a namespace."""
    patch = request.decode(Patch, media_types=merge_patch.MEDIA_TYPES).attributes
    etag.if_match(request)
    known = namespaces.read()
    _refuse_foreign(request, known, patch)

    def check(record: Record) -> None:
        etag.expected_versions(request, _seen(request, record, known))

    record = _change(
        request,
        known,
        check,
        lambda values: merged(values, patch),
        "#/attributes",
        replaced=lambda record: _replaced(record, patch),
    )
    return _all(request, record, known)


def read_one(request: Request) -> Response:
    namespace, name = _place(request)
    if not sees(request, _uid(request), namespaces.known([namespace]).get(namespace)):
        raise _no_attribute()
    found = _record(_uid(request)).attributes.get((namespace, name))
    if found is None or found.value is UNREADABLE:
        raise _no_attribute()
    return _one(found)


def put_one(request: Request) -> Response:
    """Create with `If-None-Match: *`, replace with `If-Match`."""
    namespace, name = _place(request)
    value = request.decode(NewValue).value
    is_new = request.headers.get("if-none-match", "").strip() == "*"
    if not is_new:
        etag.if_match(request)

    def check(record: Record) -> None:
        found = record.attributes.get((namespace, name))
        if is_new and found and found.value is not UNREADABLE:
            raise Problem(
                412,
                "attribute_exists",
                "The attribute already has a value. Use If-Match to replace it.",
            )
        if not is_new:
            _expect(request, found)

    known = namespaces.read()
    if not sets(request, _uid(request), known.get(namespace)):
        raise not_found()
    # Null means no value, as in a merge patch.
    record = _change(
        request,
        known,
        check,
        lambda values: _with(values, namespace, name, value),
        "#/value",
        namespace,
        replaced=lambda _: {(namespace, name)},
    )
    return _one(record.attributes[namespace, name], 201 if is_new else 200)


def delete_one(request: Request) -> Response:
    namespace, name = _place(request)
    etag.if_match(request)
    known = namespaces.read()
    if not sets(request, _uid(request), known.get(namespace)):
        raise not_found()

    def check(record: Record) -> None:
        _expect(request, record.attributes.get((namespace, name)))

    _change(
        request,
        known,
        check,
        lambda values: merged(values, {namespace: {name: None}}),
        "#",
        namespace,
    )
    return Response(204)


def merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values after a merge patch (RFC 7396, section 2)."""
    after = {name: value for name, value in target.items() if patch.get(name, ...) is not None}
    for name, value in patch.items():
        if isinstance(value, dict):
            before = target.get(name)
            after[name] = merged(before if isinstance(before, dict) else {}, value)
        elif value is not None:
            after[name] = value
    return after


def _replaced(record: Record, patch: Mapping[str, Mapping[str, Any] | None]) -> set[Key]:
    """Return the values that the patch replaces as a whole. Only objects are merged."""
    return {
        (namespace, name)
        for namespace, members in patch.items()
        for name, value in (members or {}).items()
        if not (isinstance(value, dict) and isinstance(record.value((namespace, name)), dict))
    }


def _with(values: Values, namespace: str, name: str, value: Any) -> Values:
    """Return the values with one value replaced, because a PUT does not merge."""
    return {**values, namespace: {**values.get(namespace, {}), name: value}}


def _change(
    request: Request,
    known: Namespaces,
    check: Callable[[Record], None],
    changed: Callable[[Values], Values],
    pointer: str,
    only: str | None = None,
    replaced: Callable[[Record], Collection[Key]] = lambda _: (),
) -> Record:
    """Change the attributes and return the new record.

    `check` raises if the record has changed since the caller read it. Errors point to `pointer`
    in the body: the member with all namespaces, or with the one value in the namespace `only`.
    `replaced` returns the values that the body replaces as a whole, without a merge.
    """
    uid = _uid(request)

    def write() -> Record:
        record = _record(uid)
        Delegation(request.caller).check_target(uid)
        check(record)
        after = changed(record.values())
        changes = attribute_items.changes(record, after, replaced(record), known)
        errors = attribute_validation.errors(record, after, changes, known, pointer, only)
        errors = errors or attribute_limits.errors(record, after, changes, known, pointer)
        if errors:
            raise Problem(
                422,
                "validation_failed",
                "Some values are invalid; see `errors`.",
                errors=errors,
            )
        return attribute_items.write(request, uid, record, changes, known)

    return retry_on_conflict(write)


def _refuse_foreign(request: Request, known: Namespaces, names: Collection[str]) -> None:
    """Raise 422 for namespaces that the caller may not set.

    Raise 404 if the user is another one and the caller may set none of their values.
    """
    foreign = [name for name in names if not sets(request, _uid(request), known.get(name))]
    if (
        len(foreign) == len(names)
        and request.row_access == "self"
        and request.caller.uid != _uid(request)
    ):
        raise not_found()
    detail = "This namespace does not exist, or you may not set its values"
    errors = [FieldError(child("#/attributes", name), detail) for name in foreign]
    if errors:
        raise Problem(
            422,
            "validation_failed",
            "Some namespaces are invalid; see `errors`.",
            errors=errors,
        )


def _no_attribute() -> Problem:
    """Return the same 404 for a missing value and for one without access."""
    return Problem(
        404,
        "attribute_not_found",
        "The attribute does not exist, or you do not have access to it.",
    )


def _expect(request: Request, found: Attribute | None) -> None:
    if found is None:
        raise _no_attribute()
    versions = etag.expected_versions(request, found.value)
    if versions is not None and found.version not in versions:
        raise etag.stale()


def _record(uid: str) -> Record:
    found = attribute_items.read(uid)
    if found is None:
        raise not_found()
    return found


def _uid(request: Request) -> str:
    return str(request.uuid("id"))


def _place(request: Request) -> tuple[str, str]:
    names = ("namespace", "name")
    errors = [ParameterError(name, "Must be a name such as `nickname`") for name in names if not is_name(request.path_parameters[name])]  # fmt: skip
    if errors:
        raise invalid_parameters(errors)
    return request.path_parameters["namespace"], request.path_parameters["name"]


def _all(request: Request, record: Record, known: Namespaces) -> Response:
    """Return the attributes that the caller may see.

    The entity tag covers only these, so it reveals nothing else.
    """
    seen = _seen(request, record, known)
    return response.json({"attributes": seen}, etag=etag.of_version(1, seen))


def _seen(request: Request, record: Record, known: Namespaces) -> Values:
    uid, values = _uid(request), sorted(record.values().items())
    return {
        name: readable(members) for name, members in values if sees(request, uid, known.get(name))
    }


def _one(attribute: Attribute, status: int = 200) -> Response:
    """Return one attribute.

    The entity tag covers the value, too. The version alone is not enough: an attribute that was
    deleted and created again has version 1 again.
    """
    return response.json(
        attribute.shown(), status, etag=etag.of_version(attribute.version, attribute.value)
    )
