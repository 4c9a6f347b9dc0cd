"""One HTTP request, as API Gateway (REST, Lambda proxy integration, payload v1) hands it to a function."""

from base64 import b64decode
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from atrium import json_body
from atrium.problem import Problem


class Claims(msgspec.Struct, frozen=True):
    """What the caller's access token says, once `session.verify` has compared it with the table."""

    uid: str
    sub: str
    roles: tuple[str, ...]
    scopes: frozenset[str]
    access_epoch: int


class Request(msgspec.Struct):
    """`headers` have lower-case names; one sent twice is joined by ", ". `path` has the stage prefix, if there is one."""

    method: str
    resource: str
    path: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    claims: Claims | None = None  # None on a public route

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

    def decode[Model: msgspec.Struct](
        self,
        model: type[Model],
        *,
        media_types: Collection[str] = json_body.MEDIA_TYPES,
        read_only: Collection[str] = (),
    ) -> Model:
        """The JSON body as `model`. Raises a Problem that says where: 400, 413, 415, or 422 with every wrong field.

        A field in `read_only` is refused as such; any other that `model` lacks is refused as unknown.
        """
        json_body.check_media_type(self.headers.get("content-type", ""), self.body, media_types)
        return json_body.decode(self.body, model, read_only)


def from_event(event: Mapping[str, Any]) -> Request:
    """Raises KeyError when the event is not one of API Gateway's."""
    context = event["requestContext"]
    body = event.get("body") or ""
    return Request(
        method=event["httpMethod"],
        resource=event["resource"],
        path=context.get("path") or event["path"],
        path_parameters=event.get("pathParameters") or {},
        query=event.get("multiValueQueryStringParameters") or {},
        headers=_headers(event),
        body=b64decode(body) if event.get("isBase64Encoded") else body.encode(),
        request_id=context["requestId"],
    )


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    lines = event.get("multiValueHeaders") or {name: [line] for name, line in (event.get("headers") or {}).items()}
    headers: dict[str, str] = {}
    for name, values in lines.items():
        known = headers.get(name.lower())
        headers[name.lower()] = ", ".join([known, *values] if known else values)
    return headers
