"""Errors of migrations. Every message says what to do next."""


class MigrationError(Exception):
    """The base class of these errors."""


class MigrationsBusyError(MigrationError):
    """Another run is in progress. Nothing was changed."""


class HistoryError(MigrationError):
    """The database's history and this build's files contradict each other. Nothing was changed."""


class MigrationRefusedError(MigrationError):
    """A file has statements that could be applied partially. Nothing was changed."""


class MigrationFailedError(MigrationError):
    """Postgres rejected a migration. Those before it stay; the message names them."""
