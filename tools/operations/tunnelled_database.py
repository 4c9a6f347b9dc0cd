"""`migrate` run on this machine, through a port that `make tunnel` leads to an environment's database.

The proxy's IAM door is closed to people, and the database's own roles sign in with the passwords that `db_credentials` keeps in
Secrets Manager: whoever may read the secret of `migrator` may migrate. Nothing is written to disk.
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
"""Names the file of RDS's certificate authorities: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"""


def run(environment: Environment, port: int, event: Mapping[str, Any]) -> Any:
    """Like `environment.invoke("migrate", event)`, with this checkout's code and migrations. Raises FunctionFailedError."""
    sys.path.append(str(ROOT / "functions"))  # where the services' packages lie, as in a zip
    from atrium.stores.postgres import DatabaseUnavailable
    from migrate import handler
    from migrate.errors import MigrationError

    try:
        return handler.run(
            dict(event), lambda user: uri(environment, user, port), ROOT / "migrations"
        )
    except (MigrationError, DatabaseUnavailable, ValueError) as error:
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
    """Verified where the authorities are at hand. Without, SCRAM still keeps the password from whoever answers, and Session
    Manager has encrypted and authenticated the way to the bastion."""
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
            f"  You need secretsmanager:GetSecretValue on {arn}; and `make migrate` through the function once, which makes it."
        ) from error
    return str(json.loads(value)["password"])
