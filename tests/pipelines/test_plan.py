"""Plans in readable form, and the guarantee that exactly the reviewed plan is applied."""

import subprocess
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.terraform import providers
from tests.pipelines.s3_endpoint import BUCKET, REGION, Endpoint, endpoint
from tools.deploy import artefacts, release_records, stored_plan
from tools.deploy.configuration import Configuration
from tools.deploy.errors import RefusedError
from tools.deploy.release_store import ReleaseStore
from tools.deploy.terraform import root as terraform
from tools.deploy.terraform.planned import ResourceChange
from tools.deploy.terraform.root import Root, TerraformFailedError
from tools.deploy.tested_sql import TestedSchema
from tools.operations import commit_order, deploy, plan, plan_guard, preflight
from tools.operations.plan import Wanted
from tools.operations.plan_text import counted, markdown

MAIN = """
terraform {{
  backend "s3" {{
    key          = "dev/terraform.tfstate"
    use_lockfile = true
  }}
}}

resource "terraform_data" "one" {{
  input = "{value}"
}}
"""


def test_a_plan_lists_destroyed_resources_first() -> None:
    actions = ["create", "update", "forget", "delete", "replace"]
    assert counted(actions) == ("1 to destroy, 1 to replace, 1 to forget, 1 to change, 1 to add.")
    text = markdown("prod", [ResourceChange(action[0], "", action) for action in actions])
    headings = [line for line in text.splitlines() if line.startswith("**")]
    assert [heading.strip("*").split()[0] for heading in headings] == [
        "Destroyed",
        "Destroyed",
        "Forgotten:",
        "Changed",
        "Created",
    ]
    assert markdown("dev", []).startswith("### dev: nothing to change.")


def test_attributes_are_shown_without_secrets_and_account_numbers() -> None:
    change = ResourceChange(
        "module.a.aws_lambda_function.this",
        "aws_lambda_function",
        "update",
        {"memory_size": 256, "environment": [{"variables": {"A": "1"}}], "token": "old", "role": "arn:aws:iam::012345678901:role/a", "policy": '{"Action": "a", "Id": "x"}', "version": "1"},
        {"memory_size": 512, "environment": [{"variables": {"A": "1", "B": "2"}}], "token": "new", "role": "arn:aws:iam::012345678901:role/b", "policy": '{"Action": "b", "Id": "x"}'},
        {"version": True},
        {"token": True},
    )  # fmt: skip
    lines = [line.strip(" -") for line in markdown("dev", [change]).splitlines()]
    assert lines[4:11] == [
        "`module.a.aws_lambda_function.this`",
        "`environment.0.variables.B`: nothing → `2`",
        "`memory_size`: `256` → `512`",
        "`policy.Action`: `a` → `b`",
        "`role`: `arn:aws:iam::************:role/a` → `arn:aws:iam::************:role/b`",
        "`token`: (sensitive)",
        "`version`: `1` → (known after the apply)",
    ]


