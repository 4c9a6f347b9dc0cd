"""The command `local-aws`."""

import argparse
import locale
import os
import sys
from pathlib import Path

from local_aws import unexpected
from local_aws.callers_environment import forget_aws
from local_aws.settings import Program, Settings
from local_aws.supervisor import ports

STATE = ".local-aws"


def main() -> int:
    _require_utf8()
    options = _parser().parse_args()
    sys.excepthook = unexpected.hook((options.root or Path()).resolve() / options.state)
    forget_aws()
    settings = _settings(options)
    if options.command == "serve":
        return _serve(settings, options)
    return _command(settings, options)


def _require_utf8() -> None:
    """Start again in UTF-8 mode if files or output have another encoding, such as Latin-1."""
    own = "PYTHONIOENCODING" in os.environ
    if not own and (sys.flags.utf8_mode or locale.getencoding().lower() == "utf-8"):
        return
    environment = {**os.environ, "PYTHONUTF8": "1"}
    environment.pop("PYTHONIOENCODING", None)
    command = [sys.executable, "-P", "-m", "local_aws", *sys.argv[1:]]
    os.execve(sys.executable, command, environment)  # noqa: S606


def _settings(options: argparse.Namespace) -> Settings:
    settings = Settings(
        root=(options.root or Path()).resolve(),
        state_name=options.state,
        database=options.database,
        terraform_state=options.terraform_state,
        program=Program(options.program, options.variables),
    )
    asked = ports.asked_for(settings, options.api_port, options.aws_port)
    return asked if options.command in ("up", "serve") else ports.of_running(asked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="local-aws", description="AWS for Terraform and Lambda on this machine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_text in (
        ("up", "start the services, and apply the Terraform root that --root names"),
        ("down", "stop the services; their data is kept"),
        ("reset", "stop the services and delete their data"),
        ("status", "print what runs and where"),
        ("env", 'print variables for terraform, aws and boto3: eval "$(local-aws env)"'),
        ("coverage", "print which operations were called, and what their answers are worth"),
        ("serve", "run the services in the foreground, as `up` does in the background"),
    ):
        _add_common(commands.add_parser(name, help=help_text))
    commands.choices["coverage"].add_argument(
        "--known",
        action="store_true",
        help="print what differs from AWS and what is refused; needs no running services",
    )
    serve = commands.choices["serve"]
    serve.add_argument("--runtime", type=Path, help=argparse.SUPPRESS)
    serve.add_argument("--source", default="", help=argparse.SUPPRESS)
    serve.add_argument("--movable-clock", action="store_true", help=argparse.SUPPRESS)
    serve.add_argument("--pages", nargs=3, action="append", default=[], help=argparse.SUPPRESS)
    serve.add_argument("--panel", nargs=3, action="append", default=[], help=argparse.SUPPRESS)
    return parser


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--root", type=Path, help="the Terraform root, which holds the state (default: this folder)"
    )
    command.add_argument(
        "--state",
        default=os.environ.get("LOCAL_AWS_STATE", STATE),
        help=f"name of the state folder in the root (LOCAL_AWS_STATE; default: {STATE})",
    )
    for name, variable, default in (
        ("--api-port", "API_PORT", Settings.api_port),
        ("--aws-port", "AWS_PORT", Settings.aws_port),
    ):
        command.add_argument(
            name,
            type=int,
            default=os.environ.get(variable) or None,
            help=f"({variable}; default: that of the last start, at first {default})",
        )
    command.add_argument(
        "--database", default=Settings.database, help="the database that Postgres starts with"
    )
    # Other programs start the services under their own name.
    command.add_argument("--terraform-state", default="root", help=argparse.SUPPRESS)
    command.add_argument("--program", default=Program.name, help=argparse.SUPPRESS)
    command.add_argument("--variables", default=Program.variables, help=argparse.SUPPRESS)


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    from local_aws.supervisor import movable_clock

    # This comes before any import of a module that keeps `time.time` under another name.
    clock = movable_clock.install_new(settings) if options.movable_clock else None
    from local_aws.api_gateway.static_pages import StaticPages
    from local_aws.console.panel import Panel
    from local_aws.lambda_service.runtime_folder import link_runtime
    from local_aws.supervisor.process import Launch
    from local_aws.supervisor.serve import serve

    runtime = options.runtime or link_runtime(settings.state / "runtime")
    pages = tuple(
        StaticPages(path, Path(folder), missing) for path, folder, missing in options.pages
    )
    panels = tuple(Panel(name, title, Path(folder)) for name, title, folder in options.panel)
    serve(settings, Launch(runtime, options.source, options.movable_clock, pages, panels), clock)
    return 0


def _command(settings: Settings, options: argparse.Namespace) -> int:
    from local_aws.supervisor.ready import StackError
    from local_aws.terraform.binary import TerraformMissingError
    from local_aws.terraform.command import TerraformError

    try:
        _run(settings, options)
    except (StackError, TerraformError, TerraformMissingError) as error:
        print(f"\n{options.command}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{unexpected.of_system(error, options.command)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{options.command}: interrupted", file=sys.stderr)
        return 130
    return 0


def _run(settings: Settings, options: argparse.Namespace) -> None:
    from local_aws.commands import show

    match options.command:
        case "up":
            from local_aws.commands.up import up

            print(show.summary(settings, up(settings, applies=options.root is not None)))
        case "down":
            from local_aws.commands.down import down

            print("Stopped." if down(settings) else "Nothing was running.")
        case "reset":
            from local_aws.commands.down import reset

            reset(settings)
            print("Deleted the resources, the database and the logs.")
        case "coverage":
            from local_aws.commands.coverage import coverage, known

            print(known() if options.known else coverage(settings))
        case "status":
            print(show.status(settings))
        case "env":
            print(show.exports(settings))


if __name__ == "__main__":
    sys.exit(main())
