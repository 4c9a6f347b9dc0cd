"""Applies the SQL in `migrations/`, which the build puts beside this package."""

from pathlib import Path
from typing import Any

import yoyo

from atrium.one_flight import ServerError
from migrate.backend import Backend, open_backend

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


class MigrationFailedError(Exception):
    """A migration was refused by Postgres and undone."""


def apply(folder: Path = FOLDER) -> dict[str, Any]:
    """Applies what is pending, in order. Raises `MigrationFailedError`; the migrations before that one stay."""
    with open_backend() as backend, backend.lock():
        pending = backend.to_apply(_read(folder))
        for migration in pending:
            try:
                backend.apply_one(migration)
            except ServerError as error:
                raise MigrationFailedError(_explained(migration.id, error)) from error
        return {"applied": [migration.id for migration in pending], "pending": []}


def status(folder: Path = FOLDER) -> dict[str, Any]:
    """What has been applied and what is pending."""
    with open_backend() as backend:
        return _status(backend, _read(folder))


def _status(backend: Backend, migrations: Any) -> dict[str, Any]:
    pending = {migration.id for migration in backend.to_apply(migrations)}
    known = [migration.id for migration in migrations]
    return {
        "applied": [name for name in known if name not in pending],
        "pending": [name for name in known if name in pending],
    }


def _read(folder: Path) -> Any:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: build the zip with `make build`, which puts migrations there.")
    return yoyo.read_migrations(str(folder))


def _explained(name: str, error: ServerError) -> str:
    fields = error.args[0]
    return f"{name}.sql failed and was undone: {fields['M']} (SQLSTATE {fields['C']}). Mend it and apply again."
