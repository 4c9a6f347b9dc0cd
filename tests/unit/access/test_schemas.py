"""Schemas of namespaces: their meaning, their limits, and the time that validation takes."""

import gc
import json
import os
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from access import automaton, json_schema
from access.patterns import PatternError
from access.schema_evaluation import Evaluation
from tests.unit.access import hostile_schemas
from tests.unit.access.conftest import ADA, Service
from tests.unit.access.test_attributes import put_namespace
from tools.laptop.answer import Answer

SUITE = json.loads(Path(__file__).with_name("json_schema_suite.json").read_text())["groups"]
CPU_SECONDS = float(os.environ.get("CPU_SECONDS", "1"))
"""The maximum processor time of one request.

`make proof-inputs` sets 0.1; the default allows for a slow machine.
"""


@pytest.mark.parametrize("keyword", SUITE)
def test_validation_agrees_with_the_json_schema_test_suite(keyword: str) -> None:
    for schema, valid, invalid in SUITE[keyword]:
        assert json_schema.faults({"type": "object", "properties": {"value": schema}}, "#") == []
        for value, is_valid in [
            *((each, True) for each in valid),
            *((each, False) for each in invalid),
        ]:
            found = list(Evaluation().errors(schema, value, "#"))
            assert (not found) is is_valid, (schema, value, found)


@pytest.mark.parametrize(("part", "place"), hostile_schemas.REFUSED)
def test_a_schema_that_draft_7_or_a_limit_forbids_is_refused_with_its_pointer(
    service: Service, part: Any, place: str
) -> None:
    refused = put_namespace(
        service, "any", schema={"type": "object", "properties": {"value": part}}
    )
    assert refused.status == 422, refused.text
    [error] = refused.json["errors"]
    assert error["pointer"] == f"#/schema/properties/value{place}"


@pytest.mark.parametrize("part", hostile_schemas.TOO_LARGE)
def test_a_schema_that_is_too_large_is_refused_as_a_whole(service: Service, part: Any) -> None:
    refused = put_namespace(
        service, "any", schema={"type": "object", "properties": {"value": part}}
    )
    assert [error["pointer"] for error in refused.json["errors"]] == ["#/schema"]


def test_every_invalid_value_is_named_with_its_pointer(service: Service) -> None:
    service.new_user(ADA)
    lines = {
        "type": "array",
        "items": {"type": "object", "required": ["count"], "properties": {"count": {"minimum": 1}}},
    }
    put_namespace(
        service,
        "any",
        schema={"type": "object", "properties": {"lines": lines, "name": {"type": "string"}}},
    )
    values = {"lines": [{"count": 0}, {}, 7], "name": 1}
    refused = service.ask(
        "PATCH", f"/v1/users/{ADA}/attributes", {"attributes": {"any": values}}, If_Match="*"
    )
    assert {
        error["pointer"].removeprefix("#/attributes/any"): error["detail"]
        for error in refused.json["errors"]
    } == {
        "/lines/0/count": "Must be at least 1",
        "/lines/1/count": "This value is required",
        "/lines/2": "Must be of the type `object`",
        "/name": "Must be of the type `string`",
    }


