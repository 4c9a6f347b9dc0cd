"""`make verify ENV=dev`: check a deployed environment and keep its answers as evidence.

The API's answers go to tests/evidence/<environment>.json without personal or account data. AWS's
answers are compared with the laptop's, which shows where the emulator differs.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools import ROOT
from tools.deploy import command, environment, proxy_target, stack_settings
from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.deploy.terraform import root as terraform
from tools.operations import observations, promised_answers, throwaway_user
from tools.operations.account_checks import Row
from tools.operations.observations import Answer, Request
from tools.operations.preflight import table
from tools.operations.throwaway_user import Administrator

EVIDENCE = ROOT / "tests/evidence"
SEEN_SECONDS = 60.0  # until a log line or a trace is visible


@dataclass
class Run:
    """One verification: its environment and the recorded answers."""

    target: Environment
    administrator: Administrator | None
    evidence: dict[str, Any] = field(default_factory=dict)

    def ask(self, request: Request) -> Answer:
        return observations.ask(str(self.target.output("api_url")).rstrip("/"), request)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.verify", description=__doc__)
    parser.add_argument("environment", nargs="?", default="", help="local, dev, prod, …")
    return command.run(
        "verify", lambda: verify(environment.environment(parser.parse_args().environment))
    )


def verify(target: Environment) -> None:
    """Show the table and write the evidence. Raise RefusedError that names the failed rows."""
    run = Run(target, _administrator(target))
    rows = [row for check in CHECKS for row in _rows(run, check)]
    rows += compared(target.name, run.evidence)
    print(table(rows))
    if failed := [row.name for row in rows if row.ok is False]:
        raise RefusedError(
            f"{target.name} failed these checks: {', '.join(failed)}. The table shows what to do."
        )
    _write(target.name, run.evidence)


def _administrator(target: Environment) -> Administrator | None:
    """Return the administrator who deletes the temporary user: the seeded one, or ADMIN_EMAIL's."""
    email = os.environ.get("ADMIN_EMAIL") or target.outputs.get("admin_email", "")
    password = os.environ.get("ADMIN_PASSWORD") or target.outputs.get("admin_password", "")
    return Administrator(email, password) if email and password else None


Check = Callable[[Run], Iterator[Row]]


def _rows(run: Run, check: Check) -> Iterator[Row]:
    """Yield the rows of a check; an exception yields a failed row, so that the next check runs."""
    try:
        yield from check(run)
    except (BotoCoreError, ClientError, OSError, RefusedError, KeyError) as error:
        yield Row(
            check.__name__.strip("_").replace("_", " "),
            False,
            f"{type(error).__name__}: {error}",
            "See above.",
        )


def _proxy(run: Run) -> Iterator[Row]:
    proxy_target.wait_until_available(run.target.client("rds"), run.target.output("proxy_endpoint"))
    yield Row("proxy's target", True, "available")


def _second_plan(run: Run) -> Iterator[Row]:
    changes = _local_changes() if run.target.is_local else _changes(run.target.name)
    found = ", ".join(changes) or "nothing to change"
    yield Row(
        "second plan",
        not changes,
        found,
        "Either AWS returns a value in another form, or a resource was changed by hand.",
    )


def _local_changes() -> list[str]:
    from tools.deploy.terraform.scratch import ENVIRONMENT, ScratchRoot

    scratch = ScratchRoot(stack_settings.from_environment(), ENVIRONMENT)
    scratch.write()
    scratch.init()
    return [address for _, address in scratch.planned_changes()]


def _changes(name: str) -> list[str]:
    root = terraform.root(name)
    root.init()
    with root.plan(lock=False) as plan:
        return [change.address for change in plan.changes]


def _alarm(run: Run) -> Iterator[Row]:
    """Trigger an alarm and check by its history that the topic accepted the message."""
    cloudwatch = run.target.client("cloudwatch")
    prefix = run.target.output("functions")["meta"].removesuffix("-meta")
    alarms = [
        alarm
        for alarm in cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
        if alarm["AlarmActions"]
    ]
    if not alarms:
        yield Row("alarm", None, "no alarm has an action (locals.tf: alarms = false)")
        return
    name = alarms[0]["AlarmName"]
    since = time.time()
    for state in ("ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="make verify")
    said = _until(lambda: _actions(cloudwatch, name, since))
    ok = bool(said) and all("Successfully executed" in line for line in said)
    yield Row(
        "alarm",
        ok,
        f"{name}: {'; '.join(said) or 'no action was taken'}",
        "Check the policies of the topic and of its key.",
    )


def _actions(cloudwatch: Any, name: str, since: float) -> list[str]:
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")[
        "AlarmHistoryItems"
    ]
    return [item["HistorySummary"] for item in history if item["Timestamp"].timestamp() >= since]


