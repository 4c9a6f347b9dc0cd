"""The make targets of migrations: refusals, and runs on AWS through boto3's Invoke or a tunnel."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from db_credentials import scram
from local_aws.database.postgres import Postgres
from local_aws.settings import Settings
from migrate import handler, roles
from migrate.connection import proxy_uri
from tests.migrations.conftest import OURS, ours
from tests.migrations.lambda_endpoint import door
from tools.deploy.environment import Environment, EnvironmentUnavailableError, environment
from tools.deploy.errors import RefusedError
from tools.operations import migrate, new_migration, tunnelled_database
from tools.operations.new_migration import create

NAMES = [file.id for file in ours()]
PASSWORD = "a/password with: everything@in?it"


SECRETS = {"migrator": "arn:migrator", "readonly": "arn:readonly"}


@dataclass
class Secrets:
    """A stub of Secrets Manager with one password for everybody."""

    password: str = PASSWORD
    asked: list[str] = field(default_factory=list)

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803  as boto3 has it
        self.asked.append(SecretId)
        return {"SecretString": json.dumps({"password": self.password})}


@dataclass(frozen=True)
class Tunnelled(Environment):
    secrets: Secrets = field(default_factory=Secrets)

    def client(self, service: str, config: Config | None = None) -> Any:
        return {"secretsmanager": self.secrets}[service]


@dataclass
class CompletedCommand:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


type Command = Callable[..., CompletedCommand]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> CompletedCommand:
        monkeypatch.setattr(sys, "argv", ["migrate", *arguments])
        status = migrate.main()
        captured = capsys.readouterr()
        return CompletedCommand(status, captured.out, captured.err)

    return run


@pytest.fixture
def invoked(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Serve an environment `prod` whose functions are in this process. Yield their invocations."""

    def deployed(event: dict[str, Any]) -> Any:
        if event["action"] == "bootstrap":
            return roles.bootstrap()
        if event["action"] in ("make_signing_keys", "prepare_items"):
            return {}
        return handler.run(event, proxy_uri, new_migration.FOLDER)

    functions = {"migrate": "atrium-prod-migrate", "db_credentials": "atrium-prod-db_credentials"}
    outputs = {"functions": functions, "region": "eu-central-1"}
    handlers = {
        functions["migrate"]: deployed,
        functions["db_credentials"]: lambda _: {"changed": []},
    }
    monkeypatch.setattr(migrate, "environment", lambda name: Environment(name, outputs))
    with door(handlers) as (url, calls):
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        yield calls


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["apply"], "migrate: ENV is missing. ENV is one of: local, dev, prod."),
        (
            ["apply", "--env", "test"],
            "migrate: ENV=test is not an environment. ENV is one of: local, dev, prod.",
        ),
        (
            ["apply", "--env", "dev", "--to", "9999"],
            "migrate: TO=9999 is not a migration or its number. TO is one of: 0001_users",
        ),
        (
            ["down", "--env", "dev", "--steps", "0"],
            "migrate-down: STEPS='0' is not a whole number from 1 to 1000.",
        ),
        (["down", "--env", "dev", "--steps", "all"], "migrate-down: STEPS='all' is not"),
        (
            ["status", "--env", "dev", "--tunnel", "x"],
            "migrate-status: TUNNEL='x' is not a whole number from 1 to 65535.",
        ),
        (
            ["status", "--env", "dev", "--format", "xml"],
            "migrate-status: FORMAT=xml is neither text nor json.",
        ),
    ],
)
def test_an_invalid_value_is_reported_before_anything_runs(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    said: str,
) -> None:
    # terraform is not on PATH, so it cannot have been called
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("STAGE", "")
    ran = command(*arguments)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(said)


def test_the_local_environment_needs_a_running_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATRIUM_STATE", ".local-never-started")
    with pytest.raises(EnvironmentUnavailableError, match="`make up` starts one"):
        environment("local")


def test_a_new_environment_gets_roles_passwords_and_every_migration(
    command: Command, invoked: list[tuple[str, dict[str, Any]]]
) -> None:
    ran = command("apply", "--env", "prod", "--format", "json")
    assert ran.json == {"environment": "prod", "applied": NAMES, "pending": []}, ran.err
    assert invoked == [
        ("atrium-prod-migrate", {"action": "bootstrap"}),
        ("atrium-prod-db_credentials", {"only_missing": True}),
        ("atrium-prod-migrate", {"action": "make_signing_keys"}),
        ("atrium-prod-migrate", {"action": "prepare_items"}),
        ("atrium-prod-migrate", {"action": "apply"}),
    ]
    assert command("status", "--env", "prod").out.startswith(
        f"prod: {len(NAMES)} applied, 0 pending\n  ✓ 0001_users"
    )
    assert command("plan", "--env", "prod").out == "prod: nothing to apply.\n"
    assert command("apply", "--env", "prod").out == "prod: nothing to apply.\n"


