"""The deploy workflow of a push, executed by act. tests/pipeline_runs has the other events."""

import json
from pathlib import Path

import pytest

from tests.pipelines.act.recorder import DIGEST
from tests.pipelines.workflow_runs import BEFORE, PUSH, TRUST, Scratch


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    return Scratch(tmp_path_factory.mktemp("act"), TRUST)


DEPLOYED = [
    "build",
    "artefacts",
    "test",
    "build",
    "artefacts",
    "failure-matrix",
    "gate dev",
    "plan dev",
    "deploy dev",
    "gate prod",
    "plan prod",
    "deploy prod",
]


def test_a_push_is_built_once_tested_planned_and_applied_to_dev_and_then_to_prod(
    scratch: Scratch,
) -> None:
    run = scratch.run("deploy", "push", PUSH)
    assert run.ok, run.output
    made = run.made()
    assert sorted(made) == sorted(DEPLOYED)
    assert made[-6:] == DEPLOYED[-6:]
    assert run.roles() == [
        "atrium-propose",
        "atrium-deploy-dev",
        "atrium-propose",
        "atrium-deploy-prod",
    ]
    for environment in ("dev", "prod"):
        plan, deploy = run.one("plan", environment), run.one("deploy", environment)
        assert plan["ARTEFACTS"] == deploy["ARTEFACTS"] == DIGEST
        assert plan["PLAN_BASE"] == deploy["PLAN_BASE"] == BEFORE
        assert deploy["PLAN"] == plan["KEEP"]
        assert deploy["PLAN_SHA256"] == f"sha256-of-{environment}"
    assert [run.one("deploy", name).get("CANARY") for name in ("dev", "prod")] == [None, "10"]
    assert [note["name"] for note in run.of("upload")] == ["build"]


def test_these_trust_policies_are_those_of_bootstrap() -> None:
    """Compare the text; envs/bootstrap/tests checks the same conditions in the real plan."""
    held = (
        Path(__file__).resolve().parents[2] / "envs/bootstrap/tests/bootstrap.tftest.hcl"
    ).read_text()
    assert '["repo:example/atrium:pull_request", "repo:example/atrium:ref:refs/heads/main"]' in held
    assert '== ["repo:example/atrium:ref:refs/heads/main"]' in held
    assert '["repo:example/atrium:environment:${environment}"]' in held
    assert json.dumps(TRUST["atrium-propose"]).count("refs/heads/main") == 2
