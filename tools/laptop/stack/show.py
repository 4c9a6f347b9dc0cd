"""The stack's addresses, environment variables, status and logs (`make env`, `status`, `logs`)."""

import json
import os
import subprocess
from dataclasses import asdict
from typing import Any

from local_aws.callers_environment import has_proxy
from local_aws.settings import Settings
from local_aws.supervisor import ready as supervisor
from local_aws.supervisor.ready import StackError
from tools.deploy.stack_outputs import Outputs
from tools.laptop.stack import aws, seed


def summary(settings: Settings, outputs: Outputs) -> str:
    return f"""
Atrium is up.

  API           {outputs.api_url}/v1
  ├─ health     {outputs.api_url}/v1/health
  ├─ contract   {outputs.api_url}/v1/openapi.json
  ├─ docs       {outputs.api_url}/docs (`make docs-site` builds them)
  AWS endpoint  {outputs.aws_endpoint_url}
  ├─ console    {outputs.aws_endpoint_url}/_local/console/ (requests with their SQL and AWS calls)
  ├─ inbox      {outputs.inbox_url}
  ├─ OIDC       {outputs.aws_endpoint_url}/{outputs.user_pool_id}/.well-known/openid-configuration
  Postgres      {outputs.database_url}
  Admin         {outputs.admin_email}   password {outputs.admin_password}

Your first request (the token lives for an hour):

  {first_request(outputs, access_token(settings, outputs))}

Next: `eval "$(make -s env)"` for aws, boto3 and curl · `make logs` · `make status` · `make down`
"""


def first_request(outputs: Outputs, token: str) -> str:
    direct = "--noproxy '*' " if has_proxy(os.environ) else ""
    return f"curl -s {direct}{outputs.api_url}/v1/me -H 'Authorization: Bearer {token}'"


def access_token(settings: Settings, outputs: Outputs) -> str:
    """Sign the admin in and return an access token.

    Raises:
        StackError: The local AWS refused the sign-in or does not answer.
    """
    cognito = aws.client("cognito-idp", settings, outputs.region)
    # Imported here, because it loads boto3.
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        result = seed.sign_in(
            cognito, outputs.user_pool_client_id, outputs.admin_email, outputs.admin_password
        )
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"{outputs.admin_email} could not sign in: {error}\n"
            "  `make logs` shows the output of the sign-in's functions. `make up` repairs the stack."
        ) from None
    return str(result["AccessToken"])


def environment(settings: Settings, outputs: Outputs) -> dict[str, str]:
    """Return the variables that point `aws`, boto3 and curl at the stack, with a token of the admin."""
    return {
        "AWS_ENDPOINT_URL": outputs.aws_endpoint_url,
        "AWS_REGION": outputs.region,
        "AWS_DEFAULT_REGION": outputs.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "API_URL": outputs.api_url,
        "USER_POOL_ID": outputs.user_pool_id,
        "USER_POOL_CLIENT_ID": outputs.user_pool_client_id,
        "USER_ATTRIBUTES_TABLE": outputs.user_attributes_table,
        "DATABASE_URL": outputs.database_url,
        "TOKEN": access_token(settings, outputs),
    }


def status(settings: Settings) -> dict[str, Any]:
    found = supervisor.running(settings)
    if found is None:
        return {"state": "down"}
    return {
        "state": "up",
        "api_url": settings.api_url,
        "aws_endpoint_url": settings.aws_endpoint_url,
    } | asdict(found)


# not shown, because `make up` has reported them
_ABOUT_THE_START = ("restored", "notice", "source")


def status_text(values: dict[str, Any]) -> str:
    if values["state"] == "down":
        return "down. `make up` starts the stack."
    return "\n".join(
        f"{name:<18} {value}" for name, value in values.items() if name not in _ABOUT_THE_START
    )


def follow_logs(settings: Settings, service: str | None) -> None:
    """Follow the log of one function, of `aws` (the supervisor), or of all, by `tail -F`."""
    folder = settings.logs / "functions"
    if service == "aws":
        files = [settings.logs / "supervisor.log"]
    else:
        files = sorted(folder.glob(f"*-{service}.log" if service else "*.log"))
    if not files:
        known = sorted(file.stem for file in folder.glob("*.log"))
        raise StackError(
            f"There is no log of {service or 'any function'} yet. SERVICE may be: {', '.join(['aws', *known])}."
        )
    subprocess.run(["tail", "-n", "50", "-F", *map(str, files)], check=False)


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2)
