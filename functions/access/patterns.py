"""Patterns of JSON Schema: regular expressions of ECMA-262 (Unicode mode) with linear run time.

Not supported: backreferences, lookahead and lookbehind, word boundaries, named groups and flags.
Limits: MAX_LENGTH characters, MAX_SYMBOLS symbols with `{n,m}` expanded, MAX_DEPTH nested groups.
"""

import re
from typing import Literal, NamedTuple

MAX_LENGTH = 256
MAX_SYMBOLS = 200
MAX_DEPTH = 10

START, END = -1, -2
"""The symbols before the first and after the last character, which `^` and `$` match."""


class PatternError(ValueError):
    """A pattern is rejected. The message says why, and where."""


class Characters(NamedTuple):
    """A set of characters: ranges of code points, Unicode categories, and nested sets."""

    ranges: tuple[tuple[int, int], ...] = ()
    categories: tuple[str, ...] = ()
    sets: tuple["Characters", ...] = ()
    is_negated: bool = False

    def __contains__(self, character: object) -> bool:
        assert isinstance(character, str)
        code = ord(character)
        found = (
            any(first <= code <= last for first, last in self.ranges)
            or (bool(self.categories) and self._has_category(character))
            or any(character in each for each in self.sets)
        )
        return found != self.is_negated

    def _has_category(self, character: str) -> bool:
        from unicodedata import category

        return category(character).startswith(self.categories)


class Repeat(NamedTuple):
    """A repeat. `most` is None for no limit."""

    node: "Node"
    least: int
    most: int | None


class Group(NamedTuple):
    kind: Literal["sequence", "alternatives"]
    nodes: tuple["Node", ...]


type Node = Characters | int | Repeat | Group

_SPACE = Characters(((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)))  # fmt: skip
_DIGIT = Characters(((0x30, 0x39),))
_WORD = Characters(((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)))
_ANY = Characters(((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)), is_negated=True)
_SETS = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
_SYNTAX = "^$\\.*+?()[]{}|/"
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}")
_CONTROL = re.compile(r"c([A-Za-z])")
_CATEGORY = re.compile(r"[pP]\{([LMNPSZC][a-z]?)\}")
_COUNT = re.compile(r"\{(\d{1,4})(,(\d{1,4})?)?\}")


