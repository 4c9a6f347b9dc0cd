"""`make admin ENV=dev EMAIL=ada@example.com`: makes a user an administrator, for whom nobody can yet do it through the API.

The deployed function `first_admin` does it, since only what runs in the VPC reaches the database. A repeat changes nothing.
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
"""A function's folder and the event → its answer."""


def make_admin(invoke: Invoke, email: str) -> dict[str, Any]:
    """`uid`, and whether it was `granted` now. Raises what `invoke` raises."""
    answer: dict[str, Any] = invoke("first_admin", {"email": email})
    return answer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.deploy.admin", description=__doc__)
    parser.add_argument("--env", default="", help="local, dev, prod, …")
    parser.add_argument("--email", default="", help="of somebody who has signed in before")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    return command.run("admin", lambda: _admin(options))


def _admin(options: argparse.Namespace) -> None:
    if not options.email:
        raise RefusedError("EMAIL is missing: make admin ENV=… EMAIL=ada@example.com")
    chosen = environment.environment(options.env)
    try:
        answer = make_admin(chosen.invoke, options.email)
    except FunctionFailedError as failed:
        raise _told(failed, chosen, options.email) from failed
    print(
        json.dumps(answer)
        if options.format == "json"
        else _text(answer, chosen.name, options.email)
    )


def _text(answer: Mapping[str, Any], name: str, email: str) -> str:
    if answer["granted"]:
        return f"{email} is an administrator of {name} now. Tokens from before are stale: sign in again."
    return f"{email} was an administrator of {name} already; nothing was changed."


def _told(failed: FunctionFailedError, chosen: Environment, email: str) -> Exception:
    match failed.kind:
        case "UserNotFoundError":
            return RefusedError(
                f"nobody in {chosen.name} has the address {email}. Sign up and confirm it first (client "
                f"{chosen.output('user_pool_client_id')} of pool {chosen.output('user_pool_id')}), then run this again."
            )
        case "UserDisabledError":
            return RefusedError(f"{failed.message} Enable them first: PUT /v1/users/{{id}}/status.")
        case "ValueError":
            return RefusedError(f"EMAIL: {failed.message}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
