"""Statements for which RDS Proxy pins a session: it then keeps its server connection to itself until it ends.

The stand-in looks at what clients send and notes each such statement, since PgBouncer would not mind.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
"""

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from local_aws.settings import Settings

LONGEST_STATEMENT = 16 * 1024  # bytes: "any statement with a text size greater than 16 KB"
_KEPT = 4 * LONGEST_STATEMENT  # bytes of a message that are looked at

# What stands in quotes, between dollars or in a comment is no SQL.
_NOT_SQL = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | E'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | (?P<tag>\$(?:[A-Z_]\w*)?\$).*?(?P=tag)""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_KINDS = {
    "sets a parameter of the session": r"^(SET|RESET)\b|\bSET_CONFIG\s*\(",
    "manages prepared statements": r"^(PREPARE|EXECUTE|DEALLOCATE)\b",
    "discards the session's state": r"^DISCARD\b",
    "makes something temporary": r"^CREATE\s+(OR\s+REPLACE\s+)?((GLOBAL|LOCAL)\s+)?TEMP(ORARY)?\b|\bINTO\s+TEMP(ORARY)?\b",
    "declares a cursor": r"^DECLARE\b",
    "listens": r"^(UN)?LISTEN\b",
    "loads a library": r"^LOAD\b",
    "moves or reads a sequence": r"\b(NEXTVAL|SETVAL|CURRVAL|LASTVAL)\s*\(",
    "locks for the session": r"\bPG_(TRY_)?ADVISORY_(UN)?LOCK(_SHARED|_ALL)?\s*\(",  # …_xact_lock does not pin
}
_PATTERNS = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in _KINDS.items()}


@dataclass(frozen=True)
class Pinned:
    user: str
    reason: str
    sql: str


@lru_cache(maxsize=1024)
def reasons(sql: str, *, name: str = "", simple: bool = False) -> tuple[str, ...]:
    """Why this pins. `name` is the prepared statement's; `simple` a query without Parse, which may hold several statements."""
    return tuple(_reasons(sql, name, simple))


def _reasons(sql: str, name: str, simple: bool) -> Iterator[str]:
    plain = [each.strip() for each in _NOT_SQL.sub(_blank, sql).split(";")]
    statements = [each for each in plain if each]
    yield from (
        reason for reason, pattern in _PATTERNS.items() if any(map(pattern.search, statements))
    )
    if name:
        yield f"prepares the named statement {name!r}"
    if simple and len(statements) > 1:
        yield "holds several statements"
    if len(sql.encode()) > LONGEST_STATEMENT:
        yield f"is longer than {LONGEST_STATEMENT} bytes"


def _blank(found: re.Match[str]) -> str:
    return " " if found[0].startswith(("--", "/*")) else "''"


class Statements:
    """The SQL in what a client sends after it was let in, whatever pieces it comes in: Query and Parse messages."""

    def __init__(self) -> None:
        self._head = b""  # the beginning of a type and length
        self._kind = b""  # of the message that is coming
        self._missing = 0  # bytes of it
        self._body = bytearray()

    def read(self, data: bytes) -> Iterator[tuple[str, str, bool]]:
        """(SQL, name of the prepared statement, whether it is a simple query)."""
        at = 0
        while at < len(data) or (self._kind and not self._missing):
            if not self._kind:
                taken = data[at : at + 5 - len(self._head)]
                at += len(taken)
                self._begin(taken)
                continue
            piece = data[at : at + self._missing]
            at += len(piece)
            self._missing -= len(piece)
            if self._kind in b"QP" and len(self._body) < _KEPT:
                self._body += piece[: _KEPT - len(self._body)]
            if not self._missing:
                yield from self._end()

    def _begin(self, taken: bytes) -> None:
        self._head += taken
        if len(self._head) == 5:
            self._kind, length = struct.unpack("!cI", self._head)
            self._head, self._missing = b"", max(length - 4, 0)

    def _end(self) -> Iterator[tuple[str, str, bool]]:
        kind, body = self._kind, bytes(self._body)
        self._kind = b""
        self._body.clear()
        if kind == b"Q":
            yield body.partition(b"\0")[0].decode("utf-8", "replace"), "", True
        elif kind == b"P":
            name, _, rest = body.partition(b"\0")
            yield (
                rest.partition(b"\0")[0].decode("utf-8", "replace"),
                name.decode("utf-8", "replace"),
                False,
            )


class Record:
    """Keeps each pinned statement once, as a line of `path`."""

    def __init__(self, path: Path) -> None:
        path.touch()  # empty says that there was nothing; none, that nobody looked
        self._path = path
        self._seen = set(read(path))

    def watch(self, user: str) -> "Watch":
        return Watch(user, self)

    def note(self, pinned: Pinned) -> None:
        if pinned not in self._seen:
            self._seen.add(pinned)
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(pinned)) + "\n")


class Watch:
    """One client's connection."""

    def __init__(self, user: str, record: Record) -> None:
        self._user, self._record, self._statements = user, record, Statements()

    def sent(self, data: bytes) -> None:
        for sql, name, simple in self._statements.read(data):
            for reason in reasons(sql, name=name, simple=simple):
                self._record.note(Pinned(self._user, reason, sql))


def path(settings: Settings) -> Path:
    return settings.state / "pinned-sessions.jsonl"


def read(path: Path) -> list[Pinned]:
    """What was recorded.

    Raises:
        FileNotFoundError: nothing was watched.
    """
    return [Pinned(**json.loads(line)) for line in path.read_text().splitlines()]
