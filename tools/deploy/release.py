"""`make release ENV=dev`: makes live what an apply, or a service's own deploy, has published.

First the functions that change the database, then the database itself (expand only: the old code still runs on it), then all others:
with CANARY, a share of the calls first, and back to the old versions when an error alarm goes off.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tools.deploy import canary, command, database, environment, live_alias, proxy_target
from tools.deploy.canary import Canary
from tools.deploy.database import Invoke
from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.deploy.live_alias import Shift

DATABASE_FUNCTIONS = ("migrate", "db_credentials")
CANARY_SECONDS = 600  # two periods of the alarms


def prepare_database(lambda_client: Any, functions: Mapping[str, str], invoke: Invoke) -> list[str]:
    """By the newest code of the functions that do it; names of the migrations applied."""
    for shift in live_alias.pending(
        lambda_client, [functions[folder] for folder in DATABASE_FUNCTIONS]
    ):
        live_alias.finish(lambda_client, shift)
    applied: list[str] = database.prepare_database(invoke, {})["applied"]
    return applied


def shift(
    lambda_client: Any, cloudwatch: Any, shifts: Sequence[Shift], wanted: Canary | None
) -> None:
    """To the new versions, all of them or none. Raises what `canary.fly` does."""
    if wanted and shifts:
        canary.fly(lambda_client, cloudwatch, shifts, wanted)
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
    release(environment.environment(options.environment), chosen_canary(options))


def add_canary_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--canary",
        type=int,
        default=0,
        metavar="PERCENT",
        help="share of the calls at first; 0: none",
    )
    parser.add_argument(
        "--watch",
        type=int,
        default=CANARY_SECONDS,
        metavar="SECONDS",
        help="how long it is watched",
    )


def chosen_canary(options: argparse.Namespace) -> Canary | None:
    """Raises RefusedError."""
    if not 0 <= options.canary < 100:
        raise RefusedError(
            f"CANARY={options.canary} is no share of the calls. Say how many of a hundred: 1 to 99, or 0 for all at once."
        )
    return Canary(options.canary, options.watch) if options.canary else None


def release(target: Environment, wanted: Canary | None) -> list[Shift]:
    """What was shifted, so that it can be taken back."""
    functions: Mapping[str, str] = target.output("functions")
    client = target.client("lambda")
    proxy_target.wait_until_available(target.client("rds"), target.output("proxy_endpoint"))
    applied = prepare_database(client, functions, target.invoke)
    print(f"database: {', '.join(applied) or 'no new migration'}")
    shifts = live_alias.pending(client, functions.values())
    shift(client, target.client("cloudwatch"), shifts, wanted)
    print(
        "\n".join(f"{one.function}: {one.before} → {one.after}" for one in shifts)
        or "every newest version is live already."
    )
    return shifts


if __name__ == "__main__":
    sys.exit(main())
