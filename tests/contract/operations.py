"""The contract's operations, with the properties that the HTTP rules depend on."""

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
        """Return True if AuthZEN defines its bodies and errors: tests/contract/test_authzen.py."""
        return bool(self.declared.get("x-atrium-rules") == "authzen")

    @property
    def statuses(self) -> set[int]:
        return {int(status) for status in self.declared["responses"]}

    @property
    def parameters(self) -> list[Mapping[str, Any]]:
        return [self.resolved(parameter) for parameter in self.declared.get("parameters", [])]

    def names(self, place: str) -> set[str]:
        """Return the names of the parameters in `path`, `query` or `header`."""
        return {parameter["name"] for parameter in self.parameters if parameter["in"] == place}

    def takes(self, header: str) -> bool:
        return header in self.names("header")

    @property
    def creates_by_put(self) -> bool:
        """Return True if the operation also creates, with `If-None-Match: *`."""
        return self.method == "PUT" and self.takes("If-None-Match")

    @property
    def variables(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def of_caller(self) -> str | None:
        """Return the path parameter with the caller's own uid, by `self: <parameter>`."""
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
        """Return the schema of the body; None if the operation has none."""
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
        """Return True for a GET of an array, or of an object with `items`."""
        schema = self.answer(200)
        has_items = "items" in schema.get("properties", {})
        return self.method == "GET" and (schema.get("type") == "array" or has_items)

    def answer(self, status: int) -> Mapping[str, Any]:
        """Return the schema of the response's JSON; empty if it has none."""
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
    """Return method and path for each method that the contract lacks, on its own paths."""
    listed = {(operation.method, operation.path) for operation in operations}
    return [
        (method, path)
        for path in sorted({path for _, path in listed})
        for method in METHODS
        if (method, path) not in listed
    ]
