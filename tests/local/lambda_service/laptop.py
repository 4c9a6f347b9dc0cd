"""What the tests of Lambda and API Gateway stand on: moto behind an AWS endpoint that boto3 calls, and real workers."""

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from aiohttp import web
from botocore.config import Config
from moto.backends import get_backend
from moto.moto_server.werkzeug_app import create_backend_app

from local.aws_call import AwsCall, AwsResponse, Interceptor
from local.lambda_service import Credentials, LambdaService
from local.settings import ACCOUNT_ID, LOOPBACK, Settings

REGION = "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/worker"
ROOT = Path(__file__).resolve().parents[3]
BASE_PYTHON = Path(sys._base_executable)  # type: ignore[attr-defined]
_SERVICES: tuple[Any, ...] = ("lambda", "iam", "logs", "apigateway")


class Loop:
    """An event loop in a thread, so that plain tests can call both blocking boto3 and our coroutines."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run[T](self, work: Coroutine[Any, Any, T], timeout: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


def install_runtime(folder: Path) -> Path:
    """`awslambdaric` as requirements/runtime.txt locks it."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise RuntimeError("The tests of local Lambda install awslambdaric with uv: put uv on PATH, or its path in UV")
    requirements = ROOT / "requirements" / "runtime.txt"
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder), "-r"]
    subprocess.run([*command, str(requirements)], check=True)
    return folder


def zipped(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


class Laptop:
    """boto3 clients of an endpoint where our interceptors stand before moto."""

    def __init__(self, loop: Loop, root: Path, runtime: Path, **options: Any) -> None:
        for service in _SERVICES:
            get_backend(service).reset()
        self.loop = loop
        self.settings = Settings(root=root)
        self.lines: list[tuple[str, str]] = []
        self.interceptors: dict[str, Interceptor] = {}
        self.functions = LambdaService(
            self.settings, self._credentials, python=BASE_PYTHON, runtime=runtime,
            on_line=lambda function, line: self.lines.append((function, line)), **options,
        )  # fmt: skip
        self.interceptors["lambda"] = self.functions.intercept
        self._apps = {service: create_backend_app(service) for service in _SERVICES}
        loop.run(self.functions.start())
        self._runner, self.port = loop.run(self.listen(self._aws_endpoint()))
        self.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument="{}")

    def close(self) -> None:
        self.loop.run(self._runner.cleanup())
        self.loop.run(self.functions.close())

    async def listen(self, app: web.Application) -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        return runner, runner.addresses[0][1]

    def client(self, service: str) -> Any:
        return boto3.client(
            service, region_name=REGION, endpoint_url=f"http://{LOOPBACK}:{self.port}",  # type: ignore[call-overload]
            aws_access_key_id="local", aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
        )  # fmt: skip

    def deploy(self, name: str, code: str, handler: str = "main.handler", **options: Any) -> Any:
        """Create a function of one file and return boto3's answer."""
        return self.client("lambda").create_function(
            FunctionName=name, Runtime="python3.13", Role=ROLE, Handler=handler,
            Code={"ZipFile": zipped({"main.py": code})}, **options,
        )  # fmt: skip

    def invoke(self, function: str, event: object = None, **options: Any) -> Any:
        """(payload, Invocation) of a direct call of the service."""
        done = self.loop.run(self.functions.invoke(function, json.dumps(event).encode(), **options))
        return json.loads(done.payload), done

    def _credentials(self, role: str, session: str) -> Credentials:
        return Credentials(f"key-of-{role}", "secret", f"token-for-{session}")

    def _aws_endpoint(self) -> web.Application:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        service = headers["authorization"].split("Credential=")[1].split("/")[3]
        call = AwsCall(
            service, request.method, request.rel_url.raw_path, request.rel_url.raw_query_string, headers,
            await request.read(), REGION,
        )  # fmt: skip
        intercept = self.interceptors.get(service)
        response = await (intercept(call, self._forward) if intercept else self._forward(call))
        return web.Response(status=response.status, body=response.body, headers=response.headers)

    async def _forward(self, call: AwsCall) -> AwsResponse:
        answer = self._apps[call.service].test_client().open(
            f"{call.path}?{call.query}", method=call.method, data=call.body, headers=dict(call.headers),
            base_url=f"http://{call.service}.{REGION}.amazonaws.com",
        )  # fmt: skip
        headers = {key: value for key, value in answer.headers.items() if key.lower() != "content-length"}
        return AwsResponse(answer.status_code, answer.data, headers)


@contextmanager
def laptop(loop: Loop, root: Path, runtime: Path, **options: Any) -> Iterator[Laptop]:
    made = Laptop(loop, root, runtime, **options)
    try:
        yield made
    finally:
        made.close()
