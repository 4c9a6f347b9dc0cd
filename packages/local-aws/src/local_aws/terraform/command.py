"""A running terraform command: its JSON events, its interruption and its end."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

OnEvent = Callable[[dict[str, Any]], None]


class TerraformError(Exception):
    """A terraform command failed. The message is Terraform's own."""


class TerraformCommand:
    """A terraform process in its own process group.

    Terraform aborts at a second SIGINT, so Ctrl-C must not reach it from the terminal as well.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended_itself(self) -> bool:
        """Return True if it was not killed, so that it has written its state."""
        return self._process.returncode is not None and self._process.returncode >= 0

    def follow(self, on_event: OnEvent) -> None:
        """Pass each event to `on_event` until the command ends.

        After Ctrl-C terraform finishes the running operations; a second Ctrl-C kills it.
        """
        try:
            self._read(on_event)
        except BaseException:
            on_event({"type": "interrupted"})
            self.interrupt()
            try:
                self._read(on_event)
            except BaseException:
                self.kill()
            raise
        finally:
            self._close()
        if not self.ended_itself:
            on_event(
                {
                    "@level": "error",
                    "@message": f"terraform was killed by signal {-self._process.returncode}.",
                }
            )
        elif self._process.returncode > 1:
            on_event(
                {
                    "@level": "error",
                    "@message": f"terraform ended with exit code {self._process.returncode}.",
                }
            )

    def interrupt(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill the process group, so that nothing is written any more."""
        kill_group(self._process.pid)

    def _read(self, on_event: OnEvent) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            on_event(_event(line))
        self._process.wait()

    def _close(self) -> None:
        """Kill terraform if it still runs, and the providers that it left behind."""
        self.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


def _event(line: str) -> dict[str, Any]:
    """Return the event of a line; a line of another program is a message."""
    with suppress(ValueError):
        if isinstance(found := json.loads(line), dict):
            return found
    return {"@level": "info", "@message": line.rstrip()}


def kill_group(process_group: int) -> None:
    with suppress(
        ProcessLookupError, PermissionError
    ):  # macOS says PermissionError of a group of zombies
        os.killpg(process_group, signal.SIGKILL)
