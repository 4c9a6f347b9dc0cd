"""The examples of the contract, which readers copy and tests of clients use."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from tests.contract.examples import body as contract_body
from tests.contract.operations import of
from tools import ROOT
from tools.build import contract
from tools.build.declarations import read_functions

DOCUMENT = contract.read(ROOT, read_functions(ROOT)).document


def with_null(schema: Any) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema, where `nullable` becomes the type `null`."""
    if isinstance(schema, list):
        return [with_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: with_null(part) for name, part in schema.items()}
    nullable = isinstance(parts.get("nullable"), bool) and parts.pop("nullable")
    return {"anyOf": [parts, {"type": "null"}]} if nullable else parts


def examples(part: Any, place: str = "#") -> Iterator[tuple[str, Any, Any]]:
    """Yield place, schema and example of each schema, media type and parameter that has one."""
    if isinstance(part, list):
        for number, each in enumerate(part):
            yield from examples(each, f"{place}/{number}")
    elif isinstance(part, dict):
        if "example" in part and not place.endswith("/properties"):
            own = {name: part[name] for name in part if name != "example"}
            yield place, part.get("schema", own), part["example"]
        for name, each in part.items():
            if name != "example" or place.endswith("/properties"):
                yield from examples(each, f"{place}/{name}")


def bodies() -> Iterator[tuple[str, Any]]:
    """Yield name and media type of each request body and each body of a success."""
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            name = operation["operationId"]
            if "requestBody" in operation:
                for kind, content in operation["requestBody"]["content"].items():
                    yield f"{name} {kind}", content
            for status, response in operation["responses"].items():
                for kind, content in response.get("content", {}).items():
                    if status.startswith("2"):
                        yield f"{name} {status} {kind}", content


def has_example(schema: Any) -> bool:
    """Return True if the schema has an example, or consists of schemas that have one."""
    if "$ref" in schema:
        return has_example(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if {"example", "default", "enum"} & schema.keys() or schema.get("type") == "boolean":
        return True
    if schema.get("type") == "array":
        return has_example(schema["items"])
    properties = schema.get("properties", {})
    return bool(properties) and all(map(has_example, properties.values()))


BODIES = dict(bodies())
FOUND = list(examples(DOCUMENT))
COMPONENTS = with_null(DOCUMENT["components"])


def test_the_contract_has_examples() -> None:
    assert len(FOUND) > 50


@pytest.mark.parametrize(
    ("schema", "example"), [each[1:] for each in FOUND], ids=[each[0] for each in FOUND]
)
def test_an_example_fits_its_schema(schema: Any, example: Any) -> None:
    validator = Draft7Validator(
        {**with_null(schema), "components": COMPONENTS}, format_checker=FormatChecker()
    )
    assert [error.message for error in validator.iter_errors(example)] == []


@pytest.mark.parametrize("name", BODIES)
def test_a_body_has_an_example(name: str) -> None:
    content = BODIES[name]
    assert "example" in content or has_example(content["schema"]), (
        "Add an `example` to its schema in functions/<name>/openapi.yaml."
    )


def test_the_example_of_an_invitation_uses_a_new_address_each_time() -> None:
    operations = [one for one in of(DOCUMENT) if one.declared["operationId"] == "inviteUser"]
    first, second = (contract_body(one) for one in operations * 2)
    assert first["email"] != second["email"]
