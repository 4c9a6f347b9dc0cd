"""`make cost ENV=dev`: the price of an environment on AWS, from its plan, without an account.

`BASE=main` shows the difference to another commit; `TEXT=file` also writes it for a pull request.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec

from tools.deploy import command
from tools.deploy.terraform.offline_plan import planned
from tools.operations.cost.plan_cost import Line, idle, million_requests
from tools.operations.cost.price_table import FILE, NOTHING, table
from tools.operations.cost.priced_commit import Cost, of_commit

UNREAD_MARK = "?"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.cost", description=__doc__)
    parser.add_argument("environment", help="a folder of envs/ with a main.tf")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--base", metavar="COMMIT", help="commit to compare with")
    parser.add_argument("--text", type=Path, metavar="FILE", help="file for the Markdown")
    options = parser.parse_args()
    return command.run(
        "cost", lambda: show(options.environment, options.format, options.base, options.text)
    )


def show(environment: str, form: str, base: str | None, written: Path | None) -> None:
    """Print the bill. Raise RefusedError if there is no such environment or commit."""
    earlier = of_commit(environment, base) if base else None
    with tempfile.TemporaryDirectory() as folder:
        plan = planned(environment, Path(folder))
    month, use = idle(plan), list(million_requests(plan))
    cost = Cost(environment, _by_name(month), _by_name(use))
    if form == "json":
        print(msgspec.json.format(msgspec.json.encode(cost), indent=2).decode())
        return
    bill = text(environment, month, use)
    if earlier:
        bill = [*differences(earlier, cost), "", *bill]
    print("\n".join(bill))
    if written:
        written.write_text(markdown(bill))


def markdown(bill: list[str]) -> str:
    """Return the bill for a comment: the first line visible, the rest folded."""
    opening = f"**Cost.** {bill[0]}"
    folded = ["<details><summary>line by line</summary>", "", "```text", *bill, "```", ""]
    return "\n".join(["", opening, "", *folded, "</details>", ""])


def text(environment: str, month: list[Line], use: list[Line]) -> list[str]:
    """Return the lines of the bill and its caveats."""
    sources = [f"  {name}: {source}" for name, source in table().sources.items()]
    return [
        f"{environment}: ${_total(month):.2f} a month idle, and ${_total(use):.2f} "
        "per million requests (USD, us-east-1)",
        "",
        "A month without requests",
        *map(_row, month),
        "",
        "A million requests",
        *map(_row, use),
        "",
        f"A price with {UNREAD_MARK} was not verified in a source. Not counted: traffic to the "
        "internet, backups beyond the",
        "database's size, stored items and logs, X-Ray, Cognito's users beyond the free 10,000.",
        f"Prices and assumptions: tools/operations/cost/{FILE.name}, from",
        *sources,
    ]


def differences(earlier: Cost, now: Cost) -> list[str]:
    """Return the sums with their change, and a line for each part whose price changed."""
    parts = {**earlier.idle, **earlier.million_requests}
    present = {**now.idle, **now.million_requests}
    changed = [
        f"  {present.get(name, 0) - parts.get(name, 0):+10.2f}  {name}"
        for name in sorted(parts.keys() | present.keys())
        if abs(present.get(name, 0) - parts.get(name, 0)) >= 0.005
    ]
    return [
        f"{now.environment}: {now.idle_total:.2f} USD a month idle "
        f"({now.idle_total - earlier.idle_total:+.2f} by this change), "
        f"{now.use_total:.2f} per million requests "
        f"({now.use_total - earlier.use_total:+.2f})",
        *changed,
    ]


def _row(line: Line) -> str:
    mark = " " if line.amount.read else UNREAD_MARK
    saving = f"   save: {line.saving}" if line.saving else ""
    return f"  {line.amount.usd:10.2f} {mark} {line.name:<34}{saving}".rstrip()


def _by_name(lines: list[Line]) -> dict[str, float]:
    return {line.name: round(line.amount.usd, 4) for line in lines}


def _total(lines: list[Line]) -> float:
    return sum((line.amount for line in lines), NOTHING).usd


if __name__ == "__main__":
    sys.exit(main())
