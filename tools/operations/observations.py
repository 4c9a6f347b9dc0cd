"""Recorded answers of an environment, without personal or account data, as evidence for git."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 30.0  # seconds: a cold start in a VPC, and API Gateway's own limit
KEPT_HEADERS = ("access-control-allow-origin", "cache-control", "content-type", "x-amzn-errortype")
PRESENT_HEADERS = (
    "etag",
    "retry-after",
    "www-authenticate",
    "x-amz-apigw-id",
    "x-amzn-requestid",
    "x-request-id",
)
KEPT_MEMBERS = ("code", "status", "title", "type")
"""Members of a body whose text the contract promises; of all others only the type is kept."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def scrubbed(self) -> dict[str, Any]:
        """Return the status, the headers of the contract, and the shape of the body."""
        headers = {name: self.headers[name] for name in KEPT_HEADERS if name in self.headers}
        headers |= {name: "present" for name in PRESENT_HEADERS if name in self.headers}
        content = self.json()
        return {
            "status": self.status,
            "headers": dict(sorted(headers.items())),
            "body": shape(content),
        }


def shape(value: Any, name: str = "") -> Any:
    """Replace values by their types, except promised texts; a list is represented by its first item."""
    if isinstance(value, dict):
        return {key: shape(item, key) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return value if name in KEPT_MEMBERS else type(value).__name__


def ask(url: str, request: Request) -> Answer:
    """Send a request with header names exactly as given; urllib would change their case.

    Raise OSError.
    """
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=TIMEOUT)
    try:
        connection.request(
            request.method, address.path + request.path, request.body, dict(request.headers)
        )
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, headers, response.read())
    except http.client.HTTPException as error:
        raise OSError(f"{url} did not answer HTTP: {error!r}") from error
    finally:
        connection.close()
