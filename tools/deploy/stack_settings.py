"""The state folder and the ports of this checkout's stack, from environment variables."""

import os
import re

from local_aws.settings import Program, Settings
from tools import ROOT


def from_environment() -> Settings:
    """Read `API_PORT`, `AWS_PORT` and `ATRIUM_STATE` (the folder that holds the stack's state).

    Raise SystemExit with the accepted values if one of them is not valid.
    """
    return Settings(
        root=ROOT,
        state_name=_state_name(),
        api_port=_port("API_PORT", 3000),
        aws_port=_port("AWS_PORT", 4566),
        database="atrium",
        terraform_state="dev",
        program=Program("make", "ATRIUM"),
    )


def _state_name() -> str:
    """Return ATRIUM_STATE. Other names than `.local…` are rejected, since `make reset` deletes it."""
    name = os.environ.get("ATRIUM_STATE") or ".local"
    if not re.fullmatch(r"\.local[a-z0-9-]*", name):
        raise SystemExit(
            f"ATRIUM_STATE={name!r} must be .local or start with .local-, such as .local-test."
        )
    return name


def _port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SystemExit(
            f"{name}={text!r} is not a port. Set it to a number from 1 to 65535, or leave it unset for {default}."
        )
    return int(text)
