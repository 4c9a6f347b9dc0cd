"""Why migrations were not run, or not all of them. Every message says what to do next."""


class MigrationError(Exception):
    """Any of these."""


class MigrationsBusyError(MigrationError):
    """Another run is under way. Nothing was changed."""


class HistoryError(MigrationError):
    """The database's history and this build's files contradict each other. Nothing was changed."""


class MigrationRefusedError(MigrationError):
    """A file holds what could happen by half. Nothing was changed."""


class MigrationFailedError(MigrationError):
    """A migration was refused by Postgres; those before it stay. The message says which they are."""
