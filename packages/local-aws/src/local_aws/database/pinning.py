"""Statements that pin a session in RDS Proxy, which then reserves a server connection for it.

The stand-in reads the clients' statements and records those that pin, because PgBouncer does not
report them.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
"""

import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from local_aws.settings import Settings

LONGEST_STATEMENT = 16 * 1024  # bytes: "any statement with a text size greater than 16 KB"
_KEPT = 4 * LONGEST_STATEMENT  # most bytes of a message that are examined

# Quoted text, dollar-quoted text and comments are not SQL.
_NOT_SQL = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | E'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | (?P<tag>\$(?:[A-Z_]\w*)?\$).*?(?P=tag)""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_KINDS = {
    "sets a parameter of the session": r"^(SET|RESET)\b|\bSET_CONFIG\s*\(",
    "manages prepared statements": r"^(PREPARE|EXECUTE|DEALLOCATE)\b",
    "discards the session's state": r"^DISCARD\b",
    "creates a temporary object": r"^CREATE\s+(OR\s+REPLACE\s+)?((GLOBAL|LOCAL)\s+)?TEMP(ORARY)?\b|\bINTO\s+TEMP(ORARY)?\b",
    "declares a cursor": r"^DECLARE\b",
    "listens": r"^(UN)?LISTEN\b",
    "loads a library": r"^LOAD\b",
    "changes or reads a sequence": r"\b(NEXTVAL|SETVAL|CURRVAL|LASTVAL)\s*\(",
    # …_xact_lock does not pin
    "takes a session-level lock": r"\bPG_(TRY_)?ADVISORY_(UN)?LOCK(_SHARED|_ALL)?\s*\(",
}
_PATTERNS = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in _KINDS.items()}


@dataclass(frozen=True)
class Pinned:
    user: str
    reason: str
    sql: str


@lru_cache(maxsize=1024)
def reasons(sql: str, *, name: str = "", simple: bool = False) -> tuple[str, ...]:
    """Return the reasons why a statement pins.

    `name` is the prepared statement's. `simple` marks a query without Parse, which may contain
    several statements.
    """
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
        yield "contains several statements"
    if len(sql.encode()) > LONGEST_STATEMENT:
        yield f"is longer than {LONGEST_STATEMENT} bytes"


def _blank(found: re.Match[str]) -> str:
    return " " if found[0].startswith(("--", "/*")) else "''"


class Statements:
    """The SQL in a client's Query and Parse messages after the login, in pieces of any size."""

    def __init__(self) -> None:
        self._head = b""  # the beginning of a type and length
        self._kind = b""  # the type of the current message
        self._missing = 0  # bytes of the current message
        self._body = bytearray()

    def read(self, data: bytes) -> Iterator[tuple[str, str, bool]]:
        """Yield (SQL, name of the prepared statement, whether it is a simple query)."""
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
    """A log with one line per pinned statement in `path`."""

    def __init__(self, path: Path) -> None:
        # an empty file means that no statement pinned; no file means that nothing was recorded
        path.touch()
        self._path = path
        self._seen = set(read(path))

    def watch(self, user: str, on_statement: Callable[[str], None] = lambda _: None) -> "Watch":
        return Watch(user, self, on_statement)

    def note(self, pinned: Pinned) -> None:
        if pinned not in self._seen:
            self._seen.add(pinned)
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(pinned)) + "\n")


class Watch:
    """The recorder of one client's connection; `on_statement` gets the text of each statement."""

    def __init__(self, user: str, record: Record, on_statement: Callable[[str], None]) -> None:
        self._user, self._record, self._statements = user, record, Statements()
        self._on_statement = on_statement

    def sent(self, data: bytes) -> None:
        for sql, name, simple in self._statements.read(data):
            self._on_statement(sql)
            for reason in reasons(sql, name=name, simple=simple):
                self._record.note(Pinned(self._user, reason, sql))


def path(settings: Settings) -> Path:
    return settings.state / "pinned-sessions.jsonl"


def read(path: Path) -> list[Pinned]:
    """Return the recorded statements.

    Raises:
        FileNotFoundError: nothing was recorded.
    """
    return [Pinned(**json.loads(line)) for line in path.read_text().splitlines()]
