"""The rows of the database server: RDS deletes them with the instance, and keeps them in snapshots.

A single Postgres serves every instance, so its rows are deleted with the last instance. A snapshot
is a copy of the server's folder, taken while the server is stopped for a moment. On AWS a snapshot
of a Single-AZ instance also suspends its I/O for a moment.
"""

import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from moto.rds.models import rds_backends

from local_aws.aws_call import AwsResponse
from local_aws.database.child import give_away
from local_aws.settings import ACCOUNT_ID

Change = Callable[[Path], None]
"""A change of the server's folder, made while the server is stopped."""

NOT_EMULATED = {
    "RestoreDBInstanceToPointInTime": "The local RDS keeps no write-ahead log.",
    "CreateDBInstanceReadReplica": "A single Postgres serves every instance of the local RDS.",
}


@dataclass(frozen=True)
class Contents:
    """The data folder of the Postgres server, with a copy beside it for each RDS snapshot.

    `rebuild` stops the server, applies a change to the folder and starts the server again.
    """

    data: Path
    rebuild: Callable[[Change], Awaitable[None]]

    def refusal(self, action: str, wanted: Mapping[str, str]) -> AwsResponse | None:
        """Return RDS's error, or a 501 for what a single server cannot do."""
        if action in NOT_EMULATED:
            return _refused(501, "NotEmulated", f"{action}: {NOT_EMULATED[action]}")
        if action == "DeleteDBInstance":
            return _final_snapshot_refusal(wanted)
        if action == "RestoreDBInstanceFromDBSnapshot":
            return self._restore_refusal(_name(wanted["DBSnapshotIdentifier"]))
        return None

    def _restore_refusal(self, snapshot: str) -> AwsResponse | None:
        if _instances():
            return _refused(
                501,
                "NotEmulated",
                "A single Postgres serves every instance of the local RDS. Delete the instance "
                f"{', '.join(_instances())} before you restore a snapshot.",
            )
        if not self.copy(snapshot).is_dir() and _has_record(snapshot):
            return _refused(
                501,
                "NotEmulated",
                f"The rows of the snapshot {snapshot} are not kept: only CreateDBSnapshot and the "
                "final snapshot of DeleteDBInstance keep them.",
            )
        return None

    async def follow(self, action: str, wanted: Mapping[str, str]) -> None:
        """Copy, restore or delete the rows after RDS has accepted the call."""
        match action:
            case "CreateDBSnapshot":
                await self.keep(wanted["DBSnapshotIdentifier"])
            case "DeleteDBSnapshot":
                shutil.rmtree(self.copy(wanted["DBSnapshotIdentifier"]), ignore_errors=True)
            case "RestoreDBInstanceFromDBSnapshot":
                await self.restore(_name(wanted["DBSnapshotIdentifier"]))
            case "DeleteDBInstance":
                if final := wanted.get("FinalDBSnapshotIdentifier"):
                    await self.keep(final)
                if not _instances():
                    await self.rebuild(_delete)

    async def keep(self, snapshot: str) -> None:
        """Copy the rows, roles and grants of the server for this snapshot."""
        await self.rebuild(lambda data: _copy(data, self.copy(snapshot)))

    async def restore(self, snapshot: str) -> None:
        """Replace all that is on the server by the copy of this snapshot."""

        def change(data: Path) -> None:
            _delete(data)
            _copy(self.copy(snapshot), data)

        await self.rebuild(change)

    def copy(self, snapshot: str) -> Path:
        """Return the folder of a snapshot's rows. RDS ignores the case of the name."""
        return self.data.with_name(f"{self.data.name}.snapshot-{snapshot.lower()}")


def _delete(data: Path) -> None:
    """Delete the folder atomically: an interruption leaves no partial folder of this name."""
    going = data.with_name(f"{data.name}.deleted")
    shutil.rmtree(going, ignore_errors=True)
    with suppress(FileNotFoundError):
        data.rename(going)
    shutil.rmtree(going, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with its owner atomically: an interruption leaves no partial copy."""
    half = target.with_name(f"{target.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(source, half, ignore=shutil.ignore_patterns("postmaster.*"))
    for each in (half, *half.rglob("*")):
        give_away(each)
    shutil.rmtree(target, ignore_errors=True)
    half.rename(target)


def _final_snapshot_refusal(wanted: Mapping[str, str]) -> AwsResponse | None:
    """Return RDS's error unless exactly one of the two parameters is given.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
    """
    skips = wanted.get("SkipFinalSnapshot", "false") == "true"
    if skips == bool(wanted.get("FinalDBSnapshotIdentifier")):
        wrong = "can not be specified when" if skips else "is required unless"
        message = f"FinalDBSnapshotIdentifier {wrong} SkipFinalSnapshot is specified."
        return _refused(400, "InvalidParameterCombination", message)
    return None


def _name(snapshot: str) -> str:
    """Return the name of a snapshot that is given by name or ARN."""
    return snapshot.rpartition(":snapshot:")[2]


def _instances() -> list[str]:
    backends = rds_backends[ACCOUNT_ID].values()
    return sorted(name for backend in list(backends) for name in backend.databases)


def _has_record(snapshot: str) -> bool:
    return any(
        snapshot in backend.database_snapshots for backend in rds_backends[ACCOUNT_ID].values()
    )


def _refused(status: int, code: str, message: str) -> AwsResponse:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return AwsResponse(
        status,
        f"<ErrorResponse>{error}</ErrorResponse>".encode(),
        {"content-type": "text/xml"},
    )