def test_findings_come_first_and_a_long_plan_is_cut() -> None:
    pool = ResourceChange("pool", "aws_cognito_user_pool", "delete")
    findings = plan_guard.findings([pool])
    assert "(**not acknowledged**)" in markdown("prod", [pool], findings)
    assert "(acknowledged)" in markdown("prod", [pool], findings, ["pool"])
    many = [ResourceChange(f"a{number}" * 20, "", "create") for number in range(2000)]
    text = markdown("dev", many)
    assert len(text) <= 60_000
    assert text.endswith("The rest is in the run's log.\n")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with endpoint() as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def root(served: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Root:
    folder = tmp_path / "envs/dev"
    folder.mkdir(parents=True)
    for name, value in providers.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    found = {"STATE_BUCKET": BUCKET, "AWS_REGION": REGION}
    made = Root(folder, Configuration("dev", found))
    write(made, "first")
    made.init()
    return made


def write(root: Root, value: str) -> None:
    (root.folder / "main.tf").write_text(MAIN.format(value=value))


def test_the_reviewed_plan_is_applied_and_a_stale_one_is_refused(
    root: Root, served: Endpoint, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = ReleaseStore(served.client(), BUCKET, "dev")
    with root.plan(lock=False) as made:
        first = stored_plan.keep(store, "run-1", made.file)
        assert stored_plan.keep(store, "run-2", made.file) == first
    head = served.client().head_object(Bucket=BUCKET, Key="dev/plans/run-1")
    assert head["ServerSideEncryption"] == "AES256"
    write(root, "changed after the plan was read")
    root.apply(root.read_plan(stored_plan.fetch(store, "run-1", first, tmp_path)))
    assert [one["values"]["input"] for one in root.resources()] == ["first"]
    with pytest.raises(TerraformFailedError):
        root.apply(root.read_plan(stored_plan.fetch(store, "run-2", first, tmp_path)))
    assert "Saved plan is stale" in "".join(capfd.readouterr())
    assert [one["values"]["input"] for one in root.resources()] == ["first"]


@pytest.fixture
def checked_out(root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Check out the older one of two commits, with `envs/dev` and a build."""

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        command = ["git", *who, *arguments]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    commits = []
    for message in ("old", "new"):
        git("commit", "-q", "--allow-empty", "-m", message)
        commits.append(git("rev-parse", "HEAD"))
    git("checkout", "-q", commits[0])
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions/meta.zip").touch()
    monkeypatch.setattr(artefacts, "BUILD", tmp_path)
    for module in (commit_order, release_records, terraform):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    settings = dict(root.configuration.found) | {
        "AWS_ACCOUNT_ID": "0" * 12,
        "PROJECT_NAME": "atrium",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return commits


def test_only_a_push_must_not_be_older_than_the_deployed_commit(
    checked_out: list[str], served: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that a tag is deployed by hand without PLAN_BASE, and that a plan for review is always
    shown.
    """
    old, new = checked_out
    store = ReleaseStore(served.client(), BUCKET, "dev")
    store.set_applied_commit(new)
    digest = artefacts.digest(tmp_path)
    monkeypatch.setenv("PLAN_BASE", old)
    with pytest.raises(RefusedError, match=r"newer than .*Nothing was planned"):
        plan.plan("dev", Wanted(digest, keep="push"))
    plan.plan("dev", Wanted(digest))
    monkeypatch.delenv("PLAN_BASE")
    plan.plan("dev", Wanted(digest, keep="tag"))
    kept = served.client().list_objects_v2(Bucket=BUCKET, Prefix="dev/plans/")["Contents"]
    assert [one["Key"] for one in kept] == ["dev/plans/tag"]


def test_code_whose_sql_the_schema_may_break_is_neither_planned_nor_deployed(
    checked_out: list[str], served: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ReleaseStore(served.client(), BUCKET, "dev").set_schema(TestedSchema("9999_drop", {}))
    monkeypatch.setattr(preflight, "require", lambda subject: None)  # it would call AWS
    digest = artefacts.digest(tmp_path)
    whole = {"canary": 0, "watch": 0, "service": "", "plan": "", "sha256": "", "yes": True}
    with pytest.raises(RefusedError, match=r"9999_drop .* Deploy a newer commit"):
        plan.plan("dev", Wanted(digest, keep="tag"))
    with pytest.raises(RefusedError, match=r"9999_drop .* Deploy a newer commit"):
        deploy.deploy(Namespace(environment="dev", artefacts=digest, **whole))


def test_a_plan_of_another_environment_is_refused(served: Endpoint, tmp_path: Path) -> None:
    dev, prod = (ReleaseStore(served.client(), BUCKET, name) for name in ("dev", "prod"))
    file = tmp_path / "read"
    file.write_bytes(b"dev's")
    of_dev = stored_plan.keep(dev, "7-1", file)
    with pytest.raises(RefusedError, match="there is no plan 7-1 of prod"):
        stored_plan.fetch(prod, "7-1", of_dev, tmp_path)
    file.write_bytes(b"prod's")  # a run has one id, and a plan for each environment
    stored_plan.keep(prod, "7-1", file)
    with pytest.raises(RefusedError, match="the plan 7-1 of prod has SHA-256"):
        stored_plan.fetch(prod, "7-1", of_dev, tmp_path)
    assert stored_plan.fetch(dev, "7-1", of_dev, tmp_path).read_bytes() == b"dev's"


def test_a_plan_other_than_the_reviewed_one_is_refused(served: Endpoint, tmp_path: Path) -> None:
    store = ReleaseStore(served.client(), BUCKET, "dev")
    file = tmp_path / "read"
    file.write_bytes(b"read")
    sha256 = stored_plan.keep(store, "7", file)
    file.write_bytes(b"put there by somebody else")
    stored_plan.keep(store, "7", file)
    with pytest.raises(RefusedError, match="It is not the reviewed plan"):
        stored_plan.fetch(store, "7", sha256, tmp_path)
    with pytest.raises(RefusedError, match="there is no plan 8 of dev"):
        stored_plan.fetch(store, "8", sha256, tmp_path)
    with pytest.raises(RefusedError, match="not the id of a run"):
        stored_plan.keep(store, "../prod/plans/7", file)
