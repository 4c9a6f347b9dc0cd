"""The DB proxy that Terraform registered in moto: its id, target and secrets.

As on AWS, a user needs a secret with a value that the proxy's role may read.
"""

import json
from dataclasses import dataclass

from moto.rds.models import rds_backends
from moto.secretsmanager.models import secretsmanager_backends

from local_aws.database import settling, trust
from local_aws.iam import sessions
from local_aws.network.reachability import Place
from local_aws.settings import ACCOUNT_ID


@dataclass(frozen=True)
class RegisteredProxy:
    id: str  # prx-…, part of the ARN of a database user
    region: str
    secret_arns: tuple[str, ...]
    role_arn: str
    has_target: bool  # and the target is available
    place: Place | None = None  # its location in the network; None: not checked

    def user_arn(self, user: str) -> str:
        return f"arn:aws:rds-db:{self.region}:{ACCOUNT_ID}:dbuser:{self.id}/{user}"

    def problem_with(self, user: str) -> str | None:
        """Explain why the proxy has no credentials for `user`; return None if it has."""
        found = next((arn for arn in self.secret_arns if _username(arn, self.region) == user), None)
        if found is None:
            return (
                f"No secret of the proxy contains {user} and a password, or the password is "
                f"younger than {settling.SECRET_SECONDS:.0f} s. Store the user and its password in a secret of the proxy."
            )
        if refusal := trust.refusal_of_rds(self.role_arn):
            return refusal
        decision = sessions.role_may(self.role_arn, "secretsmanager:GetSecretValue", found)
        return (
            None
            if decision.allowed
            else f"The proxy's role may not read {found}: {decision.reason}."
        )


def registered_proxies() -> list[RegisteredProxy]:
    return [
        RegisteredProxy(
            id=proxy.unique_id,
            region=proxy.region,
            secret_arns=tuple(auth.get("SecretArn", "") for auth in proxy.auth),
            role_arn=proxy.role_arn,
            has_target=any(
                settling.is_available(target)
                for group in proxy.proxy_target_groups.values()
                for target in group.targets
            ),
            place=Place(
                proxy.region, tuple(proxy.vpc_subnet_ids), tuple(proxy.vpc_security_group_ids)
            ),
        )
        for backend in list(rds_backends[ACCOUNT_ID].values())
        for proxy in list(backend.db_proxies.values())
    ]


def _username(secret_arn: str, region: str) -> str | None:
    """Return the user of a secret; None if the secret has no value or no password."""
    secret = secretsmanager_backends[ACCOUNT_ID][region].secrets.get(secret_arn)
    if secret is None or not secret.default_version_id or not settling.is_known(secret):
        return None
    try:
        value = json.loads(secret.versions[secret.default_version_id].get("secret_string") or "{}")
    except ValueError:
        return None
    usable = isinstance(value, dict) and value.get("username") and value.get("password")
    return str(value["username"]) if usable else None
