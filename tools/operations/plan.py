"""`make plan ENV=dev`: show what an apply would change.

It writes nothing, not even the lock, so the read-only role may run it.

In a workflow, the job's summary gets the plan for reading. `KEEP=<run>` keeps the plan in the state
bucket for `make deploy PLAN=<run>`, if the guard accepts it.
"""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.deploy import (
    artefacts,
    command,
    environment,
    release_store,
    stack_settings,
    stored_plan,
    tested_sql,
)
from tools.deploy.terraform import root as terraform
from tools.deploy.terraform.planned import ResourceChange
from tools.operations import commit_order, plan_guard, plan_text


@dataclass(frozen=True)
class Wanted:
    """Options of a plan, apart from its text in the log."""

    artefacts: str | None = None  # the digest of build/; if it is given, nothing is built
    keep: str = ""  # run under whose id the plan is kept
    guard: bool = False
    text: Path | None = None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.plan", description=__doc__)
    parser.add_argument("environment", nargs="?", default="", help="local, dev, prod, …")
    parser.add_argument("--artefacts", metavar="DIGEST", help="use build/ as it is")
    parser.add_argument("--keep", default="", metavar="RUN", help="keep the plan under this id")
    parser.add_argument("--guard", action="store_true", help="fail if the guard refuses the plan")
    parser.add_argument(
        "--text", type=Path, metavar="FILE", help="write the plan for reading there"
    )
    options = parser.parse_args()
    wanted = Wanted(options.artefacts, options.keep, options.guard, options.text)
    return command.run("plan", lambda: plan(options.environment, wanted))


def plan(name: str, wanted: Wanted) -> None:
    name = environment.chosen(name)
    if name == environment.LOCAL:
        _tell(name, _local(), wanted)
    else:
        _on_aws(name, wanted)


def _on_aws(name: str, wanted: Wanted) -> None:
    root = terraform.root(name)  # faults of the configuration are reported before the build
    store = release_store.of_configuration(root.configuration)
    if wanted.keep and os.environ.get("PLAN_BASE"):  # a push; a tag is deployed by hand, on purpose
        commit_order.require_not_older(store)
    if wanted.keep:
        tested_sql.require_checkout(store.schema())
    artefacts.require_or_build(wanted.artefacts)
    root.init()
    with root.plan(lock=False) as made:
        _tell(name, made.changes, wanted)
        if wanted.keep:
            sha256 = stored_plan.keep(store, wanted.keep, made.file)
            report(f"Plan {wanted.keep} is kept. SHA-256: `{sha256}`")
            output("sha256", sha256)


def _tell(name: str, changes: list[ResourceChange], wanted: Wanted) -> None:
    """Show the plan for reading. Raise RefusedError if the guard applies and refuses it."""
    findings = plan_guard.findings(changes)
    acknowledged = plan_guard.acknowledgements(name) if findings else []
    print(f"\n{name}: {plan_text.counted([change.action for change in changes])}")
    text = plan_text.markdown(name, changes, findings, acknowledged)
    report(text)
    output("changes", str(len(changes)))
    if wanted.text:
        wanted.text.write_text(text)
    if wanted.guard or wanted.keep:
        plan_guard.require(name, findings, acknowledged)
    else:
        for finding in findings:
            print(f"  needs an acknowledgement: {finding}")


def _local() -> list[ResourceChange]:
    """Return the changes that this checkout's files would make to the running stack."""
    from tools.deploy.terraform.scratch import ENVIRONMENT, ScratchRoot

    scratch = ScratchRoot(stack_settings.from_environment(), ENVIRONMENT)
    environment.environment(environment.LOCAL)  # raises if no stack is running
    artefacts.build(local=True)
    scratch.write()
    scratch.init()
    changes = [ResourceChange(address, "", action) for action, address in scratch.planned_changes()]
    for change in changes:
        print(f"  {change.action:<8} {change.address}")
    return changes


def report(text: str) -> None:
    """Add text to the summary of a workflow's job."""
    _append("GITHUB_STEP_SUMMARY", f"{text}\n\n")


def output(name: str, value: str) -> None:
    """Set an output of a workflow's step."""
    _append("GITHUB_OUTPUT", f"{name}={value}\n")


def _append(variable: str, text: str) -> None:
    if file := os.environ.get(variable):
        with Path(file).open("a") as opened:
            opened.write(text)


if __name__ == "__main__":
    sys.exit(main())
