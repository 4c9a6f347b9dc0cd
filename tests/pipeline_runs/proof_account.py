"""Deployments of commits to an account of the laptop's AWS, with the real commands and `envs/dev`.

`make proof-pipelines` runs the scenarios in this order. Each adds a row to a table: the events,
their duration, and the version that serves callers afterwards. prod is planned but not deployed,
because one Postgres serves the whole account.

`make proof-account ACCOUNT=/tmp/account` keeps the account in that folder and starts the next time
at the scenario that failed; `ONLY=drift` chooses one. A kept account keeps its copy of this tree.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline_runs.laptop_account import BOTH, DEV, LaptopAccount, laptop_account
from tests.pipelines.workflow_runs import MAIN, Run, pull_request
from tools.release import plan_comment

HEALTH = "functions/meta/health.py"
READ = "def read(_: Request)"
TABLE = "  name                = local.name\n  alarms_topic_arn    = local.alarms_topic_arn\n  deletion_protection"
ANSWER = '{"status": "pass", "stage": config.required("ATRIUM_STAGE")}'


@dataclass
class Story:
    """The account, and the table of scenarios."""

    account: LaptopAccount
    rows: list[list[str]] = field(default_factory=list)
    runs: int = 0
    commits: list[str] = field(default_factory=list)  # pushed commits
    since: float = field(default_factory=time.monotonic)

    def run(
        self, workflow: str, event: str, content: dict[str, Any], variables: dict[str, str] = DEV, attempt: int = 1
    ) -> Run:  # fmt: skip
        if attempt == 1:
            self.runs += 1
        numbers = {"GITHUB_RUN_ID": str(self.runs), "GITHUB_RUN_ATTEMPT": str(attempt)}
        return self.account.scratch.run(workflow, event, content, variables, **numbers)

    def push(self, attempt: int = 1) -> Run:
        """Run *deploy* for the newest commit of main."""
        if attempt == 1:
            self.commits.append(self.account.scratch.git("rev-parse", "HEAD"))
        before = self.commits[-2] if len(self.commits) > 1 else "0" * 40
        return self.run("deploy", "push", {"ref": MAIN, "before": before}, attempt=attempt)

    def dispatch(self, **inputs: str) -> Run:
        given = {"environment": "dev", "canary": "0"} | inputs
        return self.run("release", "workflow_dispatch", {"ref": MAIN, "inputs": given}, BOTH)

    def add_row(self, scenario: str, outcome: str, serving: str) -> None:
        """Add a row. Raise AssertionError if another version serves."""
        found, now = self.account.serving(), time.monotonic()
        self.rows.append([scenario, outcome, found, f"{now - self.since:.0f} s"])
        self.since = now
        assert found == serving, self.table()

    def table(self) -> str:
        rows = [["scenario", "outcome", "serves afterwards", "time"], *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]  # fmt: skip
        return "\n".join(["", *lines])

    def load(self, file: Path) -> None:
        """Continue with a kept account."""
        if file.exists():
            kept = json.loads(file.read_text())
            self.rows, self.runs, self.commits = kept["rows"], kept["runs"], kept["commits"]

    def save(self, file: Path) -> None:
        kept = {"rows": self.rows, "runs": self.runs, "commits": self.commits}
        file.write_text(json.dumps(kept))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    kept = os.environ.get("ACCOUNT", "")
    folder = Path(kept).resolve() if kept else tmp_path_factory.mktemp("account")
    folder.mkdir(parents=True, exist_ok=True)
    with laptop_account(folder, kept=bool(kept)) as account:
        made = Story(account)
        made.load(folder / "story.json")
        yield made
        made.save(folder / "story.json")
        print(made.table())


def served(version: int) -> str:
    return f"meta {version}, health 200"


def steps(run: Run) -> list[str]:
    """Return the make targets that ran, without those of the tests."""
    return [target for target in run.made() if target not in ("test", "failure-matrix")]


def test_an_empty_account_is_prepared_by_make_bootstrap(story: Story) -> None:
    account = story.account
    done = account.make("bootstrap", "YES=1")
    assert done.returncode == 0, done.stdout
    again = account.make("bootstrap", "YES=1")
    assert again.returncode == 0, again.stdout
    assert "No changes." in again.stdout
    trust = account.trust_of_roles()
    assert {"atrium-plan", "atrium-propose", "atrium-deploy-dev", "atrium-deploy-prod"} <= set(
        trust
    )
    account.scratch.trust(trust)
    story.add_row("make bootstrap, twice", "the second changes nothing", "nothing")


def test_a_pull_request_is_compared_planned_and_commented(story: Story) -> None:
    account = story.account
    base = account.scratch.git("rev-parse", "HEAD")
    content = pull_request()
    content["pull_request"]["base"]["sha"] = base
    account.scratch.git("checkout", "-q", "-b", "change")
    account.change(HEALTH, READ, f"FIRST = True\n\n\n{READ}", "Change")
    run = story.run("ci", "pull_request", content, BOTH)
    assert run.ok, run.output
    assert "contract-changes" in run.made()
    run = story.run("plan", "pull_request", content, BOTH)
    assert run.ok, run.output
    [comment] = account.github.comments
    assert comment["body"].startswith(plan_comment.MARK)
    assert all(f"### {name}: " in comment["body"] for name in ("dev", "prod"))
    assert comment["body"].count("**Cost.** ") == 2
    run = story.run("plan", "pull_request", content, BOTH)
    assert run.ok, run.output
    assert len(account.github.comments) == 1
    story.add_row("a pull request, planned twice", "one comment with both plans", "nothing")


def test_a_push_deploys_the_first_version(story: Story) -> None:
    story.account.scratch.git("checkout", "-q", "main")
    run = story.push()
    assert run.ok, run.output
    assert steps(run)[-3:] == ["gate dev", "plan dev", "deploy dev"]
    assert run.roles() == ["atrium-propose", "atrium-deploy-dev"]
    story.add_row("a push to an empty account", "deployed", served(1))


def test_a_forks_pull_request_gets_no_role_and_no_plan(story: Story) -> None:
    run = story.run("plan", "pull_request", pull_request("somebody/atrium"), BOTH)
    assert run.notes == []
    story.add_row("a fork's pull request", "tested without a role, no plan", served(1))


def test_a_merge_is_deployed_as_planned(story: Story) -> None:
    story.account.scratch.git("merge", "-q", "--ff-only", "change")
    run = story.push()
    assert run.ok, run.output
    story.add_row("the pull request is merged", "the kept plan is applied", served(2))


def test_a_re_run_changes_nothing(story: Story) -> None:
    run = story.push(attempt=2)
    assert run.ok, run.output
    assert "Apply complete! Resources: 0 added, 0 changed, 0 destroyed." in run.output
    story.add_row("a re-run of that run", "nothing to change", served(2))


def test_a_version_that_fails_the_smoke_test_is_rolled_back(story: Story) -> None:
    story.account.change(HEALTH, ANSWER, '{"status": "fail"}', "Break the health")
    run = story.push()
    assert not run.ok
    assert "Rolled back: " in run.output
    story.add_row("a push that breaks the health", "failed, taken back", served(2))


def test_a_revert_is_deployed(story: Story) -> None:
    story.account.scratch.git("revert", "--no-edit", "HEAD")
    run = story.push()
    assert run.ok, run.output
    story.add_row("its revert", "deployed", served(4))


def test_a_re_run_of_an_old_push_is_refused(story: Story) -> None:
    git = story.account.scratch.git
    git("checkout", "-q", "-B", "old", story.commits[0])
    run = story.run("deploy", "push", {"ref": MAIN, "before": "0" * 40})
    git("checkout", "-q", "main")
    assert not run.ok
    assert "which is newer than" in run.output
    story.add_row("a re-run of the first push", "refused, nothing planned", served(4))


def test_a_rollback_by_hand_restores_the_previous_version(story: Story) -> None:
    run = story.dispatch(action="rollback")
    assert run.ok, run.output
    assert steps(run) == ["gate dev", "rollback dev"]
    story.add_row("by hand: roll back", "the release before, in seconds", served(2))


def test_prod_without_a_gate_is_not_deployed(story: Story) -> None:
    story.account.github.environments["prod"] = {"protection_rules": []}
    run = story.dispatch(action="rollback", environment="prod")
    assert not run.ok
    assert "has no required reviewers" in run.output
    assert run.roles() == []
    story.add_row("by hand: roll prod back, without a gate", "refused, no role taken", served(2))


def test_a_tag_becomes_a_release_and_is_deployed_by_hand(story: Story) -> None:
    account = story.account
    done = account.make("version", "TO=0.1.0")
    assert done.returncode == 0, done.stdout
    account.scratch.commit("Release 0.1.0")
    account.scratch.git("tag", "-a", "v0.1.0", "-m", "v0.1.0")
    run = story.run("publish", "push", {"ref": "refs/tags/v0.1.0"})
    assert run.ok, run.output
    [release] = run.of("gh")
    assert release["command"].startswith("release create v0.1.0 --verify-tag")
    for name in ("functions-meta.zip", "sbom-functions-meta.cdx.json"):
        assert f"release/assets/{name}" in release["command"]
    story.add_row("a tag", "published, deployed nowhere", served(2))
    run = story.dispatch(action="deploy", tag="v0.1.0")
    assert run.ok, run.output
    story.add_row("by hand: deploy the tag", "deployed", served(4))


def test_a_dangerous_change_is_refused_until_it_is_acknowledged(story: Story) -> None:
    account = story.account
    base = account.scratch.git("rev-parse", "HEAD")
    content = pull_request()
    content["pull_request"]["base"]["sha"] = base
    account.scratch.git("checkout", "-q", "-b", "danger")
    account.change("envs/dev/main.tf", TABLE, TABLE.replace("local.name", '"other-dev"'), "Danger")
    run = story.run("plan", "pull_request", content)
    assert not run.ok
    trailers = sorted(set(re.findall(r"Acknowledge-Plan: dev [\w.\[\]\"]+", run.output)))
    assert trailers
    message = "Acknowledge it\n\n" + "\n".join(trailers)
    account.scratch.git("commit", "-q", "--allow-empty", "-m", message)
    run = story.run("plan", "pull_request", content)
    assert run.ok, run.output
    account.scratch.git("checkout", "-q", "main")
    story.add_row("a pull request that replaces the table", "refused until acknowledged", served(4))


def test_drift_opens_one_issue_that_closes_when_it_is_gone(story: Story) -> None:
    account = story.account
    functions, name = account.client("lambda"), "atrium-dev-meta"
    before = functions.get_function_configuration(FunctionName=name)["MemorySize"]
    functions.update_function_configuration(FunctionName=name, MemorySize=before + 64)
    for _ in range(2):
        run = story.run("drift", "schedule", {"ref": MAIN}, BOTH)
        assert run.ok, run.output
    [issue] = account.github.issues
    assert (issue["title"], issue["state"]) == ("Drift in dev", "open")
    assert f"`memory_size`: `{before + 64}` → `{before}`" in issue["body"]
    functions.update_function_configuration(FunctionName=name, MemorySize=before)
    run = story.run("drift", "schedule", {"ref": MAIN}, BOTH)
    assert run.ok, run.output
    assert issue["state"] == "closed"
    story.add_row("drift, for two nights, then undone", "one issue, then closed", served(4))
