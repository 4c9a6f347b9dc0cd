"""Completeness of the personal-data.yaml files: every kind of item, attribute and log field in the
code is declared.

The fixture `table` checks each item that a unit test writes.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.unit.personal_items import ROOT, registry, undeclared
from tools.build.declarations import PARTITIONS

SOURCES = [path for path in sorted((ROOT / "functions").rglob("*.py")) if "tests" not in path.parts]
FULL_KEYS = {"META", "LAYOUT", "HOLDERS", "GRAPH", "DELETED", "ROLES", "NAMESPACES"}
INDEX_KEYS = {"EXP", "ABOUT"}  # partitions of indexes: their items are declared under their own key
_PREFIX = re.compile(r"([A-Z]+)#")


def item(pk: str, sk: str, **attributes: str) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in {"pk": pk, "sk": sk, **attributes}.items()}


def prefixes(tree: ast.AST) -> Iterator[str]:
    """Yield `U` for "U#" and f"U#{uid}", and complete keys such as META."""
    documentation = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
        if (
            isinstance(first, ast.Constant)
            and isinstance(first.value, str)
            and first not in documentation
        ):
            if found := _PREFIX.match(first.value):
                yield found[1]
            elif first.value in FULL_KEYS:
                yield first.value


def test_every_key_in_the_code_is_declared() -> None:
    declared = {
        part.partition("#")[0].partition("<")[0]
        for kind in registry().records("items").values()
        for key in kind.key or ()
        for part in (key, key.rpartition(">#")[2], key.partition("<scope>#")[2])
    }
    found = {name for file in SOURCES for name in prefixes(ast.parse(file.read_text()))}
    assert {"U", "ATTR", "COMMAND", "META", "LAYOUT"} <= found
    assert found - declared - INDEX_KEYS == set(), "declare these items in a personal-data.yaml"


def test_every_partition_is_declared() -> None:
    keys = {kind.key[0] for kind in registry().records("items").values() if kind.key}
    declared = {re.sub(r"<.*", "*", key) for key in keys}
    assert {
        partition.key for partition in PARTITIONS.values() if not partition.index
    } - declared <= set()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (item("P#1", "META"), "P#1 / META: no personal-data.yaml declares this kind of item"),
        (item("U#1", "PHOTO"), "U#1 / PHOTO: no personal-data.yaml declares this kind of item"),
        (item("U#1", "META", phone="1"), "U#1 / META: declare phone in personal-data.yaml"),
    ],
)
def test_an_undeclared_item_is_reported(wrong: dict[str, dict[str, str]], told: str) -> None:
    assert list(undeclared([wrong, item("U#1", "META", status="active")])) == [told]


def logged(tree: ast.AST) -> Iterator[str]:
    """Yield the names of the fields that the code passes to `log.write`, `_log` and `log.metric`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("log.write", "write", "_log"):
                yield from (keyword.arg for keyword in node.keywords if keyword.arg)
            if called == "log.metric" and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def test_every_field_of_a_log_line_is_declared() -> None:
    from atrium.runtime import log

    found = {name for file in SOURCES for name in logged(ast.parse(file.read_text()))}
    found |= log.Measurement().fields().keys() | log.metric("ClaimsLeftOut", 1).keys()
    assert {"uid", "route", "error"} <= found
    undeclared_fields = found - registry().records("logs")["functions"].names
    assert undeclared_fields == set(), (
        "declare these log fields in functions/atrium/personal-data.yaml"
    )


def test_every_annotation_of_a_trace_is_declared() -> None:
    found = {
        keyword.arg
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "tracing.subsegment"
        for keyword in node.keywords
    }
    assert found == registry().records("traces")["annotations"].names


def test_every_field_of_the_access_log_is_declared() -> None:
    text = (ROOT / "modules/api_lambda/api.tf").read_text()
    [format_] = re.findall(r"format = jsonencode\(\{(.*?)\}\)", text, re.DOTALL)
    assert set(re.findall(r"(\w+) += ", format_)) == registry().records("logs")["gateway"].names


def test_the_compiled_registry_names_the_user_s_partitions() -> None:
    """Check the registry that erasure reads: an item in another partition must say how it is found."""
    for name, kind in registry().records("items").items():
        if kind.fields and "<uid>" not in "".join(kind.key or ()):
            assert kind.found_by != "partition", name
