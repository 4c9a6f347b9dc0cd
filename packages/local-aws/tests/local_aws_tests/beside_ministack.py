"""Comparison of local-aws with ministack.

  python -m local_aws_tests.beside_ministack MINISTACK RUNTIME

MINISTACK is the program, and RUNTIME the folder of the Lambda runtime client. Both emulators listen
on free loopback ports while the rules of `comparison.py` run.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local_aws.settings import LOOPBACK
from local_aws.supervisor.ports import free_ports
from local_aws_tests.comparison import table

START_SECONDS = 120


def main(ministack: str, runtime: str) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        api, aws = free_ports()
        other, _ = free_ports()
        options = f"--root={folder} --runtime={runtime} --api-port={api} --aws-port={aws}".split()
        ours = [sys.executable, "-P", "-m", "local_aws", "serve", *options]
        running.enter_context(_server(ours, aws, Path(folder), {}))
        loopback = {"BIND_HOST": LOOPBACK, "GATEWAY_PORT": str(other)}
        running.enter_context(_server([ministack], other, Path(folder), loopback))
        print(
            table(
                {
                    "local-aws": f"http://{LOOPBACK}:{aws}",
                    "ministack": f"http://{LOOPBACK}:{other}",
                }
            )
        )


@contextmanager
def _server(
    command: Sequence[str], port: int, folder: Path, variables: Mapping[str, str]
) -> Iterator[None]:
    """Run a server, and wait until its port accepts connections."""
    log = folder / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **variables}, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _accepts(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
