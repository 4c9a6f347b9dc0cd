"""A session of `make dev`: one thread watches files, another prints requests."""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.supervisor.observations import listen
from tools.build.errors import BuildError
from tools.laptop.dev.hot_reload import HotReload, Outcome
from tools.laptop.dev.request_lines import RequestLines, coloured, plain
from tools.laptop.dev.traceback_lines import readable
from tools.laptop.dev.watch import saved

NAMED_FILES = 3  # the number of saved files that are named; further ones are only counted


class Session:
    """One session; `deployed` maps a folder to its function's name.

    `output` is coloured if it is a terminal.
    """

    def __init__(
        self,
        root: Path,
        reload: HotReload,
        deployed: Mapping[str, str],
        aws_endpoint_url: str,
        output: TextIO,
    ) -> None:
        self._root = root
        self._reload = reload
        self._deployed = deployed
        self._endpoint = aws_endpoint_url
        self._output = output
        self._lock = threading.Lock()
        self._paint = coloured if output.isatty() and not os.environ.get("NO_COLOR") else plain

    def run(self) -> None:
        """Run until the stack ends."""
        listener = threading.Thread(target=self._tell_requests, daemon=True)
        listener.start()
        saves = saved(self._root / "functions")
        next(saves)  # from here on no saved file is missed
        # Builds what was saved before, and loads the builder's modules, so later builds are quick.
        self._release("")
        self._show(
            "Saved files in functions/ are served at once, and requests are shown here. Press Ctrl-C to end."
        )
        for files in saves:
            if files:
                self._saved(files)
            if not listener.is_alive():
                return

    def _tell_requests(self) -> None:
        lines = RequestLines(
            self._root, {name: folder for folder, name in self._deployed.items()}, self._paint
        )
        try:
            for seen in listen(self._endpoint):
                if seen.invoked:
                    self._reload.called(seen.invoked.function)
                self._show(*lines.of(seen))
        except OSError as error:
            self._show(
                f"Requests are no longer shown, because the stack does not answer: {error}. Run `make dev` again."
            )

    def _saved(self, files: set[Path]) -> None:
        names = sorted(str(file.relative_to(self._root)) for file in files)
        more = f" and {len(names) - NAMED_FILES} more" if len(names) > NAMED_FILES else ""
        self._release(f"{', '.join(names[:NAMED_FILES])}{more}: ")
        for declared in (name for name in names if name.endswith(".yaml")):
            self._say(
                f"{declared}: Terraform applies routes, rights and settings. Run `make up` in another terminal."
            )

    def _release(self, what: str) -> None:
        """Release, and report the first function at once and the others together."""
        live: list[Outcome] = []
        try:
            for outcome in self._reload.reload():
                if isinstance(outcome, BuildError):
                    self._say(
                        f"{outcome.as_line(self._root)} The old code is still served.", failed=True
                    )
                elif outcome.refused:
                    text = f"{what}{outcome.function} does not start. Its old code is still served."
                    self._say(text, *readable(outcome.refused, self._root), failed=True)
                else:
                    live.append(outcome)
                    if len(live) == 1:
                        self._say(f"{what}{outcome.function} is live after {outcome.seconds:.2f} s")
        except (ClientError, BotoCoreError, OSError) as error:
            self._say(f"{what}not released: {error}. Save the file again to retry.", failed=True)
        if others := live[1:]:
            names = ", ".join(sorted(outcome.function for outcome in others))
            self._say(f"{what}{names} too, after {others[-1].seconds:.2f} s")

    def _say(self, text: str, *below: str, failed: bool = False) -> None:
        line = f"{time.strftime('%H:%M:%S')} {self._paint(text, 'red' if failed else 'green')}"
        self._show(line, *(self._paint(f"         {line}", "red") for line in below))

    def _show(self, *lines: str) -> None:
        with self._lock:  # two threads print, each a whole line at a time
            self._output.write("".join(line + "\n" for line in lines))
            self._output.flush()
