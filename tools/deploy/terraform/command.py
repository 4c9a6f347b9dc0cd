"""A terraform command under way: its JSON events, an interrupt that it may answer, and how it ended."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

OnEvent = Callable[[dict[str, Any]], None]


class TerraformCommand:
    """In a process group of its own, so that Ctrl-C reaches it once, from us: at a second one it would not end what is under way."""

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
        """Not killed: it has written its state."""
        return self._process.returncode is not None and self._process.returncode >= 0

    def follow(self, on_event: OnEvent) -> None:
        """Hands each event to `on_event` until the command ends. After Ctrl-C it ends what is under way; after another one it is killed."""
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
                    "@message": f"terraform was killed (signal {-self._process.returncode}).",
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
        """It writes nothing any more."""
        kill_group(self._process.pid)

    def _read(self, on_event: OnEvent) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            on_event(
                json.loads(line)
                if line.startswith("{")
                else {"@level": "info", "@message": line.rstrip()}
            )
        self._process.wait()

    def _close(self) -> None:
        """Ends terraform, if it runs still, and providers that it left behind."""
        self.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


def kill_group(process_group: int) -> None:
    with suppress(
        ProcessLookupError, PermissionError
    ):  # macOS says PermissionError of a group of zombies
        os.killpg(process_group, signal.SIGKILL)
