"""The stack of `make test`, started by `make up` with its own state folder and free ports."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from local_aws.supervisor.ports import free_ports

TO_COPY = "ATRIUM_STACK_TO_COPY"  # names the state folder to the failure matrix, which may stop that stack


class Stack:
    """A stack that starts in the background. Stages run on it, and the failure matrix on copies."""

    def __init__(self, root: Path) -> None:
        api, aws = free_ports()
        state = ".local-test"
        self.environment = {
            "ATRIUM_STATE": state,
            "API_PORT": str(api),
            "AWS_PORT": str(aws),
            TO_COPY: state,
        }
        self._root = root
        self._reset()
        self._log = root / f"{state}-up.log"
        with self._log.open("wb") as log:
            self._up = subprocess.Popen(
                ["make", "--no-print-directory", "up"],
                cwd=root,
                env=os.environ | self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def starting(self) -> bool:
        return self._up.poll() is None

    @property
    def started(self) -> bool:
        return self._up.poll() == 0

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def last_line(self) -> str:
        """Return the last line of the output of `make up`, or `starts` before there is one."""
        return (self.output().strip().splitlines() or ["starts"])[-1].strip()

    def remove(self) -> None:
        if self.starting:
            os.killpg(self._up.pid, signal.SIGTERM)
            self._up.wait()
        self._reset()
        self._log.unlink(missing_ok=True)

    def _reset(self) -> None:
        command = [sys.executable, "-m", "tools.laptop", "reset"]
        subprocess.run(
            command,
            cwd=self._root,
            env=os.environ | self.environment,
            check=False,
            capture_output=True,
        )
