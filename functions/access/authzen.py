"""OpenID AuthZEN, Authorization API 1.0 (final, 11 January 2026): requests and responses.

https://openid.net/specs/authorization-api-1_0.html. Numbers in this package name its sections. Its
rules replace ours below /access/v1/: unknown fields are ignored (10.1.1), and an error is plain
text (10.1.2).
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from atrium.http import response
from atrium.http.problem import FieldError, HeaderError, ParameterError, Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import services

ROOT = "/access/v1/"
TYPES = (services.USER, services.SERVICE)
"""The types of subjects; the id is the uid."""

_REQUEST_ID = "X-Request-ID"
_READ = {"subject", "action", "resource", "type", "id", "name", "page", "token", "limit", "options"}
"""The members that are validated. The others may have any JSON content (10.1.1, 11.5)."""
_METADATA_SECONDS = 3600

Properties = dict[str, Any]
"""Values for the conditions of grants. Nothing else depends on them (5.1.1 to 5.4 allow that)."""


class Subject(msgspec.Struct, frozen=True):
    """The subject of a request (5.1)."""

    type: str
    id: str
    properties: Properties = {}


def is_known(subject: Subject) -> bool:
    """Return True if the subject has a known type, and its id is a uid of that type."""
    return subject.type in TYPES and services.kind_of(subject.id) == subject.type


class Resource(msgspec.Struct, frozen=True):
    """The resource of a request (5.2)."""

    type: str
    id: str
    properties: Properties = {}


class Action(msgspec.Struct, frozen=True):
    """The action of a request (5.3)."""

    name: str
    properties: Properties = {}


class Kind(msgspec.Struct, frozen=True):
    """The type of subject or resource to search for. An id is ignored (8.4.1, 8.5.1)."""

    type: str
    properties: Properties = {}


class Defaults(msgspec.Struct, frozen=True):
    """An evaluation whose parts may be given for the whole request (7.1.1)."""

    subject: Subject | UnsetType = UNSET
    action: Action | UnsetType = UNSET
    resource: Resource | UnsetType = UNSET
    context: Properties | UnsetType = UNSET


def facts(
    subject: Subject, action: Action, resource: Resource | Kind, context: Properties
) -> Properties:
    """Return the values of a request for conditions.

    Without an id of the resource, a condition on the id is unknown.
    """
    return {
        "subject": _members(subject),
        "action": _members(action),
        "resource": _members(resource) | ({"id": None} if isinstance(resource, Kind) else {}),
        "context": context,
    }


def _members(part: Subject | Action | Resource | Kind) -> Properties:
    """Return the properties and the other members, which properties cannot replace."""
    own = msgspec.structs.asdict(part)
    return {**own.pop("properties"), **own}


def decode[Model: msgspec.Struct](request: Request, model: type[Model]) -> Model:
    """Return the body as `model`. Raise 400, 413, 415, or 422 with every invalid field."""
    from atrium.http import json_body  # imported here, as in Request.decode

    json_body.check_media_type(request.headers, request.body, ("application/json",))
    return json_body.decode(request.body, model, check=unsound)


def unsound(value: object) -> Iterator[FieldError]:
    """Yield errors for control characters and numbers out of range, in names, ids and options."""
    from atrium.http import json_values

    return json_values.unsound(_read(value))


def _read(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: _read(member) for name, member in value.items() if name in _READ}


def answer(request: Request, content: object) -> Response:
    """Return a 200 with the caller's request id (10.1.3)."""
    return response.json(content, headers=_request_id(request))


def refusal(request: Request, problem: Problem) -> Response:
    """Return an error string (10.1.2) below /access/v1/, and problem details elsewhere.

    An invalid body or media type is 400, as the working group's certification requires
    (docs/authzen.md).
    """
    if not request.resource.startswith(ROOT):
        return response.from_problem(problem, request.request_id)
    text = "\n".join([problem.detail.replace("; see `errors`.", "."), *places(problem)])
    status = 400 if problem.status in (415, 422) else problem.status
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        **problem.headers,
        **_request_id(request),
    }
    return Response(status, text.encode(), headers)


def metadata(request: Request) -> Response:
    """Return the metadata (9.1.1) for `GET /.well-known/authzen-configuration` (9.2).

    It is correct only if the API has its own domain: with a stage in the path, clients would
    look for it elsewhere.
    """
    decision_point = request.base_url
    endpoints = {
        "access_evaluation_endpoint": "evaluation",
        "access_evaluations_endpoint": "evaluations",
        "search_subject_endpoint": "search/subject",
        "search_resource_endpoint": "search/resource",
        "search_action_endpoint": "search/action",
    }
    document = {name: f"{decision_point}{ROOT}{path}" for name, path in endpoints.items()}
    caching = {"Cache-Control": f"public, max-age={_METADATA_SECONDS}"}  # Section 11.8.
    return response.json({"policy_decision_point": decision_point, **document}, headers=caching)


def _request_id(request: Request) -> dict[str, str]:
    given = request.headers.get(_REQUEST_ID.lower())
    return {_REQUEST_ID: given} if given is not None else {}


def places(problem: Problem) -> list[str]:
    """Return a line for each error: its place and what is wrong."""
    return [f"{_place(error)}: {error.detail}" for error in problem.errors]


def _place(error: FieldError | ParameterError | HeaderError) -> str:
    match error:
        case (
            FieldError(pointer=place) | ParameterError(parameter=place) | HeaderError(header=place)
        ):
            return place
