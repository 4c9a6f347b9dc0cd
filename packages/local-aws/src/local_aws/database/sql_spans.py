"""Spans of the SQL that passes the proxy: one for each round trip, with the text of its statements.

Parameters are not kept, because they are people's data.
"""

import time

from local_aws.spans import OpenSpans, Span

LONGEST = 4096  # characters of a round trip's statements
_READY = b"Z\x00\x00\x00\x05"  # ReadyForQuery; one byte follows
_ERROR = b"SERROR\0VERROR\0C"  # the first fields of an ErrorResponse
_SQLSTATE = 5  # characters


class SqlSpans:
    """The spans of one connection, whose token was signed with `access_key`."""

    def __init__(self, spans: OpenSpans, user: str, access_key: str) -> None:
        self._spans, self._user, self._access_key = spans, user, access_key
        self._began = 0.0
        self._statements: list[str] = []
        self._error = ""

    def connected(self, began: float) -> None:
        """Note the login, which began at this time."""
        self._add("connect", began)

    def sent(self, sql: str) -> None:
        if not self._statements:
            self._began = time.perf_counter()
        self._statements.append(sql)

    def answered(self, data: bytes) -> None:
        """Read a piece of the server's answers."""
        if not self._statements:
            return
        if (at := data.find(_ERROR)) >= 0:
            at += len(_ERROR)
            self._error = f"SQLSTATE {data[at : at + _SQLSTATE].decode(errors='replace')}"
        if data[-6:-1] == _READY:
            self._add(";\n".join(self._statements)[:LONGEST], self._began)
            self._statements, self._error = [], ""

    def _add(self, name: str, began: float) -> None:
        if (spans := self._spans.of(self._access_key)) is not None:
            ms = (time.perf_counter() - began) * 1000
            spans.append(Span("sql", name, self._user, began, ms, error=self._error))
