"""Workflows of every event, executed by act (`make proof-pipelines`): their jobs and inputs."""

import pytest

from tests.pipelines.workflow_runs import BEFORE, MAIN, PUSH, TRUST, WITH_IDS, Scratch, pull_request


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    return Scratch(tmp_path_factory.mktemp("act"), TRUST)


def test_a_failed_job_stops_the_deploy_to_prod(scratch: Scratch) -> None:
    for failing, missing in (
        ("test", "plan dev"),
        ("gate prod", "plan prod"),
        ("deploy dev", "plan prod"),
        ("plan prod", "deploy prod"),
    ):
        run = scratch.run("deploy", "push", PUSH, FAILING=failing)
        assert not run.ok
        assert missing not in run.made(), failing
        assert "deploy prod" not in run.made()


def test_an_empty_digest_stops_every_deploy(scratch: Scratch) -> None:
    run = scratch.run("deploy", "push", PUSH, FAILING="artefacts")
    assert not run.ok
    assert not {"test", "plan dev", "deploy dev"} & set(run.made())


def test_a_re_run_has_the_same_jobs(scratch: Scratch) -> None:
    runs = [scratch.run("deploy", "push", PUSH) for _ in range(2)]
    assert sorted(runs[0].made()) == sorted(runs[1].made())


@pytest.mark.parametrize(
    ("variables", "deployed"),
    [
        ({}, []),
        ({"DEV_AWS_ACCOUNT_ID": "000000000000"}, ["dev"]),
        ({"DEV_AWS_ACCOUNT_ID": "000000000000", "PROD_AWS_ACCOUNT_ID": "000000000001"}, ["dev", "prod"]),
    ],
)  # fmt: skip
def test_only_environments_with_an_account_are_deployed(
    scratch: Scratch, variables: dict[str, str], deployed: list[str]
) -> None:
    run = scratch.run("deploy", "push", PUSH, variables | {"PROJECT_NAME": "atrium"})
    assert run.ok, run.output
    assert [note["ENV"] for note in run.of("make") if note["target"] == "deploy"] == deployed
    assert "test" in run.made()


def test_roles_admit_only_repositories_with_the_new_subject_format(scratch: Scratch) -> None:
    assert scratch.run("deploy", "push", PUSH, SUBJECT=WITH_IDS).ok
    run = scratch.run("deploy", "push", PUSH, SUBJECT="repo:somebody/atrium")
    assert not run.ok
    assert "plan dev" not in run.made()


def test_a_pull_request_is_tested_compared_planned_and_commented(scratch: Scratch) -> None:
    run = scratch.run("ci", "pull_request", pull_request())
    assert run.ok, run.output
    assert sorted(run.made()) == ["contract-changes", "failure-matrix", "test"]
    assert run.one("contract-changes")["BASE"] == BEFORE
    run = scratch.run("plan", "pull_request", pull_request())
    assert run.ok, run.output
    made = run.made()
    assert (made[0], sorted(made[1:-1]), made[-1]) == (
        "environments",
        ["cost dev", "cost prod", "plan dev", "plan prod"],
        "plan-comment",
    )
    assert set(run.roles()) == {"atrium-plan"}
    assert run.one("plan", "prod")["GUARD"] == "1"
    assert run.one("plan", "prod")["PLAN_BASE"] == BEFORE
    assert run.one("plan-comment")["PULL"] == "7"


def test_a_refused_plan_is_commented(scratch: Scratch) -> None:
    run = scratch.run("plan", "pull_request", pull_request(), FAILING="plan prod")
    assert not run.ok
    assert run.made()[-1] == "plan-comment"


def test_a_forks_pull_request_is_tested_and_gets_no_role(scratch: Scratch) -> None:
    fork = pull_request("somebody/atrium")
    run = scratch.run("ci", "pull_request", fork)
    assert run.ok, run.output
    assert "test" in run.made()
    run = scratch.run("plan", "pull_request", fork)
    assert run.notes == []  # act fails here to read the matrix of the skipped job; GitHub skips it


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"action": "rollback", "to": "12"}, ["gate prod", "rollback prod"]),
        ({"action": "shift", "canary": "10"}, ["gate prod", "release prod"]),
        ({"action": "service", "service": "users"}, ["gate prod", "deploy prod"]),
    ],
)
def test_an_operation_by_hand_runs_its_target(
    scratch: Scratch, inputs: dict[str, str], expected: list[str]
) -> None:
    content = {"ref": MAIN, "inputs": {"environment": "prod", "canary": "0"} | inputs}
    run = scratch.run("release", "workflow_dispatch", content)
    assert run.ok, run.output
    assert run.made() == expected
    assert run.roles() == ["atrium-deploy-prod"]
    last = run.of("make")[-1]
    assert {"to": last.get("TO"), "service": last.get("SERVICE")}.items() >= {
        key: value for key, value in inputs.items() if key in ("to", "service")
    }.items()


def test_a_tag_is_deployed_by_hand(scratch: Scratch) -> None:
    inputs = {"action": "deploy", "environment": "prod", "tag": "v0.2.0", "canary": "10"}
    run = scratch.run("release", "workflow_dispatch", {"ref": MAIN, "inputs": inputs})
    assert run.ok, run.output
    assert run.made()[-3:] == ["gate prod", "plan prod", "deploy prod"]
    assert run.one("deploy", "prod")["CANARY"] == "10"
    assert {note["ref"] for note in run.of("checkout")} == {"refs/tags/v0.2.0"}


def test_the_nightly_workflow_detects_drift(scratch: Scratch) -> None:
    run = scratch.run("drift", "schedule", {"ref": MAIN})
    assert run.ok, run.output
    made = run.made()
    assert (made[0], made[-1]) == ("environments", "drift-issue")
    for environment in ("dev", "prod"):
        assert made.index(f"deployed-commit {environment}") < made.index(f"plan {environment}")
