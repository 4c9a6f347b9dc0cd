"""What every command of this folder does around its own work: its errors in words, its exit status."""

import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy.configuration import ConfigurationError
from tools.deploy.environment import EnvironmentUnavailableError, FunctionFailedError
from tools.deploy.errors import RefusedError
from tools.deploy.supervisor import StackError
from tools.deploy.terraform.binary import TerraformMissingError
from tools.deploy.terraform.root import TerraformFailedError
from tools.deploy.terraform.scratch import TerraformError

TOLD = (
    ConfigurationError,
    EnvironmentUnavailableError,
    FunctionFailedError,
    RefusedError,
    StackError,
    TerraformError,
    TerraformFailedError,
    TerraformMissingError,
    BotoCoreError,
    ClientError,
)


def run(name: str, work: Callable[[], None]) -> int:
    """0, or 1 with the reason on stderr, or 130 after Ctrl-C."""
    try:
        work()
    except TOLD as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted.", file=sys.stderr)
        return 130
    return 0


def agreed(name: str, *, sure: bool) -> None:
    """Asks whether the plan that was just shown is applied. Raises RefusedError if not."""
    if sure:
        return
    if not sys.stdin.isatty():
        raise RefusedError(
            f"nobody is here to agree to this plan of {name}. YES=1 applies without a question."
        )
    if input(f"Apply this to {name}? Only yes does: ") != "yes":
        raise RefusedError("nothing was applied.")
