"""A cold start: a worker process as on AWS, one event, and its cost until the first response."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import SimpleNamespace
from typing import Any

from bench.startup.artefacts import Artefacts
from local_aws.lambda_service.deployed import Credentials, DeployedFunction
from local_aws.lambda_service.environment import Interpreter, worker_environment
from local_aws.settings import LOOPBACK

REGION = "eu-central-1"

_ENTRY = Path(__file__).with_name("entry.py")
_COLLECTED = re.compile(r"Collected : (\d+)")
_SECONDS = 900  # seconds: a process runs up to forty times as long under valgrind
_ARN = f"arn:aws:lambda:{REGION}:000000000000:function:bench"
# AWS's documented examples; the session token has about the length of a real one.
_CREDENTIALS = Credentials(
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "session+token/==" * 50
)


class StartError(Exception):
    """The worker did not respond as expected, or its instructions could not be counted."""


@dataclass(frozen=True)
class Start:
    """A start: a function of the artefacts, its environment, its event, and the expected `status`.

    With status 0, any response will do. The worker gets the event `requests` times, and ends at the
    last response. With 0 requests it ends when it asks for one, after its imports.
    """

    function: str
    event: Mapping[str, Any]
    environment: dict[str, str]
    status: int = 200
    requests: int = 1


@dataclass(frozen=True)
class Ran:
    """Seconds until the last response, also of the processor, and the peak of memory."""

    seconds: float
    processor: float
    peak: int  # bytes


def valgrind_version() -> str:
    """Return the version. Raise StartError if valgrind is not installed."""
    if shutil.which("valgrind") is None:
        raise StartError(
            "Counting instructions needs valgrind. Install it: apt-get install valgrind"
        )
    return subprocess.run(
        ["valgrind", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()


def instructions(artefacts: Artefacts, start: Start) -> int:
    """Count the user-space instructions until the last response.

    Raise StartError if that fails.
    """
    valgrind_version()
    with NamedTemporaryFile("r", prefix="atrium-bench-") as log:
        # Without further options, callgrind counts instructions and simulates no caches.
        _run(
            artefacts,
            start,
            [
                "valgrind",
                "--tool=callgrind",
                "--callgrind-out-file=/dev/null",
                f"--log-file={log.name}",
            ],
        )
        report = log.read()
    found = _COLLECTED.search(report)
    if found is None:
        raise StartError(f"valgrind did not count {start.function}. It wrote:\n{report}")
    return int(found[1])


def seconds(artefacts: Artefacts, start: Start) -> float:
    """Return the wall time of the same start without valgrind. Raise StartError if it fails."""
    return _run(artefacts, start).seconds


def run(artefacts: Artefacts, start: Start) -> Ran:
    """Return what the start took without valgrind. Raise StartError if it fails."""
    return _run(artefacts, start)


def _run(artefacts: Artefacts, start: Start, under: Sequence[str] = ()) -> Ran:
    """Run a worker from the process's start to its last response, and end it then.

    `under` is a command that runs it, such as valgrind's.
    """
    task_root = artefacts.task_root(start.function)
    path = (task_root, artefacts.layer / "python", artefacts.runtime)
    with (
        _RuntimeApi(start) as api,
        NamedTemporaryFile("r+", prefix="atrium-bench-") as output,
    ):
        began = time.perf_counter()
        worker = subprocess.Popen(
            [*under, *_interpreter(), str(_ENTRY), *map(str, path)],
            cwd=task_root, env=_environment(start, task_root, api), stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            api.serve_until_response(worker)
        finally:
            worker.terminate()
            worker.wait(_SECONDS)
        if api.response is None or (
            start.status and json.loads(api.response).get("statusCode") != start.status
        ):
            raise StartError(
                f"{start.function} answered {api.response!r}. It wrote:\n{Path(output.name).read_text()}"
            )
        return Ran(api.responded_at - began, api.processor, api.peak)


def _interpreter() -> list[str]:
    """Return the interpreter's command: isolated and without bytecode, like a laptop's worker."""
    return [sys._base_executable, "-I", "-S", "-B", "-X", "utf8"]  # type: ignore[attr-defined]


def _environment(start: Start, task_root: Path, api: "_RuntimeApi") -> dict[str, str]:
    deployed = SimpleNamespace(
        function_name=start.function,
        handler=f"{start.function}.handler.handler",
        run_time="python3.13",
        memory_size=512,
        environment_vars={"ATRIUM_SERVICE": start.function, "ATRIUM_STAGE": "bench"},
    )
    function = DeployedFunction(start.function, REGION, "1", _ARN, (), deployed)
    interpreter = Interpreter(Path(sys.executable), task_root, aws_endpoint_url="")
    address = f"{LOOPBACK}:{api.server_port}"
    return (
        worker_environment(function, interpreter, _CREDENTIALS, task_root, address, "bench")
        | start.environment
    )


class _RuntimeApi(HTTPServer):
    """A Runtime API that hands out one event, `requests` times.

    It does not answer the last response: the worker ends there.
    """

    timeout = 1.0
    worker: subprocess.Popen[bytes]

    def __init__(self, start: Start) -> None:
        super().__init__((LOOPBACK, 0), _Requests)
        self.remaining, self.status = start.requests, start.status
        self.event = json.dumps(start.event).encode()
        self.response: bytes | None = None
        self.responded_at = 0.0
        self.processor, self.peak = 0.0, 0

    def note_costs(self) -> None:
        """Read the worker's processor time and peak memory. Only Linux has them."""
        process = Path(f"/proc/{self.worker.pid}")
        if not process.is_dir():
            return
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        self.processor = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        [peak] = re.findall(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
        self.peak = int(peak) * 1024

    def serve_until_response(self, worker: subprocess.Popen[bytes]) -> None:
        self.worker = worker
        deadline = time.monotonic() + _SECONDS
        while self.response is None and worker.poll() is None and time.monotonic() < deadline:
            self.handle_request()


class _Requests(BaseHTTPRequestHandler):
    server: _RuntimeApi
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS

    def do_GET(self) -> None:
        if not self.server.remaining:
            self.server.response = json.dumps({"statusCode": self.server.status}).encode()
            self.server.worker.terminate()
            self.server.worker.wait()
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.event)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", "b9c8a7d6-0000-4000-8000-000000000001")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + _SECONDS) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", _ARN)
        self.send_header(
            "Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
        )
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self) -> None:
        self.server.responded_at = time.perf_counter()
        response = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.remaining -= 1
        if self.server.remaining:
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.response = response
        self.server.note_costs()
        # End the worker while it waits for the answer, so that nothing is counted after its
        # response. At SIGTERM, callgrind writes its report.
        self.server.worker.terminate()
        self.server.worker.wait()
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        pass
