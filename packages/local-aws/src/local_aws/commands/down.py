"""`local-aws down` and `reset`."""

import shutil
from contextlib import suppress

from local_aws.settings import Settings
from local_aws.supervisor import process
from local_aws.supervisor.lock import locked
from local_aws.supervisor.ready import StackError


def down(settings: Settings) -> bool:
    """Stop the services; return False if none were running."""
    with locked(settings, "down"):
        return process.stop(settings)


def reset(settings: Settings) -> None:
    """Stop the services and delete their data."""
    with locked(settings, "reset"):
        delete(settings)


def delete(settings: Settings) -> None:
    """Kill the services and delete the state folder; the caller holds its lock."""
    # These imports load moto, which the other commands do not need.
    from local_aws.database import postgres
    from local_aws.lambda_service.unpack import remove_read_only

    with suppress(StackError):  # The disk has no room for a snapshot, which a reset deletes anyway.
        process.stop(settings)
    process.kill(settings)
    # Postgres keeps its folder elsewhere if its user may not enter the root, as under /root.
    postgres.forget(settings.state / "postgres")
    remove_read_only(settings.state / "run" / "code")
    shutil.rmtree(settings.state, ignore_errors=True)
