"""Calls of GitHub by the workflows: the check of gates, one comment of plans, one issue of drift."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.github_repository import NAME, REVIEWED, TOKEN, Repository, served
from tools.deploy import configuration
from tools.deploy.errors import RefusedError
from tools.release import drift_issue, environments, gate, github, plan_comment
from tools.release.github import GitHub


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
def client(repository: Repository) -> Iterator[GitHub]:
    with served(repository) as address:
        yield GitHub(address, NAME, TOKEN)


def test_an_environment_with_a_gate_passes(client: GitHub, repository: Repository) -> None:
    repository.environments["prod"] = REVIEWED
    gate.require(client, "prod", [])
    gate.require(client, "dev", [])
    gate.require(client, "staging", ["staging"])
    assert repository.asked == ["GET /environments/prod"]


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (None, "GitHub answered 404"),
        ({"protection_rules": [{"type": "wait_timer"}], "deployment_branch_policy": {"a": 1}}, "has no required reviewers,"),
        (REVIEWED | {"deployment_branch_policy": None}, "has no rule that limits it to the branch main"),
    ],
)  # fmt: skip
def test_an_environment_without_a_gate_is_refused(
    client: GitHub, repository: Repository, known: Any, why: str
) -> None:
    repository.environments["prod"] = known
    with pytest.raises(RefusedError, match=why):
        gate.require(client, "prod", ["staging"])


def test_plans_are_one_comment_updated_in_place(
    client: GitHub, repository: Repository, tmp_path: Path
) -> None:
    other = {"id": 0, "body": "looks good", "state": "open"}
    repository.comments = [other | {"id": number} for number in range(1, 151)]
    for name in ("dev", "prod"):
        (tmp_path / f"plan-{name}").mkdir()
        (tmp_path / f"plan-{name}/{name}.md").write_text(f"### {name}: 1 to add.")
    plan_comment.comment(client, 7, plan_comment.texts(tmp_path))
    (tmp_path / "plan-dev/dev.md").write_text("### dev: 2 to add.")
    plan_comment.comment(client, 7, plan_comment.texts(tmp_path))
    [ours] = repository.comments[150:]
    assert ours["body"] == f"{plan_comment.MARK}\n### dev: 2 to add.\n### prod: 1 to add."
    with pytest.raises(RefusedError, match="no plan for reading"):
        plan_comment.texts(tmp_path / "nowhere")


def test_drift_is_one_issue_opened_updated_and_closed(
    client: GitHub, repository: Repository
) -> None:
    quiet = "### prod: nothing to change.\n"
    drift_issue.report(client, {"dev": "### dev: nothing to change.\n", "prod": quiet})
    assert repository.issues == []
    drift_issue.report(client, {"dev": "### dev: 1 to change.\n- x", "prod": quiet})
    drift_issue.report(client, {"dev": "### dev: 2 to change.\n- x", "prod": "### prod: 1 to add."})
    [issue] = repository.issues
    assert (issue["title"], issue["labels"]) == ("Drift in dev, prod", ["drift"])
    assert "### dev: 2 to change." in issue["body"]
    drift_issue.report(client, {"dev": "### dev: nothing to change.\n"})
    assert issue["state"] == "closed"


def test_outside_a_workflow_the_missing_variables_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    with pytest.raises(RefusedError, match="GITHUB_REPOSITORY and GITHUB_TOKEN are not set"):
        github.of_this_job()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DEV_AWS_ACCOUNT_ID": "012345678901"}, ["dev"]),
        ({"AWS_ACCOUNT_ID": "012345678901"}, ["dev", "prod"]),
        ({}, []),
    ],
)
def test_only_environments_with_an_account_are_planned(
    variables: dict[str, str],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Check this, because one failed plan would prevent the comment and the issue for all
    environments.
    """
    monkeypatch.setattr(configuration, "of_file", lambda file: ({}, []))  # as without a .env
    monkeypatch.setenv("REPOSITORY_VARIABLES", json.dumps(variables))
    assert environments.main() == 0
    matrix = json.loads(capsys.readouterr().out)
    assert [one["environment"] for one in matrix] == expected
    assert all(one["account"] == f"{one['environment'].upper()}_AWS_ACCOUNT_ID" for one in matrix)