def test_a_downgrade_of_prod_needs_its_name(
    command: Command, invoked: list[tuple[str, dict[str, Any]]]
) -> None:
    command("apply", "--env", "prod")
    invoked.clear()
    for confirm in ("", "yes", "atrium-dev"):
        ran = command("down", "--env", "prod", "--confirm", confirm)
        assert "make migrate-down ENV=prod STEPS=1 CONFIRM=atrium-prod" in ran.err
    assert invoked == []
    ran = command("down", "--env", "prod", "--confirm", "atrium-prod", "--format", "json")
    assert ran.json == {"environment": "prod", "taken_back": NAMES[-1:]}


def test_an_error_of_the_function_is_printed_with_its_remedy(
    command: Command, invoked: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    command("apply", "--env", "prod")
    ran = command("apply", "--env", "prod", "--to", "0001")
    assert ran.status == 1
    assert "migrate: atrium-prod-migrate: ValueError: to: 0001_users is already applied." in ran.err
    elsewhere = {"functions": {"migrate": "other"}, "region": "eu-central-1"}
    monkeypatch.setattr(migrate, "environment", lambda name: Environment(name, elsewhere))
    assert (
        "other: ResourceNotFoundException: Function not found: other\n  It is not deployed"
        in command("status").err
    )


def test_a_tunnel_runs_the_same_actions_with_the_passwords_of_the_roles(
    database: str, database_server: Postgres, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    for user in ("migrator", "readonly"):
        roles.set_verifier(user, scram.verifier(PASSWORD))
    outputs = {
        "database_endpoint": "database.example.com:5432",
        "database_name": database,
        "region": "eu-central-1",
    }
    # These settings make it a local environment, because the laptop's Postgres has no TLS.
    tunnelled = Tunnelled("dev", outputs | {"database_user_secrets": SECRETS}, Settings(OURS))
    monkeypatch.setattr(migrate, "environment", lambda name: tunnelled)
    through = ("--env", "dev", "--tunnel", str(database_server.port), "--format", "json")
    assert command("apply", *through).json["applied"] == NAMES
    assert command("status", *through).json["applied"] == NAMES
    assert tunnelled.secrets.asked == ["arn:migrator", "arn:readonly"]


def test_a_tunnel_to_aws_needs_tls_with_a_verified_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outputs = {
        "database_endpoint": "db.example.com:5432",
        "database_name": "atrium",
        "database_user_secrets": SECRETS,
    }
    environment = Tunnelled("dev", outputs)
    environment.secrets.password = "p@ss"
    start = (
        "postgresql+pg8000://migrator:p%40ss@db.example.com:5433/atrium?hostaddr=127.0.0.1&sslmode="
    )
    monkeypatch.delenv("RDS_CA_BUNDLE", raising=False)
    assert tunnelled_database.uri(environment, "migrator", 5433) == start + "require"
    monkeypatch.setenv("RDS_CA_BUNDLE", "rds.pem")
    assert (
        tunnelled_database.uri(environment, "migrator", 5433)
        == start + "verify-full&sslrootcert=rds.pem"
    )


def test_a_new_migration_gets_the_next_number_and_a_downgrade_file(two: Path) -> None:
    made = create("add_phone", two)
    assert [path.name for path in made] == ["0003_add_phone.sql", "0003_add_phone.rollback.sql"]
    assert new_migration.names(two) == ["0001_first", "0002_second", "0003_add_phone"]
    with pytest.raises(
        RefusedError, match=r"NAME=add_phone is taken by migrations/0003_add_phone\.sql"
    ):
        create("add_phone", two)


@pytest.mark.parametrize(
    "name", ["", "Add_phone", "0003_add", "add-phone", "add__phone", "../x", "a" * 81]
)
def test_an_invalid_name_writes_nothing(two: Path, name: str) -> None:
    with pytest.raises(RefusedError, match=r"make migration NAME=add_phone_to_users"):
        create(name, two)
    assert new_migration.names(two) == ["0001_first", "0002_second"]
