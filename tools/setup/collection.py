"""`make collection`: write the contract as a Postman collection, which Bruno and Insomnia import too.

The collection has the variables `baseUrl` and `token`. A header that depends on what was read before,
such as `If-Match`, is a variable as well.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools import ROOT

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
PATH = ROOT / "build/atrium.postman_collection.json"
METHODS = ("get", "post", "put", "patch", "delete")
HEADERS = {"Idempotency-Key": "{{$guid}}", "If-Match": "{{etag}}"}

Node = Mapping[str, Any]


def main() -> int:
    contract = ROOT / "build/openapi.json"
    target = Path(sys.argv[1]) if sys.argv[1:] else PATH
    target.write_text(json.dumps(collection(json.loads(contract.read_text())), indent=1) + "\n")
    print(f"wrote {target}")
    return 0


def collection(contract: Node) -> dict[str, Any]:
    """Return the collection: a folder for each tag, a request for each operation."""
    folders: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in contract["tags"]}
    for path, item in contract["paths"].items():
        for method in METHODS:
            if operation := item.get(method):
                parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
                found = [_resolved(contract, parameter) for parameter in parameters]
                request = _request(contract, method, path, operation, found)
                folders[operation["tags"][0]].append(
                    {"name": operation["summary"], "request": request}
                )
    info = contract["info"]
    return {
        "info": {"name": info["title"], "description": info["description"], "schema": SCHEMA},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]},
        "variable": [{"key": name, "value": ""} for name in ("baseUrl", "token", "etag")],
        "item": [{"name": tag, "item": requests} for tag, requests in folders.items() if requests],
    }


def _request(
    contract: Node, method: str, path: str, operation: Node, parameters: list[Node]
) -> dict[str, Any]:
    postman_path = re.sub(r"\{(\w+)\}", r":\1", path)
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "header": list(_headers(parameters)),
        "url": {
            "raw": "{{baseUrl}}" + postman_path,
            "host": ["{{baseUrl}}"],
            "path": postman_path[1:].split("/"),
            "variable": [
                _parameter(contract, found) for found in parameters if found["in"] == "path"
            ],
            "query": [
                _parameter(contract, found) | {"disabled": not found.get("required", False)}
                for found in parameters
                if found["in"] == "query"
            ],
        },
    }
    if operation.get("security") == []:
        request["auth"] = {"type": "noauth"}
    if "requestBody" in operation:
        media_type, content = next(iter(operation["requestBody"]["content"].items()))
        request["header"].append({"key": "Content-Type", "value": media_type})
        body = content.get("example", example(contract, content["schema"]))
        request["body"] = {"mode": "raw", "raw": json.dumps(body, indent=2, ensure_ascii=False)}
    return request


def _headers(parameters: list[Node]) -> Iterator[dict[str, Any]]:
    for found in parameters:
        if found["in"] == "header" and found.get("required"):
            yield {"key": found["name"], "value": HEADERS[found["name"]]}


def _parameter(contract: Node, parameter: Node) -> dict[str, Any]:
    value = example(contract, parameter["schema"])
    description = parameter.get("description", "")
    return {"key": parameter["name"], "value": str(value), "description": description}


def example(contract: Node, schema: Node) -> Any:
    """Return the schema's example, or a value composed of the examples of its required properties."""
    schema = _resolved(contract, schema)
    for known in ("example", "default"):
        if known in schema:
            return schema[known]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            return {name: example(contract, schema["properties"][name]) for name in required}
        case "array":
            return [example(contract, schema["items"])] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    return {"email": "ada@example.org"}.get(schema.get("format", ""), "")


def _resolved(contract: Node, node: Node) -> Node:
    while "$ref" in node:
        found: Any = contract
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        node = found
    return node


if __name__ == "__main__":
    sys.exit(main())
