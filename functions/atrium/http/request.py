"""One HTTP request, as API Gateway (REST, Lambda proxy integration, payload v1) hands it to a function."""

from base64 import b64decode
from collections.abc import Collection, Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from atrium.http.problem import ParameterError, Problem, invalid_parameters

Reach = Literal["self", "all"]


_UUID_LENGTH = 36


class Claims(msgspec.Struct, frozen=True):
    """What the caller's access token says, once `session.verify` has compared it with the table."""

    uid: str
    sub: str
    roles: tuple[str, ...]
    scopes: frozenset[str]
    access_epoch: int
    roles_until: int | None = None  # epoch seconds, when the first of `roles` ends


class Request(msgspec.Struct):
    """`headers` have lower-case names; one sent twice is joined by ", ". `path` has the stage prefix, if there is one,
    and is percent-encoded; `path_parameters` and `query` are not.

    `reach` is what the operation's rules admit the caller to: what is theirs, or everybody's.
    """

    method: str
    resource: str
    path: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    claims: Claims | None = None  # None on a public route
    reach: Reach = "self"

    @property
    def route(self) -> str:
        """The key in a service's ROUTES: `GET /v1/users/{id}`."""
        return f"{self.method} {self.resource}"

    @property
    def caller(self) -> Claims:
        """Who asks. Raises a 401 Problem on a public route."""
        if self.claims is None:
            raise Problem(401, "token_missing", "Send an access token: `Authorization: Bearer …`.")
        return self.claims

    def uuid(self, name: str) -> UUID:
        """A path parameter. Raises 400 when it is not a UUID in its usual form, of 36 characters."""
        value = self.path_parameters[name]
        try:
            return msgspec.convert(value if len(value) == _UUID_LENGTH else None, UUID)
        except msgspec.ValidationError:
            raise invalid_parameters([ParameterError(name, "Expected a UUID")]) from None

    def parameters[Model: msgspec.Struct](self, model: type[Model]) -> Model:
        """The query as `model`. Raises 400 with every wrong, missing or unknown parameter."""
        from atrium.http import parameters

        return parameters.decode(self.query, model)

    def href(self, path: str) -> str:
        """A path of this API, such as `/v1/orders/7`, for a link: with the stage's prefix when this request had one."""
        before_variables = self.resource.partition("{")[0]
        return self.path.partition(before_variables)[0] + path

    def decode[Model: msgspec.Struct](
        self,
        model: type[Model],
        *,
        media_types: Collection[str] = ("application/json",),
        read_only: Collection[str] = (),
    ) -> Model:
        """The JSON body as `model`. Raises a Problem that says where: 400, 413, 415, or 422 with every wrong field.

        A field in `read_only` is refused as such; any other that `model` lacks is refused as unknown.
        """
        from atrium.http import (
            json_body,
        )  # not at the top: most requests have no body, and no query

        json_body.check_media_type(self.headers, self.body, media_types)
        return json_body.decode(self.body, model, read_only)


def from_event(event: Mapping[str, Any]) -> Request:
    """Raises KeyError when the event is not one of API Gateway's."""
    context = event["requestContext"]
    body = event.get("body") or ""
    return Request(
        method=event["httpMethod"],
        resource=event["resource"],
        path=context.get("path") or event["path"],
        path_parameters=_path_parameters(event),
        query=event.get("multiValueQueryStringParameters") or {},
        headers=_headers(event),
        body=b64decode(body) if event.get("isBase64Encoded") else body.encode(),
        request_id=context["requestId"],
    )


def _path_parameters(event: Mapping[str, Any]) -> dict[str, str]:
    """A REST API hands them on as they stand in the path, percent-encoded; those of the query it has decoded."""
    found: dict[str, str] = event.get("pathParameters") or {}
    if not any("%" in value for value in found.values()):
        return found
    from urllib.parse import unquote

    return {name: unquote(value) for name, value in found.items()}


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    lines = event.get("multiValueHeaders") or {
        name: [line] for name, line in (event.get("headers") or {}).items()
    }
    headers: dict[str, str] = {}
    for name, values in lines.items():
        known = headers.get(name.lower())
        headers[name.lower()] = ", ".join([known, *values] if known else values)
    return headers
