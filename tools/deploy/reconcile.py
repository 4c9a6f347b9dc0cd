"""`make reconcile ENV=dev`: compare the user pool with the records, and list the differences.

The deployed function `reconcile` does it, 14 minutes at most. A large pool takes several runs, which
the schedule continues. Nothing is repaired without REPAIR=1. docs/runbooks/reconcile.md explains the
differences.
"""

import argparse
import json
import sys
from typing import Any

from tools.deploy import command, environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.deploy.reconcile", description=__doc__)
    parser.add_argument("--env", default="", help="local, dev, prod, …")
    parser.add_argument("--repair", action="store_true", help="repair what can be repaired")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    return command.run("reconcile", lambda: _reconcile(options))


def _reconcile(options: argparse.Namespace) -> None:
    chosen = environment.environment(options.env)
    event = {"repair": options.repair, "restart": True}
    answer: dict[str, Any] = chosen.invoke("reconcile", event)
    print(json.dumps(answer) if options.format == "json" else text(answer))


def text(answer: dict[str, Any]) -> str:
    """Return the differences by class, and what to do next."""
    if answer["state"] == "not due":
        return "Another run is in progress. Retry in 15 minutes."
    found = dict(answer["found"])
    left = found.pop("not_repaired", 0)
    lines = [f"{name:<16} {count}" for name, count in sorted(found.items())]
    if answer["state"] != "ended":
        lines.append(
            "The time limit of the run is reached. The schedule continues it within 15 minutes."
        )
    elif left:
        lines.append(f"{left} not repaired. `make logs SERVICE=reconcile_records` names the users.")
    elif found:
        lines.append("All were repaired. A change of status takes up to two minutes.")
    else:
        lines.append("The user pool and the records agree.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
