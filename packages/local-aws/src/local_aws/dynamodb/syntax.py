"""The syntax that DynamoDB's expressions share: tokens, document paths and placeholders.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import re
from collections.abc import Mapping
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from local_aws.dynamodb.errors import DynamoDbError, invalid
from local_aws.dynamodb.paths import Path, overlap, shown
from local_aws.dynamodb.values import Value, canonical

MOST_BYTES = 4096  # limit of an expression
_TOKEN = re.compile(r"\s*(?:([#:]?\w+)|(<>|<=|>=|[=<>(),.\[\]+-]))")
_RESERVED = frozenset(ReservedKeywords.get_reserved_keywords())


class Placeholders:
    """The names and values of a request's expressions; records which of them are used."""

    def __init__(self, request: Mapping[str, Any], expressions: tuple[str, ...]) -> None:
        self._names: Mapping[str, str] = request.get("ExpressionAttributeNames") or {}
        self._values = self._read_values(request)
        self._unused = {*self._names}, {*self._values}
        for kind in ("Names", "Values"):
            given = request.get(f"ExpressionAttribute{kind}")
            if given is None:
                continue
            if not any(request.get(name) for name in expressions):
                raise invalid(
                    f"ExpressionAttribute{kind} can only be specified when using expressions"
                )
            if not given:
                raise invalid(f"ExpressionAttribute{kind} must not be empty")
        for name in self._names:
            if not re.fullmatch(r"#\w+", name):
                raise invalid(
                    f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{name}"'
                )

    def _read_values(self, request: Mapping[str, Any]) -> dict[str, Value]:
        given = request.get("ExpressionAttributeValues") or {}
        for key in given:
            if not re.fullmatch(r":\w+", key):
                raise invalid(
                    f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{key}"'
                )
        try:
            return {key: canonical(value)[0] for key, value in given.items()}
        except DynamoDbError as error:
            if error.code != "ValidationException":
                raise
            raise invalid(
                f"ExpressionAttributeValues contains invalid value: {error.message}"
            ) from None

    def name(self, key: str, where: str) -> str:
        if key not in self._names:
            raise invalid(
                f"Invalid {where}: An expression attribute name used in the document path is not defined; "
                f"attribute name: {key}"
            )
        self._unused[0].discard(key)
        return self._names[key]

    def value(self, key: str, where: str) -> Value:
        if key not in self._values:
            raise invalid(
                f"Invalid {where}: An expression attribute value used in expression is not defined; "
                f"attribute value: {key}"
            )
        self._unused[1].discard(key)
        return self._values[key]

    def check_all_used(self) -> None:
        """Raise a ValidationException if a name or value is not used in any expression."""
        for kind, unused in zip(("Names", "Values"), self._unused, strict=True):
            if unused:
                keys = ", ".join(sorted(unused))
                raise invalid(
                    f"Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{keys}}}"
                )


class Reader:
    """The tokens of one expression; `where` is the expression's name in error messages."""

    def __init__(self, where: str, text: str, placeholders: Placeholders) -> None:
        self.where = where
        self.placeholders = placeholders
        if not text.strip():
            raise self.error("The expression can not be empty;")
        if len(text.encode()) > MOST_BYTES:
            raise self.error("Expression size has exceeded the maximum allowed size;")
        self._tokens, self._place = list(self._split(text)), 0

    def _split(self, text: str) -> list[str]:
        tokens, place, end = [], 0, len(text.rstrip())
        while place < end:
            if (found := _TOKEN.match(text, place)) is None:
                token = text[place:].lstrip()[0]
                raise self.error(
                    f'Syntax error; token: "{token}", near: "{text[max(0, place - 3) : place + 4]}"'
                )
            tokens.append(found[1] or found[2])
            place = found.end()
        return tokens

    def error(self, message: str) -> DynamoDbError:
        return invalid(f"Invalid {self.where}: {message}")

    def syntax_error(self) -> DynamoDbError:
        token = self.peek() or "<EOF>"
        near = " ".join(self._tokens[max(0, self._place - 1) : self._place + 2])
        return self.error(f'Syntax error; token: "{token}", near: "{near}"')

    def peek(self, ahead: int = 0) -> str:
        """Return the next token; empty at the end."""
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else ""

    def next(self) -> str:
        token = self.peek()
        if not token:
            raise self.syntax_error()
        self._place += 1
        return token

    def take(self, *wanted: str) -> str:
        """Consume the next token if it is one of these, and return it in upper case.

        Return nothing otherwise.
        """
        if self.peek().upper() in wanted:
            return self.next().upper()
        return ""

    def expect(self, wanted: str) -> None:
        if not self.take(wanted):
            raise self.syntax_error()

    def expect_end(self) -> None:
        if self.peek():
            raise self.syntax_error()

    def path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while True:
            if self.take("."):
                parts.append(self._name())
            elif self.take("["):
                if not (position := self.next()).isdigit():
                    raise self.syntax_error()
                parts.append(int(position))
                self.expect("]")
            else:
                return tuple(parts)

    def _name(self) -> str:
        token = self.peek()
        if token.startswith("#"):
            return self.placeholders.name(self.next(), self.where)
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            raise self.syntax_error()
        if token.upper() in _RESERVED:
            raise self.error(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        return self.next()

    def value(self) -> Value:
        if not self.peek().startswith(":"):
            raise self.syntax_error()
        return self.placeholders.value(self.next(), self.where)

    def check_apart(self, paths: list[Path]) -> None:
        """Raise a ValidationException if one path contains another."""
        for number, one in enumerate(paths):
            for other in paths[number + 1 :]:
                if overlap(one, other):
                    raise self.error(
                        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
                        f"path one: {shown(one)}, path two: {shown(other)}"
                    )


def projection(text: str, placeholders: Placeholders) -> list[Path]:
    """Return the paths of a ProjectionExpression."""
    reader = Reader("ProjectionExpression", text, placeholders)
    paths = [reader.path()]
    while reader.take(","):
        paths.append(reader.path())
    reader.expect_end()
    reader.check_apart(paths)
    return paths
