"""The state folder and addresses of a local AWS."""

from dataclasses import dataclass
from pathlib import Path

# No real account has this number, so a signature for the laptop cannot be mistaken for one for AWS.
ACCOUNT_ID = "000000000000"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Program:
    """The command and the environment variables that messages name, such as `local-aws up`."""

    name: str = "local-aws"
    variables: str = "LOCAL_AWS"  # the prefix of the variables …_STATE and …_CLOCK


@dataclass(frozen=True)
class Settings:
    """The settings of one local AWS.

    Paths are absolute; every server binds to `LOOPBACK` only.
    """

    root: Path
    state_name: str = ".local"
    api_port: int = 3000
    aws_port: int = 4566
    database: str = "app"  # the database that Postgres starts with
    terraform_state: str = "root"  # the name of the Terraform state that snapshots keep
    program: Program = Program()

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
