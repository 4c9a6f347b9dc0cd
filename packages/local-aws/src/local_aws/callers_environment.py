"""The variables of the caller's shell that must not change what the commands do."""

import os
import shlex
from collections.abc import Mapping, MutableMapping

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Terraform's own variables: another workspace, data folder or option would apply everything a
# second time, or only a part of it. TF_VAR_… and the settings of provider downloads are kept.
_TERRAFORM = (
    "TF_CLI_ARGS",
    "TF_DATA_DIR",
    "TF_IGNORE",
    "TF_INPUT",
    "TF_REATTACH_PROVIDERS",
    "TF_WORKSPACE",
)
_LONGEST_TMPDIR = 60  # Terraform's plugins listen on sockets below it, whose paths end at 107


def without_proxy_for_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that exclude this machine's addresses from any proxy."""
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if given.strip() == "*":
        return {"no_proxy": "*", "NO_PROXY": "*"}
    names = [name.strip() for name in given.split(",") if name.strip()]
    merged = ",".join([*names, *(name for name in _LOOPBACK if name not in names)])
    return {"no_proxy": merged, "NO_PROXY": merged}


def has_proxy(environment: Mapping[str, str]) -> bool:
    return any(
        name.lower() in ("http_proxy", "all_proxy") and value for name, value in environment.items()
    )


def forget_aws(environment: MutableMapping[str, str] = os.environ) -> None:
    """Delete the caller's AWS settings, so that SDKs in this process reach only the local AWS.

    A profile that does not exist would stop every client. The region is kept, and the port of the
    local AWS.
    """
    for name in [each for each in environment if each.startswith("AWS_")]:
        if name not in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PORT"):
            del environment[name]
    environment.update(no_aws_files())


def exports(values: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> str:
    """Return shell commands that set these variables, and make other programs reach the local AWS."""
    if has_proxy(environment):
        values = {**values, **without_proxy_for_loopback(environment)}
    lines = (f"export {name}={shlex.quote(value)}" for name, value in values.items())
    return "\n".join(["unset AWS_PROFILE AWS_SESSION_TOKEN", *lines])


def no_aws_files() -> dict[str, str]:
    """Return the variables that make SDKs ignore ~/.aws and the instance's metadata service."""
    return {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def for_terraform(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that would change what Terraform does."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_TERRAFORM)
        # Terraform writes this log between its JSON events, unless it goes to a file.
        and not (name.startswith("TF_LOG") and not environment.get("TF_LOG_PATH"))
    }
    folder = kept.get("TMPDIR", "")
    if folder and (len(os.fsencode(folder)) > _LONGEST_TMPDIR or not os.access(folder, os.W_OK)):
        del kept["TMPDIR"]
    return kept
