"""Error messages, exit status and confirmation of tools/deploy and tools/operations."""

import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.supervisor.ready import StackError
from local_aws.terraform.binary import TerraformMissingError
from local_aws.terraform.command import TerraformError
from tools.deploy import interruption
from tools.deploy.configuration import ConfigurationError
from tools.deploy.environment import EnvironmentUnavailableError, FunctionFailedError
from tools.deploy.errors import RefusedError
from tools.deploy.terraform.root import TerraformFailedError

EXPECTED = (
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
    """Run `work` and return 0; return 1 with the reason on stderr, or 130 after an interruption."""
    interruption.raise_keyboard_interrupt()
    try:
        work()
    except EXPECTED as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted.", file=sys.stderr)
        return 130
    return 0


def confirm(name: str, *, confirmed: bool, instead: str = "YES=1") -> None:
    """Ask whether to apply the plan that was just shown. Raise RefusedError unless confirmed.

    `instead` is the setting that takes the place of the question.
    """
    if confirmed:
        return
    if not sys.stdin.isatty():
        raise RefusedError(
            f"there is no terminal to confirm the plan of {name}. {instead} applies it without a question."
        )
    if input(f"Apply this plan to {name}? Type yes to apply: ") != "yes":
        raise RefusedError("nothing was applied.")
