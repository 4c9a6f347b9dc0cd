"""`make migrate`, `migrate-down`, `migrate-plan` and `migrate-status`: migrations of an environment.

They run in the deployed function `migrate`, which reaches the database. With TUNNEL=<port> they run
on this machine, through `make tunnel`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tools.deploy import command
from tools.deploy.database import prepare_database
from tools.deploy.environment import Environment, FunctionFailedError, environment
from tools.deploy.errors import RefusedError
from tools.operations import migration_lint, new_migration

GOES_AT_ONCE = ("local", "dev")
"""Environments whose migrations may be reverted without CONFIRM."""
ADVICE = {
    "AccessDeniedException": "You need lambda:InvokeFunction on the function's alias live.",
    "ExpiredTokenException": "Sign in to the account of the environment again.",
    "UnrecognizedClientException": "Sign in to the account of the environment again.",
    "ResourceNotFoundException": "It is not deployed there. Deploy the environment first.",
    "DatabaseUnavailableError": "On a fresh environment, run `make migrate` first, which creates the database's roles.",
    "ReadTimeoutError": "The function may still be running. Check with `make migrate-status`.",
    "Sandbox.Timedout": "The run was rolled back. For a migration this long, read docs/runbooks/migrations.md.",
}

TARGETS = {
    "status": "migrate-status",
    "plan": "migrate-plan",
    "apply": "migrate",
    "down": "migrate-down",
}

Run = Callable[[Mapping[str, Any]], dict[str, Any]]


def main() -> int:
    """Return 1 with the reason on stderr if a run fails, or `status` finds an invalid history."""
    options = _options()
    return command.run(TARGETS[options.command], lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    try:
        _command(options)
    except FunctionFailedError as error:
        advice = f"\n  {ADVICE[error.kind]}" if error.kind in ADVICE else ""
        raise RefusedError(f"{error}{advice}") from error
    except KeyboardInterrupt:
        ran = "The run ended too" if options.tunnel else "The function is still running"
        raise RefusedError(
            f"interrupted. {ran}. `make migrate-status` shows which migrations are applied."
        ) from None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.migrate", description=__doc__)
    parser.add_argument("command", choices=["status", "plan", "apply", "down"])
    parser.add_argument("--env", default="", help="local, dev or prod")
    parser.add_argument(
        "--to", default="", help="apply, plan: the last migration to apply, by name or number"
    )
    parser.add_argument(
        "--steps", default="1", help="down: how many to revert (default: %(default)s)"
    )
    parser.add_argument(
        "--confirm", default="", help="down: name of the environment, such as atrium-prod"
    )
    parser.add_argument(
        "--tunnel", default="", help="port of this machine that `make tunnel` listens on"
    )
    parser.add_argument("--format", default="text", help="text or json")
    return parser.parse_args()


def _command(options: argparse.Namespace) -> None:
    if options.format not in ("text", "json"):
        raise RefusedError(f"FORMAT={options.format} is neither text nor json.")
    to = _to(options.to)
    steps = _whole("STEPS", options.steps, 1000)
    port = _whole("TUNNEL", options.tunnel, 65535) if options.tunnel else None
    chosen = environment(options.env)
    run = runner(chosen, port)
    match options.command:
        case "status":
            answer = run({"action": "status"})
        case "plan":
            answer = run({"action": "plan"} | to)
        case "apply":
            if port or chosen.is_local:  # so that this checkout's files run
                migration_lint.require()
            answer = run({"action": "apply"} | to) if port else prepare_database(chosen.invoke, to)
        case _:
            require_confirmation(chosen, options.confirm, steps)
            answer = run({"action": "down", "steps": steps})
    text = (
        json.dumps({"environment": chosen.name} | answer, indent=2)
        if options.format == "json"
        else ""
    )
    print(text or TEXT[options.command](chosen.name, answer))
    if answer.get("wrong"):
        raise RefusedError("\n".join(["the next run would be refused.", *answer["wrong"]]))


def runner(chosen: Environment, tunnel: int | None = None) -> Run:
    """Return a callable that runs an action of `functions/migrate` in the environment."""
    if tunnel:
        from tools.operations import tunnelled_database

        return lambda event: tunnelled_database.run(chosen, tunnel, event)
    if chosen.settings:
        _release_as_saved(chosen)
    return lambda event: chosen.invoke("migrate", event)


def require_confirmation(chosen: Environment, confirm: str, steps: int) -> None:
    """Require CONFIRM, since reverting deletes data. Raise RefusedError without it."""
    name = chosen.output("functions")["migrate"].removesuffix("-migrate")
    if confirm != name and (confirm or chosen.name not in GOES_AT_ONCE):
        given = f"CONFIRM is {confirm!r}. " if confirm else ""
        raise RefusedError(
            f"{given}This drops what the last {steps} migration(s) of {name} added, with all data written there since. "
            f"To go on, run make migrate-down ENV={chosen.name} STEPS={steps} CONFIRM={name}. "
            "A new migration is usually better (docs/runbooks/migrations.md)."
        )


def _release_as_saved(chosen: Environment) -> None:
    """Release this checkout's migrations to the laptop first, if its zip lacks them."""
    from tools.build.errors import BuildError
    from tools.laptop.dev.hot_reload import HotReload

    assert chosen.settings
    only = {"migrate": chosen.output("functions")["migrate"]}
    release = HotReload(
        chosen.settings.root, only, chosen.client("lambda"), chosen.settings.aws_endpoint_url
    )
    for outcome in release.reload():
        if isinstance(outcome, BuildError):
            raise RefusedError(str(outcome))
        if outcome.refused:
            raise RefusedError(
                "\n".join(
                    [
                        "functions/migrate does not start with its saved code. Correct it and run this again:",
                        *outcome.refused,
                    ]
                )
            )


