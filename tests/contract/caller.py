"""A client that derives valid requests and allowed responses from the contract alone."""

import http.client
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.contract import examples
from tests.contract.operations import Operation
from tools import ROOT
from tools.build import problems
from tools.laptop.answer import Answer

CODES = frozenset(problems.read(ROOT))

Values = dict[str, str]
"""Path parameter → value."""


@dataclass(frozen=True)
class Caller:
    """A caller.

    `known` has path parameters of existing things, by path, such as `/v1/orders/{id}`.
    """

    api_url: str
    token: str
    uid: str
    known: dict[str, Values] = field(default_factory=dict)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        signed_in: bool = True,
    ) -> Answer:
        address = urlsplit(self.api_url)
        sent = {"Authorization": f"Bearer {self.token}"} if signed_in else {}
        connection = http.client.HTTPConnection(address.netloc, timeout=35)
        try:
            connection.request(method, address.path + path, body, sent | dict(headers or {}))
            got = connection.getresponse()
            return Answer(
                got.status, {name.lower(): value for name, value in got.getheaders()}, got.read()
            )
        finally:
            connection.close()

    def ask(
        self,
        operation: Operation,
        *,
        query: str = "",
        body: Any = ...,
        raw: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        values: Values | None = None,
        signed_in: bool = True,
    ) -> Answer:
        """Send a valid request, except for the parts that are given. A header of None is left out.

        `body` is sent as JSON, `raw` unchanged. If-Match is `*`, so nothing else is wrong.
        """
        usual: dict[str, str | None] = {}
        sent = None
        if operation.body is not None:
            sent = (
                raw
                if raw is not None
                else json.dumps(examples.body(operation) if body is ... else body).encode()
            )
            usual["Content-Type"] = operation.media_type
        if operation.takes("If-Match"):
            usual["If-Match"] = "*"
        if operation.takes("Idempotency-Key"):
            usual["Idempotency-Key"] = str(uuid.uuid4())
        chosen = {
            name: value
            for name, value in (usual | dict(headers or {})).items()
            if value is not None
        }
        path = self.path(operation, values) + query
        answer = self.send(operation.method, path, body=sent, headers=chosen, signed_in=signed_in)
        assert answer.status in operation.statuses, f"{operation} answered {answer.status}, which its contract does not have: {answer.body!r}"  # fmt: skip
        return answer

    def path(self, operation: Operation, values: Values | None = None) -> str:
        """Return the path with the parameters of an existing thing, if one is known."""
        found = self.values(operation) | (values or {})
        return re.sub(r"\{(\w+)\}", lambda variable: found[variable[1]], operation.path)

    def values(self, operation: Operation) -> Values:
        values: Values = {}
        for parameter in operation.parameters:
            if parameter["in"] == "path":
                values[parameter["name"]] = parameter.get("example") or examples.value(
                    operation, parameter["schema"]
                )
        if operation.of_caller:
            values[operation.of_caller] = self.uid
        for path in sorted(self.known):  # the longest path that fits decides
            if (operation.path + "/").startswith(path + "/"):
                values |= self.known[path]
        return values

    def learn(self, operation: Operation, location: str) -> None:
        """Remember the parameters in a `Location`, if it matches this operation's path."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.path))
        if operation.variables and (found := re.search(f"{pattern}$", urlsplit(location).path)):
            self.known[operation.path] = found.groupdict()


def problem(answer: Answer, status: int, code: str | None = None) -> Any:
    """Return the body of a refusal. Fail unless it conforms to RFC 9457 and our contract."""
    assert answer.status == status, f"{answer.status} instead of {status}: {answer.body!r}"
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json
    assert {"type", "title", "code", "request_id"} <= document.keys(), document
    assert document["code"] in CODES
    assert document["request_id"]
    assert document.get("status", status) == status
    for error in document.get("errors", ()):
        assert error.keys() in (
            {"pointer", "detail"},
            {"parameter", "detail"},
            {"header", "detail"},
        ), error
    if code is not None:
        assert document["code"] == code, document
    return document


def named(document: Any, kind: str) -> list[str]:
    """Return the `pointer`, `parameter` or `header` of each entry in a problem's `errors`."""
    return [error[kind] for error in document.get("errors", ()) if kind in error]
