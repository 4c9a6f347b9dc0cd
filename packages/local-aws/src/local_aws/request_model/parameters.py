"""The parameters of a request, by the names of the service's model, for every protocol."""

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from local_aws.aws_call import AwsCall

Model = Any  # botocore's operation model, which is untyped
Shape = Any


class UnreadableError(Exception):
    """A request that cannot be parsed for this operation; the service itself reports the reason."""


def read(call: AwsCall, model: Model) -> dict[str, Any]:
    """Return the request's parameters; raise UnreadableError if they cannot be parsed."""
    shape = model.input_shape
    if shape is None:
        return {}
    match model.service_model.metadata["protocol"]:
        case "json":
            return _object(call.body)
        case "query" | "ec2":
            form = call.body.decode("latin-1") if call.body else call.query
            return _from_form(shape, _Form(parse_qsl(form, keep_blank_values=True)))
        case "rest-json":
            return _rest(call, model) | _rest_body(call, shape)
        case "rest-xml":
            return _rest(call, model)  # XML bodies are left to the service
        case _:
            return _by_its_form(call, shape)


def _by_its_form(call: AwsCall, shape: Shape) -> dict[str, Any]:
    """Parse by the request's format, for services with several protocols.

    Newer SDKs send CBOR, which is not parsed here.
    """
    if call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return _from_form(
            shape, _Form(parse_qsl(call.body.decode("latin-1"), keep_blank_values=True))
        )
    if "json" in call.headers.get("content-type", ""):
        return _object(call.body)
    raise UnreadableError


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError as error:
        raise UnreadableError from error
    if not isinstance(found, dict):
        raise UnreadableError
    return found


def _rest_body(call: AwsCall, shape: Shape) -> dict[str, Any]:
    payload = shape.serialization.get("payload")
    if payload is not None and shape.members[payload].type_name != "structure":
        return {payload: call.body} if call.body else {}  # a blob, such as a zip or an event
    body = _object(call.body) if call.body else {}
    if payload is not None:
        return {payload: _renamed(shape.members[payload], body)}
    found: dict[str, Any] = _renamed(shape, body)
    return found


def _renamed(shape: Shape, value: Any) -> Any:
    """Rename the members of a JSON body to the model's names."""
    if shape.type_name == "structure" and isinstance(value, dict):
        sent = (
            (name, member, member.serialization.get("name", name))
            for name, member in shape.members.items()
        )
        return {name: _renamed(member, value[wire]) for name, member, wire in sent if wire in value}
    if shape.type_name == "list" and isinstance(value, list):
        return [_renamed(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _renamed(shape.value, item) for key, item in value.items()}
    return value


def _rest(call: AwsCall, model: Model) -> dict[str, Any]:
    """Return the parameters of path, query and headers."""
    in_path = _path_pattern(model.http["requestUri"]).fullmatch(call.path.rstrip("/") or "/")
    labels = in_path.groupdict() if in_path else {}
    sent = parse_qsl(call.query, keep_blank_values=True)
    query = dict(sent)
    places = {"uri": labels, "querystring": query, "header": call.headers}
    found: dict[str, Any] = {}
    for name, member in model.input_shape.members.items():
        place = member.serialization.get("location")
        wire = member.serialization.get("name", name)
        wire = wire.lower() if place == "header" else wire
        if place == "querystring" and member.type_name == "list" and wire in query:
            found[name] = [value for key, value in sent if key == wire]
        if (
            place in places
            and (value := places[place].get(wire)) is not None
            and member.type_name != "list"
        ):
            found[name] = _scalar(member, unquote(value) if place == "uri" else value)
    return found


@cache
def _path_pattern(uri: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", uri.partition("?")[0].rstrip("/") or "/")
    return re.compile(
        "".join(_label(part) if part[:1] == "{" else re.escape(part) for part in parts)
    )


def _label(part: str) -> str:
    name = part.strip("{}+")
    return (
        f"(?P<{name}>{'.+' if part.endswith('+}') else '[^/]+'})"
        if name.isidentifier()
        else "[^/]+"
    )


class _Form:
    """The fields of a form, by the parts of their names: `Filters.member.1.Name` is a path."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.tree: dict[str, Any] = {}
        for name, value in pairs:
            at = self.tree
            *parents, last = name.split(".")
            for part in parents:
                below = at.setdefault(part, {})
                at = below if isinstance(below, dict) else {}
            at[last] = value


def _from_form(shape: Shape, form: _Form) -> dict[str, Any]:
    found: dict[str, Any] = _unflattened(shape, form.tree)
    return found


def _unflattened(shape: Shape, tree: Any) -> Any:
    match shape.type_name:
        case "structure" if isinstance(tree, dict):
            found = {
                name: (member, _field(member, name, tree)) for name, member in shape.members.items()
            }
            return {
                name: _unflattened(member, sent)
                for name, (member, sent) in found.items()
                if sent is not None
            }
        case "list" if isinstance(tree, dict):
            member_name = shape.member.serialization.get("name", "member")
            items = tree.get(member_name, tree.get("member", tree))
            numbered = (
                sorted((int(key), item) for key, item in items.items() if key.isdigit())
                if items
                else []
            )
            return [_unflattened(shape.member, item) for _, item in numbered]
        case "map" if isinstance(tree, dict):
            entries = tree.get("entry", tree)
            return {
                entry.get("key", entry.get("Name", "")): _unflattened(
                    shape.value, entry.get("value", entry.get("Value"))
                )
                for entry in entries.values()
                if isinstance(entry, dict)
            }
        case "list" | "map" if tree == "":
            return [] if shape.type_name == "list" else {}
        case _:
            return _scalar(shape, tree)


def _field(member: Shape, name: str, tree: dict[str, Any]) -> Any:
    """Return the field's value.

    EC2 uses the serialization name, or capitalizes the member's name.
    """
    wire = member.serialization.get("name", name)
    queried = member.serialization.get("queryName")
    for candidate in (queried, wire, wire[:1].upper() + wire[1:], name):
        if candidate and candidate in tree:
            return tree[candidate]
    return None


def _scalar(shape: Shape, value: Any) -> Any:
    """Return numbers as numbers.

    An invalid number stays as it was sent, so that the service reports it.
    """
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(value)
            case "float" | "double":
                return float(value)
    except (TypeError, ValueError):
        return None
    return value
