"""`make rollback ENV=dev`: make the versions of the previous release live again, in seconds.

It only moves aliases, and works while alarms are on. Terraform's resources and the database stay as
they are. A release whose SQL is not tested on the newer schema is refused. `TO=12` chooses a
recorded release.
"""

import argparse
import sys
import time
from typing import Any

from tools.deploy import (
    command,
    environment,
    live_alias,
    release,
    release_records,
    release_store,
    tested_sql,
)
from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.deploy.release_records import Release
from tools.deploy.release_store import ReleaseStore
from tools.operations import smoke


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.operations.rollback", description=__doc__
    )
    parser.add_argument("environment", nargs="?", default="", help="local, dev, prod, …")
    parser.add_argument("--to", type=int, default=None, metavar="NUMBER", help="of the release")
    parser.add_argument("--list", action="store_true", help="only list the recorded releases")
    parser.add_argument("--commit", action="store_true", help="only print the deployed commit")
    options = parser.parse_args()
    return command.run("rollback", lambda: _rollback(options))


def _rollback(options: argparse.Namespace) -> None:
    if options.commit:
        print(deployed_commit(release_store.named(options.environment)))
        return
    target = environment.environment(options.environment)
    store = release_store.of(target)
    if options.list:
        print("\n".join(one.described for one in store.releases()) or "no release is recorded.")
        return
    rollback(target.client("lambda"), store, options.to)
    _smoke(target)


def deployed_commit(store: ReleaseStore) -> str:
    """Return the commit whose resources are applied, or "". A rollback moves only functions."""
    commit = store.applied_commit()
    if not commit:
        print(f"no deploy of {store.environment} is recorded yet.", file=sys.stderr)
    return commit


def rollback(lambda_client: Any, store: ReleaseStore, to: int | None = None) -> Release:
    """Go back to a recorded release, all functions or none, and record that. Raise RefusedError."""
    with store.lock("rollback"):
        started = time.monotonic()
        releases = store.releases()
        known = releases[-1].functions if releases else {}
        wanted = release_records.restored(releases, live_alias.live(lambda_client, known), to)
        _require_tested(store, wanted)
        _require_versions(lambda_client, wanted)
        shifts = live_alias.shifts_to(lambda_client, wanted.functions)
        # Recorded first: after a kill, the next rollback completes this one. Recorded last, it would
        # take the restored versions for a release that stopped half-way, and go forward again.
        store.add(_record(releases, wanted))
        try:
            release.shift(lambda_client, None, shifts, None)
        except BaseException:
            store.replace(releases)
            raise
        seconds = time.monotonic() - started
        for one in shifts:
            print(f"{one.function}: {one.before} → {one.after}")
        print(f"{store.environment} is back at {wanted.described}, in {seconds:.1f} s.")
    return wanted


def _record(releases: list[Release], wanted: Release) -> Release:
    last = releases[-1]
    return release_records.made(
        releases,
        wanted.functions,
        commit=wanted.commit,
        artefacts=wanted.artefacts,
        # the commit of the resources and the migration level stay as they are
        contract=last.contract,
        migration=last.migration,
        sql=wanted.sql,
        # A rollback's own record stands for the release that it restored.
        restores=wanted.restores or wanted.number,
    )


def _require_tested(store: ReleaseStore, wanted: Release) -> None:
    """Raise RefusedError if a migration since that release may have dropped what its code uses."""
    schema = store.schema()
    if schema and schema.migration != wanted.migration:
        advice = (
            f"Choose a later release with TO=… (make rollback ENV={store.environment} LIST=1 lists them), "
            "or revert the commits on main and deploy that."
        )
        tested_sql.require(schema, wanted.sql, wanted.described, advice)


def _require_versions(lambda_client: Any, wanted: Release) -> None:
    """Raise RefusedError, before any change, if a version was pruned."""
    gone = [
        f"{function} {version}"
        for function, version in wanted.functions.items()
        if version not in {one["Version"] for one in live_alias.versions(lambda_client, function)}
    ]
    if gone:
        raise RefusedError(
            f"{wanted.described} cannot be restored, since these versions were pruned: {', '.join(gone)}. "
            "Nothing was changed. Choose a later one with TO=…, or deploy that commit again."
        )


def _smoke(target: Environment) -> None:
    try:
        smoke.smoke(target)
    except RefusedError as error:
        raise RefusedError(
            f"{error}\nThe rollback stays. Its versions fail the smoke test too."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
