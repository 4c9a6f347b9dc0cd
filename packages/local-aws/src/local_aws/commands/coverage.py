"""`local-aws coverage`: the called operations, and how far each is emulated."""

from collections import Counter
from typing import Any

from local_aws.control_plane.coverage import PAGE
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
