"""Settings in `.env`: all errors are reported at once.

An environment on AWS gets its settings, and the laptop's stack gets none.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.terraform.binary import terraform
from tools.deploy import configuration, environment, environment_settings
from tools.deploy.configuration import Configuration, ConfigurationError
from tools.deploy.terraform import root as terraform_root
from tools.deploy.terraform.root import Root

ROOT = Path(__file__).resolve().parents[2]
NEEDED = """
PROJECT_NAME=acme
AWS_REGION=eu-west-1
AWS_ACCOUNT_ID=012345678901   # not ours
STATE_BUCKET="acme-states"
"""


@pytest.fixture
def dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [
        name
        for name in os.environ
        if name.startswith(("AWS_", "TF_VAR_")) or name in configuration.NAMES
    ]:
        monkeypatch.delenv(name)
    file = tmp_path / ".env"
    file.write_text(NEEDED)
    return file


def added(file: Path, *lines: str) -> Path:
    file.write_text("\n".join([file.read_text(), *lines]))
    return file


def refused(file: Path, environment: str = "dev") -> str:
    with pytest.raises(ConfigurationError) as caught:
        configuration.read(environment, file)
    return str(caught.value)


def test_the_example_has_every_setting_in_order_with_a_reason() -> None:
    paragraphs = (ROOT / ".env.example").read_text().split("\n\n")
    names = re.findall(r"^([A-Z_]+)=", "\n".join(paragraphs), re.MULTILINE)
    assert names == configuration.NAMES
    assert all(paragraph.startswith("# ") for paragraph in paragraphs)


def test_every_variable_of_an_environment_has_a_setting() -> None:
    declared = {
        name
        for environment in [file.parent.name for file in (ROOT / "envs").glob("*/variables.tf")]
        for name in re.findall(
            r'^variable "(\w+)"',
            (ROOT / "envs" / environment / "variables.tf").read_text(),
            re.MULTILINE,
        )
    }
    assert declared - {"environments", "permissions_boundary_arn"} == {
        setting.terraform for setting in environment_settings.SETTINGS
    } - {""}


def test_all_missing_and_invalid_settings_are_named_at_once(dotenv: Path) -> None:
    dotenv.write_text(
        "AWS_ACCOUNT_ID=12345\nALLOWED_CIDRS=203.0.113.7/32, 0.0.0.0/0\nALARM_EMAILS=nobody\nALOWED_CIDRS=x\nhello\n"
        "CUSTOM_DOMAIN=api.example.com\n"
    )
    said = refused(dotenv)
    for expected in (
        "PROJECT_NAME is missing.",
        "AWS_REGION is missing.",
        "STATE_BUCKET is missing.",
        "AWS_ACCOUNT_ID is '12345': must be the twelve digits of an AWS account.",
        "ALLOWED_CIDRS is '203.0.113.7/32, 0.0.0.0/0': must not contain a range wider than",
        "ALARM_EMAILS is 'nobody': must be e-mail addresses",
        ".env line 4: no command reads ALOWED_CIDRS (did you mean ALLOWED_CIDRS?).",
        ".env line 5 is not NAME=value: 'hello'.",
        "CUSTOM_DOMAIN_CERTIFICATE_ARN is missing, and CUSTOM_DOMAIN needs it.",
    ):
        assert expected in said


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("PROJECT_NAME=Acme Corp", "PROJECT_NAME is 'Acme Corp'"),
        ("AWS_REGION=Frankfurt", "AWS_REGION is 'Frankfurt'"),
        ("STATE_BUCKET=A_B", "STATE_BUCKET is 'A_B'"),
        ("ALLOWED_CIDRS=203.0.113.7/24", "has host bits set"),
        ("EMAIL_SENDER=post@example.com", "EMAIL_SENDER_IDENTITY_ARN is missing"),
        ("HOSTED_PAGE_LOGOUT_URLS=https://example.com", "HOSTED_PAGE_PREFIX is missing"),
        ("GITHUB_REPOSITORY=acme/*", "GITHUB_REPOSITORY is 'acme/*'"),
    ],
)
def test_values_that_would_fail_in_a_later_step_are_refused(
    dotenv: Path, line: str, wrong: str
) -> None:
    assert wrong in refused(added(dotenv, line))


def test_a_missing_file_is_reported_with_the_command_that_creates_it(
    tmp_path: Path, dotenv: Path
) -> None:
    assert "cp .env.example .env" in refused(tmp_path / "absent")


def test_a_setting_can_apply_to_one_environment(dotenv: Path) -> None:
    added(dotenv, "PROD_AWS_ACCOUNT_ID=999999999999")
    assert configuration.read("dev", dotenv).account_id == "012345678901"
    assert configuration.read("prod", dotenv).account_id == "999999999999"


def test_the_shell_overrides_repository_variables_and_those_override_the_file(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "REPOSITORY_VARIABLES", json.dumps({"PROJECT_NAME": "theirs", "AWS_REGION": "eu-north-1"})
    )
    monkeypatch.setenv("PROJECT_NAME", "mine")
    monkeypatch.setenv("STATE_BUCKET", "")  # an empty variable counts as unset
    found = configuration.read("dev", dotenv)
    assert (found.project, found.region, found.state_bucket) == (
        "mine",
        "eu-north-1",
        "acme-states",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{PROJECT_NAME: acme", "REPOSITORY_VARIABLES is not JSON (Expecting property name"),
        ("[]", "is not a JSON object: '[]'. In"),
    ],
)
def test_invalid_repository_variables_are_reported_with_their_source(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.setenv("REPOSITORY_VARIABLES", text)
    said = refused(dotenv)
    assert told in said
    assert "REPOSITORY_VARIABLES: ${{ toJSON(vars) }}" in said


def test_terraform_parses_the_values_it_gets(dotenv: Path, tmp_path: Path) -> None:
    added(
        dotenv,
        "ALLOWED_CIDRS=203.0.113.7/32,2001:db8:1::/48",
        "ALARM_EMAILS=a@example.com",
        "CUSTOM_DOMAIN=api.example.com",
        "CUSTOM_DOMAIN_CERTIFICATE_ARN=arn:aws:acm:eu-west-1:012345678901:certificate/0a",
        "EMAIL_SENDER=Acme <post@example.com>",
        "EMAIL_SENDER_IDENTITY_ARN=arn:aws:ses:eu-west-1:012345678901:identity/example.com",
        "HOSTED_PAGE_PREFIX=acme",
        "HOSTED_PAGE_CALLBACK_URLS=https://app.example.com/,http://localhost:5173/",
    )
    folder = tmp_path / "variables"
    folder.mkdir()
    shutil.copy(ROOT / "envs/dev/variables.tf", folder)
    names = [
        "project",
        "region",
        "account_id",
        "allowed_cidrs",
        "alarm_emails",
        "custom_domain",
        "email_sender",
    ]
    asked = "jsonencode([" + ", ".join(f"var.{name}" for name in [*names, "hosted_page"]) + "])"
    done = subprocess.run(
        [terraform(ROOT / ".local/bin"), "console"],
        cwd=folder,
        env=os.environ
        | {"TF_CLI_CONFIG_FILE": os.devnull}
        | environment_settings.terraform_variables(configuration.read("dev", dotenv).found),
        input=asked,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(json.loads(done.stdout)) == [
        "acme",
        "eu-west-1",
        "012345678901",
        ["2001:db8:1::/48", "203.0.113.7/32"],
        ["a@example.com"],
        {
            "domain_name": "api.example.com",
            "certificate_arn": "arn:aws:acm:eu-west-1:012345678901:certificate/0a",
        },
        {
            "from": "Acme <post@example.com>",
            "identity_arn": "arn:aws:ses:eu-west-1:012345678901:identity/example.com",
        },
        {
            "domain_prefix": "acme",
            "callback_urls": ["http://localhost:5173/", "https://app.example.com/"],
            "logout_urls": [],
        },
    ]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Prepare a checkout of the repository whose `.env` is invalid throughout."""
    for folder in ("tools", "packages"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "envs").symlink_to(ROOT / "envs")
    (tmp_path / ".env").write_text("AWS_ACCOUNT_ID=x\nSTAGE=prod\n")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("tools.operations.plan",), "plan: prod cannot be used with this configuration"),
        (("tools.operations.smoke", "local"), "There is no stack in this checkout yet"),
        (("tools.laptop", "env"), "There is no stack in this checkout yet"),
    ],
)
def test_an_invalid_file_stops_only_environments_on_aws(
    checkout: Path, command: tuple[str, ...], said: str
) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in configuration.NAMES
    }
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert ("AWS_ACCOUNT_ID is 'x'" in done.stderr) is (
        said.startswith(command[0].rpartition(".")[2])
    )