def _to(text: str) -> dict[str, str]:
    """Return the migration that TO names; the function checks that it exists and is pending."""
    known = new_migration.names()
    if text and text not in {form for name in known for form in (name, name.partition("_")[0])}:
        raise RefusedError(
            f"TO={text} is not a migration or its number. TO is one of: {', '.join(known)}."
        )
    return {"to": text} if text else {}


def _whole(name: str, text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise RefusedError(f"{name}={text!r} is not a whole number from 1 to {most}.")
    return int(text)


def _status_text(name: str, answer: Mapping[str, Any]) -> str:
    marks = dict.fromkeys(answer["unknown"], "not in this build") | {
        each["id"]: "edited" for each in answer["edited"]
    }
    lines = [f"{name}: {len(answer['applied'])} applied, {len(answer['pending'])} pending"]
    for one in answer["applied"]:
        when = answer["applied_at"][one][:16].replace("T", " ")
        lines.append(f"  ✓ {one:<40} {when} UTC  {marks.get(one, '')}".rstrip())
    lines += [
        f"  · {one:<40} {'pending, though a later one is applied' if one in answer['late'] else 'pending'}"
        for one in answer["pending"]
    ]
    return "\n".join(lines)


def _plan_text(name: str, answer: Mapping[str, Any]) -> str:
    if not answer["apply"]:
        return f"{name}: nothing to apply."
    return "\n".join(
        f"-- {each['id']}, to be applied to {name}\n{each['sql']}" for each in answer["apply"]
    )


def _apply_text(name: str, answer: Mapping[str, Any]) -> str:
    done = f"applied {', '.join(answer['applied'])}" if answer["applied"] else "nothing to apply"
    return f"{name}: {done}." + (
        f" Still pending: {', '.join(answer['pending'])}." if answer["pending"] else ""
    )


def _down_text(name: str, answer: Mapping[str, Any]) -> str:
    return f"{name}: took back {', '.join(answer['taken_back'])}."


TEXT = {"status": _status_text, "plan": _plan_text, "apply": _apply_text, "down": _down_text}


if __name__ == "__main__":
    sys.exit(main())
