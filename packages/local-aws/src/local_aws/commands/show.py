"""Output of the commands: addresses, variables and the state of the services."""

import json
import os
from dataclasses import asdict
from typing import Any

from local_aws import callers_environment
from local_aws.settings import Settings
from local_aws.supervisor import ready
from local_aws.terraform.environment import aws_environment


def summary(settings: Settings, outputs: dict[str, Any]) -> str:
    lines = [
        "",
        f"  API           {settings.api_url}",
        f"  AWS endpoint  {settings.aws_endpoint_url}",
        f"  console       {settings.aws_endpoint_url}/_local/console/",
        f"  inbox         {settings.aws_endpoint_url}/_local/inbox",
        *(f"  {name} = {json.dumps(value)}" for name, value in outputs.items()),
        "",
        'Next: eval "$(local-aws env)" for terraform, aws and boto3; local-aws down',
    ]
    return "\n".join(lines)


def exports(settings: Settings) -> str:
    region = os.environ.get("AWS_REGION", "us-east-1")
    values = aws_environment(settings) | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    return callers_environment.exports(values)


def status(settings: Settings) -> str:
    found = ready.running(settings)
    if found is None:
        return "down. `local-aws up` starts the services."
    values = {"api_url": settings.api_url, "aws_endpoint_url": settings.aws_endpoint_url}
    return "\n".join(f"{name:<18} {value}" for name, value in (values | asdict(found)).items())
