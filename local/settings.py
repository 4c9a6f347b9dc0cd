"""Where this checkout's stack lives and listens."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

# No real account has this number, so nothing signed for the laptop can be mistaken for AWS.
ACCOUNT_ID = "000000000000"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Settings:
    """One local stack. Paths are absolute; every server binds to `LOOPBACK` only."""

    root: Path = field(default_factory=lambda: Path(__file__).resolve().parent.parent)
    state_name: str = ".local"
    api_port: int = 3000
    aws_port: int = 4566

    @classmethod
    def from_environment(cls) -> "Settings":
        """`API_PORT`, `AWS_PORT` and `ATRIUM_STATE` (the folder that holds the stack's state) override the defaults."""
        return cls(
            state_name=_state_name(),
            api_port=_port("API_PORT", 3000),
            aws_port=_port("AWS_PORT", 4566),
        )

    @property
    def state(self) -> Path:
        return self.root / self.state_name

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def api_url(self) -> str:
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def aws_endpoint_url(self) -> str:
        return f"http://{LOOPBACK}:{self.aws_port}"


def _state_name() -> str:
    """`make reset` deletes this folder whole, so only a folder made for it is accepted."""
    name = os.environ.get("ATRIUM_STATE") or ".local"
    if not re.fullmatch(r"\.local[a-z0-9-]*", name):
        raise SystemExit(f"ATRIUM_STATE={name!r} must be .local or start with .local-, such as .local-test.")
    return name


def _port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SystemExit(
            f"{name}={text!r} is not a port. Set it to a number from 1 to 65535, or leave it unset for {default}."
        )
    return int(text)
