"""The upper limit of the rate: HTTP in, one worker of awslambdaric, HTTP out, and nothing else.

python -m bench.gateway.ceiling PORT WORKERS
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import uvloop
from aiohttp import web

from local_aws.settings import LOOPBACK
from tools.bootstrap import RUNTIME

_PEER = Path(__file__).with_name("peer")
_EVENT = json.dumps(
    {"httpMethod": "GET", "path": "/hello", "headers": {}, "requestContext": {}, "body": None}
).encode()


class Runtime:
    """A minimal worker and its minimal Runtime API."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue[str] = asyncio.Queue()
        self._answer: asyncio.Future[bytes] | None = None

    async def start(self) -> None:
        server = await asyncio.get_running_loop().create_server(
            web.Server(self._serve, access_log=None), LOOPBACK, 0
        )
        environment = {
            # As on AWS. With it awslambdaric polls in a thread of its own, which doubles its time.
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_RUNTIME_API": f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}",
            "_HANDLER": "handler.handler",
            "LAMBDA_TASK_ROOT": str(_PEER),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{_PEER}:{RUNTIME}",
        }
        await asyncio.create_subprocess_exec(
            sys._base_executable, "-m", "awslambdaric", "handler.handler", env=environment  # type: ignore[attr-defined]
        )  # fmt: skip

    async def invoke(self) -> bytes:
        self._answer = asyncio.get_running_loop().create_future()
        self._asked.put_nowait(str(uuid4()))
        return await self._answer

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            headers = {
                "Lambda-Runtime-Aws-Request-Id": await self._asked.get(),
                "Lambda-Runtime-Deadline-Ms": "9999999999999",
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:000000000000:function:ceiling",
                "Lambda-Runtime-Trace-Id": "Root=1-0-0",
            }
            return web.Response(body=_EVENT, content_type="application/json", headers=headers)
        body = await request.read()
        if self._answer and not self._answer.done():
            self._answer.set_result(body)
        return web.Response(status=202)


async def _run(port: int, workers: int) -> None:
    idle: asyncio.LifoQueue[Runtime] = asyncio.LifoQueue()
    for _ in range(workers):
        runtime = Runtime()
        await runtime.start()
        idle.put_nowait(runtime)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        runtime = await idle.get()
        answered = json.loads(await runtime.invoke())
        idle.put_nowait(runtime)
        return web.Response(
            status=answered["statusCode"], text=answered["body"], content_type="application/json"
        )

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), int(sys.argv[2])), loop_factory=uvloop.new_event_loop)
