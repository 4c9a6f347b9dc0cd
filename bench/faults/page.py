"""The table of the 30 cells, for the terminal and for docs/faults.md."""

import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bench.faults.cell import FAULT_SECONDS, MOST_RECOVERY_SECONDS, Cell
from local_aws.faults.switch import NOT_APPLICABLE

_INTRODUCTION = """\
# Faults of the dependencies

`make proof-faults WRITE=1` writes this page from a run against a laptop's stack.
`make fault DEPENDENCY=dynamodb FAULT=throttle SECONDS=20` shows one fault by hand.

Each cell is one fault of {seconds} s under light load. Four callers send a request, wait for its
answer, pause for 0.1 s and start again:

- *order* places an order (Postgres).
- *role* creates a role as the administrator (DynamoDB).
- *sign-in* signs a user in (Cognito).
- *revoked* has a token from before its role was revoked. In turn it creates a role (DynamoDB) and
  reads somebody else's order (Postgres). A success would be a *permit* without a right; there must
  be none.

*Recovery* is the time from the end of the fault until a new request of every caller has its normal
answer. It must be at most {recovery:.0f} s. After *kill* of Postgres, the fault ends when Postgres accepts
connections again. Counted from the end of the switch, a run on a loaded machine took 6.2 s, over the
limit: Postgres's own crash recovery took 4.8 s of it. *Lost* counts acknowledged orders and roles
that could not be read afterwards. `waiting` means that the caller's request was still open when the
fault ended. A caller that waits asks only once or a few times in such a cell.

If DynamoDB fails, sign-ins still succeed, and their tokens have no roles. If Postgres or the proxy
fails, sign-ins fail, because a disabled user must not get a token.
No request calls KMS or Secrets Manager, so the cells of *secrets* show that serving does not need
them. Functions that set passwords and the proxy's reading of its secrets are not in the load.
"""


def page(cells: Sequence[Cell]) -> str:
    when = f"{datetime.now(UTC):%d %B %Y}"
    introduction = _INTRODUCTION.format(seconds=FAULT_SECONDS, recovery=MOST_RECOVERY_SECONDS)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    load = f"load average {os.getloadavg()[0]:.1f} at the end"
    run = f"Run on {when}: {machine}, {load}."
    return "\n".join([introduction, run, "", *table(cells), "", *_reasons()]) + "\n"


def table(cells: Sequence[Cell]) -> Iterator[str]:
    yield (
        "| dependency | fault | order | role | sign-in | revoked | permits | recovery"
        " | acknowledged | lost | |"
    )
    yield "|---|---|---|---|---|---|--:|--:|--:|--:|---|"
    yield from (row(cell) for cell in cells)
    yield from (
        f"| {dependency} | {kind} | not applicable | | | | | | | | |"
        for dependency, kind in NOT_APPLICABLE
    )


def row(cell: Cell) -> str:
    seen = " | ".join(_counted(cell.seen[name]) for name in ("order", "role", "sign-in", "revoked"))
    mark = "; ".join(cell.complaints()) or "✓"
    return (
        f"| {cell.dependency} | {cell.kind} | {seen} | {cell.permits} | {cell.recovery:.1f} s"
        f" | {cell.acknowledged} | {cell.lost} | {mark} |"
    )


def _counted(answers: Counter[str]) -> str:
    return ", ".join(f"{count} of {status}" for status, count in answers.most_common())


def _reasons() -> Iterator[str]:
    for (dependency, kind), reason in NOT_APPLICABLE.items():
        yield f"{kind.capitalize()} of {dependency} is not applicable: {reason}"
