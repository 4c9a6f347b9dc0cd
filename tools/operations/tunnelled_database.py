"""Run `migrate` on this machine, through the port that `make tunnel` forwards.

People cannot use the proxy's IAM authentication. They sign in with the passwords that
`db_credentials` keeps in Secrets Manager, so reading the secret of `migrator` is the right to
migrate. Nothing is written to disk.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.settings import LOOPBACK
from tools import ROOT
from tools.deploy.environment import Environment, EnvironmentUnavailableError, FunctionFailedError

AUTHORITIES = "RDS_CA_BUNDLE"
"""The variable that names RDS's CA bundle: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"""


def run(environment: Environment, port: int, event: Mapping[str, Any]) -> Any:
    """Run an action of `migrate` with this checkout's code.

    Raise FunctionFailedError if it fails.
    """
    sys.path.append(str(ROOT / "functions"))  # the services' packages, as in a zip
    from atrium.stores.postgres import DatabaseUnavailableError
    from migrate import handler
    from migrate.errors import MigrationError

    try:
        return handler.run(
            dict(event), lambda user: uri(environment, user, port), ROOT / "migrations"
        )
    except (MigrationError, DatabaseUnavailableError, ValueError) as error:
        raise FunctionFailedError(
            "migrate, through the tunnel", type(error).__name__, str(error)
        ) from error


def uri(environment: Environment, user: str, port: int) -> str:
    host = environment.output("database_endpoint").partition(":")[0]
    options = {"hostaddr": LOOPBACK} | _tls(environment)
    address = f"{user}:{quote(_password(environment, user), safe='')}@{host}:{port}"
    return (
        f"postgresql+pg8000://{address}/{environment.output('database_name')}?{urlencode(options)}"
    )


def _tls(environment: Environment) -> dict[str, str]:
    """Return the TLS options, which verify the certificate if the CA bundle is available.

    Without it, SCRAM keeps the password from an impostor, and Session Manager encrypts and
    authenticates the connection to the bastion.
    """
    if environment.is_local:
        return {"sslmode": "disable"}
    if bundle := os.environ.get(AUTHORITIES):
        return {"sslmode": "verify-full", "sslrootcert": bundle}
    return {"sslmode": "require"}


def _password(environment: Environment, user: str) -> str:
    arn = environment.output("database_user_secrets")[user]
    try:
        value = environment.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    except (ClientError, BotoCoreError) as error:
        raise EnvironmentUnavailableError(
            f"the password of {user} cannot be read: {error}\n"
            f"  You need secretsmanager:GetSecretValue on {arn}. The first `make migrate` without TUNNEL "
            "creates the password."
        ) from error
    return str(json.loads(value)["password"])
