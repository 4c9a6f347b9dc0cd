"""A lexer for SQL files that finds statements and their lines as Postgres does.

It skips comments, strings and function bodies.
https://www.postgresql.org/docs/17/sql-syntax-lexical.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

BYTE_ORDER_MARK = "\ufeff"
_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*")
    | (?P<word>[^\W\d][\w$]*)
    | (?P<end>;)
    | (?P<other>\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_PART = re.compile(r"/\*|\*/")


class UnreadableSqlError(Exception):
    """Text that this lexer and Postgres might split differently. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Statement:
    line: int
    words: tuple[str, ...]
    """Upper-case words, quoted names without quotes; a string or a function's body is `''`."""

    def begins(self, *words: str) -> bool:
        return self.words[: len(words)] == words

    def has(self, *words: str) -> bool:
        """Return True if the words occur in this sequence."""
        return any(self.words[at : at + len(words)] == words for at in range(len(self.words)))


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a file. Raises UnreadableSqlError."""
    if text.startswith(BYTE_ORDER_MARK):
        raise UnreadableSqlError(
            1, "the file begins with a byte order mark. Save it as UTF-8 without one"
        )
    words: list[str] = []
    at = first = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None, "the last alternative matches any character"
        kind, begin, at = found.lastgroup, at, found.end()
        if kind == "space":
            continue
        if kind == "comment":
            at = _comment_end(text, begin)
            continue
        if kind == "end":
            if words:
                yield Statement(_line(text, first), tuple(words))
            words = []
            continue
        if kind == "dollar":
            at = _body_end(text, found[0], begin)
        first = begin if not words else first
        words.append(_word(kind or "", found[0], text, begin))
    if words:
        yield Statement(_line(text, first), tuple(words))


def _word(kind: str, token: str, text: str, begin: int) -> str:
    if token in ("'", '"'):  # the longer alternatives did not match
        raise UnreadableSqlError(_line(text, begin), f"the {token} here is never closed")
    match kind:
        case "string" | "escaped" | "dollar":
            return "''"
        case "name":
            return token[1:-1].upper()
        case _:
            return token.upper()


def _comment_end(text: str, begin: int) -> int:
    """Return the end of a comment. Reject a nested one: yoyo does not know that comments nest."""
    found = _COMMENT_PART.search(text, begin + 2)
    if found is None:
        raise UnreadableSqlError(_line(text, begin), "the comment /* is never closed")
    if found[0] == "/*":
        raise UnreadableSqlError(
            _line(text, found.start()),
            "comments are nested. Write the inner one with -- or remove it",
        )
    return found.end()


def _body_end(text: str, tag: str, begin: int) -> int:
    end = text.find(tag, begin + len(tag))
    if end < 0:
        raise UnreadableSqlError(_line(text, begin), f"the body after {tag} is never closed")
    return end + len(tag)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
