"""Runs of the SQL in `migrations/`, packaged by the build.

`uri` names the database and the user.
"""

import glob
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yoyo
from yoyo.connections import parse_uri

from atrium.stores.pipeline import InterfaceError, ServerError
from migrate import files, history, rules
from migrate.backend import Backend, open_backend
from migrate.connection import connect
from migrate.errors import HistoryError, MigrationFailedError
from migrate.files import MigrationFile
from migrate.history import History
from migrate.run_lock import LOCK_NOT_AVAILABLE

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
CUT_OFF = "The connection was lost during {id} ({error}). `make migrate-status` says whether it was applied."


def status(uri: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Return what is applied, what is pending, and what contradicts this build. Writes nothing."""
    return _history(uri, folder).described()


def plan(uri: str, to: str | None = None, folder: Path = FOLDER) -> dict[str, Any]:
    """Return what `apply` would run, as text. Raises `HistoryError` and `ValueError` like `apply`.

    Writes nothing.
    """
    chosen = _to_apply(_history(uri, folder), to)
    return {
        "apply": [{"id": file.id, "sql": file.path.read_text(encoding="utf-8")} for file in chosen]
    }


def apply(uri: str, to: str | None = None, folder: Path = FOLDER) -> dict[str, Any]:
    """Apply pending migrations in order, up to and including `to` (an id or a number).

    Raises: ValueError: `to` is not pending. Nothing was changed. HistoryError,
    MigrationsBusyError: see there. Nothing was changed. MigrationRefusedError: a file could be
    applied partially. Nothing was changed. MigrationFailedError: the migrations before the
    failed one stay.
    """
    with _changing(uri, folder) as (backend, found):
        chosen = _to_apply(found, to)
        _run(chosen, backend, Backend.apply_one)
        left = [file.id for file in found.pending if file not in chosen]
        return {"applied": [file.id for file in chosen], "pending": left}


def down(uri: str, steps: int = 1, folder: Path = FOLDER) -> dict[str, Any]:
    """Roll back the last `steps` migrations. Raises like `apply`."""
    with _changing(uri, folder) as (backend, found):
        chosen = _to_take_back(found, steps)
        _run(chosen, backend, Backend.rollback_one)
        return {"taken_back": [file.id for file in chosen]}


def _history(uri: str, folder: Path) -> History:
    with closing(connect(parse_uri(uri))) as connection:
        return history.read(connection, files.read(folder))


@contextmanager
def _changing(uri: str, folder: Path) -> Iterator[tuple[Backend, History]]:
    """Return the backend and its history while holding the lock of a run."""
    found = files.read(folder)
    with open_backend(uri) as backend, backend.lock():
        backend.let_readers_see()
        yield backend, history.read(backend.connection, found)


def _to_apply(found: History, to: str | None) -> list[MigrationFile]:
    last = files.find(found.files, to) if to else None
    if found.wrong:
        raise HistoryError("\n".join(found.wrong))
    pending = found.pending
    if last and last not in pending:
        raise ValueError(
            f"to: {last.id} is already applied. To roll back later ones, run `make migrate-down`."
        )
    chosen = pending[: pending.index(last) + 1] if last else pending
    if empty := [file.path.name for file in chosen if not files.holds_sql(file.path)]:
        raise HistoryError(f"{', '.join(empty)} has no SQL yet. Write it, or remove the file.")
    rules.require([(file.path, file.path) for file in chosen])
    return chosen


def _to_take_back(found: History, steps: int) -> list[MigrationFile]:
    if steps > len(found.applied):
        raise ValueError(f"steps: {steps}, but only {len(found.applied)} migrations are applied.")
    by_id = {file.id: file for file in found.files}
    chosen = [one.id for one in reversed(found.applied)][:steps]
    if missing := [
        name for name in chosen if name not in by_id or not files.holds_sql(by_id[name].rollback)
    ]:
        raise HistoryError(
            f"{', '.join(missing)} cannot be taken back: this build has no {missing[0]}.rollback.sql with SQL in it. "
            "Build from the commit that has it, or write the way back as a new migration."
        )
    files_chosen = [by_id[name] for name in chosen]
    rules.require([(file.rollback, file.path) for file in files_chosen])
    return files_chosen


def _run(
    chosen: Sequence[MigrationFile], backend: Backend, change: Callable[[Backend, Any], None]
) -> None:
    folders = {glob.escape(str(file.path.parent)) for file in chosen}
    known = {migration.id: migration for migration in yoyo.read_migrations(*folders)}
    for file in chosen:
        migration = known[file.id]
        try:
            change(backend, migration)
        except ServerError as error:
            explained = _explained(file.id, migration.use_transactions, error)
            raise MigrationFailedError(f"{explained}\n{_done_before(file, chosen)}") from error
        except (InterfaceError, OSError) as error:
            cut_off = CUT_OFF.format(id=file.id, error=error)
            raise MigrationFailedError(f"{cut_off}\n{_done_before(file, chosen)}") from error


def _done_before(failed: MigrationFile, chosen: Sequence[MigrationFile]) -> str:
    """Return a sentence about the changes of this run."""
    done = [file.id for file in chosen[: list(chosen).index(failed)]]
    return (
        f"Applied by this run and kept: {', '.join(done)}."
        if done
        else "This run had not changed anything before."
    )


def _explained(name: str, was_undone: bool, error: ServerError) -> str:
    fields = error.args[0]
    outcome = (
        "failed and was undone"
        if was_undone
        else "failed; it has no transaction, so it may be applied partially"
    )
    advice = "Correct the file and apply again."
    if fields["C"] == LOCK_NOT_AVAILABLE:
        advice = (
            "The table was in use for longer than migrator's lock_timeout. "
            "Apply again at a quieter time."
        )
    more = "".join(
        f" {text}: {fields[code]}"
        for code, text in (("D", "Detail"), ("H", "Hint"))
        if fields.get(code)
    )
    return f"{name}.sql {outcome}: {fields['M']} (SQLSTATE {fields['C']}).{more} {advice}"