def parse(pattern: str) -> Node:
    """Return the parsed pattern. Raise PatternError."""
    if len(pattern) > MAX_LENGTH:
        raise PatternError(f"A pattern can have at most {MAX_LENGTH} characters")
    node = _Parser(pattern).parse()
    if _symbols(node) > MAX_SYMBOLS:
        raise PatternError(
            f"A pattern can have at most {MAX_SYMBOLS} symbols with repeats expanded"
        )
    return node


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._alternatives()
        if self._at < len(self._pattern):
            raise self._error("This `)` closes no group")
        return node

    def _alternatives(self) -> Node:
        found = [self._sequence()]
        while self._takes("|"):
            found.append(self._sequence())
        return found[0] if len(found) == 1 else Group("alternatives", tuple(found))

    def _sequence(self) -> Node:
        found: list[Node] = []
        while self._at < len(self._pattern) and self._next() not in "|)":
            found.append(self._repeated(self._atom()))
        return found[0] if len(found) == 1 else Group("sequence", tuple(found))

    def _repeated(self, node: Node) -> Node:
        counts = self._counts()
        if counts is None:
            return node
        if isinstance(node, int):
            raise self._error("`^` and `$` cannot be repeated")
        least, most = counts
        if most is not None and most < least:
            raise self._error("The numbers of a repeat are out of order")
        self._takes("?")  # a lazy repeat matches the same texts
        return Repeat(node, least, most)

    def _counts(self) -> tuple[int, int | None] | None:
        for sign, counts in {"*": (0, None), "+": (1, None), "?": (0, 1)}.items():
            if self._takes(sign):
                return counts
        found = _COUNT.match(self._pattern, self._at)
        if not found:
            return None
        self._at = found.end()
        least = int(found[1])
        return least, least if found[2] is None else int(found[3]) if found[3] else None

    def _atom(self) -> Node:
        character = self._pop()
        match character:
            case "^":
                return START
            case "$":
                return END
            case ".":
                return _ANY
            case "(":
                return self._group()
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise self._error(f"`{character}` must follow what it repeats")
            case "{" | "}" | "]":
                raise self._error(f"Write `\\{character}` to match the character itself")
        return _one(character)

    def _group(self) -> Node:
        if self._takes("?") and not self._takes(":"):
            raise self._error(
                "Only groups `(…)` and `(?:…)` are supported: no lookaround, names or flags"
            )
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"Groups can be nested {MAX_DEPTH} levels deep")
        node = self._alternatives()
        if not self._takes(")"):
            raise self._error("A group is not closed")
        self._depth -= 1
        return node

    def _class(self) -> Characters:
        is_negated = self._takes("^")
        ranges, sets = list[tuple[int, int]](), list[Characters]()
        while not self._takes("]"):
            first = self._member()
            if (
                _code(first) is not None
                and self._pattern.startswith("-", self._at)
                and self._next(1) != "]"
            ):
                self._pop()
                ranges.append(self._range(first, self._member()))
            else:
                sets.append(first)
        return Characters(tuple(ranges), (), tuple(sets), is_negated)

    def _range(self, first: Characters, last: Characters) -> tuple[int, int]:
        low, high = _code(first), _code(last)
        if low is None or high is None or low > high:
            raise self._error("This range of characters is not in order")
        return low, high

    def _member(self) -> Characters:
        if self._at >= len(self._pattern):
            raise self._error("A `[` is not closed")
        character = self._pop()
        if character != "\\":
            return _one(character)
        return _one("-") if self._takes("-") else self._escape()

    def _escape(self) -> Characters:
        if found := _CODE.match(self._pattern, self._at):
            self._at = found.end()
            code = int(found[1] or found[2] or found[3], 16)
            if code > 0x10FFFF:
                raise self._error("The character does not exist")
            return _one(chr(code))
        if found := _CONTROL.match(self._pattern, self._at):
            self._at = found.end()
            return _one(chr(ord(found[1]) % 32))
        if found := _CATEGORY.match(self._pattern, self._at):
            self._at = found.end()
            return Characters(categories=(found[1],), is_negated=found[0][0] == "P")
        if self._at >= len(self._pattern):
            raise self._error("A pattern cannot end in a single `\\`")
        return self._short_escape(self._pop())

    def _short_escape(self, character: str) -> Characters:
        if character in _SYNTAX:
            return _one(character)
        if character in _CONTROLS and not (character == "0" and self._next() in "0123456789"):
            return _one(_CONTROLS[character])
        if character in _SETS:
            return _SETS[character]
        if character.lower() in _SETS:
            return _SETS[character.lower()]._replace(is_negated=True)
        raise self._error(
            f"`\\{character}` is not supported: no backreferences and no word boundaries"
        )

    def _next(self, ahead: int = 0) -> str:
        return self._pattern[self._at + ahead : self._at + ahead + 1] or " "

    def _pop(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1]

    def _takes(self, character: str) -> bool:
        found = self._pattern.startswith(character, self._at)
        self._at += found
        return found

    def _error(self, message: str) -> PatternError:
        return PatternError(f"{message} (near character {self._at} of the pattern)")


def _one(character: str) -> Characters:
    return Characters(((ord(character), ord(character)),))


def _code(characters: Characters) -> int | None:
    """Return the code point of a set of one character."""
    match characters:
        case Characters(((first, last),), (), (), False) if first == last:
            return first
    return None


def _symbols(node: Node) -> int:
    match node:
        case Repeat(inner, least, most):
            return _symbols(inner) * max(least, most or 0, 1)
        case Group(_, nodes):
            return sum(map(_symbols, nodes))
    return 1
