"""The state folder and the ports of this checkout's stack, from environment variables."""

import os
import re

from local_aws.settings import Program, Settings
from local_aws.supervisor import ports
from tools import ROOT


def from_environment() -> Settings:
    """Return the settings of this checkout's stack, with its own ports if it runs.

    `ATRIUM_STATE` names the folder that holds its state.
    """
    return ports.of_running(asked())


def asked() -> Settings:
    """Return the settings of a start, with `API_PORT` and `AWS_PORT` or the ports of the last start.

    Raise SystemExit with the accepted values if a variable is not valid.
    """
    settings = Settings(
        root=ROOT,
        state_name=_state_name(),
        database="atrium",
        terraform_state="dev",
        program=Program("make", "ATRIUM"),
    )
    return ports.asked_for(settings, _port("API_PORT"), _port("AWS_PORT"))


def _state_name() -> str:
    """Return ATRIUM_STATE.

    Other names than `.local…` are rejected, since `make reset` deletes it.
    """
    name = os.environ.get("ATRIUM_STATE") or ".local"
    if not re.fullmatch(r"\.local[a-z0-9-]*", name):
        raise SystemExit(
            f"ATRIUM_STATE={name!r} must be .local or start with .local-, such as .local-test."
        )
    return name


def _port(name: str) -> int | None:
    text = os.environ.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise SystemExit(
            f"{name}={text!r} is not a port. Set it to a number from 1 to 65535, or unset it."
        )
    return int(text)
