"""`python -m local <command>`: what the Makefile's stack targets call."""

import argparse
import shutil
import sys
from dataclasses import asdict

from local.settings import Settings
from local.stack import outputs, process, show
from local.stack.process import StackError
from local.terraform.binary import TerraformMissingError
from local.terraform.scratch import TerraformError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local")
    parser.add_argument("command", choices=["up", "down", "reset", "status", "logs", "env", "serve"])
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--service", help="logs: a function's folder name, or aws")
    arguments = parser.parse_args()
    settings = Settings.from_environment()
    try:
        run(arguments.command, settings, arguments)
    except (StackError, TerraformError, TerraformMissingError) as error:
        print(f"\n{arguments.command}: {error}", file=sys.stderr)
        if isinstance(error, TerraformError):
            print("  What was made is kept: `make up` goes on from here, `make reset` starts afresh.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. `make up` goes on from here; `make down` stops what runs.", file=sys.stderr)
        return 130
    return 0


def run(command: str, settings: Settings, arguments: argparse.Namespace) -> None:
    json_wanted = arguments.format == "json"
    match command:
        case "up":
            from local.stack.up import up

            found = up(settings)
            print(show.as_json(asdict(found)) if json_wanted else show.summary(settings, found))
        case "down":
            print("Stopped." if process.stop(settings) else "Nothing was running.")
        case "reset":
            reset(settings)
        case "status":
            values = show.status(settings)
            print(show.as_json(values) if json_wanted else show.status_text(values))
        case "logs":
            show.follow_logs(settings, arguments.service)
        case "env":
            values = show.environment(settings, outputs.read(settings))
            print(show.as_json(values) if json_wanted else show.exports(values))
        case "serve":
            from local.stack.serve import serve

            serve(settings)


def reset(settings: Settings) -> None:
    # These bring moto with them, which the other commands need not wait for.
    from local.database import postgres
    from local.lambda_service.unpack import remove_read_only

    process.stop(settings)
    # Where nobody may enter the checkout (one under /root), Postgres keeps its folder elsewhere.
    postgres.forget(settings.state / "postgres")
    remove_read_only(settings.state / "run" / "code")
    shutil.rmtree(settings.state, ignore_errors=True)
    print("Forgot the local stack: users, tables, database and logs.")


if __name__ == "__main__":
    sys.exit(main())
