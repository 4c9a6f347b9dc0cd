"""Constraints of a service's model, compiled once per operation into a tree.

The tree omits shapes without constraints.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import regex

from local_aws.request_model.anchoring import matches_whole_value

LONGEST_VALUE = 1000  # of the value that a message repeats

Shape = Any  # a shape of botocore, which is untyped


@dataclass(frozen=True)
class Violation:
    """A member that violates the model, in AWS's wording."""

    path: str  # in AWS's notation: names begin in lower case, positions count from 1
    constraint: str
    value: Any
    sensitive: bool = False

    def __str__(self) -> str:
        shown = "" if self.sensitive else f" {_shown(self.value)}"
        return f"Value{shown} at '{self.path}' failed to satisfy constraint: {self.constraint}"


Check = Callable[[Any], str | None]
"""A value → the constraint that it breaks, if any."""


@dataclass
class Node:
    """The checks of one shape; `members` also list the names that a request may use for them."""

    checks: list[Check] = field(default_factory=list)
    # AWS's text for an invalid scalar in a list or map. It names all constraints of the scalar,
    # at the path of the container.
    as_item: str = ""
    required: tuple[str, ...] = ()
    members: dict[str, "Node"] = field(default_factory=dict)
    items: "Node | None" = None
    keys: "Node | None" = None
    sensitive: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.checks or self.required or self.members or self.items or self.keys)


@dataclass
class Count:
    """The number of values that were checked against a constraint."""

    values: int = 0


def compile_input(service: str, shape: Shape) -> Node:
    """Compile the input of an operation."""
    return _node(service, shape, {})


def violations(node: Node, value: Any, count: Count, path: str = "") -> Iterator[Violation]:
    """Yield the violations of a value, members before their container's own length."""
    if value is None:
        return
    if isinstance(value, dict):
        yield from _members(node, value, count, path)
    elif isinstance(value, list) and node.items is not None:
        if node.items.as_item:
            yield from _items(node.items, value, value, "Member", count, path)
            return
        for position, item in enumerate(value, 1):
            yield from violations(node.items, item, count, f"{path}.{position}.member")
    for check in node.checks:
        count.values += 1
        if (broken := check(value)) is not None:
            yield Violation(path, broken, value, node.sensitive)
            return


def _members(node: Node, value: dict[str, Any], count: Count, path: str) -> Iterator[Violation]:
    for name in node.required:
        count.values += 1
        if value.get(name) is None:
            yield Violation(_joined(path, name), "Member must not be null", None)
    for name, member in node.members.items():
        if name in value:
            yield from violations(member, value[name], count, _joined(path, name))
    if node.keys is not None:
        yield from _items(node.keys, list(value), value, "Map keys", count, path)
    if node.items is not None and node.items.as_item:
        yield from _items(node.items, list(value.values()), value, "Map value", count, path)
    elif node.items is not None:
        for key, item in value.items():
            yield from violations(node.items, item, count, f"{path}.{key}.member")


def _items(
    node: Node, items: list[Any], container: Any, what: str, count: Count, path: str
) -> Iterator[Violation]:
    """Yield one violation for all scalars of a list or map, as AWS tells it."""
    broken = [found for item in items for found in violations(node, item, count, path)]
    if broken:
        constraint = f"{what} must satisfy constraint: [{node.as_item}]"
        yield Violation(path, constraint, container, node.sensitive)


def _joined(path: str, name: str) -> str:
    named = name[:1].lower() + name[1:]
    return f"{path}.{named}" if path else named


def _shown(value: Any) -> str:
    text = "null" if value is None else f"'{_as_java(value)}'"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…'"


def _as_java(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_as_java, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_as_java(item)}' for key, item in value.items())}}}"
    return str(value)


def _node(service: str, shape: Shape, known: dict[str, Node]) -> Node:
    """Compile a shape.

    Shapes may contain themselves, so a node exists before its members.
    """
    if shape.name in known:
        return known[shape.name]
    node = known[shape.name] = Node(sensitive=bool(shape.metadata.get("sensitive")))
    node.checks = list(_checks(service, shape))
    node.as_item = ", ".join(_texts(shape))
    match shape.type_name:
        case "structure":
            node.required = tuple(shape.required_members)
            for name, member in shape.members.items():
                if not (made := _node(service, member, known)).is_empty:
                    node.members[name] = made
        case "list":
            node.items = _kept(_node(service, shape.member, known))
        case "map":
            node.keys = _kept(_node(service, shape.key, known))
            node.items = _kept(_node(service, shape.value, known))
    return node


def _texts(shape: Shape) -> Iterator[str]:
    """Yield the constraints of a scalar in AWS's order."""
    metadata = shape.metadata
    if shape.type_name not in ("string", "integer", "long", "float", "double"):
        return
    if enum := metadata.get("enum"):
        yield f"Member must satisfy enum value set: [{', '.join(enum)}]"
        return
    what = "length" if shape.type_name == "string" else "value"
    for name, words in (("max", "less"), ("min", "greater")):
        if metadata.get(name) is not None:
            yield f"Member must have {what} {words} than or equal to {metadata[name]}"
    if pattern := metadata.get("pattern"):
        yield f"Member must satisfy regular expression pattern: {pattern}"


def _kept(node: Node) -> Node | None:
    return None if node.is_empty else node


def _checks(service: str, shape: Shape) -> Iterator[Check]:
    metadata = shape.metadata
    match shape.type_name:
        case "string":
            if enum := metadata.get("enum"):
                yield _one_of(enum)
            else:
                yield from _sizes(metadata, "length", len)
            if pattern := metadata.get("pattern"):
                yield from _matches(pattern, whole=matches_whole_value(service, shape.name))
        case "list" | "map":
            yield from _sizes(metadata, "length", len)
        case "integer" | "long":
            yield from _sizes(metadata, "value", int)
        case "float" | "double":
            yield from _sizes(metadata, "value", float)


def _one_of(values: list[str]) -> Check:
    known = frozenset(values)
    return lambda value: (
        None if value in known else f"Member must satisfy enum value set: [{', '.join(values)}]"
    )


def _sizes(
    metadata: dict[str, Any], what: str, measured: Callable[[Any], float]
) -> Iterator[Check]:
    least, most = metadata.get("min"), metadata.get("max")
    if least is not None:
        yield _at_least(least, what, measured)
    if most is not None:
        yield _at_most(most, what, measured)


def _at_least(least: float, what: str, measured: Callable[[Any], float]) -> Check:
    text = f"Member must have {what} greater than or equal to {least}"
    return lambda value: None if measured(value) >= least else text


def _at_most(most: float, what: str, measured: Callable[[Any], float]) -> Check:
    text = f"Member must have {what} less than or equal to {most}"
    return lambda value: None if measured(value) <= most else text


def _matches(pattern: str, *, whole: bool) -> Iterator[Check]:
    try:
        compiled = regex.compile(_in_python(pattern))
    except regex.error:
        # Python lacks this construct of Java;
        # packages/local-aws/tests/local_aws_tests/request_model counts such patterns
        return
    matching = compiled.fullmatch if whole else compiled.search
    text = f"Member must satisfy regular expression pattern: {pattern}"
    yield lambda value: None if matching(value) else text


def _in_python(pattern: str) -> str:
    r"""Convert a Java pattern to Python's syntax.

    Java reads `\w-_` in a class as three parts, and surrogate pairs as ranges of what Python treats
    as one character.
    """
    pattern = (
        pattern.replace(r"\w-_", r"\w\-_")
        .replace(r"\p{Print}", r"\x20-\x7E")
        .replace(r"\p{ASCII}", r"\x00-\x7F")
    )
    return pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
