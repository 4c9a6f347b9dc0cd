"""The environment variables and command line of a worker.

A worker gets AWS's variables and the function's own, and none of the supervisor's.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local_aws.lambda_service.deployed import Credentials, DeployedFunction
from local_aws.lambda_service.egress import Egress
from local_aws.lambda_service.errors import InvokeError
from local_aws.settings import LOOPBACK

RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
})  # fmt: skip

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


@dataclass(frozen=True)
class Interpreter:
    """The Python interpreter and runtime that execute functions.

    - `runtime` contains `awslambdaric`.
    - `ca_bundle` is trusted by TLS clients inside functions.
    - `clock` is the file of a movable clock (local_aws/clock.py).
    """

    python: Path
    runtime: Path
    aws_endpoint_url: str
    ca_bundle: Path | None = None
    xray_daemon: str = f"{LOOPBACK}:2000"  # the address of AWS's daemon
    clock: Path | None = None

    def command(
        self,
        task_root: Path,
        layers: list[Path],
        egress: Egress | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> list[str]:
        """Return the command line of a worker.

        Layers are merged as AWS merges them into /opt: a later one hides an earlier one. Without
        `egress`, sockets are not restricted.
        """
        folders = [task_root, *(layer / "python" for layer in reversed(layers)), self.runtime]
        isolated = ["-I", "-S", "-B", "-X", "utf8"]
        rules = egress.argument() if egress else ""
        started_by = (
            "0" if wrapper else str(os.getpid())
        )  # a wrapper need not `exec`, so it may be the worker's parent
        return [
            *wrapper,
            str(self.python),
            *isolated,
            str(_BOOTSTRAP),
            started_by,
            rules,
            str(self.clock or ""),
            *map(str, folders),
        ]


def wrapper_of(function: DeployedFunction, task_root: Path, layers: list[Path]) -> tuple[str, ...]:
    """Return the program of `AWS_LAMBDA_EXEC_WRAPPER`, which starts the runtime; empty without one.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html. Each function has its own
    folders for /opt and /var/task here.
    """
    named = function.environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    if not named:
        return ()
    for mount, folders in (("/opt/", [*reversed(layers)]), ("/var/task/", [task_root])):
        if named.startswith(mount):
            found = [folder / named.removeprefix(mount) for folder in folders]
            return (str(next((path for path in found if path.exists()), named)),)
    return (named,)


def check_names(variables: Iterable[str]) -> None:
    """Raise `InvokeError` for names that a function must not set."""
    taken = sorted(RESERVED.intersection(variables))
    if taken:
        message = (
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(taken)}"
        )
        raise InvokeError(400, "InvalidParameterValueException", message)


def worker_environment(
    function: DeployedFunction,
    interpreter: Interpreter,
    credentials: Credentials,
    task_root: Path,
    runtime_api: str,
    log_stream: str,
) -> dict[str, str]:
    """Return the environment variables of a worker.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (defined runtime
    variables).

    The laptop adds two: `AWS_ENDPOINT_URL`, and `SSL_CERT_FILE` when there is a sandbox CA. A
    function may override every variable that is not reserved.
    """
    defaults = {
        "AWS_ENDPOINT_URL": interpreter.aws_endpoint_url,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": interpreter.xray_daemon,
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "TZ": ":UTC",
    }
    if function.logging.is_json:
        defaults |= {
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": function.logging.application_level,
        }
    if interpreter.ca_bundle:
        defaults["SSL_CERT_FILE"] = str(interpreter.ca_bundle)
    return defaults | function.environment | {
        "_HANDLER": function.handler,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logging.group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_REGION": function.region,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "LAMBDA_RUNTIME_DIR": str(interpreter.runtime),
        "LAMBDA_TASK_ROOT": str(task_root),
    }  # fmt: skip
