"""`make python-client`: write what clients/python takes from the contract.

datamodel-code-generator writes `types.py`. The templates beside this file write `operations.py`,
one method for each operation, and `errors.py`, one class for each code of the catalogue.
"""

import fcntl
import json
import keyword
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2

from tools import ROOT
from tools.build import contract as contract_parts
from tools.build import problems
from tools.build.declarations import read_functions

GENERATOR = ROOT / ".venv/datamodel-codegen/bin/datamodel-codegen"
RUFF = Path(sys.executable).with_name("ruff")
PACKAGE = ROOT / "clients/python/src/atrium_client"
FILES = ("types.py", "operations.py", "errors.py")
TEMPLATES = Path(__file__).parent / "templates/python_client"
METHODS = ("get", "put", "post", "patch", "delete")
OPTIONS = (
    *("--input-file-type", "openapi"),
    *("--output-model-type", "typing.TypedDict"),
    *("--target-python-version", "3.12"),
    *("--enum-field-as-literal", "all"),
    *("--formatters", "builtin"),
    "--use-union-operator",
    "--use-schema-description",
    "--disable-timestamp",
    "--strict-nullable",
    # An answer may have fields that are newer than the client.
    "--no-use-closed-typed-dict",
)

Object = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a method; `name` is the contract's."""

    name: str
    type: str
    required: bool

    @property
    def variable(self) -> str:
        return f"{self.name}_" if keyword.iskeyword(self.name) else self.name


@dataclass(frozen=True)
class Operation:
    """An operation as the template of its two methods needs it."""

    name: str
    method: str
    path: str
    summary: str
    in_path: list[Parameter]
    query: list[Parameter]
    headers: set[str]
    body: str | None
    media_type: str
    answer: str
    item: str | None


@dataclass(frozen=True)
class ErrorClass:
    """A class of errors.py: for a status, or for a code under its status."""

    name: str
    base: str
    docstring: str
    code: str | None = None
    status: int | None = None


def main() -> None:
    generate(PACKAGE)


def ensure_current() -> None:
    """Generate the modules if what they are made from has changed."""
    declared = ROOT.glob("functions/*/openapi.yaml")
    sources = [Path(__file__), *TEMPLATES.iterdir(), *problems.files(ROOT), *declared]
    newest = max(file.stat().st_mtime for file in sources)
    with (PACKAGE / "py.typed").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test workers run this concurrently
        written = [PACKAGE / name for name in FILES]
        if not all(file.is_file() and file.stat().st_mtime > newest for file in written):
            generate(PACKAGE)


def generate(package: Path) -> None:
    noted = ROOT / "build/.cache/openapi"
    served = contract_parts.read(ROOT, read_functions(ROOT), noted).to_json()
    contract = with_named_answers(json.loads(served))
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 # writes Python
    )
    listed = list(operations(contract))
    classes = error_classes()
    _replace(package / "types.py", _types(contract))
    _replace(
        package / "operations.py",
        templates.get_template("operations.py.jinja").render(operations=listed),
    )
    _replace(
        package / "errors.py", templates.get_template("errors.py.jinja").render(classes=classes)
    )


def with_named_answers(contract: Object) -> Object:
    """Return the contract with a schema of its own for each answer that has none."""
    for _, _, operation in _declared(contract):
        schema = _answer(operation)
        if schema and "$ref" not in schema and "items" not in schema.get("properties", {}):
            name = _class_name(operation["operationId"]) + "Answer"
            contract["components"]["schemas"][name] = dict(schema)
            schema.clear()
            schema["$ref"] = f"#/components/schemas/{name}"
    return contract


def operations(contract: Object) -> Iterator[Operation]:
    for method, path, operation in _declared(contract):
        parameters = [_resolved(contract, one) for one in operation.get("parameters", [])]
        content = operation.get("requestBody", {}).get("content", {})
        media_type = next(iter(content), "application/json")
        answer = _answer(operation)
        item = _item(_resolved(contract, answer or {}))
        yield Operation(
            name=_snake(operation["operationId"]),
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            in_path=[_parameter(one) for one in parameters if one["in"] == "path"],
            query=[
                _parameter(one)
                for one in parameters
                if one["in"] == "query" and not (item and one["name"] == "cursor")
            ],
            headers={one["name"] for one in parameters if one["in"] == "header"},
            body=_type(content[media_type]["schema"]) if content else None,
            media_type=media_type,
            answer=_type(answer) if answer and not item else "None",
            item=_type(item) if item else None,
        )


def error_classes() -> list[ErrorClass]:
    """Return a class for each status, then one for each code that is not named like a status."""
    catalogue = problems.read(ROOT)
    statuses = sorted({status for entry in catalogue.values() for status in entry.statuses})
    of_status = {status: f"{_class_name(_phrase(status))}Error" for status in statuses}
    found = [
        ErrorClass(name, "ApiError", f"An answer with the status {status}.", status=status)
        for status, name in of_status.items()
    ]
    for code, entry in catalogue.items():
        name = f"{_class_name(code)}Error"
        if name not in of_status.values():
            base = of_status[entry.statuses[0]] if len(entry.statuses) == 1 else "ApiError"
            found.append(ErrorClass(name, base, entry.means, code=code))
    return found


def _phrase(status: int) -> str:
    # The names of 413 and 422 before Python 3.13 changed them.
    older = {413: "content too large", 422: "unprocessable content"}
    return older.get(status, HTTPStatus(status).phrase).replace(" ", "_")


def _types(contract: Object) -> str:
    if not GENERATOR.is_file():
        sys.exit("python-client: the generator is missing. Run `make python-client`.")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "openapi.json").write_text(json.dumps(contract))
        command = [str(GENERATOR), *OPTIONS, "--input", "openapi.json", "--output", "types.py"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if ran.returncode:
            sys.exit(f"python-client: the generator refuses the contract.\n{ran.stderr}")
        return (Path(folder) / "types.py").read_text()


def _replace(file: Path, text: str) -> None:
    """Write a file at once, since another process may be reading it."""
    formatted = subprocess.run(
        [RUFF, "format", "--quiet", "--stdin-filename", file.name, "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(formatted)
    new.replace(file)


def _declared(contract: Object) -> Iterator[tuple[str, str, Object]]:
    for path, item in contract["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def _answer(operation: Object) -> Object | None:
    """Return the schema of the first successful answer that has a body."""
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if status.startswith("2") and "application/json" in content:
            schema: Object = content["application/json"]["schema"]
            return schema
    return None


def _item(schema: Object) -> Object | None:
    """Return the schema of a list's items if the answer is a page."""
    properties = schema.get("properties", {})
    items: Object | None = properties.get("items", {}).get("items")
    return items if "next_cursor" in properties else None


def _resolved(contract: Object, one: Object) -> Object:
    if "$ref" not in one:
        return one
    found: Any = contract
    for key in one["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return dict(found)


def _parameter(declared: Object) -> Parameter:
    return Parameter(declared["name"], _type(declared["schema"]), declared.get("required", False))


def _type(schema: Object) -> str:
    if "$ref" in schema:
        return f"types.{schema['$ref'].rpartition('/')[2]}"
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    return {"string": "str", "integer": "int", "boolean": "bool"}[schema["type"]]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _class_name(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_\W]+", name))


if __name__ == "__main__":
    main()
