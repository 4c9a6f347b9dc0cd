"""Update expressions: SET, REMOVE, ADD and DELETE.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws.dynamodb import paths
from local_aws.dynamodb.conditions import human_type
from local_aws.dynamodb.errors import InvalidUpdateError
from local_aws.dynamodb.paths import Path
from local_aws.dynamodb.syntax import Placeholders, Reader
from local_aws.dynamodb.values import Item, Value, added, united

type _Source = Callable[[Item], Value]

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_NO_SUCH_PATH = "The document path provided in the update expression is invalid for update"
_NO_SUCH_ATTRIBUTE = (
    "The provided expression refers to an attribute that does not exist in the item"
)
_SETS = ("SS", "NS", "BS")


@dataclass(frozen=True)
class Update:
    """A parsed update expression."""

    sets: tuple[tuple[Path, _Source], ...] = ()
    removes: tuple[Path, ...] = ()
    adds: tuple[tuple[Path, Value], ...] = ()
    deletes: tuple[tuple[Path, Value], ...] = ()

    @property
    def paths(self) -> list[Path]:
        return [*(path for path, _ in (*self.sets, *self.adds, *self.deletes)), *self.removes]

    def apply(self, before: Item) -> Item:
        """Return the updated item; every right-hand side sees the item before the update.

        Raises:
            InvalidUpdateError: a path or a type does not fit this item.
        """
        values = [(path, source(before)) for path, source in self.sets]
        after = copy.deepcopy(before)
        for path, value in values:
            _put(after, path, value)
        for path, value in self.adds:
            _put(after, path, _sum(paths.find(before, path), value))
        for path, value in self.deletes:
            _take_out(after, path, value)
        for path in sorted(
            self.removes, key=_position, reverse=True
        ):  # removing an element shifts those after it
            _remove(after, path)
        return after


def update(text: str, placeholders: Placeholders) -> Update:
    """Parse an UpdateExpression."""
    return _Updates(Reader("UpdateExpression", text, placeholders)).whole()


class _Updates:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def whole(self) -> Update:
        found: dict[str, tuple[Any, ...]] = {}
        actions = {
            "SET": self._set,
            "REMOVE": self._reader.path,
            "ADD": self._add,
            "DELETE": self._delete,
        }
        while self._reader.peek():
            if not (name := self._reader.take(*actions)):
                raise self._reader.syntax_error()
            if name in found:
                raise self._reader.error(
                    f'The "{name}" section can only be used once in an update expression;'
                )
            entries: list[Any] = [actions[name]()]
            while self._reader.take(","):
                entries.append(actions[name]())
            found[name] = tuple(entries)
        made = Update(*(found.get(name, ()) for name in actions))
        self._reader.check_apart(made.paths)
        return made

    def _set(self) -> tuple[Path, _Source]:
        path = self._reader.path()
        self._reader.expect("=")
        left = self._operand()
        if sign := self._reader.take("+", "-"):
            right = self._operand()
            return path, lambda item: _arithmetic(left(item), right(item), 1 if sign == "+" else -1)
        return path, left

    def _operand(self) -> _Source:
        if self._reader.take("("):
            inside = self._operand()
            self._reader.expect(")")
            return inside
        if self._reader.peek(1) == "(":
            return self._function(self._reader.next())
        if self._reader.peek().startswith(":"):
            value = self._reader.value()
            return lambda _: value
        path = self._reader.path()
        return lambda item: _required(item, path)

    def _function(self, name: str) -> _Source:
        self._reader.expect("(")
        if name == "if_not_exists":
            path = self._reader.path()
            self._reader.expect(",")
            otherwise = self._operand()
            self._reader.expect(")")
            return lambda item: paths.find(item, path) or otherwise(item)
        if name != "list_append":
            raise self._reader.error(f"Invalid function name; function: {name}")
        first = self._operand()
        self._reader.expect(",")
        second = self._operand()
        self._reader.expect(")")
        return lambda item: _joined(first(item), second(item))

    def _add(self) -> tuple[Path, Value]:
        return self._entry("ADD", ("N", *_SETS))

    def _delete(self) -> tuple[Path, Value]:
        return self._entry("DELETE", _SETS)

    def _entry(self, action: str, kinds: tuple[str, ...]) -> tuple[Path, Value]:
        path, value = self._reader.path(), self._reader.value()
        if not set(kinds).issuperset(value):
            raise self._reader.error(
                "Incorrect operand type for operator or function; "
                f"operator: {action}, operand type: {human_type(value)}, typeSet: ALLOWED_FOR_{action}_OPERAND"
            )
        return path, value


def _required(item: Item, path: Path) -> Value:
    if (value := paths.find(item, path)) is None:
        raise InvalidUpdateError(_NO_SUCH_ATTRIBUTE)
    return value


def _arithmetic(one: Value, other: Value, sign: int) -> Value:
    if "N" not in one or "N" not in other:
        raise InvalidUpdateError(_WRONG_TYPE)
    return {"N": added(one["N"], other["N"], sign)}


def _joined(one: Value, other: Value) -> Value:
    if "L" not in one or "L" not in other:
        raise InvalidUpdateError(_WRONG_TYPE)
    return {"L": one["L"] + other["L"]}


def _sum(before: Value | None, value: Value) -> Value:
    if before is None:
        return value
    if before.keys() != value.keys():
        raise InvalidUpdateError(_WRONG_TYPE)
    [(kind, content)] = value.items()
    if kind == "N":
        return {"N": added(before["N"], content)}
    return {kind: united(kind, before[kind], content)}


def _container(item: Item, path: Path) -> Any:
    """Return the map (of attributes, or of type M) or list that holds the path's last part."""
    if len(path) == 1:
        return item
    value = paths.find(item, path[:-1])
    kind = "L" if isinstance(path[-1], int) else "M"
    if value is None or kind not in value:
        raise InvalidUpdateError(_NO_SUCH_PATH)
    return value[kind]


def _put(item: Item, path: Path, value: Value) -> None:
    container, last = _container(item, path), path[-1]
    if isinstance(last, int) and last >= len(container):
        container.append(copy.deepcopy(value))
    else:
        container[last] = copy.deepcopy(value)


def _remove(item: Item, path: Path) -> None:
    container, last = _container(item, path), path[-1]
    if isinstance(last, int):
        del container[last : last + 1]
    else:
        container.pop(last, None)


def _take_out(item: Item, path: Path, value: Value) -> None:
    before = paths.find(item, path)
    if before is None:
        return
    if before.keys() != value.keys():
        raise InvalidUpdateError(_WRONG_TYPE)
    [(kind, content)] = value.items()
    left = [each for each in before[kind] if each not in content]
    if left:
        _put(item, path, {kind: left})
    else:  # DynamoDB has no empty sets
        _remove(item, path)


def _position(path: Path) -> int:
    return path[-1] if isinstance(path[-1], int) else -1
