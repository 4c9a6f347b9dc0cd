"""The environment of the tests of Lambda and API Gateway: moto behind an AWS endpoint, and real
workers.
"""

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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import uvloop
from aiohttp import web
from botocore.config import Config
from moto.backends import get_backend

from local_aws.aws_call import Interceptor
from local_aws.control_plane import endpoint
from local_aws.control_plane.moto_app import Moto
from local_aws.dynamodb import DynamoDb, Store
from local_aws.event_sources import EventSources
from local_aws.iam.gate import IamGate
from local_aws.lambda_service import Credentials, LambdaService
from local_aws.lambda_service.pools import CredentialsOf
from local_aws.moto_state import additions
from local_aws.moto_state.additions import LambdaAdditions
from local_aws.settings import ACCOUNT_ID, LOOPBACK, Settings
from local_aws.xray import Daemon, Traces
from local_aws.xray.endpoint import interceptor
from local_aws_tests.support.waiting import settle

REGION = "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/worker"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)
ROOT = Path(__file__).resolve().parents[5]
BIN = Path(sys.executable).parent
BASE_PYTHON = Path(sys._base_executable)  # type: ignore[attr-defined]
_SERVICES: tuple[Any, ...] = (
    "apigateway", "dynamodb", "dynamodbstreams", "events", "iam", "lambda", "logs", "sns", "sqs", "sts",
)  # fmt: skip


class Loop:
    """An event loop in a thread, so that plain tests can call both blocking boto3 and coroutines."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run[T](self, work: Coroutine[Any, Any, T], timeout: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


def install_runtime(folder: Path) -> Path:
    """Install the version of `awslambdaric` that requirements/runtime.txt pins."""
    uv = os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=BIN)
    if uv is None:
        raise RuntimeError(
            "The tests of local Lambda install awslambdaric with uv: put uv on PATH, or its path in UV"
        )
    requirements = ROOT / "requirements" / "runtime.txt"
    command = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--target",
        str(folder),
        "-r",
    ]
    subprocess.run([*command, str(requirements)], check=True)
    return folder


def zipped(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(
                zipfile.ZipInfo(name), text
            )  # without times, so that equal files give equal zips
    return content.getvalue()


class Laptop:
    """boto3 clients of an endpoint with moto, our Lambda and our event sources, as in a whole
    stack.
    """

    def __init__(
        self,
        loop: Loop,
        root: Path,
        runtime: Path,
        credentials: CredentialsOf | None = None,
        **options: Any,
    ) -> None:
        for service in _SERVICES:
            get_backend(service).reset()
        self.loop = loop
        self.settings = Settings(root=root)
        self.lines: list[tuple[str, str]] = []
        self.interceptors: dict[str, Interceptor] = {}
        self.moto = Moto(self.settings)
        self.xray = Daemon(Traces())
        loop.run(self.xray.start())
        self.interceptors["xray"] = interceptor(self.xray.traces)
        self.functions = LambdaService(
            self.settings, credentials or self._credentials, python=BASE_PYTHON, runtime=runtime, xray=self.xray, apart=self.moto.run,
            on_line=lambda function, line: self.lines.append((function, line)), **options,
        )  # fmt: skip
        self.store = Store()
        self.interceptors["dynamodb"] = DynamoDb(self.store).intercept
        self.ahead = timedelta()  # offset of the schedules' clock
        self.sources = EventSources(
            self.moto, self.functions, self.store, now=lambda: datetime.now(UTC) + self.ahead
        )
        self.interceptors["events"] = self.sources.intercept_events
        self.interceptors["lambda"] = lambda call, forward: self.sources.intercept(
            call, lambda other: self.functions.intercept(other, forward)
        )
        loop.run(self._start())
        self.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)

    async def _start(self) -> None:
        await self.functions.start()
        await self.sources.start()
        app = endpoint.create_app(
            self.interceptors, self.moto, IamGate().check, self.functions.routes()
        )
        self._runner, self.port = await self.listen(web.AppRunner(app, access_log=None))

    def close(self) -> None:
        self.loop.run(self._stop())
        self.moto.close()
        self.store.close()

    async def _stop(self) -> None:
        await self.sources.close()
        await self._runner.cleanup()
        await self.functions.close()
        self.xray.close()

    async def listen[T: web.BaseRunner](self, runner: T) -> tuple[T, int]:
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

    def additions(self) -> LambdaAdditions:
        """Return our data on moto's Lambda backend."""
        return additions.of_lambda(REGION)

    def deploy(self, name: str, code: str, handler: str = "main.handler", **options: Any) -> Any:
        """Create a function of one file. Return boto3's answer."""
        return self.client("lambda").create_function(
            FunctionName=name, Runtime="python3.13", Role=ROLE, Handler=handler,
            Code={"ZipFile": zipped({"main.py": code})}, **options,
        )  # fmt: skip

    def invoke(self, function: str, event: object = None, **options: Any) -> Any:
        """Invoke the service directly. Return (payload, Invocation)."""
        done = self.loop.run(self.functions.invoke(function, json.dumps(event).encode(), **options))
        return json.loads(done.payload), done

    def _credentials(self, role: str, session: str) -> Credentials:
        return Credentials(f"key-of-{role}", "secret", f"token-for-{session}")


def gone(process_id: int) -> bool:
    """Return True once the process has ended; a zombie counts as ended."""

    def ended() -> bool:
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return True
        return False

    return settle(ended, 60)


@contextmanager
def laptop(loop: Loop, root: Path, runtime: Path, **options: Any) -> Iterator[Laptop]:
    made = Laptop(loop, root, runtime, **options)
    try:
        yield made
    finally:
        made.close()
