"""Function logs: written to CloudWatch Logs, to a file per function, and to watchers."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from moto.logs.models import logs_backends

from local_aws.iam.sessions import role_may
from local_aws.lambda_service.deployed import DeployedFunction
from local_aws.settings import ACCOUNT_ID

OnLine = Callable[[str, str], None]  # function name, line

# The number of events that moto keeps per stream; a stream may briefly hold twice as many. Each
# event takes a kilobyte of memory and of every snapshot, and each worker has a stream. The file
# keeps all events.
EVENTS_PER_STREAM = 2_000


class FunctionLogs:
    """The logs of all functions; `folder` receives `<function name>.log`."""

    def __init__(self, folder: Path, on_line: OnLine | None = None) -> None:
        self.folder = folder
        self._on_line = on_line
        self._files: dict[str, BinaryIO] = {}

    def write(self, function: DeployedFunction, stream: str, lines: list[str]) -> None:
        """Append lines; like CloudWatch, drop empty ones."""
        lines = [line for line in lines if line]
        if not lines:
            return
        self._file(function.name).write(("\n".join(lines) + "\n").encode(errors="replace"))
        group = function.logging.group
        put_events(
            group, function.region, stream, lines, create=lambda: _may_create(function, group)
        )
        if self._on_line:
            for line in lines:
                self._on_line(function.name, line)

    def _file(self, function: str) -> BinaryIO:
        file = self._files.get(function)
        if file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self._files[function] = (self.folder / f"{function}.log").open("ab", buffering=0)
        return file

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()


def put_events(
    group_name: str,
    region: str,
    stream_name: str,
    lines: list[str],
    create: Callable[[], bool] = lambda: False,
) -> None:
    """Append lines to a stream.

    Without the log group the lines are dropped, unless `create` allows creating the group.
    """
    backend = logs_backends[ACCOUNT_ID][region]
    group = backend.groups.get(group_name)
    if group is None:
        if not create():
            return
        group = backend.create_log_group(group_name, {})
    if stream_name not in group.streams:
        group.create_log_stream(stream_name)
    now = int(time.time() * 1000)
    stream = group.streams[stream_name]
    stream.put_log_events([{"timestamp": now, "message": line} for line in lines])
    if len(stream.events) > 2 * EVENTS_PER_STREAM:
        del stream.events[:-EVENTS_PER_STREAM]


def _may_create(function: DeployedFunction, group: str) -> bool:
    """Return True if the function's role may create its log group.

    The first invocation then creates it.
    """
    resource = f"arn:aws:logs:{function.region}:{ACCOUNT_ID}:log-group:{group}"
    return role_may(function.role, "logs:CreateLogGroup", resource).allowed


def new_stream(version: str) -> str:
    """Return a stream name `2026/01/31/[$LATEST]<32 hex>`.

    Each worker has a stream, as each execution environment has one on AWS.
    """
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid4().hex}"
