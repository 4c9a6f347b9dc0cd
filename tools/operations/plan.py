"""`make plan ENV=dev`: show what an apply would change.

It writes nothing, not even the lock, so the read-only role may run it.

In a workflow, the job's summary gets the changes as a table.
"""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

from tools.deploy import artefacts, command, environment, stack_settings
from tools.deploy.terraform import root as terraform
from tools.deploy.terraform.root import Change

WORDS = {
    "delete": "to destroy",
    "replace": "to replace",
    "forget": "to forget",
    "update": "to change",
    "create": "to add",
}
"""Actions and their words, those that a reviewer must see first."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.plan", description=__doc__)
    parser.add_argument("environment", nargs="?", default="", help="local, dev, prod, …")
    return command.run("plan", lambda: plan(parser.parse_args().environment))


def plan(name: str) -> None:
    name = environment.chosen(name)
    changes = _local() if name == environment.LOCAL else _on_aws(name)
    print(f"\n{name}: {counted(changes)}")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a") as file:
            file.write(as_markdown(name, changes))


def _on_aws(name: str) -> list[Change]:
    root = terraform.root(name)  # what is wrong with the configuration is said before the build
    artefacts.build(local=False)
    root.init()
    with root.plan(lock=False) as made:
        return made.changes


def _local() -> list[Change]:
    """Return the changes that this checkout's files would make to the running stack."""
    from tools.deploy.terraform.scratch import ENVIRONMENT, ScratchRoot

    scratch = ScratchRoot(stack_settings.from_environment(), ENVIRONMENT)
    environment.environment(environment.LOCAL)  # raises if no stack is running
    artefacts.build(local=True)
    scratch.write()
    scratch.init()
    changes = [Change(action, address) for action, address in scratch.planned_changes()]
    for change in changes:
        print(f"  {change.action:<8} {change.address}")
    return changes


def counted(changes: list[Change]) -> str:
    if not changes:
        return "nothing to change."
    totals = Counter(change.action for change in changes)
    return (
        ", ".join(f"{totals[action]} {words}" for action, words in WORDS.items() if totals[action])
        + "."
    )


def as_markdown(name: str, changes: list[Change]) -> str:
    """Return the changes as a table, with deletions first for the reviewer."""
    order = list(WORDS)
    rows = [
        f"| {one.action} | `{one.address}` |"
        for one in sorted(changes, key=lambda one: order.index(one.action))
    ]
    table = ["", "| | resource |", "|---|---|", *rows] if rows else []
    return "\n".join([f"### {name}: {counted(changes)}", *table, "", ""])


if __name__ == "__main__":
    sys.exit(main())
