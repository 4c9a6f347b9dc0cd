"""`make service` and `make rotate-service`: the client of a declared service, and its secret.

Terraform declares a service's scopes and roles, and an empty secret. This command creates the
client, because Terraform would keep the client's secret in its state. The secret is written to
Secrets Manager only, and is never shown. Both commands are idempotent.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from tools.deploy import command, environment
from tools.deploy.environment import Environment, FunctionFailedError
from tools.deploy.errors import RefusedError

STATUSES = ("active", "disabled")


@dataclass(frozen=True)
class Service:
    """A service as the environment declares it."""

    chosen: Environment
    name: str
    declared: Mapping[str, Any]

    @cached_property
    def cognito(self) -> Any:
        return self.chosen.client("cognito-idp")

    @cached_property
    def secrets(self) -> Any:
        return self.chosen.client("secretsmanager")

    @property
    def pool(self) -> str:
        return str(self.chosen.output("user_pool_id"))

    def client_id(self) -> str | None:
        """Return the id of the service's client, or None before `make service`."""
        pages = self.cognito.get_paginator("list_user_pool_clients").paginate(UserPoolId=self.pool)
        return next(
            (
                str(client["ClientId"])
                for page in pages
                for client in page["UserPoolClients"]
                if client["ClientName"] == self.declared["client_name"]
            ),
            None,
        )

    def stored(self) -> dict[str, Any]:
        """Return the secret's value; an empty one before the first."""
        try:
            answer = self.secrets.get_secret_value(SecretId=self.declared["secret_arn"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":  # no value yet
                return {}
            raise
        value: dict[str, Any] = json.loads(answer["SecretString"])
        return value

    def store(self, client_id: str, secret: str, secret_id: str) -> None:
        value = {
            "client_id": client_id,
            "client_secret": secret,
            "client_secret_id": secret_id,
            "token_url": self.chosen.output("token_url"),
            "scope": " ".join(self.declared["scopes"]),
        }
        self.secrets.put_secret_value(
            SecretId=self.declared["secret_arn"], SecretString=json.dumps(value)
        )


def find(chosen: Environment, name: str) -> Service:
    """Return a declared service. Raise RefusedError for another name."""
    declared: Mapping[str, Any] = chosen.output("services")
    if name not in declared:
        known = ", ".join(sorted(declared)) or "none"
        raise RefusedError(
            f"NAME={name or '…'} is not a service of {chosen.name} (declared: {known}). "
            f"Add it to `services` in envs/{chosen.name}/locals.tf, then run "
            f"make {'up' if chosen.is_local else f'deploy ENV={chosen.name}'}."
        )
    return Service(chosen, name, declared[name])


def ensure(service: Service, status: str) -> dict[str, Any]:
    """Create the client, or update its settings, roles and status as declared."""
    client_id = service.client_id()
    made = client_id is None
    client_id = _update(service, client_id) if client_id else _create(service)
    if service.stored().get("client_id") != client_id:
        _store_first_secret(service, client_id)
    registered = service.chosen.invoke(
        "register_service",
        {
            "provider": f"cognito:{service.pool}",
            "client_id": client_id,
            "roles": list(service.declared["roles"]),
            "status": status,
        },
    )
    return {"client_id": client_id, "created": made, "status": status, **registered}


def _settings(service: Service) -> dict[str, Any]:
    return {
        "UserPoolId": service.pool,
        "ClientName": service.declared["client_name"],
        "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],  # no user signs in with this client
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": list(service.declared["scopes"]),
        "AccessTokenValidity": service.declared["access_minutes"],
        "TokenValidityUnits": {"AccessToken": "minutes"},
        "PreventUserExistenceErrors": "ENABLED",
        "EnableTokenRevocation": True,
    }


def _create(service: Service) -> str:
    answer = service.cognito.create_user_pool_client(GenerateSecret=True, **_settings(service))
    return str(answer["UserPoolClient"]["ClientId"])


def _update(service: Service, client_id: str) -> str:
    service.cognito.update_user_pool_client(ClientId=client_id, **_settings(service))
    return client_id


def _store_first_secret(service: Service, client_id: str) -> None:
    """Store the secret of a new client, even if an earlier run was interrupted before this step."""
    names = {"UserPoolId": service.pool, "ClientId": client_id}
    client = service.cognito.describe_user_pool_client(**names)["UserPoolClient"]
    oldest = _secret_ids(service, client_id)[0]
    service.store(client_id, client["ClientSecret"], oldest)


def rotate(service: Service) -> dict[str, Any]:
    """Add a secret and store it.

    The one before stays valid until the next rotation, or `finish`.
    """
    client_id = _client_id(service)
    _delete_others(service, client_id)
    answer = service.cognito.add_user_pool_client_secret(
        UserPoolId=service.pool, ClientId=client_id
    )
    added = answer["ClientSecretDescriptor"]
    service.store(client_id, added["ClientSecretValue"], added["ClientSecretId"])
    return {"client_id": client_id, "rotated": True}


def finish(service: Service) -> dict[str, Any]:
    """Delete the secret that the last rotation replaced."""
    client_id = _client_id(service)
    return {"client_id": client_id, "deleted": _delete_others(service, client_id)}


def _delete_others(service: Service, client_id: str) -> int:
    """Delete all secrets but the stored one: an earlier one, or that of an interrupted run."""
    current = service.stored()["client_secret_id"]
    others = [each for each in _secret_ids(service, client_id) if each != current]
    for each in others:
        service.cognito.delete_user_pool_client_secret(
            UserPoolId=service.pool, ClientId=client_id, ClientSecretId=each
        )
    return len(others)


def _secret_ids(service: Service, client_id: str) -> list[str]:
    """Return the ids of the client's secrets, oldest first."""
    answer = service.cognito.list_user_pool_client_secrets(
        UserPoolId=service.pool, ClientId=client_id
    )
    ordered = sorted(answer["ClientSecrets"], key=lambda each: each["ClientSecretCreateDate"])
    return [str(each["ClientSecretId"]) for each in ordered]


def _client_id(service: Service) -> str:
    client_id = service.client_id()
    if client_id is None or service.stored().get("client_id") != client_id:
        raise RefusedError(
            f"{service.name} has no client with a stored secret yet. Run "
            f"make service ENV={service.chosen.name} NAME={service.name} first."
        )
    return client_id


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.operations.service_client", description=__doc__
    )
    parser.add_argument("action", choices=("ensure", "rotate", "finish"))
    parser.add_argument("--env", default="", help="local, dev, prod, …")
    parser.add_argument("--name", default="", help="name of a declared service")
    parser.add_argument("--status", choices=STATUSES, default="active")
    options = parser.parse_args()
    return command.run("service", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    service = find(environment.environment(options.env), options.name)
    if options.action == "rotate":
        rotate(service)
        print(
            f"{options.name} has a new secret in {service.declared['secret_arn']}. The previous one "
            f"stays valid until make rotate-service ENV={options.env} NAME={options.name} FINISH=1."
        )
    elif options.action == "finish":
        finish(service)
        print(f"Only the secret of {options.name} in Secrets Manager is valid now.")
    else:
        print(_text(service, _ensured(service, options.status)))


def _ensured(service: Service, status: str) -> dict[str, Any]:
    try:
        return ensure(service, status)
    except FunctionFailedError as failed:
        if failed.kind == "RoleNotFoundError":
            raise RefusedError(
                f"{failed.message} Create it first: PUT /v1/roles/{{role}}. Then run this again."
            ) from failed
        raise


def _text(service: Service, done: Mapping[str, Any]) -> str:
    what = "was created" if done["created"] else "is up to date"
    changed = [
        f"{word} {', '.join(done[field])}"
        for word, field in (("granted", "granted"), ("revoked", "revoked"))
        if done[field]
    ]
    details = f" ({'; '.join(changed)})" if changed else ""
    return (
        f"{service.name} {what} and is {done['status']}{details}. Its uid is {done['uid']}. "
        f"Its client id and secret are in {service.declared['secret_arn']}."
    )


if __name__ == "__main__":
    sys.exit(main())
