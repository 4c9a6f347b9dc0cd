"""The examples of the contract, which readers copy and clients are tested with."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tools import ROOT
from tools.build import contract
from tools.build.declarations import read_functions

DOCUMENT = contract.read(ROOT, read_functions(ROOT)).document


def with_null(schema: Any) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema, where `nullable` is a type of its own."""
    if isinstance(schema, list):
        return [with_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: with_null(part) for name, part in schema.items()}
    nullable = isinstance(parts.get("nullable"), bool) and parts.pop("nullable")
    return {"anyOf": [parts, {"type": "null"}]} if nullable else parts


def examples(part: Any, place: str = "#") -> Iterator[tuple[str, Any, Any]]:
    """Yield place, schema and example of each schema that has one."""
    if isinstance(part, list):
        for number, each in enumerate(part):
            yield from examples(each, f"{place}/{number}")
    elif isinstance(part, dict):
        if "example" in part and "type" in part and not place.endswith("/properties"):
            yield place, {name: part[name] for name in part if name != "example"}, part["example"]
        for name, each in part.items():
            if name != "example":
                yield from examples(each, f"{place}/{name}")


FOUND = list(examples(DOCUMENT))
COMPONENTS = with_null(DOCUMENT["components"])


def test_the_contract_has_examples() -> None:
    assert len(FOUND) > 50


@pytest.mark.parametrize(
    ("schema", "example"), [each[1:] for each in FOUND], ids=[each[0] for each in FOUND]
)
def test_an_example_fits_its_schema(schema: Any, example: Any) -> None:
    validator = Draft7Validator({**with_null(schema), "components": COMPONENTS})
    assert [error.message for error in validator.iter_errors(example)] == []
