"""The supervisor as a background process: start it, find it again, stop it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from local.settings import LOOPBACK, Settings

STARTUP_SECONDS = 60
SHUTDOWN_SECONDS = 20


class StackError(Exception):
    """What happened, and what to type next."""


@dataclass(frozen=True)
class Running:
    """What the supervisor wrote when it was ready."""

    pid: int
    api_port: int
    aws_port: int
    postgres_port: int
    postgres_version: str
    pooling: str  # "pgbouncer", or "none" where it is not installed
    restored: bool  # whether it goes on from a snapshot
    notice: str  # what its starter should be told


def write_ready(settings: Settings, running: Running) -> None:
    half = settings.state / "supervisor.json.part"
    half.write_text(json.dumps(asdict(running)))
    half.replace(_ready_file(settings))


def running(settings: Settings) -> Running | None:
    """The live supervisor of this state folder; a file left by a killed one counts as none."""
    try:
        found = Running(**json.loads(_ready_file(settings).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if _is_supervisor(found.pid) else None


def start(settings: Settings) -> Running:
    """Starts the supervisor detached from this terminal and waits until both ports answer."""
    for name, port in (("API_PORT", settings.api_port), ("AWS_PORT", settings.aws_port)):
        _require_free(name, port)
    settings.logs.mkdir(parents=True, exist_ok=True)
    _ready_file(settings).unlink(missing_ok=True)
    log = settings.logs / "supervisor.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "serve"],
            cwd=settings.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if found := running(settings):
            return found
        if process.poll() is not None:
            raise StackError(f"The local AWS ended while starting:\n{_tail(log)}\n  Its log: {log}")
        time.sleep(0.05)
    process.terminate()
    raise StackError(f"The local AWS was not ready after {STARTUP_SECONDS} s. Its log: {log}\n{_tail(log)}")


def stop(settings: Settings) -> bool:
    """True if one was running. It ends its workers, PgBouncer and Postgres before it ends itself."""
    found = running(settings)
    if found is None:
        return False
    os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    while time.monotonic() < deadline:
        if not _is_supervisor(found.pid):
            _ready_file(settings).unlink(missing_ok=True)
            return True
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(found.pid, signal.SIGKILL)
    raise StackError(
        f"The supervisor (pid {found.pid}) did not stop in {SHUTDOWN_SECONDS} s and was killed. `make up` starts it again."
    )


def get_json(url: str, timeout: float = 5.0) -> Any:
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return json.load(response)


def post_json(url: str, timeout: float = 60.0) -> Any:
    request = urllib.request.Request(url, data=b"", method="POST")
    with urllib.request.urlopen(request, timeout=timeout) as response:
        return json.load(response)


def wait_for(url: str, seconds: float) -> Any:
    """The JSON at `url` once it answers 200."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return get_json(url)
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{url} did not become healthy in {seconds:.0f} s ({error}). `make logs` shows why."
                ) from error
            time.sleep(0.2)


def _ready_file(settings: Settings) -> Any:
    return settings.state / "supervisor.json"


def _is_supervisor(pid: int) -> bool:
    """Alive, and ours: a pid may have been given to someone else since."""
    shown = subprocess.run(["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True).stdout
    return "local serve" in shown and not shown.lstrip().startswith("Z")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _require_free(name: str, port: int) -> None:
    if not is_free(port):
        raise StackError(
            f"Port {port} on {LOOPBACK} is taken. Stop what listens there (`lsof -i :{port}` names it) "
            f"or choose another: {name}={port + 1} make up"
        )


def _tail(log: Any, lines: int = 12) -> str:
    return "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-lines:])
