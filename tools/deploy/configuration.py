"""The configuration of an environment on AWS.

Values come from the shell, GitHub's repository variables and `.env`, in this order of precedence.
A name with an environment's prefix (`PROD_AWS_ACCOUNT_ID`) applies to that environment only.
The laptop's stack reads none of it: `make up` is the same with and without a `.env`.
"""

import difflib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.settings import ACCOUNT_ID as LOCAL_ACCOUNT_ID
from tools import ROOT
from tools.deploy.environment_settings import SETTINGS, parsed, terraform_variables

FILE = ".env"
# a variable with GitHub's `vars` as JSON, which workflows set
REPOSITORY_VARIABLES = "REPOSITORY_VARIABLES"
NAMES = [setting.name for setting in SETTINGS]


class ConfigurationError(Exception):
    """The configuration is incomplete or invalid.

    The message lists every error; nothing was run.
    """


@dataclass(frozen=True)
class Configuration:
    """The settings of one environment; `found` holds those that are set, by name."""

    environment: str
    found: Mapping[str, Any]

    @property
    def project(self) -> str:
        return str(self.found["PROJECT_NAME"])

    @property
    def account_id(self) -> str:
        return str(self.found["AWS_ACCOUNT_ID"])

    @property
    def permissions_boundary_arn(self) -> str:
        """The boundary policy that envs/bootstrap creates for this environment's deploy role and roles."""
        return f"arn:aws:iam::{self.account_id}:policy/{self.project}-deploy-{self.environment}"

    @property
    def region(self) -> str:
        return str(self.found["AWS_REGION"])

    @property
    def state_bucket(self) -> str:
        return str(self.found["STATE_BUCKET"])

    @property
    def is_laptops(self) -> bool:
        """True if the account is the laptop's AWS, which AWS_ENDPOINT_URL names."""
        return self.account_id == LOCAL_ACCOUNT_ID

    def export(self) -> None:
        """Export Terraform's variables, the region and the profile to this process.

        Raises:
            ConfigurationError: This shell is set up for the laptop's AWS.
        """
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        if endpoint and not self.is_laptops:
            raise ConfigurationError(
                f"AWS_ENDPOINT_URL is {endpoint}, so this shell calls the laptop's AWS. "
                f"Use another shell for {self.environment}, or run it with ENV=local."
            )
        os.environ.update(terraform_variables(self.found))
        if not self.is_laptops:  # the laptop's AWS has no deploy role
            os.environ.update({"TF_VAR_permissions_boundary_arn": self.permissions_boundary_arn})
        os.environ.update(
            AWS_REGION=self.region, AWS_DEFAULT_REGION=self.region
        )  # Terraform reads one of the variables, boto3 the other.
        if profile := self.found.get("AWS_PROFILE"):
            os.environ["AWS_PROFILE"] = profile

    def backend(self) -> list[str]:
        """Return the options of `terraform init` that name the state's bucket."""
        return [
            f"-backend-config=bucket={self.state_bucket}",
            f"-backend-config=region={self.region}",
        ]


def read(environment: str, file: Path = ROOT / FILE) -> Configuration:
    """Read and check the configuration. Raise ConfigurationError with all errors."""
    written, wrong = of_file(file)
    values = _by_environment(environment, _chain(written))
    found, unfit = parsed(values)
    wrong += [f"{name} {what}" for name, what in unfit]
    wrong += _another_region(environment, _chain(written))
    if wrong:
        known = "" if file.exists() else f"There is no {FILE}: cp .env.example {FILE}. "
        raise ConfigurationError(
            "\n".join(
                [
                    f"{environment} cannot be used with this configuration:",
                    *(f"  {one}." for one in wrong),
                    f"{known}Correct it in {FILE} (.env.example explains each name), "
                    "or in GitHub among the repository's variables.",
                ]
            )
        )
    return Configuration(environment, found)


def _another_region(environment: str, said: Mapping[str, str]) -> list[str]:
    """Return an error if the environment's region differs from the region of a shared account.

    `make bootstrap` prepares an account in one region: the state bucket and API Gateway's log role.
    """
    own = f"{environment.upper()}_AWS_REGION"
    if said.get(own, said.get("AWS_REGION")) == said.get("AWS_REGION"):
        return []
    shared = [
        name
        for name in ("AWS_ACCOUNT_ID", "STATE_BUCKET")
        if not said.get(f"{environment.upper()}_{name}")
    ]
    return [
        f"{own} is {said[own]}, but {environment} shares {' and '.join(shared)} with {said['AWS_REGION']}, the only "
        f"region that the account is prepared for. Use one region, or give {environment} its own account and bucket"
    ] if shared else []  # fmt: skip


def _repository() -> dict[str, Any]:
    """Read GitHub's repository variables.

    Raise ConfigurationError if they are not a JSON object.
    """
    text = os.environ.get(REPOSITORY_VARIABLES) or "{}"
    try:
        found = json.loads(text)
    except ValueError as error:
        found, why = None, f"not JSON ({error})"
    else:
        why = "not a JSON object"
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"{REPOSITORY_VARIABLES} is {why}: {text[:40]!r}. In a workflow, write `{REPOSITORY_VARIABLES}: ${{{{ toJSON(vars) }}}}`. "
            "Elsewhere, unset it."
        )
    return found


def has_account(environment: str, file: Path = ROOT / FILE) -> bool:
    """Return True if the environment has an account. Without one, nothing of it can be planned."""
    return bool(_by_environment(environment, _chain(of_file(file)[0]))["AWS_ACCOUNT_ID"])


def stage(file: Path = ROOT / FILE) -> str:
    """Return the default environment of commands without ENV; empty if STAGE is not set."""
    return _chain(of_file(file)[0]).get("STAGE", "")


def _chain(written: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each name from its first source; empty values count as unset."""
    layers: list[Mapping[str, Any]] = [written, _repository(), os.environ]
    return {name: str(value) for layer in layers for name, value in layer.items() if value}


def _by_environment(environment: str, values: Mapping[str, str]) -> dict[str, str]:
    prefix = f"{environment.upper()}_"
    return {name: values.get(prefix + name) or values.get(name, "") for name in NAMES}


def of_file(file: Path) -> tuple[dict[str, str], list[str]]:
    """Return the values of `file` by name, and a message for each invalid line."""
    from dotenv.parser import (
        parse_stream,
    )  # Imported here: it loads logging, and most commands run without a .env.

    values: dict[str, str] = {}
    wrong: list[str] = []
    if not file.is_file():
        return values, wrong
    for binding in parse_stream(io.StringIO(file.read_text())):
        name, value = binding.key, binding.value
        line = f"{FILE} line {binding.original.line}"
        if binding.error or (name and value is None):
            wrong.append(f"{line} is not NAME=value: {binding.original.string.strip()!r}")
        elif name and not _is_known(name):
            wrong.append(f"{line}: no command reads {name}{_meant(name)}")
        elif name:
            values[name] = value or ""
    return values, wrong


def _is_known(name: str) -> bool:
    environments = [folder.parent.name for folder in (ROOT / "envs").glob("*/backend.tf")]
    return name in NAMES or any(
        name == f"{one.upper()}_{known}" for one in environments for known in NAMES
    )


def _meant(name: str) -> str:
    close = difflib.get_close_matches(name, NAMES, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
