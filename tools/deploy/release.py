"""`make release ENV=dev`: make the newest published versions live.

The functions that change the database are released first. Then the migrations run, which must be
compatible with the old code. The other functions follow. With CANARY they get a share of the calls
first, and are rolled back if an error alarm goes off. A release is recorded, for `make rollback`.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tools.deploy import (
    canary,
    command,
    database,
    environment,
    live_alias,
    proxy_target,
    release_records,
    release_store,
    tested_sql,
)
from tools.deploy.canary import Canary, Monitor
from tools.deploy.database import Invoke
from tools.deploy.environment import Environment, FunctionFailedError
from tools.deploy.errors import RefusedError
from tools.deploy.live_alias import Shift
from tools.deploy.release_store import ReleaseStore

DATABASE_FUNCTIONS = ("migrate", "db_credentials")
CANARY_SECONDS = 600  # two periods of the alarms


def prepare_database(lambda_client: Any, functions: Mapping[str, str], invoke: Invoke) -> list[str]:
    """Release the database's functions and prepare the database; return the applied migrations."""
    for shift in live_alias.pending(
        lambda_client, [functions[folder] for folder in DATABASE_FUNCTIONS]
    ):
        live_alias.finish(lambda_client, shift)
    applied: list[str] = database.prepare_database(invoke, {})["applied"]
    return applied


def shift(
    lambda_client: Any, monitor: Monitor | None, shifts: Sequence[Shift], wanted: Canary | None
) -> None:
    """Shift all functions to their new versions, or none. Raise the errors of `canary.execute`.

    A canary needs a monitor.
    """
    if wanted and shifts:
        assert monitor
        canary.execute(lambda_client, monitor, shifts, wanted)
    try:
        for one in shifts:
            live_alias.finish(lambda_client, one)
    except BaseException:
        live_alias.undo(lambda_client, shifts)
        raise


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.deploy.release", description=__doc__)
    parser.add_argument("environment", nargs="?", default="", help="local, dev, prod, …")
    add_canary_options(parser)
    options = parser.parse_args()
    return command.run("release", lambda: _release(options))


def _release(options: argparse.Namespace) -> None:
    wanted = chosen_canary(options)
    target = environment.environment(options.environment)
    store = release_store.of(target)
    with store.lock("release"):
        release(target, store, wanted)
        if target.is_local or release_records.commit() == store.applied_commit():
            record(target, store)
        else:  # the versions belong to a commit that is not checked out
            record(target, store, sql={})


def add_canary_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--canary",
        type=int,
        default=0,
        metavar="PERCENT",
        help="percentage of the calls for the canary (0: no canary)",
    )
    parser.add_argument(
        "--watch",
        type=int,
        default=CANARY_SECONDS,
        metavar="SECONDS",
        help="how long the canary is watched",
    )


def chosen_canary(options: argparse.Namespace) -> Canary | None:
    """Return the canary that the options ask for. Raise RefusedError if its share is not valid."""
    if not 0 <= options.canary < 100:
        raise RefusedError(
            f"CANARY={options.canary} is not a percentage of the calls. "
            "Use 1 to 99, or 0 to shift all calls at once."
        )
    return Canary(options.canary, options.watch) if options.canary else None


def release(target: Environment, store: ReleaseStore, wanted: Canary | None) -> list[Shift]:
    """Release `target` and return the shifts, so that a caller can roll them back.

    The caller holds the lock of the store.
    """
    functions: Mapping[str, str] = target.output("functions")
    client = target.client("lambda")
    proxy_target.wait_until_available(target.client("rds"), target.output("proxy_endpoint"))
    observe(target, store)
    store.set_schema(tested_sql.of_checkout())
    applied = prepare_database(client, functions, target.invoke)
    print(f"database: {', '.join(applied) or 'no new migration'}")
    shifts = live_alias.pending(client, functions.values())
    shift(client, canary.monitor(target), shifts, wanted)
    print(
        "\n".join(f"{one.function}: {one.before} → {one.after}" for one in shifts)
        or "every newest version is already live."
    )
    return shifts


def observe(target: Environment, store: ReleaseStore) -> None:
    """Record the live versions before the first release, so that they can be restored."""
    if not store.releases():
        found = live_alias.live(target.client("lambda"), target.output("functions").values())
        try:
            level = _migration(target)
        except FunctionFailedError:
            level = ""  # before the first deploy, whose next step creates the database's roles
        store.add(release_records.made([], found, migration=level))


def record(target: Environment, store: ReleaseStore, **known: object) -> None:
    """Record the live versions as a release, with contract and migration level."""
    found = live_alias.live(target.client("lambda"), target.output("functions").values())
    contract = json.dumps(target.output("contract_hashes"), sort_keys=True).encode()
    known = {"sql": tested_sql.of_checkout().sent, "migration": _migration(target)} | known
    made = release_records.made(
        store.releases(),
        found,
        commit=release_records.commit(),
        contract=hashlib.sha256(contract).hexdigest(),
        **known,
    )
    store.add(made)
    print(f"recorded {made.described}.")


def _migration(target: Environment) -> str:
    """Return the newest applied migration. Raise FunctionFailedError."""
    applied: list[str] = target.invoke("migrate", {"action": "status"})["applied"]
    return applied[-1] if applied else ""


if __name__ == "__main__":
    sys.exit(main())
