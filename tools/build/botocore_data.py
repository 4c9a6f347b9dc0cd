"""botocore reduced to the services that functions call: a thirtieth of its data."""

import gzip
import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

_DATA = PurePosixPath("botocore/data")

# The operations that a function's role can allow (modules/api_lambda/iam.tf), and those that the
# SDK calls by itself. Parsing the other fifty, and creating a method for each, would take a quarter
# of a bare cold start.
_OPERATIONS = {
    "dynamodb": (
        *("BatchGetItem", "GetItem", "Query", "TransactGetItems"),
        *("DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"),
        "DescribeEndpoints",
    ),
    "events": ("PutEvents",),
    "lambda": ("Invoke",),
    "sesv2": ("SendEmail",),
    "ssm": ("GetParameter",),
}

# This package generates the documentation of clients' methods, which functions never show. Its
# module `utils` is used.
_DOCS = PurePosixPath("botocore/docs")
_WITHOUT_DOCS = {
    f"{_DOCS}/__init__.py": b"",
    f"{_DOCS}/docstring.py": b"""\
def _no_text(*_, **__):
    return ""


ClientMethodDocstring = PaginatorDocstring = WaiterDocstring = _no_text
""",
}

# botocore imports its copy of six, and uses nothing of it.
_REPLACED = {**_WITHOUT_DOCS, "botocore/vendored/six.py": b""}


def is_wanted(name: str, services: list[str]) -> bool:
    """Return True for files outside botocore's data, shared data files, and models of these services."""
    path = PurePosixPath(name)
    if path.is_relative_to(_DOCS):
        return name in _WITHOUT_DOCS or path == _DOCS / "utils.py"
    if not path.is_relative_to(_DATA) or path.parent == _DATA:
        return True
    return path.relative_to(_DATA).parts[0] in services and path.name != "examples-1.json"


def trim(entries: dict[str, bytes], services: list[str]) -> dict[str, bytes]:
    """Return the newest version of each service's model without documentation, and their endpoints.

    Raise KeyError if a service lacks one of the operations.
    """
    versions = {
        path.parent for path in map(PurePosixPath, entries) if path.parent.parent.parent == _DATA
    }
    newest = {
        max((one for one in versions if one.parent.name == service), default=None)
        for service in services
    }
    trimmed: dict[str, bytes] = {}
    for name, content in entries.items():
        path = PurePosixPath(name)
        if path == _DATA / "endpoints.json":
            trimmed[name] = _to_json(_endpoints_of(json.loads(content)))
        elif path.parent in newest:
            # Uncompressed: the zip compresses the file anyway, and a cold start would decompress it
            # twice.
            plain = gzip.decompress(content) if path.suffix == ".gz" else content
            content = _undocumented(json.loads(plain))
            operations = _OPERATIONS.get(path.parent.parent.name)
            if operations and path.name.startswith("service-2.json"):
                content = _only(operations, content)
            trimmed[name.removesuffix(".gz")] = _to_json(content)
        elif path.parent not in versions:
            trimmed[name] = _REPLACED.get(name, content)
    return trimmed


def _endpoints_of(endpoints: Any) -> Any:
    """Return the partitions without services, whose endpoints are all named by the defaults.

    The names of the regions are enough to find a partition.
    """
    partitions = [
        {**partition, "regions": {name: {} for name in partition["regions"]}, "services": {}}
        for partition in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _undocumented(model: Any) -> Any:
    if isinstance(model, dict):
        # Only strings are documentation: a service may have a member named `documentation`.
        return {
            key: _undocumented(value)
            for key, value in model.items()
            if not (key == "documentation" and isinstance(value, str))
        }
    return [_undocumented(value) for value in model] if isinstance(model, list) else model


def _only(operations: tuple[str, ...], model: Any) -> Any:
    """Return the service's model with only these operations and the shapes that they use."""
    kept = {name: model["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    waiting = [kept]
    while waiting:
        for name in _named_shapes(waiting.pop()):
            if name not in shapes:
                shapes[name] = model["shapes"][name]
                waiting.append(shapes[name])
    return {**model, "operations": kept, "shapes": dict(sorted(shapes.items()))}


def _named_shapes(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        # A member may be named `shape`; its value is then not a string.
        if isinstance(part.get("shape"), str):
            yield part["shape"]
        part = list(part.values())
    for element in part if isinstance(part, list) else ():
        yield from _named_shapes(element)


def _to_json(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
