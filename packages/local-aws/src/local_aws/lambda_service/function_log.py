"""Where a function's lines go: CloudWatch Logs, a file per function, and whoever watches."""

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

# The newest events of a stream that moto keeps, up to twice as many: each takes a kilobyte of memory and of every snapshot, and there is a
# stream for each worker. The file has them all.
EVENTS_PER_STREAM = 2_000


class FunctionLogs:
    """All functions' logs. `folder` gets `<function name>.log`."""

    def __init__(self, folder: Path, on_line: OnLine | None = None) -> None:
        self.folder = folder
        self._on_line = on_line
        self._files: dict[str, BinaryIO] = {}

    def write(self, function: DeployedFunction, stream: str, lines: list[str]) -> None:
        """Append lines; empty ones are dropped, as by CloudWatch."""
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
    """Append lines to a stream. Without the group nothing is kept, unless `create` says that it may be made."""
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
    """Return True if the function's role may make its log group, as the first invocation then does."""
    resource = f"arn:aws:logs:{function.region}:{ACCOUNT_ID}:log-group:{group}"
    return role_may(function.role, "logs:CreateLogGroup", resource).allowed


def new_stream(version: str) -> str:
    """`2026/01/31/[$LATEST]<32 hex>`: one per worker, as on AWS one per execution environment."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid4().hex}"
