"""The command `local-aws`."""

import argparse
import sys
from pathlib import Path

from local_aws.settings import Program, Settings


def main() -> int:
    parser = argparse.ArgumentParser(prog="local-aws")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the services in the foreground until SIGTERM")
    serve.add_argument("--root", type=Path, required=True)
    serve.add_argument("--state", default=Settings.state_name)
    serve.add_argument("--api-port", type=int, default=Settings.api_port)
    serve.add_argument("--aws-port", type=int, default=Settings.aws_port)
    serve.add_argument("--database", default=Settings.database)
    serve.add_argument("--terraform-state", default=Settings.terraform_state)
    serve.add_argument("--program", default=Program.name)
    serve.add_argument("--variables", default=Program.variables)
    serve.add_argument("--runtime", type=Path, required=True)
    serve.add_argument("--source", default="")
    serve.add_argument("--movable-clock", action="store_true")
    _serve(parser.parse_args())
    return 0


def _serve(options: argparse.Namespace) -> None:
    settings = Settings(
        root=options.root,
        state_name=options.state,
        api_port=options.api_port,
        aws_port=options.aws_port,
        database=options.database,
        terraform_state=options.terraform_state,
        program=Program(options.program, options.variables),
    )
    from local_aws.supervisor import movable_clock

    # Before anything is imported that keeps `time.time` under another name.
    clock = movable_clock.install_new(settings) if options.movable_clock else None
    from local_aws.supervisor.process import Launch
    from local_aws.supervisor.serve import serve

    serve(settings, Launch(options.runtime, options.source, options.movable_clock), clock)


if __name__ == "__main__":
    sys.exit(main())
