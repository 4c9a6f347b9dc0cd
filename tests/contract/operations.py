"""The contract's operations, with what the HTTP rules ask about each."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[2] / "build/openapi.json"
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    declared: Mapping[str, Any]
    document: Document

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_public(self) -> bool:
        return not self.declared["security"]

    @property
    def is_authzen(self) -> bool:
        """AuthZEN's own bodies and errors win over our rules there: tests/contract/test_authzen.py."""
        return bool(self.declared.get("x-atrium-rules") == "authzen")

    @property
    def statuses(self) -> set[int]:
        return {int(status) for status in self.declared["responses"]}

    @property
    def parameters(self) -> list[Mapping[str, Any]]:
        return [self.resolved(parameter) for parameter in self.declared.get("parameters", [])]

    def names(self, place: str) -> set[str]:
        """Of the parameters in `path`, `query` or `header`."""
        return {parameter["name"] for parameter in self.parameters if parameter["in"] == place}

    def takes(self, header: str) -> bool:
        return header in self.names("header")

    @property
    def creates_by_put(self) -> bool:
        """Creates with `If-None-Match: *` what it replaces with If-Match."""
        return self.method == "PUT" and self.takes("If-None-Match")

    @property
    def variables(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def of_caller(self) -> str | None:
        """The path parameter that holds the caller's own uid, by `self: <parameter>`."""
        return next(
            (
                one["self"]
                for one in self.declared["x-atrium-allow"]
                if isinstance(one, dict) and "self" in one
            ),
            None,
        )

    @property
    def body(self) -> Mapping[str, Any] | None:
        """Its schema; None when the operation takes no body."""
        declared = self.declared.get("requestBody")
        return self.resolved(next(iter(self.media_types.values()))["schema"]) if declared else None

    @property
    def media_types(self) -> Mapping[str, Any]:
        content: Mapping[str, Any] = self.resolved(self.declared["requestBody"])["content"]
        return content

    @property
    def media_type(self) -> str:
        return next(iter(self.media_types))

    @property
    def is_list(self) -> bool:
        """A GET that answers many: an array, or an object with `items`."""
        schema = self.answer(200)
        has_items = "items" in schema.get("properties", {})
        return self.method == "GET" and (schema.get("type") == "array" or has_items)

    def answer(self, status: int) -> Mapping[str, Any]:
        """The schema of an answer's JSON; empty when there is none."""
        response = self.resolved(self.declared["responses"].get(str(status), {}))
        found: Mapping[str, Any] = self.resolved(
            response.get("content", {}).get("application/json", {}).get("schema", {})
        )
        return found

    @property
    def answer_headers(self) -> set[str]:
        return set[str]().union(*map(self.headers, self.statuses))

    def headers(self, status: int) -> set[str]:
        return set(
            self.resolved(self.declared["responses"].get(str(status), {})).get("headers", {})
        )

    def resolved(self, node: Any) -> Any:
        while "$ref" in node:
            node = self._found(node["$ref"])
        return node

    def _found(self, reference: str) -> Any:
        node: Any = self.document
        for key in reference.removeprefix("#/").split("/"):
            node = node[key]
        return node


def read() -> Document:
    try:
        document: Document = json.loads(FILE.read_bytes())
    except FileNotFoundError:
        raise SystemExit(f"{FILE} is missing: run `make build`.") from None
    return document


def of(document: Document) -> list[Operation]:
    return list(_operations(document))


def _operations(document: Document) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, declared in item.items():
            yield Operation(method.upper(), path, declared, document)


def unlisted(operations: Sequence[Operation]) -> list[tuple[str, str]]:
    """Method and path of each that is not in the contract, of the paths that are."""
    listed = {(operation.method, operation.path) for operation in operations}
    return [
        (method, path)
        for path in sorted({path for _, path in listed})
        for method in METHODS
        if (method, path) not in listed
    ]
