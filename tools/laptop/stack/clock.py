"""The stack's clock: the machine's, or with ATRIUM_CLOCK=movable one that `make clock` moves."""

import json
import os
import urllib.error
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from local_aws.clock import Clock, install
from local_aws.settings import LOOPBACK, Settings
from tools.deploy import supervisor
from tools.deploy.supervisor import StackError
from tools.laptop.stack.process import post_json

VARIABLE = "ATRIUM_CLOCK"
_PAGE = "/_atrium/clock"
_HOW = f"The clock of this stack is not movable. Start one that is: make down && {VARIABLE}=movable make up"


def movable(settings: Settings) -> tuple[Path, Clock] | None:
    """Return the movable clock and its file, and use it in this process; None for the machine's clock."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "movable"):
        raise SystemExit(
            f"{VARIABLE}={wanted!r} must be `movable`, or unset for the machine's clock."
        )
    if not wanted:
        return None
    settings.state.mkdir(parents=True, exist_ok=True)
    path = settings.state / "clock"
    clock = Clock.create(path)
    install(clock)
    return path, clock


def routes(clock: Clock | None) -> list[web.RouteDef]:
    async def forward(request: web.Request) -> web.Response:
        if clock is None or "origin" in request.headers:
            return web.json_response({"error": _HOW}, status=409)
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
        raise StackError("No stack is running. `make up` starts one.")
    try:
        answer = post_json(f"http://{LOOPBACK}:{found.aws_port}{_PAGE}?forward={seconds}")
    except urllib.error.HTTPError as refused:
        with refused:
            raise StackError(json.loads(refused.read())["error"]) from None
    return str(answer["now"])
