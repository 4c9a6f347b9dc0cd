"""`local-aws coverage`: the called operations, and how far each is emulated."""

import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any

from local_aws import fidelity
from local_aws.control_plane.coverage import PAGE
from local_aws.fidelity import Part, Status
from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor import ready
from local_aws.supervisor.process import get_json
from local_aws.supervisor.ready import StackError


def coverage(settings: Settings) -> str:
    """Return a line for each operation that was called since the services started.

    Raises:
        StackError: No services are running.
    """
    found = ready.running(settings)
    if found is None:
        raise StackError("Nothing is running. `local-aws up` starts the services.")
    return table(get_json(f"http://{LOOPBACK}:{found.aws_port}{PAGE}"))


def table(rows: list[dict[str, Any]]) -> str:
    counts = Counter(row["outcome"] for row in rows)
    summary = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    lines = [
        f"{row['outcome']:<14} {row['service']:<16} {row['operation']:<36} {row['calls']:>6}"
        for row in sorted(rows, key=lambda row: row["outcome"])
    ]
    return "\n".join([*lines, f"{len(rows)} operations: {summary or 'none was called'}"])


def known() -> str:
    """Return the declared differences from AWS and refusals, with Cognito's refused operations."""
    refused = fidelity.refused_operations()
    return "\n".join(line for part in fidelity.parts() for line in _of_part(part, refused))


def _of_part(part: Part, refused: dict[str, list[str]]) -> Iterator[str]:
    yield part.title
    for behaviour in part.behaviours:
        if behaviour.status is not Status.EMULATED:
            yield _entry(behaviour.status, behaviour.what)
    for service in part.services:
        if operations := refused.get(service):
            yield _entry(Status.REFUSED, f"{len(operations)} operations: {', '.join(operations)}")


def _entry(status: Status, text: str) -> str:
    return textwrap.fill(
        text,
        width=100,
        initial_indent=f"  {status:<9} ",
        subsequent_indent=" " * 12,
        break_on_hyphens=False,
        break_long_words=False,
    )
