"""Statements that a migration must not contain, because it could then be applied partially.

A migration and its history entry are one transaction on one connection of a pooler. A statement
that ends the transaction would apply half of the file. A statement that changes the session would
affect other runs.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from yoyo.migrations import read_sql_migration

from migrate.errors import MigrationRefusedError
from migrate.sql_text import Statement, UnreadableSqlError, statements

TRANSACTION_CONTROL = (
    ("ABORT",), ("BEGIN",), ("COMMIT",), ("END",), ("PREPARE", "TRANSACTION"), ("RELEASE",), ("ROLLBACK",), ("SAVEPOINT",),
    ("START", "TRANSACTION"),
)  # fmt: skip
OF_THE_SESSION = (
    ("DEALLOCATE",), ("DECLARE",), ("DISCARD",), ("LISTEN",), ("LOAD",), ("PREPARE",), ("RESET",), ("UNLISTEN",),
)  # fmt: skip
NOT_IN_A_TRANSACTION = (
    ("ALTER", "SYSTEM"), ("CREATE", "DATABASE"), ("CREATE", "SUBSCRIPTION"), ("CREATE", "TABLESPACE"), ("DROP", "DATABASE"),
    ("DROP", "SUBSCRIPTION"), ("DROP", "TABLESPACE"), ("REINDEX", "DATABASE"), ("REINDEX", "SYSTEM"), ("VACUUM",),
)  # fmt: skip
CONCURRENTLY = (("CREATE", "INDEX"), ("CREATE", "UNIQUE", "INDEX"), ("DROP", "INDEX"), ("REINDEX",))


def require(files: Sequence[tuple[Path, Path]]) -> None:
    """Raise MigrationRefusedError naming every forbidden statement with its line.

    The second file of a pair says in its first comment whether to use a transaction. For a
    rollback that is its migration's file.
    """
    if found := [problem for path, forward in files for problem in problems(path, forward)]:
        raise MigrationRefusedError(
            "\n".join(
                [
                    "Nothing was changed, because these statements cannot run in one transaction:",
                    *found,
                ]
            )
        )


def problems(path: Path, forward: Path) -> Iterator[str]:
    """Yield what is wrong with one file: `0007_x.sql:3: …`."""
    try:
        transactional = is_transactional(forward)
        for statement in statements(path.read_text(encoding="utf-8")):
            if problem := _problem(statement, transactional):
                yield f"  {path.name}:{statement.line}: {problem}"
    except UnreadableSqlError as error:
        yield f"  {path.name}:{error.line}: {error}."
    except UnicodeDecodeError as error:
        yield f"  {path.name}: it is not UTF-8: {error}."


def is_transactional(path: Path) -> bool:
    """Return False if the file's first comment has `-- transactional: false`, as yoyo reads it."""
    directives, _, _ = read_sql_migration(str(path))
    return bool(directives.get("transactional", "true").lower() == "true")


def _problem(statement: Statement, transactional: bool) -> str | None:
    checks: tuple[Callable[[Statement], str | None], ...] = (
        _psql,
        _atomic_body,
        _transaction_control,
        _session,
    )
    found = next((problem for check in checks if (problem := check(statement))), None)
    return found or (_outside_only(statement) if transactional else None)


def _psql(statement: Statement) -> str | None:
    if statement.words[0] == "\\":
        command = " ".join(statement.words[1:2]).lower()
        return f"\\{command} is a command of psql, not SQL. Write it as SQL."
    if statement.begins("COPY") and (
        statement.has("FROM", "STDIN") or statement.has("TO", "STDOUT")
    ):
        return "COPY with STDIN or STDOUT needs a client that sends the rows. Write INSERT."
    return None


def _atomic_body(statement: Statement) -> str | None:
    if statement.has("BEGIN", "ATOMIC"):
        return (
            "BEGIN ATOMIC nests statements, which yoyo would split. "
            "Write the body as a string: AS $$ … $$."
        )
    return None


def _transaction_control(statement: Statement) -> str | None:
    said = _begins_with_one(statement, TRANSACTION_CONTROL)
    if said is None:
        return None
    return (
        f"{said} would begin or end a transaction, which the run itself does. "
        "Remove it, or begin the file with `-- transactional: false`."
    )


def _session(statement: Statement) -> str | None:
    if statement.begins("SET") and not statement.begins("SET", "CONSTRAINTS"):
        name = " ".join(
            statement.words[: 3 if statement.words[1:2] in (("LOCAL",), ("SESSION",)) else 2]
        )
        return (
            f"{name} changes a session that other clients use, too. "
            "Qualify names with their schema; migrator has its own timeouts."
        )
    if statement.has("SET_CONFIG", "("):
        return (
            "set_config changes a session that other clients use, too. "
            "Qualify names with their schema."
        )
    if said := _begins_with_one(statement, OF_THE_SESSION):
        return (
            f"{said} affects a session, but a pooler may assign another one to each transaction. "
            "Remove it."
        )
    return None


def _outside_only(statement: Statement) -> str | None:
    said = _begins_with_one(statement, NOT_IN_A_TRANSACTION)
    if (
        said is None
        and statement.has("CONCURRENTLY")
        and (begun := _begins_with_one(statement, CONCURRENTLY))
    ):
        said = f"{begun} CONCURRENTLY"
    if said is None and statement.begins("ALTER", "TABLE") and statement.has("DETACH", "PARTITION"):
        said = "DETACH PARTITION CONCURRENTLY" if statement.has("CONCURRENTLY") else None
    if said is None:
        return None
    return (
        f"{said} cannot run in a transaction. Put it into a file of its own that begins with `-- transactional: false` "
        "and can be repeated (docs/runbooks/migrations.md)."
    )


def _begins_with_one(statement: Statement, known: Sequence[tuple[str, ...]]) -> str | None:
    return next((" ".join(words) for words in known if statement.begins(*words)), None)
