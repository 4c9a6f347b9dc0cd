"""A console that serves some sections at the AWS endpoint, and a client of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.console.pages import Console, Section
from local_aws.console.panel import Panel
from local_aws.control_plane import endpoint
from local_aws.settings import LOOPBACK


async def _moto(_: AwsCall) -> AwsResponse:
    return AwsResponse(200, b"")


async def _permit(_: AwsCall) -> AwsResponse | None:
    return None


@asynccontextmanager
async def served(
    *sections: Section, panels: tuple[Panel, ...] = ()
) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Serve a console and yield a client with its address."""
    app = endpoint.create_app({}, _moto, _permit, Console(sections, panels).routes())
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    try:
        async with aiohttp.ClientSession() as session:
            yield session, f"http://{LOOPBACK}:{runner.addresses[0][1]}/_local/console"
    finally:
        await runner.cleanup()