def test_a_shell_of_the_laptops_aws_reaches_no_other_account(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    with pytest.raises(
        ConfigurationError,
        match=r"AWS_ENDPOINT_URL .* Use another shell for dev, or run it with ENV=local",
    ):
        configuration.read("dev", dotenv).export()


def test_an_environment_in_the_laptops_account_is_reached_at_the_laptops_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {"AWS_ACCOUNT_ID": "000000000000", "AWS_REGION": "eu-west-1"}
    root = Root(Path("envs/dev"), Configuration("dev", known))
    applied = {"api_id": "a1b2", "stage": "dev", "api_url": "https://a1b2.execute-api/dev"}
    monkeypatch.setattr(terraform_root, "root", lambda name: root)
    monkeypatch.setattr(Root, "outputs", lambda self: applied)
    monkeypatch.setenv("API_PORT", "21400")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    url = environment.environment("dev").output("api_url")
    assert url == "http://127.0.0.1:21400/restapis/a1b2/dev/_user_request_"


def test_another_region_of_a_shared_account_is_refused(dotenv: Path) -> None:
    """Check this, because `make bootstrap` created the states' bucket and API Gateway's log role in
    one region.
    """
    said = refused(added(dotenv, "PROD_AWS_REGION=eu-central-1"), "prod")
    assert (
        "PROD_AWS_REGION is eu-central-1, but prod shares AWS_ACCOUNT_ID and STATE_BUCKET with eu-west-1"
        in said
    )
    assert configuration.read("dev", dotenv).region == "eu-west-1"
    own = added(dotenv, "PROD_AWS_ACCOUNT_ID=999999999999", "PROD_STATE_BUCKET=prod-states")
    assert configuration.read("prod", own).region == "eu-central-1"


def test_the_same_region_given_twice_is_accepted(dotenv: Path) -> None:
    assert (
        configuration.read("prod", added(dotenv, "PROD_AWS_REGION=eu-west-1")).region == "eu-west-1"
    )


def test_roles_are_bounded_by_the_policy_of_bootstrap(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    read = configuration.read("dev", dotenv)
    read.export()
    bound = dict(os.environ)["TF_VAR_permissions_boundary_arn"]
    assert bound == f"arn:aws:iam::{read.account_id}:policy/{read.project}-deploy-dev"
    made = (ROOT / "envs/bootstrap/deploy_policy.tf").read_text()
    assert 'name        = "${var.project}-deploy-${each.key}"' in made
