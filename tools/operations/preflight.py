"""`make preflight ENV=dev`: check, read-only, whether the account is ready for a deploy.

`make deploy` runs these checks first.
"""

import argparse
import sys
from collections.abc import Sequence

from tools.deploy import command, configuration, environment, stack_settings
from tools.deploy.errors import RefusedError
from tools.operations import account_checks, preflight_subject
from tools.operations.account_checks import Row
from tools.operations.preflight_subject import Subject

MARKS = {True: "✓", False: "✗", None: "·"}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.operations.preflight", description=__doc__
    )
    parser.add_argument("environment", nargs="?", default="", help="local, dev, prod, …")
    return command.run("preflight", lambda: preflight(parser.parse_args().environment))


def preflight(name: str) -> None:
    """Show the table. Raise RefusedError that names the failed rows."""
    name = environment.chosen(name)
    require(_laptop() if name == environment.LOCAL else _on_aws(name))


def require(subject: Subject) -> None:
    """Show the table of a subject. Raise RefusedError that names the failed rows."""
    rows = list(account_checks.rows(subject))
    print(table(rows))
    if failed := [row.name for row in rows if row.ok is False]:
        raise RefusedError(
            f"{subject.name} cannot be deployed yet: {', '.join(failed)}. Nothing was changed."
        )


def table(rows: Sequence[Row]) -> str:
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        lines.append(f"  {MARKS[row.ok]} {row.name:<{width}}  {row.found}")
        if row.ok is False:
            lines.append(f"    {'':<{width}}  → {row.advice}")
    return "\n".join(lines)


def _on_aws(name: str) -> Subject:
    read = configuration.read(name)
    read.export()
    return preflight_subject.of_configuration(read)


def _laptop() -> Subject:
    target = environment.environment(environment.LOCAL)
    return preflight_subject.of_laptop(
        stack_settings.from_environment(), str(target.output("region"))
    )


if __name__ == "__main__":
    sys.exit(main())
