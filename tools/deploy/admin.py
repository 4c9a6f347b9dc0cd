"""`make admin ENV=dev EMAIL=ada@example.com`: make a user an administrator.

An environment without an administrator needs this command, since only an administrator can grant
the role through the API. The deployed function `first_admin` grants it, because only code in the
VPC reaches the database. The command is idempotent.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tools.deploy import command, environment
from tools.deploy.environment import Environment, FunctionFailedError
from tools.deploy.errors import RefusedError

Invoke = Callable[[str, Mapping[str, Any]], Any]
"""Invokes the function in the named folder with an event, and returns its answer."""


def make_admin(invoke: Invoke, email: str) -> dict[str, Any]:
    """Return `uid` and `granted` (False if the user was an administrator before)."""
    answer: dict[str, Any] = invoke("first_admin", {"email": email})
    return answer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.deploy.admin", description=__doc__)
    parser.add_argument("--env", default="", help="local, dev, prod, …")
    parser.add_argument("--email", default="", help="address of a user who has signed in before")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    return command.run("admin", lambda: _admin(options))


def _admin(options: argparse.Namespace) -> None:
    if not options.email:
        raise RefusedError("EMAIL is missing. Run make admin ENV=… EMAIL=ada@example.com")
    chosen = environment.environment(options.env)
    try:
        answer = make_admin(chosen.invoke, options.email)
    except FunctionFailedError as failed:
        raise _explained(failed, chosen, options.email) from failed
    print(
        json.dumps(answer)
        if options.format == "json"
        else _text(answer, chosen.name, options.email)
    )


def _text(answer: Mapping[str, Any], name: str, email: str) -> str:
    if answer["granted"]:
        return f"{email} is an administrator of {name} now. Older tokens are stale: sign in again."
    return f"{email} was already an administrator of {name}. Nothing was changed."


def _explained(failed: FunctionFailedError, chosen: Environment, email: str) -> Exception:
    match failed.kind:
        case "UserNotFoundError":
            return RefusedError(
                f"no user of {chosen.name} has the address {email}. Sign up and confirm it first (client "
                f"{chosen.output('user_pool_client_id')} of pool {chosen.output('user_pool_id')}). "
                "Then run this command again."
            )
        case "UserDisabledError":
            return RefusedError(
                f"{email}: {failed.message} Enable the user first: PUT /v1/users/{{id}}/status."
            )
        case "ValueError":
            return RefusedError(f"EMAIL: {failed.message}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
