"""Which environment a command speaks to: `local`, or a folder of `envs/`. What it is made of, clients of its AWS, its functions.

On AWS the names come from `terraform output`, on the laptop from the same outputs of the same Terraform, applied locally.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.settings import Settings
from tools import ROOT
from tools.deploy import configuration, stack_settings, supervisor
from tools.deploy import stack_outputs as local_outputs
from tools.deploy.configuration import ConfigurationError
from tools.deploy.supervisor import StackError
from tools.deploy.terraform import root as terraform
from tools.deploy.terraform.binary import TerraformMissingError
from tools.deploy.terraform.root import TerraformFailedError
from tools.deploy.terraform.scratch import ENVIRONMENT, Record, aws_environment

LOCAL = "local"
LONGEST_ANSWER = 910
"""Seconds; a little more than a function may run at all."""


class EnvironmentUnavailableError(Exception):
    """What is missing, and what to do next. Nothing was changed."""


class FunctionFailedError(Exception):
    """What a function raised, or why it could not be invoked. `kind` is the name of its exception, or AWS's error code."""

    def __init__(self, function: str, kind: str, message: str) -> None:
        super().__init__(f"{function}: {kind}: {message}")
        self.function = function
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class Environment:
    """`outputs` are those of docs/architecture.md, "Outputs of an environment"; locally with what outputs.json adds."""

    name: str
    outputs: Mapping[str, Any]
    settings: Settings | None = None  # of the laptop's stack

    @property
    def is_local(self) -> bool:
        return self.settings is not None

    def output(self, name: str) -> Any:
        """Raises EnvironmentUnavailableError when the last apply did not have it yet."""
        try:
            return self.outputs[name]
        except KeyError:
            raise EnvironmentUnavailableError(
                f"{self.name} has no output {name!r}: it was not applied yet, or before that output was added. Apply it."
            ) from None

    def client(self, service: str, config: Config | None = None) -> Any:
        """boto3's, with this shell's credentials; on the laptop with the keys that no account has."""
        return self._session().client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.settings.aws_endpoint_url if self.settings else None,
            config=Config(retries={"mode": "standard"}).merge(config or Config()),
        )

    def invoke(self, folder: str, event: Mapping[str, Any]) -> Any:
        """What the released version of `functions/<folder>` answers; once, however long it takes. Raises FunctionFailedError."""
        name = self._function(folder)
        # A second attempt would run beside the first: the function does not end when its caller hangs up.
        once = Config(
            retries={"total_max_attempts": 1}, read_timeout=LONGEST_ANSWER, tcp_keepalive=True
        )
        try:
            answer = self.client("lambda", once).invoke(
                FunctionName=name, Qualifier="live", Payload=json.dumps(dict(event)).encode()
            )
            payload = json.loads(answer["Payload"].read() or b"null")
        except ClientError as refused:
            error = refused.response["Error"]
            raise FunctionFailedError(name, error["Code"], error["Message"]) from refused
        except (BotoCoreError, OSError) as error:
            raise FunctionFailedError(name, type(error).__name__, str(error)) from error
        if "FunctionError" in answer:
            raise FunctionFailedError(
                name, payload.get("errorType", "Error"), payload.get("errorMessage", str(payload))
            )
        return payload

    def _function(self, folder: str) -> str:
        functions: Mapping[str, str] = self.output("functions")
        if folder not in functions:
            raise EnvironmentUnavailableError(
                f"{self.name} has no function {folder!r}, only {', '.join(sorted(functions))}. Apply it first."
            )
        return functions[folder]

    def _session(self) -> boto3.Session:
        if self.settings is None:
            return boto3.Session(region_name=self.output("region"))
        keys = aws_environment(self.settings)
        return boto3.Session(
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            region_name=self.output("region"),
        )


def names() -> list[str]:
    """What ENV may be."""
    return [LOCAL, *sorted(file.parent.name for file in (ROOT / "envs").glob("*/main.tf"))]


def chosen(name: str) -> str:
    """`name`, or without one what STAGE says in `.env`. Raises EnvironmentUnavailableError."""
    name = name or configuration.stage()
    if name not in names():
        given = f"ENV={name} is no environment" if name else "ENV is missing"
        raise EnvironmentUnavailableError(f"{given}. ENV is one of: {', '.join(names())}.")
    return name


def environment(name: str) -> Environment:
    """Raises EnvironmentUnavailableError: there is no such one, it was not applied, or it cannot be asked."""
    name = chosen(name)
    return _local(stack_settings.from_environment()) if name == LOCAL else _on_aws(name)


def _local(settings: Settings) -> Environment:
    try:
        own = asdict(local_outputs.read(settings))
        state = json.loads(Record.of(settings, ENVIRONMENT).state.read_text())
    except (StackError, FileNotFoundError):
        raise EnvironmentUnavailableError(
            "There is no stack here yet. `make up` starts one."
        ) from None
    if supervisor.running(settings) is None:
        raise EnvironmentUnavailableError("The stack is down. `make up` starts it.")
    applied = {output: entry["value"] for output, entry in state["outputs"].items()}
    return Environment(LOCAL, applied | own, settings)


def _on_aws(name: str) -> Environment:
    try:
        root = terraform.root(name)
        _require_credentials(name)
        outputs = root.outputs()
    except (ConfigurationError, TerraformFailedError, TerraformMissingError) as error:
        raise EnvironmentUnavailableError(str(error)) from error
    if not outputs:
        raise EnvironmentUnavailableError(
            f"{name} was not applied yet: it has no outputs. `make deploy ENV={name}`."
        )
    return Environment(name, outputs)


def _require_credentials(name: str) -> None:
    try:
        found = boto3.Session().get_credentials()
    except BotoCoreError as error:
        raise EnvironmentUnavailableError(
            f"no valid AWS credentials for {name}: {error}"
        ) from error
    if found is None:
        raise EnvironmentUnavailableError(
            f"no AWS credentials for {name}. Sign in (aws sso login, or export AWS_PROFILE=…) to its account."
        )