class Timed:
    """Requests with a limit on their processor time.

    Each must succeed or be refused for its value.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.slowest: tuple[float, str] = (0, "")
        self._made: set[str] = set()
        service.new_user(ADA)

    def put_schema(self, what: str, part: Any) -> Answer:
        body = {
            "description": "x",
            "schema": {"type": "object", "properties": {"value": part}},
            "personal": False,
        }
        return self.ask(what, "PUT", "/v1/namespaces/any", body | {"writable_by": "self"})

    def put_value(self, what: str, value: Any) -> Answer:
        return self.ask(what, "PUT", f"/v1/users/{ADA}/attributes/any/value", {"value": value})

    def ask(self, what: str, method: str, path: str, body: Any = None) -> Answer:
        condition: dict[str, Any] = (
            {"If_Match": "*"} if path in self._made else {"If_None_Match": "*"}
        )
        gc.disable()  # moto's garbage would be counted
        started = time.process_time()
        got = self.service.ask(method, path, body, **condition)
        taken = time.process_time() - started
        gc.enable()
        self.slowest = max(self.slowest, (taken, what))
        assert got.status < 500, (what, got.text)
        assert taken < CPU_SECONDS, (what, taken)
        if got.status == 201:
            self._made.add(path)
        if got.status == 204:
            self._made.remove(path)
        return got

    def report(self, count: int) -> None:
        print(
            f"\n{count} requests, the slowest took {self.slowest[0] * 1000:.0f} ms of the processor: {self.slowest[1]}"
        )


@pytest.fixture
def timed(service: Service) -> Timed:
    return Timed(service)


def test_no_pattern_makes_a_request_slow(timed: Timed, capsys: pytest.CaptureFixture[str]) -> None:
    count, refused = 0, 0
    for pattern, text in hostile_schemas.patterns():
        made = timed.put_schema(pattern, {"type": "string", "pattern": pattern})
        count, refused = count + 1, refused + (made.status == 422)
        if made.status != 422:
            assert timed.put_value(pattern, text).status in (200, 201, 422)
    assert (count, refused) == (104, 8)
    with capsys.disabled():
        timed.report(count)


def test_no_schema_makes_a_request_slow(timed: Timed, capsys: pytest.CaptureFixture[str]) -> None:
    for what, part, value in hostile_schemas.SCHEMAS:
        made = timed.put_schema(what, part)
        assert made.status in (200, 201), (what, made.text)
        if timed.put_value(what, value).status == 201:
            assert timed.ask(what, "DELETE", f"/v1/users/{ADA}/attributes/any/value").status == 204
    with capsys.disabled():
        timed.report(len(hostile_schemas.SCHEMAS))


def test_a_check_that_takes_too_many_steps_is_refused_and_deletes_nothing(timed: Timed) -> None:
    """Check that values of an earlier, cheaper schema can still be deleted."""
    timed.put_schema("free", {})
    assert timed.put_value("free", hostile_schemas.NUMBERS).status == 201
    timed.put_schema("slow", {"items": {"allOf": hostile_schemas.many(150)}})
    refused = timed.put_value("slow", [*hostile_schemas.NUMBERS, 1])
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/value")
    assert "too many steps" in refused.json["errors"][0]["detail"]
    assert timed.ask("slow", "DELETE", f"/v1/users/{ADA}/attributes/any/value").status == 204


@pytest.mark.parametrize(
    "schema", [{"required": [1, None]}, {"properties": {"a": {"pattern": "(?=a)"}}}, {"x": 1}, []]
)
def test_a_schema_of_an_earlier_version_fails_no_request(service: Service, schema: Any) -> None:
    service.new_user(ADA)
    put_namespace(service, "any", schema={"type": "object"}, writable_by="self")
    path = f"/v1/users/{ADA}/attributes/any"
    assert service.ask("PUT", f"{path}/a", {"value": "b"}, If_None_Match="*").status == 201
    item = service.item("NAMESPACES", "any") or {}
    service.put(**item | {"schema": json.dumps({"type": "object", **schema} if schema else schema)})
    assert service.ask("GET", "/v1/namespaces/any").status == 200
    refused = service.ask("PUT", f"{path}/b", {"value": "b"}, If_None_Match="*")
    assert refused.status == (422 if schema else 201)
    assert service.ask("GET", f"{path}/a").status == 200
    assert service.ask("DELETE", f"{path}/a", If_Match="*").status == 204


def test_values_of_an_earlier_schema_do_not_prevent_changes(service: Service) -> None:
    service.new_user(ADA)
    put_namespace(service, "any", schema={"type": "object"})
    values = {"attributes": {"any": {"a": 1, "b": {"c": 1}, "d": 1}}}
    assert service.ask("PATCH", f"/v1/users/{ADA}/attributes", values, If_Match="*").status == 200
    text = {"type": "object", "properties": {"c": {"type": "string"}}}
    schema = {
        "type": "object",
        "properties": {"b": text, "d": {"type": "string"}},
        "required": ["a", "e"],
    }
    assert put_namespace(service, "any", "If_Match", schema=schema).status == 200
    path = f"/v1/users/{ADA}/attributes/any"
    assert service.ask("DELETE", f"{path}/a", If_Match="*").status == 422, "it is required"
    assert service.ask("PUT", f"{path}/f", {"value": 1}, If_None_Match="*").status == 422, (
        "`e` is required"
    )
    assert service.ask("PUT", f"{path}/e", {"value": 1}, If_None_Match="*").status == 201, (
        "`b` and `d` are left alone"
    )
    assert service.ask("PUT", f"{path}/b", {"value": {"c": 2}}, If_Match="*").status == 422, (
        "`b` is not"
    )
    assert service.ask("DELETE", f"{path}/d", If_Match="*").status == 204
    assert service.ask("DELETE", f"{path}/b", If_Match="*").status == 204


def test_patterns_match_as_in_python() -> None:
    """Compare on ASCII texts without line breaks, where Python agrees with ECMA-262."""
    chance = random.Random(1)  # noqa: S311  no secret
    compared = 0
    for pattern in _random_patterns(chance, 3000):
        try:
            automaton.automaton(pattern)
        except PatternError:
            continue
        search = automaton.Search(pattern, lambda steps: None)
        expected = re.compile(pattern.replace("$", r"\Z"), re.ASCII)
        for _ in range(5):
            text = "".join(chance.choices("ab1", k=chance.randint(0, 6)))
            assert search.finds(text) == bool(expected.search(text)), (pattern, text)
            compared += 1
    assert compared > 10_000


def _random_patterns(chance: random.Random, count: int) -> Iterator[str]:
    def part(depth: int) -> str:
        kind = chance.random()
        if depth > 3 or kind < 0.4:
            return chance.choice(
                ["a", "b", "1", ".", "[ab]", "[^a]", r"\d", r"\W", "[a1-]", "(?:)"]
            )
        if kind < 0.6:
            return part(depth + 1) + part(depth + 1)
        if kind < 0.75:
            return f"(?:{part(depth + 1)}|{chance.choice([part(depth + 1), ''])})"
        if kind < 0.9:
            return f"({part(depth + 1)}){chance.choice(['*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '*?'])}"
        return chance.choice(["^", ""]) + part(depth + 1) + chance.choice(["$", ""])

    for _ in range(count):
        yield chance.choice(["^", ""]) + part(0) + chance.choice(["$", ""])


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        (r"^\d$", "٣", False),  # ECMA-262: ASCII digits only
        (r"^\w+$", "é", False),
        (r"^\s$", "\u3000", True),
        ("^a$", "a\n", False),
        ("^.$", "🙂", True),
        (r"^\p{L}+$", "Ñandú李", True),
        (r"^\P{Lu}+$", "aB", False),
        (r"^\u0041\x42\u{43}$", "ABC", True),
        (r"^[\d\-x]+$", "1-x", True),
        (r"^[^\S ]$", "\t", True),
        (r"^[]$", "", False),
        ("a|^$", "", True),
    ],
)
def test_patterns_follow_ecma_262(pattern: str, text: str, is_found: bool) -> None:
    assert automaton.Search(pattern, lambda steps: None).finds(text) is is_found
