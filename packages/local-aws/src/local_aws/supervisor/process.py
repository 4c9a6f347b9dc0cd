"""The supervisor as a background process: start it, find it again, stop it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor.ports import is_free
from local_aws.supervisor.ready import (
    COMMAND,
    Running,
    StackError,
    is_alive,
    listener,
    running,
)

if TYPE_CHECKING:  # it imports moto, which takes longer than most commands
    from local_aws.api_gateway.static_pages import StaticPages
    from local_aws.console.panel import Panel

STARTUP_SECONDS = 300  # seconds, for a slow machine; a process that ends is reported at once
SHUTDOWN_SECONDS = 70  # the supervisor's last snapshot may take a minute
SNAPSHOT_SECONDS = 90


GAVE_UP = "could not start: "  # the prefix of the supervisor's last message in its log


@dataclass(frozen=True)
class Launch:
    """The arguments that start a supervisor, apart from its settings."""

    runtime: Path  # the folder that holds awslambdaric and nothing else
    source: str = ""  # digest of the source, for the ready file
    movable_clock: bool = False
    pages: "tuple[StaticPages, ...]" = ()  # served at the API's address
    panels: "tuple[Panel, ...]" = ()  # of the console


def start(settings: Settings, launch: Launch) -> Running:
    """Start the supervisor detached from this terminal and wait until both ports answer.

    Raises:
        StackError: A port is taken, or it ended or hung while starting. Nothing of it is left running.
    """
    for port in (settings.api_port, settings.aws_port):
        _require_free(settings, port)
    settings.logs.mkdir(parents=True, exist_ok=True)
    log = settings.logs / "supervisor.log"
    begin = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", *COMMAND, *_arguments(settings, launch)],
            cwd=settings.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        return _ready(settings, process, log, begin)
    except BaseException:
        _end(process)
        raise


def _arguments(settings: Settings, launch: Launch) -> list[str]:
    """Return the options of `local-aws serve`."""
    return [
        f"--root={settings.root}",
        f"--state={settings.state_name}",
        f"--api-port={settings.api_port}",
        f"--aws-port={settings.aws_port}",
        f"--database={settings.database}",
        f"--terraform-state={settings.terraform_state}",
        f"--program={settings.program.name}",
        f"--variables={settings.program.variables}",
        f"--runtime={launch.runtime}",
        f"--source={launch.source}",
        *(["--movable-clock"] if launch.movable_clock else []),
        *(option for pages in launch.pages for option in _page_options(pages)),
        *(option for panel in launch.panels for option in _panel_options(panel)),
    ]


def _page_options(pages: "StaticPages") -> list[str]:
    return ["--pages", pages.path, str(pages.folder), pages.missing]


def _panel_options(panel: "Panel") -> list[str]:
    return ["--panel", panel.name, panel.title, str(panel.folder)]


def _ready(
    settings: Settings, process: "subprocess.Popen[bytes]", log: Path, begin: int
) -> Running:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        found = running(settings)
        if found and found.pid == process.pid:
            return found
        if process.poll() is not None:
            raise StackError(
                f"The local AWS did not start. {_last_words(log, begin)}\n"
                f"  Its log: {log}. `{settings.program.name} up` tries again."
            )
        time.sleep(0.05)
    raise StackError(
        f"The local AWS was not ready after {STARTUP_SECONDS} s and was stopped. {_last_words(log, begin)}\n"
        f"  Its log: {log}. Run `{settings.program.name} up` to try again."
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process that is starting, and its children.

    Its start may be completed before it ends.
    """
    process.terminate()
    try:
        process.wait(SHUTDOWN_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()


def stop(settings: Settings) -> bool:
    """Stop the supervisor with its workers, PgBouncer and Postgres; return False if none was running.

    Raises:
        StackError: It still runs because its snapshot has no room, or it hung and was killed.
    """
    found = running(settings)
    if found is None:
        return False
    with suppress(OSError):  # a supervisor that does not answer is stopped too
        save(settings, found)
    os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    while time.monotonic() < deadline:
        if not is_alive(found.pid):
            return True
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(found.pid, signal.SIGKILL)
    raise StackError(
        f"The supervisor (pid {found.pid}) did not stop in {SHUTDOWN_SECONDS} s and was killed. `{settings.program.name} up` starts it again."
    )


def kill(settings: Settings) -> None:
    """Kill the supervisor and its children, if it runs."""
    if found := running(settings):
        os.killpg(found.pid, signal.SIGKILL)
        while is_alive(found.pid):
            time.sleep(0.05)


def save(settings: Settings, found: Running) -> dict[str, Any]:
    """Ask the supervisor for a snapshot, if anything changed since the last.

    Raises:
        StackError: The snapshot could not be written.
        OSError: The supervisor does not answer.
    """
    url = f"http://{LOOPBACK}:{found.aws_port}/_local/snapshot"
    try:
        answer: dict[str, Any] = post_json(url, SNAPSHOT_SECONDS)
    except urllib.error.HTTPError as refused:
        with refused:
            reason = json.loads(refused.read())["error"]
        raise StackError(
            f"No snapshot was written: {reason}. The stack keeps running and nothing is lost, but a stop now"
            f" would lose the changes since the last one.\n  Free disk space for {settings.state} and run this again."
        ) from None
    return answer


def applied(found: Running) -> str:
    """Return the inputs of the last apply, or an empty text if a resource changed since."""
    return str(get_json(f"http://{LOOPBACK}:{found.aws_port}/_local/applied")["inputs"])


def request_model(found: Running) -> str:
    """Return a sentence with the number of calls validated against AWS's models since the start."""
    count = get_json(f"http://{LOOPBACK}:{found.aws_port}/_local/request-model")
    return f"{count['calls']} calls with {count['values']} values validated against AWS's models"


def set_applied(found: Running, inputs: str) -> None:
    post_json(f"http://{LOOPBACK}:{found.aws_port}/_local/applied/{inputs}")


def get_json(url: str, timeout: float = 5.0) -> Any:
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return json.load(response)


def post_json(url: str, timeout: float = 60.0) -> Any:
    request = urllib.request.Request(url, data=b"", method="POST")
    with urllib.request.urlopen(request, timeout=timeout) as response:
        return json.load(response)


def wait_for(settings: Settings, url: str, seconds: float) -> Any:
    """Return the JSON at `url` once it answers 200."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return get_json(url)
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{url} did not become healthy in {seconds:.0f} s ({error}). `{settings.program.name} logs` shows why."
                ) from error
            time.sleep(0.2)


def _require_free(settings: Settings, port: int) -> None:
    if is_free(port):
        return
    raise StackError(
        f"Port {port} on {LOOPBACK} is taken{_by_whom(settings, port)}. Stop the process that listens there "
        f"(`lsof -i :{port}` names it) or choose another: {_free_ports(settings)} {settings.program.name} up\n"
        "  Later commands remember the ports."
    )


def _free_ports(settings: Settings) -> str:
    """Return the settings of ports that are free, next to those that were asked for."""
    chosen: dict[str, int] = {}
    for name, port in (("API_PORT", settings.api_port), ("AWS_PORT", settings.aws_port)):
        near = (each for each in range(port, 65536) if each not in chosen.values())
        chosen[name] = next(filter(is_free, near), port)
    return " ".join(f"{name}={port}" for name, port in chosen.items())


def _by_whom(settings: Settings, port: int) -> str:
    """Return the words that name the stack that has the port, and its stop command, if any."""
    if (other := listener(port)) is None:
        return ""
    program = settings.program
    state = f"{program.variables}_STATE={other.state_name}"
    if other.root == settings.root.resolve():
        return (
            f" by the stack in {other.state_name} (pid {other.pid}, `{state} {program.name} down`)"
        )
    return f" by the stack of {other.root} (pid {other.pid}; there, `{state} {program.name} down` stops it)"


def _last_words(log: Path, begin: int) -> str:
    """Return the message that ended this start, or the last lines of its log."""
    lines = log.read_bytes()[begin:].decode(errors="replace").splitlines()
    for number, line in enumerate(lines):
        if line.startswith(GAVE_UP):
            return "\n".join([line.removeprefix(GAVE_UP), *lines[number + 1 :]])
    return "\n" + "\n".join("    " + line for line in lines[-12:])
