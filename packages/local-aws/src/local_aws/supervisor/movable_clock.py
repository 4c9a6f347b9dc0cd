"""A clock of the whole stack that the command `clock` moves, instead of the machine's clock."""

import json
import os
import urllib.error
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from local_aws.clock import Clock, install
from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor import ready as supervisor
from local_aws.supervisor.process import post_json
from local_aws.supervisor.ready import StackError

_PAGE = "/_local/clock"


@dataclass(frozen=True)
class MovableClock:
    """A clock, and the file by which workers share it."""

    path: Path
    clock: Clock


def is_wanted(settings: Settings) -> bool:
    """Return True if …_CLOCK is `movable`. Raise SystemExit for any other value."""
    variable = f"{settings.program.variables}_CLOCK"
    wanted = os.environ.get(variable, "")
    if wanted not in ("", "movable"):
        raise SystemExit(
            f"{variable}={wanted!r} must be `movable`, or unset for the machine's clock."
        )
    return bool(wanted)


def install_new(settings: Settings) -> MovableClock:
    """Create a movable clock, and use it in this process."""
    settings.state.mkdir(parents=True, exist_ok=True)
    path = settings.state / "clock"
    clock = Clock.create(path)
    install(clock)
    return MovableClock(path, clock)


def routes(settings: Settings, clock: Clock | None) -> list[web.RouteDef]:
    async def forward(request: web.Request) -> web.Response:
        if clock is None or "origin" in request.headers:
            return web.json_response({"error": _how(settings)}, status=409)
        try:
            clock.forward(float(request.query.get("forward", "0")))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"now": datetime.now(UTC).isoformat(timespec="seconds")})

    return [web.post(_PAGE, forward)]


def forward(settings: Settings, seconds: float) -> str:
    """Move the running stack's clock and return its new time.

    Raises:
        StackError: No stack is running, or its clock is not movable.
    """
    if (found := supervisor.running(settings)) is None:
        raise StackError(f"No stack is running. `{settings.program.name} up` starts one.")
    try:
        answer = post_json(f"http://{LOOPBACK}:{found.aws_port}{_PAGE}?forward={seconds}")
    except urllib.error.HTTPError as refused:
        with refused:
            raise StackError(json.loads(refused.read())["error"]) from None
    return str(answer["now"])


def _how(settings: Settings) -> str:
    program = settings.program
    return (
        f"The clock of this stack is not movable. Start one that is: {program.name} down &&"
        f" {program.variables}_CLOCK=movable {program.name} up"
    )
