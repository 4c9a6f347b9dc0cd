"""The subject of a preflight: an environment's configuration, files and account, without outputs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local_aws.settings import ACCOUNT_ID, Settings
from local_aws.terraform.environment import aws_environment
from tools import ROOT
from tools.deploy.configuration import Configuration
from tools.deploy.errors import RefusedError
from tools.operations import leftover_logs

LOCAL_FILES = "dev"  # what `make up` applies


@dataclass(frozen=True)
class Subject:
    """An environment before its apply; `client` creates boto3 clients with the right credentials."""

    client: Callable[[str], Any]
    account_id: str
    region: str
    name: str  # <project>-<stage>
    locals_file: str
    zones: tuple[str, ...]
    instance_class: str
    engine_version: str
    nat_gateways: int = 0
    reserved_concurrency: int = 0
    state_bucket: str = ""
    has_email_sender: bool = False
    hosted_page_prefix: str = ""
    is_local: bool = False

    def user_pool_ids(self) -> list[str]:
        """Return the ids of this environment's user pools."""
        pages = self.client("cognito-idp").get_paginator("list_user_pools").paginate(MaxResults=60)
        return [
            pool["Id"] for page in pages for pool in page["UserPools"] if pool["Name"] == self.name
        ]

    def leftover_log_groups(self) -> list[str]:
        return leftover_logs.found(self.client("logs"), self.name)


def of_configuration(read: Configuration) -> Subject:
    """Return the subject of an environment on AWS."""
    files = _files(read.environment, read.region)
    return Subject(
        client=lambda service: boto3.client(
            service, region_name=read.region, config=Config(retries={"mode": "standard"})
        ),  # type: ignore[call-overload]
        account_id=read.account_id,
        name=f"{read.project}-{read.environment}",
        state_bucket=read.state_bucket,
        has_email_sender="EMAIL_SENDER" in read.found,
        hosted_page_prefix=str(read.found.get("HOSTED_PAGE_PREFIX", "")),
        **files,
    )


def of_laptop(settings: Settings, region: str) -> Subject:
    """Return the subject of the laptop's AWS, with the files that `make up` applies."""
    keys = aws_environment(settings)
    session = boto3.Session(
        keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=region
    )
    return Subject(
        client=lambda service: session.client(service, endpoint_url=settings.aws_endpoint_url),  # type: ignore[call-overload]
        account_id=ACCOUNT_ID,
        name=f"atrium-{LOCAL_FILES}",
        is_local=True,
        **_files(LOCAL_FILES, region),
    )


def _files(environment: str, region: str) -> dict[str, Any]:
    """Read settings of the environment's files. Raise RefusedError if one is missing."""
    file = ROOT / "envs" / environment / "locals.tf"
    text = file.read_text()
    letters = re.findall(
        r'"(\w)"', _said(text, r"availability_zones = \[for zone in \[(.*?)\]", file)
    )
    nat = _said(text, r'nat\s*= "(\w+)"', file)
    concurrency = _said(text, r"reserved_concurrency = \{(.*?)\}", file)
    return {
        "region": region,
        "locals_file": str(file.relative_to(ROOT)),
        "zones": tuple(region + letter for letter in letters),
        "instance_class": _said(text, r'instance_class = "(.*?)"', file),
        "engine_version": _engine_version(),
        "nat_gateways": {"none": 0, "single": 1}.get(nat, len(letters)),
        "reserved_concurrency": sum(map(int, re.findall(r"= (\d+)", concurrency))),
    }


def _engine_version() -> str:
    file = ROOT / "modules/rds_proxy/variables.tf"
    block = file.read_text().partition('variable "engine_version"')[2]
    return _said(block, r'default\s+= "(.*?)"', file)


def _said(text: str, pattern: str, file: Path) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RefusedError(
            f"{file} has no text that matches {pattern}, which the preflight reads. Restore it."
        )
    return found[1]
