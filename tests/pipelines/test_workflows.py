"""Rules about the workflow files, for properties that act does not show: gates, queues,
permissions.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yaml"))
WORKFLOWS = {file.stem: yaml.safe_load(file.read_text()) for file in FILES}
ENVIRONMENTS = sorted(file.parent.name for file in (ROOT / "envs").glob("*/main.tf"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

Job = dict[str, Any]


def jobs() -> Iterator[tuple[str, Job]]:
    for workflow, content in WORKFLOWS.items():
        for name, job in content["jobs"].items():
            yield f"{workflow}.{name}", job


def steps(job: Job) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job.get("steps", [])
    return found


ALL = dict(jobs())
RUN = {name: job for name, job in ALL.items() if "runs-on" in job}
every = pytest.mark.parametrize("name", RUN)


def triggers(workflow: str) -> dict[str, Any]:
    found: dict[str, Any] = WORKFLOWS[workflow][True]  # YAML 1.1 reads `on` as true
    return found


def roles(job: Job) -> list[str]:
    return [
        step["with"]["role-to-assume"]
        for step in steps(job)
        if "role-to-assume" in step.get("with", {})
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_with_their_version(file: Path) -> None:
    for line in file.read_text().splitlines():
        if found := re.search(r"uses: (\S+)(.*)", line):
            ours = found[1].startswith("$/.github/workflows/")
            pinned = re.search(r"@[0-9a-f]{40}$", found[1]) and re.search(
                r"# v\d+\.\d+\.\d+$", line
            )
            assert ours or pinned, line


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_tokens_have_only_the_permissions_of_their_job(workflow: str) -> None:
    content = WORKFLOWS[workflow]
    assert content["permissions"] == {}
    assert "pull_request_target" not in triggers(workflow)
    for job in content["jobs"].values():
        assert "write-all" not in str(job.get("permissions", {}))


@every
def test_a_job_has_a_timeout_and_keeps_no_token(name: str) -> None:
    job = ALL[name]
    assert job["timeout-minutes"] <= 90
    for step in steps(job):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@every
def test_a_deploy_role_is_assumed_only_behind_the_gate_of_its_environment(name: str) -> None:
    job = ALL[name]
    for role in roles(job):
        if deploys := re.search(r"-deploy-(.+)$", role):
            assert job["environment"] == deploys[1]
        else:
            assert re.search(r"-(plan|propose)$", role)
            assert "environment" not in job
        assert job["permissions"]["id-token"] == "write"


def test_only_main_creates_plans_that_are_applied() -> None:
    proposing = [
        name for name, job in ALL.items() for role in roles(job) if role.endswith("-propose")
    ]
    assert proposing == ["deploy-environment.plan"]
    for workflow in ("plan", "ci", "codeql"):
        assert "pull_request" in triggers(workflow)
    assert set(triggers("deploy-environment")) == {"workflow_call"}
    assert triggers("deploy")["push"]["branches"] == ["main"]


@every
def test_terraform_and_releases_can_be_cancelled(name: str) -> None:
    for step in steps(ALL[name]):
        run = step.get("run", "")
        if roles(ALL[name]) and re.search(r"make (deploy|release|rollback|plan) ", run):
            assert run.startswith("exec .ci/interruptible make ") or name == "drift.plan", run


@every
def test_a_failed_command_fails_its_step(name: str) -> None:
    """Check outputs: `echo "x=$(false)"` succeeds, so the value must be computed before."""
    for step in steps(ALL[name]):
        assert not re.search(r"echo [^\n]*\$\(", step.get("run", "")), step["run"]


def test_make_targets_exist() -> None:
    used = {
        target
        for job in ALL.values()
        for step in steps(job)
        for target in re.findall(r"\bmake (?:-s )?([a-z-]+)", step.get("run", ""))
    }
    assert used - TARGETS == set()
    assert {"deploy", "plan", "gate", "rollback", "release", "contract-changes"} <= used


def test_the_deployed_artefacts_are_the_tested_ones() -> None:
    plan, apply = (WORKFLOWS["deploy-environment"]["jobs"][name] for name in ("plan", "apply"))
    for job in (plan, apply):
        assert job["env"]["ARTEFACTS"] == "${{ inputs.artefacts }}"
        assert any(
            step.get("uses", "").startswith("actions/download-artifact@") for step in steps(job)
        )
        assert not any("make build" in step.get("run", "") for step in steps(job))
    [run] = [step["run"] for step in steps(apply) if "make deploy" in step.get("run", "")]
    for passed in ("ARTEFACTS", "PLAN", "PLAN_SHA256"):
        assert f'{passed}="${passed}"' in run
    assert apply["env"]["PLAN_SHA256"] == "${{ needs.plan.outputs.sha256 }}"
    assert apply["needs"] == "plan"
    for workflow in ("deploy", "release", "publish"):
        test = WORKFLOWS[workflow]["jobs"]["test"]
        assert test["with"]["artefacts"] == "${{ needs.build.outputs.artefacts }}"
    assert 'make artefacts EXPECT="$ARTEFACTS"' in steps(ALL["ci.test"])[-1]["run"]


def test_no_plan_file_is_an_artifact() -> None:
    for name, job in ALL.items():
        for step in steps(job):
            if step.get("uses", "").startswith("actions/upload-artifact@"):
                path = step["with"]["path"]
                environment = "${{ matrix.environment }}"
                texts = (f"{environment}.md", f"{environment}-cost.md")
                assert path in ("build/", "dist/", *texts), name


@pytest.mark.parametrize("name", ["npm", "pypi"])
def test_clients_are_published_by_jobs_that_build_nothing_and_know_no_secret(name: str) -> None:
    """Trusted publishing: the registry takes the token of this workflow in this environment."""
    job = ALL[f"publish.{name}"]
    assert job["needs"] == "client-packages"
    assert job["environment"] == name
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in str(job)
    assert not re.search(r"npm (ci|install)|make (?!environment)", str(steps(job)))
    build = ALL["publish.client-packages"]
    assert (build["needs"], build["if"]) == ("release", "vars.PUBLISH_CLIENTS == 'true'")
    assert build["permissions"] == {"contents": "read"}


def test_each_environment_has_a_queue_of_its_own() -> None:
    for workflow in ("deploy", "release", "deploy-environment"):
        assert "concurrency" not in WORKFLOWS[workflow]
    callers = [
        job for job in ALL.values() if str(job.get("uses", "")).endswith("/deploy-environment.yaml")
    ]
    operating = WORKFLOWS["release"]["jobs"]["operate"]
    assert len(callers) == len(ENVIRONMENTS) + 1
    for job in [*callers, operating]:
        environment = job.get("environment") or job["with"]["environment"]
        assert job["concurrency"] == {
            "group": f"deploy-{environment}",
            "cancel-in-progress": False,
        }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_without_an_account_is_not_deployed(environment: str) -> None:
    job = WORKFLOWS["deploy"]["jobs"][environment]
    own = f"vars.{environment.upper()}_AWS_ACCOUNT_ID"
    assert job["if"] == f"vars.AWS_ACCOUNT_ID != '' || {own} != ''"
    assert job["with"]["base"] == "${{ github.event.before }}"


@pytest.mark.parametrize("name", ["deploy-environment.plan", "release.operate"])
def test_the_gate_is_checked_before_credentials_are_requested(name: str) -> None:
    order = [
        "gate"
        if "make gate" in step.get("run", "")
        else "role"
        if "role-to-assume" in step.get("with", {})
        else ""
        for step in steps(ALL[name])
    ]
    assert [step for step in order if step] == ["gate", "role"]


def test_changes_of_docs_are_not_deployed_and_merge_queues_are_tested() -> None:
    assert {"**.md", "docs/**"} <= set(triggers("deploy")["push"]["paths-ignore"])
    assert "merge_group" in triggers("ci")


def test_a_forks_pull_request_gets_no_role() -> None:
    condition = WORKFLOWS["plan"]["jobs"]["environments"]["if"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in condition
    assert WORKFLOWS["plan"]["jobs"]["plan"]["needs"] == "environments"


PUBLIC = "github.event.repository.visibility == 'public'"
LICENSED = ("attest-build-provenance", "codeql-action", "dependency-review", "scorecard-action")


@every
def test_licensed_features_are_used_only_in_public_repositories(name: str) -> None:
    for step in steps(ALL[name]):
        if any(action in step.get("uses", "") for action in LICENSED):
            assert PUBLIC in ALL[name].get("if", "") + step.get("if", ""), step["uses"]


def test_the_table_in_the_docs_equals_that_of_the_account_proof() -> None:
    proof = (ROOT / "tests/pipeline_runs/proof_account.py").read_text()
    told = re.findall(r'story\.add_row\("(.+?)", "(.+?)", (?:"(.+?)"|served\((\d)\))\)', proof)
    checked = [(one, end, other or f"meta {version}, health 200") for one, end, other, version in told]  # fmt: skip
    section = (ROOT / "docs/workflows.md").read_text().partition("## The other proofs")[0]
    rows = re.findall(r"^\| (?!scenario|---)(.+?) \| .+ \| (.+?) \| (.+?) \|$", section, re.MULTILINE)  # fmt: skip
    assert rows == checked
    assert len(rows) == proof.count("story.add_row(")
