"""A stack for trying failures, driven by the commands that users type."""

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local_aws.database import postgres
from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor import worker_processes as processes
from local_aws_tests.support.waiting import settle
from tools.laptop.client import Client

ROOT = Path(__file__).resolve().parent.parent.parent
OWNER = (
    # names this stack in the environment of every process that our commands start
    "ATRIUM_FAILURES_OF"
)


@dataclass(frozen=True)
class CompletedCommand:
    code: int
    output: str

    @property
    def message(self) -> str:
        """Return the last message of the command, on one line."""
        told = re.split(r"\n(?=(?:up|down|reset|bootstrap): )", "\n" + self.output)[-1]
        lines = [
            line.strip()
            for line in told.splitlines()
            if line.strip() and not line.startswith("make: ***")
        ]
        return " ".join(lines)


@dataclass
class Command:
    """A running `make` in a session of its own. A signal to its group has the effect of Ctrl-C."""

    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)

    def until(self, pattern: str) -> str:
        """Return the first line of the output that matches."""
        for line in self._read():
            if re.search(pattern, line):
                return line
        raise AssertionError(f"{pattern!r} did not come:\n{''.join(self.lines)}")

    def interrupt(self) -> CompletedCommand:
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def end(self) -> CompletedCommand:
        with self.process:  # also closes the pipe
            for _ in self._read():
                pass
        return CompletedCommand(self.process.returncode, "".join(self.lines))

    def _read(self) -> Iterator[str]:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            yield line


@dataclass(frozen=True)
class Stack:
    settings: Settings
    environment: Mapping[str, str]

    @classmethod
    def of(cls, state: str, ports: tuple[int, int]) -> "Stack":
        settings = Settings(ROOT, state_name=state, api_port=ports[0], aws_port=ports[1])
        chosen = {"ATRIUM_STATE": state, "API_PORT": str(ports[0]), "AWS_PORT": str(ports[1])}
        chosen[OWNER] = str(settings.state)
        # A `make` inside `make failure-matrix` must behave as if a user had started it.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("MAKE") and name != "MFLAGS"
        }
        return cls(settings, {**inherited, **chosen})

    @property
    def state(self) -> Path:
        return self.settings.state

    def start(self, *target: str, before: tuple[str, ...] = (), **environment: str) -> Command:
        """Start `make <target>`. `before` is a command that runs it, such as `unshare`."""
        process = subprocess.Popen(
            [*before, "make", "--no-print-directory", *target],
            cwd=ROOT,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return Command(process)

    def make(
        self, *target: str, before: tuple[str, ...] = (), **environment: str
    ) -> CompletedCommand:
        return self.start(*target, before=before, **environment).end()

    def up(self) -> CompletedCommand:
        """Run the next `make up`, which must succeed."""
        ended = self.make("up")
        assert ended.code == 0, ended.output
        assert "Traceback" not in ended.output
        return ended

    def be_up(self) -> None:
        """Start the stack unless it is up, for a test that needs a running one; quicker than `up`."""
        try:
            with urllib.request.urlopen(f"{self.settings.api_url}/v1/health", timeout=10):
                return
        except OSError:
            self.up()

    @property
    def supervisor(self) -> int:
        return int(json.loads((self.state / "supervisor.json").read_text())["pid"])

    @property
    def lock_holder(self) -> int:
        """Return the pid of the command that holds the stack's lock."""
        return int(json.loads((self.state / "command.json").read_text())["pid"])

    def processes(self) -> dict[int, str]:
        """Return all processes of this stack, as pid and command line.

        Servers and workers have an environment of their own.
        """
        ours = re.compile(
            rf"{re.escape(str(self.state))}(/|\s|$)|{re.escape(self._socket_folder())}"
        )
        return {
            pid: command
            for pid, command in processes.commands()
            if ours.search(command) or processes.environment(pid).get(OWNER) == str(self.state)
        }

    def strays(self) -> dict[int, str]:
        """Return processes that should have ended. Wait up to 30 s for them."""
        settle(lambda: not self.processes(), 30)
        return self.processes()

    def running(self, program: str) -> list[int]:
        """Return the processes that run the stack."""
        return [
            pid
            for pid, command in self.processes().items()
            if Path(command.split()[0]).name.startswith(program)
        ]

    def change_a_resource(self, client: Client) -> None:
        """Change a resource without Terraform, so that the next `make up` must run it."""
        group = f"/aws/lambda/{client.outputs.functions['users']}"
        client.aws("logs").put_retention_policy(logGroupName=group, retentionInDays=3)

    def workers(self, function: str) -> list[int]:
        """Return the processes that run `function`."""
        return processes.workers(function, self.state)

    def postmaster(self) -> int:
        return int((self.state / "postgres" / "postmaster.pid").read_text().split()[0])

    def log(self) -> str:
        return (self.state / "logs" / "supervisor.log").read_text(errors="replace")

    def _socket_folder(self) -> str:
        return postgres.socket_folder(postgres.place(self.state / "postgres")).name


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((LOOPBACK, port))
        taken.listen()
        yield
