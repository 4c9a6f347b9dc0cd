"""`db_credentials` with moto's Secrets Manager, and a stub of `migrate`."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from scramp import ScramMechanism

from atrium.runtime import config
from atrium.stores import aws
from db_credentials import handler as module
from db_credentials.handler import MigrateFailedError, handler

USERS = ("migrator", "app")


class Lambda:
    """A stub that stores the verifiers sent to `migrate`, and fails for the users named."""

    def __init__(self) -> None:
        self.verifiers: dict[str, str] = {}
        self.functions: set[str] = set()
        self.failing: set[str] = set()

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  boto's spelling
        self.functions.add(FunctionName)
        event = json.loads(Payload)
        assert event["action"] == "set_verifier"
        if event["user"] in self.failing:
            return {
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(b'{"errorMessage": "no database"}'),
            }
        self.verifiers[event["user"]] = event["verifier"]
        return {"Payload": io.BytesIO(b"{}")}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Create empty secrets as Terraform does. Return their ARNs by user."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    config.required.cache_clear()
    aws.client.cache_clear()
    with mock_aws():
        manager = boto3.client("secretsmanager", "eu-central-1")
        arns = {user: manager.create_secret(Name=user)["ARN"] for user in USERS}
        monkeypatch.setenv("DATABASE_SECRETS", json.dumps(arns))
        monkeypatch.setenv("MIGRATE_FUNCTION", "atrium-test-migrate:live")
        yield arns
    config.required.cache_clear()
    aws.client.cache_clear()


@pytest.fixture
def migrate(secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Lambda:
    real, stand_in = module.client, Lambda()
    monkeypatch.setattr(
        module, "client", lambda service: stand_in if service == "lambda" else real(service)
    )
    return stand_in


def _stored(arn: str) -> dict[str, str] | None:
    manager = boto3.client("secretsmanager", "eu-central-1")
    try:
        value: dict[str, str] = json.loads(manager.get_secret_value(SecretId=arn)["SecretString"])
    except manager.exceptions.ResourceNotFoundException:
        return None
    return value


def test_each_user_gets_a_password_and_migrate_gets_only_the_verifier(
    secrets: dict[str, str], migrate: Lambda
) -> None:
    assert handler({}) == {"changed": ["migrator", "app"], "left": []}
    stored = {user: _stored(secrets[user]) or {} for user in USERS}
    assert [stored[user]["username"] for user in USERS] == ["migrator", "app"]
    assert len({stored[user]["password"] for user in USERS}) == 2
    assert migrate.functions == {"atrium-test-migrate:live"}
    for user in USERS:
        assert len(stored[user]["password"]) >= 43
        assert stored[user]["password"] not in migrate.verifiers[user]
        assert _proves(migrate.verifiers[user], stored[user]["password"])


def test_running_it_again_rotates(secrets: dict[str, str], migrate: Lambda) -> None:
    handler({})
    first = _stored(secrets["app"])
    assert handler({"users": ["app"]}) == {"changed": ["app"], "left": []}
    assert _stored(secrets["app"]) != first


def test_only_missing_leaves_secrets_with_a_value(secrets: dict[str, str], migrate: Lambda) -> None:
    handler({"users": ["app"]})
    before = _stored(secrets["app"])
    assert handler({"only_missing": True}) == {"changed": ["migrator"], "left": ["app"]}
    assert _stored(secrets["app"]) == before


def test_a_partial_failure_is_repaired_by_a_run_with_only_missing(
    secrets: dict[str, str], migrate: Lambda
) -> None:
    migrate.failing = {"app"}
    with pytest.raises(MigrateFailedError, match=r"app: .*no database"):
        handler({"only_missing": True})
    assert _stored(secrets["app"]) is None, "a secret without its verifier would be left for ever"
    migrate.failing = set()
    assert handler({"only_missing": True}) == {"changed": ["app"], "left": ["migrator"]}


@pytest.mark.parametrize("users", [["root"], "app", [1]])
def test_unknown_users_are_reported(secrets: dict[str, str], migrate: Lambda, users: Any) -> None:
    with pytest.raises(ValueError, match=r"users: .* migrator, app"):
        handler({"users": users})
    assert not migrate.verifiers


def _proves(verifier: str, password: str) -> bool:
    _, iterations_salt, keys = verifier.split("$")
    iterations, salt = iterations_salt.split(":")
    _, stored, _, _ = ScramMechanism("SCRAM-SHA-256").make_auth_info(
        password, iteration_count=int(iterations), salt=base64.b64decode(salt)
    )
    return keys.split(":")[0] == base64.b64encode(stored).decode()
