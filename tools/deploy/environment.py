"""The environment that a command works on: its outputs, AWS clients and functions.

An environment is `local` or a folder of `envs/`. On AWS the names come from `terraform output`.
On the laptop they come from the same outputs of the same Terraform, applied locally.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.callers_environment import forget_aws
from local_aws.settings import Settings
from local_aws.supervisor import ready as supervisor
from local_aws.supervisor.ready import StackError
from local_aws.terraform.binary import TerraformMissingError
from local_aws.terraform.environment import aws_environment
from local_aws.terraform.record import Record
from tools import ROOT
from tools.deploy import LIVE, configuration, stack_settings
from tools.deploy import stack_outputs as local_outputs
from tools.deploy.configuration import ConfigurationError
from tools.deploy.terraform import root as terraform
from tools.deploy.terraform.root import TerraformFailedError
from tools.deploy.terraform.scratch import ENVIRONMENT

LOCAL = "local"
LONGEST_ANSWER = 910
"""The read timeout in seconds, a little more than Lambda's longest run."""


class EnvironmentUnavailableError(Exception):
    """The environment cannot be used. The message says what to do next; nothing was changed."""


class FunctionFailedError(Exception):
    """A function raised an exception or could not be invoked.

    `kind` is the name of its exception, or AWS's error code.
    """

    def __init__(self, function: str, kind: str, message: str) -> None:
        super().__init__(f"{function}: {kind}: {message}")
        self.function = function
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class Environment:
    """An environment and its outputs (docs/architecture.md, "Outputs of an environment").

    A local environment also has the values of outputs.json.
    """

    name: str
    outputs: Mapping[str, Any]
    settings: Settings | None = None  # of the laptop's stack

    @property
    def is_local(self) -> bool:
        return self.settings is not None

    def output(self, name: str) -> Any:
        """Return an output.

        Raise EnvironmentUnavailableError if the last apply did not write it.
        """
        try:
            return self.outputs[name]
        except KeyError:
            raise EnvironmentUnavailableError(
                f"{self.name} has no output {name!r}, which is newer than the last apply. "
                f"Run make {'up' if self.is_local else f'deploy ENV={self.name}'}."
            ) from None

    def client(self, service: str, config: Config | None = None) -> Any:
        """Return a boto3 client with this shell's credentials; on the laptop, with dummy keys."""
        return self._session().client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.settings.aws_endpoint_url if self.settings else None,
            config=Config(retries={"mode": "standard"}).merge(config or Config()),
        )

    def invoke(self, folder: str, event: Mapping[str, Any]) -> Any:
        """Invoke the released version of `functions/<folder>` without retries, and return its answer.

        Raises:
            FunctionFailedError: The function raised an exception or could not be invoked.
        """
        name = self._function(folder)
        # A second attempt would run beside the first: the function does not end when its caller
        # hangs up.
        once = Config(
            retries={"total_max_attempts": 1}, read_timeout=LONGEST_ANSWER, tcp_keepalive=True
        )
        try:
            answer = self.client("lambda", once).invoke(
                FunctionName=name, Qualifier=LIVE, Payload=json.dumps(dict(event)).encode()
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
                f"{self.name} has no function {folder!r}, only {', '.join(sorted(functions))}. "
                f"Run make {'up' if self.is_local else f'deploy ENV={self.name}'} first."
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
    """Return the accepted values of ENV."""
    return [LOCAL, *sorted(file.parent.name for file in (ROOT / "envs").glob("*/main.tf"))]


def chosen(name: str) -> str:
    """Return `name`, or the default of STAGE.

    Raise EnvironmentUnavailableError if there is none.
    """
    name = name or configuration.stage()
    if name not in names():
        given = f"ENV={name} is not an environment" if name else "ENV is missing"
        raise EnvironmentUnavailableError(f"{given}. ENV is one of: {', '.join(names())}.")
    return name


def environment(name: str) -> Environment:
    """Return the named environment.

    Raises:
        EnvironmentUnavailableError: It does not exist, was never applied, or cannot be reached.
    """
    name = chosen(name)
    return _local(stack_settings.from_environment()) if name == LOCAL else _on_aws(name)


def _local(settings: Settings) -> Environment:
    forget_aws()
    try:
        own = asdict(local_outputs.read(settings))
        state = json.loads(Record.of(settings, ENVIRONMENT).state.read_text())
    except (StackError, FileNotFoundError):
        raise EnvironmentUnavailableError(
            "There is no stack in this checkout yet. `make up` starts one."
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
            f"{name} has no outputs, so it was never applied. Run `make deploy ENV={name}`."
        )
    if root.configuration.is_laptops:
        outputs |= {"api_url": _laptops_api_url(outputs)}
    return Environment(name, outputs)


def _laptops_api_url(outputs: Mapping[str, Any]) -> str:
    """Return the address at which the laptop's AWS serves the API.

    AWS's host name leads elsewhere.
    """
    api = stack_settings.from_environment().api_url
    return f"{api}/restapis/{outputs['api_id']}/{outputs['stage']}/_user_request_"


def _require_credentials(name: str) -> None:
    try:
        found = boto3.Session().get_credentials()
    except BotoCoreError as error:
        raise EnvironmentUnavailableError(
            f"there are no valid AWS credentials for {name}: {error}. "
            "Sign in to its account (aws sso login, or export AWS_PROFILE=…)."
        ) from error
    if found is None:
        raise EnvironmentUnavailableError(
            f"there are no AWS credentials for {name}. "
            "Sign in to its account (aws sso login, or export AWS_PROFILE=…)."
        )
