"""Commands without a running stack: they end at once, also if their output pipe is closed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_closed_pipe_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    told = subprocess.run(
        [sys.executable, "-m", "tools.laptop", "status"],
        cwd=ROOT,
        env=os.environ | {"ATRIUM_STATE": ".local-nowhere"},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize("module", ["tools.laptop.__main__", "local_aws.commands.up"])
def test_commands_start_without_importing_moto(module: str) -> None:
    """Check this because importing moto takes ten times as long as the rest of a command."""
    code = f"import {module}, sys; print({{'moto', 'boto3', 'jsonschema'}} & {{*sys.modules}})"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "packages/local-aws/src:functions"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "set()\n"
