"""`python -m tools.laptop <command>`, which the Makefile's stack targets call."""

# ruff: noqa: E402
import signal

from local_aws.supervisor import ready as supervisor
from tools.deploy import stack_settings

signal.signal(
    signal.SIGINT, signal.SIG_DFL
)  # Until the handler below is set, Ctrl-C ends the process without a traceback.

import argparse
import errno
import os
import sys
from dataclasses import asdict
from types import FrameType

from local_aws import unexpected
from local_aws.callers_environment import exports, forget_aws
from local_aws.settings import Settings
from local_aws.supervisor.ready import StackError
from local_aws.terraform.binary import TerraformMissingError
from local_aws.terraform.command import TerraformError
from local_aws.terraform.record import Record
from tools.deploy import stack_outputs as outputs
from tools.deploy.terraform.scratch import ENVIRONMENT
from tools.laptop.stack import show


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.laptop")
    parser.add_argument(
        "command",
        choices=["up", "dev", "down", "reset", "status", "logs", "env", "clock", "fault"],
    )
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--forward", type=float, default=0, help="clock: seconds")
    parser.add_argument("--dependency", default="", help="fault: postgres, proxy, dynamodb, …")
    parser.add_argument("--fault", default="", help="fault: kill, hang, …; none ends the fault")
    parser.add_argument("--seconds", type=float, default=20, help="fault: its length")
    parser.add_argument("--service", help="logs: a function's folder name, or aws")
    arguments = parser.parse_args()
    forget_aws()
    starts = arguments.command in ("up", "dev")
    settings = stack_settings.asked() if starts else stack_settings.from_environment()
    # A closed terminal and `kill` count as Ctrl-C, because background jobs of a shell ignore
    # SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    try:
        run(arguments.command, settings, arguments)
    except (StackError, TerraformError, TerraformMissingError) as error:
        print(f"\n{arguments.command}: {error}", file=sys.stderr)
        if isinstance(error, TerraformError):
            print(f"  {_after_terraform(settings)}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{_after_system_error(error, arguments.command, settings)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{arguments.command}: interrupted. {_next(settings)}", file=sys.stderr)
        return 130
    return 0


def _after_system_error(error: OSError, command: str, settings: Settings) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = error.filename or settings.state
        return f"{command}: {error.strerror}: {where}. Free some disk space and run it again."
    return unexpected.of_system(error, command)


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _after_terraform(settings: Settings) -> str:
    if Record.of(settings, ENVIRONMENT).apply_cut_off:
        return "`make up` restores the state before this apply and tries again. `make reset` starts afresh."
    return "The finished parts are kept. `make up` continues from here. `make reset` starts afresh."


def _next(settings: Settings) -> str:
    if supervisor.running(settings):
        return (
            "The local AWS is still running. `make up` continues from here. `make down` stops it."
        )
    return "Nothing is running. `make up` continues from here."


def run(command: str, settings: Settings, arguments: argparse.Namespace) -> None:
    json_wanted = arguments.format == "json"
    match command:
        case "up":
            from tools.laptop.stack.up import up

            found = up(settings)
            _tell(show.as_json(asdict(found)) if json_wanted else show.summary(settings, found))
        case "dev":
            from tools.laptop.stack.dev import dev

            dev(settings)
        case "down":
            from local_aws.commands.down import down

            _tell("Stopped." if down(settings) else "Nothing was running.")
        case "reset":
            from local_aws.commands.down import reset

            reset(settings)
            _tell("Deleted the local stack: users, tables, database and logs.")
        case "status":
            values = show.status(settings)
            _tell(show.as_json(values) if json_wanted else show.status_text(values))
        case "logs":
            show.follow_logs(settings, arguments.service)
        case "env":
            values = show.environment(settings, outputs.read(settings))
            _tell(show.as_json(values) if json_wanted else exports(values))
        case "clock":
            from local_aws.supervisor.movable_clock import forward

            _tell(forward(settings, arguments.forward))
        case "fault":
            from local_aws.supervisor import faults

            _tell(
                faults.start(settings, arguments.dependency, arguments.fault, arguments.seconds)
                if arguments.fault
                else faults.end(settings, arguments.dependency)
            )


def _tell(text: str) -> None:
    """Print to standard output, which may be closed early, as by `make status | head -1`."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # Otherwise Python would try to flush it again at its exit.


if __name__ == "__main__":
    sys.exit(main())
