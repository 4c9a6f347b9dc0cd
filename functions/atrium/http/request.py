"""An HTTP request as API Gateway passes it to a function (REST, Lambda proxy, payload v1)."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

import msgspec

from atrium.http.problem import ParameterError, Problem, invalid_parameters

RowAccess = Literal["self", "granted", "all"]


_UUID_LENGTH = 36


class Claims(msgspec.Struct, frozen=True):
    """The claims of the caller's access token, verified by `session.verify`.

    `role_generations` has the generations of `roles` that are not 0. A token names a deleted role
    until it ends. If a role of that name is created again, it has another generation. `withheld`
    are the roles that give the caller nothing without MFA (atrium/identity/mfa.py); `roles` has
    none of them.
    """

    uid: str
    sub: str
    roles: tuple[str, ...]
    scopes: frozenset[str]
    access_epoch: int
    auth_time: int  # epoch seconds of the sign-in; a refreshed token has the same
    session: (
        str  # Cognito's `origin_jti`, which every token of one sign-in shares; see `is_service`
    )
    roles_until: int | None = None  # epoch seconds at which the first of `roles` ends
    role_generations: Mapping[str, int] = MappingProxyType({})
    is_service: bool = False  # a machine caller, without a user; each of its tokens is a session
    withheld: frozenset[str] = frozenset()
    needs_mfa: bool = False  # the caller holds a role that is withheld
    needs_consent: bool = False  # the caller has not accepted the terms in force


class Rows(msgspec.Struct, frozen=True):
    """The rows of a list that the caller may see: a filter for the query, and one for its rows.

    Without `is_everything`, the query selects the rows of `owner` (None for nobody's) and those
    whose id is in `ids`; all rows if `has_candidates`, because a condition decides about each.
    Then `shows` decides about each row.
    """

    owner: str | None = None
    ids: tuple[str, ...] = ()
    is_everything: bool = False
    has_candidates: bool = False
    permits: Callable[[str, Mapping[str, Any]], bool] = lambda id, properties: False

    @property
    def is_every_row(self) -> bool:
        """Return True if the query selects all rows."""
        return self.is_everything or self.has_candidates

    @property
    def uuids(self) -> list[str]:
        """Return the ids that are UUIDs. A grant may name others, which no row has."""
        return [id for id in self.ids if _is_uuid(id)]

    def shows(self, id: object, owner: object, properties: Mapping[str, Any]) -> bool:
        """Return True if the caller may see the row with this id, of this owner."""
        is_own = self.owner is not None and str(owner) == self.owner
        return self.is_everything or is_own or self.permits(str(id), properties)


class Request(msgspec.Struct):
    """A request. `headers` have lower-case names; repeated headers are joined by ", ".

    `path` includes the stage prefix, if there is one, and is percent-encoded; `path_parameters`
    and `query` are decoded. `row_access` says which rows the caller may access: their own, all, or
    those in `rows`, for the alternative `decision` of a list.
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
    stage_variables: Mapping[str, str] = MappingProxyType({})  # set by Terraform for the whole API
    row_access: RowAccess = "self"
    granted: Rows | None = None
    filters_rows: bool = False  # the operation has read `rows`

    @property
    def rows(self) -> Rows:
        """Return the rows of a list that the caller may see."""
        self.filters_rows = True
        if self.granted is not None:
            return self.granted
        is_everything = self.row_access == "all"
        return Rows(None if is_everything else self.caller.uid, is_everything=is_everything)

    @property
    def route(self) -> str:
        """Return the key in a service's ROUTES: `GET /v1/users/{id}`."""
        return f"{self.method} {self.resource}"

    @property
    def caller(self) -> Claims:
        """Return the caller's claims. Raise 401 on a public route."""
        if self.claims is None:
            raise Problem(401, "token_missing", "Send an access token: `Authorization: Bearer …`.")
        return self.claims

    def uuid(self, name: str) -> UUID:
        """Return a path parameter as a UUID. Raise 400 unless it has the 36-character form."""
        value = self.path_parameters[name]
        try:
            return msgspec.convert(value if len(value) == _UUID_LENGTH else None, UUID)
        except msgspec.ValidationError:
            raise invalid_parameters([ParameterError(name, "Must be a UUID")]) from None

    def resource_id(self, name: str) -> str:
        """Return a path parameter as grants and conditions name it: a UUID in lower case."""
        value = self.path_parameters[name]
        return str(UUID(value)) if _is_uuid(value) else value

    def parameters[Model: msgspec.Struct](self, model: type[Model]) -> Model:
        """Return the query as `model`. Raise 400 with every wrong, missing or unknown parameter."""
        from atrium.http import parameters

        return parameters.decode(self.query, model)

    def href(self, path: str) -> str:
        """Return a link to a path of this API, with the stage prefix if this request had one."""
        before_variables = self.resource.partition("{")[0]
        # A path may begin with two slashes; in a link, the text after them would be a host.
        return self.path.partition(before_variables)[0].rstrip("/") + path

    @property
    def base_url(self) -> str:
        """Return the address of this API as the caller wrote it, with the stage prefix if any."""
        scheme = self.headers.get("x-forwarded-proto", "https")
        return f"{scheme}://{self.headers['host']}{self.href('')}"

    def decode[Model: msgspec.Struct](
        self,
        model: type[Model],
        *,
        media_types: Collection[str] = ("application/json",),
        read_only: Collection[str] = (),
    ) -> Model:
        """Return the JSON body as `model`. Raise 400, 413, 415, or 422 with every invalid field.

        A field in `read_only` is reported as read-only. Other fields that `model` lacks are
        reported as unknown.
        """
        from atrium.http import (
            json_body,
        )  # imported here: most requests have neither a body nor a query

        json_body.check_media_type(self.headers, self.body, media_types)
        return json_body.decode(self.body, model, read_only)


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == _UUID_LENGTH and bool(msgspec.convert(text, UUID))
    except msgspec.ValidationError:
        return False


def from_event(event: Mapping[str, Any]) -> Request:
    """Build the request. Raise KeyError if the event is not from API Gateway.

    A HEAD request becomes a GET, whose headers it asks for (RFC 9110, section 9.3.2).
    """
    context = event["requestContext"]
    body = event.get("body") or ""
    return Request(
        method="GET" if is_head(event) else event["httpMethod"],
        resource=event["resource"],
        path=context.get("path") or event["path"],
        path_parameters=_path_parameters(event),
        query=event.get("multiValueQueryStringParameters") or {},
        headers=_headers(event),
        body=_decoded(body) if event.get("isBase64Encoded") else body.encode(),
        request_id=context["requestId"],
        stage_variables=event.get("stageVariables") or {},
    )


def _decoded(body: str) -> bytes:
    from base64 import b64decode  # imported here: requests have JSON bodies, which are not encoded

    return b64decode(body)


def is_head(event: Mapping[str, Any]) -> bool:
    return bool(event["httpMethod"] == "HEAD")


def _path_parameters(event: Mapping[str, Any]) -> dict[str, str]:
    """Decode the path parameters: a REST API passes them percent-encoded, unlike the query."""
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