def _anonymous(run: Run) -> Iterator[Row]:
    yield from _promised(run, list(promised_answers.of_anonymous(run.ask)))


def _members(run: Run) -> Iterator[Row]:
    if run.administrator is None:
        advice = "Name an administrator who deletes the temporary user: ADMIN_EMAIL=… ADMIN_PASSWORD=… make verify."
        yield Row("sign-up story", False, "not run: no administrator to delete its user", advice)
        return
    with throwaway_user.signed_up(run.target, run.ask, run.administrator) as token:
        yield Row("sign-up story", True, "signed up, confirmed, signed in")
        yield from _promised(run, list(promised_answers.of_members(run.ask, token)))
        yield from _seen(run, token)
    yield Row("removal of its user", True, "removed through the API")


def _promised(run: Run, promises: list[promised_answers.Promise]) -> Iterator[Row]:
    for promise in promises:
        answer = run.ask(promise.request)
        run.evidence[promise.name] = answer.scrubbed
        wrong = promised_answers.complaint(promise, answer)
        yield Row(
            promise.name, wrong is None, wrong or str(answer.status), "The contract promises it."
        )


def _seen(run: Run, token: str) -> Iterator[Row]:
    """Check that a request leaves a log line and, if sampled, a trace."""
    root = f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"
    started = int(time.time() * 1000) - 60_000
    signed = {"Authorization": f"Bearer {token}", "X-Amzn-Trace-Id": f"Root={root};Sampled=1"}
    identity = run.ask(Request("GET", "/v1/me", signed)).headers["x-amzn-requestid"]
    group = f"/aws/lambda/{run.target.output('functions')['users']}"
    logs, xray = run.target.client("logs"), run.target.client("xray")
    lines = _until(lambda: [
        event["message"] for event in logs.filter_log_events(logGroupName=group, startTime=started, filterPattern=f'"{identity}"')["events"]
    ])  # fmt: skip
    yield Row(
        "log line",
        bool(lines),
        f"{len(lines)} in {group} with the request's id",
        "Check the function's policy for logs.",
    )
    traces = _until(lambda: xray.batch_get_traces(TraceIds=[root])["Traces"])
    yield Row(
        "trace", bool(traces), root, "Check the tracing settings of the stage and the functions."
    )


def _until[T](ask: Callable[[], list[T]]) -> list[T]:
    deadline = time.monotonic() + SEEN_SECONDS
    while not (found := ask()) and time.monotonic() < deadline:
        time.sleep(1)
    return found


CHECKS: tuple[Check, ...] = (_proxy, _second_plan, _alarm, _anonymous, _members)


def compared(name: str, evidence: dict[str, Any]) -> list[Row]:
    """Compare the answers with the laptop's; return no rows for the laptop itself."""
    laptop = EVIDENCE / f"{environment.LOCAL}.json"
    if name == environment.LOCAL or not laptop.exists():
        return []
    expected = json.loads(laptop.read_text())
    different = [each for each in sorted(expected) if evidence.get(each) != expected[each]]
    summary = "; ".join(
        f"{each}: {evidence.get(each)} on AWS, {expected[each]} on the laptop" for each in different
    )
    return [
        Row(
            "as on the laptop",
            not summary,
            summary or f"{len(expected)} answers are the same",
            "Correct the laptop's AWS (docs/fidelity.md).",
        )
    ]


def _write(name: str, evidence: dict[str, Any]) -> None:
    EVIDENCE.mkdir(exist_ok=True)
    (EVIDENCE / f"{name}.json").write_text(json.dumps(evidence, indent=1, sort_keys=True) + "\n")
    print(f"verify: {len(evidence)} answers kept in {(EVIDENCE / name).relative_to(ROOT)}.json")


if __name__ == "__main__":
    sys.exit(main())
