"""`make migrate-items ENV=dev`: move the table's items to the newest layout.

The deployed function `migrate` moves some users at a time. Running the command again continues an
interrupted run. The runbook is docs/runbooks/migrate-items.md.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from tools.deploy import command, items
from tools.deploy.environment import environment
from tools.deploy.items import Report
from tools.operations.migrate import runner


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.operations.migrate_items", description=__doc__
    )
    parser.add_argument("--env", default="", help="local, dev or prod")
    parser.add_argument("--dry-run", action="store_true", help="count, and write nothing")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    return command.run("migrate-items", lambda: _migrate(options))


def _migrate(options: argparse.Namespace) -> None:
    chosen = environment(options.env)
    run = runner(chosen)
    report: Report = (
        (lambda line: print(line, file=sys.stderr, flush=True))
        if sys.stderr.isatty()
        else _no_report
    )
    answer = items.count(run, report) if options.dry_run else items.finish(run, report)
    print(
        json.dumps({"environment": chosen.name} | answer)
        if options.format == "json"
        else text(chosen.name, answer)
    )


def text(name: str, answer: Mapping[str, Any]) -> str:
    counts = f"{answer['moved']} grants moved, {answer['merged']} merged, {answer['expired']} expired and deleted"
    if answer.get("dry_run"):
        return f"{name}: would visit {answer['users']} users: {counts}. Nothing was written."
    return (
        f"{name}: visited {answer['users']} users: {counts}. All grants are in the newest layout."
    )


def _no_report(_line: str) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())
