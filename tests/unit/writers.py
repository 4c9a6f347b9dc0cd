"""Many processes of one service, each with a connection of its own, as on Lambda.

  python -m tests.unit.writers <service> <Postgres' socket>

The command reads events from standard input, a JSON array, forks a process for each after all
imports, and runs the service's handler in all of them at once. It writes a line for each: its
number and the handler's response or the traceback.

The table is a stub: everybody is active in it, and a command sent to it fails, so it stays in the
outbox.
"""

import contextlib
import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import conftest  # noqa: F401  the rules of sources
from atrium.api import Handler
from atrium.identity import session_records
from atrium.stores import postgres, user_table
from atrium.stores.pipeline import PipelinedConnection
from atrium.stores.user_table import Meta, TableUnavailableError
from tests.unit.events import Context


def main(service: str, socket: str) -> None:
    def connect(user: str, kind: Any = PipelinedConnection, answer_timeout: float = 0) -> Any:
        return kind(user, unix_sock=socket, database="atrium", ssl_context=False)

    postgres.connect = connect
    user_table.meta = _active
    user_table.transact = _away
    session_records.note = lambda claims, device: None
    handler: Handler = importlib.import_module(f"{service}.handler").handler
    children = [_fork(handler, number, event) for number, event in enumerate(json.load(sys.stdin))]
    for child in children:
        os.waitpid(child, 0)


def _fork(handler: Handler, number: int, event: dict[str, Any]) -> int:
    if child := os.fork():
        return child
    try:
        os.write(
            sys.stdout.fileno(), json.dumps([number, _answer(handler, event)]).encode() + b"\n"
        )
    finally:
        os._exit(0)


def _answer(handler: Handler, event: dict[str, Any]) -> Any:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # keep the log out of the output
            return handler(event, Context())
    except BaseException:
        return traceback.format_exc()


def _active(uid: str) -> Meta | None:
    return Meta("active", 1, 1)


def _away(items: Sequence[dict[str, Any]]) -> None:
    raise TableUnavailableError("There is no table here.")


if __name__ == "__main__":
    main(*sys.argv[1:])
