"""`make audit-verify ENV=dev`: find audit events that were altered, removed or moved.

The deployed function `migrate` checks every chain of the trail, as the user `readonly`. With
TUNNEL=<port> this machine checks them, through `make tunnel`.
"""

import argparse
import json
import sys
from typing import Any

from tools.deploy import command
from tools.deploy.environment import environment
from tools.deploy.errors import RefusedError
from tools.operations.migrate import Run, runner

MAX_SHOWN = 20


def main() -> int:
    """Return 1 if an event was altered, removed or moved."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.operations.audit_verify", description=__doc__
    )
    parser.add_argument("--env", default="", help="local, dev or prod")
    parser.add_argument("--tunnel", default="", help="port that `make tunnel` listens on")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    return command.run("audit-verify", lambda: _verify(options))


def _verify(options: argparse.Namespace) -> None:
    if options.tunnel and not options.tunnel.isdecimal():
        raise RefusedError(
            f"TUNNEL={options.tunnel!r} is not a port. Set it to the port that `make tunnel` listens on."
        )
    chosen = environment(options.env)
    answer = verify(runner(chosen, int(options.tunnel) if options.tunnel else None))
    if options.format == "json":
        print(json.dumps({"environment": chosen.name} | answer))
    elif not answer["faults"]:
        print(f"{chosen.name}: {answer['events']} audit events verified. Heads: {answer['heads']}")
    if answer["faults"]:
        raise RefusedError(_fault_lines(answer["faults"]))


def verify(run: Run) -> dict[str, Any]:
    """Run the function until all chains are verified. Return the total of its results."""
    events, faults = 0, list[Any]()
    event: dict[str, Any] = {"action": "verify_audit"}
    while True:
        part = run(event)
        events += part["events"]
        faults += part["faults"]
        if part["after"] is None:
            return {"events": events, "faults": faults, "heads": part["heads"]}
        event = event | {"after": part["after"]}


def _fault_lines(faults: list[Any]) -> str:
    shown = [
        f"  user {each['chain']}, event {each['position']} ({each['event'] or 'gone'}): {each['fault']}"
        for each in faults[:MAX_SHOWN]
    ]
    more = [f"  and {len(faults) - MAX_SHOWN} more"] if len(faults) > MAX_SHOWN else []
    return "\n".join(
        [
            f"the audit trail was changed in {len(faults)} places:",
            *shown,
            *more,
            "  docs/runbooks/audit.md says what to do.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
